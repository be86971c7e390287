//! A component as registries keep it: an image manifest with one layer, and what is said of it as its referrers.
//!
//! Sources: the [OCI image specification](https://github.com/opencontainers/image-spec) 1.1, and the
//! [Wasm OCI artifact](https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/) of the CNCF, version 0.
//! The same component always gives the same manifest, so that pushing it again changes nothing.

use super::Kind;
use anyhow::{Context as _, Result, bail};
use countersign_connectors::{COMPONENT_BYTES_MAX, Inspected};
use countersign_core::hash::Digest;
use oci_client::manifest::{
    IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Largest manifest, in bytes, as registries take it.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The kind of the layer: a component.
pub const LAYER: &str = "application/wasm";
/// The kind of the configuration of a component.
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The kind of the configuration of what has none.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// What a configuration of that kind holds.
const EMPTY_BYTES: &[u8] = b"{}";

impl Kind {
    /// The kind of artifact that a registry keeps it as.
    #[must_use]
    pub fn artifact_type(self) -> &'static str {
        match self {
            Kind::Signature => "application/vnd.countersign.signature.v1+json",
            Kind::Conformance => "application/vnd.countersign.conformance.v1+json",
            Kind::Materials => "application/vnd.cyclonedx+json",
        }
    }

    /// The kind of its layer.
    fn layer(self) -> &'static str {
        match self {
            Kind::Signature | Kind::Conformance => "application/vnd.dsse.envelope.v1+json",
            Kind::Materials => "application/vnd.cyclonedx+json",
        }
    }
}

/// Something that a registry keeps: a manifest and the blobs that it names.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The manifest, as it is stored.
    pub manifest: Vec<u8>,
    /// Its digest.
    pub digest: Digest,
    /// What it is, if it is said of something else.
    pub kind: Option<Kind>,
    /// The blobs: the configuration, then the layer.
    pub blobs: [(Digest, Vec<u8>); 2],
}

impl Artifact {
    /// A component.
    ///
    /// # Errors
    /// If the manifest cannot be written down, which no component causes.
    pub fn of_component(bytes: &[u8], about: &Inspected) -> Result<Artifact> {
        let named = &about.manifest.connector;
        let config = json!({
            // One date for all: the same component is the same artifact, whenever it is pushed.
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [format!("sha256:{}", about.digest)],
            "component": { "exports": about.exports, "imports": about.imports },
        });
        let annotations = BTreeMap::from([
            ("org.opencontainers.image.title".to_owned(), named.id.clone()),
            ("org.opencontainers.image.version".to_owned(), named.version.clone()),
            ("org.opencontainers.image.description".to_owned(), named.description.clone()),
            ("org.opencontainers.image.licenses".to_owned(), named.license.clone()),
        ]);
        let manifest = OciImageManifest { annotations: Some(annotations), ..OciImageManifest::default() };
        Artifact::new(manifest, (CONFIG, serde_json::to_vec(&config)?), (LAYER, bytes), None)
    }

    /// What is said of the component with this manifest.
    ///
    /// # Errors
    /// If the manifest cannot be written down, which no evidence causes.
    pub fn of_evidence(kind: Kind, bytes: &[u8], subject: &[u8]) -> Result<Artifact> {
        let manifest = OciImageManifest {
            subject: Some(descriptor(OCI_IMAGE_MEDIA_TYPE, subject)),
            artifact_type: Some(kind.artifact_type().to_owned()),
            ..OciImageManifest::default()
        };
        Artifact::new(manifest, (EMPTY, EMPTY_BYTES.to_owned()), (kind.layer(), bytes), Some(kind))
    }

    fn new(
        mut manifest: OciImageManifest,
        (config_type, config): (&str, Vec<u8>),
        (layer_type, layer): (&str, &[u8]),
        kind: Option<Kind>,
    ) -> Result<Artifact> {
        manifest.media_type = Some(OCI_IMAGE_MEDIA_TYPE.to_owned());
        manifest.config = descriptor(config_type, &config);
        manifest.layers = vec![descriptor(layer_type, layer)];
        let manifest = serde_json::to_vec(&manifest).context("the manifest cannot be written down")?;
        let blobs = [(Digest::of(&config), config), (Digest::of(layer), layer.to_owned())];
        Ok(Artifact { digest: Digest::of(&manifest), manifest, kind, blobs })
    }
}

/// What names bytes of a kind.
fn descriptor(media_type: &str, bytes: &[u8]) -> OciDescriptor {
    OciDescriptor {
        media_type: media_type.to_owned(),
        digest: format!("sha256:{}", Digest::of(bytes)),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

/// The one layer of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: usize,
}

/// What a manifest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A component.
    Component(Layer),
    /// Something said of the artifact with this digest.
    Evidence(Kind, Layer, Digest),
}

/// Reads a manifest. `None` if it is of neither kind: anything may lie in a registry.
///
/// # Errors
/// In words: it is of one of them, and is none.
pub fn read(manifest: &[u8]) -> Result<Option<Holds>> {
    if MANIFEST_BYTES_MAX < manifest.len() {
        bail!("its manifest is larger than {MANIFEST_BYTES_MAX} bytes");
    }
    let manifest: OciImageManifest =
        serde_json::from_slice(manifest).context("its manifest is no manifest of one artifact")?;
    let is_image = |media_type: &str| [OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE].contains(&media_type);
    if !manifest.media_type.as_deref().is_none_or(is_image) {
        return Ok(None);
    }
    let evidence =
        Kind::ALL.into_iter().find(|kind| manifest.artifact_type.as_deref() == Some(kind.artifact_type()));
    let (wanted, most) = match evidence {
        Some(kind) => (kind.layer(), kind.bytes_max()),
        // By its layer: some registries take no other configuration than that of an image.
        None if manifest.layers.iter().any(|layer| layer.media_type == LAYER) => (LAYER, COMPONENT_BYTES_MAX),
        None => return Ok(None),
    };
    let [layer] = manifest.layers.as_slice() else {
        bail!("its manifest has {} layers, and a component is one", manifest.layers.len());
    };
    if layer.media_type != wanted {
        bail!("its layer is `{}` and not `{wanted}`", layer.media_type.escape_debug());
    }
    let digest = of_sha256(&layer.digest)?;
    let size = usize::try_from(layer.size).ok().filter(|size| *size <= most);
    let layer =
        Layer { digest, size: size.with_context(|| format!("its layer is larger than {most} bytes"))? };
    match (evidence, &manifest.subject) {
        (None, _) => Ok(Some(Holds::Component(layer))),
        (Some(kind), Some(subject)) => Ok(Some(Holds::Evidence(kind, layer, of_sha256(&subject.digest)?))),
        (Some(_), None) => bail!("it does not say what it is about"),
    }
}

/// Reads `sha256:` and a digest.
pub(super) fn of_sha256(text: &str) -> Result<Digest> {
    let digest = text.strip_prefix("sha256:").and_then(Digest::parse);
    digest.with_context(|| format!("`{}` is not `sha256:` and 64 digits", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_connectors::Manifest;

    fn about(bytes: &[u8]) -> Inspected {
        let manifest = "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
                        [endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"PUT\"]\npaths = [\"/*\"]\n";
        Inspected {
            digest: Digest::of(bytes),
            size: bytes.len(),
            imports: vec!["countersign:connector/http@1.0.0".to_owned()],
            exports: Vec::new(),
            manifest: Manifest::parse(manifest).expect("it is good"),
            manifest_text: manifest.to_owned(),
        }
    }

    fn component() -> Artifact {
        Artifact::of_component(b"bytes", &about(b"bytes")).expect("it is written down")
    }

    #[test]
    fn a_component_and_what_is_said_of_it_are_read_as_they_were_written() {
        let component = component();
        assert_eq!(component.digest, Digest::of(&component.manifest));
        let layer = Layer { digest: Digest::of(b"bytes"), size: 5 };
        assert_eq!(read(&component.manifest).expect("it is one"), Some(Holds::Component(layer)));
        let config: serde_json::Value = serde_json::from_slice(&component.blobs[0].1).expect("it is JSON");
        assert_eq!(config["layerDigests"], json!([format!("sha256:{}", Digest::of(b"bytes"))]));
        assert_eq!(config["component"]["imports"], json!(["countersign:connector/http@1.0.0"]));
        for kind in Kind::ALL {
            let said =
                Artifact::of_evidence(kind, b"words", &component.manifest).expect("it is written down");
            let layer = Layer { digest: Digest::of(b"words"), size: 5 };
            let expected = Some(Holds::Evidence(kind, layer, component.digest));
            assert_eq!(read(&said.manifest).expect("it is one"), expected);
        }
    }

    #[test]
    fn what_is_no_component_is_told_from_what_is_a_bad_one() {
        let changed = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut manifest = serde_json::from_slice(&component().manifest).expect("it is JSON");
            change(&mut manifest);
            read(&serde_json::to_vec(&manifest).expect("it is JSON"))
        };
        let image = changed(&|manifest| {
            manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar")
        });
        assert_eq!(image.expect("an image is no component"), None);
        let index =
            changed(&|manifest| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json"));
        assert_eq!(index.expect("an index is none"), None);
        let two: &dyn Fn(&mut serde_json::Value) = &|manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"].as_array_mut().expect("a list").push(layer);
        };
        let size =
            |size: i64| move |manifest: &mut serde_json::Value| manifest["layers"][0]["size"] = json!(size);
        for (change, expected) in [
            (two, "has 2 layers, and a component is one"),
            (&size(1 << 40), "is larger than"),
            (&size(-1), "is larger than"),
            (&|manifest| manifest["layers"][0]["digest"] = json!("md5:ab"), "is not `sha256:`"),
        ] {
            let why = changed(change).expect_err("it is a bad one");
            assert!(format!("{why:#}").contains(expected), "{why:#}");
        }
        assert!(read(b"[]").is_err());
        assert!(read(&vec![b' '; MANIFEST_BYTES_MAX + 1]).is_err());
        let said = Artifact::of_evidence(Kind::Signature, b"words", &component().manifest)
            .expect("it is written down");
        let mut about_nothing: serde_json::Value =
            serde_json::from_slice(&said.manifest).expect("it is JSON");
        about_nothing.as_object_mut().expect("an object").remove("subject");
        let why = read(&serde_json::to_vec(&about_nothing).expect("it is JSON")).expect_err("of what?");
        assert!(why.to_string().contains("does not say what it is about"), "{why}");
    }
}
