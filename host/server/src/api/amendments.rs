//! The next revision of an intent: sent back by whoever has a seat, amended by whoever asked for it.

use super::view::IntentView;
use super::whole;
use crate::asked::{self, Members, Place, Posted};
use crate::limits::{COMMAND_BYTES_MAX, INTENT_BYTES_MAX};
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::response::Response;
use countersign_core::approval::command::Command;
use utoipa::ToSchema;

/// Why it is sent back.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ReturnBody {
    /// What must be otherwise.
    #[schema(example = "the margin does not carry 18 %: take 12 % or 36 months")]
    reason: String,
}

/// What is asked for now.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct AmendmentBody {
    /// All tokens of the intent as they are now, those that stay the same too.
    #[schema(value_type = Object)]
    tokens: (),
}

/// Sends an intent back to its requester, in a seat of the token's person. Once more than the intent type
/// lets it opens an exception instead.
#[utoipa::path(
    post, path = "/v1/intents/{id}/returns", tag = "intents", operation_id = "send_back",
    request_body = ReturnBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the requester has to amend it", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn send_back(
    State(host): State<Host>,
    Place(name): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let command = |person, revision, words| Command::SendBack { person, revision, words };
    super::with_words(&host, &name, posted, ("reason", command)).await
}

/// Asks for something else under the same intent. People are asked again only where something that their
/// decision rested on has changed.
#[utoipa::path(
    post, path = "/v1/intents/{id}/amendments", tag = "intents", operation_id = "amend",
    request_body = AmendmentBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the next revision is prepared; `ETag` is its number", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn amend(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<INTENT_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["tokens"]);
    let tokens = members.take("tokens");
    if tokens.is_none() {
        members.flaw(Flaw::new("/tokens", "all tokens of the intent", "nothing"));
    }
    members.checked()?;
    // INVARIANT: without tokens the body was flawed, and that was said above.
    let tokens = tokens.ok_or_else(Problem::bug)?;
    let command = Command::Amend { person: caller.person.clone(), revision, tokens };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}
