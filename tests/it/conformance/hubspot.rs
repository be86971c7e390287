//! What a stand-in for HubSpot answers, and what no recording shows: refusals, deals that were merged, notes on later pages,
//! and deals that changed at one moment. On the component that we ship.

use super::scripted::{ADDRESS, NOW, Scripted, World, case, mac, proposal};
use super::{asked, connection, money, recorded};
use anyhow::{Context as _, Result, ensure};
use countersign_core::effect::attempt::{Ended, Failure, Finding, Guarantee, Receipt};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::Millis;
use countersign_engine::port::connectors::{Asked, Call, Connectors as _};
use countersign_tests::servers::Vendor;
use data_encoding::BASE64;
use serde_json::json;
use std::collections::BTreeSet;

/// The token that the stand-in takes.
const TOKEN: &str = "pat-eu1-canary-4711";
const DEAL: &str = "/crm/v3/objects/deals/9001";
const NOTES: &str = "/crm/v3/objects/notes";
const NOTES_OF_DEAL: &str = "/crm/v4/objects/deals/9001/associations/notes";
const NOTES_AT_ONCE: &str = "/crm/v3/objects/notes/batch/read";
/// When the deal was changed.
const REVISION: &str = "2026-11-02T09:00:00.000Z";

async fn world() -> Result<World> {
    World::start("hubspot", TOKEN).await
}

fn deal() -> RecordRef {
    RecordRef { kind: "deal".into(), id: "9001".into() }
}

/// The deal, as HubSpot tells it.
fn told(amount: &str, currency: &str) -> serde_json::Value {
    json!({"id": "9001", "updatedAt": REVISION, "properties": {"amount": amount, "deal_currency_code": currency}})
}

fn dollars(amount: &str) -> Result<Value> {
    Ok(Value::Money(Money::parse(amount, Currency::parse("USD")?)?))
}

fn price(amount: &str) -> Result<Proposal> {
    Ok(proposal("set-price", ("deal", "9001"), &[("net_amount", dollars(amount)?)]))
}

fn plan(revision: Option<&str>, changes: Vec<(&str, Value, Value)>) -> WritePlan {
    let change = |(name, before, after): (&str, Value, Value)| Change { name: name.into(), before, after };
    let changes = changes.into_iter().map(change).collect();
    WritePlan { subject: deal(), revision: revision.map(str::to_owned), changes, remarks: Vec::new() }
}

/// One attempt at a price of 75,000 for a deal of 100,000.
fn pricing(world: &World) -> Result<Call> {
    let changes = vec![("net_amount", dollars("100000.00")?, dollars("75000.00")?)];
    world.call(price("75000.00")?, plan(Some(REVISION), changes), Guarantee::ByProbe)
}

/// One attempt at an approval record.
fn recording(world: &World) -> Result<Call> {
    let intent = Value::Text("int_1".into());
    let what = proposal("record-approval", ("deal", "9001"), &[("intent_id", intent.clone())]);
    let noted = Value::Instant(NOW);
    let changes = vec![("intent_id", Value::Absent, intent), ("noted_at", Value::Absent, noted)];
    world.call(what, plan(None, changes), Guarantee::ByProbe)
}

fn note(id: &str, body: &str) -> serde_json::Value {
    let properties = json!({"hs_note_body": body, "hs_timestamp": "2026-11-23T09:00:00Z"});
    json!({"id": id, "updatedAt": REVISION, "properties": properties})
}

/// One page of the notes of the deal.
fn say_notes(target: &Scripted, ids: &[u32], next: Option<&str>) {
    let results: Vec<_> = ids.iter().map(|id| json!({"toObjectId": id, "associationTypes": []})).collect();
    let mut page = json!({"results": results});
    if let Some(after) = next {
        page["paging"] = json!({"next": {"after": after}});
    }
    target.say(NOTES_OF_DEAL, &page);
}

fn found(ended: Ended<Finding>) -> Result<Receipt> {
    match ended {
        Ended::Returned(Finding::Landed(receipt)) => Ok(receipt),
        other => anyhow::bail!("it is found: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hubspot_answers_is_recorded_and_certifies() -> Result<()> {
    let hubspot = tokio::task::spawn_blocking(|| Vendor::start("hubspot")).await??;
    let about = "Recorded at a stand-in made from what HubSpot publishes.";
    let price = |deal: &str, percent: &str, net: &str| {
        let fields = json!([
            {"name": "discount_percent", "value": {"decimal": percent}},
            {"name": "net_amount", "value": money(net, "USD")},
        ]);
        let mut asked = asked(about, "set-price", ("deal", deal), &fields);
        asked["settings"] = json!({"discount-property": "discount_percent"});
        // The name of a deal is its customer's, as a rule.
        asked["personal"] = json!(["Globex"]);
        asked
    };
    let mut moved = price("9002", "25", "75000.00");
    moved["rival"] = price("9002", "20", "80000.00")["fields"].take();
    // A word of two lines, and one that HubSpot would take for HTML.
    let words = json!([
        {"name": "intent_id", "value": {"text": "int_0123456789abcdefghjkmnpqrs"}},
        {"name": "decision", "value": {"text": "approve"}},
        {"name": "approvers", "value": {"text": "per_0123456789abcdefghjkmnpqrs"}},
        {"name": "policy_version", "value": {"text": "p1 <b>& more</b>\nsecond line"}},
    ]);
    let all = vec![
        ("price", price("9001", "25", "75000.00")),
        ("price-that-moved", moved),
        ("approval", asked(about, "record-approval", ("deal", "9003"), &words)),
    ];
    recorded("hubspot", connection("hubspot", &hubspot.base_url(), TOKEN)?, all).await?;
    let state = tokio::task::spawn_blocking(move || hubspot.state()).await??;
    let deals = &state["deals"];
    ensure!(deals["9001"]["amount"] == "75000" && deals["9001"]["discount_percent"] == "25", "{deals:#}");
    ensure!(deals["9002"]["amount"] == "80000" && deals["9002"]["discount_percent"] == "20", "{deals:#}");
    let notes = state["notes"].as_object().context("notes")?;
    let bodies: Vec<&str> = notes.values().filter_map(|note| note["hs_note_body"].as_str()).collect();
    ensure!(
        bodies.len() == 1 && state["associations"]["9003"].as_array().map(Vec::len) == Some(1),
        "{notes:#?}"
    );
    ensure!(
        bodies[0].contains("p1 &lt;b&gt;&amp; more") && bodies[0].contains("<br>Ref: eff_"),
        "{bodies:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hubspot_refuses_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    let of = |category: &str| json!({"status": "error", "category": category, "correlationId": "c-1"});
    let coded = json!({"category": "VALIDATION_ERROR", "errors": [
        {"code": "INVALID_INTEGER", "context": {"propertyName": ["amount"]}}
    ]});
    for (status, said, looking, pricing_it) in [
        (401, of("INVALID_AUTHENTICATION"), "denied invalid-authentication", "denied invalid-authentication"),
        (403, of("MISSING_SCOPES"), "denied missing-scopes", "denied missing-scopes"),
        (404, of("OBJECT_NOT_FOUND"), "rejected not-found", "rejected not-found"),
        (409, of("CONFLICT"), "conflict conflict", "conflict conflict"),
        (400, of("VALIDATION_ERROR"), "rejected validation-error", "rejected validation-error"),
        (400, coded, "rejected invalid-integer", "rejected invalid-integer"),
        (400, of("A_WORD_OF_TOMORROW"), "rejected a-word-of-tomorrow", "rejected a-word-of-tomorrow"),
        (400, json!({}), "rejected http-400", "rejected http-400"),
        // It may have been done.
        (500, of("INTERNAL_ERROR"), "transient unavailable", "uncertain unavailable"),
        (504, json!("a proxy speaks"), "transient unavailable", "uncertain unavailable"),
    ] {
        world.anew()?;
        world.target.say_with(status, DEAL, &said);
        assert_eq!(case(&world.fetch(deal()).await?), looking, "{said}");
        world.anew()?;
        world.target.say(DEAL, &told("100000", "USD"));
        world.target.say_with(status, DEAL, &said);
        let priced = world.apply(pricing(&world)?).await;
        assert_eq!(case(&priced), pricing_it, "{said}");
        if let Ended::Failed(Failure::Rejected { fields, .. }) = &priced {
            assert_eq!(fields.as_slice() == ["net_amount"], pricing_it.ends_with("integer"), "{said}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_waited_for_as_long_as_it_lasts() -> Result<()> {
    let world = world().await?;
    let limit = |policy: &str| json!({"errorType": "RATE_LIMIT", "policyName": policy});
    for (status, said, code, wait) in [
        (429, limit("SECONDLY"), "transient rate-limited", Some(Millis(1_000))),
        (429, limit("TEN_SECONDLY_ROLLING"), "transient rate-limited", Some(Millis(10_000))),
        (429, limit("DAILY"), "transient rate-limited", Some(Millis(3_600_000))),
        (429, limit("of tomorrow"), "transient rate-limited", None),
        (429, json!({}), "transient rate-limited", None),
        (423, json!({"category": "LOCKED"}), "transient locked", Some(Millis(2_000))),
        (477, json!({}), "transient migrating", None),
    ] {
        world.anew()?;
        world.target.say(DEAL, &told("100000", "USD"));
        world.target.say_with(status, DEAL, &said);
        let priced = world.apply(pricing(&world)?).await;
        assert_eq!(case(&priced), code, "{said}");
        let Ended::Failed(Failure::Transient { after, .. }) = priced else {
            anyhow::bail!("it is waited for")
        };
        assert_eq!(after, wait, "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_elses_price_is_overwritten_and_none_is_written_twice() -> Result<()> {
    let world = world().await?;
    // Somebody else has changed the deal since.
    let mut moved = told("90000", "USD");
    moved["updatedAt"] = json!("2026-11-02T09:30:00.000Z");
    world.target.say(DEAL, &moved);
    assert_eq!(case(&world.apply(pricing(&world)?).await), "conflict moved");
    assert_eq!(world.target.take().len(), 1, "nothing is written");
    let probed = world.runtime.probe(pricing(&world)?).await;
    ensure!(matches!(probed, Ended::Returned(Finding::Absent)), "{probed:?}");
    // Our own price is there, in other digits; its answer was lost.
    world.anew()?;
    let mut landed = told("75000.0", "USD");
    landed["updatedAt"] = json!("2026-11-02T09:30:00.000Z");
    world.target.say(DEAL, &landed);
    let again = world.apply(pricing(&world)?).await;
    ensure!(matches!(again, Ended::Returned(_)), "{again:?}");
    assert_eq!(world.target.take().len(), 1, "it looked, and wrote nothing");
    assert_eq!(found(world.runtime.probe(pricing(&world)?).await)?.applied[0].value, dollars("75000.00")?);
    // An answer that does not tell of what was written.
    for unclear in [json!({"id": "9001", "updatedAt": REVISION, "properties": {}}), json!({"ok": true})] {
        world.anew()?;
        world.target.say(DEAL, &told("100000", "USD"));
        world.target.say(DEAL, &unclear);
        assert_eq!(case(&world.apply(pricing(&world)?).await), "uncertain unreadable-answer", "{unclear}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_priced_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let mut merged = told("100000", "USD");
    merged["id"] = json!("9009");
    for (said, refused) in [
        (told("100000", "EUR"), "rejected other-currency"),
        (told("100000", ""), "rejected no-currency"),
        (merged, "rejected not-found"),
        // HubSpot keeps digits that no amount has, and writes large numbers with an exponent.
        (told("33.3333", "USD"), "rejected odd-value"),
        (told("1E+999999999", "USD"), "rejected odd-value"),
    ] {
        world.anew()?;
        world.target.say(DEAL, &said);
        assert_eq!(case(&world.plan(price("75000.00")?).await?), refused, "{said}");
    }
    world.anew()?;
    world.target.say(DEAL, &told("1.0E5", "USD"));
    let Ended::Returned(planned) = world.plan(price("75000.00")?).await? else {
        anyhow::bail!("it is planned")
    };
    assert_eq!(planned.revision.as_deref(), Some(REVISION));
    assert_eq!(planned.changes[0].before, dollars("100000.00")?);
    let percent = ("discount_percent", Value::Decimal("25".into()));
    let discount = proposal("set-price", ("deal", "9001"), &[("net_amount", dollars("75000.00")?), percent]);
    assert_eq!(case(&world.plan(discount).await?), "rejected no-discount-property");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_record_is_found_again_wherever_it_stands() -> Result<()> {
    let world = world().await?;
    let reference = EffectId::from_bits(1);
    // It lies on the second page, as HubSpot's editor leaves it, and behind a note that is gone.
    let edited = format!(
        "<div><p>countersign approval record</p><p>intent_id: int_1</p><p>Ref: {reference}</p></div>"
    );
    let page = |notes: &[serde_json::Value]| json!({"results": notes});
    world.target.say(DEAL, &told("100000", "USD"));
    say_notes(&world.target, &[1, 2], Some("2"));
    say_notes(&world.target, &[3], None);
    let mut partly = page(&[note("1", &format!("Ref: {reference} is what I mean"))]);
    partly["errors"] = json!([{"category": "OBJECT_NOT_FOUND"}]);
    world.target.say_with(207, NOTES_AT_ONCE, &partly);
    world.target.say(NOTES_AT_ONCE, &page(&[note("3", &edited)]));
    let receipt = found(world.runtime.probe(recording(&world)?).await)?;
    assert_eq!((receipt.subject.kind.as_str(), receipt.subject.id.as_str()), ("note", "3"));
    assert_eq!(receipt.applied[0].value, Value::Text("int_1".into()));
    // What is there is not written again.
    world.anew()?;
    world.target.say(DEAL, &told("100000", "USD"));
    say_notes(&world.target, &[3], None);
    world.target.say(NOTES_AT_ONCE, &page(&[note("3", &edited)]));
    let again = world.apply(recording(&world)?).await;
    ensure!(matches!(again, Ended::Returned(_)), "{again:?}");
    assert_eq!(world.target.take().len(), 3, "it looked, and wrote nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_was_merged_bears_its_notes_as_another_one_and_gets_no_new_ones() -> Result<()> {
    let world = world().await?;
    let mut merged = told("100000", "USD");
    merged["id"] = json!("9009");
    world.target.say(DEAL, &merged);
    let body = format!("countersign approval record<br>intent_id: int_1<br>Ref: {}", EffectId::from_bits(1));
    let of_the_other = "/crm/v4/objects/deals/9009/associations/notes";
    world.target.say(of_the_other, &json!({"results": [{"toObjectId": 3}]}));
    world.target.say(NOTES_AT_ONCE, &json!({"results": [note("3", &body)]}));
    assert_eq!(found(world.runtime.probe(recording(&world)?).await)?.subject.id.as_str(), "3");
    world.anew()?;
    world.target.say(DEAL, &merged);
    world.target.say(of_the_other, &json!({"results": []}));
    assert_eq!(case(&world.apply(recording(&world)?).await), "rejected not-found");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_known_of_a_note_is_not_guessed() -> Result<()> {
    let world = world().await?;
    let anew = || -> Result<()> {
        world.anew()?;
        world.target.say(DEAL, &told("100000", "USD"));
        Ok(())
    };
    // Not every note was read: it may be the one.
    anew()?;
    say_notes(&world.target, &[1], None);
    let partly = json!({"results": [], "errors": [{"category": "SOMETHING_ELSE"}]});
    world.target.say_with(207, NOTES_AT_ONCE, &partly);
    assert_eq!(case(&world.runtime.probe(recording(&world)?).await), "transient unreadable-answer");
    // More notes than are looked through.
    anew()?;
    say_notes(&world.target, &[1], Some("on and on"));
    world.target.say(NOTES_AT_ONCE, &json!({"results": [note("1", "noise")]}));
    assert_eq!(case(&world.runtime.probe(recording(&world)?).await), "uncertain too-many-notes");
    // Another note than the one that was written.
    anew()?;
    say_notes(&world.target, &[], None);
    world.target.say_with(201, NOTES, &note("4", "something else"));
    assert_eq!(case(&world.apply(recording(&world)?).await), "uncertain unreadable-answer");
    Ok(())
}

/// The stand-in holds 450 deals that were changed at one moment, in no order that a search promises.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_deal_is_told_of_once_however_many_changed_at_one_moment() -> Result<()> {
    let hubspot = tokio::task::spawn_blocking(|| Vendor::start("hubspot")).await??;
    let world = world().await?;
    for limit in [500, 60] {
        world.runtime.connect(connection("hubspot", &hubspot.base_url(), TOKEN)?)?;
        let (mut seen, mut cursor) = (BTreeSet::new(), None);
        loop {
            let asked = Asked { kind: "deal".to_owned(), cursor: cursor.clone(), limit, now: NOW };
            let ended = world.runtime.changes(&World::name()?, asked).await;
            let Ended::Returned(page) = ended else { anyhow::bail!("{limit}, after {cursor:?}: {ended:?}") };
            for changed in page.items {
                ensure!(changed.revision.is_some(), "{changed:?}");
                ensure!(seen.insert(changed.subject.id.clone()), "{limit}: twice {changed:?}");
            }
            let Some(next) = page.next else { break };
            cursor = Some(next);
        }
        assert_eq!(seen.len(), 453, "{limit}");
    }
    let asked = Asked { kind: "deal".to_owned(), cursor: Some("yesterday".to_owned()), limit: 20, now: NOW };
    assert_eq!(case(&world.runtime.changes(&World::name()?, asked).await), "rejected bad-cursor");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_about_the_deals_that_something_became_of() -> Result<()> {
    const SIGNING: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    let world = world().await?;
    assert_eq!(world.listen(SIGNING)?, "hubspot");
    let moment = NOW.0.to_string();
    let told = async |said: serde_json::Value| {
        let body = said.to_string();
        let signature =
            mac(SIGNING.as_bytes(), &["POST", ADDRESS, "/hooks/recorded/events", &body, &moment])?;
        let signature = BASE64.encode(&signature);
        let headers =
            [("x-hubspot-signature-v3", signature.as_str()), ("x-hubspot-request-timestamp", &moment)];
        world.told(&headers, body).await
    };
    let event = |of: &str, id: u64| json!({"eventId": 1, "subscriptionType": of, "objectId": id});
    let of = |kind: &str, id: u64| {
        let mut event = event("object.propertyChange", id);
        event["objectTypeId"] = json!(kind);
        event
    };
    let mut merged = event("deal.merge", 9001);
    merged["primaryObjectId"] = json!(9001);
    merged["mergedObjectIds"] = json!([9002, 9003]);
    merged["newObjectId"] = json!(9004);
    let deals = |ids: &[&str]| -> Vec<RecordRef> {
        ids.iter().map(|id| RecordRef { kind: "deal".into(), id: (*id).into() }).collect()
    };
    for (said, wanted) in [
        (json!([event("deal.propertyChange", 9001)]), deals(&["9001"])),
        // Each once, whatever became of it, and none of another type.
        (
            json!([
                event("deal.creation", 9002),
                event("contact.creation", 7),
                event("deal.deletion", 9002),
                of("0-3", 9)
            ]),
            deals(&["9002", "9"]),
        ),
        (json!([of("0-1", 9001)]), Vec::new()),
        (json!([merged]), deals(&["9001", "9004", "9002", "9003"])),
        (json!([{"subscriptionType": "deal.associationChange", "fromObjectId": 9001}]), Vec::new()),
        (json!([]), Vec::new()),
    ] {
        assert_eq!(told(said.clone()).await?, Ended::Returned(wanted), "{said}");
    }
    for said in [
        json!([{"subscriptionType": "deal.creation"}]),
        json!([{"subscriptionType": "deal.creation", "objectId": "../9001"}]),
        json!([{"subscriptionType": "deal.creation", "objectId": true}]),
        json!([{"subscriptionType": "deal.creation", "objectId": -1}]),
        json!([{"subscriptionType": "object.creation", "objectId": 1}]),
        json!([{}]),
        json!([7]),
        event("deal.creation", 9001),
    ] {
        assert_eq!(case(&told(said.clone()).await?), "rejected bad-delivery", "{said}");
    }
    ensure!(world.target.take().is_empty(), "nothing is asked for it");
    Ok(())
}
