//! The log: the append-only, hash-linked record of everything. It is also the source of truth.

pub mod chain;
