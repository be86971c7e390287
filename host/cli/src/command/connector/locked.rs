//! A host as `connectors.lock` has it.

use super::Global;
use super::hosted::{came_of, sent};
use crate::client::{Change, Client, typed};
use crate::config;
use crate::distribution::lock::{Lock, Locked};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_server::api::view::{BuildView, ConnectorView, Listed};
use serde_json::json;
use std::process::ExitCode;

/// What the log says of why.
const REASON: &str = "as connectors.lock has it";

/// Adds what the lock names and the host lacks, and puts in force what waits. What the host has beside that stays.
pub(super) async fn sync(global: &Global) -> Result<ExitCode> {
    let lock = Lock::beside(config::found(global.config.as_deref()).as_deref())?;
    let client = Client::of(global)?;
    let body = client.get("/v1/connectors").await?;
    let there = typed::<Listed<ConnectorView>>(&body)?.items;
    let (mut done, mut open) = (Vec::new(), Vec::new());
    for locked in lock.builds()? {
        let connector = there.iter().find(|connector| connector.id == locked.id);
        let builds = connector.map(|connector| connector.builds.as_slice()).unwrap_or_default();
        match step(&client, &lock, locked, builds).await {
            Ok(Step::Nothing) => {}
            Ok(Step::Done(what)) => done.push(what),
            Ok(Step::Open(what)) => open.push(what),
            Err(fault) => {
                // What was done is done.
                done.iter().for_each(|what| output::say(&plain(what)));
                return Err(fault);
            }
        }
    }
    let is_locked = |connector: &&ConnectorView| {
        lock.builds().is_ok_and(|all| all.iter().any(|one| one.id == connector.id))
    };
    let beside: Vec<&str> = there
        .iter()
        .filter(|connector| !is_locked(connector))
        .map(|connector| connector.id.as_str())
        .collect();
    if global.json {
        output::json(&json!({ "done": done, "open": open, "beside": beside }))?;
    } else {
        done.iter().chain(&open).for_each(|what| output::say(&plain(what)));
        if done.is_empty() && open.is_empty() && !global.quiet {
            output::say(&format!("nothing to do: the host is as `{}` has it", plain(&lock.name())));
        }
        if !beside.is_empty() && !global.quiet {
            let names = plain(&beside.join(", "));
            output::say(&format!(
                "the host has connectors that `{}` does not name: {names}",
                plain(&lock.name())
            ));
        }
    }
    if open.is_empty() {
        return Ok(ExitCode::from(exit::DONE));
    }
    let message = format!("{} of the builds that `{}` names do not serve", open.len(), plain(&lock.name()));
    Err(Failure::new(exit::NO, message)
        .with_help("`countersign connector list` says what each waits for")
        .into())
}

/// What came of one build.
enum Step {
    /// It is as it should be.
    Nothing,
    /// It is so now.
    Done(String),
    /// Somebody has to do something.
    Open(String),
}

async fn step(client: &Client, lock: &Lock, locked: &Locked, builds: &[BuildView]) -> Result<Step> {
    let build = builds.iter().find(|build| build.digest == locked.sha256);
    // On record without its bytes, it is sent again.
    let Some(build) = build.filter(|build| build.size.is_some()) else {
        let component = lock.fetch(locked).await?;
        let (_, connector, build) = sent(client, component, false, Some(REASON)).await?;
        let came = came_of(&connector, &build);
        return Ok(if build.state == "active" { Step::Done(came) } else { Step::Open(came) });
    };
    let name = format!("`{}` {} (sha256:{})", locked.id, locked.version, super::short(&locked.sha256));
    match build.state.as_str() {
        // Another one may be tried on a connection.
        "active" if builds.iter().all(|other| other.state != "tried") => Ok(Step::Nothing),
        "active" | "staged" | "previous" | "tried" => {
            let body = json!({ "digest": locked.sha256, "reason": REASON });
            let path = format!("/v1/connectors/{}/activations", locked.id);
            client.change(&Change { path: &path, body: &body, revision: None, key: None }).await?;
            Ok(Step::Done(format!("{name} serves")))
        }
        "held" => Ok(Step::Open(format!("{name} waits for somebody who may accept what it asks for"))),
        "quarantined" => Ok(Step::Open(format!(
            "{name} is in quarantine: {}",
            build.quarantined.as_deref().unwrap_or_default()
        ))),
        other => Ok(Step::Open(format!("{name} is `{other}`"))),
    }
}
