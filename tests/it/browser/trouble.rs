//! What goes wrong for people who mean well: somebody was faster, the network fails in the middle, a hand is impatient.

use crate::house::{House, Intent};
use crate::visitor::{Hand, Visitor};
use crate::wire::Weather;
use crate::world::SMALL;
use anyhow::{Result, ensure};

/// Somebody who has the page of an intent open.
async fn reading(house: &House, person: &str, intent: &Intent) -> Result<Visitor> {
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins(person).await?;
    visitor.goes(&intent.page).await?;
    Ok(visitor)
}

/// How often a form was sent to an intent since the last look.
fn sent(house: &House, intent: &Intent) -> usize {
    let form = format!("POST {}/decisions", intent.page);
    house.wire.asked().iter().filter(|asked| **asked == form).count()
}

/// Waits until as many forms have been sent.
async fn arrives(house: &House, intent: &Intent, times: usize) -> Result<()> {
    let mut seen = 0;
    for _ in 0..500 {
        seen += sent(house, intent);
        if times <= seen {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anyhow::bail!("{seen} forms were sent, and not {times}")
}

#[tokio::test]
async fn whoever_decides_on_what_has_changed_meanwhile_is_shown_the_new_facts() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    visitor.writes("A note, if you like", "twelve is fine").await?;
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    house.says("ae-1", &intent, "amendments", 1, &body).await?;
    visitor.presses("Approve").await?;
    visitor.is_told("Nothing was kept.").await?;
    visitor.is_told("changed: was 12%").await?;
    assert_eq!(visitor.reads("A note, if you like").await?, "twelve is fine", "no word is lost");
    assert_eq!(house.on_record(&intent, "twelve is fine").await, 0);
    house.comes_to(&intent, "seated").await?;
    // What the page shows now is what is decided about.
    visitor.goes(&intent.page).await?;
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept.").await?;
    house.comes_to(&intent, "done").await
}

#[tokio::test]
async fn whoever_decides_after_somebody_else_is_told_who_it_was() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    visitor.opens("Decline").await?;
    visitor.writes("Why", "too much by far").await?;
    house.says("ae-1", &intent, "withdrawals", 1, "{}").await?;
    visitor.presses("Decline").await?;
    visitor.is_told("Nothing was kept.").await?;
    visitor.is_told("withdrawn by ae-1").await?;
    visitor.is_told("too much by far").await?;
    ensure!(
        !visitor.says("What you can do").await? || !visitor.says("Decline").await?,
        "it can still be declined"
    );
    assert_eq!(
        (house.state(&intent).await.as_str(), house.on_record(&intent, "too much").await),
        ("withdrawn", 0)
    );
    Ok(())
}

#[tokio::test]
async fn a_form_that_never_arrived_is_sent_again_and_decides_once() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    visitor.writes("A note, if you like", "from the tunnel").await?;
    house.wire.is(Weather::Cut);
    // What the browser itself says of a dead network is no matter of ours.
    drop(visitor.presses("Approve").await);
    ensure!(!visitor.says("Your approval is kept").await?, "nothing can have come back");
    assert_eq!((sent(&house, &intent), house.on_record(&intent, "from the tunnel").await), (0, 0));
    house.wire.is(Weather::Clear);
    visitor.session.again().await?;
    visitor.is_told("Your approval is kept.").await?;
    assert_eq!(house.on_record(&intent, "from the tunnel").await, 1);
    house.comes_to(&intent, "done").await
}

#[tokio::test]
async fn a_form_whose_answer_was_lost_is_sent_again_and_decides_once() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    // A comment moves nothing, so nothing but its form keeps it from being said twice.
    for (fold, label, words, told) in [
        (Some("Comment"), "Your comment", "said in the tunnel", "Your comment is kept."),
        (None, "A note, if you like", "approved in the tunnel", "Your approval is kept."),
    ] {
        if let Some(fold) = fold {
            visitor.opens(fold).await?;
        }
        visitor.writes(label, words).await?;
        sent(&house, &intent);
        house.wire.is(Weather::AnswersLost);
        drop(visitor.presses(fold.unwrap_or("Approve")).await);
        arrives(&house, &intent, 1).await?;
        ensure!(!visitor.says(told).await?, "nothing can have come back");
        house.wire.is(Weather::Clear);
        visitor.session.again().await?;
        visitor.is_told(told).await?;
        ensure!(0 < sent(&house, &intent), "the browser has sent it again");
        assert_eq!(house.on_record(&intent, words).await, 1, "{words}");
    }
    house.comes_to(&intent, "done").await
}

#[tokio::test]
async fn whoever_goes_back_after_a_lost_answer_decides_once() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    visitor.writes("A note, if you like", "approved in the tunnel").await?;
    house.wire.is(Weather::AnswersLost);
    drop(visitor.presses("Approve").await);
    arrives(&house, &intent, 1).await?;
    house.comes_to(&intent, "done").await?;
    house.wire.is(Weather::Clear);
    visitor.session.back().await?;
    // A browser that has kept the page shows it as it was, and one that has not asks for it anew.
    visitor.is_told("What happened").await?;
    if visitor.says("What you can do").await? && visitor.says("Approve").await? {
        visitor.presses("Approve").await?;
        visitor.is_told("Your approval is kept.").await?;
    }
    visitor.goes(&intent.page).await?;
    visitor.is_told("What became of each write").await?;
    assert_eq!(house.on_record(&intent, "approved in the tunnel").await, 1);
    Ok(())
}

#[tokio::test]
async fn two_clicks_are_one_decision() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = reading(&house, "sales-manager-1", &intent).await?;
    for (fold, label, words, told) in [
        (Some("Comment"), "Your comment", "said in a hurry", "Your comment is kept."),
        (None, "A note, if you like", "approved in a hurry", "Your approval is kept."),
    ] {
        if let Some(fold) = fold {
            visitor.opens(fold).await?;
        }
        visitor.writes(label, words).await?;
        let name = fold.unwrap_or("Approve");
        let button = visitor.session.one(&format!("//button[normalize-space()='{name}']")).await?;
        sent(&house, &intent);
        house.wire.is(Weather::Slow);
        visitor.session.click_times(&button, 2).await?;
        visitor.is_told(told).await?;
        house.wire.is(Weather::Clear);
        assert_eq!(sent(&house, &intent), 2, "both clicks have left the browser");
        assert_eq!(house.on_record(&intent, words).await, 1, "{words}");
    }
    house.comes_to(&intent, "done").await
}

#[tokio::test]
async fn two_clicks_behind_a_link_are_one_decision() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(Hand::Mouse).await?;
    let path = house.link("sales-manager-1", &intent, "approve").await?;
    visitor.goes(&path).await?;
    visitor.signs_in("sales-manager-1").await?;
    visitor.writes("A note, if you like", "approved in a hurry").await?;
    let button = visitor.session.one("//button[normalize-space()='Approve']").await?;
    house.wire.asked();
    house.wire.is(Weather::Slow);
    visitor.session.click_times(&button, 2).await?;
    visitor.is_told("Your approval is kept").await?;
    house.wire.is(Weather::Clear);
    let form = format!("POST {path}");
    assert_eq!(house.wire.asked().iter().filter(|asked| **asked == form).count(), 2);
    assert_eq!(house.on_record(&intent, "approved in a hurry").await, 1);
    house.comes_to(&intent, "done").await
}
