//! The description of the API, made from the handlers themselves. The committed copy beside this crate
//! is compared with it by a test.

use crate::api::{
    access, amendments, backtest, budgets, connections, connectors, decisions, deliveries, denied, drafts,
    effects, exceptions, exchange, hands, health, intent_types, intents, log, measures, overrides, ownership,
    pages, people, policies, rules, seats,
};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "countersign",
        version = "1",
        description = "A coordination engine for approvals. Every no is a problem with a documented code; \
            every change needs an idempotency key; every decision binds to the revision that was read."
    ),
    paths(
        health::live, health::ready, health::started,
        pages::description, pages::error,
        intents::list, intents::submit, intents::show, intents::timeline, intents::plan, intents::reconciliation,
        intents::replay,
        decisions::decide, decisions::withdraw, decisions::close, decisions::adopt,
        overrides::decide, overrides::break_glass,
        seats::claim, seats::release, seats::ask, seats::answer,
        hands::delegate, hands::transfer, hands::reassign, hands::recall, hands::add_voice, hands::comment, hands::remind,
        amendments::send_back, amendments::amend,
        exceptions::list, effects::list,
        connections::list, connections::show, connections::check, connections::pause,
        connections::resume,
        deliveries::take, deliveries::list,
        connectors::list, connectors::show, connectors::history, connectors::add, connectors::activate, connectors::roll_back,
        connectors::quarantine, connectors::release, connectors::remove,
        intent_types::list, intent_types::show, budgets::show, budgets::suggest, intent_types::starter,
        intent_types::go_live,
        drafts::check, drafts::suggest, drafts::test, drafts::explain, drafts::diff, drafts::format,
        exchange::export, exchange::import, backtest::backtest,
        measures::show, measures::review::show, ownership::show,
        access::list, access::review, people::list, people::outlook, people::away, people::back,
        policies::list, policies::show, policies::rollback,
        rules::list, rules::show,
        denied::list, health::log, log::checkpoint, log::consistency, log::proof,
    ),
    modifiers(&Tokens),
    security(("token" = []))
)]
struct Description;

/// How callers sign in.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("a token `cs_live_...` of this host; it acts in the name of one person"));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

/// The description as JSON text, OpenAPI 3.1.
#[must_use]
pub fn openapi() -> String {
    let description = Description::openapi();
    // A description is texts and maps with text keys; that always has a JSON form.
    let mut text = description.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
