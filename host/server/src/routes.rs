//! Every route, with what its token must be able to do: the router and the authorization table are
//! written side by side, and what is not in the table is not let in.

use crate::api::{
    access, amendments, backtest, budgets, connections, connectors, decisions, deliveries, denied, drafts,
    effects, exceptions, exchange, hands, health, intent_types, intents, log, measures, overrides, ownership,
    pages, people, policies, rules, seats,
};
use crate::console;
use crate::door;
use crate::metrics;
use crate::scim;
use crate::state::{Host, Parts};
use crate::token::Scope;
use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

/// One row of the authorization table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method; `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The address, with names in braces.
    pub path: &'static str,
    /// What the token must be able to do; `None` needs no sign-in.
    pub scope: Option<Scope>,
}

const fn route(method: &'static str, path: &'static str, scope: Option<Scope>) -> Route {
    Route { method, path, scope }
}

/// The authorization table.
pub const ROUTES: &[Route] = &[
    route("GET", "/livez", None),
    route("GET", "/readyz", None),
    route("GET", "/startupz", None),
    route("GET", "/openapi.json", None),
    route("GET", "/errors/{code}", None),
    route("GET", "/v1/intents", Some(Scope::Read)),
    route("POST", "/v1/intents", Some(Scope::Ask)),
    route("GET", "/v1/intents/{id}", Some(Scope::Read)),
    route("GET", "/v1/intents/{id}/timeline", Some(Scope::Read)),
    route("GET", "/v1/intents/{id}/plan", Some(Scope::Read)),
    route("GET", "/v1/intents/{id}/reconciliation", Some(Scope::Read)),
    route("GET", "/v1/intents/{id}/replay", Some(Scope::Read)),
    route("POST", "/v1/intents/{id}/decisions", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/overrides", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/break-glass", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/withdrawals", Some(Scope::Ask)),
    route("POST", "/v1/intents/{id}/claims", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/releases", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/questions", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/answers", Some(Scope::Ask)),
    route("POST", "/v1/intents/{id}/delegations", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/transfers", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/reassignments", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/recalls", Some(Scope::Decide)),
    route("GET", "/v1/intents/{id}/proof", Some(Scope::Read)),
    route("POST", "/v1/intents/{id}/voices", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/comments", Some(Scope::Ask)),
    route("POST", "/v1/intents/{id}/reminders", Some(Scope::Ask)),
    route("POST", "/v1/intents/{id}/returns", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/amendments", Some(Scope::Ask)),
    route("POST", "/v1/intents/{id}/exceptions/{exception}/closures", Some(Scope::Decide)),
    route("POST", "/v1/intents/{id}/exceptions/{exception}/adoptions", Some(Scope::Decide)),
    route("GET", "/v1/exceptions", Some(Scope::Read)),
    route("GET", "/v1/effects", Some(Scope::Read)),
    route("GET", "/v1/connections", Some(Scope::Read)),
    route("GET", "/v1/connections/{name}", Some(Scope::Read)),
    route("POST", "/v1/connections/{name}/check", Some(Scope::Operate)),
    route("POST", "/v1/connections/{name}/pauses", Some(Scope::Operate)),
    route("POST", "/v1/connections/{name}/resumptions", Some(Scope::Operate)),
    route("GET", "/v1/connections/{name}/deliveries", Some(Scope::Operate)),
    // Whoever sends a delivery signs it.
    route("POST", "/hooks/{connection}/{hook}", None),
    route("GET", "/v1/connectors", Some(Scope::Read)),
    route("POST", "/v1/connectors", Some(Scope::Operate)),
    route("GET", "/v1/connectors/{id}", Some(Scope::Read)),
    route("GET", "/v1/connectors/{id}/history", Some(Scope::Read)),
    route("POST", "/v1/connectors/{id}/activations", Some(Scope::Operate)),
    route("POST", "/v1/connectors/{id}/rollbacks", Some(Scope::Operate)),
    route("POST", "/v1/connectors/{id}/quarantines", Some(Scope::Operate)),
    route("POST", "/v1/connectors/{id}/releases", Some(Scope::Operate)),
    route("POST", "/v1/connectors/{id}/removals", Some(Scope::Operate)),
    route("GET", "/v1/intent-types", Some(Scope::Read)),
    route("GET", "/v1/intent-types/{name}", Some(Scope::Read)),
    route("GET", "/v1/intent-types/{name}/budget", Some(Scope::Read)),
    route("GET", "/v1/intent-types/{name}/budget/rows", Some(Scope::Read)),
    route("GET", "/v1/intent-types/{name}/starter", Some(Scope::Read)),
    route("POST", "/v1/intent-types/{name}/go-live", Some(Scope::Ask)),
    route("GET", "/v1/measures", Some(Scope::Read)),
    route("GET", "/v1/measures/review", Some(Scope::Read)),
    route("GET", "/v1/ownership", Some(Scope::Read)),
    route("GET", "/v1/access", Some(Scope::Read)),
    route("POST", "/v1/access/reviews", Some(Scope::Decide)),
    route("GET", "/v1/people", Some(Scope::Read)),
    route("GET", "/v1/people/outlook", Some(Scope::Read)),
    route("POST", "/v1/people/{id}/absences", Some(Scope::Decide)),
    route("POST", "/v1/people/{id}/returns", Some(Scope::Decide)),
    route("GET", "/v1/policies", Some(Scope::Read)),
    route("GET", "/v1/policies/{name}", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/rollback", Some(Scope::Ask)),
    route("POST", "/v1/policies/{name}/check", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/suggest", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/test", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/explain", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/diff", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/format", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/backtest", Some(Scope::Read)),
    route("GET", "/v1/policies/{name}/export", Some(Scope::Read)),
    route("POST", "/v1/policies/{name}/import", Some(Scope::Read)),
    route("GET", "/v1/rules", Some(Scope::Read)),
    route("GET", "/v1/rules/{file}", Some(Scope::Read)),
    route("GET", "/v1/denied", Some(Scope::Read)),
    route("GET", "/v1/log/health", Some(Scope::Read)),
    route("GET", "/v1/log/checkpoint", Some(Scope::Read)),
    route("GET", "/v1/log/consistency", Some(Scope::Read)),
    route("GET", "/v1/log/tile/{*tile}", Some(Scope::Read)),
    route("GET", "/scim/v2/ServiceProviderConfig", Some(Scope::Provision)),
    route("GET", "/scim/v2/ResourceTypes", Some(Scope::Provision)),
    route("GET", "/scim/v2/ResourceTypes/{kind}", Some(Scope::Provision)),
    route("GET", "/scim/v2/Schemas", Some(Scope::Provision)),
    route("GET", "/scim/v2/Schemas/{schema}", Some(Scope::Provision)),
    route("GET", "/scim/v2/Users", Some(Scope::Provision)),
    route("POST", "/scim/v2/Users", Some(Scope::Provision)),
    route("GET", "/scim/v2/Users/{user}", Some(Scope::Provision)),
    route("PUT", "/scim/v2/Users/{user}", Some(Scope::Provision)),
    route("PATCH", "/scim/v2/Users/{user}", Some(Scope::Provision)),
    route("DELETE", "/scim/v2/Users/{user}", Some(Scope::Provision)),
    route("GET", "/scim/v2/Groups", Some(Scope::Provision)),
    route("POST", "/scim/v2/Groups", Some(Scope::Provision)),
    route("GET", "/scim/v2/Groups/{group}", Some(Scope::Provision)),
    route("PUT", "/scim/v2/Groups/{group}", Some(Scope::Provision)),
    route("PATCH", "/scim/v2/Groups/{group}", Some(Scope::Provision)),
    route("DELETE", "/scim/v2/Groups/{group}", Some(Scope::Provision)),
];

/// The row of a method and an address.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static Route> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    ROUTES.iter().find(|route| route.method == method && route.path == path)
}

/// What identity providers call. It describes itself, so it does not stand in `/openapi.json`.
fn provisioning() -> Router<Host> {
    use scim::{at_groups as groups, at_users as users};
    let user = get(users::show).put(users::replace).patch(users::patch).delete(users::delete);
    let group = get(groups::show).put(groups::replace).patch(groups::patch).delete(groups::delete);
    Router::new()
        .route("/scim/v2/ServiceProviderConfig", get(scim::config))
        .route("/scim/v2/ResourceTypes", get(scim::resource_types))
        .route("/scim/v2/ResourceTypes/{kind}", get(scim::resource_type))
        .route("/scim/v2/Schemas", get(scim::schemas))
        .route("/scim/v2/Schemas/{schema}", get(scim::schema))
        .route("/scim/v2/Users", get(users::list).post(users::create))
        .route("/scim/v2/Users/{user}", user)
        .route("/scim/v2/Groups", get(groups::list).post(groups::create))
        .route("/scim/v2/Groups/{group}", group)
}

/// What a host serves, each on an address of its own.
#[derive(Debug)]
pub struct Routers {
    /// For callers and browsers.
    pub public: Router,
    /// For whoever watches over the host: health and metrics, without a sign-in. Not for the network of callers.
    pub admin: Router,
}

/// The whole server.
#[must_use]
pub fn routers(parts: Parts) -> Routers {
    let host = Host::of(parts);
    Routers { public: public(host.clone()), admin: admin(host) }
}

fn admin(host: Host) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/startupz", get(health::started))
        .route("/metrics", get(metrics::show))
        .with_state(host)
}

fn proofs() -> Router<Host> {
    Router::new()
        .route("/v1/log/health", get(health::log))
        .route("/v1/log/checkpoint", get(log::checkpoint))
        .route("/v1/log/consistency", get(log::consistency))
        .route("/v1/log/tile/{*tile}", get(log::tile))
}

fn people_of_the_house() -> Router<Host> {
    Router::new()
        .route("/v1/access", get(access::list))
        .route("/v1/access/reviews", post(access::review))
        .route("/v1/people", get(people::list))
        .route("/v1/people/outlook", get(people::outlook))
        .route("/v1/people/{id}/absences", post(people::away))
        .route("/v1/people/{id}/returns", post(people::back))
}

fn of_policies() -> Router<Host> {
    Router::new()
        .route("/v1/policies", get(policies::list))
        .route("/v1/policies/{name}", get(policies::show))
        .route("/v1/policies/{name}/rollback", post(policies::rollback))
        .route("/v1/policies/{name}/check", post(drafts::check))
        .route("/v1/policies/{name}/suggest", post(drafts::suggest))
        .route("/v1/policies/{name}/test", post(drafts::test))
        .route("/v1/policies/{name}/explain", post(drafts::explain))
        .route("/v1/policies/{name}/diff", post(drafts::diff))
        .route("/v1/policies/{name}/format", post(drafts::format))
        .route("/v1/policies/{name}/backtest", post(backtest::backtest))
        .route("/v1/policies/{name}/export", get(exchange::export))
        .route("/v1/policies/{name}/import", post(exchange::import))
}

fn public(host: Host) -> Router {
    let api = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/startupz", get(health::started))
        .route("/openapi.json", get(pages::description))
        .route("/errors/{code}", get(pages::error))
        .route("/v1/intents", get(intents::list).post(intents::submit))
        .route("/v1/intents/{id}", get(intents::show))
        .route("/v1/intents/{id}/timeline", get(intents::timeline))
        .route("/v1/intents/{id}/proof", get(log::proof))
        .route("/v1/intents/{id}/plan", get(intents::plan))
        .route("/v1/intents/{id}/reconciliation", get(intents::reconciliation))
        .route("/v1/intents/{id}/replay", get(intents::replay))
        .route("/v1/intents/{id}/decisions", post(decisions::decide))
        .route("/v1/intents/{id}/overrides", post(overrides::decide))
        .route("/v1/intents/{id}/break-glass", post(overrides::break_glass))
        .route("/v1/intents/{id}/withdrawals", post(decisions::withdraw))
        .route("/v1/intents/{id}/claims", post(seats::claim))
        .route("/v1/intents/{id}/releases", post(seats::release))
        .route("/v1/intents/{id}/questions", post(seats::ask))
        .route("/v1/intents/{id}/answers", post(seats::answer))
        .route("/v1/intents/{id}/delegations", post(hands::delegate))
        .route("/v1/intents/{id}/transfers", post(hands::transfer))
        .route("/v1/intents/{id}/reassignments", post(hands::reassign))
        .route("/v1/intents/{id}/recalls", post(hands::recall))
        .route("/v1/intents/{id}/voices", post(hands::add_voice))
        .route("/v1/intents/{id}/comments", post(hands::comment))
        .route("/v1/intents/{id}/reminders", post(hands::remind))
        .route("/v1/intents/{id}/returns", post(amendments::send_back))
        .route("/v1/intents/{id}/amendments", post(amendments::amend))
        .route("/v1/intents/{id}/exceptions/{exception}/closures", post(decisions::close))
        .route("/v1/intents/{id}/exceptions/{exception}/adoptions", post(decisions::adopt))
        .route("/v1/exceptions", get(exceptions::list))
        .route("/v1/effects", get(effects::list))
        .route("/v1/connections", get(connections::list))
        .route("/v1/connections/{name}", get(connections::show))
        .route("/v1/connections/{name}/check", post(connections::check))
        .route("/v1/connections/{name}/pauses", post(connections::pause))
        .route("/v1/connections/{name}/resumptions", post(connections::resume))
        .route("/v1/connections/{name}/deliveries", get(deliveries::list))
        .route("/hooks/{connection}/{hook}", post(deliveries::take))
        .route("/v1/connectors", get(connectors::list).post(connectors::add))
        .route("/v1/connectors/{id}", get(connectors::show))
        .route("/v1/connectors/{id}/history", get(connectors::history))
        .route("/v1/connectors/{id}/activations", post(connectors::activate))
        .route("/v1/connectors/{id}/rollbacks", post(connectors::roll_back))
        .route("/v1/connectors/{id}/quarantines", post(connectors::quarantine))
        .route("/v1/connectors/{id}/releases", post(connectors::release))
        .route("/v1/connectors/{id}/removals", post(connectors::remove))
        .route("/v1/intent-types", get(intent_types::list))
        .route("/v1/intent-types/{name}", get(intent_types::show))
        .route("/v1/intent-types/{name}/budget", get(budgets::show))
        .route("/v1/intent-types/{name}/budget/rows", get(budgets::suggest))
        .route("/v1/intent-types/{name}/starter", get(intent_types::starter))
        .route("/v1/intent-types/{name}/go-live", post(intent_types::go_live))
        .route("/v1/measures", get(measures::show))
        .route("/v1/measures/review", get(measures::review::show))
        .route("/v1/ownership", get(ownership::show))
        .route("/v1/rules", get(rules::list))
        .route("/v1/rules/{file}", get(rules::show))
        .route("/v1/denied", get(denied::list))
        .merge(of_policies())
        .merge(people_of_the_house())
        .merge(proofs())
        .merge(provisioning())
        .method_not_allowed_fallback(door::method_not_taken)
        .route_layer(from_fn_with_state(host.clone(), door::sign_in));
    api.merge(console::router(host.clone()))
        .fallback(door::no_such_address)
        .layer(from_fn_with_state(host.clone(), door::pass))
        .with_state(host)
}
