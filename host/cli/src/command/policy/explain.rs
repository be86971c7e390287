//! `countersign policy explain`: what a policy answers, and why; the one of the files unless a host is asked.

use super::show::place;
use super::{Global, now, read, rules, unknown};
use crate::client::{Client, typed};
use crate::config;
use crate::exit;
use crate::output::{self, Failure, plain};
use crate::wire;
use anyhow::Result;
use countersign_core::intent::value::{Facts, Tokens};
use countersign_core::policy::Policy;
use countersign_core::policy::explain::captured;
use countersign_core::policy::given::{self, Asked};
use countersign_core::rulebook::Rulebook;
use countersign_engine::contributions::explained;
use countersign_server::api::view::EvaluationView;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the help page ends with.
const EXAMPLE: &str = "\
Example: a deal, and a redline of two clauses
  countersign policy explain discount --case \"thin renewal\" --input discount_percent=12%
  countersign policy explain contract_redline --input contract_value=80_000 --input paper=ours \\
    --input clause.topic=data --input clause.position=standard \\
    --input clause.topic=liability --input clause.position=beyond";

/// What to decide.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Explain {
    /// Intent type whose policy answers
    #[arg(value_name = "INTENT-TYPE")]
    pub intent: String,
    /// Value of an input as the tables write it, such as `discount_percent=12%`; a dotted name
    /// that comes again is that of the next element. Where the policy has components, every other
    /// token and fact of the intent type too, a record by its id
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub input: Vec<(String, String)>,
    /// Take the values of this example; `--input` changes them
    #[arg(long, value_name = "EXAMPLE")]
    pub case: Option<String>,
    /// Say too which facts were read, and the digests of facts and inputs
    #[arg(long)]
    pub facts: bool,
    /// Ask the running host, by the policy in force there, instead of the files
    #[arg(long, conflicts_with_all = ["rules", "facts"])]
    pub in_force: bool,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write `NAME=VALUE`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Evaluates the policy of today, or the next one if none is in force yet, and asks those of its
/// components that lie beside the rules or in the data folder.
///
/// # Errors
/// A component that cannot be loaded, rules that cannot be read or are not sound, an unknown intent
/// type, example or input, or a value that its input's type does not hold.
pub(super) async fn run(command: &Explain, global: &Global) -> Result<ExitCode> {
    if command.in_force {
        return told(&from_host(command, global).await?, global);
    }
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let rulebook = read(&files, &folder.display().to_string())?;
    let of_type = |policy: &&Policy| policy.intent.as_str() == command.intent;
    let Some(next) = rulebook.policies().find(of_type) else {
        return Err(unknown(&command.intent, &rulebook).into());
    };
    let policy = rulebook.standing(&next.intent, now()).unwrap_or(next);
    let (tokens, facts) = asked(command, policy, &rulebook)?;
    let data = match config::load(global.config.as_deref()) {
        Ok(settings) => Some(settings.data),
        // Whoever names the rules needs no configuration.
        Err(_) if command.rules.is_some() && global.config.is_none() => None,
        Err(problems) => return Err(problems.into()),
    };
    let installed = wire::components_of(policy, &folder, data.as_deref()).await?;
    let view = EvaluationView::explained(&explained(&*installed, policy, &tokens, &facts).await?);
    let done = told(&view, global)?;
    if command.facts && !global.json {
        captured(&tokens, &facts).lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(done)
}

fn told(view: &EvaluationView, global: &Global) -> Result<ExitCode> {
    if global.json {
        output::json(view)?;
    } else {
        view.text.lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// The answer of the policy that is in force on the running host.
async fn from_host(command: &Explain, global: &Global) -> Result<EvaluationView> {
    let mut inputs: Map<String, Value> = Map::new();
    for (name, value) in &command.input {
        match inputs.get_mut(name) {
            // Of an element's input the next value is that of the next element.
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(one) => *one = json!([one.take(), value]),
            None => drop(inputs.insert(name.clone(), json!(value))),
        }
    }
    let mut body = json!({ "inputs": inputs });
    if let Some(case) = &command.case {
        body["case"] = json!(case);
    }
    let path = format!("{}/explain", place(&command.intent, None)?);
    typed(&Client::of(global)?.question(&path, &body).await?)
}

/// The inputs as tokens and facts.
fn asked(command: &Explain, policy: &Policy, rulebook: &Rulebook) -> Result<(Tokens, Facts)> {
    let asked = Asked { case: command.case.as_deref(), inputs: &command.input };
    let found = given::asked(policy, rulebook.intent_type(&policy.intent), asked).map_err(|wrong| {
        let mut failure = Failure::new(exit::USAGE, "these inputs cannot be read");
        failure.places = wrong.iter().map(ToString::to_string).collect();
        failure.with_help(format!("write them as the tables of `{}` do", policy.path))
    })?;
    Ok(found)
}
