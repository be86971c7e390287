//! The trait that a connector implements, and the one for those that can take back what they wrote.

use crate::context::Context;
use crate::delivery::{Delivery, DraftIntent};
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

    /// Lists what changed at the vendor, for targets that can tell: of the kinds that
    /// [`Descriptor::tells_changes_of`] names. By default nothing, and the host reads each record by itself. Phase: read.
    ///
    /// # Errors
    /// As the target's answers demand.
    fn changes(
        &self,
        _context: &Context<'_>,
        _kind: &str,
        _cursor: Option<&str>,
        _limit: u32,
        _now_ms: u64,
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

/// A connector that can take back what it wrote: export it with `export!(Name, compensator)`.
///
/// The host calls it for the operations that are described as
/// [`reversible`](crate::Operation::reversible), where another write of the same intent was refused. A compensation is
/// an effect of its own: it has an id of its own, so its steps have keys of their own, and its plan is the plan of what
/// it takes back with before and after exchanged. The plan carries no revision, since other effects of the intent may
/// have moved the record: compare the fields. Where they do not hold `before` any more, somebody has changed them
/// since, and the answer is `conflict`: what they wrote is not overwritten.
pub trait Compensator: Connector {
    /// Makes one attempt at taking back the effect that landed with this receipt. The rules of
    /// [`apply`](Connector::apply) hold. Phase: write.
    ///
    /// # Errors
    /// The case says what is known of the write; see [`Failure`].
    fn undo(&self, context: &Context<'_>, effect: &Effect, landed: &Receipt) -> Result<Receipt, Failure>;

    /// Says whether it was taken back. The rules of [`probe`](Connector::probe) hold. Phase: read.
    ///
    /// # Errors
    /// As the target's answers demand.
    fn probe_undo(
        &self,
        context: &Context<'_>,
        effect: &Effect,
        landed: &Receipt,
    ) -> Result<Finding, Failure>;
}

/// A connector that is told of changes by the vendor: export it with `export!(Name, webhooks)`, and declare its hooks in
/// the manifest (`[webhooks.NAME]`).
pub trait Webhooks: Connector {
    /// Names the records that a delivery is about; none if it concerns us not. What stands in it is never taken for the
    /// truth: the host reads each record that it watches. Phase: read.
    ///
    /// # Errors
    /// `rejected` for a delivery that is none; `transient` where it must be completed by reading and that fails: the host
    /// asks again.
    fn interpret(&self, context: &Context<'_>, delivery: &Delivery) -> Result<Vec<RecordRef>, Failure>;
}

/// A connector by which people ask for approvals where they work: export it with `export!(Name, intake)`, declare its
/// hooks, and under `[intake]` which intent types it brings in.
pub trait Intake: Connector {
    /// Says what a delivery asks for; nothing if it asks for nothing. The same delivery gives the same drafts. Phase:
    /// read, so that a thin delivery can be completed by reading.
    ///
    /// # Errors
    /// Those of [`Webhooks::interpret`].
    fn receive(&self, context: &Context<'_>, delivery: &Delivery) -> Result<Vec<DraftIntent>, Failure>;
}
