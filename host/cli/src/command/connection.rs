//! `countersign connection`: whether what is approved can be written where it belongs, who lets the host in there, and an
//! operator's stop to it.

mod sign_in;

use super::Global;
use crate::client::{Change, Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_core::id::ConnectionName;
use countersign_server::api::view::connection::{BY_HAND, WAITING};
use countersign_server::api::view::{CheckView, ConnectionView, DeliveryView, Listed};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub enum Connection {
    /// List the connections of the host, and what keeps anything from being sent to one
    List,
    /// Ask the target of one whether address, credential and permissions are right; changes nothing there
    Check {
        /// The connection
        name: String,
    },
    /// Have somebody let the host in at a provider, and keep the refresh token in the file that the connection names
    SignIn(sign_in::SignIn),
    /// List what has arrived at the hooks of one, the newest first, and what came of it
    Deliveries {
        /// The connection
        name: String,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Send nothing more to one: what is on its way ends, and all else waits until you let it go on
    Pause {
        /// The connection
        name: String,
        /// Why, for whoever meets it next
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let one go on that somebody has paused
    Resume {
        /// The connection
        name: String,
        /// Why, for whoever meets it next
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Connection, global: &Global) -> Result<ExitCode> {
    let host = || Client::of(global);
    match command {
        // It needs the folders of a host, and none that runs.
        Connection::SignIn(command) => return sign_in::run(command, global).await,
        Connection::List => {
            let body = host()?.get("/v1/connections").await?;
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
        Connection::Check { name } => {
            return check(&ask(&host()?, (&name, "check"), json!({})).await?, global);
        }
        Connection::Deliveries { name, limit } => {
            deliveries(&host()?.list(&path(&name, "deliveries")?, &[], limit).await?, global)?;
        }
        Connection::Pause { name, reason } => {
            let body = ask(&host()?, (&name, "pauses"), json!({ "reason": reason })).await?;
            changed(&body, "it is paused: what is on its way ends, and all else waits", global)?;
        }
        Connection::Resume { name, reason } => {
            let body = ask(&host()?, (&name, "resumptions"), json!({ "reason": reason })).await?;
            let says = match typed::<ConnectionView>(&body)?.paused {
                None => "it goes on: what has waited is sent within a minute",
                Some(_) => "nobody keeps it paused by hand any more; what still does is below",
            };
            changed(&body, says, global)?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn path(name: &str, what: &str) -> Result<String> {
    Ok(format!("/v1/connections/{}/{what}", named(name)?))
}

fn named(name: &str) -> Result<ConnectionName> {
    ConnectionName::parse(name).map_err(|_| {
        let failure = Failure::new(exit::USAGE, format!("`{}` is no name of a connection", plain(name)));
        failure.with_help("`countersign connection list` shows them").into()
    })
}

fn deliveries(body: &Value, global: &Global) -> Result<()> {
    if global.json {
        return output::json(body);
    }
    let found = typed::<Listed<DeliveryView>>(body)?.items;
    if found.is_empty() {
        output::say(
            "nothing has arrived there; `[connection.NAME.webhooks.HOOK]` of `countersign.toml` makes a hook",
        );
        return Ok(());
    }
    let mut table = Table::new(&["delivery", "hook", "arrived", "state", "what came of it"]);
    for one in &found {
        table.row([&one.id, &one.hook, &one.arrived, &one.state, &came_to(one)]);
    }
    table.print()
}

/// What came of a delivery, in one line.
fn came_to(delivery: &DeliveryView) -> String {
    let records = delivery.records.iter().map(|record| format!("{record} is read again"));
    let wishes = delivery.wishes.iter().map(|wish| match (&wish.intent, &wish.refused) {
        (Some(intent), _) => format!("{} {intent}", wish.intent_type),
        (None, Some(why)) => format!("{} refused ({}): {}", wish.intent_type, why.code, why.message),
        (None, None) => wish.intent_type.clone(),
    });
    let refused = delivery.refused.iter().map(|why| format!("{}: {}", why.code, why.message));
    let next = delivery.next.as_deref().unwrap_or_default();
    let waits =
        delivery.waits.iter().map(|why| format!("{}: {}; looked at again at {next}", why.code, why.message));
    records.chain(wishes).chain(refused).chain(waits).collect::<Vec<_>>().join("; ")
}

async fn ask(client: &Client, (name, what): (&str, &str), body: Value) -> Result<Value> {
    let path = path(name, what)?;
    client.change(&Change { path: &path, body: &body, revision: None, key: None }).await
}

fn changed(body: &Value, says: &str, global: &Global) -> Result<()> {
    if global.json {
        return output::json(body);
    }
    output::say(says);
    table(&[typed::<ConnectionView>(body)?]).print()
}

fn check(body: &Value, global: &Global) -> Result<ExitCode> {
    let found = typed::<CheckView>(body)?;
    if global.json {
        output::json(body)?;
    } else if let Some(detail) = &found.detail {
        output::line(&plain(&format!("{}: {}", found.connection, detail.message)))?;
    } else {
        output::line(&plain(&format!(
            "{}: address, credential and permissions are right",
            found.connection
        )))?;
    }
    Ok(ExitCode::from(if found.result == "right" { exit::DONE } else { exit::NO }))
}

fn table(connections: &[ConnectionView]) -> Table {
    let mut table = Table::new(&["connection", "system", "connector", "state", "why"]);
    for one in connections {
        let connector = format!("{} {}", one.connector, one.version);
        let connector = connector.trim_end().to_owned();
        table.row([&one.name, &one.system, &connector, &one.state, &why(one)]);
    }
    table
}

fn why(connection: &ConnectionView) -> String {
    match (&connection.paused, connection.rests_ms) {
        (Some(paused), _) if paused.cause == BY_HAND => {
            let reason = paused.reason.as_deref().unwrap_or("no reason is given");
            format!("{} paused it at {}: {reason}", paused.owner, paused.since)
        }
        (Some(paused), _) => format!(
            "its {} at {}; {} answers for it: {} of {}",
            if paused.cause == "quarantined" { "connector broke" } else { "credential was refused" },
            paused.since,
            paused.owner,
            paused.exception.as_deref().unwrap_or("an exception"),
            paused.intent.as_deref().unwrap_or("an intent")
        ),
        (None, Some(rest)) => {
            let failing = failing(connection.failing_ms.unwrap_or_default());
            format!("{failing}; it is tried again in {} s", rest.div_ceil(1_000))
        }
        (None, None) if connection.state == WAITING => {
            "its connector is not there: `countersign connector add` adds it".to_owned()
        }
        (None, None) => connection.failing_ms.map(failing).unwrap_or_default(),
    }
}

fn failing(millis: u64) -> String {
    let seconds = millis / 1_000;
    let length = if seconds < 120 { format!("{seconds} s") } else { format!("{} minutes", seconds / 60) };
    format!("its target has failed for {length}")
}
