//! Connections.

use super::{DetailView, guarantee};
use countersign_core::connection::Pause;
use countersign_core::effect::attempt::{Detail, Ended};
use countersign_core::id::ConnectionName;
use countersign_engine::outages::Paused;
use countersign_engine::port::connectors::{Connection, TargetHealth};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Cause of a pause that a person made.
pub const BY_HAND: &str = "by-hand";
/// State of a connection whose connector is not there.
pub const WAITING: &str = "waiting";

/// One configured target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// The connector's id.
    pub connector: String,
    /// The connector's version; empty while there is none.
    pub version: String,
    /// Digest of the component; empty while there is none.
    pub digest: String,
    /// The system that it speaks to; empty while nobody knows.
    pub system: String,
    /// Endpoint names with the addresses that they lead to.
    pub endpoints: BTreeMap<String, String>,
    /// What it can do.
    pub operations: Vec<OperationView>,
    /// The hooks that it takes deliveries by: the address of each on this host, and how what arrives there is proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookView>,
    /// How long after the last send an `absent` of a probe can be believed, in milliseconds.
    pub settle_ms: u64,
    /// How long the target remembers an idempotency key, in milliseconds.
    pub key_lifetime_ms: u64,
    /// Most attempts at one time.
    pub concurrent: usize,
    /// open; paused (by hand, and nothing is sent until it is resumed; or its credential was refused or its connector
    /// broke again and again, and nothing is sent until the exception about that is closed); or resting (its target failed again and again, and is left alone for a moment);
    /// or waiting (its connector is not there: all that needs it waits until that is added).
    pub state: String,
    /// What pauses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PausedView>,
    /// For how long everything that was sent to its target has failed, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_ms: Option<u64>,
    /// How long its target is left alone, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_ms: Option<u64>,
}

/// What pauses a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PausedView {
    /// Why: `by-hand`, `denied` or `quarantined`.
    pub cause: String,
    /// The intent that met it first; absent if it is paused by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Its exception; absent if it is paused by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Since when.
    pub since: String,
    /// Why, in the words of whoever paused it by hand; absent otherwise, as what an exception says is for whoever sees
    /// its intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One kind of change that a connector can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    /// Its name.
    pub name: String,
    /// Kind of record that it is about.
    pub kind: String,
    /// What the host may promise.
    pub guarantee: String,
    /// Whether it can be taken back.
    pub reversible: bool,
}

/// One hook that deliveries come by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookView {
    /// Where its sender posts to, below the address of this host.
    #[schema(example = "/hooks/billing/events")]
    pub path: String,
    /// How it is proved who sent something: a scheme of the connector's manifest.
    pub verify: String,
}

/// What a check of a connection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    /// The connection.
    pub connection: String,
    /// right, failed (the target or its credential), or broke (the connector).
    pub result: String,
    /// Which failure: transient, rejected, conflict, denied, uncertain; or how the connector broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<DetailView>,
}

impl ConnectionView {
    /// A connection that waits for its connector, of which nothing else is known.
    #[must_use]
    pub fn waiting(name: &ConnectionName, connector: &str) -> ConnectionView {
        ConnectionView {
            name: name.to_string(),
            connector: connector.to_owned(),
            version: String::new(),
            digest: String::new(),
            system: String::new(),
            endpoints: BTreeMap::new(),
            operations: Vec::new(),
            hooks: Vec::new(),
            settle_ms: 0,
            key_lifetime_ms: 0,
            concurrent: 0,
            state: WAITING.to_owned(),
            paused: None,
            failing_ms: None,
            rests_ms: None,
        }
    }

    /// A connection, with what keeps anything from being sent to it.
    #[must_use]
    pub fn of(
        connection: &Connection,
        (by_hand, excepted): (Option<&Pause>, Option<&Paused>),
        health: TargetHealth,
    ) -> ConnectionView {
        let paused = by_hand.map(PausedView::by_hand).or_else(|| excepted.map(PausedView::of));
        let state = match (&paused, health.rests) {
            (Some(_), _) => "paused",
            (None, Some(_)) => "resting",
            (None, None) => "open",
        };
        let operations = connection.operations.iter().map(|operation| OperationView {
            name: operation.name.clone(),
            kind: operation.kind.clone(),
            guarantee: guarantee(operation.guarantee).to_owned(),
            reversible: operation.reversible,
        });
        let hooks = connection.inbound.hooks.iter().map(|(hook, verify)| HookView {
            path: format!("/hooks/{}/{hook}", connection.name),
            verify: (*verify).to_owned(),
        });
        ConnectionView {
            name: connection.name.to_string(),
            connector: connection.connector.clone(),
            version: connection.version.clone(),
            digest: connection.digest.to_string(),
            system: connection.system.clone(),
            endpoints: connection.endpoints.iter().cloned().collect(),
            operations: operations.collect(),
            hooks: hooks.collect(),
            settle_ms: connection.settle.0,
            key_lifetime_ms: connection.key_lifetime.0,
            concurrent: connection.concurrent,
            state: state.to_owned(),
            paused,
            failing_ms: health.failing.map(|failing| failing.0),
            rests_ms: health.rests.map(|rest| rest.0),
        }
    }
}

impl PausedView {
    fn by_hand(Pause { by, since, reason }: &Pause) -> PausedView {
        PausedView {
            cause: BY_HAND.to_owned(),
            intent: None,
            exception: None,
            owner: by.to_string(),
            since: since.to_string(),
            reason: Some(reason.clone()),
        }
    }

    fn of(Paused { intent, id, exception }: &Paused) -> PausedView {
        PausedView {
            cause: exception.cause.as_str().to_owned(),
            intent: Some(intent.to_string()),
            exception: Some(id.to_string()),
            owner: exception.owner.to_string(),
            since: exception.opened.to_string(),
            reason: None,
        }
    }
}

impl CheckView {
    /// What there is to say of a connection that waits for its connector.
    #[must_use]
    pub fn waiting(connection: &ConnectionName, connector: &str) -> CheckView {
        let message = format!(
            "connection `{connection}` has no connector yet: `countersign connector add` brings `{connector}`"
        );
        CheckView {
            connection: connection.to_string(),
            result: "failed".to_owned(),
            failure: Some("transient".to_owned()),
            detail: Some((&Detail::new("no-connector", message)).into()),
        }
    }

    /// What a check of `connection` found.
    #[must_use]
    pub fn of(connection: &str, ended: &Ended<()>) -> CheckView {
        let (result, failure, detail) = match ended {
            Ended::Returned(()) => ("right", None, None),
            Ended::Failed(failure) => ("failed", Some(failure.case()), Some(failure.detail().into())),
            Ended::Broke(broke) => {
                let detail = DetailView {
                    code: "connector-broke".to_owned(),
                    message: broke.message.clone(),
                    vendor_status: None,
                    vendor_request_id: None,
                };
                ("broke", Some(broke.kind.as_str()), Some(detail))
            }
        };
        CheckView {
            connection: connection.to_owned(),
            result: result.to_owned(),
            failure: failure.map(ToOwned::to_owned),
            detail,
        }
    }
}
