//! What the log says of a connector: which builds of it there are, what each asks for, and which one serves which
//! connection.
//!
//! A build is a component, by its digest. One that is added waits (*staged*) until it is put in force: by itself where
//! it asks for nothing more than the one before it was granted, else once somebody who may has accepted the
//! difference. What served before stays where it is, so that going back takes no time.

pub mod beside;
pub mod candidate;
mod refusal;
pub mod upgrade;

pub use refusal::NotChanged;

use crate::hash::Digest;
use crate::id::{ConnectionName, IntentId};
use crate::time::Timestamp;
use candidate::{Candidate, Share};
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
    /// A build may be the next one, and plans a share of the intents.
    Nominated {
        /// The build.
        digest: Digest,
        /// How many of a hundred, 0 to 99; with none, it plans in the shadow.
        percent: u8,
        /// Why.
        reason: String,
    },
    /// It is not to be the next one: the active build plans for every intent again.
    Dropped {
        /// The build.
        digest: Digest,
        /// Why.
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
    /// What may be the next active one.
    pub candidate: Option<Candidate>,
}

impl Serving {
    /// The same with this build for every connection.
    #[must_use]
    pub fn by(active: Digest) -> Serving {
        Serving { active: Some(active), ..Serving::default() }
    }

    /// The build for a connection.
    #[must_use]
    pub fn of(&self, connection: &ConnectionName) -> Option<Digest> {
        self.on.get(connection).copied().or(self.active)
    }

    /// The candidate for a connection: none where another build is tried on it.
    #[must_use]
    pub fn candidate_at(&self, connection: &ConnectionName) -> Option<Candidate> {
        self.candidate.filter(|_| !self.on.contains_key(connection))
    }

    /// Every build that may be called for a connection.
    #[must_use]
    pub fn all_of(&self, connection: &ConnectionName) -> BTreeSet<Digest> {
        let candidate = self.candidate_at(connection).map(|candidate| candidate.digest);
        self.of(connection).into_iter().chain(candidate).collect()
    }

    /// Whether this build serves anything.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        let mut builds = self.active.iter().chain(self.on.values());
        builds.any(|build| build == digest) || self.is_candidate(digest)
    }

    /// Whether this build may be the next active one.
    #[must_use]
    pub fn is_candidate(&self, digest: &Digest) -> bool {
        self.candidate.is_some_and(|candidate| candidate.digest == *digest)
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
    /// A build is to plan a share of the intents, or to plan in the shadow.
    Nominate {
        /// The build.
        digest: Digest,
        /// How many.
        share: Share,
    },
    /// The candidate is to be none, if there is one; else, what was in force before is to be so again.
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
    /// It plans a share of the intents.
    Canary,
    /// It plans beside the active one, and nothing of that is written.
    Shadow,
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
            State::Canary => "canary",
            State::Shadow => "shadow",
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
        } else if let Some(candidate) = self.serving.candidate.filter(|one| one.digest == *digest) {
            if candidate.share == Share::NONE { State::Shadow } else { State::Canary }
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

    /// The build that one is compared with which writes at a connection: the one that a roll-back puts in its place there.
    #[must_use]
    pub fn beside(&self, connection: &ConnectionName, digest: &Digest) -> Option<Digest> {
        let candidate = self.serving.candidate_at(connection).filter(|one| one.digest == *digest);
        let other = match candidate {
            Some(_) => self.serving.active?,
            None => {
                let before = self.previous.as_ref().and_then(|previous| previous.of(connection));
                before.filter(|_| self.serving.of(connection) == Some(*digest))?
            }
        };
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
            Change::Nominate { digest, share } => self.nominate(digest, *share, reason),
            Change::RollBack => match self.serving.candidate {
                Some(Candidate { digest, .. }) => Ok(vec![Event::Dropped { digest, reason }]),
                None => self.back().map(|()| vec![Event::RolledBack { reason }]),
            },
            Change::RollBackFrom { digest, .. } if self.serving.is_candidate(digest) => {
                Ok(vec![Event::Dropped { digest: *digest, reason }])
            }
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
                if self.serving.is_candidate(digest) {
                    return Ok(vec![Event::Dropped { digest: *digest, reason }, quarantined]);
                }
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
        let known = self.callable(digest)?;
        let already = match on {
            Some(connection) => self.serving.of(connection) == Some(*digest),
            None => self.serving.active == Some(*digest) && self.serving.on.is_empty(),
        };
        if already {
            return Err(NotChanged::Active(*digest));
        }
        self.granted(known)?;
        Ok(vec![Event::Activated { digest: *digest, on: on.cloned(), reason }])
    }

    fn nominate(&self, digest: &Digest, share: Share, reason: String) -> Result<Vec<Event>, NotChanged> {
        let known = self.callable(digest)?;
        match self.serving.active {
            None => return Err(NotChanged::NothingBeside(*digest)),
            Some(active) if active == *digest => return Err(NotChanged::Active(*digest)),
            Some(_) => {}
        }
        self.granted(known)?;
        if self.serving.candidate == Some(Candidate { digest: *digest, share }) {
            return Ok(Vec::new());
        }
        let nominated =
            Event::Nominated { digest: *digest, percent: share.percent(), reason: reason.clone() };
        let other = self.serving.candidate.filter(|candidate| candidate.digest != *digest);
        let dropped = other.map(|other| Event::Dropped { digest: other.digest, reason });
        Ok(dropped.into_iter().chain([nominated]).collect())
    }

    /// The build, if it may be called.
    fn callable(&self, digest: &Digest) -> Result<&Known, NotChanged> {
        let known = self.known(digest)?;
        match &known.quarantined {
            Some(why) => Err(NotChanged::Quarantined { digest: *digest, reason: why.clone() }),
            None => Ok(known),
        }
    }

    /// Whether all that a build asks for was granted.
    fn granted(&self, known: &Known) -> Result<(), NotChanged> {
        let asks = self.holds(&known.build);
        if asks.is_empty() { Ok(()) } else { Err(NotChanged::Held { digest: known.build.digest, asks }) }
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
                // What goes back goes back to what was in force, not to what was tried.
                let before = Serving { candidate: None, ..self.serving.clone() };
                if let Some(known) = self.builds.get_mut(digest) {
                    known.served = true;
                }
                match on {
                    Some(connection) => drop(self.serving.on.insert(connection.clone(), *digest)),
                    None => self.serving = Serving::by(*digest),
                }
                self.previous = Some(before);
            }
            Event::Nominated { digest, percent, .. } => {
                if let Some(known) = self.builds.get_mut(digest) {
                    known.served = true;
                }
                self.serving.candidate =
                    Share::of(*percent).map(|share| Candidate { digest: *digest, share });
            }
            Event::Dropped { .. } => self.serving.candidate = None,
            Event::RolledBack { .. } => {
                if let Some(previous) = self.previous.take() {
                    // Beside another active build it would be compared with another.
                    let stays = previous.active == self.serving.active;
                    let candidate = self.serving.candidate.filter(|_| stays);
                    self.serving = Serving { candidate, ..previous };
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
