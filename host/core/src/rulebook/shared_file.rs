//! The shared files of the house as they are in force: what the log holds of one stands in the place of the file.

use super::Rulebook;
use super::published::{FOLDER, Publications, fold, is_from_log, same_document};
use crate::document::{Fault, SourceFile};
use crate::id::PoolName;
use crate::policy::Policy;
use crate::shared_change::{PublishedFile, SharedFile};
use crate::time::Timestamp;
use std::sync::Arc;

/// The files of the house with those that the log holds in their place, the one that was published last of each.
pub(super) fn overlaid(files: &[SourceFile], published: &[Arc<PublishedFile>]) -> Vec<SourceFile> {
    let mut set: Vec<SourceFile> = files.to_vec();
    if published.is_empty() {
        return set;
    }
    set.retain(|file| {
        let of = SharedFile::of(file);
        is_from_log(file) || !published.iter().any(|published| of.as_ref() == Some(&published.file))
    });
    for (index, last) in published.iter().enumerate() {
        let later = published.iter().skip(index.saturating_add(1));
        if !later.into_iter().any(|other| other.file == last.file) {
            set.push(SourceFile { path: last.path(), text: last.document.clone() });
        }
    }
    set
}

impl PublishedFile {
    /// Path of its text among the sources of a rulebook.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}", FOLDER, self.intent, self.file)
    }
}

impl Rulebook {
    /// The set after a shared file was published.
    ///
    /// # Errors
    /// Every fault, if the set does not check with it.
    pub fn publish_file(&self, published: PublishedFile, now: Timestamp) -> Result<Rulebook, Vec<Fault>> {
        let files: Vec<_> = self.published_files.iter().cloned().chain([Arc::new(published)]).collect();
        let on_record = Publications { files: &files, ..self.publications() };
        let rulebook = fold(&self.files, on_record, now, Policy::parse)?;
        Ok(rulebook.with_record_of(self))
    }

    /// Every text of a shared file that was published, in the order of the log.
    #[must_use]
    pub fn published_files(&self) -> &[Arc<PublishedFile>] {
        &self.published_files
    }

    /// What the log says that a shared file holds; `None` as long as the file of the house decides.
    #[must_use]
    pub fn published_file(&self, file: &SharedFile) -> Option<&Arc<PublishedFile>> {
        self.published_files.iter().rev().find(|published| published.file == *file)
    }

    /// The text of a shared file that is in force; `None` if there is no such file.
    #[must_use]
    pub fn text_of(&self, file: &SharedFile) -> Option<&str> {
        let on_record = self.published_file(file).map(|published| published.document.as_str());
        on_record.or_else(|| self.house_file(file).map(|file| file.text.as_str()))
    }

    /// The pool that owns a shared file; `None` if there is no such file.
    #[must_use]
    pub fn file_owner(&self, file: &SharedFile) -> Option<&PoolName> {
        match file {
            SharedFile::People => Some(&self.house.owner),
            SharedFile::Routes => Some(&self.shared.owner),
            SharedFile::IntentType(of) => self.intents.get(of).map(|schema| &schema.owner),
        }
    }

    /// The file of the house that a first publication takes the place of; none if that is recorded already.
    #[must_use]
    pub fn file_base(&self, file: &SharedFile) -> Option<SourceFile> {
        match self.published_file(file) {
            Some(_) => None,
            None => self.house_file(file).cloned(),
        }
    }

    /// Every shared file that is in force, by name.
    #[must_use]
    pub fn shared_files(&self) -> Vec<SharedFile> {
        let of_house = self.files.iter().filter_map(SharedFile::of);
        let on_record = self.published_files.iter().map(|published| published.file.clone());
        let mut all: Vec<SharedFile> = of_house.chain(on_record).collect();
        all.sort();
        all.dedup();
        all
    }

    /// What whoever runs the host should know of shared files: those of the house that do not count. A sentence each.
    #[must_use]
    pub fn file_remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for name in self.shared_files() {
            let Some(last) = self.published_file(&name) else { continue };
            let decides = format!("what intent {} published on {} decides", last.intent, last.at);
            match self.house_file(&name) {
                Some(file) if same_document(&file.text, &last.document) => {}
                Some(file) => remarks.push(format!(
                    "`{}` is not what was published last and does not count: {decides}; `countersign rules publish` \
                     proposes the file, `countersign rules show {name}` prints what is in force",
                    file.path
                )),
                None => remarks.push(format!("the rules have no file `{name}` any more: {decides}")),
            }
        }
        remarks
    }

    /// The shared files of which something was published and that are among these files of a house.
    #[must_use]
    pub fn published_files_of(&self, files: &[SourceFile]) -> Vec<SharedFile> {
        let named = files.iter().filter_map(SharedFile::of);
        named.filter(|file| self.published_file(file).is_some()).collect()
    }

    fn house_file(&self, file: &SharedFile) -> Option<&SourceFile> {
        self.files.iter().find(|source| SharedFile::of(source).as_ref() == Some(file))
    }
}
