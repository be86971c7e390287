//! Refresh tokens of which each may be sent once: who waits for whom, what is kept, and what the operator puts there.

use super::*;
use crate::egress::address::Cidr;
use crate::egress::client::SystemResolver;
use crate::manifest::Rate;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A secret in a file, and what one connection was given for it.
struct Books {
    metrics: Registry,
    keyring: Keyring,
    folder: tempfile::TempDir,
    secret: Secret,
}

impl Books {
    fn new() -> Books {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        fs::write(&file, "app:s:cret\nrefresh-1\n").expect("it is written");
        let secret = Secret::of_file(&file).expect("it is read");
        let (tally, mut metrics) =
            (Tally { connection: "books".to_owned(), ..Tally::default() }, Registry::default());
        tally.metrics.register(&mut metrics);
        Books { metrics, keyring: Keyring::of(tally), folder, secret }
    }

    /// What whoever watches over the host is told of a token that is not in its file.
    fn unwritten(&self) -> Option<String> {
        let mut text = String::new();
        encode(&mut text, &self.metrics).expect("it is written");
        let figure =
            text.lines().find_map(|line| line.strip_prefix("credential_unwritten{connection=\"books\"} "));
        figure.map(str::to_owned)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn kept(&self) -> String {
        fs::read_to_string(self.file()).expect("it is read")
    }

    /// What one more binding is given.
    fn bound(&self) -> Arc<Tokens> {
        Tokens::of_refresh(&self.keyring, url(), &self.secret, ClientProof::Basic).expect("a client")
    }

    /// What another build is given, whose provider is at this port and wants the client there.
    fn bound_at(&self, port: u16, proof: ClientProof) -> Arc<Tokens> {
        let url = Url::parse(&format!("http://127.0.0.1:{port}/token")).expect("an address");
        Tokens::of_refresh(&self.keyring, url, &self.secret, proof).expect("a client")
    }
}

/// What is posted for this refresh token.
fn pairs(token: &str) -> Vec<(String, String)> {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
        .map(|(name, of)| (name.to_owned(), of.to_owned()))
        .into()
}

/// An answer with the next refresh token.
fn next(token: &str) -> Whole {
    answer(200, &format!(r#"{{"access_token": "t-123456", "refresh_token": "{token}"}}"#))
}

/// A provider that takes each refresh token once and gives the next one; one that comes a second time ends the grant.
struct Provider {
    port: u16,
    /// What it was asked for, in order.
    asked: Arc<Mutex<Vec<String>>>,
    /// One is taken for each answer.
    answers: Arc<Semaphore>,
}

impl Provider {
    async fn start(answers: usize) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let provider = Provider { port, asked: Arc::default(), answers: Arc::new(Semaphore::new(answers)) };
        let (asked, answers) = (Arc::clone(&provider.asked), Arc::clone(&provider.answers));
        let serve = async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut text = String::new();
                while !text.contains("refresh_token=refresh-") {
                    let mut bytes = vec![0; 8_192];
                    let count = stream.read(&mut bytes).await.expect("a request");
                    text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                }
                let token = text.rsplit_once("refresh_token=").expect("one").1;
                let token = token.split('&').next().expect("one").trim().to_owned();
                let count = {
                    let mut asked = locked(&asked);
                    asked.push(token.clone());
                    asked.len()
                };
                answers.acquire().await.expect("it is never closed").forget();
                let (status, body) = if token == format!("refresh-{count}") {
                    let next = count + 1;
                    (
                        "200 OK",
                        format!(r#"{{"access_token": "access-{count}", "refresh_token": "refresh-{next}"}}"#),
                    )
                } else {
                    ("400 Bad Request", r#"{"error": "invalid_grant"}"#.to_owned())
                };
                let length = body.len();
                let said = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(said.as_bytes()).await.expect("it takes the answer");
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
        drop(tokio::spawn(serve));
        provider
    }

    async fn is_asked(&self, times: usize) {
        let asked = async {
            while locked(&self.asked).len() < times {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.expect("it is asked");
    }
}

fn way() -> Way {
    let rate = Rate { per_second: 1_000, burst: 1_000, concurrent: 8 };
    let grant = ConnectionGrant {
        endpoints: BTreeMap::new(),
        asked: BTreeSet::new(),
        settings: BTreeMap::new(),
        hooks: BTreeMap::new(),
        allow: vec![Cidr::parse("127.0.0.0/8").expect("a range")],
        rate,
    };
    let line = Arc::new(Line::new(rate));
    Way { line, resolver: Arc::new(SystemResolver), grant: Arc::new(grant), now: NOW }
}

fn words(given: Result<Token, Failure>) -> String {
    given.unwrap_or_else(|why| panic!("{why:?}")).0.to_str().expect("text").to_owned()
}

#[tokio::test]
async fn whatever_is_bound_to_one_secret_spends_no_refresh_token_twice() {
    let (books, provider) = (Books::new(), Provider::start(100).await);
    // Half of them are of a build that proves the client otherwise, so that they cannot take the same token.
    let proofs = [ClientProof::Basic, ClientProof::Body];
    let calls = (0..8).map(|number| {
        let tokens = books.bound_at(provider.port, proofs[number % 2]);
        async move { words(tokens.token(way(), None).await) }
    });
    let given = futures::future::join_all(calls).await;
    assert_eq!(*locked(&provider.asked), ["refresh-1", "refresh-2"]);
    let of = |first: usize| given.iter().skip(first).step_by(2).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((of(0).len(), of(1).len()), (1, 1), "{given:?}");
    assert_ne!(given[0], given[1]);
    assert_eq!(books.kept(), "app:s:cret\nrefresh-3\n");
    // One that was refused is not given again, whoever shows it first.
    let (one, other) = (books.bound_at(provider.port, proofs[0]), books.bound_at(provider.port, proofs[0]));
    let spent = one.token(way(), None).await.expect("a token");
    let anew = words(one.token(way(), Some(spent.clone())).await);
    assert_eq!(
        (anew.as_str(), words(other.token(way(), Some(spent)).await)),
        ("Bearer access-3", anew.clone())
    );
    assert_eq!(locked(&provider.asked).len(), 3);
}

#[tokio::test]
async fn a_binding_that_is_made_while_a_token_is_asked_for_takes_the_same() {
    let (books, provider) = (Books::new(), Provider::start(0).await);
    let first = books.bound_at(provider.port, ClientProof::Basic);
    let mut first = Box::pin(first.token(way(), None));
    assert!(futures::poll!(&mut first).is_pending());
    provider.is_asked(1).await;
    // The build before, a swap, and the secret read again.
    let others = (0..3).map(|_| books.bound_at(provider.port, ClientProof::Basic));
    let others = others.map(|tokens| async move { words(tokens.token(way(), None).await) });
    let mut others = Box::pin(futures::future::join_all(others));
    assert!(futures::poll!(&mut others).is_pending());
    provider.answers.add_permits(1);
    assert_eq!(words(first.await), "Bearer access-1");
    assert_eq!(others.await, ["Bearer access-1"; 3]);
    assert_eq!(*locked(&provider.asked), ["refresh-1"]);
}

#[tokio::test]
async fn a_refresh_token_is_kept_before_what_it_gave_is_used() {
    let books = Books::new();
    let tokens = books.bound();
    assert_eq!(posted(&tokens).await, pairs("refresh-1"));
    assert_eq!(tokens.hidden(), [b"s:cret".to_vec(), b"refresh-1".to_vec()]);
    // One that stays the same is not written.
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(books.file()).expect("it is there"));
    let before = inode();
    tokens.given(&next("refresh-1")).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!(before, inode());
    // Another one is, even if the token beside it cannot be used.
    let other = r#"{"access_token": "t-234567", "token_type": "mac", "refresh_token": "refresh-2"}"#;
    assert!(tokens.given(&answer(200, other)).is_err());
    assert_eq!(books.kept(), "app:s:cret\nrefresh-2\n");
    assert_eq!(posted(&tokens).await, pairs("refresh-2"));
    // A host that starts anew goes on with what the file has, whatever was read before.
    let anew = Tokens::of_refresh(&keyring(), url(), &books.secret, ClientProof::Basic).expect("a client");
    assert_eq!(posted(&anew).await, pairs("refresh-2"));
    // No word of a refusal repeats it.
    let refused =
        tokens.given(&answer(400, r#"{"error": "invalid_grant", "error_description": "refresh-2"}"#));
    let failure = refused.err().expect("no token");
    assert_eq!(
        (failure.case(), failure.detail().message.as_str()),
        ("denied", "no token was given (400): invalid_grant: [secret]")
    );
    let refused = |secret: &Secret| {
        Tokens::of_refresh(&keyring(), url(), secret, ClientProof::Basic).err().expect("it is refused")
    };
    fs::write(books.file(), "app:secret\n").expect("it is written");
    assert!(refused(&books.secret).contains("`countersign connection sign-in NAME`"));
    fs::write(books.file(), "app:secret\ntoken\nmore\n").expect("it is written");
    assert!(refused(&books.secret).contains("two lines"));
    let nowhere = Secret::new("app:secret\ntoken".to_owned());
    assert!(refused(&nowhere).contains("`file:PATH`"), "nobody could keep the next one");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_cannot_be_written_outlives_every_binding_and_is_written_when_it_can_be() {
    let books = Books::new();
    let away = books.folder.path().join("away");
    fs::rename(books.file(), &away).expect("it is moved");
    let refused = Tokens::of_refresh(&keyring(), url(), &books.secret, ClientProof::Basic);
    assert!(refused.is_err(), "one that could not even be read is not begun with");
    fs::rename(&away, books.file()).expect("it is moved");
    let tokens = books.bound();
    fs::rename(books.file(), &away).expect("it is moved");
    assert_eq!(books.unwritten(), None);
    tokens.given(&next("refresh-2")).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!(posted(&books.bound()).await, pairs("refresh-2"));
    assert_eq!(books.unwritten().as_deref(), Some("1"));
    // What the file had before is no news, so the old one is not taken up again.
    fs::rename(&away, books.file()).expect("it is moved");
    assert_eq!(posted(&books.bound()).await, pairs("refresh-2"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((books.kept().as_str(), books.unwritten().as_deref()), ("app:s:cret\nrefresh-2\n", Some("0")));
    // It is not tried for ever; the next one begins anew, also while the last one is still tried.
    fs::rename(books.file(), &away).expect("it is moved");
    tokens.given(&next("refresh-3")).unwrap_or_else(|why| panic!("{why:?}"));
    tokens.given(&next("refresh-4")).unwrap_or_else(|why| panic!("{why:?}"));
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    fs::rename(&away, books.file()).expect("it is moved");
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    assert_eq!(books.kept(), "app:s:cret\nrefresh-2\n", "nobody tries any more");
    assert_eq!(books.unwritten().as_deref(), Some("1"), "and it is still not there");
    assert_eq!(posted(&books.bound()).await, pairs("refresh-4"));
    fs::rename(books.file(), &away).expect("it is moved");
    tokens.given(&next("refresh-5")).unwrap_or_else(|why| panic!("{why:?}"));
    fs::rename(&away, books.file()).expect("it is moved");
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(books.kept(), "app:s:cret\nrefresh-5\n");
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_puts_there_counts_and_is_never_written_over() {
    let books = Books::new();
    let tokens = books.bound();
    let rotate = |text: &str| fs::write(books.file(), text).expect("it is written");
    tokens.given(&next("refresh-2")).unwrap_or_else(|why| panic!("{why:?}"));
    rotate("app:other\nrotated-1\n");
    assert_eq!(posted(&tokens).await, pairs("refresh-2"), "nobody has read it again");
    books.bound();
    assert_eq!(posted(&tokens).await, pairs("rotated-1"), "whoever was bound before has it too");
    assert_eq!(tokens.hidden()[0], b"other");
    // While a token is asked for: what comes back is of the grant before.
    rotate("app:other\nrotated-2\n");
    tokens.given(&next("late")).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!(
        (posted(&tokens).await, books.kept()),
        (pairs("rotated-2"), "app:other\nrotated-2\n".to_owned())
    );
    // While one is tried to be written.
    fs::remove_file(books.file()).expect("it is removed");
    tokens.given(&next("unwritten")).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!(books.unwritten().as_deref(), Some("1"));
    rotate("app:other\nrotated-3\n");
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(
        (posted(&tokens).await, books.kept()),
        (pairs("rotated-3"), "app:other\nrotated-3\n".to_owned())
    );
    assert_eq!(books.unwritten().as_deref(), Some("0"), "it is worth nothing any more");
    // What is none is said, and neither used nor written over.
    rotate("half of it");
    let refused = Tokens::of_refresh(&books.keyring, url(), &books.secret, ClientProof::Basic);
    assert!(refused.is_err_and(|why| why.contains("`client:secret`")));
    tokens.given(&next("refresh-9")).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!((posted(&tokens).await, books.kept().as_str()), (pairs("refresh-9"), "half of it"));
}

#[tokio::test]
async fn a_token_that_was_given_before_a_rotation_is_not_used_after_it() {
    let (books, provider) = (Books::new(), Provider::start(100).await);
    let tokens = books.bound_at(provider.port, ClientProof::Basic);
    assert_eq!(words(tokens.token(way(), None).await), "Bearer access-1");
    assert_eq!(
        words(books.bound_at(provider.port, ClientProof::Basic).token(way(), None).await),
        "Bearer access-1"
    );
    fs::write(books.file(), "app:s:cret\nrefresh-2 \n").expect("it is written");
    books.bound_at(provider.port, ClientProof::Basic);
    assert_eq!(words(tokens.token(way(), None).await), "Bearer access-2");
    assert_eq!(locked(&provider.asked).len(), 2);
}

#[tokio::test]
async fn what_a_person_has_had_given_since_is_taken_for_the_next_token() {
    let (books, provider) = (Books::new(), Provider::start(100).await);
    fs::write(books.file(), "app:s:cret\nrefresh-spent\n").expect("it is written");
    let tokens = books.bound_at(provider.port, ClientProof::Basic);
    assert!(tokens.token(way(), None).await.is_err());
    fs::write(books.file(), "app:s:cret\nrefresh-2\n").expect("it is written");
    // The refusal is believed for a moment.
    tokio::time::sleep(Duration::from_millis(REFUSED_MS + 100)).await;
    assert_eq!(words(tokens.token(way(), None).await), "Bearer access-2", "nobody was bound anew");
    assert_eq!(*locked(&provider.asked), ["refresh-spent", "refresh-2"]);
    // What is none is passed over.
    fs::write(books.file(), "half of it").expect("it is written");
    let spent = tokens.token(way(), None).await.expect("a token");
    assert_eq!(words(tokens.token(way(), Some(spent)).await), "Bearer access-3");
}

#[test]
fn what_is_asked_for_otherwise_is_kept_apart_and_within_a_limit() {
    let keyring = keyring();
    let of = |secret: &str, proof, scopes: &[&str]| {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        Tokens::of_client(&keyring, url(), &Secret::new(secret.to_owned()), (proof, &scopes))
            .expect("a client")
    };
    let first = of("app:one", ClientProof::Basic, &[]);
    assert!(Arc::ptr_eq(&first, &of("app:one", ClientProof::Basic, &[])));
    assert!(!Arc::ptr_eq(&first, &of("app:two", ClientProof::Basic, &[])), "it was rotated");
    assert!(!Arc::ptr_eq(&first, &of("app:one", ClientProof::Body, &[])));
    assert!(!Arc::ptr_eq(&first, &of("app:one", ClientProof::Basic, &["read"])));
    let at = Url::parse("https://other.example.com/token").expect("an address");
    let secret = Secret::new("app:one".to_owned());
    let other = Tokens::of_client(&keyring, at, &secret, (ClientProof::Basic, &[])).expect("a client");
    assert!(!Arc::ptr_eq(&first, &other));
    let key = |subject: &str| {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let parties = |subject: &str| Parties {
            issuer: "app".to_owned(),
            subject: subject.to_owned(),
            audience: "id".to_owned(),
        };
        let of = |of: &str| {
            Tokens::of_key(&keyring, url(), &pem(der.as_ref()), (parties(of), &[])).expect("a key")
        };
        (of("kim"), of(subject))
    };
    let (one, same) = key("kim");
    let (another, others) = key("lee");
    assert!(Arc::ptr_eq(&one, &same));
    assert!(!Arc::ptr_eq(&another, &others) && !Arc::ptr_eq(&one, &another));
    let used = of("app:used", ClientProof::Basic, &[]);
    let rotated = |number: usize| of(&format!("app:{number}"), ClientProof::Basic, &[]);
    let bound = (0..32).map(|number| {
        assert!(Arc::ptr_eq(&used, &of("app:used", ClientProof::Basic, &[])), "what is in use stays");
        rotated(number)
    });
    let bound: Vec<_> = bound.collect();
    assert!(Arc::ptr_eq(&bound[2], &rotated(2)), "each has one place");
    assert!(!Arc::ptr_eq(&first, &of("app:one", ClientProof::Basic, &[])), "the oldest makes room");
}
