//! One call of one export: a fresh store with every limit armed, run to an answer or to a break.

use super::{CallState, HANDLES_MAX, HOSTCALL_BYTES_MAX, Pace, Turn, YIELD_FUEL, monotonic};
use crate::witness::Spent;
use countersign_core::effect::attempt::{Break, BreakKind};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{CallHook, Engine, PoolConcurrencyLimitError, Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

/// How a call ended: the guest's answer, or how it broke.
pub(crate) type Outcome<T> = Result<T, Break>;

/// Marks an interruption because the guest's time was used up.
#[derive(Debug)]
struct TimeUsedUp;

impl std::fmt::Display for TimeUsedUp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the guest's time is used up")
    }
}

impl std::error::Error for TimeUsedUp {}

/// A host function that the phase of the call forbids altogether.
#[derive(Debug)]
pub(crate) struct NotAllowed(pub(crate) &'static str);

impl std::fmt::Display for NotAllowed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for NotAllowed {}

/// One call in its own store. Dropped with it on every path, also when the deadline cuts the call
/// off: a cancelled store is never used again.
pub(crate) struct Session {
    /// The store; `guard` borrows it for the length of the call.
    pub(crate) store: Store<CallState>,
    /// Whether it is its turn to compute, if it is one of those that take turns.
    pub(crate) turn: Turn,
}

/// What became of the guarded work.
pub(crate) enum Guarded<T> {
    /// It came to an end, well or not.
    Ended(wasmtime::Result<T>),
    /// The deadline passed.
    CutOff,
    /// The host's own code panicked in it.
    Panicked,
}

/// Runs the work of one call under a deadline, and contains a panic of the host's own code.
pub(crate) async fn guard<T>(wall: Duration, work: impl Future<Output = wasmtime::Result<T>>) -> Guarded<T> {
    match AssertUnwindSafe(tokio::time::timeout(wall, work)).catch_unwind().await {
        Ok(Ok(result)) => Guarded::Ended(result),
        Ok(Err(_)) => Guarded::CutOff,
        Err(_) => Guarded::Panicked,
    }
}

impl Session {
    /// A fresh store with every limit armed.
    pub(crate) fn open(engine: &Engine, state: CallState, pace: &Arc<Pace>) -> Session {
        let turn = Turn::default();
        Session { store: armed(engine, state, (pace, &turn)), turn }
    }

    /// The instance of the call. What guest code runs for it has the limits of the call.
    pub(crate) async fn instance(&mut self, of: &InstancePre<CallState>) -> wasmtime::Result<Instance> {
        let began = monotonic();
        let instance = of.instantiate_async(&mut self.store).await;
        self.store.data_mut().instantiation = began.elapsed();
        instance
    }

    /// What the call took until now.
    fn spent(&self) -> Spent {
        let state = self.store.data();
        // An engine that does not count fuel answers with an error, which holds a backtrace: it is not asked.
        let left = |allowed: u64| allowed.saturating_sub(self.store.get_fuel().unwrap_or(allowed));
        Spent {
            fuel: state.limits.fuel.map(left),
            memory_bytes: state.memory.used(),
            guest: state.clock.used(),
            instantiation: state.instantiation,
        }
    }

    /// Ends the call: the answer, or how it broke, in one sentence for the operator.
    pub(crate) fn close<T>(&self, guarded: Guarded<T>) -> Outcome<T> {
        let state = self.store.data();
        if let Some(witness) = &state.witness {
            witness.spent(self.spent());
        }
        let who = &state.who;
        let broke = |kind, what: &str| Break { kind, message: format!("{who} {what}") };
        if 0 < state.words.dropped() {
            let dropped = state.words.dropped();
            tracing::warn!(
                blame = "connector",
                "{who} said more than 200 lines or 64 KiB in one call; {dropped} lines were dropped"
            );
        }
        if let Some(violation) = state.gate.as_ref().and_then(|gate| gate.violation.as_deref()) {
            tracing::warn!(blame = "connector", "{who} {violation}; the request was not sent");
            return Err(broke(BreakKind::Forbidden, &format!("{violation}; the request was not sent")));
        }
        match guarded {
            Guarded::Ended(result) => result.map_err(|error| {
                let (kind, what) = words(&error, state);
                broke(kind, &what)
            }),
            Guarded::CutOff => {
                let seconds = state.limits.wall.as_secs();
                let what = format!(
                    "did not come to an end within {seconds} s and was cut off; see what the target was doing"
                );
                Err(broke(BreakKind::Deadline, &what))
            }
            Guarded::Panicked => {
                let what =
                    "made the host itself panic, which was contained; report it to the makers of countersign";
                Err(broke(BreakKind::Trap, what))
            }
        }
    }
}

/// A store with its limits in force before any guest code runs.
fn armed(engine: &Engine, state: CallState, (pace, turn): (&Arc<Pace>, &Turn)) -> Store<CallState> {
    let clock = Arc::clone(&state.clock);
    let (allowed, fuel) = (state.limits.guest, state.limits.fuel);
    let mut store = Store::new(engine, state);
    if let Some(fuel) = fuel
        && let Err(error) =
            store.set_fuel(fuel).and_then(|()| store.fuel_async_yield_interval(Some(YIELD_FUEL)))
    {
        tracing::warn!(blame = "host", %error, "a call whose fuel is counted has none, or does not yield to others");
    }
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
    store.set_max_component_handles(HANDLES_MAX);
    // A deadline of no tick has the guest ask for its turn before it computes.
    store.set_epoch_deadline(if pace.is_long(Duration::ZERO) { 0 } else { 1 });
    let (hook, waited) = (Arc::clone(&clock), turn.clone());
    store.call_hook(move |mut store: StoreContextMut<'_, CallState>, transition: CallHook| {
        match transition {
            CallHook::CallingWasm | CallHook::ReturningFromHost => {
                if waited.must_queue() {
                    store.set_epoch_deadline(0);
                }
                hook.resume();
            }
            CallHook::ReturningFromWasm | CallHook::CallingHost => hook.pause(),
        }
        Ok(())
    });
    let (pace, turn) = (Arc::clone(pace), turn.clone());
    store.epoch_deadline_callback(move |_| {
        let used = clock.tick();
        if allowed <= used {
            return Err(TimeUsedUp.into());
        }
        if !pace.is_long(used) {
            return Ok(UpdateDeadline::Continue(1));
        }
        clock.pause();
        let (clock, turn, turns) = (Arc::clone(&clock), turn.clone(), pace.turns.clone());
        let others_first = async move {
            turn.next(&turns).await;
            clock.resume();
        };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(others_first)))
    });
    store
}

/// What an error of the runtime means, in one sentence that follows the connector's name.
fn words(error: &wasmtime::Error, state: &CallState) -> (BreakKind, String) {
    let last = state.last_words().map_or_else(String::new, |last| format!(" (its last words: `{last}`)"));
    if state.memory.exceeded {
        let mib = state.limits.memory_bytes / (1024 * 1024);
        let what =
            format!("wanted more than the {mib} MiB of its class{last}; a larger class needs a new manifest");
        return (BreakKind::Memory, what);
    }
    if error.downcast_ref::<TimeUsedUp>().is_some() {
        let millis = state.limits.guest.as_millis();
        let what =
            format!("computed for more than the {millis} ms of its class{last}; report it to its author");
        return (BreakKind::Cpu, what);
    }
    if let Some(NotAllowed(what)) = error.downcast_ref::<NotAllowed>() {
        return (BreakKind::Forbidden, (*what).to_owned());
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        let what = format!("ended itself with status {status}{last}; report it to its author");
        return (BreakKind::Trap, what);
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        let full = crate::package::one_line(&full.to_string());
        let what = format!("found no room in the host: {full}; report it to the makers of countersign");
        return (BreakKind::Trap, what);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            let fuel = state.limits.fuel.unwrap_or_default();
            let what = format!(
                "computed for more than the {fuel} units of fuel of its class{last}; report it to its author"
            );
            (BreakKind::Cpu, what)
        }
        Some(trap) => {
            let trap = crate::package::one_line(&trap.to_string());
            (BreakKind::Trap, format!("trapped: {trap}{last}; report it to its author"))
        }
        None => {
            let cause = crate::package::one_line(&error.root_cause().to_string());
            (
                BreakKind::BadAnswer,
                format!("answered outside of the contract: {cause}; report it to its author"),
            )
        }
    }
}
