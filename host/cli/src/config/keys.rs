//! One section of the configuration: its keys are known or refused, its values are typed or named.

use super::problem::Problems;
use countersign_connectors::Cidr;
use countersign_core::time::Millis;
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One table of the file with the environment over it.
pub(super) struct Section<'a> {
    name: String,
    table: Option<&'a DeTable<'a>>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

/// A scalar as text, and where it stands.
struct Found {
    /// What it is called there: the key, or the variable.
    name: String,
    text: String,
    /// Its byte in the file; none if the environment has it.
    place: Option<usize>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        name: &str,
        table: Option<&'a DeTable<'a>>,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Section<'a> {
        Section { name: name.to_owned(), table, environment }
    }

    /// A section below this one; an empty one if the file has none.
    pub(super) fn section(&self, name: &str, problems: &mut Problems) -> Section<'a> {
        let table = match self.value(name).map(|value| (value.span(), value.get_ref())) {
            Some((_, DeValue::Table(table))) => Some(table),
            Some((span, _)) => {
                problems.at(span.start, format!("`{name}` is a section: write `[{name}]`"));
                None
            }
            None => None,
        };
        Section::new(name, table, self.environment)
    }

    /// Refuses every other key, naming the nearest known one.
    pub(super) fn only(&mut self, known: &[&str], problems: &mut Problems) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let written: &str = key.get_ref();
            if known.contains(&written) {
                continue;
            }
            let place = if self.name.is_empty() { String::new() } else { format!(" in `[{}]`", self.name) };
            let nearest = known.iter().map(|known| (distance(written, known), known)).min();
            let help = match nearest {
                Some((steps, nearest)) if steps <= 3 => format!("`{nearest}`"),
                Some(_) | None => format!("one of {}", known.join(", ")),
            };
            problems.add(key.span().start, format!("there is no `{written}`{place}"), Some(help));
        }
    }

    /// Text.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Option<String> {
        self.scalar(key, problems).map(|found| found.text)
    }

    /// Something that reads itself from text.
    pub(super) fn parsed<T: FromStr>(&self, key: &str, what: &str, problems: &mut Problems) -> Option<T> {
        let found = self.scalar(key, problems)?;
        let parsed = found.text.parse().ok();
        if parsed.is_none() {
            problems.at(found.place, format!("`{}`: `{}` is not {what}", found.name, found.text));
        }
        parsed
    }

    /// A number, written as one or as text.
    pub(super) fn number<T: FromStr>(&self, key: &str, what: &str, problems: &mut Problems) -> Option<T> {
        let written = self.value(key);
        match written.map(Spanned::get_ref) {
            Some(DeValue::Integer(number)) if self.variable(key).is_none() => {
                let parsed = number.as_str().parse().ok();
                if parsed.is_none() {
                    let place = written.map(|value| value.span().start);
                    problems.at(place, format!("`{key}`: `{}` is not {what}", number.as_str()));
                }
                parsed
            }
            Some(_) | None => self.parsed(key, what, problems),
        }
    }

    /// The address of a page, without what stands behind it.
    pub(super) fn web_address(&self, key: &str, problems: &mut Problems) -> Option<String> {
        let found = self.scalar(key, problems)?;
        let behind = found.text.strip_prefix("https://").or_else(|| found.text.strip_prefix("http://"));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&byte);
        if behind.is_some_and(|behind| !behind.is_empty() && behind.bytes().all(plain)) {
            return Some(found.text.trim_end_matches('/').to_owned());
        }
        let message = format!("`{}`: `{}` is no address", found.name, found.text.escape_debug());
        problems.add(found.place, message, Some("`https://countersign.example.com`".to_owned()));
        None
    }

    /// A length of time with its unit: `500ms`, `10s`, `5m`, `2h`.
    pub(super) fn duration(&self, key: &str, problems: &mut Problems) -> Option<Millis> {
        let found = self.scalar(key, problems)?;
        let digits = found.text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(found.text.len());
        let (number, unit) = found.text.split_at(digits);
        let length = number.parse::<u64>().ok().and_then(|number| match unit {
            "ms" => Some(Millis(number)),
            "s" => Some(Millis::seconds(number)),
            "m" => Some(Millis::minutes(number)),
            "h" => Some(Millis::hours(number)),
            _ => None,
        });
        if length.is_none() {
            let message = format!("`{}`: `{}` is not a length of time with a unit", found.name, found.text);
            problems.add(found.place, message, Some("`10s`, `500ms`, `5m` or `2h`".to_owned()));
        }
        length
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let found = self.scalar(key, problems)?;
        let value = words.iter().find(|(word, _)| *word == found.text).map(|(_, value)| *value);
        if value.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            problems
                .at(found.place, format!("`{}`: `{}` is none of {}", found.name, found.text, all.join(", ")));
        }
        value
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        if let Some((name, text)) = self.variable(key) {
            let value = text.parse().ok();
            if value.is_none() {
                problems.at(None, format!("`{name}`: `{text}` is neither true nor false"));
            }
            return value;
        }
        let value = self.value(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        problems.at(value.span().start, format!("`{key}` is true or false, without quotes"));
        None
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, problems: &mut Problems) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            problems.at(value.span().start, format!("`{key}` is a list: write `{key} = [\"...\"]`"));
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(text.to_string()),
                _ => problems.at(item.span().start, format!("`{key}` holds texts only")),
            }
        }
        Some(texts)
    }

    /// Address ranges; `place` is where a wrong one is said.
    pub(super) fn ranges(&self, key: &str, place: usize, problems: &mut Problems) -> Vec<Cidr> {
        let mut ranges = Vec::new();
        for text in self.texts(key, problems).unwrap_or_default() {
            match Cidr::parse(&text) {
                Some(range) => ranges.push(range),
                None => problems.at(place, format!("`{text}` is no address range such as `127.0.0.0/8`")),
            }
        }
        ranges
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    /// The variable of the environment that stands for a key, and what it holds.
    fn variable(&self, key: &str) -> Option<(String, String)> {
        let variable = format!("COUNTERSIGN__{}__{key}", self.name).replace('-', "_").to_uppercase();
        (self.environment)(&variable).map(|text| (variable, text))
    }

    /// A text of the file, or of the environment, which goes before.
    fn scalar(&self, key: &str, problems: &mut Problems) -> Option<Found> {
        if let Some((name, text)) = self.variable(key) {
            return Some(Found { name, text, place: None });
        }
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => {
                let place = Some(value.span().start);
                Some(Found { name: key.to_owned(), text: text.to_string(), place })
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                problems.at(value.span().start, format!("`{key}` is a text: write `{key} = \"...\"`"));
                None
            }
        }
    }
}

/// Levenshtein distance: how many letters must change to get from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = number + 1;
        for (place, wanted) in other.chars().enumerate() {
            let change = corner + usize::from(letter != wanted);
            corner = row[place + 1];
            row[place + 1] = change.min(corner + 1).min(row[place] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
