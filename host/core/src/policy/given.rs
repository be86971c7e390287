//! Inputs as people write them on one line: `discount_percent=12%`, in the spelling of the tables.

use super::Policy;
use super::cell::{self, nearest};
use crate::id::FieldName;
use crate::intent::IntentType;
use crate::intent::kind::FieldType;
use crate::intent::value::{FactValue, Facts, TokenValue, Tokens};
use std::collections::BTreeMap;
use std::fmt;

/// Most examples that are named to somebody who named none of them.
const KNOWN_MAX: usize = 20;

/// What somebody wants to see decided.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The example whose values are taken, if it is one.
    pub case: Option<&'a str>,
    /// Values by the names of inputs, in the order in which they were given; they change the example's.
    pub inputs: &'a [(String, String)],
}

/// Something in what is asked that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misread {
    /// The policy has no such example.
    Example {
        /// What it was called.
        case: String,
        /// The first of those that there are.
        known: Vec<String>,
    },
    /// An input is none, stands there twice, or has a value that its type does not hold.
    Input {
        /// Which of the given inputs, from 0.
        index: usize,
        /// What is wrong.
        message: String,
    },
}

impl fmt::Display for Misread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misread::Example { case, known } => {
                let known: Vec<String> = known.iter().map(|case| format!("`{case}`")).collect();
                let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
                write!(formatter, "the policy has no example `{case}`: {known}")
            }
            Misread::Input { message, .. } => formatter.write_str(message),
        }
    }
}

/// What is asked as the tokens and facts of an intent of this type.
///
/// # Errors
/// Everything that cannot be read.
pub fn asked(
    policy: &Policy,
    intent: Option<&IntentType>,
    asked: Asked<'_>,
) -> Result<(Tokens, Facts), Vec<Misread>> {
    let mut tokens = Tokens::new();
    let mut wrong = Vec::new();
    if let Some(case) = asked.case {
        match policy.examples.iter().find(|example| example.case == case) {
            Some(example) => tokens.clone_from(&example.tokens),
            None => {
                let known =
                    policy.examples.iter().take(KNOWN_MAX).map(|example| example.case.clone()).collect();
                wrong.push(Misread::Example { case: case.to_owned(), known });
            }
        }
    }
    match read(policy, asked.inputs) {
        Ok(given) => tokens.extend(given),
        Err(more) => wrong.extend(more),
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut facts = Facts::new();
    for fact in intent.map(IntentType::facts).unwrap_or_default() {
        if let Some(value) = tokens.remove(&fact.name) {
            facts.insert(fact.name.clone(), FactValue::Known(value));
        }
    }
    Ok((tokens, facts))
}

/// The values of a policy's inputs. A dotted name that comes again is that of the next element.
///
/// What is left out has no value: the answer will be unsure and say so.
///
/// # Errors
/// Every input that is wrong.
pub fn read(policy: &Policy, given: &[(String, String)]) -> Result<Tokens, Vec<Misread>> {
    let mut tokens = Tokens::new();
    let mut elements: Vec<BTreeMap<FieldName, TokenValue>> = Vec::new();
    let mut wrong = Vec::new();
    for (index, (name, text)) in given.iter().enumerate() {
        let mut misread = |message: String| wrong.push(Misread::Input { index, message });
        let Some(input) = policy.inputs.iter().find(|input| input.name.as_str() == name) else {
            misread(unknown(policy, name));
            continue;
        };
        let value = match &input.kind {
            FieldType::Text { .. } => Ok(Some(TokenValue::Text(text.clone()))),
            kind @ (FieldType::Number(_)
            | FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. }) => cell::value(text, kind).map(|number| kind.value(number)),
        };
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(why) => {
                misread(format!("`{name}`: {why}"));
                continue;
            }
        };
        let Some(short) = name.split_once('.').and_then(|(_, short)| FieldName::parse(short).ok()) else {
            if tokens.insert(input.name.clone(), value).is_some() {
                misread(format!("`{name}` is given twice"));
            }
            continue;
        };
        match elements.iter_mut().find(|element| !element.contains_key(&short)) {
            Some(element) => drop(element.insert(short, value)),
            None => elements.push(BTreeMap::from([(short, value)])),
        }
    }
    if let Some(list) = policy.list()
        && !elements.is_empty()
    {
        tokens.insert(list.clone(), TokenValue::List(elements));
    }
    if wrong.is_empty() { Ok(tokens) } else { Err(wrong) }
}

fn unknown(policy: &Policy, name: &str) -> String {
    let names: Vec<String> = policy.inputs.iter().map(|input| input.name.to_string()).collect();
    match nearest(name, &names) {
        Some(better) => format!("`{name}` is no input; did you mean `{better}`?"),
        None => format!("`{name}` is no input; the inputs are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::value::Facts;
    use crate::policy::example::try_all;
    use crate::policy::stop::Stop;
    use crate::rulebook::tests::starter_rulebook;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let pair = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split("; ").filter_map(pair).collect()
    }

    #[test]
    fn inputs_are_read_as_the_tables_write_them() {
        let rulebook = starter_rulebook();
        let policy =
            rulebook.policies().find(|policy| policy.intent.as_str() == "discount").expect("it is there");
        let text = "segment=smb; discount_percent=12%; amount=12_000; margin=40%; term_months=12; payment_days=30; \
                    renewal=no";
        let tokens = read(policy, &pairs(text)).expect("they are right");
        assert_eq!(policy.decide(&tokens, &Facts::new()).outcome.to_string(), "manager");
        let wrong = read(policy, &pairs("discount=5%; margin=40; renewal=no; renewal=yes"))
            .expect_err("they are wrong");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(said[1].contains("unit mismatch") && said[2].contains("twice"), "{said:?}");
        assert!(matches!(wrong[2], Misread::Input { index: 3, .. }), "{wrong:?}");
    }

    #[test]
    fn an_example_is_asked_with_changed_inputs_and_facts_are_told_from_tokens() {
        let rulebook = starter_rulebook();
        let policy =
            rulebook.policies().find(|policy| policy.intent.as_str() == "discount").expect("it is there");
        let intent = rulebook.intent_type(&policy.intent);
        let case = policy.examples.first().map(|example| example.case.as_str());
        let inputs = pairs("discount_percent=60%");
        let (tokens, facts) = asked(policy, intent, Asked { case, inputs: &inputs }).expect("it is right");
        let name = |name: &str| FieldName::parse(name).expect("a name");
        let percent = tokens.get(&name("discount_percent")).map(ToString::to_string);
        assert_eq!(percent.as_deref(), Some("60%"));
        let fact = name("segment");
        assert!(facts.contains_key(&fact) && !tokens.contains_key(&fact), "{facts:?}");
        let wrong = asked(policy, intent, Asked { case: Some("none"), inputs: &pairs("discount=5%") });
        let wrong = wrong.expect_err("both are wrong");
        assert!(
            matches!(&wrong[..], [Misread::Example { .. }, Misread::Input { index: 0, .. }]),
            "{wrong:?}"
        );
    }

    #[test]
    fn each_example_says_what_became_of_it() {
        let rulebook = starter_rulebook();
        for policy in rulebook.policies() {
            let tried = try_all(policy, &Stop::never());
            assert_eq!(tried.len(), policy.examples.len());
            assert!(tried.iter().all(|tried| tried.passes && tried.to_string().contains("passes")));
        }
    }
}
