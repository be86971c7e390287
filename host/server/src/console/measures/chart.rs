//! Charts as pictures of lines and rectangles, in the colour of the text, with their figures as a table below.

use maud::{Markup, html};

/// Width and height of the part that is drawn in, in the units of the picture.
const WIDTH: u64 = 640;
const HEIGHT: u64 = 120;
/// Room above and below it, for half a dot.
const EDGE: u64 = 6;
/// Most marks that have a dot of their own on a line.
const DOTS_MAX: usize = 62;

/// Values of something, one at most for each period.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    /// Whether values are joined by a line, and are no bars.
    pub(super) is_line: bool,
    /// Every period that is asked about, in order.
    pub(super) periods: Vec<String>,
    pub(super) marks: Vec<Mark>,
}

/// One value.
#[derive(Debug)]
pub(super) struct Mark {
    /// The period.
    pub(super) name: String,
    /// Its place among all.
    pub(super) place: u64,
    pub(super) value: u64,
    /// The value for people ...
    pub(super) words: String,
    /// ... and the whole of its figure.
    pub(super) more: String,
}

impl Chart {
    pub(super) fn figure(&self) -> Markup {
        let most = self.marks.iter().map(|mark| mark.value).max().unwrap_or_default();
        let top = self.marks.iter().find(|mark| mark.value == most);
        let (first, last) = (self.periods.first(), self.periods.last().filter(|_| 1 < self.periods.len()));
        html! {
            figure {
                figcaption { (self.title) @if let Some(top) = top { span.note { " – at most " (top.words) } } }
                svg role="img" aria-label=(self.said()) viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 2 * EDGE)) {
                    @for y in [EDGE, EDGE + HEIGHT] {
                        line x1="0" x2=(WIDTH) y1=(y) y2=(y) stroke="currentColor" stroke-opacity=".3" {}
                    }
                    @if self.is_line { (self.line(most)) } @else { (self.bars(most)) }
                }
                p.ends.note {
                    @if let Some(first) = first { span { (first) } }
                    @if let Some(last) = last { span { (last) } }
                }
                details {
                    summary { "Show as table" }
                    table.plan {
                        thead { tr { th scope="col" { "from" } th scope="col" { "figure" } } }
                        tbody { @for mark in &self.marks { tr { th scope="row" { (mark.name) } td { (mark.more) } } } }
                    }
                }
            }
        }
    }

    /// What somebody is told who does not see it.
    fn said(&self) -> String {
        let ends = self.marks.first().zip(self.marks.last());
        let ends = ends.map(|(first, last)| {
            format!(", from {} in the first to {} in the last", first.words, last.words)
        });
        format!("{}{}; its table follows", self.title, ends.unwrap_or_default())
    }

    fn bars(&self, most: u64) -> Markup {
        let slot = slot(self.periods.len());
        html! {
            @for mark in &self.marks {
                @let place = mark.place;
                @let tall = tall(mark.value, most);
                rect x=(thousandths(place * slot + slot / 10)) y=(EDGE + HEIGHT - tall) width=(thousandths(slot * 8 / 10)) height=(tall)
                    fill="currentColor" { title { (mark.name) ": " (mark.words) } }
            }
        }
    }

    fn line(&self, most: u64) -> Markup {
        let slot = slot(self.periods.len());
        let at =
            |mark: &Mark| (thousandths(mark.place * slot + slot / 2), EDGE + HEIGHT - tall(mark.value, most));
        // A period without a value is a gap.
        let runs = self.marks.chunk_by(|one, other| one.place.saturating_add(1) == other.place);
        let runs = runs.map(|run| {
            let points = run.iter().map(|mark| {
                let (x, y) = at(mark);
                format!("{x},{y}")
            });
            points.collect::<Vec<_>>().join(" ")
        });
        let radius = if self.periods.len() <= DOTS_MAX { "4" } else { "2" };
        html! {
            @for points in runs { polyline points=(points) fill="none" stroke="currentColor" stroke-width="2" {} }
            @for mark in &self.marks {
                @let (x, y) = at(mark);
                circle cx=(x) cy=(y) r=(radius) fill="currentColor" { title { (mark.name) ": " (mark.words) } }
            }
        }
    }
}

/// The width of one period, in thousandths.
fn slot(periods: usize) -> u64 {
    let periods = u64::try_from(periods).unwrap_or(u64::MAX).max(1);
    WIDTH * 1_000 / periods
}

/// A height that says how much a value is of the most there is.
fn tall(value: u64, most: u64) -> u64 {
    let tall = (u128::from(value) * u128::from(HEIGHT)).checked_div(u128::from(most)).unwrap_or_default();
    u64::try_from(tall).unwrap_or(HEIGHT)
}

/// A number of thousandths as decimal text.
fn thousandths(count: u64) -> String {
    format!("{}.{:03}", count / 1_000, count % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(is_line: bool, values: &[u64]) -> String {
        sparse(is_line, &values.iter().map(|value| Some(*value)).collect::<Vec<_>>())
    }

    fn sparse(is_line: bool, values: &[Option<u64>]) -> String {
        let day = |place: usize| format!("2026-11-{:02}", place + 1);
        let marks = values.iter().enumerate().filter_map(|(place, value)| {
            value.map(|value| Mark {
                name: day(place),
                place: place as u64,
                value,
                words: value.to_string(),
                more: format!("{value} of it"),
            })
        });
        let (title, periods) = ("Asked for".to_owned(), (0..values.len()).map(day).collect());
        Chart { title, is_line, periods, marks: marks.collect() }.figure().into_string()
    }

    #[test]
    fn a_period_without_a_value_keeps_its_room_and_no_line_crosses_it() {
        let line = sparse(true, &[Some(5), None, Some(10), Some(10)]);
        assert!(line.contains("points=\"80.000,66\""), "{line}");
        assert!(line.contains("points=\"400.000,6 560.000,6\""), "{line}");
        let bars = sparse(false, &[None, Some(1), None, None]);
        assert!(bars.contains("x=\"176.000\"") && bars.contains("<span>2026-11-04</span>"), "{bars}");
    }

    #[test]
    fn each_mark_is_as_tall_as_its_value_and_says_what_it_is() {
        let bars = chart(false, &[5, 10, 0]);
        for height in ["height=\"60\"", "height=\"120\"", "height=\"0\""] {
            assert!(bars.contains(height), "{bars}");
        }
        assert_eq!(bars.matches("<title>").count(), 3);
        assert!(
            bars.contains("<title>2026-11-02: 10</title>") && bars.contains("<td>10 of it</td>"),
            "{bars}"
        );
        let line = chart(true, &[5, 10]);
        assert!(line.contains("points=\"160.000,66 480.000,6\""), "{line}");
    }

    #[test]
    fn nothing_but_zeros_and_one_mark_alone_are_drawn_too() {
        assert!(chart(false, &[0]).contains("height=\"0\""));
        assert!(chart(true, &[u64::MAX]).contains("cy=\"6\""));
    }
}
