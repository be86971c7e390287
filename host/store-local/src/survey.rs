//! The log as whoever copies it finds it: whole records from front to back, without the lock of its folder.
//!
//! Nothing that was written is ever changed, so a host may append meanwhile: what it writes after the look is not seen, and
//! what it is writing is left out, as after a crash. The segments may lie in a folder or inside of a backup: a [`Disk`]
//! says where.

use crate::disk::Disk;
use crate::fault::{corrupt, io_fault};
use crate::folder::{Folder, known};
use crate::open::{make_known, unfinished};
use crate::segment::{Broken, End, HEADER_BYTES, Segments, version_of};
use crate::verify::{add_entries, linked};
use countersign_core::hash::Digest;
use countersign_engine::port::store::{Logged, Position, StoreFault};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Looks at an end that is being written before it is taken for damage.
const TORN_LOOKS_MAX: u32 = 20;
/// Wait between two of them, in milliseconds: a group of records is written within one.
const TORN_LOOK_MS: u64 = 50;

/// How much of a segment is whole records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The file's name.
    pub name: String,
    /// Bytes from its beginning.
    pub bytes: u64,
}

/// A log that was read from front to back, and is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Its segments, in order.
    pub segments: Vec<Extent>,
    /// Entries in them.
    pub entries: u64,
    /// Head of the hash chain after the last one.
    pub head: Digest,
}

/// Reads the log whose segments lie in the folder `log` of `disk`, checks every sum and every link, and shows each entry.
/// Stops before the record by which there would be more than `most` entries. Blocks meanwhile.
///
/// # Errors
/// [`StoreFault::Corrupt`] with the place; [`StoreFault::Version`]; what the operating system says.
pub fn survey(
    log: &Path,
    disk: Arc<dyn Disk>,
    most: u64,
    visit: &mut dyn FnMut(Logged),
) -> Result<Survey, StoreFault> {
    let segments = Segments::new(disk, log.to_owned());
    let numbers = found(&segments)?;
    let mut survey = Survey { segments: Vec::new(), entries: 0, head: Digest::ZERO };
    for number in &numbers {
        let start = segments.start(*number)?;
        if (start.position, start.head) != (survey.entries, survey.head) {
            let help = "the segment does not continue the one before it; restore both from a backup";
            return Err(corrupt(&segments.path(*number), 0, help));
        }
        let is_last = numbers.last() == Some(number);
        let (end, is_cut) = one(&segments, (start, is_last), most, visit)?;
        survey.segments.push(Extent { name: format!("{number:010}.cslog"), bytes: end.offset });
        (survey.entries, survey.head) = (end.position, end.head);
        if is_cut {
            break;
        }
    }
    Ok(survey)
}

/// The numbers of all segments that hold records, each of a format that is known.
fn found(segments: &Segments) -> Result<Vec<u32>, StoreFault> {
    let mut numbers = segments.numbers()?;
    if let Some(last) = numbers.last().copied()
        && unfinished(segments, last)?.is_some()
    {
        // Its header is being written, or never was: no record stands in it.
        numbers.pop();
    }
    for number in &numbers {
        let path = segments.path(*number);
        let file = segments.disk().open(&path).map_err(|error| io_fault("open", &path, &error))?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(|error| io_fault("read", &path, &error))?;
        known(version_of(&header))?;
    }
    make_known(segments, &numbers)?;
    Ok(numbers)
}

/// Reads one segment; says how far, and whether `most` entries were reached.
fn one(
    segments: &Segments,
    (start, is_last): (End, bool),
    most: u64,
    visit: &mut dyn FnMut(Logged),
) -> Result<(End, bool), StoreFault> {
    let path = segments.path(start.segment);
    let mut at = start;
    for look in 1.. {
        let length =
            segments.file(start.segment)?.length().map_err(|error| io_fault("measure", &path, &error))?;
        let mut records = segments.records(at, length)?;
        let broken = loop {
            let before = records.at;
            match records.next_or_broken() {
                Ok(None) => return Ok((records.at, false)),
                Err(broken) => break broken,
                Ok(Some(_)) if most < records.at.position => return Ok((before, true)),
                Ok(Some((record, _))) => {
                    if linked(before.head, &record) != record.head {
                        let help = "the hash chain breaks in this record: somebody changed the file; restore it from a backup";
                        return Err(corrupt(&path, before.offset, help));
                    }
                    let mut entries = Vec::new();
                    add_entries(&record, Position(0), usize::MAX, &mut entries);
                    entries.into_iter().for_each(&mut *visit);
                }
            }
        };
        at = records.at;
        match broken {
            Broken::Unreadable(fault) => return Err(fault),
            Broken::Torn if is_last && !records.anything_after()? => return Ok((at, false)),
            // A host may be writing just there.
            Broken::Torn if is_last && look < TORN_LOOKS_MAX => {
                std::thread::sleep(Duration::from_millis(TORN_LOOK_MS));
            }
            Broken::Torn => {
                let help = "the record is not what was written; restore the file from a backup";
                return Err(corrupt(&path, at.offset, help));
            }
            Broken::Misplaced => {
                let help = "the record is not the next one; restore the file from a backup";
                return Err(corrupt(&path, at.offset, help));
            }
        }
    }
    Ok((at, false))
}

/// How many entries the log of a data folder had when its last host stopped cleanly; nothing while one runs, or if the last
/// one did not.
///
/// # Errors
/// What the operating system says.
pub fn left_at(data: &Path) -> Result<Option<u64>, StoreFault> {
    let state = Folder::new(data.to_owned()).state()?;
    Ok(state.and_then(|state| state.clean).map(|(entries, _)| entries))
}
