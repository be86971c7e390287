//! What has changed since a place: records in the order of their last change and, within one second, of their ids.
//!
//! Many records may share one second, so a place is a moment and an id. What is younger than [`SETTLED_S`] by
//! Salesforce's own clock is told at the next time: until then a record with a smaller id may still get that second.

use crate::api;
use crate::moment::Moment;
use countersign_sdk::{Context, Failure, Page, RecordRef, Snapshot};

/// Age from which a moment is told, in seconds. A transaction takes its moment before it ends, and may wait ten seconds
/// for a lock in between
/// (<https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/langCon_apex_locking_statements.htm>).
const SETTLED_S: u64 = 15;

/// Where to go on: after this record, at this moment.
struct Place {
    moment: Moment,
    id: String,
}

impl Place {
    /// # Errors
    /// `rejected` for a cursor that this connector has not made.
    fn parse(cursor: &str) -> Result<Place, Failure> {
        let place = cursor.split_once(' ').and_then(|(moment, id)| {
            let id = Some(id).filter(|id| api::is_id(id))?;
            Some(Place { moment: Moment::parse(moment)?, id: id.to_owned() })
        });
        place.ok_or_else(|| {
            Failure::rejected("bad-cursor", "the place to go on from is none of this connector")
        })
    }

    fn cursor(&self) -> String {
        format!("{} {}", self.moment.soql(), self.id)
    }

    /// Everything after it, for a query.
    fn clause(&self) -> String {
        let (at, id) = (self.moment.soql(), &self.id);
        format!(" WHERE SystemModstamp >= {at} AND (SystemModstamp > {at} OR Id > '{id}')")
    }
}

/// One page of records of an object that have changed, those in the recycle bin among them.
///
/// # Errors
/// As the answer demands.
pub(crate) fn page(
    context: &Context<'_>,
    (kind, object): (&str, &str),
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    let since = cursor.map(Place::parse).transpose()?.map_or_else(String::new, |place| place.clause());
    let soql =
        format!("SELECT Id, SystemModstamp FROM {object}{since} ORDER BY SystemModstamp, Id LIMIT {limit}");
    let found = api::query(context, "queryAll", &soql)?;
    let settled = found.answered.map(|now| now.before(SETTLED_S));
    let (mut items, mut last) = (Vec::new(), None);
    for row in found.rows {
        let (id, (revision, moment)) = (row.own_id()?, row.changed()?);
        if settled.is_some_and(|settled| settled < moment) {
            break;
        }
        let subject = RecordRef::new(kind, &id);
        items.push(Snapshot { subject, revision: Some(revision), url: None, fields: Vec::new() });
        last = Some(Place { moment, id });
    }
    Ok(Page { items, next: last.map(|place| place.cursor()) })
}
