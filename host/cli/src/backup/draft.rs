//! A file that gets its name only once it is whole.

use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that has no name of its own yet; it is taken away unless it gets one.
///
/// If the process stops meanwhile it is left behind, and ends with `.part`.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
}

impl Draft {
    /// Begins a file that only its owner reads, beside the one that it becomes.
    ///
    /// # Errors
    /// If it cannot be written, or is there already: then it is somebody else's, and stays.
    pub fn beside(file: &Path) -> Result<(Draft, File)> {
        let mut name = file.file_name().context("what is written is a file: name one")?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let path = file.with_file_name(name);
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let opened = opened.with_context(|| format!("`{}` cannot be written", path.display()))?;
        Ok((Draft { path }, opened))
    }

    /// Where it lies until it has its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, for good; it must not be taken.
    ///
    /// # Errors
    /// If the name is taken, or cannot be given.
    pub fn becomes(self, file: &Path) -> Result<()> {
        match renameat_with(CWD, &self.path, CWD, file, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::EXIST) => {
                refuse_existing(file)?;
                bail!("`{}` was there a moment ago, and is not any more: try again", file.display());
            }
            // Some file systems do not know how to refuse.
            Err(rustix::io::Errno::INVAL) => {
                refuse_existing(file)?;
                fs::rename(&self.path, file)?;
            }
            named => named.with_context(|| format!("`{}` cannot be named", file.display()))?,
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%fault, file = %self.path.display(), "what was begun is left behind");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// Refuses a name that is taken.
///
/// # Errors
/// If it is.
pub fn refuse_existing(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        let message = format!("`{}` is there already", file.display());
        let help = "nothing is ever written over another file: name a new one";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_began_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one");
        let (draft, _) = Draft::beside(&file).expect("it begins");
        fs::write(draft.path(), "of the first").expect("it is written");
        Draft::beside(&file).expect_err("it has begun already");
        assert_eq!(fs::read(draft.path()).expect("it reads"), b"of the first");
        let path = draft.path().to_owned();
        fs::write(&file, "of somebody").expect("it is written");
        draft.becomes(&file).expect_err("the name is taken");
        assert_eq!(fs::read(&file).expect("it reads"), b"of somebody");
        assert!(!path.exists(), "what got no name is taken away");
    }
}
