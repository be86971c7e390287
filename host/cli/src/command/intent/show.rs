//! One intent as a page of text: what was asked first, what you may do last.

use crate::command::connector::short;
use crate::command::people;
use crate::output::{self, Table, plain};
use anyhow::Result;
use countersign_core::built_in;
use countersign_server::api::view::{
    BrokenView, EffectView, ExceptionView, IntentView, OverrideView, PolicyChangeView, QuestionView,
    ReconciliationView, ReplayView, ReplayedView, SeatView, TimelineView, TokenChangeView, ValueView,
    WatchView, seat_name,
};
use serde_json::{Map, Value};

/// Prints it.
pub(super) fn intent(intent: &IntentView) -> Result<()> {
    let mut head = Table::new(&["intent", &intent.id]);
    head.row(["type", &kind(intent)]);
    head.row(["state", &state(intent)]);
    head.row(["revision", &intent.revision.to_string()]);
    let behind = intent.answers.as_ref().map(|answers| format!(" ({answers} answers for it)"));
    head.row(["requester", &format!("{}{}", intent.requester, behind.unwrap_or_default())]);
    head.row(["submitted", &intent.submitted]);
    for (name, value) in &intent.tokens {
        head.row([&format!("  {name}"), &token(intent, value)]);
    }
    for (name, fact) in &intent.facts {
        head.row([&format!("  {name}"), &format!("{} (found out)", fact.text)]);
    }
    for name in &intent.withheld {
        head.row([&format!("  {name}"), "(not for you)"]);
    }
    head.print()?;
    if let Some(evaluation) = &intent.evaluation {
        heading("what the policy says")?;
        for line in evaluation.text.lines() {
            output::line(&format!("  {}", plain(line)))?;
        }
        for near in &evaluation.near {
            output::line(&format!("  {}", plain(&otherwise_it(&near.words))))?;
        }
    }
    change(intent)?;
    shared(intent)?;
    readiness(intent)?;
    plan(intent)?;
    if intent.advisory {
        heading("advisory: the decision is recorded and nothing is written")?;
    }
    if let Some(council) = &intent.council {
        heading(&council.words)?;
    }
    waiting(intent)?;
    intent.exceptions.iter().try_for_each(exception)?;
    verbs(intent)
}

/// Prints what happened so far, the first thing first.
pub(super) fn story(timeline: &TimelineView) -> Result<()> {
    heading("what happened")?;
    for entry in &timeline.entries {
        output::line(&format!("  {}  {}", entry.at, plain(&entry.words)))?;
    }
    Ok(())
}

/// Prints what a command has changed about it: where it stands, whose it is now, what you may do.
pub(super) fn changed(intent: &IntentView) -> Result<()> {
    let mut head = Table::new(&["intent", &intent.id]);
    head.row(["type", &kind(intent)]);
    head.row(["state", &state(intent)]);
    head.row(["revision", &intent.revision.to_string()]);
    head.print()?;
    waiting(intent)?;
    intent.exceptions.iter().filter(|found| found.state == "open").try_for_each(exception)?;
    verbs(intent)?;
    output::line(&format!("\n`countersign intent show {}` shows all of it", plain(&intent.id)))
}

/// What is open: the way back, what was amended, seats and effects.
fn waiting(intent: &IntentView) -> Result<()> {
    if let Some(returned) = &intent.returned {
        heading(&format!("sent back by {}: {}", returned.by, returned.reason))?;
        output::line(&format!("  amend it, or it is declined at {}", plain(&returned.until)))?;
    }
    if let Some(why) = &intent.reconsidered {
        heading("decided anew, as its record was changed elsewhere before anything was written")?;
        output::line(&format!("  {}", plain(why)))?;
    }
    if let Some(amended) = &intent.amended {
        heading(&format!("amended since revision {}", amended.since))?;
        amended.changes.iter().try_for_each(token_change)?;
    }
    intent.overridden.as_ref().map_or(Ok(()), overridden)?;
    intent.broken.as_ref().map_or(Ok(()), broken)?;
    seats(intent)?;
    effects(intent)
}

/// Prints who broke the glass.
fn broken(broken: &BrokenView) -> Result<()> {
    let until = if broken.open { "can decide alone until" } else { "could decide alone until" };
    let BrokenView { by, reason, until: at, .. } = broken;
    heading(&format!("GLASS BROKEN by {}, who {until} {at}: {}", plain(by), plain(reason)))
}

/// A decision against the policy, or one that is to come.
fn overridden(what: &OverrideView) -> Result<()> {
    heading(&match &what.at {
        Some(at) => format!("OVERRIDE ({}) by {} at {at}: {}", what.decision, what.by, what.override_reason),
        None => format!("{} means to override the policy: {}", what.by, what.override_reason),
    })?;
    output::line(&plain(&format!("  {}", what.reason)))?;
    for evidence in &what.evidence {
        let file = || {
            let (name, sha256) = (evidence.name.as_deref()?, evidence.sha256.as_deref()?);
            Some(format!("{name}, sha256:{sha256}"))
        };
        let piece = evidence.link.clone().or_else(file).unwrap_or_default();
        output::line(&plain(&format!("  {}: {piece}", evidence.kind)))?;
    }
    if what.at.is_none() {
        output::line("  nothing is decided until they have seen what would be written and approved it")?;
    }
    Ok(())
}

/// What a token was, and what it is.
fn token_change(change: &TokenChangeView) -> Result<()> {
    let spelt = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let (before, after) = (spelt(&change.before), spelt(&change.after));
    output::line(&plain(&format!("  {} {after} instead of {before}", change.token)))
}

fn verbs(intent: &IntentView) -> Result<()> {
    if !intent.can.is_empty() {
        output::line(&format!("\nyou can {}", plain(&intent.can.join(", "))))?;
    }
    if !intent.deputies.is_empty() {
        output::line(&format!("your seat can go to {}", plain(&intent.deputies.join(", "))))?;
    }
    Ok(())
}

fn kind(intent: &IntentView) -> String {
    match &intent.adopts {
        _ if intent.trial => format!("{} (TRIAL of a draft)", intent.intent_type),
        Some(adopts) => {
            format!("{} (adopts what is there instead of what {} wrote)", intent.intent_type, adopts.intent)
        }
        None => intent.intent_type.clone(),
    }
}

fn state(intent: &IntentView) -> String {
    let Some(outcome) = &intent.outcome else { return intent.state.clone() };
    let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let how = if outcome.authority == "override" { "by override of" } else { "by" };
    format!("{} ({} {how} {}{reason})", intent.state, outcome.decision, outcome.by.join(", "))
}

fn seats(intent: &IntentView) -> Result<()> {
    if intent.seats.is_empty() {
        return Ok(());
    }
    let words = intent.progress.as_ref().map(|progress| progress.words.as_str()).unwrap_or_default();
    heading(&format!("seats: {words}"))?;
    let mut table = Table::new(&["  route", "step", "state", "whom", "approved", "owner", "due"]);
    for seat in &intent.seats {
        // Of a seat that is filled nobody is asked any more.
        let asked = |text: &Option<String>| text.clone().filter(|_| is_asked(seat)).unwrap_or_default();
        let (owner, due) = (asked(&seat.owner), asked(&seat.due));
        let (step, approved) = (seat.step.to_string(), seat.approved.join(", "));
        let whom = if seat.missed == 0 { seat.whom.clone() } else { format!("{}, by its backup", seat.whom) };
        table.row([&format!("  {}", seat.route), &*step, &seat.state, &whom, &approved, &owner, &due]);
    }
    table.print()?;
    for seat in &intent.seats {
        let name = name(seat, &intent.seats);
        for stands in &seat.standing_in {
            let until = stands.until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
            let (person, whose) = (&stands.person, &stands.instead_of);
            let words = match (seat.approved.contains(person), is_asked(seat)) {
                (true, _) => format!("{person} decided in the place of {whose}"),
                (false, true) => format!("{person} decides in the place of {whose}{until}"),
                (false, false) => continue,
            };
            output::line(&plain(&format!("  {name}: {words}")))?;
        }
        if let (Some(by), false) = (&seat.added_by, seat.state == "taken-back") {
            output::line(&plain(&format!("  {name}: {by} wants {} to decide too", seat.whom)))?;
        }
        for claim in &seat.claims {
            output::line(&plain(&format!("  {name}: {} will decide, until {}", claim.by, claim.until)))?;
        }
    }
    intent.questions.iter().try_for_each(question)
}

/// The route of a seat, with its step where the route has several.
fn name(seat: &SeatView, seats: &[SeatView]) -> String {
    let steps = seats.iter().filter(|other| other.route == seat.route).map(|other| other.step);
    seat_name(&seat.route, seat.step, steps)
}

/// Whether somebody is asked in a seat, or will be once the requester has answered.
fn is_asked(seat: &SeatView) -> bool {
    matches!(seat.state.as_str(), "open" | "asked")
}

/// What it would be otherwise, as a sentence.
fn otherwise_it(words: &str) -> String {
    match words.strip_prefix("needs ") {
        Some(rest) => format!("it would need {rest}"),
        None => format!("it would be {words}"),
    }
}

/// A question to the requester, and what came of it.
fn question(question: &QuestionView) -> Result<()> {
    let (number, by, words) = (question.number, plain(&question.by), plain(&question.words));
    output::line(&format!("  question {number}, {by} for {}: {words}", plain(&question.route)))?;
    let reply = match (&question.answer, &question.until) {
        (Some(answer), _) => format!("answered: {}", plain(answer)),
        (None, Some(until)) => format!("waits for the requester until {until}; the seat's time stands still"),
        (None, None) => "not answered; the seat's time runs on".to_owned(),
    };
    output::line(&format!("    {reply}"))
}

/// What becomes of a policy: what was found, what is decided otherwise.
fn change(intent: &IntentView) -> Result<()> {
    let Some(change) = &intent.change else { return Ok(()) };
    heading(&format!(
        "policy of {}, version {}, effective {}",
        change.intent, change.version, change.effective
    ))?;
    let say = |text: String| output::line(&format!("  {}", plain(&text)));
    match (&change.before, &change.again) {
        (_, Some(again)) if again == "files" => say("in force before: it came with the files".to_owned())?,
        (_, Some(again)) => say(format!("in force before; its old evidence stands in {again}"))?,
        (Some(before), None) => say(format!("instead of version {before}"))?,
        (None, None) => say("the first policy of this intent type".to_owned())?,
    }
    if !change.conflicted.is_empty() {
        say(format!("no seat, having an open intent of this type: {}", change.conflicted.join(", ")))?;
    }
    otherwise(change)?;
    heading("tried on the record")?;
    match &change.backtest {
        Some(backtest) => backtest.to_string().lines().try_for_each(|line| say(line.to_owned()))?,
        None => say("not tried: `countersign policy backtest` does it".to_owned())?,
    }
    heading("proved")?;
    let (examples, mutants) = (change.examples, change.mutants);
    say(format!(
        "{} of {} examples pass; they notice {} of {} moved bounds",
        examples.passed, examples.of, mutants.passed, mutants.of
    ))?;
    change.promises.iter().try_for_each(|promise| say(promise.clone()))?;
    for found in &change.findings {
        let accepted = if change.accepted.contains(&found.kind) { " (accepted)" } else { "" };
        say(format!("{}: {} {}: {}{accepted}", found.place, found.level, found.kind, found.message))?;
    }
    Ok(())
}

/// What becomes of a shared file: all that it says otherwise, and what follows from it.
fn shared(intent: &IntentView) -> Result<()> {
    let Some(change) = &intent.shared else { return Ok(()) };
    heading(&format!("{}, version {}", change.file, change.version))?;
    let say = |text: &str| output::line(&format!("  {}", plain(text)));
    match &change.before {
        Some(before) => say(&format!("instead of version {before}"))?,
        None => say("an intent type that is new")?,
    }
    if !change.conflicted.is_empty() {
        say(&format!("no seat, having a stake in it: {}", change.conflicted.join(", ")))?;
    }
    heading("said otherwise")?;
    if change.differences.is_empty() {
        say("nothing: the file is put on record as it is, and from then on nobody changes it alone")?;
    }
    change.differences.iter().try_for_each(|found| say(&found.text))?;
    let ahead = people::ahead(&change.ahead);
    if change.policies.is_empty() && change.drafts.is_empty() && ahead.is_empty() {
        return Ok(());
    }
    heading("what follows")?;
    if !change.policies.is_empty() {
        say(&format!("decided by another version of their policy: {}", change.policies.join(", ")))?;
    }
    if !change.drafts.is_empty() {
        say(&format!("drafts again until another trial shows them: {}", change.drafts.join(", ")))?;
    }
    ahead.iter().try_for_each(|line| say(line))
}

/// What an intent type goes live on.
fn readiness(intent: &IntentView) -> Result<()> {
    let Some(ready) = &intent.readiness else { return Ok(()) };
    heading(&format!("intent type {} goes live, as trial {} shows", ready.intent_type, ready.trial))?;
    for point in &ready.rests_on {
        output::line(&plain(&format!("  {}: {}", point.point, point.by)))?;
    }
    ready
        .waived
        .as_ref()
        .map_or(Ok(()), |why| output::line(&plain(&format!("  WAIVED: the trigger was not shown: {why}"))))
}

/// What a change decides otherwise: the first thing that whoever approves it wants to see.
fn otherwise(change: &PolicyChangeView) -> Result<()> {
    let say = |text: String| output::line(&format!("  {}", plain(&text)));
    heading("decided otherwise")?;
    change.inputs.iter().try_for_each(|input| say(format!("input {input}")))?;
    for region in &change.changed {
        let how = if region.tried { " (tried, not proved)" } else { "" };
        say(format!("{}: was {}, now {}{how}", region.region, region.was, region.now))?;
        say(format!("  such as: {}", region.witness))?;
    }
    if change.unsettled > 0 {
        say(format!("{} further regions: no tried point differs, not proved", change.unsettled))?;
    }
    if !change.all {
        say("these are not all: `countersign policy diff` lists more".to_owned())?;
    }
    if change.changed.is_empty() && change.unsettled == 0 && change.all {
        say("nothing".to_owned())?;
    }
    Ok(())
}

fn plan(intent: &IntentView) -> Result<()> {
    let Some(plan) = &intent.plan else { return Ok(()) };
    if plan.writes.is_empty() {
        return heading(&format!("nothing is written; seal {} until {}", plan.seal, plan.expires));
    }
    heading(&format!("write plan, seal {} until {}", plan.seal, plan.expires))?;
    let mut table =
        Table::new(&["  binding", "connection", "operation", "subject", "field", "before", "after"]);
    for write in &plan.writes {
        for change in &write.changes {
            table.row([
                &format!("  {}", write.binding),
                &write.connection,
                &write.operation,
                &write.subject,
                &change.field,
                &change.before.text,
                &change.after.text,
            ]);
        }
    }
    table.print()?;
    for write in &plan.writes {
        for remark in &write.remarks {
            output::line(&plain(&format!("  {}: {remark}", write.binding)))?;
        }
    }
    Ok(())
}

fn effects(intent: &IntentView) -> Result<()> {
    if intent.effects.is_empty() {
        return Ok(());
    }
    heading("effects")?;
    let mut table =
        Table::new(&["  binding", "connection", "state", "failed attempts", "proof or cause", "read back"]);
    for effect in &intent.effects {
        let receipt = effect.receipt.as_ref().map(|receipt| receipt.subject.clone());
        let held = effect.detail.as_ref().map(|detail| detail.message.clone());
        let proof = receipt.or(held).unwrap_or_default();
        let (binding, attempts) =
            (format!("  {}{}", origin(effect), effect.binding), effect.attempts.to_string());
        let now = effect.watch.as_ref().map(read_back).unwrap_or_default();
        table.row([&binding, &effect.connection, &effect.state, &attempts, &proof, &now]);
    }
    table.print()
}

/// What an effect is, where it is not what was asked for itself.
fn origin(effect: &EffectView) -> &'static str {
    match (&effect.undoes, &effect.re_asserts) {
        (Some(_), _) => "undo of ",
        (None, Some(_)) => "again: ",
        (None, None) => "",
    }
}

/// What its target held, and when that is looked at next.
fn read_back(watch: &WatchView) -> String {
    let found = match (&watch.verdict, &watch.looked) {
        (Some(verdict), Some(looked)) => format!("{verdict} at {looked}"),
        (Some(_) | None, _) => "not yet".to_owned(),
    };
    match (watch.next.as_str(), &watch.due) {
        ("look", Some(due)) => format!("{found}; next at {due}"),
        ("re-assert", _) => format!("{found}; to be written again"),
        ("writing", _) => format!("{found}; is written again"),
        (_, _) => found,
    }
}

/// What was approved, written and is there now, field by field.
pub(super) fn reconciliation(found: &ReconciliationView) -> Result<()> {
    if found.effects.is_empty() {
        return output::line("nothing of it is known to have been written, so there is nothing to compare");
    }
    let said = |value: &Option<ValueView>| value.as_ref().map_or("?", |value| &value.text).to_owned();
    let mut table =
        Table::new(&["binding", "connection", "record", "field", "approved", "written", "now", "verdict"]);
    for effect in &found.effects {
        let undo = if effect.undoes.is_some() { "undo of " } else { "" };
        for field in &effect.fields {
            table.row([
                &format!("{undo}{}", effect.binding),
                &effect.connection,
                &effect.subject,
                &field.field,
                &field.approved.text,
                &said(&field.written),
                &said(&field.current),
                &field.verdict,
            ]);
        }
    }
    table.print()?;
    let unread = found.effects.iter().filter_map(|effect| Some((effect, effect.why.as_ref()?)));
    for (effect, why) in unread {
        output::line(&plain(&format!("{} at {}: {}", effect.subject, effect.connection, why.message)))?;
    }
    output::line(&plain(&format!("read at {}: {}", found.read, found.verdict)))
}

/// What comes of deciding it again, an answer a row.
pub(super) fn replay(replay: &ReplayView) -> Result<()> {
    if replay.answers.is_empty() {
        return output::line("no policy has answered it yet, so there is nothing to decide again");
    }
    let mut table = Table::new(&["entry", "at", "revision", "policy", "answer", "seal"]);
    for again in &replay.answers {
        table.row([
            &again.sequence.to_string(),
            &again.at,
            &again.revision.to_string(),
            &short(&again.policy),
            &answered(again),
            again.seal.as_deref().unwrap_or("none"),
        ]);
    }
    table.print()?;
    output::line(if replay.same {
        "everything comes out as it is on record"
    } else {
        "not everything comes out as it is on record"
    })
}

fn answered(again: &ReplayedView) -> String {
    match (again.answer.as_str(), &again.recorded, &again.now) {
        ("no-policy", _, _) => "the rules do not have this policy any more".to_owned(),
        (_, Some(recorded), Some(now)) if recorded == now => format!("{now}, for other reasons"),
        (_, Some(recorded), Some(now)) => format!("{now}, where {recorded} is on record"),
        (same, _, _) => same.to_owned(),
    }
}

fn exception(exception: &ExceptionView) -> Result<()> {
    heading(&format!("exception {} ({})", exception.id, exception.state))?;
    output::line(&plain(&format!("  {}: {}", exception.cause, exception.detail.message)))?;
    if let Some(connection) = &exception.pauses {
        let by = if exception.cause == "quarantined" { " by this build of its connector" } else { "" };
        let says = format!("  nothing is sent to connection `{connection}`{by} until it is closed");
        output::line(&plain(&says))?;
    }
    output::line(&plain(&format!("  {} answers for it until {}", exception.owner, exception.due)))?;
    if let Some(closed) = &exception.closed {
        output::line(&plain(&format!("  closed by {} at {}: {}", closed.by, closed.at, closed.reason)))?;
    }
    Ok(())
}

fn heading(text: &str) -> Result<()> {
    output::line(&format!("\n{}", plain(text)))
}

/// A token as a person reads it, all of it. Of a document of the house they read what it changes, which stands below.
fn token(intent: &IntentView, value: &Value) -> String {
    match value {
        Value::String(document)
            if built_in::NAMES.contains(&intent.intent_type.as_str()) && document.contains('\n') =>
        {
            format!("a text of {} lines", document.lines().count())
        }
        Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_) => text(value),
    }
}

/// A value as a person reads it: texts and money bare, the fields of an element beside each other.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => money(fields).unwrap_or_else(|| {
            fields
                .iter()
                .map(|(name, value)| format!("{name} {}", text(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }),
        Value::Array(elements) => elements.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// An amount with its currency, if that is all there is.
fn money(fields: &Map<String, Value>) -> Option<String> {
    let (amount, currency) = (fields.get("amount")?.as_str()?, fields.get("currency")?.as_str()?);
    (fields.len() == 2).then(|| format!("{amount} {currency}"))
}
