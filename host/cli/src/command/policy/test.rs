//! `countersign policy test`: the examples of the policies, each with its answer.

use super::{Global, read, rules, unknown};
use crate::exit;
use crate::output::{self, plain};
use anyhow::Result;
use countersign_core::policy::Policy;
use countersign_core::policy::example::Ran;
use countersign_core::policy::stop::Stop;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which examples to run.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Intent type of the only policy whose examples are run
    pub intent: Option<String>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Runs the examples; one that fails is the answer, not an error.
///
/// # Errors
/// Rules that cannot be read or are not sound, or an intent type that no policy decides.
pub(super) fn run(command: &Test, global: &Global) -> Result<ExitCode> {
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let rulebook = read(&files, &folder.display().to_string())?;
    let wanted =
        |policy: &&Policy| command.intent.as_deref().is_none_or(|intent| policy.intent.as_str() == intent);
    let never = Stop::never();
    let ran = rulebook.policies().filter(wanted).map(|policy| Ran::of(policy, &never));
    let ran: Vec<Ran> = ran.collect::<Result<_, _>>()?;
    if let (Some(intent), true) = (&command.intent, ran.is_empty()) {
        return Err(unknown(intent, &rulebook).into());
    }
    let all = || ran.iter().flat_map(|ran| &ran.examples);
    let failed = all().filter(|tried| !tried.passes).count();
    if global.json {
        output::json(&ran)?;
    } else {
        for Ran { path, examples, .. } in &ran {
            for tried in examples {
                output::line(&plain(&format!("{path}:{}: {tried}", tried.line)))?;
            }
        }
        if !global.quiet {
            output::say(&format!("{} examples, {failed} failed", all().count()));
        }
    }
    Ok(ExitCode::from(if failed == 0 { exit::DONE } else { exit::NO }))
}
