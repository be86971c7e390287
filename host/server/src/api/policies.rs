//! Policies: which version is in force, since when, and what put it there. They are changed by an
//! intent of type `policy_change`, like everything else; going back to an earlier version is one too.

use super::intents::{self, Wanted};
use super::view::{IntentView, Listed, PolicyView};
use crate::asked::{Members, Place, Posted, Query};
use crate::door::Caller;
use crate::limits::{COMMAND_BYTES_MAX, PAGE_WAIT_SECONDS};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use countersign_core::approval::refusal::Refusal;
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, IntentTypeName, PersonId};
use countersign_core::intent::Raw;
use countersign_core::policy::Policy;
use countersign_core::publish::POLICY_CHANGE;
use countersign_core::rulebook::{Rulebook, bare_document};
use countersign_core::time::Timestamp;
use countersign_engine::engine::{Key, Submission};
use utoipa::ToSchema;

/// Which version a policy goes back to.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct RollbackBody {
    /// Why, for whoever decides.
    #[schema(max_length = 2000)]
    reason: String,
    /// Content address of the version; the one before the one in force if it is left out.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    version: Option<String>,
}

/// Lists the policy of every intent type.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies", operation_id = "list_policies",
    responses(
        (status = 200, description = "every policy, by intent type", body = Listed<PolicyView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Json<Listed<PolicyView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let views = rulebook.intent_types().filter_map(|schema| PolicyView::of(&schema.name, &rulebook, now));
    Ok(Json(Listed::whole(views.collect())))
}

/// Shows the policy of one intent type with the document of one of its versions.
#[utoipa::path(
    get, path = "/v1/policies/{name}", tag = "policies", operation_id = "show_policy",
    params(
        ("name" = String, Path, description = "the intent type"),
        ("version" = Option<String>, Query, description = "whose document is shown; the one in force unless given"),
    ),
    responses(
        (status = 200, description = "the policy", body = PolicyView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<PolicyView>, Problem> {
    let mut query = Query::of(&uri, &["version"])?;
    let version = query.read("version", "a content address of 64 digits", Digest::parse);
    query.checked()?;
    let of = IntentTypeName::parse(&name).map_err(|_| Problem::unknown("policy", &name))?;
    with_document(&host.engine.rulebook(), &of, version, host.engine.now()).map(Json)
}

/// A policy with the document of one of its versions; of the one in force, if none is named.
pub(crate) fn with_document(
    rulebook: &Rulebook,
    of: &IntentTypeName,
    version: Option<Digest>,
    now: Timestamp,
) -> Result<PolicyView, Problem> {
    let unknown = || Problem::unknown("policy", of.as_str());
    let view = PolicyView::of(of, rulebook, now).ok_or_else(unknown)?;
    let standing = rulebook.standing(of, now).map(Policy::version);
    let shown = version.or(standing).ok_or_else(unknown)?;
    let missing = || Problem::unknown("version", &shown.to_string());
    view.with_document(of, &shown, rulebook).ok_or_else(missing)
}

/// Proposes an earlier version of a policy again, in the name of the token's person.
///
/// It is an intent of type `policy_change` with the document of that version, so nothing has changed yet:
/// somebody else decides on it.
#[utoipa::path(
    post, path = "/v1/policies/{name}/rollback", tag = "policies", operation_id = "rollback_policy",
    request_body = RollbackBody,
    params(
        ("name" = String, Path, description = "the intent type that the policy decides"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when it is prepared, at most N <= 30 seconds later"),
    ),
    responses(
        (status = 201, description = "the intent is kept; `Location` and `ETag` name it", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rollback(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let unknown = || Problem::unknown("policy", &name);
    let of = IntentTypeName::parse(&name).map_err(|_| unknown())?;
    if rulebook.turns(&of).is_empty() {
        return Err(unknown());
    }
    let mut members = Members::of(body, &["reason", "version"]);
    let reason = members.words("reason");
    let version = members.optional("version", "a content address of 64 digits", Digest::parse);
    members.checked()?;
    if reason.is_empty() {
        return Err(Refusal::ReasonMissing.into());
    }
    let document = earlier(&rulebook, &of, version, now)?;
    let tokens = change(&of, document, reason, &[]);
    let wanted = Wanted { intent_type: POLICY_CHANGE.to_owned(), tokens, trial: None };
    // Whatever is wrong with the document, its sender named no more than its version.
    intents::submitted(&host, &caller, key, &headers, wanted).await.map_err(|problem| problem.at("/version"))
}

/// The tokens of a change of a policy.
fn change(of: &IntentTypeName, document: String, reason: String, accept: &[String]) -> Raw {
    let texts = [("intent", of.to_string()), ("document", document), ("reason", reason)];
    let texts = texts.map(|(name, text)| (name.to_owned(), Raw::Text(text)));
    let kind = |kind: &String| Raw::Map([("kind".to_owned(), Raw::Text(kind.clone()))].into());
    let accepted = Raw::List(accept.iter().map(kind).collect());
    let accept = (!accept.is_empty()).then(|| ("accept".to_owned(), accepted));
    Raw::Map(texts.into_iter().chain(accept).collect())
}

/// A change that somebody proposes.
#[derive(Debug)]
pub(crate) struct Proposed {
    /// The whole document.
    pub(crate) document: String,
    /// Why, for whoever decides.
    pub(crate) reason: String,
    /// The kinds of warnings that they answer for.
    pub(crate) accept: Vec<String>,
}

/// Proposes a change in the name of somebody at a page; the intent, prepared if that takes no longer than a page does.
pub(crate) async fn propose(
    host: &Host,
    person: &PersonId,
    of: &IntentTypeName,
    proposed: Proposed,
    key: Key,
) -> Result<IntentId, Problem> {
    let Proposed { document, reason, accept } = proposed;
    let submission = || Submission {
        requester: person.to_string(),
        intent_type: POLICY_CHANGE.to_owned(),
        tokens: change(of, document.clone(), reason.clone(), &accept),
        key: Some(key.clone()),
    };
    let intent = super::once(|| host.engine.submit(submission())).await?.approval.intent.id;
    let caller = Caller { person: person.clone(), token: String::new() };
    super::prepared(host, &caller, intent, PAGE_WAIT_SECONDS).await?;
    Ok(intent)
}

/// Proposes an earlier version again in the name of somebody at a page.
pub(crate) async fn back(
    host: &Host,
    person: &PersonId,
    of: &IntentTypeName,
    (version, reason): (Option<Digest>, String),
    key: Key,
) -> Result<IntentId, Problem> {
    let document = earlier(&host.engine.rulebook(), of, version, host.engine.now())?;
    propose(host, person, of, Proposed { document, reason, accept: Vec::new() }, key).await
}

/// The document of the version that a policy goes back to.
fn earlier(
    rulebook: &Rulebook,
    of: &IntentTypeName,
    version: Option<Digest>,
    now: Timestamp,
) -> Result<String, Problem> {
    let before = || {
        let turn = rulebook.turn_before(of, now).ok_or_else(|| {
            let detail = format!("`{of}` has no version before the one in force");
            Problem::new(
                "CS-E0220",
                detail,
                format!(
                    "`countersign policy show {of}` lists its versions, in the API `GET /v1/policies/{of}`"
                ),
            )
        });
        turn.map(|turn| turn.version)
    };
    let version = version.map_or_else(before, Ok)?;
    let text = rulebook.document(of, &version);
    text.map(bare_document).ok_or_else(|| Problem::unknown("version", &version.to_string()))
}
