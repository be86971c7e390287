//! `countersign ownership`: who answers for what, as a page that can be printed or passed on, or as a picture.

mod picture;

use super::Global;
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, plain};
use anyhow::{Context as _, Result};
use countersign_server::api::view::{
    AloneView, OwnedConnectionView, OwnedTypeView, OwnerView, OwnershipView,
};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints who answers for what, as Markdown.
#[derive(Debug, clap::Args)]
pub struct Ownership {
    /// One intent type only
    pub intent_type: Option<String>,
    /// Write a picture of it into this new file instead: who asks, answers, decides, and what is written
    #[arg(long, value_name = "FILE.svg", conflicts_with = "json")]
    pub picture: Option<PathBuf>,
}

/// Asks the host and prints the page.
///
/// # Errors
/// If the host cannot be reached or refuses, or has no such intent type.
pub async fn run(command: Ownership, global: &Global) -> Result<ExitCode> {
    let body = Client::of(global)?.get("/v1/ownership").await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let view: OwnershipView = typed(&body)?;
    let wanted = |owned: &&OwnedTypeView| command.intent_type.as_ref().is_none_or(|name| *name == owned.name);
    let types: Vec<&OwnedTypeView> = view.types.iter().filter(wanted).collect();
    if types.is_empty() {
        let name = command.intent_type.unwrap_or_default();
        let failure = output::Failure::new(exit::NO, format!("there is no intent type `{}`", plain(&name)));
        return Err(failure.with_help("`countersign ownership` shows all of them").into());
    }
    let lacking = types.iter().any(|owned| !owned.lacking.is_empty());
    if let Some(file) = &command.picture {
        let svg = picture::svg(&types, &view.connections);
        // What is there already may be something else.
        let written = std::fs::File::create_new(file).and_then(|mut file| file.write_all(svg.as_bytes()));
        written.with_context(|| format!("`{}` cannot be written", file.display()))?;
        output::say(&format!("written  {}: open it in a browser", plain(&file.display().to_string())));
        return Ok(ExitCode::from(exit::DONE));
    }
    // Whoever asks about one type asks about no connection of another one.
    let connections: &[_] = if command.intent_type.is_some() { &[] } else { &view.connections };
    output::line(page(&types, connections, &view.alone).trim_end())?;
    Ok(ExitCode::from(if lacking { exit::NO } else { exit::DONE }))
}

/// The page.
fn page(types: &[&OwnedTypeView], connections: &[OwnedConnectionView], alone: &[AloneView]) -> String {
    let mut page = String::from("# Who answers for what\n");
    for owned in types {
        one(&mut page, owned);
    }
    if !connections.is_empty() {
        page.push_str("\n## Connections\n\n");
        let rows = connections.iter().map(|connection| {
            let owner = connection.integration_owner.as_ref();
            let owner = owner.map_or_else(|| "operators alone".to_owned(), of);
            let name = &connection.name;
            let name = if connection.configured { name.clone() } else { format!("{name} (not configured)") };
            vec![name, owner]
        });
        table(&mut page, &["connection", "integration owner"], &rows.collect::<Vec<_>>());
    }
    page.push_str("\n## If somebody leaves\n\n");
    if alone.is_empty() {
        page.push_str("No seat that does not depend on the requester hangs on one person.\n");
    }
    for alone in alone {
        let rows = cell(&alone.rows.join(", "));
        let rules = if alone.rules == 1 { "1 row".to_owned() } else { format!("{} rows", alone.rules) };
        let person = cell(&alone.person);
        line(
            &mut page,
            &format!(
                "- without {person} nobody can fill {rows}: what {rules} of the policies ask for could not be approved"
            ),
        );
    }
    page
}

fn one(page: &mut String, owned: &OwnedTypeView) {
    line(page, &format!("\n## {}\n", cell(&owned.name)));
    table(
        page,
        &["what", "who"],
        &[
            vec!["state".to_owned(), state(owned)],
            vec!["owner".to_owned(), of(&owned.owner)],
            vec!["policy owner".to_owned(), owned.policy_owner.as_ref().map(of).unwrap_or_default()],
            vec!["incident owner".to_owned(), of(&owned.incident_owner)],
            vec!["fallback owner".to_owned(), owned.fallback_owner.clone()],
            vec!["source".to_owned(), format!("{} ({})", owned.source, owned.trigger)],
            vec!["destinations".to_owned(), owned.destinations.join(", ")],
            vec![
                "impact".to_owned(),
                format!("{}, fails {}, {}", owned.impact, owned.fail_mode, owned.enforcement),
            ],
            vec!["QA checkpoint".to_owned(), owned.qa_checkpoint.clone()],
            vec!["reported by".to_owned(), owned.reporting.join(", ")],
        ],
    );
    if let Some(budget) = &owned.exception_budget {
        line(page, &format!("\nException budget: {}.", cell(budget)));
    }
    if !owned.asked_by.is_empty() {
        line(page, &format!("\nAsked for by: {}.", cell(&owned.asked_by.join(", "))));
    }
    if let Some(who) = &owned.break_glass {
        line(page, &format!("\nDecides alone in an emergency: {}.", cell(who)));
    }
    if !owned.seats.is_empty() {
        page.push_str("\nWho decides:\n\n");
        let rows = owned.seats.iter().map(|seat| {
            let people = if seat.people.is_empty() {
                "depends on the intent".to_owned()
            } else {
                seat.people.join(", ")
            };
            vec![
                format!("{} {}", seat.route, seat.step),
                seat.whom.clone(),
                people,
                seat.need.clone(),
                seat.within.clone(),
                format!("{}, then {}", seat.backup.join(", "), seat.finally),
                seat.rules.to_string(),
            ]
        });
        let columns = ["route", "whom", "people now", "need", "within", "if nobody decides", "policy rows"];
        table(page, &columns, &rows.collect::<Vec<_>>());
    }
    page.push_str("\nWho answers for exceptions:\n\n");
    let rows = owned.exceptions.iter().map(|exception| {
        vec![
            exception.id.clone(),
            exception.whom.clone(),
            exception.within.clone(),
            exception.backup.join(", "),
            exception.closes_when.join(", "),
        ]
    });
    table(page, &["exception", "whom", "within", "backup", "closes when"], &rows.collect::<Vec<_>>());
    if !owned.lacking.is_empty() {
        page.push_str("\nLacking:\n\n");
        owned.lacking.iter().for_each(|lacking| line(page, &format!("- {}", cell(lacking))));
    }
}

/// Whether it takes intents, and who let it.
fn state(owned: &OwnedTypeView) -> String {
    match &owned.live {
        None => owned.state.clone(),
        Some(live) => {
            let since = format!("{} since {}", owned.state, live.since);
            match (&live.asked, &live.trial) {
                (Some(asked), Some(trial)) => {
                    format!("{since}: {asked} asked, {} approved, on trial {trial}", live.by.join(", "))
                }
                // By whom is for those for whom its intents are.
                (_, _) => since,
            }
        }
    }
}

fn of(owner: &OwnerView) -> String {
    let lead = owner.lead.as_deref().unwrap_or("nobody");
    let others: Vec<&str> =
        owner.members.iter().map(String::as_str).filter(|member| *member != lead).collect();
    let others = if others.is_empty() { "nobody else".to_owned() } else { others.join(", ") };
    let on_call = owner.on_call.as_ref().map(|on_call| {
        let instead = on_call.instead_of.as_ref();
        let instead = instead.map(|person| format!(" in the place of {person}")).unwrap_or_default();
        format!("; {}{instead} is on call until {}", on_call.person, on_call.until)
    });
    format!("pool {}: {lead} leads; {others}{}", owner.pool, on_call.unwrap_or_default())
}

fn table(page: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    line(page, &format!("| {} |", columns.join(" | ")));
    line(page, &format!("|{}", "---|".repeat(columns.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        line(page, &format!("| {} |", cells.join(" | ")));
    }
}

/// A text that stays in its cell.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('\n', " ")
}

fn line(page: &mut String, text: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_server::api::view::OnCallView;

    #[test]
    fn the_page_says_who_looks_after_which_connection() {
        let owner = OwnerView {
            pool: "billing".to_owned(),
            lead: Some("billing-1".to_owned()),
            members: vec!["billing-1".to_owned(), "billing-2".to_owned()],
            on_call: Some(OnCallView {
                person: "billing-2".to_owned(),
                until: "2026-11-29".to_owned(),
                instead_of: Some("billing-1".to_owned()),
            }),
        };
        let connection = |name: &str, owner: Option<OwnerView>, configured| OwnedConnectionView {
            name: name.to_owned(),
            integration_owner: owner,
            configured,
        };
        let connections = [connection("crm", None, true), connection("ledger", Some(owner), false)];
        let page = page(&[], &connections, &[]);
        let rows = [
            "| crm | operators alone |",
            "| ledger (not configured) | pool billing: billing-1 leads; billing-2; billing-2 in the place of billing-1 is on \
             call until 2026-11-29 |",
        ];
        assert!(rows.iter().all(|row| page.contains(row)), "{page}");
    }
}
