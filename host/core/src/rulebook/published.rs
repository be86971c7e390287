//! Which version of a policy is in force when: the files of the house, and what was published since,
//! in the order of the log.
//!
//! As long as nothing of a policy was published, its files decide. From its first publication on
//! only the log does: the documents that the first one took the place of, then every published one.

use super::shared_file::overlaid;
use super::{PolicyReader, Rulebook};
use crate::approval::event::{Entry, Event};
use crate::approval::{Approval, Authority, Outcome, Stage};
use crate::document::{Fault, Faults, SourceFile};
use crate::hash::Digest;
use crate::id::{IntentId, IntentTypeName, PersonId};
use crate::intent::{IntentType, TypeState};
use crate::policy::{self, Policy};
use crate::publish::Asked;
use crate::shared_change::PublishedFile;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where documents that come from the log stand, so that no fault of them is looked for in a file.
pub(super) const FOLDER: &str = "published";
/// Most versions of one policy that are kept when their turn is over: for open intents that are pinned
/// to them, and to go back to. The log holds all of them.
const VERSIONS_OVER_MAX: usize = 32;

/// A version that an approved `policy_change` put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The intent that made it.
    pub intent: IntentId,
    /// The intent type whose policy it is.
    pub of: IntentTypeName,
    /// Its content address, as it was approved.
    pub version: Digest,
    /// The whole document.
    pub document: String,
    /// The documents that the first publication of this policy took the place of.
    pub base: Vec<SourceFile>,
    /// Who asked for it.
    pub author: PersonId,
    /// Who approved it.
    pub by: Vec<PersonId>,
    /// Why.
    pub reason: String,
    /// When it was activated.
    pub at: Timestamp,
}

/// A time in which one version is in force: from `since` until the next turn begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The version.
    pub version: Digest,
    /// Its effective date or its activation, whichever is later.
    pub since: Timestamp,
    /// What published it; `None` if it came with the files of the house.
    pub published: Option<Arc<Published>>,
}

impl Published {
    /// What an approval has published, from the entry that activated it; `None` if that is no such
    /// entry of a finished `policy_change`.
    #[must_use]
    pub fn of(approval: &Approval, entry: &Entry) -> Option<Published> {
        let Event::Activated { version, base, .. } = &entry.event else { return None };
        let (Stage::Executing { authority, .. } | Stage::Closed(Outcome::Done { authority, .. })) =
            &approval.stage
        else {
            return None;
        };
        let asked = Asked::of(&approval.intent.tokens)?;
        Some(Published {
            intent: approval.intent.id,
            of: asked.of.clone(),
            version: *version,
            document: asked.document.to_owned(),
            base: base.clone(),
            author: approval.intent.requester.clone(),
            by: match authority {
                Authority::Policy => Vec::new(),
                Authority::People(people) => people.clone(),
                Authority::Override(person) => vec![person.clone()],
                Authority::FailOpen(people) => people.clone(),
            },
            reason: asked.reason.to_owned(),
            at: entry.at,
        })
    }

    /// Path of its document among the sources of a rulebook.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{FOLDER}/{}/{}.policy.md", self.intent, self.of)
    }
}

/// One document of a policy of the log, as it goes into the set.
struct Source {
    file: SourceFile,
    of: IntentTypeName,
    since: Timestamp,
    published: Option<Arc<Published>>,
}

/// Whether a document comes from the log and is no file of the house.
pub(super) fn is_from_log(file: &SourceFile) -> bool {
    file.path.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether two texts are one document: byte-order mark and carriage returns mean nothing in one.
pub(crate) fn same_document(one: &str, other: &str) -> bool {
    one == other || bare_document(one) == bare_document(other)
}

/// A document as it is published: without byte-order mark, its lines ended by line feeds alone.
#[must_use]
pub fn bare_document(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

/// Whether a file decides intents of this type, or stood where one did.
fn decides(file: &SourceFile, of: &IntentTypeName, base: &[SourceFile]) -> bool {
    file.path.ends_with(".policy.md")
        && (base.iter().any(|old| old.path == file.path)
            || policy::head(file, &mut Faults::new(&file.path)).is_some_and(|head| head.intent == *of))
}

/// What the log holds beside the files of a house, both in its order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Publications<'a> {
    /// Versions of policies.
    pub policies: &'a [Arc<Published>],
    /// Texts of shared files.
    pub files: &'a [Arc<PublishedFile>],
}

/// The set that files and log make together at the moment `now`.
pub(super) fn fold(
    files: &[SourceFile],
    on_record: Publications<'_>,
    now: Timestamp,
    reader: PolicyReader,
) -> Result<Rulebook, Vec<Fault>> {
    let published = on_record.policies;
    let sources = recent(sources(published), now);
    let mut set = overlaid(files, on_record.files);
    for of in kinds(published) {
        let base = base(published, of);
        set.retain(|file| !decides(file, of, base));
    }
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.file.path.as_str()).collect();
    let mut documents: Vec<&SourceFile> = Vec::new();
    for source in &sources {
        // A version that was put in force twice is one document.
        if !documents.iter().any(|other| other.path == source.file.path) {
            documents.push(&source.file);
        }
    }
    let with = |left_out: &BTreeSet<String>| {
        let mut set = set.clone();
        let kept = documents.iter().filter(|file| !left_out.contains(&file.path));
        set.extend(kept.map(|file| (*file).clone()));
        Rulebook::read(&set, reader)
    };
    let mut left_out = BTreeSet::new();
    let mut rulebook = with(&left_out);
    if let Err(faults) = &rulebook {
        let over = over(&sources, now);
        let faulty = faults.iter().map(|fault| fault.file.as_str()).filter(|file| paths.contains(file));
        left_out = faulty.filter(|file| over.contains(*file)).map(str::to_owned).collect();
        if !left_out.is_empty() {
            rulebook = with(&left_out);
        }
    }
    let mut rulebook = rulebook?;
    rulebook.files = files.into();
    rulebook.published = published.into();
    rulebook.published_files = on_record.files.into();
    let of =
        |path: &String| sources.iter().find(|source| source.file.path == *path).map(|found| found.of.clone());
    rulebook.left_out = left_out.into_iter().filter_map(|path| Some((of(&path)?, path))).collect();
    rulebook.take_turns(&sources);
    Ok(rulebook)
}

/// The intent types of which something was published.
fn kinds(published: &[Arc<Published>]) -> BTreeSet<&IntentTypeName> {
    published.iter().map(|published| &published.of).collect()
}

/// The documents that the first publication of a policy took the place of.
fn base<'a>(published: &'a [Arc<Published>], of: &IntentTypeName) -> &'a [SourceFile] {
    let first = published.iter().find(|published| published.of == *of);
    first.map(|published| published.base.as_slice()).unwrap_or_default()
}

/// Every document of the log, policy by policy, in the order of the log.
fn sources(published: &[Arc<Published>]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let since = |file: &SourceFile| {
        let head = policy::head(file, &mut Faults::new(&file.path));
        head.map_or(Timestamp(i64::MIN), |head| head.effective.begins())
    };
    for of in kinds(published) {
        for old in base(published, of) {
            let file = SourceFile { path: format!("{FOLDER}/files/{}", old.path), text: old.text.clone() };
            sources.push(Source { since: since(&file), file, of: of.clone(), published: None });
        }
        for published in published.iter().filter(|published| published.of == *of) {
            let same =
                |source: &&Source| source.of == *of && same_document(&source.file.text, &published.document);
            let file = match sources.iter().find(same) {
                Some(known) => known.file.clone(),
                None => SourceFile { path: published.path(), text: published.document.clone() },
            };
            let since = since(&file).max(published.at);
            sources.push(Source { since, file, of: of.clone(), published: Some(Arc::clone(published)) });
        }
    }
    sources
}

/// The same without versions whose turn was over long ago.
fn recent(mut sources: Vec<Source>, now: Timestamp) -> Vec<Source> {
    let over = over(&sources, now);
    let mut room: BTreeMap<IntentTypeName, usize> = BTreeMap::new();
    sources.reverse();
    sources.retain(|source| {
        let room = room.entry(source.of.clone()).or_insert(VERSIONS_OVER_MAX);
        let kept = !over.contains(&source.file.path) || 0 < *room;
        if over.contains(&source.file.path) {
            *room = room.saturating_sub(1);
        }
        kept
    });
    sources.reverse();
    sources
}

/// Paths of the documents whose last turn is over.
fn over(sources: &[Source], now: Timestamp) -> BTreeSet<String> {
    let mut over: BTreeSet<String> = sources.iter().map(|source| source.file.path.clone()).collect();
    let kinds: BTreeSet<&IntentTypeName> = sources.iter().map(|source| &source.of).collect();
    for of in kinds {
        let mut own: Vec<&Source> = sources.iter().filter(|source| source.of == *of).collect();
        own.sort_by_key(|source| source.since);
        let in_force = own.iter().rposition(|source| source.since <= now).unwrap_or(0);
        for source in own.iter().skip(in_force) {
            over.remove(&source.file.path);
        }
    }
    over
}

impl Rulebook {
    /// The set that the files of the house and what was published since make together. With
    /// nothing published it is [`Rulebook::load`].
    ///
    /// A published version whose turn is over and that does not check any more is left out and named
    /// by [`Rulebook::remarks`].
    ///
    /// # Errors
    /// Every fault of every file and document that must check.
    pub fn with_published(
        files: &[SourceFile],
        on_record: Publications<'_>,
        now: Timestamp,
    ) -> Result<Rulebook, Vec<Fault>> {
        fold(files, on_record, now, Policy::parse)
    }

    /// What the log holds of this set.
    #[must_use]
    pub fn publications(&self) -> Publications<'_> {
        Publications { policies: &self.published, files: &self.published_files }
    }

    /// The set after one more version was published.
    ///
    /// # Errors
    /// Every fault, if the set does not check with it.
    pub fn publish(&self, published: Published, now: Timestamp) -> Result<Rulebook, Vec<Fault>> {
        let policies = self.and(published);
        let on_record = Publications { policies: &policies, ..self.publications() };
        let rulebook = fold(&self.files, on_record, now, Policy::parse)?;
        Ok(rulebook.with_record_of(self))
    }

    /// The same before its examples are run: for a check that says more.
    pub(crate) fn draft_with(&self, published: Published, now: Timestamp) -> Result<Rulebook, Vec<Fault>> {
        let policies = self.and(published);
        let on_record = Publications { policies: &policies, ..self.publications() };
        let rulebook = fold(&self.files, on_record, now, Policy::draft)?;
        Ok(rulebook.with_record_of(self))
    }

    fn and(&self, published: Published) -> Vec<Arc<Published>> {
        self.published.iter().cloned().chain([Arc::new(published)]).collect()
    }

    /// Gives every version its turns: from files first, then in the order of the log.
    pub(super) fn take_turns_of_files(&mut self) {
        let mut turns: BTreeMap<IntentTypeName, Vec<Turn>> = BTreeMap::new();
        for (of, versions) in &self.policies {
            let own = versions.iter().map(|policy| Turn {
                version: policy.version,
                since: policy.effective.begins(),
                published: None,
            });
            turns.insert(of.clone(), own.collect());
        }
        self.turns = turns;
    }

    fn take_turns(&mut self, sources: &[Source]) {
        let kinds: BTreeSet<&IntentTypeName> = sources.iter().map(|source| &source.of).collect();
        for of in kinds {
            let versions = self.policies.get(of).map(Vec::as_slice).unwrap_or_default();
            let version = |source: &Source| {
                versions.iter().find(|policy| policy.path == source.file.path).map(|policy| policy.version)
            };
            let own = sources.iter().filter(|source| source.of == *of);
            let mut turns: Vec<Turn> = own
                .filter_map(|source| {
                    let published = source.published.clone();
                    Some(Turn { version: version(source)?, since: source.since, published })
                })
                .collect();
            // Stable: of two that begin together the later one of the log takes over.
            turns.sort_by_key(|turn| turn.since);
            self.turns.insert(of.clone(), turns);
        }
    }

    /// The turns of a policy, the first one first.
    #[must_use]
    pub fn turns(&self, of: &IntentTypeName) -> &[Turn] {
        self.turns.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    /// The turn that has come at `moment`.
    #[must_use]
    pub fn turn(&self, of: &IntentTypeName, moment: Timestamp) -> Option<&Turn> {
        self.turns(of).iter().rev().find(|turn| turn.since <= moment)
    }

    /// The last turn of another version before the one that has come at `moment`: what a rollback goes
    /// back to. Versions that do not check any more are passed over.
    #[must_use]
    pub fn turn_before(&self, of: &IntentTypeName, moment: Timestamp) -> Option<&Turn> {
        let turns = self.turns(of);
        let present = turns.iter().rposition(|turn| turn.since <= moment)?;
        let in_force = turns.get(present)?.version;
        let other =
            |turn: &&Turn| turn.version != in_force && self.policy_version(of, &turn.version).is_some();
        turns.get(..present)?.iter().rev().find(other)
    }

    /// The policy that decides at `moment`; where the turn of none has come yet, the first that will.
    #[must_use]
    pub fn standing(&self, of: &IntentTypeName, moment: Timestamp) -> Option<&Policy> {
        let turn = self.turn(of, moment).or_else(|| self.turns(of).first())?;
        self.policy_version(of, &turn.version)
    }

    /// Every version that was published, in the order of the log.
    #[must_use]
    pub fn published(&self) -> &[Arc<Published>] {
        &self.published
    }

    /// The text of the document that holds a version, as it was read.
    #[must_use]
    pub fn document(&self, of: &IntentTypeName, version: &Digest) -> Option<&str> {
        let path = &self.policy_version(of, version)?.path;
        let from_log = || {
            let own = self.published.iter().filter(|published| published.of == *of);
            let text = own.clone().find(|published| published.path() == *path).map(|found| &found.document);
            let old = || {
                let mut base = own.clone().flat_map(|published| &published.base);
                let found = base.find(|file| *path == format!("{FOLDER}/files/{}", file.path));
                found.map(|file| &file.text)
            };
            text.or_else(old)
        };
        let file = self.files.iter().find(|file| file.path == *path).map(|file| &file.text);
        file.or_else(from_log).map(String::as_str)
    }

    /// The intent types of which something was published and that one of these files decides.
    #[must_use]
    pub fn published_of(&self, files: &[SourceFile]) -> BTreeSet<IntentTypeName> {
        let own = |of: &&IntentTypeName| {
            let base = base(&self.published, of);
            files.iter().any(|file| decides(file, of, base))
        };
        kinds(&self.published).into_iter().filter(own).cloned().collect()
    }

    /// The files that decide intents of a type now, for the record of its first publication; none if
    /// that is recorded already.
    #[must_use]
    pub fn base_of(&self, of: &IntentTypeName) -> Vec<SourceFile> {
        if self.published.iter().any(|published| published.of == *of) {
            return Vec::new();
        }
        self.files.iter().filter(|file| decides(file, of, &[])).cloned().collect()
    }

    /// What whoever runs the host should know: files that do not count, versions that were left out,
    /// versions that have another content address than the approved one. A sentence each, with the
    /// intent type that it is about.
    #[must_use]
    pub fn remarks(&self) -> Vec<(IntentTypeName, String)> {
        let mut remarks = Vec::new();
        for of in kinds(&self.published) {
            self.files_aside(of, &mut remarks);
        }
        for (of, path) in &self.left_out {
            let found = self.published.iter().find(|published| published.path() == *path);
            let whose = found.map_or_else(
                || format!("`{path}`"),
                |published| format!("version {}, by intent {},", published.version, published.intent),
            );
            let why = "is not in force any more and does not check with the present people and routes";
            remarks.push((of.clone(), format!("{whose} {why}: it was left out")));
        }
        for (of, turns) in &self.turns {
            let Some(turn) = turns.last() else { continue };
            let Some(published) = turn.published.as_ref().filter(|found| found.version != turn.version)
            else {
                continue;
            };
            let remark = format!(
                "version {}, by intent {}, is read as {} now: its intent type or the shared routes have changed",
                published.version, published.intent, turn.version
            );
            remarks.push((of.clone(), remark));
        }
        remarks.extend(self.intents.values().filter_map(|schema| self.changed_since_live(schema)));
        remarks
    }

    /// That an intent type went live as something else than it is.
    fn changed_since_live(&self, schema: &IntentType) -> Option<(IntentTypeName, String)> {
        let went = self.lives().all_of(&schema.name).last()?;
        if self.went_live(schema).is_some() {
            return None;
        }
        let what = format!(
            "its owners, source, trigger, destinations, bindings or writes are not any more what intent {} of {} let \
             go live",
            went.intent, went.at
        );
        let follows = match schema.state {
            TypeState::Draft => "it is a draft again until another trial shows it",
            TypeState::Live => "its file does not say `draft`, so it takes intents, and nothing has shown it",
        };
        Some((schema.name.clone(), format!("{what}: {follows}")))
    }

    fn files_aside(&self, of: &IntentTypeName, remarks: &mut Vec<(IntentTypeName, String)>) {
        let Some(last) = self.published.iter().rev().find(|published| published.of == *of) else { return };
        let base = base(&self.published, of);
        let mut found = false;
        for file in self.files.iter().filter(|file| decides(file, of, base)) {
            found = true;
            if !same_document(&file.text, &last.document) {
                let remark = format!(
                    "`{}` is not what was published last and does not count: intent {} of {} decides; \
                     `countersign policy publish` proposes the file, `countersign policy show {of} --document` \
                     prints what is in force",
                    file.path, last.intent, last.at
                );
                remarks.push((of.clone(), remark));
            }
        }
        if !found {
            let remark = format!(
                "the rules have no file for it any more: what intent {} published decides",
                last.intent
            );
            remarks.push((of.clone(), remark));
        }
    }
}
