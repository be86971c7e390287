//! Components in a registry that keeps OCI artifacts.
//!
//! A version is pushed once: whoever has it by its version has the same bytes as everybody else. What is said of a
//! component refers to it; where a registry has no list of what refers to what, the list is kept under a tag, as the
//! [OCI distribution specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md) 1.1 has it.

use super::artifact::{self, Artifact, Holds, Layer};
use super::reference::{At, Reference};
use super::{Fetched, Kind, credential};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result, bail};
use countersign_core::hash::Digest;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{
    ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciImageIndex,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use std::time::Duration;
use tokio::io::AsyncWrite;

/// How long a registry may take to take a connection, in milliseconds.
const CONNECT_MS: u64 = 10_000;
/// How long it may say nothing, in milliseconds.
const READ_MS: u64 = 30_000;
/// How long one push or pull may take in all, in milliseconds.
const WHOLE_MS: u64 = 600_000;
/// A proxy that nothing goes through; naming one keeps the client from taking what the environment names.
const NO_PROXY: &str = "http://127.0.0.1:9";
/// Most things that are said of one component and looked at: anybody who may push can say something.
const REFERRERS_MAX: usize = 64;
/// Most bytes of all that is said of one component.
const EVIDENCE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A registry, as whoever is signed in on this machine sees it.
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct Registry {
    client: Client,
    auth: RegistryAuth,
    name: String,
}

/// What came of a push.
#[derive(Debug)]
pub struct Pushed {
    /// Where exactly the component is.
    pub pinned: Reference,
    /// Whether the component was there already.
    pub was_there: bool,
    /// What was said of it, and whether that was there already.
    pub evidence: Vec<(Kind, bool)>,
}

impl Registry {
    /// The registry of a reference. Nothing is sent yet.
    ///
    /// # Errors
    /// If what this machine keeps to sign in with cannot be read.
    pub fn open(reference: &Reference) -> Result<Registry> {
        // The client wants one for the process; whoever comes first gives the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let is_local = reference.is_local();
        let config = ClientConfig {
            protocol: if is_local { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(Duration::from_millis(CONNECT_MS)),
            read_timeout: Some(Duration::from_millis(READ_MS)),
            user_agent: concat!("countersign/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            // What is on this machine is asked directly: a proxy would carry its credential in the clear.
            http_proxy: is_local.then(|| NO_PROXY.to_owned()),
            no_proxy: is_local.then(|| "127.0.0.0/8,::1,localhost".to_owned()),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).context("no client for a registry can be made")?;
        let name = reference.registry.clone();
        Ok(Registry { client, auth: credential::of(&name)?, name })
    }

    /// Fetches a component and what is said of it.
    ///
    /// # Errors
    /// If it cannot be had, is no component, or is not what the reference says.
    pub async fn pull(&self, reference: &Reference) -> Result<Fetched> {
        within(&self.name, self.pull_now(reference)).await
    }

    /// Puts a component and what is said of it there. Pushing the same again changes nothing.
    ///
    /// # Errors
    /// If the reference names another version, or that version is there with other bytes, or the registry refuses.
    pub async fn push(&self, reference: &Reference, component: &Fetched) -> Result<Pushed> {
        within(&self.name, self.push_now(reference, component)).await
    }

    async fn pull_now(&self, reference: &Reference) -> Result<Fetched> {
        if reference.at == At::Unsaid {
            let failure = Failure::new(exit::USAGE, format!("`{reference}` names no version"));
            let help = "a version is added by its number or its digest, so that it is always the same one: \
                        `oci://registry.example.com/acme/crm:1.2.0`";
            return Err(failure.with_help(help).into());
        }
        self.sign_in(reference, RegistryOperation::Pull).await?;
        let (manifest, digest) = self.manifest(reference).await?;
        let layer = match artifact::read(&manifest) {
            Ok(Some(Holds::Component(layer))) => layer,
            Ok(Some(Holds::Evidence(..)) | None) => bail!("`{reference}` is no component"),
            Err(why) => return Err(why.context(format!("`{reference}` is no component"))),
        };
        let bytes = self.blob(reference, layer).await?;
        let pinned = reference.of_manifest(digest);
        let mut fetched = Fetched::new(bytes, Vec::new(), format!("`{reference}`"))?;
        let is_called = &fetched.about.manifest.connector.version;
        if let At::Version(version) = &reference.at
            && version != is_called
        {
            bail!(
                "`{reference}` holds version {}; whoever pushed it gave it a wrong number: ask them",
                plain(is_called)
            );
        }
        fetched.keep(&self.said(&pinned, digest).await?);
        fetched.pinned = Some(pinned.to_string());
        Ok(fetched)
    }

    /// All that is said of a component. What cannot be used is left out, with a word: anybody who may push
    /// can say something, and what counts is for the host.
    async fn said(&self, pinned: &Reference, about: Digest) -> Result<Vec<(Kind, Vec<u8>)>> {
        let referrers = self.referrers(pinned).await?;
        let is_ours = |entry: &&ImageIndexEntry| {
            Kind::ALL.iter().any(|kind| entry.artifact_type.as_deref() == Some(kind.artifact_type()))
        };
        let ours: Vec<&ImageIndexEntry> = referrers.manifests.iter().filter(is_ours).collect();
        if REFERRERS_MAX < ours.len() {
            bail!("more than {REFERRERS_MAX} things are said of `{pinned}`, which nobody looks through");
        }
        let mut found: Vec<(Kind, Vec<u8>)> = Vec::new();
        let mut left = EVIDENCE_BYTES_MAX;
        for entry in ours {
            let place = match artifact::of_sha256(&entry.digest) {
                Ok(digest) => pinned.of_manifest(digest),
                Err(why) => {
                    left_out(pinned, &why);
                    continue;
                }
            };
            let held = match self.client_manifest(&place).await {
                Ok(manifest) => artifact::read(&manifest),
                Err(fault) if is_missing(&fault) => Err(anyhow::anyhow!("`{place}` is not there any more")),
                Err(fault) => return Err(self.failed(&place, fault)),
            };
            let (kind, layer) = match held {
                Ok(Some(Holds::Evidence(kind, layer, subject))) if subject == about => (kind, layer),
                Ok(Some(Holds::Evidence(..) | Holds::Component(_)) | None) => continue,
                Err(why) => {
                    left_out(pinned, &why);
                    continue;
                }
            };
            left = left.checked_sub(layer.size).with_context(|| {
                format!(
                    "more than {EVIDENCE_BYTES_MAX} bytes are said of `{pinned}`, which nobody looks through"
                )
            })?;
            found.push((kind, self.blob(&place, layer).await?));
        }
        Ok(found)
    }

    async fn push_now(&self, reference: &Reference, component: &Fetched) -> Result<Pushed> {
        let version = &component.about.manifest.connector.version;
        let tagged = reference.of_version(version);
        if reference.at != At::Unsaid && reference.at != tagged.at {
            let failure =
                Failure::new(exit::USAGE, format!("{} is version {}", component.from, plain(version)));
            let help = format!("push it as `{tagged}`; a version is called what its manifest says");
            return Err(failure.with_help(help).into());
        }
        if version.contains('+') {
            let failure =
                Failure::new(exit::USAGE, format!("no registry takes the version {}", plain(version)));
            return Err(failure.with_help("a tag has no `+`: give it a version without").into());
        }
        let artifact = Artifact::of_component(&component.bytes, &component.about)?;
        self.sign_in(&tagged, RegistryOperation::Push).await?;
        let there = self.component_there(&tagged, component).await?;
        let was_there = there.is_some();
        let manifest = match there {
            Some(manifest) => manifest,
            None => {
                self.put(&tagged, &artifact).await?;
                artifact.manifest
            }
        };
        let pinned = reference.of_manifest(Digest::of(&manifest));
        let mut evidence = Vec::new();
        for (kind, bytes) in &component.evidence {
            let said = Artifact::of_evidence(*kind, bytes, &manifest)?;
            evidence.push((*kind, self.refer(&pinned, *kind, &said).await?));
        }
        Ok(Pushed { pinned, was_there, evidence })
    }

    /// The manifest of the component that has this version already, whoever wrote it; none if nothing has.
    async fn component_there(&self, tagged: &Reference, component: &Fetched) -> Result<Option<Vec<u8>>> {
        let Some(digest) = self.digest_of(tagged).await? else { return Ok(None) };
        let (manifest, _) = self.manifest(&tagged.of_manifest(digest)).await?;
        // Other tools write another manifest around the same bytes.
        if let Ok(Some(Holds::Component(layer))) = artifact::read(&manifest)
            && layer.digest == component.about.digest
        {
            return Ok(Some(manifest));
        }
        let failure = Failure::new(
            exit::CONFLICT,
            format!("`{tagged}` is there already, and is another component (sha256:{digest})"),
        );
        Err(failure.with_help("raise the version in `connector.toml` and build it again").into())
    }

    /// Lets something be said of a component, and says whether it was said already.
    async fn refer(&self, pinned: &Reference, kind: Kind, said: &Artifact) -> Result<bool> {
        let digest = format!("sha256:{}", said.digest);
        let lists = |index: &OciImageIndex| index.manifests.iter().any(|entry| entry.digest == digest);
        if lists(&self.referrers(pinned).await?) {
            return Ok(true);
        }
        self.put(&pinned.of_manifest(said.digest), said).await?;
        // A registry that keeps the list by itself has it now.
        let mut index = self.referrers(pinned).await?;
        if lists(&index) {
            return Ok(false);
        }
        index.schema_version = 2;
        index.media_type = Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned());
        index.manifests.push(ImageIndexEntry {
            media_type: OCI_IMAGE_MEDIA_TYPE.to_owned(),
            digest: digest.clone(),
            size: i64::try_from(said.manifest.len()).unwrap_or(i64::MAX),
            platform: None,
            annotations: None,
            artifact_type: Some(kind.artifact_type().to_owned()),
        });
        let list = tag_of_list(pinned)?;
        let bytes = serde_json::to_vec(&index)?;
        let pushed =
            self.client.push_manifest_raw(&of_client(&list), bytes, media(OCI_IMAGE_INDEX_MEDIA_TYPE)?).await;
        pushed.map_err(|fault| self.failed(&list, fault))?;
        Ok(false)
    }

    /// Sends the blobs that are not there, then the manifest that names them.
    async fn put(&self, place: &Reference, artifact: &Artifact) -> Result<()> {
        // As a tag that is called like a digest: the address is the same, and a registry that does not say where it has
        // put something makes the client stumble otherwise.
        let named = match &place.at {
            At::Manifest(digest) => place.of_version(&format!("sha256:{digest}")),
            At::Version(_) | At::Unsaid => place.clone(),
        };
        let image = of_client(&named);
        for (digest, bytes) in &artifact.blobs {
            let digest = format!("sha256:{digest}");
            let exists = self.client.blob_exists(&image, &digest).await;
            if !exists.map_err(|fault| self.failed(place, fault))? {
                let pushed = self.client.push_blob(&image, bytes.clone(), &digest).await;
                pushed.map_err(|fault| self.failed(place, fault))?;
            }
        }
        let manifest = artifact.manifest.clone();
        let pushed = self.client.push_manifest_raw(&image, manifest, media(OCI_IMAGE_MEDIA_TYPE)?).await;
        pushed.map_err(|fault| self.failed(place, fault))?;
        Ok(())
    }

    async fn sign_in(&self, place: &Reference, operation: RegistryOperation) -> Result<()> {
        let signed_in = self.client.auth(&of_client(place), &self.auth, operation).await;
        signed_in.map(drop).map_err(|fault| self.failed(place, fault))
    }

    /// The manifest there, or what the client says of it.
    async fn client_manifest(&self, place: &Reference) -> Result<Vec<u8>, OciDistributionError> {
        let kinds = [OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE];
        let pulled = self.client.pull_manifest_raw(&of_client(place), &self.auth, &kinds).await;
        pulled.map(|(bytes, _)| bytes.into())
    }

    /// The manifest there, and its digest.
    async fn manifest(&self, place: &Reference) -> Result<(Vec<u8>, Digest)> {
        let pulled = self.client_manifest(place).await;
        let bytes = pulled.map_err(|fault| self.failed(place, fault))?;
        let digest = Digest::of(&bytes);
        match &place.at {
            At::Manifest(wanted) if *wanted != digest => {
                bail!("the registry answers for `{place}` with something else (sha256:{digest})")
            }
            At::Manifest(_) | At::Version(_) | At::Unsaid => Ok((bytes, digest)),
        }
    }

    /// The digest of what has this version; none if nothing has.
    async fn digest_of(&self, place: &Reference) -> Result<Option<Digest>> {
        match self.client.fetch_manifest_digest(&of_client(place), &self.auth).await {
            Ok(digest) => artifact::of_sha256(&digest).map(Some),
            Err(fault) if is_missing(&fault) => Ok(None),
            Err(fault) => Err(self.failed(place, fault)),
        }
    }

    /// The list of what refers to a component; empty if nothing does.
    async fn referrers(&self, pinned: &Reference) -> Result<OciImageIndex> {
        let referrers = self.client.pull_referrers(&of_client(pinned), None).await;
        let referrers = referrers.map_err(|fault| self.failed(pinned, fault))?;
        if !referrers.manifests.is_empty() {
            return Ok(referrers);
        }
        // The client takes every fault of the list that is kept under a tag for an empty one: that would be written over.
        let tag = tag_of_list(pinned)?;
        if self.digest_of(&tag).await?.is_none() {
            return Ok(referrers);
        }
        let (bytes, _) = self.manifest(&tag).await?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("`{tag}` is no list of what refers to `{pinned}`"))
    }

    /// The bytes of a layer, as many as were announced and with the digest that was.
    async fn blob(&self, place: &Reference, layer: Layer) -> Result<Vec<u8>> {
        let mut into = Bounded { bytes: Vec::new(), most: layer.size };
        let digest = format!("sha256:{}", layer.digest);
        let pulled = self.client.pull_blob(&of_client(place), digest.as_str(), &mut into).await;
        pulled.map_err(|fault| self.failed(place, fault))?;
        if Digest::of(&into.bytes) != layer.digest {
            bail!("the registry answers for sha256:{} of `{place}` with other bytes", layer.digest);
        }
        Ok(into.bytes)
    }

    /// What went wrong, in our words, with the next step.
    fn failed(&self, place: &Reference, fault: OciDistributionError) -> anyhow::Error {
        let name = &self.name;
        if is_missing(&fault) {
            let failure = Failure::new(exit::NO, format!("`{place}` is not there"));
            return failure.with_help(format!("ask whoever keeps `{name}` for what it is called")).into();
        }
        if is_refusal(&fault) {
            let failure = Failure::new(exit::REFUSED, format!("`{name}` does not let you: {}", said(&fault)));
            let help = format!(
                "sign in with `docker login {name}` or `podman login {name}`; what they keep is what is sent"
            );
            return failure.with_help(help).into();
        }
        if let OciDistributionError::RequestError(request) = &fault
            && (request.is_connect() || request.is_timeout())
        {
            let failure =
                Failure::new(exit::UNREACHABLE, format!("`{name}` cannot be reached: {}", said(&fault)));
            return failure.with_help("check its name, the network and the proxy").into();
        }
        Failure::new(exit::NO, format!("`{place}`: {}", said(&fault))).into()
    }
}

/// Where the list of what refers to a component is kept if the registry keeps none by itself.
fn tag_of_list(pinned: &Reference) -> Result<Reference> {
    let At::Manifest(about) = &pinned.at else { bail!("`{pinned}` is no digest") };
    Ok(pinned.of_version(&format!("sha256-{about}")))
}

fn left_out(pinned: &Reference, why: &anyhow::Error) {
    output::say(&plain(&format!("something that is said of `{pinned}` is left out: {why:#}")));
}

/// At most so long.
async fn within<T>(name: &str, doing: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(Duration::from_millis(WHOLE_MS), doing).await {
        Ok(done) => done,
        Err(_) => {
            let failure =
                Failure::new(exit::TEMPORARY, format!("`{name}` was not done after {} s", WHOLE_MS / 1000));
            Err(failure.with_help("try again; what is there already is not sent again").into())
        }
    }
}

/// A fault with what caused it, on one line.
fn said(fault: &OciDistributionError) -> String {
    let mut words = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(deeper) = cause {
        let deeper_words = deeper.to_string();
        if !words.contains(&deeper_words) {
            words.push_str(": ");
            words.push_str(&deeper_words);
        }
        cause = deeper.source();
    }
    plain(&words)
}

fn is_missing(fault: &OciDistributionError) -> bool {
    let unknown = [OciErrorCode::ManifestUnknown, OciErrorCode::NameUnknown, OciErrorCode::NotFound];
    match fault {
        OciDistributionError::ImageManifestNotFoundError(_)
        | OciDistributionError::ServerError { code: 404, .. } => true,
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| unknown.contains(&error.code))
        }
        _ => false,
    }
}

fn is_refusal(fault: &OciDistributionError) -> bool {
    match fault {
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_)
        | OciDistributionError::ServerError { code: 401 | 403, .. } => true,
        OciDistributionError::RegistryError { envelope, .. } => envelope
            .errors
            .iter()
            .any(|error| [OciErrorCode::Denied, OciErrorCode::Unauthorized].contains(&error.code)),
        OciDistributionError::RequestError(request) => {
            request.status().is_some_and(|status| [401, 403].contains(&status.as_u16()))
        }
        _ => false,
    }
}

fn media(kind: &str) -> Result<reqwest::header::HeaderValue> {
    kind.parse().context("the kind of a manifest is no header")
}

fn of_client(reference: &Reference) -> oci_client::Reference {
    let (registry, repository) = (reference.registry.clone(), reference.repository.clone());
    match &reference.at {
        At::Manifest(digest) => {
            oci_client::Reference::with_digest(registry, repository, format!("sha256:{digest}"))
        }
        At::Version(version) => oci_client::Reference::with_tag(registry, repository, version.clone()),
        // Whoever sends something has named it before.
        At::Unsaid => oci_client::Reference::with_tag(registry, repository, String::new()),
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        more: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        if self.most < self.bytes.len().saturating_add(more.len()) {
            let why = format!("more than the {} bytes that its manifest says", self.most);
            return std::task::Poll::Ready(Err(std::io::Error::other(why)));
        }
        self.bytes.extend_from_slice(more);
        std::task::Poll::Ready(Ok(more.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
