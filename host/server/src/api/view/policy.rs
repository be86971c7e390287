//! Policies: which version is in force, what was before and what comes, and what a change would do.

use super::BacktestView;
use countersign_core::hash::Digest;
use countersign_core::id::IntentTypeName;
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::diff::{Changed, Diff};
use countersign_core::publish::{Change, Found};
use countersign_core::rulebook::{Rulebook, Turn};
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The policy of one intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// The intent type that it decides.
    pub intent: String,
    /// The version that decides an intent that is submitted now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<VersionView>,
    /// Every turn of a version, the earliest first.
    pub versions: Vec<VersionView>,
    /// What whoever runs the host should know: a sentence each.
    pub remarks: Vec<String>,
    /// The whole document of the version that was asked for; only where one policy is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentView>,
}

/// One turn of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its content address.
    pub version: String,
    /// `over`, `in-force` or `scheduled`.
    pub standing: String,
    /// The date in its document.
    pub effective: String,
    /// The pool that owns it.
    pub owner: String,
    /// From when on it decides: its date or its activation, whichever is later.
    pub since: String,
    /// What published it; absent if it came with the files of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedView>,
}

/// How a version came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedView {
    /// The intent.
    pub intent: String,
    /// Who asked for it.
    pub author: String,
    /// Who approved it.
    pub by: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it was activated.
    pub at: String,
}

/// A whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Content address of the version that it holds.
    pub version: String,
    /// Its text.
    pub text: String,
}

impl PolicyView {
    /// The policy of an intent type; nothing if it has none.
    #[must_use]
    pub fn of(of: &IntentTypeName, rulebook: &Rulebook, now: Timestamp) -> Option<PolicyView> {
        let turns = rulebook.turns(of);
        let present = turns.iter().rposition(|turn| turn.since <= now);
        let standing = |index: usize| match present {
            Some(present) if index < present => "over",
            Some(present) if index == present => "in-force",
            Some(_) | None => "scheduled",
        };
        let views = turns.iter().enumerate();
        let versions: Vec<VersionView> =
            views.filter_map(|(index, turn)| version(of, turn, standing(index), rulebook)).collect();
        if versions.is_empty() {
            return None;
        }
        let remarks = rulebook.remarks().into_iter().filter(|(about, _)| about == of);
        Some(PolicyView {
            intent: of.to_string(),
            in_force: versions.iter().find(|version| version.standing == "in-force").cloned(),
            versions,
            remarks: remarks.map(|(_, remark)| remark).collect(),
            document: None,
        })
    }

    /// The same with the document of one version.
    #[must_use]
    pub fn with_document(
        self,
        of: &IntentTypeName,
        version: &Digest,
        rulebook: &Rulebook,
    ) -> Option<PolicyView> {
        let text = rulebook.document(of, version)?.to_owned();
        Some(PolicyView { document: Some(DocumentView { version: version.to_string(), text }), ..self })
    }
}

fn version(of: &IntentTypeName, turn: &Turn, standing: &str, rulebook: &Rulebook) -> Option<VersionView> {
    let policy = rulebook.policy_version(of, &turn.version)?;
    Some(VersionView {
        version: turn.version.to_string(),
        standing: standing.to_owned(),
        effective: policy.effective.to_string(),
        owner: policy.owner.to_string(),
        since: turn.since.to_string(),
        published: turn.published.as_ref().map(|published| PublishedView {
            intent: published.intent.to_string(),
            author: published.author.to_string(),
            by: published.by.iter().map(ToString::to_string).collect(),
            reason: published.reason.clone(),
            at: published.at.to_string(),
        }),
    })
}

/// The change of a policy, as its approvers see it; covered by the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyChangeView {
    /// The intent type whose policy changes.
    pub intent: String,
    /// Content address of the new version: exactly this becomes active.
    pub version: String,
    /// The version that the difference was made against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The date in its document.
    pub effective: String,
    /// The pools that are asked as `owner of policy`.
    pub owners: Vec<String>,
    /// The intent that published this very version before, or `files`; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// What the linter found, most urgent first.
    pub findings: Vec<FoundView>,
    /// How many findings there are in all.
    pub findings_total: usize,
    /// Kinds of warnings that the publisher answers for.
    pub accepted: Vec<String>,
    /// Examples that get the answer that they expect.
    pub examples: TallyView,
    /// Moved bounds that an example notices.
    pub mutants: TallyView,
    /// Each promise, and whether it is proved or tested.
    pub promises: Vec<String>,
    /// What is decided otherwise.
    pub changed: Vec<RegionView>,
    /// Inputs that only one of the versions has.
    pub inputs: Vec<String>,
    /// Whether these are all regions.
    pub all: bool,
    /// Regions in which no tried point differs, although one may.
    pub unsettled: usize,
    /// What it would have decided over the recorded intents of the last days, where that could be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BacktestView>)]
    pub backtest: Option<Backtest>,
    /// Who has no seat, having an open intent of this type.
    pub conflicted: Vec<String>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundView {
    /// File and line.
    pub place: String,
    /// error, warning or note.
    pub level: String,
    /// What it is, in a word.
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// One intent that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// What to try.
    #[serde(rename = "try", default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TallyView {
    /// How many did.
    pub passed: usize,
    /// How many there are.
    pub of: usize,
}

/// A region that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegionView {
    /// The region, in the spelling of the documents.
    pub region: String,
    /// What the version in force answers there.
    pub was: String,
    /// What the new one answers there.
    pub now: String,
    /// One intent that shows it.
    pub witness: String,
    /// Whether only points were tried there.
    pub tried: bool,
}

impl From<&Change> for PolicyChangeView {
    fn from(change: &Change) -> PolicyChangeView {
        let texts = |items: &[String]| items.to_vec();
        let empty = Diff { changed: Vec::new(), inputs: Vec::new(), all: true, unsettled: 0 };
        let diff = change.diff.as_ref().unwrap_or(&empty);
        let again = change.again.as_ref();
        PolicyChangeView {
            intent: change.of.to_string(),
            version: change.version.to_string(),
            before: change.before.map(|before| before.to_string()),
            effective: change.effective.to_string(),
            owners: change.owners().iter().map(ToString::to_string).collect(),
            again: again.map(|again| again.intent.map_or("files".to_owned(), |intent| intent.to_string())),
            findings: change.findings.iter().map(FoundView::from).collect(),
            findings_total: change.findings_total,
            accepted: texts(&change.accepted),
            examples: TallyView { passed: change.examples.passed, of: change.examples.of },
            mutants: TallyView { passed: change.mutants.passed, of: change.mutants.of },
            promises: texts(&change.promises),
            changed: diff.changed.iter().map(RegionView::from).collect(),
            inputs: texts(&diff.inputs),
            all: diff.all,
            unsettled: diff.unsettled,
            backtest: change.backtest.clone(),
            conflicted: change.conflicted.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Changed> for RegionView {
    fn from(changed: &Changed) -> RegionView {
        RegionView {
            region: changed.region.clone(),
            was: changed.was.clone(),
            now: changed.now.clone(),
            witness: changed.witness.clone(),
            tried: changed.tried,
        }
    }
}

impl From<&Found> for FoundView {
    fn from(found: &Found) -> FoundView {
        FoundView {
            place: found.place(),
            level: found.level.to_string(),
            kind: found.kind.clone(),
            message: found.message.clone(),
            witness: found.witness.clone(),
            advice: found.advice.clone(),
        }
    }
}
