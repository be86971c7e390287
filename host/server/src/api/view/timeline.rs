//! The timeline: every entry of an approval, in order, in words.

use super::course::Course;
use super::intent::names;
use super::notice::Notices;
use super::value::WITHHELD;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::seat::{Because, Gone, Handed, Order, Seat};
use countersign_core::approval::{Adopts, Authority, Case, Intent, Sight};
use countersign_core::effect::attempt::Detail;
use countersign_core::effect::life::EffectState;
use countersign_core::effect::plan::WritePlan;
use countersign_core::effect::reconcile::Agreement;
use countersign_core::exception::{Closed, Exception};
use countersign_core::id::{IntentId, PersonId, PoolName};
use countersign_core::intent::TokenValue;
use countersign_core::override_::Override;
use countersign_core::policy::RouteRow;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The whole life of an intent so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineView {
    /// Every entry, the first one first.
    pub entries: Vec<TimelineEntry>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// Its sequence in the life of the intent, from 1. This is the order; time is not.
    pub sequence: u64,
    /// When.
    pub at: String,
    /// Who caused it: a person, `engine` or `timer`.
    pub by: String,
    /// What happened, as the log spells it.
    pub event: String,
    /// The same as a sentence.
    pub words: String,
    /// The effect it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// The exception it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

impl TimelineView {
    /// The entries of an approval as one person sees them: where something is withheld, no entry says a value.
    #[must_use]
    pub fn of(entries: &[Entry], sight: &Sight) -> TimelineView {
        let mut asked: Option<&Intent> = None;
        let mut course = Course::default();
        let mut notices = Notices::default();
        let mut story = Vec::with_capacity(entries.len());
        for (sequence, entry) in (1_u64..).zip(entries) {
            let mut told = of(sequence, entry);
            if let Some(words) = without_values(&entry.event).filter(|_| !sight.is_whole()) {
                told.words = words;
            }
            if let Event::Submitted { intent, .. } | Event::Amended { intent } = &entry.event
                && let Some(before) = asked.replace(intent)
            {
                told.words = format!("{}: {}", told.words, changes(intent, before, sight));
            }
            if let Some(words) = notices.words(&entry.event)
                && (sight.is_whole() || !matches!(entry.event, Event::NotTold { .. }))
            {
                told.words = words;
            }
            if course.is_missed(entry) {
                told.words = format!("nobody decided in time; {}", told.words);
            }
            if let Some(write) = course.write(&entry.event).filter(|_| sight.is_whole()) {
                told.words = format!("{write}: {}", told.words);
            }
            course.pass(&entry.event);
            if let Some(seat) = seat_of(&entry.event).and_then(|row| course.seat(row)) {
                told.words = format!("{seat}: {}", told.words);
            }
            story.push(told);
        }
        TimelineView { entries: story }
    }
}

fn of(sequence: u64, entry: &Entry) -> TimelineEntry {
    let (effect, exception) = about(&entry.event);
    TimelineEntry {
        sequence,
        at: entry.at.to_string(),
        by: match &entry.by {
            Actor::Person(person) => person.to_string(),
            Actor::Engine => "engine".to_owned(),
            Actor::Timer => "timer".to_owned(),
        },
        event: entry.event.as_str().to_owned(),
        words: said(entry),
        effect,
        exception,
    }
}

/// An entry as a sentence. Who caused it is part of what it says, where nothing else does.
fn said(entry: &Entry) -> String {
    match (&entry.by, &entry.event) {
        (Actor::Person(person), Event::Commented { words }) => format!("`{person}` comments: {words}"),
        (Actor::Person(person), Event::Answered { words, due, .. }) => {
            format!("`{person}` answered: {words} (the seat is due at {due})")
        }
        (Actor::Person(person), Event::Amended { intent }) => {
            format!("`{person}` amended it: revision {}", intent.revision)
        }
        (Actor::Person(person), Event::Reminded { .. }) => {
            format!("`{person}` has everybody reminded who has not decided")
        }
        (_, Event::Handed { handed: Handed { by: Some(person), from, to, .. }, reason }) => {
            format!(
                "`{person}`, an administrator, puts the seat of `{from}` into the hands of `{to}`: {reason}"
            )
        }
        (Actor::Person(person), Event::ExceptionMoved { owner, reason, .. }) => {
            format!("`{person}`, an administrator, gives an exception to `{owner}`: {reason}")
        }
        (Actor::Person(_) | Actor::Engine | Actor::Timer, event) => words(event),
    }
}

/// The seat that an event is about: index of its row.
fn seat_of(event: &Event) -> Option<usize> {
    let row = match event {
        Event::SeatOpened { row, .. }
        | Event::SeatMoved { row, .. }
        | Event::Claimed { row, .. }
        | Event::Released { row, .. }
        | Event::Handed { handed: Handed { row, .. }, .. }
        | Event::Recalled { handed: Handed { row, .. } }
        | Event::VoiceAdded { beside: row, .. }
        | Event::VoiceDropped { row }
        | Event::Asked { row, .. }
        | Event::Carried { row, .. } => row,
        Event::Voted { rows, .. } => rows.first()?,
        Event::Reminded { rows, .. } => only(rows)?,
        Event::Submitted { .. }
        | Event::Postponed { .. }
        | Event::Repinned { .. }
        | Event::Evaluated { .. }
        | Event::Sealed { .. }
        | Event::Seated { .. }
        | Event::Commented { .. }
        | Event::Answered { .. }
        | Event::Unanswered { .. }
        | Event::SentBack { .. }
        | Event::Amended { .. }
        | Event::Overridden { .. }
        | Event::Reopened { .. }
        | Event::Reconsidered { .. }
        | Event::Renewed { .. }
        | Event::Approved { .. }
        | Event::Activated { .. }
        | Event::FilePublished { .. }
        | Event::WentLive { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::Sending { .. }
        | Event::Attempted { .. }
        | Event::Probed { .. }
        | Event::Replanned { .. }
        | Event::UndoBegun { .. }
        | Event::UndoPlanned { .. }
        | Event::Watched { .. }
        | Event::Reconciled { .. }
        | Event::ReAsserted { .. }
        | Event::NotReAsserted { .. }
        | Event::Superseded { .. }
        | Event::ExceptionOpened { .. }
        | Event::ExceptionEscalated { .. }
        | Event::ExceptionReminded { .. }
        | Event::ExceptionMoved { .. }
        | Event::ExceptionReview { .. }
        | Event::GlassBroken { .. }
        | Event::ExceptionClosed { .. }
        | Event::Closed
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::NotTold { .. }
        | Event::NoticesMoot { .. }
        | Event::FailedOpen { .. }
        | Event::LinkUsed { .. } => return None,
    };
    usize::try_from(*row).ok()
}

/// The one seat that it is about, if it is about one.
fn only(rows: &[u32]) -> Option<&u32> {
    match rows {
        [only] => Some(only),
        _ => None,
    }
}

/// The effect and the exception that an event is about.
fn about(event: &Event) -> (Option<String>, Option<String>) {
    match event {
        Event::Sending { effect, .. }
        | Event::Attempted { effect, .. }
        | Event::Probed { effect, .. }
        | Event::Replanned { effect, .. }
        | Event::Reconciled { effect, .. }
        | Event::ReAsserted { effect, .. }
        | Event::NotReAsserted { effect, .. }
        | Event::Superseded { effect, .. }
        | Event::UndoBegun { because: effect, .. } => (Some(effect.to_string()), None),
        Event::ExceptionOpened { id, exception } => {
            (exception.effect.map(|effect| effect.to_string()), Some(id.to_string()))
        }
        Event::ExceptionEscalated { id, .. }
        | Event::ExceptionReminded { id, .. }
        | Event::ExceptionMoved { id, .. }
        | Event::ExceptionReview { id, .. }
        | Event::ExceptionClosed { id, .. } => (None, Some(id.to_string())),
        Event::Submitted { .. }
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
        | Event::Overridden { .. }
        | Event::Reopened { .. }
        | Event::Reconsidered { .. }
        | Event::Renewed { .. }
        | Event::Voted { .. }
        | Event::Approved { .. }
        | Event::Activated { .. }
        | Event::FilePublished { .. }
        | Event::WentLive { .. }
        | Event::GlassBroken { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::UndoPlanned { .. }
        | Event::Watched { .. }
        | Event::Closed
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::NotTold { .. }
        | Event::NoticesMoot { .. }
        | Event::FailedOpen { .. }
        | Event::LinkUsed { .. } => (None, None),
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Submitted { intent, .. } => submitted(intent),
        Event::Postponed { due, detail, hopeless } => postponed(*due, detail, *hopeless),
        Event::Repinned { .. } => {
            "from now on the policy in force decides, not that of the submission".to_owned()
        }
        Event::Evaluated { evaluation, .. } => evaluation.words().first().cloned().unwrap_or_default(),
        Event::Sealed { case } => sealed(case),
        Event::Seated { rows } => wanted(rows.len()),
        Event::SeatOpened { seat, .. } => seated(seat),
        Event::SeatMoved { seat, gone, come, .. } => moved(seat, gone, come),
        Event::Claimed { claim, .. } => format!("`{}` will decide, until {}", claim.by, claim.until),
        Event::Released { person, expired, .. } => released(person, *expired),
        Event::Handed { handed, reason } => handed_over(handed, reason),
        Event::Recalled { handed: Handed { from, to, .. } } => {
            format!("the seat that `{to}` had from `{from}` is `{from}`'s again")
        }
        Event::VoiceAdded { by, order, wanted, reason, .. } => wanted_too(by, *order, wanted, reason),
        Event::VoiceDropped { .. } => "the voice that was added is not needed any more".to_owned(),
        Event::Commented { words } => format!("a comment: {words}"),
        Event::Reminded { next, .. } => reminded(next),
        Event::Asked { person, words, until, .. } => asked(person, words, *until),
        Event::Answered { words, due, .. } => format!("answered: {words} (the seat is due at {due})"),
        Event::Unanswered { due, .. } => format!("no answer came; the seat's time runs on, until {due}"),
        Event::Carried { people, revision, promises, .. } => carried(people, *revision, promises),
        Event::SentBack { person, words, until } => {
            format!("`{person}` sent it back: {words} (declined, if it is not amended until {until})")
        }
        Event::Amended { intent } => amended(intent),
        Event::Overridden { what, .. } => overridden(what),
        Event::Reopened { intent, what } => reopened(intent, what),
        Event::Reconsidered { why, .. } => reconsidered(why),
        Event::Renewed { intent } => renewed(intent),
        Event::Voted { person, note, .. } if note.is_empty() => format!("`{person}` approved"),
        Event::Voted { person, note, .. } => format!("`{person}` approved: {note}"),
        Event::Approved { authority } => format!("approved by {}", names(authority)),
        Event::Activated { policy, version, .. } => {
            format!("version {version} of the policy of `{policy}` is active")
        }
        Event::FilePublished { file, version, .. } => format!("version {version} of `{file}` is in force"),
        Event::WentLive { of, trial, .. } => format!("intent type `{of}` is live, on the trial `{trial}`"),
        Event::Declined { authority, reason } => format!("declined by {}: {reason}", names(authority)),
        Event::Withdrawn { by } => format!("`{by}` took it back"),
        Event::Sending { step, .. } => format!("step `{step}` is about to leave the host"),
        Event::Attempted { verdict, detail, .. } => ended("an attempt", detail.as_ref(), verdict),
        Event::Probed { verdict, detail, .. } => ended("a probe", detail.as_ref(), verdict),
        Event::UndoBegun { .. } => {
            "nothing more of it is written, and what was written is taken back".to_owned()
        }
        Event::UndoPlanned { effects } => taken_back(effects.len()),
        Event::Replanned { verdict, .. } => replanned(verdict),
        Event::Watched { effects } => watched(effects.len()),
        Event::Reconciled { agreement, fields, detail, by, next, re_assert, .. } => {
            reconciled((*agreement, fields, detail.as_ref()), *by, (*next, *re_assert))
        }
        Event::ReAsserted { plan, .. } => written_again(plan),
        Event::Superseded { .. } => "not written again: another intent has written there since".to_owned(),
        Event::NotReAsserted { detail, .. } => format!("could not be written again: {}", detail.message),
        Event::ExceptionOpened { exception, .. } => opened(exception),
        Event::ExceptionEscalated { owner, due, .. } => {
            format!("an exception was missed; `{owner}` answers for it now, until {due}")
        }
        Event::ExceptionReminded { next, .. } => reminded_to_settle(next.as_ref()),
        Event::ExceptionMoved { owner, .. } => {
            format!("whoever answered for an exception is not there; `{owner}` answers for it now")
        }
        Event::ExceptionReview { at, .. } => looked_up(*at),
        Event::GlassBroken { until, reason, .. } => glass_broken(*until, reason),
        Event::ExceptionClosed { closed, .. } => closed_by(closed),
        Event::Closed => "nothing is open any more".to_owned(),
        Event::FailedOpen { owner, only_if, at_most, today } => {
            failed_open((owner, only_if), *at_most, *today)
        }
        Event::LinkUsed { verb, .. } => format!("opened the link of a message to {}", verb.as_str()),
        Event::Noticed { .. } | Event::Told { .. } | Event::NotTold { .. } | Event::NoticesMoot { .. } => {
            // Which notice it is, only what stands before it says: see [`super::notice`].
            String::new()
        }
    }
}

fn wanted(seats: usize) -> String {
    match seats {
        1 => "1 seat must be filled".to_owned(),
        count => format!("{count} seats must be filled"),
    }
}

fn asked(person: &PersonId, words: &str, until: Timestamp) -> String {
    format!(
        "`{person}` asked: {words} (the seat's time stands still until the answer, at most until {until})"
    )
}

fn failed_open((owner, only_if): (&PoolName, &str), at_most: u32, today: u32) -> String {
    format!(
        "failed open: pool {owner}, which owns the policy, lets {at_most} a day pass where `{only_if}`; this was number \
         {today} of the day"
    )
}

fn written_again(plan: &WritePlan) -> String {
    format!("what was approved is written again: {}", quoted(plan.changes.iter().map(|change| &change.name)))
}

fn watched(count: usize) -> String {
    match count {
        1 => "1 write is read back from now on".to_owned(),
        count => format!("{count} writes are read back from now on"),
    }
}

/// What a look at a target came to.
fn reconciled(
    (agreement, fields, why): (Agreement, &[String], Option<&Detail>),
    by: Option<IntentId>,
    (next, re_assert): (Option<Timestamp>, bool),
) -> String {
    let fields = quoted(fields.iter());
    let found = match (agreement, by) {
        (Agreement::Unreadable, _) if let Some(why) = why => {
            format!("a target could not be read back: {}", why.message)
        }
        (Agreement::Unreadable, Some(_)) => "another intent is writing to the same record".to_owned(),
        (Agreement::True, Some(_)) => {
            "another intent has written to the same record since, and that counts".to_owned()
        }
        (Agreement::True, None) => "a target holds what was approved".to_owned(),
        (Agreement::Late, _) => format!("a target holds what it held before: {fields}"),
        (Agreement::Drifted, _) => format!("a target holds something else: {fields}"),
        (Agreement::Gone, _) => format!("a record is gone: {fields}"),
        (Agreement::Unreadable, None) => format!("a target does not let be read back: {fields}"),
    };
    let then = if re_assert { "it is to be written again".to_owned() } else { looked_at(next) };
    format!("{found}; {then}")
}

fn looked_at(next: Option<Timestamp>) -> String {
    next.map_or_else(|| "nobody looks any more".to_owned(), |next| format!("the next look is at {next}"))
}

fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn replanned(verdict: &EffectState) -> String {
    let what = match verdict {
        EffectState::Held { detail, .. } => detail.message.clone(),
        EffectState::Probing { history, .. } => {
            let what = if history.moved { "something else" } else { "the same" };
            format!("{what} would be written now; what was sent before is looked for first")
        }
        EffectState::Ready { .. }
        | EffectState::Waiting
        | EffectState::Sent { .. }
        | EffectState::Landed { .. }
        | EffectState::GivenUp => "the same would be written, for the same reasons".to_owned(),
    };
    format!("planned anew, as its record was changed elsewhere: {what}")
}

fn taken_back(count: usize) -> String {
    match count {
        1 => "1 write that landed is taken back".to_owned(),
        count => format!("{count} writes that landed are taken back, the last one first"),
    }
}

fn carried(people: &[PersonId], revision: u32, promises: &[String]) -> String {
    let why = match promises {
        [] => "what that rested on is the same".to_owned(),
        promises => {
            format!("this one asks for no more: {}, as is proved of the policy", promises.join(", "))
        }
    };
    format!("{} approved revision {revision}, and {why}", listed(people))
}

/// The sentence of an event without any value of it, for the events that say one.
fn without_values(event: &Event) -> Option<String> {
    let words = match event {
        Event::Postponed { hopeless: true, .. } => "cannot be prepared".to_owned(),
        Event::Postponed { due, .. } => format!("could not be prepared yet; again at {due}"),
        Event::Evaluated { .. } => "the policy has answered".to_owned(),
        Event::Sealed { case } => format!("the policy has answered; {}", planned(case)),
        Event::Declined { authority: Authority::Policy, .. } => "declined by policy".to_owned(),
        // Which way a value moved is part of what is withheld.
        Event::Carried { people, revision, .. } => {
            format!("{} approved revision {revision}, and that holds for this one", listed(people))
        }
        Event::Sending { .. } => "a step is about to leave the host".to_owned(),
        Event::NotTold { due: Some(due), .. } => format!("somebody could not be told; again at {due}"),
        Event::NotTold { due: None, .. } => "gave up telling somebody".to_owned(),
        Event::Attempted { .. } => "an attempt ended".to_owned(),
        Event::Probed { .. } => "a probe ended".to_owned(),
        Event::Replanned { .. } => "planned anew, as its record was changed elsewhere".to_owned(),
        Event::Reconsidered { .. } => {
            "decided anew, as its record was changed elsewhere before anything was written".to_owned()
        }
        Event::Reconciled { detail: Some(_), next, .. } => {
            format!("a target could not be read back; {}", looked_at(*next))
        }
        Event::NotReAsserted { .. } => "could not be written again".to_owned(),
        Event::ExceptionOpened { exception, .. } => format!(
            "exception `{}`; `{}` answers for it until {}",
            exception.cause.as_str(),
            exception.owner,
            exception.due
        ),
        Event::FailedOpen { today, .. } => format!("failed open; this was number {today} of the day"),
        Event::FilePublished { file, .. } => format!("`{file}` says what was approved"),
        Event::WentLive { of, .. } => format!("intent type `{of}` is live"),
        Event::Submitted { .. }
        | Event::Repinned { .. }
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
        | Event::SentBack { .. }
        // Their own words come after it, and only what is shown.
        | Event::Amended { .. }
        | Event::Renewed { .. }
        | Event::Overridden { .. }
        | Event::Reopened { .. }
        | Event::Voted { .. }
        | Event::Approved { .. }
        | Event::Activated { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::UndoBegun { .. }
        | Event::UndoPlanned { .. }
        | Event::Watched { .. }
        | Event::Reconciled { detail: None, .. }
        | Event::ReAsserted { .. }
        | Event::Superseded { .. }
        | Event::ExceptionEscalated { .. }
        | Event::ExceptionReminded { .. }
        | Event::ExceptionMoved { .. }
        | Event::ExceptionReview { .. }
        | Event::ExceptionClosed { .. }
        | Event::GlassBroken { .. }
        | Event::Closed
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::NoticesMoot { .. }
        | Event::LinkUsed { .. } => return None,
    };
    Some(words)
}

fn postponed(due: Timestamp, detail: &Detail, hopeless: bool) -> String {
    if hopeless {
        return format!("cannot be prepared: {}", detail.message);
    }
    format!("could not be prepared yet: {}; again at {due}", detail.message)
}

fn released(person: &PersonId, expired: bool) -> String {
    if expired {
        return format!("`{person}` did not decide in time; the seat is the pool's again");
    }
    format!("`{person}` gave the seat back to the pool")
}

fn handed_over(handed: &Handed, reason: &str) -> String {
    let Handed { from, to, until, .. } = handed;
    match until {
        Some(until) => format!("`{from}` delegates the seat to `{to}` until {until}: {reason}"),
        None => format!("`{from}` hands the seat over to `{to}`: {reason}"),
    }
}

fn wanted_too(by: &PersonId, order: Order, wanted: &RouteRow, reason: &str) -> String {
    let when = match order {
        Order::Before => "before",
        Order::After => "after",
    };
    format!("`{by}` wants {} to decide too, {when} this seat: {reason}", wanted.whom)
}

/// What a call of a connector came to.
fn ended(call: &str, detail: Option<&Detail>, verdict: &EffectState) -> String {
    let said = detail.map(|detail| format!(" ({})", detail.message)).unwrap_or_default();
    format!("{call} ended{said}: {}", verdict_words(verdict))
}

/// Who has not decided is reminded, with most of the time gone whoever is asked next too.
fn reminded(next: &[PersonId]) -> String {
    let words = "those who have not decided are reminded";
    if next.is_empty() { words.to_owned() } else { format!("{words}; next in turn: {}", listed(next)) }
}

/// Whoever answers for an exception is reminded, and whoever is next hears of it.
fn reminded_to_settle(next: Option<&PersonId>) -> String {
    let words = "whoever answers for an exception is reminded";
    next.map_or_else(|| words.to_owned(), |next| format!("{words}; next in turn: `{next}`"))
}

/// When who answers for an exception is looked up again.
fn looked_up(at: Option<Timestamp>) -> String {
    match at {
        Some(at) => {
            format!("who answers for an exception is looked up again at {at}, when an absence begins")
        }
        None => "no absence is ahead any more of whoever answers for an exception".to_owned(),
    }
}

fn closed_by(closed: &Closed) -> String {
    let way = closed.by.as_str();
    if closed.reason.is_empty() {
        return format!("an exception was closed by {way}");
    }
    format!("an exception was closed by {way}: {}", closed.reason)
}

/// What was approved is decided once more.
fn amended(intent: &Intent) -> String {
    format!("`{}` amended it: revision {}", intent.requester, intent.revision)
}

fn renewed(intent: &Intent) -> String {
    format!("its seal has ended; it is prepared anew as revision {}", intent.revision)
}

fn reconsidered(why: &str) -> String {
    format!("decided anew, as its record was changed elsewhere before anything was written: {why}")
}

/// Who asked for what.
fn submitted(intent: &Intent) -> String {
    if intent.trial.is_some() {
        return format!("`{}` asked for a trial of {}", intent.requester, intent.intent_type);
    }
    let Intent { requester, intent_type, .. } = intent;
    match &intent.adopts {
        Some(Adopts { intent: other, .. }) => {
            format!("`{requester}` asked for a {intent_type}: what was found instead of what `{other}` wrote")
        }
        None => format!("`{requester}` asked for a {intent_type}"),
    }
}

/// What was found out, and what is to be decided about.
fn sealed(case: &Case) -> String {
    let answer = case.evaluation.words().first().cloned().unwrap_or_default();
    if let Some(change) = &case.change {
        return format!("{answer}; version {} of `{}` is proved and sealed", change.version, change.of);
    }
    if let Some(change) = &case.shared {
        return format!("{answer}; version {} of `{}` is checked and sealed", change.version, change.file);
    }
    if case.advisory {
        return format!("{answer}; advisory: the decision is recorded and nothing is written");
    }
    let council = case.council.as_ref().map(|council| format!("; {council}")).unwrap_or_default();
    format!("{answer}; {}{council}", planned(case))
}

fn planned(case: &Case) -> String {
    match case.writes.len() {
        1 => "1 write is planned and sealed".to_owned(),
        count => format!("{count} writes are planned and sealed"),
    }
}

/// Who decided against the policy, and on what ground.
fn glass_broken(until: Timestamp, reason: &str) -> String {
    format!("the glass is broken: one person decides alone until {until}: {reason}")
}

fn overridden(what: &Override) -> String {
    let evidence = what.evidence.iter().map(|evidence| format!("{}: {}", evidence.kind, evidence.piece));
    let evidence = evidence.collect::<Vec<_>>().join(", ");
    format!(
        "OVERRIDE: `{}` decides against the policy, {}, for `{}`: {} ({evidence})",
        what.by,
        what.instead.as_str(),
        what.reason,
        what.words
    )
}

/// Who means to, and what comes first.
fn reopened(intent: &Intent, what: &Override) -> String {
    format!(
        "`{}` means to override the policy for `{}`: {} (revision {}, which asks for the same, is prepared, so \
         that they see first what would be written)",
        what.by, what.reason, what.words, intent.revision
    )
}

/// What is wrong, and whose it is.
fn opened(exception: &Exception) -> String {
    format!(
        "exception `{}`: {}; `{}` answers for it until {}",
        exception.cause.as_str(),
        exception.detail.message,
        exception.owner,
        exception.due
    )
}

/// What an amendment asks for otherwise.
fn changes(intent: &Intent, before: &Intent, sight: &Sight) -> String {
    let spelt = |value: Option<&TokenValue>| value.map_or("nothing".to_owned(), ToString::to_string);
    let changed = intent.changes_since(before);
    let words = changed.iter().map(|change| {
        if sight.hides(change.token) {
            return format!("{} {WITHHELD}", change.token);
        }
        format!("{} {} instead of {}", change.token, spelt(change.after), spelt(change.before))
    });
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { "the same again".to_owned() } else { words }
}

/// Who is asked, until when.
fn seated(seat: &Seat) -> String {
    if seat.eligible.is_empty() {
        return format!("nobody can fill the seat; `{}` answers for it", seat.owner);
    }
    let again = if seat.missed == 0 { "" } else { ", as the backup" };
    let people = seat.eligible.iter().map(|person| match seat.standing_in.get(person) {
        Some(whose) => format!("`{person}` in the place of `{whose}`"),
        None => format!("`{person}`"),
    });
    format!("{} may decide until {}{again}", people.collect::<Vec<_>>().join(", "), seat.due)
}

/// Who may not fill a seat any more and why, and who may instead.
fn moved(seat: &Seat, gone: &[Gone], come: &[PersonId]) -> String {
    let mut words: Vec<String> = gone
        .iter()
        .map(|gone| match gone.because {
            Because::Left => format!("`{}` is not in the directory any more", gone.person),
            Because::Away(until) => format!("`{}` is away until {until}", gone.person),
            Because::Handed => format!("`{}` has put it into other hands", gone.person),
            Because::Decided => format!("`{}` has decided in another seat", gone.person),
            Because::Elsewhere => format!("the seat is not `{}`'s any more", gone.person),
        })
        .collect();
    if !come.is_empty() {
        words.push(format!("{} may decide now", listed(come)));
    }
    let all = listed(&seat.eligible);
    words.push(match seat.eligible.as_slice() {
        [] => "nobody may decide".to_owned(),
        _ if words.is_empty() => format!("looked up again, the seat is still open for {all}"),
        _ => format!("the seat is open for {all}"),
    });
    words.join("; ")
}

fn listed(people: &[PersonId]) -> String {
    people.iter().map(|person| format!("`{person}`")).collect::<Vec<_>>().join(", ")
}

fn verdict_words(verdict: &EffectState) -> String {
    match verdict {
        EffectState::Waiting => "it waits for others".to_owned(),
        EffectState::Ready { due, .. } => format!("again at {due}"),
        EffectState::Sent { .. } => "a step is on its way".to_owned(),
        EffectState::Probing { due, .. } => format!("the target is asked at {due}"),
        EffectState::Landed { receipt, .. } => format!("it landed at {}", receipt.subject),
        EffectState::Held { cause, .. } => format!("held, {}", cause.as_str()),
        EffectState::GivenUp => "given up".to_owned(),
    }
}
