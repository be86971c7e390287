//! The starter rulebook loads, and slips in it are named.

use super::*;
use crate::intent::Raw;

pub(crate) fn starter() -> Vec<SourceFile> {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    macro_rules! starter {
        ($($path:literal),* $(,)?) => {
            vec![$(file($path, include_str!(concat!("../../../cli/starter/", $path)))),*]
        };
    }
    starter![
        "intents/contract_redline.intent.md",
        "intents/discount.intent.md",
        "intents/refund.intent.md",
        "policies/contract_redline.policy.md",
        "policies/discount.policy.md",
        "policies/refund.policy.md",
        "people.md",
        "routes.md",
    ]
}

pub(crate) fn starter_rulebook() -> Rulebook {
    match Rulebook::load(&starter()) {
        Ok(rulebook) => rulebook,
        Err(faults) => panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// A discount of 12 % as somebody asks for it.
pub(crate) fn discount_tokens() -> Raw {
    let text = |text: &str| Raw::Text(text.to_owned());
    let amount = vec![("amount".to_owned(), text("12000.00")), ("currency".to_owned(), text("USD"))];
    let tokens = [
        ("quote_id", text("q-1")),
        ("customer_id", text("a-1")),
        ("discount_percent", text("12%")),
        ("amount", Raw::Map(amount)),
        ("term_months", Raw::Integer(12)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text("volume")),
    ];
    Raw::Map(tokens.map(|(name, value)| (name.to_owned(), value)).into())
}

#[test]
fn the_starter_loads_and_all_its_examples_pass() {
    let rulebook = starter_rulebook();
    let examples: usize = rulebook.policies().map(|policy| policy.examples.len()).sum();
    assert_eq!(examples, 18);
}

/// The faults after `from` was replaced by `to` in the file that ends with `path`.
fn faults_after(path: &str, from: &str, to: &str) -> Vec<String> {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path.ends_with(path)).expect("the file is there");
    assert!(file.text.contains(from), "{path} lacks {from}");
    file.text = file.text.replacen(from, to, 1);
    match Rulebook::load(&files) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

fn named(slips: &[(&str, &str, &str, &str)]) {
    for (path, from, to, expected) in slips {
        let found = faults_after(path, from, to);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{from} -> {to}: {found:#?}");
    }
}

/// File, what is replaced, by what, and what is said then.
const POLICY_SLIPS: &[(&str, &str, &str, &str)] = &[
    (
        "discount.policy.md",
        "| smb     | <= 15%           | < 50_000 ",
        "| smb, mdi | <= 15% | < 50_000 ",
        "policies/discount.policy.md:35:15: rule `smb-small`: `mdi` is not one of smb, mid, ent, pub",
    ),
    (
        "discount.policy.md",
        "<= 35%",
        "<= 35",
        "discount.policy.md:40:25: rule `ent`: `35`: unit mismatch for percent 0% .. 60%",
    ),
    (
        "discount.policy.md",
        "<= 5% ",
        "<= 5.005%",
        "discount.policy.md:34:25: rule `smb-auto`: `5.005%` is finer than the step 0.01%",
    ),
    ("discount.policy.md", "< 50_000", "< 50,000", "digits are grouped by `_`, such as `50_000`"),
    ("discount.policy.md", "< 50_000", "5-15", "a range is written with ` .. `"),
    ("discount.policy.md", "<= 15% ", "0.15", "unit mismatch"),
    ("discount.policy.md", "< 50_000", "< 50_000 EUR", "unit mismatch for money USD"),
    (
        "discount.policy.md",
        "given_away > 50_000",
        "given_away > 500_000",
        "example `big giveaway` fails: expected finance + vp by ent, big-give, got vp by ent",
    ),
    (
        "discount.policy.md",
        "given_away > 50_000",
        "given_away > 50_000 EUR",
        "unit mismatch: money USD against money EUR",
    ),
    ("discount.policy.md", "margin < 15%", "margin < 15", "a percent is written with `%`"),
    ("discount.policy.md", "margin < 15%", "margni < 15%", "`margni` is no input and no term"),
    ("discount.policy.md", "segment != ent", "segment != entt", "`entt` is not one of smb, mid, ent, pub"),
    (
        "discount.policy.md",
        "margin < 15% and not renewal",
        "margin and not renewal",
        "expected yes or no, found percent",
    ),
    (
        "discount.policy.md",
        "round(amount * discount_percent, 0.01)",
        "amount * discount_percent",
        "leaves its grid: put it inside `round",
    ),
    (
        "discount.policy.md",
        "round(amount * discount_percent, 0.01)",
        "amount / discount_percent",
        "the expression goes on",
    ),
    (
        "discount.policy.md",
        "| vp           | above",
        "| vpp          | above",
        "rule `ent`: unknown route `vpp`",
    ),
    ("discount.policy.md", "then         |", "thn          |", "the columns are"),
    (
        "discount.policy.md",
        "| finance      | new business",
        "| approve      | new business",
        "a guard only tightens",
    ),
    ("discount.policy.md", "| mid-auto  |", "| smb-auto  |", "id `smb-auto` stands here twice"),
    (
        "discount.policy.md",
        "| rest      |         |",
        "| rest      |         | |",
        "the row has 7 cells, its header has 6",
    ),
    (
        "discount.policy.md",
        "| pub-cap   | pub     | > 25%            |           | deny         | statutory ceiling           |\n",
        "<!-- | pub-cap | pub | > 25% | | deny | x | -->\n",
        "rendered as a row",
    ),
    ("discount.policy.md", "## Guards", "| id | a |\n|---|---|\n\n## Guards", "a second table under `Rules`"),
    (
        "discount.policy.md",
        "pool finance         | 2 ",
        "pool finance         | 5 ",
        "needs 5 of `pool finance`, which has 4",
    ),
    ("discount.policy.md", "pool finance ", "pool finances", "`finances` is no pool of `people.md`"),
    (
        "discount.policy.md",
        "| pool fpna       | decline",
        "|                 | decline",
        "a route has a backup",
    ),
    ("discount.policy.md", "| hold    | manager ", "| hold    | vp      ", "covers itself in a circle"),
    (
        "discount.policy.md",
        "| decline |                   |\n| finance",
        "| approve with audit | |\n| finance",
        "that nobody came approves nothing",
    ),
    (
        "discount.policy.md",
        "| unsure    | closed     |",
        "| unsure    | closed     |\n| fail open | only if margin > 5%, at most 20 a day |",
        "the intent type `discount` has fail mode `closed`",
    ),
    ("discount.policy.md", "| manager  | 1 ", "| council  | 1 ", "route `council` stands in `routes.md` too"),
    (
        "discount.policy.md",
        "months 1 .. 84",
        "months 1 .. 96",
        "discount.policy.md:20:22: input `term_months`: months 1 .. 96 is not within months 1 .. 84",
    ),
    (
        "discount.policy.md",
        "| payment_days     | days 0 .. 180",
        "| paymentdays      | days 0 .. 180",
        "input `paymentdays` is no token and no fact",
    ),
    ("discount.policy.md", "more discount_percent never", "more segment never", "which has no more and less"),
    (
        "discount.policy.md",
        "| segment          | one of smb, mid, ent, pub  |",
        "| segment | text |",
        "takes no rule column",
    ),
    (
        "discount.policy.md",
        "5.01%            |         |",
        "?                |         |",
        "got unsure (`discount_percent` has no value)",
    ),
    (
        "discount.policy.md",
        "| intent    | discount ",
        "| intent    | discounts",
        "there is no intent type `discounts`",
    ),
    (
        "refund.policy.md",
        "chargeback_open     ",
        "chargeback_open = 1 ",
        "unit mismatch: yes/no against a number without unit",
    ),
    ("refund.policy.md", "amount > 50 ", "amount > 50.001 ", "finer than its unit"),
];

#[test]
fn a_slip_in_a_policy_is_named_with_its_place() {
    named(POLICY_SLIPS);
}

/// File, what is replaced, by what, and what is said then.
const OTHER_SLIPS: &[(&str, &str, &str, &str)] = &[
    (
        "discount.intent.md",
        "connection crm segment of customer_id         | 24h   |",
        "connection crm segment of customer_id |  |",
        "in `fresh`",
    ),
    (
        "discount.intent.md",
        "connection crm segment of",
        "connection billing segment of",
        "`customer_id` is a record of `crm`, not of `billing`",
    ),
    (
        "discount.intent.md",
        "| fail mode       | closed ",
        "| fail mode | may open ",
        "only an intent type of impact `low` may open",
    ),
    (
        "discount.intent.md",
        "| enforcement     | soft ",
        "| enforcement     | hard ",
        "enforcement is `hard`, so there are no overrides",
    ),
    (
        "discount.intent.md",
        "destinations    | crm, billing",
        "destinations    | crm, ledger ",
        "the bindings write to billing, crm",
    ),
    ("discount.intent.md", "price-drift,", "prize-drift,", "`prize-drift` is no row of the exception table"),
    ("discount.intent.md", "deal-desk-lead ", "deal-desk-boss ", "`deal-desk-boss` is no person"),
    (
        "discount.intent.md",
        "round(amount * (100% - discount_percent), 0.01)",
        "round(amount * (100 - discount_percent), 0.01)",
        "a percent is written with `%`",
    ),
    (
        "discount.intent.md",
        "| seal                                            |",
        "| seel |",
        "`seel` is no input",
    ),
    (
        "discount.intent.md",
        "by-key, by-natural-key  ",
        "by-luck                 ",
        "`by-luck` is none of by-key",
    ),
    (
        "discount.intent.md",
        "| quote-price                | undo ",
        "| quota-price | undo ",
        "`quota-price` is no binding that stands above",
    ),
    ("discount.intent.md", "| role cro ", "| role ceo ", "`ceo` is no role"),
    ("discount.intent.md", "| meaning  ", "| sense    ", "the columns are"),
    (
        "routes.md",
        "| rest          |  ",
        "| rest          | drift ",
        "the last row of the exception table takes everything",
    ),
    ("routes.md", "no-seat, overdue", "no-seat, overdoe", "`overdoe` is not one of unsure"),
    ("routes.md", "landed, absent", "landed, abzent", "`abzent` is none of evaluated"),
    (
        "people.md",
        "| revenue-operations | revops-lead, revops-1 ",
        "| revenue-operations | revops-lead ",
        "fewer than two members",
    ),
    (
        "people.md",
        "| cro                    |                  |",
        "| cro                    | ae-1             |",
        "form a circle",
    ),
    ("people.md", "America/New_York", "America/New_Work", "is no time zone"),
    (
        "policies/discount.policy.md",
        "| 2    | 16bh   | pool fpna ",
        "| weight 9 | 16bh   | pool fpna ",
        "needs weight 9 of `pool finance`, which weighs 4",
    ),
    (
        "people.md",
        "| operator      |",
        "| operater      |",
        "`operater` is no duty; one of auditor, operator",
    ),
    (
        "people.md",
        "| integrations       |\n| administrator",
        "| integration |\n| administrator",
        "`integration` is no pool",
    ),
    ("people.md", "| operator      |", "| auditor |", "the duty `auditor` stands here twice"),
    (
        "people.md",
        "| administrator | revenue-operations |",
        "| administrator | audit |",
        "`audit-lead` would audit what they do as administrator",
    ),
    ("people.md", "| billing    | billing ", "| billing    | biling  ", "`biling` is no pool"),
    (
        "people.md",
        "| ledger     | billing ",
        "| billing    | billing ",
        "the connection `billing` stands here twice",
    ),
    ("people.md", "| billing    | billing ", "| Billing    | billing ", "`Billing` is not a connection"),
    (
        "people.md",
        "| billing    | billing ",
        "| billing    | audit   ",
        "`audit-lead` would audit what they do as integration owner",
    ),
    ("discount.intent.md", "| rounds  ", "| seen by | all |\n| rounds  ", "or `everybody`, or `those in it`"),
    (
        "discount.intent.md",
        "| rounds  ",
        "| seen by | manager of requester |\n| rounds  ",
        "write a list of `pool NAME`",
    ),
    (
        "discount.intent.md",
        "| rounds  ",
        "| seen by | pool deal-desks |\n| rounds  ",
        "who sees it: `deal-desks` is no",
    ),
    (
        "discount.intent.md",
        "## Bindings",
        "## Visibility\n\n| field | seen by |\n|---|---|\n| margins | pool billing |\n\n## Bindings",
        "`margins` is no token and no fact",
    ),
    (
        "discount.intent.md",
        "## Bindings",
        "## Visibility\n\n| field | seen by |\n|---|---|\n| margin | everybody |\n\n## Bindings",
        "or `those who decide`",
    ),
    (
        "discount.intent.md",
        "## Bindings",
        "## Visibility\n\n| field | seen by |\n|---|---|\n| margin | role ceo |\n\n## Bindings",
        "who sees `margin`: `ceo` is no role",
    ),
    (
        "discount.intent.md",
        "## Bindings",
        "## Visibility\n\n| field | seen by |\n|---|---|\n| margin | pool billing |\n| margin | pool fpna |\n\n## Bindings",
        "who sees `margin` stands here twice",
    ),
    (
        "contract_redline.intent.md",
        "## Bindings",
        "## Visibility\n\n| field | seen by |\n|---|---|\n| clause.author | pool legal |\n\n## Bindings",
        "is shown with its list; write `clause`",
    ),
    (
        "people.md",
        "| director-1 | 2026-12-21",
        "| director-9 | 2026-12-21",
        "`director-9` is no person of this file",
    ),
];

#[test]
fn a_slip_in_the_other_files_is_named_too() {
    named(OTHER_SLIPS);
}

#[test]
fn faults_of_several_files_come_at_once_and_sorted() {
    let mut files = starter();
    files.retain(|file| file.path != "people.md");
    for file in &mut files {
        file.text = file.text.replace("| intent    | refund     |", "| intent    | re fund    |");
    }
    let faults = Rulebook::load(&files).expect_err("two files are wrong");
    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "people.md: the file is missing",
            "policies/refund.policy.md:5:15: `re fund` is not an intent type (a-z, 0-9, `_`, `-`)"
        ]
    );
}

#[test]
fn a_version_is_the_content_and_not_the_spelling() {
    let name = IntentTypeName::parse("discount").expect("it is a name");
    let now = Timestamp::from_rfc3339("2026-11-23T00:00:00Z").expect("it is a moment");
    let version_after = |path: &str, from: &str, to: &str| {
        let mut files = starter();
        let file = files.iter_mut().find(|file| file.path.ends_with(path)).expect("the file is there");
        assert!(file.text.contains(from), "{from}");
        file.text = file.text.replacen(from, to, 1);
        let rulebook = Rulebook::load(&files).expect("it is a good set");
        let policy = rulebook.policy(&name, now).expect("it is in force");
        assert!(rulebook.policy_version(&name, &policy.version()).is_some());
        policy.version()
    };
    let own = version_after("discount.policy.md", "# Discount", "# Discount");
    assert_eq!(own, version_after("discount.policy.md", "Floors come", "The floors come"));
    assert_eq!(own, version_after("discount.policy.md", "| smb     | <= 5% ", "| smb | <= 5.00% "));
    assert_eq!(own, version_after("refund.policy.md", "our mistake, small", "our mistake"));
    assert_ne!(own, version_after("discount.policy.md", "within manager authority", "manager"));
    assert_ne!(own, version_after("discount.policy.md", "> 60 or", "> 61 or"));
    assert_ne!(own, version_after("discount.intent.md", "| rounds          | 3 ", "| rounds          | 4 "));
    let rulebook = starter_rulebook();
    let before = Timestamp::from_rfc3339("2025-12-31T23:59:59Z").expect("it is a moment");
    assert_eq!(rulebook.policy(&name, before), None);
}

#[test]
fn an_exception_has_an_owner_whatever_happens() {
    use crate::id::{ConnectionName, PersonId};
    use crate::money::{Currency, Money};
    use crate::people::Asking;
    let rulebook = starter_rulebook();
    let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("it is a moment");
    let check = |of: &str,
                 cause: &str,
                 amount: &str,
                 connection: &str,
                 requester: &str,
                 missed: u32,
                 expected: &str| {
        let intent_type = IntentTypeName::parse(of).expect("it is a name");
        let requester = PersonId::parse(requester).expect("it is a name");
        let tokens = crate::intent::Tokens::new();
        let asking =
            Asking { requester: &requester, answers: &[], intent_type: &intent_type, tokens: &tokens };
        let amount = amount.split_once(' ').map(|(amount, code)| {
            let currency = Currency::parse(code).expect("it is a code");
            Money::parse(amount, currency).expect("it is an amount")
        });
        let connection = ConnectionName::parse(connection).ok();
        let happened = Happening { cause, amount, connection: connection.as_ref() };
        let found = rulebook.owner_of(asking, happened, (missed, &[]), now).expect("there is always one");
        assert_eq!(format!("{} {} {}", found.route, found.owner, found.due), expected, "{of} {cause}");
    };
    check(
        "discount",
        "unsure",
        "249999.99 USD",
        "",
        "ae-1",
        0,
        "unsure pricing-lead 2026-11-23T19:00:00.000Z",
    );
    check(
        "discount",
        "unsure",
        "250000 USD",
        "",
        "ae-1",
        0,
        "unsure-large pricing-lead 2026-11-23T17:00:00.000Z",
    );
    check("discount", "unsure", "1 EUR", "", "ae-1", 0, "unsure-large pricing-lead 2026-11-23T17:00:00.000Z");
    check("discount", "unsure", "", "", "pricing-lead", 0, "unsure pricing-1 2026-11-23T19:00:00.000Z");
    check("discount", "unsure", "", "", "ae-1", 1, "unsure revops-lead 2026-11-23T19:00:00.000Z");
    check("discount", "unsure", "", "", "ae-1", 2, "unsure cro-chief-of-staff 2026-11-23T19:00:00.000Z");
    check("discount", "unsure", "", "", "ae-1", 3, "unsure deal-desk-lead 2026-11-23T19:00:00.000Z");
    check(
        "refund",
        "uncertain",
        "",
        "billing",
        "ae-1",
        0,
        "money-unknown billing-1 2026-11-23T17:00:00.000Z",
    );
    check("discount", "uncertain", "", "crm", "ae-1", 0, "unknown integration-lead 2026-11-23T19:00:00.000Z");
    check("discount", "drift", "", "crm", "ae-1", 0, "price-drift deal-desk-lead 2026-11-24T15:00:00.000Z");
    check("refund", "unheard-of", "", "moon", "ae-1", 0, "rest revops-lead 2026-11-24T15:00:00.000Z");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_of_a_file_makes_the_reader_panic(
        which in 0_usize..8,
        place in 0.0_f64..1.0,
        cut in 0_usize..40,
        insert in proptest::sample::select(vec![
            "", "|", "\n", "|\n", "\\", "é", "\u{200b}", " .. ", "999999999999999999999", "-", "%", "\"",
            "(", "round(", "not ", ", ", "clause.", "\n\n## Rules: every\n\n", "<!--", "# ", "-9223372036854775808",
        ]),
    ) {
        let mut files = starter();
        let file = &mut files[which];
        let mut at = (file.text.len() as f64 * place) as usize;
        while !file.text.is_char_boundary(at) {
            at -= 1;
        }
        let mut end = (at + cut).min(file.text.len());
        while !file.text.is_char_boundary(end) {
            end -= 1;
        }
        file.text.replace_range(at..end, insert);
        if let Err(faults) = Rulebook::load(&files) {
            proptest::prop_assert!(!faults.is_empty());
            proptest::prop_assert!(faults.iter().all(|fault| !fault.file.is_empty() && !fault.message.is_empty()));
        }
    }
}
