//! The trace as a page of text, for whoever owns the policy: which cells, which guards, what was near.

use super::{CellTrace, Evaluation, GuardTrace, NearMiss};
use crate::canonical;
use crate::hash::Digest;
use crate::id::FieldName;
use crate::intent::value::{Facts, TokenValue, Tokens};
use crate::policy::outcome::Outcome;
use crate::policy::space::spelled_value;
use serde::Serialize;
use std::sync::Arc;

/// Width of the words on the left, the blank behind them included.
const WORD_WIDTH: usize = 10;

impl Evaluation {
    /// The trace as lines of text: decision, rules with their cells, guards, components, terms, what was near,
    /// what was not true.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page(String::new());
        let answer = format!("{}   {} policy   language {}", self.answer(), self.policy, self.language);
        page.line("decision", &answer);
        if let Outcome::Unsure(unsure) = &self.outcome {
            for reason in &unsure.reasons {
                page.line("unsure", &format!("{reason} ({})", reason.kind.word()));
            }
            page.line("known", &unsure.known.to_string());
            page.line("possible", &unsure.possible.to_string());
        }
        for rule in &self.rules {
            let place = super::place(rule.element);
            let (id, row, of, because) = (&rule.id, rule.row, rule.of, &rule.because);
            page.line("rule", &format!("{id}{place}   (row {row} of {of})   \"{because}\""));
            let cells: Vec<String> = rule.cells.iter().map(CellTrace::text).collect();
            page.line("", &if cells.is_empty() { "any case".to_owned() } else { cells.join(" · ") });
        }
        for guard in &self.guards {
            let place = super::place(guard.element);
            let adds = format!("{}{place}   adds {}   \"{}\"", guard.id, guard.adds, guard.because);
            page.line("guard", &adds);
            page.line("", &guard.text());
        }
        for added in &self.components {
            let (component, id, because) = (&added.component, &added.id, &added.because);
            page.line("component", &format!("{component} {id}   adds {}   \"{because}\"", added.adds));
        }
        let terms: Vec<String> =
            self.terms.iter().map(|term| format!("{} = {}", term.name, spelled_value(&term.value))).collect();
        page.list("terms", &terms, " · ");
        for near in &self.near {
            page.line("near", &near.text());
        }
        let not_true: Vec<String> = self.not_true.iter().map(ToString::to_string).collect();
        page.list("not true", &not_true, ", ");
        page.line("version", &format!("sha256:{}", self.version));
        if let Some(cap) = self.fail_open {
            page.line("fail open", &format!("the policy's owner lets {cap} of these a day pass"));
        }
        page.0
    }
}

/// The line that names the components which were not asked; nothing if there is none.
#[must_use]
pub fn not_asked(components: &[Arc<str>]) -> String {
    let mut page = Page(String::new());
    if !components.is_empty() {
        let said = format!("{}, which can only make the answer stricter", components.join(", "));
        page.line("not asked", &said);
    }
    page.0
}

/// The line that says which facts were read, and the digests of facts and tokens.
#[must_use]
pub fn captured(tokens: &Tokens, facts: &Facts) -> String {
    let mut page = Page(String::new());
    let names: Vec<&str> = facts.keys().map(FieldName::as_str).collect();
    let digests = format!("{}   inputs {}", digest(facts), digest(tokens));
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    page.line("facts", &format!("{names}   {digests}"));
    page.0
}

fn digest<T: Serialize>(of: &T) -> String {
    // What has no canonical form was refused at the door.
    let bytes = canonical::to_vec(of);
    bytes.map_or_else(|fault| fault.to_string(), |bytes| format!("sha256:{}", Digest::of(&bytes)))
}

/// Lines with a word on the left.
struct Page(String);

impl Page {
    fn line(&mut self, word: &str, text: &str) {
        let indented = if word.is_empty() { WORD_WIDTH.saturating_add(2) } else { WORD_WIDTH };
        self.0.push_str(&format!("{word:indented$}{text}\n"));
    }

    fn list(&mut self, word: &str, items: &[String], between: &str) {
        if !items.is_empty() {
            self.line(word, &items.join(between));
        }
    }
}

impl CellTrace {
    fn text(&self) -> String {
        let value = spelled_value(&self.value);
        let sign = if self.cell.starts_with(['<', '>']) && !self.cell.contains(" .. ") {
            ""
        } else if self.cell.contains(", ") || self.cell.contains(" .. ") || self.cell.starts_with("not ") {
            "in "
        } else {
            "= "
        };
        format!("{} {value} {sign}{}", self.input, self.cell)
    }
}

impl GuardTrace {
    /// The condition with each value beside the first place of its name.
    fn text(&self) -> String {
        // Yes or no stands in the condition itself: `not renewal`.
        let shown = |(_, value): &&(FieldName, TokenValue)| !matches!(value, TokenValue::YesNo(_));
        let mut open: Vec<&(FieldName, TokenValue)> = self.values.iter().filter(shown).collect();
        let words = self.when.split(' ').map(|word| {
            let found = open.iter().position(|(name, _)| name.as_str() == word);
            match found {
                Some(index) => {
                    let (name, value) = open.remove(index);
                    format!("{name} {}", spelled_value(value))
                }
                None => word.to_owned(),
            }
        });
        let mut text = words.collect::<Vec<String>>().join(" ");
        let rest: Vec<String> =
            open.iter().map(|(name, value)| format!("{name} {}", spelled_value(value))).collect();
        if !rest.is_empty() {
            text.push_str(&format!("   ({})", rest.join(", ")));
        }
        text
    }
}

impl NearMiss {
    fn text(&self) -> String {
        if self.changes.is_empty() {
            return self.words();
        }
        let changes: Vec<String> = self
            .changes
            .iter()
            .map(|change| {
                let sign = if change.cell.starts_with(['<', '>']) { "" } else { "= " };
                format!("{}{} {sign}{}", change.input, super::place(change.element), change.cell)
            })
            .collect();
        format!("{} if {}   (rule {})", self.outcome, changes.join(" and "), self.rule)
    }
}
