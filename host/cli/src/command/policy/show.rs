//! `countersign policy list` and `show`: which version is in force, since when, and who put it there.

use crate::client::{Client, typed};
use crate::command::Global;
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_core::hash::Digest;
use countersign_core::id::IntentTypeName;
use countersign_server::api::view::{Listed, PolicyView, VersionView};
use std::process::ExitCode;

/// Digits of a content address that a table shows.
const SHORT: usize = 12;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct List {}

/// Which policy to show.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The intent type whose policy it is
    pub intent: String,
    /// The version whose document is printed; the one in force unless given
    #[arg(long, value_name = "DIGEST")]
    pub version: Option<String>,
    /// Print the document and nothing else
    #[arg(long)]
    pub document: bool,
}

/// The address of a policy, with the document of one version.
///
/// # Errors
/// If a name could be more than a name.
pub(super) fn place(intent: &str, version: Option<&str>) -> Result<String> {
    let no_name =
        |what: &str, text: &str| Failure::new(exit::USAGE, format!("`{}` is no {what}", plain(text)));
    let name = IntentTypeName::parse(intent).map_err(|_| no_name("intent type", intent))?;
    match version {
        None => Ok(format!("/v1/policies/{name}")),
        Some(version) => {
            let digest = Digest::parse(version).ok_or_else(|| {
                no_name("content address", version)
                    .with_help("`countersign policy show INTENT --json` has them whole")
            })?;
            Ok(format!("/v1/policies/{name}?version={digest}"))
        }
    }
}

/// Lists every policy.
///
/// # Errors
/// If the host cannot be reached.
pub(super) async fn list(_: &List, global: &Global) -> Result<ExitCode> {
    let body = Client::of(global)?.get("/v1/policies").await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let policies = typed::<Listed<PolicyView>>(&body)?.items;
    let mut table =
        Table::new(&["policy", "in force", "since", "owner", "published by", "approved by", "intent"]);
    for policy in &policies {
        match &policy.in_force {
            Some(version) => {
                let [author, by, intent] = published(version);
                let short = short(&version.version);
                table.row([&policy.intent, &short, &version.since, &version.owner, &author, &by, &intent]);
            }
            None => table.row([policy.intent.as_str(), "none yet", "", "", "", "", ""]),
        }
    }
    table.print()?;
    policies.iter().try_for_each(remarks)?;
    Ok(ExitCode::from(exit::DONE))
}

/// Shows one policy with all its versions.
///
/// # Errors
/// If the host cannot be reached or does not know it.
pub(super) async fn show(command: &Show, global: &Global) -> Result<ExitCode> {
    let body = Client::of(global)?.get(&place(&command.intent, command.version.as_deref())?).await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let policy: PolicyView = typed(&body)?;
    let text = policy.document.as_ref().map(|document| document.text.as_str()).unwrap_or_default();
    if !command.document {
        let mut table = Table::new(&[
            "version",
            "standing",
            "effective",
            "since",
            "published by",
            "approved by",
            "intent",
        ]);
        for version in &policy.versions {
            let [author, by, intent] = published(version);
            let short = short(&version.version);
            table.row([&short, &version.standing, &version.effective, &version.since, &author, &by, &intent]);
        }
        table.print()?;
        remarks(&policy)?;
        output::line("")?;
    }
    text.lines().try_for_each(|line| output::line(&plain(line)))?;
    Ok(ExitCode::from(exit::DONE))
}

/// Author, approvers and intent of a version; `files` where it came with the house.
fn published(version: &VersionView) -> [String; 3] {
    match &version.published {
        Some(published) => [published.author.clone(), published.by.join(", "), published.intent.clone()],
        None => ["files".to_owned(), String::new(), String::new()],
    }
}

/// As much of a content address as a table shows.
pub(in crate::command) fn short(version: &str) -> String {
    version.chars().take(SHORT).collect()
}

fn remarks(policy: &PolicyView) -> Result<()> {
    let say = |remark: &String| output::line(&format!("{}: {}", plain(&policy.intent), plain(remark)));
    policy.remarks.iter().try_for_each(say)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        assert_eq!(place("discount", None).ok().as_deref(), Some("/v1/policies/discount"));
        assert!(place("../intents", None).is_err());
        assert!(place("discount", Some("x&y=1")).is_err());
        let digest = "0".repeat(64);
        let path = place("discount", Some(&digest)).expect("a place");
        assert_eq!(path, format!("/v1/policies/discount?version={digest}"));
    }
}
