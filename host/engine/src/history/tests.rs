//! What is read back from a log that the transition table wrote, and from files.

use super::*;
use crate::memory::MemoryStore;
use crate::port::store::{Append, Batch};
use countersign_core::approval::Approval;
use countersign_core::approval::command::{Command, Prepared, Voice};
use countersign_core::approval::event::Entry;
use countersign_core::approval::life::{self, Context};
use countersign_core::document::SourceFile;
use countersign_core::id::FieldName;
use countersign_core::intent::{FactValue, Facts, IntentType, Percent, Raw, TokenValue};
use countersign_core::policy::backtest::{Named, Was};
use countersign_core::policy::{Outcome, Settled};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use std::sync::{Arc, LazyLock};

/// A Monday morning in New York.
const MORNING: &str = "2026-11-23T15:00:00Z";

/// The starter's rules, read once.
static RULES: LazyLock<Rulebook> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/starter");
    let mut files = Vec::new();
    for below in ["intents", "policies", ""] {
        for entry in std::fs::read_dir(folder.join(below)).expect("the starter is there") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                let shown = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
                files.push(SourceFile {
                    path: shown,
                    text: std::fs::read_to_string(&path).expect("it reads"),
                });
            }
        }
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
});

fn morning() -> Timestamp {
    Timestamp::from_rfc3339(MORNING).expect("a moment")
}

fn tokens(percent: &str) -> Raw {
    let text = |text: &str| Raw::Text(text.to_owned());
    let map = |members: Vec<(&str, Raw)>| {
        Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    map(vec![
        ("quote_id", text("Q-1")),
        ("customer_id", text("A-1")),
        ("discount_percent", text(percent)),
        ("amount", map(vec![("amount", text("12000.00")), ("currency", text("USD"))])),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text("volume")),
    ])
}

fn facts(segment: &str) -> Facts {
    let name = |text: &str| FieldName::parse(text).expect("it is a name");
    Facts::from([
        (name("segment"), FactValue::Known(TokenValue::OneOf(segment.to_owned()))),
        (name("margin"), FactValue::Known(TokenValue::Percent(Percent(400_000)))),
        (name("renewal"), FactValue::Known(TokenValue::YesNo(false))),
    ])
}

/// A log under construction: every entry comes from the transition table.
#[derive(Default)]
struct Written {
    store: MemoryStore,
    approvals: Vec<Approval>,
    lengths: Vec<u64>,
}

fn at(minutes: u64) -> Context<'static> {
    Context::new(&RULES, morning().plus(Millis::minutes(minutes)), 7)
}

impl Written {
    async fn submit(&mut self, minutes: u64, percent: &str) -> usize {
        let number = self.approvals.len();
        let id = IntentId::from_bits(number as u128 + 1);
        let turn = life::submit(at(minutes), id, "ae-1", "discount", &tokens(percent)).expect("it passes");
        let (entries, approval) = turn.into_parts();
        self.approvals.push(approval);
        self.lengths.push(0);
        self.append(number, &entries).await;
        number
    }

    async fn command(&mut self, number: usize, minutes: u64, command: Command) {
        let turn = life::decide(&self.approvals[number], command, at(minutes)).expect("it is allowed");
        let (entries, approval) = turn.into_parts();
        self.approvals[number] = approval;
        self.append(number, &entries).await;
    }

    async fn prepare(&mut self, number: usize, minutes: u64, segment: &str) {
        let command = Command::Prepare {
            revision: 1,
            prepared: Box::new(Prepared { facts: facts(segment), ..Prepared::default() }),
        };
        self.command(number, minutes, command).await;
    }

    async fn vote(&mut self, number: usize, minutes: u64, person: &str, voice: Voice) {
        let person = person.parse().expect("a person");
        let command = Command::Decide { person, revision: 1, seal: None, voice };
        self.command(number, minutes, command).await;
    }

    async fn append(&mut self, number: usize, entries: &[Entry]) {
        let bytes = entries.iter().map(|entry| entry.to_bytes().expect("canonical").into()).collect();
        self.append_bytes(&self.approvals[number].intent.id.to_string(), self.lengths[number], bytes).await;
        self.lengths[number] += entries.len() as u64;
    }

    async fn append_bytes(&self, stream: &str, expected: u64, entries: Vec<Arc<[u8]>>) {
        let append = Append { stream: stream.into(), expected, entries, errands: Vec::new(), row: None };
        self.store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is stored");
    }

    async fn read(&self, wanted: &Wanted) -> Result<(Seen, Vec<Recorded>), Fault> {
        let mut cases = Vec::new();
        let seen = read(&self.store, wanted, &|_, _| {}, |_, case| cases.push(case)).await?;
        Ok((seen, cases))
    }
}

fn all() -> Wanted {
    Wanted { intent_type: None, since: Timestamp(0) }
}

/// One of each fate, and one that nobody could prepare.
async fn written() -> Written {
    let mut log = Written::default();
    let open = log.submit(0, "12%").await;
    log.prepare(open, 1, "smb").await;
    let approved = log.submit(0, "4%").await;
    log.prepare(approved, 1, "smb").await;
    let denied = log.submit(2, "26%").await;
    log.prepare(denied, 3, "pub").await;
    let voted = log.submit(4, "12%").await;
    log.prepare(voted, 5, "smb").await;
    let declined = log.submit(6, "12%").await;
    log.prepare(declined, 7, "smb").await;
    let never = log.submit(8, "12%").await;
    let person = "ae-1".parse().expect("a person");
    log.command(never, 9, Command::Withdraw { person, revision: 1 }).await;
    log.vote(declined, 17, "sales-manager-1", Voice::Decline { reason: "too deep".to_owned() }).await;
    log.vote(voted, 65, "sales-manager-1", Voice::Approve { note: String::new() }).await;
    log
}

#[tokio::test]
async fn every_decided_case_comes_back_with_its_facts_its_fate_and_the_time_of_its_seats() {
    let log = written().await;
    log.append_bytes("connection/crm", 0, vec![b"not of an intent".as_slice().into()]).await;
    let (seen, cases) = log.read(&all()).await.expect("it reads");
    assert_eq!((seen.cases, seen.unevaluated), (5, 1));
    assert_eq!(seen.position, log.store.health().position);
    let id = |number: u128| Named::Intent(IntentId::from_bits(number));
    let fates: Vec<(Named, Fate)> = cases.iter().map(|case| (case.name, case.fate)).collect();
    let expected = [
        (id(2), Fate::ApprovedByPolicy),
        (id(3), Fate::DeclinedByPolicy),
        (id(5), Fate::DeclinedByPeople),
        (id(4), Fate::ApprovedByPeople),
        (id(1), Fate::Open),
    ];
    assert_eq!(fates, expected, "in the order of the decisions, the open one last");
    let minutes: Vec<Option<u64>> = cases
        .iter()
        .map(|case| case.seats.first().and_then(|seat| Some(seat.ended?.since(seat.opened).0 / 60_000)))
        .collect();
    assert_eq!(minutes, [None, None, Some(10), Some(60), None]);
    assert!(cases.iter().all(|case| case.tokens.len() == 7));
    assert_eq!(cases[1].facts, facts("pub"), "what was denied keeps its facts");
    let Was::Evaluated(denied) = &cases[1].was else { panic!("it was evaluated") };
    assert_eq!(denied.outcome, Outcome::Deny);
}

#[tokio::test]
async fn only_what_is_wanted_is_read() {
    let log = written().await;
    let since = morning().plus(Millis::minutes(4));
    let (seen, cases) = log.read(&Wanted { since, ..all() }).await.expect("it reads");
    assert_eq!((seen.cases, seen.unevaluated, cases.len()), (2, 1, 2));
    let refund = IntentTypeName::parse("refund").expect("a name");
    let (seen, _) = log.read(&Wanted { intent_type: Some(refund), ..all() }).await.expect("it reads");
    assert_eq!((seen.cases, seen.unevaluated), (0, 0));
}

#[test]
fn days_are_whole_and_counted_back_in_utc() {
    assert_eq!([days("1d"), days("90d"), days("3660d")], [Some(1), Some(90), Some(3_660)]);
    for text in ["", "d", "0d", "90", "90 d", "-1d", "+1d", "3661d", "9h", "99999999999d"] {
        assert_eq!(days(text), None, "{text}");
    }
    assert_eq!(day_before(morning(), 23).to_string(), "2026-10-31");
    let wanted = Wanted::from_day(None, Some(day_before(morning(), 1)));
    assert_eq!(wanted.since, Timestamp::from_rfc3339("2026-11-22T00:00:00Z").expect("a moment"));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_a_fault_not_a_gap() {
    let log = written().await;
    log.append_bytes(&IntentId::from_bits(1).to_string(), log.lengths[0], vec![b"{}".as_slice().into()])
        .await;
    assert!(matches!(log.read(&all()).await, Err(Fault::Unreadable(_))));
}

#[tokio::test]
async fn an_empty_log_has_no_case_and_progress_ends_where_the_log_ends() {
    let (seen, cases) = Written::default().read(&all()).await.expect("it reads");
    assert_eq!((seen, cases.len()), (Seen::default(), 0));
    let log = written().await;
    let last = std::sync::Mutex::new((0, 0));
    let progress = |done, of| *last.lock().expect("nobody panicked") = (done, of);
    read(&log.store, &all(), &progress, |_, _| {}).await.expect("it reads");
    let end = log.store.health().position.0;
    assert_eq!(*last.lock().expect("nobody panicked"), (end, end));
}

fn discount() -> &'static IntentType {
    let name = IntentTypeName::parse("discount").expect("a name");
    RULES.intent_type(&name).expect("it is there")
}

const LINE: &str = r#"{"tokens":{"quote_id":"q","customer_id":"a","discount_percent":"12%","amount":{"amount":"12000.00","currency":"USD"},"term_months":12,"payment_days":30,"reason":"volume"},"facts":{"segment":"smb","margin":"40%","renewal":null},"outcome":"manager","fate":"declined"}"#;

fn read_lines(text: &str) -> Result<Vec<Recorded>, Vec<String>> {
    let mut cases = Vec::new();
    match lines(text.as_bytes(), discount(), |_| {}, |case| cases.push(case)) {
        Ok(count) => {
            assert_eq!(count, cases.len() as u64);
            Ok(cases)
        }
        Err(NotRead::Faults { faults, more }) => {
            let mut list: Vec<String> = faults.iter().map(ToString::to_string).collect();
            list.extend((0 < more).then(|| format!("{more} more")));
            Err(list)
        }
        Err(NotRead::Io(fault)) => panic!("{fault}"),
    }
}

#[test]
fn a_line_is_a_case_with_its_facts_its_answer_and_its_fate() {
    let text = format!("{LINE}\n\n{}\r\n", LINE.replace(r#","outcome":"manager","fate":"declined""#, ""));
    let cases = read_lines(&text).expect("it reads");
    assert_eq!(cases.len(), 2);
    assert_eq!((cases[0].name, cases[0].fate), (Named::Line(1), Fate::DeclinedByPeople));
    assert!(matches!(&cases[0].was, Was::Said(Some(Settled::Needs(needs))) if needs.routes.len() == 1));
    let renewal = FieldName::parse("renewal").expect("a name");
    assert!(matches!(cases[0].facts.get(&renewal), Some(FactValue::Missing(_))));
    assert_eq!((cases[1].name, cases[1].fate), (Named::Line(3), Fate::Open));
    assert_eq!(cases[1].was, Was::Unsaid);
    assert_eq!(read_lines("").expect("an empty file has no case").len(), 0);
}

#[test]
fn every_fault_of_a_file_is_named_by_its_line() {
    let bad = [
        "oops".to_owned(),
        "[1]".to_owned(),
        r#"{"token":{}}"#.to_owned(),
        LINE.replace("\"12%\"", "0.12").replace("\"smb\"", "\"mdi\"").replace("\"manager\"", "\"Manager!\""),
        LINE.to_owned(),
        LINE.replace("\"margin\"", "\"margn\"").replace("\"declined\"", "7"),
        LINE.replace("\"facts\"", "\"tokens\""),
    ];
    let found = read_lines(&bad.join("\n")).expect_err("it is refused");
    let expected = [
        "line 1: no JSON at column 1: expected value",
        "line 2: expected an object, found an array of 1",
        "line 3: `/token`: expected one of tokens, facts, outcome, fate",
        "line 3: `/tokens`: expected an object of tokens, found nothing",
        "line 4: `/tokens/discount_percent`: expected percent 0% .. 60%",
        "line 4: `/facts/segment`: expected one of smb, mid, ent, pub",
        "line 4: `/outcome`: expected `approve`, `deny`, `unsure` or routes, found the text `Manager!`",
        "line 6: `/facts/margn`: expected one of segment, billing_account, margin, renewal",
        "line 6: `/fate`: expected approved, declined, withdrawn or open, found the number 7",
        "line 7: `/tokens`: the member stands a second time",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nexpected {expected}");
    }
}

#[test]
fn a_file_beyond_the_limits_is_refused_and_its_faults_are_counted() {
    let many = "oops\n".repeat(HISTORY_FAULTS + 20);
    let found = read_lines(&many).expect_err("it is refused");
    assert_eq!((found.len(), found.last().map(String::as_str)), (HISTORY_FAULTS + 1, Some("20 more")));
    let long = format!("{LINE}\n{}", "x".repeat(crate::limits::HISTORY_LINE_BYTES_MAX + 1));
    let found = read_lines(&long).expect_err("it is refused");
    assert!(found[0].starts_with("line 2: at most 1048576 bytes in a line"), "{found:?}");
}

const HISTORY_FAULTS: usize = crate::limits::HISTORY_FAULTS_MAX;

#[tokio::test]
async fn an_amended_case_is_what_was_asked_last_and_a_carried_seat_takes_no_time() {
    let mut log = Written::default();
    let number = log.submit(0, "38%").await;
    log.prepare(number, 1, "smb").await;
    log.vote(number, 31, "director-2", Voice::Approve { note: String::new() }).await;
    let Raw::Map(mut changed) = tokens("38%") else { panic!("tokens are a map") };
    changed.push(("note".to_owned(), Raw::Text("they asked twice".to_owned())));
    let person = "ae-1".parse().expect("a person");
    let tokens = Raw::Map(changed);
    log.command(number, 40, Command::Amend { person, revision: 1, tokens }).await;
    let prepared = Box::new(Prepared { facts: facts("smb"), ..Prepared::default() });
    log.command(number, 41, Command::Prepare { revision: 2, prepared }).await;
    for (minutes, person) in [(51, "finance-1"), (61, "finance-2"), (101, "vp-sales-1")] {
        let (person, voice) = (person.parse().expect("a person"), Voice::Approve { note: String::new() });
        log.command(number, minutes, Command::Decide { person, revision: 2, seal: None, voice }).await;
    }
    let (_, cases) = log.read(&all()).await.expect("it reads");
    let [case] = cases.as_slice() else { panic!("one case: {cases:#?}") };
    assert_eq!(case.fate, Fate::ApprovedByPeople);
    assert!(case.tokens.keys().any(|name| name.as_str() == "note"), "{:?}", case.tokens);
    let took: Vec<(&str, Option<u64>)> = case
        .seats
        .iter()
        .map(|seat| (seat.route.as_str(), seat.ended.map(|ended| ended.since(seat.opened).0 / 60_000)))
        .collect();
    assert_eq!(took, [("finance", Some(20)), ("vp", Some(60))], "the director's seat was not asked again");
}
