//! A build takes another one's place while attempts go on.

use super::component;
use super::gate::Attempts;
use crate::effects::Sink;
use crate::figures::{Report, micros, percentile};
use crate::sandbox::webhook_connection;
use crate::yardstick::bench_folder;
use anyhow::Result;
use countersign_core::connector::{OnRecord, Serving};
use countersign_core::id::ConnectorId;
use countersign_engine::port::catalogue::Catalogue as _;
use countersign_tests::world::runtime;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Swaps; the one in the middle counts.
const SWAPS: usize = 9;
/// What is looked at before a swap, and from it on.
const WINDOW: Duration = Duration::from_secs(1);
/// Callers at one time: less than the machine could bear, so that a swap is seen and not the queue.
const CALLERS: usize = 4;

/// A component with a section more that nobody reads: another build of the same.
fn other_build(component: &[u8]) -> Vec<u8> {
    // A custom section: its kind, its length, the length of its name, the name.
    [component, b"\0\x06\x05again"].concat()
}

/// Attempts: when each began, how long it took, and whether it landed.
type Seen = Vec<(Instant, Duration, bool)>;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(super) async fn run(report: &mut Report) -> Result<()> {
    let sink = Sink::start()?;
    let folder = tempfile::tempdir_in(bench_folder())?;
    let host = Arc::new(runtime(folder.path())?);
    let first = component("webhook")?;
    let builds = [host.install(other_build(&first)).await?.digest, host.install(first).await?.digest];
    host.connect(webhook_connection("sink", sink.port)?)?;
    let attempts = Arc::new(Attempts::planned(&host, "sink").await?);
    let goes_on = Arc::new(AtomicBool::new(true));
    let callers = (0..CALLERS).map(|caller| {
        let (host, attempts, goes_on) = (Arc::clone(&host), Arc::clone(&attempts), Arc::clone(&goes_on));
        tokio::spawn(async move {
            let (mut seen, mut number) = (Seen::new(), u128::try_from(caller)? << 64);
            while goes_on.load(Ordering::Relaxed) {
                let began = Instant::now();
                let landed = attempts.attempt(&host, number).await?;
                seen.push((began, began.elapsed(), landed));
                number += 1;
            }
            anyhow::Ok(seen)
        })
    });
    let callers: Vec<_> = callers.collect();
    let connector = ConnectorId::parse("countersign.webhook")?;
    let mut swaps = Vec::new();
    tokio::time::sleep(WINDOW).await;
    for swap in 0..SWAPS {
        tokio::time::sleep(WINDOW).await;
        let serving = Serving::by(builds[swap % 2]);
        let began = Instant::now();
        host.serve(&connector, &OnRecord { serving, ..OnRecord::default() });
        swaps.push((began, began.elapsed()));
        tokio::time::sleep(WINDOW).await;
    }
    goes_on.store(false, Ordering::Relaxed);
    let mut seen = Seen::new();
    for caller in callers {
        seen.extend(caller.await??);
    }
    shown(report, &seen, &swaps);
    Ok(())
}

fn shown(report: &mut Report, seen: &Seen, swaps: &[(Instant, Duration)]) {
    let p99 = |from: Instant| {
        let within = seen.iter().filter(|(began, ..)| from <= *began && *began < from + WINDOW);
        let mut times: Vec<_> = within.map(|(_, took, _)| *took).collect();
        times.sort();
        percentile(&times, 99)
    };
    let before_and_in = |&(swap, _): &(Instant, Duration)| (p99(swap - WINDOW), p99(swap));
    let mut pairs: Vec<_> = swaps.iter().map(before_and_in).collect();
    pairs.sort_by(|one, other| {
        let ratio = |(before, within): &(Duration, Duration)| within.as_secs_f64() / before.as_secs_f64();
        ratio(one).total_cmp(&ratio(other))
    });
    let (before, within) = pairs.get(pairs.len() / 2).copied().unwrap_or_default();
    let dropped = seen.iter().filter(|(.., landed)| !landed).count();
    let mut times: Vec<_> = swaps.iter().map(|(_, took)| *took).collect();
    times.sort();
    report.row(
        "attempts dropped by swaps under load",
        dropped.to_string(),
        format!("of {} over {SWAPS} swaps, {CALLERS} at one time; bar 0", seen.len()),
    );
    report.row(
        "p99 of attempts in the second of a swap",
        micros(within),
        format!(
            "the second before {}, ratio {}, the worst of all swaps {}; the swap itself {}; bar ratio 1.5",
            micros(before),
            super::ratio(within, before),
            pairs.last().map(|(before, within)| super::ratio(*within, *before)).unwrap_or_default(),
            micros(percentile(&times, 50)),
        ),
    );
}
