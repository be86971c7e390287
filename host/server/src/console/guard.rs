//! What every page is guarded by: forms come from our own pages only, and a session is looked up anew at
//! every request.

use super::page::{self, policy};
use crate::session::{Inforce, Session};
use crate::state::Host;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// The header by which a browser says where a request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How a browser says what it asks for: a page, or what a script wants.
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The cookie of a session over TLS: browsers take the prefix from this host and over TLS only.
const SECURE: &str = "__Host-countersign";
/// The same on a machine without TLS.
const PLAIN: &str = "countersign";

/// Refuses what comes from elsewhere and marks every page.
pub(super) async fn guard(State(host): State<Host>, request: Request, next: Next) -> Response {
    let address = host.signing.by.address.as_deref();
    if request.method() == Method::POST && !is_own(request.headers(), address) {
        return page::said(
            StatusCode::FORBIDDEN,
            "This form was not sent by a page of this host",
            "Open the page again and send its form. A program uses the API with a token instead.",
        );
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy());
    response
}

/// Whether a request was made by a page of this host: the browser says so itself, or it names this host as the
/// origin. A request that says neither is no browser's, and needs no page.
fn is_own(headers: &HeaderMap, address: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(&FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => match (text(&header::ORIGIN), address, text(&header::HOST)) {
            // Where it is known how browsers reach this host, with TLS or without.
            (Some(origin), Some(address), _) => origin.eq_ignore_ascii_case(address),
            (Some(origin), None, Some(host)) => {
                origin.split_once("://").is_some_and(|(_, named)| named.eq_ignore_ascii_case(host))
            }
            (_, _, _) => false,
        },
    }
}

/// Whoever is signed in.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) session: Session,
    /// What their cookie holds.
    pub(super) cookie: String,
}

/// Who is signed in with this browser.
pub(super) fn signed(host: &Host, headers: &HeaderMap) -> Option<Signed> {
    let cookie = cookie(headers, name(host))?;
    let rulebook = host.engine.rulebook();
    let inforce = Inforce {
        directory: rulebook.directory(),
        passwords: &host.signing.by.passwords,
        now: host.engine.now(),
    };
    // What a page that is left open asks for by itself is no use of the session.
    let is_used = headers.get(&FETCH_DEST).is_none_or(|dest| dest != "empty");
    let session = host.signing.sessions.find(cookie, is_used, inforce)?;
    Some(Signed { session, cookie: cookie.to_owned() })
}

/// Whether the session of a cookie still holds; this is no use of it.
pub(super) fn holds(host: &Host, cookie: &str) -> bool {
    let rulebook = host.engine.rulebook();
    let (passwords, now) = (&*host.signing.by.passwords, host.engine.now());
    let inforce = Inforce { directory: rulebook.directory(), passwords, now };
    host.signing.sessions.holds(cookie, inforce)
}

/// Whether a page of this host asks, as far as the browser says so: another site must not use up what a person may have
/// open.
pub(super) fn is_of_own_page(headers: &HeaderMap) -> bool {
    headers.get(&FETCH_SITE).is_none_or(|site| site == "same-origin")
}

/// Who is signed in; whoever is not goes to the address in the error, signs in there, and comes back to `path`.
pub(super) fn required(host: &Host, headers: &HeaderMap, path: &str) -> Result<Signed, String> {
    signed(host, headers).ok_or_else(|| format!("/sign-in?next={}", super::form::escaped(path)))
}

/// The name of the session's cookie.
pub(super) fn name(host: &Host) -> &'static str {
    if host.signing.is_secure() { SECURE } else { PLAIN }
}

/// The name of the cookie of somebody who is at the identity provider.
pub(super) fn name_meanwhile(host: &Host) -> &'static str {
    if host.signing.is_secure() { "__Host-countersign-meanwhile" } else { "countersign-meanwhile" }
}

/// The value of a cookie, if it stands there once.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut found = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        (_, _) => None,
    }
}

/// Has the browser keep `value` until it is closed or told otherwise.
pub(super) fn keep(host: &Host, name: &str, value: &str) -> (HeaderName, HeaderValue) {
    set(host, name, value, "")
}

/// Has the browser forget a cookie.
pub(super) fn forget(host: &Host, name: &str) -> (HeaderName, HeaderValue) {
    set(host, name, "", "; Max-Age=0")
}

fn set(host: &Host, name: &str, value: &str, more: &str) -> (HeaderName, HeaderValue) {
    let secure = if host.signing.is_secure() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    (header::SET_COOKIE, value)
}

/// A page for whoever is there, with cookies.
pub(super) fn with(
    mut response: Response,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Response {
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_form_comes_from_our_own_page_or_is_refused() {
        let check = |pairs: &[(&'static str, &'static str)]| is_own(&headers(pairs), None);
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("origin", "https://a.example"), ("host", "a.example")]));
        assert!(check(&[("origin", "http://127.0.0.1:8700"), ("host", "127.0.0.1:8700")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!check(&[
                ("sec-fetch-site", site),
                ("origin", "https://a.example"),
                ("host", "a.example")
            ]));
        }
        assert!(!check(&[("origin", "https://evil.example"), ("host", "a.example")]));
        assert!(!check(&[("origin", "null"), ("host", "a.example")]));
        assert!(!check(&[("host", "a.example")]));
        assert!(!check(&[]));
        let known = |origin| {
            is_own(&headers(&[("origin", origin), ("host", "a.example")]), Some("https://a.example"))
        };
        assert!(known("https://a.example"));
        assert!(!known("http://a.example"), "without TLS it is somebody else's page");
    }

    #[test]
    fn a_cookie_that_stands_twice_is_none() {
        let one = headers(&[("cookie", "a=1; countersign=x; b=2")]);
        assert_eq!(cookie(&one, "countersign"), Some("x"));
        assert_eq!(cookie(&headers(&[("cookie", "countersign=x; countersign=y")]), "countersign"), None);
        assert_eq!(cookie(&headers(&[("cookie", "xcountersign=x")]), "countersign"), None);
    }
}
