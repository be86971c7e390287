//! How a text is changed by chance: cut, doubled, swapped, and strewn with what does not belong there.

use crate::chance::Chance;

/// Longest text that chance makes: more than a document may have.
const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What people and programs put where it does not belong.
const PIECES: [&str; 64] = [
    "|",
    "\\|",
    "`",
    "-",
    "%",
    "_",
    "..",
    " .. ",
    ", ",
    ",",
    "(",
    ")",
    "\"",
    "<",
    ">",
    "<=",
    ">= ",
    "not ",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "５",
    "\u{feff}",
    "0",
    "9999999999999999999",
    "1e9",
    "USD",
    "EUR",
    "#",
    "## Rules: first",
    "```",
    "<!--",
    "{",
    "}",
    "[",
    "null",
    "🙂",
    ";",
    "'",
    "=",
    "@",
    "+",
    "]",
    "]]>",
    "<![CDATA[",
    "</",
    "/>",
    "<r>",
    "&amp;",
    "&#9;",
    "&",
    "\\u0000",
    "\\",
    "_x0041_",
    "true",
    "not(",
    "date(\"",
    "-1",
    "1.5",
    "18446744073709551615",
    "ü",
];

/// A place between two characters.
fn place(text: &str, chance: &mut Chance) -> usize {
    let mut at = chance.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn span(text: &str, most: usize, chance: &mut Chance) -> (usize, usize) {
    let from = place(text, chance);
    let mut until = (from + chance.below(most) + 1).min(text.len());
    while !text.is_char_boundary(until) {
        until += 1;
    }
    (from, until)
}

/// The text with a few changes.
pub(crate) fn changed(seed: &str, chance: &mut Chance) -> String {
    let mut text = seed.to_owned();
    for _ in 0..1 + chance.below(4) {
        let at = place(&text, chance);
        match chance.between(0, 8) {
            0 => {
                let (from, until) = span(&text, 40, chance);
                text.replace_range(from..until, "");
            }
            1 | 2 => text.insert_str(at, chance.word(&PIECES)),
            3 => {
                let (from, until) = span(&text, 4, chance);
                text.replace_range(from..until, chance.word(&PIECES));
            }
            4 => {
                let (from, until) = span(&text, 200, chance);
                let copy = text[from..until].to_owned();
                text.insert_str(at, &copy);
            }
            5 => {
                let mut lines: Vec<&str> = text.split('\n').collect();
                let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
                lines.swap(one, other);
                text = lines.join("\n");
            }
            6 => {
                let piece = chance.word(&PIECES);
                text.insert_str(at, &piece.repeat(1 + chance.below(300)));
            }
            7 => {
                let (from, until) = span(&text, 10, chance);
                text.replace_range(from..until, "");
            }
            _ if chance.percent(4) => {
                // A line that goes on and on, up to beyond the limit of a document.
                let line = text.split('\n').nth(chance.below(30)).unwrap_or_default().to_owned() + "\n";
                let room = TEXT_BYTES_MAX.saturating_sub(text.len()) / line.len();
                text.insert_str(at, &line.repeat(chance.below(room + 1)));
            }
            _ => text.truncate(at),
        }
    }
    text
}
