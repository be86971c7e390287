//! `countersign debug`: what somebody who asks for help sends along.

use super::Global;
use crate::bundle::{collect, write};
use crate::output::{self, Progress, Table};
use crate::wire::SystemClock;
use crate::{config, exit};
use anyhow::Result;
use countersign_engine::port::clock::Clock as _;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to collect.
#[derive(Debug, clap::Subcommand)]
pub enum Debug {
    /// Collect how this host is set up and how it fares, for whoever is asked for help
    ///
    /// Lists what would be in it, and writes it with `--yes`. It holds no secret, no value of an intent and no name of a
    /// person; look into it all the same before you send it.
    Bundle {
        /// The file: a tar archive, named by the moment unless it is named here; no file is written over
        file: Option<PathBuf>,
        /// Write it
        #[arg(long)]
        yes: bool,
        /// How many of the last entries of the log are told of, by kind and moment
        #[arg(long, value_name = "ENTRIES", default_value_t = 200)]
        last: usize,
    },
}

/// Most entries of the log that are told of.
const LAST_MAX: usize = 10_000;

/// Collects it.
///
/// # Errors
/// If there is no configuration to begin with, or the file cannot be written.
pub async fn run(command: Debug, global: &Global) -> Result<ExitCode> {
    let Debug::Bundle { file, yes, last } = command;
    let house = config::whereabouts(global.config.as_deref())?;
    let progress = Progress::begin(global.quiet || global.json);
    progress.now("looking at this host");
    let pieces = collect(global.config.as_deref(), &house, last.min(LAST_MAX)).await;
    progress.end();
    let file = file.unwrap_or_else(|| {
        let digits: String =
            SystemClock.now().to_string().chars().filter(char::is_ascii_digit).take(14).collect();
        PathBuf::from(format!("countersign-debug-{digits}.tar"))
    });
    if yes {
        write(&pieces, &file)?;
    }
    if global.json {
        let listed = |piece: &crate::bundle::Piece| json!({ "name": piece.name, "about": piece.about, "bytes": piece.bytes.len(), "removed": piece.removed });
        output::json(&json!({
            "file": yes.then(|| file.display().to_string()),
            "pieces": pieces.iter().map(listed).collect::<Vec<_>>(),
        }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["file", "bytes", "taken out", "what"]);
    for piece in &pieces {
        table.row([piece.name, &piece.bytes.len().to_string(), &piece.removed.to_string(), piece.about]);
    }
    table.print()?;
    if yes {
        output::line(&file.display().to_string())?;
    } else if !global.quiet {
        output::say("nothing is written yet: the same with `--yes` writes it");
    }
    Ok(ExitCode::from(exit::DONE))
}
