//! Exit codes: what scripts can rely on.

/// Done.
pub const DONE: u8 = 0;
/// The answer is no: a check, test or verification failed.
pub const NO: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// Wrong configuration.
pub const CONFIGURATION: u8 = 3;
/// The server cannot be reached.
pub const UNREACHABLE: u8 = 4;
/// Refused: authorization, segregation of duties, policy.
pub const REFUSED: u8 = 5;
/// Conflict: stale revision, broken seal.
pub const CONFLICT: u8 = 6;
/// Our bug.
pub const BUG: u8 = 70;
/// Temporary: try again.
pub const TEMPORARY: u8 = 75;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;
