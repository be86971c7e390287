//! The steps of `splitting.feature`: sums over the log.

use super::amendments::with;
use super::{PATIENCE, Spec, asked_tokens, discount_world, person};
use countersign_core::approval::command::Command;
use countersign_core::approval::{Approval, Outcome, Stage};
use countersign_core::intent::TokenValue;
use countersign_core::record::Value;
use countersign_engine::engine::Submission;
use cucumber::{given, then, when};
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;

#[given("a house in which more than 10000 for one customer within 7 days needs finance")]
fn house(spec: &mut Spec) {
    sums(spec, "asked");
    discount_world(spec, 40);
}

#[given("more than 10000 that was approved for one customer within 7 days needs finance")]
fn sums_approved(spec: &mut Spec) {
    sums(spec, "approved");
}

/// What is asked for, or approved, for one customer is summed up.
fn sums(spec: &mut Spec, of: &str) {
    spec.people.change("intents/discount.intent.md", |text| {
        let row = text.lines().find(|line| line.starts_with("| renewal ")).expect("its last fact").to_owned();
        let sum = format!(
            "| asked_7d | money USD 0 .. 100_000_000 | log sum of amount of {of} by customer_id in 7d | |"
        );
        text.replacen(&row, &format!("{row}\n{sum}"), 1)
    });
    spec.people.change("policies/discount.policy.md", |text| {
        // Its promises and examples are those of another policy.
        let (text, _) = text.split_once("## Promises").expect("promises come last but one");
        let guard = "| split | asked_7d > 10_000 | finance | one deal in parts |\n\n## Routes";
        let input = "| asked_7d | money USD 0 .. 100_000_000 |\n\n## Terms";
        text.replacen("\n## Routes", guard, 1).replacen("\n## Terms", input, 1)
    });
}

impl Spec {
    /// What was asked for, once nothing of it is on its way to an answer any more.
    async fn judged(&self) -> Vec<Arc<Approval>> {
        let waiting = async {
            loop {
                let mut all = Vec::new();
                for intent in &self.all {
                    all.push(self.engine().read(*intent).await.expect("it is there").approval);
                }
                if !all.iter().any(|approval| matches!(approval.stage, Stage::Preparing { .. })) {
                    return all;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("all of it is judged")
    }

    async fn first_that_waits(&self) -> Arc<Approval> {
        let all = self.judged().await;
        let first = all.into_iter().find(|approval| matches!(approval.stage, Stage::Seated { .. }));
        first.expect("one waits")
    }

    /// The money that has passed, and how many wait for finance.
    async fn sums(&self) -> (i64, usize) {
        let all = self.judged().await;
        let passed = all.iter().filter(|approval| {
            matches!(approval.stage, Stage::Executing { .. } | Stage::Closed(Outcome::Done { .. }))
        });
        let amount = |approval: &Arc<Approval>| {
            let found = approval.intent.tokens.iter().find(|(name, _)| name.as_str() == "amount");
            let Some((_, TokenValue::Money(money))) = found else { panic!("it has an amount") };
            money.minor / 100
        };
        let waits = all.iter().filter(|approval| match &approval.stage {
            Stage::Seated { seats, .. } => seats.rows.iter().any(|row| row.route.as_str() == "finance"),
            _ => false,
        });
        (passed.map(amount).sum(), waits.count())
    }
}

#[when(regex = r"^(\d+) discounts? of (\d+) (?:is|are) asked for$")]
async fn asked_for(spec: &mut Spec, count: usize, amount: u32) {
    let quote = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    let first = spec.all.len();
    let submissions = (first..first + count).map(|place| {
        let quote_id = format!("Q-{}", place + 10);
        spec.connectors.put("crm", "quote", &quote_id, &quote);
        let tokens = with(asked_tokens(5, amount), "quote_id", &quote_id);
        Submission { requester: "ae-1".into(), intent_type: "discount".into(), tokens, key: None }
    });
    let asked = join_all(submissions.map(|submission| spec.engine().submit(submission))).await;
    for standing in asked {
        spec.all.push(standing.expect("it passes the door").approval.intent.id);
    }
    spec.judged().await;
}

#[when(expr = "ae-1 amends the first that waits to {int}")]
async fn amends_first(spec: &mut Spec, amount: u32) {
    let first = spec.first_that_waits().await;
    let quote = first.intent.tokens.iter().find(|(name, _)| name.as_str() == "quote_id");
    let Some((_, TokenValue::Record(quote))) = quote else { panic!("it is about a quote") };
    let tokens = with(asked_tokens(5, amount), "quote_id", &quote.id);
    let command = Command::Amend { person: person("ae-1"), revision: first.intent.revision, tokens };
    spec.engine().command(first.intent.id, command, None).await.expect("it is amended");
}

#[when("ae-1 withdraws the first that waits")]
async fn withdraws_first(spec: &mut Spec) {
    let first = spec.first_that_waits().await;
    let command = Command::Withdraw { person: person("ae-1"), revision: first.intent.revision };
    spec.engine().command(first.intent.id, command, None).await.expect("it is withdrawn");
}

#[then(expr = "{int} has passed and finance has {int} to decide")]
async fn passed(spec: &mut Spec, amount: i64, waiting: usize) {
    assert_eq!(spec.sums().await, (amount, waiting));
}

#[then(expr = "no more than {int} has passed, and finance has the rest of {int} to decide")]
async fn no_more_passed(spec: &mut Spec, most: i64, count: usize) {
    let (passed, waiting) = spec.sums().await;
    assert!(passed <= most, "{passed} has passed");
    let through = spec.all.len() - waiting;
    assert!(0 < waiting && through < count, "{waiting} of {count} wait");
}
