//! What people do about an intent: decide in their seats, withdraw, close an exception.

use super::view::IntentView;
use super::whole;
use crate::asked::{self, Members, Place, Posted};
use crate::door::Caller;
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::response::Response;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::refusal::Refusal;
use countersign_core::exception::Closure;
use countersign_core::hash::Digest;
use countersign_core::id::{ExceptionId, IntentId};
use countersign_core::seal::Seal;
use utoipa::ToSchema;

/// What a person says in their seat.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct DecisionBody {
    /// `approve` or `decline`.
    #[schema(example = "approve", pattern = "^(approve|decline)$")]
    decision: String,
    /// Why; needed to decline.
    reason: Option<String>,
    /// Words beside an approval.
    note: Option<String>,
    /// The seal of the write plan that was read: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    seal: Option<String>,
}

/// Taking an intent back needs no words.
#[derive(Debug, ToSchema)]
pub(crate) struct WithdrawalBody {}

/// How an exception is closed.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ClosureBody {
    /// `retry`, `probe`, `give-up`, `undo`, `decline`, `re-assert` for what a target does not hold any more, `reviewed`
    /// for a post-mortem, `confirmed` or `reversed` for a fail-open.
    #[schema(
        example = "retry",
        pattern = "^(retry|probe|give-up|undo|re-assert|decline|reviewed|confirmed|reversed)$"
    )]
    by: String,
    /// Why.
    reason: String,
}

/// Approves or declines in a seat of the token's person.
#[utoipa::path(
    post, path = "/v1/intents/{id}/decisions", tag = "intents", operation_id = "decide",
    request_body = DecisionBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the decision is kept; this is where the intent stands now", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decide(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    let revision = asked::revision(&headers)?;
    let mut members = Members::of(body, &["decision", "note", "reason", "seal"]);
    let approves = members.required("decision", "`approve` or `decline`", |word| match word {
        "approve" => Some(true),
        "decline" => Some(false),
        _ => None,
    });
    let (reason, note) = (members.words("reason"), members.words("note"));
    let seal = members.optional("seal", "64 hexadecimal digits", Digest::parse).map(Seal);
    members.checked()?;
    // What was said is kept, under whichever of the two names it was sent.
    let words = if reason.is_empty() {
        note
    } else if note.is_empty() {
        reason
    } else {
        format!("{reason}\n{note}")
    };
    let voice = match approves {
        Some(true) => Voice::Approve { note: words },
        Some(false) | None => Voice::Decline { reason: words },
    };
    let command = Command::Decide { person: caller.person.clone(), revision, seal, voice };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Takes an intent back that the token's person asked for.
#[utoipa::path(
    post, path = "/v1/intents/{id}/withdrawals", tag = "intents", operation_id = "withdraw",
    request_body = WithdrawalBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is withdrawn", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn withdraw(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    let revision = asked::revision(&headers)?;
    Members::of(body, &[]).checked()?;
    let command = Command::Withdraw { person: caller.person.clone(), revision };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Closes an exception that the token's person owns.
#[utoipa::path(
    post, path = "/v1/intents/{id}/exceptions/{exception}/closures", tag = "exceptions", operation_id = "close_exception",
    request_body = ClosureBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("exception" = String, Path, description = "the exception"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is closed; this is where the intent stands now", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn close(
    State(host): State<Host>,
    Place((name, exception)): Place<(String, String)>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    let revision = asked::revision(&headers)?;
    let id: ExceptionId = exception.parse().map_err(|_| Problem::unknown("exception", &exception))?;
    let mut members = Members::of(body, &["by", "reason"]);
    let by = members.required(
        "by",
        "`retry`, `probe`, `give-up`, `undo`, `re-assert`, `decline`, `reviewed`, `confirmed` or `reversed`",
        Closure::parse,
    );
    let reason = members.words("reason");
    members.checked()?;
    // INVARIANT: without a way of closing the body was flawed, and that was said above.
    let by = by.ok_or_else(Problem::bug)?;
    is_still(&host, &caller, intent, revision).await?;
    let command = Command::CloseException { person: caller.person.clone(), id, by, reason };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Asks, as an intent of its own, for what a target was found to hold instead of what was approved. The exception about
/// that stays open until what is asked for has landed, or somebody closes it otherwise.
#[utoipa::path(
    post, path = "/v1/intents/{id}/exceptions/{exception}/adoptions", tag = "exceptions", operation_id = "adopt",
    params(
        ("id" = String, Path, description = "the intent"),
        ("exception" = String, Path, description = "the exception, which says `drift`"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 201, description = "it is asked for; `Location` and `ETag` name the new intent", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn adopt(
    State(host): State<Host>,
    Place((name, exception)): Place<(String, String)>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let intent = asked::intent(&name)?;
    let revision = asked::revision(&headers)?;
    let id: ExceptionId = exception.parse().map_err(|_| Problem::unknown("exception", &exception))?;
    Members::of(body, &[]).checked()?;
    is_still(&host, &caller, intent, revision).await?;
    let standing = host.engine.adopt((intent, id), &caller.person, key).await?;
    Ok(super::intents::created(&host, &caller, &standing))
}

/// That the caller sees the intent, and that it has the revision that they read.
async fn is_still(host: &Host, caller: &Caller, intent: IntentId, revision: u32) -> Result<(), Problem> {
    let (standing, _) = super::read(host, caller, intent).await?;
    let now = standing.approval.intent.revision;
    if now == revision { Ok(()) } else { Err(Refusal::StaleRevision { found: revision, now }.into()) }
}
