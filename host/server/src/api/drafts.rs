//! What a policy's owner asks before anybody else sees a change: checked, tried, explained, compared,
//! formatted. Each answers about a document that is sent, or else about the policy that stands; nothing
//! is stored and nothing decided.

use super::backtest::on_record;
use super::view::{
    DifferenceView, EvaluationView, FormattedView, FoundView, RanView, ReportView, SuggestedView,
};
use crate::asked::{Line, Members, Place, Question};
use crate::busy;
use crate::door::Caller;
use crate::limits::{DOCUMENT_FAULTS_MAX, INPUT_VALUES_MAX, POLICY_BYTES_MAX};
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::{Extension, Json};
use countersign_core::document::{Fault, SourceFile};
use countersign_core::hash::Digest;
use countersign_core::id::IntentTypeName;
use countersign_core::intent::Raw;
use countersign_core::policy::Policy;
use countersign_core::policy::check::{Report, check_with};
use countersign_core::policy::coverage::Fired;
use countersign_core::policy::diff::Difference;
use countersign_core::policy::example::Ran;
use countersign_core::policy::given::{self, Asked, Misread};
use countersign_core::policy::mutant::Suggested;
use countersign_core::policy::stop::{Stop, Stopped};
use countersign_core::publish::Found;
use countersign_core::rulebook::{Rulebook, formatted};
use countersign_core::time::Timestamp;
use countersign_engine::history;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use utoipa::ToSchema;

/// What the member `policy` of a body must be.
pub(super) const DOCUMENT: &str = "the text of a policy";
/// What the member `since` of a body must be.
pub(super) const DAYS: &str = "a number of days such as `90d`";
/// What a value of an input must be.
const VALUE: &str =
    "text as the tables write it, such as `12%`, or a list of such texts for the elements of a list";

/// A document in the place of the policy that stands.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct DraftBody {
    /// The whole text of a policy; the one that stands if it is left out.
    policy: Option<String>,
}

/// What is checked.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct CheckBody {
    /// The whole text of a policy; the one that stands if it is left out.
    policy: Option<String>,
    /// Count what fired in the log in the last so many days, such as `90d`; nothing is counted if it is
    /// left out.
    #[schema(example = "90d", pattern = "^[0-9]{1,4}d$")]
    since: Option<String>,
}

/// What is to be decided, and by which policy.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ExplainBody {
    /// The whole text of a policy; the one that stands if it is left out.
    policy: Option<String>,
    /// The values of this example of the policy are taken; `inputs` changes them.
    case: Option<String>,
    /// Values by the names of inputs, tokens and facts alike, as the tables write them; for an input of
    /// a list's elements, one value an element. What is left out has no value. A policy with components
    /// takes the other tokens and facts of its intent type too, a record by its id.
    #[schema(example = json!({"discount_percent": "12%", "clause.topic": ["liability", "data"]}))]
    inputs: Option<BTreeMap<String, InputBody>>,
}

/// The value of an input, or one value for each element of a list.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
#[serde(untagged)]
pub(crate) enum InputBody {
    /// As the tables write it.
    One(String),
    /// The same, element by element.
    Each(Vec<String>),
}

/// What is compared.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct DiffBody {
    /// The whole text of the changed policy.
    policy: String,
    /// Content address of the version that it is compared with; the one that stands if it is left out.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    version: Option<String>,
}

/// What is formatted.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct FormatBody {
    /// The whole text of a policy.
    policy: String,
}

/// Checks a policy: gaps, overlaps, dead rows, seats that nobody can fill, examples, promises, moved
/// bounds, coverage.
///
/// What is wrong with it is the answer, not a problem: `passes` says whether it could be published, and
/// `faults` why it cannot even be read.
#[utoipa::path(
    post, path = "/v1/policies/{name}/check", tag = "policies", operation_id = "check_policy",
    request_body = CheckBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "what was found", body = ReportView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn check(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<Report>, Problem> {
    let mut members = Members::of(body, &["policy", "since"]);
    let days = members.optional("since", DAYS, history::days);
    let draft = Draft::of(&host, &name, members)?;
    let fired = match days {
        None => Fired::default(),
        Some(days) => {
            super::all_seen(&host, &caller, &draft.intent)?;
            let walk = history::fired(&**host.engine.store(), draft.intent.clone(), days, draft.now);
            on_record(&host, line.clone(), walk, "check --since DAYS --data DIR").await?
        }
    };
    busy::proved(&host, line, move |stop| draft.checked(&fired, stop)).await.map(Json)
}

/// What the check finds in a document, or in the policy that stands; what fired on the record is not counted.
pub(crate) async fn looked_at(
    host: &Host,
    line: Line,
    intent: IntentTypeName,
    document: Option<String>,
) -> Result<Report, Problem> {
    let draft = Draft { rulebook: host.engine.rulebook(), intent, document, now: host.engine.now() };
    busy::proved(host, line, move |stop| draft.checked(&Fired::default(), stop)).await
}

/// What was found, one shape for what is checked and for what was put on record of it.
pub(crate) fn found(report: &Report) -> Vec<FoundView> {
    report.findings().map(|finding| FoundView::from(&Found::of_finding(finding))).collect()
}

/// Runs the examples of a policy. One that fails is the answer, not a problem.
#[utoipa::path(
    post, path = "/v1/policies/{name}/test", tag = "policies", operation_id = "test_policy",
    request_body = DraftBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "each example with its answer", body = RanView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn test(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<Ran>, Problem> {
    let draft = Draft::of(&host, &name, Members::of(body, &["policy"]))?;
    busy::proved(&host, line, move |stop| Ok(Ran::of(&draft.policy()?, stop)?)).await.map(Json)
}

/// Writes the examples that would notice the edges that no example of a policy tests.
///
/// Each of them passes: whether its answer is the right one is for the owner to say.
#[utoipa::path(
    post, path = "/v1/policies/{name}/suggest", tag = "policies", operation_id = "suggest_examples",
    request_body = DraftBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "the examples that it lacks", body = SuggestedView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn suggest(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<Suggested>, Problem> {
    let draft = Draft::of(&host, &name, Members::of(body, &["policy"]))?;
    busy::proved(&host, line, move |stop| Ok(Suggested::of(&draft.policy()?, stop)?)).await.map(Json)
}

/// Says what a policy answers to these inputs, and why: its tables, and those of its components that are
/// installed. Nothing is decided or recorded.
#[utoipa::path(
    post, path = "/v1/policies/{name}/explain", tag = "policies", operation_id = "explain_policy",
    request_body = ExplainBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "the answer, in words too", body = EvaluationView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn explain(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<EvaluationView>, Problem> {
    let mut members = Members::of(body, &["policy", "case", "inputs"]);
    let case = members.optional("case", "the name of an example", whole);
    let inputs = Inputs::of(&mut members);
    let draft = Draft::of(&host, &name, members)?;
    let counts = super::may_count(&host, &caller, &draft.intent);
    let (engine, runtime) = (host.engine.clone(), Handle::current());
    let explained = move |stop: &Stop<'_>| {
        let policy = draft.policy()?;
        let asked = Asked { case: case.as_deref(), inputs: &inputs.values };
        let (tokens, facts) = given::asked(&policy, draft.rulebook.intent_type(&draft.intent), asked)
            .map_err(|wrong| inputs.problem(&wrong))?;
        if stop.is_asked() {
            return Err(Stopped.into());
        }
        // Here, where there is a place for it: components are asked for real decisions too.
        let explained = runtime.block_on(engine.explained(&policy, &tokens, &facts))?;
        let spending = if counts { runtime.block_on(engine.spending(&draft.intent))? } else { None };
        let budget = spending.filter(|spending| spending.stops().is_some()).map(|spending| spending.words());
        Ok(EvaluationView { budget, ..EvaluationView::explained(&explained) })
    };
    busy::proved(&host, line, explained).await.map(Json)
}

/// Shows exactly which requests a changed policy decides otherwise.
#[utoipa::path(
    post, path = "/v1/policies/{name}/diff", tag = "policies", operation_id = "diff_policy",
    request_body = DiffBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "every region that is decided otherwise", body = DifferenceView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn diff(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<Difference>, Problem> {
    let rulebook = host.engine.rulebook();
    let intent = named(&rulebook, &name)?;
    let mut members = Members::of(body, &["policy", "version"]);
    let text = members.required("policy", DOCUMENT, whole);
    let known = format!("a version of `{intent}`; `GET /v1/policies/{intent}` lists them");
    let version = members.optional("version", &known, |text| {
        Digest::parse(text).filter(|version| rulebook.policy_version(&intent, version).is_some())
    });
    members.checked()?;
    compared(&host, line, intent, (version, text.unwrap_or_default())).await.map(Json)
}

/// What a document decides otherwise than a version; than the one that stands, if none is named.
pub(crate) async fn compared(
    host: &Host,
    line: Line,
    intent: IntentTypeName,
    (version, text): (Option<Digest>, String),
) -> Result<Difference, Problem> {
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let compared = move |stop: &Stop<'_>| {
        let was = match version {
            Some(version) => rulebook.policy_version(&intent, &version),
            None => rulebook.standing(&intent, now),
        };
        let was = was.ok_or_else(|| Problem::unknown("policy", intent.as_str()))?;
        let new = changed(&rulebook, &intent, text)?;
        Ok(Difference::between(was, &new, stop)?)
    };
    busy::proved(host, line, compared).await
}

/// Aligns the tables of a policy and changes nothing else; only its shape is looked at. Done twice it is
/// as done once.
#[utoipa::path(
    post, path = "/v1/policies/{name}/format", tag = "policies", operation_id = "format_policy",
    request_body = FormatBody,
    params(("name" = String, Path, description = "the intent type that the policy decides")),
    responses(
        (status = 200, description = "the formatted document", body = FormattedView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn format(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    Question(body): Question<POLICY_BYTES_MAX>,
) -> Result<Json<FormattedView>, Problem> {
    let intent = named(&host.engine.rulebook(), &name)?;
    let mut members = Members::of(body, &["policy"]);
    let text = members.required("policy", DOCUMENT, whole);
    members.checked()?;
    let file = file(&intent, text.unwrap_or_default());
    let aligned = move |_: &Stop<'_>| {
        let policy = formatted(&file).map_err(|faults| unsound(&faults))?;
        Ok(FormattedView { changed: policy != file.text, policy })
    };
    busy::proved(&host, line, aligned).await.map(Json)
}

/// A policy that a question is about: a document, or the one that stands.
struct Draft {
    rulebook: Arc<Rulebook>,
    intent: IntentTypeName,
    document: Option<String>,
    now: Timestamp,
}

impl Draft {
    /// What a body without any further member asks about.
    fn of(host: &Host, name: &str, mut members: Members) -> Result<Draft, Problem> {
        let rulebook = host.engine.rulebook();
        let intent = named(&rulebook, name)?;
        let document = members.optional("policy", DOCUMENT, whole);
        members.checked()?;
        Ok(Draft { rulebook, intent, document, now: host.engine.now() })
    }

    /// The policy, if its document is sound.
    fn policy(&self) -> Result<Policy, Problem> {
        match &self.document {
            Some(text) => changed(&self.rulebook, &self.intent, text.clone()),
            None => self.standing().cloned(),
        }
    }

    fn standing(&self) -> Result<&Policy, Problem> {
        let standing = self.rulebook.standing(&self.intent, self.now);
        standing.ok_or_else(|| Problem::unknown("policy", self.intent.as_str()))
    }

    /// What the check finds; a document that cannot be read is an answer too.
    fn checked(&self, fired: &Fired, stop: &Stop<'_>) -> Result<Report, Problem> {
        let policy = match &self.document {
            None => self.standing()?.clone(),
            Some(text) => match self.rulebook.trying(&file(&self.intent, text.clone())) {
                Ok(policy) => of_type(policy, &self.intent)?,
                Err(mut faults) => {
                    faults.truncate(DOCUMENT_FAULTS_MAX);
                    return Ok(Report { faults, policies: Vec::new() });
                }
            },
        };
        let policies = check_with(&self.rulebook, &policy, self.now, fired, stop)?.into_iter().collect();
        Ok(Report { faults: Vec::new(), policies })
    }
}

/// Values of inputs, and where each stands in the body.
#[derive(Debug, Default)]
struct Inputs {
    values: Vec<(String, String)>,
    pointers: Vec<String>,
}

impl Inputs {
    /// Takes the member `inputs` out.
    fn of(members: &mut Members) -> Inputs {
        let mut inputs = Inputs::default();
        let named = match members.take("inputs") {
            None => return inputs,
            Some(Raw::Map(named)) => named,
            Some(other) => {
                members.flaw(Flaw::new("/inputs", "an object of values by input", other.found()));
                return inputs;
            }
        };
        let count = named.iter().fold(0_usize, |count, (_, raw)| match raw {
            Raw::List(elements) => count.saturating_add(elements.len()),
            Raw::Null
            | Raw::Bool(_)
            | Raw::Integer(_)
            | Raw::Float
            | Raw::TooLarge
            | Raw::Text(_)
            | Raw::Map(_) => count.saturating_add(1),
        });
        if INPUT_VALUES_MAX < count {
            let expected = format!("at most {INPUT_VALUES_MAX} values");
            members.flaw(Flaw::new("/inputs", expected, format!("{count} values")));
            return inputs;
        }
        for (name, raw) in named {
            let pointer = format!("/inputs/{}", name.replace('~', "~0").replace('/', "~1"));
            match raw {
                Raw::List(elements) => {
                    for (index, element) in elements.into_iter().enumerate() {
                        inputs.add(&name, format!("{pointer}/{index}"), element, members);
                    }
                }
                one => inputs.add(&name, pointer, one, members),
            }
        }
        inputs
    }

    fn add(&mut self, name: &str, pointer: String, raw: Raw, members: &mut Members) {
        match raw {
            Raw::Text(text) => {
                self.values.push((name.to_owned(), text.trim().to_owned()));
                self.pointers.push(pointer);
            }
            other => members.flaw(Flaw::new(pointer, VALUE, other.found())),
        }
    }

    /// Everything that could not be read, each at its place.
    fn problem(&self, wrong: &[Misread]) -> Problem {
        let flaw = |misread: &Misread| match misread {
            Misread::Example { .. } => Flaw::new("/case", "an example of the policy", misread.to_string()),
            Misread::Input { index, message } => {
                let pointer = self.pointers.get(*index).cloned().unwrap_or_default();
                Flaw::new(pointer, "a value as the tables of the policy write it", message.clone())
            }
        };
        let help = "correct every listed place and send it again; nothing was stored";
        let flaws = wrong.iter().take(DOCUMENT_FAULTS_MAX).map(flaw).collect();
        Problem::new("CS-E0203", "these inputs cannot be read", help).with_errors(flaws)
    }
}

/// A text as it is.
#[expect(clippy::unnecessary_wraps, reason = "what reads a member says whether it takes it")]
pub(super) fn whole(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The intent type of this name.
pub(super) fn named(rulebook: &Rulebook, name: &str) -> Result<IntentTypeName, Problem> {
    let intent = IntentTypeName::parse(name).ok().filter(|name| rulebook.intent_type(name).is_some());
    intent.ok_or_else(|| Problem::unknown("intent type", name))
}

/// A document as the file that it would be.
pub(crate) fn file(intent: &IntentTypeName, text: String) -> SourceFile {
    SourceFile { path: format!("{intent}.policy.md"), text }
}

/// The changed policy among the rules in force, or every place where it does not fit.
pub(super) fn changed(rulebook: &Rulebook, intent: &IntentTypeName, text: String) -> Result<Policy, Problem> {
    let policy = rulebook.trying(&file(intent, text)).map_err(|faults| unsound(&faults))?;
    of_type(policy, intent)
}

fn of_type(policy: Policy, intent: &IntentTypeName) -> Result<Policy, Problem> {
    if policy.intent == *intent {
        return Ok(policy);
    }
    let found = format!("one of `{}`", policy.intent);
    Err(unsound_at(vec![Flaw::new("/policy", format!("a policy of `{intent}`"), found)]))
}

fn unsound(faults: &[Fault]) -> Problem {
    unsound_at(faults.iter().take(DOCUMENT_FAULTS_MAX).map(Flaw::of_document).collect())
}

fn unsound_at(flaws: Vec<Flaw>) -> Problem {
    let help = "correct every listed place and send it again; `countersign policy check` says more";
    Problem::new("CS-E0203", "the policy is not sound", help).with_errors(flaws)
}
