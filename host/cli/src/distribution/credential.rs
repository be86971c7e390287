//! What this machine keeps to sign in with at a registry: what `docker login` or `podman login` wrote.

use crate::exit;
use crate::output::{Failure, plain};
use anyhow::Result;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;
use std::env;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// Largest such file, in bytes.
const BYTES_MAX: u64 = 1024 * 1024;
/// What a credential helper says that has none for a registry.
const HAS_NONE: &str = "credentials not found";

/// The credential for a registry; anonymous if nobody has signed in there.
///
/// # Errors
/// If what is kept cannot be read.
pub(super) fn of(registry: &str) -> Result<RegistryAuth> {
    for place in places() {
        if let Some(found) = kept(&place, registry)? {
            return Ok(found);
        }
    }
    Ok(RegistryAuth::Anonymous)
}

/// Where docker and podman keep it, in the order in which it is looked for.
fn places() -> Vec<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = folder("HOME");
    let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let docker =
        folder("DOCKER_CONFIG").or_else(|| in_home(".docker")).map(|folder| folder.join("config.json"));
    let podman = [
        folder("REGISTRY_AUTH_FILE"),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        in_home(".config/containers/auth.json"),
    ];
    docker.into_iter().chain(podman.into_iter().flatten()).collect()
}

fn kept(place: &Path, registry: &str) -> Result<Option<RegistryAuth>> {
    let failed = |why: &str| {
        let failure = Failure::new(
            exit::CONFIGURATION,
            format!(
                "`{}`, which says how to sign in at `{registry}`, cannot be used: {}",
                place.display(),
                plain(why)
            ),
        );
        failure
            .with_help(format!("sign in again with `docker login {registry}` or `podman login {registry}`"))
    };
    let file = match File::open(place) {
        Ok(file) => file,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(failed(&fault.to_string()).into()),
    };
    match get_credential_from_reader(BufReader::new(file.take(BYTES_MAX)), registry) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(Some(RegistryAuth::Basic(user, password)))
        }
        // It is exchanged for others; sent as it is, it would be one more who has it, and be refused.
        Ok(DockerCredential::IdentityToken(_)) => Err(failed(
            "it keeps an identity token, which this program cannot exchange: keep a user and a password",
        )
        .into()),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains(HAS_NONE) => Ok(None),
        // What a helper prints may be what it keeps.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(failed(&format!("its helper `{helper}` fails")).into())
        }
        Err(why) => Err(failed(&why.to_string()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept_in(text: &str) -> Result<Option<RegistryAuth>> {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("config.json");
        std::fs::write(&place, text).expect("it is written");
        kept(&place, "registry.example.com:5000")
    }

    #[test]
    fn what_docker_and_podman_write_is_read() {
        let found = kept_in(r#"{"auths":{"registry.example.com:5000":{"auth":"dmVuZG9yOnNlY3JldDp4"}}}"#);
        let expected = RegistryAuth::Basic("vendor".to_owned(), "secret:x".to_owned());
        assert_eq!(found.expect("it is read"), Some(expected));
        let found = kept_in(r#"{"auths":{"other.example.com":{"auth":"dmVuZG9yOnNlY3JldA=="}}}"#);
        assert_eq!(found.expect("it is read"), None);
        assert_eq!(
            kept(Path::new("/nowhere/config.json"), "registry.example.com").expect("none is none"),
            None
        );
    }

    #[test]
    fn what_cannot_be_read_is_said_without_what_is_in_it() {
        // A token that has to be exchanged first is never sent as it is.
        let token = r#"{"auths":{"registry.example.com:5000":{"identitytoken":"secret"}}}"#;
        for text in ["secret", token, r#"{"auths":{"registry.example.com:5000":{"auth":"!secret"}}}"#] {
            let Err(why) = kept_in(text) else { panic!("{text} is none") };
            let why = format!("{why:#}");
            assert!(why.contains("config.json") && why.contains("cannot be used"), "{why}");
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
