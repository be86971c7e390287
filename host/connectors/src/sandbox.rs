//! The walls around one call: the engine's profile, the limits of each class, the clock that
//! interrupts. Every call gets a fresh store, so whatever breaks in it harms nothing else.

mod call;
mod inert;
mod state;

pub(crate) use call::{NotAllowed, Outcome, Session, guard};
pub(crate) use inert::Fate;
pub(crate) use state::{CallState, Level, MemoryMeter, Who};

use crate::fault::{ConnectorFault, FaultCode};
use crate::manifest::Class;
use countersign_core::hash::Digest;
use std::num::NonZeroUsize;
use std::time::Duration;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, ModuleVersionStrategy, OptLevel,
    PoolingAllocationConfig, Strategy, WasmFeatures,
};

/// How often the epoch moves: the finest grain of an interruption.
const TICK_MS: u64 = 10;

/// Ticks after which a guest that runs on lets other tasks run (100 ms).
pub(crate) const YIELD_TICKS: u64 = 10;

/// Calls at one time. A pool twice as large leaves room for stores that are being dropped.
pub(crate) const CALLS_MAX: u32 = 64;

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
    /// The same where fuel is counted instead.
    pub(crate) fuel: u64,
    /// Time of the whole call.
    pub(crate) wall: Duration,
}

impl Limits {
    pub(crate) const fn of(class: Class) -> Limits {
        let (memory_mib, guest_ms) = match class {
            Class::Small => (32, 200),
            Class::Medium => (128, 1_000),
            Class::Large => (256, 5_000),
        };
        Limits {
            memory_bytes: memory_mib * MIB,
            guest: Duration::from_millis(guest_ms),
            fuel: guest_ms * FUEL_PER_MS,
            wall: Duration::from_millis(WALL_MS),
        }
    }
}

/// The engine with its profile, and the thread that moves its epoch.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    /// Names everything that compiled code depends on: the version of wasmtime, the profile, the CPU.
    pub(crate) runtime_id: String,
    /// Whether instances come from a pool.
    pub(crate) pooled: bool,
}

impl Sandbox {
    /// Starts the engine. Tries a pool first and falls back to memory on demand, with a warning.
    pub(crate) fn start() -> Result<Sandbox, ConnectorFault> {
        let (engine, pooled) = match engine(InstanceAllocationStrategy::Pooling(pool()), Meter::Epoch) {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::warn!(
                    blame = "host",
                    error = %crate::package::one_line(&format!("{error:#}")),
                    "no pool of instances on this machine; each call maps its own memory, which is slower"
                );
                (engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).map_err(cannot_start)?, false)
            }
        };
        let runtime_id = runtime_id(&engine, Meter::Epoch);
        let weak = engine.weak();
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
        Ok(Sandbox { engine, runtime_id, pooled })
    }

    /// The engine of whoever only compiles: no pool, whose address space is larger than that process may have.
    pub(crate) fn for_compiling() -> Result<Sandbox, ConnectorFault> {
        let engine = engine(InstanceAllocationStrategy::OnDemand, Meter::Epoch).map_err(cannot_start)?;
        let runtime_id = runtime_id(&engine, Meter::Epoch);
        Ok(Sandbox { engine, runtime_id, pooled: false })
    }

    /// The engine of whoever counts: fuel instead of a clock, memory on demand. Policy components run on it, and the
    /// connectors whose cost is measured; no connector serves on it, which would take two to three times as long.
    pub(crate) fn counting() -> Result<Sandbox, ConnectorFault> {
        let engine = engine(InstanceAllocationStrategy::OnDemand, Meter::Fuel).map_err(cannot_start)?;
        let runtime_id = runtime_id(&engine, Meter::Fuel);
        Ok(Sandbox { engine, runtime_id, pooled: false })
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
                "cranelift speed epoch nan-canonical no:threads,memory64,gc,exceptions,relaxed-simd,cm-async 1"
            }
            Meter::Fuel => {
                "cranelift speed fuel nan-canonical no:threads,memory64,gc,exceptions,relaxed-simd,cm-async 1"
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

/// A pool for [`CALLS_MAX`] calls at a time. Address space is reserved, not memory.
fn pool() -> PoolingAllocationConfig {
    let stores = CALLS_MAX * 2;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(stores)
        .total_core_instances(stores * 40)
        .total_memories(stores * 3)
        .total_tables(stores * 4)
        .total_stacks(stores)
        .max_memory_size(256 * MIB)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_core_instances_per_component(64)
        .linear_memory_keep_resident(MIB)
        // Where the kernel can say which pages a guest wrote, only those are cleared.
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(64 * 1024);
    pool
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
