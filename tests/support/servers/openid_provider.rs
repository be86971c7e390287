//! Identity: oidc-provider, a certified OpenID provider.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{Process, install_folder};

/// The name of the client that the provider knows.
pub const CLIENT: &str = "countersign";
/// Its secret.
pub const CLIENT_SECRET: &str = "a secret of the tests";

/// A running provider.
#[derive(Debug)]
pub struct OpenIdProvider {
    process: Process,
}

impl OpenIdProvider {
    /// Starts one that sends browsers back to this address.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start(back: &str) -> Result<Self> {
        let packages = install_folder().join("node");
        ensure!(
            packages.join("node_modules/oidc-provider").is_dir(),
            "the test server `oidc-provider` is not installed: run `tests/install`"
        );
        let packages = std::fs::canonicalize(packages)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/openid_provider.mjs");
        let process = Process::start("oidc-provider", "/.well-known/openid-configuration", |_, port| {
            let mut command = Command::new("node");
            command.arg(&script).arg(&packages).arg(port.to_string()).args([CLIENT, CLIENT_SECRET, back]);
            Ok(command)
        })?;
        Ok(Self { process })
    }

    /// Its name for itself.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.port())
    }
}
