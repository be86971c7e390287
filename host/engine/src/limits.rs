//! The engine's limits, each with its unit and its reason.

/// Most errands that are worked on or wait for a connection at one time. Above it they stay in the
/// store, where they cost nothing.
pub const ERRANDS_IN_FLIGHT_MAX: usize = 1_024;

/// Most approvals whose state is kept in memory between commands. One that waits for a person is
/// not kept: it is read again when somebody decides.
pub const APPROVALS_HOT_MAX: usize = 4_096;

/// Longest time between two looks at the store for due errands, in milliseconds. Commits wake the
/// scheduler at once; this bounds what a jump of the wall clock can delay.
pub const SCHEDULE_WAIT_MS_MAX: u64 = 1_000;

/// How often a command is decided again after another one came first.
pub const CONFLICTS_MAX: u32 = 8;

/// Delay before an errand is looked at again after the store or the engine failed on it, in
/// milliseconds.
pub const ERRAND_FAULT_DELAY_MS: u64 = 1_000;

/// Most rows that are read to compute one counter over the log.
pub const COUNTER_ROWS_MAX: usize = 10_000;

/// Most attempts at one connection at one time, if its manifest and the operator say nothing.
pub const CONNECTION_CONCURRENT_DEFAULT: usize = 16;

/// Longest idempotency key of a caller, in bytes.
pub const CALLER_KEY_BYTES_MAX: usize = 255;

/// Most facts and plans that are read at one time for one approval.
pub const PREPARE_READS_AT_ONCE: usize = 8;

/// How long the verdict of one attempt waits for the attempts of the same approval that still run,
/// in milliseconds, so that they are recorded in one commit. Effects of one approval begin at the
/// same moment, so most end within it.
pub const VERDICT_WAIT_MS: u64 = 2;

/// Most versions of policies that a log can hold: all of them are read at the start.
pub const PUBLISHED_MAX: usize = 10_000;

/// Most changes of policies that are proved at one time: each keeps a core busy.
pub const PROOFS_AT_ONCE: usize = 2;
