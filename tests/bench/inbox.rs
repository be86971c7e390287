//! How long the inbox of somebody with 50 rows takes, from request to whole answer on this machine; beside it a request
//! that renders nothing, the list of all intents, and the views of the same 50 intents, of which it was made once.

use crate::figures::{Report, micros, percentile};
use crate::world::{SMALL, Setup, World};
use anyhow::Context as _;
use countersign_core::id::PersonId;
use countersign_engine::port::store::Query;
use countersign_server::api::view::IntentView;
use countersign_server::api::view::intent::Looking;
use countersign_server::password::hashed;
use countersign_server::{PasswordEntry, Passwords, SignIn};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of the inbox: a page of them.
const ROWS: usize = 50;
/// How often each page is asked for, unless `INBOX_TURNS` says otherwise.
const TURNS: usize = 1_000;
/// Whose inbox it is.
const PERSON: &str = "sales-manager-1";
const PASSWORD: &str = "a long enough password";

fn turns() -> usize {
    std::env::var("INBOX_TURNS").ok().and_then(|text| text.parse().ok()).unwrap_or(TURNS)
}

/// Somebody who is signed in at a host on which so much waits for them; their cookie.
async fn host() -> anyhow::Result<(World, String)> {
    let passwords = Passwords::default();
    let argon2id = hashed(PASSWORD).map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
    let entry = PasswordEntry { person: PersonId::parse(PERSON)?, argon2id };
    passwords.replace(vec![entry]).map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
    let sign_in = SignIn { passwords: Arc::new(passwords), ..SignIn::default() };
    let world = World::of(Setup { sign_in, ..Setup::default() }).await;
    for number in 0..ROWS {
        world.submitted(&format!("k-{number}"), SMALL).await;
    }
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let form = format!("person={PERSON}&password={}", PASSWORD.replace(' ', "+"));
    let answer = world.send("", "POST", "/sign-in", &headers, &form).await;
    let cookie = answer.header("set-cookie").split(';').next().context("a cookie")?.to_owned();
    Ok((world, cookie))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn timed(world: &World, cookie: &str, path: &str) -> anyhow::Result<(Duration, usize)> {
    let begun = Instant::now();
    let answer = world.send("", "GET", path, &[("cookie", cookie)], "").await;
    let took = begun.elapsed();
    anyhow::ensure!(answer.status == 200, "{path}: {}", answer.status);
    Ok((took, answer.bytes.len()))
}

/// The whole views of what waits for somebody.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn views(world: &World) -> anyhow::Result<Duration> {
    let person = PersonId::parse(PERSON)?;
    let labels = BTreeMap::from([("seat".to_owned(), PERSON.to_owned())]);
    let begun = Instant::now();
    let page = world.engine.list(Query { labels, after: None, limit: ROWS }).await?;
    let rulebook = world.engine.rulebook();
    let mut all = Vec::with_capacity(ROWS);
    for row in &page.rows {
        let approval = world.engine.read(row.stream.parse()?).await?.approval;
        let looking = Looking { person: &person, rulebook: &rulebook, now: world.engine.now() };
        all.extend(IntentView::of(&approval, looking));
    }
    let took = begun.elapsed();
    anyhow::ensure!(all.len() == ROWS, "{} views", all.len());
    Ok(took)
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (world, cookie) = host().await?;
        let pages = ["/livez", "/intents", "/inbox"];
        let mut times = pages.map(|_| Vec::with_capacity(turns()));
        let mut bytes = pages.map(|_| 0);
        let mut whole = Vec::with_capacity(turns());
        // One after the other in each turn, so that what the machine does beside it meets all alike.
        for _ in 0..turns() {
            for ((path, times), bytes) in pages.iter().zip(&mut times).zip(&mut bytes) {
                let (took, length) = timed(&world, &cookie, path).await?;
                times.push(took);
                *bytes = length;
            }
            whole.push(views(&world).await?);
        }
        whole.sort();
        times.iter_mut().for_each(|times| times.sort());
        let median = |times: &[Duration]| percentile(times, 50);
        let empty = times.first().map(|times| median(times)).unwrap_or_default();
        for ((path, times), bytes) in pages.iter().zip(&times).zip(bytes) {
            let ratio = median(times).as_secs_f64() / empty.as_secs_f64();
            report.row(
                &format!("GET {path}, {ROWS} rows, median"),
                micros(median(times)),
                format!("p99 {}; {ratio:.1} x `/livez`; {bytes} bytes", micros(percentile(times, 99))),
            );
        }
        let ratio = median(&whole).as_secs_f64() / empty.as_secs_f64();
        report.row(
            &format!("{ROWS} whole views, median"),
            micros(median(&whole)),
            format!("p99 {}; {ratio:.1} x `/livez`", micros(percentile(&whole, 99))),
        );
        Ok(())
    })
}
