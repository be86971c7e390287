//! Answers that are kept under idempotency keys.

use crate::standin::server::{Asked, Reply};
use std::collections::BTreeMap;

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Never seen, or the request has no key.
    Nothing,
    /// The answer that it got the first time.
    Kept(Reply),
    /// It was first used for something else.
    OtherParameters,
}

/// All keys that were used.
#[derive(Debug, Default)]
pub(super) struct Keys {
    kept: BTreeMap<String, Kept>,
    /// The key that the last request was the first to use.
    newest: Option<String>,
}

#[derive(Debug)]
struct Kept {
    parameters: (String, Vec<String>, Vec<u8>),
    reply: Reply,
}

impl Keys {
    /// What is known of the key of a request.
    pub(super) fn find(&mut self, asked: &Asked) -> Found {
        self.newest = None;
        match asked.header("idempotency-key").and_then(|key| self.kept.get(key)) {
            None => Found::Nothing,
            Some(kept) if kept.parameters == parameters(asked) => Found::Kept(kept.reply.clone()),
            Some(_) => Found::OtherParameters,
        }
    }

    /// Keeps the answer of a request, if it has a key that nothing is kept under.
    pub(super) fn keep(&mut self, asked: &Asked, reply: &Reply) {
        let Some(key) = asked.header("idempotency-key") else { return };
        if !self.kept.contains_key(key) {
            self.newest = Some(key.to_owned());
            self.insert(key, asked, reply);
        }
    }

    /// The same, for a request whose answer became another one after it was done.
    pub(super) fn keep_instead(&mut self, asked: &Asked, reply: &Reply) {
        let Some(key) = asked.header("idempotency-key") else { return };
        if !self.kept.contains_key(key) || self.newest.as_deref() == Some(key) {
            self.insert(key, asked, reply);
        }
    }

    fn insert(&mut self, key: &str, asked: &Asked, reply: &Reply) {
        let kept = Kept { parameters: parameters(asked), reply: reply.clone() };
        self.kept.insert(key.to_owned(), kept);
    }
}

fn parameters(asked: &Asked) -> (String, Vec<String>, Vec<u8>) {
    (asked.method.clone(), asked.path.clone(), asked.body.clone())
}
