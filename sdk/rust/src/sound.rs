//! Whether an answer can leave the connector: every value in it is one of the contract.
//!
//! Targets give odd values. The host would take one for a broken connector; here it becomes a failure that
//! names the field.

use crate::delivery::DraftIntent;
use crate::effect::{Finding, Page, Receipt, Snapshot, WritePlan};
use crate::failure::Failure;
use crate::value::{Field, Money, RecordRef, Value, currency_digits};

/// Code of a failure because of a value that the contract does not know.
const ODD_VALUE: &str = "odd-value";
/// Longest id of a record, in bytes.
const ID_BYTES_MAX: usize = 2_048;
/// Longest name of a wish, in characters.
const DEDUPE_KEY_CHARS_MAX: usize = 200;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most digits of either side of a decimal point.
const DIGITS_MAX: usize = 40;
/// Characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// What a call gives back.
pub(crate) trait Sound {
    /// What is odd about it.
    fn oddity(&self) -> Option<String>;
}

/// The answer of a call that changes nothing.
pub(crate) fn read<T: Sound>(answer: T) -> Result<T, Failure> {
    match answer.oddity() {
        None => Ok(answer),
        Some(oddity) => Err(Failure::rejected(ODD_VALUE, oddity)),
    }
}

/// The answer of a call that may have changed something: what is odd about it does not say that nothing was.
pub(crate) fn written<T: Sound>(answer: T) -> Result<T, Failure> {
    match answer.oddity() {
        None => Ok(answer),
        Some(oddity) => Err(Failure::uncertain(ODD_VALUE, oddity)),
    }
}

impl Sound for () {
    fn oddity(&self) -> Option<String> {
        None
    }
}

impl Sound for Vec<RecordRef> {
    fn oddity(&self) -> Option<String> {
        self.iter().find_map(subject)
    }
}

impl Sound for Vec<DraftIntent> {
    fn oddity(&self) -> Option<String> {
        let odd_key = |draft: &DraftIntent| {
            let length = draft.dedupe_key.chars().count();
            let fits = (1..=DEDUPE_KEY_CHARS_MAX).contains(&length);
            (!fits).then(|| format!("the `dedupe_key` of a draft has {length} characters"))
        };
        self.iter().find_map(|draft| {
            odd_key(draft)
                .or_else(|| long("intent type of a draft", Some(&draft.intent_type)))
                .or_else(|| long("requester of a draft", draft.requester.as_ref()))
                .or_else(|| subject(&draft.source))
                .or_else(|| fields(&draft.fields))
        })
    }
}

impl Sound for Snapshot {
    fn oddity(&self) -> Option<String> {
        subject(&self.subject)
            .or_else(|| place(self.revision.as_ref(), self.url.as_ref()))
            .or_else(|| fields(&self.fields))
    }
}

impl Sound for Page {
    fn oddity(&self) -> Option<String> {
        self.items.iter().find_map(Sound::oddity)
    }
}

impl Sound for WritePlan {
    fn oddity(&self) -> Option<String> {
        let values = self
            .changes
            .iter()
            .flat_map(|change| [(&change.name, &change.before), (&change.name, &change.after)]);
        subject(&self.subject)
            .or_else(|| place(self.revision.as_ref(), None))
            .or_else(|| values.into_iter().find_map(|(name, value)| of_field(name, value)))
    }
}

impl Sound for Receipt {
    fn oddity(&self) -> Option<String> {
        subject(&self.subject)
            .or_else(|| place(self.revision.as_ref(), self.url.as_ref()))
            .or_else(|| fields(&self.applied))
    }
}

impl Sound for Finding {
    fn oddity(&self) -> Option<String> {
        match self {
            Finding::Landed(receipt) => receipt.oddity(),
            Finding::Absent | Finding::Unknown => None,
        }
    }
}

fn subject(subject: &RecordRef) -> Option<String> {
    record(subject).map(|what| format!("the {} is {what}", subject.kind))
}

fn place(revision: Option<&String>, url: Option<&String>) -> Option<String> {
    long("revision of the record", revision)
        .or_else(|| long("address of the record", url))
        .or_else(|| no_web(url))
}

/// A person will click on it.
fn no_web(url: Option<&String>) -> Option<String> {
    let url = url.filter(|url| !url.starts_with("https://") && !url.starts_with("http://"))?;
    Some(format!("the address of the record is `{}`, which is no web address", shown(url)))
}

fn long(what: &str, text: Option<&String>) -> Option<String> {
    let length = text.map_or(0, String::len);
    (ID_BYTES_MAX < length).then(|| format!("the {what} has {length} bytes, more than {ID_BYTES_MAX}"))
}

fn record(record: &RecordRef) -> Option<String> {
    let is_long = ID_BYTES_MAX < record.id.len();
    is_long.then(|| format!("an id of {} bytes, more than {ID_BYTES_MAX}", record.id.len()))
}

fn fields(fields: &[Field]) -> Option<String> {
    fields.iter().find_map(|field| of_field(&field.name, &field.value))
}

fn of_field(name: &str, value: &Value) -> Option<String> {
    odd(value).map(|what| format!("`{name}` of the record is {what}"))
}

fn odd(value: &Value) -> Option<String> {
    let is_no = |text: &str, what: &str| Some(format!("`{}`, which is no {what}", shown(text)));
    match value {
        Value::Absent | Value::Flag(_) | Value::Integer(_) => None,
        Value::Decimal(text) if !is_decimal(text) => is_no(text, "decimal number"),
        Value::Date(text) if !is_date(text) => is_no(text, "date such as 2026-11-23"),
        Value::InstantMs(moment) if i64::try_from(*moment).is_err() => is_no(&moment.to_string(), "moment"),
        Value::Money(Money { currency, .. }) if !is_currency(currency) => {
            is_no(currency, "currency such as EUR")
        }
        Value::Money(money) if !is_amount(money) => {
            is_no(&money.amount, &format!("amount of {}", money.currency))
        }
        Value::Text(text) | Value::Json(text) if TEXT_BYTES_MAX < text.len() => {
            Some(format!("{} bytes long, more than {TEXT_BYTES_MAX}", text.len()))
        }
        Value::Reference(other) => record(other),
        Value::Decimal(_)
        | Value::Date(_)
        | Value::InstantMs(_)
        | Value::Money(_)
        | Value::Text(_)
        | Value::Json(_) => None,
    }
}

fn is_decimal(text: &str) -> bool {
    let digits =
        |part: &str| (1..=DIGITS_MAX).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

/// Not finer than its currency, and not too large for 63 bits of minor units.
fn is_amount(money: &Money) -> bool {
    let digits = currency_digits(&money.currency);
    let behind = money.amount.split_once('.').map_or(0, |(_, behind)| behind.len());
    is_decimal(&money.amount) && behind <= digits as usize && money.minor(digits).is_ok()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `YYYY-MM-DD`, a day of the Gregorian calendar.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, width: usize| {
        let is_plain = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_plain)
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_value_of_the_contract_is_names_its_field() {
        let check = |value: Value, expected: Option<&str>| {
            let receipt = Receipt::new(RecordRef::new("order", "7"), vec![Field::new("due", value)]);
            assert_eq!(Finding::Landed(receipt).oddity().as_deref(), expected);
        };
        check(Value::Decimal("-12.50".into()), None);
        check(Value::Decimal("1e9".into()), Some("`due` of the record is `1e9`, which is no decimal number"));
        check(Value::Date("9999-12-31".into()), None);
        check(Value::Date("2024-02-29".into()), None);
        check(
            Value::Date("2026-02-29".into()),
            Some("`due` of the record is `2026-02-29`, which is no date such as 2026-11-23"),
        );
        check(Value::Money(Money::new("1", "EUR")), None);
        check(
            Value::Money(Money::new("1", "")),
            Some("`due` of the record is ``, which is no currency such as EUR"),
        );
        check(
            Value::Money(Money::new("", "EUR")),
            Some("`due` of the record is ``, which is no amount of EUR"),
        );
        check(Value::Money(Money::new("-92233720368547758.07", "EUR")), None);
        check(Value::Money(Money::new("1.234", "KWD")), None);
        check(
            Value::Money(Money::new("92233720368547758.08", "EUR")),
            Some("`due` of the record is `92233720368547758.08`, which is no amount of EUR"),
        );
        check(
            Value::Money(Money::new("1.0", "JPY")),
            Some("`due` of the record is `1.0`, which is no amount of JPY"),
        );
        let long = Value::Text("x".repeat(TEXT_BYTES_MAX + 1));
        check(long, Some("`due` of the record is 262145 bytes long, more than 262144"));
        check(
            Value::InstantMs(u64::MAX),
            Some("`due` of the record is `18446744073709551615`, which is no moment"),
        );
        let far = Value::Reference(RecordRef::new("order", "x".repeat(ID_BYTES_MAX + 1)));
        check(far, Some("`due` of the record is an id of 2049 bytes, more than 2048"));
    }

    #[test]
    fn what_is_too_long_to_leave_is_named() {
        let long = || "x".repeat(ID_BYTES_MAX + 1);
        let receipt = || Receipt::new(RecordRef::new("order", "7"), Vec::new());
        let revised = Receipt { revision: Some(long()), ..receipt() };
        let what = "the revision of the record has 2049 bytes, more than 2048";
        assert_eq!(revised.oddity().as_deref(), Some(what));
        let placed = Receipt { url: Some(long()), ..receipt() };
        assert_eq!(
            placed.oddity().as_deref(),
            Some("the address of the record has 2049 bytes, more than 2048")
        );
        let scripted = Receipt { url: Some("javascript:alert(1)".to_owned()), ..receipt() };
        let what = "the address of the record is `javascript:alert(1)`, which is no web address";
        assert_eq!(scripted.oddity().as_deref(), Some(what));
        let draft = || DraftIntent {
            intent_type: "discount".to_owned(),
            source: RecordRef::new("order", "7"),
            fields: Vec::new(),
            dedupe_key: "7".to_owned(),
            requester: None,
        };
        assert_eq!(vec![draft()].oddity(), None);
        let typed = DraftIntent { intent_type: long(), ..draft() };
        let what = "the intent type of a draft has 2049 bytes, more than 2048";
        assert_eq!(vec![draft(), typed].oddity().as_deref(), Some(what));
        let asked = DraftIntent { requester: Some(long()), ..draft() };
        let what = "the requester of a draft has 2049 bytes, more than 2048";
        assert_eq!(vec![asked].oddity().as_deref(), Some(what));
    }
}
