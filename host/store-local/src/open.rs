//! Opening a data folder: versions, lock, the end of the log, the index.
//!
//! The order matters. Versions are looked at before anything is touched; the lock is taken before
//! anything is changed; the log is settled before the index is believed.

use crate::disk::{Disk, DiskFile};
use crate::fault::{INDEX_VERSION, corrupt, io_fault};
use crate::folder::{Folder, Lock, State, this_boot};
use crate::hot::Hot;
use crate::index::{Index, IndexFault};
use crate::indexer::{FREE_BYTES_MIN, catch_up, rebuild};
use crate::segment::{Broken, End, HEADER_BYTES, Header, Segments};
use countersign_core::hash::Digest;
use countersign_engine::port::store::StoreFault;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What was found when the folder was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Entries in the log.
    pub entries: u64,
    /// Bytes that were cut off the end of the log: a write that the last stop tore. None of them
    /// was acknowledged.
    pub cut_bytes: u64,
    /// Whether the index was built again from the whole log, and why.
    pub index_rebuilt: Option<String>,
    /// Entries that were read again because the index did not know them yet.
    pub replayed: u64,
    /// How many times the folder was opened, this time included.
    pub epoch: u64,
    /// How long opening took, in milliseconds.
    pub millis: u64,
}

/// Whether the data folder may lie on a network file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It may not: locks and syncs there have been known to promise too much.
    Refused,
    /// Somebody has said that this one keeps what it confirms.
    Trusted,
}

/// A settled folder, before its threads start.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) lock: Lock,
    pub(crate) segments: Segments,
    pub(crate) hot: Hot,
    pub(crate) index: Index,
    pub(crate) log_bytes: u64,
    pub(crate) opened: Opened,
}

/// Opens `folder`, creating it if it is missing.
pub(crate) fn open(folder: &Folder, disk: Arc<dyn Disk>, network: Network) -> Result<Found, StoreFault> {
    folder.check_versions(&*disk)?;
    if network == Network::Refused {
        folder.check_local()?;
    }
    folder.create()?;
    let lock = folder.lock(|| has_room(&*disk, &folder.log()))?;
    let state = folder.state()?;
    let segments = Segments::new(disk, folder.log());
    let (end, cut_bytes) = settle(&segments, lock.epoch)?;
    check_clean(&segments, state.as_ref(), &end)?;

    let (index, hot, index_rebuilt, from) = match follow(folder, &segments, state.as_ref(), &end) {
        Ok((index, hot, from)) => (index, hot, None, from),
        Err(Unusable::Log(fault)) => return Err(fault),
        Err(Unusable::Index(cause)) => {
            if 0 < end.position {
                tracing::warn!(%cause, "the index is rebuilt from the log");
            }
            let (index, hot) = rebuild(&segments, &folder.index(), &end)?;
            (index, hot, (0 < end.position).then_some(cause), 0)
        }
    };
    folder.put_state(&State { boot: this_boot(), clean: None })?;
    let mut log_bytes = 0;
    for number in segments.numbers()? {
        log_bytes += segments.extent(number, &end)?;
    }
    let replayed = end.position.saturating_sub(from);
    let opened =
        Opened { entries: end.position, cut_bytes, index_rebuilt, replayed, epoch: lock.epoch, millis: 0 };
    Ok(Found { lock, segments, hot, index, log_bytes, opened })
}

/// Refuses a disk on which the index could not be opened: it would be taken for broken.
fn has_room(disk: &dyn Disk, log: &Path) -> Result<(), StoreFault> {
    match disk.free_bytes(log).map_err(|error| io_fault("measure", log, &error))? {
        free if free < FREE_BYTES_MIN => Err(StoreFault::Full),
        _ => Ok(()),
    }
}

/// Makes all segments known, finds the end of the log, and cuts off what a stop tore. Creates the
/// first segment of an empty folder.
fn settle(segments: &Segments, epoch: u64) -> Result<(End, u64), StoreFault> {
    let mut numbers = segments.numbers()?;
    let mut cut = 0;
    if let Some(last) = numbers.last().copied()
        && let Some(bytes) = unfinished(segments, last)?
    {
        // Its header never became durable, so no record ever followed it.
        let path = segments.path(last);
        tracing::warn!(path = %path.display(), "removing a segment that was never finished");
        segments.disk().remove(&path).map_err(|error| io_fault("remove", &path, &error))?;
        numbers.pop();
        cut += bytes;
    }
    make_known(segments, &numbers)?;
    let Some(last) = segments.last() else {
        let header = Header { epoch, first: 1, head: Digest::ZERO };
        let file = segments.create(1, header)?;
        segments.add(1, header, file);
        return Ok((segments.start(1)?, cut));
    };
    let (end, torn) = find_end(segments, last)?;
    Ok((end, cut + torn))
}

/// Makes the segments of these numbers known: all that there are.
pub(crate) fn make_known(segments: &Segments, numbers: &[u32]) -> Result<(), StoreFault> {
    for (number, expected) in numbers.iter().zip(1..) {
        if *number != expected {
            let help =
                "the segment is missing, and what follows it cannot be trusted; restore it from a backup";
            return Err(corrupt(&segments.path(expected), 0, help));
        }
        let (header, file) = read_header(segments, *number)?;
        segments.add(*number, header, file);
    }
    Ok(())
}

/// The length of segment `number` if its creation was never finished.
pub(crate) fn unfinished(segments: &Segments, number: u32) -> Result<Option<u64>, StoreFault> {
    let path = segments.path(number);
    let file = segments.disk().open(&path).map_err(|error| io_fault("open", &path, &error))?;
    let length = file.length().map_err(|error| io_fault("measure", &path, &error))?;
    if length > HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER_BYTES];
    let whole = length == HEADER_BYTES as u64;
    if whole {
        file.read_exact_at(&mut bytes, 0).map_err(|error| io_fault("read", &path, &error))?;
    }
    Ok((!whole || Header::decode(&bytes).is_none()).then_some(length))
}

fn read_header(segments: &Segments, number: u32) -> Result<(Header, Arc<dyn DiskFile>), StoreFault> {
    let path = segments.path(number);
    let file = segments.disk().open(&path).map_err(|error| io_fault("open", &path, &error))?;
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(&mut bytes, 0).map_err(|error| io_fault("read", &path, &error))?;
    let help = "the segment's header is not what was written; restore the file from a backup";
    let header = Header::decode(&bytes).ok_or_else(|| corrupt(&path, 0, help))?;
    Ok((header, file))
}

/// Reads the last segment, and cuts off a torn end.
///
/// A bad record with a whole one behind it is damage and not a torn end: the log is refused, so
/// that nothing acknowledged is dropped in silence.
fn find_end(segments: &Segments, last: u32) -> Result<(End, u64), StoreFault> {
    let path = segments.path(last);
    let file = segments.file(last)?;
    let length = file.length().map_err(|error| io_fault("measure", &path, &error))?;
    let mut records = segments.records(segments.start(last)?, length)?;
    let broken = loop {
        match records.next_or_broken() {
            Ok(Some(_)) => {}
            Ok(None) => {
                make_certain(segments, &*file).map_err(|error| io_fault("sync", &path, &error))?;
                return Ok((records.at, 0));
            }
            Err(broken) => break broken,
        }
    };
    let end = records.at;
    match broken {
        Broken::Unreadable(fault) => return Err(fault),
        Broken::Misplaced => {
            return Err(corrupt(
                &path,
                end.offset,
                "the record is not the next one; restore the file from a backup",
            ));
        }
        Broken::Torn => {}
    }
    if records.anything_after()? {
        let help = "a record is not what was written, and whole records follow it; nothing was changed: copy the \
                    folder, then restore the file from a backup";
        return Err(corrupt(&path, end.offset, help));
    }
    let torn = length - end.offset;
    tracing::warn!(path = %path.display(), offset = end.offset, bytes = torn, "cutting off a torn end of the log");
    file.set_len(end.offset)
        .and_then(|()| make_certain(segments, &*file))
        .map_err(|error| io_fault("cut", &path, &error))?;
    Ok((end, torn))
}

/// Syncs the end of the log as it is found, and the names of the segments: a host that was killed between write and sync
/// left them in the machine's memory alone, and what follows must rest on something certain.
fn make_certain(segments: &Segments, file: &dyn DiskFile) -> io::Result<()> {
    file.sync_all()?;
    segments.disk().sync_folder(segments.folder())
}

/// After a clean stop the log ends where it was said to end, or it has lost something.
fn check_clean(segments: &Segments, state: Option<&State>, end: &End) -> Result<(), StoreFault> {
    match state.and_then(|state| state.clean) {
        Some(clean) if clean != (end.position, end.head) => {
            let message = format!(
                "the log ends at entry {} and ended at entry {} at the last clean stop; restore it from a backup",
                end.position, clean.0
            );
            Err(corrupt(&segments.path(end.segment), end.offset, &message))
        }
        Some(_) | None => Ok(()),
    }
}

/// Why the index cannot be followed.
enum Unusable {
    /// It is to be rebuilt, because of this.
    Index(String),
    /// The log itself is at fault.
    Log(StoreFault),
}

impl From<IndexFault> for Unusable {
    fn from(fault: IndexFault) -> Unusable {
        Unusable::Index(fault.0)
    }
}

/// Opens the index and reads what it does not know yet, if it may be believed: after a clean
/// stop, or if the machine has not stopped since and so the page cache still holds it all.
fn follow(
    folder: &Folder,
    segments: &Segments,
    state: Option<&State>,
    end: &End,
) -> Result<(Index, Hot, u64), Unusable> {
    let unusable = |cause: &str| Err(Unusable::Index(cause.to_owned()));
    let Some(state) = state else { return unusable("nobody says how the folder was left") };
    let boot = this_boot();
    if state.clean.is_none() && (boot.is_empty() || state.boot != boot) {
        return unusable("the machine stopped while the folder was open");
    }
    if !folder.index().is_dir() {
        return unusable("the index folder is missing");
    }
    if folder.index_version().map_err(Unusable::Log)? != Some(INDEX_VERSION) {
        return unusable("the index is of an older format");
    }
    let index = Index::open(&folder.index())?;
    let Some(cursor) = index.cursor()? else { return unusable("the index has no cursor") };
    if state.clean.is_some_and(|clean| clean != (cursor.position, cursor.head)) {
        return unusable("the index is not where it was at the clean stop");
    }
    if cursor.position > end.position || (cursor.segment, cursor.offset) > (end.segment, end.offset) {
        return unusable("the index is ahead of the log");
    }
    if cursor.position == end.position && cursor.head != end.head {
        return unusable("the index is of another log");
    }
    let mut hot = Hot::new(cursor, index.errands()?);
    match catch_up(segments, &index, &mut hot, cursor, end) {
        Ok(()) => Ok((index, hot, cursor.position)),
        Err(fault @ StoreFault::Corrupt { .. }) => Err(Unusable::Log(fault)),
        Err(fault) => Err(Unusable::Index(fault.to_string())),
    }
}
