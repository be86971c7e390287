//! Builds that are added, tried, accepted, rolled back, put in quarantine and taken away.

use super::*;
use crate::id::{ConnectorId, IntentTypeName, PersonId};
use crate::rulebook::tests::starter_rulebook;

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

fn build(number: u8, wants: &[&str]) -> Build {
    let wants = wants.iter().map(|want| (*want).to_owned()).collect();
    Build { digest: digest(number), version: format!("1.{number}.0"), wants, signer: None, level: None }
}

/// The record after a change that is allowed.
fn with(record: OnRecord, change: &Change) -> OnRecord {
    let events = record.decide(change, "said").expect("it may");
    let by = PersonId::parse("ines").ok();
    events
        .into_iter()
        .fold(record, |record, event| record.after(&Entry { at: Timestamp(1), by: by.clone(), event }))
}

fn states(record: &OnRecord) -> Vec<&'static str> {
    record.builds.values().map(|known| record.state(known).as_str()).collect()
}

fn activate(number: u8) -> Change {
    Change::Activate { digest: digest(number), on: None }
}

fn connection(name: &str) -> ConnectionName {
    ConnectionName::parse(name).expect("it is a name")
}

fn ask(number: u8, intent: u128) -> Change {
    Change::Ask { digest: digest(number), intent: IntentId::from_bits(intent) }
}

fn accept(number: u8, intent: u128, asks: &[&str]) -> Change {
    Change::Accept(Accepted {
        intent: IntentId::from_bits(intent),
        asked: upgrade::Asked {
            connector: ConnectorId::parse("acme.crm").expect("it is a name"),
            digest: digest(number),
            asks: asks.iter().map(|ask| (*ask).to_owned()).collect(),
        },
    })
}

#[test]
fn what_was_staged_or_moved_on_does_not_serve_by_being_accepted() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a"])));
    let record = with(record, &Change::Stage(build(2, &["a", "b"])));
    let record = with(record, &ask(2, 7));
    let staged = with(record.clone(), &accept(2, 7, &["b"]));
    assert_eq!(states(&staged), ["active", "staged"]);
    // Accepted beside one build, it asks for more beside a narrower one.
    let narrower = with(record, &Change::Add(build(3, &[])));
    let narrower = with(narrower, &accept(2, 7, &["b"]));
    assert_eq!(states(&narrower), ["previous", "held", "active"]);
    assert_eq!(narrower.holds(&build(2, &["a", "b"])), ["a"]);
}

#[test]
fn what_the_host_asks_with_is_what_it_reads() {
    let build = build(2, &["a", "b"]);
    let connector = ConnectorId::parse("acme.crm").expect("it is a name");
    let raw = upgrade::Asked::tokens(&connector, &build, &["b".to_owned()], "a new field");
    let name = IntentTypeName::parse(upgrade::CONNECTOR_UPGRADE).expect("it is a name");
    let rulebook = starter_rulebook();
    let tokens = rulebook.intent_type(&name).expect("it is built in").validate(&raw).expect("they fit");
    let asked = upgrade::Asked::of(&tokens).expect("they are read");
    assert_eq!((asked.connector, asked.digest), (connector, digest(2)));
    assert_eq!(asked.asks, BTreeSet::from(["b".to_owned()]));
}

#[test]
fn the_first_build_serves_and_one_that_asks_for_no_more_takes_its_place() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a", "b"])));
    assert_eq!(record.serving.active, Some(digest(1)));
    let record = with(record, &Change::Add(build(2, &["a"])));
    assert_eq!(states(&record), ["previous", "active"]);
    let back = with(record.clone(), &Change::RollBack);
    assert_eq!(back.serving.active, Some(digest(1)));
    assert_eq!(back.decide(&Change::RollBack, ""), Err(NotChanged::NothingBefore));
    // What is there already is not added again.
    assert_eq!(record.decide(&Change::Add(build(2, &["a"])), ""), Ok(Vec::new()));
}

#[test]
fn what_asks_for_more_is_held_until_somebody_has_accepted_it() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a"])));
    let record = with(record, &Change::Add(build(2, &["a", "b"])));
    assert_eq!(states(&record), ["active", "held"]);
    let held = NotChanged::Held { digest: digest(2), asks: vec!["b".to_owned()] };
    assert_eq!(record.decide(&activate(2), ""), Err(held.clone()));
    let on = Change::Activate { digest: digest(2), on: Some(connection("crm")) };
    assert_eq!(record.decide(&on, ""), Err(held));
    let asked = ask(2, 7);
    let record = with(record, &asked);
    assert_eq!(record.decide(&asked, ""), Ok(Vec::new()));
    // Something else was accepted, or what nobody of the host asked for: that is not what it waits for.
    let other = with(record.clone(), &accept(2, 7, &["c"]));
    assert_eq!(states(&other), ["active", "held"]);
    assert_eq!(record.decide(&accept(2, 6, &["b"]), ""), Ok(Vec::new()));
    let record = with(record, &accept(2, 7, &["b"]));
    assert_eq!(states(&record), ["previous", "active"]);
    assert_eq!(record.decide(&accept(2, 7, &["b"]), ""), Ok(Vec::new()));
    // What was granted once is not asked for again, neither what was accepted nor what has served.
    let third = with(record.clone(), &Change::Add(build(3, &[])));
    assert_eq!(states(&third), ["staged", "previous", "active"]);
    let third = with(third, &activate(1));
    assert_eq!(third.serving.active, Some(digest(1)));
    let record = with(with(record, &Change::RollBack), &activate(2));
    assert_eq!(record.serving.active, Some(digest(2)));
}

#[test]
fn a_build_is_tried_on_one_connection_and_rolled_back_there() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a"])));
    let record = with(record, &Change::Stage(build(2, &["a"])));
    assert_eq!(states(&record), ["active", "staged"]);
    let record = with(record, &Change::Activate { digest: digest(2), on: Some(connection("crm-eu")) });
    assert_eq!(states(&record), ["active", "tried"]);
    assert_eq!(record.serving.of(&connection("crm-eu")), Some(digest(2)));
    assert_eq!(record.serving.of(&connection("crm-us")), Some(digest(1)));
    let back = with(record.clone(), &Change::RollBack);
    assert_eq!(back.serving.of(&connection("crm-eu")), Some(digest(1)));
    // Everywhere, then: nothing is tried any more.
    let record = with(record, &activate(2));
    assert_eq!((record.serving.active, record.serving.on.len()), (Some(digest(2)), 0));
    assert_eq!(record.decide(&activate(2), ""), Err(NotChanged::Active(digest(2))));
}

#[test]
fn a_build_in_quarantine_serves_nothing_until_it_is_released() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &[])));
    // There is nothing that could serve in its place.
    assert_eq!(record.decide(&Change::Quarantine(digest(1)), ""), Err(NotChanged::NothingBefore));
    let record = with(record, &Change::Add(build(2, &[])));
    let record = with(record, &Change::Quarantine(digest(2)));
    assert_eq!(states(&record), ["active", "quarantined"]);
    assert_eq!(record.quarantined(), BTreeSet::from([digest(2)]));
    let refused = NotChanged::Quarantined { digest: digest(2), reason: "said".to_owned() };
    assert_eq!(record.decide(&activate(2), ""), Err(refused.clone()));
    // Added once more, it stays where it is.
    assert_eq!(record.decide(&Change::Add(build(2, &[])), ""), Ok(Vec::new()));
    let record = with(with(record, &Change::Release(digest(2))), &activate(2));
    assert_eq!(states(&record), ["previous", "active"]);
    // Nobody goes back to what is called no more.
    let record = with(record, &Change::Quarantine(digest(1)));
    let refused = NotChanged::Quarantined { digest: digest(1), reason: "said".to_owned() };
    assert_eq!(record.decide(&Change::RollBack, ""), Err(refused.clone()));
    assert_eq!(record.decide(&Change::Quarantine(digest(2)), ""), Err(refused));
}

#[test]
fn what_was_taken_away_or_rolled_back_is_not_brought_back_by_what_was_said_before() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a"])));
    let record = with(record, &Change::Add(build(2, &["a", "b"])));
    let record = with(with(record, &ask(2, 7)), &accept(2, 7, &["b"]));
    let back = with(record.clone(), &Change::RollBack);
    // The same component once more, or a second yes to it: it stays rolled back.
    assert_eq!(back.decide(&Change::Add(build(2, &["a", "b"])), ""), Ok(Vec::new()));
    assert_eq!(states(&with(with(back.clone(), &ask(2, 8)), &accept(2, 8, &["b"]))), ["active", "staged"]);
    let gone = with(back, &Change::Remove(digest(2)));
    assert_eq!(gone.decide(&accept(2, 7, &["b"]), ""), Ok(Vec::new()));
    let again = with(gone, &Change::Add(build(2, &["a", "b"])));
    assert_eq!(states(&with(again.clone(), &accept(2, 7, &["b"]))), ["active", "held"]);
    assert_eq!((again.asks, again.removed.len()), (1, 1));
}

#[test]
fn a_broken_build_goes_only_where_another_one_served_before() {
    let record = with(OnRecord::default(), &Change::Add(build(1, &[])));
    let record = (2..=3).fold(record, |record, number| with(record, &Change::Stage(build(number, &[]))));
    let on = |number: u8, name: &str| Change::Activate { digest: digest(number), on: Some(connection(name)) };
    let broken = |number: u8, name: &str| Change::RollBackFrom {
        connection: connection(name),
        digest: digest(number),
    };
    let tried = with(record, &on(2, "eu"));
    // The one that is active everywhere breaks: to end the trial elsewhere would help nobody.
    assert_eq!(tried.decide(&broken(1, "us"), ""), Ok(Vec::new()));
    let back = with(tried.clone(), &broken(2, "eu"));
    assert_eq!(back.serving.of(&connection("eu")), Some(digest(1)));
    // Another trial has begun since: the step before has the broken one still.
    let both = with(tried, &on(3, "us"));
    assert_eq!(both.decide(&broken(2, "eu"), ""), Ok(Vec::new()));
    assert_eq!(with(both, &broken(3, "us")).serving.of(&connection("us")), Some(digest(1)));
}

#[test]
fn what_serves_is_not_removed_and_what_was_removed_is_not_gone_back_to() {
    let record = with(with(OnRecord::default(), &Change::Add(build(1, &[]))), &Change::Add(build(2, &[])));
    assert_eq!(record.decide(&Change::Remove(digest(2)), ""), Err(NotChanged::Serves(digest(2))));
    assert_eq!(record.decide(&Change::Remove(digest(3)), ""), Err(NotChanged::Unknown(digest(3))));
    let record = with(record, &Change::Remove(digest(1)));
    assert_eq!(states(&record), ["active"]);
    assert_eq!(record.decide(&Change::RollBack, ""), Err(NotChanged::NothingBefore));
}

#[test]
fn there_are_never_more_builds_than_there_may_be() {
    let most = u8::try_from(BUILDS_MAX).expect("few");
    let record = (0..most)
        .fold(OnRecord::default(), |record, number| with(record, &Change::Stage(build(number, &[]))));
    assert_eq!(record.decide(&Change::Add(build(most, &[])), ""), Err(NotChanged::TooMany));
    let record = with(record, &Change::Remove(digest(0)));
    assert!(record.decide(&Change::Add(build(most, &[])), "").is_ok());
}

#[test]
fn an_entry_is_read_as_it_was_written() {
    let (digest, reason) = (digest(1), "said".to_owned());
    for event in [
        Event::Added { build: build(1, &["a"]), stage: true },
        Event::Asked { digest, intent: IntentId::from_bits(3) },
        Event::Accepted { digest, intent: IntentId::from_bits(3), wants: BTreeSet::from(["a".to_owned()]) },
        Event::Activated { digest, on: Some(connection("crm")), reason: reason.clone() },
        Event::Activated { digest, on: None, reason: reason.clone() },
        Event::Nominated { digest, percent: 10, reason: reason.clone() },
        Event::Dropped { digest, reason: reason.clone() },
        Event::RolledBack { reason: reason.clone() },
        Event::Quarantined { digest, reason: reason.clone() },
        Event::Released { digest, reason: reason.clone() },
        Event::Removed { digest, reason },
    ] {
        let entry = Entry { at: Timestamp(9), by: None, event };
        let bytes = entry.to_bytes().expect("it has a canonical form");
        assert_eq!(serde_json::from_slice::<Entry>(&bytes).expect("it is one"), entry);
    }
}

fn nominate(number: u8, percent: u8) -> Change {
    let share = candidate::Share::of(percent).expect("a share");
    Change::Nominate { digest: digest(number), share }
}

/// Three builds that ask for the same; the second serves, the first did before.
fn three() -> OnRecord {
    let record = with(OnRecord::default(), &Change::Add(build(1, &["a"])));
    let record = with(record, &Change::Add(build(2, &["a"])));
    with(record, &Change::Stage(build(3, &["a"])))
}

fn candidate_of(record: &OnRecord) -> Option<(Digest, u8)> {
    record.serving.candidate.map(|candidate| (candidate.digest, candidate.share.percent()))
}

#[test]
fn a_candidate_is_compared_with_the_active_build_and_taken_back_first() {
    let record = with(three(), &nominate(3, 0));
    assert_eq!(states(&record), ["previous", "active", "shadow"]);
    let record = with(record, &nominate(3, 10));
    assert_eq!(states(&record), ["previous", "active", "canary"]);
    assert_eq!(record.decide(&nominate(3, 10), ""), Ok(Vec::new()));
    assert_eq!(record.decide(&Change::Remove(digest(3)), ""), Err(NotChanged::Serves(digest(3))));
    let crm = connection("crm");
    assert_eq!(record.serving.all_of(&crm), BTreeSet::from([digest(2), digest(3)]));
    assert_eq!(record.beside(&crm, &digest(3)), Some(digest(2)));
    assert_eq!(record.beside(&crm, &digest(2)), Some(digest(1)));
    for change in [
        Change::RollBack,
        Change::RollBackFrom { connection: crm.clone(), digest: digest(3) },
        Change::Quarantine(digest(3)),
    ] {
        let after = with(record.clone(), &change);
        assert_eq!((after.serving.active, candidate_of(&after)), (Some(digest(2)), None), "{change:?}");
        assert_eq!(after.previous, record.previous, "{change:?}");
    }
    // The one that serves may do worse as well: then nothing is tried any more.
    let back = with(record.clone(), &Change::RollBackFrom { connection: crm, digest: digest(2) });
    assert_eq!((back.serving.active, candidate_of(&back)), (Some(digest(1)), None));
    // Another candidate takes its place, and it may serve later as it did now.
    let events = with(record, &Change::Stage(build(4, &["a"]))).decide(&nominate(4, 5), "said");
    let dropped = Event::Dropped { digest: digest(3), reason: "said".to_owned() };
    let nominated = Event::Nominated { digest: digest(4), percent: 5, reason: "said".to_owned() };
    assert_eq!(events, Ok(vec![dropped, nominated]));
}

#[test]
fn a_candidate_that_is_put_in_force_is_none_and_nobody_goes_back_to_one() {
    let record = with(with(three(), &nominate(3, 10)), &activate(3));
    assert_eq!(states(&record), ["staged", "previous", "active"]);
    assert_eq!(candidate_of(&record), None);
    let back = with(record, &Change::RollBack);
    assert_eq!((back.serving.active, candidate_of(&back)), (Some(digest(2)), None));
    // Where another one is put in force, it is none either, and has not served before.
    let other = with(with(three(), &nominate(3, 10)), &activate(1));
    assert_eq!((states(&other), candidate_of(&other)), (vec!["active", "previous", "staged"], None));
    // On a connection where another build is tried it plans nothing, and it stays when that is taken back.
    let on = Change::Activate { digest: digest(1), on: Some(connection("crm")) };
    let tried = with(with(three(), &nominate(3, 10)), &on);
    assert_eq!(candidate_of(&tried), Some((digest(3), 10)));
    assert_eq!(tried.serving.candidate_at(&connection("crm")), None);
    assert!(tried.serving.candidate_at(&connection("erp")).is_some());
    assert_eq!(tried.beside(&connection("crm"), &digest(3)), None);
    let from = Change::RollBackFrom { connection: connection("crm"), digest: digest(1) };
    let back = with(tried, &from);
    assert_eq!((back.serving.on.len(), candidate_of(&back)), (0, Some((digest(3), 10))));
}

#[test]
fn no_share_is_given_to_what_may_not_serve() {
    let share = |record: &OnRecord, number| record.decide(&nominate(number, 0), "");
    let record = with(OnRecord::default(), &Change::Stage(build(1, &["a"])));
    assert_eq!(share(&record, 1), Err(NotChanged::NothingBeside(digest(1))));
    let record = with(record, &activate(1));
    assert_eq!(share(&record, 1), Err(NotChanged::Active(digest(1))));
    assert_eq!(share(&record, 2), Err(NotChanged::Unknown(digest(2))));
    let record = with(record, &Change::Stage(build(2, &["a", "b"])));
    let held = NotChanged::Held { digest: digest(2), asks: vec!["b".to_owned()] };
    assert_eq!(share(&record, 2), Err(held));
    let accepted = with(with(record, &ask(2, 7)), &accept(2, 7, &["b"]));
    let nominated = with(accepted.clone(), &nominate(2, 10));
    // What was granted to a candidate is granted to what it becomes.
    assert_eq!(nominated.builds.get(&digest(2)).map(|known| known.served), Some(true));
    let gone = with(accepted, &Change::Quarantine(digest(2)));
    assert!(matches!(share(&gone, 2), Err(NotChanged::Quarantined { .. })));
}
