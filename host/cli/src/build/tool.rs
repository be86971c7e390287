//! Running the tools of other languages.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What pip says of what it installed, in the environment.
pub(super) const REPORT: &str = "countersign-report.json";

/// The folder of a project below `between`, by its name, which is a plain one.
///
/// # Errors
/// If the name would lead elsewhere, or the folder cannot be made.
pub(super) fn folder_of(between: &Path, name: &str) -> Result<PathBuf> {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@' | '/');
    if name.is_empty() || name.starts_with('/') || name.contains("..") || !name.chars().all(is_plain) {
        bail!(
            "the project's name is `{}`; letters, digits, `-`, `_` and `.` may stand in it",
            name.escape_debug()
        );
    }
    let folder = between.join(name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    Ok(folder)
}

/// Runs a tool in `folder`; what it says is told when it fails, after `fault`.
pub(super) fn run(command: &mut Command, folder: &Path, fault: &str) -> Result<()> {
    said_by(command, folder, fault).map(drop)
}

/// The same, and gives what it says.
pub(super) fn said_by(command: &mut Command, folder: &Path, fault: &str) -> Result<Vec<u8>> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let ended = command.current_dir(folder).stdin(Stdio::null()).output();
    let ended = ended.with_context(|| format!("`{tool}` cannot be started"))?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    let said = [ended.stdout.as_slice(), &ended.stderr].concat();
    bail!("{fault} in `{}`:\n{}", folder.display(), String::from_utf8_lossy(&said).trim());
}

/// The environment in `work` with what pip installs of `wanted`, made anew when something else is.
///
/// # Errors
/// If there is no Python with `venv` and `pip`, or pip cannot install it (with its own words).
pub(super) fn environment(work: &Path, wanted: &[&String], progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let environment = work.join("environment");
    let stamp = environment.join("countersign-installed");
    let list = wanted.iter().map(|one| one.as_str()).collect::<Vec<_>>().join("\n");
    let is_installed = std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == list);
    if is_installed && environment.join(REPORT).is_file() {
        return Ok(environment);
    }
    progress("python3 -m venv");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    run(&mut venv, work, "python3 could not make an environment")?;
    progress("pip install");
    let mut pip = Command::new(environment.join("bin").join("python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--report"])
        .arg(environment.join(REPORT))
        .args(wanted);
    run(&mut pip, work, "pip could not install what the project names")?;
    // Written last: an installation that was stopped is made anew.
    std::fs::write(&stamp, list).with_context(|| format!("`{}` cannot be written", stamp.display()))?;
    Ok(environment)
}
