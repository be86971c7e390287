//! The files of a rulebook taken apart and put together again, without looking at what they say.

use crate::document::{DOCUMENT_BYTES_MAX, Fault, Faults, Layout, SourceFile};

/// Takes a file of a rulebook apart; what kind it is stands in its name.
///
/// # Errors
/// Every fault of its shape: what is not well shaped has no tables to rely on.
pub fn layout(file: &SourceFile) -> Result<Layout, Vec<Fault>> {
    let mut faults = Faults::new(&file.path);
    let name = file.path.rsplit(['/', '\\']).next().unwrap_or(&file.path);
    let sections: &[&str] = match name {
        "people.md" => &crate::people::SECTIONS,
        "routes.md" => &super::shared::SECTIONS,
        _ if name.ends_with(".intent.md") => &crate::intent::SECTIONS,
        _ if name.ends_with(".policy.md") => &crate::policy::SECTIONS,
        _ => {
            faults.on_line(0, super::NO_KIND);
            return Err(faults.into_list());
        }
    };
    Layout::read(file, sections, &mut faults).ok_or_else(|| faults.into_list())
}

/// The text of a file of a rulebook with its tables aligned and nothing else changed, but for line
/// ends, which become line feeds, and a byte order mark, which goes. Done twice it is as done once.
///
/// # Errors
/// Every fault of its shape, or that the text would be longer than a document may be.
pub fn formatted(file: &SourceFile) -> Result<String, Vec<Fault>> {
    let text = layout(file)?.to_string();
    if text.len() <= DOCUMENT_BYTES_MAX {
        return Ok(text);
    }
    let mut faults = Faults::new(&file.path);
    let bytes = text.len();
    faults.on_line(
        0,
        format!("formatted, the document has {bytes} bytes, at most {DOCUMENT_BYTES_MAX} are read"),
    );
    Err(faults.into_list())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Faults;
    use crate::policy::Policy;
    use crate::rulebook::tests::{starter, starter_rulebook};
    use proptest::prelude::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_we_ship_is_formatted() {
        for shipped in starter() {
            assert_eq!(formatted(&shipped).as_ref(), Ok(&shipped.text), "{}", shipped.path);
        }
    }

    #[test]
    fn tables_are_aligned_and_nothing_else_changes() {
        let head = "# T\n\n| a   | b   |\n|-----|-----|\n\n";
        let check = |body: &str, expected: &str| {
            let found = formatted(&file("x.policy.md", &format!("{head}{body}")));
            assert_eq!(found, Ok(format!("{head}{expected}")), "{body:?}");
        };
        check(
            "## Rules:first\n|id|when|\n|-|:-:|\n|a\\|b||  \n|longer|  1 .. 2|\n",
            "## Rules:first\n| id     | when   |\n|--------|:------:|\n| a\\|b   |        |\n| longer | 1 .. 2 |\n",
        );
        check("two  blanks \n\n\n\n* a list\n  of `|`\n", "two  blanks \n\n\n\n* a list\n  of `|`\n");
        check("no line end", "no line end\n");
        check("a\r\nb\r\n", "a\nb\n");
        check(
            "## Rules\n| ü | x |\n|:-|-:|\n|\t|\\\\ |",
            "## Rules\n| ü   | x   |\n|:----|----:|\n|     | \\\\  |\n",
        );
        let marked = formatted(&file("x.policy.md", &format!("\u{feff}{head}")));
        assert_eq!(marked, Ok(head.to_owned()));
    }

    #[test]
    fn a_wide_cell_widens_the_others_only_as_far_as_a_document_goes() {
        let of = |rows: usize, wide: usize| {
            let row = "|a|b|\n".repeat(rows);
            file("x.policy.md", &format!("# T\n\n|x|y|\n|-|-|\n|{}|b|\n{row}", "w".repeat(wide)))
        };
        let check = |rows: usize, wide: usize, expected: &str| {
            let once = formatted(&of(rows, wide)).expect("it is well shaped");
            assert_eq!(once.lines().last(), Some(expected), "{rows} rows beside {wide} letters");
            assert_eq!(formatted(&file("x.policy.md", &once)), Ok(once));
        };
        check(2, 5, "| a     | b   |");
        check(2, 70_000, &format!("| a{} | b   |", " ".repeat(69_999)));
        check(4_000, 200, &format!("| a{} | b   |", " ".repeat(199)));
        check(4_000, 300, "| a | b |");
        check(4_000, 900_000, "| a | b |");
        let tight = format!(
            "# T\n\n|x|y|\n|-|-|\n{}\n-{}",
            "|a|b|\n".repeat(4_999),
            "\nword".to_owned() + &" word".repeat(202_000)
        );
        let faults = formatted(&file("x.policy.md", &tight)).expect_err("it grows");
        assert!(faults[0].message.contains("formatted, the document has 10"), "{faults:?}");
    }

    #[test]
    fn a_file_without_shape_or_kind_is_refused_with_its_place() {
        let check = |path: &str, text: &str, expected: &str| {
            let faults = formatted(&file(path, text)).expect_err(text);
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|fault| fault.contains(expected)), "{faults:?}");
        };
        check("x.policy.md", "# T\n", "x.policy.md: the document has no settings table");
        check("x.policy.md", "# T\n\n| a | b |\n|---|---|\n| 1 |\n", "x.policy.md:5:3: the row has 1 cells");
        check("notes.md", "# T\n", "the name says no kind");
        let large = format!("# T\n\n{}", "words ".repeat(2_000_000));
        check("x.policy.md", &large, "the document has 12000005 bytes, at most 1048576 are read");
    }

    /// A shipped document as somebody in a hurry writes it.
    fn untidy(text: &str, draws: &[u8]) -> String {
        let mut draws = draws.iter().cycle().copied();
        let mut next = || usize::from(draws.next().unwrap_or(0));
        let mut out = String::from(if next() % 2 == 0 { "\u{feff}" } else { "" });
        for line in text.lines() {
            if line.starts_with("|--") {
                let dashes = line.matches('|').count() - 1;
                let kinds = ["-", ":-", "--:", ":---:"];
                out += &format!("|{}", format!(" {} |", kinds[next() % 4]).repeat(dashes));
            } else if line.starts_with('|') {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                let blanks = ["", " ", "  \t", "     "];
                for cell in cells {
                    out += &format!("|{}{cell}{}", blanks[next() % 4], blanks[next() % 4]);
                }
                out.push('|');
            } else {
                out += line;
                if line.is_empty() && next() % 5 == 0 {
                    out += "\n\nProse that nobody expects: 3 < 4, a `|` in a line, *stars*.  \n";
                }
            }
            out += if next() % 3 == 0 { "\r\n" } else { "\n" };
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn twice_is_once_and_the_policy_stays_the_same(which in 0..3_usize, draws in prop::collection::vec(any::<u8>(), 1..400)) {
            let rulebook = starter_rulebook();
            let all = starter();
            let source = all.iter().filter(|file| file.path.ends_with(".policy.md")).nth(which).expect("three");
            let messy = file(&source.path, &untidy(&source.text, &draws));
            let once = formatted(&messy).expect("it is well shaped");
            let twice = formatted(&file(&source.path, &once)).expect("it still is");
            prop_assert_eq!(&once, &twice);
            let read = |text: &str| {
                let mut faults = Faults::new(&source.path);
                let policy = Policy::parse(&file(&source.path, text), &rulebook.shared().routes, &mut faults);
                assert!(faults.is_empty(), "{:?}", faults.into_list());
                policy.expect("it is a policy")
            };
            prop_assert_eq!(read(&messy.text), read(&once));
        }
    }
}
