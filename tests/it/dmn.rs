//! The decision tables of the public conformance suite: each comes in and answers as the suite and a
//! DMN engine that is not ours say, or is refused with its place.
//!
//! `tests/dmn-engine` brings both by cargo; nothing of them stands in here.

#[path = "dmn/given.rs"]
mod given;
#[path = "dmn/table.rs"]
mod table;

use anyhow::{Context as _, bail, ensure};
use countersign_core::document::{Faults, SourceFile};
use countersign_core::id::FieldName;
use countersign_core::intent::value::{Facts, Tokens};
use countersign_core::policy::{Outcome, Policy};
use countersign_exchange::book::Book;
use countersign_exchange::dmn;
use countersign_exchange::foreign::{Side, SideInput, SideRow};
use countersign_exchange::{Misfit, Refused};
use countersign_tests::dmn::{Answer, Engine, Question};
use given::{Kind, Value};
use std::collections::{BTreeMap, BTreeSet};
use table::Table;

/// Most different answers of one table: each has a route of its own in the policy that takes it.
const ANSWERS_MAX: usize = 8;
/// Most inputs that one table is asked about.
const CASES_MAX: usize = 50_000;
/// Fewest comparisons of the whole suite: with fewer, a grid has holes.
const COMPARISONS_MIN: usize = 10_000;

const RISKS: Kind = Kind::Words(&["DECLINE", "HIGH", "MEDIUM", "LOW", "VERY LOW"]);
const CATEGORIES: Kind = Kind::Words(&["High", "Low", "Medium"]);

/// The tables that come in, by model and name, with the types of their columns. Every other one must be
/// refused: a table that leaves this list, or could enter it, stops the suite.
const IMPORTED: [(&str, &str, &[Kind]); 15] = [
    ("2_0004", "Approval Status", &[Kind::Count(10, 120), CATEGORIES, Kind::YesNo]),
    ("2_0005", "Approval Status", &[Kind::Count(0, 120), CATEGORIES, Kind::YesNo]),
    ("2_0111", "Advertisement", &[Kind::Count(-5, 120)]),
    ("3_0004", "BureauCallTypeTable", &[RISKS]),
    ("3_0004", "CreditContingencyFactorTable", &[RISKS]),
    ("3_0004", "Post-bureauRiskCategoryTable", &[Kind::YesNo, Kind::Count(0, 1_000), Kind::Count(0, 999)]),
    ("3_0004", "Pre-bureauRiskCategoryTable", &[Kind::YesNo, Kind::Count(0, 1_000)]),
    ("3_0008", "listGen4", &[Kind::Words(&["c", "d"])]),
    ("3_0017", "dateCompare1", &[Kind::Dates("2015-01-01", "2017-12-31")]),
    ("3_0017", "priceGt10", &[Kind::Cents(0, 100_000)]),
    ("3_0087", "Bureau call type table", &[RISKS]),
    ("3_0087", "Credit contingency factor table", &[RISKS]),
    ("3_0087", "Post-bureau risk category table", &[Kind::YesNo, Kind::Count(0, 1_000), Kind::Count(0, 999)]),
    ("3_0087", "Pre-bureau risk category table", &[Kind::YesNo, Kind::Count(0, 1_000)]),
    ("3_0088", "Graduation DT", &[Kind::Words(&["A", "B", "C", "D", "E", "F", "G"])]),
];

/// What a structure of a model has beside the input of the table: without it the engine takes none of it.
const BESIDE: [(&str, &str); 1] = [("structA", "name: \"widget\", ")];

/// A policy that a table goes into, with a route for every answer.
fn policy() -> anyhow::Result<Book> {
    let mut text = "# Table\n\n| policy |  |\n|---|---|\n| intent | table |\n| owner | owners |\n\
                    | effective | 2026-01-01 |\n| unsure | closed |\n\n## Rules: first\n\n\
                    | id | => outcome | because |\n|---|---|---|\n| old | deny | closed |\n\n## Routes\n\n\
                    | route | step | whom | need | within | backup | finally |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for number in 0..ANSWERS_MAX {
        text += &format!("| o{number} | 1 | pool owners | 1 | 8bh | pool others | hold |\n");
    }
    Book::read(&SourceFile { path: PATH.to_owned(), text }).map_err(|refused| anyhow::anyhow!("{refused:?}"))
}

const PATH: &str = "policies/table.policy.md";

/// A table that came in.
struct Taken {
    policy: Policy,
    /// The foreign answers by the number of their route.
    answers: Vec<String>,
}

fn names(table: &Table) -> Vec<FieldName> {
    let name = |number: usize| FieldName::parse(&format!("input_{number}")).expect("a name");
    (0..table.columns.len()).map(name).collect()
}

/// What the importer makes of a table, once the side table that it prints is filled in.
fn offered(table: &Table, xml: &str, kinds: Option<&[Kind]>) -> anyhow::Result<Result<Taken, Refused>> {
    let mut side = Side { decision: table.name.clone(), ..Side::default() };
    for (at, ((expression, _), name)) in table.columns.iter().zip(names(table)).enumerate() {
        let unlisted = SideInput { kind: "one of a, b".to_owned(), ..SideInput::default() };
        let mut input = match kinds {
            Some(kinds) => kinds.get(at).context("a column without a type")?.side(name.as_str()),
            None => unlisted,
        };
        name.as_str().clone_into(&mut input.name);
        side.inputs.insert(expression.clone(), input);
    }
    let base = policy()?;
    let Err(refused) = dmn::read(xml.as_bytes(), &base, &side) else {
        bail!("the answers came in without a side table");
    };
    let printed = refused.to_string();
    let Some((_, printed)) = printed.split_once("`--side FILE`\n\n") else { return Ok(Err(refused)) };
    let asked = Side::read(printed)?;
    let answers: Vec<String> = asked.outcomes.into_keys().collect();
    side.outcomes =
        answers.iter().cloned().zip((0..ANSWERS_MAX).map(|number| format!("o{number}"))).collect();
    ensure!(side.outcomes.len() == answers.len(), "more than {ANSWERS_MAX} answers");
    let row = |number: &String| SideRow { id: format!("r{number}"), because: format!("row {number}") };
    side.rows = asked.rows.keys().map(|number| (number.clone(), row(number))).collect();
    let text = match dmn::read(xml.as_bytes(), &base, &side).and_then(|read| read.draft()) {
        Ok(draft) => draft.text,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut faults = Faults::new(PATH);
    let file = SourceFile { path: PATH.to_owned(), text };
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    let faults = faults.into_list();
    ensure!(faults.is_empty(), "it came in and does not check: {faults:?}\n{}", file.text);
    Ok(Ok(Taken { policy: policy.context("a policy")?, answers }))
}

/// Every combination of the values of the columns.
fn grid(columns: &[Vec<Value>]) -> Vec<Vec<Value>> {
    columns.iter().fold(vec![Vec::new()], |rows, values| {
        let longer = |row: &Vec<Value>| {
            let with = |value: &Value| row.iter().chain([value]).cloned().collect();
            values.iter().map(with).collect::<Vec<_>>()
        };
        rows.iter().flat_map(longer).collect()
    })
}

/// The values of a row in the words of FEEL.
fn context(table: &Table, row: &[Value]) -> String {
    let pairs =
        table.columns.iter().zip(row).map(|((expression, _), value)| match expression.split_once('.') {
            Some((outer, inner)) => {
                let beside = BESIDE.iter().find(|(name, _)| *name == outer).map_or("", |(_, beside)| *beside);
                format!("{outer}: {{{beside}{inner}: {}}}", value.feel)
            }
            None => format!("{expression}: {}", value.feel),
        });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// The answers in a result of FEEL; `None` if there is none.
fn results(feel: &str) -> anyhow::Result<Option<BTreeSet<String>>> {
    if feel == "[]" || feel.starts_with("null") {
        return Ok(None);
    }
    let one = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Some(match serde_json::from_str(feel).with_context(|| format!("the result {feel}"))? {
        serde_json::Value::Array(all) => all.iter().map(one).collect(),
        other => BTreeSet::from([one(&other)]),
    }))
}

impl Taken {
    /// Our answer in the words of the foreign table; `None` if no row or several decide.
    fn answer(&self, table: &Table, row: &[Value]) -> anyhow::Result<Option<BTreeSet<String>>> {
        let tokens: Tokens =
            names(table).into_iter().zip(row.iter().map(|value| value.token.clone())).collect();
        match self.policy.decide(&tokens, &Facts::new()).outcome {
            Outcome::Needs(needs) => {
                let answer = |route: &str| {
                    let number: usize = route.strip_prefix('o')?.parse().ok()?;
                    self.answers.get(number).cloned()
                };
                let found: Option<BTreeSet<String>> =
                    needs.routes.iter().map(|route| answer(route.as_str())).collect();
                Ok(Some(found.context("a route without an answer")?))
            }
            Outcome::Unsure(unsure) => {
                let kinds: BTreeSet<&str> = unsure.reasons.iter().map(|reason| reason.kind.word()).collect();
                ensure!(kinds.iter().all(|kind| ["gap", "overlap"].contains(kind)), "unsure: {kinds:?}");
                Ok(None)
            }
            Outcome::Approve | Outcome::Deny => bail!("no row says so"),
        }
    }
}

/// What was counted.
#[derive(Debug, Default)]
struct Seen {
    tables: usize,
    imported: BTreeSet<(String, String)>,
    /// Refused tables by their first reason.
    refused: BTreeMap<String, usize>,
    comparisons: usize,
    undecided: usize,
    of_the_suite: usize,
}

/// The reason without the names in it.
fn reason(misfit: &Misfit) -> String {
    misfit.message.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect()
}

impl Seen {
    /// Holds our answers beside those of the engine and of the suite.
    fn compare(
        &mut self,
        engine: &Engine,
        table: &Table,
        xml: String,
        taken: &Taken,
        kinds: &[Kind],
    ) -> anyhow::Result<()> {
        let values = table.columns.iter().zip(kinds).map(|((_, cells), kind)| kind.values(cells));
        let rows = grid(&values.collect::<Vec<_>>());
        ensure!(rows.len() <= CASES_MAX, "{} inputs, at most {CASES_MAX}", rows.len());
        let cases = engine.cases(&table.model)?;
        let cases: Vec<_> = cases.into_iter().filter(|case| case.name == table.name).collect();
        let given = rows.iter().map(|row| context(table, row));
        let question = Question {
            model: xml,
            name: table.name.clone(),
            columns: table.columns.iter().map(|(expression, _)| expression.clone()).collect(),
            cases: given.chain(cases.iter().map(|case| case.given.clone())).collect(),
        };
        let answers = engine.ask(&[question])?.pop().context("one answer")?;
        let (of_grid, of_suite) = answers.split_at(rows.len());
        for (row, answer) in rows.iter().zip(of_grid) {
            self.one(table, taken, row, &answer.result)?;
        }
        for (case, Answer { columns, .. }) in cases.iter().zip(of_suite) {
            let row: Option<Vec<Value>> =
                kinds.iter().zip(columns).map(|(kind, feel)| kind.read(feel)).collect();
            let row = row.with_context(|| format!("{} is out of bounds: {columns:?}", case.given))?;
            self.one(table, taken, &row, &case.expected)?;
            self.of_the_suite += 1;
        }
        Ok(())
    }

    fn one(&mut self, table: &Table, taken: &Taken, row: &[Value], result: &str) -> anyhow::Result<()> {
        let given = || context(table, row);
        let found = taken.answer(table, row).with_context(given)?;
        let expected = results(result).with_context(given)?;
        ensure!(found == expected, "{}: expected {expected:?} ({result}), found {found:?}", given());
        self.comparisons += 1;
        self.undecided += usize::from(found.is_none());
        Ok(())
    }

    fn table(&mut self, engine: &Engine, table: &Table, xml: &str) -> anyhow::Result<()> {
        self.tables += 1;
        let listed = IMPORTED.iter().find(|(model, name, _)| *model == table.model && *name == table.name);
        let kinds = listed.map(|(_, _, kinds)| *kinds);
        match (offered(table, xml, kinds)?, kinds) {
            (Ok(taken), Some(kinds)) => {
                self.imported.insert((table.model.clone(), table.name.clone()));
                self.compare(engine, table, xml.to_owned(), &taken, kinds)
            }
            (Ok(_), None) => bail!("it comes in: list it with its types"),
            (Err(refused), Some(_)) => bail!("it is listed and refused: {refused}"),
            (Err(refused), None) => {
                for misfit in &refused.0 {
                    ensure!(misfit.place.starts_with("line "), "refused without a place: {misfit}");
                    ensure!(!misfit.message.contains("in a column of"), "refused for our types: {misfit}");
                }
                // The types of an unlisted table are a guess: it must be refused for more than its words.
                let is_word = |misfit: &Misfit| misfit.message.contains("is no word of a column");
                ensure!(!refused.0.iter().all(is_word), "refused for our types: {refused}");
                let first = refused.0.first().context("a refusal says why")?;
                *self.refused.entry(reason(first)).or_default() += 1;
                Ok(())
            }
        }
    }
}

#[test]
fn a_table_of_the_conformance_suite_answers_as_the_suite_and_another_engine_say_or_is_refused()
-> anyhow::Result<()> {
    let engine = Engine::built(env!("CARGO_TARGET_TMPDIR"))?;
    let mut seen = Seen::default();
    for (model, xml) in engine.models()? {
        for table in table::tables(&model, &xml)? {
            seen.table(&engine, &table, &xml).with_context(|| format!("{model}, {}", table.name))?;
        }
    }
    println!(
        "{} tables: {} imported, {} refused; {} comparisons, {} of them undecided, {} from the suite's own cases",
        seen.tables,
        seen.imported.len(),
        seen.refused.values().sum::<usize>(),
        seen.comparisons,
        seen.undecided,
        seen.of_the_suite
    );
    for (reason, count) in &seen.refused {
        println!("  refused {count}: {reason}");
    }
    let listed = IMPORTED.iter().map(|(model, name, _)| ((*model).to_owned(), (*name).to_owned()));
    assert_eq!(seen.imported, listed.collect(), "a listed table is not in the suite");
    assert!(seen.comparisons >= COMPARISONS_MIN, "{} comparisons", seen.comparisons);
    assert!(seen.of_the_suite > 0, "the suite's own cases were not found");
    Ok(())
}
