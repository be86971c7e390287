//! Publishing a policy or a shared file: what the log says is in force, who may not vote for a change, and the moment
//! at which what was approved takes its place.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::handle::from_bytes;
use crate::history;
use crate::limits::{EVIDENCE_DAYS, EVIDENCE_MS_MAX, PUBLISHED_MAX};
use crate::port::store::{PAGE_ROWS_MAX, Position, Query, Store, StreamName};
use crate::row::ANSWERS;
use countersign_core::approval::Approval;
use countersign_core::approval::event::Entry;
use countersign_core::approval::life;
use countersign_core::approval::refusal::Refusal;
use countersign_core::document::{Fault as RuleFault, SourceFile};
use countersign_core::id::{IntentId, IntentTypeName, PersonId};
use countersign_core::people::Directory;
use countersign_core::policy::Policy;
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::lint::Level;
use countersign_core::publish::{Asked, Change, Found, POLICY_CHANGE, is_policy_change, places, voices};
use countersign_core::rulebook::{Publications, Published, Rulebook};
use countersign_core::shared_change::{
    self, PublishedFile, SHARED_CHANGE, SharedChange, SharedFile, is_shared_change,
};
use countersign_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an intent that is not decided yet can stand.
pub(crate) const OPEN: [&str; 4] = ["preparing", "unsettled", "seated", "returned"];

/// What the log holds beside the files of a house.
#[derive(Debug, Clone, Default)]
pub struct OnRecord {
    /// Versions of policies, in the order of the log.
    pub policies: Vec<Arc<Published>>,
    /// Texts of shared files, in the order of the log.
    pub files: Vec<Arc<PublishedFile>>,
}

impl OnRecord {
    /// The same for a set of rules.
    #[must_use]
    pub fn publications(&self) -> Publications<'_> {
        Publications { policies: &self.policies, files: &self.files }
    }
}

/// Everything that was published. Asked once, before an engine starts.
///
/// # Errors
/// [`Fault::Store`] if the log or its index cannot be read; [`Fault::Unreadable`] if an entry is none.
pub async fn published(store: &dyn Store) -> Result<OnRecord, Fault> {
    let version = |approval: &Approval, entry: &Entry| Published::of(approval, entry).map(Arc::new);
    let text = |approval: &Approval, entry: &Entry| PublishedFile::of(approval, entry).map(Arc::new);
    Ok(OnRecord {
        policies: finished(store, POLICY_CHANGE, PUBLISHED_MAX, version).await?,
        files: finished(store, SHARED_CHANGE, PUBLISHED_MAX, text).await?,
    })
}

/// What is kept of every intent of this type that is done, at most so many of them, in the order of the log: of each
/// the first entry that says something. No two lives are in memory at once.
pub(crate) async fn finished<T>(
    store: &dyn Store,
    of: &str,
    most: usize,
    kept: impl Fn(&Approval, &Entry) -> Option<T>,
) -> Result<Vec<T>, Fault> {
    let mut found: Vec<(Position, StreamName)> = Vec::new();
    let mut after = None;
    loop {
        let labels = labels(&[("type", of), ("state", "done")]);
        let page = store.query(Query { labels, after: after.take(), limit: PAGE_ROWS_MAX }).await?;
        found.extend(page.rows.into_iter().map(|row| (row.position, row.stream)));
        if most < found.len() {
            return Err(Fault::Unreadable(format!("more than {most} intents of type {of} are done")));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.sort();
    let mut all = Vec::new();
    for (_, stream) in found {
        let stored = store.load(&stream).await?;
        let entries: Vec<Entry> = stored.iter().map(|bytes| from_bytes(bytes)).collect::<Result<_, _>>()?;
        let mut approval = None;
        for entry in &entries {
            let next = life::after(approval, entry).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            approval = Some(next);
        }
        all.extend(approval.and_then(|approval| entries.iter().find_map(|entry| kept(&approval, entry))));
    }
    Ok(all)
}

/// The policy that an approval would publish; nothing if it is no change of one, or its document
/// does not read, which the proof at the door has said by then.
fn changed(rulebook: &Rulebook, approval: &Approval) -> Option<Policy> {
    if !is_policy_change(&approval.intent.intent_type) {
        return None;
    }
    let asked = Asked::of(&approval.intent.tokens)?;
    let file = SourceFile { path: format!("{}.policy.md", asked.of), text: asked.document.to_owned() };
    rulebook.trying(&file).ok()
}

/// The labels by which what a person asked is found: in their own name, by machines for which they answer, or did then.
pub(crate) fn asks_as(directory: &Directory, person: &PersonId) -> Vec<(&'static str, PersonId)> {
    let now = directory.asks_as(person).into_iter().map(|name| ("requester", name));
    now.chain([(ANSWERS, person.clone())]).collect()
}

/// The intent type whose file this is.
fn type_of(file: Option<SharedFile>) -> Option<IntentTypeName> {
    match file? {
        SharedFile::IntentType(of) => Some(of),
        SharedFile::People | SharedFile::Routes => None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Inner {
    /// An open intent of `person` of the type that this approval would change, or whose policy it would; nothing if
    /// it changes none.
    pub(crate) async fn own_open(
        &self,
        approval: &Approval,
        person: &PersonId,
    ) -> Result<Option<IntentId>, Fault> {
        let intent = &approval.intent;
        let of = if is_policy_change(&intent.intent_type) {
            Asked::of(&intent.tokens).map(|asked| asked.of)
        } else if is_shared_change(&intent.intent_type) {
            type_of(shared_change::Asked::of(&intent.tokens).map(|asked| asked.file))
        } else {
            None
        };
        match of {
            Some(of) => self.open_of(&of, person).await,
            None => Ok(None),
        }
    }

    async fn open_of(&self, of: &IntentTypeName, person: &PersonId) -> Result<Option<IntentId>, Fault> {
        for (asks, name) in asks_as(self.rulebook().directory(), person) {
            for state in OPEN {
                let labels = labels(&[("type", of.as_str()), (asks, name.as_str()), ("state", state)]);
                let page = self.store.query(Query { labels, after: None, limit: 1 }).await?;
                if let Some(intent) = page.rows.first().and_then(|row| row.stream.parse().ok()) {
                    return Ok(Some(intent));
                }
            }
        }
        Ok(None)
    }

    /// The evidence of a change, or every place that keeps it from being one.
    pub(crate) async fn evidence(
        self: &Arc<Self>,
        approval: &Approval,
    ) -> Result<Result<Change, String>, Fault> {
        let (rulebook, now) = (self.rulebook(), self.clock.now());
        let (rules, intent) = (Arc::clone(&rulebook), Arc::clone(&approval.intent));
        let proved = self
            .proved(move || countersign_core::publish::evidence(&rules, &intent, BTreeSet::new(), now))
            .await?;
        let mut change = match proved {
            Ok(change) => change,
            Err(found) => return Ok(Err(places(&found))),
        };
        change.backtest = self.tried(&rulebook, approval).await;
        for person in voices(&rulebook, &change.owners()) {
            if self.open_of(&change.of, &person).await?.is_some() {
                change.conflicted.push(person);
            }
        }
        Ok(Ok(change))
    }

    /// The evidence of a shared file's change, or every place that keeps it from being one.
    pub(crate) async fn shared_evidence(
        self: &Arc<Self>,
        approval: &Approval,
    ) -> Result<Result<SharedChange, String>, Fault> {
        let (rulebook, now) = (self.rulebook(), self.clock.now());
        let asked = shared_change::Asked::of(&approval.intent.tokens);
        let mut conflicted = BTreeSet::new();
        if let Some(of) = type_of(asked.map(|asked| asked.file)) {
            let owner = rulebook.intent_type(&of).map(|schema| schema.owner.clone());
            for person in shared_change::voices(&rulebook, owner.as_slice()) {
                if self.open_of(&of, &person).await?.is_some() {
                    conflicted.insert(person);
                }
            }
        }
        let (rules, intent) = (Arc::clone(&rulebook), Arc::clone(&approval.intent));
        let proved = self.proved(move || shared_change::evidence(&rules, &intent, conflicted, now)).await?;
        Ok(proved.map_err(|found| places(&found)))
    }

    /// Refuses a change that names a component which this host does not have: once in force, it would
    /// be unsure of every intent.
    pub(crate) fn has_components(&self, rulebook: &Rulebook, approval: &Approval) -> Result<(), Fault> {
        let Some(policy) = changed(rulebook, approval) else { return Ok(()) };
        let missing = policy.components.iter().filter(|named| !self.components.is_installed(&named.digest));
        let found = missing.map(|named| Found {
            file: policy.path.clone(),
            line: policy.places.row("Components", &named.id).line,
            level: Level::Error,
            kind: "component".to_owned(),
            message: format!("component `{}` sha256:{} is not installed here", named.id, named.digest),
            witness: None,
            advice: Some("put its file into `components/` of the rules and start the host again".to_owned()),
        });
        let found: Vec<Found> = found.collect();
        if found.is_empty() { Ok(()) } else { Err(Refusal::Change(found).into()) }
    }

    /// What a change would have decided over the last [`EVIDENCE_DAYS`]; nothing if the record cannot be
    /// read in time: that keeps nobody from deciding, and they see that it is missing.
    async fn tried(&self, rulebook: &Rulebook, approval: &Approval) -> Option<Backtest> {
        let policy = changed(rulebook, approval)?;
        let now = self.clock.now();
        let since = history::day_before(now, EVIDENCE_DAYS);
        let tried = tokio::select! {
            biased;
            tried = history::backtest(&*self.store, rulebook, &policy, Some(since), now) => tried,
            () = self.clock.sleep_until(now.plus(Millis(EVIDENCE_MS_MAX))) => {
                tracing::warn!(intent = %approval.intent.id, blame = "host", "the record is too long to try a change on it");
                return None;
            }
        };
        let warn = |fault: &Fault| {
            tracing::warn!(%fault, intent = %approval.intent.id, blame = "host", "a change was not tried on the record");
        };
        tried.inspect_err(warn).ok()
    }

    /// Runs a proof away from the threads that answer callers: a large table takes seconds.
    pub(crate) async fn proved<T: Send + 'static>(
        &self,
        proof: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let _place = self.proofs.acquire().await.map_err(|_| Fault::Stopping)?;
        let ended = tokio::task::spawn_blocking(proof).await;
        ended.map_err(|_| Fault::Unreadable("the check of a policy ended before it was done".to_owned()))
    }

    /// Lets a version of a policy that is on record take its place. The caller holds `publishing`.
    pub(crate) fn put_in_force(&self, published: &Published, now: Timestamp) {
        self.replace(published.intent, |before| before.publish(published.clone(), now));
    }

    /// Lets a text that is on record take the place of a shared file, and has everything looked up again: seats and
    /// exceptions go to the people of now. The caller holds `publishing`.
    pub(crate) fn put_file_in_force(&self, published: &PublishedFile, now: Timestamp) {
        self.replace(published.intent, |before| before.publish_file(published.clone(), now));
        self.changed.notify_one();
    }

    fn replace(&self, intent: IntentId, with: impl Fn(&Rulebook) -> Result<Rulebook, Vec<RuleFault>>) {
        loop {
            let before = self.rulebook();
            match with(&before) {
                // Other people may have come into force meanwhile; then both must be kept.
                Ok(rulebook) => {
                    if self.replace_rulebook(&before, rulebook) {
                        return;
                    }
                }
                // INVARIANT: the vote read the very same set a moment ago. Should it not check now, the
                // last good set stays, and the next start says what is wrong with the one on record.
                Err(faults) => {
                    let places: Vec<String> = faults.iter().map(ToString::to_string).collect();
                    let places = places.join("; ");
                    tracing::error!(%intent, places, blame = "host", "what was published could not be put in force");
                    return;
                }
            }
        }
    }
}
