//! Components at an address, named with the digest of their bytes: for registries that do not take components.

use super::reference::is_local;
use super::{Fetched, Kind};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result, bail};
use countersign_connectors::COMPONENT_BYTES_MAX;
use countersign_core::hash::Digest;
use std::fmt;
use std::time::Duration;

/// How long an address may take to take a connection, in milliseconds.
const CONNECT_MS: u64 = 10_000;
/// How long it may take in all, in milliseconds.
const WHOLE_MS: u64 = 300_000;

/// An address with the digest of what is there.
#[derive(Debug, Clone)]
pub struct Address {
    url: String,
    digest: Digest,
}

impl Address {
    /// Reads `https://HOST/PATH#sha256:DIGEST`; without TLS only on this machine.
    ///
    /// # Errors
    /// In words, with what it looks like.
    pub fn parse(text: &str) -> Result<Address, String> {
        let no = |what: &str| {
            format!(
                "{what}: write `https://downloads.example.com/crm.wasm#sha256:` and the digest of the component"
            )
        };
        let (url, digest) = text.split_once('#').ok_or_else(|| no("it says no digest"))?;
        let digest = digest.strip_prefix("sha256:").and_then(Digest::parse);
        let digest = digest.ok_or_else(|| no("its digest is not `sha256:` and 64 digits"))?;
        let parsed = reqwest::Url::parse(url).map_err(|why| no(&format!("it is no address ({why})")))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(no("it holds a password, which would be on record"));
        }
        if parsed.query().is_some() {
            return Err(no(
                "it has a query, which may hold a key that would be on record: fetch it yourself, and name the file",
            ));
        }
        let is_safe = parsed.scheme() == "https" || parsed.host_str().is_some_and(is_local);
        if !is_safe {
            return Err(no("without TLS only this machine is asked"));
        }
        Ok(Address { url: url.to_owned(), digest })
    }

    /// Fetches the component and what lies beside it.
    ///
    /// # Errors
    /// If it cannot be had, has another digest, or is no component.
    pub async fn fetch(&self) -> Result<Fetched> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(CONNECT_MS))
            .timeout(Duration::from_millis(WHOLE_MS))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            // Where it leads is not what the operator named.
            .redirect(reqwest::redirect::Policy::none());
        // What is on this machine is asked directly.
        let local = reqwest::Url::parse(&self.url).is_ok_and(|url| url.host_str().is_some_and(is_local));
        let client = if local { client.no_proxy() } else { client };
        let client = client.build().context("no client can be made")?;
        let Some(bytes) = get(&client, &self.url, (COMPONENT_BYTES_MAX, false)).await? else {
            return Err(Failure::new(exit::NO, format!("`{}` is not there", plain(&self.url))).into());
        };
        let digest = Digest::of(&bytes);
        if digest != self.digest {
            let failure = Failure::new(
                exit::REFUSED,
                format!("`{}` is another component than you named: sha256:{digest}", plain(&self.url)),
            );
            return Err(failure.with_help("ask whoever keeps it which digest is right").into());
        }
        let mut evidence = Vec::new();
        for kind in Kind::ALL {
            let beside = format!("{}{}", self.url, kind.ending());
            evidence
                .extend(get(&client, &beside, (kind.bytes_max(), true)).await?.map(|bytes| (kind, bytes)));
        }
        let mut fetched =
            Fetched::new(bytes, evidence, format!("`{}`", plain(&self.url)))?.with_its_own_materials();
        fetched.pinned = Some(self.to_string());
        Ok(fetched)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#sha256:{}", self.url, self.digest)
    }
}

/// What is at an address, of so many bytes at most; `None` if nothing is. Some do not say of what is not there that it is
/// not: that is enough for what may be missing.
async fn get(
    client: &reqwest::Client,
    url: &str,
    (most, may_lack): (usize, bool),
) -> Result<Option<Vec<u8>>> {
    let name = plain(url);
    let unreachable = |fault: reqwest::Error| {
        let failure =
            Failure::new(exit::UNREACHABLE, format!("`{name}` cannot be had: {}", fault.without_url()));
        failure
            .with_help("check the address, the network, the proxy and which certificates this machine trusts")
    };
    let mut answer = client.get(url).send().await.map_err(unreachable)?;
    match answer.status().as_u16() {
        200 => {}
        404 | 410 => return Ok(None),
        403 if may_lack => {
            output::say(&format!("`{name}` is kept from you, if it is there: it is left out"));
            return Ok(None);
        }
        300..=399 => {
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            let failure =
                Failure::new(exit::NO, format!("`{name}` leads to {}, which is not followed", plain(to)));
            return Err(failure.with_help("name that address, if you trust it").into());
        }
        status => bail!("`{name}` answers with {status}"),
    }
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(unreachable)? {
        if most < bytes.len().saturating_add(more.len()) {
            bail!("`{name}` is larger than {most} bytes");
        }
        bytes.extend_from_slice(&more);
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_there() {
        let digest = "ab".repeat(32);
        let good = format!("https://downloads.example.com/crm.wasm#sha256:{digest}");
        assert_eq!(Address::parse(&good).expect("it is one").to_string(), good);
        assert!(Address::parse(&format!("http://127.0.0.1:80/crm.wasm#sha256:{digest}")).is_ok());
        for (text, expected) in [
            ("https://downloads.example.com/crm.wasm".to_owned(), "says no digest"),
            ("https://downloads.example.com/crm.wasm#sha256:12".to_owned(), "64 digits"),
            (format!("https:///#sha256:{digest}"), "no address"),
            (format!("http://downloads.example.com/crm.wasm#sha256:{digest}"), "only this machine"),
            (format!("https://me:secret@downloads.example.com/crm.wasm#sha256:{digest}"), "holds a password"),
            (format!("https://downloads.example.com/crm.wasm?key=x#sha256:{digest}"), "has a query"),
        ] {
            let why = Address::parse(&text).expect_err("it is none");
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
