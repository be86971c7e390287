//! The scripted target: it answers from a cassette, remembers which steps have landed, and fails where
//! it is told to.
//!
//! A step is known by the ledger: the gate records it there, and the next request that arrives is it.
//! So the target needs no knowledge of any vendor to count what was done to it.

use super::bench::CANARY;
use super::cassette::{Actor, Cassette};
use crate::loopback::{Asked, Heard, Listening, Reply};
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_engine::port::Answer;
use countersign_engine::port::connectors::{Ledger, NotRecorded};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the target gives tokens, in the place of an endpoint's name.
pub const TOKENS: &str = "~tokens";
/// What a target that asks for patience asks for, in seconds.
pub const RETRY_AFTER_S: u64 = 7;
/// A body larger than the host takes, in bytes.
const HUGE_BYTES: usize = 10_000_000;
/// Why a step was not recorded.
const STOPPED: &str = "the host stops here on purpose";

/// The trouble that one request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Refused with this status; nothing is done.
    Status(u16),
    /// The connection ends before anything is done.
    LostBefore,
    /// It is done, and the connection ends without an answer.
    LostAfter,
    /// It is done, and the connection ends in the middle of the answer.
    Cut,
    /// It is done, and the answer is no JSON and no XML.
    Garbage,
    /// It is done, and a proxy answers with a page in its place.
    Page,
    /// It is done, and the answer has no body.
    Bare,
    /// It is done, and the answer is larger than the host takes.
    Huge,
}

impl Trouble {
    /// All that a target may be up to.
    pub const ALL: [Trouble; 18] = [
        Trouble::Status(400),
        Trouble::Status(401),
        Trouble::Status(403),
        Trouble::Status(404),
        Trouble::Status(409),
        Trouble::Status(410),
        Trouble::Status(412),
        Trouble::Status(422),
        Trouble::Status(429),
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::LostBefore,
        Trouble::LostAfter,
        Trouble::Cut,
        Trouble::Garbage,
        Trouble::Page,
        Trouble::Bare,
        Trouble::Huge,
    ];

    /// What happens, for people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Trouble::Status(429) => format!("answered 429 with `Retry-After: {RETRY_AFTER_S}`"),
            Trouble::Status(status) => format!("answered {status}"),
            Trouble::LostBefore => "lost before it was done".to_owned(),
            Trouble::LostAfter => "done, and the answer lost".to_owned(),
            Trouble::Cut => "done, and the answer cut in the middle".to_owned(),
            Trouble::Garbage => "done, and answered with garbage".to_owned(),
            Trouble::Page => "done, and answered with a proxy's HTML page".to_owned(),
            Trouble::Bare => "done, and answered with an empty body".to_owned(),
            Trouble::Huge => "done, and answered with 10 MB".to_owned(),
        }
    }

    /// Whether the request is done all the same.
    #[must_use]
    pub fn is_done(self) -> bool {
        match self {
            Trouble::Status(_) | Trouble::LostBefore => false,
            Trouble::LostAfter
            | Trouble::Cut
            | Trouble::Garbage
            | Trouble::Page
            | Trouble::Bare
            | Trouble::Huge => true,
        }
    }
}

/// What the target knows.
#[derive(Debug, Default)]
struct State {
    cassette: Option<Arc<Cassette>>,
    guarantee: Option<Guarantee>,
    /// The header of each endpoint that takes an idempotency key.
    key_headers: BTreeMap<String, String>,
    /// Whether requests bear tokens that the host has itself given.
    bears_tokens: bool,
    /// The steps that have landed, as often as they have.
    landed: Vec<String>,
    /// The answers that are kept under an idempotency key.
    kept: BTreeMap<String, Reply>,
    /// The steps that were recorded and have not arrived.
    announced: VecDeque<String>,
    /// Which request of the call meets which trouble, counted from 0.
    trouble: Option<(usize, Trouble)>,
    /// Answers instead of the cassette, in order and then from the beginning.
    instead: Vec<Reply>,
    requests: usize,
    /// What each step was sent as.
    sent: Vec<(String, Digest)>,
    unknown: Vec<String>,
}

/// The scripted target, listening on loopback until it is dropped.
#[derive(Debug)]
pub struct Vendor {
    state: Arc<Mutex<State>>,
    listening: Listening,
}

impl Vendor {
    /// Listens; `key_headers` are the headers of the endpoints that take an idempotency key.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(key_headers: BTreeMap<String, String>) -> io::Result<Vendor> {
        let state = Arc::new(Mutex::new(State { key_headers, ..State::default() }));
        let shared = Arc::clone(&state);
        let listening = Listening::start(move |asked| {
            let heard = locked(&shared).answer(&asked);
            async move { heard }
        });
        Ok(Vendor { state, listening: listening.await? })
    }

    /// Where an endpoint of the manifest is.
    #[must_use]
    pub fn base_of(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}", self.listening.base_url())
    }

    /// Forgets everything, and answers from this cassette as if nothing had been done yet.
    pub fn begin(&self, cassette: &Arc<Cassette>, guarantee: Guarantee) {
        let mut state = locked(&self.state);
        let key_headers = std::mem::take(&mut state.key_headers);
        *state = State {
            bears_tokens: state.bears_tokens,
            key_headers,
            cassette: Some(Arc::clone(cassette)),
            guarantee: Some(guarantee),
            ..State::default()
        };
    }

    /// The target as it is after these steps.
    pub fn set_landed(&self, steps: &[String]) {
        locked(&self.state).landed = steps.to_vec();
    }

    /// The next request is the first of a call; the one that `trouble` names meets it.
    pub fn expect_call(&self, trouble: Option<(usize, Trouble)>) {
        let mut state = locked(&self.state);
        (state.requests, state.trouble) = (0, trouble);
        state.announced.clear();
    }

    /// Answers what is given here instead of the cassette; nothing lands by it.
    pub fn answer_instead(&self, replies: Vec<Reply>) {
        locked(&self.state).instead = replies;
    }

    /// Whether the trouble of this call was met.
    #[must_use]
    pub fn was_met(&self) -> bool {
        let state = locked(&self.state);
        state.trouble.is_some_and(|(at, _)| at < state.requests)
    }

    /// How often the step has landed.
    #[must_use]
    pub fn times(&self, step: &str) -> usize {
        locked(&self.state).landed.iter().filter(|landed| *landed == step).count()
    }

    /// A step that has landed more than once.
    #[must_use]
    pub fn twice(&self) -> Option<String> {
        let state = locked(&self.state);
        let again = |(at, step): (usize, &String)| state.landed.iter().take(at).any(|before| before == step);
        state.landed.iter().enumerate().find(|(at, step)| again((*at, *step))).map(|(_, step)| step.clone())
    }

    /// Every different form in which a step was sent.
    #[must_use]
    pub fn forms(&self, step: &str) -> usize {
        let state = locked(&self.state);
        let mut forms: Vec<Digest> =
            state.sent.iter().filter(|(sent, _)| sent == step).map(|(_, form)| *form).collect();
        forms.sort();
        forms.dedup();
        forms.len()
    }

    /// Every step that was sent, in order, with the digest of its request.
    #[must_use]
    pub fn sent(&self) -> Vec<(String, Digest)> {
        locked(&self.state).sent.clone()
    }

    /// The requests that the cassette has no answer to, and forgets them.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.state).unknown)
    }

    /// A ledger of one call of `actor`, which tells this target what it records.
    #[must_use]
    pub fn ledger(&self, actor: Actor, until: Until) -> Arc<Announcing> {
        Arc::new(Announcing { actor, until: Mutex::new(until), state: Some(Arc::clone(&self.state)) })
    }
}

/// A ledger for a target that is no scripted one.
#[must_use]
pub fn ledger(actor: Actor, until: Until) -> Arc<Announcing> {
    Arc::new(Announcing { actor, until: Mutex::new(until), state: None })
}

/// How far the host comes before it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Until {
    /// Steps that it records however often they come.
    known: Vec<String>,
    /// How many others it records.
    left: usize,
    /// Whether it has stopped.
    stopped: bool,
}

impl Until {
    /// It does not stop.
    #[must_use]
    pub fn the_end() -> Until {
        Until { known: Vec::new(), left: usize::MAX, stopped: false }
    }

    /// It stops before the step that follows `left` steps which are none of the `known` ones.
    #[must_use]
    pub fn after(known: &[String], left: usize) -> Until {
        Until { known: known.to_vec(), left, stopped: false }
    }

    fn records(&mut self, step: &str) -> bool {
        if self.known.iter().any(|known| known == step) {
            return true;
        }
        let Some(fewer) = self.left.checked_sub(1) else {
            self.stopped = true;
            return false;
        };
        self.left = fewer;
        self.known.push(step.to_owned());
        true
    }
}

/// A ledger that records so far and no further.
#[derive(Debug)]
pub struct Announcing {
    actor: Actor,
    until: Mutex<Until>,
    state: Option<Arc<Mutex<State>>>,
}

impl Announcing {
    /// Whether it refused to record a step: there the host stops.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        locked(&self.until).stopped
    }
}

impl Ledger for Announcing {
    fn about_to_send<'a>(&'a self, step: &'a str, _: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async move {
            let step = self.actor.step(step);
            if !locked(&self.until).records(&step) {
                return Err(NotRecorded(STOPPED.to_owned()));
            }
            if let Some(state) = &self.state {
                locked(state).announced.push_back(step);
            }
            Ok(())
        })
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Heard {
        if asked.path.first().is_some_and(|first| first == TOKENS) {
            self.bears_tokens = true;
            let token = serde_json::json!({ "access_token": format!("{CANARY}-token"), "expires_in": 3600 });
            return Heard::Whole(Reply::json(200, &token));
        }
        let number = self.requests;
        self.requests += 1;
        let step = self.announced.pop_front();
        if let Some(step) = &step {
            self.sent.push((step.clone(), form(asked)));
        }
        let trouble = self.trouble.filter(|met| self.meets(*met, number)).map(|(_, trouble)| trouble);
        if let (Some(Trouble::Status(401)), true, Some(step)) = (trouble, self.bears_tokens, &step) {
            // The host has itself given another token, and sends the same step once more.
            self.announced.push_front(step.clone());
        }
        let reply = match trouble {
            Some(trouble) if !trouble.is_done() => Reply::status(500),
            Some(_) | None => self.done(asked, step.as_deref(), number),
        };
        let success = if reply.status < 400 { reply.status } else { 200 };
        let typed = |kind: &str, body: &[u8]| {
            let reply = Reply { body: body.to_vec(), ..Reply::status(success) };
            Heard::Whole(reply.with("content-type", kind))
        };
        match trouble {
            None => Heard::Whole(reply),
            Some(Trouble::Status(429)) => {
                Heard::Whole(refused(429, asked).with("retry-after", RETRY_AFTER_S.to_string()))
            }
            Some(Trouble::Status(status)) => Heard::Whole(refused(status, asked)),
            Some(Trouble::LostBefore | Trouble::LostAfter) => Heard::Nothing,
            Some(Trouble::Cut) if reply.body.is_empty() => Heard::Nothing,
            Some(Trouble::Cut) => Heard::Cut(reply),
            Some(Trouble::Garbage) => typed("application/json", b"{\"data\": [{\"id\": \xff\x00 <<"),
            Some(Trouble::Page) => {
                typed("text/html", b"<!doctype html><title>Checking your browser</title><p>One moment.")
            }
            Some(Trouble::Bare) => typed("application/json", b""),
            Some(Trouble::Huge) => typed("application/json", &vec![b' '; HUGE_BYTES]),
        }
    }

    /// Whether the request of this number meets the trouble. Where requests bear tokens, a 401 is met twice: the first
    /// one costs a token.
    fn meets(&self, (at, trouble): (usize, Trouble), number: usize) -> bool {
        number == at || (self.bears_tokens && trouble == Trouble::Status(401) && number == at + 1)
    }

    /// Does what is asked, and gives the answer.
    fn done(&mut self, asked: &Asked, step: Option<&str>, number: usize) -> Reply {
        if !self.instead.is_empty() {
            let reply = self.instead.get(number % self.instead.len()).cloned();
            return reply.unwrap_or_else(|| Reply::status(500));
        }
        let Some(cassette) = self.cassette.clone() else { return Reply::status(503) };
        let key = asked.path.first().and_then(|endpoint| self.key_headers.get(endpoint));
        let key = key.filter(|_| step.is_some()).and_then(|header| asked.header(header)).map(str::to_owned);
        if let Some(kept) = key.as_ref().and_then(|key| self.kept.get(key)) {
            return kept.clone();
        }
        let mut landed = self.landed.clone();
        landed.sort();
        let known = || {
            let of_step = |recorded: &&super::cassette::Recorded| recorded.step.as_deref() == step;
            cassette.exchanges.iter().filter(of_step).filter(|recorded| recorded.request.is(asked))
        };
        let now = known().find(|recorded| {
            let mut when = recorded.when.clone();
            when.sort();
            when == landed
        });
        // A step that comes again is done again, whatever the state, unless its target knows better.
        let again = || {
            known().find(|recorded| {
                recorded.lands() && step.is_some_and(|step| landed.iter().any(|done| done == step))
            })
        };
        let Some(recorded) = now.or_else(again) else {
            let nearest = cassette.nearest(asked, step).map(|near| format!(" ({near})"));
            self.unknown.push(described(asked, step, &landed) + &nearest.unwrap_or_default());
            return Reply::json(501, &serde_json::json!({ "error": "not in the cassette" }));
        };
        let reply = recorded.response.reply();
        if let Some(step) = step.filter(|_| recorded.lands()) {
            // A target that knows the key, or the name, does nothing a second time.
            let held_once = self.guarantee == Some(Guarantee::ByNaturalKey) || key.is_some();
            if !held_once || !self.landed.iter().any(|done| done == step) {
                self.landed.push(step.to_owned());
            }
            if let Some(key) = key {
                self.kept.insert(key, reply.clone());
            }
        }
        reply
    }
}

/// The refusal of a vendor that repeats the credential in it, as some do.
fn refused(status: u16, asked: &Asked) -> Reply {
    let credential = asked.header("authorization").unwrap_or_default();
    let message = format!("refused by the conformance kit {credential}");
    Reply::json(status, &serde_json::json!({ "error": { "message": message.trim_end() } }))
}

fn described(asked: &Asked, step: Option<&str>, landed: &[String]) -> String {
    let path = asked.path.join("/");
    let query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let step = step.map_or_else(String::new, |step| format!(", as step `{step}`"));
    let landed = if landed.is_empty() { "nothing".to_owned() } else { landed.join(", ") };
    format!("{} {path}{query}{step}, after {landed} had landed", asked.method)
}

/// What a step is sent as, without what the host adds.
fn form(asked: &Asked) -> Digest {
    let mut parts: Vec<&[u8]> = vec![asked.method.as_bytes()];
    parts.extend(asked.path.iter().map(String::as_bytes));
    for (name, value) in &asked.query {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    parts.push(&asked.body);
    Digest::of_parts(&parts)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
