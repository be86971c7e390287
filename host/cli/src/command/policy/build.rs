//! `countersign policy build`: a policy component from its source.

use super::Global;
use crate::build::build_policy_component;
use crate::exit;
use crate::output;
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which component to build.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// Folder of the component's crate
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Builds it and says how a policy names it.
///
/// # Errors
/// If there is no toolchain, or the crate makes no policy component.
pub(super) fn run(command: &Build, global: &Global) -> Result<ExitCode> {
    let progress = |words: &str| {
        if !global.quiet {
            output::say(words);
        }
    };
    let (file, digest) = build_policy_component(&command.folder, &progress)?;
    if global.json {
        output::json(&json!({ "file": file, "digest": format!("sha256:{digest}") }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    output::line(&format!("{}", file.display()))?;
    output::line(&format!("sha256:{digest}"))?;
    progress(
        "copy the file into `components/` of the rules, and name the digest under `## Components` of the policy",
    );
    Ok(ExitCode::from(exit::DONE))
}
