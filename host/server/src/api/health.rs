//! Health: whether the process lives, whether it takes work, and up to where the log is durable.

use super::view::{HealthView, LogHealthView};
use crate::asked::Query;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};

/// The answer to a probe that a balancer or an operator makes.
type Health = (StatusCode, Json<HealthView>);

/// What is said when the host does not do what `not` names.
fn health(not: Vec<String>) -> Health {
    let status = if not.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(HealthView::of(not)))
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/livez", tag = "health", operation_id = "live", security(()),
    responses((status = 200, description = "it lives", body = HealthView))
)]
pub(crate) async fn live() -> Health {
    health(Vec::new())
}

/// Whether the host takes commands: its store is writable and it is not draining.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "ready", security(()),
    responses(
        (status = 200, description = "it takes commands", body = HealthView),
        (status = 503, description = "it does not, and why", body = HealthView),
    )
)]
pub(crate) async fn ready(State(host): State<Host>) -> Health {
    let mut not = Vec::new();
    if host.engine.is_stopping() {
        not.push("draining".to_owned());
    }
    if host.engine.health().writable.is_err() {
        not.push("store-not-writable".to_owned());
    }
    health(not)
}

/// Whether the host has started: it answers only once the log is replayed.
#[utoipa::path(
    get, path = "/startupz", tag = "health", operation_id = "started", security(()),
    responses((status = 200, description = "it has started", body = HealthView))
)]
pub(crate) async fn started() -> Health {
    health(Vec::new())
}

/// Shows up to where the log is durable, and the head of its hash chain.
#[utoipa::path(
    get, path = "/v1/log/health", tag = "log", operation_id = "log_health",
    responses(
        (status = 200, description = "how the log is", body = LogHealthView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log(State(host): State<Host>, uri: Uri) -> Result<Json<LogHealthView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    Ok(Json(LogHealthView::from(&host.engine.health())))
}
