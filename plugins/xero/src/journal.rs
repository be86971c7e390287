//! `post-entry`: a manual journal of two lines.
//! Source: https://developer.xero.com/documentation/api/accounting/manualjournals

use crate::amount::{Cents, positive, positive_in};
use crate::date::{self, Day};
use crate::kept::{self, Kept};
use crate::{MANUAL_JOURNAL, api, input, organisation};
use countersign_sdk::{
    Context, Effect, Failure, Field, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Longest narration, in characters. Xero names no limit; its pages show far less.
const NARRATION_CHARACTERS_MAX: usize = 500;

pub(crate) fn plan(context: &Context<'_>, what: &Proposal, now_ms: u64) -> Result<WritePlan, Failure> {
    let narration = input::line(what, "narration", NARRATION_CHARACTERS_MAX)?;
    let (debit, credit) = (what.text("debit_account")?, what.text("credit_account")?);
    if debit == credit {
        let message = "an entry from an account to itself changes nothing";
        return Err(Failure::rejected("bad-input", message).naming("credit_account"));
    }
    let date = date::today(now_ms);
    let organisation = organisation::named(context, &what.subject.id)?;
    let amount = positive_in(what, &organisation.base_currency)?;
    organisation.is_open_on(&date)?;
    organisation::take_entries(context, [("debit_account", debit), ("credit_account", credit)])?;
    let posted = input::is_final(context)?;
    let fields = vec![
        Field::new("amount", amount.value(&organisation.base_currency)),
        Field::new("debit_account", Value::Text(debit.to_owned())),
        Field::new("credit_account", Value::Text(credit.to_owned())),
        Field::new("narration", Value::Text(narration.to_owned())),
        Field::new("date", Value::Date(date)),
        Field::new("posted", Value::Flag(posted)),
    ];
    let mut plan = WritePlan::creation(&Proposal { fields, ..what.clone() });
    if !posted {
        plan.remarks.push("the journal is a draft until somebody posts it in Xero".to_owned());
    }
    Ok(plan)
}

pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let what = effect.sealed();
    kept::attempt::<ManualJournal, _>(context, effect, "post-journal", || {
        let amount = positive(&what)?;
        let line = |account: &str, cents: i64| -> Result<NewLine, Failure> {
            Ok(NewLine { account_code: what.text(account)?.to_owned(), line_amount: Cents(cents).number()? })
        };
        let journal = NewJournal {
            narration: kept::marked(what.text("narration")?, effect),
            date: input::date(&what, "date")?.to_owned(),
            status: if input::flag(&what, "posted")? { "POSTED" } else { "DRAFT" },
            line_amount_types: "NoTax",
            journal_lines: [line("debit_account", amount.0)?, line("credit_account", -amount.0)?],
        };
        Ok(NewJournals { manual_journals: [journal] })
    })
}

/// A journal does not say its currency: it is that of the books.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let journal: ManualJournal = api::record(context, ManualJournal::LIST, &subject.id)?;
    let currency = organisation::read(context)?.base_currency;
    Ok(kept::snapshot(subject, &journal, &currency))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewJournals {
    manual_journals: [NewJournal; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewJournal {
    narration: String,
    date: String,
    status: &'static str,
    line_amount_types: &'static str,
    journal_lines: [NewLine; 2],
}

/// Debits are positive, credits negative.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewLine {
    account_code: String,
    line_amount: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ManualJournal {
    #[serde(rename = "ManualJournalID")]
    id: String,
    narration: String,
    date: Day,
    status: String,
    journal_lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    account_code: Option<String>,
    line_amount: Option<Cents>,
    #[serde(default)]
    is_blank: bool,
}

impl ManualJournal {
    /// Amount, account that is debited and account that is credited, if it is of two lines that balance.
    fn entry(&self) -> Option<(Cents, &str, &str)> {
        let lines: Vec<&Line> = self.journal_lines.iter().filter(|line| !line.is_blank).collect();
        let [one, other] = lines[..] else { return None };
        let (debit, credit) = if 0 < one.line_amount?.0 { (one, other) } else { (other, one) };
        let amount = debit.line_amount?;
        let balances = 0 < amount.0 && credit.line_amount?.0 == -amount.0;
        balances.then_some((amount, debit.account_code.as_deref()?, credit.account_code.as_deref()?))
    }
}

impl Kept for ManualJournal {
    const KIND: &'static str = MANUAL_JOURNAL;
    const LIST: &'static str = "ManualJournals";
    const ID: &'static str = "ManualJournalID";
    const WORDS: &'static str = "narration";

    fn id(&self) -> &str {
        &self.id
    }

    fn words(&self) -> &str {
        &self.narration
    }

    fn status(&self) -> &str {
        &self.status
    }

    fn fields(&self, currency: &str) -> Vec<Field> {
        let entry = self.entry();
        let account = |code: Option<&str>| Value::text_or_absent(code);
        vec![
            Field::new("amount", entry.map_or(Value::Absent, |(amount, _, _)| amount.value(currency))),
            Field::new("debit_account", account(entry.map(|(_, debit, _)| debit))),
            Field::new("credit_account", account(entry.map(|(_, _, credit)| credit))),
            Field::new("narration", Value::text_or_absent(Some(kept::plain(&self.narration)))),
            Field::new("date", self.date.value()),
            Field::new("posted", Value::Flag(self.status == "POSTED")),
            Field::new("status", Value::text_or_absent(Some(&self.status))),
        ]
    }
}
