//! What is known of a build that this runtime compiled and heard here before: enough to serve it again without reading
//! the component, asking it twice, or compiling it.
//!
//! It is kept beside the native code, under a mark of this machine, and lost with it.

use crate::compile::Compiler;
use crate::contract::Description;
use crate::manifest::Manifest;
use crate::package::Inspected;
use countersign_core::hash::Digest;
use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

/// A component as it was read, and what it said of itself, twice the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    size: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    manifest: String,
    description: Description,
}

/// What serves a build again: native code, what was read of the component, what it said.
pub(super) struct Ready {
    pub(super) component: Component,
    pub(super) inspected: Inspected,
    pub(super) description: Description,
}

/// What is known of a build; none if it must be read and compiled. Blocks.
pub(super) fn recall(compiler: &Compiler, digest: Digest) -> Option<Ready> {
    let known: Known = serde_json::from_slice(&compiler.noted(digest)?).ok()?;
    // What this host would not take any more is read once more, and refused in words.
    let manifest = Manifest::parse(&known.manifest).ok()?;
    let Known { size, imports, exports, manifest: manifest_text, description } = known;
    let inspected = Inspected { digest, size, imports, exports, manifest, manifest_text };
    Some(Ready { component: compiler.cached(digest)?, inspected, description })
}

/// Keeps what is known of a build. A start that finds nothing is slower, not wrong.
pub(super) fn keep(compiler: &Compiler, inspected: &Inspected, description: &Description) {
    let known = Known {
        size: inspected.size,
        imports: inspected.imports.clone(),
        exports: inspected.exports.clone(),
        manifest: inspected.manifest_text.clone(),
        description: description.clone(),
    };
    let kept = match serde_json::to_vec(&known) {
        Ok(note) => compiler.note(inspected.digest, &note).map_err(|fault| fault.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = kept {
        tracing::warn!(blame = "host", why, "what is known of a connector was not kept");
    }
}
