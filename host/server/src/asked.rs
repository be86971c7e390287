//! What a request asks, read strictly: what is not known is refused, and all that is wrong with it is
//! said at once.

mod body;
mod header;
mod line;
mod query;

pub(crate) use body::{Component, Members, Posted, Question, Upload, media_type, read, readable, scim_json};
pub(crate) use header::{revision, wait};
pub(crate) use line::Line;
pub(crate) use query::{Query, cursor, listed, page, person, rows};

use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use countersign_core::id::IntentId;
use serde::de::DeserializeOwned;

/// The names in an address. One that is no text leads nowhere.
#[derive(Debug)]
pub(crate) struct Place<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Place<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(names) = Path::from_request_parts(parts, state).await.map_err(|_| Problem::no_route())?;
        Ok(Place(names))
    }
}

/// The intent that an address names; one that cannot exist does not exist.
pub(crate) fn intent(name: &str) -> Result<IntentId, Problem> {
    name.parse().map_err(|_| {
        let detail = format!("there is no intent `{}`", name.escape_debug());
        Problem::new("CS-E0101", detail, "check the id; `GET /v1/intents` lists what there is")
    })
}
