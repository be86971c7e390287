//! Whose turn it is to compute: those that compute for long share all cores but one, in short turns, so that whoever is
//! quick finds a core free.

use super::monotonic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Guest time after which a call counts as long, in milliseconds: what we ship takes 0.1 to 2.
const LONG_MS: u64 = 10;

/// For so long after a long call, the calls of that build count as long from their beginning, in seconds.
const LONG_FOR_S: u64 = 60;

/// The turns that there are at one time: one for each core but the last.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    /// Those of a machine with so many cores. With one core there is one turn, and who is quick waits for its end.
    pub(super) fn of(cores: usize) -> Turns {
        Turns(Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))))
    }

    /// How the calls of one build behave, of which nothing is known yet.
    pub(crate) fn pace(&self) -> Pace {
        Pace { turns: self.clone(), long_until: Mutex::default() }
    }
}

/// How the calls of one build behave, and the turns that they take if they are long.
pub(crate) struct Pace {
    pub(super) turns: Turns,
    long_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// Whether a call that computed for so long until now takes turns with the others that do.
    pub(super) fn is_long(&self, used: Duration) -> bool {
        let mut long_until = crate::lock::locked(&self.long_until);
        if Duration::from_millis(LONG_MS) <= used {
            *long_until = Some(monotonic() + Duration::from_secs(LONG_FOR_S));
            return true;
        }
        long_until.is_some_and(|until| monotonic() < until)
    }
}

/// The turn of one call. It is over at the latest when the last copy of this is dropped.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Taken>);

#[derive(Default)]
struct Taken {
    turn: Mutex<Option<OwnedSemaphorePermit>>,
    /// It had one, and gave it back to wait for something.
    gave_back: AtomicBool,
}

impl Turn {
    /// Lets those go first that have waited for longer, and waits for the next turn.
    pub(super) async fn next(&self, turns: &Turns) {
        drop(self.taken());
        // The semaphore is never closed, so a turn always comes; it is first come, first served.
        let turn = Arc::clone(&turns.0).acquire_owned().await.ok();
        self.0.gave_back.store(false, Ordering::Relaxed);
        *crate::lock::locked(&self.0.turn) = turn;
    }

    /// Whether the call had a turn and goes on without one, now that what it waited for is there.
    pub(super) fn must_queue(&self) -> bool {
        self.0.gave_back.load(Ordering::Relaxed)
    }

    /// Runs the work of a call, which gives its turn back whenever it waits for anything: a target must not keep
    /// others from computing.
    pub(crate) async fn given_back_by<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending() && self.taken().is_some() {
                self.0.gave_back.store(true, Ordering::Relaxed);
            }
            polled
        })
        .await
    }

    fn taken(&self) -> Option<OwnedSemaphorePermit> {
        crate::lock::locked(&self.0.turn).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Class;
    use crate::sandbox::call::{Guarded, guard};
    use crate::sandbox::{CallState, Fate, Sandbox, Session, Who};
    use countersign_core::hash::Digest;
    use countersign_core::time::Timestamp;
    use futures::FutureExt as _;
    use wasmtime::component::{Component, Linker};

    fn free(turns: &Turns) -> usize {
        turns.0.available_permits()
    }

    #[test]
    fn a_turn_for_each_core_but_the_last_and_one_where_there_is_one_core() {
        assert_eq!([0, 1, 2, 3, 8].map(|cores| free(&Turns::of(cores))), [1, 1, 1, 2, 7]);
    }

    #[test]
    fn a_build_is_long_behind_a_long_call_and_no_other_build_is() {
        let turns = Turns::of(2);
        let (pace, other) = (turns.pace(), turns.pace());
        assert!(!pace.is_long(Duration::from_millis(LONG_MS - 1)));
        assert!(!pace.is_long(Duration::ZERO), "it never was");
        assert!(pace.is_long(Duration::from_millis(LONG_MS)));
        assert!(pace.is_long(Duration::ZERO), "from its beginning");
        assert!(!other.is_long(Duration::ZERO));
        *crate::lock::locked(&pace.long_until) = Some(monotonic());
        assert!(!pace.is_long(Duration::ZERO), "it has not been for a while");
    }

    #[tokio::test]
    async fn turns_are_taken_in_the_order_in_which_they_were_asked_for() {
        let turns = Turns::of(2);
        let (first, second) = (Turn::default(), Turn::default());
        first.next(&turns).await;
        let mut second_waits = Box::pin(second.next(&turns));
        assert!(second_waits.as_mut().now_or_never().is_none(), "the first has it");
        let mut first_again = Box::pin(first.next(&turns));
        assert!(first_again.as_mut().now_or_never().is_none(), "the second is before it");
        assert!(second_waits.as_mut().now_or_never().is_some());
        drop(second_waits);
        drop(second);
        assert!(first_again.now_or_never().is_some());
        drop(first);
        assert_eq!(free(&turns), 1);
    }

    #[tokio::test]
    async fn whoever_waits_for_something_else_gives_the_turn_back_and_queues_for_the_next() {
        let turns = Turns::of(2);
        let turn = Turn::default();
        let (answer, arrives) = tokio::sync::oneshot::channel::<()>();
        let mut call = Box::pin(turn.clone().given_back_by(async {
            turn.next(&turns).await;
            assert!(!turn.must_queue());
            arrives.await.expect("it answers");
            assert!(turn.must_queue(), "it goes on without a turn");
            turn.next(&turns).await;
            assert!(!turn.must_queue());
            free(&turns)
        }));
        assert!(call.as_mut().now_or_never().is_none());
        assert_eq!(free(&turns), 1, "the target takes its time");
        answer.send(()).expect("it listens");
        assert_eq!(call.await, 0);
    }

    #[tokio::test]
    async fn whoever_never_had_a_turn_does_not_queue_for_having_waited() {
        let turn = Turn::default();
        let call = turn.clone().given_back_by(async { tokio::task::yield_now().await });
        call.await;
        assert!(!turn.must_queue());
    }

    /// Has a guest that never ends run for a second at most; how it ended, and how long it computed.
    async fn spun(sandbox: &Sandbox, pace: &Arc<Pace>) -> (Guarded<()>, Duration) {
        let text = r#"(component
            (core module $m (func (export "run") (loop (br 0))))
            (core instance $i (instantiate $m))
            (func (export "run") (canon lift (core func $i "run"))))"#;
        let bytes = wat::parse_str(text).expect("it is a component");
        let component = Component::new(&sandbox.engine, bytes).expect("it compiles");
        let linked = Linker::new(&sandbox.engine).instantiate_pre(&component).expect("it imports nothing");
        let who = Who { connector: "a".to_owned(), version: "1.0.0".to_owned(), connection: None };
        let fate = Fate { now: Timestamp(0), seed: Digest::of(b"") };
        let state = CallState::new(Arc::new(who), sandbox.limits(Class::Small), fate, None);
        let mut session = Session::open(&sandbox.engine, state, pace);
        let turn = session.turn.clone();
        let work = async {
            let instance = session.instance(&linked).await?;
            let run = instance.get_typed_func::<(), ()>(&mut session.store, "run")?;
            run.call_async(&mut session.store, ()).await
        };
        let ended = guard(Duration::from_secs(1), turn.given_back_by(work)).await;
        (ended, session.store.data().clock.used())
    }

    #[tokio::test]
    async fn a_guest_that_computes_on_waits_for_its_turn_and_ends_with_its_time() {
        let sandbox = Sandbox::start_with(2).expect("it starts");
        let turns = Turns::of(2);
        let pace = Arc::new(turns.pace());
        let other = Turn::default();
        other.next(&turns).await;
        let (ended, used) = spun(&sandbox, &pace).await;
        assert!(matches!(ended, Guarded::CutOff), "it has no turn");
        assert!(used < sandbox.limits(Class::Small).guest, "{used:?}");
        let (ended, again) = spun(&sandbox, &pace).await;
        assert!(matches!(ended, Guarded::CutOff) && again <= used, "from its beginning: {again:?}");
        drop(other);
        let (ended, used) = spun(&sandbox, &pace).await;
        let Guarded::Ended(Err(error)) = ended else { panic!("its time is used up") };
        assert!(format!("{error:#}").contains("the guest's time is used up"), "{error:#}");
        assert!(sandbox.limits(Class::Small).guest <= used, "{used:?}");
        assert_eq!(free(&turns), 1, "a call that is over has no turn");
    }
}
