//! `countersign intent`: ask for something, see where it stands, take it back.

mod show;

use super::Global;
use crate::client::{Change, Client, typed};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::{Context as _, Result};
use countersign_server::api::view::{IntentRow, IntentView, Listed, ReplayView, TimelineView};
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Largest file of tokens: as much as a host takes.
const TOKENS_BYTES_MAX: u64 = 256 * 1024;
/// Wait between two looks at an intent.
const LOOK_MS: u64 = 500;

/// What to do with intents.
#[derive(Debug, clap::Subcommand)]
pub enum Intent {
    /// Ask for something
    Submit(Submit),
    /// List intents, the newest first
    List(List),
    /// Show one: what the policy says, who must decide, what will be written, what became of it
    Show {
        /// The intent
        id: String,
    },
    /// Read what its targets hold now, and show it beside what was approved and what was written
    Reconcile {
        /// The intent
        id: String,
    },
    /// Make every answer of the policy and every seal again, from what the log holds; 1 if one comes out otherwise
    Replay {
        /// The intent
        id: String,
    },
    /// Follow one until it is closed
    Watch {
        /// The intent
        id: String,
    },
    /// Answer what you were asked about one of yours
    Answer {
        /// The intent
        id: String,
        /// The answer
        #[arg(long, value_name = "TEXT")]
        words: String,
        /// Which question, by its number; not needed while only one is open
        #[arg(long, value_name = "NUMBER")]
        question: Option<u32>,
        /// The revision that you read
        #[arg(long)]
        revision: u32,
    },
    /// Ask for something else under the same intent; decisions that it does not touch stand
    Amend {
        /// The intent
        id: String,
        /// The revision that you read
        #[arg(long)]
        revision: u32,
        /// JSON object of the tokens that change; `-` reads it from stdin
        #[arg(long, value_name = "FILE")]
        tokens: Option<PathBuf>,
        /// One token that changes: `name=text`, or `name:=JSON`
        #[arg(long = "set", value_name = "NAME=TEXT")]
        set: Vec<String>,
    },
    /// Say something about one that moves nothing
    Comment {
        /// The intent
        id: String,
        /// The comment
        #[arg(long, value_name = "TEXT")]
        words: String,
    },
    /// Have everybody reminded who has not decided on one of yours
    Remind {
        /// The intent
        id: String,
    },
    /// Put a seat or an exception of somebody else into other hands, as an administrator
    Reassign {
        /// The intent
        id: String,
        /// Whose seat
        #[arg(long, value_name = "PERSON", required_unless_present = "exception")]
        from: Option<String>,
        /// Which exception
        #[arg(long, value_name = "EXCEPTION", conflicts_with = "from")]
        exception: Option<String>,
        /// Who has it from now on
        #[arg(long, value_name = "PERSON")]
        to: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The revision that you read
        #[arg(long)]
        revision: u32,
    },
    /// Take one back that you asked for
    Withdraw {
        /// The intent
        id: String,
        /// The revision that you read
        #[arg(long)]
        revision: u32,
    },
}

/// Something new.
#[derive(Debug, clap::Args)]
pub struct Submit {
    /// The intent type, such as `discount`
    pub intent_type: String,
    /// JSON object of tokens; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// One token: `name=text`, or `name:=JSON`
    #[arg(long = "set", value_name = "NAME=TEXT")]
    pub set: Vec<String>,
    /// Wait until it is prepared, at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub wait: u64,
    /// Idempotency key; the same key asks for the same thing only once
    #[arg(long)]
    pub key: Option<String>,
    /// Try out an intent type that is a draft: it is written like every intent, and counted nowhere
    #[arg(long)]
    pub trial: bool,
}

/// Which ones.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only this intent type
    #[arg(long = "type", value_name = "TYPE")]
    pub intent_type: Option<String>,
    /// Only those that stand here: preparing, unsettled, seated, returned, executing, done, declined, withdrawn
    #[arg(long)]
    pub state: Option<String>,
    /// Only those that this person asked for; `me` is you
    #[arg(long, value_name = "PERSON")]
    pub requester: Option<String>,
    /// Only those that wait for this person's decision; `me` is you
    #[arg(long, value_name = "PERSON")]
    pub seat: Option<String>,
    /// Only those that wait for this person's answer; `me` is you
    #[arg(long, value_name = "PERSON")]
    pub question: Option<String>,
    /// Only those that were decided against the policy for this reason; `any` is any
    #[arg(long = "override", value_name = "OVERRIDE_REASON")]
    pub overridden: Option<String>,
    /// Only those whose glass was broken, whatever came of it
    #[arg(long)]
    pub glass_broken: bool,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

/// Runs one of them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Intent, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    match command {
        Intent::Submit(submit) => submitted(submit, &client, global).await?,
        Intent::List(list) => listed(&list, &client, global).await?,
        Intent::Show { id } => shown(&id, &client, global).await?,
        Intent::Reconcile { id } => reconciled(&id, &client, global).await?,
        Intent::Replay { id } => return replayed(&id, &client, global).await,
        Intent::Watch { id } => watched(&id, &client, global).await?,
        Intent::Answer { id, words, question, revision } => {
            let mut body = json!({ "words": words });
            if let Some(question) = question {
                body["question"] = json!(question);
            }
            let path = place(&id, "/answers")?;
            let change = Change { path: &path, body: &body, revision: Some(revision), key: None };
            changed(&client.change(&change).await?, global)?;
        }
        Intent::Amend { id, revision, tokens, set } => {
            let now = client.get(&place(&id, "")?).await?;
            let mut all = typed::<IntentView>(&now)?.tokens.into_iter().collect::<Map<_, _>>();
            all.extend(said(tokens.as_deref(), &set)?);
            let (path, body) = (place(&id, "/amendments")?, json!({ "tokens": all }));
            let change = Change { path: &path, body: &body, revision: Some(revision), key: None };
            changed(&client.change(&change).await?, global)?;
        }
        Intent::Comment { id, words } => {
            let (path, body) = (place(&id, "/comments")?, json!({ "words": words }));
            let change = Change { path: &path, body: &body, revision: None, key: None };
            changed(&client.change(&change).await?, global)?;
        }
        Intent::Remind { id } => {
            let path = place(&id, "/reminders")?;
            let change = Change { path: &path, body: &json!({}), revision: None, key: None };
            changed(&client.change(&change).await?, global)?;
        }
        Intent::Reassign { id, from, exception, to, reason, revision } => {
            let mut body = json!({ "to": to, "reason": reason });
            let what = from.map(|from| ("from", from)).or(exception.map(|id| ("exception", id)));
            if let Some((name, value)) = what {
                body[name] = json!(value);
            }
            let path = place(&id, "/reassignments")?;
            let change = Change { path: &path, body: &body, revision: Some(revision), key: None };
            changed(&client.change(&change).await?, global)?;
        }
        Intent::Withdraw { id, revision } => {
            let path = place(&id, "/withdrawals")?;
            let change = Change { path: &path, body: &json!({}), revision: Some(revision), key: None };
            changed(&client.change(&change).await?, global)?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// The address of an intent, or of something below it.
///
/// # Errors
/// If `id` could be more than an id.
pub(super) fn place(id: &str, below: &str) -> Result<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let failure = Failure::new(exit::USAGE, format!("`{}` is no id such as `int_...`", plain(id)));
        return Err(failure.with_help("`countersign intent list` shows them").into());
    }
    Ok(format!("/v1/intents/{id}{below}"))
}

/// Prints an intent as the host answered it.
///
/// # Errors
/// If it has another shape, or stdout cannot be written.
pub(super) fn printed(body: &Value, global: &Global) -> Result<()> {
    if global.json { output::json(body) } else { show::intent(&typed(body)?) }
}

/// The tokens of a file and those that were set beside it.
fn said(file: Option<&Path>, set: &[String]) -> Result<Map<String, Value>> {
    let mut tokens = file.map_or_else(|| Ok(Map::new()), read_tokens)?;
    for text in set {
        let (name, value) = token(text)?;
        tokens.insert(name, value);
    }
    Ok(tokens)
}

/// Prints an intent with its story.
async fn shown(id: &str, client: &Client, global: &Global) -> Result<()> {
    let body = client.get(&place(id, "")?).await?;
    if global.json {
        return output::json(&body);
    }
    show::intent(&typed(&body)?)?;
    show::story(&typed(&client.get(&place(id, "/timeline")?).await?)?)
}

/// Prints what the targets of an intent hold now.
async fn reconciled(id: &str, client: &Client, global: &Global) -> Result<()> {
    let body = client.get(&place(id, "/reconciliation")?).await?;
    if global.json { output::json(&body) } else { show::reconciliation(&typed(&body)?) }
}

/// Prints what comes of deciding an intent again.
async fn replayed(id: &str, client: &Client, global: &Global) -> Result<ExitCode> {
    let body = client.get(&place(id, "/replay")?).await?;
    let replay: ReplayView = typed(&body)?;
    if global.json {
        output::json(&body)?;
    } else {
        show::replay(&replay)?;
    }
    Ok(ExitCode::from(if replay.same { exit::DONE } else { exit::NO }))
}

/// Prints what a command has changed about an intent.
///
/// # Errors
/// If it has another shape, or stdout cannot be written.
pub(super) fn changed(body: &Value, global: &Global) -> Result<()> {
    if global.json { output::json(body) } else { show::changed(&typed(body)?) }
}

async fn submitted(submit: Submit, client: &Client, global: &Global) -> Result<()> {
    let tokens = said(submit.tokens.as_deref(), &submit.set)?;
    let mut body = json!({ "type": submit.intent_type, "tokens": tokens });
    if submit.trial {
        body["trial"] = json!(true);
    }
    let change = Change { path: "/v1/intents", body: &body, revision: None, key: submit.key.as_deref() };
    let mut answer = client.change(&change).await?;
    let id = typed::<IntentView>(&answer)?.id;
    let path = place(&id, "")?;
    for _ in 0..submit.wait * 1_000 / LOOK_MS {
        if answer["state"] != "preparing" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        answer = client.get(&path).await?;
    }
    printed(&answer, global)
}

fn read_tokens(file: &Path) -> Result<Map<String, Value>> {
    let shown = file.display();
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(TOKENS_BYTES_MAX)
            .read_to_string(&mut text)
            .context("stdin cannot be read")?;
    } else {
        let source = std::fs::File::open(file).with_context(|| format!("`{shown}` cannot be read"))?;
        source
            .take(TOKENS_BYTES_MAX)
            .read_to_string(&mut text)
            .with_context(|| format!("`{shown}` cannot be read"))?;
    }
    serde_json::from_str(&text).map_err(|fault| {
        let message =
            format!("{shown}:{}:{}: this is no JSON object of tokens", fault.line(), fault.column());
        Failure::new(exit::USAGE, message).with_help("such as {\"customer_id\": \"...\"}").into()
    })
}

/// One token of the command line.
fn token(text: &str) -> Result<(String, Value)> {
    let failure = |what: &str| {
        let message = format!("`{}` is no token: {what}", plain(text));
        Failure::new(exit::USAGE, message).with_help("write `name=text`, or `name:=JSON`")
    };
    let (name, value) = text.split_once('=').ok_or_else(|| failure("it has no `=`"))?;
    match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(value).map_err(|_| failure("what follows `:=` is no JSON"))?;
            Ok((name.to_owned(), value))
        }
        None => Ok((name.to_owned(), Value::String(value.to_owned()))),
    }
}

async fn listed(list: &List, client: &Client, global: &Global) -> Result<()> {
    let filters = [
        ("type", &list.intent_type),
        ("state", &list.state),
        ("requester", &list.requester),
        ("seat", &list.seat),
        ("question", &list.question),
        ("override", &list.overridden),
        ("glass", &list.glass_broken.then(|| "broken".to_owned())),
    ];
    let filters: Vec<(&str, &str)> =
        filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let body = client.list("/v1/intents", &filters, list.limit).await?;
    if global.json {
        return output::json(&body);
    }
    let mut table = Table::new(&["intent", "type", "state", "requester", "subject", "submitted", "due"]);
    for row in typed::<Listed<IntentRow>>(&body)?.items {
        let (subject, due) = (row.subject.unwrap_or_default(), row.due.unwrap_or_default());
        let intent_type = if row.trial { format!("{} (trial)", row.intent_type) } else { row.intent_type };
        table.row([row.id, intent_type, row.state, row.requester, subject, row.submitted, due]);
    }
    table.print()
}

/// Prints every entry of an intent's life as it comes, until it is closed.
async fn watched(id: &str, client: &Client, global: &Global) -> Result<()> {
    let (timeline, whole) = (place(id, "/timeline")?, place(id, "")?);
    let mut seen = 0;
    loop {
        // The state is read first: what is closed then has all its entries in the timeline.
        let state = typed::<IntentView>(&client.get(&whole).await?)?.state;
        for entry in typed::<TimelineView>(&client.get(&timeline).await?)?.entries {
            if entry.sequence <= seen {
                continue;
            }
            seen = entry.sequence;
            if global.json {
                output::line(&serde_json::to_string(&entry)?)?;
            } else {
                output::line(&plain(&format!("{}  {}  {}", entry.at, entry.by, entry.words)))?;
            }
        }
        if ["done", "undone", "declined", "withdrawn"].contains(&state.as_str()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_text_unless_it_says_that_it_is_json() {
        let check = |text: &str, expected: Option<(&str, Value)>| {
            let expected = expected.map(|(name, value)| (name.to_owned(), value));
            assert_eq!(token(text).ok(), expected, "{text}");
        };
        check("percent=12.5%", Some(("percent", json!("12.5%"))));
        check("months=12", Some(("months", json!("12"))));
        check("months:=12", Some(("months", json!(12))));
        check("amount:={\"amount\": \"1.00\"}", Some(("amount", json!({ "amount": "1.00" }))));
        check("note=a=b", Some(("note", json!("a=b"))));
        check("months:=twelve", None);
        check("months", None);
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        assert_eq!(place("int_01", "/plan").ok().as_deref(), Some("/v1/intents/int_01/plan"));
        for bad in ["", "..", "int_1/../x", "int_1?x=1"] {
            assert!(place(bad, "").is_err(), "{bad}");
        }
    }
}
