//! Seats in other hands: delegated, handed over, taken back; one more voice; comments and reminders.

use super::view::IntentView;
use super::whole;
use crate::asked::{self, Members, Place, Posted};
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::response::Response;
use countersign_core::approval::command::{Command, Reassigned};
use countersign_core::approval::seat::Order;
use countersign_core::id::PersonId;
use countersign_core::time::Timestamp;
use utoipa::ToSchema;

/// Who decides in the person's place, and until when.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct DelegationBody {
    /// One of the `deputies` of the intent.
    #[schema(example = "cro-chief-of-staff")]
    to: String,
    /// When the seat is the person's again: RFC 3339, within 90 days.
    #[schema(example = "2026-12-01T17:00:00Z")]
    until: String,
    /// Why.
    reason: String,
}

/// Who decides in the person's place.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct TransferBody {
    /// One of the `deputies` of the intent.
    #[schema(example = "cro-chief-of-staff")]
    to: String,
    /// Why.
    reason: String,
}

/// What goes into whose hands.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ReassignmentBody {
    /// Whose seat; this or `exception`.
    #[schema(example = "finance-1")]
    from: Option<String>,
    /// Which open exception; this or `from`.
    exception: Option<String>,
    /// Who has it from now on.
    #[schema(example = "fpna-lead")]
    to: String,
    /// Why.
    reason: String,
}

/// Taking something back needs no words.
#[derive(Debug, ToSchema)]
pub(crate) struct RecallBody {}

/// Who is to decide too.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct VoiceBody {
    /// Whose voice.
    whom: String,
    /// `before` the person's own seat, or `after` it.
    #[schema(example = "after", pattern = "^(before|after)$")]
    order: String,
    /// Why.
    reason: String,
}

/// Words that move nothing.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct CommentBody {
    /// The comment.
    words: String,
}

/// A reminder needs no words.
#[derive(Debug, ToSchema)]
pub(crate) struct ReminderBody {}

/// A person as a body names them.
fn named(text: &str) -> Option<PersonId> {
    PersonId::parse(text).ok()
}

/// Lets somebody else decide in a seat of the token's person, until a moment; then it is theirs again.
#[utoipa::path(
    post, path = "/v1/intents/{id}/delegations", tag = "intents", operation_id = "delegate_seat",
    request_body = DelegationBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the seat is in other hands; `seats` says in whose", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delegate(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["to", "until", "reason"]);
    let to = members.required("to", "a person", named);
    let until = members.required("until", "a moment such as 2026-12-01T17:00:00Z", Timestamp::from_rfc3339);
    let reason = members.words("reason");
    members.checked()?;
    // INVARIANT: without the two the body was flawed, and that was said above.
    let (to, until) = (to.ok_or_else(Problem::bug)?, until.ok_or_else(Problem::bug)?);
    let command = Command::Hand { person: caller.person.clone(), revision, to, until: Some(until), reason };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Hands a seat of the token's person over for good.
#[utoipa::path(
    post, path = "/v1/intents/{id}/transfers", tag = "intents", operation_id = "transfer_seat",
    request_body = TransferBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the seat is in other hands; `seats` says in whose", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn transfer(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["to", "reason"]);
    let to = members.required("to", "a person", named);
    let reason = members.words("reason");
    members.checked()?;
    // INVARIANT: without it the body was flawed, and that was said above.
    let to = to.ok_or_else(Problem::bug)?;
    let command = Command::Hand { person: caller.person.clone(), revision, to, until: None, reason };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Puts a seat or an exception of somebody else into other hands, for good: for administrators.
#[utoipa::path(
    post, path = "/v1/intents/{id}/reassignments", tag = "intents", operation_id = "reassign",
    request_body = ReassignmentBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is in other hands; `seats` and `exceptions` say in whose", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reassign(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["from", "exception", "to", "reason"]);
    let from = members.optional("from", "a person", named);
    let exception = members.optional("exception", "the id of an exception", |text| text.parse().ok());
    let to = members.required("to", "a person", named);
    let reason = members.words("reason");
    let what = match (from, exception) {
        (Some(of), None) => Some(Reassigned::Seat { of }),
        (None, Some(id)) => Some(Reassigned::Exception { id }),
        (Some(_), Some(_)) => {
            members.flaw(Flaw::new("/exception", "either `from` or `exception`", "both"));
            None
        }
        (None, None) => {
            members.flaw(Flaw::new("/from", "either `from` or `exception`", "neither"));
            None
        }
    };
    members.checked()?;
    // INVARIANT: without the two the body was flawed, and that was said above.
    let (what, to) = (what.ok_or_else(Problem::bug)?, to.ok_or_else(Problem::bug)?);
    let command = Command::Reassign { person: caller.person.clone(), revision, what, to, reason };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Takes back what the token's person handed over and the voices that they added, where it is not decided yet.
#[utoipa::path(
    post, path = "/v1/intents/{id}/recalls", tag = "intents", operation_id = "recall",
    request_body = RecallBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is the person's own again", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn recall(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    Members::of(body, &[]).checked()?;
    let command = Command::Recall { person: caller.person.clone(), revision };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Wants somebody else to decide too, before a seat of the token's person or after it.
#[utoipa::path(
    post, path = "/v1/intents/{id}/voices", tag = "intents", operation_id = "add_voice",
    request_body = VoiceBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "one more voice is needed; `seats` says whose", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn add_voice(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["whom", "order", "reason"]);
    let whom = members.required("whom", "a person", named);
    let order = members.required("order", "`before` or `after`", |word| match word {
        "before" => Some(Order::Before),
        "after" => Some(Order::After),
        _ => None,
    });
    let reason = members.words("reason");
    members.checked()?;
    // INVARIANT: without the two the body was flawed, and that was said above.
    let (whom, order) = (whom.ok_or_else(Problem::bug)?, order.ok_or_else(Problem::bug)?);
    let command = Command::AddVoice { person: caller.person.clone(), revision, whom, order, reason };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Says something about an intent that moves nothing; it stands in its timeline.
#[utoipa::path(
    post, path = "/v1/intents/{id}/comments", tag = "intents", operation_id = "comment",
    request_body = CommentBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is kept", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn comment(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    let mut members = Members::of(body, &["words"]);
    let words = members.words("words");
    members.checked()?;
    let command = Command::Comment { person: caller.person.clone(), words };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Has everybody reminded whose voice is missing in an intent of the token's person.
#[utoipa::path(
    post, path = "/v1/intents/{id}/reminders", tag = "intents", operation_id = "remind",
    request_body = ReminderBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "they are reminded", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remind(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    Members::of(body, &[]).checked()?;
    let command = Command::Remind { person: caller.person.clone() };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}
