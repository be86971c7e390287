//! A DMN engine that is not ours, and the public conformance suite: both come with packages that cargo
//! fetches for `tests/dmn-engine`, a workspace of its own.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The package that holds the models of the suite.
const MODELS: &str = "dsntk-examples";
/// The package whose tests hold the cases of the suite.
const CASES: &str = "dsntk-model-evaluator";

/// One table, and what is asked of it.
#[derive(Debug, Serialize)]
pub struct Question {
    /// The model, as XML.
    pub model: String,
    /// The decision or business knowledge model.
    pub name: String,
    /// The expressions of the table's inputs.
    pub columns: Vec<String>,
    /// Contexts in FEEL.
    pub cases: Vec<String>,
}

/// What came of one case, as FEEL texts.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The values of the columns.
    pub columns: Vec<String>,
    /// The result.
    pub result: String,
}

/// The engine, built, and where cargo has unpacked the suite.
#[derive(Debug)]
pub struct Engine {
    program: PathBuf,
    models: PathBuf,
    cases: PathBuf,
}

/// A case of the suite.
#[derive(Debug)]
pub struct Case {
    /// The decision that is asked.
    pub name: String,
    /// A context in FEEL.
    pub given: String,
    /// The result that the suite demands, as FEEL text.
    pub expected: String,
}

/// Where cargo has unpacked a package.
fn unpacked(metadata: &serde_json::Value, package: &str) -> anyhow::Result<PathBuf> {
    let packages = metadata["packages"].as_array().context("cargo names no packages")?;
    let found = packages.iter().find(|found| found["name"] == package).context("the package is not there")?;
    let manifest = found["manifest_path"].as_str().context("it has no manifest")?;
    Ok(Path::new(manifest).parent().context("it lies in no folder")?.to_owned())
}

impl Engine {
    /// Builds the engine below `temporary`, the folder that cargo gives to a suite.
    ///
    /// # Errors
    /// If it does not build: then the suite cannot run.
    pub fn built(temporary: &str) -> anyhow::Result<Engine> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dmn-engine");
        let target = Path::new(temporary).join("dmn-engine");
        let cargo = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.args(arguments).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
            command.env_remove("RUSTFLAGS");
            command
        };
        let status = cargo(&["build", "--locked"]).status().context("cargo starts")?;
        ensure!(status.success(), "the engine must build; it needs a C compiler");
        let output = cargo(&["metadata", "--locked", "--format-version", "1"]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(Engine {
            program: target.join("debug/dmn-engine"),
            models: unpacked(&metadata, MODELS).context(MODELS)?.join("src/compatibility"),
            cases: unpacked(&metadata, CASES).context(CASES)?.join("src/tests/compatibility"),
        })
    }

    /// The answers to the cases of each question.
    ///
    /// # Errors
    /// If the engine cannot read a model or a case.
    pub fn ask(&self, questions: &[Question]) -> anyhow::Result<Vec<Vec<Answer>>> {
        let mut engine = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // It reads all before it writes anything.
        let mut stdin = engine.stdin.take().context("it has an input")?;
        let written = stdin.write_all(&serde_json::to_vec(questions)?);
        drop(stdin);
        let output = engine.wait_with_output()?;
        ensure!(output.status.success(), "the engine: {}", String::from_utf8_lossy(&output.stderr));
        written?;
        let answers: Vec<Vec<Answer>> = serde_json::from_slice(&output.stdout)?;
        let asked: Vec<usize> = questions.iter().map(|question| question.cases.len()).collect();
        let answered: Vec<usize> = answers.iter().map(Vec::len).collect();
        ensure!(asked == answered, "the engine was asked {asked:?} and answered {answered:?}");
        Ok(answers)
    }

    /// The models of the suite by name, such as `2_0004`.
    ///
    /// # Errors
    /// If the package lies there otherwise than expected.
    pub fn models(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut models = Vec::new();
        for level in std::fs::read_dir(&self.models).with_context(|| self.models.display().to_string())? {
            let level = level?.path();
            if !level.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(level)? {
                let path = entry?.path();
                if path.extension().is_some_and(|ending| ending == "dmn") {
                    let name = path.file_stem().and_then(|name| name.to_str()).context("a name")?;
                    models.push((name.to_owned(), std::fs::read_to_string(&path)?));
                }
            }
        }
        models.sort();
        Ok(models)
    }

    /// The cases of the suite for one model; none for a model that the suite asks nothing.
    ///
    /// # Errors
    /// If the package lies there otherwise than expected.
    pub fn cases(&self, model: &str) -> anyhow::Result<Vec<Case>> {
        let level = match model.split_once('_') {
            Some((level @ ("2" | "3"), _)) => format!("level_{level}"),
            _ => "non_compliant".to_owned(),
        };
        let file = self.cases.join(level).join(format!("dmn_{}.rs", model.to_lowercase()));
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(cases_in(&text))
    }
}

/// The cases that stand one after another as tests: a context, a name and a result. A case with its
/// parts elsewhere is left out.
fn cases_in(text: &str) -> Vec<Case> {
    let between = |text: &str, before: &str, after: &str| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(inner, _)| inner.to_owned())
    };
    let case = |test: &str| {
        let name = between(test, "let invocable = \"", "\"").or(between(test, "&MODEL_NAME, \"", "\""))?;
        let (_, expected) = test.rsplit_once("r#\"")?;
        Some(Case {
            name,
            given: between(test, "context(r#\"", "\"#")?,
            expected: expected.split_once("\"#")?.0.to_owned(),
        })
    };
    text.split("#[test]").skip(1).filter_map(case).collect()
}
