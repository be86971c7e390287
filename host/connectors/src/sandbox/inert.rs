//! WASI that reaches nothing, for guests whose language runtime wants one.
//!
//! There is no file, no socket, no variable and no argument; the clock stands at the moment of the call and
//! counts how often it is asked; chance is the same in every attempt at an effect. What the guest prints is kept
//! as far as its last words matter. A guest may wait: that is real time, and ends with the time of its call.

use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView};

/// Handles of WASI in one call.
const RESOURCES_MAX: usize = 512;
/// Random bytes that a guest may ask for at once.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;
/// Different random bytes of one call; then they come again.
const RANDOM_BYTES: usize = 4 * 1024;
/// What is kept of all that a guest prints, from the end.
const PRINTED_BYTES_MAX: usize = 8 * 1024;
/// How far the clock goes each time it is read, in nanoseconds.
const STEP_NANOS: u64 = 1_000_000;

/// The moment and the chance of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) now: Timestamp,
    pub(crate) seed: Digest,
}

/// The inert WASI of one call.
pub(crate) struct Inert {
    ctx: WasiCtx,
    table: ResourceTable,
    printed: Printed,
}

impl Inert {
    pub(crate) fn new(fate: Fate) -> Inert {
        let printed = Printed::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let ctx = WasiCtx::builder()
            .stdout(printed.clone())
            .stderr(printed.clone())
            .secure_random(Deterministic::new(chance(&fate.seed)))
            .insecure_random(Deterministic::new(chance(&fate.seed)))
            .insecure_random_seed(fate.seed.first_bits())
            .max_random_size(RANDOM_BYTES_MAX)
            .wall_clock(Standing(fate.now))
            .monotonic_clock(Counting::default())
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Inert { ctx, table, printed }
    }

    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }

    /// The last line that the guest printed.
    pub(crate) fn last_words(&self) -> Option<String> {
        let printed = crate::lock::locked(&self.printed.0);
        let text = String::from_utf8_lossy(&printed);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

/// Bytes that the seed alone decides.
fn chance(seed: &Digest) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RANDOM_BYTES);
    let mut block = *seed;
    while bytes.len() < RANDOM_BYTES {
        block = Digest::of_parts(&[b"countersign inert chance", &block.0]);
        bytes.extend_from_slice(&block.0);
    }
    bytes
}

/// A wall clock that stands.
struct Standing(Timestamp);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.0).unwrap_or(0))
    }
}

/// A monotonic clock that counts its readings.
#[derive(Default)]
struct Counting(AtomicU64);

impl HostMonotonicClock for Counting {
    fn resolution(&self) -> u64 {
        STEP_NANOS
    }

    fn now(&self) -> u64 {
        self.0.fetch_add(STEP_NANOS, Ordering::Relaxed)
    }
}

/// What a guest printed, the end of it.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Printed {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut printed = crate::lock::locked(&self.0);
        printed.extend_from_slice(bytes);
        let beyond = printed.len().saturating_sub(PRINTED_BYTES_MAX);
        printed.drain(..beyond);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_call_has_the_same_chance_and_another_call_another() {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        assert_eq!(chance(&one), chance(&one));
        assert_ne!(chance(&one), chance(&other));
        assert_eq!(chance(&one).len(), RANDOM_BYTES);
    }

    #[test]
    fn the_clock_stands_and_the_other_one_counts() {
        let standing = Standing(Timestamp(1_700_000_000_123));
        assert_eq!(standing.now(), standing.now());
        assert_eq!(standing.now().as_millis(), 1_700_000_000_123);
        let counting = Counting::default();
        assert_eq!((counting.now(), counting.now()), (0, STEP_NANOS));
    }

    #[test]
    fn a_flood_of_print_keeps_its_end() {
        let mut inert = Inert::new(Fate { now: Timestamp::default(), seed: Digest::of(b"") });
        let mut written = inert.printed.clone();
        let mut context = Context::from_waker(std::task::Waker::noop());
        for line in 0..10_000 {
            let text = format!("line {line}\n");
            let poll = Pin::new(&mut written).poll_write(&mut context, text.as_bytes());
            assert!(matches!(poll, Poll::Ready(Ok(length)) if length == text.len()));
        }
        assert!(crate::lock::locked(&written.0).len() <= PRINTED_BYTES_MAX);
        assert_eq!(inert.last_words().as_deref(), Some("line 9999"));
        let _ = inert.view();
    }
}
