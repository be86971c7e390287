//! What goes through a workbook comes back the same, and what a spreadsheet makes of a text is
//! refused with its cell.

use super::*;
use crate::generated::{SHIPPED, documents, file, formatted};
use proptest::prelude::*;
use rust_xlsxwriter::{Format, Formula, Workbook};
use std::io::{Cursor, Write as _};

fn through(text: &str) -> String {
    let book = Book::read(&file(text)).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    let bytes = write(&book).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    let back = read(&bytes, Options::default()).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    assert_eq!(back.book, book);
    back.draft().unwrap_or_else(|refused| panic!("{refused}\n{text}")).text
}

#[test]
fn shipped_policies_come_back_from_a_workbook_byte_for_byte() {
    for text in SHIPPED {
        assert_eq!(through(text), formatted(text));
    }
}

#[test]
fn the_same_policy_gives_the_same_bytes() {
    let book = Book::read(&file(SHIPPED[0])).expect("it is a policy");
    assert_eq!(write(&book), write(&book));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn drawn_policies_come_back_from_a_workbook_byte_for_byte(text in documents()) {
        prop_assert_eq!(through(&text), text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        let _ = read(&bytes, Options::default());
        let mut whole = write(&Book::read(&file(SHIPPED[1])).expect("a policy")).expect("a workbook");
        let at = at.index(whole.len());
        let end = whole.len().min(at + bytes.len());
        whole[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = read(&whole, Options::default());
    }
}

/// A workbook as somebody makes it by hand: sheet names with rows of cells.
struct ByHand {
    workbook: Workbook,
}

/// What somebody types into a cell.
enum Typed<'a> {
    Text(&'a str),
    Number(f64, &'a str),
    Formula(&'a str, &'a str),
}

use Typed::{Number, Text};

impl ByHand {
    fn new() -> ByHand {
        let mut hand = ByHand { workbook: Workbook::new() };
        hand.sheet(
            "Policy",
            &[
                &[Text("policy"), Text("")],
                &[Text("title"), Text("By hand")],
                &[Text("intent"), Text("discount")],
                &[Text("owner"), Text("pricing")],
                &[Text("effective"), Number(46023.0, "yyyy-mm-dd")],
                &[Text("unsure"), Text("closed")],
                &[Text("rules"), Text("first")],
            ],
        );
        hand.sheet(
            "Inputs",
            &[
                &[Text("name"), Text("type")],
                &[Text("percent"), Text("percent 0% .. 2000%")],
                &[Text("amount"), Text("money USD 0 .. 1_000_000")],
            ],
        );
        hand
    }

    fn sheet(&mut self, name: &str, rows: &[&[Typed<'_>]]) -> &mut rust_xlsxwriter::Worksheet {
        let sheet = self.workbook.add_worksheet().set_name(name).expect("a name");
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(*cells) {
                match cell {
                    Text(text) => sheet.write_string(row, column, *text).map(|_| ()),
                    Number(number, code) => {
                        let format = Format::new().set_num_format(*code);
                        sheet.write_number_with_format(row, column, *number, &format).map(|_| ())
                    }
                    Typed::Formula(formula, value) => sheet
                        .write_formula(row, column, Formula::new(*formula).set_result(*value))
                        .map(|_| ()),
                }
                .expect("it can be written");
            }
        }
        sheet
    }

    fn bytes(mut self) -> Vec<u8> {
        self.workbook.save_to_buffer().expect("a workbook")
    }
}

const HEADER: [Typed<'static>; 5] =
    [Text("id"), Text("percent"), Text("amount"), Text("=> outcome"), Text("because")];

fn rules(cells: [Typed<'_>; 2]) -> ByHand {
    let [percent, amount] = cells;
    let mut hand = ByHand::new();
    hand.sheet("Rules", &[&HEADER, &[Text("one"), percent, amount, Text("approve"), Text("why")]]);
    hand
}

fn refusal(bytes: &[u8]) -> String {
    match read(bytes, Options::default()).and_then(|imported| imported.draft()) {
        Ok(draft) => panic!("it was taken:\n{}", draft.text),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn a_sheet_by_hand_is_read_as_it_is_shown() {
    let hand = rules([Number(0.15000000000000002, "0%"), Number(50000.0, "#,##0")]);
    let imported = read(&hand.bytes(), Options::default()).expect("it is sound");
    let text = imported.draft().expect("it is a document").text;
    assert!(text.contains("| one | 15%     | 50_000 | approve    | why     |"), "{text}");
    assert!(text.contains("| effective | 2026-01-01 |"), "{text}");
    assert!(text.starts_with("# By hand\n\n| policy    |            |\n"), "{text}");
}

#[test]
fn every_trap_of_a_spreadsheet_is_refused_with_its_cell() {
    let check = |cells: [Typed<'_>; 2], expected: &str| {
        let found = refusal(&rules(cells).bytes());
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    };
    check([Number(15.0, "General"), Text("")], "sheet Rules, cell B2: a plain 15 in a column of percent");
    check([Text(""), Number(46157.0, "d-mmm")], "sheet Rules, cell C2: the cell holds the date 2026-05-15");
    check([Text(""), Typed::Formula("=1+1", "2")], "sheet Rules, cell C2: the cell holds a formula");
    check([Number(0.150001, "0%"), Text("")], "sheet Rules, cell B2: `15.0001%` is finer than the step");
    check([Text("a\nb"), Text("")], "sheet Rules, cell B2: the cell holds more than one line");
    check([Text("1\u{a0}%"), Text("")], "sheet Rules, cell B2: a character that looks like another one");
    check([Text(""), Text("\u{ff11}")], "sheet Rules, cell C2: a character that looks like another one");
    check([Text("a\u{200b}"), Text("")], "sheet Rules, cell B2: an invisible character");
    check([Text("<br>"), Text("")], "sheet Rules, cell B2: HTML");
    check([Text("a\\|b"), Text("")], "sheet Rules, cell B2: a cell cannot hold this text");
}

#[test]
fn values_of_formulas_are_taken_only_when_asked_for() {
    let bytes = rules([Text(""), Typed::Formula("=1000+500", "1500")]).bytes();
    let imported = read(&bytes, Options { values: true }).expect("it is sound");
    assert!(imported.draft().expect("a document").text.contains("| 1_500  |"));
}

#[test]
fn what_nobody_sees_is_not_taken_over() {
    let mut hand = rules([Text("15%"), Text("")]);
    hand.workbook.worksheet_from_name("Rules").expect("it is there").set_row_hidden(1).expect("it is hidden");
    assert!(refusal(&hand.bytes()).contains("sheet Rules: row 2 is hidden"));
    let mut hand = rules([Text("15%"), Text("")]);
    hand.workbook
        .worksheet_from_name("Rules")
        .expect("it is there")
        .set_column_hidden(1)
        .expect("it is hidden");
    assert!(refusal(&hand.bytes()).contains("sheet Rules: column B is hidden"));
    let mut hand = rules([Text("15%"), Text("")]);
    hand.workbook.worksheet_from_name("Rules").expect("it is there").set_hidden(true);
    assert!(refusal(&hand.bytes()).contains("sheet Rules: the sheet is hidden"));
    let mut hand = rules([Text("15%"), Text("")]);
    let sheet = hand.workbook.worksheet_from_name("Rules").expect("it is there");
    sheet.merge_range(2, 0, 3, 1, "two", &Format::new()).expect("they are merged");
    assert!(refusal(&hand.bytes()).contains("sheet Rules: the cells A3:B4 are merged"));
}

#[test]
fn a_workbook_that_is_no_policy_says_why() {
    let mut hand = ByHand::new();
    hand.sheet("Ruls", &[&[Text("id")]]);
    assert!(refusal(&hand.bytes()).contains("sheet Ruls: a sheet of this name is no part of a policy"));
    let mut hand = rules([Text(""), Text("")]);
    hand.sheet(
        "Guards",
        &[
            &[Text("id"), Text("when"), Text("then"), Text("because")],
            &[Text("g"), Text("amount > 5"), Text("deny"), Text("why"), Text("and more")],
        ],
    );
    assert!(refusal(&hand.bytes()).contains("sheet Guards, cell E2: the cell stands outside of the table"));
    let mut hand = ByHand { workbook: Workbook::new() };
    hand.sheet("Inputs", &[&[Text("name"), Text("type")]]);
    assert!(refusal(&hand.bytes()).contains("the workbook has no sheet `Policy`"));
    let mut hand = ByHand { workbook: Workbook::new() };
    hand.sheet("Policy", &[]);
    assert_eq!(refusal(&hand.bytes()), "sheet Policy: the sheet is empty");
    assert!(refusal(b"PK").contains("the file is no workbook"));
    assert!(refusal(&[0xD0, 0xCF, 0x11, 0xE0, 0]).contains("old Excel file or is locked by a password"));
    assert!(refusal(&vec![0; crate::FILE_BYTES_MAX + 1]).contains("at most 10485760 are read"));
}

/// A file of the given parts.
fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a part");
        archive.write_all(bytes).expect("it is written");
    }
    archive.finish().expect("a file").into_inner()
}

const RELATIONS: &[u8] =
    br#"<Relationships><Relationship Id="a" Type="x/worksheet" Target="sheet.xml"/></Relationships>"#;
const WORKBOOK: &[u8] =
    br#"<workbook xmlns:r="x/relationships"><sheets><sheet name="Rules" r:id="a"/></sheets></workbook>"#;

fn with_sheet(sheet: &[u8]) -> Vec<u8> {
    packed(&[
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sheet.xml", sheet),
    ])
}

#[test]
fn a_bomb_is_refused_before_it_bursts() {
    let bomb = with_sheet(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "it is small: {}", bomb.len());
    assert!(
        refusal(&bomb).contains("part `xl/sheet.xml`: it is larger than 16777216 bytes when it is unpacked")
    );
    let laughs = br#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>"#;
    assert!(refusal(&with_sheet(laughs)).contains("part `xl/sheet.xml`: "));
    let deep = "<a>".repeat(100_000);
    assert!(refusal(&with_sheet(deep.as_bytes())).contains("part `xl/sheet.xml`: "));
    let names: Vec<String> = (0..1_001).map(|index| format!("part{index}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(refusal(&packed(&many)).contains("the file has 1001 parts, at most 1000 are read"));
    assert!(refusal(&packed(&[("mimetype", b"application/vnd.oasis")])).contains("OpenDocument"));
}

#[test]
fn what_stands_in_a_file_once_does_not_fill_the_memory_from_every_cell() {
    let relations = br#"<Relationships><Relationship Id="a" Type="x/worksheet" Target="sheet.xml"/>
        <Relationship Id="b" Type="x/sharedStrings" Target="strings.xml"/>
        <Relationship Id="c" Type="x/styles" Target="styles.xml"/></Relationships>"#;
    let check = |cells: &str, strings: &str, styles: &str, expected: &str| {
        let sheet = format!(
            "<worksheet><cols><col hidden=\"1\" min=\"2\" max=\"90\"/></cols><row>{cells}</row></worksheet>"
        );
        let found = refusal(&packed(&[
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", relations),
            ("xl/sheet.xml", sheet.as_bytes()),
            ("xl/strings.xml", format!("<sst><si>{strings}</si></sst>").as_bytes()),
            ("xl/styles.xml", format!("<styleSheet>{styles}</styleSheet>").as_bytes()),
        ]));
        assert!(found.contains(expected), "{found}");
    };
    let cell = "<c t=\"s\" s=\"0\"><v>0</v></c>";
    let long = format!("<t>{}</t>", "a".repeat(300_000));
    check(
        &cell.repeat(4),
        &long,
        "",
        "sheet Rules, cell D1: up to here the cells hold more than 1048576 bytes of text",
    );
    check(&cell.repeat(3), &long, "", "column B is hidden");
    check(cell, &long, "", "the workbook has no sheet `Policy`");
    let deep = format!("{}<t>x</t>{}", "<r>".repeat(200_000), "</r>".repeat(200_000));
    check(cell, &deep, "", "the workbook has no sheet `Policy`");
    let code = |long: usize| format!("<numFmt numFmtId=\"200\" formatCode=\"{}\"/>", "0".repeat(long));
    check(cell, "", &code(256), "part `xl/styles.xml`: a number format has more than 255 characters");
    check(cell, "", &code(255), "the workbook has no sheet `Policy`");
}

#[test]
fn a_sheet_that_is_too_large_is_refused_with_the_number_found() {
    let rows: String =
        (1..=100_000).map(|row| format!("<row r=\"{row}\"><c t=\"n\"><v>1</v></c></row>")).collect();
    let many = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    assert!(
        refusal(&with_sheet(many.as_bytes())).contains("sheet Rules: the sheet has more than 20000 rows")
    );
    let cells = "<c t=\"n\"><v>1</v></c>".repeat(200);
    let wide = format!("<worksheet><sheetData><row r=\"1\">{cells}</row></sheetData></worksheet>");
    assert!(
        refusal(&with_sheet(wide.as_bytes()))
            .contains("sheet Rules, cell GR1: 200 columns, at most 24 are read")
    );
    let rows: String = (1..=6_000)
        .map(|row| format!("<row r=\"{row}\"><c t=\"inlineStr\"><is><t>a{row}</t></is></c></row>"))
        .collect();
    let many = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    assert!(refusal(&with_sheet(many.as_bytes())).contains("sheet Rules: 5999 rows, at most 5000 are read"));
}
