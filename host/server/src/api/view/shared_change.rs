//! Shared files: what each holds and since when, and what a change of one says otherwise.

use super::OutlookView;
use super::policy::{DocumentView, PublishedView};
use countersign_core::hash::Digest;
use countersign_core::rulebook::outlook::Outlook;
use countersign_core::rulebook::{Rulebook, bare_document};
use countersign_core::shared_change::{Difference, PublishedFile, SharedChange, SharedFile, version_of};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file that policies share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedFileView {
    /// `people.md`, `routes.md` or `NAME.intent.md`.
    #[schema(example = "routes.md")]
    pub file: String,
    /// Content address of the text in force.
    pub version: String,
    /// The pool that owns it.
    pub owner: String,
    /// What published the text in force; absent while the file of the house decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedView>,
    /// The texts that were published before, the last one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<EarlierView>,
    /// A whole text; only where one file is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentView>,
}

/// A text that was in force before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EarlierView {
    /// Its content address.
    pub version: String,
    /// What published it; absent for the file of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedView>,
}

/// What becomes of a shared file, as its approvers see it: all of it, and what follows from it; covered by the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedChangeView {
    /// The file.
    #[schema(example = "routes.md")]
    pub file: String,
    /// Content address of the new text: exactly this becomes active.
    pub version: String,
    /// That of the text in force; absent for an intent type that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Everything that the new text says otherwise; nothing where a file is put on record as it is.
    pub differences: Vec<TextDifferenceView>,
    /// The intent types whose policy is another version with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The intent types that are drafts again with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<String>,
    /// What lies ahead with it and did not without it, at most 50 of each kind.
    #[schema(value_type = OutlookView)]
    pub ahead: Outlook,
    /// Who has no seat: whoever gains by it, or has an open intent of the type that changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicted: Vec<String>,
}

/// One thing that a text says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TextDifferenceView {
    /// Section, row and column.
    #[schema(example = "Pools, `finance`, members")]
    pub place: String,
    /// What it says in force; absent for what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What it says then; absent for what is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The same as a sentence.
    pub text: String,
}

impl From<&Difference> for TextDifferenceView {
    fn from(difference: &Difference) -> TextDifferenceView {
        TextDifferenceView {
            place: difference.place(),
            was: difference.was.clone(),
            now: difference.now.clone(),
            text: difference.to_string(),
        }
    }
}

impl From<&SharedChange> for SharedChangeView {
    fn from(change: &SharedChange) -> SharedChangeView {
        SharedChangeView {
            file: change.file.to_string(),
            version: change.version.to_string(),
            before: change.before.as_ref().map(ToString::to_string),
            differences: change.differences.iter().map(TextDifferenceView::from).collect(),
            policies: change.policies.iter().map(ToString::to_string).collect(),
            drafts: change.drafts.iter().map(ToString::to_string).collect(),
            ahead: change.ahead.clone(),
            conflicted: change.conflicted.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&PublishedFile> for PublishedView {
    fn from(published: &PublishedFile) -> PublishedView {
        PublishedView {
            intent: published.intent.to_string(),
            author: published.author.to_string(),
            by: published.by.iter().map(ToString::to_string).collect(),
            reason: published.reason.clone(),
            at: published.at.to_string(),
        }
    }
}

impl SharedFileView {
    /// A file that is in force; nothing if there is none of this name.
    #[must_use]
    pub fn of(file: &SharedFile, rulebook: &Rulebook) -> Option<SharedFileView> {
        let text = rulebook.text_of(file)?;
        let owner = rulebook.file_owner(file)?;
        let mut turns: Vec<EarlierView> = Vec::new();
        let own = || rulebook.published_files().iter().filter(|published| published.file == *file);
        let base = own().find_map(|published| published.base.as_ref());
        turns.extend(
            base.map(|base| EarlierView { version: version_of(&base.text).to_string(), published: None }),
        );
        turns.extend(own().map(|published| EarlierView {
            version: published.version.to_string(),
            published: Some(PublishedView::from(&**published)),
        }));
        let in_force = turns.pop();
        turns.reverse();
        Some(SharedFileView {
            file: file.to_string(),
            version: version_of(text).to_string(),
            owner: owner.to_string(),
            published: in_force.and_then(|turn| turn.published),
            before: turns,
            document: None,
        })
    }

    /// The same with one of its texts; nothing if it never was in force.
    #[must_use]
    pub fn with_document(
        self,
        file: &SharedFile,
        wanted: &Digest,
        rulebook: &Rulebook,
    ) -> Option<SharedFileView> {
        let own = || rulebook.published_files().iter().filter(|published| published.file == *file);
        let base = own().find_map(|published| published.base.as_ref()).map(|base| base.text.as_str());
        let texts = rulebook.text_of(file).into_iter().chain(base);
        let mut texts = texts.chain(own().map(|published| published.document.as_str()));
        let text = bare_document(texts.find(|text| version_of(text) == *wanted)?);
        let document = DocumentView { version: wanted.to_string(), text };
        Some(SharedFileView { document: Some(document), ..self })
    }
}
