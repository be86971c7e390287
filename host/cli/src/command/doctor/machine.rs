//! The machine below a host: its clock, its disk, who may read its files.

use super::Finding;
use crate::wire::{INSTALL_KEY_FILE, SystemClock, TOKENS_FILE};
use countersign_engine::port::clock::Clock as _;
use countersign_store_local::FREE_BYTES_MIN;
use countersign_store_local::disk::{Disk as _, RealDisk};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// A clock that is before this moment, the beginning of 2026, was never set.
const CLOCK_MS_MIN: i64 = 1_767_225_600_000;
/// Flushes that are measured: enough for a median that does not jump.
const FLUSHES: usize = 21;
/// Bytes that are flushed each time: about one approval's entry.
const FLUSH_BYTES: usize = 4_096;
/// Every command waits for one flush: from here on people and programs notice.
const FLUSH_MS_MAX: u128 = 20;
/// Faster than any disk that really keeps what it confirms.
const FLUSH_US_MIN: u128 = 15;
/// Bits of a file mode that let others than the owner do anything.
const OTHERS: u32 = 0o077;

/// Whether the clock was ever set.
pub(super) fn clock() -> Finding {
    let now = SystemClock.now();
    if now.0 < CLOCK_MS_MIN {
        return Finding::wrong("clock", now.to_string(), "set the clock, and keep it set with an NTP client");
    }
    Finding::fine("clock", now.to_string())
}

/// How long the disk below a folder takes to keep 4 KiB, as the log asks it to.
pub(super) fn flush(folder: &Path) -> Finding {
    match flushed(folder) {
        Ok(times) => judged(&times),
        Err(fault) => {
            let found = format!("`{}` cannot be written: {fault}", folder.display());
            Finding::wrong("disk flush", found, "give the host's user a folder that it may write")
        }
    }
}

fn flushed(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        #[expect(clippy::disallowed_methods, reason = "a measurement for the operator, kept nowhere")]
        let begun = std::time::Instant::now();
        file.write_all(&[0; FLUSH_BYTES])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}

/// Sorted times as a finding.
fn judged(times: &[Duration]) -> Finding {
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let most = times.last().copied().unwrap_or_default();
    let found = format!("{} us in the middle, {} us at most", median.as_micros(), most.as_micros());
    if median.as_millis() >= FLUSH_MS_MAX {
        return Finding::odd(
            "disk flush",
            found,
            "put the data folder on a faster disk: every command waits for it",
        );
    }
    if median.as_micros() < FLUSH_US_MIN {
        let help =
            "see that the data folder is on a disk: this one may forget what it confirms when power fails";
        return Finding::odd("disk flush", found, help);
    }
    Finding::fine("disk flush", found)
}

/// Whether there is room for the log to grow.
pub(super) fn space(data: &Path) -> Finding {
    match RealDisk.free_bytes(data) {
        Ok(free) if free < FREE_BYTES_MIN => {
            let found = format!("{} MiB free: the host refuses to write", free >> 20);
            Finding::wrong("disk space", found, "free space, or move the data folder to a larger disk")
        }
        Ok(free) => Finding::fine("disk space", format!("{} MiB free", free >> 20)),
        Err(fault) => Finding::wrong("disk space", fault.to_string(), "look at the disk of the data folder"),
    }
}

/// Whether only their owner can read the data folder and the secrets in it.
pub(super) fn modes(data: &Path) -> Vec<Finding> {
    let files = [INSTALL_KEY_FILE, TOKENS_FILE].map(|name| data.join(name));
    let places = [data.to_owned()].into_iter().chain(files).filter(|place| place.exists());
    let mut findings: Vec<Finding> = places.filter_map(|place| mode(&place)).collect();
    if findings.is_empty() {
        findings.push(Finding::fine("file modes", "only the owner reads the data folder"));
    }
    findings
}

/// What is wrong with who may read a place.
fn mode(place: &Path) -> Option<Finding> {
    let shown = place.display();
    match std::fs::metadata(place) {
        Ok(about) => {
            let mode = about.permissions().mode() & 0o7777;
            let found = format!("`{shown}` has mode {mode:o}: others can read it");
            let help = format!("chmod go-rwx {shown}");
            (mode & OTHERS != 0).then(|| Finding::wrong("file modes", found, &help))
        }
        Err(fault) => {
            let found = format!("`{shown}` cannot be looked at: {fault}");
            Some(Finding::wrong("file modes", found, "run this as the host's user"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use std::fs::{self, Permissions};

    #[test]
    fn a_flush_is_judged_by_its_median() {
        let check = |micros: [u64; 3], expected: State| {
            assert_eq!(judged(&micros.map(Duration::from_micros)).state, expected, "{micros:?}");
        };
        check([80, 900, 400_000], State::Fine);
        check([80, 20_000, 20_001], State::Odd);
        check([1, 2, 90_000], State::Odd);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_a_way_out() {
        let found = flush(Path::new("/nowhere/at/all"));
        assert_eq!(found.state, State::Wrong);
        assert!(found.found.contains("/nowhere/at/all") && found.help.is_some(), "{found:?}");
    }

    #[test]
    fn a_secret_that_others_can_read_is_named_with_the_command_that_helps() {
        let data = tempfile::tempdir().expect("a folder");
        fs::set_permissions(data.path(), Permissions::from_mode(0o700)).expect("it is set");
        assert_eq!(modes(data.path()).first().map(|finding| finding.state), Some(State::Fine));
        let key = data.path().join(INSTALL_KEY_FILE);
        fs::write(&key, "secret").expect("a file");
        fs::set_permissions(&key, Permissions::from_mode(0o640)).expect("it is set");
        let found = modes(data.path());
        let help = format!("chmod go-rwx {}", key.display());
        assert_eq!(found.iter().map(|finding| finding.help.clone()).collect::<Vec<_>>(), [Some(help)]);
    }
}
