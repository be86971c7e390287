//! Components in one file, for a host that reaches no registry: an OCI image layout in a tar archive.
//!
//! Source: the [OCI image layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md) 1.0. Other tools
//! that know it copy such an archive into a registry and back. Nothing of it is unpacked onto the disk; the same components
//! give the same archive, byte for byte.

use super::artifact::{self, Artifact, Holds, Layer, MANIFEST_BYTES_MAX};
use super::{Fetched, Kind, bounded};
use anyhow::{Context as _, Result, bail};
use countersign_connectors::COMPONENT_BYTES_MAX;
use countersign_core::hash::Digest;
use oci_client::manifest::{
    ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciImageIndex,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write};
use std::path::Path;

/// The file that says what it is.
const MARK: &str = "oci-layout";
const MARK_BYTES: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The file that lists what is in it.
const INDEX: &str = "index.json";
/// The folder of everything else, by digest.
const BLOBS: &str = "blobs/sha256/";
/// What names a manifest in an index.
const NAME: &str = "org.opencontainers.image.ref.name";
/// Most files of one archive.
const FILES_MAX: usize = 1_000;
/// Largest sum of what one archive holds, in bytes.
const BYTES_MAX: usize = 512 * 1024 * 1024;

/// Writes components and what is said of them.
///
/// # Errors
/// If one of them cannot be written down.
pub fn write(components: &[Fetched], into: impl Write) -> Result<()> {
    let mut files = BTreeMap::new();
    let mut manifests = Vec::new();
    let mut keep = |artifact: &Artifact, name: Option<String>| {
        for (digest, bytes) in &artifact.blobs {
            files.insert(format!("{BLOBS}{digest}"), bytes.clone());
        }
        files.insert(format!("{BLOBS}{}", artifact.digest), artifact.manifest.clone());
        manifests.push(ImageIndexEntry {
            media_type: OCI_IMAGE_MEDIA_TYPE.to_owned(),
            digest: format!("sha256:{}", artifact.digest),
            size: i64::try_from(artifact.manifest.len()).unwrap_or(i64::MAX),
            platform: None,
            annotations: name.map(|name| BTreeMap::from([(NAME.to_owned(), name)])),
            artifact_type: artifact.kind.map(|kind| kind.artifact_type().to_owned()),
        });
    };
    for component in components {
        let named = &component.about.manifest.connector;
        let artifact = Artifact::of_component(&component.bytes, &component.about)?;
        keep(&artifact, Some(format!("{}:{}", named.id, named.version)));
        for (kind, bytes) in &component.evidence {
            keep(&Artifact::of_evidence(*kind, bytes, &artifact.manifest)?, None);
        }
    }
    let index = OciImageIndex {
        schema_version: 2,
        media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
        manifests,
        artifact_type: None,
        annotations: None,
    };
    files.insert(INDEX.to_owned(), serde_json::to_vec(&index)?);
    files.insert(MARK.to_owned(), MARK_BYTES.to_owned());
    let mut archive = tar::Builder::new(into);
    for (name, bytes) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    archive.into_inner()?.flush()?;
    Ok(())
}

/// Reads every component of an archive, or of the folder that one was unpacked into.
///
/// # Errors
/// If it is none, or one of them is no connector.
pub fn read(place: &Path) -> Result<Vec<Fetched>> {
    let name = format!("`{}`", place.display());
    let layout = if place.is_dir() { Layout::Folder(place) } else { Layout::Archive(unpacked(place)?) };
    read_from(&layout, &name).with_context(|| format!("{name} cannot be used"))
}

fn read_from(layout: &Layout<'_>, name: &str) -> Result<Vec<Fetched>> {
    let what = "which an archive of components has; `countersign connector export` makes one";
    layout.file(MARK, MARK_BYTES.len() + 1024).with_context(|| format!("it holds no `{MARK}`, {what}"))?;
    let index =
        layout.file(INDEX, MANIFEST_BYTES_MAX).with_context(|| format!("it holds no `{INDEX}`, {what}"))?;
    let index: OciImageIndex =
        serde_json::from_slice(&index).with_context(|| format!("its `{INDEX}` is none"))?;
    if FILES_MAX < index.manifests.len() {
        bail!("it holds more than {FILES_MAX} things");
    }
    let mut components = Vec::new();
    let mut said: Vec<(Digest, Kind, Vec<u8>)> = Vec::new();
    let (mut seen, mut left) = (BTreeSet::new(), BYTES_MAX);
    let mut take = |digest: Digest, most: usize| {
        let bytes = layout.blob(digest, most)?;
        left =
            left.checked_sub(bytes.len()).with_context(|| format!("it holds more than {BYTES_MAX} bytes"))?;
        Ok::<Vec<u8>, anyhow::Error>(bytes)
    };
    for entry in index.manifests.iter().filter(|entry| entry.media_type == OCI_IMAGE_MEDIA_TYPE) {
        let digest = artifact::of_sha256(&entry.digest)?;
        if !seen.insert(digest) {
            continue;
        }
        let manifest = take(digest, MANIFEST_BYTES_MAX)?;
        match artifact::read(&manifest).with_context(|| format!("sha256:{digest} cannot be used"))? {
            Some(Holds::Component(Layer { digest: layer, size })) => {
                components.push((digest, take(layer, size)?));
            }
            Some(Holds::Evidence(kind, Layer { digest: layer, size }, about)) => {
                said.push((about, kind, take(layer, size)?));
            }
            None => {}
        }
    }
    if components.is_empty() {
        bail!("it holds no component");
    }
    let fetched = |(manifest, bytes): (Digest, Vec<u8>)| {
        let mut fetched = Fetched::new(bytes, Vec::new(), name.to_owned())?;
        let of_this: Vec<(Kind, Vec<u8>)> = said
            .iter()
            .filter(|(about, ..)| *about == manifest)
            .map(|(_, kind, bytes)| (*kind, bytes.clone()))
            .collect();
        fetched.keep(&of_this);
        Ok(fetched)
    };
    components.into_iter().map(fetched).collect()
}

/// Where the files of a layout are.
enum Layout<'a> {
    Archive(BTreeMap<String, Vec<u8>>),
    Folder(&'a Path),
}

impl Layout<'_> {
    fn file(&self, name: &str, most: usize) -> Result<Vec<u8>> {
        match self {
            Layout::Archive(files) => {
                let bytes = files.get(name).with_context(|| format!("there is no `{name}` in it"))?;
                if most < bytes.len() {
                    bail!("`{name}` in it is larger than {most} bytes");
                }
                Ok(bytes.clone())
            }
            Layout::Folder(folder) => bounded(&folder.join(name), most),
        }
    }

    fn blob(&self, digest: Digest, most: usize) -> Result<Vec<u8>> {
        let bytes = self.file(&format!("{BLOBS}{digest}"), most)?;
        if Digest::of(&bytes) != digest {
            bail!("sha256:{digest} in it was changed: ask for the archive again");
        }
        Ok(bytes)
    }
}

/// Every file of an archive, in memory.
fn unpacked(file: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let named = || format!("`{}` cannot be read as an archive", file.display());
    let mut archive = tar::Archive::new(fs::File::open(file).with_context(named)?);
    let mut files = BTreeMap::new();
    let mut left = BYTES_MAX;
    for entry in archive.entries().with_context(named)? {
        let mut entry = entry.with_context(named)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().with_context(named)?.to_string_lossy().trim_start_matches("./").to_owned();
        let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
        if left < size || COMPONENT_BYTES_MAX < size || FILES_MAX <= files.len() {
            bail!("`{}` holds more than any archive of components", file.display());
        }
        left -= size;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).with_context(named)?;
        files.insert(name, bytes);
    }
    Ok(files)
}
