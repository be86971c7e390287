//! Mail over SMTP: submission to the operator's server, encrypted unless it is this machine.

use crate::secret::Secret;
use countersign_core::approval::command::Hope;
use countersign_core::effect::attempt::Detail;
use countersign_core::notice::words::Message;
use countersign_core::people::MailAddress;
use countersign_engine::port::notifier::{Blame, NotDelivered};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error, extension::ClientId};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

/// Time to connect, in milliseconds.
const CONNECT_MS_MAX: u64 = 20_000;
/// Time for a whole mail, in milliseconds: a server may look at it for ten minutes before it says that it has it
/// (RFC 5321, section 4.5.3.2.6), and whoever does not wait that long sends it twice.
const MAIL_MS_MAX: u64 = 630_000;
/// Time for a look at the server, in milliseconds.
const CHECK_MS_MAX: u64 = 60_000;
/// Longest answer of a server that is kept, in characters.
const ANSWER_CHARACTERS_MAX: usize = 200;

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte; port 465.
    Tls,
    /// Plain first, TLS before anything is said; port 587. A server that cannot is refused.
    StartTls,
    /// None: only to a server on this machine.
    None,
}

/// The mail server, with its secret.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct MailOptions {
    /// Its name or address.
    pub server: String,
    /// Its port; the one of `security` unless given.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Security,
    /// Whom mails come from: `approvals@example.com` or `Approvals <approvals@example.com>`.
    pub from: String,
    /// Who signs in, and with what.
    pub login: Option<(String, Secret)>,
}

/// The mail server, ready to be connected to.
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mail {
    pub(super) fn new(options: MailOptions) -> Result<Mail, String> {
        let MailOptions { server, port, security, from, login } = options;
        let from: Mailbox =
            from.parse().map_err(|_| format!("`{}` is no mail address", from.escape_debug()))?;
        let parameters = || TlsParameters::new(server.clone()).map_err(|error| error.to_string());
        let (tls, usual) = match security {
            Security::Tls => (Tls::Wrapper(parameters()?), 465),
            Security::StartTls => (Tls::Required(parameters()?), 587),
            Security::None if is_here(&server) => (Tls::None, 25),
            Security::None => {
                return Err(format!(
                    "mails would go to `{server}` unprotected, which is only done on this machine"
                ));
            }
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server)
            .port(port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(Duration::from_millis(CONNECT_MS_MAX)))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some((user, password)) = login {
            transport = transport.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(Mail { transport: transport.build(), from })
    }

    /// Sends one message; says what the server answered.
    pub(super) async fn send(&self, message: &Message, to: &MailAddress) -> Result<Detail, NotDelivered> {
        let mail = self.composed(message, to).map_err(|why| {
            let detail = Detail::new("not-a-mail", why);
            NotDelivered { hope: Hope::None, wish: None, blame: Blame::Host, detail }
        })?;
        let sending = self.transport.send(mail);
        match tokio::time::timeout(Duration::from_millis(MAIL_MS_MAX), sending).await {
            Ok(Ok(response)) => Ok(Detail::new("mail", answer(&response))),
            Ok(Err(error)) => Err(not_delivered(&error)),
            Err(_) => Err(timed_out()),
        }
    }

    /// Connects and signs in, and sends nothing.
    pub(super) async fn check(&self) -> Result<(), NotDelivered> {
        let checking = self.transport.test_connection();
        match tokio::time::timeout(Duration::from_millis(CHECK_MS_MAX), checking).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(remote("no-mail-service", "the mail server takes no commands".to_owned())),
            Ok(Err(error)) => Err(not_delivered(&error)),
            Err(_) => Err(timed_out()),
        }
    }

    /// The mail: plain text, one recipient, marked as sent by a machine so that nobody's absence answers.
    fn composed(&self, message: &Message, to: &MailAddress) -> Result<lettre::Message, String> {
        let to: Mailbox = to.as_str().parse().map_err(|_| format!("`{to}` is no mail address"))?;
        let id = format!("<{}@{}>", message.key, self.from.email.domain());
        let machine =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        MessageBuilder::new()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject.clone())
            .message_id(Some(id))
            .raw_header(machine)
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|error| error.to_string())
    }
}

/// Whether a server is this machine, whatever a name service says.
fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the server said when it took the mail, on one line.
fn answer(response: &Response) -> String {
    let said: Vec<&str> = response.message().collect();
    shortened(&format!("{} {}", response.code(), said.join(" ")))
}

fn not_delivered(error: &Error) -> NotDelivered {
    // The library wraps an error of its own in another one; the inner one says all of it.
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let said = inner.unwrap_or(error).to_string();
    let code = error.status().map(|status| status.to_string());
    let recipients = error.is_permanent() && is_about_the_recipient(code.as_deref(), &said);
    let message = format!("the mail server: {}", shortened(&said));
    // What a server says for good ends a notice only if it is about the recipient. Everything else (relaying
    // denied, a wrong sender, a limit reached) is the operator's to mend, and nothing is lost by it.
    let (name, hope, blame) = if recipients {
        ("mail-refused", Hope::None, Blame::Remote)
    } else if error.is_client() || error.is_tls() || error.is_permanent() {
        ("mail-refused-host", Hope::Some, Blame::Host)
    } else if error.is_transient() {
        ("mail-put-off", Hope::Some, Blame::Remote)
    } else {
        ("no-mail-server", Hope::Some, Blame::Remote)
    };
    NotDelivered { hope, wish: None, blame, detail: Detail::new(name, message) }
}

fn timed_out() -> NotDelivered {
    remote("no-mail-server", format!("the mail server did not finish within {MAIL_MS_MAX} ms"))
}

fn remote(code: &str, message: String) -> NotDelivered {
    let detail = Detail::new(code, message);
    NotDelivered { hope: Hope::Some, wish: None, blame: Blame::Remote, detail }
}

/// Whether a refusal for good is about whom the mail is for: the enhanced status says so (RFC 3463: `5.1`, leaving
/// out the sender's own, and `5.2`), or without one the code of a mailbox (RFC 5321).
fn is_about_the_recipient(code: Option<&str>, said: &str) -> bool {
    let enhanced = |word: &str| {
        let mut parts = word.split('.');
        let digits =
            |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        word.starts_with("5.") && (0..3).all(|_| digits(parts.next())) && parts.next().is_none()
    };
    let trimmed = said.split_whitespace().map(|word| word.trim_matches([':', ',', ';', '(', ')']));
    match trimmed.into_iter().find(|word| enhanced(word)) {
        Some("5.1.7" | "5.1.8") => false,
        Some(status) => status.starts_with("5.1.") || status.starts_with("5.2."),
        None => matches!(code, Some("550" | "551" | "553")),
    }
}

/// Words of a server on one line.
fn shortened(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.take(ANSWER_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_recipient_ends_a_notice() {
        let check = |code: &str, said: &str, expected: bool| {
            assert_eq!(is_about_the_recipient(Some(code), said), expected, "{code} {said}");
        };
        check("550", "permanent error (550): 5.1.1 no such user", true);
        check("552", "permanent error (552): 5.2.2 mailbox full", true);
        check("550", "permanent error (550): no such user here", true);
        check("554", "permanent error (554): 5.7.1 <ben@example.com>: Relay access denied", false);
        check("553", "permanent error (553): 5.7.1 Sender address rejected: not owned by user", false);
        check(
            "550",
            "permanent error (550): 5.7.60 SMTP; Client does not have permissions to send as",
            false,
        );
        check("550", "permanent error (550): 5.4.5 Daily user sending limit exceeded", false);
        check("553", "permanent error (553): 5.1.8 sender's domain does not exist", false);
        check("554", "permanent error (554): go away", false);
    }
}
