//! Reference pages: what the program, its starter configuration, its codes and its source say, in one place each.

use super::root;
use clap::{Command, CommandFactory as _};
use countersign::command::Arguments;
use countersign::config;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use syn::{Attribute, Expr, ExprLit, Item, ItemEnum, Lit, Meta};

/// Columns of help pages, whatever the terminal has.
const COLUMNS: usize = 100;
/// What each page says of itself.
const WRITTEN: &str = "Written by a test from what it is about: `COUNTERSIGN_WRITE=1 cargo test -p countersign -p \
                       countersign-tests --test documents`.";
/// Records of the log: the source of the entries, and what they are about.
const RECORDS: [(&str, &str); 7] = [
    ("approval/event.rs", "An intent"),
    ("people/register/event.rs", "People"),
    ("connection.rs", "A connection"),
    ("connector.rs", "A connector"),
    ("delivery.rs", "A delivery from outside"),
    ("denied.rs", "Refused tries"),
    ("access/review.rs", "Reviews of access"),
];

/// The page at `path` is this text; with `COUNTERSIGN_WRITE=1` it becomes it.
fn is_page(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        fs::write(&file, text).expect("it can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "{path} is stale: run this test with COUNTERSIGN_WRITE=1 and read what has changed"
    );
}

/// Adds the help of a command and of everything below it.
fn help(command: &mut Command, path: &str, depth: usize, text: &mut String) {
    writeln!(text, "\n{} `{path}`\n```text", "#".repeat(depth)).expect("text grows");
    for line in command.render_long_help().to_string().trim_end().lines() {
        writeln!(text, "{}", line.trim_end()).expect("text grows");
    }
    text.push_str("```\n");
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        let path = format!("{path} {}", below.get_name());
        help(below, &path, depth + 1, text);
    }
}

#[test]
fn the_page_of_commands_is_what_the_program_says() {
    let mut command = Arguments::command().term_width(COLUMNS);
    for (argument, variable) in [("url", true), ("token", true)] {
        command = command.mut_arg(argument, |argument| argument.hide_env_values(variable));
    }
    command.build();
    let mut text = format!("# Commands\n\n{WRITTEN}\n");
    help(&mut command, "countersign", 2, &mut text);
    is_page("host/docs/reference/commands.md", &text);
}

/// The keys of a section, as the program names them to somebody who wrote another one.
fn keys(section: &str) -> BTreeSet<String> {
    let key = "zzzzzzzzzzzzzzzzzzzz";
    let text = if section.is_empty() { format!("{key} = 1") } else { format!("[{section}]\n{key} = 1") };
    let Err(problems) = config::read(Path::new("countersign.toml"), &text, &|_| None) else {
        panic!("[{section}] takes any key");
    };
    let words = problems.to_string();
    let list = words.split("try: one of ").nth(1).unwrap_or_else(|| panic!("[{section}]: {words}"));
    list.lines().next().unwrap_or_default().split(", ").map(str::to_owned).collect()
}

#[test]
fn the_page_of_the_configuration_is_the_file_that_init_writes_and_that_names_every_key() {
    let starter = fs::read_to_string(root().join("host/cli/starter/countersign.toml")).expect("it is read");
    let lacks = |section: &str| {
        let written = |key: &String| {
            let words = starter.lines().map(|line| line.trim_start_matches(['#', ' ']));
            let section_of = if section.is_empty() { format!("[{key}") } else { format!("[{section}.{key}") };
            let inside = format!("{key} =");
            words.clone().any(|line| {
                line.starts_with(&inside)
                    || line.starts_with(&section_of)
                    || line.contains(&format!(" {inside}"))
            })
        };
        keys(section)
            .into_iter()
            .filter(|key| !written(key))
            .map(|key| format!("[{section}] {key}"))
            .collect::<Vec<_>>()
    };
    let sections = ["", "data", "rules", "server", "connectors", "mail", "sign-in", "scim", "log"];
    let named = ["connection.crm", "webhook.chat", "trust.acme", "log.anchor.bucket"];
    let lacking: Vec<String> = sections.iter().chain(&named).flat_map(|section| lacks(section)).collect();
    assert!(lacking.is_empty(), "the starter configuration does not name {lacking:?}");
    let text = format!(
        "# Configuration\n\n{WRITTEN}\n\nOne file: `--config FILE`, else `./countersign.toml`, else `/etc/countersign/countersign.toml`. \
         `COUNTERSIGN__SECTION__KEY` in the environment goes before it. A key that is not known is an error that names the \
         nearest one; `countersign check` says all problems at once. This is the file that `countersign init` writes, with every \
         key:\n\n```toml\n{starter}```\n"
    );
    is_page("host/docs/reference/configuration.md", &text);
}

#[test]
fn the_list_of_error_codes_names_every_page() {
    let folder = root().join("host/docs/errors");
    let mut rows = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the folder is read") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        if name == "README.md" {
            continue;
        }
        let page = fs::read_to_string(folder.join(&name)).expect("it is read");
        let heading = page.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a heading");
        let (code, title) = heading.split_once(": ").expect("a code and its title");
        assert_eq!(format!("{code}.md"), name);
        rows.insert(format!("| [`{code}`]({name}) | {title} |"));
    }
    let rows: Vec<String> = rows.into_iter().collect();
    let text = format!(
        "# Error codes\n\n{WRITTEN}\n\nEach answer that is a problem has one of these codes, and a host serves its page under \
         `/errors/CODE`.\n\n| code | |\n|---|---|\n{}\n",
        rows.join("\n")
    );
    is_page("host/docs/errors/README.md", &text);
}

/// The words of a doc comment, as one line without links into the source.
fn said(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let (word, after) = link.split_once("`]").expect("a link ends");
        let word = word.rsplit("::").next().unwrap_or(word);
        write!(plain, "{before}`{word}`").expect("text grows");
        rest = match after.strip_prefix('(') {
            Some(address) => address.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    (plain + rest).replace('|', "\\|")
}

/// A name of Rust as the log spells it.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// The enumeration of this name in a file of `core`.
fn enumeration(file: &str, name: &str) -> ItemEnum {
    let path = root().join("host/core/src").join(file);
    let source = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let items = syn::parse_file(&source).expect("it is Rust").items;
    let found = items.into_iter().find_map(|item| match item {
        Item::Enum(found) if found.ident == name => Some(found),
        _ => None,
    });
    let found = found.unwrap_or_else(|| panic!("{file} has no `{name}`"));
    let spelt = found.attrs.iter().any(|attribute| {
        matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().contains("kebab-case"))
    });
    assert!(spelt, "{file}: `{name}` is spelt otherwise in the log");
    found
}

#[test]
fn the_page_of_the_log_names_every_entry_and_its_fields() {
    let mut text = format!(
        "# Entries of the log\n\n{WRITTEN}\n\nEach entry is one line of canonical JSON in the stream of what it is about, with its moment (`at`) and who \
         caused it (`by`). Fields that are empty are left out. Entries are only ever added; a newer host reads those of every older \
         one.\n"
    );
    let mut entries = 0;
    for (file, about) in RECORDS {
        write!(text, "\n## {about}\n\n| entry | it says | fields |\n|---|---|---|\n").expect("text grows");
        for variant in enumeration(file, "Event").variants {
            entries += 1;
            let name = kebab(&variant.ident.to_string());
            let fields = variant.fields.iter().map(|field| {
                let what = said(&field.attrs);
                match &field.ident {
                    Some(name) => format!("`{name}`: {what}"),
                    None => what,
                }
            });
            let fields = fields.collect::<Vec<_>>().join("<br>");
            let what = said(&variant.attrs);
            assert!(!what.is_empty(), "{file}: `{name}` says nothing of itself");
            writeln!(text, "| `{name}` | {what} | {fields} |").expect("text grows");
        }
    }
    assert!(entries > 60, "only {entries} entries were found");
    is_page("host/docs/reference/log.md", &text);
}

#[test]
fn every_cause_of_an_exception_has_a_section_that_says_what_to_do() {
    let page = fs::read_to_string(root().join("host/docs/exceptions.md")).expect("the page is read");
    let sections: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let causes: BTreeSet<String> = enumeration("exception.rs", "Cause")
        .variants
        .iter()
        .map(|cause| kebab(&cause.ident.to_string()))
        .collect();
    assert_eq!(sections, causes.iter().map(String::as_str).collect());
    for section in page.split("\n### `").skip(1) {
        let body = section.split("\n## ").next().unwrap_or_default();
        assert!(body.contains("- **Do**: "), "nothing to do: {body}");
    }
}
