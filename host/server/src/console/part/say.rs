//! What somebody can say about an intent in a form: the verbs, their fields, and the command that comes of them.

use super::plan::unreadable;
use crate::limits::WORDS_CHARACTERS_MAX;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::{Approval, Sight};
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use countersign_core::notice::link::LinkVerb;
use countersign_core::seal::Seal;
use maud::{Markup, html};

/// What a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Verb {
    Answer,
    Approve,
    Decline,
    SendBack,
    Ask,
    Claim,
    Release,
    Remind,
    Comment,
    Withdraw,
}

impl From<LinkVerb> for Verb {
    fn from(verb: LinkVerb) -> Verb {
        match verb {
            LinkVerb::Approve => Verb::Approve,
            LinkVerb::Decline => Verb::Decline,
            LinkVerb::Ask => Verb::Ask,
            LinkVerb::Answer => Verb::Answer,
        }
    }
}

impl Verb {
    /// Every verb, in the order in which a page offers them.
    pub(in crate::console) const ALL: [Verb; 10] = [
        Verb::Answer,
        Verb::Approve,
        Verb::Decline,
        Verb::SendBack,
        Verb::Ask,
        Verb::Claim,
        Verb::Release,
        Verb::Remind,
        Verb::Comment,
        Verb::Withdraw,
    ];

    /// The verb as a view says that somebody can.
    pub(in crate::console) fn as_str(self) -> &'static str {
        match self {
            Verb::Answer => "answer",
            Verb::Approve => "approve",
            Verb::Decline => "decline",
            Verb::SendBack => "send-back",
            Verb::Ask => "ask",
            Verb::Claim => "claim",
            Verb::Release => "release",
            Verb::Remind => "remind",
            Verb::Comment => "comment",
            Verb::Withdraw => "withdraw",
        }
    }

    /// The verb that a form names.
    pub(in crate::console) fn parse(text: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    /// The button.
    pub(in crate::console) fn button(self) -> &'static str {
        match self {
            Verb::Answer => "Answer",
            Verb::Approve => "Approve",
            Verb::Decline => "Decline",
            Verb::SendBack => "Send back",
            Verb::Ask => "Ask",
            Verb::Claim => "Claim",
            Verb::Release => "Release",
            Verb::Remind => "Remind",
            Verb::Comment => "Comment",
            Verb::Withdraw => "Withdraw",
        }
    }

    /// What it does, for whoever thinks about doing it.
    pub(in crate::console) fn does(self) -> &'static str {
        match self {
            Verb::Answer => "The time of the seat runs on.",
            Verb::Approve => "You approve exactly what this page shows.",
            Verb::Decline => "It ends here, and nothing is written.",
            Verb::SendBack => "The requester must change it, and it is decided anew.",
            Verb::Ask => "The requester answers; the time of the seat stands still until then.",
            Verb::Claim => "You say that you will decide, so that nobody else of the pool has to.",
            Verb::Release => "You give the seat back to the pool.",
            Verb::Remind => "Everybody is reminded who has not decided yet.",
            Verb::Comment => "It stands in the timeline and moves nothing.",
            Verb::Withdraw => "You take it back: nobody decides on it, and nothing is written.",
        }
    }

    /// What its words are; nothing if it has none.
    fn words(self) -> Option<Words> {
        let (label, needed) = match self {
            Verb::Answer => ("Your answer", true),
            Verb::Approve => ("A note, if you like", false),
            Verb::Decline => ("Why", true),
            Verb::SendBack => ("What must be otherwise", true),
            Verb::Ask => ("What you want to know from the requester", true),
            Verb::Comment => ("Your comment", true),
            Verb::Claim | Verb::Release | Verb::Remind | Verb::Withdraw => return None,
        };
        Some(Words { label, needed })
    }

    /// What is told once it is kept.
    pub(in crate::console) fn kept(self) -> &'static str {
        match self {
            Verb::Answer => "Your answer is kept",
            Verb::Approve => "Your approval is kept",
            Verb::Decline => "Your decline is kept",
            Verb::SendBack => "It is sent back",
            Verb::Ask => "Your question is kept",
            Verb::Claim => "You have claimed it",
            Verb::Release => "You have released it",
            Verb::Remind => "They are reminded",
            Verb::Comment => "Your comment is kept",
            Verb::Withdraw => "It is withdrawn",
        }
    }

    /// As what the log keeps it, as entries spell their events.
    pub(in crate::console) fn events(self) -> &'static [&'static str] {
        match self {
            Verb::Answer => &["answered"],
            Verb::Approve => &["voted"],
            Verb::Decline => &["declined"],
            // One round too many is an exception.
            Verb::SendBack => &["sent-back", "exception-opened"],
            Verb::Ask => &["asked"],
            Verb::Claim => &["claimed"],
            Verb::Release => &["released"],
            Verb::Remind => &["reminded"],
            Verb::Comment => &["commented"],
            Verb::Withdraw => &["withdrawn"],
        }
    }
}

/// The field for words.
#[derive(Debug, Clone, Copy)]
struct Words {
    label: &'static str,
    needed: bool,
}

/// What a form holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Fields<'a> {
    pub(in crate::console) verb: Verb,
    /// Where it is sent, if not to the address of its page.
    pub(in crate::console) to: Option<&'a str>,
    /// What makes a second click the same decision, where the address does not.
    pub(in crate::console) once: Option<&'a str>,
    /// Which question is answered, where the address does not say it.
    pub(in crate::console) question: Option<u32>,
    /// What was written before.
    pub(in crate::console) words: &'a str,
}

/// One form, with the revision and the seal of what its page shows.
pub(in crate::console) fn form(approval: &Approval, sight: &Sight, fields: Fields<'_>) -> Markup {
    let Fields { verb, to, once, question, words } = fields;
    // It is made of everything, also of what is not shown.
    let sealed = approval.case().filter(|_| sight.is_whole());
    let seal = sealed.map(|case| case.seal.to_string()).unwrap_or_default();
    let number = question.map(|number| format!("-{number}")).unwrap_or_default();
    let id = format!("words-{}{number}", verb.as_str());
    html! {
        form method="post" action=[to] {
            @if to.is_some() { input type="hidden" name="verb" value=(verb.as_str()); }
            input type="hidden" name="revision" value=(approval.intent.revision);
            input type="hidden" name="seal" value=(seal);
            @if let Some(once) = once { input type="hidden" name="once" value=(once); }
            @if let Some(question) = question { input type="hidden" name="question" value=(question); }
            @if let Some(Words { label, needed }) = verb.words() {
                label for=(id) { (label) }
                textarea id=(id) name="words" maxlength=(WORDS_CHARACTERS_MAX) required[needed] { "\n" (words) }
            }
            button { (verb.button()) }
        }
    }
}

/// What came back of a form.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Sent<'a> {
    pub(in crate::console) verb: Verb,
    pub(in crate::console) revision: &'a str,
    pub(in crate::console) seal: &'a str,
    pub(in crate::console) question: Option<u32>,
    pub(in crate::console) words: &'a str,
}

/// The command that a form asks for.
///
/// # Errors
/// What is wrong with it, as a sentence to whoever sent it.
pub(in crate::console) fn command(
    approval: &Approval,
    person: &PersonId,
    sent: Sent<'_>,
) -> Result<Command, &'static str> {
    let Sent { verb, revision, seal, question, words } = sent;
    let person = person.clone();
    let anew = "The form is not whole. Open its page again and send its form.";
    let revision: u32 = revision.parse().map_err(|_| anew)?;
    let seal = match seal {
        "" => None,
        text => Some(Seal(Digest::parse(text).ok_or(anew)?)),
    };
    // What is decided about was shown, or nothing is decided.
    if matches!(verb, Verb::Approve | Verb::Decline) && approval.case().is_some() && seal.is_none() {
        return Err(anew);
    }
    if verb == Verb::Approve
        && let Some(why) = unreadable(approval)
    {
        return Err(why);
    }
    if words.is_empty() && verb.words().is_some_and(|words| words.needed) {
        return Err("Say why, or what you want to know.");
    }
    let words = words.to_owned();
    Ok(match verb {
        Verb::Approve => Command::Decide { person, revision, seal, voice: Voice::Approve { note: words } },
        Verb::Decline => Command::Decide { person, revision, seal, voice: Voice::Decline { reason: words } },
        Verb::SendBack => Command::SendBack { person, revision, words },
        Verb::Ask => Command::Ask { person, revision, words },
        Verb::Answer => Command::Answer { person, revision, question, words },
        Verb::Claim => Command::Claim { person, revision },
        Verb::Release => Command::Release { person, revision },
        Verb::Remind => Command::Remind { person },
        Verb::Comment => Command::Comment { person, words },
        Verb::Withdraw => Command::Withdraw { person, revision },
    })
}
