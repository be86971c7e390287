//! How a browser comes back: to a port of this machine, or by hand.

use crate::exit;
use crate::loopback::{Asked, Heard, Listening, Reply, decoded};
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_connectors::{Back, Gone, NotAuthorized};
use std::io::{BufRead as _, Read as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// How long a browser may take to read its last page, in milliseconds.
const LAST_PAGE_MS: u64 = 1_000;
/// How many answers to other sign-ins are passed over: of pages that were left open, or of somebody who guesses.
const STRANGERS_MAX: usize = 16;
/// Longest address that is pasted, in bytes.
const PASTED_BYTES_MAX: u64 = 64 * 1_024;

/// How somebody is waited for.
#[derive(Clone, Copy)]
pub(super) struct Ways {
    pub(super) wait: Duration,
    pub(super) quiet: bool,
}

/// What a browser came back with: a code, or why there is none.
type Came = Result<Zeroizing<String>, NotAuthorized>;

/// Takes the ports that a browser comes back to.
///
/// # Errors
/// If somebody else has one.
pub(super) async fn ports(back: &Back) -> Result<(Back, Vec<TcpListener>)> {
    let (mut port, mut taken) = (None, Vec::new());
    for address in back.listens() {
        let address = SocketAddr::new(address.ip(), port.unwrap_or(address.port()));
        match TcpListener::bind(address).await {
            Ok(listener) => {
                port = Some(listener.local_addr()?.port());
                taken.push(listener);
            }
            // Of two addresses of one name a browser takes whichever answers; many machines have one only.
            Err(_) if !taken.is_empty() => {}
            Err(fault) => {
                let failure =
                    Failure::new(exit::TEMPORARY, format!("nobody can listen at {address}: {fault}"));
                let help = "end what has that port; or register an address with another one at the provider and name it with \
                            `--redirect`; `--paste` listens nowhere";
                return Err(failure.with_help(help).into());
            }
        }
    }
    Ok((port.map_or_else(|| back.clone(), |port| back.clone().at(port)), taken))
}

/// Waits until a browser comes back to this machine.
///
/// # Errors
/// If nobody comes in time.
pub(super) async fn listened(
    gone: &Arc<Gone>,
    (back, ports): (&Back, Vec<TcpListener>),
    Ways { wait, quiet }: Ways,
) -> Result<Came> {
    let (tell, mut told) = mpsc::channel(STRANGERS_MAX + 1);
    let path: Arc<Vec<String>> =
        Arc::new(back.path().split('/').skip(1).map(|part| decoded(part, false)).collect());
    let asking = Arc::clone(gone);
    let listening = Listening::on(ports, move |asked| {
        let (gone, path, tell) = (Arc::clone(&asking), Arc::clone(&path), tell.clone());
        async move { Heard::Whole(answer(&asked, (&gone, &path), &tell)) }
    })?;
    if !quiet {
        output::say(&format!(
            "waiting for the browser at {}, for {} s",
            plain(back.as_str()),
            wait.as_secs()
        ));
    }
    let came = async {
        for _ in 0..STRANGERS_MAX {
            match told.recv().await {
                Some(Err(NotAuthorized::OtherState)) => {
                    output::say("somebody came with an answer to another sign-in, which was passed over");
                }
                Some(came) => return came,
                None => break,
            }
        }
        Err(NotAuthorized::OtherState)
    };
    let came = tokio::time::timeout(wait, came).await;
    listening.finish(Duration::from_millis(LAST_PAGE_MS)).await;
    came.map_err(|_| nobody_came(wait).into())
}

/// Waits until somebody has pasted the address that their browser shows.
///
/// # Errors
/// If nobody does so in time, or nothing can be read.
pub(super) async fn pasted(gone: &Gone, Ways { wait, .. }: Ways) -> Result<Came> {
    output::say("then paste here the whole address that the browser shows, even if its page does not load:");
    let (tell, told) = oneshot::channel();
    // It is shown while it is typed: what it holds is good for nothing without what only this process knows.
    std::thread::spawn(move || {
        let mut line = Zeroizing::new(String::new());
        let read = std::io::stdin().lock().take(PASTED_BYTES_MAX).read_line(&mut line);
        // Nobody listens any more if it took too long.
        let _ = tell.send(read.map(|_| line));
    });
    let Ok(told) = tokio::time::timeout(wait, told).await else { return Err(nobody_came(wait).into()) };
    let line = told??;
    if line.trim().is_empty() {
        let failure = Failure::new(exit::USAGE, "nothing was pasted");
        let help =
            "run it on a terminal, or give the address on its standard input after it has been printed";
        return Err(failure.with_help(help).into());
    }
    Ok(gone.pasted(&line))
}

fn nobody_came(wait: Duration) -> Failure {
    let message = format!("nobody came back within {} s: nothing was changed", wait.as_secs());
    let help = "run it again, with a longer `--wait`; with `--paste` if the browser is on another machine. If the provider \
                showed an error instead, compare the client's id and the address of `--redirect` with what is registered there";
    Failure::new(exit::TEMPORARY, message).with_help(help)
}

/// What a browser is answered, after whoever waits was told.
fn answer(asked: &Asked, (gone, path): (&Gone, &[String]), tell: &mpsc::Sender<Came>) -> Reply {
    if asked.method != "GET" || asked.path != path {
        return page(404, "There is nothing here.");
    }
    let came = gone.code(&asked.query);
    let (status, text) = match &came {
        Ok(_) => (
            200,
            "You are done here. What came of it stands where you started this; this page can be closed.",
        ),
        Err(NotAuthorized::OtherState) => {
            (400, "This is the answer to another sign-in. Open the address that was printed last.")
        }
        Err(_) => {
            (400, "The host was not let in. Why stands where you started this; this page can be closed.")
        }
    };
    // Whoever comes when there is no more room came too often.
    drop(tell.try_send(came));
    page(status, text)
}

/// A page that loads nothing and tells nobody where the browser was: its address has the code.
fn page(status: u16, text: &str) -> Reply {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>countersign</title><h1>countersign</h1><p>{text}</p></html>"
    );
    Reply { status, headers: Vec::new(), body: body.into_bytes() }
        .with("content-type", "text/html; charset=utf-8")
        .with("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        .with("referrer-policy", "no-referrer")
        .with("x-content-type-options", "nosniff")
        .with("cache-control", "no-store")
        .with("connection", "close")
}
