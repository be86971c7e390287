//! The timeline: every entry of an approval, in order, in words.

use super::intent::names;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::effect::life::EffectState;
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

impl From<&[Entry]> for TimelineView {
    fn from(entries: &[Entry]) -> TimelineView {
        let numbered = (1_u64..).zip(entries);
        TimelineView { entries: numbered.map(|(sequence, entry)| of(sequence, entry)).collect() }
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
        words: words(&entry.event),
        effect,
        exception,
    }
}

/// The effect and the exception that an event is about.
fn about(event: &Event) -> (Option<String>, Option<String>) {
    match event {
        Event::Sending { effect, .. } | Event::Attempted { effect, .. } | Event::Probed { effect, .. } => {
            (Some(effect.to_string()), None)
        }
        Event::ExceptionOpened { id, exception } => {
            (exception.effect.map(|effect| effect.to_string()), Some(id.to_string()))
        }
        Event::ExceptionEscalated { id, .. } | Event::ExceptionClosed { id, .. } => {
            (None, Some(id.to_string()))
        }
        Event::Submitted { .. }
        | Event::Postponed { .. }
        | Event::Repinned { .. }
        | Event::Evaluated { .. }
        | Event::Sealed { .. }
        | Event::Seated { .. }
        | Event::SeatOpened { .. }
        | Event::Voted { .. }
        | Event::Approved { .. }
        | Event::Activated { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::Closed => (None, None),
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Submitted { intent, .. } => {
            format!("`{}` asked for a {}", intent.requester, intent.intent_type)
        }
        Event::Postponed { due, detail, hopeless: false } => {
            format!("could not be prepared yet: {}; again at {due}", detail.message)
        }
        Event::Postponed { detail, hopeless: true, .. } => {
            format!("cannot be prepared: {}", detail.message)
        }
        Event::Repinned { .. } => "the policy of the submission is gone; the one in force decides".to_owned(),
        Event::Evaluated { evaluation, .. } => evaluation.words().first().cloned().unwrap_or_default(),
        Event::Sealed { case } => {
            let answer = case.evaluation.words().first().cloned().unwrap_or_default();
            if let Some(change) = &case.change {
                return format!(
                    "{answer}; version {} of `{}` is proved and sealed",
                    change.version, change.of
                );
            }
            if case.advisory {
                return format!("{answer}; advisory: the decision is recorded and nothing is written");
            }
            format!("{answer}; {} writes are planned and sealed", case.writes.len())
        }
        Event::Seated { rows } => format!("{} seats must be filled", rows.len()),
        Event::SeatOpened { seat, .. } => {
            let eligible: Vec<String> = seat.eligible.iter().map(|person| format!("`{person}`")).collect();
            format!("{} may decide until {}", eligible.join(", "), seat.due)
        }
        Event::Voted { person, note, .. } if note.is_empty() => format!("`{person}` approved"),
        Event::Voted { person, note, .. } => format!("`{person}` approved: {note}"),
        Event::Approved { authority } => format!("approved by {}", names(authority).join(", ")),
        Event::Activated { policy, version, .. } => {
            format!("version {version} of the policy of `{policy}` is active")
        }
        Event::Declined { authority, reason } => {
            format!("declined by {}: {reason}", names(authority).join(", "))
        }
        Event::Withdrawn { by } => format!("`{by}` took it back"),
        Event::Sending { step, .. } => format!("step `{step}` is about to leave the host"),
        Event::Attempted { verdict, detail, .. } => {
            let said = detail.as_ref().map(|detail| format!(" ({})", detail.message)).unwrap_or_default();
            format!("an attempt ended{said}: {}", verdict_words(verdict))
        }
        Event::Probed { verdict, detail, .. } => {
            let said = detail.as_ref().map(|detail| format!(" ({})", detail.message)).unwrap_or_default();
            format!("a probe ended{said}: {}", verdict_words(verdict))
        }
        Event::ExceptionOpened { exception, .. } => format!(
            "exception `{}`: {}; `{}` answers for it until {}",
            exception.cause.as_str(),
            exception.detail.message,
            exception.owner,
            exception.due
        ),
        Event::ExceptionEscalated { owner, due, .. } => {
            format!("an exception was missed; `{owner}` answers for it now, until {due}")
        }
        Event::ExceptionClosed { closed, .. } => {
            let way = super::exception::spelt(closed.by);
            if closed.reason.is_empty() {
                format!("an exception was closed by {way}")
            } else {
                format!("an exception was closed by {way}: {}", closed.reason)
            }
        }
        Event::Closed => "nothing is open any more".to_owned(),
    }
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
