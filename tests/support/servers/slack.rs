//! Messages: backlot, which answers as Slack does, with a company of ten people in it.
//!
//! Like Slack it has no idempotency key for messages: a blind repeat posts twice, so a test that counts messages
//! proves what *we* do.

use super::{Process, http, install_folder, program_of};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::process::Command;

/// The token of its service account.
const TOKEN: &str = "admin-service-token";

/// A running backlot on a copy of the data that `tests/install` made.
#[derive(Debug)]
pub struct Slack {
    process: Process,
}

impl Slack {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start() -> Result<Slack> {
        let program = program_of("slack", "backlot")?;
        let data = install_folder().join("slack-data");
        let process = Process::start("backlot", "/slack/api/api.test", |folder, port| {
            for file in std::fs::read_dir(&data).context("run `tests/install`")? {
                let file = file?;
                std::fs::copy(file.path(), folder.join(file.file_name()))?;
            }
            let mut command = Command::new(&program);
            command.args(["serve", "--disable-telemetry", "--host", "127.0.0.1", "--data-dir", "."]);
            command.args(["--port", &port.to_string()]);
            Ok(command)
        })?;
        Ok(Slack { process })
    }

    /// The base of an endpoint; paths go on with `/chat.postMessage`.
    pub fn base_url(&self) -> String {
        format!("{}/slack/api", self.process.base_url())
    }

    /// The secret for the credential scheme `bearer`.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The id of the channel with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn channel(&self, name: &str) -> Result<String> {
        let listed = self.get("conversations.list?limit=200")?;
        let channels = listed["channels"].as_array().context("a list of channels")?;
        let found = channels.iter().find(|channel| channel["name"] == name);
        let id = found.and_then(|channel| channel["id"].as_str());
        Ok(id.with_context(|| format!("no channel `{name}`"))?.to_owned())
    }

    /// The messages of a channel, the newest first.
    ///
    /// # Errors
    /// It refuses.
    pub fn messages(&self, channel: &str) -> Result<Vec<Value>> {
        let page = self.get(&format!("conversations.history?channel={channel}&limit=200"))?;
        page["messages"].as_array().cloned().context("a list of messages")
    }

    fn get(&self, path: &str) -> Result<Value> {
        let bearer = format!("Bearer {TOKEN}");
        let answer = http::get(&format!("{}/{path}", self.base_url()), &[("Authorization", &bearer)])?;
        let said = answer.json()?;
        ensure!(said["ok"] == true, "{path}: {said}");
        Ok(said)
    }
}
