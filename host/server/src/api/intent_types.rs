//! Intent types: what can be asked for.

use super::drafts::named;
use super::view::{IntentTypeView, Listed, StarterView};
use crate::asked::{Line, Place, Query};
use crate::busy;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::starter::{NoStarter, sound};

/// Lists every intent type.
#[utoipa::path(
    get, path = "/v1/intent-types", tag = "intent types", operation_id = "list_intent_types",
    responses(
        (status = 200, description = "every intent type, by name", body = Listed<IntentTypeView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    uri: Uri,
) -> Result<Json<Listed<IntentTypeView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let views = rulebook.intent_types().map(|schema| IntentTypeView::of(schema, &rulebook, now));
    Ok(Json(Listed::whole(views.collect())))
}

/// Shows one intent type.
#[utoipa::path(
    get, path = "/v1/intent-types/{name}", tag = "intent types", operation_id = "show_intent_type",
    params(("name" = String, Path, description = "the intent type")),
    responses(
        (status = 200, description = "the intent type", body = IntentTypeView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<IntentTypeView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let rulebook = host.engine.rulebook();
    let parsed = IntentTypeName::parse(&name).ok();
    let schema = parsed.and_then(|name| rulebook.intent_type(&name));
    let schema = schema.ok_or_else(|| Problem::unknown("intent type", &name))?;
    Ok(Json(IntentTypeView::of(schema, &rulebook, host.engine.now())))
}

/// Writes a policy to begin with: it passes the check and asks the owner's people everything. Nothing is
/// stored.
#[utoipa::path(
    get, path = "/v1/intent-types/{name}/starter", tag = "intent types", operation_id = "starter_policy",
    params(("name" = String, Path, description = "the intent type")),
    responses(
        (status = 200, description = "the policy", body = StarterView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn starter(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    uri: Uri,
) -> Result<Json<StarterView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let rulebook = host.engine.rulebook();
    let (of, now) = (named(&rulebook, &name)?, host.engine.now());
    let begun = busy::proved(&host, line, move |_| {
        let schema = rulebook.intent_type(&of).ok_or_else(|| Problem::unknown("intent type", of.as_str()))?;
        sound(&rulebook, schema, now).map_err(|none| no_starter(&none))
    });
    Ok(Json(StarterView { policy: begun.await? }))
}

fn no_starter(none: &NoStarter) -> Problem {
    let help = match none {
        NoStarter::Nothing(_) => {
            "give the type a required token or a fact that is a number, a word or a date"
        }
        NoStarter::NoBackup { .. } => "add a pool of two or more people to `people.md`",
    };
    Problem::new("CS-E0220", none.to_string(), help)
}
