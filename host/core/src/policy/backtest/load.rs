//! Load: how long each route's seats waited, as recorded, and how many seats a version asks for.

use super::SeatTime;
use crate::id::RouteName;
use crate::policy::Policy;
use std::collections::BTreeMap;

/// Milliseconds of a minute; seat times are told in whole minutes.
const MINUTE_MS: u64 = 60_000;
/// Longest seat time that is told apart, in minutes: a year.
const SEAT_MINUTES_MAX: u64 = 366 * 24 * 60;
/// Most routes of which times are kept: more than one policy and the shared file can name.
const ROUTES_MAX: usize = 1_000;

/// How often each route took how many minutes.
#[derive(Debug, Default)]
pub(super) struct SeatTimes {
    minutes: BTreeMap<RouteName, BTreeMap<u64, u64>>,
}

impl SeatTimes {
    /// Adds the seats of one intent: each route takes from its first question to its last answer.
    pub(super) fn add(&mut self, seats: &[SeatTime]) {
        for (index, seat) in seats.iter().enumerate() {
            let of_route = |other: &&SeatTime| other.route == seat.route;
            if seats.iter().take(index).any(|other| of_route(&other)) {
                continue;
            }
            let opened = seats.iter().filter(of_route).map(|seat| seat.opened).min();
            let ended = seats.iter().filter(of_route).filter_map(|seat| seat.ended).max();
            let (Some(opened), Some(ended)) = (opened, ended) else { continue };
            let took = ended.since(opened).0.checked_div(MINUTE_MS).unwrap_or(0);
            if self.minutes.len() < ROUTES_MAX || self.minutes.contains_key(&seat.route) {
                let counts = self.minutes.entry(seat.route.clone()).or_default();
                let count = counts.entry(took.min(SEAT_MINUTES_MAX)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// The median time of a route in minutes; of two middle ones the lower. `None` if nobody ever
    /// answered in it.
    pub(super) fn median(&self, route: &RouteName) -> Option<u64> {
        let counts = self.minutes.get(route)?;
        let all = counts.values().fold(0_u64, |all, count| all.saturating_add(*count));
        let wanted = all.saturating_add(1).checked_div(2)?;
        let mut seen = 0_u64;
        for (minutes, count) in counts {
            seen = seen.saturating_add(*count);
            if wanted <= seen {
                return Some(*minutes);
            }
        }
        None
    }
}

/// How many seats one intent gets from whom if it is sent through `route`.
pub(super) fn seats_of(policy: &Policy, route: &RouteName) -> BTreeMap<String, u64> {
    let mut seats: BTreeMap<String, u64> = BTreeMap::new();
    for step in policy.routes.get(route).into_iter().flat_map(|route| &route.steps) {
        let count = seats.entry(step.whom.owned_by(&policy.owner).to_string()).or_default();
        *count = count.saturating_add(1);
    }
    seats
}
