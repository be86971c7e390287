//! What keeps a core busy: done away from the threads that answer callers, so many at one time, and
//! answered in time.

use crate::limits::PROOF_MS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Proves something of a policy, if there is a place for it.
pub(crate) async fn proved<T: Send + 'static>(
    host: &Host,
    proof: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    done(&host.proofs, "other policies are being proved", proof).await
}

/// Reads a file, if there is a place for it.
pub(crate) async fn imported<T: Send + 'static>(
    host: &Host,
    import: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    done(&host.imports, "another file is being imported", import).await
}

async fn done<T: Send + 'static>(
    places: &Arc<Semaphore>,
    others: &str,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return Err(Problem::new("CS-E0217", others, "wait until it has ended and send this again").later());
    };
    // The place is free when the work has ended, not when its caller has gone.
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    match tokio::time::timeout(Duration::from_millis(PROOF_MS_MAX), work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            tracing::error!(blame = "host", "what was asked of a policy panicked");
            Err(Problem::bug())
        }
        Err(_) => {
            let detail = format!("no answer within {PROOF_MS_MAX} ms; nothing was changed");
            let help = "make the tables smaller, or run the same command of `countersign policy`, which has no \
                such limit";
            Err(Problem::new("CS-E0306", detail, help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn places() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test]
    async fn work_that_panics_is_our_bug_and_frees_its_place() {
        let places = places();
        let broken = done(&places, "others", || -> Result<(), Problem> { panic!("the test breaks it") });
        assert_eq!(broken.await.expect_err("it broke").code().code, "CS-E0307");
        assert_eq!(done(&places, "others", || Ok(7)).await.expect("there is a place"), 7);
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_work_has_ended_even_if_its_caller_has_gone() {
        let places = places();
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel::<()>();
        let work = done(&places, "others", move || {
            begin.send(()).map_err(|_| Problem::bug())?;
            ended.recv().map_err(|_| Problem::bug())
        });
        let gone = tokio::time::timeout(Duration::from_millis(50), work).await;
        assert!(gone.is_err() && begun.recv().is_ok(), "it goes on without its caller");
        let full = done(&places, "others", || Ok(())).await.expect_err("no place is free");
        assert_eq!(full.code().code, "CS-E0217");
        end.send(()).expect("it waits");
        let place = places.acquire().await.expect("it is not closed");
        drop(place);
        assert!(done(&places, "others", || Ok(())).await.is_ok());
    }
}
