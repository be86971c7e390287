//! Publishing a policy: what the log says is in force, who may not vote for a change, and the moment
//! at which an approved version takes its place.

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
use countersign_core::document::SourceFile;
use countersign_core::id::{IntentId, IntentTypeName, PersonId};
use countersign_core::people::Directory;
use countersign_core::policy::Policy;
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::lint::Level;
use countersign_core::publish::{Asked, Change, Found, POLICY_CHANGE, is_policy_change, places, voices};
use countersign_core::rulebook::{Published, Rulebook};
use countersign_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an intent that is not decided yet can stand.
pub(crate) const OPEN: [&str; 4] = ["preparing", "unsettled", "seated", "returned"];

/// Every version that was published, in the order of the log. Asked once, before an engine starts.
///
/// # Errors
/// [`Fault::Store`] if the log or its index cannot be read; [`Fault::Unreadable`] if an entry is none.
pub async fn published(store: &dyn Store) -> Result<Vec<Arc<Published>>, Fault> {
    let activated = |approval: &Approval, entry: &Entry| Published::of(approval, entry).map(Arc::new);
    finished(store, POLICY_CHANGE, PUBLISHED_MAX, activated).await
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

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Inner {
    /// An open intent of `person` of the type whose policy this approval would change; nothing if it
    /// changes none.
    pub(crate) async fn own_open(
        &self,
        approval: &Approval,
        person: &PersonId,
    ) -> Result<Option<IntentId>, Fault> {
        if !is_policy_change(&approval.intent.intent_type) {
            return Ok(None);
        }
        let Some(asked) = Asked::of(&approval.intent.tokens) else { return Ok(None) };
        self.open_of(&asked.of, person).await
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

    /// Lets a version that is on record take its place. The caller holds `publishing`.
    pub(crate) fn put_in_force(&self, published: Published, now: Timestamp) {
        loop {
            let before = self.rulebook();
            match before.publish(published.clone(), now) {
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
                    let (intent, places) = (published.intent, places.join("; "));
                    tracing::error!(%intent, places, blame = "host", "a policy could not be put in force");
                    return;
                }
            }
        }
    }
}
