//! What a document may hold, and what it must not.

use super::*;

fn faults_of(body: &str) -> Vec<String> {
    let text = format!("# T\n\n| a | b |\n|---|---|\n| x | y |\n\n{body}\n");
    let file = SourceFile { path: "t.md".to_owned(), text };
    let mut faults = Faults::new("t.md");
    let document = read(&file, &["Rules", "Inputs"], &mut faults);
    assert!(document.is_some(), "title and settings are there");
    faults.into_list().iter().map(ToString::to_string).collect()
}

#[test]
fn prose_and_known_tables_are_read() {
    let body = "Some *prose*, 3 < 4.\n\n## Notes\n\nwords\n\n## Rules: first, for each clause\n\nmore\n\n\
                | id | when |\n|:---|---:|\n| r\\|1 |  |";
    assert_eq!(faults_of(body), Vec::<String>::new());
    let text = format!("\u{feff}# T\r\n\r\n| a | b |\r\n|---|---|\r\n\r\n{body}");
    let file = SourceFile { path: "t.md".to_owned(), text };
    let mut faults = Faults::new("t.md");
    let document = read(&file, &["Rules"], &mut faults).expect("it is well shaped");
    let section = document.section("Rules").expect("it is there");
    assert_eq!(section.detail.text, "first, for each clause");
    let table = section.table.as_ref().expect("it has a table");
    assert_eq!(table.rows[0].cells[0], Cell { text: "r|1".to_owned(), line: 18, column: 3 });
    assert_eq!(table.rows[0].cells[1].text, "");
}

#[test]
fn of_many_words_the_first_are_listed_and_the_others_counted() {
    let words: Vec<String> = (1..=23).map(|number| number.to_string()).collect();
    let check = |count: usize, expected: &str| {
        assert_eq!(listed(words[..count].iter().map(String::as_str)), expected, "{count}");
    };
    check(0, "");
    check(3, "1, 2, 3");
    check(20, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20");
    check(23, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 3 more");
}

#[test]
fn what_a_renderer_hides_or_the_host_does_not_read_is_a_fault() {
    let check = |body: &str, expected: &str| {
        let found = faults_of(body);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{body:?}: {found:?}");
    };
    check("| a |\n|---|\n| 1 |", "second settings table");
    check("## Nothing\n\n| a |\n|---|\n| 1 |", "t.md:9:1: a table under no known heading");
    check("## rules\n\nx", "unknown section `rules`");
    check("## Rules\n\n| a |\n|---|\n\n| b |\n|---|", "t.md:12:1: a second table under `Rules`");
    check("## Rules\n\n## Rules", "a second section `Rules`");
    check("## Rules\n\n| a | b |\n|---|---|\n| 1 |", "t.md:11:3: the row has 1 cells, its header has 2");
    check("## Rules\n\n| a |\n|---|\n| 1 | 2 |", "the row has 2 cells, its header has 1");
    check("| stray |", "belongs to no table");
    check("    | indented |", "belongs to no table");
    check("> | quoted |\n> |---|", "belongs to no table");
    check("text\n| a |\n|---|", "right under text");
    check("## Rules\n\n| a |\n|---|\n| 1 |\ntext", "rendered as a row");
    check("a | b\n--- | ---\n1 | 2", "a table has `|` at the beginning");
    check("<!-- hidden -->", "a comment is rendered");
    check("<b>bold</b>", "HTML is rendered");
    check("## Rules\n\n| a |\n|---|\n| <br> |", "t.md:11:3: HTML");
    check("```\ncode\n```", "a fence hides");
    check("Title\n=====", "written with `#`");
    check("a\u{200b}b", "t.md:7:2: an invisible character (U+200B)");
    check("a\u{202e}b", "invisible character (U+202E)");
    check(
        "## Rules\n\n| a |\n|---|\n| 1\u{a0}0 |",
        "t.md:11:4: a character that looks like another one (U+00A0)",
    );
    check("## Rules\n\n| a |\n|---|\n| \u{ff11} |", "(U+FF11)");
    check("## Rules\n\n| a |\n|---|\n| 1", "ends with `|`");
    check("# Again", "one `# Title`");
}

#[test]
fn a_document_without_title_or_settings_cannot_be_used() {
    for text in ["", "# T", "| a | b |\n|---|---|"] {
        let mut faults = Faults::new("t.md");
        let file = SourceFile { path: "t.md".to_owned(), text: text.to_owned() };
        assert_eq!(read(&file, &[], &mut faults), None);
        assert!(!faults.is_empty(), "{text:?}");
    }
}
