//! The wire: what the server does with connections that are slow, large or still open when it stops.

use crate::world::{SMALL, World, secret};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_server::limits::{HEADERS_MAX, INTENT_BYTES_MAX};
use futures::future::join;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Sends bytes as they are and gives the first line of what comes back.
async fn first_line(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let (mut reader, mut writer) = stream.split();
    let mut answer = vec![0; 1_024];
    // The server may answer and close before it has read everything: only its answer counts.
    let (_, read) = join(writer.write_all(bytes), reader.read(&mut answer)).await;
    let read = read.expect("an answer");
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

fn head(extra: &str) -> String {
    format!(
        "POST /v1/intents HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {}\r\nidempotency-key: k-1\r\n{extra}\r\n",
        secret("ae-1")
    )
}

#[tokio::test]
async fn a_body_that_does_not_say_its_size_is_cut_off_at_the_limit() {
    let world = World::start().await;
    let bytes = INTENT_BYTES_MAX + 1;
    let chunked = head("content-type: application/json\r\ntransfer-encoding: chunked\r\n");
    let request = format!("{chunked}{bytes:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(bytes));
    assert_eq!(first_line(&world, request.as_bytes()).await, "HTTP/1.1 413 Payload Too Large");
}

#[tokio::test]
async fn too_many_headers_are_refused_before_they_are_read() {
    let world = World::start().await;
    let many: String = (0..=HEADERS_MAX).map(|number| format!("x-{number}: y\r\n")).collect();
    let answer = first_line(&world, head(&many).as_bytes()).await;
    assert_eq!(answer, "HTTP/1.1 431 Request Header Fields Too Large");
}

#[tokio::test]
async fn a_server_that_stops_answers_what_runs_and_takes_nothing_new() {
    let (stop, stopped) = oneshot::channel::<()>();
    let world = World::start_until(async { drop(stopped.await) }).await;
    let detail = Detail::new("busy", "come back later");
    world.connectors.next_read(Failure::Transient { after: None, detail });
    let headers = [("idempotency-key", "k-1"), ("prefer", "wait=30")];
    let running = world.send("ae-1", "POST", "/v1/intents", &headers, SMALL);
    let stopping = async {
        while world.engine.health().position.0 < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(()).expect("the server runs");
        world.engine.stop().await;
    };
    let (answer, ()) = join(running, stopping).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("preparing")), "{}", answer.text);
    assert!(TcpStream::connect(world.address).await.is_err(), "a stopped server takes no connection");
}
