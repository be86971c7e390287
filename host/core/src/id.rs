//! Ids and names, each a type of its own so that none can stand where another is meant.
//!
//! Ids are 128 bits printed with a prefix (`int_0k3v...`) in Crockford's base 32, lower case, so
//! they fit into URLs, file names and a vendor's key field. Names are what people write in files.

use crate::hash::Digest;
use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Crockford's base 32 in lower case: no i, l, o or u, so an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of one id behind its prefix: 128 bits at 5 bits each, the first digit holds 3.
const ID_DIGITS: usize = 26;

/// Longest name that a file may give to a person, a connection, an intent type and the like.
pub const NAME_BYTES_MAX: usize = 64;

/// A text that is no id or name of the kind that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAName {
    /// What was expected, such as `an intent id (int_...)`.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

impl fmt::Display for NotAName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not {}", self.found, self.expected)
    }
}

impl std::error::Error for NotAName {}

fn write_digits(bits: u128, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut digits = [b'0'; ID_DIGITS];
    let mut rest = bits;
    for place in digits.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).unwrap_or(0);
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    formatter.write_str(std::str::from_utf8(&digits).unwrap_or_default())
}

fn read_digits(text: &str) -> Option<u128> {
    if text.len() != ID_DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits.checked_mul(32)?.checked_add(u128::try_from(digit).ok()?)
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The prefix that every printed id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// An id with exactly these bits.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128 bits of the id.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }

            /// An id derived from a digest: the same input has the same id for ever.
            #[must_use]
            pub fn from_digest(digest: &Digest) -> Self {
                Self(digest.first_bits())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str($prefix)?;
                write_digits(self.0, formatter)
            }
        }

        impl FromStr for $name {
            type Err = NotAName;
            fn from_str(text: &str) -> Result<Self, NotAName> {
                text.strip_prefix($prefix)
                    .and_then(read_digits)
                    .map(Self)
                    .ok_or_else(|| NotAName { expected: $expected, found: text.to_owned() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

id!(
    /// One intent, and the approval that is its life.
    IntentId, "int_", "an intent id (int_...)"
);
id!(
    /// One approved change to one system. Derived, never drawn: see [`crate::effect::key`].
    EffectId, "eff_", "an effect id (eff_...)"
);
id!(
    /// One group of people on record.
    GroupId, "grp_", "a group id (grp_...)"
);
id!(
    /// One delivery of another system.
    DeliveryId, "dlv_", "a delivery id (dlv_...)"
);
id!(
    /// One exception.
    ExceptionId, "exc_", "an exception id (exc_...)"
);

/// Bits that sort by time: 48 bits of `now`, then 80 bits of `chance`.
fn drawn(now: crate::time::Timestamp, chance: u128) -> u128 {
    let moment = u128::try_from(now.0.max(0)).unwrap_or(0) & ((1 << 48) - 1);
    (moment << 80) | (chance & ((1 << 80) - 1))
}

impl IntentId {
    /// An id that sorts by time: 48 bits of `now`, then 80 bits of `chance` from the host.
    #[must_use]
    pub fn drawn(now: crate::time::Timestamp, chance: u128) -> IntentId {
        IntentId(drawn(now, chance))
    }
}

impl DeliveryId {
    /// An id that sorts by time: 48 bits of `now`, then 80 bits of `chance` from the host.
    #[must_use]
    pub fn drawn(now: crate::time::Timestamp, chance: u128) -> DeliveryId {
        DeliveryId(drawn(now, chance))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $extra:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name: a letter or digit in lower case, then letters, digits and
            /// separators, at most [`NAME_BYTES_MAX`] bytes.
            ///
            /// # Errors
            /// [`NotAName`] with the text that was found.
            pub fn parse(text: &str) -> Result<Self, NotAName> {
                let separators: &[u8] = $extra;
                let fits = !text.is_empty() && text.len() <= NAME_BYTES_MAX;
                let starts = text.bytes().next().is_some_and(|first| {
                    first.is_ascii_lowercase() || first.is_ascii_digit()
                });
                let plain = text.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || separators.contains(&byte)
                });
                if fits && starts && plain {
                    Ok(Self(text.into()))
                } else {
                    Err(NotAName { expected: $expected, found: text.to_owned() })
                }
            }

            /// The name as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAName;
            fn from_str(text: &str) -> Result<Self, NotAName> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A person, as `people.md` names them. Never reused.
    PersonId, "a person (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A pool of people that can fill a seat.
    PoolName, "a pool (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A role that one person holds.
    RoleName, "a role (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A configured target.
    ConnectionName, "a connection (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A connector, such as `acme.salesforce`.
    ConnectorId, "a connector (a-z, 0-9, `.`, `-`, `_`)", b"-._"
);
name!(
    /// An intent type, such as `discount`.
    IntentTypeName, "an intent type (a-z, 0-9, `_`, `-`)", b"_-"
);
name!(
    /// A binding of an intent type: one change to one connection.
    BindingName, "a binding (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A route that a policy asks for.
    RouteName, "a route (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A webhook of the configuration, through which people are told.
    WebhookName, "a webhook (a-z, 0-9, `-`, `_`)", b"-_"
);
name!(
    /// A token, fact, input or term; at most one dot, which reaches into the one list.
    FieldName, "a field name (a-z, 0-9, `_`, at most one dot)", b"_."
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn an_id_prints_as_it_is_read() {
        for bits in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = IntentId::from_bits(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let beyond = format!("int_8{}", "0".repeat(25));
        for text in ["", "int_", "eff_00000000000000000000000000", "int_0000000000000000000000000i", &beyond]
        {
            assert!(text.parse::<IntentId>().is_err(), "{text}");
        }
    }

    #[test]
    fn drawn_ids_sort_by_time() {
        assert!(IntentId::drawn(Timestamp(1), u128::MAX) < IntentId::drawn(Timestamp(2), 0));
    }

    #[test]
    fn a_name_is_plain_lower_case() {
        for good in ["crm", "deal-desk-1", "7", "contract_redline"] {
            assert!(PersonId::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", "-a", "Crm", "a b", "é", "a.b", &long] {
            assert!(PersonId::parse(bad).is_err(), "{bad}");
        }
        assert!(FieldName::parse("clause.topic").is_ok());
    }
}
