//! Reads the facts of an approval: records at connections, the directory, ages, counters over the log.

use super::Trouble;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{COUNTER_ROWS_MAX, PREPARE_READS_AT_ONCE};
use crate::port::store::{PAGE_ROWS_MAX, Query};
use crate::row::{self, Summary};
use countersign_core::approval::Approval;
use countersign_core::effect::attempt::{Ended, Failure};
use countersign_core::id::{ConnectionName, FieldName};
use countersign_core::intent::{
    FactSource, FactSpec, FactValue, Facts, IntentType, LogMeasure, LogStanding, RecordRead, TokenValue,
    Tokens, Window,
};
use countersign_core::record::{RecordRef, Snapshot, Value};
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Records = BTreeMap<(ConnectionName, RecordRef), Result<Snapshot, String>>;

pub(super) async fn read(
    inner: &Arc<Inner>,
    approval: &Approval,
    schema: &IntentType,
    paused: &BTreeSet<ConnectionName>,
) -> Result<Result<Facts, Trouble>, Fault> {
    let tokens = &approval.intent.tokens;
    let reads = schema.reads(tokens);
    let records = match records(inner, &reads, paused).await {
        Ok(records) => records,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let mut facts = Facts::new();
    for fact in &schema.facts {
        let value = match &fact.source {
            FactSource::Connection { .. } => from_records(fact, &reads, &records),
            FactSource::Directory { field } => from_directory(inner, approval, fact, field),
            FactSource::Age { of } => {
                let token = tokens.get(of).cloned().map(FactValue::Known);
                IntentType::age(fact, facts.get(of).or(token.as_ref()), approval.intent.submitted)
            }
            FactSource::Log { measure, of, by, window } => {
                counted(inner, approval, fact, measure, *of, by, *window).await?
            }
        };
        facts.insert(fact.name.clone(), value);
    }
    Ok(Ok(facts))
}

/// Reads every record that some fact needs, each once.
async fn records(
    inner: &Arc<Inner>,
    reads: &[RecordRead],
    paused: &BTreeSet<ConnectionName>,
) -> Result<Records, Trouble> {
    let mut wanted: Vec<(ConnectionName, RecordRef)> =
        reads.iter().map(|read| (read.connection.clone(), read.record.clone())).collect();
    wanted.sort();
    wanted.dedup();
    if let Some((name, _)) = wanted.iter().find(|(name, _)| paused.contains(name)) {
        return Err(Trouble::paused(name));
    }
    if let Some((name, _)) = wanted.iter().find(|(name, _)| inner.connectors.connection(name).is_none()) {
        return Err(Trouble::missing(inner, name));
    }
    let mut found = futures::stream::iter(wanted)
        .map(|(connection, record)| async move {
            let ended = inner.connectors.fetch(&connection, record.clone()).await;
            ((connection, record), ended)
        })
        .buffer_unordered(PREPARE_READS_AT_ONCE);
    let mut records = Records::new();
    while let Some((place, ended)) = found.next().await {
        let record = match ended {
            // What the target does not hold, or will never say, is a missing fact: the policy says
            // what that means.
            Ended::Failed(Failure::Rejected { detail, .. }) => Err(detail.message),
            ended => Ok(Trouble::of(ended, &place.0)?),
        };
        records.insert(place, record);
    }
    Ok(records)
}

fn from_records(fact: &FactSpec, reads: &[RecordRead], records: &Records) -> FactValue {
    let mine: Vec<&RecordRead> = reads.iter().filter(|read| read.fact == fact.name).collect();
    match mine.as_slice() {
        [read] if read.element.is_none() => one(fact, read, records),
        several if fact.name.as_str().contains('.') => {
            FactValue::Each(several.iter().map(|read| one(fact, read, records)).collect())
        }
        _ => FactValue::Missing(format!("`{}`: the intent does not name the record to read", fact.name)),
    }
}

fn one(fact: &FactSpec, read: &RecordRead, records: &Records) -> FactValue {
    let place = (read.connection.clone(), read.record.clone());
    let snapshot = match records.get(&place) {
        Some(Ok(snapshot)) => snapshot,
        Some(Err(why)) => return FactValue::Missing(why.clone()),
        None => return FactValue::Missing(format!("`{}` was not read", read.record)),
    };
    match snapshot.field(&read.field) {
        None | Some(Value::Absent) => FactValue::Missing(format!(
            "connection `{}` holds no `{}` at `{}`",
            read.connection, read.field, read.record
        )),
        Some(value) => match IntentType::fact_value(fact, value) {
            Ok(value) => FactValue::Known(value),
            Err(why) => FactValue::Missing(why),
        },
    }
}

fn from_directory(inner: &Inner, approval: &Approval, fact: &FactSpec, field: &str) -> FactValue {
    let rulebook = inner.rulebook();
    let person = rulebook.directory().persons.get(approval.intent.behind(rulebook.directory()));
    let word = person.and_then(|person| match field {
        "manager" => person.manager.as_ref().map(ToString::to_string),
        "calendar" => Some(person.calendar.to_string()),
        _ => None,
    });
    let Some(word) = word else {
        return FactValue::Missing(format!("the directory holds no `{field}` of the requester"));
    };
    match IntentType::fact_value(fact, &Value::Text(word)) {
        Ok(value) => FactValue::Known(value),
        Err(why) => FactValue::Missing(why),
    }
}

/// Counts or sums intents of the same type that share a token with this one.
async fn counted(
    inner: &Arc<Inner>,
    approval: &Approval,
    fact: &FactSpec,
    measure: &LogMeasure,
    of: LogStanding,
    by: &FieldName,
    window: Window,
) -> Result<FactValue, Fault> {
    let Some(shared) = approval.intent.tokens.get(by) else {
        return Ok(FactValue::Missing(format!("the intent has no `{by}` to count by")));
    };
    let labels = BTreeMap::from([
        ("type".to_owned(), approval.intent.intent_type.to_string()),
        row::counted_label(by, shared),
    ]);
    let since = window.since(approval.asked);
    // A trial is not counted by others, but looks at its own amount as any other would.
    let mut total = match (&approval.intent.trial, of, measure) {
        (None, _, _) | (Some(_), LogStanding::Approved, _) => 0_i64,
        (Some(_), LogStanding::Asked, LogMeasure::Count) => 1,
        (Some(_), LogStanding::Asked, LogMeasure::SumOf(token)) => {
            summed(&approval.intent.tokens, token).unwrap_or(0)
        }
    };
    let mut seen = 0_usize;
    let mut after = None;
    loop {
        let query = Query { labels: labels.clone(), after: after.take(), limit: PAGE_ROWS_MAX };
        let page = inner.store.query(query).await?;
        seen = seen.saturating_add(page.rows.len());
        if COUNTER_ROWS_MAX < seen {
            return Ok(FactValue::Missing(format!("more than {COUNTER_ROWS_MAX} intents to count")));
        }
        // Once it is approved an intent would count itself: what was decided did not.
        let own = approval.stage.is_approved() && of == LogStanding::Approved;
        let own = own.then(|| approval.intent.id.to_string());
        for row in page.rows.iter().filter(|row| own.as_deref() != Some(&*row.stream)) {
            let Ok(summary) = serde_json::from_slice::<Summary>(&row.row.summary) else { continue };
            let (approved, asked) = row::counts_as(&summary.state);
            let counts = match of {
                LogStanding::Approved => approved,
                LogStanding::Asked => asked,
            };
            if counts && since <= summary.asked() {
                total = total.saturating_add(match measure {
                    LogMeasure::Count => 1,
                    LogMeasure::SumOf(token) => summary.sums.get(token.as_str()).copied().unwrap_or(0),
                });
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(match &fact.kind.value(total) {
        Some(value) if fact.kind.accepts(value).is_ok() => FactValue::Known(value.clone()),
        Some(_) | None => FactValue::Missing(format!("`{}`: {total} is out of bounds", fact.name)),
    })
}

/// The grid value of a token that counters sum up.
pub(crate) fn summed(tokens: &Tokens, token: &FieldName) -> Option<i64> {
    match tokens.get(token)? {
        TokenValue::Percent(percent) => Some(percent.0),
        TokenValue::Money(money) => Some(money.minor),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => Some(*number),
        TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Date(_)
        | TokenValue::Text(_)
        | TokenValue::Record(_)
        | TokenValue::List(_) => None,
    }
}
