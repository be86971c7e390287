//! A disk that is full when a test wants it: a file system of a few megabytes in memory, in a mount
//! namespace of its own, which ends with the test whatever becomes of it.
//!
//! It needs Linux, and root or the right to make a user namespace; `unshare`, `nsenter` and `mount`
//! are part of every system (util-linux).

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What makes the disk: `$1` is the folder that is to lie on it, with what it holds already, `$2` its
/// size in bytes. It ends when its standard input does, and the namespace with it.
const SCRIPT: &str = r#"
set -e
mkdir "$1.small"
mount -t tmpfs -o "size=$2,mode=0700" small "$1.small"
cp -a "$1/." "$1.small"
mount --bind "$1.small" "$1"
echo ready
exec cat
"#;
/// Bytes that are written at once to fill it.
const BLOCK: usize = 64 * 1024;

/// A folder on a small disk. Dropping it ends the disk.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Child,
    folder: PathBuf,
    is_root: bool,
}

impl SmallDisk {
    /// Puts `folder` on a disk of `bytes`. Only who comes through [`SmallDisk::way`] sees it.
    ///
    /// # Errors
    /// If this machine lets nobody make a namespace; the words say what is missing.
    pub fn below(folder: &Path, bytes: u64) -> Result<SmallDisk> {
        let is_root = rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        command.arg("--mount").args((!is_root).then_some("--map-root-user"));
        command.args(["--", "sh", "-c", SCRIPT, "small-disk"]).arg(folder).arg(bytes.to_string());
        let mut keeper =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("`unshare` is missing")?;
        let mut word = String::new();
        BufReader::new(keeper.stdout.take().context("it has an output")?).read_line(&mut word)?;
        if word.trim() != "ready" {
            let status = keeper.wait()?;
            bail!("no small disk ({status}): a mount namespace is needed, as root or by a user namespace");
        }
        Ok(SmallDisk { keeper, folder: folder.to_owned(), is_root })
    }

    /// What stands before a command that is to see the disk.
    pub fn way(&self) -> Vec<String> {
        let mut way =
            vec!["nsenter".to_owned(), format!("--target={}", self.keeper.id()), "--mount".to_owned()];
        if !self.is_root {
            way.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        way.push("--".to_owned());
        way
    }

    /// How many bytes are free.
    pub fn free(&self) -> Result<u64> {
        let found = rustix::fs::statvfs(self.seen())?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Fills it with a file of somebody else until `left` bytes are free.
    pub fn fill(&self, left: u64) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        let block = vec![0_u8; BLOCK];
        loop {
            let more = self.free()?.saturating_sub(left);
            let Some(some) = block.get(..usize::try_from(more)?.min(BLOCK)).filter(|some| !some.is_empty())
            else {
                break;
            };
            file.write_all(some)?;
        }
        ensure!(self.free()? <= left, "the disk is not full");
        Ok(())
    }

    /// Takes that file away.
    pub fn make_room(&self) -> Result<()> {
        std::fs::remove_file(self.filler()).context("nobody filled the disk")
    }

    /// Mounts it anew, as `ro` or `rw`; nobody may write on it meanwhile.
    pub fn remount(&self, how: &str) -> Result<()> {
        let (options, way) = (format!("remount,bind,{how}"), self.way());
        let mut words = way.iter().map(String::as_str).chain(["mount", "-o", &options]);
        let mut command = Command::new(words.next().unwrap_or_default());
        ensure!(command.args(words).arg(&self.folder).status()?.success(), "the disk is not mounted `{how}`");
        Ok(())
    }

    /// The folder, as the host sees it.
    fn seen(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.folder.strip_prefix("/").unwrap_or(&self.folder))
    }

    fn filler(&self) -> PathBuf {
        self.seen().join("somebody-else")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it has ended already, that is what is wanted.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
