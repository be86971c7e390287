//! A scripted notifier: the notifier port without mail servers. A test says what becomes of each message;
//! without a script every one gets through.

use countersign_core::approval::command::Hope;
use countersign_core::effect::attempt::Detail;
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::Contact;
use countersign_core::time::Millis;
use countersign_engine::port::Answer;
use countersign_engine::port::notifier::{Blame, NotDelivered, Notifier};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What becomes of one message.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// It arrives.
    Arrives,
    /// It does not, and trying again can help.
    Again(Option<Millis>),
    /// It does not, and never will.
    Never,
    /// It arrives, and the host dies before it hears of it.
    Hangs,
}

/// A notifier that does what a test says.
#[derive(Debug, Default)]
pub struct ScriptedNotifier {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Delivery>,
    always: Option<Delivery>,
    tried: Vec<Message>,
    arrived: Vec<Message>,
}

impl ScriptedNotifier {
    /// The next message, or the one after what was said before.
    pub fn next(&self, delivery: Delivery) {
        self.state().next.push_back(delivery);
    }

    /// Every message for which nothing else was said; `None` lets them through again.
    pub fn always(&self, delivery: Option<Delivery>) {
        self.state().always = delivery;
    }

    /// Every message that was handed over, in order, however it ended.
    #[must_use]
    pub fn tried(&self) -> Vec<Message> {
        self.state().tried.clone()
    }

    /// Every message that arrived, in order.
    #[must_use]
    pub fn arrived(&self) -> Vec<Message> {
        self.state().arrived.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for ScriptedNotifier {
    fn deliver(&self, message: Message) -> Answer<'_, Result<Detail, NotDelivered>> {
        let delivery = {
            let mut state = self.state();
            state.tried.push(message.clone());
            let next = state.next.pop_front();
            let delivery = next.or_else(|| state.always.clone()).unwrap_or(Delivery::Arrives);
            if matches!(delivery, Delivery::Arrives | Delivery::Hangs) {
                state.arrived.push(message);
            }
            delivery
        };
        let detail = Detail::new("scripted", "as the feature says");
        let not = |hope, wish| NotDelivered { hope, wish, blame: Blame::Remote, detail: detail.clone() };
        let end = match delivery {
            Delivery::Arrives => Ok(detail),
            Delivery::Again(wish) => Err(not(Hope::Some, wish)),
            Delivery::Never => Err(not(Hope::None, None)),
            Delivery::Hangs => return Box::pin(std::future::pending()),
        };
        Box::pin(std::future::ready(end))
    }

    fn reaches(&self, _: &Contact) -> bool {
        true
    }

    fn reached(&self) -> Reached<'_> {
        Reached { host: Some("https://countersign.example.com"), links: None }
    }
}
