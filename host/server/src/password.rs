//! Passwords of people who sign in without an identity provider: only their Argon2id hashes are kept.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2};
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Fewest and most characters of a password: what NIST SP 800-63B-4 asks of one that is all there is, and a
/// bound on what is hashed.
pub const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 15..=128;

/// Most people with a password: beyond it a house has an identity provider.
pub const PASSWORDS_MAX: usize = 1_000;

/// One password as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordEntry {
    /// Whose.
    pub person: PersonId,
    /// Its hash as a PHC string: `$argon2id$v=19$...`.
    pub argon2id: String,
}

/// Every password that this host knows. Replaced as a whole while it serves.
#[derive(Debug, Default)]
pub struct Passwords {
    known: RwLock<Arc<BTreeMap<PersonId, String>>>,
}

impl Passwords {
    /// Takes these in place of all that were known.
    ///
    /// # Errors
    /// What is wrong with them; those that were known stay.
    pub fn replace(&self, entries: Vec<PasswordEntry>) -> Result<(), String> {
        if PASSWORDS_MAX < entries.len() {
            return Err(format!("{} passwords, at most {PASSWORDS_MAX} are taken", entries.len()));
        }
        let mut known = BTreeMap::new();
        for PasswordEntry { person, argon2id } in entries {
            let hash = PasswordHash::new(&argon2id).ok();
            if hash.is_none_or(|hash| hash.algorithm.as_str() != Algorithm::Argon2id.as_str()) {
                return Err(format!("the hash of `{person}` is no Argon2id hash"));
            }
            if known.insert(person.clone(), argon2id).is_some() {
                return Err(format!("`{person}` stands twice; remove one"));
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// Whether anybody has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// What tells a person's password from the one they had before.
    pub(crate) fn digest(&self, person: &PersonId) -> Option<Digest> {
        self.all().get(person).map(|hash| Digest::of(hash.as_bytes()))
    }

    /// What tells this password from others, if it is this person's. Takes as long for somebody who has none. Keeps
    /// a core busy for some 20 milliseconds.
    pub(crate) fn verified(&self, person: Option<&PersonId>, password: &str) -> Option<Digest> {
        let all = self.all();
        let hash = person.and_then(|person| all.get(person));
        let parsed = PasswordHash::new(hash.map_or(NOBODYS, String::as_str));
        let fits = parsed
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
        hash.filter(|_| fits).map(|hash| Digest::of(hash.as_bytes()))
    }

    fn all(&self) -> Arc<BTreeMap<PersonId, String>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The hash of a password that nobody has, with the costs of every other.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$aV3mBdbGNnxJAvNxmnUgcE4ilvrfFWnRuMNPDdmQGmc";

/// What is kept of a password.
///
/// # Errors
/// If it is too short or too long, or the operating system gives no random bits for the salt.
pub fn hashed(password: &str) -> Result<String, String> {
    let length = password.chars().count();
    if !PASSWORD_CHARACTERS.contains(&length) {
        let (least, most) = (PASSWORD_CHARACTERS.start(), PASSWORD_CHARACTERS.end());
        return Err(format!("a password has {least} to {most} characters, this one has {length}"));
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|fault| format!("the password cannot be hashed: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> PersonId {
        PersonId::parse(name).expect("a person")
    }

    #[test]
    fn a_password_is_of_one_person_and_kept_as_a_hash() {
        let hash = hashed("correct horse battery").expect("long enough");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let passwords = Passwords::default();
        let entry = PasswordEntry { person: person("ann"), argon2id: hash.clone() };
        passwords.replace(vec![entry.clone()]).expect("they are taken");
        assert!(passwords.verified(Some(&person("ann")), "correct horse battery").is_some());
        assert!(passwords.verified(Some(&person("ann")), "correct horse batterz").is_none());
        assert!(passwords.verified(Some(&person("bo")), "correct horse battery").is_none());
        assert!(passwords.verified(None, "correct horse battery").is_none());
        let twice = passwords.replace(vec![entry.clone(), entry]);
        assert!(twice.expect_err("it stands twice").contains("twice"));
        for other in ["plain", "$argon2i$v=19$m=19456,t=2,p=1$bm9ib2R5$aV3mBdbGNnxJAvNxmnUgcA", "$md5$abcd"] {
            let odd = PasswordEntry { person: person("bo"), argon2id: other.to_owned() };
            assert!(passwords.replace(vec![odd]).is_err(), "{other}");
        }
        assert!(
            passwords.verified(Some(&person("ann")), "correct horse battery").is_some(),
            "those that were known stay"
        );
    }

    #[test]
    fn whoever_has_no_password_takes_as_long() {
        let nobodys = PasswordHash::new(NOBODYS).expect("a hash");
        let real = hashed("correct horse battery").expect("long enough");
        let real = PasswordHash::new(&real).expect("a hash");
        assert_eq!(nobodys.params.to_string(), real.params.to_string());
        assert_eq!(nobodys.algorithm, real.algorithm);
    }

    #[test]
    fn a_short_password_is_refused() {
        assert!(hashed("14 characters.").expect_err("too short").contains("this one has 14"));
        assert!(hashed(&"x".repeat(129)).is_err());
    }
}
