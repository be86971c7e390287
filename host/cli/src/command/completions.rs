//! `countersign completions`: what a shell needs to finish our words.

use super::Arguments;
use crate::exit;
use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;
use std::process::ExitCode;

/// For which shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// Prints them.
///
/// # Errors
/// If stdout cannot be written.
pub fn run(command: Completions) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "countersign", &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::from(exit::DONE))
}
