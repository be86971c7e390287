//! The comparison finds what it must find, and the page says it.

use super::*;
use crate::demo::table;
use countersign_core::effect::attempt::{Guarantee, Receipt};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{BindingName, ConnectionName, EffectId};
use countersign_core::intent::OnFailure;
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::Timestamp;

fn planned(number: u128, connection: &str, operation: &str, record: &str) -> PlannedEffect {
    let subject = RecordRef { kind: "thing".into(), id: record.into() };
    let change = Change { name: "price".into(), before: Value::Absent, after: Value::Integer(1) };
    PlannedEffect {
        effect: EffectId::from_bits(number),
        binding: BindingName::parse("a-binding").expect("a name"),
        connection: ConnectionName::parse(connection).expect("a name"),
        connector: Digest::ZERO,
        target: Digest::ZERO,
        guarantee: Guarantee::ByKey,
        after: Vec::new(),
        on_failure: OnFailure::Hold,
        reversible: false,
        undoes: None,
        re_asserts: None,
        what: Proposal { operation: operation.into(), subject: subject.clone(), fields: Vec::new() },
        plan: WritePlan { subject, revision: None, changes: vec![change], remarks: Vec::new() },
    }
}

fn landed() -> EffectState {
    let receipt = Receipt {
        subject: RecordRef { kind: "thing".into(), id: "1".into() },
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: Vec::new(),
        extra: Vec::new(),
    };
    EffectState::Landed { receipt, at: Timestamp(0) }
}

fn landing(system: &'static str, operation: &'static str, effect: Option<u128>, times: usize) -> Landing {
    let effect = effect.map(|number| EffectId::from_bits(number).to_string());
    Landing { system, operation, record: "7".into(), effect, times }
}

fn compared(state: &EffectState, landings: &[Landing]) -> (usize, usize, usize) {
    let planned = planned(1, "billing", "create-refund", "ch_1");
    let mut found = Compared::default();
    found.effects([(&planned, state)].into_iter(), landings);
    assert_eq!(found.differences.len(), found.lost + found.doubled + found.unexplained);
    (found.lost, found.doubled, found.unexplained)
}

#[test]
fn each_difference_between_the_log_and_the_world_has_its_name() {
    let at = |effect, times| vec![landing("billing", "create-refund", Some(effect), times)];
    for (state, landings, expected, why) in [
        (landed(), at(1, 1), (0, 0, 0), "as it should be"),
        (landed(), Vec::new(), (1, 0, 0), "lost"),
        (landed(), at(1, 2), (0, 1, 0), "doubled"),
        (landed(), at(2, 1), (1, 0, 1), "another effect in its place"),
        (EffectState::Waiting, at(1, 1), (0, 0, 1), "done before it was due"),
        (EffectState::GivenUp, Vec::new(), (0, 0, 0), "given up and not there"),
    ] {
        assert_eq!(compared(&state, &landings), expected, "{why}");
    }
}

#[test]
fn a_change_without_an_effects_id_is_known_by_its_record() {
    let mut found = Compared::default();
    let planned = planned(1, "crm", "set-price", "7");
    found.effects([(&planned, &landed())].into_iter(), &[landing("crm", "set-price", None, 1)]);
    assert!(found.differences.is_empty(), "{:?}", found.differences);
}

fn report(differences: Vec<String>) -> Report {
    let flows = Flows { asked: 8, by_policy: 3, by_people: 3, denied: 1, declined: 1, open: 0 };
    Report {
        ok: differences.is_empty(),
        seed: 1,
        took_ms: 21_400,
        flows: BTreeMap::from([("contract_redline", flows), ("discount", flows), ("refund", flows)]),
        landed: BTreeMap::from([("billing", 12), ("crm", 24)]),
        requests: 512,
        faults: BTreeMap::from([(Kind::LostAfter, 7), (Kind::Slow, 2)]),
        killed: vec![9],
        attempts: 48,
        retries: 11,
        probes: 6,
        lost: 0,
        doubled: 0,
        unexplained: 0,
        open: 0,
        open_exceptions: 0,
        log_entries: 321,
        log_head: "0123456789abcdef0123456789abcdef".into(),
        differences,
    }
}

#[test]
fn the_page_says_what_was_proved() {
    let expected = "\
intents                asked    by policy    by people     denied   declined
  contract redline         8            3            3          1          1
  discount                 8            3            3          1          1
  refund                   8            3            3          1          1
  all                     24            9            9          3          3

effects landed            36
  billing                 12
  crm                     24

faults on purpose          9  in 512 requests
                           7  answer lost after it was done
                           2  slow answer
                           1  host killed (SIGKILL) with 9 intents under way
attempts                  48  11 tried again, 6 probes

lost                       0
doubled                    0
without approval           0
left open                  0
open exceptions            0
log verified             321  entries, chain head 0123456789abcdef...

Everything holds: 21 s, seed 1.
";
    assert_eq!(table::page(&report(Vec::new())), expected);
}

#[test]
fn a_page_that_does_not_hold_says_what_differs() {
    let page = table::page(&report(vec!["effect eff_1 is there 2 times".into()]));
    assert!(
        page.ends_with("\nNot everything holds (21 s, seed 1):\n  effect eff_1 is there 2 times\n"),
        "{page}"
    );
}
