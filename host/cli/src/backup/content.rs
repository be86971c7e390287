//! Making a backup: what of a host goes into it, and how it gets its name only once it is whole.

use super::archive::{Archive, Writer, log_folder};
use super::draft::{Draft, refuse_existing};
use super::{About, FORMAT, LOG_FOLDER, read_log, refuse_half_restored};
use crate::config::{Whereabouts, rule_files};
use crate::distribution::lock::FILE as LOCK_FILE;
use crate::exit;
use crate::output::Failure;
use crate::wire::{
    COMPONENTS_FOLDER, DEVELOPMENT_FILE, INSTALL_KEY_FILE, LINK_KEY_FILE, PASSWORDS_FILE, TOKENS_FILE,
    component_files,
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::time::Timestamp;
use countersign_store_local::disk::RealDisk;
use countersign_store_local::left_at;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Files of the data folder that a host cannot do without, as far as they are there.
const FILES: [&str; 5] = [INSTALL_KEY_FILE, TOKENS_FILE, PASSWORDS_FILE, LINK_KEY_FILE, DEVELOPMENT_FILE];
/// Folders of it: connectors and components of policies, with what is said of them.
const FOLDERS: [&str; 3] = ["connectors/blobs", "connectors/evidence", "components/blobs"];
/// Where the configuration and the rules lie in a backup.
pub const HOUSE_FOLDER: &str = "house";
/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 8;
/// What a backup never holds.
const LEFT_OUT: [&str; 4] = [
    "the index and the tree over the log: both are made from the log",
    "compiled connectors, and the key that marks them: they are of one machine",
    "secrets of targets, of the identity provider and of ways to tell people: the configuration names where they are",
    "the private key of `[log]`: whoever has it beside the log can sign another one",
];

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its file.
    pub file: PathBuf,
    /// What it says of itself.
    pub about: About,
    /// How long it is.
    pub bytes: u64,
    /// How many files it holds.
    pub files: usize,
}

/// One file that goes into a backup.
struct Source {
    name: String,
    path: PathBuf,
}

/// Makes a backup of a data folder, with the configuration and the rules if they are known. Blocks meanwhile.
///
/// If the process stops in here nothing has the name of the backup; what was written ends with `.part`.
///
/// # Errors
/// If the log is not what was written, or the file is there already or cannot be written.
pub fn make(data: &Path, house: Option<&Whereabouts>, to: &Path, now: Timestamp) -> Result<Made> {
    refuse_half_restored(data)?;
    let log = data.join(LOG_FOLDER);
    if !log.is_dir() {
        let message = format!("no host has run in `{}`: there is no log in it", data.display());
        return Err(Failure::new(exit::CONFIGURATION, message).with_help("name it with `--data DIR`").into());
    }
    let file = if to.is_dir() { to.join(name_of(now)) } else { to.to_owned() };
    refuse_existing(&file)?;
    // Before the log, so that a host that starts in between has more of it and not less.
    let left_at = left_at(data)?;
    let whole = read_log(&log, Arc::new(RealDisk), u64::MAX, None)?;
    let survey = &whole.survey;
    if let Some(left_at) = left_at
        && survey.entries < left_at
    {
        let message = format!(
            "the log in `{}` has {} entries and had {left_at} when its host stopped",
            data.display(),
            survey.entries
        );
        let help = "keep the folder as it is, and restore an older backup beside it";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    if 0 < survey.entries && !data.join(INSTALL_KEY_FILE).is_file() {
        let message = format!(
            "`{}` has no `{INSTALL_KEY_FILE}`, and its log has {} entries",
            data.display(),
            survey.entries
        );
        let help = "put it back from an earlier backup, or from another host of this house: with another key a target takes \
                    a repeated write for a new one";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    let about = About {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: now.to_string(),
        entries: survey.entries,
        head: survey.head,
        root: whole.root,
        left_out: LEFT_OUT.iter().map(|&sentence| sentence.to_owned()).collect(),
        secrets: house.map(Whereabouts::references).unwrap_or_default(),
    };
    let (draft, new) = Draft::beside(&file)?;
    let mut writer = Writer::new(new);
    for extent in &survey.segments {
        let path = log.join(&extent.name);
        let from = File::open(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        writer.add(&format!("{LOG_FOLDER}/{}", extent.name), (extent.bytes, modified(&from)?), from)?;
    }
    let mut sources = of_data(data)?;
    if let Some(house) = house {
        sources.extend(of_house(house)?);
    }
    let mut files = survey.segments.len();
    for source in &sources {
        // What is replaced or taken away meanwhile is as it is now.
        let Some(from) = opened(&source.path)? else { continue };
        let size = (from.metadata()?.len(), modified(&from)?);
        writer.add(&source.name, size, from)?;
        files += 1;
    }
    let bytes = writer.finish(&about)?;
    // What counts is what can be read back.
    verified(draft.path())?;
    draft.becomes(&file)?;
    Ok(Made { file, about, bytes, files })
}

/// Opens a backup and reads the log in it from front to back.
///
/// # Errors
/// If it is none, or its log is not what it says.
pub fn verified(file: &Path) -> Result<Archive> {
    verified_since(file, None).map(|(archive, _)| archive)
}

/// The same, with the root over the first entries of its log, as many as were asked for; none if it has fewer.
///
/// # Errors
/// If it is none, or its log is not what it says.
pub fn verified_since(
    file: &Path,
    then: Option<u64>,
) -> Result<(Archive, Option<countersign_core::hash::Digest>)> {
    let archive = Archive::open(file)?;
    if let Some(name) = archive.items.keys().find(|name| !belongs(name)) {
        let message = format!("`{}` holds `{name}`, which is nothing that a backup holds", file.display());
        let help = "use another backup: what this program makes has no such file in it";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    let whole = read_log(log_folder(), archive.disk(), u64::MAX, then)
        .with_context(|| format!("the log in `{}`", file.display()))?;
    let about = &archive.about;
    let found = (whole.survey.entries, whole.survey.head, whole.root);
    if found != (about.entries, about.head, about.root) {
        let message = format!(
            "the log in `{}` has {} entries and the root {}, and was to have {} and {}",
            file.display(),
            whole.survey.entries,
            whole.root,
            about.entries,
            about.root
        );
        return Err(Failure::new(exit::NO, message).with_help("use another backup").into());
    }
    Ok((archive, whole.root_then))
}

/// Whether a file of this name is one that a backup may hold: nothing else is put into a data folder.
fn belongs(name: &str) -> bool {
    let path = Path::new(name);
    let mut folders = FOLDERS.iter().chain([&LOG_FOLDER, &HOUSE_FOLDER]).map(Path::new);
    FILES.contains(&name) || folders.any(|folder| path.starts_with(folder) && path != folder)
}

/// Whether the log in a backup has entries, and the key is not there of which their idempotency keys were made.
#[must_use]
pub fn lacks_install_key(archive: &Archive) -> bool {
    0 < archive.about.entries && !archive.items.contains_key(INSTALL_KEY_FILE)
}

/// What a backup is called if only a folder is named: by the moment, so that they sort.
fn name_of(now: Timestamp) -> String {
    let digits: String = now.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    format!("countersign-{digits}.backup")
}

fn opened(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

fn modified(file: &File) -> Result<u64> {
    let at = file.metadata()?.modified()?;
    Ok(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn of_data(data: &Path) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> =
        FILES.iter().map(|&name| Source { name: name.to_owned(), path: data.join(name) }).collect();
    for name in FOLDERS {
        let folder = data.join(name);
        let mut found = Vec::new();
        below(&folder, DEPTH_MAX, &mut found)?;
        // What was installed last is what its id means: the order in which they came is kept.
        found.sort_by_key(|path| (path.metadata().and_then(|about| about.modified()).ok(), path.clone()));
        for path in found {
            let within = path.strip_prefix(data)?.to_str().context("a name in the data folder is no text")?;
            sources.push(Source { name: within.to_owned(), path: path.clone() });
        }
    }
    Ok(sources)
}

fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    ensure!(0 < depth, "`{}` lies too deep to be a folder of a host", folder.display());
    for entry in fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, depth - 1, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The configuration, what is locked, and the rules, as they lie beside each other.
fn of_house(house: &Whereabouts) -> Result<Vec<Source>> {
    let here = house.file.parent().unwrap_or(Path::new(""));
    let mut paths = vec![house.file.clone(), here.join(LOCK_FILE)];
    // What the host takes for rules, and nothing else that lies beside them.
    let files = rule_files(&house.rules).context("the rules cannot be read")?;
    let mut rules: Vec<PathBuf> = files.iter().map(|file| house.rules.join(&file.path)).collect();
    rules.extend(component_files(&house.rules.join(COMPONENTS_FOLDER))?);
    rules.sort();
    paths.extend(rules);
    let mut sources = Vec::new();
    for path in paths {
        let within = match (path.strip_prefix(here), path.strip_prefix(&house.rules)) {
            (Ok(within), _) => within.to_owned(),
            (Err(_), Ok(within)) => Path::new("rules").join(within),
            (Err(_), Err(_)) => continue,
        };
        let within = Path::new(HOUSE_FOLDER).join(plain(&within));
        let name = within.to_str().context("a name of a rule file is no text")?.to_owned();
        sources.push(Source { name, path });
    }
    Ok(sources)
}

/// A path without the parts that lead nowhere.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_backup_holds_belongs_into_one() {
        for (name, expected) in [
            ("log/0000000001.cslog", true),
            ("install.key", true),
            ("DEVELOPMENT", true),
            ("connectors/blobs/sha256/a.wasm", true),
            ("house/rules/people.md", true),
            ("log", false),
            ("install.key/a", false),
            ("connectors/cache.key", false),
            ("connectors/aot/cs-1/a.cwasm", false),
            ("connectors/blobs.key", false),
            ("cache.key", false),
            ("index/1", false),
            ("RESTORED", false),
            ("RESTORING", false),
            ("houses/a", false),
        ] {
            assert_eq!(belongs(name), expected, "{name}");
        }
    }
}
