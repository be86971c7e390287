//! Intents: submit, list, show; the timeline and the write plan of one.

use super::view::{
    IntentRow, IntentView, Listed, PlanView, ReconciliationView, ReplayView, TimelineView, intent,
};
use super::walk::Walk;
use super::{prepared, waited, whole};
use crate::asked::{self, Members, Place, Posted, Query};
use crate::door::Caller;
use crate::limits::INTENT_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Sight, life};
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::literal::is_word;
use countersign_core::intent::{Raw, Trigger};
use countersign_engine::engine::{Key, Standing, Submission};
use countersign_engine::fault::Fault;
use countersign_engine::port::store::StreamName;
use countersign_engine::row::{GLASS, OVERRIDDEN, OVERRIDE};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The states of an intent, as a filter takes them.
const STATES: [&str; 9] =
    ["preparing", "unsettled", "seated", "returned", "executing", "done", "undone", "declined", "withdrawn"];

/// What somebody asks for.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct SubmissionBody {
    /// Name of the intent type.
    #[schema(rename = "type", example = "discount")]
    kind: String,
    /// What exactly, as the intent type says.
    tokens: BTreeMap<String, serde_json::Value>,
    /// Whether it is a trial: all that an intent type takes while it is a draft, from the pool that owns it.
    trial: Option<bool>,
}

/// What is asked for, as it came.
pub(super) struct Wanted {
    /// Name of the intent type.
    pub(super) intent_type: String,
    /// Its tokens, not yet checked.
    pub(super) tokens: Raw,
    /// By what a trial begins, if it is one.
    pub(super) trial: Option<Trigger>,
}

/// Submits an intent in the name of the token's person.
#[utoipa::path(
    post, path = "/v1/intents", tag = "intents", operation_id = "submit",
    request_body = SubmissionBody,
    params(
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when it is prepared, at most N <= 30 seconds later"),
    ),
    responses(
        (status = 201, description = "it is kept; `Location` and `ETag` name it", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(
    State(host): State<Host>,
    Posted { caller, key, headers, body }: Posted<INTENT_BYTES_MAX>,
) -> Result<Response, Problem> {
    let asked = asked_for(&host, body)?;
    submitted(&host, &caller, key, &headers, asked).await
}

/// Submits tokens of an intent type and answers with what was kept, prepared if the caller waits for it.
pub(super) async fn submitted(
    host: &Host,
    caller: &Caller,
    key: Key,
    headers: &HeaderMap,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let wait = asked::wait(headers)?;
    let Wanted { intent_type, tokens, trial } = wanted;
    let submission = Submission { requester: caller.person.to_string(), intent_type, tokens, key: Some(key) };
    let mut standing = match trial {
        None => host.engine.submit(submission).await?,
        Some(by) => host.engine.try_out(submission, by).await?,
    };
    if let Some(seconds) = wait {
        standing = prepared(host, caller, standing.approval.intent.id, seconds).await?;
    }
    let mut response = created(host, caller, &standing);
    waited(&mut response, wait);
    Ok(response)
}

/// The answer to whoever asked for something: what was kept, and where it is.
pub(super) fn created(host: &Host, caller: &Caller, standing: &Standing) -> Response {
    let mut response = whole(host, caller, standing);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/intents/{}", standing.approval.intent.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// What a submission asks for. If the body has other flaws, the tokens are looked at all the
/// same, so that the sender sees everything at once.
fn asked_for(host: &Host, body: Raw) -> Result<Wanted, Problem> {
    let mut members = Members::of(body, &["type", "tokens", "trial"]);
    let intent_type = members.required("type", "the name of an intent type", |name| Some(name.to_owned()));
    let tokens = members.take("tokens");
    if tokens.is_none() {
        members.flaw(Flaw::new("/tokens", "an object of tokens", "nothing"));
    }
    // Whoever asks here presses a button, as far as the host can tell.
    let trial = match members.take("trial") {
        None | Some(Raw::Bool(false)) => None,
        Some(Raw::Bool(true)) => Some(Trigger::Button),
        Some(other) => {
            members.flaw(Flaw::new("/trial", "true or false", other.found()));
            None
        }
    };
    let Some(flawed) = members.flawed() else {
        let intent_type = intent_type.unwrap_or_default();
        return Ok(Wanted { intent_type, tokens: tokens.unwrap_or(Raw::Null), trial });
    };
    let rulebook = host.engine.rulebook();
    let name = intent_type.and_then(|name| IntentTypeName::parse(&name).ok());
    let schema = name.and_then(|name| rulebook.intent_type(&name).cloned());
    let faults = schema.zip(tokens).and_then(|(schema, tokens)| schema.validate(&tokens).err());
    Err(flawed.with_more(faults.unwrap_or_default().iter().map(Flaw::of_token)))
}

/// Lists intents, the newest first.
#[utoipa::path(
    get, path = "/v1/intents", tag = "intents", operation_id = "list_intents",
    params(
        ("type" = Option<String>, Query, description = "only this intent type"),
        ("state" = Option<String>, Query, description = "only those that stand here"),
        ("requester" = Option<String>, Query, description = "only those that this person asked for; `me` is the caller"),
        ("seat" = Option<String>, Query, description = "only those that wait for this person's decision; `me` is the caller"),
        ("question" = Option<String>, Query, description = "only those that wait for this person's answer; `me` is the caller"),
        ("override" = Option<String>, Query, description = "only those that were decided against the policy for this reason; `any` is any"),
        ("glass" = Option<String>, Query, description = "`broken`: only those whose glass was broken, whatever came of it"),
        ("cursor" = Option<String>, Query, description = "`next` of an earlier answer"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 200", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, description = "one page; `Link` names the next one", body = Listed<IntentRow>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, Problem> {
    let (items, next) = page(&host, &caller, &uri).await?;
    Ok(asked::listed(&uri, items, next.as_ref()))
}

/// The page of the list that an address asks for, and where the next one begins.
pub(crate) async fn page(
    host: &Host,
    caller: &Caller,
    uri: &Uri,
) -> Result<(Vec<IntentRow>, Option<StreamName>), Problem> {
    let known = ["type", "state", "requester", "seat", "question", "override", "glass", "cursor", "limit"];
    let mut query = Query::of(uri, &known)?;
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: Option<String>| {
        labels.extend(value.map(|value| (name.to_owned(), value)));
    };
    label(
        "type",
        query.read("type", "an intent type", |text| Some(IntentTypeName::parse(text).ok()?.to_string())),
    );
    let states = format!("one of {}", STATES.join(", "));
    label("state", query.read("state", &states, |text| STATES.contains(&text).then(|| text.to_owned())));
    for name in ["requester", "seat", "question"] {
        label(name, query.read(name, "a person, or `me`", |text| asked::person(text, caller)));
    }
    let reason = query.read("override", "a reason, or `any`", |text| is_word(text).then(|| text.to_owned()));
    match reason {
        Some(any) if any == "any" => label(OVERRIDDEN.0, Some(OVERRIDDEN.1.to_owned())),
        reason => label(OVERRIDE, reason),
    }
    label(GLASS.0, query.read(GLASS.0, "`broken`", |text| (text == GLASS.1).then(|| text.to_owned())));
    let (after, limit) = asked::page(&mut query);
    query.checked()?;
    let (mut walk, mut items) = (Walk::of(labels, (after, limit)), Vec::new());
    while let Some(row) = walk.row(host).await? {
        if row.stream.parse::<IntentId>().is_err() {
            // Deliveries, whose names come after those of all intents.
            break;
        }
        let found = IntentRow::of(&row).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
        let Some(found) = for_caller(host, caller, found).await? else { continue };
        if !walk.keeps(&row) {
            break;
        }
        items.push(found);
    }
    Ok((items, walk.cursor().cloned()))
}

/// A row as far as it is for the caller. Only where something is withheld from somebody is the intent itself
/// looked at.
async fn for_caller(host: &Host, caller: &Caller, row: IntentRow) -> Result<Option<IntentRow>, Problem> {
    let rulebook = host.engine.rulebook();
    let schema = IntentTypeName::parse(&row.intent_type).ok();
    let schema = schema.and_then(|name| rulebook.intent_type(&name));
    if schema.is_some_and(|schema| rulebook.sees_all_of(schema, &caller.person, host.engine.now())) {
        return Ok(Some(row));
    }
    let standing = host.engine.read(asked::intent(&row.id)?).await?;
    let sight = rulebook.sight(&standing.approval, &caller.person, host.engine.now());
    Ok((sight != Sight::Nothing).then(|| row.without(schema, &standing.approval.intent.tokens, &sight)))
}

/// Shows the whole of one intent, and what the caller may do about it now.
#[utoipa::path(
    get, path = "/v1/intents/{id}", tag = "intents", operation_id = "show_intent",
    params(
        ("id" = String, Path, description = "the intent"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when it is prepared, at most N <= 30 seconds later"),
    ),
    responses(
        (status = 200, description = "the intent; `ETag` is its revision", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let intent = asked::intent(&name)?;
    let wait = asked::wait(&headers)?;
    let standing = prepared(&host, &caller, intent, wait.unwrap_or(0)).await?;
    let mut response = whole(&host, &caller, &standing);
    waited(&mut response, wait);
    Ok(response)
}

/// Shows every entry of the life of an intent, in order.
#[utoipa::path(
    get, path = "/v1/intents/{id}/timeline", tag = "intents", operation_id = "show_timeline",
    params(("id" = String, Path, description = "the intent")),
    responses(
        (status = 200, description = "the entries, the first one first", body = TimelineView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn timeline(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<TimelineView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let intent = asked::intent(&name)?;
    let (_, sight) = super::read(&host, &caller, intent).await?;
    let entries = host.engine.entries(intent).await?;
    Ok(Json(TimelineView::of(&entries, &sight)))
}

/// Makes every recorded answer of the policy and every seal of an intent again, from what the log holds beside them.
#[utoipa::path(
    get, path = "/v1/intents/{id}/replay", tag = "intents", operation_id = "replay_intent",
    params(("id" = String, Path, description = "the intent")),
    responses(
        (status = 200, description = "what comes out, answer by answer", body = ReplayView),
        (status = "default", description = "a problem; 403 for whoever does not see all of the intent", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn replay(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<ReplayView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let intent = asked::intent(&name)?;
    let (_, sight) = super::read(&host, &caller, intent).await?;
    if !sight.is_whole() {
        return Err(super::not_all(&format!("`{intent}`"), &caller));
    }
    let entries = host.engine.entries(intent).await?;
    let replayed = life::replay(&entries, &host.engine.rulebook());
    let replayed = replayed.map_err(|fault| Fault::Unreadable(fault.to_string()))?;
    Ok(Json(ReplayView::of(intent.to_string(), &replayed)))
}

/// Shows the write plan of an intent, field by field, with the seal that a decision binds to.
#[utoipa::path(
    get, path = "/v1/intents/{id}/plan", tag = "intents", operation_id = "show_plan",
    params(("id" = String, Path, description = "the intent")),
    responses(
        (status = 200, description = "the write plan; `ETag` is the revision of the intent", body = PlanView),
        (status = "default", description = "a problem; 409 while there is no plan", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn plan(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (standing, sight) = super::read(&host, &caller, asked::intent(&name)?).await?;
    let approval = &standing.approval;
    let view = intent::plan(approval, &sight, &host.engine.rulebook())
        .ok_or(Refusal::WrongStage { command: "plan", stage: approval.stage.as_str() })?;
    let mut response = Json(view).into_response();
    response.headers_mut().insert(header::ETAG, super::tag(approval.intent.revision));
    Ok(response)
}

/// Reads what the targets of an intent hold now, and shows it beside what was approved and what was written.
#[utoipa::path(
    get, path = "/v1/intents/{id}/reconciliation", tag = "intents", operation_id = "reconcile_intent",
    params(("id" = String, Path, description = "the intent")),
    responses(
        (status = 200, description = "each field that was written, with the verdict on it; nothing is changed or recorded", body = ReconciliationView),
        (status = "default", description = "a problem; 409 while nothing of it is approved", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reconciliation(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<ReconciliationView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    reconciled(&host, &caller, asked::intent(&name)?).await.map(Json)
}

/// What was approved of an intent and what its targets hold now, as far as it is for the caller.
pub(crate) async fn reconciled(
    host: &Host,
    caller: &Caller,
    intent: IntentId,
) -> Result<ReconciliationView, Problem> {
    let (standing, sight) = super::read(host, caller, intent).await?;
    let read = host.engine.now();
    let found = host.engine.reconcile(intent).await?;
    let seen = (&sight, &*host.engine.rulebook());
    Ok(ReconciliationView::seen(&standing.approval, &found, seen, read))
}
