//! The canonical document of a contract, and how a redline makes the next version of it.
//!
//! Pure: no request is made here. A version is a function of the present document, the redline
//! and the effect, so that every attempt at one effect writes the same bytes.

use countersign_sdk::{Failure, Field, Money, RecordRef, Snapshot, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What an operation may say of the approval behind a version. Each is kept in the history, word
/// for word.
pub(crate) const APPROVAL_FIELDS: [&str; 5] =
    ["intent_id", "decision", "approvers", "policy_version", "seal"];

/// Longest wording that is told word for word, in bytes of JSON; the host takes values of 256 KiB.
const WORDING_BYTES_MAX: usize = 200 * 1024;

/// The topic of a clause that nobody has sorted.
const TOPIC_UNSORTED: &str = "other";

/// The one true text of a contract, with the changes that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contract {
    /// Its id, such as `C-100`.
    pub contract_id: String,
    /// What it is worth.
    pub value: Worth,
    /// Whose paper it is: `ours` or `theirs`.
    pub paper: String,
    /// Counted from 1; one more for each accepted redline.
    pub version: i64,
    /// The clauses in order.
    pub clauses: Vec<Clause>,
    /// Every accepted change, oldest first.
    #[serde(default)]
    pub history: Vec<Accepted>,
    /// What the repository's owner keeps beside it; kept as it is.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// An amount as the document writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Worth {
    /// Decimal text in the major unit.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// One clause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clause {
    /// Its number, such as `7.2`.
    pub id: String,
    /// What it is about, such as `liability`.
    pub topic: String,
    /// Its words.
    pub text: String,
    /// What the repository's owner keeps beside it; kept as it is.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One accepted change of one clause: what, by whom, and through which approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// The version that it led to.
    pub version: i64,
    /// The effect that wrote it; this is how a probe finds it.
    pub effect_id: String,
    /// The clause.
    pub clause_id: String,
    /// Hash of the words before; of no words for a new clause.
    pub old_text_sha256: String,
    /// Hash of the words after; of no words for a deletion.
    pub new_text_sha256: String,
    /// Who made the change, on either side.
    pub author: String,
    /// Who accepted it and on what ground, as far as the operation was told.
    #[serde(default)]
    pub approval: BTreeMap<String, String>,
}

/// One change that a redline asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Redline {
    contract_clause_id: ClauseId,
    old_text_sha256: String,
    new_text: String,
    author: String,
}

/// A clause is named by its record (`C-100/7.2`) or by its number in the contract (`7.2`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum ClauseId {
    Text(String),
    Record { id: String },
}

impl Redline {
    /// Reads the list that the input `clauses` carries.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing, empty or of another shape.
    pub(crate) fn list(input: &Value) -> Result<Vec<Redline>, Failure> {
        let refused = |why: String| {
            Failure::rejected("bad-input", format!("the field `clauses` must be a list of changes: {why}"))
                .naming("clauses")
        };
        let Value::Json(text) = input else {
            return Err(refused(format!("it is {}", input.case())));
        };
        let changes: Vec<Redline> = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        if changes.is_empty() {
            return Err(refused("it is empty".to_owned()));
        }
        Ok(changes)
    }

    /// The clause's number in `contract`.
    fn clause_id(&self, contract: &Contract) -> Result<&str, Failure> {
        let named = match &self.contract_clause_id {
            ClauseId::Text(text) | ClauseId::Record { id: text } => text,
        };
        match named.rsplit_once('/') {
            None => Ok(named),
            Some((of, number)) if of == contract.contract_id => Ok(number),
            Some(_) => Err(Failure::rejected(
                "other-contract",
                format!("the clause `{named}` is none of the contract `{}`", contract.contract_id),
            )
            .naming("clauses")),
        }
    }
}

impl Contract {
    /// The clause with that number.
    #[must_use]
    pub(crate) fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == id)
    }

    /// Whether the effect has led to this document.
    #[must_use]
    pub(crate) fn holds(&self, effect_id: &str) -> bool {
        self.history.iter().any(|accepted| accepted.effect_id == effect_id)
    }

    /// Whether every changed clause already reads as the redline wants it.
    ///
    /// # Errors
    /// `rejected` for a clause of another contract.
    pub(crate) fn reads_as(&self, redlines: &[Redline]) -> Result<bool, Failure> {
        for redline in redlines {
            let text = self.clause(redline.clause_id(self)?).map_or("", |clause| &clause.text);
            if text != redline.new_text {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The next version: every change in order, each recorded with its author, the effect and
    /// the approval.
    ///
    /// A change of a clause that is not there, with the hash of no words, adds the clause at the
    /// end; a change to no words takes the clause away.
    ///
    /// # Errors
    /// `conflict` when a clause no longer reads as the redline says.
    pub(crate) fn after(
        &self,
        redlines: &[Redline],
        effect_id: &str,
        approval: &BTreeMap<String, String>,
    ) -> Result<Contract, Failure> {
        let mut next = self.clone();
        next.version = self
            .version
            .checked_add(1)
            .ok_or_else(|| Failure::rejected("bad-document", "the contract's version is out of range"))?;
        for redline in redlines {
            let clause_id = redline.clause_id(self)?.to_owned();
            let found = next.clauses.iter().position(|clause| clause.id == clause_id);
            let now = found.and_then(|at| next.clauses.get(at)).map_or("", |clause| &clause.text);
            let old_text_sha256 = sha256(now);
            if !old_text_sha256.eq_ignore_ascii_case(&redline.old_text_sha256) {
                return Err(Failure::conflict(
                    "text-moved",
                    format!(
                        "the clause `{clause_id}` of the contract `{}` no longer reads as the redline says",
                        self.contract_id
                    ),
                ));
            }
            next.rewrite(found, &clause_id, &redline.new_text);
            next.history.push(Accepted {
                version: next.version,
                effect_id: effect_id.to_owned(),
                clause_id,
                old_text_sha256,
                new_text_sha256: sha256(&redline.new_text),
                author: redline.author.clone(),
                approval: approval.clone(),
            });
        }
        Ok(next)
    }

    fn rewrite(&mut self, found: Option<usize>, id: &str, text: &str) {
        match found {
            Some(at) if text.is_empty() => {
                self.clauses.remove(at);
            }
            Some(at) => {
                if let Some(clause) = self.clauses.get_mut(at) {
                    text.clone_into(&mut clause.text);
                }
            }
            None => self.clauses.push(Clause {
                id: id.to_owned(),
                topic: TOPIC_UNSORTED.to_owned(),
                text: text.to_owned(),
                other: BTreeMap::new(),
            }),
        }
    }

    /// All clauses as one value, in order: number and words. A contract whose words are too many
    /// for one value is told by their hashes; each document is told in one way only, so that equal
    /// documents stay equal values.
    ///
    /// # Errors
    /// None that a document can cause.
    pub(crate) fn wording(&self) -> Result<Value, Failure> {
        let words = |clause: &Clause| serde_json::json!({"clause_id": clause.id, "text": clause.text});
        let hashes = |clause: &Clause| serde_json::json!({"clause_id": clause.id, "text_sha256": sha256(&clause.text)});
        let plain = Value::json(&self.clauses.iter().map(words).collect::<Vec<_>>())?;
        match plain {
            Value::Json(text) if text.len() > WORDING_BYTES_MAX => {
                Value::json(&self.clauses.iter().map(hashes).collect::<Vec<_>>())
            }
            other => Ok(other),
        }
    }

    /// The contract as the host sees it.
    ///
    /// # Errors
    /// None that a document can cause.
    pub(crate) fn snapshot(&self, revision: &str) -> Result<Snapshot, Failure> {
        let mut fields = vec![
            Field::new("value", Value::Money(Money::new(&self.value.amount, &self.value.currency))),
            Field::new("paper", Value::text_or_absent(Some(&*self.paper))),
            Field::new("version", Value::Integer(self.version)),
            Field::new("clauses", self.wording()?),
        ];
        let last = self.history.last();
        for name in APPROVAL_FIELDS {
            let word = last.and_then(|accepted| accepted.approval.get(name));
            fields.push(Field::new(name, Value::text_or_absent(word.map(String::as_str))));
        }
        Ok(Snapshot {
            subject: RecordRef::new("contract", &self.contract_id),
            revision: Some(revision.to_owned()),
            url: None,
            fields,
        })
    }
}

/// How a redline names words: SHA-256 of their UTF-8, in lower-case hexadecimal.
#[must_use]
pub(crate) fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        let text = serde_json::json!({
            "contract_id": "C-100", "title": "Master agreement",
            "value": {"amount": "80000.00", "currency": "USD"}, "paper": "ours", "version": 3,
            "clauses": [
                {"id": "7.1", "topic": "payment", "text": "Net 30.", "heading": "Payment"},
                {"id": "7.2", "topic": "liability", "text": "Capped."},
            ],
        });
        serde_json::from_value(text).expect("a contract")
    }

    fn redlines(list: &[(&str, &str, &str)]) -> Vec<Redline> {
        let list: Vec<_> = list
            .iter()
            .map(|(clause, old, new)| {
                serde_json::json!({"contract_clause_id": clause, "old_text_sha256": sha256(old),
                    "new_text": new, "author": "counterparty"})
            })
            .collect();
        Redline::list(&Value::json(&list).expect("JSON")).expect("a list of changes")
    }

    #[test]
    fn a_redline_makes_the_next_version_and_keeps_what_it_does_not_know() {
        let approval = BTreeMap::from([("seal".to_owned(), "abc".to_owned())]);
        let changes =
            redlines(&[("C-100/7.2", "Capped.", "Capped at fees."), ("7.2", "Capped at fees.", "Cap.")]);
        let next = contract().after(&changes, "eff_1", &approval).expect("it fits");
        assert_eq!(next.version, 4);
        assert_eq!(next.clause("7.2").map(|clause| clause.text.as_str()), Some("Cap."));
        assert_eq!(next.other.get("title"), Some(&serde_json::json!("Master agreement")));
        assert_eq!(
            next.clauses.first().and_then(|c| c.other.get("heading")),
            Some(&serde_json::json!("Payment"))
        );
        assert_eq!(next.history.len(), 2);
        assert_eq!(next.history[1].approval, approval);
        assert!(next.holds("eff_1") && !contract().holds("eff_1"));
    }

    #[test]
    fn a_clause_is_added_by_the_hash_of_no_words_and_deleted_by_no_words() {
        let next = contract()
            .after(&redlines(&[("9.1", "", "New."), ("7.1", "Net 30.", "")]), "eff_1", &BTreeMap::new())
            .expect("it fits");
        let ids: Vec<&str> = next.clauses.iter().map(|clause| clause.id.as_str()).collect();
        assert_eq!(ids, ["7.2", "9.1"]);
    }

    #[test]
    fn another_text_in_the_contract_is_a_conflict() {
        let failure = contract()
            .after(&redlines(&[("7.2", "Uncapped.", "Cap.")]), "eff_1", &BTreeMap::new())
            .expect_err("the text is another");
        assert_eq!(
            failure.to_string(),
            "conflict (text-moved): the clause `7.2` of the contract `C-100` no longer reads as the redline says"
        );
    }

    #[test]
    fn a_wording_that_is_too_long_is_told_by_its_hashes() {
        let mut long = contract();
        long.clauses[0].text = "x".repeat(WORDING_BYTES_MAX);
        let Ok(Value::Json(text)) = long.wording() else { panic!("nested data") };
        assert!(text.len() < 1_000 && text.contains(&sha256("Capped.")) && !text.contains("xxx"));
    }

    #[test]
    fn a_clause_of_another_contract_is_refused() {
        let failure = contract()
            .after(&redlines(&[("C-101/7.2", "Capped.", "Cap.")]), "eff_1", &BTreeMap::new())
            .expect_err("another contract");
        assert_eq!(failure.code(), "other-contract");
    }

    #[test]
    fn a_list_of_another_shape_is_refused_by_name() {
        for value in
            [Value::Absent, Value::Text("x".into()), Value::Json("[]".into()), Value::Json("[1]".into())]
        {
            let failure = Redline::list(&value).expect_err("no list of changes");
            assert!(
                matches!(failure, Failure::Rejected { ref fields, .. } if fields == &["clauses"]),
                "{failure}"
            );
        }
    }

    #[test]
    fn a_clause_may_be_named_by_a_record() {
        let list = serde_json::json!([{"contract_clause_id": {"kind": "clause", "id": "C-100/7.2"},
            "old_text_sha256": sha256("Capped."), "new_text": "Cap.", "author": "us"}]);
        let list = Redline::list(&Value::json(&list).expect("JSON")).expect("a list");
        assert!(contract().after(&list, "eff_1", &BTreeMap::new()).is_ok());
    }
}
