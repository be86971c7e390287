//! Effects: one approved change to one system, from its plan to its receipt.

pub mod attempt;
pub mod key;
pub mod life;
pub mod plan;
pub mod reconcile;
pub mod retry;
