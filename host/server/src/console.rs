//! The pages that people see in a browser: signing in, the inbox, intents, measures, who one is, and the links of messages.
//!
//! They have a router of their own, apart from the API's: a cookie opens no address of the API, and a token
//! no page. Every form is ordinary HTML and works without JavaScript; what the one module of ours does beyond that is told
//! in `console.js`. A `GET` changes nothing
//! but what the browser that sent it keeps.

mod access;
mod assets;
mod audit;
mod change;
mod compared;
mod connection;
mod connector;
mod connectors;
mod exception;
mod exceptions;
mod form;
mod guard;
mod inbox;
mod intent;
mod intents;
mod link;
mod live;
mod measures;
mod page;
mod part;
mod people;
mod policies;
mod policy;
mod reconciliation;
mod refused_tries;
mod sign_in;
mod start;
mod you;

pub(crate) use live::Streams;

use crate::state::Host;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

/// What a browser must have to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// A session.
    Session,
}

/// One row of the table of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The method; `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The address, with names in braces.
    pub path: &'static str,
    /// What the browser must have.
    pub wants: Wants,
}

const fn page(method: &'static str, path: &'static str, wants: Wants) -> Page {
    Page { method, path, wants }
}

/// Every page.
pub const PAGES: &[Page] = &[
    page("GET", "/sign-in", Wants::Nothing),
    page("POST", "/sign-in", Wants::Nothing),
    page("GET", "/sign-in/provider", Wants::Nothing),
    page("GET", "/sign-in/back", Wants::Nothing),
    page("GET", "/", Wants::Nothing),
    page("GET", "/sign-out", Wants::Nothing),
    page("POST", "/sign-out", Wants::Nothing),
    page("GET", "/inbox", Wants::Session),
    page("GET", "/intents", Wants::Session),
    page("GET", "/intents/{id}", Wants::Session),
    page("GET", "/intents/{id}/decisions", Wants::Nothing),
    page("POST", "/intents/{id}/decisions", Wants::Session),
    page("GET", "/exceptions", Wants::Session),
    page("GET", "/intents/{id}/exceptions/{exception}", Wants::Session),
    page("GET", "/intents/{id}/exceptions/{exception}/closures", Wants::Nothing),
    page("POST", "/intents/{id}/exceptions/{exception}/closures", Wants::Session),
    page("GET", "/intents/{id}/exceptions/{exception}/adoptions", Wants::Nothing),
    page("POST", "/intents/{id}/exceptions/{exception}/adoptions", Wants::Session),
    page("GET", "/intents/{id}/reconciliation", Wants::Session),
    page("GET", "/reconciliation", Wants::Session),
    page("GET", "/connections/{name}", Wants::Session),
    page("GET", "/connections/{name}/pauses", Wants::Nothing),
    page("POST", "/connections/{name}/pauses", Wants::Session),
    page("GET", "/connections/{name}/resumptions", Wants::Nothing),
    page("POST", "/connections/{name}/resumptions", Wants::Session),
    page("GET", "/connections/{name}/check", Wants::Nothing),
    page("POST", "/connections/{name}/check", Wants::Session),
    page("GET", "/connectors", Wants::Session),
    page("GET", "/connectors/{id}", Wants::Session),
    page("GET", "/connectors/{id}/activations", Wants::Nothing),
    page("POST", "/connectors/{id}/activations", Wants::Session),
    page("GET", "/connectors/{id}/rollbacks", Wants::Nothing),
    page("POST", "/connectors/{id}/rollbacks", Wants::Session),
    page("GET", "/connectors/{id}/quarantines", Wants::Nothing),
    page("POST", "/connectors/{id}/quarantines", Wants::Session),
    page("GET", "/connectors/{id}/releases", Wants::Nothing),
    page("POST", "/connectors/{id}/releases", Wants::Session),
    page("GET", "/connectors/{id}/removals", Wants::Nothing),
    page("POST", "/connectors/{id}/removals", Wants::Session),
    page("GET", "/start", Wants::Session),
    page("GET", "/access", Wants::Session),
    page("GET", "/access/reviews", Wants::Nothing),
    page("POST", "/access/reviews", Wants::Session),
    page("GET", "/people", Wants::Session),
    page("GET", "/people/absences", Wants::Nothing),
    page("POST", "/people/absences", Wants::Session),
    page("GET", "/people/returns", Wants::Nothing),
    page("POST", "/people/returns", Wants::Session),
    page("GET", "/audit", Wants::Session),
    page("GET", "/audit/denied", Wants::Session),
    page("GET", "/audit/checkpoint", Wants::Nothing),
    page("POST", "/audit/checkpoint", Wants::Session),
    page("GET", "/intents/{id}/proof", Wants::Session),
    page("GET", "/policies", Wants::Session),
    page("GET", "/policies/{name}", Wants::Session),
    page("GET", "/policies/{name}/check", Wants::Session),
    page("GET", "/policies/{name}/change", Wants::Session),
    page("POST", "/policies/{name}/change", Wants::Session),
    page("GET", "/policies/{name}/rollback", Wants::Nothing),
    page("POST", "/policies/{name}/rollback", Wants::Session),
    page("GET", "/measures", Wants::Session),
    page("GET", "/measures.csv", Wants::Session),
    page("GET", "/measures/review", Wants::Session),
    page("GET", "/you", Wants::Session),
    page("GET", "/you/terminal", Wants::Nothing),
    page("POST", "/you/terminal", Wants::Session),
    page("GET", "/you/others", Wants::Nothing),
    page("POST", "/you/others", Wants::Session),
    page("GET", "/you/keys", Wants::Nothing),
    page("POST", "/you/keys", Wants::Session),
    page("GET", "/links/{intent}/{notice}/{verb}/{code}", Wants::Session),
    page("POST", "/links/{intent}/{notice}/{verb}/{code}", Wants::Session),
    page("GET", "/live", Wants::Session),
    page("GET", "/assets/console.css", Wants::Nothing),
    page("GET", "/assets/console.js", Wants::Nothing),
    page("GET", "/assets/measures.css", Wants::Nothing),
];

/// The pages as a router.
pub(crate) fn router(host: Host) -> Router<Host> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::with_password))
        .route("/sign-in/provider", get(sign_in::to_provider))
        .route("/sign-in/back", get(sign_in::back))
        .route("/sign-out", get(you::again).post(sign_in::out))
        .route("/you", get(you::show))
        .route("/", get(inbox::first))
        .route("/inbox", get(inbox::show))
        .route("/start", get(start::show))
        .route("/intents", get(intents::show))
        .route("/intents/{id}", get(intent::show))
        .route("/intents/{id}/decisions", get(intent::again).post(intent::act))
        .merge(of_exceptions())
        .merge(of_targets())
        .merge(of_connectors())
        .merge(of_log())
        .merge(of_people())
        .merge(of_policies())
        .route("/measures", get(measures::show))
        .route("/measures.csv", get(measures::download))
        .route("/measures/review", get(measures::review::show))
        .route("/you/terminal", get(you::again).post(you::terminal))
        .route("/you/others", get(you::again).post(you::end_others))
        .route("/you/keys", get(you::again).post(you::keys))
        .route("/links/{intent}/{notice}/{verb}/{code}", get(link::show).post(link::act))
        .route("/live", get(live::stream))
        .route("/assets/console.css", get(assets::style))
        .route("/assets/console.js", get(assets::module))
        .route("/assets/measures.css", get(measures::style))
        .route_layer(from_fn_with_state(host, guard::guard))
}

fn of_exceptions() -> Router<Host> {
    let one = "/intents/{id}/exceptions/{exception}";
    Router::new()
        .route("/exceptions", get(exceptions::show))
        .route(one, get(exception::show))
        .route(&format!("{one}/closures"), get(exception::again).post(exception::close))
        .route(&format!("{one}/adoptions"), get(exception::again).post(exception::adopt))
}

fn of_targets() -> Router<Host> {
    Router::new()
        .route("/intents/{id}/reconciliation", get(compared::show))
        .route("/reconciliation", get(reconciliation::show))
        .route("/connections/{name}", get(connection::show))
        .route("/connections/{name}/pauses", get(connection::again).post(connection::pause))
        .route("/connections/{name}/resumptions", get(connection::again).post(connection::resume))
        .route("/connections/{name}/check", get(connection::again).post(connection::check))
}

fn of_connectors() -> Router<Host> {
    Router::new()
        .route("/connectors", get(connectors::show))
        .route("/connectors/{id}", get(connector::show))
        .route("/connectors/{id}/activations", get(connector::again).post(connector::activate))
        .route("/connectors/{id}/rollbacks", get(connector::again).post(connector::roll_back))
        .route("/connectors/{id}/quarantines", get(connector::again).post(connector::quarantine))
        .route("/connectors/{id}/releases", get(connector::again).post(connector::release))
        .route("/connectors/{id}/removals", get(connector::again).post(connector::remove))
}

fn of_people() -> Router<Host> {
    Router::new()
        .route("/access", get(access::show))
        .route("/access/reviews", get(access::again).post(access::review))
        .route("/people", get(people::show))
        .route("/people/absences", get(people::again).post(people::away))
        .route("/people/returns", get(people::again).post(people::back))
}

fn of_log() -> Router<Host> {
    Router::new()
        .route("/audit", get(audit::show))
        .route("/audit/denied", get(refused_tries::show))
        .route("/audit/checkpoint", get(audit::again).post(audit::check))
        .route("/intents/{id}/proof", get(audit::proof))
}

fn of_policies() -> Router<Host> {
    Router::new()
        .route("/policies", get(policies::show))
        .route("/policies/{name}", get(policy::show))
        .route("/policies/{name}/check", get(policy::check))
        .route("/policies/{name}/change", get(change::show).post(change::act))
        .route("/policies/{name}/rollback", get(policy::again).post(policy::roll_back))
}
