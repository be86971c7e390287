//! Pages that are open while somebody else decides: what they tell, what they leave alone, and what they do when the
//! stream breaks.

use crate::house::{House, Intent};
use crate::visitor::{Hand, Visitor};
use crate::wire::Weather;
use crate::world::SMALL;
use anyhow::{Context as _, Result, ensure};
use countersign_engine::port::clock::Clock as _;
use countersign_tests::world::RealClock;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Waits until the list changes; what its clock says then.
const CHANGES: &str = "
    const done = arguments[arguments.length - 1];
    new MutationObserver((_, seen) => { seen.disconnect(); done(Date.now()); })
        .observe(document.querySelector('.inbox'), { childList: true });";

/// What the keyboard is on, and whether the page has it still.
const FOCUS: &str = "return document.activeElement.isConnected && document.activeElement.pathname || ''";

/// What is read out to whoever does not see it.
const READ_OUT: &str =
    "return [...document.querySelectorAll('[role=status]')].map(part => part.innerText).join('|')";

async fn inbox(house: &House) -> Result<Visitor> {
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("sales-manager-1").await?;
    Ok(visitor)
}

/// Waits until the page does not say this any more.
async fn says_no_more(visitor: &Visitor, words: &str) -> Result<()> {
    for _ in 0..200 {
        if !visitor.says(words).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("it goes on saying `{words}`:\n{}", visitor.told().await?)
}

async fn withdrawn(house: &House, intent: &Intent) -> Result<()> {
    house.says("ae-1", intent, "withdrawals", 1, "{}").await.map(drop)
}

#[tokio::test]
async fn an_open_inbox_loses_what_somebody_else_has_settled_and_gains_what_is_new() -> Result<()> {
    let house = House::open().await?;
    let (gone, stays) = (house.small().await?, house.submitted(&SMALL.replace("12%", "11%")).await?);
    let visitor = inbox(&house).await?;
    let link = visitor.session.one(&format!("//a[@href='{}']", stays.page)).await?;
    visitor.session.script("arguments[0].focus()", &[visitor.session.named(&link)]).await?;
    let mut took = Vec::new();
    let settled = async {
        // The page must be listening, as it would be.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let at = RealClock.now().0;
        withdrawn(&house, &gone).await?;
        anyhow::Ok(at)
    };
    let (seen, at) = tokio::join!(visitor.session.script_until(CHANGES, &[]), settled);
    took.push(seen?.as_i64().context("a time")? - at?);
    visitor.is_told("1 no longer waiting for you").await?;
    ensure!(!visitor.says("Discount 12% for quote q-1").await?, "the row is still there");
    // What is read out is said where the page says it, and the keyboard stays where it was.
    let focus = visitor.session.script(FOCUS, &[]).await?;
    assert_eq!(focus, json!(stays.page));
    let read = visitor.session.script(READ_OUT, &[]).await?;
    ensure!(read.as_str().is_some_and(|read| read.contains("1 no longer waiting")), "{read}");
    let asks = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let at = RealClock.now().0;
        house.submitted(&SMALL.replace("12%", "10%")).await?;
        anyhow::Ok(at)
    };
    let (seen, at) = tokio::join!(visitor.session.script_until(CHANGES, &[]), asks);
    took.push(seen?.as_i64().context("a time")? - at?);
    visitor.is_told("1 new").await?;
    visitor.is_told("Discount 10% for quote q-1").await?;
    assert_eq!(visitor.session.script(FOCUS, &[]).await?, json!(stays.page));
    println!("seen in an open inbox after {took:?} ms, the second with the time in which it was prepared");
    // Whoever is on a row that goes is left where they are.
    withdrawn(&house, &stays).await?;
    visitor.is_told("It does not wait for you any more.").await?;
    assert_eq!(visitor.session.script(FOCUS, &[]).await?, json!(stays.page));
    Ok(())
}

#[tokio::test]
async fn an_inbox_that_is_empty_fills_and_one_that_is_full_becomes_empty() -> Result<()> {
    let house = House::open().await?;
    let visitor = inbox(&house).await?;
    visitor.is_told("Nothing waits for you.").await?;
    let intent = house.small().await?;
    visitor.is_told("Discount 12% for quote q-1").await?;
    visitor.is_told("1 new").await?;
    withdrawn(&house, &intent).await?;
    visitor.is_told("Nothing waits for you.").await
}

#[tokio::test]
async fn a_page_tells_that_its_intent_has_changed_and_keeps_every_word() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = inbox(&house).await?;
    visitor.goes(&intent.page).await?;
    visitor.writes("A note, if you like", "twelve is fine").await?;
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    house.says("ae-1", &intent, "amendments", 1, &body).await?;
    house.comes_to(&intent, "seated").await?;
    visitor.is_told("This has changed: ").await?;
    ensure!(!visitor.says("changed: was 12%").await?, "the page moves only when somebody wants it");
    assert_eq!(visitor.reads("A note, if you like").await?, "twelve is fine");
    // It may be told of once more while it is prepared anew.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    visitor.presses("Look again").await?;
    visitor.is_told("This is how it stands now.").await?;
    visitor.is_told("changed: was 12%").await?;
    assert_eq!(visitor.reads("A note, if you like").await?, "twelve is fine", "no word is lost");
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept.").await?;
    assert_eq!(house.on_record(&intent, "twelve is fine").await, 1);
    Ok(())
}

#[tokio::test]
async fn words_of_a_form_that_is_gone_stay_on_the_page() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = inbox(&house).await?;
    visitor.goes(&intent.page).await?;
    visitor.opens("Decline").await?;
    visitor.writes("Why", "too much by far").await?;
    withdrawn(&house, &intent).await?;
    visitor.is_told("This has changed: ").await?;
    visitor.presses("Look again").await?;
    visitor.is_told("withdrawn by ae-1").await?;
    visitor.is_told("You wrote:").await?;
    visitor.is_told("too much by far").await
}

#[tokio::test]
async fn a_stream_that_breaks_is_said_and_comes_back_with_what_was_missed() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = inbox(&house).await?;
    house.wire.is(Weather::Cut);
    visitor.is_told("The connection to the host is broken.").await?;
    withdrawn(&house, &intent).await?;
    ensure!(visitor.says("Discount 12% for quote q-1").await?, "nothing can have arrived");
    house.wire.is(Weather::Clear);
    visitor.is_told("Nothing waits for you.").await?;
    says_no_more(&visitor, "The connection to the host is broken.").await
}

#[tokio::test]
async fn a_page_of_a_fault_is_no_answer_to_an_open_inbox() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = inbox(&house).await?;
    visitor.is_told("Discount 12% for quote q-1").await?;
    house.world.store.refuse_lists(true);
    house.says("ae-1", &intent, "comments", 1, r#"{"words":"please"}"#).await?;
    visitor.is_told("This page is not kept up to date.").await?;
    ensure!(visitor.says("Discount 12% for quote q-1").await?, "what was there is gone");
    // It looks again by itself.
    house.world.store.refuse_lists(false);
    says_no_more(&visitor, "This page is not kept up to date.").await?;
    visitor.is_told("Discount 12% for quote q-1").await
}

#[tokio::test]
async fn a_page_whose_session_has_ended_says_so_and_shows_nothing_new() -> Result<()> {
    let house = House::open().await?;
    let visitor = inbox(&house).await?;
    visitor.is_told("Nothing waits for you.").await?;
    visitor
        .session
        .script(
            "return fetch('/sign-out', { method: 'POST', body: new URLSearchParams() }).then(() => 0)",
            &[],
        )
        .await?;
    visitor.is_told("This page is not kept up to date.").await?;
    house.small().await?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    ensure!(!visitor.says("Discount 12%").await?, "somebody who is signed out sees what is new");
    visitor.follows("Load it again").await?;
    visitor.is_told("Password").await
}

#[tokio::test]
async fn the_first_page_takes_few_requests_and_the_next_one_fewer() -> Result<()> {
    let house = House::open().await?;
    let visitor = inbox(&house).await?;
    visitor.session.devtools("Network.clearBrowserCache", json!({})).await?;
    house.wire.asked();
    visitor.goes("/inbox").await?;
    visitor.is_told("Nothing waits for you.").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = house.wire.asked();
    let of = |what: &str| asked.iter().filter(|asked| asked.contains(what)).count();
    ensure!(asked.len() <= 4, "{asked:?}");
    assert_eq!((of(" /inbox"), of(".css?"), of(".js?"), of(" /live?")), (1, 1, 1, 1), "{asked:?}");
    visitor.goes("/intents").await?;
    visitor.is_told("Every intent that you may see").await?;
    let asked = house.wire.asked();
    assert_eq!(asked, ["GET /intents"], "what it has it does not ask for again");
    Ok(())
}

/// Tries to have a page run or show something that is no part of it.
const SMUGGLE: &str = "
    const tried = [
        () => { document.body.innerHTML = '<p>smuggled'; },
        () => { document.body.insertAdjacentHTML('beforeend', '<p>smuggled'); },
        () => { new DOMParser().parseFromString('<p>smuggled', 'text/html'); },
        () => { const script = document.createElement('script'); script.append('window.ran = 1'); document.body.append(script); },
        () => { const script = document.createElement('script'); script.src = 'data:text/javascript,window.ran=1'; document.body.append(script); },
        () => { trustedTypes.createPolicy('own', { createHTML: text => text }); },
    ];
    const refused = tried.map(one => { try { one(); return 'done'; } catch (fault) { return fault.name; } });
    return { refused, ran: window.ran || 0, shown: document.body.innerText.includes('smuggled') };";

#[tokio::test]
async fn a_page_runs_no_script_but_ours_and_makes_nothing_of_a_text() -> Result<()> {
    let house = House::open().await?;
    let visitor = inbox(&house).await?;
    let found: Json = visitor.session.script(SMUGGLE, &[]).await?;
    assert_eq!((&found["ran"], &found["shown"]), (&json!(0), &json!(false)), "{found}");
    for place in [0, 1, 2, 4, 5] {
        assert_eq!(found["refused"][place], "TypeError", "{place}: {found}");
    }
    Ok(())
}
