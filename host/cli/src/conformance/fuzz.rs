//! Strange questions and strange answers: law `fuzz`.

use super::bench::{Bench, Call, Outcome};
use super::cassette::Actor;
use super::deliveries::Told;
use super::law::{self, Book, Breach, Law};
use super::straight::Straight;
use super::vendor::Until;
use crate::loopback::Reply;
use crate::standin::faults::mixed;
use anyhow::Result;
use countersign_core::delivery::Body;
use countersign_core::effect::attempt::{BreakKind, Ended};
use countersign_core::record::{Field, RecordRef, Value};
use serde_json::{Value as Json, json};

/// Deepest JSON that is changed, in levels.
const DEPTH_MAX: usize = 12;
/// Stands for half a pair of surrogates until the answer is written.
const HALF_A_PAIR: char = '\u{e000}';
/// Different answers of one call.
const ANSWERS: u64 = 3;

/// Asks `inputs` strange things, each by its number: the same number is the same input in every run.
///
/// # Errors
/// If the connector cannot be connected.
pub(super) async fn run(
    bench: &Bench,
    straights: &[Straight],
    deliveries: &[Told],
    inputs: u64,
    book: &mut Book,
) -> Result<()> {
    for number in 0..inputs {
        let mut draw = Draw(mixed(number));
        // The draws of a connector without hooks are what they were before there were any.
        if !deliveries.is_empty() && (straights.is_empty() || draw.is(25)) {
            told(&mut draw, number, bench, deliveries, book).await?;
            continue;
        }
        let Some(straight) = draw.one_of(straights) else { return Ok(()) };
        bench.begin(&straight.cassette)?;
        let call = strange_call(&mut draw, bench, straight);
        let answers: Vec<Reply> = (0..ANSWERS).map(|_| strange_answer(&mut draw, straight)).collect();
        bench.vendor()?.answer_instead(answers);
        let outcome = bench.call(&call, straight.cassette.moment_of(&call), None).await;
        let (law, wanted) = judged(&call, &outcome);
        let breach = wanted.map(|wanted| Breach {
            cassette: straight.cassette.name.clone(),
            doing: format!("{}, strange input {number}", call.name()),
            found: law::told(&outcome),
            wanted: wanted.to_owned(),
        });
        book.enter(law, breach);
    }
    Ok(())
}

/// Hands a strange delivery over.
async fn told(
    draw: &mut Draw,
    number: u64,
    bench: &Bench,
    deliveries: &[Told],
    book: &mut Book,
) -> Result<()> {
    let Some(told) = draw.one_of(deliveries) else { return Ok(()) };
    let cassette = told.begin(bench)?;
    let mut delivery = told.arrives(bench);
    if draw.is(10) {
        delivery.hook = short_text(draw);
    }
    delivery.headers.retain(|_| draw.is(80));
    let bytes = match delivery.body {
        Body::Text(text) => text.into_bytes(),
        Body::Bytes(bytes) => bytes,
    };
    delivery.body = Body::of(if draw.is(5) { vec![0xff, 0, 0xfe] } else { strange_bytes(draw, bytes) });
    for call in bench.told(&delivery) {
        let outcome = bench.call(&call, cassette.moment(), None).await;
        let (law, wanted) = judged(&call, &outcome);
        let breach = wanted.map(|wanted| Breach {
            cassette: cassette.name.clone(),
            doing: format!("{}, strange input {number}", call.name()),
            found: law::told(&outcome),
            wanted: wanted.to_owned(),
        });
        book.enter(law, breach);
    }
    Ok(())
}

fn judged(call: &Call, outcome: &Outcome) -> (Law, Option<&'static str>) {
    match &outcome.ended {
        Ended::Broke(broke) if broke.kind == BreakKind::Forbidden && !call.is_write() => {
            (Law::Phase, Some("reads only, whatever the target answers"))
        }
        Ended::Broke(_) => (Law::Fuzz, Some("one of the five failures, whatever it is asked or answered")),
        Ended::Returned(_) | Ended::Failed(_) => (Law::Fuzz, None),
    }
}

/// A stream of numbers from one.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = mixed(self.0.wrapping_add(1));
        self.0 % limit.max(1)
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        let number = self.below(u64::try_from(all.len()).unwrap_or(1));
        all.get(usize::try_from(number).unwrap_or(0))
    }
}

fn strange_call(draw: &mut Draw, bench: &Bench, straight: &Straight) -> Call {
    let subject = |draw: &mut Draw| {
        let RecordRef { kind, id } = straight.cassette.subject.clone();
        RecordRef {
            kind: if draw.is(20) { "no-such-kind".to_owned() } else { kind },
            id: if draw.is(60) { short_text(draw) } else { id },
        }
    };
    let attempt = u32::try_from(draw.below(4)).unwrap_or(0) + 1;
    let mut doing = straight.doing(Actor::Effect, attempt, Until::the_end());
    match draw.below(6) {
        0 => Call::Fetch(subject(draw)),
        1 => {
            let told = draw.one_of(&bench.installed.tells).cloned();
            let kind = told.filter(|_| draw.is(80)).unwrap_or_else(|| "no-such-kind".to_owned());
            Call::Changes(kind)
        }
        2 => {
            let mut what = straight.cassette.proposal();
            what.subject = subject(draw);
            what.fields = strange_fields(draw, &what.fields);
            Call::Plan(what)
        }
        3 => Call::Look(doing),
        4 => Call::Attempt(doing),
        _ => {
            for change in &mut doing.plan.changes {
                if draw.is(40) {
                    change.after = strange_value(draw);
                }
            }
            doing.what.fields = strange_fields(draw, &doing.what.fields);
            Call::Attempt(doing)
        }
    }
}

fn strange_fields(draw: &mut Draw, fields: &[Field]) -> Vec<Field> {
    let mut strange = Vec::new();
    for field in fields {
        if draw.is(15) {
            continue;
        }
        let mut field = field.clone();
        if draw.is(40) {
            field.value = strange_value(draw);
        }
        strange.push(field);
    }
    if draw.is(15) {
        strange.push(Field { name: format!("f{}", draw.below(1 << 20)), value: strange_value(draw) });
    }
    strange
}

fn strange_value(draw: &mut Draw) -> Value {
    match draw.below(9) {
        0 => Value::Absent,
        1 => Value::Flag(draw.is(50)),
        2 => Value::Integer([i64::MIN, -1, 0, 1, i64::MAX].get(index(draw, 5)).copied().unwrap_or(0)),
        3 => Value::Decimal(number_text(draw)),
        4 => Value::Text(strange_text(draw)),
        5 => Value::Date(date_text(draw)),
        6 => {
            Value::Instant(countersign_core::time::Timestamp(i64::try_from(draw.below(1 << 42)).unwrap_or(0)))
        }
        7 => Value::Reference(RecordRef { kind: "no-such-kind".to_owned(), id: short_text(draw) }),
        _ => Value::Json("{\"a\":[1,{}]}".to_owned()),
    }
}

fn index(draw: &mut Draw, length: u64) -> usize {
    usize::try_from(draw.below(length)).unwrap_or(0)
}

/// A number as the contract has it, at the edges of what a program expects.
fn number_text(draw: &mut Draw) -> String {
    const NUMBERS: [&str; 8] = [
        "0",
        "-0",
        "-1",
        "0.000000000000000000000000000001",
        "9999999999999999999999999999999999999999",
        "-9999999999999999999999999999999999999999.9",
        "00001.50",
        "100",
    ];
    NUMBERS.get(index(draw, 8)).copied().unwrap_or("0").to_owned()
}

fn date_text(draw: &mut Draw) -> String {
    const DATES: [&str; 5] = ["0001-01-01", "1969-12-31", "2024-02-29", "2038-01-20", "9999-12-31"];
    DATES.get(index(draw, 5)).copied().unwrap_or("2024-02-29").to_owned()
}

/// An id is never longer than the host lets one be.
fn short_text(draw: &mut Draw) -> String {
    const ID_CHARS_MAX: usize = 500;
    strange_text(draw).chars().take(ID_CHARS_MAX).collect()
}

fn strange_text(draw: &mut Draw) -> String {
    match draw.below(10) {
        0 => String::new(),
        1 => "../../etc/passwd".to_owned(),
        2 => "a/b?c=d#e%2F".to_owned(),
        3 => "\u{0}\u{1b}[31m\r\n".to_owned(),
        4 => "ß∂ƒ\u{202e}🙂\u{fe0f}".to_owned(),
        5 => "x".repeat(10_000),
        6 => "'; drop table orders; --".to_owned(),
        7 => "<script>&amp;\"".to_owned(),
        8 => number_text(draw),
        _ => " ".to_owned(),
    }
}

/// An answer of the cassette with something changed in it, or something else altogether.
fn strange_answer(draw: &mut Draw, straight: &Straight) -> Reply {
    let known = draw.one_of(&straight.cassette.exchanges).map(|recorded| recorded.response.reply());
    let mut reply = known.unwrap_or_else(|| Reply::status(200));
    if draw.is(15) {
        const STATUSES: [u16; 8] = [200, 201, 204, 302, 404, 418, 451, 503];
        reply.status = STATUSES.get(index(draw, 8)).copied().unwrap_or(200);
    }
    if draw.is(10) {
        reply
            .headers
            .push((["etag", "location", "retry-after"][index(draw, 3)].to_owned(), number_text(draw)));
    }
    reply.body = strange_bytes(draw, reply.body);
    reply
}

/// Bytes with something changed in them.
fn strange_bytes(draw: &mut Draw, mut bytes: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<Json>(&bytes) {
        Ok(mut json) => {
            for _ in 0..=draw.below(3) {
                change(draw, &mut json, 0);
            }
            // Half a pair of surrogates: JSON can say it, and UTF-8 cannot.
            return json.to_string().replace(HALF_A_PAIR, "\\ud800").into_bytes();
        }
        Err(_) if draw.is(50) => bytes.truncate(bytes.len() / 2),
        Err(_) => bytes.reverse(),
    }
    bytes
}

/// Changes one place of a JSON value.
fn change(draw: &mut Draw, json: &mut Json, depth: usize) {
    let deeper = depth < DEPTH_MAX && draw.is(80);
    match json {
        Json::Object(members) if deeper && !members.is_empty() => {
            let at = index(draw, u64::try_from(members.len()).unwrap_or(1));
            let Some(name) = members.keys().nth(at).cloned() else { return };
            if draw.is(25) {
                members.remove(&name);
            } else if let Some(member) = members.get_mut(&name) {
                change(draw, member, depth + 1);
            }
        }
        Json::Array(items) if deeper && !items.is_empty() => {
            let at = index(draw, u64::try_from(items.len()).unwrap_or(1));
            match draw.below(4) {
                0 => {
                    items.remove(at);
                }
                1 => {
                    let item = items.get(at).cloned().unwrap_or_default();
                    items.push(item);
                }
                _ => {
                    if let Some(item) = items.get_mut(at) {
                        change(draw, item, depth + 1);
                    }
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            *json = strange_json(draw);
        }
    }
}

fn strange_json(draw: &mut Draw) -> Json {
    match draw.below(9) {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e300),
        5 if draw.is(30) => json!(format!("half {HALF_A_PAIR}")),
        5 => json!(strange_text(draw)),
        6 => json!([]),
        7 => json!({}),
        _ => json!({"object": "error", "data": [{"id": null}]}),
    }
}
