//! What the log counts, for whoever watches over it.

use crate::shared::Shared;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Ends of the buckets of the time of a sync, in seconds: from a disk that has a cache it can trust to one that hangs.
const SYNC_SECONDS: [f64; 11] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// All that this crate counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    syncs: Histogram,
    rebuilds: Counter,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics { syncs: Histogram::new(SYNC_SECONDS), rebuilds: Counter::default() }
    }
}

impl Metrics {
    pub(crate) fn register(&self, shared: &Arc<Shared>, registry: &mut Registry) {
        let help = "Time of a sync of the log, behind which commands are answered";
        registry.register_with_unit("store_sync", help, Unit::Seconds, self.syncs.clone());
        let help = "How often the index was built anew while the host ran";
        registry.register("store_index_rebuilds", help, self.rebuilds.clone());
        registry.register_collector(Box::new(Room { shared: Arc::clone(shared) }));
    }

    pub(crate) fn synced(&self, took: Duration) {
        self.syncs.observe(took.as_secs_f64());
    }

    pub(crate) fn rebuilt(&self) {
        self.rebuilds.inc();
    }
}

/// Measures the disk when somebody asks.
#[derive(Debug)]
struct Room {
    shared: Arc<Shared>,
}

impl Collector for Room {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let segments = &self.shared.segments;
        // What cannot be measured is not shown; that the log takes entries is said elsewhere.
        let Ok(free) = segments.disk().free_bytes(segments.folder()) else { return Ok(()) };
        let free = ConstGauge::new(i64::try_from(free).unwrap_or(i64::MAX));
        let help = "Free bytes on the disk of the log; below 67108864 it takes no entries";
        let unit = Some(&Unit::Bytes);
        free.encode(encoder.encode_descriptor("disk_free", help, unit, free.metric_type())?)
    }
}
