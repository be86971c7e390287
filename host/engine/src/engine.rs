//! The engine: one object that every door holds, and the loop behind it.

use crate::beside::Beside;
use crate::connections::Connections;
use crate::connectors::Connectors as Builds;
use crate::contributions::{Explained, explained};
use crate::denied::Denials;
use crate::fault::Fault;
use crate::gates::Gates;
use crate::grown::Growth;
use crate::handle::{Doors, Hot, Verdicts};
use crate::inbox::Waits;
use crate::jumps::Jumps;
use crate::limits::PROOFS_AT_ONCE;
use crate::log_tree::LogTree;
use crate::measures::Measures;
use crate::metrics::Metrics;
use crate::notices::Ways;
use crate::outages::Outages;
use crate::people::Record;
use crate::place::Place;
use crate::port::anchor::Anchor;
use crate::port::catalogue::Catalogue;
use crate::port::clock::{Chance, Clock};
use crate::port::components::Components;
use crate::port::connectors::Connectors;
use crate::port::notifier::Notifier;
use crate::port::store::{Health, Page, Query, Store};
use crate::reconcile::Reconciliation;
use crate::schedule::Schedule;
use crate::shadow::Shadow;
use crate::task::Tasks;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::going_live::Reachable;
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, IntentId};
use countersign_core::intent::{Facts, Raw, Tokens, Trigger};
use countersign_core::people::register::Register;
use countersign_core::policy::Policy;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use prometheus_client::registry::Registry;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError, RwLock};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// What an engine is made of: the ports and the rules.
pub struct Parts {
    /// Where the log is kept.
    pub store: Arc<dyn Store>,
    /// How targets are reached.
    pub connectors: Arc<dyn Connectors>,
    /// Which builds of connectors there are.
    pub catalogue: Arc<dyn Catalogue>,
    /// What policies may ask beside their tables.
    pub components: Arc<dyn Components>,
    /// How people are told.
    pub notifier: Arc<dyn Notifier>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bits.
    pub chance: Arc<dyn Chance>,
    /// Intent types, policies, people and routes.
    pub rulebook: Rulebook,
    /// Who is on record, as [`recorded`](crate::people::recorded) read it from the same store.
    pub record: Record,
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// A running engine. Cheap to clone; every clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connectors: Arc<dyn Connectors>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) components: Arc<dyn Components>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) rulebook: RwLock<Arc<Rulebook>>,
    pub(crate) hot: Hot,
    pub(crate) schedule: Schedule,
    pub(crate) gates: Gates,
    /// Why deliveries wait.
    pub(crate) waits: Waits,
    pub(crate) outages: Outages,
    pub(crate) records: Connections,
    /// The records of connectors: their builds.
    pub(crate) builds: Builds,
    pub(crate) beside: Beside,
    /// What candidates have planned in the shadow.
    pub(crate) shadow: Shadow,
    /// The connections whose targets are asked what has changed.
    pub(crate) following: StdMutex<BTreeSet<ConnectionName>>,
    pub(crate) jumps: Jumps,
    /// How often the log was restored from a backup.
    pub(crate) restored: u32,
    pub(crate) ways: Ways,
    pub(crate) tasks: Tasks,
    pub(crate) lost: CancellationToken,
    pub(crate) doors: Doors,
    pub(crate) verdicts: Verdicts,
    pub(crate) metrics: Metrics,
    /// Held while a change of policy is decided, so that each is decided on what the last one left.
    pub(crate) publishing: tokio::sync::Mutex<()>,
    /// Held while an override is decided: each counts those before it.
    pub(crate) overriding: tokio::sync::Mutex<()>,
    /// Held while something that cannot be evaluated may pass, so that two at once count each other.
    pub(crate) failing_open: tokio::sync::Mutex<()>,
    /// Held while a trial is taken, or an intent by which a type goes live, so that two at once find each other.
    pub(crate) trying: tokio::sync::Mutex<()>,
    /// Held while an intent is taken whose type takes only so many of a day, so that two at once count each other.
    pub(crate) throttling: tokio::sync::Mutex<()>,
    /// Held while something is adopted, so that two at once find each other.
    pub(crate) adopting: tokio::sync::Mutex<()>,
    /// Held while the log is read as a proof that it is whole.
    pub(crate) verifying: tokio::sync::Mutex<()>,
    /// Held while exceptions of a type with a budget are opened, so that two at once count each other.
    pub(crate) spending: tokio::sync::Mutex<()>,
    /// Where the record of people goes on; held while it is changed.
    pub(crate) recording: tokio::sync::Mutex<Place>,
    pub(crate) proofs: Semaphore,
    /// By what the log is proved to others, if it is.
    pub(crate) log_tree: OnceLock<Arc<LogTree>>,
    /// Figures over the log.
    pub(crate) measures: Measures,
    /// Rings when other rules are in force.
    pub(crate) changed: Notify,
    /// What the log has lately grown by.
    pub(crate) growth: Growth,
    /// Refused tries that are to be put on record.
    pub(crate) denials: Denials,
    /// What was said of rights.
    pub(crate) access: crate::access::Book,
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Engine").field("tasks", &self.inner.tasks.running()).finish_non_exhaustive()
    }
}

/// An approval as it stands, with the place in the log that it reflects.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The approval.
    pub approval: Arc<Approval>,
    /// Last sequence of its stream.
    pub sequence: u64,
}

/// What somebody asks for, as it arrives at a door.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Who asks, authenticated by the door.
    pub requester: String,
    /// What kind of thing.
    pub intent_type: String,
    /// What exactly, not yet checked.
    pub tokens: Raw,
    /// The caller's idempotency key, if it gave one.
    pub key: Option<Key>,
}

/// A caller's idempotency key: unique to who gave it, with a digest of what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key, prefixed with who gave it.
    pub key: String,
    /// Digest of the request.
    pub fingerprint: Digest,
}

impl Engine {
    /// Starts an engine: from here on every open errand in the store is looked after.
    ///
    /// Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(parts: Parts) -> Engine {
        let inner = Arc::new(Inner {
            jumps: Jumps::of(parts.record.clock, &*parts.clock),
            growth: Growth::since(parts.store.health().position),
            restored: parts.record.restored,
            store: parts.store,
            connectors: parts.connectors,
            catalogue: parts.catalogue,
            components: parts.components,
            notifier: parts.notifier,
            clock: parts.clock,
            chance: parts.chance,
            rulebook: RwLock::new(Arc::new(
                parts.rulebook.with_register(parts.record.register).with_lives(parts.record.lives),
            )),
            recording: tokio::sync::Mutex::new(parts.record.place),
            hot: Hot::default(),
            doors: Doors::default(),
            verdicts: Verdicts::default(),
            metrics: Metrics::default(),
            publishing: tokio::sync::Mutex::new(()),
            overriding: tokio::sync::Mutex::new(()),
            failing_open: tokio::sync::Mutex::new(()),
            trying: tokio::sync::Mutex::new(()),
            throttling: tokio::sync::Mutex::new(()),
            adopting: tokio::sync::Mutex::new(()),
            verifying: tokio::sync::Mutex::new(()),
            spending: tokio::sync::Mutex::new(()),
            proofs: Semaphore::new(PROOFS_AT_ONCE),
            log_tree: OnceLock::new(),
            measures: Measures::default(),
            changed: Notify::new(),
            denials: Denials::default(),
            access: crate::access::Book::default(),
            schedule: Schedule::default(),
            gates: Gates::default(),
            waits: Waits::default(),
            outages: Outages::default(),
            records: Connections::default(),
            builds: Builds::default(),
            beside: Beside::default(),
            shadow: Shadow::default(),
            following: StdMutex::default(),
            ways: Ways::default(),
            tasks: Tasks::default(),
            lost: CancellationToken::new(),
        });
        inner.tasks.start(crate::schedule::run(Arc::clone(&inner)));
        inner.tasks.start(crate::review::run(Arc::clone(&inner)));
        inner.tasks.start(crate::denied::run(Arc::clone(&inner)));
        inner.follow_all();
        Engine { inner }
    }

    /// Puts all that this engine counts where a scraper reads it. Once, before the first is asked.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.metrics.register(registry);
    }

    /// Counts what stands open, so that the gauges say it; not if that was done a moment ago.
    ///
    /// # Errors
    /// [`Fault::Store`] if the log cannot be read; then the gauges say what they said.
    pub async fn look_at_open(&self) -> Result<(), Fault> {
        self.inner.look_at_open().await
    }

    /// Asks for something. Durable on return.
    ///
    /// With a key that was used before for the same request, answers with the intent that it made.
    ///
    /// # Errors
    /// [`Fault::Refused`] with every fault of the tokens at once; nothing is stored then.
    pub async fn submit(&self, submission: Submission) -> Result<Standing, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.submit(submission, None, None).await
    }

    /// Asks for a trial of an intent type that is a draft; `by` is what it begins by. Durable on return.
    ///
    /// It goes the way of every intent, through the real connections, and counts nowhere.
    ///
    /// # Errors
    /// Those of [`Engine::submit`]; [`Fault::Refused`] too if the type is live, or whoever asks is not of the pool
    /// that owns it.
    pub async fn try_out(&self, submission: Submission, by: Trigger) -> Result<Standing, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.submit(submission, Some(by), None).await
    }

    /// Gives one command to an approval. Durable on return. The caller has authenticated whoever
    /// the command names; what they may do is decided here.
    ///
    /// # Errors
    /// [`Fault::Refused`] if a rule says no; nothing is stored then.
    pub async fn command(
        &self,
        intent: IntentId,
        command: Command,
        key: Option<Key>,
    ) -> Result<Standing, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.command(intent, command, key).await
    }

    /// An approval as it stands.
    ///
    /// # Errors
    /// [`Fault::Refused`] if there is none.
    pub async fn read(&self, intent: IntentId) -> Result<Standing, Fault> {
        self.inner.read(intent).await
    }

    /// What was approved, written and is there now, for everything that landed of an approval: reads each target once.
    /// Nothing is changed or recorded.
    ///
    /// # Errors
    /// [`Fault::Refused`] if there is no such intent, or while nothing of it is approved.
    pub async fn reconcile(&self, intent: IntentId) -> Result<Vec<Reconciliation>, Fault> {
        crate::reconcile::of(&self.inner, &self.inner.read(intent).await?.approval).await
    }

    /// Every entry of an approval, in order: its whole life.
    ///
    /// # Errors
    /// [`Fault::Refused`] if there is none.
    pub async fn entries(&self, intent: IntentId) -> Result<Vec<Entry>, Fault> {
        self.inner.entries(intent).await
    }

    /// Rows of approvals: see [`crate::row`] for their labels and summaries.
    ///
    /// # Errors
    /// [`Fault::Store`] if the index cannot be read.
    pub async fn list(&self, query: Query) -> Result<Page, Fault> {
        Ok(self.inner.store.query(query).await?)
    }

    /// How the store is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.store.health()
    }

    /// What a policy answers to tokens and facts, with those of its components that are here. Nothing is
    /// decided or recorded.
    ///
    /// # Errors
    /// Those of [`explained`].
    pub async fn explained(
        &self,
        policy: &Policy,
        tokens: &Tokens,
        facts: &Facts,
    ) -> Result<Explained, Fault> {
        explained(&*self.inner.components, policy, tokens, facts).await
    }

    /// The connectors, for doors that show connections.
    #[must_use]
    pub fn connectors(&self) -> &Arc<dyn Connectors> {
        &self.inner.connectors
    }

    /// Every configured connection with what it can do, for doors that show what an intent type lacks.
    #[must_use]
    pub fn reachable(&self) -> Reachable {
        self.inner.reachable()
    }

    /// Has `tree` follow the log from here on, so that the log can be proved while it grows, and what it comes to noted in
    /// each of these places. Once.
    ///
    /// If the process stops while it follows, the next start goes on from what was kept.
    pub fn prove_by(&self, tree: Arc<LogTree>, anchors: Vec<Arc<dyn Anchor>>) {
        let inner = &self.inner;
        if inner.log_tree.set(Arc::clone(&tree)).is_err() {
            return;
        }
        for anchor in anchors {
            inner.tasks.start(Arc::clone(&tree).note(anchor, Arc::clone(inner)));
        }
        inner.tasks.start(tree.follow(inner.tasks.clone()));
    }

    /// By what the log is proved; nothing where nobody keeps the tree.
    #[must_use]
    pub fn log_tree(&self) -> Option<&Arc<LogTree>> {
        self.inner.log_tree.get()
    }

    /// The store, for doors that verify or export the log.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The rules in force.
    #[must_use]
    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.inner.rulebook()
    }

    /// Puts another checked set of rules in force, unless a set came into force since `before` was
    /// read: a policy that was published meanwhile would be lost with it. Says whether it is in force.
    /// Who is on record stays so.
    ///
    /// Open approvals keep what they were evaluated with; within seconds their seats and exceptions go
    /// to the people of the new directory.
    #[must_use = "another set may have come first: read it and try again"]
    pub fn replace_rulebook(&self, before: &Arc<Rulebook>, rulebook: Rulebook) -> bool {
        let replaced = self.inner.replace_rulebook(before, rulebook);
        if replaced {
            self.inner.changed.notify_one();
        }
        replaced
    }

    /// What time it is for this engine.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns when the disk could not confirm a write. Nothing more is stored then, and the process
    /// should end (exit 75), so that the next start reads what is really there.
    pub async fn lost(&self) {
        self.inner.lost.cancelled().await;
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.tasks.are_stopping()
    }

    /// Begins no new work and returns when running attempts have ended and are recorded.
    pub async fn stop(&self) {
        self.inner.tasks.stop().await;
    }
}

impl Inner {
    /// Puts a set in force, unless another one came first. Who is on record stays so, whatever it says.
    pub(crate) fn replace_rulebook(&self, before: &Arc<Rulebook>, rulebook: Rulebook) -> bool {
        let mut place = self.rulebook.write().unwrap_or_else(PoisonError::into_inner);
        // Who is on record changes often, and takes no part in what was checked.
        let first = place.is_same_set(before);
        if first {
            *place = Arc::new(rulebook.with_record_of(&place));
            self.growth.ruled(self.store.health().position);
        }
        first
    }

    /// Puts what is on record in force, among whatever rules are, and has everything looked up again.
    pub(crate) fn in_force(&self, register: Arc<Register>) {
        self.in_force_with(|rulebook| rulebook.with_register(register));
        self.changed.notify_one();
    }

    /// Puts the rules in force with something else on record beside them.
    pub(crate) fn in_force_with(&self, record: impl FnOnce(Rulebook) -> Rulebook) {
        let mut place = self.rulebook.write().unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(record(Rulebook::clone(&place)));
        self.growth.ruled(self.store.health().position);
    }

    pub(crate) fn rulebook(&self) -> Arc<Rulebook> {
        Arc::clone(&self.rulebook.read().unwrap_or_else(PoisonError::into_inner))
    }
}
