//! The five ways in which a call can fail, each of them one action of the host.

use crate::http::Answer;
use std::fmt;

/// Code of a failure that the connector's author did not foresee.
pub const CONNECTOR_BUG: &str = "connector.bug";

/// Facts for people about a failure. Nothing in it decides what the host does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// Short code from an open list, such as `rate-limited`.
    pub code: String,
    /// One line, lower case, no full stop, no personal data, no secret.
    pub message: String,
    /// HTTP status of the vendor's answer, if there was one.
    pub vendor_status: Option<u16>,
    /// The vendor's own id of the request, if it gave one.
    pub vendor_request_id: Option<String>,
    /// Further facts: documented names.
    pub extra: Vec<(String, String)>,
}

/// Why a call gave no result. The case, and nothing else, says what happens next.
///
/// Every `std` error converts into `rejected` with the code `connector.bug`, so `?` is always at
/// hand; a failure that you can foresee deserves a case and a code of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was changed and trying again may help.
    Transient {
        /// How long the vendor asked us to wait, in milliseconds, if it said.
        after_ms: Option<u64>,
        /// For people.
        detail: Box<Detail>,
    },
    /// It will never work as asked.
    Rejected {
        /// Names of the fields that the vendor objected to; empty if it named none.
        fields: Vec<String>,
        /// For people.
        detail: Box<Detail>,
    },
    /// The record moved under us.
    Conflict {
        /// The revision that the vendor holds now, if known.
        revision: Option<String>,
        /// For people.
        detail: Box<Detail>,
    },
    /// Credential or permission trouble.
    Denied(Box<Detail>),
    /// The change may or may not have landed.
    Uncertain(Box<Detail>),
}

impl Failure {
    /// Nothing was changed and trying again may help.
    #[must_use]
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::Transient { after_ms: None, detail: Detail::boxed(code, message) }
    }

    /// It will never work as asked.
    #[must_use]
    pub fn rejected(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::Rejected { fields: Vec::new(), detail: Detail::boxed(code, message) }
    }

    /// The record moved under us.
    #[must_use]
    pub fn conflict(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::Conflict { revision: None, detail: Detail::boxed(code, message) }
    }

    /// Credential or permission trouble.
    #[must_use]
    pub fn denied(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::Denied(Detail::boxed(code, message))
    }

    /// The change may or may not have landed.
    #[must_use]
    pub fn uncertain(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::Uncertain(Detail::boxed(code, message))
    }

    /// The connector met something that its author did not foresee.
    #[must_use]
    pub fn bug(message: impl Into<String>) -> Failure {
        Failure::rejected(CONNECTOR_BUG, message)
    }

    /// The record is not there: `rejected` with the code that the contract names for it.
    #[must_use]
    pub fn not_found(what: impl fmt::Display) -> Failure {
        Failure::rejected("not-found", format!("the target has no record `{what}`"))
    }

    /// The operation is none of the connector's.
    #[must_use]
    pub fn unknown_operation(name: &str) -> Failure {
        Failure::rejected("unknown-operation", format!("this connector has no operation `{name}`"))
    }

    /// The record's kind is none of the connector's, or not the operation's.
    #[must_use]
    pub fn unknown_kind(kind: &str) -> Failure {
        Failure::rejected("unknown-kind", format!("records of the kind `{kind}` cannot be used here"))
    }

    /// Adds a field to those that a `rejected` names; other cases name none and stay as they are.
    #[must_use]
    pub fn naming(mut self, field: impl Into<String>) -> Failure {
        if let Failure::Rejected { fields, .. } = &mut self {
            fields.push(field.into());
        }
        self
    }

    /// Says which revision the vendor holds now; only a `conflict` has one.
    #[must_use]
    pub fn at_revision(mut self, held: impl Into<String>) -> Failure {
        if let Failure::Conflict { revision, .. } = &mut self {
            *revision = Some(held.into());
        }
        self
    }

    /// Says how long the vendor asked to wait; only a `transient` can wait.
    #[must_use]
    pub fn after_ms(mut self, wait: Option<u64>) -> Failure {
        if let Failure::Transient { after_ms, .. } = &mut self {
            *after_ms = wait;
        }
        self
    }

    /// Takes status and request id over from the vendor's answer.
    #[must_use]
    pub fn answered(mut self, answer: &Answer) -> Failure {
        let detail = self.detail_mut();
        detail.vendor_status = Some(answer.status());
        detail.vendor_request_id = answer.request_id().map(ToOwned::to_owned);
        self
    }

    /// The facts for people.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        match self {
            Failure::Transient { detail, .. }
            | Failure::Rejected { detail, .. }
            | Failure::Conflict { detail, .. }
            | Failure::Denied(detail)
            | Failure::Uncertain(detail) => detail,
        }
    }

    /// The facts for people, to add to.
    pub fn detail_mut(&mut self) -> &mut Detail {
        match self {
            Failure::Transient { detail, .. }
            | Failure::Rejected { detail, .. }
            | Failure::Conflict { detail, .. }
            | Failure::Denied(detail)
            | Failure::Uncertain(detail) => detail,
        }
    }

    /// The short code of the failure.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.detail().code
    }

    /// Whether the failure says that the record is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Failure::Rejected { detail, .. } if detail.code == "not-found")
    }

    /// The name of the case, as the contract spells it.
    #[must_use]
    pub fn case(&self) -> &'static str {
        match self {
            Failure::Transient { .. } => "transient",
            Failure::Rejected { .. } => "rejected",
            Failure::Conflict { .. } => "conflict",
            Failure::Denied(_) => "denied",
            Failure::Uncertain(_) => "uncertain",
        }
    }
}

impl Detail {
    /// A code and a message. The message is brought to one line.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Detail {
        let message = message.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Detail { code: code.into(), message, ..Detail::default() }
    }

    /// A code and a message, boxed as [`Failure`] keeps them.
    fn boxed(code: impl Into<String>, message: impl Into<String>) -> Box<Detail> {
        Box::new(Detail::new(code, message))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail();
        write!(formatter, "{} ({}): {}", self.case(), detail.code, detail.message)
    }
}

// `Failure` itself is no `std` error, on purpose: that leaves room for this conversion.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::bug(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unforeseen_error_is_a_rejection_that_names_the_connector() {
        fn reads() -> Result<i64, Failure> {
            Ok("twelve".parse::<i64>()?)
        }
        let failure = reads().expect_err("no number");
        assert_eq!((failure.case(), failure.code()), ("rejected", CONNECTOR_BUG));
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(Failure::denied("x", "two\n  lines").to_string(), "denied (x): two lines");
    }

    #[test]
    fn only_a_rejection_names_fields_and_only_a_transient_waits() {
        let refused = Failure::rejected("x", "y").naming("amount").after_ms(Some(5));
        assert_eq!(
            refused,
            Failure::Rejected { fields: vec!["amount".to_owned()], detail: Detail::boxed("x", "y") }
        );
        let later = Failure::transient("x", "y").naming("amount").after_ms(Some(5));
        assert_eq!(later, Failure::Transient { after_ms: Some(5), detail: Detail::boxed("x", "y") });
    }
}
