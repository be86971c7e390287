//! Gauges: what stands open now, counted in the index and at the connections.

use super::Connected;
use crate::count::each;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{OPEN_LOOK_MS, OPEN_LOOK_SHARE, OPEN_ROWS_MAX};
use crate::row::{AMISS, EXCEPTION_OPEN, Summary, UNKNOWN};
use countersign_core::time::Millis;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// What kind of thing is open, of intents of a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct Kind {
    r#type: String,
    kind: &'static str,
}

/// Why exceptions are open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct Excepted {
    r#type: String,
    cause: String,
}

/// Why nothing is sent to a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Blocked {
    connection: String,
    cause: &'static str,
}

/// What stands open.
#[derive(Debug, Default)]
pub(crate) struct Open {
    items: Family<Kind, Gauge>,
    overdue: Family<Kind, Gauge>,
    exceptions: Family<Excepted, Gauge>,
    unknown: Family<Connected, Gauge>,
    amiss: Family<Connected, Gauge>,
    blocked: Family<Blocked, Gauge>,
    log_entries: Gauge,
    log_bytes: Gauge,
    syncs: Gauge,
    writable: Gauge,
    looked: Mutex<Option<Looked>>,
}

/// When it was last counted, and how long that took; both by how much time has passed.
#[derive(Debug, Clone, Copy)]
struct Looked {
    at: Millis,
    took: Millis,
}

impl Looked {
    /// Whether it is new enough, or counting again would cost more than the index is to bear.
    fn is_enough(self, passed: Millis) -> bool {
        let rest = OPEN_LOOK_MS.max(self.took.0.saturating_mul(OPEN_LOOK_SHARE));
        passed.0.saturating_sub(self.at.0) < rest
    }
}

impl Open {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "open_items",
            "Intents that are not closed, by where they stand, and those with an open exception",
            self.items.clone(),
        );
        let help =
            "Those of the open items that were missed by whoever was asked first, and are their backup's now";
        registry.register("overdue_items", help, self.overdue.clone());
        registry.register("exceptions_open", "Exceptions that are open", self.exceptions.clone());
        let help = "Intents with a write of which nobody knows whether it landed";
        registry.register("unknown_outcomes", help, self.unknown.clone());
        let help = "Intents with a landed write that its target does not hold any more, and an open exception about it";
        registry.register("drift_open", help, self.amiss.clone());
        let help = "1 while nothing is sent to a connection, and why";
        registry.register("connection_blocked", help, self.blocked.clone());
        registry.register("log_entries", "Entries of the log", self.log_entries.clone());
        registry.register("log_bytes", "Bytes of the log on disk", self.log_bytes.clone());
        let help = "How often stable storage was asked to sync since the start";
        registry.register("store_syncs", help, self.syncs.clone());
        registry.register("store_writable", "1 while the log takes entries, else 0", self.writable.clone());
    }
}

/// The kind of what has an open exception, wherever it stands.
const EXCEPTION: &str = "exception";

/// States of intents that are not closed.
const STATES: [&str; 5] = ["preparing", "unsettled", "seated", "returned", "executing"];

impl Inner {
    /// Counts what stands open, unless that was done a moment ago.
    ///
    /// # Errors
    /// Those of the store; then the gauges stay as they were.
    pub(crate) async fn look_at_open(&self) -> Result<(), Fault> {
        let open = &self.metrics.open;
        self.look_at_store();
        // Somebody counts already: the gauges say it in a moment.
        let Ok(mut looked) = open.looked.try_lock() else { return Ok(()) };
        let began = self.clock.passed();
        if looked.is_some_and(|looked| looked.is_enough(began)) {
            return Ok(());
        }
        self.count_items().await?;
        self.count_by_connection().await?;
        let at = self.clock.passed();
        *looked = Some(Looked { at, took: Millis(at.0.saturating_sub(began.0)) });
        Ok(())
    }

    fn look_at_store(&self) {
        let (open, health) = (&self.metrics.open, self.store.health());
        open.writable.set(i64::from(health.writable.is_ok()));
        open.log_entries.set(whole(health.position.0));
        open.log_bytes.set(whole(health.bytes));
        open.syncs.set(whole(health.syncs));
    }

    async fn count_items(&self) -> Result<(), Fault> {
        let (mut items, mut overdue) = (BTreeMap::new(), BTreeMap::new());
        let mut exceptions: BTreeMap<Excepted, i64> = BTreeMap::new();
        let kinds =
            STATES.map(|state| (("state", state), state)).into_iter().chain([(EXCEPTION_OPEN, EXCEPTION)]);
        for (label, kind) in kinds {
            let mut rows = 0_usize;
            each(&*self.store, &[label], |row| {
                rows = rows.saturating_add(1);
                if let Some(summary) = counted(&row.row.summary) {
                    let of = Kind { r#type: summary.intent_type.clone(), kind };
                    let by_exception = kind == EXCEPTION;
                    let missed = if by_exception { summary.exception_missed } else { summary.seat_missed };
                    if missed {
                        add(&mut overdue, of.clone(), 1);
                    }
                    add(&mut items, of, 1);
                    if by_exception {
                        for (cause, count) in &summary.exceptions {
                            let of = Excepted { r#type: summary.intent_type.clone(), cause: cause.clone() };
                            add(&mut exceptions, of, i64::from(*count));
                        }
                    }
                }
                OPEN_ROWS_MAX <= rows
            })
            .await?;
        }
        let open = &self.metrics.open;
        open.items.clear();
        open.overdue.clear();
        for (of, count) in items {
            open.overdue.get_or_create(&of).set(overdue.get(&of).copied().unwrap_or(0));
            open.items.get_or_create(&of).set(count);
        }
        set(&open.exceptions, exceptions);
        Ok(())
    }

    async fn count_by_connection(&self) -> Result<(), Fault> {
        let open = &self.metrics.open;
        let (mut unknown, mut amiss, mut blocked) = (Vec::new(), Vec::new(), Vec::new());
        for connection in self.connectors.connections() {
            let name = &connection.name;
            let labels = Connected { connection: name.to_string() };
            for (label, counts) in [(UNKNOWN, &mut unknown), (AMISS, &mut amiss)] {
                let mut rows = 0_usize;
                each(&*self.store, &[(label, name.as_str())], |_| {
                    rows = rows.saturating_add(1);
                    OPEN_ROWS_MAX <= rows
                })
                .await?;
                counts.push((labels.clone(), i64::try_from(rows).unwrap_or(i64::MAX)));
            }
            for (cause, stands) in self.blocked(&connection).await? {
                let labels = Blocked { connection: name.to_string(), cause };
                blocked.push((labels, i64::from(stands)));
            }
        }
        set(&open.unknown, unknown);
        set(&open.amiss, amiss);
        set(&open.blocked, blocked);
        Ok(())
    }
}

/// What a row says of an intent, unless it is a trial.
fn counted(summary: &[u8]) -> Option<Summary> {
    serde_json::from_slice::<Summary>(summary).ok().filter(|summary| !summary.trial)
}

fn add<K: Ord>(counts: &mut BTreeMap<K, i64>, of: K, more: i64) {
    let count = counts.entry(of).or_default();
    *count = count.saturating_add(more);
}

/// Puts these figures in the place of the earlier ones.
fn set<L>(family: &Family<L, Gauge>, figures: impl IntoIterator<Item = (L, i64)>)
where
    L: Clone + std::hash::Hash + Eq,
{
    family.clear();
    for (labels, figure) in figures {
        family.get_or_create(&labels).set(figure);
    }
}

fn whole(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_to_count_is_counted_seldom() {
        let looked = |took| Looked { at: Millis(1_000), took: Millis(took) };
        assert!(looked(0).is_enough(Millis(4_999)) && !looked(0).is_enough(Millis(5_000)));
        // 2.4 s of counting: not again for 48 s.
        assert!(looked(2_400).is_enough(Millis(48_999)) && !looked(2_400).is_enough(Millis(49_000)));
    }
}
