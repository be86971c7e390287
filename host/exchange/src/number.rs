//! Decimal numbers between what a spreadsheet holds and what a document says.
//!
//! A spreadsheet holds a binary fraction: 15 % is 0.15 and a sum is 0.15000000000000002. Fifteen
//! significant digits are what such a number is good for; what needs more is text.

/// Significant digits that a spreadsheet's number is good for.
const DIGITS_MAX: i32 = 15;
/// Largest power of ten behind the digits; beyond it there is no grid to fit.
const EXPONENT_MAX: i32 = 20;

/// `mantissa * 10^exponent`; the mantissa does not end with a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i64,
    exponent: i32,
}

impl Decimal {
    fn new(mut mantissa: i64, mut exponent: i32) -> Decimal {
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        if mantissa == 0 {
            exponent = 0;
        }
        Decimal { mantissa, exponent }
    }

    /// The number of a spreadsheet's cell, rounded to fifteen significant digits; `None` if the
    /// text is no finite number or is far beyond every grid.
    pub(crate) fn of_sheet(text: &str) -> Option<Decimal> {
        let number: f64 = text.trim().parse().ok()?;
        if !number.is_finite() {
            return None;
        }
        let text = format!("{number:.14e}");
        let (digits, exponent) = text.split_once('e')?;
        let mantissa: i64 = digits.replace('.', "").parse().ok()?;
        let decimal = Decimal::new(mantissa, exponent.parse::<i32>().ok()? - 14);
        (decimal.exponent.abs() <= EXPONENT_MAX).then_some(decimal)
    }

    /// The number of a cell of a document without its unit, such as `50_000` or `-12.5`; `None` if
    /// it is not spelled as [`Decimal::spelled`] spells it.
    pub(crate) fn of_document(text: &str) -> Option<Decimal> {
        Decimal::exact(&text.replace('_', "")).filter(|decimal| decimal.spelled() == text)
    }

    /// Exactly the number that decimal text says: digits with a sign before and a point between.
    pub(crate) fn exact(text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let pointless = text.ends_with('.') || digits.is_empty();
        if pointless || !are_digits(digits) || !are_digits(fraction) || fraction.len() > 15 {
            return None;
        }
        let mantissa: i64 = format!("{whole}{fraction}").parse().ok()?;
        Some(Decimal::new(mantissa, -i32::try_from(fraction.len()).ok()?))
    }

    /// The same with the point moved to the right.
    pub(crate) fn times_ten_to(self, power: i32) -> Decimal {
        Decimal::new(self.mantissa, self.exponent + power)
    }

    /// Whether a spreadsheet's number can tell this one from its neighbours on a grid of so many
    /// digits behind the point.
    pub(crate) fn is_held(self, places: u32) -> bool {
        let digits = i32::try_from(self.mantissa.unsigned_abs().to_string().len()).unwrap_or(i32::MAX);
        let whole = (digits + self.exponent).max(1);
        whole + i32::try_from(places).unwrap_or(i32::MAX / 2) <= DIGITS_MAX
    }

    /// Digits behind the point.
    pub(crate) fn places(self) -> usize {
        usize::try_from(-self.exponent).unwrap_or(0)
    }

    /// As a document writes it: grouped in threes by `_`, no zero at the end of a fraction.
    pub(crate) fn spelled(self) -> String {
        let (whole, fraction) = self.parts();
        let mut text = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index) % 3 == 0 {
                text.push('_');
            }
            text.push(digit);
        }
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{text}") } else { format!("{sign}{text}.{fraction}") }
    }

    /// As a spreadsheet's number.
    pub(crate) fn to_float(self) -> f64 {
        // Decimal text to the nearest float is exact arithmetic; powers of ten would not be.
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(f64::NAN)
    }

    fn parts(self) -> (String, String) {
        let digits = self.mantissa.unsigned_abs().to_string();
        let Ok(places) = usize::try_from(-self.exponent) else {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return (digits + &"0".repeat(zeros), String::new());
        };
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        (whole.to_owned(), fraction.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dust_of_a_float_falls_off() {
        let check = |sheet: &str, power: i32, expected: &str| {
            let found = Decimal::of_sheet(sheet).map(|number| number.times_ten_to(power).spelled());
            assert_eq!(found.as_deref(), Some(expected), "{sheet}");
        };
        check("0.15", 2, "15");
        check("0.15000000000000002", 2, "15");
        check("0.14999999999999999", 2, "15");
        check("1.4999999999999999E-2", 2, "1.5");
        check("5.0099999999999999E-2", 2, "5.01");
        check("50000", 0, "50_000");
        check("-1234567.5", 0, "-1_234_567.5");
        check("0", 0, "0");
        check("-0", 0, "0");
        check("1E5", 0, "100_000");
        check("0.30000000000000004", 0, "0.3");
        check("0.15000001", 2, "15.000001");
        for text in ["", "abc", "NaN", "inf", "1e300", "1e-300"] {
            assert_eq!(Decimal::of_sheet(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_usual_spelling_becomes_a_number() {
        for text in ["5", "12.5", "50_000", "-1_000.25", "0.01", "999"] {
            let found = Decimal::of_document(text).map(Decimal::spelled);
            assert_eq!(found.as_deref(), Some(text), "{text}");
        }
        for text in ["5.0", "50000", "05", "1_00", "", "-", ".5", "5.", "1e3", "-0", "99999999999999999999"] {
            assert_eq!(Decimal::of_document(text), None, "{text}");
        }
    }

    #[test]
    fn a_float_that_cannot_hold_a_number_is_known() {
        let check = |text: &str, places: u32, expected: bool| {
            let number = Decimal::of_document(text).expect(text);
            assert_eq!(number.is_held(places), expected, "{text}");
            if expected {
                let back = Decimal::of_sheet(&format!("{:e}", number.to_float()));
                assert_eq!(back, Some(number), "{text}");
            }
        };
        check("9_999_999_999_999.99", 2, true);
        check("99_999_999_999_999.99", 2, false);
        check("100_000_000_000_000", 2, false);
        check("999_999_999_999_999", 0, true);
        check("0.01", 2, true);
    }
}
