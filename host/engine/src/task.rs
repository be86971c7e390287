//! Background tasks: started here and nowhere else, so that they are counted, and so that stopping
//! waits for them.

use std::future::Future;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The engine's background tasks.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// Starts a task. It is waited for by [`Tasks::stop`].
    #[expect(clippy::disallowed_methods, reason = "this is the one place where tasks start")]
    pub fn start<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(tokio::spawn(self.tracker.track_future(task)));
    }

    /// How many run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Whether the engine is stopping: no new work is begun.
    #[must_use]
    pub fn are_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Returns when the engine begins to stop.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Begins no new work and returns when what runs has ended.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
