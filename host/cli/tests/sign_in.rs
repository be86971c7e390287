//! `countersign connection sign-in` by the built program: a provider on loopback that takes a code once, by whom and with
//! what it was asked for; a browser that does what it is told; and nothing that is secret in anything that is said.

use countersign::loopback::{Asked, Heard, Listening, Reply};
use countersign_connectors::componentize;
use countersign_core::hash::Digest;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What must never be said.
const SECRETS: [&str; 4] = ["s3cret/of-app", "code-of-kim", "refresh-of-kim", "access-of-kim"];
/// The secret's file before anybody signs in.
const CLIENT: &str = "app:s3cret/of-app\n";
/// A component with nothing in it: what it asks for is all that is read of it.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// How a connector has somebody sign in.
const AUTH: &str = r#"scheme = "oauth2-refresh"
token = "https://id.example.com/token"
authorize = "https://id.example.com/authorize"
scopes = ["books", "offline_access"]
parameters = { prompt = "consent" }
"#;

/// What the provider was posted: the header by which the client proves itself, and the form.
type Posted = (Option<String>, Vec<(String, String)>);

/// A house with one connection, and a provider that answers each code in one way.
struct House {
    folder: tempfile::TempDir,
    _provider: Listening,
    posted: Arc<Mutex<Vec<Posted>>>,
}

/// What came of a run.
struct Ended {
    status: ExitStatus,
    out: String,
    err: String,
}

/// The program, while somebody is asked to sign in.
struct Asking {
    child: Child,
    address: String,
    err: JoinHandle<String>,
}

impl House {
    async fn start(auth: &str, answer: Reply) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let posted = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&posted);
        let provider = Listening::start(move |asked: Asked| {
            let proof = asked.header("authorization").map(str::to_owned);
            seen.lock().unwrap_or_else(PoisonError::into_inner).push((proof, asked.form()));
            let answer = answer.clone();
            async move { Heard::Whole(answer) }
        });
        let provider = provider.await.expect("a provider");
        let house = House { folder, _provider: provider, posted };
        house.installs(auth, "1.0.0");
        let text = format!(
            "[connectors]\nhosts = [\"*.example.com\"]\nunsigned = true\n[connection.books]\nconnector = \"acme.books\"\n\
             allow = [\"127.0.0.0/8\"]\n[connection.books.endpoints.api]\nsecret = \"file:token\"\ntoken = \"{}/token\"\n\
             [connection.other]\nconnector = \"acme.other\"\n[connection.other.endpoints.api]\nsecret = \"env:NOWHERE\"\n",
            house._provider.base_url()
        );
        std::fs::write(house.file("countersign.toml"), text).expect("it is written");
        house.holds(CLIENT);
        house
    }

    /// Installs a build as a host does.
    fn installs(&self, auth: &str, version: &str) -> Digest {
        let manifest = format!(
            "manifest = 1\n[connector]\nid = \"acme.books\"\nversion = \"{version}\"\ncontract = \"1.0\"\n[endpoints.api]\n\
             base = \"https://api.example.com\"\nmethods = [\"GET\"]\npaths = [\"/*\"]\n[endpoints.api.auth]\n{auth}"
        );
        let bytes = componentize(COMPONENT, &manifest).expect("it is a component");
        let digest = Digest::of(&bytes);
        let blobs = self.file("data/connectors/blobs/sha256");
        std::fs::create_dir_all(&blobs).expect("a folder");
        std::fs::write(blobs.join(format!("{digest}.wasm")), bytes).expect("it is written");
        digest
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn holds(&self, text: &str) {
        std::fs::write(self.file("token"), text).expect("it is written");
    }

    fn kept(&self) -> String {
        std::fs::read_to_string(self.file("token")).expect("it is read")
    }

    fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.folder.path()).args(["connection", "sign-in", "books"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["COUNTERSIGN_URL", "COUNTERSIGN_TOKEN", "COUNTERSIGN__SERVER__LISTEN", "CLICOLOR_FORCE"]
        {
            command.env_remove(name);
        }
        command
    }

    /// Runs it where nobody is asked.
    fn refused(&self, arguments: &[&str]) -> Ended {
        // If it listened after all, it would do so until somebody came.
        let arguments = [arguments, &["--wait", "5"]].concat();
        let output = self.command(&arguments).stdin(Stdio::null()).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let ended = Ended { status: output.status, out: text(output.stdout), err: text(output.stderr) };
        assert!(!ended.err.contains("open this address"), "{}", ended.err);
        assert_eq!(self.posted(), []);
        ended.discreet()
    }

    /// Runs it until it says which address somebody is to open.
    fn asks(&self, arguments: &[&str]) -> Asking {
        let mut child = self.command(arguments).spawn().expect("it starts");
        let mut err = BufReader::new(child.stderr.take().expect("its words"));
        let (mut said, mut address) = (String::new(), None);
        while address.is_none() && err.read_line(&mut said).expect("it says something") != 0 {
            address = said
                .lines()
                .find_map(|line| line.strip_prefix("  https://"))
                .map(|rest| format!("https://{rest}"));
        }
        let address = address.unwrap_or_else(|| panic!("{said}"));
        let err = std::thread::spawn(move || {
            err.read_to_string(&mut said).expect("it ends");
            said
        });
        Asking { child, address, err }
    }

    /// Has it end well, with whoever signs in allowing all.
    fn signed_in(&self, arguments: &[&str]) -> Ended {
        let asking = self.asks(arguments);
        let page = asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("You are done here"), "{page}");
        asking.ended()
    }
}

impl Asking {
    /// What the address that is to be opened says of this.
    fn of(&self, name: &str) -> String {
        let (_, query) = self.address.split_once('?').expect("a query");
        let found =
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name);
        let value = found.unwrap_or_else(|| panic!("{name} in {query}")).1;
        // What is asked of it here has no other escapes.
        value.replace("%3A", ":").replace("%2F", "/").replace('+', " ")
    }

    /// A browser that was sent back with this, and what it is shown.
    fn comes_back(&self, query: &str) -> String {
        let back = self.of("redirect_uri");
        let (host, path) =
            back.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
        get(host, &format!("/{path}?{query}"))
    }

    /// Somebody who pastes this.
    fn pastes(mut self, text: &str) -> Ended {
        let mut stdin = self.child.stdin.take().expect("it reads");
        writeln!(stdin, "{text}").expect("it is read");
        drop(stdin);
        self.ended()
    }

    fn ended(mut self) -> Ended {
        let mut out = String::new();
        self.child.stdout.take().expect("its answer").read_to_string(&mut out).expect("it answers");
        let status = self.child.wait().expect("it ends");
        Ended { status, out, err: self.err.join().expect("it says something") }.discreet()
    }
}

impl Ended {
    /// Looks that nothing secret was said.
    fn discreet(self) -> Ended {
        for secret in SECRETS {
            assert!(!self.out.contains(secret) && !self.err.contains(secret), "{}{}", self.out, self.err);
        }
        self
    }

    /// Looks how it ended without a refresh token, and what it said.
    fn says(&self, code: i32, words: &[&str]) {
        assert_eq!((self.status.code(), self.out.as_str()), (Some(code), ""), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word}: {}", self.err);
        }
        assert!(self.err.contains("  try: "), "{}", self.err);
    }
}

fn get(host: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").expect("it is asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

/// An answer with everything.
fn all() -> Value {
    json!({"access_token": "access-of-kim", "refresh_token": "refresh-of-kim", "scope": "books offline_access"})
}

fn given() -> Reply {
    Reply::json(200, &all())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Any free port of this machine, which no provider of the tests minds.
const ANY_PORT: [&str; 2] = ["--redirect", "http://127.0.0.1:0/signed-in"];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lets_the_host_in_leaves_a_refresh_token_in_its_file() {
    let house = House::start(AUTH, given()).await;
    std::fs::set_permissions(house.file("token"), std::fs::Permissions::from_mode(0o644)).expect("it is set");
    let asking = house.asks(&ANY_PORT);
    assert!(asking.address.starts_with("https://id.example.com/authorize?"), "{}", asking.address);
    let back = asking.of("redirect_uri");
    assert!(back.starts_with("http://127.0.0.1:") && back.ends_with("/signed-in"), "{back}");
    let asked = ["response_type", "client_id", "scope", "code_challenge_method", "prompt"]
        .map(|name| asking.of(name));
    assert_eq!(asked, ["code", "app", "books offline_access", "S256", "consent"]);
    let (state, challenge) = (asking.of("state"), asking.of("code_challenge"));
    assert_eq!((state.len(), challenge.len()), (64, 43));
    let elsewhere =
        get(back.strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("a host"), "/");
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    let page = asking.comes_back(&format!("code=code-of-kim&state={state}"));
    for header in [
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'",
    ] {
        assert!(page.contains(header), "{page}");
    }
    let ended = asking.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    assert_eq!(
        ended.out,
        "books: endpoint `api` has a refresh token, in `token`\ngranted: books offline_access\n"
    );
    assert!(ended.err.contains("they are asked for: books offline_access"), "{}", ended.err);
    assert!(ended.err.contains("next: `countersign connection check books`"), "{}", ended.err);
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-of-kim\n");
    let mode = std::fs::metadata(house.file("token")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let posted = house.posted();
    let [(proof, form)] = &posted[..] else { panic!("{posted:?}") };
    assert_eq!(proof.clone(), Some(format!("Basic {}", BASE64.encode(b"app:s3cret%2Fof-app"))));
    let verifier = form.iter().find(|(name, _)| name == "code_verifier").expect("one").1.clone();
    assert_eq!(BASE64URL_NOPAD.encode(&Digest::of(verifier.as_bytes()).0), challenge);
    let code = [("grant_type", "authorization_code"), ("code", "code-of-kim"), ("redirect_uri", &back)];
    assert_eq!(form[..3], pairs(&code));
    assert_eq!(form.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_proves_itself_as_it_does_for_every_later_token() {
    let auth = format!("{AUTH}client = \"body\"\n");
    let answer =
        json!({"access_token": "access-of-kim", "refresh_token": "refresh-of-kim", "scope": "books"});
    let house = House::start(&auth, Reply::json(200, &answer)).await;
    let ended = house.signed_in(&[&ANY_PORT[..], &["--json"]].concat());
    let said: Value = serde_json::from_str(&ended.out).expect("JSON alone");
    assert_eq!(
        said,
        json!({"connection": "books", "endpoint": "api", "file": "token", "granted": ["books"], "withheld": ["offline_access"]})
    );
    let posted = house.posted();
    let [(None, form)] = &posted[..] else { panic!("{posted:?}") };
    assert_eq!(form[4..], pairs(&[("client_id", "app"), ("client_secret", "s3cret/of-app")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_pasted_where_no_browser_comes_back() {
    let elsewhere = format!("{AUTH}redirect = \"https\"\n");
    let house = House::start(&elsewhere, given()).await;
    let unknown = house.refused(&[]);
    unknown.says(2, &["sends no browser back to this machine", "`--redirect`"]);
    let asking = house.asks(&["--redirect", "https://approvals.example.com/back"]);
    assert_eq!(asking.of("redirect_uri"), "https://approvals.example.com/back");
    let shown =
        format!("https://approvals.example.com/back?state={}&code=code-of-kim#top", asking.of("state"));
    let ended = asking.pastes(&shown);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-of-kim\n");
    // A browser on another machine: nobody listens here.
    let asking = house.asks(&["--again", "--paste", "--redirect", "http://localhost:8790/signed-in"]);
    asking.pastes("  ").says(2, &["nothing was pasted"]);
    let asking = house.asks(&["--again", "--paste", "--redirect", "http://localhost:8790/signed-in"]);
    asking.pastes("code-of-kim").says(1, &["an answer to another sign-in"]);
    for nowhere in [
        "http://example.com/",
        "ftp://localhost/",
        "signed-in",
        "https://kim@example.com/",
        "https://a.example/#b",
    ] {
        house.posted.lock().unwrap_or_else(PoisonError::into_inner).clear();
        house.refused(&["--again", "--redirect", nowhere]).says(2, &["leads nowhere"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_brings_the_answer_to_another_sign_in_is_passed_over() {
    let house = House::start(AUTH, given()).await;
    let asking = house.asks(&ANY_PORT);
    for query in ["code=code-of-mallory&state=guessed", "code=code-of-mallory", "error=access_denied"] {
        let page = asking.comes_back(query);
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("another sign-in"), "{page}");
    }
    asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
    let ended = asking.ended();
    assert!(ended.err.contains("passed over"), "{}", ended.err);
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-of-kim\n");
    assert_eq!(house.posted().len(), 1);
    // Not for ever.
    let asking = house.asks(&[&ANY_PORT[..], &["--again"]].concat());
    for _ in 0..16 {
        asking.comes_back("code=code-of-mallory&state=guessed");
    }
    asking.ended().says(1, &["an answer to another sign-in"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_whom_the_provider_did_not_let_in() {
    let house = House::start(AUTH, given()).await;
    let comes = |query: &str| {
        let asking = house.asks(&ANY_PORT);
        let page = asking.comes_back(&format!("{query}&state={}", asking.of("state")));
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("was not let in"), "{page}");
        asking.ended()
    };
    comes("error=access_denied&error_description=kim+said+no")
        .says(5, &["was not let in: access_denied: kim said no"]);
    comes("error=invalid_scope").says(1, &["sent back by the provider: invalid_scope", "`--redirect`"]);
    comes("session=1").says(1, &["without a code"]);
    let asking = house.asks(&[&ANY_PORT[..], &["--wait", "1"]].concat());
    asking.ended().says(75, &["nobody came back within 1 s"]);
    assert_eq!((house.posted(), house.kept()), (vec![], CLIENT.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_where_tokens_are_given_is_repeated_without_what_is_secret() {
    let check = async |answer: Reply, code: i32, words: &[&str]| {
        let house = House::start(AUTH, answer).await;
        house.signed_in(&ANY_PORT).says(code, words);
        assert_eq!(house.kept(), CLIENT);
    };
    let basic = BASE64.encode(b"app:s3cret%2Fof-app");
    let said = format!("code-of-kim of s3cret/of-app (s3cret%2Fof-app, {basic}) is spent");
    let refused = json!({"error": "invalid_grant", "error_description": said});
    let scrubbed = "(400): invalid_grant: [secret] of [secret] ([secret], [secret]) is spent";
    check(Reply::json(400, &refused), 5, &[scrubbed, "`invalid_client`: look at the first line"]).await;
    check(Reply::json(200, &refused), 5, &["(200): invalid_grant: [secret]"]).await;
    check(Reply::status(503), 4, &["(503)", "run it again"]).await;
    let mut answer = all();
    for unfit in [json!(null), json!(""), json!("two\nlines")] {
        answer["refresh_token"] = unfit;
        let words = [
            "was given no refresh token to stay",
            "`offline_access`",
            "`refresh_token`",
            "`access_type=offline`",
        ];
        check(Reply::json(200, &answer), 1, &words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_there_stays_unless_another_one_is_asked_for() {
    let house = House::start(AUTH, given()).await;
    house.holds("app:s3cret/of-app\nrefresh-before\n");
    house.refused(&[]).says(6, &["holds a refresh token already", "`--again`"]);
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-before\n");
    assert_eq!(house.signed_in(&[&ANY_PORT[..], &["--again"]].concat()).status.code(), Some(0));
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-of-kim\n");
    // Somebody else was faster, or has another client there by now.
    for (before, meanwhile, arguments) in [
        (CLIENT, "app:s3cret/of-app\nrefresh-of-lee\n", &[][..]),
        (CLIENT, "app-2:another\n", &[]),
        ("app:s3cret/of-app\nrefresh-1\n", "app-2:another\nrefresh-of-lee\n", &["--again"]),
    ] {
        house.holds(before);
        let asking = house.asks(&[&ANY_PORT[..], arguments].concat());
        house.holds(meanwhile);
        asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
        asking.ended().says(6, &["somebody else has changed the file of its secret since"]);
        assert_eq!(house.kept(), meanwhile);
    }
    // The host that runs has put the next one there: both are of the grant before.
    house.holds("app:s3cret/of-app\nrefresh-1\n");
    let asking = house.asks(&[&ANY_PORT[..], &["--again"]].concat());
    house.holds("app:s3cret/of-app\nrefresh-2\n");
    asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
    assert_eq!(asking.ended().status.code(), Some(0));
    assert_eq!(house.kept(), "app:s3cret/of-app\nrefresh-of-kim\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_wrongly_is_said_before_anybody_is_asked() {
    let house = House::start(AUTH, given()).await;
    let configured = std::fs::read_to_string(house.file("countersign.toml")).expect("it is read");
    let check = |from: &str, to: &str, words: &[&str]| {
        let changed = configured.replacen(from, to, 1);
        assert_ne!(changed, configured, "{from}");
        std::fs::write(house.file("countersign.toml"), changed).expect("it is written");
        house.refused(&[]).says(3, words);
    };
    check("file:token", "env:TOKEN", &["from `env:`, where no refresh token can be kept", "`id:secret`"]);
    check("file:token", "file:elsewhere", &["cannot be read", "write one line `id:secret`"]);
    check("secret = \"file:token\"\n", "", &["names no secret"]);
    check(
        "acme.books",
        "acme.ledger",
        &["connector `acme.ledger` is not installed", "`countersign connector add"],
    );
    check("*.example.com", "api.example.com", &["or is not one that you take"]);
    check("unsigned = true\n", "", &["or is not one that you take"]);
    check("token = \"http", "authorize = \"http://id.example.com/\"\ntoken = \"http", &["in the open"]);
    std::fs::write(
        house.file("countersign.toml"),
        configured.replace("connection.books", "connection.bookz"),
    )
    .expect("it is written");
    house.refused(&[]).says(3, &["there is no connection `books`", "`bookz`, `other`"]);
    check("secret = \"file:token\"", "sekret = \"file:token\"", &["there is no `sekret`"]);
    std::fs::write(house.file("countersign.toml"), &configured).expect("it is written");
    house.holds("app\n");
    house.refused(&[]).says(3, &["`client:secret`", "its first line is the client"]);
    house.holds("one:1\ntwo\nthree\n");
    house.refused(&[]).says(3, &["two lines"]);
    house.refused(&["--endpoint", "other"]).says(3, &["is none that the connector has"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_for_which_nobody_signs_in_says_so() {
    let house = House::start("scheme = \"bearer\"\n", given()).await;
    house.refused(&[]).says(3, &["nobody signs in for connection `books`", "connector inspect"]);
    house.refused(&["--endpoint", "api"]).says(3, &["(bearer token): nobody signs in for that"]);
    let before = "scheme = \"oauth2-refresh\"\ntoken = \"https://id.example.com/token\"\n";
    let house = House::start(before, given()).await;
    house.refused(&[]).says(
        3,
        &["does not know where a person signs in", "as `authorize` of `[connection.books.endpoints.api]`"],
    );
    let configured = std::fs::read_to_string(house.file("countersign.toml")).expect("it is read");
    let said = configured.replacen("token =", "authorize = \"https://id.example.org/ask\"\ntoken =", 1);
    std::fs::write(house.file("countersign.toml"), said).expect("it is written");
    let asking = house.asks(&ANY_PORT);
    assert!(
        asking.address.starts_with("https://id.example.org/ask?response_type=code&"),
        "{}",
        asking.address
    );
    asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
    assert_eq!(asking.ended().status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_nobody_has_approved_decides_not_where_a_secret_goes() {
    let house = House::start(AUTH, given()).await;
    // One from before somebody could sign in is no other opinion.
    house.installs("scheme = \"oauth2-refresh\"\ntoken = \"https://id.example.com/token\"\n", "0.9.0");
    let first = house.installs(AUTH, "1.0.0");
    house.installs(&AUTH.replace("id.example.com/authorize", "attacker.example.com/authorize"), "1.1.0");
    house.refused(&[]).says(
        3,
        &[
            "have somebody sign in at different places",
            &format!("sha256:{first} (1.0.0): at https://id.example.com/authorize"),
            "(1.1.0): at https://attacker.example.com/authorize",
            "--build sha256:DIGEST",
        ],
    );
    let asking = house.asks(&[&ANY_PORT[..], &["--build", &format!("sha256:{first}")]].concat());
    assert!(asking.address.starts_with("https://id.example.com/authorize?"), "{}", asking.address);
    asking.comes_back(&format!("code=code-of-kim&state={}", asking.of("state")));
    assert_eq!(asking.ended().status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_has_is_named() {
    let house = House::start(AUTH, given()).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    house
        .refused(&["--redirect", &format!("http://localhost:{port}/back")])
        .says(75, &[&format!("nobody can listen at 127.0.0.1:{port}"), "`--paste` listens nowhere"]);
    let gone = house._provider.base_url();
    let (address, configured) = (gone.clone(), house.file("countersign.toml"));
    let text = std::fs::read_to_string(&configured).expect("it is read");
    drop(taken);
    std::fs::write(&configured, text.replace(&address, &format!("http://127.0.0.1:{port}")))
        .expect("it is written");
    house.signed_in(&ANY_PORT).says(4, &["could not exchange", "could not connect"]);
    assert_eq!(house.kept(), CLIENT);
    assert!(Path::new(&configured).is_file());
}
