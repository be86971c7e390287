//! Write a countersign connector in Rust.
//!
//! Implement [`Connector`] and name the type in [`export!`]. The same code runs inside a
//! component and, natively, in tests against a scripted target ([`testing`]).
//!
//! ```
//! use countersign_sdk::{Answer, Context, Failure, path};
//!
//! /// Reads the state of one order.
//! fn order(context: &Context<'_>, id: &str) -> Result<Answer, Failure> {
//!     context.get("api", path(["orders", id])).query("expand", "lines").read()?.ok()
//! }
//! ```
//!
//! What belongs here: the words of the contract as owned Rust types, the road from a status to a
//! failure, the glue of the component. What does not: anything about one vendor.
#![deny(missing_docs)]

mod connector;
mod context;
mod delivery;
mod describe;
mod effect;
mod failure;
mod http;
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "only the glue of a component answers a host")
)]
mod sound;
mod value;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use connector::{Compensator, Connector, Intake, Webhooks};
pub use context::{Context, Host, Level};
pub use delivery::{Delivery, DraftIntent};
pub use describe::{Descriptor, Guarantee, Operation};
pub use effect::{Change, Effect, Finding, Page, Proposal, Receipt, Snapshot, WritePlan};
pub use failure::{CONNECTOR_BUG, Detail, Failure};
pub use http::{Answer, Body, Draft, Method, Purpose, Request, Response, path};
pub use value::{Field, Money, RecordRef, Value, currency_digits};

/// Makes the component: gives the exports of the contract to a [`Connector`], and with
/// `export!(Name, compensator, webhooks, intake)` those of a [`Compensator`], of [`Webhooks`] and of an [`Intake`] too;
/// each of them may be left out.
///
/// Outside WebAssembly it does nothing, so that unit tests link natively.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::guest::Component<$connector>;
    $crate::guest::bindings::export_component!(Component with_types_in $crate::guest::bindings);
        };
    };
    ($connector:ty $(, $more:ident)+) => {
        $crate::export!($connector);
        $($crate::export!(@ $connector, $more);)+
    };
    (@ $connector:ty, compensator) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::guest::Component<$connector>;
    $crate::guest::undo_bindings::export_compensator!(Component with_types_in $crate::guest::undo_bindings);
        };
    };
    (@ $connector:ty, webhooks) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::guest::Component<$connector>;
    $crate::guest::webhook_bindings::export_webhooks!(Component with_types_in $crate::guest::webhook_bindings);
        };
    };
    (@ $connector:ty, intake) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::guest::Component<$connector>;
    $crate::guest::intake_bindings::export_intake!(Component with_types_in $crate::guest::intake_bindings);
        };
    };
}

/// The code of `README.md` compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
