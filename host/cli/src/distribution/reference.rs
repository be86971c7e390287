//! References into a registry: `oci://HOST/REPOSITORY:VERSION` or `oci://HOST/REPOSITORY@sha256:DIGEST`.

use countersign_core::hash::Digest;
use std::fmt;

/// What a reference begins with.
pub const SCHEME: &str = "oci://";

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, and port if there is one.
    pub registry: String,
    /// Its repository.
    pub repository: String,
    /// What of it.
    pub at: At,
}

/// What of a repository is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Nothing was said: whatever version is pushed; nothing can be pulled.
    Unsaid,
    /// This version.
    Version(String),
    /// The manifest with this digest.
    Manifest(Digest),
}

impl Reference {
    /// Reads a reference, with `oci://` before it.
    ///
    /// # Errors
    /// In words, with what it looks like.
    pub fn parse(text: &str) -> Result<Reference, String> {
        let no = |what: &str| {
            format!(
                "{what}: a reference looks like `oci://registry.example.com/acme/crm:1.2.0`, or ends in \
                 `@sha256:` and a digest"
            )
        };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| no("it does not begin with `oci://`"))?;
        let (registry, path) = rest.split_once('/').ok_or_else(|| no("it names no repository"))?;
        // Without one of these, others take the first part for a repository of a public registry.
        let is_host = registry.contains(['.', ':']) || registry == "localhost";
        if !is_host {
            return Err(no("its first part is no host"));
        }
        let parsed: oci_client::Reference =
            rest.parse().map_err(|why| no(&format!("it is malformed ({why})")))?;
        let at = if let Some(digest) = parsed.digest() {
            let digest = digest.strip_prefix("sha256:").and_then(Digest::parse);
            At::Manifest(digest.ok_or_else(|| no("its digest is not `sha256:` and 64 digits"))?)
        } else if path.contains(':') {
            At::Version(parsed.tag().unwrap_or_default().to_owned())
        } else {
            At::Unsaid
        };
        Ok(Reference { registry: registry.to_owned(), repository: parsed.repository().to_owned(), at })
    }

    /// The manifest with this digest in the same repository.
    #[must_use]
    pub fn of_manifest(&self, digest: Digest) -> Reference {
        Reference { at: At::Manifest(digest), ..self.clone() }
    }

    /// This version in the same repository.
    #[must_use]
    pub fn of_version(&self, version: &str) -> Reference {
        Reference { at: At::Version(version.to_owned()), ..self.clone() }
    }

    /// Whether the registry is on this machine, and so is asked without TLS.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) | None => &self.registry,
        };
        is_local(host)
    }
}

/// Whether a host is this machine.
pub(super) fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}/{}", self.registry, self.repository)?;
        match &self.at {
            At::Unsaid => Ok(()),
            At::Version(version) => write!(formatter, ":{version}"),
            At::Manifest(digest) => write!(formatter, "@sha256:{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_host_repository_and_what_of_it() {
        let digest = "ab".repeat(32);
        for text in [
            "oci://registry.example.com/acme/crm:1.2.0",
            "oci://127.0.0.1:5000/acme/crm:1.2.0-rc.1",
            "oci://localhost/crm",
            &format!("oci://registry.example.com/acme/crm@sha256:{digest}"),
        ] {
            let reference = Reference::parse(text).expect(text);
            assert_eq!(reference.to_string(), *text);
        }
        let reference = Reference::parse("oci://127.0.0.1:5000/acme/crm").expect("a host with a port");
        assert_eq!(
            (reference.registry.as_str(), reference.repository.as_str()),
            ("127.0.0.1:5000", "acme/crm")
        );
        assert_eq!(reference.at, At::Unsaid);
    }

    #[test]
    fn what_is_no_reference_is_said_with_what_one_looks_like() {
        for (text, expected) in [
            ("acme/crm:1.2.0", "does not begin with `oci://`"),
            ("oci://acme/crm:1.2.0", "its first part is no host"),
            ("oci://registry.example.com", "names no repository"),
            ("oci://registry.example.com/Acme/crm", "malformed"),
            ("oci://registry.example.com/acme/crm@sha256:abc", "malformed"),
        ] {
            let why = Reference::parse(text).expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
            assert!(why.contains("looks like `oci://registry.example.com/acme/crm:1.2.0`"), "{why}");
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for (text, is_local) in [
            ("oci://127.0.0.1:5000/crm", true),
            ("oci://localhost:5000/crm", true),
            ("oci://localhost/crm", true),
            ("oci://10.0.0.1:5000/crm", false),
            ("oci://localhost.example.com/crm", false),
            ("oci://registry.example.com/crm", false),
        ] {
            assert_eq!(Reference::parse(text).expect(text).is_local(), is_local, "{text}");
        }
    }
}
