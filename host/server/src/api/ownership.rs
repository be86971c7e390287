//! Ownership: who answers for what, as the rules that are in force have it.

use super::view::OwnershipView;
use crate::asked::Query;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;

/// Says who answers for what: owners, seats and exceptions of every intent type with their times, what is lacking,
/// and people whom the house cannot do without.
#[utoipa::path(
    get, path = "/v1/ownership", tag = "people", operation_id = "show_ownership",
    responses(
        (status = 200, description = "who answers for what", body = OwnershipView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(State(host): State<Host>, uri: Uri) -> Result<Json<OwnershipView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    Ok(Json(OwnershipView::of(&rulebook, now, &host.engine.reachable())))
}
