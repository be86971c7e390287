//! Connections: what is configured, whether a target answers, and whether anything is sent there.

use super::view::{CheckView, ConnectionView, Listed};
use crate::asked::{Members, Place, Posted, Query};
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::connection::Change;
use countersign_core::id::{ConnectionName, PersonId};
use countersign_engine::engine::Key;
use countersign_engine::port::connectors::Connection;
use std::sync::Arc;
use utoipa::ToSchema;

/// Lists every connection.
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections", operation_id = "list_connections",
    responses(
        (status = 200, description = "every connection, by name", body = Listed<ConnectionView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    uri: Uri,
) -> Result<Json<Listed<ConnectionView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    Ok(Json(Listed::whole(all(&host).await?)))
}

/// Every connection, by name.
pub(crate) async fn all(host: &Host) -> Result<Vec<ConnectionView>, Problem> {
    let waiting = host.engine.connectors().waiting();
    let mut views: Vec<ConnectionView> =
        waiting.iter().map(|(name, connector)| ConnectionView::waiting(name, connector)).collect();
    for connection in host.engine.connectors().connections() {
        views.push(view(host, &connection).await?);
    }
    views.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(views)
}

/// Shows one connection.
#[utoipa::path(
    get, path = "/v1/connections/{name}", tag = "connections", operation_id = "show_connection",
    params(("name" = String, Path, description = "the connection")),
    responses(
        (status = 200, description = "the connection", body = ConnectionView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<ConnectionView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    one(&host, &name).await.map(Json)
}

/// The connection of this name.
pub(crate) async fn one(host: &Host, name: &str) -> Result<ConnectionView, Problem> {
    if let Some((name, connector)) = waiting(host, name) {
        return Ok(ConnectionView::waiting(&name, &connector));
    }
    view(host, &*found(host, name)?).await
}

/// Asks the target whether address, credential and permissions are right. Changes nothing there.
#[utoipa::path(
    post, path = "/v1/connections/{name}/check", tag = "connections", operation_id = "check_connection",
    params(
        ("name" = String, Path, description = "the connection"),
        ("Idempotency-Key" = String, Header, description = "taken as on every POST; a check is made anew each time"),
    ),
    responses(
        (status = 200, description = "what the check found, right or wrong", body = CheckView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn check(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<CheckView>, Problem> {
    Members::of(body, &[]).checked()?;
    checked(&host, &name).await.map(Json)
}

/// What the target of a connection says of address, credential and permissions.
pub(crate) async fn checked(host: &Host, name: &str) -> Result<CheckView, Problem> {
    if let Some((name, connector)) = waiting(host, name) {
        return Ok(CheckView::waiting(&name, &connector));
    }
    let connection = found(host, name)?;
    let ended = host.engine.connectors().check(&connection.name).await;
    Ok(CheckView::of(connection.name.as_str(), &ended))
}

/// Why a connection is paused, or goes on.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ReasonBody {
    /// For whoever meets it next.
    #[schema(example = "invoices go out with the wrong tax")]
    reason: String,
}

/// Pauses a connection: what is on its way there ends, and nothing else is sent until somebody lets it go on. What is to
/// be written there waits.
#[utoipa::path(
    post, path = "/v1/connections/{name}/pauses", tag = "connections", operation_id = "pause_connection",
    request_body = ReasonBody,
    params(
        ("name" = String, Path, description = "the connection"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is paused", body = ConnectionView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn pause(
    State(host): State<Host>,
    Place(name): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectionView>, Problem> {
    change(&host, &name, &Change::Pause, posted).await
}

/// Lets a connection go on that somebody paused. What waited for it is sent within a minute. What an exception pauses
/// goes on when that is closed.
#[utoipa::path(
    post, path = "/v1/connections/{name}/resumptions", tag = "connections", operation_id = "resume_connection",
    request_body = ReasonBody,
    params(
        ("name" = String, Path, description = "the connection"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "nobody keeps it paused by hand", body = ConnectionView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resume(
    State(host): State<Host>,
    Place(name): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectionView>, Problem> {
    change(&host, &name, &Change::Resume, posted).await
}

async fn change(
    host: &Host,
    name: &str,
    change: &Change,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<ConnectionView>, Problem> {
    let mut members = Members::of(body, &["reason"]);
    let reason = members.reason();
    members.checked()?;
    // INVARIANT: without a reason the body was flawed, and that was said above.
    let reason = reason.ok_or_else(Problem::bug)?;
    changed(host, name, change, (&caller.person, &reason), key).await.map(Json)
}

/// Pauses a connection or lets it go on, and shows it.
pub(crate) async fn changed(
    host: &Host,
    name: &str,
    change: &Change,
    why: (&PersonId, &str),
    key: Key,
) -> Result<ConnectionView, Problem> {
    let connection = found(host, name)?;
    host.engine.change_connection(&connection.name, change, why, Some(key)).await?;
    view(host, &connection).await
}

async fn view(host: &Host, connection: &Connection) -> Result<ConnectionView, Problem> {
    let paused = host.engine.paused(&connection.name).await?;
    let record = host.engine.on_record(&connection.name).await?;
    let health = host.engine.connectors().health(&connection.name);
    Ok(ConnectionView::of(connection, (record.pause.as_ref(), paused.as_ref()), health))
}

/// A connection that waits for its connector, and for which.
fn waiting(host: &Host, name: &str) -> Option<(ConnectionName, String)> {
    host.engine.connectors().waiting().into_iter().find(|(waiting, _)| waiting.as_str() == name)
}

fn found(host: &Host, name: &str) -> Result<Arc<Connection>, Problem> {
    let parsed = ConnectionName::parse(name).ok();
    parsed
        .and_then(|name| host.engine.connectors().connection(&name))
        .ok_or_else(|| Problem::unknown("connection", name))
}
