//! A runtime whose pool has room for few of those who call at once.

use super::*;
use crate::connection::RawConnection;
use crate::secret::Secret;
use countersign_engine::port::connectors::Connectors as _;
use futures::future::join_all;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A connector that asks its target once when record `ok` is fetched.
const ASKS: &[u8] = include_bytes!("../../../../tests/guests/released/hostile@1.0.0.wasm");
/// Shares of the pool: a sixteenth of the calls that the runtime lets in at once.
const SHARES: u32 = 4;
/// Calls at once.
const CALLS: usize = 1_000;
/// When they are taken to wait for ever, in seconds: it takes three at the most.
const HANGS_SECONDS: u64 = 120;
/// How long the target takes, so that all who are let in are inside together.
const ANSWER_MS: u64 = 5;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn passed(&self) -> Millis {
        Millis(0)
    }

    fn sleep_until(&self, _moment: Timestamp) -> Answer<'_, ()> {
        Box::pin(async {})
    }
}

/// A target that takes its time; its port.
async fn target() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let serve = async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = async move {
                let mut asked = [0; 4_096];
                while stream.read(&mut asked).await.is_ok_and(|length| 0 < length) {
                    tokio::time::sleep(Duration::from_millis(ANSWER_MS)).await;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer).await.expect("the host listens");
                }
            };
            #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
            tokio::spawn(answer);
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
    tokio::spawn(serve);
    port
}

/// A connector that asks such a target, behind a pool of so few shares.
async fn crowded(folder: &Path) -> (Runtime, ConnectionName) {
    let sandbox = Sandbox::start_with(SHARES).expect("it starts");
    assert!(sandbox.pool.is_some(), "this machine has address space for a pool");
    let runtime = Runtime::on(
        sandbox,
        RuntimeOptions {
            folder: folder.to_owned(),
            install_key: InstallKey::new([7; 32]),
            cache_key: [9; 32],
            clock: Arc::new(Still),
            grant: OperatorGrant::everything(),
            trust: Trust::everything(),
            compiler: None,
            witness: None,
        },
    );
    let runtime = runtime.expect("the folder can be used");
    runtime.install(ASKS.to_vec()).await.expect("it installs");
    let name = ConnectionName::parse("crowded").expect("it is a name");
    let raw: RawConnection = toml::from_str(&format!(
        "connector = \"tests.hostile\"\nallow = [\"127.0.0.0/8\"]\n\
         rate = {{ per-second = 1000000, burst = 1000000, concurrent = {CALLS_MAX} }}\n\
         [endpoints.api]\nbase = \"http://127.0.0.1:{}\"\nsecret = \"env:KEY\"\n",
        target().await
    ))
    .expect("it is a connection");
    let resolved = raw.resolve(name.clone(), |_| Ok(Secret::new("sk_test".to_owned())));
    let Ok(options) = resolved else { panic!("the connection is configured well") };
    runtime.connect(options).expect("it connects");
    (runtime, name)
}

async fn all_are_answered(runtime: &Runtime, name: &ConnectionName) {
    let subject = RecordRef { kind: "thing".to_owned(), id: "ok".to_owned() };
    let calls = join_all((0..CALLS).map(|_| runtime.fetch(name, subject.clone())));
    let ended = tokio::time::timeout(Duration::from_secs(HANGS_SECONDS), calls).await;
    let ended = ended.expect("nobody waits for room that nobody gives back");
    let other: Vec<_> = ended.iter().filter(|ended| !matches!(ended, Ended::Returned(_))).take(3).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_are_answered_where_the_pool_has_room_for_four() {
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, name) = crowded(folder.path()).await;
    all_are_answered(&runtime, &name).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_gives_its_room_back_wherever_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, name) = crowded(folder.path()).await;
    let subject = RecordRef { kind: "thing".to_owned(), id: "ok".to_owned() };
    // Some have not begun by then, some wait for room, some are inside and wait for the target.
    let given_up = (0..CALLS).map(|call| {
        let patience = Duration::from_micros(100 * u64::try_from(call).unwrap_or_default());
        tokio::time::timeout(patience, runtime.fetch(&name, subject.clone()))
    });
    let ended = join_all(given_up).await;
    assert!(ended.iter().any(Result::is_err), "none of them was given up");
    all_are_answered(&runtime, &name).await;
}
