//! `countersign doctor`: looks at everything around the host that can make it slow, unsafe or deaf.
//!
//! It goes on after each finding, so that one run names them all. It writes nothing but what a start of
//! the host would write too: a compiled connector, a mark in the log's folder that it was closed.

mod machine;

use super::Global;
use crate::build::Toolchain;
use crate::config::{self, Settings};
use crate::exit;
use crate::log::Place;
use crate::output::{self, Failure, Progress, Table};
use crate::wire::{self, INSTALL_KEY_FILE, Running};
use anyhow::Result;
use countersign_core::built_in::is_built_in;
use countersign_core::effect::attempt::Ended;
use countersign_core::rulebook::Rulebook;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::connectors::Connectors as _;
use countersign_engine::port::store::StoreFault;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long one connection may take to answer.
const CHECK_MS_MAX: u64 = 20_000;

/// Looks at this machine and this installation.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Ask no target: look at this machine only
    #[arg(long)]
    pub offline: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// As it should be.
    Fine,
    /// It works, and somebody should know.
    Odd,
    /// It does not work, or it is not safe.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    what: String,
    state: State,
    found: String,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn fine(what: &str, found: impl Into<String>) -> Finding {
        Finding { what: what.to_owned(), state: State::Fine, found: found.into(), help: None }
    }

    fn odd(what: &str, found: impl Into<String>, help: &str) -> Finding {
        let help = Some(help.to_owned());
        Finding { state: State::Odd, help, ..Finding::fine(what, found) }
    }

    fn wrong(what: &str, found: impl Into<String>, help: &str) -> Finding {
        let help = Some(help.to_owned());
        Finding { state: State::Wrong, help, ..Finding::fine(what, found) }
    }
}

/// Looks at everything and says how it is.
///
/// # Errors
/// If stdout cannot be written; what is wrong is the answer, not an error.
pub async fn run(command: Doctor, global: &Global) -> Result<ExitCode> {
    let progress = Progress::begin(global.quiet || global.json);
    progress.now("looking at this machine");
    let mut findings = vec![machine::clock(), toolchain()];
    match config::load(global.config.as_deref()) {
        Err(problems) => {
            findings.push(Finding::wrong(
                "configuration",
                problems.to_string(),
                "correct it; `countersign check` says it again",
            ));
            findings.push(machine::flush(Path::new(".")));
        }
        Ok(settings) => {
            findings.push(Finding::fine("configuration", settings.file.display().to_string()));
            findings.extend(installation(&settings, command.offline, &progress).await);
        }
    }
    progress.end();
    show(&findings, global)?;
    let wrong = findings.iter().any(|finding| finding.state == State::Wrong);
    Ok(ExitCode::from(if wrong { exit::NO } else { exit::DONE }))
}

/// What the configuration leads to.
async fn installation(settings: &Settings, offline: bool, progress: &Progress) -> Vec<Finding> {
    let mut findings = vec![trust(settings)];
    let rulebook = match wire::load_rules(&settings.rules) {
        Ok(rulebook) => {
            let types = rulebook.intent_types().filter(|schema| !is_built_in(&schema.name)).count();
            findings.push(Finding::fine("rules", format!("{types} intent types")));
            Some(rulebook)
        }
        Err(fault) => {
            findings.push(Finding::wrong(
                "rules",
                format!("{fault:#}"),
                "correct them; the last good set is not kept",
            ));
            None
        }
    };
    if !settings.data.join(INSTALL_KEY_FILE).is_file() {
        findings.push(machine::flush(Path::new(".")));
        let found = format!("`{}` has no installation yet", settings.data.display());
        findings.push(Finding::odd("data folder", found, "run `countersign init` beside the configuration"));
        return findings;
    }
    progress.now("looking at the data folder");
    findings.push(machine::flush(&settings.data));
    findings.push(machine::space(&settings.data));
    findings.extend(machine::modes(&settings.data));
    findings.push(log(&Place::of(settings)).await);
    if let (Some(rulebook), false) = (rulebook, offline) {
        progress.now("asking the targets");
        findings.extend(targets(settings, rulebook).await);
    }
    findings
}

/// The compiler for connectors. A host that only runs them needs none.
fn toolchain() -> Finding {
    match Toolchain::present(Path::new(".")) {
        Some(found) => Finding::fine("guest toolchain", found.to_string()),
        None => Finding::odd(
            "guest toolchain",
            "none; connectors cannot be built here, those that are built run all the same",
            "rustup target add wasm32-unknown-unknown",
        ),
    }
}

/// Whose connectors are taken.
fn trust(settings: &Settings) -> Finding {
    let what = "trust";
    if settings.trust.unsigned {
        return Finding::odd(what, config::UNSIGNED, config::SIGN_THEM);
    }
    let names: Vec<&str> = settings.trust.namespaces.keys().map(String::as_str).collect();
    match names.as_slice() {
        [] => Finding::fine(what, "no namespace has a key yet, so no connector is taken"),
        names => Finding::fine(what, format!("what is signed by a key of {}", names.join(", "))),
    }
}

/// Opens the log and closes it again.
async fn log(place: &Place) -> Finding {
    let log = match place.read_if_begun(Into::into).await {
        Ok(Some(log)) => log,
        Ok(None) => return Finding::fine("log", "empty: no host has run here yet"),
        Err(fault) => return unread(&fault),
    };
    let health = log.store().health();
    if let Err(fault) = log.close().await {
        return unread(&fault);
    }
    match health.writable {
        Ok(()) => Finding::fine("log", format!("{} entries, {} bytes", health.position.0, health.bytes)),
        Err(why) => Finding::wrong("log", why, "look at the disk, then start the host again"),
    }
}

/// Why a log could not be looked at; one that a host holds is fine.
fn unread(fault: &anyhow::Error) -> Finding {
    let help = "keep the log as it is; `countersign audit verify` says where it ends to be right";
    match (fault.downcast_ref::<StoreFault>(), fault.downcast_ref::<Failure>()) {
        (Some(StoreFault::InUse(owner)), _) => Finding::fine("log", format!("in use by {owner}")),
        (Some(fault), _) => Finding::wrong("log", fault.to_string(), help),
        (None, Some(failure)) => {
            Finding::wrong("log", failure.to_string(), failure.help.as_deref().unwrap_or(help))
        }
        (None, None) => Finding::wrong("log", format!("{fault:#}"), help),
    }
}

/// Starts the connectors on an empty store and has each connection checked.
async fn targets(settings: &Settings, rulebook: Rulebook) -> Vec<Finding> {
    let running = match wire::start(settings, rulebook, Arc::new(MemoryStore::new())).await {
        Ok(running) => running,
        Err(fault) => {
            return vec![Finding::wrong(
                "connectors",
                format!("{fault:#}"),
                "correct what it names; `countersign connector list` shows what is installed",
            )];
        }
    };
    let mut findings: Vec<Finding> = running.missing.iter().map(|name| missing(name)).collect();
    for connection in running.runtime.connections() {
        findings.push(target(&running, &connection).await);
    }
    findings.extend(mail(settings, &running).await);
    findings.extend(identity(&running).await);
    let unreached = running.unreached.iter();
    findings
        .extend(unreached.map(|way| Finding::odd("people", way, "configure it, or take the contacts out")));
    running.engine.stop().await;
    findings
}

/// Whether the mail server would take mails; nothing is found of a host without one.
async fn mail(settings: &Settings, running: &Running) -> Option<Finding> {
    let server = &settings.notify.mail.as_ref()?.server;
    Some(match running.messengers.check_mail().await {
        Ok(()) => Finding::fine("mail", format!("{server} answers")),
        Err(not) => Finding::wrong(
            "mail",
            not.to_string(),
            "look at `[mail]` in the configuration, and at the server",
        ),
    })
}

/// Whether the identity provider describes itself and has keys; nothing is found of a host without one.
async fn identity(running: &Running) -> Option<Finding> {
    let provider = running.provider.as_ref()?;
    Some(match provider.check().await {
        Ok(()) => Finding::fine("sign-in", "the identity provider answers and has keys"),
        Err(not) => Finding::wrong(
            "sign-in",
            not.to_string(),
            "look at `[sign-in]` in the configuration, and at the provider",
        ),
    })
}

fn missing(name: &str) -> Finding {
    Finding::odd(
        &format!("connection {name}"),
        "the rules write there and it is not configured",
        "add it to the configuration, or take it out of the rules",
    )
}

async fn target(running: &Running, connection: &countersign_engine::port::connectors::Connection) -> Finding {
    let what = format!("connection {}", connection.name);
    let about = format!("{} {}", connection.connector, connection.version);
    let asked = running.runtime.check(&connection.name);
    match tokio::time::timeout(Duration::from_millis(CHECK_MS_MAX), asked).await {
        Ok(Ended::Returned(())) => Finding::fine(&what, format!("{about}: the target answers")),
        Ok(Ended::Failed(failure)) => {
            let detail = failure.detail();
            let found = format!("{about}: {} ({})", detail.message, detail.code);
            Finding::wrong(&what, found, "look at its address and its credential in the configuration")
        }
        Ok(Ended::Broke(broken)) => {
            Finding::wrong(&what, broken.message, "tell the connector's author, or use another version of it")
        }
        Err(_) => Finding::wrong(
            &what,
            format!("{about}: no answer in {} s", CHECK_MS_MAX / 1_000),
            "look at the network and at the target",
        ),
    }
}

fn show(findings: &[Finding], global: &Global) -> Result<()> {
    if global.json {
        return output::json(&json!({ "items": findings }));
    }
    let mut table = Table::new(&["what", "is", "found"]);
    for finding in findings {
        let state = match finding.state {
            State::Fine => "fine",
            State::Odd => "odd",
            State::Wrong => "WRONG",
        };
        let mut lines = finding.found.lines();
        table.row([finding.what.as_str(), state, lines.next().unwrap_or_default()]);
        for line in lines {
            table.row(["", "", line]);
        }
        if let Some(help) = &finding.help {
            table.row(["", "", &format!("try: {help}")]);
        }
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_store_local::{LocalStore, Options};

    #[tokio::test]
    async fn a_log_that_was_never_written_is_fine_and_one_in_use_is_named() {
        let data = tempfile::tempdir().expect("a folder");
        let place = Place::Folder(data.path().to_owned());
        assert_eq!(log(&place).await, Finding::fine("log", "empty: no host has run here yet"));
        let store = LocalStore::open(Options::at(data.path())).expect("it opens");
        let found = log(&place).await;
        assert_eq!(found.state, State::Fine);
        assert!(found.found.starts_with("in use by "), "{found:?}");
        store.close().expect("it closes");
        drop(store);
        assert!(log(&place).await.found.starts_with("0 entries"));
    }
}
