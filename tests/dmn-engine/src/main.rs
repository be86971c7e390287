//! Answers what a DMN engine that is not ours makes of a table: questions as JSON on stdin, answers
//! as JSON on stdout.

use dsntk_feel::FeelScope;
use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel_evaluator::evaluate;
use dsntk_feel_parser::{parse_context, parse_textual_expression};
use dsntk_model::{DmnElement, NamedElement};
use dsntk_model_evaluator::ModelEvaluator;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{Read, Write};

/// One table and what is asked of it.
#[derive(Deserialize)]
struct Question {
    /// The model, as XML.
    model: String,
    /// The decision or business knowledge model.
    name: String,
    /// The expressions of the table's inputs.
    columns: Vec<String>,
    /// Contexts in FEEL.
    cases: Vec<String>,
}

/// What came of one case, as FEEL texts.
#[derive(Serialize)]
struct Answer {
    /// The values of the columns.
    columns: Vec<String>,
    /// The result.
    result: String,
}

fn context(text: &str) -> Result<FeelContext, Box<dyn Error>> {
    let scope = FeelScope::default();
    let node = parse_context(&scope, text, false).map_err(|fault| format!("`{text}`: {fault}"))?;
    match evaluate(&scope, &node) {
        Value::Context(context) => Ok(context),
        other => Err(format!("`{text}` is no context but {other}").into()),
    }
}

fn answers(question: &Question) -> Result<Vec<Answer>, Box<dyn Error>> {
    let definitions = dsntk_model::parse(&question.model).map_err(|fault| fault.to_string())?;
    let (namespace, name) = (definitions.namespace().to_string(), definitions.name().to_string());
    let evaluator = ModelEvaluator::new(&[definitions]).map_err(|fault| fault.to_string())?;
    let mut answers = Vec::new();
    for case in &question.cases {
        let given = context(case)?;
        let mut columns = Vec::new();
        for column in &question.columns {
            let scope: FeelScope = given.clone().into();
            let node = parse_textual_expression(&scope, column, false).map_err(|fault| fault.to_string())?;
            columns.push(evaluate(&scope, &node).to_string());
        }
        let result = evaluator.evaluate_invocable(&namespace, &name, &question.name, &given).to_string();
        answers.push(Answer { columns, result });
    }
    Ok(answers)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let questions: Vec<Question> = serde_json::from_str(&text)?;
    let mut all = Vec::new();
    for question in &questions {
        all.push(answers(question).map_err(|fault| format!("{}: {fault}", question.name))?);
    }
    std::io::stdout().write_all(&serde_json::to_vec(&all)?)?;
    Ok(())
}
