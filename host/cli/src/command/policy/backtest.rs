//! `countersign policy backtest`: what a changed policy would have answered to what was decided already.

use super::{Change, Global, change, draft, now, past};
use crate::client::{Client, typed};
use crate::exit;
use crate::log::Place;
use crate::output::{self, Bar, Failure, Progress, plain};
use anyhow::{Context as _, Result};
use countersign_core::intent::IntentType;
use countersign_core::policy::backtest::{Backtest, Trial, Versions};
use countersign_engine::history::{self, NotRead, Wanted};
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the help page ends with.
const EXAMPLE: &str = "\
Example: try an edited copy on the last quarter, and fail if it would let anything more pass
  cp policies/discount.policy.md /tmp/ && \"${EDITOR:-vi}\" /tmp/discount.policy.md
  countersign policy backtest /tmp/discount.policy.md --since 90d --max-newly-approved 0

Without `--data` and `--from` the running host is asked; it compares with its own rules and log.
A file of `--from` has one JSON object a line:
  {\"tokens\": {...}, \"facts\": {...}, \"outcome\": \"manager + finance\", \"fate\": \"approved\"}
`tokens` and `facts` are written as a submission has them. `outcome` (approve, deny, unsure or
routes) and `fate` (approved, declined, withdrawn, open) may be left out.";

/// Which change to try, on which history.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Tried {
    /// The changed policy
    #[arg(value_name = "FILE")]
    pub new: PathBuf,
    /// Only intents of the last so many days, such as 90d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub since: Option<u32>,
    /// Data folder of a host that is stopped, instead of asking the one that runs
    #[arg(long, value_name = "DIR", conflicts_with = "from")]
    pub data: Option<PathBuf>,
    /// File of recorded intents, one JSON object a line, instead of a log
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub from: Option<PathBuf>,
    /// Folder with the rules that are in force, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Exit with 1 if more intents than this would newly be approved
    #[arg(long, value_name = "N")]
    pub max_newly_approved: Option<u64>,
}

/// A number of days on the command line.
///
/// # Errors
/// What is expected instead.
pub(super) fn days(text: &str) -> Result<u32, String> {
    let most = countersign_engine::limits::HISTORY_DAYS_MAX;
    history::days(text).ok_or_else(|| format!("write whole days such as 90d, 1d to {most}d"))
}

/// Tries the change and prints the report.
///
/// # Errors
/// Rules, a file or a log that cannot be read, or a host that does not answer.
pub(super) async fn run(command: &Tried, global: &Global) -> Result<ExitCode> {
    let report = match (&command.data, &command.from) {
        (Some(data), _) => from_log(command, data, global).await?,
        (None, Some(file)) => from_file(command, file, global)?,
        (None, None) => from_host(command, global).await?,
    };
    if global.json {
        output::json(&report)?;
    } else {
        report.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    let found = report.newly_approved.count;
    match command.max_newly_approved {
        Some(most) if most < found => {
            output::say(&format!("{found} intents would newly be approved; at most {most} may be"));
            Ok(ExitCode::from(exit::NO))
        }
        Some(_) | None => Ok(ExitCode::from(exit::DONE)),
    }
}

async fn from_log(command: &Tried, data: &Path, global: &Global) -> Result<Backtest> {
    let change = change(&command.new, command.rules.as_deref(), global)?;
    let place = Place::named(Some(data.to_owned()), global)?;
    let since = command.since.map(|days| history::day_before(now(), days));
    let wanted = Wanted::from_day(Some(change.now.intent.clone()), since);
    let mut trial = Trial::new(Versions { since, ..versions(&change)? });
    let seen = past::read(&place, &wanted, global, |_, case| trial.add(&case)).await?;
    if seen.unevaluated > 0 && !global.quiet {
        let count = seen.unevaluated;
        output::say(&format!("{count} intents were never evaluated: there is nothing to compare"));
    }
    Ok(trial.finish())
}

fn from_file(command: &Tried, file: &Path, global: &Global) -> Result<Backtest> {
    let change = change(&command.new, command.rules.as_deref(), global)?;
    let versions = versions(&change)?;
    let input = File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let size = input.metadata().map(|about| about.len()).unwrap_or_default();
    let bar = Bar::begin("reading the file", global.quiet);
    let mut trial = Trial::new(versions);
    let mut last = 0;
    let progress = |done: u64| {
        // A step for each hundredth: drawing costs more than reading a line.
        if last + size / 100 <= done {
            last = done;
            bar.at(done, size);
        }
    };
    let read = history::lines(BufReader::new(input), versions.intent, progress, |case| trial.add(&case));
    bar.end();
    read.map(|_| trial.finish()).map_err(|fault| flawed(file, fault))
}

fn flawed(file: &Path, fault: NotRead) -> anyhow::Error {
    match fault {
        NotRead::Io(fault) => {
            anyhow::Error::new(fault).context(format!("`{}` cannot be read", file.display()))
        }
        NotRead::Faults { ref faults, more } => {
            let mut failure = Failure::new(exit::NO, format!("`{}`: {fault}", file.display()));
            failure.places = faults.iter().map(ToString::to_string).collect();
            failure.places.extend((more > 0).then(|| format!("and {more} more")));
            failure.with_help("correct these lines; `countersign policy backtest --help` shows one").into()
        }
    }
}

fn versions(change: &Change) -> Result<Versions<'_>> {
    let intent: Option<&IntentType> = change.rulebook.intent_type(&change.now.intent);
    let intent = intent.with_context(|| format!("there is no intent type `{}`", change.now.intent))?;
    Ok(Versions { old: Some(&change.was), new: &change.now, intent, since: None })
}

async fn from_host(command: &Tried, global: &Global) -> Result<Backtest> {
    if command.rules.is_some() {
        let failure = Failure::new(exit::USAGE, "a running host compares with its own rules");
        return Err(failure.with_help("leave `--rules` out, or add `--data DIR` or `--from FILE`").into());
    }
    let (intent, text) = draft(&command.new)?;
    let client = Client::of(global)?;
    let mut body = json!({ "policy": text });
    if let Some(days) = command.since {
        body["since"] = json!(format!("{days}d"));
    }
    let progress = Progress::begin(global.quiet);
    progress.now("the host reads its log");
    let answer = client.question(&format!("/v1/policies/{intent}/backtest"), &body).await;
    progress.end();
    typed(&answer?)
}
