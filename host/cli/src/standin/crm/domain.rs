//! Tryton's searches (a domain is a list of clauses) and its choice of fields.

use data_encoding::BASE64URL;
use serde_json::{Map, Value};

/// The clauses of a domain as it stands in a query; `None` if it cannot be read.
pub(super) fn parse(text: Option<&str>) -> Option<Vec<Value>> {
    let Some(text) = text else { return Some(Vec::new()) };
    serde_json::from_slice(&BASE64URL.decode(text.as_bytes()).ok()?).ok()
}

/// Whether a record fits all clauses, each `[field, operator, value]`; or one of them, where the first says `OR`.
pub(super) fn fits(record: &Value, clauses: &[Value]) -> bool {
    match clauses.split_first() {
        Some((Value::String(word), rest)) if word == "OR" => {
            rest.iter().any(|clause| fits_one(record, clause))
        }
        Some(_) | None => clauses.iter().all(|clause| fits_one(record, clause)),
    }
}

fn fits_one(record: &Value, clause: &Value) -> bool {
    let field = clause[0].as_str().unwrap_or_default();
    // A list of records fits if one of them does.
    if let Some((list, field)) = field.split_once('.') {
        let below = record[list].as_array().map(Vec::as_slice).unwrap_or_default();
        let clause = Value::from(vec![field.into(), clause[1].clone(), clause[2].clone()]);
        return below.iter().any(|record| fits_one(record, &clause));
    }
    let value = &record[field];
    match clause[1].as_str() {
        Some("=") => *value == clause[2],
        Some(">") => match (moment(value), clause[2].as_str()) {
            (Some(at), Some(than)) => than < at.as_str(),
            _ => false,
        },
        Some("like") => match (value.as_str(), clause[2].as_str()) {
            (Some(text), Some(pattern)) => is_like(text, pattern),
            _ => false,
        },
        _ => false,
    }
}

/// A moment, as a domain has it.
fn moment(value: &Value) -> Option<String> {
    let part = |name: &str| value[name].as_u64();
    let (year, month, day) = (part("year")?, part("month")?, part("day")?);
    let (hour, minute, second) = (part("hour")?, part("minute")?, part("second")?);
    let micros = part("microsecond")?;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}"))
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
    fn what_was_written_later_is_found_by_itself_or_by_its_lines() {
        let at = |microsecond: u32| {
            json!({"__class__": "datetime", "year": 2026, "month": 9, "day": 21, "hour": 14, "minute": 13,
                "second": 20, "microsecond": microsecond})
        };
        let record = json!({"write_date": null, "create_date": at(5), "lines": [{"write_date": at(9)}]});
        let later = |micros: u32| {
            let than = format!("2026-09-21T14:13:20.{micros:06}");
            let clauses =
                ["write_date", "create_date", "lines.write_date"].map(|field| json!([field, ">", than]));
            std::iter::once(json!("OR")).chain(clauses).collect::<Vec<Value>>()
        };
        assert!(fits(&record, &later(4)) && fits(&record, &later(8)));
        assert!(!fits(&record, &later(9)));
        assert!(!fits(&record, &[json!(["write_date", ">", "2026-09-21T14:13:20.000000"])]));
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
