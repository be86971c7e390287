//! `countersign decide`: say yes or no in your seat.

use super::{Global, intent};
use crate::client::{Change, Client};
use crate::exit;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;

/// A decision. It binds to the revision that was read, and to the seal if that is given.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
pub struct Decide {
    /// The intent
    pub id: String,
    /// Say yes
    #[arg(long, group = "decision")]
    pub approve: bool,
    /// Say no; needs a reason
    #[arg(long, group = "decision", requires = "reason")]
    pub decline: bool,
    /// The revision that you read
    #[arg(long)]
    pub revision: u32,
    /// The seal of the write plan that you read
    #[arg(long)]
    pub seal: Option<String>,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

/// Decides.
///
/// # Errors
/// If the host cannot be reached, or the decision is refused or out of date.
pub async fn run(command: Decide, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let mut body = json!({ "decision": if command.approve { "approve" } else { "decline" } });
    let words = if command.approve { "note" } else { "reason" };
    if let Some(reason) = command.reason {
        body[words] = json!(reason);
    }
    if let Some(seal) = command.seal {
        body["seal"] = json!(seal);
    }
    let path = intent::place(&command.id, "/decisions")?;
    let change = Change { path: &path, body: &body, revision: Some(command.revision), key: None };
    intent::printed(&client.change(&change).await?, global)?;
    Ok(ExitCode::from(exit::DONE))
}
