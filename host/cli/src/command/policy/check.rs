//! `countersign policy check`: proves every table before anybody relies on it.

use super::backtest::days;
use super::{Global, now, past, placed, rules, unknown};
use crate::exit;
use crate::log::Place;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::Policy;
use countersign_core::policy::backtest::Was;
use countersign_core::policy::check::{Report, check_files_with};
use countersign_core::policy::coverage::Past;
use countersign_core::policy::mutant::{SUGGESTED_MAX, Suggested};
use countersign_core::policy::stop::Stop;
use countersign_core::rulebook::Rulebook;
use countersign_engine::history::{self, Wanted};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How the files of policies end.
const POLICY_ENDING: &str = ".policy.md";

/// Which policies to check.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The only policy to check: its intent type, or a changed file, which is looked at in the place of the one of
    /// its name
    #[arg(value_name = "INTENT|FILE")]
    pub intent: Option<String>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Print the examples that would notice the edges that no example tests
    #[arg(long)]
    pub suggest: bool,
    /// Count what fired in the log of a stopped host in the last so many days, such as 90d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub since: Option<u32>,
    /// Data folder with that log, instead of the configured one
    #[arg(long, value_name = "DIR", requires = "since")]
    pub data: Option<PathBuf>,
}

/// Checks the policies; what is wrong with them is the answer, not an error.
///
/// # Errors
/// Rules or a log that cannot be read, or an intent type that no policy decides.
pub(super) async fn run(command: &Check, global: &Global) -> Result<ExitCode> {
    let (_, mut files) = rules(command.rules.as_deref(), global)?;
    let draft = command.intent.as_deref().filter(|name| name.ends_with(POLICY_ENDING)).map(Path::new);
    let standing = draft.map(|file| beside(&mut files, file)).transpose()?;
    let intent = match &standing {
        Some((_, intent)) => Some(intent.to_string()),
        None => command.intent.clone(),
    };
    if command.suggest {
        return suggest(&files, intent.as_deref(), global);
    }
    let past = fired(command, global).await?;
    let mut report = check_files_with(&files, now(), &past);
    if let Some(intent) = &intent {
        only(&mut report, intent)?;
    }
    if let (Some((path, _)), Some(file)) = (&standing, draft) {
        told_of(&mut report, path, &file.display().to_string());
    }
    printed(&report, global)?;
    if report.passes() && !global.json && !global.quiet {
        output::say("nothing keeps these policies from being published");
    }
    Ok(ExitCode::from(if report.passes() { exit::DONE } else { exit::NO }))
}

/// Puts a changed file in the place of the policy of its name; gives that place, and what it decides.
fn beside(files: &mut Vec<SourceFile>, draft: &Path) -> Result<(String, IntentTypeName)> {
    let (intent, text) = super::draft(draft)?;
    let name = draft.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let path = format!("policies/{name}");
    placed(files, &path, text);
    Ok((path, intent))
}

/// Names the file that somebody has before them.
fn told_of(report: &mut Report, path: &str, file: &str) {
    let faults = report.faults.iter_mut().map(|fault| &mut fault.file);
    let policies = report.policies.iter_mut();
    let named = policies.flat_map(|policy| {
        std::iter::once(&mut policy.file).chain(policy.findings.iter_mut().map(|finding| &mut finding.file))
    });
    for own in faults.chain(named).filter(|own| *own == path) {
        file.clone_into(own);
    }
}

fn printed(report: &Report, global: &Global) -> Result<()> {
    if global.json {
        return output::json(report);
    }
    report.to_string().lines().try_for_each(|line| output::line(&plain(line)))
}

/// What fired in the log, if somebody wants to know.
async fn fired(command: &Check, global: &Global) -> Result<Past> {
    let Some(days) = command.since else { return Ok(Past::default()) };
    let place = Place::named(command.data.clone(), global)?;
    let wanted = Wanted::from_day(None, Some(history::day_before(now(), days)));
    let mut fired = Past::of_days(days);
    past::read(&place, &wanted, global, |intent, case| {
        if let Was::Evaluated(evaluation) = &case.was {
            fired.add(intent, evaluation);
        }
    })
    .await?;
    Ok(fired)
}

fn only(report: &mut Report, intent: &str) -> Result<()> {
    if !report.faults.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = report.policies.iter().map(|policy| policy.intent.clone()).collect();
    report.policies.retain(|policy| policy.intent == intent);
    if report.policies.is_empty() {
        let failure = Failure::new(exit::USAGE, format!("no policy decides intents of type `{intent}`"));
        return Err(failure.with_help(format!("it is one of {}", known.join(", "))).into());
    }
    Ok(())
}

/// Prints the examples that the policies lack.
fn suggest(files: &[SourceFile], intent: Option<&str>, global: &Global) -> Result<ExitCode> {
    let rulebook = match Rulebook::draft(files) {
        Ok(rulebook) => rulebook,
        Err(faults) => {
            printed(&Report { faults, policies: Vec::new() }, global)?;
            return Ok(ExitCode::from(exit::NO));
        }
    };
    let wanted = |policy: &&Policy| intent.is_none_or(|intent| policy.intent.as_str() == intent);
    let never = Stop::never();
    let all = rulebook.policies().filter(wanted).map(|policy| Suggested::of(policy, &never));
    let all: Vec<Suggested> = all.collect::<Result<_, _>>()?;
    if let (Some(intent), true) = (intent, all.is_empty()) {
        return Err(unknown(intent, &rulebook).into());
    }
    if global.json {
        output::json(&all)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    for suggested in &all {
        output::line(&format!("{}: rows to add under `## Examples`", plain(&suggested.path)))?;
        suggested.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
        if !suggested.all {
            output::line(&format!("there are more than these {SUGGESTED_MAX}: add them, and ask again"))?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}
