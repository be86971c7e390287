//! Signing in and out.

use super::form::{self, Form};
use super::guard::{self, Signed};
use super::page::{self, page};
use crate::limits::PASSWORD_TRIES_PER_MINUTE;
use crate::serve::Peer;
use crate::session::Proof;
use crate::sign_in::bits;
use crate::state::Host;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::id::PersonId;
use countersign_engine::port::identity::{Back, NotSignedIn};
use maud::html;

/// What `Retry-After` says after too many tries, in seconds.
const RETRY_SECONDS: u64 = 60;

/// Shows the ways to sign in; whoever is signed in goes on.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let next = form::next(form::parameter(&uri, "next"));
    match guard::signed(&host, &headers) {
        Some(_) => page::see_other(&next),
        None => ways(&host, StatusCode::OK, &next, "", None),
    }
}

fn ways(host: &Host, status: StatusCode, next: &str, person: &str, wrong: Option<&str>) -> Response {
    let by = &host.signing.by;
    let provider = by.provider.is_some();
    let passwords = !by.passwords.is_empty();
    let body = html! {
        @if let Some(wrong) = wrong { p.warn role="alert" { (wrong) } }
        @if provider {
            p { a.button href=(format!("/sign-in/provider?next={}", form::escaped(next))) { "Sign in with your company account" } }
        }
        @if passwords {
            form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="person" { "Person" }
                input #person name="person" value=(person) autocomplete="username" autocapitalize="none" required;
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required;
                button { "Sign in" }
            }
        }
        @if !provider && !passwords {
            p { "Nobody can sign in on this host yet." }
            p { "Whoever runs it sets up " code { "[sign-in]" } " in the configuration, or makes you a password with "
                code { "countersign password set PERSON" } "." }
        }
    };
    (status, page("Sign in", None, &body)).into_response()
}

/// Signs somebody in by their password.
pub(super) async fn with_password(
    State(host): State<Host>,
    peer: Option<Extension<Peer>>,
    form: Form,
) -> Response {
    let next = form::next(Some(form.field("next").to_owned()));
    let (named, password) = (form.field("person").trim(), form.field("password"));
    let from = peer.map(|Extension(Peer(address))| address);
    if !host.signing.tries.may(named, from) {
        tracing::warn!(
            from = from.map(|from| from.to_string()),
            blame = "remote",
            "too many tries with a password"
        );
        let wrong =
            format!("More than {PASSWORD_TRIES_PER_MINUTE} tries in a minute. Wait a minute and try again.");
        let later = [(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))];
        return guard::with(ways(&host, StatusCode::TOO_MANY_REQUESTS, &next, named, Some(&wrong)), later);
    }
    // Few wait for a core: whoever floods this page keeps no place that others need.
    let Ok(_waiting) = host.signing.waiting.try_acquire() else {
        let wrong = "Too many people sign in at this moment. Wait a moment and try again.";
        return ways(&host, StatusCode::TOO_MANY_REQUESTS, &next, named, Some(wrong));
    };
    let Ok(_place) = host.signing.hashing.acquire().await else {
        return page::problem(&crate::problem::Problem::bug());
    };
    let person = PersonId::parse(named).ok();
    let (passwords, asked, password) =
        (host.signing.by.passwords.clone(), person.clone(), password.to_owned());
    let verified = tokio::task::spawn_blocking(move || passwords.verified(asked.as_ref(), &password)).await;
    let known = |person: &PersonId| host.engine.rulebook().directory().knows(person);
    // The same words for a wrong name and a wrong password, after the same time.
    let right = person.filter(known).zip(verified.ok().flatten());
    let Some((person, digest)) = right else {
        let person = PersonId::parse(named).ok().filter(known).map(|person| person.to_string());
        tracing::warn!(
            person,
            from = from.map(|from| from.to_string()),
            blame = "remote",
            "a wrong password"
        );
        let wrong = "Person and password do not match. Check both and try again.";
        return ways(&host, StatusCode::FORBIDDEN, &next, named, Some(wrong));
    };
    entered(&host, &form.headers, person, Proof::Password(digest), &next)
}

/// Sends the browser to the identity provider.
pub(super) async fn to_provider(State(host): State<Host>, uri: Uri) -> Response {
    let next = form::next(form::parameter(&uri, "next"));
    let Some(provider) = host.signing.by.provider.clone() else {
        return ways(&host, StatusCode::NOT_FOUND, &next, "", Some("This host has no identity provider."));
    };
    let Ok(_asking) = host.signing.asking.try_acquire() else { return busy() };
    let (cookie, ask) = host.signing.pending.begin(&*host.chance, next, host.engine.now());
    match provider.begin(ask).await {
        Ok(to) => {
            let keep = guard::keep(&host, guard::name_meanwhile(&host), &cookie);
            guard::with(page::see_other(&to), [keep])
        }
        Err(not) => not_signed_in(&not),
    }
}

/// Takes a browser back from the identity provider.
pub(super) async fn back(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let forget = guard::forget(&host, guard::name_meanwhile(&host));
    guard::with(recognised(&host, &headers, &uri).await, [forget])
}

async fn recognised(host: &Host, headers: &HeaderMap, uri: &Uri) -> Response {
    let again = "Open the page that you wanted again; you are asked to sign in again.";
    let state = form::parameter(uri, "state");
    let meanwhile = guard::cookie(headers, guard::name_meanwhile(host));
    let now = host.engine.now();
    let gone = meanwhile
        .zip(state.as_deref())
        .and_then(|(cookie, state)| host.signing.pending.back(cookie, state, now));
    let (Some(gone), Some(provider)) = (gone, host.signing.by.provider.clone()) else {
        let what = "This sign-in was not begun in this browser, took too long, or was finished already";
        return page::said(StatusCode::FORBIDDEN, what, again);
    };
    let Some(code) = form::parameter(uri, "code") else {
        // What the provider says stands in an address that anybody can write: it is not repeated.
        let what = "The identity provider did not sign you in";
        return page::said(StatusCode::FORBIDDEN, what, again);
    };
    let Ok(_asking) = host.signing.asking.try_acquire() else { return busy() };
    let issuer = form::parameter(uri, "iss");
    let back = Back { code, issuer, nonce: gone.nonce.clone(), verifier: gone.verifier.clone(), now };
    let identity = match provider.finish(back).await {
        Ok(identity) => identity,
        Err(not) => return not_signed_in(&not),
    };
    let rulebook = host.engine.rulebook();
    let person = rulebook.directory().accounts.get(&identity.account);
    let Some(person) = person.filter(|person| rulebook.directory().knows(person)) else {
        tracing::warn!(account = %identity.account, blame = "host", "an account is nobody's");
        let what = "Your account is not linked to anybody here";
        let next = format!(
            "You are signed in at your company as {}, and this host does not know whose account that is. Whoever \
             looks after people.md adds it under Accounts.",
            identity.account
        );
        return page::said(StatusCode::FORBIDDEN, what, &next);
    };
    entered(host, headers, person.clone(), Proof::Account(identity.account), &gone.next)
}

fn busy() -> Response {
    page::said(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many people sign in at this moment",
        "Wait a moment and try again.",
    )
}

fn not_signed_in(not: &NotSignedIn) -> Response {
    tracing::warn!(blame = "remote", "nobody was signed in: {not}");
    match not {
        NotSignedIn::Unreachable(_) => page::said(
            StatusCode::BAD_GATEWAY,
            "The identity provider does not answer",
            "Try again in a minute. If it stays like this, whoever runs this host finds the reason in its log.",
        ),
        NotSignedIn::Refused(_) => page::said(
            StatusCode::FORBIDDEN,
            "The identity provider's answer was not taken",
            "You are not signed in. Try again; if it stays like this, whoever runs this host finds the reason in its log.",
        ),
    }
}

/// Opens a session; whichever the browser had before ends.
fn entered(host: &Host, headers: &HeaderMap, person: PersonId, proof: Proof, next: &str) -> Response {
    if let Some(old) = guard::cookie(headers, guard::name(host)) {
        host.signing.sessions.end(old);
    }
    tracing::info!(%person, "somebody signed in");
    let secret = host.signing.sessions.open(person, proof, host.engine.now(), &bits(&*host.chance));
    guard::with(page::see_other(next), [guard::keep(host, guard::name(host), &secret)])
}

/// Ends a session, and forgets it in the browser.
pub(super) async fn out(State(host): State<Host>, form: Form) -> Response {
    if let Some(Signed { session, cookie }) = guard::signed(&host, &form.headers) {
        host.signing.sessions.end(&cookie);
        tracing::info!(person = %session.person, "somebody signed out");
    }
    let gone = page("You are signed out", None, &html! { p { a.button href="/sign-in" { "Sign in" } } });
    guard::with(gone.into_response(), [guard::forget(&host, guard::name(&host))])
}
