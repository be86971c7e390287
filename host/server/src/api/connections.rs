//! Connections and connectors: what is configured, and whether a target answers.

use super::view::connection::connectors as behind;
use super::view::{CheckView, ConnectionView, ConnectorView, Listed};
use crate::asked::{Members, Place, Posted, Query};
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::id::ConnectionName;
use countersign_engine::port::connectors::Connection;
use std::sync::Arc;

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
    let mut views = Vec::new();
    for connection in host.engine.connectors().connections() {
        views.push(view(&host, &connection).await?);
    }
    Ok(Json(Listed::whole(views)))
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
    Ok(Json(view(&host, &*found(&host, &name)?).await?))
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
    let connection = found(&host, &name)?;
    let ended = host.engine.connectors().check(&connection.name).await;
    Ok(Json(CheckView::of(connection.name.as_str(), &ended)))
}

/// Lists every connector, with the connections that it serves.
#[utoipa::path(
    get, path = "/v1/connectors", tag = "connections", operation_id = "list_connectors",
    responses(
        (status = 200, description = "every connector, by id", body = Listed<ConnectorView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn connectors(
    State(host): State<Host>,
    uri: Uri,
) -> Result<Json<Listed<ConnectorView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    Ok(Json(Listed::whole(behind(&host.engine.connectors().connections()))))
}

async fn view(host: &Host, connection: &Connection) -> Result<ConnectionView, Problem> {
    let paused = host.engine.paused(&connection.name).await?;
    let health = host.engine.connectors().health(&connection.name);
    Ok(ConnectionView::of(connection, paused.as_ref(), health))
}

fn found(host: &Host, name: &str) -> Result<Arc<Connection>, Problem> {
    let parsed = ConnectionName::parse(name).ok();
    parsed
        .and_then(|name| host.engine.connectors().connection(&name))
        .ok_or_else(|| Problem::unknown("connection", name))
}
