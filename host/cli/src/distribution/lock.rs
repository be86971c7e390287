//! `connectors.lock`: which builds a host is to have, for the operator's own repository.
//!
//! It says of each connector one build by its digest, where that was had from, who had signed it, and what it asked for
//! then. Whoever reviews a change of it reads what would change on the host.

use super::{Fetched, Source};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result, bail};
use countersign_core::hash::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The name of the file, beside the configuration.
pub const FILE: &str = "connectors.lock";
/// Largest such file, in bytes.
const BYTES_MAX: usize = 1024 * 1024;
/// The form that this program writes and reads.
const FORM: u32 = 1;
const HEAD: &str = "# Written by `countersign connector add --lock`; `countersign connector add --locked` makes a host so.\n\n";

/// A file of locked builds.
#[derive(Debug)]
pub struct Lock {
    file: PathBuf,
    builds: Vec<Locked>,
}

/// One locked build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The connector's id.
    pub id: String,
    /// The version of the build.
    pub version: String,
    /// Where it is had from; a path is relative to the lock.
    pub from: String,
    /// SHA-256 of the component.
    pub sha256: String,
    /// The key that had signed it, where one was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// SHA-256 of everything that it asks for, one sentence a line.
    pub grants: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    form: u32,
    #[serde(default)]
    connector: Vec<Locked>,
}

impl Lock {
    /// The lock beside a configuration; an empty one if there is no file.
    ///
    /// # Errors
    /// If the file is there and is none.
    pub fn beside(configuration: Option<&Path>) -> Result<Lock> {
        let folder = configuration.and_then(Path::parent).unwrap_or(Path::new(""));
        let file = folder.join(FILE);
        if !file.exists() {
            return Ok(Lock { file, builds: Vec::new() });
        }
        let text = super::bounded(&file, BYTES_MAX)?;
        let named = || format!("`{}` cannot be used", file.display());
        let written: Written =
            toml::from_str(std::str::from_utf8(&text).with_context(named)?).with_context(named)?;
        if written.form != FORM {
            bail!("`{}` is of form {}, and this program knows form {FORM}", file.display(), written.form);
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = written.connector.iter().find(|locked| !ids.insert(&locked.id)) {
            bail!("`{}` names `{}` twice: keep the one that is meant", file.display(), twice.id);
        }
        Ok(Lock { file, builds: written.connector })
    }

    /// Every build, of each connector one.
    ///
    /// # Errors
    /// If there is none: then nothing would be done, and somebody meant something else.
    pub fn builds(&self) -> Result<&[Locked]> {
        if self.builds.is_empty() {
            let failure = Failure::new(exit::USAGE, format!("`{}` names no connector", self.file.display()));
            let help =
                "`countersign connector add SOURCE --lock` writes it, in the folder of the configuration";
            return Err(failure.with_help(help).into());
        }
        Ok(&self.builds)
    }

    /// Names this build for its connector, instead of another one, and writes the file whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn take(&mut self, locked: Locked) -> Result<()> {
        self.builds.retain(|other| other.id != locked.id);
        self.builds.push(locked);
        self.builds.sort_by(|one, other| one.id.cmp(&other.id));
        let text = toml::to_string(&Written { form: FORM, connector: self.builds.clone() })?;
        let named = || format!("`{}` cannot be written", self.file.display());
        let mut new = tempfile::NamedTempFile::new_in(self.folder()).with_context(named)?;
        new.write_all(HEAD.as_bytes()).and_then(|()| new.write_all(text.as_bytes())).with_context(named)?;
        new.as_file().sync_all().with_context(named)?;
        // It is for everybody who reads the repository.
        let public = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        new.as_file().set_permissions(public).with_context(named)?;
        new.persist(&self.file).with_context(named)?;
        Ok(())
    }

    /// How people call the file.
    #[must_use]
    pub fn name(&self) -> String {
        self.file.display().to_string()
    }

    fn folder(&self) -> &Path {
        self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A build as the lock names it.
    ///
    /// # Errors
    /// If what it asks for cannot be said, or a file that it came from cannot be found again.
    pub fn named(&self, source: &Source, component: &Fetched, signer: Option<&str>) -> Result<Locked> {
        let named = &component.about.manifest.connector;
        let from = match (&component.pinned, source) {
            (Some(pinned), _) => pinned.clone(),
            (None, Source::File(path) | Source::Layout(path)) => self.path_of(path)?,
            (None, Source::Registry(_) | Source::Download(_)) => component.from.trim_matches('`').to_owned(),
        };
        Ok(Locked {
            id: named.id.clone(),
            version: named.version.clone(),
            from,
            sha256: component.about.digest.to_string(),
            signer: signer.map(str::to_owned),
            grants: grants(&component.about.manifest.wants()?),
        })
    }

    /// A path as seen from the lock.
    fn path_of(&self, path: &Path) -> Result<String> {
        let found = |path: &Path| {
            fs::canonicalize(path).with_context(|| format!("`{}` cannot be found", path.display()))
        };
        let (path, folder) = (found(path)?, found(self.folder())?);
        Ok(path.strip_prefix(&folder).unwrap_or(&path).display().to_string())
    }

    /// Fetches a build from where it was had, and takes no other one.
    ///
    /// # Errors
    /// If it cannot be had, or is not the one.
    pub async fn fetch(&self, locked: &Locked) -> Result<Fetched> {
        let is_path = !locked.from.contains("://");
        let text = if is_path {
            self.folder().join(&locked.from).display().to_string()
        } else {
            locked.from.clone()
        };
        let source = super::source(&text).map_err(|why| {
            Failure::new(exit::USAGE, format!("`{}` of `{}` in {}: {why}", text, locked.id, self.name()))
        })?;
        let all = source.fetch().await?;
        let found = all.into_iter().find(|one| one.about.digest.to_string() == locked.sha256);
        let found = found.ok_or_else(|| {
            let message = format!(
                "`{text}` holds another component than {} says of `{}`: sha256:{}",
                self.name(),
                locked.id,
                locked.sha256
            );
            Failure::new(exit::REFUSED, message).with_help("find out who changed it before you use it")
        })?;
        let named = &found.about.manifest.connector;
        let wants = grants(&found.about.manifest.wants()?);
        if (&named.id, &named.version, &wants) != (&locked.id, &locked.version, &locked.grants) {
            let failure = Failure::new(
                exit::NO,
                format!("{} says of `{}` what its component does not", self.name(), locked.id),
            );
            let help = "it was edited, or written by a version that says in other words what is asked for: read \
                        `countersign connector inspect`, and name it again with `--lock`";
            return Err(failure.with_help(help).into());
        }
        Ok(found)
    }
}

/// The digest of everything that a build asks for.
fn grants(wants: &BTreeSet<String>) -> String {
    let sentences: Vec<&str> = wants.iter().map(String::as_str).collect();
    Digest::of(sentences.join("\n").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(id: &str, version: &str) -> Locked {
        Locked {
            id: id.to_owned(),
            version: version.to_owned(),
            from: "oci://registry.example.com/acme/crm@sha256:00".to_owned(),
            sha256: "00".repeat(32),
            signer: None,
            grants: "11".repeat(32),
        }
    }

    #[test]
    fn a_lock_names_one_build_of_each_connector() {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("countersign.toml");
        let mut lock = Lock::beside(Some(&configuration)).expect("none is an empty one");
        assert!(lock.builds().is_err());
        lock.take(locked("acme.erp", "1.0.0")).expect("it is written");
        lock.take(locked("acme.crm", "1.0.0")).expect("it is written");
        lock.take(locked("acme.erp", "1.1.0")).expect("it is written");
        let read = Lock::beside(Some(&configuration)).expect("it is read");
        let expected = [locked("acme.crm", "1.0.0"), locked("acme.erp", "1.1.0")];
        assert_eq!(read.builds().expect("there are some"), expected);
        let text = fs::read_to_string(folder.path().join(FILE)).expect("it is there");
        assert!(text.starts_with("# Written by `countersign connector add --lock`"), "{text}");
    }

    #[test]
    fn what_is_no_lock_or_of_another_form_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("countersign.toml");
        let one = toml::to_string(&Written { form: 1, connector: vec![locked("acme.crm", "1.0.0"); 2] });
        let twice = one.expect("it is written");
        for (text, expected) in [
            ("form = 2\n", "is of form 2, and this program knows form 1"),
            ("form = 1\nconector = []\n", "unknown field"),
            ("form = 1\n[[connector]]\nid = \"acme.crm\"\n", "missing field"),
            (&twice, "names `acme.crm` twice"),
            ("\u{0}", "cannot be used"),
        ] {
            fs::write(folder.path().join(FILE), text).expect("it is written");
            let why = Lock::beside(Some(&configuration)).expect_err(text);
            assert!(format!("{why:#}").contains(expected), "{why:#}");
        }
    }
}
