//! The steps of `budget.feature`: what exceptions cost, and what a spent budget means.

use super::{PATIENCE, Spec, map, money, person, single_files, text};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Answer, AttemptEnd, Detail, Ended, Failure, Guarantee};
use countersign_core::exception::{Burn, Cause, Closure, Exception, Level};
use countersign_core::id::{ExceptionId, IntentId, IntentTypeName};
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use countersign_tests::scripted::{Act, Scripted, step};
use cucumber::{given, then, when};
use std::sync::Arc;
use std::time::Duration;

/// The shared type of the features with a budget, a council, and rows for exceptions about budgets.
fn files(budget: &str, row: &str) -> Vec<SourceFile> {
    let mut files = single_files();
    let mut change = |ending: &str, from: &str, to: &str| {
        let file = files.iter_mut().find(|file| file.path.ends_with(ending)).expect("the file is there");
        assert!(file.text.contains(from), "{} has `{from}`", file.path);
        file.text = file.text.replacen(from, to, 1);
    };
    let routes = match row {
        "closed" => "rest, closed",
        "rest" => "budget",
        _ => "rest, budget",
    };
    change(
        "single.intent.md",
        "| exception route | rest ",
        &format!("| exception route | {routes} |\n| exception budget | {budget} "),
    );
    change("people.md", "\n\n## Roles", "\n| panel | boss, owner-2 | boss | always | 1h |\n\n## Roles");
    change(
        "routes.md",
        "\n\n## Exceptions",
        "\n| panel | 1 | pool panel | 1 | 8h | person owner-1 | hold | |\n\n## Exceptions",
    );
    let closes = if row == "closed" { "given-up" } else { "reviewed" };
    let cause = if row == "rest" { "quality" } else { "budget" };
    let id = if row == "closed" { "closed" } else { "budget" };
    change(
        "routes.md",
        "| rest |",
        &format!("| {id} | {cause} | | | | pool owners | 8h | person boss | {closes} |\n| rest |"),
    );
    files
}

fn rules(budget: &str) -> Rulebook {
    Rulebook::load(&files(budget, "budget")).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn order(amount: u32) -> Raw {
    map(vec![
        ("order_id", text("order-1")),
        ("amount", money(&format!("{amount}.00"))),
        ("reason", text("goodwill")),
    ])
}

/// What the scenarios of this feature remember.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    refusal: String,
    /// What became of those that were asked for at one moment.
    at_once: Vec<Result<IntentId, Fault>>,
    /// The exception about the budget that somebody has read.
    read: Option<(IntentId, ExceptionId)>,
}

/// Every exception about a budget, the oldest intent first.
type Told = Vec<(IntentId, ExceptionId, Exception)>;

impl Spec {
    async fn ask(&self, amount: u32) -> Result<IntentId, Fault> {
        self.ask_by("ae-1", amount).await
    }

    async fn ask_by(&self, requester: &str, amount: u32) -> Result<IntentId, Fault> {
        let submission = Submission {
            requester: requester.into(),
            intent_type: "single".into(),
            tokens: order(amount),
            key: None,
        };
        Ok(self.engine().submit(submission).await?.approval.intent.id)
    }

    /// Asks for an order and waits until its target has rejected it.
    async fn rejected(&mut self, requester: &str) {
        let detail = Detail::new("scripted", "as the feature says");
        let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
        let steps = vec![step(Answer::Answered { status: 422 })];
        self.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
        let intent = self.ask_by(requester, 10).await.expect("it is taken");
        self.intent = Some(intent);
        self.all.push(intent);
        self.open_exception("rejected").await;
        self.heard().await;
    }

    /// Waits until the exception that is open about the budget says how far it has burnt.
    async fn heard(&self) {
        let of = IntentTypeName::parse("single").expect("a name");
        let waiting = async {
            loop {
                let spending =
                    self.engine().spending(&of).await.expect("it is read").expect("it has a budget");
                let open = spending.open.as_ref().map(|(_, told)| told.level);
                if open.is_none_or(|told| Some(told) >= spending.level()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("somebody hears of it");
    }

    async fn hours(&self, hours: u64) {
        self.clock.turn(Millis::hours(hours));
    }

    async fn of(&self, intent: IntentId) -> Arc<Approval> {
        self.engine().read(intent).await.expect("it is read").approval
    }

    async fn told(&self) -> Told {
        let mut told = Told::new();
        for intent in &self.all {
            let approval = self.of(*intent).await;
            let about = approval.exceptions.iter().filter(|(_, exception)| exception.cause == Cause::Budget);
            told.extend(about.map(|(id, exception)| (*intent, *id, exception.clone())));
        }
        told
    }

    /// The one open exception about the budget, once there is one that fits.
    async fn budget(&self, fits: impl Fn(&Exception) -> bool) -> (IntentId, ExceptionId, Exception) {
        let waiting = async {
            loop {
                let mut open = self.told().await;
                open.retain(|(_, _, exception)| exception.closed.is_none());
                assert!(open.len() < 2, "one at a time: {open:#?}");
                if let Some(found) = open.pop().filter(|(_, _, exception)| fits(exception)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("no exception about the budget is like that: {:#?}", self.told().await),
        }
    }

    async fn burn(&self) -> Burn {
        self.budget(|_| true).await.2.burn.expect("it has figures")
    }

    async fn closes_budget(&mut self, name: &str, by: Closure) {
        let (intent, id, _) = self.budget(|_| true).await;
        self.intent = Some(intent);
        let reason = "the target was down; it is up again".to_owned();
        self.command(Command::CloseException { person: person(name), id, by, reason }).await;
        // What comes after it comes later.
        self.clock.turn(Millis::minutes(1));
    }
}

#[given(expr = "a type with the exception budget {string}")]
fn has_budget(spec: &mut Spec, budget: String) {
    let connectors = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(connectors);
    spec.start(rules(&budget));
}

#[when(regex = r"^1 order is rejected by its target$")]
async fn one_rejected(spec: &mut Spec) {
    spec.rejected("ae-1").await;
}

#[when(expr = "{word} asks for {int} orders that are rejected by their target")]
async fn rejected_of(spec: &mut Spec, requester: String, count: u32) {
    for _ in 0..count {
        spec.rejected(&requester).await;
    }
}

#[when("nobody decides until it is overdue")]
async fn nobody_decides(spec: &mut Spec) {
    let is_overdue =
        |approval: &Approval| approval.exceptions.values().any(|exception| exception.cause == Cause::Overdue);
    for _ in 0..100 {
        spec.hours(1).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        if is_overdue(&*spec.approval().await) {
            return;
        }
    }
    panic!("it is not overdue after 100 hours");
}

#[then(expr = "{int} exceptions have spent the budget")]
async fn have_spent(spec: &mut Spec, count: u32) {
    let of = IntentTypeName::parse("single").expect("a name");
    let spending = spec.engine().spending(&of).await.expect("it is read").expect("it has a budget");
    assert_eq!(spending.count(), count);
}

#[when(expr = "{int} orders are rejected by their target, one every {int} hour(s)")]
async fn rejected_every(spec: &mut Spec, count: u32, hours: u64) {
    for number in 0..count {
        if 0 < number {
            spec.hours(hours).await;
        }
        spec.rejected("ae-1").await;
    }
}

#[when(expr = "{int} orders are rejected by their target at one moment")]
async fn rejected_at_once(spec: &mut Spec, count: u32) {
    let detail = Detail::new("scripted", "as the feature says");
    for _ in 0..count {
        let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail: detail.clone() });
        let steps = vec![step(Answer::Answered { status: 422 })];
        spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    }
    let asked = futures::future::join_all((0..count).map(|_| spec.ask(10))).await;
    // Whoever comes after the last one that fits is refused already.
    let taken = asked.into_iter().filter_map(|done| match done {
        Err(Fault::Refused(Refusal::BudgetSpent(_))) => None,
        done => Some(done.expect("it is taken")),
    });
    spec.all = taken.collect();
}

#[when(expr = "the host starts anew with the exception budget {string}")]
async fn starts_anew(spec: &mut Spec, budget: String) {
    spec.start(rules(&budget));
    // The look through everything comes a moment after the start.
    spec.let_review();
}

#[when(regex = r"^another order is asked for$")]
async fn another(spec: &mut Spec) {
    another_of(spec, 10).await;
}

#[when(expr = "another order of {int} is asked for")]
async fn another_of(spec: &mut Spec, amount: u32) {
    spec.refused = match spec.ask(amount).await {
        Ok(intent) => {
            spec.intent = Some(intent);
            None
        }
        Err(Fault::Refused(refusal)) => {
            spec.budgets.refusal = refusal.to_string();
            Some(refusal.code().to_owned())
        }
        Err(fault) => panic!("{fault}"),
    };
}

#[then("it is taken")]
async fn is_taken(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    // To its end, so that the target has no other order before it.
    spec.until("the end", |event| matches!(event, Event::Closed), 1).await;
}

#[then(expr = "the refusal says that {word} can give the budget back, and that it ends at {word}")]
fn refusal_says(spec: &mut Spec, owner: String, until: String) {
    let said = &spec.budgets.refusal;
    assert!(
        said.contains(&format!("until {until}")) && said.contains(&format!("`{owner}` can give")),
        "{said}"
    );
}

#[then(expr = "the refusal says that at most {int} of a day are taken")]
fn refusal_throttles(spec: &mut Spec, most: u32) {
    let said = &spec.budgets.refusal;
    assert!(said.contains(&format!("so at most {most} of a day are taken")), "{said}");
}

#[when(expr = "{int} orders are asked for at one moment")]
async fn asked_at_once(spec: &mut Spec, count: u32) {
    spec.budgets.at_once = futures::future::join_all((0..count).map(|_| spec.ask(10))).await;
}

#[then(expr = "{int} of them are taken, and the others are refused with {word}")]
fn so_many_are_taken(spec: &mut Spec, count: usize, code: String) {
    let taken = spec.budgets.at_once.iter().filter(|done| done.is_ok()).count();
    assert_eq!(taken, count);
    for done in &spec.budgets.at_once {
        if let Err(fault) = done {
            assert!(matches!(fault, Fault::Refused(refusal) if refusal.code() == code), "{fault}");
        }
    }
}

#[when(regex = r"^(\S+) closes the exception about the budget$")]
async fn closes(spec: &mut Spec, name: String) {
    spec.closes_budget(&name, Closure::Reviewed).await;
}

#[when("owner-1 reads what is open about the budget")]
async fn reads(spec: &mut Spec) {
    let (intent, id, _) = spec.budget(|_| true).await;
    spec.budgets.read = Some((intent, id));
}

#[when("owner-1 closes what they have read")]
async fn closes_read(spec: &mut Spec) {
    let (intent, id) = spec.budgets.read.expect("somebody has read it");
    spec.intent = Some(intent);
    let (person, reason) = (person("owner-1"), "the target was down".to_owned());
    spec.command(Command::CloseException { person, id, by: Closure::Reviewed, reason }).await;
}

#[when(expr = "{word} closes the exception about the budget by retry")]
async fn closes_otherwise(spec: &mut Spec, name: String) {
    spec.closes_budget(&name, Closure::Retry).await;
}

#[then("no exception about the budget is open")]
async fn none_open(spec: &mut Spec) {
    let told = spec.told().await;
    assert!(told.iter().all(|(_, _, exception)| exception.closed.is_some()), "{told:#?}");
}

#[then(expr = "{word} is told once that the budget is {word}: {int} of {int} in {int} days")]
async fn is_told(spec: &mut Spec, owner: String, level: String, opened: u32, at_most: u32, days: u32) {
    let level = if level == "spent" { Level::Spent } else { Level::Burning };
    let right = |exception: &Exception| {
        let burn = exception.burn.as_ref().expect("it has figures");
        (burn.level, burn.opened, burn.at_most, burn.days) == (level, opened, at_most, days)
    };
    let (_, _, exception) = spec.budget(right).await;
    assert_eq!(exception.owner, person(&owner));
    assert!(exception.closes_when.contains(&"reviewed".to_owned()));
    assert!(exception.detail.message.contains(&format!("of {at_most} that its budget allows")));
}

#[then("one exception about the budget is open, and says that it is spent")]
async fn is_spent(spec: &mut Spec) {
    spec.budget(|exception| exception.burn.as_ref().is_some_and(|burn| burn.level == Level::Spent)).await;
}

#[then(expr = "it is foretold to be spent in the hour from {word}")]
async fn foretold(spec: &mut Spec, hour: String) {
    assert_eq!(spec.burn().await.exhausted, Timestamp::from_rfc3339(&hour));
}

#[then("nothing is foretold")]
async fn not_foretold(spec: &mut Spec) {
    assert_eq!(spec.burn().await.exhausted, None);
}

#[then(expr = "{word} answers for the budget")]
async fn answers(spec: &mut Spec, name: String) {
    spec.budget(|exception| exception.owner == person(&name)).await;
}

#[then(expr = "it says that route {word} decides, until {word}")]
async fn says_council(spec: &mut Spec, route: String, until: String) {
    let approval = spec.approval().await;
    let Stage::Seated { case, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let words = case.council.as_ref().expect("a council sits").to_string();
    assert!(words.contains(&format!("route `{route}` decides")) && words.contains(&until), "{words}");
}

#[then(expr = "the seats are of {word} and {word}")]
async fn seats_of(spec: &mut Spec, one: String, other: String) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let routes: Vec<&str> = seats.rows.iter().map(|row| row.route.as_str()).collect();
    assert_eq!(routes, [one.as_str(), other.as_str()]);
}

#[then(
    regex = r#"^a type is refused whose exception budget is "(.*)" and whose exceptions reach "(.*)": (.*)$"#
)]
fn is_no_budget(_: &mut Spec, budget: String, row: String, why: String) {
    let faults = Rulebook::load(&files(&budget, &row)).expect_err("it is refused");
    let intent: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        intent.iter().any(|fault| fault.contains("single.intent.md") && fault.contains(&why)),
        "{intent:#?}"
    );
}
