//! Connectors: which builds of each there are, and which of them serves.

use super::view::{ConnectorEntryView, ConnectorView, Listed};
use crate::asked::{self, Component, Members, Place, Posted, Query};
use crate::limits::{COMMAND_BYTES_MAX, WORDS_CHARACTERS_MAX};
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::connector::candidate::Share;
use countersign_core::connector::{Change, OnRecord};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId, PersonId};
use countersign_core::intent::Raw;
use countersign_engine::engine::Key;
use countersign_engine::shadow::Seen;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Lists every connector, with its builds and the connections that it serves.
#[utoipa::path(
    get, path = "/v1/connectors", tag = "connectors", operation_id = "list_connectors",
    responses(
        (status = 200, description = "every connector, by id", body = Listed<ConnectorView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Json<Listed<ConnectorView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    Ok(Json(Listed::whole(all(&host).await?)))
}

/// Every connector, by id.
pub(crate) async fn all(host: &Host) -> Result<Vec<ConnectorView>, Problem> {
    let connections = host.engine.connectors().connections();
    let behind = connections.iter().filter_map(|connection| ConnectorId::parse(&connection.connector).ok());
    let installed = host.engine.catalogue().installed();
    let there = installed.iter().map(|one| one.connector.clone());
    let mut ids: BTreeSet<ConnectorId> = behind.chain(there).collect();
    // What a connection waits for may be on record all the same: its bytes are gone, or nobody may trust them any more.
    for wanted in
        host.engine.connectors().waiting().into_values().filter_map(|id| ConnectorId::parse(&id).ok())
    {
        if !ids.contains(&wanted) && !host.engine.connector(&wanted).await?.builds.is_empty() {
            ids.insert(wanted);
        }
    }
    let mut views = Vec::new();
    for id in ids {
        let record = host.engine.connector(&id).await?;
        views.push(ConnectorView::of(&id, &record, &installed, &connections).with(seen(host, &record)));
    }
    Ok(views)
}

/// Shows one connector.
#[utoipa::path(
    get, path = "/v1/connectors/{id}", tag = "connectors", operation_id = "show_connector",
    params(("id" = String, Path, description = "the connector")),
    responses(
        (status = 200, description = "the connector", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Place(id): Place<String>,
    uri: Uri,
) -> Result<Json<ConnectorView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    one(&host, &id).await.map(Json)
}

/// One connector that there is.
pub(crate) async fn one(host: &Host, id: &str) -> Result<ConnectorView, Problem> {
    let id = known(host, id).await?;
    view(host, &id).await
}

/// One of which nothing may be left but what happened to it.
pub(crate) async fn gone(host: &Host, id: &str) -> Result<ConnectorView, Problem> {
    let id = ConnectorId::parse(id).map_err(|_| Problem::unknown("connector", id))?;
    view(host, &id).await
}

/// Shows what happened to a connector: who added which build, put it in force, took it back, and why.
#[utoipa::path(
    get, path = "/v1/connectors/{id}/history", tag = "connectors", operation_id = "show_connector_history",
    params(
        ("id" = String, Path, description = "the connector"),
        ("limit" = Option<usize>, Query, description = "entries, 1 to 200", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, description = "the last things that happened, the newest first", body = Listed<ConnectorEntryView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    State(host): State<Host>,
    Place(id): Place<String>,
    uri: Uri,
) -> Result<Json<Listed<ConnectorEntryView>>, Problem> {
    let mut query = Query::of(&uri, &["limit"])?;
    let limit = asked::rows(&mut query);
    query.checked()?;
    let history = happened(&host, &id, limit).await?;
    if history.is_empty() {
        Err(Problem::unknown("connector", &id))
    } else {
        Ok(Json(Listed::whole(history)))
    }
}

/// The last things that happened to a connector, the newest first. One that has no build any more has its history still.
pub(crate) async fn happened(
    host: &Host,
    id: &str,
    limit: usize,
) -> Result<Vec<ConnectorEntryView>, Problem> {
    let id = ConnectorId::parse(id).map_err(|_| Problem::unknown("connector", id))?;
    Ok(ConnectorEntryView::newest(&host.engine.history_of_connector(&id).await?, limit))
}

/// Adds a build of a connector while the host runs: it is checked, compiled, asked to describe itself, and put on
/// record. If it asks for nothing that was not granted before, it serves at once; else it waits until somebody has
/// accepted what it asks for. The same component once more is the same build.
#[utoipa::path(
    post, path = "/v1/connectors", tag = "connectors", operation_id = "add_connector",
    request_body(content_type = "application/wasm", content = Vec<u8>, description = "the component"),
    params(
        ("stage" = Option<bool>, Query, description = "it waits in any case, until it is put in force"),
        ("reason" = Option<String>, Query, description = "why, for whoever meets it next"),
        ("Countersign-Signature" = Option<String>, Header, description = "the signature of the component, in base 64"),
        ("Countersign-Conformance" = Option<String>, Header, description = "its signed conformance report, in base 64"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "the connector, with the build", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn add(
    State(host): State<Host>,
    Component { caller, key, uri, bytes, evidence, place: _place }: Component,
) -> Result<Json<ConnectorView>, Problem> {
    let mut query = Query::of(&uri, &["stage", "reason"])?;
    let stage = query.is("stage");
    let expected = format!("at most {WORDS_CHARACTERS_MAX} characters, none of them hidden");
    let reason = query.read("reason", &expected, crate::asked::readable).unwrap_or_default();
    query.checked()?;
    let why = (&caller.person, if reason.is_empty() { "it was added" } else { &*reason });
    let added = host.engine.add_connector((bytes.into(), evidence), stage, why, Some(key)).await?;
    Ok(Json(view(&host, &added.connector).await?))
}

/// Which build, and why.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ActivationBody {
    /// Digest of the build.
    #[schema(example = "a3f1c09e5b7d2a64a3f1c09e5b7d2a64a3f1c09e5b7d2a64a3f1c09e5b7d2a64")]
    digest: String,
    /// The one connection on which it is tried; every one that names the connector unless given.
    connection: Option<String>,
    /// Percent of the intents that it plans while the active build plans the others, 0 to 99: with 0 it plans in the
    /// shadow, is compared with the active build, and nothing of it is written. It serves them all unless given.
    #[schema(minimum = 0, maximum = 99)]
    share: Option<u8>,
    /// For whoever meets it next.
    reason: String,
}

/// Puts a build in force, for every connection or for one on which it is tried, or lets it plan a share of the intents.
#[utoipa::path(
    post, path = "/v1/connectors/{id}/activations", tag = "connectors", operation_id = "activate_connector",
    request_body = ActivationBody,
    params(
        ("id" = String, Path, description = "the connector"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it serves", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activate(
    State(host): State<Host>,
    Place(id): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectorView>, Problem> {
    change(&host, &id, posted, &["digest", "connection", "share", "reason"], |members| {
        let on = members.optional("connection", "the name of a connection", |name| connection(&host, name));
        let share = share(members, on.is_some());
        digest(members).map(|digest| match share {
            Some(share) => Change::Nominate { digest, share },
            None => Change::Activate { digest, on },
        })
    })
    .await
}

/// Why.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct RollbackBody {
    /// For whoever meets it next.
    #[schema(example = "amounts were rounded")]
    reason: String,
}

/// Lets the active build plan for every intent again, if a candidate plans a share of them or plans in the shadow; else
/// puts in force again what was so before.
#[utoipa::path(
    post, path = "/v1/connectors/{id}/rollbacks", tag = "connectors", operation_id = "roll_back_connector",
    request_body = RollbackBody,
    params(
        ("id" = String, Path, description = "the connector"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "what served before serves again", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn roll_back(
    State(host): State<Host>,
    Place(id): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectorView>, Problem> {
    change(&host, &id, posted, &["reason"], |_| Some(Change::RollBack)).await
}

/// Which build, and why.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct BuildBody {
    /// Digest of the build.
    #[schema(example = "a3f1c09e5b7d2a64a3f1c09e5b7d2a64a3f1c09e5b7d2a64a3f1c09e5b7d2a64")]
    digest: String,
    /// For whoever meets it next.
    reason: String,
}

/// Calls a build no more, whatever it has planned. If it serves, what served before does again.
#[utoipa::path(
    post, path = "/v1/connectors/{id}/quarantines", tag = "connectors", operation_id = "quarantine_connector",
    request_body = BuildBody,
    params(
        ("id" = String, Path, description = "the connector"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is called no more", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn quarantine(
    State(host): State<Host>,
    Place(id): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectorView>, Problem> {
    change(&host, &id, posted, &["digest", "reason"], |members| digest(members).map(Change::Quarantine)).await
}

/// Lets a build be called again.
#[utoipa::path(
    post, path = "/v1/connectors/{id}/releases", tag = "connectors", operation_id = "release_connector",
    request_body = BuildBody,
    params(
        ("id" = String, Path, description = "the connector"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it may serve", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(
    State(host): State<Host>,
    Place(id): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectorView>, Problem> {
    change(&host, &id, posted, &["digest", "reason"], |members| digest(members).map(Change::Release)).await
}

/// Takes a build away that serves nothing. What it has planned and is not written becomes an exception.
#[utoipa::path(
    post, path = "/v1/connectors/{id}/removals", tag = "connectors", operation_id = "remove_connector",
    request_body = BuildBody,
    params(
        ("id" = String, Path, description = "the connector"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is not there any more", body = ConnectorView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    State(host): State<Host>,
    Place(id): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectorView>, Problem> {
    change(&host, &id, posted, &["digest", "reason"], |members| digest(members).map(Change::Remove)).await
}

/// How many intents a build is to plan, if that was said.
fn share(members: &mut Members, is_for_one: bool) -> Option<Share> {
    let raw = members.take("share")?;
    let share = match raw {
        Raw::Integer(percent) => u8::try_from(percent).ok().and_then(Share::of),
        Raw::Null | Raw::Bool(_) | Raw::Float | Raw::TooLarge | Raw::Text(_) | Raw::List(_) | Raw::Map(_) => {
            None
        }
    };
    if share.is_none() {
        members.flaw(Flaw::new("/share", "a whole number of percent, 0 to 99", raw.found()));
    } else if is_for_one {
        members.flaw(Flaw::new("/share", "either a connection or a share", "both"));
    }
    share
}

fn digest(members: &mut Members) -> Option<Digest> {
    let read = |text: &str| Digest::parse(text.strip_prefix("sha256:").unwrap_or(text));
    members.required("digest", "the digest of a build: 64 hexadecimal digits", read)
}

async fn change(
    host: &Host,
    id: &str,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
    known_members: &[&str],
    read: impl FnOnce(&mut Members) -> Option<Change> + Send,
) -> Result<Json<ConnectorView>, Problem> {
    let mut members = Members::of(body, known_members);
    let change = read(&mut members);
    let reason = members.reason();
    members.checked()?;
    // INVARIANT: what is missing was a flaw, and that was said above.
    let (Some(change), Some(reason)) = (change, reason) else { return Err(Problem::bug()) };
    changed(host, id, &change, (&caller.person, &reason), key).await?;
    one(host, id).await.map(Json)
}

/// Changes which builds of a connector there are, or which of them serves.
pub(crate) async fn changed(
    host: &Host,
    id: &str,
    change: &Change,
    why: (&PersonId, &str),
    key: Key,
) -> Result<(), Problem> {
    let id = known(host, id).await?;
    host.engine.change_connector(&id, change, why, Some(key)).await?;
    Ok(())
}

/// A connection that there is, or that waits for its connector.
pub(crate) fn connection(host: &Host, name: &str) -> Option<ConnectionName> {
    let name = ConnectionName::parse(name).ok()?;
    let connectors = host.engine.connectors();
    let is_there = connectors.connection(&name).is_some() || connectors.waiting().contains_key(&name);
    is_there.then_some(name)
}

/// The id of a connector that there is.
async fn known(host: &Host, id: &str) -> Result<ConnectorId, Problem> {
    let unknown = || Problem::unknown("connector", id);
    let id = ConnectorId::parse(id).map_err(|_| unknown())?;
    let behind = host.engine.connectors().connections();
    let is_behind = behind.iter().any(|connection| connection.connector == id.as_str());
    if is_behind || !host.engine.connector(&id).await?.builds.is_empty() { Ok(id) } else { Err(unknown()) }
}

async fn view(host: &Host, id: &ConnectorId) -> Result<ConnectorView, Problem> {
    let record = host.engine.connector(id).await?;
    let installed = host.engine.catalogue().installed();
    let connections = host.engine.connectors().connections();
    Ok(ConnectorView::of(id, &record, &installed, &connections).with(seen(host, &record)))
}

/// What the candidate of a connector has shown in the shadow, if it plans there.
fn seen(host: &Host, record: &OnRecord) -> Option<(Digest, Seen)> {
    let candidate = record.serving.candidate.filter(|candidate| candidate.share == Share::NONE)?;
    Some((candidate.digest, host.engine.seen_in_the_shadow(&candidate.digest)))
}
