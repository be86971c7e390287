//! Policies for round trips: the shipped ones, and drawn ones with everything that a document may
//! hold and that a format could lose.

use countersign_core::document::SourceFile;
use countersign_core::rulebook;
use proptest::prelude::*;

/// The shipped policies.
pub(crate) const SHIPPED: [&str; 3] = [
    include_str!("../../cli/starter/policies/discount.policy.md"),
    include_str!("../../cli/starter/policies/refund.policy.md"),
    include_str!("../../cli/starter/policies/contract_redline.policy.md"),
];

pub(crate) fn file(text: &str) -> SourceFile {
    SourceFile { path: "t.policy.md".to_owned(), text: text.to_owned() }
}

pub(crate) fn formatted(text: &str) -> String {
    match rulebook::formatted(&file(text)) {
        Ok(text) => text,
        Err(faults) => panic!("{text}\n{faults:?}"),
    }
}

const TYPES: [&str; 9] = [
    "percent -100% .. 100%",
    "percent 0% .. 60% step 0.0001%",
    "money USD 0 .. 100_000_000",
    "money JPY 0 .. 90_000_000_000_000_000",
    "count 0 .. 1_000_000",
    "yes/no",
    "one of smb, mid, 12, 24",
    "date 2020-01-01 .. 2030-12-31",
    "text",
];
const CELLS: [&[&str]; 9] = [
    &["15%", "5.01%", "-3%", "0%", "<= 5%", "0.5%", "5.0%", "> 1% .. 7.5%"],
    &["0.0001%", "12.3456%", "60%", "not 1%, 2%"],
    &["50_000", "50000", "0.01", "100.00", "99_999_999.99", "1_000.5", "< 50_000", "7 USD", "100 .. < 2_500"],
    &["90_000_000_000_000_000", "5", "123_456_789_012_345", "1_234_567_890_123_456"],
    &["1", "1_000", "1000", "1, 2, 3", ">= 12"],
    &["yes", "no"],
    &["smb", "smb, mid", "12", "not 24", "24, 12"],
    &["2026-01-01", "<= 2026-05-15", "2026-01-01 .. 2026-12-31"],
    &["7.2", "007", "5-15", "TRUE", "1e5"],
];
const WORDS: [&str; 16] = [
    "plain",
    "a | pipe",
    "back\\slash",
    "\\\\",
    "0.15",
    "15%",
    "5-15",
    "=SUM(A1)",
    "+1",
    "'quoted",
    "_x0041_",
    "\"both\", 'kinds'",
    "ümlaut 価格",
    "3 < 4 & 5 > 2",
    "tab\tinside",
    "2026-01-01",
];
const PROSE: [&str; 8] = [
    "",
    "Two blanks at the end  ",
    "* a list",
    "  indented",
    "3 < 4 & `|`",
    "=not a formula",
    "## Notes",
    "### Deeper",
];

/// A policy's document, drawn from numbers.
pub(crate) fn drawn(draws: &[usize]) -> String {
    let mut draws = draws.iter().cycle().copied();
    let mut next = |below: usize| draws.next().unwrap_or(0) % below;
    let mut out = String::new();
    let gap = |next: &mut dyn FnMut(usize) -> usize, out: &mut String| {
        for _ in 0..next(4) {
            if next(3) == 0 {
                *out += PROSE[next(PROSE.len() - 2)];
            }
            out.push('\n');
        }
    };
    if next(3) == 0 {
        out += "before the title\n\n";
    }
    out += ["# A policy\n", "#  Policy: two  \n", "# #1\n"][next(3)];
    gap(&mut next, &mut out);
    out += "\n| policy |  |\n|---|:-:|\n| intent | discount |\n| owner | pricing |\n| effective | 2026-01-01 |\n| unsure | closed |\n\n";
    gap(&mut next, &mut out);
    if next(2) == 0 {
        out += &format!("{}\n\nwords\n\n", PROSE[PROSE.len() - 1 - next(2)]);
    }
    let inputs: Vec<usize> = (0..1 + next(8)).map(|_| next(TYPES.len())).collect();
    out += ["## Inputs\n", "##  Inputs : of all kinds \n"][next(2)];
    gap(&mut next, &mut out);
    out += "\n| name | type |\n|:--|--:|\n";
    for (index, kind) in inputs.iter().enumerate() {
        out += &format!("| input_{index} | {} |\n", TYPES[*kind]);
    }
    let escaped = |text: &str| text.replace('|', "\\|");
    out += "\n## Rules: first\n\n| id |";
    let columns = |out: &mut String, last: &str| {
        for index in 0..inputs.len() {
            *out += &format!(" input_{index} |");
        }
        *out += &format!(" => outcome | {last} |\n|{}\n", "---|".repeat(inputs.len() + 3));
    };
    columns(&mut out, "because");
    for row in 0..next(12) {
        out += &format!("| row-{row} |");
        for kind in &inputs {
            let cells = CELLS[*kind];
            out +=
                &format!(" {} |", if next(3) == 0 { ["", "-"][next(2)] } else { cells[next(cells.len())] });
        }
        out += &format!(" vp | {} |\n", escaped(WORDS[next(WORDS.len())]));
    }
    out.push('\n');
    gap(&mut next, &mut out);
    out += "## Routes\n\n| route | step | whom | need | within | backup | finally |\n|---|---|---|---|---|---|---|\n";
    for step in 1..1 + next(4) {
        let need = ["1", "all", "50%", "2", "01"][next(5)];
        out += &format!("| vp | {step} | pool vp | {need} | 8bh | pool x | hold |\n");
    }
    if next(2) == 0 {
        out += "\n## Examples\n| case |";
        columns(&mut out, "by");
        for row in 0..next(5) {
            out += &format!("| {} {row} |", escaped(WORDS[next(WORDS.len())]));
            for kind in &inputs {
                let cells = CELLS[*kind];
                out += &format!(
                    " {} |",
                    if next(4) == 0 { ["", "?"][next(2)] } else { cells[next(cells.len())] }
                );
            }
            out += " vp |  |\n";
        }
    }
    if next(2) == 0 {
        out.push('\n');
        gap(&mut next, &mut out);
    }
    formatted(&out)
}

/// Documents of policies, formatted.
pub(crate) fn documents() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<usize>(), 1..200).prop_map(|draws| drawn(&draws))
}
