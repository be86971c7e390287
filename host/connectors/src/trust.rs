//! Whose components the operator trusts: by the first part of a connector's id, the keys that must have signed it.
//!
//! A namespace that has keys takes nothing that none of them signed. One that has none is taken unsigned only where the
//! operator says so; nothing is trusted because it was there first.

mod envelope;

pub use envelope::{PrivateKey, PublicKey, SIGNATURE_BYTES_MAX, joined_signatures};

use crate::fault::{ConnectorFault, FaultCode};
use crate::package::Inspected;
use countersign_core::time::Timestamp;
use envelope::Signed;
use std::collections::BTreeMap;

/// What the operator trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// By namespace (`acme` stands for `acme` and everything that begins with `acme.`): the keys that count.
    pub keys: BTreeMap<String, Vec<TrustedKey>>,
    /// Whether what no namespace covers is taken without a signature.
    pub unsigned: bool,
}

/// A key that counts for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// Nothing is added by it before.
    pub from: Option<Timestamp>,
    /// Nothing is added by it from then on.
    pub until: Option<Timestamp>,
}

/// When a signature is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Somebody adds the component: a key counts for its time only.
    Added(Timestamp),
    /// It was added before: whatever the date, it must be by a key that is trusted still.
    Loaded,
}

impl TrustedKey {
    /// Reads `ed25519:BASE64`, perhaps with `from` and `until` and a moment (`2027-01-01T00:00:00Z`) each.
    #[must_use]
    pub fn parse(text: &str) -> Option<TrustedKey> {
        let mut words = text.split_whitespace();
        let mut key = TrustedKey { key: PublicKey::parse(words.next()?)?, from: None, until: None };
        while let Some(word) = words.next() {
            let moment = Some(Timestamp::from_rfc3339(words.next()?)?);
            let place = match word {
                "from" => &mut key.from,
                "until" => &mut key.until,
                _ => return None,
            };
            if place.is_some() {
                return None;
            }
            *place = moment;
        }
        Some(key)
    }

    fn counts(&self, when: When) -> bool {
        match when {
            When::Added(now) => {
                self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
            }
            When::Loaded => true,
        }
    }
}

impl Trust {
    /// Takes everything, signed or not: for what is only tried, as the conformance kit does.
    #[must_use]
    pub fn everything() -> Trust {
        Trust { keys: BTreeMap::new(), unsigned: true }
    }

    /// The keys of the narrowest namespace that covers a connector.
    fn keys_of(&self, id: &str) -> Option<(&String, &Vec<TrustedKey>)> {
        let covers = |name: &str| {
            let rest = id.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.keys.iter().filter(|(name, _)| covers(name)).max_by_key(|(name, _)| name.len())
    }

    /// Whether a component would be taken now, with this signature.
    ///
    /// # Errors
    /// [`FaultCode::Untrusted`], with whose it is and what to do.
    pub fn admits(
        &self,
        about: &Inspected,
        signature: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), ConnectorFault> {
        self.look_at(about, signature, When::Added(now)).map(drop)
    }

    /// Whether a component is one that the operator takes; gives the key that signed it.
    pub(crate) fn look_at(
        &self,
        about: &Inspected,
        envelope: Option<&[u8]>,
        when: When,
    ) -> Result<Option<PublicKey>, ConnectorFault> {
        let named = &about.manifest.connector;
        let refuse = |what: String| {
            let (id, version) = (&named.id, &named.version);
            Err(ConnectorFault::host(FaultCode::Untrusted, format!("connector `{id}` {version} {what}")))
        };
        let Some((namespace, keys)) = self.keys_of(&named.id) else {
            if self.unsigned {
                // It is kept beside the component: what belongs to something else is not.
                return match envelope.map(|envelope| Signed::read(envelope, about)) {
                    None | Some(Ok(_)) => Ok(None),
                    Some(Err(what)) => refuse(format!("{what}; add it without, or with its own")),
                };
            }
            return refuse(
                "is covered by no namespace of `[trust]`; name the keys of whoever made it there, or say \
                 `unsigned = true` in `[connectors]`"
                    .to_owned(),
            );
        };
        let Some(envelope) = envelope else {
            return refuse(format!(
                "is not signed, and `[trust.{namespace}]` wants a signature; ask whoever made it for one"
            ));
        };
        let signed = match Signed::read(envelope, about) {
            Ok(signed) => signed,
            Err(what) => {
                return refuse(format!("{what}; ask whoever made it for the one that belongs to it"));
            }
        };
        let mut by = keys.iter().filter(|trusted| signed.is_by(&trusted.key));
        let Some(known) = by.clone().next() else {
            return refuse(format!(
                "is signed by no key of `[trust.{namespace}]`; do not use it until you know whose it is"
            ));
        };
        match by.find(|trusted| trusted.counts(when)) {
            Some(trusted) => Ok(Some(trusted.key.clone())),
            None => refuse(format!(
                "is signed by `{}`, which does not count now; ask for a signature by a key that does",
                known.key
            )),
        }
    }
}

#[cfg(test)]
mod tests;
