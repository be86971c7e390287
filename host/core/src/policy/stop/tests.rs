//! A proof stops when it is told to, wherever it is, and then says nothing.

use super::{Stop, Stopped};
use crate::policy::check::check_with;
use crate::policy::coverage::Fired;
use crate::policy::diff::Difference;
use crate::policy::example::Ran;
use crate::policy::lint::{House, lint_until};
use crate::policy::mutant::{Suggested, mutants};
use crate::policy::promise::{Proof, promises};
use crate::policy::prover_tests::{ON, hostile_table, of};
use crate::policy::space::{Point, Space};
use crate::policy::sweep::{Place, Region};
use crate::rulebook::tests::starter_rulebook;
use std::cell::Cell;

/// How often `proof` asks, if it is told to stop when it asks for the `last` time.
fn asks<T>(last: u64, proof: impl FnOnce(&Stop<'_>) -> T) -> (u64, T) {
    let asked = Cell::new(0_u64);
    let ask = || {
        asked.set(asked.get() + 1);
        asked.get() >= last
    };
    let found = proof(&Stop::when(&ask));
    (asked.get(), found)
}

#[test]
fn a_proof_that_was_stopped_says_that_nothing_is_proved_wherever_it_was() {
    let (rulebook, policy) = (starter_rulebook(), of("discount"));
    let check = |stop: &Stop<'_>| check_with(&rulebook, &policy, ON, &Fired::default(), stop);
    let whole = check(&Stop::never()).expect("nobody stops it");
    let (all, found) = asks(u64::MAX, check);
    assert_eq!(found, Ok(whole));
    for last in (1..=all).step_by(usize::try_from(all / 20).expect("it is small")) {
        assert_eq!(asks(last, check), (last, Err(Stopped)), "of {all}");
    }
    let (old, new) = (of("discount"), of("discount"));
    let (all, found) = asks(u64::MAX, |stop| Difference::between(&old, &new, stop).map(drop));
    assert_eq!(found, Ok(()));
    for last in (1..=all).step_by(usize::try_from(all / 10).expect("it is small")) {
        assert_eq!(asks(last, |stop| Difference::between(&old, &new, stop)), (last, Err(Stopped)));
    }
    let (all, found) = asks(u64::MAX, |stop| Suggested::of(&old, stop).map(drop));
    assert_eq!(found, Ok(()));
    for last in (1..=all).step_by(usize::try_from(all / 10).expect("it is small")) {
        assert_eq!(asks(last, |stop| Suggested::of(&old, stop)), (last, Err(Stopped)));
    }
    for last in 1..=u64::try_from(old.examples.len()).expect("they are few") {
        assert_eq!(asks(last, |stop| Ran::of(&old, stop)), (last, Err(Stopped)));
    }
}

#[test]
fn a_hostile_table_is_left_at_once() {
    let policy = hostile_table(60);
    let rulebook = starter_rulebook();
    let intent = rulebook.intent_types().next().expect("it has one");
    let house = House { directory: rulebook.directory(), intent, on: ON };
    for last in [1, 100, 1_000] {
        let (asked, ()) = asks(last, |stop| drop(lint_until(&policy, house, stop)));
        assert_eq!(asked, last);
        let (asked, swept) = asks(last, |stop| Space::of(&policy, stop).table().is_some());
        assert_eq!((asked, swept), (last, false));
    }
    let nodes = u64::try_from(crate::policy::sweep::SWEEP_NODES_MAX / 200).expect("it is small");
    let (asked, swept) = asks(u64::MAX, |stop| Space::of(&policy, stop).table().is_some());
    assert!(nodes < asked && !swept, "asked {asked} times on the way to the cap");
}

#[test]
fn nothing_is_walked_tried_or_read_again_once_it_is_stopped() {
    let policy = of("discount");
    let never = Stop::never();
    let space = Space::of(&policy, &never);
    let table = space.table().expect("it is small");
    let (regions, all) = table.regions(usize::MAX >> 1, &never, |_| true);
    assert!(all && 10 < regions.len());
    let (asked, (some, all)) = asks(5, |stop| table.regions(usize::MAX >> 1, stop, |_| true));
    assert!(asked == 5 && !all && some.len() < regions.len(), "{} of {}", some.len(), regions.len());
    let (asked, mapped) = asks(3, |stop| table.map(stop, Clone::clone));
    assert_eq!((asked, mapped.ends.len()), (3, 2));
    assert!(mapped.nodes.is_empty() && matches!(mapped.root, Place::Node(_)), "no node is rebuilt");
    assert_eq!(mapped.answers().count(), 0, "what there is of it can still be asked");
    let points: Vec<Point> = space.points(&Region::new()).collect();
    let at_once = Stop::when(&|| true);
    assert!(at_once.is_asked());
    let stopped = Space::of(&policy, &at_once);
    assert!(100 < points.len() && stopped.points(&Region::new()).next().is_none());
    let model = stopped.models.first().expect("it has one");
    let answered = stopped.answer(model, &points[0]);
    assert!(answered.rules.is_empty() && answered.guards.is_empty(), "no row was looked at");
    let when = &policy.guards[0].when;
    assert_eq!(stopped.condition(model, when, &points[0]), None);
    assert!(space.condition(&space.models[0], when, &points[0]).is_some());
}

#[test]
fn every_moved_bound_and_every_point_of_a_promise_is_asked_for() {
    let policy = of("refund");
    let all = mutants(&policy, &Stop::never()).len();
    let (asked, few) = asks(1_000_000, |stop| mutants(&policy, stop).len());
    assert_eq!(few, all);
    let (fewer, few) = asks(asked - 10, |stop| mutants(&policy, stop).len());
    assert_eq!((fewer, few), (asked - 10, all - 11), "one question a bound");
    let (_, kept) = asks(1, |stop| promises(&of("discount"), stop));
    assert!(kept.is_empty(), "no further promise is begun");
    // Not proved, so it is tried at every point.
    let policy = hostile_table(60);
    let policy = crate::policy::Policy {
        promises: vec![crate::policy::Promise::More("a".parse().expect("it is a name"))],
        ..policy
    };
    let (all, kept) = asks(u64::MAX, |stop| promises(&policy, stop));
    assert!(20_000 < all && matches!(kept[0].proof, Proof::Tested { points: 4_096 }), "{all}: {kept:?}");
    let (asked, _) = asks(all - 10_000, |stop| promises(&policy, stop));
    assert_eq!(asked, all - 10_000);
}
