//! Running the tools of other languages.

use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a tool in `folder`; what it says is told when it fails, after `fault`.
pub(super) fn run(command: &mut Command, folder: &Path, fault: &str) -> Result<()> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let ended = command.current_dir(folder).stdin(Stdio::null()).output();
    let ended = ended.with_context(|| format!("`{tool}` cannot be started"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = [ended.stdout.as_slice(), &ended.stderr].concat();
    bail!("{fault} in `{}`:\n{}", folder.display(), String::from_utf8_lossy(&said).trim());
}
