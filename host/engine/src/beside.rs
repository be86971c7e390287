//! Builds beside one another: what the writes of each come to and how long they take, counted in memory, and the step
//! back from one that is clearly worse than what served before it.
//!
//! A restart forgets what was counted: then nothing is compared until both builds have shown enough again.

use crate::engine::Inner;
use crate::port::connectors::{Call, Connection};
use countersign_core::approval::Approval;
use countersign_core::connector::BUILDS_MAX;
use countersign_core::connector::beside::{Came, Shown, Worse, Write, worse};
use countersign_core::effect::attempt::AttemptEnd;
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId, IntentId, PersonId};
use countersign_core::time::Millis;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

/// One operation of one connection: another one is as fast, and fails as often, as it does.
type Place = (ConnectionName, String);

/// What the builds have shown at each place. There are as many places as connections have operations, and as many
/// builds at each as a connector may have.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    shown: StdMutex<BTreeMap<Place, BTreeMap<Digest, Shown>>>,
}

impl Beside {
    fn shown(&self) -> MutexGuard<'_, BTreeMap<Place, BTreeMap<Digest, Shown>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A build begins to serve: it is judged by what it does from here on, beside what the others do.
    pub(crate) fn begin(&self, digest: &Digest, is_there: impl Fn(&ConnectionName) -> bool) {
        for (_, builds) in self.shown().iter_mut().filter(|((name, _), _)| is_there(name)) {
            builds.remove(digest);
            builds.values_mut().for_each(Shown::stand_beside);
        }
    }

    /// A build is not there any more.
    pub(crate) fn forget(&self, digest: &Digest) {
        self.shown().retain(|_, builds| {
            builds.remove(digest);
            !builds.is_empty()
        });
    }

    fn note(&self, place: Place, digest: Digest, write: Write) {
        let mut shown = self.shown();
        let builds = shown.entry(place).or_default();
        // A connection that was given another connector: nothing of the one before is of use.
        if BUILDS_MAX <= builds.len() && !builds.contains_key(&digest) {
            builds.clear();
        }
        builds.entry(digest).or_default().note(write);
    }

    fn worse(&self, place: &Place, digest: &Digest, other: &Digest) -> Option<Worse> {
        let shown = self.shown();
        let builds = shown.get(place)?;
        worse(builds.get(digest)?, builds.get(other)?)
    }
}

/// A write that has begun.
pub(crate) struct Begun {
    connection: Arc<Connection>,
    operation: String,
    intent: IntentId,
    requester: PersonId,
    at: Millis,
    /// Whether nobody else could begin meanwhile: then it may wait for its rate, whatever the build does.
    is_full: bool,
}

/// A write that has ended.
pub(crate) struct Done {
    connection: Arc<Connection>,
    place: Place,
    write: Write,
}

impl Begun {
    /// `None` for what takes something back: that is another call.
    pub(crate) fn of(
        inner: &Inner,
        connection: &Arc<Connection>,
        approval: &Approval,
        call: &Call,
    ) -> Option<Begun> {
        call.takes_back.is_none().then(|| Begun {
            connection: Arc::clone(connection),
            operation: call.what.operation.clone(),
            intent: approval.intent.id,
            requester: approval.intent.requester.clone(),
            at: inner.clock.passed(),
            is_full: inner.gates.is_full(connection),
        })
    }

    pub(crate) fn ended(self, inner: &Inner, end: &AttemptEnd) -> Done {
        let Begun { connection, operation, intent, requester, at, is_full } = self;
        let took = Millis(inner.clock.passed().0.saturating_sub(at.0));
        let came = match Came::of(end) {
            failed if failed.is_failure() && inner.is_troubled(&connection) && failed != Came::Broke => {
                Came::Trouble
            }
            came => came,
        };
        let waited = is_full || inner.gates.is_full(&connection);
        let write = Write { intent, requester, came, took: (!waited).then_some(took) };
        Done { place: (connection.name.clone(), operation), connection, write }
    }
}

impl Inner {
    /// Whether a target is in trouble, by what it answers here or through another connection to the same address: what
    /// a connector reads before it writes fails then too, and nothing on record shows it.
    fn is_troubled(&self, connection: &Connection) -> bool {
        let leads_there = |other: &Arc<Connection>| {
            let mut bases = other.endpoints.iter().map(|(_, base)| base);
            bases.any(|base| connection.endpoints.iter().any(|(_, own)| own == base))
        };
        self.connectors.connections().iter().filter(|other| leads_there(other)).any(|other| {
            let health = self.connectors.health(&other.name);
            health.failing.is_some() || health.rests.is_some()
        })
    }

    /// Takes note of what a write came to, and goes back to the build before if this one is clearly worse.
    pub(crate) async fn compare(self: &Arc<Self>, Done { connection, place, write }: Done) {
        let digest = connection.digest;
        self.beside.note(place.clone(), digest, write);
        let Ok(id) = ConnectorId::parse(&connection.connector) else { return };
        let other = match self.connector(&id).await {
            Ok(record) => record.beside(&connection.name, &digest),
            Err(fault) => {
                tracing::warn!(%fault, connector = %id, blame = "host", "a build was not compared with the one before it");
                None
            }
        };
        let Some(other) = other else { return };
        if let Some(worse) = self.beside.worse(&place, &digest, &other) {
            let (version, (name, operation)) = (&connection.version, &place);
            let reason = format!("{version} at `{name}`, operation `{operation}`: {worse}");
            self.roll_back(&connection, &reason).await;
        }
    }
}
