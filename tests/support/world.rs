//! A world for the suites: the shipped rules, and a clock that runs.

use anyhow::Context as _;
use countersign_connectors::{OperatorGrant, Runtime, RuntimeOptions, Trust};
use countersign_core::document::SourceFile;
use countersign_core::effect::key::InstallKey;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::clock::Clock;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// When the wall clock was first asked how long something has been going on.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// The wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock port")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock port")]
    fn passed(&self) -> Millis {
        let since = STARTED.get_or_init(Instant::now).elapsed();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        let wait = Duration::from_millis(moment.since(self.now()).0);
        Box::pin(tokio::time::sleep(wait))
    }
}

/// The machine's clock, which can be turned forward.
#[derive(Debug, Default)]
pub struct TurnedClock {
    ahead: AtomicI64,
    turned: Notify,
}

impl TurnedClock {
    /// Turns it so far.
    pub fn turn(&self, length: Millis) {
        self.ahead.fetch_add(i64::try_from(length.0).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.turned.notify_waiters();
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        Timestamp(RealClock.now().0.saturating_add(self.ahead.load(Ordering::SeqCst)))
    }

    fn passed(&self) -> Millis {
        let ahead = u64::try_from(self.ahead.load(Ordering::SeqCst)).unwrap_or(0);
        Millis(RealClock.passed().0.saturating_add(ahead))
    }

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        Box::pin(async move {
            loop {
                let turned = self.turned.notified();
                tokio::pin!(turned);
                turned.as_mut().enable();
                let wait = Duration::from_millis(moment.since(self.now()).0);
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(wait) => return,
                    () = turned => {}
                }
            }
        })
    }
}

/// A runtime in a folder that takes every component, whatever it wants and whoever signed it.
///
/// # Errors
/// It does not start, or the folder cannot be used.
pub fn runtime(folder: &Path) -> anyhow::Result<Runtime> {
    Ok(Runtime::new(RuntimeOptions {
        folder: folder.to_owned(),
        install_key: InstallKey::new([7; 32]),
        cache_key: [9; 32],
        clock: Arc::new(RealClock),
        grant: OperatorGrant::everything(),
        trust: Trust::everything(),
        compiler: None,
        witness: None,
    })?)
}

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// The rule files of a folder, as `Rulebook::load` wants them.
///
/// # Errors
/// If a file cannot be read.
pub fn source_files(folder: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for (sub, ending) in [("intents", ".intent.md"), ("policies", ".policy.md"), ("", ".md")] {
        let Ok(entries) = std::fs::read_dir(folder.join(sub)) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_file() && name.ends_with(ending) {
                let shown = if sub.is_empty() { name } else { format!("{sub}/{name}") };
                files.push(SourceFile { path: shown, text: std::fs::read_to_string(&path)? });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The rules that `countersign init` writes.
///
/// # Errors
/// If they do not check; then the product is broken.
pub fn starter() -> anyhow::Result<Rulebook> {
    let files = source_files(&root().join("host/cli/starter"))?;
    Rulebook::load(&files).map_err(|faults| anyhow::anyhow!("the starter rules do not check: {faults:#?}"))
}

/// The program under test, which lies beside the folder of the running test.
///
/// # Errors
/// If it was not built.
pub fn program() -> anyhow::Result<PathBuf> {
    let ours = std::env::current_exe()?;
    let beside = ours.ancestors().nth(2).context("a test lies in a target folder")?.join("countersign");
    if !beside.is_file() {
        anyhow::bail!("`{}` is not there: run `cargo build -p countersign`", beside.display());
    }
    Ok(beside)
}

/// `people.md` with a column of weights, of which one pool has some.
#[must_use]
pub fn weighed(text: &str, pool: &str, weights: &str) -> String {
    with_column(text, "weights", pool, weights)
}

/// `people.md` with one more column of its pools, in which one of them has something.
#[must_use]
pub fn with_column(text: &str, column: &str, pool: &str, said: &str) -> String {
    let mut pools = false;
    let line = |line: &str| {
        pools = if line.starts_with("## ") { line == "## Pools" } else { pools };
        let cell = match line {
            line if !pools || !line.starts_with('|') => return format!("{line}\n"),
            line if line.starts_with("| pool ") => format!(" {column} |"),
            line if line.starts_with("|--") => "---|".to_owned(),
            line if line.starts_with(&format!("| {pool} ")) => format!(" {said} |"),
            _ => " |".to_owned(),
        };
        format!("{line}{cell}\n")
    };
    text.lines().map(line).collect()
}
