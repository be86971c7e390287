//! Files that the program holds, and how they are written into a project.

use anyhow::{Context as _, Result};
use include_dir::Dir;
use std::path::Path;

/// Folders and files by their places in a project.
pub(super) struct Tree {
    pub(super) folders: &'static [(&'static str, &'static Dir<'static>)],
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// What becomes of a name or of a text.
type Fill<'f> = &'f dyn Fn(&str, &str) -> (String, String);

impl Tree {
    /// Writes all of it; `fill` gives for each file, by its name and text, what they are in the project.
    pub(super) fn write(&self, to: &Path, fill: Fill<'_>) -> Result<()> {
        for (name, folder) in self.folders {
            write_all(folder, &to.join(name), fill)?;
        }
        for (name, text) in self.files {
            let (name, text) = fill(name, text);
            write(&to.join(name), text.as_bytes())?;
        }
        Ok(())
    }
}

/// Writes every file of a folder, each through `fill`.
fn write_all(from: &Dir<'_>, to: &Path, fill: Fill<'_>) -> Result<()> {
    for file in from.files() {
        let text = file.contents_utf8().context("a file of the template is no text")?;
        let name = file.path().file_name().and_then(|name| name.to_str()).context("a file without a name")?;
        let (name, text) = fill(name, text);
        write(&to.join(name), text.as_bytes())?;
    }
    for folder in from.dirs() {
        let name = folder.path().file_name().context("a folder of the template has no name")?;
        write_all(folder, &to.join(name), fill)?;
    }
    Ok(())
}

/// Writes a file, and the folders that it is in.
pub(super) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, bytes))
        .with_context(|| format!("`{}` cannot be written", file.display()))
}
