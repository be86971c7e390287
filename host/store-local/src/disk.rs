//! The disk below the segments: the few file operations that the log needs, as a trait, so that
//! a simulator can lose a suffix, tear a write, fail a sync or be full.
//!
//! Only segments go through it. The index can be rebuilt, and the lock must be the real one.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

/// Mode of every file: the log holds what people asked for and why.
const FILE_MODE: u32 = 0o600;
/// Mode of every folder.
const FOLDER_MODE: u32 = 0o700;

/// Where segments are kept.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Creates an empty file that must not exist yet, for reading and writing.
    ///
    /// # Errors
    /// What the operating system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// What the operating system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names of the files in a folder, in any order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// How many bytes the file system of a folder has left for this process.
    ///
    /// # Errors
    /// What the operating system says.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// One open segment.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// What the operating system says; `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the operating system says; some of the bytes may stand in the file then.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the bytes and the length durable (`fdatasync`).
    ///
    /// # Errors
    /// What the operating system says; nothing is known of the bytes then.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes bytes, length and metadata durable (`fsync`).
    ///
    /// # Errors
    /// What the operating system says; nothing is known of the bytes then.
    fn sync_all(&self) -> io::Result<()>;

    /// Cuts or grows the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// How long the file is.
    ///
    /// # Errors
    /// What the operating system says.
    fn length(&self) -> io::Result<u64>;
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

impl DiskFile for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// What kind of network file system `folder` lies on, if it lies on one. There a lock or a sync may
/// promise what another machine does not keep.
pub(crate) fn network_kind(folder: &Path) -> io::Result<Option<&'static str>> {
    // The kind is a number of 32 bits, in a field whose type differs between machines.
    let kind = rustix::fs::statfs(folder)?.f_type as u64 & 0xffff_ffff;
    Ok(network_name(kind))
}

/// The numbers are those of `statfs(2)`.
fn network_name(kind: u64) -> Option<&'static str> {
    match kind {
        0x6969 => Some("nfs"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("smb"),
        0x00c3_6400 => Some("ceph"),
        0x5346_414f => Some("afs"),
        0x0bd0_0bd0 => Some("lustre"),
        _ => None,
    }
}

/// Makes the names in a folder of the real file system durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates a folder, and those above it, for its owner alone.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

/// Opens a file of the real file system for its owner alone, creating it if needed.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

/// Replaces a small file of the real file system: after a crash it holds the old bytes or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The text of a small file, or `None` if there is no such file.
pub(crate) fn read_text(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_known_by_its_number_and_a_local_one_is_none() {
        assert_eq!(network_name(0x6969), Some("nfs"));
        assert_eq!(network_name(0xff53_4d42), Some("smb"));
        let ext4 = 0xef53;
        assert_eq!(network_name(ext4), None);
        assert_eq!(network_kind(Path::new("/")).ok(), Some(None));
    }
}
