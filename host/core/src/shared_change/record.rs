//! What the log says of a shared file: which text was put in its place, by whom and why.

use super::{Asked, SharedFile};
use crate::approval::event::{Entry, Event};
use crate::approval::{Approval, Authority, Outcome, Stage};
use crate::document::SourceFile;
use crate::hash::Digest;
use crate::id::{IntentId, PersonId};
use crate::time::Timestamp;

/// A text that an approved `shared_change` put in the place of a shared file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// The intent that did.
    pub intent: IntentId,
    /// The file.
    pub file: SharedFile,
    /// Content address of the text, as it was approved.
    pub version: Digest,
    /// The whole text.
    pub document: String,
    /// The file of the house that the first publication took the place of.
    pub base: Option<SourceFile>,
    /// Who asked for it.
    pub author: PersonId,
    /// Who approved it.
    pub by: Vec<PersonId>,
    /// Why.
    pub reason: String,
    /// When it was activated.
    pub at: Timestamp,
}

impl PublishedFile {
    /// What an approval has put in place, from the entry that says so; `None` if that is no such entry of a
    /// `shared_change` that people approved.
    #[must_use]
    pub fn of(approval: &Approval, entry: &Entry) -> Option<PublishedFile> {
        let Event::FilePublished { file, version, base } = &entry.event else { return None };
        let (Stage::Executing { authority, .. } | Stage::Closed(Outcome::Done { authority, .. })) =
            &approval.stage
        else {
            return None;
        };
        let Authority::People(by) = authority else { return None };
        let asked = Asked::of(&approval.intent.tokens)?;
        Some(PublishedFile {
            intent: approval.intent.id,
            file: file.clone(),
            version: *version,
            document: asked.document.to_owned(),
            base: base.clone(),
            author: approval.intent.requester.clone(),
            by: by.clone(),
            reason: asked.reason.to_owned(),
            at: entry.at,
        })
    }
}
