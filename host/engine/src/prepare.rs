//! From submission to seal: reads the facts, plans the writes, and hands both to the transition
//! table. Only looks at the world; changes nothing there.

mod facts;
mod plan;

pub(crate) use facts::summed;

use crate::contributions;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::going_live::Log;
use crate::limits::PAUSED_LOOK_MS;
use crate::outages::Denied;
use countersign_core::approval::command::{Anew, Command, Hope, Prepared};
use countersign_core::approval::life::{self, Context};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, Stage};
use countersign_core::effect::attempt::{Detail, Ended, Failure, Receipt};
use countersign_core::effect::life::Denial;
use countersign_core::effect::retry;
use countersign_core::going_live::is_going_live;
use countersign_core::id::{ConnectionName, EffectId, IntentId};
use countersign_core::intent::Enforcement;
use countersign_core::policy::Outcome;
use countersign_core::policy::component::Contributions;
use countersign_core::publish::is_policy_change;
use countersign_core::shared_change::is_shared_change;
use countersign_core::time::{Millis, Timestamp};
use std::sync::Arc;

/// Why facts or plans could not be had.
#[derive(Debug, Clone)]
struct Trouble {
    detail: Detail,
    wish: Option<Millis>,
    hope: Hope,
    /// The connection that refused its credential.
    denied: Option<ConnectionName>,
    /// Whether that was known before, so that nothing was asked.
    is_paused: bool,
}

impl Trouble {
    fn hopeless(code: &str, message: String) -> Trouble {
        Trouble {
            detail: Detail::new(code, message),
            wish: None,
            hope: Hope::None,
            denied: None,
            is_paused: false,
        }
    }

    /// A connection is not there: only a person can put that right, so it is theirs at once, unless its connector comes.
    fn missing(inner: &Inner, connection: &ConnectionName) -> Trouble {
        if inner.lacks_connector(connection) {
            return Trouble::paused(connection);
        }
        Trouble::hopeless("no-connection", format!("connection `{connection}` is not configured"))
    }

    /// Nothing is asked of a connection that is paused, or has no connector yet.
    fn paused(connection: &ConnectionName) -> Trouble {
        let detail = Detail::new("paused", format!("connection `{connection}` is paused"));
        Trouble { detail, wish: None, hope: Hope::Some, denied: Some(connection.clone()), is_paused: true }
    }

    /// What a read at a connection means that did not come to an answer. `None` for an answer.
    fn of<T>(ended: Ended<T>, connection: &ConnectionName) -> Result<T, Trouble> {
        let failure = match ended {
            Ended::Returned(answer) => return Ok(answer),
            Ended::Broke(broke) => {
                let detail = Detail::new("connector-broke", broke.message);
                return Err(Trouble { detail, wish: None, hope: Hope::Some, denied: None, is_paused: false });
            }
            Ended::Failed(failure) => failure,
        };
        let (wish, hope) = match &failure {
            Failure::Transient { after, .. } => (*after, Hope::Some),
            Failure::Rejected { .. } => (None, Hope::None),
            // A refused credential can be put right while the approval waits.
            Failure::Denied(_) | Failure::Uncertain(_) | Failure::Conflict { .. } => (None, Hope::Some),
        };
        let denied = matches!(failure, Failure::Denied(_)).then(|| connection.clone());
        Err(Trouble { detail: failure.detail().clone(), wish, hope, denied, is_paused: false })
    }
}

/// Prepares one approval, if that is due; says when to look again if a connection that it needs is paused.
///
/// If the process stops in here nothing has changed, and the errand is begun again.
pub(crate) async fn run(inner: &Arc<Inner>, intent: IntentId) -> Result<Option<Timestamp>, Fault> {
    let standing = inner.read(intent).await?;
    match standing.approval.stage {
        Stage::Preparing { due, .. } if retry::is_due(due, inner.clock.now()) => {}
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => return Ok(None),
    }
    let revision = standing.approval.intent.revision;
    let (began, mut telling) = (inner.clock.now(), Denied::default());
    let command = match prepared(inner, &standing.approval).await? {
        Ok(prepared) => Command::Prepare { revision, prepared: Box::new(prepared) },
        Err(Trouble { detail, wish, hope, denied, is_paused: _ }) => {
            if let Some(connection) = &denied {
                telling = inner.denied_at(connection, began).await?;
            }
            let denied = match telling.denial {
                Denial::Effect => None,
                Denial::Connection => denied,
                Denial::Passing => return Ok(Some(inner.later(Millis(PAUSED_LOOK_MS)))),
            };
            Command::Postpone { revision, detail, wish, hope, denied }
        }
    };
    let done = inner.command(intent, command, None).await;
    drop(telling);
    match done {
        // Withdrawn or amended in the meantime; the next revision has an errand of its own.
        Ok(_) | Err(Fault::Refused(Refusal::WrongStage { .. } | Refusal::StaleRevision { .. })) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn prepared(inner: &Arc<Inner>, approval: &Approval) -> Result<Result<Prepared, Trouble>, Fault> {
    let rulebook = inner.rulebook();
    let name = &approval.intent.intent_type;
    let Some(schema) = rulebook.intent_type(name) else {
        let message = format!("intent type `{name}` is not installed any more");
        return Ok(Err(Trouble::hopeless("no-intent-type", message)));
    };
    if is_policy_change(name) {
        let evidence = inner.evidence(approval).await?;
        let ready = |change| Prepared { change: Some(Arc::new(change)), ..Prepared::default() };
        return Ok(evidence.map(ready).map_err(|places| Trouble::hopeless("change-does-not-check", places)));
    }
    if is_shared_change(name) {
        let evidence = inner.shared_evidence(approval).await?;
        let ready = |change| Prepared { shared: Some(Arc::new(change)), ..Prepared::default() };
        return Ok(evidence.map(ready).map_err(|places| Trouble::hopeless("change-does-not-check", places)));
    }
    if is_going_live(name) {
        return Ok(match inner.ready(approval, Log::Verified).await? {
            Some((_, Ok(ready))) => Ok(Prepared { readiness: Some(Arc::new(ready)), ..Prepared::default() }),
            Some((_, Err(lacking))) => {
                let lacking: Vec<String> = lacking.iter().map(ToString::to_string).collect();
                Err(Trouble::hopeless("not-ready", lacking.join("; ")))
            }
            None => Err(Trouble::hopeless("not-ready", "the intent type is not there any more".to_owned())),
        });
    }
    let paused = inner.paused_connections().await?;
    let facts = match facts::read(inner, approval, schema, &paused).await? {
        Ok(facts) => facts,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let now = inner.clock.now();
    let context = Context::new(&rulebook, now, 0);
    let said = match life::deciding(context, approval) {
        Some(policy) => {
            let tokens = &approval.intent.tokens;
            contributions::said(&*inner.components, &policy.components, tokens, &facts).await?
        }
        None => Contributions::new(),
    };
    let Some(outcome) = life::outcome(context, approval, &facts, &said) else {
        let message = format!("no policy is in force for intent type `{name}`");
        return Ok(Err(Trouble::hopeless("no-policy", message)));
    };
    // What will not be written is not planned either.
    let advisory = schema.enforcement == Enforcement::Advisory;
    let planned = match outcome {
        Outcome::Unsure(_) if approval.overridden.is_none() => {
            if advisory || !life::may_fail_open(context, approval, &facts, &said) {
                Ok(Vec::new())
            } else {
                // Without a plan it is not let through: a person looks, as if it could not fail open.
                match plan::writes(inner, approval, schema, (&facts, &paused)).await {
                    Ok(writes) => Ok(writes),
                    Err(_) => {
                        let unplanned = Prepared { facts, said, unplanned: true, ..Prepared::default() };
                        return Ok(Ok(unplanned));
                    }
                }
            }
        }
        Outcome::Deny if approval.overridden.is_none() => Ok(Vec::new()),
        // Nothing of it will be written: decisions are only recorded.
        Outcome::Approve | Outcome::Needs(_) if advisory => Ok(Vec::new()),
        // Whoever overrides a no sees what would be written.
        Outcome::Approve | Outcome::Needs(_) | Outcome::Deny | Outcome::Unsure(_) => {
            plan::writes(inner, approval, schema, (&facts, &paused)).await
        }
    };
    Ok(planned.map(|writes| Prepared { facts, said, writes, ..Prepared::default() }))
}

/// What was found out about an effect whose record was changed elsewhere.
pub(crate) enum Found {
    /// What would be written now, and on what facts it would be decided.
    Anew(Box<Anew>),
    /// How the attempt ends that cannot find it out.
    Not(Ended<Receipt>),
    /// A connection at which facts are read is paused.
    Paused,
    /// The effect is not there any more.
    Gone,
}

/// Finds out what would be written for one effect now.
pub(crate) async fn anew(inner: &Arc<Inner>, approval: &Approval, effect: EffectId) -> Result<Found, Fault> {
    let rulebook = inner.rulebook();
    let Some(planned) = approval.planned(effect) else { return Ok(Found::Gone) };
    let name = &approval.intent.intent_type;
    let Some(schema) = rulebook.intent_type(name) else {
        let message = format!(
            "intent type `{name}` is not installed any more, so nobody can say what would be decided"
        );
        let detail = Detail::new("no-intent-type", message);
        return Ok(Found::Not(Ended::Failed(Failure::Transient { after: None, detail })));
    };
    let unknown =
        |trouble: Trouble| Ended::Failed(Failure::Transient { after: trouble.wish, detail: trouble.detail });
    let paused = inner.paused_connections().await?;
    let facts = match facts::read(inner, approval, schema, &paused).await? {
        Ok(facts) => facts,
        Err(Trouble { is_paused: true, .. }) => return Ok(Found::Paused),
        Err(trouble) => return Ok(Found::Not(unknown(trouble))),
    };
    let now = inner.clock.now();
    let said = match life::deciding(Context::new(&rulebook, now, 0), approval) {
        Some(policy) => {
            let tokens = &approval.intent.tokens;
            contributions::said(&*inner.components, &policy.components, tokens, &facts).await?
        }
        None => Contributions::new(),
    };
    let ended =
        inner.connectors.plan(&planned.connection, planned.connector, planned.what.clone(), now).await;
    Ok(match ended {
        Ended::Returned(plan) => Found::Anew(Box::new(Anew { facts, said, plan })),
        Ended::Failed(failure) => Found::Not(Ended::Failed(failure)),
        Ended::Broke(broke) => Found::Not(Ended::Broke(broke)),
    })
}
