//! A registry of OCI artifacts: docker-registry (CNCF Distribution 2.8) over a folder of its own.
//!
//! It does not know which artifacts refer to which: its clients keep that list under a tag.

use super::Process;
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use std::process::Command;

/// A user of a registry that wants a password, and a password of no value, as bcrypt keeps it.
const USERS: &str = "vendor:$2y$05$OYSbLlV8Rh3DQz2pYXVtYu/KSW0IQc792n7pyUGiHw0W0IIReZUtO\n";

/// A running registry, empty at first.
#[derive(Debug)]
pub struct Registry {
    process: Process,
}

impl Registry {
    /// Starts one that anybody may push to.
    ///
    /// # Errors
    /// docker-registry is not installed, or does not answer.
    pub fn start() -> Result<Registry> {
        Registry::with("")
    }

    /// Starts one that wants to know who asks: `vendor`, with the password `correct horse`.
    ///
    /// # Errors
    /// Those of [`Registry::start`].
    pub fn with_password() -> Result<Registry> {
        Registry::with("auth:\n  htpasswd:\n    realm: tests\n    path: users\n")
    }

    fn with(more: &str) -> Result<Registry> {
        let process = Process::start("docker-registry", "/v2/", |folder, port| {
            let configuration = format!(
                "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
                 http:\n  addr: 127.0.0.1:{port}\n{more}",
                folder.join("data").display()
            );
            std::fs::write(folder.join("config.yml"), configuration)?;
            std::fs::write(folder.join("users"), USERS)?;
            let mut command = Command::new("docker-registry");
            command.args(["serve", "config.yml"]);
            Ok(command)
        })
        .context("is `docker-registry` installed? `tests/install` does it")?;
        Ok(Registry { process })
    }

    /// How references begin that lead here.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.process.port())
    }

    /// Its interface.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// The file that holds the bytes with this digest.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let begins = digest.get(..2).unwrap_or_default();
        self.process
            .folder()
            .join("data/docker/registry/v2/blobs/sha256")
            .join(begins)
            .join(digest)
            .join("data")
    }
}
