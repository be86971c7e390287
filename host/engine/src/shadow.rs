//! Candidates: which build plans for an intent, and what one that plans in the shadow would have planned and found beside
//! the active build.
//!
//! Nobody waits for what is asked in the shadow, and nothing of it is written or kept: what was counted is forgotten by a
//! restart.

use crate::engine::{Engine, Inner};
use crate::limits::{SHADOW_AT_ONCE, SHADOW_BREAKS_MAX};
use crate::outages::is_at_fault;
use crate::port::connectors::{Call, Connection};
use countersign_core::connector::candidate::{Candidate, Difference, Share};
use countersign_core::effect::attempt::{Ended, Failure, Finding};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId, IntentId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// What a candidate has shown in the shadow since it plans there, or since the host runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// How often it said what the active build said.
    pub same: u64,
    /// How often it said something else.
    pub differs: u64,
    /// How often it failed or broke where the active build did not.
    pub failed: u64,
    /// How often nothing can be said: its target was in trouble, or the record was changed in between.
    pub unknown: u64,
    /// How often it was not asked, as it was being asked too often already.
    pub skipped: u64,
    /// The last time that it was not the same.
    pub last: Option<Odd>,
}

/// One time that a candidate was not the same as the active build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// The intent.
    pub intent: IntentId,
    /// The connection.
    pub connection: ConnectionName,
    /// In what it differs, or how it failed: names of fields, the code of a failure or the kind of a break, and no values.
    pub what: String,
}

/// What came of one question in the shadow.
enum Came {
    Same,
    Differs(Vec<Difference>),
    Failed(String),
    Broke(String),
    Unknown,
}

impl Came {
    /// How a question ended for a candidate that came to no answer.
    fn of<T>(ended: Ended<T>) -> Result<T, Came> {
        match ended {
            Ended::Returned(answer) => Ok(answer),
            Ended::Failed(Failure::Transient { .. } | Failure::Denied(_)) => Err(Came::Unknown),
            Ended::Failed(failure) if failure.is_bug() => {
                Err(Came::Broke(format!("it failed with `{}`", failure.detail().code)))
            }
            Ended::Failed(failure) => {
                Err(Came::Failed(format!("it failed with `{}`", failure.detail().code)))
            }
            // Its last words may hold what it was given.
            Ended::Broke(broke) => {
                let what = format!("it broke: {}", broke.kind.as_str());
                Err(if is_at_fault(&broke) { Came::Broke(what) } else { Came::Failed(what) })
            }
        }
    }

    /// The outcome as the metrics spell it.
    fn as_str(&self) -> &'static str {
        match self {
            Came::Same => "same",
            Came::Differs(_) => "differs",
            Came::Failed(_) | Came::Broke(_) => "failed",
            Came::Unknown => "unknown",
        }
    }

    fn by(differences: Vec<Difference>) -> Came {
        if differences.is_empty() { Came::Same } else { Came::Differs(differences) }
    }
}

/// Asks a candidate what the active build has answered, and that one again where the two are not the same: the record may
/// have been changed in between, and then it answers otherwise now, too.
async fn beside<T, F>(
    (shadow, serving): (Digest, Digest),
    ask: impl Fn(Digest) -> F,
    compared: impl Fn(&T) -> Came,
) -> Came
where
    F: Future<Output = Ended<T>>,
{
    let came = match Came::of(ask(shadow).await) {
        Ok(answer) => compared(&answer),
        Err(came) => came,
    };
    match came {
        Came::Same | Came::Unknown | Came::Broke(_) => came,
        Came::Differs(_) | Came::Failed(_) => match ask(serving).await {
            Ended::Returned(again) if matches!(compared(&again), Came::Same) => came,
            Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => Came::Unknown,
        },
    }
}

/// What one candidate has shown, with the intents at which it broke.
type Counted = (Seen, BTreeSet<IntentId>);

/// What candidates have shown: at most one of each connector, and what one that was dropped was asked last.
#[derive(Debug)]
pub(crate) struct Shadow {
    seen: Mutex<BTreeMap<Digest, Counted>>,
    at_once: Arc<Semaphore>,
}

impl Default for Shadow {
    fn default() -> Shadow {
        Shadow { seen: Mutex::default(), at_once: Arc::new(Semaphore::new(SHADOW_AT_ONCE)) }
    }
}

impl Shadow {
    fn seen(&self) -> MutexGuard<'_, BTreeMap<Digest, Counted>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A build is no candidate any more, or begins anew: it is judged by what it shows from here on.
    pub(crate) fn forget(&self, digest: &Digest) {
        self.seen().remove(digest);
    }

    /// Takes note; says whether it has broken too often.
    fn note(&self, digest: Digest, (intent, connection): (IntentId, &ConnectionName), came: Came) -> bool {
        let mut all = self.seen();
        let (seen, broke) = all.entry(digest).or_default();
        let mut odd = |what: String| {
            seen.last = Some(Odd { intent, connection: connection.clone(), what });
        };
        match came {
            Came::Same => seen.same = seen.same.saturating_add(1),
            Came::Unknown => seen.unknown = seen.unknown.saturating_add(1),
            Came::Differs(differences) => {
                let what: Vec<String> = differences.iter().map(ToString::to_string).collect();
                odd(what.join("; "));
                seen.differs = seen.differs.saturating_add(1);
            }
            Came::Failed(what) => {
                odd(what);
                seen.failed = seen.failed.saturating_add(1);
            }
            Came::Broke(what) => {
                odd(what);
                seen.failed = seen.failed.saturating_add(1);
                broke.insert(intent);
            }
        }
        SHADOW_BREAKS_MAX <= broke.len()
    }

    fn skip(&self, digest: Digest) {
        let mut all = self.seen();
        let (seen, _) = all.entry(digest).or_default();
        seen.skipped = seen.skipped.saturating_add(1);
    }
}

impl Engine {
    /// What a candidate has shown in the shadow.
    #[must_use]
    pub fn seen_in_the_shadow(&self, digest: &Digest) -> Seen {
        self.inner.shadow.seen().get(digest).map(|(seen, _)| seen.clone()).unwrap_or_default()
    }
}

impl Inner {
    /// The build that plans what is written for an intent at a connection.
    pub(crate) async fn planner(&self, serving: Arc<Connection>, intent: IntentId) -> Arc<Connection> {
        let Some(candidate) = self.candidate(&serving).await.filter(|one| one.plans(intent)) else {
            return serving;
        };
        match self.connectors.bound(&serving.name, candidate.digest) {
            Ok(planner) => planner,
            Err(why) => {
                let (connection, digest) = (&serving.name, candidate.digest);
                tracing::warn!(why, %connection, %digest, blame = "host", "a candidate cannot plan: the active build does");
                serving
            }
        }
    }

    /// The candidate at a connection, beside the build that serves there.
    async fn candidate(&self, serving: &Connection) -> Option<Candidate> {
        let id = ConnectorId::parse(&serving.connector).ok()?;
        if !self.catalogue.is_of(&serving.name, &id) {
            return None;
        }
        match self.connector(&id).await {
            Ok(record) => record.serving.candidate_at(&serving.name),
            Err(fault) => {
                tracing::warn!(%fault, connector = %id, blame = "host", "whether there is a candidate is not known: the active build plans");
                None
            }
        }
    }

    /// The candidate that is asked in the shadow what the build behind a connection was asked.
    pub(crate) async fn shadow_of(&self, asked: &Connection) -> Option<Arc<Connection>> {
        let serving = self.connectors.connection(&asked.name)?;
        if serving.digest != asked.digest || self.tasks.are_stopping() {
            return None;
        }
        let candidate = self.candidate(&serving).await.filter(|one| one.share == Share::NONE)?;
        match self.connectors.bound(&serving.name, candidate.digest) {
            Ok(shadow) => Some(shadow),
            Err(why) => {
                let (connection, digest) = (&serving.name, candidate.digest);
                tracing::warn!(why, %connection, %digest, blame = "host", "a candidate is not asked in the shadow");
                None
            }
        }
    }

    /// Has the candidate in the shadow, if there is one, plan what was planned, and compares.
    pub(crate) async fn plan_in_the_shadow(
        self: &Arc<Self>,
        serving: &Arc<Connection>,
        (intent, what, plan): (IntentId, &Proposal, &WritePlan),
    ) {
        let Some(shadow) = self.shadow_of(serving).await else { return };
        let (inner, serving, what, plan) = (Arc::clone(self), serving.digest, what.clone(), plan.clone());
        self.ask(intent, Arc::clone(&shadow), async move {
            let ask = |build| inner.connectors.plan(&shadow.name, build, what.clone(), inner.clock.now());
            let compared = |planned: &WritePlan| Came::by(Difference::between(&plan, planned));
            beside((shadow.digest, serving), ask, compared).await
        });
    }

    /// Has a candidate in the shadow look for what was looked for, and compares.
    pub(crate) fn probe_in_the_shadow(
        self: &Arc<Self>,
        shadow: Arc<Connection>,
        (intent, call, ended): (IntentId, Call, &Ended<Finding>),
    ) {
        let Ended::Returned(finding) = ended else { return };
        let (inner, finding) = (Arc::clone(self), finding.clone());
        self.ask(intent, Arc::clone(&shadow), async move {
            let (now, serving) = (inner.clock.now(), call.connector);
            let ask = |connector| inner.connectors.probe(Call { connector, now, ..call.clone() });
            let compared =
                |found: &Finding| Difference::of_findings(&finding, found).map_or(Came::Unknown, Came::by);
            beside((shadow.digest, serving), ask, compared).await
        });
    }

    /// Asks in the background, if few enough are being asked, and drops a candidate that breaks too often.
    fn ask(
        self: &Arc<Self>,
        intent: IntentId,
        shadow: Arc<Connection>,
        question: impl Future<Output = Came> + Send + 'static,
    ) {
        let Ok(turn) = Arc::clone(&self.shadow.at_once).try_acquire_owned() else {
            self.shadow.skip(shadow.digest);
            self.metrics.shown(&shadow.connector, "skipped");
            return;
        };
        let inner = Arc::clone(self);
        self.tasks.start(async move {
            let came = question.await;
            drop(turn);
            inner.metrics.shown(&shadow.connector, came.as_str());
            if inner.shadow.note(shadow.digest, (intent, &shadow.name), came) {
                let (version, name) = (&shadow.version, &shadow.name);
                let reason = format!(
                    "{version} broke at {SHADOW_BREAKS_MAX} intents in the shadow, the last at `{name}`"
                );
                inner.roll_back(&shadow, &reason).await;
            }
        });
    }
}
