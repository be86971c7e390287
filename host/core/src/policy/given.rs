//! Inputs as people write them on one line: `discount_percent=12%`, in the spelling of the tables.

use super::Policy;
use super::cell::{self, nearest};
use crate::id::FieldName;
use crate::intent::kind::FieldType;
use crate::intent::value::{TokenValue, Tokens};
use std::collections::BTreeMap;

/// The values of a policy's inputs. A dotted name that comes again is that of the next element.
///
/// What is left out has no value: the answer will be unsure and say so.
///
/// # Errors
/// Everything that is wrong, one line each.
pub fn read(policy: &Policy, given: &[(String, String)]) -> Result<Tokens, Vec<String>> {
    let mut tokens = Tokens::new();
    let mut elements: Vec<BTreeMap<FieldName, TokenValue>> = Vec::new();
    let mut wrong = Vec::new();
    for (name, text) in given {
        let Some(input) = policy.inputs.iter().find(|input| input.name.as_str() == name) else {
            wrong.push(unknown(policy, name));
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
                wrong.push(format!("`{name}`: {why}"));
                continue;
            }
        };
        let Some(short) = name.split_once('.').and_then(|(_, short)| FieldName::parse(short).ok()) else {
            if tokens.insert(input.name.clone(), value).is_some() {
                wrong.push(format!("`{name}` is given twice"));
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
        assert!(wrong[1].contains("unit mismatch") && wrong[2].contains("twice"), "{wrong:?}");
    }

    #[test]
    fn each_example_says_what_became_of_it() {
        let rulebook = starter_rulebook();
        for policy in rulebook.policies() {
            let tried = try_all(policy);
            assert_eq!(tried.len(), policy.examples.len());
            assert!(tried.iter().all(|tried| tried.passes && tried.to_string().contains("passes")));
        }
    }
}
