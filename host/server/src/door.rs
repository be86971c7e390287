//! The door: every request passes here, and every answer leaves with the same headers.
//!
//! Outside stands [`pass`]: it names the operation, refuses tricks, keeps the number of requests and
//! their time bounded, and writes problems out. Inside, per route, stands [`sign_in`]: what is not in
//! the table of routes is not let in, whatever the router knows.

use crate::asked::Line;
use crate::denied::{self, Try};
use crate::limits::REQUEST_MS_MAX;
use crate::problem::Problem;
use crate::routes;
use crate::scim;
use crate::session::Inforce;
use crate::state::Host;
use crate::token::{Scope, TOKEN_PREFIX, TokenEntry};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_core::approval::refusal::Refusal;
use countersign_core::id::{ConnectionName, PersonId};
use countersign_core::people::register::Actor;
use countersign_engine::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;

/// The header that names the operation in every answer.
pub const OPERATION_HEADER: HeaderName = HeaderName::from_static("countersign-operation");

/// The header that says up to which place of the log an answer has seen.
pub const POSITION_HEADER: HeaderName = HeaderName::from_static("countersign-position");

/// Headers by which some servers let a caller replace the method. None is obeyed; all are refused.
const METHOD_TRICKS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Headers of every answer. No answer is a page that may be framed, cached or run.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Who calls, once signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) person: PersonId,
    /// What the operator calls their token.
    pub(crate) token: String,
}

impl Caller {
    /// The machine that calls, as the record of people names it.
    pub(crate) fn token_actor(&self) -> Actor {
        Actor::Token(self.token.clone())
    }
}

/// Lets one request in and its answer out.
pub(crate) async fn pass(State(host): State<Host>, request: Request, next: Next) -> Response {
    let operation = format!("op_{:032x}", host.chance.bits());
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let began = Instant::now();
    let span = tracing::info_span!("request", %operation, %method);
    let mut response = inside(&host, request, next).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        host.metrics.refused(&problem);
        let mut written =
            if scim::is_here(&path) { scim::written(&problem) } else { problem.written(&path, &operation) };
        // A 405 of the router brings its own `Allow`.
        for (name, value) in response.headers() {
            if *name == header::ALLOW {
                written.headers_mut().insert(name.clone(), value.clone());
            }
        }
        response = written;
    }
    let position = host.engine.health().position.0;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        // A page says itself what it may load, and what it brings how long it may be kept.
        let own = name == header::CONTENT_SECURITY_POLICY || name == header::CACHE_CONTROL;
        if !own || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.insert(POSITION_HEADER, HeaderValue::from(position));
    if let Ok(operation) = HeaderValue::from_str(&operation) {
        headers.insert(OPERATION_HEADER, operation);
    }
    host.metrics.answered(method.as_str(), route.as_deref(), response.status().as_u16(), began.elapsed());
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response
}

async fn inside(host: &Host, mut request: Request, next: Next) -> Response {
    if let Err(problem) = untricked(host, &request) {
        return problem.into_response();
    }
    let Ok(place) = Arc::clone(&host.places).try_acquire_owned() else {
        let detail = "too many requests are running";
        let help = "wait a moment and send it again with the same idempotency key";
        return Problem::new("CS-E0217", detail, help).later().into_response();
    };
    // A task of its own: whoever hangs up stops listening, but what was begun comes to its end. Only
    // what changes nothing looks at the line and stops.
    let (_listener, line) = Line::open();
    request.extensions_mut().insert(line);
    let (answered, answer) = oneshot::channel();
    let work = async move {
        let unheard = answered.send(next.run(request).await).is_err();
        tracing::debug!(unheard, "done");
        drop(place);
    };
    host.tasks.start(work.in_current_span());
    match tokio::time::timeout(Duration::from_millis(REQUEST_MS_MAX), answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(blame = "host", "a request panicked");
            Problem::bug().into_response()
        }
        Err(_) => {
            let detail = format!("no answer within {REQUEST_MS_MAX} ms; the command may have been kept");
            let help = "send it again with the same idempotency key: it is done once";
            Problem::new("CS-E0306", detail, help).into_response()
        }
    }
}

/// Refuses what means something else to somebody else on the way.
fn untricked(host: &Host, request: &Request) -> Result<(), Problem> {
    if METHOD_TRICKS.iter().any(|name| request.headers().contains_key(*name)) {
        return Err(no_method("a method override is not taken"));
    }
    let query = request.uri().query().unwrap_or_default();
    if let Some(token) = token_in(query) {
        // The name is the operator's word for it; the token itself is written nowhere.
        match host.tokens.revoke(token) {
            Some(name) => {
                tracing::warn!(token = name, blame = "remote", "a token stood in an address: revoked")
            }
            None => match host.signing.sessions.end_terminal(token) {
                Some(person) => {
                    tracing::warn!(%person, blame = "remote", "a terminal's token stood in an address: ended");
                }
                None => tracing::warn!(blame = "remote", "an unknown token stood in an address"),
            },
        }
        return Err(Problem::new(
            "CS-E0206",
            "a token stands in the address and is revoked now",
            "make a new token and send it in the `Authorization` header",
        ));
    }
    Ok(())
}

/// The token in a query, under whatever name it stands. A token needs no escapes, so none are read.
fn token_in(query: &str) -> Option<&str> {
    let start = query.find(TOKEN_PREFIX)?;
    let rest = query.get(start..)?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    rest.get(..end.unwrap_or(rest.len()))
}

fn no_method(detail: &str) -> Problem {
    Problem::new("CS-E0209", detail, "use a method that `Allow` or `/openapi.json` names for this address")
}

/// What every address below one connection begins with.
const OF_CONNECTION: &str = "/v1/connections/{name}/";

/// What a request wants to be let in to.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    scope: Scope,
    /// The one connection that it is about, as its address names it.
    connection: Option<&'a ConnectionName>,
}

/// Lets a request on to its handler if the table of routes says that its token may.
pub(crate) async fn sign_in(
    State(host): State<Host>,
    matched: MatchedPath,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(route) = routes::find(request.method(), matched.as_str()) else {
        return method_not_taken(request.method().clone()).await.into_response();
    };
    // What is no name of a connection is nobody's: only operators are told that there is none.
    let mut names = params.iter().flatten();
    let named = names.find(|(name, _)| *name == "name" && route.path.starts_with(OF_CONNECTION));
    let connection = named.and_then(|(_, value)| ConnectionName::parse(value).ok());
    let wanted = |scope| Wanted { scope, connection: connection.as_ref() };
    let tried = || Try::of_route(route, params.as_ref().ok());
    let caller = match route.scope {
        None => None,
        Some(scope) => match caller(&host, request.headers(), wanted(scope)) {
            Ok(caller) => Some(caller),
            Err(problem) => {
                // Of a stranger nobody knows who it was, and anybody could fill the log.
                if let Some(known) = known(&host, request.headers()) {
                    denied::look(&host, &known, tried(), &problem);
                }
                return problem.into_response();
            }
        },
    };
    if host.engine.is_stopping() && !request.method().is_safe() {
        return Problem::from(Fault::Stopping).into_response();
    }
    let Some(caller) = caller else { return next.run(request).await };
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    if let Some(problem) = response.extensions().get::<Problem>() {
        denied::look(&host, &caller, tried(), problem);
    }
    response
}

/// Whose token it is, whatever it may.
fn known(host: &Host, headers: &HeaderMap) -> Option<Caller> {
    let token = bearer(headers)?;
    if let Some(entry) = host.tokens.find(token) {
        return Some(Caller { person: entry.person.clone(), token: entry.name.clone() });
    }
    of_terminal(host, token).map(|person| Caller { token: of_terminal_name(&person), person })
}

/// What is said of the token that a person's terminal has.
fn of_terminal_name(person: &PersonId) -> String {
    format!("the terminal of {person}")
}

fn caller(host: &Host, headers: &HeaderMap, wanted: Wanted<'_>) -> Result<Caller, Problem> {
    let scope = wanted.scope;
    let token = bearer(headers);
    let Some(entry) = token.and_then(|token| host.tokens.find(token)) else {
        // What the operator made is found without a look at the sessions, of which there may be many.
        let person = token.and_then(|token| of_terminal(host, token)).ok_or_else(|| {
            Problem::new(
                "CS-E0205",
                "a valid token is needed",
                "send `Authorization: Bearer cs_live_...` with a token of this host",
            )
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"countersign\""))
        })?;
        return terminal_may(host, person, wanted);
    };
    if !entry.scopes.contains(&scope) {
        let detail = format!("the token `{}` lacks the scope `{scope}`", entry.name.escape_debug());
        return Err(Problem::new("CS-E0207", detail, "use a token with this scope"));
    }
    // Rights are read at every request: whoever left has none, whatever token is still around.
    let rulebook = host.engine.rulebook();
    // Who provisions is known by the scope alone: a row of the file must not end it.
    if scope != Scope::Provision && rulebook.directory().machines.contains_key(&entry.person) {
        return machine_may(&entry, scope);
    }
    let is_person = rulebook.directory().knows(&entry.person);
    match (scope, is_person) {
        // Who is there is said by a machine, which must not stop because somebody has left.
        (Scope::Provision, true) => {
            let detail = format!("the token `{}` acts for a person", entry.name.escape_debug());
            let help = "make one for the identity provider in a name that nobody of the house has";
            Err(Problem::new("CS-E0207", detail, help))
        }
        // Where the house has operators, whoever does not look after it operates nothing, whatever their token says.
        (Scope::Operate, true) => match rulebook.directory().operates(&entry.person, wanted.connection) {
            Ok(()) => Ok(Caller { person: entry.person.clone(), token: entry.name.clone() }),
            Err(refused) => Err(Fault::Connection(refused.into()).into()),
        },
        (Scope::Provision, false) | (Scope::Read | Scope::Ask | Scope::Decide, true) => {
            Ok(Caller { person: entry.person.clone(), token: entry.name.clone() })
        }
        (Scope::Read | Scope::Ask | Scope::Decide | Scope::Operate, false) => {
            Err(Refusal::UnknownPerson(entry.person.to_string()).into())
        }
    }
}

/// Whose terminal has this token, while the session that made it holds.
fn of_terminal(host: &Host, token: &str) -> Option<PersonId> {
    let rulebook = host.engine.rulebook();
    let (passwords, now) = (&*host.signing.by.passwords, host.engine.now());
    let inforce = Inforce { directory: rulebook.directory(), passwords, now };
    host.signing.sessions.terminal(token, inforce).map(|session| session.person)
}

/// A machine reads and asks; what it asks for is decided by persons.
fn machine_may(entry: &TokenEntry, scope: Scope) -> Result<Caller, Problem> {
    match scope {
        Scope::Read | Scope::Ask => Ok(Caller { person: entry.person.clone(), token: entry.name.clone() }),
        Scope::Decide | Scope::Operate | Scope::Provision => {
            let detail = format!("`{}` is a machine, and only persons {scope}", entry.person);
            let help = "whoever answers for it, or whoever has a seat, does it with a token of their own";
            Err(Problem::new("CS-E0224", detail, help))
        }
    }
}

/// A person in their terminal may what people may; connections are for those who look after them.
fn terminal_may(host: &Host, person: PersonId, wanted: Wanted<'_>) -> Result<Caller, Problem> {
    let scope = wanted.scope;
    let operator = host.engine.rulebook().directory().looks_after(&person, wanted.connection);
    let token = of_terminal_name(&person);
    match scope {
        Scope::Read | Scope::Ask | Scope::Decide => Ok(Caller { person, token }),
        Scope::Operate if operator => Ok(Caller { person, token }),
        Scope::Operate | Scope::Provision => {
            let detail = format!("a token of a terminal lacks the scope `{scope}`");
            Err(Problem::new("CS-E0207", detail, "use a token that `countersign token create` made with it"))
        }
    }
}

/// The bearer token, if there is exactly one `Authorization` header and it carries one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// What the router answers to a known address with another method.
pub(crate) async fn method_not_taken(method: Method) -> Problem {
    no_method(&format!("`{method}` is not taken here"))
}

/// What the router answers to an unknown address.
pub(crate) async fn no_such_address() -> Problem {
    Problem::no_route()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_anywhere_in_a_query() {
        assert_eq!(token_in("access_token=cs_live_abc&x=1"), Some("cs_live_abc"));
        assert_eq!(token_in("a=b&q=cs_live_0"), Some("cs_live_0"));
        assert_eq!(token_in("type=discount"), None);
    }
}
