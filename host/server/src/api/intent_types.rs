//! Intent types: what can be asked for.

use super::drafts::named;
use super::intents::{self, Wanted};
use super::view::intent::Looking;
use super::view::{IntentTypeView, IntentView, Listed, StarterView};
use crate::asked::{Line, Members, Place, Posted, Query};
use crate::busy;
use crate::door::Caller;
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::{Extension, Json};
use countersign_core::approval::refusal::Refusal;
use countersign_core::going_live::GO_LIVE;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Raw;
use countersign_core::policy::starter::{NoStarter, sound};
use utoipa::ToSchema;

/// On what an intent type goes live.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct GoLiveBody {
    /// The trial that shows that it works.
    trial: String,
    /// Why now, for whoever decides.
    #[schema(max_length = 2000)]
    reason: String,
    /// Why its trigger need not be shown, where this host has none of its kind.
    #[schema(max_length = 2000)]
    waive_trigger: Option<String>,
}

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
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listed<IntentTypeView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, reachable) = (host.engine.rulebook(), host.engine.reachable());
    let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
    let views = rulebook.intent_types().map(|schema| IntentTypeView::of(schema, looking, &reachable));
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
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<IntentTypeView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let rulebook = host.engine.rulebook();
    let parsed = IntentTypeName::parse(&name).ok();
    let schema = parsed.and_then(|name| rulebook.intent_type(&name));
    let schema = schema.ok_or_else(|| Problem::unknown("intent type", &name))?;
    let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
    Ok(Json(IntentTypeView::of(schema, looking, &host.engine.reachable())))
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

/// Asks that a draft goes live, in the name of the token's person.
///
/// It is an intent of type `go_live`, so nothing has changed yet: somebody else of the pool that owns the type
/// decides on it. If anything is lacking it is refused, and everything that is lacking is listed.
#[utoipa::path(
    post, path = "/v1/intent-types/{name}/go-live", tag = "intent types", operation_id = "go_live",
    request_body = GoLiveBody,
    params(
        ("name" = String, Path, description = "the intent type"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when it is prepared, at most N <= 30 seconds later"),
    ),
    responses(
        (status = 201, description = "the intent is kept; `Location` and `ETag` name it", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn go_live(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let of = named(&host.engine.rulebook(), &name)?;
    let mut members = Members::of(body, &["trial", "reason", "waive_trigger"]);
    let trial = members.required("trial", "the id of an intent", |text| text.parse::<IntentId>().ok());
    let reason = members.words("reason");
    let waive = members.words("waive_trigger");
    members.checked()?;
    if reason.is_empty() {
        return Err(Refusal::ReasonMissing.into());
    }
    // INVARIANT: without it the body was flawed, and that was said above.
    let trial = trial.ok_or_else(Problem::bug)?.to_string();
    let tokens = [("intent", of.to_string()), ("trial", trial), ("reason", reason), ("waive_trigger", waive)];
    let tokens = tokens.into_iter().filter(|(_, text)| !text.is_empty());
    let tokens = tokens.map(|(name, text)| (name.to_owned(), Raw::Text(text))).collect();
    let wanted = Wanted { intent_type: GO_LIVE.to_owned(), tokens: Raw::Map(tokens), trial: None };
    intents::submitted(&host, &caller, key, &headers, wanted).await
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
