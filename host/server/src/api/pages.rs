//! Texts: the description of the API and the page of each code.

use crate::asked::Place;
use crate::code::Code;
use crate::openapi::openapi;
use crate::problem::{Problem, ProblemView};
use axum::http::{HeaderName, header};
use std::sync::LazyLock;

/// A text with its media type.
type Text = ([(HeaderName, &'static str); 1], &'static str);

/// The description never changes while the process lives.
static DESCRIPTION: LazyLock<String> = LazyLock::new(openapi);

/// The description of this API, OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", tag = "description", operation_id = "description", security(()),
    responses((status = 200, description = "this document", body = serde_json::Value, content_type = "application/json"))
)]
pub(crate) async fn description() -> Text {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION.as_str())
}

/// The page of a code: what it means, why it happens, what to do, an example.
#[utoipa::path(
    get, path = "/errors/{code}", tag = "description", operation_id = "error_page", security(()),
    params(("code" = String, Path, description = "the code, such as `CS-E0105`")),
    responses(
        (status = 200, description = "its page", body = String, content_type = "text/plain; charset=utf-8"),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn error(Place(name): Place<String>) -> Result<Text, Problem> {
    let code = Code::find(&name).ok_or_else(|| Problem::unknown("code", &name))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], code.page))
}
