//! `countersign policy new`: a policy to begin with, for an intent type that has none.

use super::exchange::existing;
use super::{Global, now, read, rules, written_new};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::Result;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::starter::{NoStarter, sound};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// For which intent type.
#[derive(Debug, clap::Args)]
pub struct New {
    /// The intent type
    #[arg(value_name = "INTENT-TYPE")]
    pub intent: String,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Writes a policy that passes the check; one that is there is never overwritten.
///
/// # Errors
/// An intent type that is not there, has a policy, or whose owners nobody can stand in for.
pub(super) fn run(command: &New, global: &Global) -> Result<ExitCode> {
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let rulebook = read(&files, &folder.display().to_string())?;
    let named = IntentTypeName::parse(&command.intent).ok();
    let Some(intent) = named.as_ref().and_then(|name| rulebook.intent_type(name)) else {
        let known: Vec<&str> = rulebook.intent_types().map(|intent| intent.name.as_str()).collect();
        let failure = Failure::new(exit::USAGE, format!("there is no intent type `{}`", command.intent));
        return Err(failure.with_help(format!("it is one of {}", known.join(", "))).into());
    };
    if let Some((file, _)) = existing(&files, &command.intent, None)? {
        let message = format!("`{}` decides `{}` already", file.path, command.intent);
        return Err(Failure::new(exit::NO, message).with_help("edit that one").into());
    }
    let text = sound(&rulebook, intent, now()).map_err(|none| {
        let failure = Failure::new(exit::NO, none.to_string());
        match none {
            NoStarter::Nothing(_) => failure,
            NoStarter::NoBackup { found, .. } => Failure { places: found, ..failure }
                .with_help("add a pool of two or more people to people.md"),
        }
    })?;
    let target = folder.join("policies").join(format!("{}.policy.md", intent.name));
    std::fs::create_dir_all(folder.join("policies"))?;
    written_new(&target, text.as_bytes())?;
    if global.json {
        output::json(&json!({ "written": target.display().to_string() }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    output::line(&format!("written  {}", target.display()))?;
    if !global.quiet {
        output::say(&format!(
            "next: write rules above the last one, then countersign policy check {}",
            intent.name
        ));
    }
    Ok(ExitCode::from(exit::DONE))
}
