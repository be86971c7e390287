//! The line to whoever asked: what takes long looks whether anybody still listens.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::watch;

/// The line to a caller, as the work for it holds it.
#[derive(Debug, Clone)]
pub(crate) struct Line(watch::Receiver<()>);

/// The caller's end: once it is dropped, nobody listens.
#[derive(Debug)]
pub(crate) struct Listener {
    _end: watch::Sender<()>,
}

impl Line {
    /// A line on which somebody listens.
    pub(crate) fn open() -> (Listener, Line) {
        let (end, line) = watch::channel(());
        (Listener { _end: end }, Line(line))
    }

    /// Whether nobody listens any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn died(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Line {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // INVARIANT: the door opens a line for every request that it lets in.
        parts.extensions.get::<Line>().cloned().ok_or_else(Problem::bug)
    }
}
