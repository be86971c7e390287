//! How a person is told: by mail, or by a webhook that the configuration names.

use crate::id::WebhookName;
use serde::{Deserialize, Serialize, de};
use std::fmt;

/// Longest mail address, in bytes: what a mail server takes (RFC 5321, the path without its brackets).
const MAIL_BYTES_MAX: usize = 254;

/// One way to tell a person something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// To this address.
    Mail(MailAddress),
    /// Through this webhook of the configuration.
    Webhook(WebhookName),
}

/// A mail address that is plain enough to stand in a header as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MailAddress(String);

impl Contact {
    /// By mail to this address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn mail(text: &str) -> Result<Contact, String> {
        MailAddress::parse(text).map(Contact::Mail)
    }

    /// By the webhook of this name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn webhook(text: &str) -> Result<Contact, String> {
        if text.is_empty() {
            return Err("the webhook has no name".to_owned());
        }
        WebhookName::parse(text).map(Contact::Webhook).map_err(|fault| fault.to_string())
    }

    /// The way without the address: `mail`, `webhook`.
    #[must_use]
    pub fn way(&self) -> &'static str {
        match self {
            Contact::Mail(_) => "mail",
            Contact::Webhook(_) => "webhook",
        }
    }
}

impl fmt::Display for Contact {
    /// `mail to sam@example.com`, `webhook chat`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contact::Mail(address) => write!(formatter, "mail to {address}"),
            Contact::Webhook(name) => write!(formatter, "webhook {name}"),
        }
    }
}

impl MailAddress {
    /// Reads `NAME@DOMAIN`: ASCII without quotes, comments and blanks, so that it means the same to every
    /// mail server and nothing can hide in it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<MailAddress, String> {
        if text.is_empty() {
            return Err("there is no address".to_owned());
        }
        let (name, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        let dotted = |part: &str, plain: fn(u8) -> bool| {
            part.split('.').all(|label| !label.is_empty() && label.bytes().all(plain))
        };
        let label = |label: &str| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
        let fits = text.len() <= MAIL_BYTES_MAX
            && name.len() <= 64
            && dotted(name, |byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{}~".contains(&byte))
            && dotted(domain, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && domain.split('.').all(label);
        if fits {
            Ok(MailAddress(text.to_owned()))
        } else {
            Err(format!("`{}` is no mail address; write `sam@example.com`", text.escape_debug()))
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MailAddress::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_or_refused() {
        for good in ["sam@example.com", "sam.o'neil+desk@mail.example.co", "a@localhost", "x_1@b-c.io"] {
            assert!(MailAddress::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "sam",
            "@example.com",
            "sam@",
            "sam@@example.com",
            "sam@example..com",
            ".sam@example.com",
            "sam@-example.com",
            "sam smith@example.com",
            "\"sam\"@example.com",
            "sam@example.com\r\nBcc: eve@example.com",
            "<sam@example.com>",
            "sam@exämple.com",
            &long,
        ] {
            assert!(MailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
