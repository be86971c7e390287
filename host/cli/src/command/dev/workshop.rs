//! Connectors that are written while the host runs: built anew when their source changes, in force as soon as they are
//! built, and each request to their targets shown.

use crate::build::{self, BuiltConnector, Pace};
use crate::command::connector::short;
use crate::output::{self, Progress, plain};
use anyhow::{Context as _, Result};
use countersign_connectors::{Exchange, Witness};
use countersign_core::connector::{Change, State};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectorId, PersonId};
use countersign_engine::engine::Engine;
use countersign_engine::port::catalogue::Evidence;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Wait between two looks at the source, in milliseconds.
const LOOK_MS: u64 = 200;
/// Most files and folders of one source that are looked at.
const FILES_MAX: usize = 10_000;
/// Most builds of one run that are kept: what an older one has planned is still done by it.
const BUILDS_KEPT: usize = 8;
/// Longest body and query that are shown, in characters.
const SHOWN_CHARS_MAX: usize = 200;
/// What tools make there.
const MADE: [&str; 6] = ["target", "node_modules", "__pycache__", "dist", ".git", ".venv"];

/// The sources that are followed.
pub(super) struct Workshop {
    sources: Vec<Source>,
    /// Where components go: what `connector build` makes stays as it is.
    out: PathBuf,
}

struct Source {
    folder: PathBuf,
    seen: Seen,
    /// Whether it was said that it has more than is looked at.
    is_large: bool,
    /// What was added of it in this run, oldest first.
    added: Vec<(ConnectorId, Digest)>,
}

/// A source at one moment: each file of it, by its place.
///
/// A file that is put in the place of another one can be older than that, and as large: it is another one on the disk.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    files: BTreeMap<PathBuf, Stamp>,
    /// Whether there are more than are looked at.
    is_cut: bool,
}

/// What tells a file from the one that was there before.
#[derive(PartialEq, Eq)]
struct Stamp {
    size: u64,
    changed: Option<SystemTime>,
    device: u64,
    inode: u64,
}

impl Workshop {
    /// Follows the connectors in `folders`; `out` is a folder for what is built.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(super) fn new(folders: &[PathBuf], out: PathBuf) -> Result<Workshop> {
        let source = |folder: &PathBuf| {
            let folder = folder.canonicalize().with_context(|| {
                format!("there is no folder `{}`; `--connector` names one with a connector", folder.display())
            })?;
            let mut source = Source { seen: seen(&folder)?, folder, is_large: false, added: Vec::new() };
            source.say_if_large();
            Ok(source)
        };
        Ok(Workshop { sources: folders.iter().map(source).collect::<Result<_>>()?, out })
    }

    /// Builds all of them, each as far as it can be built; gives the files.
    pub(super) fn first(&mut self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for source in &mut self.sources {
            match built(&source.folder, &self.out) {
                Ok(built) => files.extend(built.into_iter().map(|built| built.file)),
                Err(fault) => say_fault(&source.folder, &fault),
            }
        }
        files
    }

    /// Builds whatever changes, and has the host use it, in the name of `by`.
    pub(super) async fn follow(mut self, engine: &Engine, by: &PersonId) -> Infallible {
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            for source in &mut self.sources {
                // A file that is being replaced can be missing for a moment: the next look finds it.
                let Ok(now) = seen(&source.folder) else { continue };
                if now == source.seen {
                    continue;
                }
                source.seen = now;
                source.say_if_large();
                if let Err(fault) = source.again(engine, by, &self.out).await {
                    say_fault(&source.folder, &fault);
                }
            }
        }
    }
}

impl Source {
    /// Says once that a change may not be seen.
    fn say_if_large(&mut self) {
        if self.seen.is_cut && !self.is_large {
            self.is_large = true;
            output::say(&plain(&format!(
                "`{}` has more than {FILES_MAX} files, and a change in the others is not seen: keep what is not source elsewhere, \
                 or in a folder called {}, which nobody looks into",
                self.folder.display(),
                MADE.map(|name| format!("`{name}`")).join(", "),
            )));
        }
    }

    async fn again(&mut self, engine: &Engine, by: &PersonId, out: &Path) -> Result<()> {
        let (folder, out) = (self.folder.clone(), out.to_owned());
        let built = tokio::task::spawn_blocking(move || built(&folder, &out)).await??;
        for one in built {
            let bytes = std::fs::read(&one.file)
                .with_context(|| format!("`{}` cannot be read", one.file.display()))?;
            let (why, now) = ((by, "its source has changed"), Digest::of(&bytes));
            // A change that changes nothing, such as a comment.
            if self.serves(engine, &one, &now).await? {
                continue;
            }
            let added = engine.add_connector((bytes, Evidence::default()), false, why, None).await?;
            let (id, digest) = (added.connector, added.digest);
            match added.record.builds.get(&digest).map(|known| added.record.state(known)) {
                Some(State::Active | State::Tried) => {
                    output::say(&plain(&format!(
                        "{id} is built anew and serves ({})",
                        short(&digest.to_string())
                    )));
                }
                _ => {
                    let widens =
                        added.record.builds.get(&digest).map(|known| added.record.widens(&known.build));
                    output::say(&plain(&format!(
                        "{id} is built anew and asks for more than was granted; start `countersign dev` again to grant it"
                    )));
                    for want in widens.into_iter().flatten() {
                        output::say(&plain(&format!("  {want}")));
                    }
                }
            }
            self.added.retain(|(_, known)| *known != digest);
            self.added.push((id, digest));
        }
        self.tidy(engine, by).await
    }

    async fn serves(&self, engine: &Engine, built: &BuiltConnector, digest: &Digest) -> Result<bool> {
        let record = engine.connector(&ConnectorId::parse(built.id())?).await?;
        let known = record.builds.get(digest);
        Ok(known.is_some_and(|known| matches!(record.state(known), State::Active | State::Tried)))
    }

    /// Takes the oldest builds away that serve nothing any more.
    async fn tidy(&mut self, engine: &Engine, by: &PersonId) -> Result<()> {
        while BUILDS_KEPT < self.added.len() {
            let (id, digest) = self.added.remove(0);
            let record = engine.connector(&id).await?;
            if record.builds.get(&digest).map(|known| record.state(known)) == Some(State::Staged) {
                engine
                    .change_connector(&id, &Change::Remove(digest), (by, "newer ones are there"), None)
                    .await?;
            }
        }
        Ok(())
    }
}

fn built(folder: &Path, out: &Path) -> Result<Vec<BuiltConnector>> {
    let progress = Progress::begin(false);
    let built = build::build_at(Pace::Quick, folder, out, &|text| progress.now(text));
    progress.end();
    built
}

fn say_fault(folder: &Path, fault: &anyhow::Error) {
    output::say(&format!(
        "`{}` is not built, and what was there serves on:",
        plain(&folder.display().to_string())
    ));
    // What a compiler says has lines.
    for line in format!("{fault:#}").lines() {
        output::say(&format!("  {}", plain(line)));
    }
}

/// Looks at a source. Links are followed; a folder that is reached twice is looked into once, so that a link upwards ends.
fn seen(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut folders = vec![folder.to_owned()];
    let mut looked_into = BTreeSet::new();
    let mut looked_at = 0_usize;
    while let Some(folder) = folders.pop() {
        let about = std::fs::metadata(&folder)?;
        if !looked_into.insert((about.dev(), about.ino())) {
            continue;
        }
        let mut places = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if MADE.iter().any(|made| entry.file_name() == OsStr::new(made)) {
                continue;
            }
            looked_at += 1;
            if FILES_MAX < looked_at {
                seen.is_cut = true;
                return Ok(seen);
            }
            places.push(entry.path());
        }
        // In one order each time: where the limit cuts, it cuts at the same place.
        places.sort();
        for place in places {
            match std::fs::metadata(&place) {
                Ok(about) if about.is_dir() => folders.push(place),
                Ok(about) => {
                    let (device, inode) = (about.dev(), about.ino());
                    let stamp = Stamp { size: about.len(), changed: about.modified().ok(), device, inode };
                    seen.files.insert(place, stamp);
                }
                // A link to nothing, as editors make them, or gone meanwhile.
                Err(fault) if fault.kind() == ErrorKind::NotFound => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }
    Ok(seen)
}

/// Shows every request of a connector, and what it says to operators.
pub(super) struct Shown;

impl Witness for Shown {
    fn exchanged(&self, exchange: Exchange) {
        output::say(&plain(&line(&exchange)));
    }

    fn said(&self, line: &str) {
        output::say(&plain(&format!("says {line}")));
    }
}

/// A request in one line: what was asked, as which step, and what was answered.
fn line(exchange: &Exchange) -> String {
    let Exchange { endpoint, method, path, query, body, step, answer, .. } = exchange;
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", shortened(&query.join("&"))) };
    let step = step.as_ref().map(|step| format!(" [step {step}]")).unwrap_or_default();
    let sent = if body.is_empty() { String::new() } else { format!(" {}", shown(body)) };
    let came = match answer {
        Ok(answered) if answered.body.is_empty() => answered.status.to_string(),
        Ok(answered) => format!("{} {}", answered.status, shown(&answered.body)),
        Err(failure) => format!("{} {}: {}", failure.case(), failure.detail().code, failure.detail().message),
    };
    format!("{endpoint}: {method} {path}{query}{step}{sent} -> {came}")
}

fn shown(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => shortened(text),
        Err(_) => format!("{} bytes", body.len()),
    }
}

fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_connectors::Answered;
    use countersign_core::effect::attempt::{Detail, Failure};

    #[test]
    fn a_request_is_one_line() {
        let exchange = |step: Option<&str>, answer| Exchange {
            endpoint: "api".into(),
            method: "POST",
            path: "/orders/7".into(),
            query: vec![("a".into(), "1".into())],
            headers: Vec::new(),
            body: b"{\n  \"a\": 1\n}".to_vec(),
            step: step.map(str::to_owned),
            answer,
        };
        let answered = Answered { status: 200, headers: Vec::new(), body: vec![b'x'; 300] };
        let expected =
            format!("api: POST /orders/7?a=1 [step cancel] {{ \"a\": 1 }} -> 200 {}…", "x".repeat(200));
        assert_eq!(line(&exchange(Some("cancel"), Ok(answered))), expected);
        let answered = Answered { status: 204, headers: Vec::new(), body: Vec::new() };
        assert_eq!(line(&exchange(None, Ok(answered))), "api: POST /orders/7?a=1 { \"a\": 1 } -> 204");
        let failed = Failure::Uncertain(Detail::new("unanswered", "it did not answer"));
        let expected = "api: POST /orders/7?a=1 { \"a\": 1 } -> uncertain unanswered: it did not answer";
        assert_eq!(line(&exchange(None, Err(failed))), expected);
    }

    #[test]
    fn a_source_has_changed_when_a_file_has_and_not_what_tools_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |file: &str| {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, "x").expect("it is written");
        };
        let now = || seen(folder.path()).expect("it is read");
        write("src/lib.rs");
        let first = now();
        write("target/x/lib.wasm");
        write("node_modules/y/index.js");
        assert!(now() == first, "what tools make is not looked at");
        write("src/other.rs");
        let second = now();
        assert!(second != first, "a file was added");
        std::fs::remove_file(folder.path().join("src/other.rs")).expect("it is removed");
        assert!(now() == first, "it is as it was");
    }

    #[test]
    fn a_file_in_the_place_of_another_is_a_change_although_it_is_older_and_as_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |file: &str| folder.path().join(file);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let write = |file: &str, text: &str, changed: SystemTime| {
            std::fs::write(at(file), text).expect("it is written");
            let file = std::fs::File::options().write(true).open(at(file)).expect("it is there");
            file.set_modified(changed).expect("it is set");
        };
        std::fs::create_dir(at("it")).expect("a folder");
        let now = || seen(&at("it")).expect("it is read");
        write("it/lib.rs", "one", SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000));
        write("it/newest.rs", "newest", SystemTime::UNIX_EPOCH + Duration::from_secs(3_000_000));
        let first = now();
        write("it/lib.rs", "two", old);
        assert!(now() != first, "a time that lies before is another one");
        let second = now();
        write("kept", "six", old);
        std::fs::rename(at("kept"), at("it/lib.rs")).expect("it is replaced");
        assert!(now() != second, "as large and as old, and another file");
    }

    #[test]
    fn links_are_followed_and_one_that_leads_upwards_ends() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let at = |file: &str| folder.path().join(file);
        for name in ["it", "shared"] {
            std::fs::create_dir(at(name)).expect("a folder");
        }
        std::fs::write(at("shared/lib.rs"), "one").expect("it is written");
        symlink(at("shared"), at("it/shared")).expect("a link");
        symlink(at("it"), at("it/again")).expect("a link");
        symlink(at("nothing"), at("it/.#lib.rs")).expect("a link");
        let now = || seen(&at("it")).expect("it is read");
        let first = now();
        assert_eq!(first.files.len(), 1);
        std::fs::write(at("shared/lib.rs"), "another").expect("it is written");
        assert!(now() != first, "what a link leads to is source");
    }

    #[test]
    fn a_folder_with_more_files_than_are_looked_at_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..=FILES_MAX {
            std::fs::write(folder.path().join(number.to_string()), "").expect("it is written");
        }
        assert!(seen(folder.path()).expect("it is read").is_cut);
        std::fs::remove_file(folder.path().join("0")).expect("it is removed");
        let now = seen(folder.path()).expect("it is read");
        assert!(!now.is_cut && now.files.len() == FILES_MAX);
    }
}
