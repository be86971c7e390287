//! `countersign policy check`: proves every table before anybody relies on it.

use super::backtest::days;
use super::{Global, now, past, rules};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::policy::Policy;
use countersign_core::policy::backtest::Was;
use countersign_core::policy::check::{Report, check_files_with};
use countersign_core::policy::coverage::Past;
use countersign_core::policy::mutant;
use countersign_core::policy::stop::Stop;
use countersign_core::rulebook::Rulebook;
use countersign_engine::history::{self, Wanted};
use std::path::PathBuf;
use std::process::ExitCode;

/// Which policies to check.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Intent type of the only policy to check
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
    let (_, files) = rules(command.rules.as_deref(), global)?;
    let past = fired(command, global).await?;
    let mut report = check_files_with(&files, now(), &past);
    if let Some(intent) = &command.intent {
        only(&mut report, intent)?;
    }
    if command.suggest {
        return suggest(&files, command.intent.as_deref(), &report);
    }
    if global.json {
        output::json(&report)?;
    } else {
        report.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
        if report.passes() && !global.quiet {
            output::say("nothing keeps these policies from being published");
        }
    }
    Ok(ExitCode::from(if report.passes() { exit::DONE } else { exit::NO }))
}

/// What fired in the log, if somebody wants to know.
async fn fired(command: &Check, global: &Global) -> Result<Past> {
    let Some(days) = command.since else { return Ok(Past::default()) };
    let data = past::folder(command.data.as_deref(), global)?;
    let wanted = Wanted::from_day(None, Some(history::day_before(now(), days)));
    let mut fired = Past::of_days(days);
    past::read(&data, &wanted, global, |intent, case| {
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

fn suggest(files: &[SourceFile], intent: Option<&str>, report: &Report) -> Result<ExitCode> {
    let rulebook = match Rulebook::draft(files) {
        Ok(rulebook) => rulebook,
        Err(_) => {
            report.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
            return Ok(ExitCode::from(exit::NO));
        }
    };
    let wanted = |policy: &&Policy| intent.is_none_or(|intent| policy.intent.as_str() == intent);
    for policy in rulebook.policies().filter(wanted) {
        output::line(&format!("{}: rows to add under `## Examples`", plain(&policy.path)))?;
        mutant::suggest(policy, &Stop::never()).lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}
