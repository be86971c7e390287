//! Every kind of message as people read it, and what others write in it.

use super::house::{House, discount, person, rules, rules_with, write};
use countersign_core::approval::command::{Command, Voice};
use countersign_core::break_glass::BREAK_GLASS;
use countersign_core::effect::attempt::{Detail, Ended, Failure, Receipt};
use countersign_core::effect::key::undo_id;
use countersign_core::exception::Closure;
use countersign_core::intent::OnFailure;
use countersign_core::notice::words::{Message, SUBJECT_CHARACTERS_MAX, TEXT_BYTES_MAX};
use countersign_core::override_::{Instead, Override};
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::Millis;

const CONTACTS: [&str; 6] = [
    "ae-1 mail",
    "sales-manager-1 mail",
    "finance-1 mail",
    "finance-2 webhook",
    "deal-desk-2 mail",
    "revops-lead mail",
];

fn asks(margin: u32) -> House {
    let price = [
        ("discount_percent", Value::Absent, Value::Decimal("12".to_owned())),
        ("net_amount", Value::Text("12000.00 USD".to_owned()), Value::Text("10560.00 USD".to_owned())),
    ];
    let months = [("term_months", Value::Integer(12), Value::Integer(18))];
    let note = "They have an offer of a competitor.\nIt ends on Friday.";
    let writes = vec![write("crm", &price), write("billing", &months)];
    House::asks(rules(&CONTACTS), margin, &discount("Q-1", Some(note)), writes)
}

fn golden(name: &str, message: &Message) {
    assert!(message.subject.chars().count() <= SUBJECT_CHARACTERS_MAX + 1, "{}", message.subject);
    let shown = format!("To: {}\nSubject: {}\n\n{}", message.to, message.subject, message.text);
    insta::assert_snapshot!(name, shown);
}

#[test]
fn whoever_can_decide_reads_what_why_until_when_and_how() {
    let mut house = asks(14);
    golden("decide", &house.message("finance-1", "Decide"));
    house.give(Command::Claim { person: person("finance-1"), revision: 1 });
    house.all_told();
    house.passes(Millis::hours(5), 0);
    golden("open_again", &house.message("finance-2", "Open again"));
    golden("open_again_own", &house.message("finance-1", "Open again"));
}

#[test]
fn a_backup_reads_that_others_were_late_and_the_requester_who_has_it() {
    let mut house = asks(40);
    house.passes(Millis::hours(24), 0);
    golden("decide_as_backup", &house.message("deal-desk-2", "Decide"));
    golden("late", &house.message("ae-1", "Late"));
    house.passes(Millis::hours(72), 0);
    golden("yours_to_settle", &house.message("revops-lead", "Yours to settle"));
    golden("held_up", &house.message("ae-1", "Held up"));
}

#[test]
fn a_question_and_what_came_of_it() {
    let mut house = asks(14);
    let words = "Which competitor, and until when does their offer stand?".to_owned();
    house.give(Command::Ask { person: person("finance-1"), revision: 1, words });
    golden("question", &house.message("ae-1", "Answer"));
    golden("decide_while_asked", &house.message("finance-2", "Decide"));
    let words = "Initech, until Friday".to_owned();
    house.give(Command::Answer { person: person("ae-1"), revision: 1, question: None, words });
    golden("answered", &house.message("finance-1", "Answered"));
}

#[test]
fn an_answer_that_does_not_come_and_a_seat_that_moves() {
    let mut house = asks(14);
    let words = "Which competitor?".to_owned();
    house.give(Command::Ask { person: person("finance-1"), revision: 1, words });
    house.passes(Millis::hours(24 * 4), 0);
    golden("no_answer", &house.message("finance-1", "No answer came"));
    let mut house = asks(14);
    house.rulebook =
        rules_with(&CONTACTS, "| finance-lead | 2026-11-23 | 2026-11-24 | revops-lead | all |\n");
    house.give(Command::Review);
    golden("decide_moved", &house.message("revops-lead", "Decide"));
    let mut house = asks(14);
    house.give(Command::Claim { person: person("finance-1"), revision: 1 });
    house.give(Command::Release { person: person("finance-1"), revision: 1 });
    golden("given_back", &house.message("finance-2", "Open again"));
}

#[test]
fn whoever_is_asked_next_hears_before_it_is_theirs() {
    let mut house = asks(40);
    house.passes(Millis::hours(6), 0);
    golden("soon", &house.message("deal-desk-2", "Soon yours"));
    // It is theirs by now, or decided: then there is nothing to come.
    let mut late = asks(40);
    late.passes(Millis::hours(6), 0);
    late.passes(Millis::hours(20), 0);
    assert!(late.to_tell().iter().all(|line| !line.ends_with("asked next")), "{:#?}", late.to_tell());
    house.votes("sales-manager-1");
    assert!(house.to_tell().iter().all(|line| !line.ends_with("asked next")), "{:#?}", house.to_tell());
}

#[test]
fn whoever_answers_for_an_exception_is_reminded_and_whoever_comes_next_hears_before_it_is_theirs() {
    let late = || {
        let contacts = ["revops-lead mail", "cro-chief-of-staff mail"];
        let mut house = House::asks(rules(&contacts), 40, &discount("Q-1", None), Vec::new());
        house.passes(Millis::hours(24), 0);
        house.passes(Millis::hours(24), 0);
        house.all_told();
        house
    };
    let mut house = late();
    house.settles(Millis::hours(3));
    golden("exception_reminded", &house.message("revops-lead", "Reminder"));
    golden("soon_exception", &house.message("cro-chief-of-staff", "Soon yours"));
    // It is theirs by now, or settled: then there is nothing to come.
    house.settles(Millis::hours(1));
    let told = ["cro-chief-of-staff by mail: an exception that others missed"];
    assert_eq!(house.to_tell(), told);
    let mut settled = late();
    settled.settles(Millis::hours(3));
    settled.votes("deal-desk-1");
    assert_eq!(settled.to_tell(), [] as [&str; 0]);
    // Whoever has it since the same moment hears of it once.
    let mut moved = late();
    let away = "| revops-lead | 2026-11-25 | 2026-11-25 | revops-1 | all |\n";
    moved.rulebook = rules_with(&["revops-1 mail"], away);
    moved.settles(Millis::hours(3));
    assert_eq!(moved.to_tell(), ["revops-1 by mail: an exception that others left behind"]);
}

#[test]
fn who_decides_alone_is_said_at_once_and_when_they_have() {
    let mut house = asks(14);
    let reason = "The order desk closes at midnight, and nobody of finance answers.".to_owned();
    house.give(Command::BreakGlass { person: person("cro"), revision: 1, reason });
    golden("glass_broken", &house.message("ae-1", "Emergency"));
    golden("exception_break_glass", &house.message("revops-lead", "Yours to settle"));
    house.all_told();
    let what = Box::new(Override {
        by: person("cro"),
        instead: Instead::Approve,
        reason: BREAK_GLASS.to_owned(),
        words: "They sign tonight or not at all.".to_owned(),
        evidence: Vec::new(),
    });
    house.give(Command::Override { revision: 1, seal: None, what });
    golden("decided_alone", &house.message("ae-1", "Emergency"));
}

#[test]
fn what_is_settled_without_a_write_says_so() {
    let mut house = House::asks(rules(&CONTACTS), 40, &discount("Q-1", None), Vec::new());
    house.votes("sales-manager-1");
    golden("done", &house.message("ae-1", "Done"));
}

#[test]
fn the_requester_reads_how_it_ended() {
    let mut house = asks(14);
    let words = "Ten percent is enough.".to_owned();
    house.give(Command::SendBack { person: person("finance-1"), revision: 1, words });
    golden("sent_back", &house.message("ae-1", "Change it"));
    let mut house = asks(14);
    let voice = Voice::Decline { reason: "The margin is too thin.".to_owned() };
    house.give(Command::Decide { person: person("finance-1"), revision: 1, seal: None, voice });
    golden("declined", &house.message("ae-1", "Declined"));
    let mut house = asks(40);
    house.votes("sales-manager-1");
    golden("approved", &house.message("ae-1", "Approved"));
    house.all_told();
    end_writes(&mut house);
    golden("done_in_part", &house.message("ae-1", "Done in part"));
}

/// One write lands, the other one is refused for good and given up.
fn end_writes(house: &mut House) {
    let countersign_core::approval::Stage::Executing { case, .. } = &house.approval.stage else {
        panic!("the intent is {}", house.approval.stage.as_str())
    };
    let [crm, billing] = case.writes.as_slice() else { panic!("two writes were planned") };
    let (crm, billing) = (crm.effect, billing.effect);
    house.attempted(crm, Ended::Returned(receipt()), 200);
    house.attempted(billing, rejected(), 404);
    let open = house.approval.exceptions.iter().find(|(_, found)| found.closed.is_none());
    let (id, owner) = open.map(|(id, found)| (*id, found.owner.clone())).expect("one is open");
    golden("held_up_write", &house.message("ae-1", "Held up"));
    let reason = "billed by hand".to_owned();
    house.give(Command::CloseException { person: owner, id, by: Closure::GiveUp, reason });
}

#[test]
fn the_requester_reads_what_was_taken_back_and_what_was_not() {
    for (reversible, name, begins) in [(true, "undone", "Undone"), (false, "undone_in_part", "Done in part")]
    {
        let mut crm = write("crm", &[("term_months", Value::Integer(12), Value::Integer(18))]);
        crm.reversible = reversible;
        let mut billing = write("billing", &[("term_months", Value::Integer(12), Value::Integer(18))]);
        (billing.on_failure, billing.after) = (OnFailure::Undo, vec![crm.binding.clone()]);
        let (first, second, back) = (crm.effect, billing.effect, undo_id(crm.effect));
        let mut house = House::asks(rules(&CONTACTS), 40, &discount("Q-1", None), vec![crm, billing]);
        house.votes("sales-manager-1");
        house.all_told();
        house.attempted(first, Ended::Returned(receipt()), 200);
        house.attempted(second, rejected(), 404);
        if reversible {
            house.attempted(back, Ended::Returned(receipt()), 200);
        } else {
            let open = house.approval.exceptions.iter().find(|(_, found)| found.closed.is_none());
            let (id, owner) = open.map(|(id, found)| (*id, found.owner.clone())).expect("one is open");
            golden("held_up_undo", &house.message("ae-1", "Held up"));
            let reason = "changed by hand".to_owned();
            house.give(Command::CloseException { person: owner, id, by: Closure::GiveUp, reason });
        }
        golden(name, &house.message("ae-1", begins));
    }
}

fn receipt() -> Receipt {
    let subject = RecordRef { kind: "quote".to_owned(), id: "Q-1".to_owned() };
    Receipt {
        subject,
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: Vec::new(),
        extra: Vec::new(),
    }
}

fn rejected() -> Ended<Receipt> {
    let detail = Detail::new("no-such-customer", "there is no such customer");
    Ended::Failed(Failure::Rejected { fields: Vec::new(), detail })
}

#[test]
fn nothing_that_others_write_breaks_a_line_or_a_header() {
    let nasty = "x\r\nBcc: eve@example.com\r\n\r\n<html>\u{202e}evil\u{2066}\u{2028}next\u{0}";
    let write = write("crm", &[(nasty, Value::Text(nasty.to_owned()), Value::Json(nasty.to_owned()))]);
    // What passes the door is narrower; a target's own words are not.
    let tokens = discount("Q-1", Some("a line\nBcc: eve@example.com\tand\ta tab"));
    let mut house = House::asks(rules(&CONTACTS), 14, &tokens, vec![write]);
    house.give(Command::Ask { person: person("finance-1"), revision: 1, words: nasty.to_owned() });
    for message in [house.message("finance-2", "Decide"), house.message("ae-1", "Answer")] {
        assert!(!message.subject.chars().any(char::is_control), "{:?}", message.subject);
        for line in message.text.lines() {
            assert!(!line.starts_with("Bcc"), "{line:?}");
            let bad = |letter: char| letter.is_control() || "\u{202e}\u{2066}\u{2028}".contains(letter);
            assert!(!line.chars().any(bad), "{line:?}");
        }
    }
}

#[test]
fn a_message_that_would_be_long_says_what_is_left_out_and_still_how_to_decide() {
    let long = "ä".repeat(2_000);
    let fields: Vec<String> = (0..100).map(|number| format!("field_{number}")).collect();
    let changes: Vec<(&str, Value, Value)> = fields
        .iter()
        .map(|name| (name.as_str(), Value::Text(long.clone()), Value::Text("\"\\".repeat(500))))
        .collect();
    let tokens = discount("Q-1", Some(&long));
    let mut house = House::asks(rules(&CONTACTS), 14, &tokens, vec![write("crm", &changes)]);
    house.give(Command::Ask { person: person("finance-1"), revision: 1, words: "\"".repeat(5_000) });
    for message in [house.message("finance-2", "Decide"), house.message("ae-1", "Answer")] {
        assert!(message.text.len() <= TEXT_BYTES_MAX, "{}", message.text.len());
        assert!(message.text.contains("countersign intent show int_"), "{}", message.text);
    }
    let decide = house.message("finance-2", "Decide");
    assert!(
        decide.text.contains("more\n") && decide.text.contains("--approve --revision 1"),
        "{}",
        decide.text
    );
}
