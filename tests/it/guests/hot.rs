//! Connectors that change while the host runs, through its API.

#[path = "hot/candidates.rs"]
mod candidates;

use super::target::Target;
use super::world::{MANIFEST, SECRET, component, component_with, name, raw, runtime, runtime_that_trusts};
use countersign_connectors::{
    FaultCode, Level, Namespace, PrivateKey, Runtime, Secret, Tested, Trust, TrustedKey, inspect,
};
use countersign_core::approval::Stage;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::connector::Change;
use countersign_core::effect::attempt::Ended;
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId, IntentId, PersonId};
use countersign_core::record::RecordRef;
use countersign_core::time::Timestamp;
use countersign_engine::connectors::settle;
use countersign_engine::engine::{Engine, Parts};
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::catalogue::{Catalogue, Evidence};
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::components::NoComponents;
use countersign_engine::port::connectors::Connectors as _;
use countersign_engine::port::notifier::NoNotifier;
use countersign_engine::port::store::Store;
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_engine::task::Tasks;
use countersign_server::token::{kept, minted};
use countersign_server::{Scope, TokenEntry, TokenTable};
use countersign_tests::world::starter;
use data_encoding::BASE64;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How many hosts were started.
static STARTS: AtomicU64 = AtomicU64::new(1);

/// The connections of the host, both at the same target.
const CONNECTIONS: [&str; 2] = ["crm-eu", "crm-us"];

/// A host with the hostile connector, which behaves.
struct Host {
    engine: Engine,
    runtime: Arc<Runtime>,
    address: SocketAddr,
    token: String,
    client: Client<HttpConnector, Full<Bytes>>,
    _tasks: Tasks,
}

/// The manifest that may write nothing.
fn narrower() -> String {
    MANIFEST.replace(r#", "POST""#, "")
}

/// The one that may delete.
fn wider() -> String {
    MANIFEST.replace(r#""POST"]"#, r#""POST", "DELETE"]"#)
}

impl Host {
    /// Starts one on a folder, with a log that may have been there before.
    async fn start(folder: &Path, target: &Target, store: Arc<MemoryStore>) -> Host {
        Host::on(runtime(folder), target, store).await
    }

    /// Starts one on a runtime that has loaded nothing yet.
    async fn on(runtime: Runtime, target: &Target, store: Arc<MemoryStore>) -> Host {
        for digest in runtime.stored().expect("the folder is there") {
            runtime.load(digest).await.expect("it was installed");
        }
        let clock = Arc::new(SimulatedClock::at(Timestamp(1_795_424_400_000)));
        let options = CONNECTIONS.map(|connection| {
            let resolved =
                raw(&target.base).resolve(name(connection), |_| Ok(Secret::new(SECRET.to_owned())));
            let Ok(options) = resolved else { panic!("the connection is configured well") };
            options
        });
        runtime.expect(options.to_vec());
        settle(&*store, &runtime, clock.now()).await.expect("the log can be read");
        for options in options {
            // As the program does: what has no connector yet waits for it.
            if let Err(fault) = runtime.connect(options) {
                assert_eq!(fault.code, FaultCode::NotInstalled, "{fault}");
                assert!(fault.message.contains("`countersign connector add`"), "{fault}");
            }
        }
        let runtime = Arc::new(runtime);
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(NoNotifier),
            components: Arc::new(NoComponents),
            catalogue: runtime.clone(),
            store: store.clone() as Arc<dyn Store>,
            connectors: runtime.clone(),
            clock: clock.clone(),
            // Another process draws other ids.
            chance: Arc::new(SeededChance::new(STARTS.fetch_add(1, Ordering::Relaxed))),
            rulebook: starter().expect("the starter rules check"),
        });
        let token = minted(&[9; 32]).to_string();
        let entry = TokenEntry {
            name: "ops".to_owned(),
            person: PersonId::parse("integration-1").expect("a person"),
            sha256: kept(&token),
            scopes: Scope::OF_PEOPLE.into(),
        };
        let tokens = TokenTable::new(vec![entry]).expect("it is a table");
        let routers = countersign_server::routers(countersign_server::Parts {
            log_signer: None,
            registry: prometheus_client::registry::Registry::default(),
            engine: engine.clone(),
            tokens: Arc::new(tokens),
            sign_in: countersign_server::SignIn::default(),
            chance: Arc::new(SeededChance::new(2)),
            exchange: Arc::new(countersign::formats::Formats),
            provisioning: countersign_server::Provisioning::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tasks = Tasks::default();
        tasks.start(async move {
            let served = countersign_server::serve(listener, routers.public, std::future::pending()).await;
            served.expect("it serves");
        });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Host { engine, runtime, address, token, client, _tasks: tasks }
    }

    /// Asks the host, and gives the status and what it says.
    async fn ask(&self, method: &str, path: &str, (kind, body): (&str, Vec<u8>), key: &str) -> (u16, Value) {
        self.send(method, path, &[("content-type", kind), ("idempotency-key", key)], body).await
    }

    /// Adds a component with a signature.
    async fn add_signed(&self, component: &[u8], signature: &[u8], key: &str) -> (u16, Value) {
        let signature = BASE64.encode(signature);
        let headers = [
            ("content-type", "application/wasm"),
            ("idempotency-key", key),
            ("countersign-signature", &signature),
        ];
        self.send("POST", "/v1/connectors", &headers, component.to_vec()).await
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::from(body)).expect("a request");
        let (head, body) = self.client.request(request).await.expect("an answer").into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn add(&self, component: Vec<u8>, query: &str, key: &str) -> (u16, Value) {
        self.ask("POST", &format!("/v1/connectors{query}"), ("application/wasm", component), key).await
    }

    async fn change(&self, what: &str, body: &Value, key: &str) -> (u16, Value) {
        let body = ("application/json", body.to_string().into_bytes());
        self.ask("POST", &format!("/v1/connectors/tests.hostile/{what}"), body, key).await
    }

    /// The build behind each connection, by its place among those that were given.
    fn serving(&self, builds: &[&Vec<u8>]) -> [Option<usize>; 2] {
        let digests: Vec<Digest> = builds.iter().map(|build| Digest::of(build)).collect();
        CONNECTIONS.map(|connection| {
            let serves = self.runtime.connection(&name(connection)).expect("it is connected").digest;
            digests.iter().position(|digest| *digest == serves)
        })
    }
}

/// The states of the builds that the API shows, each under the digest.
fn states(view: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let builds = view["builds"].as_array().map(Vec::as_slice).unwrap_or_default();
    builds.iter().map(|build| (text(&build["digest"]), text(&build["state"]))).collect()
}

fn digest_of(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_asks_for_nothing_new_serves_while_the_host_runs() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    // Whoever installs one while no host runs has it served.
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    assert_eq!(host.serving(&[&first, &second]), [Some(0), Some(0)]);
    let (status, view) = host.add(second.clone(), "?reason=slower", "a").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(1), Some(1)]), "{view}");
    let expected = [(digest_of(&first), "previous".to_owned()), (digest_of(&second), "active".to_owned())];
    assert_eq!(states(&view), BTreeMap::from(expected));
    // Asked once more under the same key, and by somebody who does not know: the same build.
    for key in ["a", "b"] {
        assert_eq!(host.add(second.clone(), "?reason=slower", key).await, (200, view.clone()), "{key}");
    }
    let record = host.engine.connector(&id()).await.expect("it is read");
    assert_eq!(record.builds.len(), 2);

    let (status, view) = host.change("rollbacks", &json!({"reason": "amounts were rounded"}), "c").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(0), Some(0)]), "{view}");
    let (status, problem) = host.change("rollbacks", &json!({"reason": "once more"}), "d").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0232")), "{problem}");
    assert!(matches!(
        host.runtime.fetch(&name("crm-eu"), RecordRef { kind: "thing".into(), id: "ok".into() }).await,
        Ended::Returned(_)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_is_tried_on_one_connection_and_goes_with_a_quarantine() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    let (status, view) = host.add(second.clone(), "?stage=true", "a").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(0), Some(0)]), "{view}");
    let tried = json!({"digest": digest_of(&second), "connection": "crm-eu", "reason": "a look"});
    let (status, view) = host.change("activations", &tried, "b").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(1), Some(0)]), "{view}");
    let serves = [&first, &second].map(|component| build_of(&view, component)["serves"].clone());
    assert_eq!(serves, [json!(["crm-us"]), json!(["crm-eu"])], "{view}");
    // Another start, and what was installed last would be the other one: the record says what serves.
    drop(host);
    runtime(folder.path()).install(first.clone()).await.expect("it is there already");
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.serving(&[&first, &second]), [Some(1), Some(0)]);

    let planned = Digest::of(&second);
    assert!(host.runtime.bound(&name("crm-us"), planned).is_ok());
    let bad = json!({"digest": digest_of(&second), "reason": "it rounds amounts"});
    let (status, view) = host.change("quarantines", &bad, "c").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(0), Some(0)]), "{view}");
    let why = host.runtime.bound(&name("crm-us"), planned).expect_err("it is called no more");
    assert!(why.contains("which is in quarantine"), "{why}");
    let (status, problem) = host.change("activations", &tried, "d").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0230")), "{problem}");
    let (status, _) = host.change("releases", &bad, "e").await;
    assert!(status == 200 && host.runtime.bound(&name("crm-us"), planned).is_ok());

    let serves = json!({"digest": digest_of(&first), "reason": "nobody needs it"});
    let (status, problem) = host.change("removals", &serves, "f").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0231")), "{problem}");
    let (status, view) = host.change("removals", &bad, "g").await;
    assert_eq!((status, states(&view).len()), (200, 1), "{view}");
    assert_eq!(host.runtime.stored(), Ok(vec![Digest::of(&first)]));
    assert!(host.runtime.bound(&name("crm-us"), planned).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_asks_for_more_waits_and_says_for_what() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, greedy) = (component("plain"), component_with("plain", &wider()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    let (status, view) = host.add(greedy.clone(), "", "a").await;
    assert_eq!((status, host.serving(&[&first, &greedy])), (200, [Some(0), Some(0)]), "{view}");
    let asks = json!(["endpoint `api`: DELETE /v1/*"]);
    let held = build_of(&view, &greedy);
    assert_eq!((&held["state"], &held["widens"]), (&json!("held"), &asks));
    for on in [json!({}), json!({"connection": "crm-eu"})] {
        let mut body = json!({"digest": digest_of(&greedy), "reason": "now"});
        if let (Some(body), Some(on)) = (body.as_object_mut(), on.as_object()) {
            body.extend(on.clone());
        }
        let (status, problem) =
            host.change("activations", &body, &format!("b{on}").replace(['"', '{', '}', ':'], "")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("CS-E0229")), "{problem}");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("DELETE /v1/*")),
            "{problem}"
        );
    }
}

/// A build as the API shows it.
fn build_of<'a>(view: &'a Value, component: &[u8]) -> &'a Value {
    let builds = view["builds"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = builds.iter().find(|build| build["digest"] == json!(digest_of(component)));
    found.expect("the build is there")
}

/// The intent by which people are asked about a build.
fn asked(view: &Value, component: &[u8]) -> IntentId {
    let asked = build_of(view, component)["asked"].as_str().expect("people are asked");
    asked.parse().expect("it is an id")
}

/// Decides an upgrade as its first seat.
async fn decide(host: &Host, intent: IntentId, voice: Voice) {
    let standing = loop {
        let standing = host.engine.read(intent).await.expect("it is read");
        if matches!(standing.approval.stage, Stage::Seated { .. }) {
            break standing.approval;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let Stage::Seated { seats, case } = &standing.stage else { unreachable!() };
    let (_, seat) = seats.unfilled().next().expect("a seat is open");
    let person = seat.eligible.first().expect("somebody has it").clone();
    assert_ne!(person.as_str(), "integration-1", "nobody accepts what they added");
    let command = Command::Decide { person, revision: 1, seal: Some(case.seal), voice };
    host.engine.command(intent, command, None).await.expect("they may");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_person_accepts_what_a_build_asks_for_and_then_it_serves() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, greedy) = (component("plain"), component_with("plain", &wider()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    let (_, view) = host.add(greedy.clone(), "?reason=old%20deals%20go", "a").await;
    let intent = asked(&view, &greedy);
    // Whoever adds it again asks nobody twice, as long as they are being asked.
    assert_eq!(asked(&host.add(greedy.clone(), "", "b").await.1, &greedy), intent);
    decide(&host, intent, Voice::Decline { reason: "why delete".to_owned() }).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(0), Some(0)]);
    let (_, view) = host.add(greedy.clone(), "?reason=deals%20of%202019", "c").await;
    let again = asked(&view, &greedy);
    assert_ne!(again, intent);
    decide(&host, again, Voice::Approve { note: String::new() }).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(1), Some(1)]);
    let record = host.engine.connector(&id()).await.expect("it is read");
    let known = record.builds.get(&Digest::of(&greedy)).expect("it is there");
    assert_eq!((known.asked.clone(), known.accepted.clone()), (vec![intent, again], vec![again]));
    drop(host);
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(1), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_asks_by_hand_for_what_does_not_wait() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, greedy) = (component("plain"), component_with("plain", &wider()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    host.add(greedy.clone(), "", "a").await;
    for (number, (build, wants)) in [
        (&first, vec!["endpoint `api`: DELETE /v1/*"]),
        (&greedy, vec!["endpoint `api`: GET /v1/*"]),
        (&greedy, vec!["endpoint `api`: DELETE /v1/*", "endpoint `api`: PUT /v1/*"]),
        // Exactly what waits: whoever asks for it by hand is not whoever added it.
        (&greedy, vec!["endpoint `api`: DELETE /v1/*"]),
    ]
    .into_iter()
    .enumerate()
    {
        let asks: Vec<Value> = wants.iter().map(|want| json!({"want": want})).collect();
        let tokens = json!({
            "connector": "tests.hostile", "version": "1.0.0", "digest": digest_of(build), "asks": asks,
            "reason": "please",
        });
        let body = json!({"type": "connector_upgrade", "tokens": tokens}).to_string().into_bytes();
        let (status, problem) =
            host.ask("POST", "/v1/intents", ("application/json", body), &format!("i{number}")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("CS-E0235")), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_sound_connector_or_fits_no_connection_is_refused_and_not_on_record() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let first = component("plain");
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    let other_endpoint = MANIFEST.replace("[endpoints.api]", "[endpoints.web]");
    let mut altered = component_with("plain", &narrower());
    let half = altered.len() / 2;
    altered.truncate(half);
    for (number, (bytes, expected)) in [
        (b"\0asm\x01\0\0\0".to_vec(), "is a core module, not a component"),
        (b"<html>".to_vec(), "is no WebAssembly at all"),
        (altered, "is not a whole component"),
        (component("lies_"), "which its manifest contradicts"),
        (component("http_"), "tried to send a request while it described itself"),
        (
            component_with("plain", &other_endpoint),
            "grants endpoint `api`, which the connector does not have",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, problem) = host.add(bytes, "", &format!("k{number}")).await;
        assert_eq!((status, &problem["code"]), (422, &json!("CS-E0234")), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(expected)), "{problem}");
    }
    let (status, problem) = host.ask("POST", "/v1/connectors", ("text/plain", first.clone()), "t").await;
    assert_eq!((status, &problem["code"]), (415, &json!("CS-E0204")), "{problem}");
    let (status, problem) =
        host.change("activations", &json!({"digest": "12", "connection": "x"}), "u").await;
    let pointers: Vec<&Value> =
        problem["errors"].as_array().into_iter().flatten().map(|flaw| &flaw["pointer"]).collect();
    assert_eq!(
        (status, pointers),
        (422, vec![&json!("/connection"), &json!("/digest"), &json!("/reason")]),
        "{problem}"
    );
    let record = host.engine.connector(&id()).await.expect("it is read");
    assert_eq!((record.builds.len(), host.serving(&[&first])), (1, [Some(0), Some(0)]));
    // Nor does the next start find anything of it.
    assert_eq!(host.runtime.stored(), Ok(vec![Digest::of(&first)]));
    drop(host);
    // A host that died between keeping a build and putting it on record: the next start lets nobody around the rule.
    let greedy = component_with("plain", &wider());
    let dead = runtime(folder.path());
    let kept = Catalogue::install(&dead, greedy.clone(), Evidence::default()).await.expect("it is kept");
    assert!(!kept.wanted);
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(0), Some(0)]);
    let record = host.engine.connector(&id()).await.expect("it is read");
    let known = record.builds.get(&Digest::of(&greedy)).expect("it is on record");
    assert_eq!(record.state(known).as_str(), "held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_that_no_trusted_key_has_signed() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (vendor, stranger) = (PrivateKey::drawn(&[1; 32]), PrivateKey::drawn(&[2; 32]));
    let signed = |key: &PrivateKey, component: &[u8]| {
        let about = inspect(component).expect("it is a connector");
        key.sign(&about).expect("it is signed")
    };
    let trusting = |key: &PrivateKey| {
        let key = TrustedKey { key: key.public(), from: None, until: None };
        let of = Namespace { keys: vec![key], ..Namespace::default() };
        Trust { namespaces: BTreeMap::from([("tests".to_owned(), of)]), unsigned: false }
    };
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    let runtime = runtime_that_trusts(folder.path(), trusting(&vendor));
    let evidence = Evidence { signature: Some(signed(&vendor, &first)), conformance: None };
    let installed = runtime.install_signed(first.clone(), evidence).await;
    installed.expect("it is trusted");
    let host = Host::on(runtime, &target, Arc::default()).await;
    // A byte of what the code says of itself, in a text that nothing reads.
    let (mut altered, swapped) = (second.clone(), component_with("plain", &wider()));
    let mark = b"describe=";
    let place = altered.windows(mark.len()).position(|window| window == mark).expect("the mark is there");
    altered[place] ^= 0x20;
    for (number, (bytes, signature, expected)) in [
        (&second, signed(&stranger, &second), "is signed by no key of `[trust.tests]`"),
        (&second, signed(&vendor, &first), "which is another component"),
        (&altered, signed(&vendor, &second), "which is another component"),
        // The same code under a manifest that asks for more.
        (&swapped, signed(&vendor, &second), "which is another component"),
        (&second, b"no envelope".to_vec(), "that is no envelope of one"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, problem) = host.add_signed(bytes, &signature, &format!("s{number}")).await;
        assert_eq!((status, &problem["code"]), (422, &json!("CS-E0234")), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(expected)), "{problem}");
    }
    let (status, problem) = host.add(second.clone(), "", "u").await;
    assert_eq!((status, &problem["code"]), (422, &json!("CS-E0234")), "{problem}");
    assert_eq!(host.runtime.stored().expect("it is read").len(), 1, "nothing of it was kept");

    let (status, view) = host.add_signed(&second, &signed(&vendor, &second), "v").await;
    assert_eq!((status, host.serving(&[&first, &second])), (200, [Some(1), Some(1)]), "{view}");
    assert_eq!(build_of(&view, &second)["signer"], json!(vendor.public().to_string()));
    drop(host);
    // Whose key is trusted no more, of them nothing is loaded, whatever lies in the folder.
    let loaded = |key: &PrivateKey| {
        let runtime = runtime_that_trusts(folder.path(), trusting(key));
        let digest = Digest::of(&second);
        async move { runtime.load(digest).await.map(|loaded| loaded.digest) }
    };
    assert_eq!(loaded(&vendor).await, Ok(Digest::of(&second)));
    let fault = loaded(&stranger).await.expect_err("it is not trusted");
    assert_eq!(fault.code, FaultCode::Untrusted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_away_does_not_come_back_by_itself() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, greedy) = (component("plain"), component_with("plain", &wider()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    let (_, view) = host.add(greedy.clone(), "", "a").await;
    decide(&host, asked(&view, &greedy), Voice::Approve { note: String::new() }).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(1), Some(1)]);
    host.change("rollbacks", &json!({"reason": "it deletes too much"}), "b").await;
    let bad = json!({"digest": digest_of(&greedy), "reason": "it deletes too much"});
    assert_eq!(host.change("removals", &bad, "c").await.0, 200);
    drop(host);
    // A configuration that still names its file, with the yes of then on record.
    runtime(folder.path()).install(greedy.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, store.clone()).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(0), Some(0)]);
    // Added again, people are asked again.
    assert_eq!(host.change("removals", &bad, "d").await.0, 200);
    let (_, view) = host.add(greedy.clone(), "", "e").await;
    let again = asked(&view, &greedy);
    decide(&host, again, Voice::Decline { reason: "not again".to_owned() }).await;
    drop(host);
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.serving(&[&first, &greedy]), [Some(0), Some(0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_names_one_build_keeps_it_or_nothing() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    let mut pinned = raw(&target.base);
    pinned.connector = format!("sha256:{}", digest_of(&first));
    let Ok(options) = pinned.resolve(name("pinned"), |_| Ok(Secret::new(SECRET.to_owned()))) else {
        panic!("the connection is configured well")
    };
    host.runtime.connect(options).expect("it connects");
    host.add(second.clone(), "", "a").await;
    assert!(returns(&host.runtime, &name("pinned")).await);
    let bad = json!({"digest": digest_of(&first), "reason": "it is old"});
    let (status, problem) = host.change("removals", &bad, "b").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0231")), "{problem}");
    let on = json!({"digest": digest_of(&first), "connection": "pinned", "reason": "a look"});
    let (status, problem) = host.change("activations", &on, "c").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0236")), "{problem}");
    assert_eq!(host.change("quarantines", &bad, "d").await.0, 200);
    assert!(!returns(&host.runtime, &name("pinned")).await, "what is in quarantine is called by nobody");
    assert!(returns(&host.runtime, &name("crm-eu")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_dropped_while_builds_take_each_others_place() {
    const SWAPS: usize = 20;
    const CALLS: usize = 1_000;
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    let by = PersonId::parse("integration-1").expect("a person");
    host.engine
        .add_connector((second.clone(), Evidence::default()), true, (&by, "to swap"), None)
        .await
        .expect("it is added");
    let answered = AtomicUsize::new(0);
    let swapping = async {
        for number in 0..SWAPS {
            // Each falls among calls, some of which are on their way.
            while answered.load(Ordering::Relaxed) < number * (CALLS / (SWAPS + 1)) {
                tokio::task::yield_now().await;
            }
            let (digest, on) = (Digest::of([&second, &first][number % 2]), None);
            let change = Change::Activate { digest, on };
            host.engine.change_connector(&id(), &change, (&by, "a swap"), None).await.expect("it serves");
        }
        answered.load(Ordering::Relaxed)
    };
    let calls = futures::stream::iter(0..CALLS)
        .map(|number| {
            let connection = name(CONNECTIONS[number % 2]);
            let runtime = Arc::clone(&host.runtime);
            async move { returns(&runtime, &connection).await }
        })
        .buffer_unordered(32)
        .inspect(|_| {
            answered.fetch_add(1, Ordering::Relaxed);
        })
        .filter(|returned| std::future::ready(!returned))
        .count();
    let (at_the_last_swap, dropped) = tokio::join!(swapping, calls);
    assert_eq!(dropped, 0);
    assert!(at_the_last_swap < CALLS, "calls went on after the last swap");
    let record = host.engine.connector(&id()).await.expect("it is read");
    assert_eq!(record.serving.active, Some(Digest::of(&first)), "every swap is on record");
}

async fn returns(runtime: &Runtime, connection: &ConnectionName) -> bool {
    let subject = RecordRef { kind: "thing".into(), id: "ok".into() };
    matches!(runtime.fetch(connection, subject).await, Ended::Returned(_))
}

fn id() -> ConnectorId {
    ConnectorId::parse("tests.hostile").expect("it is a name")
}

#[tokio::test]
async fn a_connection_waits_for_its_connector_and_is_made_when_it_comes() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    assert_eq!(host.runtime.connections().len(), 0, "there is no connector yet");
    let path = format!("/v1/connections/{}/check", CONNECTIONS[0]);
    let check = async |key| host.ask("POST", &path, ("application/json", b"{}".to_vec()), key).await;
    let (status, checked) = check("early").await;
    assert_eq!((status, &checked["detail"]["code"]), (200, &json!("no-connector")), "{checked}");
    let component = component("plain");
    let (status, added) = host.add(component.clone(), "", "first").await;
    assert_eq!((status, &added["connections"]), (200, &json!(CONNECTIONS)), "{added}");
    assert_eq!(host.serving(&[&component]), [Some(0), Some(0)]);
    let (status, checked) = check("late").await;
    assert_eq!((status, &checked["result"]), (200, &json!("right")), "{checked}");
}

#[tokio::test]
async fn a_build_that_fits_no_connection_serves_none_after_a_start_either() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let first = component("plain");
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    drop(Host::start(folder.path(), &target, store.clone()).await);
    let misfit = component_with("plain", &MANIFEST.replace("[endpoints.api]", "[endpoints.web]"));
    runtime(folder.path()).install(misfit.clone()).await.expect("it installs while no host runs");
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.serving(&[&first, &misfit]), [Some(0), Some(0)]);
    let record = host.engine.connector(&id()).await.expect("it is read");
    let known = record.builds.get(&Digest::of(&misfit)).expect("it is on record");
    assert!(!record.serving.has(&Digest::of(&misfit)), "{}", record.state(known).as_str());
}

#[tokio::test]
async fn what_was_added_in_its_time_goes_on_when_its_key_has_run_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vendor, component) = (PrivateKey::drawn(&[1; 32]), component("plain"));
    let about = inspect(&component).expect("it is a connector");
    let evidence =
        Evidence { signature: Some(vendor.sign(&about).expect("it is signed")), conformance: None };
    let until = |moment: i64| {
        let key = TrustedKey { key: vendor.public(), from: None, until: Some(Timestamp(moment)) };
        let of = Namespace { keys: vec![key], ..Namespace::default() };
        Trust { namespaces: BTreeMap::from([("tests".to_owned(), of)]), unsigned: false }
    };
    let install = async |folder: &Path, trust: Trust| {
        let runtime = runtime_that_trusts(folder, trust);
        runtime.install_signed(component.clone(), evidence.clone()).await.map(|installed| installed.digest)
    };
    let now = 1_795_424_400_000;
    assert_eq!(install(folder.path(), until(now + 1)).await, Ok(Digest::of(&component)));
    // As `install` of the configuration does at every start.
    assert_eq!(install(folder.path(), until(now)).await, Ok(Digest::of(&component)));
    let other = tempfile::tempdir().expect("a folder");
    let fault = install(other.path(), until(now)).await.expect_err("it comes too late");
    assert_eq!(fault.code, FaultCode::Untrusted);
    assert!(fault.message.contains("which does not count now"), "{fault}");
}

#[tokio::test]
async fn bytes_that_a_removal_left_behind_are_taken_away_at_the_next_start() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    host.add(second.clone(), "?stage=true", "a").await;
    let removed = json!({"digest": digest_of(&second), "reason": "a mistake"});
    assert_eq!(host.change("removals", &removed, "b").await.0, 200);
    drop(host);
    // The host died between its record and the disk.
    let blob = folder.path().join(format!("blobs/sha256/{}.wasm", digest_of(&second)));
    assert!(!blob.exists());
    std::fs::write(&blob, &second).expect("it is written");
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.runtime.stored(), Ok(vec![Digest::of(&first)]));
    assert!(!blob.exists());
    assert_eq!(host.serving(&[&first, &second]), [Some(0), Some(0)]);
}

#[tokio::test]
async fn a_build_whose_bytes_were_lost_serves_again_when_it_is_added_again() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let first = component("plain");
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    drop(Host::start(folder.path(), &target, store.clone()).await);
    // Restored from a backup that held the log, and not the components.
    let blob = folder.path().join(format!("blobs/sha256/{}.wasm", digest_of(&first)));
    std::fs::remove_file(&blob).expect("it was there");
    let host = Host::start(folder.path(), &target, store).await;
    assert_eq!(host.runtime.connections().len(), 0);
    let waiting = CONNECTIONS.map(|connection| (name(connection), "tests.hostile".to_owned()));
    assert_eq!(host.runtime.waiting(), BTreeMap::from(waiting));
    let listed = host.ask("GET", "/v1/connections", ("application/json", Vec::new()), "l").await.1;
    assert_eq!(listed["items"][0]["state"], "waiting", "{listed}");
    let shown = host.ask("GET", "/v1/connections/crm-eu", ("application/json", Vec::new()), "s").await.1;
    assert_eq!(
        (&shown["state"], &shown["connector"]),
        (&json!("waiting"), &json!("tests.hostile")),
        "{shown}"
    );
    let (status, added) = host.add(first.clone(), "", "again").await;
    assert_eq!((status, &added["builds"][0]["state"]), (200, &json!("active")), "{added}");
    assert_eq!(host.serving(&[&first]), [Some(0), Some(0)]);
    assert_eq!(host.runtime.waiting(), BTreeMap::new());
}

#[tokio::test]
async fn what_is_said_later_must_count_then_and_takes_nothing_from_what_was_said_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vendor, tester, stranger) =
        (PrivateKey::drawn(&[1; 32]), PrivateKey::drawn(&[2; 32]), PrivateKey::drawn(&[3; 32]));
    let component = component("plain");
    let about = inspect(&component).expect("it is a connector");
    let report = |key: &PrivateKey, level: Level| {
        let named = &about.manifest.connector;
        let tested = Tested {
            kit: 1,
            connector: named.id.clone(),
            version: named.version.clone(),
            sha256: about.digest.to_string(),
            level,
            laws: BTreeMap::new(),
        };
        Some(key.sign_tested(&tested).expect("it is signed"))
    };
    let signature = Some(vendor.sign(&about).expect("it is signed"));
    let now = 1_795_424_400_000;
    let trust = |until: i64, level: Option<Level>| {
        let key = |key: &PrivateKey, until: i64| TrustedKey {
            key: key.public(),
            from: None,
            until: Some(Timestamp(until)),
        };
        let of = Namespace { keys: vec![key(&vendor, until)], testers: vec![key(&tester, until)], level };
        Trust { namespaces: BTreeMap::from([("tests".to_owned(), of)]), unsigned: false }
    };
    let install = async |trust: Trust, signature: &Option<Vec<u8>>, conformance: Option<Vec<u8>>| {
        let runtime = runtime_that_trusts(folder.path(), trust);
        let evidence = Evidence { signature: signature.clone(), conformance };
        runtime.install_signed(component.clone(), evidence).await.map(|installed| installed.vouched.level)
    };
    let certified = report(&tester, Level::Certified);
    assert_eq!(
        install(trust(now + 1, None), &signature, certified.clone()).await,
        Ok(Some(Level::Certified))
    );
    // A worse one, one of a stranger, or none at all: what was shown stays shown.
    for worse in [report(&tester, Level::Loads), report(&stranger, Level::Certified), None] {
        assert_eq!(install(trust(now + 1, None), &signature, worse).await, Ok(Some(Level::Certified)));
    }
    assert_eq!(install(trust(now + 1, None), &None, None).await, Ok(Some(Level::Certified)));
    // Its keys have run out: what was said in their time counts, and nothing that is said now.
    let over = || trust(now, Some(Level::Safe));
    assert_eq!(install(over(), &signature, certified).await, Ok(Some(Level::Certified)));
    let other = tempfile::tempdir().expect("a folder");
    let fresh = runtime_that_trusts(other.path(), trust(now + 1, None));
    let evidence = Evidence { signature: signature.clone(), conformance: None };
    fresh.install_signed(component.clone(), evidence.clone()).await.expect("it is signed in time");
    let late = runtime_that_trusts(other.path(), over());
    let evidence = Evidence { conformance: report(&tester, Level::Certified), ..evidence };
    let fault =
        late.install_signed(component.clone(), evidence).await.expect_err("the report comes too late");
    assert_eq!(fault.code, FaultCode::Untrusted);
}
