//! Vendors that nobody can run: stand-ins of our own, in `vendor/`, made from what each vendor publishes about its
//! interface.

use super::{Process, http};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A running stand-in, with what it begins with.
#[derive(Debug)]
pub struct Vendor {
    process: Process,
}

impl Vendor {
    /// Starts `vendor/NAME.py`.
    ///
    /// # Errors
    /// There is no such file or no Python, or it does not answer.
    pub fn start(name: &'static str) -> Result<Vendor> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/vendor");
        let script = folder.join(name).with_extension("py");
        let process = Process::start(name, "/stand-in/state", |_, port| {
            let mut command = Command::new("python3");
            // No compiled files beside the sources.
            command.arg("-B").arg(&script).arg(port.to_string());
            Ok(command)
        })?;
        Ok(Vendor { process })
    }

    /// Its address; what stands before a path at the vendor is the connection's.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// All that it holds, past every connector.
    ///
    /// # Errors
    /// It does not answer.
    pub fn state(&self) -> Result<Value> {
        http::get(&format!("{}/stand-in/state", self.base_url()), &[])?.json().context("the stand-in's state")
    }
}
