//! What is due: begins errands when their time has come, each at most once at a time.
//!
//! The store is the queue. What is begun right after a commit is only a short cut; whatever is
//! forgotten by a stop is still in the store and is begun after the restart.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::jumps;
use crate::limits::{
    DELIVERY_WAIT_MS_MAX, ERRAND_FAULT_DELAY_MS, ERRANDS_IN_FLIGHT_MAX, NOTICES_IN_FLIGHT_MAX,
    SCHEDULE_WAIT_MS_MAX, SCHEDULE_WAIT_MS_MIN,
};
use crate::port::store::{Errand, PAGE_ROWS_MAX, StoreFault, StreamName};
use countersign_core::approval::command::Command;
use countersign_core::approval::wake::Wake;
use countersign_core::effect::reconcile::LOOK_GAP_MAX;
use countersign_core::effect::retry;
use countersign_core::id::{DeliveryId, IntentId};
use countersign_core::notice::NOTICE_AGE_MAX;
use countersign_core::time::{Millis, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What is begun and not ended, and the bell that wakes the loop.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    begun: Mutex<InFlight>,
    bell: Notify,
}

/// What runs. Notices are counted apart: they wait for other people's servers, and must hold up nothing.
#[derive(Debug, Default)]
struct InFlight {
    errands: HashMap<(StreamName, Wake), Begun>,
    notices: usize,
    /// Errands that wait for their turn at a connection.
    waiting: usize,
    /// Whether notices stayed in the store because too many ran.
    left_out: bool,
}

impl InFlight {
    /// Errands that are no notices and wait for no connection.
    fn others(&self) -> usize {
        self.errands.len().saturating_sub(self.notices).saturating_sub(self.waiting)
    }

    fn is_full_for(&self, wake: &Wake) -> bool {
        match wake {
            Wake::Notice(_) => NOTICES_IN_FLIGHT_MAX <= self.notices,
            Wake::Prepare
            | Wake::Effect(_)
            | Wake::Watch(_)
            | Wake::ReAssert(_)
            | Wake::Seat(_)
            | Wake::Exception(_)
            | Wake::Returned
            | Wake::Delivery => ERRANDS_IN_FLIGHT_MAX <= self.others(),
        }
    }
}

/// An errand that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    /// When it was due.
    due: Timestamp,
    asked: Asked,
}

/// Whether an errand was asked for once more while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Once,
    Again,
}

impl Schedule {
    /// Makes the loop look at the store again.
    pub(crate) fn look_again(&self) {
        self.bell.notify_one();
    }

    /// Marks an errand as running. If it runs already for another time, or too many do, the store is
    /// looked at once more when it, or one of them, has ended. The same errand of the same time is
    /// found twice whenever a look at the store comes between a commit and its short cut.
    fn take(&self, stream: &StreamName, wake: &Wake, due: Timestamp) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let full = begun.is_full_for(wake);
        let notice = matches!(wake, Wake::Notice(_));
        match begun.errands.get_mut(&(Arc::clone(stream), wake.clone())) {
            Some(running) => {
                if running.due != due {
                    running.asked = Asked::Again;
                }
                false
            }
            None if full => {
                begun.left_out |= notice;
                false
            }
            None => {
                let running = Begun { due, asked: Asked::Once };
                begun.notices = begun.notices.saturating_add(usize::from(notice));
                begun.errands.insert((Arc::clone(stream), wake.clone()), running).is_none()
            }
        }
    }

    /// Ends an errand; says whether the store may hold something that could not be begun meanwhile.
    fn give_back(&self, stream: &StreamName, wake: &Wake) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let full = begun.is_full_for(wake);
        let ended = begun.errands.remove(&(Arc::clone(stream), wake.clone()));
        let again = ended.is_some_and(|ended| ended.asked == Asked::Again);
        if !matches!(wake, Wake::Notice(_)) {
            return full || again;
        }
        begun.notices = begun.notices.saturating_sub(1);
        // Not after each one: a look reads all that are due, and a house full of them may be.
        let room = begun.left_out && begun.notices <= NOTICES_IN_FLIGHT_MAX / 2;
        begun.left_out &= !room;
        room || again
    }

    /// An errand that runs begins to wait for its turn at a connection: another one gets its place.
    pub(crate) fn begin_waiting(&self) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let full = ERRANDS_IN_FLIGHT_MAX <= begun.others();
        begun.waiting = begun.waiting.saturating_add(1);
        if full {
            self.bell.notify_one();
        }
    }

    /// It has its turn, or gives up.
    pub(crate) fn end_waiting(&self) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.waiting = begun.waiting.saturating_sub(1);
    }

    /// How many errands run, leaving out notices and what waits for a connection.
    pub(crate) fn begun(&self) -> usize {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).others()
    }
}

/// Begins one errand now, or when it has ended if it is running already. If too many are, it stays
/// in the store until one of them has ended.
pub(crate) fn begin(inner: &Arc<Inner>, stream: StreamName, wake: Wake, due: Timestamp) {
    if inner.tasks.are_stopping() || !inner.schedule.take(&stream, &wake, due) {
        return;
    }
    let task_inner = Arc::clone(inner);
    inner.tasks.start(async move {
        let inner = task_inner;
        let through = run_errand(&inner, &stream, &wake, due).await;
        let missed = inner.schedule.give_back(&stream, &wake);
        if missed || !through {
            inner.schedule.look_again();
        }
    });
}

/// Looks at the store for what is due, until the engine stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut clock = jumps::Watch::default();
    loop {
        clock.look(&inner).await;
        let until = look(&inner).await;
        // The clock may have been set back while it was looked.
        let until = until.min(inner.clock.now().plus(Millis(SCHEDULE_WAIT_MS_MAX)));
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return,
            () = inner.schedule.bell.notified() => {}
            () = inner.clock.sleep_until(until) => {}
        }
    }
}

/// Begins what is due and says when to look for more: counted from the moment of this look, as time goes on
/// while it is made.
async fn look(inner: &Arc<Inner>) -> Timestamp {
    let now = inner.clock.now();
    let longest = now.plus(Millis(SCHEDULE_WAIT_MS_MAX));
    // Errands that run are still due in the store, so the pages go past them.
    let mut after = None;
    while inner.schedule.begun() < ERRANDS_IN_FLIGHT_MAX {
        let due = match inner.store.due(now, after.take(), PAGE_ROWS_MAX).await {
            Ok(due) => due,
            Err(fault) => {
                tracing::error!(%fault, blame = "host", "due errands cannot be read");
                return longest;
            }
        };
        for errand in &due {
            match errand.key.parse::<Wake>() {
                // One that runs is due in the store until its commit; one that is due at another time by
                // now is looked for again when it has ended.
                Ok(wake) => begin(inner, Arc::clone(&errand.stream), wake, errand.due),
                Err(fault) => {
                    tracing::error!(%fault, stream = %errand.stream, blame = "host", "unreadable errand");
                }
            }
        }
        match due.last() {
            Some(last) if due.len() == PAGE_ROWS_MAX => after = Some(last.clone()),
            Some(_) | None => break,
        }
    }
    match inner.store.next_due(now).await {
        Ok(Some(next)) => next.min(longest).max(now.plus(Millis(SCHEDULE_WAIT_MS_MIN))),
        Ok(None) => longest,
        Err(fault) => {
            tracing::error!(%fault, blame = "host", "the next errand cannot be read");
            longest
        }
    }
}

/// Works on one errand; says whether it got through. If not, it is still open in the store.
async fn run_errand(inner: &Arc<Inner>, stream: &StreamName, wake: &Wake, due: Timestamp) -> bool {
    let put_off = |later: Option<Timestamp>| {
        let Some(until) = later else { return };
        let errand = Errand { due, stream: Arc::clone(stream), key: wake.to_string().into() };
        inner.store.put_off(&errand, until);
    };
    let Err(fault) = (match stream.parse::<IntentId>() {
        Ok(intent) => of_intent(inner, intent, wake, put_off).await,
        Err(fault) => match stream.parse::<DeliveryId>() {
            Ok(delivery) => crate::inbox::run(inner, delivery).await.map(put_off),
            Err(_) => {
                tracing::error!(%fault, %stream, blame = "host", "an errand of an unknown stream");
                return true;
            }
        },
    }) else {
        return true;
    };
    // The errand is still open in the store; it is begun again after a pause.
    if matches!(fault, Fault::Store(StoreFault::Full)) {
        // The store has said so once; a line for each errand would take what little room is left.
        tracing::debug!(%fault, %stream, %wake, blame = "host", "an errand did not get through");
    } else {
        tracing::warn!(%fault, %stream, %wake, blame = "host", "an errand did not get through");
    }
    let until = inner.clock.now().plus(Millis(ERRAND_FAULT_DELAY_MS));
    tokio::select! {
        biased;
        () = inner.tasks.stopping() => {}
        () = inner.clock.sleep_until(until) => {}
    }
    false
}

/// Works on one errand of an intent.
async fn of_intent(
    inner: &Arc<Inner>,
    intent: IntentId,
    wake: &Wake,
    put_off: impl Fn(Option<Timestamp>),
) -> Result<(), Fault> {
    match wake {
        Wake::Prepare => crate::prepare::run(inner, intent).await.map(put_off),
        Wake::Effect(effect) => crate::effects::run(inner, intent, *effect).await.map(put_off),
        Wake::Watch(effect) | Wake::ReAssert(effect) => {
            crate::watch::run(inner, intent, *effect).await.map(put_off)
        }
        Wake::Seat(row) => inner.command(intent, Command::SeatDue { row: *row }, None).await.map(drop),
        Wake::Returned => inner.command(intent, Command::ReturnDue, None).await.map(drop),
        Wake::Notice(number) => crate::notices::run(inner, intent, *number).await,
        Wake::Exception(id) => inner.command(intent, Command::ExceptionDue { id: *id }, None).await.map(drop),
        // No approval has one.
        Wake::Delivery => Ok(()),
    }
}

/// The longest that anything of a kind ever waits, where that is a length; a moment that a policy means is none.
pub(crate) fn longest_wait(wake: &Wake) -> Option<Millis> {
    match wake {
        Wake::Prepare | Wake::Effect(_) | Wake::ReAssert(_) => Some(retry::WAIT_MAX),
        Wake::Watch(_) => Some(LOOK_GAP_MAX),
        Wake::Notice(_) => Some(NOTICE_AGE_MAX),
        Wake::Delivery => Some(Millis(DELIVERY_WAIT_MS_MAX)),
        Wake::Seat(_) | Wake::Exception(_) | Wake::Returned => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_that_is_found_twice_asks_for_no_other_look() {
        let (schedule, stream) = (Schedule::default(), StreamName::from("int_1"));
        assert!(schedule.take(&stream, &Wake::Prepare, Timestamp(5)));
        assert!(!schedule.take(&stream, &Wake::Prepare, Timestamp(5)), "it runs already");
        assert!(!schedule.give_back(&stream, &Wake::Prepare));
    }

    #[test]
    fn notices_that_wait_for_a_server_hold_up_nothing_else() {
        let (schedule, stream) = (Schedule::default(), StreamName::from("int_1"));
        let notice = |number: usize| Wake::Notice(u32::try_from(number).expect("it fits"));
        for number in 0..NOTICES_IN_FLIGHT_MAX {
            assert!(schedule.take(&stream, &notice(number), Timestamp(5)));
        }
        assert!(!schedule.take(&stream, &notice(NOTICES_IN_FLIGHT_MAX), Timestamp(5)), "too many wait");
        assert_eq!(schedule.begun(), 0);
        assert!(schedule.take(&stream, &Wake::Prepare, Timestamp(5)));
        // The store is looked at once more when half of them are done, and not after each.
        let looks = (0..NOTICES_IN_FLIGHT_MAX).filter(|number| schedule.give_back(&stream, &notice(*number)));
        assert_eq!(looks.count(), 1);
    }

    #[test]
    fn an_errand_that_moved_while_it_ran_is_looked_for_again() {
        let (schedule, stream) = (Schedule::default(), StreamName::from("int_1"));
        assert!(schedule.take(&stream, &Wake::Seat(0), Timestamp(5)));
        assert!(!schedule.take(&stream, &Wake::Seat(0), Timestamp(6)));
        assert!(schedule.give_back(&stream, &Wake::Seat(0)));
        assert!(schedule.take(&stream, &Wake::Seat(0), Timestamp(6)), "nobody runs it now");
    }
}
