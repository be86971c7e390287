//! What a policy answers: the ten rules, the lattice, and a naive second opinion.

use super::asks::{Asked, Asks, NAMES_MAX};
use super::outcome::Covers;
use super::*;
use crate::document::{Faults, SourceFile};
use crate::intent::value::{FactValue, Facts, Percent, TokenValue, Tokens};
use crate::money::{Currency, Money};
use crate::record::RecordRef;
use crate::rulebook::tests::starter_rulebook;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;

const ROUTES: &str = "\n## Routes\n\n\
    | route | step | whom | need | within | backup | finally | covers |\n\
    |---|---|---|---|---|---|---|---|\n\
    | low | 1 | pool p | 1 | 8bh | pool q | hold | |\n\
    | high | 1 | pool p | 1 | 8bh | pool q | hold | low |\n\
    | top | 1 | pool p | 1 | 8bh | pool q | hold | high |\n\
    | side | 1 | pool p | 1 | 8bh | pool q | hold | |\n";

const INPUTS: &str = "\n## Inputs\n\n| name | type |\n|---|---|\n| amount | money USD 0 .. 1_000 |\n\
    | rate | percent 0% .. 100% |\n| count | count 0 .. 9 |\n| kind | one of a, b |\n| ok | yes/no |\n| word | text |\n\
    | day | date 2026-01-01 .. 2026-12-31 |\n";

fn read(body: &str) -> (Option<Policy>, Vec<String>) {
    let text = format!(
        "# T\n\n| policy | |\n|---|---|\n| intent | t |\n| owner | p |\n| effective | 2026-01-01 |\n\
         | unsure | closed |\n{body}{ROUTES}"
    );
    let file = SourceFile { path: "t.policy.md".to_owned(), text };
    let mut faults = Faults::new("t.policy.md");
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    (policy, faults.into_list().iter().map(ToString::to_string).collect())
}

fn policy(body: &str) -> Policy {
    let (policy, faults) = read(body);
    assert_eq!(faults, Vec::<String>::new(), "{body}");
    policy.expect("it is whole")
}

fn name(text: &str) -> FieldName {
    FieldName::parse(text).expect("it is a name")
}

fn dollars(minor: i64) -> TokenValue {
    TokenValue::Money(Money { minor, currency: Currency::parse("USD").expect("it is a code") })
}

fn tokens() -> Tokens {
    Tokens::from([
        (name("amount"), dollars(10_000)),
        (name("rate"), TokenValue::Percent(Percent(250_000))),
        (name("count"), TokenValue::Count(3)),
        (name("kind"), TokenValue::OneOf("a".to_owned())),
        (name("ok"), TokenValue::YesNo(true)),
        (name("word"), TokenValue::Text("hello".to_owned())),
        (name("day"), TokenValue::Date(crate::intent::Day::parse("2026-06-01").expect("it is a date"))),
    ])
}

fn table(hit: &str, rows: &str) -> String {
    format!(
        "{INPUTS}\n## Rules: {hit}\n\n| id | amount | count | => outcome | because |\n|---|---|---|---|---|\n{rows}"
    )
}

fn says(evaluation: &Evaluation) -> String {
    match &evaluation.outcome {
        Outcome::Unsure(unsure) => {
            let reasons: Vec<String> = unsure.reasons.iter().map(ToString::to_string).collect();
            format!("unsure ({}) known {} possible {}", reasons.join("; "), unsure.known, unsure.possible)
        }
        other => other.to_string(),
    }
}

#[test]
fn rows_decide_by_their_hit_policy_and_no_row_is_a_gap() {
    let rows = "| r1 | <= 50 | | approve | x |\n| r2 | <= 200 | | low | x |\n| r3 | | >= 3 | high | x |\n";
    let check = |hit: &str, minor: i64, count: i64, expected: &str| {
        let policy = policy(&table(hit, rows));
        let mut tokens = tokens();
        tokens.insert(name("amount"), dollars(minor));
        tokens.insert(name("count"), TokenValue::Count(count));
        assert_eq!(says(&policy.decide(&tokens, &Facts::new())), expected, "{hit} {minor} {count}");
    };
    check("first", 5_000, 9, "approve");
    check("first", 5_001, 9, "low");
    check("first", 20_001, 3, "high");
    check("first", 20_001, 2, "unsure (no rule of t matches) known approve possible high");
    check("unique", 20_001, 3, "high");
    check("unique", 10_000, 2, "low");
    check("unique", 10_000, 3, "unsure (several rules match: r2, r3) known approve possible high");
    check("every", 5_000, 3, "high");
    check("every", 5_000, 2, "low");
    check("every", 20_001, 2, "unsure (no rule of t matches) known approve possible high");
}

/// 700 rows are three blocks of the index; 3,000 rows with bounds of their own have none and are scanned.
#[test]
fn each_row_of_a_long_table_decides_its_own_values() {
    let answers = ["low", "side", "high"];
    for (rows, hit) in [(700, "first"), (700, "unique"), (700, "every"), (3_000, "first")] {
        let cents = |row: usize| format!("{}.{:02}", row / 100, row % 100);
        let text: String = (0..rows)
            .map(|row| format!("| r{row} | {} | | {} | x |\n", cents(row), answers[row % 3]))
            .collect();
        let policy = policy(&table(hit, &text));
        for row in (0..rows).filter(|row| row % 7 == 0 || row % 64 < 2 || row % 64 == 63) {
            let mut tokens = tokens();
            tokens.insert(name("amount"), dollars(i64::try_from(row).expect("it is small")));
            let evaluation = policy.decide(&tokens, &Facts::new());
            let decided: Vec<&str> = evaluation.rules.iter().map(|rule| &*rule.id).collect();
            assert_eq!(decided, [format!("r{row}")], "{hit} {rows}");
            assert_eq!(evaluation.outcome.to_string(), answers[row % 3], "{hit} {rows}");
            assert_eq!(policy.outcome(&tokens, &Facts::new()), evaluation.outcome, "{hit} {rows}");
        }
    }
}

#[test]
fn what_has_no_valid_value_makes_the_answer_unsure() {
    let rows = "| r1 | <= 50 | | approve | x |\n| r2 | | >= 3 | low | x |\n| r3 | | | deny | x |\n";
    let policy = policy(&table("first", rows));
    let check = |input: &str, fact: Option<FactValue>, token: Option<TokenValue>, expected: &str| {
        let mut tokens = tokens();
        tokens.remove(&name(input));
        tokens.extend(token.map(|value| (name(input), value)));
        let facts = fact.map(|value| (name(input), value)).into_iter().collect();
        assert_eq!(says(&policy.decide(&tokens, &facts)), expected, "{input}");
    };
    let missing = |known: &str| Some(FactValue::Missing(known.to_owned()));
    check("amount", None, None, "unsure (`amount` has no value) known approve possible low");
    check("amount", missing("down"), None, "unsure (`amount` has no value) known approve possible low");
    check(
        "amount",
        Some(FactValue::Stale),
        None,
        "unsure (`amount` was read too long ago) known approve possible low",
    );
    check("amount", Some(FactValue::Known(dollars(4_000))), None, "approve");
    check(
        "amount",
        None,
        Some(dollars(100_001)),
        "unsure (`amount` is outside of the policy's bounds) known approve possible low",
    );
    check(
        "amount",
        None,
        Some(TokenValue::Count(1)),
        "unsure (`amount` is outside of the policy's bounds) known approve possible low",
    );
    check("count", None, None, "unsure (`count` has no value) known approve possible deny");
    // Nothing is absorbed: an input that would not change the answer still must be there.
    check("word", None, None, "unsure (`word` has no value) known low possible low");
    check(
        "kind",
        None,
        Some(TokenValue::OneOf("c".to_owned())),
        "unsure (`kind` is outside of the policy's bounds) known low possible low",
    );
}

/// A policy that approves unless its one guard holds.
fn guarded(condition: &str) -> String {
    format!(
        "{}\n## Guards\n\n| id | when | then | because |\n|---|---|---|---|\n| g | {condition} | deny | x |\n",
        table("first", "| r1 | | | approve | x |\n")
    )
}

#[test]
fn expressions_compute_exactly() {
    let holds = |condition: &str, expected: bool| {
        let evaluation = policy(&guarded(condition)).decide(&tokens(), &Facts::new());
        let outcome = if expected { "deny" } else { "approve" };
        assert_eq!(says(&evaluation), outcome, "{condition}");
    };
    // amount 100, rate 25 %, count 3, kind a, ok yes, word hello, day 2026-06-01
    holds("amount = 100", true);
    holds("amount = 100.00 USD and amount != 99.99", true);
    holds("round(amount * rate, 0.01) = 25", true);
    holds("round(amount * (100% - rate), 0.01) = 75", true);
    holds("round(amount * 33.33%, 1) = 33 and round(amount * 33.33%, 1, up) = 34", true);
    holds("round(amount * 0.125%, 0.01) = 0.12 and round(amount * 0.375%, 0.01) = 0.38", true);
    holds("round(amount / count, 0.01) = 33.33 and round(amount / count, 0.01, up) = 33.34", true);
    holds("round(amount / 400, 0.01%) = 25%", true);
    holds("round(amount / amount, 0.01%) = 100%", true);
    holds("count * 2 + 1 = 7 and -count < 0 and count - 4 = -1", true);
    holds("min(amount, 50) = 50 and max(count, 5, 4) = 5", true);
    holds("kind = a and not (kind = b)", true);
    holds("kind in (b) or kind in (b, a)", true);
    holds("count in (-1, 3) and not (count in (-3, 4))", true);
    holds("min(amount, 3) - 1 = 2", true);
    holds("word = \"hello\" and word != \"Hello\"", true);
    holds("ok and ok = yes and not (ok = no)", true);
    holds("day >= 2026-06-01 and day < 2026-06-02", true);
    holds("amount > 100 or rate > 25%", false);
    holds("not ok", false);
}

#[test]
fn an_expression_that_makes_no_sense_is_refused_with_its_place() {
    let check = |condition: &str, expected: &str| {
        let (_, faults) = read(&guarded(condition));
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{condition}: {faults:?}");
    };
    check("amount", "guard `g`: a condition is yes or no");
    check("amount > count", "unit mismatch: money USD against count");
    check("amount > 0.001", "finer than its unit allows");
    check("rate > 25", "a percent is written with `%`");
    check("amount * amount > 3", "money USD times money USD has no unit");
    check("amount * rate > 3", "leaves its grid");
    check("amount / 3 > 2", "the expression goes on");
    check("round(amount + 1 / 3, 0.01) > 2", "put brackets around");
    check("round(amount / kind, 0.01) > 2", "expected a number, found one of a, b");
    check("round(amount * rate, 0) > 2", "the step of `round` is more than 0");
    check("kind < b", "has no order");
    check("kind = c", "`c` is not one of a, b");
    check("word < \"a\"", "equality only");
    check("word = hello", "`hello` is no input and no term");
    check("not count", "expected yes or no, found count");
    check("ok and", "expected a value");
    check("(ok", "expected `)`");
    check("ok)", "goes on where it should end");
    check("lower(word) = word", "`lower` is no function");
    check("amount *2 > 3", "a `*` has a blank on each side");
    check("count -1 > 3", "a `-` between two values has a blank on each side");
    check("(count)-(count) > 3", "a `-` between two values has a blank on each side");
    check("count in (count)", "a list holds values");
    check("count in (2 + 1)", "expected `)`");
    check("word in (\"a\")", "expected a value here");
    check("amount > 100 EUR", "unit mismatch: money USD against money EUR");
    check("sum(count) > 3", "a fold reads a dotted name");
    check(&format!("{}ok{}", "(".repeat(40), ")".repeat(40)), "at most 32 deep");
    check("ok & ok", "`&` has no meaning");
    check("amount > 1000000000000000000 * 1000000000000000000 * 1000000000", "may grow beyond 127 bits");
}

#[test]
fn a_word_is_looked_up_in_the_enum_of_a_term_too() {
    let terms = "\n## Terms\n\n| name | formula |\n|---|---|\n| same | kind |\n";
    let policy = policy(&guarded("same = a").replacen("\n## Rules", &format!("{terms}\n## Rules"), 1));
    assert_eq!(says(&policy.decide(&tokens(), &Facts::new())), "deny");
}

#[test]
fn a_list_without_value_is_not_an_empty_one() {
    let policy = policy(EACH);
    let check = |list: Option<TokenValue>, expected: &str| {
        let mut tokens = Tokens::from([(name("limit"), TokenValue::Count(5))]);
        tokens.extend(list.map(|list| (name("item"), list)));
        let evaluation = policy.decide(&tokens, &Facts::new());
        assert_eq!(says(&evaluation), expected);
        assert!(evaluation.not_true.is_empty() && evaluation.terms.is_empty());
    };
    check(None, "unsure (`item` has no value) known approve possible deny");
    let wrong = "unsure (`item` is outside of the policy's bounds) known approve possible deny";
    check(Some(TokenValue::Count(3)), wrong);
}

#[test]
fn division_by_zero_is_unsure_and_counts_as_holding_in_what_is_possible() {
    let policy = policy(&guarded("round(amount / count, 0.01) > 10"));
    let mut tokens = tokens();
    tokens.insert(name("count"), TokenValue::Count(0));
    let found = says(&policy.decide(&tokens, &Facts::new()));
    assert_eq!(found, "unsure (`g` divides by zero) known approve possible deny");
    tokens.insert(name("count"), TokenValue::Count(9));
    assert_eq!(says(&policy.decide(&tokens, &Facts::new())), "deny");
}

#[test]
fn a_route_that_another_one_covers_is_not_asked() {
    let rows = "| r1 | <= 50 | | low | x |\n| r2 | <= 200 | | high + side | x |\n| r3 | | | top + evidence letter | x |\n";
    let policy = policy(&table("every", rows));
    let check = |minor: i64, expected: &str| {
        let mut tokens = tokens();
        tokens.insert(name("amount"), dollars(minor));
        assert_eq!(says(&policy.decide(&tokens, &Facts::new())), expected);
    };
    check(100, "side + top + evidence letter");
    check(20_000, "side + top + evidence letter");
    check(20_001, "top + evidence letter");
}

const EACH: &str = "\n## Inputs\n\n| name | type |\n|---|---|\n| limit | count 0 .. 9 |\n| item.size | count 0 .. 9 |\n\
    | item.label | text |\n\n## Terms\n\n| name | formula |\n|---|---|\n| total | sum(item.size) |\n\
    | many | count(item.size > 2) |\n\n## Rules: first, for each item\n\n\
    | id | item.size | limit | => outcome | because |\n|---|---|---|---|---|\n\
    | small | <= 3 | | approve | x |\n| fits | <= 6 | >= 5 | low | x |\n| rest | | | high | x |\n\n\
    ## Guards\n\n| id | when | then | because |\n|---|---|---|---|\n| heavy | total > 12 | side | x |\n\
    | odd | item.label = \"odd\" and item.size > 1 | deny | x |\n";

#[test]
fn every_element_of_a_list_is_decided_and_joined() {
    let policy = policy(EACH);
    let check = |items: &[(i64, &str)], limit: i64, expected: &str| {
        let elements = items
            .iter()
            .map(|(size, label)| {
                BTreeMap::from([
                    (name("size"), TokenValue::Count(*size)),
                    (name("label"), TokenValue::Text((*label).to_owned())),
                ])
            })
            .collect();
        let tokens = Tokens::from([
            (name("limit"), TokenValue::Count(limit)),
            (name("item"), TokenValue::List(elements)),
        ]);
        let evaluation = policy.decide(&tokens, &Facts::new());
        assert_eq!(says(&evaluation), expected, "{items:?}");
        assert_eq!(evaluation.rules.len(), items.len());
    };
    check(&[(1, "a"), (2, "b")], 5, "approve");
    check(&[(1, "a"), (6, "b")], 5, "low");
    check(&[(1, "a"), (6, "b")], 4, "high");
    check(&[(6, "a"), (6, "b"), (1, "c")], 5, "low + side");
    check(&[(1, "odd"), (2, "b")], 5, "approve");
    check(&[(1, "a"), (2, "odd")], 5, "deny");
    // What no element can tell is possible: every row, and every guard of an element.
    check(&[], 5, "unsure (`item` is an empty list) known approve possible deny");
}

#[test]
fn what_one_element_would_have_to_be_is_said_with_everything_else_as_it_is() {
    let policy = policy(EACH);
    let near = |sizes: &[i64], label: &str, limit: i64| {
        let element = |size: &i64| {
            let label = TokenValue::Text(label.to_owned());
            BTreeMap::from([(name("size"), TokenValue::Count(*size)), (name("label"), label)])
        };
        let tokens = Tokens::from([
            (name("limit"), TokenValue::Count(limit)),
            (name("item"), TokenValue::List(sizes.iter().map(element).collect())),
        ]);
        let evaluation = policy.decide(&tokens, &Facts::new());
        let near: Vec<String> =
            evaluation.near.iter().map(|near| format!("{} ({})", near.words(), near.rule)).collect();
        let terms: Vec<String> = evaluation.terms.iter().map(|term| term.value.to_string()).collect();
        assert_eq!(terms[0], sizes.iter().sum::<i64>().to_string(), "the trace is of what was asked");
        near
    };
    // `total` is a sum over all elements, so nothing is claimed of sizes that nobody tried.
    assert_eq!(near(&[1, 6], "a", 5), ["approved if item.size for element 2 is 3 (small)"]);
    // Another value of the whole intent does it as well.
    let both =
        ["approved if item.size for element 2 is 3 (small)", "needs only low if limit is 5 or more (small)"];
    assert_eq!(near(&[1, 6], "a", 4), both);
    let less = [
        "approved if item.size for element 2 is 3 (small)",
        "needs only low if item.size for element 2 is 6 (fits)",
    ];
    assert_eq!(near(&[1, 9], "a", 5), less);
    // Two elements ask for the same: one of them alone changes nothing.
    assert_eq!(near(&[6, 6, 1], "a", 5), Vec::<String>::new());
    assert_eq!(near(&[1, 2], "a", 5), Vec::<String>::new(), "it is approved");
    assert_eq!(near(&[1, 2], "odd", 5), Vec::<String>::new(), "a guard of an element is not looked into");
}

#[test]
fn a_fact_of_a_list_is_read_element_by_element() {
    let policy = policy(EACH);
    let element = |label: &str| BTreeMap::from([(name("label"), TokenValue::Text(label.to_owned()))]);
    let tokens = Tokens::from([
        (name("limit"), TokenValue::Count(5)),
        (name("item"), TokenValue::List(vec![element("a"), element("b")])),
    ]);
    let known = |size: i64| FactValue::Known(TokenValue::Count(size));
    let check = |sizes: FactValue, expected: &str| {
        let facts = Facts::from([(name("item.size"), sizes)]);
        assert_eq!(says(&policy.decide(&tokens, &facts)), expected);
    };
    check(FactValue::Each(vec![known(1), known(5)]), "low");
    check(FactValue::Each(vec![known(1)]), "unsure (`item.size` has no value) known approve possible deny");
    check(
        FactValue::Each(vec![known(1), FactValue::Stale]),
        "unsure (`item.size` was read too long ago) known approve possible deny",
    );
}

#[test]
fn the_owner_may_let_an_unsure_pass_but_never_a_fault_of_the_table() {
    let table = table("first", "| r1 | <= 50 | | approve | x |\n| r2 | <= 200 | | low | x |\n");
    let settings = "| fail open | only if count <= 3, at most 20 a day |\n";
    let policy = policy(&format!("{settings}{table}"));
    let check = |change: &dyn Fn(&mut Tokens), expected: Option<u32>| {
        let mut tokens = tokens();
        change(&mut tokens);
        assert_eq!(policy.decide(&tokens, &Facts::new()).fail_open, expected);
    };
    check(&|_| {}, None);
    check(&|tokens| drop(tokens.remove(&name("word"))), Some(20));
    check(&|tokens| drop(tokens.remove(&name("count"))), None);
    check(
        &|tokens| {
            tokens.remove(&name("word"));
            tokens.insert(name("amount"), dollars(20_001));
        },
        None,
    );
}

#[test]
fn a_decision_says_in_words_why_it_is_so() {
    let rulebook = starter_rulebook();
    let discount = IntentTypeName::parse("discount").expect("it is a name");
    let now = Timestamp::from_rfc3339("2026-11-23T00:00:00Z").expect("it is a moment");
    let policy = rulebook.policy(&discount, now).expect("it is in force");
    let mut tokens = policy.examples[4].tokens.clone();
    tokens.remove(&name("margin"));
    let facts = Facts::from([(name("margin"), FactValue::Known(TokenValue::Percent(Percent(149_900))))]);
    let evaluation = policy.decide(&tokens, &facts);
    let expected = [
        "needs finance + manager",
        "rule `smb-small` (row 2 of 11) says manager: within manager authority (segment is smb, \
         discount_percent 12% is <= 15%, amount 12000.00 USD is < 50_000)",
        "guard `thin-margin` adds finance: new business under margin floor (margin < 15% and not renewal; \
         margin is 14.99%, renewal is no)",
        "given_away is 1440.00 USD",
        "approved if discount_percent is 5% or less and margin is 15% or more",
        "needs only finance if discount_percent is 5% or less",
        "needs only manager if margin is 15% or more",
        "guards that do not hold: big-give, slow-cash, short-deep, under-water",
    ];
    assert_eq!(evaluation.words(), expected);
    let text = [
        "decision  needs finance + manager   discount policy   language 1".to_owned(),
        "rule      smb-small   (row 2 of 11)   \"within manager authority\"".to_owned(),
        "            segment smb = smb · discount_percent 12% <= 15% · amount 12_000 < 50_000".to_owned(),
        "guard     thin-margin   adds finance   \"new business under margin floor\"".to_owned(),
        "            margin 14.99% < 15% and not renewal".to_owned(),
        "terms     given_away = 1_440".to_owned(),
        "near      approve if discount_percent <= 5% and margin >= 15%   (rule smb-auto)".to_owned(),
        "near      finance if discount_percent <= 5%   (rule smb-auto)".to_owned(),
        "near      manager if margin >= 15%   (rule smb-small)".to_owned(),
        "not true  big-give, slow-cash, short-deep, under-water".to_owned(),
        format!("version   sha256:{}", evaluation.version),
    ];
    assert_eq!(evaluation.text().lines().collect::<Vec<_>>(), text);
    let reads: Vec<String> = evaluation
        .contributions()
        .map(|voice| {
            let reads: Vec<&str> = voice.reads.iter().map(FieldName::as_str).collect();
            format!("{}: {}", voice.id, reads.join(", "))
        })
        .collect();
    assert_eq!(reads, ["smb-small: amount, discount_percent, segment", "thin-margin: margin, renewal"]);
    let json = serde_json::to_string(&evaluation).expect("it has a form");
    assert_eq!(serde_json::from_str::<Evaluation>(&json).expect("it reads back"), evaluation);
    assert!(crate::canonical::to_vec(&evaluation).is_ok());
    let rows: Vec<String> = rulebook
        .rows_of(&discount, &evaluation.version, &evaluation.outcome)
        .iter()
        .map(|row| format!("{} {} {}", row.route, row.step, row.whom))
        .collect();
    assert_eq!(rows, ["finance 1 pool finance", "manager 1 manager of requester"]);
}

#[test]
fn a_decision_of_before_still_reads_and_says_what_it_said() {
    let version = crate::hash::Digest::ZERO;
    let json = format!(
        "{{\"outcome\":\"deny\",\"policy\":\"discount\",\"version\":\"{version}\",\"language\":1,\
         \"near\":[{{\"rule\":\"smb-auto\",\"outcome\":\"approve\",\"input\":\"discount_percent\",\
         \"cell\":\"<= 5%\"}}]}}"
    );
    let evaluation: Evaluation = serde_json::from_str(&json).expect("it reads");
    let said = "rule `smb-auto` would say approve if discount_percent were <= 5%";
    assert_eq!(evaluation.words(), ["denied by policy", said]);
    assert!(evaluation.text().contains(&format!("near      {said}\n")));
    assert_eq!(serde_json::to_string(&evaluation).expect("it has a form").len(), json.len());
}

#[test]
fn a_quorum_is_counted_and_rounded_up() {
    assert_eq!(Need::Count(2).of(4), 2);
    assert_eq!(Need::All.of(4), 4);
    assert_eq!(Need::Percent(50).of(3), 2);
    assert_eq!(Need::Percent(100).of(3), 3);
}

#[test]
fn a_policy_that_asks_for_more_than_an_outcome_can_hold_is_refused() {
    let kinds = |count: usize| {
        let rows = (0..count).map(|kind| format!("| r{kind} | | | low + evidence k{kind} | x |\n"));
        table("every", &rows.collect::<String>())
    };
    assert_eq!(read(&kinds(NAMES_MAX - 1)).1, Vec::<String>::new());
    let (_, faults) = read(&kinds(NAMES_MAX));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].contains("name 128 routes and kinds of evidence, and a policy may name 127"),
        "{faults:?}"
    );
}

fn covers() -> Covers {
    policy(&table("first", "| r1 | | | approve | x |\n")).covers
}

fn settled() -> impl Strategy<Value = Settled> {
    let routes = proptest::collection::btree_set(
        proptest::sample::select(vec!["low", "high", "top", "side"])
            .prop_map(|name| RouteName::parse(name).expect("it is a name")),
        1..4,
    );
    let evidence = proptest::collection::btree_set("[a-c]", 0..2);
    prop_oneof![
        Just(Settled::Approve),
        Just(Settled::Deny),
        (routes, evidence)
            .prop_map(|(routes, evidence)| Settled::Needs(Needs { routes, evidence }).normal(&covers())),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let reason = proptest::sample::select(vec![ReasonKind::Missing, ReasonKind::Gap, ReasonKind::Overflow])
        .prop_map(|kind| Reason { kind, at: "x".to_owned() });
    let reasons = proptest::collection::btree_set(reason, 1..3);
    let unsure = (reasons, settled(), settled()).prop_map(|(reasons, known, more)| {
        let possible = known.join(&more, &covers());
        Outcome::Unsure(Unsure { reasons, known, possible })
    });
    prop_oneof![settled().prop_map(Outcome::from), unsure]
}

/// Any value for any input, valid or not.
fn value() -> impl Strategy<Value = TokenValue> {
    prop_oneof![
        any::<i64>().prop_map(dollars),
        (0_i64..120_000).prop_map(dollars),
        (any::<i64>(), "[A-Z]{3}").prop_map(|(minor, code)| TokenValue::Money(Money {
            minor,
            currency: Currency::parse(&code).expect("it is a code")
        })),
        any::<i64>().prop_map(|number| TokenValue::Percent(Percent(number))),
        (0_i64..10_000).prop_map(|steps| TokenValue::Percent(Percent(steps * 100))),
        any::<i64>().prop_map(TokenValue::Count),
        (0_i64..12).prop_map(TokenValue::Count),
        any::<bool>().prop_map(TokenValue::YesNo),
        "[a-c]".prop_map(TokenValue::OneOf),
        ".{0,3}".prop_map(TokenValue::Text),
        any::<i64>().prop_map(|day| TokenValue::Date(crate::intent::Day(day))),
        Just(TokenValue::Record(RecordRef { kind: "k".to_owned(), id: "1".to_owned() })),
        proptest::collection::vec(
            (0_i64..12).prop_map(|size| BTreeMap::from([(name("size"), TokenValue::Count(size))])),
            0..3
        )
        .prop_map(TokenValue::List),
    ]
}

fn some_tokens() -> impl Strategy<Value = Tokens> {
    let names = vec!["amount", "rate", "count", "kind", "ok", "word", "day", "item", "limit"];
    proptest::collection::btree_map(proptest::sample::select(names).prop_map(name), value(), 0..9)
}

/// The rows that accept an intent, by the text of their cells and nothing compiled.
fn scan(rows: &[(i64, i64, i64, i64)], minor: i64, count: i64) -> Vec<usize> {
    let accepts = |row: &(i64, i64, i64, i64)| {
        row.0 * 100 <= minor && minor <= row.1 * 100 && row.2 <= count && count <= row.3
    };
    rows.iter().enumerate().filter(|(_, row)| accepts(row)).map(|(index, _)| index).collect()
}

proptest! {
    #[test]
    fn the_join_is_a_lattice(one in outcome(), two in outcome(), three in outcome()) {
        let covers = covers();
        let join = |left: &Outcome, right: &Outcome| left.join(right, &covers);
        prop_assert_eq!(join(&one, &two), join(&two, &one));
        prop_assert_eq!(join(&join(&one, &two), &three), join(&one, &join(&two, &three)));
        prop_assert_eq!(join(&one, &one), one.clone());
        // Monotone: with more on one side there is never less in all.
        let more = join(&one, &two);
        prop_assert_eq!(join(&join(&one, &three), &join(&more, &three)), join(&more, &three));
    }

    #[test]
    fn the_join_of_many_is_the_join_of_each(all in proptest::collection::vec(settled(), 0..6)) {
        let covers = covers();
        let each = all.iter().fold(Settled::Approve, |joined, next| joined.join(next, &covers));
        prop_assert_eq!(Settled::join_all(&all, &covers), each);
        for (one, other) in all.iter().zip(all.iter().skip(1)) {
            prop_assert_eq!(one.is_within(other, &covers), one.join(other, &covers) == *other);
        }
    }

    #[test]
    fn outcomes_as_bits_join_and_compare_as_outcomes_do(all in proptest::collection::vec(settled(), 1..6)) {
        let covers = covers();
        let rule = |outcome: &Settled| Rule {
            id: Arc::from("r"),
            demands: Vec::new(),
            outcome: outcome.clone(),
            because: Arc::from("x"),
            reads: Arc::from([]),
            line: 0,
        };
        let asks = Asks::of(&all.iter().map(rule).collect::<Vec<_>>(), &[], &covers);
        let joined = (0..all.len()).map(|row| asks.rule(row)).fold(Asked::default(), Asked::with);
        prop_assert_eq!(asks.settled(joined), Settled::join_all(&all, &covers));
        for (row, pair) in all.windows(2).enumerate() {
            let within = asks.is_within(asks.rule(row), asks.rule(row + 1));
            prop_assert_eq!(within, pair[0].is_within(&pair[1], &covers));
        }
    }

    #[test]
    fn deciding_never_panics_and_is_the_same_twice(tokens in some_tokens()) {
        let condition = "round(amount * rate / count, 0.01) > 10 or day < 2026-06-01 or word = \"x\"";
        for policy in [policy(&guarded(condition)), policy(EACH)] {
            let evaluation = policy.decide(&tokens, &Facts::new());
            prop_assert_eq!(&evaluation, &policy.decide(&tokens, &Facts::new()));
            prop_assert!(!evaluation.words().is_empty());
            prop_assert!(crate::canonical::to_vec(&evaluation).is_ok());
            if let Outcome::Unsure(unsure) = &evaluation.outcome {
                // What is known is part of what is possible.
                let joined = unsure.known.join(&unsure.possible, &policy.covers);
                prop_assert_eq!(&joined, &unsure.possible);
            }
        }
    }

    #[test]
    fn the_compiled_table_agrees_with_a_scan_of_its_rows(
        rows in proptest::collection::vec((0_i64..10, 0_i64..10, 0_i64..9, 0_i64..9), 1..8),
        minor in 0_i64..1_000,
        count in 0_i64..10,
    ) {
        let rows: Vec<(i64, i64, i64, i64)> = rows
            .into_iter()
            .map(|(a, b, c, d)| (a.min(b), a.max(b), c.min(d), c.max(d)))
            .collect();
        let answers = ["approve", "low", "side", "deny"];
        let text: String = rows
            .iter()
            .enumerate()
            .map(|(index, (a, b, c, d))| {
                format!("| r{index} | {a} .. {b} | {c} .. {d} | {} | x |\n", answers[index % 4])
            })
            .collect();
        let mut tokens = tokens();
        tokens.insert(name("amount"), dollars(minor));
        tokens.insert(name("count"), TokenValue::Count(count));
        let matching = scan(&rows, minor, count);
        for hit in ["first", "unique", "every"] {
            let evaluation = policy(&table(hit, &text)).decide(&tokens, &Facts::new());
            let found: BTreeSet<String> = evaluation.rules.iter().map(|rule| rule.id.to_string()).collect();
            let expected: Vec<usize> = match (hit, matching.len()) {
                ("first", _) => matching.iter().copied().take(1).collect(),
                ("unique", 2..) => Vec::new(),
                _ => matching.clone(),
            };
            let expected: BTreeSet<String> = expected.iter().map(|index| format!("r{index}")).collect();
            prop_assert_eq!(found, expected, "{}", hit);
            let unsure = matches!(evaluation.outcome, Outcome::Unsure(_));
            prop_assert_eq!(unsure, matching.is_empty() || (hit == "unique" && matching.len() > 1));
        }
    }
}
