//! Filters: `attribute eq "value"`, several of them joined by `and` (RFC 7644, 3.4.2.2, in part).

use super::error::invalid_filter;
use crate::limits::{SCIM_FILTER_BYTES_MAX, SCIM_FILTER_TERMS_MAX};
use crate::problem::Problem;

/// All of these must hold.
pub(super) type Filter = Vec<Term>;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// The attribute in lower case, without the schema of the resource.
    pub(super) attribute: String,
    /// What it must be.
    pub(super) value: String,
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filter, Problem> {
    if SCIM_FILTER_BYTES_MAX < text.len() {
        return Err(invalid_filter(format!("the filter is longer than {SCIM_FILTER_BYTES_MAX} bytes")));
    }
    let mut words = Words { rest: text };
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut words)?);
        if SCIM_FILTER_TERMS_MAX < terms.len() {
            return Err(invalid_filter(format!("the filter has more than {SCIM_FILTER_TERMS_MAX} terms")));
        }
        match words.word() {
            None => return Ok(terms),
            Some(word) if word.eq_ignore_ascii_case("and") => {}
            Some(word) => return Err(unknown(word)),
        }
    }
}

fn term(words: &mut Words<'_>) -> Result<Term, Problem> {
    let ended = || invalid_filter("the filter ends where a comparison was expected");
    let attribute = words.word().ok_or_else(ended)?;
    let named = attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_.:".contains(&byte));
    if !named {
        return Err(unknown(attribute));
    }
    let eq = words.word().ok_or_else(ended)?;
    if !eq.eq_ignore_ascii_case("eq") {
        return Err(unknown(eq));
    }
    let value = words.value()?;
    let short = attribute.rsplit(':').next().unwrap_or(attribute);
    Ok(Term { attribute: short.to_ascii_lowercase(), value })
}

fn unknown(word: &str) -> Problem {
    let word: String = word.chars().take(60).flat_map(char::escape_debug).collect();
    invalid_filter(format!("`{word}` is not understood in a filter"))
}

/// A filter that is read from left to right.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The next word, up to a blank.
    fn word(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start_matches(' ');
        let end = self.rest.find(' ').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next value: a text in quotes, as JSON has it, or a word such as `true`.
    fn value(&mut self) -> Result<String, Problem> {
        self.rest = self.rest.trim_start_matches(' ');
        if !self.rest.starts_with('"') {
            let word = self.word().ok_or_else(|| invalid_filter("the filter ends before the value"))?;
            let known = ["true", "false", "null"].iter().any(|known| known.eq_ignore_ascii_case(word));
            return if known { Ok(word.to_ascii_lowercase()) } else { Err(unknown(word)) };
        }
        let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let Some(Ok(text)) = texts.next() else {
            return Err(invalid_filter("a text of the filter does not end"));
        };
        let end = texts.byte_offset();
        self.rest = self.rest.get(end..).unwrap_or_default();
        if self.rest.is_empty() || self.rest.starts_with(' ') { Ok(text) } else { Err(unknown(self.rest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_comparisons_joined_by_and() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let terms = parse(text).unwrap_or_else(|problem| panic!("{text}: {}", problem.detail()));
            let found: Vec<(&str, &str)> =
                terms.iter().map(|term| (term.attribute.as_str(), term.value.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("userName eq \"zoe@example.com\"", &[("username", "zoe@example.com")]);
        check("USERNAME Eq \"a b \\\"and\\\" c\"", &[("username", "a b \"and\" c")]);
        check("id eq \"grp_1\" and members eq \"zoe\"", &[("id", "grp_1"), ("members", "zoe")]);
        check("active eq True", &[("active", "true")]);
        check("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"x\"", &[("username", "x")]);
    }

    #[test]
    fn every_other_filter_is_refused() {
        let long = format!("userName eq \"{}\"", "x".repeat(SCIM_FILTER_BYTES_MAX));
        let many = ["a eq \"b\""; SCIM_FILTER_TERMS_MAX + 1].join(" and ");
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName sw \"z\"",
            "userName eq \"z\" or active eq true",
            "userName eq \"z",
            "userName eq \"z\"x",
            "not (userName eq \"z\")",
            "userName pr",
            "userName eq z",
            "userName eq \"z\" and",
            &long,
            &many,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
