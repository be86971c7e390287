//! The stream by which an open page hears what has changed: who is told of what, how it goes on after a break, and when it
//! ends.

use super::browser::{Browsers, rules, signing};
use super::console::{form, page_of};
use super::visibility::{CLOSED, discount, restricted};
use super::world::{SMALL, Setup, World};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use countersign_server::limits::{
    LIVE_GAP_MS, LIVE_LOOK_MS, LIVE_STREAMS_PER_PERSON_MAX, SESSION_IDLE_MS_MAX,
};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Longest wait for what a stream says.
const WAIT: Duration = Duration::from_secs(10);

/// A stream, and all that has come of it.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    /// Asks for one, and reads how that is answered.
    async fn asked(world: &World, cookie: &str, path: &str, more: &str) -> Stream {
        let mut socket = TcpStream::connect(world.address).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nhost: here\r\ncookie: {cookie}\r\n{more}\r\n");
        socket.write_all(head.as_bytes()).await.expect("it is sent");
        let mut stream = Stream { socket, text: String::new() };
        stream.says("\r\n\r\n").await;
        stream
    }

    /// One that is open.
    async fn open(world: &World, cookie: &str, path: &str) -> Stream {
        let mut stream = Stream::asked(world, cookie, path, "").await;
        stream.says("retry: 2000\n\n").await;
        assert!(stream.text.contains("content-type: text/event-stream"), "{}", stream.text);
        stream
    }

    /// Reads on; whether more came.
    async fn more(&mut self) -> bool {
        let mut chunk = [0; 4_096];
        let read = tokio::time::timeout(WAIT, self.socket.read(&mut chunk)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing more comes: {}", self.text)).unwrap_or_default();
        self.text.push_str(&String::from_utf8_lossy(&chunk[..read]));
        0 < read
    }

    /// Waits until it has said this.
    async fn says(&mut self, words: &str) {
        while !self.text.contains(words) {
            assert!(self.more().await, "it ended without `{words}`: {}", self.text);
        }
    }

    /// Waits until it ends.
    async fn ends(&mut self) {
        while !self.text.ends_with("\r\n0\r\n\r\n") && self.more().await {}
    }

    /// The place of the log that the last event names.
    fn last(&self) -> u64 {
        let mut ids = self.text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.next_back().expect("an event").parse().expect("a number")
    }
}

fn id_of(place: &str) -> String {
    place.rsplit('/').next().expect("an id").to_owned()
}

/// Sends the form for a verb as somebody who looks.
async fn says(browsers: &Browsers, cookie: &str, place: &str, verb: &str, words: &str) {
    let page = page_of(place);
    let shown = browsers.get(cookie, &page).await;
    let answer = browsers.post(cookie, &format!("{page}/decisions"), &form(&shown.text, verb, words)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
}

#[tokio::test]
async fn an_open_page_hears_what_has_changed_and_what_of_it_waits() {
    let browsers = Browsers::start().await;
    let (manager, requester) =
        (browsers.signed_in("sales-manager-1").await, browsers.signed_in("ae-1").await);
    let mut waits = Stream::open(&browsers.world, &manager, "/live").await;
    let mut asked = Stream::open(&browsers.world, &requester, "/live").await;
    let id = id_of(&browsers.world.submitted("k-1", SMALL).await);
    waits.says(&format!("event: changed\ndata: {id} waits\n")).await;
    asked.says(&format!("data: {id}\n")).await;
    assert!(!asked.text.contains("waits"), "{}", asked.text);
    let before = waits.last();
    says(&browsers, &manager, &format!("/v1/intents/{id}"), "approve", "").await;
    waits.says(&format!("data: {id}\n")).await;
    assert!(before < waits.last(), "{}", waits.text);
}

#[tokio::test]
async fn nobody_hears_of_what_is_not_for_them() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let (inside, stranger) = (browsers.signed_in("ae-1").await, browsers.signed_in("ae-2").await);
    let mut hears = Stream::open(&browsers.world, &inside, "/live").await;
    let mut deaf = Stream::open(&browsers.world, &stranger, "/live").await;
    let hidden = id_of(&browsers.world.submitted("k-1", &discount("12%")).await);
    hears.says(&hidden).await;
    let headers = [("idempotency-key", "k-2"), ("prefer", "wait=10")];
    let own = browsers.world.send("ae-2", "POST", "/v1/intents", &headers, &discount("11%")).await;
    deaf.says(&id_of(own.header("location"))).await;
    assert!(!deaf.text.contains(&hidden), "{}", deaf.text);
    // Whoever comes back with a place from before hears no more.
    let mut again = Stream::open(&browsers.world, &stranger, "/live?after=0").await;
    again.says(&id_of(own.header("location"))).await;
    assert!(!again.text.contains(&hidden), "{}", again.text);
}

#[tokio::test]
async fn what_a_page_shows_and_is_lost_from_sight_is_told_once() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let thin = [("margin", Value::Decimal("13.37".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &thin);
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let id = id_of(&place);
    let (one, two) = (browsers.signed_in("finance-1").await, browsers.signed_in("finance-2").await);
    let inbox = browsers.get(&two, "/inbox").await;
    assert!(inbox.text.contains(&id), "{}", inbox.text);
    let mut shown = Stream::open(&browsers.world, &two, "/live").await;
    says(&browsers, &one, &place, "decline", "not at this margin").await;
    assert_eq!(browsers.get(&two, &page_of(&place)).await.status, 404, "it is not for them any more");
    shown.says(&format!("data: {id}\n")).await;
    let told = shown.text.matches(&id).count();
    browsers.world.post("ae-1", &format!("{place}/comments"), "c-1", r#"{"words":"a pity"}"#).await;
    // What comes behind it, and is not looked at together with it, shows that nothing was said of the comment.
    tokio::time::sleep(Duration::from_millis(5 * LIVE_GAP_MS)).await;
    let before = browsers.world.engine.rulebook();
    assert!(browsers.world.engine.replace_rulebook(&before, restricted(&[CLOSED])));
    shown.says("event: anew").await;
    assert_eq!(shown.text.matches(&id).count(), told, "{}", shown.text);
}

#[tokio::test]
async fn a_stream_that_broke_goes_on_where_it_was() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-1").await;
    let mut first = Stream::open(&browsers.world, &cookie, "/live").await;
    let one = id_of(&browsers.world.submitted("k-1", SMALL).await);
    first.says(&one).await;
    // Until nothing more happens to it: it waits for somebody.
    browsers.all_told(&format!("/v1/intents/{one}")).await;
    let last = browsers.world.engine.health().position.0;
    drop(first);
    let two = id_of(&browsers.world.submitted("k-2", SMALL).await);
    let header = format!("last-event-id: {last}\r\n");
    let mut second = Stream::asked(&browsers.world, &cookie, "/live?after=0", &header).await;
    second.says(&two).await;
    assert!(!second.text.contains(&one), "what was heard is not said again: {}", second.text);
    // A page that was made at a place hears what came after it.
    let mut page = Stream::open(&browsers.world, &cookie, &format!("/live?after={last}")).await;
    page.says(&two).await;
    // Of a place that nobody knows everything is looked at anew.
    for unknown in ["999999", "-1", "x"] {
        let mut anew = Stream::open(&browsers.world, &cookie, &format!("/live?after={unknown}")).await;
        anew.says("event: anew\n").await;
        assert!(anew.last() <= browsers.world.engine.health().position.0);
    }
}

#[tokio::test]
async fn an_inbox_names_the_place_from_which_on_its_stream_tells() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let place = browsers.world.submitted("k-1", SMALL).await;
    for path in ["/inbox", &page_of(&place)] {
        let shown = browsers.get(&cookie, path).await;
        let seen =
            shown.text.split("data-live=\"").nth(1).expect("a place").split('"').next().expect("its end");
        says(&browsers, &cookie, &place, "comment", "in between").await;
        let mut stream = Stream::open(&browsers.world, &cookie, &format!("/live?after={seen}")).await;
        stream.says(&id_of(&place)).await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let browsers = Browsers::start().await;
    for (way, person) in [("out", "ae-1"), ("gone", "finance-1"), ("idle", "ae-2")] {
        let cookie = browsers.signed_in(person).await;
        let mut stream = Stream::open(&browsers.world, &cookie, "/live").await;
        match way {
            "out" => assert_eq!(browsers.post(&cookie, "/sign-out", "").await.status, 200),
            "gone" => {
                let without =
                    |text: String| text.replace(", finance-1", "").replace("| finance-1 ", "| finance-9 ");
                let before = browsers.world.engine.rulebook();
                assert!(browsers.world.engine.replace_rulebook(&before, rules(without)));
            }
            _ => {
                browsers.world.clock.turn(Millis(SESSION_IDLE_MS_MAX / 2));
                // It looks after its session meanwhile, and that is no use of it.
                tokio::time::sleep(Duration::from_millis(LIVE_LOOK_MS + 500)).await;
                browsers.world.clock.turn(Millis(SESSION_IDLE_MS_MAX / 2 + 1));
            }
        }
        stream.ends().await;
        browsers.world.submitted(&format!("k-{way}"), SMALL).await;
        assert!(!stream.text.contains("event: changed"), "{way}: {}", stream.text);
        let answer = browsers.get(&cookie, "/live").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?next=%2Finbox"), "{way}");
    }
}

#[tokio::test]
async fn what_an_open_page_asks_for_by_itself_is_no_use_of_a_session() {
    let browsers = Browsers::start().await;
    let half = Millis(SESSION_IDLE_MS_MAX / 2 + 1);
    for (dest, status) in
        [("sec-fetch-dest: empty\r\n", 303), ("sec-fetch-dest: document\r\n", 200), ("", 200)]
    {
        let cookie = browsers.signed_in("ae-1").await;
        browsers.world.clock.turn(half);
        let mut socket = TcpStream::connect(browsers.world.address).await.expect("a connection");
        let head = format!(
            "GET /inbox HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncookie: {cookie}\r\n{dest}\r\n"
        );
        socket.write_all(head.as_bytes()).await.expect("it is sent");
        let mut text = String::new();
        socket.read_to_string(&mut text).await.expect("an answer");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        browsers.world.clock.turn(half);
        assert_eq!(browsers.get(&cookie, "/inbox").await.status, status, "{dest}");
    }
}

#[tokio::test]
async fn an_inbox_that_cannot_be_read_is_no_page_that_an_open_one_takes_for_its_own() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-1").await;
    browsers.world.store.refuse_lists(true);
    let answer = browsers.get(&cookie, "/inbox").await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    browsers.world.store.refuse_lists(false);
    assert_eq!(browsers.get(&cookie, "/inbox").await.status, 200);
}

#[tokio::test]
async fn a_person_has_only_so_many_streams_and_another_site_none() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-1").await;
    let mut open = Vec::new();
    for _ in 0..LIVE_STREAMS_PER_PERSON_MAX {
        open.push(Stream::open(&browsers.world, &cookie, "/live").await);
    }
    let answer = browsers.get(&cookie, "/live").await;
    answer.is_problem(429, "CS-E0260");
    assert_eq!(answer.header("retry-after"), "1");
    let other = browsers.signed_in("ae-2").await;
    drop(Stream::open(&browsers.world, &other, "/live").await);
    open.pop();
    for _ in 0..500 {
        let stream = Stream::asked(&browsers.world, &cookie, "/live", "").await;
        if stream.text.starts_with("HTTP/1.1 200") {
            let foreign = "sec-fetch-site: same-site\r\n";
            let stream = Stream::asked(&browsers.world, &other, "/live", foreign).await;
            assert!(stream.text.starts_with("HTTP/1.1 403"), "{}", stream.text);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("one that has ended makes no room");
}

#[tokio::test]
async fn a_host_that_stops_ends_its_streams_at_once() {
    let (stop, stopped) = oneshot::channel::<()>();
    let setup = Setup { sign_in: signing(), ..Setup::default() };
    let world = World::until(setup, async { drop(stopped.await) }).await;
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let form = "person=ae-1&password=a+long+enough+password";
    let answer = world.send("", "POST", "/sign-in", &headers, form).await;
    let cookie = answer.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let mut stream = Stream::open(&world, &cookie, "/live").await;
    stop.send(()).expect("the server runs");
    // Sooner than it would look after its session.
    let ended = tokio::time::timeout(Duration::from_millis(900), stream.ends()).await;
    assert!(ended.is_ok(), "{}", stream.text);
}
