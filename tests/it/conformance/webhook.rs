//! Signed JSON that asks for intents: on the component that we ship, through the host's own check of who sent it.

use super::component;
use super::scripted::{NOW, World, mac};
use anyhow::{Result, ensure};
use countersign_connectors::{RawConnection, Secret};
use countersign_core::delivery::{Body, Draft};
use countersign_core::effect::attempt::{Ended, Failure};
use countersign_core::record::Value;
use countersign_engine::port::connectors::{Arrived, Connectors as _, NotTaken, Verified};
use countersign_tests::world::runtime;
use data_encoding::BASE64;
use serde_json::json;

const KEY: &[u8] = b"thirty-two bytes that are a key!";

/// A delivery that is signed as Standard Webhooks have it.
fn signed(id: &str, body: &str, key: &[u8]) -> Result<Arrived> {
    let moment = (NOW.0 / 1_000).to_string();
    let signature = format!("v1,{}", BASE64.encode(&mac(key, &[id, ".", &moment, ".", body])?));
    let headers = [("webhook-id", id), ("webhook-timestamp", &moment), ("webhook-signature", &signature)];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Arrived { headers: headers.into_iter().map(owned).collect(), body: body.as_bytes().to_vec() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_json_becomes_a_draft_and_what_is_not_signed_reaches_no_connector() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = runtime(folder.path())?;
    runtime.install(component("webhook")?).await?;
    let raw: RawConnection =
        toml::from_str("connector = \"countersign.webhook\"\n[webhooks.intents]\nsecret = \"env:SECRET\"\n")?;
    let secret = format!("whsec_{}\n", BASE64.encode(KEY));
    let options = raw.resolve(World::name()?, |_| Ok(Secret::new(secret.clone())));
    let connection = runtime.connect(options.map_err(|faults| anyhow::anyhow!("{faults:?}"))?)?;
    ensure!(connection.inbound.hooks == [("intents".to_owned(), "standard-webhooks")]);
    ensure!(connection.inbound.brings == ["*"] && !connection.inbound.interprets);

    let asked = json!({"type": "countersign.intent.v1", "data": {
        "key": "Q-1042/2", "intent_type": "discount", "requester": "sam@example.com",
        "source": {"kind": "quote", "id": "Q-1042"}, "tokens": {"discount": "25%", "months": 18},
    }});
    let body = asked.to_string();
    let verified = runtime.verify(&World::name()?, "intents", signed("msg_1", &body, KEY)?, NOW);
    let Ok(Verified::Delivery { delivery, .. }) = verified else { anyhow::bail!("{verified:?}") };
    ensure!(delivery.body == Body::Text(body.clone()) && delivery.hook == "intents");
    let names: Vec<&str> = delivery.headers.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(names == ["webhook-id", "webhook-timestamp"], "no signature: {names:?}");
    let Ended::Returned(drafts) = runtime.receive(delivery, NOW).await else { anyhow::bail!("it asks") };
    let [Draft { intent_type, requester, dedupe_key, fields, .. }] = drafts.as_slice() else {
        anyhow::bail!("one draft: {drafts:?}")
    };
    ensure!((intent_type.as_str(), dedupe_key.as_str()) == ("discount", "Q-1042/2"));
    ensure!(requester.as_deref() == Some("sam@example.com"));
    ensure!(fields.iter().any(|field| field.name == "months" && field.value == Value::Integer(18)));

    // What is signed and no wish of ours is refused by the connector, in words.
    let broken = runtime.verify(&World::name()?, "intents", signed("msg_2", "{", KEY)?, NOW);
    let Ok(Verified::Delivery { delivery, .. }) = broken else { anyhow::bail!("{broken:?}") };
    let refused = runtime.receive(delivery, NOW).await;
    let Ended::Failed(Failure::Rejected { detail, .. }) = &refused else { anyhow::bail!("{refused:?}") };
    ensure!(detail.code == "bad-delivery", "{detail:?}");

    let forged = runtime.verify(
        &World::name()?,
        "intents",
        signed("msg_1", &body, b"another key of 32 bytes, no more")?,
        NOW,
    );
    ensure!(matches!(forged, Err(NotTaken::NotProved(_))), "{forged:?}");
    let elsewhere = runtime.verify(&World::name()?, "events", signed("msg_1", &body, KEY)?, NOW);
    ensure!(matches!(elsewhere, Err(NotTaken::NoHook { .. })), "{elsewhere:?}");
    Ok(())
}
