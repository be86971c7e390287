//! Tryton's searches (a domain is a list of clauses) and its choice of fields.

use data_encoding::BASE64URL;
use serde_json::{Map, Value};

/// The clauses of a domain as it stands in a query; `None` if it cannot be read.
pub(super) fn parse(text: Option<&str>) -> Option<Vec<Value>> {
    let Some(text) = text else { return Some(Vec::new()) };
    serde_json::from_slice(&BASE64URL.decode(text.as_bytes()).ok()?).ok()
}

/// Whether a record fits all clauses, each `[field, operator, value]`.
pub(super) fn fits(record: &Value, clauses: &[Value]) -> bool {
    clauses.iter().all(|clause| {
        let value = &record[clause[0].as_str().unwrap_or_default()];
        match clause[1].as_str() {
            Some("=") => *value == clause[2],
            Some("like") => match (value.as_str(), clause[2].as_str()) {
                (Some(text), Some(pattern)) => is_like(text, pattern),
                _ => false,
            },
            _ => false,
        }
    })
}

/// SQL's `LIKE`: `%` is anything, `_` is one letter, a backslash takes the next letter literally.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = letters.as_str();
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| is_like(&text[at..], rest))
        }
        Some(letter) => {
            let (wanted, rest) = match letter {
                '_' => (None, letters.as_str()),
                '\\' => (letters.next(), letters.as_str()),
                other => (Some(other), letters.as_str()),
            };
            let mut given = text.chars();
            match given.next() {
                Some(first) if wanted.is_none_or(|wanted| wanted == first) => is_like(given.as_str(), rest),
                Some(_) | None => false,
            }
        }
    }
}

/// The part of a record that the dotted names ask for, with the ids on the way.
pub(super) fn projected(record: &Value, names: &[&str]) -> Value {
    match record {
        Value::Array(list) => list.iter().map(|element| projected(element, names)).collect(),
        Value::Object(members) if !names.is_empty() => {
            let mut part = Map::new();
            for (name, value) in members {
                let own = names.iter().any(|wanted| wanted == name);
                let below: Vec<&str> = names
                    .iter()
                    .filter_map(|wanted| wanted.strip_prefix(name.as_str())?.strip_prefix('.'))
                    .collect();
                if name == "id" || own || !below.is_empty() {
                    part.insert(name.clone(), projected(value, &below));
                }
            }
            Value::Object(part)
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_are_those_of_sql() {
        for (text, pattern, expected) in [
            ("eff_1 countersign", "eff\\_1 %", true),
            ("effX1 countersign", "eff\\_1 %", false),
            ("effX1 countersign", "eff_1 %", true),
            ("eff_1", "eff\\_1 %", false),
            ("", "", true),
            ("a", "", false),
            ("é%", "_\\%", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} like {pattern}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_answered() {
        let record = json!({"id": 1, "party": 7, "secret": 1,
            "currency": {"id": 3, "code": "USD", "digits": 2}, "lines": [{"id": 2, "a": 1, "b": 2}]});
        assert_eq!(
            projected(&record, &["party", "currency.code", "lines.a"]),
            json!({"id": 1, "party": 7, "currency": {"id": 3, "code": "USD"}, "lines": [{"id": 2, "a": 1}]})
        );
    }
}
