//! What a number format says of the number under it: a share of a hundred, a date, a currency.

/// What matters of a format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Format {
    /// Shown times a hundred with a `%`.
    pub(super) percent: bool,
    /// Shown as a date or a time.
    pub(super) date: bool,
    /// Shown in thousands, so that 50,000 looks like 50.
    pub(super) scaled: bool,
    /// Words and signs that stand beside the number, such as `€` or `EUR`.
    pub(super) words: String,
}

impl Format {
    /// A format that every reader knows by its number; `None` if it stands in the file.
    pub(super) fn built_in(number: u32) -> Option<Format> {
        let plain = Format::default();
        match number {
            9 | 10 => Some(Format { percent: true, ..plain }),
            14..=22 | 27..=36 | 45..=47 | 50..=58 => Some(Format { date: true, ..plain }),
            0..=163 => Some(plain),
            _ => None,
        }
    }

    /// Reads a format's code, such as `0.00%` or `[$€-407] #,##0.00`. Its first section counts.
    pub(super) fn of_code(code: &str) -> Format {
        let mut format = Format::default();
        let mut letters = code.chars().peekable();
        let mut bare = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                ';' => break,
                '"' => format.words.extend(letters.by_ref().take_while(|letter| *letter != '"')),
                '\\' | '_' | '*' => {
                    let next = letters.next();
                    if letter == '\\' {
                        format.words.extend(next);
                    }
                }
                '[' => {
                    let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    if let Some(currency) = inside.strip_prefix('$') {
                        format.words += currency.split('-').next().unwrap_or("");
                    } else if inside.chars().all(|letter| matches!(letter, 'h' | 'H' | 'm' | 's')) {
                        format.date = true;
                    }
                }
                '$' | '€' | '£' | '¥' => format.words.push(letter),
                letter => bare.push(letter),
            }
        }
        if bare.eq_ignore_ascii_case("general") || bare.eq_ignore_ascii_case("standard") {
            return format;
        }
        format.percent = bare.contains('%');
        format.date |= bare.contains(['y', 'Y', 'd', 'D', 'h', 'H', 's', 'S', 'm', 'M']);
        let digits = bare.trim_end_matches([' ', '%']);
        format.scaled = digits.ends_with(',') && digits.contains(['0', '#']) && !format.date;
        format
    }

    /// The sign or code of a currency among the words; `None` if there is none.
    pub(super) fn currency(&self) -> Option<&str> {
        let sign = self.words.char_indices().find(|(_, letter)| matches!(letter, '$' | '€' | '£' | '¥'));
        if let Some((at, letter)) = sign {
            return self.words.get(at..at + letter.len_utf8());
        }
        let is_code = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        self.words.split(|letter: char| !letter.is_ascii_alphabetic()).find(is_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_what_the_number_is() {
        let check = |code: &str, percent: bool, date: bool, scaled: bool, currency: Option<&str>| {
            let format = Format::of_code(code);
            let found = (format.percent, format.date, format.scaled, format.currency());
            assert_eq!(found, (percent, date, scaled, currency), "{code}");
        };
        check("General", false, false, false, None);
        check("Standard", false, false, false, None);
        check("0%", true, false, false, None);
        check("0.00%;[RED]-0.00%", true, false, false, None);
        check("0.00\" %\"", false, false, false, None);
        check("0\\%", false, false, false, None);
        check("#,##0.00", false, false, false, None);
        check("#,##0,", false, false, true, None);
        check("[$€-407] #,##0.00", false, false, false, Some("€"));
        check("#,##0.00 [$USD];[RED]-#,##0.00 [$USD]", false, false, false, Some("USD"));
        check("\"$\"#,##0", false, false, false, Some("$"));
        check("yyyy-mm-dd", false, true, false, None);
        check("[$-409]mmm\\-yy", false, true, false, None);
        check("d. mmmm", false, true, false, None);
        check("[h]:mm", false, true, false, None);
        check("0.00E+00", false, false, false, None);
        check("@", false, false, false, None);
        check("[RED]0", false, false, false, None);
        for (number, percent, date) in [(9, true, false), (14, false, true), (2, false, false)] {
            let format = Format::built_in(number).expect("it is known");
            assert_eq!((format.percent, format.date), (percent, date), "{number}");
        }
        assert_eq!(Format::built_in(164), None);
    }
}
