//! The scenario against the rules that the product starts with.

use super::*;
use countersign_core::document::SourceFile;
use countersign_core::id::{FieldName, IntentTypeName};
use countersign_core::intent::{Day, FactValue, Facts, Percent, Raw, TokenValue};
use countersign_core::money::{Currency, Money};
use countersign_core::policy::{Evaluation, Outcome, decide};
use countersign_core::record::RecordRef;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;

const NOW_S: i64 = 1_795_000_000;

macro_rules! starter {
    ($($path:literal),* $(,)?) => {
        [$(SourceFile {
            path: $path.to_owned(),
            text: include_str!(concat!("../../../starter/", $path)).to_owned(),
        }),*]
    };
}

fn rulebook() -> Rulebook {
    Rulebook::load(&starter![
        "people.md",
        "routes.md",
        "intents/discount.intent.md",
        "intents/contract_redline.intent.md",
        "intents/refund.intent.md",
        "policies/discount.policy.md",
        "policies/contract_redline.policy.md",
        "policies/refund.policy.md",
    ])
    .expect("the starter rules are sound")
}

fn known<const N: usize>(facts: [(&str, TokenValue); N]) -> Facts {
    facts.into_iter().map(|(name, value)| (field(name), FactValue::Known(value))).collect()
}

fn field(name: &str) -> FieldName {
    FieldName::parse(name).expect("a name")
}

fn word(text: &str) -> TokenValue {
    TokenValue::OneOf(text.to_owned())
}

/// What a case would make the host find out, from the case alone.
fn facts(flow: Flow, case: usize) -> Facts {
    match flow {
        Flow::Discount => {
            let case = DISCOUNTS[case];
            let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
            known([
                ("segment", word(case.segment)),
                ("billing_account", TokenValue::Record(customer)),
                ("margin", TokenValue::Percent(Percent((100 - case.cost_percent) * 10_000))),
                ("renewal", TokenValue::YesNo(case.renewal)),
            ])
        }
        Flow::Redline => {
            let case = REDLINES[case];
            let usd = Currency::parse("USD").expect("a currency");
            let value = Money::parse(&case.value.to_string(), usd).expect("an amount");
            let mut facts =
                known([("contract_value", TokenValue::Money(value)), ("paper", word(case.paper))]);
            let each = |of: &dyn Fn(&str, Wording) -> String| {
                FactValue::Each(
                    case.changes
                        .iter()
                        .map(|(clause, wording)| FactValue::Known(word(&of(clause, *wording))))
                        .collect(),
                )
            };
            let topic =
                |clause: &str| CLAUSES.iter().find(|known| known.id == clause).map(|known| known.topic);
            facts
                .insert(field("clause.topic"), each(&|clause, _| topic(clause).expect("it is there").into()));
            facts.insert(field("clause.position"), each(&|_, wording| format!("{wording:?}").to_lowercase()));
            facts
        }
        Flow::Refund => {
            let case = REFUNDS[case];
            known([
                ("charged_on", TokenValue::Date(Day(NOW_S / DAY_S - case.age_days))),
                ("charge_age", TokenValue::Days(case.age_days)),
                ("chargeback_open", TokenValue::YesNo(case.disputed)),
                ("refunds_12m", TokenValue::Count(0)),
            ])
        }
    }
}

fn words(evaluation: &Evaluation) -> String {
    match &evaluation.outcome {
        Outcome::Approve => "approve".to_owned(),
        Outcome::Deny => "deny".to_owned(),
        Outcome::Needs(needs) => needs.routes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
        Outcome::Unsure(unsure) => format!("unsure: {unsure:?}"),
    }
}

fn answers(flow: Flow, cases: usize) -> Vec<String> {
    let rulebook = rulebook();
    let name = IntentTypeName::parse(flow.intent_type()).expect("a name");
    let intent_type = rulebook.intent_type(&name).expect("it is there");
    let policy = rulebook.policy(&name, Timestamp(NOW_S * 1_000)).expect("it is in force");
    let scenario = Scenario::new(0, 200, NOW_S);
    let wishes: Vec<&Wish> = scenario.wishes.iter().filter(|wish| wish.flow == flow).collect();
    let mut answers = Vec::new();
    for (case, wish) in wishes.iter().take(cases).enumerate() {
        let raw: Raw = serde_json::from_str(&wish.tokens.to_string()).expect("JSON");
        let tokens = intent_type.validate(&raw).unwrap_or_else(|faults| panic!("{faults:?}"));
        answers.push(words(&decide(policy, &tokens, &facts(flow, case))));
    }
    answers
}

#[test]
fn every_discount_meets_the_answer_that_its_comment_names() {
    let expected = [
        "approve",
        "manager",
        "approve",
        "director",
        "vp",
        "deny",
        "finance",
        "finance + vp",
        "finance + manager",
    ];
    assert_eq!(answers(Flow::Discount, DISCOUNTS.len()), expected);
}

#[test]
fn every_redline_meets_the_answer_that_its_comment_names() {
    let expected =
        ["approve", "legal", "approve", "finance", "legal + privacy", "counsel", "counsel + finance"];
    assert_eq!(answers(Flow::Redline, REDLINES.len()), expected);
}

#[test]
fn every_refund_meets_the_answer_that_its_comment_names() {
    let expected = ["approve", "support", "approve", "finance", "support", "deny", "finance", "support"];
    assert_eq!(answers(Flow::Refund, REFUNDS.len()), expected);
}

#[test]
fn a_seed_makes_the_same_wishes_again_and_every_flow_is_in_them() {
    let (one, again) = (Scenario::new(3, 60, NOW_S), Scenario::new(3, 60, NOW_S));
    assert_eq!(one.wishes, again.wishes);
    assert_ne!(one.wishes, Scenario::new(4, 60, NOW_S).wishes);
    for flow in Flow::ALL {
        assert!(12 <= one.wishes.iter().filter(|wish| wish.flow == flow).count(), "{flow:?}");
    }
    assert!(one.wishes.iter().any(|wish| wish.is_unwelcome));
}
