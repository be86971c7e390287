//! Every request of every call meets every trouble: laws `phase`, `failures` and `probe`.

use super::bench::{Bench, Call, Gave, Outcome};
use super::cassette::Actor;
use super::law::{self, Book, Breach, Law};
use super::straight::Straight;
use super::vendor::{RETRY_AFTER_S, Trouble, Until};
use anyhow::Result;
use countersign_core::effect::attempt::{BreakKind, Ended, Failure, Finding, Guarantee};
use countersign_core::time::Millis;

/// One call, and the steps that have landed before it.
struct Scene {
    call: Call,
    landed: Vec<String>,
}

/// Sweeps through all calls of the straight way.
///
/// # Errors
/// If the connector cannot be connected.
pub(super) async fn sweep(bench: &Bench, straight: &Straight, book: &mut Book) -> Result<()> {
    for scene in scenes(bench, straight) {
        let clean = run(bench, straight, &scene, None).await?;
        let unknown = bench.vendor()?.unknown();
        let breach = unknown.first().map(|request| Breach {
            cassette: straight.cassette.name.clone(),
            doing: format!("{}, without trouble", scene.call.name()),
            found: format!("asked {request}"),
            wanted: "only what the cassette has an answer to: record it anew, or add the exchange".to_owned(),
        });
        book.enter(Law::Failures, breach);
        enter_phase(straight, &scene, &clean, "without trouble", book);
        for at in 0..clean.exchanges.len() {
            for trouble in Trouble::ALL {
                let outcome = run(bench, straight, &scene, Some((at, trouble))).await?;
                let unknown = bench.vendor()?.unknown();
                if bench.vendor()?.was_met() {
                    judge(straight, &scene, (at, trouble), (&clean, &outcome), &unknown, book);
                    enter_twice(bench, straight, &scene, (at, trouble), book)?;
                }
            }
        }
    }
    Ok(())
}

async fn run(
    bench: &Bench,
    straight: &Straight,
    scene: &Scene,
    trouble: Option<(usize, Trouble)>,
) -> Result<Outcome> {
    bench.begin(&straight.cassette)?;
    bench.vendor()?.set_landed(&scene.landed);
    Ok(bench.call(&scene.call, straight.cassette.moment_of(&scene.call), trouble).await)
}

/// Whatever its look met, an attempt does nothing a second time. A target that says "not there" is believed.
fn enter_twice(
    bench: &Bench,
    straight: &Straight,
    scene: &Scene,
    (at, trouble): (usize, Trouble),
    book: &mut Book,
) -> Result<()> {
    if !scene.call.is_write() || matches!(trouble, Trouble::Status(404 | 410)) {
        return Ok(());
    }
    let breach = bench.vendor()?.twice().map(|step| Breach {
        cassette: straight.cassette.name.clone(),
        doing: format!("{}, its request {} {}", scene.call.name(), at + 1, trouble.words()),
        found: format!("did step `{step}` twice at the target"),
        wanted: "a failure: a look that was not answered does not say that nothing is there".to_owned(),
    });
    book.enter(Law::Idempotency, breach);
    Ok(())
}

fn scenes(bench: &Bench, straight: &Straight) -> Vec<Scene> {
    let mut scenes = Vec::new();
    let mut add = |call, landed: &[String]| scenes.push(Scene { call, landed: landed.to_vec() });
    let subject = straight.cassette.subject.clone();
    let done = &straight.done.steps;
    add(Call::Check, &[]);
    for kind in &bench.installed.tells {
        add(Call::Changes(kind.clone()), &[]);
    }
    add(Call::Fetch(subject), &[]);
    add(Call::Plan(straight.cassette.proposal()), &[]);
    let doing = |actor, attempt| straight.doing(actor, attempt, Until::the_end());
    add(Call::Attempt(doing(Actor::Effect, 1)), &[]);
    add(Call::Attempt(doing(Actor::Effect, 2)), &[]);
    let is_blind = bench.operation(&straight.cassette).is_some_and(|of| of.guarantee == Guarantee::Blind);
    if !is_blind {
        add(Call::Attempt(doing(Actor::Effect, 2)), done);
    }
    add(Call::Look(doing(Actor::Effect, 1)), &[]);
    add(Call::Look(doing(Actor::Effect, 1)), done);
    if let Some(undone) = &straight.undone {
        let all = [done.as_slice(), &undone.steps].concat();
        add(Call::Attempt(doing(Actor::Undo, 1)), done);
        add(Call::Attempt(doing(Actor::Undo, 2)), &all);
        add(Call::Look(doing(Actor::Undo, 1)), done);
        add(Call::Look(doing(Actor::Undo, 1)), &all);
    }
    scenes
}

/// What only looks sends no step. The gate stops one that does; the law is that none tries.
fn enter_phase(straight: &Straight, scene: &Scene, outcome: &Outcome, when: &str, book: &mut Book) {
    if scene.call.is_write() {
        return;
    }
    let tried = outcome.exchanges.iter().find(|exchange| exchange.step.is_some());
    let forbidden = matches!(&outcome.ended, Ended::Broke(broke) if broke.kind == BreakKind::Forbidden);
    let breach = (tried.is_some() || forbidden).then(|| Breach {
        cassette: straight.cassette.name.clone(),
        doing: format!("{}, {when}", scene.call.name()),
        found: tried.map_or_else(
            || law::told(outcome),
            |exchange| format!("tried to send {}", law::request(exchange)),
        ),
        wanted: "reads only: what changes something belongs into `apply` and `undo`".to_owned(),
    });
    book.enter(Law::Phase, breach);
}

fn judge(
    straight: &Straight,
    scene: &Scene,
    (at, trouble): (usize, Trouble),
    (clean, outcome): (&Outcome, &Outcome),
    unknown: &[String],
    book: &mut Book,
) {
    let Some(met) = clean.exchanges.get(at) else { return };
    let when = format!("its request {} ({}) {}", at + 1, law::request(met), trouble.words());
    enter_phase(straight, scene, outcome, &when, book);
    let breach = |wanted: String| Breach {
        cassette: straight.cassette.name.clone(),
        doing: format!("{}, {when}", scene.call.name()),
        found: law::told(outcome),
        wanted,
    };
    if let Call::Look(_) = &scene.call {
        let is_missing = matches!(trouble, Trouble::Status(404 | 410));
        book.enter(Law::Probe, untrue(clean, outcome, is_missing).map(|wanted| breach(wanted.to_owned())));
    }
    if let Some(request) = unknown.first() {
        let found = format!("asked {request}, which the cassette has no answer to");
        let wanted = "the exchange in the cassette, with `kept` if no recorder can see it".to_owned();
        book.enter(Law::Failures, Some(Breach { found, ..breach(wanted) }));
        return;
    }
    let stepped = clean.exchanges.iter().take(at).any(|exchange| exchange.step.is_some());
    let wanted = if met.step.is_some() {
        after_step(trouble, outcome)
    } else if stepped {
        after_landing(outcome)
    } else {
        after_read(&scene.call, (at, trouble), (clean, outcome))
    };
    book.enter(Law::Failures, wanted.map(breach));
}

/// What a probe should have said, if what it says is not true.
fn untrue(clean: &Outcome, outcome: &Outcome, is_missing: bool) -> Option<&'static str> {
    let finding = |outcome: &Outcome| match &outcome.ended {
        Ended::Returned(Gave::Finding(finding)) => Some(finding.clone()),
        Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => None,
    };
    match (finding(clean)?, finding(outcome)?) {
        (Finding::Landed(_), Finding::Absent) if !is_missing => {
            Some("never `absent` for what has landed: a failure, or `unknown`")
        }
        (Finding::Absent | Finding::Unknown, Finding::Landed(_)) => {
            Some("never `landed` for what has not: a failure, or `unknown`")
        }
        (Finding::Landed(_), Finding::Landed(_) | Finding::Absent | Finding::Unknown)
        | (Finding::Absent | Finding::Unknown, Finding::Absent | Finding::Unknown) => None,
    }
}

/// What should have been said after trouble with a step, if it was not.
fn after_step(trouble: Trouble, outcome: &Outcome) -> Option<String> {
    let said = match &outcome.ended {
        Ended::Broke(_) => return Some(NO_BREAK.to_owned()),
        Ended::Returned(_) if trouble.is_done() => return None,
        Ended::Returned(_) => return Some("a failure: nothing was done".to_owned()),
        Ended::Failed(failure) => failure,
    };
    let case = said.case();
    let of = |cases: &[&str]| (!cases.contains(&case)).then(|| format!("`{}`", cases.join("` or `")));
    match trouble {
        Trouble::Status(401 | 403) => of(&["denied"]),
        Trouble::Status(404 | 410) => of(&["rejected", "conflict"]),
        Trouble::Status(409 | 412) => of(&["conflict", "rejected", "transient", "uncertain"]),
        Trouble::Status(429) => patience(said),
        Trouble::Status(500..) => of(&["transient", "uncertain"]),
        Trouble::Status(_) => of(&["rejected"]),
        Trouble::LostBefore
        | Trouble::LostAfter
        | Trouble::Cut
        | Trouble::Garbage
        | Trouble::Page
        | Trouble::Bare
        | Trouble::Huge => of(&["uncertain"]).map(|wanted| format!("{wanted}: it may have been done")),
    }
}

/// What should have been said when a look after a landed step meets trouble, if it was not.
fn after_landing(outcome: &Outcome) -> Option<String> {
    match &outcome.ended {
        Ended::Broke(_) => Some(NO_BREAK.to_owned()),
        Ended::Returned(_) | Ended::Failed(Failure::Uncertain(_)) => None,
        Ended::Failed(_) => Some("`uncertain`, or a receipt: a step has been done already".to_owned()),
    }
}

/// What should have been said after trouble with a request that changes nothing, if it was not.
fn after_read(
    call: &Call,
    (at, trouble): (usize, Trouble),
    (clean, outcome): (&Outcome, &Outcome),
) -> Option<String> {
    let said = match &outcome.ended {
        Ended::Broke(_) => return Some(NO_BREAK.to_owned()),
        Ended::Returned(gave) => {
            let is_look = matches!(call, Call::Look(_));
            let is_careful = matches!(gave, Gave::Finding(Finding::Unknown));
            // What a later request asks for may be something that a record need not have.
            let is_optional = is_look || 0 < at;
            let is_missing = is_optional && matches!(trouble, Trouble::Status(404 | 410));
            let is_same = matches!(&clean.ended, Ended::Returned(before) if before == gave);
            let wanted = "a failure: it cannot know what it says".to_owned();
            return (!is_careful && !is_missing && !is_same).then_some(wanted);
        }
        Ended::Failed(failure) => failure,
    };
    let case = said.case();
    let of = |cases: &[&str]| (!cases.contains(&case)).then(|| format!("`{}`", cases.join("` or `")));
    match trouble {
        Trouble::Status(401 | 403) => of(&["denied"]),
        Trouble::Status(429) => patience(said),
        // Some targets break on what they do not know, and a check may know of what.
        Trouble::Status(500) if matches!(call, Call::Check) => of(&["transient", "rejected"]),
        Trouble::Status(500..) => of(&["transient"]),
        Trouble::Status(_) => of(&["rejected", "conflict", "transient"]),
        Trouble::LostBefore | Trouble::LostAfter | Trouble::Cut => of(&["transient"]),
        Trouble::Garbage | Trouble::Page | Trouble::Bare | Trouble::Huge => {
            of(&["transient", "rejected", "uncertain"])
        }
    }
}

const NO_BREAK: &str = "one of the five failures: a trap tells nobody what is wrong";

/// A target that says how long to wait is believed.
fn patience(said: &Failure) -> Option<String> {
    let asked = Millis::seconds(RETRY_AFTER_S);
    match said {
        Failure::Transient { after: Some(after), .. } if asked <= *after => None,
        Failure::Transient { .. }
        | Failure::Rejected { .. }
        | Failure::Conflict { .. }
        | Failure::Denied(_)
        | Failure::Uncertain(_) => {
            Some(format!("`transient` with `after-ms` of {}, as `Retry-After` says", asked.0))
        }
    }
}
