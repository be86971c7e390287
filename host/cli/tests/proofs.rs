//! Proofs of a log as an auditor meets them: made by the program, checked by it and by a verifier in Python that was
//! written from the specifications alone. What was damaged is refused by both.

use countersign_core::approval::Authority;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::effect::life::EffectState;
use countersign_core::id::{EffectId, IntentId};
use countersign_core::time::Timestamp;
use countersign_engine::port::store::{Append, Batch, Store as _};
use countersign_store_local::{LocalStore, Options};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Entries of the log, besides those that are looked for.
const OTHERS: u64 = 300;
/// How many damaged proofs both verifiers see.
const DAMAGED: usize = 200;
const INTENT: IntentId = IntentId::from_bits(77);
const EFFECT: EffectId = EffectId::from_bits(78);
/// It is attempted and goes on.
const OPEN: EffectId = EffectId::from_bits(79);

fn countersign(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.output().expect("the program runs")
}

/// What the program prints when it says yes.
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = countersign(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// What the program says when its answer is no.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = countersign(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

/// The other verifier's lines, one a file.
fn second_opinion(folder: &Path, public: &str, files: &[String]) -> Vec<String> {
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verifier/verify_proof.py");
    let mut command = Command::new("python3");
    command.current_dir(folder).arg(verifier).arg(public).args(files);
    let output = command.output().expect("python3 runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(str::to_owned).collect()
}

/// Appends entries to a stream of the log in `folder`.
async fn append(store: &LocalStore, stream: &str, expected: u64, entries: Vec<Vec<u8>>) {
    let entries = entries.into_iter().map(Arc::from).collect();
    let append = Append { stream: Arc::from(stream), expected, entries, errands: Vec::new(), row: None };
    store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is appended");
}

fn entry(event: Event) -> Vec<u8> {
    Entry { at: Timestamp(5), by: Actor::Engine, event }.to_bytes().expect("it has a canonical form")
}

/// A log in `folder/data` whose other entries say `words`: an intent that is approved, and then one effect of it ends.
#[tokio::main(flavor = "current_thread")]
async fn log(folder: &Path, words: &str, others: u64) {
    let store = LocalStore::open(Options::at(folder.join("data"))).expect("it opens");
    let verdict = EffectState::GivenUp;
    let ends = Event::Attempted { effect: EFFECT, steps: Vec::new(), detail: None, verdict };
    let life = vec![
        entry(Event::Reminded { rows: vec![0], next: Vec::new() }),
        entry(Event::Approved { authority: Authority::Policy }),
        entry(Event::Sending {
            effect: EFFECT,
            step: "write".to_owned(),
            request: countersign_core::hash::Digest::ZERO,
        }),
        entry(ends),
        entry(Event::Attempted {
            effect: OPEN,
            steps: Vec::new(),
            detail: None,
            verdict: EffectState::Waiting,
        }),
    ];
    for number in 0..others {
        if number == 100 {
            append(&store, &INTENT.to_string(), 0, life.clone()).await;
        }
        let text = format!("{words} {number}").into_bytes();
        append(&store, &format!("connection/c{}", number % 3), number / 3, vec![text]).await;
    }
    store.close().expect("it closes");
}

fn keyed(folder: &Path) -> String {
    said(folder, &["audit", "key", "acme.example/approvals", "log.key", "--quiet"]).trim().to_owned()
}

#[test]
fn a_decision_and_the_end_of_an_effect_are_proved_to_whoever_has_the_key_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    log(folder, "something", OTHERS);
    let public = keyed(folder);
    let (intent, effect) = (INTENT.to_string(), EFFECT.to_string());
    let open = OPEN.to_string();
    let none = refused(folder, &["audit", "prove", &open, "--key", "log.key", "--data", "data"]);
    assert!(none.contains("no end of an effect") && none.contains(&open), "{none}");
    for (id, sequence, position) in [(&intent, 2, 102), (&effect, 4, 104)] {
        let prove = ["audit", "prove", id, "--key", "log.key", "--data", "data", "--entry", id, "--quiet"];
        let proof = said(folder, &prove);
        assert!(proof.len() <= 2_000, "{}", proof.len());
        // An entry says what only some may see.
        let mode = fs::metadata(folder.join(id)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.join("one.tlog-proof"), proof).expect("it is written");
        let found = said(folder, &["audit", "check", "one.tlog-proof", "--public", &public, "--entry", id]);
        let expected = format!("entry {sequence} of `{intent}` is number {position} of the 305 that ");
        assert!(found.starts_with(&expected), "{found}");
        let theirs = second_opinion(folder, &public, &["one.tlog-proof".to_owned()]);
        assert_eq!(theirs, [format!("yes {} 305 {intent} {sequence}", position - 1)]);
    }
    let other =
        refused(folder, &["audit", "check", "one.tlog-proof", "--public", &public, "--entry", &intent]);
    assert!(other.contains("is not the entry that is proved"), "{other}");
    let stranger = said(folder, &["audit", "key", "acme.example/approvals", "other.key", "--quiet"]);
    let other = refused(folder, &["audit", "check", "one.tlog-proof", "--public", stranger.trim()]);
    assert!(other.contains("is not signed with this key"), "{other}");
    let missing = refused(folder, &["audit", "prove", "int_none", "--key", "log.key", "--data", "data"]);
    assert!(missing.contains("no decision of an intent"), "{missing}");
}

#[test]
fn two_verifiers_agree_on_every_place_and_refuse_what_was_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    log(folder, "something", OTHERS);
    let public = keyed(folder);
    let mut files = Vec::new();
    for (stream, sequence) in [("c0", 1), ("c1", 1), ("c2", 43), ("c1", 86), ("c0", 100), ("c2", 100)] {
        let stream = format!("connection/{stream}");
        let number = sequence.to_string();
        let prove = ["audit", "prove", &stream, "--sequence", &number, "--key", "log.key", "--data", "data"];
        let file = format!("proof-{}", files.len());
        fs::write(folder.join(&file), said(folder, &prove)).expect("it is written");
        said(folder, &["audit", "check", &file, "--public", &public]);
        files.push(file);
    }
    for line in second_opinion(folder, &public, &files) {
        assert!(line.starts_with("yes "), "{line}");
    }
    let whole = fs::read(folder.join("proof-2")).expect("it reads");
    let mut damaged = Vec::new();
    for (number, bytes) in damages(&whole).into_iter().enumerate() {
        assert_ne!(bytes, whole, "damage {number} is none");
        let file = format!("damaged-{number}");
        fs::write(folder.join(&file), bytes).expect("it is written");
        refused(folder, &["audit", "check", &file, "--public", &public]);
        damaged.push(file);
    }
    let theirs = second_opinion(folder, &public, &damaged);
    assert_eq!(theirs.len(), DAMAGED);
    for (file, line) in damaged.iter().zip(theirs) {
        assert!(line.starts_with("no "), "{file}: {line}");
    }
}

/// Flipped bits all over the proof, cuts, and lines that are swapped, missing or twice there.
fn damages(whole: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(whole).expect("text");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut all = Vec::new();
    for at in 0..lines.len() - 1 {
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        let missing = [&lines[..at], &lines[at + 1..]].concat();
        let twice = [&lines[..=at], &lines[at..]].concat();
        // A signature that stands there twice is still right; that line is the last, and is not reached.
        all.extend([swapped, missing, twice].map(|lines| lines.concat().into_bytes()));
    }
    all.extend((1..20).map(|part| whole[..whole.len() * part / 20].to_vec()));
    let bits = whole.len() * 8;
    let left = DAMAGED - all.len();
    all.extend((0..left).map(|number| {
        let bit = (number * bits / left + number % 8) % bits;
        let mut flipped = whole.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    }));
    all
}

#[test]
fn a_log_that_was_put_back_or_replaced_does_not_extend_a_noted_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    log(folder, "something", 200);
    let public = keyed(folder);
    let noted = said(folder, &["audit", "checkpoint", "--key", "log.key", "--data", "data"]);
    fs::write(folder.join("noted"), &noted).expect("it is written");
    let since = ["audit", "verify", "--since", "noted", "--public", &public, "--data", "data"];
    let grown = |words: &str, others: u64| {
        fs::remove_dir_all(folder.join("data")).expect("it is removed");
        log(folder, words, others);
    };
    assert!(said(folder, &since).contains("the first 205 are those of the noted checkpoint"));
    grown("something", 201);
    assert!(said(folder, &since).contains("206 entries"));
    grown("something", 199);
    let shorter = refused(folder, &since);
    assert!(shorter.contains("the log has 204 entries and had 205"), "{shorter}");
    grown("otherwise", 300);
    let replaced = refused(folder, &since);
    assert!(replaced.contains("are not those of the noted checkpoint"), "{replaced}");
    fs::write(folder.join("noted"), noted.replace("\n205\n", "\n204\n")).expect("it is written");
    let forged = refused(folder, &since);
    assert!(forged.contains("is no checkpoint that `acme.example/approvals` signed"), "{forged}");
}
