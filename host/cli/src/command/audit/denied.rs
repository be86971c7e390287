//! `countersign audit denied`: what people and machines tried and may not do.

use super::Global;
use crate::client::{self, Client};
use crate::exit;
use crate::output::{self, Table};
use anyhow::Result;
use countersign_server::api::view::{DeniedView, Listed};
use std::process::ExitCode;

/// Prints the refused tries of a day, newest first.
pub(super) async fn show(
    day: Option<&str>,
    person: Option<&str>,
    limit: usize,
    global: &Global,
) -> Result<ExitCode> {
    let filters: Vec<(&str, &str)> =
        day.map(|day| ("day", day)).into_iter().chain(person.map(|person| ("person", person))).collect();
    let body = Client::of(global)?.list("/v1/denied", &filters, limit).await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let Listed { items, .. } = client::typed::<Listed<DeniedView>>(&body)?;
    if items.is_empty() {
        output::line("nothing was refused")?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["at", "person", "door", "token", "tried", "on", "refused with"]);
    for item in &items {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let tried = match (&item.more, &item.since) {
            (Some(more), Some(since)) => format!("{more} more in the hour from {since}"),
            (_, _) => text(&item.verb),
        };
        let (door, token, code) = (text(&item.door), text(&item.token), text(&item.code));
        table.row([&item.at, &item.person, &door, &token, &tried, &item.on.join(" "), &code]);
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}
