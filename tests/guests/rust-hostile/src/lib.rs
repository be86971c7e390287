//! One connector, many kinds of misbehaviour: the id of the subject says which.
//!
//! `DESCRIBE` is patched in the built module by the tests, because `describe` takes no argument
//! and may ask for nothing.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/connector@1.0.0", world: "connector" });
}

use bindings::countersign::connector::http::{self, Purpose, Request, Response};
use bindings::countersign::connector::types::{
    Change, Detail, Effect, Failure, Field, Finding, Money, Payload, Proposal, Receipt, RecordRef, Rejected,
    Snapshot, Value, WritePlan,
};
use bindings::countersign::connector::{diagnostics, settings};
use bindings::exports::countersign::connector::identity::{
    Descriptor, Guarantee, Guest as Identity, Operation,
};
use bindings::exports::countersign::connector::reader::{Guest as Reader, Page};
use bindings::exports::countersign::connector::writer::Guest as Writer;

struct Hostile;

bindings::export!(Hostile with_types_in bindings);

#[unsafe(no_mangle)]
static DESCRIBE: [u8; 16] = *b"describe=plain..";

fn describe_mode() -> u8 {
    // The first letter of the mode. Volatile, so that the compiler does not know it better.
    unsafe { core::ptr::read_volatile(&raw const DESCRIBE[9]) }
}

#[unsafe(no_mangle)]
static VERSION: [u8; 13] = *b"version=1.0.0";

fn version() -> String {
    // The same: a suite writes another one here.
    (8..VERSION.len())
        .map(|at| char::from(unsafe { core::ptr::read_volatile(&raw const VERSION[at]) }))
        .collect()
}

impl Identity for Hostile {
    fn describe() -> Descriptor {
        match describe_mode() {
            b's' => spin(),
            b't' => drop(settings::get("greeting")),
            b'h' => drop(send("GET", "/v1/ok", "", Purpose::Read)),
            _ => {}
        }
        let name = if describe_mode() == b'l' { "tests.friendly" } else { "tests.hostile" };
        let guarantee = if describe_mode() == b'n' { Guarantee::ByNaturalKey } else { Guarantee::ByKey };
        Descriptor {
            name: name.into(),
            version: version(),
            system: "hostile".into(),
            kinds: vec!["thing".into()],
            operations: vec![Operation {
                name: "write".into(),
                kind: "thing".into(),
                input_schema: "{}".into(),
                guarantee,
                reversible: false,
                extra: Vec::new(),
            }],
            extra: Vec::new(),
        }
    }
}

fn send(method: &str, path: &str, body: &str, purpose: Purpose) -> Result<Response, Failure> {
    request("api", method, path, &[], Payload::Text(body.into()), purpose)
}

fn request(
    endpoint: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Payload,
    purpose: Purpose,
) -> Result<Response, Failure> {
    http::send(&Request {
        endpoint: endpoint.into(),
        method: method.into(),
        path: path.into(),
        query: Vec::new(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body,
        purpose,
        extra: Vec::new(),
    })
}

fn step(name: &str) -> Purpose {
    Purpose::Step(name.into())
}

fn spin() {
    let mut number = 0_u64;
    loop {
        number = core::hint::black_box(number.wrapping_mul(3).wrapping_add(1));
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + frame[7] }
}

fn field(name: &str, value: Value) -> Field {
    Field { name: name.into(), value }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn body_of(response: &Response) -> Value {
    match &response.body {
        Payload::Empty => Value::Absent,
        Payload::Text(body) => text(body),
        Payload::Bytes(bytes) => Value::Integer(bytes.len() as i64),
    }
}

/// Answers with a record that has these fields.
fn snapshot(subject: RecordRef, fields: Vec<Field>) -> Result<Snapshot, Failure> {
    Ok(Snapshot { subject, revision: None, url: None, fields, extra: Vec::new() })
}

impl Reader for Hostile {
    fn fetch(subject: RecordRef) -> Result<Snapshot, Failure> {
        let behaviour = subject.id.clone();
        let mut fields = Vec::new();
        match behaviour.as_str() {
            "spin" => spin(),
            "host-calls" => loop {
                core::hint::black_box(settings::get("greeting"));
            },
            "recursion" => drop(core::hint::black_box(recurse(0))),
            "memory" => loop {
                core::mem::forget(core::hint::black_box(vec![1_u8; 1 << 20]));
            },
            "fill" => {
                let mut room = vec![0_u8; 8 << 20];
                loop {
                    room.fill(core::hint::black_box(7));
                    core::hint::black_box(&room);
                }
            }
            "trap" => core::arch::wasm32::unreachable(),
            "last-words" => {
                diagnostics::emit(diagnostics::Level::Error, "the vendor sent a circle\nand I fell", &[]);
                core::arch::wasm32::unreachable();
            }
            "log-flood" => {
                for _ in 0..10_000 {
                    diagnostics::emit(diagnostics::Level::Info, "drip", &[("drop".into(), "yes".into())]);
                }
            }
            "long-text" => fields.push(field("text", text(&"x".repeat(300 * 1024)))),
            "huge-text" => fields.push(field("text", text(&"x".repeat(12 << 20)))),
            "many-fields" => fields.extend((0..501).map(|number| field(&number.to_string(), Value::Absent))),
            "same-field" => fields.extend([field("a", Value::Absent), field("a", Value::Flag(true))]),
            "bad-money" => {
                let money = Money { amount: "1e3".into(), currency: "USD".into() };
                fields.push(field("price", Value::Money(money)));
            }
            "bad-utf8" => {
                // What a guest in another language can do by mistake.
                let broken = unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe]) };
                fields.push(field("text", Value::Text(broken)));
            }
            "bad-link" => {
                let url = Some("javascript:alert(1)".into());
                return Ok(Snapshot { subject, revision: None, url, fields, extra: Vec::new() });
            }
            "setting" => {
                fields.push(field("known", settings::get("greeting").map_or(Value::Absent, Value::Text)));
                fields.push(field("unknown", settings::get("PATH").map_or(Value::Absent, Value::Text)));
            }
            _ => return fetch_over_http(subject),
        }
        snapshot(subject, fields)
    }

    fn changes(_kind: String, _cursor: Option<String>, _limit: u32, _now_ms: u64) -> Result<Page, Failure> {
        Ok(Page { items: Vec::new(), next: None, extra: Vec::new() })
    }

    fn check() -> Result<(), Failure> {
        send("GET", "/v1/ok", "", Purpose::Read).map(drop)
    }
}

fn fetch_over_http(subject: RecordRef) -> Result<Snapshot, Failure> {
    let behaviour = subject.id.clone();
    let get = |path: &str| send("GET", path, "", Purpose::Read);
    let response = match behaviour.as_str() {
        "ok" => get("/v1/ok")?,
        "echo" => get("/v1/echo")?,
        "redirect" => get("/v1/redirect")?,
        "huge-answer" => get("/v1/huge")?,
        "drip" => get("/v1/drip")?,
        "compressed" => get("/v1/compressed")?,
        "endpoint" => request("other", "GET", "/v1/ok", &[], Payload::Empty, Purpose::Read)?,
        "path" => get("/admin")?,
        "dots" => get("/v1/%2e%2e/admin")?,
        "method" => send("DELETE", "/v1/ok", "", Purpose::Read)?,
        "unknown-method" => send("PROPFIND", "/v1/ok", "", Purpose::Read)?,
        "write-as-read" => send("POST", "/v1/things", "{}", Purpose::Read)?,
        "step-in-read" => {
            // It goes on as if nothing had happened; the host must not.
            drop(send("POST", "/v1/things", "{}", step("create")));
            get("/v1/ok")?
        }
        "header" => {
            let headers = [("Authorization", "Bearer stolen")];
            request("api", "GET", "/v1/ok", &headers, Payload::Empty, Purpose::Read)?
        }
        "big-body" => {
            let body = Payload::Bytes(vec![0; 2 << 20]);
            request("api", "GET", "/v1/ok", &[], body, Purpose::Read)?
        }
        "many-requests" => {
            for _ in 0..32 {
                get("/v1/ok")?;
            }
            get("/v1/ok")?
        }
        other => return Err(rejected("not-found", &format!("there is no {other}"))),
    };
    let status = field("status", Value::Integer(response.status.into()));
    snapshot(subject, vec![status, field("body", body_of(&response))])
}

fn rejected(code: &str, message: &str) -> Failure {
    let detail = Detail {
        code: code.into(),
        message: message.into(),
        vendor_status: None,
        vendor_request_id: None,
        extra: Vec::new(),
    };
    Failure::Rejected(Rejected { fields: Vec::new(), detail })
}

impl Writer for Hostile {
    fn plan(what: Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        if what.subject.id == "step-in-plan" {
            send("POST", "/v1/things", "{}", step("create"))?;
        }
        let changes = what.fields.iter().map(|field| Change {
            name: field.name.clone(),
            before: Value::Absent,
            after: field.value.clone(),
        });
        Ok(WritePlan {
            changes: changes.collect(),
            subject: what.subject,
            revision: None,
            remarks: Vec::new(),
            extra: Vec::new(),
        })
    }

    fn apply(what: Effect) -> Result<Receipt, Failure> {
        let subject = what.plan.subject.clone();
        let create = |path: &str, body: &str| send("POST", path, body, step("create"));
        match subject.id.as_str() {
            "receipt-without-step" => {}
            "same-step-twice" => {
                create("/v1/things", "{}")?;
                create("/v1/things", "{}")?;
            }
            "changed-step" => {
                create("/v1/things", "{}")?;
                create("/v1/things", "{\"more\":1}")?;
            }
            "changed-attempt" => drop(create("/v1/things", &what.attempt.to_string())?),
            "trap-after-send" => {
                create("/v1/things", "{}")?;
                core::arch::wasm32::unreachable();
            }
            "spin-after-send" => {
                create("/v1/things", "{}")?;
                spin();
            }
            "step-name" => drop(send("POST", "/v1/things", "{}", step("Create It!"))?),
            "dropped" => drop(create("/v1/dropped", "{}")?),
            "huge-answer" => drop(create("/v1/huge", "{}")?),
            "says-transient" => {
                drop(create("/v1/dropped", "{}"));
                return Err(rejected("lie", "nothing was sent"));
            }
            _ => drop(create("/v1/things", "{}")?),
        }
        let applied = what.plan.changes.iter().map(|change| field(&change.name, change.after.clone()));
        Ok(Receipt {
            subject,
            revision: None,
            url: None,
            vendor_request_id: None,
            applied: applied.collect(),
            extra: Vec::new(),
        })
    }

    fn probe(what: Effect) -> Result<Finding, Failure> {
        let receipt = |subject: RecordRef| Receipt {
            subject,
            revision: None,
            url: None,
            vendor_request_id: None,
            applied: Vec::new(),
            extra: Vec::new(),
        };
        let subject = what.plan.subject;
        match subject.id.as_str() {
            "step-in-probe" => {
                send("POST", "/v1/things", "{}", step("create"))?;
                Ok(Finding::Unknown)
            }
            "landed-unasked" => Ok(Finding::Landed(receipt(subject))),
            "absent-unasked" => Ok(Finding::Absent),
            "absent-unheard" => {
                drop(send("GET", "/v1/dropped", "", Purpose::Read));
                Ok(Finding::Absent)
            }
            "landed-asked" => {
                send("GET", "/v1/ok", "", Purpose::Read)?;
                Ok(Finding::Landed(receipt(subject)))
            }
            _ => Ok(Finding::Unknown),
        }
    }
}
