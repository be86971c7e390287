//! The report of a check and the answers of examples. They are `core`'s own, byte for byte, the same
//! over HTTP and in `--json` of the command line; these shapes describe them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a policy is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportView {
    /// Whether nothing keeps it from being published. Warnings may need somebody's name.
    pub passes: bool,
    /// What kept it from being read, at most a hundred; then nothing else was looked at.
    pub faults: Vec<FaultView>,
    /// The policy, if it could be read.
    pub policies: Vec<CheckedView>,
}

/// Something in a document that keeps it from being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultView {
    /// Name of the file.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 where it is about the whole file.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// What was found in a policy that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckedView {
    /// Name of its file.
    pub file: String,
    /// The intent type that it decides.
    pub intent: String,
    /// What was found, most urgent first.
    pub findings: Vec<FindingView>,
    /// How many examples it has.
    pub examples: usize,
    /// How many of them get the answer that they expect.
    pub passing: usize,
    /// Its promises.
    pub promises: Vec<PromiseView>,
    /// Bounds that were moved by one step.
    pub mutants: Vec<MutantView>,
    /// Which rows and guards were used.
    pub coverage: CoverageView,
}

/// One thing that was found, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingView {
    /// Name of the file.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 where it is about the whole file.
    pub column: u32,
    /// `error`, `warning` or `note`.
    pub level: String,
    /// What it is, in a word that does not change: `gap`, `overlap`, `unreachable`.
    pub kind: String,
    /// The setting, rule, guard, route, term, input or promise that it is about; empty if it is a whole table.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// One intent that shows it, and what becomes of it where that is what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// What to try.
    #[serde(rename = "try", default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// A promise and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromiseView {
    /// The promise in its own words.
    pub promise: String,
    /// What is known of it.
    pub proof: ProofView,
}

/// What is known of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProofView {
    /// It holds everywhere.
    Proved,
    /// It holds wherever it was tried.
    Tested {
        /// At how many points.
        points: usize,
    },
    /// It does not hold.
    Broken {
        /// Intents and their outcomes: two neighbours, or the one that is approved.
        witness: Vec<(String, String)>,
    },
}

/// A bound that was moved by one step, so that one value changes sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MutantView {
    /// The rule.
    pub rule: String,
    /// The column.
    pub input: String,
    /// The cell as it is written.
    pub cell: String,
    /// The value that changes sides.
    pub value: String,
    /// The examples that notice.
    pub noticed_by: Vec<String>,
}

/// How often everything in a policy was used, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverageView {
    /// How many recorded decisions were looked at.
    pub decisions: u64,
    /// Of how many days, if they were cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The rows of the rule table.
    pub rules: Vec<UsedView>,
    /// The guards.
    pub guards: Vec<UsedView>,
}

/// How often one row or guard was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsedView {
    /// The id of the row or guard.
    pub id: String,
    /// By so many examples.
    pub examples: usize,
    /// By so many recorded decisions.
    pub decisions: usize,
}

/// What became of all examples of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RanView {
    /// The intent type that it decides.
    pub intent: String,
    /// Name of its file.
    pub path: String,
    /// Its examples, in the order of the document.
    pub examples: Vec<ExampleView>,
}

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleView {
    /// Its name.
    pub case: String,
    /// Where it stands in its file.
    pub line: u32,
    /// Whether it got the answer that it must get, from whom it must get it.
    pub passes: bool,
    /// The answer that it must get.
    pub expected: String,
    /// Who must give it; not compared if empty.
    pub expected_by: Vec<String>,
    /// The answer that it got.
    pub got: String,
    /// The rules that decided, then the guards that hold.
    pub by: Vec<String>,
    /// Why it is unsure, if it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<String>,
}

/// The examples that a policy lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestedView {
    /// The intent type that it decides.
    pub intent: String,
    /// Name of its file.
    pub path: String,
    /// The inputs, in the order of the document.
    pub inputs: Vec<String>,
    /// The examples, at most a hundred, in the order of the rows whose bounds they test.
    pub examples: Vec<SuggestionView>,
    /// Whether these are all.
    pub all: bool,
}

/// One example that a policy lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionView {
    /// What it is called: the rule, the input and the value at its edge.
    pub case: String,
    /// One value for each input, as an example writes it.
    pub values: Vec<String>,
    /// What the policy answers.
    pub outcome: String,
    /// The rules that decide, then the guards that hold.
    pub by: Vec<String>,
}
