//! What the log says of a connector: which builds of it there are, what each asks for, and which one serves which
//! connection.
//!
//! A build is a component, by its digest. One that is added waits (*staged*) until it is put in force: by itself where
//! it asks for nothing more than the one before it was granted, else once somebody who may has accepted the
//! difference. What served before stays where it is, so that going back takes no time.

pub mod beside;
mod refusal;
pub mod upgrade;

pub use refusal::NotChanged;

use crate::hash::Digest;
use crate::id::{ConnectionName, IntentId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use upgrade::Accepted;

/// Most builds of one connector at one time: each keeps its compiled code in memory.
pub const BUILDS_MAX: usize = 16;

/// One build of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// SHA-256 of the component.
    pub digest: Digest,
    /// The version that it gives itself.
    pub version: String,
    /// Everything that it asks for, each in one sentence that says the same of every build.
    pub wants: BTreeSet<String>,
    /// The key that signed it, where a signature was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The level of the conformance kit that somebody trusted has seen it reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

/// One entry of the record of a connector.
pub type Entry = crate::entry::Entry<Event>;

/// What can happen to a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A build of it is there.
    Added {
        /// The build.
        build: Build,
        /// Whether it waits in any case, until somebody puts it in force.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stage: bool,
    },
    /// Whoever decides that is asked to accept what a build asks for.
    Asked {
        /// The build.
        digest: Digest,
        /// The intent by which they are asked.
        intent: IntentId,
    },
    /// Somebody who may has accepted what a build asks for, beyond what had been granted.
    Accepted {
        /// The build.
        digest: Digest,
        /// The intent by which they did.
        intent: IntentId,
        /// What they accepted.
        wants: BTreeSet<String>,
    },
    /// A build is in force.
    Activated {
        /// The build.
        digest: Digest,
        /// For this connection only; else for each one that names the connector.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<ConnectionName>,
        /// Why, in the words of whoever did it.
        reason: String,
    },
    /// What was in force before is so again.
    RolledBack {
        /// Why.
        reason: String,
    },
    /// A build is called no more, whatever it has planned.
    Quarantined {
        /// The build.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// It may be called again.
    Released {
        /// The build.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// It is not there any more.
    Removed {
        /// The build.
        digest: Digest,
        /// Why.
        reason: String,
    },
}

/// Which build serves which connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Serving {
    /// For every connection that names the connector by its id.
    pub active: Option<Digest>,
    /// For single ones, on which another build is tried.
    pub on: BTreeMap<ConnectionName, Digest>,
}

impl Serving {
    /// The build for a connection.
    #[must_use]
    pub fn of(&self, connection: &ConnectionName) -> Option<Digest> {
        self.on.get(connection).copied().or(self.active)
    }

    /// Whether this build serves anything.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.active == Some(*digest) || self.on.values().any(|on| on == digest)
    }
}

/// A build, as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The build.
    pub build: Build,
    /// Since when.
    pub since: Timestamp,
    /// Whether it waits in any case, until somebody puts it in force.
    pub stage: bool,
    /// The intents by which people were asked to accept what it asks for.
    pub asked: Vec<IntentId>,
    /// The intents by which they did.
    pub accepted: Vec<IntentId>,
    /// What they accepted.
    pub granted: BTreeSet<String>,
    /// Whether it has served: what it asks for was granted then.
    pub served: bool,
    /// Why it is called no more.
    pub quarantined: Option<String>,
}

/// What somebody wants of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A build is to be there, and in force at once if it may.
    Add(Build),
    /// A build is to be there, and to wait.
    Stage(Build),
    /// Whoever decides that is asked to accept what a build asks for.
    Ask {
        /// The build.
        digest: Digest,
        /// The intent.
        intent: IntentId,
    },
    /// They have accepted it.
    Accept(Accepted),
    /// A build is to be in force.
    Activate {
        /// The build.
        digest: Digest,
        /// For this connection only.
        on: Option<ConnectionName>,
    },
    /// What was in force before is to be so again.
    RollBack,
    /// The same, if that puts another build in the place of this one at a connection where it serves.
    RollBackFrom {
        /// The connection.
        connection: ConnectionName,
        /// The build.
        digest: Digest,
    },
    /// A build is to be called no more.
    Quarantine(Digest),
    /// It may be called again.
    Release(Digest),
    /// It is to go.
    Remove(Digest),
}

/// How a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It serves what names the connector.
    Active,
    /// It serves single connections, on which it is tried.
    Tried,
    /// It served before, and would again after a roll-back.
    Previous,
    /// It waits until somebody has accepted what it asks for.
    Held,
    /// It serves nothing, and could.
    Staged,
    /// It is called no more.
    Quarantined,
}

impl State {
    /// The state as surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Tried => "tried",
            State::Previous => "previous",
            State::Held => "held",
            State::Staged => "staged",
            State::Quarantined => "quarantined",
        }
    }
}

/// A connector, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnRecord {
    /// Every build of it that is there.
    pub builds: BTreeMap<Digest, Known>,
    /// Which of them serves what.
    pub serving: Serving,
    /// The same before that was last changed.
    pub previous: Option<Serving>,
    /// The builds that somebody has taken away.
    pub removed: BTreeSet<Digest>,
    /// How often people were asked to accept what a build asks for.
    pub asks: usize,
}

impl OnRecord {
    /// What a build asks for beyond what the active one was granted; everything, where none is.
    #[must_use]
    pub fn widens(&self, build: &Build) -> Vec<String> {
        let active = self.serving.active.and_then(|digest| self.builds.get(&digest));
        let asks = build.wants.iter();
        match active {
            Some(active) => asks.filter(|want| !active.build.wants.contains(*want)).cloned().collect(),
            None => asks.cloned().collect(),
        }
    }

    /// What keeps a build from being put in force until somebody has accepted it: what it asks for beyond what was
    /// granted. Nothing where no build has been in force: the connection that needs it is the grant.
    #[must_use]
    pub fn holds(&self, build: &Build) -> Vec<String> {
        let is_first = self.serving.active.is_none();
        let known = self.builds.get(&build.digest);
        if is_first || known.is_some_and(|known| known.served) {
            return Vec::new();
        }
        let is_granted = |want: &String| known.is_some_and(|known| known.granted.contains(want));
        self.widens(build).into_iter().filter(|want| !is_granted(want)).collect()
    }

    /// How a build stands.
    #[must_use]
    pub fn state(&self, known: &Known) -> State {
        let digest = &known.build.digest;
        if known.quarantined.is_some() {
            State::Quarantined
        } else if self.serving.active == Some(*digest) {
            State::Active
        } else if self.serving.has(digest) {
            State::Tried
        } else if self.previous.as_ref().is_some_and(|previous| previous.has(digest)) {
            State::Previous
        } else if self.holds(&known.build).is_empty() {
            State::Staged
        } else {
            State::Held
        }
    }

    /// The build that one is compared with which serves a connection: the one that a roll-back puts in its place there.
    #[must_use]
    pub fn beside(&self, connection: &ConnectionName, digest: &Digest) -> Option<Digest> {
        let before = self.previous.as_ref().and_then(|previous| previous.of(connection));
        let other = before.filter(|_| self.serving.of(connection) == Some(*digest))?;
        let known = self.builds.get(&other).filter(|known| known.quarantined.is_none())?;
        Some(known.build.digest).filter(|other| other != digest)
    }

    /// The builds that are called no more.
    #[must_use]
    pub fn quarantined(&self) -> BTreeSet<Digest> {
        let known = self.builds.iter().filter(|(_, known)| known.quarantined.is_some());
        known.map(|(digest, _)| *digest).collect()
    }

    /// What a change makes of it, in its order; nothing if it is so already.
    ///
    /// # Errors
    /// [`NotChanged`] if it may not.
    pub fn decide(&self, change: &Change, reason: &str) -> Result<Vec<Event>, NotChanged> {
        let reason = reason.to_owned();
        match change {
            Change::Stage(build) => self.added(build, true).map(|added| added.into_iter().collect()),
            Change::Add(build) => self.add(build, reason),
            Change::Ask { digest, intent } => {
                let known = self.known(digest)?;
                let asked = Event::Asked { digest: *digest, intent: *intent };
                Ok(if known.asked.contains(intent) { Vec::new() } else { vec![asked] })
            }
            Change::Accept(accepted) => self.accept(accepted, reason),
            Change::Activate { digest, on } => self.activate(digest, on.as_ref(), reason),
            Change::RollBack => self.back().map(|()| vec![Event::RolledBack { reason }]),
            Change::RollBackFrom { connection, digest } => {
                let other = self.previous.as_ref().and_then(|previous| previous.of(connection));
                let serves = self.serving.of(connection) == Some(*digest);
                if !serves || other.is_none_or(|other| other == *digest) {
                    return Ok(Vec::new());
                }
                self.back().map(|()| vec![Event::RolledBack { reason }])
            }
            Change::Quarantine(digest) => {
                let known = self.known(digest)?;
                if known.quarantined.is_some() {
                    return Ok(Vec::new());
                }
                let quarantined = Event::Quarantined { digest: *digest, reason: reason.clone() };
                if !self.serving.has(digest) {
                    return Ok(vec![quarantined]);
                }
                self.back()?;
                if self.previous.as_ref().is_some_and(|previous| previous.has(digest)) {
                    return Err(NotChanged::NothingBefore);
                }
                Ok(vec![Event::RolledBack { reason }, quarantined])
            }
            Change::Release(digest) => {
                let known = self.known(digest)?;
                let released = Event::Released { digest: *digest, reason };
                Ok(known.quarantined.iter().map(|_| released.clone()).collect())
            }
            Change::Remove(digest) => {
                self.known(digest)?;
                if self.serving.has(digest) {
                    return Err(NotChanged::Serves(*digest));
                }
                Ok(vec![Event::Removed { digest: *digest, reason }])
            }
        }
    }

    fn add(&self, build: &Build, reason: String) -> Result<Vec<Event>, NotChanged> {
        // What is there already stays as it is: somebody may have gone back from it.
        let mut events: Vec<Event> = self.added(build, false)?.into_iter().collect();
        if !events.is_empty() && self.holds(build).is_empty() {
            events.push(Event::Activated { digest: build.digest, on: None, reason });
        }
        Ok(events)
    }

    fn accept(
        &self,
        Accepted { intent, asked }: &Accepted,
        reason: String,
    ) -> Result<Vec<Event>, NotChanged> {
        // Only what the host itself asked for since the build is there.
        let asks = |known: &&Known| known.asked.contains(intent) && !known.accepted.contains(intent);
        let Some(known) = self.builds.get(&asked.digest).filter(asks) else { return Ok(Vec::new()) };
        let (digest, wants) = (asked.digest, asked.asks.clone());
        let waits = self.holds(&known.build).iter().any(|want| !wants.contains(want));
        let mut events = vec![Event::Accepted { digest, intent: *intent, wants }];
        if !waits && !known.stage && !known.served && known.quarantined.is_none() {
            events.push(Event::Activated { digest, on: None, reason });
        }
        Ok(events)
    }

    fn activate(
        &self,
        digest: &Digest,
        on: Option<&ConnectionName>,
        reason: String,
    ) -> Result<Vec<Event>, NotChanged> {
        let known = self.known(digest)?;
        if let Some(why) = &known.quarantined {
            return Err(NotChanged::Quarantined { digest: *digest, reason: why.clone() });
        }
        let already = match on {
            Some(connection) => self.serving.of(connection) == Some(*digest),
            None => self.serving.active == Some(*digest) && self.serving.on.is_empty(),
        };
        if already {
            return Err(NotChanged::Active(*digest));
        }
        let asks = self.holds(&known.build);
        if !asks.is_empty() {
            return Err(NotChanged::Held { digest: *digest, asks });
        }
        Ok(vec![Event::Activated { digest: *digest, on: on.cloned(), reason }])
    }

    fn known(&self, digest: &Digest) -> Result<&Known, NotChanged> {
        self.builds.get(digest).ok_or(NotChanged::Unknown(*digest))
    }

    fn added(&self, build: &Build, stage: bool) -> Result<Option<Event>, NotChanged> {
        if self.builds.contains_key(&build.digest) {
            return Ok(None);
        }
        if BUILDS_MAX <= self.builds.len() {
            return Err(NotChanged::TooMany);
        }
        Ok(Some(Event::Added { build: build.clone(), stage }))
    }

    /// Whether there is something to go back to.
    fn back(&self) -> Result<(), NotChanged> {
        let previous = self.previous.as_ref().filter(|previous| previous.active.is_some());
        let previous = previous.ok_or(NotChanged::NothingBefore)?;
        for digest in previous.active.iter().chain(previous.on.values()) {
            if let Some(why) = &self.known(digest)?.quarantined {
                return Err(NotChanged::Quarantined { digest: *digest, reason: why.clone() });
            }
        }
        Ok(())
    }

    /// The record with one more entry.
    #[must_use]
    pub fn after(mut self, entry: &Entry) -> OnRecord {
        match &entry.event {
            Event::Added { build, stage } => {
                let known = Known {
                    build: build.clone(),
                    since: entry.at,
                    stage: *stage,
                    asked: Vec::new(),
                    accepted: Vec::new(),
                    granted: BTreeSet::new(),
                    served: false,
                    quarantined: None,
                };
                self.builds.insert(build.digest, known);
            }
            Event::Asked { digest, intent } => {
                self.asks = self.asks.saturating_add(1);
                if let Some(known) = self.builds.get_mut(digest) {
                    known.asked.push(*intent);
                }
            }
            Event::Accepted { digest, intent, wants } => {
                if let Some(known) = self.builds.get_mut(digest) {
                    known.accepted.push(*intent);
                    known.granted.extend(wants.iter().cloned());
                }
            }
            Event::Activated { digest, on, .. } => {
                let before = self.serving.clone();
                if let Some(known) = self.builds.get_mut(digest) {
                    known.served = true;
                }
                match on {
                    Some(connection) => drop(self.serving.on.insert(connection.clone(), *digest)),
                    None => self.serving = Serving { active: Some(*digest), on: BTreeMap::new() },
                }
                self.previous = Some(before);
            }
            Event::RolledBack { .. } => {
                if let Some(previous) = self.previous.take() {
                    self.serving = previous;
                }
            }
            Event::Quarantined { digest, reason } => {
                if let Some(known) = self.builds.get_mut(digest) {
                    known.quarantined = Some(reason.clone());
                }
            }
            Event::Released { digest, .. } => {
                if let Some(known) = self.builds.get_mut(digest) {
                    known.quarantined = None;
                }
            }
            Event::Removed { digest, .. } => {
                self.builds.remove(digest);
                self.removed.insert(*digest);
                if self.previous.as_ref().is_some_and(|previous| previous.has(digest)) {
                    self.previous = None;
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
