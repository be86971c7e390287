//! A runtime with the hostile guest installed and connected to a target on loopback.

use super::target::Target;
use countersign_connectors::{
    ChildCompiler, OperatorGrant, RawConnection, Runtime, RuntimeOptions, Secret, Trust, componentize,
};
use countersign_core::effect::attempt::{AttemptEnd, Ended, Finding, Guarantee};
use countersign_core::effect::key::InstallKey;
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{Field, RecordRef, Snapshot, Value};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::clock::Clock;
use countersign_engine::port::connectors::{Call, Connectors, Ledger, NotRecorded};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Whom [`friendly`] is.
pub(crate) const FRIENDLY: &str = "tests.friendly";

pub(crate) const MANIFEST: &str = include_str!("../../guests/rust-hostile/connector.toml");

/// The secret that must never reach a guest.
pub(crate) const SECRET: &str = "sk_canary_4711";

/// The hostile guest as a core module, built once.
pub(crate) fn module() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        countersign_tests::guests::module("rust-hostile", "hostile_guest", env!("CARGO_TARGET_TMPDIR"))
    })
}

/// The guest as a component that describes itself in this way: one of `plain`, `spins`, `talks`,
/// `http_`, `lies_`, `natur`.
pub(crate) fn component(describe: &str) -> Vec<u8> {
    component_with(describe, MANIFEST)
}

/// The same with another manifest.
pub(crate) fn component_with(describe: &str, manifest: &str) -> Vec<u8> {
    let module = countersign_tests::guests::marked(module(), "describe=", describe);
    componentize(&module, manifest).expect("it is a connector")
}

/// The same guest as a connector of its own: what it calls itself is what its manifest says.
pub(crate) fn friendly() -> Vec<u8> {
    component_with("lies_", &MANIFEST.replace("tests.hostile", FRIENDLY))
}

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_424_400_000)
    }

    fn passed(&self) -> Millis {
        Millis(0)
    }

    fn sleep_until(&self, _moment: Timestamp) -> Answer<'_, ()> {
        Box::pin(async {})
    }
}

/// Remembers what it was told, or refuses.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) steps: Mutex<Vec<(String, Digest)>>,
    pub(crate) refuses: bool,
}

impl Ledger for Notes {
    fn about_to_send<'a>(&'a self, step: &'a str, request: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async move {
            if self.refuses {
                return Err(NotRecorded("the disk is full".to_owned()));
            }
            self.steps.lock().unwrap_or_else(PoisonError::into_inner).push((step.to_owned(), request));
            Ok(())
        })
    }
}

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) target: Target,
    pub(crate) digest: Digest,
    pub(crate) folder: tempfile::TempDir,
    metrics: Registry,
}

pub(crate) fn name(text: &str) -> ConnectionName {
    ConnectionName::parse(text).expect("it is a name")
}

fn subject(behaviour: &str) -> RecordRef {
    RecordRef { kind: "thing".into(), id: behaviour.into() }
}

/// A connection to `base`, with loopback granted.
pub(crate) fn raw(base: &str) -> RawConnection {
    toml::from_str(&format!(
        "connector = \"tests.hostile\"\nallow = [\"127.0.0.0/8\"]\n\
         [endpoints.api]\nbase = \"{base}\"\nsecret = \"env:KEY\"\n"
    ))
    .expect("it is a connection")
}

/// An empty runtime in a folder of its own.
pub(crate) fn runtime(folder: &Path) -> Runtime {
    runtime_that_trusts(folder, Trust::everything())
}

/// The same of an operator who trusts these.
pub(crate) fn runtime_that_trusts(folder: &Path, trust: Trust) -> Runtime {
    runtime_with(folder, trust, None)
}

/// The same whose components are compiled by a child.
pub(crate) fn runtime_with(folder: &Path, trust: Trust, compiler: Option<ChildCompiler>) -> Runtime {
    let options = RuntimeOptions {
        folder: folder.to_owned(),
        install_key: InstallKey::new([7; 32]),
        cache_key: [9; 32],
        clock: Arc::new(Still),
        grant: OperatorGrant::everything(),
        trust,
        compiler,
        witness: None,
    };
    Runtime::new(options).expect("it starts")
}

impl World {
    pub(crate) async fn start() -> World {
        World::of(component("plain")).await
    }

    /// The same with the guest as it is built today, and as it was built against each released contract.
    pub(crate) async fn each(looks: impl AsyncFn(World)) {
        looks(World::start().await).await;
        for version in countersign_tests::guests::RELEASES {
            let released = countersign_tests::guests::released("hostile", version, || Ok(component("plain")));
            looks(World::of(released.expect("it is kept")).await).await;
        }
    }

    async fn of(component: Vec<u8>) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = runtime(folder.path());
        let installed = runtime.install(component).await.expect("it installs");
        let target = Target::start().await;
        let mut metrics = Registry::default();
        runtime.register_metrics(&mut metrics);
        let world = World { runtime, target, digest: installed.digest, folder, metrics };
        world.connect("hostile", &world.target.base);
        world
    }

    /// What stands behind a metric with these labels; 0 if it is not there.
    pub(crate) fn counted(&self, metric: &str) -> u64 {
        let mut text = String::new();
        encode(&mut text, &self.metrics).expect("it is written");
        let figure = text.lines().find_map(|line| line.strip_prefix(metric));
        figure.map_or(0, |figure| figure.trim().parse().expect("a number"))
    }

    pub(crate) fn connect(&self, connection: &str, base: &str) {
        self.connect_with(connection, base, || Ok(Secret::new(SECRET.to_owned())));
    }

    /// The same with a secret that is kept somewhere.
    pub(crate) fn connect_with(
        &self,
        connection: &str,
        base: &str,
        secret: impl Fn() -> Result<Secret, String>,
    ) {
        let resolved = raw(base).resolve(name(connection), |_| secret());
        let Ok(options) = resolved else { panic!("the connection is configured well") };
        self.runtime.connect(options).expect("it connects");
    }

    /// A connection to the target through another connector.
    pub(crate) fn connect_to(&self, connector: &str, connection: &str) {
        let mut raw = raw(&self.target.base);
        connector.clone_into(&mut raw.connector);
        let resolved = raw.resolve(name(connection), |_| Ok(Secret::new(SECRET.to_owned())));
        let Ok(options) = resolved else { panic!("the connection is configured well") };
        self.runtime.connect(options).expect("it connects");
    }

    pub(crate) async fn fetch(&self, behaviour: &str) -> Ended<Snapshot> {
        self.fetch_through("hostile", behaviour).await
    }

    pub(crate) async fn fetch_through(&self, connection: &str, behaviour: &str) -> Ended<Snapshot> {
        self.runtime.fetch(&name(connection), subject(behaviour)).await
    }

    pub(crate) async fn plan(&self, behaviour: &str) -> Ended<WritePlan> {
        let fields = vec![Field { name: "a".into(), value: Value::Integer(1) }];
        let what = Proposal { operation: "write".into(), subject: subject(behaviour), fields };
        let connection = self.runtime.connection(&name("hostile")).expect("it is connected");
        self.runtime.plan(&connection.name, connection.digest, what, Timestamp(0)).await
    }

    pub(crate) fn call(&self, behaviour: &str, effect: u128, guarantee: Guarantee) -> Call {
        let changes = vec![Change { name: "a".into(), before: Value::Absent, after: Value::Integer(1) }];
        Call {
            takes_back: None,
            connection: name("hostile"),
            connector: self.digest,
            effect: EffectId::from_bits(effect),
            attempt: 1,
            generation: 0,
            what: Proposal { operation: "write".into(), subject: subject(behaviour), fields: Vec::new() },
            plan: WritePlan { subject: subject(behaviour), revision: None, changes, remarks: Vec::new() },
            guarantee,
            now: Timestamp(0),
        }
    }

    pub(crate) async fn apply(&self, behaviour: &str, effect: u128, guarantee: Guarantee) -> AttemptEnd {
        self.runtime.apply(self.call(behaviour, effect, guarantee), Arc::new(Notes::default())).await
    }

    pub(crate) async fn probe(&self, behaviour: &str) -> Ended<Finding> {
        self.runtime.probe(self.call(behaviour, 0, Guarantee::ByProbe)).await
    }

    /// The promise of every case: whatever happened in one call, the next one is unharmed.
    pub(crate) async fn assert_unharmed(&self, after: &str) {
        let ended = self.fetch("ok").await;
        assert!(matches!(ended, Ended::Returned(_)), "after `{after}` the next call must work: {ended:?}");
    }
}
