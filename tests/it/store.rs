//! What every store must do: one list of cases and one generator of random batches, run on the
//! memory store, on the local store and on PostgreSQL. The logs, rows and errands must be equal, also
//! after a store was stopped in the middle.

#[path = "store/hosts.rs"]
mod hosts;

use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::store::{
    Append, Appended, Batch, CallerKey, Errand, ErrandChange, Logged, Page, Position, Query, Row, RowChange,
    Store, StoreFault, Verified,
};
use countersign_store_local::{LocalStore, Options};
use countersign_store_postgres::{OpenFault, PostgresStore};
use countersign_tests::servers::Postgres;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Runs `case` on an empty store of each kind.
async fn on_every_store(case: impl AsyncFn(Arc<dyn Store>)) {
    case(Arc::new(MemoryStore::new())).await;
    let folder = tempfile::tempdir().expect("a folder for the test");
    case(Arc::new(local(folder.path()))).await;
    let server = Postgres::shared().expect("PostgreSQL runs");
    let url = server.database().expect("a database for the test");
    case(Arc::new(postgres(&url, "the host").await.expect("it opens"))).await;
}

/// The log in a database, for a host of this name.
async fn postgres(url: &str, owner: &str) -> Result<PostgresStore, OpenFault> {
    let (url, owner) = (url.to_owned(), owner.to_owned());
    PostgresStore::open(countersign_store_postgres::Options { url, owner, install: Digest::of(b"install") })
        .await
}

fn local(folder: &Path) -> LocalStore {
    // Small segments, so that every case crosses from one into the next.
    let options = Options { segment_bytes: 2048, ..Options::at(folder) };
    LocalStore::open(options).expect("the folder opens")
}

fn entry(text: &str) -> Arc<[u8]> {
    Arc::from(text.as_bytes())
}

fn append(stream: &str, expected: u64, entries: &[&str]) -> Append {
    let entries = entries.iter().map(|text| entry(text)).collect();
    Append { stream: Arc::from(stream), expected, entries, errands: Vec::new(), row: None }
}

fn batch(appends: Vec<Append>) -> Batch {
    Batch { appends, caller_key: None }
}

fn set(key: &str, due: i64) -> ErrandChange {
    ErrandChange::Set { key: Arc::from(key), due: Timestamp(due) }
}

fn clear(key: &str) -> ErrandChange {
    ErrandChange::Clear { key: Arc::from(key) }
}

fn row(labels: &[(&str, &str)], summary: &str) -> RowChange {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RowChange { labels, summary: entry(summary) }
}

fn query(labels: &[(&str, &str)], limit: usize) -> Query {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Query { labels, after: None, limit }
}

/// Every row that a query finds, page after page.
async fn all_rows(store: &dyn Store, mut query: Query) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let Page { rows: page, next } = store.query(query.clone()).await.expect("the query is answered");
        rows.extend(page);
        if next.is_none() {
            return rows;
        }
        query.after = next;
    }
}

#[tokio::test]
async fn an_acknowledged_append_is_seen_by_every_read() {
    on_every_store(async |store| {
        let mut first = append("int_1", 0, &["asked", "judged"]);
        first.errands = vec![set("sla", 500)];
        first.row = Some(row(&[("state", "pending")], "a quote"));
        let appended = store.append(batch(vec![first])).await.expect("it is appended");
        assert_eq!(appended.position, Position(2));
        assert_eq!(store.load("int_1").await, Ok(vec![entry("asked"), entry("judged")]));
        let logged = store.logged("int_1").await.expect("it is read");
        assert_eq!(logged, store.scan(Position(1), 10).await.expect("it is read"), "with their places");
        let found = store.row("int_1").await.expect("the row is read").expect("there is a row");
        assert_eq!((found.sequence, found.position, &*found.row.summary), (2, Position(2), &b"a quote"[..]));
        let due = store.due(Timestamp(500), None, 10).await.expect("errands are read");
        assert_eq!(due, vec![Errand { due: Timestamp(500), stream: "int_1".into(), key: "sla".into() }]);
        let logged = store.scan(Position(2), 5).await.expect("the log is read");
        let (stream, entry) = ("int_1".into(), entry("judged"));
        assert_eq!(logged, vec![Logged { position: Position(2), stream, sequence: 2, entry }]);
        assert_eq!(store.health().position, Position(2));
    })
    .await;
}

#[tokio::test]
async fn what_was_never_written_is_not_there() {
    on_every_store(async |store| {
        assert_eq!(store.load("int_9").await, Ok(Vec::new()));
        assert_eq!(store.row("int_9").await, Ok(None));
        assert_eq!(store.caller_key("bot/9").await, Ok(None));
        assert_eq!(store.scan(Position(1), 10).await, Ok(Vec::new()));
        assert_eq!(store.due(Timestamp(i64::MAX), None, 10).await, Ok(Vec::new()));
        assert_eq!(store.next_due(Timestamp(i64::MIN)).await, Ok(None));
        assert!(all_rows(&*store, query(&[], 10)).await.is_empty());
        assert_eq!(store.health().head, Digest::ZERO);
        assert_eq!(store.verify(&|_, _| {}).await, Ok(Verified { entries: 0, head: Digest::ZERO }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_appends_to_one_stream_at_once_one_wins_and_63_are_told_where_it_is() {
    on_every_store(async |store| {
        let mut racers = tokio::task::JoinSet::new();
        for racer in 0..64 {
            let store = Arc::clone(&store);
            let batch = batch(vec![append("int_1", 0, &[&format!("racer {racer}")])]);
            racers.spawn(async move { store.append(batch).await });
        }
        let mut won = 0;
        while let Some(answer) = racers.join_next().await {
            match answer.expect("the racer ends") {
                Ok(_) => won += 1,
                Err(fault) => {
                    let conflict = StoreFault::Conflict { stream: "int_1".into(), expected: 0, found: 1 };
                    assert_eq!(fault, conflict);
                    assert!(fault.can_pass());
                }
            }
        }
        assert_eq!(won, 1);
        assert_eq!(store.load("int_1").await.map(|entries| entries.len()), Ok(1));
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_appended_wholly_or_not_at_all() {
    on_every_store(async |store| {
        store.append(batch(vec![append("b", 0, &["old"])])).await.expect("it is appended");
        let head = store.health().head;
        let mut good = append("a", 0, &["new"]);
        good.errands = vec![set("wake", 1)];
        good.row = Some(row(&[("state", "new")], ""));
        let fingerprint = Digest::of(b"asked");
        let caller_key = Some(CallerKey { key: "bot/1".into(), fingerprint, answer: entry("yes") });
        let mixed = Batch { appends: vec![good, append("b", 0, &["late"])], caller_key };
        let conflict = StoreFault::Conflict { stream: "b".into(), expected: 0, found: 1 };
        assert_eq!(store.append(mixed).await, Err(conflict));
        assert_eq!(store.load("a").await, Ok(Vec::new()));
        assert_eq!(store.row("a").await, Ok(None));
        assert_eq!(store.due(Timestamp(9), None, 9).await, Ok(Vec::new()));
        assert_eq!(store.caller_key("bot/1").await, Ok(None));
        assert_eq!((store.health().position, store.health().head), (Position(1), head));
    })
    .await;
}

#[tokio::test]
async fn the_longest_overdue_errand_comes_first_and_a_closed_one_never() {
    on_every_store(async |store| {
        let mut one = append("int_1", 0, &["x"]);
        one.errands =
            vec![set("late", 30), set("later", 40), set("gone", 10), clear("gone"), clear("unknown")];
        let mut two = append("int_2", 0, &["x"]);
        two.errands = vec![set("early", 20), set("moved", 5)];
        store.append(batch(vec![one, two])).await.expect("it is appended");
        let mut moved = append("int_2", 1, &["x"]);
        moved.errands = vec![set("moved", 35)];
        store.append(batch(vec![moved])).await.expect("it is appended");
        let keys = async |now, limit| {
            let due = store.due(Timestamp(now), None, limit).await.expect("errands are read");
            due.iter().map(|errand| errand.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(keys(40, 10).await, ["early", "late", "moved", "later"]);
        assert_eq!(keys(40, 2).await, ["early", "late"]);
        assert_eq!(keys(19, 10).await, Vec::<String>::new());
        assert_eq!(store.next_due(Timestamp(30)).await, Ok(Some(Timestamp(35))));
        assert_eq!(store.next_due(Timestamp(40)).await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_a_query_are_the_rows_that_bear_all_labels() {
    on_every_store(async |store| {
        for number in 0..40 {
            let mut next = append(&format!("int_{number:02}"), 0, &["x"]);
            let state = if number % 2 == 0 { "pending" } else { "approved" };
            let seat = if number % 3 == 0 { "ada" } else { "bo" };
            next.row = Some(row(&[("state", state), ("seat", seat), ("seat", "all")], "before"));
            store.append(batch(vec![next])).await.expect("it is appended");
        }
        let mut decided = append("int_12", 1, &["decided"]);
        decided.row = Some(row(&[("state", "approved"), ("seat", "all")], "after"));
        store.append(batch(vec![decided])).await.expect("it is appended");
        let names = async |labels: &[(&str, &str)], limit| {
            let rows = all_rows(&*store, query(labels, limit)).await;
            rows.iter().map(|row| row.stream.to_string()).collect::<Vec<_>>()
        };
        let pending_ada = ["int_36", "int_30", "int_24", "int_18", "int_06", "int_00"];
        for limit in [1, 2, 5, 6, 7, 100] {
            assert_eq!(names(&[("state", "pending"), ("seat", "ada")], limit).await, pending_ada);
            assert_eq!(names(&[("seat", "all")], limit).await.len(), 40);
            assert_eq!(names(&[], limit).await.len(), 40);
        }
        assert!(names(&[("state", "approved")], 3).await.contains(&"int_12".to_owned()));
        assert_eq!(names(&[("state", "pend")], 3).await, Vec::<String>::new());
        let page = store.query(query(&[], 40)).await.expect("the query is answered");
        assert_eq!((page.rows.len(), page.next), (40, None));
    })
    .await;
}

#[tokio::test]
async fn a_callers_key_gives_the_first_answer_back() {
    on_every_store(async |store| {
        let fingerprint = Digest::of(b"asked");
        let key = CallerKey { key: "bot/1".into(), fingerprint, answer: entry("int_1") };
        let asked = Batch { appends: vec![append("int_1", 0, &["x"])], caller_key: Some(key.clone()) };
        store.append(asked).await.expect("it is appended");
        assert_eq!(store.caller_key("bot/1").await, Ok(Some(key)));
        assert_eq!(store.caller_key("bot/2").await, Ok(None));
        // A key is what a caller gave, and an errand may be named after one.
        let key = CallerKey { key: "bot/\0\u{1}".into(), fingerprint, answer: entry("") };
        let mut odd = append("int_1", 1, &[""]);
        odd.errands = vec![set("hook/\0", 1)];
        odd.row = Some(row(&[("subject", "\0=\0"), ("", "")], "\0"));
        store
            .append(Batch { appends: vec![odd], caller_key: Some(key.clone()) })
            .await
            .expect("it is appended");
        assert_eq!(store.caller_key("bot/\0\u{1}").await, Ok(Some(key)));
        let found = all_rows(&*store, query(&[("subject", "\0=\0")], 2)).await;
        assert_eq!(found.first().map(|row| row.row.labels.len()), Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_batch_over_a_limit_is_refused_by_name() {
    on_every_store(async |store| {
        let refused = async |batch| match store.append(batch).await {
            Err(StoreFault::TooLarge(limit)) => limit,
            other => panic!("{other:?}"),
        };
        let large = "x".repeat(1024 * 1024 + 1);
        assert_eq!(refused(batch(vec![append("s", 0, &[&large])])).await, "ENTRY_BYTES_MAX");
        assert_eq!(refused(batch(vec![append("s", 0, &["x"; 257])])).await, "BATCH_ENTRIES_MAX");
        assert_eq!(refused(batch(vec![append("", 0, &["x"])])).await, "STREAM_NAME_BYTES_MAX");
        assert_eq!(refused(batch(vec![append("s\0", 0, &["x"])])).await, "STREAM_NAME_PRINTABLE_ASCII");
        assert_eq!(refused(batch(vec![append("s", 9_999, &["x", "y"])])).await, "STREAM_ENTRIES_MAX");
        let twice = vec![append("s", 0, &["x"]), append("s", 1, &["y"])];
        assert_eq!(refused(batch(twice)).await, "APPENDS_PER_STREAM_MAX");
        assert_eq!(store.health().position, Position(0));
    })
    .await;
}

#[tokio::test]
async fn verify_reads_all_entries_and_says_how_far_it_is() {
    on_every_store(async |store| {
        for number in 0..50 {
            let next = append(&format!("int_{}", number % 7), number / 7, &[&"x".repeat(100)]);
            store.append(batch(vec![next])).await.expect("it is appended");
        }
        let seen = std::sync::Mutex::new((0, 0));
        let verified = store.verify(&|done, of| *seen.lock().expect("unshared") = (done, of)).await;
        assert_eq!(verified, Ok(Verified { entries: 50, head: store.health().head }));
        let (done, of) = *seen.lock().expect("unshared");
        assert_eq!(done, of);
        assert!(of >= 50 * 32, "each batch has a digest of its own: {of}");
    })
    .await;
}

/// What a random run does next.
#[derive(Debug, Clone)]
enum Step {
    Append {
        streams: Vec<StreamStep>,
        caller_key: Option<u8>,
    },
    /// The stores stop, the local one cleanly (`true`) or as in a crash, and open again.
    Reopen(bool),
}

/// What a random batch does to one stream.
#[derive(Debug, Clone)]
struct StreamStep {
    stream: u8,
    /// Added to the true sequence: mostly 0, else a conflict.
    off: u64,
    entries: Vec<u8>,
    errands: Vec<(u8, Option<i8>)>,
    row: Option<Vec<(u8, u8)>>,
}

fn stream_step() -> impl Strategy<Value = StreamStep> {
    let off = prop_oneof![20 => Just(0u64), 1 => 1..3u64];
    let entries = prop::collection::vec(any::<u8>(), 0..4);
    let errands = prop::collection::vec((0..4u8, any::<Option<i8>>()), 0..4);
    let row = prop::option::of(prop::collection::vec((0..3u8, 0..3u8), 0..4));
    (0..6u8, off, entries, errands, row).prop_map(|(stream, off, entries, errands, row)| StreamStep {
        stream,
        off,
        entries,
        errands,
        row,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let streams = prop::collection::vec(stream_step(), 0..4);
    prop_oneof![
        12 => (streams, prop::option::of(0..4u8)).prop_map(|(streams, caller_key)| Step::Append { streams, caller_key }),
        1 => any::<bool>().prop_map(Step::Reopen),
    ]
}

/// The batch of a step, given where the streams are.
fn batch_of(streams: &[StreamStep], caller_key: Option<u8>, sequence: impl Fn(&str) -> u64) -> Batch {
    let mut appends: Vec<Append> = Vec::new();
    for step in streams {
        let stream: Arc<str> = format!("int_{}", step.stream).into();
        if appends.iter().any(|append| append.stream == stream) {
            continue;
        }
        let errand = |(key, due): &(u8, Option<i8>)| match due {
            Some(due) => set(&format!("errand/{key}"), i64::from(*due)),
            None => clear(&format!("errand/{key}")),
        };
        let label = |(name, value): &(u8, u8)| (format!("label{name}"), format!("value{value}"));
        let summary = entry(&format!("{step:?}"));
        appends.push(Append {
            expected: sequence(&stream) + step.off,
            entries: step.entries.iter().map(|length| entry(&"e".repeat(usize::from(*length)))).collect(),
            errands: step.errands.iter().map(errand).collect(),
            row: step
                .row
                .as_ref()
                .map(|labels| RowChange { labels: labels.iter().map(label).collect(), summary }),
            stream,
        });
    }
    let caller_key = caller_key.map(|key| CallerKey {
        key: format!("bot/{key}").into(),
        fingerprint: Digest::of(&[key]),
        answer: entry(&format!("{streams:?}")),
    });
    Batch { appends, caller_key }
}

/// Everything that the port lets one see of a store.
async fn everything(store: &dyn Store) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut log = Vec::new();
    loop {
        let more = store.scan(Position(log.len() as u64 + 1), 7).await.expect("the log is read");
        if more.is_empty() {
            break;
        }
        log.extend(more);
    }
    let mut streams = Vec::new();
    for number in 0..6 {
        let name = format!("int_{number}");
        streams.push((
            store.logged(&name).await.expect("it loads"),
            store.row(&name).await.expect("it is read"),
        ));
    }
    let mut pages = vec![all_rows(store, query(&[], 2)).await];
    for (one, other) in [(0, 0), (0, 1), (1, 2), (2, 2)] {
        let (one, other) = (format!("value{one}"), format!("value{other}"));
        pages.push(all_rows(store, query(&[("label0", &one)], 1)).await);
        pages.push(all_rows(store, query(&[("label0", &one), ("label1", &other)], 3)).await);
    }
    let mut keys = Vec::new();
    for key in 0..4 {
        keys.push(store.caller_key(&format!("bot/{key}")).await.expect("it is read"));
    }
    let due = store.due(Timestamp(50), None, 200).await.expect("errands are read");
    let next_due = store.next_due(Timestamp(0)).await.expect("errands are read");
    let verified = store.verify(&|_, _| {}).await.expect("the log is whole");
    (log, streams, pages, keys, (due, next_due), (verified, store.health().position, store.health().head))
}

async fn run(steps: &[Step]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let memory = MemoryStore::new();
    let mut store = local(folder.path());
    let server = Postgres::shared().expect("PostgreSQL runs");
    let url = server.database().expect("a database for the test");
    let mut hosted = postgres(&url, "the host").await.expect("it opens");
    for step in steps {
        match step {
            Step::Append { streams, caller_key } => {
                let mut sequences = Vec::new();
                for number in 0..6 {
                    let name = format!("int_{number}");
                    let entries = memory.load(&name).await.expect("it loads");
                    sequences.push((name, entries.len() as u64));
                }
                let sequence = |name: &str| {
                    sequences.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
                };
                let batch = batch_of(streams, *caller_key, sequence);
                let expected = memory.append(batch.clone()).await;
                assert_eq!(expected, store.append(batch.clone()).await);
                assert_eq!(expected, hosted.append(batch).await);
            }
            Step::Reopen(cleanly) => {
                if *cleanly {
                    store.close().expect("the store closes");
                }
                drop(store);
                store = local(folder.path());
                assert_eq!(store.opened().cut_bytes, 0);
                hosted.close().await;
                hosted = postgres(&url, "the host").await.expect("it opens again");
            }
        }
    }
    let expected = everything(&memory).await;
    assert_eq!(expected, everything(&store).await);
    assert_eq!(expected, everything(&hosted).await);
    hosted.close().await;
    let hosted = postgres(&url, "the host").await.expect("it opens again");
    assert_eq!(expected, everything(&hosted).await);
    drop(store);
    assert_eq!(expected, everything(&local(folder.path())).await);
}

/// A stop between the start of a segment and its first record once left a log that took no
/// append any more: the next start went on in the segment before.
#[tokio::test]
async fn a_log_goes_on_in_a_segment_that_holds_no_record_yet() {
    for cleanly in [false, true] {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let store = local(folder.path());
        let long = (0..64u8).map(|byte| Digest::of(&[byte]).to_string()).collect::<String>();
        store.append(batch(vec![append("int_1", 0, &[&long])])).await.expect("it is appended");
        let conflict = StoreFault::Conflict { stream: "int_1".into(), expected: 0, found: 1 };
        assert_eq!(store.append(batch(vec![append("int_1", 0, &["late"])])).await, Err(conflict));
        let segments = std::fs::read_dir(folder.path().join("log")).expect("the log has a folder").count();
        assert_eq!(segments, 2, "the append that was refused had begun a segment");
        if cleanly {
            store.close().expect("the store closes");
        }
        drop(store);
        for again in 1..4 {
            let store = local(folder.path());
            let appended = store.append(batch(vec![append("int_1", again, &["on"])])).await;
            assert_eq!(appended, Ok(Appended { position: Position(again + 1) }));
            let verified = store.verify(&|_, _| {}).await.expect("the log is whole");
            assert_eq!(verified.entries, again + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_of_batches_gives_one_log_on_every_store(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        runtime.block_on(run(&steps));
    }
}
