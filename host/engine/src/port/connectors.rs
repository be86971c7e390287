//! The connectors port: one connection, one call of one export, one typed answer.
//!
//! The adapter decides nothing about delivery. It says what the connector claimed and what left
//! the host; `core` turns both into what happens next.

use super::Answer;
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::{AttemptEnd, Ended, Finding, Guarantee, Receipt};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// All configured connections, each behind its connector.
pub trait Connectors: Send + Sync + 'static {
    /// Every configured connection, by name.
    fn connections(&self) -> Vec<Arc<Connection>>;

    /// One configured connection.
    fn connection(&self, name: &ConnectionName) -> Option<Arc<Connection>>;

    /// The configured connections that have no connector yet, each with the id of the connector, or the digest of the
    /// build, that it names: what needs one waits for that.
    fn waiting(&self) -> BTreeMap<ConnectionName, String> {
        BTreeMap::new()
    }

    /// The same with the version of its connector that an effect is bound to.
    ///
    /// # Errors
    /// Why it cannot be had, in words for the operator: that version is not installed any more, or cannot be used for
    /// this connection as it is configured now.
    fn bound(&self, name: &ConnectionName, connector: Digest) -> Result<Arc<Connection>, String>;

    /// How the target of a connection is, by what it answered lately.
    fn health(&self, name: &ConnectionName) -> TargetHealth;

    /// Reads the credential of a connection again where it is kept; says whether it is another one now.
    fn renew<'a>(&'a self, name: &'a ConnectionName) -> Answer<'a, bool>;

    /// Asks the target whether address, credential and permissions are right. Changes nothing.
    fn check(&self, name: &ConnectionName) -> Answer<'_, Ended<()>>;

    /// Reads one record. Changes nothing.
    fn fetch(&self, name: &ConnectionName, subject: RecordRef) -> Answer<'_, Ended<Snapshot>>;

    /// Asks what has changed at the target since a place. Changes nothing.
    fn changes(&self, name: &ConnectionName, asked: Asked) -> Answer<'_, Ended<Page>>;

    /// Checks who sent what has arrived, and what it is called. Asks nobody.
    ///
    /// # Errors
    /// [`NotTaken`]; then nothing of it may be believed.
    fn verify(
        &self,
        name: &ConnectionName,
        hook: &str,
        arrived: Arrived,
        now: Timestamp,
    ) -> Result<Verified, NotTaken> {
        let _ = (arrived, now);
        Err(NotTaken::NoHook { connection: name.clone(), hook: hook.to_owned() })
    }

    /// Asks the connector which records a delivery is about. Changes nothing.
    fn interpret(&self, delivery: Delivery, received: Timestamp) -> Answer<'_, Ended<Vec<RecordRef>>> {
        let _ = (delivery, received);
        Box::pin(async { Ended::Returned(Vec::new()) })
    }

    /// Asks the connector which intents a delivery asks for. Changes nothing.
    fn receive(&self, delivery: Delivery, received: Timestamp) -> Answer<'_, Ended<Vec<Draft>>> {
        let _ = (delivery, received);
        Box::pin(async { Ended::Returned(Vec::new()) })
    }

    /// Asks what `apply` of this version of the connector would write. Changes nothing.
    fn plan(
        &self,
        name: &ConnectionName,
        connector: Digest,
        what: Proposal,
        now: Timestamp,
    ) -> Answer<'_, Ended<WritePlan>>;

    /// Makes one attempt at one effect, or at taking one back.
    ///
    /// If the process stops in here, the ledger says what may have left the host.
    fn apply(&self, call: Call, ledger: Arc<dyn Ledger>) -> Answer<'_, AttemptEnd>;

    /// Looks whether the effect, or what takes it back, landed. Changes nothing.
    fn probe(&self, call: Call) -> Answer<'_, Ended<Finding>>;
}

/// What has arrived at a hook, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Header names in lower case and values, in order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte as it was signed.
    pub body: Vec<u8>,
}

/// What was proved to come from who it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// A delivery.
    Delivery {
        /// What tells it from every other one of its hook: the sender's id of it where that is signed, else its bytes.
        id: Digest,
        /// The delivery.
        delivery: Delivery,
    },
    /// The sender asks whether this is the right place, and wants this text back.
    Challenge(String),
}

/// Why what has arrived is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// There is no such hook; or it has no connector yet.
    NoHook {
        /// The connection that was named.
        connection: ConnectionName,
        /// The hook that was named.
        hook: String,
    },
    /// It is not proved who sent it. The words are for the operator; whoever sent it hears none of them.
    NotProved(String),
}

impl fmt::Display for NotTaken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTaken::NoHook { connection, hook } => {
                write!(formatter, "connection `{connection}` has no hook `{hook}`")
            }
            NotTaken::NotProved(why) => write!(formatter, "it is not proved who sent this: {why}"),
        }
    }
}

impl std::error::Error for NotTaken {}

/// What a connection takes from its system without having asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inbound {
    /// Its hooks, each with how what arrives there is proved.
    pub hooks: Vec<(String, &'static str)>,
    /// Whether its connector says which records a delivery is about.
    pub interprets: bool,
    /// The intent types that its connector may ask for.
    pub brings: Vec<String>,
}

/// Which changes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Kind of record.
    pub kind: String,
    /// After which place; `None` for all that the target still knows.
    pub cursor: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// The moment of the question: some targets list the changes of a span of time.
    pub now: Timestamp,
}

/// One page of what has changed, the oldest change first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The records.
    pub items: Vec<Changed>,
    /// Where to go on; `None` if there is nothing more for now, and the place is still the one that was asked with.
    pub next: Option<String>,
}

/// One record that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which one.
    pub subject: RecordRef,
    /// Its revision now, where it has one.
    pub revision: Option<String>,
}

/// How a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetHealth {
    /// For how long everything that was sent there has failed; `None` if the last answer was well.
    pub failing: Option<Millis>,
    /// For how long it is left alone because it failed again and again.
    pub rests: Option<Millis>,
}

/// One configured target, with the connector that speaks to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name in the operator's file.
    pub name: ConnectionName,
    /// The connector's id, such as `countersign.stripe`.
    pub connector: String,
    /// The connector's version.
    pub version: String,
    /// Digest of the component. Part of the seal.
    pub digest: Digest,
    /// The system it speaks to.
    pub system: String,
    /// Endpoint names with the base addresses they lead to. Part of the seal.
    pub endpoints: Vec<(String, String)>,
    /// Settings of the connector by name, as the operator gave them. Part of the seal.
    pub settings: Vec<(String, String)>,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// The kinds of record of whose changes it tells.
    pub tells: Vec<String>,
    /// What it takes from its system without having asked.
    pub inbound: Inbound,
    /// How long after the last send an `absent` of a probe can be believed.
    pub settle: Millis,
    /// How long the target remembers an idempotency key.
    pub key_lifetime: Millis,
    /// Most attempts at one time.
    pub concurrent: usize,
}

impl Connection {
    /// The operation called `name`.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// Digest of where it leads, and of the settings by which its connector writes there. Part of the seal.
    #[must_use]
    pub fn target(&self) -> Digest {
        let pairs = |pairs: &[(String, String)]| {
            let parts: Vec<&[u8]> =
                pairs.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).collect();
            Digest::of_parts(&parts)
        };
        let endpoints = pairs(&self.endpoints);
        if self.settings.is_empty() {
            return endpoints;
        }
        Digest::of_parts(&[&endpoints.0, &pairs(&self.settings).0])
    }
}

/// One kind of change that a connector can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Name, such as `set-price`.
    pub name: String,
    /// Kind of record that it is about.
    pub kind: String,
    /// JSON Schema (2020-12) of the input.
    pub input_schema: String,
    /// What the host may promise.
    pub guarantee: Guarantee,
    /// Whether it can be taken back.
    pub reversible: bool,
}

/// One call about one effect: an attempt, or a probe of what an attempt did.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where to.
    pub connection: ConnectionName,
    /// The version that the effect is bound to.
    pub connector: Digest,
    /// The effect. The same for ever.
    pub effect: EffectId,
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// Generation of the idempotency keys: see [`countersign_core::effect::key`].
    pub generation: u32,
    /// What was asked for.
    pub what: Proposal,
    /// What was shown and sealed.
    pub plan: WritePlan,
    /// What the host may promise of this operation.
    pub guarantee: Guarantee,
    /// The receipt of the effect that is taken back, where the effect is a compensation.
    pub takes_back: Option<Receipt>,
    /// The moment of the call.
    pub now: Timestamp,
}

/// Where the egress gate records a step before its first byte leaves the host.
pub trait Ledger: Send + Sync {
    /// Records that the step is about to be sent. Durable on return, unless the guarantee makes a
    /// repeat harmless (`by-key`, `by-natural-key`) and the intent is never taken back; then it may return at once.
    ///
    /// # Errors
    /// [`NotRecorded`]: then the step must not be sent.
    fn about_to_send<'a>(&'a self, step: &'a str, request: Digest) -> Answer<'a, Result<(), NotRecorded>>;

    /// Asked before a step leaves once more that was refused for what has nothing to do with it, such as a token that had
    /// ended: it is on record, and time has gone by.
    ///
    /// # Errors
    /// [`NotRecorded`]: then it must not be sent again.
    fn leaves_again(&self) -> Answer<'_, Result<(), NotRecorded>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The ledger could not record a step, so it may not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRecorded(pub String);

impl fmt::Display for NotRecorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the step could not be recorded, so it was not sent: {}", self.0)
    }
}

impl std::error::Error for NotRecorded {}
