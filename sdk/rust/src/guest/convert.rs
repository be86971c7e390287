//! Between the generated types and the SDK's own, field by field.
//!
//! The SDK's own have an `extra` where the contract documents a name for it, and nothing of the others.

use super::bindings::countersign::connector::{http, types};
use super::bindings::exports::countersign::connector::{identity, reader};
use crate::delivery::{Delivery, DraftIntent};
use crate::describe::{Descriptor, Guarantee, Operation};
use crate::effect::{Change, Effect, Finding, Page, Proposal, Receipt, Snapshot, WritePlan};
use crate::failure::{Detail, Failure};
use crate::http::{Body, Purpose, Request, Response};
use crate::value::{Field, Money, RecordRef, Value};

pub(super) fn request(request: Request) -> http::Request {
    http::Request {
        endpoint: request.endpoint,
        method: request.method.name().to_owned(),
        path: request.path,
        query: request.query,
        headers: request.headers,
        body: match request.body {
            Body::Empty => types::Payload::Empty,
            Body::Text(text) => types::Payload::Text(text),
            Body::Bytes(bytes) => types::Payload::Bytes(bytes),
        },
        purpose: match request.purpose {
            Purpose::Read => http::Purpose::Read,
            Purpose::Step(name) => http::Purpose::Step(name),
        },
        extra: Vec::new(),
    }
}

pub(super) fn response(response: http::Response) -> Response {
    Response { status: response.status, headers: response.headers, body: body_from_host(response.body) }
}

fn body_from_host(body: types::Payload) -> Body {
    match body {
        types::Payload::Empty => Body::Empty,
        types::Payload::Text(text) => Body::Text(text),
        types::Payload::Bytes(bytes) => Body::Bytes(bytes),
    }
}

pub(super) fn delivery_from_host(delivery: types::Delivery) -> Delivery {
    Delivery {
        hook: delivery.hook,
        headers: delivery.headers,
        body: body_from_host(delivery.body),
        received_ms: delivery.received_ms,
    }
}

pub(super) fn records(records: Vec<RecordRef>) -> Vec<types::RecordRef> {
    records.into_iter().map(record).collect()
}

pub(super) fn drafts(drafts: Vec<DraftIntent>) -> Vec<types::DraftIntent> {
    let draft = |draft: DraftIntent| types::DraftIntent {
        intent_type: draft.intent_type,
        source: record(draft.source),
        fields: fields(draft.fields),
        dedupe_key: draft.dedupe_key,
        requester: draft.requester,
        extra: Vec::new(),
    };
    drafts.into_iter().map(draft).collect()
}

fn detail(detail: Detail) -> types::Detail {
    types::Detail {
        code: detail.code,
        message: detail.message,
        vendor_status: detail.vendor_status,
        vendor_request_id: detail.vendor_request_id,
        extra: detail.extra,
    }
}

fn detail_from_host(detail: types::Detail) -> Detail {
    Detail {
        code: detail.code,
        message: detail.message,
        vendor_status: detail.vendor_status,
        vendor_request_id: detail.vendor_request_id,
        extra: detail.extra,
    }
}

pub(super) fn failure(failure: Failure) -> types::Failure {
    match failure {
        Failure::Transient { after_ms, detail: why } => {
            types::Failure::Transient(types::Transient { after_ms, detail: detail(*why) })
        }
        Failure::Rejected { fields, detail: why } => {
            types::Failure::Rejected(types::Rejected { fields, detail: detail(*why) })
        }
        Failure::Conflict { revision, detail: why } => {
            types::Failure::Conflict(types::Conflict { revision, detail: detail(*why) })
        }
        Failure::Denied(why) => types::Failure::Denied(detail(*why)),
        Failure::Uncertain(why) => types::Failure::Uncertain(detail(*why)),
    }
}

pub(super) fn failure_from_host(failure: types::Failure) -> Failure {
    match failure {
        types::Failure::Transient(why) => {
            Failure::Transient { after_ms: why.after_ms, detail: Box::new(detail_from_host(why.detail)) }
        }
        types::Failure::Rejected(why) => {
            Failure::Rejected { fields: why.fields, detail: Box::new(detail_from_host(why.detail)) }
        }
        types::Failure::Conflict(why) => {
            Failure::Conflict { revision: why.revision, detail: Box::new(detail_from_host(why.detail)) }
        }
        types::Failure::Denied(why) => Failure::Denied(Box::new(detail_from_host(why))),
        types::Failure::Uncertain(why) => Failure::Uncertain(Box::new(detail_from_host(why))),
    }
}

fn record(record: RecordRef) -> types::RecordRef {
    types::RecordRef { kind: record.kind, id: record.id }
}

pub(super) fn record_from_host(record: types::RecordRef) -> RecordRef {
    RecordRef { kind: record.kind, id: record.id }
}

fn value(value: Value) -> types::Value {
    match value {
        Value::Absent => types::Value::Absent,
        Value::Flag(flag) => types::Value::Flag(flag),
        Value::Integer(number) => types::Value::Integer(number),
        Value::Decimal(text) => types::Value::Decimal(text),
        Value::Text(text) => types::Value::Text(text),
        Value::Date(text) => types::Value::Date(text),
        Value::InstantMs(moment) => types::Value::InstantMs(moment),
        Value::Money(money) => {
            types::Value::Money(types::Money { amount: money.amount, currency: money.currency })
        }
        Value::Reference(to) => types::Value::Reference(record(to)),
        Value::Json(text) => types::Value::Json(text),
    }
}

fn value_from_host(value: types::Value) -> Value {
    match value {
        types::Value::Absent => Value::Absent,
        types::Value::Flag(flag) => Value::Flag(flag),
        types::Value::Integer(number) => Value::Integer(number),
        types::Value::Decimal(text) => Value::Decimal(text),
        types::Value::Text(text) => Value::Text(text),
        types::Value::Date(text) => Value::Date(text),
        types::Value::InstantMs(moment) => Value::InstantMs(moment),
        types::Value::Money(money) => Value::Money(Money { amount: money.amount, currency: money.currency }),
        types::Value::Reference(to) => Value::Reference(record_from_host(to)),
        types::Value::Json(text) => Value::Json(text),
    }
}

fn fields(fields: Vec<Field>) -> Vec<types::Field> {
    fields.into_iter().map(|field| types::Field { name: field.name, value: value(field.value) }).collect()
}

fn fields_from_host(fields: Vec<types::Field>) -> Vec<Field> {
    fields.into_iter().map(|field| Field { name: field.name, value: value_from_host(field.value) }).collect()
}

pub(super) fn snapshot(snapshot: Snapshot) -> types::Snapshot {
    types::Snapshot {
        subject: record(snapshot.subject),
        revision: snapshot.revision,
        url: snapshot.url,
        fields: fields(snapshot.fields),
        extra: Vec::new(),
    }
}

pub(super) fn page(page: Page) -> reader::Page {
    let items = page.items.into_iter().map(snapshot).collect();
    reader::Page { items, next: page.next, extra: Vec::new() }
}

pub(super) fn proposal_from_host(proposal: types::Proposal) -> Proposal {
    Proposal {
        operation: proposal.operation,
        subject: record_from_host(proposal.subject),
        fields: fields_from_host(proposal.fields),
    }
}

pub(super) fn plan(plan: WritePlan) -> types::WritePlan {
    let changes = plan.changes.into_iter().map(|change| types::Change {
        name: change.name,
        before: value(change.before),
        after: value(change.after),
    });
    types::WritePlan {
        subject: record(plan.subject),
        revision: plan.revision,
        changes: changes.collect(),
        remarks: plan.remarks,
        extra: Vec::new(),
    }
}

fn plan_from_host(plan: types::WritePlan) -> WritePlan {
    let changes = plan.changes.into_iter().map(|change| Change {
        name: change.name,
        before: value_from_host(change.before),
        after: value_from_host(change.after),
    });
    WritePlan {
        subject: record_from_host(plan.subject),
        revision: plan.revision,
        changes: changes.collect(),
        remarks: plan.remarks,
    }
}

pub(super) fn effect_from_host(effect: types::Effect) -> Effect {
    Effect {
        effect_id: effect.effect_id,
        attempt: effect.attempt,
        what: proposal_from_host(effect.what),
        plan: plan_from_host(effect.plan),
        now_ms: effect.now_ms,
        extra: effect.extra,
    }
}

pub(super) fn receipt(receipt: Receipt) -> types::Receipt {
    types::Receipt {
        subject: record(receipt.subject),
        revision: receipt.revision,
        url: receipt.url,
        vendor_request_id: receipt.vendor_request_id,
        applied: fields(receipt.applied),
        extra: receipt.extra,
    }
}

pub(super) fn receipt_from_host(receipt: types::Receipt) -> Receipt {
    Receipt {
        subject: record_from_host(receipt.subject),
        revision: receipt.revision,
        url: receipt.url,
        vendor_request_id: receipt.vendor_request_id,
        applied: fields_from_host(receipt.applied),
        extra: receipt.extra,
    }
}

pub(super) fn finding(finding: Finding) -> types::Finding {
    match finding {
        Finding::Landed(proof) => types::Finding::Landed(receipt(proof)),
        Finding::Absent => types::Finding::Absent,
        Finding::Unknown => types::Finding::Unknown,
    }
}

fn operation(operation: Operation) -> identity::Operation {
    identity::Operation {
        name: operation.name,
        kind: operation.kind,
        input_schema: operation.input_schema,
        guarantee: match operation.guarantee {
            Guarantee::ByKey => identity::Guarantee::ByKey,
            Guarantee::ByNaturalKey => identity::Guarantee::ByNaturalKey,
            Guarantee::ByProbe => identity::Guarantee::ByProbe,
            Guarantee::Blind => identity::Guarantee::Blind,
        },
        reversible: operation.reversible,
        extra: Vec::new(),
    }
}

pub(super) fn descriptor(descriptor: Descriptor) -> identity::Descriptor {
    identity::Descriptor {
        name: descriptor.name,
        version: descriptor.version,
        system: descriptor.system,
        kinds: descriptor.kinds,
        operations: descriptor.operations.into_iter().map(operation).collect(),
        extra: descriptor.extra,
    }
}
