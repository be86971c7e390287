//! A workbook that LibreOffice made, not our exporter: it comes in, decides, goes out, and opens
//! there again with the same values.

use anyhow::{Context as _, ensure};
use countersign_core::document::{PlainTable, SourceFile};
use countersign_core::hash::Digest;
use countersign_core::policy::check::check_files;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_exchange::book::{Book, POLICY};
use countersign_exchange::xlsx;
use countersign_tests::world::{root, source_files};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long LibreOffice may take for one file, in seconds: its first start makes a profile.
const CONVERSION_SECONDS_MAX: u64 = 180;
/// How often a running one is looked at.
const LOOK_MS: u64 = 100;
/// When the checks look who is absent: 2026-01-01.
const CHECKED_AT: Timestamp = Timestamp(1_767_225_600_000);
/// Every sheet as CSV, as it is shown: comma, quotes, UTF-8, all sheets.
const ALL_SHEETS_AS_CSV: &str =
    "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true,false,false,false,-1";

/// The shipped rules.
fn starter() -> anyhow::Result<Vec<SourceFile>> {
    source_files(&root().join("host/cli/starter"))
}

/// Converts a file with LibreOffice; what it makes lies in `into`.
fn converted(file: &Path, to: &str, into: &Path) -> anyhow::Result<()> {
    let profile = into.parent().context("the folder lies in another")?.join("profile");
    let mut office = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--norestore", "--convert-to", to, "--outdir"])
        .arg(into)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("LibreOffice is missing: `tests/install` installs it")?;
    for _ in 0..CONVERSION_SECONDS_MAX * 1_000 / LOOK_MS {
        if let Some(status) = office.try_wait()? {
            ensure!(status.success(), "LibreOffice ended with {status}");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    office.kill()?;
    office.wait()?;
    anyhow::bail!("LibreOffice took more than {CONVERSION_SECONDS_MAX} s for {}", file.display())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A cell as somebody types it into a spreadsheet: shares and numbers become numbers, a date a date.
fn typed(text: &str) -> String {
    let number = text.replace('_', "");
    let shown = format!("<text:p>{}</text:p>", escaped(text));
    if let Some(share) = number.strip_suffix('%').and_then(|share| share.parse::<f64>().ok()) {
        // As a sum leaves it: a little beside the share itself.
        let dusty = share / 100.0 + f64::EPSILON / 8.0;
        return format!(
            "<table:table-cell table:style-name=\"percent\" office:value-type=\"percentage\" office:value=\"{dusty:?}\">{shown}</table:table-cell>"
        );
    }
    if number.parse::<f64>().is_ok() && !text.is_empty() {
        return format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{number}\">{shown}</table:table-cell>"
        );
    }
    if text.len() == 10 && text.split('-').all(|part| part.parse::<u32>().is_ok()) {
        return format!(
            "<table:table-cell table:style-name=\"day\" office:value-type=\"date\" office:date-value=\"{text}\">{shown}</table:table-cell>"
        );
    }
    format!("<table:table-cell office:value-type=\"string\">{shown}</table:table-cell>")
}

/// A spreadsheet in the flat form of OpenDocument.
fn spreadsheet(sheets: &[(&str, PlainTable)]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\" \
         office:version=\"1.2\" office:mimetype=\"application/vnd.oasis.opendocument.spreadsheet\">\n\
         <office:automatic-styles>\
         <number:percentage-style style:name=\"share\"><number:number number:decimal-places=\"2\" number:min-integer-digits=\"1\"/><number:text>%</number:text></number:percentage-style>\
         <number:date-style style:name=\"date\"><number:year number:style=\"long\"/><number:text>-</number:text><number:month number:style=\"long\"/><number:text>-</number:text><number:day number:style=\"long\"/></number:date-style>\
         <style:style style:name=\"percent\" style:family=\"table-cell\" style:data-style-name=\"share\"/>\
         <style:style style:name=\"day\" style:family=\"table-cell\" style:data-style-name=\"date\"/>\
         </office:automatic-styles>\n<office:body><office:spreadsheet>\n",
    );
    for (name, table) in sheets {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "<table:table table:name=\"{name}\">");
        for (number, row) in std::iter::once(&table.header).chain(&table.rows).enumerate() {
            text += "<table:table-row>";
            for (cell, column) in row.iter().zip(&table.header) {
                let words = number == 0
                    || [
                        "id",
                        "case",
                        "because",
                        "name",
                        "clause.contract_clause_id",
                        "ledger_code",
                        "invoice_id",
                    ]
                    .contains(&column.as_str());
                text += &match (cell.is_empty(), words) {
                    (true, _) => "<table:table-cell/>".to_owned(),
                    (false, true) => format!(
                        "<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>",
                        escaped(cell)
                    ),
                    (false, false) => typed(cell),
                };
            }
            text += "</table:table-row>\n";
        }
        text += "</table:table>\n";
    }
    text + "</office:spreadsheet></office:body></office:document>\n"
}

/// The sheets of a policy without its prose, as somebody types them.
fn sheets(book: &Book) -> Vec<(&str, PlainTable)> {
    let mut settings = book.settings.clone();
    settings.rows.insert(0, vec!["title".to_owned(), book.title.clone()]);
    settings.rows.push(vec!["rules".to_owned(), book.rules.clone()]);
    let sections = book.sections.iter().map(|section| (section.name.as_str(), section.table.clone()));
    std::iter::once((POLICY, settings)).chain(sections).collect()
}

/// The rows of a CSV file whose cells hold no line end.
fn rows(text: &str) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                other => cell.push(other),
            }
        }
        cells.push(cell);
        cells
    };
    text.trim_start_matches('\u{feff}').lines().map(row).collect()
}

fn policy(name: &str) -> anyhow::Result<SourceFile> {
    let path = format!("policies/{name}.policy.md");
    starter()?.into_iter().find(|file| file.path == path).context(path)
}

/// The content address of a policy in a set of rules, which must check.
fn version(files: &[SourceFile], path: &str) -> anyhow::Result<Digest> {
    let rulebook = Rulebook::load(files).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let policy = rulebook.policies().find(|policy| policy.path == path).context("it is among the rules")?;
    Ok(policy.version())
}

/// Everything that stands in the sections, examples too, without the marks that group digits.
fn cells(book: &Book) -> Vec<(&str, Vec<Vec<String>>)> {
    let plain = |row: &Vec<String>| row.iter().map(|cell| cell.replace('_', "")).collect();
    let rows = |table: &PlainTable| std::iter::once(&table.header).chain(&table.rows).map(plain).collect();
    book.sections.iter().map(|section| (section.name.as_str(), rows(&section.table))).collect()
}

fn goes_through(name: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let [made, again, shown] = ["made", "again", "shown"].map(|name| folder.path().join(name));
    [&made, &again, &shown].into_iter().try_for_each(std::fs::create_dir)?;
    let file = policy(name)?;
    let book = Book::read(&file)?;
    let typed = folder.path().join("policy.fods");
    std::fs::write(&typed, spreadsheet(&sheets(&book)))?;
    converted(&typed, "xlsx", &made)?;

    // In: the same policy, but for the prose that nobody typed and the spelling of numbers.
    let imported = xlsx::read(&std::fs::read(made.join("policy.xlsx"))?, xlsx::Options::default())?;
    let text = imported.draft()?.text;
    let mut files = starter()?;
    let own = files.iter_mut().find(|other| other.path == file.path).context("it is shipped")?;
    own.text.clone_from(&text);
    ensure!(
        version(&files, &file.path)? == version(&starter()?, &file.path)?,
        "it decides otherwise:\n{text}"
    );
    ensure!(cells(&imported.book) == cells(&book), "a cell is another:\n{text}");
    let (report, before) = (check_files(&files, CHECKED_AT), check_files(&starter()?, CHECKED_AT));
    ensure!(report.passes(), "it does not check: {report:#?}");
    ensure!(report.findings().count() == before.findings().count(), "it checks otherwise: {report:#?}");

    // Out, and open there again: saved there it is still the same, prose and all.
    let exported = folder.path().join("exported.xlsx");
    std::fs::write(&exported, xlsx::write(&book)?)?;
    converted(&exported, "xlsx", &again)?;
    let back = xlsx::read(&std::fs::read(again.join("exported.xlsx"))?, xlsx::Options::default())?;
    ensure!(back.book == book, "saved there it is another policy:\n{}", back.draft()?.text);
    converted(&exported, ALL_SHEETS_AS_CSV, &shown)?;
    for section in &book.sections {
        let path = shown.join(format!("exported-{}.csv", section.name));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let expected: Vec<Vec<String>> = std::iter::once(&section.table.header)
            .chain(&section.table.rows)
            .map(|row| row.iter().map(|cell| cell.replace('_', "")).collect())
            .collect();
        let found: Vec<Vec<String>> =
            rows(&text).into_iter().map(|row| row.iter().map(|cell| unmarked(cell)).collect()).collect();
        ensure!(found == expected, "{}:\n{found:?}\n{expected:?}", section.name);
    }
    Ok(())
}

/// A cell as it is shown, without the marks that group digits.
fn unmarked(cell: &str) -> String {
    let number = !cell.is_empty()
        && cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'%' | b'-'));
    if number { cell.replace(',', "") } else { cell.replace('_', "") }
}

#[test]
fn a_policy_typed_in_libreoffice_comes_in_goes_out_and_opens_there_again() {
    for name in ["discount", "refund", "contract_redline"] {
        if let Err(fault) = goes_through(name) {
            panic!("{name}: {fault:#}");
        }
    }
}

#[test]
fn a_range_that_libreoffice_takes_for_a_date_is_refused_with_its_cell() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let made = folder.path().join("made");
    std::fs::create_dir(&made)?;
    let mut book = Book::read(&policy("discount")?)?;
    let rules = book.sections.iter_mut().find(|section| section.name == "Rules").context("rules")?;
    // What a spreadsheet makes of `5-15`.
    "2026-05-15".clone_into(rules.table.rows.get_mut(1).and_then(|row| row.get_mut(3)).context("an amount")?);
    let typed = folder.path().join("policy.fods");
    std::fs::write(&typed, spreadsheet(&sheets(&book)))?;
    converted(&typed, "xlsx", &made)?;
    let refused = xlsx::read(&std::fs::read(made.join("policy.xlsx"))?, xlsx::Options::default());
    let refused = refused.err().context("it is refused")?.to_string();
    ensure!(refused.contains("sheet Rules, cell D3: the cell holds the date 2026-05-15"), "{refused}");
    Ok(())
}
