//! What Slack says with status 200 and `ok: false`, and what else no recording shows: on the component that we ship.

use super::{component, connection};
use anyhow::{Context as _, Result, ensure};
use countersign_connectors::Runtime;
use countersign_core::effect::attempt::{Ended, Finding, Guarantee};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;

use countersign_engine::port::Answer;
use countersign_engine::port::connectors::{Call, Connectors as _, Ledger, NotRecorded};
use countersign_tests::world::runtime;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The moment of every plan.
const NOW: Timestamp = Timestamp(1_795_424_400_000);

/// Answers each request for a path with the next of its bodies; the last one for ever.
#[derive(Clone, Default)]
struct Scripted {
    bodies: Arc<Mutex<Vec<(&'static str, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn say(&self, path: &'static str, body: &serde_json::Value) {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).push((path, body.to_string()));
    }

    /// What was asked since the last call, bodies included.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets what it was to say.
    fn clear(&self) {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.take();
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            // One at a time: nothing here asks two things at once.
            if let Err(fault) = self.answer(stream).await {
                panic!("the stand-in breaks: {fault:#}");
            }
        }
    }

    async fn answer(&self, mut stream: TcpStream) -> Result<()> {
        let mut bytes = Vec::new();
        let (head, length) = loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (head.to_owned(), length.map_or(Ok(0), str::parse::<usize>)?);
            }
            ensure!(0 < stream.read_buf(&mut bytes).await?, "it ends before its head does");
        };
        while bytes.len() < head.len() + 4 + length {
            ensure!(0 < stream.read_buf(&mut bytes).await?, "it ends before its body does");
        }
        let body = String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned();
        let line = head.lines().next().context("a line")?;
        let path = line.split([' ', '?']).nth(1).context("a path")?;
        let said = {
            let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
            let of_path = |(of, _): &(&str, String)| *of == path;
            let first =
                bodies.iter().position(of_path).with_context(|| format!("nothing to say of {path}"))?;
            let is_last = bodies.iter().filter(|one| of_path(one)).count() == 1;
            if is_last { bodies[first].1.clone() } else { bodies.remove(first).1 }
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{line} {body}"));
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}",
            said.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    }
}

/// Lets everything leave.
struct Open;

impl Ledger for Open {
    fn about_to_send<'a>(&'a self, _: &'a str, _: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async { Ok(()) })
    }
}

/// The component behind a Slack that says what it is told to.
struct World {
    runtime: Runtime,
    digest: Digest,
    slack: Scripted,
    base: String,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Result<World> {
        let folder = tempfile::tempdir()?;
        let runtime = runtime(folder.path())?;
        let digest = runtime.install(component("slack")?).await?.digest;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let slack = Scripted::default();
        #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
        drop(tokio::spawn(slack.clone().serve(listener)));
        let world = World { runtime, digest, slack, base, _folder: folder };
        world.anew()?;
        Ok(world)
    }

    /// Forgets how fast Slack was asked, and what it was to say.
    fn anew(&self) -> Result<()> {
        self.slack.clear();
        self.runtime.connect(connection("slack", &self.base, "xoxb-canary-4711")?)?;
        Ok(())
    }

    fn name() -> Result<ConnectionName> {
        Ok(ConnectionName::parse("recorded")?)
    }

    fn channel() -> RecordRef {
        RecordRef { kind: "channel".into(), id: "C1".into() }
    }

    fn call(words: &str) -> Result<Call> {
        let changes = [("text", Value::Text(words.into())), ("not_before", Value::Instant(NOW))];
        let change =
            |(name, after): (&str, Value)| Change { name: name.into(), before: Value::Absent, after };
        let fields = vec![Field { name: "text".into(), value: Value::Text(words.into()) }];
        Ok(Call {
            connection: World::name()?,
            connector: Digest([0; 32]),
            effect: EffectId::from_bits(1),
            attempt: 1,
            generation: 0,
            what: Proposal { operation: "post-message".into(), subject: World::channel(), fields },
            plan: WritePlan {
                subject: World::channel(),
                revision: None,
                changes: changes.into_iter().map(change).collect(),
                remarks: Vec::new(),
            },
            guarantee: Guarantee::ByProbe,
            takes_back: None,
            now: NOW,
        })
    }

    async fn plan(&self, channel: &str, words: &str) -> Result<Ended<WritePlan>> {
        let subject = RecordRef { kind: "channel".into(), id: channel.into() };
        let fields = vec![Field { name: "text".into(), value: Value::Text(words.into()) }];
        let what = Proposal { operation: "post-message".into(), subject, fields };
        Ok(self.runtime.plan(&World::name()?, self.digest, what, NOW).await)
    }
}

fn case<T: std::fmt::Debug>(ended: &Ended<T>) -> String {
    match ended {
        Ended::Failed(failure) => format!("{} {}", failure.case(), failure.detail().code),
        other => format!("{other:?}"),
    }
}

fn page(messages: &[(&str, &str)], next: &str) -> serde_json::Value {
    let message = |(ts, text): &(&str, &str)| json!({"type": "message", "ts": ts, "text": text});
    let messages: Vec<_> = messages.iter().map(message).collect();
    json!({"ok": true, "messages": messages, "has_more": !next.is_empty(),
           "response_metadata": {"next_cursor": next}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_calls_an_error_is_named_as_what_it_is() -> Result<()> {
    let world = World::start().await?;
    for (error, looking, posting) in [
        ("not_in_channel", "denied not-in-channel", "denied not-in-channel"),
        ("token_revoked", "denied token-revoked", "denied token-revoked"),
        ("channel_not_found", "rejected channel-not-found", "rejected channel-not-found"),
        ("ratelimited", "transient ratelimited", "transient ratelimited"),
        // Some of it may have been done.
        ("fatal_error", "transient fatal-error", "uncertain fatal-error"),
        ("a_word_of_tomorrow", "rejected a-word-of-tomorrow", "rejected a-word-of-tomorrow"),
    ] {
        world.anew()?;
        let said = json!({"ok": false, "error": error});
        world.slack.say("/conversations.info", &said);
        let looked = world.runtime.fetch(&World::name()?, World::channel()).await;
        assert_eq!(case(&looked), looking, "{error}");
        world.slack.say("/conversations.history", &page(&[], ""));
        world.slack.say("/chat.postMessage", &said);
        let call = Call { connector: world.digest, ..World::call("hello")? };
        let posted = world.runtime.apply(call, Arc::new(Open)).await.claim;
        assert_eq!(case(&posted), posting, "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_calls_nobody_and_is_found_again_by_its_last_line() -> Result<()> {
    let world = World::start().await?;
    let reference = EffectId::from_bits(1);
    let words = "Approved: <!channel> & <https://evil.example|crm>";
    let held = format!("Approved: &lt;!channel&gt; &amp; &lt;https://evil.example|crm&gt;\nRef: {reference}");
    let call = || Ok::<Call, anyhow::Error>(Call { connector: world.digest, ..World::call(words)? });
    world.slack.say("/conversations.history", &page(&[("1795424401.000100", "Ref: somebody")], ""));
    let message = json!({"text": held});
    world.slack.say("/chat.postMessage", &json!({"ok": true, "ts": "1795424402.000200", "message": message}));
    let Ended::Returned(receipt) = world.runtime.apply(call()?, Arc::new(Open)).await.claim else {
        anyhow::bail!("it is posted")
    };
    let applied = receipt.applied.iter().find(|field| field.name.as_str() == "text").context("the text")?;
    assert_eq!(applied.value, Value::Text(words.into()));
    let asked = world.slack.take();
    let sent = asked.last().context("it was sent")?;
    ensure!(sent.contains("&lt;!channel&gt;") && !sent.contains("<!channel>"), "{sent}");
    // Ten minutes before the plan, as Slack's clock may be behind.
    ensure!(asked[0].contains("oldest=1795423800.000000"), "{}", asked[0]);

    // It lies on the second page, as Slack shows it with addresses made of what looks like one.
    world.anew()?;
    world.slack.say("/conversations.history", &page(&[("1795424409.000000", "noise")], "next"));
    let shown = format!(
        "See <https://crm.example|crm.example> and <mailto:a@b.example|a@b.example>\nRef: {reference}"
    );
    world.slack.say("/conversations.history", &page(&[("1795424402.000200", &shown)], ""));
    let Ended::Returned(Finding::Landed(receipt)) = world.runtime.probe(call()?).await else {
        anyhow::bail!("it is found")
    };
    let applied = receipt.applied.iter().find(|field| field.name.as_str() == "text").context("the text")?;
    assert_eq!(applied.value, Value::Text("See crm.example and a@b.example".into()));
    let asked = world.slack.take();
    ensure!(asked.len() == 2 && asked[1].contains("cursor=next"), "{asked:?}");
    // What is there is not posted again.
    world.anew()?;
    world.slack.say("/conversations.history", &page(&[("1795424402.000200", &held)], ""));
    let again = world.runtime.apply(call()?, Arc::new(Open)).await.claim;
    ensure!(matches!(again, Ended::Returned(_)), "{again:?}");
    assert_eq!(world.slack.take().len(), 1, "it looked, and posted nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_known_of_a_message_is_not_guessed() -> Result<()> {
    let world = World::start().await?;
    let call = || Ok::<Call, anyhow::Error>(Call { connector: world.digest, ..World::call("hello")? });
    for answer in [
        json!({"ok": true}),
        json!({"ok": true, "ts": "1795424402.000200", "message": {"text": "something else"}}),
        json!({"something": "else"}),
    ] {
        world.anew()?;
        world.slack.say("/conversations.history", &page(&[], ""));
        world.slack.say("/chat.postMessage", &answer);
        let posted = world.runtime.apply(call()?, Arc::new(Open)).await.claim;
        assert_eq!(case(&posted), "uncertain unreadable-answer", "{answer}");
    }
    // A history that goes on and does not say where is no end of it.
    world.anew()?;
    let cut = json!({"ok": true, "messages": [], "has_more": true});
    world.slack.say("/conversations.history", &cut);
    assert_eq!(case(&world.runtime.probe(call()?).await), "transient unreadable-answer");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_posted_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = World::start().await?;
    let channel =
        |archived: bool| json!({"ok": true, "channel": {"name": "general", "is_archived": archived}});
    world.slack.say("/conversations.info", &channel(true));
    assert_eq!(case(&world.plan("C1", "hello").await?), "rejected archived");
    world.anew()?;
    world.slack.say("/conversations.info", &channel(false));
    assert_eq!(case(&world.plan("C1", &"x".repeat(4_001)).await?), "rejected bad-input");
    assert_eq!(case(&world.plan("C1", "").await?), "rejected bad-input");
    let planned = world.plan("C1", &"x".repeat(4_000)).await?;
    ensure!(matches!(planned, Ended::Returned(_)), "{planned:?}");
    Ok(())
}
