//! Everything that tokens are given for on one connection: whatever build of its connector asks, and however often it is
//! bound, what is given for the same is asked for once.

use super::Tokens;
use super::refresh::Refresh;
use crate::lock::locked;
use crate::metrics::Tally;
use crate::secret::Secret;
use std::sync::{Arc, Mutex};

/// Most kinds of tokens that one connection keeps: each of its endpoints, as a few builds want them. The one that was
/// bound longest ago makes room, and is asked for anew if anybody wants it again.
const TOKENS_MAX: usize = 32;

/// The tokens of one connection, and the refresh tokens that some of them are given for.
pub(crate) struct Keyring {
    tally: Tally,
    tokens: Mutex<Vec<Arc<Tokens>>>,
    refreshes: Mutex<Vec<Arc<Refresh>>>,
}

impl Keyring {
    /// An empty one, of the connection that this counts for.
    pub(crate) fn of(tally: Tally) -> Keyring {
        Keyring { tally, tokens: Mutex::default(), refreshes: Mutex::default() }
    }

    /// The tokens that are there already and are asked for in the same way, or these.
    pub(super) fn shared(&self, new: Tokens) -> Arc<Tokens> {
        let mut known = locked(&self.tokens);
        let found = known.iter().position(|known| known.are_asked_for_as(&new));
        let tokens = found.map_or_else(|| Arc::new(new), |place| known.remove(place));
        if TOKENS_MAX <= known.len() {
            known.remove(0);
        }
        known.push(Arc::clone(&tokens));
        tokens
    }

    /// The refresh token that is kept where this secret is. One that somebody has put there since counts from here on.
    ///
    /// # Errors
    /// What is wrong with the secret.
    pub(super) fn refresh(&self, secret: &Secret) -> Result<Arc<Refresh>, String> {
        let mut known = locked(&self.refreshes);
        if let Some(found) = known.iter().find(|known| known.secret().is_kept_with(secret)) {
            found.look()?;
            return Ok(Arc::clone(found));
        }
        let refresh = Arc::new(Refresh::open(self.tally.clone(), secret)?);
        known.push(Arc::clone(&refresh));
        Ok(refresh)
    }
}
