//! Everything that somebody does in the console, by mouse, by keyboard alone and without scripts.

use crate::house::{House, PASSWORD};
use crate::visitor::Hand;
use crate::world::SMALL;
use anyhow::{Result, ensure};
use countersign_tests::web_driver::{Key, Scripts};

/// Has every flow tried by every hand, each as a test of its own.
macro_rules! by_every_hand {
    ($way:ident with $hand:ident: $($flow:ident)+) => {
        mod $way {
            $(
                #[tokio::test]
                async fn $flow() -> anyhow::Result<()> {
                    super::$flow(super::Hand::$hand).await
                }
            )+
        }
    };
    ($($flow:ident),+ $(,)?) => {
        by_every_hand!(by_mouse with Mouse: $($flow)+);
        by_every_hand!(by_keyboard with Keyboard: $($flow)+);
        by_every_hand!(without_scripts with WithoutScripts: $($flow)+);
    };
}

by_every_hand!(
    somebody_signs_in_and_out,
    somebody_signs_in_with_the_account_of_their_company,
    an_intent_is_approved_from_the_inbox,
    an_intent_is_declined_with_a_reason,
    an_intent_is_sent_back_and_withdrawn,
    a_question_is_asked_and_answered,
    a_seat_is_claimed_and_given_back_and_others_are_reminded,
    the_list_is_narrowed_and_turned_over,
    a_terminal_gets_its_token_and_other_sessions_are_ended,
    a_link_of_a_message_leads_to_a_decision,
    a_question_is_asked_and_answered_behind_links,
    an_exception_is_closed,
    a_connection_is_paused_and_goes_on,
    a_build_is_tried_and_taken_back,
    an_auditor_finds_an_entry_and_checks_a_checkpoint,
    somebody_is_away_and_comes_back,
    a_fresh_house_says_what_comes_first,
);

#[tokio::test]
async fn a_browser_without_scripts_runs_none() -> Result<()> {
    let house = House::open().await?;
    let page = "data:text/html,<p id='ran'>no</p><noscript><p>without</p></noscript>\
                <script>document.getElementById('ran').textContent = 'yes'</script>";
    for (scripts, ran, without) in [(Scripts::On, "yes", 0), (Scripts::Off, "no", 1)] {
        let browser = house.browser(scripts).await?;
        browser.go(page).await?;
        assert_eq!(browser.text(&browser.one("//p[@id='ran']").await?).await?, ran, "{scripts:?}");
        assert_eq!(browser.all("//p[text()='without']").await?.len(), without, "{scripts:?}");
    }
    Ok(())
}

async fn somebody_signs_in_and_out(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    visitor.goes("/you").await?;
    assert_eq!(visitor.path().await?, "/sign-in?next=%2Fyou");
    visitor.writes("Person", "finance-1").await?;
    visitor.writes("Password", "not this one at all").await?;
    visitor.presses("Sign in").await?;
    visitor.is_told("Person and password do not match.").await?;
    // Nobody writes their name a second time.
    assert_eq!(visitor.reads("Person").await?, "finance-1");
    visitor.writes("Password", PASSWORD).await?;
    visitor.presses("Sign in").await?;
    visitor.is_told("by password").await?;
    assert_eq!(visitor.path().await?, "/you");
    visitor.follows("Inbox").await?;
    visitor.is_told("Nothing waits for you.").await?;
    visitor.presses("Sign out").await?;
    visitor.is_told("You are signed out").await?;
    visitor.goes("/inbox").await?;
    assert_eq!(visitor.path().await?, "/sign-in?next=%2Finbox", "the session has ended on the host");
    visitor.session.back().await?;
    ensure!(!visitor.says("Nothing waits for you.").await?, "the browser has kept a page of the session");
    Ok(())
}

async fn somebody_signs_in_with_the_account_of_their_company(hand: Hand) -> Result<()> {
    let house = House::with_provider().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.goes(&intent.page).await?;
    visitor.follows("Sign in with your company account").await?;
    // What the pages of the provider look like is no matter of ours.
    for (field, text) in [("login", "sam"), ("password", "x")] {
        let field = visitor.session.one(&format!("//input[@name='{field}']")).await?;
        visitor.session.click(&field).await?;
        visitor.session.types(text).await?;
    }
    visitor.session.press(Key::Enter).await?;
    visitor.is_told("It waits for you.").await?;
    assert_eq!(visitor.path().await?, intent.page, "they come to where they wanted to go");
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept.").await?;
    visitor.opens("More").await?;
    visitor.follows("You").await?;
    visitor.is_told("as sam").await?;
    // A way back that was not begun in this browser leads nowhere.
    visitor.goes("/sign-in/back?code=abc&state=def").await?;
    visitor.is_told("This sign-in was not begun in this browser").await
}

async fn an_intent_is_approved_from_the_inbox(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.follows("discount 12% for quote q-1").await?;
    visitor.is_told("It waits for you.").await?;
    assert_eq!(visitor.path().await?, intent.page);
    visitor.follows("Go to the decision").await?;
    visitor.writes("A note, if you like", "fine by me").await?;
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept.").await?;
    assert_eq!(visitor.path().await?, format!("{}?said=approve", intent.page));
    assert_eq!(house.on_record(&intent, "fine by me").await, 1);
    house.comes_to(&intent, "done").await?;
    visitor.session.again().await?;
    visitor.is_told("What became of each write").await?;
    visitor.follows("Inbox").await?;
    visitor.is_told("Nothing waits for you.").await
}

async fn an_intent_is_declined_with_a_reason(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.goes(&intent.page).await?;
    visitor.opens("Decline").await?;
    // Without a reason the browser itself does not send it.
    visitor.presses("Decline").await?;
    assert_eq!(house.state(&intent).await, "seated");
    visitor.writes("Why", "too much by far").await?;
    visitor.presses("Decline").await?;
    visitor.is_told("Your decline is kept.").await?;
    assert_eq!(house.state(&intent).await, "declined");
    assert_eq!(house.on_record(&intent, "too much by far").await, 1);
    Ok(())
}

async fn an_intent_is_sent_back_and_withdrawn(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.follows("discount 12% for quote q-1").await?;
    visitor.is_told("It waits for you.").await?;
    visitor.opens("Send back").await?;
    visitor.writes("What must be otherwise", "ten is enough").await?;
    visitor.presses("Send back").await?;
    visitor.is_told("It is sent back.").await?;
    visitor.becomes("ae-1").await?;
    visitor.is_told("sales-manager-1 sent it back to you").await?;
    visitor.follows("discount 12% for quote q-1").await?;
    visitor.is_told("ten is enough").await?;
    visitor.opens("Withdraw").await?;
    visitor.presses("Withdraw").await?;
    visitor.is_told("It is withdrawn.").await?;
    assert_eq!(house.state(&intent).await, "withdrawn");
    Ok(())
}

async fn a_question_is_asked_and_answered(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.follows("discount 12% for quote q-1").await?;
    visitor.is_told("It waits for you.").await?;
    visitor.opens("Ask").await?;
    visitor.writes("What you want to know from the requester", "why so much").await?;
    visitor.presses("Ask").await?;
    visitor.is_told("Your question is kept.").await?;
    visitor.opens("Comment").await?;
    visitor.writes("Your comment", "as agreed on the phone").await?;
    visitor.presses("Comment").await?;
    visitor.is_told("Your comment is kept.").await?;
    visitor.becomes("ae-1").await?;
    visitor.follows("discount 12% for quote q-1").await?;
    visitor.is_told("why so much").await?;
    visitor.writes("Your answer", "a three year term").await?;
    visitor.presses("Answer").await?;
    visitor.is_told("Your answer is kept.").await?;
    for words in ["why so much", "as agreed on the phone", "a three year term"] {
        assert_eq!(house.on_record(&intent, words).await, 1, "{words}");
    }
    Ok(())
}

async fn a_seat_is_claimed_and_given_back_and_others_are_reminded(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.below_the_floor().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("finance-1").await?;
    visitor.goes(&intent.page).await?;
    visitor.opens("Claim").await?;
    visitor.presses("Claim").await?;
    visitor.is_told("You have claimed it.").await?;
    visitor.is_told("finance-1 will decide, until").await?;
    visitor.opens("Release").await?;
    visitor.presses("Release").await?;
    visitor.is_told("You have released it.").await?;
    // Whoever may can claim it again.
    visitor.opens("Claim").await?;
    visitor.becomes("ae-1").await?;
    visitor.goes(&intent.page).await?;
    visitor.opens("Remind").await?;
    visitor.presses("Remind").await?;
    visitor.is_told("They are reminded.").await
}

async fn the_list_is_narrowed_and_turned_over(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let first = house.small().await?;
    // As many as two pages hold, also when the first one is withdrawn.
    for _ in 0..51 {
        house.small().await?;
    }
    let visitor = house.visitor(hand).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.follows("Next page").await?;
    visitor.is_told("First page").await?;
    visitor.follows("First page").await?;
    visitor.is_told("Next page").await?;
    house.says("ae-1", &first, "withdrawals", 1, "{}").await?;
    visitor.follows("Intents").await?;
    visitor.is_told("Every intent that you may see").await?;
    let rows = async || anyhow::Ok(visitor.session.all("//table//tbody/tr").await?.len());
    for (list, words, narrowed, count) in [
        ("Asked by you", "No intent is like that.", "requester=me", 0),
        ("Being decided", "Next page", "state=seated", 50),
        ("Being written", "No intent is like that.", "state=executing", 0),
        ("Done", "No intent is like that.", "state=done", 0),
    ] {
        visitor.follows(list).await?;
        visitor.is_told(words).await?;
        assert_eq!((visitor.path().await?, rows().await?), (format!("/intents?{narrowed}"), count));
    }
    visitor.follows("All").await?;
    visitor.is_told("withdrawn").await?;
    visitor.becomes("ae-1").await?;
    visitor.goes("/intents?requester=me&state=withdrawn").await?;
    assert_eq!(rows().await?, 1);
    visitor.follows("discount for q-1").await?;
    visitor.is_told("withdrawn by ae-1").await?;
    assert_eq!(visitor.path().await?, first.page);
    Ok(())
}

async fn a_terminal_gets_its_token_and_other_sessions_are_ended(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    let elsewhere = house.visitor(Hand::Mouse).await?;
    elsewhere.begins("ae-1").await?;
    visitor.begins("ae-1").await?;
    visitor.opens("More").await?;
    visitor.follows("You").await?;
    visitor.is_told("by password").await?;
    visitor.presses("Make a token for your terminal").await?;
    visitor.is_told("COUNTERSIGN_TOKEN=").await?;
    let told = visitor.told().await?;
    let token = told.split("COUNTERSIGN_TOKEN=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let answer = house.world.send("", "GET", "/v1/people", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    visitor.presses("End my other sessions").await?;
    visitor.is_told("Other sessions that were ended: 1.").await?;
    elsewhere.goes("/inbox").await?;
    assert_eq!(elsewhere.path().await?, "/sign-in?next=%2Finbox");
    visitor.goes("/you").await?;
    ensure!(!visitor.says("End my other sessions").await?, "there is no other one to be ended");
    ensure!(!visitor.says("COUNTERSIGN_TOKEN").await?, "a token is shown once");
    Ok(())
}

async fn an_exception_is_closed(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let (broken, page) = house.broken("pricing-lead").await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("pricing-lead").await?;
    visitor.follows("Exceptions").await?;
    visitor.is_told("Discount 12% for quote q-1").await?;
    visitor.follows("The policy could not decide it").await?;
    assert_eq!(visitor.path().await?, page);
    visitor.chooses("Try it again").await?;
    visitor.writes("Why, for whoever meets it next", "the account is there again").await?;
    visitor.presses("Close it").await?;
    visitor.is_told("You have closed it.").await?;
    visitor.is_told("the account is there again").await?;
    house.comes_to(&broken, "seated").await?;
    visitor.goes("/exceptions").await?;
    visitor.is_told("No exception is yours.").await
}

async fn a_connection_is_paused_and_goes_on(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("integration-1").await?;
    visitor.opens("More").await?;
    visitor.follows("Reconciliation").await?;
    visitor.is_told("on the way").await?;
    visitor.follows("crm").await?;
    visitor.writes("Why it is paused", "they move house").await?;
    visitor.presses("Pause it").await?;
    visitor.is_told("You have paused it.").await?;
    visitor.is_told("they move house").await?;
    visitor.writes("Why it may go on", "they have moved").await?;
    visitor.presses("Let it go on").await?;
    visitor.is_told("Nobody keeps it paused by hand.").await
}

async fn a_build_is_tried_and_taken_back(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("integration-1").await?;
    visitor.opens("More").await?;
    visitor.follows("Connectors").await?;
    visitor.is_told("The programs that speak").await?;
    visitor.follows("scripted.crm").await?;
    visitor.is_told("Not any more, as the build in force does:").await?;
    visitor.opens("Put it in force").await?;
    visitor.chooses("A share of them").await?;
    visitor.writes("Why it is put in force", "amounts are rounded").await?;
    visitor.presses("Put it in force").await?;
    visitor.is_told("It is kept: you had 1.0.0").await?;
    visitor.is_told("plans 10 % of the intents").await?;
    visitor.is_told("amounts are rounded").await?;
    visitor.writes("Why it goes back", "not any more").await?;
    visitor.presses("Go back").await?;
    visitor.is_told("plan nothing any more").await?;
    ensure!(!visitor.says("plans 10 % of the intents").await?, "it plans for none");
    Ok(())
}

async fn an_auditor_finds_an_entry_and_checks_a_checkpoint(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("auditor-1").await?;
    visitor.opens("More").await?;
    visitor.follows("Audit").await?;
    visitor.is_told("Its checkpoint").await?;
    visitor.writes("Kind", "no-such-kind").await?;
    visitor.presses("Search").await?;
    visitor.is_told("No entry is like that.").await?;
    visitor.follows("All entries").await?;
    visitor.is_told("Discount 12% for quote q-1").await?;
    let checkpoint = house.world.get("auditor-1", "/v1/log/checkpoint").await.text;
    visitor.writes("The whole checkpoint", &checkpoint).await?;
    visitor.presses("Check it now").await?;
    visitor.is_told("none of them was changed or taken away").await?;
    visitor.goes(&intent.page).await?;
    visitor.is_told("Discount 12% for quote q-1").await
}

async fn somebody_is_away_and_comes_back(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("finance-1").await?;
    visitor.opens("More").await?;
    visitor.follows("People").await?;
    visitor.is_told("What could not be decided").await?;
    visitor.opens("Say that you are away").await?;
    // A field for a day takes it as the browser's language writes it.
    visitor.writes("First day", "11302026").await?;
    visitor.writes("Last day", "12042026").await?;
    visitor.writes("Who is asked instead", "finance-3").await?;
    visitor.presses("Put it on record").await?;
    visitor.is_told("your absence is on record").await?;
    visitor.is_told("2026-11-30 to 2026-12-04: finance-3 is asked instead.").await?;
    visitor.presses("Back again").await?;
    visitor.is_told("You are not away").await
}

async fn a_fresh_house_says_what_comes_first(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(hand).await?;
    visitor.begins("ae-2").await?;
    visitor.follows("First steps").await?;
    visitor.is_told("One step is left until this house decides.").await?;
    visitor.is_told("countersign intent submit").await?;
    house.small().await?;
    visitor.goes("/start").await?;
    visitor.is_told("All three steps are done").await
}

async fn a_link_of_a_message_leads_to_a_decision(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let (approved, declined) = (house.small().await?, house.submitted(&SMALL.replace("12%", "11%")).await?);
    let visitor = house.visitor(hand).await?;
    visitor.goes(&house.link("sales-manager-1", &approved, "approve").await?).await?;
    ensure!(!visitor.says("12000.00").await?, "nothing is shown before somebody has signed in");
    visitor.signs_in("sales-manager-1").await?;
    visitor.is_told("Approve: discount asked by ae-1").await?;
    visitor.writes("A note, if you like", "from the train").await?;
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept").await?;
    house.comes_to(&approved, "done").await?;
    assert_eq!(house.on_record(&approved, "from the train").await, 1);
    visitor.goes(&house.link("sales-manager-1", &declined, "decline").await?).await?;
    visitor.writes("Why", "not this time").await?;
    visitor.presses("Decline").await?;
    visitor.is_told("Your decline is kept").await?;
    assert_eq!(house.state(&declined).await, "declined");
    // What was said through one link is not said again through another one.
    visitor.goes(&house.link("sales-manager-1", &declined, "approve").await?).await?;
    visitor.is_told("Nothing can be said through it.").await
}

async fn a_question_is_asked_and_answered_behind_links(hand: Hand) -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(hand).await?;
    visitor.goes(&house.link("sales-manager-1", &intent, "ask").await?).await?;
    visitor.signs_in("sales-manager-1").await?;
    visitor.writes("What you want to know from the requester", "why so much").await?;
    visitor.presses("Ask").await?;
    visitor.is_told("Your question is kept").await?;
    visitor.becomes("ae-1").await?;
    visitor.goes(&house.link("ae-1", &intent, "answer").await?).await?;
    visitor.writes("Your answer", "a three year term").await?;
    visitor.presses("Answer").await?;
    visitor.is_told("Your answer is kept").await?;
    assert_eq!(house.on_record(&intent, "a three year term").await, 1);
    Ok(())
}
