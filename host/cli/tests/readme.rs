//! The README's walk of a pricing manager, as it is written: a house, a changed threshold, its effect on
//! history, a second person, and back. Only what a reader has to fill in is filled in here.

mod reader;

use reader::{Dev, Reader, blocks, program};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// What an editor would do by the words of step 1.
const EDITOR: &str = r#"#!/bin/sh
set -e
grep -q '| mid-auto .*<= 10%' "$1"
today=$(date -u +%Y-%m-%d)
sed -e '/^| mid-auto /s/<= 10%/<= 12%/' -e "s/^| effective | [0-9-]*/| effective | $today/" "$1" > "$1.new"
mv "$1.new" "$1"
"#;

#[test]
fn somebody_who_never_saw_rust_changes_a_threshold_sees_its_effect_and_publishes_it() {
    let house = tempfile::tempdir().expect("a folder");
    let begun = Command::new(program()).args(["init", "--quiet"]).current_dir(house.path()).status();
    assert!(begun.expect("the program runs").success());
    let editor = house.path().join("editor");
    fs::write(&editor, EDITOR).expect("it is written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("it may be run");
    let dev = Dev::start(house.path(), &[]);
    let mut reader = Reader::beside(&dev, house.path());
    let mut said: Vec<(String, String)> = Vec::new();
    for block in blocks("README.md", "Change a threshold") {
        let publishes = block.contains("policy publish");
        let answer = if publishes { reader.asks(&block) } else { reader.run(&block) };
        said.push((block, answer));
    }
    let answer = |command: &str| {
        let found = said.iter().find(|(block, _)| block.contains(command));
        found.map_or_else(|| panic!("the README lacks {command}"), |(_, answer)| answer.clone())
    };
    // What the README promises beside each step.
    let looked = answer("policy diff draft/discount.policy.md\n");
    assert!(looked.contains("segment mid, discount_percent 10.01% .. 12%"), "{looked}");
    assert!(looked.contains("was director, now approve"), "{looked}");
    let history = answer("--from history/discount.jsonl");
    assert!(history.contains("newly approved: 11 "), "{history}");
    assert!(history.contains("of these declined by people: 2 "), "{history}");
    let in_force = answer("--in-force");
    assert!(in_force.contains("segment mid, discount_percent 10.01% .. 12%"), "{in_force}");
    let read = answer("intent show");
    assert!(read.contains("was director, now approve"), "what the colleague reads: {read}");
    let published = answer("policy list");
    let line = published.lines().find(|line| line.starts_with("discount ")).expect("the policy's line");
    assert!(line.contains("revops-1") && line.contains("pricing-lead"), "{line}");
    assert!(published.contains("<= 12%"), "the document that is in force: {published}");
    // Whoever asks the host is told by what is in force, and not by the file that was left as it was.
    let deal =
        "--case 'plain small deal' --input segment=mid --input discount_percent=11% --input amount=80_000";
    let files = reader.run(&format!("countersign policy explain discount {deal}"));
    let host = reader.run(&format!("countersign policy explain discount {deal} --in-force"));
    assert!(files.contains("needs director") && host.contains("approved by policy"), "{files}\n{host}");
    assert!(answer("policy rollback").contains("somebody else"), "{said:?}");
    assert!(house.path().join("discount.xlsx").is_file());
}
