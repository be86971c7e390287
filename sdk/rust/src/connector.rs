//! The one trait that a connector implements.

use crate::context::Context;
use crate::describe::Descriptor;
use crate::effect::{Effect, Finding, Page, Proposal, Receipt, Snapshot, WritePlan};
use crate::failure::Failure;
use crate::value::RecordRef;

/// A connector to one kind of system.
///
/// Each call is made on a fresh value: nothing is kept between calls, and everything that a
/// call needs comes in as an argument, as a setting or as an answer of the target.
pub trait Connector: Default {
    /// Says what the connector is, from constants.
    fn describe(&self) -> Descriptor;

    /// Says whether the connection works: address, credential, permissions. Phase: read.
    ///
    /// # Errors
    /// `denied` for a credential that does not work, `transient` for a target that is away.
    fn check(&self, context: &Context<'_>) -> Result<(), Failure>;

    /// Reads one record. Phase: read.
    ///
    /// # Errors
    /// [`Failure::not_found`] for a record that is gone.
    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure>;

    /// Lists what changed at the vendor, for targets that can tell. By default nothing, and the
    /// host reads each record by itself. Phase: read.
    ///
    /// # Errors
    /// As the target's answers demand.
    fn changes(
        &self,
        _context: &Context<'_>,
        _kind: &str,
        _cursor: Option<&str>,
        _limit: u32,
    ) -> Result<Page, Failure> {
        Ok(Page::default())
    }

    /// Says what [`apply`](Connector::apply) would write. The same state at the vendor gives
    /// the same plan. Phase: read.
    ///
    /// # Errors
    /// `rejected` for a wish that can never be granted.
    fn plan(&self, context: &Context<'_>, what: &Proposal, now_ms: u64) -> Result<WritePlan, Failure>;

    /// Makes one attempt: writes `effect.plan.changes` and nothing else, in named steps whose
    /// bytes are the same in every attempt. Phase: write.
    ///
    /// # Errors
    /// The case says what is known of the write; see [`Failure`].
    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure>;

    /// Says whether the effect landed. Finds it by its id or by the plan, never by guessing.
    /// Phase: read.
    ///
    /// # Errors
    /// As the target's answers demand.
    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure>;
}
