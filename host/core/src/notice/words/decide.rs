//! What whoever can decide is told.

use super::{Said, Telling, WORDS_CHARACTERS_MAX, asked, plain};
use crate::approval::seat::{Reply, Seat, Seats};
use crate::id::PersonId;
use crate::notice::Why;
use crate::notice::moot::{can_decide, seats};
use crate::policy::{Finally, RouteRow};

impl Telling<'_> {
    /// They are asked to decide.
    pub(super) fn decide(&self, rows: &[u32], why: Why) -> Option<Said> {
        let row = *rows.iter().find(|row| can_decide(self.approval, **row, self.to))?;
        let first = match why {
            Why::Opened => "You are asked to decide.",
            Why::Missed => "Whoever was asked before did not decide in time. Now you are asked.",
            Why::Moved => {
                "You are asked to decide, because the people of this seat have changed: somebody left, is \
                 away, is back, or handed it over, or an administrator did."
            }
            Why::Reminded => "This still waits for you.",
        };
        let verb = if why == Why::Reminded { "Reminder, decide" } else { "Decide" };
        self.in_seat(verb, row, vec![first.to_owned()])
    }

    /// A claim on a seat of theirs is over.
    pub(super) fn free(&self, row: u32, person: &PersonId, expired: bool) -> Option<Said> {
        let first = match (person == self.to, expired) {
            (true, _) => {
                "You said that you would decide, and your time for that is up. The seat is open for \
                          everybody again."
                    .to_owned()
            }
            (false, true) => {
                format!("{person} said they would decide and did not in time. The seat is open again.")
            }
            (false, false) => format!("{person} gave the seat back. It is open again."),
        };
        self.in_seat("Open again", row, vec![first])
    }

    /// Their question has an answer, or will not get one.
    pub(super) fn answer(&self, question: u32) -> Option<Said> {
        let asked = seats(self.approval)?.question(question)?;
        let said = |words: &str| format!("  {}", plain(words, WORDS_CHARACTERS_MAX));
        let requester = self.asker();
        let mut first = vec!["You asked:".to_owned(), said(&asked.words)];
        let verb = match &asked.reply {
            Reply::Given(words) => {
                first.extend([format!("{requester} answers:"), said(words)]);
                "Answered, decide"
            }
            Reply::Missing | Reply::Awaited { .. } => {
                first.push(format!("{requester} did not answer in time. The time of the seat runs on."));
                "No answer came, decide"
            }
        };
        self.in_seat(verb, asked.row, first)
    }

    /// They are asked next.
    pub(super) fn soon(&self, row: u32) -> Option<Said> {
        let seats = seats(self.approval)?;
        let seat = seats.open.get(&row)?;
        let until = self.moment(seat.due);
        let names: Vec<&str> = seat.eligible.iter().map(PersonId::as_str).collect();
        let subject =
            format!("Soon yours: {}, asked by {}, from {} on", self.title(), self.asker(), until.there);
        let mut lines = vec![
            format!("{} can decide until {until}.", plain(&names.join(", "), 400)),
            "If nobody does, you are asked then. There is nothing to do for you yet.".to_owned(),
        ];
        lines.extend(self.what_is_asked());
        lines.extend(self.how("To look at it", &[]));
        Some(Said { subject, lines })
    }

    fn in_seat(&self, verb: &str, row: u32, first: Vec<String>) -> Option<Said> {
        let seats = seats(self.approval)?;
        let (seat, route) = (seats.open.get(&row)?, seats.rows.get(usize::try_from(row).ok()?)?);
        let intent = &self.approval.intent;
        let until = self.moment(seat.due);
        let waits = seats.awaited(row).is_some();
        let mut subject = format!("{verb}: {}, asked by {}", self.title(), self.asker());
        if !waits {
            subject = format!("{subject}, until {}", until.there);
        }
        let mut lines = first;
        lines.push(if waits {
            "The requester was asked something: the time to decide stands still until the answer.".to_owned()
        } else {
            format!("You have until {until}.")
        });
        lines.extend(self.what_is_asked());
        lines.extend(self.what_was_found());
        lines.extend(self.what_is_written("What your approval lets the host write"));
        lines.extend(self.why_asked(seat, route));
        lines.extend(self.in_whose_place(seats, row, seat));
        lines.extend(self.and_else(seats, seat, route));
        lines.extend(self.links());
        let (id, revision) = (intent.id, intent.revision);
        lines.extend(self.how(
            "To decide",
            &[
                format!("countersign decide {id} --approve --revision {revision}"),
                format!("countersign decide {id} --decline --reason TEXT --revision {revision}"),
                format!("countersign decide {id} --ask QUESTION --revision {revision}"),
            ],
        ));
        Some(Said { subject, lines })
    }

    /// The seat, and what of the policy asks for it.
    fn why_asked(&self, seat: &Seat, route: &RouteRow) -> Vec<String> {
        let mut lines = vec![String::new(), "Why you are asked".to_owned()];
        let voices = match (seat.need, seat.given()) {
            (need, given) if !seat.weights.is_empty() => {
                format!("voices that weigh {given} of {need} are in")
            }
            (1, _) => "one voice is needed".to_owned(),
            (need, given) => format!("{given} of {need} voices are in"),
        };
        lines.push(format!("  the route {} asks {}; {voices}", route.route, route.whom));
        if seat.fair {
            let owner = if seat.owner == *self.to {
                "you answer".to_owned()
            } else {
                format!("{} answers", seat.owner)
            };
            lines.push(format!("  {owner} for it; whoever of them can may decide"));
        }
        let council = self.case().and_then(|case| case.council.as_ref());
        lines.extend(
            council.filter(|council| council.route == route.route).map(|council| format!("  {council}")),
        );
        let contributions = self.case().into_iter().flat_map(|case| case.evaluation.contributions());
        let asking = contributions.filter(|voice| voice.outcome.needs(&route.route));
        lines.extend(asked::listed(
            asking.map(|voice| format!("  {}: {}", voice.id, plain(voice.because, 300))),
        ));
        lines
    }

    /// For whom they stand in, who wanted their voice, and whether it decides against the policy.
    fn in_whose_place(&self, seats: &Seats, row: u32, seat: &Seat) -> Vec<String> {
        let place =
            seat.standing_in.get(self.to).map(|whose| format!("  you decide in the place of {whose}"));
        let added = seats.added.get(&row).map(|added| format!("  {} wants your voice too", added.by));
        let against = self.case().filter(|case| case.evaluation.is_against());
        let override_ = against.and(self.approval.overridden.as_ref()).map(|overridden| {
            format!(
                "  the policy does not let it pass: your approval overrides it, for {}",
                overridden.what.reason
            )
        });
        place.into_iter().chain(added).chain(override_).collect()
    }

    /// Who else can decide, and what follows if nobody does.
    fn and_else(&self, seats: &Seats, seat: &Seat, route: &RouteRow) -> Vec<String> {
        let others: Vec<&str> = seat
            .eligible
            .iter()
            .filter(|person| *person != self.to && !seats.voices().any(|voice| voice == *person))
            .map(PersonId::as_str)
            .collect();
        let others = if others.is_empty() { "nobody".to_owned() } else { plain(&others.join(", "), 400) };
        let then = next(route, seat.missed);
        vec![format!("  who else can: {others}"), format!("  if nobody decides in time: {then}")]
    }
}

/// What follows if a seat is missed once more.
pub(super) fn next(route: &RouteRow, missed: u32) -> String {
    let backup = usize::try_from(missed).ok().and_then(|missed| route.backup.get(missed));
    match (backup, route.finally) {
        (Some(whom), _) => format!("{whom} is asked"),
        (None, Finally::Decline) => "it is declined".to_owned(),
        (None, Finally::Hold) => "it becomes an exception, with somebody who answers for it".to_owned(),
    }
}
