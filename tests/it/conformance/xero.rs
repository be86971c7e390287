//! What Xero answers is recorded at a stand-in and certifies; and what no recording shows: each of its refusals by its
//! case, on the component that we ship.

use super::scripted::{World, case, proposal};
use super::{asked, connection, money, recorded};
use anyhow::{Context as _, Result, ensure};
use countersign_connectors::{ConnectionOptions, Rate};
use countersign_core::effect::attempt::{Ended, Finding, Guarantee};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{RecordRef, Value};
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use serde_json::{Value as Json, json};

/// The client of the stand-in.
const SECRET: &str = "client-4711:client-secret-4711";
/// Ids of the stand-in: its organisation, and an invoice over 115 dollars.
const ORGANISATION: &str = "00000000-0000-4000-8000-000000000001";
const INVOICE: &str = "00000000-0000-4000-8000-000000000101";
/// Where tokens are given, below the address of the target.
const TOKENS: &str = "/connect/token";

/// A connection whose tokens are given at the target, too. It bears more than the one request a second that Xero does.
fn target(at: &str, below: &str) -> Result<ConnectionOptions> {
    let mut options = connection("xero", &format!("{at}{below}"), SECRET)?;
    options.endpoints.get_mut("api").context("the endpoint")?.token = Some(format!("{at}{TOKENS}"));
    options.rate = Some(Rate { per_second: 100, burst: 100, concurrent: 4 });
    Ok(options)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_xero_answers_is_recorded_and_certifies() -> Result<()> {
    let xero = tokio::task::spawn_blocking(|| Vendor::start("xero")).await??;
    let about = "Recorded at a stand-in for Xero made from its published description.";
    let credited = json!([
        {"name": "amount", "value": money("23.00", "NZD")},
        {"name": "reason", "value": {"text": "Two seats less"}},
    ]);
    let mut credited = asked(about, "create-credit-note", ("invoice", INVOICE), &credited);
    credited["personal"] = json!(["Globex"]);
    let entry = json!([
        {"name": "amount", "value": money("40.50", "NZD")},
        {"name": "debit_account", "value": {"text": "400"}},
        {"name": "credit_account", "value": {"text": "620"}},
        {"name": "narration", "value": {"text": "Goodwill for INV-0001"}},
    ]);
    let entry = asked(about, "post-entry", ("organisation", ORGANISATION), &entry);
    let options = target(&xero.base_url(), "/api.xro/2.0")?;
    recorded("xero", options, vec![("credit-note", credited), ("entry", entry)]).await?;
    let held = tokio::task::spawn_blocking(move || xero.state()).await??;
    let scopes = json!(["accounting.invoices", "accounting.manualjournals", "accounting.settings.read"]);
    assert_eq!(held["granted"], scopes, "no more than the manifest asks for");
    let only = |list: &str| held[list].as_array().filter(|all| all.len() == 1).map(|all| all[0].clone());
    let journal = only("ManualJournals").with_context(|| format!("one journal: {held}"))?;
    let narration = journal["Narration"].as_str().unwrap_or_default();
    ensure!(narration.starts_with("Goodwill for INV-0001 / Ref: eff_"), "{narration}");
    assert_eq!((&journal["Status"], &journal["LineAmountTypes"]), (&json!("POSTED"), &json!("NoTax")));
    let lines = journal["JournalLines"].as_array().context("lines")?;
    let lines: Vec<_> =
        lines.iter().map(|line| (line["AccountCode"].clone(), line["LineAmount"].clone())).collect();
    assert_eq!(lines, [(json!("400"), json!(40.5)), (json!("620"), json!(-40.5))]);
    let note = only("CreditNotes").with_context(|| format!("one credit note: {held}"))?;
    assert_eq!((&note["Total"], &note["TotalTax"]), (&json!(23.0), &json!(3.0)), "tax included");
    assert_eq!(note["Status"], "AUTHORISED");
    ensure!(
        note["Reference"].as_str().is_some_and(|words| words.starts_with("INV-0001 / Ref: eff_")),
        "{note}"
    );
    Ok(())
}

/// A component behind a target that gives a token and then says what it is told to.
async fn world() -> Result<World> {
    let world = World::start("xero", SECRET).await?;
    anew(&world)?;
    Ok(world)
}

fn anew(world: &World) -> Result<()> {
    world.anew()?;
    let connected = world.runtime.connection(&World::name()?).context("the connection")?;
    let (_, base) = connected.endpoints.first().context("the endpoint")?;
    world.runtime.connect(target(base.trim_end_matches('/'), "")?)?;
    world
        .target
        .say(TOKENS, &json!({"access_token": "token-4711", "expires_in": 1800, "token_type": "Bearer"}));
    Ok(())
}

fn dollars(amount: &str) -> Result<Value> {
    Ok(Value::Money(Money::parse(amount, Currency::parse("NZD")?)?))
}

fn text(words: &str) -> Value {
    Value::Text(words.into())
}

fn call(world: &World, what: Proposal, changes: Vec<(&str, Value)>) -> Result<Call> {
    let change = |(name, after): (&str, Value)| Change { name: name.into(), before: Value::Absent, after };
    let plan = WritePlan {
        subject: what.subject.clone(),
        revision: None,
        changes: changes.into_iter().map(change).collect(),
        remarks: Vec::new(),
    };
    world.call(what, plan, Guarantee::ByProbe)
}

fn entry(world: &World) -> Result<Call> {
    let changes = vec![
        ("amount", dollars("40.50")?),
        ("debit_account", text("400")),
        ("credit_account", text("620")),
        ("narration", text("Goodwill")),
        ("date", Value::Date("2026-11-23".into())),
        ("posted", Value::Flag(true)),
    ];
    let fields: Vec<(&str, Value)> = changes.iter().take(4).cloned().collect();
    call(world, proposal("post-entry", ("organisation", ORGANISATION), &fields), changes)
}

fn credit(world: &World) -> Result<Call> {
    let changes = vec![
        ("amount", dollars("23")?),
        ("reason", text("Two seats less")),
        ("account", text("200")),
        ("tax_type", text("OUTPUT2")),
        ("invoice_number", text("INV-0001")),
        ("contact", text("contact-1")),
        ("date", Value::Date("2026-11-23".into())),
        ("approved", Value::Flag(true)),
    ];
    let fields: Vec<(&str, Value)> = changes.iter().take(2).cloned().collect();
    call(world, proposal("create-credit-note", ("invoice", INVOICE), &fields), changes)
}

/// A page of manual journals: the only one.
fn page(journals: &[Json]) -> Json {
    json!({"pagination": {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": journals.len()}, "ManualJournals": journals})
}

fn journal(narration: &str, debit: f64) -> Json {
    let line = |code: &str, amount: f64| json!({"AccountCode": code, "LineAmount": amount, "IsBlank": false});
    json!({"ManualJournalID": "journal-1", "Narration": narration, "Date": "/Date(1795392000000+0000)/", "Status": "POSTED",
           "JournalLines": [line("400", debit), line("620", -debit)]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_xero_refuses_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    let door =
        |detail: &str| json!({"Type": null, "Title": "No", "Detail": detail, "Instance": ORGANISATION});
    let problems = json!([{"Message": "The document date cannot be before the period lock date"}]);
    let invalid = json!({"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
                         "Elements": [{"ValidationErrors": problems}]});
    let not_saved = json!({"Status": "OK", "ManualJournals": [{"ManualJournalID": "00000000-0000-0000-0000-000000000000",
                           "StatusAttributeString": "ERROR", "ValidationErrors": problems}]});
    let unknown = json!({"ErrorNumber": 99, "Type": "WordOfTomorrow", "Message": "a word"});
    for (status, said, posting) in [
        (400, &invalid, "rejected validation-exception"),
        // Xero can refuse with status 200.
        (200, &not_saved, "rejected validation-exception"),
        (400, &unknown, "rejected word-of-tomorrow"),
        (401, &door("AuthenticationUnsuccessful"), "denied authentication-unsuccessful"),
        (403, &door("AuthenticationUnsuccessful"), "denied authentication-unsuccessful"),
        (404, &json!("The resource you're looking for cannot be found"), "rejected not-found"),
        (412, &json!({}), "rejected http-412"),
        (429, &door(""), "transient rate-limited"),
        (500, &json!({}), "uncertain unavailable"),
        (
            501,
            &json!({"Type": "ApiMethodNotImplementedException"}),
            "rejected api-method-not-implemented-exception",
        ),
        (503, &json!("The Organisation is offline"), "uncertain unavailable"),
        (200, &page(&[]), "uncertain unreadable-answer"),
        (200, &page(&[journal("somebody else's", 40.5)]), "uncertain unreadable-answer"),
    ] {
        anew(&world)?;
        // The first answer is to the look, the second to the step.
        world.target.say("/ManualJournals", &page(&[]));
        world.target.say_with(status, "/ManualJournals", said);
        let posted = world.apply(entry(&world)?).await;
        assert_eq!(case(&posted), posting, "{status} {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_is_not_answered_says_nothing_and_writes_nothing() -> Result<()> {
    let world = world().await?;
    for (status, said, looking) in [
        (500, json!({}), "transient unavailable"),
        (503, json!("The Xero API is currently offline for maintenance"), "transient unavailable"),
        (429, json!({}), "transient rate-limited"),
        (401, json!({"Detail": "TokenExpired: token expired"}), "denied token-expired"),
        (200, json!({"Status": "OK"}), "transient unreadable-answer"),
    ] {
        anew(&world)?;
        world.target.say_with(status, "/ManualJournals", &said);
        assert_eq!(case(&world.runtime.probe(entry(&world)?).await), looking, "{status} {said}");
        assert_eq!(case(&world.apply(entry(&world)?).await), looking, "{status} {said}");
        let asked = world.target.take();
        ensure!(asked.iter().all(|line| !line.starts_with("PUT ")), "{asked:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_is_found_again_by_the_end_of_its_narration() -> Result<()> {
    let world = world().await?;
    let ours = format!("Goodwill / Ref: {}", EffectId::from_bits(1));
    let others = [json!({"ManualJournalID": "x", "Narration": null}), journal(&format!("{ours}0"), 1.0)];
    world.target.say("/ManualJournals", &page(&others));
    let probed = world.runtime.probe(entry(&world)?).await;
    assert_eq!(probed, Ended::Returned(Finding::Absent));
    anew(&world)?;
    world.target.say("/ManualJournals", &page(&[others[0].clone(), journal(&ours, 40.5)]));
    world.target.say("/ManualJournals/journal-1", &page(&[journal(&ours, 40.5)]));
    let Ended::Returned(receipt) = world.apply(entry(&world)?).await else { anyhow::bail!("it is there") };
    let applied =
        receipt.applied.iter().find(|field| field.name.as_str() == "amount").context("the amount")?;
    assert_eq!(applied.value, dollars("40.50")?);
    assert_eq!(receipt.subject, RecordRef { kind: "manual-journal".into(), id: "journal-1".into() });
    let asked = world.target.take();
    ensure!(asked.iter().all(|line| !line.starts_with("PUT ")), "what is there is not made again: {asked:?}");
    ensure!(asked.iter().any(|line| line.contains("order=ManualJournalID")), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_that_was_voided_since_the_plan_is_a_conflict_and_is_not_credited() -> Result<()> {
    let world = world().await?;
    let invoice = |status: &str, credited: f64| {
        json!({"Invoices": [{"Type": "ACCREC", "InvoiceID": INVOICE, "InvoiceNumber": "INV-0001", "Status": status,
               "Contact": {"ContactID": "contact-1"}, "CurrencyCode": "NZD", "LineAmountTypes": "Inclusive", "Total": 115.0,
               "AmountDue": 115.0, "AmountPaid": 0.0, "AmountCredited": credited}]})
    };
    let nothing = json!({"pagination": {"page": 1, "pageCount": 0}, "CreditNotes": []});
    for (status, credited, expected) in
        [("VOIDED", 0.0, "conflict not-final"), ("PAID", 100.0, "conflict more-than-left")]
    {
        anew(&world)?;
        world.target.say("/CreditNotes", &nothing);
        world.target.say("/Invoices/00000000-0000-4000-8000-000000000101", &invoice(status, credited));
        assert_eq!(case(&world.apply(credit(&world)?).await), expected);
        let asked = world.target.take();
        ensure!(asked.iter().all(|line| !line.starts_with("PUT ")), "{asked:?}");
    }
    Ok(())
}
