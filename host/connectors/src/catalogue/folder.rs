//! The folder that connectors are kept in: their bytes by digest, and what is said of them.

use crate::fault::{ConnectorFault, FaultCode};
use crate::grant::OperatorGrant;
use crate::package::{self, Inspected};
use crate::trust::{Trust, When};
use countersign_core::hash::Digest;
use countersign_engine::port::catalogue::Evidence;
use std::fs;
use std::path::{Path, PathBuf};

/// Where connectors and what is said of them are kept.
pub(super) struct Folder {
    pub(super) blobs: PathBuf,
    pub(super) evidence: PathBuf,
}

/// The builds that are installed in a folder and that the operator takes, the newest last. Nothing of them is compiled or
/// run, and nothing is written: a host may use the folder meanwhile.
///
/// # Errors
/// If one cannot be read, or was changed after it was installed.
pub fn installed_builds(
    folder: &Path,
    trust: &Trust,
    grant: &OperatorGrant,
) -> Result<Vec<Inspected>, ConnectorFault> {
    let folder = Folder::at(folder);
    if !folder.blobs.is_dir() {
        return Ok(Vec::new());
    }
    let mut builds = Vec::new();
    for digest in folder.digests()? {
        let build = package::inspected(digest, &folder.bytes(digest)?)?;
        let vouched = trust.look_at(&build, &folder.evidence_of(digest)?, When::Loaded);
        if vouched.is_ok() && grant.covers(&build.manifest).is_ok() {
            builds.push(build);
        }
    }
    Ok(builds)
}

impl Folder {
    pub(super) fn at(folder: &Path) -> Folder {
        Folder { blobs: folder.join("blobs").join("sha256"), evidence: folder.join("evidence") }
    }

    /// The digests of everything that is installed; what was installed last stands last, so that it is what its id means
    /// after a start too.
    pub(super) fn digests(&self) -> Result<Vec<Digest>, ConnectorFault> {
        let fault = |error: std::io::Error| ConnectorFault::storage("read", &self.blobs, &error);
        let mut digests = Vec::new();
        for entry in fs::read_dir(&self.blobs).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let installed = entry.metadata().and_then(|about| about.modified()).map_err(fault)?;
            let name = entry.file_name();
            // Left-overs of an interrupted write have another ending and are overwritten.
            let digest = name.to_str().and_then(|name| name.strip_suffix(".wasm")).and_then(Digest::parse);
            digests.extend(digest.map(|digest| (installed, digest)));
        }
        digests.sort();
        Ok(digests.into_iter().map(|(_, digest)| digest).collect())
    }

    /// The bytes of a build, as they were installed.
    pub(super) fn bytes(&self, digest: Digest) -> Result<Vec<u8>, ConnectorFault> {
        let path = self.blob(digest);
        let bytes = kept(&path)?.ok_or_else(|| {
            let what = format!("connector sha256:{digest} is not installed; install it first");
            ConnectorFault::host(FaultCode::NotInstalled, what)
        })?;
        if Digest::of(&bytes) != digest {
            let what = format!(
                "the file `{}` was changed after it was installed; install the connector again",
                path.display()
            );
            return Err(ConnectorFault::host(FaultCode::Altered, what));
        }
        Ok(bytes)
    }

    /// What is said of a build.
    pub(super) fn evidence_of(&self, digest: Digest) -> Result<Evidence, ConnectorFault> {
        Ok(Evidence {
            signature: kept(&self.signature(digest))?,
            conformance: kept(&self.conformance(digest))?,
        })
    }

    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.blobs.join(format!("{digest}.wasm"))
    }

    /// The mark that a build was installed to serve, until that is on record.
    pub(super) fn wanted(&self, digest: Digest) -> PathBuf {
        self.evidence.join(format!("{digest}.wanted"))
    }

    pub(super) fn conformance(&self, digest: Digest) -> PathBuf {
        self.evidence.join(format!("{digest}.conformance"))
    }

    pub(super) fn signature(&self, digest: Digest) -> PathBuf {
        self.evidence.join(format!("{digest}.sig"))
    }
}

/// What is kept there; none if nothing is.
fn kept(path: &Path) -> Result<Option<Vec<u8>>, ConnectorFault> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConnectorFault::storage("read", path, &error)),
    }
}
