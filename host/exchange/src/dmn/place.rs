//! Where something stands in a file: found without reading the file from its beginning each time.

/// Bytes from one mark to the next.
const MARK_BYTES: usize = 1024;

/// A byte of the file whose line and column are known; both count from 1.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: usize,
    line: usize,
    column: usize,
}

impl Mark {
    fn past(&mut self, letter: char) {
        self.at += letter.len_utf8();
        (self.line, self.column) =
            if letter == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
    }
}

/// The places of a text.
#[derive(Debug)]
pub(super) struct Places<'t> {
    text: &'t str,
    marks: Vec<Mark>,
}

impl<'t> Places<'t> {
    pub(super) fn of(text: &'t str) -> Places<'t> {
        let mut here = Mark { at: 0, line: 1, column: 1 };
        let mut marks = vec![here];
        let mut next = MARK_BYTES;
        for letter in text.chars() {
            here.past(letter);
            if next <= here.at {
                marks.push(here);
                next = here.at + MARK_BYTES;
            }
        }
        Places { text, marks }
    }

    /// Line and column of a byte.
    pub(super) fn of_byte(&self, at: usize) -> (usize, usize) {
        let before = self.marks.partition_point(|mark| mark.at <= at).saturating_sub(1);
        let Some(mut here) = self.marks.get(before).copied() else { return (1, 1) };
        for letter in self.text.get(here.at..at).unwrap_or("").chars() {
            here.past(letter);
        }
        (here.line, here.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_one_that_counting_from_the_beginning_gives() {
        for text in ["", "ab\ncd", &"ü\n price 価格 ".repeat(500), &"\n".repeat(3_000), &"a".repeat(3_000)]
        {
            let places = Places::of(text);
            for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let before = &text[..at];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
                assert_eq!(places.of_byte(at), (line, column), "byte {at}");
            }
        }
    }
}
