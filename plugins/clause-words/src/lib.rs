//! A policy component: reads the new text of every redlined clause, and asks for counsel where it
//! holds words that a table cannot see.
//!
//! Tables compare values; they cannot search in a text. This is all that it takes to search.

use serde_json::Value;

/// What it looks for, all in lower case, and why that matters.
const WORDS: &[(&str, &str)] = &[
    ("unlimited liability", "accepts liability without a cap"),
    ("indemnify and hold harmless", "takes on an indemnity"),
    ("most favoured", "promises the best price of all customers"),
    ("most favored", "promises the best price of all customers"),
    ("perpetual", "grants something for ever"),
    ("irrevocable", "grants something that cannot be taken back"),
];
/// Who must decide then: a route of the policy.
pub const ROUTE: &str = "counsel";
/// What it looks at.
pub const READS: &str = "clause.new_text";

/// One reason to ask for more people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Clause and word, such as `C-7.2 perpetual`.
    pub id: String,
    /// The reason in words that people read.
    pub because: String,
}

/// The reasons in one intent, given as the canonical JSON of its tokens.
///
/// # Errors
/// If the intent has no list of clauses with texts: better unsure than silent.
pub fn reasons(intent: &str) -> Result<Vec<Reason>, String> {
    let tokens: Value =
        serde_json::from_str(intent).map_err(|error| format!("the intent is no JSON: {error}"))?;
    let clauses = tokens.pointer("/clause/list").and_then(Value::as_array);
    let clauses = clauses.ok_or("the intent has no list `clause`")?;
    let mut reasons = Vec::new();
    for (number, clause) in (1..).zip(clauses) {
        let text = clause.pointer("/new_text/text").and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("clause {number} has no `new_text`"))?;
        // One blank between words, so that a line break hides nothing.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let id = clause.pointer("/contract_clause_id/record/id").and_then(Value::as_str);
        let name = id.map_or_else(|| format!("clause {number}"), str::to_owned);
        for (word, why) in WORDS.iter().filter(|(word, _)| text.contains(word)) {
            reasons
                .push(Reason { id: format!("{name} {word}"), because: format!("{name} {why} (\"{word}\")") });
        }
    }
    Ok(reasons)
}

#[cfg(target_arch = "wasm32")]
mod guest {
    //! The exports of the contract.
    #![expect(unsafe_code, reason = "the canonical ABI passes raw pointers; all of it is generated")]

    use super::{READS, ROUTE, reasons};
    use exports::countersign::policy::contributor::{Contribution, Guest, Outcome};

    wit_bindgen::generate!({ path: "../../wit/policy@0.1.0", world: "policy" });

    struct ClauseWords;

    impl Guest for ClauseWords {
        fn contribute(intent: String, _facts: String) -> Result<Vec<Contribution>, String> {
            let added = reasons(&intent)?.into_iter().map(|reason| Contribution {
                id: reason.id,
                outcome: Outcome::Needs(vec![ROUTE.to_owned()]),
                because: reason.because,
                reads: vec![READS.to_owned()],
            });
            Ok(added.collect())
        }
    }

    export!(ClauseWords);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(texts: &[&str]) -> String {
        let clause = |text: &&str| serde_json::json!({ "new_text": { "text": text } });
        let clauses: Vec<Value> = texts.iter().map(clause).collect();
        serde_json::json!({ "clause": { "list": clauses } }).to_string()
    }

    #[test]
    fn a_word_is_found_across_lines_and_in_any_case() {
        let found =
            reasons(&intent(&["Net 30.", "Supplier accepts Unlimited\n  LIABILITY."])).expect("it reads");
        let expected = Reason {
            id: "clause 2 unlimited liability".to_owned(),
            because: "clause 2 accepts liability without a cap (\"unlimited liability\")".to_owned(),
        };
        assert_eq!(found, [expected]);
        assert_eq!(reasons(&intent(&["Net 30."])), Ok(Vec::new()));
    }

    #[test]
    fn what_it_cannot_read_is_an_error_and_never_silence() {
        assert!(reasons("{}").is_err());
        assert!(reasons("not JSON").is_err());
        assert!(reasons(r#"{"clause":{"list":[{}]}}"#).is_err());
    }
}
