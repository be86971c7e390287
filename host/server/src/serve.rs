//! Serving: a bounded number of connections, each with limits on its headers, until somebody says stop.

use crate::limits::{
    ACCEPT_FAULT_DELAY_MS, CONNECTION_BUFFER_BYTES_MAX, CONNECTIONS_MAX, HEADER_MS_MAX, HEADERS_MAX,
    SHUTDOWN_MS_MAX,
};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Where a connection comes from: a caller, or a proxy in front of this host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Says to whoever answers without an end that the host stops serving.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<()>);

impl Stopping {
    /// Returns when it does.
    pub(crate) async fn begun(&mut self) {
        // Whoever would say it has gone: that is the same.
        let _ = self.0.changed().await;
    }
}

/// Serves `router` on `listener` until `shutdown` comes to its end; then takes no new connection, lets
/// running requests end, and returns. What has not ended in time is cut off: its caller repeats it
/// with the same idempotency key.
///
/// # Errors
/// If the listener has no address, so nothing can be served.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving");
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some((stream, place)) = accepted {
            connections.spawn(one(stream, router.clone(), stopping.clone(), place));
        }
    }
    drop(listener);
    stop.send_replace(());
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_millis(SHUTDOWN_MS_MAX), ended).await.is_err() {
        tracing::warn!(blame = "remote", open = connections.len(), "connections were cut off");
    }
    connections.shutdown().await;
    Ok(())
}

/// One connection and its place; `None` if the listener failed for the moment.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(fault) => {
            // Out of descriptors, most often: those that are open must end first.
            tracing::warn!(%fault, blame = "host", "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(ACCEPT_FAULT_DELAY_MS)).await;
            None
        }
    }
}

async fn one(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<()>,
    place: OwnedSemaphorePermit,
) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%fault, "a connection stays slow");
    }
    let peer = stream.peer_addr().map(|address| Peer(address.ip())).ok();
    let inside = TowerToHyperService::new(router);
    let stops = Stopping(stopping.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request.extensions_mut().insert(stops.clone());
        inside.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEADER_MS_MAX))
        .max_headers(HEADERS_MAX)
        .max_buf_size(CONNECTION_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        tracing::debug!(%fault, blame = "remote", "a connection ended early");
    }
    drop(place);
}
