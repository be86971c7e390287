//! Power cuts: a medium that keeps for certain only what was synced, and of the rest any part, sector by sector; and hosts
//! that are killed while the machine goes on. What was acknowledged is there afterwards, whatever became of what was not.
//!
//! | variable | means | unless set |
//! |---|---|---|
//! | `POWER_CUTS` | how many cuts | 200 |
//! | `POWER_SEED` | the first seed; each history has [`CUTS`] cuts | 0 |

use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Chance as _;
use countersign_engine::port::store::{
    Append, Batch, CallerKey, ErrandChange, Position, Query, RowChange, Store, StoreFault,
};
use countersign_engine::simulated::SeededChance;
use countersign_store_local::disk::{Disk, DiskFile};
use countersign_store_local::{LocalStore, Options};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Cuts of one history, one after the other.
const CUTS: u64 = 5;
/// Bytes that a disk writes as a whole, or not at all.
const SECTOR: usize = 512;
/// Callers that append at one time.
const CALLERS: u64 = 6;

/// A number below `end`.
fn below(chance: &SeededChance, end: u64) -> u64 {
    u64::try_from(chance.bits() % u128::from(end.max(1))).expect("it is below")
}

/// What a file holds, and what of that is certain.
#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(new);
}

impl Content {
    fn change(&mut self, change: Change) {
        match &change {
            Change::Write(offset, new) => put(&mut self.now, *offset, new),
            Change::Length(length) => self.now.resize(*length, 0),
        }
        self.since.push(change);
    }

    fn sync(&mut self) {
        self.synced.clone_from(&self.now);
        self.since.clear();
    }

    /// What is there after the cut: of what was not synced nothing, all, or any sectors.
    fn survives(&self, chance: &SeededChance) -> Vec<u8> {
        let of = match below(chance, 3) {
            0 => return self.synced.clone(),
            1 => return self.now.clone(),
            _ => 1 + below(chance, 9),
        };
        let mut bytes = self.synced.clone();
        for change in &self.since {
            match change {
                Change::Length(length) if below(chance, 10) < of => bytes.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write(offset, new) => {
                    let mut at = *offset;
                    let end = offset + new.len();
                    while at < end {
                        let next = ((at / SECTOR + 1) * SECTOR).min(end);
                        if below(chance, 10) < of {
                            put(&mut bytes, at, &new[at - offset..next - offset]);
                        }
                        at = next;
                    }
                }
            }
        }
        bytes
    }
}

/// Everything that segments are kept on.
#[derive(Debug)]
struct Medium {
    files: BTreeMap<PathBuf, Content>,
    /// Names that are certain.
    named: BTreeSet<PathBuf>,
    /// What was removed and may be back.
    removed: BTreeMap<PathBuf, Content>,
    /// Operations until the power goes; never if there is no number.
    left: Option<u64>,
    chance: SeededChance,
}

/// What becomes of the operation at hand.
#[derive(Debug, PartialEq, Eq)]
enum Power {
    On,
    /// It goes in the middle of it.
    Goes,
    Gone,
}

impl Medium {
    fn power(&mut self) -> Power {
        match &mut self.left {
            None => Power::On,
            Some(0) => Power::Gone,
            Some(left) => {
                *left -= 1;
                if *left == 0 { Power::Goes } else { Power::On }
            }
        }
    }

    /// What is there once the power is back.
    fn survives(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let there = |path: &&PathBuf| self.named.contains(*path) || below(&self.chance, 2) == 0;
        let files = self.files.iter().filter(|(path, _)| there(path));
        let back = self.removed.iter().filter(|_| below(&self.chance, 2) == 0);
        back.chain(files).map(|(path, content)| (path.clone(), content.survives(&self.chance))).collect()
    }
}

fn gone() -> io::Error {
    io::Error::other("the power is gone")
}

/// A disk whose power can go.
#[derive(Debug, Clone)]
struct Volatile(Arc<Mutex<Medium>>);

#[derive(Debug)]
struct VolatileFile {
    medium: Arc<Mutex<Medium>>,
    path: PathBuf,
}

impl Volatile {
    /// A disk with these files, all of them certain.
    fn with(files: BTreeMap<PathBuf, Vec<u8>>, left: Option<u64>, seed: u64) -> Volatile {
        let named = files.keys().cloned().collect();
        let certain = |(path, bytes): (PathBuf, Vec<u8>)| {
            (path, Content { now: bytes.clone(), synced: bytes, since: Vec::new() })
        };
        let files = files.into_iter().map(certain).collect();
        let removed = BTreeMap::new();
        let chance = SeededChance::new(seed);
        Volatile(Arc::new(Mutex::new(Medium { files, named, removed, left, chance })))
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, path: &Path) -> Arc<dyn DiskFile> {
        Arc::new(VolatileFile { medium: Arc::clone(&self.0), path: path.to_owned() })
    }
}

impl Disk for Volatile {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut medium = self.medium();
        let power = medium.power();
        if power == Power::Gone || medium.files.contains_key(path) {
            return Err(if power == Power::Gone { gone() } else { io::ErrorKind::AlreadyExists.into() });
        }
        medium.files.insert(path.to_owned(), Content::default());
        drop(medium);
        if power == Power::Goes { Err(gone()) } else { Ok(self.file(path)) }
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let known = self.medium().files.contains_key(path);
        if known { Ok(self.file(path)) } else { Err(io::ErrorKind::NotFound.into()) }
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut medium = self.medium();
        let power = medium.power();
        if power == Power::Gone {
            return Err(gone());
        }
        let content = medium.files.remove(path).ok_or(io::ErrorKind::NotFound)?;
        medium.removed.insert(path.to_owned(), content);
        if power == Power::Goes { Err(gone()) } else { Ok(()) }
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let medium = self.medium();
        let own = medium.files.keys().filter(|path| path.parent() == Some(folder));
        Ok(own.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut medium = self.medium();
        let power = medium.power();
        let done = power == Power::On || (power == Power::Goes && below(&medium.chance, 2) == 0);
        if done {
            let names: Vec<PathBuf> =
                medium.files.keys().filter(|path| path.parent() == Some(folder)).cloned().collect();
            medium.named.retain(|path| path.parent() != Some(folder));
            medium.named.extend(names);
            medium.removed.retain(|path, _| path.parent() != Some(folder));
        }
        if power == Power::On { Ok(()) } else { Err(gone()) }
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX / 2)
    }
}

impl VolatileFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        let power = medium.power();
        if power == Power::Gone {
            return Err(gone());
        }
        medium.files.get_mut(&self.path).ok_or(io::ErrorKind::NotFound)?.change(change);
        if power == Power::Goes { Err(gone()) } else { Ok(()) }
    }

    fn look<T>(&self, at: impl FnOnce(&Content) -> io::Result<T>) -> io::Result<T> {
        let medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        at(medium.files.get(&self.path).ok_or(io::ErrorKind::NotFound)?)
    }
}

impl DiskFile for VolatileFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.look(|content| {
            let from = usize::try_from(offset).expect("it fits");
            let found = content.now.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(found);
            Ok(())
        })
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(Change::Write(usize::try_from(offset).expect("it fits"), bytes.to_vec()))
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        let power = medium.power();
        let done = power == Power::On || (power == Power::Goes && below(&medium.chance, 2) == 0);
        if done {
            medium.files.get_mut(&self.path).ok_or(io::ErrorKind::NotFound)?.sync();
        }
        if power == Power::On { Ok(()) } else { Err(gone()) }
    }
    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(length).expect("it fits")))
    }
    fn length(&self) -> io::Result<u64> {
        self.look(|content| Ok(u64::try_from(content.now.len()).expect("it fits")))
    }
}

/// What was asked of a store, and what it has confirmed.
#[derive(Debug, Default)]
struct Told {
    /// The entries of each stream that were asked for, in order.
    asked: BTreeMap<String, Vec<Arc<[u8]>>>,
    /// How many of them were acknowledged.
    acknowledged: BTreeMap<String, usize>,
    /// Keys of callers that were acknowledged.
    keys: BTreeSet<String>,
    /// Cuts, and among them those of the process alone.
    cuts: u64,
    kills: u64,
    /// Cuts after which something was there that nobody was told of.
    more: u64,
    /// Bytes that were cut off.
    torn: u64,
}

/// The `count`th batch of a stream, of one to three entries of different lengths.
fn batch(stream: &str, count: usize, chance: &SeededChance) -> Batch {
    let entries = (0..=below(chance, 3)).map(|number| {
        // Nothing that can be squeezed: a batch is to lie across sectors.
        let noise: String = (0..below(chance, 20)).map(|_| format!("{:032x}", chance.bits())).collect();
        Arc::from(format!("entry {count}.{number} of {stream} {noise}").as_bytes())
    });
    let labels = vec![("state".to_owned(), if count.is_multiple_of(2) { "even" } else { "odd" }.to_owned())];
    let errands = vec![ErrandChange::Set { key: "sla".into(), due: Timestamp(count as i64) }];
    let append = Append {
        stream: stream.into(),
        expected: u64::try_from(count).expect("it fits"),
        entries: entries.collect(),
        errands,
        row: Some(RowChange { labels, summary: Arc::from(stream.as_bytes()) }),
    };
    let caller_key = CallerKey {
        key: format!("{stream}/{count}").into(),
        fingerprint: Digest::of(stream.as_bytes()),
        answer: Arc::from(stream.as_bytes()),
    };
    Batch { appends: vec![append], caller_key: Some(caller_key) }
}

/// Appends to a stream until the power is gone.
async fn append(store: &LocalStore, stream: &str, from: usize, told: &Mutex<Told>, chance: &SeededChance) {
    let mut count = from;
    loop {
        let batch = batch(stream, count, chance);
        let (entries, key) = (batch.appends[0].entries.clone(), format!("{stream}/{count}"));
        {
            let mut told = told.lock().expect("nobody panics with it");
            told.asked.entry(stream.to_owned()).or_default().extend(entries.iter().cloned());
        }
        count += entries.len();
        // So that several share one write.
        store.expect(usize::try_from(CALLERS).expect("it fits"));
        match store.append(batch).await {
            Ok(_) => {
                let mut told = told.lock().expect("nobody panics with it");
                told.acknowledged.insert(stream.to_owned(), count);
                told.keys.insert(key);
            }
            Err(StoreFault::Lost(_) | StoreFault::Io(_)) => return,
            Err(fault) => panic!("{fault}"),
        }
    }
}

/// The folder once the power is back: what is left of the segments goes on in memory, all else is copied; the index as
/// it was at the end, at the beginning, or not at all.
fn after(before: &Path, old_index: &Path, chance: &SeededChance) -> TempDir {
    let to = tempfile::tempdir().expect("a folder for the test");
    let copy = |from: &Path, name: &str| {
        let Ok(entries) = fs::read_dir(from) else { return };
        fs::create_dir(to.path().join(name)).expect("the folder is created");
        for entry in entries.map(|entry| entry.expect("it lists")).filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), to.path().join(name).join(entry.file_name())).expect("it is copied");
        }
    };
    match below(chance, 4) {
        0 => {}
        1 => copy(old_index, "index"),
        _ => copy(&before.join("index"), "index"),
    }
    // The power may have gone before it said anything.
    if let Ok(state) = fs::read_to_string(before.join("STATE")) {
        let another =
            |line: &str| if line.starts_with("boot") { "boot another".to_owned() } else { line.to_owned() };
        let state = state.lines().map(another).collect::<Vec<_>>().join("\n");
        fs::write(to.path().join("STATE"), state).expect("it is written");
    }
    let lock = before.join("LOCK");
    if lock.exists() && below(chance, 2) == 0 {
        fs::copy(lock, to.path().join("LOCK")).expect("it is copied");
    }
    to
}

/// That a store which was opened after a cut has everything that was acknowledged, and of the rest only what was asked.
async fn holds(store: &LocalStore, told: &mut Told) {
    let verified = store.verify(&|_, _| {}).await.expect("the log is whole");
    let mut there = 0;
    let mut more = false;
    for (stream, asked) in &mut told.asked {
        let found = store.load(stream).await.expect("it loads");
        let acknowledged = told.acknowledged.get(stream).copied().unwrap_or(0);
        assert!(
            acknowledged <= found.len(),
            "{stream}: {acknowledged} were acknowledged, {} are there",
            found.len()
        );
        assert!(asked.starts_with(&found), "{stream} has something that nobody asked for");
        more |= acknowledged < found.len();
        there += found.len();
        // From here on that is what counts.
        asked.truncate(found.len());
        told.acknowledged.insert(stream.clone(), found.len());
    }
    assert_eq!(verified.entries, u64::try_from(there).expect("it fits"), "nothing else is in the log");
    for key in &told.keys {
        assert!(store.caller_key(key).await.expect("it is read").is_some(), "{key} is not known any more");
    }
    let streams = told.acknowledged.iter().filter(|(_, count)| 0 < **count);
    let due = store.due(Timestamp(i64::MAX), None, 200).await.expect("errands are read");
    assert_eq!(due.len(), streams.clone().count(), "each has its errand");
    let mut rows = 0;
    for state in ["even", "odd"] {
        let labels = [("state".to_owned(), state.to_owned())].into();
        let page = store.query(Query { labels, after: None, limit: 200 }).await.expect("it is answered");
        rows += page.rows.len();
    }
    assert_eq!(rows, streams.count(), "each is found once");
    assert_eq!(store.scan(Position(1), 100_000).await.expect("it is read").len(), there);
    told.more += u64::from(more);
}

/// One history of several cuts.
async fn history(seed: u64, told: &mut Told) {
    let chance = Arc::new(SeededChance::new(seed));
    let mut folder = tempfile::tempdir().expect("a folder for the test");
    let mut known = Told::default();
    let mut disk = Volatile::with(BTreeMap::new(), None, seed * 100);
    for cut in 0..CUTS {
        disk.medium().left = Some(1 + below(&chance, 120));
        let options =
            Options { segment_bytes: 8 * 1024, disk: Arc::new(disk.clone()), ..Options::at(folder.path()) };
        let old_index = tempfile::tempdir().expect("a folder for the test");
        // The power may go while it opens too.
        if let Ok(store) = LocalStore::open(options) {
            holds(&store, &mut known).await;
            told.torn += store.opened().cut_bytes;
            if let Ok(entries) = fs::read_dir(folder.path().join("index")) {
                for entry in entries.filter_map(Result::ok).filter(|entry| entry.path().is_file()) {
                    let _ = fs::copy(entry.path(), old_index.path().join(entry.file_name()));
                }
            }
            let shared = Mutex::new(std::mem::take(&mut known));
            let from = |stream: &str| {
                let told = shared.lock().expect("nobody panics with it");
                told.acknowledged.get(stream).copied().unwrap_or(0)
            };
            let streams: Vec<(String, usize)> = (0..CALLERS)
                .map(|caller| format!("int_{caller}"))
                .map(|stream| (stream.clone(), from(&stream)))
                .collect();
            let callers =
                streams.iter().map(|(stream, from)| append(&store, stream, *from, &shared, &chance));
            futures::future::join_all(callers).await;
            known = shared.into_inner().expect("nobody panics with it");
        }
        told.cuts += 1;
        if below(&chance, 3) == 0 {
            // Only the process died: the machine goes on with all that it was given.
            told.kills += 1;
            continue;
        }
        let next = after(folder.path(), old_index.path(), &chance);
        let survived = disk.medium().survives().into_iter().map(|(path, bytes)| {
            let inner = path.strip_prefix(folder.path()).expect("it lies in the folder");
            (next.path().join(inner), bytes)
        });
        let survived = survived.collect();
        disk = Volatile::with(survived, None, seed * 100 + cut + 1);
        folder = next;
    }
    disk.medium().left = None;
    let options = Options { segment_bytes: 8 * 1024, disk: Arc::new(disk), ..Options::at(folder.path()) };
    let store = LocalStore::open(options).unwrap_or_else(|fault| panic!("POWER_SEED={seed}: {fault}"));
    holds(&store, &mut known).await;
    store.close().expect("it closes");
    told.more += known.more;
}

fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("it is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_power_cut() {
    let cuts = wanted("POWER_CUTS").unwrap_or(200);
    let mut told = Told::default();
    let mut seed = wanted("POWER_SEED").unwrap_or(0);
    while told.cuts < cuts {
        println!("POWER_SEED={seed}");
        history(seed, &mut told).await;
        seed += 1;
    }
    println!("{} cuts: {} after which more was there, {} bytes torn", told.cuts, told.more, told.torn);
    println!("{} of them of the process alone", told.kills);
    // They had what they are made for.
    assert!(0 < told.more && 0 < told.torn && 0 < told.kills, "{told:?}");
}
