//! `countersign audit access`: every verdict of every review of access that the log holds of some days, in one file.

use super::Global;
use super::days::{Begun, Days, OverDays, Side};
use super::evidence::Lines;
use super::population::{Log, LookedAt};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use countersign_core::access::{Entry, Event, Said, Verdict};
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use countersign_core::log::leaf::Leaf;
use countersign_engine::port::store::Logged;
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

/// What the first line calls itself.
const FORM: &str = "countersign-access/1";
/// What the streams of the record begin with.
const RECORD: &str = "access/";
/// Most verdicts by somebody on their own right that are shown beside the file, which has them all.
const SHOWN_MAX: usize = 20;

/// The first line.
#[derive(Debug, Serialize)]
struct Head {
    form: String,
    query: Days,
    log: Log,
    looked_at: LookedAt,
}

/// A line: one verdict.
#[derive(Debug, Serialize)]
struct Line<'a> {
    position: u64,
    /// SHA-256 of the entry.
    entry: Digest,
    at: String,
    by: &'a PersonId,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// What the last line but one says.
#[derive(Debug, Default, Serialize)]
struct Counts {
    /// Entries: each is what one person said at one time.
    reviews: u64,
    keep: u64,
    remove: u64,
    /// How many rights of everybody there were at the last of the reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<u64>,
    /// At how many of them somebody still had to look after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<u64>,
    earlier: u64,
    later: u64,
}

struct Listing {
    days: Days,
    lines: Option<Lines>,
    counts: Counts,
    /// Verdicts of somebody on their own right, in words.
    own: Vec<String>,
}

/// Lists them, or does so again.
///
/// # Errors
/// If the log cannot be read or is not what its checkpoint says; or the file cannot be written or is not what the log says.
/// A review of somebody's own right is an answer of no.
pub(super) async fn run(command: OverDays, global: &Global) -> Result<ExitCode> {
    let Begun { file, again, days, lines, ledger, bound } = command.begin("list of reviews", global).await?;
    let mut listing = Listing { days, lines: Some(lines), counts: Counts::default(), own: Vec::new() };
    let (log, looked_at) = (Log::of(&bound), LookedAt::of(&bound));
    listing.line(&Head { form: FORM.to_owned(), query: days, log, looked_at })?;
    let (listing, _) = ledger.walk(listing, list).await?;
    let Listing { lines, counts, own, .. } = listing;
    let sha256 = lines.context("the lines were taken away")?.end(&counts)?;
    let checkpoint = &bound.checkpoint;
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "counts": counts,
            "own": own,
            "entries": checkpoint.size,
            "root": checkpoint.root,
            "sha256": sha256,
        }))?;
    } else {
        let found = if again { "is what the log says" } else { "is written" };
        let Counts { reviews, keep, remove, .. } = counts;
        let of = counts.rights.zip(counts.open);
        let of =
            of.map(|(rights, open)| format!("; of {rights} rights, {open} were open after the last one"));
        output::line(&plain(&format!(
            "`{}` {found}: verdicts of {reviews} reviews, {keep} keep and {remove} remove{}",
            file.display(),
            of.unwrap_or_default()
        )))?;
        let (size, origin, root) = (checkpoint.size, &checkpoint.origin, checkpoint.root);
        output::line(&format!("looked at: all {size} entries of `{origin}`, root {root}"))?;
    }
    if own.is_empty() {
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut failure = Failure::new(exit::NO, "somebody reviewed what they have themselves");
    failure.places = own.into_iter().take(SHOWN_MAX).collect();
    let help = "the host refuses that, so somebody wrote to the log past it: keep the data folder as it is";
    Err(failure.with_help(help).into())
}

impl Listing {
    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        self.lines.as_mut().context("the lines were taken away")?.line(value)
    }
}

fn list(listing: &mut Listing, logged: &Logged, leaf: &Leaf) -> Result<()> {
    if !logged.stream.starts_with(RECORD) {
        return Ok(());
    }
    let entry: Entry = serde_json::from_slice(&logged.entry)
        .with_context(|| format!("entry {} of `{}` cannot be read", logged.sequence, logged.stream))?;
    let Entry { at, by, event: Event::Reviewed { verdicts, rights, open } } = entry;
    let left_out = match listing.days.side(at) {
        Side::Earlier => Some(&mut listing.counts.earlier),
        Side::Later => Some(&mut listing.counts.later),
        Side::Within => None,
    };
    if let Some(left_out) = left_out {
        *left_out = left_out.saturating_add(1);
        return Ok(());
    }
    listing.counts.reviews = listing.counts.reviews.saturating_add(1);
    (listing.counts.rights, listing.counts.open) = (Some(rights), Some(open));
    for verdict in &verdicts {
        let count = match verdict.said {
            Said::Keep => &mut listing.counts.keep,
            Said::Remove => &mut listing.counts.remove,
        };
        *count = count.saturating_add(1);
        let right = &verdict.right;
        if right.is_of(&by) {
            listing.own.push(format!("`{by}` reviews `{}` (entry {})", right.what, logged.position.0));
        }
        let (position, at) = (logged.position.0, at.to_string());
        listing.line(&Line { position, entry: leaf.entry, at, by: &by, verdict })?;
    }
    Ok(())
}
