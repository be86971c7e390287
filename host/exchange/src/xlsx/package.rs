//! The parts of a workbook's file, each unpacked only up to a limit.

use crate::{FILE_BYTES_MAX, Misfit};
use std::io::{Cursor, Read as _};
use zip::ZipArchive;

/// Most parts of one file.
const PARTS_MAX: usize = 1_000;
/// Largest part when it is unpacked, in bytes: a sheet of 5,000 rows and 24 columns is half of it.
const PART_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// All parts that are read, unpacked, in bytes.
const ALL_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// Most nodes of one part: memory grows with them, not with bytes.
const NODES_MAX: u32 = 2_000_000;
/// How the files of old Excel, and of Excel with a password, begin.
const COMPOUND_FILE: [u8; 4] = [0xD0, 0xCF, 0x11, 0xE0];

/// An open file.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Package<'a>, Misfit> {
        if bytes.len() > FILE_BYTES_MAX {
            let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
            return Err(Misfit::at("", message));
        }
        let help = "save it as an Excel workbook (.xlsx), without a password";
        if bytes.starts_with(&COMPOUND_FILE) {
            let message = "the file is an old Excel file or is locked by a password";
            return Err(Misfit::at("", message).try_instead(help));
        }
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|fault| Misfit::at("", format!("the file is no workbook: {fault}")).try_instead(help))?;
        if archive.len() > PARTS_MAX {
            let message = format!("the file has {} parts, at most {PARTS_MAX} are read", archive.len());
            return Err(Misfit::at("", message));
        }
        if archive.index_for_name("mimetype").is_some() {
            return Err(Misfit::at("", "the file is an OpenDocument file").try_instead(help));
        }
        Ok(Package { archive, left: ALL_BYTES_MAX })
    }

    /// The text of a part; `None` if the file has none of this name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Misfit> {
        let wrong = |fault: &dyn std::fmt::Display| Misfit::at("", format!("part `{name}`: {fault}"));
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let part = self.archive.by_index(index).map_err(|fault| wrong(&fault))?;
        // What the archive says of a size is a claim; only what comes out counts.
        let most = PART_BYTES_MAX.min(self.left);
        let mut bytes = Vec::new();
        part.take(most + 1).read_to_end(&mut bytes).map_err(|fault| wrong(&fault))?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > most {
            return Err(wrong(&format!("it is larger than {most} bytes when it is unpacked")));
        }
        self.left -= size;
        let text = String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8"))?;
        Ok(Some(text))
    }

    /// The text of a part that must be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, Misfit> {
        let found = self.part(name)?;
        found.ok_or_else(|| Misfit::at("", format!("the file is no workbook: it has no part `{name}`")))
    }
}

/// Reads a part as XML. Document types are refused: they can blow a text up.
pub(super) fn parsed<'t>(name: &str, text: &'t str) -> Result<roxmltree::Document<'t>, Misfit> {
    let options =
        roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..roxmltree::ParsingOptions::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    roxmltree::Document::parse_with_options(text, options)
        .map_err(|fault| Misfit::at("", format!("part `{name}`: {fault}")))
}
