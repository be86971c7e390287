//! What the host counts while it runs, for whoever watches over it.
//!
//! Counters are folds over the entries that this process committed, at the moment at which they are durable: what is
//! not in the log is not counted, and a restart begins at zero, as a scraper expects. Gauges say what stands open now;
//! they are counted in the index when somebody asks, and not more often than the index bears
//! ([`OPEN_LOOK_MS`](crate::limits::OPEN_LOOK_MS)). No label bears an id of an intent, a record or a person. Trials of
//! intent types that are drafts do not count.

mod open;

use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::{Approval, Authority};
use countersign_core::denied;
use countersign_core::effect::life::EffectState;
use countersign_core::effect::reconcile::Agreement;
use countersign_core::id::{ConnectorId, EffectId, ExceptionId};
use countersign_core::time::{Millis, Timestamp};
use open::Open;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Ends of the buckets of the time to decision, in seconds: from what no person did to what took a month.
const DECISION_SECONDS: [f64; 12] =
    [0.1, 1.0, 10.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];

/// Ends of the buckets of the time until a write is found as approved, in seconds.
const LAG_SECONDS: [f64; 9] = [1.0, 10.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0];

/// What happened to intents.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfType {
    r#type: String,
    outcome: &'static str,
}

/// Who decided what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    r#type: String,
    by: &'static str,
    outcome: &'static str,
}

/// The type of an intent alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Type {
    r#type: String,
}

/// Why there is an exception.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Excepted {
    r#type: String,
    cause: &'static str,
}

/// What happened at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    connection: String,
    outcome: &'static str,
}

/// A connection alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connected {
    connection: String,
}

/// An outcome alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Came {
    outcome: &'static str,
}

/// A connector alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    connector: String,
}

/// What a candidate showed in the shadow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shown {
    connector: String,
    outcome: &'static str,
}

/// What came of noting a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Noted {
    anchor: String,
    outcome: &'static str,
}

/// Where checkpoints are noted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    anchor: String,
}

/// All that the engine counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    intents: Family<OfType, Counter>,
    decisions: Family<Decided, Counter>,
    decision: Family<Type, Histogram, fn() -> Histogram>,
    exceptions_opened: Family<Excepted, Counter>,
    exceptions_closed: Family<Excepted, Counter>,
    attempts: Family<At, Counter>,
    probes: Family<At, Counter>,
    effects: Family<At, Counter>,
    looks: Family<At, Counter>,
    lag: Family<Connected, Histogram, fn() -> Histogram>,
    notices: Family<Came, Counter>,
    denied: Family<Came, Counter>,
    clock_jumps: Counter,
    taken_back: Family<Of, Counter>,
    shadow: Family<Shown, Counter>,
    notings: Family<Noted, Counter>,
    noted: Family<Place, Gauge>,
    pub(crate) open: Open,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            intents: Family::default(),
            decisions: Family::default(),
            decision: Family::new_with_constructor(|| Histogram::new(DECISION_SECONDS)),
            exceptions_opened: Family::default(),
            exceptions_closed: Family::default(),
            attempts: Family::default(),
            probes: Family::default(),
            effects: Family::default(),
            looks: Family::default(),
            lag: Family::new_with_constructor(|| Histogram::new(LAG_SECONDS)),
            notices: Family::default(),
            denied: Family::default(),
            clock_jumps: Counter::default(),
            taken_back: Family::default(),
            shadow: Family::default(),
            notings: Family::default(),
            noted: Family::default(),
            open: Open::default(),
        }
    }
}

impl Metrics {
    /// Puts all of it where it is written from.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Metrics { intents, decisions, decision, exceptions_opened, exceptions_closed, .. } = self;
        registry.register("intents", "What became of intents", intents.clone());
        registry.register("decisions", "Decisions, by whom and to what end", decisions.clone());
        let help = "From when a revision was asked for to its decision";
        registry.register_with_unit("decision", help, Unit::Seconds, decision.clone());
        registry.register("exceptions_opened", "Exceptions opened", exceptions_opened.clone());
        registry.register("exceptions_closed", "Exceptions closed", exceptions_closed.clone());
        registry.register("attempts", "Attempts to write, by what came of them", self.attempts.clone());
        let help = "Looks whether an attempt with an unknown outcome has landed";
        registry.register("probes", help, self.probes.clone());
        registry.register("effects", "What effects came to", self.effects.clone());
        let help = "Looks at what has become of landed writes, by what the target held";
        registry.register("reconciliations", help, self.looks.clone());
        let help = "From when a write landed to when it was found as approved";
        registry.register_with_unit("reconciliation_lag", help, Unit::Seconds, self.lag.clone());
        registry.register("notices", "Messages to people, by what came of them", self.notices.clone());
        let help = "Refused tries of those who were let in, by whether each is on record";
        registry.register("denied", help, self.denied.clone());
        registry.register("clock_jumps", "Jumps of the clock of the machine", self.clock_jumps.clone());
        let help = "Builds of connectors that the host took back by itself";
        registry.register("connector_taken_back", help, self.taken_back.clone());
        let help = "What candidates planned or found in the shadow, beside the active build";
        registry.register("connector_shadow", help, self.shadow.clone());
        let help = "Checkpoints of the log that were to be noted elsewhere, by what came of it";
        registry.register("log_notings", help, self.notings.clone());
        let help = "Entries of the log in the checkpoint that was noted last, since the host started";
        registry.register("log_noted_entries", help, self.noted.clone());
        self.open.register(registry);
    }

    /// The host went back from a build by itself, or dropped a candidate, and that is on record.
    pub(crate) fn taken_back(&self, connector: &ConnectorId) {
        self.taken_back.get_or_create(&Of { connector: connector.to_string() }).inc();
    }

    /// A candidate was asked in the shadow, or was not.
    pub(crate) fn shown(&self, connector: &str, outcome: &'static str) {
        self.shadow.get_or_create(&Shown { connector: connector.to_owned(), outcome }).inc();
    }

    /// A checkpoint of so many entries was noted.
    pub(crate) fn noted(&self, anchor: &str, entries: u64) {
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        self.notings.get_or_create(&Noted { anchor: anchor.to_owned(), outcome: "noted" }).inc();
        self.noted.get_or_create(&Place { anchor: anchor.to_owned() }).set(entries);
    }

    /// A checkpoint could not be noted.
    pub(crate) fn not_noted(&self, anchor: &str) {
        self.notings.get_or_create(&Noted { anchor: anchor.to_owned(), outcome: "failed" }).inc();
    }

    /// Somebody tried what they may not, and that is on record.
    pub(crate) fn denied(&self, event: &denied::Event) {
        let (outcome, tries) = crate::denied::counted(event);
        self.denied.get_or_create(&Came { outcome }).inc_by(tries);
    }

    /// The clock of the machine jumped, and that is on record.
    pub(crate) fn clock_jumped(&self) {
        self.clock_jumps.inc();
    }

    /// Counts entries that are durable: `before` is the approval before them, `after` with them.
    pub(crate) fn count(&self, before: Option<&Approval>, after: &Approval, entries: &[Entry]) {
        if after.intent.trial.is_some() {
            return;
        }
        for entry in entries {
            self.entry(before, after, entry);
        }
    }

    /// An intent is decided.
    fn ends(&self, after: &Approval, (authority, how): (&Authority, &'static str), at: Timestamp) {
        let (r#type, by) = (after.intent.intent_type.to_string(), by(authority));
        let took = seconds(at.since(asked(after)));
        self.intent(r#type.clone(), how);
        self.decision.get_or_create(&Type { r#type: r#type.clone() }).observe(took);
        self.decisions.get_or_create(&Decided { r#type, by, outcome: how }).inc();
    }

    fn entry(&self, before: Option<&Approval>, after: &Approval, entry: &Entry) {
        let of = || after.intent.intent_type.to_string();
        match &entry.event {
            Event::Submitted { .. } => self.intent(of(), "submitted"),
            Event::Approved { authority } => self.ends(after, (authority, "approved"), entry.at),
            Event::Declined { authority, .. } => self.ends(after, (authority, "declined"), entry.at),
            Event::Withdrawn { .. } => self.intent(of(), "withdrawn"),
            // What writes again is closed once more, and was done before.
            Event::Closed if before.is_none_or(|before| before.watches.is_empty()) => {
                self.intent(of(), "done");
            }
            Event::Attempted { effect, verdict, .. } => {
                self.at(&self.attempts, after, *effect, outcome(verdict));
                self.ended(after, *effect, verdict);
            }
            Event::Probed { effect, verdict, .. } => {
                self.at(&self.probes, after, *effect, outcome(verdict));
                self.ended(after, *effect, verdict);
            }
            Event::Replanned { effect, verdict, .. } => self.ended(after, *effect, verdict),
            Event::Reconciled { effect, agreement, .. } => {
                self.at(&self.looks, after, *effect, agreement.as_str());
                if *agreement == Agreement::True {
                    self.found(before, after, (*effect, entry));
                }
            }
            Event::ReAsserted { effect, .. } => self.at(&self.effects, after, *effect, "re-asserted"),
            Event::ExceptionOpened { id, .. } => excepted(&self.exceptions_opened, after, id),
            Event::ExceptionClosed { id, .. } => excepted(&self.exceptions_closed, after, id),
            Event::Told { .. } => self.notice("told"),
            Event::NotTold { due: Some(_), .. } => self.notice("retry"),
            Event::NotTold { due: None, .. } => self.notice("given-up"),
            Event::Closed
            | Event::Postponed { .. }
            | Event::Repinned { .. }
            | Event::Evaluated { .. }
            | Event::Sealed { .. }
            | Event::Seated { .. }
            | Event::SeatOpened { .. }
            | Event::SeatMoved { .. }
            | Event::Claimed { .. }
            | Event::Released { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::VoiceAdded { .. }
            | Event::VoiceDropped { .. }
            | Event::Commented { .. }
            | Event::Reminded { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Unanswered { .. }
            | Event::Carried { .. }
            | Event::SentBack { .. }
            | Event::Amended { .. }
            | Event::Reopened { .. }
            | Event::Reconsidered { .. }
            | Event::Renewed { .. }
            | Event::Overridden { .. }
            | Event::Voted { .. }
            | Event::Sending { .. }
            | Event::UndoBegun { .. }
            | Event::UndoPlanned { .. }
            | Event::Watched { .. }
            | Event::NotReAsserted { .. }
            | Event::Superseded { .. }
            | Event::ExceptionEscalated { .. }
            | Event::ExceptionReminded { .. }
            | Event::ExceptionMoved { .. }
            | Event::ExceptionReview { .. }
            | Event::GlassBroken { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::Noticed { .. }
            | Event::NoticesMoot { .. }
            | Event::FailedOpen { .. }
            | Event::LinkUsed { .. } => {}
        }
    }

    fn intent(&self, r#type: String, outcome: &'static str) {
        self.intents.get_or_create(&OfType { r#type, outcome }).inc();
    }

    fn notice(&self, outcome: &'static str) {
        self.notices.get_or_create(&Came { outcome }).inc();
    }

    fn at(&self, family: &Family<At, Counter>, of: &Approval, effect: EffectId, outcome: &'static str) {
        if let Some(connection) = connection(of, effect) {
            family.get_or_create(&At { connection, outcome }).inc();
        }
    }

    /// An attempt or a probe settled an effect, or handed it to a person.
    fn ended(&self, of: &Approval, effect: EffectId, verdict: &EffectState) {
        match verdict {
            EffectState::Landed { .. } | EffectState::Held { .. } => {
                self.at(&self.effects, of, effect, outcome(verdict));
            }
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::GivenUp => {}
        }
    }

    /// A write was found as approved: how long after it landed, the first time.
    fn found(&self, before: Option<&Approval>, after: &Approval, (effect, entry): (EffectId, &Entry)) {
        let Some(watch) = before.and_then(|before| before.watches.get(&effect)) else { return };
        let was_found = |(at, found)| found == Agreement::True && watch.landed <= at;
        if !watch.last.is_some_and(was_found)
            && let Some(connection) = connection(after, effect)
        {
            let lag = seconds(entry.at.since(watch.landed));
            self.lag.get_or_create(&Connected { connection }).observe(lag);
        }
    }
}

fn excepted(family: &Family<Excepted, Counter>, of: &Approval, id: &ExceptionId) {
    if let Some(exception) = of.exceptions.get(id) {
        let labels = Excepted { r#type: of.intent.intent_type.to_string(), cause: exception.cause.as_str() };
        family.get_or_create(&labels).inc();
    }
}

fn connection(of: &Approval, effect: EffectId) -> Option<String> {
    of.planned(effect).map(|planned| planned.connection.to_string())
}

/// Since when what is decided was to be decided.
fn asked(approval: &Approval) -> Timestamp {
    let again = approval.reconsidered.as_ref().map(|reconsidered| reconsidered.at);
    again.map_or(approval.asked, |again| again.max(approval.asked))
}

/// By what an intent was decided.
fn by(authority: &Authority) -> &'static str {
    match authority {
        Authority::Policy => "policy",
        Authority::People(_) => "people",
        Authority::Override(_) => "override",
        Authority::FailOpen(_) => "fail-open",
    }
}

/// What an attempt or a probe came to.
fn outcome(verdict: &EffectState) -> &'static str {
    match verdict {
        EffectState::Landed { .. } => "landed",
        EffectState::Ready { .. } => "retry",
        EffectState::Probing { .. } => "unknown",
        EffectState::Held { cause, .. } => cause.as_str(),
        EffectState::GivenUp => "given-up",
        // Neither follows an attempt.
        EffectState::Waiting | EffectState::Sent { .. } => "none",
    }
}

/// Seconds, as metrics have them; at most 136 years.
fn seconds(time: Millis) -> f64 {
    let (whole, rest) = (time.0 / 1_000, time.0 % 1_000);
    f64::from(u32::try_from(whole).unwrap_or(u32::MAX))
        + f64::from(u16::try_from(rest).unwrap_or(0)) / 1_000.0
}
