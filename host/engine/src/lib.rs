//! What happens next: the ports, the command loop, the effect worker and the timers.
//!
//! The engine is the only caller of `core`'s transition tables and the only caller of the ports.
//! Write, then act: events and their errands are stored in one commit, and workers act after it.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod adopt;
mod beside;
mod budget;
mod connections;
pub mod connectors;
pub mod contributions;
mod count;
pub mod denied;
mod effects;
pub mod engine;
pub mod errands;
mod fail_open;
pub mod fault;
mod follow;
mod gates;
mod going_live;
pub mod grown;
mod handle;
pub mod history;
pub mod inbox;
mod jumps;
pub mod limits;
pub mod log_tree;
pub mod measures;
pub mod memory;
mod metrics;
mod notices;
pub mod outages;
mod overrides;
pub mod people;
mod place;
pub mod port;
mod prepare;
pub mod publish;
pub mod reconcile;
mod records;
pub mod restored;
mod review;
pub mod row;
mod schedule;
pub mod shadow;
pub mod simulated;
pub mod task;
mod watch;
