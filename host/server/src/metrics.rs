//! What this server answered, counted, and the page that a scraper reads: everything that the host counts, in the text
//! format of OpenMetrics 1.0.

use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;
use tokio::sync::oneshot;

/// The media type of the page.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Ends of the buckets of the time to answer, in seconds: up to the longest wait that a caller may ask for.
const ANSWER_SECONDS: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How long a scraper waits for a count of what stands open, in milliseconds.
const COUNT_MS_MAX: u64 = 2_000;

/// Which route was answered how. A route is a row of the router, never what a caller wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: &'static str,
}

/// All that this crate counts.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    answers: Family<Answered, Histogram, fn() -> Histogram>,
    problems: Family<Refused, Counter>,
}

impl Metrics {
    /// Counts from zero, into this registry.
    pub(crate) fn within(registry: &mut Registry) -> Metrics {
        let metrics = Metrics {
            answers: Family::new_with_constructor(|| Histogram::new(ANSWER_SECONDS)),
            problems: Family::default(),
        };
        let help = "Time from a whole head of a request to its answer";
        registry.register_with_unit("http", help, Unit::Seconds, metrics.answers.clone());
        registry.register("problems", "Requests that were not done, by code", metrics.problems.clone());
        metrics
    }

    /// A request by this method, for this row of the router if it has one, was answered.
    pub(crate) fn answered(&self, method: &str, route: Option<&str>, status: u16, took: Duration) {
        let method =
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method);
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        let route = route.unwrap_or("none").to_owned();
        let labels = Answered { method: method.unwrap_or("other"), route, class };
        self.answers.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A request was not done.
    pub(crate) fn refused(&self, problem: &Problem) {
        self.problems.get_or_create(&Refused { code: problem.code().code }).inc();
    }
}

/// Everything that is counted.
pub(crate) async fn show(State(host): State<Host>) -> Response {
    let (counted, count) = oneshot::channel();
    let engine = host.engine.clone();
    // A task of its own: a scraper that goes away must not have it begun anew each time.
    host.tasks.start(async move {
        if let Err(fault) = engine.look_at_open().await {
            // What is counted as it happens is still right; an alarm about the store is among it.
            tracing::warn!(%fault, blame = "host", "what stands open could not be counted");
        }
        let _ = counted.send(());
    });
    // Where it takes longer the gauges say what they said.
    let _ = tokio::time::timeout(Duration::from_millis(COUNT_MS_MAX), count).await;
    let mut text = String::new();
    match encode(&mut text, &host.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fault) => {
            tracing::error!(%fault, blame = "host", "the metrics cannot be written");
            Problem::bug().into_response()
        }
    }
}
