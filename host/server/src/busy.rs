//! What keeps a core busy: done away from the threads that answer callers, so many at one time, and
//! stopped when the time is up or nobody waits for it any more.

use crate::asked::Line;
use crate::limits::PROOF_MS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use countersign_core::policy::stop::{Stop, Stopped};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Proves something of a policy, if there is a place for it.
pub(crate) async fn proved<T: Send + 'static>(
    host: &Host,
    line: Line,
    proof: impl FnOnce(&Stop<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let desk = Desk {
        places: &host.proofs,
        others: "other policies are being proved",
        late: "it was stopped, and nothing is proved",
        limit: LIMIT,
    };
    desk.done(line, proof).await
}

/// Reads a file, if there is a place for it. The formats cannot be stopped: a file that takes too long
/// keeps its place until it is read.
pub(crate) async fn imported<T: Send + 'static>(
    host: &Host,
    line: Line,
    import: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let desk = Desk {
        places: &host.imports,
        others: "another file is being imported",
        late: "nothing was changed",
        limit: LIMIT,
    };
    desk.done(line, |_| import()).await
}

/// Longest wait of a caller.
const LIMIT: Duration = Duration::from_millis(PROOF_MS_MAX);

/// Where one kind of work is done.
struct Desk<'a> {
    places: &'a Arc<Semaphore>,
    /// What is said when no place is free.
    others: &'a str,
    /// What is said of work that takes too long.
    late: &'a str,
    limit: Duration,
}

/// Says that nobody waits any more, however the wait has ended.
struct Wait(Arc<AtomicBool>);

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Desk<'_> {
    async fn done<T: Send + 'static>(
        &self,
        line: Line,
        work: impl FnOnce(&Stop<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(place) = Arc::clone(self.places).try_acquire_owned() else {
            let help = "wait until it has ended and send this again";
            return Err(Problem::new("CS-E0217", self.others, help).later());
        };
        let over = Arc::new(AtomicBool::new(false));
        let _wait = Wait(Arc::clone(&over));
        // The place is free when the work has ended, which it does soon after its caller has gone.
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&Stop::when(&|| over.load(Ordering::Relaxed) || line.is_dead()))
        });
        match tokio::time::timeout(self.limit, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                tracing::error!(blame = "host", "what was asked of a policy panicked");
                Err(Problem::bug())
            }
            Err(_) => {
                let detail = format!("no answer within {} ms; {}", self.limit.as_millis(), self.late);
                let help = "make the tables smaller, or run the same command of `countersign policy`, which has \
                    no such limit";
                Err(Problem::new("CS-E0306", detail, help))
            }
        }
    }
}

impl From<Stopped> for Problem {
    /// Written for nobody: whoever would read it has gone, or has been answered.
    fn from(stopped: Stopped) -> Problem {
        Problem::new("CS-E0306", stopped.to_string(), "make the tables smaller and ask again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Room for one.
    struct Room(Arc<Semaphore>);

    impl Room {
        fn new() -> Room {
            Room(Arc::new(Semaphore::new(1)))
        }

        fn desk(&self, limit: Duration) -> Desk<'_> {
            Desk { places: &self.0, others: "others", late: "it was stopped", limit }
        }

        /// Does something for a caller who waits for it.
        async fn done<T: Send + 'static>(
            &self,
            work: impl FnOnce(&Stop<'_>) -> Result<T, Problem> + Send + 'static,
        ) -> Result<T, Problem> {
            let (_listener, line) = Line::open();
            self.desk(LIMIT).done(line, work).await
        }

        async fn is_free_again(&self) {
            drop(self.0.acquire().await.expect("it is not closed"));
        }
    }

    /// What goes on until it is told to stop.
    fn endless(begun: mpsc::Sender<()>) -> impl FnOnce(&Stop<'_>) -> Result<(), Problem> {
        move |stop| {
            begun.send(()).map_err(|_| Problem::bug())?;
            while !stop.is_asked() {
                std::thread::yield_now();
            }
            Ok(stop.kept(())?)
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_our_bug_and_frees_its_place() {
        let room = Room::new();
        let broken = room.done(|_| -> Result<(), Problem> { panic!("the test breaks it") });
        assert_eq!(broken.await.expect_err("it broke").code().code, "CS-E0307");
        assert_eq!(room.done(|_| Ok(7)).await.expect("there is a place"), 7);
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_work_has_ended_even_if_its_caller_has_gone() {
        let room = Room::new();
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel::<()>();
        let work = room.done(move |_| {
            begin.send(()).map_err(|_| Problem::bug())?;
            ended.recv().map_err(|_| Problem::bug())
        });
        let gone = tokio::time::timeout(Duration::from_millis(50), work).await;
        assert!(gone.is_err() && begun.recv().is_ok(), "it goes on without its caller");
        let full = room.done(|_| Ok(())).await.expect_err("no place is free");
        assert_eq!(full.code().code, "CS-E0217");
        end.send(()).expect("it waits");
        room.is_free_again().await;
        assert!(room.done(|_| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn a_proof_that_nobody_waits_for_is_stopped_and_frees_its_place() {
        let room = Room::new();
        let (begin, begun) = mpsc::channel::<()>();
        let work = room.done(endless(begin.clone()));
        let gone = tokio::time::timeout(Duration::from_millis(50), work).await;
        assert!(gone.is_err() && begun.recv().is_ok(), "the wait for it was given up");
        room.is_free_again().await;
        // Here the handler goes on waiting, and it is whoever sent the request that hangs up.
        let (listener, line) = Line::open();
        let desk = room.desk(LIMIT);
        let work = desk.done(line, endless(begin));
        let hang_up = async {
            tokio::task::spawn_blocking(move || begun.recv()).await.expect("it ends").expect("it began");
            drop(listener);
        };
        let (stopped, ()) = tokio::join!(work, hang_up);
        assert_eq!(stopped.expect_err("it was stopped").code().code, "CS-E0306");
        assert_eq!(room.0.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_proof_that_takes_too_long_is_stopped_and_its_caller_is_told() {
        let room = Room::new();
        let (begin, begun) = mpsc::channel::<()>();
        let (_listener, line) = Line::open();
        let late = room.desk(Duration::from_millis(50)).done(line, endless(begin)).await;
        assert_eq!(late.expect_err("it has no end").code().code, "CS-E0306");
        assert!(begun.recv().is_ok());
        room.is_free_again().await;
    }
}
