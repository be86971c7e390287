//! The tables, and what must hold of a database before anything is entrusted to it.

use crate::fault::{OpenFault, words};
use countersign_core::hash::Digest;
use tokio_postgres::{Client, Transaction};

/// Version of the tables.
const VERSION: i64 = 1;

/// Held by whoever makes the tables, so that two hosts that start at once make them once.
const MIGRATION_LOCK: i64 = 0x636f_756e_7465_7273;

/// The tables of version 1. Names and keys are compared by their bytes, as everywhere else.
const TABLES: &str = r#"
    create schema countersign;
    -- Texts that are not ours alone are bytes here: a text of PostgreSQL holds no zero.
    -- One row: the end of the log, and whose it is to write there.
    create table countersign.writer (
        one boolean primary key default true check (one),
        version bigint not null,
        install bytea not null,
        epoch bigint not null,
        owner text not null,
        until timestamptz not null,
        position bigint not null,
        head bytea not null check (octet_length(head) = 32)
    );
    create table countersign.entry (
        position bigint primary key,
        stream text collate "C" not null,
        sequence bigint not null,
        body bytea not null,
        -- Head of the hash chain behind this entry.
        head bytea not null check (octet_length(head) = 32),
        unique (stream, sequence)
    );
    create function countersign.keep() returns trigger language plpgsql as
        $$ begin raise exception 'the log is only ever appended to'; end $$;
    create trigger keep before update or delete or truncate on countersign.entry
        for each statement execute function countersign.keep();
    create table countersign.stream (
        name text collate "C" primary key,
        sequence bigint not null,
        position bigint not null,
        -- The row that lists show, if there is one: `NAME 0x00 VALUE` a label, in their order.
        labels bytea[],
        summary bytea
    );
    create index stream_labels on countersign.stream using gin (labels);
    create table countersign.errand (
        stream text collate "C" not null,
        key bytea not null,
        due bigint not null,
        primary key (stream, key)
    );
    create table countersign.caller_key (
        key bytea primary key,
        fingerprint bytea not null check (octet_length(fingerprint) = 32),
        answer bytea not null
    );
"#;

/// Looks that the database keeps what it acknowledges, and has it do so for this session.
pub(crate) async fn is_durable(client: &Client) -> Result<(), OpenFault> {
    for setting in ["fsync", "full_page_writes"] {
        let value: String = client
            .query_one("select current_setting($1)", &[&setting])
            .await
            .map_err(|error| OpenFault::Refused(words(&error)))?
            .get(0);
        if value != "on" {
            return Err(OpenFault::NotDurable(format!("{setting} = {value}")));
        }
    }
    let settings = "set synchronous_commit = on; set default_transaction_isolation = 'read committed'; \
                    set client_min_messages = warning; set timezone = 'UTC'";
    client.batch_execute(settings).await.map_err(|error| OpenFault::Refused(words(&error)))
}

/// Makes the tables if they are not there, and looks that they are of this version and of this install key.
pub(crate) async fn made(client: &mut Client, install: &Digest) -> Result<(), OpenFault> {
    let refused = |error| OpenFault::Refused(words(&error));
    let transaction = client.transaction().await.map_err(refused)?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(refused)?;
    match known(&transaction, install).await {
        Err(OpenFault::Empty) => make(&transaction, install).await.map_err(refused)?,
        looked => looked?,
    }
    transaction.commit().await.map_err(refused)
}

/// Looks that there are tables of this version and of this install key, and changes nothing.
pub(crate) async fn there(client: &mut Client, install: &Digest) -> Result<(), OpenFault> {
    let transaction = client.transaction().await.map_err(|error| OpenFault::Refused(words(&error)))?;
    known(&transaction, install).await
}

async fn make(transaction: &Transaction<'_>, install: &Digest) -> Result<(), tokio_postgres::Error> {
    transaction.batch_execute(TABLES).await?;
    let row = "insert into countersign.writer (version, install, epoch, owner, until, position, head) \
               values ($1, $2, 0, '', '-infinity', 0, $3)";
    let (install, head) = (install.0.as_slice(), Digest::ZERO.0);
    transaction.execute(row, &[&VERSION, &install, &head.as_slice()]).await.map(drop)
}

async fn known(transaction: &Transaction<'_>, install: &Digest) -> Result<(), OpenFault> {
    let refused = |error| OpenFault::Refused(words(&error));
    let there = "select to_regclass('countersign.writer') is not null";
    if !transaction.query_one(there, &[]).await.map_err(refused)?.get::<_, bool>(0) {
        return Err(OpenFault::Empty);
    }
    let said = "select version, install from countersign.writer";
    let row = transaction.query_one(said, &[]).await.map_err(refused)?;
    let found: i64 = row.get(0);
    if found != VERSION {
        return Err(OpenFault::Version { found, known: VERSION });
    }
    if row.get::<_, &[u8]>(1) != install.0 {
        return Err(OpenFault::OtherInstall);
    }
    Ok(())
}
