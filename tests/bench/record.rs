//! What it takes to check a log, and to prove one entry of it.

use crate::decisions::{engine, tokens};
use crate::figures::{Report, micros, millis, percentile};
use crate::yardstick::bench_folder;
use anyhow::Context as _;
use countersign_core::hash::Digest;
use countersign_core::id::IntentId;
use countersign_core::log::note::{Note, VerifierKey};
use countersign_core::log::proof::Proof;
use countersign_engine::engine::Submission;
use countersign_engine::log_tree::LogTree;
use countersign_engine::people::Record;
use countersign_engine::port::store::Store as _;
use countersign_store_local::{LocalStore, Options, TreeFile};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Intents that the log is filled with.
const INTENTS: usize = 50_000;
/// How many are asked for at one time.
const AT_ONCE: usize = 256;
/// Entries that are proved, spread over the log.
const PROOFS: usize = 2_000;
/// Times that the whole log is checked.
const CHECKS: usize = 3;

/// Decides intents until the log is long enough, and says which.
#[expect(clippy::disallowed_methods, reason = "callers of a benchmark end by themselves")]
async fn filled(store: &Arc<LocalStore>) -> anyhow::Result<Vec<IntentId>> {
    let engine = engine(store, Record::default(), 7)?;
    let callers = (0..AT_ONCE).map(|caller| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut asked = Vec::new();
            for number in (caller..INTENTS).step_by(AT_ONCE) {
                let submission = Submission {
                    requester: "ae-1".to_owned(),
                    intent_type: "plain".to_owned(),
                    tokens: tokens(number),
                    key: None,
                };
                asked.push(engine.submit(submission).await?.approval.intent.id);
            }
            anyhow::Ok(asked)
        })
    });
    let mut asked = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        asked.extend(caller.await??);
    }
    engine.stop().await;
    Ok(asked)
}

/// Nanoseconds of SHA-256 over as many bytes as the log has on disk: less can no check of it cost.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn hashed(folder: &Path) -> anyhow::Result<(u64, Duration)> {
    let mut took = Duration::ZERO;
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        let content = std::fs::read(file?.path())?;
        let begun = Instant::now();
        std::hint::black_box(Digest::of(&content));
        took += begun.elapsed();
        bytes += content.len() as u64;
    }
    Ok((bytes, took))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn verified(report: &mut Report, store: &LocalStore, folder: &Path) -> anyhow::Result<()> {
    let mut times = Vec::new();
    let mut entries = 0;
    for _ in 0..CHECKS {
        let begun = Instant::now();
        entries = store.verify(&|_, _| {}).await.map_err(|fault| anyhow::anyhow!("{fault}"))?.entries;
        times.push(begun.elapsed());
    }
    times.sort();
    let took = percentile(&times, 50);
    let (bytes, hashing) = hashed(&folder.join("log"))?;
    report.row(
        "verifying a log",
        format!("{:.0} entries/s", entries as f64 / took.as_secs_f64()),
        format!(
            "{entries} entries of {:.0} B on disk in {}, on one core; SHA-256 over the same bytes {}",
            bytes as f64 / entries as f64,
            millis(took),
            millis(hashing)
        ),
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn proved(report: &mut Report, tree: &LogTree, asked: &[IntentId]) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (size, _) = tree.checkpoint().await.map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let built = begun.elapsed();
    let key = VerifierKey::of("example.com/countersign", [7; 32]).context("a name of a log")?;
    let mut times = Vec::new();
    let mut longest = 0;
    for intent in asked.iter().step_by(asked.len().div_ceil(PROOFS)) {
        let begun = Instant::now();
        let proved = tree.prove(&intent.to_string(), 1).await.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        times.push(begun.elapsed());
        let proved = proved.context("it is in the log")?;
        let note = Note::of(proved.size, proved.root, &key, |_| [7; 64]);
        let proof = Proof { leaf: proved.leaf, index: proved.index, path: proved.path, note };
        longest = longest.max(proof.to_text().len());
    }
    times.sort();
    report.row(
        "proof of one entry",
        micros(percentile(&times, 50)),
        format!(
            "p99 {}; the longest of {} has {longest} B; the tree over {size} entries made in {}",
            micros(percentile(&times, 99)),
            times.len(),
            millis(built)
        ),
    );
    Ok(())
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(bench_folder())?;
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Arc::new(LocalStore::open(Options::at(data.clone()))?);
        let asked = filled(&store).await?;
        verified(report, &store, &data).await?;
        let tree = LogTree::of(store.clone(), Arc::new(TreeFile::open(&data.join("tree"))?));
        proved(report, &tree, &asked).await
    })
}
