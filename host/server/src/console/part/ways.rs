//! What went off the normal path, and the ways back to it, in the words of a page.

use countersign_core::exception::{Cause, Closure, Exception};

/// What happened, without what a target or connector said of it.
pub(in crate::console) fn happened(cause: Cause) -> &'static str {
    match cause {
        Cause::Unsure => "the policy could not decide it",
        Cause::NoSeat => "nobody is there who may decide it",
        Cause::Overdue => "nobody decided it in time",
        Cause::Rounds => "it was sent back as often as its type allows",
        Cause::Rejected => "a target refuses what is to be written",
        Cause::Conflict => "a record was changed before it was written",
        Cause::Uncertain => "nobody knows whether a write landed",
        Cause::Exhausted => "a write failed again and again",
        Cause::Denied => "a target refuses the credential of this host",
        Cause::Quarantined => "a connector breaks again and again",
        Cause::Irreversible => "something stays written that was to be taken back",
        Cause::Unavailable => "a target does not answer",
        Cause::Drift => "a target holds something else than was approved",
        Cause::Late => "a target holds again what it held before",
        Cause::Gone => "a record that was written is gone",
        Cause::Unreadable => "a target does not let be read what was written",
        Cause::PostMortem => "the policy was overridden again and again",
        Cause::FailOpen => "it passed although the policy could not decide it",
        Cause::Budget => "its type has had many exceptions",
        Cause::BreakGlass => "somebody decided alone, in an emergency",
    }
}

/// A way out, as the button beside it is called.
pub(in crate::console) fn called(way: Closure) -> &'static str {
    match way {
        Closure::Retry => "Try it again",
        Closure::Probe => "Look at the target",
        Closure::GiveUp => "Give it up",
        Closure::Undo => "Take everything back",
        Closure::ReAssert => "Write it again",
        Closure::Decline => "Decline the intent",
        Closure::Reviewed => "It is reviewed",
        Closure::Confirmed => "It was right",
        Closure::Reversed => "It was not right",
    }
}

/// What follows from a way out of this exception.
pub(in crate::console) fn follows(exception: &Exception, way: Closure) -> &'static str {
    match (way, exception.effect) {
        (Closure::Retry, _) if exception.pauses().is_some() => {
            "The connection goes on, and what waits for it is sent."
        }
        (Closure::Retry, Some(_)) if exception.cause == Cause::Uncertain => {
            "It is sent again, on your word that it did not land: if it did, it may be there twice."
        }
        (Closure::Retry, Some(_)) => "The write is sent once more.",
        (Closure::Retry, None) => "It is read, evaluated and seated anew.",
        (Closure::Probe, _) => {
            "The host reads the target now, and goes on by what it finds. Nothing is written."
        }
        (Closure::GiveUp, _) if exception.is_of_watch() => {
            "What the target holds stays as it is, and the host looks at it no more."
        }
        (Closure::GiveUp, Some(_)) => {
            "This write is not made any more. The rest of the intent goes on without it."
        }
        (Closure::GiveUp, None) => "It is left as it is.",
        (Closure::Undo, _) => "Whatever this intent wrote is taken back, and the rest is not written.",
        (Closure::ReAssert, _) => "What was approved is written once more over what is there.",
        (Closure::Decline, _) => "The intent ends here, and nothing is written.",
        (Closure::Reviewed, _) => "You say what was found, and what follows from it.",
        (Closure::Confirmed, _) => "You say that it was right to let it pass.",
        (Closure::Reversed, _) => "You say what was done about it. The host itself takes nothing back.",
    }
}

/// What the words of whoever closes it must say.
pub(in crate::console) fn wanted(cause: Cause) -> &'static str {
    match cause {
        Cause::PostMortem | Cause::Budget | Cause::BreakGlass => "What was found, and what follows",
        Cause::FailOpen => "Why, and what was done about it",
        Cause::Unsure
        | Cause::NoSeat
        | Cause::Overdue
        | Cause::Rounds
        | Cause::Rejected
        | Cause::Conflict
        | Cause::Uncertain
        | Cause::Exhausted
        | Cause::Denied
        | Cause::Quarantined
        | Cause::Irreversible
        | Cause::Unavailable
        | Cause::Drift
        | Cause::Late
        | Cause::Gone
        | Cause::Unreadable => "Why, for whoever meets it next",
    }
}
