//! What the demonstration asks for: a realistic mix of the three flows, made from a seed, and the
//! records at the stand-ins that it is about.
//!
//! Every wish has records of its own, so that what happens to one says nothing about another.

use crate::standin::World;
use crate::standin::billing::{Charge, Customer};
use crate::standin::crm::{Account, Quote};
use countersign_core::hash::Digest;
use serde_json::{Value, json};

/// Seconds of one day.
const DAY_S: i64 = 86_400;
/// Every so many-th wish that people are asked about is declined by the first of them.
const DECLINED_EVERY: usize = 9;

/// The flows, as intent types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// A price below list.
    Discount,
    /// Changes to clauses of a contract.
    Redline,
    /// Money back.
    Refund,
}

impl Flow {
    /// All of them.
    pub const ALL: [Flow; 3] = [Flow::Discount, Flow::Redline, Flow::Refund];

    /// The intent type.
    #[must_use]
    pub fn intent_type(self) -> &'static str {
        match self {
            Flow::Discount => "discount",
            Flow::Redline => "contract_redline",
            Flow::Refund => "refund",
        }
    }

    /// The flow of an intent type.
    #[must_use]
    pub fn of(intent_type: &str) -> Option<Flow> {
        Flow::ALL.into_iter().find(|flow| flow.intent_type() == intent_type)
    }
}

/// One thing that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The flow.
    pub flow: Flow,
    /// Who asks.
    pub requester: &'static str,
    /// What exactly, as a client sends it.
    pub tokens: Value,
    /// Whether the first person who is asked about it says no.
    pub is_unwelcome: bool,
}

/// What is asked for, and the world that it is about.
#[derive(Debug)]
pub struct Scenario {
    /// The records.
    pub world: World,
    /// The wishes, in the order in which they are submitted.
    pub wishes: Vec<Wish>,
}

/// The share of each flow: eight, five and seven of twenty, interleaved.
const TURNS: [Flow; 20] = {
    use Flow::{Discount as D, Redline as C, Refund as R};
    [D, R, D, C, R, D, R, D, C, R, D, C, R, D, D, R, C, D, R, C]
};

impl Scenario {
    /// `intents` wishes from `seed`; `now_s` is the present in seconds since 1970.
    #[must_use]
    pub fn new(seed: u64, intents: usize, now_s: i64) -> Scenario {
        let mut scenario = Scenario { world: World::default(), wishes: Vec::with_capacity(intents) };
        scenario.world.contracts.set_playbook(&playbook());
        let start = usize::try_from(seed % 20).unwrap_or(0);
        for number in 0..intents {
            let flow = TURNS[(start + number) % TURNS.len()];
            let earlier = scenario.wishes.iter().filter(|wish| wish.flow == flow).count();
            let wish = match flow {
                Flow::Discount => scenario.discount(number, earlier),
                Flow::Redline => scenario.redline(number, earlier),
                Flow::Refund => scenario.refund(number, earlier, now_s),
            };
            scenario.wishes.push(wish);
        }
        scenario
    }

    fn discount(&mut self, number: usize, earlier: usize) -> Wish {
        let case = DISCOUNTS[earlier % DISCOUNTS.len()];
        let (account, quote) = (1_000 + index(number), 5_000 + index(number));
        let billing_account = format!("cus_{account}");
        let amount_cents = case.quantity * case.list_cents;
        self.world.billing.add_customer(Customer {
            id: billing_account.clone(),
            net_minor: amount_cents,
            term_months: 12,
            payment_days: 30,
        });
        self.world.crm.add_account(Account {
            id: account,
            name: format!("Customer {account}"),
            segment: case.segment.to_owned(),
            billing_account,
        });
        self.world.crm.add_quote(Quote {
            id: quote,
            account,
            description: if case.renewal { "Renewal" } else { "New business" }.to_owned(),
            quantity: case.quantity,
            list_cents: case.list_cents,
            cost_cents: case.list_cents * case.cost_percent / 100,
        });
        Wish {
            flow: Flow::Discount,
            requester: ["ae-1", "ae-2", "ae-3"][earlier % 3],
            tokens: json!({
                "quote_id": quote.to_string(),
                "customer_id": account.to_string(),
                "discount_percent": case.discount,
                "amount": money(amount_cents),
                "term_months": case.term_months,
                "payment_days": case.payment_days,
                "reason": case.reason,
            }),
            is_unwelcome: earlier % DECLINED_EVERY == DECLINED_EVERY - 1,
        }
    }

    fn redline(&mut self, number: usize, earlier: usize) -> Wish {
        let case = REDLINES[earlier % REDLINES.len()];
        let (account, contract) = (1_000 + index(number), format!("C-{}", 100 + number));
        self.world.crm.add_account(Account {
            id: account,
            name: format!("Customer {account}"),
            segment: "mid".to_owned(),
            billing_account: format!("cus_{account}"),
        });
        let clauses: Vec<Value> = CLAUSES
            .iter()
            .map(|clause| json!({"id": clause.id, "topic": clause.topic, "text": clause.text}))
            .collect();
        let value = json!({"amount": format!("{}.00", case.value), "currency": "USD"});
        self.world.contracts.add_contract(
            &contract,
            &json!({"contract_id": contract, "value": value, "paper": case.paper, "version": 1,
                "clauses": clauses, "history": []}),
        );
        let changes: Vec<Value> = case
            .changes
            .iter()
            .filter_map(|(clause, wording)| {
                let clause = CLAUSES.iter().find(|known| known.id == *clause)?;
                Some(json!({
                    "contract_clause_id": format!("{contract}/{}", clause.id),
                    "old_text_sha256": sha256(clause.text),
                    "new_text": clause.wording(*wording),
                    "author": "counterparty counsel",
                }))
            })
            .collect();
        Wish {
            flow: Flow::Redline,
            requester: ["ae-2", "ae-3", "ae-1"][earlier % 3],
            tokens: json!({
                "contract_id": contract,
                "customer_id": account.to_string(),
                "contract_type": "msa",
                "reason": "negotiation",
                "clause": changes,
            }),
            is_unwelcome: earlier % DECLINED_EVERY == DECLINED_EVERY - 1,
        }
    }

    fn refund(&mut self, number: usize, earlier: usize, now_s: i64) -> Wish {
        let case = REFUNDS[earlier % REFUNDS.len()];
        let customer = format!("cus_{}", 1_000 + number);
        let charge = format!("ch_{}", 9_000 + number);
        self.world.billing.add_customer(Customer {
            id: customer.clone(),
            net_minor: 1_200_000,
            term_months: 12,
            payment_days: 30,
        });
        self.world.billing.add_charge(Charge {
            id: charge.clone(),
            customer: customer.clone(),
            amount_minor: case.cents * 2,
            created: now_s - case.age_days * DAY_S - 3_600,
            disputed: case.disputed,
        });
        Wish {
            flow: Flow::Refund,
            requester: ["agent-1", "agent-2"][earlier % 2],
            tokens: json!({
                "payment_id": charge,
                "customer_id": customer,
                "invoice_id": format!("INV-{}", 2_000 + number),
                "ledger_code": "4090",
                "amount": money(case.cents),
                "reason": case.reason,
            }),
            is_unwelcome: earlier % DECLINED_EVERY == DECLINED_EVERY - 1,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Discount {
    segment: &'static str,
    discount: &'static str,
    quantity: i64,
    list_cents: i64,
    cost_percent: i64,
    term_months: i64,
    payment_days: i64,
    renewal: bool,
    reason: &'static str,
}

/// What a usual quote is; each case below says what is special about it.
const USUAL: Discount = Discount {
    segment: "smb",
    discount: "4%",
    quantity: 100,
    list_cents: 12_000,
    cost_percent: 50,
    term_months: 12,
    payment_days: 30,
    renewal: false,
    reason: "volume",
};

const DISCOUNTS: [Discount; 9] = [
    // By the table.
    USUAL,
    // The requester's manager.
    Discount { discount: "12%", quantity: 300, reason: "competitor", ..USUAL },
    // By the table.
    Discount { segment: "mid", discount: "8%", quantity: 500, renewal: true, reason: "retention", ..USUAL },
    // A director.
    Discount { segment: "mid", discount: "18%", quantity: 600, term_months: 18, ..USUAL },
    // A director, then a vice president.
    Discount { segment: "ent", discount: "25%", quantity: 1_000, term_months: 24, ..USUAL },
    // Denied by the table.
    Discount { segment: "pub", discount: "28%", quantity: 200, reason: "launch", ..USUAL },
    // Two of finance, because of the payment terms.
    Discount { segment: "mid", discount: "9%", quantity: 400, payment_days: 60, ..USUAL },
    // A director, a vice president and two of finance.
    Discount { segment: "ent", discount: "40%", quantity: 3_000, term_months: 36, ..USUAL },
    // The manager and two of finance, because the margin is thin.
    Discount { discount: "6%", quantity: 250, cost_percent: 88, reason: "launch", ..USUAL },
];

#[derive(Debug, Clone, Copy)]
enum Wording {
    Standard,
    Fallback,
    Beyond,
}

struct Clause {
    id: &'static str,
    topic: &'static str,
    text: &'static str,
    standard: &'static str,
    fallback: &'static str,
}

impl Clause {
    fn wording(&self, wording: Wording) -> String {
        match wording {
            Wording::Standard => self.standard.to_owned(),
            Wording::Fallback => self.fallback.to_owned(),
            Wording::Beyond => format!("{} Neither party limits this in any way.", self.text),
        }
    }
}

const CLAUSES: [Clause; 4] = [
    Clause {
        id: "4.1",
        topic: "payment",
        text: "Invoices are due in 30 days.",
        standard: "Invoices are due within 30 days of receipt.",
        fallback: "Invoices are due within 45 days of receipt.",
    },
    Clause {
        id: "7.2",
        topic: "liability",
        text: "Liability is capped at the fees of one year.",
        standard: "Liability is capped at the fees paid in the twelve months before the claim.",
        fallback: "Liability is capped at twice the fees paid in the twelve months before the claim.",
    },
    Clause {
        id: "9.3",
        topic: "termination",
        text: "Either party may end this agreement with 90 days' notice.",
        standard: "Either party may end this agreement with 90 days' written notice.",
        fallback: "Either party may end this agreement with 60 days' written notice.",
    },
    Clause {
        id: "12.1",
        topic: "data",
        text: "Personal data is processed as the data annex says.",
        standard: "Personal data is processed only as the data annex says.",
        fallback: "Personal data is processed as the data annex says, and in the Union only.",
    },
];

#[derive(Debug, Clone, Copy)]
struct Redline {
    value: i64,
    paper: &'static str,
    changes: &'static [(&'static str, Wording)],
}

const REDLINES: [Redline; 7] = [
    // By the playbook.
    Redline { value: 80_000, paper: "ours", changes: &[("7.2", Wording::Standard)] },
    // One of legal.
    Redline {
        value: 80_000,
        paper: "ours",
        changes: &[("7.2", Wording::Fallback), ("9.3", Wording::Fallback)],
    },
    // By the playbook, two clauses.
    Redline {
        value: 60_000,
        paper: "ours",
        changes: &[("4.1", Wording::Standard), ("9.3", Wording::Fallback)],
    },
    // One of finance.
    Redline { value: 120_000, paper: "ours", changes: &[("4.1", Wording::Fallback)] },
    // Privacy and legal.
    Redline {
        value: 90_000,
        paper: "ours",
        changes: &[("12.1", Wording::Beyond), ("9.3", Wording::Standard)],
    },
    // One of legal, then the general counsel, because of their paper.
    Redline { value: 400_000, paper: "theirs", changes: &[("4.1", Wording::Standard)] },
    // Legal, the general counsel and finance.
    Redline {
        value: 200_000,
        paper: "ours",
        changes: &[("7.2", Wording::Beyond), ("9.3", Wording::Fallback), ("4.1", Wording::Standard)],
    },
];

#[derive(Debug, Clone, Copy)]
struct Refund {
    cents: i64,
    reason: &'static str,
    age_days: i64,
    disputed: bool,
}

const REFUNDS: [Refund; 8] = [
    // By the table.
    Refund { cents: 4_000, reason: "duplicate", age_days: 3, disputed: false },
    // A lead of support.
    Refund { cents: 90_000, reason: "defect", age_days: 40, disputed: false },
    // By the table.
    Refund { cents: 8_000, reason: "goodwill", age_days: 20, disputed: false },
    // One of finance, then a controller.
    Refund { cents: 480_000, reason: "defect", age_days: 10, disputed: false },
    // A lead of support, because it is late.
    Refund { cents: 6_000, reason: "goodwill", age_days: 120, disputed: false },
    // Denied: the bank decides.
    Refund { cents: 15_000, reason: "goodwill", age_days: 15, disputed: true },
    // One of finance, then a controller.
    Refund { cents: 750_000, reason: "error", age_days: 5, disputed: false },
    // A lead of support.
    Refund { cents: 60_000, reason: "cancellation", age_days: 15, disputed: false },
];

/// The approved wordings, by hash.
fn playbook() -> Value {
    let wordings: Vec<Value> = CLAUSES
        .iter()
        .flat_map(|clause| [(clause.standard, "standard"), (clause.fallback, "fallback")])
        .map(|(text, position)| json!({"sha256": sha256(text), "position": position}))
        .collect();
    json!({"wordings": wordings})
}

fn money(cents: i64) -> Value {
    json!({"amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "USD"})
}

fn sha256(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

fn index(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests;
