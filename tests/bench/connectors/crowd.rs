//! A thousand calls at once to one connector.

use super::{SHIPPED, Shipped, asked, component, connection, delivery, told};
use crate::figures::{Report, millis, percentile};
use crate::yardstick::bench_folder;
use anyhow::Result;
use countersign_tests::world::runtime;
use std::time::Instant;

/// Calls at once.
const CALLS: usize = 1_000;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(super) async fn run(report: &mut Report) -> Result<()> {
    for Shipped { language, system, .. } in &SHIPPED {
        let folder = tempfile::tempdir_in(bench_folder())?;
        let host = runtime(&folder.path().join("connectors"))?;
        host.install(component(system)?).await?;
        host.connect(connection(system, folder.path())?)?;
        let told = told(system)?;
        let delivery = delivery(&told)?;
        let began = Instant::now();
        let calls = (0..CALLS).map(|_| async {
            asked(&host, &delivery, &told).await?;
            anyhow::Ok(began.elapsed())
        });
        let mut ends = futures::future::try_join_all(calls).await?;
        ends.sort();
        report.row(
            &format!("{language}: {CALLS} calls at once, all answered"),
            millis(percentile(&ends, 100)),
            format!("half of them by {}; bar: all are answered", millis(percentile(&ends, 50))),
        );
    }
    Ok(())
}
