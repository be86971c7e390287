//! What to write instead: the known word that was probably meant, the day that a slip probably names.

use super::{Wrong, listed};
use crate::intent::value::Day;

/// Most letters in which a misspelt word may differ from the one that is proposed for it.
const LETTERS_MAX: usize = 2;
/// Most known words that a misspelt one is compared with: a table that is wrong in each row is answered all the same.
const KNOWN_COMPARED_MAX: usize = 256;

/// The known word that differs least from a misspelt one; nothing if none is near.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = |word: &&str| word.len().abs_diff(wrong.len()) <= LETTERS_MAX;
    let known = known.into_iter().take(KNOWN_COMPARED_MAX).filter(close);
    let best = known.map(|word| (distance(wrong, word), word)).min()?;
    (best.0 <= LETTERS_MAX && best.0 < wrong.len()).then_some(best.1)
}

/// The known word that was probably meant; where none is near, those that are known behind `intro`: `the inputs are`.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>, intro: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(word) = nearest(wrong, known.iter().copied()) {
        return format!("did you mean `{word}`?");
    }
    format!("{intro} {}", listed(known))
}

/// One of several: `a`, `b` or `c`.
pub(crate) fn any_of(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// How many letters must be added, dropped or changed.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.bytes().enumerate() {
        let mut before = index;
        let mut next = vec![index.saturating_add(1)];
        for (above, own) in row.iter().skip(1).zip(other.bytes()) {
            let left = next.last().copied().unwrap_or(0);
            let changed = before.saturating_add(usize::from(letter != own));
            next.push(changed.min(left.saturating_add(1)).min(above.saturating_add(1)));
            before = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Reads the day of a cell.
///
/// # Errors
/// That it is none, and what to write.
pub(crate) fn day(text: &str) -> Result<Day, Wrong> {
    Day::parse(text).ok_or_else(|| Wrong::advised(format!("`{text}` is no date"), day_advice(text)))
}

/// What to write instead of something that is no date: the days that it can mean, `31.01.2026`, `1/31/2026`.
pub(crate) fn day_advice(text: &str) -> String {
    let parts: Vec<&str> = text.split(['.', '/', '-']).collect();
    let read = |year: &str, month: &str, day: &str| {
        (year.len() == 4).then(|| Day::parse(&format!("{year}-{month:0>2}-{day:0>2}"))).flatten()
    };
    let days: Vec<Day> = match parts.as_slice() {
        [first, second, third] if first.len() == 4 => read(first, second, third).into_iter().collect(),
        // With dots the day stands first; with anything else nobody knows.
        [first, second, third] if text.contains('.') => read(third, second, first).into_iter().collect(),
        [first, second, third] => {
            let mut days: Vec<Day> =
                [read(third, first, second), read(third, second, first)].into_iter().flatten().collect();
            days.dedup();
            days
        }
        _ => Vec::new(),
    };
    match days.is_empty() {
        true => "write year, month and day, such as `2026-01-31`".to_owned(),
        false => format!("write {}", any_of(days.iter().map(ToString::to_string))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_said_and_else_what_is_known() {
        let check = |wrong: &str, expected: &str| {
            assert_eq!(did_you_mean(wrong, ["margin", "amount", "age"], "the inputs are"), expected);
        };
        check("margni", "did you mean `margin`?");
        check("amounts", "did you mean `amount`?");
        check("price", "the inputs are margin, amount, age");
        // Two letters of two make any word out of it.
        check("xy", "the inputs are margin, amount, age");
        let many: Vec<String> = (0..25).map(|index| format!("word-{index}-of-many")).collect();
        let listed = did_you_mean("price", many.iter().map(String::as_str), "known are");
        assert!(listed.ends_with("word-19-of-many and 5 more"), "{listed}");
    }

    #[test]
    fn a_word_is_near_up_to_two_letters_and_a_text_of_any_length_is_compared_with_none() {
        let check = |wrong: &str, expected: Option<&str>| {
            assert_eq!(nearest(wrong, ["smb", "enterprise"]), expected, "{}", wrong.len());
        };
        check("smbs", Some("smb"));
        check("enterpr", None);
        check("enterpri", Some("enterprise"));
        check("enterprises_", Some("enterprise"));
        check("enterprises__", None);
        check("xx", None);
        check(&"enterprise".repeat(10_000_000), None);
    }

    #[test]
    fn a_day_in_another_spelling_is_understood_where_it_can_be() {
        let check = |text: &str, expected: &str| assert_eq!(day_advice(text), expected, "{text}");
        check("31.01.2026", "write `2026-01-31`");
        check("1.2.2026", "write `2026-02-01`");
        check("2026/1/31", "write `2026-01-31`");
        check("1/31/2026", "write `2026-01-31`");
        check("1/2/2026", "write `2026-01-02` or `2026-02-01`");
        check("2/2/2026", "write `2026-02-02`");
        check("31.02.2026", "write year, month and day, such as `2026-01-31`");
        check("soon", "write year, month and day, such as `2026-01-31`");
    }
}
