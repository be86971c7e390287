//! What is shown: resources with the attributes that were asked for, and pages of them.

use super::error::{invalid_filter, invalid_value};
use super::filter::{Filter, Term, parse};
use super::{SCIM_TYPE, patch::Path};
use crate::asked::Query;
use crate::limits::{SCIM_ATTRIBUTES_MAX, SCIM_PAGE_ROWS_MAX};
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Schema of a list.
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Attributes that are always shown.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// Which attributes of a resource were asked for.
#[derive(Debug, Default)]
pub(super) struct Shape {
    only: Option<BTreeSet<String>>,
    without: BTreeSet<String>,
}

/// Which resources of a list were asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    filter: Filter,
    shape: Shape,
    start: usize,
    count: usize,
}

impl Shape {
    /// The shape that an address asks for.
    pub(super) fn of(uri: &Uri) -> Result<Shape, Problem> {
        let query = Query::of(uri, &["attributes", "excludedAttributes"])?;
        let shape = Shape::read(&query)?;
        query.checked()?;
        Ok(shape)
    }

    fn read(query: &Query) -> Result<Shape, Problem> {
        let only = query.text("attributes").map(names).transpose()?;
        let without = query.text("excludedAttributes").map(names).transpose()?.unwrap_or_default();
        Ok(Shape { only, without })
    }

    /// A resource in this shape.
    pub(super) fn shaped(&self, mut resource: Value) -> Value {
        if let Value::Object(members) = &mut resource {
            members.retain(|name, _| {
                let name = name.to_ascii_lowercase();
                let only = self.only.as_ref().is_none_or(|only| only.contains(&name));
                ALWAYS.contains(&name.as_str()) || (only && !self.without.contains(&name))
            });
        }
        resource
    }
}

/// The top-level names of a list of attributes, in lower case: that of an extension is its schema.
fn names(list: &str) -> Result<BTreeSet<String>, Problem> {
    let mut names = BTreeSet::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let path = Path::of(name)?;
        let lower = name.to_ascii_lowercase();
        let extension = [super::ENTERPRISE, super::PERSON].map(str::to_ascii_lowercase);
        let own = extension.into_iter().find(|urn| lower.starts_with(urn.as_str()));
        names.insert(own.unwrap_or(path.attribute));
        if SCIM_ATTRIBUTES_MAX < names.len() {
            return Err(invalid_value(format!("more than {SCIM_ATTRIBUTES_MAX} attributes")));
        }
    }
    Ok(names)
}

impl Wanted {
    /// What an address asks for of `kind`, which is found by these attributes. What it says of an order is passed
    /// over: the order is that of the ids.
    pub(super) fn of(uri: &Uri, kind: &str, found_by: &[&str]) -> Result<Wanted, Problem> {
        let known =
            ["filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder"];
        let mut query = Query::of(uri, &known)?;
        let number = |text: &str| text.parse::<i64>().ok();
        let start = query.read("startIndex", "a number, 1 for the first", number).unwrap_or(1);
        let most = i64::try_from(SCIM_PAGE_ROWS_MAX).unwrap_or(i64::MAX);
        let count = query.read("count", "a number of resources", number).unwrap_or(most);
        let filter = query.text("filter").map(parse).transpose()?.unwrap_or_default();
        if let Some(term) = filter.iter().find(|term| !found_by.contains(&term.attribute.as_str())) {
            let attribute: String = term.attribute.chars().take(60).collect();
            return Err(invalid_filter(format!("{kind} are not found by `{attribute}`")));
        }
        let shape = Shape::read(&query)?;
        query.checked()?;
        // RFC 7644, 3.4.2.4: less than one means the first, less than none means none.
        let (start, count) = (start.max(1), count.clamp(0, most));
        let whole = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Wanted { filter, shape, start: whole(start), count: whole(count) })
    }

    /// Whether all of the filter holds.
    pub(super) fn means(&self, holds: impl Fn(&Term) -> bool) -> bool {
        self.filter.iter().all(holds)
    }

    /// The page of everything that was found.
    pub(super) fn page<T>(&self, found: &[T], show: impl Fn(&T) -> Value) -> Response {
        let page = found.iter().skip(self.start.saturating_sub(1)).take(self.count);
        let resources: Vec<Value> = page.map(|one| self.shape.shaped(show(one))).collect();
        let mut list = listed(resources, found.len());
        list["startIndex"] = json!(self.start);
        answer(StatusCode::OK, &list)
    }
}

/// A list that is whole, unless more were found.
pub(super) fn listed(resources: Vec<Value>, found: usize) -> Value {
    json!({
        "schemas": [LIST],
        "totalResults": found,
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// An answer with a body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SCIM_TYPE));
    let location = body["meta"]["location"].as_str().and_then(|place| HeaderValue::from_str(place).ok());
    if let Some(location) = location {
        headers.insert(header::LOCATION, location);
    }
    response
}

/// An answer without one.
pub(super) fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
