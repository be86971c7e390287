//! The command line of countersign, as a library so that the suites wire the same product.
//!
//! `wire` is the only composition: it alone knows every adapter. Everything else here is arguments,
//! configuration, words for people and exit codes.

pub mod access;
pub mod anchor;
pub mod backup;
pub mod build;
pub mod bundle;
pub mod client;
pub mod command;
pub mod config;
pub mod conformance;
pub mod demo;
pub mod directory;
pub mod distribution;
pub mod exit;
pub mod formats;
pub mod log;
pub mod loopback;
pub mod materials;
pub mod output;
pub mod proving;
pub mod service;
pub mod standin;
pub mod wire;
