//! What of an approval, or of a delivery, wakes the engine, and when. Derived from the state alone, so every open
//! item has its next wake-up at every instant. What is closed only wakes until everybody was told, for
//! an exception that outlives it, and for what it wrote to be read back.

use super::life::renew;
use super::watch::Next;
use super::{Approval, Outcome, Stage};
use crate::effect::life::EffectState;
use crate::exception::Exception;
use crate::id::{EffectId, ExceptionId};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One thing that an approval has open; or that a delivery has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wake {
    /// Facts are to be read and writes to be planned.
    Prepare,
    /// An effect is to be attempted or probed.
    Effect(EffectId),
    /// The target of an effect that landed is to be read back.
    Watch(EffectId),
    /// An effect that landed is to be written again.
    ReAssert(EffectId),
    /// A seat needs a look: see [`super::seat::Seats::wakes`]. The number is the index of its row.
    Seat(u32),
    /// Most of the time of an exception is gone, or all of it, or an absence of its owner begins.
    Exception(ExceptionId),
    /// The requester's time to amend what was sent back runs out.
    Returned,
    /// Somebody is to be told something: the number of the notice.
    Notice(u32),
    /// A delivery is to be turned into what it is about. It is no approval's: its stream is its own.
    Delivery,
}

impl fmt::Display for Wake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wake::Prepare => formatter.write_str("prepare"),
            Wake::Effect(effect) => write!(formatter, "{effect}"),
            Wake::Watch(effect) => write!(formatter, "watch/{effect}"),
            Wake::ReAssert(effect) => write!(formatter, "re-assert/{effect}"),
            Wake::Seat(row) => write!(formatter, "seat/{row}"),
            Wake::Exception(exception) => write!(formatter, "{exception}"),
            Wake::Returned => formatter.write_str("returned"),
            Wake::Notice(number) => write!(formatter, "notice/{number}"),
            Wake::Delivery => formatter.write_str("delivery"),
        }
    }
}

impl FromStr for Wake {
    type Err = crate::id::NotAName;
    fn from_str(text: &str) -> Result<Wake, Self::Err> {
        if text == "prepare" {
            return Ok(Wake::Prepare);
        }
        if text == "delivery" {
            return Ok(Wake::Delivery);
        }
        if text == "returned" {
            return Ok(Wake::Returned);
        }
        if let Some(row) = text.strip_prefix("seat/").and_then(|row| row.parse().ok()) {
            return Ok(Wake::Seat(row));
        }
        if let Some(effect) = text.strip_prefix("watch/").and_then(|effect| effect.parse().ok()) {
            return Ok(Wake::Watch(effect));
        }
        if let Some(effect) = text.strip_prefix("re-assert/").and_then(|effect| effect.parse().ok()) {
            return Ok(Wake::ReAssert(effect));
        }
        if let Some(number) = text.strip_prefix("notice/").and_then(|number| number.parse().ok()) {
            return Ok(Wake::Notice(number));
        }
        if text.starts_with(ExceptionId::PREFIX) {
            return text.parse().map(Wake::Exception);
        }
        text.parse().map(Wake::Effect)
    }
}

impl Approval {
    /// Everything that is open, each with the moment at which it wakes the engine.
    #[must_use]
    pub fn wakes(&self) -> BTreeMap<Wake, Timestamp> {
        let mut wakes = BTreeMap::new();
        match &self.stage {
            Stage::Preparing { due, .. } => {
                wakes.insert(Wake::Prepare, *due);
            }
            Stage::Seated { seats, .. } => {
                // The first moment behind the seal, at which a decision would come too late.
                let renewed = renew::due(&self.intent, &self.stage).map(|due| due.plus(Millis(1)));
                let due = |row, seat| renewed.into_iter().fold(seats.wakes(row, seat), Timestamp::min);
                wakes.extend(seats.unfilled().map(|(row, seat)| (Wake::Seat(row), due(row, seat))));
            }
            Stage::Executing { effects, .. } => {
                wakes.extend(effects.iter().filter_map(|(id, state)| Some((Wake::Effect(*id), due(state)?))));
            }
            Stage::Returned { until, .. } => {
                wakes.insert(Wake::Returned, *until);
            }
            Stage::Closed(Outcome::Done { .. }) => {
                wakes.extend(self.watches.iter().filter_map(|(effect, watch)| match watch.next {
                    Next::Look(due) => Some((Wake::Watch(*effect), due)),
                    Next::ReAssert(since) => Some((Wake::ReAssert(*effect), since)),
                    Next::Writing(_) | Next::Over => None,
                }));
            }
            // What outlives an intent is an exception.
            Stage::Unsettled { .. } | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => {
            }
        }
        let unsent = self.notices.open.iter();
        wakes.extend(unsent.map(|(number, open)| (Wake::Notice(*number), open.due)));
        let open = self.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
        let due = |exception: &Exception| {
            exception.review.into_iter().chain(exception.remind).fold(exception.due, Timestamp::min)
        };
        wakes.extend(open.map(|(id, exception)| (Wake::Exception(*id), due(exception))));
        wakes
    }
}

fn due(state: &EffectState) -> Option<Timestamp> {
    match state {
        EffectState::Ready { due, .. } | EffectState::Probing { due, .. } => Some(*due),
        // An attempt is running, or the host died in it: either way it is looked at from now on.
        EffectState::Sent { at, .. } => Some(*at),
        EffectState::Waiting
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_reads_back_as_it_is_written() {
        let wakes = [
            Wake::Prepare,
            Wake::Effect(EffectId::from_bits(7)),
            Wake::Watch(EffectId::from_bits(7)),
            Wake::ReAssert(EffectId::from_bits(7)),
            Wake::Seat(3),
            Wake::Exception(ExceptionId::from_bits(8)),
            Wake::Returned,
            Wake::Notice(12),
            Wake::Delivery,
        ];
        for wake in wakes {
            assert_eq!(wake.to_string().parse(), Ok(wake));
        }
        for text in ["", "watch/", "watch/7", "notice", "notice/", "notice/x", "seat/-1"] {
            assert!(text.parse::<Wake>().is_err(), "{text}");
        }
    }
}
