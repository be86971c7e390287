//! Links of messages: each opens one form for one person, one revision and one verb, and ends with its use.
//!
//! A link proves nothing about who opens it: whoever does signs in, and must be the person whom the notice told.
//! Its code keeps others from guessing addresses that say what waits for whom. It is derived and never drawn,
//! so that a message which is sent again carries the same link and no secret stands in the log.

use super::{About, is_over};
use crate::approval::Approval;
use crate::approval::command::{Command, Voice};
use crate::id::{IntentId, PersonId};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;

/// Bytes of a code: 128 bits.
const CODE_BYTES: usize = 16;

/// What a link lets its person do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkVerb {
    /// Approve in their seat.
    Approve,
    /// Decline in their seat.
    Decline,
    /// Ask the requester.
    Ask,
    /// Answer what was asked of them.
    Answer,
}

impl LinkVerb {
    /// Every verb.
    pub const ALL: [LinkVerb; 4] = [LinkVerb::Approve, LinkVerb::Decline, LinkVerb::Ask, LinkVerb::Answer];

    /// The verb as addresses spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LinkVerb::Approve => "approve",
            LinkVerb::Decline => "decline",
            LinkVerb::Ask => "ask",
            LinkVerb::Answer => "answer",
        }
    }

    /// The verb that an address spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<LinkVerb> {
        LinkVerb::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    /// The verbs of what a notice is about.
    #[must_use]
    pub fn of(about: &About) -> &'static [LinkVerb] {
        match about {
            About::Seat { .. } | About::Free { .. } | About::Answer { .. } => {
                &[LinkVerb::Approve, LinkVerb::Decline, LinkVerb::Ask]
            }
            About::Question { .. } => &[LinkVerb::Answer],
            About::Soon { .. }
            | About::SentBack
            | About::Missed { .. }
            | About::HeldUp { .. }
            | About::Exception { .. }
            | About::SoonException { .. }
            | About::GlassBroken
            | About::Approved
            | About::Declined
            | About::Done => &[],
        }
    }

    /// The verb, the person and the revision of a command, if a link can carry it.
    #[must_use]
    pub fn of_command(command: &Command) -> Option<(LinkVerb, &PersonId, u32)> {
        let (verb, person, revision) = if let Command::Decide { person, revision, voice, .. } = command {
            let verb = match voice {
                Voice::Approve { .. } => LinkVerb::Approve,
                Voice::Decline { .. } => LinkVerb::Decline,
            };
            (verb, person, revision)
        } else if let Command::Ask { person, revision, .. } = command {
            (LinkVerb::Ask, person, revision)
        } else if let Command::Answer { person, revision, .. } = command {
            (LinkVerb::Answer, person, revision)
        } else {
            return None;
        };
        Some((verb, person, *revision))
    }
}

/// The secret of this installation's links. Whoever has it can make addresses, and still must sign in.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

impl fmt::Debug for LinkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkKey(..)")
    }
}

/// A notice as its links name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked<'a> {
    /// The intent.
    pub intent: IntentId,
    /// The number of the notice.
    pub notice: u32,
    /// Whom it told.
    pub to: &'a PersonId,
    /// The revision that it told them of.
    pub revision: u32,
}

impl LinkKey {
    /// Takes 32 random bytes that were drawn once and kept since.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> LinkKey {
        LinkKey(bytes)
    }

    /// The code of a link: the first 128 bits of `HMAC-SHA256(key, intent ‖ notice ‖ revision ‖ verb ‖ 0 ‖
    /// person)`, in base 32. The parts before the person have a fixed length or end with a zero byte.
    #[must_use]
    pub fn code(&self, linked: &Linked<'_>, verb: LinkVerb) -> String {
        // INVARIANT: HMAC takes keys of every length (RFC 2104), so the fallback is never reached; an empty
        // code opens nothing.
        let Some(mac) = self.mac(linked, verb) else { return String::new() };
        let bytes = mac.finalize().into_bytes();
        BASE32_NOPAD.encode(bytes.get(..CODE_BYTES).unwrap_or_default()).to_ascii_lowercase()
    }

    fn mac(&self, linked: &Linked<'_>, verb: LinkVerb) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&linked.intent.bits().to_be_bytes());
        mac.update(&linked.notice.to_be_bytes());
        mac.update(&linked.revision.to_be_bytes());
        mac.update(verb.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(linked.to.as_str().as_bytes());
        Some(mac)
    }

    /// Whether `code` is the code of this link; takes as long for every wrong one.
    #[must_use]
    pub fn is_of(&self, code: &str, linked: &Linked<'_>, verb: LinkVerb) -> bool {
        // One spelling only: an address that is not the one that was sent is another one.
        if code.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return false;
        }
        let Ok(bytes) = BASE32_NOPAD.decode(code.to_ascii_uppercase().as_bytes()) else { return false };
        let mac = self.mac(linked, verb).filter(|_| bytes.len() == CODE_BYTES);
        mac.is_some_and(|mac| mac.verify_truncated_left(&bytes).is_ok())
    }
}

/// Where this host is reached, and the key of its links.
#[derive(Debug, Clone)]
pub struct Links {
    /// `https://approvals.example.com`.
    pub host: String,
    /// The key.
    pub key: LinkKey,
}

impl Links {
    /// The address of a link.
    #[must_use]
    pub fn address(&self, linked: &Linked<'_>, verb: LinkVerb) -> String {
        let code = self.key.code(linked, verb);
        format!("{}/links/{}/{}/{}/{code}", self.host, linked.intent, linked.notice, verb.as_str())
    }
}

/// What is known of a notice for its links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whom it told.
    pub to: PersonId,
    /// What about.
    pub about: About,
    /// The revision.
    pub revision: u32,
    /// Whether one of its links was used.
    pub used: bool,
}

/// Why a link does nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    /// Nothing like it was ever sent.
    Unknown,
    /// It was used.
    Used,
    /// The intent was amended since.
    Amended,
    /// What it was about is over: somebody else decided, it was taken back, or its time was up.
    Over,
}

impl Dead {
    /// The reason in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dead::Unknown => "no message of this host has such a link",
            Dead::Used => "the link was used already",
            Dead::Amended => "what was asked for has changed since",
            Dead::Over => "what it was about is over",
        }
    }
}

/// The notice whose link this is, if the link still does something.
///
/// # Errors
/// Why it does nothing.
pub fn alive(approval: &Approval, notice: u32, verb: LinkVerb) -> Result<&Told, Dead> {
    let told = approval.notices.linked.get(&notice).ok_or(Dead::Unknown)?;
    if !LinkVerb::of(&told.about).contains(&verb) {
        return Err(Dead::Unknown);
    }
    if told.used {
        return Err(Dead::Used);
    }
    if told.revision != approval.intent.revision {
        return Err(Dead::Amended);
    }
    if is_over(approval, &told.to, &told.about) {
        return Err(Dead::Over);
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> PersonId {
        PersonId::parse(name).expect("a person")
    }

    #[test]
    fn a_code_is_of_one_intent_notice_revision_verb_and_person() {
        let key = LinkKey::new([7; 32]);
        let (ann, bo) = (person("ann"), person("bo"));
        let linked = Linked { intent: IntentId::from_bits(1), notice: 3, to: &ann, revision: 2 };
        let code = key.code(&linked, LinkVerb::Approve);
        assert_eq!(code.len(), 26);
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        assert!(key.is_of(&code, &linked, LinkVerb::Approve));
        assert!(!LinkKey::new([8; 32]).is_of(&code, &linked, LinkVerb::Approve));
        assert!(!key.is_of(&code, &linked, LinkVerb::Decline));
        for odd in ["", &code[..25], &format!("{code}a"), &code.to_uppercase(), &format!("{code}=")] {
            assert!(!key.is_of(odd, &linked, LinkVerb::Approve), "{odd}");
        }
        let others = [
            Linked { intent: IntentId::from_bits(2), ..linked },
            Linked { notice: 4, ..linked },
            Linked { revision: 3, ..linked },
            Linked { to: &bo, ..linked },
        ];
        for other in others {
            assert!(!key.is_of(&code, &other, LinkVerb::Approve), "{other:?}");
        }
    }
}
