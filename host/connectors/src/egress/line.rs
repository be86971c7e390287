//! What all calls of one connection share: its rate, its concurrency, its circuit breaker, its open
//! connections and the digests of the steps that were sent.

use super::client::Pool;
use crate::lock::locked;
use crate::manifest::Rate;
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::time::Millis;
use countersign_engine::port::connectors::TargetHealth;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Longest wait for rate or concurrency inside of a call. More belongs into the engine's queue.
const WAIT_MS_MAX: u64 = 5_000;

/// Failures in a row after which the target is left alone for a while.
const CIRCUIT_FAILURES_MAX: u32 = 5;

/// How long it is left alone.
const CIRCUIT_OPEN_MS: u64 = 10_000;

/// Steps whose digests are remembered: every effect that one connection can have open at a time,
/// several times over. The oldest is forgotten first; the engine's ledger is the durable memory.
const STEPS_REMEMBERED_MAX: usize = 10_000;

/// What all calls of one connection share.
pub(crate) struct Line {
    pub(crate) pool: Pool,
    slots: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
    circuit: Mutex<Circuit>,
    steps: Mutex<StepDigests>,
}

/// A request that may leave now. Dropping it frees its slot.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Why a request has to wait longer than a call may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) code: &'static str,
    pub(crate) why: &'static str,
    pub(crate) after: Duration,
    /// Whether it is the target that is left alone, whatever the call did.
    pub(crate) target_rests: bool,
}

struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
}

#[derive(Default)]
struct Circuit {
    failures: u32,
    failing_since: Option<Instant>,
    open_until: Option<Instant>,
}

#[derive(Default)]
struct StepDigests {
    digests: HashMap<(EffectId, u32, String), Digest>,
    order: VecDeque<(EffectId, u32, String)>,
}

impl Line {
    /// A fresh line. Must be made inside of a tokio runtime, whose clock it uses.
    pub(crate) fn new(rate: Rate) -> Line {
        Line {
            pool: Pool::default(),
            slots: Arc::new(Semaphore::new(usize::try_from(rate.concurrent).unwrap_or(1))),
            bucket: Mutex::new(Bucket { rate, tokens: f64::from(rate.burst), filled: Instant::now() }),
            circuit: Mutex::default(),
            steps: Mutex::new(StepDigests::default()),
        }
    }

    /// Waits for circuit, rate and concurrency, in this order.
    pub(crate) async fn enter(&self) -> Result<Slot, Busy> {
        let wait = Duration::from_millis(WAIT_MS_MAX);
        if let Some(after) = locked(&self.circuit).blocked(Instant::now()) {
            let why = "the target failed several times in a row and is left alone for a moment";
            return Err(Busy { code: "circuit-open", why, after, target_rests: true });
        }
        let delay = locked(&self.bucket).take(Instant::now());
        if wait < delay {
            locked(&self.bucket).give_back();
            let why = "the rate of the connection is used up";
            return Err(Busy { code: "rate-limited", why, after: delay, target_rests: false });
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match tokio::time::timeout(wait, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Slot { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                let why = "as many requests are in flight as the connection allows";
                Err(Busy { code: "concurrency", why, after: wait, target_rests: false })
            }
        }
    }

    /// How the target is.
    pub(crate) fn health(&self) -> TargetHealth {
        let (circuit, now) = (locked(&self.circuit), Instant::now());
        let millis = |length: Duration| Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        TargetHealth {
            failing: circuit.failing_since.map(|since| millis(now.saturating_duration_since(since))),
            rests: circuit.rests(now).map(millis),
        }
    }

    /// Tells the circuit how a request went. A target that answers is well, whatever it says,
    /// unless it says that it is not (502, 503, 504).
    pub(crate) fn went(&self, well: bool) {
        locked(&self.circuit).went(well, Instant::now());
    }

    /// Remembers what a step sends. `false`: the same step was sent with other bytes before.
    pub(crate) fn same_step(&self, effect: EffectId, generation: u32, step: &str, request: Digest) -> bool {
        let mut steps = locked(&self.steps);
        let key = (effect, generation, step.to_owned());
        if let Some(known) = steps.digests.get(&key) {
            return *known == request;
        }
        if STEPS_REMEMBERED_MAX <= steps.order.len()
            && let Some(oldest) = steps.order.pop_front()
        {
            steps.digests.remove(&oldest);
        }
        steps.order.push_back(key.clone());
        steps.digests.insert(key, request);
        true
    }
}

impl Bucket {
    /// Takes one token and says how long to wait until it is really there.
    fn take(&mut self, now: Instant) -> Duration {
        let rate = f64::from(self.rate.per_second.max(1));
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * rate).min(f64::from(self.rate.burst)) - 1.0;
        self.filled = now;
        if 0.0 <= self.tokens { Duration::ZERO } else { Duration::from_secs_f64(-self.tokens / rate) }
    }

    fn give_back(&mut self) {
        self.tokens += 1.0;
    }
}

impl Circuit {
    fn rests(&self, now: Instant) -> Option<Duration> {
        self.open_until.filter(|until| now < *until).map(|until| until - now)
    }

    /// How long the target is still to be left alone. After that time one request goes through;
    /// if it fails, the circuit opens again.
    fn blocked(&mut self, now: Instant) -> Option<Duration> {
        self.open_until?;
        if let Some(rest) = self.rests(now) {
            return Some(rest);
        }
        self.open_until = Some(now + Duration::from_millis(CIRCUIT_OPEN_MS));
        None
    }

    fn went(&mut self, well: bool, now: Instant) {
        if well {
            *self = Circuit::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.failing_since = self.failing_since.or(Some(now));
        if CIRCUIT_FAILURES_MAX <= self.failures {
            self.open_until = Some(now + Duration::from_millis(CIRCUIT_OPEN_MS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32, concurrent: u32) -> Rate {
        Rate { per_second, burst, concurrent }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_its_rate() {
        let line = Line::new(rate(10, 3, 100));
        let start = Instant::now();
        for _ in 0..3 {
            assert!(line.enter().await.is_ok());
        }
        assert!(start.elapsed() < Duration::from_millis(1));
        for _ in 0..10 {
            assert!(line.enter().await.is_ok());
        }
        let took = start.elapsed();
        assert!(Duration::from_millis(950) < took && took < Duration::from_millis(1_100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_so_instead() {
        let line = Line::new(rate(1, 1, 100));
        let results = futures::future::join_all((0..9).map(|_| line.enter())).await;
        let busy: Vec<_> = results.into_iter().filter_map(Result::err).map(|busy| busy.code).collect();
        assert_eq!(busy, ["rate-limited"; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_connection_frees_a_slot_when_a_request_ends() {
        let line = Line::new(rate(100, 100, 1));
        let slot = line.enter().await.ok();
        assert_eq!(line.enter().await.err().map(|busy| busy.code), Some("concurrency"));
        drop(slot);
        assert!(line.enter().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_target_is_left_alone_then_tried_once() {
        let line = Line::new(rate(100, 100, 10));
        for _ in 0..CIRCUIT_FAILURES_MAX {
            assert!(line.enter().await.is_ok());
            line.went(false);
        }
        assert_eq!(line.enter().await.err().map(|busy| busy.code), Some("circuit-open"));
        let health = TargetHealth { failing: Some(Millis(0)), rests: Some(Millis(CIRCUIT_OPEN_MS)) };
        assert_eq!(line.health(), health);
        tokio::time::advance(Duration::from_millis(CIRCUIT_OPEN_MS)).await;
        let health = TargetHealth { failing: Some(Millis(CIRCUIT_OPEN_MS)), rests: None };
        assert_eq!(line.health(), health, "whoever asks does not take the turn of the one that goes through");
        assert!(line.enter().await.is_ok(), "one goes through");
        assert!(line.enter().await.is_err(), "and only one");
        line.went(true);
        assert_eq!(line.health(), TargetHealth::default());
        assert!(line.enter().await.is_ok());
    }

    #[tokio::test]
    async fn a_step_keeps_its_bytes_within_a_generation() {
        let line = Line::new(rate(1, 1, 1));
        let effect = EffectId::from_bits(1);
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        assert!(line.same_step(effect, 0, "create", one));
        assert!(line.same_step(effect, 0, "create", one));
        assert!(!line.same_step(effect, 0, "create", other));
        assert!(line.same_step(effect, 1, "create", other), "a new generation is a new key");
        assert!(line.same_step(EffectId::from_bits(2), 0, "create", other));
    }
}
