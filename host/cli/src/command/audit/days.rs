//! Evidence of some days: what is asked for, and how it is begun or made again.

use super::Global;
use super::evidence::{self, Lines};
use super::ledger::{Bound, Ledger, Under};
use super::population::{Log, day};
use anyhow::Result;
use countersign_core::intent::Day;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is wanted of it.
#[derive(Debug, clap::Args)]
pub struct OverDays {
    /// The file: one JSON value a line; no file is written over
    file: PathBuf,
    /// The first day of what is looked at, in UTC, such as 2026-10-01; from the beginning of the log unless given
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<Day>,
    /// The last day; to the end of the log unless given
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<Day>,
    /// Make a file that is there again from the log, by its own days up to its own checkpoint, and compare every byte
    #[arg(long, conflicts_with_all = ["since", "until", "checkpoint"])]
    again: bool,
    #[command(flatten)]
    under: Under,
}

/// The days, as the first line of a file has them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Day>,
}

/// On which side of the days a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Earlier,
    Within,
    Later,
}

impl Days {
    pub(super) fn side(self, at: Timestamp) -> Side {
        let day = Day::at(at);
        if self.since.is_some_and(|since| day < since) {
            Side::Earlier
        } else if self.until.is_some_and(|until| until < day) {
            Side::Later
        } else {
            Side::Within
        }
    }
}

/// What of a first line says how the file is made again; every byte of it is compared.
#[derive(Deserialize)]
struct Known {
    query: Days,
    log: Log,
}

/// A file that is written or made again, and the log that it is made of.
pub(super) struct Begun {
    pub(super) file: PathBuf,
    pub(super) again: bool,
    pub(super) days: Days,
    pub(super) lines: Lines,
    pub(super) ledger: Ledger,
    /// What the first line says that the log is read up to.
    pub(super) bound: Bound,
}

impl OverDays {
    /// Begins it, before the log is read, which may take long.
    ///
    /// # Errors
    /// If the file is there, or is none to be made again; or the log cannot be read.
    pub(super) async fn begin(self, what: &str, global: &Global) -> Result<Begun> {
        let OverDays { file, since, until, again, under } = self;
        let known: Option<Known> = again.then(|| evidence::head(&file, what)).transpose()?;
        let days = known.as_ref().map_or(Days { since, until }, |known| known.query);
        let lines = if again { Lines::like(&file, "the log says")? } else { Lines::to(&file)? };
        let ledger = under.ledger(known.map(|known| known.log.checkpoint), global).await?;
        let bound = ledger.end().await?;
        let ledger = ledger.up_to(bound.clone());
        Ok(Begun { file, again, days, lines, ledger, bound })
    }
}
