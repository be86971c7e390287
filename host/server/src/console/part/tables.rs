//! Documents of the house as a page shows them: their headings, their words, and their tables, which become cards where
//! there is no room.

use super::all;
use countersign_core::document::{Block, Layout, PlainTable};
use countersign_core::shared_change::Difference;
use maud::{Markup, html};

/// One piece of a document.
enum Piece<'a> {
    Heading(String),
    Words(String),
    /// A table, and the section that it stands in.
    Table(String, &'a PlainTable),
}

/// A document below the heading of its page.
pub(in crate::console) fn document(layout: &Layout) -> Markup {
    html! {
        @for piece in pieces(layout) {
            @match piece {
                Piece::Heading(heading) => h3 { (all(&heading)) },
                Piece::Words(words) => p { (all(&words)) },
                Piece::Table(section, table) => (plain(&section, table)),
            }
        }
    }
}

fn pieces(layout: &Layout) -> Vec<Piece<'_>> {
    let (mut found, mut section) = (Vec::new(), "Settings".to_owned());
    for block in &layout.blocks {
        match block {
            Block::Table(table) => found.push(Piece::Table(section.clone(), table)),
            Block::Lines(lines) => {
                for words in paragraphs(lines) {
                    if let Some(heading) = words.strip_prefix("## ") {
                        heading.clone_into(&mut section);
                        found.push(Piece::Heading(heading.to_owned()));
                    } else if !words.starts_with("# ") {
                        // The title of the document stands above the page.
                        found.push(Piece::Words(words));
                    }
                }
            }
        }
    }
    found
}

/// Lines as headings and paragraphs.
fn paragraphs(lines: &[String]) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    for line in lines.iter().map(|line| line.trim()) {
        match found.last_mut() {
            Some(last)
                if !line.is_empty()
                    && !line.starts_with('#')
                    && !last.starts_with('#')
                    && !last.is_empty() =>
            {
                last.push(' ');
                last.push_str(line);
            }
            Some(_) | None => found.push(line.to_owned()),
        }
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

/// One table. Where it is wider than the page, it moves by itself, by key too.
fn plain(section: &str, table: &PlainTable) -> Markup {
    let is_named = table.header.iter().skip(1).any(|name| !name.is_empty());
    html! {
        div.wide tabindex="0" role="region" aria-label=(all(section)) {
            table.rows {
                @if is_named {
                    thead { tr { @for name in &table.header { th scope="col" { (all(name)) } } } }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (index, (name, cell)) in table.header.iter().zip(row).enumerate() {
                                @if index == 0 { th scope="row" { (all(cell)) } }
                                @else { td data-of=[(!name.is_empty()).then(|| all(name))] class=[cell.is_empty().then_some("none")] { (all(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a document says otherwise, place by place.
pub(in crate::console) fn comparison(differences: &[Difference]) -> Markup {
    let said = |text: Option<&String>| match text {
        None => "-".to_owned(),
        Some(text) if text.is_empty() => "nothing".to_owned(),
        Some(text) => all(text),
    };
    html! {
        table.plan {
            thead { tr { th scope="col" { "place" } th scope="col" { "now" } th scope="col" { "then" } } }
            tbody {
                @for difference in differences {
                    tr {
                        th scope="row" { (all(&difference.place())) }
                        td data-of="now" { (said(difference.was.as_ref())) }
                        td data-of="then" { (said(difference.now.as_ref())) }
                    }
                }
            }
        }
    }
}
