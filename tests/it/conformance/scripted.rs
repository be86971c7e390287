//! A target that says what it is told to, in front of a component that we ship: for the answers that no recording shows.

use super::{component, connection};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_connectors::{Runtime, Secret};
use countersign_core::effect::attempt::{Ended, Guarantee};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;
use countersign_engine::port::Answer;
use countersign_engine::port::connectors::{Arrived, Call, Connectors as _, Ledger, NotRecorded, Verified};
use countersign_tests::world::runtime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The moment of every plan.
pub(crate) const NOW: Timestamp = Timestamp(1_795_424_400_000);

/// One answer that is to be given to a path.
#[derive(Debug, Clone)]
struct Said {
    path: &'static str,
    status: u16,
    body: String,
}

/// Answers each request for a path with the next of its answers; the last one for ever.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    said: Arc<Mutex<Vec<Said>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Answers this path with 200 and a body.
    pub(crate) fn say(&self, path: &'static str, body: &serde_json::Value) {
        self.say_with(200, path, body);
    }

    /// Answers this path with a status and a body.
    pub(crate) fn say_with(&self, status: u16, path: &'static str, body: &serde_json::Value) {
        let said = Said { path, status, body: body.to_string() };
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }

    /// What was asked since the last call: the first line of each request and its body.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets what it was to say.
    pub(crate) fn clear(&self) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
            let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let of_path = |said: &Said| said.path == path;
            let first = all.iter().position(of_path).with_context(|| format!("nothing to say of {path}"))?;
            let is_last = all.iter().filter(|said| of_path(said)).count() == 1;
            if is_last { all[first].clone() } else { all.remove(first) }
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{line} {body}"));
        let answer = format!(
            "HTTP/1.1 {} Said\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
            said.status,
            said.body.len(),
            said.body
        );
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    }
}

/// HMAC-SHA256 of the parts in a row.
pub(crate) fn mac(key: &[u8], parts: &[&str]) -> Result<Vec<u8>> {
    let mac = Hmac::<Sha256>::new_from_slice(key)?.chain_update(parts.concat());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Lets everything leave.
struct Open;

impl Ledger for Open {
    fn about_to_send<'a>(&'a self, _: &'a str, _: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async { Ok(()) })
    }
}

/// Where the host is reached by whoever tells it something.
pub(crate) const ADDRESS: &str = "https://approvals.example.com";

/// A component behind a target that says what it is told to.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) target: Scripted,
    system: &'static str,
    secret: String,
    digest: Digest,
    base: String,
    _folder: tempfile::TempDir,
}

impl World {
    /// The connector of this system that we ship, with this secret, or with the one in this file if the host has to
    /// replace it.
    pub(crate) async fn start(system: &'static str, secret: &str) -> Result<World> {
        let folder = tempfile::tempdir()?;
        let runtime = runtime(folder.path())?;
        let digest = runtime.install(component(system)?).await?.digest;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let target = Scripted::default();
        #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
        drop(tokio::spawn(target.clone().serve(listener)));
        let secret = secret.to_owned();
        let world = World { runtime, target, system, secret, digest, base, _folder: folder };
        world.anew()?;
        Ok(world)
    }

    /// Forgets how fast the target was asked, and what it was to say.
    pub(crate) fn anew(&self) -> Result<()> {
        self.target.clear();
        self.runtime.connect(connection(self.system, &self.base, &self.secret)?)?;
        Ok(())
    }

    /// The same with the hook `events`, whose deliveries are proved by this; gives its scheme, if the connector is told.
    pub(crate) fn listen(&self, signing: &str) -> Result<&'static str> {
        let mut options = connection(self.system, &self.base, &self.secret)?;
        options.webhooks.insert("events".to_owned(), Secret::new(signing.to_owned()));
        options.address = Some(ADDRESS.to_owned());
        let connected = self.runtime.connect(options)?;
        ensure!(connected.inbound.interprets, "the connector reads no delivery");
        let hooks = connected.inbound.hooks.iter();
        hooks.map(|(_, scheme)| *scheme).next().context("a hook")
    }

    /// What a delivery by the hook `events` is about, once the host has seen who sent it.
    pub(crate) async fn told(&self, headers: &[(&str, &str)], body: String) -> Result<Ended<Vec<RecordRef>>> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let arrived = Arrived { headers: headers.collect(), body: body.into_bytes() };
        match self.runtime.verify(&World::name()?, "events", arrived, NOW) {
            Ok(Verified::Delivery { delivery, .. }) => Ok(self.runtime.interpret(delivery, NOW).await),
            other => bail!("{other:?}"),
        }
    }

    pub(crate) fn name() -> Result<ConnectionName> {
        Ok(ConnectionName::parse("recorded")?)
    }

    /// One attempt at an effect with this plan.
    pub(crate) fn call(&self, what: Proposal, plan: WritePlan, guarantee: Guarantee) -> Result<Call> {
        Ok(Call {
            connection: World::name()?,
            connector: self.digest,
            effect: EffectId::from_bits(1),
            attempt: 1,
            generation: 0,
            what,
            plan,
            guarantee,
            takes_back: None,
            now: NOW,
        })
    }

    pub(crate) async fn fetch(
        &self,
        subject: RecordRef,
    ) -> Result<Ended<countersign_core::record::Snapshot>> {
        Ok(self.runtime.fetch(&World::name()?, subject).await)
    }

    pub(crate) async fn plan(&self, what: Proposal) -> Result<Ended<WritePlan>> {
        Ok(self.runtime.plan(&World::name()?, self.digest, what, NOW).await)
    }

    pub(crate) async fn apply(&self, call: Call) -> Ended<countersign_core::effect::attempt::Receipt> {
        self.runtime.apply(call, Arc::new(Open)).await.claim
    }
}

/// What is asked for, from its parts.
pub(crate) fn proposal(operation: &str, (kind, id): (&str, &str), fields: &[(&str, Value)]) -> Proposal {
    let field = |(name, value): &(&str, Value)| Field { name: (*name).into(), value: value.clone() };
    Proposal {
        operation: operation.into(),
        subject: RecordRef { kind: kind.into(), id: id.into() },
        fields: fields.iter().map(field).collect(),
    }
}

/// The case and the code of a failure; anything else as it is.
pub(crate) fn case<T: std::fmt::Debug>(ended: &Ended<T>) -> String {
    match ended {
        Ended::Failed(failure) => format!("{} {}", failure.case(), failure.detail().code),
        other => format!("{other:?}"),
    }
}
