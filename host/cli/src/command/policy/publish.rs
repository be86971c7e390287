//! `countersign policy publish` and `rollback`: propose a version of a policy to whoever must approve it.

use super::show::place;
use crate::client::{Change, Client, typed};
use crate::command::{Global, intent};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result};
use countersign_core::document::{Faults, SourceFile};
use countersign_core::policy;
use countersign_core::publish::{POLICY_CHANGE, POLICY_CHANGE_BYTES_MAX};
use countersign_core::rulebook::bare_document;
use countersign_server::api::view::IntentView;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Wait between two looks at the change.
const LOOK_MS: u64 = 250;
/// Most looks until it is prepared: the proof of a large table takes seconds.
const LOOKS_MAX: u32 = 120;

/// A changed policy to propose.
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// The changed policy
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Why, for whoever decides
    #[arg(long)]
    pub reason: String,
    /// A kind of warning that you answer for, such as edge-without-example; repeatable
    #[arg(long = "accept", value_name = "KIND")]
    pub accept: Vec<String>,
}

/// An earlier version to go back to.
#[derive(Debug, clap::Args)]
pub struct Rollback {
    /// The intent type whose policy goes back
    pub intent: String,
    /// Why, for whoever decides
    #[arg(long)]
    pub reason: String,
    /// The version to go back to; the one before the one in force unless given
    #[arg(long, value_name = "DIGEST")]
    pub version: Option<String>,
}

/// Proposes a changed policy.
///
/// # Errors
/// If the file cannot be read, or the host cannot be reached or refuses.
pub(super) async fn publish(command: &Publish, global: &Global) -> Result<ExitCode> {
    let document = read(&command.file)?;
    let of = decided_by(&command.file, &document)?;
    let accept: Vec<Value> = command.accept.iter().map(|kind| json!({ "kind": kind })).collect();
    let mut tokens = json!({ "intent": of, "document": document, "reason": command.reason });
    if !accept.is_empty() {
        tokens["accept"] = Value::Array(accept);
    }
    let body = json!({ "type": POLICY_CHANGE, "tokens": tokens });
    propose(&Client::of(global)?, "/v1/intents", &body, global).await
}

/// Proposes an earlier version, as its document stands in the log.
///
/// # Errors
/// If there is no earlier version, or the host cannot be reached or refuses.
pub(super) async fn rollback(command: &Rollback, global: &Global) -> Result<ExitCode> {
    let path = format!("{}/rollback", place(&command.intent, None)?);
    let mut body = json!({ "reason": command.reason });
    if let Some(version) = &command.version {
        body["version"] = Value::String(version.clone());
    }
    propose(&Client::of(global)?, &path, &body, global).await
}

/// Asks for something that changes what everybody may do, waits until it is prepared, and says who is next.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub(in crate::command) async fn propose(
    client: &Client,
    path: &str,
    body: &Value,
    global: &Global,
) -> Result<ExitCode> {
    let change = Change { path, body, revision: None, key: None };
    let mut answer = client.change(&change).await?;
    let id = typed::<IntentView>(&answer)?.id;
    let path = intent::place(&id, "")?;
    for _ in 0..LOOKS_MAX {
        if answer["state"] != "preparing" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        answer = client.get(&path).await?;
    }
    intent::printed(&answer, global)?;
    if !global.json && !global.quiet {
        output::say(&format!(
            "nothing has changed yet: somebody else reads it with `countersign intent show {id}` and decides with \
             `countersign decide {id} --approve --revision 1`"
        ));
    }
    Ok(ExitCode::from(exit::DONE))
}

/// A document as it is published.
///
/// # Errors
/// If it cannot be read, or is longer than what can be published.
pub(in crate::command) fn read(file: &Path) -> Result<String> {
    let limit = u64::try_from(POLICY_CHANGE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    let source = std::fs::File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let read = source.take(limit.saturating_add(1)).read_to_string(&mut text);
    read.with_context(|| format!("`{}` cannot be read", file.display()))?;
    if POLICY_CHANGE_BYTES_MAX < text.len() {
        let message = format!(
            "`{}` is larger than {POLICY_CHANGE_BYTES_MAX} bytes, so it cannot be published",
            file.display()
        );
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(bare_document(&text))
}

/// The intent type that a document decides.
fn decided_by(file: &Path, document: &str) -> Result<String> {
    let source = SourceFile { path: file.display().to_string(), text: document.to_owned() };
    let mut faults = Faults::new(&source.path);
    match policy::head(&source, &mut faults) {
        Some(head) => Ok(head.intent.to_string()),
        None => {
            let mut failure = Failure::new(exit::NO, format!("`{}` is no policy", file.display()));
            failure.places = faults.into_list().iter().map(ToString::to_string).collect();
            Err(failure.with_help("its settings table says `intent` and `effective`").into())
        }
    }
}
