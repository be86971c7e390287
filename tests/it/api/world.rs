//! A server on a free port of this machine, over scripted connectors and a clock that stands still; and a caller
//! that speaks HTTP to it. `STORE=local` runs every test over a data folder of its own instead of the memory store,
//! `STORE=postgres` over a database of its own.

use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::engine::{Engine, Parts};
use countersign_engine::log_tree::LogTree;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::Answer as Port;
use countersign_engine::port::anchor::Anchor;
use countersign_engine::port::catalogue::{Catalogue, NoCatalogue};
use countersign_engine::port::components::{Components, NoComponents};
use countersign_engine::port::hashes::MemoryHashes;
use countersign_engine::port::notifier::{NoNotifier, Notifier};
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, Health, Logged, PAGE_ROWS_MAX, Page, Position, Query, Row, Store,
    StoreFault, Verified,
};
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_engine::task::Tasks;
use countersign_server::{LogSigner, Scope, SignIn, TokenEntry, TokenTable, token};
use countersign_tests::{
    scripted::Scripted,
    stores::Kept,
    world::{root, source_files, starter},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prometheus_client::registry::Registry;
use serde_json::Value as Json;
use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// People with a token of all scopes, and one token a scope besides.
const PEOPLE: [&str; 28] = [
    "ae-1",
    "ae-2",
    "sales-manager-1",
    "finance-1",
    "finance-2",
    "finance-3",
    "finance-lead",
    "fpna-1",
    "pricing-lead",
    "cro",
    "revops-lead",
    "revops-1",
    "billing-1",
    "fpna-2",
    "auditor-1",
    "integration-1",
    "integration-lead",
    "privacy-1",
    "controller-1",
    "cro-chief-of-staff",
    "deal-desk-1",
    "deal-desk-lead",
    "director-2",
    "counsel-2",
    "legal-lead-2",
    "deputy-general-counsel",
    "agent-1",
    "controller-2",
];

/// A small discount: the sales manager decides.
pub(crate) const SMALL: &str = r#"{"type":"discount","tokens":{"quote_id":"q-1","customer_id":"a-1",
    "discount_percent":"12%","amount":{"amount":"12000.00","currency":"USD"},"term_months":12,
    "payment_days":30,"reason":"volume"}}"#;

/// How long an append takes that takes its time.
const SLOW: Duration = Duration::from_millis(20);

/// A store that can be told to fail.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    /// Gone with the store.
    _place: Option<Box<dyn Any + Send + Sync>>,
    fault: Mutex<Option<StoreFault>>,
    broken: AtomicBool,
    refuses: AtomicBool,
    /// How often it still says that the log is its host's; always if it is not said.
    held: Mutex<Option<u32>>,
    hangs: AtomicBool,
    slow: AtomicBool,
    spoilt: Mutex<Option<String>>,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FaultyStore").field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl Default for FaultyStore {
    fn default() -> FaultyStore {
        match std::env::var("STORE").as_deref() {
            Err(_) | Ok("memory") => FaultyStore::over(Arc::new(MemoryStore::new())),
            Ok("local") => {
                let Kept { store, place } = Kept::in_a_folder();
                FaultyStore { _place: Some(place), ..FaultyStore::over(store) }
            }
            Ok("postgres") => {
                let Kept { store, place } = Kept::in_a_database();
                FaultyStore { _place: Some(place), ..FaultyStore::over(store) }
            }
            Ok(other) => panic!("STORE is `memory`, `local` or `postgres`, not `{other}`"),
        }
    }
}

impl FaultyStore {
    /// One that fails as it is told, and else does what another one does.
    pub(crate) fn over(inner: Arc<dyn Store>) -> FaultyStore {
        FaultyStore {
            inner,
            _place: None,
            fault: Mutex::default(),
            broken: AtomicBool::default(),
            refuses: AtomicBool::default(),
            held: Mutex::default(),
            hangs: AtomicBool::default(),
            slow: AtomicBool::default(),
            spoilt: Mutex::default(),
        }
    }

    /// From now on every append fails like this.
    pub(crate) fn fail(&self, fault: Option<StoreFault>) {
        *self.fault.lock().expect("nobody panicked") = fault;
    }

    /// From now on every append takes its time, as on a disk.
    pub(crate) fn take_time(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    /// From now on every list panics.
    pub(crate) fn break_lists(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Whether every list fails from now on.
    pub(crate) fn refuse_lists(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// After so many questions more the log is another host's.
    pub(crate) fn holds_for(&self, questions: u32) {
        *self.held.lock().expect("nobody panicked") = Some(questions);
    }

    /// Whether whoever reads the log from now on waits for ever.
    pub(crate) fn hang_scans(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }

    /// From now on something stands behind the last entry of a stream that is no entry.
    pub(crate) fn spoil(&self, stream: &str) {
        *self.spoilt.lock().expect("nobody panicked") = Some(stream.to_owned());
    }

    fn fault(&self) -> Option<StoreFault> {
        self.fault.lock().expect("nobody panicked").clone()
    }
}

impl Store for FaultyStore {
    fn append(&self, batch: Batch) -> Port<'_, Result<Appended, StoreFault>> {
        match self.fault() {
            Some(fault) => Box::pin(async { Err(fault) }),
            None if self.slow.load(Ordering::Relaxed) => Box::pin(async move {
                tokio::time::sleep(SLOW).await;
                self.inner.append(batch).await
            }),
            None => self.inner.append(batch),
        }
    }
    fn load(&self, stream: &str) -> Port<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let spoilt = self.spoilt.lock().expect("nobody panicked").as_deref() == Some(stream);
        let loaded = self.inner.load(stream);
        Box::pin(async move {
            let mut entries = loaded.await?;
            if spoilt {
                entries.push(b"nothing".as_slice().into());
            }
            Ok(entries)
        })
    }
    fn scan(&self, from: Position, limit: usize) -> Port<'_, Result<Vec<Logged>, StoreFault>> {
        if self.hangs.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        self.inner.scan(from, limit)
    }
    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Port<'_, Result<Vec<Errand>, StoreFault>> {
        self.inner.due(now, after, limit)
    }
    fn next_due(&self, now: Timestamp) -> Port<'_, Result<Option<Timestamp>, StoreFault>> {
        self.inner.next_due(now)
    }
    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.inner.put_off(errand, until);
    }
    fn caller_key(&self, key: &str) -> Port<'_, Result<Option<CallerKey>, StoreFault>> {
        self.inner.caller_key(key)
    }
    fn query(&self, query: Query) -> Port<'_, Result<Page, StoreFault>> {
        assert!(!self.broken.load(Ordering::Relaxed), "the test broke the lists");
        if self.refuses.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreFault::Busy) });
        }
        self.inner.query(query)
    }
    fn row(&self, stream: &str) -> Port<'_, Result<Option<Row>, StoreFault>> {
        self.inner.row(stream)
    }
    fn holds(&self) -> Port<'_, Result<(), StoreFault>> {
        let mut held = self.held.lock().expect("nobody panicked");
        let answer = match &mut *held {
            None => return self.inner.holds(),
            Some(0) => Err(StoreFault::Lost("another host took the log over".to_owned())),
            Some(questions) => {
                *questions -= 1;
                Ok(())
            }
        };
        Box::pin(std::future::ready(answer))
    }

    fn health(&self) -> Health {
        let writable = self.fault().map_or(Ok(()), |fault| Err(fault.to_string()));
        Health { writable, ..self.inner.health() }
    }
    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Port<'a, Result<Verified, StoreFault>> {
        self.inner.verify(progress)
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Empty if it is no text.
    pub(crate) text: String,
    pub(crate) bytes: Bytes,
    pub(crate) json: Json,
}

impl Answer {
    /// One header as text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// Fails unless this is the problem with this code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["type"], format!("/errors/{code}"));
        assert_eq!(self.json["operation_id"], self.header("countersign-operation"));
        assert!(self.json["help"].as_str().is_some_and(|help| !help.is_empty()), "{}", self.text);
    }

    /// Fails unless this is an error of SCIM with this status and code.
    #[track_caller]
    pub(crate) fn is_scim_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/scim+json");
        assert_eq!(self.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(self.json["status"], status.to_string());
        let detail = self.json["detail"].as_str().unwrap_or_default();
        assert!(detail.ends_with(&format!("({code})")), "{}", self.text);
    }

    /// The places that a problem lists.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
    }
}

/// What a server is made of, where a test wants something else than the usual.
pub(crate) struct Setup {
    /// The store, where it is not the usual one.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The targets, where they are not the CRM and the billing that hold a small deal.
    pub(crate) connectors: Option<Scripted>,
    pub(crate) components: Arc<dyn Components>,
    pub(crate) rulebook: Rulebook,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) sign_in: SignIn,
    /// What the CRM offers against writing twice.
    pub(crate) crm: Guarantee,
    /// Whether every connector has another build.
    pub(crate) upgraded: bool,
    /// What signs the log; nothing does unless a test wants it.
    pub(crate) log_signer: Option<LogSigner>,
    /// Where its checkpoints are noted, if there is one.
    pub(crate) anchors: Vec<Arc<dyn Anchor>>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            store: None,
            connectors: None,
            components: Arc::new(NoComponents),
            rulebook: starter().expect("the starter rules check"),
            notifier: Arc::new(NoNotifier),
            sign_in: SignIn::default(),
            crm: Guarantee::ByNaturalKey,
            upgraded: false,
            log_signer: None,
            anchors: Vec::new(),
        }
    }
}

/// A running server with everything behind it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) connectors: Arc<Scripted>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) address: SocketAddr,
    /// Where health and metrics are.
    pub(crate) admin: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    _tasks: Tasks,
}

impl World {
    /// Starts one with the starter rules.
    pub(crate) async fn start() -> World {
        World::of(Setup::default()).await
    }

    /// Starts one whose `people.md` lets groups fill pools.
    pub(crate) async fn with_groups() -> World {
        let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
        for file in files.iter_mut().filter(|file| file.path == "people.md") {
            let row = "\n| groups | finance, billing, deal-desk |\n\n## Persons";
            file.text = file.text.replacen("\n\n## Persons", row, 1);
        }
        let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        World::of(Setup { rulebook, ..Setup::default() }).await
    }

    /// Starts one that has policy components.
    pub(crate) async fn with(components: impl Components) -> World {
        World::of(Setup { components: Arc::new(components), ..Setup::default() }).await
    }

    /// Starts one that stops when `shutdown` comes to its end.
    pub(crate) async fn start_until(shutdown: impl Future<Output = ()> + Send + 'static) -> World {
        World::until(Setup::default(), shutdown).await
    }

    /// Starts one of these parts.
    pub(crate) async fn of(setup: Setup) -> World {
        World::until(setup, std::future::pending()).await
    }

    /// The same that stops when `shutdown` comes to its end.
    pub(crate) async fn until(setup: Setup, shutdown: impl Future<Output = ()> + Send + 'static) -> World {
        let connectors = setup.connectors.unwrap_or_else(|| small_deal(setup.crm));
        let connectors = Arc::new(if setup.upgraded { connectors.upgraded() } else { connectors });
        let catalogue: Arc<dyn Catalogue> =
            if setup.upgraded { Arc::clone(&connectors) as Arc<_> } else { Arc::new(NoCatalogue) };
        let store = Arc::new(setup.store.map_or_else(FaultyStore::default, FaultyStore::over));
        let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
        let clock = Arc::new(SimulatedClock::at(now));
        countersign_engine::connectors::settle(&*store, &*catalogue, now).await.expect("the log is read");
        let engine = Engine::start(Parts {
            notifier: setup.notifier,
            components: setup.components,
            catalogue,
            record: countersign_engine::people::recorded(&*store).await.expect("the log is read"),
            store: Arc::clone(&store) as Arc<dyn Store>,
            connectors: Arc::clone(&connectors) as Arc<_>,
            clock: Arc::clone(&clock) as Arc<_>,
            chance: Arc::new(SeededChance::new(7)),
            rulebook: setup.rulebook,
        });
        let mut registry = Registry::with_prefix("countersign");
        engine.register_metrics(&mut registry);
        let tree = LogTree::of(Arc::clone(&store) as Arc<dyn Store>, Arc::new(MemoryHashes::default()));
        if setup.log_signer.is_some() {
            engine.prove_by(Arc::new(tree), setup.anchors);
        }
        let routers = countersign_server::routers(countersign_server::Parts {
            registry,
            log_signer: setup.log_signer,
            engine: engine.clone(),
            tokens: Arc::new(tokens()),
            sign_in: setup.sign_in,
            chance: Arc::new(SeededChance::new(8)),
            exchange: Arc::new(countersign::formats::Formats),
            provisioning: countersign_server::Provisioning {
                domains: ["example.com".to_owned()].into(),
                ..countersign_server::Provisioning::default()
            },
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let watched = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let admin = watched.local_addr().expect("an address");
        let tasks = Tasks::default();
        tasks.start(async move {
            let admin = countersign_server::serve(watched, routers.admin, std::future::pending());
            let public = countersign_server::serve(listener, routers.public, shutdown);
            tokio::select! {
                served = public => served.expect("it serves"),
                served = admin => served.expect("it serves"),
            }
        });
        let client = Client::builder(TokioExecutor::new()).build_http();
        World { engine, store, connectors, clock, address, admin, client, _tasks: tasks }
    }

    /// Sends one request. The person's token goes with it; nobody is a stranger without one.
    pub(crate) async fn send(
        &self,
        person: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.send_bytes(person, method, path, headers, body.as_bytes()).await
    }

    /// The same with a body that need not be text.
    pub(crate) async fn send_bytes(
        &self,
        person: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if !person.is_empty() {
            request = request.header("authorization", format!("Bearer {}", secret(person)));
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Full::from(Bytes::copy_from_slice(body))).expect("a request")).await
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Answer {
        let (head, body) = self.client.request(request).await.expect("an answer").into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap_or_default();
        let json = serde_json::from_str(&text).unwrap_or(Json::Null);
        Answer { status: head.status.as_u16(), headers: head.headers, text, bytes, json }
    }

    /// Reads where whoever watches over the host does.
    pub(crate) async fn watched(&self, path: &str) -> Answer {
        let request = Request::get(format!("http://{}{path}", self.admin));
        self.answer(request.body(Full::default()).expect("a request")).await
    }

    /// Reads.
    pub(crate) async fn get(&self, person: &str, path: &str) -> Answer {
        self.send(person, "GET", path, &[], "").await
    }

    /// Asks for a change under a key, of revision 1.
    pub(crate) async fn post(&self, person: &str, path: &str, key: &str, body: &str) -> Answer {
        self.send(person, "POST", path, &[("idempotency-key", key), ("if-match", "\"1\"")], body).await
    }

    /// A deal below the margin floor, and its address: two voices of finance, and the manager.
    pub(crate) async fn below_the_floor() -> (World, String) {
        let world = World::start().await;
        let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
        world.connectors.put("crm", "quote", "q-1", &thin);
        let place = world.submitted("k-1", SMALL).await;
        (world, place)
    }

    /// A digest of all that is recorded, but for what was refused: that is recorded a moment later.
    pub(crate) async fn changes(&self) -> Digest {
        let (mut parts, mut from) = (Vec::new(), Position(0));
        loop {
            let page = self.store.scan(from, PAGE_ROWS_MAX).await.expect("the log is read");
            let Some(last) = page.last() else { break };
            from = Position(last.position.0 + 1);
            let said = page.iter().filter(|logged| !logged.stream.starts_with("denied/"));
            parts.extend(said.map(|logged| Arc::clone(&logged.entry)));
        }
        let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        Digest::of_parts(&parts)
    }

    /// Submits and waits until it is prepared; gives the address of the intent.
    pub(crate) async fn submitted(&self, key: &str, body: &str) -> String {
        let headers = [("idempotency-key", key), ("prefer", "wait=10")];
        let answer = self.send("ae-1", "POST", "/v1/intents", &headers, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("location").to_owned()
    }
}

/// A CRM and a billing that hold what [`SMALL`] is about.
pub(crate) fn small_deal(crm: Guarantee) -> Scripted {
    let connectors = Scripted::default()
        .with("crm", crm, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let text = |text: &str| Value::Text(text.to_owned());
    let account = [("segment", text("smb")), ("billing_account", text("cus_1"))];
    connectors.put("crm", "account", "a-1", &account);
    let quote = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "q-1", &quote);
    connectors
}

/// The starter's policy of a type with one change.
pub(crate) fn policy(intent: &str, from: &str, to: &str) -> String {
    let path = format!("host/cli/starter/policies/{intent}.policy.md");
    let text = std::fs::read_to_string(countersign_tests::world::root().join(path)).expect("the starter");
    assert!(text.contains(from), "the starter lacks {from}: change this test");
    text.replacen(from, to, 1)
}

/// The token of a person, or of a scope.
pub(crate) fn secret(name: &str) -> String {
    token::minted(&Digest::of(name.as_bytes()).0).to_string()
}

fn tokens() -> TokenTable {
    let entry = |name: &str, person: &str, scopes: &[Scope]| TokenEntry {
        name: name.to_owned(),
        person: person.parse().expect("a person"),
        sha256: token::kept(&secret(name)),
        scopes: scopes.iter().copied().collect(),
    };
    let all = Scope::OF_PEOPLE;
    let people = PEOPLE.iter().map(|person| entry(person, person, &all));
    // Whoever provisions is a machine, and nobody of the house.
    let whose = |scope: &Scope| match scope {
        Scope::Provision => "idp",
        Scope::Operate => "integration-1",
        Scope::Read | Scope::Ask | Scope::Decide => "ae-1",
    };
    let scopes = Scope::ALL.iter().map(|scope| entry(scope.as_str(), whose(scope), &[*scope]));
    let leaver = entry("leaver", "somebody-else", &all);
    let joiner = entry("joiner", "joiner", &all);
    let machine = entry("crm-bot", "crm-bot", &all);
    TokenTable::new(people.chain(scopes).chain([leaver, joiner, machine]).collect()).expect("a table")
}

/// An answer as a golden file keeps it: drawn ids and digests say only of what kind they are, so that
/// a changed rule does not look like a changed shape.
pub(crate) fn golden(json: &Json) -> String {
    let pretty = serde_json::to_string_pretty(json).expect("JSON has a text");
    let words = pretty.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.map(plain).collect()
}

/// One word with its end: an id without its digits, a digest as `DIGEST`.
fn plain(word: &str) -> String {
    let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let end = &word[bare.len()..];
    let ids = ["int_", "eff_", "exc_", "op_"];
    if let Some(prefix) = ids.iter().find(|prefix| bare.starts_with(*prefix) && 20 < bare.len()) {
        return format!("{prefix}...{end}");
    }
    let digest = bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest { format!("DIGEST{end}") } else { word.to_owned() }
}
