//! Files of evidence: a first line that says what it is, a line for each item, one with their count, and a last one with the
//! SHA-256 of every byte before it. What is cut, added or changed does not fit the last line; and whoever has the log makes
//! the same bytes again.

use crate::backup::draft::{Draft, refuse_existing};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result, ensure};
use countersign_core::canonical;
use countersign_core::evidence::Fault;
use countersign_core::hash::{Digest, Hashing};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Longest line of a file of evidence, in bytes: a checkpoint and many names fit in.
pub(super) const LINE_BYTES_MAX: u64 = 64 * 1024;

/// The last line but one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End<T> {
    /// What was counted.
    end: T,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// SHA-256 of every byte before this line.
    sha256: Digest,
}

/// That no evidence can be made of a log.
pub(super) fn unmade(fault: Fault) -> anyhow::Error {
    let help = match fault {
        Fault::TooMany { .. } => {
            "read an older part of the log alone: `--checkpoint` with a checkpoint of then"
        }
        Fault::Unfounded { .. } => {
            "no host writes such a log: keep it as it is, and compare it with a backup"
        }
    };
    Failure::new(exit::NO, fault.to_string()).with_help(help).into()
}

/// Where the lines go.
pub(super) enum Lines {
    /// Into a new file.
    New { file: BufWriter<File>, draft: Draft, name: PathBuf, hashing: Hashing },
    /// Nowhere: they must be those of a file that is there.
    Again { file: BufReader<File>, name: PathBuf, says: &'static str, line: u64, hashing: Hashing },
}

impl Lines {
    /// Lines that become a new file of this name once all are written, which only its owner reads.
    pub(super) fn to(name: &Path) -> Result<Lines> {
        refuse_existing(name)?;
        let (draft, file) = Draft::beside(name)?;
        Ok(Lines::New {
            file: BufWriter::new(file),
            draft,
            name: name.to_owned(),
            hashing: Hashing::default(),
        })
    }

    /// Lines that are compared with those of a file; `says` says what they are.
    pub(super) fn like(name: &Path, says: &'static str) -> Result<Lines> {
        let file = BufReader::new(opened(name)?);
        Ok(Lines::Again { file, name: name.to_owned(), says, line: 0, hashing: Hashing::default() })
    }

    /// One more.
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let mut bytes = canonical::to_vec(value)?;
        bytes.push(b'\n');
        ensure!(
            u64::try_from(bytes.len())? <= LINE_BYTES_MAX,
            Failure::new(exit::NO, format!("a line would have more than {LINE_BYTES_MAX} bytes"))
        );
        match self {
            Lines::New { file, name, hashing, .. } => {
                hashing.take(&bytes);
                file.write_all(&bytes).with_context(|| format!("`{}` cannot be written", name.display()))
            }
            Lines::Again { file, name, says, line, hashing } => {
                hashing.take(&bytes);
                *line = line.saturating_add(1);
                let found = next_line(file, name)?;
                if found.as_deref().is_some_and(|found| found == bytes.trim_ascii_end()) {
                    return Ok(());
                }
                let message = format!("line {line} of `{}` is not what {says}", name.display());
                let mut failure = Failure::new(exit::NO, message);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned();
                failure.places = vec![
                    found.map_or("the file ends before it".to_owned(), |found| {
                        format!("the file: {}", text(&found))
                    }),
                    format!("expected: {}", text(&bytes)),
                ];
                let help =
                    "the file was changed, or made of something else: keep it, and make a new one beside it";
                Err(failure.with_help(help).into())
            }
        }
    }

    /// The last two lines, and the digest in the last. A new file has its name and is durable on return.
    pub(super) fn end(mut self, counted: impl Serialize) -> Result<Digest> {
        self.line(&End { end: counted })?;
        let sha256 = match &self {
            Lines::New { hashing, .. } | Lines::Again { hashing, .. } => hashing.digest(),
        };
        self.line(&Seal { sha256 })?;
        match self {
            Lines::New { file, draft, name, .. } => {
                let file = file.into_inner().context("the file cannot be written")?;
                file.sync_all()?;
                draft.becomes(&name)?;
            }
            Lines::Again { mut file, name, .. } => {
                let more = next_line(&mut file, &name)?;
                ensure_last(more.is_none(), &name)?;
            }
        }
        Ok(sha256)
    }
}

fn ensure_last(is_last: bool, name: &Path) -> Result<()> {
    if is_last {
        return Ok(());
    }
    Err(Failure::new(exit::NO, format!("`{}` goes on behind its last line", name.display())).into())
}

fn opened(name: &Path) -> Result<File> {
    File::open(name).with_context(|| format!("`{}` cannot be read", name.display()))
}

/// The next line without its end; `None` behind the last one.
fn next_line(file: &mut BufReader<File>, name: &Path) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    read.with_context(|| format!("`{}` cannot be read", name.display()))?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        let message = format!(
            "`{}` has a line that does not end, or has more than {LINE_BYTES_MAX} bytes",
            name.display()
        );
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(Some(line))
}

/// The first line of a file.
pub(super) fn head<T: DeserializeOwned>(name: &Path, what: &str) -> Result<T> {
    let line = next_line(&mut BufReader::new(opened(name)?), name)?.unwrap_or_default();
    parsed(&line, name, what)
}

fn parsed<T: DeserializeOwned>(line: &[u8], name: &Path, what: &str) -> Result<T> {
    serde_json::from_slice(line).map_err(|fault| {
        let message = format!("`{}` is no {what}: {fault}", name.display());
        Failure::new(exit::NO, message).into()
    })
}

/// Reads a whole file: shows the line of each item to `see`, and gives the counts if every byte fits the last line.
pub(super) fn read<T: DeserializeOwned>(
    name: &Path,
    what: &str,
    mut see: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(T, Digest)> {
    let mut file = BufReader::new(opened(name)?);
    let mut hashing = Hashing::default();
    let mut take = |line: &[u8]| {
        hashing.take(line);
        hashing.take(b"\n");
    };
    let mut line = || next_line(&mut file, name);
    take(&line()?.unwrap_or_default());
    // The last two are no items.
    let (mut first, mut second) = (line()?, line()?);
    while let Some(next) = line()? {
        if let Some(item) = first.take() {
            see(&item)?;
            take(&item);
        }
        (first, second) = (second, Some(next));
    }
    let Some((end, seal)) = first.zip(second) else {
        let message = format!("`{}` is no {what}: its last lines are missing", name.display());
        return Err(Failure::new(exit::NO, message).into());
    };
    take(&end);
    let Seal { sha256 } = parsed(&seal, name, what)?;
    let message = format!("`{}` was changed: its bytes do not fit its last line", name.display());
    let help = "make it again from the log: `countersign audit population FILE --again`";
    ensure!(sha256 == hashing.digest(), Failure::new(exit::NO, message).with_help(help));
    let End { end } = parsed(&end, name, what)?;
    Ok((end, sha256))
}

/// A file that is written at once, which only its owner reads.
pub(super) struct Whole {
    file: File,
    draft: Draft,
    name: PathBuf,
}

impl Whole {
    /// Begins one; nothing has its name until it is written.
    pub(super) fn begin(name: &Path) -> Result<Whole> {
        refuse_existing(name)?;
        let (draft, file) = Draft::beside(name)?;
        Ok(Whole { file, draft, name: name.to_owned() })
    }

    /// Writes it. Durable on return.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.file.sync_all())
            .with_context(|| format!("`{}` cannot be written", self.name.display()))?;
        self.draft.becomes(&self.name)
    }
}

/// Compares the text of a file with what the log says.
pub(super) fn same(text: &str, expected: &str, name: &Path) -> Result<()> {
    if text == expected {
        return Ok(());
    }
    let mut lines = text.lines().zip(expected.lines());
    let line = lines.position(|(found, expected)| found != expected);
    let line = line.unwrap_or(text.lines().count().min(expected.lines().count())).saturating_add(1);
    let message = format!("line {line} of `{}` is not what the log says", name.display());
    let help = "the file was changed, or made of something else: keep it, and make a new one beside it";
    Err(Failure::new(exit::NO, message).with_help(help).into())
}

/// A table for spreadsheets beside a file of evidence, by RFC 4180; no cell begins as a formula does.
pub(super) struct Table {
    file: BufWriter<File>,
    draft: Draft,
    name: PathBuf,
}

impl Table {
    /// Begins one with the names of its columns.
    pub(super) fn begin(name: &Path, columns: &[&str]) -> Result<Table> {
        refuse_existing(name)?;
        let (draft, file) = Draft::beside(name)?;
        let mut table = Table { file: BufWriter::new(file), draft, name: name.to_owned() };
        table.row(columns.iter().map(|&column| column.to_owned()))?;
        Ok(table)
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<()> {
        let cells: Vec<String> = cells.into_iter().map(|text| cell(&text)).collect();
        let row = format!("{}\r\n", cells.join(","));
        self.file
            .write_all(row.as_bytes())
            .with_context(|| format!("`{}` cannot be written", self.name.display()))
    }

    pub(super) fn end(self) -> Result<()> {
        let file = self.file.into_inner().context("the table cannot be written")?;
        file.sync_all()?;
        self.draft.becomes(&self.name)
    }
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_for_every_spreadsheet() {
        for (text, expected) in [
            ("anna", "anna"),
            ("=1+1", "'=1+1"),
            ("-2", "'-2"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
