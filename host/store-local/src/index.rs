//! The index: sled, holding only what can be rebuilt from the log.
//!
//! One tree, so that one batch is atomic. The first byte of a key says what it is:
//!
//! ```text
//! m                                        -> cursor: number position | 32 bytes head |
//!                                             number segment | number offset
//! h <name>                                 -> block: the streams from this name to the next block's
//! l <name>                                 -> block of labels: the pairs from this name to the next block's
//! e <stream> 0 <errand key>                -> moment
//! k <caller key>                           -> place of the record that holds the answer
//! ```
//! A key of its own costs 200 to 330 bytes of sled's file, however small it is, so neighbours stand together in blocks. The
//! name of a block is no longer than it must be to stand between its neighbours; the first one's is empty.
//!
//! A block holds up to [`BLOCK_STREAMS_MAX`] streams in order of their names. It begins with the labels that its
//! streams bear: count | 4 bytes crc32c each. Then each stream: number of bytes that its name begins
//! with as the one before does | bytes rest of the name | number sequence | number position | place of
//! its last record | byte 0 (no row), 1 (the row is in the last record) or 2 and the row's place |
//! count of labels | number of each in the block's list.
//!
//! A block of labels holds pairs in order: 4 bytes crc32c of a label, and the name of a block of streams that bears it. Each
//! is written as: number what is added to the sum before | number of bytes that the name begins with as the one before
//! does | bytes rest of the name.
//!
//! Two labels may share a sum, so whoever finds a stream by its labels looks at its row. The file `FORMAT` beside
//! sled's own files bears [`INDEX_VERSION`]: an older index is built again.
//!
//! sled 0.34.7 needs guarding (see the decision record 0002): its `flush` does not reach stable
//! storage, so its `db` file is synced by us before a cursor is trusted; a left-over
//! `snap.*.generating` keeps it from opening, so that is removed; and it may report corruption, or
//! panic, on any call, so every call goes through [`guarded`] and any such answer means: move the
//! folder aside and build it again.

use crate::block::{Block, Known, label_sum};
use crate::disk;
use crate::fault::INDEX_VERSION;
use crate::hot::{Head, Overlay};
use crate::labels::Labels;
use crate::record::digest;
use crate::segment::End;
use crate::wire::{Place, Reader, put_moment, put_number, put_place};
use countersign_engine::errands::{ErrandName, Errands};
use countersign_engine::port::store::{Query, RowChange, StreamName};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// How much of the index sled may keep in memory.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Most streams of one block: its value stays below 4 KiB, above which sled is slow.
pub(crate) const BLOCK_STREAMS_MAX: usize = 32;
/// Most streams that go into one sled batch: a batch is held in memory twice.
const BATCH_STREAMS_MAX: usize = 1024;
/// Name of the file with the format version.
pub(crate) const FORMAT_FILE: &str = "FORMAT";

const CURSOR: &[u8] = b"m";
pub(crate) const BLOCK: u8 = b'h';
pub(crate) const LABEL: u8 = b'l';
const ERRAND: u8 = b'e';
const CALLER_KEY: u8 = b'k';
/// Greater than every byte of a stream name.
const AFTER_NAMES: u8 = 0x7f;

/// Why the index cannot be used any more. It is rebuilt; nobody else sees this.
#[derive(Debug, Clone)]
pub(crate) struct IndexFault(pub(crate) String);

impl From<sled::Error> for IndexFault {
    fn from(error: sled::Error) -> IndexFault {
        IndexFault(error.to_string())
    }
}

impl From<io::Error> for IndexFault {
    fn from(error: io::Error) -> IndexFault {
        IndexFault(error.to_string())
    }
}

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    db: sled::Db,
    file: File,
    /// Held by a search too, which reads a block after its labels: streams must not move to another one in between.
    writing: RwLock<()>,
}

/// Calls sled, and takes a panic inside it for the fault that it is.
fn guarded<T>(call: impl FnOnce() -> Result<T, IndexFault>) -> Result<T, IndexFault> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(IndexFault(format!("sled panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))))
    })
}

impl Index {
    /// Opens the index of `folder`, which is created if it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Index, IndexFault> {
        disk::create_folder(folder)?;
        disk::replace(&folder.join(FORMAT_FILE), INDEX_VERSION.to_string().as_bytes())?;
        remove_snapshots(folder, ".generating")?;
        guarded(|| open_sled(folder)).or_else(|first| {
            tracing::warn!(cause = %first.0, "the index does not open; trying without its snapshot");
            remove_snapshots(folder, "")?;
            guarded(|| open_sled(folder))
        })
    }

    /// How far the index has come; `None` if nothing was ever written to it.
    pub(crate) fn cursor(&self) -> Result<Option<End>, IndexFault> {
        let Some(value) = guarded(|| Ok(self.db.get(CURSOR)?))? else { return Ok(None) };
        let mut reader = Reader(&value);
        let read = |reader: &mut Reader<'_>| {
            let (position, head) = (reader.number()?, digest(reader)?);
            let segment = u32::try_from(reader.number()?).ok()?;
            Some(End { position, head, segment, offset: reader.number()? })
        };
        Ok(Some(read(&mut reader).ok_or_else(|| unreadable("cursor"))?))
    }

    /// Where `stream` is.
    pub(crate) fn head(&self, stream: &str) -> Result<Option<Head>, IndexFault> {
        guarded(|| match self.db.get_lt(key(BLOCK, &[stream.as_bytes(), &[0]]))? {
            Some((key, value)) if key.starts_with(&[BLOCK]) => Block::head_in(&value, stream),
            Some(_) | None => Ok(None),
        })
    }

    /// The record that holds the answer to a caller's key.
    pub(crate) fn caller_key(&self, caller_key: &str) -> Result<Option<Place>, IndexFault> {
        let Some(value) = guarded(|| Ok(self.db.get(key(CALLER_KEY, &[caller_key.as_bytes()]))?))? else {
            return Ok(None);
        };
        Reader(&value).place().ok_or_else(|| unreadable("caller key"))
    }

    /// All open errands.
    pub(crate) fn errands(&self) -> Result<Errands, IndexFault> {
        let mut errands = Errands::default();
        guarded(|| {
            let mut last: Option<StreamName> = None;
            for pair in self.db.scan_prefix([ERRAND]) {
                let (key, value) = pair?;
                let (stream, name) = split_errand(&key).ok_or_else(|| unreadable("errand"))?;
                let due = Reader(&value).moment().ok_or_else(|| unreadable("errand"))?;
                let stream = match last.take() {
                    Some(last) if &*last == stream => last,
                    Some(_) | None => Arc::from(stream),
                };
                errands.put((Arc::clone(&stream), Arc::from(name)), Some(due));
                last = Some(stream);
            }
            Ok(())
        })?;
        Ok(errands)
    }

    /// The greatest name of a stream below `below` whose row may bear all labels of `query`. Looks
    /// only into blocks that bear them all, so it costs what the rarest label costs.
    pub(crate) fn next_below(
        &self,
        query: &Query,
        below: Option<&str>,
    ) -> Result<Option<StreamName>, IndexFault> {
        let labels: Vec<u32> = query.labels.iter().map(|(name, value)| label_sum(name, value)).collect();
        guarded(|| {
            let _unchanged = self.writing.read().unwrap_or_else(PoisonError::into_inner);
            // Names of blocks are sought below this bound, byte by byte. A block of the name
            // `below` itself holds nothing below it.
            let mut bound = below.map_or_else(|| vec![AFTER_NAMES], |name| name.as_bytes().to_vec());
            while let Some(name) = self.block_below(&labels, bound)? {
                let value = self.db.get(key(BLOCK, &[&name]))?.ok_or_else(|| unreadable("block"))?;
                let block = Block::read(name, &value)?;
                let bears = |known: &&Known| {
                    below.is_none_or(|below| &*known.stream < below)
                        && known.head.row.is_some()
                        && labels.iter().all(|label| known.labels.contains(label))
                };
                if let Some(known) = block.streams.iter().rev().find(bears) {
                    return Ok(Some(Arc::clone(&known.stream)));
                }
                bound = block.name;
            }
            Ok(None)
        })
    }

    /// The greatest name of a block below `bound` that bears all of `labels`.
    fn block_below(&self, labels: &[u32], mut bound: Vec<u8>) -> Result<Option<Vec<u8>>, IndexFault> {
        if labels.is_empty() {
            let found = self.db.get_lt(key(BLOCK, &[&bound]))?;
            return Ok(found.and_then(|(key, _)| key.strip_prefix(&[BLOCK]).map(<[u8]>::to_vec)));
        }
        let mut found: Option<Vec<u8>> = None;
        let mut agreed = 0;
        for label in labels.iter().cycle() {
            let Some(name) = self.bearer_below(*label, &bound)? else { return Ok(None) };
            if found.as_ref() == Some(&name) {
                agreed += 1;
            } else {
                agreed = 1;
                // From here on the found name itself is still allowed.
                bound = [&name, &[0][..]].concat();
                found = Some(name);
            }
            if agreed == labels.len() {
                break;
            }
        }
        Ok(found)
    }

    /// The greatest name of a block below `bound` that bears `label`.
    fn bearer_below(&self, label: u32, bound: &[u8]) -> Result<Option<Vec<u8>>, IndexFault> {
        let first = label.to_be_bytes();
        let mut below = key(LABEL, &[&first, bound]);
        while let Some((key, value)) = self.db.get_lt(&below)? {
            let Some(name) = key.strip_prefix(&[LABEL]) else { break };
            if let Some(bearer) = Labels::below_in(&value, label, bound)? {
                return Ok(Some(bearer));
            }
            // It may have lost all that stood below the bound; the one before it may not.
            if name <= &first[..] {
                break;
            }
            below = key.to_vec();
        }
        Ok(None)
    }

    /// The block of this kind in which `name` stands, or would stand: its own name, and its value.
    fn block_at(&self, kind: u8, name: &[u8]) -> Result<Option<(Vec<u8>, sled::IVec)>, IndexFault> {
        let found = self.db.get_lt(key(kind, &[name, &[0]]))?;
        Ok(found.and_then(|(key, value)| Some((key.strip_prefix(&[kind])?.to_vec(), value))))
    }

    /// The name of the block of this kind after the one that is called `name`.
    fn block_after(&self, kind: u8, name: &[u8]) -> Result<Option<Vec<u8>>, IndexFault> {
        let next = self.db.get_gt(key(kind, &[name]))?;
        Ok(next.and_then(|(key, _)| key.strip_prefix(&[kind]).map(<[u8]>::to_vec)))
    }

    /// Writes an overlay, then makes it durable. `row_at` reads the row that a record holds of a
    /// stream. `force` writes every errand, also those that stand where they stood.
    ///
    /// If the process stops in here, the cursor is where it was and the log is replayed from
    /// there; what is in the index already is written again with the same outcome.
    pub(crate) fn write(
        &self,
        overlay: &Overlay,
        force: bool,
        mut row_at: impl FnMut(&str, Place) -> Result<Option<RowChange>, IndexFault>,
    ) -> Result<(), IndexFault> {
        guarded(|| {
            let mut batch = sled::Batch::default();
            let mut labels = BTreeMap::new();
            let mut streams = overlay.streams.iter().peekable();
            let mut count = 0;
            while let Some((first, _)) = streams.peek() {
                let mut block = match self.block_at(BLOCK, first.as_bytes())? {
                    Some((name, value)) => Block::read(name, &value)?,
                    None => Block::default(),
                };
                let before = block.labels();
                let after = self.block_after(BLOCK, &block.name)?;
                let here = |name: &str| after.as_deref().is_none_or(|after| name.as_bytes() < after);
                while let Some((stream, live)) = streams.next_if(|(stream, _)| here(stream)) {
                    block.put(stream, live, &mut row_at)?;
                    count += 1;
                }
                block.write(&before, &mut labels, &mut batch);
                if count >= BATCH_STREAMS_MAX {
                    self.put_labels(std::mem::take(&mut labels), &mut batch)?;
                    self.apply(std::mem::take(&mut batch))?;
                    count = 0;
                }
            }
            self.put_labels(labels, &mut batch)?;
            for (name, moved) in &overlay.errands {
                if force || moved.before != moved.after {
                    put_errand(&mut batch, name, moved.after);
                }
            }
            for (caller_key, place) in &overlay.caller_keys {
                let mut value = Vec::new();
                put_place(&mut value, Some(*place));
                batch.insert(key(CALLER_KEY, &[caller_key.as_bytes()]), value);
            }
            batch.insert(CURSOR, cursor_value(&overlay.end));
            self.apply(batch)?;
            self.sync()
        })
    }

    /// Takes in which blocks bear a label now, and which no more. In one batch with those blocks, which say themselves
    /// what they bore before.
    fn put_labels(
        &self,
        changes: BTreeMap<Vec<u8>, bool>,
        batch: &mut sled::Batch,
    ) -> Result<(), IndexFault> {
        let mut changes = changes.into_iter().peekable();
        while let Some((first, _)) = changes.peek() {
            let mut block = match self.block_at(LABEL, first)? {
                Some((name, value)) => Labels::read(name, &value)?,
                None => Labels::default(),
            };
            let after = self.block_after(LABEL, &block.name)?;
            let here = |borne: &Vec<u8>| after.as_ref().is_none_or(|after| borne < after);
            while let Some((borne, is_so)) = changes.next_if(|(borne, _)| here(borne)) {
                block.put(borne, is_so);
            }
            block.write(batch);
        }
        Ok(())
    }

    fn apply(&self, batch: sled::Batch) -> Result<(), IndexFault> {
        let _alone = self.writing.write().unwrap_or_else(PoisonError::into_inner);
        Ok(self.db.apply_batch(batch)?)
    }

    /// Makes durable what was written: sled's own `flush` does not.
    fn sync(&self) -> Result<(), IndexFault> {
        self.db.flush()?;
        Ok(self.file.sync_data()?)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }
}

fn open_sled(folder: &Path) -> Result<Index, IndexFault> {
    let db = sled::Config::new()
        .path(folder)
        .flush_every_ms(None)
        .cache_capacity(CACHE_BYTES)
        .mode(sled::Mode::LowSpace)
        .open()?;
    let file = File::open(folder.join("db"))?;
    Ok(Index { db, file, writing: RwLock::default() })
}

/// Removes sled's snapshots whose name ends in `suffix`. They only save time at the next open.
fn remove_snapshots(folder: &Path, suffix: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("snap.") && name.ends_with(suffix) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Moves a broken index aside, where somebody may look at it, and drops the one moved before.
pub(crate) fn move_aside(folder: &Path) -> io::Result<PathBuf> {
    let aside = folder.with_extension("broken");
    match std::fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    match std::fs::rename(folder, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(aside),
    }
}

pub(crate) fn unreadable(what: &str) -> IndexFault {
    IndexFault(format!("a {what} in the index does not read"))
}

pub(crate) fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn cursor_value(end: &End) -> Vec<u8> {
    let mut value = Vec::with_capacity(64);
    put_number(&mut value, end.position);
    value.extend_from_slice(&end.head.0);
    put_number(&mut value, u64::from(end.segment));
    put_number(&mut value, end.offset);
    value
}

fn split_errand(key: &[u8]) -> Option<(&str, &str)> {
    let name = std::str::from_utf8(key.get(1..)?).ok()?;
    name.split_once('\0')
}

fn put_errand(
    batch: &mut sled::Batch,
    (stream, name): &ErrandName,
    due: Option<countersign_core::time::Timestamp>,
) {
    let key = key(ERRAND, &[stream.as_bytes(), &[0], name.as_bytes()]);
    match due {
        None => batch.remove(key),
        Some(due) => {
            let mut value = Vec::new();
            put_moment(&mut value, due);
            batch.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hot::Live;
    use countersign_core::hash::Digest;
    use countersign_engine::port::clock::Chance as _;
    use countersign_engine::simulated::SeededChance;

    type Labels = Vec<(String, String)>;

    const START: End = End { position: 0, head: Digest::ZERO, segment: 1, offset: 64 };

    fn label(name: &str, value: impl ToString) -> (String, String) {
        (name.to_owned(), value.to_string())
    }

    fn written<'a>(index: &Index, rows: impl IntoIterator<Item = (&'a String, &'a Option<Labels>)>) {
        let last = Place { segment: 1, offset: 5_000_000, length: 380 };
        let mut overlay = Overlay::new(START);
        for (name, labels) in rows {
            let row = labels.clone().map(|labels| RowChange { labels, summary: Arc::from(&b""[..]) });
            let head = Head { sequence: 6, position: 20_000, last, row: row.as_ref().map(|_| last) };
            overlay.streams.insert(Arc::from(name.as_str()), Live { head, row });
        }
        index.write(&overlay, false, |_, _| Ok(None)).expect("it is written");
    }

    fn found(index: &Index, labels: &BTreeMap<String, String>) -> Vec<String> {
        let query = Query { labels: labels.clone(), ..Query::default() };
        let mut found: Vec<String> = Vec::new();
        while let Some(name) =
            index.next_below(&query, found.last().map(String::as_str)).expect("it is answered")
        {
            found.push(name.to_string());
        }
        found
    }

    #[test]
    fn all_that_bear_the_labels_are_found_in_order_however_they_came_to_bear_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut index = Index::open(folder.path()).expect("it opens");
        let chance = SeededChance::new(4);
        let one_of = |count: u128| chance.bits() % count;
        let mut rows: BTreeMap<String, Option<Labels>> = BTreeMap::new();
        for round in 0..20 {
            // Few names, so that most rounds change streams that stand there, in each block and between them.
            let mut changed = BTreeMap::new();
            for _ in 0..one_of(200) {
                let labels = (one_of(12) != 0).then(|| {
                    let state = if one_of(40) == 0 { "open" } else { ["done", "late"][round % 2] };
                    let many = [label("state", state), label("owner", one_of(4))];
                    let rare = (0..one_of(3)).map(|_| label("record", one_of(1_000)));
                    many.into_iter().chain(rare).collect()
                });
                changed.insert(format!("int_{}", one_of(600)), labels);
            }
            written(&index, &changed);
            rows.append(&mut changed);
            if round % 7 == 6 {
                drop(index);
                index = Index::open(folder.path()).expect("it opens again");
            }
            let any = |name: &str, count| label(name, one_of(count));
            let states = ["open", "done", "late"].map(|state| vec![label("state", state)]);
            let owners = states.clone().map(|state| [state, vec![any("owner", 4)]].concat());
            let records = (0..30).map(|_| vec![any("record", 1_000)]);
            let borne =
                rows.values().flatten().take(30).flat_map(|labels| [labels.clone(), labels[2..].to_vec()]);
            let queries = states.into_iter().chain(owners).chain(records).chain(borne).chain([Vec::new()]);
            for query in queries.map(BTreeMap::from_iter) {
                let bears =
                    |labels: &Labels| query.iter().all(|(name, value)| labels.contains(&label(name, value)));
                let expected = rows.iter().rev().filter(|(_, labels)| labels.as_ref().is_some_and(bears));
                let expected: Vec<String> = expected.map(|(name, _)| name.clone()).collect();
                assert_eq!(found(&index, &query), expected, "round {round}: {query:?}");
            }
        }
        rows.values_mut().for_each(|labels| *labels = None);
        written(&index, &rows);
        assert_eq!(index.db.scan_prefix([LABEL]).count(), 0, "a label that nobody bears any more is kept");
    }

    #[test]
    fn nothing_is_left_out_while_blocks_are_divided() {
        let name = |number: usize| format!("int_{number:06}");
        let old: BTreeMap<String, Option<Labels>> =
            (0..900).map(|number| (name(number * 100), Some(vec![label("state", "done")]))).collect();
        let query = BTreeMap::from([label("state", "done")]);
        for _ in 0..4 {
            let folder = tempfile::tempdir().expect("a folder");
            let index = Index::open(folder.path()).expect("it opens");
            written(&index, &old);
            std::thread::scope(|scope| {
                let (index, old, query) = (&index, &old, &query);
                let writer = Arc::new(scope.spawn(move || {
                    for round in 0..6 {
                        // Some between each two that stand there, so that every block grows and is divided.
                        let between = (0..8).map(|step| round * 8 + step + 1);
                        let rows = between.flat_map(|more| (0..900).map(move |number| number * 100 + more));
                        written(index, &rows.map(|number| (name(number), None)).collect::<BTreeMap<_, _>>());
                    }
                }));
                // Each of them comes between two blocks at moments of its own.
                for writer in [Arc::clone(&writer), Arc::clone(&writer), writer] {
                    scope.spawn(move || {
                        while !writer.is_finished() {
                            let found = found(index, query);
                            assert!(found.iter().rev().eq(old.keys()), "{} of {}", found.len(), old.len());
                        }
                    });
                }
            });
        }
    }

    #[test]
    fn labels_that_one_stream_alone_bears_cost_few_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let index = Index::open(folder.path()).expect("it opens");
        let streams: Vec<(String, Option<Labels>)> = (0..8_000)
            .map(|number| {
                let records = [label("record", number), label("record", number + 8_000)];
                (
                    format!("int_01m8byjj5{number:018}"),
                    Some([&records[..], &[label("state", "done")]].concat()),
                )
            })
            .collect();
        for flush in streams.chunks(2_000) {
            written(&index, flush.iter().map(|(name, labels)| (name, labels)));
        }
        for number in [0, 1_023, 1_999, 7_999] {
            let names = found(&index, &BTreeMap::from([label("record", number)]));
            assert_eq!(names, [streams[number].0.as_str()]);
        }
        let each = index.bytes() / streams.len() as u64;
        assert!(each < 300, "{each}");
    }
}
