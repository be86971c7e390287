//! Webhooks to a receiver on this machine that checks every signature with a HMAC of its own.

use countersign_connectors::{Cidr, Messengers, NotifyOptions, Secret, WebhookOptions};
use countersign_core::approval::command::Hope;
use countersign_core::id::{IntentId, PersonId, WebhookName};
use countersign_core::notice::words::{Message, TEXT_BYTES_MAX};
use countersign_core::people::Contact;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::notifier::{Blame, Notifier as _};
use countersign_engine::simulated::SimulatedClock;
use data_encoding::BASE64;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Thirty-two bytes that are no text.
const KEY: [u8; 32] = [0xa5; 32];
const NOW: Timestamp = Timestamp(1_795_446_000_750);

/// One request: its head and its body.
#[derive(Debug)]
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no `{name}` in {}", self.head)).to_owned()
    }
}

/// A receiver that gives these answers in turn, each on a connection of its own.
fn receiver(answers: Vec<&'static str>) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut more = [0; 4096];
                let count = stream.read(&mut more).expect("a request");
                bytes.extend_from_slice(&more[..count]);
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (
                    head.clone(),
                    end + 4 + length.expect("a length").parse::<usize>().expect("a number"),
                );
            };
            while bytes.len() < length {
                let mut more = [0; 4096];
                let count = stream.read(&mut more).expect("a body");
                bytes.extend_from_slice(&more[..count]);
            }
            let body = bytes[length - (length - head.len() - 4)..length].to_vec();
            send.send(Request { head, body }).expect("the test waits");
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("it takes the answer");
        }
    });
    (port, receive)
}

/// HMAC-SHA256 after RFC 2104, written down once more so that it shares nothing with what is tested.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(place, key)| *place ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn messengers(port: u16, allow: &[&str]) -> Messengers {
    let options = WebhookOptions {
        url: format!("http://127.0.0.1:{port}/hooks/chat?room=deals"),
        secret: Secret::new(format!("whsec_{}", BASE64.encode(&KEY))),
        allow: allow.iter().map(|range| Cidr::parse(range).expect("a range")).collect(),
    };
    let webhooks = [(WebhookName::parse("chat").expect("a name"), options)].into();
    let options = NotifyOptions { webhooks, ..NotifyOptions::default() };
    Messengers::new(options, Arc::new(SimulatedClock::at(NOW))).expect("it can be used")
}

fn message(text: String) -> Message {
    Message {
        key: format!("{}.3", IntentId::from_bits(7)),
        to: PersonId::parse("sam").expect("a person"),
        by: Contact::webhook("chat").expect("a name"),
        about: "seat",
        intent: IntentId::from_bits(7),
        revision: 2,
        subject: "Decide: Rabatt 25%".to_owned(),
        text,
    }
}

#[test]
fn the_receivers_own_hmac_gives_the_vector_of_the_specification() {
    let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
    let signed = hmac(&key, br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
    assert_eq!(BASE64.encode(&signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn a_webhook_is_signed_thin_and_the_same_whenever_it_is_sent_again() {
    let (port, requests) = receiver(vec!["204 No Content", "200 OK"]);
    let messengers = messengers(port, &["127.0.0.0/8"]);
    // The worst text that the words can have: every byte of it is escaped.
    let worst = "\"".repeat(TEXT_BYTES_MAX);
    for _ in 0..2 {
        let told = messengers.deliver(message(worst.clone())).await.expect("it is told");
        assert!(told.message.contains("status 20"), "{}", told.message);
        let request = requests.recv().expect("a request");
        assert!(request.head.starts_with("POST /hooks/chat?room=deals HTTP/1.1\r\n"), "{}", request.head);
        assert_eq!(request.header("host"), format!("127.0.0.1:{port}"));
        assert_eq!(request.header("content-type"), "application/json");
        let id = request.header("webhook-id");
        assert_eq!(id, format!("{}.3", IntentId::from_bits(7)));
        let at = request.header("webhook-timestamp");
        assert_eq!(at, "1795446000");
        let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &request.body].concat();
        assert_eq!(
            request.header("webhook-signature"),
            format!("v1,{}", BASE64.encode(&hmac(&KEY, &signed)))
        );
        assert!(request.body.len() < 20_000, "{}", request.body.len());
        let body: Json = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(body["type"], "countersign.notice.v1");
        let data = &body["data"];
        assert_eq!(data["intent"], IntentId::from_bits(7).to_string());
        assert_eq!(
            (&data["revision"], &data["person"], &data["about"]),
            (&2.into(), &"sam".into(), &"seat".into())
        );
        assert_eq!((&data["subject"], &data["text"]), (&"Decide: Rabatt 25%".into(), &worst.clone().into()));
    }
}

#[tokio::test]
async fn an_answer_decides_whether_it_is_called_again() {
    let cases: [(&str, Hope, Option<Millis>); 5] = [
        ("302 Found\r\nlocation: /elsewhere", Hope::Some, None),
        ("500 Internal Server Error", Hope::Some, None),
        ("429 Too Many Requests\r\nretry-after: 120", Hope::Some, Some(Millis::seconds(120))),
        ("404 Not Found", Hope::Some, None),
        ("410 Gone", Hope::None, None),
    ];
    let (port, requests) = receiver(cases.iter().map(|(answer, ..)| *answer).collect());
    let messengers = messengers(port, &["127.0.0.0/8"]);
    for (answer, hope, wish) in cases {
        let not = messengers.deliver(message("text".to_owned())).await.expect_err("it is not told");
        assert_eq!((not.hope, not.wish, not.blame), (hope, wish, Blame::Remote), "{answer}");
        requests.recv().expect("it was called once");
    }
    assert!(requests.try_recv().is_err(), "no redirection is followed");
}

#[tokio::test]
async fn a_webhook_reaches_only_what_the_operator_granted() {
    let (port, requests) = receiver(vec!["204 No Content"]);
    let not = messengers(port, &[]).deliver(message("text".to_owned())).await.expect_err("it is not told");
    assert_eq!((not.hope, not.blame), (Hope::Some, Blame::Host));
    assert!(not.detail.message.contains("grant its range under `allow`"), "{not}");
    assert!(requests.try_recv().is_err(), "nothing left");
    let mut unknown = message("text".to_owned());
    unknown.by = Contact::webhook("pager").expect("a name");
    let not = messengers(port, &[]).deliver(unknown).await.expect_err("it is not told");
    assert_eq!(not.detail.message, "no webhook `pager` is configured");
}
