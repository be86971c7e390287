//! Unary tests of S-FEEL and of ZEN: the cells of foreign decision tables, as far as a policy's
//! cells can say the same. Everything else is an error, never a guess.

use crate::number::Decimal;
use countersign_core::document::listed;
use countersign_core::intent::kind::{FieldType, Unit};
use countersign_core::intent::value::Day;

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    Number(Decimal),
    Text(String),
    Truth(bool),
    Day(Day),
}

/// One end of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    value: Literal,
    open: bool,
}

/// What a cell demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    Any,
    OneOf(Vec<Literal>),
    NoneOf(Vec<Literal>),
    Compare(&'static str, Literal),
    Between(End, End),
}

/// How a column of percent writes 15 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// 0.15.
    Fraction,
    /// 15.
    Hundred,
}

struct Parser<'a> {
    rest: &'a str,
}

/// Reads one cell.
pub(crate) fn test(text: &str) -> Result<Test, String> {
    let wrong = |why: String| format!("`{}`: {why}", text.trim());
    let mut parser = Parser { rest: text.trim() };
    let test = parser.test().map_err(&wrong)?;
    if parser.rest.is_empty() {
        return Ok(test);
    }
    Err(wrong("it is no literal, list, comparison, interval or `not` of them".to_owned()))
}

/// Reads a cell that is one constant, as the text that the side table knows it by: a text without its
/// quotes, a number without zeros at its ends, `true`, `false`, or a date.
pub(crate) fn constant(text: &str) -> Result<String, String> {
    let Test::OneOf(list) = test(text)? else {
        return Err(format!("`{text}`: an answer is one constant"));
    };
    match list.as_slice() {
        [Literal::Text(text)] => Ok(text.clone()),
        [Literal::Number(number)] => Ok(number.spelled().replace('_', "")),
        [Literal::Truth(truth)] => Ok(truth.to_string()),
        [Literal::Day(day)] => Ok(day.to_string()),
        _ => Err(format!("`{text}`: an answer is one constant")),
    }
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest.strip_prefix(sign);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.rest.is_empty() || self.rest == "-" {
            self.rest = "";
            return Ok(Test::Any);
        }
        for sign in ["<=", ">=", "<", ">"] {
            if self.take(sign) {
                return Ok(Test::Compare(sign, self.literal()?));
            }
        }
        if self.rest.starts_with(['[', '(', ']']) {
            return self.interval();
        }
        let negated = self.rest.strip_prefix("not").is_some_and(|rest| rest.trim_start().starts_with('('));
        if negated {
            self.take("not");
            self.take("(");
            let list = self.list()?;
            return if self.take(")") { Ok(Test::NoneOf(list)) } else { Err("`)` is missing".to_owned()) };
        }
        self.list().map(Test::OneOf)
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        let mut list = vec![self.literal()?];
        while self.take(",") {
            list.push(self.literal()?);
        }
        Ok(list)
    }

    fn interval(&mut self) -> Result<Test, String> {
        let low_open = !self.take("[");
        if low_open && !self.take("(") {
            self.take("]");
        }
        let low = self.literal()?;
        if !self.take("..") {
            return Err("an interval has `..` between its ends".to_owned());
        }
        let high = self.literal()?;
        let high_open = !self.take("]");
        if high_open && !self.take(")") && !self.take("[") {
            return Err("the interval does not end".to_owned());
        }
        Ok(Test::Between(End { value: low, open: low_open }, End { value: high, open: high_open }))
    }

    fn literal(&mut self) -> Result<Literal, String> {
        self.skip();
        for (word, truth) in [("true", true), ("false", false)] {
            let ends = self.rest.strip_prefix(word).is_some_and(|rest| {
                !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            });
            if ends {
                self.take(word);
                return Ok(Literal::Truth(truth));
            }
        }
        for call in ["date(", "d("] {
            if self.take(call) {
                let day = self.text().and_then(day)?;
                return if self.take(")") { Ok(Literal::Day(day)) } else { Err("`)` is missing".to_owned()) };
            }
        }
        if self.take("@") {
            return self.text().and_then(day).map(Literal::Day);
        }
        if self.rest.starts_with('"') {
            return self.text().map(Literal::Text);
        }
        self.number()
    }

    fn text(&mut self) -> Result<String, String> {
        let inner = self.rest.strip_prefix('"').ok_or("a text stands in quotes")?;
        let (text, rest) = inner.split_once('"').ok_or("the text does not end")?;
        if text.contains('\\') {
            return Err("a backslash in a text can mean another character".to_owned());
        }
        self.rest = rest.trim_start();
        Ok(text.to_owned())
    }

    fn number(&mut self) -> Result<Literal, String> {
        // `1..5` are a number and the sign of an interval.
        let mut end = 0;
        let mut point = false;
        for (at, letter) in self.rest.char_indices() {
            let next_is_point = self.rest.get(at + 1..).is_some_and(|rest| rest.starts_with('.'));
            match letter {
                '-' if at == 0 => {}
                '0'..='9' => {}
                '.' if !point && !next_is_point => point = true,
                _ => break,
            }
            end = at + letter.len_utf8();
        }
        let (number, rest) = self.rest.split_at(end);
        let decimal = Decimal::exact(number);
        let decimal = decimal.ok_or("it is no literal, list, comparison, interval or `not` of them")?;
        self.rest = rest.trim_start();
        Ok(Literal::Number(decimal))
    }
}

fn day(text: String) -> Result<Day, String> {
    Day::parse(&text).ok_or_else(|| format!("`{text}` is no date"))
}

/// The cell of a policy that demands the same in a column of `kind`.
pub(crate) fn to_cell(
    test: &Test,
    kind: &FieldType,
    share: Share,
    word: &dyn Fn(&str) -> String,
) -> Result<String, String> {
    let value = |literal: &Literal| value(literal, kind, share, word);
    let list =
        |list: &[Literal]| list.iter().map(value).collect::<Result<Vec<_>, _>>().map(|list| list.join(", "));
    match test {
        Test::Any => Ok(String::new()),
        Test::OneOf(values) => list(values),
        Test::NoneOf(values) => Ok(format!("not {}", list(values)?)),
        Test::Compare(sign, literal) => Ok(format!("{sign} {}", value(literal)?)),
        Test::Between(low, high) => {
            let (from, to) = (if low.open { "> " } else { "" }, if high.open { "< " } else { "" });
            Ok(format!("{from}{} .. {to}{}", value(&low.value)?, value(&high.value)?))
        }
    }
}

fn value(
    literal: &Literal,
    kind: &FieldType,
    share: Share,
    word: &dyn Fn(&str) -> String,
) -> Result<String, String> {
    match (kind, literal) {
        (FieldType::Number(grid), Literal::Number(number)) => Ok(match (grid.unit, share) {
            (Unit::Percent, Share::Fraction) => number.times_ten_to(2).spelled() + "%",
            (Unit::Percent, Share::Hundred) => number.spelled() + "%",
            (Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, _) => number.spelled(),
        }),
        // Only a word of the column: `-` or `not smb` would mean something else in a cell than as a text.
        (FieldType::OneOf(words), Literal::Text(text)) => Some(word(text))
            .filter(|own| words.contains(own))
            .ok_or_else(|| format!("the text `{text}` is no word of a column of {}", called(kind))),
        (FieldType::YesNo, Literal::Truth(truth)) => Ok(if *truth { "yes" } else { "no" }.to_owned()),
        (FieldType::Date { .. }, Literal::Day(day)) => Ok(day.to_string()),
        (kind, Literal::Number(number)) => {
            Err(format!("the number {} in a column of {}", number.spelled(), called(kind)))
        }
        (kind, Literal::Text(text)) => Err(format!("the text `{text}` in a column of {}", called(kind))),
        (kind, Literal::Truth(truth)) => Err(format!("`{truth}` in a column of {}", called(kind))),
        (kind, Literal::Day(day)) => Err(format!("the date {day} in a column of {}", called(kind))),
    }
}

/// A type in a message.
fn called(kind: &FieldType) -> String {
    match kind {
        FieldType::OneOf(words) => format!("one of {}", listed(words.iter().map(String::as_str))),
        FieldType::Number(_)
        | FieldType::YesNo
        | FieldType::Date { .. }
        | FieldType::Text { .. }
        | FieldType::Record { .. }
        | FieldType::List { .. } => kind.to_string(),
    }
}

/// A cell of a policy as a unary test of S-FEEL; percent as a fraction.
pub(crate) fn of_cell(text: &str, kind: &FieldType) -> Result<String, String> {
    let value = |text: &str| literal(text.trim(), kind);
    let list =
        |text: &str| text.split(", ").map(value).collect::<Result<Vec<_>, _>>().map(|list| list.join(", "));
    if text.is_empty() || text == "-" {
        return Ok("-".to_owned());
    }
    if let Some(rest) = text.strip_prefix("not ") {
        return Ok(format!("not({})", list(rest)?));
    }
    if let Some((low, high)) = text.split_once(" .. ") {
        let (low, from) = low.strip_prefix('>').map_or((low, '['), |low| (low, '('));
        let (high, to) = high.strip_prefix('<').map_or((high, ']'), |high| (high, ')'));
        return Ok(format!("{from}{}..{}{to}", value(low)?, value(high)?));
    }
    for sign in ["<=", ">=", "<", ">"] {
        if let Some(rest) = text.strip_prefix(sign) {
            return Ok(format!("{sign} {}", value(rest)?));
        }
    }
    list(text)
}

fn literal(text: &str, kind: &FieldType) -> Result<String, String> {
    match kind {
        FieldType::Number(grid) => {
            let (digits, power) = match (grid.unit, text.strip_suffix('%')) {
                (Unit::Percent, Some(digits)) => (digits, -2),
                (Unit::Percent | Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, _) => {
                    (text.split(' ').next().unwrap_or(text), 0)
                }
            };
            let number =
                Decimal::exact(&digits.replace('_', "")).ok_or_else(|| format!("`{text}` is no number"))?;
            Ok(number.times_ten_to(power).spelled().replace('_', ""))
        }
        FieldType::OneOf(_) => Ok(format!("\"{text}\"")),
        FieldType::YesNo => Ok(if text == "yes" { "true" } else { "false" }.to_owned()),
        FieldType::Date { .. } => Ok(format!("date(\"{text}\")")),
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            Err(format!("{kind} takes no rule column"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::intent::literal::parse_type;

    fn cell(text: &str, kind: &str) -> Result<String, String> {
        let kind = parse_type(kind).expect("it is a type");
        to_cell(&test(text)?, &kind, Share::Fraction, &|word| word.to_lowercase())
    }

    #[test]
    fn a_unary_test_becomes_a_cell() {
        let check = |text: &str, kind: &str, expected: &str| {
            assert_eq!(cell(text, kind).as_deref(), Ok(expected), "{text}");
        };
        let (money, words) = ("money USD 0 .. 1_000_000", "one of smb, mid");
        check("", money, "");
        check(" - ", money, "");
        check("< 50000", money, "< 50_000");
        check(">=0.50", money, ">= 0.5");
        check("[1..5]", money, "1 .. 5");
        check("(1..5]", money, "> 1 .. 5");
        check("]1.5 .. 5[", money, "> 1.5 .. < 5");
        check("[100..2500)", money, "100 .. < 2_500");
        check("1, 2,3", money, "1, 2, 3");
        check("-5", "percent -100% .. 100%", "-500%");
        check("<= 0.15", "percent 0% .. 100%", "<= 15%");
        check("\"SMB\", \"Mid\"", words, "smb, mid");
        check("not(\"SMB\")", words, "not smb");
        check("not ( \"SMB\" , \"mid\" )", words, "not smb, mid");
        check("true", "yes/no", "yes");
        check("date(\"2026-01-01\")", "date 2020-01-01 .. 2030-01-01", "2026-01-01");
        check(">= @\"2026-01-01\"", "date 2020-01-01 .. 2030-01-01", ">= 2026-01-01");
        check("d(\"2026-01-01\")", "date 2020-01-01 .. 2030-01-01", "2026-01-01");
    }

    #[test]
    fn what_a_cell_cannot_say_is_refused() {
        let check = |text: &str, kind: &str, expected: &str| {
            let found = cell(text, kind).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        };
        let money = "money USD 0 .. 1_000_000";
        for text in [
            "< limit",
            "amount > 5",
            "1 + 1",
            "if true then 1 else 2",
            "null",
            "< 5, > 10",
            "[1..5], [7..9]",
            "not([1..5])",
            "not(< 5)",
            "? > 5",
            "1e3",
            "true5",
            "duration(\"P1D\")",
            "--5",
            "5 .. 7",
        ] {
            check(text, money, text);
        }
        let words = "one of smb, mid, ent";
        for text in ["-", "not smb", "smb, mid", "> smb", "", "large", "smb "] {
            check(
                &format!("\"{text}\""),
                words,
                &format!("the text `{text}` is no word of a column of one of smb"),
            );
            check(&format!("\"smb\", \"{text}\""), words, "is no word of a column");
            check(&format!("not(\"{text}\")"), words, "is no word of a column");
        }
        check("[1..5", money, "does not end");
        check("[1, 5]", money, "`..` between its ends");
        check("not(\"a\"", "one of a, b", "`)` is missing");
        check("\"a", "one of a, b", "does not end");
        check("\"a\\n\"", "one of a, b", "a backslash in a text");
        check("\"5\"", money, "the text `5` in a column of money USD");
        check("5", "one of a, b", "the number 5 in a column of one of a, b");
        check("true", money, "`true` in a column of money");
        check("date(\"2026-02-30\")", "date 2020-01-01 .. 2030-01-01", "is no date");
    }

    #[test]
    fn an_answer_is_one_constant() {
        for text in ["\"a\", \"b\"", "< \"a\"", "-", "", "not(\"a\")", "[1..5]", "1 + 1", "limit"] {
            assert!(constant(text).is_err(), "{text}");
        }
        let check = |text: &str, expected: &str| {
            assert_eq!(constant(text).as_deref(), Ok(expected), "{text}");
        };
        check(" \"approve\" ", "approve");
        check("0.60", "0.6");
        check("-50000", "-50000");
        check("true", "true");
        check("date(\"2026-01-01\")", "2026-01-01");
    }

    #[test]
    fn a_cell_that_goes_out_comes_back() {
        let check = |kind: &str, text: &str, feel: &str| {
            let kind = parse_type(kind).expect("it is a type");
            assert_eq!(of_cell(text, &kind).as_deref(), Ok(feel), "{text}");
            let back = test(feel).and_then(|test| to_cell(&test, &kind, Share::Fraction, &str::to_owned));
            assert_eq!(back.as_deref(), Ok(text), "{feel}");
        };
        check("percent 0% .. 60%", "<= 5%", "<= 0.05");
        check("percent 0% .. 60%", "> 1% .. < 5.5%", "(0.01..0.055)");
        check("money USD 0 .. 1_000_000", "< 50_000", "< 50000");
        check("money USD 0 .. 1_000_000", "100 .. 2_500.5", "[100..2500.5]");
        check("one of a, b, c", "a, b", "\"a\", \"b\"");
        check("one of a, b, c", "not a, b", "not(\"a\", \"b\")");
        check("yes/no", "no", "false");
        check("date 2020-01-01 .. 2030-01-01", ">= 2026-01-01", ">= date(\"2026-01-01\")");
        check("count 0 .. 9", "", "-");
    }
}
