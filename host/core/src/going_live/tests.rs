//! What is a draft, what a trial shows of it, and what counts nowhere.

use super::*;
use crate::approval::command::{Command, Prepared};
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::life::{self, Context};
use crate::approval::refusal::Refusal;
use crate::document::SourceFile;
use crate::hash::Digest;
use crate::id::{FieldName, IntentId, PersonId};
use crate::intent::{FactValue, IntentType, Percent, Raw, TokenValue, TypeState};
use crate::measure::Measures;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{discount_tokens, starter, starter_rulebook};
use crate::time::Timestamp;
use std::sync::Arc;

const FILE: &str = "intents/discount.intent.md";

fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment")
}

fn discount() -> IntentTypeName {
    IntentTypeName::parse("discount").expect("a name")
}

/// The shipped set with a row of the discount's header in it, and something replaced.
fn with(row: &str, from: &str, to: &str) -> Rulebook {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path == FILE).expect("the discount");
    assert!(file.text.contains(from), "it holds {from}");
    file.text = file.text.replacen(from, to, 1).replacen("| impact ", &format!("{row}| impact "), 1);
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn draft() -> Rulebook {
    with("| state | draft |\n", "", "")
}

fn schema(rulebook: &Rulebook) -> &IntentType {
    rulebook.intent_type(&discount()).expect("the discount")
}

fn went(rulebook: &Rulebook) -> WentLive {
    let person = |name: &str| PersonId::parse(name).expect("a person");
    WentLive {
        intent: IntentId::from_bits(2),
        of: discount(),
        shape: shape(schema(rulebook)).expect("it has one"),
        trial: IntentId::from_bits(1),
        asked: person("revops-1"),
        by: vec![person("revops-lead")],
        reason: "the pilot begins".to_owned(),
        at: now(),
    }
}

fn live(rulebook: Rulebook, went: WentLive) -> Rulebook {
    let lives = rulebook.lives().and(went);
    rulebook.with_lives(Arc::new(lives))
}

fn context(rulebook: &Rulebook) -> Context<'_> {
    Context { tried: Some(0), ..Context::new(rulebook, now(), 0) }
}

fn tried<'a>(rulebook: &'a Rulebook, person: &str) -> Result<life::Turn<'a>, Refusal> {
    let (id, tokens) = (IntentId::from_bits(1), discount_tokens());
    life::submit_trial(context(rulebook), id, (person, "discount", &tokens), Trigger::Button)
}

fn asked<'a>(rulebook: &'a Rulebook, person: &str) -> Result<life::Turn<'a>, Refusal> {
    life::submit(context(rulebook), IntentId::from_bits(1), person, "discount", &discount_tokens())
}

#[test]
fn a_type_without_the_row_is_live_and_the_row_is_one_of_two_words() {
    let rulebook = starter_rulebook();
    assert_eq!(rulebook.state_of(schema(&rulebook)), TypeState::Live);
    let rulebook = with("| state | live |\n", "", "");
    assert_eq!(rulebook.state_of(schema(&rulebook)), TypeState::Live);
    assert_eq!(draft().state_of(schema(&draft())), TypeState::Draft);
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path == FILE).expect("the discount");
    file.text = file.text.replacen("| impact ", "| state | beta |\n| impact ", 1);
    let faults = Rulebook::load(&files).expect_err("it is no state");
    assert!(
        faults.iter().any(|fault| fault.message.contains("`beta` is none of draft, live")),
        "{faults:#?}"
    );
}

#[test]
fn the_row_is_no_part_of_a_policys_version() {
    let version =
        |rulebook: &Rulebook| rulebook.policy(&discount(), now()).expect("one is in force").version();
    assert_eq!(version(&draft()), version(&starter_rulebook()));
}

#[test]
fn a_draft_takes_trials_of_its_owners_alone_and_a_live_type_none() {
    let (draft, shipped) = (draft(), starter_rulebook());
    assert_eq!(asked(&draft, "revops-1").err(), Some(NotLive::Draft(discount()).into()));
    assert!(matches!(tried(&draft, "ae-1"), Err(Refusal::GoingLive(NotLive::NotOfOwner { .. }))));
    assert_eq!(tried(&shipped, "revops-1").err(), Some(NotLive::NotDraft(discount()).into()));
    assert!(asked(&shipped, "ae-1").is_ok_and(|turn| turn.approval().intent.trial.is_none()));
    let turn = tried(&draft, "revops-1").expect("an owner tries it out");
    let trial = turn.approval().intent.trial.as_ref().expect("it is a trial");
    assert_eq!((&trial.by, Some(trial.shape)), (&Trigger::Button, shape(schema(&draft))));
}

#[test]
fn so_many_trials_a_day_are_taken_and_none_that_nobody_counted() {
    let draft = draft();
    let check = |tried: Option<u32>, taken: bool| {
        let context = Context { tried, ..context(&draft) };
        let words = ("revops-1", "discount", &discount_tokens());
        let turn = life::submit_trial(context, IntentId::from_bits(1), words, Trigger::Button);
        let refusal = turn.err();
        assert_eq!(refusal.is_none(), taken, "{tried:?}: {refusal:?}");
        let too_many = NotLive::TooManyTrials { of: discount(), most: TRIALS_A_DAY_MAX };
        assert!(refusal.is_none_or(|refusal| refusal == too_many.into()));
    };
    check(Some(TRIALS_A_DAY_MAX - 1), true);
    check(Some(TRIALS_A_DAY_MAX), false);
    check(None, false);
}

#[test]
fn the_digest_of_what_was_tried_is_the_same_in_every_version_of_the_host() {
    // Were it another one, every type that went live would be a draft after an upgrade.
    let shape = shape(schema(&starter_rulebook())).expect("it has one");
    assert_eq!(shape.to_string(), "878f8cb59030113cf65e0116a506ec13ab33331a55d2c2cbd41cd941697b01d6");
}

#[test]
fn a_vote_is_for_what_was_shown_and_for_no_other_record_of_it() {
    let seen = Readiness {
        of: discount(),
        shape: shape(schema(&draft())).expect("it has one"),
        trial: IntentId::from_bits(1),
        trail: Digest::of(b"the record that was shown"),
        met: Vec::new(),
        waived: None,
    };
    assert_eq!(confirm(&seen, Some(&Ok(seen.clone()))), Ok(()));
    let overtaken = Err(Refusal::from(NotLive::Overtaken(discount())));
    let other = Readiness { trail: Digest::of(b"another one"), ..seen.clone() };
    assert_eq!(confirm(&seen, Some(&Ok(other))), overtaken);
    assert_eq!(confirm(&seen, None), overtaken);
}

#[test]
fn a_trial_is_named_by_an_id() {
    let draft = draft();
    let text = |text: &str| Raw::Text(text.to_owned());
    let tokens = [("intent", "discount"), ("trial", "the first one"), ("reason", "the pilot begins")];
    let tokens = Raw::Map(tokens.map(|(name, value)| (name.to_owned(), text(value))).into());
    let asked = life::submit(context(&draft), IntentId::from_bits(1), "revops-1", GO_LIVE, &tokens);
    let Some(Refusal::Tokens(faults)) = asked.err() else { panic!("it is refused") };
    let found: Vec<(&str, &str)> =
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.found.as_str())).collect();
    assert_eq!(found, [("/trial", "the first one")]);
}

#[test]
fn a_trial_is_marked_in_the_log_and_an_entry_of_an_older_host_is_none() {
    let draft = draft();
    let turn = tried(&draft, "revops-1").expect("an owner tries it out");
    let entry = turn.entries().first().expect("it was submitted");
    let text = String::from_utf8(entry.to_bytes().expect("it is canonical")).expect("text");
    let mark =
        format!(r#""trial":{{"by":"button","shape":"{}"}}"#, shape(schema(&draft)).expect("it has one"));
    assert!(text.contains(&mark), "{text}");
    let older: Entry =
        serde_json::from_str(&text.replace(&format!("{mark},"), "").replace(&format!(",{mark}"), ""))
            .expect("it reads");
    let approval = life::after(None, &older).expect("it folds");
    assert!(approval.intent.trial.is_none());
}

#[test]
fn what_went_live_stays_so_until_a_part_that_was_tried_changes() {
    let row = "| state | draft |\n";
    let check = |from: &str, to: &str, state: TypeState| {
        let changed = live(with(row, from, to), went(&draft()));
        assert_eq!(changed.state_of(schema(&changed)), state, "{from} to {to}");
        let remarks: Vec<String> = changed.remarks().into_iter().map(|(_, remark)| remark).collect();
        assert_eq!(remarks.is_empty(), state == TypeState::Live, "{remarks:?}");
        assert!(remarks.iter().all(|remark| remark.contains("a draft again")), "{remarks:?}");
    };
    check("", "", TypeState::Live);
    check("| expires         | 30d ", "| expires         | 20d ", TypeState::Live);
    check("| yes      | why ", "| yes      | for what reason ", TypeState::Live);
    check("| owner           | revenue-operations ", "| owner           | deal-desk ", TypeState::Draft);
    check("| deal-desk-lead ", "| revops-lead ", TypeState::Draft);
    check("| source          | crm ", "| source          | billing ", TypeState::Draft);
    check("| webhook crm quote-submitted ", "| button ", TypeState::Draft);
    check(
        "| by-natural-key, by-probe |                 ",
        "| by-natural-key |                 ",
        TypeState::Draft,
    );
    check("| enforcement     | soft ", "| enforcement     | advisory ", TypeState::Draft);
}

#[test]
fn a_file_that_does_not_say_draft_takes_intents_and_is_named_if_it_has_changed() {
    let changed = live(with("", "| webhook crm quote-submitted ", "| button "), went(&draft()));
    assert_eq!(changed.state_of(schema(&changed)), TypeState::Live);
    let [(of, remark)] = changed.remarks().try_into().expect("one remark");
    assert!(of == discount() && remark.contains("does not say `draft`"), "{remark}");
}

#[test]
fn what_went_live_is_carried_to_every_set_that_follows() {
    let rulebook = live(draft(), went(&draft()));
    let people = rulebook.with_people(rulebook.people(), now()).expect("it checks");
    assert_eq!(people.state_of(schema(&people)), TypeState::Live);
    let read_again = draft().with_record_of(&rulebook);
    assert_eq!(read_again.state_of(schema(&read_again)), TypeState::Live);
}

#[test]
fn going_live_asks_those_who_own_the_type_or_the_set_does_not_check() {
    let mut files: Vec<SourceFile> = starter();
    let file = files.iter_mut().find(|file| file.path == "routes.md").expect("the routes");
    let row = "| go-live           | 1    | owner of policy         |";
    assert!(file.text.contains(row), "the starter has the route");
    file.text = file.text.replacen(row, "| go-live           | 1    | pool revenue-operations |", 1);
    let faults = Rulebook::load(&files).expect_err("nobody of the owners is asked");
    assert!(
        faults.iter().any(|fault| fault.message.contains("no step asks `owner of policy`")),
        "{faults:#?}"
    );
}

/// The entries of a trial that waits for people, of a set with this last word of its route.
fn seated(finally: &str) -> (Rulebook, Vec<Entry>) {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path == FILE).expect("the discount");
    file.text = file.text.replacen("| impact ", "| state | draft |\n| impact ", 1);
    let path = "policies/discount.policy.md";
    let policy = files.iter_mut().find(|file| file.path == path).expect("the policy");
    let row = "| pool deal-desk  | hold ";
    assert!(policy.text.contains(row), "the route of the manager is as it was");
    policy.text = policy.text.replacen(row, &format!("| pool deal-desk  | {finally} "), 1);
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let known = |value: TokenValue| FactValue::Known(value);
    let facts = [
        ("segment", known(TokenValue::OneOf("smb".to_owned()))),
        ("margin", known(TokenValue::Percent(Percent(400_000)))),
        ("renewal", known(TokenValue::YesNo(false))),
    ];
    let name = |name: &str| FieldName::parse(name).expect("a name");
    let facts = facts.into_iter().map(|(field, value)| (name(field), value)).collect();
    let prepared = Box::new(Prepared { facts, ..Prepared::default() });
    let turn = tried(&rulebook, "revops-1").expect("an owner tries it out");
    let turn = turn.then(Command::Prepare { revision: 1, prepared }).expect("it is prepared");
    let entries = turn.entries().to_vec();
    (rulebook, entries)
}

#[test]
fn left_alone_a_trial_goes_to_its_backup_and_in_the_end_to_the_fallback_owner() {
    let fallback = PersonId::parse("deal-desk-lead").expect("a person");
    let (rulebook, entries) = seated("hold");
    let words = silence::silent(&rulebook, &entries, &fallback).expect("somebody has it");
    assert!(words.ends_with("deal-desk-lead has it"), "{words}");
    let (rulebook, entries) = seated("decline");
    let words = silence::silent(&rulebook, &entries, &fallback).expect("it is declined");
    assert!(words.contains("it is declined"), "{words}");
}

#[test]
fn silence_shows_nothing_where_nobody_was_asked_or_it_never_ends_with_that_person() {
    let (rulebook, entries) = seated("hold");
    let nobody = PersonId::parse("counsel-1").expect("a person");
    let why = silence::silent(&rulebook, &entries, &nobody).expect_err("it is not theirs");
    assert!(why.contains("is not with `counsel-1`"), "{why}");
    let why = silence::silent(&rulebook, &entries[..1], &nobody).expect_err("nobody was asked");
    assert_eq!(why, "it came to no seat that could be missed");
}

#[test]
fn a_trial_counts_in_no_measure() {
    let draft = draft();
    let turn = tried(&draft, "revops-1").expect("an owner tries it out");
    let mut measures = Measures::default();
    for entry in turn.entries() {
        measures.add(IntentId::from_bits(1), entry);
    }
    let by = PersonId::parse("revops-1").expect("a person");
    let withdrawn = Entry { at: now(), by: Actor::Person(by.clone()), event: Event::Withdrawn { by } };
    measures.add(IntentId::from_bits(1), &withdrawn);
    assert_eq!((measures.submitted, measures.withdrawn, measures.decided_count()), (0, 0, 0));
    measures.add(IntentId::from_bits(2), &withdrawn);
    assert_eq!(measures.withdrawn, 1, "what is no trial counts");
}
