//! Tokens belong to a connection, whatever builds of its connector are behind it: a refresh token that may be sent once is
//! sent once.

use super::told;
use super::world::{MANIFEST, Notes, World, component_with, name};
use countersign_connectors::{RawConnection, Secret};
use countersign_core::connector::{OnRecord, Serving};
use countersign_core::effect::attempt::{Ended, Guarantee};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectorId, EffectId};
use countersign_core::record::RecordRef;
use countersign_engine::port::catalogue::Catalogue as _;
use countersign_engine::port::connectors::{Call, Connectors as _};
use futures::FutureExt as _;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a provider knows.
struct Known {
    /// The only refresh token that it takes.
    next: String,
    /// For how long what it gives lasts.
    seconds: u32,
    /// Every refresh token that it was sent, in order.
    sent: Vec<String>,
}

/// A provider that takes a refresh token once. One that comes again ends what was granted.
#[derive(Clone)]
struct Provider {
    port: u16,
    known: Arc<Mutex<Known>>,
}

impl Provider {
    async fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let known = Known { next: "refresh-0".to_owned(), seconds: 3_600, sent: Vec::new() };
        let provider = Provider { port, known: Arc::new(Mutex::new(known)) };
        let serving = provider.clone();
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                while !text.contains("refresh_token=") {
                    let mut bytes = [0; 8_192];
                    let count = stream.read(&mut bytes).await.expect("a request");
                    text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                }
                let token = text.rsplit_once("refresh_token=").expect("one").1.trim().to_owned();
                let said = serving.answer(token);
                stream.write_all(said.as_bytes()).await.expect("it takes the answer");
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
        drop(tokio::spawn(serve));
        provider
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, token: String) -> String {
        let mut known = self.known();
        let is_taken = token == known.next;
        known.sent.push(token);
        let count = known.sent.len();
        known.next = if is_taken { format!("refresh-{count}") } else { String::new() };
        let (status, body) = if is_taken {
            let (next, seconds) = (&known.next, known.seconds);
            let given = format!(r#""access_token": "access-{count}", "expires_in": {seconds}"#);
            ("200 OK", format!(r#"{{{given}, "refresh_token": "{next}"}}"#))
        } else {
            ("400 Bad Request", r#"{"error": "invalid_grant"}"#.to_owned())
        };
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    /// How often it was asked.
    fn times(&self) -> usize {
        self.known().sent.len()
    }
}

/// A host with two builds of a connector, at a connection that signs in by a refresh token.
struct Host {
    world: World,
    provider: Provider,
    older: Digest,
    newer: Digest,
}

impl Host {
    async fn start() -> Host {
        let world = World::start().await;
        let provider = Provider::start().await;
        let auth = r#"auth = { scheme = "oauth2-refresh", token = "https://id.example.com/token" }"#;
        let manifest = MANIFEST.replace(r#"auth = { scheme = "bearer" }"#, auth);
        let install = async |manifest: &str| {
            assert_ne!(manifest, MANIFEST);
            let build = component_with("plain", manifest);
            world.runtime.install(build).await.expect("it installs").digest
        };
        let older = install(&manifest).await;
        let host = Host { provider, older, newer: older, world };
        host.write("refresh-0");
        host.connect();
        // The newer one may write nothing.
        let narrower = manifest.replace(r#", "POST""#, "");
        let build = component_with("plain", &narrower);
        let newer = host.world.runtime.install(build).await.expect("it installs").digest;
        assert_ne!(older, newer);
        Host { newer, ..host }
    }

    fn file(&self) -> PathBuf {
        self.world.folder.path().join("token")
    }

    fn write(&self, token: &str) {
        std::fs::write(self.file(), format!("app:s:cret\n{token}\n")).expect("it is written");
    }

    fn connect(&self) {
        let raw: RawConnection = toml::from_str(&format!(
            "connector = \"tests.hostile\"\nallow = [\"127.0.0.0/8\"]\n[endpoints.api]\nbase = \"{}\"\n\
             token = \"http://127.0.0.1:{}/token\"\nsecret = \"file:token\"\n",
            self.world.target.base, self.provider.port
        ))
        .expect("it is a connection");
        let Ok(options) = raw.resolve(name("books"), |_| Secret::of_file(&self.file())) else {
            panic!("the connection is configured well")
        };
        self.world.runtime.connect(options).expect("it connects");
    }

    fn serve(&self, build: Digest) {
        let serving = Serving { active: Some(build), ..Serving::default() };
        let connector = ConnectorId::parse("tests.hostile").expect("an id");
        self.world.runtime.serve(&connector, &OnRecord { serving, ..OnRecord::default() });
        assert_eq!(self.serves(), build);
    }

    fn serves(&self) -> Digest {
        self.world.runtime.connection(&name("books")).expect("it is connected").digest
    }

    /// Reads a record by the build that serves.
    async fn read(&self) -> Result<(), String> {
        let subject = RecordRef { kind: "thing".into(), id: "ok".into() };
        match self.world.runtime.fetch(&name("books"), subject).await {
            Ended::Returned(_) => Ok(()),
            other => Err(told(other).1),
        }
    }

    /// An effect that a build has planned.
    async fn attempt(&self, build: Digest, effect: u128) -> Result<(), String> {
        let call = self.world.call("write", effect, Guarantee::ByKey);
        let call =
            Call { connection: name("books"), connector: build, effect: EffectId::from_bits(effect), ..call };
        match self.world.runtime.apply(call, Arc::new(Notes::default())).await.claim {
            Ended::Returned(_) => Ok(()),
            other => Err(told(other).1),
        }
    }

    /// What the target was sent as `Authorization` since the last call.
    fn bore(&self) -> Vec<String> {
        let arrived = self.world.target.take();
        let bore =
            arrived.iter().map(|request| request.header("authorization").unwrap_or_default().to_owned());
        bore.collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_build_of_a_connector_takes_the_one_token_of_its_connection() {
    let host = Host::start().await;
    assert_eq!(host.read().await, Ok(()));
    // A swap, an effect of the build before, and the connection made anew.
    host.serve(host.newer);
    assert_eq!(host.read().await, Ok(()));
    assert_eq!(host.attempt(host.older, 1).await, Ok(()));
    host.connect();
    assert_eq!(host.read().await, Ok(()));
    host.serve(host.older);
    assert_eq!(host.attempt(host.older, 2).await, Ok(()));
    assert_eq!(host.bore(), ["Bearer access-1"; 5]);
    assert_eq!(host.provider.known().sent, ["refresh-0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn builds_that_sign_in_at_once_spend_no_refresh_token_twice() {
    let host = Host::start().await;
    host.serve(host.newer);
    // Nothing that is given lasts, so that each call asks anew.
    host.provider.known().seconds = 0;
    let reads = (0..8).map(|_| host.read().boxed());
    let attempts = (0..8).map(|effect| host.attempt(host.older, effect).boxed());
    let ended = futures::future::join_all(reads.chain(attempts)).await;
    assert_eq!(ended, vec![Ok(()); 16]);
    let sent = host.provider.known().sent.clone();
    assert_eq!(sent, (0..16).map(|number| format!("refresh-{number}")).collect::<Vec<_>>());
    assert_eq!(host.bore().into_iter().collect::<BTreeSet<_>>().len(), 16);
    let kept = std::fs::read_to_string(host.file()).expect("it is read");
    assert_eq!(kept, "app:s:cret\nrefresh-16\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_was_put_there_anew_counts_for_every_build() {
    let host = Host::start().await;
    host.serve(host.newer);
    assert_eq!(host.read().await, Ok(()));
    // What the host wrote itself is no reason to sign in once more.
    host.world.runtime.renew(&name("books")).await;
    assert_eq!((host.read().await, host.provider.times()), (Ok(()), 1));
    host.provider.known().next = "granted-anew".to_owned();
    host.write("granted-anew");
    assert_eq!((host.read().await, host.provider.times()), (Ok(()), 1), "nobody has read it again");
    assert!(host.world.runtime.renew(&name("books")).await);
    assert_eq!(host.attempt(host.older, 1).await, Ok(()));
    assert_eq!(host.read().await, Ok(()));
    assert_eq!(host.provider.known().sent, ["refresh-0", "granted-anew"]);
    let bore = host.bore();
    assert_eq!(bore.last().map(String::as_str), Some("Bearer access-2"));
    // One that is refused ends the grant, and another one from a person is heard.
    host.write("made-up");
    assert!(host.world.runtime.renew(&name("books")).await);
    let why = host.read().await.expect_err("it is refused");
    assert!(why.contains("invalid_grant"), "{why}");
    host.provider.known().next = "granted-again".to_owned();
    host.write("granted-again");
    assert!(host.world.runtime.renew(&name("books")).await);
    assert_eq!((host.read().await, host.attempt(host.older, 2).await), (Ok(()), Ok(())));
    assert_eq!(host.provider.times(), 4);
}
