//! People: who there is, who is away today, who covers.

use super::view::{Listed, PersonView};
use crate::asked::Query;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;

/// Lists everybody of `people.md`, as it is in force.
#[utoipa::path(
    get, path = "/v1/people", tag = "people", operation_id = "list_people",
    responses(
        (status = 200, description = "everybody, by id", body = Listed<PersonView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Json<Listed<PersonView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let directory = rulebook.directory();
    let views = directory.persons.keys().map(|person| PersonView::of(directory, person, now));
    Ok(Json(Listed::whole(views.collect())))
}
