//! Every parser of bytes that somebody else wrote: no panic, no hang, no memory without end.
//!
//! Seeds are the shipped documents, their cells, a request's JSON, a proof, and entries of a log; each is
//! changed by chance many times. A text that fails is printed whole. What is read without a fault and written
//! again must read the same, and what is refused must be refused at a place in the text.

#[path = "../oracle/chance.rs"]
mod chance;
mod change;
mod proofs;
mod trial;
mod words;

use chance::Chance;
use change::changed;
use countersign_core::document::{self, Fault, Faults, SourceFile};
use countersign_core::id::FieldName;
use countersign_core::intent::kind::ENUM_VALUES_MAX;
use countersign_core::intent::literal::{Literal, parse_type};
use countersign_core::intent::value::{Day, Facts, Percent, Tokens};
use countersign_core::intent::{IntentType, Raw};
use countersign_core::people::Directory;
use countersign_core::policy::given::{Asked, Misread, asked};
use countersign_core::policy::typed::{Expression, Input, Scope};
use countersign_core::policy::{self, Policy, cell};
use countersign_core::rulebook::{Rulebook, bare_document, formatted};
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use trial::{bounded, rounds, survives, turn};

/// Most values of inputs that are given at once: more than any door takes.
const INPUTS_MAX: usize = 10_000;
/// Most that is said of a text, in lengths of it: what each fault repeats must be short.
const SAID_TIMES_MAX: usize = 64;

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

/// What the parsers are tried with.
struct Seeds {
    files: Vec<SourceFile>,
    cells: Vec<String>,
    rulebook: Rulebook,
    inputs: Vec<Input>,
    request: String,
    given: String,
    proofs: proofs::Seeds,
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
    let given =
        "segment=smb; discount_percent=12%; amount=12_000; margin=40%; term_months=12; payment_days=30; \
                 renewal=no; clause.topic=data; clause.topic=liability"
            .to_owned();
    let proofs = proofs::seeds(&rulebook.policies().collect::<Vec<_>>());
    Seeds { files, cells, rulebook, inputs, request, given, proofs }
}

/// Each fault says something, and stands in the text or right behind its end.
fn lie_within(faults: &[Fault], files: &[SourceFile]) {
    let widths = |file: &SourceFile| file.text.split('\n').map(|line| line.chars().count()).collect();
    let widths: BTreeMap<&str, Vec<usize>> =
        files.iter().map(|file| (file.path.as_str(), widths(file))).collect();
    for fault in faults {
        assert!(!fault.message.is_empty(), "a fault says nothing: {fault:?}");
        let Some(lines) = widths.get(fault.file.as_str()) else { continue };
        let line = fault.line as usize;
        assert!(line <= lines.len() + 1, "of {} lines: {fault:?}", lines.len());
        let long = line.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or(0);
        assert!(fault.column as usize <= long + 1, "of {long} characters: {fault:?}");
    }
}

impl Seeds {
    /// One changed text for each parser.
    fn round(&self, chance: &mut Chance) {
        self.document(chance);
        for _ in 0..20 {
            self.cell(chance);
        }
        survives("the door", &changed(&self.request, chance), |text| self.door(text));
        for policy in self.rulebook.policies() {
            survives("what is asked", &changed(&self.given, chance), |text| self.asked(text, policy));
        }
        words::round(chance);
        self.proofs.round(chance);
    }

    fn document(&self, chance: &mut Chance) {
        let file = chance.pick(&self.files);
        let text = changed(&file.text, chance);
        let whole = chance.percent(20);
        survives(&file.path, &text, |text| {
            let changed = SourceFile { path: file.path.clone(), text: text.to_owned() };
            let mut faults = Faults::new(&file.path);
            drop(document::read(&changed, &["Rules", "Inputs"], &mut faults));
            drop(policy::head(&changed, &mut faults));
            let mut faults = faults.into_list();
            faults.extend(Policy::decides(&changed).err().unwrap_or_default());
            faults.extend(self.read(&changed).err().unwrap_or_default());
            lie_within(&faults, std::slice::from_ref(&changed));
            self.formatted(&changed);
            if whole || file.path == "routes.md" {
                let mut all = self.files.clone();
                all.retain(|other| other.path != file.path);
                all.push(changed);
                lie_within(&Rulebook::draft(&all).err().unwrap_or_default(), &all);
            }
            if file.path == "people.md" {
                drop(self.rulebook.with_people(text, Timestamp(0)));
            }
        });
    }

    /// A policy, or all that is wrong with a document of another kind.
    fn read(&self, file: &SourceFile) -> Result<Option<Policy>, Vec<Fault>> {
        let mut faults = Faults::new(&file.path);
        let mut policy = None;
        if file.path.ends_with(".policy.md") {
            policy = Policy::parse(file, &self.rulebook.shared().routes, &mut faults);
            if let Some(policy) = &policy {
                drop(policy.decide(&Tokens::new(), &Facts::new()).text());
            }
        } else if file.path.ends_with(".intent.md") {
            drop(IntentType::parse(file, &mut faults));
        } else if file.path == "people.md" {
            drop(Directory::parse(file, &mut faults));
        }
        if faults.is_empty() { Ok(policy) } else { Err(faults.into_list()) }
    }

    /// Formatted twice is formatted once, and means what it meant.
    fn formatted(&self, file: &SourceFile) {
        let bare = SourceFile { path: file.path.clone(), text: bare_document(&file.text) };
        let Ok(text) = formatted(file) else { return };
        let once = SourceFile { path: file.path.clone(), text };
        assert_eq!(formatted(&once).as_ref(), Ok(&once.text));
        if let Ok(policy) = self.read(&bare) {
            assert!(self.read(&once) == Ok(policy), "it means something else when it is formatted");
        }
    }

    fn asked(&self, text: &str, policy: &Policy) {
        let pair = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let inputs: Vec<(String, String)> = text.split("; ").filter_map(pair).take(INPUTS_MAX).collect();
        let own = policy.examples.first().map(|example| example.case.as_str());
        let intent = self.rulebook.intent_type(&policy.intent);
        for case in [None, own, text.split_once(' ').map(|(case, _)| case)] {
            match asked(policy, intent, Asked { case, inputs: &inputs }) {
                Ok((tokens, facts)) => drop(policy.decide(&tokens, &facts)),
                Err(wrong) => {
                    for misread in wrong {
                        assert!(!misread.to_string().is_empty(), "{misread:?}");
                        let beyond = |index| inputs.len() <= index;
                        assert!(
                            !matches!(misread, Misread::Input { index, .. } if beyond(index)),
                            "{misread:?}"
                        );
                    }
                }
            }
        }
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
                    broken: &[],
                };
                drop(Expression::condition(text, scope));
                if let Ok(expression) = Expression::parse(text, scope) {
                    assert_eq!(Expression::parse(&expression.source, scope).as_ref(), Ok(&expression));
                }
            }
        });
    }

    fn door(&self, text: &str) {
        let Ok(raw) = serde_json::from_str::<Raw>(text) else { return };
        for intent in self.rulebook.intent_types() {
            drop(intent.validate_facts(&raw));
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
    let _turn = turn();
    let seeds = seeds();
    let ran = rounds(|chance| seeds.round(chance));
    println!("{ran}");
}

#[test]
fn what_grows_without_end_is_refused_in_time() {
    let _turn = turn();
    let ((), grown_kib) = bounded("all that grows", grown);
    println!("{grown_kib} KiB more at most");
}

fn grown() {
    let seeds = seeds();
    let policy = seeds.files.iter().find(|file| file.path == "discount.policy.md").expect("it is shipped");
    let check = |what: &str, text: String| {
        survives(what, &text, |text| {
            let mut faults = Faults::new("t");
            let file = SourceFile { path: "t.policy.md".to_owned(), text: text.to_owned() };
            drop(Policy::parse(&file, &BTreeMap::new(), &mut faults));
            assert!(!faults.is_empty(), "{what} is accepted");
            let said: usize = faults.into_list().iter().map(|fault| fault.message.len()).sum();
            assert!(said <= SAID_TIMES_MAX * text.len(), "{said} bytes are said of {what}");
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
    let words: Vec<String> = (0..ENUM_VALUES_MAX).map(|word| format!("{word:0>64}")).collect();
    let cells = "| no-word ".repeat(20);
    let rows: String = (0..500).map(|row| format!("| r{row} {cells}| vp | x |\n")).collect();
    let inputs: String =
        (0..20).map(|input| format!("| in_{input} | one of {} |\n", words.join(", "))).collect();
    let names: String = (0..20).map(|input| format!("in_{input} | ")).collect();
    check(
        "a long type for each of 10,000 cells",
        format!(
            "# T\n\n| policy | |\n|---|---|\n| intent | a |\n| owner | b |\n| effective | 2026-01-01 |\n| unsure | closed |\n\n\
             ## Inputs\n\n| name | type |\n|---|---|\n{inputs}\n## Rules: first\n\n| id | {names}=> outcome | because |\n\
             |{}\n{rows}",
            "---|".repeat(23)
        ),
    );
    let routes: String = (0..1_500)
        .map(|route| format!("| {route:0>64} | 1 | pool x | 1 | 8bh | pool x | hold |\n"))
        .collect();
    let rows: String = (0..5_000).map(|row| format!("| r{row} | none | x |\n")).collect();
    check(
        "many routes, and none of them asked for",
        format!(
            "# T\n\n| policy | |\n|---|---|\n| intent | a |\n| owner | b |\n| effective | 2026-01-01 |\n| unsure | closed |\n\n\
             ## Rules: first\n\n| id | => outcome | because |\n|---|---|---|\n{rows}\n## Routes\n\n\
             | route | step | whom | need | within | backup | finally |\n|---|---|---|---|---|---|---|\n{routes}"
        ),
    );
    let wide = format!("# T\n\n| {} | |\n|---|---|\n{}", "w".repeat(900_000), "|a|b|\n".repeat(5_000));
    survives("a wide cell over 5,000 rows", &wide, |text| {
        seeds.formatted(&SourceFile { path: "t.policy.md".to_owned(), text: text.to_owned() });
    });
    let long = format!("segment={}; {}=1; margin=4", "x".repeat(1_000_000), "y".repeat(1_000_000));
    let many = "clause.topic=data; ".repeat(7_000);
    for policy in seeds.rulebook.policies() {
        survives("a word of 1 MB", &long, |text| seeds.asked(text, policy));
        survives("7,000 elements", &many, |text| seeds.asked(text, policy));
    }
    let json = "[".repeat(100_000);
    survives("brackets of JSON", &json, |text| drop(serde_json::from_str::<Raw>(text)));
}
