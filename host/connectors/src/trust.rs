//! Whose components the operator trusts: by the first part of a connector's id, the keys that must have signed it.
//!
//! A namespace that has keys takes nothing that none of them signed. One that has none is taken unsigned only where the
//! operator says so; nothing is trusted because it was there first.

mod conformance;
mod envelope;

pub use conformance::{Level, Looks, Tested};
pub use envelope::{
    CONFORMANCE_BYTES_MAX, PrivateKey, PublicKey, SIGNATURE_BYTES_MAX, joined_reports, joined_signatures,
};

use crate::fault::{ConnectorFault, FaultCode};
use crate::package::Inspected;
use countersign_core::time::Timestamp;
use countersign_engine::port::catalogue::Evidence;
use envelope::Signed;
use std::collections::BTreeMap;

/// What the operator trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// By namespace (`acme` stands for `acme` and everything that begins with `acme.`): whom and what it takes.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Whether what no namespace covers is taken without a signature.
    pub unsigned: bool,
}

/// What is taken of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The keys of whoever makes them: one of them must have signed.
    pub keys: Vec<TrustedKey>,
    /// The keys of whoever else tests them: their conformance reports count as those of `keys` do.
    pub testers: Vec<TrustedKey>,
    /// The level that a conformance report must show; none where none is wanted.
    pub level: Option<Level>,
}

/// What is known of a component that is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vouched {
    /// The trusted key that signed it; none where it was taken unsigned.
    pub signer: Option<PublicKey>,
    /// The level that somebody trusted has seen it reach; none where nobody has.
    pub level: Option<Level>,
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

/// When each thing that is said is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) signature: When,
    pub(crate) conformance: When,
}

impl From<When> for Times {
    fn from(when: When) -> Times {
        Times { signature: when, conformance: when }
    }
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
        Trust { namespaces: BTreeMap::new(), unsigned: true }
    }

    /// The narrowest namespace that covers a connector.
    fn of(&self, id: &str) -> Option<(&String, &Namespace)> {
        let covers = |name: &str| {
            let rest = id.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.namespaces.iter().filter(|(name, _)| covers(name)).max_by_key(|(name, _)| name.len())
    }

    /// Whether a component would be taken now, with what is said of it.
    ///
    /// # Errors
    /// [`FaultCode::Untrusted`], with whose it is and what to do.
    pub fn admits(
        &self,
        about: &Inspected,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<Vouched, ConnectorFault> {
        self.look_at(about, evidence, When::Added(now))
    }

    /// Whether a component is one that the operator takes; gives what is known of it.
    pub(crate) fn look_at(
        &self,
        about: &Inspected,
        evidence: &Evidence,
        when: impl Into<Times>,
    ) -> Result<Vouched, ConnectorFault> {
        let when = when.into();
        let named = &about.manifest.connector;
        let looked = match self.of(&named.id) {
            Some((name, namespace)) => {
                namespace.signer(name, about, evidence, when.signature).and_then(|signer| {
                    let level = namespace.tested(name, about, evidence, when.conformance)?;
                    Ok(Vouched { signer: Some(signer), level })
                })
            }
            None if self.unsigned => belongs(about, evidence).map(|()| Vouched::default()),
            None => Err(
                "is covered by no namespace of `[trust]`; name the keys of whoever made it there, or say \
                         `unsigned = true` in `[connectors]`"
                    .to_owned(),
            ),
        };
        looked.map_err(|what| {
            let (id, version) = (&named.id, &named.version);
            ConnectorFault::host(FaultCode::Untrusted, format!("connector `{id}` {version} {what}"))
        })
    }
}

/// Why a signature that lies beside a component says nothing of it; none if it does, whoever made it.
#[must_use]
pub fn unfit_signature(signature: &[u8], about: &Inspected) -> Option<String> {
    Signed::read(signature, about).err()
}

/// The same of a conformance report.
#[must_use]
pub fn unfit_report(report: &[u8], about: &Inspected) -> Option<String> {
    Signed::read_reports(report, about).err()
}

/// What is said of a component is kept beside it: what belongs to something else is not.
fn belongs(about: &Inspected, evidence: &Evidence) -> Result<(), String> {
    let foreign = |what: String| format!("{what}; add it without, or with its own");
    if let Some(signature) = &evidence.signature {
        Signed::read(signature, about).map_err(foreign)?;
    }
    if let Some(report) = &evidence.conformance {
        Signed::read_reports(report, about).map_err(foreign)?;
    }
    Ok(())
}

impl Namespace {
    /// The key that signed a component.
    fn signer(
        &self,
        name: &str,
        about: &Inspected,
        evidence: &Evidence,
        when: When,
    ) -> Result<PublicKey, String> {
        let Some(envelope) = &evidence.signature else {
            return Err(format!(
                "is not signed, and `[trust.{name}]` wants a signature; ask whoever made it for one"
            ));
        };
        let signed = Signed::read(envelope, about)
            .map_err(|what| format!("{what}; ask whoever made it for the one that belongs to it"))?;
        let mut by = self.keys.iter().filter(|trusted| signed.is_by(&trusted.key));
        let Some(known) = by.clone().next() else {
            return Err(format!(
                "is signed by no key of `[trust.{name}]`; do not use it until you know whose it is"
            ));
        };
        match by.find(|trusted| trusted.counts(when)) {
            Some(trusted) => Ok(trusted.key.clone()),
            None => Err(format!(
                "is signed by `{}`, which does not count now; ask for a signature by a key that does",
                known.key
            )),
        }
    }

    /// The level that somebody whose runs of the kit count has seen it reach.
    fn tested(
        &self,
        name: &str,
        about: &Inspected,
        evidence: &Evidence,
        when: When,
    ) -> Result<Option<Level>, String> {
        let wanted = self.level.map(Level::name);
        let Some(envelope) = &evidence.conformance else {
            return match wanted {
                None => Ok(None),
                Some(wanted) => Err(format!(
                    "has no conformance report, and `[trust.{name}]` wants one of level `{wanted}`; ask whoever made it \
                     for one, or run `countersign connector test` yourself"
                )),
            };
        };
        let reports = Signed::read_reports(envelope, about)
            .map_err(|what| format!("{what}; ask whoever made it for the one that belongs to it"))?;
        let known = |signed: &Signed| {
            let mut keys = self.keys.iter().chain(&self.testers);
            keys.any(|trusted| trusted.counts(when) && signed.is_by(&trusted.key))
        };
        // Of those that count, the one that says most.
        let best = reports.iter().filter(|(signed, _)| known(signed)).map(|(_, tested)| tested.level).max();
        match (best, self.level) {
            (Some(best), Some(level)) if best < level => Err(format!(
                "is `{}` by its conformance report, and `[trust.{name}]` wants `{}`; ask whoever made it what it does \
                 not keep",
                best.name(),
                level.name()
            )),
            (None, Some(_)) => Err(format!(
                "has a conformance report that no key of `[trust.{name}]` has signed; ask whoever made it for one, or \
                 name who tests in `testers`"
            )),
            (best, Some(_) | None) => Ok(best),
        }
    }
}

#[cfg(test)]
mod tests;
