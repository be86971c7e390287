//! What the machine itself can do: the raw sync rate of the disk.

use crate::figures::{Report, micros, percentile};
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// How long the disk is measured.
const DISK_SECONDS: u64 = 3;
/// About one commit.
const RECORD_BYTES: usize = 600;

/// Appends and syncs one record after the other.
pub(crate) fn disk(report: &mut Report) -> anyhow::Result<()> {
    let (rate, median) = raw_sync()?;
    report.row("raw append of 600 B + fdatasync", format!("{rate:.0}/s"), format!("p50 {}", micros(median)));
    Ok(())
}

/// Syncs a second, and the median time of one.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn raw_sync() -> anyhow::Result<(f64, Duration)> {
    let folder = tempfile::tempdir_in(bench_folder())?;
    let mut file = File::create(folder.path().join("yardstick"))?;
    let record = [7_u8; RECORD_BYTES];
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < Duration::from_secs(DISK_SECONDS) {
        let start = Instant::now();
        file.write_all(&record)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort();
    Ok((rate, percentile(&times, 50)))
}

/// A folder on a real disk: `/tmp` may be memory.
pub(crate) fn bench_folder() -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}
