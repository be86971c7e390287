//! The adapter behind the engine's connectors port: catalogue, connections, calls.

mod builds;
mod inbound;
mod measure;
#[cfg(test)]
mod tests;

use crate::catalogue::{Catalogue, Installed, Loaded};
use crate::compile::ChildCompiler;
use crate::connection::{ConnectionOptions, ConnectorRef};
use crate::contract::{EffectView, Said};
use crate::egress::client::{Resolve, SystemResolver};
use crate::egress::line::Line;
use crate::egress::oauth2::Keyring;
use crate::egress::{EffectCall, Gate, Phase, Steps};
use crate::fault::{ConnectorFault, FaultCode};
use crate::grant::{Grant, OperatorGrant};
use crate::metrics::{Metrics, Tally};
use crate::sandbox::{CALLS_MAX, CallState, Fate, Sandbox, Who};
use crate::trust::Trust;
use crate::witness::Witness;
use arc_swap::ArcSwap;
use countersign_core::connector::Serving;
use countersign_core::delivery::{Delivery, Draft};
use countersign_core::effect::attempt::{
    AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Finding, Receipt,
};
use countersign_core::effect::key::InstallKey;
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::ConnectionName;
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::catalogue as engine;
use countersign_engine::port::clock::Clock;
use countersign_engine::port::connectors::{
    Arrived, Asked, Call, Connection, Connectors, Ledger, NotTaken, Page, TargetHealth, Verified,
};
use http::HeaderValue;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What a [`Runtime`] needs to start.
#[expect(missing_debug_implementations, reason = "it holds the machine's cache key")]
pub struct RuntimeOptions {
    /// Folder of connectors, such as `<data>/connectors`. Created if it is not there.
    pub folder: PathBuf,
    /// The installation's key, from which idempotency keys are derived.
    pub install_key: InstallKey,
    /// A secret of this machine that marks compiled code. Never shared between hosts.
    pub cache_key: [u8; 32],
    /// Says what time it is, for what is signed.
    pub clock: Arc<dyn Clock>,
    /// What connectors may want at all.
    pub grant: OperatorGrant,
    /// Whose connectors are taken.
    pub trust: Trust,
    /// What compiles them as a child with limits; this process does it itself unless there is something.
    pub compiler: Option<ChildCompiler>,
    /// Who looks on while connectors speak to their targets, if anybody does.
    pub witness: Option<Arc<dyn Witness>>,
}

/// Runs connectors. Cheap to share; everything in it is behind an `Arc`.
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Runtime {
    sandbox: Arc<Sandbox>,
    catalogue: Catalogue,
    targets: ArcSwap<BTreeMap<ConnectionName, Arc<Target>>>,
    /// Held while a target is changed, so that a swap and a renewed secret keep each other.
    changing: Mutex<()>,
    install_key: InstallKey,
    clock: Arc<dyn Clock>,
    resolver: Arc<dyn Resolve>,
    calls: Semaphore,
    grant: OperatorGrant,
    /// The connections that are to be made, against which a build is tried before it serves.
    expected: ArcSwap<Vec<ConnectionOptions>>,
    /// Connections that were to be made and had no connector.
    waiting: ArcSwap<BTreeMap<ConnectionName, ConnectionOptions>>,
    /// Which build serves which connection, by connector; the newest one where nothing is said.
    serving: ArcSwap<BTreeMap<String, Serving>>,
    /// The builds that are called no more.
    quarantined: ArcSwap<BTreeMap<String, BTreeSet<Digest>>>,
    metrics: Arc<Metrics>,
    witness: Option<Arc<dyn Witness>>,
}

/// One connection with its connector.
struct Target {
    public: Arc<Connection>,
    options: ConnectionOptions,
    line: Arc<Line>,
    /// What the host was itself given for it, by whichever build: it stays through swaps, renewals and new connections.
    keyring: Arc<Keyring>,
    current: Bound,
}

/// One version of a connector, granted for one connection.
#[derive(Clone)]
struct Bound {
    loaded: Arc<Loaded>,
    grant: Arc<Grant>,
    who: Arc<Who>,
}

impl Bound {
    fn new(
        loaded: Arc<Loaded>,
        options: &ConnectionOptions,
        keyring: &Keyring,
    ) -> Result<Bound, ConnectorFault> {
        let grant = Arc::new(Grant::of(&loaded.installed.manifest, options, keyring)?);
        let who = Arc::new(Who {
            connector: loaded.installed.id.clone(),
            version: loaded.installed.version.clone(),
            connection: Some(options.name.to_string()),
        });
        Ok(Bound { loaded, grant, who })
    }
}

impl Runtime {
    /// Starts the engine and opens the folder of connectors. Nothing is loaded yet.
    ///
    /// # Errors
    /// [`FaultCode::Runtime`] or [`FaultCode::Storage`].
    pub fn new(options: RuntimeOptions) -> Result<Runtime, ConnectorFault> {
        Runtime::on(Sandbox::start()?, options)
    }

    /// The same on an engine that counts fuel, for whoever measures what a connector costs: a call ends with its fuel
    /// instead of its time, and takes two to three times as long. The process compiles by itself.
    ///
    /// # Errors
    /// [`FaultCode::Runtime`] or [`FaultCode::Storage`].
    pub fn counting(options: RuntimeOptions) -> Result<Runtime, ConnectorFault> {
        // The child compiles for the engine that serves.
        Runtime::on(Sandbox::counting()?, RuntimeOptions { compiler: None, ..options })
    }

    fn on(sandbox: Sandbox, options: RuntimeOptions) -> Result<Runtime, ConnectorFault> {
        let sandbox = Arc::new(sandbox);
        let catalogue = Catalogue::open(
            Arc::clone(&sandbox),
            &options.folder,
            options.cache_key,
            options.trust,
            options.compiler,
        )?;
        Ok(Runtime {
            sandbox,
            catalogue,
            targets: ArcSwap::default(),
            changing: Mutex::default(),
            install_key: options.install_key,
            clock: options.clock,
            resolver: Arc::new(SystemResolver),
            calls: Semaphore::new(usize::try_from(CALLS_MAX).unwrap_or(1)),
            grant: options.grant,
            expected: ArcSwap::default(),
            waiting: ArcSwap::default(),
            serving: ArcSwap::default(),
            quarantined: ArcSwap::default(),
            metrics: Arc::default(),
            witness: options.witness,
        })
    }

    /// Puts all that is counted of connectors where a scraper reads it. Once, before the first is asked.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Installs a component: checks it, compiles it, asks it to describe itself, stores it.
    /// From then on its id means this version; connections keep theirs until they are connected anew.
    ///
    /// # Errors
    /// Why it is refused, in one sentence for the operator. Nothing is stored then.
    pub async fn install(&self, bytes: Vec<u8>) -> Result<Installed, ConnectorFault> {
        self.install_signed(bytes, engine::Evidence::default()).await
    }

    /// The same of a component with what is said of it.
    ///
    /// # Errors
    /// Those of [`Runtime::install`]; [`FaultCode::Untrusted`] before anything of it is compiled or run.
    pub async fn install_signed(
        &self,
        bytes: Vec<u8>,
        evidence: engine::Evidence,
    ) -> Result<Installed, ConnectorFault> {
        self.catalogue.install((bytes, evidence), &self.grant, self.clock.now(), true).await
    }

    /// Loads a connector that was installed before, such as after a start.
    ///
    /// # Errors
    /// [`FaultCode::NotInstalled`], or what was wrong with the stored bytes.
    pub async fn load(&self, digest: Digest) -> Result<Installed, ConnectorFault> {
        self.catalogue.load(digest).await
    }

    /// Digests of all installed connectors, loaded or not.
    ///
    /// # Errors
    /// [`FaultCode::Storage`].
    pub fn stored(&self) -> Result<Vec<Digest>, ConnectorFault> {
        self.catalogue.stored()
    }

    /// The connectors that are loaded.
    #[must_use]
    pub fn loaded(&self) -> Vec<Installed> {
        self.catalogue.loaded()
    }

    /// Whether instances come from a pool; if not, this machine has too little address space.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.sandbox.pool.is_some()
    }

    /// Makes or replaces a connection. Calls in flight end as they began. Call it inside of a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`FaultCode::NotInstalled`]: it is made as soon as its connector is there. [`FaultCode::BadConnection`]. The old
    /// connection then stands.
    pub fn connect(&self, options: ConnectionOptions) -> Result<Arc<Connection>, ConnectorFault> {
        let _alone = self.changing.lock();
        let connected = self.connect_alone(options.clone());
        let waits = connected.as_ref().is_err_and(|fault| fault.code == FaultCode::NotInstalled);
        self.wait(&options.name.clone(), waits.then_some(options));
        connected
    }

    /// Notes that a connection waits for its connector, or waits no more.
    fn wait(&self, name: &ConnectionName, options: Option<ConnectionOptions>) {
        self.waiting.rcu(|waiting| {
            let mut waiting = BTreeMap::clone(waiting);
            match &options {
                Some(options) => waiting.insert(name.clone(), options.clone()),
                None => waiting.remove(name),
            };
            waiting
        });
    }

    /// The same for whoever holds `changing`.
    fn connect_alone(&self, options: ConnectionOptions) -> Result<Arc<Connection>, ConnectorFault> {
        let before = self.targets.load().get(&options.name).map(|target| Arc::clone(&target.keyring));
        let keyring = before.unwrap_or_else(|| Arc::new(self.keyring(&options.name)));
        let current = Bound::new(self.chosen(&options)?, &options, &keyring)?;
        let public = Arc::new(public(&current, &options));
        let target = Arc::new(Target {
            public: Arc::clone(&public),
            line: Arc::new(Line::new(current.grant.rate)),
            keyring,
            current,
            options,
        });
        self.put(target);
        Ok(public)
    }

    /// The connections that are to be made: from here on a build that they could not be served by does not serve.
    pub fn expect(&self, connections: Vec<ConnectionOptions>) {
        self.expected.store(Arc::new(connections));
    }

    /// The build for a connection, by what the record of its connector says; the newest one where there is no record.
    fn chosen(&self, options: &ConnectionOptions) -> Result<Arc<Loaded>, ConnectorFault> {
        let missing = |wanted: String| {
            let name = &options.name;
            let what = format!(
                "connection `{name}` needs connector {wanted}, which is not there; add it: \
                 `countersign connector add`"
            );
            ConnectorFault::host(FaultCode::NotInstalled, what)
        };
        let id = match &options.connector {
            ConnectorRef::Digest(digest) => {
                return self.catalogue.get(digest).ok_or_else(|| missing(format!("sha256:{digest}")));
            }
            ConnectorRef::Id(id) => id,
        };
        let serving = self.serving.load();
        let Some(serving) = serving.get(id) else {
            return self.catalogue.newest(id).ok_or_else(|| missing(format!("`{id}`")));
        };
        let Some(digest) = serving.of(&options.name) else {
            let what = format!(
                "connection `{}`: no build of `{id}` is in force; add one that may serve",
                options.name
            );
            return Err(ConnectorFault::host(FaultCode::NotInstalled, what));
        };
        self.catalogue.get(&digest).ok_or_else(|| missing(format!("`{id}` sha256:{digest}")))
    }

    /// Takes a connection away. `false` if there was none of this name.
    pub fn disconnect(&self, name: &ConnectionName) -> bool {
        let _alone = self.changing.lock();
        self.wait(name, None);
        let before = self.targets.rcu(|targets| {
            let mut targets = BTreeMap::clone(targets);
            targets.remove(name);
            targets
        });
        before.contains_key(name)
    }

    /// Puts what is kept of a connection's secrets now in the place of what was kept; says whether that is anything else.
    async fn renewed(&self, name: &ConnectionName) -> Result<bool, ConnectorFault> {
        let fault = |why: String| ConnectorFault::host(FaultCode::BadConnection, why);
        let Some(target) = self.targets.load().get(name).cloned() else { return Ok(false) };
        let options = target.options.clone();
        let looked = tokio::task::spawn_blocking(move || options.renewed()).await;
        let looked = looked.map_err(|why| fault(why.to_string()))?.map_err(fault)?;
        let Some(options) = looked else { return Ok(false) };
        let _alone = self.changing.lock();
        // Whoever changed it meanwhile has its secrets looked at when they are refused.
        if !self.targets.load().get(name).is_some_and(|now| Arc::ptr_eq(now, &target)) {
            return Ok(false);
        }
        let keyring = Arc::clone(&target.keyring);
        let current = Bound::new(Arc::clone(&target.current.loaded), &options, &keyring)?;
        let (public, line) = (Arc::clone(&target.public), Arc::clone(&target.line));
        self.put(Arc::new(Target { public, line, keyring, current, options }));
        Ok(true)
    }

    /// Puts behind a connection the build that is to serve it now. What is known of its target stays.
    fn swap(&self, target: &Arc<Target>) -> Result<(), ConnectorFault> {
        let options = target.options.clone();
        let loaded = self.chosen(&options)?;
        if loaded.installed.digest == target.public.digest {
            return Ok(());
        }
        let keyring = Arc::clone(&target.keyring);
        let current = Bound::new(loaded, &options, &keyring)?;
        let line = if current.grant.rate == target.current.grant.rate {
            Arc::clone(&target.line)
        } else {
            Arc::new(Line::new(current.grant.rate))
        };
        let public = Arc::new(public(&current, &options));
        self.put(Arc::new(Target { public, line, keyring, current, options }));
        Ok(())
    }

    /// What counts for a connection.
    fn tally(&self, name: &ConnectionName) -> Tally {
        Tally { metrics: Arc::clone(&self.metrics), connection: name.to_string() }
    }

    /// What a connection was given that was not there before: nothing.
    fn keyring(&self, name: &ConnectionName) -> Keyring {
        Keyring::of(self.tally(name))
    }

    /// Puts a target in the place of what had its name. Whoever calls holds `changing`.
    fn put(&self, target: Arc<Target>) {
        self.targets.rcu(|targets| {
            let mut targets = BTreeMap::clone(targets);
            targets.insert(target.options.name.clone(), Arc::clone(&target));
            targets
        });
    }

    fn target(&self, name: &ConnectionName) -> Result<Arc<Target>, Failure> {
        self.targets.load().get(name).cloned().ok_or_else(|| {
            if self.waiting.load().contains_key(name) {
                let what = format!("connection `{name}` has no connector yet; add one that may serve it");
                return Failure::Transient { after: None, detail: Detail::new("no-connector", what) };
            }
            let what =
                format!("connection `{name}` is not configured; configure it or withdraw what needs it");
            Failure::Denied(Detail::new("no-connection", what))
        })
    }

    /// The version that an effect is bound to, granted for this connection.
    fn bound(&self, target: &Target, digest: Digest) -> Result<Bound, Failure> {
        let name = &target.options.name;
        let is_current = target.current.loaded.installed.digest == digest;
        let found =
            if is_current { Some(Arc::clone(&target.current.loaded)) } else { self.catalogue.get(&digest) };
        let loaded = found.ok_or_else(|| {
            let what = format!("connection `{name}` needs connector sha256:{digest} to go on, which is not loaded; install that version again");
            Failure::Transient { after: None, detail: Detail::new("version-missing", what) }
        })?;
        let quarantined = self.quarantined.load();
        if quarantined.get(&loaded.installed.id).is_some_and(|builds| builds.contains(&digest)) {
            let what = format!(
                "connection `{name}` needs connector sha256:{digest} to go on, which is in quarantine; release that build, or have it planned anew"
            );
            return Err(Failure::Transient { after: None, detail: Detail::new("version-quarantined", what) });
        }
        if is_current {
            return Ok(target.current.clone());
        }
        Bound::new(loaded, &target.options, &target.keyring)
            .map_err(|fault| Failure::Denied(Detail::new(fault.code.as_str(), fault.message)))
    }

    /// `about` is what chance is drawn from, beside the build: the same for every attempt at an effect.
    fn state(
        &self,
        target: &Target,
        bound: &Bound,
        (phase, now): (Phase, Timestamp),
        about: &[&[u8]],
    ) -> CallState {
        let Who { connector, version, .. } = bound.who.as_ref();
        let agent = format!("countersign/{} ({connector}/{version})", env!("CARGO_PKG_VERSION"));
        let gate = Gate {
            phase,
            grant: Arc::clone(&bound.grant),
            line: Arc::clone(&target.line),
            resolver: Arc::clone(&self.resolver),
            install: self.install_key.clone(),
            user_agent: HeaderValue::from_str(&agent).unwrap_or(HeaderValue::from_static("countersign")),
            effect: None,
            steps: Steps::default(),
            clock: Arc::clone(&self.clock),
            requests: 0,
            witness: self.witness.clone(),
            tally: self.tally(&target.public.name),
            violation: None,
        };
        let seed = Digest::of_parts(&[&[bound.loaded.installed.digest.0.as_slice()], about].concat());
        CallState::new(Arc::clone(&bound.who), bound.loaded.limits, Fate { now, seed }, Some(gate))
    }

    /// A reading call on one version of a connection's connector, or on the current one.
    async fn read<'r, T, F, W>(
        &'r self,
        name: &'r ConnectionName,
        (export, connector): (&'static str, Option<Digest>),
        now: Timestamp,
        work: W,
    ) -> Ended<T>
    where
        W: FnOnce(Bound, CallState) -> F + Send,
        F: Future<Output = Said<T>> + Send,
    {
        let found = self.target(name).and_then(|target| {
            let digest = connector.unwrap_or(target.public.digest);
            let bound = self.bound(&target, digest)?;
            Ok((target, bound))
        });
        let (target, bound) = match found {
            Ok(found) => found,
            Err(failure) => return Ended::Failed(failure),
        };
        let about: [&[u8]; 2] = [export.as_bytes(), &now.0.to_be_bytes()];
        let state = self.state(&target, &bound, (Phase::Read, now), &about);
        // The semaphore is never closed, so a permit always comes.
        let _permit = self.calls.acquire().await;
        let who = (name, bound.who.connector.clone());
        self.metrics.call(who, export, async { ended(work(bound, state).await) }).await
    }

    async fn attempt(&self, call: Call, ledger: Arc<dyn Ledger>) -> AttemptEnd {
        let nothing =
            |failure| AttemptEnd { claim: Ended::Failed(failure), steps: Vec::new(), held_back: None };
        let target = match self.target(&call.connection) {
            Ok(target) => target,
            Err(failure) => return nothing(failure),
        };
        let bound = match self.bound(&target, call.connector) {
            Ok(bound) => bound,
            Err(failure) => return nothing(failure),
        };
        let about = of_effect(&call);
        let mut state = self.state(&target, &bound, (Phase::Write, call.now), &[&about.0]);
        let steps = Steps::default();
        if let Some(gate) = &mut state.gate {
            gate.steps = steps.clone();
            gate.effect = Some(EffectCall {
                effect: call.effect,
                generation: call.generation,
                guarantee: call.guarantee,
                ledger,
            });
        }
        let _permit = self.calls.acquire().await;
        let contract = &bound.loaded.contract;
        let who = (&target.public.name, bound.who.connector.clone());
        let (effect, takes_back) = view(call);
        let export = if takes_back.is_none() { "apply" } else { "undo" };
        let work = async move {
            ended(match takes_back {
                None => contract.apply(state, effect).await,
                Some(landed) => contract.undo(state, effect, landed).await,
            })
        };
        let claim = self.metrics.call(who, export, work).await;
        AttemptEnd { claim, steps: steps.list(), held_back: steps.held_back() }
    }

    async fn look(&self, call: Call) -> Ended<Finding> {
        let found = self.target(&call.connection).and_then(|target| {
            let bound = self.bound(&target, call.connector)?;
            Ok((target, bound))
        });
        let (target, bound) = match found {
            Ok(found) => found,
            Err(failure) => return Ended::Failed(failure),
        };
        let about = of_effect(&call);
        let mut state = self.state(&target, &bound, (Phase::Read, call.now), &[&about.0]);
        let steps = Steps::default();
        if let Some(gate) = &mut state.gate {
            gate.steps = steps.clone();
        }
        let _permit = self.calls.acquire().await;
        let contract = &bound.loaded.contract;
        let who = (&target.public.name, bound.who.connector.clone());
        let (effect, takes_back) = view(call);
        let export = if takes_back.is_none() { "probe" } else { "probe-undo" };
        let work = async {
            let said = match takes_back {
                None => contract.probe(state, effect).await,
                Some(landed) => contract.probe_undo(state, effect, landed).await,
            };
            match ended(said) {
                // Whoever says so has looked: a guess would close the effect, or send it once more.
                Ended::Returned(Finding::Landed(_) | Finding::Absent) if !steps.heard_the_target() => {
                    let what = "said whether an effect landed, and the target was not heard";
                    let message = format!("{} {what}; report it to its author", bound.who);
                    Ended::Broke(Break { kind: BreakKind::BadAnswer, message })
                }
                ended => ended,
            }
        };
        self.metrics.call(who, export, work).await
    }
}

/// What is the same in every attempt at an effect under the same keys, and in every look at it.
fn of_effect(call: &Call) -> Digest {
    Digest::of_parts(&[&call.effect.bits().to_be_bytes(), &call.generation.to_be_bytes()])
}

/// The effect as the guest sees it, and the receipt of what it takes back.
fn view(call: Call) -> (EffectView, Option<Receipt>) {
    let Call { effect, attempt, what, plan, now, takes_back, .. } = call;
    (EffectView { effect, attempt, what, plan, now }, takes_back)
}

fn ended<T>(said: Said<T>) -> Ended<T> {
    match said {
        Ok(Ok(answer)) => Ended::Returned(answer),
        Ok(Err(failure)) => Ended::Failed(failure),
        Err(broke) => Ended::Broke(broke),
    }
}

fn public(bound: &Bound, options: &ConnectionOptions) -> Connection {
    let Installed { id, version, digest, system, operations, tells, manifest, .. } = &bound.loaded.installed;
    let endpoints =
        bound.grant.endpoints.iter().map(|(name, endpoint)| (name.clone(), endpoint.base.to_string()));
    Connection {
        name: options.name.clone(),
        connector: id.clone(),
        version: version.clone(),
        digest: *digest,
        system: system.clone(),
        endpoints: endpoints.collect(),
        settings: bound.grant.settings.clone().into_iter().collect(),
        operations: operations.clone(),
        tells: tells.clone(),
        inbound: inbound::of(bound),
        settle: Millis(manifest.settle_ms()),
        key_lifetime: Millis::minutes(manifest.key_lifetime_min()),
        concurrent: usize::try_from(bound.grant.rate.concurrent).unwrap_or(1),
    }
}

impl Connectors for Runtime {
    fn connections(&self) -> Vec<Arc<Connection>> {
        self.targets.load().values().map(|target| Arc::clone(&target.public)).collect()
    }

    fn connection(&self, name: &ConnectionName) -> Option<Arc<Connection>> {
        self.targets.load().get(name).map(|target| Arc::clone(&target.public))
    }

    fn waiting(&self) -> BTreeMap<ConnectionName, String> {
        let waiting = self.waiting.load();
        let not_made = waiting.values().filter(|options| self.connection(&options.name).is_none());
        let named = not_made.map(|options| {
            let connector = match &options.connector {
                ConnectorRef::Id(id) => id.clone(),
                ConnectorRef::Digest(digest) => format!("sha256:{digest}"),
            };
            (options.name.clone(), connector)
        });
        named.collect()
    }

    fn bound(&self, name: &ConnectionName, connector: Digest) -> Result<Arc<Connection>, String> {
        let why = |failure: Failure| failure.detail().message.clone();
        let target = self.target(name).map_err(why)?;
        let bound = Runtime::bound(self, &target, connector).map_err(why)?;
        if target.public.digest == connector {
            return Ok(Arc::clone(&target.public));
        }
        Ok(Arc::new(public(&bound, &target.options)))
    }

    fn renew<'a>(&'a self, name: &'a ConnectionName) -> Answer<'a, bool> {
        Box::pin(async move {
            self.renewed(name).await.unwrap_or_else(|fault| {
                tracing::warn!(%fault, connection = %name, blame = "host", "its credential cannot be read again");
                false
            })
        })
    }

    fn health(&self, name: &ConnectionName) -> TargetHealth {
        let targets = self.targets.load();
        targets.get(name).map(|target| target.line.health()).unwrap_or_default()
    }

    fn check(&self, name: &ConnectionName) -> Answer<'_, Ended<()>> {
        let name = name.clone();
        Box::pin(async move {
            let work = |bound: Bound, state| async move { bound.loaded.contract.check(state).await };
            self.read(&name, ("check", None), self.clock.now(), work).await
        })
    }

    fn fetch(&self, name: &ConnectionName, subject: RecordRef) -> Answer<'_, Ended<Snapshot>> {
        let name = name.clone();
        Box::pin(async move {
            let work = |bound: Bound, state| async move { bound.loaded.contract.fetch(state, subject).await };
            self.read(&name, ("fetch", None), self.clock.now(), work).await
        })
    }

    fn changes(&self, name: &ConnectionName, asked: Asked) -> Answer<'_, Ended<Page>> {
        let name = name.clone();
        Box::pin(async move {
            let work = |bound: Bound, state| async move { bound.loaded.contract.changes(state, asked).await };
            self.read(&name, ("changes", None), self.clock.now(), work).await
        })
    }

    fn verify(
        &self,
        name: &ConnectionName,
        hook: &str,
        arrived: Arrived,
        now: Timestamp,
    ) -> Result<Verified, NotTaken> {
        self.verified(name, hook, arrived, now)
    }

    fn interpret(&self, delivery: Delivery, received: Timestamp) -> Answer<'_, Ended<Vec<RecordRef>>> {
        let name = delivery.connection.clone();
        Box::pin(async move {
            let work = |bound: Bound, state| async move {
                bound.loaded.contract.interpret(state, delivery, received).await
            };
            self.read(&name, ("interpret", None), received, work).await
        })
    }

    fn receive(&self, delivery: Delivery, received: Timestamp) -> Answer<'_, Ended<Vec<Draft>>> {
        let name = delivery.connection.clone();
        Box::pin(async move {
            let work = |bound: Bound, state| async move {
                bound.loaded.contract.receive(state, delivery, received).await
            };
            self.read(&name, ("receive", None), received, work).await
        })
    }

    fn plan(
        &self,
        name: &ConnectionName,
        connector: Digest,
        what: Proposal,
        now: Timestamp,
    ) -> Answer<'_, Ended<WritePlan>> {
        let name = name.clone();
        Box::pin(async move {
            let work =
                |bound: Bound, state| async move { bound.loaded.contract.plan(state, what, now).await };
            self.read(&name, ("plan", Some(connector)), now, work).await
        })
    }

    fn apply(&self, call: Call, ledger: Arc<dyn Ledger>) -> Answer<'_, AttemptEnd> {
        Box::pin(self.attempt(call, ledger))
    }

    fn probe(&self, call: Call) -> Answer<'_, Ended<Finding>> {
        Box::pin(self.look(call))
    }
}
