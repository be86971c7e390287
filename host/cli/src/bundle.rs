//! What somebody who asks for help sends along: how this host is set up and how it fares, and nothing of what it decides or
//! of what lets it in anywhere.
//!
//! Two walls. What is put in is chosen: of the configuration only what is known to be harmless, of the log kinds and counts.
//! And whatever this machine knows to be secret is looked for in all of it, in the forms in which it may have got there, and
//! taken out.

pub mod log;
pub mod scrub;
pub mod settings;

use crate::backup::draft::{Draft, refuse_existing};
use crate::config::Whereabouts;
use crate::demo::client::{Api, Ask};
use crate::wire::SystemClock;
use anyhow::{Context as _, Result, bail};
use countersign_core::hash::Digest;
use countersign_engine::port::clock::Clock as _;
use scrub::Scrub;
use serde_json::{Value, json};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// How long a command may take whose answer is put in, in milliseconds.
const COMMAND_MS_MAX: u64 = 120_000;
/// Most bytes of one answer.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is called there.
    pub name: &'static str,
    /// What it says, for whoever decides whether it is sent.
    pub about: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How often something was taken out.
    pub removed: usize,
}

/// Collects everything. What cannot be had is a piece that says why.
pub async fn collect(config: Option<&Path>, house: &Whereabouts, last: usize) -> Vec<Piece> {
    let known = settings::read(house);
    let scrub = Scrub::of(house, &known);
    let piece = |name, about, found: Result<Value>| {
        let value = found.unwrap_or_else(|fault| json!({ "fault": format!("{fault:#}") }));
        // A value of ours has a form.
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        let (bytes, removed) = scrub.cleaned(text.into_bytes());
        Piece { name, about, bytes, removed }
    };
    let (check, doctor) =
        (asked(config, &["check", "--json"]), asked(config, &["doctor", "--offline", "--json"]));
    let log = log::status(house, last).await;
    vec![
        piece("about.json", "this program and this machine", Ok(about())),
        piece(
            "configuration.json",
            "each key with where it stands; secrets as references, free texts not at all",
            serde_json::to_value(&known.shown).context("the configuration"),
        ),
        piece(
            "check.json",
            "what `countersign check` says; of rule files only where, of warnings only how many",
            check.await.map(without_words_of_rules),
        ),
        piece(
            "doctor.json",
            "what `countersign doctor --offline` says; of rules only how they are",
            doctor.await.map(without_words_of_rules),
        ),
        piece(
            "log.json",
            "how long the log is, what kinds of entries it has, and of the last ones kind and moment",
            log,
        ),
        piece("connectors.json", "which builds are installed, by digest", connectors(&house.data)),
        piece("metrics.json", "the metrics, if `admin-listen` answers", metrics(&known).await),
    ]
}

/// Writes the pieces as one archive that only its owner reads; there must be no such file yet.
///
/// If the process stops in here nothing has the name of the archive; what was written ends with `.part`.
///
/// # Errors
/// If it cannot be written.
pub fn write(pieces: &[Piece], file: &Path) -> Result<()> {
    let named = || format!("`{}` cannot be written", file.display());
    refuse_existing(file)?;
    let (draft, new) = Draft::beside(file)?;
    let mut archive = tar::Builder::new(new);
    for piece in pieces {
        let mut header = tar::Header::new_gnu();
        header.set_size(piece.bytes.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, piece.name, piece.bytes.as_slice()).with_context(named)?;
    }
    archive.into_inner().and_then(|file| file.sync_all()).with_context(named)?;
    draft.becomes(file)
}

/// What `check` and `doctor` say, without their words about people and rules: those quote who stands in them.
fn without_words_of_rules(mut said: Value) -> Value {
    let problems = said.pointer_mut("/answer/problems").and_then(Value::as_array_mut);
    for problem in problems.into_iter().flatten() {
        let is_of_rules = problem["file"].as_str().is_some_and(|file| file.ends_with(".md"));
        if let Some(problem) = problem.as_object_mut().filter(|_| is_of_rules) {
            problem.retain(|key, _| ["file", "line", "column"].contains(&key.as_str()));
        }
    }
    if let Some(warnings) = said.pointer_mut("/answer/warnings") {
        *warnings = json!(warnings.as_array().map_or(0, Vec::len));
    }
    let items = said.pointer_mut("/answer/items").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        let is_of_rules = item["what"] == "rules";
        if let Some(item) = item.as_object_mut().filter(|_| is_of_rules) {
            item.remove("found");
        }
    }
    said
}

fn about() -> Value {
    let system = rustix::system::uname();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "made": SystemClock.now().to_string(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "kernel": system.release().to_string_lossy(),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
    })
}

/// What another command of this program answers; its words for people stay outside.
async fn asked(config: Option<&Path>, arguments: &[&str]) -> Result<Value> {
    let program = std::env::current_exe().context("nobody knows where this program lies")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    let mut child = command.spawn().context("it cannot be asked")?;
    let answer = async {
        let mut bytes = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
        }
        let ended = child.wait().await?;
        anyhow::Ok((ended.code(), bytes))
    };
    let answered = tokio::time::timeout(Duration::from_millis(COMMAND_MS_MAX), answer).await;
    let (code, bytes) = answered.with_context(|| format!("no answer in {} s", COMMAND_MS_MAX / 1_000))??;
    let said: Value = serde_json::from_slice(&bytes).with_context(|| format!("it ended with {code:?}"))?;
    Ok(json!({ "exit": code, "answer": said }))
}

/// The installed components, by what lies in the folder.
fn connectors(data: &Path) -> Result<Value> {
    let folder = data.join("connectors/blobs/sha256");
    if !folder.is_dir() {
        return Ok(json!({ "installed": [] }));
    }
    let mut installed = Vec::new();
    for entry in fs::read_dir(&folder).context("the folder of connectors cannot be read")? {
        let path = entry?.path();
        let name =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".wasm"));
        let Some(digest) = name.and_then(Digest::parse) else { continue };
        let bytes = fs::read(&path).with_context(|| format!("`{digest}` cannot be read"))?;
        let is_whole = Digest::of(&bytes) == digest;
        let found = countersign_connectors::inspect(&bytes);
        let (id, version) = match &found {
            Ok(found) => {
                (found.manifest.connector.id.to_string(), found.manifest.connector.version.to_string())
            }
            Err(fault) => (format!("cannot be read: {fault}"), String::new()),
        };
        installed.push(json!({
            "digest": digest, "id": id, "version": version, "bytes": bytes.len(), "is_what_was_installed": is_whole,
        }));
    }
    installed.sort_by_key(|build| build["digest"].to_string());
    Ok(json!({ "installed": installed }))
}

async fn metrics(known: &settings::Known) -> Result<Value> {
    let Some(listens) = known.admin_listen else {
        bail!("`[server] admin-listen` is not set, so nobody can be asked");
    };
    let ip = if listens.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listens.ip() };
    let address = SocketAddr::new(ip, listens.port());
    let answer = Api::at(format!("http://{address}")).once(&Ask::get("/metrics", "")).await?;
    let answer = answer.with_context(|| format!("nobody answers at {address}: no host runs"))?;
    let text = String::from_utf8_lossy(&answer.bytes);
    Ok(json!({ "status": answer.status, "lines": text.lines().collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_says_of_rules_is_where_and_not_whom_it_names() {
        let of_rules = json!({
            "file": "people.md", "line": 7, "column": 3, "message": "`ann` is nobody", "help": "take `ann` out",
        });
        let of_settings =
            json!({ "file": "c.toml", "line": 2, "column": 0, "message": "there is no `lissten`" });
        let said = json!({
            "exit": 1,
            "answer": { "problems": [of_rules, of_settings], "warnings": ["`ann` has a password"], "checked": [] },
        });
        let expected = json!({
            "exit": 1,
            "answer": {
                "problems": [{ "file": "people.md", "line": 7, "column": 3 }, of_settings],
                "warnings": 1,
                "checked": [],
            },
        });
        assert_eq!(without_words_of_rules(said), expected);
        let said = json!({ "answer": { "items": [
            { "what": "clock", "found": "right" }, { "what": "rules", "state": "wrong", "found": "`ann` is nobody" },
        ] } });
        let expected = json!({ "answer": { "items": [
            { "what": "clock", "found": "right" }, { "what": "rules", "state": "wrong" },
        ] } });
        assert_eq!(without_words_of_rules(said), expected);
        assert_eq!(without_words_of_rules(json!({ "exit": 3 })), json!({ "exit": 3 }));
    }
}
