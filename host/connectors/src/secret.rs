//! A credential on its way from the operator's configuration to the egress gate.

use secrecy::{ExposeSecret, SecretString};

/// A credential. It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log by accident,
/// and its bytes are wiped when it is dropped.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a secret must not be printable")]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the bytes that the caller resolved from a reference such as `env:STRIPE_KEY`.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret(SecretString::from(text))
    }

    /// The secret itself, for the gate only.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
