//! Signing in: what this host takes as proof of who somebody is, and what it remembers meanwhile.

use crate::limits::{
    PASSWORD_TRIES_PER_MINUTE, PASSWORDS_AT_ONCE_MAX, PASSWORDS_WAITING_MAX, SIGN_IN_MS_MAX,
    SIGN_INS_ASKED_MAX, SIGN_INS_MAX, TRIES_KEPT_MAX,
};
use crate::password::Passwords;
use crate::session::Sessions;
use crate::token::kept;
use countersign_core::hash::Digest;
use countersign_core::notice::link::Links;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Chance;
use countersign_engine::port::identity::{Ask, IdentityProvider};
use data_encoding::BASE64URL_NOPAD;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// By what people sign in.
#[derive(Clone, Default)]
pub struct SignIn {
    /// Where browsers reach this host: `https://approvals.example.com`.
    pub address: Option<String>,
    /// The links of messages, where people can open them.
    pub links: Option<Links>,
    /// Who says who a browser belongs to.
    pub provider: Option<Arc<dyn IdentityProvider>>,
    /// Those who have a password here.
    pub passwords: Arc<Passwords>,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignIn").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The same, with what is remembered.
pub(crate) struct Signing {
    pub(crate) by: SignIn,
    pub(crate) sessions: Sessions,
    pub(crate) pending: Pending,
    pub(crate) tries: Tries,
    /// A place for each password that is looked at.
    pub(crate) hashing: Semaphore,
    /// A place for each that is looked at or waits for it.
    pub(crate) waiting: Semaphore,
    /// A place for each browser about which the provider is asked.
    pub(crate) asking: Semaphore,
}

impl Signing {
    pub(crate) fn of(by: SignIn) -> Signing {
        Signing {
            by,
            sessions: Sessions::default(),
            pending: Pending::default(),
            tries: Tries::default(),
            hashing: Semaphore::new(PASSWORDS_AT_ONCE_MAX),
            waiting: Semaphore::new(PASSWORDS_WAITING_MAX),
            asking: Semaphore::new(SIGN_INS_ASKED_MAX),
        }
    }

    /// Whether browsers speak TLS with this host, as far as somebody said so.
    pub(crate) fn is_secure(&self) -> bool {
        self.by.address.as_ref().is_some_and(|address| address.starts_with("https://"))
    }
}

/// Those who were sent to the identity provider and are not back yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    gone: Mutex<BTreeMap<Digest, Gone>>,
}

/// What is kept for one of them; it is given out once.
#[derive(Clone)]
pub(crate) struct Gone {
    state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    /// Where they wanted to go.
    pub(crate) next: String,
    since: Timestamp,
}

impl fmt::Debug for Gone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gone").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Pending {
    /// Sends somebody on their way: what their browser keeps meanwhile, and what the provider is asked.
    pub(crate) fn begin(&self, chance: &dyn Chance, next: String, now: Timestamp) -> (String, Ask) {
        let [cookie, state, nonce, verifier] = [(); 4].map(|()| random(chance));
        let challenge = BASE64URL_NOPAD.encode(&Digest::of(verifier.as_bytes()).0);
        let ask = Ask { state: state.clone(), nonce: nonce.clone(), challenge };
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|_, gone| now.since(gone.since).0 <= SIGN_IN_MS_MAX);
        if SIGN_INS_MAX <= gone.len()
            && let Some(first) = gone.iter().min_by_key(|(_, gone)| gone.since).map(|(key, _)| *key)
        {
            gone.remove(&first);
        }
        gone.insert(kept(&cookie), Gone { state, nonce, verifier, next, since: now });
        (cookie, ask)
    }

    /// What was kept for the browser that comes back with this cookie and this state. Only once, whether it
    /// fits or not.
    pub(crate) fn back(&self, cookie: &str, state: &str, now: Timestamp) -> Option<Gone> {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner).remove(&kept(cookie))?;
        let in_time = now.since(gone.since).0 <= SIGN_IN_MS_MAX;
        (in_time && bool::from(gone.state.as_bytes().ct_eq(state.as_bytes()))).then_some(gone)
    }
}

/// 256 random bits as text.
pub(crate) fn random(chance: &dyn Chance) -> String {
    format!("{:032x}{:032x}", chance.bits(), chance.bits())
}

/// 256 random bits.
pub(crate) fn bits(chance: &dyn Chance) -> [u8; 32] {
    let mut bits = [0; 32];
    let (first, second) = bits.split_at_mut(16);
    first.copy_from_slice(&chance.bits().to_be_bytes());
    second.copy_from_slice(&chance.bits().to_be_bytes());
    bits
}

/// Tries with a password, by the person who was named and the address that named them: nobody can keep somebody
/// else out by guessing.
#[derive(Debug)]
pub(crate) struct Tries {
    by: DefaultKeyedRateLimiter<(String, Option<IpAddr>)>,
}

impl Default for Tries {
    fn default() -> Tries {
        let most = NonZeroU32::new(PASSWORD_TRIES_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Tries { by: RateLimiter::keyed(Quota::per_minute(most)) }
    }
}

impl Tries {
    /// Counts one try; whether it may be made.
    pub(crate) fn may(&self, person: &str, from: Option<IpAddr>) -> bool {
        if TRIES_KEPT_MAX <= self.by.len() {
            self.by.retain_recent();
        }
        // Of a name that nobody has a word is enough to count by.
        let person = person.chars().take(64).collect();
        self.by.len() < TRIES_KEPT_MAX && self.by.check_key(&(person, from)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::simulated::SeededChance;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn whoever_comes_back_comes_back_once_with_their_own_state_and_in_time() {
        let (pending, chance) = (Pending::default(), SeededChance::new(7));
        let begin = || pending.begin(&chance, "/you".to_owned(), NOW);
        let (cookie, ask) = begin();
        let back = pending.back(&cookie, &ask.state, NOW).expect("they are back");
        assert_eq!(ask.challenge, BASE64URL_NOPAD.encode(&Digest::of(back.verifier.as_bytes()).0));
        assert!(pending.back(&cookie, &ask.state, NOW).is_none(), "a second time");
        let (cookie, ask) = begin();
        assert!(pending.back(&cookie, "another", NOW).is_none());
        assert!(pending.back(&cookie, &ask.state, NOW).is_none(), "a wrong state ends it");
        let (one, other) = (begin(), begin());
        assert!(pending.back(&one.0, &other.1.state, NOW).is_none(), "the state of another browser");
        let (cookie, ask) = begin();
        let late = Timestamp(NOW.0 + 600_001);
        assert!(pending.back(&cookie, &ask.state, late).is_none());
    }

    #[test]
    fn tries_are_counted_by_person_and_address() {
        let tries = Tries::default();
        let (here, there) = (Some(IpAddr::from([10, 0, 0, 1])), Some(IpAddr::from([10, 0, 0, 2])));
        let most = usize::try_from(PASSWORD_TRIES_PER_MINUTE).expect("a small number");
        let made = (0..most + 5).filter(|_| tries.may("ann", here)).count();
        assert_eq!(made, most);
        assert!(tries.may("ann", there) && tries.may("bo", here));
    }
}
