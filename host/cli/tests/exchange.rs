//! Policies through the program: formatted, begun, exported, imported; nothing is overwritten
//! unasked.

use countersign_server::api::view::{DifferenceView, EvaluationView, RanView, ReportView};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    for name in ["COUNTERSIGN_URL", "COUNTERSIGN_TOKEN", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.output().expect("the program runs")
}

/// Runs and demands an exit code; gives what it printed.
fn ran(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
    text
}

fn house() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    ran(folder.path(), &["init", "--quiet"], 0);
    folder
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

const DISCOUNT: &str = "policies/discount.policy.md";

#[test]
fn untidy_tables_are_named_then_aligned_in_place() {
    let house = house();
    let at = house.path();
    ran(at, &["policy", "fmt", "--check"], 0);
    let tidy = text(at, DISCOUNT);
    std::fs::write(at.join(DISCOUNT), tidy.replace("| mid-auto  |", "|mid-auto|").replace('\n', "\r\n"))
        .expect("it is untidy");
    let found = ran(at, &["policy", "fmt", "--check"], 1);
    assert!(found.contains(DISCOUNT) && !found.contains("refund"), "{found}");
    assert_ne!(text(at, DISCOUNT), tidy, "a check writes nothing");
    ran(at, &["policy", "fmt", DISCOUNT], 0);
    assert_eq!(text(at, DISCOUNT), tidy);
    std::fs::write(at.join("people.md"), "# People\n\n| stray |\n").expect("it is broken");
    let broken = ran(at, &["policy", "fmt"], 1);
    assert!(broken.contains("people.md:3:1: a line that starts with `|` belongs to no table"), "{broken}");
    assert_eq!(text(at, "people.md"), "# People\n\n| stray |\n");
    ran(at, &["policy", "fmt", "nowhere.policy.md"], 1);
}

#[test]
fn a_new_policy_passes_the_check_and_overwrites_nothing() {
    let house = house();
    let at = house.path();
    let refused = ran(at, &["policy", "new", "refund"], 1);
    assert!(refused.contains("`policies/refund.policy.md` decides `refund` already"), "{refused}");
    ran(at, &["policy", "new", "holiday"], 2);
    for intent in ["refund", "discount", "contract_redline"] {
        std::fs::remove_file(at.join(format!("policies/{intent}.policy.md"))).expect("it goes");
        ran(at, &["policy", "new", intent], 0);
        ran(at, &["policy", "check", intent], 0);
    }
    ran(at, &["policy", "fmt", "--check"], 0);
    ran(at, &["check"], 0);
}

#[test]
fn a_policy_goes_out_in_each_format_and_comes_back_unchanged() {
    let house = house();
    let at = house.path();
    let before = text(at, DISCOUNT);
    for file in ["out.xlsx", "out.json", "out.csv"] {
        ran(at, &["policy", "export", "discount", "-o", file], 0);
        let again = ran(at, &["policy", "export", "discount", "-o", file], 1);
        assert!(again.contains("is not overwritten unasked"), "{again}");
        ran(at, &["policy", "export", "discount", "-o", file, "--replace"], 0);
        let same = ran(at, &["policy", "import", file, "--as", "discount"], 0);
        assert!(same.contains("nothing changes"), "{file}: {same}");
    }
    std::fs::remove_file(at.join(DISCOUNT)).expect("it goes");
    let part = ran(at, &["policy", "import", "out.csv", "--as", "discount"], 1);
    assert!(part.contains("policy new discount"), "{part}");
    ran(at, &["policy", "import", "out.xlsx", "--as", "discount", "--dry-run"], 0);
    assert!(!at.join(DISCOUNT).exists(), "a dry run writes nothing");
    ran(at, &["policy", "import", "out.xlsx", "--as", "discount"], 0);
    assert_eq!(text(at, DISCOUNT), before);
    let refused = ran(at, &["policy", "export", "discount", "--to", "dmn"], 1);
    assert!(refused.contains("Guards (5 rows): has no place in a DMN table"), "{refused}");
    let dmn = ran(at, &["policy", "export", "discount", "--to", "dmn", "--rules-only"], 0);
    assert!(dmn.contains("hitPolicy=\"FIRST\"") && dmn.contains("left out  Guards (5 rows)"), "{dmn}");
    ran(at, &["policy", "export", "discount", "--to", "xlsx"], 2);
    ran(at, &["policy", "export", "discount"], 2);
    ran(at, &["policy", "export", "holiday", "--to", "json"], 2);
    ran(at, &["policy", "import", "out.pdf", "--as", "discount"], 1);
}

#[test]
fn an_import_shows_what_changes_and_writes_only_when_told_to() {
    let house = house();
    let at = house.path();
    let before = text(at, DISCOUNT);
    let rules = ran(at, &["policy", "export", "discount", "--to", "csv"], 0);
    let changed = rules.replace("smb-auto,smb,<= 5%", "smb-auto,smb,<= 6%").replace("mid-auto,", "mid-easy,");
    std::fs::write(at.join("rules.csv"), &changed).expect("a file");
    let import = ["policy", "import", "rules.csv", "--as", "discount"];
    let dry = ran(at, &[&import[..], &["--dry-run"]].concat(), 0);
    assert!(dry.contains("changed  Rules smb-auto: discount_percent `<= 5%` -> `<= 6%`"), "{dry}");
    assert!(dry.contains("added    Rules mid-easy: ") && dry.contains("removed  Rules mid-auto: "), "{dry}");
    let unasked = ran(at, &import, 0);
    assert!(unasked.contains("nothing is written: `--replace` overwrites"), "{unasked}");
    assert_eq!(text(at, DISCOUNT), before);
    std::fs::create_dir(at.join("draft")).expect("a folder");
    let draft = "draft/discount.policy.md";
    ran(at, &[&import[..], &["-o", draft]].concat(), 0);
    assert_eq!(text(at, DISCOUNT), before);
    assert_eq!(text(at, draft), before.replace("<= 5% ", "<= 6% ").replace("mid-auto", "mid-easy"));
    let again = ran(at, &[&import[..], &["-o", draft]].concat(), 1);
    assert!(again.contains("is not overwritten unasked"), "{again}");
    ran(at, &[&import[..], &["--replace"]].concat(), 0);
    assert_eq!(text(at, DISCOUNT), before.replace("<= 5% ", "<= 6% ").replace("mid-auto", "mid-easy"));

    // A host that follows its files would decide by it at once.
    let gap: Vec<&str> = changed.lines().filter(|line| !line.starts_with("rest,")).collect();
    std::fs::write(at.join("rules.csv"), gap.join("\n")).expect("a file");
    let gap = ran(at, &[&import[..], &["--replace"]].concat(), 1);
    assert!(
        gap.contains("does not pass its check: nothing is written") && gap.contains("error gap"),
        "{gap}"
    );
    assert!(text(at, DISCOUNT).contains("| rest "));
    ran(at, &[&import[..], &["-o", draft, "--replace"]].concat(), 0);
    let checked = ran(at, &["policy", "check", draft], 1);
    assert!(checked.contains(&format!("{draft}:")) && checked.contains("error gap"), "{checked}");
    assert!(!checked.contains("refund"), "it is asked about one policy: {checked}");

    std::fs::write(at.join("rules.csv"), changed.replace("<= 6%", "<= 6")).expect("a file");
    let wrong = ran(at, &[&import[..], &["--replace"]].concat(), 1);
    assert!(
        wrong.contains("line 2, cell 3: rule `smb-auto`: `6`: unit mismatch for percent 0% .. 60%"),
        "{wrong}"
    );
    // The second letter is Cyrillic.
    std::fs::write(at.join("rules.csv"), changed.replace("mid-easy", "mid-e\u{430}sy")).expect("a file");
    let mixed = ran(at, &[&import[..], &["--replace"]].concat(), 1);
    assert!(mixed.contains("line 5, cell 1: `mid-e\u{430}sy` is no id"), "{mixed}");
    std::fs::write(at.join("rules.csv"), changed.replace(',', ";")).expect("a file");
    let unconfirmed = ran(at, &import, 1);
    assert!(unconfirmed.contains("try: if that is so, say `--delimiter ';'`"), "{unconfirmed}");
    let other = ran(at, &["policy", "export", "refund", "--to", "json"], 0);
    std::fs::write(at.join("other.json"), other).expect("a file");
    let foreign = ran(at, &["policy", "import", "other.json", "--as", "discount", "--dry-run"], 1);
    assert!(foreign.contains("decides `refund`, not `discount`"), "{foreign}");
}

/// What a verb prints with `--json`, as the API describes its answer.
fn printed<T: serde::de::DeserializeOwned>(folder: &Path, arguments: &[&str]) -> T {
    let output = run(folder, &[&["policy"], arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|fault| {
        panic!("{arguments:?}: {fault}\n{}", String::from_utf8_lossy(&output.stdout));
    })
}

#[test]
fn what_json_prints_has_the_shape_of_the_api() {
    let house = house();
    let at = house.path();
    let report: ReportView = printed(at, &["check", "discount"]);
    assert!(report.passes && report.policies.len() == 1);
    let tried: Vec<RanView> = printed(at, &["test", "discount"]);
    assert_eq!((tried.len(), tried[0].examples.len()), (1, 8));
    let said: EvaluationView = printed(at, &["explain", "discount", "--case", "exactly 50k"]);
    assert_eq!((said.outcome.as_str(), said.words[0].as_str()), ("needs", "needs director"));
    std::fs::create_dir(at.join("draft")).expect("a folder");
    let changed = text(at, DISCOUNT).replace("<= 10% ", "<= 12% ");
    std::fs::write(at.join("draft/discount.policy.md"), changed).expect("a file");
    let difference: DifferenceView = printed(at, &["diff", "draft/discount.policy.md"]);
    assert!(difference.all && !difference.changed.is_empty());
    let asked = ["policy", "explain", "discount", "--case", "none", "--input", "margn=5%"];
    let unread = ran(at, &asked, 2);
    assert!(unread.contains("did you mean `margin`?") && unread.contains("no example `none`"), "{unread}");
}
