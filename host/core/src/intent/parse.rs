//! An intent type's document to an [`IntentType`]: the header rows; the tables are in [`super::tables`].

use super::kind::FieldType;
use super::tables;
use super::visibility;
use super::{
    Enforcement, FailMode, Impact, IntentType, QaCheckpoint, SeenBy, TokenSpec, Trigger, TypeState,
    Visibility,
};
use crate::break_glass::BreakGlass;
use crate::budget::Budget;
use crate::document::{Aside, Cell, Document, Faults, SourceFile};
use crate::id::{ConnectionName, FieldName, IntentTypeName, PersonId, PoolName};
use crate::intent::literal::is_word;
use crate::policy::route_take as take;
use crate::time::Millis;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The sections that an intent type may have.
pub(crate) const SECTIONS: [&str; 7] =
    ["Tokens", "Facts", "Visibility", "Bindings", "Writes", "Reconciliation", "Overrides"];

/// The header rows; all but `state`, `amount at stake`, `exception budget`, `seen by`,
/// `break glass` and `asked by` are required.
const ROWS: [&str; 22] = [
    "intent",
    "state",
    "impact",
    "owner",
    "incident owner",
    "fallback owner",
    "source",
    "trigger",
    "destinations",
    "subject",
    "amount at stake",
    "exception route",
    "exception budget",
    "QA checkpoint",
    "reporting field",
    "fail mode",
    "enforcement",
    "rounds",
    "expires",
    "seen by",
    "break glass",
    "asked by",
];

/// Most rounds that an intent may be sent back.
const ROUNDS_MAX: u32 = 100;
/// Longest life of a seal, in days.
const EXPIRES_DAYS_MAX: u32 = 366;

struct Header<'a> {
    rows: Vec<(&'a str, &'a Cell)>,
    line: u32,
}

impl Header<'_> {
    fn row<T>(&self, name: &str, faults: &mut Faults, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let Some((_, cell)) = self.rows.iter().find(|(other, _)| *other == name) else {
            faults.on_line(self.line, format!("the header lacks `{name}`"));
            return None;
        };
        take(read(&cell.text), cell, faults)
    }

    /// The same of a row that need not be there.
    fn row_if_there<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        if self.rows.iter().any(|(other, _)| *other == name) {
            return self.row(name, faults, read).map(Some);
        }
        Some(None)
    }
}

/// Reads a name of one of the id types.
pub(super) fn named<T: FromStr<Err = crate::id::NotAName>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|fault: crate::id::NotAName| fault.to_string())
}

/// Reads `a, b, c`.
pub(super) fn names<T: FromStr<Err = crate::id::NotAName>>(text: &str) -> Result<Vec<T>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(", ").map(named).collect()
}

/// Reads one of a few words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("`{text}` is none of {}", known.join(", "))
    })
}

impl IntentType {
    /// Reads and checks an intent type. Faults are noted; it is only usable if there is none.
    pub fn parse(file: &SourceFile, faults: &mut Faults) -> Option<IntentType> {
        let document = crate::document::read(file, &SECTIONS, faults)?;
        let line = document.settings.header.line;
        if document.settings.header.cells.first().is_none_or(|cell| cell.text != "intent type") {
            faults.on_line(line, "the settings table of an intent type begins with `intent type`");
        }
        let header = Header { rows: document.settings(&ROWS, faults), line };
        let tokens = tables::tokens(&document, faults);
        let facts = tables::facts(&document, &tokens, faults);
        let mut intent = head(&header, faults)?;
        let mut places = BTreeMap::from([("intent type".to_owned(), document.settings.header.place())]);
        for (name, cell) in &header.rows {
            places.insert((*name).to_owned(), cell.place());
        }
        intent.visibility.fields = visibility::fields(&document, &tokens, &facts, faults);
        if let Some(table) = document.table("Visibility") {
            places.insert("Visibility".to_owned(), table.header.place());
        }
        intent.tokens = tokens;
        intent.facts = facts;
        intent.bindings = tables::bindings(&document, &intent, faults);
        intent.writes = tables::writes(&document, &intent, faults);
        intent.reconciliation = tables::reconciliation(&document, &intent, faults);
        intent.overrides = tables::overrides(&document, faults);
        file.path.clone_into(&mut intent.path);
        intent.places = Aside(places);
        checked(&intent, &header, &document, faults);
        Some(intent)
    }
}

/// The intent type that a file says it defines, before anything else of it is looked at; `None` if it says none.
pub(crate) fn defined_by(file: &SourceFile) -> Option<IntentTypeName> {
    let document = crate::document::read(file, &SECTIONS, &mut Faults::new(&file.path))?;
    document.settings.rows.iter().find_map(|row| match row.cells.as_slice() {
        [setting, value] if setting.text == "intent" => IntentTypeName::parse(&value.text).ok(),
        _ => None,
    })
}

fn head(header: &Header<'_>, faults: &mut Faults) -> Option<IntentType> {
    let name: Option<IntentTypeName> = header.row("intent", faults, named);
    let impacts = [("financial", Impact::Financial), ("legal", Impact::Legal), ("low", Impact::Low)];
    let impact = header.row("impact", faults, |text| word(text, &impacts));
    let owner: Option<PoolName> = header.row("owner", faults, named);
    let incident_owner: Option<PoolName> = header.row("incident owner", faults, named);
    let fallback_owner: Option<PersonId> = header.row("fallback owner", faults, named);
    let source: Option<ConnectionName> = header.row("source", faults, named);
    let trigger = header.row("trigger", faults, trigger);
    let destinations: Option<Vec<ConnectionName>> = header.row("destinations", faults, names);
    let subject: Option<FieldName> = header.row("subject", faults, named);
    let states = [("draft", TypeState::Draft), ("live", TypeState::Live)];
    let state = header.row_if_there("state", faults, |text| word(text, &states));
    let amount = header.row_if_there("amount at stake", faults, named);
    let seen_by = header.row_if_there("seen by", faults, SeenBy::parse).map(Option::unwrap_or_default);
    let exception_routes = header.row("exception route", faults, words);
    let budget = header.row_if_there("exception budget", faults, Budget::parse);
    let asked_by = header.row_if_there("asked by", faults, visibility::whoms);
    let break_glass = header.row_if_there("break glass", faults, BreakGlass::parse);
    let qa_checkpoint = header.row("QA checkpoint", faults, qa_checkpoint);
    let reporting: Option<Vec<FieldName>> = header.row("reporting field", faults, names);
    let modes = [("closed", FailMode::Closed), ("may open", FailMode::MayOpen)];
    let fail_mode = header.row("fail mode", faults, |text| word(text, &modes));
    let hardness =
        [("hard", Enforcement::Hard), ("soft", Enforcement::Soft), ("advisory", Enforcement::Advisory)];
    let enforcement = header.row("enforcement", faults, |text| word(text, &hardness));
    let rounds = header.row("rounds", faults, |text| counted(text, ROUNDS_MAX));
    let expires = header.row("expires", faults, |text| {
        let days = text.strip_suffix('d').ok_or_else(|| format!("`{text}` is no length; write `30d`"))?;
        let days = counted(days, EXPIRES_DAYS_MAX)?;
        Ok(Millis::hours(u64::from(days).saturating_mul(24)))
    });
    Some(IntentType {
        name: name?,
        impact: impact?,
        owner: owner?,
        incident_owner: incident_owner?,
        fallback_owner: fallback_owner?,
        source: source?,
        trigger: trigger?,
        destinations: destinations?,
        subject: subject?,
        amount_at_stake: amount?,
        exception_routes: exception_routes?,
        qa_checkpoint: qa_checkpoint?,
        reporting: reporting?,
        fail_mode: fail_mode?,
        enforcement: enforcement?,
        budget: budget?,
        rounds: rounds?,
        expires: expires?,
        tokens: Vec::new(),
        facts: Vec::new(),
        bindings: Vec::new(),
        writes: Vec::new(),
        reconciliation: Vec::new(),
        overrides: Vec::new(),
        state: state?.unwrap_or(TypeState::Live),
        visibility: Visibility { intent: seen_by?, fields: BTreeMap::new() },
        break_glass: break_glass?,
        asked_by: asked_by?,
        path: String::new(),
        places: Aside::default(),
    })
}

/// A whole number from 1 to `most`.
pub(super) fn counted(text: &str, most: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(number) if 0 < number && number <= most => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is no number from 1 to {most}")),
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = text.split(", ").map(str::to_owned).collect();
    match words.iter().find(|word| !is_word(word)) {
        Some(wrong) => Err(format!("`{wrong}` is no id (a-z, 0-9, `-`, `_`)")),
        None => Ok(words),
    }
}

fn trigger(text: &str) -> Result<Trigger, String> {
    let parts: Vec<&str> = text.split(' ').collect();
    match parts.as_slice() {
        ["button"] => Ok(Trigger::Button),
        ["webhook", connection, hook] if is_word(hook) => {
            Ok(Trigger::Webhook { connection: named(connection)?, hook: (*hook).to_owned() })
        }
        ["record", "change", connection, kind] if is_word(kind) => {
            Ok(Trigger::RecordChange { connection: named(connection)?, kind: (*kind).to_owned() })
        }
        _ => Err(format!(
            "`{text}` is no trigger; `webhook CONNECTION HOOK`, `record change CONNECTION KIND` or `button`"
        )),
    }
}

/// `5% each week by pool deal-desk against list discount-review`.
fn qa_checkpoint(text: &str) -> Result<QaCheckpoint, String> {
    let parts: Vec<&str> = text.split(' ').collect();
    match parts.as_slice() {
        [percent, "each", each @ ("week" | "month"), "by", "pool", pool, "against", "list", list]
            if is_word(list) =>
        {
            let percent = percent.strip_suffix('%').ok_or_else(|| format!("`{percent}` is no percent"))?;
            Ok(QaCheckpoint {
                percent: counted(percent, 100)?,
                each: (*each).to_owned(),
                pool: named(pool)?,
                list: (*list).to_owned(),
            })
        }
        _ => Err(format!("`{text}`: write `5% each week by pool POOL against list LIST`")),
    }
}

/// What the header says of the tables.
fn checked(intent: &IntentType, header: &Header<'_>, document: &Document, faults: &mut Faults) {
    let cell = |name: &str| header.rows.iter().find(|(other, _)| *other == name).map(|(_, cell)| *cell);
    let required = |name: &FieldName| intent.token(name).is_some_and(|token: &TokenSpec| token.required);
    if let Some(cell) = cell("subject")
        && !required(&intent.subject)
    {
        faults.at(cell, format!("`{}` is no required token", intent.subject));
    }
    if let (Some(cell), Some(amount)) = (cell("amount at stake"), &intent.amount_at_stake) {
        let money = matches!(intent.kind_of(amount), Some(FieldType::Number(grid))
            if matches!(grid.unit, super::Unit::Money(_)));
        if !money {
            faults.at(cell, format!("`{amount}` is no token or fact of money"));
        }
    }
    if let Some(cell) = cell("reporting field") {
        for name in intent.reporting.iter().filter(|name| !required(name)) {
            faults.at(cell, format!("`{name}` is no required token"));
        }
    }
    if let Some(cell) = cell("fail mode")
        && intent.fail_mode == FailMode::MayOpen
        && intent.impact != Impact::Low
    {
        faults.at(cell, "only an intent type of impact `low` may open");
    }
    if let Some(cell) = cell("destinations") {
        let mut bound: Vec<&ConnectionName> =
            intent.bindings.iter().map(|binding| &binding.connection).collect();
        bound.sort();
        bound.dedup();
        let mut said: Vec<&ConnectionName> = intent.destinations.iter().collect();
        said.sort();
        if bound != said {
            let bound: Vec<&str> = bound.iter().map(|name| name.as_str()).collect();
            faults.at(cell, format!("the bindings write to {}", bound.join(", ")));
            faults.help("destinations are the connections of the bindings, each once");
        }
    }
    if intent.enforcement == Enforcement::Hard && !intent.overrides.is_empty() {
        let line = document.section("Overrides").map_or(0, |section| section.detail.line);
        faults.on_line(line, "enforcement is `hard`, so there are no overrides");
    }
    if intent.tokens.is_empty() {
        faults.on_line(header.line, "the intent type has no tokens");
    }
}
