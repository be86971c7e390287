//! `countersign audit duties`: who did two things that are for two persons, over the whole history.

use super::Global;
use super::days::{Begun, Days, OverDays};
use super::evidence::{self, Lines};
use super::ledger::of_intent;
use super::population::{Log, LookedAt};
use crate::exit;
use crate::output::{self, Failure, Table};
use anyhow::{Context as _, Result};
use countersign_core::evidence::duties::{Count, Duties, Finding, Meaning, NOT_LOOKED_AT, Rule, Told};
use countersign_core::id::ConnectionName;
use countersign_core::log::leaf::Leaf;
use countersign_core::{connection, connector, denied};
use countersign_engine::port::store::Logged;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What the first line calls itself.
const FORM: &str = "countersign-duties/1";

/// The first line.
#[derive(Debug, Serialize)]
struct Head {
    form: String,
    query: Days,
    log: Log,
    looked_at: LookedAt,
    /// What each rule means and looks at.
    rules: BTreeMap<String, About>,
    not_looked_at: Vec<String>,
}

#[derive(Debug, Serialize)]
struct About {
    meaning: Meaning,
    looks_at: String,
}

struct Looking {
    duties: Duties,
    lines: Option<Lines>,
    /// The first of them.
    breaches: Vec<Finding>,
}

/// Most breaches that are shown beside the file, which has them all.
const SHOWN_MAX: usize = 20;

/// Looks through the history, or does so again.
///
/// # Errors
/// If the log cannot be read or is not what its checkpoint says; or the file cannot be written or is not what the log says.
/// A breach is an answer of no.
pub(super) async fn run(command: OverDays, global: &Global) -> Result<ExitCode> {
    let Begun { file, again, days: query, lines, ledger, bound } =
        command.begin("list of duties", global).await?;
    let about = |rule: Rule| {
        (rule.as_str().to_owned(), About { meaning: rule.meaning(), looks_at: rule.looks_at().to_owned() })
    };
    let mut looking =
        Looking { duties: Duties::new(query.since, query.until), lines: Some(lines), breaches: Vec::new() };
    looking.line(&Head {
        form: FORM.to_owned(),
        query,
        log: Log::of(&bound),
        looked_at: LookedAt::of(&bound),
        rules: Rule::ALL.into_iter().map(about).collect(),
        not_looked_at: NOT_LOOKED_AT.map(str::to_owned).to_vec(),
    })?;
    let (looking, _) = ledger.walk(looking, look).await?;
    let Looking { duties, lines, breaches } = looking;
    let counts: BTreeMap<&str, Count> =
        duties.counts().iter().map(|(rule, count)| (rule.as_str(), *count)).collect();
    let sha256 = lines.context("the lines were taken away")?.end(json!({ "rules": counts }))?;
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "rules": counts,
            "breaches": breaches,
            "entries": bound.checkpoint.size,
            "root": bound.checkpoint.root,
            "sha256": sha256,
        }))?;
    } else {
        let found = if again { "is what the log says" } else { "is written" };
        output::line(&format!("`{}` {found}", file.display()))?;
        table(duties.counts())?;
        let checkpoint = &bound.checkpoint;
        let (size, origin, root) = (checkpoint.size, &checkpoint.origin, checkpoint.root);
        output::line(&format!("looked at: all {size} entries of `{origin}`, root {root}"))?;
    }
    told(&breaches)
}

impl Looking {
    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        self.lines.as_mut().context("the lines were taken away")?.line(value)
    }
}

fn table(counts: &BTreeMap<Rule, Count>) -> Result<()> {
    let mut table = Table::new(&["rule", "means", "found", "of"]);
    for (rule, Count { looked_at, found }) in counts {
        let meaning = match rule.meaning() {
            Meaning::Breach => "a breach",
            Meaning::ToBeSeen => "allowed, to be seen",
            Meaning::Kept => "kept",
        };
        let is_nothing = *looked_at == 0 && *found == 0;
        let found = if is_nothing { "-".to_owned() } else { found.to_string() };
        let of = if is_nothing {
            format!("nothing to look at: no {}", rule.looks_at())
        } else {
            format!("{looked_at} {}", rule.looks_at())
        };
        table.row([rule.as_str(), meaning, &found, &of]);
    }
    table.print()
}

fn told(breaches: &[Finding]) -> Result<ExitCode> {
    if breaches.is_empty() {
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut failure = Failure::new(exit::NO, "there are breaches of the segregation of duties");
    let place = |finding: &Finding| {
        let entries: Vec<String> = finding.entries.iter().map(u64::to_string).collect();
        let intent = finding.intent.map(|intent| intent.to_string()).unwrap_or_default();
        format!("{intent} `{}` {} (entries {})", finding.person, finding.says, entries.join(", "))
    };
    failure.places = breaches.iter().take(SHOWN_MAX).map(place).collect();
    let help =
        "the host refuses each of them, so somebody wrote to the log past it: keep the data folder as it is";
    Err(failure.with_help(help).into())
}

fn look(looking: &mut Looking, logged: &Logged, leaf: &Leaf) -> Result<()> {
    let position = logged.position.0;
    let mut found = Vec::new();
    let duties = &mut looking.duties;
    let mut take = |told: Told<'_>| -> Result<()> {
        found.extend(duties.take(told).map_err(evidence::unmade)?);
        Ok(())
    };
    match logged.stream.split('/').next().unwrap_or_default() {
        "connection" => {
            let name = logged.stream.split('/').nth(1).unwrap_or_default();
            let name = ConnectionName::parse(name).context("a record of no connection")?;
            take(Told::Connection(position, &name, &entry::<connection::Entry>(logged)?))?;
        }
        "connector" => take(Told::Connector(position, &entry::<connector::Entry>(logged)?))?,
        "denied" => take(Told::Denied(position, &entry::<denied::Entry>(logged)?))?,
        _ => {
            of_intent(logged, leaf, |seen| take(Told::Intent(seen)))?;
        }
    }
    for finding in found {
        looking.line(&finding)?;
        if finding.meaning == Meaning::Breach && looking.breaches.len() < SHOWN_MAX {
            looking.breaches.push(finding);
        }
    }
    Ok(())
}

fn entry<T: DeserializeOwned>(logged: &Logged) -> Result<T> {
    serde_json::from_slice(&logged.entry)
        .with_context(|| format!("entry {} of `{}` cannot be read", logged.sequence, logged.stream))
}
