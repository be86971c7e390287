//! Putting a backup back, into a folder that holds nothing.

use super::archive::{Archive, log_folder};
use super::content::verified;
use super::{LOG_FOLDER, RESTORED_FILE, RESTORING_FILE, Whole, read_log, refuse_half_restored};
use crate::exit;
use crate::output::Failure;
use crate::wire::private_folder;
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use countersign_store_local::disk::RealDisk;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// What a file system puts into a folder of its own.
const OF_FILE_SYSTEM: &str = "lost+found";

/// A backup that was put back.
#[derive(Debug, Clone)]
pub struct Back {
    /// The backup.
    pub archive: Archive,
    /// Entries of the log.
    pub entries: u64,
    /// Root of the Merkle tree over them, as the restored folder has it.
    pub root: Digest,
}

/// Puts a backup back into the folder `data`, up to `most` entries of its log. Blocks meanwhile.
///
/// If the process stops in here the folder is marked, and no host uses it.
///
/// # Errors
/// If the backup is not whole, the folder holds anything, or it cannot be written.
pub fn restore(file: &Path, data: &Path, most: u64) -> Result<Back> {
    refuse_what_holds_something(data)?;
    let archive = verified(file)?;
    let whole = read_log(log_folder(), archive.disk(), most, None)?;
    private_folder(data)?;
    put_new(&data.join(RESTORING_FILE), &mut io::empty(), None)
        .with_context(|| format!("`{}` cannot be written", data.display()))?;
    sync(data)?;
    let restored = put_all(&archive, &whole, data).and_then(|()| {
        let found = read_log(&data.join(LOG_FOLDER), Arc::new(RealDisk), u64::MAX, None)?;
        if (found.survey.entries, found.root) == (whole.survey.entries, whole.root) {
            return Ok(());
        }
        let message = format!("the restored log has the root {} and not {}", found.root, whole.root);
        Err(Failure::new(exit::NO, message).with_help("look at the disk, and restore elsewhere").into())
    });
    if let Err(fault) = restored {
        take_away(&archive, data);
        return Err(fault);
    }
    // From here on a host may use it, and finds that it was restored.
    let mut mark = File::options().write(true).truncate(true).open(data.join(RESTORING_FILE))?;
    let (entries, root) = (whole.survey.entries, whole.root);
    writeln!(mark, "backup of {}: {entries} entries, root {root}", archive.about.made)?;
    mark.sync_all()?;
    fs::rename(data.join(RESTORING_FILE), data.join(RESTORED_FILE))?;
    sync(data)?;
    Ok(Back { archive, entries, root })
}

fn refuse_what_holds_something(data: &Path) -> Result<()> {
    refuse_half_restored(data)?;
    let listed = match fs::read_dir(data) {
        Ok(listed) => listed,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(fault).with_context(|| format!("`{}` cannot be read", data.display())),
    };
    for entry in listed {
        let name = entry?.file_name();
        if name != OF_FILE_SYSTEM {
            let message =
                format!("`{}` is not empty: there is `{}` in it", data.display(), name.to_string_lossy());
            let help = "name a new folder with `--data DIR`; nothing was changed";
            return Err(Failure::new(exit::NO, message).with_help(help).into());
        }
    }
    Ok(())
}

/// Every file of the backup, in its order, the segments of the log as far as they are wanted; all of it durable on return.
fn put_all(archive: &Archive, whole: &Whole, data: &Path) -> Result<()> {
    let extents: BTreeMap<String, u64> = whole
        .survey
        .segments
        .iter()
        .map(|extent| (format!("{LOG_FOLDER}/{}", extent.name), extent.bytes))
        .collect();
    let mut items: Vec<_> = archive.items.iter().collect();
    items.sort_by_key(|(_, item)| item.number);
    let mut folders = BTreeSet::new();
    private_folder(&data.join(LOG_FOLDER))?;
    folders.insert(data.join(LOG_FOLDER));
    for (name, item) in items {
        let bytes = match extents.get(name) {
            Some(bytes) => *bytes,
            None if Path::new(name).starts_with(LOG_FOLDER) => continue,
            None => item.bytes,
        };
        let path = data.join(name);
        let above = path.ancestors().skip(1).take_while(|folder| *folder != data).map(Path::to_owned);
        folders.extend(above);
        path.parent().map_or(Ok(()), private_folder)?;
        // Which of two files came last stays to be seen, also if both came within one second.
        let modified = Duration::from_secs(item.modified) + Duration::from_micros(item.number);
        let mut from = io::Read::take(archive.reader(item), bytes);
        put_new(&path, &mut from, Some(modified))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    folders.iter().map(PathBuf::as_path).chain([data]).try_for_each(sync)
}

/// Writes a new file that only its owner reads. Durable on return, apart from its name.
fn put_new(path: &Path, from: &mut dyn io::Read, modified: Option<Duration>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file)?;
    if let Some(modified) = modified {
        file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + modified))?;
    }
    file.sync_all()
}

fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.with_context(|| format!("`{}` cannot be made durable", folder.display()))
}

/// Takes away what was put there; what cannot be taken away is marked still.
fn take_away(archive: &Archive, data: &Path) {
    let top: BTreeSet<&str> = archive.items.keys().filter_map(|name| name.split('/').next()).collect();
    let removed = top.iter().chain([&LOG_FOLDER]).try_for_each(|name| {
        let path = data.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    });
    let unmarked = removed.and_then(|()| fs::remove_file(data.join(RESTORING_FILE)));
    if let Err(fault) = unmarked {
        tracing::warn!(%fault, folder = %data.display(), "what was begun of a restore is left behind: empty the folder");
    }
}
