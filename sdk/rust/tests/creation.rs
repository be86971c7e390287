//! What `countersign connector new` writes for a target in which something new is made, tested as its author would
//! test it.

extern crate self as acme_refunds;

#[path = "../template/creation/tests/refunds.rs"]
mod refunds;
#[path = "../template/creation/src/lib.rs"]
mod template;

pub use template::Refunds;
