//! Moments: how far away, and exactly, by the clocks of whoever looks.

use countersign_core::id::PersonId;
use countersign_core::people::Directory;
use countersign_core::time::Timestamp;
use maud::{Markup, html};

/// A minute, in milliseconds.
const MINUTE_MS: u64 = 60 * 1_000;
/// An hour, in milliseconds.
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// A day, in milliseconds.
const DAY_MS: u64 = 24 * HOUR_MS;

/// Whose clocks are read, and what they show now.
#[derive(Clone, Copy)]
pub(in crate::console) struct Clocks<'a> {
    pub(in crate::console) directory: &'a Directory,
    pub(in crate::console) person: &'a PersonId,
    pub(in crate::console) now: Timestamp,
}

impl Clocks<'_> {
    /// A moment of a view, exactly: `Mon 30 Nov 17:00 New York (22:00 UTC)`.
    pub(in crate::console) fn exact(&self, at: &str) -> Markup {
        let moment = Timestamp::from_rfc3339(at);
        let spelt = moment.map(|moment| self.directory.spelt(self.person, moment, self.now).to_string());
        html! { time datetime=(at.replace(":00.000Z", "Z")) { (spelt.as_deref().unwrap_or(at)) } }
    }

    /// Until when something has time: how long that still is, and exactly. What is late is told as late.
    pub(in crate::console) fn due(&self, at: &str) -> Markup {
        let Some(moment) = Timestamp::from_rfc3339(at) else { return self.exact(at) };
        let (late, far) = (moment < self.now, away(moment, self.now));
        html! {
            @if late { b.late { "was due " (far) } } @else { b { "due " (far) } }
            " " (self.exact(at))
        }
    }

    /// The same in as few bytes as it takes, for a list of many.
    pub(in crate::console) fn due_in_short(&self, at: &str) -> Markup {
        let Some(moment) = Timestamp::from_rfc3339(at) else { return self.exact(at) };
        let (late, far) = (moment < self.now, away(moment, self.now));
        html! {
            @if late { b.late { "was due " (far) } } @else { b { "due " (far) } }
            small { (self.directory.spelt(self.person, moment, self.now)) }
        }
    }

    /// When something was, exactly, and how long ago.
    pub(in crate::console) fn past(&self, at: &str) -> Markup {
        let far = Timestamp::from_rfc3339(at).map(|moment| away(moment, self.now));
        html! { (self.exact(at)) @if let Some(far) = far { span.faint { ", " (far) } } }
    }
}

/// How far away a moment is, in words.
fn away(at: Timestamp, now: Timestamp) -> String {
    let (far, is_past) = if now < at { (at.since(now).0, false) } else { (now.since(at).0, true) };
    let (count, unit) = match far {
        0..MINUTE_MS => return if is_past { "just now" } else { "in less than a minute" }.to_owned(),
        MINUTE_MS..HOUR_MS => (far / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => (far / HOUR_MS, "hour"),
        DAY_MS.. => (far / DAY_MS, "day"),
    };
    let unit = if count == 1 { unit.to_owned() } else { format!("{unit}s") };
    if is_past { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_how_far_away_it_is() {
        let at = |text: &str| Timestamp::from_rfc3339(text).expect("a moment");
        let check = |text: &str, expected: &str| {
            assert_eq!(away(at(text), at("2026-11-23T15:00:00Z")), expected, "{text}");
        };
        check("2026-11-23T15:00:00Z", "just now");
        check("2026-11-23T15:00:59Z", "in less than a minute");
        check("2026-11-23T14:59:01Z", "just now");
        check("2026-11-23T15:01:00Z", "in 1 minute");
        check("2026-11-23T15:59:59Z", "in 59 minutes");
        check("2026-11-23T16:00:00Z", "in 1 hour");
        check("2026-11-24T14:59:59Z", "in 23 hours");
        check("2026-11-24T15:00:00Z", "in 1 day");
        check("2026-11-21T15:00:00Z", "2 days ago");
        check("2026-11-23T13:00:00Z", "2 hours ago");
    }
}
