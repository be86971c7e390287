//! One HTTP/1.1 server on loopback: whole requests in, and answers that are heard whole, in part or
//! not at all.

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Largest body that a server takes, in bytes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most connections at once; the next ones wait.
const CONNECTIONS_MAX: usize = 256;

/// A request as a server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In capitals.
    pub method: String,
    /// The decoded parts of the path.
    pub path: Vec<String>,
    /// The decoded names and values of the query, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// Whether it may change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name in the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// Method and parts of the path, to match on.
    #[must_use]
    pub fn route(&self) -> (&str, Vec<&str>) {
        (&self.method, self.path.iter().map(String::as_str).collect())
    }
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A status with nothing else.
    #[must_use]
    pub fn status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &serde_json::Value) -> Reply {
        Reply {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What the caller hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The answer.
    Whole(Reply),
    /// The first half of it; then the connection ends.
    Cut(Reply),
    /// Nothing: the connection ends.
    Nothing,
}

/// A server that listens on loopback. Dropping it ends it, connections included.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    listeners: JoinSet<()>,
    /// Dropped when nobody new is let in any more.
    open: watch::Sender<()>,
}

impl Listening {
    /// Listens on a free port, and gives every request to `respond`.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start<R, F>(respond: R) -> io::Result<Listening>
    where
        R: Fn(Asked) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Heard> + Send + 'static,
    {
        Listening::on(vec![TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?], respond)
    }

    /// The same on ports that somebody has had already; there is one at least.
    ///
    /// # Errors
    /// If nobody knows which they are.
    pub fn on<R, F>(listeners: Vec<TcpListener>, respond: R) -> io::Result<Listening>
    where
        R: Fn(Asked) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Heard> + Send + 'static,
    {
        let first = listeners.first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let address = first.local_addr()?;
        let (open, closed) = watch::channel(());
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(accept(listener, closed.clone(), respond.clone()));
        }
        Ok(Listening { address, listeners: tasks, open })
    }

    /// Lets nobody new in, and waits until whoever is in has been answered, at most this long.
    pub async fn finish(self, limit: Duration) {
        let Listening { mut listeners, open, .. } = self;
        drop(open);
        let ended = async { while listeners.join_next().await.is_some() {} };
        // Whoever reads slower than that has to do without.
        drop(tokio::time::timeout(limit, ended).await);
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept<R, F>(listener: TcpListener, mut closed: watch::Receiver<()>, respond: R)
where
    R: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Heard> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while CONNECTIONS_MAX <= connections.len() {
            connections.join_next().await;
        }
        tokio::select! {
            // It says nothing until it is dropped.
            _ = closed.changed() => break,
            accepted = listener.accept() => {
                // A connection that died before it was taken is its caller's to try again.
                let Ok((stream, _)) = accepted else { continue };
                let respond = respond.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| async {
                        match respond(read(request).await?).await {
                            Heard::Whole(reply) => sent(reply, false),
                            Heard::Cut(reply) => sent(reply, true),
                            Heard::Nothing => Err(Lost),
                        }
                    });
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    // It ends in an error whenever an answer is lost on purpose.
                    drop(connection.await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn read(request: Request<Incoming>) -> Result<Asked, Lost> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| Lost)?;
    let headers = head.headers.iter();
    Ok(Asked {
        method: head.method.as_str().to_ascii_uppercase(),
        path: head.uri.path().split('/').skip(1).map(|part| decoded(part, false)).collect(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: headers
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        body: body.to_bytes().to_vec(),
    })
}

fn sent(reply: Reply, cut: bool) -> Result<Response<Sent>, Lost> {
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).map_err(|_| Lost)?);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response = response.header("content-length", reply.body.len());
    let mut body = Bytes::from(reply.body);
    if cut {
        body.truncate(body.len() / 2);
    }
    response.body(Sent { body: Some(body), cut }).map_err(|_| Lost)
}

/// The body of an answer, whole or cut.
#[derive(Debug)]
struct Sent {
    body: Option<Bytes>,
    cut: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        match self.body.take() {
            Some(body) => Poll::Ready(Some(Ok(Frame::data(body)))),
            None if self.cut => Poll::Ready(Some(Err(Lost))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The connection ends without a (whole) answer.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection ends here on purpose")
    }
}

impl std::error::Error for Lost {}

/// The names and values of a query or a form.
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name, true), decoded(value, true)))
        .collect()
}

/// Undoes percent encoding; in a query and a form `+` is a space.
pub(crate) fn decoded(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let ahead = rest.clone();
        let digits: Option<Vec<u8>> = ahead.take(2).map(hex).collect();
        match (byte, digits.as_deref()) {
            (b'%', Some([high, low])) => {
                bytes.push(high * 16 + low);
                rest.nth(1);
            }
            (b'+', _) if plus_is_space => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let expected = [("items[0][price]", "a b"), ("q", "50 % & more"), ("empty", "")];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(pairs("items%5B0%5D%5Bprice%5D=a+b&q=50%20%25%20%26%20more&empty"), expected);
    }

    #[test]
    fn a_broken_escape_stays_as_it_is() {
        for text in ["%", "%4", "%zz", "100%"] {
            assert_eq!(decoded(text, false), text);
        }
        assert_eq!(decoded("%41+", false), "A+");
    }
}
