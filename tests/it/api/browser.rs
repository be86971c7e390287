//! A person with a browser: signing in and out, what a session may do, and what is no page of ours.

use super::world::{Answer, Setup, World};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Detail;
use countersign_core::id::PersonId;
use countersign_core::notice::link::{LinkKey, Links};
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::{Account, Contact};
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer as Port;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::identity::{Ask, Back, Identity, IdentityProvider, NotSignedIn};
use countersign_engine::port::notifier::{NotDelivered, Notifier};
use countersign_server::console::{PAGES, Wants};
use countersign_server::password::hashed;
use countersign_server::{PasswordEntry, Passwords, SignIn};
use countersign_tests::world::{root, source_files};
use std::sync::{Arc, Mutex};

/// Where browsers reach the host of these tests.
const HOST: &str = "http://approvals.test";
/// The password of everybody who has one.
const PASSWORD: &str = "a long enough password";
/// What a browser of our own page says.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Keeps what people are told.
pub(super) struct Inbox {
    links: Links,
    got: Mutex<Vec<Message>>,
}

impl Inbox {
    pub(super) fn empty() -> Arc<Inbox> {
        Arc::new(Inbox { links: links(), got: Mutex::default() })
    }

    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    /// Every message to a person, once there are so many.
    pub(super) async fn of(&self, person: &str, count: usize) -> Vec<Message> {
        for _ in 0..500 {
            let got: Vec<Message> = self.got.lock().expect("nobody panicked").clone();
            let own: Vec<Message> = got.into_iter().filter(|message| message.to.as_str() == person).collect();
            if count <= own.len() {
                return own;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{person} was not told {count} times: {:#?}", self.got.lock());
    }
}

impl Notifier for Inbox {
    fn deliver(&self, message: Message) -> Port<'_, Result<Detail, NotDelivered>> {
        self.got.lock().expect("nobody panicked").push(message);
        Box::pin(async { Ok(Detail::new("mail", "250 it has it")) })
    }

    fn reaches(&self, _: &Contact) -> bool {
        true
    }

    fn reached(&self) -> Reached<'_> {
        Reached { host: Some(&self.links.host), links: Some(&self.links) }
    }
}

/// A provider whose code is the account that it recognises, and `nobody` is refused.
struct CodeIsAccount;

impl IdentityProvider for CodeIsAccount {
    fn begin(&self, ask: Ask) -> Port<'_, Result<String, NotSignedIn>> {
        let to = format!(
            "https://id.test/authorize?state={}&nonce={}&challenge={}",
            ask.state, ask.nonce, ask.challenge
        );
        Box::pin(std::future::ready(Ok(to)))
    }

    fn finish(&self, back: Back) -> Port<'_, Result<Identity, NotSignedIn>> {
        assert!(!back.verifier.is_empty() && !back.nonce.is_empty());
        let found = match back.code.as_str() {
            "nobody" => Err(NotSignedIn::Refused("a test says so".to_owned())),
            code => Ok(Identity { account: Account::parse(code).expect("an account") }),
        };
        Box::pin(std::future::ready(found))
    }
}

/// The starter's rules with contacts and accounts.
pub(super) fn rules(more: impl Fn(String) -> String) -> Rulebook {
    let mut files: Vec<SourceFile> =
        source_files(&root().join("host/cli/starter")).expect("the starter files");
    let rows = "## Accounts\n\n| person | account |\n|---|---|\n| sales-manager-1 | 00u-sam |\n\
                | sales-manager-1 | sam@example.com |\n| finance-1 | 00u-fin |\n| finance-1 | fin@example.com |\n| ae-1 | 00u-ae |\n\n\
                ## Contacts\n\n| person | by | address |\n|---|---|---|\n\
                | sales-manager-1 | mail | sam@example.com |\n| ae-1 | mail | ae@example.com |\n| pricing-lead | mail | pl@example.com |\n\n## Pools";
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        file.text = more(file.text.replacen("## Pools", rows, 1));
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The links of these tests.
pub(super) fn links() -> Links {
    Links { host: HOST.to_owned(), key: LinkKey::new([9; 32]) }
}

/// Who has a password.
const PEOPLE: [&str; 14] = [
    "sales-manager-1",
    "ae-1",
    "ae-2",
    "finance-1",
    "finance-2",
    "cro",
    "pricing-lead",
    "revops-lead",
    "auditor-1",
    "integration-1",
    "integration-lead",
    "deal-desk-lead",
    "billing-1",
    "gone",
];

/// A host with browsers: `sales-manager-1`, `ae-1` and `finance-1` have the password.
pub(super) struct Browsers {
    pub(super) world: World,
    pub(super) inbox: Arc<Inbox>,
    passwords: Arc<Passwords>,
}

impl Browsers {
    pub(super) async fn start() -> Browsers {
        Browsers::told_by(None).await
    }

    /// The same whose people are told by something real.
    pub(super) async fn told_by(notifier: Option<Arc<dyn Notifier>>) -> Browsers {
        Browsers::at(HOST, notifier).await
    }

    /// The same by other rules.
    pub(super) async fn by(rulebook: Rulebook) -> Browsers {
        Browsers::of(HOST, None, rulebook).await
    }

    async fn at(host: &str, notifier: Option<Arc<dyn Notifier>>) -> Browsers {
        Browsers::of(host, notifier, rules(|text| text)).await
    }

    async fn of(host: &str, notifier: Option<Arc<dyn Notifier>>, rulebook: Rulebook) -> Browsers {
        Browsers::over(host, notifier, Setup { rulebook, ..Setup::default() }).await
    }

    /// The same in another world.
    pub(super) async fn within(setup: Setup) -> Browsers {
        Browsers::over(HOST, None, Setup { rulebook: rules(|text| text), ..setup }).await
    }

    async fn over(host: &str, notifier: Option<Arc<dyn Notifier>>, setup: Setup) -> Browsers {
        let inbox = Inbox::empty();
        let passwords = signing().passwords;
        let world = World::of(Setup {
            notifier: notifier.unwrap_or_else(|| Arc::clone(&inbox) as Arc<_>),
            sign_in: SignIn {
                address: Some(host.to_owned()),
                links: Some(links()),
                provider: Some(Arc::new(CodeIsAccount)),
                passwords: Arc::clone(&passwords),
            },
            ..setup
        })
        .await;
        Browsers { world, inbox, passwords }
    }

    /// Waits until nothing of an intent is still to be told.
    pub(super) async fn all_told(&self, place: &str) {
        let intent = place.rsplit('/').next().expect("an id").parse().expect("an id");
        for _ in 0..500 {
            let standing = self.world.engine.read(intent).await.expect("it is read");
            if standing.approval.notices.open.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("somebody is still to be told");
    }

    pub(super) async fn get(&self, cookie: &str, path: &str) -> Answer {
        self.world.send("", "GET", path, &[("cookie", cookie)], "").await
    }

    pub(super) async fn post(&self, cookie: &str, path: &str, form: &str) -> Answer {
        let form_type = ("content-type", "application/x-www-form-urlencoded");
        self.world.send("", "POST", path, &[("cookie", cookie), form_type, OWN], form).await
    }

    /// Signs somebody in by the password; their cookie.
    pub(super) async fn signed_in(&self, person: &str) -> String {
        let answer = self.post("", "/sign-in", &right(person)).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/inbox"), "{}", answer.text);
        kept(&answer)
    }

    /// Signs in whoever has this account at the provider; their cookie.
    async fn by_provider(&self, account: &str) -> String {
        let answer = self.get("", "/sign-in/provider").await;
        let to = answer.header("location").to_owned();
        let state = to.split("state=").nth(1).expect("a state").split('&').next().expect("its end");
        let answer = self.get(&kept(&answer), &format!("/sign-in/back?code={account}&state={state}")).await;
        let mut all = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text"));
        let session = all.rfind(|cookie| cookie.starts_with("countersign=")).expect("a session");
        session.split(';').next().expect("a pair").to_owned()
    }
}

/// By what people sign in at a host with passwords alone.
pub(super) fn signing() -> SignIn {
    let passwords = Passwords::default();
    let argon2id = hashed(PASSWORD).expect("long enough");
    let entry = |person: &str| PasswordEntry {
        person: PersonId::parse(person).expect("a person"),
        argon2id: argon2id.clone(),
    };
    passwords.replace(PEOPLE.map(entry).to_vec()).expect("they are taken");
    SignIn { passwords: Arc::new(passwords), ..SignIn::default() }
}

/// What somebody sends who signs in by the password.
fn right(person: &str) -> String {
    format!("person={person}&password={}", PASSWORD.replace(' ', "+"))
}

/// The cookie that an answer has a browser keep.
fn kept(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn a_password_opens_a_session_that_sees_pages_and_no_api() {
    let browsers = Browsers::start().await;
    let page = browsers.get("", "/you").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in?next=%2Fyou"));
    let page = browsers.get("", "/sign-in").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("name=\"password\"") && page.text.contains("/sign-in/provider"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");

    let cookie = browsers.signed_in("finance-1").await;
    let you = browsers.get(&cookie, "/you").await;
    assert_eq!(you.status, 200, "{}", you.text);
    assert!(you.text.contains("finance-1") && you.text.contains("by password"), "{}", you.text);
    // A cookie opens no address of the API.
    browsers.get(&cookie, "/v1/intents").await.is_problem(401, "CS-E0205");
    // And a token opens no page.
    let page = browsers.world.get("finance-1", "/you").await;
    assert_eq!(page.status, 303);

    // Whoever signs in again, or is somebody else, leaves no session behind.
    let before = cookie;
    let cookie = kept(&browsers.post(&before, "/sign-in", &right("ae-1")).await);
    assert_eq!(browsers.get(&before, "/you").await.status, 303);
    assert!(browsers.get(&cookie, "/you").await.text.contains("ae-1"));

    let out = browsers.post(&cookie, "/sign-out", "").await;
    assert_eq!(out.status, 200);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303, "the session has ended on the host");
}

#[tokio::test]
async fn every_page_that_wants_a_session_has_the_browser_sign_in_first() {
    let browsers = Browsers::start().await;
    for page in PAGES {
        let names = [
            ("{id}", "int_01k"),
            ("{exception}", "exc_01k"),
            ("{name}", "crm"),
            ("{intent}", "int_01k"),
            ("{notice}", "1"),
            ("{verb}", "approve"),
            ("{code}", "abc"),
        ];
        let path = names.iter().fold(page.path.to_owned(), |path, (name, value)| path.replace(name, value));
        let answer = match page.method {
            "GET" => browsers.get("", &path).await,
            _ => browsers.post("", &path, "").await,
        };
        let sent = answer.status == 303 && answer.header("location").starts_with("/sign-in?next=");
        assert_eq!(sent, page.wants == Wants::Session, "{page:?}: {} {}", answer.status, answer.text);
        assert!(![404, 405].contains(&answer.status) || page.path == "/sign-in/provider", "{page:?}");
        if page.method == "POST" {
            let form_type = ("content-type", "application/x-www-form-urlencoded");
            let answer = browsers.world.send("", "POST", &path, &[form_type], "").await;
            assert_eq!(answer.status, 403, "{page:?} takes the form of another site");
        }
    }
}

#[tokio::test]
async fn over_tls_cookies_are_sent_over_tls_only() {
    let browsers = Browsers::at("https://approvals.test", None).await;
    let session = browsers.post("", "/sign-in", &right("ae-1")).await;
    let meanwhile = browsers.get("", "/sign-in/provider").await;
    for (answer, name) in [(session, "__Host-countersign="), (meanwhile, "__Host-countersign-meanwhile=")] {
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.starts_with(name) && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_words_and_few_tries() {
    let browsers = Browsers::start().await;
    let mut texts = Vec::new();
    for form in [
        "person=finance-1&password=something+else+entirely",
        "person=nobody-here&password=something+else+entirely",
        &right("gone"),
    ] {
        let answer = browsers.post("", "/sign-in", form).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("set-cookie"), "");
        let said = answer
            .text
            .split("role=\"alert\"")
            .nth(1)
            .expect("a warning")
            .split("</p>")
            .next()
            .expect("its end");
        texts.push(said.to_owned());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    for _ in 0..9 {
        browsers.post("", "/sign-in", "person=finance-1&password=guess").await;
    }
    assert_eq!(
        browsers.post("", "/sign-in", &right("finance-1")).await.status,
        429,
        "even the right one waits"
    );
    browsers.signed_in("sales-manager-1").await;
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("finance-1").await;
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    let elsewhere: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[],
    ];
    for headers in elsewhere {
        let mut all = vec![("cookie", cookie.as_str()), form_type];
        all.extend(headers);
        let answer = browsers.world.send("", "POST", "/you/terminal", &all, "").await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(!answer.text.contains("cs_live_"));
    }
    let own = [("cookie", cookie.as_str()), form_type, ("origin", HOST)];
    assert_eq!(browsers.world.send("", "POST", "/you/terminal", &own, "").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_with_what_it_rests_on() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("finance-1").await;
    assert_eq!(browsers.get(&cookie, "/you").await.status, 200);
    // Another password.
    let other = hashed("another long password").expect("long enough");
    let entry = |person: &str, argon2id: &str| PasswordEntry {
        person: PersonId::parse(person).expect("a person"),
        argon2id: argon2id.to_owned(),
    };
    let same = hashed(PASSWORD).expect("long enough");
    browsers.passwords.replace(vec![entry("finance-1", &other), entry("ae-1", &same)]).expect("taken");
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303);
    // Time: two hours without use, twelve in all.
    let cookie = browsers.signed_in("ae-1").await;
    for _ in 0..6 {
        browsers.world.clock.turn(Millis::minutes(115));
        assert_eq!(browsers.get(&cookie, "/you").await.status, 200);
    }
    browsers.world.clock.turn(Millis::minutes(31));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303, "twelve hours are over");
    let cookie = browsers.signed_in("ae-1").await;
    browsers.world.clock.turn(Millis::minutes(121));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303, "it was not used for two hours");
    // A clock that was set back.
    browsers.world.clock.turn(Millis::minutes(1));
    let cookie = browsers.signed_in("ae-1").await;
    browsers.world.clock.set(Timestamp(browsers.world.clock.now().0 - 60_000));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303, "it was opened tomorrow");
    // Somebody else's account.
    let cookie = browsers.by_provider("00u-ae").await;
    assert_eq!(browsers.get(&cookie, "/you").await.status, 200);
    let before = browsers.world.engine.rulebook();
    let moved = |text: String| text.replace("| 00u-ae |", "| 00u-ae-2 |");
    assert!(browsers.world.engine.replace_rulebook(&before, rules(moved)));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303);
    // Whoever leaves: at once, with every session and terminal.
    let cookie = browsers.signed_in("ae-1").await;
    let token = terminal(&browsers.post(&cookie, "/you/terminal", "").await);
    let bearer = format!("Bearer {token}");
    let read =
        async || browsers.world.send("", "GET", "/v1/intents", &[("authorization", &bearer)], "").await;
    assert_eq!(read().await.status, 200);
    let before = browsers.world.engine.rulebook();
    let without = |text: String| {
        text.lines().filter(|line| !line.contains("ae-1 ")).map(|line| format!("{line}\n")).collect()
    };
    assert!(browsers.world.engine.replace_rulebook(&before, rules(without)));
    assert_eq!(browsers.get(&cookie, "/you").await.status, 303);
    assert_eq!(read().await.status, 401);
}

/// The token that a page shows for a terminal.
fn terminal(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rest = answer.text.split("COUNTERSIGN_TOKEN=").nth(1).expect("a token");
    rest.split('<').next().expect("its end").to_owned()
}

#[tokio::test]
async fn a_token_for_the_terminal_lives_and_dies_with_its_session() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("finance-1").await;
    let first = terminal(&browsers.post(&cookie, "/you/terminal", "").await);
    let second = terminal(&browsers.post(&cookie, "/you/terminal", "").await);
    let ask = async |token: &str, method: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        browsers.world.send("", method, path, &[("authorization", &bearer)], "").await
    };
    ask(&first, "GET", "/v1/intents").await.is_problem(401, "CS-E0205");
    assert_eq!(ask(&second, "GET", "/v1/people").await.status, 200);
    ask(&second, "POST", "/v1/connections/crm/check").await.is_problem(403, "CS-E0207");
    // One that stands in an address is over.
    let answer = browsers.get("", &format!("/v1/intents?access_token={second}")).await;
    answer.is_problem(400, "CS-E0206");
    ask(&second, "GET", "/v1/intents").await.is_problem(401, "CS-E0205");
    let third = terminal(&browsers.post(&cookie, "/you/terminal", "").await);
    // Other sessions of the same person end on demand, and this one does not.
    let other = browsers.signed_in("finance-1").await;
    let page = browsers.post(&cookie, "/you/others", "").await;
    assert!(page.text.contains("were ended: 1."), "{}", page.text);
    assert_eq!(browsers.get(&other, "/you").await.status, 303);
    assert_eq!(ask(&third, "GET", "/v1/intents").await.status, 200);
    browsers.post(&cookie, "/sign-out", "").await;
    ask(&third, "GET", "/v1/intents").await.is_problem(401, "CS-E0205");
}

#[tokio::test]
async fn the_provider_is_believed_once_in_the_browser_that_was_sent_to_it() {
    let browsers = Browsers::start().await;
    let begin = async || {
        let answer = browsers.get("", "/sign-in/provider?next=%2Flinks%2Fx").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let to = answer.header("location").to_owned();
        assert!(to.starts_with("https://id.test/authorize?state="), "{to}");
        let state =
            to.split("state=").nth(1).expect("a state").split('&').next().expect("its end").to_owned();
        (kept(&answer), state)
    };
    let (cookie, state) = begin().await;
    let back =
        async |cookie: &str, query: &str| browsers.get(cookie, &format!("/sign-in/back?{query}")).await;
    // Somebody else's browser, no cookie, no state, a state twice: nobody is signed in.
    let (other, _) = begin().await;
    for (cookie, query) in
        [(other.as_str(), format!("code=00u-sam&state={state}")), ("", format!("code=00u-sam&state={state}"))]
    {
        assert_eq!(back(cookie, &query).await.status, 403);
    }
    let answer = back(&cookie, &format!("code=00u-sam&state={state}")).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/links/x"), "{}", answer.text);
    let all: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    let session = all.iter().find(|cookie| cookie.starts_with("countersign=")).expect("a session");
    let session = session.split(';').next().expect("a pair");
    let you = browsers.get(session, "/you").await;
    assert!(you.text.contains("sales-manager-1") && you.text.contains("as 00u-sam"), "{}", you.text);
    assert_eq!(back(&cookie, &format!("code=00u-sam&state={state}")).await.status, 403, "a second time");
    // What the provider did not say, and accounts that are nobody's.
    for (query, words) in [
        ("code=nobody", "was not taken"),
        ("code=00u-stranger", "not linked to anybody"),
        ("error=access_denied&error_description=%3Cb%3Ehello", "did not sign you in"),
    ] {
        let (cookie, state) = begin().await;
        let answer = back(&cookie, &format!("{query}&state={state}")).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(!answer.text.contains("hello") && !answer.header("set-cookie").contains("countersign=cs_"));
    }
}

#[tokio::test]
async fn two_accounts_of_one_person_are_one_voice() {
    let browsers = Browsers::start().await;
    let sign_in = async |account: &str| {
        let cookie = browsers.by_provider(account).await;
        terminal(&browsers.post(&cookie, "/you/terminal", "").await)
    };
    let (one, other) = (sign_in("00u-fin").await, sign_in("fin@example.com").await);
    // Finance needs two voices, and one person has one, however often they signed in.
    let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &thin);
    let place = browsers.world.submitted("k-1", super::world::SMALL).await;
    let decide = async |token: &str, key: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key), ("if-match", "\"1\"")];
        let body = r#"{"decision":"approve"}"#;
        browsers.world.send("", "POST", &format!("{place}/decisions"), &headers, body).await
    };
    assert_eq!(decide(&one, "d-1").await.status, 200);
    decide(&other, "d-2").await.is_problem(409, "CS-E0112");
}

#[tokio::test]
async fn a_terminal_operates_what_its_person_looks_after() {
    let browsers = Browsers::start().await;
    for (person, billing, crm, connector) in [
        ("integration-1", 200, 200, 409),
        // The integration owner of one connection.
        ("billing-1", 200, 403, 403),
        ("finance-1", 403, 403, 403),
    ] {
        let cookie = browsers.signed_in(person).await;
        let token = format!("Bearer {}", terminal(&browsers.post(&cookie, "/you/terminal", "").await));
        let answered = async |path: &str, body: &str| {
            let headers = [("authorization", token.as_str()), ("idempotency-key", path)];
            let answer = browsers.world.send("", "POST", path, &headers, body).await;
            if answer.status == 403 {
                answer.is_problem(403, "CS-E0207");
            }
            answer.status
        };
        assert_eq!(answered("/v1/connections/billing/check", "").await, billing, "{person}");
        assert_eq!(answered("/v1/connections/crm/check", "").await, crm, "{person}");
        let back = answered("/v1/connectors/scripted.billing/rollbacks", r#"{"reason":"why"}"#).await;
        assert_eq!(back, connector, "{person}");
    }
}
