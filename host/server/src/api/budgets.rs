//! Exception budgets: what burns, what spent it, and rows that would have spared it, tried on the record.

use super::backtest::on_record;
use super::drafts::{changed, file, named};
use super::view::{BudgetView, SuggestedRowsView};
use crate::asked::{Line, Place, Query};
use crate::busy;
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::budget::rows;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::stop::Stop;
use countersign_engine::history;
use countersign_engine::limits::EVIDENCE_DAYS;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shows how far the exception budget of an intent type has burnt, and what spent it: by day, by what the newest of
/// them have in common, and one by one.
#[utoipa::path(
    get, path = "/v1/intent-types/{name}/budget", tag = "exceptions", operation_id = "show_budget",
    params(("name" = String, Path, description = "the intent type")),
    responses(
        (status = 200, description = "the budget", body = BudgetView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<BudgetView>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let of = named(&host.engine.rulebook(), &name)?;
    if super::sees_all(&host, &caller, &of) {
        let (spending, packet) = host.engine.packet(&of).await?.ok_or_else(|| no_budget(&of))?;
        return Ok(Json(BudgetView::of(&of, &spending, &packet)));
    }
    if !super::may_count(&host, &caller, &of) {
        super::all_seen(&host, &caller, &of)?;
    }
    let spending = host.engine.spending(&of).await?.ok_or_else(|| no_budget(&of))?;
    Ok(Json(BudgetView::figures(&of, &spending)))
}

/// Rows that would have spared exceptions, each tried on what the log has of the last 90 days.
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    rows: Vec<TriedRow>,
}

#[derive(Debug, Serialize)]
struct TriedRow {
    above: String,
    cases: u32,
    cells: BTreeMap<String, String>,
    policy: String,
    backtest: Backtest,
}

/// Suggests rows for the policy in force: where people approved each of three or more intents that one row sent to
/// them, and that were exceptions because nobody decided in time, a narrower row above it that lets the like pass,
/// tried on the record of 90 days. Nothing is stored; `policy` of each is a draft for whoever publishes it, or not.
#[utoipa::path(
    get, path = "/v1/intent-types/{name}/budget/rows", tag = "exceptions", operation_id = "suggest_rows",
    params(("name" = String, Path, description = "the intent type")),
    responses(
        (status = 200, description = "the rows, at most three", body = SuggestedRowsView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn suggest(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    line: Line,
    uri: Uri,
) -> Result<Json<Tried>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let of = named(&rulebook, &name)?;
    super::all_seen(&host, &caller, &of)?;
    let found = host.engine.spent_on(&of).await?;
    let (spending, approvals) = found.ok_or_else(|| no_budget(&of))?;
    let policy = rulebook.policy(&of, now).ok_or_else(|| Problem::unknown("policy", of.as_str()))?;
    let text = rulebook.document(&of, &policy.version).unwrap_or_default().to_owned();
    let suggested = rows(&file(&of, text), policy, &spending, &approvals);
    let mut tried = Vec::with_capacity(suggested.len());
    for row in suggested {
        let (rules, intent, draft) = (Arc::clone(&rulebook), of.clone(), row.document.clone());
        let sound = move |_: &Stop<'_>| changed(&rules, &intent, draft);
        // One that does not check helps nobody: a promise of the policy may forbid it.
        let Ok(new) = busy::proved(&host, line.clone(), sound).await else { continue };
        let since = Some(history::day_before(now, EVIDENCE_DAYS));
        let store = host.engine.store();
        let trial = history::backtest(&**store, &rulebook, &new, since, now);
        let backtest = on_record(&host, line.clone(), trial, "backtest FILE --data DIR").await?;
        let (above, cases, cells) = (row.above, row.cases, row.cells.into_iter().collect());
        tried.push(TriedRow { above, cases, cells, policy: row.document, backtest });
    }
    Ok(Json(Tried { rows: tried }))
}

fn no_budget(of: &IntentTypeName) -> Problem {
    let help = "the row `exception budget` of an intent type gives it one";
    Problem::new("CS-E0220", format!("`{of}` has no exception budget"), help)
}
