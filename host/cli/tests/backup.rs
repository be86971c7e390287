//! Backups by the program: what is in one, what is refused, and what is left when somebody pulls the plug in the middle.

use countersign::backup::archive::{Archive, Writer};
use countersign_engine::port::store::{Append, Batch, Store as _};
use countersign_store_local::{LocalStore, Options};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Entries of a log that is read in no time.
const ENTRIES: u64 = 300;
/// Entries of one that takes longer.
const LARGE_ENTRIES: u64 = 120;
/// Bytes of an entry that make a log of which a copy takes a while.
const LARGE_BYTES: usize = 200_000;
/// How often the program is killed while it writes a backup, and while it puts one back.
const KILLS: u64 = 25;
/// Places at which one bit of a backup is changed, and lengths to which it is cut.
const FLIPS: u64 = 60;

fn countersign(folder: &Path, arguments: &[&str]) -> Output {
    begun(folder, arguments).wait_with_output().expect("the program ends")
}

fn begun(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// What the program answers as JSON when it says yes.
fn said(folder: &Path, arguments: &[&str]) -> Value {
    let output = countersign(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// What the program says when it ends with this code.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = countersign(folder, arguments);
    let words = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    words
}

async fn append(store: &LocalStore, number: u64, bytes: usize) {
    // Chance does not become smaller, so a large entry is large in the log too.
    let mut state = number;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let entry: Vec<u8> = (0..bytes).map(|_| next()).collect();
    let entries = vec![Arc::from(entry)];
    let stream = Arc::from(format!("connection/c{}", number % 3));
    let append = Append { stream, expected: number / 3, entries, errands: Vec::new(), row: None };
    store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is appended");
}

/// The data folder of a host that has stopped, in `folder/data`.
#[tokio::main(flavor = "current_thread")]
async fn data(folder: &Path, entries: u64, bytes: usize) {
    let data = folder.join("data");
    let options = Options { segment_bytes: 64 * 1024, ..Options::at(&data) };
    let store = LocalStore::open(options).expect("it opens");
    for number in 0..entries {
        append(&store, number, bytes).await;
    }
    store.close().expect("it closes");
    for (name, content) in [
        ("install.key", "k".repeat(32)),
        ("tokens.toml", String::new()),
        ("links.key", "l".repeat(32)),
        ("connectors/blobs/sha256/b.wasm", "second".to_owned()),
        ("connectors/blobs/sha256/a.wasm", "first".to_owned()),
        ("connectors/evidence/a/signature", "signed".to_owned()),
        ("connectors/aot/cs-1/a.cwasm", "of this machine".to_owned()),
        ("connectors/cache.key", "c".repeat(32)),
    ] {
        let path = data.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(&path, content).expect("it is written");
    }
    // Both came within one second: `b` before `a`.
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (name, after) in [("b", 0), ("a", 5)] {
        let file =
            fs::File::options().write(true).open(data.join(format!("connectors/blobs/sha256/{name}.wasm")));
        file.expect("it opens").set_modified(at + Duration::from_millis(after)).expect("it is set");
    }
}

/// A house around it: a configuration whose secrets are elsewhere, and rules.
fn house(folder: &Path) {
    let configuration = "[data]\nfolder = \"data\"\n[rules]\nfolder = \"rules\"\n[connection.billing]\n\
        connector = \"countersign.stripe\"\n[connection.billing.endpoints.api]\nsecret = \"env:NOBODY_HAS_IT\"\n";
    fs::write(folder.join("countersign.toml"), configuration).expect("it is written");
    fs::create_dir_all(folder.join("rules/policies")).expect("it is made");
    fs::write(folder.join("rules/people.md"), "people").expect("it is written");
    fs::write(folder.join("rules/policies/refund.policy.md"), "policy").expect("it is written");
    fs::write(folder.join("connectors.lock"), "lock").expect("it is written");
    // What a host takes for no rule is none, and stands in nobody's way.
    fs::create_dir_all(folder.join("rules/policies/drafts")).expect("it is made");
    fs::create_dir_all(folder.join("rules/intents/old/older")).expect("it is made");
    for name in ["policies/drafts/refund.policy.md", "policies/notes.txt", "intents/old/refund.intent.md"] {
        fs::write(folder.join("rules").join(name), "no rule").expect("it is written");
    }
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).expect("it is read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let within = path.strip_prefix(folder).expect("it is below").to_owned();
                found.insert(within, fs::read(&path).expect("it reads"));
            }
        }
    }
    found
}

fn set() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    data(folder.path(), ENTRIES, 20);
    house(folder.path());
    folder
}

/// The checkpoint of a log in a data folder: how many entries it has, and the root over them.
fn checkpoint(folder: &Path, data: &str) -> String {
    let output = countersign(folder, &["audit", "checkpoint", "--key", "log.key", "--data", data]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_was_backed_up_is_what_is_restored_and_no_secret_nor_anything_of_one_machine_is_in_it() {
    let folder = set();
    let folder = folder.path();
    let drawn = countersign(folder, &["audit", "key", "acme.example/approvals", "log.key"]);
    assert!(drawn.status.success());
    let before = checkpoint(folder, "data");
    let made = said(folder, &["backup", "create", "one.backup"]);
    assert_eq!(made["entries"], ENTRIES);
    let mode = fs::metadata(folder.join("one.backup")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let verified = said(folder, &["backup", "verify", "one.backup"]);
    assert_eq!((&verified["root"], &verified["head"]), (&made["root"], &made["head"]));
    assert_eq!(
        verified["secrets"],
        serde_json::json!([["connection.billing.endpoints.api.secret", "env:NOBODY_HAS_IT"]])
    );
    let names: Vec<&str> = verified["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    let (log, others): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.starts_with("log/"));
    assert!(!log.is_empty());
    assert_eq!(
        others,
        [
            "install.key",
            "tokens.toml",
            "links.key",
            "connectors/blobs/sha256/b.wasm",
            "connectors/blobs/sha256/a.wasm",
            "connectors/evidence/a/signature",
            "house/countersign.toml",
            "house/connectors.lock",
            "house/rules/people.md",
            "house/rules/policies/refund.policy.md",
        ]
    );

    let restored = said(folder, &["backup", "restore", "one.backup", "--data", "new/data"]);
    assert_eq!((&restored["root"], &restored["entries"]), (&made["root"], &made["entries"]));
    let found = files(&folder.join("new/data"));
    for (path, content) in files(&folder.join("data")) {
        let is_kept = others.iter().chain(&log).any(|name| Path::new(name) == path);
        assert_eq!(found.get(&path), is_kept.then_some(&content), "{}", path.display());
    }
    let came = |name: &str| {
        fs::metadata(folder.join("new/data/connectors/blobs/sha256").join(name))
            .and_then(|about| about.modified())
    };
    assert!(came("b.wasm").expect("a moment") < came("a.wasm").expect("a moment"), "what came last is last");
    for path in ["", "log", "install.key", "connectors/blobs/sha256/a.wasm"] {
        let mode =
            fs::metadata(folder.join("new/data").join(path)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
    assert_eq!(checkpoint(folder, "new/data"), before, "the root is what another reader of the log finds");
    let mark = fs::read_to_string(folder.join("new/data/RESTORED")).expect("it is marked");
    assert!(mark.contains(made["root"].as_str().expect("a root")), "{mark}");
}

#[test]
fn a_bit_that_is_changed_and_a_byte_that_is_missing_are_found_anywhere() {
    let folder = set();
    let folder = folder.path();
    said(folder, &["backup", "create", "one.backup"]);
    let bytes = fs::read(folder.join("one.backup")).expect("it reads");
    let length = bytes.len() as u64;
    for number in 0..FLIPS {
        // The ends, and what lies between.
        let at = number * (length - 1) / (FLIPS - 1);
        let mut other = bytes.clone();
        other[at as usize] ^= 1 << (number % 8);
        fs::write(folder.join("other.backup"), &other).expect("it is written");
        let words = refused(folder, &["backup", "verify", "other.backup"], 1);
        assert!(words.contains("was cut off or changed"), "byte {at}: {words}");
        fs::write(folder.join("other.backup"), &bytes[..at as usize]).expect("it is written");
        let words = refused(folder, &["backup", "restore", "other.backup", "--data", "new"], 1);
        assert!(words.contains("was cut off or changed"), "cut at {at}: {words}");
        assert!(!folder.join("new").exists(), "nothing of it is put anywhere");
    }
}

#[test]
fn a_folder_that_holds_anything_is_left_as_it_is() {
    let folder = set();
    let folder = folder.path();
    said(folder, &["backup", "create", "one.backup"]);
    fs::create_dir(folder.join("mine")).expect("it is made");
    fs::write(folder.join("mine/.hidden"), "mine").expect("it is written");
    let words = refused(folder, &["backup", "restore", "one.backup", "--data", "mine"], 1);
    assert!(words.contains("is not empty") && words.contains(".hidden"), "{words}");
    assert_eq!(files(&folder.join("mine")), [(PathBuf::from(".hidden"), b"mine".to_vec())].into());
    let before = files(&folder.join("data"));
    refused(folder, &["backup", "restore", "one.backup", "--data", "data"], 1);
    assert_eq!(files(&folder.join("data")), before);
    // An empty one is as good as none; a file system of its own has a folder in it.
    fs::create_dir_all(folder.join("empty/lost+found")).expect("it is made");
    said(folder, &["backup", "restore", "one.backup", "--data", "empty"]);

    // No backup is written over anything, and a folder gets one that is named by the moment.
    let kept = fs::read(folder.join("one.backup")).expect("it reads");
    let words = refused(folder, &["backup", "create", "one.backup"], 1);
    assert!(words.contains("is there already"), "{words}");
    assert_eq!(fs::read(folder.join("one.backup")).expect("it reads"), kept);
    fs::create_dir(folder.join("all")).expect("it is made");
    let made = said(folder, &["backup", "create", "all"]);
    let name = made["file"].as_str().expect("a name");
    assert!(name.starts_with("all/countersign-20") && name.ends_with(".backup"), "{name}");
    assert_eq!(files(&folder.join("all")).len(), 1, "nothing but the backup is left");
}

#[test]
fn a_log_that_is_damaged_or_has_lost_its_end_is_not_backed_up() {
    let folder = set();
    let folder = folder.path();
    let mut segments: Vec<PathBuf> = fs::read_dir(folder.join("data/log"))
        .expect("a log")
        .map(|entry| entry.expect("one").path())
        .collect();
    segments.sort();
    let last = segments.pop().expect("a segment");
    let length = fs::metadata(&last).expect("it is there").len();
    let whole = fs::read(&last).expect("it reads");
    let file = fs::File::options().write(true).open(&last).expect("it opens");
    file.set_len(length - 1).expect("it is cut");
    let words = refused(folder, &["backup", "create", "one.backup"], 1);
    assert!(words.contains("had 300 when its host stopped"), "{words}");
    fs::write(&last, &whole).expect("it is written");
    file.write_all_at(b"\xff", length / 2).expect("it is written");
    let words = refused(folder, &["backup", "create", "one.backup"], 1);
    assert!(words.contains("not what was written"), "{words}");
    assert!(!folder.join("one.backup").exists());
    let left: Vec<_> =
        fs::read_dir(folder).expect("it is read").map(|entry| entry.expect("one").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn what_no_backup_holds_is_put_into_no_data_folder() {
    let folder = set();
    let folder = folder.path();
    said(folder, &["backup", "create", "one.backup"]);
    let archive = Archive::open(&folder.join("one.backup")).expect("it opens");
    let mut items: Vec<_> = archive.items.iter().collect();
    items.sort_by_key(|(_, item)| item.number);
    let other = folder.join("other.backup");
    for name in ["connectors/cache.key", "connectors/aot/cs-1/a.cwasm", "index/1", "RESTORED", "cache.key"] {
        let mut writer = Writer::new(fs::File::create(&other).expect("a file"));
        for (name, item) in &items {
            writer.add(name, (item.bytes, item.modified), archive.reader(item)).expect("it is written");
        }
        writer.add(name, (5, 0), &b"other"[..]).expect("it is written");
        writer.finish(&archive.about).expect("it is sealed");
        for arguments in [
            &["backup", "restore", "other.backup", "--data", "new"][..],
            &["backup", "verify", "other.backup"],
        ] {
            let words = refused(folder, arguments, 1);
            assert!(
                words.contains(&format!("holds `{name}`, which is nothing that a backup holds")),
                "{words}"
            );
        }
        assert!(!folder.join("new").exists(), "nothing of it is put anywhere");
    }
}

#[test]
fn a_log_without_the_install_key_is_not_backed_up_and_a_backup_without_it_says_so() {
    let folder = set();
    let folder = folder.path();
    said(folder, &["backup", "create", "one.backup"]);
    let archive = Archive::open(&folder.join("one.backup")).expect("it opens");
    let mut writer = Writer::new(fs::File::create(folder.join("other.backup")).expect("a file"));
    for (name, item) in archive.items.iter().filter(|(name, _)| *name != "install.key") {
        writer.add(name, (item.bytes, item.modified), archive.reader(item)).expect("it is written");
    }
    writer.finish(&archive.about).expect("it is sealed");
    assert_eq!(said(folder, &["backup", "verify", "one.backup"])["lacks"], Value::Null);
    assert_eq!(said(folder, &["backup", "verify", "other.backup"])["lacks"][0], "install.key");
    let restored = said(folder, &["backup", "restore", "other.backup", "--data", "new"]);
    assert_eq!(restored["lacks"][0], "install.key");

    fs::remove_file(folder.join("data/install.key")).expect("it is gone");
    let words = refused(folder, &["backup", "create", "two.backup"], 1);
    assert!(words.contains("has no `install.key`"), "{words}");
    assert!(!folder.join("two.backup").exists());
}

#[test]
fn a_log_in_a_database_is_backed_up_by_what_the_database_has_for_it() {
    let folder = set();
    let folder = folder.path();
    fs::write(folder.join("countersign.toml"), "[data]\ndatabase = \"env:NOBODY_HAS_IT\"\n")
        .expect("it is written");
    let words = refused(folder, &["backup", "create", "one.backup"], 3);
    assert!(words.contains("lies in the database") && words.contains("pg_dump"), "{words}");
}

#[test]
fn an_earlier_log_is_restored_up_to_an_entry() {
    let folder = set();
    let folder = folder.path();
    said(folder, &["backup", "create", "one.backup"]);
    let restored = said(folder, &["backup", "restore", "one.backup", "--data", "then", "--at", "120"]);
    assert_eq!((&restored["entries"], &restored["of"]), (&120.into(), &ENTRIES.into()));
    let verified = said(folder, &["audit", "verify", "--data", "then"]);
    assert_eq!(verified["entries"], 120);
    // What was written up to there is what the whole log begins with.
    countersign(folder, &["audit", "key", "acme.example/approvals", "log.key"]);
    let public = String::from_utf8(
        countersign(folder, &["audit", "key", "acme.example/approvals", "other.key"]).stdout,
    );
    fs::write(folder.join("then.checkpoint"), checkpoint_by(folder, "then", "other.key"))
        .expect("it is written");
    let public = public.expect("text");
    let since = ["backup", "verify", "one.backup", "--since", "then.checkpoint", "--public", public.trim()];
    assert_eq!(said(folder, &since)["extends"], 120);
    // Of a backup that is older than a noted checkpoint that is said, and so it is of another log.
    said(folder, &["backup", "create", "older.backup", "--data", "then"]);
    fs::write(folder.join("now.checkpoint"), checkpoint_by(folder, "data", "other.key"))
        .expect("it is written");
    let words = refused(
        folder,
        &["backup", "verify", "older.backup", "--since", "now.checkpoint", "--public", public.trim()],
        1,
    );
    assert!(words.contains("has 120 entries and had 300 at the noted checkpoint"), "{words}");
}

fn checkpoint_by(folder: &Path, data: &str, key: &str) -> Vec<u8> {
    countersign(folder, &["audit", "checkpoint", "--key", key, "--data", data]).stdout
}

#[test]
fn a_log_that_grows_meanwhile_is_backed_up_whole_each_time() {
    let folder = set();
    let folder = folder.path();
    let store = LocalStore::open(Options { segment_bytes: 32 * 1024, ..Options::at(folder.join("data")) })
        .expect("it opens");
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let growing = threads.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let mut number = ENTRIES;
            while !over.load(Ordering::Relaxed) {
                runtime.block_on(append(&store, number, 500));
                number += 1;
            }
            number
        });
        let mut before = 0;
        for number in 0..20 {
            let made = said(folder, &["backup", "create", &format!("{number}.backup")]);
            let entries = made["entries"].as_u64().expect("a number");
            assert!(before < entries, "backup {number} has {entries} entries after {before}");
            before = entries;
        }
        over.store(true, Ordering::Relaxed);
        let entries = growing.join().expect("it grows");
        assert!(before <= entries);
    });
    let made = said(folder, &["backup", "verify", "19.backup"]);
    assert!(ENTRIES < made["entries"].as_u64().expect("a number"));
}

#[test]
fn whoever_is_killed_in_the_middle_leaves_nothing_that_goes_for_a_backup_or_for_a_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    data(folder, LARGE_ENTRIES, LARGE_BYTES);
    let mut whole = 0;
    for kill in 0..KILLS {
        let name = format!("{kill}.backup");
        let draft = format!("{name}.");
        let child = begun(folder, &["backup", "create", &name, "--data", "data"]);
        killed(child, kill, || listed(folder).iter().any(|found| found.starts_with(&draft)));
        if folder.join(&name).exists() {
            said(folder, &["backup", "verify", &name]);
            whole += 1;
        } else {
            // What is left of it does not go for one under any name.
            for left in listed(folder).iter().filter(|found| found.starts_with(&draft)) {
                let output = countersign(folder, &["backup", "verify", left, "--json"]);
                if output.status.success() {
                    let verified: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
                    assert_eq!(verified["entries"], LARGE_ENTRIES, "it was whole, and had no name yet");
                }
            }
        }
    }
    assert!(whole < KILLS, "nobody was killed while it wrote");
    said(folder, &["backup", "create", "whole.backup", "--data", "data"]);
    let mut half = 0;
    for kill in 0..KILLS {
        let name = format!("new{kill}");
        let place = folder.join(&name);
        let child = begun(folder, &["backup", "restore", "whole.backup", "--data", &name]);
        killed(child, kill, || place.join("RESTORING").exists() || place.join("RESTORED").exists());
        if place.join("RESTORED").exists() {
            assert_eq!(said(folder, &["audit", "verify", "--data", &name])["entries"], LARGE_ENTRIES);
            continue;
        }
        half += 1;
        let words = refused(folder, &["audit", "verify", "--data", &name], 3);
        assert!(words.contains("was stopped in the middle"), "{words}");
        let words = refused(folder, &["backup", "restore", "whole.backup", "--data", &name], 3);
        assert!(words.contains("empty the folder"), "{words}");
    }
    assert!(0 < half, "nobody was killed while it restored");
}

/// Kills a process some moments after something is there that it makes.
fn killed(mut child: Child, moments: u64, is_there: impl Fn() -> bool) {
    while !is_there() && child.try_wait().expect("it is asked").is_none() {
        std::thread::sleep(Duration::from_micros(500));
    }
    std::thread::sleep(Duration::from_millis(moments * moments / 2));
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().expect("it ends");
}

/// The names in a folder.
fn listed(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is read");
    entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect()
}
