//! The two other flows of `story.feature`: a refund and a redline under the shipped rules.

use super::{Spec, map, money, text};
use countersign_core::approval::event::Event;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::intent::Raw;
use countersign_core::money::{Currency, Money};
use countersign_core::record::Value;
use countersign_engine::engine::Submission;
use countersign_tests::scripted::{Act, Scripted};
use cucumber::given;
use std::sync::Arc;

impl Spec {
    /// Starts the shipped rules on these targets, and has `who` ask. Approved effects stay on their way.
    async fn asked_by(&mut self, who: &str, connectors: Scripted, intent_type: &str, tokens: Raw) {
        self.connectors = Arc::new(connectors);
        self.start(self.people.rulebook());
        self.connectors.next_act(Act::Hang);
        let submission =
            Submission { requester: who.into(), intent_type: intent_type.into(), tokens, key: None };
        let standing = self.engine().submit(submission).await.expect("it passes the door");
        self.intent = Some(standing.approval.intent.id);
        self.until("the seat", |event| matches!(event, Event::SeatOpened { .. }), 1).await;
    }
}

#[given(expr = "{word} asks for a refund of {int} because of a {word}")]
async fn refund(spec: &mut Spec, who: String, amount: u32, reason: String) {
    let connectors = Scripted::default()
        .with("billing", Guarantee::ByKey, &[("create-refund", "payment")])
        .with("ledger", Guarantee::ByProbe, &[("post-entry", "entry")]);
    let payment = [("charged_on", Value::Date("2026-11-02".into())), ("chargeback_open", Value::Flag(false))];
    connectors.put("billing", "payment", "pay_1", &payment);
    let tokens = map(vec![
        ("payment_id", text("pay_1")),
        ("customer_id", text("cus_1")),
        ("invoice_id", text("INV-1")),
        ("ledger_code", text("4090")),
        ("amount", money(&format!("{amount}.00"))),
        ("reason", text(&reason)),
    ]);
    spec.asked_by(&who, connectors, "refund", tokens).await;
}

#[given(expr = "{word} asks for a fallback of a liability clause in a contract worth {int}")]
async fn redline(spec: &mut Spec, who: String, worth: u32) {
    let connectors = Scripted::default()
        .with("contracts", Guarantee::ByNaturalKey, &[("store-version", "contract")])
        .with("crm", Guarantee::ByProbe, &[("record-approval", "account")]);
    let usd = Currency::parse("USD").expect("a currency");
    let worth = Money::parse(&format!("{worth}.00"), usd).expect("money");
    let contract = [("value", Value::Money(worth)), ("paper", Value::Text("ours".into()))];
    connectors.put("contracts", "contract", "C-100", &contract);
    connectors.put("contracts", "clause", "C-100/7.2", &[("topic", Value::Text("liability".into()))]);
    let wording = "Capped at twice the fees.";
    connectors.put("contracts", "new_text", wording, &[("position", Value::Text("fallback".into()))]);
    let clause = map(vec![
        ("contract_clause_id", text("C-100/7.2")),
        ("old_text_sha256", text(&Digest::of(b"Capped at fees.").to_string())),
        ("new_text", text(wording)),
        ("author", text("Sam")),
    ]);
    let tokens = map(vec![
        ("contract_id", text("C-100")),
        ("customer_id", text("A-1")),
        ("contract_type", text("msa")),
        ("reason", text("negotiation")),
        ("clause", Raw::List(vec![clause])),
    ]);
    spec.asked_by(&who, connectors, "contract_redline", tokens).await;
}
