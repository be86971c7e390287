//! Inputs as people write them on one line: `discount_percent=12%`, in the spelling of the tables.

use super::Policy;
use super::cell;
use crate::document::did_you_mean;
use crate::id::FieldName;
use crate::intent::IntentType;
use crate::intent::kind::{FieldType, LIST_ELEMENTS_MAX};
use crate::intent::value::{FactValue, Facts, TokenValue, Tokens};
use crate::record::RecordRef;
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
    match read(policy, intent, asked.inputs) {
        Ok(given) => given.into_iter().for_each(|(name, value)| changed(&mut tokens, name, value)),
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

/// Puts a value in the place of another; of a list, what is given for an element.
fn changed(tokens: &mut Tokens, name: FieldName, value: TokenValue) {
    match (tokens.get_mut(&name), value) {
        (Some(TokenValue::List(old)), TokenValue::List(new)) => {
            let most = old.len();
            let (within, beyond) = new.split_at(most.min(new.len()));
            old.iter_mut().zip(within).for_each(|(old, new)| old.extend(new.clone()));
            old.extend(beyond.iter().cloned());
        }
        (_, value) => drop(tokens.insert(name, value)),
    }
}

/// The values of a policy's inputs, and of the other tokens and facts of its intent type where the policy
/// has components, which read what no table does. A dotted name that comes again is that of the next
/// element.
///
/// What is left out has no value: the answer will be unsure and say so.
///
/// # Errors
/// Every input that is wrong.
fn read(
    policy: &Policy,
    intent: Option<&IntentType>,
    given: &[(String, String)],
) -> Result<Tokens, Vec<Misread>> {
    let mut tokens = Tokens::new();
    let mut list = None;
    let mut elements: Vec<BTreeMap<FieldName, TokenValue>> = Vec::new();
    let elements_max = usize::try_from(LIST_ELEMENTS_MAX).unwrap_or(usize::MAX);
    // In how many elements a name has a value; they are the first ones.
    let mut given_in: BTreeMap<FieldName, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (index, (name, text)) in given.iter().enumerate() {
        let mut misread = |message: String| wrong.push(Misread::Input { index, message });
        let input = policy.inputs.iter().find(|input| input.name.as_str() == name).map(|input| &input.kind);
        let field = FieldName::parse(name).ok();
        let beside = || intent.filter(|_| !policy.components.is_empty())?.kind_of(field.as_ref()?);
        let Some((kind, field)) = input.or_else(beside).zip(field.as_ref()) else {
            misread(unknown(policy, name));
            continue;
        };
        let value = match kind {
            FieldType::Text { .. } => Ok(Some(TokenValue::Text(text.clone()))),
            FieldType::Record { kind, .. } => {
                Ok(Some(TokenValue::Record(RecordRef { kind: kind.clone(), id: text.clone() })))
            }
            FieldType::Number(_)
            | FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::List { .. } => cell::value(text, kind).map(|number| kind.value(number)),
        };
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(why) => {
                misread(format!("`{name}`: {why}"));
                continue;
            }
        };
        let parts = name.split_once('.');
        let parts = parts.and_then(|(of, short)| FieldName::parse(of).ok().zip(FieldName::parse(short).ok()));
        let Some((of, short)) = parts else {
            if tokens.insert(field.clone(), value).is_some() {
                misread(format!("`{name}` is given twice"));
            }
            continue;
        };
        list = Some(of);
        let before = given_in.entry(short.clone()).or_default();
        let count = elements.len();
        match elements.get_mut(*before) {
            Some(element) => drop(element.insert(short, value)),
            None if elements_max <= count => {
                misread(format!("`{name}`: a list has at most {LIST_ELEMENTS_MAX} elements"));
                continue;
            }
            None => elements.push(BTreeMap::from([(short, value)])),
        }
        *before = before.saturating_add(1);
    }
    if let Some(list) = list {
        tokens.insert(list, TokenValue::List(elements));
    }
    if wrong.is_empty() { Ok(tokens) } else { Err(wrong) }
}

fn unknown(policy: &Policy, name: &str) -> String {
    let names = policy.inputs.iter().map(|input| input.name.as_str());
    format!("`{name}` is no input; {}", did_you_mean(name, names, "the inputs are"))
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
        let tokens = read(policy, None, &pairs(text)).expect("they are right");
        assert_eq!(policy.decide(&tokens, &Facts::new()).outcome.to_string(), "manager");
        let wrong = read(policy, None, &pairs("discount=5%; margin=40; renewal=no; renewal=yes"))
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
    fn what_only_a_component_reads_can_be_given_too() {
        let rulebook = starter_rulebook();
        let mut policy =
            rulebook.policies().find(|policy| policy.list().is_some()).expect("it is there").clone();
        let intent = rulebook.intent_type(&policy.intent);
        let case = policy.examples.first().map(|example| example.case.clone());
        let inputs = pairs(
            "clause.new_text=Net 30.; contract_id=C-100; clause.topic=data; clause.new_text=Net 60.; reason=law",
        );
        let given = Asked { case: case.as_deref(), inputs: &inputs };
        assert_eq!(asked(&policy, intent, given).expect_err("no table reads them").len(), 4);
        let (id, because) = ("words".into(), "x".into());
        let digest = crate::hash::Digest::ZERO;
        policy.components.push(crate::policy::component::Component { id, digest, because });
        let (tokens, _) = asked(&policy, intent, given).expect("a component may read them");
        let name = |name: &str| FieldName::parse(name).expect("a name");
        assert_eq!(tokens[&name("contract_id")].to_string(), "contract/C-100");
        assert_eq!(tokens[&name("reason")], TokenValue::OneOf("law".to_owned()));
        let TokenValue::List(clauses) = &tokens[&name("clause")] else { panic!("{tokens:?}") };
        // The first one changes the example's clause, which keeps what is not given.
        let fields = |index: usize| clauses[index].keys().map(FieldName::as_str).collect::<Vec<_>>();
        assert_eq!((fields(0), fields(1)), (vec!["new_text", "position", "topic"], vec!["new_text"]));
        assert_eq!(clauses[0][&name("topic")], TokenValue::OneOf("data".to_owned()));
        let many = pairs(&"clause.topic=data; ".repeat(1_001));
        let most = Asked { case: None, inputs: &many[..1_000] };
        let (tokens, _) = asked(&policy, intent, most).expect("a list may have so many");
        assert!(matches!(&tokens[&name("clause")], TokenValue::List(clauses) if clauses.len() == 1_000));
        let wrong = asked(&policy, intent, Asked { case: None, inputs: &many }).expect_err("one more");
        assert!(matches!(&wrong[..], [Misread::Input { index: 1_000, .. }]), "{wrong:?}");
        let wrong = asked(&policy, intent, Asked { case: None, inputs: &pairs("clause=x; new_text=y") });
        assert_eq!(wrong.expect_err("a list is given by its elements").len(), 2);
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
