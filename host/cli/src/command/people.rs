//! `countersign people`: who is there, and what absences and departures mean for the routes.

use super::{Global, policy};
use crate::client::{Change, Client, typed};
use crate::exit;
use crate::output::{self, Table, plain};
use crate::wire::SystemClock;
use anyhow::{Context as _, Result};
use countersign_core::id::PersonId;
use countersign_core::intent::Day;
use countersign_core::rulebook::Rulebook;
use countersign_core::rulebook::outlook::{OUTLOOK_DAYS, OUTLOOK_DAYS_MAX, Outlook};
use countersign_engine::port::clock::Clock as _;
use countersign_server::api::view::{AwayView, Listed, PersonView, SourceView};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to ask about people.
#[derive(Debug, clap::Subcommand)]
pub enum People {
    /// List everybody: pools, roles, who is away today and who covers
    List,
    /// Say that a person is away: yourself, or somebody else if your pool owns `people.md`
    Away(Away),
    /// Say that a person is back: ends the absences of today that are on record
    Back {
        /// Who
        person: String,
        /// End the absence of this number instead, also one to come; `people list` shows the numbers
        #[arg(long, value_name = "NUMBER")]
        absence: Option<u64>,
    },
    /// Look ahead: days on which too few can decide, covers who are away, people whom the routes cannot do
    /// without
    Check {
        /// Look at what the running host follows, with leavers and absences on record, instead of the files
        #[arg(long, conflicts_with = "rules")]
        in_force: bool,
        /// The folder of the rules, instead of the configured one
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// How many days ahead
        #[arg(long, default_value_t = OUTLOOK_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(OUTLOOK_DAYS_MAX)))]
        days: u32,
    },
}

/// When somebody is away.
#[derive(Debug, clap::Args)]
pub struct Away {
    /// Who
    pub person: String,
    /// The first day, such as 2026-12-21, in the person's calendar
    #[arg(long, value_name = "DAY")]
    pub from: String,
    /// The last day
    #[arg(long, value_name = "DAY")]
    pub until: String,
    /// Who is asked instead: a standby, the manager, or a member of a pool of theirs
    #[arg(long, value_name = "PERSON")]
    pub cover: String,
    /// For this intent type only
    #[arg(long = "type", value_name = "TYPE")]
    pub of: Option<String>,
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses, or the rules cannot be read.
pub async fn run(command: People, global: &Global) -> Result<ExitCode> {
    match command {
        People::List => {
            let body = Client::of(global)?.get("/v1/people").await?;
            if global.json {
                output::json(&body)?;
            } else {
                table(&typed::<Listed<PersonView>>(&body)?.items).print()?;
            }
            Ok(ExitCode::from(exit::DONE))
        }
        People::Away(away) => {
            let mut body = json!({ "from": away.from, "until": away.until, "cover": away.cover });
            body["for"] = json!(away.of);
            if let (None, Value::Object(members)) = (&away.of, &mut body) {
                members.remove("for");
            }
            said_of(&away.person, "absences", &body, global).await
        }
        People::Back { person, absence } => {
            let absence = absence.map(|number| ("absence".to_owned(), json!(number)));
            let body: Map<String, Value> = absence.into_iter().collect();
            said_of(&person, "returns", &Value::Object(body), global).await
        }
        People::Check { in_force, rules, days } => {
            let outlook = if in_force {
                typed(&Client::of(global)?.get(&format!("/v1/people/outlook?days={days}")).await?)?
            } else {
                let (_, files) = policy::rules(rules.as_deref(), global)?;
                let rulebook =
                    Rulebook::draft(&files).map_err(|faults| policy::unsound(&faults, "people.md"))?;
                rulebook.outlook(SystemClock.now(), days)
            };
            if global.json {
                output::json(&outlook)?;
            } else {
                said(&outlook, in_force, days)?;
            }
            let dead_end = outlook.thin.iter().any(|thin| thin.instead.is_none());
            Ok(ExitCode::from(if dead_end { exit::NO } else { exit::DONE }))
        }
    }
}

/// Tells the host something about a person, and shows how they stand then.
async fn said_of(person: &str, what: &str, body: &Value, global: &Global) -> Result<ExitCode> {
    let person = PersonId::parse(person).context("the person")?;
    let path = format!("/v1/people/{person}/{what}");
    let change = Change { path: &path, body, revision: None, key: None };
    let body = Client::of(global)?.change(&change).await?;
    if global.json {
        output::json(&body)?;
    } else {
        table(&[typed::<PersonView>(&body)?]).print()?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// An absence in words.
fn words(away: &AwayView) -> String {
    let of = away.of.as_ref().map(|of| format!(" for {of}")).unwrap_or_default();
    let cover = away.cover.as_deref().map_or("nobody".to_owned(), str::to_owned);
    let number = away.absence.map(|number| format!(" (absence {number})")).unwrap_or_default();
    format!("{of} until {}, {cover} covers{number}", away.until)
}

fn table(people: &[PersonView]) -> Table {
    let columns = ["person", "from", "today", "to come", "pools", "roles", "manager", "calendar"];
    let mut table = Table::new(&columns);
    for person in people {
        let away = person.away.iter().map(|away| format!("away{}", words(away)));
        let ahead: Vec<String> =
            person.ahead.iter().map(|away| format!("away from {}{}", away.from, words(away))).collect();
        let sources = person.from.iter().map(|source| match source {
            SourceView::File => "file",
            SourceView::Record => "record",
        });
        let from = sources.collect::<Vec<_>>().join(", ");
        let covers = person.covers.iter().map(|absent| format!("covers {absent}"));
        let today: Vec<String> = away.chain(covers).collect();
        let pools: Vec<String> = person
            .pools
            .iter()
            .map(|pool| match (person.leads.contains(pool), person.pools_by_group.contains(pool)) {
                (true, _) => format!("{pool} (lead)"),
                (false, true) => format!("{pool} (group)"),
                (false, false) => pool.clone(),
            })
            .collect();
        let manager = person.manager.as_deref().unwrap_or_default();
        let (today, ahead) = (today.join("; "), ahead.join("; "));
        let duties = person.duties.iter().map(|duty| format!("{duty} (duty)"));
        let roles: Vec<String> = person.roles.iter().cloned().chain(duties).collect();
        let (pools, roles) = (pools.join(", "), roles.join(", "));
        table.row([&person.person, &*from, &today, &ahead, &pools, &roles, manager, &person.calendar]);
    }
    table
}

fn said(outlook: &Outlook, in_force: bool, days: u32) -> Result<()> {
    let say = |text: String| output::line(&plain(&text));
    ahead(outlook).into_iter().try_for_each(say)?;
    if !in_force {
        say("(leavers and absences on record are not in these files: `--in-force` asks a running host)"
            .to_owned())?;
    }
    if outlook.thin.is_empty() && outlook.uncovered.is_empty() && outlook.lone.is_empty() {
        say(format!(
            "every seat that does not depend on the requester can be filled on each of the next \
             {days} days, and none of them depends on one person"
        ))?;
    }
    Ok(())
}

/// What lies ahead, a sentence each.
pub(super) fn ahead(outlook: &Outlook) -> Vec<String> {
    let mut lines = Vec::new();
    for thin in &outlook.thin {
        let instead = match &thin.instead {
            Some(backup) => format!("{backup} is asked instead"),
            None => "nobody else can be asked: it will wait for an exception's owner".to_owned(),
        };
        lines.push(format!(
            "{}: {} of {} needs {} of {}, and {} there; {instead}",
            days_of(thin.from, thin.until),
            thin.row,
            thin.policy,
            thin.need,
            thin.whom,
            if thin.present == 1 { "1 is".to_owned() } else { format!("{} are", thin.present) },
        ));
    }
    for gap in &outlook.uncovered {
        let (person, cover) = (&gap.person, &gap.cover);
        let days = days_of(gap.from, gap.until);
        lines.push(format!("{days}: {person} is away, and so is {cover}, who covers"));
    }
    for lone in &outlook.lone {
        let rows = if lone.rules == 1 { "1 row".to_owned() } else { format!("{} rows", lone.rules) };
        lines.push(format!(
            "if {} leaves, nobody can fill {}: what {rows} of the policies ask for could not be approved",
            lone.person,
            lone.rows.join(", ")
        ));
    }
    lines
}

fn days_of(from: Day, until: Day) -> String {
    if from == until { from.to_string() } else { format!("{from} until {until}") }
}
