//! What a stand-in for Salesforce answers is recorded, and what no recording shows is said: to the component that we ship.

use super::scripted::{World, case, proposal};
use super::{asked, connection, money, recorded};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::effect::attempt::{Ended, Finding, Guarantee};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::money::{Currency, Money};
use countersign_core::record::{RecordRef, Value};
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use serde_json::{Value as Json, json};

/// The stand-in's client, and its secret.
const SECRET: &str = "3MVG9stand-in:consumer-secret-4711";
const FIRST: &str = "0065g00000A0001EAA";
const SECOND: &str = "0065g00000A0002EAA";
const OPPORTUNITY: &str = "/services/data/v67.0/sobjects/Opportunity/0065g00000A0001EAA";
const QUERY: &str = "/services/data/v67.0/query";
/// Under the id of the effect of every scripted attempt.
const UPSERT: &str =
    "/services/data/v67.0/sobjects/Countersign_Approval__c/Effect_Id__c/eff_00000000000000000000000001";
const REVISION: &str = "2026-11-02T09:00:00.000+0000";
const LATER: &str = "2026-11-02T09:01:00.000+0000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_salesforce_answers_is_recorded_and_certifies() -> Result<()> {
    let crm = tokio::task::spawn_blocking(|| Vendor::start("salesforce")).await??;
    let of = |operation: &str, id: &str, fields: &Json| {
        let about = "Recorded at a stand-in made from what Salesforce publishes about its REST API.";
        let mut asked = asked(about, operation, ("opportunity", id), fields);
        asked["settings"] = json!({"currency": "USD"});
        asked["personal"] = json!(["Erika Musterfrau"]);
        asked
    };
    let price = |percent: &str, net: &str| {
        json!([
            {"name": "discount_percent", "value": {"decimal": percent}},
            {"name": "net_amount", "value": money(net, "USD")},
        ])
    };
    let words = json!([
        {"name": "intent_id", "value": {"text": "int_0123456789abcdefghjkmnpqrs"}},
        {"name": "decision", "value": {"text": "approve"}},
        {"name": "approvers", "value": {"text": ""}},
        {"name": "policy_version", "value": {"text": "p1"}},
        {"name": "seal", "value": {"text": "5ea1"}},
    ]);
    let mut moved = of("set-price", SECOND, &price("25", "9375000.00"));
    moved["rival"] = price("20", "10000000.00");
    let all = vec![
        ("approval", of("record-approval", FIRST, &words)),
        ("price-that-moved", moved),
        ("price", of("set-price", FIRST, &price("25", "75000.00"))),
    ];
    recorded("salesforce", connection("salesforce", &crm.base_url(), SECRET)?, all).await?;
    let state = tokio::task::spawn_blocking(move || crm.state()).await??;
    // The price was set and taken back; the rival's stands.
    let held = |at: usize| {
        let opportunity = &state["Opportunity"][at];
        json!([opportunity["Amount"], opportunity["Discount_Percent__c"], opportunity["SystemModstamp"]])
    };
    assert_eq!(held(0), json!([100_000.0, null, "2026-11-02T09:04:00.000+0000"]), "four writes in all");
    assert_eq!(held(1), json!([10_000_000.0, 20.0, "2026-11-02T09:02:00.000+0000"]));
    let approvals = state["Countersign_Approval__c"].as_array().context("approval records")?;
    let [approval] = approvals.as_slice() else { bail!("one approval record: {approvals:?}") };
    let said = |field: &str| approval[field].as_str().unwrap_or_default();
    ensure!(said("Effect_Id__c").starts_with("eff_") && said("Opportunity__c") == FIRST, "{approval}");
    ensure!(said("Decision__c") == "approve" && approval["Approvers__c"].is_null(), "{approval}");
    Ok(())
}

/// A world that gives a token to whoever asks for one.
fn anew(world: &World) -> Result<()> {
    world.anew()?;
    let token = json!({"access_token": "00D5g-canary-4711", "token_type": "Bearer"});
    world.target.say("/services/oauth2/token", &token);
    Ok(())
}

async fn world() -> Result<World> {
    let world = World::start("salesforce", SECRET).await?;
    anew(&world)?;
    Ok(world)
}

fn subject() -> RecordRef {
    RecordRef { kind: "opportunity".into(), id: FIRST.into() }
}

/// An opportunity of an organization with several currencies.
fn opportunity(amount: f64, revision: &str) -> Json {
    json!({
        "attributes": {"type": "Opportunity", "url": OPPORTUNITY}, "Id": FIRST, "Name": "New business",
        "Amount": amount, "Discount_Percent__c": null, "StageName": "Negotiation", "AccountId": null,
        "OwnerId": "0055g00000A0001EAA", "HasOpportunityLineItem": false, "CurrencyIsoCode": "USD",
        "SystemModstamp": revision,
    })
}

fn found(records: &Json) -> Json {
    json!({"totalSize": records.as_array().map_or(0, Vec::len), "done": true, "records": records})
}

fn dollars(amount: &str) -> Result<Value> {
    Ok(Value::Money(Money::parse(amount, Currency::parse("USD")?)?))
}

fn price(amount: &str) -> Result<Proposal> {
    Ok(proposal("set-price", ("opportunity", FIRST), &[("net_amount", dollars(amount)?)]))
}

fn pricing(world: &World) -> Result<Call> {
    let (before, after) = (dollars("100000.00")?, dollars("75000.00")?);
    let plan = WritePlan {
        subject: subject(),
        revision: Some(REVISION.into()),
        changes: vec![Change { name: "net_amount".into(), before, after }],
        remarks: Vec::new(),
    };
    world.call(price("75000.00")?, plan, Guarantee::ByProbe)
}

fn recording(world: &World) -> Result<Call> {
    let word = Value::Text("int_1".into());
    let what = proposal("record-approval", ("opportunity", FIRST), &[("intent_id", word.clone())]);
    let plan = WritePlan {
        subject: subject(),
        revision: None,
        changes: vec![Change { name: "intent_id".into(), before: Value::Absent, after: word }],
        remarks: Vec::new(),
    };
    world.call(what, plan, Guarantee::ByNaturalKey)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_salesforce_calls_an_error_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    for (status, code, looking, writing) in [
        // One more token was asked for, and refused as well.
        (401, "INVALID_SESSION_ID", "denied invalid-session-id", "denied invalid-session-id"),
        (403, "INSUFFICIENT_ACCESS", "denied insufficient-access", "denied insufficient-access"),
        (
            400,
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "denied insufficient-access-or-readonly",
            "denied insufficient-access-or-readonly",
        ),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "transient request-limit-exceeded",
            "transient request-limit-exceeded",
        ),
        (400, "UNABLE_TO_LOCK_ROW", "transient unable-to-lock-row", "transient unable-to-lock-row"),
        (404, "ENTITY_IS_DELETED", "rejected not-found", "rejected not-found"),
        (404, "NOT_FOUND", "rejected not-found", "rejected not-found"),
        (
            400,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "rejected field-custom-validation-exception",
            "rejected field-custom-validation-exception",
        ),
        (400, "A_WORD_OF_TOMORROW", "rejected a-word-of-tomorrow", "rejected a-word-of-tomorrow"),
        // It may have been done.
        (503, "SERVER_UNAVAILABLE", "transient server-unavailable", "uncertain server-unavailable"),
        (500, "UNKNOWN_EXCEPTION", "transient unknown-exception", "uncertain unknown-exception"),
    ] {
        let said = json!([{"message": "no", "errorCode": code, "fields": []}]);
        anew(&world)?;
        world.target.say_with(status, OPPORTUNITY, &said);
        assert_eq!(case(&world.fetch(subject()).await?), looking, "{code}");
        anew(&world)?;
        world.target.say(OPPORTUNITY, &opportunity(100_000.0, REVISION));
        world.target.say_with(status, OPPORTUNITY, &said);
        assert_eq!(case(&world.apply(pricing(&world)?).await), writing, "{code}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_crosses_nobody_elses_change() -> Result<()> {
    let world = world().await?;
    // It moved before our look; within the same second; and after our look, which only Salesforce can see.
    for now in [opportunity(100_000.0, LATER), opportunity(90_000.0, REVISION)] {
        anew(&world)?;
        world.target.say(OPPORTUNITY, &now);
        assert_eq!(case(&world.apply(pricing(&world)?).await), "conflict moved", "{now}");
        let asked = world.target.take();
        ensure!(!asked.iter().any(|line| line.starts_with("PATCH")), "nothing is written: {asked:?}");
    }
    anew(&world)?;
    world.target.say(OPPORTUNITY, &opportunity(100_000.0, REVISION));
    world.target.say_with(412, OPPORTUNITY, &json!([]));
    assert_eq!(case(&world.apply(pricing(&world)?).await), "conflict moved");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_is_believed_when_it_is_seen() -> Result<()> {
    let world = world().await?;
    world.target.say(OPPORTUNITY, &opportunity(100_000.0, REVISION));
    world.target.say(OPPORTUNITY, &json!({}));
    world.target.say(OPPORTUNITY, &opportunity(75_000.0, LATER));
    let Ended::Returned(receipt) = world.apply(pricing(&world)?).await else { bail!("it lands") };
    assert_eq!(receipt.revision.as_deref(), Some(LATER));
    let applied = receipt.applied.first().context("a field")?;
    assert_eq!(applied.value, dollars("75000.00")?);
    let asked = world.target.take();
    let sent = asked.iter().find(|line| line.starts_with("PATCH")).context("it was sent")?;
    ensure!(sent.ends_with(r#" {"Amount":75000}"#), "{sent}");
    // Somebody in between said that all is well; and nothing could be read afterwards.
    for after in [opportunity(100_000.0, REVISION), json!({"Id": FIRST})] {
        anew(&world)?;
        world.target.say(OPPORTUNITY, &opportunity(100_000.0, REVISION));
        world.target.say(OPPORTUNITY, &json!({}));
        world.target.say(OPPORTUNITY, &after);
        assert_eq!(case(&world.apply(pricing(&world)?).await), "uncertain not-seen", "{after}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_record_is_made_once_under_the_effects_id() -> Result<()> {
    let world = world().await?;
    let record = json!({
        "Id": "a0X5g00000A0001EAA", "Effect_Id__c": "eff_00000000000000000000000001", "Opportunity__c": FIRST,
        "Intent_Id__c": "int_1", "Decision__c": null, "Approvers__c": null, "Policy_Version__c": null,
        "Seal__c": null, "SystemModstamp": LATER,
    });
    world.target.say(QUERY, &found(&json!([])));
    world.target.say_with(201, UPSERT, &json!({"id": record["Id"], "success": true, "created": true}));
    world.target.say(QUERY, &found(&json!([record])));
    let Ended::Returned(receipt) = world.apply(recording(&world)?).await else { bail!("it lands") };
    assert_eq!(receipt.subject, RecordRef { kind: "approval".into(), id: "a0X5g00000A0001EAA".into() });
    // What is there is not written again, and found by its id.
    anew(&world)?;
    world.target.say(QUERY, &found(&json!([record])));
    let again = world.apply(recording(&world)?).await;
    ensure!(matches!(again, Ended::Returned(_)), "{again:?}");
    let asked = world.target.take();
    ensure!(!asked.iter().any(|line| line.starts_with("PATCH")), "it looked, and wrote nothing: {asked:?}");
    let probed = world.runtime.probe(recording(&world)?).await;
    ensure!(matches!(probed, Ended::Returned(Finding::Landed(_))), "{probed:?}");
    // Another sending of it is under way; or the field is not unique.
    for (status, code, expected) in
        [(400, "DUPLICATE_VALUE", "uncertain duplicate-value"), (300, "", "rejected not-unique")]
    {
        anew(&world)?;
        world.target.say(QUERY, &found(&json!([])));
        world.target.say_with(status, UPSERT, &json!([{"message": "no", "errorCode": code}]));
        assert_eq!(case(&world.apply(recording(&world)?).await), expected);
    }
    anew(&world)?;
    world.target.say(QUERY, &found(&json!([record, record])));
    assert_eq!(case(&world.runtime.probe(recording(&world)?).await), "rejected not-unique");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_priced_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let mut summed_up = opportunity(100_000.0, REVISION);
    summed_up["HasOpportunityLineItem"] = json!(true);
    let mut elsewhere = opportunity(100_000.0, REVISION);
    elsewhere["CurrencyIsoCode"] = json!("EUR");
    for (now, amount, expected) in [
        (summed_up, "75000.00", "rejected has-products"),
        (elsewhere, "75000.00", "rejected other-currency"),
        (opportunity(100_000.0, REVISION), "12345678901234.56", "rejected not-exact"),
    ] {
        anew(&world)?;
        world.target.say(OPPORTUNITY, &now);
        assert_eq!(case(&world.plan(price(amount)?).await?), expected);
    }
    Ok(())
}
