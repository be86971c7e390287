//! Ownership: who answers for what, as the rules that are in force have it.

use super::view::OwnershipView;
use super::view::intent::Looking;
use crate::asked::Query;
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};

/// Says who answers for what: owners, seats and exceptions of every intent type with their times, what is lacking, who
/// looks after which connection, and people whom the house cannot do without.
#[utoipa::path(
    get, path = "/v1/ownership", tag = "people", operation_id = "show_ownership",
    responses(
        (status = 200, description = "who answers for what", body = OwnershipView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<OwnershipView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let rulebook = host.engine.rulebook();
    let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
    Ok(Json(OwnershipView::of(looking, &host.engine.reachable())))
}
