//! `countersign people`: who is there, and what absences and departures mean for the routes.

use super::{Global, policy};
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, Table, plain};
use crate::wire::SystemClock;
use anyhow::Result;
use countersign_core::intent::Day;
use countersign_core::rulebook::Rulebook;
use countersign_core::rulebook::outlook::{OUTLOOK_DAYS_MAX, Outlook};
use countersign_engine::port::clock::Clock as _;
use countersign_server::api::view::{Listed, PersonView};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to ask about people.
#[derive(Debug, clap::Subcommand)]
pub enum People {
    /// List everybody: pools, roles, who is away today and who covers
    List,
    /// Look ahead in `people.md`: days on which too few can decide, covers who are away, people whom the
    /// routes cannot do without
    Check {
        /// The folder of the rules, instead of the configured one
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// How many days ahead
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=i64::from(OUTLOOK_DAYS_MAX)))]
        days: u32,
    },
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
        People::Check { rules, days } => {
            let (_, files) = policy::rules(rules.as_deref(), global)?;
            let rulebook = Rulebook::draft(&files).map_err(|faults| policy::unsound(&faults, "people.md"))?;
            let outlook = rulebook.outlook(SystemClock.now(), days);
            if global.json {
                output::json(&outlook)?
            } else {
                said(&outlook, days)?
            }
            let dead_end = outlook.thin.iter().any(|thin| thin.instead.is_none());
            Ok(ExitCode::from(if dead_end { exit::NO } else { exit::DONE }))
        }
    }
}

fn table(people: &[PersonView]) -> Table {
    let mut table = Table::new(&["person", "today", "pools", "roles", "manager", "calendar"]);
    for person in people {
        let away = person.away.iter().map(|away| {
            let of = away.of.as_ref().map(|of| format!(" for {of}")).unwrap_or_default();
            format!("away{of} until {}, {} covers", away.until, away.cover)
        });
        let covers = person.covers.iter().map(|absent| format!("covers {absent}"));
        let today: Vec<String> = away.chain(covers).collect();
        let pools: Vec<String> = person
            .pools
            .iter()
            .map(|pool| if person.leads.contains(pool) { format!("{pool} (lead)") } else { pool.clone() })
            .collect();
        let manager = person.manager.as_deref().unwrap_or_default();
        let (today, pools, roles) = (today.join("; "), pools.join(", "), person.roles.join(", "));
        table.row([&person.person, &*today, &pools, &roles, manager, &person.calendar]);
    }
    table
}

fn said(outlook: &Outlook, days: u32) -> Result<()> {
    let say = |text: String| output::line(&plain(&text));
    for thin in &outlook.thin {
        let instead = match &thin.instead {
            Some(backup) => format!("{backup} is asked instead"),
            None => "nobody else can be asked: it will wait for an exception's owner".to_owned(),
        };
        say(format!(
            "{}: {} of {} needs {} of {}, and {} there; {instead}",
            days_of(thin.from, thin.until),
            thin.row,
            thin.policy,
            thin.need,
            thin.whom,
            if thin.present == 1 { "1 is".to_owned() } else { format!("{} are", thin.present) },
        ))?;
    }
    for gap in &outlook.uncovered {
        let (person, cover) = (&gap.person, &gap.cover);
        let days = days_of(gap.from, gap.until);
        say(format!("{days}: {person} is away, and so is {cover}, who covers"))?;
    }
    for lone in &outlook.lone {
        let rows = if lone.rules == 1 { "1 row".to_owned() } else { format!("{} rows", lone.rules) };
        say(format!(
            "if {} leaves, nobody can fill {}: what {rows} of the policies ask for could not be approved",
            lone.person,
            lone.rows.join(", ")
        ))?;
    }
    if outlook.thin.is_empty() && outlook.uncovered.is_empty() && outlook.lone.is_empty() {
        say(format!(
            "by these files, every seat that does not depend on the requester can be filled on each of the next \
             {days} days, and none of them depends on one person"
        ))?;
    }
    Ok(())
}

fn days_of(from: Day, until: Day) -> String {
    if from == until { from.to_string() } else { format!("{from} until {until}") }
}
