//! What the requester is told: who wants something of them, who has it now, and how it ended.

use super::decide::next;
use super::{Said, Telling, WORDS_CHARACTERS_MAX, asked, plain};
use crate::approval::seat::Reply;
use crate::approval::{Authority, Outcome, Stage};
use crate::effect::key::undo_id;
use crate::effect::life::EffectState;
use crate::exception::{Cause, Exception};
use crate::id::{EffectId, ExceptionId, PersonId};
use crate::notice::moot::seats;

/// Nobody waits for the reader.
const NOTHING_TO_DO: &str = "You need not do anything.";

impl Telling<'_> {
    /// They are asked something.
    pub(super) fn question(&self, number: u32) -> Option<Said> {
        let question = seats(self.approval)?.question(number)?;
        let Reply::Awaited { until, .. } = &question.reply else { return None };
        let (intent, until) = (&self.approval.intent, self.moment(*until));
        let subject =
            format!("Answer: {} asks about your {}, until {}", question.by, self.title(), until.there);
        let mut lines = vec![
            format!("{} has to decide and asks you:", question.by),
            format!("  {}", plain(&question.words, WORDS_CHARACTERS_MAX)),
            format!(
                "Answer until {until}. The time to decide stands still until then, and runs on after it."
            ),
        ];
        lines.extend(self.what_is_asked());
        lines.extend(self.links());
        let (id, revision) = (intent.id, intent.revision);
        lines.extend(self.how(
            "To answer",
            &[format!(
                "countersign intent answer {id} --question {number} --words TEXT --revision {revision}"
            )],
        ));
        Some(Said { subject, lines })
    }

    /// They must ask for something else.
    pub(super) fn sent_back(&self) -> Option<Said> {
        let Stage::Returned { by, words, until } = &self.approval.stage else { return None };
        let (intent, until) = (&self.approval.intent, self.moment(*until));
        let subject = format!("Change it: {by} sent back your {}, until {}", self.title(), until.there);
        let mut lines = vec![
            format!("{by} sent it back to you:"),
            format!("  {}", plain(words, WORDS_CHARACTERS_MAX)),
            format!("You have until {until} to amend it; then it is declined."),
        ];
        lines.extend(self.what_is_asked());
        let (id, revision) = (intent.id, intent.revision);
        lines.extend(self.how(
            "To change it, or to take it back",
            &[
                format!("countersign intent amend {id} --set NAME=TEXT --revision {revision}"),
                format!("countersign intent withdraw {id} --revision {revision}"),
            ],
        ));
        Some(Said { subject, lines })
    }

    /// It was late, and others have it now.
    pub(super) fn missed(&self, row: u32) -> Option<Said> {
        let seats = seats(self.approval)?;
        let (seat, route) = (seats.open.get(&row)?, seats.rows.get(usize::try_from(row).ok()?)?);
        let until = self.moment(seat.due);
        let people: Vec<&str> = seat.eligible.iter().map(PersonId::as_str).collect();
        let people = plain(&people.join(", "), 300);
        let (owner, others) = (seat.answerable(), seat.eligible.len().saturating_sub(1));
        let with = match others {
            0 => owner.to_string(),
            1 => format!("{owner} and 1 other"),
            others => format!("{owner} and {others} others"),
        };
        let subject = format!("Late: your {} is with {with} now, until {}", self.title(), until.there);
        let lines = vec![
            format!("Route {}: whoever was asked did not decide in time.", route.route),
            format!("Now {people} can decide, until {until}; {owner} answers for it."),
            format!("If that is too late as well: {}.", next(route, seat.missed)),
            NOTHING_TO_DO.to_owned(),
        ];
        Some(self.with_all(subject, lines))
    }

    /// It waits for somebody who looks after what is wrong.
    pub(super) fn held_up(&self, id: ExceptionId) -> Option<Said> {
        let exception = self.approval.exceptions.get(&id)?;
        let (owner, until) = (&exception.owner, self.moment(exception.due));
        let subject = format!("Held up: your {}; {owner} looks after it until {}", self.title(), until.there);
        let lines = vec![
            "It could not go on by itself:".to_owned(),
            format!("  {}", self.what_is_wrong(exception)),
            format!("{owner} answers for it until {until}."),
            NOTHING_TO_DO.to_owned(),
        ];
        Some(self.with_all(subject, lines))
    }

    /// It is approved.
    pub(super) fn approved(&self) -> Option<Said> {
        let authority = match &self.approval.stage {
            Stage::Executing { authority, .. } | Stage::Closed(Outcome::Done { authority, .. }) => authority,
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => return None,
        };
        let subject = format!("Approved: your {}", self.title());
        let mut lines =
            vec![format!("{} approved it. You hear again when all of it is settled.", said_by(authority))];
        lines.extend(self.what_is_written("What is being written"));
        Some(self.with_all(subject, lines))
    }

    /// All of it is settled.
    pub(super) fn done(&self) -> Option<Said> {
        // What is written again was done before.
        let again = !self.approval.watches.is_empty();
        let (case, authority, effects, undo) = match &self.approval.stage {
            Stage::Closed(Outcome::Done { case, authority, effects, undo, .. }) => {
                (case, authority, effects, undo)
            }
            Stage::Executing { case, authority, effects, undo, .. } if again => {
                (case, authority, effects, undo)
            }
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Executing { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => return None,
        };
        let is =
            |effect: EffectId, wanted: fn(&EffectState) -> bool| effects.get(&effect).is_some_and(wanted);
        let landed = |effect| is(effect, |state| matches!(state, EffectState::Landed { .. }));
        let given_up = |effect| is(effect, |state| matches!(state, EffectState::GivenUp));
        let given_up: Vec<EffectId> =
            case.writes.iter().map(|planned| planned.effect).filter(|effect| given_up(*effect)).collect();
        let unknown = given_up.iter().any(|effect| self.is_unknown(*effect));
        let (verb, ended) = match (case.writes.len(), given_up.len()) {
            (_, _) if unknown => ("Done in part", "Of a part of it nobody knows whether it was written."),
            (all, given_up) if undo.is_some() && all == given_up => {
                ("Undone", "A part of it was refused, so none of it was written.")
            }
            (_, _) if undo.as_ref().is_some_and(|undo| undo.is_whole(case, effects)) => {
                ("Undone", "A part of it was not written, so the rest is taken back.")
            }
            (_, _) if undo.is_some() => {
                ("Done in part", "A part of it was not written, and not all of the rest could be taken back.")
            }
            (0, _) => ("Done", "There was nothing to write."),
            (_, 0) => ("Done", "All of it is written."),
            (all, given_up) if all == given_up => ("Not written", "None of it was written."),
            (_, _) => ("Done in part", "Not all of it was written."),
        };
        let subject = format!("{verb}: your {}", self.title());
        let ended = match (&case.change, &case.shared, &case.readiness) {
            (Some(change), _, _) => {
                format!("Version {} of the policy of {} is published.", change.version, change.of)
            }
            (None, Some(change), _) => {
                format!("Version {} of `{}` is published.", change.version, change.file)
            }
            (None, None, Some(ready)) => format!("Intent type {} is live.", ready.of),
            (None, None, None) => ended.to_owned(),
        };
        let mut lines = vec![format!("{} approved it. {ended}", said_by(authority))];
        let writes = case.writes.iter().map(|planned| {
            let became = match effects.get(&planned.effect) {
                Some(EffectState::Landed { .. }) if landed(undo_id(planned.effect)) => {
                    "written, and taken back"
                }
                Some(EffectState::Landed { .. }) if undo.is_some() && planned.writes() => {
                    "written, and not taken back"
                }
                Some(EffectState::Landed { .. }) => "written",
                Some(EffectState::GivenUp) if self.is_unknown(planned.effect) => {
                    "given up; nobody knows whether it was written, so look there before you ask again"
                }
                Some(EffectState::GivenUp) if undo.is_some() => match self.refusal(planned.effect) {
                    Some(why) => return format!("  {}: not written: {why}", self.place(planned)),
                    None => "not written",
                },
                Some(EffectState::GivenUp) => "given up, not written as asked",
                Some(
                    EffectState::Waiting
                    | EffectState::Ready { .. }
                    | EffectState::Sent { .. }
                    | EffectState::Probing { .. }
                    | EffectState::Held { .. },
                )
                | None => "not settled",
            };
            format!("  {}: {became}", self.place(planned))
        });
        lines.extend(asked::listed(writes));
        Some(self.with_all(subject, lines))
    }

    /// Why an effect was refused, in the words of its target.
    fn refusal(&self, effect: EffectId) -> Option<String> {
        let mut exceptions = self.approval.exceptions.values().filter(|_| self.sight.is_whole());
        let about =
            |exception: &&Exception| exception.effect == Some(effect) && exception.cause == Cause::Rejected;
        Some(plain(&exceptions.find(about)?.detail.message, WORDS_CHARACTERS_MAX))
    }

    /// Whether an effect was given up though it may have been written.
    fn is_unknown(&self, effect: EffectId) -> bool {
        let mut exceptions = self.approval.exceptions.values();
        exceptions.any(|exception| {
            let open = matches!(exception.cause, Cause::Uncertain | Cause::Exhausted | Cause::Quarantined);
            exception.effect == Some(effect) && open
        })
    }

    /// It is declined.
    pub(super) fn declined(&self) -> Option<Said> {
        let Stage::Closed(Outcome::Declined { authority, reason, .. }) = &self.approval.stage else {
            return None;
        };
        let subject = format!("Declined: your {}", self.title());
        // The policy's reasons are made of values.
        let reason = if *authority == Authority::Policy && !self.sight.is_whole() {
            "its reasons rest on something that is not shown to you".to_owned()
        } else {
            plain(reason, WORDS_CHARACTERS_MAX)
        };
        let lines = vec![
            format!("{} declined it:", said_by(authority)),
            format!("  {reason}"),
            "Nothing was written.".to_owned(),
        ];
        Some(self.with_all(subject, lines))
    }

    fn with_all(&self, subject: String, mut lines: Vec<String>) -> Said {
        lines.extend(self.what_is_asked());
        lines.extend(self.how("To see all of it", &[]));
        Said { subject, lines }
    }
}

fn said_by(authority: &Authority) -> String {
    match authority {
        Authority::Policy => "The policy".to_owned(),
        Authority::People(people) => {
            let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
            plain(&people.join(", "), 300)
        }
        Authority::Override(person) => format!("{person}, overriding the policy,"),
        Authority::FailOpen(_) => {
            "The policy's owner, who lets some pass that cannot be evaluated,".to_owned()
        }
    }
}
