//! A policy document to a [`Policy`]: every cell is checked, every fault has its place.

use super::asks::NAMES_MAX;
use super::cell;
use super::component;
use super::evaluate::Layout;
use super::example;
use super::index::Index;
use super::outcome::{Needs, Settled};
use super::places::Places;
use super::route::{self, Route, take};
use super::stop::Stop;
use super::typed::{Expression, Input, Kind, Scope};
use super::{Demand, FailOpen, GUARDS_MAX, Guard, Hit, Policy, Promise, Proved, Rule};
use crate::connector::upgrade::CONNECTOR_UPGRADE_ROUTE;
use crate::document::{
    Aside, Cell, Document, Fault, Faults, SourceFile, Wrong, day, did_you_mean, listed, nearest, required,
};
use crate::going_live::GO_LIVE_ROUTE;
use crate::hash::Digest;
use crate::id::{FieldName, IntentTypeName, PoolName, RouteName};
use crate::intent::kind::FieldType;
use crate::intent::literal::{is_word, parse_type};
use crate::intent::value::Day;
use crate::publish::POLICY_CHANGE_ROUTE;
use crate::shared_change::SHARED_CHANGE_ROUTE;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The sections that a policy may have.
pub(crate) const SECTIONS: [&str; 8] =
    ["Inputs", "Terms", "Rules", "Guards", "Components", "Routes", "Promises", "Examples"];

impl Policy {
    /// Reads and checks a policy and runs its examples. `shared` are the routes of `routes.md`.
    /// Faults are noted; the policy is only usable if there is none.
    pub fn parse(
        file: &SourceFile,
        shared: &BTreeMap<RouteName, Route>,
        faults: &mut Faults,
    ) -> Option<Policy> {
        let before = faults.len();
        let policy = Policy::draft(file, shared, faults)?;
        // Only a policy that could be read in full has answers to compare with.
        if faults.len() == before {
            example::run(&policy, &Stop::never(), faults);
        }
        Some(policy)
    }

    /// The same without running its examples.
    pub(crate) fn draft(
        file: &SourceFile,
        shared: &BTreeMap<RouteName, Route>,
        faults: &mut Faults,
    ) -> Option<Policy> {
        let document = crate::document::read(file, &SECTIONS, faults)?;
        if document.settings.header.cells.first().is_none_or(|cell| cell.text != "policy") {
            faults.on_line(
                document.settings.header.line,
                "the settings table of a policy begins with `policy`",
            );
            faults.help("write its header as `| policy | |`");
        }
        let inputs = inputs(&document, faults);
        let (terms, broken) = terms(&document, &inputs, faults);
        let names = Names { inputs: &inputs, terms: &terms, broken: &broken };
        let routes = routes(&document, shared, faults);
        let header = header(&document, names, faults);
        let (hit, each) = hit(&document, &inputs, faults);
        let said = hit.map_or("first", Hit::as_str);
        let mut reader =
            Reader { names, inputs: &inputs, routes: &routes, each: each.is_some(), hit: said, faults };
        let rules = reader.rules(&document);
        let guards = reader.guards(&document);
        let promises = reader.promises(&document);
        let components = component::parse(&document, faults);
        let covers = route::closure(&routes, |name| !shared.contains_key(name), faults);
        let list = super::list_of(&inputs);
        let examples = example::parse(&document, &inputs, list.as_ref(), &routes, faults);
        let (intent, owner, effective, fail_open) = header?;
        let layout = Layout::of(&inputs);
        let mut policy = Policy {
            intent,
            owner,
            effective,
            fail_open,
            inputs,
            terms,
            hit: hit?,
            each,
            rules,
            guards,
            components,
            routes,
            promises,
            covers: covers?,
            examples,
            version: Digest::ZERO,
            path: file.path.clone(),
            list,
            layout,
            index: Index::default(),
            proved: Proved::default(),
            places: Aside(Places::of(&document)),
        };
        policy.keep_asked_routes(shared);
        let mut index = Index::of(&policy.rules, &policy.guards, &policy.covers);
        let names = index.asks().names();
        if NAMES_MAX < names {
            faults.on_line(
                document.settings.header.line,
                format!(
                    "rules and guards name {names} routes and kinds of evidence, and a policy may name {NAMES_MAX}"
                ),
            );
        }
        index.add_levers(&policy);
        policy.index = index;
        Some(policy)
    }

    /// The intent type that a document says it decides, before anything else of it is looked at.
    ///
    /// # Errors
    /// What keeps it from being read as a document, or that it names none.
    pub fn decides(file: &SourceFile) -> Result<IntentTypeName, Vec<Fault>> {
        let mut faults = Faults::new(&file.path);
        let document = crate::document::read(file, &SECTIONS, &mut faults);
        let rows = document.iter().flat_map(|document| &document.settings.rows);
        let named = rows.filter_map(|row| match row.cells.as_slice() {
            [setting, value] if setting.text == "intent" => IntentTypeName::parse(&value.text).ok(),
            _ => None,
        });
        if let Some(name) = named.into_iter().next() {
            return Ok(name);
        }
        if faults.is_empty() {
            faults.on_line(0, "the settings table names no intent type");
            faults.help("write `| intent | NAME |` under `| policy | |`");
        }
        Err(faults.into_list())
    }

    /// Of the shared routes only those that this policy can ask for belong to it.
    fn keep_asked_routes(&mut self, shared: &BTreeMap<RouteName, Route>) {
        let outcomes =
            self.rules.iter().map(|rule| &rule.outcome).chain(self.guards.iter().map(|guard| &guard.then));
        let mut asked: BTreeSet<RouteName> = BTreeSet::new();
        for outcome in outcomes {
            if let Settled::Needs(needs) = outcome {
                asked.extend(needs.routes.iter().cloned());
            }
        }
        self.routes.retain(|name, _| asked.contains(name) || !shared.contains_key(name));
    }
}

/// What the head of a policy says, before the rest is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The intent type that it decides.
    pub intent: IntentTypeName,
    /// First day of its being in force.
    pub effective: Day,
    /// The line that says the intent type.
    pub intent_line: u32,
    /// The line that says the day.
    pub effective_line: u32,
}

/// Reads the head of a policy; faults are noted. `None` if it does not say both.
pub fn head(file: &SourceFile, faults: &mut Faults) -> Option<Head> {
    let document = crate::document::read(file, &SECTIONS, faults)?;
    let setting = |name: &str| {
        let named = |row: &&crate::document::Row| row.cells.first().is_some_and(|cell| cell.text == name);
        document.settings.rows.iter().find(named).and_then(|row| row.cells.get(1))
    };
    let (Some(intent), Some(effective)) = (setting("intent"), setting("effective")) else {
        faults.on_line(document.settings.header.line, "the settings lack `intent` or `effective`");
        faults.help("add `| intent | NAME |` and `| effective | 2026-01-31 |` to this table");
        return None;
    };
    let name = take(IntentTypeName::parse(&intent.text).map_err(|fault| fault.to_string()), intent, faults);
    let from = take(day(&effective.text), effective, faults);
    Some(Head { intent: name?, effective: from?, intent_line: intent.line, effective_line: effective.line })
}

/// Routes of `routes.md` that our own changes ask; no policy of an intent type is advised to.
const OUR_ROUTES: [&str; 4] =
    [CONNECTOR_UPGRADE_ROUTE, GO_LIVE_ROUTE, POLICY_CHANGE_ROUTE, SHARED_CHANGE_ROUTE];

/// What to write into an empty `because`.
const WHY: &str =
    "write the reason in a few words into `because`: whoever asks or decides reads it beside the answer";

type Terms = Vec<(FieldName, Expression)>;

fn inputs(document: &Document, faults: &mut Faults) -> Vec<Input> {
    let Some(table) = document.table("Inputs") else {
        faults.on_line(0, "the policy has no section `Inputs`");
        return Vec::new();
    };
    let mut inputs: Vec<Input> = Vec::new();
    for [name, kind] in table.rows_of(["name", "type"], faults) {
        let parsed = take(field_name(&name.text), name, faults);
        let typed = take(parse_type(&kind.text), kind, faults);
        let (Some(parsed), Some(typed)) = (parsed, typed) else { continue };
        if matches!(typed, FieldType::Record { .. } | FieldType::List { .. }) {
            faults.at(kind, format!("`{typed}` stands in intent types only"));
        } else if inputs.iter().any(|input| input.name == parsed) {
            faults.at(name, format!("input `{parsed}` stands here twice"));
            faults.help("remove one of the two rows");
        } else {
            inputs.push(Input { name: parsed, kind: typed });
        }
    }
    let lists: BTreeSet<&str> =
        inputs.iter().filter_map(|input| input.name.as_str().split_once('.')).map(|(list, _)| list).collect();
    if lists.len() > 1 {
        faults.on_line(table.header.line, "the inputs reach into more than one list");
    }
    inputs
}

/// A name of a token, fact, input or term: `[a-z][a-z0-9_]*` with at most one dot.
pub(crate) fn field_name(text: &str) -> Result<FieldName, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let plain = |part: &&str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let reserved = ["and", "or", "not", "in", "where", "yes", "no"].contains(&text);
    if parts.len() > 2 || !parts.iter().all(plain) || reserved {
        return Err(format!("`{text}` is no name (a-z, 0-9, `_`, at most one dot; no word of the language)"));
    }
    FieldName::parse(text).map_err(|fault| fault.to_string())
}

/// What expressions may read.
#[derive(Clone, Copy)]
struct Names<'a> {
    inputs: &'a [Input],
    terms: &'a Terms,
    broken: &'a [FieldName],
}

impl<'a> Names<'a> {
    fn scope(self, in_element: bool, folds: bool) -> Scope<'a> {
        Scope { inputs: self.inputs, terms: self.terms, in_element, folds, broken: self.broken }
    }
}

/// The terms, and the names of those that are wrong.
fn terms(document: &Document, inputs: &[Input], faults: &mut Faults) -> (Terms, Vec<FieldName>) {
    let (mut terms, mut broken): (Terms, Vec<FieldName>) = (Vec::new(), Vec::new());
    let Some(table) = document.table("Terms") else { return (terms, broken) };
    for [name, formula] in table.rows_of(["name", "formula"], faults) {
        let parsed = take(field_name(&name.text), name, faults);
        let scope = Names { inputs, terms: &terms, broken: &broken }.scope(false, true);
        let typed = take(Expression::parse(&formula.text, scope), formula, faults);
        let (Some(parsed), Some(typed)) = (parsed.clone(), typed) else {
            broken.extend(parsed);
            continue;
        };
        if typed.kind == Kind::Text || parsed.as_str().contains('.') {
            faults.at(
                name,
                format!("term `{parsed}`: a term is a number, a date, a word or yes/no, without dot"),
            );
        } else if inputs.iter().any(|input| input.name == parsed)
            || terms.iter().any(|(other, _)| *other == parsed)
        {
            faults.at(name, format!("the name `{parsed}` stands for two things"));
        } else {
            terms.push((parsed, typed));
        }
    }
    (terms, broken)
}

fn routes(
    document: &Document,
    shared: &BTreeMap<RouteName, Route>,
    faults: &mut Faults,
) -> BTreeMap<RouteName, Route> {
    let mut routes = document.table("Routes").map(|table| route::parse(table, faults)).unwrap_or_default();
    for (name, route) in &routes {
        if shared.contains_key(name) {
            faults.at_place(
                route.places(0).route,
                format!("route `{name}` stands in `routes.md` too; a route has one place"),
            );
            faults.help(format!(
                "write another name, such as `{name}-here`, or remove its rows to ask that of `routes.md`"
            ));
        }
    }
    for (name, route) in shared {
        routes.entry(name.clone()).or_insert_with(|| route.clone());
    }
    routes
}

type Header = (IntentTypeName, PoolName, Day, Option<FailOpen>);

fn header(document: &Document, names: Names<'_>, faults: &mut Faults) -> Option<Header> {
    let settings = document.settings(&["intent", "owner", "effective", "unsure", "fail open"], faults);
    let intent = required(&settings, "intent", document, faults);
    let owner = required(&settings, "owner", document, faults);
    let effective = required(&settings, "effective", document, faults);
    if let Some(unsure) = required(&settings, "unsure", document, faults)
        && unsure.text != "closed"
    {
        faults.at(unsure, format!("`{}`: `unsure` is `closed`", unsure.text));
        faults
            .help("write `closed`; what may pass stands in a row `fail open`, and the intent type allows it");
    }
    let fail_open = settings.iter().find(|(name, _)| *name == "fail open").map(|(_, cell)| *cell);
    let fail_open = match fail_open {
        None => Some(None),
        Some(cell) => fail_open_of(cell, names, faults).map(Some),
    };
    let name = |cell: &Cell| IntentTypeName::parse(&cell.text).map_err(|fault| fault.to_string());
    let intent = intent.and_then(|cell| take(name(cell), cell, faults));
    let pool = |cell: &Cell| PoolName::parse(&cell.text).map_err(|fault| fault.to_string());
    let owner = owner.and_then(|cell| take(pool(cell), cell, faults));
    let effective = effective.and_then(|cell| take(day(&cell.text), cell, faults));
    Some((intent?, owner?, effective?, fail_open?))
}

/// `only if EXPR, at most INT a day`.
fn fail_open_of(cell: &Cell, names: Names<'_>, faults: &mut Faults) -> Option<FailOpen> {
    let parts = cell.text.strip_prefix("only if ").and_then(|rest| {
        let (condition, cap) = rest.rsplit_once(", at most ")?;
        let cap = cap.strip_suffix(" a day").filter(|cap| cap.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some((condition, cap.parse::<u32>().ok()?))
    });
    let Some((condition, at_most_a_day)) = parts else {
        faults.at(cell, format!("`{}` is not when it may fail open", cell.text));
        faults.help("write `only if CONDITION, at most NUMBER a day`");
        return None;
    };
    let scope = names.scope(false, false);
    let only_if =
        Expression::condition(condition, scope).map_err(|wrong| wrong.of("fail open", "only if ".len()));
    let only_if = take(only_if, cell, faults)?;
    Some(FailOpen { only_if, at_most_a_day })
}

fn hit(document: &Document, inputs: &[Input], faults: &mut Faults) -> (Option<Hit>, Option<FieldName>) {
    let Some(section) = document.section("Rules") else {
        faults.on_line(0, "the policy has no section `Rules: HIT`");
        return (None, None);
    };
    let detail = &section.detail;
    let (hit, each) = match detail.text.split_once(", for each ") {
        Some((hit, each)) => (hit, Some(each)),
        None => (detail.text.as_str(), None),
    };
    let hit = match hit {
        "first" => Some(Hit::First),
        "unique" => Some(Hit::Unique),
        "every" => Some(Hit::Every),
        _ => {
            faults.at(detail, format!("`{hit}` is none of first, unique, every"));
            let each = each.map(|each| format!(", for each {each}")).unwrap_or_default();
            faults.help(match nearest(hit, ["first", "unique", "every"]) {
                Some(meant) => format!("write `## Rules: {meant}{each}`"),
                None => format!("write `## Rules: first{each}`: the first row that matches decides"),
            });
            None
        }
    };
    let Some(each) = each else { return (hit, None) };
    let prefix = format!("{each}.");
    if !inputs.iter().any(|input| input.name.as_str().starts_with(&prefix)) {
        faults.at(detail, format!("`for each {each}`: no input begins with `{prefix}`"));
    }
    (hit, take(field_name(each), detail, faults))
}

struct Reader<'a> {
    names: Names<'a>,
    inputs: &'a [Input],
    routes: &'a BTreeMap<RouteName, Route>,
    each: bool,
    /// What the heading says of the hit policy.
    hit: &'a str,
    faults: &'a mut Faults,
}

/// Reads `approve`, `deny` or needs. `routes` are those that may be asked for.
pub(crate) fn settled(text: &str, routes: &BTreeMap<RouteName, Route>) -> Result<Settled, Wrong> {
    let known = || routes.keys().map(RouteName::as_str).filter(|name| !OUR_ROUTES.contains(name));
    match text {
        "approve" => return Ok(Settled::Approve),
        "deny" => return Ok(Settled::Deny),
        "" => {
            let routes = listed(known());
            let help = format!("write `approve`, `deny`, or who must decide: {routes}");
            return Err(Wrong::advised("the outcome is empty", help));
        }
        _ => {}
    }
    let mut needs = Needs::default();
    for need in text.split(" + ") {
        if let Some(kind) = need.strip_prefix("evidence ") {
            if !is_word(kind) {
                let help =
                    "a kind is a word of lower-case letters, digits, `_` and `-`: `evidence offer-letter`";
                return Err(Wrong::advised(format!("`{kind}` is no kind of evidence"), help));
            }
            needs.evidence.insert(kind.to_owned());
            continue;
        }
        let lower = need.to_ascii_lowercase();
        if lower != need
            && (lower == "approve"
                || lower == "deny"
                || lower.parse().is_ok_and(|name| routes.contains_key(&name)))
        {
            let better = text.replacen(need, &lower, 1);
            return Err(Wrong::advised(format!("`{need}` is no outcome"), format!("write `{better}`")));
        }
        let unknown = || {
            let help = match nearest(need, ["approve", "deny"].into_iter().chain(known())) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("write one of {}, or give `{need}` rows under `Routes`", listed(known())),
            };
            Wrong::advised(format!("unknown route `{need}`"), help)
        };
        let name = RouteName::parse(need).map_err(|_| unknown())?;
        if !routes.contains_key(&name) {
            return Err(unknown());
        }
        needs.routes.insert(name);
    }
    if needs.routes.is_empty() {
        let such_as = known().next().unwrap_or("ROUTE");
        return Err(Wrong::advised("evidence stands beside a route", format!("write `{such_as} + {text}`")));
    }
    Ok(Settled::Needs(needs))
}

impl Reader<'_> {
    fn id(&mut self, cell: &Cell, seen: &mut BTreeSet<String>) -> Arc<str> {
        if !is_word(&cell.text) {
            self.faults.at(cell, format!("`{}` is no id (a-z, 0-9, `-`, `_`)", cell.text));
            let better = cell.text.trim().to_ascii_lowercase().replace(' ', "-");
            self.faults.help(match is_word(&better) {
                true => format!("write `{better}`"),
                false => "write a short word, such as `mid-auto`".to_owned(),
            });
        } else if !seen.insert(cell.text.clone()) {
            self.faults.at(cell, format!("id `{}` stands here twice", cell.text));
            let free =
                (2..).map(|number: u32| format!("{}-{number}", cell.text)).find(|id| !seen.contains(id));
            let free = free.unwrap_or_default();
            self.faults.help(format!("write another id, such as `{free}`; the log names rows by it"));
        }
        cell.text.as_str().into()
    }

    /// Whose cell a fault is in, before its message.
    fn cell_fault<T>(&mut self, result: Result<T, Wrong>, cell: &Cell, whose: &str) -> Option<T> {
        take(result.map_err(|wrong| wrong.of(whose, 0)), cell, self.faults)
    }

    fn rules(&mut self, document: &Document) -> Vec<Rule> {
        let Some(table) = document.table("Rules") else { return Vec::new() };
        let header = table.header.cells.as_slice();
        let [id, columns @ .., outcome, because] = header else {
            self.faults.on_line(table.header.line, "the columns are `id, INPUT.., => outcome, because`");
            return Vec::new();
        };
        for (cell, name) in [(id, "id"), (outcome, "=> outcome"), (because, "because")] {
            if cell.text != name {
                self.faults.at(cell, format!("the column is `{}`, expected `{name}`", cell.text));
            }
        }
        let columns: Vec<Option<usize>> = columns.iter().map(|column| self.column(column)).collect();
        for (index, column) in columns.iter().enumerate() {
            if column.is_some() && columns.iter().take(index).any(|other| other == column) {
                self.faults.on_line(table.header.line, "a column stands here twice");
            }
        }
        let mut rules: Vec<Rule> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut reads: BTreeSet<FieldName> = BTreeSet::new();
        for row in &table.rows {
            let [id, cells @ .., outcome, because] = row.cells.as_slice() else { continue };
            let whose = format!("rule `{}`", id.text);
            let id = self.id(id, &mut seen);
            let mut demands = Vec::new();
            for (column, cell) in columns.iter().zip(cells) {
                let Some((index, input)) = column.and_then(|index| Some((index, self.inputs.get(index)?)))
                else {
                    continue;
                };
                let read = self.cell_fault(cell::read(&cell.text, &input.kind), cell, &whose);
                let Some(Some(ranges)) = read else { continue };
                reads.insert(input.name.clone());
                demands.push(Demand {
                    input: index,
                    ranges,
                    text: cell.text.as_str().into(),
                    of_element: input.is_of_element(),
                });
            }
            let answer = self.cell_fault(settled(&outcome.text, self.routes), outcome, &whose);
            if because.text.is_empty() {
                self.faults.at(because, format!("{whose}: a rule says why"));
                self.faults.help(WHY);
            }
            rules.push(Rule {
                id,
                demands,
                outcome: answer.unwrap_or(Settled::Deny),
                because: because.text.as_str().into(),
                reads: reads.iter().cloned().collect(),
                line: row.line,
            });
        }
        if rules.is_empty() {
            self.faults.on_line(table.header.line, "the policy has no rule");
        }
        rules
    }

    /// The input that a column of the rules is about.
    fn column(&mut self, cell: &Cell) -> Option<usize> {
        let found = self.inputs.iter().position(|input| input.name.as_str() == cell.text);
        let Some(index) = found else {
            self.faults.at(cell, format!("column `{}` is no input", cell.text));
            let names = self.inputs.iter().map(|input| input.name.as_str());
            self.faults.help(did_you_mean(&cell.text, names, "the inputs are"));
            return None;
        };
        let input = self.inputs.get(index)?;
        if input.kind.bounds().is_none() {
            self.faults.at(cell, format!("column `{}`: {} takes no rule column", cell.text, input.kind));
            self.faults.help("remove the column; text is compared in a guard, such as `name = \"x\"`");
            return None;
        }
        if input.is_of_element() && !self.each {
            self.faults.at(cell, format!("column `{}` needs `Rules: HIT, for each LIST`", cell.text));
            let list = cell.text.split_once('.').map_or("LIST", |(list, _)| list);
            self.faults.help(format!("write `## Rules: {}, for each {list}`", self.hit));
            return None;
        }
        Some(index)
    }

    fn guards(&mut self, document: &Document) -> Vec<Guard> {
        let Some(table) = document.table("Guards") else { return Vec::new() };
        let mut guards = Vec::new();
        let mut seen = BTreeSet::new();
        let rows = table.rows_of(["id", "when", "then", "because"], self.faults);
        if rows.len() > GUARDS_MAX {
            let count = rows.len();
            self.faults.on_line(table.header.line, format!("{count} guards, at most {GUARDS_MAX} are read"));
        }
        for [id, when, then, because] in rows {
            let whose = format!("guard `{}`", id.text);
            let id = self.id(id, &mut seen);
            let scope = self.names.scope(self.each, !self.each);
            let condition = Expression::condition(&when.text, scope).map_err(|wrong| wrong.of(&whose, 0));
            let condition = take(condition, when, self.faults);
            let then_is = match settled(&then.text, self.routes) {
                Ok(Settled::Approve) => {
                    let known = self.routes.keys().map(RouteName::as_str);
                    let known: Vec<&str> = known.filter(|name| !OUR_ROUTES.contains(name)).collect();
                    let help = format!("write `deny`, or who must decide: {}", known.join(", "));
                    Err(Wrong::advised("a guard only tightens: it cannot approve", help))
                }
                other => other,
            };
            let adds = self.cell_fault(then_is, then, &whose);
            if because.text.is_empty() {
                self.faults.at(because, format!("{whose}: a guard says why"));
                self.faults.help(WHY);
            }
            let (Some(when), Some(then)) = (condition, adds) else { continue };
            guards.push(Guard {
                id,
                reads: when.reads.iter().cloned().collect(),
                text: when.source.as_str().into(),
                when,
                then,
                because: because.text.as_str().into(),
            });
        }
        guards
    }

    fn promises(&mut self, document: &Document) -> Vec<Promise> {
        let Some(table) = document.table("Promises") else { return Vec::new() };
        let mut promises = Vec::new();
        for [cell] in table.rows_of(["promise"], self.faults) {
            if let Some(promise) = self.promise(cell) {
                promises.push(promise);
            }
        }
        promises
    }

    fn promise(&mut self, cell: &Cell) -> Option<Promise> {
        if let Some(condition) = cell.text.strip_prefix("approve only if ") {
            let scope = self.names.scope(self.each, false);
            let condition = Expression::condition(condition, scope)
                .map_err(|wrong| wrong.of("promise", "approve only if ".len()));
            let condition = take(condition, cell, self.faults)?;
            return Some(Promise::ApproveOnlyIf(condition));
        }
        let subject = cell.text.strip_suffix(" never needs less").and_then(|rest| rest.split_once(' '));
        let Some((direction @ ("more" | "less"), name)) = subject else {
            self.faults.at(cell, format!("`{}` is no promise", cell.text));
            let name = cell
                .text
                .split(' ')
                .find(|word| self.inputs.iter().any(|input| input.name.as_str() == *word));
            self.faults.help(match name {
                Some(name) => {
                    format!("write `less {name} never needs less` or `more {name} never needs less`")
                }
                None => "write `more INPUT never needs less` or `approve only if CONDITION`".to_owned(),
            });
            return None;
        };
        let Some(input) = self.inputs.iter().find(|input| input.name.as_str() == name) else {
            self.faults.at(cell, format!("`{name}` is no input"));
            let names = self.inputs.iter().map(|input| input.name.as_str());
            self.faults.help(did_you_mean(name, names, "the inputs are"));
            return None;
        };
        let has_order = |input: &&Input| matches!(input.kind, FieldType::Number(_) | FieldType::Date { .. });
        if !has_order(&input) {
            self.faults.at(cell, format!("`{name}` is {}, which has no more and less", input.kind));
            let others: Vec<&str> =
                self.inputs.iter().filter(has_order).map(|input| input.name.as_str()).collect();
            self.faults.help(format!("promise it of an input that has: {}", others.join(", ")));
            return None;
        }
        let name = input.name.clone();
        Some(if direction == "more" { Promise::More(name) } else { Promise::Less(name) })
    }
}
