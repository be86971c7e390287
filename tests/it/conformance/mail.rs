//! What a stand-in for Resend answers, and what no recording shows: its refusals by their names, an answer that breaks after
//! the letter was sent, and letters that would say more than their plan shows. On the component that we ship.

use super::scripted::{NOW, World, case, mac, proposal};
use super::{asked, connection, recorded};
use anyhow::{Context as _, Result, ensure};
use countersign_core::effect::attempt::{Ended, Failure, Finding, Guarantee, Receipt};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Millis;
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use data_encoding::BASE64;
use serde_json::json;

/// The keys that the stand-in takes: one that may do everything, one that may only send, and one that asks too often.
const KEY: &str = "re_canary_4711";
const SENDING_KEY: &str = "re_canary_sending_4711";
const BUSY_KEY: &str = "re_canary_busy_4711";
const LETTERS: &str = "/emails";
const LETTER: &str = "/emails/4ef9a417-02e9-4d39-ad75-000000000001";
const LETTER_ID: &str = "4ef9a417-02e9-4d39-ad75-000000000001";
const MAILBOX: &str = "Deals <deals@example.com>";
const SHORT: &[(&str, &str)] =
    &[("to", "kim@globex.example"), ("subject", "Your discount"), ("text", "It is approved.")];
/// Two recipients, a copy, another address for answers, a text of several lines.
const LONG: &[(&str, &str)] = &[
    ("to", "Kim <kim@globex.example>, lee@globex.example"),
    ("cc", "Max <max@example.com>"),
    ("reply_to", "desk@example.com"),
    ("subject", "Your renewal — 25 % ✓"),
    ("text", "Dear Kim,\n\nit is approved:\n\t25 %.\n"),
];

async fn world() -> Result<World> {
    World::start("mail", KEY).await
}

/// A letter from a mailbox.
fn letter(mailbox: &str, fields: &[(&str, &str)]) -> Proposal {
    let fields: Vec<_> = fields.iter().map(|(name, said)| (*name, Value::Text((*said).to_owned()))).collect();
    proposal("send-letter", ("mailbox", mailbox), &fields)
}

/// A short letter in which one field is another.
fn with(name: &str, said: &str) -> Proposal {
    let mut fields: Vec<_> = SHORT.iter().copied().filter(|(known, _)| *known != name).collect();
    fields.push((name, said));
    letter(MAILBOX, &fields)
}

/// One attempt at it.
fn sending(world: &World, what: Proposal) -> Result<Call> {
    let planned = |field: &Field| Change {
        name: field.name.clone(),
        before: Value::Absent,
        after: field.value.clone(),
    };
    let changes = what.fields.iter().map(planned).collect();
    let plan = WritePlan { subject: what.subject.clone(), revision: None, changes, remarks: Vec::new() };
    world.call(what, plan, Guarantee::ByKey)
}

fn record(kind: &str, id: &str) -> RecordRef {
    RecordRef { kind: kind.to_owned(), id: id.to_owned() }
}

/// What Resend says when it refuses; its words hold an address.
fn refusal(status: u16, name: &str) -> serde_json::Value {
    json!({"statusCode": status, "name": name, "message": "Invalid `to` field: kim@globex.example"})
}

/// The code of what is waited for, and how long.
fn waited(ended: Ended<Receipt>) -> Result<(String, Option<Millis>)> {
    match ended {
        Ended::Failed(Failure::Transient { after, detail }) => Ok((detail.code, after)),
        other => anyhow::bail!("it is waited for: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mail_answers_is_recorded_and_certifies() -> Result<()> {
    let about = "Recorded at a stand-in made from what Resend publishes.";
    for (name, key, mailbox, fields) in
        [("letter", SENDING_KEY, "deals@example.com", SHORT), ("letter-with-copies", KEY, MAILBOX, LONG)]
    {
        // Each at a stand-in of its own: the effect has the same id in every cassette, and so the same key.
        let resend = tokio::task::spawn_blocking(|| Vendor::start("mail")).await??;
        let said: Vec<_> =
            fields.iter().map(|(name, said)| json!({"name": name, "value": {"text": said}})).collect();
        let mut asked = asked(about, "send-letter", ("mailbox", mailbox), &json!(said));
        asked["personal"] = json!(["kim@globex.example"]);
        recorded("mail", connection("mail", &resend.base_url(), key)?, vec![(name, asked)]).await?;
        let state = tokio::task::spawn_blocking(move || resend.state()).await??;
        let letters = state["letters"].as_object().context("letters")?;
        ensure!(
            letters.len() == 1 && state["keys"].as_object().map(serde_json::Map::len) == Some(1),
            "{state:#}"
        );
        let sent = letters.get(LETTER_ID).context("the letter")?;
        ensure!(sent["from"] == mailbox && sent["html"].is_null() && sent["bcc"].is_null(), "{sent:#}");
        for (field, said) in fields {
            let held: Vec<&str> = match sent[*field].as_array() {
                Some(list) => list.iter().filter_map(serde_json::Value::as_str).collect(),
                None => sent[*field].as_str().into_iter().collect(),
            };
            ensure!(held.join(", ") == *said, "{field}: {sent:#}");
        }
        let tag = state["tags"][LETTER_ID]["countersign_effect"].as_str().context("a tag")?;
        ensure!(tag.starts_with("eff_"), "{tag}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_resend_refuses_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    for (status, name, sent) in [
        (401, "missing_api_key", "denied missing-api-key"),
        (401, "restricted_api_key", "denied restricted-api-key"),
        (403, "invalid_api_key", "denied invalid-api-key"),
        (403, "suspended_api_key", "denied suspended-api-key"),
        (401, "validation_error", "denied validation-error"),
        (400, "validation_error", "rejected validation-error"),
        (403, "validation_error", "rejected validation-error"),
        (422, "validation_error", "rejected validation-error"),
        (422, "missing_required_field", "rejected missing-required-field"),
        (403, "invalid_from_address", "rejected invalid-from-address"),
        (422, "invalid_attachment", "rejected invalid-attachment"),
        (422, "invalid_parameter", "rejected invalid-parameter"),
        (400, "invalid_idempotency_key", "rejected invalid-idempotency-key"),
        (404, "not_found", "rejected not-found"),
        (405, "method_not_allowed", "rejected method-not-allowed"),
        (451, "security_error", "rejected security-error"),
        (429, "monthly_quota_exceeded", "denied monthly-quota-exceeded"),
        (422, "a_word_of_tomorrow", "rejected a-word-of-tomorrow"),
        (422, "No word at all", "rejected http-422"),
        // It may have been done.
        (409, "concurrent_idempotent_requests", "uncertain concurrent-idempotent-requests"),
        (409, "invalid_idempotent_request", "uncertain invalid-idempotent-request"),
        (409, "a_word_of_tomorrow", "uncertain a-word-of-tomorrow"),
        (409, "", "uncertain http-409"),
        (400, "application_error", "uncertain unavailable"),
        (500, "application_error", "uncertain unavailable"),
        (500, "internal_server_error", "uncertain unavailable"),
        (500, "invalid_api_key", "uncertain unavailable"),
    ] {
        world.anew()?;
        world.target.say_with(status, LETTERS, &refusal(status, name));
        let ended = world.apply(sending(&world, letter(MAILBOX, SHORT))?).await;
        assert_eq!(case(&ended), sent, "{status} {name}");
        let Ended::Failed(failure) = ended else { anyhow::bail!("{name}: it is refused") };
        ensure!(!failure.detail().message.contains("kim"), "{name}: {failure:?}");
    }
    for unclear in [json!({}), json!({"id": 7}), json!({"id": "a letter"}), json!([LETTER_ID])] {
        world.anew()?;
        world.target.say(LETTERS, &unclear);
        let ended = world.apply(sending(&world, letter(MAILBOX, SHORT))?).await;
        assert_eq!(case(&ended), "uncertain unreadable-answer", "{unclear}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_waited_for_as_long_as_resend_says() -> Result<()> {
    let world = world().await?;
    for (status, name, code, wait) in [
        (429, "rate_limit_exceeded", "rate-limit-exceeded", None),
        // When the day ends is not said.
        (429, "daily_quota_exceeded", "daily-quota-exceeded", Some(Millis(3_600_000))),
        (429, "a_word_of_tomorrow", "a-word-of-tomorrow", None),
    ] {
        world.anew()?;
        world.target.say_with(status, LETTERS, &refusal(status, name));
        let ended = world.apply(sending(&world, letter(MAILBOX, SHORT))?).await;
        assert_eq!(waited(ended)?, (code.to_owned(), wait), "{name}");
    }
    let resend = tokio::task::spawn_blocking(|| Vendor::start("mail")).await??;
    world.runtime.connect(connection("mail", &resend.base_url(), BUSY_KEY)?)?;
    let ended = world.apply(sending(&world, letter(MAILBOX, SHORT))?).await;
    assert_eq!(waited(ended)?, ("rate-limit-exceeded".to_owned(), Some(Millis(7_000))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_whose_answer_broke_is_sent_once() -> Result<()> {
    let resend = tokio::task::spawn_blocking(|| Vendor::start("mail")).await??;
    let world = world().await?;
    let what = with("text", "the answer to this one breaks");
    let connect = || -> Result<()> {
        world.runtime.connect(connection("mail", &resend.base_url(), KEY)?)?;
        Ok(())
    };
    connect()?;
    assert_eq!(case(&world.apply(sending(&world, what.clone())?).await), "uncertain unavailable");
    // Nobody can be asked for a letter whose id was lost.
    let probed = world.runtime.probe(sending(&world, what.clone())?).await;
    ensure!(matches!(probed, Ended::Returned(Finding::Unknown)), "{probed:?}");
    connect()?;
    let Ended::Returned(receipt) = world.apply(sending(&world, what)?).await else {
        anyhow::bail!("the first answer is given again")
    };
    assert_eq!((receipt.subject.kind.as_str(), receipt.subject.id.as_str()), ("letter", LETTER_ID));
    assert_eq!(receipt.applied.len(), 3, "what was sealed: {receipt:?}");
    assert_eq!(
        receipt.extra,
        [("letter_id".to_owned(), LETTER_ID.to_owned())],
        "what the connector adds is kept"
    );
    // The same key with other words: something was sent for this effect, and it was not this.
    connect()?;
    let other = world.apply(sending(&world, with("text", "other words"))?).await;
    assert_eq!(case(&other), "uncertain invalid-idempotent-request");
    let state = tokio::task::spawn_blocking(move || resend.state()).await??;
    ensure!(state["letters"].as_object().map(serde_json::Map::len) == Some(1), "{state:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_whatever_a_recipient_sees() -> Result<()> {
    let world = world().await?;
    let Ended::Returned(planned) = world.plan(letter(MAILBOX, LONG)).await? else {
        anyhow::bail!("it is planned")
    };
    assert_eq!(planned.subject, record("mailbox", MAILBOX));
    let shown = |change: &Change| (change.name.clone(), change.before.clone(), change.after.clone());
    let all: Vec<_> = planned.changes.iter().map(shown).collect();
    let text =
        |(name, said): &(&str, &str)| ((*name).to_owned(), Value::Absent, Value::Text((*said).to_owned()));
    assert_eq!(all, LONG.iter().map(text).collect::<Vec<_>>());
    assert_eq!(planned.remarks, ["the letter goes to 3 addresses, and nobody can take it back"]);
    ensure!(world.target.take().is_empty(), "nothing is asked for a plan");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_say_more_than_it_shows_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let many =
        |count: usize| (0..count).map(|one| format!("k{one}@globex.example")).collect::<Vec<_>>().join(", ");
    for (what, refused) in [
        // A header of its own.
        (with("to", "kim@globex.example\r\nBcc: eve@example.net"), "rejected bad-input"),
        (with("subject", "Your discount\nBcc: eve@example.net"), "rejected bad-input"),
        (with("subject", "Your discount\u{2028}Bcc: eve@example.net"), "rejected bad-input"),
        (with("reply_to", "Desk\r <desk@example.com>"), "rejected bad-input"),
        (letter("Deals\r\nBcc: eve@example.net <deals@example.com>", SHORT), "rejected bad-mailbox"),
        // One address that reads as another.
        (with("to", "kim@globex.example <eve@example.net>"), "rejected bad-input"),
        (with("to", "\"Kim\" <kim@globex.example>"), "rejected bad-input"),
        (with("cc", "kim@glob\u{435}x.example"), "rejected bad-input"),
        (with("to", "kim@globex.example;eve@example.net"), "rejected bad-input"),
        (with("to", "kim@globex.example, "), "rejected bad-input"),
        (with("subject", "Your \u{202e}discount"), "rejected bad-input"),
        (with("text", "It is \u{202e}.devorppa"), "rejected bad-input"),
        (with("subject", "=?utf-8?q?Refused?="), "rejected bad-input"),
        (with("to", "=?utf-8?q?Kim?= <kim@globex.example>"), "rejected bad-input"),
        (letter("deals@example.com, eve@example.net", SHORT), "rejected bad-mailbox"),
        // What no reader shows.
        (with("text", "It is\u{8} approved."), "rejected bad-input"),
        // More than a letter holds.
        (with("to", &many(51)), "rejected too-many-recipients"),
        (with("cc", &many(50)), "rejected too-many-recipients"),
        (with("subject", &"x".repeat(999)), "rejected bad-input"),
        (with("text", &"€".repeat(33_334)), "rejected too-long"),
    ] {
        assert_eq!(case(&world.plan(what.clone()).await?), refused, "{:?}", what.fields);
        assert_eq!(case(&world.apply(sending(&world, what)?).await), refused);
    }
    ensure!(world.target.take().is_empty(), "nothing is sent");
    for full in [with("cc", &many(49)), with("text", &"x".repeat(100_000))] {
        let planned = world.plan(full).await?;
        ensure!(matches!(planned, Ended::Returned(_)), "{planned:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_read_by_its_id_and_a_mailbox_is_not() -> Result<()> {
    let world = world().await?;
    world.target.say(
        LETTER,
        &json!({
            "object": "email", "id": LETTER_ID, "from": MAILBOX, "to": ["kim@globex.example", "lee@globex.example"],
            "cc": null, "reply_to": [], "subject": "Your discount", "text": null, "last_event": "bounced",
        }),
    );
    let Ended::Returned(read) = world.fetch(record("letter", LETTER_ID)).await? else {
        anyhow::bail!("it is read")
    };
    let text = |said: &str| Value::Text(said.to_owned());
    let values: Vec<_> = read.fields.into_iter().map(|field| (field.name, field.value)).collect();
    let wanted = [
        ("to", text("kim@globex.example, lee@globex.example")),
        ("cc", Value::Absent),
        ("reply_to", Value::Absent),
        ("subject", text("Your discount")),
        ("text", Value::Absent),
        ("last_event", text("bounced")),
    ];
    assert_eq!(values, wanted.map(|(name, value)| (name.to_owned(), value)));
    for (status, name, refused) in [
        (401, "restricted_api_key", "denied restricted-api-key"),
        // Nothing else than the key can be wrong of a reading.
        (400, "validation_error", "denied validation-error"),
        (404, "not_found", "rejected not-found"),
        (409, "a_word_of_tomorrow", "conflict a-word-of-tomorrow"),
        (500, "application_error", "transient unavailable"),
    ] {
        world.anew()?;
        world.target.say_with(status, LETTER, &refusal(status, name));
        assert_eq!(case(&world.fetch(record("letter", LETTER_ID)).await?), refused, "{name}");
    }
    world.target.take();
    assert_eq!(case(&world.fetch(record("letter", "../domains")).await?), "rejected not-found");
    assert_eq!(case(&world.fetch(record("mailbox", MAILBOX)).await?), "rejected not-readable");
    ensure!(world.target.take().is_empty(), "neither is asked for");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_about_the_letter_that_something_became_of() -> Result<()> {
    const SIGNING: &[u8] = b"thirty-two bytes that are a key!";
    let world = world().await?;
    assert_eq!(world.listen(&format!("whsec_{}", BASE64.encode(SIGNING)))?, "standard-webhooks");
    let moment = (NOW.0 / 1_000).to_string();
    let told = async |said: serde_json::Value| {
        let body = said.to_string();
        let signature = mac(SIGNING, &["msg_1.", &moment, ".", &body])?;
        let signature = format!("v1,{}", BASE64.encode(&signature));
        let headers = [("svix-id", "msg_1"), ("svix-timestamp", &moment), ("svix-signature", &signature)];
        world.told(&headers, body).await
    };
    let event =
        |of: &str| json!({"type": of, "created_at": "2026-11-02T10:00:00Z", "data": {"email_id": LETTER_ID}});
    for (said, wanted) in [
        (event("email.bounced"), vec![record("letter", LETTER_ID)]),
        // What somebody wrote to the account, and what is no letter.
        (event("email.received"), Vec::new()),
        (json!({"type": "contact.updated", "data": {"id": "1"}}), Vec::new()),
    ] {
        assert_eq!(told(said.clone()).await?, Ended::Returned(wanted), "{said}");
    }
    for said in [json!({"type": "email.bounced", "data": {}}), json!({"data": {}}), json!([7])] {
        assert_eq!(case(&told(said.clone()).await?), "rejected bad-delivery", "{said}");
    }
    ensure!(world.target.take().is_empty(), "nothing is asked for it");
    Ok(())
}
