//! A policy to a workbook that spreadsheets open, edit and save.

use super::{RULES, TITLE};
use crate::book::{Book, POLICY, PROSE, PROSE_COLUMNS};
use crate::column::{Kind, Types};
use crate::number::Decimal;
use crate::{Misfit, Refused};
use countersign_core::document::PlainTable;
use countersign_core::intent::kind::{FieldType, Unit};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

/// Widest column, in characters.
const WIDTH_MAX: usize = 60;
/// Narrowest column, in characters.
const WIDTH_MIN: usize = 8;

/// Writes a workbook. The same policy gives the same bytes.
///
/// # Errors
/// A text that no spreadsheet's cell can hold.
pub fn write(book: &Book) -> Result<Vec<u8>, Refused> {
    let mut workbook = Workbook::new();
    let types = Types::of(book);
    let mut settings = book.settings.clone();
    settings.rows.insert(0, vec![TITLE.to_owned(), book.title.clone()]);
    settings.rows.push(vec![RULES.to_owned(), book.rules.clone()]);
    let written = (|| {
        // Without a time of its own the file would bear the time of its making.
        let fixed = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&fixed));
        sheet(workbook.add_worksheet(), POLICY, &settings, &types)?;
        for section in &book.sections {
            sheet(workbook.add_worksheet(), &section.name, &section.table, &types)?;
        }
        if !book.prose.is_empty() {
            prose(workbook.add_worksheet(), book)?;
        }
        workbook.save_to_buffer()
    })();
    written.map_err(|fault: XlsxError| {
        let message = format!("a spreadsheet cannot hold this policy: {fault}");
        Misfit::at("", message).into()
    })
}

fn sheet(sheet: &mut Worksheet, name: &str, table: &PlainTable, types: &Types) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    let text = Format::new().set_num_format("@");
    header(sheet, &table.header)?;
    for (row, cells) in (1..).zip(&table.rows) {
        let id = cells.first().map_or("", String::as_str);
        for ((column, cell), header) in (0..).zip(cells).zip(&table.header) {
            if cell.is_empty() {
                // What is typed here later stays what was typed.
                sheet.write_blank(row, column, &text)?;
                continue;
            }
            match number(cell, &types.kind(name, header, id)) {
                Some((number, code)) => sheet.write_number_with_format(
                    row,
                    column,
                    number,
                    &Format::new().set_num_format(code),
                )?,
                None => sheet.write_string_with_format(row, column, cell, &text)?,
            };
        }
    }
    for (column, header) in (0..).zip(&table.header) {
        let cells = table.rows.iter().filter_map(|row| row.get(usize::from(column)));
        let longest = cells.chain([header]).map(|text| text.chars().count()).max().unwrap_or(0);
        width(sheet, column, longest)?;
    }
    Ok(())
}

fn header(sheet: &mut Worksheet, names: &[String]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_num_format("@");
    for (column, name) in (0..).zip(names) {
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn width(sheet: &mut Worksheet, column: u16, characters: usize) -> Result<(), XlsxError> {
    let width = u32::try_from(characters.clamp(WIDTH_MIN, WIDTH_MAX) + 2).unwrap_or(u32::MAX);
    sheet.set_column_width(column, width)?;
    Ok(())
}

fn prose(sheet: &mut Worksheet, book: &Book) -> Result<(), XlsxError> {
    sheet.set_name(PROSE)?;
    let text = Format::new().set_num_format("@");
    header(sheet, &PROSE_COLUMNS.map(str::to_owned))?;
    for (row, line) in (1..).zip(&book.prose) {
        sheet.write_string_with_format(row, 0, &line.place, &text)?;
        sheet.write_number(row, 1, line.line)?;
        if !line.text.is_empty() {
            sheet.write_string_with_format(row, 2, &line.text, &text)?;
        }
    }
    width(sheet, 0, 16)?;
    width(sheet, 2, WIDTH_MAX)?;
    Ok(())
}

/// The number that says exactly what a cell says, and how it is shown; `None` if only text does.
fn number(cell: &str, kind: &Kind) -> Option<(f64, String)> {
    let fraction =
        |places: usize| if places == 0 { String::new() } else { format!(".{}", "0".repeat(places)) };
    match kind {
        Kind::Typed(FieldType::Number(grid)) if grid.unit == Unit::Percent => {
            let shown = Decimal::of_document(cell.strip_suffix('%')?)?;
            let share = shown.times_ten_to(-2);
            let code = format!("0{}%", fraction(shown.places()));
            share.is_held(grid.unit.scale()).then(|| (share.to_float(), code))
        }
        Kind::Typed(FieldType::Number(grid)) => {
            let shown = Decimal::of_document(cell)?;
            let code = format!("#,##0{}", fraction(shown.places()));
            shown.is_held(grid.unit.scale()).then(|| (shown.to_float(), code))
        }
        Kind::Whole | Kind::Quorum => {
            let whole = cell.parse::<u32>().ok().filter(|whole| whole.to_string() == cell)?;
            Some((f64::from(whole), "0".to_owned()))
        }
        Kind::Typed(_) | Kind::Text | Kind::Day => None,
    }
}
