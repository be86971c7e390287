//! Conversions between contract 1 and `core`, with a check of every size and shape on the way in.
//!
//! Whatever a guest answers is foreign until it has passed through here.

use super::{identity, reader, types};
use crate::contract::{Description, EffectView};
use countersign_core::delivery::{Body, Delivery, Draft};
use countersign_core::effect::attempt::{Detail, Failure, Finding, Guarantee, Receipt};
use countersign_core::effect::plan::{Change, FIELDS_MAX, Proposal, WritePlan};
use countersign_core::intent::value::Day;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{Field, RecordRef, Snapshot, Value};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::connectors::{Changed, Operation, Page};
use std::collections::BTreeSet;

/// One text value: a contract clause fits many times.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Names, codes, ids, revisions.
const NAME_BYTES_MAX: usize = 200;
/// Ids and revisions are opaque and sometimes long (cursors, addresses).
const ID_BYTES_MAX: usize = 2_048;
/// One line for people.
const MESSAGE_BYTES_MAX: usize = 1_000;
/// Operations of one connector, and remarks of one plan.
const OPERATIONS_MAX: usize = 100;
const REMARKS_MAX: usize = 20;
/// What a receipt adds.
const EXTRA_MAX: usize = 32;

type Checked<T> = Result<T, String>;

fn short(what: &str, text: String, bytes_max: usize) -> Checked<String> {
    if text.len() <= bytes_max {
        Ok(text)
    } else {
        Err(format!("{what} has {} bytes; {bytes_max} are allowed", text.len()))
    }
}

fn optional(what: &str, text: Option<String>) -> Checked<Option<String>> {
    text.map(|text| short(what, text, ID_BYTES_MAX)).transpose()
}

fn name(what: &str, text: String) -> Checked<String> {
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    short(what, text, NAME_BYTES_MAX)
}

pub(super) fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.0).unwrap_or(0)
}

pub(super) fn record_out(record: &RecordRef) -> types::RecordRef {
    types::RecordRef { kind: record.kind.clone(), id: record.id.clone() }
}

fn record_in(record: types::RecordRef) -> Checked<RecordRef> {
    Ok(RecordRef {
        kind: name("the kind of a record", record.kind)?,
        id: short("the id of a record", record.id, ID_BYTES_MAX)?,
    })
}

fn value_out(value: &Value) -> types::Value {
    match value {
        Value::Absent => types::Value::Absent,
        Value::Flag(flag) => types::Value::Flag(*flag),
        Value::Integer(number) => types::Value::Integer(*number),
        Value::Decimal(text) => types::Value::Decimal(text.clone()),
        Value::Text(text) => types::Value::Text(text.clone()),
        Value::Date(text) => types::Value::Date(text.clone()),
        Value::Instant(moment) => types::Value::InstantMs(millis(*moment)),
        Value::Money(money) => {
            types::Value::Money(types::Money { amount: money.amount(), currency: money.currency.to_string() })
        }
        Value::Reference(record) => types::Value::Reference(record_out(record)),
        Value::Json(text) => types::Value::Json(text.clone()),
    }
}

fn value_in(of: &str, value: types::Value) -> Checked<Value> {
    let what = || format!("the value of `{}`", of.escape_debug());
    Ok(match value {
        types::Value::Absent => Value::Absent,
        types::Value::Flag(flag) => Value::Flag(flag),
        types::Value::Integer(number) => Value::Integer(number),
        types::Value::Decimal(text) if is_decimal(&text) => Value::Decimal(text),
        types::Value::Decimal(_) => return Err(format!("{} is no decimal number", what())),
        types::Value::Text(text) => Value::Text(short(&what(), text, TEXT_BYTES_MAX)?),
        types::Value::Date(text) if Day::parse(&text).is_some() => Value::Date(text),
        types::Value::Date(_) => return Err(format!("{} is no date such as 2026-11-23", what())),
        types::Value::InstantMs(moment) => {
            let moment =
                i64::try_from(moment).map_err(|_| format!("{} lies beyond all calendars", what()))?;
            Value::Instant(Timestamp(moment))
        }
        types::Value::Money(money) => {
            let currency =
                Currency::parse(&money.currency).map_err(|error| format!("{}: {error}", what()))?;
            Value::Money(
                Money::parse(&money.amount, currency).map_err(|error| format!("{}: {error}", what()))?,
            )
        }
        types::Value::Reference(record) => Value::Reference(record_in(record)?),
        types::Value::Json(text) => {
            let text = short(&what(), text, TEXT_BYTES_MAX)?;
            serde_json::from_str::<serde::de::IgnoredAny>(&text)
                .map_err(|_| format!("{} is no JSON", what()))?;
            Value::Json(text)
        }
    })
}

/// An optional `-`, digits, optionally `.` and digits.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits =
        |part: &str| !part.is_empty() && part.len() <= 40 && part.bytes().all(|byte| byte.is_ascii_digit());
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

fn fields_out(fields: &[Field]) -> Vec<types::Field> {
    fields
        .iter()
        .map(|field| types::Field { name: field.name.clone(), value: value_out(&field.value) })
        .collect()
}

fn fields_in(what: &str, fields: Vec<types::Field>) -> Checked<Vec<Field>> {
    let mut names = Names::of(what, fields.len())?;
    let field = |field: types::Field| {
        let name = names.take(field.name)?;
        Ok(Field { value: value_in(&name, field.value)?, name })
    };
    fields.into_iter().map(field).collect()
}

/// Names of which each may stand once.
struct Names<'w> {
    what: &'w str,
    seen: BTreeSet<String>,
}

impl Names<'_> {
    fn of(what: &str, count: usize) -> Checked<Names<'_>> {
        if FIELDS_MAX < count {
            return Err(format!("{what} has {count} fields; {FIELDS_MAX} are allowed"));
        }
        Ok(Names { what, seen: BTreeSet::new() })
    }

    fn take(&mut self, text: String) -> Checked<String> {
        let text = name(&format!("a field name of {}", self.what), text)?;
        if self.seen.insert(text.clone()) {
            Ok(text)
        } else {
            Err(format!("{} has field `{}` twice", self.what, text.escape_debug()))
        }
    }
}

pub(super) fn snapshot_in(snapshot: types::Snapshot) -> Checked<Snapshot> {
    Ok(Snapshot {
        subject: record_in(snapshot.subject)?,
        revision: optional("the revision", snapshot.revision)?,
        url: web_address(snapshot.url)?,
        fields: fields_in("the snapshot", snapshot.fields)?,
    })
}

/// A person will click on it, so it must be a web address.
fn web_address(url: Option<String>) -> Checked<Option<String>> {
    let url = optional("the web address", url)?;
    match &url {
        Some(text) if !text.starts_with("https://") && !text.starts_with("http://") => {
            Err("the web address is neither http nor https".to_owned())
        }
        Some(_) | None => Ok(url),
    }
}

pub(super) fn proposal_out(proposal: &Proposal) -> types::Proposal {
    types::Proposal {
        operation: proposal.operation.clone(),
        subject: record_out(&proposal.subject),
        fields: fields_out(&proposal.fields),
        extra: Vec::new(),
    }
}

fn plan_out(plan: &WritePlan) -> types::WritePlan {
    let change = |change: &Change| types::Change {
        name: change.name.clone(),
        before: value_out(&change.before),
        after: value_out(&change.after),
    };
    types::WritePlan {
        subject: record_out(&plan.subject),
        revision: plan.revision.clone(),
        changes: plan.changes.iter().map(change).collect(),
        remarks: plan.remarks.clone(),
        extra: Vec::new(),
    }
}

pub(super) fn plan_in(plan: types::WritePlan) -> Checked<WritePlan> {
    if REMARKS_MAX < plan.remarks.len() {
        return Err(format!("the plan has {} remarks; {REMARKS_MAX} are allowed", plan.remarks.len()));
    }
    let mut names = Names::of("the plan", plan.changes.len())?;
    let change = |change: types::Change| {
        let name = names.take(change.name)?;
        Ok(Change { before: value_in(&name, change.before)?, after: value_in(&name, change.after)?, name })
    };
    Ok(WritePlan {
        subject: record_in(plan.subject)?,
        revision: optional("the revision", plan.revision)?,
        changes: plan.changes.into_iter().map(change).collect::<Checked<_>>()?,
        // Approvers read it: nothing of it is left out.
        remarks: plan
            .remarks
            .into_iter()
            .map(|text| Ok(line(&short("a remark", text, MESSAGE_BYTES_MAX)?)))
            .collect::<Checked<_>>()?,
    })
}

/// One page of changed records: the host reads each itself, and what it must know of it is which one, and its revision.
pub(super) fn page_in(page: reader::Page, limit: u32) -> Checked<Page> {
    if usize::try_from(limit).unwrap_or(usize::MAX) < page.items.len() {
        return Err(format!("{} changed records where at most {limit} were asked for", page.items.len()));
    }
    if !page.items.is_empty() && page.next.is_none() {
        return Err("a page of changed records that does not say where to go on".to_owned());
    }
    let item = |item: types::Snapshot| {
        Ok(Changed { subject: record_in(item.subject)?, revision: optional("the revision", item.revision)? })
    };
    let items = page.items.into_iter().map(item).collect::<Checked<_>>()?;
    Ok(Page { items, next: optional("the cursor", page.next)? })
}

/// The kinds of record of whose changes a connector says that it tells.
fn tells(extra: &[(String, String)]) -> Checked<Vec<String>> {
    let named = extra.iter().filter(|(key, _)| key == "changes");
    let kinds = named.flat_map(|(_, kinds)| kinds.split(','));
    kinds.map(|kind| name("a kind of record in `changes`", kind.trim().to_owned())).collect()
}

pub(super) fn effect_out(view: &EffectView) -> types::Effect {
    types::Effect {
        effect_id: view.effect.to_string(),
        attempt: view.attempt,
        what: proposal_out(&view.what),
        plan: plan_out(&view.plan),
        now_ms: millis(view.now),
        extra: Vec::new(),
    }
}

pub(super) fn receipt_out(receipt: &Receipt) -> types::Receipt {
    types::Receipt {
        subject: record_out(&receipt.subject),
        revision: receipt.revision.clone(),
        url: receipt.url.clone(),
        vendor_request_id: receipt.vendor_request_id.clone(),
        applied: fields_out(&receipt.applied),
        extra: receipt.extra.clone(),
    }
}

pub(super) fn receipt_in(receipt: types::Receipt) -> Checked<Receipt> {
    Ok(Receipt {
        subject: record_in(receipt.subject)?,
        revision: optional("the revision", receipt.revision)?,
        url: web_address(receipt.url)?,
        vendor_request_id: optional("the vendor's request id", receipt.vendor_request_id)?,
        applied: fields_in("the receipt", receipt.applied)?,
        extra: extra_in(receipt.extra)?,
    })
}

/// What a connector adds under names of its own: kept as it is, and given back with the receipt.
fn extra_in(extra: Vec<(String, String)>) -> Checked<Vec<(String, String)>> {
    if EXTRA_MAX < extra.len() {
        return Err(format!("`extra` has {} names and not {EXTRA_MAX} at most", extra.len()));
    }
    let one = |(key, value)| {
        Ok((name("a name in `extra`", key)?, short("a text in `extra`", value, ID_BYTES_MAX)?))
    };
    extra.into_iter().map(one).collect()
}

pub(super) fn finding_in(finding: types::Finding) -> Checked<Finding> {
    Ok(match finding {
        types::Finding::Landed(receipt) => Finding::Landed(receipt_in(receipt)?),
        types::Finding::Absent => Finding::Absent,
        types::Finding::Unknown => Finding::Unknown,
    })
}

/// One line for people: control characters, line breaks too, are shown as escapes, and what is too long is cut.
/// The case of a failure decides; that somebody said too much about it takes nothing from it.
fn line(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(MESSAGE_BYTES_MAX)).unwrap_or_default();
    let shown = |letter: char| match letter {
        letter if letter.is_control() => letter.escape_debug().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

fn detail_in(detail: types::Detail) -> Checked<Detail> {
    Ok(Detail {
        code: line(&short("the code of a failure", detail.code, NAME_BYTES_MAX)?),
        message: line(&detail.message),
        vendor_status: detail.vendor_status,
        vendor_request_id: optional("the vendor's request id", detail.vendor_request_id)?,
    })
}

fn detail_out(detail: &Detail) -> types::Detail {
    types::Detail {
        code: detail.code.clone(),
        message: detail.message.clone(),
        vendor_status: detail.vendor_status,
        vendor_request_id: detail.vendor_request_id.clone(),
        extra: Vec::new(),
    }
}

pub(super) fn failure_in(failure: types::Failure) -> Checked<Failure> {
    Ok(match failure {
        types::Failure::Transient(transient) => {
            Failure::Transient { after: transient.after_ms.map(Millis), detail: detail_in(transient.detail)? }
        }
        types::Failure::Rejected(rejected) => {
            if FIELDS_MAX < rejected.fields.len() {
                return Err("a failure names too many fields".to_owned());
            }
            let fields = rejected.fields.into_iter().map(|field| name("a field of a failure", field));
            Failure::Rejected { fields: fields.collect::<Checked<_>>()?, detail: detail_in(rejected.detail)? }
        }
        types::Failure::Conflict(conflict) => Failure::Conflict {
            revision: optional("the revision", conflict.revision)?,
            detail: detail_in(conflict.detail)?,
        },
        types::Failure::Denied(detail) => Failure::Denied(detail_in(detail)?),
        types::Failure::Uncertain(detail) => Failure::Uncertain(detail_in(detail)?),
    })
}

pub(super) fn failure_out(failure: &Failure) -> types::Failure {
    match failure {
        Failure::Transient { after, detail } => types::Failure::Transient(types::Transient {
            after_ms: after.map(|after| after.0),
            detail: detail_out(detail),
        }),
        Failure::Rejected { fields, detail } => {
            types::Failure::Rejected(types::Rejected { fields: fields.clone(), detail: detail_out(detail) })
        }
        Failure::Conflict { revision, detail } => types::Failure::Conflict(types::Conflict {
            revision: revision.clone(),
            detail: detail_out(detail),
        }),
        Failure::Denied(detail) => types::Failure::Denied(detail_out(detail)),
        Failure::Uncertain(detail) => types::Failure::Uncertain(detail_out(detail)),
    }
}

pub(super) fn delivery_out(delivery: Delivery, received: Timestamp) -> types::Delivery {
    types::Delivery {
        hook: delivery.hook,
        headers: delivery.headers,
        body: match delivery.body {
            Body::Text(text) if text.is_empty() => types::Payload::Empty,
            Body::Text(text) => types::Payload::Text(text),
            Body::Bytes(bytes) => types::Payload::Bytes(bytes),
        },
        received_ms: millis(received),
        extra: Vec::new(),
    }
}

pub(super) fn records_in(records: Vec<types::RecordRef>) -> Checked<Vec<RecordRef>> {
    records.into_iter().map(record_in).collect()
}

pub(super) fn drafts_in(drafts: Vec<types::DraftIntent>) -> Checked<Vec<Draft>> {
    let draft = |draft: types::DraftIntent| {
        Ok(Draft {
            intent_type: short("the intent type of a draft", draft.intent_type, ID_BYTES_MAX)?,
            source: record_in(draft.source)?,
            fields: fields_in("the draft", draft.fields)?,
            dedupe_key: short("the `dedupe-key` of a draft", draft.dedupe_key, ID_BYTES_MAX)?,
            requester: optional("the requester of a draft", draft.requester)?,
        })
    };
    drafts.into_iter().map(draft).collect()
}

/// Text whenever it is text: some guest languages have no decoder of their own.
pub(super) fn payload_out(body: Vec<u8>) -> types::Payload {
    if body.is_empty() {
        return types::Payload::Empty;
    }
    String::from_utf8(body)
        .map_or_else(|error| types::Payload::Bytes(error.into_bytes()), types::Payload::Text)
}

pub(super) fn description_in(descriptor: identity::Descriptor) -> Checked<Description> {
    if OPERATIONS_MAX < descriptor.operations.len() {
        return Err(format!("it describes more than {OPERATIONS_MAX} operations"));
    }
    let mut seen = BTreeSet::new();
    let operation = |operation: identity::Operation| {
        let known = name("the name of an operation", operation.name)?;
        if !seen.insert(known.clone()) {
            return Err(format!("it describes operation `{}` twice", known.escape_debug()));
        }
        let input_schema = short("an input schema", operation.input_schema, TEXT_BYTES_MAX)?;
        serde_json::from_str::<serde::de::IgnoredAny>(&input_schema)
            .map_err(|_| format!("the input schema of operation `{}` is no JSON", known.escape_debug()))?;
        Ok(Operation {
            name: known,
            kind: name("the kind of an operation", operation.kind)?,
            input_schema,
            guarantee: match operation.guarantee {
                identity::Guarantee::ByKey => Guarantee::ByKey,
                identity::Guarantee::ByNaturalKey => Guarantee::ByNaturalKey,
                identity::Guarantee::ByProbe => Guarantee::ByProbe,
                identity::Guarantee::Blind => Guarantee::Blind,
            },
            reversible: operation.reversible,
        })
    };
    Ok(Description {
        name: name("its name", descriptor.name)?,
        version: name("its version", descriptor.version)?,
        system: name("its system", descriptor.system)?,
        operations: descriptor.operations.into_iter().map(operation).collect::<Checked<_>>()?,
        tells: tells(&descriptor.extra)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> types::Value {
        types::Value::Money(types::Money { amount: amount.to_owned(), currency: currency.to_owned() })
    }

    #[test]
    fn a_malformed_value_is_named_and_refused() {
        let check = |value: types::Value, expected: &str| {
            assert_eq!(value_in("price", value).expect_err("it is malformed"), expected);
        };
        check(money("1e3", "USD"), "the value of `price`: not a decimal number such as `1250.00`");
        check(
            money("0.001", "USD"),
            "the value of `price`: finer than the currency, which has 2 digits behind the point",
        );
        check(money("1", "usd"), "the value of `price`: not a currency code such as `USD`");
        check(types::Value::Decimal("NaN".into()), "the value of `price` is no decimal number");
        check(types::Value::Date("2026-02-30".into()), "the value of `price` is no date such as 2026-11-23");
        check(types::Value::Json("{".into()), "the value of `price` is no JSON");
        check(types::Value::InstantMs(u64::MAX), "the value of `price` lies beyond all calendars");
        let long = types::Value::Text("x".repeat(TEXT_BYTES_MAX + 1));
        check(long, "the value of `price` has 262145 bytes; 262144 are allowed");
    }

    #[test]
    fn a_value_comes_back_as_it_went() {
        let record = RecordRef { kind: "customer".into(), id: "cus_1".into() };
        let usd = Currency::parse("USD").expect("it is a code");
        for value in [
            Value::Absent,
            Value::Flag(true),
            Value::Integer(-7),
            Value::Decimal("12.5".into()),
            Value::Text("é\n".into()),
            Value::Date("2026-11-23".into()),
            Value::Date("9999-12-31".into()),
            Value::Instant(Timestamp(7)),
            Value::Money(Money { minor: -350, currency: usd }),
            Value::Reference(record),
            Value::Json("{\"a\":[1]}".into()),
        ] {
            assert_eq!(value_in("x", value_out(&value)), Ok(value));
        }
    }

    #[test]
    fn a_field_stands_once() {
        let field = |name: &str| types::Field { name: name.to_owned(), value: types::Value::Absent };
        assert!(fields_in("the snapshot", vec![field("a"), field("b")]).is_ok());
        let twice = fields_in("the snapshot", vec![field("a"), field("a")]);
        assert_eq!(twice.expect_err("it stands twice"), "the snapshot has field `a` twice");
        let many = (0..=FIELDS_MAX).map(|number| field(&number.to_string())).collect();
        assert!(fields_in("the snapshot", many).is_err());
        assert!(fields_in("the snapshot", vec![field("")]).is_err());
    }

    #[test]
    fn a_plan_comes_whole_or_not_at_all() {
        let value = || types::Value::Text("x".to_owned());
        let change = |name: usize| types::Change { name: name.to_string(), before: value(), after: value() };
        let plan = |count: usize| types::WritePlan {
            subject: types::RecordRef { kind: "quote".to_owned(), id: "q-1".to_owned() },
            revision: None,
            changes: (0..count).map(change).collect(),
            remarks: Vec::new(),
            extra: Vec::new(),
        };
        assert_eq!(plan_in(plan(FIELDS_MAX)).expect("it fits").changes.len(), FIELDS_MAX);
        let fault = plan_in(plan(FIELDS_MAX + 1)).expect_err("it does not fit");
        assert_eq!(fault, "the plan has 501 fields; 500 are allowed");
    }

    #[test]
    fn words_for_people_stay_on_one_line_and_links_are_web_addresses() {
        assert_eq!(line("a\nb\u{1b}[0m"), "a\\nb\\u{1b}[0m");
        let long = format!("{}é", "x".repeat(MESSAGE_BYTES_MAX - 1));
        assert_eq!(line(&long).len(), MESSAGE_BYTES_MAX - 1, "cut between two letters");
        assert!(web_address(Some("javascript:alert(1)".to_owned())).is_err());
        assert!(web_address(Some("https://example.com/1".to_owned())).is_ok());
    }
}
