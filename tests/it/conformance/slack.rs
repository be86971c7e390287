//! What Slack says with status 200 and `ok: false`, what it tells by itself, and what else no recording shows: on the
//! component that we ship.

use super::scripted::{NOW, World, case, mac, proposal};
use anyhow::{Context as _, Result, ensure};
use countersign_core::effect::attempt::{Ended, Finding, Guarantee};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::record::{RecordRef, Value};
use countersign_engine::port::connectors::{Call, Connectors as _};
use data_encoding::HEXLOWER;
use serde_json::json;

/// What Slack signs its events with.
const SIGNING: &str = "signing-canary-4711";

async fn world() -> Result<World> {
    World::start("slack", "xoxb-canary-4711").await
}

fn channel() -> RecordRef {
    RecordRef { kind: "channel".into(), id: "C1".into() }
}

fn message(channel: &str, words: &str) -> Proposal {
    proposal("post-message", ("channel", channel), &[("text", Value::Text(words.into()))])
}

fn call(world: &World, words: &str) -> Result<Call> {
    let changes = [("text", Value::Text(words.into())), ("not_before", Value::Instant(NOW))];
    let change = |(name, after): (&str, Value)| Change { name: name.into(), before: Value::Absent, after };
    let plan = WritePlan {
        subject: channel(),
        revision: None,
        changes: changes.into_iter().map(change).collect(),
        remarks: Vec::new(),
    };
    world.call(message("C1", words), plan, Guarantee::ByProbe)
}

fn page(messages: &[(&str, &str)], next: &str) -> serde_json::Value {
    let message = |(ts, text): &(&str, &str)| json!({"type": "message", "ts": ts, "text": text});
    let messages: Vec<_> = messages.iter().map(message).collect();
    json!({"ok": true, "messages": messages, "has_more": !next.is_empty(),
           "response_metadata": {"next_cursor": next}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_calls_an_error_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    for (error, looking, posting) in [
        ("not_in_channel", "denied not-in-channel", "denied not-in-channel"),
        ("token_revoked", "denied token-revoked", "denied token-revoked"),
        ("channel_not_found", "rejected channel-not-found", "rejected channel-not-found"),
        ("ratelimited", "transient ratelimited", "transient ratelimited"),
        // Some of it may have been done.
        ("fatal_error", "transient fatal-error", "uncertain fatal-error"),
        ("a_word_of_tomorrow", "rejected a-word-of-tomorrow", "rejected a-word-of-tomorrow"),
    ] {
        world.anew()?;
        let said = json!({"ok": false, "error": error});
        world.target.say("/conversations.info", &said);
        let looked = world.fetch(channel()).await?;
        assert_eq!(case(&looked), looking, "{error}");
        world.target.say("/conversations.history", &page(&[], ""));
        world.target.say("/chat.postMessage", &said);
        let posted = world.apply(call(&world, "hello")?).await;
        assert_eq!(case(&posted), posting, "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_calls_nobody_and_is_found_again_by_its_last_line() -> Result<()> {
    let world = world().await?;
    let reference = EffectId::from_bits(1);
    let words = "Approved: <!channel> & <https://evil.example|crm>";
    let held = format!("Approved: &lt;!channel&gt; &amp; &lt;https://evil.example|crm&gt;\nRef: {reference}");
    let call = || call(&world, words);
    world.target.say("/conversations.history", &page(&[("1795424401.000100", "Ref: somebody")], ""));
    let message = json!({"text": held});
    world
        .target
        .say("/chat.postMessage", &json!({"ok": true, "ts": "1795424402.000200", "message": message}));
    let Ended::Returned(receipt) = world.apply(call()?).await else { anyhow::bail!("it is posted") };
    let applied = receipt.applied.iter().find(|field| field.name.as_str() == "text").context("the text")?;
    assert_eq!(applied.value, Value::Text(words.into()));
    // It is the message that is read back, and not its channel.
    assert_eq!(receipt.subject, RecordRef { kind: "message".into(), id: "C1/1795424402.000200".into() });
    let asked = world.target.take();
    let sent = asked.last().context("it was sent")?;
    ensure!(sent.contains("&lt;!channel&gt;") && !sent.contains("<!channel>"), "{sent}");
    // Ten minutes before the plan, as Slack's clock may be behind.
    ensure!(asked[0].contains("oldest=1795423800.000000"), "{}", asked[0]);

    // It lies on the second page, as Slack shows it with addresses made of what looks like one.
    world.anew()?;
    world.target.say("/conversations.history", &page(&[("1795424409.000000", "noise")], "next"));
    let shown = format!(
        "See <https://crm.example|crm.example> and <mailto:a@b.example|a@b.example>\nRef: {reference}"
    );
    world.target.say("/conversations.history", &page(&[("1795424402.000200", &shown)], ""));
    let Ended::Returned(Finding::Landed(receipt)) = world.runtime.probe(call()?).await else {
        anyhow::bail!("it is found")
    };
    let applied = receipt.applied.iter().find(|field| field.name.as_str() == "text").context("the text")?;
    assert_eq!(applied.value, Value::Text("See crm.example and a@b.example".into()));
    let asked = world.target.take();
    ensure!(asked.len() == 2 && asked[1].contains("cursor=next"), "{asked:?}");
    // What is there is not posted again.
    world.anew()?;
    world.target.say("/conversations.history", &page(&[("1795424402.000200", &held)], ""));
    let again = world.apply(call()?).await;
    ensure!(matches!(again, Ended::Returned(_)), "{again:?}");
    assert_eq!(world.target.take().len(), 1, "it looked, and posted nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_known_of_a_message_is_not_guessed() -> Result<()> {
    let world = world().await?;
    let call = || call(&world, "hello");
    for answer in [
        json!({"ok": true}),
        json!({"ok": true, "ts": "1795424402.000200", "message": {"text": "something else"}}),
        json!({"something": "else"}),
    ] {
        world.anew()?;
        world.target.say("/conversations.history", &page(&[], ""));
        world.target.say("/chat.postMessage", &answer);
        let posted = world.apply(call()?).await;
        assert_eq!(case(&posted), "uncertain unreadable-answer", "{answer}");
    }
    // A history that goes on and does not say where is no end of it.
    world.anew()?;
    let cut = json!({"ok": true, "messages": [], "has_more": true});
    world.target.say("/conversations.history", &cut);
    assert_eq!(case(&world.runtime.probe(call()?).await), "transient unreadable-answer");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_posted_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let channel =
        |archived: bool| json!({"ok": true, "channel": {"name": "general", "is_archived": archived}});
    world.target.say("/conversations.info", &channel(true));
    assert_eq!(case(&world.plan(message("C1", "hello")).await?), "rejected archived");
    world.anew()?;
    world.target.say("/conversations.info", &channel(false));
    assert_eq!(case(&world.plan(message("C1", &"x".repeat(4_001))).await?), "rejected bad-input");
    assert_eq!(case(&world.plan(message("C1", "")).await?), "rejected bad-input");
    let planned = world.plan(message("C1", &"x".repeat(4_000))).await?;
    ensure!(matches!(planned, Ended::Returned(_)), "{planned:?}");
    Ok(())
}

/// What an event is about, once the host has seen that Slack signed it.
async fn about(world: &World, event: &serde_json::Value) -> Result<Ended<Vec<RecordRef>>> {
    let (body, moment) = (event.to_string(), (NOW.0 / 1_000).to_string());
    let mac = mac(SIGNING.as_bytes(), &["v0:", &moment, ":", &body])?;
    let signature = format!("v0={}", HEXLOWER.encode(&mac));
    let headers = [("x-slack-request-timestamp", moment.as_str()), ("x-slack-signature", &signature)];
    world.told(&headers, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_about_the_message_that_somebody_has_changed_or_deleted() -> Result<()> {
    let world = world().await?;
    assert_eq!(world.listen(SIGNING)?, "slack");
    let event =
        |event: serde_json::Value| json!({"type": "event_callback", "event_id": "Ev1", "event": event});
    let message = RecordRef { kind: "message".into(), id: "C1/1795424402.000200".into() };
    for (said, wanted) in [
        (
            event(json!({"type": "message", "subtype": "message_changed", "channel": "C1",
                "ts": "1795424409.000000", "message": {"ts": "1795424402.000200", "text": "hello"}})),
            vec![message.clone()],
        ),
        (
            event(json!({"type": "message", "subtype": "message_deleted", "channel": "C1",
                "ts": "1795424409.000000", "deleted_ts": "1795424402.000200"})),
            vec![message],
        ),
        // A new one is nobody's yet.
        (event(json!({"type": "message", "channel": "C1", "ts": "1795424409.000000"})), Vec::new()),
        (event(json!({"type": "team_join"})), Vec::new()),
        (json!({"type": "app_rate_limited"}), Vec::new()),
    ] {
        let found = about(&world, &said).await?;
        assert_eq!(found, Ended::Returned(wanted), "{said}");
    }
    let nameless = event(json!({"type": "message", "subtype": "message_deleted", "channel": "C1"}));
    for said in [nameless, json!({"type": "event_callback"}), json!({"hello": "you"})] {
        assert_eq!(case(&about(&world, &said).await?), "rejected bad-delivery", "{said}");
    }
    ensure!(world.target.take().is_empty(), "nothing is asked for it");
    Ok(())
}
