//! What the host keeps beside a running guest: its limits, its gate, its words.

use super::inert::{Fate, Inert};
use super::{INSTANCES_MAX, Limits, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::egress::Gate;
use crate::witness::Witness;
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use wasmtime::ResourceLimiter;
use wasmtime_wasi::{WasiCtxView, WasiView};

/// Lines that one call may say, and their bytes: enough for debugging, too little for flooding.
const LINES_MAX: u32 = 200;
const LINE_BYTES_TOTAL_MAX: usize = 64 * 1024;

/// Longest line that is shown of the guest's last words.
const LAST_WORDS_CHARS_MAX: usize = 200;

/// Who is running, for every sentence about it.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) connector: String,
    pub(crate) version: String,
    pub(crate) connection: Option<String>,
}

impl std::fmt::Display for Who {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "connector `{}` {}", self.connector, self.version)?;
        match &self.connection {
            Some(connection) => write!(formatter, " on connection `{connection}`"),
            None => Ok(()),
        }
    }
}

/// Everything of one call. Dropped with its store.
pub(crate) struct CallState {
    pub(crate) who: Arc<Who>,
    pub(crate) limits: Limits,
    pub(crate) memory: MemoryMeter,
    pub(crate) clock: Arc<GuestClock>,
    pub(crate) words: Words,
    /// How long it took until there was an instance.
    pub(crate) instantiation: Duration,
    /// Who wants to know what the call took.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// Absent in the pure phase: there is no way out at all.
    pub(crate) gate: Option<Gate>,
    fate: Fate,
    /// Made when the guest first asks for anything of it.
    inert: Option<Inert>,
}

impl CallState {
    pub(crate) fn new(who: Arc<Who>, limits: Limits, fate: Fate, gate: Option<Gate>) -> CallState {
        let witness = gate.as_ref().and_then(|gate| gate.witness.clone());
        CallState {
            who,
            limits,
            memory: MemoryMeter::new(limits.memory_bytes),
            clock: Arc::default(),
            words: Words::default(),
            instantiation: Duration::ZERO,
            witness,
            gate,
            fate,
            inert: None,
        }
    }

    /// What the guest said last, to operators or on its standard error.
    pub(crate) fn last_words(&self) -> Option<String> {
        let printed = || {
            let last = self.inert.as_ref()?.last_words()?;
            Some(last.escape_debug().take(LAST_WORDS_CHARS_MAX).collect())
        };
        self.words.last_error().map(str::to_owned).or_else(printed)
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let fate = self.fate;
        self.inert.get_or_insert_with(|| Inert::new(fate)).view()
    }
}

/// Sums linear memory over the whole store; wasmtime's own limiter counts each memory alone.
pub(crate) struct MemoryMeter {
    used: usize,
    limit: usize,
    pub(crate) exceeded: bool,
}

impl MemoryMeter {
    /// A meter of a fresh store that may hold `limit` bytes.
    pub(crate) fn new(limit: usize) -> MemoryMeter {
        MemoryMeter { used: 0, limit, exceeded: false }
    }

    /// Linear memory until now, in bytes. It never shrinks, so at the end of a call it is the most that was used.
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if self.limit < wanted {
            self.exceeded = true;
            // Refusing with `false` would let the guest try for ever.
            wasmtime::bail!("more memory than its class allows");
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

/// Counts the time in which guest code itself runs. Waiting for the host is not the guest's fault, and neither is waiting
/// for a core: from the first tick on that meets it computing, a guest is counted by what its thread computes, so that
/// on a machine that has too much to do a good one has its time all the same. How long a call may take by the clock on the wall
/// is another limit.
#[derive(Default)]
pub(crate) struct GuestClock(Mutex<Running>);

#[derive(Default)]
struct Running {
    used: Duration,
    since: Option<Span>,
}

/// A span in which the guest has control.
struct Span {
    begun: Instant,
    /// The thread on which it began, and what that had computed. It is asked at ticks alone: that takes longer than a
    /// short call.
    computed: Option<(ThreadId, Duration)>,
}

impl Span {
    /// What counts of it. Of one that went on on another thread, as fuel lets guests do, it is what passed.
    fn length(&self) -> Duration {
        let passed = monotonic().duration_since(self.begun);
        match self.computed {
            Some((thread, before)) if thread == thread::current().id() => {
                passed.min(computed().saturating_sub(before))
            }
            Some(_) | None => passed,
        }
    }
}

/// What this thread has computed since there is one.
fn computed() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec), u32::try_from(spent.tv_nsec));
    // It is never below zero.
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

impl GuestClock {
    /// The guest begins or goes on.
    pub(crate) fn resume(&self) {
        crate::lock::locked(&self.0).since = Some(Span { begun: monotonic(), computed: None });
    }

    /// The host has control.
    pub(crate) fn pause(&self) {
        let mut running = crate::lock::locked(&self.0);
        if let Some(span) = running.since.take() {
            running.used += span.length();
        }
    }

    /// A tick has come while the guest has control; what it used so far.
    pub(crate) fn tick(&self) -> Duration {
        let mut running = crate::lock::locked(&self.0);
        if let Some(span) = running.since.take() {
            running.used += span.length();
            let computed = Some((thread::current().id(), computed()));
            running.since = Some(Span { begun: monotonic(), computed });
        }
        running.used
    }

    /// What the guest used so far.
    pub(crate) fn used(&self) -> Duration {
        let running = crate::lock::locked(&self.0);
        running.used + running.since.as_ref().map_or(Duration::ZERO, Span::length)
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures a span and is never a moment of record")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// What the guest says to operators.
#[derive(Default)]
pub(crate) struct Words {
    lines: u32,
    bytes: usize,
    dropped: u32,
    last_error: Option<String>,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Words {
    /// Takes one line: escaped, counted, and dropped beyond the limit.
    pub(crate) fn say(&mut self, who: &Who, level: Level, line: &str) {
        self.lines = self.lines.saturating_add(1);
        self.bytes = self.bytes.saturating_add(line.len());
        if LINES_MAX < self.lines || LINE_BYTES_TOTAL_MAX < self.bytes {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let line = line.escape_debug().to_string();
        let Who { connector, version, .. } = who;
        let connection = who.connection.as_deref().unwrap_or_default();
        match level {
            Level::Debug => {
                tracing::debug!(target: "connector", blame = "connector", connector, version, connection, "{line}")
            }
            Level::Info => {
                tracing::info!(target: "connector", blame = "connector", connector, version, connection, "{line}")
            }
            Level::Warn => {
                tracing::warn!(target: "connector", blame = "connector", connector, version, connection, "{line}")
            }
            Level::Error => {
                tracing::error!(target: "connector", blame = "connector", connector, version, connection, "{line}")
            }
        }
        if level == Level::Error {
            self.last_error = Some(line.chars().take(LAST_WORDS_CHARS_MAX).collect());
        }
    }

    /// The last error line, which is where the SDK says why it panics.
    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Lines that went over the limit.
    pub(crate) fn dropped(&self) -> u32 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHILE: Duration = Duration::from_millis(200);
    const WORK: Duration = Duration::from_millis(20);

    #[test]
    fn a_guest_that_waits_for_a_core_uses_nothing_up_and_one_that_computes_does() {
        let clock = GuestClock::default();
        clock.resume();
        let before = clock.tick();
        std::thread::sleep(WHILE);
        assert!(clock.tick() - before < WHILE / 2, "a thread that has no core computes nothing");
        let (before, begun) = (clock.tick(), computed());
        while computed() - begun < WORK {}
        assert!((WORK..WHILE).contains(&(clock.used() - before)), "{before:?}, {:?}", clock.used());
        clock.pause();
        let used = clock.used();
        // While the host has control, nothing counts, whatever ticks.
        while computed() - begun < WORK * 2 {}
        assert_eq!((clock.tick(), clock.used()), (used, used));
    }

    #[test]
    fn what_no_tick_has_met_or_goes_on_on_another_thread_took_what_passed() {
        for is_met in [false, true] {
            let clock = Arc::new(GuestClock::default());
            clock.resume();
            if is_met {
                clock.tick();
            }
            std::thread::sleep(WORK);
            let elsewhere = Arc::clone(&clock);
            let used = std::thread::spawn(move || {
                elsewhere.pause();
                elsewhere.used()
            });
            let used = used.join().expect("it ends");
            assert!(WORK <= used, "{used:?}");
            assert_eq!(clock.used(), used);
        }
    }

    #[test]
    fn memory_is_summed_over_the_store() {
        let mut meter = MemoryMeter::new(100);
        assert!(meter.memory_growing(0, 60, None).is_ok());
        assert!(meter.memory_growing(0, 30, None).is_ok(), "a second memory");
        assert!(meter.memory_growing(30, 50, None).is_err(), "110 together");
        assert!(meter.exceeded);
    }

    #[test]
    fn a_flood_of_lines_is_dropped_and_counted() {
        let who = Who { connector: "a".into(), version: "1.0.0".into(), connection: None };
        let mut words = Words::default();
        for _ in 0..LINES_MAX + 7 {
            words.say(&who, Level::Error, "x\ny\u{1b}[31m");
        }
        assert_eq!(words.dropped(), 7);
        assert_eq!(words.last_error(), Some("x\\ny\\u{1b}[31m"));
        let mut words = Words::default();
        words.say(&who, Level::Info, &"x".repeat(LINE_BYTES_TOTAL_MAX + 1));
        assert_eq!(words.dropped(), 1);
    }
}
