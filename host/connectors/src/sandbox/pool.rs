//! The pool that instances come from, and who has room in it.
//!
//! Wasmtime's pool does not wait when it is full: it refuses, in the middle of an instantiation, and nothing of that is
//! the connector's fault. So a call waits for room before it begins, and has it until its store is gone.

use super::{INSTANCES_MAX, MIB, TABLE_ELEMENTS_MAX};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::Component;
use wasmtime::{Enabled, PoolingAllocationConfig};

/// Memories and tables of one share of the pool: what every connector that we ship has enough of, in any language.
const MEMORIES_PER_SHARE: u32 = 3;
const TABLES_PER_SHARE: u32 = 4;

/// A pool of so many shares. Address space is reserved, not memory.
pub(super) fn config(shares: u32) -> PoolingAllocationConfig {
    let instances = u32::try_from(INSTANCES_MAX).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(shares)
        // They are counted, and nothing is reserved for them.
        .total_core_instances(shares.saturating_mul(instances))
        .total_memories(shares * MEMORIES_PER_SHARE)
        .total_tables(shares * TABLES_PER_SHARE)
        .total_stacks(shares)
        .max_memory_size(256 * MIB)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_core_instances_per_component(instances)
        .linear_memory_keep_resident(MIB)
        // Where the kernel can say which pages a guest wrote, only those are cleared.
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(64 * 1024);
    pool
}

/// The shares of a pool.
pub(crate) struct Pool {
    free: Arc<Semaphore>,
    shares: u32,
}

impl Pool {
    /// Those of an engine whose pool is [`config`] of as many.
    pub(super) fn of(shares: u32) -> Pool {
        let free = Arc::new(Semaphore::new(usize::try_from(shares).unwrap_or(Semaphore::MAX_PERMITS)));
        Pool { free, shares }
    }

    /// What a call of this component takes; `None` if the whole pool has less.
    pub(crate) fn room_for(&self, component: &Component) -> Option<Room> {
        // It is not known of a component that imports others, which no contract lets it do: that one waits for all.
        let takes = component.resources_required().map_or(self.shares, |needs| {
            let memories = needs.num_memories.div_ceil(MEMORIES_PER_SHARE);
            memories.max(needs.num_tables.div_ceil(TABLES_PER_SHARE)).max(1)
        });
        (takes <= self.shares).then(|| Room { free: Arc::clone(&self.free), takes })
    }
}

/// What each call of a component takes of the pool.
///
/// INVARIANT: a call takes it once, all at once, and while it has it, waits only for its target and for calls that have
/// room too. So whoever has room comes to an end by its own deadlines, and whoever waits for room waits for those.
pub(crate) struct Room {
    free: Arc<Semaphore>,
    takes: u32,
}

impl Room {
    /// Waits for it, in the order in which it was asked for: nobody but the calls that are let in, and what is being
    /// installed. It is taken until what this gives is dropped; who goes away while it waits takes nothing.
    pub(crate) async fn taken(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so a permit always comes.
        self.free.acquire_many(self.takes).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Class;
    use crate::sandbox::call::Guarded;
    use crate::sandbox::{CallState, Fate, Limits, Meter, Session, Turns, Who, engine};
    use countersign_core::effect::attempt::BreakKind;
    use countersign_core::hash::Digest;
    use countersign_core::time::Timestamp;
    use futures::FutureExt as _;
    use wasmtime::component::{InstancePre, Linker};
    use wasmtime::{Engine, InstanceAllocationStrategy};

    /// An engine with a pool of so many shares, and a component of so many memories and tables.
    fn of(shares: u32, memories: usize, tables: usize) -> (Engine, Component) {
        let pooled = InstanceAllocationStrategy::Pooling(config(shares));
        let engine = engine(pooled, Meter::Epoch).expect("it starts");
        let memory = "(core module $m (memory 1)) (core instance (instantiate $m))";
        let table = "(core module $t (table 1 funcref)) (core instance (instantiate $t))";
        let named = |text: &str, kind: &str, number| text.replace(kind, &format!("{kind}{number}"));
        let memories = (0..memories).map(|number| named(memory, "$m", number));
        let tables = (0..tables).map(|number| named(table, "$t", number));
        let text: String = memories.chain(tables).collect();
        let bytes = wat::parse_str(format!("(component {text})")).expect("it is a component");
        let component = Component::new(&engine, bytes).expect("it compiles");
        (engine, component)
    }

    fn session(engine: &Engine) -> Session {
        let who = Who { connector: "a".to_owned(), version: "1.0.0".to_owned(), connection: None };
        let fate = Fate { now: Timestamp(0), seed: Digest::of(b"") };
        let state = CallState::new(Arc::new(who), Limits::serving(Class::Small), fate, None);
        Session::open(engine, state, &Arc::new(Turns::of(2).pace()))
    }

    fn linked(engine: &Engine, component: &Component) -> InstancePre<CallState> {
        Linker::new(engine).instantiate_pre(component).expect("it imports nothing")
    }

    #[test]
    fn a_component_takes_as_many_shares_as_hold_its_memories_and_its_tables() {
        let check = |memories, tables, expected: Option<u32>| {
            let (_, component) = of(2, memories, tables);
            let takes = Pool::of(2).room_for(&component).map(|room| room.takes);
            assert_eq!(takes, expected, "{memories} memories, {tables} tables");
        };
        check(0, 0, Some(1));
        check(3, 4, Some(1));
        check(4, 1, Some(2));
        check(1, 5, Some(2));
        check(6, 8, Some(2));
        check(7, 1, None);
        check(1, 9, None);
    }

    #[tokio::test]
    async fn who_has_room_finds_it_and_the_next_one_waits_for_it() {
        let (engine, component) = of(2, 6, 8);
        let room = Pool::of(2).room_for(&component).expect("it fits");
        let linked = linked(&engine, &component);
        let taken = room.taken().await;
        let mut first = session(&engine);
        first.instance(&linked).await.expect("there is room for it");
        assert!(room.free.try_acquire().is_err(), "it has all there is");
        drop(first);
        drop(taken);
        let _taken = room.taken().await;
        session(&engine).instance(&linked).await.expect("there is room again");
    }

    #[test]
    fn who_waits_goes_first_and_who_goes_away_gives_back_what_it_had_of_it() {
        let (_, small) = of(2, 1, 1);
        let (_, large) = of(2, 6, 8);
        let pool = Pool::of(2);
        let small = pool.room_for(&small).expect("it fits");
        let large = pool.room_for(&large).expect("it fits");
        let taken = small.taken().now_or_never();
        assert!(taken.is_some(), "there is room");
        let mut waits = Box::pin(large.taken());
        assert!(waits.as_mut().now_or_never().is_none(), "half of it is taken");
        let mut behind = Box::pin(small.taken());
        assert!(
            behind.as_mut().now_or_never().is_none(),
            "who takes little does not overtake who takes much"
        );
        drop(waits);
        let behind = behind.as_mut().now_or_never();
        assert!(behind.is_some(), "what was kept for it is free");
        drop((taken, behind));
        assert!(large.taken().now_or_never().is_some(), "all of it is free");
    }

    #[tokio::test]
    async fn a_pool_that_is_full_all_the_same_is_not_called_the_connectors_fault() {
        let (engine, component) = of(1, 3, 0);
        let linked = linked(&engine, &component);
        let mut first = session(&engine);
        first.instance(&linked).await.expect("there is room for it");
        let mut second = session(&engine);
        let full = second.instance(&linked).await;
        let broke = second.close(Guarded::Ended(full)).expect_err("it is full");
        assert_eq!(broke.kind, BreakKind::Trap);
        assert!(broke.message.starts_with("connector `a` 1.0.0 found no room in the host: "), "{broke:?}");
        assert!(broke.message.ends_with("; report it to the makers of countersign"), "{broke:?}");
    }
}
