//! The ports: what the engine needs of the world, as traits worded in `core` types.
//!
//! Each has a real adapter in a crate of its own and a simple twin for tests, so a whole test
//! world is `engine` + memory store + scripted connectors + simulated clock, without WASM, disk
//! or socket.

pub mod anchor;
pub mod catalogue;
pub mod clock;
pub mod components;
pub mod connectors;
pub mod exchange;
pub mod hashes;
pub mod identity;
pub mod notifier;
pub mod store;

/// What every asynchronous port method returns: a boxed future, so that ports stay object-safe.
pub type Answer<'a, T> = futures::future::BoxFuture<'a, T>;
