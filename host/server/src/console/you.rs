//! Who one is here, one's sessions, and a token for one's terminal.

use super::form::Form;
use super::guard::{self, Signed};
use super::page::{self, Here, framed};
use crate::limits::{SESSION_IDLE_MS_MAX, SESSION_MS_MAX};
use crate::session::Proof;
use crate::sign_in::bits;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::time::Millis;
use maud::{Markup, html};

/// An hour, in milliseconds.
const HOUR_MS: u64 = 60 * 60 * 1_000;

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => shown(&host, &signed, &headers, &html! {}),
        Err(to) => page::see_other(&to),
    }
}

/// Sends a browser that opens the address of a form to the page of that form.
pub(super) async fn again() -> Response {
    page::see_other("/you")
}

/// Makes a token for the terminal and shows it once; the one before it ends.
pub(super) async fn terminal(State(host): State<Host>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, "/you") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let Some(token) = host.signing.sessions.give_terminal(&signed.cookie, &bits(&*host.chance)) else {
        return page::see_other("/sign-in");
    };
    tracing::info!(person = %signed.session.person, "a token for a terminal was made");
    let address = host.signing.by.address.as_deref();
    let said = html! {
        h2 { "For your terminal" }
        p { "Keep it now: it is not shown again. It ends with this session." }
        pre {
            @if let Some(address) = address.filter(|address| address.starts_with("http://")) {
                "export COUNTERSIGN_URL=" (address) "\n"
            }
            "export COUNTERSIGN_TOKEN=" (token.as_str())
        }
        @if address.is_some_and(|address| address.starts_with("https://")) {
            p { "The command line speaks http only: whoever runs this host says by which local proxy or tunnel your "
                "terminal reaches it (" code { "COUNTERSIGN_URL" } ")." }
        }
    };
    shown(&host, &signed, &form.headers, &said)
}

/// The cookie by which a browser says that the keys of the console are off in it; the module reads it.
const KEYS: &str = "countersign-keys";
/// How long a browser keeps that, in seconds: a year.
const KEYS_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Switches the keys of the console off in this browser, or on again.
pub(super) async fn keys(State(host): State<Host>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, "/you") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let (value, seconds) = if form.field("keys") == "off" { ("off", KEYS_SECONDS) } else { ("", 0) };
    let secure = if host.signing.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{KEYS}={value}; Path=/; SameSite=Lax; Max-Age={seconds}{secure}");
    tracing::debug!(person = %signed.session.person, value, "keys of the console");
    let to = page::see_other("/you#keys");
    guard::with(to, HeaderValue::try_from(cookie).map(|cookie| (header::SET_COOKIE, cookie)))
}

/// How the keys of the console are, and what they are for.
fn about_keys(headers: &HeaderMap) -> Markup {
    let off = guard::cookie(headers, KEYS) == Some("off");
    html! {
        section #keys {
            h2 { "Keys" }
            p {
                @if off { "In this browser single keys do nothing." }
                @else { "Single keys lead through the console; " kbd { "?" } " shows them on every page." }
            }
            form method="post" action="/you/keys" {
                input type="hidden" name="keys" value=(if off { "on" } else { "off" });
                button.quiet { @if off { "Switch the keys on" } @else { "Switch the keys off" } }
            }
        }
    }
}

/// Ends all other sessions of whoever asks.
pub(super) async fn end_others(State(host): State<Host>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, "/you") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let ended = host.signing.sessions.end_others(&signed.session.person, &signed.cookie);
    tracing::info!(person = %signed.session.person, ended, "other sessions were ended");
    shown(
        &host,
        &signed,
        &form.headers,
        &html! { p role="status" { "Other sessions that were ended: " (ended) "." } },
    )
}

fn shown(host: &Host, signed: &Signed, headers: &HeaderMap, said: &Markup) -> Response {
    let session = &signed.session;
    let rulebook = host.engine.rulebook();
    let moment = |at| rulebook.directory().spelt(&session.person, at, host.engine.now()).to_string();
    let end = session.since.plus(Millis(SESSION_MS_MAX));
    let count = host.signing.sessions.count(&session.person);
    let body = html! {
        (said)
        table {
            tbody {
                tr { th scope="row" { "Person" } td { (session.person) } }
                tr { th scope="row" { "Signed in" } td {
                    (moment(session.since))
                    @match &session.proof {
                        Proof::Account(account) => { ", as " (account) },
                        Proof::Password(_) => { ", by password" },
                    }
                } }
                tr { th scope="row" { "Ends" } td { (moment(end)) ", or after " (SESSION_IDLE_MS_MAX / HOUR_MS) " hours without use" } }
                tr { th scope="row" { "Sessions" } td { (count) } }
            }
        }
        form method="post" action="/you/terminal" { button { "Make a token for your terminal" } }
        @if 1 < count {
            form method="post" action="/you/others" { button.quiet { "End my other sessions" } }
        }
        (about_keys(headers))
    };
    framed(Here::You, "You", &session.person, &body).into_response()
}
