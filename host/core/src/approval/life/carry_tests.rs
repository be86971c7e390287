//! A voice is for the text that was shown, and for no other.

use crate::approval::command::{Command, Prepared, Voice};
use crate::approval::event::Event;
use crate::approval::life::carry::{Asked, holding};
use crate::approval::life::{Context, Turn, decide, submit};
use crate::approval::{Approval, Case, Stage};
use crate::id::{IntentId, IntentTypeName, PersonId, RouteName};
use crate::intent::Raw;
use crate::policy::explain::ComponentTrace;
use crate::policy::{Needs, Settled};
use crate::rulebook::Rulebook;
use crate::rulebook::tests::starter_rulebook;
use crate::time::Timestamp;
use std::sync::Arc;

fn text(value: &str) -> Raw {
    Raw::Text(value.to_owned())
}

fn map(members: Vec<(&str, Raw)>) -> Raw {
    Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn redline(new_text: &str, reason: &str) -> Raw {
    let clause = map(vec![
        ("contract_clause_id", text("C-100/7.2")),
        ("old_text_sha256", text(&"0".repeat(64))),
        ("new_text", text(new_text)),
        ("author", text("ae-1")),
    ]);
    map(vec![
        ("contract_id", text("C-100")),
        ("customer_id", text("A-1")),
        ("contract_type", text("dpa")),
        ("reason", text(reason)),
        ("clause", Raw::List(vec![clause])),
    ])
}

fn context(rulebook: &Rulebook) -> Context<'_> {
    let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
    Context::new(rulebook, now, 7)
}

/// What the host finds: a clause about data that lies beyond the playbook.
pub(super) fn found(rulebook: &Rulebook) -> Prepared {
    let name = IntentTypeName::parse("contract_redline").expect("a name");
    let value = map(vec![("amount", text("50000.00")), ("currency", text("USD"))]);
    let facts = map(vec![
        ("contract_value", value),
        ("paper", text("ours")),
        ("clause.topic", Raw::List(vec![text("data")])),
        ("clause.position", Raw::List(vec![text("beyond")])),
    ]);
    let schema = rulebook.intent_type(&name).expect("the type is there");
    let facts = schema.validate_facts(&facts).unwrap_or_else(|faults| panic!("{faults:#?}"));
    Prepared { facts, ..Prepared::default() }
}

pub(super) fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

pub(super) fn prepared(rulebook: &Rulebook, turn: Turn<'_>, revision: u32) -> Approval {
    let prepared = Box::new(found(rulebook));
    turn.then(Command::Prepare { revision, prepared }).expect("it is prepared").into_parts().1
}

/// A redline that privacy has approved, as it stands after an amendment, and the entries of that.
fn amended(tokens: &Raw) -> (Approval, Vec<Event>) {
    let rulebook = starter_rulebook();
    let asked = redline("new wording", "negotiation");
    let turn = submit(context(&rulebook), IntentId::from_bits(1), "ae-1", "contract_redline", &asked);
    let approval = prepared(&rulebook, turn.expect("it passes the door"), 1);
    let voice = Voice::Approve { note: String::new() };
    let vote = Command::Decide { person: person("privacy-1"), revision: 1, seal: None, voice };
    let approval = decide(&approval, vote, context(&rulebook)).expect("privacy approves").into_parts().1;
    let amend = Command::Amend { person: person("ae-1"), revision: 1, tokens: tokens.clone() };
    let turn = decide(&approval, amend, context(&rulebook)).expect("it is amended");
    let prepare = Command::Prepare { revision: 2, prepared: Box::new(found(&rulebook)) };
    let (entries, approval) = turn.then(prepare).expect("it is prepared again").into_parts();
    (approval, entries.into_iter().map(|entry| entry.event).collect())
}

#[test]
fn a_voice_for_one_text_is_none_for_another() {
    for tokens in [redline("quite another wording", "negotiation"), redline("new wording", "law")] {
        let (approval, events) = amended(&tokens);
        assert!(!events.iter().any(|event| matches!(event, Event::Carried { .. })), "{events:#?}");
        let Stage::Seated { seats, .. } = &approval.stage else { panic!("{:?}", approval.stage) };
        assert_eq!(seats.voices().count(), 0);
    }
}

#[test]
fn what_was_planned_for_one_revision_seals_no_other() {
    let rulebook = starter_rulebook();
    let asked = redline("new wording", "negotiation");
    let turn = submit(context(&rulebook), IntentId::from_bits(1), "ae-1", "contract_redline", &asked);
    let approval = turn.expect("it passes the door").into_parts().1;
    let tokens = redline("quite another wording", "negotiation");
    let amend = Command::Amend { person: person("ae-1"), revision: 1, tokens };
    let approval = decide(&approval, amend, context(&rulebook)).expect("it is amended").into_parts().1;
    let late = Command::Prepare { revision: 1, prepared: Box::new(found(&rulebook)) };
    let refused = decide(&approval, late, context(&rulebook)).expect_err("it is of another revision");
    assert_eq!(refused.code(), "CS-E0106");
}

/// A discount as the policy judges it.
fn judged(rulebook: &Rulebook, percent: &str) -> Approval {
    let record = |name: &str, value: &str| (name.to_owned(), text(value));
    let amount = map(vec![("amount", text("12000.00")), ("currency", text("USD"))]);
    let asked = Raw::Map(vec![
        record("quote_id", "Q-1"),
        record("customer_id", "A-1"),
        record("discount_percent", percent),
        ("amount".to_owned(), amount),
        ("term_months".to_owned(), Raw::Integer(18)),
        ("payment_days".to_owned(), Raw::Integer(30)),
        record("reason", "competitor"),
    ]);
    let found = map(vec![("segment", text("smb")), ("margin", text("40%")), ("renewal", Raw::Bool(false))]);
    let turn = submit(context(rulebook), IntentId::from_bits(1), "ae-1", "discount", &asked);
    let schema =
        rulebook.intent_type(&IntentTypeName::parse("discount").expect("a name")).expect("it is there");
    let facts = schema.validate_facts(&found).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let prepared = Box::new(Prepared { facts, ..Prepared::default() });
    let turn = turn.expect("it passes the door").then(Command::Prepare { revision: 1, prepared });
    turn.expect("it is prepared").into_parts().1
}

fn case(approval: &Approval) -> &Case {
    match &approval.stage {
        Stage::Seated { case, .. } => case,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_component_that_asks_too_is_bound_by_no_promise() {
    let rulebook = starter_rulebook();
    let (before, after) = (judged(&rulebook, "12%"), judged(&rulebook, "11%"));
    let schema = rulebook.intent_type(&before.intent.intent_type).expect("it is there");
    let was = Asked { intent: &before.intent, case: case(&before), schema };
    let route = RouteName::parse("manager").expect("a name");
    let policy = rulebook.newest(&before.intent.intent_type).expect("it is there");
    let by = |case: &Case| {
        let now = Asked { intent: &after.intent, case, schema };
        holding(&was, &now, &route, Some(policy))
    };
    assert_eq!(by(case(&after)), Some(vec!["more discount_percent never needs less".to_owned()]));
    let mut case = case(&after).clone();
    let adds = Settled::Needs(Needs { routes: [route.clone()].into(), ..Needs::default() });
    let [component, id, because] = ["risk", "score", "a pattern of small steps"].map(Arc::from);
    case.evaluation.components.push(ComponentTrace { component, id, because, adds, reads: Arc::from([]) });
    assert_eq!(by(&case), None);
}
