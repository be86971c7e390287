//! What an intent asks for, in one line and in full.

use super::{LIST_BYTES_MAX, Telling, VALUE_CHARACTERS_MAX, plain};
use crate::approval::{Approval, Case, PlannedEffect, Sight};
use crate::effect::plan::Change;
use crate::id::FieldName;
use crate::intent::{FactValue, IntentType, TokenValue};
use crate::rulebook::Rulebook;
use std::fmt;

impl Telling<'_> {
    /// What it is in a few words: `discount 25% for quote 5001`.
    pub(super) fn title(&self) -> String {
        title(self.approval, self.rulebook, self.sight)
    }

    /// Every token.
    pub(super) fn what_is_asked(&self) -> Vec<String> {
        let intent = &self.approval.intent;
        let mut lines = vec![String::new(), format!("What is asked, revision {}", intent.revision)];
        if intent.trial.is_some() {
            lines.push(
                "  TRIAL: the intent type is a draft; what is approved is written, and counted nowhere"
                    .to_owned(),
            );
        }
        let sight = self.sight;
        let shown = intent.tokens.iter().filter(|(name, _)| !sight.hides(name));
        lines.extend(listed(shown.map(|(name, value)| format!("  {name}: {}", spelt(value)))));
        lines
    }

    /// What the host found out itself: for those who judge it.
    pub(super) fn what_was_found(&self) -> Vec<String> {
        let Some(case) = self.case() else { return Vec::new() };
        let sight = self.sight;
        let facts = case.facts.iter().filter(|(name, _)| !sight.hides(name));
        let mut lines = listed(facts.map(|(name, fact)| format!("  {name}: {}", found(fact))));
        if !lines.is_empty() {
            lines.insert(0, "What the host found".to_owned());
        }
        lines
    }

    /// What an approval changes, field by field.
    pub(super) fn what_is_written(&self, heading: &str) -> Vec<String> {
        let Some(case) = self.case() else { return Vec::new() };
        let mut lines = vec![String::new(), heading.to_owned()];
        if let Some(change) = &case.change {
            lines.push(format!("  version {} of the policy of {}", change.version, change.of));
        }
        if let Some(change) = &case.shared {
            lines.push(format!("  version {} of `{}`", change.version, change.file));
            // Whoever does not see all of an intent does not see what is in the text either.
            if self.sight.is_whole() {
                lines.extend(listed(change.differences.iter().map(|found| format!("    {found}"))));
            }
        }
        if let Some(ready) = &case.readiness {
            lines.push(format!("  intents of type {} are taken, as trial {} shows", ready.of, ready.trial));
        }
        let changes = changes(self.approval, self.rulebook, self.sight);
        lines.extend(listed(changes.into_iter().map(|change| format!("  {change}"))));
        if case.advisory {
            lines.push("  nothing: the decision is only recorded".to_owned());
        } else if case.writes.is_empty() && !case.is_of_house() {
            lines.push("  nothing".to_owned());
        }
        lines
    }

    pub(super) fn schema(&self) -> Option<&IntentType> {
        self.rulebook.intent_type(&self.approval.intent.intent_type)
    }

    /// The record that a planned effect writes to, as far as it is for the reader.
    pub(super) fn place(&self, planned: &PlannedEffect) -> String {
        place(planned, self.schema(), self.sight)
    }

    /// What is decided about, once that is known.
    pub(super) fn case(&self) -> Option<&Case> {
        self.approval.case()
    }
}

fn place(planned: &PlannedEffect, schema: Option<&IntentType>, sight: &Sight) -> String {
    if sight.hides_subject(schema, planned.binding.as_str()) {
        return planned.connection.to_string();
    }
    format!("{}, {}", planned.connection, plain(&planned.plan.subject.to_string(), 80))
}

/// What an intent asks for in a few words, as far as it is for the reader: `discount 25% for quote 5001`.
#[must_use]
pub fn title(approval: &Approval, rulebook: &Rulebook, sight: &Sight) -> String {
    let intent = &approval.intent;
    let schema = rulebook.intent_type(&intent.intent_type);
    let shown = |name: &FieldName| !sight.hides(name);
    let mut words = vec![intent.intent_type.as_str().replace('_', " ")];
    if intent.trial.is_some() {
        words.insert(0, "trial of".to_owned());
    }
    let mut tokens = intent.tokens.iter().filter(|(name, _)| shown(name));
    let percent = tokens.find(|(_, value)| matches!(value, TokenValue::Percent(_))).map(|(_, value)| value);
    let staked = schema.filter(|schema| schema.amount_at_stake.as_ref().is_none_or(shown));
    let stake = staked.and_then(|schema| schema.stake_of(&intent.tokens));
    words.extend(percent.map(ToString::to_string).or_else(|| stake.map(|stake| stake.to_string())));
    if let Some(schema) = schema.filter(|schema| shown(&schema.subject))
        && let Some(value) = intent.tokens.get(&schema.subject)
    {
        let named = schema.subject_of(&intent.tokens).unwrap_or_else(|| value.to_string());
        let what = match value {
            TokenValue::Record(record) => record.kind.clone(),
            TokenValue::Percent(_)
            | TokenValue::Money(_)
            | TokenValue::Months(_)
            | TokenValue::Days(_)
            | TokenValue::Count(_)
            | TokenValue::YesNo(_)
            | TokenValue::OneOf(_)
            | TokenValue::Text(_)
            | TokenValue::Date(_)
            | TokenValue::List(_) => schema.subject.as_str().trim_end_matches("_id").replace('_', " "),
        };
        words.push(format!("for {} {}", plain(&what, 40), plain(&named, 60)));
    }
    words.join(" ")
}

/// What an approval changes, a line a field, as far as it is for the reader: `crm, quote 5001: price from 9 to 8`.
#[must_use]
pub fn changes(approval: &Approval, rulebook: &Rulebook, sight: &Sight) -> Vec<String> {
    let schema = rulebook.intent_type(&approval.intent.intent_type);
    let writes = approval.case().into_iter().flat_map(|case| &case.writes);
    writes.flat_map(|planned| changes_of(planned, schema, sight)).collect()
}

fn changes_of(planned: &PlannedEffect, schema: Option<&IntentType>, sight: &Sight) -> Vec<String> {
    let place = place(planned, schema, sight);
    let change = |change: &Change| {
        let name = plain(&change.name, 80);
        if sight.hides_write(schema, planned.binding.as_str(), &change.name) {
            return format!("{place}: {name}, which is not shown to you");
        }
        format!("{place}: {name} from {} to {}", spelt(&change.before), spelt(&change.after))
    };
    planned.plan.changes.iter().map(change).collect()
}

fn spelt(value: &impl fmt::Display) -> String {
    plain(&value.to_string(), VALUE_CHARACTERS_MAX)
}

fn found(fact: &FactValue) -> String {
    match fact {
        FactValue::Known(value) => spelt(value),
        FactValue::Missing(why) => format!("not found ({})", plain(why, VALUE_CHARACTERS_MAX)),
        FactValue::Stale => "found too long ago".to_owned(),
        FactValue::Each(values) => format!("{} values", values.len()),
    }
}

/// As many lines as fit; the rest is counted.
pub(super) fn listed(lines: impl Iterator<Item = String>) -> Vec<String> {
    let (mut kept, mut bytes, mut more) = (Vec::new(), 0_usize, 0_usize);
    for line in lines {
        bytes = bytes.saturating_add(line.len());
        if bytes <= LIST_BYTES_MAX {
            kept.push(line);
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        kept.push(format!("  and {more} more"));
    }
    kept
}
