//! `countersign version`: what this program is, for people and for support.

use super::Global;
use crate::{exit, output};
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;

/// Says which version this is.
#[derive(Debug, clap::Args)]
pub struct Version {}

/// Prints it.
///
/// # Errors
/// If stdout cannot be written.
pub fn run(_: Version, global: &Global) -> Result<ExitCode> {
    let (version, system) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    let machine = std::env::consts::ARCH;
    if global.json {
        output::json(&json!({ "version": version, "os": system, "arch": machine }))?;
    } else {
        output::line(&format!("countersign {version} ({machine} {system})"))?;
    }
    Ok(ExitCode::from(exit::DONE))
}
