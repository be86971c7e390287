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
    /// Let this person decide in your place until a moment; then the seat is yours again
    #[arg(long, group = "decision", value_name = "PERSON", requires_all = ["until", "reason"], conflicts_with = "seal")]
    pub delegate: Option<String>,
    /// Hand your seat over to this person for good
    #[arg(long, group = "decision", value_name = "PERSON", requires = "reason", conflicts_with = "seal")]
    pub transfer: Option<String>,
    /// Take back what you handed over, and the voices that you added
    #[arg(long, group = "decision", conflicts_with_all = ["seal", "reason"])]
    pub recall: bool,
    /// Want this person to decide too: after you, unless `--before` is said
    #[arg(long, group = "decision", value_name = "PERSON", requires = "reason", conflicts_with = "seal")]
    pub add_voice: Option<String>,
    /// Ask the added voice before you
    #[arg(long, requires = "add_voice")]
    pub before: bool,
    /// When a delegated seat is yours again, such as 2026-12-01T17:00:00Z
    #[arg(long, value_name = "MOMENT", requires = "delegate")]
    pub until: Option<String>,
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

/// Where it is asked, and with what body. One of them is given: the group demands it.
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
    let reason = &command.reason;
    if let Some(to) = &command.delegate {
        return ("/delegations", json!({ "to": to, "until": command.until, "reason": reason }));
    }
    if let Some(to) = &command.transfer {
        return ("/transfers", json!({ "to": to, "reason": reason }));
    }
    if command.recall {
        return ("/recalls", json!({}));
    }
    if let Some(whom) = &command.add_voice {
        let order = if command.before { "before" } else { "after" };
        return ("/voices", json!({ "whom": whom, "order": order, "reason": reason }));
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
