//! One attempt at one effect: what the connector says, and what the host saw on the wire.

use crate::hash::Digest;
use crate::record::{Field, RecordRef};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What the host may promise of an operation, and so what it does after an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// The target honours an idempotency key: the same step sent twice lands once.
    ByKey,
    /// The target has a unique field that we choose: a repeat changes nothing.
    ByNaturalKey,
    /// A look-up says whether the effect landed; only what is absent is sent again.
    ByProbe,
    /// None of these: never sent again without a person.
    Blind,
}

impl Guarantee {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Guarantee::ByKey => "by-key",
            Guarantee::ByNaturalKey => "by-natural-key",
            Guarantee::ByProbe => "by-probe",
            Guarantee::Blind => "blind",
        }
    }
}

/// The target's proof that an effect landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The record that holds the change now.
    pub subject: RecordRef,
    /// Its revision after the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where a person opens the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The vendor's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_request_id: Option<String>,
    /// The written fields with the values that the vendor says it holds now.
    pub applied: Vec<Field>,
    /// What the connector adds, by names of its own: kept, not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(String, String)>,
}

/// Code of a failure because of the connector's own fault: every SDK makes it of what its author did not foresee.
pub const CONNECTOR_BUG: &str = "connector.bug";

/// Facts for people about a failure. Nothing in it decides what becomes of what failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Short code from an open, documented list, such as `rate-limited`.
    pub code: String,
    /// One line for people.
    pub message: String,
    /// HTTP status of the vendor's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_status: Option<u16>,
    /// The vendor's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_request_id: Option<String>,
}

impl Detail {
    /// A detail with a code and a message and nothing from the vendor.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Detail {
        Detail {
            code: code.to_owned(),
            message: message.into(),
            vendor_status: None,
            vendor_request_id: None,
        }
    }
}

/// The five closed answers of a connector that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Nothing was changed and trying again may help.
    Transient {
        /// How long the vendor asked us to wait.
        after: Option<Millis>,
        /// For people.
        detail: Detail,
    },
    /// It will never work as asked.
    Rejected {
        /// Fields that the vendor objected to.
        fields: Vec<String>,
        /// For people.
        detail: Detail,
    },
    /// The record moved under us.
    Conflict {
        /// The revision that the vendor holds now.
        revision: Option<String>,
        /// For people.
        detail: Detail,
    },
    /// Credential or permission trouble.
    Denied(Detail),
    /// The change may or may not have landed.
    Uncertain(Detail),
}

impl Failure {
    /// Its case, as the contract names it.
    #[must_use]
    pub fn case(&self) -> &'static str {
        match self {
            Failure::Transient { .. } => "transient",
            Failure::Rejected { .. } => "rejected",
            Failure::Conflict { .. } => "conflict",
            Failure::Denied(_) => "denied",
            Failure::Uncertain(_) => "uncertain",
        }
    }

    /// Whether it is the connector itself that is at fault, and has said so: an exception that nobody caught.
    #[must_use]
    pub fn is_bug(&self) -> bool {
        matches!(self, Failure::Rejected { .. } | Failure::Uncertain(_))
            && self.detail().code == CONNECTOR_BUG
    }

    /// What the connector says about it, for people.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        match self {
            Failure::Transient { detail, .. }
            | Failure::Rejected { detail, .. }
            | Failure::Conflict { detail, .. }
            | Failure::Denied(detail)
            | Failure::Uncertain(detail) => detail,
        }
    }
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The effect is there.
    Landed(Receipt),
    /// The effect is not there.
    Absent,
    /// The target does not say, or may still be working on it.
    Unknown,
}

/// How one call of a connector's export ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended<T> {
    /// The connector answered.
    Returned(T),
    /// The connector named a failure.
    Failed(Failure),
    /// The connector did not come to an answer: trap, limit, deadline. Its fault, not the target's.
    Broke(Break),
}

/// How a connector broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// What happened.
    pub kind: BreakKind,
    /// One line for the operator: connector, version, what and what next.
    pub message: String,
}

/// The ways in which a call of a connector can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakKind {
    /// It trapped (panic, unreachable, out-of-bounds access).
    Trap,
    /// It used up its guest-running time.
    Cpu,
    /// It asked for more memory than its class allows.
    Memory,
    /// The wall-clock deadline passed.
    Deadline,
    /// It answered with something malformed or over a limit.
    BadAnswer,
    /// It tried what its phase or grant forbids.
    Forbidden,
}

impl BreakKind {
    /// The word of it in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            BreakKind::Trap => "trap",
            BreakKind::Cpu => "cpu",
            BreakKind::Memory => "memory",
            BreakKind::Deadline => "deadline",
            BreakKind::BadAnswer => "bad-answer",
            BreakKind::Forbidden => "forbidden",
        }
    }
}

/// One effectful request of an attempt, as the egress gate saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The connector's name for it, such as `create-refund`.
    pub name: String,
    /// Digest of what was sent: endpoint, method, path, query, headers that matter, body.
    pub request: Digest,
    /// What came back.
    pub answer: Answer,
}

/// What came back for one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The target answered with this HTTP status.
    Answered {
        /// HTTP status.
        status: u16,
    },
    /// The connection could not be made: no byte of it left the host.
    NotSent,
    /// It left the host and no whole answer came back.
    Unanswered,
}

/// One attempt as the host knows it: the connector's claim beside the ledger of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// What the connector claims.
    pub claim: Ended<Receipt>,
    /// The steps that the gate let out, in order.
    pub steps: Vec<Step>,
    /// Whether the host itself held a request back because the target failed again and again, and for how long
    /// that was still to be left alone.
    pub held_back: Option<Millis>,
}
