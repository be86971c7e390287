//! What is true: the words of countersign as types, and the pure functions over them.
//!
//! Nothing in here waits, reads, writes, draws or asks what time it is. Given the same arguments
//! every function gives the same answer, on every machine, for ever; that is what lets the log be
//! replayed and a decision be checked years later.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::float_arithmetic,
        clippy::wildcard_enum_match_arm,
        clippy::arithmetic_side_effects,
        clippy::unreachable
    )
)]

pub mod access;
pub mod adopt;
pub mod approval;
pub mod break_glass;
pub mod budget;
pub mod built_in;
pub mod canonical;
pub mod clock;
pub mod connection;
pub mod connector;
pub mod delivery;
pub mod denied;
pub mod document;
pub mod effect;
pub mod entry;
pub mod evidence;
pub mod exception;
pub mod exchange;
pub mod going_live;
pub mod hash;
pub mod id;
pub mod intent;
pub mod log;
pub mod measure;
pub mod money;
pub mod notice;
pub mod override_;
pub mod people;
pub mod policy;
pub mod publish;
pub mod record;
pub mod rulebook;
pub mod seal;
pub mod shared_change;
pub mod time;
