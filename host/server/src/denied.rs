//! What a door says of a try that it refused: who, what, on what and with which code, never what was sent.

use crate::door::Caller;
use crate::problem::Problem;
use crate::routes::Route;
use crate::state::Host;
use crate::token::TOKEN_PREFIX;
use axum::extract::RawPathParams;
use countersign_core::denied::{Denied, Door};

/// Longest part of an address that is kept, in characters: every id and name of the house is shorter.
const NAME_CHARACTERS_MAX: usize = 80;

/// What somebody tries.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    door: Door,
    verb: String,
    on: Vec<String>,
}

impl Try {
    /// A request for a row of the table of routes.
    pub(crate) fn of_route(route: &Route, named: Option<&RawPathParams>) -> Try {
        let values = named.into_iter().flatten();
        let on = values.map(|(_, value)| kept(value)).collect();
        Try { door: Door::Api, verb: format!("{} {}", route.method, route.path), on }
    }

    /// What the link of a message is for, and the intent that stands in it.
    pub(crate) fn of_link(verb: &str, intent: &str) -> Try {
        Try { door: Door::Link, verb: kept(verb), on: vec![kept(intent)] }
    }

    /// What the page of an intent is opened for, or its form was sent for.
    pub(crate) fn of_page(verb: &str, intent: &str) -> Try {
        Try { door: Door::Console, verb: kept(verb), on: vec![kept(intent)] }
    }

    /// The same of something that belongs to it.
    pub(crate) fn and(mut self, name: &str) -> Try {
        self.on.push(kept(name));
        self
    }
}

/// Puts a try on record if it was refused because it is not for whoever tried: with 403, or with 404 for an intent. One
/// that is not there for them is not told apart from one that is not there, in the log neither: every answer says how
/// long the log is. Nobody waits for it.
pub(crate) fn look(host: &Host, caller: &Caller, tried: Try, problem: &Problem) {
    if !is_denial(problem) {
        return;
    }
    let Try { door, verb, on } = tried;
    let (by, code) = (caller.person.clone(), problem.code().code.to_owned());
    let token = (!caller.token.is_empty()).then(|| caller.token.clone());
    host.engine.deny(Denied { by, door, token, verb, on, code });
}

/// Whether a problem says that something is not for whoever tried it.
pub(crate) fn is_denial(problem: &Problem) -> bool {
    problem.code().status == 403 || problem.hides_intent()
}

/// A part of an address as the log keeps it: a name or an id of the house, and nothing that somebody else chose to put
/// there.
fn kept(value: &str) -> String {
    let is_name = value.chars().count() <= NAME_CHARACTERS_MAX
        && !value.contains(TOKEN_PREFIX)
        && value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter));
    if is_name { value.to_owned() } else { "(no name)".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_names_and_ids_of_an_address_is_kept() {
        for name in ["int_00000000000000000000000007", "crm", "policy_change", "1.0.0-rc.1", ""] {
            assert_eq!(kept(name), name);
        }
        let secret = format!("{TOKEN_PREFIX}abc");
        for other in [&*secret, "a b", "x\n", "é", "<b>", &"x".repeat(NAME_CHARACTERS_MAX + 1)] {
            assert_eq!(kept(other), "(no name)", "{other}");
        }
    }
}
