//! What connectors did and what left the host, counted for whoever watches over it. Labels are names of the host's own:
//! nothing that a connector or a target chooses becomes one.

use countersign_core::effect::attempt::{Ended, Failure};
use countersign_core::id::ConnectionName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use tokio::time::Instant;

/// Ends of the buckets of the time of a call, in seconds: from what sends nothing to the longest deadline.
const CALL_SECONDS: [f64; 12] = [0.000_25, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// Code of a failure for an answer that cannot be used.
pub(crate) const UNUSABLE: &str = "unusable-answer";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    connection: String,
    export: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Broke {
    connector: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    connection: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Denied {
    connection: String,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    connection: String,
}

/// All that this crate counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    calls: Family<Called, Histogram, fn() -> Histogram>,
    broke: Family<Broke, Counter>,
    requests: Family<Sent, Counter>,
    denied: Family<Denied, Counter>,
    unwritten: Family<Of, Gauge>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            calls: Family::new_with_constructor(|| Histogram::new(CALL_SECONDS)),
            broke: Family::default(),
            requests: Family::default(),
            denied: Family::default(),
            unwritten: Family::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Time of calls of connectors, with all that they waited for";
        registry.register_with_unit("connector_call", help, Unit::Seconds, self.calls.clone());
        registry.register("connector_traps", "Calls that a connector broke, by how", self.broke.clone());
        let help =
            "Requests of connectors that the gate let out, by the class of the answer or why there was none";
        registry.register("egress_requests", help, self.requests.clone());
        let help = "Requests of connectors that the gate did not let out, by why";
        registry.register("egress_denied", help, self.denied.clone());
        let help = "Refresh tokens that a provider gave and that are not in their file: a stop of the host would lose them";
        registry.register("credential_unwritten", help, self.unwritten.clone());
    }

    /// Runs one call of an export, and counts how long it took and whether it broke.
    pub(crate) async fn call<T>(
        &self,
        (connection, connector): (&ConnectionName, String),
        export: &'static str,
        work: impl Future<Output = Ended<T>>,
    ) -> Ended<T> {
        let began = Instant::now();
        let ended = work.await;
        let labels = Called { connection: connection.to_string(), export };
        self.calls.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
        if let Ended::Broke(broke) = &ended {
            self.broke.get_or_create(&Broke { connector, kind: broke.kind.as_str() }).inc();
        }
        ended
    }
}

/// What counts the requests of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connection: String,
}

impl Tally {
    /// A refresh token is held that is not in its file, or is there now.
    pub(crate) fn unwritten(&self, is_unwritten: bool) {
        let gauge = self.metrics.unwritten.get_or_create_owned(&Of { connection: self.connection.clone() });
        if is_unwritten {
            gauge.inc()
        } else {
            gauge.dec()
        };
    }

    /// A request was answered with this status, or not: each failure is the gate's own, and so is its code.
    pub(crate) fn request(&self, answer: Result<u16, &Failure>) {
        let connection = self.connection.clone();
        let outcome = match answer {
            Ok(429) => "429".to_owned(),
            Ok(status) => format!("{}xx", status / 100),
            // It was sent and answered: what came is of no use.
            Err(Failure::Rejected { detail, .. }) if detail.code == UNUSABLE => detail.code.clone(),
            Err(Failure::Denied(detail) | Failure::Rejected { detail, .. }) => {
                let labels = Denied { connection, reason: detail.code.clone() };
                self.metrics.denied.get_or_create(&labels).inc();
                return;
            }
            Err(
                Failure::Transient { detail, .. }
                | Failure::Conflict { detail, .. }
                | Failure::Uncertain(detail),
            ) => detail.code.clone(),
        };
        self.metrics.requests.get_or_create(&Sent { connection, outcome }).inc();
    }
}
