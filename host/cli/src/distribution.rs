//! Where components come from and go to: files, registries, addresses, archives.
//!
//! The command line fetches, the host does not: a host reaches the systems of its connections and nothing else, and
//! what it is handed it checks itself, wherever that came from.

pub mod artifact;
mod credential;
pub mod download;
pub mod layout;
pub mod lock;
pub mod reference;
pub mod registry;

use crate::build;
use crate::exit;
use crate::materials;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use countersign_connectors::{
    COMPONENT_BYTES_MAX, CONFORMANCE_BYTES_MAX, Inspected, SIGNATURE_BYTES_MAX, inspect, joined_reports,
    joined_signatures, unfit_report, unfit_signature,
};
use countersign_engine::port::catalogue::Evidence;
use download::Address;
use reference::Reference;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What lies beside a component and says something of it, by the ending of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Who made it: the envelope of its signatures.
    Signature,
    /// What a run of the conformance kit has shown of it: the envelope of the report.
    Conformance,
    /// What is in it: a bill of materials in CycloneDX.
    Materials,
}

/// Largest bill of materials, in bytes.
const MATERIALS_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Signature, Kind::Conformance, Kind::Materials];

    /// What the name of its file ends with, behind the component's.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Kind::Signature => ".sig",
            Kind::Conformance => ".conformance",
            Kind::Materials => ".cdx.json",
        }
    }

    /// Largest file of the kind, in bytes.
    #[must_use]
    pub fn bytes_max(self) -> usize {
        match self {
            Kind::Signature => SIGNATURE_BYTES_MAX,
            Kind::Conformance => CONFORMANCE_BYTES_MAX,
            Kind::Materials => MATERIALS_BYTES_MAX,
        }
    }

    /// Where it lies: beside the component.
    #[must_use]
    pub fn place_of(self, component: &Path) -> PathBuf {
        let mut name = component.as_os_str().to_owned();
        name.push(self.ending());
        PathBuf::from(name)
    }

    /// What lies beside a component; none if there is none.
    ///
    /// # Errors
    /// If it is there and cannot be read, or is larger than its kind may be.
    pub fn beside(self, component: &Path) -> Result<Option<Vec<u8>>> {
        let place = self.place_of(component);
        if !place.exists() {
            return Ok(None);
        }
        bounded(&place, self.bytes_max()).map(Some)
    }

    /// One of what several people have said of a component.
    fn joined(self, all: &[&Vec<u8>], about: &Inspected) -> Option<Vec<u8>> {
        match self {
            Kind::Signature => joined_signatures(all, about),
            Kind::Conformance => joined_reports(all, about),
            Kind::Materials => {
                let of_this = |bytes: &&&Vec<u8>| match materials::read(bytes, &about.digest) {
                    Ok(_) => true,
                    Err(unfit) => {
                        left_out(&unfit);
                        false
                    }
                };
                all.iter().rev().find(of_this).map(|bytes| bytes.to_vec())
            }
        }
    }
}

/// What lies beside a component that a host looks at.
///
/// # Errors
/// Those of [`Kind::beside`].
pub fn evidence_beside(component: &Path) -> Result<Evidence> {
    let beside = |kind: Kind| kind.beside(component);
    Ok(Evidence { signature: beside(Kind::Signature)?, conformance: beside(Kind::Conformance)? })
}

/// A file of so many bytes at most.
fn bounded(file: &Path, most: usize) -> Result<Vec<u8>> {
    let named = || format!("`{}` cannot be read", file.display());
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .with_context(named)?;
    if most < bytes.len() {
        anyhow::bail!("`{}` is larger than {most} bytes", file.display());
    }
    Ok(bytes)
}

/// A component with what is said of it.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The component.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub about: Inspected,
    /// What others say of it, one of a kind at most.
    pub evidence: Vec<(Kind, Vec<u8>)>,
    /// Where it came from, as people name it.
    pub from: String,
    /// Where exactly these bytes can be had again; `None` of a file.
    pub pinned: Option<String>,
}

impl Fetched {
    /// The evidence of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&[u8]> {
        self.evidence.iter().find(|(other, _)| *other == kind).map(|(_, bytes)| bytes.as_slice())
    }

    /// Why what is said of it is about something else; none if it is about it, or if nothing is said.
    #[must_use]
    pub fn unfit(&self, kind: Kind) -> Option<String> {
        let said = self.of(kind)?;
        match kind {
            Kind::Signature => unfit_signature(said, &self.about),
            Kind::Conformance => unfit_report(said, &self.about),
            Kind::Materials => self.materials().err().map(|unfit| unfit.to_string()),
        }
    }

    /// What its bill of materials says; none if it has none.
    ///
    /// # Errors
    /// If that is not about these bytes.
    pub fn materials(&self) -> Result<Option<materials::Said>, materials::Unfit> {
        self.of(Kind::Materials).map(|bytes| materials::read(bytes, &self.about.digest)).transpose()
    }

    /// Leaves out what somebody else says it is made of, if that is about other bytes.
    fn with_its_own_materials(mut self) -> Fetched {
        if let Err(unfit) = self.materials() {
            left_out(&unfit);
            self.evidence.retain(|(kind, _)| *kind != Kind::Materials);
        }
        self
    }

    /// What of it a host looks at.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let of = |kind| self.of(kind).map(<[u8]>::to_vec);
        Evidence { signature: of(Kind::Signature), conformance: of(Kind::Conformance) }
    }

    /// A component that was read somewhere.
    fn new(bytes: Vec<u8>, evidence: Vec<(Kind, Vec<u8>)>, from: String) -> Result<Fetched> {
        if COMPONENT_BYTES_MAX < bytes.len() {
            anyhow::bail!("the component of {from} is larger than {COMPONENT_BYTES_MAX} bytes");
        }
        let about = inspect(&bytes).with_context(|| format!("{from} cannot be used"))?;
        Ok(Fetched { bytes, about, evidence, from, pinned: None })
    }

    /// Keeps of all that several people have said one of each kind.
    fn keep(&mut self, said: &[(Kind, Vec<u8>)]) {
        for kind in Kind::ALL {
            let of_kind: Vec<&Vec<u8>> =
                said.iter().filter(|(other, _)| *other == kind).map(|(_, bytes)| bytes).collect();
            self.evidence.extend(kind.joined(&of_kind, &self.about).map(|bytes| (kind, bytes)));
        }
    }

    /// Writes the component and what is said of it into `file` and beside it; over nothing that is something else.
    ///
    /// # Errors
    /// If one of them is there and is something else, or cannot be written. Nothing is written in the first case.
    pub fn write(&self, file: &Path) -> Result<()> {
        let beside = self.evidence.iter().map(|(kind, bytes)| (kind.place_of(file), bytes));
        let all: Vec<(PathBuf, &Vec<u8>)> =
            [(file.to_owned(), &self.bytes)].into_iter().chain(beside).collect();
        for (place, bytes) in &all {
            if place.exists() && !fs::read(place).is_ok_and(|held| held == **bytes) {
                let message = format!("`{}` is there and is something else", place.display());
                let failure = Failure::new(exit::NO, message);
                return Err(failure.with_help("name another file with `--out FILE`, or remove it").into());
            }
        }
        for (place, bytes) in &all {
            build::put(place, bytes)?;
        }
        Ok(())
    }
}

fn left_out(unfit: &materials::Unfit) {
    output::say(&plain(&format!("a bill of materials is left out: {unfit}")));
}

/// Where components are had from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A component on this machine, with what lies beside it.
    File(PathBuf),
    /// An archive of components on this machine, or the folder that one was unpacked into.
    Layout(PathBuf),
    /// A registry.
    Registry(Reference),
    /// An address that the digest of the component was given with.
    Download(Address),
}

/// Reads what somebody wrote on the command line.
///
/// # Errors
/// In words, with what can be written there.
pub fn source(text: &str) -> Result<Source, String> {
    if text.starts_with(reference::SCHEME) {
        return Reference::parse(text).map(Source::Registry);
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Address::parse(text).map(Source::Download);
    }
    let path = PathBuf::from(text);
    if path.is_dir() || path.extension().is_some_and(|ending| ending == "tar") {
        return Ok(Source::Layout(path));
    }
    Ok(Source::File(path))
}

impl Source {
    /// Fetches every component of it: several of an archive, one of everything else.
    ///
    /// # Errors
    /// If something of it cannot be had, is no connector, or is not what its name says.
    pub async fn fetch(&self) -> Result<Vec<Fetched>> {
        match self {
            Source::File(file) => Ok(vec![from_file(file)?]),
            Source::Layout(place) => layout::read(place),
            Source::Registry(reference) => {
                Ok(vec![registry::Registry::open(reference)?.pull(reference).await?])
            }
            Source::Download(address) => Ok(vec![address.fetch().await?]),
        }
    }
}

/// The one component of a source.
///
/// # Errors
/// Those of [`Source::fetch`], or if there are several.
pub async fn one(source: &Source) -> Result<Fetched> {
    let mut all = source.fetch().await?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) | (None, _) => {
            let failure = Failure::new(exit::USAGE, "an archive holds more than one component");
            Err(failure.with_help("name one component").into())
        }
    }
}

fn from_file(file: &Path) -> Result<Fetched> {
    if !file.exists() && file.to_str().is_some_and(|text| Reference::parse(&format!("oci://{text}")).is_ok())
    {
        let failure = Failure::new(exit::USAGE, format!("there is no file `{}`", file.display()));
        let help = format!("if it is meant to come from a registry, write `oci://{}`", file.display());
        return Err(failure.with_help(help).into());
    }
    let bytes = bounded(file, COMPONENT_BYTES_MAX)?;
    let mut evidence = Vec::new();
    for kind in Kind::ALL {
        evidence.extend(kind.beside(file)?.map(|bytes| (kind, bytes)));
    }
    let fetched = Fetched::new(bytes, evidence, format!("`{}`", file.display()))?;
    fetched.materials().map_err(|unfit| unfit.beside(file, &fetched.about.digest))?;
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_connectors::Manifest;
    use countersign_core::hash::Digest;

    fn fetched(bytes: &[u8]) -> Fetched {
        let manifest = "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
                        [endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"PUT\"]\npaths = [\"/*\"]\n";
        let about = Inspected {
            digest: Digest::of(bytes),
            size: bytes.len(),
            imports: Vec::new(),
            exports: Vec::new(),
            manifest: Manifest::parse(manifest).expect("it is good"),
            manifest_text: manifest.to_owned(),
        };
        Fetched { bytes: bytes.to_owned(), about, evidence: Vec::new(), from: "it".to_owned(), pinned: None }
    }

    #[test]
    fn what_somebody_says_other_bytes_are_made_of_is_left_out_wherever_it_came_from() {
        let bill = |of: &Fetched| {
            let written = materials::Materials::default().document(&of.about);
            (Kind::Materials, written.expect("it is written down"))
        };
        let mut ours = fetched(b"ours");
        let (own, other) = (bill(&ours), bill(&fetched(b"others")));
        ours.keep(&[own.clone(), other.clone(), (Kind::Materials, b"words".to_vec())]);
        assert_eq!(ours.evidence, std::slice::from_ref(&own));
        let from_address =
            |evidence| Fetched { evidence, ..fetched(b"ours") }.with_its_own_materials().evidence;
        assert_eq!(from_address(vec![own.clone()]), [own]);
        assert_eq!(from_address(vec![other]), []);
    }
}
