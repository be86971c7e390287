//! Words for people: data on stdout, talk on stderr, errors with a way out, and the exit code that
//! belongs to each.
//!
//! What comes from elsewhere (names, answers of a host) is shown without control characters, so
//! that no text can move a terminal's cursor or colour a line, and with what hides or turns letters escaped.

use crate::{config, exit};
use anyhow::Result;
use countersign_connectors::ConnectorFault;
pub use countersign_core::notice::plain::escaped as plain;
use countersign_engine::port::store::StoreFault;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

/// How often a spinner turns.
const TURN_MS: u64 = 120;
/// Widest column, in characters: one long value does not put a page of blanks into each other row.
const COLUMN_CHARACTERS_MAX: usize = 200;

/// A no with everything that a person or a script needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The documented code, such as `CS-E0106`.
    pub code: Option<String>,
    /// What is wrong, on one line.
    pub message: String,
    /// Every place that is wrong.
    pub places: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
    /// What the process answers.
    pub exit: u8,
}

impl Failure {
    /// A failure with an exit code of [`exit`].
    #[must_use]
    pub fn new(exit: u8, message: impl Into<String>) -> Failure {
        Failure { code: None, message: message.into(), places: Vec::new(), help: None, exit }
    }

    /// The same with a way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Says on stderr what went wrong and gives the exit code that belongs to it.
#[must_use]
pub fn explain(fault: &anyhow::Error) -> ExitCode {
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if fault.chain().filter_map(|cause| cause.downcast_ref()).any(broken_pipe) {
        // Whoever reads us has read enough.
        return ExitCode::from(exit::DONE);
    }
    let colour = has_colour(&io::stderr());
    // If stderr is closed there is nobody to tell; the exit code still says it.
    let _ = io::stderr().write_all(explanation(fault, colour).as_bytes());
    ExitCode::from(exit_code(fault))
}

/// The exit code of an error: the first cause that has one decides.
#[must_use]
pub fn exit_code(fault: &anyhow::Error) -> u8 {
    for cause in fault.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.exit;
        }
        if cause.is::<config::Problems>() {
            return exit::CONFIGURATION;
        }
        if let Some(fault) = cause.downcast_ref::<StoreFault>() {
            let passes = fault.can_pass() || matches!(fault, StoreFault::Lost(_) | StoreFault::InUse(_));
            return if passes { exit::TEMPORARY } else { exit::NO };
        }
        if let Some(fault) = cause.downcast_ref::<ConnectorFault>() {
            return if fault.can_pass { exit::TEMPORARY } else { exit::NO };
        }
    }
    exit::NO
}

/// The whole explanation, as it is written to stderr.
fn explanation(fault: &anyhow::Error, colour: bool) -> String {
    let paint = |style: &str, text: &str| {
        if colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let failure = fault.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    let head = match failure.and_then(|failure| failure.code.as_ref()) {
        Some(code) => format!("error[{}]", plain(code)),
        None => "error".to_owned(),
    };
    let mut text = String::new();
    let mut causes = fault.chain();
    let first = causes.next().map(ToString::to_string).unwrap_or_default();
    let mut lines = first.lines();
    text.push_str(&format!("{}: {}\n", paint("1;31", &head), plain(lines.next().unwrap_or_default())));
    for line in lines {
        text.push_str(&format!("  {}\n", plain(line)));
    }
    for cause in causes {
        for line in cause.to_string().lines() {
            text.push_str(&format!("  {}\n", plain(line)));
        }
    }
    for place in failure.iter().flat_map(|failure| &failure.places) {
        text.push_str(&format!("  {}\n", plain(place)));
    }
    if let Some(help) = failure.and_then(|failure| failure.help.as_ref()) {
        text.push_str(&format!("  {} {}\n", paint("36", "try:"), plain(help)));
    }
    if exit_code(fault) == exit::BUG {
        text.push_str("  this is a bug of ours; report it with the lines above\n");
    }
    text
}

/// Prints one line of data.
///
/// # Errors
/// If stdout cannot be written.
pub fn line(text: &str) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a value as JSON.
///
/// # Errors
/// If stdout cannot be written.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Says something on stderr that is not the answer itself.
pub fn say(text: &str) {
    // If stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a stream takes colour.
fn has_colour(stream: &impl io::IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    forced || (stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"))
}

/// A table of text: one row a line, columns as wide as they need to be. A cell that is longer than a column gets is there
/// whole, and moves what stands behind it in its row alone.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows.push(cells.into_iter().map(|cell| plain(cell.as_ref())).collect());
    }

    /// Whether it has no row but the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// Prints it; the headings stand out on a terminal.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn print(&self) -> Result<()> {
        let colour = has_colour(&io::stdout());
        for (number, text) in self.lines().into_iter().enumerate() {
            if number == 0 && colour {
                line(&format!("\x1b[1m{text}\x1b[0m"))?;
            } else {
                line(&text)?;
            }
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widths = cells.map(|cell| cell.chars().count());
            widths.filter(|width| *width <= COLUMN_CHARACTERS_MAX).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let padded = |(cell, width): (&String, &usize)| {
            format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count())))
        };
        let one = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().zip(&widths).map(padded).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(one).collect()
    }
}

/// What is done now, on a terminal: a spinner with words. Elsewhere the words are lines.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Progress {
    /// Begins to show progress.
    #[must_use]
    pub fn begin(quiet: bool) -> Progress {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(Duration::from_millis(TURN_MS));
            bar
        });
        Progress { bar, quiet }
    }

    /// Says what is done now.
    pub fn now(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(plain(text)),
            None if self.quiet => {}
            None => say(&plain(text)),
        }
    }

    /// Takes it away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How far something has come, on a terminal: a bar. Elsewhere nothing is shown.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Begins to show how far `what` has come.
    #[must_use]
    pub fn begin(what: &'static str, quiet: bool) -> Bar {
        let style = || {
            let template = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {eta} left");
            template.unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let bar = (!quiet && io::stderr().is_terminal())
            .then(|| ProgressBar::new(0).with_style(style()).with_message(what));
        Bar { bar }
    }

    /// So much of `of` is done.
    pub fn at(&self, done: u64, of: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
        }
    }

    /// Takes it away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_says_code_cause_places_and_the_way_out() {
        let failure = Failure {
            code: Some("CS-E0105".to_owned()),
            places: vec!["/tokens/percent: expected a percentage, found `a lot`".to_owned()],
            ..Failure::new(exit::NO, "1 of the tokens does not fit").with_help("correct the token")
        };
        let fault = anyhow::Error::new(failure);
        let expected = "error[CS-E0105]: 1 of the tokens does not fit\n  \
                        /tokens/percent: expected a percentage, found `a lot`\n  try: correct the token\n";
        assert_eq!(explanation(&fault, false), expected);
        assert!(explanation(&fault, true).starts_with("\x1b[1;31merror[CS-E0105]\x1b[0m: "));
    }

    #[test]
    fn each_kind_of_no_has_its_exit_code() {
        let check = |fault: anyhow::Error, expected: u8| assert_eq!(exit_code(&fault), expected, "{fault:#}");
        check(anyhow::anyhow!("something"), exit::NO);
        check(Failure::new(exit::CONFLICT, "stale").into(), exit::CONFLICT);
        check(StoreFault::Full.into(), exit::TEMPORARY);
        check(StoreFault::InUse("process 1".to_owned()).into(), exit::TEMPORARY);
        check(StoreFault::Version { found: 9, known: 1 }.into(), exit::NO);
        let outer = Err::<(), _>(StoreFault::Busy).context("while it was read").expect_err("it is one");
        check(outer, exit::TEMPORARY);
    }

    #[test]
    fn a_cell_of_any_length_is_printed_whole_and_widens_nothing_else() {
        let mut table = Table::new(&["field", "before", "after"]);
        let long = "x".repeat(100_000);
        table.row(["note", &long, "y"]);
        table.row(["term", "12", "18"]);
        let lines = table.lines();
        assert_eq!(lines, ["field  before  after", &*format!("note   {long}  y"), "term   12      18"]);
    }

    #[test]
    fn words_of_others_cannot_move_the_cursor() {
        let mut table = Table::new(&["id", "state"]);
        table.row(["one", "\x1b[2Jgone"]);
        table.row(["longer", "4\u{202e}1"]);
        assert_eq!(table.lines(), ["id      state", "one      [2Jgone", r"longer  4\u{202e}1"]);
    }
}
