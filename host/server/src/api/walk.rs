//! A list as far as it is for the caller: rows that are not leave no trace, not even in a cursor.

use crate::limits::{LIST_ROWS_LOOKED_AT_MAX, PAGE_ROWS_MAX};
use crate::problem::Problem;
use crate::state::Host;
use countersign_engine::port::store::{Query, Row, StreamName};
use std::collections::BTreeMap;
use std::vec::IntoIter;

/// Goes through the rows of a list, the newest first, until so many were kept.
pub(super) struct Walk {
    labels: BTreeMap<String, String>,
    limit: usize,
    rows: IntoIter<Row>,
    /// Where the next rows begin; nothing at the end.
    next: Option<Option<StreamName>>,
    looked: usize,
    kept: usize,
    /// The row that was kept last.
    last: Option<StreamName>,
    /// Whether one more would have been kept.
    full: bool,
}

impl Walk {
    pub(super) fn of(labels: BTreeMap<String, String>, (after, limit): (Option<StreamName>, usize)) -> Walk {
        let (rows, next) = (Vec::new().into_iter(), Some(after));
        Walk { labels, limit, rows, next, looked: 0, kept: 0, last: None, full: false }
    }

    /// The next row, whoever it is for.
    pub(super) async fn row(&mut self, host: &Host) -> Result<Option<Row>, Problem> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(after) = self.next.take() else { return Ok(None) };
            if LIST_ROWS_LOOKED_AT_MAX <= self.looked {
                let detail = "too many rows were found that are not for you";
                let help = "ask for less: one type, one state, `requester=me`, `seat=me`";
                return Err(Problem::new("CS-E0222", detail, help));
            }
            // One more than is kept says whether there is a next page. Where rows were left out, many more may be.
            let limit = if self.looked == 0 { self.limit.saturating_add(1) } else { PAGE_ROWS_MAX };
            let page = host.engine.list(Query { labels: self.labels.clone(), after, limit }).await?;
            self.looked = self.looked.saturating_add(page.rows.len());
            self.next = page.next.map(Some);
            self.rows = page.rows.into_iter();
        }
    }

    /// Notes that a row is for the caller; whether it still belongs to this page.
    pub(super) fn keeps(&mut self, row: &Row) -> bool {
        if self.kept == self.limit {
            self.full = true;
            return false;
        }
        self.kept = self.kept.saturating_add(1);
        self.last = Some(row.stream.clone());
        true
    }

    /// Where the next page begins, if there is something on it.
    pub(super) fn cursor(&self) -> Option<&StreamName> {
        self.last.as_ref().filter(|_| self.full)
    }
}
