//! What people are told: made from what is true when it is sent, in plain text.
//!
//! The subject says who wants what and what is asked of whom; the text says what would be written where,
//! why they are asked, until when, what follows if they do nothing, and what to type.

mod asked;
mod decide;
mod requester;

pub use asked::{changes, title};

use super::link::{LinkVerb, Linked, Links};
use super::plain::plain;
use super::{About, OpenNotice, Why};
use crate::approval::{Approval, Overridden, Sight, Stage};
use crate::break_glass::BREAK_GLASS;
use crate::exception::{Cause, Exception};
use crate::id::{ExceptionId, IntentId, PersonId};
use crate::people::{Contact, Spelt};
use crate::rulebook::Rulebook;
use crate::time::Timestamp;

/// Longest subject, in characters: longer ones are cut off in every list of mails anyway.
pub const SUBJECT_CHARACTERS_MAX: usize = 150;
/// Longest text, in bytes: as JSON it stays below the 20 kB that a thin webhook may have.
pub const TEXT_BYTES_MAX: usize = 9_000;
/// Longest value of a token or a field in it, in characters.
const VALUE_CHARACTERS_MAX: usize = 160;
/// Most characters of what somebody wrote: a question, an answer, a reason.
const WORDS_CHARACTERS_MAX: usize = 600;
/// Most bytes of one list of tokens or fields; the rest is counted.
const LIST_BYTES_MAX: usize = 2_400;

/// One message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same whenever it is sent again, so that the other side can tell.
    pub key: String,
    /// Who is told.
    pub to: PersonId,
    /// How.
    pub by: Contact,
    /// What about: see [`About::as_str`].
    pub about: &'static str,
    /// The intent.
    pub intent: IntentId,
    /// Its revision.
    pub revision: u32,
    /// One line.
    pub subject: String,
    /// Plain text, lines ended by `\n`.
    pub text: String,
}

/// The message of a notice that is still to be sent; `None` if there is no such notice, or nothing to
/// tell any more.
#[must_use]
pub fn message(
    approval: &Approval,
    number: u32,
    rulebook: &Rulebook,
    reached: Reached<'_>,
) -> Option<Message> {
    let open = approval.notices.open.get(&number).filter(|open| !super::is_moot(approval, &open.notice))?;
    let to = &open.notice.to;
    let sight = &rulebook.sight(approval, to, open.since);
    let telling = Telling { approval, open, number, rulebook, reached, to, sight };
    let Said { subject, lines } = telling.said()?;
    Some(Message {
        key: format!("{}.{number}", approval.intent.id),
        to: to.clone(),
        by: open.notice.by.clone(),
        about: open.notice.about.as_str(),
        intent: approval.intent.id,
        revision: approval.intent.revision,
        subject: plain(&subject, SUBJECT_CHARACTERS_MAX),
        text: text(lines),
    })
}

/// How this host is reached from outside, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reached<'a> {
    /// Where: people read it in every message.
    pub host: Option<&'a str>,
    /// By links that people open, where they can sign in.
    pub links: Option<&'a Links>,
}

/// What is said: the subject and the lines. Whatever others wrote went through [`plain`] before.
struct Said {
    subject: String,
    lines: Vec<String>,
}

/// Everything that the words are made of.
#[derive(Clone, Copy)]
struct Telling<'a> {
    approval: &'a Approval,
    open: &'a OpenNotice,
    number: u32,
    rulebook: &'a Rulebook,
    reached: Reached<'a>,
    to: &'a PersonId,
    /// What of it is for the reader.
    sight: &'a Sight,
}

impl Telling<'_> {
    fn said(&self) -> Option<Said> {
        match &self.open.notice.about {
            About::Seat { rows, why } => self.decide(rows, *why),
            About::Free { row, person, expired } => self.free(*row, person, *expired),
            About::Question { question } => self.question(*question),
            About::Answer { question } => self.answer(*question),
            About::Soon { row, .. } => self.soon(*row),
            About::SentBack => self.sent_back(),
            About::Missed { row } => self.missed(*row),
            About::HeldUp { id } => self.held_up(*id),
            About::Exception { id, why } => self.exception(*id, *why),
            About::SoonException { id, .. } => self.soon_to_settle(*id),
            About::GlassBroken => self.glass_broken(),
            About::Approved => self.approved(),
            About::Declined => self.declined(),
            About::Done => self.done(),
        }
    }

    /// Who asked: of a machine, who answers for it too.
    fn asker(&self) -> String {
        let intent = &self.approval.intent;
        let behind = intent.behind(self.rulebook.directory());
        if *behind == intent.requester {
            behind.to_string()
        } else {
            format!("{} of {behind}", intent.requester)
        }
    }

    /// A moment as the reader has it.
    fn moment(&self, at: Timestamp) -> Spelt {
        self.rulebook.directory().spelt(self.to, at, self.open.since)
    }

    /// Somebody decides alone: loud, so that whoever knows better can say so.
    fn glass_broken(&self) -> Option<Said> {
        let broken = self.approval.broken.as_ref()?;
        let (by, until) = (&broken.by, self.moment(broken.until));
        let requester = self.asker();
        let alone = |what: &&Overridden| what.at.is_some() && what.what.reason == BREAK_GLASS;
        let decided = self.approval.overridden.as_ref().filter(alone).map(|overridden| &overridden.what);
        let did = if decided.is_some() { "decided alone on" } else { "broke the glass for" };
        let subject = format!("Emergency: {by} {did} {}, asked by {requester}", self.title());
        let mut lines = vec![
            format!("{by} took it on themselves to decide alone, whatever the policy says, until {until}:"),
            format!("  {}", plain(&broken.reason, WORDS_CHARACTERS_MAX)),
        ];
        if let Some(what) = decided {
            lines.push(format!("They {}d it:", what.instead.as_str()));
            lines.push(format!("  {}", plain(&what.words, WORDS_CHARACTERS_MAX)));
        }
        let about =
            |exception: &&Exception| exception.cause == Cause::BreakGlass && exception.closed.is_none();
        if let Some(review) =
            self.approval.exceptions.values().filter(about).max_by_key(|review| review.opened)
        {
            let (owner, due) = (&review.owner, self.moment(review.due));
            lines.push(format!("{owner} looks at it until {due}, and says whether it was right."));
        }
        lines.extend(self.what_is_asked());
        lines.extend(self.how("To look at it", &[]));
        Some(Said { subject, lines })
    }

    /// Something that the normal path could not settle is theirs.
    fn exception(&self, id: ExceptionId, why: Why) -> Option<Said> {
        let exception = self.approval.exceptions.get(&id)?;
        let (intent, until) = (&self.approval.intent, self.moment(exception.due));
        let cause = exception.cause.as_str();
        let verb = if why == Why::Reminded { "Reminder, yours to settle" } else { "Yours to settle" };
        let subject =
            format!("{verb}: {}, asked by {}, until {} ({cause})", self.title(), self.asker(), until.there);
        let first = match why {
            Why::Opened if exception.cause == Cause::PostMortem => {
                "The policy was overridden so often that somebody says why, and what follows. You do."
            }
            Why::Opened if exception.cause == Cause::FailOpen => {
                "It passed although the policy could not be evaluated, as its owner declared. You say whether that \
                 was right."
            }
            Why::Opened if exception.cause == Cause::Budget => {
                "So many exceptions of this type were opened that somebody says why, and what follows. You do."
            }
            Why::Opened if exception.cause == Cause::BreakGlass => {
                "Somebody took it on themselves to decide alone, in an emergency. You say whether that was right, and \
                 what follows."
            }
            Why::Opened if exception.pauses().is_some() && exception.cause == Cause::Quarantined => {
                "A connector broke at one write after the other. All that this build of it is to write waits for you."
            }
            Why::Opened if exception.pauses().is_some() => {
                "A connection refuses the credential of this host. All that is written there waits for you."
            }
            Why::Opened if exception.tells_of().is_some() => {
                "Nothing gets through to a target. What is to be written there waits, and goes on by itself when \
                 something does."
            }
            Why::Opened if exception.is_of_watch() => {
                "It was approved, written and done, and its target does not hold it any more, or cannot be read back."
            }
            Why::Opened => "Something about it could not be settled by itself, and you answer for it.",
            Why::Missed => "Whoever answered for it did not settle it in time. Now you do.",
            Why::Moved => {
                "Whoever answered for it is not there any more, or an administrator gave it to you. Now you do."
            }
            Why::Reminded => "It is still open, and you answer for it.",
        };
        let mut lines = vec![first.to_owned(), format!("You have until {until}."), String::new()];
        lines.push("What is wrong".to_owned());
        lines.push(format!("  {} ({cause})", plain(&exception.detail.message, WORDS_CHARACTERS_MAX)));
        lines.extend(what_waits(exception));
        if !exception.closes_when.is_empty() {
            lines.push(format!("  It is settled when: {}", plain(&exception.closes_when.join(", "), 200)));
        }
        lines.extend(self.what_is_asked());
        lines.extend(self.what_was_found());
        let always: Vec<&str> = self.approval.closed_by(exception).iter().map(|way| way.as_str()).collect();
        let again =
            |effect| self.approval.planned(effect).is_some_and(|planned| planned.re_asserts.is_some());
        let ways = match (&self.approval.stage, exception.effect) {
            (_, _) if !always.is_empty() => &always.join(" or "),
            (_, _) if exception.tells_of().is_some() || exception.cause == Cause::Irreversible => "give-up",
            (_, Some(effect)) if again(effect) => "retry, probe or give-up",
            (_, Some(effect)) => match self.approval.undo() {
                None => "retry, probe, give-up or undo",
                // What takes something back can be tried again; nothing else is sent any more.
                Some(undo) if undo.writes.iter().any(|write| write.effect == effect) => {
                    "retry, probe or give-up"
                }
                Some(_) if exception.pauses().is_some() => "retry, probe or give-up",
                Some(_) => "probe or give-up",
            },
            (Stage::Executing { .. }, None) => "retry or give-up",
            (Stage::Closed(_), None) if exception.pauses().is_some() => "retry or give-up",
            (_, None) => "retry or decline",
        };
        let close = format!(
            "countersign exception close {} {id} --by WAY --reason TEXT --revision {}",
            intent.id, intent.revision
        );
        lines.extend(self.how(&format!("To settle it (WAY is {ways})"), &[close]));
        Some(Said { subject, lines })
    }

    /// Something that somebody else answers for is theirs next.
    fn soon_to_settle(&self, id: ExceptionId) -> Option<Said> {
        let exception = self.approval.exceptions.get(&id)?;
        let (until, cause) = (self.moment(exception.due), exception.cause.as_str());
        let subject = format!(
            "Soon yours to settle: {}, asked by {}, from {} on ({cause})",
            self.title(),
            self.asker(),
            until.there
        );
        let mut lines = vec![
            format!("{} answers for it until {until}.", exception.owner),
            "If it is not settled then, you answer for it. There is nothing to do for you yet.".to_owned(),
            String::new(),
            "What is wrong".to_owned(),
            format!("  {}", self.what_is_wrong(exception)),
        ];
        lines.extend(self.what_is_asked());
        lines.extend(self.how("To look at it", &[]));
        Some(Said { subject, lines })
    }

    /// What an exception is about, as far as it is for whoever does not answer for it.
    fn what_is_wrong(&self, exception: &Exception) -> String {
        if self.sight.is_whole() {
            plain(&exception.detail.message, WORDS_CHARACTERS_MAX)
        } else {
            exception.cause.as_str().to_owned()
        }
    }

    /// Where to click, for whoever can sign in with a browser.
    fn links(&self) -> Vec<String> {
        let verbs = LinkVerb::of(&self.open.notice.about);
        let Some(links) = self.reached.links.filter(|_| !verbs.is_empty()) else { return Vec::new() };
        let intent = &self.approval.intent;
        let linked =
            Linked { intent: intent.id, notice: self.number, to: self.to, revision: intent.revision };
        let heading =
            "In your browser, where you sign in (opening a link changes nothing; each is for you only):";
        let mut lines = vec![String::new(), heading.to_owned()];
        lines.extend(
            verbs.iter().map(|verb| format!("  {}: {}", verb.as_str(), links.address(&linked, *verb))),
        );
        lines
    }

    /// What to type.
    fn how(&self, heading: &str, commands: &[String]) -> Vec<String> {
        let mut lines = vec![String::new(), heading.to_owned()];
        lines.extend(self.reached.host.map(|host| format!("  export COUNTERSIGN_URL={}", plain(host, 200))));
        lines.push(format!("  countersign intent show {}", self.approval.intent.id));
        lines.extend(commands.iter().map(|command| format!("  {command}")));
        lines
    }
}

/// The lines as one text, cut off at a line if it would be too long.
fn text(lines: Vec<String>) -> String {
    let mut text = String::new();
    let cut = "(cut off here)\n";
    for line in lines {
        if TEXT_BYTES_MAX < text.len().saturating_add(line.len()).saturating_add(cut.len()) {
            text.push_str(cut);
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What is not sent while an exception is open.
fn what_waits(exception: &Exception) -> Option<String> {
    let connection = exception.pauses()?;
    let by = if exception.cause == Cause::Quarantined { " by this build of its connector" } else { "" };
    Some(format!("  Nothing is sent to connection `{connection}`{by} until you settle it."))
}
