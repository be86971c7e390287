//! A policy to begin with: everything is asked of the owner's people until somebody writes a rule.

use super::check::check;
use super::lint::Level;
use super::space::spelled;
use crate::document::{Align, Block, Layout, PlainTable, SourceFile};
use crate::id::{FieldName, PoolName};
use crate::intent::IntentType;
use crate::intent::kind::{FieldType, Unit};
use crate::intent::value::Day;
use crate::people::Directory;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// The route that a starter policy asks.
const ROUTE: &str = "owner-review";
/// The one rule of a starter policy.
const RULE: &str = "rest";
/// Working hours that each seat has.
const WITHIN: &str = "16bh";

/// Pools that can stand in for the owner of an intent type, the best first: those that share nobody
/// with it before those that share somebody.
#[must_use]
pub fn backups(intent: &IntentType, directory: &Directory) -> Vec<PoolName> {
    let people = |pool: &PoolName| -> BTreeSet<_> {
        directory.pool(pool).map(|pool| pool.members.iter().collect()).unwrap_or_default()
    };
    let owner = people(&intent.owner);
    let mut pools: Vec<&PoolName> = directory.pools.keys().filter(|pool| **pool != intent.owner).collect();
    pools.sort_by_key(|pool| {
        let shared = people(pool).intersection(&owner).count();
        (shared, **pool != intent.incident_owner, pool.as_str().to_owned())
    });
    pools.into_iter().cloned().collect()
}

/// Why there is no policy to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoStarter {
    /// The intent type has nothing that a table can decide by.
    Nothing(String),
    /// No pool can stand in for its owner.
    NoBackup {
        /// What is missing.
        message: String,
        /// What was found with the last pool that was tried, a text each.
        found: Vec<String>,
    },
}

impl fmt::Display for NoStarter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoStarter::Nothing(message) | NoStarter::NoBackup { message, .. } => formatter.write_str(message),
        }
    }
}

/// The document of a policy for `intent` that passes the check among the rest of `rulebook` from the
/// day of `on`.
///
/// # Errors
/// If the intent type has nothing that a table can decide by, or no pool can stand in for its owner.
pub fn sound(rulebook: &Rulebook, intent: &IntentType, on: Timestamp) -> Result<String, NoStarter> {
    let today = Day::at(on);
    let mut last = Vec::new();
    for backup in backups(intent, rulebook.directory()) {
        let text = starter(intent, &backup, today).map_err(NoStarter::Nothing)?;
        let file = SourceFile { path: format!("policies/{}.policy.md", intent.name), text };
        let policy = match rulebook.trying(&file) {
            Ok(policy) => policy,
            Err(faults) => {
                last = faults.iter().map(ToString::to_string).collect();
                continue;
            }
        };
        let findings = check(rulebook, &policy, on, []).map(|checked| checked.findings).unwrap_or_default();
        if findings.iter().all(|finding| finding.level != Level::Error) {
            return Ok(file.text);
        }
        last = findings.iter().map(ToString::to_string).collect();
    }
    let message = format!("no pool can stand in for `{}`, which owns `{}`", intent.owner, intent.name);
    Err(NoStarter::NoBackup { message, found: last })
}

/// Writes the document of a policy for `intent`: its required tokens and its facts that a table can
/// decide by, one rule that asks the owner's pool, and one example.
///
/// # Errors
/// If the intent type has nothing that a table can decide by.
pub fn starter(intent: &IntentType, backup: &PoolName, effective: Day) -> Result<String, String> {
    let tokens = intent.tokens.iter().filter(|token| token.required).map(|token| (&token.name, &token.kind));
    let facts = intent.facts.iter().map(|fact| (&fact.name, &fact.kind));
    let inputs: Vec<(&FieldName, &FieldType)> =
        tokens.chain(facts).filter(|(_, kind)| kind.bounds().is_some()).collect();
    if inputs.is_empty() {
        return Err(format!(
            "`{}` has no required token and no fact that a table can decide by",
            intent.name
        ));
    }
    let each = inputs.iter().find_map(|(name, _)| name.as_str().split_once('.')).map(|(list, _)| list);
    let detail = each.map_or_else(|| "first".to_owned(), |list| format!("first, for each {list}"));
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    let empty = vec![""; names.len()];
    let values: Vec<String> =
        inputs.iter().map(|(_, kind)| spelled(kind, kind.bounds().map_or(0, |(low, _)| low))).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let types: Vec<String> = inputs.iter().map(|(_, kind)| type_text(kind)).collect();
    let input_rows: Vec<Vec<&str>> =
        names.iter().zip(&types).map(|(name, kind)| vec![*name, kind.as_str()]).collect();
    let (owner, day) = (format!("pool {}", intent.owner), effective.to_string());
    let backup = format!("pool {backup}");
    let row = |first: &str, middle: &[&str], last: [&str; 2]| -> Vec<String> {
        [first].iter().chain(middle).chain(&last).map(|text| (*text).to_owned()).collect()
    };
    let mut layout = Layout::default();
    let mut add = |lines: &[&str], header: &[&str], rows: &[Vec<String>]| {
        layout.blocks.push(Block::Lines(lines.iter().map(|line| (*line).to_owned()).collect()));
        layout.blocks.push(Block::Table(PlainTable {
            header: header.iter().map(|name| (*name).to_owned()).collect(),
            align: vec![Align::Free; header.len()],
            rows: rows.to_vec(),
        }));
    };
    let owned = |rows: &[Vec<&str>]| -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|text| (*text).to_owned()).collect()).collect()
    };
    let title = format!("# {}", titled(intent.name.as_str()));
    let settings = [
        vec!["intent", intent.name.as_str()],
        vec!["owner", intent.owner.as_str()],
        vec!["effective", day.as_str()],
        vec!["unsure", "closed"],
    ];
    add(&[&title, ""], &["policy", ""], &owned(&settings));
    let hint =
        "Put rules above the last one; the first that matches decides. An empty cell accepts everything.";
    add(&["", "## Inputs", ""], &["name", "type"], &owned(&input_rows));
    let heading = format!("## Rules: {detail}");
    let columns = row("id", &names, ["=> outcome", "because"]);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let rule = row(RULE, &empty, [ROUTE, "nobody has written a rule for this yet"]);
    add(&["", &heading, "", hint, ""], &columns, &[rule]);
    let routes = ["route", "step", "whom", "need", "within", "backup", "finally"];
    let route = [vec![ROUTE, "1", owner.as_str(), "1", WITHIN, backup.as_str(), "hold"]];
    add(&["", "## Routes", ""], &routes, &owned(&route));
    let cases = row("case", &names, ["=> outcome", "by"]);
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let example = row("the smallest of all", &values, [ROUTE, RULE]);
    add(&["", "## Examples", ""], &cases, &[example]);
    Ok(layout.to_string())
}

/// A type as a document writes it, with the step that is not the usual one. What a token rounds is
/// on its grid before a policy sees it.
fn type_text(kind: &FieldType) -> String {
    match kind {
        FieldType::Number(grid) => {
            let usual = if grid.unit == Unit::Percent { 100 } else { 1 };
            if grid.step == usual {
                kind.to_string()
            } else {
                format!("{kind} step {}", spelled(kind, grid.step))
            }
        }
        FieldType::YesNo
        | FieldType::OneOf(_)
        | FieldType::Date { .. }
        | FieldType::Text { .. }
        | FieldType::Record { .. }
        | FieldType::List { .. } => kind.to_string(),
    }
}

/// `contract_redline` as a title: `Contract redline`.
fn titled(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::check::check_files;
    use crate::rulebook::formatted;
    use crate::rulebook::tests::{starter as shipped, starter_rulebook};

    /// 2026-11-24, when nobody of the shipped people is away.
    const ON: Timestamp = Timestamp(1_795_513_600_000);

    #[test]
    fn a_starter_policy_of_every_intent_type_passes_the_check_and_is_formatted() {
        let rulebook = starter_rulebook();
        let own = |intent: &&IntentType| !crate::built_in::is_built_in(&intent.name);
        for intent in rulebook.intent_types().filter(own) {
            let pools = backups(intent, rulebook.directory());
            let backup = pools.first().expect("there is another pool");
            let text = starter(intent, backup, Day(20_600)).expect("it has inputs");
            let file = SourceFile { path: format!("policies/{}.policy.md", intent.name), text };
            assert_eq!(formatted(&file).as_ref(), Ok(&file.text));
            let mut files = shipped();
            let own = files.iter_mut().find(|other| other.path == file.path).expect("it is shipped");
            *own = file.clone();
            let report = check_files(&files, ON);
            assert!(report.passes(), "{}\n{report}", file.text);
            assert!(Rulebook::load(&files).is_ok(), "its example passes");
            let sound = sound(&rulebook, intent, ON).expect("one pool can stand in");
            let again = files.iter_mut().find(|other| other.path == file.path).expect("it is shipped");
            again.text = sound;
            assert!(check_files(&files, ON).passes(), "{}", file.path);
        }
    }

    #[test]
    fn a_backup_shares_nobody_with_the_owner_where_that_can_be() {
        let rulebook = starter_rulebook();
        let intent =
            rulebook.intent_types().find(|intent| intent.name.as_str() == "discount").expect("shipped");
        let pools = backups(intent, rulebook.directory());
        assert_eq!(pools.first().map(PoolName::as_str), Some("integrations"), "the incident owner");
        assert_eq!(pools.last().map(PoolName::as_str), Some("council"), "the owner's lead is in it");
        assert!(!pools.contains(&intent.owner));
    }

    #[test]
    fn an_intent_type_with_nothing_to_decide_by_is_said_so() {
        let rulebook = starter_rulebook();
        let mut intent = rulebook.intent_types().next().expect("shipped").clone();
        intent.tokens.clear();
        intent.facts.clear();
        let refused = starter(&intent, &intent.owner.clone(), Day(0)).expect_err("nothing is left");
        assert!(refused.contains("no required token and no fact"), "{refused}");
    }
}
