//! Sessions: a browser in which somebody has signed in.
//!
//! They live in memory: whoever has a session signs in again after the host was started again. The browser
//! keeps 256 random bits in a cookie, the host only their SHA-256. What a session may do is not kept in it:
//! at every request the person, and the account or password that opened it, must still be in force.

use crate::limits::{SESSION_IDLE_MS_MAX, SESSION_MS_MAX, SESSIONS_MAX, SESSIONS_PER_PERSON_MAX, SHOWN_MAX};
use crate::password::Passwords;
use crate::token::{kept, minted};
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::people::{Account, Directory};
use countersign_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// How somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The identity provider recognised this account.
    Account(Account),
    /// The password whose hash has this digest.
    Password(Digest),
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) person: PersonId,
    pub(crate) proof: Proof,
    /// When they proved it.
    pub(crate) since: Timestamp,
    seen: Timestamp,
    /// The digest of the token of its terminal, if one was made.
    terminal: Option<Digest>,
    /// The intents that its pages have shown last, as far as that matters when they are lost from sight.
    pub(crate) shown: BTreeSet<IntentId>,
}

impl Session {
    /// Whether its person and its proof are still in force.
    fn holds(&self, directory: &Directory, passwords: &Passwords) -> bool {
        directory.knows(&self.person)
            && match &self.proof {
                Proof::Account(account) => directory.accounts.get(account) == Some(&self.person),
                Proof::Password(digest) => passwords.digest(&self.person) == Some(*digest),
            }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let past = |since: Timestamp, most: u64| most < now.since(since).0;
        // A session of tomorrow is of a clock that was set back: it is over too.
        now < self.since || past(self.since, SESSION_MS_MAX) || past(self.seen, SESSION_IDLE_MS_MAX)
    }
}

/// Every session of this host.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<BTreeMap<Digest, Session>>,
}

/// What decides whether a session still holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inforce<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) passwords: &'a Passwords,
    pub(crate) now: Timestamp,
}

impl Sessions {
    /// Opens a session; what its cookie holds. With too many, the one that was not seen for the longest time ends:
    /// the person's own first.
    pub(crate) fn open(
        &self,
        person: PersonId,
        proof: Proof,
        now: Timestamp,
        bits: &[u8; 32],
    ) -> Zeroizing<String> {
        let secret = minted(bits);
        let mut open = self.locked();
        let own = |session: &Session| session.person == person;
        if SESSIONS_PER_PERSON_MAX <= open.values().filter(|session| own(session)).count() {
            end_oldest(&mut open, own);
        }
        if SESSIONS_MAX <= open.len() {
            end_oldest(&mut open, |_| true);
        }
        open.insert(
            kept(&secret),
            Session { person, proof, since: now, seen: now, terminal: None, shown: BTreeSet::new() },
        );
        secret
    }

    /// The session of a cookie, if it holds; it was seen now if that is a use of it.
    pub(crate) fn find(&self, cookie: &str, is_used: bool, inforce: Inforce<'_>) -> Option<Session> {
        let digest = kept(cookie);
        self.alive(|open| open.contains_key(&digest).then_some(digest), is_used, inforce)
    }

    /// Whether the session of a cookie holds. A page that is left open is no use of it.
    pub(crate) fn holds(&self, cookie: &str, inforce: Inforce<'_>) -> bool {
        self.locked().get(&kept(cookie)).is_some_and(|session| {
            !session.is_over(inforce.now) && session.holds(inforce.directory, inforce.passwords)
        })
    }

    /// Remembers what the list of a session shows, in the place of what it showed before.
    pub(crate) fn lists(&self, cookie: &str, intents: impl Iterator<Item = IntentId>) {
        if let Some(session) = self.locked().get_mut(&kept(cookie)) {
            session.shown = intents.take(SHOWN_MAX).collect();
        }
    }

    /// Remembers that a session was shown one intent, too.
    pub(crate) fn shows(&self, cookie: &str, intent: IntentId) {
        if let Some(session) = self.locked().get_mut(&kept(cookie))
            && session.shown.len() < SHOWN_MAX
        {
            session.shown.insert(intent);
        }
    }

    /// Whose terminal has this token, if its session holds; it was seen now.
    pub(crate) fn terminal(&self, token: &str, inforce: Inforce<'_>) -> Option<Session> {
        let digest = Some(kept(token));
        let of = |open: &BTreeMap<Digest, Session>| {
            open.iter().find(|(_, session)| session.terminal == digest).map(|(key, _)| *key)
        };
        self.alive(of, true, inforce)
    }

    fn alive(
        &self,
        which: impl FnOnce(&BTreeMap<Digest, Session>) -> Option<Digest>,
        is_used: bool,
        inforce: Inforce<'_>,
    ) -> Option<Session> {
        let mut open = self.locked();
        let key = which(&open)?;
        let session = open.get_mut(&key)?;
        if session.is_over(inforce.now) || !session.holds(inforce.directory, inforce.passwords) {
            open.remove(&key);
            return None;
        }
        if is_used {
            session.seen = session.seen.max(inforce.now);
        }
        Some(session.clone())
    }

    /// Gives the terminal of a session a token; the one before it ends. `None` if the session is over.
    pub(crate) fn give_terminal(&self, cookie: &str, bits: &[u8; 32]) -> Option<Zeroizing<String>> {
        let mut open = self.locked();
        let session = open.get_mut(&kept(cookie))?;
        let token = minted(bits);
        session.terminal = Some(kept(&token));
        Some(token)
    }

    /// Ends the terminal's token that stood where others could read it; whose it was.
    pub(crate) fn end_terminal(&self, token: &str) -> Option<PersonId> {
        let digest = Some(kept(token));
        let mut open = self.locked();
        let session = open.values_mut().find(|session| session.terminal == digest)?;
        session.terminal = None;
        Some(session.person.clone())
    }

    /// Ends the session of a cookie.
    pub(crate) fn end(&self, cookie: &str) {
        self.locked().remove(&kept(cookie));
    }

    /// Ends every session of a person but that of this cookie; how many.
    pub(crate) fn end_others(&self, person: &PersonId, cookie: &str) -> usize {
        let own = kept(cookie);
        let mut open = self.locked();
        let before = open.len();
        open.retain(|key, session| session.person != *person || *key == own);
        before.saturating_sub(open.len())
    }

    /// How many sessions a person has.
    pub(crate) fn count(&self, person: &PersonId) -> usize {
        self.locked().values().filter(|session| session.person == *person).count()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<Digest, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_oldest(open: &mut BTreeMap<Digest, Session>, which: impl Fn(&Session) -> bool) {
    let oldest = open.iter().filter(|(_, session)| which(session)).min_by_key(|(_, session)| session.seen);
    if let Some(key) = oldest.map(|(key, _)| *key) {
        open.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_too_many_sessions_the_persons_own_oldest_ends() {
        let sessions = Sessions::default();
        let person = |name: &str| PersonId::parse(name).expect("a person");
        let open = |name: &str, at: usize| {
            let number = u8::try_from(at).expect("a small number");
            let proof = Proof::Password(Digest::of(b"hash"));
            let bits = Digest::of(&[name.as_bytes(), &[number]].concat()).0;
            sessions.open(person(name), proof, Timestamp(i64::from(number)), &bits)
        };
        let is_open = |cookie: &str| sessions.locked().contains_key(&kept(cookie));
        let other = open("bo", 0);
        let own: Vec<_> = (1..=SESSIONS_PER_PERSON_MAX).map(|at| open("ann", at)).collect();
        assert!(own.iter().all(|cookie| is_open(cookie)));
        open("ann", SESSIONS_PER_PERSON_MAX + 1);
        assert_eq!(sessions.count(&person("ann")), SESSIONS_PER_PERSON_MAX);
        assert!(!is_open(&own[0]) && own[1..].iter().all(|cookie| is_open(cookie)));
        assert!(is_open(&other), "it is older, and somebody else's");
    }
}
