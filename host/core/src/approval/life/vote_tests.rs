//! A voice counts from whom the rules seat at that moment, whatever an open seat still says.

use super::carry_tests::{person, prepared, redline};
use super::{Context, decide, submit};
use crate::approval::Approval;
use crate::approval::command::{Command, Voice};
use crate::id::IntentId;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::starter;
use crate::time::Timestamp;

/// The starter rules with other people.
fn house(change: impl Fn(&str) -> String) -> Rulebook {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("people.md");
    let changed = change(&people.text);
    people.text = changed;
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn at<'a>(rulebook: &'a Rulebook, moment: &str) -> Context<'a> {
    Context::new(rulebook, Timestamp::from_rfc3339(moment).expect("a moment"), 7)
}

/// A redline that waits for privacy.
fn seated(context: Context<'_>) -> Approval {
    let asked = redline("new wording", "negotiation");
    let turn = submit(context, IntentId::from_bits(1), "ae-1", "contract_redline", &asked);
    prepared(context.rulebook, turn.expect("it passes the door"), 1)
}

/// With which code the voice of somebody is refused.
fn refused(approval: &Approval, who: &str, context: Context<'_>) -> Option<&'static str> {
    let voice = Voice::Approve { note: String::new() };
    let vote = Command::Decide { person: person(who), revision: 1, seal: None, voice };
    decide(approval, vote, context).err().map(|refusal| refusal.code())
}

#[test]
fn whoever_left_the_pool_has_no_voice_before_anybody_looked_at_the_seat() {
    let before = house(str::to_owned);
    let after = house(|people| people.replacen("| privacy-1, privacy-2 ", "| privacy-1, counsel-3 ", 1));
    let monday = "2026-11-23T15:00:00Z";
    let approval = seated(at(&before, monday));
    assert_eq!(refused(&approval, "privacy-2", at(&before, monday)), None);
    assert_eq!(refused(&approval, "privacy-2", at(&after, monday)), Some("CS-E0111"));
    assert_eq!(refused(&approval, "privacy-1", at(&after, monday)), None);
}

#[test]
fn a_cover_has_a_voice_on_the_days_of_the_absence_and_on_no_other() {
    let row = "| finance-2  | 2026-12-14 |";
    let rules = house(|people| {
        let absence = "| privacy-1 | 2026-12-14 | 2026-12-18 | fpna-1 | all |\n";
        people.replacen(row, &format!("{absence}{row}"), 1)
    });
    let (during, afterwards) = ("2026-12-18T15:00:00Z", "2026-12-21T15:00:00Z");
    let approval = seated(at(&rules, during));
    assert_eq!(refused(&approval, "fpna-1", at(&rules, during)), None);
    assert_eq!(refused(&approval, "privacy-1", at(&rules, during)), Some("CS-E0111"));
    // The seat was sealed on a day of it, and nobody has looked at it since.
    assert_eq!(refused(&approval, "fpna-1", at(&rules, afterwards)), Some("CS-E0111"));
    assert_eq!(refused(&approval, "privacy-1", at(&rules, afterwards)), None);
}
