//! Guests in other languages than ours that are told by themselves: the host checks who sent a delivery, and hands on what
//! passed; what they make of it comes back as the contract has it, and what nobody foresaw is a failure with its text.

use super::told;
use super::world::{name, runtime};
use anyhow::{Result, bail, ensure};
use countersign_connectors::{RawConnection, Runtime, Secret};
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::Ended;
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Arrived, Connectors as _, NotTaken, Verified};
use countersign_tests::guests::component;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use std::path::Path;

/// What the deliveries are signed with.
const SECRET: &str = "what tickets are signed with";
/// When they arrive.
const NOW: Timestamp = Timestamp(1_795_424_400_000);

/// The guest in this language, connected.
pub(super) async fn connected(folder: &Path, language: &str) -> Result<Runtime> {
    let runtime = runtime(folder);
    let guest = component(&format!("{language}-told"), env!("CARGO_TARGET_TMPDIR"))?;
    runtime.install(guest).await?;
    // The one in C has tickets of its own as well.
    let endpoint = if language == "c" { "[endpoints.api]\nsecret = \"env:SECRET\"\n" } else { "" };
    let raw: RawConnection = toml::from_str(&format!(
        "connector = \"tests.told-{language}\"\n[webhooks.tickets]\nsecret = \"env:SECRET\"\n{endpoint}"
    ))?;
    let options = raw.resolve(name("told"), |_| Ok(Secret::new(SECRET.to_owned())));
    let connection = runtime.connect(options.map_err(|faults| anyhow::anyhow!("{faults:?}"))?)?;
    ensure!(connection.inbound.hooks == [("tickets".to_owned(), "hmac-sha256")]);
    ensure!(connection.inbound.brings == ["discount"] && connection.inbound.interprets);
    Ok(runtime)
}

/// What arrives at the hook, signed with this key.
fn arrived(body: &[u8], key: &str) -> Result<Arrived> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())?.chain_update(body).finalize();
    let signature = BASE64.encode(&mac.into_bytes());
    let headers = vec![("x-signature".to_owned(), signature), ("x-echo".to_owned(), "hello".to_owned())];
    Ok(Arrived { headers, body: body.to_vec() })
}

fn delivered(runtime: &Runtime, body: &[u8]) -> Result<Delivery> {
    let verified = runtime.verify(&name("told"), "tickets", arrived(body, SECRET)?, NOW);
    let Ok(Verified::Delivery { delivery, .. }) = verified else { bail!("{verified:?}") };
    Ok(delivery)
}

fn ticket(id: &str) -> RecordRef {
    RecordRef { kind: "ticket".to_owned(), id: id.to_owned() }
}

async fn is_told_and_asks(language: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = connected(folder.path(), language).await?;
    let forged = runtime.verify(&name("told"), "tickets", arrived(b"{}", "another key")?, NOW);
    ensure!(matches!(forged, Err(NotTaken::NotProved(_))), "{forged:?}");

    let body = json!({"about": ["7", "ø-8"], "asks": [{
        "type": "discount", "ticket": "T-7", "key": "T-7/1", "by": "sam@example.com",
        "tokens": {"discount": "25%", "months": 18, "list": {"currency": "USD", "amount": "1.00"}},
    }]});
    let delivery = delivered(&runtime, body.to_string().as_bytes())?;
    let about = runtime.interpret(delivery.clone(), NOW).await;
    ensure!(about == Ended::Returned(vec![ticket("7"), ticket("ø-8")]), "{about:?}");
    let asked = runtime.receive(delivery, NOW).await;
    let Ended::Returned(mut drafts) = asked else { bail!("{asked:?}") };
    drafts.iter_mut().for_each(|draft| draft.fields.sort_by(|one, other| one.name.cmp(&other.name)));
    let fields = [
        ("arrived", Value::Instant(NOW)),
        ("discount", Value::Text("25%".to_owned())),
        ("echo", Value::Text("hello by tickets".to_owned())),
        ("list", Value::Json(r#"{"amount":"1.00","currency":"USD"}"#.to_owned())),
        ("months", Value::Integer(18)),
    ];
    let wanted = Draft {
        intent_type: "discount".to_owned(),
        source: ticket("T-7"),
        fields: fields.map(|(name, value)| Field { name: name.to_owned(), value }).into(),
        dedupe_key: "T-7/1".to_owned(),
        requester: Some("sam@example.com".to_owned()),
    };
    ensure!(drafts == [wanted], "{drafts:?}");
    let delivery = delivered(&runtime, b"{}")?;
    ensure!(runtime.interpret(delivery.clone(), NOW).await == Ended::Returned(Vec::new()));
    ensure!(runtime.receive(delivery, NOW).await == Ended::Returned(Vec::new()));
    is_refused(&runtime, language).await
}

/// What it says of a list that is none, of half a character, of an id that is a number, and of somebody who is one. An SDK
/// that is asked for text finds what is none before it looks at what is odd.
fn said_in(language: &str) -> [&'static str; 4] {
    let none = "bad-delivery: the delivery is something else than expected: ";
    if language == "c" {
        return [none, "returned", none, none];
    }
    let odd_id = "odd-value: the id of the ";
    ["connector.bug: TypeError: ", odd_id, odd_id, "odd-value: the requester of a draft is no text"]
}

/// What it cannot take, and what it says in its place.
async fn is_refused(runtime: &Runtime, language: &str) -> Result<()> {
    let draft = |key: &str, by: serde_json::Value| {
        json!({"about": [7], "asks": [{"type": "discount", "ticket": "T-7", "key": key, "by": by, "tokens": {}}]})
            .to_string()
    };
    let [no_list, half, number, odd_requester] = said_in(language);
    for (body, interpreted, received) in [
        ("no json".to_owned(), "bad-delivery: the body of the delivery is no JSON", "bad-delivery: the body"),
        ("null".to_owned(), "bad-delivery: the delivery is something else than expected: ", "bad-delivery: "),
        (r#"{"about": null, "asks": null}"#.to_owned(), no_list, no_list),
        (r#"{"about": ["\ud800"]}"#.to_owned(), half, "returned"),
        (draft("", json!(null)), number, "odd-value: the `dedupe"),
        (draft(&"x".repeat(201), json!(null)), number, "odd-value: the `dedupe"),
        (draft(&"x".repeat(200), json!(null)), number, "returned"),
        (draft("k", json!(7)), number, odd_requester),
    ] {
        let delivery = delivered(runtime, body.as_bytes())?;
        let (broke, said) = told(runtime.interpret(delivery.clone(), NOW).await);
        ensure!(broke.is_none() && said.starts_with(interpreted), "{body}: {broke:?} {said}");
        let (broke, said) = told(runtime.receive(delivery, NOW).await);
        ensure!(broke.is_none() && said.starts_with(received), "{body}: {broke:?} {said}");
    }
    let (_, said) = told(runtime.interpret(delivered(runtime, &[0xff, 0xfe])?, NOW).await);
    ensure!(said == "bad-delivery: the body of the delivery is no text", "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_in_typescript_is_told_and_asks() -> Result<()> {
    is_told_and_asks("typescript").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_in_python_is_told_and_asks() -> Result<()> {
    is_told_and_asks("python").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_in_c_is_told_and_asks() -> Result<()> {
    is_told_and_asks("c").await
}
