//! The thread on which the connections of one host live: one that writes, one that reads.

use crate::fault::{OpenFault, words};
use crate::shared::{Shared, Tip};
use crate::writer::{self, Ask};
use crate::{Hold, Options, lease, schema};
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::errands::Errands;
use countersign_engine::port::store::StoreFault;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

/// Time in which the database must let a host in, in seconds.
const CONNECT_S: u64 = 10;

/// What an open log consists of.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) reader: Arc<Client>,
}

/// Opens the log, says how that went, and writes what it is asked to until it is closed or lost. Blocks.
pub(crate) fn run(
    options: &Options,
    hold: Hold,
    ready: oneshot::Sender<Result<Session, OpenFault>>,
    asked: mpsc::Receiver<Ask>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(OpenFault::Refused(format!("no runtime for it: {error}"))));
            return;
        }
    };
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        let (writer, session) = match opened(options, hold, &mut connections).await {
            Ok(opened) => opened,
            Err(fault) => {
                // Whoever asked may have gone away.
                let _ = ready.send(Err(fault));
                return;
            }
        };
        let shared = Arc::clone(&session.shared);
        if ready.send(Ok(session)).is_err() {
            // Nobody waits for it any more: the next one need not wait for its end.
            if hold == Hold::Lease {
                let _ = lease::give_back(&writer, shared.epoch).await;
            }
            return;
        }
        tokio::select! {
            () = written(writer, hold, &shared, asked) => {}
            Some(ended) = connections.join_next() => {
                let why = ended.unwrap_or_else(|_| "its connection has panicked".to_owned());
                shared.lose(StoreFault::Lost(format!("the database is gone: {why}")));
            }
        }
    });
}

async fn written(writer: Client, hold: Hold, shared: &Shared, mut asked: mpsc::Receiver<Ask>) {
    match hold {
        Hold::Lease => writer::run(writer, shared, asked).await,
        Hold::Nothing => {
            while let Some(ask) = asked.recv().await {
                match ask {
                    Ask::Append(given) => {
                        // Whoever asked may have gone away.
                        let _ = given.answer.send(Err(StoreFault::Io("it was opened to be read".to_owned())));
                    }
                    Ask::Close(closed) => {
                        let _ = closed.send(());
                        return;
                    }
                }
            }
        }
    }
}

async fn opened(
    options: &Options,
    hold: Hold,
    connections: &mut JoinSet<String>,
) -> Result<(Client, Session), OpenFault> {
    let config = config(&options.url)?;
    let mut writer = connected(&config, connections).await?;
    schema::is_durable(&writer).await?;
    let epoch = match hold {
        Hold::Lease => {
            schema::made(&mut writer, &options.install).await?;
            lease::take(&writer, &options.owner).await?
        }
        Hold::Nothing => {
            schema::there(&mut writer, &options.install).await?;
            0
        }
    };
    let reader = connected(&config, connections).await?;
    let (tip, bytes, errands) = found(&writer).await.map_err(|error| OpenFault::Refused(words(&error)))?;
    let shared = Arc::new(Shared::new(epoch, tip, bytes, errands));
    Ok((writer, Session { shared, reader: Arc::new(reader) }))
}

/// The address, if the way there needs no encryption: what runs on this machine.
fn config(url: &str) -> Result<Config, OpenFault> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let what = format!("{}; write `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`", words(&error));
        OpenFault::Address(what)
    })?;
    let is_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    };
    if config.get_hosts().is_empty() || !config.get_hosts().iter().all(is_here) {
        let what = "it must lead to this machine (`localhost` or a socket), as what goes there is not encrypted; \
                    lead it through a tunnel, such as one of ssh or stunnel";
        return Err(OpenFault::Address(what.to_owned()));
    }
    config.application_name("countersign").connect_timeout(Duration::from_secs(CONNECT_S));
    Ok(config)
}

async fn connected(config: &Config, connections: &mut JoinSet<String>) -> Result<Client, OpenFault> {
    let unreachable = |error| OpenFault::Unreachable(words(&error));
    let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
    connections.spawn(async move {
        match connection.await {
            Ok(()) => "it was closed".to_owned(),
            Err(error) => words(&error),
        }
    });
    Ok(client)
}

/// The end of the log, its bytes, and the errands that are open.
async fn found(client: &Client) -> Result<(Tip, u64, Errands), tokio_postgres::Error> {
    let writer = client.query_one("select position, head from countersign.writer", &[]).await?;
    let tip = Tip { position: unsigned(writer.get(0)), head: digest(writer.get(1)) };
    let bytes = client.query_one("select pg_database_size(current_database())", &[]).await?;
    let mut errands = Errands::default();
    for row in client.query("select stream, key, due from countersign.errand", &[]).await? {
        let (stream, key): (&str, &[u8]) = (row.get(0), row.get(1));
        errands.put((stream.into(), String::from_utf8_lossy(key).into()), Some(Timestamp(row.get(2))));
    }
    Ok((tip, unsigned(bytes.get(0)), errands))
}

/// A digest, whose length the tables check.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(bytes.try_into().unwrap_or_default())
}

/// A number that the tables never make negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
