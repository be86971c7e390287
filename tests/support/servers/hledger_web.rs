//! Ledger: hledger-web over a journal file of its own.
//!
//! It has no idempotency key: a repeated entry is written twice, so a test that counts
//! entries proves what *we* do.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Process;
use super::http;

/// The accounts that every journal starts with.
const ACCOUNTS: &[&str] = &["assets:clearing", "expenses:refunds:4090", "revenue:subscriptions"];

/// A running hledger-web, whose journal has accounts and one opening entry.
#[derive(Debug)]
pub struct HledgerWeb {
    process: Process,
}

impl HledgerWeb {
    /// Starts one with a fresh journal.
    ///
    /// # Errors
    /// hledger-web is not installed, or does not answer.
    pub fn start() -> Result<Self> {
        let process = Process::start("hledger-web", "/version", |folder, port| {
            std::fs::write(folder.join("main.journal"), opening_journal())?;
            let mut command = Command::new("hledger-web");
            command.args(["-f", "main.journal", "--serve-api", "--host", "127.0.0.1"]).args([
                "--port",
                &port.to_string(),
                "--capabilities=view,add",
            ]);
            Ok(command)
        })
        .context("is `hledger-web` installed? `tests/install` does it")?;
        Ok(Self { process })
    }

    /// The base of an endpoint; it asks for no credential.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// The journal as it is on disk.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn journal(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.process.folder().join("main.journal"))?)
    }

    /// All transactions, as the server answers them.
    ///
    /// # Errors
    /// The server refuses.
    pub fn transactions(&self) -> Result<Vec<Value>> {
        let list = http::get(&format!("{}/transactions", self.base_url()), &[])?.json()?;
        list.as_array().cloned().context("no list of transactions")
    }

    /// The transactions whose code is `code`.
    ///
    /// # Errors
    /// The server refuses.
    pub fn with_code(&self, code: &str) -> Result<Vec<Value>> {
        let all = self.transactions()?;
        Ok(all.into_iter().filter(|transaction| transaction["tcode"] == code).collect())
    }

    /// Appends a transaction to the journal behind everybody's back, as a bookkeeper
    /// with an editor would. The server reads the file again by itself.
    ///
    /// # Errors
    /// The file cannot be written, or the server does not take it.
    pub fn append(&self, entry: &str) -> Result<()> {
        let before = self.journal()?;
        let text = format!("{before}\n{}\n", entry.trim());
        std::fs::write(self.process.folder().join("main.journal"), text)?;
        ensure!(!self.transactions()?.is_empty(), "the journal is no longer read");
        Ok(())
    }
}

fn opening_journal() -> String {
    let accounts: Vec<String> = ACCOUNTS.iter().map(|account| format!("account {account}")).collect();
    format!(
        "{}\n\n2026-01-01 (opening) Opening balance\n    assets:clearing          USD 100000.00\n    revenue:subscriptions\n",
        accounts.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_shows_its_opening_entry_and_what_was_appended() -> Result<()> {
        let ledger = HledgerWeb::start()?;
        assert_eq!(ledger.with_code("opening")?.len(), 1);
        ledger.append("2026-02-01 (late) Edit\n  expenses:refunds:4090  USD 1\n  assets:clearing")?;
        assert_eq!(ledger.with_code("late")?.len(), 1);
        Ok(())
    }
}
