//! The whole of one intent: what was asked, what the policy says, who must decide, what will be
//! written, what became of it, and what the caller may do now.

use super::effect::{self, EffectView};
use super::evaluation::EvaluationView;
use super::exception::{self, BurnView, ExceptionView};
use super::override_::{BrokenView, OverrideView};
use super::plan::PlanView;
use super::policy::PolicyChangeView;
use super::readiness::ReadinessView;
use super::seat::{self, ProgressView, QuestionView, SeatView};
use super::shared_change::SharedChangeView;
use super::value::{self, FactView};
use super::withheld::Withheld;
use countersign_core::adopt;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::hand::NotHanded;
use countersign_core::approval::life::{self, Context};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::seat::Order;
use countersign_core::approval::{Approval, Authority, Council, Outcome, Sight, Stage, TokenChange};
use countersign_core::break_glass::BREAK_GLASS;
use countersign_core::exception::Closure;
use countersign_core::going_live::NotLive;
use countersign_core::id::{ExceptionId, IntentTypeName, PersonId};
use countersign_core::intent::{Facts, Raw};
use countersign_core::override_::{Evidence, Instead, Override, Piece};
use countersign_core::policy::Evaluation;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One intent with its whole approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentView {
    /// Its id.
    pub id: String,
    /// Its intent type.
    #[serde(rename = "type")]
    pub intent_type: String,
    /// Its revision: the `ETag`.
    pub revision: u32,
    /// Where it stands: preparing, unsettled, seated, returned, executing, done, declined or withdrawn.
    pub state: String,
    /// Who asked.
    pub requester: String,
    /// When.
    pub submitted: String,
    /// What exactly was asked.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub tokens: BTreeMap<String, Json>,
    /// What the host found out itself.
    pub facts: BTreeMap<String, FactView>,
    /// The policy's answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationView>,
    /// Who must decide.
    pub seats: Vec<SeatView>,
    /// What was amended since people last decided on it, while they are asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amended: Option<AmendedView>,
    /// Why it is decided anew although it was approved before, while people decide: its record was changed elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconsidered: Option<String>,
    /// Why it was sent back, while the requester has to amend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnView>,
    /// What the requester was asked about it, while people decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionView>,
    /// How far the seats are, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// What the caller may do now: approve, decline, send-back, claim, release, ask, delegate, transfer,
    /// recall, add-voice, answer, amend, remind, withdraw, reassign, override, break-glass, comment,
    /// close-exception.
    pub can: Vec<String>,
    /// To whom the caller can delegate or transfer the seat that they may decide in now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<String>,
    /// What will be, or was, written, and the seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
    /// Whether it is a trial of an intent type that is a draft: it counts nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// What it adopts, where it asks for what a target was found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopts: Option<AdoptsView>,
    /// What an intent type goes live on, where that is what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ReadinessView>,
    /// What becomes of a policy, where that is what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PolicyChangeView>,
    /// What becomes of a shared file, where that is what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedChangeView>,
    /// Whether the decision is only recorded: the intent type is `advisory`, and nothing is written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub advisory: bool,
    /// Why people decide on it whatever the policy lets pass: the exception budget of the intent type was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub council: Option<CouncilView>,
    /// What became of each write.
    pub effects: Vec<EffectView>,
    /// What the normal path could not settle.
    pub exceptions: Vec<ExceptionView>,
    /// Who decided against the policy, or means to.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<OverrideView>,
    /// Who answers for the requester, where that is a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// Who broke the glass, however long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<BrokenView>,
    /// How it was decided, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeView>,
    /// Tokens and facts that are not for the caller. What was made of them is not shown either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// Why people decide on an intent whatever its policy lets pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CouncilView {
    /// The route of `routes.md` that they sit in.
    pub route: String,
    /// The figures of the budget when it was decided that they do.
    pub burn: BurnView,
    /// The same in a sentence.
    pub words: String,
}

/// What an intent adopts: what is there instead of what another one wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptsView {
    /// The other intent.
    pub intent: String,
    /// The exception about its write.
    pub exception: String,
}

impl From<&Council> for CouncilView {
    fn from(council: &Council) -> CouncilView {
        CouncilView {
            route: council.route.to_string(),
            burn: (&council.burn).into(),
            words: council.to_string(),
        }
    }
}

/// What is asked for otherwise than when people last decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendedView {
    /// The revision that they decided on.
    pub since: u32,
    /// What has changed, by token.
    pub changes: Vec<TokenChangeView>,
}

/// One token that was amended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenChangeView {
    /// The token.
    pub token: String,
    /// What it was, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What must be otherwise before anybody decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnView {
    /// Who sent it back.
    pub by: String,
    /// Their words.
    pub reason: String,
    /// When it is declined, if it is not amended.
    pub until: String,
}

/// How an intent was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeView {
    /// approved, declined or withdrawn.
    pub decision: String,
    /// By whom: persons, or `policy`.
    pub by: Vec<String>,
    /// On what authority: `policy`, `people`, `override` (one person, against the policy), `fail-open` (it could
    /// not be evaluated, and the policy's owner lets some pass), or `requester`, who took it back.
    pub authority: String,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was closed; absent while effects are on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Who looks, and by which rules: what they may do is part of what they see.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    /// Who looks.
    pub person: &'a PersonId,
    /// The rules in force.
    pub rulebook: &'a Rulebook,
    /// The moment.
    pub now: Timestamp,
}

impl IntentView {
    /// An approval as one person sees it; `None` if it is not for them.
    #[must_use]
    pub fn of(approval: &Approval, looking: Looking<'_>) -> Option<IntentView> {
        let sight = looking.rulebook.sight(approval, looking.person, looking.now);
        if sight == Sight::Nothing {
            return None;
        }
        let mut view = IntentView::whole(approval, looking);
        if let Some(change) = &mut view.change
            && !approval.is_decided_by(looking.person)
        {
            about_others(change, looking);
        }
        Withheld::of(approval, &sight, looking.rulebook).strip_intent(&mut view);
        Some(view)
    }

    /// Where an approval stands and whose it is, and no token and no fact of it.
    #[must_use]
    pub fn outline(approval: &Approval, looking: Looking<'_>) -> IntentView {
        let mut view = IntentView::whole(approval, looking);
        let sight = Sight::Part(approval.named());
        Withheld::of(approval, &sight, looking.rulebook).strip_intent(&mut view);
        view
    }

    fn whole(approval: &Approval, looking: Looking<'_>) -> IntentView {
        let intent = &approval.intent;
        let (seats, questions) = match &approval.stage {
            Stage::Seated { seats, .. } => (seat::seats(seats), seat::questions(seats)),
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Executing { .. }
            | Stage::Closed(_) => (Vec::new(), Vec::new()),
        };
        let case = approval.case();
        let exceptions: Vec<ExceptionView> = approval
            .exceptions
            .iter()
            .map(|(id, found)| {
                let ways: Vec<Closure> =
                    Closure::ALL.into_iter().filter(|by| closes(approval, *id, *by, looking)).collect();
                let mut view = exception::exception(intent.id, *id, found, &ways);
                if adopts(approval, *id, looking) {
                    view.can.push("adopt".to_owned());
                }
                view
            })
            .collect();
        let deputies = life::deputies(approval, looking.person, context(looking));
        let mut can = can(approval, looking, &deputies);
        if exceptions.iter().any(|exception| !exception.can.is_empty()) {
            can.push("close-exception".to_owned());
        }
        IntentView {
            id: intent.id.to_string(),
            intent_type: intent.intent_type.to_string(),
            revision: intent.revision,
            state: approval.stage.as_str().to_owned(),
            requester: intent.requester.to_string(),
            submitted: intent.submitted.to_string(),
            tokens: value::tokens(&intent.tokens),
            facts: case.map(|case| facts(&case.facts)).unwrap_or_default(),
            evaluation: evaluation(approval).map(EvaluationView::from),
            progress: (!seats.is_empty()).then(|| seat::progress(&seats)),
            seats,
            amended: amended(approval),
            reconsidered: reconsidered(approval),
            returned: returned(approval),
            questions,
            can,
            deputies: deputies.iter().map(ToString::to_string).collect(),
            plan: case.map(PlanView::from),
            change: case.and_then(|case| case.change.as_deref()).map(PolicyChangeView::from),
            shared: case.and_then(|case| case.shared.as_deref()).map(SharedChangeView::from),
            trial: intent.trial.is_some(),
            adopts: intent.adopts.map(|adopts| AdoptsView {
                intent: adopts.intent.to_string(),
                exception: adopts.exception.to_string(),
            }),
            readiness: case.and_then(|case| case.readiness.as_deref()).map(ReadinessView::from),
            advisory: case.is_some_and(|case| case.advisory),
            council: case.and_then(|case| case.council.as_deref()).map(CouncilView::from),
            effects: effect::effects(approval),
            exceptions,
            overridden: approval.overridden.as_ref().map(OverrideView::from),
            answers: behind(approval, looking),
            broken: approval.broken.as_ref().map(|broken| BrokenView::of(broken, looking.now)),
            outcome: outcome(approval),
            withheld: Vec::new(),
        }
    }
}

/// Takes out of the change of a policy what it says of recorded intents, and who has an open one, for whoever does
/// not see all of each.
fn about_others(change: &mut PolicyChangeView, looking: Looking<'_>) {
    let Looking { rulebook, person, now } = looking;
    let schema = IntentTypeName::parse(&change.intent).ok();
    let schema = schema.and_then(|name| rulebook.intent_type(&name));
    if !schema.is_some_and(|schema| rulebook.sees_all_of(schema, person, now)) {
        change.backtest = None;
        change.conflicted.retain(|name| name == person.as_str());
    }
}

/// The write plan, without what is withheld; `None` while there is none.
#[must_use]
pub fn plan(approval: &Approval, sight: &Sight, rulebook: &Rulebook) -> Option<PlanView> {
    let mut view = PlanView::from(approval.case()?);
    Withheld::of(approval, sight, rulebook).strip_plan(&mut view);
    Some(view)
}

fn evaluation(approval: &Approval) -> Option<&Evaluation> {
    match &approval.stage {
        Stage::Unsettled { evaluation } => evaluation.as_deref(),
        Stage::Preparing { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => approval.case().map(|case| &case.evaluation),
    }
}

fn facts(facts: &Facts) -> BTreeMap<String, FactView> {
    facts.iter().map(|(name, fact)| (name.to_string(), fact.into())).collect()
}

/// What the person may do. The transition table itself is asked, so the answer is never a guess;
/// what it would cause is thrown away.
fn can(approval: &Approval, looking: Looking<'_>, deputies: &[PersonId]) -> Vec<String> {
    let (person, revision) = (looking.person.clone(), approval.intent.revision);
    let send_back = Command::SendBack { person: person.clone(), revision, words: "why".to_owned() };
    let asked = [
        ("approve", approve(approval, looking)),
        ("decline", decline(approval, looking)),
        ("send-back", send_back),
        ("claim", Command::Claim { person: person.clone(), revision }),
        ("release", Command::Release { person: person.clone(), revision }),
        ("ask", Command::Ask { person: person.clone(), revision, words: "what".to_owned() }),
        ("recall", Command::Recall { person: person.clone(), revision }),
        ("remind", Command::Remind { person: person.clone() }),
        ("withdraw", Command::Withdraw { person: person.clone(), revision }),
    ];
    let allowed = asked.into_iter().filter(|(_, command)| is_open(approval, command, looking));
    let mut can: Vec<String> = allowed.map(|(word, _)| word.to_owned()).collect();
    if may_answer(approval, looking) {
        can.push("answer".to_owned());
    }
    if !deputies.is_empty() {
        can.extend(["delegate".to_owned(), "transfer".to_owned()]);
    }
    // Whose voice it would be is not known yet; whether there is somebody who may add one is.
    let (whom, order, reason) = (person.clone(), Order::After, "why".to_owned());
    let add = Command::AddVoice { person: person.clone(), revision, whom, order, reason };
    if matches!(refused(approval, &add, looking), Some(Refusal::Hand(NotHanded::NoVoice(_)))) {
        can.push("add-voice".to_owned());
    }
    if may_amend(approval, looking) {
        can.push("amend".to_owned());
    }
    if life::can_reassign(approval, looking.person, context(looking)) {
        can.push("reassign".to_owned());
    }
    if overrides(approval, looking) {
        can.push("override".to_owned());
    }
    let glass = Command::BreakGlass { person: person.clone(), revision, reason: "why".to_owned() };
    if is_allowed(approval, &glass, looking) {
        can.push("break-glass".to_owned());
    }
    let comment = Command::Comment { person: person.clone(), words: "what".to_owned() };
    if is_allowed(approval, &comment, looking) {
        can.push("comment".to_owned());
    }
    can
}

fn approve(approval: &Approval, looking: Looking<'_>) -> Command {
    let (person, revision) = (looking.person.clone(), approval.intent.revision);
    Command::Decide { person, revision, seal: None, voice: Voice::Approve { note: String::new() } }
}

fn decline(approval: &Approval, looking: Looking<'_>) -> Command {
    let (person, revision) = (looking.person.clone(), approval.intent.revision);
    Command::Decide { person, revision, seal: None, voice: Voice::Decline { reason: "why".to_owned() } }
}

/// Whether nothing keeps the person from it but what is found out when they do it: what an intent type goes live on is
/// weighed when they decide.
fn is_open(approval: &Approval, command: &Command, looking: Looking<'_>) -> bool {
    matches!(refused(approval, command, looking), None | Some(Refusal::GoingLive(NotLive::Overtaken(_))))
}

/// Whether the person may approve it or decline it.
pub(crate) fn may_decide(approval: &Approval, looking: Looking<'_>) -> bool {
    is_open(approval, &approve(approval, looking), looking)
        || is_open(approval, &decline(approval, looking), looking)
}

/// Whether the person may answer what was asked about it.
pub(crate) fn may_answer(approval: &Approval, looking: Looking<'_>) -> bool {
    questions(approval).any(|question| {
        let (person, revision, words) = (looking.person.clone(), approval.intent.revision, "that".to_owned());
        let answer = Command::Answer { person, revision, question: Some(question), words };
        is_allowed(approval, &answer, looking)
    })
}

/// Whether the person may amend it. What it would be amended to is not known yet; whether there is somebody who may is.
pub(crate) fn may_amend(approval: &Approval, looking: Looking<'_>) -> bool {
    let (person, revision) = (looking.person.clone(), approval.intent.revision);
    let amend = Command::Amend { person, revision, tokens: Raw::Null };
    matches!(refused(approval, &amend, looking), Some(Refusal::Tokens(_)))
}

/// Whether the person may do something about an exception of it.
pub(crate) fn may_settle(approval: &Approval, id: ExceptionId, looking: Looking<'_>) -> bool {
    Closure::ALL.into_iter().any(|by| closes(approval, id, by, looking)) || adopts(approval, id, looking)
}

/// Whether the person may override the policy for some reason, given the evidence for it.
fn overrides(approval: &Approval, looking: Looking<'_>) -> bool {
    let Some(schema) = looking.rulebook.intent_type(&approval.intent.intent_type) else { return false };
    let rules = schema.overrides.iter().map(|rule| (rule.reason.as_str(), rule.evidence.as_slice()));
    rules.chain([(BREAK_GLASS, [].as_slice())]).any(|(reason, evidence)| {
        let piece = |kind: &String| Evidence { kind: kind.clone(), piece: Piece::Link(String::new()) };
        let what = Box::new(Override {
            by: looking.person.clone(),
            instead: Instead::Approve,
            reason: reason.to_owned(),
            words: "why".to_owned(),
            evidence: evidence.iter().map(piece).collect(),
        });
        let command = Command::Override { revision: approval.intent.revision, seal: None, what };
        is_allowed(approval, &command, looking)
    })
}

/// Who answers for the requester, where that is a machine: now, or when it was asked.
fn behind(approval: &Approval, looking: Looking<'_>) -> Option<String> {
    let behind = approval.intent.behind(looking.rulebook.directory());
    (*behind != approval.intent.requester).then(|| behind.to_string())
}

/// The numbers of everything that was asked.
fn questions(approval: &Approval) -> impl Iterator<Item = u32> {
    let asked = match &approval.stage {
        Stage::Seated { seats, .. } => seats.questions.len(),
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => 0,
    };
    (1_u32..).take(asked)
}

fn closes(approval: &Approval, id: ExceptionId, by: Closure, looking: Looking<'_>) -> bool {
    let close = Command::CloseException { person: looking.person.clone(), id, by, reason: "why".to_owned() };
    is_allowed(approval, &close, looking)
}

fn adopts(approval: &Approval, id: ExceptionId, looking: Looking<'_>) -> bool {
    adopt::asked(approval, id, looking.person).is_ok()
}

fn is_allowed(approval: &Approval, command: &Command, looking: Looking<'_>) -> bool {
    refused(approval, command, looking).is_none()
}

fn refused(approval: &Approval, command: &Command, looking: Looking<'_>) -> Option<Refusal> {
    life::decide(approval, command.clone(), context(looking)).err()
}

fn context(looking: Looking<'_>) -> Context<'_> {
    let Looking { rulebook, now, .. } = looking;
    Context::new(rulebook, now, 0)
}

fn reconsidered(approval: &Approval) -> Option<String> {
    let Stage::Seated { .. } = &approval.stage else { return None };
    approval.reconsidered.as_ref().map(|reconsidered| reconsidered.why.clone())
}

fn amended(approval: &Approval) -> Option<AmendedView> {
    let earlier = approval.earlier.as_ref()?;
    let Stage::Seated { .. } = &approval.stage else { return None };
    let view = |change: &TokenChange<'_>| TokenChangeView {
        token: change.token.to_string(),
        before: change.before.map(ToString::to_string),
        after: change.after.map(ToString::to_string),
    };
    let changes: Vec<_> = approval.intent.changes_since(&earlier.intent).iter().map(view).collect();
    // What is decided anew asks for the same.
    (!changes.is_empty()).then(|| AmendedView { since: earlier.intent.revision, changes })
}

fn returned(approval: &Approval) -> Option<ReturnView> {
    let Stage::Returned { by, words, until } = &approval.stage else { return None };
    Some(ReturnView { by: by.to_string(), reason: words.clone(), until: until.to_string() })
}

/// How it was decided, once it is.
pub(crate) fn outcome(approval: &Approval) -> Option<OutcomeView> {
    let view = |decision: &str, authority: &Authority, reason, at: Option<Timestamp>| OutcomeView {
        decision: decision.to_owned(),
        by: people(authority),
        authority: kind(authority).to_owned(),
        reason,
        at: at.map(|at| at.to_string()),
    };
    match &approval.stage {
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. } => {
            None
        }
        Stage::Executing { authority, .. } => Some(view("approved", authority, None, None)),
        Stage::Closed(Outcome::Done { authority, at, .. }) => {
            Some(view("approved", authority, None, Some(*at)))
        }
        Stage::Closed(Outcome::Declined { authority, reason, at }) => {
            Some(view("declined", authority, Some(reason.clone()), Some(*at)))
        }
        Stage::Closed(Outcome::Withdrawn { by, at }) => Some(OutcomeView {
            decision: "withdrawn".to_owned(),
            by: vec![by.to_string()],
            authority: "requester".to_owned(),
            reason: None,
            at: Some(at.to_string()),
        }),
    }
}

fn kind(authority: &Authority) -> &'static str {
    match authority {
        Authority::Policy => "policy",
        Authority::People(_) => "people",
        Authority::Override(_) => "override",
        Authority::FailOpen(_) => "fail-open",
    }
}

fn people(authority: &Authority) -> Vec<String> {
    match authority {
        Authority::Policy => vec!["policy".to_owned()],
        Authority::People(people) => people.iter().map(ToString::to_string).collect(),
        Authority::Override(person) => vec![person.to_string()],
        Authority::FailOpen(people) => {
            std::iter::once("fail-open".to_owned()).chain(people.iter().map(ToString::to_string)).collect()
        }
    }
}

/// By whom, in words.
#[must_use]
pub fn names(authority: &Authority) -> String {
    match authority {
        Authority::Policy | Authority::People(_) => people(authority).join(", "),
        Authority::Override(person) => format!("the override of {person}"),
        Authority::FailOpen(people) if people.is_empty() => {
            "the policy's owner, who lets some fail open".to_owned()
        }
        Authority::FailOpen(people) => {
            let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
            format!("{}, and the policy's owner, who lets the rest fail open", people.join(", "))
        }
    }
}
