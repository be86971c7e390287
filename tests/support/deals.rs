//! The deals of the starter rules: scripted systems that know them, and a discount that is asked for.

use crate::scripted::Scripted;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::intent::Raw;
use countersign_core::record::{RecordRef, Value};

/// What the starter's discount asks and writes: accounts `A-1` (smb) and `A-2` (pub), and the quote `Q-1` at a
/// margin of 40 %.
#[must_use]
pub fn connectors() -> Scripted {
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    for (account, segment) in [("A-1", "smb"), ("A-2", "pub")] {
        let fields = [
            ("segment", Value::Text(segment.into())),
            ("billing_account", Value::Reference(customer.clone())),
        ];
        connectors.put("crm", "account", account, &fields);
    }
    let quote = [("margin", Value::Decimal("40".into())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "Q-1", &quote);
    connectors
}

/// The tokens of a discount on the quote of [`connectors`]: for whom, how much, and off which amount in USD.
#[must_use]
pub fn discount(account: &str, percent: &str, amount: &str) -> Raw {
    let text = |text: &str| Raw::Text(text.to_owned());
    let map = |members: Vec<(&str, Raw)>| {
        Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    map(vec![
        ("quote_id", text("Q-1")),
        ("customer_id", text(account)),
        ("discount_percent", text(percent)),
        ("amount", map(vec![("amount", text(amount)), ("currency", text("USD"))])),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text("competitor")),
    ])
}
