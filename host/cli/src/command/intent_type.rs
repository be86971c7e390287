//! `countersign intent-type`: what can be asked for, and how a draft goes live.

use super::{Global, policy};
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_server::api::view::{IntentTypeView, Listed};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What to do with intent types.
#[derive(Debug, clap::Subcommand)]
pub enum IntentType {
    /// List what can be asked for, and what keeps drafts from going live
    List,
    /// Ask that a draft goes live: it does once somebody else of the pool that owns it has approved
    GoLive(GoLive),
}

/// A draft that is to go live.
#[derive(Debug, clap::Args)]
pub struct GoLive {
    /// The intent type
    pub intent_type: String,
    /// The trial that shows that it works
    #[arg(long, value_name = "INTENT")]
    pub trial: String,
    /// Why now, for whoever decides
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Why its trigger need not be shown, where this host has none of its kind
    #[arg(long, value_name = "TEXT")]
    pub waive_trigger: Option<String>,
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: IntentType, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    match command {
        IntentType::List => listed(&client, global).await,
        IntentType::GoLive(command) => gone_live(&command, &client, global).await,
    }
}

async fn listed(client: &Client, global: &Global) -> Result<ExitCode> {
    let body = client.get("/v1/intent-types").await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let types = typed::<Listed<IntentTypeView>>(&body)?.items;
    let mut table = Table::new(&["intent type", "state", "owner", "impact", "since", "trial"]);
    for listed in &types {
        let (since, trial) = listed
            .live
            .as_ref()
            .map_or(("", ""), |live| (live.since.as_str(), live.trial.as_deref().unwrap_or_default()));
        table.row([&listed.name, &listed.state, &listed.owner, &listed.impact, since, trial]);
    }
    table.print()?;
    for listed in types.iter().filter(|listed| !listed.lacking.is_empty()) {
        output::line(&plain(&format!("\n{} lacks, beside a trial", listed.name)))?;
        for lacking in &listed.lacking {
            output::line(&plain(&format!("  {lacking}")))?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

async fn gone_live(command: &GoLive, client: &Client, global: &Global) -> Result<ExitCode> {
    let path = place(&command.intent_type, "go-live")?;
    let mut body = json!({ "trial": command.trial, "reason": command.reason });
    if let Some(why) = &command.waive_trigger {
        body["waive_trigger"] = Value::String(why.clone());
    }
    policy::propose(client, &path, &body, global).await
}

/// The address of something that an intent type has.
pub(super) fn place(name: &str, below: &str) -> Result<String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(fits) {
        let failure = Failure::new(exit::USAGE, format!("`{}` is no name of an intent type", plain(name)));
        return Err(failure.with_help("`countersign intent-type list` shows them").into());
    }
    Ok(format!("/v1/intent-types/{name}/{below}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        assert_eq!(place("discount", "go-live").ok().as_deref(), Some("/v1/intent-types/discount/go-live"));
        for bad in ["", "..", "a/b", "a?x=1", "A"] {
            assert!(place(bad, "go-live").is_err(), "{bad}");
        }
    }
}
