//! An account at the identity provider: how a person who signs in is recognised.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest account, in bytes: OpenID Connect's limit for a subject.
const ACCOUNT_BYTES_MAX: usize = 255;

/// What the identity provider calls a person: the value of the claim that the configuration names.
/// Compared byte for byte, so that no two accounts look like one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Account(String);

impl Account {
    /// Reads an account.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Account, String> {
        if text.is_empty() || ACCOUNT_BYTES_MAX < text.len() {
            return Err(format!(
                "an account has 1 to {ACCOUNT_BYTES_MAX} bytes, this one has {}",
                text.len()
            ));
        }
        // A subject is ASCII by the specification; a look-alike letter would be another person's.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an account is of visible ASCII letters, digits and signs, without spaces".to_owned());
        }
        Ok(Account(text.to_owned()))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Account {
    type Error = String;

    fn try_from(text: String) -> Result<Account, String> {
        Account::parse(&text)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
