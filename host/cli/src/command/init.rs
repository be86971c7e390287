//! `countersign init`: a commented configuration and rules to start from. Nothing that is there is
//! ever overwritten, so that it can be repeated.

use super::Global;
use crate::wire::{self, INSTALL_KEY_FILE};
use crate::{exit, output};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The rules to start from: path below the rules folder, and text.
pub const STARTER: [(&str, &str); 8] = [
    ("intents/contract_redline.intent.md", include_str!("../../starter/intents/contract_redline.intent.md")),
    ("intents/discount.intent.md", include_str!("../../starter/intents/discount.intent.md")),
    ("intents/refund.intent.md", include_str!("../../starter/intents/refund.intent.md")),
    ("people.md", include_str!("../../starter/people.md")),
    (
        "policies/contract_redline.policy.md",
        include_str!("../../starter/policies/contract_redline.policy.md"),
    ),
    ("policies/discount.policy.md", include_str!("../../starter/policies/discount.policy.md")),
    ("policies/refund.policy.md", include_str!("../../starter/policies/refund.policy.md")),
    ("routes.md", include_str!("../../starter/routes.md")),
];

/// Requests of a made-up quarter, for `policy backtest --from`: a new house has decided nothing yet.
const HISTORY: (&str, &str) =
    ("history/discount.jsonl", include_str!("../../starter/history/discount.jsonl"));
/// The commented configuration, which is also its reference.
pub const CONFIGURATION: &str = include_str!("../../starter/countersign.toml");
/// Where the configuration goes.
const CONFIGURATION_FILE: &str = "countersign.toml";
/// The data folder that [`CONFIGURATION`] names.
const DATA_FOLDER: &str = "data";

/// Where to begin.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder; made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
}

/// Writes what is not there yet.
///
/// # Errors
/// If a file cannot be written.
pub fn run(command: Init, global: &Global) -> Result<ExitCode> {
    let (written, kept) = begin(&command.folder)?;
    if global.json {
        output::json(&json!({ "written": written, "kept": kept }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    for path in &written {
        output::line(&format!("written  {path}"))?;
    }
    for path in &kept {
        output::line(&format!("kept     {path}"))?;
    }
    if !global.quiet {
        output::say(
            "next: countersign check; then countersign dev to try it out, or countersign token create PERSON and countersign serve",
        );
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Writes everything into `folder`; gives the paths that were written and those that were there.
pub(crate) fn begin(folder: &Path) -> Result<(Vec<String>, Vec<String>)> {
    std::fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (path, text) in [(CONFIGURATION_FILE, CONFIGURATION), HISTORY].into_iter().chain(STARTER) {
        let list = if written_new(&folder.join(path), text)? { &mut written } else { &mut kept };
        list.push(path.to_owned());
    }
    let data = folder.join(DATA_FOLDER);
    wire::private_folder(&data)?;
    let key = data.join(INSTALL_KEY_FILE);
    let list = if key.exists() { &mut kept } else { &mut written };
    wire::key(&key)?;
    list.push(format!("{DATA_FOLDER}/{INSTALL_KEY_FILE}"));
    Ok((written, kept))
}

/// Writes a file that must be new; says whether it was.
fn written_new(file: &Path, text: &str) -> Result<bool> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    }
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(mut new) => {
            new.write_all(text.as_bytes())
                .with_context(|| format!("`{}` cannot be written", file.display()))?;
            Ok(true)
        }
        Err(fault) if fault.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(fault) => Err(fault).with_context(|| format!("`{}` cannot be written", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_init_writes_is_clean_and_is_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("countersign-init-{}", std::process::id()));
        let (written, kept) = begin(&folder).expect("it is written");
        assert_eq!((written.len(), kept.len()), (STARTER.len() + 3, 0));
        let settings = config::load(Some(&folder.join(CONFIGURATION_FILE))).expect("no problem");
        wire::load_rules(&settings.rules).expect("no fault");
        let key = settings.data.join(INSTALL_KEY_FILE);
        assert_eq!(std::fs::metadata(key).expect("a key").permissions().mode() & 0o777, 0o600);
        std::fs::write(folder.join("people.md"), "mine").expect("it is changed");
        let (written, kept) = begin(&folder).expect("it is repeated");
        assert_eq!((written.len(), kept.len()), (0, STARTER.len() + 3));
        assert_eq!(std::fs::read_to_string(folder.join("people.md")).expect("it is read"), "mine");
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
