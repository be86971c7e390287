//! Writes: what an approval will put where, evaluated before anybody decides.

use super::value::{FactValue, Facts, TokenValue, Tokens};
use super::{Binding, IntentType, OnFailure};
use crate::canonical;
use crate::effect::attempt::Guarantee;
use crate::effect::plan::{Change, Proposal};
use crate::id::{BindingName, ConnectionName, FieldName};
use crate::money::Money;
use crate::policy::typed::{Expression, Input};
use crate::policy::{Layout, fill};
use crate::record::{Field, RecordRef, Value};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Stands for the decision's outcome until there is one.
const OUTCOME: &str = "{decision.outcome}";
/// Stands for those who approved.
const APPROVERS: &str = "{decision.approvers}";
/// Stands for the seal.
const SEAL: &str = "{seal}";

/// One field that a binding writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Write {
    /// The binding.
    pub binding: BindingName,
    /// The field at the target.
    pub field: String,
    /// What it gets.
    pub value: WriteValue,
}

/// What a field gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteValue {
    /// A token or fact as it is.
    Named(FieldName),
    /// A result of an expression.
    Computed(Expression),
    /// A fixed text.
    Text(String),
    /// The id of the intent.
    IntentId,
    /// The version of the policy.
    PolicyVersion,
    /// The decision's outcome; shown by name before there is one.
    Outcome,
    /// Who approved; shown by name before.
    Approvers,
    /// The seal; shown by name before.
    Seal,
}

impl WriteValue {
    /// The tokens and facts that it is made of.
    #[must_use]
    pub fn reads(&self) -> &[FieldName] {
        match self {
            WriteValue::Named(name) => std::slice::from_ref(name),
            WriteValue::Computed(typed) => &typed.reads,
            WriteValue::Text(_)
            | WriteValue::IntentId
            | WriteValue::PolicyVersion
            | WriteValue::Outcome
            | WriteValue::Approvers
            | WriteValue::Seal => &[],
        }
    }
}

/// The engine's own words that a write may name and that exist before the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineNames {
    /// The id of the intent, as text.
    pub intent_id: String,
    /// The version of the policy, as text.
    pub policy_version: String,
}

/// The words that exist only once it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionWords {
    /// The outcome, such as `approved`.
    pub outcome: String,
    /// Who approved, such as `director-1, finance-lead`.
    pub approvers: String,
    /// The seal.
    pub seal: String,
}

/// What one binding is going to ask of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The binding.
    pub binding: BindingName,
    /// Where to.
    pub connection: ConnectionName,
    /// What is asked. A subject without kind and id is the connection's default parent.
    pub proposal: Proposal,
    /// Bindings that must have landed first.
    pub after: Vec<BindingName>,
    /// The guarantees that are good enough.
    pub guarantees: Vec<Guarantee>,
    /// What happens to the rest if this one is refused.
    pub on_failure: OnFailure,
}

/// Why a write cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFault {
    /// The binding.
    pub binding: BindingName,
    /// The field, or `subject`.
    pub field: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for WriteFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "binding `{}`, field `{}`: {}", self.binding, self.field, self.why)
    }
}

impl IntentType {
    /// The names that the expressions of the writes may use, in the order of their indices.
    #[must_use]
    pub fn write_inputs(&self) -> Vec<Input> {
        let tokens = self.tokens.iter().map(|token| (&token.name, &token.kind));
        let facts = self.facts.iter().map(|fact| (&fact.name, &fact.kind));
        tokens.chain(facts).map(|(name, kind)| Input { name: name.clone(), kind: kind.clone() }).collect()
    }

    /// What each binding will ask of its connection, in the order of the document.
    ///
    /// # Errors
    /// Every field that has no value, such as a fact that could not be read.
    pub fn proposals(
        &self,
        tokens: &Tokens,
        facts: &Facts,
        engine: &EngineNames,
    ) -> Result<Vec<Planned>, Vec<WriteFault>> {
        let inputs = self.write_inputs();
        let mut unused = BTreeSet::new();
        let mut env = fill(&inputs, &Layout::of(&inputs), self.list(), tokens, facts, &mut unused);
        // An optional list that was not given has no elements to write about.
        env.list_known = true;
        let mut faults = Vec::new();
        let mut planned = Vec::new();
        for binding in &self.bindings {
            let mut fault = |field: &str, why: String| {
                faults.push(WriteFault { binding: binding.name.clone(), field: field.to_owned(), why });
            };
            let subject = match subject(binding, tokens, facts) {
                Ok(subject) => subject,
                Err(why) => {
                    fault("subject", why);
                    continue;
                }
            };
            let mut fields = Vec::new();
            for write in self.writes.iter().filter(|write| write.binding == binding.name) {
                let value = match &write.value {
                    WriteValue::Named(name) => self.named(name, tokens, facts),
                    WriteValue::Computed(expression) => {
                        let mut wrong = Vec::new();
                        let result = expression.node.evaluate(&env, None, &mut wrong);
                        match result.and_then(|result| expression.value(result)) {
                            Some(value) => field_value(&value).map(Some),
                            None => Err(unread(expression, &wrong)),
                        }
                    }
                    WriteValue::Text(text) => Ok(Some(Value::Text(text.clone()))),
                    WriteValue::IntentId => Ok(Some(Value::Text(engine.intent_id.clone()))),
                    WriteValue::PolicyVersion => Ok(Some(Value::Text(engine.policy_version.clone()))),
                    WriteValue::Outcome => Ok(Some(Value::Text(OUTCOME.to_owned()))),
                    WriteValue::Approvers => Ok(Some(Value::Text(APPROVERS.to_owned()))),
                    WriteValue::Seal => Ok(Some(Value::Text(SEAL.to_owned()))),
                };
                match value {
                    Ok(Some(value)) => fields.push(Field { name: write.field.clone(), value }),
                    // An optional token that was not given: the target keeps what it has.
                    Ok(None) => {}
                    Err(why) => fault(&write.field, why),
                }
            }
            let proposal = Proposal { operation: binding.operation.clone(), subject, fields };
            planned.push(Planned {
                binding: binding.name.clone(),
                connection: binding.connection.clone(),
                proposal,
                after: binding.after.clone(),
                guarantees: binding.guarantees.clone(),
                on_failure: binding.on_failure,
            });
        }
        if faults.is_empty() { Ok(planned) } else { Err(faults) }
    }

    /// The value of a token or fact as a target gets it; `None` for an optional token that is not there.
    fn named(&self, name: &FieldName, tokens: &Tokens, facts: &Facts) -> Result<Option<Value>, String> {
        if let Some(value) = tokens.get(name) {
            return field_value(value).map(Some);
        }
        if self.token(name).is_some_and(|token| !token.required) {
            return Ok(None);
        }
        known(name, facts).and_then(field_value).map(Some)
    }
}

fn unread(expression: &Expression, wrong: &[crate::policy::ReasonKind]) -> String {
    let reasons: Vec<&str> = wrong.iter().map(|kind| kind.word()).collect();
    if reasons.is_empty() {
        let reads: Vec<&str> = expression.reads.iter().map(FieldName::as_str).collect();
        return format!("`{}` needs a value of each of {}", expression.source, reads.join(", "));
    }
    format!("`{}`: {}", expression.source, reasons.join(", "))
}

fn known<'a>(name: &FieldName, facts: &'a Facts) -> Result<&'a TokenValue, String> {
    match facts.get(name) {
        Some(FactValue::Known(value)) => Ok(value),
        Some(FactValue::Missing(why)) => Err(format!("`{name}` is missing: {why}")),
        Some(FactValue::Stale) => Err(format!("`{name}` was read too long ago")),
        Some(FactValue::Each(_)) => Err(format!("`{name}` has a value for each element of the list")),
        None => Err(format!("`{name}` has no value")),
    }
}

fn subject(binding: &Binding, tokens: &Tokens, facts: &Facts) -> Result<RecordRef, String> {
    let Some(name) = &binding.subject else {
        return Ok(RecordRef { kind: String::new(), id: String::new() });
    };
    let value = match tokens.get(name) {
        Some(value) => value,
        None => known(name, facts)?,
    };
    match value {
        TokenValue::Record(record) => Ok(record.clone()),
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Months(_)
        | TokenValue::Days(_)
        | TokenValue::Count(_)
        | TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Date(_)
        | TokenValue::Text(_)
        | TokenValue::List(_) => Err(format!("`{name}` names no record")),
    }
}

/// A value as a connector gets it.
fn field_value(value: &TokenValue) -> Result<Value, String> {
    Ok(match value {
        TokenValue::Percent(percent) => Value::Decimal(percent.decimal()),
        TokenValue::Money(money) => Value::Money(*money),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
            Value::Integer(*number)
        }
        TokenValue::YesNo(flag) => Value::Flag(*flag),
        TokenValue::OneOf(text) | TokenValue::Text(text) => {
            // Only the engine's own words may stand for something that comes later.
            if [OUTCOME, APPROVERS, SEAL].contains(&text.as_str()) {
                return Err(format!("`{text}` is a word of the engine and cannot be a token's text"));
            }
            Value::Text(text.clone())
        }
        TokenValue::Date(day) => Value::Date(day.to_string()),
        TokenValue::Record(record) => Value::Reference(record.clone()),
        TokenValue::List(elements) => {
            let plain: Vec<Element<'_>> = elements.iter().map(Element).collect();
            let bytes = canonical::to_vec(&plain).map_err(|fault| fault.to_string())?;
            Value::Json(String::from_utf8(bytes).map_err(|_| "no UTF-8".to_owned())?)
        }
    })
}

/// One element of a list in plain JSON: a record is its id, a percent its decimal text.
struct Element<'a>(&'a BTreeMap<FieldName, TokenValue>);

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &Plain(value))?;
        }
        map.end()
    }
}

struct Plain<'a>(&'a TokenValue);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            TokenValue::Percent(percent) => serializer.serialize_str(&percent.decimal()),
            TokenValue::Money(money) => Money::serialize(money, serializer),
            TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
                serializer.serialize_i64(*number)
            }
            TokenValue::YesNo(flag) => serializer.serialize_bool(*flag),
            TokenValue::OneOf(text) | TokenValue::Text(text) => serializer.serialize_str(text),
            TokenValue::Date(day) => serializer.collect_str(day),
            TokenValue::Record(record) => serializer.serialize_str(&record.id),
            TokenValue::List(elements) => {
                let plain: Vec<Element<'_>> = elements.iter().map(Element).collect();
                plain.serialize(serializer)
            }
        }
    }
}

fn filled(value: &Value, words: &DecisionWords) -> Option<Value> {
    let Value::Text(text) = value else { return None };
    let word = match text.as_str() {
        OUTCOME => &words.outcome,
        APPROVERS => &words.approvers,
        SEAL => &words.seal,
        _ => return None,
    };
    Some(Value::Text(word.clone()))
}

/// Puts the words of the decision where a proposal names them; everything else stays as it was sealed.
pub fn fill_placeholders(fields: &mut [Field], words: &DecisionWords) {
    for field in fields {
        if let Some(value) = filled(&field.value, words) {
            field.value = value;
        }
    }
}

/// The same for the changes of a write plan: only what will be written, never what was found.
pub fn fill_planned(changes: &mut [Change], words: &DecisionWords) {
    for change in changes {
        if let Some(value) = filled(&change.after, words) {
            change.after = value;
        }
    }
}
