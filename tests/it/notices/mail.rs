//! Mail over SMTP to a server that nobody here wrote, read by a parser that nobody here wrote.

use super::house::{discount, rules};
use countersign_connectors::{MailOptions, Messengers, NotifyOptions, Secret, Security};
use countersign_core::approval::command::Hope;
use countersign_core::approval::event::Event;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::notice::words::Message;
use countersign_core::people::Contact;
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::components::NoComponents;
use countersign_engine::port::notifier::{Blame, Notifier as _};
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::scripted::Scripted;
use countersign_tests::servers::MailServer;
use countersign_tests::world::program;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A Monday morning in New York.
const MORNING: &str = "2026-11-23T15:00:00Z";
const LOGIN: (&str, &str) = ("approvals", "s3cret");

fn clock() -> Arc<SimulatedClock> {
    Arc::new(SimulatedClock::at(Timestamp::from_rfc3339(MORNING).expect("a moment")))
}

fn options(port: u16, security: Security, password: Option<&str>) -> MailOptions {
    MailOptions {
        server: "127.0.0.1".to_owned(),
        port: Some(port),
        security,
        from: "Approvals <approvals@example.com>".to_owned(),
        login: password.map(|password| (LOGIN.0.to_owned(), Secret::new(password.to_owned()))),
    }
}

fn messengers(port: u16, security: Security, password: Option<&str>) -> Messengers {
    let mail = Some(options(port, security, password));
    let options = NotifyOptions { mail, ..NotifyOptions::default() };
    Messengers::new(options, clock()).expect("it can be used")
}

fn message(to: &str, subject: &str, text: &str) -> Message {
    Message {
        key: format!("{}.3", IntentId::from_bits(7)),
        to: PersonId::parse("sam").expect("a person"),
        by: Contact::mail(to).expect("an address"),
        about: "seat",
        intent: IntentId::from_bits(7),
        revision: 1,
        subject: subject.to_owned(),
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = MailServer::start(Some(LOGIN)).expect("the mail server starts");
    let messengers = messengers(server.port(), Security::None, Some(LOGIN.1));
    messengers.check_mail().await.expect("it would take mails");
    let subject = "Decide: Rabatt 25% für quote 5001, asked by sam, until Mon 30 Nov 17:00 Zürich, 漢字";
    let long = "word ".repeat(400);
    let text = format!("First line\n.\n.begins with a dot\nSchöne Grüße\n{long}\nlast\n");
    let told = messengers.deliver(message("sam@example.com", subject, &text)).await.expect("it is told");
    assert!(told.message.starts_with("250 2.0.0 kept as"), "{}", told.message);
    let received = server.received().expect("mails");
    let [mail] = received.as_slice() else { panic!("one mail: {received:#?}") };
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("approvals@example.com", &["sam@example.com".to_owned()][..])
    );
    assert_eq!(mail.header("subject"), [subject]);
    assert_eq!(mail.header("from"), ["Approvals <approvals@example.com>"]);
    assert_eq!(mail.header("to"), ["sam@example.com"]);
    assert_eq!(mail.header("message-id"), [format!("<{}.3@example.com>", IntentId::from_bits(7))]);
    assert_eq!(mail.header("auto-submitted"), ["auto-generated"]);
    assert_eq!(mail.text.replace("\r\n", "\n").trim_end(), text.trim_end());
    assert!(!mail.raw.contains("text/html"));
}

#[tokio::test]
async fn nothing_in_a_subject_becomes_a_header() {
    let server = MailServer::start(None).expect("the mail server starts");
    let messengers = messengers(server.port(), Security::None, None);
    // The words never hold such a thing; the mail must not either if they did.
    let subject = "Decide\r\nBcc: eve@example.com\r\n\r\n<b>";
    let told = messengers.deliver(message("sam@example.com", subject, "text\r\n.\r\nQUIT\r\n")).await;
    let received = server.received().expect("mails");
    match told {
        Ok(_) => {
            assert_eq!(received.len(), 1);
            assert_eq!(received[0].to, ["sam@example.com"]);
            assert!(received[0].header("bcc").is_empty(), "{:?}", received[0].headers);
        }
        Err(not) => assert_eq!((not.hope, received.len()), (Hope::None, 0)),
    }
}

#[tokio::test]
async fn what_a_server_says_decides_whether_it_is_tried_again() {
    let server = MailServer::start(Some(LOGIN)).expect("the mail server starts");
    let known = messengers(server.port(), Security::None, Some(LOGIN.1));
    let check = async |messengers: &Messengers, to: &str, hope: Hope, blame: Blame, words: &str| {
        let not = messengers.deliver(message(to, "Decide", "text")).await.expect_err("it is not told");
        assert_eq!((not.hope, not.blame), (hope, blame), "{to}: {not}");
        assert!(not.detail.message.contains(words), "{not}");
    };
    check(&known, "gone@example.com", Hope::None, Blame::Remote, "there is no such mailbox").await;
    check(&known, "busy@example.com", Hope::Some, Blame::Remote, "come back later").await;
    // What the operator can mend loses no notice.
    let stranger = messengers(server.port(), Security::None, Some("guessed"));
    check(&stranger, "sam@example.com", Hope::Some, Blame::Host, "535").await;
    let nobody = messengers(server.port(), Security::None, None);
    check(&nobody, "sam@example.com", Hope::Some, Blame::Host, "530").await;
    assert!(stranger.check_mail().await.is_err());
    // A server that cannot encrypt is not spoken to in plain text.
    let starttls = messengers(server.port(), Security::StartTls, Some(LOGIN.1));
    check(&starttls, "sam@example.com", Hope::Some, Blame::Host, "STARTTLS").await;
    let port = server.port();
    assert_eq!(server.received().expect("mails").len(), 0);
    drop(server);
    let gone = messengers(port, Security::None, None);
    check(&gone, "sam@example.com", Hope::Some, Blame::Remote, "the mail server").await;
}

#[test]
fn mails_leave_this_machine_encrypted_or_not_at_all() {
    let check = |server: &str, security: Security| {
        let mail = Some(MailOptions { server: server.to_owned(), ..options(25, security, None) });
        Messengers::new(NotifyOptions { mail, ..NotifyOptions::default() }, clock()).map(drop)
    };
    for here in ["localhost", "127.0.0.1", "127.8.8.8", "::1"] {
        assert_eq!(check(here, Security::None), Ok(()), "{here}");
    }
    for elsewhere in ["mail.example.com", "10.0.0.1", "localhost.example.com", "192.168.0.1"] {
        assert!(check(elsewhere, Security::None).is_err(), "{elsewhere}");
        assert_eq!(check(elsewhere, Security::Tls), Ok(()), "{elsewhere}");
        assert_eq!(check(elsewhere, Security::StartTls), Ok(()), "{elsewhere}");
    }
}

/// What `countersign doctor` finds of a mail server; `authority` is the only one that it trusts.
fn found(server: &str, port: u16, security: &str, authority: &Path) -> (String, String) {
    let house = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let mut program = Command::new(program().expect("the program"));
        program.current_dir(house.path()).args(arguments).env("SSL_CERT_FILE", authority).env("PW", LOGIN.1);
        program.output().expect("it runs")
    };
    assert!(run(&["init", "--quiet"]).status.success());
    let file = house.path().join("countersign.toml");
    let mut text = std::fs::read_to_string(&file).expect("the configuration");
    text.push_str(&format!(
        "\n[mail]\nserver = \"{server}\"\nport = {port}\nsecurity = \"{security}\"\n\
         from = \"approvals@example.com\"\nuser = \"{}\"\npassword = \"env:PW\"\n",
        LOGIN.0
    ));
    std::fs::write(&file, text).expect("it is written");
    let said = run(&["doctor", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let items = said["items"].as_array().expect("findings");
    let mail = items.iter().find(|item| item["what"] == "mail").expect("the mail server was looked at");
    let word = |name: &str| mail[name].as_str().expect("a text").to_owned();
    (word("state"), word("found"))
}

#[test]
fn a_protected_server_is_spoken_to_if_its_certificate_is_trusted_and_names_it() {
    for security in ["tls", "starttls"] {
        let server = MailServer::start_protected(security, LOGIN).expect("the mail server starts");
        let stranger = MailServer::start_protected(security, LOGIN).expect("another one starts");
        let trusted = server.authority();
        let check = |name: &str, authority: &Path| found(name, server.port(), security, authority);
        assert_eq!(
            check("localhost", &trusted),
            ("fine".to_owned(), "localhost answers".to_owned()),
            "{security}"
        );
        let (state, words) = check("localhost", &stranger.authority());
        assert!(state == "wrong" && words.contains("UnknownIssuer"), "{security}: {words}");
        let (state, words) = check("127.0.0.1", &trusted);
        assert!(state == "wrong" && words.contains("not valid for name"), "{security}: {words}");
    }
}

fn start(store: &Arc<MemoryStore>, clock: &Arc<SimulatedClock>, port: u16) -> Engine {
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    let account = [("segment", Value::Text("smb".into())), ("billing_account", Value::Reference(customer))];
    connectors.put("crm", "account", "A-1", &account);
    let quote = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "Q-1", &quote);
    Engine::start(Parts {
        record: countersign_engine::people::Record::default(),
        store: store.clone(),
        connectors: Arc::new(connectors),
        components: Arc::new(NoComponents),
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        notifier: Arc::new(messengers(port, Security::None, None)),
        clock: clock.clone(),
        chance: Arc::new(SeededChance::new(7)),
        rulebook: rules(&["ae-1 mail", "sales-manager-1 mail", "deal-desk-1 mail"]),
    })
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_mail_server_that_is_down_when_a_seat_opens_costs_no_notice_across_a_restart() {
    let (store, clock) = (Arc::new(MemoryStore::new()), clock());
    // Nobody listens there: the server was stopped.
    let down = MailServer::start(None).expect("the mail server starts").port();
    let engine = start(&store, &clock, down);
    let submission = Submission {
        requester: "ae-1".into(),
        intent_type: "discount".into(),
        tokens: discount("Q-1", None),
        key: None,
    };
    let intent = engine.submit(submission).await.expect("it passes the door").approval.intent.id;
    let count = async |engine: &Engine, counts: fn(&Event) -> bool| {
        let entries = engine.entries(intent).await.expect("the intent is there");
        entries.iter().filter(|entry| counts(&entry.event)).count()
    };
    until("it is tried", async || count(&engine, |event| matches!(event, Event::NotTold { .. })).await == 1)
        .await;
    engine.stop().await;
    let server = MailServer::start(None).expect("the mail server starts");
    let engine = start(&store, &clock, server.port());
    clock.turn(Millis::minutes(2));
    until("it is told", async || count(&engine, |event| matches!(event, Event::Told { .. })).await == 1)
        .await;
    let received = server.received().expect("mails");
    let [mail] = received.as_slice() else { panic!("one mail: {received:#?}") };
    assert_eq!(mail.to, ["sales-manager-1@example.com"]);
    assert!(mail.header("subject")[0].starts_with("Decide: discount 12% for quote Q-1, asked by ae-1"));
    assert!(
        mail.text.contains(&format!("countersign decide {intent} --approve --revision 1")),
        "{}",
        mail.text
    );
    engine.stop().await;
}
