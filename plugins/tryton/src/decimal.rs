//! Exact decimals, as Tryton counts: half of the last digit goes to the even neighbour.

use countersign_sdk::Failure;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// Most digits after the point; more than Tryton ever keeps.
const SCALE_MAX: u32 = 12;

/// An exact decimal: `digits` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

/// A decimal as Tryton's JSON writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wire {
    #[serde(rename = "__class__")]
    class: String,
    decimal: String,
}

impl Wire {
    pub(crate) fn new(text: &str) -> Wire {
        Wire { class: "Decimal".to_owned(), decimal: text.to_owned() }
    }

    pub(crate) fn read(&self) -> Result<Decimal, Failure> {
        Decimal::parse(&self.decimal)
    }
}

impl Decimal {
    pub(crate) const ZERO: Decimal = Decimal::whole(0);
    pub(crate) const HUNDRED: Decimal = Decimal::whole(100);

    pub(crate) const fn whole(number: i128) -> Decimal {
        Decimal { digits: number, scale: 0 }
    }

    /// Reads decimal text: an optional `-`, digits, optionally `.` and digits.
    pub(crate) fn parse(text: &str) -> Result<Decimal, Failure> {
        Self::read(text).ok_or_else(|| {
            Failure::rejected("bad-number", format!("`{text}` is no decimal number that can be used"))
        })
    }

    fn read(text: &str) -> Option<Decimal> {
        let (sign, plain) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, rest) = plain.split_once('.').unwrap_or((plain, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(rest) {
            return None;
        }
        let rest = rest.trim_end_matches('0');
        let scale = u32::try_from(rest.len()).ok().filter(|scale| *scale <= SCALE_MAX)?;
        let digits: i128 = format!("{whole}{rest}").parse().ok()?;
        Some(Decimal { digits: sign * digits, scale })
    }

    pub(crate) fn plus(self, other: Decimal) -> Result<Decimal, Failure> {
        let (left, right, scale) = self.aligned(other).ok_or_else(too_large)?;
        left.checked_add(right).map(|digits| Decimal { digits, scale }).ok_or_else(too_large)
    }

    pub(crate) fn minus(self, other: Decimal) -> Result<Decimal, Failure> {
        self.plus(Decimal { digits: -other.digits, scale: other.scale })
    }

    pub(crate) fn times(self, other: Decimal) -> Result<Decimal, Failure> {
        let digits = self.digits.checked_mul(other.digits).ok_or_else(too_large)?;
        Ok(Decimal { digits, scale: self.scale + other.scale })
    }

    /// Divides, rounded to `scale` digits after the point; `None` for a division by nothing.
    pub(crate) fn over(self, other: Decimal, scale: u32) -> Result<Option<Decimal>, Failure> {
        if other.digits == 0 {
            return Ok(None);
        }
        let (left, right, _) = self.aligned(other).ok_or_else(too_large)?;
        let left = power(scale).and_then(|unit| left.checked_mul(unit)).ok_or_else(too_large)?;
        let (left, right) = if right < 0 { (-left, -right) } else { (left, right) };
        Ok(Some(Decimal { digits: half_even(left, right), scale }))
    }

    /// Rounds to `scale` digits after the point.
    pub(crate) fn rounded(self, scale: u32) -> Result<Decimal, Failure> {
        if self.scale <= scale {
            return Ok(self);
        }
        let unit = power(self.scale - scale).ok_or_else(too_large)?;
        Ok(Decimal { digits: half_even(self.digits, unit), scale })
    }

    pub(crate) fn is_positive(self) -> bool {
        self.digits > 0
    }

    /// Text with exactly `scale` digits after the point.
    pub(crate) fn fixed(self, scale: u32) -> Result<String, Failure> {
        let rounded = self.rounded(scale)?;
        let unit = power(scale - rounded.scale).ok_or_else(too_large)?;
        let digits = rounded.digits.checked_mul(unit).ok_or_else(too_large)?;
        Ok(Decimal { digits, scale }.to_text())
    }

    fn to_text(self) -> String {
        let sign = if self.digits < 0 { "-" } else { "" };
        let plain = self.digits.unsigned_abs().to_string();
        let scale = self.scale as usize;
        let padded = format!("{plain:0>width$}", width = scale + 1);
        let (whole, rest) = padded.split_at(padded.len() - scale);
        if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
    }

    fn aligned(self, other: Decimal) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let left = self.digits.checked_mul(power(scale - self.scale)?)?;
        let right = other.digits.checked_mul(power(scale - other.scale)?)?;
        Some((left, right, scale))
    }
}

impl fmt::Display for Decimal {
    /// The shortest text: no zero at the end after the point.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_text();
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        formatter.write_str(short)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match self.aligned(*other) {
            Some((left, right, _)) => left.cmp(&right),
            // One of them is beyond what can be aligned: the whole parts decide.
            None => whole_part(self).cmp(&whole_part(other)),
        }
    }
}

fn whole_part(number: &Decimal) -> i128 {
    power(number.scale).map_or(0, |unit| number.digits / unit)
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// `left` divided by `right` (above zero), half to the even neighbour.
fn half_even(left: i128, right: i128) -> i128 {
    let (whole, rest) = (left.div_euclid(right), left.rem_euclid(right));
    let up = match (rest.saturating_mul(2)).cmp(&right) {
        Ordering::Less => false,
        Ordering::Equal => whole % 2 != 0,
        Ordering::Greater => true,
    };
    whole + i128::from(up)
}

fn too_large() -> Failure {
    Failure::rejected("bad-number", "an amount of the quote is too large to be counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a decimal")
    }

    #[test]
    fn text_comes_back_in_its_shortest_form() {
        let rows = [
            ("75.0000", "75"),
            ("1000.0", "1000"),
            ("-0.50", "-0.5"),
            ("0", "0"),
            ("100", "100"),
            ("0.05", "0.05"),
        ];
        for (text, expected) in rows {
            assert_eq!(decimal(text).to_string(), expected);
        }
        for text in ["", "-", "1.", ".5", "+1", "1e3", "1,5", "0.1234567890123"] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        for (text, scale, expected) in [
            ("2.5", 0, "2"),
            ("3.5", 0, "4"),
            ("-2.5", 0, "-2"),
            ("1.005", 2, "1"),
            ("1.015", 2, "1.02"),
            ("1.0051", 2, "1.01"),
        ] {
            assert_eq!(decimal(text).rounded(scale).expect("small").to_string(), expected, "{text}");
        }
    }

    #[test]
    fn sums_products_and_quotients_are_exact() {
        assert_eq!(decimal("0.1").plus(decimal("0.2")), Ok(decimal("0.3")));
        assert_eq!(decimal("100").minus(decimal("12.5")), Ok(decimal("87.5")));
        assert_eq!(decimal("1000.0").times(decimal("80.1234")), Ok(decimal("80123.4")));
        assert_eq!(decimal("1").over(decimal("3"), 4), Ok(Some(decimal("0.3333"))));
        assert_eq!(decimal("-1").over(decimal("-8"), 2), Ok(Some(decimal("0.12"))));
        assert_eq!(decimal("1").over(Decimal::ZERO, 2), Ok(None));
        assert_eq!(decimal("75000").fixed(2), Ok("75000.00".to_owned()));
        assert_eq!(decimal("0.5").fixed(0), Ok("0".to_owned()));
    }

    #[test]
    fn what_is_too_large_is_refused_and_never_wraps() {
        let large = decimal(&"9".repeat(38));
        assert!(large.times(Decimal::HUNDRED).is_err());
        assert!(large.plus(decimal("0.001")).is_err());
        assert!(large > decimal("1.5"));
    }
}
