//! What stands in one cell, one argument or one field: words, names, times, amounts.

use crate::chance::Chance;
use crate::change::changed;
use crate::trial::survives;
use countersign_core::break_glass::BreakGlass;
use countersign_core::budget::Budget;
use countersign_core::exception::Closure;
use countersign_core::exchange::{Format, Reading};
use countersign_core::hash::Digest;
use countersign_core::id::{
    BindingName, ConnectionName, ConnectorId, DeliveryId, EffectId, ExceptionId, FieldName, GroupId,
    IntentId, IntentTypeName, PersonId, PoolName, RoleName, RouteName, WebhookName,
};
use countersign_core::intent::kind::{Rounding, refused_character};
use countersign_core::intent::literal::{Literal, is_word, parse_type};
use countersign_core::intent::value::{Day, Percent};
use countersign_core::money::{Currency, Money};
use countersign_core::notice::link::{LinkKey, LinkVerb, Linked};
use countersign_core::notice::plain::plain;
use countersign_core::people::{Account, Calendar, CalendarName, Contact, MailAddress, Whom, Within};
use countersign_core::policy::backtest::Was;
use countersign_core::time::{Millis, Timestamp};
use std::fmt::{Debug, Display};

/// One of each that is read without a fault.
const WORDS: [&str; 41] = [
    "12_000.50 USD",
    "-12.5%",
    "1250.00",
    "2026-11-29",
    "2026-11-29T09:00:00Z",
    "2026-11-29T09:00:00.123+05:30",
    "money USD 0 .. 100_000_000",
    "percent 0% .. 60% step 0.5% round half-even",
    "one of smb, mid, enterprise",
    "date 2020-01-01 .. 2030-12-31",
    "text 1 .. 2_000",
    "record crm account",
    "list 1 .. 50",
    "pool managers",
    "manager of manager of requester",
    "named in approver",
    "owner of policy",
    "role cro, person sam",
    "8bh",
    "4h",
    "20 in 7d, warn at 50%, then refuse",
    "20 in 7d, warn at 50%, then council",
    "20 in 7d, warn at 50%, then throttle 5 a day",
    "role cro for 4h",
    "vp + finance + evidence contract",
    "unsure",
    "sam@example.com",
    "https://login.example.com|248289761001",
    "America/New_York",
    "mon-fri",
    "mon, wed",
    "09:00-17:00",
    "acme.salesforce",
    "clause.new_text",
    "int_01jd3x8w5k9q2r4t6v8y0z1a3c",
    "eff_01jd3x8w5k9q2r4t6v8y0z1a3c",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "half-even",
    "approve",
    "reviewed",
    "xlsx",
];

/// What was read and is written again is read as the same.
fn comes_back<T: Debug + Display + PartialEq, F>(
    text: &str,
    read: impl Fn(&str) -> Result<T, F>,
) -> Option<T> {
    let value = read(text).ok()?;
    let written = value.to_string();
    match read(&written) {
        Ok(again) => assert_eq!(again, value, "{written:?} was read as another"),
        Err(_) => panic!("{written:?}, as {value:?} is written, is refused"),
    }
    Some(value)
}

/// The same of what has one spelling only.
fn is_itself<T: Debug + Display + PartialEq, F>(text: &str, read: impl Fn(&str) -> Result<T, F>) {
    if let Some(value) = comes_back(text, read) {
        assert_eq!(value.to_string(), text);
    }
}

pub(crate) fn round(chance: &mut Chance) {
    for _ in 0..20 {
        let text = changed(chance.word(&WORDS), chance);
        survives("a word", &text, word);
    }
    let calendar = |chance: &mut Chance, whole: &'static str| {
        if chance.percent(50) { whole.to_owned() } else { changed(whole, chance) }
    };
    let zone = calendar(chance, "America/New_York");
    let days = calendar(chance, "mon-fri");
    let hours = calendar(chance, "09:00-17:00");
    let now = Timestamp(i64::try_from(chance.next() >> 16).unwrap_or(0));
    survives("a calendar", &format!("{zone}\n{days}\n{hours}"), |_| {
        match Calendar::parse(&zone, &days, &hours) {
            Ok(calendar) => {
                let until = calendar.after(now, Millis::hours(100));
                assert!(now <= until, "{now} .. {until}");
                assert!(calendar.open_between(now, until) <= Millis::hours(100));
            }
            Err((column, message)) => assert!(column < 3 && !message.is_empty()),
        }
    });
}

fn word(text: &str) {
    names(text);
    for currency in ["USD", "JPY", "KWD"] {
        let currency = Currency::parse(currency).expect("it is one");
        if let Ok(money) = Money::parse(text, currency) {
            assert_eq!(Money::parse(&money.amount(), currency), Ok(money));
        }
    }
    is_itself(text, Currency::parse);
    is_itself(text, |text| Day::parse(text).ok_or(()));
    is_itself(text, |text| Digest::parse(text).ok_or(()));
    comes_back(text, |text| Percent::parse(text).ok_or(()));
    comes_back(text, |text| Timestamp::from_rfc3339(text).ok_or(()));
    comes_back(text, |text| Format::parse(text).ok_or(()).map(Format::word));
    comes_back(text, Whom::parse);
    comes_back(text, Budget::parse);
    comes_back(text, BreakGlass::parse);
    comes_back(text, |text| Closure::parse(text).ok_or(()).map(Closure::as_str));
    comes_back(text, |text| LinkVerb::parse(text).ok_or(()).map(LinkVerb::as_str));
    let _ = (Whom::backups(text), Within::parse(text));
    if let Ok(kind) = parse_type(text) {
        // Step and rounding are not said again.
        let written = kind.to_string();
        let again = parse_type(&written).map(|kind| kind.to_string());
        assert_eq!(again.as_ref(), Ok(&written));
    }
    let _ = (Literal::parse(text), Rounding::parse(text), Was::parse(text), Reading::mark(text));
    let _ = (is_word(text), refused_character(text, 100), plain(text, 80));
    let to = PersonId::parse("sam").expect("a person");
    let linked = Linked { intent: IntentId::from_bits(7), notice: 1, to: &to, revision: 2 };
    assert!(!LinkKey::new([7; 32]).is_of(text, &linked, LinkVerb::Approve));
}

fn names(text: &str) {
    is_itself(text, PersonId::parse);
    is_itself(text, PoolName::parse);
    is_itself(text, RoleName::parse);
    is_itself(text, RouteName::parse);
    is_itself(text, FieldName::parse);
    is_itself(text, BindingName::parse);
    is_itself(text, WebhookName::parse);
    is_itself(text, ConnectorId::parse);
    is_itself(text, ConnectionName::parse);
    is_itself(text, IntentTypeName::parse);
    is_itself(text, str::parse::<IntentId>);
    is_itself(text, str::parse::<EffectId>);
    is_itself(text, str::parse::<GroupId>);
    is_itself(text, str::parse::<DeliveryId>);
    is_itself(text, str::parse::<ExceptionId>);
    is_itself(text, Account::parse);
    is_itself(text, MailAddress::parse);
    is_itself(text, CalendarName::parse);
    let _ = (Contact::mail(text), Contact::webhook(text));
}
