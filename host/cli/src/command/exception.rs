//! `countersign exception`: what the normal path could not settle, and the ways out.

mod budget;

use super::{Global, intent};
use crate::client::{Change, Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use clap::builder::PossibleValuesParser;
use countersign_core::exception::Closure;
use countersign_server::api::view::{ExceptionView, IntentView, Listed};
use serde_json::json;
use std::process::ExitCode;

/// What to do with exceptions.
#[derive(Debug, clap::Subcommand)]
pub enum Exception {
    /// List open exceptions of one owner
    List {
        /// Whose; `me` is you
        #[arg(long, default_value = "me", value_name = "PERSON")]
        owner: String,
        /// How many at most
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Show how far the exception budget of an intent type has burnt and what spent it; of all types without one
    Budget {
        /// The intent type
        intent_type: Option<String>,
        /// Suggest rows for its policy that would have spared exceptions, each tried on the record of 90 days
        #[arg(long, requires = "intent_type")]
        rows: bool,
    },
    /// Ask for what a target holds instead of what was approved, as an intent of its own; for a `drift` that you own
    Adopt {
        /// The intent that it belongs to
        intent: String,
        /// The exception; the only open one unless it is named
        exception: Option<String>,
        /// The revision of the intent that you read
        #[arg(long)]
        revision: u32,
    },
    /// Close one that you own
    Close {
        /// The intent that it belongs to
        intent: String,
        /// The exception; the only open one unless it is named
        exception: Option<String>,
        /// In which way
        #[arg(long, value_parser = PossibleValuesParser::new(Closure::ALL.map(Closure::as_str)))]
        by: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The revision of the intent that you read
        #[arg(long)]
        revision: u32,
    },
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Exception, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    match command {
        Exception::List { owner, limit } => {
            let body = client.list("/v1/exceptions", &[("owner", &owner)], limit).await?;
            if global.json {
                output::json(&body)?;
            } else {
                table(&typed::<Listed<ExceptionView>>(&body)?.items).print()?;
            }
        }
        Exception::Budget { intent_type: Some(name), rows: true } => {
            return budget::rows(&client, &name, global).await;
        }
        Exception::Budget { intent_type, .. } => return budget::run(&client, intent_type, global).await,
        Exception::Adopt { intent: id, exception, revision } => {
            let path = place(&client, (&id, exception), "adoptions").await?;
            let change = Change { path: &path, body: &json!({}), revision: Some(revision), key: None };
            intent::changed(&client.change(&change).await?, global)?;
        }
        Exception::Close { intent: id, exception, by, reason, revision } => {
            let path = place(&client, (&id, exception), "closures").await?;
            let body = json!({ "by": by, "reason": reason });
            let change = Change { path: &path, body: &body, revision: Some(revision), key: None };
            intent::changed(&client.change(&change).await?, global)?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Where something is asked of an exception; of the only open one, unless it is named.
async fn place(client: &Client, (intent, exception): (&str, Option<String>), what: &str) -> Result<String> {
    let exception = match exception {
        Some(exception) => exception,
        None => only_open(client, intent).await?,
    };
    if exception.is_empty() || !exception.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message = format!("`{}` is no id of an exception", plain(&exception));
        return Err(Failure::new(exit::USAGE, message).with_help("`countersign exception list`").into());
    }
    intent::place(intent, &format!("/exceptions/{exception}/{what}"))
}

/// The one open exception of an intent.
async fn only_open(client: &Client, id: &str) -> Result<String> {
    let intent: IntentView = typed(&client.get(&intent::place(id, "")?).await?)?;
    let mut open = intent.exceptions.iter().filter(|exception| exception.state == "open");
    match (open.next(), open.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (None, _) => Err(Failure::new(exit::NO, format!("`{id}` has no open exception")).into()),
        (Some(_), Some(_)) => {
            let failure = Failure::new(exit::USAGE, format!("`{id}` has more than one open exception"));
            Err(failure.with_help("name the one that you mean").into())
        }
    }
}

fn table(exceptions: &[ExceptionView]) -> Table {
    let mut table = Table::new(&["exception", "intent", "cause", "due", "you can", "what happened"]);
    for one in exceptions {
        let can = one.can.join(", ");
        table.row([&one.id, &one.intent, &one.cause, &one.due, &can, &one.detail.message]);
    }
    table
}
