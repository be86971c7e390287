//! Recorded intents of a file: JSON Lines, one object a line.
//!
//! ```json
//! {"tokens": {"amount": {"amount": "12000.00", "currency": "USD"}}, "facts": {"segment": "smb"},
//!  "outcome": "manager", "fate": "approved"}
//! ```
//! `tokens` are written as a submission has them and pass the same door; `facts` likewise, with `null` for
//! what could not be found. `outcome` is what the policy answered (`approve`, `deny`, `unsure`, or routes with
//! ` + ` between them); without it the version in force is asked. `fate` is what became of it: `approved`,
//! `declined`, `withdrawn` or `open`, which it is unless it says otherwise. Empty lines are passed over.

use crate::limits::{HISTORY_FAULTS_MAX, HISTORY_LINE_BYTES_MAX, HISTORY_LINES_MAX};
use countersign_core::intent::{Facts, IntentType, Raw, TokenFault};
use countersign_core::policy::Settled;
use countersign_core::policy::backtest::{Fate, Named, Recorded, Was};
use std::fmt;
use std::io::{self, BufRead, Read as _};

/// The members of a line.
const MEMBERS: [&str; 4] = ["tokens", "facts", "outcome", "fate"];

/// Something that is wrong on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for LineFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.message)
    }
}

/// Why a file of recorded intents is not used.
#[derive(Debug)]
pub enum NotRead {
    /// What is wrong in it, line by line, and how much more of it is not listed.
    Faults {
        /// The first [`HISTORY_FAULTS_MAX`].
        faults: Vec<LineFault>,
        /// The others, counted.
        more: u64,
    },
    /// It cannot be read.
    Io(io::Error),
}

impl fmt::Display for NotRead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRead::Faults { faults, more } => {
                let count = u64::try_from(faults.len()).unwrap_or(u64::MAX).saturating_add(*more);
                write!(formatter, "{count} faults in the recorded intents")
            }
            NotRead::Io(_) => formatter.write_str("the recorded intents cannot be read"),
        }
    }
}

impl std::error::Error for NotRead {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            NotRead::Faults { .. } => None,
            NotRead::Io(fault) => Some(fault),
        }
    }
}

/// Hands on every case of a file; says how many. `progress` counts bytes. All faults are collected, so
/// one run shows them; cases that were handed on before a fault are then to be thrown away.
///
/// # Errors
/// [`NotRead`] with every fault by its line, or what the operating system says.
pub fn lines(
    mut input: impl BufRead,
    intent: &IntentType,
    mut progress: impl FnMut(u64),
    mut each: impl FnMut(Recorded),
) -> Result<u64, NotRead> {
    let (mut faults, mut more): (Vec<LineFault>, u64) = (Vec::new(), 0);
    let mut fault = |line: u64, message: String| {
        if faults.len() < HISTORY_FAULTS_MAX {
            faults.push(LineFault { line, message });
        } else {
            more = more.saturating_add(1);
        }
    };
    let most = u64::try_from(HISTORY_LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let (mut text, mut bytes, mut cases): (Vec<u8>, u64, u64) = (Vec::new(), 0, 0);
    for line in 1.. {
        text.clear();
        let got = input.by_ref().take(most.saturating_add(1)).read_until(b'\n', &mut text);
        let got = u64::try_from(got.map_err(NotRead::Io)?).unwrap_or(u64::MAX);
        if got == 0 {
            break;
        }
        if most < got || HISTORY_LINES_MAX < line {
            let what = format!("{HISTORY_LINE_BYTES_MAX} bytes in a line, {HISTORY_LINES_MAX} lines");
            fault(line, format!("at most {what}: nothing is read from here on"));
            break;
        }
        bytes = bytes.saturating_add(got);
        progress(bytes);
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match case(line, &text, intent) {
            Ok(case) => {
                cases = cases.saturating_add(1);
                each(case);
            }
            Err(messages) => messages.into_iter().for_each(|message| fault(line, message)),
        }
    }
    if faults.is_empty() { Ok(cases) } else { Err(NotRead::Faults { faults, more }) }
}

/// One line as a case, or all that is wrong with it.
fn case(line: u64, text: &[u8], intent: &IntentType) -> Result<Recorded, Vec<String>> {
    let raw: Raw = serde_json::from_slice(text).map_err(|fault| vec![no_json(&fault)])?;
    let Raw::Map(members) = raw else {
        return Err(vec![format!("expected an object, found {}", raw.found())]);
    };
    let mut wrong = Vec::new();
    for (index, (name, _)) in members.iter().enumerate() {
        if !MEMBERS.contains(&name.as_str()) {
            wrong.push(format!("`/{}`: expected one of {}", name.escape_debug(), MEMBERS.join(", ")));
        } else if members.iter().take(index).any(|(other, _)| other == name) {
            wrong.push(format!("`/{name}`: the member stands a second time"));
        }
    }
    let member = |name: &str| members.iter().find(|(own, _)| own == name).map(|(_, raw)| raw);
    let tokens = match member("tokens") {
        None => Err(vec!["`/tokens`: expected an object of tokens, found nothing".to_owned()]),
        Some(raw) => intent.validate(raw).map_err(|faults| placed("/tokens", faults)),
    };
    let facts = match member("facts") {
        None => Ok(Facts::new()),
        Some(raw) => intent.validate_facts(raw).map_err(|faults| placed("/facts", faults)),
    };
    let outcome = word(member("outcome"), "outcome", "`approve`, `deny`, `unsure` or routes", Was::parse);
    let fate = word(member("fate"), "fate", "approved, declined, withdrawn or open", |word| {
        ["approved", "declined", "withdrawn", "open"].into_iter().find(|known| *known == word)
    });
    match (tokens, facts, outcome, fate) {
        (Ok(tokens), Ok(facts), Ok(outcome), Ok(fate)) if wrong.is_empty() => {
            let was = outcome.unwrap_or(Was::Unsaid);
            let fate = fate_of(fate.unwrap_or("open"), &was);
            Ok(Recorded { name: Named::Line(line), tokens, facts, was, fate, seats: Vec::new() })
        }
        (tokens, facts, outcome, fate) => {
            wrong.extend(tokens.err().into_iter().chain(facts.err()).flatten());
            wrong.extend(outcome.err().into_iter().chain(fate.err()));
            Err(wrong)
        }
    }
}

fn no_json(fault: &serde_json::Error) -> String {
    let whole = fault.to_string();
    let what = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(what, _)| what);
    format!("no JSON at column {}: {what}", fault.column())
}

fn placed(below: &str, faults: Vec<TokenFault>) -> Vec<String> {
    let place = |fault: TokenFault| TokenFault { pointer: format!("{below}{}", fault.pointer), ..fault };
    faults.into_iter().map(|fault| place(fault).to_string()).collect()
}

/// A member that is a word, if it is there.
fn word<T>(
    raw: Option<&Raw>,
    name: &str,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, String> {
    let Some(raw) = raw else { return Ok(None) };
    let value = if let Raw::Text(text) = raw { read(text) } else { None };
    let wrong = || format!("`/{name}`: expected {expected}, found {}", raw.found());
    value.map(Some).ok_or_else(wrong)
}

/// Who decided follows from what the policy answered.
fn fate_of(fate: &str, was: &Was) -> Fate {
    let said = |settled: &Settled| matches!(was, Was::Said(Some(own)) if own == settled);
    match fate {
        "approved" if said(&Settled::Approve) => Fate::ApprovedByPolicy,
        "approved" => Fate::ApprovedByPeople,
        "declined" if said(&Settled::Deny) => Fate::DeclinedByPolicy,
        "declined" => Fate::DeclinedByPeople,
        "withdrawn" => Fate::Withdrawn,
        _ => Fate::Open,
    }
}
