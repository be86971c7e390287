//! Overrides: a person decides against the policy, with a reason that the intent type knows and the evidence
//! that it wants. Never counted among other decisions, and a habit of them is looked at.

use crate::approval::refusal::list;
use crate::hash::Digest;
use crate::id::{IntentId, IntentTypeName, PersonId};
use crate::intent::OverrideRule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Most pieces of evidence of one override.
pub const EVIDENCE_MAX: usize = 10;

/// Most bytes of a file's name and of a link.
pub const EVIDENCE_NAME_BYTES_MAX: usize = 2_000;

/// One override: who decided what instead of the policy, and on what ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Who.
    pub by: PersonId,
    /// What they decided instead.
    pub instead: Instead,
    /// A reason of the intent type's table.
    pub reason: String,
    /// Their words; never empty.
    pub words: String,
    /// What shows that it is so.
    pub evidence: Vec<Evidence>,
}

/// What an override decides instead of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// Yes, though the policy says no, is unsure, or asks for people who have not decided.
    Approve,
    /// No, whoever else would have to decide.
    Decline,
}

/// One piece of evidence. The host keeps what identifies it, not the thing itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// A kind of the intent type's table.
    pub kind: String,
    /// The piece.
    #[serde(flatten)]
    pub piece: Piece,
}

/// Where a piece of evidence is, and how it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// A file, bound by the digest of its bytes: another file of the same name is other evidence.
    File {
        /// What it is called.
        name: String,
        /// SHA-256 of its bytes.
        sha256: Digest,
        /// How many they are.
        bytes: u64,
    },
    /// An address; what lies there can change.
    Link(String),
}

impl fmt::Display for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Piece::File { name, sha256, .. } => write!(formatter, "`{name}` sha256:{sha256}"),
            Piece::Link(link) => formatter.write_str(link),
        }
    }
}

impl Instead {
    /// The word that surfaces use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Instead::Approve => "approve",
            Instead::Decline => "decline",
        }
    }
}

/// How often the policy of an intent type was overridden for one reason, as the host counts it before the
/// next one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habit {
    /// Overrides within the days of the rule, this one not counted.
    pub recent: u32,
    /// Who gave them.
    pub by: BTreeSet<PersonId>,
    /// The intent with the open post-mortem about them.
    pub reviewed_in: Option<IntentId>,
}

impl OverrideRule {
    /// Kinds of evidence that are wanted and not given.
    #[must_use]
    pub fn missing(&self, given: &[Evidence]) -> Vec<String> {
        let lacks = |kind: &&String| !given.iter().any(|evidence| evidence.kind == **kind);
        self.evidence.iter().filter(lacks).cloned().collect()
    }

    /// Whether one more override is one too many to be passed over.
    #[must_use]
    pub fn is_habit(&self, habit: &Habit) -> bool {
        self.review_after <= habit.recent.saturating_add(1)
    }
}

/// Why nobody decides against the policy like that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOverridden {
    /// Nobody does for this intent type.
    Never(IntentTypeName),
    /// The intent type knows no such reason.
    UnknownReason {
        /// What was given.
        found: String,
        /// What there is.
        known: Vec<String>,
    },
    /// These kinds of evidence are missing.
    EvidenceMissing(Vec<String>),
    /// The person may not for this reason.
    MayNot {
        /// Who tried.
        person: PersonId,
        /// Who may.
        eligible: Vec<PersonId>,
    },
    /// It was done so often for this reason that a post-mortem comes first.
    Blocked {
        /// The reason.
        reason: String,
        /// The intent with the open post-mortem.
        intent: IntentId,
    },
    /// Nobody reviews what they did themselves.
    Own(PersonId),
}

impl NotOverridden {
    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotOverridden::Never(_) => "CS-E0132",
            NotOverridden::UnknownReason { .. } => "CS-E0133",
            NotOverridden::EvidenceMissing(_) => "CS-E0134",
            NotOverridden::MayNot { .. } => "CS-E0135",
            NotOverridden::Blocked { .. } => "CS-E0136",
            NotOverridden::Own(_) => "CS-E0137",
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotOverridden::Never(_) => {
                "ask for something that the policy lets pass, or have the policy changed"
            }
            NotOverridden::UnknownReason { .. } => "use one of the known reasons",
            NotOverridden::EvidenceMissing(_) => {
                "give a file or a link for each kind: `--evidence KIND=FILE`, in the API `evidence`"
            }
            NotOverridden::MayNot { .. } => "one of those who may must decide",
            NotOverridden::Blocked { .. } => "close the post-mortem first; its owner stands in that intent",
            NotOverridden::Own(_) => "leave it to its owner, whom the intent names",
        }
    }
}

impl fmt::Display for NotOverridden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotOverridden::Never(name) => {
                write!(formatter, "nobody decides against the policy of `{name}`")
            }
            NotOverridden::UnknownReason { found, known } => {
                write!(formatter, "`{found}` is no reason for an override here; there are {}", list(known))
            }
            NotOverridden::EvidenceMissing(kinds) => {
                write!(formatter, "the override lacks evidence of the kind {}", list(kinds))
            }
            NotOverridden::MayNot { person, eligible } => {
                write!(formatter, "`{person}` may not override for this reason; {} may", list(eligible))
            }
            NotOverridden::Blocked { reason, intent } => write!(
                formatter,
                "the policy was overridden too often for `{reason}`: the post-mortem in `{intent}` is open"
            ),
            NotOverridden::Own(person) => {
                write!(formatter, "it is about what `{person}` did, and so not theirs to review")
            }
        }
    }
}
