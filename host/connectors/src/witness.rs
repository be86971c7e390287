//! Whoever looks on while connectors speak to their targets: the conformance kit and its recorder.

use crate::egress::{Purpose, Request, Response};
use countersign_core::effect::attempt::Failure;
use std::time::Duration;

/// Sees every request of every connector, as the guest made it, and hears what it says to operators.
///
/// It is called in the middle of a call and must not wait. Nothing of it is part of a decision.
pub trait Witness: Send + Sync {
    /// A request came to its end.
    fn exchanged(&self, exchange: Exchange);

    /// A line for operators, with its fields behind it and secrets hidden.
    fn said(&self, line: &str);

    /// A call came to its end, however it did.
    fn spent(&self, _: Spent) {}
}

/// What one call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Fuel, about one unit an instruction; only a [`crate::Runtime::counting`] counts it.
    pub fuel: Option<u64>,
    /// Most linear memory, summed over its memories, in bytes.
    pub memory_bytes: usize,
    /// Time in which guest code itself ran.
    pub guest: Duration,
    /// Time until there was an instance of it, with what the guest computed for that.
    pub instantiation: Duration,
}

/// One request of a guest, and what the guest heard.
///
/// It holds neither address nor credential nor idempotency key: those are the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The endpoint, by its name in the manifest.
    pub endpoint: String,
    /// In capitals.
    pub method: &'static str,
    /// The path as the guest gave it, percent-encoded, below the endpoint's base.
    pub path: String,
    /// Names and values of the query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers that the guest gave.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The step's name; `None` for what changes nothing.
    pub step: Option<String>,
    /// The answer, or why there is none. An answer that the host has on record is given again here.
    pub answer: Result<Answered, Failure>,
}

/// What a target answered, without credentials and without headers that guests are not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(request: Request, answer: &Result<Response, Failure>) -> Exchange {
        let Request { endpoint, method, path, query, headers, body, purpose } = request;
        Exchange {
            endpoint,
            method: method.as_str(),
            path,
            query,
            headers,
            body,
            step: match purpose {
                Purpose::Read => None,
                Purpose::Step(name) => Some(name),
            },
            answer: answer.as_ref().map_err(Clone::clone).map(|response| Answered {
                status: response.status,
                headers: response.headers.clone(),
                body: response.body.clone(),
            }),
        }
    }
}
