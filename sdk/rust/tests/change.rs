//! What `countersign connector new` writes for a target in which a record is changed, tested as its author would
//! test it.

extern crate self as acme_quotes;

#[path = "../template/change/tests/quotes.rs"]
mod quotes;
#[path = "../template/change/src/lib.rs"]
mod template;

pub use template::Quotes;
