//! Seats: the voices that an approval needs, who may give them, who said that they will, until when.

use crate::id::PersonId;
use crate::intent::Day;
use crate::policy::RouteRow;
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most voices that are added to one revision: a decision is not put off for ever.
pub const ADDED_MAX: usize = 5;

/// Most questions that are asked about one revision: a decision is not put off for ever.
pub const QUESTIONS_MAX: usize = 20;

/// The seats of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seats {
    /// Every row of every route, as it stood when the seats were opened.
    pub rows: Vec<RouteRow>,
    /// The seats opened so far, by the index of their row.
    pub open: BTreeMap<u32, Seat>,
    /// What was asked of the requester, in order; at most [`QUESTIONS_MAX`].
    pub questions: Vec<Question>,
    /// Who handed a seat to whom, in order.
    pub handed: Vec<Handed>,
    /// Voices that people in a seat wanted beside theirs, by the index of their row.
    pub added: BTreeMap<u32, Added>,
}

/// A seat, or a time of it, in other hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The seat: index of its row.
    pub row: u32,
    /// Whose it is.
    pub from: PersonId,
    /// Who decides in their place.
    pub to: PersonId,
    /// When it is theirs again; for good without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The administrator who did it, if they did not do it themselves: then they cannot take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
}

/// A voice that somebody in a seat wanted beside theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Who wanted it.
    pub by: PersonId,
    /// Their seat: index of its row.
    pub beside: u32,
    /// Which of the two comes first.
    pub order: Order,
    /// Whether they took it back.
    pub is_gone: bool,
}

/// When an added voice is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Before the seat that wanted it.
    Before,
    /// After it.
    After,
}

/// One required voice: who may fill it, who did, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// How many distinct persons must approve, or what their voices weigh together.
    pub need: u32,
    /// Those of `eligible` and `approved` whose voice weighs other than one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<PersonId, u32>,
    /// Who may. Looked up again whenever the directory changes, an absence begins or ends, and at
    /// every decision.
    pub eligible: Vec<PersonId>,
    /// Who answers for it while nobody has claimed it.
    pub owner: PersonId,
    /// Whether that is whoever of the pool had time for it, and not its lead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fair: bool,
    /// Until when. Means nothing while a question is open: the time of the seat stands still then.
    pub due: Timestamp,
    /// How often it was missed: 0 first, then the backups in turn.
    #[serde(default)]
    pub missed: u32,
    /// Who approved so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<PersonId>,
    /// Who said that they will decide; never more than voices are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// When who may fill it is looked up again, because somebody's absence begins or ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Timestamp>,
    /// When those who may are reminded, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Timestamp>,
    /// Those of `eligible` who stand in for somebody, and for whom.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub standing_in: BTreeMap<PersonId, PersonId>,
    /// In whose place a voice was given: theirs is spent, whether or not they are back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<PersonId>,
}

/// One person's word that they will decide in a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who.
    pub by: PersonId,
    /// When it goes back to the pool by itself.
    pub until: Timestamp,
}

/// Something that a person in a seat must know before they decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The seat: index of its row.
    pub row: u32,
    /// Who asked.
    pub by: PersonId,
    /// Their words.
    pub words: String,
    /// What came of it.
    pub reply: Reply,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The requester must answer; the time of the seat stands still.
    Awaited {
        /// What is left of the seat's time, in the hours in which it runs.
        left: Millis,
        /// When the seat's time runs on without an answer.
        until: Timestamp,
    },
    /// The requester's words.
    Given(String),
    /// The requester's time was up, or the seat was decided without an answer.
    Missing,
}

/// Somebody who may not fill a seat any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub because: Because,
}

/// Why somebody may not fill a seat any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// They are not in the directory any more.
    Left,
    /// They are away, until this day.
    Away(Day),
    /// They have decided in another seat of the intent.
    Decided,
    /// They handed it to somebody.
    Handed,
    /// The seat is not theirs: the pool, the role or the manager changed, or whom they stood in for
    /// is back.
    Elsewhere,
}

/// What some voices weigh together; whoever has no weight weighs one.
pub fn weigh<'a>(weights: &BTreeMap<PersonId, u32>, people: impl IntoIterator<Item = &'a PersonId>) -> u32 {
    let weights = people.into_iter().map(|person| weights.get(person).copied().unwrap_or(1));
    weights.fold(0, u32::saturating_add)
}

impl Seat {
    /// Whether enough voices are in.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.lacking() == 0
    }

    /// What a voice weighs: one, unless the row asks for weight.
    #[must_use]
    pub fn weight(&self, person: &PersonId) -> u32 {
        weigh(&self.weights, [person])
    }

    /// What some voices weigh together.
    pub fn weigh<'a>(&self, people: impl IntoIterator<Item = &'a PersonId>) -> u32 {
        weigh(&self.weights, people)
    }

    /// How many voices are in, or what they weigh.
    #[must_use]
    pub fn given(&self) -> u32 {
        self.weigh(&self.approved)
    }

    /// How many voices are missing, or what those that are must weigh.
    #[must_use]
    pub fn lacking(&self) -> u32 {
        self.need.saturating_sub(self.given())
    }

    /// Whether a voice is left for this person: one that they claimed, or one that nobody did.
    #[must_use]
    pub fn is_free_for(&self, person: &PersonId) -> bool {
        let claimed = self.weigh(self.claims.iter().map(|claim| &claim.by));
        self.claims.iter().any(|claim| claim.by == *person) || claimed < self.lacking()
    }

    /// Who answers for it now: whoever claimed it first, or its owner.
    #[must_use]
    pub fn answerable(&self) -> &PersonId {
        self.claims.first().map_or(&self.owner, |claim| &claim.by)
    }
}

impl Seats {
    /// Whether every row that counts has a seat and every seat is filled.
    #[must_use]
    pub fn are_filled(&self) -> bool {
        (0_u32..).zip(&self.rows).all(|(row, _)| self.is_settled(row))
    }

    /// Whether nothing waits for this row: its voices are in, or whoever wanted it took it back.
    #[must_use]
    pub fn is_settled(&self, row: u32) -> bool {
        self.is_gone(row) || self.open.get(&row).is_some_and(Seat::is_filled)
    }

    /// Whether a row was added and taken back.
    #[must_use]
    pub fn is_gone(&self, row: u32) -> bool {
        self.added.get(&row).is_some_and(|added| added.is_gone)
    }

    /// Whether an added voice comes first, or the seat that wanted this one does.
    #[must_use]
    pub fn is_put_off(&self, row: u32) -> bool {
        let after = self.added.get(&row).filter(|added| added.order == Order::After);
        let before =
            self.added.iter().filter(|(_, added)| added.order == Order::Before && added.beside == row);
        after.is_some_and(|added| !self.is_settled(added.beside))
            || before.map(|(first, _)| *first).any(|first| !self.is_settled(first))
    }

    /// Who decides in whose place in a seat now.
    pub fn hands(&self, row: u32, now: Timestamp) -> impl Iterator<Item = &Handed> {
        let runs = move |handed: &&Handed| handed.until.is_none_or(|until| now < until);
        self.handed.iter().filter(move |handed| handed.row == row).filter(runs)
    }

    /// The persons who filled a seat of this approval.
    pub fn voices(&self) -> impl Iterator<Item = &PersonId> {
        self.open.values().flat_map(|seat| &seat.approved)
    }

    /// The open seats that lack a voice, by the index of their row.
    pub fn unfilled(&self) -> impl Iterator<Item = (u32, &Seat)> + Clone {
        self.open.iter().filter(|(_, seat)| !seat.is_filled()).map(|(row, seat)| (*row, seat))
    }

    /// What was asked in a seat and is not answered yet, with its index in [`Seats::questions`].
    #[must_use]
    pub fn awaited(&self, row: u32) -> Option<(usize, &Question)> {
        let asked = |(_, question): &(usize, &Question)| {
            question.row == row && matches!(question.reply, Reply::Awaited { .. })
        };
        self.questions.iter().enumerate().find(asked)
    }

    /// What was asked under this number, from 1.
    #[must_use]
    pub fn question(&self, number: u32) -> Option<&Question> {
        self.questions.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// When a seat next needs the engine: its time is up, a claim goes back, an answer is overdue, somebody
    /// is to be reminded, or an absence or a hand-over begins or ends.
    #[must_use]
    pub fn wakes(&self, row: u32, seat: &Seat) -> Timestamp {
        let claims = seat.claims.iter().map(|claim| claim.until);
        claims.chain(seat.review).chain(seat.remind).fold(self.needs_by(row, seat), Timestamp::min)
    }

    /// Until when somebody must do something about a seat: the requester while their answer is
    /// awaited, or else the people of the seat.
    #[must_use]
    pub fn needs_by(&self, row: u32, seat: &Seat) -> Timestamp {
        match self.awaited(row) {
            Some((_, Question { reply: Reply::Awaited { until, .. }, .. })) => *until,
            Some(_) | None => seat.due,
        }
    }

    /// Ends what is still asked in a seat: nothing waits for the answer any more.
    pub(super) fn drop_question(&mut self, row: u32) {
        for question in self.questions.iter_mut().filter(|question| question.row == row) {
            if matches!(question.reply, Reply::Awaited { .. }) {
                question.reply = Reply::Missing;
            }
        }
    }
}
