//! The steps of `weights.feature`: voices that weigh more than one.

use super::Spec;
use countersign_core::approval::Stage;
use countersign_core::document::SourceFile;
use countersign_core::rulebook::Rulebook;
use countersign_tests::world::{root, source_files, weighed};
use cucumber::{given, then};

/// The policy whose margin floor needs this much of finance.
fn needing(file: &mut SourceFile, weight: u32) {
    let row = file.text.lines().find(|line| line.starts_with("| finance ") && line.contains("| pool fpna "));
    let row = row.expect("the route of finance").to_owned();
    let changed = row.replacen("| 2 ", &format!("| weight {weight} "), 1);
    assert_ne!(row, changed, "it needs two");
    file.text = file.text.replacen(&row, &changed, 1);
}

fn files(member: &str, weighs: &str, needs: u32) -> Vec<SourceFile> {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in &mut files {
        match file.path.as_str() {
            "people.md" => file.text = weighed(&file.text, "finance", &format!("{member} {weighs}")),
            "policies/discount.policy.md" => needing(file, needs),
            _ => {}
        }
    }
    files
}

#[given("a house in which finance-lead weighs 2, and the margin floor needs weight 3")]
fn house(spec: &mut Spec) {
    let files = files("finance-lead", "2", 3);
    let policy = files.iter().find(|file| file.path.ends_with("discount.policy.md")).expect("the policy");
    spec.people.policy = Some(policy.text.clone());
    spec.people.begin_with(|text| weighed(&text, "finance", "finance-lead 2"));
}

#[then(expr = "{word} weighs {int} of {int}")]
async fn weighs(spec: &mut Spec, route: String, given: u32, need: u32) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let of = (0_u32..).zip(&seats.rows).find(|(_, row)| row.route.as_str() == route);
    let seat = of.and_then(|(row, _)| seats.open.get(&row)).expect("it is open");
    assert_eq!((seat.given(), seat.need), (given, need), "{seat:#?}");
}

fn is_refused(files: &[SourceFile], why: &str) {
    let faults = Rulebook::load(files).expect_err("it is refused");
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|fault| fault.contains(why)), "{said:#?}");
}

#[then(regex = r"^a house is refused in which the margin floor needs weight (\d+): (.*)$")]
fn needs_too_much(_: &mut Spec, weight: u32, why: String) {
    is_refused(&files("finance-lead", "2", weight), &why);
}

#[then(regex = r"^a house is refused in which (\S+) weighs ([^:]+): (.*)$")]
fn no_weight(_: &mut Spec, member: String, weight: String, why: String) {
    is_refused(&files(&member, &weight, 2), &why);
}
