//! What the local store does after the worst: a torn write, a flipped bit, a missing file, a full
//! disk, a failed sync, an index that is gone. What every store must do is tested elsewhere, by
//! the suite that all stores share.

use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::store::{
    Append, Batch, ErrandChange, Position, Query, RowChange, Store, StoreFault,
};
use countersign_store_local::disk::{Disk, DiskFile, RealDisk};
use countersign_store_local::{FREE_BYTES_MIN, LocalStore, Options};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn open(folder: &Path) -> Result<LocalStore, StoreFault> {
    LocalStore::open(Options { segment_bytes: 1024, ..Options::at(folder) })
}

/// A batch for stream `int_N`, whose `count`th it is (from 0).
fn batch(number: u64, count: u64) -> Batch {
    let stream: Arc<str> = format!("int_{number}").into();
    let state = if count.is_multiple_of(2) { "pending" } else { "approved" };
    let labels = vec![("state".to_owned(), state.to_owned())];
    let entries = vec![Arc::from(format!("entry {count} of {stream}").as_bytes())];
    let errands = vec![ErrandChange::Set { key: "sla".into(), due: Timestamp(count as i64) }];
    let row = Some(RowChange { labels, summary: Arc::from(&b"summary"[..]) });
    Batch { appends: vec![Append { stream, expected: count, entries, errands, row }], caller_key: None }
}

async fn fill(store: &LocalStore, batches: u64) {
    for index in 0..batches {
        store.append(batch(index % 5, index / 5)).await.expect("it is appended");
    }
}

/// Everything that one can ask of a store that was filled by [`fill`].
async fn answers(store: &LocalStore) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut streams = Vec::new();
    for number in 0..5 {
        let name = format!("int_{number}");
        streams.push((store.load(&name).await.expect("it loads"), store.row(&name).await.expect("it reads")));
    }
    let labels = [("state".to_owned(), "pending".to_owned())].into();
    let page = store.query(Query { labels, after: None, limit: 50 }).await.expect("the query is answered");
    let due = store.due(Timestamp(1000), None, 100).await.expect("errands are read");
    (streams, page.rows, due, store.health().head, store.scan(Position(1), 1000).await)
}

/// Copies a data folder, with its log only or with all.
fn copy(from: &Path, log_only: bool) -> TempDir {
    let to = folder();
    let parts: &[&str] = if log_only { &["log"] } else { &["log", "index"] };
    for part in parts {
        fs::create_dir(to.path().join(part)).expect("the folder is created");
        for entry in
            fs::read_dir(from.join(part)).expect("the folder lists").map(|entry| entry.expect("it lists"))
        {
            if entry.path().is_file() {
                fs::copy(entry.path(), to.path().join(part).join(entry.file_name()))
                    .expect("the file copies");
            }
        }
    }
    if !log_only {
        fs::copy(from.join("STATE"), to.path().join("STATE")).expect("the file copies");
    }
    to
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("log")).expect("the folder lists");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it lists").path()).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn a_store_that_was_dropped_in_the_middle_opens_with_all_that_was_acknowledged() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    fill(&store, 40).await;
    let before = answers(&store).await;
    drop(store);
    let store = open(folder.path()).expect("it opens again");
    assert_eq!((store.opened().entries, store.opened().cut_bytes, store.opened().epoch), (40, 0, 2));
    assert_eq!(before, answers(&store).await);
}

#[tokio::test]
async fn after_a_clean_stop_nothing_is_read_again() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    fill(&store, 40).await;
    let before = answers(&store).await;
    store.close().expect("it closes");
    store.close().expect("a second time too");
    assert_eq!(store.append(batch(0, 8)).await, Err(StoreFault::Io("the store is closed".to_owned())));
    drop(store);
    let store = open(folder.path()).expect("it opens again");
    assert_eq!((store.opened().replayed, &store.opened().index_rebuilt), (0, &None));
    assert_eq!(before, answers(&store).await);
}

#[tokio::test]
async fn a_last_record_that_is_cut_anywhere_is_cut_off_and_the_rest_is_kept() {
    let whole = folder();
    let store = open(whole.path()).expect("it opens");
    fill(&store, 7).await;
    let kept = store.health();
    let before = segments(whole.path());
    let start = fs::metadata(before.last().expect("there is one")).expect("it is there").len();
    store.append(batch(2, 1)).await.expect("it is appended");
    drop(store);
    assert_eq!(before, segments(whole.path()), "the record went into the same segment");
    let end = fs::metadata(before.last().expect("there is one")).expect("it is there").len();
    for length in start..end {
        let broken = copy(whole.path(), true);
        let last = segments(broken.path()).pop().expect("there is one");
        fs::OpenOptions::new().write(true).open(last).expect("it opens").set_len(length).expect("it is cut");
        let store = open(broken.path()).expect("it opens");
        assert_eq!(
            (store.opened().entries, store.opened().cut_bytes),
            (7, length - start),
            "cut at {length}"
        );
        assert_eq!(store.health().head, kept.head);
        store.append(batch(2, 1)).await.expect("the log goes on");
        let verified = store.verify(&|_, _| {}).await.expect("the log is whole");
        assert_eq!(verified.entries, 8);
    }
}

#[tokio::test]
async fn every_flipped_bit_of_a_closed_log_is_found_when_it_opens_or_when_it_is_verified() {
    let whole = folder();
    let store = open(whole.path()).expect("it opens");
    fill(&store, 13).await;
    store.close().expect("it closes");
    drop(store);
    let paths = segments(whole.path());
    assert!(paths.len() > 1, "the log has a closed segment");
    let broken = copy(whole.path(), false);
    for (index, path) in paths.iter().enumerate() {
        let bytes = fs::read(path).expect("it reads");
        let target = &segments(broken.path())[index];
        // Every eleventh byte, and in it another bit each time; the units try every bit of a record.
        for place in (0..bytes.len()).step_by(11) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            fs::write(target, &flipped).expect("it is written");
            let found = match open(broken.path()) {
                Err(fault) => fault,
                Ok(store) => {
                    let fault = store.verify(&|_, _| {}).await.expect_err("the flipped bit is found");
                    store.close().expect("it closes");
                    fault
                }
            };
            let known = matches!(found, StoreFault::Corrupt { .. } | StoreFault::Version { .. });
            assert!(known, "byte {place} of segment {index}: {found:?}");
        }
        fs::write(target, &bytes).expect("it is written");
    }
}

#[tokio::test]
async fn damage_in_the_middle_of_the_last_segment_is_refused_and_nothing_is_changed() {
    let whole = folder();
    let store = LocalStore::open(Options::at(whole.path())).expect("it opens");
    fill(&store, 20).await;
    drop(store);
    let path = segments(whole.path()).pop().expect("there is one");
    let mut bytes = fs::read(&path).expect("it reads");
    bytes[80] ^= 1;
    fs::write(&path, &bytes).expect("it is written");
    let fault = LocalStore::open(Options::at(whole.path())).expect_err("it is refused");
    let StoreFault::Corrupt { place, message } = fault else { panic!("{fault:?}") };
    assert!(place.ends_with("log/0000000001.cslog` offset 64"), "{place}");
    assert!(message.contains("nothing was changed"), "{message}");
    assert_eq!(fs::read(&path).expect("it reads"), bytes);
}

#[tokio::test]
async fn a_missing_segment_is_named() {
    let whole = folder();
    let store = open(whole.path()).expect("it opens");
    fill(&store, 40).await;
    drop(store);
    fs::remove_file(&segments(whole.path())[1]).expect("it is removed");
    let fault = open(whole.path()).expect_err("it is refused");
    assert!(fault.to_string().contains("0000000002.cslog` offset 0: the segment is missing"), "{fault}");
}

#[tokio::test]
async fn a_log_that_lost_its_end_since_a_clean_stop_is_refused() {
    let whole = folder();
    let store = LocalStore::open(Options::at(whole.path())).expect("it opens");
    fill(&store, 5).await;
    store.close().expect("it closes");
    drop(store);
    let path = segments(whole.path()).pop().expect("there is one");
    let file = fs::OpenOptions::new().write(true).open(&path).expect("it opens");
    file.set_len(file.metadata().expect("it is there").len() - 1).expect("it is cut");
    let fault = LocalStore::open(Options::at(whole.path())).expect_err("it is refused");
    assert!(fault.to_string().contains("ended at entry 5 at the last clean stop"), "{fault}");
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_before_anything_is_touched() {
    let whole = folder();
    let store = open(whole.path()).expect("it opens");
    fill(&store, 9).await;
    store.close().expect("it closes");
    drop(store);
    let mut segment = fs::read(&segments(whole.path())[0]).expect("it reads");
    segment[8] = 9;
    let cases: [(&str, Vec<u8>, u32, u32); 4] = [
        ("log/0000000001.cslog", segment, 9, 4),
        ("LOCK", b"format 9\n".to_vec(), 9, 4),
        ("STATE", b"format 1\n".to_vec(), 1, 4),
        ("index/FORMAT", b"9".to_vec(), 9, 4),
    ];
    for (name, bytes, found, known) in cases {
        let broken = copy(whole.path(), false);
        fs::write(broken.path().join(name), &bytes).expect("it is written");
        let listing = || {
            let entries = fs::read_dir(broken.path()).expect("the folder lists");
            let mut names: Vec<_> = entries.map(|entry| entry.expect("it lists").file_name()).collect();
            names.sort();
            names
        };
        let before = listing();
        let fault = open(broken.path()).expect_err("it is refused");
        assert_eq!(fault, StoreFault::Version { found, known }, "{name}");
        assert_eq!((before, fs::read(broken.path().join(name)).expect("it reads")), (listing(), bytes));
    }
}

#[tokio::test]
async fn a_log_of_the_format_before_opens_and_goes_on() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    fill(&store, 9).await;
    let before = answers(&store).await;
    store.close().expect("it closes");
    drop(store);
    for path in segments(folder.path()) {
        let mut bytes = fs::read(&path).expect("it reads");
        bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&sum.to_le_bytes());
        fs::write(&path, bytes).expect("it is written");
    }
    for name in ["LOCK", "STATE"] {
        let text = fs::read_to_string(folder.path().join(name)).expect("it reads");
        assert!(text.starts_with("format 4\n"), "{text}");
        fs::write(folder.path().join(name), text.replace("format 4", "format 2")).expect("it is written");
    }
    let store = open(folder.path()).expect("it opens");
    assert!(answers(&store).await == before, "nothing of it is lost");
    store.append(batch(9, 0)).await.expect("it is appended");
    assert_eq!(store.verify(&|_, _| {}).await.expect("the log is whole").entries, 10);
}

#[tokio::test]
async fn an_index_of_an_older_format_is_built_again() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    fill(&store, 9).await;
    let before = answers(&store).await;
    store.close().expect("it closes");
    drop(store);
    fs::write(folder.path().join("index/FORMAT"), b"3").expect("it is written");
    let store = open(folder.path()).expect("it opens");
    let cause = store.opened().index_rebuilt.clone();
    assert_eq!(cause.as_deref(), Some("the index is of an older format"));
    assert!(answers(&store).await == before, "nothing of it is lost");
    store.close().expect("it closes");
    drop(store);
    assert_eq!(open(folder.path()).expect("it opens").opened().index_rebuilt, None);
}

#[tokio::test]
async fn a_folder_in_use_names_its_owner() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    let fault = open(folder.path()).expect_err("it is refused");
    let StoreFault::InUse(owner) = fault else { panic!("{fault:?}") };
    assert!(owner.starts_with(&format!("process {} on `", std::process::id())), "{owner}");
    drop(store);
    open(folder.path()).expect("it is free again");
}

#[tokio::test]
async fn nobody_else_can_read_the_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = folder();
    let root = parent.path().join("data");
    let store = open(&root).expect("it opens");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&root), mode(&root.join("log")), mode(&root.join("index"))), (0o700, 0o700, 0o700));
    assert_eq!((mode(&root.join("LOCK")), mode(&segments(&root)[0])), (0o600, 0o600));
    drop(store);
}

/// What a damage is called, and how it is done to a data folder.
type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

#[tokio::test]
async fn an_index_that_is_gone_broken_or_ahead_is_rebuilt_to_the_same_answers() {
    let whole = folder();
    let store = open(whole.path()).expect("it opens");
    fill(&store, 40).await;
    let before = answers(&store).await;
    store.close().expect("it closes");
    drop(store);
    let garble = |path: PathBuf| {
        let mut bytes = fs::read(&path).expect("it reads");
        bytes.iter_mut().step_by(3).for_each(|byte| *byte = byte.wrapping_add(77));
        fs::write(path, bytes).expect("it is written");
    };
    let cases: [Damage<'_>; 5] = [
        ("gone", &|folder| fs::remove_dir_all(folder.join("index")).expect("it is removed")),
        ("garbled", &|folder| garble(folder.join("index/db"))),
        ("without its settings", &|folder| garble(folder.join("index/conf"))),
        ("empty", &|folder| fs::write(folder.join("index/db"), b"").expect("it is written")),
        ("of another boot", &|folder| {
            fs::write(folder.join("STATE"), b"format 2\nboot another\n").expect("it is written");
        }),
    ];
    for (name, damage) in cases {
        let broken = copy(whole.path(), false);
        damage(broken.path());
        let store = open(broken.path()).expect("it opens");
        assert!(store.opened().index_rebuilt.is_some(), "{name}");
        assert_eq!(before, answers(&store).await, "{name}");
        store.close().expect("it closes");
    }
    let ahead = copy(whole.path(), false);
    fs::remove_file(ahead.path().join("STATE")).expect("it is removed");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("it reads");
    fs::write(ahead.path().join("STATE"), format!("format 2\nboot {boot}")).expect("it is written");
    fs::remove_file(segments(ahead.path()).pop().expect("there is one")).expect("it is removed");
    let store = open(ahead.path()).expect("it opens");
    assert_eq!(store.opened().index_rebuilt.as_deref(), Some("the index is ahead of the log"));
}

#[tokio::test]
async fn a_snapshot_that_sled_left_half_written_does_no_harm() {
    let folder = folder();
    let store = open(folder.path()).expect("it opens");
    fill(&store, 20).await;
    let before = answers(&store).await;
    store.close().expect("it closes");
    drop(store);
    for length in [0, 10, 50_000] {
        let name = "snap.00000000000FFFFF.generating";
        fs::write(folder.path().join("index").join(name), vec![1; length]).expect("it is written");
        let store = open(folder.path()).expect("it opens");
        assert_eq!(store.opened().index_rebuilt, None, "{length} bytes");
        assert_eq!(before, answers(&store).await);
        store.close().expect("it closes");
    }
}

/// A disk that fails as it is told.
#[derive(Debug, Default)]
struct Faulty {
    real: RealDisk,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    /// Writes stop half-way with "no space left".
    full: AtomicBool,
    sync_fails: AtomicBool,
    writes: AtomicU64,
    free: Mutex<Option<u64>>,
}

#[derive(Debug)]
struct FaultyFile {
    real: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl Faulty {
    fn wrap(&self, real: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { real, faults: Arc::clone(&self.faults) })
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.wrap(self.real.create(path)?))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.wrap(self.real.open(path)?))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.real.remove(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.real.list(folder)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.real.sync_folder(folder)
    }
    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        match *self.faults.free.lock().expect("nobody panics with it") {
            Some(free) => Ok(free),
            None => self.real.free_bytes(folder),
        }
    }
}

impl DiskFile for FaultyFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.real.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.faults.writes.fetch_add(1, Ordering::Relaxed);
        if self.faults.full.load(Ordering::Relaxed) {
            self.real.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.real.write_all_at(bytes, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.faults.sync_fails.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk has gone"));
        }
        self.real.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.real.sync_all()
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.real.set_len(length)
    }
    fn length(&self) -> io::Result<u64> {
        self.real.length()
    }
}

fn open_faulty(folder: &Path, segment_bytes: u64) -> (LocalStore, Arc<Faults>) {
    let disk = Faulty::default();
    let faults = Arc::clone(&disk.faults);
    let options = Options { segment_bytes, disk: Arc::new(disk), ..Options::at(folder) };
    (LocalStore::open(options).expect("it opens"), faults)
}

#[tokio::test]
async fn a_full_disk_refuses_appends_keeps_reading_and_resumes_with_nothing_lost() {
    // Once in the middle of a segment, once where a new segment would begin.
    for segment_bytes in [1024 * 1024, 1] {
        let folder = folder();
        let (store, faults) = open_faulty(folder.path(), segment_bytes);
        fill(&store, 10).await;
        let before = answers(&store).await;
        faults.full.store(true, Ordering::Relaxed);
        assert_eq!(store.append(batch(0, 2)).await, Err(StoreFault::Full));
        assert_eq!(store.append(batch(1, 2)).await, Err(StoreFault::Full));
        assert!(store.health().writable.is_err());
        assert_eq!(before, answers(&store).await);
        faults.full.store(false, Ordering::Relaxed);
        store.append(batch(0, 2)).await.expect("there is space again");
        assert!(store.health().writable.is_ok());
        assert_eq!(store.verify(&|_, _| {}).await.expect("the log is whole").entries, 11);
        drop(store);
        let (store, _) = open_faulty(folder.path(), segment_bytes);
        assert_eq!((store.opened().entries, store.opened().cut_bytes), (11, 0));
    }
}

#[tokio::test]
async fn the_last_free_space_is_left_to_the_index_and_the_operator() {
    let folder = folder();
    let (store, faults) = open_faulty(folder.path(), 1024);
    *faults.free.lock().expect("nobody panics with it") = Some(FREE_BYTES_MIN - 1);
    assert_eq!(store.append(batch(0, 0)).await, Err(StoreFault::Full));
    assert_eq!(faults.writes.load(Ordering::Relaxed), 1, "only the header of the first segment");
    *faults.free.lock().expect("nobody panics with it") = Some(FREE_BYTES_MIN);
    store.append(batch(0, 0)).await.expect("there is space again");
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_ever_written_again() {
    let folder = folder();
    let (store, faults) = open_faulty(folder.path(), 1024 * 1024);
    fill(&store, 5).await;
    faults.sync_fails.store(true, Ordering::Relaxed);
    let fault = store.append(batch(0, 1)).await.expect_err("it is not durable");
    assert!(matches!(&fault, StoreFault::Lost(cause) if cause.contains("the disk has gone")), "{fault}");
    assert!(!fault.can_pass());
    faults.sync_fails.store(false, Ordering::Relaxed);
    let writes = faults.writes.load(Ordering::Relaxed);
    assert_eq!(store.append(batch(1, 1)).await, Err(fault));
    assert_eq!(faults.writes.load(Ordering::Relaxed), writes);
    assert_eq!(
        store.load("int_0").await.map(|entries| entries.len()),
        Ok(1),
        "it does not show what is in doubt"
    );
    store.close().expect("it closes");
    drop(store);
    // What was in doubt turns out to be there or not; either way the log is whole.
    let (store, _) = open_faulty(folder.path(), 1024 * 1024);
    assert_eq!(store.opened().index_rebuilt, None);
    let entries = store.verify(&|_, _| {}).await.expect("the log is whole").entries;
    assert_eq!(entries, 6);
}

#[tokio::test]
async fn waiting_callers_share_a_sync() {
    let folder = folder();
    let store = Arc::new(LocalStore::open(Options::at(folder.path())).expect("it opens"));
    let before = store.health().syncs;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..256 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.append(batch(number, 0)).await });
    }
    while let Some(answer) = callers.join_next().await {
        answer.expect("the caller ends").expect("it is appended");
    }
    let syncs = store.health().syncs - before;
    assert!((1..=128).contains(&syncs), "{syncs} syncs for 256 appends");
    assert_ne!(store.health().head, Digest::ZERO);
}

#[tokio::test]
async fn rows_are_found_by_their_labels_however_often_the_index_was_written() {
    let folder = folder();
    let memory = MemoryStore::new();
    for round in 0..4u64 {
        let store = open(folder.path()).expect("it opens");
        assert_eq!(store.opened().index_rebuilt, None);
        for step in 0..300 {
            // Names in no order, and in the later rounds new ones between the old.
            let number = (step * 7919 + round * 101) % 500;
            let stream: Arc<str> = format!("int_{number:03}").into();
            let expected = memory.load(&stream).await.expect("it loads").len() as u64;
            let label = |name: &str, value: u64| (name.to_owned(), value.to_string());
            let labels = vec![label("state", step % 3), label("seat", number % 40), label("round", round)];
            let row = Some(RowChange { labels, summary: Arc::from(number.to_string().as_bytes()) });
            let entries = vec![Arc::from(step.to_string().as_bytes())];
            let errands = vec![ErrandChange::Set { key: "sla".into(), due: Timestamp(step as i64) }];
            let batch =
                Batch { appends: vec![Append { stream, expected, entries, errands, row }], caller_key: None };
            assert_eq!(memory.append(batch.clone()).await, store.append(batch).await);
        }
        store.close().expect("it closes");
        drop(store);
        let store = open(folder.path()).expect("it opens");
        assert_eq!(store.opened().replayed, 0);
        let queries: [&[(&str, u64)]; 6] = [
            &[],
            &[("state", 1)],
            &[("state", 2), ("seat", 7)],
            &[("round", round), ("state", 0)],
            &[("seat", 39), ("round", 0)],
            &[("state", 9)],
        ];
        for labels in queries {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
            let mut query = Query { labels, after: None, limit: 23 };
            loop {
                let page = store.query(query.clone()).await.expect("the query is answered");
                let expected = memory.query(query.clone()).await.expect("the query is answered");
                assert_eq!(
                    (&page.rows, &page.next),
                    (&expected.rows, &expected.next),
                    "round {round}: {query:?}"
                );
                if page.next.is_none() {
                    break;
                }
                query.after = page.next;
            }
        }
        let due = store.due(Timestamp(400), None, 200).await;
        assert_eq!(due, memory.due(Timestamp(400), None, 200).await);
    }
}
