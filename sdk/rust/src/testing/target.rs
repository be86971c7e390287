//! The scripted target: host and vendor in one.

use super::NOW_MS;
use super::manifest::Manifest;
use super::reply::{Outcome, Reply, Sent, path_matches};
use crate::connector::{Compensator, Connector};
use crate::context::{Context, Host, Level};
use crate::effect::{Effect, Finding, Page, Proposal, Receipt, Snapshot, WritePlan};
use crate::failure::Failure;
use crate::http::{Method, Purpose, Request, Response};
use crate::value::RecordRef;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Answers by script, records what was sent, and holds the connector to the host's rules.
#[derive(Default)]
pub struct ScriptedTarget {
    manifest: Option<Manifest>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    settings: BTreeMap<String, String>,
    once: Vec<Route>,
    routes: Vec<Route>,
    sent: Vec<Sent>,
    said: Vec<String>,
    steps: BTreeMap<(String, String), Step>,
    stop_before: BTreeSet<String>,
    stop_after: BTreeSet<String>,
}

/// Which export is running.
#[derive(Default, Clone, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Read,
    Write {
        effect_id: String,
        names: BTreeSet<String>,
    },
}

/// One step on record.
struct Step {
    request: Request,
    success: Option<Response>,
}

#[derive(Clone)]
struct Route {
    method: Method,
    pattern: String,
    answer: Rc<dyn Fn(&Sent) -> Reply>,
}

impl Route {
    fn fits(&self, request: &Request) -> bool {
        self.method == request.method && path_matches(&self.pattern, &request.path)
    }
}

impl std::fmt::Debug for ScriptedTarget {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ScriptedTarget({} sent)", self.state.borrow().sent.len())
    }
}

impl ScriptedTarget {
    /// A target that knows no answer yet, without manifest: any endpoint and path goes.
    #[must_use]
    pub fn new() -> ScriptedTarget {
        ScriptedTarget::default()
    }

    /// A target that also holds each request against the text of a `connector.toml`.
    #[must_use]
    pub fn of(manifest: &str) -> ScriptedTarget {
        ScriptedTarget { manifest: Some(Manifest::parse(manifest)), ..ScriptedTarget::default() }
    }

    /// Gives a setting of the connection.
    pub fn set(&self, name: &str, value: &str) {
        self.state.borrow_mut().settings.insert(name.to_owned(), value.to_owned());
    }

    /// Answers each such request with `reply`. The newest route that fits answers.
    pub fn on(&self, method: Method, path: &str, reply: Reply) {
        self.answers(method, path, move |_| reply.clone());
    }

    /// Answers the next such request, and only that, with `reply`; in the order of scripting.
    pub fn once(&self, method: Method, path: &str, reply: Reply) {
        let route = Route { method, pattern: path.to_owned(), answer: Rc::new(move |_| reply.clone()) };
        self.state.borrow_mut().once.push(route);
    }

    /// Answers each such request by a function, which may keep the vendor's state.
    pub fn answers(&self, method: Method, path: &str, answer: impl Fn(&Sent) -> Reply + 'static) {
        let route = Route { method, pattern: path.to_owned(), answer: Rc::new(answer) };
        self.state.borrow_mut().routes.push(route);
    }

    /// Stops the next sending of the step before it reaches the target.
    pub fn stop_before(&self, step: &str) {
        self.state.borrow_mut().stop_before.insert(step.to_owned());
    }

    /// Lets the next sending of the step reach the target and loses the answer.
    pub fn stop_after(&self, step: &str) {
        self.state.borrow_mut().stop_after.insert(step.to_owned());
    }

    /// Everything that reached the target, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.state.borrow().sent.clone()
    }

    /// The steps that reached the target, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.step().is_some()).collect()
    }

    /// The lines of diagnostics.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.state.borrow().said.clone()
    }

    /// Runs something in the read phase.
    pub fn reading<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        self.within(Phase::Read, run)
    }

    /// Runs something in the write phase of one attempt at an effect.
    pub fn writing<T>(&self, effect_id: &str, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let phase = Phase::Write { effect_id: effect_id.to_owned(), names: BTreeSet::new() };
        self.within(phase, run)
    }

    /// Calls [`Connector::check`].
    ///
    /// # Errors
    /// The connector's.
    pub fn check(&self, connector: &impl Connector) -> Result<(), Failure> {
        self.reading(|context| connector.check(context))
    }

    /// Calls [`Connector::fetch`].
    ///
    /// # Errors
    /// The connector's.
    pub fn fetch(&self, connector: &impl Connector, kind: &str, id: &str) -> Result<Snapshot, Failure> {
        self.reading(|context| connector.fetch(context, &RecordRef::new(kind, id)))
    }

    /// Calls [`Connector::changes`].
    ///
    /// # Errors
    /// The connector's.
    pub fn changes(
        &self,
        connector: &impl Connector,
        kind: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Failure> {
        self.reading(|context| connector.changes(context, kind, cursor, limit, NOW_MS))
    }

    /// Calls [`Connector::plan`] twice and holds it to one answer.
    ///
    /// # Errors
    /// The connector's.
    ///
    /// # Panics
    /// If the two plans differ.
    pub fn plan(&self, connector: &impl Connector, what: &Proposal) -> Result<WritePlan, Failure> {
        let plan = || self.reading(|context| connector.plan(context, what, NOW_MS));
        let first = plan()?;
        assert_eq!(Ok(&first), plan().as_ref(), "the same state at the target gives the same plan");
        Ok(first)
    }

    /// Calls [`Connector::apply`].
    ///
    /// # Errors
    /// The connector's.
    pub fn apply(&self, connector: &impl Connector, effect: &Effect) -> Result<Receipt, Failure> {
        self.writing(&effect.effect_id, |context| connector.apply(context, effect))
    }

    /// Calls [`Connector::probe`].
    ///
    /// # Errors
    /// The connector's.
    pub fn probe(&self, connector: &impl Connector, effect: &Effect) -> Result<Finding, Failure> {
        self.reading(|context| connector.probe(context, effect))
    }

    /// Calls [`Compensator::undo`].
    ///
    /// # Errors
    /// The connector's.
    pub fn undo(
        &self,
        connector: &impl Compensator,
        effect: &Effect,
        landed: &Receipt,
    ) -> Result<Receipt, Failure> {
        self.writing(&effect.effect_id, |context| connector.undo(context, effect, landed))
    }

    /// Calls [`Compensator::probe_undo`].
    ///
    /// # Errors
    /// The connector's.
    pub fn probe_undo(
        &self,
        connector: &impl Compensator,
        effect: &Effect,
        landed: &Receipt,
    ) -> Result<Finding, Failure> {
        self.reading(|context| connector.probe_undo(context, effect, landed))
    }

    fn within<T>(&self, phase: Phase, run: impl FnOnce(&Context<'_>) -> T) -> T {
        self.state.borrow_mut().phase = phase;
        let result = run(&Context::new(self));
        self.state.borrow_mut().phase = Phase::Idle;
        result
    }

    /// Holds a step against the record. A step with a success on record is served from it.
    fn step_on_record(&self, request: &Request) -> (Option<String>, Option<Response>) {
        let mut state = self.state.borrow_mut();
        let Purpose::Step(name) = &request.purpose else { return (None, None) };
        let line = format!("{} {}", request.method.name(), request.path);
        let Phase::Write { effect_id, names } = &mut state.phase else {
            panic!("the step `{name}` ({line}) is sent in a phase that only reads");
        };
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(named);
        assert!(fits, "the step name `{name}` must be 1 to 64 characters of a-z, 0-9 and `-`");
        assert!(names.insert(name.clone()), "two steps of one attempt are called `{name}`");
        let effect_id = effect_id.clone();
        let key = (effect_id.clone(), name.clone());
        let known =
            state.steps.entry(key).or_insert_with(|| Step { request: request.clone(), success: None });
        assert_eq!(&known.request, request, "the step `{name}` is sent again with other bytes");
        (Some(effect_id), known.success.clone())
    }

    /// The route that answers, and its reply. The script runs without any borrow of the state.
    fn reply_to(&self, sent: &Sent) -> Reply {
        let mut state = self.state.borrow_mut();
        let position = state.once.iter().position(|route| route.fits(&sent.request));
        let route = match position {
            Some(position) => Some(state.once.remove(position)),
            None => state.routes.iter().rev().find(|route| route.fits(&sent.request)).cloned(),
        };
        state.sent.push(sent.clone());
        drop(state);
        let route = route.unwrap_or_else(|| panic!("the script has no answer to {}", sent.line()));
        (route.answer)(sent)
    }
}

impl Host for ScriptedTarget {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        assert!(self.state.borrow().phase != Phase::Idle, "a request is sent outside of any call");
        if let Some(manifest) = &self.manifest {
            manifest.allows(&request);
        }
        let (effect_id, success) = self.step_on_record(&request);
        if let Some(response) = success {
            return Ok(response);
        }
        let sent = Sent { request, effect_id };
        let purpose = sent.request.purpose.clone();
        let step = sent.step().map(ToOwned::to_owned);
        if step.as_ref().is_some_and(|step| self.state.borrow_mut().stop_before.remove(step)) {
            return Reply::not_sent().into_result(&purpose);
        }
        let mut reply = self.reply_to(&sent);
        if step.as_ref().is_some_and(|step| self.state.borrow_mut().stop_after.remove(step)) {
            reply = Reply::lost();
        }
        if let (Outcome::Answered(response), Some(step), Some(effect_id)) = (&reply.0, step, sent.effect_id)
            && (200..300).contains(&response.status)
            && let Some(known) = self.state.borrow_mut().steps.get_mut(&(effect_id, step))
        {
            known.success = Some(response.clone());
        }
        reply.into_result(&purpose)
    }

    fn setting(&self, name: &str) -> Option<String> {
        let given = self.state.borrow().settings.get(name).cloned();
        given.or_else(|| self.manifest.as_ref().and_then(|manifest| manifest.default_of(name)))
    }

    fn emit(&self, _level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.state.borrow_mut().said.push(format!("{message}{fields}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [connector]
        id = "test.orders"
        version = "1.0.0"
        [endpoints.api]
        methods = ["GET", "POST"]
        paths = ["/orders/*"]
        read-posts = ["/orders/search"]
        [settings.region]
        type = "string"
        default = "eu"
    "#;

    fn target() -> ScriptedTarget {
        let target = ScriptedTarget::of(MANIFEST);
        target.on(Method::Post, "/orders/*", Reply::status(201));
        target
    }

    fn create(context: &Context<'_>, body: &str) -> Result<u16, Failure> {
        let draft = context.post("api", "/orders/new").text("text/plain", body);
        draft.step("create").map(|answer| answer.status())
    }

    #[test]
    #[should_panic(expected = "a phase that only reads")]
    fn a_step_in_a_reading_call_is_stopped() {
        let _ = target().reading(|context| create(context, "a"));
    }

    #[test]
    #[should_panic(expected = "`read-posts`")]
    fn a_post_as_a_read_must_be_listed() {
        let _ = target().reading(|context| context.post("api", "/orders/new").read());
    }

    #[test]
    fn a_listed_post_is_a_read() {
        let answer = target().reading(|context| context.post("api", "/orders/search").read());
        assert_eq!(answer.map(|answer| answer.status()), Ok(201));
    }

    #[test]
    #[should_panic(expected = "does not allow the path")]
    fn a_path_outside_of_the_manifest_is_stopped() {
        let _ = target().reading(|context| context.get("api", "/people").read());
    }

    #[test]
    #[should_panic(expected = "other bytes")]
    fn the_same_step_has_the_same_bytes() {
        let target = target();
        let _ = target.writing("e-1", |context| create(context, "a"));
        let _ = target.writing("e-1", |context| create(context, "b"));
    }

    #[test]
    fn a_step_with_a_success_on_record_is_not_sent_again() {
        let target = target();
        for _ in 0..2 {
            assert_eq!(target.writing("e-1", |context| create(context, "a")), Ok(201));
        }
        assert_eq!(target.writing("e-2", |context| create(context, "a")), Ok(201));
        let keys: Vec<_> = target.steps().iter().filter_map(Sent::key).collect();
        assert_eq!(keys, ["e-1/create", "e-2/create"]);
    }

    #[test]
    fn a_lost_answer_is_uncertain_and_an_unsent_step_is_transient() {
        let target = target();
        target.stop_before("create");
        let unsent = target.writing("e-1", |context| create(context, "a")).expect_err("stopped");
        assert_eq!((unsent.case(), target.sent().len()), ("transient", 0));
        target.stop_after("create");
        let lost = target.writing("e-1", |context| create(context, "a")).expect_err("stopped");
        assert_eq!((lost.case(), target.sent().len()), ("uncertain", 1));
        assert_eq!(target.writing("e-1", |context| create(context, "a")), Ok(201));
        assert_eq!(target.sent().len(), 2);
    }

    #[test]
    fn settings_come_from_the_connection_and_then_from_the_default() {
        let target = target();
        assert_eq!(target.setting("region").as_deref(), Some("eu"));
        target.set("region", "us");
        assert_eq!(target.setting("region").as_deref(), Some("us"));
    }

    #[test]
    fn a_single_answer_goes_before_a_standing_one() {
        let target = target();
        target.once(Method::Post, "/orders/new", Reply::status(503));
        let statuses: Vec<_> =
            ["a-1", "a-2"].into_iter().map(|id| target.writing(id, |context| create(context, "x"))).collect();
        assert_eq!(statuses, [Ok(503), Ok(201)]);
    }
}
