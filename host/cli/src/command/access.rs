//! `countersign access`: what each person may do, and reviews of it.

use super::Global;
use crate::client::{Change, Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table};
use anyhow::Result;
use countersign_core::access::VERDICTS_MAX;
use countersign_server::api::view::{Listed, RightView};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Most rights that are listed at one time.
const LISTED_MAX: usize = 100_000;

/// What to do with rights.
#[derive(Debug, clap::Subcommand)]
pub enum Access {
    /// List rights and what was said of them last: all for auditors, else yours and those that you can review
    List {
        /// Whose; `me` is you
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        /// Those that this person can review; `me` is you
        #[arg(long, value_name = "PERSON")]
        reviewer: Option<String>,
        /// Those at which somebody should look: never reviewed, changed since, or to be taken away and still there
        #[arg(long)]
        open: bool,
        /// With --open: those too that were to stay before this day, in UTC, such as 2026-10-01
        #[arg(long, value_name = "DAY", requires = "open")]
        since: Option<String>,
    },
    /// Say of rights that they are still right, or that they are to be taken away; nobody reviews their own
    Review {
        /// Rights that are to stay, by their ids
        #[arg(long, value_name = "ID", value_delimiter = ',')]
        keep: Vec<String>,
        /// Rights that are to be taken away
        #[arg(long, value_name = "ID", value_delimiter = ',', requires = "reason")]
        remove: Vec<String>,
        /// Why they are to be taken away, or stay
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Access, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let body = match command {
        Access::List { person, reviewer, open, since } => {
            let filters = [
                ("person", person.as_deref()),
                ("reviewer", reviewer.as_deref()),
                ("open", open.then_some("true")),
                ("since", since.as_deref()),
            ];
            let filters: Vec<(&str, &str)> =
                filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            client.list("/v1/access", &filters, LISTED_MAX).await?
        }
        Access::Review { keep, remove, reason } => {
            let count = keep.len().saturating_add(remove.len());
            if count == 0 {
                let failure =
                    Failure::new(exit::USAGE, "say of which rights: `--keep ID,ID` or `--remove ID,ID`");
                let help = format!(
                    "`countersign access list --reviewer me --open` lists them; {VERDICTS_MAX} at once"
                );
                return Err(failure.with_help(help).into());
            }
            let said = |ids: Vec<String>, said: &'static str| {
                ids.into_iter().map(move |id| (id, said)).collect::<Vec<_>>()
            };
            let all = [said(keep, "keep"), said(remove, "remove")].concat();
            let verdicts: Vec<Value> =
                all.iter().map(|(id, said)| verdict(id, said, reason.as_deref())).collect();
            let body = json!({ "verdicts": verdicts });
            let change = Change { path: "/v1/access/reviews", body: &body, revision: None, key: None };
            client.change(&change).await?
        }
    };
    if global.json {
        output::json(&body)?;
    } else {
        table(&typed::<Listed<RightView>>(&body)?.items).print()?;
    }
    Ok(ExitCode::from(exit::DONE))
}

fn verdict(id: &str, said: &str, reason: Option<&str>) -> Value {
    let mut verdict = json!({ "right": id.trim(), "said": said });
    if let Some(reason) = reason {
        verdict["reason"] = json!(reason);
    }
    verdict
}

fn table(rights: &[RightView]) -> Table {
    let mut table = Table::new(&["id", "right", "person", "stands", "said last", "leads to"]);
    for right in rights {
        let said = right.last.as_ref().map(|last| {
            let reason = if last.reason.is_empty() { String::new() } else { format!(": {}", last.reason) };
            format!("{} by {} at {}{reason}", last.said, last.by, last.at)
        });
        table.row([
            right.id.clone(),
            right.what.clone(),
            right.person.clone(),
            right.standing.clone(),
            said.unwrap_or_default(),
            right.leads_to.join("; "),
        ]);
    }
    table
}
