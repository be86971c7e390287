//! Two hosts and one database: one of them writes, and who was overtaken records nothing.

use super::{append, batch, entry, postgres, set};
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::port::store::{Position, Store as _, StoreFault};
use countersign_store_postgres::{OpenFault, Options, PostgresStore};
use countersign_tests::servers::Postgres;
use std::sync::Arc;
use std::time::Duration;

/// Longer than a lease.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the lease of whoever has it, as time would.
fn end_the_lease(server: &Postgres, url: &str) {
    let ended = "update countersign.writer set until = clock_timestamp() - interval '1 second'";
    server.ask(url, ended).expect("it is changed");
}

/// What a host does by itself, within the time that it may take for it.
async fn in_time(work: impl Future<Output = ()>) {
    tokio::time::timeout(PATIENCE, work).await.expect("it does it in time");
}

fn database() -> (Arc<Postgres>, String) {
    let server = Postgres::shared().expect("PostgreSQL runs");
    let url = server.database().expect("a database for the test");
    (server, url)
}

#[tokio::test]
async fn the_next_host_goes_on_where_the_one_before_gave_the_log_back() {
    let (_server, url) = database();
    let first = postgres(&url, "host one").await.expect("it opens");
    let mut asked = append("int_1", 0, &["asked"]);
    asked.errands = vec![set("sla", 500)];
    first.append(batch(vec![asked])).await.expect("it is appended");
    let refused = postgres(&url, "host two").await.expect_err("the first has it");
    assert_eq!(refused, OpenFault::InUse("host one".to_owned()));
    first.close().await;
    let second = postgres(&url, "host two").await.expect("it was given back");
    assert_eq!(second.epoch(), first.epoch() + 1);
    assert_eq!(second.load("int_1").await, Ok(vec![entry("asked")]));
    let due = second.due(Timestamp(500), None, 10).await.expect("errands are read");
    assert_eq!(due.len(), 1, "it has the errands of the one before");
    let closed = first.append(batch(vec![append("int_2", 0, &["late"])])).await;
    assert_eq!(closed, Err(StoreFault::Io("the store is closed".to_owned())));
}

#[tokio::test]
async fn a_host_that_was_overtaken_records_nothing_any_more() {
    let (server, url) = database();
    let first = postgres(&url, "host one").await.expect("it opens");
    first.append(batch(vec![append("int_1", 0, &["asked"])])).await.expect("it is appended");
    end_the_lease(&server, &url);
    let second = postgres(&url, "host two").await.expect("it takes over");
    second.append(batch(vec![append("int_1", 1, &["decided"])])).await.expect("it is appended");
    // The verdict of an attempt that was under way, and something about another intent.
    for late in [append("int_1", 1, &["landed"]), append("int_2", 0, &["asked"])] {
        match first.append(batch(vec![late])).await {
            Err(StoreFault::Lost(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    in_time(first.lost()).await;
    assert!(first.health().writable.is_err());
    assert_eq!(second.load("int_1").await, Ok(vec![entry("asked"), entry("decided")]));
    assert_eq!(second.load("int_2").await, Ok(Vec::new()));
    assert_eq!(second.verify(&|_, _| {}).await.map(|verified| verified.entries), Ok(2));
    second.append(batch(vec![append("int_2", 0, &["asked"])])).await.expect("it goes on");
}

#[tokio::test]
async fn a_host_knows_before_anything_leaves_whether_the_log_is_still_its_own() {
    let (server, url) = database();
    let first = postgres(&url, "host one").await.expect("it opens");
    assert_eq!(first.holds().await, Ok(()));
    // Nobody has it yet, and somebody may at any moment.
    end_the_lease(&server, &url);
    let out = first.holds().await;
    assert!(matches!(out, Err(StoreFault::Io(_))), "{out:?}");
    let second = postgres(&url, "host two").await.expect("it takes over");
    let overtaken = first.holds().await;
    assert!(matches!(overtaken, Err(StoreFault::Lost(_))), "{overtaken:?}");
    assert_eq!(second.holds().await, Ok(()));
}

#[tokio::test]
async fn a_host_that_writes_nothing_notices_that_it_was_overtaken() {
    let (server, url) = database();
    let first = postgres(&url, "host one").await.expect("it opens");
    end_the_lease(&server, &url);
    let _second = postgres(&url, "host two").await.expect("it takes over");
    in_time(first.lost()).await;
}

#[tokio::test]
async fn a_host_that_writes_nothing_keeps_the_log() {
    let (server, url) = database();
    let first = postgres(&url, "host one").await.expect("it opens");
    let left = "update countersign.writer set until = clock_timestamp() + interval '4 seconds'";
    server.ask(&url, left).expect("it is changed");
    let longer = "select until > clock_timestamp() + interval '5 seconds' from countersign.writer";
    in_time(async {
        while server.ask(&url, longer).expect("it is read") != "t" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    first.append(batch(vec![append("int_1", 0, &["asked"])])).await.expect("it is appended");
}

#[tokio::test]
async fn a_host_of_which_everything_is_refused_keeps_the_log() {
    let (server, url) = database();
    let host = postgres(&url, "host one").await.expect("it opens");
    host.append(batch(vec![append("int_1", 0, &["asked"])])).await.expect("it is appended");
    let left = "update countersign.writer set until = clock_timestamp() + interval '5 seconds'";
    server.ask(&url, left).expect("it is changed");
    let longer = "select until > clock_timestamp() + interval '6 seconds' from countersign.writer";
    in_time(async {
        while server.ask(&url, longer).expect("it is read") != "t" {
            for _ in 0..10 {
                let late = host.append(batch(vec![append("int_1", 0, &["late"])])).await;
                let conflict = StoreFault::Conflict { stream: "int_1".into(), expected: 0, found: 1 };
                assert_eq!(late, Err(conflict));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_hosts_that_take_over_at_once_one_writes() {
    let (server, url) = database();
    drop(postgres(&url, "the one before").await.expect("it opens"));
    end_the_lease(&server, &url);
    let opened = futures::future::join_all((0..8).map(|host| {
        let url = url.clone();
        async move { postgres(&url, &format!("host {host}")).await }
    }))
    .await;
    assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_hosts_append_while_the_log_changes_hands_is_one_log() {
    let (server, url) = database();
    let mut acknowledged = Vec::new();
    for round in 0..6_u64 {
        let host = loop {
            match postgres(&url, &format!("host {round}")).await {
                Ok(host) => break Arc::new(host),
                Err(OpenFault::InUse(_)) => tokio::task::yield_now().await,
                Err(fault) => panic!("{fault}"),
            }
        };
        let writes = (0..40_u64).map(|number| {
            let host = Arc::clone(&host);
            async move {
                let stream = format!("int_{round}_{number}");
                let appended = host.append(batch(vec![append(&stream, 0, &["asked"])])).await;
                appended.ok().map(|at| (stream, at.position))
            }
        });
        let ends = async {
            tokio::task::yield_now().await;
            tokio::task::block_in_place(|| end_the_lease(&server, &url));
        };
        let (written, ()) = futures::join!(futures::future::join_all(writes), ends);
        acknowledged.extend(written.into_iter().flatten());
        end_the_lease(&server, &url);
    }
    let host = postgres(&url, "the last").await.expect("it opens");
    assert!(!acknowledged.is_empty());
    for (stream, _) in &acknowledged {
        assert_eq!(host.load(stream).await, Ok(vec![entry("asked")]), "{stream}");
    }
    let verified = host.verify(&|_, _| {}).await.expect("the log is whole");
    assert_eq!(verified.head, host.health().head);
}

#[tokio::test]
async fn an_entry_that_somebody_changed_is_found_and_the_table_resists() {
    let (server, url) = database();
    let host = postgres(&url, "the host").await.expect("it opens");
    for number in 0..5 {
        let stream = format!("int_{number}");
        host.append(batch(vec![append(&stream, 0, &["asked"])])).await.expect("it is appended");
    }
    let change = "update countersign.entry set body = 'x' where position = 3";
    let refused = server.ask(&url, change).expect_err("the log is only ever appended to");
    assert!(refused.to_string().contains("the log is only ever appended to"), "{refused}");
    server
        .ask(&url, &format!("alter table countersign.entry disable trigger keep; {change}"))
        .expect("by force");
    match host.verify(&|_, _| {}).await {
        Err(StoreFault::Corrupt { place, .. }) => assert_eq!(place, "entry 3 of `countersign.entry`"),
        other => panic!("{other:?}"),
    }
    server.ask(&url, "delete from countersign.entry where position > 2").expect("by force");
    match host.verify(&|_, _| {}).await {
        Err(StoreFault::Corrupt { place, .. }) => assert_eq!(place, "entry 3 of `countersign.entry`"),
        other => panic!("{other:?}"),
    }
    assert_eq!(host.health().position, Position(5));
}

#[tokio::test]
async fn a_database_that_may_not_be_trusted_with_a_log_is_refused_in_words() {
    let (server, url) = database();
    postgres(&url, "the host").await.expect("it opens").close().await;
    let other = Options { url: url.clone(), owner: "host two".to_owned(), install: Digest::of(b"another") };
    assert_eq!(PostgresStore::open(other).await.expect_err("another key"), OpenFault::OtherInstall);
    server.ask(&url, "update countersign.writer set version = 2").expect("it is changed");
    let newer = postgres(&url, "the host").await.expect_err("a newer program made it");
    assert_eq!(newer, OpenFault::Version { found: 2, known: 1 });
    for far in
        ["postgresql://ada@db.example.com/log", "postgresql://ada@203.0.113.7/log", "postgresql:///log"]
    {
        let refused = postgres(far, "the host").await.expect_err("it is not encrypted").to_string();
        assert!(refused.contains("it must lead to this machine"), "{refused}");
    }
    let none = postgres("mysql://ada@localhost/log", "the host").await.expect_err("no address").to_string();
    assert!(none.contains("write `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`"), "{none}");
    let nobody = postgres("postgresql://ada@127.0.0.1:9/log", "the host").await.expect_err("nobody is there");
    assert!(matches!(nobody, OpenFault::Unreachable(_)), "{nobody}");
}

#[tokio::test]
async fn a_database_that_acknowledges_what_it_may_lose_is_refused() {
    let server = Postgres::start().expect("PostgreSQL runs");
    let url = server.database().expect("a database for the test");
    for setting in ["full_page_writes", "fsync"] {
        server.ask(&url, &format!("alter system set {setting} = off")).expect("it is changed");
        server.ask(&url, "select pg_reload_conf()").expect("it is read again");
        let off = format!("select current_setting('{setting}') = 'off'");
        while server.ask(&url, &off).expect("it is read") != "t" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let refused = postgres(&url, "the host").await.expect_err("it would lose entries");
        assert_eq!(refused, OpenFault::NotDurable(format!("{setting} = off")));
        server.ask(&url, &format!("alter system reset {setting}")).expect("it is changed");
        server.ask(&url, "select pg_reload_conf()").expect("it is read again");
        while server.ask(&url, &off).expect("it is read") == "t" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    postgres(&url, "the host").await.expect("it keeps what it acknowledges");
}
