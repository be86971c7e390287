//! What to write instead of a cell or a value that could not be read.

use super::{parse, value};
use crate::document::{day_advice, did_you_mean, nearest};
use crate::intent::kind::{FieldType, Grid, Unit};
use crate::intent::literal::{Literal, Suffix};
use crate::intent::value::{Day, Percent};
use crate::policy::space::spelled;

/// Longest cell that is written anew; nobody reads a longer one.
const ADVISED_BYTES_MAX: usize = 1_000;
/// What stands before a value.
const SIGNS: [&str; 4] = ["<=", ">=", "<", ">"];
/// What people write for yes and no.
const TRUTHS: [(&str, &str); 8] = [
    ("true", "yes"),
    ("y", "yes"),
    ("x", "yes"),
    ("1", "yes"),
    ("false", "no"),
    ("n", "no"),
    ("none", "no"),
    ("0", "no"),
];

/// What to write instead of a cell of a rule column.
pub(crate) fn of_cell(text: &str, kind: &FieldType) -> String {
    advice(text, kind, &|better| parse(better, kind).is_ok())
}

/// What to write instead of a single value.
pub(crate) fn of_value(text: &str, kind: &FieldType) -> String {
    advice(text, kind, &|better| value(better, kind).is_ok())
}

fn advice(text: &str, kind: &FieldType, reads: &dyn Fn(&str) -> bool) -> String {
    if ADVISED_BYTES_MAX < text.len() {
        return general(kind);
    }
    let fits = |better: &str| (better != text && reads(better)).then(|| better.to_owned());
    if let FieldType::Number(grid) = kind
        && let Some(said) = another_currency(text, grid, &fits)
    {
        return said;
    }
    let has_order = matches!(kind, FieldType::Number(_) | FieldType::Date { .. });
    let spaced = |sign: &&str| fits(&text.replacen(*sign, &format!("{sign} "), 1));
    let guesses = [
        fits(&signed(text)),
        decimal(text).as_deref().and_then(fits),
        fits(&text.replace(',', "_")),
        fits(&text.replace(',', ", ")),
        fits(&text.replace("..", " .. ").replace("  ", " ")),
        fits(&text.replacen('-', " .. ", 1)),
        fits(&text.replace("=<", "<=").replace("=>", ">=")),
        fits(&text.to_ascii_lowercase()),
        SIGNS.iter().find_map(spaced),
        fraction(text).as_deref().and_then(fits),
        fits(&format!("{text}%")),
        fits(&text.replace(['$', '€', '£'], "")),
        turned(text).as_deref().and_then(fits),
        TRUTHS.iter().find(|(said, _)| said.eq_ignore_ascii_case(text)).and_then(|(_, meant)| fits(meant)),
        fits(text.trim_start_matches(['<', '>', '=', ' '])).filter(|_| !has_order),
    ];
    if let Some(better) = guesses.into_iter().flatten().next() {
        return format!("write `{better}`");
    }
    match kind {
        FieldType::OneOf(words) => {
            let wrong = values(text).into_iter().find(|word| !words.iter().any(|known| known == word));
            did_you_mean(wrong.unwrap_or(text), words.iter().map(String::as_str), "the values are")
        }
        FieldType::Number(grid) => snapped(text, kind, grid, &fits).unwrap_or_else(|| general(kind)),
        FieldType::YesNo => match nearest(text, ["yes", "no"]) {
            Some(word) => format!("did you mean `{word}`?"),
            None => "write `yes` or `no`".to_owned(),
        },
        FieldType::Date { .. } => {
            let wrong = values(text).into_iter().find(|word| Day::parse(word).is_none());
            wrong.map_or_else(|| general(kind), day_advice)
        }
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            "leave the cell empty".to_owned()
        }
    }
}

/// The values of a cell without what stands between and before them.
fn values(text: &str) -> Vec<&str> {
    let list = text.strip_prefix("not ").unwrap_or(text);
    let parts = list.split(", ").flat_map(|part| part.split(" .. "));
    parts.map(|part| part.trim_start_matches(['<', '>', '=', ' ']).trim()).collect()
}

/// An amount in another currency: only its owner knows whether the number or the currency is the slip.
fn another_currency(text: &str, grid: &Grid, fits: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let Unit::Money(own) = grid.unit else { return None };
    let is_code = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let own = own.to_string();
    let other = text.split([' ', ',']).find(|word| is_code(word) && *word != own)?;
    let better = fits(&text.replace(other, &own))?;
    let bare = fits(&text.replace(&format!(" {other}"), ""))?;
    Some(format!("write `{better}` or `{bare}`; an amount in {other} comes in by a fact that converts it"))
}

/// `<= 5` for `≤5`.
fn signed(text: &str) -> String {
    let signs = text.replace("≤ ", "≤").replace("≥ ", "≥");
    signs.replace('≤', "<= ").replace('≥', ">= ")
}

/// `12.5` for `12,5`: three digits behind a comma are a group, fewer are a fraction.
fn decimal(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(',')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (1..3).contains(&digits).then(|| text.replacen(',', ".", 1))
}

/// `0.15` for 15 %.
fn fraction(text: &str) -> Option<String> {
    let number = text.trim_start_matches(['<', '>', '=', ' ']);
    let percent = Percent::parse(&format!("{number}%"))?;
    let better = Percent(percent.0.checked_mul(100)?).to_string();
    (percent.0.abs() < 10_000).then(|| text.replace(number, &better))
}

/// A range from its end to its beginning: what `>` and `<` exclude stays where it is.
fn turned(text: &str) -> Option<String> {
    let (low, high) = text.split_once(" .. ")?;
    let parts = |end: &'static str, text| match str::strip_prefix(text, end) {
        Some(value) => (format!("{end} "), value.trim()),
        None => (String::new(), str::trim(text)),
    };
    let ((above, low), (below, high)) = (parts(">", low.trim()), parts("<", high.trim()));
    Some(format!("{above}{high} .. {below}{low}"))
}

/// The same cell with its numbers on the grid and within the bounds.
fn snapped(
    text: &str,
    kind: &FieldType,
    grid: &Grid,
    fits: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut below, mut above) = (text.to_owned(), text.to_owned());
    let mut outside = None;
    for word in values(text) {
        let (low, high) = neighbours(word, grid)?;
        for (number, better) in [(low, &mut below), (high, &mut above)] {
            let within = number.clamp(grid.min, grid.max);
            if within != number {
                outside = Some(within);
            }
            *better = better.replacen(word, &spelled(kind, within), 1);
        }
    }
    // At the end of the column nothing is left beyond it.
    let closed =
        |text: &str| fits(&text.replacen("> ", ">= ", 1)).or_else(|| fits(&text.replacen("< ", "<= ", 1)));
    let found = [&below, &above].map(|better| fits(better).or_else(|| closed(better)));
    let mut shown: Vec<String> = found.into_iter().flatten().map(|better| format!("`{better}`")).collect();
    shown.dedup();
    if shown.is_empty() {
        return None;
    }
    let widen = match outside {
        Some(bound) if bound == grid.max => ": there the column ends; or widen its type under `Inputs`",
        Some(_) => ": there the column begins; or widen its type under `Inputs`",
        None => "",
    };
    Some(format!("write {}{widen}", shown.join(" or ")))
}

/// The numbers of the grid at or below and at or above a value; nothing if it has another unit.
fn neighbours(text: &str, grid: &Grid) -> Option<(i64, i64)> {
    let literal = Literal::parse(text).ok()?;
    let digits = match (literal.suffix, grid.unit) {
        (Suffix::Percent, Unit::Percent) => literal.scale.checked_add(2)?,
        (Suffix::Currency(own), Unit::Money(other)) if own == other => literal.scale,
        (Suffix::None, Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count) => literal.scale,
        (Suffix::None | Suffix::Percent | Suffix::Currency(_), _) => return None,
    };
    let number = i128::from(literal.mantissa).checked_mul(10_i128.checked_pow(grid.unit.scale())?)?;
    let step = i128::from(grid.step).checked_mul(10_i128.checked_pow(digits)?)?;
    let steps = number.div_euclid(step);
    let over = i128::from(number.rem_euclid(step) != 0);
    let of = |steps: i128| i64::try_from(steps.checked_mul(i128::from(grid.step))?).ok();
    Some((of(steps)?, of(steps.checked_add(over)?)?))
}

fn general(kind: &FieldType) -> String {
    let Some((min, max)) = kind.bounds() else { return "leave the cell empty".to_owned() };
    let (min, max) = (spelled(kind, min), spelled(kind, max));
    format!(
        "write a value such as `{max}`, a comparison such as `<= {max}` or a range such as `{min} .. {max}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::literal::parse_type;

    #[test]
    fn a_slip_in_a_cell_is_answered_with_a_cell_that_reads() {
        let check = |kind: &str, text: &str, expected: &str| {
            let kind = parse_type(kind).expect("it is a type");
            assert!(parse(text, &kind).is_err(), "{text} reads");
            assert_eq!(of_cell(text, &kind), expected, "{kind}: {text}");
        };
        let percent = "percent 0% .. 60%";
        let money = "money USD 0 .. 1_000_000";
        check(percent, "<= 35", "write `<= 35%`");
        check(percent, "0.15", "write `15%`");
        check(percent, "<= 5.005%", "write `<= 5%` or `<= 5.01%`");
        check(percent, "> 65%", "write `>= 60%`: there the column ends; or widen its type under `Inputs`");
        check(percent, "> 60%", "write `>= 60%`");
        check(percent, "<= 12,5%", "write `<= 12.5%`");
        check(percent, "≤15%", "write `<= 15%`");
        check(percent, "≥ 15%", "write `>= 15%`");
        check(
            percent,
            "-5% .. 10%",
            "write `0% .. 10%`: there the column begins; or widen its type under `Inputs`",
        );
        check(percent, "20% .. 10%", "write `10% .. 20%`");
        check("percent 0% .. 60% step 1%", "> 2.5%", "write `> 2%` or `> 3%`");
        check(money, "< 50,000", "write `< 50_000`");
        check(money, "5-15", "write `5 .. 15`");
        check(money, "> 2_500 .. 100", "write `> 100 .. 2_500`");
        check(money, "2_500 .. < 100", "write `100 .. < 2_500`");
        check(money, "0.001", "write `0` or `0.01`");
        check(money, "$50", "write `50`");
        check(
            money,
            "< 50_000 EUR",
            "write `< 50_000 USD` or `< 50_000`; an amount in EUR comes in by a fact that converts it",
        );
        check(
            money,
            "much",
            "write a value such as `1_000_000`, a comparison such as `<= 1_000_000` or a range such as `0 .. 1_000_000`",
        );
        check("one of smb, mid", "smb, mdi", "did you mean `mid`?");
        check("one of smb, mid", "public", "the values are smb, mid");
        check("one of smb, mid", "< mid", "write `mid`");
        check("yes/no", "true", "write `yes`");
        check("yes/no", "maybe", "write `yes` or `no`");
        check("date 2026-01-01 .. 2026-12-31", "<= 31.01.2026", "write `2026-01-31`");
    }

    #[test]
    fn a_value_is_not_answered_with_a_range() {
        let kind = parse_type("money USD 0 .. 100").expect("it is a type");
        assert_eq!(of_value("5,0", &kind), "write `5.0`");
        assert_eq!(
            of_value("5-10", &kind),
            "write a value such as `100`, a comparison such as `<= 100` or a range such as `0 .. 100`"
        );
        assert_eq!(of_value("0.005", &kind), "write `0` or `0.01`");
    }
}
