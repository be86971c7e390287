//! `countersign policy publish` and `rollback`: propose a version of a policy to whoever must approve it.

use super::show::place;
use crate::client::{Change, Client, typed};
use crate::command::{Global, intent};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use countersign_core::document::{Faults, SourceFile};
use countersign_core::policy;
use countersign_core::publish::{POLICY_CHANGE, POLICY_CHANGE_BYTES_MAX};
use countersign_server::api::view::{IntentView, PolicyView};
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
    propose(&Client::of(global)?, &tokens, global).await
}

/// Proposes an earlier version, as its document stands in the log.
///
/// # Errors
/// If there is no earlier version, or the host cannot be reached or refuses.
pub(super) async fn rollback(command: &Rollback, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let known: PolicyView = typed(&client.get(&place(&command.intent, None)?).await?)?;
    let version = match &command.version {
        Some(version) => version.clone(),
        None => before(&known).ok_or_else(|| {
            let message = format!("`{}` has no version before the one in force", plain(&command.intent));
            Failure::new(exit::NO, message).with_help("`countersign policy show` lists its versions")
        })?,
    };
    let shown: PolicyView = typed(&client.get(&place(&command.intent, Some(&version))?).await?)?;
    let document = shown.document.map(|document| unified(&document.text)).unwrap_or_default();
    let tokens = json!({ "intent": known.intent, "document": document, "reason": command.reason });
    propose(&client, &tokens, global).await
}

/// The version whose turn ended when the one in force took over.
fn before(known: &PolicyView) -> Option<String> {
    let present = known.versions.iter().position(|version| version.standing == "in-force")?;
    let in_force = known.versions.get(present)?;
    let earlier = known.versions.iter().take(present).rev();
    earlier.map(|version| &version.version).find(|version| **version != in_force.version).cloned()
}

async fn propose(client: &Client, tokens: &Value, global: &Global) -> Result<ExitCode> {
    let body = json!({ "type": POLICY_CHANGE, "tokens": tokens });
    let change = Change { path: "/v1/intents", body: &body, revision: None, key: None };
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

/// A document as the host takes it: no byte-order mark, line feeds alone.
fn unified(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

fn read(file: &Path) -> Result<String> {
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
    Ok(unified(&text))
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

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_server::api::view::VersionView;

    fn version(name: &str, standing: &str) -> VersionView {
        VersionView {
            version: name.to_owned(),
            standing: standing.to_owned(),
            effective: "2026-01-01".to_owned(),
            owner: "pricing".to_owned(),
            since: "2026-01-01T00:00:00Z".to_owned(),
            published: None,
        }
    }

    #[test]
    fn a_rollback_goes_to_the_version_before_the_one_in_force() {
        let check = |turns: &[(&str, &str)], expected: Option<&str>| {
            let versions = turns.iter().map(|(name, standing)| version(name, standing)).collect();
            let known = PolicyView {
                intent: "discount".to_owned(),
                in_force: None,
                versions,
                remarks: Vec::new(),
                document: None,
            };
            assert_eq!(before(&known).as_deref(), expected, "{turns:?}");
        };
        check(&[("a", "in-force")], None);
        check(&[("a", "over"), ("b", "in-force"), ("c", "scheduled")], Some("a"));
        check(&[("a", "over"), ("b", "over"), ("a", "in-force")], Some("b"));
        check(&[("a", "over"), ("b", "over"), ("b", "in-force")], Some("a"));
        check(&[("a", "scheduled")], None);
    }

    #[test]
    fn a_document_is_sent_with_line_feeds_alone() {
        assert_eq!(unified("\u{feff}# One\r\n\r\ntwo\n"), "# One\n\ntwo\n");
    }
}
