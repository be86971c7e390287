//! The component's glue: a [`Connector`] behind the exports of the contract.
//!
//! Only compiled for WebAssembly. Everything in here converts between the generated bindings and
//! the SDK's own types; nothing decides anything.

mod convert;
mod memory;

use crate::connector::{Compensator, Connector, Intake, Webhooks};
use crate::context::{Context, Host, Level};
use crate::failure::Failure;
use crate::http::{Request, Response};
use crate::sound;
use bindings::countersign::connector::{diagnostics, http, settings, types};
use bindings::exports::countersign::connector::{identity, reader, writer};
use intake_bindings::exports::countersign::connector::intake;
use std::marker::PhantomData;
use std::sync::Once;
use undo_bindings::exports::countersign::connector::compensator;
use webhook_bindings::exports::countersign::connector::webhooks;

/// Generated from `wit/`. The canonical ABI passes raw pointers; all of the SDK's unsafe code is in here.
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit/connector@1.0.0",
        world: "connector",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "countersign_sdk::guest::bindings",
    });
}

/// The same for the one interface that only some connectors export. It shares the types of the others.
#[doc(hidden)]
pub mod undo_bindings {
    wit_bindgen::generate!({
        path: "wit/connector@1.0.0",
        inline: "package countersign:sdk;
            world compensating {
                export countersign:connector/compensator@1.0.0;
            }",
        world: "countersign:sdk/compensating",
        with: { "countersign:connector/types@1.0.0": super::bindings::countersign::connector::types },
        pub_export_macro: true,
        export_macro_name: "export_compensator",
        default_bindings_module: "countersign_sdk::guest::undo_bindings",
    });
}

/// The same for connectors that are told of changes.
#[doc(hidden)]
pub mod webhook_bindings {
    wit_bindgen::generate!({
        path: "wit/connector@1.0.0",
        inline: "package countersign:sdk;
            world told {
                export countersign:connector/webhooks@1.0.0;
            }",
        world: "countersign:sdk/told",
        with: { "countersign:connector/types@1.0.0": super::bindings::countersign::connector::types },
        pub_export_macro: true,
        export_macro_name: "export_webhooks",
        default_bindings_module: "countersign_sdk::guest::webhook_bindings",
    });
}

/// The same for connectors that ask for intents.
#[doc(hidden)]
pub mod intake_bindings {
    wit_bindgen::generate!({
        path: "wit/connector@1.0.0",
        inline: "package countersign:sdk;
            world asking {
                export countersign:connector/intake@1.0.0;
            }",
        world: "countersign:sdk/asking",
        with: { "countersign:connector/types@1.0.0": super::bindings::countersign::connector::types },
        pub_export_macro: true,
        export_macro_name: "export_intake",
        default_bindings_module: "countersign_sdk::guest::intake_bindings",
    });
}

/// The host behind the imports.
struct Imports;

impl Host for Imports {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        http::send(&convert::request(request)).map(convert::response).map_err(convert::failure_from_host)
    }

    fn setting(&self, name: &str) -> Option<String> {
        settings::get(name)
    }

    fn emit(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let level = match level {
            Level::Debug => diagnostics::Level::Debug,
            Level::Info => diagnostics::Level::Info,
            Level::Warn => diagnostics::Level::Warn,
            Level::Error => diagnostics::Level::Error,
        };
        diagnostics::emit(level, message, &fields);
    }
}

/// The exports over the connector `C`.
#[derive(Debug)]
pub struct Component<C>(PhantomData<C>);

/// `wasm32-unknown-unknown` has no stderr, so the words of a panic would be lost with its trap.
fn speak_when_panicking() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            Imports.emit(Level::Error, &panic.to_string(), &[("code", crate::failure::CONNECTOR_BUG)]);
        }));
    });
}

/// Runs one call over a fresh connector; `sound` looks at what it gives.
fn call<C: Connector, T>(
    sound: impl FnOnce(T) -> Result<T, Failure>,
    run: impl FnOnce(&C, &Context<'_>) -> Result<T, Failure>,
) -> Result<T, types::Failure> {
    speak_when_panicking();
    run(&C::default(), &Context::new(&Imports)).and_then(sound).map_err(convert::failure)
}

impl<C: Connector> identity::Guest for Component<C> {
    fn describe() -> identity::Descriptor {
        // No hook here: every import traps during `describe`.
        convert::descriptor(C::default().describe())
    }
}

impl<C: Connector> reader::Guest for Component<C> {
    fn fetch(subject: types::RecordRef) -> Result<types::Snapshot, types::Failure> {
        call(sound::read, |connector: &C, context| {
            connector.fetch(context, &convert::record_from_host(subject))
        })
        .map(convert::snapshot)
    }

    fn changes(
        kind: String,
        cursor: Option<String>,
        limit: u32,
        now_ms: u64,
    ) -> Result<reader::Page, types::Failure> {
        call(sound::read, |connector: &C, context| {
            connector.changes(context, &kind, cursor.as_deref(), limit, now_ms)
        })
        .map(convert::page)
    }

    fn check() -> Result<(), types::Failure> {
        call(sound::read, |connector: &C, context| connector.check(context))
    }
}

impl<C: Connector> writer::Guest for Component<C> {
    fn plan(what: types::Proposal, now_ms: u64) -> Result<types::WritePlan, types::Failure> {
        call(sound::read, |connector: &C, context| {
            connector.plan(context, &convert::proposal_from_host(what), now_ms)
        })
        .map(convert::plan)
    }

    fn apply(what: types::Effect) -> Result<types::Receipt, types::Failure> {
        call(sound::written, |connector: &C, context| {
            connector.apply(context, &convert::effect_from_host(what))
        })
        .map(convert::receipt)
    }

    fn probe(what: types::Effect) -> Result<types::Finding, types::Failure> {
        call(sound::read, |connector: &C, context| connector.probe(context, &convert::effect_from_host(what)))
            .map(convert::finding)
    }
}

impl<C: Compensator> compensator::Guest for Component<C> {
    fn undo(what: types::Effect, landed: types::Receipt) -> Result<types::Receipt, types::Failure> {
        call(sound::written, |connector: &C, context| {
            let (effect, landed) = (convert::effect_from_host(what), convert::receipt_from_host(landed));
            connector.undo(context, &effect, &landed)
        })
        .map(convert::receipt)
    }

    fn probe_undo(what: types::Effect, landed: types::Receipt) -> Result<types::Finding, types::Failure> {
        call(sound::read, |connector: &C, context| {
            let (effect, landed) = (convert::effect_from_host(what), convert::receipt_from_host(landed));
            connector.probe_undo(context, &effect, &landed)
        })
        .map(convert::finding)
    }
}

impl<C: Webhooks> webhooks::Guest for Component<C> {
    fn interpret(what: types::Delivery) -> Result<Vec<types::RecordRef>, types::Failure> {
        call(sound::read, |connector: &C, context| {
            connector.interpret(context, &convert::delivery_from_host(what))
        })
        .map(convert::records)
    }
}

impl<C: Intake> intake::Guest for Component<C> {
    fn receive(what: types::Delivery) -> Result<Vec<types::DraftIntent>, types::Failure> {
        call(sound::read, |connector: &C, context| {
            connector.receive(context, &convert::delivery_from_host(what))
        })
        .map(convert::drafts)
    }
}
