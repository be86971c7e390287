//! Contract 1: bindings from the WIT, the host's side of the imports, and the calls.

mod convert;

use super::{Contract, Description, EffectView, Exports, Said};
use crate::egress;
use crate::fault::{ConnectorFault, FaultCode};
use crate::sandbox::{CallState, Level, NotAllowed, Outcome, Pace, Room, Session, Who, guard};
use bindings::countersign::connector::{diagnostics, http, settings, types};
use bindings::exports::countersign::connector::{compensator, identity, intake, reader, webhooks, writer};
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::{Break, BreakKind, Finding, Receipt};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Asked, Page};
use futures::future::BoxFuture;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/connector@1.0.0",
        world: "full-connector",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

/// A component linked against contract 1.
pub(super) struct Bound {
    instance: InstancePre<CallState>,
    /// What each call takes of the pool, if there is one.
    room: Option<Room>,
    /// Whether its calls compute for long.
    pace: Arc<Pace>,
    identity: identity::GuestIndices,
    reader: reader::GuestIndices,
    /// Absent in a connector that only reads. Exports are found by their presence.
    writer: Option<writer::GuestIndices>,
    /// Absent in a connector that takes nothing back.
    compensator: Option<compensator::GuestIndices>,
    /// Absent in a connector that is told nothing.
    webhooks: Option<webhooks::GuestIndices>,
    /// Absent in a connector that brings nothing in.
    intake: Option<intake::GuestIndices>,
}

impl Bound {
    pub(super) fn link(
        component: &Component,
        (room, pace): (Option<Room>, Pace),
        who: &Who,
    ) -> Result<Bound, ConnectorFault> {
        let cause = |error: &wasmtime::Error| crate::package::one_line(&format!("{error:#}"));
        let mut linker = Linker::<CallState>::new(component.engine());
        http::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .and_then(|()| settings::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state))
            .and_then(|()| diagnostics::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state))
            .and_then(|()| types::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state))
            .and_then(|()| inert_wasi(component, &mut linker))
            .map_err(|error| ConnectorFault::host(FaultCode::Runtime, cause(&error)))?;
        let instance = linker.instantiate_pre(component).map_err(|error| {
            let what = format!(
                "{who} does not link with contract 1.0: {}; build it with the SDK of 1.0",
                cause(&error)
            );
            ConnectorFault::connector(FaultCode::UnknownImport, what)
        })?;
        let missing = |error: wasmtime::Error| {
            let what = format!(
                "{who} lacks an export that every connector has: {}; build it with the SDK",
                cause(&error)
            );
            ConnectorFault::connector(FaultCode::MissingExport, what)
        };
        let identity = identity::GuestIndices::new(&instance).map_err(missing)?;
        let reader = reader::GuestIndices::new(&instance).map_err(missing)?;
        let writer = writer::GuestIndices::new(&instance).ok();
        let compensator = compensator::GuestIndices::new(&instance).ok();
        let webhooks = webhooks::GuestIndices::new(&instance).ok();
        let intake = intake::GuestIndices::new(&instance).ok();
        let pace = Arc::new(pace);
        Ok(Bound { instance, room, pace, identity, reader, writer, compensator, webhooks, intake })
    }

    /// Runs one call of an export on an instance of its own; gives who was called with what came of it.
    async fn call<T>(
        &self,
        state: CallState,
        work: impl AsyncFnOnce(&mut Store<CallState>, &Instance) -> wasmtime::Result<T>,
    ) -> (Arc<Who>, Outcome<T>) {
        let (who, wall) = (Arc::clone(&state.who), state.limits.wall);
        // INVARIANT: it is given back behind the store, which is dropped first.
        let _taken = match &self.room {
            Some(room) => room.taken().await,
            None => None,
        };
        let mut session = Session::open(self.instance.engine(), state, &self.pace);
        let turn = session.turn.clone();
        let work = async {
            let instance = session.instance(&self.instance).await?;
            work(&mut session.store, &instance).await
        };
        let answer = guard(wall, turn.given_back_by(work)).await;
        (who, session.close(answer))
    }

    fn writer(&self, who: &Who) -> Outcome<&writer::GuestIndices> {
        self.writer.as_ref().ok_or_else(|| bad_answer(who, "it has no `writer`, so it cannot write"))
    }

    fn compensator(&self, who: &Who) -> Outcome<&compensator::GuestIndices> {
        let what = "it has no `compensator`, so it takes nothing back";
        self.compensator.as_ref().ok_or_else(|| bad_answer(who, what))
    }
}

/// Links WASI for a component that wants any of it; there is nothing behind it ([`crate::sandbox`]).
fn inert_wasi(component: &Component, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let wanted = component.component_type();
    if wanted.imports(component.engine()).any(|(name, _)| name.starts_with("wasi:")) {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
    }
    Ok(())
}

/// Reads what a guest answered; what is malformed in it breaks the call.
fn read<G, T>(
    who: &Who,
    answer: Result<G, types::Failure>,
    convert: impl FnOnce(G) -> Result<T, String>,
) -> Said<T> {
    let read = match answer {
        Ok(answer) => convert(answer).map(Ok),
        Err(failure) => convert::failure_in(failure).map(Err),
    };
    read.map_err(|what| bad_answer(who, &what))
}

fn bad_answer(who: &Who, what: &str) -> Break {
    let message = format!("{who} answered outside of the contract: {what}; report it to its author");
    Break { kind: BreakKind::BadAnswer, message }
}

impl Contract for Bound {
    fn describe(&self, state: CallState) -> BoxFuture<'_, Outcome<Description>> {
        Box::pin(async move {
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                self.identity.load(&mut *store, instance)?.call_describe(store).await
            };
            let (who, answer) = self.call(state, work).await;
            convert::description_in(answer?).map_err(|what| bad_answer(&who, &what))
        })
    }

    fn check(&self, state: CallState) -> BoxFuture<'_, Said<()>> {
        Box::pin(async move {
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                self.reader.load(&mut *store, instance)?.call_check(store).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, Ok)
        })
    }

    fn fetch(&self, state: CallState, subject: RecordRef) -> BoxFuture<'_, Said<Snapshot>> {
        Box::pin(async move {
            let subject = convert::record_out(&subject);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                self.reader.load(&mut *store, instance)?.call_fetch(store, &subject).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::snapshot_in)
        })
    }

    fn changes(&self, state: CallState, asked: Asked) -> BoxFuture<'_, Said<Page>> {
        Box::pin(async move {
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                let reader = self.reader.load(&mut *store, instance)?;
                let (cursor, now) = (asked.cursor.as_deref(), convert::millis(asked.now));
                reader.call_changes(store, &asked.kind, cursor, asked.limit, now).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, |page| convert::page_in(page, asked.limit))
        })
    }

    fn plan(&self, state: CallState, what: Proposal, now: Timestamp) -> BoxFuture<'_, Said<WritePlan>> {
        Box::pin(async move {
            let writer = self.writer(&state.who)?;
            let proposal = convert::proposal_out(&what);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                writer.load(&mut *store, instance)?.call_plan(store, &proposal, convert::millis(now)).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::plan_in)
        })
    }

    fn apply(&self, state: CallState, what: EffectView) -> BoxFuture<'_, Said<Receipt>> {
        Box::pin(async move {
            let writer = self.writer(&state.who)?;
            let effect = convert::effect_out(&what);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                writer.load(&mut *store, instance)?.call_apply(store, &effect).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::receipt_in)
        })
    }

    fn probe(&self, state: CallState, what: EffectView) -> BoxFuture<'_, Said<Finding>> {
        Box::pin(async move {
            let writer = self.writer(&state.who)?;
            let effect = convert::effect_out(&what);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                writer.load(&mut *store, instance)?.call_probe(store, &effect).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::finding_in)
        })
    }

    fn undo(&self, state: CallState, what: EffectView, landed: Receipt) -> BoxFuture<'_, Said<Receipt>> {
        Box::pin(async move {
            let compensator = self.compensator(&state.who)?;
            let (effect, landed) = (convert::effect_out(&what), convert::receipt_out(&landed));
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                compensator.load(&mut *store, instance)?.call_undo(store, &effect, &landed).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::receipt_in)
        })
    }

    fn probe_undo(
        &self,
        state: CallState,
        what: EffectView,
        landed: Receipt,
    ) -> BoxFuture<'_, Said<Finding>> {
        Box::pin(async move {
            let compensator = self.compensator(&state.who)?;
            let (effect, landed) = (convert::effect_out(&what), convert::receipt_out(&landed));
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                compensator.load(&mut *store, instance)?.call_probe_undo(store, &effect, &landed).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::finding_in)
        })
    }

    fn interpret(
        &self,
        state: CallState,
        what: Delivery,
        received: Timestamp,
    ) -> BoxFuture<'_, Said<Vec<RecordRef>>> {
        Box::pin(async move {
            let missing = || bad_answer(&state.who, "it has no `webhooks`, so it is told nothing");
            let webhooks = self.webhooks.as_ref().ok_or_else(missing)?;
            let delivery = convert::delivery_out(what, received);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                webhooks.load(&mut *store, instance)?.call_interpret(store, &delivery).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::records_in)
        })
    }

    fn receive(
        &self,
        state: CallState,
        what: Delivery,
        received: Timestamp,
    ) -> BoxFuture<'_, Said<Vec<Draft>>> {
        Box::pin(async move {
            let missing = || bad_answer(&state.who, "it has no `intake`, so it brings nothing in");
            let intake = self.intake.as_ref().ok_or_else(missing)?;
            let delivery = convert::delivery_out(what, received);
            let work = async |store: &mut Store<CallState>, instance: &Instance| {
                intake.load(&mut *store, instance)?.call_receive(store, &delivery).await
            };
            let (who, answer) = self.call(state, work).await;
            read(&who, answer?, convert::drafts_in)
        })
    }

    fn exports(&self) -> Exports {
        Exports {
            writes: self.writer.is_some(),
            undoes: self.compensator.is_some(),
            interprets: self.webhooks.is_some(),
            brings: self.intake.is_some(),
        }
    }
}

impl types::Host for CallState {}

impl http::Host for CallState {
    async fn send(
        &mut self,
        what: http::Request,
    ) -> wasmtime::Result<Result<http::Response, types::Failure>> {
        let Some(gate) = &mut self.gate else {
            return Err(NotAllowed("tried to send a request while it described itself").into());
        };
        let Some(method) = egress::Method::named(&what.method) else {
            return Ok(Err(convert::failure_out(&egress::unknown_method(&what.method))));
        };
        let request = egress::Request {
            endpoint: what.endpoint,
            method,
            path: what.path,
            query: what.query,
            headers: what.headers,
            body: match what.body {
                types::Payload::Empty => Vec::new(),
                types::Payload::Text(text) => text.into_bytes(),
                types::Payload::Bytes(bytes) => bytes,
            },
            purpose: match what.purpose {
                http::Purpose::Read => egress::Purpose::Read,
                http::Purpose::Step(name) => egress::Purpose::Step(name),
            },
        };
        Ok(match gate.send(request).await {
            Ok(response) => Ok(http::Response {
                status: response.status,
                headers: response.headers,
                body: convert::payload_out(response.body),
                extra: Vec::new(),
            }),
            Err(failure) => Err(convert::failure_out(&failure)),
        })
    }
}

impl settings::Host for CallState {
    async fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        match &self.gate {
            Some(gate) => Ok(gate.grant.settings.get(&name).cloned()),
            None => Err(NotAllowed("tried to read a setting while it described itself").into()),
        }
    }
}

impl diagnostics::Host for CallState {
    async fn emit(
        &mut self,
        level: diagnostics::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            diagnostics::Level::Debug => Level::Debug,
            diagnostics::Level::Info => Level::Info,
            diagnostics::Level::Warn => Level::Warn,
            diagnostics::Level::Error => Level::Error,
        };
        match &self.gate {
            None => return Err(NotAllowed("tried to speak while it described itself").into()),
            Some(gate) => {
                let hide = |text: String| {
                    let endpoints = gate.grant.endpoints.values();
                    let bytes =
                        endpoints.fold(text.into_bytes(), |bytes, endpoint| endpoint.credential.hide(bytes));
                    String::from_utf8_lossy(&bytes).into_owned()
                };
                let line = fields.into_iter().fold(hide(message), |line, (name, value)| {
                    format!("{line} {}={}", hide(name), hide(value))
                });
                if let Some(witness) = &gate.witness {
                    witness.said(&line);
                }
                self.words.say(&self.who, level, &line);
            }
        }
        Ok(())
    }
}
