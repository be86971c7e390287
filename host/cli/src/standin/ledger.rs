//! The ledger as hledger-web speaks: a journal that is read and added to, without any key.
//!
//! A repeated entry is written twice, as there, so that a doubled effect would be seen.

use super::Landing;
use super::server::{Asked, Reply, StandIn};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a transaction must have to be understood, as hledger-web reads it.
const MEMBERS: [&str; 10] = [
    "tcode",
    "tcomment",
    "tdate",
    "tdate2",
    "tdescription",
    "tpostings",
    "tprecedingcomment",
    "tsourcepos",
    "tstatus",
    "ttags",
];

/// The state: the journal.
#[derive(Debug, Default)]
pub struct Ledger {
    transactions: Vec<Value>,
}

impl Ledger {
    /// The journal, oldest entry first, as hledger-web shows it.
    #[must_use]
    pub fn transactions(&self) -> &[Value] {
        &self.transactions
    }

    /// Everything that was done here, by the code of the entry.
    #[must_use]
    pub fn landings(&self) -> Vec<Landing> {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for code in self.transactions.iter().filter_map(|entry| entry["tcode"].as_str()) {
            *times.entry(code).or_default() += 1;
        }
        let landing = |(code, times): (&str, usize)| Landing {
            system: Self::NAME,
            operation: "post-entry",
            record: "journal".to_owned(),
            effect: Some(code.to_owned()),
            times,
        };
        times.into_iter().map(landing).collect()
    }

    fn add(&mut self, asked: &Asked) -> Reply {
        let Ok(mut entry) = serde_json::from_slice::<Value>(&asked.body) else {
            return bad("the body is no JSON");
        };
        if let Some(member) = MEMBERS.iter().find(|member| entry.get(**member).is_none()) {
            return bad(&format!("key \"{member}\" not found"));
        }
        if let Err(why) = balanced(&entry) {
            return bad(&why);
        }
        if let Some(members) = entry.as_object_mut() {
            members.insert("tindex".to_owned(), json!(self.transactions.len() + 1));
        }
        self.transactions.push(entry);
        Reply::json(201, &json!([]))
    }
}

impl StandIn for Ledger {
    const NAME: &'static str = "ledger";

    fn answer(&mut self, asked: &Asked) -> Reply {
        match asked.route() {
            ("GET", path) if path == ["transactions"] => Reply::json(200, &json!(self.transactions)),
            ("GET", path) if path == ["version"] => Reply::json(200, &json!("1.25")),
            ("PUT", path) if path == ["add"] => self.add(asked),
            _ => Reply::status(403),
        }
    }

    fn unwell(&self, status: u16) -> Reply {
        Reply::status(status)
    }
}

fn bad(why: &str) -> Reply {
    Reply { body: why.as_bytes().to_vec(), ..Reply::status(400) }
}

/// Whether the postings of each commodity come to nothing together.
fn balanced(entry: &Value) -> Result<(), String> {
    let postings = entry["tpostings"].as_array().filter(|postings| 2 <= postings.len());
    let postings = postings.ok_or("an entry has two postings or more")?;
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for posting in postings {
        posting["paccount"].as_str().ok_or("key \"paccount\" not found")?;
        for amount in posting["pamount"].as_array().ok_or("key \"pamount\" not found")? {
            let commodity = amount["acommodity"].as_str().ok_or("key \"acommodity\" not found")?;
            let quantity = &amount["aquantity"];
            let mantissa = quantity["decimalMantissa"].as_i64().ok_or("key \"decimalMantissa\" not found")?;
            let places = quantity["decimalPlaces"].as_u64().ok_or("key \"decimalPlaces\" not found")?;
            let scale = u32::try_from(places).ok().filter(|places| *places <= 9).ok_or("too many places")?;
            let unit = 10_i128.pow(9 - scale);
            *sums.entry(commodity).or_default() += i128::from(mantissa) * unit;
        }
    }
    match sums.into_iter().find(|(_, sum)| *sum != 0) {
        None => Ok(()),
        Some((commodity, _)) => Err(format!("the entry is unbalanced in {commodity}")),
    }
}
