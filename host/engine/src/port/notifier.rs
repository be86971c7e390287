//! The notifier port: one message to one person by one way, one typed answer.

use super::Answer;
use countersign_core::approval::command::Hope;
use countersign_core::effect::attempt::Detail;
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::Contact;
use countersign_core::time::Millis;
use std::fmt;

/// Everything through which people can be told.
pub trait Notifier: Send + Sync + 'static {
    /// Delivers a message; says what the other side answered.
    ///
    /// If the process stops in here, or before the answer is recorded, the same message comes again under
    /// the same key: delivered at least once.
    fn deliver(&self, message: Message) -> Answer<'_, Result<Detail, NotDelivered>>;

    /// Whether this way is configured.
    fn reaches(&self, contact: &Contact) -> bool;

    /// How this host is reached from outside, as far as somebody said so.
    fn reached(&self) -> Reached<'_>;
}

/// Whose fault it is that a message did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The configuration of this host.
    Host,
    /// The other side, or the way there.
    Remote,
}

/// Why a message did not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDelivered {
    /// Whether trying again can help.
    pub hope: Hope,
    /// How long the other side asked us to wait.
    pub wish: Option<Millis>,
    /// Whose fault it is.
    pub blame: Blame,
    /// For people.
    pub detail: Detail,
}

impl fmt::Display for NotDelivered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail.message)
    }
}

impl std::error::Error for NotDelivered {}

impl NotDelivered {
    /// A way that the configuration does not have: somebody may add it before the notice is given up.
    #[must_use]
    pub fn unconfigured(contact: &Contact) -> NotDelivered {
        let message = match contact {
            Contact::Mail(_) => "no mail server is configured".to_owned(),
            Contact::Webhook(name) => format!("no webhook `{name}` is configured"),
        };
        let detail = Detail::new("not-configured", message);
        NotDelivered { hope: Hope::Some, wish: None, blame: Blame::Host, detail }
    }
}

/// A host that can tell nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNotifier;

impl Notifier for NoNotifier {
    fn deliver(&self, message: Message) -> Answer<'_, Result<Detail, NotDelivered>> {
        Box::pin(std::future::ready(Err(NotDelivered::unconfigured(&message.by))))
    }

    fn reaches(&self, _: &Contact) -> bool {
        false
    }

    fn reached(&self) -> Reached<'_> {
        Reached::default()
    }
}
