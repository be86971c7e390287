//! Backtest: what a changed policy would have answered to the recorded intents.

use super::drafts::{DAYS, DOCUMENT, changed, named, whole};
use super::view::BacktestView;
use crate::asked::{Line, Members, Place, Question};
use crate::busy;
use crate::door::Caller;
use crate::limits::{BACKTEST_MS_MAX, POLICY_BYTES_MAX};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::{Extension, Json};
use countersign_core::id::IntentTypeName;
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::stop::{Stop, Stopped};
use countersign_engine::fault::Fault;
use countersign_engine::history;
use countersign_engine::port::store::StoreFault;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What is tried, on which part of history.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct BacktestBody {
    /// The whole text of the changed policy.
    policy: String,
    /// Only intents of the last so many days, such as `90d`; all of them if it is left out.
    #[schema(example = "90d", pattern = "^[0-9]{1,4}d$")]
    since: Option<String>,
}

/// Tries a changed policy on the intents that the log has. Nothing is stored.
#[utoipa::path(
    post, path = "/v1/policies/{name}/backtest", tag = "policies", operation_id = "backtest_policy",
    request_body = BacktestBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "what it would have answered", body = BacktestView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn backtest(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<Backtest>, Problem> {
    let rulebook = host.engine.rulebook();
    let intent = named(&rulebook, &name)?;
    super::all_seen(&host, &caller, &intent)?;
    let mut members = Members::of(body, &["policy", "since"]);
    let text = members.required("policy", DOCUMENT, whole);
    let days = members.optional("since", DAYS, history::days);
    members.checked()?;
    tried(&host, &caller, line, (intent, text.unwrap_or_default(), days)).await.map(Json)
}

/// What a document would have answered to the recorded intents of its type, for whoever sees all of each.
pub(crate) async fn tried(
    host: &Host,
    caller: &Caller,
    line: Line,
    (intent, text, days): (IntentTypeName, String, Option<u32>),
) -> Result<Backtest, Problem> {
    super::all_seen(host, caller, &intent)?;
    let rulebook = host.engine.rulebook();
    let rules = Arc::clone(&rulebook);
    let sound = move |_: &Stop<'_>| changed(&rules, &intent, text);
    let new = busy::proved(host, line.clone(), sound).await?;
    let now = host.engine.now();
    let since = days.map(|days| history::day_before(now, days));
    let store = host.engine.store();
    let trial = history::backtest(&**store, &rulebook, &new, since, now);
    on_record(host, line, trial, "backtest FILE --data DIR").await
}

/// Waits for a walk over the whole log, if there is a place for it and as long as somebody listens.
/// `instead` is the command that does the same without a host.
pub(super) async fn on_record<T>(
    host: &Host,
    line: Line,
    walk: impl Future<Output = Result<T, Fault>>,
    instead: &str,
) -> Result<T, Problem> {
    let Ok(_place) = Arc::clone(&host.backtests).try_acquire_owned() else {
        let help = "wait until it has ended and send this again";
        return Err(Problem::new("CS-E0217", "another backtest is running", help).later());
    };
    let walked = tokio::select! {
        walked = tokio::time::timeout(Duration::from_millis(BACKTEST_MS_MAX), walk) => walked,
        () = line.died() => return Err(Stopped.into()),
    };
    match walked {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(Fault::Store(StoreFault::TooLarge(limit)))) => {
            let detail = format!("more intents were undecided at one time than {limit} allows");
            Err(Problem::new("CS-E0308", detail, "ask for fewer days in `since`"))
        }
        Ok(Err(fault)) => Err(fault.into()),
        Err(_) => {
            let detail =
                format!("the log could not be read within {BACKTEST_MS_MAX} ms; nothing was changed");
            let help = format!(
                "stop the host, or take a copy of its data folder, and run `countersign policy {instead}`, which \
                 has no such limit"
            );
            Err(Problem::new("CS-E0306", detail, help))
        }
    }
}
