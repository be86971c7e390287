//! Each kind of finding: where it stands, what it says, and that its intent shows it.

use super::{Finding, House, lint};
use crate::document::SourceFile;
use crate::policy::Policy;
use crate::policy::check::check_files;
use crate::policy::given::{Asked, asked};
use crate::policy::outcome::Outcome;
use crate::policy::prover_tests::ON;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::starter;

/// What is replaced by what, in which file.
type Edit<'a> = (&'a str, &'a str, &'a str);

const DISCOUNT: &str = "policies/discount.policy.md";
const REFUND: &str = "policies/refund.policy.md";
const REFUND_TYPE: &str = "intents/refund.intent.md";

/// A refund may fail open.
const MAY_OPEN: [Edit<'_>; 2] = [
    (REFUND_TYPE, "| impact          | financial ", "| impact          | low "),
    (REFUND_TYPE, "| fail mode       | closed ", "| fail mode       | may open "),
];

fn edited(edits: &[Edit<'_>]) -> Vec<SourceFile> {
    let mut files = starter();
    for (path, from, to) in edits {
        let file = files.iter_mut().find(|file| file.path.ends_with(path)).expect("it is shipped");
        assert!(file.text.contains(from), "{path} lacks {from}");
        file.text = file.text.replacen(from, to, 1);
    }
    files
}

fn findings(files: &[SourceFile]) -> Vec<Finding> {
    let report = check_files(files, ON);
    assert_eq!(report.faults, Vec::new());
    report.findings().cloned().collect()
}

/// The findings of a kind after some edits, as they are printed.
fn found(edits: &[Edit<'_>], kind: &str) -> Vec<String> {
    let findings = findings(&edited(edits));
    findings.iter().filter(|finding| finding.kind == kind).map(ToString::to_string).collect()
}

fn check(edits: &[Edit<'_>], kind: &str, expected: &str) {
    let found = found(edits, kind);
    assert!(found.iter().any(|finding| finding == expected), "{expected}\n{found:#?}");
}

#[test]
fn a_row_that_another_hides_is_shown_by_an_intent_that_the_other_takes() {
    check(
        &[(DISCOUNT, "| mid-auto  | mid     | <= 10% ", "| mid-auto  | mid     | <= 30% ")],
        "unreachable",
        "policies/discount.policy.md:38:3: error unreachable: rule `mid` can never be the one that decides\n  \
         such as: segment mid, discount_percent 0%, amount 0, margin -100%, term_months 1, payment_days 0, \
         renewal no: `mid-auto` decides\n  \
         try: correct `mid-auto` (line 37), which takes everything from it, or remove `mid`",
    );
    check(
        &[
            (DISCOUNT, "| smb-auto  | smb     | <= 5% ", "| smb-auto  | smb     | <= 10% "),
            (
                DISCOUNT,
                "| smb-small | smb     | <= 15%           | < 50_000 ",
                "| smb-small | smb | > 10% | ",
            ),
        ],
        "unreachable",
        "policies/discount.policy.md:36:3: error unreachable: rule `smb-large` can never be the one that \
         decides\n  \
         such as: segment smb, discount_percent 0%, amount 0, margin -100%, term_months 1, payment_days 0, \
         renewal no: `smb-auto` decides\n  \
         try: correct one of `smb-auto` (line 34), `smb-small` (line 35), which together take everything from it, \
         or remove `smb-large`",
    );
}

#[test]
fn a_column_that_never_matters_is_shown_by_two_intents_that_differ_only_there() {
    check(
        &[
            (REFUND, "> 90       | support ", "> 90       | approve "),
            (REFUND, "> 30       | finance ", "> 30       | support "),
        ],
        "column-never-matters",
        "policies/refund.policy.md:26:52: warning column-never-matters: column `charge_age` never changes what the \
         rules say\n  \
         such as: amount 0.01, reason defect, charge_age 0, refunds_12m 0, chargeback_open no, invoice_id x, \
         ledger_code x: approve by small; with charge_age 91: approve by small-old\n  \
         try: remove the column, or correct the cell that should make the difference",
    );
}

#[test]
fn a_guard_that_always_holds_is_shown_and_one_that_never_does_says_what_it_reads() {
    check(
        &[(REFUND, "refunds_12m >= 3 and amount > 50", "refunds_12m >= 0")],
        "guard-always",
        "policies/refund.policy.md:42:16: warning guard-always: guard `repeat` always holds: `refunds_12m >= 0`\n  \
         such as: amount 0.01, reason duplicate, charge_age 0, refunds_12m 0, chargeback_open no, invoice_id x, \
         ledger_code x\n  \
         try: correct its bound, or write `finance` into the rules instead",
    );
    check(
        &[(DISCOUNT, "given_away > 50_000", "amount >= given_away")],
        "guard-always",
        "policies/discount.policy.md:51:17: warning guard-always: guard `big-give` always holds at all of 4096 points \
         (tested, not proved): `amount >= given_away`\n  \
         such as: segment smb, discount_percent 0%, amount 0, margin -100%, term_months 1, payment_days 0, renewal \
         no\n  \
         try: correct its bound, or write `finance` into the rules instead",
    );
    check(
        &[(REFUND, "refunds_12m >= 3 and amount > 50", "refunds_12m > 1_000")],
        "guard-never",
        "policies/refund.policy.md:42:16: warning guard-never: guard `repeat` never holds: `refunds_12m > 1_000`\n  \
         try: correct its bound, or remove it: `refunds_12m` is count 0 .. 1000",
    );
}

#[test]
fn what_nobody_reads_is_named_at_its_row() {
    check(
        &[],
        "unread",
        "policies/refund.policy.md:21:3: warning unread: input `invoice_id` is never read, but an intent without it \
         is `unsure`\n  \
         try: remove it, or read it in a rule or guard",
    );
    check(
        &[(DISCOUNT, "\n## Rules", "| spare | amount + 1 |\n\n## Rules")],
        "unread",
        "policies/discount.policy.md:29:3: warning unread: term `spare` is never read\n  \
         try: remove it, or read it in a guard",
    );
}

#[test]
fn people_who_are_too_few_are_named_at_the_cell_that_asks_them() {
    check(
        &[],
        "no-manager",
        "policies/discount.policy.md:60:21: warning no-manager: route `manager`: manager of requester is nobody for \
         `cro`; their intents go to the backup\n  \
         try: give them a manager in `people.md`, or accept the backup",
    );
    let alone = "| finance | 2    | person controller-1 | 1 | 16bh | person controller-1 | decline |";
    let controllers =
        (REFUND, "| finance | 2    | pool controllers   | 1    | 16bh   | pool fpna    | decline |", alone);
    check(
        &[controllers],
        "one-person",
        "policies/refund.policy.md:51:20: warning one-person: route `finance`, step 2: nobody but `controller-1` can \
         fill it\n  \
         try: name a standby or a pool as backup, or accept it by name when publishing",
    );
    let seats = found(&[controllers], "seats");
    let shown = seats.iter().all(|seat| {
        seat.starts_with("policies/refund.policy.md:51:20: error seats: ")
            && seat.contains("\n  such as: amount ")
            && seat.ends_with("\n  try: name `pool audit` as backup of it")
    });
    assert!(shown && !seats.is_empty(), "{seats:#?}");
    check(
        &[(DISCOUNT, "| 2    | 16bh   | pool fpna  ", "| 4    | 16bh   | pool vp-sales  ")],
        "backup-too-small",
        "policies/discount.policy.md:64:60: warning backup-too-small: route `finance`, step 1: needs 4, but its backup \
         pool vp-sales has 2\n  \
         try: name a larger pool as backup, such as `pool council`",
    );
}

/// A shared route stands in another file.
#[test]
fn what_is_wrong_with_a_shared_route_is_said_where_the_policy_asks_it() {
    let shared = "| lonely | 1 | manager of requester | 1 | 8bh | pool deal-desk | hold | |\n";
    let edits = [
        ("routes.md", "| council           |", &format!("{shared}| council           |")),
        (DISCOUNT, "| vp           | outside", &"| lonely       | outside".to_owned()),
    ];
    let edits = edits.each_ref().map(|(path, from, to)| (*path, *from, to.as_str()));
    check(
        &edits,
        "no-manager",
        "policies/discount.policy.md:44:56: warning no-manager: route `lonely`: manager of requester is nobody for \
         `cro`; their intents go to the backup\n  \
         try: give them a manager in `people.md`, or accept the backup",
    );
}

#[test]
fn what_examples_and_promises_lack_is_said_at_its_cell() {
    let edge = found(&[], "edge-without-example");
    assert!(
        edge.iter().any(|edge| edge.starts_with(
            "policies/discount.policy.md:37:25: warning edge-without-example: rule `mid-auto`, discount_percent `<= 10%`"
        )),
        "{edge:#?}"
    );
    let unused = found(&[], "unused");
    assert!(
        unused.contains(
            &"policies/discount.policy.md:52:3: note unused: guard `slow-cash` is used by no example"
                .to_owned()
        ),
        "{unused:#?}"
    );
    check(
        &[(DISCOUNT, "| vp + finance | deeper", "| manager      | deeper")],
        "promise-broken",
        "policies/discount.policy.md:70:3: error promise-broken: promise \"more discount_percent never needs less\": \
         BROKEN\n  \
         such as: segment smb, discount_percent 35%, amount 0, margin 0%, term_months 1, payment_days 0, renewal no: \
         finance + vp; with discount_percent 35.01%: director + finance\n  \
         try: correct `deep`, `thin-margin` or `short-deep` (the last of these is answered so), or take the promise \
         back",
    );
}

#[test]
fn what_a_proof_does_not_see_is_said_where_it_begins() {
    check(
        &[(DISCOUNT, "approve only if given_away <= 50_000", "approve only if given_away <= amount")],
        "promise-tested",
        "policies/discount.policy.md:72:3: warning promise-tested: promise \"approve only if given_away <= amount\" is \
         tested at 4096 points, not proved\n  \
         try: compare inputs with constants, or accept it by name when publishing",
    );
    let digest = "0".repeat(64);
    let table = format!(
        "## Components\n\n| id | digest | because |\n|---|---|---|\n| more | sha256:{digest} | x |\n\n"
    );
    check(
        &[(DISCOUNT, "## Routes", &format!("{table}## Routes"))],
        "component",
        "policies/discount.policy.md:60:3: warning component: component `more` is asked beside the tables: what is \
         proved here is proved of the tables alone\n  \
         try: it can only tighten; accept it by name when publishing",
    );
}

/// A document without a backup is not read; a policy that was put together otherwise is looked at all the same.
#[test]
fn a_route_without_a_backup_is_an_error() {
    let rulebook = Rulebook::load(&starter()).expect("it can be read");
    let found = rulebook.policies().find(|policy| policy.path == REFUND);
    let mut policy = found.expect("it is shipped").clone();
    for route in policy.routes.values_mut() {
        route.steps.iter_mut().for_each(|step| step.backup.clear());
    }
    let intent = rulebook.intent_type(&policy.intent).expect("it is shipped");
    let found = lint(&policy, House { directory: rulebook.directory(), intent, on: ON });
    let found: Vec<String> =
        found.iter().filter(|finding| finding.kind == "no-backup").map(ToString::to_string).collect();
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[0],
        "policies/refund.policy.md:49:57: error no-backup: route `support`, step 1: there is no backup\n  \
         try: name a pool that is asked when nobody answers in time"
    );
}

/// The exposure is a bound that some intent reaches, and the intent that is shown reaches it.
#[test]
fn each_exposure_of_a_route_is_shown_by_an_intent_that_reaches_it() {
    let files = edited(&[]);
    let rulebook = Rulebook::load(&files).expect("it can be read");
    let mut shown = 0;
    for finding in findings(&files).iter().filter(|finding| finding.kind == "exposure") {
        let policy = rulebook.policies().find(|policy| policy.path == finding.file).expect("it is there");
        let witness = finding.witness.as_deref().expect("an intent reaches it");
        let outcome = outcome(policy, witness);
        let reached = match finding.at.parse() {
            Ok(route) => matches!(&outcome, Outcome::Needs(needs) if needs.routes.contains(&route)),
            Err(_) => outcome == Outcome::Approve,
        };
        assert!(reached, "{finding}: {outcome}");
        let (_, amount) = finding.message.split_once("at most ").expect("an amount");
        let (amount, name) = amount.trim_end_matches(')').split_once(" (").expect("and its name");
        assert!(witness.contains(&format!("{name} {amount}")), "{finding}");
        shown += 1;
    }
    assert_eq!(shown, 13);
}

/// What a policy answers to an intent as findings show it.
fn outcome(policy: &Policy, witness: &str) -> Outcome {
    let pairs: Vec<(String, String)> = witness
        .split(", ")
        .map(|part| part.split_once(' ').expect("a name and a value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (tokens, facts) = asked(policy, None, Asked { case: None, inputs: &pairs }).expect("it can be read");
    policy.decide(&tokens, &facts).outcome
}

#[test]
fn what_may_fail_open_is_weighed_by_its_condition() {
    let exposed = |condition: &str| {
        let row = format!("| unsure    | closed     |\n| fail open | {condition} |\n");
        let mut edits = MAY_OPEN.to_vec();
        edits.push((REFUND, "| unsure    | closed     |\n", &row));
        let found = found(&edits, "exposure");
        found.into_iter().find(|finding| finding.contains("fail-open")).expect("it is said")
    };
    let at = "policies/refund.policy.md:9:15: note exposure: fail-open";
    let rest = "refunds_12m 0, chargeback_open no, invoice_id x, ledger_code x";
    assert_eq!(
        exposed("only if amount <= 500 and charge_age < 5, at most 3 a day"),
        format!(
            "{at} may pass at most 500 (amount) x 3 a day, where `amount <= 500 and charge_age < 5`\n  \
             such as: amount 500, reason duplicate, charge_age 0, {rest}"
        )
    );
    // What the condition does not read may be as large as its type allows.
    assert_eq!(
        exposed("only if charge_age > 7, at most 3 a day"),
        format!(
            "{at} may pass at most 10_000_000 (amount) x 3 a day, where `charge_age > 7`\n  \
             such as: amount 10_000_000, reason duplicate, charge_age 8, {rest}"
        )
    );
    // What is computed is bounded by what its input can be.
    assert_eq!(
        exposed("only if amount + 1 < 100, at most 1 a day"),
        format!(
            "{at} may pass at most 10_000_000 (amount) x 1 a day, where `amount + 1 < 100`; the most that was found \
             is 98.99\n  \
             such as: amount 98.99, reason duplicate, charge_age 0, {rest}"
        )
    );
    assert_eq!(
        exposed("only if amount < 50 and amount > 60, at most 3 a day"),
        format!("{at} passes nothing: `amount < 50 and amount > 60` never holds")
    );
}

#[test]
fn what_may_fail_open_without_an_amount_at_stake_is_counted() {
    let row = "| unsure    | closed     |\n| fail open | only if charge_age < 5, at most 3 a day |\n";
    let mut edits = MAY_OPEN.to_vec();
    edits.push((REFUND, "| unsure    | closed     |\n", row));
    let mut files = edited(&edits);
    let file = files.iter_mut().find(|file| file.path == REFUND_TYPE).expect("it is shipped");
    file.text = file
        .text
        .lines()
        .filter(|line| !line.contains("| amount at stake |"))
        .fold(String::new(), |text, line| text + line + "\n");
    let found: Vec<String> = findings(&files).iter().map(ToString::to_string).collect();
    let found: Vec<&String> = found.iter().filter(|finding| finding.contains("fail-open")).collect();
    assert!(found[0].contains("fail-open may pass 3 a day, where `charge_age < 5`"), "{found:#?}");
}

/// Nobody looks for a cell in a line of six.
#[test]
fn each_finding_has_a_line_and_a_column() {
    let edits: [&[Edit<'_>]; 3] = [
        &[],
        &[(DISCOUNT, "| mid-auto  | mid     | <= 10% ", "| mid-auto  | mid     | <= 30% ")],
        &[(REFUND, "> 100 .. 2_500", "100 .. 2_500")],
    ];
    for edits in edits {
        for finding in findings(&edited(edits)) {
            assert!(0 < finding.line && 0 < finding.column, "{finding}");
        }
    }
}

#[test]
fn a_document_that_is_too_long_to_be_published_says_so_before_somebody_tries() {
    let long = format!("{}\nFloors come from", "Nobody decides by this line.\n".repeat(7_000));
    let found = found(&[(DISCOUNT, "Floors come from", &long)], "too-long");
    let [said] = found.as_slice() else { panic!("{found:?}") };
    assert!(
        said.starts_with("policies/discount.policy.md:1:1: warning too-long: the document has "),
        "{said}"
    );
    assert_eq!(self::found(&[], "too-long"), Vec::<String>::new());
}
