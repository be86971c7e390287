//! Every parser of bytes that somebody else wrote: no panic, no hang, no memory without end.
//!
//! Seeds are the shipped documents, their cells and a request's JSON; each is changed by chance many
//! times. `BUDGET_SECONDS` is the time of the whole kill suite, of which this one takes a tenth;
//! `SEED` says where chance begins. A text that fails is printed whole.

#[path = "oracle/chance.rs"]
mod chance;

use chance::Chance;
use countersign_core::document::{self, Faults, SourceFile};
use countersign_core::id::FieldName;
use countersign_core::intent::literal::{Literal, parse_type};
use countersign_core::intent::value::{Day, Facts, Percent, Tokens};
use countersign_core::intent::{IntentType, Raw};
use countersign_core::people::Directory;
use countersign_core::policy::typed::{Expression, Input, Scope};
use countersign_core::policy::{Policy, cell};
use countersign_core::rulebook::Rulebook;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The share of the kill suite's time that this one takes: one part of so many.
const BUDGET_PARTS: u32 = 10;
/// Longest time on the processor that one text may take.
const PARSE_MS_MAX: u128 = 1_000;
/// Most memory that all of it may take beyond what stood at the beginning.
const MEMORY_KIB_MAX: u64 = 256 * 1024;
/// Longest text that chance makes: more than a document may have.
const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What people and programs put where it does not belong.
const PIECES: [&str; 40] = [
    "|",
    "\\|",
    "`",
    "-",
    "%",
    "_",
    "..",
    " .. ",
    ", ",
    ",",
    "(",
    ")",
    "\"",
    "<",
    ">",
    "<=",
    ">= ",
    "not ",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "５",
    "\u{feff}",
    "0",
    "9999999999999999999",
    "1e9",
    "USD",
    "EUR",
    "#",
    "## Rules: first",
    "```",
    "<!--",
    "{",
    "}",
    "[",
    "null",
    "🙂",
];

fn seconds(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}={text}` is no number")))
}

#[expect(clippy::disallowed_methods, reason = "the budget of a test is real time")]
fn now() -> Instant {
    Instant::now()
}

/// Time of this thread on the processor: on a busy machine the clock says nothing.
fn on_processor() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

/// Most memory that this process ever had.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn shipped() -> Vec<SourceFile> {
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/starter");
    let mut files = Vec::new();
    for folder in ["intents", "policies", "."] {
        let entries = fs::read_dir(starter.join(folder)).expect("the starter is there");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            files.push(SourceFile { path: name, text: fs::read_to_string(&path).expect("it is text") });
        }
    }
    files
}

/// A place between two characters.
fn place(text: &str, chance: &mut Chance) -> usize {
    let mut at = chance.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn span(text: &str, most: usize, chance: &mut Chance) -> (usize, usize) {
    let from = place(text, chance);
    let mut until = (from + chance.below(most) + 1).min(text.len());
    while !text.is_char_boundary(until) {
        until += 1;
    }
    (from, until)
}

/// The text with a few changes.
fn changed(seed: &str, chance: &mut Chance) -> String {
    let mut text = seed.to_owned();
    for _ in 0..1 + chance.below(4) {
        let at = place(&text, chance);
        match chance.between(0, 8) {
            0 => {
                let (from, until) = span(&text, 40, chance);
                text.replace_range(from..until, "");
            }
            1 | 2 => text.insert_str(at, chance.word(&PIECES)),
            3 => {
                let (from, until) = span(&text, 4, chance);
                text.replace_range(from..until, chance.word(&PIECES));
            }
            4 => {
                let (from, until) = span(&text, 200, chance);
                let copy = text[from..until].to_owned();
                text.insert_str(at, &copy);
            }
            5 => {
                let mut lines: Vec<&str> = text.split('\n').collect();
                let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
                lines.swap(one, other);
                text = lines.join("\n");
            }
            6 => {
                let piece = chance.word(&PIECES);
                text.insert_str(at, &piece.repeat(1 + chance.below(300)));
            }
            7 => {
                let (from, until) = span(&text, 10, chance);
                text.replace_range(from..until, "");
            }
            _ if chance.percent(4) => {
                // A line that goes on and on, up to beyond the limit of a document.
                let line = text.split('\n').nth(chance.below(30)).unwrap_or_default().to_owned() + "\n";
                let room = TEXT_BYTES_MAX.saturating_sub(text.len()) / line.len();
                text.insert_str(at, &line.repeat(chance.below(room + 1)));
            }
            _ => text.truncate(at),
        }
    }
    text
}

/// Runs a parser on one text.
fn survives(what: &str, text: &str, parse: impl FnOnce(&str)) {
    let before = on_processor();
    let result = catch_unwind(AssertUnwindSafe(|| parse(text)));
    let took = on_processor().saturating_sub(before);
    assert!(result.is_ok(), "{what} panics at {text:?}");
    assert!(took.as_millis() <= PARSE_MS_MAX, "{what} takes {took:?} for {} bytes: {text:?}", text.len());
}

/// What the parsers are tried with.
struct Seeds {
    files: Vec<SourceFile>,
    cells: Vec<String>,
    rulebook: Rulebook,
    inputs: Vec<Input>,
    request: String,
}

fn seeds() -> Seeds {
    let files = shipped();
    let cells = files
        .iter()
        .flat_map(|file| file.text.lines())
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').map(str::trim))
        .filter(|cell| !cell.is_empty() && !cell.starts_with("---"))
        .map(str::to_owned)
        .collect();
    let rulebook = Rulebook::load(&files).expect("the shipped rules are sound");
    let inputs = rulebook.policies().flat_map(|policy| policy.inputs.clone()).collect();
    let request = "{\"quote_id\": \"q-1\", \"customer_id\": \"a-1\", \"discount_percent\": \"12.5%\", \
                   \"amount\": {\"amount\": \"1250.00\", \"currency\": \"USD\"}, \"term_months\": 12, \
                   \"payment_days\": 30, \"reason\": \"volume\", \"note\": \"a\\u00e9b\"}"
        .to_owned();
    Seeds { files, cells, rulebook, inputs, request }
}

impl Seeds {
    /// One changed text for each parser.
    fn round(&self, chance: &mut Chance) {
        self.document(chance);
        for _ in 0..20 {
            self.cell(chance);
        }
        survives("the door", &changed(&self.request, chance), |text| self.door(text));
    }

    fn document(&self, chance: &mut Chance) {
        let file = chance.pick(&self.files);
        let text = changed(&file.text, chance);
        let whole = chance.percent(20);
        survives(&file.path, &text, |text| {
            let changed = SourceFile { path: file.path.clone(), text: text.to_owned() };
            let mut faults = Faults::new(&file.path);
            drop(document::read(&changed, &["Rules", "Inputs"], &mut faults));
            if file.path.ends_with(".policy.md") {
                if let Some(policy) = Policy::parse(&changed, &BTreeMap::new(), &mut faults) {
                    drop(policy.decide(&Tokens::new(), &Facts::new()).text());
                }
            } else if file.path.ends_with(".intent.md") {
                drop(IntentType::parse(&changed, &mut faults));
            } else if file.path == "people.md" {
                drop(Directory::parse(&changed, &mut faults));
            }
            if whole || file.path == "routes.md" {
                let mut all = self.files.clone();
                all.retain(|other| other.path != file.path);
                all.push(changed);
                drop(Rulebook::draft(&all));
            }
        });
    }

    fn cell(&self, chance: &mut Chance) {
        let text = changed(chance.pick::<String>(&self.cells), chance);
        let kind = &chance.pick(&self.inputs).kind;
        survives("a cell", &text, |text| {
            drop(cell::parse(text, kind));
            drop(cell::value(text, kind));
            let _ = Literal::parse(text);
            drop(parse_type(text));
            drop(FieldName::parse(text));
            let _ = (Day::parse(text), Percent::parse(text));
            for policy in self.rulebook.policies() {
                let scope = Scope {
                    inputs: &policy.inputs,
                    terms: &policy.terms,
                    in_element: policy.each.is_some(),
                    folds: policy.each.is_none(),
                };
                drop(Expression::parse(text, scope));
            }
        });
    }

    fn door(&self, text: &str) {
        let Ok(raw) = serde_json::from_str::<Raw>(text) else { return };
        for intent in self.rulebook.intent_types() {
            if let (Ok(tokens), Some(policy)) =
                (intent.validate(&raw), self.rulebook.policies().find(|policy| policy.intent == intent.name))
            {
                drop(policy.decide(&tokens, &Facts::new()));
            }
        }
    }
}

#[test]
fn no_text_makes_a_parser_panic_hang_or_eat_the_memory() {
    let budget = Duration::from_secs(seconds("BUDGET_SECONDS").unwrap_or(40)) / BUDGET_PARTS;
    let seeds = seeds();
    let before = memory_kib();
    let began = now();
    let mut chance = Chance(seconds("SEED").unwrap_or(1));
    let mut rounds = 0_u64;
    while rounds < 20 || began.elapsed() < budget {
        seeds.round(&mut chance);
        rounds += 1;
    }
    let grown = memory_kib().saturating_sub(before);
    println!("{rounds} rounds of 22 texts, {grown} KiB more at most, in {:?}", began.elapsed());
    assert!(grown <= MEMORY_KIB_MAX, "{grown} KiB more than at the beginning");
}

#[test]
fn what_grows_without_end_is_refused_in_time() {
    let seeds = seeds();
    let policy = seeds.files.iter().find(|file| file.path == "discount.policy.md").expect("it is shipped");
    let check = |what: &str, text: String| {
        survives(what, &text, |text| {
            let mut faults = Faults::new("t");
            let file = SourceFile { path: "t.policy.md".to_owned(), text: text.to_owned() };
            drop(Policy::parse(&file, &BTreeMap::new(), &mut faults));
            assert!(!faults.is_empty(), "{what} is accepted");
        });
    };
    let with = |from: &str, to: &str| {
        assert!(policy.text.contains(from), "{from}");
        policy.text.replacen(from, to, 1)
    };
    let row = "| rest      |         |                  |           | vp           | outside the standard bands  |\n";
    check("a document of 10 MB", policy.text.repeat(10 * 1024 * 1024 / policy.text.len()));
    check("100,000 rows", with(row, &row.repeat(100_000)));
    check(
        "200 columns",
        with("| id        | segment |", &format!("| id | {} segment |", "amount | ".repeat(200))),
    );
    let deep = |open: &str, close: &str| format!("| {}renewal{} ", open.repeat(50_000), close.repeat(50_000));
    let guard = "| margin < 15% and not renewal                                ";
    check("brackets in brackets", with(guard, &deep("(", ")")));
    check("not not not", with(guard, &deep("not ", "")));
    check("a sum of 50,000", with(guard, &format!("| amount {} > 3 ", "+ amount ".repeat(50_000))));
    check(
        "an enum of 100,000",
        with("one of smb, mid", &format!("one of smb, mid{}", ", x".repeat(100_000))),
    );
    let json = "[".repeat(100_000);
    survives("brackets of JSON", &json, |text| drop(serde_json::from_str::<Raw>(text)));
}
