//! Texts of other people on one line: nothing in them can break a header, a line or the order of letters.

use crate::document::is_invisible;

/// `text` on one line of at most `most` characters. Control and invisible characters, and those that turn
/// the direction, become blanks; runs of blanks become one.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let blank = |letter: char| letter.is_control() || letter.is_whitespace() || is_invisible(letter);
    let mut line = String::new();
    // One pass over no more than what can be shown: a text may have a hundred thousand characters.
    let mut left = most;
    for letter in text.trim().chars() {
        let letter = if blank(letter) { ' ' } else { letter };
        if letter == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if left == 0 {
            line.truncate(line.trim_end().len());
            line.push('…');
            return line;
        }
        left = left.saturating_sub(1);
        line.push(letter);
    }
    line.truncate(line.trim_end().len());
    line
}

/// `text` with nothing in it that a terminal would obey or a reader could not see: control characters become blanks,
/// invisible ones and those that turn the direction are escaped, as `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_control() => shown.push(' '),
            _ if is_invisible(letter) => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_a_part_of_a_text_is_shown() {
        assert_eq!(escaped("4\u{202e}00,1\u{202c} USD"), r"4\u{202e}00,1\u{202c} USD");
        assert_eq!(escaped("Q\u{200b}-1\u{1b}[2J\r\n"), r"Q\u{200b}-1 [2J  ");
        assert_eq!(escaped("a  b, é, 漢字"), "a  b, é, 漢字");
    }

    #[test]
    fn nothing_breaks_a_line() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text, 20), expected, "{text:?}");
        check("renewal", "renewal");
        check("a\r\nBcc: eve@x.io", "a Bcc: eve@x.io");
        check("a\u{2028}b\u{2029}c\u{85}d", "a b c d");
        check("\u{202e}gpj.exe\u{2066}", "gpj.exe");
        check("zero\u{200b}width\0nul\u{7f}", "zero width nul");
        check("   many   blanks   ", "many blanks");
        check("é, 漢字, ß", "é, 漢字, ß");
        check("a text that is too long for it", "a text that is too l…");
        check("exactly twenty chars", "exactly twenty chars");
    }
}
