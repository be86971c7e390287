//! A rule's no to a command: typed, shown to the person, nothing changed.

use super::hand::NotHanded;
use super::question::NotAsked;
use crate::adopt::NotAdopted;
use crate::break_glass::NotBroken;
use crate::budget::TakesNothing;
use crate::going_live::NotLive;
use crate::id::{ExceptionId, IntentId, IntentTypeName, PersonId};
use crate::intent::TokenFault;
use crate::notice::link::Dead;
use crate::override_::NotOverridden;
use crate::publish::Found;
use crate::time::Timestamp;
use std::fmt;

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such intent.
    UnknownIntent(IntentId),
    /// There is no such intent type.
    UnknownIntentType {
        /// What was asked for.
        found: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No policy is in force for the intent type.
    NoPolicy(String),
    /// There is no such person.
    UnknownPerson(String),
    /// The tokens do not fit the intent type; every fault at once.
    Tokens(Vec<TokenFault>),
    /// The revision is not the present one.
    StaleRevision {
        /// What the caller saw.
        found: u32,
        /// What stands.
        now: u32,
    },
    /// The seal is not the present one: what the caller saw has changed.
    StaleSeal,
    /// The seal ended before anybody decided.
    SealExpired,
    /// It stands where this command has no meaning.
    WrongStage {
        /// The command, such as `decide`.
        command: &'static str,
        /// Where the approval stands, such as `executing`.
        stage: &'static str,
    },
    /// Nobody decides on their own intent.
    OwnIntent(PersonId),
    /// The person has no open seat here.
    NoSeat {
        /// Who tried.
        person: PersonId,
        /// Who may.
        eligible: Vec<PersonId>,
    },
    /// The person has decided already: a quorum is of distinct persons.
    AlreadyDecided(PersonId),
    /// Others have claimed every voice that the seat lacks.
    Claimed {
        /// Who claimed it first.
        by: PersonId,
        /// Until when.
        until: Timestamp,
    },
    /// The seat is not one of a pool: there is nobody to claim it from.
    NothingToClaim(PersonId),
    /// The person has claimed nothing here.
    NotClaimed(PersonId),
    /// The requester is not asked, and nothing is sent back to them.
    Ask(NotAsked),
    /// No such question waits for an answer.
    NoQuestion {
        /// Which do, from 1.
        open: Vec<u32>,
    },
    /// It may not be sent back any more, and an exception has an owner already.
    RoundsSpent(u32),
    /// The amendment asks for the same as before.
    NothingAmended,
    /// What is asked for cannot be amended; it can be withdrawn and asked for anew.
    NotAmendable(IntentTypeName),
    /// The seat stays in the hands that it is in.
    Hand(NotHanded),
    /// The link of a message does nothing any more.
    DeadLink(Dead),
    /// There were as many comments as may be.
    CommentsSpent(u32),
    /// People were reminded not long ago.
    RemindedLately(Timestamp),
    /// Nobody but the requester is waited for.
    NobodyToRemind,
    /// Nobody decides against the policy like that.
    Override(NotOverridden),
    /// The person may not ask for intents of this type.
    MayNotAsk {
        /// Who tried.
        person: PersonId,
        /// The intent type.
        of: IntentTypeName,
        /// Who may, as the file says it.
        may: String,
    },
    /// The glass is not broken, or helps nobody.
    Glass(NotBroken),
    /// What a target holds is not asked for.
    Adoption(NotAdopted),
    /// Only the requester withdraws, amends and answers.
    NotRequester(PersonId),
    /// A reason must be given.
    ReasonMissing,
    /// There is no such open exception.
    UnknownException(ExceptionId),
    /// Only the owner closes an exception.
    NotOwner {
        /// Who tried.
        person: PersonId,
        /// Whose it is.
        owner: PersonId,
    },
    /// This way does not close this exception.
    WrongClosure {
        /// What would.
        allowed: Vec<&'static str>,
    },
    /// The rules would not check with the change in them; every finding at once.
    Change(Vec<Found>),
    /// Nobody answers for these warnings.
    Warnings(Vec<Found>),
    /// Nobody decides on the policy of an intent that they have open themselves.
    OwnOpenIntent {
        /// Who tried.
        person: PersonId,
        /// Their open intent.
        intent: IntentId,
    },
    /// Another version came into force since the change was prepared.
    ChangeOvertaken(String),
    /// The intent type is a draft, or cannot go live.
    GoingLive(NotLive),
    /// The exception budget of the intent type is spent: nothing new of it is taken.
    BudgetSpent(Box<TakesNothing>),
    /// Another command came first; the caller sees the newer state and may ask again.
    Overtaken,
}

impl Refusal {
    /// The documented code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownIntent(_) => "CS-E0101",
            Refusal::UnknownIntentType { .. } => "CS-E0102",
            Refusal::NoPolicy(_) => "CS-E0103",
            Refusal::UnknownPerson(_) => "CS-E0104",
            Refusal::Tokens(_) => "CS-E0105",
            Refusal::StaleRevision { .. } => "CS-E0106",
            Refusal::StaleSeal => "CS-E0107",
            Refusal::SealExpired => "CS-E0108",
            Refusal::WrongStage { .. } => "CS-E0109",
            Refusal::OwnIntent(_) => "CS-E0110",
            Refusal::NoSeat { .. } => "CS-E0111",
            Refusal::AlreadyDecided(_) => "CS-E0112",
            Refusal::NotRequester(_) => "CS-E0113",
            Refusal::ReasonMissing => "CS-E0114",
            Refusal::UnknownException(_) => "CS-E0115",
            Refusal::NotOwner { .. } => "CS-E0116",
            Refusal::WrongClosure { .. } => "CS-E0117",
            Refusal::Overtaken => "CS-E0118",
            Refusal::Change(_) => "CS-E0119",
            Refusal::Warnings(_) => "CS-E0120",
            Refusal::OwnOpenIntent { .. } => "CS-E0121",
            Refusal::ChangeOvertaken(_) => "CS-E0122",
            Refusal::Claimed { .. } => "CS-E0123",
            Refusal::NothingToClaim(_) => "CS-E0124",
            Refusal::NotClaimed(_) => "CS-E0125",
            Refusal::Ask(refused) => refused.code(),
            Refusal::NoQuestion { .. } => "CS-E0128",
            Refusal::RoundsSpent(_) => "CS-E0129",
            Refusal::NothingAmended => "CS-E0130",
            Refusal::NotAmendable(_) => "CS-E0131",
            Refusal::Override(refused) => refused.code(),
            Refusal::Glass(refused) => refused.code(),
            Refusal::Adoption(refused) => refused.code(),
            Refusal::MayNotAsk { .. } => "CS-E0143",
            Refusal::Hand(refused) => refused.code(),
            Refusal::CommentsSpent(_) => "CS-E0157",
            Refusal::RemindedLately(_) => "CS-E0158",
            Refusal::NobodyToRemind => "CS-E0159",
            Refusal::DeadLink(_) => "CS-E0170",
            Refusal::BudgetSpent(_) => "CS-E0171",
            Refusal::GoingLive(refused) => refused.code(),
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Refusal::UnknownIntent(_) => "check the id; `countersign intent list` shows the open ones",
            Refusal::UnknownIntentType { .. } => "use one of the known intent types",
            Refusal::NoPolicy(_) => "ask the owner of the intent type to publish a policy",
            Refusal::UnknownPerson(_) => "use a person of `people.md`",
            Refusal::Tokens(_) => "correct the listed tokens and submit again; nothing was stored",
            Refusal::StaleRevision { .. } | Refusal::StaleSeal | Refusal::Overtaken => {
                "read the intent again and decide on what stands now"
            }
            Refusal::SealExpired => {
                "read it again: it is prepared anew by itself, and only what changes the host must be submitted again"
            }
            Refusal::WrongStage { .. } => "read the intent again to see what can be done now",
            Refusal::OwnIntent(_) => "somebody else must decide",
            Refusal::NoSeat { .. } => "one of the eligible persons must decide",
            Refusal::AlreadyDecided(_) => "another person must fill the remaining seats",
            Refusal::Claimed { .. } => {
                "if it is yours, decide; if not, ask them to release it, or wait until the claim ends"
            }
            Refusal::NothingToClaim(_) => "decide, or ask the requester first",
            Refusal::NotClaimed(_) => "read the intent again to see who has claimed what",
            Refusal::Ask(refused) => refused.help(),
            Refusal::NoQuestion { .. } => "name one of the open questions by its number",
            Refusal::RoundsSpent(_) => "decide, or leave it to the owner of the exception",
            Refusal::NothingAmended => "change a token, or leave it as it is",
            Refusal::NotAmendable(_) => "withdraw it and ask for it anew",
            Refusal::Override(refused) => refused.help(),
            Refusal::Glass(refused) => refused.help(),
            Refusal::Adoption(refused) => refused.help(),
            Refusal::MayNotAsk { .. } => {
                "ask one of them to ask for it; the row `asked by` of the intent type says who may"
            }
            Refusal::Hand(refused) => refused.help(),
            Refusal::CommentsSpent(_) => "talk elsewhere, and decide here",
            Refusal::RemindedLately(_) => "wait until then",
            Refusal::NobodyToRemind => "answer what you were asked",
            Refusal::DeadLink(_) => "look at where it stands, or use the link of a later message",
            Refusal::GoingLive(refused) => refused.help(),
            Refusal::NotRequester(_) => "ask the requester to do it; whoever has a seat can decline",
            Refusal::ReasonMissing => "say why, in a sentence",
            Refusal::UnknownException(_) => "check the id; the intent shows its exceptions",
            Refusal::NotOwner { .. } => "ask the owner",
            Refusal::WrongClosure { .. } => "close it in one of the allowed ways",
            Refusal::Change(_) => "correct the listed places and publish again; nothing was stored",
            Refusal::Warnings(_) => {
                "correct them, or answer for each kind by name: `--accept KIND`, in the API `accept`"
            }
            Refusal::BudgetSpent(_) => {
                "wait until then, or ask whoever answers for the budget to say what follows"
            }
            Refusal::OwnOpenIntent { .. } => "somebody without an open intent of this type must decide",
            Refusal::ChangeOvertaken(_) => {
                "withdraw it and publish again, so that the difference is shown anew"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownIntent(id) => write!(formatter, "there is no intent `{id}`"),
            Refusal::UnknownIntentType { found, known } => {
                write!(formatter, "there is no intent type `{found}`; there are {}", list(known))
            }
            Refusal::NoPolicy(name) => write!(formatter, "no policy is in force for intent type `{name}`"),
            Refusal::UnknownPerson(name) => write!(formatter, "there is no person `{name}`"),
            Refusal::Tokens(faults) => write!(formatter, "{} of the tokens do not fit", faults.len()),
            Refusal::StaleRevision { found, now } => {
                write!(formatter, "revision {found} was decided on, but revision {now} stands")
            }
            Refusal::StaleSeal => formatter.write_str("what was decided on has changed since it was shown"),
            Refusal::SealExpired => formatter.write_str("the seal ended before the decision"),
            Refusal::WrongStage { command, stage } => {
                write!(formatter, "`{command}` is not possible: the intent is {stage}")
            }
            Refusal::OwnIntent(person) => {
                write!(formatter, "`{person}` asked for it and cannot decide on it")
            }
            Refusal::NoSeat { person, eligible } => {
                write!(formatter, "`{person}` has no open seat here; {} may decide", list(eligible))
            }
            Refusal::AlreadyDecided(person) => write!(formatter, "`{person}` has decided already"),
            Refusal::Claimed { by, until } => write!(formatter, "`{by}` has claimed this seat until {until}"),
            Refusal::NothingToClaim(person) => {
                write!(formatter, "the seat of `{person}` is not one of a pool, so there is nothing to claim")
            }
            Refusal::NotClaimed(person) => write!(formatter, "`{person}` has claimed no seat here"),
            Refusal::Ask(refused) => refused.fmt(formatter),
            Refusal::NoQuestion { open } => {
                write!(formatter, "no such question waits for an answer; open are {}", list(open))
            }
            Refusal::RoundsSpent(rounds) => {
                write!(formatter, "it was sent back {rounds} times, and is no more")
            }
            Refusal::NothingAmended => formatter.write_str("the amendment changes nothing"),
            Refusal::NotAmendable(name) => write!(formatter, "a {name} cannot be amended"),
            Refusal::Override(refused) => refused.fmt(formatter),
            Refusal::Glass(refused) => refused.fmt(formatter),
            Refusal::Adoption(refused) => refused.fmt(formatter),
            Refusal::MayNotAsk { person, of, may } => {
                write!(formatter, "`{person}` may not ask for `{of}`; {may} may")
            }
            Refusal::Hand(refused) => refused.fmt(formatter),
            Refusal::DeadLink(dead) => formatter.write_str(dead.as_str()),
            Refusal::CommentsSpent(most) => write!(formatter, "it has {most} comments; there are no more"),
            Refusal::RemindedLately(again) => {
                write!(formatter, "people were reminded not long ago; they can be again from {again} on")
            }
            Refusal::NobodyToRemind => formatter.write_str("nobody but the requester is waited for"),
            Refusal::NotRequester(person) => write!(formatter, "`{person}` did not ask for it"),
            Refusal::ReasonMissing => formatter.write_str("a reason is missing"),
            Refusal::UnknownException(id) => write!(formatter, "there is no open exception `{id}`"),
            Refusal::NotOwner { person, owner } => {
                write!(formatter, "`{person}` does not own this exception; `{owner}` does")
            }
            Refusal::WrongClosure { allowed } => {
                write!(formatter, "this exception is not closed that way; allowed: {}", list(allowed))
            }
            Refusal::Change(found) => write!(formatter, "the rules would not check: {}", counted(found)),
            Refusal::Warnings(found) => {
                write!(formatter, "nobody answers for the warnings {}", list(&kinds(found)))
            }
            Refusal::OwnOpenIntent { person, intent } => write!(
                formatter,
                "`{person}` has the open intent `{intent}` of the type whose policy would change"
            ),
            Refusal::ChangeOvertaken(name) => write!(
                formatter,
                "another version of `{name}` came into force since this change was prepared"
            ),
            Refusal::BudgetSpent(refused) => refused.fmt(formatter),
            Refusal::GoingLive(refused) => refused.fmt(formatter),
            Refusal::Overtaken => formatter.write_str("another command came first"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<NotHanded> for Refusal {
    fn from(refused: NotHanded) -> Refusal {
        Refusal::Hand(refused)
    }
}

impl From<NotLive> for Refusal {
    fn from(refused: NotLive) -> Refusal {
        Refusal::GoingLive(refused)
    }
}

impl From<NotBroken> for Refusal {
    fn from(refused: NotBroken) -> Refusal {
        Refusal::Glass(refused)
    }
}

impl From<NotOverridden> for Refusal {
    fn from(refused: NotOverridden) -> Refusal {
        Refusal::Override(refused)
    }
}

/// Of what kinds they are, each once.
fn kinds(found: &[Found]) -> Vec<&str> {
    let mut kinds: Vec<&str> = found.iter().map(|found| found.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn counted(found: &[Found]) -> String {
    let first = found.first().map(ToString::to_string).unwrap_or_default();
    match found.len() {
        0 | 1 => first,
        more => format!("{first} (and {} more)", more.saturating_sub(1)),
    }
}

pub(crate) fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}
