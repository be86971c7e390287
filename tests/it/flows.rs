//! The three flows on real servers: Tryton, localstripe, WsgiDAV and hledger-web, through the real
//! connectors in the sandbox, from submission to receipt, read back without our connectors.

use anyhow::{Context as _, ensure};
use countersign_connectors::{RawConnection, Secret};
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::event::Event;
use countersign_core::approval::watch::{Next, Watch};
use countersign_core::approval::{self, Approval, Stage};
use countersign_core::delivery::Outcome;
use countersign_core::effect::life::EffectState;
use countersign_core::effect::reconcile::Agreement;
use countersign_core::exception::{Cause, Closure};
use countersign_core::id::{ConnectionName, IntentId};
use countersign_core::intent::Raw;
use countersign_core::time::Millis;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::inbox::Summary;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::store::Store as _;
use countersign_engine::simulated::SeededChance;
use countersign_engine::task::Tasks;
use countersign_server::{SignIn, routers, serve};
use countersign_store_local::{LocalStore, Options};
use countersign_tests::servers::{
    Clause, Contract, HledgerWeb, LocalStripe, Quote, QuoteLine, Tryton, WebDav, sha256,
};
use countersign_tests::world::{TurnedClock, root, runtime, starter};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;

/// How long one approval may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What billing signs its events with.
const HOOK_SECRET: &str = "whsec_of_the_flows";

/// Four servers that nobody here wrote, and a host in front of them.
struct World {
    billing: LocalStripe,
    crm: Tryton,
    contracts: WebDav,
    ledger: HledgerWeb,
    engine: Engine,
    clock: Arc<TurnedClock>,
    store: Arc<LocalStore>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> anyhow::Result<World> {
        let billing = tokio::task::spawn_blocking(LocalStripe::start).await??;
        let crm = tokio::task::spawn_blocking(Tryton::start).await??;
        let contracts = tokio::task::spawn_blocking(WebDav::start).await??;
        let ledger = tokio::task::spawn_blocking(HledgerWeb::start).await??;
        let folder = tempfile::tempdir()?;
        let store = Arc::new(LocalStore::open(Options::at(folder.path().join("data")))?);
        let runtime = runtime(&folder.path().join("connectors"))?;
        let connections = [
            (
                "billing",
                "stripe",
                billing.base_url(),
                billing.api_key().to_owned(),
                "refund-reason = \"metadata\"",
            ),
            ("crm", "tryton", format!("{}/{}", crm.base_url(), crm.database()), crm.api_key().to_owned(), ""),
            (
                "contracts",
                "webdav",
                contracts.base_url(),
                format!("{}:{}", contracts.user(), contracts.password()),
                "",
            ),
            ("ledger", "hledger", ledger.base_url(), String::new(), ""),
        ];
        for (name, system, base, secret, settings) in connections {
            let path = root().join(format!("target/connectors/countersign.{system}.wasm"));
            let bytes = std::fs::read(&path).with_context(|| {
                format!("{}: `countersign connector build plugins` makes it", path.display())
            })?;
            runtime.install(bytes).await?;
            let reference = if secret.is_empty() { "" } else { "secret = \"env:SECRET\"\n" };
            let hooks = if system == "stripe" { "[webhooks.events]\nsecret = \"env:HOOK\"\n" } else { "" };
            let raw: RawConnection = toml::from_str(&format!(
                "connector = \"countersign.{system}\"\nallow = [\"127.0.0.0/8\"]\n\
                 [settings]\n{settings}\n[endpoints.api]\nbase = \"{base}\"\n{reference}{hooks}"
            ))?;
            let text = |of: &str| if of == "env:HOOK" { HOOK_SECRET.to_owned() } else { secret.clone() };
            let options = raw
                .resolve(ConnectionName::parse(name)?, |of| Ok(Secret::new(text(of))))
                .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
            runtime.connect(options)?;
        }
        let clock = Arc::new(TurnedClock::default());
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(runtime),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(1)),
            rulebook: starter()?,
        });
        Ok(World { billing, crm, contracts, ledger, engine, clock, store, _folder: folder })
    }

    async fn submit(
        &self,
        requester: &str,
        intent_type: &str,
        tokens: serde_json::Value,
    ) -> anyhow::Result<IntentId> {
        let tokens: Raw = serde_json::from_value(tokens)?;
        let submission =
            Submission { requester: requester.into(), intent_type: intent_type.into(), tokens, key: None };
        Ok(self.engine.submit(submission).await?.approval.intent.id)
    }

    /// Waits until the approval stands somewhere in `stages`.
    async fn reaches(&self, id: IntentId, stages: &[&str]) -> anyhow::Result<Arc<Approval>> {
        let waiting = async {
            loop {
                let approval = self.engine.read(id).await?.approval;
                if stages.contains(&approval.stage.as_str()) {
                    return anyhow::Ok(approval);
                }
                let mut exceptions = approval.exceptions.values();
                let expected =
                    exceptions.all(|exception| exception.closed.is_some()) || approval.undo().is_some();
                ensure!(expected, "an exception instead: {:#?}", approval.exceptions);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let Ok(reached) = tokio::time::timeout(PATIENCE, waiting).await else {
            anyhow::bail!("{id} did not reach {stages:?}: {:#?}", self.engine.entries(id).await?);
        };
        reached
    }

    /// Reads every target back through its connector: each field is what was approved.
    async fn holds_what_was_approved(&self, id: IntentId, effects: usize) -> anyhow::Result<()> {
        let found = self.engine.reconcile(id).await?;
        ensure!(found.len() == effects, "{effects} effects are compared: {found:#?}");
        let agree = found.iter().all(|found| found.agreement == Agreement::True && !found.fields.is_empty());
        ensure!(agree, "each field is what was approved: {found:#?}");
        Ok(())
    }

    /// Turns the clock to the next look at each of so many writes, and waits until that has come to something.
    async fn looks(&self, id: IntentId, writes: usize) -> anyhow::Result<Arc<Approval>> {
        let approval = self.reaches(id, &["done"]).await?;
        let due = approval.watches.values().filter_map(|watch| watch.next.due()).max();
        self.clock.turn(due.context("something is watched")?.since(self.clock.now()));
        let since = self.clock.now();
        let waiting = async {
            loop {
                let approval = self.engine.read(id).await?.approval;
                let looked = |watch: &&Watch| watch.last.is_some_and(|(at, _)| since <= at);
                let rests = |watch: &Watch| matches!(watch.next, Next::Look(_) | Next::Over);
                if approval.watches.values().filter(looked).count() == writes
                    && approval.watches.values().all(rests)
                {
                    return anyhow::Ok(approval);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let Ok(looked) = tokio::time::timeout(PATIENCE, waiting).await else {
            anyhow::bail!("{id} was not looked at: {:#?}", self.engine.entries(id).await?);
        };
        looked
    }

    /// Waits until somebody must look at what the target said has changed, long before anything is looked at by itself.
    async fn is_told(&self, id: IntentId, cause: Cause) -> anyhow::Result<Arc<Approval>> {
        let approval = self.reaches(id, &["done"]).await?;
        let next = approval.watches.values().filter_map(|watch| watch.next.due()).min();
        let next = next.context("something is watched")?;
        let waiting = async {
            loop {
                let approval = self.engine.read(id).await?.approval;
                if approval.exceptions.values().any(|exception| exception.cause == cause) {
                    return anyhow::Ok(approval);
                }
                self.clock.turn(Millis::seconds(1));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let Ok(told) = tokio::time::timeout(PATIENCE, waiting).await else {
            anyhow::bail!("{id} was not looked at: {:#?}", self.engine.entries(id).await?);
        };
        ensure!(self.clock.now() < next, "it was looked at by itself");
        told
    }

    /// Waits until something was written again so often.
    async fn writes_again(&self, id: IntentId, times: usize) -> anyhow::Result<()> {
        let again = |event: &Event| matches!(event, Event::ReAsserted { .. });
        let waiting = async {
            while self.engine.entries(id).await?.iter().filter(|entry| again(&entry.event)).count() < times {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        };
        let Ok(written) = tokio::time::timeout(PATIENCE, waiting).await else {
            anyhow::bail!("it was not written again: {:#?}", self.engine.entries(id).await?);
        };
        written?;
        self.reaches(id, &["done"]).await.map(drop)
    }

    /// Whoever answers for the open exception of this cause closes it.
    async fn closes(&self, id: IntentId, cause: Cause, by: Closure) -> anyhow::Result<()> {
        let approval = self.engine.read(id).await?.approval;
        let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
        let (exception, of) = open.find(|(_, open)| open.cause == cause).context("it is somebody's")?;
        let (person, reason) = (of.owner.clone(), "as approved".to_owned());
        let command = Command::CloseException { person, id: *exception, by, reason };
        self.engine.command(id, command, None).await?;
        Ok(())
    }

    /// Plays everybody who is asked until the approval is executed.
    async fn everybody_approves(&self, id: IntentId) -> anyhow::Result<Vec<String>> {
        let mut voices = Vec::new();
        loop {
            let approval = self.reaches(id, &["seated", "executing", "done", "undone"]).await?;
            let Stage::Seated { seats, .. } = &approval.stage else { return Ok(voices) };
            let seat = seats.open.values().find(|seat| !seat.is_filled()).context("a seat is open")?;
            let free = seat.eligible.iter().find(|person| !seat.approved.contains(person));
            let person = free.context("somebody is free")?.clone();
            voices.push(person.to_string());
            let voice = Voice::Approve { note: "fits".into() };
            let command = Command::Decide { person, revision: approval.intent.revision, seal: None, voice };
            self.engine.command(id, command, None).await?;
        }
    }
}

fn money(amount: &str) -> serde_json::Value {
    serde_json::json!({"amount": amount, "currency": "USD"})
}

fn receipts(approval: &Approval) -> usize {
    let Stage::Closed(approval::Outcome::Done { effects, .. }) = &approval.stage else { return 0 };
    effects.values().filter(|state| matches!(state, EffectState::Landed { .. })).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_flows_land_on_real_servers() -> anyhow::Result<()> {
    let world = World::start().await?;
    told(&world).await.context("what billing tells")?;
    discount(&world).await.context("discount")?;
    taken_back(&world).await.context("a discount that billing refuses")?;
    redline(&world).await.context("redline")?;
    refund(&world).await.context("refund")?;
    world.engine.stop().await;
    let verified = world.store.verify(&|_, _| {}).await?;
    ensure!(verified.head == world.engine.health().head, "the log verifies");
    Ok(())
}

/// A discount of a quarter for a new customer of this name, and who is asked: the intent, customer and quote.
async fn asked(world: &World, name: &str) -> anyhow::Result<(IntentId, String, String)> {
    let customer = world.billing.customer(name)?;
    world.billing.subscribe(&customer, 10_000_000, "USD")?;
    let account = world.crm.account(name, "mid", &customer)?;
    let lines = [QuoteLine { quantity: 1000, list_price: "100.00" }];
    let quote = world.crm.quote(&Quote { account: &account, description: "New business", lines: &lines })?;
    let tokens = serde_json::json!({
        "quote_id": quote, "customer_id": account, "discount_percent": "25%", "amount": money("100000.00"),
        "term_months": 18, "payment_days": 30, "reason": "competitor",
    });
    let id = world.submit("ae-1", "discount", tokens).await?;
    world.reaches(id, &["seated"]).await?;
    Ok((id, customer, quote))
}

/// Somebody changes an approved price at billing; billing tells of the customer, signed, and whoever answers for it has an
/// exception at once, long before anybody looks.
async fn told(world: &World) -> anyhow::Result<()> {
    let (id, customer, _) = asked(world, "Globex").await?;
    world.everybody_approves(id).await?;
    world.reaches(id, &["done"]).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let hook = format!("http://{}/hooks/billing/events", listener.local_addr()?);
    let public = routers(countersign_server::Parts {
        log_signer: None,
        registry: Registry::default(),
        engine: world.engine.clone(),
        tokens: Arc::default(),
        sign_in: SignIn::default(),
        chance: Arc::new(SeededChance::new(2)),
        exchange: Arc::new(countersign::formats::Formats),
        provisioning: countersign_server::Provisioning::default(),
    })
    .public;
    let tasks = Tasks::default();
    tasks.start(async move {
        if let Err(fault) = serve(listener, public, std::future::pending()).await {
            panic!("it does not serve: {fault}");
        }
    });
    world.billing.tells(&hook, HOOK_SECRET)?;
    world.billing.reprice(&customer, 8_000_000, "USD")?;
    ensure!(world.billing.subscribed_amount(&customer)? == 8_000_000, "somebody has changed the price");
    world.billing.describe(&customer, "a good friend of sales")?;
    // Nobody turns the clock: the next look at it is far away.
    let waiting = async {
        loop {
            let approval = world.engine.read(id).await?.approval;
            let found = approval.exceptions.values().find(|exception| exception.cause == Cause::Drift);
            if let Some(exception) = found {
                return anyhow::Ok(exception.clone());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let drifted = tokio::time::timeout(PATIENCE, waiting).await.context("nobody is told")??;
    ensure!(drifted.closed.is_none(), "{drifted:?}");
    // What was found is on record before what came of the delivery is.
    let handled = async {
        loop {
            let page = world.engine.deliveries(&ConnectionName::parse("billing")?, (None, 10)).await?;
            let [row] = page.rows.as_slice() else { anyhow::bail!("one delivery, not {}", page.rows.len()) };
            let Summary { outcome, .. } = serde_json::from_slice(&row.row.summary)?;
            if let Some(outcome) = outcome {
                return anyhow::Ok(outcome);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, handled).await.context("nothing comes of it")??;
    let Outcome::Handled { records, wishes } = outcome else { anyhow::bail!("{outcome:?}") };
    let [record] = records.as_slice() else { anyhow::bail!("one record: {records:?}") };
    ensure!((record.kind.as_str(), &record.id) == ("customer", &customer) && wishes.is_empty());
    Ok(())
}

async fn discount(world: &World) -> anyhow::Result<()> {
    let (id, customer, quote) = asked(world, "Acme").await?;
    // The quote is another one for Tryton, and the same for whoever decides.
    world.crm.describe(&quote, "New business, second draft")?;
    let voices = world.everybody_approves(id).await?;
    ensure!(!voices.is_empty(), "the table seats somebody");
    let approval = world.reaches(id, &["done"]).await?;
    ensure!(receipts(&approval) == 3, "three effects land: {:#?}", approval.stage);
    let entries = world.engine.entries(id).await?;
    let anew = entries.iter().filter(|entry| matches!(entry.event, Event::Replanned { .. })).count();
    ensure!(anew == 1, "the price is planned anew once: {anew}");
    ensure!(world.crm.net_amount(&quote)? == "75000.00", "the quote has its price");
    ensure!(world.billing.subscribed_amount(&customer)? == 7_500_000, "billing has the price");
    let notes = world.crm.notes("sale.sale", &quote)?;
    let Stage::Closed(approval::Outcome::Done { case, .. }) = &approval.stage else {
        anyhow::bail!("it is done")
    };
    ensure!(notes.len() == 1, "one approval record: {notes:?}");
    let note = notes.first().context("a note")?;
    ensure!(note.contains(&id.to_string()), "it names the intent: {note}");
    ensure!(note.contains(&case.seal.to_string()), "it names the seal: {note}");
    world.holds_what_was_approved(id, 3).await?;
    let approval = world.looks(id, 3).await?;
    let all = approval.watches.values().filter_map(|watch| watch.last);
    ensure!(all.clone().all(|(_, agreement)| agreement == Agreement::True), "{:#?}", approval.watches);
    world.crm.edit_unit_price(&quote, "99.00")?;
    let found = world.engine.reconcile(id).await?;
    let drifted = found.iter().filter(|found| found.agreement == Agreement::Drifted);
    let drifted: Vec<&str> = drifted.map(|found| found.binding.as_str()).collect();
    ensure!(drifted == ["quote-price"], "one write has drifted: {found:#?}");
    drift(world, id, &quote).await
}

/// The price of a quote is edited by hand: it is found, and written again.
async fn drift(world: &World, id: IntentId, quote: &str) -> anyhow::Result<()> {
    let approval = world.is_told(id, Cause::Drift).await?;
    let drifted = approval.exceptions.values().filter(|exception| exception.cause == Cause::Drift);
    ensure!(drifted.count() == 1, "somebody must look: {:#?}", approval.exceptions);
    world.closes(id, Cause::Drift, Closure::ReAssert).await?;
    world.writes_again(id, 1).await?;
    ensure!(world.crm.net_amount(quote)? == "75000.00", "the quote has its price again");
    // What it held before: the intent type has that written again by itself.
    world.crm.edit_unit_price(quote, "100.00")?;
    world.looks(id, 3).await?;
    world.writes_again(id, 2).await?;
    ensure!(world.crm.net_amount(quote)? == "75000.00", "the quote has its price once more");
    let approval = world.looks(id, 3).await?;
    let found = approval.watches.values().filter_map(|watch| watch.last);
    let all_true = found.clone().all(|(_, agreement)| agreement == Agreement::True);
    ensure!(all_true && found.count() == 3, "all is as approved: {:#?}", approval.watches);
    let open = approval.exceptions.values().filter(|exception| exception.closed.is_none());
    ensure!(open.count() == 0, "nobody is asked any more: {:#?}", approval.exceptions);
    Ok(())
}

/// Billing refuses a price that the quote has already: the quote has its old one again, and nobody recorded an approval.
async fn taken_back(world: &World) -> anyhow::Result<()> {
    let (id, customer, quote) = asked(world, "Initech").await?;
    // From here on nobody can say which of two subscriptions is meant.
    world.billing.subscribe(&customer, 2_000_000, "USD")?;
    world.everybody_approves(id).await?;
    let approval = world.reaches(id, &["undone"]).await?;
    ensure!(receipts(&approval) == 2, "a price, and what took it back: {:#?}", approval.stage);
    ensure!(world.crm.net_amount(&quote)? == "100000.00", "the quote has its old price");
    ensure!(world.crm.notes("sale.sale", &quote)?.is_empty(), "there is no approval record");
    world.holds_what_was_approved(id, 1).await?;
    let [exception] = approval.exceptions.values().collect::<Vec<_>>()[..] else {
        anyhow::bail!("one exception")
    };
    ensure!(exception.closed.as_ref().is_some_and(|closed| closed.by == Closure::Undo), "{exception:?}");
    Ok(())
}

async fn redline(world: &World) -> anyhow::Result<()> {
    let old = "Liability is capped at the fees of the last twelve months.";
    let new = "Liability is capped at twice the fees of the last twelve months.";
    let clauses = [Clause { id: "7.2", topic: "liability", text: old }];
    world.contracts.put_contract(&Contract {
        id: "C-100",
        value: "80000.00",
        paper: "ours",
        clauses: &clauses,
    })?;
    world.contracts.put_playbook(&[(new, "fallback")])?;
    let account = world.crm.account("Umbrella", "ent", "cus_none")?;
    let tokens = serde_json::json!({
        "contract_id": "C-100", "customer_id": account, "contract_type": "msa", "reason": "negotiation",
        "clause": [{
            "contract_clause_id": "C-100/7.2", "old_text_sha256": sha256(old), "new_text": new,
            "author": "counterparty counsel",
        }],
    });
    let id = world.submit("ae-1", "contract_redline", tokens).await?;
    let voices = world.everybody_approves(id).await?;
    ensure!(!voices.is_empty(), "legal is seated");
    let approval = world.reaches(id, &["done"]).await?;
    ensure!(receipts(&approval) == 2, "two effects land: {:#?}", approval.stage);
    ensure!(
        world.contracts.clause_text("C-100", "7.2")?.as_deref() == Some(new),
        "the canonical text is the new one"
    );
    ensure!(world.crm.notes("party.party", &account)?.len() == 1, "the customer's record says so");
    world.holds_what_was_approved(id, 2).await?;
    Ok(())
}

async fn refund(world: &World) -> anyhow::Result<()> {
    let customer = world.billing.customer("Globex")?;
    let payment = world.billing.pay(&customer, 5_000, "USD")?;
    let tokens = serde_json::json!({
        "payment_id": payment, "customer_id": customer, "invoice_id": "INV-1", "ledger_code": "expenses:refunds",
        "amount": money("40.00"), "reason": "goodwill",
    });
    let id = world.submit("agent-1", "refund", tokens).await?;
    let approval = world.reaches(id, &["done"]).await?;
    ensure!(receipts(&approval) == 2, "two effects land: {:#?}", approval.stage);
    ensure!(world.billing.refunds_of(&payment)?.len() == 1, "one refund");
    world.holds_what_was_approved(id, 2).await?;
    let Stage::Closed(approval::Outcome::Done { case, .. }) = &approval.stage else {
        anyhow::bail!("it is done")
    };
    let entry =
        case.writes.iter().find(|planned| planned.binding.as_str() == "entry").context("the entry")?;
    ensure!(world.ledger.with_code(&entry.effect.to_string())?.len() == 1, "one ledger entry");
    Ok(())
}
