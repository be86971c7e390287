//! A connector on the bench: the host's own runtime and egress gate, one call at a time.

use super::budgets::{Cost, kib};
use super::cassette::{Actor, Cassette, Recorded};
use super::vendor::{self, Trouble, Until, Vendor};
use anyhow::{Context as _, Result};
use countersign_connectors::{
    Auth, Cidr, ConnectionOptions, ConnectorFault, ConnectorRef, EndpointOptions, Exchange, IdempotencyMode,
    Installed, KeyForm, Manifest, OperatorGrant, Rate, Runtime, RuntimeOptions, Scheme, Secret, Spent, Trust,
    Weight, Witness,
};
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::{Ended, Finding, Guarantee, Receipt};
use countersign_core::effect::key::InstallKey;
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::id::ConnectionName;
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::clock::Clock;
use countersign_engine::port::connectors::{
    Asked, Call as EffectCall, Connectors as _, Ledger, Operation, Page,
};
use data_encoding::{BASE64, HEXLOWER};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// How a private key of Ed25519 begins as PKCS #8; its 32 bytes follow (RFC 8410, §7).
const ED25519_BEGINNING: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// The credential that the connector is given, and that must show up nowhere.
pub const CANARY: &str = "canary-credential-4f1c";
/// The name of the call that a host makes when it installs a connector, beside those of [`Call`].
pub const DESCRIBE: &str = "describe";
/// Leaks that are kept; the others are counted.
const LEAKS_MAX: usize = 20;
/// Changes on one page.
const PAGE_RECORDS: u32 = 20;
/// What the target of the kit bears, in requests a second: no run waits for it.
const REQUESTS_PER_SECOND: u32 = 1_000_000;

/// One call of one export.
#[derive(Debug, Clone)]
pub enum Call {
    /// Are address, credential and permissions right?
    Check,
    /// One record.
    Fetch(RecordRef),
    /// What has changed of a kind.
    Changes(String),
    /// What would be written.
    Plan(Proposal),
    /// One attempt.
    Attempt(Doing),
    /// Whether it landed.
    Look(Doing),
    /// Which records a delivery is about.
    Interpret(Delivery),
    /// What a delivery asks for.
    Receive(Delivery),
}

impl Call {
    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Call::Check => "check",
            Call::Interpret(_) => "interpret",
            Call::Receive(_) => "receive",
            Call::Fetch(_) => "fetch",
            Call::Changes(_) => "changes",
            Call::Plan(_) => "plan",
            Call::Attempt(Doing { takes_back: None, .. }) => "apply",
            Call::Attempt(_) => "undo",
            Call::Look(Doing { takes_back: None, .. }) => "probe",
            Call::Look(_) => "probe-undo",
        }
    }

    /// Whether it may send steps.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self, Call::Attempt(_))
    }
}

/// What an attempt, or a look at it, is about.
#[derive(Debug, Clone)]
pub struct Doing {
    /// Whose effect.
    pub actor: Actor,
    /// Which attempt.
    pub attempt: u32,
    /// How far the host comes.
    pub until: Until,
    /// What was asked.
    pub what: Proposal,
    /// What was sealed.
    pub plan: WritePlan,
    /// The receipt that is taken back.
    pub takes_back: Option<Receipt>,
}

impl Doing {
    /// The first attempt of `actor` at what the cassette asks for, as `plan` has it sealed, with no stop in it.
    #[must_use]
    pub fn new(actor: Actor, cassette: &Cassette, plan: &WritePlan) -> Doing {
        let (what, plan) = (cassette.proposal(), plan.clone());
        Doing { actor, attempt: 1, until: Until::the_end(), what, plan, takes_back: None }
    }

    /// The first attempt at taking back what has this receipt.
    #[must_use]
    pub fn taking_back(self, receipt: &Receipt) -> Doing {
        Doing { actor: Actor::Undo, plan: self.plan.taken_back(), takes_back: Some(receipt.clone()), ..self }
    }
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gave {
    /// It only had to end well.
    Nothing,
    /// A record.
    Record(Snapshot),
    /// Changes.
    Changes(Page),
    /// A plan.
    Plan(WritePlan),
    /// A receipt.
    Receipt(Receipt),
    /// A finding.
    Finding(Finding),
    /// The records that a delivery is about.
    Records(Vec<RecordRef>),
    /// What a delivery asks for.
    Drafts(Vec<Draft>),
}

/// How a call ended, and what it did on the way.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether it was a call that may send steps.
    pub is_write: bool,
    /// Whether the ledger stopped the host in it.
    pub is_stopped: bool,
    /// What the connector says.
    pub ended: Ended<Gave>,
    /// Its requests, in order.
    pub exchanges: Vec<Exchange>,
    /// What it told operators.
    pub lines: Vec<String>,
}

/// Looks on at every call; with a tape, it keeps what goes over the wire.
#[derive(Default)]
struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    /// What must show up in nothing that people read.
    canaries: Vec<String>,
    leaks: Vec<Leak>,
    calls: u64,
    now: Timestamp,
    leaked: u64,
    cassette: String,
    exchanges: Vec<Exchange>,
    lines: Vec<String>,
    tape: Option<Tape>,
    /// The call that is made now.
    call: &'static str,
    /// The most that a call took, by cassette and call; only where fuel is counted.
    costs: BTreeMap<(String, &'static str), Cost>,
    /// What every call took, by its name, since somebody began to measure.
    taken: Option<BTreeMap<&'static str, Taken>>,
}

/// What the calls of one export took.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Each call, in order.
    pub spent: Vec<Spent>,
    /// The most requests of one of them.
    pub requests: usize,
}

/// Something secret or personal where people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The cassette.
    pub cassette: String,
    /// The call.
    pub call: &'static str,
    /// Where it stood: `a line for operators`, `a message`, `a request`.
    pub place: &'static str,
    /// What stood there.
    pub text: String,
}

/// What is recorded of a real target.
struct Tape {
    actor: Actor,
    landed: Vec<String>,
    recorded: Vec<Recorded>,
}

impl Watch {
    fn locked(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock of calls that only look stands at the cassette's moment.
impl Clock for Watch {
    fn now(&self) -> Timestamp {
        self.locked().now
    }

    fn passed(&self) -> Millis {
        Millis(0)
    }

    fn sleep_until(&self, _: Timestamp) -> Answer<'_, ()> {
        Box::pin(async {})
    }
}

impl Watched {
    /// The first place of a call in which something stands that must not.
    fn leak(&self, call: &'static str, outcome: &Outcome) -> Option<Leak> {
        let is_secret = |text: &str| text.contains(CANARY);
        let is_personal = |text: &str| self.canaries.iter().any(|canary| text.contains(canary.as_str()));
        let lines = outcome.lines.iter().map(|line| ("a line for operators", line.clone()));
        let message = match &outcome.ended {
            Ended::Failed(failure) => {
                let detail = failure.detail();
                Some(("a message", format!("{}: {}", detail.code, detail.message)))
            }
            Ended::Broke(broke) => Some(("its last words", broke.message.clone())),
            Ended::Returned(Gave::Plan(plan)) => Some(("a remark", plan.remarks.join("; "))),
            Ended::Returned(_) => None,
        };
        let told = lines.chain(message).find(|(_, text)| is_secret(text) || is_personal(text));
        let requests = outcome.exchanges.iter().map(|exchange| ("a request or its answer", shown(exchange)));
        let (place, text) = told.or_else(|| requests.into_iter().find(|(_, text)| is_secret(text)))?;
        Some(Leak { cassette: self.cassette.clone(), call, place, text })
    }
}

impl Witness for Watch {
    fn exchanged(&self, exchange: Exchange) {
        let mut watched = self.locked();
        if let Some(tape) = &mut watched.tape
            && let Some(recorded) = Recorded::of(&exchange, tape.actor, tape.landed.clone())
        {
            if let Some(step) = recorded.step.clone().filter(|_| recorded.lands())
                && !tape.landed.contains(&step)
            {
                tape.landed.push(step);
            }
            if !tape.recorded.iter().any(|known| known.is_as(&recorded)) {
                tape.recorded.push(recorded);
            }
        }
        watched.exchanges.push(exchange);
    }

    fn said(&self, line: &str) {
        self.locked().lines.push(line.to_owned());
    }

    fn spent(&self, spent: Spent) {
        let mut watched = self.locked();
        let call = watched.call;
        if let Some(taken) = &mut watched.taken {
            taken.entry(call).or_default().spent.push(spent);
        }
        let Some(fuel) = spent.fuel else { return };
        let key = (watched.cassette.clone(), watched.call);
        let cost = watched.costs.entry(key).or_default();
        *cost = cost.most(Cost { fuel, memory_kib: kib(spent.memory_bytes) });
    }
}

/// Everything of a request and its answer that a guest has in its hands.
fn shown(exchange: &Exchange) -> String {
    let Exchange { path, query, headers, body, answer, .. } = exchange;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let answer = answer.as_ref().map(|heard| (heard.headers.clone(), text(&heard.body)));
    format!("{path} {query:?} {headers:?} {} {answer:?}", text(body))
}

/// A connector, ready to be called.
#[expect(missing_debug_implementations, reason = "it holds a runtime")]
pub struct Bench {
    /// What it says of itself.
    pub installed: Installed,
    runtime: Runtime,
    options: ConnectionOptions,
    vendor: Option<Vendor>,
    watch: Arc<Watch>,
    _folder: TempDir,
}

impl Bench {
    /// Installs a component against the scripted target.
    ///
    /// # Errors
    /// Why the host would refuse it, in its words.
    pub async fn scripted(component: Vec<u8>) -> Result<Bench> {
        Bench::against_script(component, runtime(Runtime::new)?).await
    }

    /// The same, with what it took to compile the component and what it takes to load it.
    ///
    /// # Errors
    /// Why the host would refuse it, in its words.
    pub async fn weighed(component: Vec<u8>) -> Result<(Bench, Weight)> {
        let made = runtime(Runtime::new)?;
        let weight = made.0.weigh(component.clone()).await?;
        Ok((Bench::against_script(component, made).await?, weight))
    }

    /// The same on an engine that counts fuel.
    ///
    /// # Errors
    /// Why the host would refuse it, in its words.
    pub async fn counting(component: Vec<u8>) -> Result<Bench> {
        Bench::against_script(component, runtime(Runtime::counting)?).await
    }

    async fn against_script(
        component: Vec<u8>,
        (runtime, watch, folder): (Runtime, Arc<Watch>, TempDir),
    ) -> Result<Bench> {
        let installed = runtime.install(component).await?;
        let vendor = Vendor::start(key_headers(&installed.manifest)).await?;
        let endpoint = |(name, endpoint): (&String, &countersign_connectors::Endpoint)| {
            let auth = &endpoint.auth;
            let secret = credential(auth, folder.path())?;
            let token = auth.token.as_ref().map(|_| vendor.base_of(vendor::TOKENS));
            let party = |who: &str| (auth.scheme == Scheme::Oauth2Jwt).then(|| who.to_owned());
            let variables = endpoint.variables.iter().map(|name| (name.clone(), name.clone())).collect();
            let options = EndpointOptions {
                base: Some(vendor.base_of(name)),
                token,
                authorize: None,
                variables,
                issuer: party("bench"),
                subject: party("somebody"),
                secret,
            };
            anyhow::Ok((name.clone(), options))
        };
        let options = ConnectionOptions {
            name: ConnectionName::parse("bench")?,
            connector: ConnectorRef::Digest(installed.digest),
            endpoints: installed.manifest.endpoints.iter().map(endpoint).collect::<Result<_>>()?,
            settings: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            allow: Cidr::parse("127.0.0.0/8").into_iter().collect(),
            rate: Some(Rate { per_second: REQUESTS_PER_SECOND, burst: REQUESTS_PER_SECOND, concurrent: 4 }),
            address: None,
        };
        Ok(Bench { installed, runtime, options, vendor: Some(vendor), watch, _folder: folder })
    }

    /// Installs a component against the target of an operator's connection, to record what it answers.
    ///
    /// # Errors
    /// Why the host would refuse it, in its words.
    pub async fn real(component: Vec<u8>, connection: ConnectionOptions) -> Result<Bench> {
        let (runtime, watch, folder) = runtime(Runtime::new)?;
        let installed = runtime.install(component).await?;
        let options = ConnectionOptions { connector: ConnectorRef::Digest(installed.digest), ..connection };
        Ok(Bench { installed, runtime, options, vendor: None, watch, _folder: folder })
    }

    /// The scripted target.
    ///
    /// # Errors
    /// If this bench is for a real one.
    pub fn vendor(&self) -> Result<&Vendor> {
        self.vendor.as_ref().context("this bench records a real target")
    }

    /// The operation that a cassette is about.
    #[must_use]
    pub fn operation(&self, cassette: &Cassette) -> Option<&Operation> {
        self.installed.operations.iter().find(|operation| operation.name == cassette.operation)
    }

    /// Its connection.
    #[must_use]
    pub fn connection(&self) -> &ConnectionName {
        &self.options.name
    }

    /// What a host asks of a delivery, as far as the connector answers; it is connected already.
    #[must_use]
    pub fn told(&self, delivery: &Delivery) -> Vec<Call> {
        let inbound =
            self.runtime.connection(&self.options.name).map(|connection| connection.inbound.clone());
        let (interprets, brings) =
            inbound.map_or((false, false), |inbound| (inbound.interprets, !inbound.brings.is_empty()));
        let interpret = interprets.then(|| Call::Interpret(delivery.clone()));
        interpret.into_iter().chain(brings.then(|| Call::Receive(delivery.clone()))).collect()
    }

    fn guarantee(&self, operation: &str) -> Guarantee {
        let found = self.installed.operations.iter().find(|known| known.name == operation);
        found.map_or(Guarantee::Blind, |operation| operation.guarantee)
    }

    /// Connects anew, to a target to which nothing of this cassette has been done.
    ///
    /// # Errors
    /// If the connection cannot be made, such as for want of a setting.
    pub fn begin(&self, cassette: &Arc<Cassette>) -> Result<()> {
        let mut options = self.options.clone();
        options.settings.extend(cassette.settings.clone());
        self.runtime.connect(options)?;
        if let Some(vendor) = &self.vendor {
            vendor.begin(cassette, self.guarantee(&cassette.operation));
        }
        let mut watched = self.watch.locked();
        watched.canaries = cassette.personal.clone();
        watched.now = cassette.moment();
        watched.cassette.clone_from(&cassette.name);
        Ok(())
    }

    /// How many calls were made, in how many of them something leaked, and what in the first of them.
    #[must_use]
    pub fn leaks(&self) -> (u64, u64, Vec<Leak>) {
        let watched = self.watch.locked();
        (watched.calls, watched.leaked, watched.leaks.clone())
    }

    /// The most that each call took, by cassette and name of the call. Nothing where no fuel is counted.
    #[must_use]
    pub fn costs(&self) -> BTreeMap<(String, &'static str), Cost> {
        self.watch.locked().costs.clone()
    }

    /// Whether its instances come from a pool, as on a host with enough address space.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.runtime.is_pooled()
    }

    /// From now on, what each call takes is kept.
    pub fn measure(&self) {
        self.watch.locked().taken = Some(BTreeMap::new());
    }

    /// What each call took since then, by its name; from now on nothing is kept.
    #[must_use]
    pub fn measured(&self) -> BTreeMap<&'static str, Taken> {
        self.watch.locked().taken.take().unwrap_or_default()
    }

    /// Has it describe itself once more, as when it was installed.
    ///
    /// # Errors
    /// If it does not do it again.
    pub async fn describe(&self) -> Result<()> {
        self.watch.locked().call = DESCRIBE;
        Ok(self.runtime.describe(self.installed.digest).await?)
    }

    /// From now on, what goes over the wire is recorded.
    pub fn record(&self) {
        self.watch.locked().tape =
            Some(Tape { actor: Actor::Effect, landed: Vec::new(), recorded: Vec::new() });
    }

    /// What was recorded.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.watch.locked().tape.take().map(|tape| tape.recorded).unwrap_or_default()
    }

    /// Calls an export; the request that `trouble` names, counted from 0, meets it.
    pub async fn call(&self, call: &Call, now: Timestamp, trouble: Option<(usize, Trouble)>) -> Outcome {
        let actor = match call {
            Call::Attempt(doing) | Call::Look(doing) => doing.actor,
            Call::Check
            | Call::Fetch(_)
            | Call::Changes(_)
            | Call::Plan(_)
            | Call::Interpret(_)
            | Call::Receive(_) => Actor::Effect,
        };
        {
            let mut watched = self.watch.locked();
            watched.exchanges.clear();
            watched.lines.clear();
            watched.call = call.name();
            if let Some(tape) = &mut watched.tape {
                tape.actor = actor;
            }
        }
        if let Some(vendor) = &self.vendor {
            vendor.expect_call(trouble);
        }
        let (ended, is_stopped) = self.ended(call, now).await;
        let mut watched = self.watch.locked();
        let outcome = Outcome {
            is_write: call.is_write(),
            is_stopped,
            ended,
            exchanges: watched.exchanges.clone(),
            lines: watched.lines.clone(),
        };
        watched.calls += 1;
        if let Some(taken) = watched.taken.as_mut().and_then(|taken| taken.get_mut(call.name())) {
            taken.requests = taken.requests.max(outcome.exchanges.len());
        }
        if let Some(leak) = watched.leak(call.name(), &outcome) {
            watched.leaked += 1;
            if watched.leaks.len() < LEAKS_MAX {
                watched.leaks.push(leak);
            }
        }
        outcome
    }

    /// How the call ended, and whether the ledger stopped the host in it.
    async fn ended(&self, call: &Call, now: Timestamp) -> (Ended<Gave>, bool) {
        let (name, runtime) = (&self.options.name, &self.runtime);
        let ended = match call {
            Call::Check => gave(runtime.check(name).await, |()| Gave::Nothing),
            Call::Interpret(what) => gave(runtime.interpret(what.clone(), now).await, Gave::Records),
            Call::Receive(what) => gave(runtime.receive(what.clone(), now).await, Gave::Drafts),
            Call::Fetch(subject) => gave(runtime.fetch(name, subject.clone()).await, Gave::Record),
            Call::Changes(kind) => {
                let asked = Asked { kind: kind.clone(), cursor: None, limit: PAGE_RECORDS, now };
                gave(runtime.changes(name, asked).await, Gave::Changes)
            }
            Call::Plan(what) => {
                gave(runtime.plan(name, self.installed.digest, what.clone(), now).await, Gave::Plan)
            }
            Call::Attempt(doing) => {
                let ledger = match &self.vendor {
                    Some(vendor) => vendor.ledger(doing.actor, doing.until.clone()),
                    None => vendor::ledger(doing.actor, doing.until.clone()),
                };
                let announced = Arc::clone(&ledger) as Arc<dyn Ledger>;
                let end = runtime.apply(self.effect(doing, now), announced).await;
                return (gave(end.claim, Gave::Receipt), ledger.has_stopped());
            }
            Call::Look(doing) => gave(runtime.probe(self.effect(doing, now)).await, Gave::Finding),
        };
        (ended, false)
    }

    fn effect(&self, doing: &Doing, now: Timestamp) -> EffectCall {
        EffectCall {
            connection: self.options.name.clone(),
            connector: self.installed.digest,
            effect: doing.actor.id(),
            attempt: doing.attempt,
            generation: 1,
            what: doing.what.clone(),
            plan: doing.plan.clone(),
            guarantee: self.guarantee(&doing.what.operation),
            takes_back: doing.takes_back.clone(),
            now,
        }
    }
}

fn gave<T>(ended: Ended<T>, what: impl FnOnce(T) -> Gave) -> Ended<Gave> {
    match ended {
        Ended::Returned(answer) => Ended::Returned(what(answer)),
        Ended::Failed(failure) => Ended::Failed(failure),
        Ended::Broke(broke) => Ended::Broke(broke),
    }
}

/// A runtime that `start` starts, who looks on, and its folder.
fn runtime(
    start: impl FnOnce(RuntimeOptions) -> Result<Runtime, ConnectorFault>,
) -> Result<(Runtime, Arc<Watch>, TempDir)> {
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let watch = Arc::new(Watch::default());
    let witness: Arc<dyn Witness> = Arc::clone(&watch) as Arc<dyn Witness>;
    // The keys are worth nothing: the folder goes with the run, and the target is a script.
    let runtime = start(RuntimeOptions {
        folder: folder.path().to_owned(),
        install_key: InstallKey::new([1; 32]),
        cache_key: [2; 32],
        clock: Arc::clone(&watch) as Arc<dyn Clock>,
        grant: OperatorGrant::everything(),
        trust: Trust::everything(),
        compiler: None,
        witness: Some(witness),
    })?;
    Ok((runtime, watch, folder))
}

/// The headers by which endpoints take an idempotency key, in lower case.
fn key_headers(manifest: &Manifest) -> BTreeMap<String, String> {
    let endpoints = manifest.endpoints.iter();
    let honouring = endpoints.filter(|(_, endpoint)| endpoint.idempotency.mode == IdempotencyMode::Header);
    let named =
        honouring.filter_map(|(name, endpoint)| Some((name.clone(), endpoint.idempotency.name.clone()?)));
    named.map(|(name, header)| (name, header.to_ascii_lowercase())).collect()
}

/// A credential of the form that the scheme wants; one that must be in a file is written into `folder`.
fn credential(auth: &Auth, folder: &Path) -> Result<Option<Secret>> {
    let text = match auth.scheme {
        Scheme::None => return Ok(None),
        Scheme::Bearer | Scheme::Header | Scheme::Query => CANARY.to_owned(),
        Scheme::Basic | Scheme::Oauth2Client => format!("user:{CANARY}"),
        // It signs and is never sent.
        Scheme::StandardWebhooks => format!("whsec_{}", BASE64.encode(format!("{CANARY}-01").as_bytes())),
        Scheme::Hmac => {
            // INVARIANT: a manifest that signs says how, or it was refused.
            let sign = auth.sign.as_ref().context("the manifest does not say how it signs")?;
            let key = match sign.key {
                KeyForm::Text => CANARY.to_owned(),
                KeyForm::Hex => HEXLOWER.encode(CANARY.as_bytes()),
                KeyForm::Base64 => BASE64.encode(CANARY.as_bytes()),
            };
            if sign.names_key() { format!("user:{key}") } else { key }
        }
        Scheme::Oauth2Refresh => {
            let file = folder.join("refresh-token");
            std::fs::write(&file, format!("user:{CANARY}\n{CANARY}-refresh\n"))
                .with_context(|| format!("`{}` cannot be written", file.display()))?;
            return Secret::of_file(&file).map(Some).map_err(anyhow::Error::msg);
        }
        Scheme::Oauth2Jwt => {
            let key = BASE64.encode(&[ED25519_BEGINNING, [7; 32].as_slice()].concat());
            format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n")
        }
    };
    Ok(Some(Secret::new(text)))
}
