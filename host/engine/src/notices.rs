//! The notice worker: tells people, a bounded number at one time, apart from effects and timers.
//!
//! It decides nothing: the words are made by `core` from what is true now, and what came back is given to
//! the transition table.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{ERRAND_FAULT_DELAY_MS, MAILS_AT_ONCE, WEBHOOKS_AT_ONCE};
use crate::port::notifier::Blame;
use crate::port::store::StoreFault;
use countersign_core::approval::command::{Command, Hope};
use countersign_core::approval::refusal::Refusal;
use countersign_core::clock::is_due;
use countersign_core::effect::attempt::Detail;
use countersign_core::id::IntentId;
use countersign_core::notice::{NOTICE_AGE_MAX, words};
use countersign_core::people::Contact;
use countersign_core::time::Millis;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// One gate a way, so that a mail server that is slow holds up no webhook, as long as fewer notices than
/// [`crate::limits::NOTICES_IN_FLIGHT_MAX`] wait for it: their places are shared.
#[derive(Debug)]
pub(crate) struct Ways {
    mail: Semaphore,
    webhook: Semaphore,
}

impl Default for Ways {
    fn default() -> Ways {
        Ways { mail: Semaphore::new(MAILS_AT_ONCE), webhook: Semaphore::new(WEBHOOKS_AT_ONCE) }
    }
}

impl Ways {
    fn of(&self, contact: &Contact) -> &Semaphore {
        match contact {
            Contact::Mail(_) => &self.mail,
            Contact::Webhook(_) => &self.webhook,
        }
    }
}

/// Sends one notice.
///
/// If the process stops in here, the notice is still open and is sent again under the same key.
pub(crate) async fn run(inner: &Arc<Inner>, intent: IntentId, number: u32) -> Result<(), Fault> {
    let standing = inner.read(intent).await?;
    let Some(by) = due(inner, &standing.approval, number) else { return Ok(()) };
    let permit = tokio::select! {
        biased;
        permit = inner.ways.of(&by).acquire() => permit,
        () = inner.tasks.stopping() => return Ok(()),
    };
    let Ok(permit) = permit else { return Ok(()) };
    // It may have waited: the words are those of now, and what is over by now is not sent.
    let standing = inner.read(intent).await?;
    if due(inner, &standing.approval, number).is_none() {
        return Ok(());
    }
    let rulebook = inner.rulebook();
    if let Some(to) = standing.approval.notices.open.get(&number).map(|open| &open.notice.to)
        && !rulebook.directory().knows(to)
    {
        // What they would have been told is nobody's any more at that address.
        let detail = Detail::new("left", format!("`{to}` is not in the directory any more"));
        let command = Command::NotTold { notice: number, detail, wish: None, hope: Hope::None };
        return recorded(inner, intent, command).await;
    }
    let Some(message) = words::message(&standing.approval, number, &rulebook, inner.notifier.reached())
    else {
        return Ok(());
    };
    let delivered = tokio::select! {
        biased;
        delivered = inner.notifier.deliver(message) => delivered,
        // Whether it got through is not known then: it is sent again under the same key.
        () = inner.tasks.stopping() => return Ok(()),
    };
    drop(permit);
    let command = match delivered {
        Ok(detail) => Command::Told { notice: number, detail },
        Err(not) => {
            let blame = match not.blame {
                Blame::Host => "host",
                Blame::Remote => "remote",
            };
            tracing::warn!(%intent, notice = number, blame, "somebody could not be told: {not}");
            Command::NotTold { notice: number, detail: not.detail, wish: not.wish, hope: not.hope }
        }
    };
    recorded(inner, intent, command).await
}

/// Records what came of a notice. While the store takes nothing, only this is repeated and never the sending,
/// until it does or the engine stops.
async fn recorded(inner: &Arc<Inner>, intent: IntentId, command: Command) -> Result<(), Fault> {
    loop {
        match inner.command(intent, command.clone(), None).await {
            // What it was about ended while it was on its way.
            Ok(_) | Err(Fault::Refused(Refusal::Overtaken)) => return Ok(()),
            Err(Fault::Store(fault)) if !matches!(fault, StoreFault::Lost(_)) => {
                tracing::warn!(%fault, %intent, blame = "host", "what came of a notice is not recorded yet");
            }
            Err(fault) => return Err(fault),
        }
        let until = inner.clock.now().plus(Millis(ERRAND_FAULT_DELAY_MS));
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return Ok(()),
            () = inner.clock.sleep_until(until) => {}
        }
    }
}

/// By which way a notice is to be sent now, if it is.
fn due(inner: &Inner, approval: &countersign_core::approval::Approval, number: u32) -> Option<Contact> {
    let open = approval.notices.open.get(&number)?;
    is_due(open.due, inner.clock.now(), NOTICE_AGE_MAX).then(|| open.notice.by.clone())
}
