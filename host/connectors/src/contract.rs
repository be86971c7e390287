//! The connector contract as the host sees it: one trait, one shim a contract version.
//!
//! The version is chosen once, when a connector is loaded; from then on nobody asks for it.

mod v1;

use crate::fault::{ConnectorFault, FaultCode};
use crate::sandbox::{CallState, Outcome, Pace, Room, Who};
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::{Failure, Finding, Receipt};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Asked, Operation, Page};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) system: String,
    pub(crate) operations: Vec<Operation>,
    /// The kinds of record of whose changes it tells.
    pub(crate) tells: Vec<String>,
}

/// One attempt or probe, as the guest sees it.
#[derive(Debug, Clone)]
pub(crate) struct EffectView {
    pub(crate) effect: EffectId,
    pub(crate) attempt: u32,
    pub(crate) what: Proposal,
    pub(crate) plan: WritePlan,
    pub(crate) now: Timestamp,
}

/// What one call gave: the answer or the failure that the guest named, or how it broke.
pub(crate) type Said<T> = Outcome<Result<T, Failure>>;

/// A loaded connector behind its contract version. Every call runs in a store of its own.
pub(crate) trait Contract: Send + Sync {
    fn describe(&self, state: CallState) -> BoxFuture<'_, Outcome<Description>>;
    fn check(&self, state: CallState) -> BoxFuture<'_, Said<()>>;
    fn fetch(&self, state: CallState, subject: RecordRef) -> BoxFuture<'_, Said<Snapshot>>;
    fn changes(&self, state: CallState, asked: Asked) -> BoxFuture<'_, Said<Page>>;
    fn plan(&self, state: CallState, what: Proposal, now: Timestamp) -> BoxFuture<'_, Said<WritePlan>>;
    fn apply(&self, state: CallState, what: EffectView) -> BoxFuture<'_, Said<Receipt>>;
    fn probe(&self, state: CallState, what: EffectView) -> BoxFuture<'_, Said<Finding>>;
    fn undo(&self, state: CallState, what: EffectView, landed: Receipt) -> BoxFuture<'_, Said<Receipt>>;
    fn probe_undo(&self, state: CallState, what: EffectView, landed: Receipt)
    -> BoxFuture<'_, Said<Finding>>;
    fn interpret(
        &self,
        state: CallState,
        what: Delivery,
        received: Timestamp,
    ) -> BoxFuture<'_, Said<Vec<RecordRef>>>;
    fn receive(
        &self,
        state: CallState,
        what: Delivery,
        received: Timestamp,
    ) -> BoxFuture<'_, Said<Vec<Draft>>>;
    /// What it exports beside what every connector has.
    fn exports(&self) -> Exports;
}

/// What a connector exports beside what every one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Exports {
    /// Whether it can write at all.
    pub(crate) writes: bool,
    /// Whether it can take anything back.
    pub(crate) undoes: bool,
    /// Whether it says which records a delivery is about.
    pub(crate) interprets: bool,
    /// Whether it asks for intents.
    pub(crate) brings: bool,
}

/// Links a component against the contract that its manifest names; each call takes so much of the pool.
pub(crate) fn bind(
    version: &str,
    component: &Component,
    (room, pace): (Option<Room>, Pace),
    who: &Who,
) -> Result<Box<dyn Contract>, ConnectorFault> {
    match version.split_once('.').map(|(major, _)| major) {
        Some("1") => Ok(Box::new(v1::Bound::link(component, (room, pace), who)?)),
        // The manifest check has refused every version that no shim is for.
        Some(_) | None => {
            let what = format!("{who} was built for contract `{version}`, for which this host has no shim");
            Err(ConnectorFault::host(FaultCode::BadManifest, what))
        }
    }
}
