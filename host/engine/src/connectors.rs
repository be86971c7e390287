//! Connectors that change while the host runs: builds are added, put in force, rolled back and taken away, each by an
//! entry in the record of the connector, `connector/ID/1` and on.
//!
//! An entry is stored before it counts. What serves is put there after it; a host that stops in between does it at its
//! next start.

use crate::engine::{Engine, Inner, Key, Submission};
use crate::fault::Fault;
use crate::limits::UPGRADES_MAX;
use crate::place;
use crate::port::catalogue::{Catalogue, Evidence, Installed};
use crate::port::connectors::Connection;
use crate::port::store::Store;
use crate::publish::finished;
use crate::records::{Known, Records};
use countersign_core::approval::{Approval, Stage};
use countersign_core::connector::upgrade::{Accepted, Asked, CONNECTOR_UPGRADE, CONNECTOR_UPGRADE_ROUTE};
use countersign_core::connector::{
    BUILDS_MAX, Change, Entry, Event, Known as Build, NotChanged, OnRecord, Serving,
};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectorId, IntentTypeName, PersonId};
use countersign_core::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The records of all connectors that were asked for.
pub(crate) type Connectors = Records<ConnectorId, OnRecord>;

/// A build that was added, with the record of its connector.
#[derive(Debug, Clone)]
pub struct Added {
    /// The connector.
    pub connector: ConnectorId,
    /// The build.
    pub digest: Digest,
    /// Its record.
    pub record: Arc<OnRecord>,
}

/// What the keys begin with under which the host asks; no person's key does, which begins with their name.
const ASKS_AS: &str = "host connector_upgrade/";

fn record(connector: &ConnectorId) -> String {
    format!("connector/{connector}")
}

/// Puts on record what is installed and not on record yet, and lets serve what the record says. Asked once, before an
/// engine starts and before anything is connected.
///
/// Whoever installed something while no host ran, by the configuration or by hand, wants it to serve: the newest of
/// what is new is put in force, unless somebody took it away before or a connection could not be served so. What is on
/// record stays as the record says.
///
/// # Errors
/// [`Fault::Store`] if the log cannot be read or written; [`Fault::Unreadable`] if an entry is none.
pub async fn settle(store: &dyn Store, catalogue: &dyn Catalogue, now: Timestamp) -> Result<(), Fault> {
    let installed = catalogue.installed();
    let accepted = finished(store, CONNECTOR_UPGRADE, UPGRADES_MAX, Accepted::of).await?;
    let ids: BTreeSet<&ConnectorId> = installed.iter().map(|one| &one.connector).collect();
    for id in ids {
        let (mut standing, place) = read(store, id).await?;
        let is_left_over = |one: &&Installed| {
            let digest = &one.build.digest;
            standing.removed.contains(digest) && !standing.builds.contains_key(digest) && !one.wanted
        };
        let (left_over, builds): (Vec<_>, Vec<_>) =
            installed.iter().filter(|one| one.connector == *id).partition(is_left_over);
        left_over.iter().for_each(|one| take_away(catalogue, &one.build.digest));
        let mut entries = Vec::new();
        let mut note = |standing: &mut OnRecord, events: Vec<Event>| {
            for event in events {
                let entry = Entry { at: now, by: None, event };
                let after = OnRecord::clone(standing).after(&entry);
                if after.serving != standing.serving
                    && let Err(misfit) = catalogue.fits(id, &after.serving)
                {
                    tracing::warn!(%misfit, connector = %id, blame = "operator", "a build does not serve");
                    continue;
                }
                *standing = after;
                entries.push(entry);
            }
        };
        let new = unrecorded(&standing, &builds);
        note(&mut standing, new);
        for accepted in accepted.iter().filter(|accepted| accepted.asked.connector == *id) {
            let change = Change::Accept(accepted.clone());
            // Nothing keeps it from being accepted but that it was, or that it is not there any more.
            let events = standing.decide(&change, &accepted_in(accepted)).unwrap_or_default();
            note(&mut standing, events);
        }
        let fallback = in_the_end(&standing, &builds);
        note(&mut standing, fallback);
        if !entries.is_empty() {
            place::append(store, &record(id), place, to_bytes(&entries)?, None).await?;
        }
        catalogue.serve(id, &standing);
    }
    catalogue.settled();
    Ok(())
}

/// Takes the bytes of a build away that is not on record any more. What fails is done at the next start.
fn take_away(catalogue: &dyn Catalogue, digest: &Digest) {
    if let Err(fault) = catalogue.remove(digest) {
        tracing::warn!(%fault, %digest, blame = "host", "a build that was removed is still in the folder");
    }
}

/// Why a build serves that people have accepted.
fn accepted_in(accepted: &Accepted) -> String {
    format!("it was accepted in {}", accepted.intent)
}

/// What is to be put on record of builds that came while nobody ran; the one installed last stands last.
fn unrecorded(standing: &OnRecord, builds: &[&Installed]) -> Vec<Event> {
    let room = BUILDS_MAX.saturating_sub(standing.builds.len());
    let new = builds.iter().filter(|one| !standing.builds.contains_key(&one.build.digest));
    let mut new: Vec<&&Installed> = new.collect();
    if room < new.len() {
        let left = new.len().saturating_sub(room);
        tracing::warn!(
            left,
            most = BUILDS_MAX,
            blame = "operator",
            "the oldest builds of a connector are not on record: there are too many"
        );
        new.drain(..left);
    }
    let mut events: Vec<Event> =
        new.iter().map(|one| Event::Added { build: one.build.clone(), stage: false }).collect();
    // What somebody took away and a file of the configuration brings back waits.
    let wanted = new.iter().rev().find(|one| one.wanted && !standing.removed.contains(&one.build.digest));
    if let Some(newest) = wanted {
        let reason = "it was installed while no host ran".to_owned();
        events.push(Event::Activated { digest: newest.build.digest, on: None, reason });
    }
    events
}

/// What serves where nothing is in force: the newest build that may, so that a connection has one.
fn in_the_end(standing: &OnRecord, builds: &[&Installed]) -> Vec<Event> {
    if standing.serving.active.is_some() {
        return Vec::new();
    }
    let may = |one: &&&Installed| {
        standing.builds.get(&one.build.digest).is_some_and(|known| known.quarantined.is_none())
    };
    let reason = "nothing else was in force".to_owned();
    let newest = builds.iter().rev().find(may);
    newest.map(|one| Event::Activated { digest: one.build.digest, on: None, reason }).into_iter().collect()
}

async fn read(store: &dyn Store, connector: &ConnectorId) -> Result<(OnRecord, place::Place), Fault> {
    let mut standing = OnRecord::default();
    let take = |entry: Entry| standing = std::mem::take(&mut standing).after(&entry);
    let place = place::read(store, &record(connector), take).await?;
    Ok((standing, place))
}

fn to_bytes(entries: &[Entry]) -> Result<Vec<Arc<[u8]>>, Fault> {
    let written = entries.iter().map(|entry| {
        let bytes = entry.to_bytes().map_err(|fault| Fault::Unreadable(fault.to_string()))?;
        Ok(bytes.into())
    });
    written.collect()
}

impl Engine {
    /// Takes in a component with what is said of it: checks it, keeps it, puts it on record, and in force if it asks
    /// for nothing that was not granted before; with `stage` it waits in any case. Durable on return.
    ///
    /// If the process stops in here it is on record or it is not; asked again, it is, and people are asked to accept
    /// what it asks for where they have to.
    ///
    /// # Errors
    /// [`Fault::Catalogue`] if it is no sound connector, or does not fit a connection that it would serve;
    /// [`Fault::Connector`]; those of the store.
    pub async fn add_connector(
        &self,
        (component, evidence): (Vec<u8>, Evidence),
        stage: bool,
        (by, reason): (&PersonId, &str),
        key: Option<Key>,
    ) -> Result<Added, Fault> {
        let _inside = self.inner.doors.enter();
        let Installed { connector, build, .. } = self.inner.catalogue.install(component, evidence).await?;
        let digest = build.digest;
        let change = if stage { Change::Stage(build) } else { Change::Add(build) };
        let changed =
            self.inner.change_connector(&connector, &change, (Some(by), reason), key.as_ref()).await;
        if let Err(fault) = changed {
            // What was refused is not kept: nothing of it is on record.
            if !self.inner.connector(&connector).await?.builds.contains_key(&digest) {
                take_away(&*self.inner.catalogue, &digest);
            }
            return Err(fault);
        }
        let record = self.inner.ask_for_upgrade(&connector, digest, (by, reason)).await?;
        Ok(Added { connector, digest, record })
    }

    /// Changes which build of a connector serves. Durable on return, and done.
    ///
    /// If the process stops in here it is on record or it is not; if it is, the next start does it.
    ///
    /// # Errors
    /// [`Fault::Connector`] if it may not be; [`Fault::Catalogue`] if a connection could not be served so; those of the
    /// store. Nothing changes then.
    pub async fn change_connector(
        &self,
        connector: &ConnectorId,
        change: &Change,
        (by, reason): (&PersonId, &str),
        key: Option<Key>,
    ) -> Result<Arc<OnRecord>, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.change_connector(connector, change, (Some(by), reason), key.as_ref()).await
    }

    /// The record of a connector; empty if there never was a build of it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn connector(&self, connector: &ConnectorId) -> Result<Arc<OnRecord>, Fault> {
        self.inner.connector(connector).await
    }

    /// What happened to a connector, in order; empty if there never was a build of it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn history_of_connector(&self, connector: &ConnectorId) -> Result<Vec<Entry>, Fault> {
        let mut history = Vec::new();
        place::read(&*self.inner.store, &record(connector), |entry| history.push(entry)).await?;
        Ok(history)
    }

    /// The builds that are there.
    #[must_use]
    pub fn catalogue(&self) -> &dyn Catalogue {
        &*self.inner.catalogue
    }
}

impl Inner {
    pub(crate) async fn connector(&self, connector: &ConnectorId) -> Result<Arc<OnRecord>, Fault> {
        if let Some((record, _)) = self.builds.known(connector) {
            return Ok(record);
        }
        let _alone = self.builds.changing.lock().await;
        Ok(self.read_connector(connector).await?.0)
    }

    async fn change_connector(
        self: &Arc<Self>,
        connector: &ConnectorId,
        change: &Change,
        (by, reason): (Option<&PersonId>, &str),
        key: Option<&Key>,
    ) -> Result<Arc<OnRecord>, Fault> {
        let _alone = self.builds.changing.lock().await;
        let (standing, place) = self.read_connector(connector).await?;
        if self.recorded_under(key).await? {
            return Ok(standing);
        }
        let at = self.clock.now();
        if let Change::Activate { on: Some(on), digest } = change
            && !self.catalogue.is_of(on, connector)
        {
            return Err(NotChanged::OtherConnector { connection: on.clone(), digest: *digest }.into());
        }
        let events = standing.decide(change, reason)?;
        let mut entries: Vec<Entry> =
            events.into_iter().map(|event| Entry { at, by: by.cloned(), event }).collect();
        if entries.is_empty() {
            // Its bytes may be there again: what serves by the record does so now.
            if matches!(change, Change::Add(_) | Change::Stage(_)) {
                self.catalogue.serve(connector, &standing);
                self.follow_all();
            }
            return Ok(standing);
        }
        let mut after = entries.iter().fold(OnRecord::clone(&standing), OnRecord::after);
        if after.serving != standing.serving {
            match (self.catalogue.fits(connector, &after.serving), change) {
                (Ok(()), _) => {}
                // It is accepted all the same, and waits.
                (Err(misfit), Change::Accept(_)) => {
                    tracing::warn!(%misfit, %connector, blame = "operator", "an accepted build does not serve");
                    entries.retain(|entry| matches!(entry.event, Event::Accepted { .. }));
                    after = entries.iter().fold(OnRecord::clone(&standing), OnRecord::after);
                }
                (Err(misfit), _) => return Err(misfit.into()),
            }
        } else if let Change::Add(build) = change {
            // It is to serve as soon as it may; what never could is told at once.
            let serving = Serving::by(build.digest);
            self.catalogue.fits(connector, &serving)?;
        }
        if let Change::Remove(digest) = change
            && self.catalogue.is_named(digest)
        {
            return Err(NotChanged::Serves(*digest).into());
        }
        let next = self.append_to(&record(connector), place, to_bytes(&entries)?, key).await?;
        let after = Arc::new(after);
        self.builds.keep(connector, (Arc::clone(&after), next));
        self.catalogue.serve(connector, &after);
        self.note_changes(connector, &entries);
        if let Change::Remove(digest) = change {
            take_away(&*self.catalogue, digest);
        }
        self.follow_all();
        Ok(after)
    }

    /// Whoever begins to serve is judged anew, and nothing is kept of what is gone.
    fn note_changes(&self, connector: &ConnectorId, entries: &[Entry]) {
        for entry in entries {
            if let (None, Event::RolledBack { .. } | Event::Dropped { .. }) = (&entry.by, &entry.event) {
                self.metrics.taken_back(connector);
            }
            match &entry.event {
                Event::Activated { digest, .. } | Event::Nominated { digest, .. } => {
                    self.beside.begin(digest, |name| self.catalogue.is_of(name, connector));
                    self.shadow.forget(digest);
                }
                Event::Dropped { digest, .. } => self.shadow.forget(digest),
                Event::Removed { digest, .. } => {
                    self.beside.forget(digest);
                    self.shadow.forget(digest);
                }
                Event::Added { .. }
                | Event::Asked { .. }
                | Event::Accepted { .. }
                | Event::RolledBack { .. }
                | Event::Quarantined { .. }
                | Event::Released { .. } => {}
            }
        }
    }

    /// Asks whoever decides that to accept what a build asks for, if it waits for that; in the name of whoever added it.
    async fn ask_for_upgrade(
        self: &Arc<Self>,
        connector: &ConnectorId,
        digest: Digest,
        (by, reason): (&PersonId, &str),
    ) -> Result<Arc<OnRecord>, Fault> {
        let record = self.connector(connector).await?;
        let Some(known) = record.builds.get(&digest) else { return Ok(record) };
        let asks = record.holds(&known.build);
        if asks.is_empty() || known.quarantined.is_some() || self.is_asked_for(known, &asks).await? {
            return Ok(record);
        }
        let name = IntentTypeName::parse(CONNECTOR_UPGRADE).ok();
        if name.is_none_or(|name| self.rulebook().policy(&name, self.clock.now()).is_none()) {
            tracing::warn!(%connector, route = CONNECTOR_UPGRADE_ROUTE, blame = "operator", "nobody can accept what a build asks for: `routes.md` lacks the route");
            return Ok(record);
        }
        // No person is called so, and each time that nobody accepted it is another one.
        let key = format!("{ASKS_AS}{digest}/{}", record.asks);
        let submission = Submission {
            requester: by.to_string(),
            intent_type: CONNECTOR_UPGRADE.to_owned(),
            tokens: Asked::tokens(connector, &known.build, &asks, reason),
            key: Some(Key { key, fingerprint: digest }),
        };
        let intent = self.submit(submission, None, None).await?.approval.intent.id;
        self.change_connector(connector, &Change::Ask { digest, intent }, (Some(by), reason), None).await
    }

    /// Whether people are being asked to accept exactly this.
    async fn is_asked_for(&self, known: &Build, asks: &[String]) -> Result<bool, Fault> {
        let Some(last) = known.asked.last() else { return Ok(false) };
        let standing = self.load(*last).await?.approval;
        let asked = Asked::of(&standing.intent.tokens).map(|asked| asked.asks);
        let same = asked.is_some_and(|asked| asks.iter().all(|want| asked.contains(want)));
        Ok(same && !matches!(standing.stage, Stage::Closed(_)))
    }

    /// Refuses a `connector_upgrade` that the host does not ask for itself, or that names what does not wait.
    pub(crate) async fn waits_for_exactly(
        &self,
        approval: &Approval,
        key: Option<&Key>,
    ) -> Result<(), Fault> {
        let is_ours = key.is_some_and(|key| key.key.starts_with(ASKS_AS));
        let Some(asked) = Asked::of(&approval.intent.tokens) else { return Ok(()) };
        let record = self.connector(&asked.connector).await?;
        let held = record.builds.get(&asked.digest).map(|known| record.holds(&known.build));
        let is_same = |held: Vec<String>| held.into_iter().collect::<BTreeSet<_>>() == asked.asks;
        if is_ours && held.is_some_and(is_same) {
            Ok(())
        } else {
            Err(NotChanged::NotHeld(asked.digest).into())
        }
    }

    /// Takes in that people have accepted what a build asks for. It is on record already: what fails here is done at the
    /// next start.
    pub(crate) async fn accept_build(self: &Arc<Self>, accepted: Accepted) {
        let reason = accepted_in(&accepted);
        let connector = accepted.asked.connector.clone();
        if let Err(fault) =
            self.change_connector(&connector, &Change::Accept(accepted), (None, &reason), None).await
        {
            tracing::warn!(%fault, %connector, blame = "host", "what people have accepted counts from the next start on");
        }
    }

    /// Puts back in force what served before a build that breaks whatever it is given. What that has planned stays with
    /// it, and with whoever is told of it.
    pub(crate) async fn roll_back_broken(self: &Arc<Self>, connection: &Connection) {
        let reason = format!("{} broke whatever it was given at `{}`", connection.version, connection.name);
        self.roll_back(connection, &reason).await;
    }

    /// Puts back in force what served before a build, for a reason that the host itself has found. What the build has
    /// planned stays with it.
    pub(crate) async fn roll_back(self: &Arc<Self>, connection: &Connection, reason: &str) {
        let Ok(id) = ConnectorId::parse(&connection.connector) else { return };
        // One that names its build has it whatever is in force.
        if !self.catalogue.is_of(&connection.name, &id) {
            return;
        }
        let change = Change::RollBackFrom { connection: connection.name.clone(), digest: connection.digest };
        let rolled_back = async {
            let before = self.connector(&id).await?;
            let after = self.change_connector(&id, &change, (None, reason), None).await?;
            Ok::<bool, Fault>(before.serving != after.serving)
        };
        match rolled_back.await {
            Ok(true) => {
                tracing::warn!(connector = %id, reason, blame = "connector", "a build was rolled back: the one before it serves");
            }
            Ok(false) => {}
            Err(fault) => {
                tracing::warn!(%fault, connector = %id, reason, blame = "host", "a build of a connector was not rolled back");
            }
        }
    }

    /// Whoever calls holds `changing`.
    async fn read_connector(&self, connector: &ConnectorId) -> Result<Known<OnRecord>, Fault> {
        if let Some(known) = self.builds.known(connector) {
            return Ok(known);
        }
        let (standing, place) = read(&*self.store, connector).await?;
        let known = (Arc::new(standing), place);
        self.builds.keep(connector, known.clone());
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::connector::Build;

    fn installed(number: u8) -> Installed {
        Installed {
            connector: ConnectorId::parse("acme.crm").expect("it is a name"),
            build: Build {
                digest: Digest([number; 32]),
                version: "1.0.0".to_owned(),
                wants: BTreeSet::from([format!("{number}")]),
                signer: None,
                level: None,
            },
            size: 1,
            system: "crm".to_owned(),
            operations: Vec::new(),
            wanted: true,
        }
    }

    #[test]
    fn what_came_while_no_host_ran_serves_and_what_is_on_record_stays() {
        let all: Vec<Installed> = (1..=3).map(installed).collect();
        let all: Vec<&Installed> = all.iter().collect();
        let settle = |record: OnRecord, builds: &[&Installed]| {
            let events = unrecorded(&record, builds);
            events
                .into_iter()
                .fold(record, |record, event| record.after(&Entry { at: Timestamp(1), by: None, event }))
        };
        let record = settle(OnRecord::default(), &all[..2]);
        assert_eq!((record.builds.len(), record.serving.active), (2, Some(Digest([2; 32]))));
        assert!(unrecorded(&record, &all[..2]).is_empty());
        // Another order of what is known says nothing.
        assert!(unrecorded(&record, &[all[1], all[0]]).is_empty());
        let record = settle(record, &all);
        assert_eq!(record.serving.active, Some(Digest([3; 32])));
        // A file that a configuration still names does not bring back what was taken away.
        let removed = Event::Removed { digest: Digest([1; 32]), reason: "it is old".to_owned() };
        let record = record.after(&Entry { at: Timestamp(2), by: None, event: removed });
        let record = settle(record, &[all[1], all[2], all[0]]);
        assert_eq!((record.builds.len(), record.serving.active), (3, Some(Digest([3; 32]))));
    }

    #[test]
    fn the_newest_of_too_many_builds_are_on_record() {
        let all: Vec<Installed> = (0..u8::try_from(BUILDS_MAX + 2).expect("few")).map(installed).collect();
        let all: Vec<&Installed> = all.iter().collect();
        let events = unrecorded(&OnRecord::default(), &all);
        assert_eq!(events.len(), BUILDS_MAX + 1);
        let first = all.get(2).map(|one| Event::Added { build: one.build.clone(), stage: false });
        assert_eq!(events.first(), first.as_ref());
    }
}
