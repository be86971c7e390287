//! The first steps of a house: what is there already, and for what is not, how it comes.

use super::guard;
use super::page::{self, Here, framed};
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::built_in::is_built_in;
use countersign_engine::port::store::Query;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What a house has.
struct Has {
    /// Its intent types, without those of the host itself.
    types: Vec<String>,
    connections: usize,
    /// Whether somebody has asked for something.
    asked: bool,
}

/// Shows them.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match has(&host).await {
        Ok(has) => framed(Here::Nowhere, "First steps", person, &steps(&has)).into_response(),
        Err(problem) => page::problem_to(person, &problem),
    }
}

async fn has(host: &Host) -> Result<Has, Problem> {
    let rulebook = host.engine.rulebook();
    let own = rulebook.intent_types().filter(|schema| !is_built_in(&schema.name));
    let first = host.engine.list(Query { labels: BTreeMap::new(), after: None, limit: 1 }).await?;
    Ok(Has {
        types: own.map(|schema| schema.name.to_string()).collect(),
        connections: host.engine.connectors().connections().len(),
        asked: !first.rows.is_empty(),
    })
}

fn steps(has: &Has) -> Markup {
    let done = [!has.types.is_empty(), 0 < has.connections, has.asked];
    let left = done.iter().filter(|done| !**done).count();
    let first = has.types.first().map_or("TYPE", String::as_str);
    html! {
        p.purpose {
            @match left {
                0 => "All three steps are done: this house decides.",
                1 => "One step is left until this house decides.",
                left => { (left) " steps are left until this house decides." },
            }
        }
        (step(1, "Say what can be asked for", done[0], &html! {
            p { "An intent type says what somebody asks for, and its policy who decides it." }
            @if done[0] { p { "There is " (has.types.join(", ").replace('_', " ")) "." } p { a.button.quiet href="/policies" { "See the policies" } } }
            @else { p { "This writes some to begin with, in the folder of the configuration:" } pre { "countersign init" } }
        }))
        (step(2, "Connect what is written to", done[1], &html! {
            p { "A connection leads to a system that is read before a decision and written to after it." }
            @if done[1] { p { a.button.quiet href="/connectors" { "See the connectors" } a.button.quiet href="/reconciliation" { "How their connections are" } } }
            @else { p { "Each is a section of the configuration, and this says how it is written:" } pre { "countersign connection --help" } }
        }))
        (step(3, "Ask for something", done[2], &html! {
            p { "The first intent is answered by the policy at once, or waits for whoever it names." }
            @if done[2] { p { a.button.quiet href="/intents" { "See the intents" } } }
            @else { p { "This says what its type wants to know, and asks for it:" } pre { "countersign intent submit " (first) " --help" } }
        }))
    }
}

/// One step, with whether it is done.
fn step(number: usize, name: &str, done: bool, what: &Markup) -> Markup {
    html! {
        section aria-labelledby=(format!("step-{number}")) {
            h2 id=(format!("step-{number}")) { (number) ". " (name) }
            p { span.state { @if done { "✓ done" } @else { "to do" } } }
            (what)
        }
    }
}
