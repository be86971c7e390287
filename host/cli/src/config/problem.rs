//! What is wrong with a configuration: all of it, each with its line and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to try.
    pub help: Option<String>,
}

/// Everything that is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: PathBuf,
    lines: Vec<usize>,
    all: Vec<Problem>,
}

impl Problems {
    /// None yet, in a file with this text.
    #[must_use]
    pub fn of(file: &Path, text: &str) -> Problems {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place);
        Problems { file: file.to_owned(), lines: breaks.collect(), all: Vec::new() }
    }

    /// One problem on a line of a file.
    #[must_use]
    pub fn one(file: &Path, line: usize, message: impl Into<String>) -> Problems {
        let problem = Problem { line, message: message.into(), help: None };
        Problems { file: file.to_owned(), lines: Vec::new(), all: vec![problem] }
    }

    /// The same with a way out for the last one.
    #[must_use]
    pub fn with_help(mut self, help: &str) -> Problems {
        if let Some(last) = self.all.last_mut() {
            last.help = Some(help.to_owned());
        }
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, by line.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.all
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Adds one at a byte of the text; without a byte it is about no line of the file.
    pub(super) fn at(&mut self, byte: impl Into<Option<usize>>, message: String) {
        self.add(byte, message, None);
    }

    /// Adds one with a way out.
    pub(super) fn add(&mut self, byte: impl Into<Option<usize>>, message: String, help: Option<String>) {
        let line = byte.into().map_or(0, |byte| self.lines.partition_point(|end| *end < byte) + 1);
        self.all.push(Problem { line, message, help });
        self.all.sort_by_key(|problem| problem.line);
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.all.iter().enumerate() {
            if number > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}", self.file.display())?;
            if problem.line > 0 {
                write!(formatter, ":{}", problem.line)?;
            }
            write!(formatter, ": {}", problem.message)?;
            if let Some(help) = &problem.help {
                write!(formatter, "\n  try: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
