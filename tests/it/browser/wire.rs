//! The wire between browser and host: a test slows it down, cuts it, or loses what comes back; and it remembers
//! what was asked for.

use anyhow::Result;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long an answer takes on a slow wire: time for a second click.
const SLOW_MS: u64 = 700;
/// How much is passed on at once.
const CHUNK_BYTES: usize = 64 * 1_024;

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything arrives.
    Clear,
    /// Every answer comes late.
    Slow,
    /// What is sent arrives, and nothing comes back.
    AnswersLost,
    /// Nothing arrives.
    Cut,
}

/// A wire. Dropping it cuts it.
#[derive(Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    host: watch::Sender<Option<SocketAddr>>,
    asked: Asked,
    _passing: JoinSet<()>,
}

/// The first line of every request: method and address.
type Asked = Arc<Mutex<Vec<String>>>;

fn locked(asked: &Asked) -> MutexGuard<'_, Vec<String>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// One that leads nowhere yet: a host is told where browsers reach it before it has an address.
    pub(crate) async fn new() -> Result<Wire> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, _) = watch::channel(Weather::Clear);
        let (host, _) = watch::channel(None);
        let asked = Asked::default();
        let mut passing = JoinSet::new();
        let (weathers, hosts, asks) = (weather.subscribe(), host.subscribe(), Arc::clone(&asked));
        passing.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((browser, _)) = listener.accept().await {
                let to = *hosts.borrow();
                if let (Some(to), true) = (to, *weathers.borrow() != Weather::Cut) {
                    open.spawn(pass(browser, to, weathers.clone(), Arc::clone(&asks)));
                }
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Wire { address, weather, host, asked, _passing: passing })
    }

    /// Leads to a host from now on.
    pub(crate) fn leads_to(&self, host: SocketAddr) {
        self.host.send_replace(Some(host));
    }

    /// From now on it is like this, for what is open too.
    pub(crate) fn is(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// `http://127.0.0.1:PORT`, where the browser reaches the host.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes what was asked for since the last look: `GET /inbox`.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.asked))
    }
}

/// One connection, until one side ends it or the wire is cut.
async fn pass(browser: TcpStream, host: SocketAddr, weather: watch::Receiver<Weather>, asked: Asked) {
    let Ok(host) = TcpStream::connect(host).await else { return };
    let ((from_browser, to_browser), (from_host, to_host)) = (browser.into_split(), host.into_split());
    let mut cut = weather.clone();
    tokio::select! {
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
        () = there(from_browser, to_host, asked) => {}
        () = back(from_host, to_browser, weather) => {}
    }
}

async fn there(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: Asked) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        // A browser sends the head of a request at once, and waits for the answer before the next one.
        let text = String::from_utf8_lossy(&chunk[..read]);
        let first = text.lines().next().unwrap_or_default();
        if let Some(request) = first.strip_suffix(" HTTP/1.1") {
            locked(&asked).push(request.to_owned());
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: watch::Receiver<Weather>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let now = *weather.borrow();
        match now {
            Weather::Clear => {}
            Weather::Slow => tokio::time::sleep(Duration::from_millis(SLOW_MS)).await,
            // The host has done what it was asked, and the browser never hears of it.
            Weather::AnswersLost | Weather::Cut => return,
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
