//! What a search of the log finds, from its end: all of it for auditors, one intent for whoever sees that.

use crate::api::view::TimelineView;
use crate::asked::Query;
use crate::limits::{AUDIT_ENTRIES_LOOKED_AT_MAX, PAGE_ROWS};
use crate::problem::Problem;
use crate::state::Host;
use axum::http::Uri;
use countersign_core::approval::Sight;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::intent::Day;
use countersign_core::notice::words::title;
use countersign_core::people::Duty;
use countersign_core::time::Timestamp;
use countersign_engine::fault::Fault;
use countersign_engine::port::store::{Logged, Position};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use url::form_urlencoded;

/// Entries that are read at once: even of the largest, they fit into memory.
const READ_ENTRIES: u64 = 256;

/// What an address asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) intent: Option<IntentId>,
    pub(super) person: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) day: Option<Day>,
    /// Entries before this one: by their place in the log, or in the life of the intent.
    pub(super) before: Option<u64>,
}

/// What was found.
pub(super) enum Found {
    /// Nothing was looked for: whoever looks must name an intent.
    NotAsked,
    Rows {
        rows: Vec<Row>,
        /// Where the next page begins.
        next: Option<u64>,
        /// How many entries were looked at.
        looked: u64,
    },
}

/// One entry.
pub(super) struct Row {
    /// Its place in the log, or in the life of the intent.
    pub(super) number: u64,
    pub(super) at: String,
    pub(super) by: String,
    pub(super) kind: String,
    /// What it is about.
    pub(super) about: String,
    /// What it says, of an intent.
    pub(super) words: String,
    pub(super) intent: Option<String>,
    /// Its place in the life of the intent.
    pub(super) sequence: u64,
}

impl Asked {
    pub(super) fn of(uri: &Uri) -> Result<Asked, Problem> {
        let mut query = Query::of(uri, &["intent", "person", "kind", "day", "before"])?;
        let asked = Asked {
            intent: query.read("intent", "the id of an intent", |text| text.trim().parse().ok()),
            person: query.read("person", "the id of a person, `engine` or `timer`", name),
            kind: query.read("kind", "a kind of entry, such as `approved`", name),
            day: query.read("day", "a day such as 2026-11-23", Day::parse),
            before: query.read("before", "the number of an entry", |text| text.parse().ok()),
        };
        query.checked()?;
        Ok(asked)
    }

    pub(super) fn is_narrow(&self) -> bool {
        self.intent.is_some() || self.person.is_some() || self.kind.is_some() || self.day.is_some()
    }

    /// The same from another entry on.
    pub(super) fn address(&self, before: Option<u64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let intent = self.intent.map(|intent| intent.to_string());
        let day = self.day.map(|day| day.to_string());
        let before = before.map(|before| before.to_string());
        let all = [
            ("intent", &intent),
            ("person", &self.person),
            ("kind", &self.kind),
            ("day", &day),
            ("before", &before),
        ];
        query.extend_pairs(all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
        format!("/audit?{}", query.finish())
    }

    fn takes(&self, at: Option<Timestamp>, by: &str, kind: &str) -> bool {
        self.person.as_deref().is_none_or(|person| person == by)
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.day.is_none_or(|day| at.is_some_and(|at| day_of(at) == day.to_string()))
    }
}

/// A name of somebody or something, however it is typed.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    (text.len() <= 80 && text.chars().all(is_name)).then(|| text.to_owned())
}

/// Looks for what is asked.
pub(super) async fn find(host: &Host, person: &PersonId, asked: &Asked) -> Result<Found, Problem> {
    if let Some(intent) = asked.intent {
        return of_intent(host, person, intent, asked).await;
    }
    if host.engine.rulebook().directory().has_duty(person, Duty::Auditor) {
        return of_log(host, person, asked).await;
    }
    if !asked.is_narrow() {
        return Ok(Found::NotAsked);
    }
    let detail = "the log as a whole is for auditors";
    Err(Problem::new(
        "CS-E0222",
        detail,
        "name an intent that you may see; or ask an auditor: `/people` names them",
    ))
}

/// The life of an intent as a person sees it; nothing if it is not for them.
struct Life {
    title: String,
    told: TimelineView,
}

async fn life(host: &Host, person: &PersonId, intent: IntentId) -> Result<Option<Life>, Problem> {
    let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
    let sight = rulebook.sight(&approval, person, host.engine.now());
    if sight == Sight::Nothing {
        return Ok(None);
    }
    let told = TimelineView::of(&host.engine.entries(intent).await?, &sight);
    Ok(Some(Life { title: title(&approval, &rulebook, &sight), told }))
}

async fn of_intent(
    host: &Host,
    person: &PersonId,
    intent: IntentId,
    asked: &Asked,
) -> Result<Found, Problem> {
    let life = life(host, person, intent).await?.ok_or_else(Problem::no_intent)?;
    let before = asked.before.unwrap_or(u64::MAX);
    let wanted = life.told.entries.iter().rev().filter(|entry| {
        entry.sequence < before && asked.takes(Timestamp::from_rfc3339(&entry.at), &entry.by, &entry.event)
    });
    let mut rows: Vec<Row> = wanted
        .take(PAGE_ROWS + 1)
        .map(|entry| Row {
            number: entry.sequence,
            at: entry.at.clone(),
            by: entry.by.clone(),
            kind: entry.event.clone(),
            about: life.title.clone(),
            words: entry.words.clone(),
            intent: Some(intent.to_string()),
            sequence: entry.sequence,
        })
        .collect();
    let more = PAGE_ROWS < rows.len();
    rows.truncate(PAGE_ROWS);
    let next = rows.last().filter(|_| more).map(|row| row.number);
    Ok(Found::Rows { rows, next, looked: 0 })
}

async fn of_log(host: &Host, person: &PersonId, asked: &Asked) -> Result<Found, Problem> {
    let store = host.engine.store();
    let end = store.health().position.0.saturating_add(1);
    let mut before = asked.before.unwrap_or(u64::MAX).min(end);
    if let (Some(day), None) = (asked.day, asked.before) {
        before = after_day(host, &day.to_string(), before).await?;
    }
    let mut lives: BTreeMap<IntentId, Option<Life>> = BTreeMap::new();
    let (mut rows, mut looked) = (Vec::new(), 0_u64);
    while 1 < before && looked < AUDIT_ENTRIES_LOOKED_AT_MAX {
        let from = before.saturating_sub(READ_ENTRIES).max(1);
        let limit = usize::try_from(before - from).unwrap_or(usize::MAX);
        let read = store.scan(Position(from), limit).await.map_err(Fault::Store)?;
        let is_earlier = |logged: &Logged| {
            let at = Seen::of(logged).at;
            asked.day.zip(at).is_some_and(|(day, at)| day_of(at) < day.to_string())
        };
        if asked.day.is_some() && read.iter().all(is_earlier) {
            return Ok(Found::Rows { rows, next: None, looked });
        }
        for logged in read.iter().rev() {
            let seen = Seen::of(logged);
            if !asked.takes(seen.at, &seen.by, &seen.kind) {
                continue;
            }
            if PAGE_ROWS <= rows.len() {
                let next = rows.last().map(|row: &Row| row.number);
                return Ok(Found::Rows { rows, next, looked });
            }
            rows.extend(row(host, person, logged, seen, &mut lives).await?);
        }
        looked = looked.saturating_add(before - from);
        before = from;
    }
    Ok(Found::Rows { rows, next: (1 < before).then_some(before), looked })
}

/// An entry as it is shown; nothing if it is of an intent that is not for whoever looks.
async fn row(
    host: &Host,
    person: &PersonId,
    logged: &Logged,
    seen: Seen,
    lives: &mut BTreeMap<IntentId, Option<Life>>,
) -> Result<Option<Row>, Problem> {
    let mut row = Row {
        number: logged.position.0,
        at: seen.at.map(|at| at.to_string()).unwrap_or_default(),
        by: seen.by,
        kind: seen.kind,
        about: logged.stream.to_string(),
        words: String::new(),
        intent: None,
        sequence: logged.sequence,
    };
    let Ok(intent) = logged.stream.parse::<IntentId>() else { return Ok(Some(row)) };
    if let Entry::Vacant(unread) = lives.entry(intent) {
        unread.insert(life(host, person, intent).await?);
    }
    let Some(Some(life)) = lives.get(&intent) else { return Ok(None) };
    row.about.clone_from(&life.title);
    row.intent = Some(intent.to_string());
    let told = life.told.entries.iter().find(|entry| entry.sequence == logged.sequence);
    row.words = told.map(|entry| entry.words.clone()).unwrap_or_default();
    Ok(Some(row))
}

/// What every entry says, whatever it is about.
struct Seen {
    at: Option<Timestamp>,
    by: String,
    kind: String,
}

/// The same as it is stored.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Stored {
    at: Option<Timestamp>,
    by: Json,
    event: Json,
}

impl Seen {
    /// Reads it. What says none of this is an entry all the same.
    fn of(logged: &Logged) -> Seen {
        let Stored { at, by, event } = serde_json::from_slice(&logged.entry).unwrap_or_default();
        let kind = match &event {
            Json::String(kind) => Some(kind.clone()),
            Json::Object(members) => members.keys().next().cloned(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
        };
        let by = match &by {
            Json::String(by) => Some(by.clone()),
            Json::Object(members) => members.values().next().and_then(Json::as_str).map(str::to_owned),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
        };
        Seen {
            at,
            by: by.unwrap_or_else(|| "engine".to_owned()),
            kind: kind.unwrap_or_else(|| "entry".to_owned()),
        }
    }
}

/// The day of a moment in UTC.
fn day_of(at: Timestamp) -> String {
    at.to_string().chars().take_while(|letter| *letter != 'T').collect()
}

/// The first entry that is later than a day, by the clock of the host: found in as many steps as the number has bits.
async fn after_day(host: &Host, day: &str, end: u64) -> Result<u64, Problem> {
    let (mut from, mut to) = (1, end);
    while from < to {
        let middle = from.midpoint(to);
        let read = host.engine.store().scan(Position(middle), 1).await.map_err(Fault::Store)?;
        let is_later =
            read.first().and_then(|logged| Seen::of(logged).at).is_none_or(|at| *day < *day_of(at));
        if is_later { to = middle } else { from = middle.saturating_add(1) }
    }
    Ok(from)
}
