//! The file of a backup: a tar archive, so that any tool can look into it, with a seal at its end.
//!
//! ```text
//! log/0000000001.cslog …   the segments of the log, as they are; the last one up to a whole record
//! install.key …            the rest, in the layout of the data folder
//! BACKUP                   what it says of itself, as JSON
//! SEAL                     SHA-256 of every byte before this file
//! ```
//! Nothing is compressed: the log is already. The bytes behind what the seal covers follow from it, so no bit of the file
//! can change unseen. The seal shows accidents, and not whether somebody made another backup. A checkpoint that was
//! noted elsewhere shows that of the log, and of the log alone: nothing proves the other files, of which only those are put
//! back that a backup holds.

use super::{About, FORMAT, LOG_FOLDER};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::hash::{Digest, Hashing};
use countersign_store_local::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path};
use std::sync::Arc;

/// The file that says what the backup is.
pub const ABOUT: &str = "BACKUP";
/// The file with the digest of all before it.
const SEAL: &str = "SEAL";
/// Length of the seal: a header, a block with the digest, and the end of the archive.
const SEAL_BYTES: u64 = 2_048;
/// Largest [`ABOUT`], in bytes.
const ABOUT_BYTES_MAX: u64 = 1024 * 1024;
/// Most files of one backup: sixty-four terabytes of log, and every build of every connector.
const FILES_MAX: usize = 1_000_000;
/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;

/// A file that is written front to back, with the digest of what was written.
struct Digested {
    file: File,
    hashing: Hashing,
    bytes: u64,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hashing.take(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a backup, file after file.
pub struct Writer {
    builder: tar::Builder<Digested>,
    files: usize,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Writer").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a backup in an empty file.
    #[must_use]
    pub fn new(file: File) -> Writer {
        let into = Digested { file, hashing: Hashing::default(), bytes: 0 };
        Writer { builder: tar::Builder::new(into), files: 0 }
    }

    /// Adds a file of exactly `bytes` bytes, changed last at `modified` (seconds).
    ///
    /// # Errors
    /// If it has fewer, or cannot be read or written.
    pub fn add(&mut self, name: &str, (bytes, modified): (u64, u64), from: impl Read) -> Result<()> {
        ensure!(self.files < FILES_MAX, "a backup holds at most {FILES_MAX} files");
        self.files += 1;
        let mut from = Counted { from: from.take(bytes), count: 0 };
        let mut header = header(bytes);
        header.set_mtime(modified);
        let added = self.builder.append_data(&mut header, name, &mut from);
        added.with_context(|| format!("`{name}` cannot be put into the backup"))?;
        ensure!(from.count == bytes, "`{name}` became shorter while it was read");
        Ok(())
    }

    /// Adds what the backup says of itself and the seal; durable on return. Says how many bytes it has.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, about: &About) -> Result<u64> {
        let said = serde_json::to_vec_pretty(about)?;
        self.add(ABOUT, (said.len() as u64, 0), said.as_slice())?;
        let digest = self.builder.get_ref().hashing.digest();
        put_seal(&mut self.builder, &digest)?;
        let written = self.builder.into_inner()?;
        written.file.sync_all()?;
        Ok(written.bytes)
    }
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

fn put_seal(builder: &mut tar::Builder<impl Write>, digest: &Digest) -> io::Result<()> {
    let text = format!("{digest}\n");
    builder.append_data(&mut header(text.len() as u64), SEAL, text.as_bytes())
}

/// The bytes behind what this is the digest of.
fn seal(digest: &Digest) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    put_seal(&mut builder, digest)?;
    builder.into_inner()
}

/// A file in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Where it begins.
    offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// When it was changed last, in seconds.
    pub modified: u64,
    /// Its place among all.
    pub number: u64,
}

/// A backup whose seal is whole.
#[derive(Debug, Clone)]
pub struct Archive {
    file: Arc<File>,
    /// Every file of it, by name, but what it says of itself and the seal.
    pub items: BTreeMap<String, Item>,
    /// What it says of itself.
    pub about: About,
}

impl Archive {
    /// Opens a backup. Reads all of it once.
    ///
    /// # Errors
    /// If it is none, was cut off or changed, or another program wrote it that this one does not know.
    pub fn open(path: &Path) -> Result<Archive> {
        let named = || format!("`{}` cannot be read", path.display());
        let file = File::open(path).with_context(named)?;
        let length = file.metadata().with_context(named)?.len();
        let broken = || {
            let message = format!("`{}` is no backup, or was cut off or changed", path.display());
            let help =
                "use another one: not a byte of a backup may be missing or otherwise than it was written";
            anyhow::Error::from(Failure::new(exit::NO, message).with_help(help))
        };
        let sealed = length.checked_sub(SEAL_BYTES).ok_or_else(broken)?;
        let digest = digest_of(&file, sealed).with_context(named)?;
        let mut tail = vec![0; SEAL_BYTES as usize];
        FileExt::read_exact_at(&file, &mut tail, sealed).with_context(named)?;
        if tail != seal(&digest)? {
            return Err(broken());
        }
        let (mut items, said) = listed(&file, sealed).with_context(named)?;
        let about: About = serde_json::from_slice(&said)
            .with_context(|| format!("`{}`: its `{ABOUT}` cannot be read", path.display()))?;
        if FORMAT < about.format {
            let message = format!(
                "`{}` is of format {} and this program knows {FORMAT}: version {} made it",
                path.display(),
                about.format,
                about.version
            );
            return Err(Failure::new(exit::NO, message).with_help("use that version, or a later one").into());
        }
        items.remove(ABOUT);
        Ok(Archive { file: Arc::new(file), items, about })
    }

    /// The bytes of one file, from front to back.
    #[must_use]
    pub fn reader(&self, item: &Item) -> Window {
        Window { file: Arc::clone(&self.file), offset: item.offset, bytes: item.bytes, at: 0 }
    }

    /// The segments in it, for whoever reads a log.
    #[must_use]
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(ArchiveDisk(self.clone()))
    }
}

fn digest_of(file: &File, length: u64) -> io::Result<Digest> {
    let (mut hashing, mut at) = (Hashing::default(), 0);
    let mut buffer = vec![0; READ_BYTES];
    while at < length {
        let want = usize::try_from(length - at).unwrap_or(READ_BYTES).min(READ_BYTES);
        let part = buffer.get_mut(..want).unwrap_or_default();
        FileExt::read_exact_at(file, part, at)?;
        hashing.take(part);
        at += want as u64;
    }
    Ok(hashing.digest())
}

/// Every file, and the bytes of what it says of itself.
fn listed(file: &File, sealed: u64) -> Result<(BTreeMap<String, Item>, Vec<u8>)> {
    let mut items = BTreeMap::new();
    let mut archive = tar::Archive::new(file);
    for (number, entry) in archive.entries_with_seek()?.enumerate() {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        ensure!(number < FILES_MAX, "it holds more than {FILES_MAX} files");
        ensure!(
            entry.header().entry_type().is_file() && is_plain(&name),
            "it holds `{name}`, which is no file of a backup"
        );
        let (offset, bytes) = (entry.raw_file_position(), entry.size());
        if offset < sealed {
            let item = Item { offset, bytes, modified: entry.header().mtime()?, number: number as u64 };
            ensure!(items.insert(name.clone(), item).is_none(), "it holds `{name}` twice");
        }
    }
    let Some(about) = items.get(ABOUT).filter(|about| about.bytes <= ABOUT_BYTES_MAX) else {
        bail!("it does not say what it is: there is no `{ABOUT}` in it");
    };
    let mut said = vec![0; about.bytes as usize];
    FileExt::read_exact_at(file, &mut said, about.offset)?;
    Ok((items, said))
}

/// Whether a name stays below the folder that it is written into.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A part of the archive, as a file.
#[derive(Debug)]
pub struct Window {
    file: Arc<File>,
    offset: u64,
    bytes: u64,
    at: u64,
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..left).unwrap_or_default(), self.offset + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl DiskFile for Window {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if self.bytes < offset.saturating_add(buffer.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        FileExt::read_exact_at(&*self.file, buffer, self.offset + offset)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(unchangeable())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(unchangeable())
    }

    fn sync_all(&self) -> io::Result<()> {
        Err(unchangeable())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(unchangeable())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }
}

/// The archive as a place of segments.
#[derive(Debug)]
struct ArchiveDisk(Archive);

impl Disk for ArchiveDisk {
    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(unchangeable())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let item = path.to_str().and_then(|name| self.0.items.get(name)).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(self.0.reader(item)))
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(unchangeable())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = |name: &String| Some(Path::new(name).strip_prefix(folder).ok()?.to_str()?.to_owned());
        Ok(self.0.items.keys().filter_map(inside).collect())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(unchangeable())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(0)
    }
}

fn unchangeable() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a backup is not changed")
}

/// Where the segments lie in an archive.
#[must_use]
pub fn log_folder() -> &'static Path {
    Path::new(LOG_FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            format: FORMAT,
            version: "1".to_owned(),
            made: "2026-11-30T12:00:00Z".to_owned(),
            entries: 0,
            head: Digest::ZERO,
            root: Digest::ZERO,
            left_out: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn written(path: &Path, names: &[&str]) -> Result<()> {
        let mut writer = Writer::new(File::create(path)?);
        for name in names {
            writer.add(name, (name.len() as u64, 7), name.as_bytes())?;
        }
        writer.finish(&about()).map(drop)
    }

    #[test]
    fn every_bit_counts_and_so_does_every_byte_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        written(&whole, &["log/0000000001.cslog", "install.key"]).expect("it is written");
        let archive = Archive::open(&whole).expect("it opens");
        assert_eq!(archive.about, about());
        let mut text = String::new();
        archive.reader(&archive.items["install.key"]).read_to_string(&mut text).expect("it reads");
        assert_eq!((text.as_str(), archive.items["install.key"].modified), ("install.key", 7));

        let bytes = std::fs::read(&whole).expect("it reads");
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            std::fs::write(&broken, &other).expect("it is written");
            assert!(Archive::open(&broken).is_err(), "byte {at} was changed");
        }
        for length in (0..bytes.len()).step_by(7) {
            std::fs::write(&broken, &bytes[..length]).expect("it is written");
            assert!(Archive::open(&broken).is_err(), "cut at {length}");
        }
        std::fs::write(&broken, [bytes.as_slice(), &[0; 512]].concat()).expect("it is written");
        assert!(Archive::open(&broken).is_err(), "something was added");
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_no_name() {
        for (name, plain) in
            [("log/1", true), ("a", true), ("../a", false), ("/a", false), ("a/../../b", false), ("", false)]
        {
            assert_eq!(is_plain(name), plain, "{name}");
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_no_file_of_a_backup() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::new(File::create(folder.path().join("one")).expect("a file"));
        let refused = writer.add("a", (3, 0), &b"ab"[..]).expect_err("one byte is missing");
        assert_eq!(refused.to_string(), "`a` became shorter while it was read");
    }

    #[test]
    fn what_a_later_program_made_is_not_guessed_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("later");
        let later = About { format: FORMAT + 1, version: "9.0.0".to_owned(), ..about() };
        Writer::new(File::create(&path).expect("a file")).finish(&later).expect("it is written");
        let refused = Archive::open(&path).expect_err("it is of a later format").to_string();
        assert!(refused.contains("format 2") && refused.contains("version 9.0.0"), "{refused}");
    }
}
