//! What the prover finds: shipped policies, random tables against a plain scan, and figures.

use super::check::{check_all, check_files};
use super::diff::diff;
use super::lint::{Finding, Level};
use super::mutant::{SUGGESTED_MAX, Suggested, mutants};
use super::promise::{Proof, promises};
use super::space::{Space, Verdict};
use super::stop::Stop;
use super::sweep::Region;
use super::*;
use crate::document::{Faults, SourceFile};
use crate::rulebook::tests::{starter, starter_rulebook};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// 2026-11-24, when nobody of the shipped people is away.
pub(super) const ON: Timestamp = Timestamp(1_795_513_600_000);

pub(super) fn of(name: &str) -> Policy {
    let rulebook = starter_rulebook();
    let found = rulebook.policies().find(|policy| policy.intent.as_str() == name);
    found.expect("it is shipped").clone()
}

/// The shipped policy after an edit.
fn edited(name: &str, from: &str, to: &str) -> Policy {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path.ends_with(&format!("{name}.policy.md")));
    let file = file.expect("it is shipped");
    assert!(file.text.contains(from), "{from}");
    file.text = file.text.replacen(from, to, 1);
    let rulebook = crate::rulebook::Rulebook::load(&files).expect("it can be read");
    rulebook.policies().find(|policy| policy.intent.as_str() == name).expect("it is there").clone()
}

#[test]
fn the_shipped_policies_pass_their_check() {
    let report = check_all(&starter_rulebook(), ON);
    let errors: Vec<String> =
        report.findings().filter(|finding| finding.level == Level::Error).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert!(report.passes());
    assert_eq!(report.policies.len(), 3);
}

#[test]
fn the_shipped_examples_notice_the_bounds_that_the_guide_says() {
    for (name, expected, all) in [("discount", 4, 22), ("contract_redline", 1, 2), ("refund", 6, 22)] {
        let mutants = mutants(&of(name), &Stop::never());
        let noticed = mutants.iter().filter(|mutant| !mutant.noticed_by.is_empty()).count();
        assert_eq!((noticed, mutants.len()), (expected, all), "{name}");
    }
}

#[test]
fn suggested_examples_pass_and_close_every_edge_that_can_be_told_apart() {
    for name in ["discount", "contract_redline", "refund"] {
        let suggested = Suggested::of(&of(name), &Stop::never()).expect("nobody stops it");
        assert!(suggested.all && !suggested.examples.is_empty());
        let table = suggested.to_string();
        let mut files = starter();
        let file = files.iter_mut().find(|file| file.path.ends_with(&format!("{name}.policy.md")));
        let file = file.expect("it is shipped");
        for line in table.lines().skip(2) {
            file.text.push_str(line);
            file.text.push('\n');
        }
        let rulebook = match crate::rulebook::Rulebook::load(&files) {
            Ok(rulebook) => rulebook,
            Err(faults) => panic!("{faults:#?}\n{table}"),
        };
        let policy = rulebook.policies().find(|policy| policy.intent.as_str() == name).expect("it is there");
        let left: Vec<String> = mutants(policy, &Stop::never())
            .iter()
            .filter(|mutant| mutant.noticed_by.is_empty())
            .map(|mutant| format!("{} {} {}", mutant.rule, mutant.input, mutant.value))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "{table}");
    }
}

#[test]
fn more_examples_than_anybody_reads_are_cut_off_and_said_to_be() {
    let suggested = Suggested::of(&people_table(200, 0), &Stop::never()).expect("nobody stops it");
    assert_eq!((suggested.examples.len(), suggested.all), (SUGGESTED_MAX, false));
    assert!(suggested.examples.iter().all(|example| example.values.len() == suggested.inputs.len()));
}

#[test]
fn the_shipped_promises_are_proved_and_not_only_tested() {
    for kept in promises(&of("discount"), &Stop::never()) {
        assert_eq!(kept.proof, Proof::Proved, "{kept}");
    }
}

#[test]
fn a_promise_that_needs_covers_is_broken_without_them() {
    let policy = edited("discount", "| director, manager |", "|                   |");
    let kept = promises(&policy, &Stop::never());
    assert!(matches!(kept[0].proof, Proof::Broken { .. }), "{}", kept[0]);
    assert!(kept[0].to_string().contains("BROKEN"));
}

#[test]
fn a_promise_is_broken_where_no_guard_keeps_it() {
    let policy =
        edited("discount", "approve only if given_away <= 50_000", "approve only if given_away <= 49_999");
    let kept = promises(&policy, &Stop::never());
    assert!(!matches!(kept[2].proof, Proof::Proved), "{}", kept[2]);
}

#[test]
fn a_version_is_no_different_from_itself() {
    for name in ["discount", "contract_redline", "refund"] {
        let policy = of(name);
        let found = diff(&policy, &policy, &Stop::never());
        assert!(found.changed.is_empty() && found.all && found.unsettled == 0, "{name}: {found}");
    }
}

#[test]
fn a_moved_bound_is_the_whole_difference() {
    let old = of("refund");
    let new = edited(
        "refund",
        "| cancel-in  | cancellation     |                | <= 30 ",
        "| cancel-in  | cancellation     |                | <= 29 ",
    );
    let found = diff(&old, &new, &Stop::never());
    assert!(!found.changed.is_empty());
    for changed in &found.changed {
        assert_eq!(changed.now, "unsure", "{found}");
        assert!(changed.region.contains("charge_age 30"), "{found}");
        assert!(changed.region.contains("reason cancellation"), "{found}");
    }
}

#[test]
fn a_diff_names_every_change_of_answer_that_some_intent_gets_where_a_guard_computes() {
    // Above 50_000 given away finance is asked too, and neither before nor after does that depend on the row.
    let from =
        "| mid-auto  | mid     | <= 10%           |           | approve      | list-price band             |";
    let to = "| mid-auto | mid | <= 12% | | approve | list-price band |";
    let (old, new) = (of("discount"), edited("discount", from, to));
    let stop = Stop::never();
    let found = diff(&old, &new, &stop);
    let told: BTreeSet<(&str, &str)> =
        found.changed.iter().map(|changed| (&*changed.was, &*changed.now)).collect();
    let space = Space::over(&[&old, &new], &stop);
    let [was, now] = space.models.as_slice() else { panic!("two versions") };
    let mut seed = 1_u64;
    let mut drawn = |below: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((seed >> 33) % u64::try_from(below).expect("it is positive")).expect("it fits")
    };
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for _ in 0..20_000 {
        let mut point = space.corner(&Region::new());
        for (grid, number) in space.axes.iter().zip(&mut point.numbers) {
            // The deals of the house lie below a million more often than not.
            let high = if drawn(2) == 0 { grid.high } else { grid.high.min(grid.low + 100_000_000) };
            *number = grid.low + drawn((high - grid.low) / grid.step + 1) * grid.step;
        }
        let (was, now) = (space.answer(was, &point).verdict, space.answer(now, &point).verdict);
        if was != now {
            seen.insert((was.to_string(), now.to_string()));
        }
    }
    assert!(seen.contains(&("director + finance".to_owned(), "finance".to_owned())), "{seen:?}");
    let untold: Vec<_> = seen.iter().filter(|(was, now)| !told.contains(&(&**was, &**now))).collect();
    assert!(untold.is_empty(), "{untold:?} is in none of\n{found}");
    // Each is told where it is, not only that it is somewhere.
    let large =
        found.changed.iter().find(|changed| changed.region.contains("payment_days 0 .. 45, given_away >="));
    let large = large.unwrap_or_else(|| panic!("{found}"));
    assert_eq!((&*large.was, &*large.now), ("director + finance", "finance"), "{found}");
}

#[test]
fn a_report_of_a_set_that_cannot_be_read_says_why() {
    let mut files = starter();
    files.retain(|file| file.path != "people.md");
    let report = check_files(&files, ON);
    assert!(!report.passes());
    assert!(report.to_string().contains("people.md: the file is missing"), "{report}");
}

/// The shipped rules with privacy and finance answered by three directors: one is enough for the one,
/// two for the other, and whoever asks is none of them.
fn few_for_two_clauses(clauses: &str, rules: &[(&'static str, &'static str)]) -> Vec<SourceFile> {
    let mut files = starter();
    let edits = [
        (
            "contract_redline.policy.md",
            "| privacy | 1    | pool privacy         | 1    | 16bh   | pool legal-leads | hold    |",
            "| privacy | 1 | pool directors | 1 | 16bh | pool directors | hold |",
        ),
        (
            "contract_redline.policy.md",
            "| finance | 1    | pool finance         | 1    | 16bh   | pool fpna        | decline |",
            "| finance | 1 | pool directors | 2 | 16bh | pool directors | decline |",
        ),
        ("contract_redline.intent.md", "list 1 .. 200", clauses),
    ];
    let rules = rules.iter().map(|(from, to)| ("contract_redline.policy.md", *from, *to));
    for (name, from, to) in edits.into_iter().chain(rules) {
        let file = files.iter_mut().find(|file| file.path.ends_with(name)).expect("it is shipped");
        assert!(file.text.contains(from), "{from}");
        file.text = file.text.replacen(from, to, 1);
    }
    files
}

#[test]
fn seats_that_only_two_clauses_together_leave_empty_are_found() {
    let short = |clauses: &str, rules: &[(&'static str, &'static str)]| {
        let report = check_files(&few_for_two_clauses(clauses, rules), ON);
        assert_eq!(report.faults, Vec::new());
        let seats = report.findings().filter(|finding| finding.kind == "seats").cloned();
        seats.collect::<Vec<Finding>>()
    };
    let found = short("list 1 .. 200", &[]);
    let two = found.iter().find(|finding| finding.message.starts_with("finance + privacy: "));
    let two = two.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(two.level, Level::Error);
    let witness = two.witness.as_deref().unwrap_or_default();
    assert!(
        witness.contains("clause.topic payment") && witness.contains("and beside it clause.topic data"),
        "{witness}"
    );
    // What a list of one clause cannot hold does not happen, nor what two contracts would have to hold.
    assert_eq!(short("list 1 .. 1", &[]), Vec::new());
    let apart = [
        (
            "| risk-beyond | liability, indemnity    | beyond          |    ",
            "| risk-beyond | liability, indemnity | beyond | < 100_000 ",
        ),
        (
            "| data-beyond | data                    | beyond          |    ",
            "| data-beyond | data | beyond | >= 100_000 ",
        ),
        (
            "| data        | data                    | fallback        |    ",
            "| data | data | fallback | >= 100_000 ",
        ),
        (
            "| cash        | payment                 |                 |    ",
            "| cash | payment | | < 100_000 ",
        ),
    ];
    assert_eq!(short("list 1 .. 200", &apart), Vec::new());
}

#[test]
fn a_report_is_the_same_every_time() {
    let texts: Vec<Vec<u8>> = (0..2)
        .map(|_| {
            let report = check_all(&starter_rulebook(), ON);
            crate::canonical::to_vec(&report).expect("it has a canonical form")
        })
        .collect();
    assert_eq!(texts[0], texts[1]);
}

const ROUTES: &str = "\n## Routes\n\n\
    | route | step | whom | need | within | backup | finally | covers |\n\
    |---|---|---|---|---|---|---|---|\n\
    | low | 1 | pool p | 1 | 8bh | pool q | hold | |\n\
    | high | 1 | pool p | 1 | 8bh | pool q | hold | low |\n";

fn read(body: &str) -> Policy {
    let text = format!(
        "# T\n\n| policy | |\n|---|---|\n| intent | t |\n| owner | p |\n| effective | 2026-01-01 |\n\
         | unsure | closed |\n{body}{ROUTES}"
    );
    let file = SourceFile { path: "t.policy.md".to_owned(), text };
    let mut faults = Faults::new("t.policy.md");
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    let faults: Vec<String> = faults.into_list().iter().map(ToString::to_string).collect();
    assert_eq!(faults, Vec::<String>::new());
    policy.expect("it is whole")
}

/// A small policy of which every point can be tried.
fn small(hit: usize, rows: &[(i64, i64, i64, i64, usize)], guards: &[(i64, bool)]) -> Policy {
    let hit = ["first", "unique", "every"][hit];
    let mut body = String::from(
        "\n## Inputs\n\n| name | type |\n|---|---|\n| a | count 0 .. 9 |\n| b | days 0 .. 8 step 2 |\n| c | yes/no |\n",
    );
    body += &format!("\n## Rules: {hit}\n\n| id | a | b | => outcome | because |\n|---|---|---|---|---|\n");
    for (index, (a, width, b, height, outcome)) in rows.iter().enumerate() {
        let outcome = ["approve", "low", "high", "deny"][*outcome];
        let (b, until) = (b * 2, (b * 2 + height * 2).min(8));
        body += &format!("| r{index} | {a} .. {} | {b} .. {until} | {outcome} | x |\n", (a + width).min(9));
    }
    if !guards.is_empty() {
        body += "\n## Guards\n\n| id | when | then | because |\n|---|---|---|---|\n";
        for (index, (bound, flag)) in guards.iter().enumerate() {
            let flag = if *flag { "c" } else { "not c" };
            body += &format!("| g{index} | a > {bound} and {flag} or a + 1 > 9 | low | x |\n");
        }
    }
    read(&body)
}

fn all_points(space: &Space<'_>) -> Vec<super::space::Point> {
    let mut points = Vec::new();
    for a in 0..10 {
        for b in 0..5 {
            for c in 0..2 {
                let mut point = space.corner(&Region::new());
                point.numbers = vec![a, b * 2, c];
                points.push(point);
            }
        }
    }
    points
}

prop_compose! {
    fn policies()(hit in 0..3_usize,
                  rows in prop::collection::vec((0..10_i64, 0..10_i64, 0..5_i64, 0..5_i64, 0..4_usize), 1..6),
                  guards in prop::collection::vec((0..9_i64, any::<bool>()), 0..3)) -> Policy {
        small(hit, &rows, &guards)
    }
}

fn inside(region: &Region, point: &super::space::Point) -> bool {
    region.iter().all(|(axis, ranges)| {
        point
            .numbers
            .get(*axis)
            .is_none_or(|number| ranges.iter().any(|(low, high)| low <= number && number <= high))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Gaps, deciding rows and relevance of the sweep are those of a scan of every point.
    #[test]
    fn the_sweep_agrees_with_a_scan_of_every_point(policy in policies()) {
        let never = Stop::never();
        let space = Space::of(&policy, &never);
        let model = space.models.first().expect("it has one");
        let table = space.table().expect("it is small");
        let (regions, all) = table.regions(usize::MAX >> 1, &never, |_| true);
        prop_assert!(all);
        for point in all_points(&space) {
            let rows = space.answer(model, &point).rules;
            let found: Vec<&Vec<usize>> =
                regions.iter().filter(|(region, _)| inside(region, &point)).map(|(_, rows)| rows).collect();
            prop_assert_eq!(found, vec![&rows]);
        }
    }

    /// What table and guards are found to ask for together, though swept apart, is what a scan finds.
    #[test]
    fn table_and_guards_swept_apart_ask_what_a_scan_of_every_point_asks(policy in policies()) {
        let never = Stop::never();
        let space = Space::of(&policy, &never);
        let model = space.models.first().expect("it has one");
        let order = [2, 0, 1].into_iter().chain(3..space.axes.len()).collect::<Vec<usize>>();
        let asked = space.asked(model, &order, |_| true).expect("it is small");
        let (regions, all) = asked.regions(usize::MAX >> 1, &never, |_| true);
        prop_assert!(all);
        for point in all_points(&space) {
            let verdict = space.answer(model, &point).verdict;
            // The axis behind the inputs is what the guards compute: `a + 1`.
            prop_assert!(space.derived.len() < 2);
            let mut point = point;
            point.numbers.push(point.numbers[0] + 1);
            let found: Vec<Verdict> = regions
                .iter()
                .filter(|(region, _)| inside(region, &point))
                .map(|(_, asked)| space.verdict(model, *asked))
                .collect();
            prop_assert_eq!(found, vec![verdict]);
        }
    }

    /// A promise that is called proved or broken is so at every point.
    #[test]
    fn a_proved_promise_holds_at_every_point(mut policy in policies(), more in any::<bool>()) {
        let name = FieldName::parse("a").expect("it is a name");
        policy.promises = vec![if more { Promise::More(name) } else { Promise::Less(name) }];
        let kept = promises(&policy, &Stop::never());
        let never = Stop::never();
        let space = Space::of(&policy, &never);
        let model = space.models.first().expect("it has one");
        let mut broken = false;
        for point in all_points(&space).into_iter().filter(|point| point.numbers[0] < 9) {
            let mut next = point.clone();
            next.numbers[0] += 1;
            let (small, large) = (space.answer(model, &point).verdict, space.answer(model, &next).verdict);
            let (less, stricter) = if more { (small, large) } else { (large, small) };
            if let (Some(less), Some(stricter)) = (less.settled(), stricter.settled()) {
                broken |= less.join(&stricter, &policy.covers) != stricter.normal(&policy.covers);
            }
        }
        match &kept[0].proof {
            Proof::Proved => prop_assert!(!broken),
            Proof::Tested { .. } => prop_assert!(!broken, "few points: all of them were tried"),
            Proof::Broken { .. } => prop_assert!(broken),
        }
    }

    /// A diff names a region for each point that differs, and only such points without guards.
    #[test]
    fn a_diff_holds_every_point_that_differs(old in policies(), new in policies()) {
        let found = diff(&old, &new, &Stop::never());
        let never = Stop::never();
        let space = Space::over(&[&old, &new], &never);
        let differs = all_points(&space).into_iter().any(|point| {
            space.answer(&space.models[0], &point).verdict != space.answer(&space.models[1], &point).verdict
        });
        prop_assert_eq!(differs, !found.changed.is_empty(), "{}", found);
    }
}

/// A table as people write them: a grid of segments, bands and amounts, all of it covered.
fn people_table(rows: usize, shift: usize) -> Policy {
    let mut body = String::from(
        "\n## Inputs\n\n| name | type |\n|---|---|\n| segment | one of s0, s1, s2, s3, s4, s5, s6, s7 |\n\
         | rate | percent 0% .. 60% |\n| amount | money USD 0 .. 100_000_000 |\n| months | months 1 .. 84 |\n\
         | renewal | yes/no |\n| region | one of na, eu, apac, rest |\n\n## Rules: first\n\n\
         | id | segment | rate | amount | months | renewal | region | => outcome | because |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in 0..rows - 1 {
        let (segment, band) = (row % 8, row / 8);
        let amount = if band % 3 == 0 { format!("< {}", 10_000 * (band + 1)) } else { String::new() };
        let months = if band % 4 == 1 { format!(">= {}", band % 36 + 1) } else { String::new() };
        let renewal = if band % 5 == 2 { "yes" } else { "" };
        let region = ["", "na, eu", "", "apac", ""][band % 5];
        let outcome = ["approve", "low", "high"][(band + shift * (row / 100)) % 3];
        body += &format!(
            "| r{row} | s{segment} | <= {}% | {amount} | {months} | {renewal} | {region} | {outcome} | x |\n",
            2 * (band + 1)
        );
    }
    body += "| rest | | | | | | | high | x |\n";
    read(&body)
}

#[test]
fn a_table_of_two_hundred_rows_is_proved_and_compared() {
    let (old, new) = (people_table(200, 0), people_table(200, 1));
    let never = Stop::never();
    let space = Space::of(&old, &never);
    let table = space.table().expect("it is within the cap");
    assert!(table.answers().all(|rows| !rows.is_empty()));
    assert!(table.nodes.len() < 5_000, "{}", table.nodes.len());
    let found = diff(&old, &new, &Stop::never());
    assert!(!found.changed.is_empty());
}

/// Rows that cut every column at random: the worst that a table can be.
pub(super) fn hostile_table(rows: usize) -> Policy {
    let mut body = String::from("\n## Inputs\n\n| name | type |\n|---|---|\n");
    let columns = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for column in columns {
        body += &format!("| {column} | count 0 .. 1_000_000 |\n");
    }
    body += &format!("\n## Rules: every\n\n| id | {} | => outcome | because |\n", columns.join(" | "));
    body += &format!("|{}\n", "---|".repeat(columns.len() + 3));
    let mut state = 7_u64;
    for row in 0..rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                let low = (state >> 40) % 300_000;
                format!("{low} .. {}", low + 600_000)
            })
            .collect();
        body += &format!("| r{row} | {} | high | x |\n", cells.join(" | "));
    }
    read(&body)
}

#[test]
fn a_hostile_table_ends_at_the_cap_and_is_not_called_proved() {
    let policy = hostile_table(60);
    let rulebook = starter_rulebook();
    let intent = rulebook.intent_types().next().expect("it has one");
    let house = super::lint::House { directory: rulebook.directory(), intent, on: ON };
    let found = super::lint::lint(&policy, house);
    assert!(found.iter().any(|finding| finding.kind == "not-proved"), "{found:#?}");
    assert!(!found.iter().any(|finding| finding.kind == "gap"));
}
