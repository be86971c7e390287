//! The keys of the console: they lead to everything and decide nothing, and whoever does not want them has none.

use crate::house::House;
use crate::pages::violations;
use crate::visitor::{Hand, Visitor};
use crate::world::SMALL;
use anyhow::{Result, ensure};
use countersign_core::time::Millis;
use countersign_tests::servers::axe;
use countersign_tests::web_driver::Key;

/// The name of what the keyboard is on: its id, or where it leads.
const FOCUS: &str = "return document.activeElement.id || document.activeElement.getAttribute('href') || ''";

async fn focus(visitor: &Visitor) -> Result<String> {
    Ok(visitor.session.script(FOCUS, &[]).await?.as_str().unwrap_or_default().to_owned())
}

async fn inbox(house: &House) -> Result<Visitor> {
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("sales-manager-1").await?;
    Ok(visitor)
}

#[tokio::test]
async fn two_keys_and_a_confirmation_decide_and_no_key_decides_alone() -> Result<()> {
    let house = House::open().await?;
    let first = house.small().await?;
    // What is due first stands first.
    house.world.clock.turn(Millis::minutes(1));
    let second = house.submitted(&SMALL.replace("12%", "11%")).await?;
    let visitor = inbox(&house).await?;
    visitor.session.types("a").await?;
    visitor.is_told("Choose one first").await?;
    for (key, page) in [("j", &first.page), ("j", &second.page), ("j", &second.page), ("k", &first.page)] {
        visitor.session.types(key).await?;
        assert_eq!(&focus(&visitor).await?, page, "{key}");
    }
    visitor.session.types("a").await?;
    visitor.is_told("It waits for you.").await?;
    assert_eq!(focus(&visitor).await?, "words-approve");
    assert_eq!(house.state(&first).await, "seated", "nothing is decided by going there");
    // What is typed into a field is text.
    visitor.session.types("a djs?").await?;
    assert_eq!(visitor.reads("A note, if you like").await?, "a djs?");
    visitor.session.press_together(&[Key::Control, Key::Enter]).await?;
    visitor.is_told("Your approval is kept.").await?;
    assert_eq!(house.on_record(&first, "a djs?").await, 1);
    // Back by a key, and on by others.
    visitor.session.types("u").await?;
    visitor.is_told("Waiting for you").await?;
    visitor.session.types("jo").await?;
    visitor.is_told("It waits for you.").await?;
    assert_eq!(visitor.path().await?, second.page);
    for (key, field) in [("d", "words-decline"), ("s", "words-send-back"), ("c", "words-comment")] {
        visitor.session.script("document.activeElement.blur()", &[]).await?;
        visitor.session.types(key).await?;
        assert_eq!(focus(&visitor).await?, field);
    }
    assert_eq!(house.state(&second).await, "seated");
    for (keys, path) in [("gn", "/intents"), ("ge", "/exceptions"), ("gm", "/measures"), ("gi", "/inbox")] {
        visitor.session.script("document.activeElement.blur()", &[]).await?;
        visitor.session.types(keys).await?;
        for _ in 0..100 {
            if visitor.path().await? == path {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(visitor.path().await?, path, "{keys}");
        visitor.is_told("sales-manager-1").await?;
    }
    // What is not theirs to do is said.
    visitor.goes(&first.page).await?;
    visitor.session.types("d").await?;
    visitor.is_told("That is not for you to do here.").await
}

#[tokio::test]
async fn the_keys_are_shown_to_everybody_and_can_be_switched_off() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = inbox(&house).await?;
    visitor.session.types("?").await?;
    visitor.is_told("then a letter: to a page").await?;
    visitor.session.script(&axe()?, &[]).await?;
    let faults = violations(&visitor).await?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    // While it is open no key leads elsewhere; it closes by the key that closes, and the page has the keyboard again.
    visitor.session.types("j").await?;
    assert_ne!(focus(&visitor).await?, intent.page);
    visitor.session.press(Key::Escape).await?;
    ensure!(!visitor.says("then a letter").await?, "it is still open");
    visitor.session.types("j").await?;
    assert_eq!(focus(&visitor).await?, intent.page);
    visitor.session.types("?").await?;
    visitor.follows("Switch them off").await?;
    visitor.presses("Switch the keys off").await?;
    visitor.is_told("In this browser single keys do nothing.").await?;
    visitor.goes("/inbox").await?;
    visitor.is_told("Waiting for you").await?;
    visitor.session.types("?j").await?;
    assert_eq!(focus(&visitor).await?, "", "a key does something");
    ensure!(!visitor.says("then a letter").await?, "a key does something");
    visitor.goes("/you").await?;
    visitor.presses("Switch the keys on").await?;
    visitor.is_told("Single keys lead through the console").await?;
    visitor.goes("/inbox").await?;
    visitor.is_told("Waiting for you").await?;
    visitor.session.types("j").await?;
    assert_eq!(focus(&visitor).await?, intent.page);
    Ok(())
}
