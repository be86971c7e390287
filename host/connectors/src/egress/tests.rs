//! The gate from outside: names that lie, addresses that change, answers that steer.

use super::client::Resolve;
use super::*;
use crate::grant::Grant;
use crate::manifest::Rate;
use crate::metrics::Tally;
use countersign_core::time::Timestamp;
use countersign_engine::port::Answer as Later;
use countersign_engine::port::connectors::NotRecorded;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers each look-up with the next of its lists; the last one for ever.
struct Scripted {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[asked].clone();
        Box::pin(async move { Ok(answer) })
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 1, 1));

/// A clock that is turned by hand.
#[derive(Default)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn passed(&self) -> Millis {
        Millis(0)
    }

    fn sleep_until(&self, _moment: Timestamp) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

struct Silent;

impl Ledger for Silent {
    fn about_to_send<'a>(&'a self, _step: &'a str, _request: Digest) -> Later<'a, Result<(), NotRecorded>> {
        Box::pin(async { Ok(()) })
    }
}

/// One that lets each step leave once.
struct Once;

impl Ledger for Once {
    fn about_to_send<'a>(&'a self, _step: &'a str, _request: Digest) -> Later<'a, Result<(), NotRecorded>> {
        Box::pin(async { Ok(()) })
    }

    fn leaves_again(&self) -> Later<'_, Result<(), NotRecorded>> {
        Box::pin(async { Err(NotRecorded("another host took the log over".to_owned())) })
    }
}

fn gate(base: &str, allow: &[&str], answers: Vec<Vec<IpAddr>>) -> Gate {
    let rate = Rate { per_second: 1_000, burst: 1_000, concurrent: 8 };
    let endpoint = GrantedEndpoint {
        base: Url::parse(base).expect("it is an address"),
        methods: ["GET", "POST"].map(str::to_owned).to_vec(),
        paths: vec!["/*".to_owned()],
        read_posts: vec!["/search".to_owned()],
        credential: credential::Credential::None,
        key_header: Some(HeaderName::from_static("idempotency-key")),
    };
    let grant = Grant {
        endpoints: BTreeMap::from([("api".to_owned(), endpoint)]),
        asked: ["api".to_owned(), "files".to_owned()].into(),
        settings: BTreeMap::new(),
        hooks: BTreeMap::new(),
        allow: allow.iter().map(|text| address::Cidr::parse(text).expect("it is a range")).collect(),
        rate,
    };
    Gate {
        phase: Phase::Write,
        grant: Arc::new(grant),
        line: Arc::new(Line::new(rate)),
        resolver: Arc::new(Scripted { answers, asked: AtomicUsize::new(0) }),
        install: InstallKey::new([1; 32]),
        user_agent: HeaderValue::from_static("test"),
        effect: Some(EffectCall {
            effect: EffectId::from_bits(1),
            generation: 0,
            guarantee: Guarantee::ByProbe,
            ledger: Arc::new(Silent),
        }),
        steps: Steps::default(),
        clock: Arc::default() as Arc<Turned>,
        requests: 0,
        witness: None,
        tally: Tally::default(),
        violation: None,
    }
}

fn get(path: &str) -> Request {
    Request { endpoint: "api".to_owned(), path: path.to_owned(), ..Request::default() }
}

fn step(name: &str, body: &str) -> Request {
    Request {
        method: Method::Post,
        purpose: Purpose::Step(name.to_owned()),
        body: body.into(),
        ..get("/things")
    }
}

/// A server that gives each connection the next of these raw answers, and says what was asked.
async fn server(answers: Vec<&'static str>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let serve = async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut bytes = vec![0; 8_192];
            let count = stream.read(&mut bytes).await.expect("a request");
            locked(&heard).push(String::from_utf8_lossy(&bytes[..count]).into_owned());
            stream.write_all(answer.as_bytes()).await.expect("it takes the answer");
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
    drop(tokio::spawn(serve));
    (port, asked)
}

fn code(result: &Result<Response, Failure>) -> &str {
    match result {
        Ok(_) => "answered",
        Err(failure) => &failure.detail().code,
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed() {
    for inside in ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"] {
        let address = inside.parse().expect("it is an address");
        let mut gate = gate("https://api.example.com/", &[], vec![vec![address]]);
        let result = gate.send(get("/x")).await;
        assert_eq!(code(&result), "forbidden-address", "{inside}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_meets_only_the_checked_address() {
    // First public, then loopback: there is one look-up a request, and each is checked.
    let (port, asked) = server(vec!["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let mut gate = gate(&format!("https://rebind.example:{port}/"), &[], vec![vec![LOOPBACK], vec![PUBLIC]]);
    assert_eq!(code(&gate.send(get("/x")).await), "forbidden-address");
    assert!(locked(&asked).is_empty());
}

#[tokio::test]
async fn of_several_addresses_only_permitted_ones_are_tried() {
    let (port, _asked) = server(vec!["HTTP/1.1 204 No Content\r\n\r\n"]).await;
    let answers = vec![vec!["10.0.0.1".parse().expect("an address"), LOOPBACK]];
    let mut gate = gate(&format!("http://two.example:{port}/"), &["127.0.0.0/8"], answers);
    assert_eq!(gate.send(get("/x")).await.map(|response| response.status), Ok(204));
}

#[tokio::test]
async fn no_credential_travels_in_the_clear_to_the_public() {
    let mut gate = gate("http://api.example.com/", &[], vec![vec![PUBLIC]]);
    assert_eq!(code(&gate.send(get("/x")).await), "forbidden-address");
}

#[tokio::test]
async fn host_and_length_are_the_hosts_and_the_answer_is_stripped() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\nset-cookie: a=b\r\nrefresh: 0\r\n\
                  content-length: 2\r\n\r\nhi";
    let (port, asked) = server(vec![answer]).await;
    let mut gate = gate(&format!("http://api.example:{port}/base"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    let response = gate.send(step("create", "abc")).await.expect("it answers");
    assert_eq!(response.status, 302, "nobody follows it");
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["location", "content-length"]);
    let asked = locked(&asked).join("");
    assert!(asked.starts_with("POST /base/things HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: api.example:{port}\r\n")), "{asked}");
    assert!(asked.contains("content-length: 3\r\n") && asked.contains("idempotency-key: "), "{asked}");
}

#[tokio::test]
async fn a_step_that_was_cut_off_is_unanswered_and_not_sent_blindly_again() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly the beginning";
    let (port, asked) = server(vec![cut, cut]).await;
    let mut gate = gate(&format!("http://api.example:{port}/"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    assert_eq!(code(&gate.send(step("create", "")).await), "unanswered");
    assert_eq!(gate.steps.list()[0].answer, Answer::Unanswered);
    assert_eq!(code(&gate.send(step("create", "")).await), "unanswered");
    assert_eq!(locked(&asked).len(), 1, "it went out once");
}

#[tokio::test]
async fn a_definite_answer_of_a_step_is_served_from_the_record() {
    let answers = vec!["HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"; 2];
    let (port, asked) = server(answers).await;
    let mut gate = gate(&format!("http://api.example:{port}/"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    for _ in 0..2 {
        assert_eq!(gate.send(step("create", "")).await.map(|response| response.status), Ok(503));
    }
    assert_eq!(locked(&asked).len(), 1, "a target without keys is not asked twice");
    if let Some(call) = &mut gate.effect {
        call.guarantee = Guarantee::ByKey;
    }
    assert_eq!(gate.send(step("create", "")).await.map(|response| response.status), Ok(503));
    assert_eq!(locked(&asked).len(), 2, "with a key a repeat is harmless");
}

#[tokio::test]
async fn an_answer_with_a_huge_head_is_no_answer() {
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    let (port, _asked) = server(vec![Box::leak(head.into_boxed_str())]).await;
    let mut gate = gate(&format!("http://api.example:{port}/"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    assert_eq!(code(&gate.send(get("/x")).await), "unanswered");
}

const NOTHING: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const WITHDRAWN: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const TOKEN_1: &str = "HTTP/1.1 200 OK\r\ncontent-length: 49\r\nconnection: close\r\n\r\n\
                       {\"access_token\": \"token-one\", \"expires_in\": 3600}";
const TOKEN_2: &str = "HTTP/1.1 200 OK\r\ncontent-length: 49\r\nconnection: close\r\n\r\n\
                       {\"access_token\": \"token-two\", \"expires_in\": 3600}";

fn keyring() -> oauth2::Keyring {
    oauth2::Keyring::of(Tally::default())
}

/// A gate to `port` whose requests bear tokens that are given at `tokens`.
fn bearing(port: u16, tokens: u16) -> Gate {
    let mut gate = gate(&format!("http://api.example:{port}/"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    let url = Url::parse(&format!("http://id.example:{tokens}/token")).expect("it is an address");
    let client = oauth2::ClientProof::Basic;
    let secret = crate::secret::Secret::new("app:canary-secret".to_owned());
    let given = oauth2::Tokens::of_client(&keyring(), url, &secret, (client, &[])).expect("it is a client");
    let grant = Arc::get_mut(&mut gate.grant).expect("nobody else has it");
    let endpoint = grant.endpoints.get_mut("api").expect("it is there");
    endpoint.credential = credential::Credential::Token(given);
    gate
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let (tokens, given) = server(vec![TOKEN_1]).await;
    let echo =
        "HTTP/1.1 200 OK\r\ncontent-length: 30\r\nconnection: close\r\n\r\nyou are token-one canary-secre";
    let (port, asked) = server(vec![NOTHING, echo]).await;
    let mut gate = bearing(port, tokens);
    gate.send(get("/one")).await.expect("an answer");
    let answer = gate.send(get("/other")).await.expect("an answer");
    assert_eq!(
        String::from_utf8_lossy(&answer.body),
        "you are [secret] canary-secre",
        "what comes back is hidden"
    );
    let asked = locked(&asked).clone();
    assert!(asked.iter().all(|request| request.contains("authorization: Bearer token-one")), "{asked:?}");
    let given = locked(&given).clone();
    assert_eq!(given.len(), 1, "{given:?}");
    assert!(
        given[0].starts_with("POST /token HTTP/1.1") && given[0].contains("grant_type=client_credentials")
    );
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_asked_for_anew_once() {
    let (tokens, given) = server(vec![TOKEN_1, TOKEN_2]).await;
    let (port, asked) = server(vec![WITHDRAWN, NOTHING]).await;
    let mut gate = bearing(port, tokens);
    let answer = gate.send(step("make", "{}")).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let asked = locked(&asked).clone();
    assert!(asked[0].contains("Bearer token-one") && asked[1].contains("Bearer token-two"), "{asked:?}");
    let key =
        |request: &str| request.lines().find(|line| line.starts_with("idempotency-key")).map(str::to_owned);
    assert!(key(&asked[0]).is_some() && key(&asked[0]) == key(&asked[1]), "the same key goes with both");
    assert_eq!(locked(&given).len(), 2);
    assert_eq!(gate.steps.list().len(), 1, "it is one step");
}

#[tokio::test]
async fn a_step_leaves_once_more_only_if_the_log_is_still_its_hosts() {
    let (tokens, _) = server(vec![TOKEN_1, TOKEN_2]).await;
    let (port, asked) = server(vec![WITHDRAWN, WITHDRAWN, NOTHING]).await;
    let mut gate = bearing(port, tokens);
    gate.effect.as_mut().expect("it writes").ledger = Arc::new(Once);
    let failure = gate.send(step("make", "{}")).await.expect_err("it is not sent again");
    assert!(matches!(&failure, Failure::Transient { .. }), "{failure:?}");
    assert_eq!((failure.detail().code.as_str(), locked(&asked).len()), ("not-recorded", 1));
    let steps = gate.steps.list();
    assert_eq!(steps.iter().map(|step| step.answer).collect::<Vec<_>>(), [Answer::Answered { status: 401 }]);
    // What only reads is no step, and is asked again.
    let answer = gate.send(get("/one")).await.expect("an answer");
    assert_eq!((answer.status, locked(&asked).len()), (200, 3));
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let (tokens, given) = server(vec![TOKEN_1, TOKEN_2]).await;
    let (port, asked) = server(vec![WITHDRAWN, WITHDRAWN]).await;
    let mut gate = bearing(port, tokens);
    let answer = gate.send(get("/one")).await.expect("an answer");
    assert_eq!((answer.status, locked(&asked).len(), locked(&given).len()), (401, 2, 2));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let refused = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 27\r\nconnection: close\r\n\r\n\
                   {\"error\": \"invalid_client\"}";
    let (tokens, given) = server(vec![refused]).await;
    let (port, asked) = server(vec![NOTHING]).await;
    let mut gate = bearing(port, tokens);
    for _ in 0..2 {
        let failure = gate.send(step("make", "{}")).await.expect_err("there is no token");
        assert!(matches!(&failure, Failure::Denied(_)), "{failure:?}");
        assert!(failure.detail().message.contains("invalid_client"), "{failure:?}");
    }
    assert!(locked(&asked).is_empty() && gate.steps.list().is_empty());
    assert_eq!(locked(&given).len(), 1, "a refusal is believed for a moment");
}

#[tokio::test]
async fn a_call_that_ends_loses_no_token() {
    let (tokens, given) = server(vec![TOKEN_1]).await;
    let (port, asked) = server(vec![NOTHING]).await;
    let mut gate = bearing(port, tokens);
    let mut call = Box::pin(gate.send(get("/one")));
    assert!(futures::poll!(&mut call).is_pending(), "it waits for a token");
    drop(call);
    let answered = async {
        while locked(&given).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered).await.expect("it is asked for all the same");
    gate.send(get("/other")).await.expect("an answer");
    assert_eq!((locked(&given).len(), locked(&asked).len()), (1, 1));
}

#[tokio::test]
async fn many_that_need_a_token_wait_for_one() {
    let (tokens, given) = server(vec![TOKEN_1]).await;
    let (port, asked) = server(vec![NOTHING; 8]).await;
    let first = bearing(port, tokens);
    let calls = (0..8).map(|_| {
        let other = gate(&format!("http://api.example:{port}/"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
        let mut other = Gate { grant: Arc::clone(&first.grant), ..other };
        async move { other.send(get("/one")).await.map(|answer| answer.status) }
    });
    let statuses = futures::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == Ok(200)), "{statuses:?}");
    assert_eq!((locked(&given).len(), locked(&asked).len()), (1, 8));
}

#[tokio::test]
async fn tokens_are_not_asked_for_at_a_forbidden_address() {
    let (port, asked) = server(vec![NOTHING]).await;
    let mut gate = bearing(port, 1);
    gate.resolver = Arc::new(Scripted {
        answers: vec![vec![LOOPBACK], vec!["10.0.0.7".parse().expect("an address")]],
        asked: AtomicUsize::new(0),
    });
    let failure = gate.send(get("/one")).await.expect_err("it is not granted");
    assert!(
        matches!(&failure, Failure::Denied(detail) if detail.message.contains("10.0.0.7")),
        "{failure:?}"
    );
    assert!(locked(&asked).is_empty());
}

#[tokio::test]
async fn a_signature_is_of_what_is_sent_and_no_connector_makes_it() {
    let echo = "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\nyour key is canary-signing-key-01.";
    let (port, asked) = server(vec![echo]).await;
    let mut gate = gate(&format!("http://127.0.0.1:{port}/base"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    let grant = Arc::get_mut(&mut gate.grant).expect("nobody else has it");
    let endpoint = grant.endpoints.get_mut("api").expect("it is there");
    let sign = "content = \"{timestamp}{method}{target}{body}\"\nheader = \"X-Sig\"\n\
                timestamp-header = \"X-Ts\"\nkey-header = \"X-Key\"";
    let auth = crate::manifest::Auth {
        scheme: crate::manifest::Scheme::Hmac,
        sign: Some(toml::from_str(sign).expect("a scheme")),
        ..crate::manifest::Auth::default()
    };
    let secret = crate::secret::Secret::new("k-1:canary-signing-key-01".to_owned());
    let sign_in = credential::SignIn { keyring: &keyring(), token: None, parties: None };
    endpoint.credential = credential::Credential::of(&auth, Some(&secret), sign_in).expect("it is one");
    let clock = Arc::new(Turned::default());
    gate.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let asks = Request { query: vec![("of".to_owned(), "eu us".to_owned())], ..step("create", r#"{"a":1}"#) };
    for name in ["x-sig", "X-Ts", "x-key"] {
        let own = Request { headers: vec![(name.to_owned(), "mine".to_owned())], ..asks.clone() };
        assert_eq!(code(&gate.send(own).await), "forbidden-header", "{name}");
    }
    // It waited before it was sent.
    clock.0.store(7_000, Ordering::SeqCst);
    let answer = gate.send(asks).await.expect("it is answered");
    assert_eq!(String::from_utf8_lossy(&answer.body), "your key is [secret].");
    let asked = locked(&asked).join("");
    assert!(asked.starts_with("POST /base/things?of=eu%20us HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-key: k-1\r\n") && asked.contains("x-ts: 7\r\n"), "{asked}");
    // As OpenSSL signs `7POST/base/things?of=eu%20us{"a":1}`.
    let signature = "b3400efe73c5c25ba3915f00dc79a532aab6c4faa5a95d2f79e03f249b2d8063";
    assert!(asked.contains(&format!("x-sig: {signature}\r\n")), "{asked}");
    assert!(!asked.contains("canary"), "{asked}");
}

#[tokio::test]
async fn a_key_of_the_query_is_the_hosts_and_comes_back_to_nobody() {
    let (port, asked) =
        server(vec!["HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\nyou sent key=sk%2Bcanary_4711"]).await;
    let mut gate = gate(&format!("http://127.0.0.1:{port}"), &["127.0.0.0/8"], vec![vec![LOOPBACK]]);
    let grant = Arc::get_mut(&mut gate.grant).expect("nobody else has it");
    let endpoint = grant.endpoints.get_mut("api").expect("it is there");
    let auth = crate::manifest::Auth {
        scheme: crate::manifest::Scheme::Query,
        name: Some("key".to_owned()),
        ..crate::manifest::Auth::default()
    };
    let secret = crate::secret::Secret::new("sk+canary_4711".to_owned());
    let sign_in = credential::SignIn { keyring: &keyring(), token: None, parties: None };
    endpoint.credential = credential::Credential::of(&auth, Some(&secret), sign_in).expect("it is one");
    let own = Request { query: vec![("key".to_owned(), "mine".to_owned())], ..get("/deals") };
    assert_eq!(code(&gate.send(own).await), "forbidden-query");
    let asks = Request { query: vec![("of".to_owned(), "eu".to_owned())], ..get("/deals") };
    let answer = gate.send(asks).await.expect("it is answered");
    assert_eq!(String::from_utf8_lossy(&answer.body), "you sent key=[secret]");
    let asked = locked(&asked);
    assert!(asked[0].starts_with("GET /deals?of=eu&key=sk%2Bcanary_4711 HTTP/1.1\r\n"), "{}", asked[0]);
    assert_eq!(asked.len(), 1, "the other one was not sent");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_whose_it_is_to_add() {
    let check = |endpoint: &str, whose: &str| {
        let gate = gate("https://api.example/", &[], Vec::new());
        let request = Request { endpoint: endpoint.to_owned(), ..get("/v1/things") };
        let stopped =
            admit::admitted(&request, Phase::Read, &gate.grant).map(drop).expect_err("it is not there");
        let admit::Stopped::NotGranted(why) = stopped else { panic!("{stopped:?}") };
        assert!(why.contains(whose), "{why}");
    };
    check("files", "grant it under `endpoints`");
    check("other", "whoever writes the connector adds `[endpoints.other]` there");
}
