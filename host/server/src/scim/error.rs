//! Every no of this door, as RFC 7644 (3.12) has it.

use super::SCIM_TYPE;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

/// Schema of an error.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

#[derive(Serialize)]
struct Error<'a> {
    schemas: [&'static str; 1],
    status: String,
    #[serde(rename = "scimType", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    detail: String,
}

/// A value that does not fit.
pub(super) fn invalid_value(detail: impl Into<String>) -> Problem {
    invalid("invalidValue", detail, "correct it and send it again; nothing was stored")
}

/// A body whose structure does not fit.
pub(super) fn invalid_syntax(detail: impl Into<String>) -> Problem {
    invalid("invalidSyntax", detail, "send what RFC 7644 says; nothing was stored")
}

/// A path that leads nowhere.
pub(super) fn invalid_path(detail: impl Into<String>) -> Problem {
    invalid("invalidPath", detail, "`/scim/v2/Schemas` names every attribute")
}

/// A filter that is not understood.
pub(super) fn invalid_filter(detail: impl Into<String>) -> Problem {
    invalid("invalidFilter", detail, "compare with `eq` and join comparisons with `and`")
}

/// What cannot be changed.
pub(super) fn immutable(detail: impl Into<String>) -> Problem {
    invalid("mutability", detail, "leave it out, or make another user")
}

fn invalid(kind: &'static str, detail: impl Into<String>, help: &str) -> Problem {
    Problem::new("CS-E0203", detail, help).of_kind(kind)
}

/// Writes a problem out. The code stands in the text, so that it is found in the identity provider's log.
pub(crate) fn written(problem: &Problem) -> Response {
    let code = problem.code();
    // RFC 7644 knows no 422: whatever does not fit is a bad request.
    let status = if code.status == 422 { StatusCode::BAD_REQUEST } else { code.status() };
    let kind = problem.kind().or(match code.code {
        "CS-E0160" | "CS-E0161" => Some("uniqueness"),
        "CS-E0162" | "CS-E0168" | "CS-E0210" => Some("invalidValue"),
        "CS-E0201" => Some("invalidSyntax"),
        _ => None,
    });
    let detail = format!("{}; {} ({})", problem.detail(), problem.help(), code.code);
    let error = Error { schemas: [ERROR], status: status.as_u16().to_string(), kind, detail };
    // A structure of texts always has a JSON form.
    let body = serde_json::to_vec(&error).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = problem.headers().clone();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SCIM_TYPE));
    response
}
