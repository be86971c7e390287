//! The organisation of the connection: what its ledger is in, what is locked, and which accounts take entries.

use crate::ORGANISATION;
use crate::api;
use crate::date::Day;
use countersign_sdk::{Context, Failure, Field, RecordRef, Snapshot, Value};
use serde::Deserialize;

/// Accounts that Xero lets no manual journal touch, beside those at banks.
/// Source: https://developer.xero.com/documentation/api/accounting/manualjournals
const RESERVED: [&str; 3] = ["CREDITORS", "DEBTORS", "RETAINEDEARNINGS"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Organisation {
    #[serde(rename = "OrganisationID")]
    id: String,
    name: String,
    pub(crate) base_currency: String,
    period_lock_date: Option<Day>,
    end_of_year_lock_date: Option<Day>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    code: Option<String>,
    r#type: String,
    status: String,
    system_account: Option<String>,
}

/// The organisation that the credential is for: there is exactly one.
pub(crate) fn read(context: &Context<'_>) -> Result<Organisation, Failure> {
    api::only(&api::settled(api::get(context, &["Organisation"]).read()?)?)
}

/// The same, if it is this one: an entry for one organisation never lands in another one's books.
pub(crate) fn named(context: &Context<'_>, id: &str) -> Result<Organisation, Failure> {
    let organisation = read(context)?;
    if organisation.id.eq_ignore_ascii_case(id) {
        return Ok(organisation);
    }
    Err(Failure::not_found(RecordRef::new(ORGANISATION, id)))
}

pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let organisation = named(context, &subject.id)?;
    let day = |day: &Option<Day>| day.as_ref().map_or(Value::Absent, Day::value);
    let fields = vec![
        Field::new("name", Value::text_or_absent(Some(&organisation.name))),
        Field::new("base_currency", Value::text_or_absent(Some(&organisation.base_currency))),
        Field::new("period_lock_date", day(&organisation.period_lock_date)),
        Field::new("end_of_year_lock_date", day(&organisation.end_of_year_lock_date)),
    ];
    Ok(Snapshot { subject: subject.clone(), revision: None, url: None, fields })
}

impl Organisation {
    /// Refuses a day up to which the books are locked. Xero lets an adviser write before the lock of a period all the
    /// same; we do not.
    pub(crate) fn is_open_on(&self, date: &str) -> Result<(), Failure> {
        let locks = [&self.period_lock_date, &self.end_of_year_lock_date];
        match locks.into_iter().flatten().max() {
            Some(Day(lock)) if date <= lock.as_str() => {
                let message = format!("the books are locked up to {lock}, and the entry is of {date}");
                Err(Failure::rejected("locked-period", message))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Refuses accounts that take no manual journal; each with the name of its field.
pub(crate) fn take_entries(context: &Context<'_>, wanted: [(&str, &str); 2]) -> Result<(), Failure> {
    let accounts: Vec<Account> = api::all(context, "Accounts")?;
    for (field, code) in wanted {
        let refused = |why: &str, message: String| Err(Failure::rejected(why, message).naming(field));
        match accounts.iter().find(|account| account.code.as_deref() == Some(code)) {
            None => return refused("no-such-account", format!("there is no account `{code}`")),
            Some(account) if account.status != "ACTIVE" => {
                return refused("account-archived", format!("the account `{code}` is archived"));
            }
            Some(Account { r#type, system_account, .. })
                if r#type == "BANK"
                    || system_account.as_deref().is_some_and(|name| RESERVED.contains(&name)) =>
            {
                return refused(
                    "account-reserved",
                    format!("the account `{code}` takes no manual journal: Xero keeps it by itself"),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}
