//! The scene: stand-ins of the targets in this process, a folder for the host, and as many
//! payments as refunds will be asked for.

use anyhow::{Context, Result};
use countersign::build::{build_all, out_folder};
use countersign::demo::stage::{CONNECTORS, Stage};
use countersign::standin::billing::{Charge, Customer};
use countersign::standin::faults::{Faults, Kind, Mix};
use countersign::standin::{StandIns, World};
use countersign::wire::{TOKENS_FILE, read_token_file};
use countersign_engine::port::clock::Clock as _;
use countersign_server::token::{kept, minted};
use countersign_server::{Scope, TokenEntry};
use countersign_tests::host::Host;
use countersign_tests::world::{RealClock, root};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Runtime;

/// How old every payment is, in seconds: ten days, far below the policy's ninety.
const PAYMENT_AGE_S: i64 = 10 * 86_400;
/// Who asks for every refund.
pub(crate) const REQUESTER: &str = "agent-1";

/// Targets, folder and host of one test.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The host; not running yet.
    pub(crate) host: Host,
    /// The targets. They live as long as the runtime below.
    pub(crate) stand_ins: StandIns,
    /// The token of the requester.
    pub(crate) token: String,
    stage: Stage,
    _runtime: Runtime,
}

/// What one refund is asked for: the cents of payment `number`. At most 50 USD, which the shipped
/// policy approves by itself however often somebody asks.
pub(crate) fn cents(number: usize) -> i64 {
    500 + i64::try_from(number % 4_000).unwrap_or(0)
}

/// The id of payment `number`.
pub(crate) fn payment(number: usize) -> String {
    format!("ch_{number}")
}

/// The id of the customer who made payment `number`.
pub(crate) fn customer(number: usize) -> String {
    format!("cus_{number}")
}

/// The trouble of the kill test: a tenth of the writes and a few reads. No answer 500 is kept under
/// a key, because what follows from it is a wait of half a minute and nothing that a kill touches.
pub(crate) fn trouble() -> Mix {
    let of_writes = vec![
        Kind::LostAfter,
        Kind::UnavailableAfter,
        Kind::CutAfter,
        Kind::TooMany,
        Kind::UnavailableBefore,
        Kind::LostBefore,
        Kind::Slow,
    ];
    let of_reads = vec![Kind::UnavailableBefore, Kind::LostBefore, Kind::CutAfter];
    Mix { writes_percent: 10, reads_percent: 2, of_writes, of_reads }
}

impl Scene {
    /// Sets the scene with `payments` payments, and faults as `mix` says.
    pub(crate) fn set(seed: u64, mix: Mix, payments: usize) -> Result<Scene> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let connectors = connectors()?;
        let stand_ins = runtime.block_on(StandIns::start(world(payments), Faults::new(seed, mix)))?;
        let stage = Stage::set(&stand_ins, &connectors)?;
        let token = stage.tokens().get(REQUESTER).context("the requester has a token")?.clone();
        let host = Host::new(stage.configuration(), stage.address())?;
        Ok(Scene { host, stand_ins, token, stage, _runtime: runtime })
    }

    /// One more host with the same configuration, at the same address or at a port of its own.
    pub(crate) fn another(&self, at: Option<u16>) -> Result<Host> {
        let Some(port) = at else { return Host::new(self.stage.configuration(), self.stage.address()) };
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut host = Host::new(self.stage.configuration(), address)?;
        host.set("COUNTERSIGN__SERVER__LISTEN", &address.to_string());
        Ok(host)
    }

    /// The data folder of the host.
    pub(crate) fn data(&self) -> PathBuf {
        self.stage.data()
    }

    /// The folder of the rules that the host was started with.
    pub(crate) fn rules(&self) -> PathBuf {
        self.stage.configuration().with_file_name("rules")
    }

    /// Gives an identity provider a token, before the host starts.
    pub(crate) fn provider(&self) -> Result<String> {
        self.minted("idp", 42, [Scope::Provision].into())
    }

    /// Gives one more person of the house a token, before the host starts; each by another number.
    pub(crate) fn token_of(&self, person: &str, number: u8) -> Result<String> {
        self.minted(person, number, Scope::OF_PEOPLE.into())
    }

    fn minted(&self, name: &str, number: u8, scopes: BTreeSet<Scope>) -> Result<String> {
        let data = self.data();
        let mut file = read_token_file(&data)?;
        let token = minted(&[number; 32]);
        let person = name.parse()?;
        file.tokens.push(TokenEntry { name: name.to_owned(), person, sha256: kept(&token), scopes });
        std::fs::write(data.join(TOKENS_FILE), toml::to_string(&file)?)?;
        Ok(token.to_string())
    }

    /// How many faults the targets met so far.
    pub(crate) fn injected(&self) -> u64 {
        self.stand_ins.faults().injected().values().sum()
    }

    /// Leaves the folder on disk for whoever looks for the fault, and says where it is.
    pub(crate) fn kept(self) -> PathBuf {
        let Scene { host, stage, .. } = self;
        drop(host);
        stage.keep()
    }
}

fn world(payments: usize) -> World {
    let mut world = World::default();
    let created = RealClock.now().0 / 1_000 - PAYMENT_AGE_S;
    for number in 0..payments {
        world.billing.add_customer(Customer {
            id: customer(number),
            net_minor: 120_000,
            term_months: 12,
            payment_days: 30,
        });
        world.billing.add_charge(Charge {
            id: payment(number),
            customer: customer(number),
            // Twice what is asked for, so that nothing but the host stops a second refund.
            amount_minor: cents(number) * 2,
            created,
            disputed: false,
        });
    }
    world
}

/// The components of the connectors, built once for all tests of this process.
fn connectors() -> Result<Vec<PathBuf>> {
    static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let mut files = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if files.is_empty() {
        let plugins = root().join("plugins");
        let built = build_all(&plugins, &out_folder(&plugins), &|_| {})?;
        let needed = built.into_iter().filter(|built| CONNECTORS.contains(&built.id()));
        files.extend(needed.map(|built| built.file));
    }
    Ok(files.clone())
}
