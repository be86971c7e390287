//! An identity provider: python-scim's client and its compliance tester, which speak SCIM to a host.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::program_of;

/// An identity provider that provisions one host.
#[derive(Debug, Clone)]
pub struct ScimProvider {
    url: String,
    token: String,
}

impl ScimProvider {
    /// One that calls the host at `url` with this token.
    #[must_use]
    pub fn new(url: String, token: String) -> Self {
        Self { url, token }
    }

    /// Does one thing (the script says which there are), and gives the resources or findings that it prints.
    ///
    /// # Errors
    /// It is not installed, or the host refuses: then with what the client says.
    pub fn does(&self, words: &[&str]) -> Result<Vec<Value>> {
        let python = program_of("scim", "python")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/scim_provider.py");
        let mut command = Command::new(python);
        command.arg(script).args([&self.url, &self.token]).args(words);
        let ended = command.output().context("the identity provider does not run")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        ensure!(ended.status.success(), "{}: {last}", words.join(" "));
        let printed = String::from_utf8(ended.stdout)?;
        printed.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
