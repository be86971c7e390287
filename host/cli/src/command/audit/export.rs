//! `countersign audit export`: the tree over a log as files that others serve and check, as `c2sp.org/tlog-tiles` has it.

use super::{Global, key, tree};
use crate::client::Client;
use crate::exit;
use crate::output::{self, Failure, Progress};
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::note::{Checkpoint, Note, VerifierKey};
use countersign_core::log::stored::Row;
use countersign_core::log::tile::{Tile, bundle};
use countersign_core::log::tree::{Tree, leaf};
use countersign_engine::port::store::Store;
use serde_json::json;
use std::convert::Infallible;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// The name of the checkpoint in the folder.
const CHECKPOINT: &str = "checkpoint";
/// Where the tiles lie in the folder.
const TILES: &str = "tile";
/// The end of a leaf's last line, after three others.
const LINES_OF_A_LEAF: usize = 4;

/// All leaves of a log and the hashes of its tree.
#[derive(Default)]
struct Exported {
    leaves: Vec<String>,
    tree: Tree,
    row: Vec<Digest>,
}

impl Row for Exported {
    type Fault = Infallible;

    fn hash(&self, place: u64) -> Result<Digest, Infallible> {
        // INVARIANT: only tiles of this very tree are asked for.
        let found = usize::try_from(place).ok().and_then(|place| self.row.get(place));
        Ok(found.copied().unwrap_or(Digest::ZERO))
    }
}

impl Exported {
    fn push(&mut self, text: String) {
        self.tree.push_into(leaf(text.as_bytes()), &mut self.row);
        self.leaves.push(text);
    }

    /// The bytes of one of its tiles.
    fn bytes(&self, tile: Tile) -> Result<Vec<u8>> {
        let Some(level) = tile.level else {
            let range =
                usize::try_from(tile.first())?..usize::try_from(tile.first().saturating_add(tile.width))?;
            let leaves = self.leaves.get(range).context("a tile has more leaves than the log")?;
            return bundle(leaves.iter().map(String::as_str)).context("a leaf is too long for a tile");
        };
        let Ok(bytes) = tile.bytes(level, self);
        Ok(bytes)
    }
}

/// Exports the log of a running host: its leaves are asked for, and everything else is made of them and compared with the
/// checkpoint that it signs.
///
/// # Errors
/// If the host cannot be reached or refuses, its leaves do not lead to its checkpoint, or a file cannot be written.
pub(super) async fn running(folder: &Path, public: &VerifierKey, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let note = super::running::checkpoint(global).await?;
    let Some(checkpoint) = Note::parse(&note).and_then(|note| note.checkpoint(public, key::is_right)) else {
        let message = format!("the host signs as somebody else than `{}`", public.name());
        let help = "it has another key now, or is another host: ask who runs it";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    };
    let progress = Progress::begin(global.quiet);
    let mut exported = Exported::default();
    for tile in Tile::all(checkpoint.size).filter(|tile| tile.level.is_none()) {
        progress.now(&format!("reading the log: {} of {} entries", tile.first(), checkpoint.size));
        let bytes = client.bytes(&format!("/v1/log/tile/{tile}")).await?;
        let leaves = leaves(&bytes).context("the host answers in a shape that this program does not know")?;
        leaves.into_iter().for_each(|text| exported.push(text));
    }
    progress.end();
    kept(folder, &exported, (&note, &checkpoint), global)
}

/// Exports the log of a host that does not run.
///
/// # Errors
/// If the log cannot be read or a file cannot be written.
pub(super) async fn stopped(store: &dyn Store, signer: &key::LogKey) -> Result<Signed> {
    let mut exported = Exported::default();
    tree::leaves(store, |text| exported.push(text)).await?;
    let (size, root) = (exported.tree.size(), exported.tree.root());
    let note = Note::of(size, root, signer.public(), |text| signer.sign(text)).to_text();
    let origin = signer.public().name().to_owned();
    Ok(Signed { exported, note, checkpoint: Checkpoint { origin, size, root } })
}

/// A log that was read, and its checkpoint.
pub(super) struct Signed {
    exported: Exported,
    note: String,
    checkpoint: Checkpoint,
}

impl Signed {
    /// Writes it into a folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn write(&self, folder: &Path, global: &Global) -> Result<ExitCode> {
        kept(folder, &self.exported, (&self.note, &self.checkpoint), global)
    }
}

/// The leaves in the bytes of a tile of them; `None` if these are none.
fn leaves(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Leaf::parse(text).filter(|_| text.split(|byte| *byte == b'\n').count() == LINES_OF_A_LEAF + 1)?;
        leaves.push(String::from_utf8(text.to_vec()).ok()?);
        bytes = rest;
    }
    bytes.is_empty().then_some(leaves)
}

/// Writes the tiles, and the checkpoint last: whoever reads it finds every tile that it needs.
fn kept(
    folder: &Path,
    exported: &Exported,
    (note, checkpoint): (&str, &Checkpoint),
    global: &Global,
) -> Result<ExitCode> {
    if (exported.tree.size(), exported.tree.root()) != (checkpoint.size, checkpoint.root) {
        let message =
            format!("the {} leaves do not lead to the root of the checkpoint", exported.tree.size());
        let help = "the log or the hashes of its host were changed: keep the data folder as it is, and compare it with a backup";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    let progress = Progress::begin(global.quiet);
    let mut written = 0_u64;
    for tile in Tile::all(checkpoint.size) {
        progress.now(&format!("writing tiles: {written}"));
        written = written.saturating_add(u64::from(put(
            &folder.join(TILES).join(tile.to_string()),
            &exported.bytes(tile)?,
        )?));
    }
    put(&folder.join(CHECKPOINT), note.as_bytes())?;
    progress.end();
    let (size, root) = (checkpoint.size, checkpoint.root);
    if global.json {
        output::json(&json!({ "entries": size, "root": root.to_string(), "written": written }))?;
    } else {
        output::line(&format!("{size} entries, root {root}: {written} new tiles in `{}`", folder.display()))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Writes a file whole or not at all; says whether that was needed. What is full never changes.
fn put(file: &Path, bytes: &[u8]) -> Result<bool> {
    let name = || format!("`{}` cannot be written", file.display());
    if fs::read(file).is_ok_and(|known| known == bytes) {
        return Ok(false);
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(name)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(name)?;
    new.write_all(bytes).with_context(name)?;
    new.persist(file).map_err(|fault| fault.error).with_context(name)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leaves_are_taken_for_leaves() {
        let text = |number: u64| {
            let entry = Digest::of(&number.to_be_bytes());
            Leaf { stream: "int_1".to_owned(), sequence: number, entry }.to_text()
        };
        let (one, other) = (text(1), text(2));
        let bytes = bundle([&*one, &*other]).expect("they are short");
        assert_eq!(leaves(&bytes), Some(vec![one.clone(), other]));
        assert_eq!(leaves(&[]), Some(Vec::new()));
        for cut in 1..bytes.len() {
            let whole = cut == one.len() + 2;
            assert_eq!(leaves(&bytes[..cut]).is_some(), whole, "{cut}");
        }
        let mut wrong = bytes;
        wrong[4] = b'x';
        assert_eq!(leaves(&wrong), None);
    }
}
