//! The egress gate: the only way out of a connector, and where the host learns what left it.
//!
//! A guest names an endpoint, never a host. The rules stand in one order, and whatever they stop
//! has sent nothing: phase and budget, grant, address built by the host, headers, steps, look-up
//! and address check, circuit and rate, connection, credential and key, ledger, send, answer.
//! Only the last two can leave anything behind at the target.

pub(crate) mod address;
mod admit;
pub(crate) mod client;
pub(crate) mod credential;
mod headers;
pub(crate) mod line;
pub(crate) mod oauth2;
mod signer;
#[cfg(test)]
mod tests;

use crate::grant::{Grant, GrantedEndpoint};
use crate::lock::locked;
use crate::metrics::{Tally, UNUSABLE};
use crate::witness::{Exchange, Witness};
use admit::Stopped;
use bytes::Bytes;
use client::{Destination, Lost, Resolve, Whole};
use countersign_core::effect::attempt::{Answer, Detail, Failure, Guarantee, Step};
use countersign_core::effect::key::{InstallKey, idempotency_key};
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::time::Millis;
use countersign_engine::port::clock::Clock;
use countersign_engine::port::connectors::Ledger;
use credential::Credential;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::Full;
use line::{Line, Slot};
use oauth2::{Token, Way};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use url::{Host, Url};

/// Requests of one call: more than any vendor's paging needs for one record.
pub const REQUESTS_MAX: u32 = 32;

/// What a call may do on the wire, by the export that it is in. The pure phase has no gate at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Only what changes nothing.
    Read,
    /// Named steps too.
    Write,
}

/// What a guest asks the gate to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) endpoint: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) purpose: Purpose,
}

/// The HTTP methods that this host knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// All of them.
    pub(crate) const ALL: [Method; 6] =
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];

    /// The method of this name, which a guest gives as text.
    pub(crate) fn named(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.as_str() == name)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Why a request is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It changes nothing.
    #[default]
    Read,
    /// It changes something.
    Step(String),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The effect that an attempt is about.
#[derive(Clone)]
pub(crate) struct EffectCall {
    pub(crate) effect: EffectId,
    pub(crate) generation: u32,
    pub(crate) guarantee: Guarantee,
    pub(crate) ledger: Arc<dyn Ledger>,
}

/// The steps of one attempt. Shared, so that it outlives a call that is cut off in the middle.
#[derive(Clone, Default)]
pub(crate) struct Steps(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    sent: Vec<Sent>,
    /// Whether the target answered a request of any kind.
    heard: bool,
    held_back: Option<Millis>,
}

struct Sent {
    step: Step,
    response: Option<Response>,
}

impl Steps {
    /// What left the host, in order.
    pub(crate) fn list(&self) -> Vec<Step> {
        locked(&self.0).sent.iter().map(|sent| sent.step.clone()).collect()
    }

    /// How long the target was still to be left alone when a request was held back for that.
    pub(crate) fn held_back(&self) -> Option<Millis> {
        locked(&self.0).held_back
    }

    /// Whether the target answered anything.
    pub(crate) fn heard_the_target(&self) -> bool {
        locked(&self.0).heard
    }

    fn earlier(&self, name: &str) -> Option<(Step, Option<Response>)> {
        locked(&self.0)
            .sent
            .iter()
            .find(|sent| sent.step.name == name)
            .map(|sent| (sent.step.clone(), sent.response.clone()))
    }

    fn record(&self, name: &str, request: Digest, answer: Answer, response: Option<Response>) {
        let steps = &mut locked(&self.0).sent;
        match steps.iter_mut().find(|sent| sent.step.name == name) {
            Some(sent) => {
                sent.step.answer = answer;
                sent.response = response;
            }
            None => steps.push(Sent { step: Step { name: name.to_owned(), request, answer }, response }),
        }
    }
}

/// Why nothing can be sent to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoWay {
    /// It names no host.
    Malformed(String),
    /// Its name cannot be looked up now.
    NotFound(String),
    /// The operator has not granted where it leads.
    Forbidden(String),
}

/// Looks the name up and keeps only addresses that may be reached with these granted ranges; `whose`
/// grants them.
pub(crate) async fn destination(
    url: &Url,
    resolver: &dyn Resolve,
    allow: &[address::Cidr],
    whose: &str,
) -> Result<Destination, NoWay> {
    let Some(host) = url.host() else { return Err(NoWay::Malformed("the address names no host".to_owned())) };
    let tls = url.scheme() == "https";
    let port = url.port_or_known_default().unwrap_or(if tls { 443 } else { 80 });
    let found = match &host {
        Host::Ipv4(address) => vec![IpAddr::V4(*address)],
        Host::Ipv6(address) => vec![IpAddr::V6(*address)],
        Host::Domain(name) => resolver
            .resolve(name, port)
            .await
            .map_err(|error| NoWay::NotFound(format!("could not look up `{name}`: {error}")))?,
    };
    let permitted = |address: &IpAddr| {
        // Without TLS only a granted private range is trusted with a credential.
        address::is_permitted(*address, allow) && (tls || address::is_granted(*address, allow))
    };
    let addresses: Vec<IpAddr> = found.iter().copied().filter(permitted).collect();
    if addresses.is_empty() {
        return Err(NoWay::Forbidden(match found.first() {
            Some(address) => format!(
                "`{host}` leads to {address}, which this {whose} may not reach; grant its range under `allow` \
                 if it is meant"
            ),
            None => format!("`{host}` has no address"),
        }));
    }
    Ok(Destination { host: host.to_string(), port, tls, addresses })
}

/// The gate of one call.
pub(crate) struct Gate {
    pub(crate) phase: Phase,
    pub(crate) grant: Arc<Grant>,
    pub(crate) line: Arc<Line>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) install: InstallKey,
    /// Connector and version, for the target's log.
    pub(crate) user_agent: HeaderValue,
    pub(crate) effect: Option<EffectCall>,
    pub(crate) steps: Steps,
    /// What is signed says when it is sent, not when the call began: some targets believe it for seconds only.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) requests: u32,
    /// Who looks on, if anybody does.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// Counts what leaves and what does not.
    pub(crate) tally: Tally,
    /// What the connector tried that its phase or grant forbids. Ends the call.
    pub(crate) violation: Option<String>,
}

impl Gate {
    /// Sends one request and waits for the whole answer.
    ///
    /// If the call ends in here, [`Steps`] holds what may have left as unanswered.
    pub(crate) async fn send(&mut self, request: Request) -> Result<Response, Failure> {
        let seen = self.witness.clone().map(|witness| (witness, request.clone()));
        let answer = self.pass(request).await;
        if let Some((witness, request)) = seen {
            witness.exchanged(Exchange::new(request, &answer));
        }
        self.tally.request(answer.as_ref().map(|response| response.status));
        answer
    }

    async fn pass(&mut self, request: Request) -> Result<Response, Failure> {
        if self.violation.is_some() {
            return Err(denied("forbidden", "the call already tried what it may not"));
        }
        self.requests += 1;
        if REQUESTS_MAX < self.requests {
            return Err(rejected(
                "too-many-requests",
                format!("more than {REQUESTS_MAX} requests in one call"),
            ));
        }
        let grant = Arc::clone(&self.grant);
        let endpoint = match admit::admitted(&request, self.phase, &grant) {
            Ok(endpoint) => endpoint,
            Err(stopped) => return Err(self.stopped(stopped)),
        };
        let url = admit::address(&endpoint.base, &request).map_err(|why| rejected("malformed", why))?;
        let reserved: Vec<&HeaderName> =
            endpoint.key_header.iter().chain(endpoint.credential.headers()).collect();
        let headers = headers::admitted(&request.headers, &reserved)
            .map_err(|why| rejected("forbidden-header", why))?;
        if let Some(name) = endpoint.credential.query_name()
            && request.query.iter().any(|(other, _)| other == name)
        {
            return Err(rejected("forbidden-query", format!("`{name}` in the query is the host's own")));
        }
        let digest = digest(&request);
        if let Some(recorded) = self.recorded(&request, digest)? {
            return Ok(recorded);
        }
        let to = self.destination(&url).await?;
        let outgoing = Outgoing { endpoint, url, headers, digest, to };
        self.leave(&request, outgoing).await
    }

    fn stopped(&mut self, stopped: Stopped) -> Failure {
        match stopped {
            Stopped::Forbidden(what) => {
                self.violation = Some(what.clone());
                denied("forbidden", what)
            }
            Stopped::NotGranted(what) => {
                self.violation = Some(what.clone());
                denied("not-granted", what)
            }
            Stopped::Malformed(what) => rejected("malformed", what),
        }
    }

    /// The step rules: the same step has the same bytes, and a step that has its answer is not
    /// sent again.
    fn recorded(&mut self, request: &Request, digest: Digest) -> Result<Option<Response>, Failure> {
        let Purpose::Step(name) = &request.purpose else { return Ok(None) };
        let Some(call) = &self.effect else {
            return Err(denied("no-effect", "a step belongs to an effect, and this call has none"));
        };
        let earlier = self.steps.earlier(name);
        let same_here = earlier.as_ref().is_none_or(|(step, _)| step.request == digest);
        if !same_here || !self.line.same_step(call.effect, call.generation, name, digest) {
            let what = format!("sent step `{name}` again with other bytes, which could land twice");
            self.violation = Some(what.clone());
            return Err(denied("changed-step", what));
        }
        let Some((step, response)) = earlier else { return Ok(None) };
        let repeat_is_harmless = matches!(call.guarantee, Guarantee::ByKey | Guarantee::ByNaturalKey);
        match step.answer {
            Answer::NotSent => Ok(None),
            Answer::Answered { status }
                if repeat_is_harmless && (matches!(status, 408 | 425 | 429) || 500 <= status) =>
            {
                Ok(None)
            }
            Answer::Answered { .. } => Ok(response),
            Answer::Unanswered if repeat_is_harmless => Ok(None),
            Answer::Unanswered => Err(uncertain(
                "unanswered",
                format!("step `{name}` went out and was not answered; it is not sent blindly again"),
            )),
        }
    }

    /// Looks the name up and keeps only addresses that this connection may reach.
    async fn destination(&self, url: &Url) -> Result<Destination, Failure> {
        let found = destination(url, &*self.resolver, &self.grant.allow, "connection").await;
        found.map_err(|stopped| match stopped {
            NoWay::Malformed(what) => rejected("malformed", what),
            NoWay::NotFound(what) => transient("name-not-found", what, None),
            NoWay::Forbidden(what) => denied("forbidden-address", what),
        })
    }

    /// Circuit and rate, connection, credential and key, ledger, and then the wire.
    async fn leave(&mut self, request: &Request, outgoing: Outgoing<'_>) -> Result<Response, Failure> {
        let _slot: Slot = self.line.enter().await.map_err(|busy| {
            let after = Millis(u64::try_from(busy.after.as_millis()).unwrap_or(u64::MAX));
            if busy.target_rests {
                locked(&self.steps.0).held_back = Some(after);
            }
            transient(busy.code, busy.why, Some(after))
        })?;
        let line = Arc::clone(&self.line);
        let mut token = self.token(outgoing.endpoint, None).await?;
        let opened = line.pool.open(&outgoing.to).await;
        let step = match &request.purpose {
            Purpose::Read => None,
            Purpose::Step(name) => self.effect.clone().map(|call| (name.as_str(), call)),
        };
        let open = match opened {
            Ok(open) => open,
            Err(why) => {
                self.line.went(false);
                if let Some((name, _)) = &step {
                    self.steps.record(name, outgoing.digest, Answer::NotSent, None);
                }
                return Err(transient("unreachable", why, None));
            }
        };
        let message = self.message(request, &outgoing, token.as_ref(), step.as_ref())?;
        if let Some((name, call)) = &step {
            call.ledger
                .about_to_send(name, outgoing.digest)
                .await
                .map_err(|error| transient("not-recorded", error.to_string(), None))?;
            self.steps.record(name, outgoing.digest, Answer::Unanswered, None);
        }
        let (mut result, mut leaves_again) = (line.pool.send(&outgoing.to, open, message).await, Ok(()));
        if matches!(&result, Ok(whole) if whole.status == 401) && token.is_some() {
            // A token can be withdrawn before its end. What was refused for it was not done, and goes once more.
            token = self.token(outgoing.endpoint, token.as_ref()).await.ok().flatten();
            if token.is_some()
                && let Ok(open) = line.pool.open(&outgoing.to).await
            {
                if let Some((_, call)) = &step {
                    leaves_again = call.ledger.leaves_again().await;
                }
                if leaves_again.is_ok() {
                    let message = self.message(request, &outgoing, token.as_ref(), step.as_ref())?;
                    result = line.pool.send(&outgoing.to, open, message).await;
                }
            }
        }
        if result.is_ok() {
            locked(&self.steps.0).heard = true;
        }
        self.line.went(matches!(&result, Ok(whole) if !matches!(whole.status, 502..=504)));
        let name = step.as_ref().map(|(name, _)| *name);
        let answered = self.answered(name, &outgoing, result);
        // Its token had ended, and another one was there: that it was refused is no word of the target's about it.
        leaves_again.map_err(|error| transient("not-recorded", error.to_string(), None))?;
        answered
    }

    /// The token that the endpoint's requests bear, if they bear one; never again the one that was `spent`.
    async fn token(
        &self,
        endpoint: &GrantedEndpoint,
        spent: Option<&Token>,
    ) -> Result<Option<Token>, Failure> {
        let Credential::Token(tokens) = &endpoint.credential else { return Ok(None) };
        let way = Way {
            line: Arc::clone(&self.line),
            resolver: Arc::clone(&self.resolver),
            grant: Arc::clone(&self.grant),
            now: self.clock.now(),
        };
        tokens.token(way, spent.cloned()).await.map(Some)
    }

    /// The message as it goes over the wire.
    fn message(
        &self,
        request: &Request,
        outgoing: &Outgoing<'_>,
        token: Option<&Token>,
        step: Option<&(&str, EffectCall)>,
    ) -> Result<http::Request<Full<Bytes>>, Failure> {
        let mut headers = outgoing.headers.clone();
        let malformed = |error: http::Error| rejected("malformed", error.to_string());
        let target = match outgoing.url.query() {
            Some(query) => format!("{}?{query}", outgoing.url.path()),
            None => outgoing.url.path().to_owned(),
        };
        let host = match outgoing.url.port() {
            Some(port) => format!("{}:{port}", outgoing.to.host),
            None => outgoing.to.host.clone(),
        };
        headers.insert(header::HOST, HeaderValue::from_str(&host).map_err(|error| malformed(error.into()))?);
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let id = match step {
            None => outgoing.digest.to_string(),
            Some((name, call)) => {
                let key = idempotency_key(&self.install, call.effect, name, call.generation);
                let value = HeaderValue::from_str(&key).map_err(|error| malformed(error.into()))?;
                if let Some(header) = &outgoing.endpoint.key_header {
                    headers.insert(header, value);
                }
                if let Ok(trace) = HeaderValue::from_str(&traceparent(call.effect, name)) {
                    headers.insert(HeaderName::from_static("traceparent"), trace);
                }
                key
            }
        };
        let credential = &outgoing.endpoint.credential;
        let (method, body) = (request.method.as_str(), request.body.as_slice());
        let signed = credential::Message { id: &id, now: self.clock.now(), method, target: &target, body };
        credential.sign(&mut headers, token, &signed);
        let target = credential.address(target);
        let body = Full::new(Bytes::from(request.body.clone()));
        let mut message = http::Request::builder()
            .method(request.method.as_str())
            .uri(target.as_str())
            .body(body)
            .map_err(malformed)?;
        *message.headers_mut() = headers;
        Ok(message)
    }

    /// Records the answer and prepares it for the guest.
    fn answered(
        &self,
        step: Option<&str>,
        outgoing: &Outgoing<'_>,
        result: Result<Whole, Lost>,
    ) -> Result<Response, Failure> {
        let record = |answer, response| {
            if let Some(name) = step {
                self.steps.record(name, outgoing.digest, answer, response);
            }
        };
        match result {
            Ok(whole) => {
                let response = shown(outgoing.endpoint, whole);
                record(Answer::Answered { status: response.status }, Some(response.clone()));
                Ok(response)
            }
            Err(Lost::NotSent(why)) => {
                record(Answer::NotSent, None);
                Err(transient("unreachable", why, None))
            }
            Err(Lost::Unanswered(why)) if step.is_some() => Err(uncertain("unanswered", why)),
            Err(Lost::Unanswered(why)) => Err(transient("unanswered", why, None)),
            Err(Lost::Unusable { status, why }) => {
                let mut failure = match step {
                    Some(_) => uncertain(UNUSABLE, why),
                    None => rejected(UNUSABLE, why),
                };
                if let Failure::Uncertain(detail) | Failure::Rejected { detail, .. } = &mut failure {
                    detail.vendor_status = Some(status);
                }
                Err(failure)
            }
        }
    }
}

/// A request that has passed every rule that needs no wire.
struct Outgoing<'g> {
    endpoint: &'g GrantedEndpoint,
    url: Url,
    headers: HeaderMap,
    digest: Digest,
    to: Destination,
}

/// An answer without credentials, neither in its headers nor echoed in its text.
fn shown(endpoint: &GrantedEndpoint, whole: Whole) -> Response {
    let hide = |bytes| endpoint.credential.hide(bytes);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&hide(bytes)).into_owned();
    let headers =
        headers::shown(&whole.headers).into_iter().map(|(name, value)| (name, text(value))).collect();
    Response { status: whole.status, headers, body: hide(whole.body) }
}

/// What a step sends, without what the host adds: the same in every attempt.
fn digest(request: &Request) -> Digest {
    let mut parts: Vec<&[u8]> = vec![
        request.endpoint.as_bytes(),
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        b"query",
    ];
    for (name, value) in &request.query {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    parts.push(b"headers");
    for (name, value) in &request.headers {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    parts.extend([b"body".as_slice(), &request.body]);
    Digest::of_parts(&parts)
}

/// A W3C trace header that is the same for every attempt at a step, so that both sides' logs meet.
fn traceparent(effect: EffectId, step: &str) -> String {
    let span = Digest::of_parts(&[&effect.bits().to_be_bytes(), step.as_bytes()]).to_string();
    format!("00-{:032x}-{}-01", effect.bits(), span.get(..16).unwrap_or("0000000000000001"))
}

fn transient(code: &str, why: impl Into<String>, after: Option<Millis>) -> Failure {
    Failure::Transient { after, detail: Detail::new(code, why) }
}

/// The answer to a request by a method that this host does not know. Nothing was sent.
pub(crate) fn unknown_method(name: &str) -> Failure {
    /// A method of HTTP is short.
    const SHOWN_MAX: usize = 32;
    let shown: String = name.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    let known = Method::ALL.map(Method::as_str).join(", ");
    rejected("malformed", format!("asks by method `{shown}`, and this host knows {known}"))
}

fn rejected(code: &str, why: impl Into<String>) -> Failure {
    Failure::Rejected { fields: Vec::new(), detail: Detail::new(code, why) }
}

fn denied(code: &str, why: impl Into<String>) -> Failure {
    Failure::Denied(Detail::new(code, why))
}

fn uncertain(code: &str, why: impl Into<String>) -> Failure {
    Failure::Uncertain(Detail::new(code, why))
}
