//! Files that are small, or no larger than one may be, and would fill the memory or the day.

use crate::package::packed;
use crate::trial::survives;
use crate::{Standing, plainly};
use countersign_core::document::{TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use countersign_core::exchange::Format;
use countersign_core::intent::kind::ENUM_VALUES_MAX;
use countersign_exchange::FILE_BYTES_MAX;
use countersign_exchange::carry::Taken;

/// What is shown of a file that fails, in bytes.
const SHOWN: usize = 200;

/// Rules that are many, of as many columns as there may be.
const MANY: usize = 1_000;
/// Long, and still read within a second where nothing is optimised.
const LONG: usize = 2 * 1024 * 1024;

/// Reads a file in time; says why it is refused, if it is.
fn read(what: &str, standing: &Standing, format: Format, bytes: &[u8], side: Option<&str>) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
    survives(what, &text, |_| {
        let reading = plainly("Rules", side.map(str::to_owned));
        let taken = Taken::read(bytes, format, &standing.intent, Some(&standing.book), &reading);
        taken.err().map(|refused| refused.to_string())
    })
}

fn refused(what: &str, standing: &Standing, format: Format, text: &str, expected: &str) {
    assert!(text.len() <= FILE_BYTES_MAX || format == Format::Xlsx, "{what} is refused for its length");
    let why = read(what, standing, format, text.as_bytes(), None);
    let why = why.unwrap_or_else(|| panic!("{what} is taken"));
    assert!(why.contains(expected), "{what}: {}", why.chars().take(1_000).collect::<String>());
}

pub(crate) fn check(standing: &Standing) {
    csv(standing);
    json(standing);
    model(standing);
    side_table(standing);
    workbook(standing);
}

fn csv(standing: &Standing) {
    let refused =
        |what: &str, text: &str, expected: &str| refused(what, standing, Format::Csv, text, expected);
    refused("a row of commas", &",".repeat(LONG), "no table");
    refused("a row of cells", &"a,".repeat(LONG / 2), "columns, at most 24");
    refused("a text without an end", &format!("id,\"{}", "a\n".repeat(LONG / 2)), "more than one line");
    refused("blank rows", &"\n".repeat(LONG), "no table");
    let long = format!("id,segment,outcome,because\n{}", "a,b,c,d\n".repeat(LONG / 8));
    refused("200,000 rows and more", &long, "more than 5000 rows");
}

fn json(standing: &Standing) {
    let refused =
        |what: &str, text: &str, expected: &str| refused(what, standing, Format::Json, text, expected);
    let content = |deep: &str| format!("{{\"nodes\": [{{\"type\": \"inputNode\", \"content\": {deep}");
    refused("brackets", &content(&"[".repeat(LONG)), "");
    refused("braces", &content(&"{\"a\":".repeat(LONG / 5)), "");
    let columns: Vec<String> = (0..300_000).map(|number| format!("\"c{number}\"")).collect();
    let of = |columns: &str, rows: &str| {
        format!(
            "{{\"format\": \"countersign-policy/1\", \"title\": \"t\", \"rules\": \"first\", \"settings\": \
             {{\"columns\": [{columns}], \"rows\": [{rows}]}}, \"sections\": []}}"
        )
    };
    let rows = |count: usize| vec!["{\"cells\": {}}"; count].join(",");
    refused("columns for each of many rows", &of(&columns.join(","), &rows(300_000)), "at most");
    refused("many rows", &of("\"policy\", \"\"", &rows(500_000)), "at most");
    let long =
        of(&format!("\"{}\"", "c".repeat(1_000_000)), &vec!["{\"cells\": {\"x\": \" \"}}"; 5_000].join(","));
    refused("a name for each of many rows", &long, "");
}

/// A model with so many rules; `cell` is what each entry asks for.
fn model_of(inputs: usize, rules: usize, cell: &str) -> String {
    let input =
        |number| format!("<input><inputExpression><text>in{number}</text></inputExpression></input>\n");
    let inputs: Vec<String> = (0..inputs).map(input).collect();
    let entries = format!("<inputEntry><text>{cell}</text></inputEntry>").repeat(inputs.len());
    let rule = format!("<rule id=\"r\">{entries}<outputEntry><text>\"vp\"</text></outputEntry></rule>\n");
    format!(
        "<definitions><decision name=\"d\"><decisionTable hitPolicy=\"FIRST\">{}<output/>{}</decisionTable></decision></definitions>",
        inputs.concat(),
        rule.repeat(rules)
    )
}

fn model(standing: &Standing) {
    let refused =
        |what: &str, text: &str, expected: &str| refused(what, standing, Format::Dmn, text, expected);
    refused("a model of 5,000 rules", &model_of(5, TABLE_ROWS_MAX, "-"), "are missing");
    refused("a model of more rules", &model_of(0, 100_000, ""), "at most 5000 and 24 are read");
    refused("a model of many columns", &model_of(TABLE_COLUMNS_MAX + 1, 1, ""), "25 inputs, at most");
    let entry = "<inputEntry><text>-</text></inputEntry>";
    let wide = model_of(1, 1, "-").replacen(entry, &entry.repeat(100_000), 1);
    refused("a rule of 100,000 entries", &wide, "100000 entries for 1 inputs");
    let needed = "<informationRequirement><requiredDecision href=\"#a\"/></informationRequirement>";
    let needs = model_of(1, 1, "-").replacen(
        "<decisionTable",
        &format!("{}<decisionTable", needed.repeat(50_000)),
        1,
    );
    refused("a model that needs 50,000 others", &needs, "needs another one");
    let notes = model_of(0, TABLE_ROWS_MAX, "").replacen(
        "<output/>",
        &format!("<output/>{}", "<annotation/>".repeat(100_000)),
        1,
    );
    refused("100,000 notes for each of 5,000 rules", &notes, "are missing");
    let named =
        model_of(1, 2_000, "x").replacen("name=\"d\"", &format!("name=\"{}\"", "d".repeat(1_000_000)), 1);
    refused("a long name at each of 2,000 misfits", &named.replace("\"vp\"", "vp"), "decision ddd");
    let deep = format!("<definitions>{}{}</definitions>", "<a>".repeat(400_000), "</a>".repeat(400_000));
    refused("elements in elements", &deep, "");
    let cell = format!("{}1", "1,".repeat(500_000));
    refused("a cell of 500,000 values", &model_of(1, 1, &cell), "are missing");
}

fn side_table(standing: &Standing) {
    let model = model_of(1, 1, "-");
    let refused = |what: &str, side: &str| {
        let why = read(what, standing, Format::Dmn, model.as_bytes(), Some(side));
        assert!(why.is_some(), "{what} is taken");
    };
    refused("arrays in arrays", &format!("a = {}", "[".repeat(200_000)));
    refused("tables in tables", &format!("a = {}", "{a=".repeat(200_000)));
    refused("a name of many parts", &format!("[{}a]\n", "a.".repeat(200_000)));
    refused("a key of many parts", &format!("{}a = 1\n", "a.".repeat(200_000)));
    let words: Vec<String> = (0..ENUM_VALUES_MAX).map(|word| format!("{word:0>64}")).collect();
    let inputs: String = (0..TABLE_COLUMNS_MAX)
        .map(|number| {
            format!("[inputs.in{number}]\nname = \"in_{number}\"\ntype = \"one of {}\"\n", words.join(", "))
        })
        .collect();
    let rows: String = (1..=MANY).map(|row| format!("{row} = {{ id = \"a\", because = \"b\" }}\n")).collect();
    let side = format!("outcomes = {{ vp = \"deny\" }}\n{inputs}[rows]\n{rows}");
    let why = read(
        "a long type for each of many cells",
        standing,
        Format::Dmn,
        model_of(TABLE_COLUMNS_MAX, MANY, "1").as_bytes(),
        Some(&side),
    );
    assert!(why.is_some_and(|why| why.contains("in a column of one of")), "{}", "it is taken");
    let rows: String = (0..50_000).map(|row| format!("{row} = {{ id = \"a\" }}\n")).collect();
    refused("a row for each of 50,000 rows", &format!("[rows]\n{rows}"));
}

/// A workbook whose sheet `Policy` holds these rows, with these strings and these formats of numbers.
fn workbook_of(sheet: &str, strings: &str, styles: &str) -> Vec<u8> {
    let relations = "<Relationships><Relationship Id=\"a\" Type=\"x/worksheet\" Target=\"sheet.xml\"/>\
                     <Relationship Id=\"b\" Type=\"x/sharedStrings\" Target=\"strings.xml\"/>\
                     <Relationship Id=\"c\" Type=\"x/styles\" Target=\"styles.xml\"/></Relationships>";
    let workbook = "<workbook xmlns:r=\"x/relationships\"><sheets><sheet name=\"Policy\" r:id=\"a\"/></sheets></workbook>";
    packed([
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sheet.xml", sheet.as_bytes()),
        ("xl/strings.xml", strings.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
    ])
}

fn workbook(standing: &Standing) {
    let refused = |what: &str, bytes: &[u8], expected: &str| {
        assert!(bytes.len() <= FILE_BYTES_MAX, "{what} is refused for its length");
        let why = read(what, standing, Format::Xlsx, bytes, None);
        let why = why.unwrap_or_else(|| panic!("{what} is taken"));
        assert!(why.contains(expected), "{what}: {}", why.chars().take(1_000).collect::<String>());
    };
    let sheet = |columns: &str, rows: &str| {
        format!("<worksheet><cols>{columns}</cols><sheetData>{rows}</sheetData></worksheet>")
    };
    let string = |text: &str| format!("<sst><si><t>{text}</t></si></sst>");
    let (none, plain) = ("<sst/>", "<styleSheet/>");
    let cells = |cell: &str, count: usize| format!("<row>{}</row>", cell.repeat(count));

    let many = cells("<c t=\"s\"><v>0</v></c>", 2).repeat(5_000);
    let bytes = workbook_of(&sheet("", &many), &string(&"a".repeat(4_000_000)), plain);
    refused("one long text in many cells", &bytes, "");
    let many = cells("<c s=\"0\"><v>1</v></c>", 2).repeat(5_000);
    let code = format!(
        "<styleSheet><numFmts><numFmt numFmtId=\"200\" formatCode=\"&quot;{}&quot;0\"/></numFmts><cellXfs><xf numFmtId=\"200\"/></cellXfs></styleSheet>",
        "a".repeat(4_000_000)
    );
    refused("one long format in many cells", &workbook_of(&sheet("", &many), none, &code), "");
    let rows = cells("<c><v>1</v></c>", 2).repeat(5_000);
    let hidden = "<col hidden=\"1\" min=\"90\" max=\"90\"/>".repeat(100_000);
    refused("100,000 columns that nobody sees", &workbook_of(&sheet(&hidden, &rows), none, plain), "");
    let deep = format!("<sst><si>{}<t>a</t>{}</si></sst>", "<r>".repeat(300_000), "</r>".repeat(300_000));
    let one = cells("<c t=\"s\"><v>0</v></c>", 1);
    refused("runs in runs", &workbook_of(&sheet("", &one), &deep, plain), "");
    let last = "<row><c r=\"ZZZZZZZZZZZZZ1\"><v>1</v></c><c><v>1</v></c></row>";
    refused("the last column that there is", &workbook_of(&sheet("", last), none, plain), "");
    let last = format!("<row r=\"{}\"><c><v>1</v></c></row>{one}", u32::MAX);
    refused("the last row that there is", &workbook_of(&sheet("", &last), none, plain), "");
}
