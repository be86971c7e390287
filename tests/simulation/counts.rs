//! What a host counts is what it put into the log: its metrics against a fold over the entries, which knows nothing of
//! them; and the figures of the book, against a second computation over the same entries.

use crate::history::{Broken, History};
use countersign_core::approval::event::Entry;
use countersign_core::id::IntentId;
use countersign_core::measure::Measures;
use countersign_engine::engine::Engine;
use countersign_engine::port::store::{Position, Store};
use countersign_tests::evidence;
use countersign_tests::measured::compare;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// The metrics of one host, and what the log held when it started.
#[derive(Debug)]
pub(crate) struct Counts {
    metrics: Registry,
    before: Measures,
}

/// What the log holds, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Before {
    upto: Position,
    measures: Measures,
}

impl Before {
    /// Reads on, before a host that is about to start puts more into it.
    pub(crate) async fn read_on(&mut self, disk: &dyn Store) {
        if disk.health().position < self.upto {
            // It has lost something.
            *self = Before::default();
        }
        for logged in disk.scan(Position(self.upto.0 + 1), usize::MAX).await.expect("it is read") {
            self.upto = logged.position;
            let Ok(intent) = logged.stream.parse::<IntentId>() else { continue };
            let entry: Entry = serde_json::from_slice(&logged.entry).expect("it is an entry");
            self.measures.add(intent, &entry);
        }
    }
}

impl Counts {
    /// Of a host that has just started on this.
    pub(crate) fn of(engine: &Engine, before: &Before) -> Counts {
        let mut metrics = Registry::default();
        engine.register_metrics(&mut metrics);
        Counts { metrics, before: before.measures.clone() }
    }

    /// The sum of a metric over all its labels, or over those that hold this one.
    fn sum(text: &str, metric: &str, label: &str) -> u64 {
        let is_of = |line: &&str| line.split(['{', ' ']).next() == Some(metric) && line.contains(label);
        let figure = |line: &str| line.rsplit(' ').next().and_then(|figure| figure.parse::<u64>().ok());
        text.lines().filter(is_of).map(|line| figure(line).expect("a count")).sum()
    }
}

/// Metric, label, and what it is in the fold.
type Row = (&'static str, &'static str, fn(&Measures) -> u64);

const ROWS: [Row; 9] = [
    ("intents_total", "outcome=\"submitted\"", |measures| measures.submitted),
    ("intents_total", "outcome=\"done\"", |measures| measures.done),
    ("intents_total", "outcome=\"withdrawn\"", |measures| measures.withdrawn),
    ("decisions_total", "by=\"policy\",outcome=\"approved\"", |measures| measures.approved_by_policy),
    ("attempts_total", "", |measures| measures.attempts),
    ("probes_total", "", |measures| measures.probes),
    ("reconciliations_total", "", |measures| measures.looks),
    ("exceptions_opened_total", "", |measures| measures.exceptions_opened),
    ("exceptions_closed_total", "", |measures| measures.exceptions_closed),
];

impl History {
    /// The book says of the whole log what the naive computation says, and populations say what its approvals say.
    pub(crate) fn measured(&self) -> Result<(), Broken> {
        let logged = self.block_on(self.disk.store().scan(Position(1), usize::MAX)).expect("it is read");
        let entries = logged.iter().filter_map(|logged| {
            let intent = logged.stream.parse::<IntentId>().ok()?;
            Some((intent, serde_json::from_slice::<Entry>(&logged.entry).expect("it is an entry")))
        });
        let entries: Vec<(IntentId, Entry)> = entries.collect();
        evidence::compare(&entries).map_err(|what| self.broken(what))?;
        compare(&entries, &self.engine().rulebook()).map_err(|what| self.broken(what))
    }

    /// The metrics of the host that runs are the counts of what it put into the log.
    pub(crate) fn counted(&self, counts: &Counts, measures: &Measures) -> Result<(), Broken> {
        let mut text = String::new();
        encode(&mut text, &counts.metrics).expect("it is written");
        for (metric, label, of) in ROWS {
            let (counted, logged) = (Counts::sum(&text, metric, label), of(measures) - of(&counts.before));
            if counted != logged {
                let what =
                    format!("`{metric}` with `{label}` is {counted}, and the log got {logged} of them");
                return Err(self.broken(what));
            }
        }
        Ok(())
    }
}
