//! Query parameters: an allowed list, each at most once, every flaw said at once.

use crate::api::view::Listed;
use crate::door::Caller;
use crate::limits::{PAGE_ROWS, PAGE_ROWS_MAX};
use crate::problem::{Flaw, Problem};
use axum::Json;
use axum::extract::Query as Pairs;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::id::{IntentId, PersonId};
use countersign_engine::port::store::StreamName;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::collections::BTreeMap;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Query {
    values: BTreeMap<String, String>,
    flaws: Vec<Flaw>,
}

impl Query {
    /// Reads the parameters; only the `known` ones are taken.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Result<Query, Problem> {
        let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(uri);
        let Ok(Pairs(pairs)) = pairs else {
            let flaw = Flaw::new("", "parameters as `name=value`, joined by `&`", "other text");
            return Err(misfit(vec![flaw]));
        };
        let mut query = Query::default();
        for (name, value) in pairs {
            let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
            if !known.contains(&name.as_str()) {
                let expected = if known.is_empty() {
                    "no parameter".to_owned()
                } else {
                    format!("one of {}", known.join(", "))
                };
                query.flaws.push(Flaw::new(shown, expected, "an unknown parameter"));
            } else if query.values.insert(name, value).is_some() {
                query.flaws.push(Flaw::new(shown, "each parameter once", "the parameter a second time"));
            }
        }
        Ok(query)
    }

    /// One parameter as it was written.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// One parameter read by `read`; a flaw if that does not take it.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.values.get(name)?;
        let value = read(text);
        if value.is_none() {
            let found: String = text.chars().take(60).flat_map(char::escape_debug).collect();
            self.flaws.push(Flaw::new(name, expected, format!("`{found}`")));
        }
        value
    }

    /// One parameter that must be there, read by `read`.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if !self.values.contains_key(name) {
            self.flaws.push(Flaw::new(name, expected, "nothing"));
        }
        self.read(name, expected, read)
    }

    /// One parameter that is `true` or `false`; `false` unless it is there.
    pub(crate) fn is(&mut self, name: &str) -> bool {
        let read = |text: &str| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        self.read(name, "`true` or `false`", read).unwrap_or_default()
    }

    /// Says every flaw at once, if there is one.
    pub(crate) fn checked(self) -> Result<(), Problem> {
        if self.flaws.is_empty() { Ok(()) } else { Err(misfit(self.flaws)) }
    }
}

fn misfit(flaws: Vec<Flaw>) -> Problem {
    let detail = format!("{} of the query parameters do not fit", flaws.len());
    Problem::new("CS-E0210", detail, "correct the listed parameters").with_errors(flaws)
}

/// Where a page begins and how many rows it has, from `cursor` and `limit`.
pub(crate) fn page(query: &mut Query) -> (Option<StreamName>, usize) {
    let after = query.read("cursor", "a `next` of an earlier answer", |text| {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let stream = String::from_utf8(bytes).ok()?;
        stream.parse::<IntentId>().ok().map(|_| StreamName::from(stream))
    });
    (after, rows(query))
}

/// How many rows are asked for.
pub(crate) fn rows(query: &mut Query) -> usize {
    let expected = format!("a number from 1 to {PAGE_ROWS_MAX}");
    let limit = query.read("limit", &expected, |text| {
        text.parse().ok().filter(|limit| (1..=PAGE_ROWS_MAX).contains(limit))
    });
    limit.unwrap_or(PAGE_ROWS)
}

/// The person that a parameter names; `me` is the caller.
pub(crate) fn person(text: &str, caller: &Caller) -> Option<String> {
    match text {
        "me" => Some(caller.person.to_string()),
        text => Some(PersonId::parse(text).ok()?.to_string()),
    }
}

/// What stands for the place where a page begins.
pub(crate) fn cursor(after: &StreamName) -> String {
    BASE64URL_NOPAD.encode(after.as_bytes())
}

/// One page as it is answered: `next` in the body and as `Link`.
pub(crate) fn listed<T: Serialize>(uri: &Uri, items: Vec<T>, next: Option<&StreamName>) -> Response {
    let next = next.map(cursor);
    let link = next.as_ref().and_then(|cursor| {
        let query = uri.query().unwrap_or_default();
        let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let pairs: Vec<&str> = others.collect();
        let joined: String = pairs.iter().map(|pair| format!("{pair}&")).collect();
        HeaderValue::from_str(&format!("<{}?{joined}cursor={cursor}>; rel=\"next\"", uri.path())).ok()
    });
    let mut response = Json(Listed { items, next }).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
