//! What a stand-in for QuickBooks Online answers is recorded and certifies; and what no recording shows: its refusals, an
//! entry that is there already, and the refresh token that takes the place of the last one.

use super::scripted::{NOW, World, case, mac, proposal};
use super::{asked, connection, money, recorded};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::effect::attempt::{Ended, Failure, Finding, Guarantee};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::Millis;
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use data_encoding::BASE64;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// The company of the stand-in.
const REALM: &str = "4620816365000000001";
/// Where tokens are given, below the address of the target.
const TOKENS: &str = "/oauth2/v1/tokens/bearer";
const COMPANY: &str = "/companyinfo/4620816365000000001";
const PREFERENCES: &str = "/preferences";
const QUERY: &str = "/query";
const ENTRIES: &str = "/journalentry";
/// The number of the effect's entry: the end of its id.
const NUMBER: &str = "000000000000000000001";

/// A client and the first refresh token of the stand-in, where the host can put another one.
fn credential(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("quickbooks");
    std::fs::write(&file, "client-4711:client-secret-4711\nrefresh-0\n")?;
    Ok(file)
}

fn shown(file: &Path) -> Result<&str> {
    file.to_str().context("a path of text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_quickbooks_answers_is_recorded_and_certifies() -> Result<()> {
    let vendor = tokio::task::spawn_blocking(|| Vendor::start("quickbooks")).await??;
    let folder = tempfile::tempdir()?;
    let secret = credential(folder.path())?;
    let about = "Recorded at a stand-in for QuickBooks Online made from its published description.";
    let narration = "Goodwill for INV-0001, 12 % & “net”";
    // One account by its number, and one that has none by its name.
    let entry = json!([
        {"name": "amount", "value": money("40.50", "USD")},
        {"name": "debit_account", "value": {"text": "6400"}},
        {"name": "credit_account", "value": {"text": "Refund Clearing"}},
        {"name": "narration", "value": {"text": narration}},
    ]);
    let entry = asked(about, "post-entry", ("company", REALM), &entry);
    let base = format!("{}/v3/company/{REALM}", vendor.base_url());
    let mut target = connection("quickbooks", &base, shown(&secret)?)?;
    let api = target.endpoints.get_mut("api").context("the endpoint")?;
    api.token = Some(format!("{}{TOKENS}", vendor.base_url()));
    recorded("quickbooks", target, vec![("entry", entry)]).await?;
    let held = tokio::task::spawn_blocking(move || vendor.state()).await??;
    assert_eq!(held["used"], 1, "one token was enough");
    let kept = std::fs::read_to_string(&secret)?;
    assert_eq!(kept, "client-4711:client-secret-4711\nrefresh-1\n", "the next refresh token is kept");
    let entries = held["entries"].as_array().context("entries")?;
    let [entry] = entries.as_slice() else { bail!("one entry, not {}", entries.len()) };
    assert_eq!((&entry["PrivateNote"], &entry["TxnDate"]), (&json!(narration), &json!("2026-11-02")));
    let (number, key) = (entry["DocNumber"].as_str(), held["keys"][0].as_str());
    let (number, key) = (number.context("a number")?, key.context("a key")?);
    ensure!(key.starts_with("eff_") && key.ends_with(number) && number.len() == 21, "{key} {number}");
    let lines = entry["Line"].as_array().context("lines")?;
    let line = |line: &Json| {
        let detail = &line["JournalEntryLineDetail"];
        (detail["PostingType"].clone(), detail["AccountRef"]["value"].clone(), line["Amount"].clone())
    };
    let lines: Vec<_> = lines.iter().map(line).collect();
    let wanted = [("Debit", "86"), ("Credit", "90")];
    assert_eq!(lines, wanted.map(|(side, account)| (json!(side), json!(account), json!(40.5))));
    Ok(())
}

/// A component behind a target that gives a token and then says what it is told to, and what is kept of its credential.
struct Books {
    world: World,
    _folder: tempfile::TempDir,
}

async fn books() -> Result<Books> {
    let folder = tempfile::tempdir()?;
    let secret = credential(folder.path())?;
    let books = Books { world: World::start("quickbooks", shown(&secret)?).await?, _folder: folder };
    books.anew()?;
    Ok(books)
}

impl Books {
    fn anew(&self) -> Result<()> {
        self.world.anew()?;
        let token = json!({"access_token": "access-canary-4711", "token_type": "bearer", "expires_in": 3600});
        self.world.target.say(TOKENS, &token);
        Ok(())
    }

    /// Whether nothing was written since the last call.
    fn wrote_nothing(&self) -> bool {
        self.world.target.take().iter().all(|line| !line.starts_with("POST /journalentry"))
    }

    /// One attempt at the entry that was sealed.
    fn entry(&self) -> Result<Call> {
        let what = wanted("6400", dollars("40.50")?);
        let change =
            |(name, after): (&str, Value)| Change { name: name.into(), before: Value::Absent, after };
        let plan = WritePlan {
            subject: what.subject.clone(),
            revision: None,
            changes: sealed()?.into_iter().map(change).collect(),
            remarks: Vec::new(),
        };
        self.world.call(what, plan, Guarantee::ByProbe)
    }
}

fn sealed() -> Result<Vec<(&'static str, Value)>> {
    Ok(vec![
        ("amount", dollars("40.50")?),
        ("debit_account", account("86")),
        ("credit_account", account("90")),
        ("narration", text("Goodwill")),
        ("date", Value::Date("2026-11-23".into())),
    ])
}

fn wanted(debited: &str, amount: Value) -> Proposal {
    let fields = [
        ("amount", amount),
        ("debit_account", text(debited)),
        ("credit_account", text("Refund Clearing")),
        ("narration", text("Goodwill")),
    ];
    proposal("post-entry", ("company", REALM), &fields)
}

fn dollars(amount: &str) -> Result<Value> {
    Ok(Value::Money(Money::parse(amount, Currency::parse("USD")?)?))
}

fn text(words: &str) -> Value {
    Value::Text(words.into())
}

fn account(id: &str) -> Value {
    Value::Reference(RecordRef { kind: "account".into(), id: id.into() })
}

/// An error, with a sentence that names somebody.
fn fault(kind: &str, code: &str) -> Json {
    let error =
        json!({"Message": "a message", "Detail": "a sentence about Grace", "code": code, "element": ""});
    json!({"Fault": {"Error": [error], "type": kind}, "time": "2026-11-23T09:00:00.000-08:00"})
}

/// The same from the door before the API.
fn door(kind: &str, code: &str) -> Json {
    let error =
        json!({"message": "message=No; errorCode=00", "detail": "Grace", "code": code, "element": null});
    json!({"warnings": null, "fault": {"error": [error], "type": kind}, "requestId": null})
}

fn preferences(closed: &str) -> Json {
    let currency = json!({"HomeCurrency": {"value": "USD"}});
    json!({"Preferences": {"AccountingInfoPrefs": {"BookCloseDate": closed}, "CurrencyPrefs": currency}})
}

fn found(entries: &[Json]) -> Json {
    json!({"QueryResponse": {"JournalEntry": entries, "startPosition": 1, "maxResults": entries.len()}})
}

fn nothing() -> Json {
    json!({"QueryResponse": {}, "time": "2026-11-23T09:00:00.000-08:00"})
}

fn one(id: &str, number: &str, name: &str, kind: &str) -> Json {
    json!({"Id": id, "SyncToken": "0", "AcctNum": number, "FullyQualifiedName": name, "AccountType": kind,
           "Active": true, "CurrencyRef": {"value": "USD"}})
}

fn entry(number: &str) -> Json {
    let line = |side: &str, account: &str| {
        let detail = json!({"PostingType": side, "AccountRef": {"value": account, "name": "a name"}});
        json!({"Amount": 40.5, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail})
    };
    json!({"Id": "1001", "SyncToken": "0", "DocNumber": number, "TxnDate": "2026-11-23", "PrivateNote": "Goodwill",
           "CurrencyRef": {"value": "USD"}, "Line": [line("Debit", "86"), line("Credit", "90")]})
}

fn waits<T>(ended: &Ended<T>) -> Option<Millis> {
    match ended {
        Ended::Failed(Failure::Transient { after, .. }) => *after,
        Ended::Failed(_) | Ended::Returned(_) | Ended::Broke(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_quickbooks_refuses_is_named_as_what_it_is() -> Result<()> {
    let books = books().await?;
    for (status, said, posting) in [
        (400, fault("ValidationFault", "6000"), "rejected business-rule"),
        (400, fault("ValidationFault", "2500"), "rejected invalid-reference"),
        (400, fault("ValidationFault", "6210"), "rejected locked-period"),
        (400, fault("ValidationFault", "2010"), "rejected fault-2010"),
        // QuickBooks can refuse with status 200.
        (200, fault("ValidationFault", "2010"), "rejected fault-2010"),
        (400, fault("ValidationFault", "a word"), "rejected http-400"),
        (400, fault("ValidationFault", "5010"), "conflict moved"),
        (400, fault("ValidationFault", "6140"), "uncertain number-taken"),
        (400, fault("ValidationFault", "600"), "uncertain key-taken"),
        (400, fault("ValidationFault", "6190"), "denied subscription-ended"),
        (400, fault("AuthorizationFault", "120"), "denied not-permitted"),
        (400, fault("AuthenticationFault", "1"), "denied not-permitted"),
        (401, door("AUTHENTICATION", "3200"), "denied not-authenticated"),
        (403, door("AUTHORIZATION", "003100"), "denied not-permitted"),
        (403, json!({}), "denied not-permitted"),
        (404, json!({}), "rejected not-found"),
        (400, fault("SystemFault", "10000"), "uncertain unavailable"),
        (200, fault("SystemFault", "10000"), "uncertain unavailable"),
        (500, fault("ValidationFault", "6000"), "uncertain unavailable"),
        (503, json!("Service Unavailable"), "uncertain unavailable"),
        (200, json!({}), "uncertain unreadable-answer"),
        (200, json!({"JournalEntry": entry("1")}), "uncertain unreadable-answer"),
    ] {
        books.anew()?;
        books.world.target.say(QUERY, &nothing());
        books.world.target.say_with(status, ENTRIES, &said);
        let posted = books.world.apply(books.entry()?).await;
        assert_eq!(case(&posted), posting, "{status} {said}");
        ensure!(!format!("{posted:?}").contains("Grace"), "{said}: it names somebody");
    }
    books.anew()?;
    books.world.target.say(QUERY, &nothing());
    books.world.target.say_with(429, ENTRIES, &door("SERVICE", "003001"));
    let posted = books.world.apply(books.entry()?).await;
    let throttled = ("transient rate-limited", Some(Millis::seconds(60)));
    assert_eq!((case(&posted).as_str(), waits(&posted)), throttled);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_is_not_answered_says_nothing_and_writes_nothing() -> Result<()> {
    let books = books().await?;
    for (status, said, looking) in [
        (500, json!({}), "transient unavailable"),
        (200, fault("SystemFault", "10000"), "transient unavailable"),
        (429, json!({}), "transient rate-limited"),
        (401, door("AUTHENTICATION", "3200"), "denied not-authenticated"),
        (400, fault("ValidationFault", "4000"), "rejected fault-4000"),
        (200, json!({}), "transient unreadable-answer"),
        (200, found(&[json!({"DocNumber": NUMBER})]), "transient unreadable-answer"),
        // A condition that was passed over.
        (200, found(&[entry("1")]), "transient unreadable-answer"),
        // Whatever came of it, one of them is too many.
        (200, found(&[entry(NUMBER), entry(NUMBER)]), "uncertain several"),
    ] {
        books.anew()?;
        books.world.target.say_with(status, QUERY, &said);
        assert_eq!(case(&books.world.runtime.probe(books.entry()?).await), looking, "{status} {said}");
        assert_eq!(case(&books.world.apply(books.entry()?).await), looking, "{status} {said}");
        ensure!(books.wrote_nothing(), "{status} {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_found_again_by_its_number_and_is_not_posted_again() -> Result<()> {
    let books = books().await?;
    ensure!(EffectId::from_bits(1).to_string().ends_with(NUMBER), "the number is the end of the id");
    books.world.target.say(QUERY, &nothing());
    assert_eq!(books.world.runtime.probe(books.entry()?).await, Ended::Returned(Finding::Absent));
    books.anew()?;
    books.world.target.say(QUERY, &found(&[entry(NUMBER)]));
    let Ended::Returned(receipt) = books.world.apply(books.entry()?).await else { bail!("it is there") };
    assert_eq!(receipt.subject, RecordRef { kind: "journal-entry".into(), id: "1001".into() });
    for (name, value) in sealed()? {
        let applied = receipt.applied.iter().find(|field| field.name == name).context("the field")?;
        assert_eq!(applied.value, value, "{name}");
    }
    ensure!(books.wrote_nothing(), "what is there is not posted again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_posted_is_refused_before_anybody_is_asked() -> Result<()> {
    let books = books().await?;
    let mut old = one("91", "6999", "Old", "Expense");
    old["Active"] = json!(false);
    let accounts = [
        one("86", "6400", "Expenses:Goodwill", "Expense"),
        one("90", "", "Refund Clearing", "Other Current Liability"),
        one("84", "1200", "Receivable", "Accounts Receivable"),
        one("92", "7000", "One", "Expense"),
        one("93", "7000", "Other", "Expense"),
        old,
    ];
    let euros = Value::Money(Money::parse("40.50", Currency::parse("EUR")?)?);
    for (debited, amount, closed, refused) in [
        ("6400", dollars("40.50")?, "2026-11-22", None),
        ("Expenses:Goodwill", dollars("40.50")?, "", None),
        ("6400", dollars("40.50")?, "2026-11-23", Some("rejected locked-period")),
        ("6400", dollars("0")?, "", Some("rejected bad-amount")),
        ("6400", euros, "", Some("rejected wrong-currency")),
        ("Goodwill", dollars("1")?, "", Some("rejected no-such-account")),
        ("6999", dollars("1")?, "", Some("rejected account-inactive")),
        ("1200", dollars("1")?, "", Some("rejected account-reserved")),
        ("7000", dollars("1")?, "", Some("rejected ambiguous")),
        ("Refund Clearing", dollars("1")?, "", Some("rejected bad-input")),
    ] {
        books.anew()?;
        books.world.target.say(COMPANY, &json!({"CompanyInfo": {"CompanyName": "Sandbox"}}));
        books.world.target.say(PREFERENCES, &preferences(closed));
        books.world.target.say(QUERY, &json!({"QueryResponse": {"Account": accounts}}));
        let planned = books.world.plan(wanted(debited, amount)).await?;
        match (&planned, refused) {
            (Ended::Returned(plan), None) => {
                let changes = plan.changes.iter().map(|change| (change.name.as_str(), change.after.clone()));
                assert_eq!(changes.collect::<Vec<_>>(), sealed()?, "at {NOW:?}");
                assert_eq!(plan.remarks, ["debits `6400 Expenses:Goodwill`, credits `Refund Clearing`"]);
            }
            (_, Some(refused)) => assert_eq!(case(&planned), refused, "{debited}"),
            (other, None) => bail!("{debited}: {other:?}"),
        }
    }
    books.anew()?;
    books.world.target.say_with(400, COMPANY, &fault("ValidationFault", "610"));
    let planned = books.world.plan(wanted("6400", dollars("1")?)).await?;
    assert_eq!(case(&planned), "rejected not-found", "the books of another company");
    // A binding without a subject is about the connection's company, which needs no question.
    books.anew()?;
    books.world.target.say(PREFERENCES, &preferences(""));
    books.world.target.say(QUERY, &json!({"QueryResponse": {"Account": accounts}}));
    let mut what = wanted("6400", dollars("40.50")?);
    what.subject.id = "default".into();
    ensure!(matches!(books.world.plan(what).await?, Ended::Returned(_)), "the connection's company");
    Ok(())
}

/// So much is handed over for it that the component has to clear its memory between two pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_accounts_are_looked_through() -> Result<()> {
    let books = books().await?;
    let page = |accounts: &[Json]| json!({"QueryResponse": {"Account": accounts}});
    let mut other = one("1", "1", "Other", "Expense");
    other["Description"] = json!("a word ".repeat(100));
    let full = page(&vec![other; 1_000]);
    books.world.target.say(COMPANY, &json!({"CompanyInfo": {"CompanyName": "Sandbox"}}));
    books.world.target.say(PREFERENCES, &preferences(""));
    for _ in 0..6 {
        books.world.target.say(QUERY, &full);
    }
    let ours = [
        one("86", "6400", "Expenses:Goodwill", "Expense"),
        one("90", "", "Refund Clearing", "Other Current Liability"),
    ];
    books.world.target.say(QUERY, &page(&ours));
    let planned = books.world.plan(wanted("6400", dollars("40.50")?)).await?;
    ensure!(matches!(planned, Ended::Returned(_)), "{planned:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_about_the_records_that_changed() -> Result<()> {
    const SIGNING: &str = "verifier-canary-4711";
    let books = books().await?;
    assert_eq!(books.world.listen(SIGNING)?, "hmac-sha256");
    let told = async |body: String| {
        let signature = BASE64.encode(&mac(SIGNING.as_bytes(), &[&body])?);
        books.world.told(&[("intuit-signature", &signature)], body).await
    };
    let event =
        |of: &str, id: &str| json!({"specversion": "1.0", "type": of, "intuitentityid": id, "data": {}});
    let entity = |name: &str, id: &str| json!({"name": name, "id": id, "operation": "Update"});
    let before = |entities: Json| json!({"eventNotifications": [{"realmId": REALM, "dataChangeEvent": {"entities": entities}}]});
    let posted = || RecordRef { kind: "journal-entry".into(), id: "1001".into() };
    let goodwill = RecordRef { kind: "account".into(), id: "86".into() };
    for (said, wanted) in [
        (
            json!([event("qbo.journalentry.deleted.v1", "1001"), event("qbo.account.updated.v1", "86")]),
            vec![posted(), goodwill.clone()],
        ),
        (
            json!([
                event("qbo.journalentry.created.v1", "1001"),
                event("qbo.journalentry.updated.v1", "1001")
            ]),
            vec![posted()],
        ),
        (json!([event("qbo.customer.created.v1", "58"), event("another.account.created.v1", "86")]), vec![]),
        (before(json!([entity("JournalEntry", "1001"), entity("Customer", "58")])), vec![posted()]),
        (
            before(json!([{"name": "Account", "id": "86", "operation": "Merge", "deletedId": "91"}])),
            vec![goodwill, RecordRef { kind: "account".into(), id: "91".into() }],
        ),
        (json!({}), vec![]),
    ] {
        assert_eq!(told(said.to_string()).await?, Ended::Returned(wanted), "{said}");
    }
    for said in ["[1]", "no JSON", "{\"eventNotifications\": 1}"] {
        assert_eq!(case(&told(said.to_owned()).await?), "rejected bad-delivery", "{said}");
    }
    ensure!(books.world.target.take().is_empty(), "nothing is asked for it");
    Ok(())
}
