//! An effect that is cut off anywhere and begun again, by the rules of the host: laws `idempotency` and
//! `probe`.

use super::bench::{Bench, Call, Gave, Outcome};
use super::cassette::Actor;
use super::law::{self, Book, Breach, Law};
use super::straight::{Done, Straight};
use super::vendor::{Trouble, Until};
use anyhow::Result;
use countersign_core::effect::attempt::{Ended, Finding, Guarantee};

/// Attempts after which an effect must have come to its end.
const ATTEMPTS_MAX: u32 = 6;

/// Where the host is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Before the step is sent: the host stops.
    Before,
    /// The step is sent, and this becomes of it.
    At(Trouble),
    /// After the answer: the host stops before it has kept the receipt.
    After,
}

impl Cut {
    const ALL: [Cut; 6] = [
        Cut::Before,
        Cut::At(Trouble::LostBefore),
        Cut::At(Trouble::LostAfter),
        Cut::At(Trouble::Cut),
        Cut::At(Trouble::Status(503)),
        Cut::After,
    ];

    fn words(self, step: &str) -> String {
        match self {
            Cut::Before => format!("the host stops before step `{step}`"),
            Cut::At(trouble) => format!("step `{step}` is {}", trouble.words()),
            Cut::After => format!("the host stops after the answer to step `{step}`"),
        }
    }
}

/// Cuts the effect, and what takes it back, off at every step.
///
/// # Errors
/// If the connector cannot be connected.
pub(super) async fn everywhere(bench: &Bench, straight: &Straight, book: &mut Book) -> Result<()> {
    let mut runs = vec![(Actor::Effect, &straight.done)];
    runs.extend(straight.undone.as_ref().map(|undone| (Actor::Undo, undone)));
    for (actor, done) in runs {
        for (number, step) in done.steps.iter().enumerate() {
            for cut in Cut::ALL {
                let run = Run { bench, straight, actor, done, step, cut };
                run.go(number, book).await?;
            }
        }
    }
    Ok(())
}

struct Run<'r> {
    bench: &'r Bench,
    straight: &'r Straight,
    actor: Actor,
    done: &'r Done,
    step: &'r str,
    cut: Cut,
}

impl Run<'_> {
    async fn go(&self, number: usize, book: &mut Book) -> Result<()> {
        self.bench.begin(&self.straight.cassette)?;
        if self.actor == Actor::Undo {
            self.bench.vendor()?.set_landed(&self.straight.done.steps);
        }
        let first = self.attempt_cut_off(number).await?;
        let guarantee =
            self.bench.operation(&self.straight.cassette).map_or(Guarantee::Blind, |found| found.guarantee);
        let mut last = first;
        let mut is_over = false;
        for attempt in 2..=ATTEMPTS_MAX {
            self.look(attempt, book).await?;
            // A blind step that may have been done is not sent again by the host.
            let may_be_done = self.cut != Cut::Before;
            if guarantee == Guarantee::Blind && may_be_done {
                is_over = true;
                break;
            }
            last = self.call(&Call::Attempt(self.doing(attempt)), None).await;
            if matches!(last.ended, Ended::Returned(_)) {
                is_over = true;
                break;
            }
        }
        self.look(ATTEMPTS_MAX, book).await?;
        self.enter(is_over, &last, guarantee, book)
    }

    fn enter(&self, is_over: bool, last: &Outcome, guarantee: Guarantee, book: &mut Book) -> Result<()> {
        let vendor = self.bench.vendor()?;
        let unknown = vendor.unknown();
        let mut enter = |is_kept: bool, found: String, wanted: &str| {
            let breach = (!is_kept).then(|| self.breach(found, wanted));
            book.enter(Law::Idempotency, breach);
        };
        let nothing = unknown.first().cloned().unwrap_or_default();
        enter(
            unknown.is_empty(),
            format!("asked {nothing}"),
            "only what the cassette has an answer to: record it anew, or add the exchange",
        );
        let wanted = "a receipt, after it was begun again";
        enter(is_over, law::told(last), wanted);
        for step in &self.done.steps {
            let times = vendor.times(step);
            let most_once = times <= 1;
            let enough = times == 1 || guarantee == Guarantee::Blind;
            enter(
                most_once && enough,
                format!("step `{step}` was done {times} times at the target"),
                "each step once: look before a step that the target would do again, or send a key or a natural key",
            );
            let forms = vendor.forms(step);
            enter(
                forms <= 1,
                format!("step `{step}` was sent in {forms} forms"),
                "the same bytes in every attempt: nothing of the attempt or the clock belongs into them",
            );
        }
        if guarantee == Guarantee::ByNaturalKey {
            let id = self.actor.id().to_string();
            let recorded = self.straight.cassette.exchanges.iter();
            let is_ours = |step: &String| self.done.steps.contains(step);
            let mut steps = recorded.filter(|recorded| recorded.step.as_ref().is_some_and(is_ours));
            let named = steps.any(|recorded| format!("{:?}", recorded.request).contains(&id));
            enter(
                named,
                "no step holds the effect's id".to_owned(),
                "the effect's id in the target's unique field: that is what `by-natural-key` means",
            );
        }
        Ok(())
    }

    fn breach(&self, found: String, wanted: &str) -> Breach {
        let what = if self.actor == Actor::Undo { "undo" } else { "apply" };
        Breach {
            cassette: self.straight.cassette.name.clone(),
            doing: format!("{what}, {}, and it is begun again", self.cut.words(self.step)),
            found,
            wanted: wanted.to_owned(),
        }
    }

    /// The first attempt, which is cut off at the step of this number.
    async fn attempt_cut_off(&self, number: usize) -> Result<Outcome> {
        let until = match self.cut {
            Cut::Before => Until::after(&[], number),
            Cut::After => Until::after(&[], number + 1),
            Cut::At(_) => Until::the_end(),
        };
        let doing = self.straight.doing(self.actor, 1, until);
        let trouble = match self.cut {
            Cut::Before | Cut::After => None,
            Cut::At(trouble) => {
                // Which request of the call the step is.
                let clean = self.call(&Call::Attempt(doing.clone()), None).await;
                let of_step = |name: &str| self.actor.step(name) == self.step;
                let at = clean.exchanges.iter().position(|one| one.step.as_deref().is_some_and(of_step));
                self.bench.begin(&self.straight.cassette)?;
                if self.actor == Actor::Undo {
                    self.bench.vendor()?.set_landed(&self.straight.done.steps);
                }
                at.map(|at| (at, trouble))
            }
        };
        Ok(self.call(&Call::Attempt(doing), trouble).await)
    }

    fn doing(&self, attempt: u32) -> super::bench::Doing {
        self.straight.doing(self.actor, attempt, Until::the_end())
    }

    async fn call(&self, call: &Call, trouble: Option<(usize, Trouble)>) -> Outcome {
        self.bench.call(call, self.straight.cassette.moment_of(call), trouble).await
    }

    /// Looks, and compares with what the target knows.
    async fn look(&self, attempt: u32, book: &mut Book) -> Result<()> {
        let outcome = self.call(&Call::Look(self.doing(attempt)), None).await;
        let vendor = self.bench.vendor()?;
        let all = self.done.steps.iter().all(|step| 0 < vendor.times(step));
        let wanted = match &outcome.ended {
            Ended::Returned(Gave::Finding(Finding::Landed(_))) if !all => {
                Some("`absent` or `unknown`: it has not landed, or not wholly")
            }
            Ended::Returned(Gave::Finding(Finding::Absent)) if all => {
                Some("`landed` or `unknown`: it has landed")
            }
            Ended::Returned(_) => None,
            Ended::Failed(_) => Some("a finding: the target answers"),
            Ended::Broke(_) => Some("a finding: a trap tells nobody what is wrong"),
        };
        let breach = wanted.map(|wanted| Breach {
            doing: format!("probe, after {}", self.cut.words(self.step)),
            ..self.breach(law::told(&outcome), wanted)
        });
        book.enter(Law::Probe, breach);
        Ok(())
    }
}
