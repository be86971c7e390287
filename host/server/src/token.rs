//! API tokens: what is sent, what is kept of it, and what it may do.
//!
//! A token is `cs_live_`, 52 digits of 256 random bits, and 8 digits of a checksum, so that secret
//! scanners find it and a mistyped one is known without looking it up. The host keeps only its
//! SHA-256: with 256 bits of chance behind it nothing slower is needed.

use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::limits::TOKENS_MAX;

/// What every token begins with.
pub const TOKEN_PREFIX: &str = "cs_live_";

/// Digits of the 256 random bits.
const SECRET_DIGITS: usize = 52;
/// Digits of the checksum: 40 bits.
const CHECK_DIGITS: usize = 8;

/// Crockford's base 32 in lower case, as ids have it.
static DIGITS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().expect("32 different symbols are an encoding")
});

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Read everything.
    Read,
    /// Submit and withdraw intents in the name of its person.
    Ask,
    /// Decide and close exceptions in the name of its person.
    Decide,
    /// Look after connections and connectors, as far as its person does.
    Operate,
    /// Say who is there: for an identity provider. It stands alone, and its token acts for no person.
    Provision,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 5] = [Scope::Read, Scope::Ask, Scope::Decide, Scope::Operate, Scope::Provision];

    /// Every scope that a person's token can have.
    pub const OF_PEOPLE: [Scope; 4] = [Scope::Read, Scope::Ask, Scope::Decide, Scope::Operate];

    /// The scope as files and surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Ask => "ask",
            Scope::Decide => "decide",
            Scope::Operate => "operate",
            Scope::Provision => "provision",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One token as the token file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// What the operator calls it.
    pub name: String,
    /// In whose name it acts: a person, or the machine that provisions.
    pub person: PersonId,
    /// SHA-256 of the whole token.
    pub sha256: Digest,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
}

/// Every token that this host knows. Replaced as a whole while it serves.
#[derive(Debug, Default)]
pub struct TokenTable {
    known: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Arc<TokenEntry>>,
    /// Those that stood where others could read them. No list brings one back.
    revoked: BTreeSet<Digest>,
}

/// Why a list of tokens is no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotATable {
    /// Two tokens have this name.
    NameTwice(String),
    /// Two entries are the same token; these are their names.
    TokenTwice(String, String),
    /// This one may provision and something else.
    NotAlone(String),
    /// More than a host takes.
    TooMany(usize),
}

impl fmt::Display for NotATable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotATable::NameTwice(name) => write!(formatter, "two tokens are called `{name}`; rename one"),
            NotATable::TokenTwice(one, other) => {
                write!(formatter, "`{one}` and `{other}` are the same token; remove one")
            }
            NotATable::NotAlone(name) => {
                write!(formatter, "the token `{name}` has `provision` and another scope; make two of it")
            }
            NotATable::TooMany(count) => {
                write!(formatter, "{count} tokens, at most {TOKENS_MAX} are taken; remove old ones")
            }
        }
    }
}

impl std::error::Error for NotATable {}

impl TokenTable {
    /// A table of these tokens.
    ///
    /// # Errors
    /// [`NotATable`] if a name or a token stands twice, or there are too many.
    pub fn new(entries: Vec<TokenEntry>) -> Result<TokenTable, NotATable> {
        let table = TokenTable::default();
        table.replace(entries)?;
        Ok(table)
    }

    /// Takes these in place of all that were known. What was revoked because it stood in an address stays so
    /// while this table lives.
    ///
    /// # Errors
    /// [`NotATable`] as for a new table; those that were known stay.
    pub fn replace(&self, entries: Vec<TokenEntry>) -> Result<(), NotATable> {
        if TOKENS_MAX < entries.len() {
            return Err(NotATable::TooMany(entries.len()));
        }
        let mut known: Vec<Arc<TokenEntry>> = Vec::with_capacity(entries.len());
        for entry in entries {
            if known.iter().any(|other| other.name == entry.name) {
                return Err(NotATable::NameTwice(entry.name));
            }
            if let Some(other) = known.iter().find(|other| other.sha256 == entry.sha256) {
                return Err(NotATable::TokenTwice(other.name.clone(), entry.name));
            }
            if entry.scopes.contains(&Scope::Provision) && 1 < entry.scopes.len() {
                return Err(NotATable::NotAlone(entry.name));
            }
            known.push(Arc::new(entry));
        }
        self.known.write().unwrap_or_else(PoisonError::into_inner).entries = known;
        Ok(())
    }

    /// The entry of a token that is known and not revoked. Every entry is compared, in constant time.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<Arc<TokenEntry>> {
        let table = self.known.read().unwrap_or_else(PoisonError::into_inner);
        table.known(token).filter(|entry| !table.revoked.contains(&entry.sha256))
    }

    /// Every token that is known and not revoked, without what lets somebody use it.
    #[must_use]
    pub fn in_force(&self) -> Vec<Arc<TokenEntry>> {
        let table = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let stands = |entry: &&Arc<TokenEntry>| !table.revoked.contains(&entry.sha256);
        table.entries.iter().filter(stands).cloned().collect()
    }

    /// Whether a machine that provisions has this name.
    #[must_use]
    pub fn is_machine(&self, name: &PersonId) -> bool {
        let table = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries = table.entries.iter();
        entries.any(|entry| entry.person == *name && entry.scopes.contains(&Scope::Provision))
    }

    /// Those that were revoked because they stood in an address, as far as they are still in the list: whoever keeps
    /// that takes them out.
    #[must_use]
    pub fn revoked(&self) -> Vec<Digest> {
        let table = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let listed = table.entries.iter().map(|entry| entry.sha256);
        listed.filter(|digest| table.revoked.contains(digest)).collect()
    }

    /// Revokes a token while this table lives, and says what it was called.
    pub fn revoke(&self, token: &str) -> Option<String> {
        let mut table = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let entry = table.known(token)?;
        table.revoked.insert(entry.sha256);
        Some(entry.name.clone())
    }
}

impl Table {
    fn known(&self, token: &str) -> Option<Arc<TokenEntry>> {
        if !is_well_formed(token) {
            return None;
        }
        let digest = Digest::of(token.as_bytes());
        let mut found = None;
        for entry in &self.entries {
            if bool::from(entry.sha256.0.ct_eq(&digest.0)) {
                found = Some(entry);
            }
        }
        found.cloned()
    }
}

/// The token of these 256 random bits. It is shown once and kept nowhere.
#[must_use]
pub fn minted(bits: &[u8; 32]) -> Zeroizing<String> {
    let secret = Zeroizing::new(DIGITS.encode(bits));
    let mut token = Zeroizing::new(String::with_capacity(TOKEN_PREFIX.len() + SECRET_DIGITS + CHECK_DIGITS));
    token.push_str(TOKEN_PREFIX);
    token.push_str(&secret);
    token.push_str(&checksum(&secret));
    token
}

/// What is kept of a token.
#[must_use]
pub fn kept(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// Whether a text has the form of a token and its checksum is right.
#[must_use]
pub fn is_well_formed(token: &str) -> bool {
    let Some(digits) = token.strip_prefix(TOKEN_PREFIX) else { return false };
    match digits.split_at_checked(SECRET_DIGITS) {
        Some((secret, check)) => bool::from(check.as_bytes().ct_eq(checksum(secret).as_bytes())),
        None => false,
    }
}

fn checksum(secret: &str) -> String {
    let digest = Digest::of_parts(&[b"countersign token", secret.as_bytes()]);
    let mut digits = DIGITS.encode(&digest.0);
    digits.truncate(CHECK_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, token: &str) -> TokenEntry {
        TokenEntry {
            name: name.to_owned(),
            person: PersonId::parse("ann").expect("a person"),
            sha256: kept(token),
            scopes: BTreeSet::from([Scope::Read]),
        }
    }

    #[test]
    fn a_token_is_found_until_it_is_revoked() {
        let (one, other) = (minted(&[1; 32]), minted(&[2; 32]));
        let table = TokenTable::new(vec![entry("one", &one)]).expect("a table");
        let name = |token: &str| table.find(token).map(|entry| entry.name.clone());
        assert_eq!(name(&one).as_deref(), Some("one"));
        assert_eq!(name(&other), None);
        assert_eq!(table.revoke(&one).as_deref(), Some("one"));
        assert_eq!(name(&one), None);
        // Another list that still has it does not bring it back.
        table.replace(vec![entry("one", &one), entry("other", &other)]).expect("they are taken");
        assert_eq!((name(&one), name(&other).as_deref()), (None, Some("other")));
        table.replace(vec![entry("same", &other), entry("same", &one)]).expect_err("a name stands twice");
        assert_eq!(name(&other).as_deref(), Some("other"), "those that were known stay");
        table.replace(Vec::new()).expect("they are taken");
        assert_eq!(name(&other), None);
        // Nor does one that comes after a list without it.
        table.replace(vec![entry("one", &one)]).expect("they are taken");
        assert_eq!(name(&one), None);
    }

    #[test]
    fn a_mistyped_token_is_known_by_its_checksum() {
        let token = minted(&[7; 32]);
        assert_eq!(token.len(), TOKEN_PREFIX.len() + SECRET_DIGITS + CHECK_DIGITS);
        assert!(is_well_formed(&token));
        let swapped = token.replacen("cs_live_3", "cs_live_4", 1);
        let shorter = &token[..token.len() - 1];
        let longer = format!("{}0", *token);
        for bad in ["", "cs_live_", "Bearer", shorter, &longer, &token.to_uppercase()] {
            assert!(!is_well_formed(bad), "{bad}");
        }
        assert!(swapped == **token || !is_well_formed(&swapped));
    }

    #[test]
    fn a_table_has_each_name_and_each_token_once() {
        let (one, other) = (minted(&[1; 32]), minted(&[2; 32]));
        let twice = TokenTable::new(vec![entry("one", &one), entry("one", &other)]);
        assert_eq!(twice.err(), Some(NotATable::NameTwice("one".to_owned())));
        let same = TokenTable::new(vec![entry("one", &one), entry("two", &one)]);
        assert_eq!(same.err(), Some(NotATable::TokenTwice("one".to_owned(), "two".to_owned())));
    }

    #[test]
    fn whoever_provisions_does_nothing_else() {
        let token = minted(&[1; 32]);
        let entry = |scopes: &[Scope]| TokenEntry {
            scopes: scopes.iter().copied().collect(),
            ..entry("idp", &token)
        };
        assert!(TokenTable::new(vec![entry(&[Scope::Provision])]).is_ok());
        for other in Scope::OF_PEOPLE {
            let table = TokenTable::new(vec![entry(&[Scope::Provision, other])]);
            assert_eq!(table.err(), Some(NotATable::NotAlone("idp".to_owned())), "{other}");
        }
    }
}
