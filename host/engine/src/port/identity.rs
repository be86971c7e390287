//! The identity port: an OpenID provider that says who a browser belongs to.

use super::Answer;
use countersign_core::people::Account;
use countersign_core::time::Timestamp;
use std::fmt;

/// One provider.
pub trait IdentityProvider: Send + Sync + 'static {
    /// Where the browser is to be sent, so that the provider asks its person.
    fn begin(&self, ask: Ask) -> Answer<'_, Result<String, NotSignedIn>>;

    /// Who it was, once the browser is back with a code. Nothing of the provider's answer is kept but this.
    fn finish(&self, back: Back) -> Answer<'_, Result<Identity, NotSignedIn>>;
}

/// What ties the provider's answer to the browser that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the signed answer.
    pub nonce: String,
    /// `BASE64URL(SHA-256(verifier))`: whoever steals the code has no verifier (RFC 7636).
    pub challenge: String,
}

/// What the browser came back with, and what was kept for it.
#[derive(Clone)]
pub struct Back {
    /// The provider's code; it can be spent once.
    pub code: String,
    /// Who sent the browser back, where the provider says so (RFC 9207).
    pub issuer: Option<String>,
    /// The nonce of the [`Ask`].
    pub nonce: String,
    /// The verifier behind its challenge.
    pub verifier: String,
    /// Now.
    pub now: Timestamp,
}

impl fmt::Debug for Back {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Back").finish_non_exhaustive()
    }
}

/// Whom the provider has recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it calls them.
    pub account: Account,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSignedIn {
    /// The provider cannot be reached or did not answer as it should: trying again can help.
    Unreachable(String),
    /// Its answer is not to be believed, or says no.
    Refused(String),
}

impl fmt::Display for NotSignedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSignedIn::Unreachable(why) => {
                write!(formatter, "the identity provider does not answer: {why}")
            }
            NotSignedIn::Refused(why) => {
                write!(formatter, "the identity provider's answer is not taken: {why}")
            }
        }
    }
}

impl std::error::Error for NotSignedIn {}
