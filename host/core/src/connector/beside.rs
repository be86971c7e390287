//! What a build of a connector shows beside another one, by what its writes come to and how long they take.
//!
//! Only what the build before would not have met as well counts. A target that is down, busy or closed to us shows in
//! the answer on the wire, whatever the connector makes of it; a record that nobody can write shows in the other
//! build's writes too. What is left is compared operation by operation at one connection, each intent once.

use crate::effect::attempt::{Answer, AttemptEnd, BreakKind, Ended, Failure, Step};
use crate::id::{IntentId, PersonId};
use crate::time::Millis;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;

/// How many intents of each build are kept of one operation at one connection, and after how many a build is new no
/// more: what changes later is hardly its doing.
pub const WINDOW_INTENTS: usize = 200;

/// Fewest intents that both builds must have shown: below, one unlucky record looks like a habit.
pub const SAMPLE_INTENTS_MIN: usize = 20;

/// Fewest intents that must have failed in the same way.
pub const FAILED_INTENTS_MIN: usize = 5;

/// How unlikely the difference must be, as a hundred times the chi-squared of the two shares: chance alone makes such a
/// one once in ten thousand looks, and a look follows each of at most [`WINDOW_INTENTS`] writes.
pub const CHI_SQUARED_HUNDREDTHS_MIN: u128 = 1_514;

/// Fewest intents of both builds whose pace is compared: that three of them are slow must be no accident.
pub const PACE_INTENTS_MIN: usize = 40;

/// How many times as long the slow writes of a build take before that counts against it.
pub const PACE_TIMES_MAX: u64 = 3;

/// Least difference of pace that anybody would notice, in milliseconds: three times nothing is nothing.
pub const PACE_MS_MIN: u64 = 500;

/// Where more than one of so many intents met a target in trouble, pace says nothing of the build.
pub const TROUBLED_ONE_OF: usize = 10;

/// What a write came to, as far as the build can have to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Came {
    /// It landed.
    Landed,
    /// The target, the way there, or the credential was not well: every build would have met that.
    Trouble,
    /// The target, or the connector, says that it will never work as asked.
    Rejected,
    /// The record was another one than the build thought.
    Conflict,
    /// The target answered, and the build does not know whether it is in.
    Uncertain,
    /// The build broke, or said that it is at fault.
    Broke,
    /// It used up the time in which its own code may run.
    OutOfTime,
}

impl Came {
    /// What an attempt came to.
    #[must_use]
    pub fn of(end: &AttemptEnd) -> Came {
        let failure = match &end.claim {
            Ended::Returned(_) => return Came::Landed,
            Ended::Broke(broke) => {
                return match broke.kind {
                    BreakKind::Trap | BreakKind::Memory | BreakKind::BadAnswer | BreakKind::Forbidden => {
                        Came::Broke
                    }
                    BreakKind::Cpu => Came::OutOfTime,
                    // A target that does not answer uses it up as well.
                    BreakKind::Deadline => Came::Trouble,
                };
            }
            Ended::Failed(failure) => failure,
        };
        if failure.is_bug() {
            return Came::Broke;
        }
        if end.held_back.is_some() || end.steps.iter().any(is_trouble) {
            return Came::Trouble;
        }
        match failure {
            Failure::Transient { .. } | Failure::Denied(_) => Came::Trouble,
            Failure::Rejected { .. } => Came::Rejected,
            Failure::Conflict { .. } => Came::Conflict,
            Failure::Uncertain(_) => Came::Uncertain,
        }
    }

    /// Whether it counts against a build that shows more of it than another one.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Came::Landed | Came::Trouble => false,
            Came::Rejected | Came::Conflict | Came::Uncertain | Came::Broke | Came::OutOfTime => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Came::Landed => "landed",
            Came::Trouble => "met a target in trouble",
            Came::Rejected => "were rejected",
            Came::Conflict => "met a record that was not as the build had it",
            Came::Uncertain => "were answered, and the build does not know whether they landed",
            Came::Broke => "broke the build",
            Came::OutOfTime => "used up its running time",
        }
    }
}

/// Every way to fail that counts.
const FAILURES: [Came; 5] = [Came::Rejected, Came::Conflict, Came::Uncertain, Came::Broke, Came::OutOfTime];

/// Whether an answer, or that there was none, is the target's trouble or the way's: not there, busy, or closed to us.
fn is_trouble(step: &Step) -> bool {
    match step.answer {
        Answer::NotSent | Answer::Unanswered => true,
        Answer::Answered { status } => {
            500 <= status || matches!(status, 401 | 403 | 407 | 408 | 423 | 425 | 429)
        }
    }
}

/// One write of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Of which intent.
    pub intent: IntentId,
    /// Who asked for it.
    pub requester: PersonId,
    /// What it came to.
    pub came: Came,
    /// How long the call took; `None` where it may have waited for its turn.
    pub took: Option<Millis>,
}

/// What one build has shown at one operation of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// One of each intent, the newest last.
    writes: VecDeque<Write>,
    /// How many there were in all, so far as it matters.
    noted: usize,
    /// How many of them since another build came beside it.
    beside: usize,
}

impl Shown {
    /// Takes note of a write. An intent counts once, and by its first failure: one that is tried again and again says
    /// no more than one.
    pub fn note(&mut self, write: Write) {
        if let Some(known) = self.writes.iter_mut().find(|known| known.intent == write.intent) {
            if !known.came.is_failure() {
                *known = write;
            }
            return;
        }
        if WINDOW_INTENTS <= self.writes.len() {
            self.writes.pop_front();
        }
        self.writes.push_back(write);
        self.noted = self.noted.saturating_add(1);
        self.beside = self.beside.saturating_add(1);
    }

    /// Another build has come beside it.
    pub fn stand_beside(&mut self) {
        self.beside = 0;
    }

    /// Whether it is new no more.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        WINDOW_INTENTS < self.noted
    }

    /// What another build is compared with: what this one showed while both were there, if that is enough, as both met
    /// the same target then; else all that is known.
    fn compared(&self) -> Vec<&Write> {
        let beside = self.beside.min(self.writes.len());
        let skipped = if beside < SAMPLE_INTENTS_MIN { 0 } else { self.writes.len().saturating_sub(beside) };
        self.writes.iter().skip(skipped).collect()
    }
}

/// In what a build is clearly worse than the one beside it, in numbers that a person can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    /// More of its writes fail in this way.
    Mix {
        /// In which way.
        came: Came,
        /// How many of its intents did, and of how many.
        failed: (usize, usize),
        /// The same of the other build.
        beside: (usize, usize),
    },
    /// Its slow writes take far longer.
    Pace {
        /// Nineteen of twenty take at most so long.
        within: Millis,
        /// The same of the other build.
        beside: Millis,
    },
}

impl fmt::Display for Worse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Worse::Mix { came, failed, beside } => write!(
                formatter,
                "{} of {} writes {}, and {} of {} by the build before it",
                failed.0,
                failed.1,
                came.words(),
                beside.0,
                beside.1
            ),
            Worse::Pace { within, beside } => write!(
                formatter,
                "19 of 20 writes took up to {} ms, and up to {} ms by the build before it",
                within.0, beside.0
            ),
        }
    }
}

/// In what a new build is clearly worse than the one beside it; nothing while too little is known, or once it is new no
/// more.
#[must_use]
pub fn worse(new: &Shown, other: &Shown) -> Option<Worse> {
    if new.is_settled() {
        return None;
    }
    let (mine, beside) = (new.writes.iter().collect::<Vec<_>>(), other.compared());
    let mix = FAILURES.into_iter().find_map(|came| worse_mix(came, &mine, &beside));
    mix.or_else(|| worse_pace(&mine, &beside))
}

fn worse_mix(came: Came, mine: &[&Write], beside: &[&Write]) -> Option<Worse> {
    let counted = |writes: &[&Write]| {
        let counts = writes.iter().filter(|write| write.came != Came::Trouble).count();
        (writes.iter().filter(|write| write.came == came).count(), counts)
    };
    let (failed, other) = (counted(mine), counted(beside));
    let is_enough = SAMPLE_INTENTS_MIN <= failed.1.min(other.1) && FAILED_INTENTS_MIN <= failed.0;
    let is_worse = is_enough && is_of_several(came, mine) && is_more(failed, other);
    is_worse.then_some(Worse::Mix { came, failed, beside: other })
}

/// Whether it failed for more than one who asked, unless one asked for everything: what somebody asks for again and
/// again, and nobody else does, says more of them than of the build.
fn is_of_several(came: Came, mine: &[&Write]) -> bool {
    let asked = |writes: &mut dyn Iterator<Item = &&Write>| {
        writes.map(|write| &write.requester).collect::<BTreeSet<_>>().len()
    };
    let failed = asked(&mut mine.iter().filter(|write| write.came == came));
    1 < failed || asked(&mut mine.iter()) == 1
}

/// Whether one share is larger than the other, and that is no chance: the chi-squared of the four counts, corrected as
/// small ones want it.
fn is_more(failed: (usize, usize), other: (usize, usize)) -> bool {
    let wide = |count: usize| u128::try_from(count).unwrap_or(u128::MAX);
    let (a, b) = (wide(failed.0), wide(failed.1.saturating_sub(failed.0)));
    let (c, d) = (wide(other.0), wide(other.1.saturating_sub(other.0)));
    let all = wide(failed.1).saturating_add(wide(other.1));
    let excess = a.saturating_mul(d).saturating_sub(b.saturating_mul(c)).saturating_sub(all.div_ceil(2));
    let sides = [wide(failed.1), wide(other.1), a.saturating_add(c), b.saturating_add(d)];
    let expected = sides.into_iter().fold(CHI_SQUARED_HUNDREDTHS_MIN, u128::saturating_mul);
    let found = excess.saturating_mul(excess).saturating_mul(all).saturating_mul(100);
    0 < excess && expected <= found
}

fn worse_pace(mine: &[&Write], beside: &[&Write]) -> Option<Worse> {
    let troubled = mine.iter().filter(|write| write.came == Came::Trouble).count();
    if mine.len() < troubled.saturating_mul(TROUBLED_ONE_OF) {
        return None;
    }
    let (within, beside) = (slow(mine)?, slow(beside)?);
    let is_worse = beside.0.saturating_mul(PACE_TIMES_MAX) < within.0
        && PACE_MS_MIN <= within.0.saturating_sub(beside.0);
    is_worse.then_some(Worse::Pace { within, beside })
}

/// Within what time nineteen of twenty writes landed; `None` where there are too few.
fn slow(writes: &[&Write]) -> Option<Millis> {
    let landed = writes.iter().filter(|write| write.came == Came::Landed);
    let mut took: Vec<Millis> = landed.filter_map(|write| write.took).collect();
    took.sort_unstable();
    let place = took.len().saturating_mul(19).div_ceil(20).saturating_sub(1);
    if took.len() < PACE_INTENTS_MIN { None } else { took.get(place).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::attempt::{Break, CONNECTOR_BUG, Detail, Receipt};
    use crate::hash::Digest;
    use crate::record::RecordRef;

    fn write(number: usize, came: Came, took: u64) -> Write {
        let requester =
            PersonId::parse(if number.is_multiple_of(2) { "ann" } else { "ben" }).expect("a name");
        let intent = IntentId::from_bits(u128::try_from(number).expect("small"));
        Write { intent, requester, came, took: Some(Millis(took)) }
    }

    /// So many that failed like this, then so many that landed.
    fn shown(failed: usize, came: Came, landed: usize) -> Shown {
        let mut shown = Shown::default();
        (0..failed).for_each(|number| shown.note(write(number, came, 10)));
        (failed..failed + landed).for_each(|number| shown.note(write(number, Came::Landed, 10)));
        shown
    }

    fn paced(count: usize, slow: usize, took: u64) -> Shown {
        let mut shown = Shown::default();
        (0..count).for_each(|number| {
            shown.note(write(number, Came::Landed, if number < slow { took } else { 100 }));
        });
        shown
    }

    #[test]
    fn only_what_the_build_before_would_not_have_met_counts() {
        let detail = || Detail::new("scripted", "as the test says");
        let receipt = || Receipt {
            subject: RecordRef { kind: "order".to_owned(), id: "1".to_owned() },
            revision: None,
            url: None,
            vendor_request_id: None,
            applied: Vec::new(),
            extra: Vec::new(),
        };
        let rejected = || Ended::Failed(Failure::Rejected { fields: Vec::new(), detail: detail() });
        let uncertain = || Ended::Failed(Failure::Uncertain(detail()));
        let conflict = || Ended::Failed(Failure::Conflict { revision: None, detail: detail() });
        let broke = |kind| Ended::Broke(Break { kind, message: "it broke".to_owned() });
        let bug = Detail::new(CONNECTOR_BUG, "index out of range");
        let says = Answer::Answered { status: 200 };
        let status = |status| Answer::Answered { status };
        for (claim, answer, expected) in [
            (Ended::Returned(receipt()), Some(says), Came::Landed),
            (rejected(), Some(status(422)), Came::Rejected),
            (rejected(), None, Came::Rejected),
            (rejected(), Some(status(500)), Came::Trouble),
            (rejected(), Some(status(403)), Came::Trouble),
            (rejected(), Some(status(429)), Came::Trouble),
            (conflict(), Some(status(412)), Came::Conflict),
            (conflict(), Some(status(503)), Came::Trouble),
            (uncertain(), Some(says), Came::Uncertain),
            (uncertain(), Some(Answer::Unanswered), Came::Trouble),
            (uncertain(), Some(Answer::NotSent), Came::Trouble),
            (Ended::Failed(Failure::Transient { after: None, detail: detail() }), None, Came::Trouble),
            (Ended::Failed(Failure::Denied(detail())), None, Came::Trouble),
            (Ended::Failed(Failure::Uncertain(bug)), Some(Answer::Unanswered), Came::Broke),
            (broke(BreakKind::Trap), Some(status(503)), Came::Broke),
            (broke(BreakKind::Cpu), None, Came::OutOfTime),
            (broke(BreakKind::Deadline), None, Came::Trouble),
        ] {
            let step = |answer| Step { name: "deliver".to_owned(), request: Digest::of(b"it"), answer };
            let end = AttemptEnd { claim, steps: answer.map(step).into_iter().collect(), held_back: None };
            assert_eq!(Came::of(&end), expected, "{end:?}");
        }
        let held_back = AttemptEnd { claim: rejected(), steps: Vec::new(), held_back: Some(Millis(1)) };
        assert_eq!(Came::of(&held_back), Came::Trouble);
    }

    #[test]
    fn a_mix_is_worse_when_chance_does_not_explain_it() {
        let before = |failed, landed| shown(failed, Came::Rejected, landed);
        for (failed, landed, other, is_worse) in [
            // Too few, of either.
            (1, 2, before(0, 200), false),
            (10, 9, before(0, 200), false),
            (10, 10, before(0, 19), false),
            (4, 16, before(0, 200), false),
            // Enough, against one that never failed.
            (5, 15, before(0, 100), true),
            (5, 15, before(0, 20), false),
            (20, 0, before(0, 20), true),
            (9, 91, before(0, 100), false),
            // It was no better before.
            (10, 10, before(50, 50), false),
            (20, 0, before(200, 0), false),
            (11, 29, before(10, 190), true),
            (8, 92, before(10, 190), false),
        ] {
            let found = worse(&shown(failed, Came::Rejected, landed), &other);
            let mix = matches!(found, Some(Worse::Mix { came: Came::Rejected, .. }));
            assert_eq!((mix, found.is_some()), (is_worse, is_worse), "{failed} and {landed}: {found:?}");
        }
    }

    #[test]
    fn every_way_to_fail_counts_and_trouble_does_not() {
        let before = shown(0, Came::Landed, 100);
        for came in FAILURES {
            let found = worse(&shown(15, came, 15), &before);
            assert_eq!(found, Some(Worse::Mix { came, failed: (15, 30), beside: (0, 100) }));
        }
        assert_eq!(worse(&shown(100, Came::Trouble, 30), &before), None);
        // Failures that are as many in another way are another mix.
        let found = worse(&shown(15, Came::Conflict, 15), &shown(50, Came::Rejected, 50));
        assert!(matches!(found, Some(Worse::Mix { came: Came::Conflict, .. })), "{found:?}");
    }

    #[test]
    fn an_intent_counts_once_and_one_person_alone_says_nothing() {
        let before = shown(0, Came::Landed, 100);
        let mut again = shown(0, Came::Landed, 19);
        (0..100).for_each(|_| again.note(write(50, Came::Rejected, 10)));
        again.note(write(50, Came::Landed, 10));
        assert_eq!((again.writes.len(), worse(&again, &before)), (20, None));
        assert_eq!(again.writes.back().map(|write| write.came), Some(Came::Rejected));
        // Tried again after trouble, it counts by what came of it.
        again.note(write(51, Came::Trouble, 10));
        again.note(write(51, Came::Conflict, 10));
        assert_eq!(again.writes.back().map(|write| write.came), Some(Came::Conflict));
        let of_one = |others: usize| {
            let mut of_one = Shown::default();
            (0..20).for_each(|number| of_one.note(write(2 * number, Came::Rejected, 10)));
            (0..others).for_each(|number| of_one.note(write(2 * number + 1, Came::Landed, 10)));
            of_one
        };
        assert_eq!(worse(&of_one(10), &before), None);
        assert!(worse(&of_one(0), &before).is_some());
    }

    #[test]
    fn what_both_showed_at_one_time_is_compared_if_it_is_enough() {
        let mut before = shown(0, Came::Landed, 180);
        before.stand_beside();
        let new = shown(15, Came::Rejected, 15);
        (300..319).for_each(|number| before.note(write(number, Came::Rejected, 10)));
        assert!(worse(&new, &before).is_some());
        // The other one meets it now as well: it is the target.
        before.note(write(319, Came::Rejected, 10));
        assert_eq!(worse(&new, &before), None);
    }

    #[test]
    fn a_pace_is_worse_when_it_is_over_three_times_as_long_and_that_is_felt() {
        let before = paced(40, 0, 0);
        for (new, is_worse) in [
            (paced(40, 40, 601), true),
            (paced(40, 40, 600), true),
            (paced(40, 40, 599), false),
            (paced(39, 39, 5_000), false),
            // Two slow ones of forty are an accident.
            (paced(40, 2, 5_000), false),
            (paced(40, 3, 5_000), true),
        ] {
            let found = worse(&new, &before);
            assert_eq!(matches!(found, Some(Worse::Pace { .. })), is_worse, "{found:?}");
        }
        let slower = paced(40, 40, 2_000);
        assert_eq!(worse(&paced(40, 40, 6_000), &slower), None);
        assert!(worse(&paced(40, 40, 6_001), &slower).is_some());
        assert_eq!(worse(&paced(40, 40, 5_000), &paced(39, 0, 0)), None);
        let mut troubled = paced(40, 40, 5_000);
        (100..104).for_each(|number| troubled.note(write(number, Came::Trouble, 10)));
        assert!(worse(&troubled, &before).is_some());
        troubled.note(write(104, Came::Trouble, 10));
        assert_eq!(worse(&troubled, &before), None);
        // What waited for its turn has no pace.
        let mut waited = paced(39, 39, 5_000);
        waited.note(Write { took: None, ..write(60, Came::Landed, 0) });
        assert_eq!(worse(&waited, &before), None);
    }

    #[test]
    fn a_build_that_has_shown_enough_is_new_no_more() {
        let before = shown(0, Came::Landed, 200);
        assert!(worse(&shown(50, Came::Rejected, 150), &before).is_some());
        let settled = shown(50, Came::Rejected, 151);
        assert_eq!((settled.writes.len(), worse(&settled, &before)), (WINDOW_INTENTS, None));
    }

    #[test]
    fn a_difference_is_told_in_numbers() {
        let mix = Worse::Mix { came: Came::Rejected, failed: (9, 31), beside: (2, 140) };
        assert_eq!(mix.to_string(), "9 of 31 writes were rejected, and 2 of 140 by the build before it");
        let pace = Worse::Pace { within: Millis(4_200), beside: Millis(900) };
        assert_eq!(
            pace.to_string(),
            "19 of 20 writes took up to 4200 ms, and up to 900 ms by the build before it"
        );
    }
}
