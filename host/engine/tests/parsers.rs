//! Recorded intents that somebody else wrote, for `policy backtest --from`: no panic, no hang, no memory without end,
//! and whatever is refused is refused on a line of the file.

#[path = "../../core/tests/oracle/chance.rs"]
mod chance;
#[path = "../../core/tests/parsers/change.rs"]
mod change;
#[path = "../../core/tests/parsers/trial.rs"]
mod trial;

use change::changed;
use countersign_core::document::SourceFile;
use countersign_core::id::IntentTypeName;
use countersign_core::rulebook::Rulebook;
use countersign_engine::history::{NotRead, lines};
use std::fs;
use std::path::{Path, PathBuf};
use trial::{bounded, rounds, survives, turn};

/// Most lines of the shipped history that one round changes, less one.
const LINES_MAX: usize = 12;
/// Lines of a file that is read whole: what is read is not kept.
const LINES_MANY: usize = 20_000;

fn starter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/starter")
}

fn rulebook() -> Rulebook {
    let mut files = Vec::new();
    for folder in ["intents", "policies", ""] {
        for entry in fs::read_dir(starter().join(folder)).expect("the starter is there") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            if name.ends_with(".md") {
                let shown = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                files.push(SourceFile { path: shown, text: fs::read_to_string(&path).expect("it is text") });
            }
        }
    }
    Rulebook::load(&files).expect("the starter rules check")
}

#[test]
fn no_recorded_intent_makes_its_reader_panic_hang_or_eat_the_memory() {
    let _turn = turn();
    let rulebook = rulebook();
    let name = IntentTypeName::parse("discount").expect("a name");
    let intent = rulebook.intent_type(&name).expect("it is shipped");
    let shipped = fs::read_to_string(starter().join("history/discount.jsonl")).expect("it is there");
    let all: Vec<&str> = shipped.lines().collect();
    let (mut taken, mut refused) = (0_u64, 0_u64);
    let seen = rounds(|chance| {
        let part: Vec<&str> = (0..=chance.below(LINES_MAX)).map(|_| *chance.pick(&all)).collect();
        let text = changed(&part.join("\n"), chance);
        let (mut read, mut bytes) = (0_u64, 0_u64);
        let result = survives("lines", &text, |text| {
            lines(text.as_bytes(), intent, |done| bytes = done, |_| read += 1)
        });
        match result {
            Ok(count) => {
                assert_eq!(count, read, "what is counted was handed on: {text:?}");
                assert_eq!(bytes, text.len() as u64, "all of it was read: {text:?}");
                taken += 1;
            }
            Err(NotRead::Faults { faults, more }) => {
                assert!(!faults.is_empty() || more > 0, "it says what is wrong: {text:?}");
                let last = text.split('\n').count() as u64;
                let outside = faults.iter().find(|fault| fault.line == 0 || last < fault.line);
                assert_eq!(outside, None, "a fault lies on a line of the text: {text:?}");
                refused += 1;
            }
            Err(NotRead::Io(fault)) => panic!("{fault}: {text:?}"),
        }
    });
    println!("{seen}: {taken} files were taken over, {refused} refused");
    assert!(0 < taken && 0 < refused, "{taken} were taken over and {refused} refused: chance is no use");

    let many = all.iter().cycle().take(LINES_MANY).copied().collect::<Vec<_>>().join("\n");
    let (count, _) = bounded("a long file", || lines(many.as_bytes(), intent, |_| {}, |_| {}));
    assert_eq!(count.expect("it is sound"), LINES_MANY as u64);
}
