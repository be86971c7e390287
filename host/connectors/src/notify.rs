//! How people are told: mail and webhooks, behind the engine's notifier port.

mod mail;
mod webhook;

pub use mail::{MailOptions, Security};
pub use webhook::{WebhookOptions, webhook_secret};

use countersign_core::effect::attempt::Detail;
use countersign_core::id::WebhookName;
use countersign_core::notice::link::Links;
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::Contact;
use countersign_engine::port::Answer;
use countersign_engine::port::clock::Clock;
use countersign_engine::port::notifier::{NotDelivered, Notifier};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything through which people can be told, as the operator configures it.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct NotifyOptions {
    /// The mail server.
    pub mail: Option<MailOptions>,
    /// Webhooks by their names.
    pub webhooks: BTreeMap<WebhookName, WebhookOptions>,
    /// Where this host is reached from outside.
    pub host: Option<String>,
    /// Links for whoever can sign in there.
    pub links: Option<Links>,
}

/// The notifier: one mail server and any number of webhooks.
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Messengers {
    mail: Option<mail::Mail>,
    webhooks: BTreeMap<WebhookName, webhook::Webhook>,
    host: Option<String>,
    links: Option<Links>,
    clock: Arc<dyn Clock>,
}

impl Messengers {
    /// Puts it together. Nothing is connected yet.
    ///
    /// # Errors
    /// What of the configuration cannot be used, in one sentence.
    pub fn new(options: NotifyOptions, clock: Arc<dyn Clock>) -> Result<Messengers, String> {
        let mail = options.mail.map(mail::Mail::new).transpose()?;
        let webhooks = options.webhooks.into_iter();
        let webhooks = webhooks.map(|(name, options)| {
            let webhook = webhook::Webhook::new(options).map_err(|why| format!("webhook `{name}`: {why}"))?;
            Ok((name, webhook))
        });
        let webhooks = webhooks.collect::<Result<_, String>>()?;
        Ok(Messengers { mail, webhooks, host: options.host, links: options.links, clock })
    }

    /// Asks the mail server whether it would take mails: connection, encryption, sign-in. Sends none.
    ///
    /// # Errors
    /// What it answered, or that none is configured.
    pub async fn check_mail(&self) -> Result<(), NotDelivered> {
        match &self.mail {
            Some(mail) => mail.check().await,
            None => Ok(()),
        }
    }
}

impl Notifier for Messengers {
    fn deliver(&self, message: Message) -> Answer<'_, Result<Detail, NotDelivered>> {
        Box::pin(async move {
            let unconfigured = || NotDelivered::unconfigured(&message.by);
            match &message.by {
                Contact::Mail(address) => {
                    self.mail.as_ref().ok_or_else(unconfigured)?.send(&message, address).await
                }
                Contact::Webhook(name) => {
                    self.webhooks.get(name).ok_or_else(unconfigured)?.send(&message, self.clock.now()).await
                }
            }
        })
    }

    fn reaches(&self, contact: &Contact) -> bool {
        match contact {
            Contact::Mail(_) => self.mail.is_some(),
            Contact::Webhook(name) => self.webhooks.contains_key(name),
        }
    }

    fn reached(&self) -> Reached<'_> {
        Reached { host: self.host.as_deref(), links: self.links.as_ref() }
    }
}
