//! What an identity provider sends: one JSON object within a limit, whose members are found whatever their
//! case, and each only once.

use super::error::{invalid_syntax, invalid_value};
use crate::asked;
use crate::door::Caller;
use crate::limits::SCIM_BYTES_MAX;
use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use countersign_core::id::PersonId;
use countersign_core::intent::Raw;
use countersign_core::people::register::Actor;
use std::collections::BTreeSet;

/// The members of an object, as they were sent.
pub(super) type Members = Vec<(String, Raw)>;

/// A body, and whose it is.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(super) by: Actor,
    pub(super) members: Members,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // INVARIANT: a route that changes something has a scope, so `sign_in` named the caller.
        let caller = parts.extensions.get::<Caller>().ok_or_else(Problem::bug)?;
        let by = caller.token_actor();
        let bytes = asked::read(&parts.headers, body, SCIM_BYTES_MAX).await?;
        asked::scim_json(&parts.headers)?;
        let body: Raw = serde_json::from_slice(&bytes)
            .map_err(|fault| invalid_syntax(format!("the body is no JSON: {fault}")))?;
        once(&body)?;
        match body {
            Raw::Map(members) => Ok(Sent { by, members }),
            other => Err(invalid_syntax(format!("the body is {}, not an object", other.found()))),
        }
    }
}

/// Refuses an object that says something twice: somebody else on the way may have read the other one.
fn once(raw: &Raw) -> Result<(), Problem> {
    match raw {
        Raw::Map(members) => {
            let mut seen = BTreeSet::new();
            for (name, value) in members {
                if !seen.insert(name.to_ascii_lowercase()) {
                    let name: String = name.chars().take(60).flat_map(char::escape_debug).collect();
                    return Err(invalid_syntax(format!("the member `{name}` stands there twice")));
                }
                once(value)?;
            }
            Ok(())
        }
        Raw::List(items) => items.iter().try_for_each(once),
        Raw::Null | Raw::Bool(_) | Raw::Integer(_) | Raw::Float | Raw::TooLarge | Raw::Text(_) => Ok(()),
    }
}

/// One member of an object, whatever its case.
pub(super) fn member<'a>(members: &'a Members, name: &str) -> Option<&'a Raw> {
    members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A text; none if it is `null`.
pub(super) fn text(name: &str, raw: &Raw) -> Result<Option<String>, Problem> {
    match raw {
        Raw::Text(text) => Ok(Some(text.clone())),
        Raw::Null => Ok(None),
        Raw::Bool(_) | Raw::Integer(_) | Raw::Float | Raw::TooLarge | Raw::List(_) | Raw::Map(_) => {
            Err(invalid_value(format!("`{name}` is {}, not a text", raw.found())))
        }
    }
}

/// Yes or no. Entra ID sends it as a text.
pub(super) fn flag(name: &str, raw: &Raw) -> Result<bool, Problem> {
    match raw {
        Raw::Bool(flag) => Ok(*flag),
        Raw::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Raw::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Raw::Null
        | Raw::Integer(_)
        | Raw::Float
        | Raw::TooLarge
        | Raw::Text(_)
        | Raw::List(_)
        | Raw::Map(_) => Err(invalid_value(format!("`{name}` is {}, not true or false", raw.found()))),
    }
}

/// A person by the id that we gave; the whole object that refers to them, or the id alone.
pub(super) fn reference(name: &str, raw: &Raw) -> Result<Option<PersonId>, Problem> {
    let value = match raw {
        Raw::Map(members) => match member(members, "value") {
            Some(value) => text(name, value)?,
            None => return Err(invalid_value(format!("`{name}` has no `value`"))),
        },
        Raw::Null
        | Raw::Bool(_)
        | Raw::Integer(_)
        | Raw::Float
        | Raw::TooLarge
        | Raw::Text(_)
        | Raw::List(_) => text(name, raw)?,
    };
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    PersonId::parse(&value).map(Some).map_err(|_| {
        let found: String = value.chars().take(60).flat_map(char::escape_debug).collect();
        invalid_value(format!("`{name}`: `{found}` is the id of no user"))
    })
}
