//! Golden slips: what is said when an owner of the shipped rules makes a mistake.
//!
//! Each file of `tests/spec/slips` holds slips: a heading, the file, the text that is replaced and
//! by what (`\n` is a line end), and the answer. An answer is only what the slip adds; with
//! `SLIPS=write` in the environment the answers are written anew.

use countersign_core::document::SourceFile;
use countersign_core::policy::check::{Report, check_files};
use countersign_core::policy::lint::Level;
use countersign_core::time::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// 2026-11-24, when nobody of the shipped people is away.
const ON: Timestamp = Timestamp(1_795_513_600_000);
/// Fewest slips that the golden set holds.
const SLIPS_MIN: usize = 40;
/// Most lines of one answer that are kept: what comes first is what a person reads.
const ANSWER_LINES_MAX: usize = 12;

struct Slip {
    title: String,
    file: String,
    from: String,
    to: String,
    answer: String,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Vec<SourceFile> {
    let starter = top().join("host/cli/starter");
    let mut files = Vec::new();
    for folder in ["intents", "policies", "."] {
        let mut names: Vec<PathBuf> = fs::read_dir(starter.join(folder))
            .expect("the starter is there")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
            .collect();
        names.sort();
        for path in names {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let shown = if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
            files.push(SourceFile { path: shown, text: fs::read_to_string(&path).expect("it is text") });
        }
    }
    files
}

fn slips(text: &str) -> Vec<Slip> {
    let mut slips: Vec<Slip> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            slips.push(Slip {
                title: title.to_owned(),
                file: String::new(),
                from: String::new(),
                to: String::new(),
                answer: String::new(),
            });
            continue;
        }
        let Some(slip) = slips.last_mut() else { continue };
        let unescaped = |text: &str| text.replace("\\n", "\n");
        if let Some(file) = line.strip_prefix("in:   ") {
            file.clone_into(&mut slip.file);
        } else if let Some(from) = line.strip_prefix("from: ") {
            slip.from = unescaped(from);
        } else if let Some(to) = line.strip_prefix("to:   ").or(line.strip_prefix("to:")) {
            slip.to = unescaped(to);
        } else if let Some(answer) = line.strip_prefix("    ") {
            slip.answer += answer;
            slip.answer.push('\n');
        }
    }
    slips
}

/// Faults, errors and warnings of a report as single entries.
fn said(report: &Report) -> Vec<String> {
    let faults = report.faults.iter().map(|fault| {
        let help = fault.help.as_ref().map(|help| format!("\n  try: {help}")).unwrap_or_default();
        format!("{fault}{help}")
    });
    let grave = report.findings().filter(|finding| finding.level != Level::Note);
    faults.chain(grave.map(ToString::to_string)).collect()
}

/// An entry without its place: a slip may move what was said before to another line.
fn placeless(entry: &str) -> String {
    entry.split_once(": ").map_or(entry, |(_, rest)| rest).to_owned()
}

/// What an entry lacks of `FILE:LINE:COLUMN: REASON` and a line `try: ..`.
fn lacks(entry: &str) -> Vec<&'static str> {
    let first = entry.lines().next().unwrap_or_default();
    let (place, reason) = first.split_once(": ").unwrap_or((first, ""));
    let mut parts = place.rsplitn(3, ':');
    let mut number =
        || parts.next().and_then(|part| part.parse::<u32>().ok()).is_some_and(|number| 0 < number);
    let (column, line) = (number(), number());
    let helps = entry.lines().any(|line| line.strip_prefix("  try: ").is_some_and(|help| !help.is_empty()));
    let found =
        [(line, "a line"), (column, "a column"), (!reason.is_empty(), "a reason"), (helps, "what to try")];
    found.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect()
}

/// What a slip adds to the findings, and what each entry of it lacks.
fn answer(slip: &Slip, before: &BTreeSet<String>) -> (String, Vec<String>) {
    let mut files = shipped();
    let file = files.iter_mut().find(|file| file.path == slip.file);
    let file = file.unwrap_or_else(|| panic!("{}: there is no {}", slip.title, slip.file));
    assert!(file.text.contains(&slip.from), "{}: {} lacks `{}`", slip.title, slip.file, slip.from);
    file.text = file.text.replacen(&slip.from, &slip.to, 1);
    let found = said(&check_files(&files, ON));
    let mut fresh: Vec<&String> = found.iter().filter(|entry| !before.contains(&placeless(entry))).collect();
    // What is only a matter of taste hides what is wrong.
    if fresh.iter().any(|entry| !entry.contains(": warning ")) {
        fresh.retain(|entry| !entry.contains(": warning "));
    }
    let lacking =
        fresh.iter().flat_map(|entry| lacks(entry).into_iter().map(move |what| format!("{what}: {entry}")));
    let lacking: Vec<String> = lacking.collect();
    let lines: Vec<&str> = fresh.iter().flat_map(|entry| entry.lines()).take(ANSWER_LINES_MAX).collect();
    (lines.join("\n") + "\n", lacking)
}

fn golden() -> Vec<PathBuf> {
    let folder = top().join("tests/spec/slips");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the slips are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    paths
}

#[test]
fn each_slip_is_answered_with_place_reason_and_fix() {
    let before: BTreeSet<String> =
        said(&check_files(&shipped(), ON)).iter().map(|entry| placeless(entry)).collect();
    let rewrite = std::env::var_os("SLIPS").is_some_and(|wish| wish == "write");
    let mut count = 0;
    let mut wrong = String::new();
    for path in golden() {
        let text = fs::read_to_string(&path).expect("it is text");
        let mut out = text.split("\n## ").next().unwrap_or_default().trim_end().to_owned() + "\n";
        for slip in slips(&text) {
            count += 1;
            let (found, lacking) = answer(&slip, &before);
            if found.trim().is_empty() {
                let _ = writeln!(wrong, "{}: nothing is said", slip.title);
            }
            for lacks in lacking {
                let _ = writeln!(wrong, "{}: lacks {lacks}", slip.title);
            }
            if !rewrite && found != slip.answer {
                let _ = writeln!(wrong, "{}\nexpected\n{}found\n{found}", slip.title, slip.answer);
            }
            let escaped = |text: &str| text.replace('\n', "\\n");
            let _ = write!(
                out,
                "\n## {}\n\nin:   {}\nfrom: {}\nto:   {}\n\n",
                slip.title,
                slip.file,
                escaped(&slip.from),
                escaped(&slip.to)
            );
            found.lines().for_each(|line| {
                let _ = writeln!(out, "    {line}");
            });
        }
        if rewrite {
            fs::write(&path, out).expect("it can be written");
        }
    }
    assert!(SLIPS_MIN <= count, "{count} slips");
    assert!(wrong.is_empty(), "{wrong}");
}
