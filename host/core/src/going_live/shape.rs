//! What a trial shows of an intent type, as one digest: if one of these parts changes, it was never tried.

use crate::canonical;
use crate::hash::Digest;
use crate::id::{ConnectionName, IntentTypeName, PersonId, PoolName};
use crate::intent::{Binding, Enforcement, IntentType, Trigger, Write};
use serde::Serialize;

#[derive(Serialize)]
struct Shape<'a> {
    name: &'a IntentTypeName,
    owner: &'a PoolName,
    fallback_owner: &'a PersonId,
    source: &'a ConnectionName,
    trigger: &'a Trigger,
    destinations: &'a [ConnectionName],
    bindings: &'a [Binding],
    writes: &'a [Write],
    /// A type whose decisions were only recorded has never written anything.
    advisory: bool,
}

/// The digest of what a trial shows: owner, fallback owner, source, trigger, destinations, bindings, writes, and
/// whether anything is written at all. Nothing if it has no canonical form; no type that was read is so.
#[must_use]
pub fn shape(schema: &IntentType) -> Option<Digest> {
    let shape = Shape {
        name: &schema.name,
        owner: &schema.owner,
        fallback_owner: &schema.fallback_owner,
        source: &schema.source,
        trigger: &schema.trigger,
        destinations: &schema.destinations,
        bindings: &schema.bindings,
        writes: &schema.writes,
        advisory: schema.enforcement == Enforcement::Advisory,
    };
    canonical::to_vec(&shape).ok().map(|bytes| Digest::of(&bytes))
}
