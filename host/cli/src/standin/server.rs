//! One server on loopback around one stand-in, with the faults in between.
//!
//! A stand-in answers one request at a time under a lock, so every request is done wholly or not
//! at all; what the caller hears of it is another matter.

use super::faults::{Faults, Kind, RETRY_AFTER_S};
use crate::loopback::{Heard, Listening};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::loopback::{Asked, Reply};

/// A stand-in: a state that answers requests.
pub trait StandIn: fmt::Debug + Send + 'static {
    /// Its name in counts and tables.
    const NAME: &'static str;

    /// Does what is asked and says so.
    fn answer(&mut self, asked: &Asked) -> Reply;

    /// What this system says when it is not well.
    fn unwell(&self, status: u16) -> Reply;

    /// The answer to `asked`, which was the last request, became `reply`, whatever was done:
    /// targets that keep their answers under idempotency keys keep this one.
    fn replaced(&mut self, _asked: &Asked, _reply: &Reply) {}
}

/// A stand-in that the server and whoever asks what landed share.
#[derive(Debug)]
pub struct Shared<S>(Arc<Mutex<S>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<S> Shared<S> {
    /// Shares a stand-in.
    pub fn new(stand_in: S) -> Shared<S> {
        Shared(Arc::new(Mutex::new(stand_in)))
    }

    fn locked(&self) -> MutexGuard<'_, S> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stand-in that listens on loopback. Dropping it ends it, connections included.
#[derive(Debug)]
pub struct Server<S> {
    stand_in: Shared<S>,
    listening: Listening,
}

impl<S: StandIn> Server<S> {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(stand_in: Shared<S>, faults: Arc<Faults>) -> io::Result<Server<S>> {
        let shared = stand_in.clone();
        let listening = Listening::start(move |asked| {
            let (stand_in, faults) = (shared.clone(), Arc::clone(&faults));
            async move { respond(&asked, &stand_in, &faults).await }
        });
        Ok(Server { stand_in, listening: listening.await? })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.listening.base_url()
    }

    /// Looks at the state.
    pub fn look<T>(&self, at: impl FnOnce(&S) -> T) -> T {
        at(&self.stand_in.locked())
    }

    /// Changes the state behind everybody's back, as a person with the system open could.
    pub fn change<T>(&self, with: impl FnOnce(&mut S) -> T) -> T {
        with(&mut self.stand_in.locked())
    }
}

async fn respond<S: StandIn>(asked: &Asked, stand_in: &Shared<S>, faults: &Faults) -> Heard {
    let fate = faults.draw(S::NAME, asked.is_write());
    let reply = decide(asked, fate, &mut *stand_in.locked());
    if let Some(kind) = fate {
        tokio::time::sleep(kind.pause()).await;
    }
    match fate {
        Some(Kind::LostBefore | Kind::LostAfter) => Heard::Nothing,
        Some(Kind::CutAfter) => Heard::Cut(reply),
        Some(
            Kind::UnavailableBefore
            | Kind::TooMany
            | Kind::UnavailableAfter
            | Kind::ErrorAfter
            | Kind::Slow
            | Kind::Burnt,
        )
        | None => Heard::Whole(reply),
    }
}

/// Does what the fate allows, and gives the answer that is heard of it.
fn decide<S: StandIn>(asked: &Asked, fate: Option<Kind>, stand_in: &mut S) -> Reply {
    match fate {
        None | Some(Kind::Slow | Kind::LostAfter | Kind::CutAfter) => stand_in.answer(asked),
        Some(Kind::UnavailableBefore | Kind::LostBefore) => stand_in.unwell(503),
        Some(Kind::TooMany) => stand_in.unwell(429).with("retry-after", RETRY_AFTER_S.to_string()),
        Some(Kind::UnavailableAfter) => instead(asked, stand_in, 503),
        Some(Kind::ErrorAfter) => instead(asked, stand_in, 500),
        Some(Kind::Burnt) => {
            let reply = stand_in.unwell(500);
            stand_in.replaced(asked, &reply);
            reply
        }
    }
}

/// Does it and says that something is wrong. What would have been refused is refused. A 500 is the
/// target's own word, a 503 that of something in front of it, which the target does not know of.
fn instead<S: StandIn>(asked: &Asked, stand_in: &mut S, status: u16) -> Reply {
    let reply = stand_in.answer(asked);
    if 400 <= reply.status {
        return reply;
    }
    let reply = stand_in.unwell(status);
    if status == 500 {
        stand_in.replaced(asked, &reply);
    }
    reply
}
