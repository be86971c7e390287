//! Exact decimals: a number as Salesforce's JSON has it, in plain digits.
//!
//! From eight digits on Salesforce writes a number with an exponent: 12,345,678 is `1.2345678E7`
//! (<https://help.salesforce.com/s/articleView?id=000385889&type=1>). Nothing here is a float.

/// Furthest that the point is moved.
const PLACES_MAX: i32 = 40;

/// Most digits of an amount. Salesforce keeps numbers as doubles, and a double holds any fifteen digits exactly.
const DIGITS_MAX: usize = 15;

/// A number of JSON, or of the contract, as the shortest decimal text; `None` for what is no number that can be used.
pub(crate) fn plain(number: &str) -> Option<String> {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let digits = format!("{whole}{rest}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = i32::try_from(digits.len() - significant.len()).ok()?;
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent.parse().ok()?)?.checked_sub(zeros)?;
    if !(-PLACES_MAX..=PLACES_MAX).contains(&point) {
        return None;
    }
    let significant = significant.trim_end_matches('0');
    let length = i32::try_from(significant.len()).ok()?;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = match usize::try_from(point) {
        Ok(at @ 1..) if point < length => {
            let (whole, rest) = significant.split_at(at);
            format!("{sign}{whole}.{rest}")
        }
        Ok(1..) => format!("{sign}{significant}{}", zeros(point - length)),
        Ok(_) | Err(_) => format!("{sign}0.{}{significant}", zeros(-point)),
    };
    let behind = text.split_once('.').map_or(0, |(_, rest)| rest.len());
    (i32::try_from(behind).ok()? <= PLACES_MAX).then_some(text)
}

/// A number that Salesforce keeps to the last digit.
pub(crate) fn kept(number: &str) -> Option<String> {
    let text = plain(number)?;
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    (digits <= DIGITS_MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_in_its_shortest_form_without_an_exponent() {
        for (number, expected) in [
            ("75000.0", "75000"),
            ("75000.00", "75000"),
            ("1.2345678E7", "12345678"),
            ("1.234567850E7", "12345678.5"),
            ("1E+4", "10000"),
            ("12.78e-2", "0.1278"),
            ("1.0E-4", "0.0001"),
            ("-0.50", "-0.5"),
            ("007.10", "7.1"),
            ("-0.0", "0"),
            ("0E300", "0"),
            ("0.05", "0.05"),
            ("10.01", "10.01"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(plain(number).as_deref(), Some(expected), "{number}");
        }
        for number in
            ["", "-", "1.", ".5", "+1", "1e", "1e300", "1e-300", "e5", "1,5", "INF", "NaN", "null", "--1"]
        {
            assert_eq!(plain(number), None, "{number}");
        }
    }

    #[test]
    fn what_a_double_does_not_hold_is_not_kept() {
        assert_eq!(kept("9999999999999.99").as_deref(), Some("9999999999999.99"));
        assert_eq!(kept("0.000123456789012345").as_deref(), Some("0.000123456789012345"));
        for number in ["99999999999999.99", "9007199254740993", "1e20"] {
            assert_eq!(kept(number), None, "{number}");
        }
    }
}
