//! What people do about a seat before anybody decides: claim it, give it back, ask, answer.

use super::view::IntentView;
use super::whole;
use crate::asked::{self, Members, Place, Posted};
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::response::Response;
use countersign_core::approval::command::Command;
use countersign_core::intent::Raw;
use utoipa::ToSchema;

/// A claim needs no words.
#[derive(Debug, ToSchema)]
pub(crate) struct ClaimBody {}

/// Giving a claim back needs no words.
#[derive(Debug, ToSchema)]
pub(crate) struct ReleaseBody {}

/// What the requester is asked.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct QuestionBody {
    /// The question.
    #[schema(example = "is the customer's offer by the competitor in writing?")]
    words: String,
}

/// What the requester answers.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct AnswerBody {
    /// The answer.
    words: String,
    /// Which question, from 1; not needed while only one is open.
    #[schema(minimum = 1, maximum = 20)]
    question: Option<u32>,
}

/// Says that the token's person will decide in a seat of their pool; the others see it and are kept from
/// deciding until the claim is given back or its time is up.
#[utoipa::path(
    post, path = "/v1/intents/{id}/claims", tag = "intents", operation_id = "claim_seat",
    request_body = ClaimBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is claimed; `seats` says until when", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    Members::of(body, &[]).checked()?;
    let command = Command::Claim { person: caller.person.clone(), revision };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Gives a claim of the token's person back to the pool.
#[utoipa::path(
    post, path = "/v1/intents/{id}/releases", tag = "intents", operation_id = "release_seat",
    request_body = ReleaseBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the others may decide again", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    Members::of(body, &[]).checked()?;
    let command = Command::Release { person: caller.person.clone(), revision };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Asks the requester something in a seat of the token's person; the time of the seat stands still until
/// the answer.
#[utoipa::path(
    post, path = "/v1/intents/{id}/questions", tag = "intents", operation_id = "ask",
    request_body = QuestionBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the requester is asked; `questions` says until when", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(
    State(host): State<Host>,
    Place(name): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let command = |person, revision, words| Command::Ask { person, revision, words };
    super::with_words(&host, &name, posted, ("words", command)).await
}

/// Answers a question about an intent that the token's person asked for; the time of the seat runs on.
#[utoipa::path(
    post, path = "/v1/intents/{id}/answers", tag = "intents", operation_id = "answer",
    request_body = AnswerBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the answer is kept", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn answer(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["words", "question"]);
    let words = members.words("words");
    let question = members.take("question").and_then(|raw| {
        let number = match &raw {
            Raw::Integer(number) => u32::try_from(*number).ok().filter(|number| 1 <= *number),
            Raw::Null
            | Raw::Bool(_)
            | Raw::Float
            | Raw::TooLarge
            | Raw::Text(_)
            | Raw::List(_)
            | Raw::Map(_) => None,
        };
        if number.is_none() {
            members.flaw(Flaw::new("/question", "the number of a question, from 1", raw.found()));
        }
        number
    });
    members.checked()?;
    let command = Command::Answer { person: caller.person.clone(), revision, question, words };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}
