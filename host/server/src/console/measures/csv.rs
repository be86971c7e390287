//! The figures as a file that a spreadsheet opens: one line a figure of a group or a period.

use crate::api::view::{CountsView, MeasuresView};

/// The names of the columns.
const COLUMNS: [&str; 14] = [
    "group", "period", "measure", "count", "part", "of", "percent", "mean_ms", "p50_ms", "p90_ms", "p95_ms",
    "ms", "amount", "formula",
];

/// Spreadsheets take a file for UTF-8 only if it begins so.
const MARK: &str = "\u{feff}";

/// All figures, lines ended as RFC 4180 has it.
pub(super) fn of(view: &MeasuresView) -> String {
    let mut text = MARK.to_owned() + &line(COLUMNS.map(str::to_owned));
    figures(view, ("all", ""), &view.all, &mut text);
    for group in &view.groups {
        figures(view, (&group.name(), ""), &group.counts, &mut text);
    }
    for period in &view.periods {
        figures(view, ("all", &period.since), &period.counts, &mut text);
    }
    text
}

fn figures(view: &MeasuresView, (group, period): (&str, &str), counts: &CountsView, text: &mut String) {
    for measure in &view.measures {
        let Some(figure) = counts.figures.get(&measure.id) else { continue };
        let number = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let sums = figure.money.iter().flatten().map(|sum| format!("{} {}", sum.amount, sum.currency));
        let sums: Vec<String> = sums.collect();
        text.push_str(&line([
            group.to_owned(),
            period.to_owned(),
            measure.id.clone(),
            number(figure.count),
            number(figure.part),
            number(figure.of),
            figure.percent.clone().unwrap_or_default(),
            number(figure.mean_ms),
            number(figure.p50_ms),
            number(figure.p90_ms),
            number(figure.p95_ms),
            number(figure.ms),
            sums.join("; "),
            measure.formula.clone(),
        ]));
    }
}

fn line(cells: [String; COLUMNS.len()]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that no spreadsheet takes for a formula, nor for two cells.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_two_cells() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            ("a,b", "\"a,b\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("plain", "plain"),
            ("1-2", "1-2"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
