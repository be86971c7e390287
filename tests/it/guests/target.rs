//! A target on loopback that answers, drips, drops, floods and counts.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The target; ends with the runtime of its test.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) base: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Target {
    pub(crate) async fn start() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let target = Target { base, arrived: Arc::default() };
        let serving = target.clone();
        #[expect(clippy::disallowed_methods, reason = "a stand-in owns its task; it ends with the test")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = serving.clone();
                let service = service_fn(move |request| target.clone().answer(request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a stand-in owns its task; it ends with the test"
                )]
                // A connection that ends badly is what some of the cases want.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        target
    }

    /// What arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, std::io::Error> {
        let (head, body) = request.into_parts();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let line = format!("{} {}", head.method, head.uri);
        let echo = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>();
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.push(Arrived { line, headers, body: text(&body) });
        drop(arrived);
        let whole = |body: String| Full::new(Bytes::from(body)).boxed();
        let mut response = match head.uri.path() {
            "/v1/dropped" => return Err(std::io::Error::other("dropped on purpose")),
            "/v1/echo" => Response::new(whole(echo)),
            "/v1/huge" => Response::new(whole("x".repeat(5 << 20))),
            "/v1/drip" => Response::new(drip()),
            _ => Response::new(whole("{\"ok\":true}".to_owned())),
        };
        let set = |response: &mut Response<_>, name: &'static str, value: &'static str| {
            response.headers_mut().insert(name, value.parse().expect("it is a header value"));
        };
        match head.uri.path() {
            "/v1/redirect" => {
                *response.status_mut() = hyper::StatusCode::FOUND;
                set(&mut response, "location", "http://169.254.169.254/latest/meta-data");
            }
            "/v1/compressed" => set(&mut response, "content-encoding", "gzip"),
            _ => set(&mut response, "set-cookie", "session=1"),
        }
        Ok(response)
    }
}

/// A body that gives one byte and then nothing for a minute.
fn drip() -> BoxBody<Bytes, Infallible> {
    let drops = futures::stream::unfold(0_u8, |count| async move {
        if 0 < count {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        }
        Some((Ok(Frame::data(Bytes::from_static(b"x"))), 1))
    });
    StreamBody::new(drops).boxed()
}
