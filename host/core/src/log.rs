//! The log: the append-only, hash-linked record of everything. It is also the source of truth.

pub mod chain;
pub mod leaf;
pub mod note;
pub mod picked;
pub mod proof;
pub mod stored;
pub mod tile;
pub mod tree;
