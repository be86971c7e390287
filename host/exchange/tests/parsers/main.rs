//! Every reader of files of other tools: no panic, no hang, no memory without end.
//!
//! Seeds are the shipped policies as our own exports write them, and a model, a graph and a side table as other tools
//! and people do; each is changed by chance many times. What is taken over and written again must be taken over as the
//! same policy, and what is refused must be refused at a place in the file.

#[path = "../../../core/tests/oracle/chance.rs"]
mod chance;
#[path = "../../../core/tests/parsers/change.rs"]
mod change;
mod foreign;
mod grown;
mod package;
#[path = "../../../core/tests/parsers/trial.rs"]
mod trial;

use chance::Chance;
use change::changed;
use countersign_core::document::{Faults, SourceFile};
use countersign_core::exchange::{Format, Reading, Refused, Writing};
use countersign_core::id::{FieldName, IntentTypeName};
use countersign_core::intent::literal::is_word;
use countersign_core::policy::Policy;
use countersign_exchange::book::Book;
use countersign_exchange::carry::{self, Taken};
use foreign::changed_inside;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use trial::{bounded, rounds, survives, turn};

/// The shipped policies.
const SHIPPED: [&str; 3] = [
    include_str!("../../../cli/starter/policies/discount.policy.md"),
    include_str!("../../../cli/starter/policies/refund.policy.md"),
    include_str!("../../../cli/starter/policies/contract_redline.policy.md"),
];
/// Where an import lies while it is looked at.
const IMPORT: &str = "import.policy.md";

/// How a file is read of which nobody says anything.
fn plainly(table: &str, side: Option<String>) -> Reading {
    Reading { values: false, table: table.to_owned(), delimiter: None, decimal_comma: false, side }
}

fn policy_of(text: &str) -> SourceFile {
    SourceFile { path: IMPORT.to_owned(), text: text.to_owned() }
}

/// A policy that stands, and the files that our exports make of it.
struct Standing {
    intent: IntentTypeName,
    book: Book,
    /// By the name of the table.
    tables: Vec<(String, String)>,
    json: String,
    model: String,
    parts: package::Parts,
    /// How many changed files were taken over, and how many refused.
    taken: Cell<u64>,
    refused: Cell<u64>,
}

impl Standing {
    fn of(text: &str) -> Standing {
        let book = Book::read(&policy_of(text)).expect("it is a policy");
        let intent = book.setting("intent").and_then(|name| name.parse().ok()).expect("it has an intent");
        let bytes = |format, table: &str| {
            let writing = Writing { table: table.to_owned(), rules_only: true };
            carry::write(&book, format, &writing).expect("it goes out").bytes
        };
        let text = |format, table: &str| String::from_utf8(bytes(format, table)).expect("it is text");
        let names = book.sections.iter().map(|section| section.name.clone());
        let tables = names.map(|name| (name.clone(), text(Format::Csv, &name))).collect();
        let (json, model) = (text(Format::Json, ""), text(Format::Dmn, ""));
        let parts = package::unpacked(&bytes(Format::Xlsx, ""));
        Standing { intent, book, tables, json, model, parts, taken: Cell::new(0), refused: Cell::new(0) }
    }

    /// Reads a file, and whatever follows from what it holds. `shown` is the text of it that was changed.
    fn take(&self, format: Format, bytes: &[u8], reading: &Reading, shown: &str) {
        match Taken::read(bytes, format, &self.intent, Some(&self.book), reading) {
            Err(refused) => {
                self.refused.set(self.refused.get() + 1);
                lies_within(&refused, shown);
            }
            Ok(taken) => {
                self.taken.set(self.taken.get() + 1);
                self.comes_back(format, &taken, &reading.table);
            }
        }
    }

    /// What was taken over and is written again is taken over as the same.
    fn comes_back(&self, format: Format, taken: &Taken, table: &str) {
        drop(taken.changes(Some(&self.book)).to_string());
        let file = policy_of(taken.text());
        let mut faults = Faults::new(IMPORT);
        drop(Policy::parse(&file, &BTreeMap::new(), &mut faults));
        drop(taken.refused(IMPORT, &faults.into_list()).to_string());
        let book = Book::read(&file).expect("what was taken over is a policy");
        if !is_told(format, &book, table) {
            return;
        }
        let writing = Writing { table: table.to_owned(), rules_only: true };
        // What a format cannot hold, it says.
        let written = match carry::write(&book, format, &writing) {
            Ok(written) => written.bytes,
            Err(refused) => return assert!(!refused.0.is_empty()),
        };
        let shown = || String::from_utf8_lossy(&written).into_owned();
        let reading = plainly(table, Some(side_of(&book)));
        let again = Taken::read(&written, format, &self.intent, Some(&book), &reading);
        let again =
            again.unwrap_or_else(|refused| panic!("what was written is refused: {refused}\n{}", shown()));
        assert_eq!(again.text(), taken.text(), "it comes back as something else from {}", shown());
    }
}

/// What a model that we wrote does not say of its policy.
fn side_of(book: &Book) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let column = |table: &str, name: &str| -> BTreeSet<String> {
        let Some(table) = book.table(table) else { return BTreeSet::new() };
        let at = table.header.iter().position(|column| column == name);
        table.rows.iter().filter_map(|row| row.get(at?).cloned()).collect()
    };
    let mut side = String::from("[outcomes]\n");
    for outcome in column("Rules", "=> outcome") {
        side += &format!("{0} = {0}\n", quoted(&outcome));
    }
    for input in column("Inputs", "name") {
        side += &format!("[inputs.{}]\nnumber = \"fraction\"\n", quoted(&input));
    }
    side
}

/// Whether the format tells the policy as it is. What it has to be asked about again is a fault of every policy: a rule
/// without an id or a reason, an input that is no name, or a column whose name holds what separates cells.
fn is_told(format: Format, book: &Book, table: &str) -> bool {
    let filled = |cell: Option<&String>| cell.is_some_and(|cell| !cell.is_empty());
    let is_name = |name: &String| name == "=> outcome" || FieldName::parse(name).is_ok();
    match format {
        Format::Dmn => book.table("Rules").is_some_and(|table| {
            let has_id = |row: &Vec<String>| row.first().is_some_and(|id| is_word(id)) && filled(row.last());
            table.header.iter().all(is_name) && table.rows.iter().all(has_id)
        }),
        Format::Csv => {
            book.table(table).is_some_and(|table| table.header.iter().all(|name| !name.contains([';', '\t'])))
        }
        Format::Xlsx | Format::Json => true,
    }
}

/// Each misfit says something, and one that names a line names one of the text.
fn lies_within(refused: &Refused, text: &str) {
    assert!(!refused.0.is_empty(), "it is refused for nothing");
    assert!(!refused.to_string().is_empty());
    let lines = text.split('\n').count();
    for misfit in &refused.0 {
        assert!(!misfit.message.is_empty(), "{misfit:?}");
        // What no line of the file says stands in the document that was made of it.
        let place = Some(misfit.place.as_str()).filter(|place| !place.ends_with(" of the document"));
        let in_place = place.and_then(|place| place.strip_prefix("line "));
        let at = in_place.or_else(|| Some(misfit.message.rsplit_once(" at line ")?.1));
        let digits = at.map(|at| at.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or(""));
        let line: usize = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
        assert!(line <= lines + 1, "of {lines} lines: {misfit:?}");
    }
}

/// What the readers are tried with.
struct Seeds {
    standing: Vec<Standing>,
}

impl Seeds {
    /// Changed files of each format, and files with a changed cell.
    fn round(&self, chance: &mut Chance) {
        let standing = chance.pick(&self.standing);
        self.table(standing, chance);
        for text in
            [changed(&standing.json, chance), changed_inside(&standing.json, &foreign::MEMBER, chance)]
        {
            survives("JSON", &text, |text| {
                standing.take(Format::Json, text.as_bytes(), &plainly("", None), text);
            });
        }
        let side = side_of(&standing.book);
        let text = changed(&standing.model, chance);
        survives("a model of ours", &text, |text| {
            standing.take(Format::Dmn, text.as_bytes(), &plainly("", Some(side.clone())), text);
        });
        for _ in 0..8 {
            let text = changed_inside(&standing.model, &foreign::ENTRY, chance);
            survives("a cell of a model", &text, |text| {
                standing.take(Format::Dmn, text.as_bytes(), &plainly("", Some(side.clone())), text);
            });
        }
        self.foreign(chance);
        self.workbook(standing, chance);
    }

    fn table(&self, standing: &Standing, chance: &mut Chance) {
        let (name, text) = chance.pick(&standing.tables);
        let (delimiter, text) = match chance.below(4) {
            0 => (Some(';'), text.replace(',', ";")),
            _ => (None, text.clone()),
        };
        let reading = Reading { delimiter, decimal_comma: chance.percent(30), ..plainly(name, None) };
        for text in [changed(&text, chance), changed_inside(&text, &foreign::CELL, chance)] {
            survives("CSV", &text, |text| standing.take(Format::Csv, text.as_bytes(), &reading, text));
        }
    }

    /// What other tools and people write, for the first of the policies.
    fn foreign(&self, chance: &mut Chance) {
        let standing = &self.standing[0];
        let side = || Some(foreign::SIDE.to_owned());
        survives("a model", &changed(foreign::MODEL, chance), |text| {
            standing.take(Format::Dmn, text.as_bytes(), &plainly("", side()), text);
        });
        survives("a graph", &changed(foreign::GRAPH, chance), |text| {
            standing.take(Format::Json, text.as_bytes(), &plainly("", side()), text);
        });
        survives("a side table", &changed(foreign::SIDE, chance), |text| {
            let reading = plainly("", Some(text.to_owned()));
            // A misfit may stand in the model too.
            let shown = format!("{}{text}", foreign::MODEL);
            standing.take(Format::Dmn, foreign::MODEL.as_bytes(), &reading, &shown);
        });
    }

    fn workbook(&self, standing: &Standing, chance: &mut Chance) {
        let (name, text) = chance.pick(&standing.parts);
        let text = match chance.below(3) {
            0 => changed(text, chance),
            1 => changed_inside(text, &foreign::NUMBER, chance),
            _ => changed_inside(text, &foreign::STRING, chance),
        };
        let parts = standing.parts.iter().map(|(other, own)| {
            (other.as_str(), if other == name { text.as_bytes() } else { own.as_bytes() })
        });
        let bytes = package::packed(parts);
        let reading = Reading { values: chance.percent(30), ..plainly("", None) };
        survives(&format!("a workbook with another {name}"), &text, |text| {
            standing.take(Format::Xlsx, &bytes, &reading, text);
        });
    }
}

fn seeds() -> Seeds {
    Seeds { standing: SHIPPED.iter().map(|text| Standing::of(text)).collect() }
}

#[test]
fn no_file_makes_a_reader_panic_hang_or_eat_the_memory() {
    let _turn = turn();
    let seeds = seeds();
    let ran = rounds(|chance| seeds.round(chance));
    let sum = |count: fn(&Standing) -> u64| seeds.standing.iter().map(count).sum::<u64>();
    let (taken, refused) = (sum(|standing| standing.taken.get()), sum(|standing| standing.refused.get()));
    println!("{ran}; {taken} files were taken over, {refused} refused");
    assert!(refused <= 8 * taken, "what is changed is seldom taken over: {taken}, {refused} refused");
}

#[test]
fn each_seed_is_read_without_a_fault_and_ours_as_what_it_was_made_of() {
    let _turn = turn();
    let seeds = seeds();
    let taken = |standing: &Standing, format, bytes: &[u8], reading: &Reading| {
        let read = Taken::read(bytes, format, &standing.intent, Some(&standing.book), reading);
        let taken = read.unwrap_or_else(|refused| panic!("{format} of {}: {refused}", standing.intent));
        standing.comes_back(format, &taken, &reading.table);
        taken.text().to_owned()
    };
    for (standing, text) in seeds.standing.iter().zip(SHIPPED) {
        for (name, table) in &standing.tables {
            assert_eq!(taken(standing, Format::Csv, table.as_bytes(), &plainly(name, None)), text, "{name}");
        }
        assert_eq!(taken(standing, Format::Json, standing.json.as_bytes(), &plainly("", None)), text);
        let parts = standing.parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes()));
        assert_eq!(taken(standing, Format::Xlsx, &package::packed(parts), &plainly("", None)), text);
        // A model does not say that the rules are asked for each element.
        let side = Some(side_of(&standing.book));
        let model = taken(standing, Format::Dmn, standing.model.as_bytes(), &plainly("", side));
        assert_eq!(model, text.replace("## Rules: first, for each clause", "## Rules: first"));
    }
    let side = plainly("", Some(foreign::SIDE.to_owned()));
    taken(&seeds.standing[0], Format::Dmn, foreign::MODEL.as_bytes(), &side);
    taken(&seeds.standing[0], Format::Json, foreign::GRAPH.as_bytes(), &side);
}

#[test]
fn what_grows_without_end_is_refused_in_time() {
    let _turn = turn();
    let ((), grown_kib) = bounded("all that grows", || grown::check(&Standing::of(SHIPPED[0])));
    println!("{grown_kib} KiB more at most");
}
