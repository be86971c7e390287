//! The provider's signed answer: what must be in it before a word of it is believed (OpenID Connect Core 1.0,
//! section 3.1.3.7).

use super::Claim;
use super::keys::{ALGORITHMS, Signer};
use countersign_core::time::Timestamp;
use countersign_engine::port::identity::NotSignedIn;
use jsonwebtoken::{Validation, decode};
use serde::Deserialize;

/// How far the provider's clock may be from ours, in seconds.
const SKEW_SECONDS: i64 = 60;
/// How old an answer may be that was made for a code just now, in seconds.
const AGE_SECONDS_MAX: i64 = 10 * 60;

/// What the answer must be about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// What it says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    sub: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    aud: serde_json::Value,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: serde_json::Value,
    #[serde(default)]
    preferred_username: Option<String>,
}

impl Claims {
    /// The account that the configured claim names.
    pub(super) fn account(&self, claim: Claim) -> Result<&str, NotSignedIn> {
        let missing =
            |name: &str| NotSignedIn::Refused(format!("it does not say `{name}`; have it send this claim"));
        match claim {
            Claim::Subject => Ok(&self.sub),
            Claim::PreferredUsername => {
                self.preferred_username.as_deref().ok_or_else(|| missing("preferred_username"))
            }
            Claim::Email => match (self.email.as_deref(), self.is_verified()) {
                (Some(email), true) => Ok(email),
                // Whoever may type an address in there would be whoever it belongs to.
                (Some(_), false) => {
                    Err(NotSignedIn::Refused("it does not say that the mail address was verified".to_owned()))
                }
                (None, _) => Err(missing("email")),
            },
        }
    }

    /// Some providers write it as text.
    fn is_verified(&self) -> bool {
        self.email_verified == true || self.email_verified == "true"
    }
}

/// Checks the signature and everything that ties the answer to this host, this browser and this moment.
pub(super) fn verified(token: &str, by: Signer, expected: &Expected<'_>) -> Result<Claims, NotSignedIn> {
    let refused = |why: &str| Err(NotSignedIn::Refused(why.to_owned()));
    let mut validation = Validation::new(by.algorithm);
    validation.algorithms.retain(|algorithm| ALGORITHMS.contains(algorithm));
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    // Time is the host's clock, which the library does not know.
    validation.validate_exp = false;
    let claims: Claims = match decode(token, &by.key, &validation) {
        Ok(decoded) => decoded.claims,
        Err(fault) => return Err(NotSignedIn::Refused(format!("its answer does not hold: {fault}"))),
    };
    let now = expected.now.0.div_euclid(1_000);
    if claims.exp.saturating_add(SKEW_SECONDS) <= now {
        return refused("its answer is out of date");
    }
    if now.saturating_add(SKEW_SECONDS) < claims.iat {
        return refused("its answer is of the future: compare the clocks");
    }
    if claims.iat.saturating_add(AGE_SECONDS_MAX) < now {
        return refused("its answer is old: compare the clocks");
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return refused("its answer is for another sign-in");
    }
    let several = claims.aud.as_array().is_some_and(|all| 1 < all.len());
    match claims.azp.as_deref() {
        Some(azp) if azp != expected.client => return refused("its answer was made for another host"),
        None if several => return refused("its answer is for several hosts and does not say which"),
        Some(_) | None => {}
    }
    Ok(claims)
}
