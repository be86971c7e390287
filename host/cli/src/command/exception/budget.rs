//! `countersign exception budget`: how far budgets have burnt, and what spent them.

use super::super::Global;
use super::super::intent_type::place;
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_server::api::view::{BacktestView, BudgetView, IntentTypeView, Listed, SuggestedRowsView};
use serde_json::Value;
use std::process::ExitCode;

/// Asks the host and prints one budget, or a line for each. Ends with 1 if a budget is spent.
pub(super) async fn run(client: &Client, name: Option<String>, global: &Global) -> Result<ExitCode> {
    let names = match &name {
        Some(name) => vec![name.clone()],
        None => budgeted(client).await?,
    };
    let (mut bodies, mut kept) = (Vec::<Value>::new(), Vec::new());
    for one in &names {
        match client.get(&place(one, "budget")?).await {
            Ok(body) => bodies.push(body),
            // In a list of all, what is not for whoever asks hides nothing else.
            Err(failure) if name.is_none() && is_not_for_you(&failure) => kept.push(one.as_str()),
            Err(failure) => return Err(failure),
        }
    }
    let budgets = bodies.iter().map(typed).collect::<Result<Vec<BudgetView>>>()?;
    match (global.json, name.is_some(), budgets.as_slice()) {
        (true, true, _) => bodies.first().map_or(Ok(()), output::json)?,
        (true, false, _) => output::json(&Value::Array(bodies))?,
        (false, true, [one]) => whole(one)?,
        (false, _, all) => each(all, &kept).print()?,
    }
    let spent = budgets.iter().any(|budget| budget.state == "spent");
    Ok(ExitCode::from(if spent { exit::NO } else { exit::DONE }))
}

/// Asks the host for rows that would have spared exceptions, and prints each with what it would have let pass.
pub(super) async fn rows(client: &Client, name: &str, global: &Global) -> Result<ExitCode> {
    let body = client.get(&place(name, "budget/rows")?).await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let suggested: SuggestedRowsView = typed(&body)?;
    if suggested.rows.is_empty() {
        output::line(
            "no row is suggested: of what one row sent to people, no three were exceptions because nobody decided in \
             time, and approved all the same",
        )?;
    }
    for row in &suggested.rows {
        output::line(&format!(
            "above `{}` (people approved each of {} on which nobody had decided in time)",
            plain(&row.above),
            row.cases
        ))?;
        let mut cells = Table::new(&["column", "cell"]);
        for (column, cell) in &row.cells {
            cells.row([column, cell]);
        }
        cells.print()?;
        let BacktestView { cases, newly_approved, newly_approved_though_declined: declined, .. } =
            &row.backtest;
        output::line(&format!(
            "in 90 days: {} of {} intents would have been approved without asking, {} of which people declined\n",
            newly_approved.count, cases.count, declined.count
        ))?;
    }
    output::line(
        "`--json` has the whole policy with each row; `countersign policy backtest` tries a file of it",
    )?;
    Ok(ExitCode::from(exit::DONE))
}

/// The intent types that have a budget.
async fn budgeted(client: &Client) -> Result<Vec<String>> {
    let types: Listed<IntentTypeView> = typed(&client.get("/v1/intent-types").await?)?;
    let with = types.items.into_iter().filter(|kind| kind.exception_budget.is_some());
    Ok(with.map(|kind| kind.name).collect())
}

/// Whether the host says that its figures are for others.
fn is_not_for_you(failure: &anyhow::Error) -> bool {
    failure.downcast_ref::<Failure>().is_some_and(|failure| failure.code.as_deref() == Some("CS-E0222"))
}

fn each(budgets: &[BudgetView], kept: &[&str]) -> Table {
    let mut table =
        Table::new(&["type", "state", "exceptions", "budget", "owner", "spent in the hour from", "ends"]);
    for one in budgets {
        let of = format!("{} of {}", one.burn.opened, one.burn.at_most);
        let owner = one.open.as_ref().map(|open| open.owner.clone()).unwrap_or_default();
        let (exhausted, ends) = (&one.burn.exhausted, &one.burn.ends);
        let time = |at: &Option<String>| at.clone().unwrap_or_default();
        table.row([&one.intent_type, &one.state, &of, &one.budget, &owner, &time(exhausted), &time(ends)]);
    }
    for name in kept {
        table.row([*name, "not for you", "", "", "", "", ""]);
    }
    table
}

fn whole(budget: &BudgetView) -> Result<()> {
    output::line(&format!("{}: {} ({})", plain(&budget.intent_type), budget.state, plain(&budget.budget)))?;
    output::line(&plain(&budget.applies))?;
    if let Some(hour) = &budget.burn.exhausted {
        output::line(&format!("at this rate it is spent in the hour from {hour}"))?;
    }
    if let Some(open) = &budget.open {
        let (owner, intent) = (plain(&open.owner), plain(&open.intent));
        output::line(&format!("{owner} answers for it, in {intent} (told that it is {})", open.level))?;
    }
    output::line("\nby day")?;
    let mut days = Table::new(&["day", "opened"]);
    for day in &budget.days {
        days.row([&day.day, &day.opened.to_string()]);
    }
    days.print()?;
    if budget.withheld {
        return output::line("\nwhat spent it is not for you: not all of each intent is");
    }
    output::line("\nin common")?;
    let mut clusters = Table::new(&["by", "value", "cases"]);
    for cluster in &budget.clusters {
        clusters.row([&cluster.by, &cluster.value, &cluster.count.to_string()]);
    }
    clusters.print()?;
    output::line("\ncases")?;
    let mut cases = Table::new(&["opened", "intent", "cause", "what happened", "row", "owner", "state"]);
    for case in &budget.cases {
        let rows = case.rows.join(", ");
        let what = &case.detail.message;
        cases.row([&case.opened, &case.intent, &case.cause, what, &rows, &case.owner, &case.exception_state]);
    }
    cases.print()
}
