//! Segments: the files that hold the log, and how they are read.
//!
//! ```text
//! log/0000000001.cslog
//!   header   8 bytes `CSIGNLOG` | u32 LE format version | u64 LE epoch | u64 LE first position
//!            32 bytes head of the chain before the first record | u32 LE crc32c of these 60 bytes
//!   records  frame after frame, nothing between them (see `record`)
//! ```
//! Segments are numbered from 1 without a gap. Only the last one grows; it is closed once it has
//! reached its size. A header is durable, and so is its name, before a record follows it.

use crate::disk::{Disk, DiskFile};
use crate::fault::{FORMAT_VERSION, corrupt, io_fault};
use crate::record::{FRAME_HEADER_BYTES, Record, frame_length, payload};
use crate::wire::Place;
use countersign_core::hash::Digest;
use countersign_engine::port::store::{RowChange, StoreFault};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Length of a segment's header.
pub(crate) const HEADER_BYTES: usize = 64;
/// Most segments that are kept open for reading: well below the usual 1,024 descriptors.
const OPEN_SEGMENTS_MAX: usize = 64;
/// How much is read at once when a segment is read from front to back.
const READ_BYTES: usize = 1024 * 1024;

const MAGIC: &[u8; 8] = b"CSIGNLOG";

/// A point in the log between two records, and what lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// Entries before it.
    pub(crate) position: u64,
    /// Head of the chain there.
    pub(crate) head: Digest,
    /// The segment that it lies in.
    pub(crate) segment: u32,
    /// Where in the segment.
    pub(crate) offset: u64,
}

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) epoch: u64,
    /// Position of the first entry that will stand in the segment.
    pub(crate) first: u64,
    /// Head of the chain before it.
    pub(crate) head: Digest,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.head.0);
        let sum = crc32c::crc32c(&out).to_le_bytes();
        out.extend_from_slice(&sum);
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&out);
        header
    }

    /// Reads a header; `None` if it is broken. The version is looked at first, by
    /// [`version_of`], because another version may lay out the rest in another way.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let (summed, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(summed) != u32::from_le_bytes(*sum) || !summed.starts_with(MAGIC) {
            return None;
        }
        let (epoch, rest) = summed.get(12..)?.split_first_chunk::<8>()?;
        let (first, head) = rest.split_first_chunk::<8>()?;
        Some(Header {
            epoch: u64::from_le_bytes(*epoch),
            first: u64::from_le_bytes(*first),
            head: Digest(head.try_into().ok()?),
        })
    }
}

/// The format version that the first bytes of a segment claim, if they are those of a segment.
pub(crate) fn version_of(bytes: &[u8; HEADER_BYTES]) -> Option<u32> {
    let version = bytes.strip_prefix(MAGIC)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*version))
}

/// The segments of a log folder.
#[derive(Debug)]
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    known: Mutex<BTreeMap<u32, Known>>,
}

/// A segment, and its file if it is open.
#[derive(Debug)]
struct Known {
    header: Header,
    file: Option<Arc<dyn DiskFile>>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: PathBuf) -> Segments {
        Segments { disk, folder, known: Mutex::default() }
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:010}.cslog"))
    }

    /// Numbers of the segments that stand in the folder, in order.
    pub(crate) fn numbers(&self) -> Result<Vec<u32>, StoreFault> {
        let names = self.disk.list(&self.folder).map_err(|error| io_fault("list", &self.folder, &error))?;
        let number = |name: &String| name.strip_suffix(".cslog")?.parse::<u32>().ok();
        let mut numbers: Vec<u32> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Creates a segment. Durable with its name on return; if that fails, nothing of it is left.
    pub(crate) fn create(&self, number: u32, header: Header) -> Result<Arc<dyn DiskFile>, StoreFault> {
        let path = self.path(number);
        let file = self.disk.create(&path).map_err(|error| io_fault("create", &path, &error))?;
        let written = file.write_all_at(&header.encode(), 0);
        let durable =
            written.and_then(|()| file.sync_all()).and_then(|()| self.disk.sync_folder(&self.folder));
        match durable {
            Ok(()) => Ok(file),
            Err(error) => {
                let fault = io_fault("write", &path, &error);
                self.disk.remove(&path).map_err(|error| io_fault("remove", &path, &error))?;
                Err(fault)
            }
        }
    }

    /// Makes a segment known to readers.
    pub(crate) fn add(&self, number: u32, header: Header, file: Arc<dyn DiskFile>) {
        let mut known = self.known();
        known.insert(number, Known { header, file: Some(file) });
        close_oldest(&mut known);
    }

    /// The header of a known segment.
    pub(crate) fn header(&self, number: u32) -> Option<Header> {
        self.known().get(&number).map(|known| known.header)
    }

    /// Number of the last known segment.
    pub(crate) fn last(&self) -> Option<u32> {
        self.known().last_key_value().map(|(number, _)| *number)
    }

    /// The segment in which the entry at `position` stands, if it stands in any.
    pub(crate) fn holding(&self, position: u64) -> Option<(u32, Header)> {
        let known = self.known();
        let (number, segment) = known.iter().rev().find(|(_, segment)| segment.header.first <= position)?;
        Some((*number, segment.header))
    }

    pub(crate) fn file(&self, number: u32) -> Result<Arc<dyn DiskFile>, StoreFault> {
        let mut known = self.known();
        let Some(segment) = known.get_mut(&number) else {
            return Err(corrupt(&self.path(number), 0, "the segment is missing; restore it from a backup"));
        };
        if let Some(file) = &segment.file {
            return Ok(Arc::clone(file));
        }
        let path = self.path(number);
        let file = self.disk.open(&path).map_err(|error| io_fault("open", &path, &error))?;
        segment.file = Some(Arc::clone(&file));
        close_oldest(&mut known);
        Ok(file)
    }

    /// Reads one record.
    pub(crate) fn read(&self, place: Place) -> Result<Record, StoreFault> {
        let file = self.file(place.segment)?;
        let mut frame = vec![0; place.length as usize];
        let path = self.path(place.segment);
        file.read_exact_at(&mut frame, u64::from(place.offset))
            .map_err(|error| io_fault("read", &path, &error))?;
        payload(&frame).and_then(Record::decode).ok_or_else(|| {
            let help = "the record is not what was written; stop the host and restore the file from a backup";
            corrupt(&path, u64::from(place.offset), help)
        })
    }

    /// The row that the record at `place` holds of `stream`.
    pub(crate) fn row_at(&self, stream: &str, place: Place) -> Result<Option<RowChange>, StoreFault> {
        let record = self.read(place)?;
        let part = record.parts.into_iter().find(|part| &*part.append.stream == stream);
        Ok(part.and_then(|part| part.append.row))
    }

    /// The records of one segment from `from`, up to `until` bytes of the file.
    pub(crate) fn records(&self, from: End, until: u64) -> Result<Records, StoreFault> {
        let file = self.file(from.segment)?;
        let path = self.path(from.segment);
        Ok(Records { file, path, at: from, until, window: Vec::new(), window_at: from.offset })
    }

    /// Where the records of a segment begin.
    pub(crate) fn start(&self, number: u32) -> Result<End, StoreFault> {
        let header = self.header(number).ok_or_else(|| {
            corrupt(&self.path(number), 0, "the segment is missing; restore it from a backup")
        })?;
        let (position, head) = (header.first.saturating_sub(1), header.head);
        Ok(End { position, head, segment: number, offset: HEADER_BYTES as u64 })
    }

    /// How many bytes of segment `number` belong to the log whose end is `end`.
    pub(crate) fn extent(&self, number: u32, end: &End) -> Result<u64, StoreFault> {
        if number == end.segment {
            return Ok(end.offset);
        }
        let path = self.path(number);
        self.file(number)?.length().map_err(|error| io_fault("measure", &path, &error))
    }

    /// Shows every record from `from` to `end` to `visit`, over all segments between them.
    pub(crate) fn replay(
        &self,
        from: End,
        end: &End,
        mut visit: impl FnMut(Record, Place, End) -> Result<(), StoreFault>,
    ) -> Result<(), StoreFault> {
        let mut at = from;
        loop {
            let mut records = self.records(at, self.extent(at.segment, end)?)?;
            while let Some((record, place)) = records.next()? {
                visit(record, place, records.at)?;
            }
            if at.segment >= end.segment {
                return Ok(());
            }
            let reached = records.at;
            at = self.start(at.segment + 1)?;
            if (at.position, at.head) != (reached.position, reached.head) {
                let help = "the segment does not continue the one before it; restore both from a backup";
                return Err(corrupt(&self.path(at.segment), 0, help));
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u32, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close_oldest(known: &mut BTreeMap<u32, Known>) {
    let open = known.values().filter(|segment| segment.file.is_some()).count();
    if open > OPEN_SEGMENTS_MAX
        && let Some(oldest) = known.values_mut().find(|segment| segment.file.is_some())
    {
        oldest.file = None;
    }
}

/// Reads a segment from front to back.
#[derive(Debug)]
pub(crate) struct Records {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Where the next record begins.
    pub(crate) at: End,
    until: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The frame is cut short or its sum is wrong: a write that was torn looks like this.
    Torn,
    /// The frame is whole, yet it does not belong here.
    Misplaced,
    /// The file could not be read.
    Unreadable(StoreFault),
}

impl Records {
    /// The next record and its place; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(Record, Place)>, StoreFault> {
        self.next_or_broken().map_err(|broken| {
            let help = match broken {
                Broken::Unreadable(fault) => return fault,
                Broken::Torn => "the record is not what was written; restore the file from a backup",
                Broken::Misplaced => "the record is not the next one; restore the file from a backup",
            };
            corrupt(&self.path, self.at.offset, help)
        })
    }

    pub(crate) fn next_or_broken(&mut self) -> Result<Option<(Record, Place)>, Broken> {
        if self.at.offset >= self.until {
            return Ok(None);
        }
        let header = self.window(FRAME_HEADER_BYTES)?;
        let length = header.first_chunk::<4>().and_then(|bytes| frame_length(*bytes)).ok_or(Broken::Torn)?;
        let payload = payload(self.window(length)?).ok_or(Broken::Torn)?;
        let record = Record::decode(payload).ok_or(Broken::Misplaced)?;
        let offset = u32::try_from(self.at.offset).map_err(|_| Broken::Misplaced)?;
        let place = Place { segment: self.at.segment, offset, length: length as u32 };
        if record.first != self.at.position + 1 {
            return Err(Broken::Misplaced);
        }
        self.at.position += record.entries();
        self.at.head = record.head;
        self.at.offset += length as u64;
        Ok(Some((record, place)))
    }

    /// The next `count` bytes.
    fn window(&mut self, count: usize) -> Result<&[u8], Broken> {
        let left = self.until - self.at.offset;
        if left < count as u64 {
            return Err(Broken::Torn);
        }
        let skip = (self.at.offset - self.window_at) as usize;
        if self.window.len() < skip + count {
            self.window.drain(..skip.min(self.window.len()));
            self.window_at = self.at.offset;
            let have = self.window.len();
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(count.max(READ_BYTES));
            self.window.resize(want.max(have), 0);
            let fresh = self.window.get_mut(have..).unwrap_or_default();
            self.file
                .read_exact_at(fresh, self.window_at + have as u64)
                .map_err(|error| Broken::Unreadable(io_fault("read", &self.path, &error)))?;
        }
        let skip = (self.at.offset - self.window_at) as usize;
        self.window.get(skip..skip + count).ok_or(Broken::Torn)
    }

    /// Whether a whole record stands anywhere after the point where reading stopped.
    ///
    /// A sum that stops at the first bad record takes damage in the middle for a torn end, and
    /// would silently drop what was acknowledged; hence this look at every byte.
    pub(crate) fn anything_after(&self) -> Result<bool, StoreFault> {
        let length = usize::try_from(self.until - self.at.offset).unwrap_or(usize::MAX);
        let mut rest = vec![0; length];
        self.file
            .read_exact_at(&mut rest, self.at.offset)
            .map_err(|error| io_fault("read", &self.path, &error))?;
        let whole_at = |start: usize| {
            let bytes = rest.get(start..)?;
            let length = frame_length(*bytes.first_chunk::<4>()?)?;
            // One of the same write as the bad one proves nothing: neither was synced.
            let later = |record: &Record| record.behind < start as u64;
            payload(bytes.get(..length)?).and_then(Record::decode).filter(later)
        };
        Ok((1..rest.len()).any(|start| whole_at(start).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_shows_every_flipped_bit() {
        let header = Header { epoch: 3, first: 8, head: Digest::of(b"x") };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        assert_eq!(version_of(&bytes), Some(FORMAT_VERSION));
        for bit in 0..HEADER_BYTES * 8 {
            let mut broken = bytes;
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&broken), None);
        }
    }
}
