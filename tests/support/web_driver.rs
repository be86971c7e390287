//! A browser that a test uses as a person does, through the WebDriver protocol and the one command that Chromium has
//! besides. Everything goes over plain HTTP on this machine. The tests of a process share the browsers, one test at a
//! time: to start one takes longer than most of what is done in it.

use crate::servers::ChromeDriver;
use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value as Json, json};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for one command: a browser that starts beside a build takes some seconds.
const COMMAND_MS_MAX: u64 = 60_000;
/// Longest wait for a page, and for a script: less than a command may take, so that the browser says what it was.
const PAGE_MS_MAX: u64 = 40_000;

/// Longest wait for a browser to close.
const CLOSE_MS_MAX: u64 = 10_000;

/// What makes Chromium run alone, without a screen, as whoever runs the tests, and ask nobody for anything.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// The member of an answer that names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether pages may run scripts. What a test itself asks of a page runs either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// They may.
    On,
    /// The person has switched them off.
    Off,
}

/// A key that is no letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To what comes next.
    Tab,
    /// Follows a link, sends a form.
    Enter,
    /// Presses a button, opens a fold.
    Space,
    /// Closes what lies on the page.
    Escape,
    /// Held while another one is pressed.
    Control,
}

impl Key {
    fn code(self) -> char {
        match self {
            Key::Tab => '\u{e004}',
            Key::Enter => '\u{e007}',
            Key::Space => ' ',
            Key::Escape => '\u{e00c}',
            Key::Control => '\u{e009}',
        }
    }
}

/// Something on a page; the same thing has the same id for as long as its page is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element(String);

/// The browsers of a process.
#[derive(Debug)]
pub struct Browsers {
    driver: Arc<ChromeDriver>,
    idle: Mutex<Vec<Session>>,
}

impl Browsers {
    /// Those that the tests of a process share; they end with the last of them.
    ///
    /// # Errors
    /// Those of [`ChromeDriver::start`].
    pub fn shared() -> Result<Arc<Browsers>> {
        static SHARED: Mutex<Weak<Browsers>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let driver = Arc::new(ChromeDriver::start()?);
        let started = Arc::new(Browsers { driver, idle: Mutex::default() });
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// One for oneself, which knows nothing of anybody before.
    ///
    /// # Errors
    /// It does not start.
    pub async fn one(self: Arc<Browsers>, scripts: Scripts) -> Result<Browser> {
        // One that was left in the middle of something may be good for nothing.
        while let Some(mut session) = self.left(scripts) {
            if session.renew().await.is_ok() {
                return Ok(Browser { session: Some(session), browsers: self });
            }
        }
        let session = Session::open(Arc::clone(&self.driver), scripts).await?;
        Ok(Browser { session: Some(session), browsers: self })
    }

    fn left(&self, scripts: Scripts) -> Option<Session> {
        let mut idle = self.idle();
        let place = idle.iter().position(|session| session.scripts == scripts)?;
        Some(idle.swap_remove(place))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A browser, for as long as a test has it.
#[derive(Debug)]
pub struct Browser {
    /// There until it is left.
    session: Option<Session>,
    browsers: Arc<Browsers>,
}

impl Deref for Browser {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("a browser has its session until it is dropped")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.browsers.idle().push(session);
        }
    }
}

/// What a browser is asked: a window and what it keeps. Dropping it closes it.
#[derive(Debug)]
pub struct Session {
    driver: Arc<ChromeDriver>,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Where its commands go.
    address: String,
    scripts: Scripts,
    _profile: TempDir,
}

impl Session {
    async fn open(driver: Arc<ChromeDriver>, scripts: Scripts) -> Result<Session> {
        let profile = TempDir::with_prefix("countersign-chromium-")?;
        let own = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([own.as_str()]).collect();
        let settings = match scripts {
            Scripts::On => json!({}),
            Scripts::Off => json!({ "profile.managed_default_content_settings.javascript": 2 }),
        };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "implicit": 0, "pageLoad": PAGE_MS_MAX, "script": PAGE_MS_MAX },
            "goog:chromeOptions": { "args": arguments, "prefs": settings },
        } } });
        let address = format!("{}/session", driver.base_url());
        let mut session = Session { driver, client: client(), address, scripts, _profile: profile };
        let answer = session.command("POST", "", Some(wanted)).await?;
        let id = answer["sessionId"].as_str().with_context(|| format!("no session: {answer}"))?;
        session.address = format!("{}/{id}", session.address);
        Ok(session)
    }

    /// Makes it one that nobody has used: another window, which has been nowhere, and nothing that was kept.
    async fn renew(&mut self) -> Result<()> {
        // Its connections ended with the test before, and what drove them.
        self.client = client();
        let window = self.command("POST", "/window/new", Some(json!({ "type": "tab" }))).await?;
        self.command("DELETE", "/window", None).await?;
        self.command("POST", "/window", Some(json!({ "handle": window["handle"] }))).await?;
        self.devtools("Network.clearBrowserCookies", json!({})).await?;
        self.devtools("Network.clearBrowserCache", json!({})).await.map(drop)
    }

    /// One command; what the driver answers.
    async fn command(&self, method: &str, path: &str, body: Option<Json>) -> Result<Json> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("content-type", "application/json")
            .body(Full::from(body))?;
        let answered = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            anyhow::Ok((head.status, body.collect().await?.to_bytes()))
        };
        let answered = tokio::time::timeout(Duration::from_millis(COMMAND_MS_MAX), answered).await;
        let (status, bytes) = match answered {
            Ok(answered) => answered.with_context(|| format!("{method} {path}"))?,
            Err(_) => bail!("{method} {path}: nothing after {COMMAND_MS_MAX} ms: {}", self.driver.log_tail()),
        };
        let mut answer: Json =
            serde_json::from_slice(&bytes).with_context(|| format!("{method} {path}: {status}"))?;
        let value = answer["value"].take();
        if !status.is_success() {
            // Behind its first line stand the browser's version and where it was in its own code.
            let words = value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
            bail!("{method} {path}: {}: {words}", value["error"].as_str().unwrap_or("no reason"));
        }
        Ok(value)
    }

    async fn get(&self, path: &str) -> Result<String> {
        let value = self.command("GET", path, None).await?;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// Opens an address, as if somebody had typed it.
    pub async fn go(&self, address: &str) -> Result<()> {
        self.command("POST", "/url", Some(json!({ "url": address }))).await.map(drop)
    }

    /// Goes back to the page before.
    pub async fn back(&self) -> Result<()> {
        self.command("POST", "/back", Some(json!({}))).await.map(drop)
    }

    /// Loads the page again; one that came of a form is asked for with its form.
    pub async fn again(&self) -> Result<()> {
        self.command("POST", "/refresh", Some(json!({}))).await.map(drop)
    }

    /// Where it is.
    pub async fn address(&self) -> Result<String> {
        self.get("/url").await
    }

    /// Everything on the page that an XPath finds, in the order of the page.
    pub async fn all(&self, xpath: &str) -> Result<Vec<Element>> {
        let found =
            self.command("POST", "/elements", Some(json!({ "using": "xpath", "value": xpath }))).await?;
        found.as_array().context("a list of elements")?.iter().map(element).collect()
    }

    /// The one thing on the page that an XPath finds.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub async fn one(&self, xpath: &str) -> Result<Element> {
        let mut found = self.all(xpath).await?;
        ensure!(found.len() == 1, "{} times on the page: {xpath}", found.len());
        found.pop().context("one")
    }

    /// What the keyboard goes to.
    pub async fn focused(&self) -> Result<Element> {
        element(&self.command("GET", "/element/active", None).await?)
    }

    /// The text of an element, as it is shown.
    pub async fn text(&self, element: &Element) -> Result<String> {
        let text = self.script("return arguments[0].innerText", &[named(element)]).await?;
        Ok(text.as_str().context("an element has a text")?.to_owned())
    }

    /// An element as a script of the test takes it.
    #[must_use]
    pub fn named(&self, element: &Element) -> Json {
        named(element)
    }

    /// Everything that the page says.
    pub async fn told(&self) -> Result<String> {
        let text = self.script("return document.body.innerText", &[]).await?;
        Ok(text.as_str().context("a page has a text")?.to_owned())
    }

    /// Whether somebody sees it.
    pub async fn is_shown(&self, element: &Element) -> Result<bool> {
        let shown = self.script("return arguments[0].checkVisibility()", &[named(element)]).await?;
        Ok(shown == json!(true))
    }

    /// What stands in a field.
    pub async fn value(&self, element: &Element) -> Result<String> {
        self.get(&format!("/element/{}/property/value", element.0)).await
    }

    /// Clicks in the middle of something.
    ///
    /// # Errors
    /// It is hidden, or something else lies on it.
    pub async fn click(&self, element: &Element) -> Result<()> {
        self.command("POST", &format!("/element/{}/click", element.0), Some(json!({}))).await.map(drop)
    }

    /// Clicks so often in the middle of something, as fast as a hand that is impatient.
    pub async fn click_times(&self, element: &Element, times: usize) -> Result<()> {
        let to = json!({ "type": "pointerMove", "duration": 0, "origin": named(element), "x": 0, "y": 0 });
        let click = |_| {
            [
                json!({ "type": "pointerDown", "button": 0 }),
                json!({ "type": "pointerUp", "button": 0 }),
                json!({ "type": "pause", "duration": 60 }),
            ]
        };
        let actions: Vec<Json> = [to].into_iter().chain((0..times).flat_map(click)).collect();
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.command("POST", "/actions", Some(json!({ "actions": [mouse] }))).await.map(drop)
    }

    /// Presses a key.
    pub async fn press(&self, key: Key) -> Result<()> {
        self.keys(&[key.code()]).await
    }

    /// Presses keys that are held together until the last of them is down.
    pub async fn press_together(&self, keys: &[Key]) -> Result<()> {
        let down = keys.iter().map(|key| json!({ "type": "keyDown", "value": key.code() }));
        let up = keys.iter().rev().map(|key| json!({ "type": "keyUp", "value": key.code() }));
        self.keyboard(down.chain(up).collect()).await
    }

    /// Types a text into whatever the keyboard goes to.
    pub async fn types(&self, text: &str) -> Result<()> {
        self.keys(&text.chars().collect::<Vec<_>>()).await
    }

    async fn keys(&self, keys: &[char]) -> Result<()> {
        let key = |key: &char| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        };
        self.keyboard(keys.iter().flat_map(key).collect()).await
    }

    async fn keyboard(&self, actions: Vec<Json>) -> Result<()> {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("POST", "/actions", Some(json!({ "actions": [keyboard] }))).await.map(drop)
    }

    /// Looks at the page by a script of the test, which returns something.
    pub async fn script(&self, script: &str, arguments: &[Json]) -> Result<Json> {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/sync", Some(body)).await
    }

    /// The same by a script that calls its last argument when it is ready.
    pub async fn script_until(&self, script: &str, arguments: &[Json]) -> Result<Json> {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/async", Some(body)).await
    }

    /// Tells the browser something that WebDriver has no word for.
    pub async fn devtools(&self, command: &str, parameters: Json) -> Result<Json> {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("POST", "/goog/cdp/execute", Some(body)).await
    }

    /// A picture of the whole page, as PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        let how = json!({ "format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true });
        let picture = self.devtools("Page.captureScreenshot", how).await?;
        let text = picture["data"].as_str().context("a picture")?;
        Ok(BASE64.decode(text.as_bytes())?)
    }

    /// Goes into a frame of the page.
    pub async fn enter(&self, frame: &Element) -> Result<()> {
        self.command("POST", "/frame", Some(json!({ "id": named(frame) }))).await.map(drop)
    }

    /// Forgets everything that it keeps for the host that it is at.
    pub async fn forget(&self) -> Result<()> {
        self.command("DELETE", "/cookie", None).await.map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let address = self.address.clone();
        // Whoever drops it may be in the middle of a runtime, and cannot wait there.
        let closed = std::thread::spawn(move || close(&address)).join();
        // If it is gone already, that is what is wanted; if not, it ends with the driver.
        drop(closed);
    }
}

/// Closes the session at an address.
fn close(address: &str) -> Result<()> {
    let request = Request::delete(address).body(Full::<Bytes>::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let closed = client().request(request);
        tokio::time::timeout(Duration::from_millis(CLOSE_MS_MAX), closed).await??;
        Ok(())
    })
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn named(element: &Element) -> Json {
    json!({ ELEMENT: element.0 })
}

fn element(found: &Json) -> Result<Element> {
    let id = found[ELEMENT].as_str().with_context(|| format!("no element: {found}"))?;
    Ok(Element(id.to_owned()))
}
