//! People who mean harm: another site in the same browser, words that want to be code, links in the wrong hands.

use crate::house::{House, Intent, rules};
use crate::visitor::Hand;
use crate::world::SMALL;
use anyhow::{Context as _, Result, ensure};
use countersign_tests::web_driver::Session;
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What somebody writes who wants it to be code; `ran` is what would show that it was.
const CODE: &str =
    "</textarea></td></script><script>window.ran=1</script><img src=x onerror=window.ran=1> ' \" & end";

/// Another site on this machine: it answers everything with one page.
struct Elsewhere {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Elsewhere {
    async fn with(page: String) -> Result<Elsewhere> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        );
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // A browser opens connections that it may never use.
            let mut open = JoinSet::new();
            while let Ok((mut browser, _)) = listener.accept().await {
                let answer = answer.clone();
                open.spawn(async move {
                    let mut asked = [0; 8_192];
                    // Whoever goes away before the answer gets none.
                    if browser.read(&mut asked).await.is_ok_and(|read| 0 < read) {
                        drop(browser.write_all(answer.as_bytes()).await);
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Elsewhere { address, _serving: serving })
    }

    /// Its address: the same site as the host, as a browser counts, or another one.
    fn at(&self, name: &str) -> String {
        format!("http://{name}:{}/", self.address.port())
    }
}

/// The names of this machine: for a host at 127.0.0.1 the first is the same site at another port, so that its
/// cookies are sent, and the second another one.
const SITES: [&str; 2] = ["127.0.0.1", "localhost"];

#[tokio::test]
async fn a_page_of_the_console_is_in_no_frame() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("sales-manager-1").await?;
    for path in ["/inbox", &intent.page, "/sign-in", "/you"] {
        let address = format!("{}{path}", visitor.base);
        let elsewhere = Elsewhere::with(format!("<iframe src=\"{address}\"></iframe>")).await?;
        for site in SITES {
            visitor.session.go(&elsewhere.at(site)).await?;
            let frame = visitor.session.one("//iframe").await?;
            visitor.session.enter(&frame).await?;
            let inside =
                visitor.session.script("return location.href + document.body.innerText", &[]).await?;
            let inside = inside.as_str().context("a text")?;
            ensure!(inside.starts_with("chrome-error:"), "{path} is shown in a frame of {site}: {inside}");
        }
    }
    // A page that may be framed is seen in one, or nothing would have been tried.
    let inner = Elsewhere::with("<p>framed</p>".to_owned()).await?;
    let outer = Elsewhere::with(format!("<iframe src=\"{}\"></iframe>", inner.at("127.0.0.1"))).await?;
    visitor.session.go(&outer.at("127.0.0.1")).await?;
    visitor.session.enter(&visitor.session.one("//iframe").await?).await?;
    assert_eq!(visitor.session.text(&visitor.session.one("//p").await?).await?, "framed");
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_site_decides_nothing() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("sales-manager-1").await?;
    visitor.goes(&intent.page).await?;
    let field = async |name: &str| {
        let xpath = format!("//form[.//button[normalize-space()='Approve']]//input[@name='{name}']");
        visitor.session.value(&visitor.session.one(&xpath).await?).await
    };
    // Somebody who has seen the very form, and has the person press a button of their own.
    let mut fields = String::new();
    for name in ["verb", "revision", "seal", "once"] {
        fields.push_str(&format!("<input type=hidden name={name} value='{}'>", field(name).await?));
    }
    let address = format!("{}{}/decisions", visitor.base, intent.page);
    let form = format!("<form method=post action='{address}'>{fields}<button>Win</button></form>");
    let before = house.world.changes().await;
    let elsewhere = Elsewhere::with(form).await?;
    for site in SITES {
        visitor.session.go(&elsewhere.at(site)).await?;
        visitor.presses("Win").await?;
        visitor.is_told("This form was not sent by a page of this host").await?;
    }
    let others = Elsewhere::with(format!(
        "<form method=post action='{}/you/terminal'><button>Win</button></form>",
        visitor.base
    ))
    .await?;
    visitor.session.go(&others.at("127.0.0.1")).await?;
    visitor.presses("Win").await?;
    visitor.is_told("This form was not sent by a page of this host").await?;
    ensure!(house.world.changes().await == before, "something was decided");
    assert_eq!(house.state(&intent).await, "seated");
    // The person is still signed in, and decides by the page itself.
    visitor.goes(&intent.page).await?;
    visitor.presses("Approve").await?;
    visitor.is_told("Your approval is kept.").await
}

#[tokio::test]
async fn nobody_is_sent_to_another_host_after_they_have_signed_in() -> Result<()> {
    let house = House::open().await?;
    let evil = Elsewhere::with("<p>evil</p>".to_owned()).await?;
    let host = format!("127.0.0.1:{}", evil.address.port());
    let visitor = house.visitor(Hand::Mouse).await?;
    for next in [
        format!("//{host}"),
        format!("http://{host}"),
        format!("/\\{host}"),
        format!("\\\\{host}"),
        format!("/links//{host}"),
        format!("/intents/../..//{host}"),
        "javascript:alert(1)".to_owned(),
        "/you/terminal".to_owned(),
    ] {
        let escaped = countersign_tests::servers::http::encode(&next);
        visitor.goes(&format!("/sign-in?next={escaped}")).await?;
        visitor.signs_in("finance-1").await?;
        assert_eq!(visitor.path().await?, "/inbox", "{next}");
        // Whoever is signed in already is not sent there either.
        visitor.goes(&format!("/sign-in?next={escaped}")).await?;
        assert_eq!(visitor.path().await?, "/inbox", "{next}");
        visitor.session.forget().await?;
    }
    Ok(())
}

/// One of the starter's intents, as somebody asks for it, and the tokens in it that are words.
fn asked_for() -> Result<Vec<Json>> {
    let discount: Json = serde_json::from_str(SMALL)?;
    let refund = json!({ "type": "refund", "tokens": {
        "payment_id": "pi_1", "customer_id": "cus_1", "invoice_id": "in_1", "ledger_code": "4000",
        "amount": { "amount": "10.00", "currency": "USD" }, "reason": "goodwill", "note": "n",
    } });
    let redline = json!({ "type": "contract_redline", "tokens": {
        "contract_id": "C-100", "customer_id": "a-1", "contract_type": "msa", "reason": "correction", "note": "n",
        "clause": [{ "contract_clause_id": "C-100/7.2", "old_text_sha256": "0".repeat(64), "new_text": "n", "author": "a" }],
    } });
    Ok(vec![discount, refund, redline])
}

/// The places of all values in it, as JSON pointers.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), found);
            }
        }
        Json::Array(elements) => {
            for (number, value) in elements.iter().enumerate() {
                places(value, &format!("{at}/{number}"), found);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => found.push(at.to_owned()),
    }
}

#[tokio::test]
async fn code_in_a_token_is_text_on_every_page_or_stays_outside() -> Result<()> {
    let house = House::open().await?;
    house.world.connectors.remark(CODE);
    let mut shown: Vec<(String, Intent)> = Vec::new();
    for whole in asked_for()? {
        let mut all = Vec::new();
        places(&whole["tokens"], "/tokens", &mut all);
        ensure!(4 < all.len(), "{all:?}");
        for place in all {
            let mut body = whole.clone();
            *body.pointer_mut(&place).context("a place")? = json!(CODE);
            let key = house.key();
            let headers = [("idempotency-key", key.as_str()), ("prefer", "wait=10")];
            let answer = house.world.send("ae-1", "POST", "/v1/intents", &headers, &body.to_string()).await;
            match answer.status {
                201 => {
                    let at = answer.header("location").to_owned();
                    let page = at.strip_prefix("/v1").context("a place of the API")?.to_owned();
                    shown.push((place, Intent { place: at, page }));
                }
                status => assert_eq!(status, 422, "{place}: {}", answer.text),
            }
        }
    }
    let taken: Vec<&str> = shown.iter().map(|(place, _)| place.as_str()).collect();
    ensure!(3 < taken.len(), "free words are taken: {taken:?}");
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("ae-1").await?;
    let lists =
        ["/inbox", "/intents", "/exceptions?whose=everybody", "/reconciliation", "/policies", "/measures"];
    let mut pages = Vec::from(lists.map(str::to_owned));
    for (place, intent) in &shown {
        visitor.goes(&intent.page).await?;
        ensure!(visitor.says(CODE).await?, "{place} is not shown as it is: {}", visitor.told().await?);
        pages.push(intent.page.clone());
    }
    // What people say about it, and what they wrote where it was refused.
    let (_, spoken) = shown.first().context("one intent")?;
    house.says("ae-1", spoken, "comments", 1, &json!({ "words": CODE }).to_string()).await?;
    for page in &pages {
        visitor.goes(page).await?;
        nothing_ran(&visitor.session, page).await?;
    }
    visitor.goes("/sign-out").await?;
    visitor.becomes("sales-manager-1").await?;
    for page in &pages {
        visitor.goes(page).await?;
        nothing_ran(&visitor.session, page).await?;
    }
    Ok(())
}

/// Fails if code of somebody else is part of a page, or has run.
async fn nothing_ran(browser: &Session, page: &str) -> Result<()> {
    let look = "
        const parts = 'script:not(head > script[src^=\"/assets/console.js?\"]), img, iframe';
        return { ran: window.ran === undefined, parts: document.querySelectorAll(parts).length }";
    let seen = browser.script(look, &[]).await?;
    ensure!(seen == json!({ "ran": true, "parts": 0 }), "{page}: {seen}");
    Ok(())
}

#[tokio::test]
async fn a_link_in_the_wrong_hands_shows_and_does_nothing() -> Result<()> {
    let house = House::open().await?;
    let intent = house.small().await?;
    let links = house.links("sales-manager-1", &intent).await?;
    assert_eq!(links.len(), 3, "{links:?}");
    // What came of the message is on record before anybody compares the record.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = house.world.changes().await;
    let visitor = house.visitor(Hand::Mouse).await?;
    for (_, path) in &links {
        visitor.goes(path).await?;
        ensure!(visitor.path().await?.starts_with("/sign-in?next="), "nobody is signed in");
        ensure!(!visitor.says("12000").await? && !visitor.says("ae-1").await?, "something is shown");
    }
    visitor.knocks("finance-1").await?;
    for (_, path) in &links {
        visitor.goes(path).await?;
        visitor.is_told("There is nothing for you behind this link").await?;
        ensure!(
            !visitor.says("12000").await? && !visitor.says("sales-manager-1").await?,
            "something is shown"
        );
    }
    // The person whom it is for may look as often as they like.
    visitor.session.forget().await?;
    visitor.begins("sales-manager-1").await?;
    for _ in 0..3 {
        for (_, path) in &links {
            visitor.goes(path).await?;
            visitor.is_told("12000.00 USD").await?;
        }
    }
    ensure!(house.world.changes().await == before, "whoever looks has changed something");
    assert_eq!(house.state(&intent).await, "seated");
    Ok(())
}

#[tokio::test]
async fn whoever_leaves_while_they_are_signed_in_is_out_at_the_next_click() -> Result<()> {
    let house = House::open().await?;
    let intent = house.below_the_floor().await?;
    let visitor = house.visitor(Hand::Mouse).await?;
    visitor.begins("finance-2").await?;
    visitor.goes(&intent.page).await?;
    visitor.writes("A note, if you like", "on my way out").await?;
    let now = house.world.engine.rulebook();
    ensure!(house.world.engine.replace_rulebook(&now, rules("finance-2")?), "the rules are in force");
    visitor.presses("Approve").await?;
    visitor.is_told("Password").await?;
    ensure!(visitor.path().await?.starts_with("/sign-in"), "{}", visitor.path().await?);
    assert_eq!(house.on_record(&intent, "on my way out").await, 0);
    visitor.goes("/inbox").await?;
    ensure!(visitor.path().await?.starts_with("/sign-in"), "the session goes on");
    Ok(())
}
