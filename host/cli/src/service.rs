//! What a service manager is told: that the host is ready, waits for its turn, is alive, or stops.
//!
//! The words are those of `sd_notify(3)`, one datagram each, to the socket that the manager names in `NOTIFY_SOCKET`; where
//! it names none, nobody is told. That the host is alive is said by the same runtime that serves: one that stands still
//! says nothing, and is started anew.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How often something is said again that the manager must hear and has no room for, and the wait before it, in milliseconds.
const AGAIN_TIMES: u32 = 20;
const AGAIN_MS: u64 = 50;
/// How often within the time of the watchdog it is told: twice, so that one beat may be late.
const BEATS_A_WATCH: u32 = 2;

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How long it waits for a sign of life.
    watch: Option<Duration>,
}

impl Manager {
    /// The one that started this process, as the environment says.
    #[must_use]
    pub fn of_environment() -> Manager {
        let watch = std::env::var("WATCHDOG_USEC").ok();
        let of = std::env::var("WATCHDOG_PID").ok();
        match std::env::var_os("NOTIFY_SOCKET") {
            Some(name) => Manager::at(&name, watch_of(watch.as_deref(), of.as_deref(), std::process::id())),
            None => Manager::default(),
        }
    }

    fn at(name: &OsStr, watch: Option<Duration>) -> Manager {
        match connected(name) {
            Ok(socket) => Manager { socket: Some(socket), watch },
            Err(fault) => {
                tracing::warn!(%fault, blame = "operator", "the service manager that `NOTIFY_SOCKET` names cannot be told anything");
                Manager::default()
            }
        }
    }

    /// The host serves.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving");
    }

    /// The host is up, and waits until it may write.
    pub fn waits(&self, why: &str) {
        // A line is a word of its own.
        self.tell(&format!("READY=1\nSTATUS={}", why.replace('\n', " ")));
    }

    /// The host takes nothing new and lets what runs end.
    pub fn stops(&self) {
        self.tell("STOPPING=1\nSTATUS=letting what runs end");
    }

    /// Says again and again that the host is alive, if anybody waits for that.
    pub async fn beat(&self) -> Infallible {
        let Some(watch) = self.watch else { return std::future::pending().await };
        loop {
            if let Some((socket, manager)) = &self.socket {
                // One that is not heard is followed by another.
                let _ = socket.send_to_addr(b"WATCHDOG=1", manager);
            }
            tokio::time::sleep(watch / BEATS_A_WATCH).await;
        }
    }

    /// Says it, for a second again and again if there is no room for it.
    fn tell(&self, words: &str) {
        let Some((socket, manager)) = &self.socket else { return };
        let mut said = socket.send_to_addr(words.as_bytes(), manager);
        for _ in 0..AGAIN_TIMES {
            match &said {
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(AGAIN_MS));
                    said = socket.send_to_addr(words.as_bytes(), manager);
                }
                Ok(_) | Err(_) => break,
            }
        }
        if let Err(fault) = said {
            tracing::warn!(%fault, blame = "operator", "the service manager could not be told `{}`", words.lines().next().unwrap_or_default());
        }
    }
}

/// How long a sign of life is waited for, if it is this process's.
fn watch_of(micros: Option<&str>, of: Option<&str>, process: u32) -> Option<Duration> {
    let ours = of.is_none_or(|of| of.parse() == Ok(process));
    let micros = micros?.parse().ok().filter(|micros| 0 < *micros && ours)?;
    Some(Duration::from_micros(micros))
}

fn connected(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes() {
        [b'@', hidden @ ..] => SocketAddr::from_abstract_name(hidden)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not listen holds up nothing.
    socket.set_nonblocking(true)?;
    Ok((socket, manager))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).expect("it is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_service_manager_hears_in_its_own_words_how_the_host_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let named = UnixDatagram::bind(&path).expect("a socket");
        let hidden = format!("countersign-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&hidden).expect("a name");
        let abstract_ = UnixDatagram::bind_addr(&address).expect("a socket");
        let watch = Some(Duration::from_millis(20));
        for (socket, name) in [(named, path.into_os_string()), (abstract_, format!("@{hidden}").into())] {
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("it is set");
            let manager = Manager::at(&name, watch);
            manager.waits("another host\nwrites");
            assert_eq!(heard(&socket), "READY=1\nSTATUS=another host writes");
            manager.ready();
            assert_eq!(heard(&socket), "READY=1\nSTATUS=serving");
            let beats = tokio::time::timeout(Duration::from_millis(100), manager.beat());
            assert!(beats.await.is_err(), "it beats until the host ends");
            assert_eq!([heard(&socket), heard(&socket)], ["WATCHDOG=1", "WATCHDOG=1"]);
        }
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        assert_eq!(watch_of(Some("2000000"), None, 7), Some(Duration::from_secs(2)));
        assert_eq!(watch_of(Some("2000000"), Some("7"), 7), Some(Duration::from_secs(2)));
        for (micros, of) in
            [(None, None), (Some("0"), None), (Some("soon"), None), (Some("2000000"), Some("8"))]
        {
            assert_eq!(watch_of(micros, of, 7), None);
        }
        Manager::default().ready();
    }
}
