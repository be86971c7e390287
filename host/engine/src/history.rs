//! History: the decisions that were made, one recorded case after the other, from the log or from a file.
//!
//! Reading streams: of a decided intent nothing is kept, of an undecided one what its case needs, and
//! [`crate::limits::HISTORY_OPEN_MAX`] bounds how many those may be. The log is read up to where it ended when
//! reading began, so a host that goes on working does not make it endless.

mod life;
mod lines;

pub use lines::{LineFault, NotRead, lines};

use crate::fault::Fault;
use crate::handle::from_bytes;
use crate::limits::{HISTORY_DAYS_MAX, HISTORY_OPEN_MAX, HISTORY_PAGE_ENTRIES};
use crate::port::store::{Logged, Position, Store, StoreFault, StreamName};
use countersign_core::approval::event::Event;
use countersign_core::approval::refusal::Refusal;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Day;
use countersign_core::policy::Policy;
use countersign_core::policy::backtest::{Backtest, Fate, Recorded, Trial, Versions, Was};
use countersign_core::policy::coverage::Fired;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use life::Life;
use std::collections::BTreeMap;

/// Which cases of the log are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Only those of this intent type; `None` is all.
    pub intent_type: Option<IntentTypeName>,
    /// Only those that were submitted at this moment or later.
    pub since: Timestamp,
}

impl Wanted {
    /// The cases of an intent type, from the first moment of a day on if there is one.
    #[must_use]
    pub fn from_day(intent_type: Option<IntentTypeName>, day: Option<Day>) -> Wanted {
        Wanted { intent_type, since: day.map_or(Timestamp(i64::MIN), Day::begins) }
    }
}

/// A number of days as people write it: `90d`. At most [`HISTORY_DAYS_MAX`].
#[must_use]
pub fn days(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('d')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let days = digits.parse::<u32>().ok().filter(|_| plain)?;
    (1..=HISTORY_DAYS_MAX).contains(&days).then_some(days)
}

/// The day that lies so many days before `now`, in UTC. Whole days, so that two runs of one day see the
/// same cases.
#[must_use]
pub fn day_before(now: Timestamp, days: u32) -> Day {
    Day(Day::at(now).0.saturating_sub(i64::from(days)))
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The last entry of the log that was looked at.
    pub position: Position,
    /// Cases that were handed on.
    pub cases: u64,
    /// Intents that were never evaluated, or not yet: there is nothing to compare them with.
    pub unevaluated: u64,
}

/// Reads the whole log and hands every wanted case on: decided ones in the order of their decisions, then
/// those that are still open by their ids. `progress(done, of)` counts entries.
///
/// # Errors
/// [`Fault::Unreadable`] if an entry cannot be read; [`StoreFault::TooLarge`] if more than
/// [`HISTORY_OPEN_MAX`] intents were undecided at one time; whatever the store says.
pub async fn read(
    store: &dyn Store,
    wanted: &Wanted,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
    mut each: impl FnMut(&IntentTypeName, Recorded) + Send,
) -> Result<Seen, Fault> {
    let end = store.health().position;
    let mut reader =
        Reader { wanted, open: BTreeMap::new(), seen: Seen { position: end, ..Seen::default() } };
    let mut next = Position(1);
    while next <= end {
        let page = store.scan(next, HISTORY_PAGE_ENTRIES).await?;
        let Some(last) = page.last().map(|logged| logged.position) else { break };
        for logged in page.iter().take_while(|logged| logged.position <= end) {
            if let Some((life, fate)) = reader.entry(logged)? {
                reader.hand_on(life, fate, &mut each);
            }
        }
        progress(last.min(end).0, end.0);
        next = Position(last.0.saturating_add(1));
        tokio::task::yield_now().await;
    }
    for (_, life) in std::mem::take(&mut reader.open) {
        reader.hand_on(life, Fate::Open, &mut each);
    }
    Ok(reader.seen)
}

/// What `new` would have answered to the recorded intents of its type, from a day on if there is one.
///
/// # Errors
/// Those of [`read`]; [`Fault::Refused`] if `rulebook` has no intent type for it.
pub async fn backtest(
    store: &dyn Store,
    rulebook: &Rulebook,
    new: &Policy,
    since: Option<Day>,
    now: Timestamp,
) -> Result<Backtest, Fault> {
    let intent =
        rulebook.intent_type(&new.intent).ok_or_else(|| Refusal::NoPolicy(new.intent.to_string()))?;
    let mut trial = Trial::new(Versions { old: rulebook.policy(&new.intent, now), new, intent, since });
    let wanted = Wanted::from_day(Some(new.intent.clone()), since);
    read(store, &wanted, &|_, _| {}, |_, case| trial.add(&case)).await?;
    Ok(trial.finish())
}

/// What the recorded decisions of an intent type used of its policy in the last so many days.
///
/// # Errors
/// Those of [`read`].
pub async fn fired(
    store: &dyn Store,
    intent: IntentTypeName,
    days: u32,
    now: Timestamp,
) -> Result<Fired, Fault> {
    let mut fired = Fired::of_days(days);
    let wanted = Wanted::from_day(Some(intent), Some(day_before(now, days)));
    let add = |_: &IntentTypeName, case: Recorded| {
        if let Was::Evaluated(evaluation) = &case.was {
            fired.add(evaluation);
        }
    };
    read(store, &wanted, &|_, _| {}, add).await?;
    Ok(fired)
}

struct Reader<'a> {
    wanted: &'a Wanted,
    open: BTreeMap<StreamName, Life>,
    seen: Seen,
}

impl Reader<'_> {
    /// Adds an entry; gives the intent that it decides. What belongs to no open intent is not even
    /// decoded.
    fn entry(&mut self, logged: &Logged) -> Result<Option<(Life, Fate)>, Fault> {
        if logged.sequence == 1 {
            self.begin(logged)?;
            return Ok(None);
        }
        let Some(life) = self.open.get_mut(&logged.stream) else { return Ok(None) };
        let Some(fate) = life.add(from_bytes(&logged.entry)?) else { return Ok(None) };
        Ok(self.open.remove(&logged.stream).map(|life| (life, fate)))
    }

    fn begin(&mut self, logged: &Logged) -> Result<(), Fault> {
        if logged.stream.parse::<IntentId>().is_err() {
            return Ok(());
        }
        let Event::Submitted { intent, .. } = from_bytes(&logged.entry)?.event else { return Ok(()) };
        // What was tried out says nothing of what people ask for.
        if intent.trial.is_some() {
            return Ok(());
        }
        let of_type = self.wanted.intent_type.as_ref().is_none_or(|wanted| *wanted == intent.intent_type);
        if !of_type || intent.submitted < self.wanted.since {
            return Ok(());
        }
        if HISTORY_OPEN_MAX <= self.open.len() {
            return Err(StoreFault::TooLarge("HISTORY_OPEN_MAX").into());
        }
        self.open.insert(logged.stream.clone(), Life::of(intent));
        Ok(())
    }

    fn hand_on(&mut self, life: Life, fate: Fate, each: &mut impl FnMut(&IntentTypeName, Recorded)) {
        let intent_type = life.intent_type();
        match life.recorded(fate) {
            Some(case) => {
                self.seen.cases = self.seen.cases.saturating_add(1);
                each(&intent_type, case);
            }
            None => self.seen.unevaluated = self.seen.unevaluated.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests;
