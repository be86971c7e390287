//! What a change says otherwise, what the door takes, who has no seat, and which text is in force.

use super::compare::compare;
use super::*;
use crate::approval::Intent;
use crate::approval::command::{Command, Prepared, Voice};
use crate::approval::event::{Entry, Event};
use crate::approval::life::{self, Context};
use crate::approval::refusal::Refusal;
use crate::document::{Layout, SourceFile};
use crate::id::{IntentId, PersonId};
use crate::intent::Raw;
use crate::publish::POLICY_CHANGE_BYTES_MAX;
use crate::rulebook::tests::{starter, starter_rulebook};
use crate::rulebook::{Publications, Rulebook, formatted, layout};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment")
}

fn name(text: &str) -> SharedFile {
    SharedFile::parse(text).expect("a shared file")
}

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

/// The shipped text of a shared file.
fn text(file: &str) -> String {
    let path = if file.ends_with(".intent.md") { format!("intents/{file}") } else { file.to_owned() };
    starter().into_iter().find(|found| found.path == path).expect("it is shipped").text
}

/// The same with one piece of it otherwise.
fn changed(file: &str, from: &str, to: &str) -> String {
    let text = text(file);
    assert!(text.contains(from), "`{file}` has no `{from}`");
    text.replacen(from, to, 1)
}

fn asks(file: &str, document: &str) -> Intent {
    let texts = [("file", file), ("document", document), ("reason", "the memo")];
    let raw = Raw::Map(texts.map(|(name, text)| (name.to_owned(), Raw::Text(text.to_owned()))).into());
    let intent_type = IntentTypeName::parse(SHARED_CHANGE).expect("a name");
    let tokens = starter_rulebook().intent_type(&intent_type).expect("it is built in").validate(&raw);
    Intent {
        id: IntentId::from_bits(1),
        intent_type,
        revision: 1,
        requester: person("revops-1"),
        answers: BTreeSet::new().into_iter().collect(),
        submitted: now(),
        tokens: tokens.unwrap_or_else(|flaws| panic!("{flaws:?}")),
        trial: None,
        adopts: None,
    }
}

fn shown(file: &str, document: &str) -> SharedChange {
    let found = evidence(&starter_rulebook(), &asks(file, document), BTreeSet::new(), now());
    found.unwrap_or_else(|found| panic!("{found:#?}"))
}

fn sentences(file: &str, document: &str) -> Vec<String> {
    shown(file, document).differences.iter().map(ToString::to_string).collect()
}

fn published(number: u128, file: &str, document: &str) -> PublishedFile {
    let file = name(file);
    PublishedFile {
        intent: IntentId::from_bits(number),
        version: version_of(document),
        base: starter_rulebook().file_base(&file),
        file,
        document: document.to_owned(),
        author: person("revops-1"),
        by: vec![person("revops-lead")],
        reason: "the memo".to_owned(),
        at: now(),
    }
}

#[test]
fn a_change_is_told_row_by_row_whatever_the_columns_are_wide() {
    // A longer name widens each row of the table.
    let joins = changed("people.md", "| ae-3                   |", "| ae-3-of-the-north-branch |");
    assert_eq!(
        sentences(
            "routes.md",
            &changed(
                "routes.md",
                "| shared-change     | 1    | pool revenue-operations | 1    | 16bh ",
                "| shared-change     | 1    | pool revenue-operations | 2    | 8bh "
            )
        ),
        [
            "Routes, `shared-change`, need: was `1`, now `2`",
            "Routes, `shared-change`, within: was `16bh`, now `8bh`",
        ]
    );
    let before =
        layout(&SourceFile { path: "people.md".to_owned(), text: text("people.md") }).expect("it is read");
    let joined = SourceFile { path: "people.md".to_owned(), text: joins };
    let wide = SourceFile { text: formatted(&joined).expect("it is read"), ..joined };
    let found = compare(Some(&before), &layout(&wide).expect("it is read"));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "Persons, `ae-3`: taken away: person: ae-3; manager: sales-manager-2; calendar: dublin",
            "Persons, `ae-3-of-the-north-branch`: new: person: ae-3-of-the-north-branch; manager: sales-manager-2; \
             calendar: dublin",
        ]
    );
}

#[test]
fn settings_order_columns_and_words_are_told_too() {
    let compared = |old: &str, new: &str| -> Vec<String> {
        let read = |text: &str| {
            let text = format!("# T\n\n| routes | |\n|---|---|\n| owner | a |\n\n{text}");
            layout(&SourceFile { path: "routes.md".to_owned(), text })
                .unwrap_or_else(|faults| panic!("{faults:?}"))
        };
        compare(Some(&read(old)), &read(new)).iter().map(ToString::to_string).collect()
    };
    let table = |rows: &str| format!("## Exceptions: first\n\n| id | when |\n|---|---|\n{rows}");
    let (a, b) = ("| a | 1 |\n", "| b | 2 |\n");
    assert!(compared(&table(&format!("{a}{b}")), &table(&format!("{a}{b}"))).is_empty());
    assert_eq!(
        compared(&table(&format!("{a}{b}")), &table(&format!("{b}{a}"))),
        ["Exceptions, order: was `a; b`, now `b; a`"]
    );
    assert_eq!(compared(&table(a), &table("| a |  |\n")), ["Exceptions, `a`, when: was `1`, now nothing"]);
    assert_eq!(
        compared(&table("| a | 1 |\n| a | 2 |\n"), &table("| a | 2 |\n| a | 3 |\n")),
        [
            "Exceptions, `a, 1`, when: was `1`, now `3`",
            "Exceptions, order: was `a, 3; a, 2`, now `a, 2; a, 3`"
        ]
    );
    assert_eq!(
        compared(&table(a), &table(a).replace("when", "then").replace(": first", ": unique")),
        [
            "Exceptions, columns: was `id, when`, now `id, then`",
            "Exceptions, `a`: taken away: id: a; when: 1",
            "Exceptions, `a`: new: id: a; then: 1",
            "words: taken away: ## Exceptions: first",
            "words: new: ## Exceptions: unique",
        ]
    );
    assert_eq!(
        compared("one\n\ntwo\n", "two\n\n\none\n"),
        ["words, order: was `# T; one; two`, now `# T; two; one`"]
    );
    assert_eq!(compared("one\n", "One.\n"), ["words: taken away: one", "words: new: One."]);
    assert_eq!(
        compared("", &table(a)),
        ["Exceptions, `a`: new: id: a; when: 1", "words: new: ## Exceptions: first"]
    );
}

/// A table of a few letters, so that rows are often alike.
fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec("[ab]?", 3..=3), 0..6)
}

fn written(rows: &[Vec<String>]) -> Layout {
    let rows: String = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    let text = format!("# T\n\n| routes | |\n|---|---|\n\n## Routes\n\n| x | y | z |\n|---|---|---|\n{rows}");
    layout(&SourceFile { path: "routes.md".to_owned(), text }).unwrap_or_else(|faults| panic!("{faults:?}"))
}

proptest! {
    /// Nothing is told only where nothing is said otherwise.
    #[test]
    fn whatever_differs_is_told(old in rows(), new in rows()) {
        let found = compare(Some(&written(&old)), &written(&new));
        prop_assert_eq!(found.is_empty(), old == new, "{:?}", found);
    }

    /// What is new and what is gone is told as it is, cell by cell.
    #[test]
    fn one_changed_cell_is_one_difference(old in rows(), at in any::<prop::sample::Index>(), column in 1_usize..3) {
        prop_assume!(!old.is_empty());
        let mut new = old.clone();
        new[at.index(old.len())][column] = "other".to_owned();
        let found = compare(Some(&written(&old)), &written(&new));
        let told = found.iter().filter(|found| found.now.as_deref() == Some("other")).count();
        prop_assert_eq!(told, 1, "{:?}", found);
    }
}

#[test]
fn the_door_says_what_is_wrong_with_a_change() {
    let check = |file: &str, document: &str, expected: &str| {
        let found = match admit(&starter_rulebook(), &asks(file, document), now()) {
            Err(Refusal::Change(found)) => found,
            other => panic!("{file}: {other:?}"),
        };
        assert!(found.iter().any(|found| found.to_string().contains(expected)), "{expected}: {found:#?}");
        // Each says what to do, but for what a table's own faults say by themselves.
        let silent = |found: &&crate::publish::Found| found.advice.is_none() && found.kind != "fault";
        assert!(!found.iter().any(|found| silent(&found)), "{found:#?}");
    };
    check("discount.policy.md", "x", "this names no file that policies share");
    check("../people.md", "x", "this names no file that policies share");
    check(
        "policy_change.intent.md",
        &text("refund.intent.md"),
        "defines intent type `refund`, not `policy_change`",
    );
    check("people.md", &"\u{e4}".repeat(POLICY_CHANGE_BYTES_MAX / 2 + 1), "at most 196608 are taken");
    check("people.md", "nobody", "people.md");
    check("refund.intent.md", &text("discount.intent.md"), "defines intent type `discount`, not `refund`");
    // A route asks for a pool that is gone.
    let gone = changed("people.md", "| deal-desk", "| deal-desks");
    check("people.md", &gone, "deal-desk");
    check("routes.md", &changed("routes.md", "2026-01-01", "2027-01-01"), "effective on 2027-01-01");
    let rows: String = (0..DIFFERENCES_MAX + 1).map(|index| format!("\n\nword {index}")).collect();
    check("people.md", &format!("{}{rows}", text("people.md")), "at most 500 in 262144 bytes");
}

#[test]
fn a_file_is_put_on_record_as_it_is_once() {
    let wide = text("people.md").replace(" | ", "  | ");
    for same in [text("people.md"), wide.clone()] {
        let change = shown("people.md", &same);
        assert!(change.differences.is_empty() && change.conflicted.is_empty(), "{change:?}");
        let on_record =
            starter_rulebook().publish_file(published(1, "people.md", &same), now()).expect("it checks");
        let refused = admit(&on_record, &asks("people.md", &wide), now());
        let Err(Refusal::Change(found)) = refused else { panic!("{refused:?}") };
        assert_eq!(found[0].kind, "unchanged");
    }
}

#[test]
fn nobody_makes_the_next_change_impossible() {
    let lonely = changed(
        "routes.md",
        "| shared-change     | 1    | pool revenue-operations | 1    | 16bh   | pool cro-office ",
        "| shared-change     | 1    | role cro | 1    | 16bh   | role cro ",
    );
    let refused = admit(&starter_rulebook(), &asks("routes.md", &lonely), now());
    let Err(Refusal::Change(found)) = refused else { panic!("{refused:?}") };
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(words.iter().any(|found| found.contains("nobody could take it back")), "{words:?}");
    let without = text("routes.md");
    let without: Vec<&str> = without.lines().filter(|line| !line.starts_with("| shared-change")).collect();
    let refused = admit(&starter_rulebook(), &asks("routes.md", &without.join("\n")), now());
    assert!(matches!(refused, Err(Refusal::Change(_))), "{refused:?}");
}

#[test]
fn whoever_gains_by_a_change_has_no_seat_in_it() {
    let without = |document: String| -> Vec<String> {
        shown("people.md", &document).conflicted.iter().map(ToString::to_string).collect()
    };
    let text = text("people.md");
    let row = |begins: &str| text.lines().find(|line| line.starts_with(begins)).expect("a row").to_owned();
    // A holiday is nobody's gain.
    let holiday = text.lines().skip_while(|line| !line.starts_with("## Holidays")).nth(4).expect("a holiday");
    assert!(without(text.replacen(&format!("{holiday}\n"), "", 1)).is_empty());
    // Whoever comes into a pool, and whoever manages somebody from now on.
    let finance = row("| revenue-operations");
    assert!(
        without(text.replacen(&finance, &finance.replacen("revops-1", "revops-1, ae-2", 1), 1))
            .contains(&"ae-2".to_owned())
    );
    let ae = row("| ae-1 ");
    assert_eq!(
        without(text.replacen(&ae, &ae.replacen("sales-manager-1", "sales-manager-2", 1), 1)),
        ["sales-manager-2"]
    );
    // Whom a route asks from now on, and who may decide alone.
    let routes = |from: &str, to: &str| -> Vec<String> {
        shown("routes.md", &changed("routes.md", from, to))
            .conflicted
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert!(routes("16bh", "8bh").is_empty());
    assert_eq!(
        routes("| pool integrations       | 1    | 16bh   |", "| person billing-1 | 1    | 16bh   |"),
        ["billing-1"]
    );
    assert_eq!(
        routes("| pool billing            | 2bh ", "| pool pricing            | 2bh "),
        ["pricing-1", "pricing-lead"]
    );
    let alone = changed("refund.intent.md", "role cro for 4h", "person revops-lead for 4h");
    assert_eq!(shown("refund.intent.md", &alone).conflicted, [person("revops-lead")]);
    // A role.
    let cro = text.lines().find(|line| line.starts_with("| cro             | cro ")).expect("the role");
    assert_eq!(without(text.replacen(cro, "| cro | fpna-2 |", 1)), ["fpna-2"]);
}

#[test]
fn each_right_that_people_md_gives_is_a_gain() {
    let check = |from: &str, to: &str, expected: &[&str]| {
        let change = shown("people.md", &changed("people.md", from, to));
        let without: Vec<String> = change.conflicted.iter().map(ToString::to_string).collect();
        assert_eq!(without, expected, "{from} -> {to}");
    };
    // A pool that no shared route asks and that owns nothing.
    check("| privacy-1, privacy-2 ", "| privacy-1, privacy-2, ae-2 ", &["ae-2"]);
    check("| privacy-1          | dublin ", "| privacy-2          | dublin ", &["privacy-2"]);
    check("| operator      | integrations ", "| operator      | privacy ", &["privacy-1", "privacy-2"]);
    check("| ledger     | billing ", "| ledger     | privacy ", &["privacy-1", "privacy-2"]);
    check("| owner    | revenue-operations |", "| owner    | privacy |", &["privacy-1", "privacy-2"]);
    check("| role cro               | cro-chief-of-staff     |", "| role cro | ae-2 |", &["ae-2"]);
    check(
        "| director-1 | 2026-12-21 | 2026-12-31 | director-2 |",
        "| director-1 | 2026-12-21 | 2026-12-31 | director-3 |",
        &["director-3"],
    );
    check("| director-2 | all ", "| director-2 | discount ", &["director-2"]);
    let rotation = "\n## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n| billing | 2026-11-02 | 7 | billing-2, billing-1 |\n\n## Roles";
    check("\n## Roles", rotation, &["billing-1", "billing-2"]);
    // What is taken away is nobody's gain.
    check("finance-2, finance-3 ", "finance-2 ", &[]);
}

#[test]
fn what_is_more_than_one_can_read_is_not_taken_at_once() {
    let paragraphs = |letter: &str| -> String {
        (0..150).map(|index| format!("\n\n{index} {}", letter.repeat(1_000))).collect()
    };
    let (one, other) = (
        format!("{}{}", text("people.md"), paragraphs("a")),
        format!("{}{}", text("people.md"), paragraphs("b")),
    );
    let on_record =
        starter_rulebook().publish_file(published(1, "people.md", &one), now()).expect("it checks");
    let refused = admit(&on_record, &asks("people.md", &other), now());
    let Err(Refusal::Change(found)) = refused else { panic!("{refused:?}") };
    assert!(found[0].message.starts_with("the text says 300 things otherwise"), "{found:?}");
    // A file of the house that is too long for one entry of the log.
    let mut files = starter();
    let long = files.iter_mut().find(|file| file.path == "people.md").expect("it is there");
    long.text = format!("{}\n\n{}\n", long.text, "a".repeat(crate::publish::BASE_BYTES_MAX));
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let refused = admit(&rulebook, &asks("people.md", &text("people.md")), now());
    let Err(Refusal::Change(found)) = refused else { panic!("{refused:?}") };
    assert!(found[0].message.contains("at most 393216 can be replaced"), "{found:?}");
}

#[test]
fn what_lies_ahead_with_it_and_did_not_before_is_shown() {
    let away = "| director-1 | 2026-12-21 | 2026-12-31 | director-2 | all              |\n";
    let both = format!("{away}| director-2 | 2026-12-22 | 2026-12-23 | director-3 | all |\n");
    let both = changed("people.md", away, &both);
    let ahead = shown("people.md", &both).ahead;
    assert_eq!(ahead.uncovered.len(), 1, "{ahead:?}");
    // Where it lay ahead before it is no consequence of the change.
    let rulebook = starter_rulebook().with_people(&both, now()).expect("it checks");
    let words = asks("people.md", &both.replacen("# People", "# The people", 1));
    let ahead = evidence(&rulebook, &words, BTreeSet::new(), now()).expect("it passes the door").ahead;
    assert!(ahead.thin.is_empty() && ahead.uncovered.is_empty() && ahead.lone.is_empty(), "{ahead:?}");
}

#[test]
fn what_follows_from_a_change_is_shown() {
    // A shared route is a part of the version of every policy that asks for it, an intent type of its own policy's.
    let named = |names: &[IntentTypeName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let words = shown("refund.intent.md", &changed("refund.intent.md", "# ", "# The "));
    assert!(words.differences.iter().all(|found| found.place() == "words"), "{:?}", words.differences);
    assert!(words.policies.is_empty(), "words decide nothing");
    let impact = changed("refund.intent.md", "| financial", "| legal    ");
    let change = shown("refund.intent.md", &impact);
    assert_eq!(named(&change.policies), ["refund"]);
    assert!(change.drafts.is_empty(), "a type without `draft` was never one");
    let draft =
        shown("refund.intent.md", &changed("refund.intent.md", "| impact ", "| state | draft |\n| impact "));
    assert_eq!(named(&draft.drafts), ["refund"]);
    let own = shown(
        "routes.md",
        &changed(
            "routes.md",
            "| shared-change     | 1    | pool revenue-operations | 1 ",
            "| shared-change     | 1    | pool revenue-operations | 2 ",
        ),
    );
    assert_eq!(named(&own.policies), [SHARED_CHANGE]);
    assert_eq!(own.owners.iter().map(ToString::to_string).collect::<Vec<_>>(), ["revenue-operations"]);
    assert_eq!(
        (own.before, own.version == version_of(&text("routes.md"))),
        (Some(version_of(&text("routes.md"))), false)
    );
    // A new owner decides beside the present one.
    let taken = shown(
        "routes.md",
        &changed("routes.md", "| owner     | revenue-operations |", "| owner     | cro-office |"),
    );
    assert_eq!(
        taken.owners.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["revenue-operations", "cro-office"]
    );
}

#[test]
fn from_its_first_publication_on_the_log_says_what_a_file_holds() {
    let files = starter();
    let with = |files: &[SourceFile], list: &[PublishedFile]| -> Rulebook {
        let list: Vec<Arc<PublishedFile>> = list.iter().cloned().map(Arc::new).collect();
        let on_record = Publications { files: &list, ..Publications::default() };
        Rulebook::with_published(files, on_record, now()).unwrap_or_else(|faults| panic!("{faults:#?}"))
    };
    let head = |rulebook: &Rulebook| rulebook.directory().persons.contains_key(&person("ae-9"));
    let ae = "| ae-3                   | sales-manager-2  | dublin   |\n";
    let joined = changed("people.md", ae, &format!("{ae}| ae-9 | sales-manager-2 | dublin |\n"));
    let one = published(1, "people.md", &joined);
    assert_eq!(one.base.as_ref().map(|file| file.path.as_str()), Some("people.md"));
    let rulebook = with(&files, std::slice::from_ref(&one));
    assert!(head(&rulebook));
    assert_eq!(
        (rulebook.people(), rulebook.people_of_house()),
        (joined.as_str(), text("people.md").as_str())
    );
    assert_eq!(rulebook.file_base(&SharedFile::People), None);
    // The file of the house does not count any more, and that is said.
    let [remark] = rulebook.file_remarks().try_into().expect("one remark");
    assert!(remark.starts_with("`people.md` is not what was published last and does not count"), "{remark}");
    assert!(head(&rulebook.with_people(&text("people.md"), now()).expect("it checks")));
    let without: Vec<SourceFile> = files.iter().filter(|file| file.path != "people.md").cloned().collect();
    let remarks = with(&without, std::slice::from_ref(&one)).file_remarks();
    assert!(remarks[0].starts_with("the rules have no file `people.md` any more"), "{remarks:?}");
    let put_back: Vec<SourceFile> = without
        .iter()
        .cloned()
        .chain([SourceFile { path: "people.md".to_owned(), text: joined.replace('\n', "\r\n") }])
        .collect();
    assert!(with(&put_back, std::slice::from_ref(&one)).file_remarks().is_empty());
    // The last one counts.
    let rulebook = with(&files, &[one, published(2, "people.md", &text("people.md"))]);
    assert!(!head(&rulebook) && rulebook.file_remarks().is_empty());
    // An intent type is known by what it defines, wherever its file lies.
    let late = changed("refund.intent.md", "# ", "# Late ");
    let moved: Vec<SourceFile> = files
        .iter()
        .map(|file| match file.path.as_str() {
            "intents/refund.intent.md" => {
                SourceFile { path: "old/money-back.intent.md".to_owned(), ..file.clone() }
            }
            _ => file.clone(),
        })
        .collect();
    let rulebook = with(&moved, &[published(3, "refund.intent.md", &late)]);
    assert_eq!(rulebook.text_of(&name("refund.intent.md")), Some(late.as_str()));
}

#[test]
fn a_vote_is_for_what_was_shown() {
    let rulebook = starter_rulebook();
    let document = changed("routes.md", "16bh", "8bh");
    let intent = asks("routes.md", &document);
    let seen = shown("routes.md", &document);
    assert_eq!(confirm(&rulebook, &intent, &seen, now()), Ok(()));
    let overtaken = Err(Refusal::ChangeOvertaken("routes.md".to_owned()));
    // Another text came first.
    let other = published(2, "routes.md", &changed("routes.md", "40bh", "20bh"));
    let later = rulebook.publish_file(other, now()).expect("it checks");
    assert_eq!(confirm(&later, &intent, &seen, now()), overtaken);
    // Another one is asked for than was shown.
    let elsewhere = asks("routes.md", &changed("routes.md", "16bh", "4bh"));
    assert_eq!(confirm(&rulebook, &elsewhere, &seen, now()), overtaken);
    // A file that it needs has changed: the set does not check with it any more.
    let renamed = changed(
        "routes.md",
        "| council           | 1    | pool council ",
        "| council           | 1    | pool elders ",
    );
    let seen = SharedChange { version: version_of(&renamed), ..seen };
    let refused = confirm(&rulebook, &asks("routes.md", &renamed), &seen, now());
    assert!(matches!(refused, Err(Refusal::Change(_))), "{refused:?}");
}

#[test]
fn only_the_text_that_was_approved_takes_the_place_of_the_file_that_was_named() {
    let rulebook = starter_rulebook();
    let context = Context::new(&rulebook, now(), 7);
    let document = changed("routes.md", "16bh", "8bh");
    let texts = [("file", "routes.md"), ("document", document.as_str()), ("reason", "the memo")];
    let raw = Raw::Map(texts.map(|(name, text)| (name.to_owned(), Raw::Text(text.to_owned()))).into());
    let asked = life::submit(context, IntentId::from_bits(1), "revops-1", SHARED_CHANGE, &raw);
    let found = Prepared { shared: Some(Arc::new(shown("routes.md", &document))), ..Prepared::default() };
    let prepare = Command::Prepare { revision: 1, prepared: Box::new(found) };
    let asked = asked.expect("it passes the door").then(prepare).expect("it is prepared");
    let (mut entries, approval) = asked.into_parts();
    let voice = Voice::Approve { note: String::new() };
    let vote = Command::Decide { person: person("revops-lead"), revision: 1, seal: None, voice };
    entries.extend(life::decide(&approval, vote, context).expect("it is approved").into_parts().0);

    let folded = |entries: &[Entry]| {
        entries
            .iter()
            .try_fold(None, |approval, entry| life::after(approval, entry).map(Some))
            .map(Option::unwrap)
    };
    let done = folded(&entries).expect("it is a life");
    let published =
        entries.iter().find_map(|entry| PublishedFile::of(&done, entry)).expect("it is published");
    assert_eq!((published.file, published.version), (SharedFile::Routes, version_of(&document)));
    assert_eq!(
        (published.by, published.base.map(|file| file.path)),
        (vec![person("revops-lead")], Some("routes.md".to_owned()))
    );

    // Somebody writes another text, or another file, into the log.
    let forged = |forge: &dyn Fn(&mut SharedFile, &mut Digest)| {
        let mut entries = entries.clone();
        for entry in &mut entries {
            if let Event::FilePublished { file, version, .. } = &mut entry.event {
                forge(file, version);
            }
        }
        folded(&entries)
    };
    assert!(forged(&|_, version| *version = Digest::of(b"another")).is_err());
    assert!(forged(&|file, _| *file = SharedFile::People).is_err());
}

#[test]
fn a_shared_file_has_one_name() {
    for (text, known) in [
        ("people.md", true),
        ("routes.md", true),
        ("refund.intent.md", true),
        ("intents/refund.intent.md", false),
        ("Refund.intent.md", false),
        (".intent.md", false),
        ("refund.policy.md", false),
        ("", false),
    ] {
        assert_eq!(
            SharedFile::parse(text).map(|file| file.to_string()).as_deref(),
            known.then_some(text),
            "{text}"
        );
    }
}
