//! The transition table of an effect, row by row, as `effects.md` words it.

use super::*;
use crate::record::RecordRef;

const NOW: Timestamp = Timestamp(1_000_000);

fn terms(guarantee: Guarantee) -> Terms {
    Terms {
        guarantee,
        settle: Millis::seconds(30),
        unsettled_until: Timestamp(0),
        set_back: Millis(0),
        key_lifetime: Millis::hours(24),
        denial: Denial::Effect,
        untraced: None,
        replans: false,
        nothing_to_write: false,
        began: NOW,
        now: NOW,
        chance: 0,
    }
}

fn receipt() -> Receipt {
    Receipt {
        subject: RecordRef { kind: "refund".into(), id: "re_1".into() },
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: Vec::new(),
        extra: Vec::new(),
    }
}

fn detail() -> Detail {
    Detail::new("x", "x")
}

fn broke() -> Ended<Receipt> {
    Ended::Broke(Break { kind: BreakKind::Trap, message: "it trapped".into() })
}

fn transient() -> Ended<Receipt> {
    Ended::Failed(Failure::Transient { after: None, detail: detail() })
}

fn rejected() -> Ended<Receipt> {
    Ended::Failed(Failure::Rejected { fields: Vec::new(), detail: detail() })
}

fn conflict() -> Ended<Receipt> {
    Ended::Failed(Failure::Conflict { revision: None, detail: detail() })
}

fn steps(answers: &[Answer]) -> Vec<Step> {
    answers
        .iter()
        .map(|answer| Step { name: "write".into(), request: Digest::ZERO, answer: *answer })
        .collect()
}

const OK: Answer = Answer::Answered { status: 201 };
const NO: Answer = Answer::Answered { status: 422 };
const DOWN: Answer = Answer::Answered { status: 503 };

/// One word for a verdict, so that the table below reads.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        EffectState::Waiting => "waits",
        EffectState::Ready { .. } => "retried",
        EffectState::Sent { .. } => "sent",
        EffectState::Probing { .. } => "probed",
        EffectState::Landed { .. } => "landed",
        EffectState::Held { cause, .. } => cause.as_str(),
        EffectState::GivenUp => "given up",
    }
}

fn check(claim: Ended<Receipt>, answers: &[Answer], expected: [&str; 4]) {
    let guarantees = [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe, Guarantee::Blind];
    for (guarantee, expected) in guarantees.into_iter().zip(expected) {
        let end = AttemptEnd { claim: claim.clone(), steps: steps(answers), held_back: None };
        let verdict = next(History::default(), &end, &terms(guarantee));
        assert_eq!(word(&verdict), expected, "{claim:?} {answers:?} {guarantee:?}");
    }
}

#[test]
fn the_wire_decides_how_far_a_claim_is_believed() {
    let open = ["retried", "retried", "probed", "uncertain"];
    // claim, what was seen on the wire, then by-key, by-natural-key, by-probe, blind
    check(Ended::Returned(receipt()), &[OK], ["landed"; 4]);
    check(Ended::Returned(receipt()), &[], ["probed"; 4]);
    check(Ended::Returned(receipt()), &[NO], ["probed"; 4]);
    check(Ended::Returned(receipt()), &[OK, Answer::Unanswered], open);
    check(transient(), &[], ["retried"; 4]);
    check(transient(), &[Answer::NotSent], ["retried"; 4]);
    check(transient(), &[Answer::Answered { status: 429 }], ["retried"; 4]);
    check(transient(), &[DOWN], open);
    check(transient(), &[Answer::Unanswered], open);
    check(transient(), &[OK], open);
    check(rejected(), &[NO], ["rejected"; 4]);
    check(rejected(), &[OK, NO], ["rejected"; 4]);
    check(rejected(), &[Answer::Unanswered], open);
    check(conflict(), &[NO], ["conflict"; 4]);
    check(conflict(), &[OK, NO], ["probed"; 4]);
    check(Ended::Failed(Failure::Denied(detail())), &[], ["denied"; 4]);
    check(Ended::Failed(Failure::Denied(detail())), &[DOWN], open);
    check(Ended::Failed(Failure::Uncertain(detail())), &[], ["retried"; 4]);
    check(Ended::Failed(Failure::Uncertain(detail())), &[Answer::Unanswered], open);
    check(Ended::Failed(Failure::Uncertain(detail())), &[OK], open);
    check(broke(), &[], ["retried"; 4]);
    check(broke(), &[Answer::NotSent], ["retried"; 4]);
    check(broke(), &[OK], open);
    check(broke(), &[Answer::Unanswered], open);
}

#[test]
fn a_blind_effect_is_never_sent_again_once_something_left() {
    for answer in [OK, DOWN, Answer::Unanswered] {
        for claim in [transient(), broke(), Ended::Failed(Failure::Uncertain(detail()))] {
            let end = AttemptEnd { claim, steps: steps(&[answer]), held_back: None };
            let verdict = next(History::default(), &end, &terms(Guarantee::Blind));
            assert_eq!(word(&verdict), "uncertain", "{end:?}");
        }
    }
}

#[test]
fn an_empty_plan_lands_without_a_step() {
    let end = AttemptEnd { claim: Ended::Returned(receipt()), steps: Vec::new(), held_back: None };
    let terms = Terms { nothing_to_write: true, ..terms(Guarantee::ByProbe) };
    assert_eq!(word(&next(History::default(), &end, &terms)), "landed");
}

#[test]
fn a_key_is_repeated_only_while_the_target_remembers_it() {
    let end = AttemptEnd { claim: transient(), steps: steps(&[Answer::Unanswered]), held_back: None };
    let old = History { first_sent: Some(Timestamp(NOW.0 - 86_400_000)), ..History::default() };
    assert_eq!(word(&next(old, &end, &terms(Guarantee::ByKey))), "probed");
    // An upsert has no window.
    assert_eq!(word(&next(old, &end, &terms(Guarantee::ByNaturalKey))), "retried");
}

#[test]
fn the_life_of_a_key_begins_with_the_attempt_and_not_with_its_verdict() {
    let end = AttemptEnd { claim: transient(), steps: steps(&[Answer::Unanswered]), held_back: None };
    let slow = Terms { now: NOW.plus(Millis::seconds(90)), ..terms(Guarantee::ByKey) };
    let EffectState::Ready { history, .. } = next(History::default(), &end, &slow) else {
        panic!("it is repeated under the same key");
    };
    assert_eq!(history.first_sent, Some(NOW));
}

#[test]
fn what_may_have_been_sent_under_a_forgotten_key_is_looked_for_first() {
    let memory = |guarantee| Memory { guarantee, key_lifetime: Millis::hours(24), set_back: Millis(0) };
    let day = NOW.plus(Millis::hours(24));
    let looks = |history, guarantee, now| is_looked_for_first(NOW, history, memory(guarantee), now);
    // Nothing is on record: it may have begun as soon as it was due.
    let never = History::default();
    assert!(looks(never, Guarantee::ByKey, day));
    assert!(!looks(never, Guarantee::ByKey, NOW.plus(Millis::hours(23))));
    // An attempt takes a while: a key that ends meanwhile is none.
    assert!(looks(never, Guarantee::ByKey, NOW.plus(Millis(Millis::hours(24).0 - ATTEMPT_MAX.0))));
    // What was sent before it was due the last time counts from then.
    let sent = History { first_sent: Some(Timestamp(NOW.0 - 82_800_000)), ..never };
    assert!(looks(sent, Guarantee::ByKey, NOW.plus(Millis::hours(1))));
    // Others have no window: an upsert is harmless for ever, and the rest records what it sends.
    for guarantee in [Guarantee::ByNaturalKey, Guarantee::ByProbe, Guarantee::Blind] {
        assert!(!looks(sent, guarantee, day), "{guarantee:?}");
    }
}

#[test]
fn a_refusal_of_a_repeat_says_nothing_of_what_was_sent_before() {
    let open = History { repeats: 1, first_sent: Some(NOW), ..History::default() };
    for claim in [rejected(), conflict()] {
        let end = AttemptEnd { claim, steps: steps(&[NO]), held_back: None };
        for guarantee in [Guarantee::ByKey, Guarantee::ByNaturalKey] {
            assert_eq!(word(&next(open, &end, &terms(guarantee))), "probed", "{end:?} {guarantee:?}");
        }
    }
}

#[test]
fn what_a_person_has_tried_again_is_asked_for_first_where_it_can_be() {
    let sent = History { first_sent: Some(NOW), repeats: 3, attempts: 9, breaks: 2, ..History::default() };
    let of = |history, cause, guarantee| word(&again(history, cause, guarantee, NOW));
    for cause in [HeldCause::Rejected, HeldCause::Denied, HeldCause::Exhausted, HeldCause::Conflict] {
        assert_eq!(of(sent, cause, Guarantee::ByProbe), "probed", "{cause:?}");
        assert_eq!(of(History::default(), cause, Guarantee::ByProbe), "retried", "{cause:?}");
        assert_eq!(of(sent, cause, Guarantee::ByNaturalKey), "retried", "{cause:?}");
    }
    // Its key may be burnt, and what is absent has a new one; what only failed goes on under the same.
    assert_eq!(of(sent, HeldCause::Rejected, Guarantee::ByKey), "probed");
    assert_eq!(of(sent, HeldCause::Exhausted, Guarantee::ByKey), "retried");
    // It was asked for already, and the target did not say: whoever knows better ends it, also after the key has ended.
    for guarantee in [Guarantee::ByProbe, Guarantee::ByKey] {
        let vouched = again(sent, HeldCause::Uncertain, guarantee, NOW.plus(Millis::hours(48)));
        let EffectState::Ready { due, history } = vouched else { panic!("it is ready") };
        let memory = Memory { guarantee, key_lifetime: Millis::hours(24), set_back: Millis(0) };
        assert!(!is_looked_for_first(due, history, memory, due), "{guarantee:?}");
        assert_eq!(history.generation, sent.generation);
    }
    let EffectState::Ready { history, .. } = again(sent, HeldCause::Exhausted, Guarantee::ByKey, NOW) else {
        panic!("it is ready");
    };
    assert_eq!((history.attempts, history.breaks, history.repeats), (0, 0, 1));
    assert_eq!(history.first_sent, Some(NOW));
}

#[test]
fn a_burnt_key_is_probed_and_then_replaced() {
    let end = AttemptEnd { claim: transient(), steps: steps(&[DOWN]), held_back: None };
    let terms = terms(Guarantee::ByKey);
    let mut history = History::default();
    for _ in 0..KEY_REPEATS_MAX {
        let EffectState::Ready { history: after, .. } = next(history, &end, &terms) else {
            panic!("it is repeated under the same key");
        };
        assert_eq!(after.generation, 0);
        history = after;
    }
    let EffectState::Probing { history, sent, probes, .. } = next(history, &end, &terms) else {
        panic!("it is probed");
    };
    let later = Terms { began: sent.plus(terms.settle), now: sent.plus(terms.settle), ..terms };
    let verdict = next_after_probe(history, sent, probes, &Ended::Returned(Finding::Absent), &later);
    let EffectState::Ready { history, .. } = verdict else { panic!("it is sent again") };
    assert_eq!((history.generation, history.repeats, history.first_sent), (1, 0, None));
}

#[test]
fn absent_counts_only_after_the_target_has_settled() {
    let end = Ended::Returned(Finding::Absent);
    let terms = terms(Guarantee::ByProbe);
    let early = next_after_probe(History::default(), NOW, 0, &end, &terms);
    let EffectState::Probing { due, .. } = early else { panic!("it is asked again") };
    assert_eq!(due, NOW.plus(terms.settle));
    let later = Terms { began: due, now: due, ..terms };
    assert_eq!(word(&next_after_probe(History::default(), NOW, 1, &end, &later)), "retried");
}

#[test]
fn budgets_end_in_a_person_and_never_in_silence() {
    let none = AttemptEnd { claim: transient(), steps: Vec::new(), held_back: None };
    let spent = History { attempts: EFFECT_ATTEMPTS_MAX - 1, ..History::default() };
    assert_eq!(word(&next(spent, &none, &terms(Guarantee::ByKey))), "exhausted");

    let trap = AttemptEnd { claim: broke(), steps: Vec::new(), held_back: None };
    let trapped = History { breaks: TRAPS_MAX - 1, ..History::default() };
    assert_eq!(word(&next(trapped, &trap, &terms(Guarantee::ByKey))), "quarantined");

    let unknown = Ended::Returned(Finding::Unknown);
    let last = EFFECT_PROBES_MAX - 1;
    let verdict = next_after_probe(History::default(), NOW, last, &unknown, &terms(Guarantee::ByProbe));
    assert_eq!(word(&verdict), "uncertain");
    let verdict = next_after_probe(History::default(), NOW, 0, &unknown, &terms(Guarantee::ByProbe));
    assert_eq!(word(&verdict), "probed");
}

#[test]
fn what_the_last_attempt_left_open_is_looked_for_before_it_is_exhausted() {
    let spent = History { attempts: EFFECT_ATTEMPTS_MAX - 1, ..History::default() };
    let none = AttemptEnd { claim: transient(), steps: Vec::new(), held_back: None };
    for guarantee in [Guarantee::ByKey, Guarantee::ByNaturalKey] {
        let terms = terms(guarantee);
        let open = AttemptEnd { claim: transient(), steps: steps(&[DOWN]), held_back: None };
        let EffectState::Probing { history, sent, probes, .. } = next(spent, &open, &terms) else {
            panic!("it is looked for");
        };
        // So is what an earlier one left open, whatever became of the last.
        let before = History { repeats: 1, first_sent: Some(NOW), ..spent };
        assert_eq!(word(&next(before, &none, &terms)), "probed");
        let vouched = History { vouched: true, ..spent };
        assert_eq!(word(&next(vouched, &none, &terms)), "probed");
        let later = Terms { began: sent.plus(terms.settle), now: sent.plus(terms.settle), ..terms };
        let found = |finding| next_after_probe(history, sent, probes, &Ended::Returned(finding), &later);
        assert_eq!(word(&found(Finding::Landed(receipt()))), "landed");
        assert_eq!(word(&found(Finding::Absent)), "exhausted");
        assert_eq!(word(&found(Finding::Unknown)), "probed");
    }
}

#[test]
fn a_connector_that_breaks_for_everybody_is_told_of_once_and_the_others_wait() {
    let trap = AttemptEnd { claim: broke(), steps: Vec::new(), held_back: None };
    for guarantee in [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe, Guarantee::Blind] {
        let after = |denial| next(History::default(), &trap, &Terms { denial, ..terms(guarantee) });
        assert_eq!(word(&after(Denial::Effect)), "retried");
        assert_eq!(word(&after(Denial::Connection)), "quarantined");
        let EffectState::Ready { history, .. } = after(Denial::Passing) else { panic!("it waits") };
        assert_eq!(history, History::default(), "what another one is asked about spends nothing of this one");
        // Something may be in: that is looked for, or asked about, whatever else breaks.
        let sent = AttemptEnd { steps: steps(&[Answer::Unanswered]), ..trap.clone() };
        let open = [Denial::Effect, Denial::Connection, Denial::Passing]
            .map(|denial| word(&next(History::default(), &sent, &Terms { denial, ..terms(guarantee) })));
        assert_eq!(open, [open[0]; 3]);
    }
    let probe: Ended<Finding> =
        Ended::Broke(Break { kind: BreakKind::Trap, message: "it trapped".to_owned() });
    let probed = |guarantee, denial| {
        next_after_probe(History::default(), NOW, 3, &probe, &Terms { denial, ..terms(guarantee) })
    };
    assert_eq!(word(&probed(Guarantee::ByProbe, Denial::Connection)), "quarantined");
    let waits = probed(Guarantee::ByProbe, Denial::Passing);
    assert!(matches!(waits, EffectState::Probing { probes: 3, .. }), "{waits:?}");
    // Nobody but a person sends it again, so nothing but its outcome is asked about.
    assert_eq!(probed(Guarantee::Blind, Denial::Connection), probed(Guarantee::Blind, Denial::Effect));
}

#[test]
fn an_attempt_that_left_no_trace_is_remembered_until_something_is_found_absent() {
    let memory = Memory { guarantee: Guarantee::ByKey, key_lifetime: Millis::hours(24), set_back: Millis(0) };
    let untraced = Terms { untraced: Some(NOW), ..terms(Guarantee::ByKey) };
    let nothing_left = AttemptEnd { claim: transient(), steps: Vec::new(), held_back: None };
    let held_back = AttemptEnd { held_back: Some(Millis::seconds(9)), ..nothing_left.clone() };
    let broken = AttemptEnd { claim: broke(), ..nothing_left.clone() };
    for end in [nothing_left, held_back, broken] {
        let EffectState::Ready { due, history } = next(History::default(), &end, &untraced) else {
            panic!("it is tried again")
        };
        // However often it is put off since.
        let later = Terms { untraced: Some(due), ..untraced };
        let EffectState::Ready { history, .. } = next(history, &end, &later) else { panic!("once more") };
        assert_eq!((history.untraced, history.first_sent), (Some(NOW), None));
        let tomorrow = NOW.plus(Millis::hours(24));
        assert!(is_looked_for_first(tomorrow, history, memory, tomorrow));
        assert!(!is_looked_for_first(due, history, memory, due));
        // What is absent has new keys, of which nobody knows anything.
        let settled = Terms { began: NOW.plus(untraced.settle), ..untraced };
        let absent = next_after_probe(history, NOW, 3, &Ended::Returned(Finding::Absent), &settled);
        let EffectState::Ready { history, .. } = absent else { panic!("it is sent again") };
        assert_eq!(history.untraced, None);
    }
}

#[test]
fn a_host_that_died_in_an_attempt_does_not_know_the_outcome() {
    let end = interrupted("create-refund");
    let words = [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe, Guarantee::Blind]
        .map(|guarantee| word(&next(History::default(), &end, &terms(guarantee))));
    assert_eq!(words, ["retried", "retried", "probed", "uncertain"]);
}

#[test]
fn what_the_host_held_back_spends_nothing_unless_something_left() {
    let before = History { attempts: 7, repeats: 1, first_sent: Some(NOW), ..History::default() };
    let held_back = |answers: &[Answer]| AttemptEnd {
        claim: transient(),
        steps: steps(answers),
        held_back: Some(Millis::seconds(9)),
    };
    let verdict = next(before, &held_back(&[]), &terms(Guarantee::ByKey));
    assert_eq!(verdict, EffectState::Ready { due: NOW.plus(Millis::seconds(9)), history: before });
    let verdict = next(before, &held_back(&[Answer::Unanswered]), &terms(Guarantee::Blind));
    assert_eq!(word(&verdict), "uncertain");
    // Whoever says that it will never work has tried.
    let rejected = AttemptEnd { claim: rejected(), ..held_back(&[]) };
    assert_eq!(word(&next(History::default(), &rejected, &terms(Guarantee::Blind))), "rejected");
}

#[test]
fn a_refused_credential_that_will_pass_is_waited_for_where_that_is_safe() {
    let refused = Answer::Answered { status: 401 };
    let guarantees = [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe, Guarantee::Blind];
    let all = ["retried"; 4];
    let landed = ["retried", "retried", "probed", "denied"];
    for (answers, expected) in [(vec![], all), (vec![refused], all), (vec![OK, refused], landed)] {
        for (guarantee, expected) in guarantees.into_iter().zip(expected) {
            let claim = Ended::Failed(Failure::Denied(detail()));
            let end = AttemptEnd { claim, steps: steps(&answers), held_back: None };
            let before = History { attempts: EFFECT_ATTEMPTS_MAX, ..History::default() };
            let passing = Terms { denial: Denial::Passing, ..terms(guarantee) };
            let verdict = next(before, &end, &passing);
            assert_eq!(word(&verdict), expected, "{answers:?} {guarantee:?}");
            if let EffectState::Ready { history, .. } = verdict {
                assert_eq!(history.attempts, before.attempts, "it spends nothing");
            }
            for denial in [Denial::Effect, Denial::Connection] {
                let held = next(before, &end, &Terms { denial, ..terms(guarantee) });
                assert_eq!(word(&held), "denied", "{denial:?}");
            }
        }
    }
}

#[test]
fn a_probe_that_is_refused_says_nothing_of_the_effect() {
    let refused = Ended::Failed(Failure::Denied(detail()));
    let after = |guarantee, denial, probes| {
        let terms = Terms { denial, ..terms(guarantee) };
        next_after_probe(History::default(), NOW, probes, &refused, &terms)
    };
    for guarantee in [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe] {
        let waits = after(guarantee, Denial::Passing, EFFECT_PROBES_MAX);
        assert!(matches!(waits, EffectState::Probing { probes: EFFECT_PROBES_MAX, .. }), "{waits:?}");
        assert_eq!(word(&after(guarantee, Denial::Connection, 0)), "denied");
        assert!(matches!(after(guarantee, Denial::Effect, 0), EffectState::Probing { probes: 1, .. }));
        assert_eq!(word(&after(guarantee, Denial::Effect, EFFECT_PROBES_MAX)), "uncertain");
    }
    for denial in [Denial::Effect, Denial::Connection, Denial::Passing] {
        // Whoever tried it again would do it on the word of an exception that says that nothing was done.
        assert_eq!(word(&after(Guarantee::Blind, denial, EFFECT_PROBES_MAX)), "uncertain");
    }
}

#[test]
fn absent_is_believed_for_when_the_target_was_asked() {
    // Asked a second after the step was sent, and judged an hour later: something may have arrived in between.
    let later = NOW.plus(Millis::hours(1));
    let asked = |began| {
        let terms = Terms { began, now: later, ..terms(Guarantee::ByProbe) };
        next_after_probe(History::default(), NOW, 0, &Ended::Returned(Finding::Absent), &terms)
    };
    let again = asked(NOW.plus(Millis::seconds(1)));
    assert!(matches!(again, EffectState::Probing { due, .. } if due == later), "{again:?}");
    assert_eq!(word(&asked(NOW.plus(Millis::seconds(30)))), "retried");
}

#[test]
fn what_is_called_off_is_looked_for_unless_nothing_can_be_in() {
    let fresh = History { attempts: 1, ..History::default() };
    let sent = History { first_sent: Some(NOW), ..fresh };
    let vouched = History { vouched: true, ..fresh };
    let ready = |history| EffectState::Ready { due: NOW, history };
    let off = |verdict, traced| called_off(verdict, traced, &[], NOW);
    assert_eq!(off(ready(fresh), true), EffectState::GivenUp);
    for (history, traced) in [(fresh, false), (sent, true), (vouched, true)] {
        assert!(matches!(off(ready(history), traced), EffectState::Probing { .. }), "{history:?}");
    }
}

#[test]
fn a_refusal_ends_what_is_called_off_only_if_no_step_can_be_in() {
    let refused = |history| EffectState::Held { cause: HeldCause::Rejected, detail: detail(), history };
    let sent = History { first_sent: Some(NOW), ..History::default() };
    let vouched = History { vouched: true, ..sent };
    assert!(is_refused(&refused(sent), &steps(&[NO])));
    assert_eq!(called_off(refused(sent), true, &steps(&[NO]), NOW), EffectState::GivenUp);
    // An attempt that died with its host left no trace.
    assert!(matches!(called_off(refused(sent), false, &steps(&[NO]), NOW), EffectState::Probing { .. }));
    for (history, wire) in [(sent, [OK, NO]), (vouched, [NO, NO])] {
        assert!(!is_refused(&refused(history), &steps(&wire)));
        assert_eq!(called_off(refused(history), true, &steps(&wire), NOW), refused(history));
    }
    let conflict = EffectState::Held { cause: HeldCause::Conflict, detail: detail(), history: sent };
    assert!(!is_refused(&conflict, &steps(&[NO])));
}

#[test]
fn what_is_absent_stays_so_where_it_is_called_off() {
    let absent = Ended::Returned(Finding::Absent);
    let (ready, probing) = (
        EffectState::Ready { due: NOW, history: History::default() },
        probe(History::default(), NOW, Millis(0)),
    );
    assert_eq!(absent_for_good(ready.clone(), &absent), EffectState::GivenUp);
    // It is not believed yet, or not said.
    assert_eq!(absent_for_good(probing.clone(), &absent), probing);
    assert_eq!(absent_for_good(ready.clone(), &Ended::Returned(Finding::Unknown)), ready);
}

#[test]
fn what_a_person_vouched_for_is_remembered_until_it_is_absent() {
    let state = again(History::default(), HeldCause::Uncertain, Guarantee::ByProbe, NOW);
    let EffectState::Ready { history, .. } = state else { panic!("{state:?}") };
    assert!(history.vouched && !history.anew().vouched);
}

#[test]
fn a_refusal_says_which_steps_are_in_all_the_same() {
    let end = |answers: &[Answer]| AttemptEnd { claim: rejected(), steps: steps(answers), held_back: None };
    let message = |answers: &[Answer]| match next(History::default(), &end(answers), &terms(Guarantee::ByKey))
    {
        EffectState::Held { cause: HeldCause::Rejected, detail, .. } => detail.message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(&[NO]), "x");
    assert_eq!(message(&[OK, NO]), "x; in part it is written: step `write` is in");
    assert_eq!(message(&[OK, OK, NO]), "x; in part it is written: steps `write`, `write` are in");
}

#[test]
fn what_is_in_in_part_is_looked_for_whatever_a_later_attempt_is_told() {
    let refused = AttemptEnd { claim: rejected(), steps: steps(&[OK, NO]), held_back: None };
    let held = next(History::default(), &refused, &terms(Guarantee::ByNaturalKey));
    let EffectState::Held { history, .. } = held else { panic!("{held:?}") };
    let again = again(history, HeldCause::Rejected, Guarantee::ByNaturalKey, NOW);
    let EffectState::Ready { history, .. } = again else { panic!("{again:?}") };
    let refused = AttemptEnd { claim: rejected(), steps: steps(&[NO]), held_back: None };
    let next = next(history, &refused, &terms(Guarantee::ByNaturalKey));
    assert!(matches!(next, EffectState::Probing { .. }), "{next:?}");
}
