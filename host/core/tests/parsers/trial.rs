//! What a parser may take, and where chance begins: shared by the suites that give parsers texts from chance.
//!
//! | variable | what | default |
//! |---|---|---|
//! | `BUDGET_SECONDS` | time of the whole kill suite; such a suite takes a tenth of it | 40 |
//! | `SEED` | the first round, the others count up from it | 1; the clock's if the budget is raised |

use crate::chance::Chance;
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time of the whole kill suite where nobody raised it, in seconds.
const BUDGET_SECONDS: u64 = 40;
/// The share of the kill suite's time that one suite takes: one part of so many.
const BUDGET_PARTS: u32 = 10;
/// Fewest rounds, however slow the machine is.
const ROUNDS_MIN: u64 = 20;
/// Longest time on the processor that one text may take.
const PARSE_MS_MAX: u128 = 1_000;
/// Most memory that a trial may take beyond what stood at its beginning.
const MEMORY_KIB_MAX: u64 = 256 * 1024;
/// How often somebody looks after a parser that is still at work.
const LOOK_MS: u64 = 100;
/// After so many looks at one text it hangs: even a busy machine gives it its second by then.
const LOOKS_MAX: u32 = 600;
/// So much memory of the whole process, and it is ended before it takes the machine's.
const PROCESS_KIB_MAX: u64 = 2 * 1024 * 1024;

thread_local! {
    /// The seed of the round that this thread is in.
    static ROUND: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The trials of a process take turns: the memory of one would be counted with that of another.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}={text}` is no number")))
}

#[expect(clippy::disallowed_methods, reason = "the budget of a test is real time")]
fn now() -> Instant {
    Instant::now()
}

/// Time of this thread on the processor: on a busy machine the clock says nothing.
fn on_processor() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

/// What the process says of its memory: `VmRSS`, what it has; `VmHWM`, the most that it had.
fn memory_kib(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Where chance begins. What runs with every change is the same each time; what is given more time than that, such as
/// every night, begins elsewhere each time.
fn first_seed(budget: u64) -> u64 {
    if let Some(seed) = number("SEED") {
        return seed;
    }
    if budget <= BUDGET_SECONDS {
        return 1;
    }
    #[expect(clippy::disallowed_methods, reason = "a seed that nobody has tried")]
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    // Past what holds the output of a test back: a process that is ended by a full stack says nothing any more.
    drop(writeln!(std::io::stderr(), "chance begins at SEED={seed}"));
    seed
}

/// What became of the rounds that did not fail.
#[derive(Debug)]
pub(crate) struct Rounds {
    first: u64,
    count: u64,
    grown_kib: u64,
    took: Duration,
}

impl fmt::Display for Rounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rounds { first, count, grown_kib, took } = self;
        write!(formatter, "{count} rounds from SEED={first}, {grown_kib} KiB more at most, in {took:?}")
    }
}

/// Runs rounds until the time is over, each with chance of its own.
pub(crate) fn rounds(mut round: impl FnMut(&mut Chance)) -> Rounds {
    let seconds = number("BUDGET_SECONDS").unwrap_or(BUDGET_SECONDS);
    let budget = Duration::from_secs(seconds) / BUDGET_PARTS;
    let first = first_seed(seconds);
    let began = now();
    let mut count = 0;
    let ((), grown_kib) = bounded("all rounds", || {
        while count < ROUNDS_MIN || began.elapsed() < budget {
            let seed = first.wrapping_add(count);
            ROUND.set(Some(seed));
            round(&mut Chance(seed));
            count += 1;
        }
        ROUND.set(None);
    });
    Rounds { first, count, grown_kib, took: began.elapsed() }
}

/// Runs something that must not take much memory, and says how much it took, in KiB.
pub(crate) fn bounded<T>(what: &str, run: impl FnOnce() -> T) -> (T, u64) {
    // The most that the process ever had begins anew; where that is not allowed, less is seen.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory_kib("VmHWM:");
    let done = run();
    let grown = memory_kib("VmHWM:").saturating_sub(before);
    assert!(grown <= MEMORY_KIB_MAX, "{what} took {grown} KiB more than stood at the beginning");
    (done, grown)
}

/// Runs a parser on one text, and what must be true of what it read. `text` is what is shown if it fails.
pub(crate) fn survives<T>(what: &str, text: &str, parse: impl FnOnce(&str) -> T) -> T {
    let again = ROUND.get().map_or_else(String::new, |seed| format!(" (SEED={seed} begins with it)"));
    let told = |why: &str| format!("{what} {why}{again}: {text:?}");
    let (done, at_work) = channel::<()>();
    let (result, took) = thread::scope(|scope| {
        let told = &told;
        scope.spawn(move || look_after(&at_work, told));
        let before = on_processor();
        let result = catch_unwind(AssertUnwindSafe(|| parse(text)));
        drop(done);
        (result, on_processor().saturating_sub(before))
    });
    let result = result.unwrap_or_else(|panic| panic!("{}", told(&format!("fails: {}", said(&*panic)))));
    assert!(
        took.as_millis() <= PARSE_MS_MAX,
        "{}",
        told(&format!("takes {took:?} for {} bytes", text.len()))
    );
    result
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panics")
}

/// Ends the process if a parser neither ends nor stays small: nothing else would.
fn look_after(at_work: &Receiver<()>, told: impl Fn(&str) -> String) {
    for look in 1.. {
        match at_work.recv_timeout(Duration::from_millis(LOOK_MS)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let why = match memory_kib("VmRSS:") {
            much if PROCESS_KIB_MAX < much => format!("eats the memory: the process has {much} KiB"),
            _ if LOOKS_MAX < look => "hangs".to_owned(),
            _ => continue,
        };
        drop(writeln!(std::io::stderr(), "{}", told(&why)));
        std::process::abort();
    }
}
