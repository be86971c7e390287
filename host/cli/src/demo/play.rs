//! The play: requesters ask, approvers decide, the host is killed in the middle, and everybody
//! goes on as if nothing had happened. All of it through the HTTP API, as anybody would.

use super::client::{Api, Ask, Line, Sent};
use super::host::Host;
use super::scenario::Wish;
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Pause between two submissions, so that the host has several things to do at every time.
const PACE_MS: u64 = 25;
/// Pause between two rounds of the approvers.
const ROUND_MS: u64 = 150;
/// How long the dead host is left alone.
const DEAD_MS: u64 = 300;
/// Person who only looks.
const WATCHER: &str = "integration-lead";

/// Who plays, with what.
#[derive(Debug)]
pub struct Cast<'a> {
    /// The API.
    pub api: Api,
    /// Everybody's token, by person.
    pub tokens: &'a BTreeMap<String, String>,
    /// What is asked for.
    pub wishes: &'a [Wish],
    /// How long all of it may take.
    pub limit: Duration,
    /// What people watch meanwhile.
    pub progress: &'a ProgressBar,
}

/// What happened.
#[derive(Debug)]
pub struct Played {
    /// Ids of the intents that the host acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// How many intents were under way when the host was killed.
    pub under_way: usize,
}

#[derive(Debug, Default)]
struct Stage {
    /// The wish of each acknowledged intent, by its place.
    intents: RefCell<BTreeMap<String, usize>>,
    under_way: Cell<usize>,
    is_settled: Cell<bool>,
    has_restarted: Cell<bool>,
}

impl Cast<'_> {
    /// Plays until everything is settled or the time is up.
    ///
    /// # Errors
    /// If the host refuses what it must take, or stays away.
    pub async fn play(&self, host: &mut Host) -> Result<Played> {
        let stage = Stage::default();
        let all = async {
            tokio::try_join!(
                self.submit(&stage),
                self.kill_in_the_middle(&stage, host),
                self.decide(&stage),
                self.watch(&stage)
            )
        };
        // Out of time is an answer too: the report says what is open.
        if let Ok(ended) = tokio::time::timeout(self.limit, all).await {
            ended?;
        }
        let acknowledged = stage.intents.borrow().keys().cloned().collect();
        Ok(Played { acknowledged, under_way: stage.under_way.get() })
    }

    fn token(&self, person: &str) -> Result<&str> {
        self.tokens.get(person).map(String::as_str).with_context(|| format!("`{person}` has no token"))
    }

    async fn submit(&self, stage: &Stage) -> Result<()> {
        for (place, wish) in self.wishes.iter().enumerate() {
            let body = json!({"type": wish.flow.intent_type(), "tokens": wish.tokens});
            let key = format!("demo-wish-{place}");
            let answer = self
                .api
                .ask(&Ask {
                    method: "POST",
                    path: "/v1/intents",
                    token: self.token(wish.requester)?,
                    key: Some(&key),
                    revision: None,
                    body: Some(Sent::Json(&body)),
                })
                .await?;
            let id = answer.body["id"].as_str();
            let Some(id) = id.filter(|_| matches!(answer.status, 200..=202)) else {
                bail!("the host refuses wish {place}: {}\n{body}\n{}", answer.problem(), answer.body);
            };
            stage.intents.borrow_mut().insert(id.to_owned(), place);
            tokio::time::sleep(Duration::from_millis(PACE_MS)).await;
        }
        Ok(())
    }

    /// Kills the host when half of the wishes are in, and starts it again.
    async fn kill_in_the_middle(&self, stage: &Stage, host: &mut Host) -> Result<()> {
        while stage.intents.borrow().len() * 2 < self.wishes.len() {
            tokio::time::sleep(Duration::from_millis(PACE_MS)).await;
        }
        let lines = self.api.list(self.token(WATCHER)?, "").await?;
        stage.under_way.set(lines.iter().filter(|line| !is_closed(line)).count());
        host.kill().await?;
        self.progress.set_message("the host is dead");
        tokio::time::sleep(Duration::from_millis(DEAD_MS)).await;
        host.start().await?;
        self.progress.set_message("the host is back");
        stage.has_restarted.set(true);
        Ok(())
    }

    /// Every person looks into their own inbox and decides what they find there.
    async fn decide(&self, stage: &Stage) -> Result<()> {
        let mut decided: BTreeSet<(String, &str)> = BTreeSet::new();
        while !stage.is_settled.get() {
            for (person, token) in self.tokens {
                for line in self.api.list(token, "&seat=me&state=seated").await? {
                    if decided.contains(&(line.id.clone(), person.as_str())) {
                        continue;
                    }
                    if self.decide_one(stage, &line.id, token).await? {
                        decided.insert((line.id, person));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(ROUND_MS)).await;
        }
        Ok(())
    }

    /// One decision of one person. The answer says whether it is made; a refusal means that
    /// somebody was faster, and the next round looks again.
    async fn decide_one(&self, stage: &Stage, id: &str, token: &str) -> Result<bool> {
        let path = format!("/v1/intents/{id}");
        let shown = self.api.ask(&Ask::get(&path, token)).await?;
        let Some(revision) = shown.etag.filter(|_| shown.status == 200) else {
            bail!("the host does not show {id}: {} {}", shown.status, shown.body);
        };
        let place = stage.intents.borrow().get(id).copied();
        let is_unwelcome =
            place.and_then(|place| self.wishes.get(place)).is_some_and(|wish| wish.is_unwelcome);
        let verb = if is_unwelcome { "decline" } else { "approve" };
        let can = shown.body["can"].as_array().is_some_and(|can| can.iter().any(|able| able == verb));
        if !can {
            return Ok(false);
        }
        // The seal says which write plan was read; the host takes no decision about another one.
        let seal = &shown.body["plan"]["seal"];
        let body = match verb {
            "decline" => json!({"decision": verb, "seal": seal, "reason": "not this quarter"}),
            _ => json!({"decision": verb, "seal": seal, "note": "looks right"}),
        };
        let path = format!("{path}/decisions");
        let key = format!("demo-decision-{id}-{}", revision.trim_matches('"'));
        let ask = Ask {
            method: "POST",
            path: &path,
            token,
            key: Some(&key),
            revision: Some(&revision),
            body: Some(Sent::Json(&body)),
        };
        Ok(matches!(self.api.ask(&ask).await?.status, 200..=202))
    }

    /// Shows how far it is, and sees when everything is at an end.
    async fn watch(&self, stage: &Stage) -> Result<()> {
        loop {
            let lines = self.api.list(self.token(WATCHER)?, "").await?;
            let closed = lines.iter().filter(|line| is_closed(line)).count();
            self.progress.set_position(u64::try_from(closed).unwrap_or(u64::MAX));
            if closed == self.wishes.len() && stage.has_restarted.get() {
                stage.is_settled.set(true);
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(ROUND_MS)).await;
        }
    }
}

fn is_closed(line: &Line) -> bool {
    matches!(line.state.as_str(), "done" | "undone" | "declined" | "withdrawn")
}
