//! `countersign rules`: what all policies share, and how it is changed with a second person.

use super::{Global, policy};
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::hash::Digest;
use countersign_core::shared_change::{SHARED_CHANGE, SharedFile};
use countersign_server::api::view::{Listed, PublishedView, SharedFileView};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with the files that policies share.
#[derive(Debug, clap::Subcommand)]
pub enum Rules {
    /// List people.md, routes.md and the intent types: which text is in force, and who approved it
    List,
    /// Print one of them as it is in force
    Show(Show),
    /// Propose a changed one: it is in force once somebody else has approved it
    Publish(Publish),
}

/// Which file to print.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// people.md, routes.md or NAME.intent.md
    pub file: String,
    /// An earlier text; the one in force unless given
    #[arg(long, value_name = "DIGEST")]
    pub version: Option<String>,
    /// List its texts instead, the last one first
    #[arg(long, conflicts_with = "version")]
    pub history: bool,
}

/// A changed file to propose.
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// The changed file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Why, for whoever decides
    #[arg(long)]
    pub reason: String,
}

/// Runs one of them.
///
/// # Errors
/// If a file cannot be read, or the host cannot be reached or refuses.
pub async fn run(command: Rules, global: &Global) -> Result<ExitCode> {
    match command {
        Rules::List => list(global).await,
        Rules::Show(command) => show(&command, global).await,
        Rules::Publish(command) => publish(&command, global).await,
    }
}

async fn list(global: &Global) -> Result<ExitCode> {
    let body = Client::of(global)?.get("/v1/rules").await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table =
        Table::new(&["file", "version", "owner", "since", "published by", "approved by", "intent"]);
    for file in typed::<Listed<SharedFileView>>(&body)?.items {
        let [since, author, by, intent] = published(file.published.as_ref());
        table.row([&file.file, &policy::short(&file.version), &file.owner, &since, &author, &by, &intent]);
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}

async fn show(command: &Show, global: &Global) -> Result<ExitCode> {
    let no_name =
        |what: &str, text: &str| Failure::new(exit::USAGE, format!("`{}` is no {what}", plain(text)));
    let file = SharedFile::parse(&command.file).ok_or_else(|| {
        let failure = no_name("file that policies share", &command.file);
        failure.with_help(
            "it is people.md, routes.md or NAME.intent.md; `countersign policy show` prints a policy",
        )
    })?;
    let mut path = format!("/v1/rules/{file}");
    if let Some(version) = &command.version {
        let digest = Digest::parse(version).ok_or_else(|| {
            let help = format!("`countersign rules show {file} --history` has them whole");
            no_name("content address", version).with_help(help)
        })?;
        path.push_str(&format!("?version={digest}"));
    }
    let body = Client::of(global)?.get(&path).await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let view: SharedFileView = typed(&body)?;
    if !command.history {
        let text = view.document.as_ref().map(|document| document.text.as_str()).unwrap_or_default();
        text.lines().try_for_each(|line| output::line(&plain(line)))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["version", "since", "published by", "approved by", "intent", "reason"]);
    let turns = std::iter::once((&view.version, view.published.as_ref()));
    let turns = turns.chain(view.before.iter().map(|turn| (&turn.version, turn.published.as_ref())));
    for (version, turn) in turns {
        let [since, author, by, intent] = published(turn);
        let reason = turn.map(|turn| turn.reason.clone()).unwrap_or_default();
        table.row([version, &since, &author, &by, &intent, &reason]);
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}

async fn publish(command: &Publish, global: &Global) -> Result<ExitCode> {
    let document = policy::document(&command.file)?;
    let file = shared_file(&command.file, &document)?;
    let tokens = json!({ "file": file.to_string(), "document": document, "reason": command.reason });
    let body = json!({ "type": SHARED_CHANGE, "tokens": tokens });
    policy::propose(&Client::of(global)?, "/v1/intents", &body, global).await
}

/// Which shared file this is: by its name, and an intent type by what it defines.
fn shared_file(file: &Path, document: &str) -> Result<SharedFile> {
    let source = SourceFile { path: file.display().to_string(), text: document.to_owned() };
    SharedFile::of(&source).ok_or_else(|| {
        let message = format!("`{}` is no file that policies share", file.display());
        let help = "it is called people.md, routes.md or NAME.intent.md, and the settings table of an intent type \
                    says `intent`; a policy is proposed by `countersign policy publish`";
        Failure::new(exit::NO, message).with_help(help).into()
    })
}

/// Since when, author, approvers and intent of a text; `files` where it came with the house.
fn published(turn: Option<&PublishedView>) -> [String; 4] {
    match turn {
        Some(turn) => [turn.at.clone(), turn.author.clone(), turn.by.join(", "), turn.intent.clone()],
        None => [String::new(), "files".to_owned(), String::new(), String::new()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_and_an_intent_type_by_what_it_defines() {
        let known = |path: &str, text: &str| shared_file(Path::new(path), text).map(|file| file.to_string());
        assert_eq!(known("rules/people.md", "").ok().as_deref(), Some("people.md"));
        assert_eq!(known("draft/routes.md", "").ok().as_deref(), Some("routes.md"));
        let text = include_str!("../../starter/intents/refund.intent.md");
        assert_eq!(known("new.intent.md", text).ok().as_deref(), Some("refund.intent.md"));
        let policy = include_str!("../../starter/policies/refund.policy.md");
        for (path, text) in [("refund.policy.md", policy), ("x.intent.md", "# Nothing\n"), ("notes.md", "")] {
            let fault = known(path, text).expect_err("no shared file");
            assert!(fault.to_string().contains("no file that policies share"), "{fault}");
        }
    }
}
