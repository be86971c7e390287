//! `countersign decide`: say yes or no in your seat, or what must come before that.

use super::{Global, intent};
use crate::client::{Change, Client};
use crate::exit;
use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;

/// A decision, or a step before it. It binds to the revision that was read, and to the seal if that is given.
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
    /// Send it back to the requester, who amends it; needs a reason
    #[arg(long, group = "decision", requires = "reason")]
    pub send_back: bool,
    /// Say that you will decide, so that nobody else of the pool reads it too
    #[arg(long, group = "decision", conflicts_with_all = ["seal", "reason"])]
    pub claim: bool,
    /// Give your claim back to the pool
    #[arg(long, group = "decision", conflicts_with_all = ["seal", "reason"])]
    pub release: bool,
    /// Ask the requester first; the time of the seat stands still until the answer
    #[arg(long, group = "decision", value_name = "QUESTION", conflicts_with_all = ["seal", "reason"])]
    pub ask: Option<String>,
    /// The revision that you read
    #[arg(long)]
    pub revision: u32,
    /// The seal of the write plan that you read
    #[arg(long, conflicts_with = "send_back")]
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
    let (below, body) = asked(&command);
    let path = intent::place(&command.id, below)?;
    let change = Change { path: &path, body: &body, revision: Some(command.revision), key: None };
    intent::changed(&client.change(&change).await?, global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// Where it is asked, and with what body. One of the six is given: the group demands it.
fn asked(command: &Decide) -> (&'static str, Value) {
    if command.claim {
        return ("/claims", json!({}));
    }
    if command.release {
        return ("/releases", json!({}));
    }
    if command.send_back {
        return ("/returns", json!({ "reason": command.reason }));
    }
    if let Some(words) = &command.ask {
        return ("/questions", json!({ "words": words }));
    }
    let mut body = json!({ "decision": if command.approve { "approve" } else { "decline" } });
    let words = if command.approve { "note" } else { "reason" };
    if let Some(reason) = &command.reason {
        body[words] = json!(reason);
    }
    if let Some(seal) = &command.seal {
        body["seal"] = json!(seal);
    }
    ("/decisions", body)
}
