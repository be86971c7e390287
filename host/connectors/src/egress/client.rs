//! The HTTP client below the gate: it connects to an address that was checked, and to nothing else.
//!
//! No redirect, no proxy, no cookie, no second look-up. It knows exactly whether a byte of a
//! request may have left, which is what an attempt's fate hangs on.

use crate::lock::locked;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Time for one TCP connection: a dead host must not eat the call's deadline.
const CONNECT_MS: u64 = 5_000;
/// Time for the TLS handshake.
const TLS_MS: u64 = 5_000;
/// Time for looking up a name.
const RESOLVE_MS: u64 = 5_000;
/// Time until the answer's head: slow vendors take seconds for a write.
const FIRST_BYTE_MS: u64 = 20_000;
/// Longest pause inside of an answer's body.
const IDLE_MS: u64 = 5_000;
/// Everything together; below the call's wall time of 30 s, so that the guest still hears of it.
pub(crate) const TOTAL_MS: u64 = 25_000;
/// How long an unused connection is kept; servers commonly close after 5 to 75 s.
const KEPT_MS: u64 = 15_000;
/// Unused connections kept per connection of the operator.
const KEPT_MAX: usize = 32;
/// Header fields of an answer.
const ANSWER_HEADERS_MAX: usize = 100;
/// Bytes of an answer's head.
const ANSWER_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Largest answer that a guest is given; a page of 500 records is well below it.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Looks a name up. Tests answer for it.
pub(crate) trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;
}

/// The system's resolver.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let found =
                timeout(Duration::from_millis(RESOLVE_MS), tokio::net::lookup_host((host, port))).await;
            match found {
                Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {RESOLVE_MS} ms")),
            }
        })
    }
}

/// Where a connection leads, after every check.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// Name for SNI and `Host`.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
    /// Whether to speak TLS.
    pub(crate) tls: bool,
    /// Addresses that were checked, in the resolver's order.
    pub(crate) addresses: Vec<IpAddr>,
}

/// Open connections of one connection of the operator.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    host: String,
    address: SocketAddr,
    tls: bool,
    since: Instant,
    sender: SendRequest<Full<Bytes>>,
}

/// A connection that is ready to take a request.
pub(crate) struct Open {
    host: String,
    address: SocketAddr,
    tls: bool,
    sender: SendRequest<Full<Bytes>>,
}

/// Why no whole answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No byte of the request left the host.
    NotSent(String),
    /// It may have left, wholly or in part.
    Unanswered(String),
    /// The target answered with this status, but its answer cannot be used.
    Unusable { status: u16, why: String },
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Pool {
    /// A connection to `to`: a kept one whose address is among the checked ones, or a new one.
    pub(crate) async fn open(&self, to: &Destination) -> Result<Open, String> {
        if let Some(kept) = self.kept(to) {
            return Ok(kept);
        }
        let mut last = "the name has no address".to_owned();
        for address in &to.addresses {
            match connect(to, SocketAddr::new(*address, to.port)).await {
                Ok(open) => return Ok(open),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn kept(&self, to: &Destination) -> Option<Open> {
        let mut idle = locked(&self.idle);
        let now = Instant::now();
        idle.retain(|kept| kept.sender.is_ready() && now - kept.since < Duration::from_millis(KEPT_MS));
        let fits = |kept: &Idle| {
            kept.host == to.host
                && kept.tls == to.tls
                && kept.address.port() == to.port
                && to.addresses.contains(&kept.address.ip())
        };
        let place = idle.iter().rposition(fits)?;
        let Idle { host, address, tls, sender, .. } = idle.swap_remove(place);
        Some(Open { host, address, tls, sender })
    }

    fn keep(&self, open: Open) {
        let mut idle = locked(&self.idle);
        if idle.len() < KEPT_MAX && !open.sender.is_closed() {
            let Open { host, address, tls, sender } = open;
            idle.push(Idle { host, address, tls, since: Instant::now(), sender });
        }
    }

    /// Sends `request` and waits for the whole answer. A kept connection that turns out to be
    /// closed gives the request back untouched; it then goes out on a new one.
    pub(crate) async fn send(
        &self,
        to: &Destination,
        open: Open,
        request: Request<Full<Bytes>>,
    ) -> Result<Whole, Lost> {
        let work = async {
            let (mut open, mut request) = (open, request);
            for _ in 0..=KEPT_MAX {
                match timeout(Duration::from_millis(FIRST_BYTE_MS), open.sender.try_send_request(request))
                    .await
                {
                    Ok(Ok(response)) => return self.finish(open, response).await,
                    Ok(Err(mut failed)) => match failed.take_message() {
                        Some(untouched) => {
                            request = untouched;
                            open = self.open(to).await.map_err(Lost::NotSent)?;
                        }
                        None => return Err(Lost::Unanswered(failed.into_error().to_string())),
                    },
                    Err(_) => return Err(Lost::Unanswered(format!("no answer within {FIRST_BYTE_MS} ms"))),
                }
            }
            Err(Lost::NotSent("the target closes every connection at once".to_owned()))
        };
        match timeout(Duration::from_millis(TOTAL_MS), work).await {
            Ok(result) => result,
            Err(_) => Err(Lost::Unanswered(format!("no whole answer within {TOTAL_MS} ms"))),
        }
    }

    async fn finish(&self, open: Open, response: Response<Incoming>) -> Result<Whole, Lost> {
        let (head, mut body) = response.into_parts();
        let status = head.status.as_u16();
        let unusable = |why: &str| Err(Lost::Unusable { status, why: why.to_owned() });
        let encoding = head.headers.get(http::header::CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return unusable("the answer is compressed, which was not asked for");
        }
        if body.size_hint().lower() > u64::try_from(ANSWER_BYTES_MAX).unwrap_or(u64::MAX) {
            return unusable("the answer is larger than 4 MiB");
        }
        let mut whole = Vec::new();
        loop {
            match timeout(Duration::from_millis(IDLE_MS), body.frame()).await {
                Ok(None) => break,
                // Trailers are dropped: nothing may reach a guest around the header filter.
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        if whole.len() + data.len() > ANSWER_BYTES_MAX {
                            return unusable("the answer is larger than 4 MiB");
                        }
                        whole.extend_from_slice(&data);
                    }
                }
                Ok(Some(Err(error))) => {
                    return Err(Lost::Unanswered(format!("the answer broke off: {error}")));
                }
                Err(_) => {
                    return Err(Lost::Unanswered(format!("the answer paused for more than {IDLE_MS} ms")));
                }
            }
        }
        self.keep(open);
        Ok(Whole { status, headers: head.headers, body: whole })
    }
}

async fn connect(to: &Destination, address: SocketAddr) -> Result<Open, String> {
    let stream = match timeout(Duration::from_millis(CONNECT_MS), TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(format!("could not connect to {address}: {error}")),
        Err(_) => return Err(format!("could not connect to {address} within {CONNECT_MS} ms")),
    };
    // Without it small requests wait for the acknowledgement of the one before; failure only slows.
    stream.set_nodelay(true).unwrap_or_else(|error| tracing::debug!(%error, "no TCP_NODELAY"));
    let sender = if to.tls {
        let name = to.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|_| format!("`{}` is no name for TLS", to.host))?;
        let connecting = TlsConnector::from(tls_config()?).connect(name, stream);
        match timeout(Duration::from_millis(TLS_MS), connecting).await {
            Ok(Ok(stream)) => handshake(TokioIo::new(stream)).await?,
            Ok(Err(error)) => return Err(format!("no TLS with `{}`: {error}", to.host)),
            Err(_) => return Err(format!("no TLS with `{}` within {TLS_MS} ms", to.host)),
        }
    } else {
        handshake(TokioIo::new(stream)).await?
    };
    Ok(Open { host: to.host.clone(), address, tls: to.tls, sender })
}

async fn handshake<I>(io: I) -> Result<SendRequest<Full<Bytes>>, String>
where
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER_HEADERS_MAX).max_buf_size(ANSWER_HEAD_BYTES_MAX);
    let (sender, connection) = builder.handshake(io).await.map_err(|error| error.to_string())?;
    let drive = async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a target ended");
        }
    };
    #[expect(clippy::disallowed_methods, reason = "the client owns this task; it ends with its connection")]
    drop(tokio::spawn(drive));
    Ok(sender)
}

/// TLS with the system's roots, so that an operator's private roots count too.
fn tls_config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if added == 0 {
                return Err("this machine has no root certificates; install `ca-certificates`".to_owned());
            }
            let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok(Arc::new(config))
        })
        .clone()
}
