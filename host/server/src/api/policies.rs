//! Policies: which version is in force, since when, and what put it there. They are changed by an
//! intent of type `policy_change`, like everything else.

use super::view::{Listed, PolicyView};
use crate::asked::{Place, Query};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::hash::Digest;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::Policy;

/// Lists the policy of every intent type.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies", operation_id = "list_policies",
    responses(
        (status = 200, description = "every policy, by intent type", body = Listed<PolicyView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Json<Listed<PolicyView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let views = rulebook.intent_types().filter_map(|schema| PolicyView::of(&schema.name, &rulebook, now));
    Ok(Json(Listed::whole(views.collect())))
}

/// Shows the policy of one intent type with the document of one of its versions.
#[utoipa::path(
    get, path = "/v1/policies/{name}", tag = "policies", operation_id = "show_policy",
    params(
        ("name" = String, Path, description = "the intent type"),
        ("version" = Option<String>, Query, description = "whose document is shown; the one in force unless given"),
    ),
    responses(
        (status = 200, description = "the policy", body = PolicyView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<PolicyView>, Problem> {
    let mut query = Query::of(&uri, &["version"])?;
    let version = query.read("version", "a content address of 64 digits", Digest::parse);
    query.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let unknown = || Problem::unknown("policy", &name);
    let of = IntentTypeName::parse(&name).map_err(|_| unknown())?;
    let view = PolicyView::of(&of, &rulebook, now).ok_or_else(unknown)?;
    let standing = rulebook.standing(&of, now).map(Policy::version);
    let shown = version.or(standing).ok_or_else(unknown)?;
    let missing = || Problem::unknown("version", &shown.to_string());
    view.with_document(&of, &shown, &rulebook).map(Json).ok_or_else(missing)
}
