//! The data folder: its layout, its owner, and how it was left.
//!
//! ```text
//! LOCK            held with flock by the one process that uses the folder; names it
//! log/            segments: the truth
//! index/          sled: can be rebuilt from the log
//! index.broken/   an index that was moved aside, for somebody to look at; may be deleted
//! STATE           how the folder was left: open or clean, in which boot of the machine
//! ```
//! LOCK and STATE are lines of `word value`, the first of them `format 4`.

use crate::disk::{self, Disk};
use crate::fault::{FORMAT_VERSION, FORMAT_VERSION_MIN, INDEX_VERSION, io_fault};
use crate::index::FORMAT_FILE;
use crate::segment::{HEADER_BYTES, version_of};
use countersign_core::hash::Digest;
use countersign_engine::port::store::StoreFault;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Paths of one data folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// How the folder was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Which start of the machine wrote this; empty if the machine does not say.
    pub(crate) boot: String,
    /// End of the log at a clean stop: its position and head. `None` while it is open.
    pub(crate) clean: Option<(u64, Digest)>,
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// How many times the folder was opened, this time included.
    pub(crate) epoch: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child process that is being started has every open file until it runs its program, and with it the lock:
        // closing alone would leave the folder in use for that moment. If this fails, closing is what is left.
        drop(self.file.unlock());
    }
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Folder {
        Folder { root }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    fn state_file(&self) -> PathBuf {
        self.root.join("STATE")
    }

    /// Refuses a folder that would lie on a network file system.
    pub(crate) fn check_local(&self) -> Result<(), StoreFault> {
        let Some(there) = self.root.ancestors().find(|folder| folder.exists()) else { return Ok(()) };
        match disk::network_kind(there).map_err(|error| io_fault("examine", there, &error))? {
            None => Ok(()),
            Some(kind) => Err(StoreFault::Io(format!(
                "`{}` lies on a network file system ({kind}), which may not keep what it confirms; choose a local \
                 disk, or say that this one can be trusted",
                self.root.display()
            ))),
        }
    }

    /// Creates what is missing.
    pub(crate) fn create(&self) -> Result<(), StoreFault> {
        let fresh = !self.root.exists();
        let log = self.log();
        disk::create_folder(&log).map_err(|error| io_fault("create", &log, &error))?;
        // A folder is durable once its name in the folder above is.
        let above = self.root.ancestors().skip(1).take_while(|_| fresh);
        for folder in std::iter::once(&*self.root).chain(above) {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            disk::sync_folder(folder).map_err(|error| io_fault("sync", folder, &error))?;
        }
        Ok(())
    }

    /// Looks at the version of every file before anything is touched.
    ///
    /// # Errors
    /// [`StoreFault::Version`] for the first file that another version wrote.
    pub(crate) fn check_versions(&self, disk: &dyn Disk) -> Result<(), StoreFault> {
        for path in [self.lock_file(), self.state_file()] {
            known(version_in(&path)?)?;
        }
        if let Some(found) = self.index_version()?.filter(|found| INDEX_VERSION < *found) {
            return Err(StoreFault::Version { found, known: INDEX_VERSION });
        }
        let log = self.log();
        if !log.exists() {
            return Ok(());
        }
        for name in disk.list(&log).map_err(|error| io_fault("list", &log, &error))? {
            let path = log.join(name);
            let file = disk.open(&path).map_err(|error| io_fault("open", &path, &error))?;
            let length = file.length().map_err(|error| io_fault("measure", &path, &error))?;
            if length >= HEADER_BYTES as u64 {
                let mut header = [0; HEADER_BYTES];
                file.read_exact_at(&mut header, 0).map_err(|error| io_fault("read", &path, &error))?;
                known(version_of(&header))?;
            }
        }
        Ok(())
    }

    /// The format of the index, if the folder says it.
    pub(crate) fn index_version(&self) -> Result<Option<u32>, StoreFault> {
        version_in(&self.index().join(FORMAT_FILE))
    }

    /// Takes the lock and, if the disk has room for more, writes who holds it.
    ///
    /// # Errors
    /// [`StoreFault::InUse`]; what `has_room` says; what the operating system says. Nothing is changed
    /// then.
    pub(crate) fn lock(&self, has_room: impl FnOnce() -> Result<(), StoreFault>) -> Result<Lock, StoreFault> {
        let path = self.lock_file();
        let file = disk::open_or_create(&path).map_err(|error| io_fault("open", &path, &error))?;
        let text =
            disk::read_text(&path).map_err(|error| io_fault("read", &path, &error))?.unwrap_or_default();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreFault::InUse(owner(&text))),
            Err(TryLockError::Error(error)) => return Err(io_fault("lock", &path, &error)),
        }
        has_room()?;
        let epoch = word(&text, "epoch").and_then(|epoch| epoch.parse::<u64>().ok()).unwrap_or(0) + 1;
        let text = format!(
            "format {FORMAT_VERSION}\nepoch {epoch}\npid {}\nhost {}\n",
            std::process::id(),
            system("/proc/sys/kernel/hostname")
        );
        let write = || {
            // Never empty in between: a stop there would forget the epoch.
            file.write_all_at(text.as_bytes(), 0)?;
            file.set_len(text.len() as u64)?;
            file.sync_all()
        };
        write().map_err(|error| io_fault("write", &path, &error))?;
        Ok(Lock { file, epoch })
    }

    /// How the folder was left; `None` if nobody left it in a state that reads.
    pub(crate) fn state(&self) -> Result<Option<State>, StoreFault> {
        let path = self.state_file();
        let text = disk::read_text(&path).map_err(|error| io_fault("read", &path, &error))?;
        let Some(text) = text else { return Ok(None) };
        let boot = word(&text, "boot").unwrap_or_default().to_owned();
        let clean = word(&text, "position").and_then(|position| position.parse().ok());
        let clean = clean.zip(word(&text, "head").and_then(Digest::parse));
        Ok(Some(State { boot, clean }))
    }

    /// Writes how the folder is left.
    pub(crate) fn put_state(&self, state: &State) -> Result<(), StoreFault> {
        let mut text = format!("format {FORMAT_VERSION}\nboot {}\n", state.boot);
        if let Some((position, head)) = state.clean {
            // Writing to a `String` does not fail.
            let _ = write!(text, "position {position}\nhead {head}\n");
        }
        let path = self.state_file();
        disk::replace(&path, text.as_bytes()).map_err(|error| io_fault("write", &path, &error))
    }
}

/// Which start of the machine this is: what the page cache held is still there only if it is the
/// one that wrote. Empty if the machine does not say.
pub(crate) fn this_boot() -> String {
    system("/proc/sys/kernel/random/boot_id")
}

fn system(path: &str) -> String {
    let text = disk::read_text(Path::new(path)).ok().flatten().unwrap_or_default();
    text.trim().to_owned()
}

/// The version that the first line of a file names.
fn version_in(path: &Path) -> Result<Option<u32>, StoreFault> {
    let text = disk::read_text(path).map_err(|error| io_fault("read", path, &error))?;
    Ok(text.as_deref().and_then(|text| {
        let first = text.lines().next()?;
        first.strip_prefix("format ").unwrap_or(first).trim().parse().ok()
    }))
}

pub(crate) fn known(version: Option<u32>) -> Result<(), StoreFault> {
    match version {
        Some(found) if !(FORMAT_VERSION_MIN..=FORMAT_VERSION).contains(&found) => {
            Err(StoreFault::Version { found, known: FORMAT_VERSION })
        }
        Some(_) | None => Ok(()),
    }
}

fn word<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::trim)
}

fn owner(text: &str) -> String {
    match (word(text, "pid"), word(text, "host"), word(text, "epoch")) {
        (Some(pid), Some(host), Some(epoch)) => format!("process {pid} on `{host}` (epoch {epoch})"),
        _ => "another process that has not written its name yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_back_is_free_although_a_child_still_has_the_file() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(place.path().to_owned());
        let lock = folder.lock(|| Ok(())).expect("nobody has it");
        assert!(matches!(folder.lock(|| Ok(())), Err(StoreFault::InUse(_))), "it is taken");
        // What a child process has between its beginning and its program.
        let inherited = lock.file.try_clone().expect("a second one of the same file");
        drop(lock);
        let again = folder.lock(|| Ok(())).expect("it is free");
        assert_eq!(again.epoch, 2);
        drop(inherited);
        assert!(matches!(folder.lock(|| Ok(())), Err(StoreFault::InUse(_))), "it is taken still");
    }
}
