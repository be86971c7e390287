//! Somebody with a browser, who does everything by what the page shows: links, buttons, folds and fields by their
//! names.

use crate::house::PASSWORD;
use anyhow::{Context as _, Result, bail, ensure};
use countersign_tests::web_driver::{Browser, Element, Key, Scripts};
use serde_json::json;
use std::time::Duration;

/// How somebody uses a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// With a mouse.
    Mouse,
    /// With the keyboard, and nothing else.
    Keyboard,
    /// With a mouse, and scripts switched off.
    WithoutScripts,
}

impl Hand {
    /// Whether pages may run scripts.
    pub(crate) fn scripts(self) -> Scripts {
        match self {
            Hand::Mouse | Hand::Keyboard => Scripts::On,
            Hand::WithoutScripts => Scripts::Off,
        }
    }
}

/// More steps of the keyboard than any page of the house has.
const STEPS_MAX: usize = 120;
/// How often a page is looked at until it says something: 200 times 50 ms.
const LOOKS_MAX: u32 = 200;
const LOOK_MS: u64 = 50;

/// Whether what the keyboard goes to is seen, and seen to be it: it has an outline, no part of it is outside of what
/// the window shows, and nothing lies on it.
const FOCUS: &str = "
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    const middle = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return {
        what: at.outerHTML.slice(0, 120),
        outlined: style.outlineStyle !== 'none' && 2 <= parseFloat(style.outlineWidth),
        inside: 0 <= box.left && 0 <= box.top && box.right <= innerWidth && box.top < innerHeight,
        free: middle !== null && (at.contains(middle) || middle.contains(at)),
    };";

/// Somebody.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) session: Browser,
    pub(crate) hand: Hand,
    pub(crate) base: String,
}

/// A name as an XPath compares it; no name of the console holds an apostrophe.
fn named(what: &str, name: &str) -> String {
    format!("//{what}[normalize-space()='{name}']")
}

impl Visitor {
    /// Opens a page of the host.
    pub(crate) async fn goes(&self, path: &str) -> Result<()> {
        self.session.go(&format!("{}{path}", self.base)).await
    }

    /// Follows a link.
    pub(crate) async fn follows(&self, name: &str) -> Result<()> {
        let link = self.shown(&named("a", name)).await?;
        self.does(&link, Key::Enter).await
    }

    /// Presses a button.
    pub(crate) async fn presses(&self, name: &str) -> Result<()> {
        let button = self.shown(&named("button", name)).await?;
        self.does(&button, Key::Space).await
    }

    /// Opens what is folded.
    pub(crate) async fn opens(&self, name: &str) -> Result<()> {
        let fold = self.shown(&named("summary", name)).await?;
        self.does(&fold, Key::Enter).await
    }

    /// Writes into the field with this label; whatever stood in it stays before it.
    pub(crate) async fn writes(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label).await?;
        match self.hand {
            Hand::Mouse | Hand::WithoutScripts => self.session.click(&field).await?,
            Hand::Keyboard => self.reaches(&field).await?,
        }
        self.session.types(text).await
    }

    /// Chooses the first of several ways, which is called so.
    pub(crate) async fn chooses(&self, name: &str) -> Result<()> {
        let of = format!("//label[span[starts-with(normalize-space(), '{name}')]]/input");
        let way = self.shown(&of).await?;
        self.does(&way, Key::Space).await
    }

    /// What stands in the field with this label.
    pub(crate) async fn reads(&self, label: &str) -> Result<String> {
        self.session.value(&self.field(label).await?).await
    }

    async fn field(&self, label: &str) -> Result<Element> {
        self.shown(&format!("//*[@id={}/@for]", named("label", label))).await
    }

    /// The one thing of these that is seen.
    async fn shown(&self, xpath: &str) -> Result<Element> {
        let mut shown = Vec::new();
        for element in self.session.all(xpath).await? {
            if self.session.is_shown(&element).await? {
                shown.push(element);
            }
        }
        if shown.len() != 1 {
            bail!("{} times on the page: {xpath}\n{}", shown.len(), self.told().await?);
        }
        shown.pop().context("one")
    }

    async fn does(&self, element: &Element, key: Key) -> Result<()> {
        match self.hand {
            Hand::Mouse | Hand::WithoutScripts => self.session.click(element).await,
            Hand::Keyboard => {
                self.reaches(element).await?;
                self.session.press(key).await
            }
        }
    }

    /// Goes on from wherever the keyboard is until it is there; each stop on the way can be seen.
    async fn reaches(&self, element: &Element) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if self.session.focused().await? == *element {
                return Ok(());
            }
            self.session.press(Key::Tab).await?;
            let focus = self.session.script(FOCUS, &[]).await?;
            // Between the last thing of a page and the first one the keyboard is with the browser itself.
            if focus["what"].as_str().is_some_and(|what| what.starts_with("<body")) {
                continue;
            }
            let seen = ["outlined", "inside", "free"].iter().all(|what| focus[what] == json!(true));
            ensure!(seen, "where the keyboard is cannot be seen: {focus}");
        }
        bail!("the keyboard does not get there:\n{}", self.told().await?)
    }

    /// Everything that the page says.
    pub(crate) async fn told(&self) -> Result<String> {
        self.session.told().await
    }

    /// Waits until the page says this.
    pub(crate) async fn is_told(&self, words: &str) -> Result<()> {
        let mut last = None;
        for _ in 0..LOOKS_MAX {
            // A page that goes away while it is read is no answer.
            let told = self.told().await;
            if told.as_ref().is_ok_and(|told| told.contains(words)) {
                return Ok(());
            }
            last = Some(told);
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        bail!("nobody is told `{words}` at {}:\n{last:?}", self.session.address().await?)
    }

    /// Whether the page says this.
    pub(crate) async fn says(&self, words: &str) -> Result<bool> {
        Ok(self.told().await?.contains(words))
    }

    /// The address below the host.
    pub(crate) async fn path(&self) -> Result<String> {
        let address = self.session.address().await?;
        let path = address.strip_prefix(&self.base);
        Ok(path.with_context(|| format!("it is elsewhere: {address}"))?.to_owned())
    }

    /// Fills in the form of the page where one signs in, and sends it.
    pub(crate) async fn knocks(&self, person: &str) -> Result<()> {
        self.writes("Person", person).await?;
        self.writes("Password", PASSWORD).await?;
        self.presses("Sign in").await
    }

    /// The same, and is let in.
    pub(crate) async fn signs_in(&self, person: &str) -> Result<()> {
        self.knocks(person).await?;
        self.is_told(person).await
    }

    /// Begins at the inbox, signed in.
    pub(crate) async fn begins(&self, person: &str) -> Result<()> {
        self.goes("/").await?;
        self.signs_in(person).await?;
        self.is_told("Waiting for you").await
    }

    /// Gives the browser to somebody else.
    pub(crate) async fn becomes(&self, person: &str) -> Result<()> {
        self.presses("Sign out").await?;
        self.is_told("You are signed out").await?;
        self.follows("Sign in").await?;
        self.signs_in(person).await?;
        self.is_told("Waiting for you").await
    }
}
