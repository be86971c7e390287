//! The dashboard that is handed out asks for nothing that a host does not say: each name and each label of its queries
//! stands on the page of a real host that has done something.

use super::load::{Load, acknowledge};
use super::scene::Scene;
use super::{SEED, nothing_lost, under_load};
use anyhow::{Context as _, Result, ensure};
use countersign::standin::faults::Mix;
use countersign_tests::servers::http;
use countersign_tests::world::root;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Refunds that are asked for.
const REFUNDS: usize = 4;
/// What a histogram, a counter and a gauge of OpenMetrics add to their name.
const ENDINGS: [&str; 5] = ["_bucket", "_sum", "_count", "_total", ""];
/// Words of a query that are neither a metric nor a label.
const WORDS: [&str; 7] = ["sum", "by", "increase", "rate", "histogram_quantile", "without", "max_over_time"];

/// What is said of trouble and of what comes later, and so is not there of a host that is well: the reference alone says
/// which labels it has. `metrics.rs` of the suite of the API and `watched.rs` beside this see most of them move.
const TROUBLES: [&str; 7] = [
    "countersign_exceptions_open",
    "countersign_exceptions_opened_total",
    "countersign_reconciliation_lag_seconds",
    "countersign_connector_traps_total",
    "countersign_egress_denied_total",
    "countersign_problems_total",
    "countersign_notices_total",
];

/// What a query asks for: each metric with the labels that are chosen of it, and the labels by which is summed or named.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    metrics: BTreeMap<String, BTreeSet<String>>,
    by: BTreeSet<String>,
}

/// Reads a query word by word; texts in quotes and numbers with a unit are no words.
fn asked(query: &str, legend: &str) -> Asked {
    let mut asked = Asked::default();
    let parts: Vec<&str> = query.split('"').step_by(2).collect();
    let plain = parts.join(" ");
    let (mut within, mut metric) = (None, String::new());
    let mut word = String::new();
    for letter in plain.chars().chain([' ']) {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            word.push(letter);
            continue;
        }
        let whole = std::mem::take(&mut word);
        let is_name = whole.starts_with(|first: char| first.is_ascii_lowercase());
        if whole.starts_with("countersign_") {
            metric = whole;
            asked.metrics.entry(metric.clone()).or_default();
        } else if is_name && within == Some('{') {
            asked.metrics.entry(metric.clone()).or_default().insert(whole);
        } else if is_name && !WORDS.contains(&whole.as_str()) && within != Some('[') {
            asked.by.insert(whole);
        }
        match letter {
            '{' | '[' => within = Some(letter),
            '}' | ']' => within = None,
            _ => {}
        }
    }
    let named = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    asked.by.extend(named.map(str::to_owned));
    asked
}

/// The labels of each metric, as its page has them; none where nothing of it happened.
fn said(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            said.entry(typed.split(' ').next().unwrap_or_default().to_owned()).or_default();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let labels = line.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
            let labels = labels.map_or("", |(labels, _)| labels).split("\",");
            let labels = labels.filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
            said.entry(name.to_owned()).or_default().extend(labels);
        }
    }
    said
}

/// The labels that the reference gives a metric.
fn documented(reference: &str, metric: &str) -> Option<BTreeSet<String>> {
    let name = ENDINGS.iter().find_map(|ending| {
        let plain = metric.strip_suffix(ending)?;
        [plain.to_owned(), format!("{plain}_total")]
            .into_iter()
            .find(|name| reference.contains(&format!("`{name}`")))
    })?;
    let first = |line: &&str| line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{name}`")));
    let row = reference.lines().find(first)?;
    let mut labels: BTreeSet<String> =
        row.split('|').nth(3)?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    if row.split('|').nth(3)?.contains("the same") {
        // As the row above it says.
        labels.extend(["type", "kind", "connection", "outcome"].map(str::to_owned));
    }
    if metric.ends_with("_bucket") {
        labels.insert("le".to_owned());
    }
    Some(labels)
}

/// Every query of the dashboard with its legend.
fn queries(dashboard: &Json) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let text = |target: &Json, name: &str| target[name].as_str().unwrap_or_default().to_owned();
    targets.map(|target| (text(target, "expr"), text(target, "legendFormat"))).collect()
}

/// What a dashboard asks for that a page does not say.
fn missing(dashboard: &Json, page: &str, reference: &str) -> Vec<String> {
    let said = said(page);
    let mut missing = Vec::new();
    for (query, legend) in queries(dashboard) {
        let Asked { metrics, by } = asked(&query, &legend);
        if metrics.is_empty() {
            missing.push(format!("`{query}` asks for no metric"));
        }
        for (metric, chosen) in metrics {
            let is_said = ENDINGS
                .iter()
                .any(|ending| metric.strip_suffix(ending).is_some_and(|name| said.contains_key(name)));
            if !is_said && !TROUBLES.iter().any(|trouble| metric.starts_with(trouble)) {
                missing.push(format!("`{metric}` of `{query}` is said by no host"));
                continue;
            }
            let series = said.get(&metric).filter(|labels| !labels.is_empty());
            let known = documented(reference, &metric);
            let Some(known) = known else {
                missing.push(format!("`{metric}` of `{query}` does not stand in the reference"));
                continue;
            };
            for label in chosen.iter().chain(&by) {
                if !known.contains(label) || series.is_some_and(|series| !series.contains(label)) {
                    missing.push(format!(
                        "`{metric}` of `{query}` has no label `{label}`: {known:?}, {series:?}"
                    ));
                }
            }
        }
    }
    missing
}

#[test]
fn the_dashboard_asks_only_for_what_a_host_says() -> Result<()> {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned());
    let dashboard: Json = serde_json::from_str(&read("host/packaging/grafana.json")?)?;
    let reference = read("host/docs/metrics.md")?;
    ensure!(20 < queries(&dashboard).len(), "it has its queries");
    let mut scene = Scene::set(SEED, Mix::calm(), 10 * REFUNDS)?;
    let address = format!("{}/metrics", scene.host.watched()?);
    scene.host.start()?;
    let load = Load::default();
    let mut page = String::new();
    under_load(&mut scene, &load, |_, load| {
        acknowledge(load, REFUNDS)?;
        super::load::until("something was written", || {
            page = http::get(&address, &[])?.text();
            Ok(page.contains("outcome=\"landed\""))
        })?;
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    let faults = missing(&dashboard, &page, &reference);
    ensure!(faults.is_empty(), "{faults:#?}\n{page}");
    // What is misspelt is seen.
    for (right, wrong) in [
        ("countersign_decisions_total", "countersign_decision_total"),
        ("by (by, outcome)", "by (who, outcome)"),
        ("outcome=\\\"landed\\\"", "result=\\\"landed\\\""),
        ("{{connection}} {{outcome}}", "{{target}} {{outcome}}"),
    ] {
        let text = dashboard.to_string();
        ensure!(text.contains(right), "{right}");
        let misspelt: Json = serde_json::from_str(&text.replacen(right, wrong, 1))?;
        ensure!(!missing(&misspelt, &page, &reference).is_empty(), "`{wrong}` is not seen");
    }
    Ok(())
}
