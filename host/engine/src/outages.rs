//! What keeps anything from being written to a whole connection, and that one person hears of it: its
//! credential is refused, or its connector breaks whatever is to be written, so nothing is sent there until
//! the one exception about that is closed; or its target does not answer for long, or an operator paused it for long.
//!
//! That exception stands in the log of the intent that met it first. What is kept here is only where:
//! it is read from the store when it is first asked for.

use crate::engine::{Engine, Inner};
use crate::fault::Fault;
use crate::limits::{QUARANTINE_INTENTS, UNAVAILABLE_TOLD_MS};
use crate::port::connectors::Connection;
use crate::port::store::{PAGE_ROWS_MAX, Query};
use crate::row::CONNECTION;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::approval::refusal::Refusal;
use countersign_core::clock::is_due;
use countersign_core::connection::Pause;
use countersign_core::effect::attempt::{Break, BreakKind, Detail, Ended, Failure};
use countersign_core::effect::life::Denial;
use countersign_core::exception::{Cause, Exception};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId, ExceptionId, IntentId};
use countersign_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, OwnedMutexGuard};

/// Which intents have an exception about each connection.
type Known = BTreeMap<ConnectionName, Outage>;

/// The intents with an open exception about one connection.
#[derive(Debug, Default)]
struct Outage {
    /// That its credential is refused.
    pausing: BTreeSet<IntentId>,
    /// That this version of its connector breaks. Another one is not kept from anything.
    broken: BTreeMap<Digest, BTreeSet<IntentId>>,
    /// That its target does not answer.
    telling: BTreeSet<IntentId>,
}

/// When the credential of a connection was last found to be another one.
type Renewed = Option<Timestamp>;

/// What is known of all connections.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    /// Nothing until it is first asked for.
    known: Mutex<Option<Known>>,
    /// Whoever finds something wrong with a connection holds its lock until that is stored: one looks how far it
    /// reaches, and one exception tells of it.
    telling: StdMutex<BTreeMap<ConnectionName, Arc<Mutex<Renewed>>>>,
    /// What broke the connector of a connection: of each version apart. A restart forgets it; a connector that is broken
    /// shows it again.
    broke: StdMutex<BTreeMap<(ConnectionName, Digest), Broke>>,
}

/// The intents whose calls broke one version of a connector, one after the other, since one did not.
#[derive(Debug, Default)]
struct Broke {
    intents: BTreeSet<IntentId>,
    /// When it was last let go on: what began before says nothing.
    resumed: Option<Timestamp>,
}

/// Whether it is the connector that is at fault, as far as anybody can tell: time runs out where a target is slow or the
/// machine is busy, too.
pub(crate) fn is_at_fault(broke: &Break) -> bool {
    match broke.kind {
        BreakKind::Trap | BreakKind::Memory | BreakKind::BadAnswer | BreakKind::Forbidden => true,
        BreakKind::Cpu | BreakKind::Deadline => false,
    }
}

/// Whether what began then did so before something that happened; not if that is still to come, by a clock that was set
/// back since.
fn is_before(began: Timestamp, happened: Timestamp, now: Timestamp) -> bool {
    began <= happened && happened <= now
}

impl Outages {
    fn telling(&self, connection: &ConnectionName) -> Arc<Mutex<Renewed>> {
        let mut telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(telling.entry(connection.clone()).or_default())
    }

    fn broke(&self, connection: (ConnectionName, Digest), look: impl FnOnce(&mut Broke) -> bool) -> bool {
        let mut broke = self.broke.lock().unwrap_or_else(PoisonError::into_inner);
        look(broke.entry(connection).or_default())
    }

    /// A call did not break its connector.
    fn whole(&self, connection: &Connection) {
        self.broke((connection.name.clone(), connection.digest), |broke| {
            broke.intents.clear();
            false
        });
    }

    /// A call about this intent, which began then, broke its connector; says whether those of too many did.
    fn broken(
        &self,
        connection: &Connection,
        intent: IntentId,
        (began, now): (Timestamp, Timestamp),
    ) -> bool {
        self.broke((connection.name.clone(), connection.digest), |broke| {
            if broke.resumed.is_some_and(|resumed| is_before(began, resumed, now)) {
                return false;
            }
            if broke.intents.len() < QUARANTINE_INTENTS {
                broke.intents.insert(intent);
            }
            QUARANTINE_INTENTS <= broke.intents.len()
        })
    }

    /// Whoever was asked about it lets a version of a connector go on.
    fn resumed(&self, connection: (ConnectionName, Digest), now: Timestamp) {
        self.broke(connection, |broke| {
            *broke = Broke { intents: BTreeSet::new(), resumed: Some(now) };
            false
        });
    }
}

/// How far a refusal reaches, and what keeps everybody else from telling of it meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    pub(crate) denial: Denial,
    _alone: Option<OwnedMutexGuard<Renewed>>,
}

/// The exception that pauses a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// The intent that has it.
    pub intent: IntentId,
    /// Its id.
    pub id: ExceptionId,
    /// The exception.
    pub exception: Exception,
}

impl Engine {
    /// The exception that keeps anything from being sent to a connection by the build of its connector that it has
    /// now; `None` if there is none.
    ///
    /// # Errors
    /// [`Fault::Store`] if the log cannot be read.
    pub async fn paused(&self, connection: &ConnectionName) -> Result<Option<Paused>, Fault> {
        let current = self.inner.connectors.connection(connection).map(|found| found.digest);
        for intent in self.inner.pausing(connection).await? {
            let standing = self.read(intent).await?;
            let mut exceptions = standing.approval.exceptions.iter();
            let of_another_build = |exception: &Exception| {
                let planned = exception.effect.and_then(|effect| standing.approval.planned(effect));
                exception.cause == Cause::Quarantined
                    && planned.is_some_and(|planned| Some(planned.connector) != current)
            };
            if let Some((id, exception)) = exceptions
                .find(|(_, exception)| exception.pauses() == Some(connection) && !of_another_build(exception))
            {
                return Ok(Some(Paused { intent, id: *id, exception: exception.clone() }));
            }
        }
        Ok(None)
    }
}

impl Inner {
    /// Whether nothing is sent to a connection now, whatever its connector.
    async fn is_paused(&self, connection: &ConnectionName) -> Result<bool, Fault> {
        if self.on_record(connection).await?.pause.is_some() {
            return Ok(true);
        }
        let known = self.known_outages().await?;
        Ok(known.get(connection).is_some_and(|outage| !outage.pausing.is_empty()))
    }

    /// Whether nothing is sent to a connection by this version of its connector now.
    pub(crate) async fn keeps_out(&self, connection: &Connection) -> Result<bool, Fault> {
        if self.on_record(&connection.name).await?.pause.is_some() {
            return Ok(true);
        }
        let known = self.known_outages().await?;
        Ok(known.get(&connection.name).is_some_and(|outage| outage.keeps_out(connection.digest)))
    }

    /// Why nothing is sent to a connection now, by the build of its connector that it has now: each reason, and whether
    /// it stands.
    pub(crate) async fn blocked(&self, connection: &Connection) -> Result<[(&'static str, bool); 4], Fault> {
        let name = &connection.name;
        let paused = self.on_record(name).await?.pause.is_some();
        let known = self.known_outages().await?;
        let outage = known.get(name);
        let denied = outage.is_some_and(|outage| !outage.pausing.is_empty());
        let quarantined = outage.is_some_and(|outage| outage.is_broken(connection.digest));
        let rests = self.connectors.health(name).rests.is_some();
        Ok([("by-hand", paused), ("denied", denied), ("quarantined", quarantined), ("unavailable", rests)])
    }

    /// How far the refusal of a credential reaches, if the answer to what began then is one: the connector is asked
    /// whether the connection as such is let in, once more if its credential is another one by now; and how far it
    /// reaches that the connector broke. Nobody else tells of it until what is returned is dropped.
    pub(crate) async fn denied<T>(
        self: &Arc<Self>,
        ended: &Ended<T>,
        (connection, intent): (&Connection, IntentId),
        began: Timestamp,
    ) -> Result<Denied, Fault> {
        let broken = || self.outages.broken(connection, intent, (began, self.clock.now()));
        match ended {
            Ended::Failed(Failure::Denied(_)) => {
                self.outages.whole(connection);
                self.denied_at(&connection.name, began).await
            }
            Ended::Failed(failure) if failure.is_bug() => {
                self.broke(connection, intent, began).await;
                Ok(Denied::default())
            }
            Ended::Returned(_) | Ended::Failed(_) => {
                self.outages.whole(connection);
                Ok(Denied::default())
            }
            Ended::Broke(broke) if is_at_fault(broke) && broken() => {
                let alone = self.outages.telling(&connection.name).lock_owned().await;
                if self.keeps_out(connection).await? {
                    return Ok(Denied { denial: Denial::Passing, _alone: None });
                }
                // It may have been let go on while this one waited.
                if !broken() {
                    return Ok(Denied::default());
                }
                self.roll_back_broken(connection).await;
                Ok(Denied { denial: Denial::Connection, _alone: Some(alone) })
            }
            Ended::Broke(_) => Ok(Denied::default()),
        }
    }

    /// A build broke, or said that it is at fault, at an intent: at too many in a row, what served before it serves again.
    async fn broke(self: &Arc<Self>, connection: &Connection, intent: IntentId, began: Timestamp) {
        if self.outages.broken(connection, intent, (began, self.clock.now())) {
            self.roll_back_broken(connection).await;
            // Whoever puts it in force again has it judged by what it does then.
            self.outages.whole(connection);
        }
    }

    /// The same of an answer that is one.
    pub(crate) async fn denied_at(&self, name: &ConnectionName, began: Timestamp) -> Result<Denied, Fault> {
        let mut alone = self.outages.telling(name).lock_owned().await;
        let paused = match self.connectors.connection(name) {
            Some(connection) => self.keeps_out(&connection).await?,
            None => self.lacks_connector(name) || self.is_paused(name).await?,
        };
        let denial = if paused {
            Denial::Passing
        } else if self.is_let_in(name).await {
            // What was sent with the old one says nothing of the new one.
            if alone.is_some_and(|renewed| is_before(began, renewed, self.clock.now())) {
                Denial::Passing
            } else {
                Denial::Effect
            }
        } else if self.connectors.renew(name).await && self.is_let_in(name).await {
            *alone = Some(self.clock.now());
            Denial::Passing
        } else {
            return Ok(Denied { denial: Denial::Connection, _alone: Some(alone) });
        };
        Ok(Denied { denial, _alone: None })
    }

    async fn is_let_in(&self, connection: &ConnectionName) -> bool {
        !matches!(self.connectors.check(connection).await, Ended::Failed(Failure::Denied(_)))
    }

    /// Takes in what was stored of an approval.
    pub(crate) async fn outages_of(&self, before: Option<&Approval>, after: &Approval) {
        let of = |approval: &Approval| -> BTreeSet<ConnectionName> {
            approval.pauses().into_iter().chain(approval.tells_of()).cloned().collect()
        };
        let mut concerned = before.map(of).unwrap_or_default();
        concerned.append(&mut of(after));
        if concerned.is_empty() {
            return;
        }
        let before = before.map(quarantined).unwrap_or_default();
        let now = self.clock.now();
        for build in before.difference(&quarantined(after)) {
            self.outages.resumed(build.clone(), now);
        }
        let mut known = self.outages.known.lock().await;
        // What nobody has asked for is read when somebody does.
        let Some(known) = known.as_mut() else { return };
        concerned.iter().for_each(|connection| note(known, connection, after));
    }

    /// Whether a connection is configured and has no connector yet.
    pub(crate) fn lacks_connector(&self, connection: &ConnectionName) -> bool {
        self.connectors.waiting().contains_key(connection)
    }

    /// Every connection to which nothing is sent by the version of its connector that it has now, and every one that
    /// has none yet.
    pub(crate) async fn paused_connections(&self) -> Result<BTreeSet<ConnectionName>, Fault> {
        let known = self.known_outages().await?;
        let current = |name: &ConnectionName| self.connectors.connection(name).map(|found| found.digest);
        let paused = known.iter().filter(|(name, outage)| {
            !outage.pausing.is_empty() || current(name).is_some_and(|digest| outage.keeps_out(digest))
        });
        let mut paused: BTreeSet<ConnectionName> = paused.map(|(name, _)| name.clone()).collect();
        drop(known);
        paused.extend(self.connectors.waiting().into_keys());
        for connection in self.connectors.connections() {
            if self.on_record(&connection.name).await?.pause.is_some() {
                paused.insert(connection.name.clone());
            }
        }
        Ok(paused)
    }

    /// The intents that pause a connection.
    async fn pausing(&self, connection: &ConnectionName) -> Result<BTreeSet<IntentId>, Fault> {
        let known = self.known_outages().await?;
        let Some(Outage { pausing, broken, .. }) = known.get(connection) else { return Ok(BTreeSet::new()) };
        Ok(pausing.iter().chain(broken.values().flatten()).copied().collect())
    }

    /// Tells whoever answers for it that the target of an effect has not answered for long, unless somebody was told.
    pub(crate) async fn tell_of_outage(
        self: &Arc<Self>,
        connection: &ConnectionName,
        intent: IntentId,
        effect: EffectId,
    ) -> Result<(), Fault> {
        let Some(message) = self.outage(connection).await? else { return Ok(()) };
        let _alone = self.outages.telling(connection).lock_owned().await;
        if self.known_outages().await?.get(connection).is_some_and(|outage| !outage.telling.is_empty()) {
            return Ok(());
        }
        let command = Command::Unavailable { effect, detail: Detail::new("unavailable", message) };
        match self.command(intent, command, None).await {
            // It has come to an end meanwhile: the next one that waits tells of it.
            Ok(_) | Err(Fault::Refused(Refusal::Overtaken | Refusal::WrongStage { .. })) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// What somebody is to hear of a connection to which nothing gets through for long.
    async fn outage(&self, connection: &ConnectionName) -> Result<Option<String>, Fault> {
        let long = Millis(UNAVAILABLE_TOLD_MS);
        if let Some(Pause { by, since, reason }) = &self.on_record(connection).await?.pause {
            let is_long = is_due(since.plus(long), self.clock.now(), long);
            return Ok(
                is_long.then(|| format!("connection `{connection}`: {by} paused it at {since}: {reason}"))
            );
        }
        let failing = self.connectors.health(connection).failing.filter(|failing| long <= *failing);
        Ok(failing.map(|failing| {
            let minutes = failing.0 / 60_000;
            format!("connection `{connection}`: nothing that was sent there for {minutes} minutes was answered well")
        }))
    }

    async fn known_outages(&self) -> Result<MappedMutexGuard<'_, Known>, Fault> {
        let mut known = self.outages.known.lock().await;
        if known.is_none() {
            *known = Some(self.stored_outages().await?);
        }
        Ok(MutexGuard::map(known, |known| known.get_or_insert_default()))
    }

    async fn stored_outages(&self) -> Result<Known, Fault> {
        let mut known = Known::new();
        let (name, value) = CONNECTION;
        let labels = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let mut query = Query { labels, limit: PAGE_ROWS_MAX, ..Query::default() };
        loop {
            let page = self.store.query(query.clone()).await?;
            for row in page.rows {
                let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
                let approval = self.load(intent).await?.approval;
                for connection in approval.pauses().into_iter().chain(approval.tells_of()) {
                    note(&mut known, connection, &approval);
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(known),
            }
        }
    }
}

impl Outage {
    fn keeps_out(&self, connector: Digest) -> bool {
        !self.pausing.is_empty() || self.is_broken(connector)
    }

    /// Whether this version of its connector is left alone.
    fn is_broken(&self, connector: Digest) -> bool {
        self.broken.get(&connector).is_some_and(|intents| !intents.is_empty())
    }
}

/// The versions of connectors that an approval keeps from being called.
fn quarantined(approval: &Approval) -> BTreeSet<(ConnectionName, Digest)> {
    let pausing = approval.exceptions.values().filter(|exception| exception.cause == Cause::Quarantined);
    let builds = pausing.filter_map(|exception| {
        let planned = approval.planned(exception.effect?)?;
        Some((exception.pauses()?.clone(), planned.connector))
    });
    builds.collect()
}

/// Notes what an approval says of a connection.
fn note(known: &mut Known, connection: &ConnectionName, approval: &Approval) {
    let outage = known.entry(connection.clone()).or_default();
    for intents in outage.broken.values_mut() {
        intents.remove(&approval.intent.id);
    }
    for (_, connector) in quarantined(approval).into_iter().filter(|(name, _)| name == connection) {
        outage.broken.entry(connector).or_default().insert(approval.intent.id);
    }
    let denies =
        |exception: &Exception| exception.cause == Cause::Denied && exception.pauses() == Some(connection);
    for (intents, says) in [
        (&mut outage.pausing, approval.exceptions.values().any(denies)),
        (&mut outage.telling, approval.tells_of().contains(connection)),
    ] {
        if says {
            intents.insert(approval.intent.id);
        } else {
            intents.remove(&approval.intent.id);
        }
    }
}
