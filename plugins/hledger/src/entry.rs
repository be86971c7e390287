//! One entry: two postings, a code that is the effect id, and tags that finance reconciles by.

use crate::{ENTRY, JOURNAL};
use countersign_sdk::{
    Change, Failure, Field, Money, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The inputs that become tags of the transaction, in their order on paper.
const TAGS: [&str; 4] = ["invoice_id", "payment_id", "reason", "intent_id"];

/// Characters that mean something to hledger in an account name.
const NOT_IN_ACCOUNTS: &[char] = &['(', ')', '[', ']', ';', '"', '*', '!', '='];

/// Characters that end a tag.
const NOT_IN_TAGS: &[char] = &[',', ';'];

/// Digits behind the point that an entry may have.
const PLACES_MAX: usize = 6;

/// An entry of the journal, as wanted or as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) code: String,
    date: String,
    amount: Money,
    ledger_code: String,
    clearing_account: String,
    tags: Vec<(String, String)>,
}

impl Entry {
    /// The plan of an entry: everything that will stand in the journal, the date and the account
    /// on the other side included, so that every attempt writes the same.
    pub(crate) fn plan(
        what: &Proposal,
        date: String,
        clearing_account: String,
    ) -> Result<WritePlan, Failure> {
        let mut full = what.clone();
        for field in &mut full.fields {
            // A record of another system is a plain id in here.
            if let Value::Reference(record) = &field.value {
                field.value = Value::Text(record.id.clone());
            }
        }
        full.fields.push(Field::new("clearing_account", Value::Text(clearing_account)));
        full.fields.push(Field::new("date", Value::Date(date)));
        // Built once, so that what the journal cannot hold is refused before anybody is asked.
        Entry::sealed("planned", &full)?;
        Ok(WritePlan::creation(&full))
    }

    /// The entry that a sealed plan asks for.
    pub(crate) fn sealed(code: &str, what: &Proposal) -> Result<Entry, Failure> {
        let amount = what.money("amount")?;
        if amount.amount.starts_with('-') || mantissa(amount)?.0 == 0 {
            let message = format!("the amount `{amount}` must be more than nothing");
            return Err(Failure::rejected("bad-amount", message).naming("amount"));
        }
        let Value::Date(date) = what.value("date") else {
            return Err(Failure::bug("the plan has no date"));
        };
        let mut tags = Vec::new();
        for name in TAGS {
            if *what.value(name) != Value::Absent {
                tags.push((name.to_owned(), fit(name, what.record_id(name)?, NOT_IN_TAGS)?));
            }
        }
        Ok(Entry {
            code: code.to_owned(),
            date: date.clone(),
            amount: amount.clone(),
            ledger_code: fit("ledger_code", what.text("ledger_code")?, NOT_IN_ACCOUNTS)?,
            clearing_account: fit("clearing_account", what.text("clearing_account")?, NOT_IN_ACCOUNTS)?,
            tags,
        })
    }

    /// The entry that a transaction of the journal is, if it has the shape of one of ours.
    pub(crate) fn found(transaction: &Transaction) -> Option<Entry> {
        let [bearing, clearing] = transaction.tpostings.as_slice() else { return None };
        let [amount] = bearing.pamount.as_slice() else { return None };
        let quantity = &amount.aquantity;
        let tag = |name: &str| transaction.ttags.iter().find(|(tag, _)| tag == name).cloned();
        Some(Entry {
            code: transaction.tcode.clone(),
            date: transaction.tdate.clone(),
            amount: Money::from_minor(quantity.mantissa, quantity.places, &amount.acommodity),
            ledger_code: bearing.paccount.clone(),
            clearing_account: clearing.paccount.clone(),
            tags: TAGS.into_iter().filter_map(tag).collect(),
        })
    }

    /// The transaction in the shape that `hledger-web` takes and gives.
    pub(crate) fn transaction(&self) -> Result<serde_json::Value, Failure> {
        let (mantissa, places) = mantissa(&self.amount)?;
        let reason = self.tags.iter().find(|(name, _)| name == "reason");
        let comment: String = self.tags.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        // The position in the source file is the server's to find; it wants two places there.
        let nowhere = json!({"sourceName": "", "sourceLine": 1, "sourceColumn": 1});
        Ok(json!({
            "tcode": self.code,
            "tcomment": comment,
            "tdate": self.date,
            "tdate2": null,
            "tdescription": reason.map_or("approved", |(_, value)| value),
            "tindex": 0,
            "tpostings": [
                self.posting(&self.ledger_code, mantissa, places),
                self.posting(&self.clearing_account, -mantissa, places),
            ],
            "tprecedingcomment": "",
            "tsourcepos": [nowhere, nowhere],
            "tstatus": "Cleared",
            "ttags": self.tags,
        }))
    }

    fn posting(&self, account: &str, mantissa: i64, places: u32) -> serde_json::Value {
        let style = json!({
            "ascommodityside": "R",
            "ascommodityspaced": true,
            "asdecimalpoint": ".",
            "asdigitgroups": null,
            "asprecision": places,
        });
        let quantity = json!({"decimalMantissa": mantissa, "decimalPlaces": places});
        json!({
            "paccount": account,
            "pamount": [{
                "acommodity": self.amount.currency,
                "aprice": null,
                "aquantity": quantity,
                "astyle": style,
            }],
            "pbalanceassertion": null,
            "pcomment": "",
            "pdate": null,
            "pdate2": null,
            "poriginal": null,
            "pstatus": "Unmarked",
            "ptags": [],
            "ptransaction_": null,
            "ptype": "RegularPosting",
        })
    }

    fn value(&self, name: &str) -> Value {
        match name {
            "amount" => Value::Money(self.amount.clone()),
            "ledger_code" => Value::Text(self.ledger_code.clone()),
            "clearing_account" => Value::Text(self.clearing_account.clone()),
            "date" => Value::Date(self.date.clone()),
            other => Value::text_or_absent(
                self.tags.iter().find(|(name, _)| name == other).map(|(_, value)| value.as_str()),
            ),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let names = ["amount", "ledger_code"].into_iter().chain(TAGS).chain(["clearing_account", "date"]);
        Snapshot {
            subject: RecordRef::new(ENTRY, &self.code),
            revision: None,
            url: None,
            fields: names.map(|name| Field::new(name, self.value(name))).collect(),
        }
    }

    pub(crate) fn receipt(&self, plan: &WritePlan) -> Receipt {
        let held = |change: &Change| Field::new(&change.name, self.value(&change.name));
        Receipt::new(RecordRef::new(ENTRY, &self.code), plan.changes.iter().map(held).collect())
    }
}

/// The journal's own snapshot: how many entries it holds.
pub(crate) fn summary(id: &str, entries: usize) -> Snapshot {
    let count = i64::try_from(entries).unwrap_or(i64::MAX);
    Snapshot {
        subject: RecordRef::new(JOURNAL, id),
        revision: None,
        url: None,
        fields: vec![Field::new("entries", Value::Integer(count))],
    }
}

/// The digits of an amount as an integer, and how many of them stand behind the point.
fn mantissa(amount: &Money) -> Result<(i64, u32), Failure> {
    let places = amount.amount.split_once('.').map_or(0, |(_, digits)| digits.len()).min(PLACES_MAX);
    let places = u32::try_from(places)?;
    Ok((amount.minor(places)?, places))
}

/// Text that hledger reads back as it was written.
fn fit(field: &str, text: &str, forbidden: &[char]) -> Result<String, Failure> {
    let spaced = text.trim() != text || text.contains("  ");
    if spaced || text.contains(|sign: char| sign.is_control() || forbidden.contains(&sign)) {
        let message = format!("the field `{field}` has signs that the journal cannot hold");
        return Err(Failure::rejected("bad-input", message).naming(field));
    }
    Ok(text.to_owned())
}

/// A transaction, as far as this connector reads it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Transaction {
    pub(crate) tcode: String,
    tdate: String,
    #[serde(default)]
    ttags: Vec<(String, String)>,
    tpostings: Vec<Posting>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Posting {
    paccount: String,
    pamount: Vec<Amount>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Amount {
    acommodity: String,
    aquantity: Quantity,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Quantity {
    #[serde(rename = "decimalMantissa")]
    mantissa: i64,
    #[serde(rename = "decimalPlaces")]
    places: u32,
}
