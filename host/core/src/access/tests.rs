//! Which rights a house has, who reviews which, and what is kept of a review.

use super::*;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{starter, starter_rulebook};

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

fn all() -> Vec<Right> {
    let token = Token {
        name: "ci".to_owned(),
        person: person("revops-1"),
        sha256: Digest::of(b"a token"),
        scopes: vec!["read".to_owned(), "ask".to_owned()],
    };
    rights(&starter_rulebook(), &[token], NOW)
}

fn right(what: &str, whose: &str) -> Right {
    let mut found = all().into_iter().filter(|right| right.what == what && right.person == person(whose));
    found.next().unwrap_or_else(|| panic!("{whose} lacks `{what}`"))
}

fn asked(right: &Right, said: Said, reason: &str) -> Asked {
    Asked { id: right.id(), said, reason: reason.to_owned() }
}

fn says(by: &str, asked: &[Asked]) -> Result<Event, NotReviewed> {
    says_after(&Reviews::default(), by, asked)
}

fn says_after(reviews: &Reviews, by: &str, asked: &[Asked]) -> Result<Event, NotReviewed> {
    decide((starter_rulebook().directory(), &all()), reviews, &person(by), asked)
}

#[test]
fn every_right_is_there_with_what_follows_from_it() {
    let of = |what: &str, whose: &str| right(what, whose).leads_to;
    let has = |what: &str, whose: &str, expected: &str| {
        let found = of(what, whose);
        assert!(found.iter().any(|one| one == expected), "{what} of {whose}: {found:?}");
    };
    has("pool pricing", "pricing-1", "owns the policy of discount");
    has("pool integrations", "integration-1", "is operator of the house");
    has("pool audit", "auditor-1", "is auditor of the house");
    has("pool billing", "billing-2", "operates connection ledger");
    has("pool revenue-operations", "revops-1", "owns the list of people");
    has("lead of pool finance", "finance-lead", "answers for what nobody of it has claimed");
    has("manager", "sales-manager-1", "decides route manager of discount, where ae-1 asks");
    has("token ci", "revops-1", "scope ask");
    // `owner of policy` are those who own what it is about.
    has("pool pricing", "pricing-1", "answers for exceptions unsure of discount");
    let about = "decides route policy-change of policy_change, about the policy of discount";
    has("pool pricing", "pricing-1", about);
    let others = of("pool revenue-operations", "revops-1");
    assert!(!others.iter().any(|one| one == about), "{others:?}");
    let stands_by = all().into_iter().find(|right| right.what.starts_with("standby for role")).expect("one");
    assert!(1 < stands_by.leads_to.len(), "{stands_by:?}");
    assert!(all().iter().any(|right| right.what == "role cro" && !right.leads_to.is_empty()));
    assert!(all().iter().any(|right| right.what.starts_with("standby for ")));
    assert!(all().iter().any(|right| right.what == "named in the rules"));
    // Every member of every pool, and nothing twice.
    let rulebook = starter_rulebook();
    for (name, pool) in &rulebook.directory().pools {
        for member in &pool.members {
            let what = format!("pool {name}");
            let count = all().iter().filter(|one| one.what == what && one.person == *member).count();
            assert_eq!(count, 1, "{what} of {member}");
        }
    }
    let ids: BTreeSet<String> = all().iter().map(Right::id).collect();
    assert_eq!(ids.len(), all().len());
}

#[test]
fn nobody_reviews_what_is_theirs() {
    let rulebook = starter_rulebook();
    for right in all() {
        let reviewers = reviewers(rulebook.directory(), &right);
        assert!(!reviewers.is_empty(), "{right:?}");
        assert!(!reviewers.contains(&right.person), "{right:?}");
    }
    // An auditor reviews nothing, not even who is in the pool of auditors that they lead.
    let of = |what: &str, whose: &str| reviewers(rulebook.directory(), &right(what, whose));
    assert_eq!(of("pool audit", "auditor-1"), [person("revops-1"), person("revops-lead")]);
    // Nor anybody what a machine has for which they answer.
    let answers = Some(person("revops-1"));
    let machine = Right { person: person("bot"), answers, ..right("pool audit", "auditor-1") };
    assert_eq!(super::reviewers(rulebook.directory(), &machine), [person("revops-lead")]);
    let names = |names: &[&str]| names.iter().map(|name| person(name)).collect::<Vec<_>>();
    assert_eq!(of("pool finance", "finance-1"), names(&["finance-lead", "revops-1", "revops-lead"]));
    // Its lead says nothing of being its lead, and nothing of other pools.
    assert_eq!(of("lead of pool finance", "finance-lead"), names(&["revops-1", "revops-lead"]));
    assert_eq!(of("pool revenue-operations", "revops-1"), names(&["revops-lead"]));
}

#[test]
fn a_review_is_of_what_was_read_by_whoever_may() {
    let (one, other) = (right("pool finance", "finance-1"), right("pool finance", "finance-2"));
    let event =
        says("finance-lead", &[asked(&one, Said::Keep, ""), asked(&other, Said::Remove, " left the team ")]);
    let Event::Reviewed { verdicts, rights, open } = event.expect("it is kept");
    let count = all().len() as u64;
    assert_eq!((rights, open), (count, count - 1), "what is to go is open still");
    let said: Vec<_> =
        verdicts.iter().map(|verdict| (&verdict.right, verdict.said, &*verdict.reason)).collect();
    assert_eq!(said, [(&one, Said::Keep, ""), (&other, Said::Remove, "left the team")]);

    let own = right("pool finance", "finance-lead");
    // Nobody hears of what is not for them.
    for by in ["finance-2", "pricing-lead"] {
        assert_eq!(says(by, &[asked(&one, Said::Keep, "")]).expect_err(by).code(), "CS-E0256");
    }
    for (by, right) in [("finance-lead", &own), ("finance-1", &one), ("auditor-1", &one)] {
        let refused = says(by, &[asked(right, Said::Keep, "")]).expect_err(by);
        assert_eq!(refused.code(), "CS-E0257", "{by}");
        assert!(refused.help().contains("revops-1"), "{}", refused.help());
    }
    let long = "x".repeat(REASON_BYTES_MAX + 1);
    for (asked, code) in [
        (vec![], "CS-E0258"),
        (vec![asked(&one, Said::Keep, ""); 2], "CS-E0258"),
        (vec![asked(&one, Said::Remove, "  ")], "CS-E0258"),
        (vec![asked(&one, Said::Keep, &long)], "CS-E0258"),
        (vec![Asked { id: "0".repeat(16), said: Said::Keep, reason: String::new() }], "CS-E0256"),
        (vec![asked(&one, Said::Keep, ""); VERDICTS_MAX + 1], "CS-E0258"),
    ] {
        assert_eq!(says("revops-1", &asked).expect_err("it is refused").code(), code, "{asked:?}");
    }
}

#[test]
fn what_was_said_last_counts_for_as_long_as_the_same_follows_from_it() {
    let (one, other) = (right("pool finance", "finance-1"), right("pool finance", "finance-2"));
    let mut reviews = Reviews::default();
    assert_eq!(reviews.standing(&one), Standing::Never);
    let mut review = |at: i64, asked: &[Asked]| {
        let event = says("revops-1", asked).expect("it is kept");
        let entry = Entry { at: Timestamp(at), by: person("revops-1"), event };
        let bytes = entry.to_bytes().expect("its bytes");
        assert_eq!(serde_json::from_slice::<Entry>(&bytes).expect("an entry"), entry);
        reviews.take(entry);
        reviews.clone()
    };
    let after = review(1, &[asked(&one, Said::Keep, ""), asked(&other, Said::Remove, "left")]);
    assert_eq!(after.standing(&one).as_str(), "kept");
    assert_eq!(after.standing(&other).as_str(), "to-remove");
    assert_eq!(after.standing(&other).last().expect("it was said").reason, "left");
    assert!(
        after.standing(&one).is_open(Some(Timestamp(2))) && !after.standing(&one).is_open(Some(Timestamp(1)))
    );
    assert!(after.standing(&other).is_open(None), "it is still there");
    // More follows from it than somebody has read.
    let mut wider = one.clone();
    wider.leads_to.push("decides route cfo of refund".to_owned());
    assert_eq!(after.standing(&wider).as_str(), "changed");
    assert!(after.standing(&wider).is_open(None));
    // What is to go stays only if whoever said so, or somebody who owns the list of people, says why.
    let refused = says_after(&after, "finance-lead", &[asked(&other, Said::Keep, "I need them")]);
    assert_eq!(refused.expect_err("the lead of the pool").code(), "CS-E0257");
    let refused = says_after(&after, "revops-lead", &[asked(&other, Said::Keep, "")]);
    assert_eq!(refused.expect_err("no reason").code(), "CS-E0258");
    says_after(&after, "revops-lead", &[asked(&other, Said::Keep, "came back")]).expect("it stays");
    let after = review(3, &[asked(&other, Said::Keep, "came back")]);
    assert_eq!(after.standing(&other).as_str(), "kept");
}

#[test]
fn a_council_that_a_budget_calls_in_decides() {
    let mut files = starter();
    let discount =
        files.iter_mut().find(|file| file.path.ends_with("discount.intent.md")).expect("it is there");
    let row = "| exception budget | 2 in 7d, warn at 50%, then council council |\n| fail mode";
    discount.text = discount.text.replacen("| fail mode", row, 1);
    let rulebook = Rulebook::load(&files).expect("the rules check");
    let all = rights(&rulebook, &[], NOW);
    let of = |whose: &str| all.iter().filter(|right| right.person == person(whose)).collect::<Vec<_>>();
    let decides = "decides route council of discount once its budget is spent".to_owned();
    assert!(
        of("pricing-lead").iter().any(|right| right.leads_to.contains(&decides)),
        "{:?}",
        of("pricing-lead")
    );
    let backup = format!("{decides}, as a backup");
    assert!(of("cro").iter().any(|right| right.leads_to.contains(&backup)), "{:?}", of("cro"));
}

#[test]
fn whatever_the_files_let_somebody_do_is_listed() {
    let all = all();
    let mut seen = BTreeSet::new();
    for (person, by, of) in crate::shared_change::gain::rights(&starter_rulebook()) {
        let own = || all.iter().filter(|right| right.person == person);
        let has = |what: String| own().any(|right| right.what == what);
        let leads_to = |what: String| own().any(|right| right.leads_to.contains(&what));
        let hints = |part: String| own().any(|right| right.leads_to.iter().any(|one| one.contains(&part)));
        let listed = match by {
            "pool" => has(format!("pool {of}")),
            "lead" => has(format!("lead of pool {of}")),
            "role" => has(format!("role {of}")),
            "standby" => has(format!("standby for {of}")),
            "machine" => has(format!("answers for machine {of}")),
            "manager" => has("manager".to_owned()) && hints(format!("where {of} asks")),
            "weight" => hints("has a voice that weighs".to_owned()),
            "duty" => leads_to(format!("is {of} of the house")),
            "connection" => leads_to(format!("operates connection {of}")),
            "owner" if of == "people.md" => leads_to("owns the list of people".to_owned()),
            "owner" if of == "routes.md" => leads_to("owns the shared routes".to_owned()),
            "owner" => leads_to(format!("owns {of}")),
            "incident owner" => leads_to(format!("answers for broken connections of {of}")),
            "fallback owner" => leads_to(format!("answers for what everybody missed of {of}")),
            "exception" => hints(format!("answers for exceptions {of} of ")),
            // The starter has no type whose spent budget calls the council in.
            "route" => hints(format!("route {of} of ")) || of == "council",
            "named" => {
                let of = of.split(' ').next().expect("the type");
                let alone =
                    ["asks for", "breaks the glass of", "sees every"].map(|does| format!("{does} {of}"));
                let against = format!("decides {of} against the policy");
                let field = |right: &str| right.starts_with("sees ") && right.ends_with(&format!(" of {of}"));
                own()
                    .flat_map(|right| &right.leads_to)
                    .any(|right| alone.contains(right) || right.starts_with(&against) || field(right))
            }
            // For some days, and not in the list: `auditing.md` says so.
            "cover" | "rotation" => true,
            other => panic!("say what lists a right by {other}"),
        };
        assert!(listed, "{person} by {by} of {of}: {:?}", own().collect::<Vec<_>>());
        seen.insert(by);
    }
    for by in
        ["pool", "lead", "role", "standby", "manager", "duty", "connection", "exception", "route", "named"]
    {
        assert!(seen.contains(by), "the starter has no {by}: {seen:?}");
    }
}
