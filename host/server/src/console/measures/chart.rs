//! Charts as pictures of lines and rectangles, in the colour of the text, with their figures as a table below.

use maud::{Markup, html};

/// Width and height of the part that is drawn in, in the units of the picture.
const WIDTH: u64 = 640;
const HEIGHT: u64 = 120;
/// Room above and below it, for half a dot.
const EDGE: u64 = 6;
/// Most marks that have a dot of their own on a line.
const DOTS_MAX: usize = 62;

/// Values of something, one a period.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    /// Whether values are joined by a line, and are no bars.
    pub(super) is_line: bool,
    pub(super) marks: Vec<Mark>,
}

/// One value.
#[derive(Debug)]
pub(super) struct Mark {
    /// The period.
    pub(super) name: String,
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
        let (first, last) = (self.marks.first(), self.marks.last().filter(|_| 1 < self.marks.len()));
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
                    @if let Some(first) = first { span { (first.name) } }
                    @if let Some(last) = last { span { (last.name) } }
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
        let slot = slot(self.marks.len());
        html! {
            @for (place, mark) in (0..).zip(&self.marks) {
                @let tall = tall(mark.value, most);
                rect x=(thousandths(place * slot + slot / 10)) y=(EDGE + HEIGHT - tall) width=(thousandths(slot * 8 / 10)) height=(tall)
                    fill="currentColor" { title { (mark.name) ": " (mark.words) } }
            }
        }
    }

    fn line(&self, most: u64) -> Markup {
        let slot = slot(self.marks.len());
        let at = |place: u64, mark: &Mark| {
            (thousandths(place * slot + slot / 2), EDGE + HEIGHT - tall(mark.value, most))
        };
        let points: Vec<String> = (0..)
            .zip(&self.marks)
            .map(|(place, mark)| {
                let (x, y) = at(place, mark);
                format!("{x},{y}")
            })
            .collect();
        let radius = if self.marks.len() <= DOTS_MAX { "4" } else { "2" };
        html! {
            polyline points=(points.join(" ")) fill="none" stroke="currentColor" stroke-width="2" {}
            @for (place, mark) in (0..).zip(&self.marks) {
                @let (x, y) = at(place, mark);
                circle cx=(x) cy=(y) r=(radius) fill="currentColor" { title { (mark.name) ": " (mark.words) } }
            }
        }
    }
}

/// The width of one mark, in thousandths.
fn slot(marks: usize) -> u64 {
    let marks = u64::try_from(marks).unwrap_or(u64::MAX).max(1);
    WIDTH * 1_000 / marks
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
        let marks = values.iter().enumerate().map(|(place, value)| Mark {
            name: format!("2026-11-{:02}", place + 1),
            value: *value,
            words: value.to_string(),
            more: format!("{value} of it"),
        });
        Chart { title: "Asked for".to_owned(), is_line, marks: marks.collect() }.figure().into_string()
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
