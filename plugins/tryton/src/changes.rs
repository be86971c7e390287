//! What has changed: quotes whose own record or one of whose lines was written since a place.

use crate::quote::{self, MODEL};
use crate::rest;
use countersign_sdk::{Context, Failure, Page, RecordRef, Snapshot};
use serde::Deserialize;
use serde_json::json;
use std::fmt;

/// Before everything that a database holds.
const BEGINNING: &str = "1970-01-01T00:00:00.000000";

const FIELDS: &[&str] =
    &["write_date", "create_date", "_timestamp", "lines.write_date", "lines.create_date", "lines._timestamp"];

/// A moment as Tryton writes it: UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment { year, month, day, hour, minute, second, microsecond } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}")
    }
}

/// A record with the times of its changes: one that was never written again has only that of its making.
#[derive(Debug, Clone, Deserialize)]
struct Dated {
    write_date: Option<Moment>,
    create_date: Option<Moment>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Changed {
    id: i64,
    #[serde(flatten)]
    own: Dated,
    #[serde(default)]
    lines: Vec<Dated>,
}

/// Where to go on: everything after `since` is wanted, `skip` of it was given, and the newest of that was at `newest`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    since: String,
    skip: u32,
    newest: String,
}

impl Place {
    /// # Errors
    /// `rejected` for a cursor that this connector has not made.
    fn parse(cursor: Option<&str>) -> Result<Place, Failure> {
        let Some(cursor) = cursor else {
            return Ok(Place { since: BEGINNING.to_owned(), skip: 0, newest: BEGINNING.to_owned() });
        };
        let unknown = || Failure::rejected("bad-cursor", "the place to go on from is none of this connector");
        let parts: Vec<&str> = cursor.split(' ').collect();
        let [since, skip, newest] = parts[..] else { return Err(unknown()) };
        let skip = skip.parse().map_err(|_| unknown())?;
        if since.len() != BEGINNING.len() || newest.len() != BEGINNING.len() {
            return Err(unknown());
        }
        Ok(Place { since: since.to_owned(), skip, newest: newest.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.since, self.skip, self.newest)
    }
}

/// One page of quotes that have changed.
///
/// Tryton counts the moment at which a transaction began. One that took longer than another which was seen already is
/// left out: the host reads each quote by itself, too.
///
/// # Errors
/// As the answer demands.
pub(crate) fn quotes(context: &Context<'_>, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
    let place = Place::parse(cursor)?;
    let later = |field: &str| json!([field, ">", place.since]);
    let domain = json!([
        "OR",
        later("write_date"),
        later("create_date"),
        later("lines.write_date"),
        later("lines.create_date")
    ]);
    let found: Vec<Changed> = rest::page(context, (MODEL, &domain), FIELDS, (place.skip, limit))?;
    let given = u32::try_from(found.len()).unwrap_or(u32::MAX);
    let times = found.iter().flat_map(|changed| {
        let all = std::iter::once(&changed.own).chain(&changed.lines);
        all.flat_map(|dated| dated.write_date.into_iter().chain(dated.create_date))
    });
    let newest =
        times.max().map_or_else(|| place.newest.clone(), |at| at.to_string().max(place.newest.clone()));
    let next = if limit <= given {
        Place { skip: place.skip.saturating_add(given), newest, ..place.clone() }
    } else {
        Place { since: newest.clone(), skip: 0, newest }
    };
    let items = found.into_iter().map(snapshot).collect::<Result<Vec<_>, _>>()?;
    let next = (!items.is_empty() || next != place).then(|| next.to_string());
    Ok(Page { items, next })
}

/// Which quote, and its revision: what else it holds the host reads by itself, where it wants to know.
fn snapshot(changed: Changed) -> Result<Snapshot, Failure> {
    let lines = changed.lines.iter().map(|line| line.timestamp.as_str());
    let revision = Some(quote::revision(&changed.own.timestamp, lines)?);
    let subject = RecordRef::new("quote", changed.id.to_string());
    Ok(Snapshot { subject, revision, url: None, fields: Vec::new() })
}
