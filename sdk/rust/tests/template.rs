//! What `countersign connector new` writes, tested as its author would test it.

extern crate self as acme_orders;

#[path = "../template/tests/orders.rs"]
mod orders;
#[path = "../template/src/lib.rs"]
mod template;

pub use template::Orders;
