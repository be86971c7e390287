//! Who is told what: one row a case.

use super::house::{House, discount, person, rules, rules_with};
use countersign_core::approval::command::{Command, Hope, Voice};
use countersign_core::effect::attempt::Detail;
use countersign_core::exception::Closure;
use countersign_core::time::Millis;

const ALL: [&str; 8] = [
    "ae-1 mail",
    "sales-manager-1 mail",
    "finance-lead mail",
    "finance-1 mail",
    "finance-2 mail",
    "finance-3 mail",
    "deal-desk-lead mail",
    "revops-lead mail",
];

type Deed = fn(&mut House);

/// What is to be told after the last of these deeds, everything before having been told.
fn check(contacts: &[&str], margin: u32, deeds: &[Deed], expected: &[&str]) {
    let mut house = House::asks(rules(contacts), margin, &discount("Q-1", None), Vec::new());
    for deed in deeds {
        house.all_told();
        deed(&mut house);
    }
    assert_eq!(house.to_tell(), expected);
}

fn decline(house: &mut House) {
    let voice = Voice::Decline { reason: "too much".to_owned() };
    house.give(Command::Decide { person: person("finance-1"), revision: 1, seal: None, voice });
}

fn ask(house: &mut House) {
    house.give(Command::Ask { person: person("finance-1"), revision: 1, words: "why?".to_owned() });
}

fn answer(house: &mut House) {
    let words = "because".to_owned();
    house.give(Command::Answer { person: person("ae-1"), revision: 1, question: None, words });
}

fn send_back(house: &mut House) {
    let words = "less".to_owned();
    house.give(Command::SendBack { person: person("finance-1"), revision: 1, words });
}

fn withdraw(house: &mut House) {
    house.give(Command::Withdraw { person: person("ae-1"), revision: 1 });
}

fn claim(house: &mut House) {
    house.give(Command::Claim { person: person("finance-1"), revision: 1 });
}

fn both_claim(house: &mut House) {
    claim(house);
    house.give(Command::Claim { person: person("finance-2"), revision: 1 });
}

fn release(house: &mut House) {
    house.give(Command::Release { person: person("finance-1"), revision: 1 });
}

fn vote(house: &mut House) {
    house.votes("finance-1");
}

fn all_vote(house: &mut House) {
    house.votes("finance-1");
    house.votes("finance-2");
    house.votes("sales-manager-1");
}

fn a_day_passes(house: &mut House) {
    house.passes(Millis::hours(48), 0);
}

fn four_weeks_pass(house: &mut House) {
    // As long as the seal lives: behind that it would be prepared anew.
    for _ in 0..28 {
        house.passes(Millis::hours(24), 0);
    }
}

fn settle(house: &mut House) {
    let open = house.approval.exceptions.iter().find(|(_, found)| found.closed.is_none());
    let (id, owner) = open.map(|(id, found)| (*id, found.owner.clone())).expect("one is open");
    house.give(Command::CloseException {
        person: owner,
        id,
        by: Closure::Decline,
        reason: "nobody wants it".to_owned(),
    });
}

#[test]
fn whoever_must_act_is_told_and_the_requester_whose_intent_moved() {
    let finance = "finance-lead by mail: asked to decide";
    let opened = [
        finance,
        "finance-1 by mail: asked to decide",
        "finance-2 by mail: asked to decide",
        "finance-3 by mail: asked to decide",
        "sales-manager-1 by mail: asked to decide",
    ];
    check(&ALL, 14, &[], &opened);
    // By every way that a person has, and nobody else.
    let two = ["finance-1 webhook", "finance-1 mail", "cro mail"];
    check(&two, 14, &[], &["finance-1 by webhook: asked to decide", "finance-1 by mail: asked to decide"]);
    check(&[], 14, &[], &[]);
    // Nobody hears of their own deed, and a voice of many is news to nobody.
    check(&ALL, 14, &[decline], &["ae-1 by mail: declined"]);
    check(&ALL, 14, &[vote], &[]);
    check(&ALL, 14, &[withdraw], &[]);
    check(&ALL, 14, &[claim], &[]);
    // What is settled at once is told once.
    check(&ALL, 14, &[all_vote], &["ae-1 by mail: all of it is settled"]);
    check(&ALL, 14, &[ask], &["ae-1 by mail: asked to answer"]);
    check(&ALL, 14, &[ask, answer], &["finance-1 by mail: what came of the question"]);
    // Who asked has decided meanwhile: the answer is for nobody.
    check(&ALL, 14, &[ask, vote, |_| {}], &[]);
    check(&ALL, 14, &[send_back], &["ae-1 by mail: sent back"]);
    // A claim that is given back is news to those who could not claim, and to those who could.
    let free = [
        "finance-lead by mail: the seat is open again",
        "finance-2 by mail: the seat is open again",
        "finance-3 by mail: the seat is open again",
    ];
    check(&ALL, 14, &[both_claim, release], &free);
}

#[test]
fn what_is_late_is_somebody_elses_and_the_requester_hears_whose() {
    let late =
        ["ae-1 by mail: late, and who has it now", "deal-desk-lead by mail: asked to decide as the backup"];
    check(&ALL, 40, &[a_day_passes], &late);
    // An exception that is escalated again and again is told to each owner, the requester hears of it once.
    let mut house = House::asks(rules(&ALL), 40, &discount("Q-1", None), Vec::new());
    a_day_passes(&mut house);
    house.all_told();
    four_weeks_pass(&mut house);
    let told = house.to_tell();
    let held = told.iter().filter(|line| line.starts_with("ae-1 by mail: held up")).count();
    assert_eq!(held, 1, "{told:#?}");
    assert!(told.iter().any(|line| line.contains("an exception to settle")), "{told:#?}");
    // Whoever settles it tells the requester by that, and nobody else.
    house.all_told();
    settle(&mut house);
    assert_eq!(house.to_tell(), ["ae-1 by mail: declined"]);
}

#[test]
fn what_nobody_needs_to_hear_any_more_goes_with_its_subject() {
    let mut house = House::asks(rules(&ALL), 14, &discount("Q-1", None), Vec::new());
    assert_eq!(house.to_tell().len(), 5);
    vote(&mut house);
    assert_eq!(house.to_tell().len(), 4, "whoever has decided is not asked");
    both_claims_taken(&mut house);
    assert_eq!(
        house.to_tell(),
        ["finance-2 by mail: asked to decide", "sales-manager-1 by mail: asked to decide"],
        "one voice is left, and finance-2 has claimed it"
    );
    withdraw(&mut house);
    assert!(house.approval.wakes().is_empty(), "one commit ends everything");
}

#[test]
fn whoever_can_decide_again_since_a_claim_went_with_its_person_is_told() {
    let mut house = House::asks(rules(&ALL), 14, &discount("Q-1", None), Vec::new());
    both_claim(&mut house);
    let asked = |house: &House, who: &str| house.to_tell().iter().any(|line| line.starts_with(who));
    assert!(!asked(&house, "finance-lead"), "nothing was sent yet, and now others will decide");
    house.rulebook = rules_with(&ALL, "| finance-1 | 2026-11-23 | 2026-11-24 | fpna-1 | all |\n");
    house.give(Command::Review);
    assert!(asked(&house, "finance-lead") && asked(&house, "finance-3"), "{:#?}", house.to_tell());
}

#[test]
fn what_arrived_while_it_was_dropped_is_on_record() {
    let mut house = House::asks(rules(&ALL), 14, &discount("Q-1", None), Vec::new());
    let number = *house.approval.notices.open.keys().next().expect("somebody is to be told");
    withdraw(&mut house);
    assert!(house.approval.notices.open.is_empty());
    let detail = || Detail::new("mail", "250 fine");
    house.give(Command::Told { notice: number, detail: detail() });
    // What was never recorded cannot have arrived, and what failed is nobody's any more.
    assert!(house.try_give(Command::Told { notice: 99, detail: detail() }).is_err());
    let failed = Command::NotTold { notice: number, detail: detail(), wish: None, hope: Hope::Some };
    assert!(house.try_give(failed).is_err());
    assert!(house.approval.wakes().is_empty());
}

fn both_claims_taken(house: &mut House) {
    house.give(Command::Claim { person: person("finance-2"), revision: 1 });
}
