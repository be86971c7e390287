//! What to write instead of an expression that is wrong: slips that people make, each tried until one reads.

use super::Scope;
use crate::document::Wrong;
use crate::intent::value::Percent;

/// Longest expression that is written anew; nobody reads a longer one.
const ADVISED_BYTES_MAX: usize = 1_000;
/// Most brackets that are closed at the end of an expression.
const BRACKETS_MAX: usize = 3;

/// Steps to which a value is rounded that left its grid.
const STEPS: [&str; 3] = ["0.01", "0.01%", "1"];

/// Signs of other languages, and ours.
const SIGNS: [(&str, &str); 8] = [
    ("==", "="),
    ("=<", "<="),
    ("=>", ">="),
    ("<>", "!="),
    ("&&", "and"),
    ("||", "or"),
    (" & ", " and "),
    (" | ", " or "),
];

/// The same with what to write instead, if one of the usual slips explains it. `reads` says whether a text is right.
pub(super) fn advised(wrong: Wrong, text: &str, scope: Scope<'_>, reads: impl Fn(&str) -> bool) -> Wrong {
    if wrong.help.is_some() || ADVISED_BYTES_MAX < text.len() {
        return wrong;
    }
    let at = text.char_indices().nth(wrong.at).map_or(text.len(), |(index, _)| index);
    let found = currency(text).filter(|(better, _)| reads(better)).map(|(better, code)| {
        format!("write `{better}`; an amount in {code} comes in by a fact that converts it")
    });
    let help = found.or_else(|| {
        let mut candidates = whole(text).into_iter().chain(inside(text, at, scope));
        candidates.find(|better| better != text && reads(better)).map(|better| format!("write `{better}`"))
    });
    let divides = text.get(at..).is_some_and(|rest| rest.starts_with('/'));
    let division = divides.then(|| "division stands only inside `round(x / y, STEP)`".to_owned());
    Wrong { help: help.or(division), ..wrong }
}

/// Other spellings of the whole expression.
fn whole(text: &str) -> Vec<String> {
    let mut all = vec![SIGNS.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))];
    all.extend((1..=BRACKETS_MAX).map(|count| format!("{text}{}", ")".repeat(count))));
    all.push(text.to_ascii_lowercase());
    for sign in ["*", "-"] {
        all.push(text.replace(sign, &format!(" {sign} ")).replace("  ", " "));
    }
    all.push(text.replace(',', "_"));
    all.extend(STEPS.iter().map(|step| format!("round({text}, {step})")));
    all
}

/// Other spellings of what stands at the place that is wrong.
fn inside(text: &str, at: usize, scope: Scope<'_>) -> Vec<String> {
    let (Some(before), Some(rest)) = (text.get(..at), text.get(at..)) else { return Vec::new() };
    let put =
        |length: usize, better: &str| rest.get(length..).map(|behind| format!("{before}{better}{behind}"));
    let word = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)).count();
    let own = rest.get(..word).unwrap_or_default();
    let mut all = Vec::new();
    if own.bytes().next().is_some_and(|first| first.is_ascii_digit()) {
        // 0.15 was meant as 15 %.
        let fraction = Percent::parse(&format!("{own}%")).filter(|percent| percent.0.abs() < 10_000);
        let fraction = fraction.and_then(|percent| percent.0.checked_mul(100)).map(Percent);
        all.extend(fraction.and_then(|percent| put(word, &percent.to_string())));
        all.extend(put(word, &format!("{own}%")));
    } else if word > 0 {
        all.extend(put(word, &format!("\"{own}\"")));
    }
    let operand = reach(rest, "<>=!),");
    let inner = rest.get(..operand).unwrap_or_default();
    for step in STEPS {
        all.extend(put(operand, &format!("round({inner}, {step})")));
    }
    // A list is only asked as a whole.
    if scope.folds {
        let condition = reach(rest, ")");
        let inner = rest.get(..condition).unwrap_or_default();
        all.extend(put(condition, &format!("any({inner})")));
    }
    all
}

/// How far the part reaches that a text begins with: to one of the signs or a connective outside of its own brackets.
fn reach(text: &str, signs: &str) -> usize {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        let rest = text.get(index..).unwrap_or_default();
        let ends =
            signs.contains(character) || [" and ", " or ", " in "].iter().any(|word| rest.starts_with(word));
        if depth == 0 && ends {
            return text.get(..index).unwrap_or_default().trim_end().len();
        }
        match character {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.trim_end().len()
}

/// The same without a currency behind a number, and which that was.
fn currency(text: &str) -> Option<(String, &str)> {
    let is_code = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let code = text.split([' ', ')', ',']).find(is_code)?;
    Some((text.replace(&format!(" {code}"), ""), code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::literal::parse_type;
    use crate::policy::typed::{Expression, Input};

    #[test]
    fn a_slip_in_an_expression_is_answered_with_one_that_reads() {
        let inputs: Vec<Input> = [
            ("amount", "money USD 0 .. 1_000"),
            ("rate", "percent 0% .. 60%"),
            ("kind", "one of small, large"),
            ("word", "text"),
            ("ok", "yes/no"),
            ("item.size", "count 0 .. 9"),
        ]
        .iter()
        .map(|(name, kind)| Input {
            name: name.parse().expect("it is a name"),
            kind: parse_type(kind).expect("it is a type"),
        })
        .collect();
        let scope = Scope { inputs: &inputs, terms: &[], in_element: false, folds: true, broken: &[] };
        let check = |text: &str, expected: &str| {
            let wrong = Expression::condition(text, scope).expect_err(text);
            assert_eq!(wrong.help.as_deref(), Some(expected), "{text}: {}", wrong.message);
        };
        check("rate > 25", "write `rate > 25%`");
        check("rate > 0.25", "write `rate > 25%`");
        check("amount == 3", "write `amount = 3`");
        check("amount => 3", "write `amount >= 3`");
        check("amount == 3 && ok", "write `amount = 3 and ok`");
        check("ok && amount > 3", "write `ok and amount > 3`");
        check("amount > 1,000", "write `amount > 1_000`");
        check("(ok or (amount > 3", "write `(ok or (amount > 3))`");
        check("amount *2 > 3", "write `amount * 2 > 3`");
        check("OK AND amount > 3", "write `ok and amount > 3`");
        check("word = hello", "write `word = \"hello\"`");
        check("kind = smal", "did you mean `small`?");
        check("amuont > 3", "did you mean `amount`?");
        check("amount * rate > 3", "write `round(amount * rate, 0.01) > 3`");
        check("ok and 3 < amount * rate", "write `ok and 3 < round(amount * rate, 0.01)`");
        check("amount / 3 > 2", "division stands only inside `round(x / y, STEP)`");
        check("item.size > 3", "write `any(item.size > 3)`");
        check("amount", "compare it with something, such as `amount > 0`");
        check(
            "amount > 100 EUR",
            "write `amount > 100`; an amount in EUR comes in by a fact that converts it",
        );
    }
}
