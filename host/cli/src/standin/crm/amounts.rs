//! Amounts as Tryton counts and writes them.

use serde_json::{Value, json};

/// A decimal of Tryton's JSON: `units` divided by ten to the power of `digits`.
pub(super) fn decimal(units: i64, digits: u32) -> Value {
    let unit = 10_u64.pow(digits);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.unsigned_abs() / unit, units.unsigned_abs() % unit);
    let width = usize::try_from(digits).unwrap_or(0);
    json!({"__class__": "Decimal", "decimal": format!("{sign}{whole}.{rest:0width$}")})
}

/// Reads decimal text of at most four digits after the point.
pub(super) fn ten_thousandths(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || 4 < rest.len() || !digits(whole) || !digits(rest) {
        return None;
    }
    format!("{whole}{rest:0<4}").parse().ok()
}

/// What a line comes to in cents; half a cent goes to the even neighbour.
pub(super) fn line_cents(quantity: i64, unit_price: i64) -> i64 {
    let product = quantity.saturating_mul(unit_price);
    let (cents, rest) = (product.div_euclid(100), product.rem_euclid(100));
    let up = 50 < rest || (rest == 50 && cents % 2 != 0);
    cents.saturating_add(i64::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (units, digits, expected) in [(800_000, 4, "80.0000"), (5, 2, "0.05"), (-150, 2, "-1.50")] {
            assert_eq!(decimal(units, digits)["decimal"], expected);
        }
    }

    #[test]
    fn prices_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("80", Some(800_000)),
            ("80.5", Some(805_000)),
            ("80.1234", Some(801_234)),
            ("80.12345", None),
            ("", None),
            ("-1", None),
            ("1e3", None),
        ] {
            assert_eq!(ten_thousandths(text), expected, "{text}");
        }
    }

    #[test]
    fn half_a_cent_goes_to_the_even_neighbour() {
        assert_eq!([line_cents(1, 150), line_cents(1, 250), line_cents(3, 100)], [2, 2, 3]);
    }
}
