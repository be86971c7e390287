//! The walls around one call: the engine's profile, the limits of each class, the clock that
//! interrupts. Every call gets a fresh store, so whatever breaks in it harms nothing else.

mod call;
mod inert;
mod pool;
mod state;
mod turns;

pub(crate) use call::{NotAllowed, Outcome, Session, guard};
pub(crate) use inert::Fate;
pub(crate) use pool::{Pool, Room};
pub(crate) use state::{CallState, Level, MemoryMeter, Who, monotonic};
pub(crate) use turns::{Pace, Turn, Turns};

use crate::fault::{ConnectorFault, FaultCode};
use crate::manifest::Class;
use countersign_core::hash::Digest;
use std::num::NonZeroUsize;
use std::time::Duration;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, ModuleVersionStrategy, OptLevel, Strategy, WasmFeatures,
};

/// How often the epoch moves: the finest grain of an interruption.
const TICK_MS: u64 = 10;

/// Calls at one time.
pub(crate) const CALLS_MAX: u32 = 64;

/// Shares of the pool: one for each call, and as many for those that take more than one and for what is being installed.
const POOL_SHARES: u32 = CALLS_MAX * 2;

/// Wall time of a call: the gate's own deadline for one request, and a little.
pub(crate) const WALL_MS: u64 = 30_000;

/// Fuel that stands for a millisecond of guest time: about one unit an instruction, and more instructions than any core
/// does in it, so that whatever ends in its time ends with its fuel too.
const FUEL_PER_MS: u64 = 10_000_000;

/// Fuel after which a guest that runs on lets other tasks run, where fuel is counted.
pub(crate) const YIELD_FUEL: u64 = 100_000_000;

/// Bytes that a guest may pass in one host call: eight times the largest request body.
pub(crate) const HOSTCALL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Handles of one store: the contract has no resources, so this is only a wall.
pub(crate) const HANDLES_MAX: usize = 1_024;

/// Core instances, tables and memories of one store (Python needs 14 instances).
pub(crate) const INSTANCES_MAX: usize = 64;
pub(crate) const TABLES_MAX: usize = 64;
pub(crate) const MEMORIES_MAX: usize = 8;

/// Elements of one table (StarlingMonkey uses 7,690).
pub(crate) const TABLE_ELEMENTS_MAX: usize = 20_000;

const MIB: usize = 1024 * 1024;

/// The limits that differ by class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Linear memory, summed over the store.
    pub(crate) memory_bytes: usize,
    /// Time in which guest code itself runs.
    pub(crate) guest: Duration,
    /// The same where fuel is counted instead; `None` where it is not.
    pub(crate) fuel: Option<u64>,
    /// Time of the whole call.
    pub(crate) wall: Duration,
}

impl Limits {
    /// Those on an engine that is limited by this.
    const fn of(class: Class, meter: Meter) -> Limits {
        let memory_mib = match class {
            Class::Small => 32,
            Class::Medium => 128,
            Class::Large => 256,
        };
        Limits {
            memory_bytes: memory_mib * MIB,
            guest: Duration::from_millis(guest_ms(class)),
            fuel: match meter {
                Meter::Epoch => None,
                Meter::Fuel => Some(fuel(class)),
            },
            wall: Duration::from_millis(WALL_MS),
        }
    }

    /// Those on a host that serves.
    pub(crate) const fn serving(class: Class) -> Limits {
        Limits::of(class, Meter::Epoch)
    }
}

const fn guest_ms(class: Class) -> u64 {
    match class {
        Class::Small => 200,
        Class::Medium => 1_000,
        Class::Large => 5_000,
    }
}

/// Fuel of one call, where it is counted.
pub(crate) const fn fuel(class: Class) -> u64 {
    guest_ms(class) * FUEL_PER_MS
}

/// The engine with its profile, and the thread that moves its epoch.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    /// Names everything that compiled code depends on: the version of wasmtime, the profile, the CPU.
    pub(crate) runtime_id: String,
    /// Where instances come from; `None` if each call maps its own memory.
    pub(crate) pool: Option<Pool>,
    /// Who computes for long takes one.
    pub(crate) turns: Turns,
    meter: Meter,
}

impl Sandbox {
    /// Starts the engine. Tries a pool first and falls back to memory on demand, with a warning.
    pub(crate) fn start() -> Result<Sandbox, ConnectorFault> {
        Sandbox::start_with(POOL_SHARES)
    }

    /// The same with a pool of so many shares.
    pub(crate) fn start_with(shares: u32) -> Result<Sandbox, ConnectorFault> {
        let pooled = InstanceAllocationStrategy::Pooling(pool::config(shares));
        let (engine, pool) = match engine(pooled, Meter::Epoch) {
            Ok(engine) => (engine, Some(Pool::of(shares))),
            Err(error) => {
                tracing::warn!(
                    blame = "host",
                    error = %crate::package::one_line(&format!("{error:#}")),
                    "no pool of instances on this machine; each call maps its own memory, which is slower"
                );
                (engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).map_err(cannot_start)?, None)
            }
        };
        let sandbox = Sandbox::of(engine, pool, Meter::Epoch);
        let weak = sandbox.engine.weak();
        // An OS thread: a guest that spins can starve the timers of tokio itself.
        std::thread::Builder::new()
            .name("connector-epoch".to_owned())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(Duration::from_millis(TICK_MS));
                }
            })
            .map_err(|error| cannot_start(error.into()))?;
        Ok(sandbox)
    }

    /// The engine of whoever only compiles: no pool, whose address space is larger than that process may have.
    pub(crate) fn for_compiling() -> Result<Sandbox, ConnectorFault> {
        let engine = engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).map_err(cannot_start)?;
        Ok(Sandbox::of(engine, None, Meter::Epoch))
    }

    /// The engine of whoever counts: fuel instead of a clock, memory on demand. Policy components run on it, and the
    /// connectors whose cost is measured; no connector serves on it, which would take two to three times as long.
    pub(crate) fn counting() -> Result<Sandbox, ConnectorFault> {
        let engine = engine(InstanceAllocationStrategy::OnDemand, Meter::Fuel).map_err(cannot_start)?;
        Ok(Sandbox::of(engine, None, Meter::Fuel))
    }

    fn of(engine: Engine, pool: Option<Pool>, meter: Meter) -> Sandbox {
        let runtime_id = runtime_id(&engine, meter);
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Sandbox { engine, runtime_id, pool, turns: Turns::of(cores), meter }
    }

    /// What a call of a connector of this class may take here.
    pub(crate) fn limits(&self, class: Class) -> Limits {
        Limits::of(class, self.meter)
    }
}

fn cannot_start(error: wasmtime::Error) -> ConnectorFault {
    let why = crate::package::one_line(&format!("{error:#}"));
    ConnectorFault::host(FaultCode::Runtime, format!("the runtime of connectors cannot start here: {why}"))
}

/// What ends a guest that runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meter {
    /// The clock: a connector waits for targets, and its time is the operator's matter.
    Epoch,
    /// Counted instructions: the same arguments end the same way on every machine.
    Fuel,
}

impl Meter {
    /// The profile in words; its digest is part of every compiled file's version.
    const fn profile(self) -> &'static str {
        match self {
            Meter::Epoch => {
                "cranelift speed epoch nan-canonical no:threads,memory64,gc,exceptions,relaxed-simd,cm-async 2"
            }
            Meter::Fuel => {
                "cranelift speed fuel nan-canonical no:threads,memory64,gc,exceptions,relaxed-simd,cm-async 2"
            }
        }
    }
}

fn engine(allocation: InstanceAllocationStrategy, meter: Meter) -> wasmtime::Result<Engine> {
    let off = WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::GC
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::CM_ASYNC;
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(meter == Meter::Epoch)
        .consume_fuel(meter == Meter::Fuel)
        .wasm_features(off, false)
        // Never off: wasmtime aborts on a nested component without it.
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(32))
        // Of what broke, the functions are named; tables of the places in them, a tenth of the file, nobody reads.
        .generate_address_map(false)
        .native_unwind_info(false)
        .max_wasm_stack(512 * 1024)
        .async_stack_size(2 * MIB)
        .memory_init_cow(true)
        .allocation_strategy(allocation)
        .module_version(ModuleVersionStrategy::Custom(module_version(meter)))?;
    Engine::new(&config)
}

/// Wasmtime's own check sees only its major version; this sees the patch and the profile.
fn module_version(meter: Meter) -> String {
    let profile = Digest::of(meter.profile().as_bytes()).to_string();
    format!("cs-{WASMTIME}-{}", profile.get(..16).unwrap_or_default())
}

/// The exact version in `Cargo.lock`; a test compares the two.
pub(crate) const WASMTIME: &str = "48.0.8";

/// Changes with anything that compiled code depends on.
fn runtime_id(engine: &Engine, meter: Meter) -> String {
    use std::hash::{Hash, Hasher};
    #[expect(deprecated, reason = "a hasher whose result is the same in every process; it guards no secret")]
    let mut hasher = std::hash::SipHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}", module_version(meter), hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_code_is_bound_to_the_locked_wasmtime() {
        let lock = include_str!("../../../Cargo.lock");
        let locked = format!("name = \"wasmtime\"\nversion = \"{WASMTIME}\"");
        assert!(lock.contains(&locked), "set `WASMTIME` to the version of Cargo.lock");
    }

    #[test]
    fn the_runtime_id_is_the_same_for_two_engines() {
        let one = engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).expect("it starts");
        let two = engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).expect("it starts");
        assert_eq!(runtime_id(&one, Meter::Epoch), runtime_id(&two, Meter::Epoch));
        assert_ne!(runtime_id(&one, Meter::Epoch), runtime_id(&one, Meter::Fuel));
        assert!(runtime_id(&one, Meter::Epoch).starts_with("cs-48.0.8-"));
    }
}
