//! `countersign connection`: whether what is approved can be written where it belongs.

use super::Global;
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, Table};
use anyhow::Result;
use countersign_server::api::view::{ConnectionView, Listed};
use std::process::ExitCode;

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub enum Connection {
    /// List the connections of the host, and what keeps anything from being sent to one
    List,
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Connection, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    match command {
        Connection::List => {
            let body = client.get("/v1/connections").await?;
            let connections = typed::<Listed<ConnectionView>>(&body)?.items;
            if global.json {
                output::json(&body)?;
            } else if connections.is_empty() {
                output::say(
                    "no connection is configured: a `[connection.NAME]` of `countersign.toml` makes one",
                );
            } else {
                table(&connections).print()?;
            }
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn table(connections: &[ConnectionView]) -> Table {
    let mut table = Table::new(&["connection", "system", "connector", "state", "why"]);
    for one in connections {
        let connector = format!("{} {}", one.connector, one.version);
        table.row([&one.name, &one.system, &connector, &one.state, &why(one)]);
    }
    table
}

fn why(connection: &ConnectionView) -> String {
    match (&connection.paused, connection.rests_ms) {
        (Some(paused), _) => format!(
            "its {} at {}; {} answers for it: {} of {}",
            if paused.cause == "quarantined" { "connector broke" } else { "credential was refused" },
            paused.since,
            paused.owner,
            paused.exception,
            paused.intent
        ),
        (None, Some(rest)) => {
            let failing = failing(connection.failing_ms.unwrap_or_default());
            format!("{failing}; it is tried again in {} s", rest.div_ceil(1_000))
        }
        (None, None) => connection.failing_ms.map(failing).unwrap_or_default(),
    }
}

fn failing(millis: u64) -> String {
    let seconds = millis / 1_000;
    let length = if seconds < 120 { format!("{seconds} s") } else { format!("{} minutes", seconds / 60) };
    format!("its target has failed for {length}")
}
