//! Break-glass: in an emergency one person decides alone on one intent, against the policy, where nobody else could in
//! time. It ends by itself, everybody who answers for the type is told at once, and somebody else says afterwards
//! whether it was right.

use crate::approval::refusal::list;
use crate::id::{IntentTypeName, PersonId};
use crate::policy::Whom;
use crate::time::{Millis, Timestamp};
use std::fmt;

/// The reason by which whoever broke the glass overrides the policy.
pub const BREAK_GLASS: &str = "break-glass";

/// Longest time for which the glass can be broken, in hours.
pub const BREAK_GLASS_HOURS_MAX: u32 = 24;

/// Most times that it can be broken on one intent: each is looked at by somebody.
pub const BREAK_GLASS_TIMES_MAX: u32 = 5;

/// The row `break glass` of an intent type: `role cro for 4h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// Who can.
    pub by: Whom,
    /// For how long.
    pub hours: u32,
}

impl BreakGlass {
    /// Reads `role cro for 4h`.
    ///
    /// # Errors
    /// What is wrong, with what may stand there.
    pub fn parse(text: &str) -> Result<BreakGlass, String> {
        let wrong = || format!("`{text}`: write who can and for how long, such as `role cro for 4h`");
        let (whom, hours) = text.rsplit_once(" for ").ok_or_else(wrong)?;
        let hours = hours.strip_suffix('h').and_then(|hours| hours.parse().ok());
        let hours = hours.filter(|hours| (1..=BREAK_GLASS_HOURS_MAX).contains(hours));
        let hours = hours.ok_or_else(|| format!("{}; at most {BREAK_GLASS_HOURS_MAX} hours", wrong()))?;
        match Whom::parse(whom) {
            Ok(by @ (Whom::Pool(_) | Whom::Role(_) | Whom::Person(_))) => Ok(BreakGlass { by, hours }),
            Ok(Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy) | Err(_) => Err(wrong()),
        }
    }
}

impl fmt::Display for BreakGlass {
    /// As the file spells it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} for {}h", self.by, self.hours)
    }
}

/// That the glass of an intent was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// By whom, the last time.
    pub by: PersonId,
    /// Why, in their words.
    pub reason: String,
    /// Until when they can decide alone.
    pub until: Timestamp,
    /// Everybody who broke it, each time.
    pub everyone: Vec<PersonId>,
    /// Who is told of what comes of it.
    pub loud: Vec<PersonId>,
}

impl Broken {
    /// That somebody broke it, once more if it was before.
    #[must_use]
    pub fn again(
        before: Option<&Broken>,
        (by, reason): (&PersonId, &str),
        until: Timestamp,
        loud: &[PersonId],
    ) -> Broken {
        let mut everyone = before.map(|broken| broken.everyone.clone()).unwrap_or_default();
        everyone.push(by.clone());
        Broken { by: by.clone(), reason: reason.to_owned(), until, everyone, loud: loud.to_vec() }
    }

    /// How often it was broken.
    #[must_use]
    pub fn times(&self) -> u32 {
        u32::try_from(self.everyone.len()).unwrap_or(u32::MAX)
    }

    /// How many hours are left, each that has begun counted as one; one at least.
    #[must_use]
    pub fn hours_left(&self, now: Timestamp) -> u32 {
        let hours = self.until.since(now).0.div_ceil(Millis::hours(1).0);
        u32::try_from(hours).unwrap_or(BREAK_GLASS_HOURS_MAX).clamp(1, BREAK_GLASS_HOURS_MAX)
    }

    /// Whether it is still broken: nothing ends it but time.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Why the glass is not broken, or helps nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBroken {
    /// Nobody can for this intent type.
    Never(IntentTypeName),
    /// The person cannot.
    MayNot {
        /// Who tried.
        person: PersonId,
        /// Who can.
        eligible: Vec<PersonId>,
    },
    /// It is broken already.
    Already {
        /// By whom.
        by: PersonId,
        /// Until when.
        until: Timestamp,
    },
    /// It was broken so often that it is not any more.
    TooOften(u32),
    /// The person has not broken it, or their time is up.
    Intact(PersonId),
    /// It is looked at when it is over.
    StillOpen(Timestamp),
}

impl NotBroken {
    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotBroken::Never(_) => "CS-E0138",
            NotBroken::MayNot { .. } => "CS-E0139",
            NotBroken::Already { .. } => "CS-E0140",
            NotBroken::TooOften(_) => "CS-E0141",
            NotBroken::Intact(_) => "CS-E0142",
            NotBroken::StillOpen(_) => "CS-E0144",
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotBroken::Never(_) => {
                "ask those who must decide; whoever owns the intent type can give it the row `break glass`"
            }
            NotBroken::MayNot { .. } => "one of those who can must do it",
            NotBroken::Already { .. } => "whoever broke it can override: `--because break-glass`",
            NotBroken::StillOpen(_) => "say what you know now to whoever broke it; close it when it is over",
            NotBroken::TooOften(_) => "let those decide who must, or withdraw it and ask anew",
            NotBroken::Intact(_) => {
                "break the glass first: `countersign break-glass INTENT --reason TEXT --revision N`"
            }
        }
    }
}

impl fmt::Display for NotBroken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotBroken::Never(name) => write!(formatter, "there is no glass to break for `{name}`"),
            NotBroken::MayNot { person, eligible } => {
                write!(formatter, "`{person}` cannot break the glass; {} can", list(eligible))
            }
            NotBroken::Already { by, until } => {
                write!(formatter, "`{by}` has broken the glass already, until {until}")
            }
            NotBroken::TooOften(times) => {
                write!(formatter, "the glass of this intent was broken {times} times, and is not any more")
            }
            NotBroken::StillOpen(until) => {
                write!(formatter, "nothing is decided yet, and the glass is broken until {until}")
            }
            NotBroken::Intact(person) => {
                write!(formatter, "`{person}` has not broken the glass of this intent, or their time is up")
            }
        }
    }
}

#[cfg(test)]
mod tests;
