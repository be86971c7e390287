//! Commands in documents are ones that the program takes: its words and its options.

use super::{Parts, documents};
use clap::{Command, CommandFactory as _};
use countersign::command::Arguments;

/// Words before the program, in which it may be named with its folder.
const PROGRAMS: [&str; 4] = [
    "countersign",
    "target/release/countersign",
    "../target/release/countersign",
    "target/debug/countersign",
];
/// Words that begin as a command and are none.
const OTHER: [&str; 1] = ["approval record"];
/// Where a command ends in a shell.
const ENDS: [&str; 8] = ["|", ">", ">>", "&&", ";", "#", "<", "||"];

/// The commands of a text, each as its words behind the program.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let mut words = line.split_whitespace().peekable();
        let mut before = "";
        while let Some(word) = words.next() {
            // A package is called as the program is.
            let is_program = PROGRAMS.contains(&word) && before != "-p";
            before = word;
            if !is_program {
                continue;
            }
            let mut command = Vec::new();
            while let Some(word) = words.next_if(|word| !ENDS.contains(word) && !PROGRAMS.contains(word)) {
                let ends = word.ends_with(';');
                command.push(word.trim_end_matches(';').to_owned());
                if ends {
                    break;
                }
            }
            if !OTHER.contains(&command.join(" ").as_str()) {
                found.push(command);
            }
        }
    }
    found
}

/// What is wrong with a command.
fn wrong(program: &Command, words: &[String]) -> Option<String> {
    let (mut at, mut path) = (program, "countersign".to_owned());
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.peek() {
        let Some(below) = at.find_subcommand(word) else { break };
        (at, path) = (below, format!("{path} {word}"));
        words.next();
    }
    // A command that has others below it says which.
    let is_word = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-')
    };
    if let (true, Some(word)) = (at.has_subcommands(), words.peek().filter(|word| is_word(word))) {
        return Some(format!("`{path}` has no `{word}`"));
    }
    words.find_map(|word| {
        let option = word.trim_matches(['[', ']', '(', ')', ',', '.', '"', '\'']);
        let name = option.strip_prefix("--")?.split(['=', '`', '|']).next().unwrap_or_default();
        let known =
            |command: &Command| command.get_arguments().any(|argument| argument.get_long() == Some(name));
        let fits = name.is_empty() || ["help", "version"].contains(&name) || known(at) || known(program);
        (!fits).then(|| format!("`{path}` has no `--{name}`"))
    })
}

#[test]
fn every_command_of_a_document_is_one_that_the_program_takes() {
    let mut program = Arguments::command();
    program.build();
    let (mut faults, mut looked) = (Vec::new(), 0);
    for (path, text) in documents() {
        // Of what was decided then, the words were those of then.
        if path.starts_with("host/docs/decisions") {
            continue;
        }
        let parts = Parts::of(&text);
        for text in parts.blocks.iter().cloned().chain(parts.spans()) {
            for command in commands(&text) {
                looked += 1;
                let wrong = wrong(&program, &command);
                faults
                    .extend(wrong.map(|wrong| format!("{}: {wrong}: {}", path.display(), command.join(" "))));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(looked > 200, "only {looked} commands were found");
}

#[test]
fn a_command_that_the_program_does_not_take_is_seen() {
    let mut program = Arguments::command();
    program.build();
    let check = |line: &str, expected: Option<&str>| {
        let found: Vec<Option<String>> = commands(line).iter().map(|words| wrong(&program, words)).collect();
        assert_eq!(found, [expected.map(str::to_owned)], "{line}");
    };
    check("countersign intent show int_1 --json", None);
    check("cd x && ../target/release/countersign audit verify --data data | head", None);
    check("countersign intent sho int_1", Some("`countersign intent` has no `sho`"));
    check("countersign audit verify --sine x", Some("`countersign audit verify` has no `--sine`"));
    check("countersign decide ID \\\n  --aprove", Some("`countersign decide` has no `--aprove`"));
}
