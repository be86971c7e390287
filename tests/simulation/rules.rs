//! The rules by which a simulated house lives: one system of each class, and intents that write to one or to all of them.

use crate::targets::CLASSES;
use countersign_core::document::SourceFile;
use countersign_core::hash::Digest;
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_tests::world::{root, source_files};
use std::sync::LazyLock;

/// What passes by itself by the rules of the house, and by those that somebody changes them to: in words of the
/// policy, and in cents.
pub(crate) const LIMITS: [(&str, i64); 2] = [("1_000", 100_000), ("15", 1_500)];

pub(crate) static RULES: LazyLock<[Rulebook; 2]> = LazyLock::new(|| {
    LIMITS.map(|(most, _)| {
        let files: Vec<SourceFile> = rules().into_iter().map(|file| with_limit(file, most)).collect();
        Rulebook::load(&files).expect("the rules check")
    })
});

/// The same policy, by which something else passes by itself.
fn with_limit(file: SourceFile, most: &str) -> SourceFile {
    let text = file.text.replace("| <= 1_000 |", &format!("| <= {most} |"));
    SourceFile { text, ..file }
}

fn text(value: &str) -> Raw {
    Raw::Text(value.to_owned())
}

fn map(members: Vec<(&str, Raw)>) -> Raw {
    Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What is asked for: so many dollars on an order.
pub(crate) fn tokens(order: &str, amount: u64) -> Raw {
    let amount = map(vec![("amount", text(&format!("{amount}.00"))), ("currency", text("USD"))]);
    map(vec![("order_id", text(order)), ("amount", amount), ("reason", text("goodwill"))])
}

/// What is written where by an intent of several effects, and after what.
type Chain = [(&'static str, &'static str, &'static str); 4];
const CHAIN: Chain = [
    ("first", "keyed", ""),
    ("second", "look", "first"),
    ("third", "upsert", "first"),
    ("last", "blind", "second, third"),
];
/// The same where all of it is taken back if one is refused: what cannot be is among the first.
const WHOLE: Chain = [
    ("first", "look", ""),
    ("second", "blind", "first"),
    ("third", "keyed", "first"),
    ("last", "upsert", "second, third"),
];
/// What can be asked for: one write of a class, or all of them in order, of which either each stands by itself or all do.
pub(crate) const TYPES: [&str; 8] = ["keyed", "upsert", "look", "blind", "chain", "chain", "whole", "whole"];

/// What is watched of a write, and what becomes of what is not as it was approved.
fn watched(text: &str, bindings: &[&str], remedy: &str) -> String {
    let rows = bindings
        .iter()
        .map(|binding| format!("\n| amount | {binding} | yes | {remedy} | {remedy} | exception |"));
    let table = "|-------|---------|----------|------|---------|------|";
    assert!(text.contains(table), "it has a table");
    text.replace(table, &format!("{table}{}", rows.collect::<String>()))
}

/// One write each in the place of the one of an intent type, in order.
fn chained(text: &str, chain: Chain, on_failure: &str) -> String {
    let [(_, first, _), ..] = chain;
    let one = format!("| write   | {first}");
    let one = text.lines().find(|line| line.starts_with(&one)).expect("its binding");
    let bindings = chain.map(|(name, connection, after)| {
        let subject = if after.is_empty() { "order_id" } else { "" };
        let any = "by-key, by-natural-key, by-probe, blind";
        format!("| {name} | {connection} | deliver | {subject} | {any} | {after} | {on_failure} |")
    });
    let writes = chain.map(|(name, _, _)| format!("| {name} | amount | amount |"));
    text.replace(one, &bindings.join("\n"))
        .replace("| write   | amount | amount |", &writes.join("\n"))
        .replace(
            &format!("| destinations    | {first} "),
            &format!("| destinations    | {} ", chain.map(|(_, connection, _)| connection).join(", ")),
        )
}

/// The rules of one system, once for each class of guarantee, and those of one that writes to all of them.
fn rules() -> Vec<SourceFile> {
    let mut files = source_files(&root().join("tests/bench/rules")).expect("the shared files");
    files.retain(|file| !file.path.contains('/'));
    let single = source_files(&root().join("tests/spec/rules")).expect("the files of the features");
    for (name, _) in CLASSES {
        files.extend(single.iter().map(|file| {
            let text = file.text.replace("single", name).replace("target", name);
            let remedy = if name == "upsert" { "exception" } else { "re-assert" };
            let intent = file.path.ends_with(".intent.md");
            let text = if intent { watched(&text, &["write"], remedy) } else { text };
            SourceFile { path: file.path.replace("single", name), text }
        }));
    }
    for (name, chain, on_failure) in [("chain", CHAIN, "hold"), ("whole", WHOLE, "undo")] {
        files.extend(single.iter().map(|file| {
            let text = file.text.replace("single", name).replace("target", chain[0].1);
            let intent = file.path.ends_with(".intent.md");
            let chained =
                |text| watched(&chained(text, chain, on_failure), &["first", "second", "last"], "re-assert");
            let text = if intent { chained(&text) } else { text };
            SourceFile { path: file.path.replace("single", name), text }
        }));
    }
    files
}

/// How many cents pass by themselves by this version of a policy, if it is one of ours.
pub(crate) fn most(policy: Digest) -> Option<i64> {
    let of = |rules: &Rulebook| rules.policies().any(|known| known.version() == policy);
    LIMITS.iter().zip(RULES.iter()).find(|(_, rules)| of(rules)).map(|((_, most), _)| *most)
}
