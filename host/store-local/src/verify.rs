//! The full check of the log, and reading it in order.

use crate::fault::corrupt;
use crate::record::Record;
use crate::segment::End;
use crate::shared::Shared;
use countersign_core::hash::Digest;
use countersign_core::log::chain;
use countersign_engine::port::store::{Logged, Position, StoreFault, Verified};
use std::sync::Arc;

/// How much is checked between two reports of progress.
const STEP_BYTES: u64 = 8 * 1024 * 1024;

/// Reads every segment again: each sum, each link of the chain, each join between segments, and
/// that the end is where the running store has it.
pub(crate) async fn verify(
    shared: Arc<Shared>,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Verified, StoreFault> {
    let end = shared.inside().hot.end;
    let mut of = 0;
    for number in 1..=end.segment {
        of += shared.segments.extent(number, &end)?;
    }
    let mut at = shared.segments.start(1)?;
    let mut done_before = 0;
    check_start(&shared, &at, 0, Digest::ZERO)?;
    progress(0, of);
    loop {
        let step = Arc::clone(&shared);
        let checked = tokio::task::spawn_blocking(move || check_step(&step, at, &end)).await;
        let reached = checked.unwrap_or_else(|_| Err(StoreFault::Io("the check did not end".to_owned())))?;
        if reached.segment != at.segment {
            done_before += shared.segments.extent(at.segment, &end)?;
        }
        at = reached;
        progress(done_before + at.offset, of);
        if at == end {
            return Ok(Verified { entries: at.position, head: at.head });
        }
    }
}

/// Checks some records after `at`, at most to the end of its segment; says how far it came.
fn check_step(shared: &Shared, at: End, end: &End) -> Result<End, StoreFault> {
    let segments = &shared.segments;
    let until = segments.extent(at.segment, end)?;
    let mut records = segments.records(at, until)?;
    let mut head = at.head;
    while records.at.offset < until && records.at.offset - at.offset < STEP_BYTES {
        let offset = records.at.offset;
        let Some((record, _)) = records.next()? else { break };
        head = linked(head, &record);
        if head != record.head {
            let help =
                "the hash chain breaks in this record: somebody changed the file; restore it from a backup";
            return Err(corrupt(&segments.path(at.segment), offset, help));
        }
    }
    let reached = records.at;
    if reached.offset < until {
        return Ok(reached);
    }
    if reached.segment == end.segment {
        if reached != *end {
            let help =
                "the log does not end where the running host has its end; stop the host and restore the file";
            return Err(corrupt(&segments.path(at.segment), reached.offset, help));
        }
        return Ok(reached);
    }
    let next = segments.start(reached.segment + 1)?;
    check_start(shared, &next, reached.position, reached.head)?;
    Ok(next)
}

fn check_start(shared: &Shared, start: &End, position: u64, head: Digest) -> Result<(), StoreFault> {
    if (start.position, start.head) == (position, head) {
        return Ok(());
    }
    let help = "the segment does not continue the one before it; restore both from a backup";
    Err(corrupt(&shared.segments.path(start.segment), 0, help))
}

pub(crate) fn linked(head: Digest, record: &Record) -> Digest {
    record.parts.iter().fold(head, |head, part| {
        let numbered = part.append.entries.iter().zip(part.append.expected + 1..);
        numbered.fold(head, |head, (entry, sequence)| chain::link(head, &part.append.stream, sequence, entry))
    })
}

impl Shared {
    /// Up to `limit` entries of the log from `from`. Goes on quickly where an earlier scan ended.
    pub(crate) fn scan(&self, from: Position, limit: usize) -> Result<Vec<Logged>, StoreFault> {
        let end = self.inside().hot.end;
        let from = Position(from.0.max(1));
        let mut logged = Vec::new();
        if from.0 > end.position || limit == 0 {
            return Ok(logged);
        }
        let mut at = match self.mark_before(from.0 - 1) {
            Some(mark) => mark,
            None => {
                let holding = self.segments.holding(from.0);
                self.segments.start(holding.map_or(1, |(number, _)| number))?
            }
        };
        loop {
            let mut records = self.segments.records(at, self.segments.extent(at.segment, &end)?)?;
            let mut before = records.at;
            while let Some((record, _)) = records.next()? {
                add_entries(&record, from, limit, &mut logged);
                if logged.len() >= limit {
                    // The record may hold more than was asked for, so go on at its beginning.
                    self.put_mark(before);
                    return Ok(logged);
                }
                before = records.at;
            }
            if at.segment >= end.segment {
                self.put_mark(before);
                return Ok(logged);
            }
            at = self.segments.start(at.segment + 1)?;
        }
    }
}

pub(crate) fn add_entries(record: &Record, from: Position, limit: usize, logged: &mut Vec<Logged>) {
    let mut position = Position(record.first);
    for part in &record.parts {
        for (entry, sequence) in part.append.entries.iter().zip(part.append.expected + 1..) {
            if from <= position && logged.len() < limit {
                let stream = Arc::clone(&part.append.stream);
                logged.push(Logged { position, stream, sequence, entry: Arc::clone(entry) });
            }
            position.0 += 1;
        }
    }
}
