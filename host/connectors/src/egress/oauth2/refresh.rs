//! A refresh token, where it is kept, and what takes its place.
//!
//! At many providers each may be sent once, comes back with its successor, and ends the whole grant if it is sent a second
//! time. So there is one of these for a secret, whatever build of a connector asks, and one request at a time.

use super::grant::ClientId;
use crate::lock::locked;
use crate::metrics::Tally;
use crate::secret::Secret;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// How often a refresh token is written that could not be at first: for about two hours.
const WRITES_MAX: u32 = 20;
/// How long after the first failure it is written again, in milliseconds; twice as long after each further one.
const WRITE_DELAY_MS: u64 = 1_000;
/// The longest of these times, in milliseconds.
const WRITE_DELAY_MS_MAX: u64 = 10 * 60 * 1_000;

/// The refresh token of one secret.
pub(super) struct Refresh {
    tally: Tally,
    secret: Secret,
    held: Mutex<Held>,
    /// Held from before the token is sent until what takes its place is known.
    turn: tokio::sync::Mutex<()>,
}

struct Held {
    client: ClientId,
    token: Zeroizing<String>,
    /// What its file had when it was last read or written here. Whatever else stands there, the operator has put there.
    seen: Zeroizing<String>,
    /// How often the operator has.
    rotations: u64,
    /// Whether the token is not in its file.
    is_unwritten: bool,
    /// Whether somebody goes on trying to write the token into its file.
    is_tried: bool,
}

/// What became of the token that takes the place of another one.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    /// It is in the file.
    Kept,
    /// The operator has put another one there meanwhile, which counts.
    Rotated,
}

/// Whether a secret has the form of a refresh token and its client, which none has that is used otherwise.
pub(crate) fn is_refresh_token(secret: &Secret) -> bool {
    Held::parse(secret.expose()).is_ok()
}

/// The client in the first line of a secret, and the refresh token in its second one, if there is one yet.
pub(super) fn parted(text: &str) -> Result<(ClientId, Option<Zeroizing<String>>), String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (client, token) = match lines[..] {
        [client] => (client, ""),
        [client, token] => (client, token),
        _ => return Err("needs a secret of two lines: `client:secret`, and the refresh token".to_owned()),
    };
    let token = Some(token).filter(|token| !token.is_empty());
    Ok((ClientId::parse(client)?, token.map(|token| Zeroizing::new(token.to_owned()))))
}

/// What a secret of this client and this refresh token has.
pub(super) fn joined(client: &ClientId, token: &str) -> Zeroizing<String> {
    let ClientId { id, secret } = client;
    Zeroizing::new(format!("{id}:{}\n{token}", **secret))
}

impl Held {
    fn parse(text: &str) -> Result<Held, String> {
        let (client, token) = parted(text)?;
        let token = token.ok_or(
            "has no refresh token in the second line of its secret; `countersign connection sign-in NAME` puts one there",
        )?;
        let seen = Zeroizing::new(text.to_owned());
        Ok(Held { client, token, seen, rotations: 0, is_unwritten: false, is_tried: false })
    }

    /// What its file should have.
    fn text(&self) -> Zeroizing<String> {
        joined(&self.client, &self.token)
    }
}

impl Refresh {
    /// The one in the second line of a secret whose first is `client:secret`, as its file has it now: whoever was given
    /// a token before this process may have put another one there.
    pub(super) fn open(tally: Tally, secret: &Secret) -> Result<Refresh, String> {
        secret.is_replaceable()?;
        let now = secret.renewed()?;
        let held = Held::parse(now.as_ref().unwrap_or(secret).expose())?;
        let (secret, turn) = (secret.clone(), tokio::sync::Mutex::default());
        Ok(Refresh { tally, secret, held: Mutex::new(held), turn })
    }

    /// The secret that it is kept in.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Waits until nobody else sends it.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The client that it was given to, and the token.
    pub(super) fn now(&self) -> (ClientId, Zeroizing<String>) {
        let held = locked(&self.held);
        (held.client.clone(), held.token.clone())
    }

    /// How often the operator has put another one there: what was given for one before is not used any more.
    pub(super) fn rotations(&self) -> u64 {
        locked(&self.held).rotations
    }

    /// Takes what the operator has put into the file since. A file that cannot be read changes nothing: what this process
    /// holds may be newer than whatever was there.
    ///
    /// # Errors
    /// What is wrong with what stands there.
    pub(super) fn look(&self) -> Result<(), String> {
        self.rotated(&mut locked(&self.held)).map(drop)
    }

    /// Whether the file has something that was not read or written here.
    fn rotated(&self, held: &mut Held) -> Result<bool, String> {
        let Ok(text) = self.secret.again() else { return Ok(false) };
        let is_kept = *text == *held.text();
        if is_kept {
            self.note(held, false);
        }
        if is_kept || *text == *held.seen {
            held.seen = text;
            return Ok(false);
        }
        let Held { client, token, seen, .. } = Held::parse(&text)?;
        self.secret.is_replaceable()?;
        self.note(held, false);
        held.rotations += 1;
        (held.client, held.token, held.seen) = (client, token, seen);
        tracing::info!(connection = %self.tally.connection, "another refresh token was put where the last one was, and is used from here on");
        Ok(true)
    }

    /// Keeps the one that takes the place of the last one: in its file, before anything that came with it is used.
    ///
    /// If it cannot be written it is kept here, whatever becomes of the connection, and written as soon as it can be. If
    /// the process stops before that, the file has one that is worth nothing.
    pub(super) fn replaced(self: &Arc<Self>, new: String) {
        let mut held = locked(&self.held);
        if *held.token == new {
            return;
        }
        held.token = Zeroizing::new(new);
        let Err(why) = self.write(&mut held) else { return };
        self.note(&mut held, true);
        tracing::error!(
            connection = %self.tally.connection,
            blame = "host",
            "a provider gave another refresh token, and it could not be kept: the secret {why}. The host goes on with it and \
             tries to write it for two hours; let the host replace that file before it is stopped, or authorize the host \
             there once more"
        );
        if !std::mem::replace(&mut held.is_tried, true) {
            let refresh = Arc::clone(self);
            #[expect(
                clippy::disallowed_methods,
                reason = "it ends with its tries, which have a limit; nobody waits for it"
            )]
            tokio::spawn(async move { refresh.written_later().await });
        }
    }

    /// Writes the token into its file. Whatever the operator has put there meanwhile is not spent and counts instead: the
    /// token is of the grant before.
    fn write(&self, held: &mut Held) -> Result<Written, String> {
        if self.rotated(held)? {
            return Ok(Written::Rotated);
        }
        let text = held.text();
        if *text == *held.seen {
            return Ok(Written::Kept);
        }
        let written = self.secret.replace(&text);
        // A folder that cannot be synchronized says so when the new one is in its place already.
        if written.is_ok() || self.secret.again().is_ok_and(|now| *now == *text) {
            self.note(held, false);
            held.seen = text;
            return Ok(Written::Kept);
        }
        written.map(|()| Written::Kept)
    }

    /// Notes for whoever watches whether the token is not in its file.
    fn note(&self, held: &mut Held, is_unwritten: bool) {
        if std::mem::replace(&mut held.is_unwritten, is_unwritten) != is_unwritten {
            self.tally.unwritten(is_unwritten);
        }
    }

    async fn written_later(&self) {
        let mut last = String::new();
        for tries in 0..WRITES_MAX {
            let delay = WRITE_DELAY_MS.saturating_mul(1 << tries).min(WRITE_DELAY_MS_MAX);
            tokio::time::sleep(Duration::from_millis(delay)).await;
            let mut held = locked(&self.held);
            match self.write(&mut held) {
                Ok(Written::Kept) => {
                    held.is_tried = false;
                    tracing::info!(connection = %self.tally.connection, "the refresh token that could not be kept is in its file now");
                    return;
                }
                Ok(Written::Rotated) => {
                    held.is_tried = false;
                    return;
                }
                Err(why) => {
                    // Under the lock of the last try: whoever fails after it begins anew.
                    held.is_tried = tries + 1 < WRITES_MAX;
                    last = why;
                }
            }
        }
        tracing::error!(
            connection = %self.tally.connection,
            blame = "host",
            "the refresh token that a provider gave is still not kept: the secret {last}. It lasts until the host is stopped; let \
             the host replace that file, and authorize the host there once more"
        );
    }
}
