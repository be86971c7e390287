//! The three flows with routes of two steps, a pool, an absence and a missed seat in the middle, as the real command
//! prints them: `countersign intent show`, asked of a server whose clock is turned by hand.

use crate::world::{Answer, Setup, World, secret, small_deal};
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::limits::REVIEW_DELAY_MS;
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{program, root, source_files};
use serde_json::json;
use std::time::Duration;
use tokio::process::Command;

/// How often a story looks whether it has gone on, and how long it waits between two looks.
const LOOKS_MAX: usize = 1_000;
const LOOK: Duration = Duration::from_millis(10);

/// A flow on its way.
struct Story {
    world: World,
    requester: &'static str,
    place: String,
    /// Requests so far: each has a key of its own.
    asked: u32,
}

impl Story {
    /// The shipped rules with one more absence, these targets, and what somebody asks for.
    async fn begins(connectors: Scripted, absence: &str, requester: &'static str, body: &str) -> Story {
        let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
        for file in files.iter_mut().filter(|file| file.path == "people.md") {
            file.text = format!("{}\n{absence}\n", file.text.trim_end());
        }
        let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let world = World::of(Setup { rulebook, connectors: Some(connectors), ..Setup::default() }).await;
        // The look through everything that each start begins with is over before the story begins.
        while world.clock.sleepers() == 0 {
            tokio::time::sleep(LOOK).await;
        }
        world.clock.turn(Millis(REVIEW_DELAY_MS));
        let headers = [("idempotency-key", "k-1"), ("prefer", "wait=10")];
        let answer = world.send(requester, "POST", "/v1/intents", &headers, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let place = answer.header("location").to_owned();
        Story { world, requester, place, asked: 0 }
    }

    /// Somebody does something about it.
    async fn does(&mut self, who: &str, below: &str, body: serde_json::Value) -> Answer {
        self.asked += 1;
        let (path, key) = (format!("{}/{below}", self.place), format!("s-{}", self.asked));
        let answer = self.world.post(who, &path, &key, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{who}: {}", answer.text);
        answer
    }

    async fn approves(&mut self, who: &str, note: &str) {
        self.does(who, "decisions", json!({ "decision": "approve", "note": note })).await;
    }

    /// Turns the clock, and waits until the host has seen what that means.
    async fn becomes(&self, moment: &str, until: &str) {
        self.world.clock.set(Timestamp::from_rfc3339(moment).expect("a moment"));
        self.tells(until).await;
    }

    /// Waits until the story has these words.
    async fn tells(&self, words: &str) {
        let timeline = format!("{}/timeline", self.place);
        for _ in 0..LOOKS_MAX {
            if self.world.get(self.requester, &timeline).await.text.contains(words) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("nothing says `{words}`: {}", self.world.get(self.requester, &timeline).await.text);
    }

    /// What the command prints to somebody.
    async fn shown(&self, who: &str) -> String {
        let id = self.place.rsplit('/').next().expect("an address");
        let mut command = Command::new(program().expect("the program was built"));
        command.args(["intent", "show", id]).kill_on_drop(true);
        command.env("COUNTERSIGN_URL", format!("http://{}", self.world.address));
        command.env("COUNTERSIGN_TOKEN", secret(who));
        let output = command.output().await.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        settled(&String::from_utf8(output.stdout).expect("it prints text"))
    }
}

/// A page with ids and digests of one kind each, as wide as they were.
fn settled(page: &str) -> String {
    let words = page.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.map(plain).collect()
}

fn plain(word: &str) -> String {
    let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let end = &word[bare.len()..];
    let ids =
        ["int_", "eff_", "exc_"].into_iter().filter(|prefix| bare.starts_with(prefix) && 20 < bare.len());
    let digest = bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
    let kept = ids.map(str::len).next().or(digest.then_some(0));
    kept.map_or_else(
        || word.to_owned(),
        |kept| format!("{}{}{end}", &bare[..kept], ".".repeat(bare.len() - kept)),
    )
}

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

#[tokio::test]
async fn a_discount_reads_like_a_story() {
    let body = json!({ "type": "discount", "tokens": {
        "quote_id": "q-1", "customer_id": "a-1", "discount_percent": "38%", "term_months": 18,
        "amount": { "amount": "12000.00", "currency": "USD" }, "payment_days": 30, "reason": "competitor",
    } });
    let absence = "| director-1 | 2026-11-24 | 2026-11-25 | pricing-1 | all |";
    let connectors = small_deal(Guarantee::ByNaturalKey);
    let mut story = Story::begins(connectors, absence, "ae-1", &body.to_string()).await;
    story.approves("finance-1", "").await;
    story.approves("finance-2", "prepaid, so the cash is in").await;
    story.does("director-2", "questions", json!({ "words": "what does the customer give for it?" })).await;
    story.becomes("2026-11-24T05:00:00Z", "`director-1` is away").await;
    story.world.clock.set(Timestamp::from_rfc3339("2026-11-24T14:00:00Z").expect("a moment"));
    story.does("ae-1", "answers", json!({ "words": "three years, prepaid" })).await;
    story.does("director-2", "claims", json!({})).await;
    insta::assert_snapshot!("a_discount_is_claimed", story.shown("director-2").await);

    story.world.clock.set(Timestamp::from_rfc3339("2026-11-24T15:00:00Z").expect("a moment"));
    story.approves("director-2", "").await;
    story.becomes("2026-11-25T19:00:00Z", "are reminded").await;
    story.becomes("2026-11-27T15:00:00Z", "as the backup").await;
    insta::assert_snapshot!("a_discount_was_missed", story.shown("cro").await);

    story.approves("cro", "go").await;
    story.tells("read back from now on").await;
    insta::assert_snapshot!("a_discount_is_done", story.shown("ae-1").await);
}

#[tokio::test]
async fn a_contract_redline_reads_like_a_story() {
    let connectors = Scripted::default()
        .with("contracts", Guarantee::ByNaturalKey, &[("store-version", "contract")])
        .with("crm", Guarantee::ByProbe, &[("record-approval", "account")]);
    let usd = countersign_core::money::Currency::parse("USD").expect("a currency");
    let worth = countersign_core::money::Money::parse("150000.00", usd).expect("money");
    connectors.put(
        "contracts",
        "contract",
        "C-100",
        &[("value", Value::Money(worth)), ("paper", text("ours"))],
    );
    connectors.put("contracts", "clause", "C-100/7.2", &[("topic", text("liability"))]);
    let wording = "Capped at twice the fees.";
    connectors.put("contracts", "new_text", wording, &[("position", text("fallback"))]);
    let body = json!({ "type": "contract_redline", "tokens": {
        "contract_id": "C-100", "customer_id": "A-1", "contract_type": "msa", "reason": "negotiation",
        "clause": [{
            "contract_clause_id": "C-100/7.2", "new_text": wording, "author": "Sam",
            "old_text_sha256": Digest::of(b"Capped at fees.").to_string(),
        }],
    } });
    let absence = "| general-counsel | 2026-11-25 | 2026-12-04 | deputy-general-counsel | all |";
    let mut story = Story::begins(connectors, absence, "ae-1", &body.to_string()).await;
    story.does("counsel-2", "claims", json!({})).await;
    story.becomes("2026-11-23T19:00:01Z", "did not decide in time").await;
    story.becomes("2026-11-24T19:00:01Z", "are reminded").await;
    story.becomes("2026-11-25T15:00:01Z", "as the backup").await;
    insta::assert_snapshot!("a_redline_was_missed", story.shown("legal-lead-2").await);

    story.approves("legal-lead-2", "the playbook knows this fallback").await;
    story.approves("deputy-general-counsel", "").await;
    story.tells("nothing is open any more").await;
    insta::assert_snapshot!("a_redline_is_done", story.shown("ae-1").await);
}

#[tokio::test]
async fn a_refund_reads_like_a_story() {
    let connectors = Scripted::default()
        .with("billing", Guarantee::ByKey, &[("create-refund", "payment")])
        .with("ledger", Guarantee::ByProbe, &[("post-entry", "entry")]);
    let payment = [("charged_on", Value::Date("2026-11-02".into())), ("chargeback_open", Value::Flag(false))];
    connectors.put("billing", "payment", "pay_1", &payment);
    let body = json!({ "type": "refund", "tokens": {
        "payment_id": "pay_1", "customer_id": "cus_1", "invoice_id": "INV-1", "ledger_code": "4090",
        "amount": { "amount": "5000.00", "currency": "USD" }, "reason": "defect",
    } });
    let absence = "| finance-lead | 2026-11-24 | 2026-11-27 | fpna-lead | all |";
    let mut story = Story::begins(connectors, absence, "agent-1", &body.to_string()).await;
    story.becomes("2026-11-24T05:00:00Z", "`finance-lead` is away").await;
    story.becomes("2026-11-24T19:00:01Z", "are reminded").await;
    story.becomes("2026-11-25T15:00:01Z", "as the backup").await;
    insta::assert_snapshot!("a_refund_was_missed", story.shown("fpna-1").await);

    story.approves("fpna-1", "").await;
    story.does("controller-2", "claims", json!({})).await;
    story.approves("controller-2", "the entry fits the invoice").await;
    story.tells("nothing is open any more").await;
    insta::assert_snapshot!("a_refund_is_done", story.shown("agent-1").await);
}
