//! Every page, on a small and on a large screen, light and dark: whether everybody can use it.
//!
//! A picture of each is kept below the target folder, for eyes.

use crate::house::{House, PASSWORD};
use crate::looks::{BEHIND, By, LOOKS, Look, NOBODY, Scene, is_of};
use crate::visitor::{Hand, Visitor};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_server::console::PAGES;
use countersign_tests::servers::axe;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The least width and height of what is clicked.
const TARGET_PX_MIN: u32 = 24;
/// How high the screens are.
const HEIGHT_PX: u32 = 900;

/// What axe looks at: all of WCAG 2.2 up to AA, and what its makers think good besides.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] }).then(
        found => done({
            rules: found.passes.length,
            broken: found.violations.map(rule => rule.id + ': ' + rule.help + ': '
                + rule.nodes.map(node => node.html.slice(0, 160)).join(' | ')),
        }),
        fault => done({ rules: 0, broken: [String(fault)] }),
    );";

/// Opens every fold of a page: what is hidden is not looked at. The menu's lies over the page, and is looked at by itself.
const UNFOLD: &str = "document.querySelectorAll('main details').forEach(fold => { fold.open = true; });";

/// What axe does not see: something that is wider than the screen, and something that is too small to be hit.
const MEASURE: &str = "
    const [width, least] = arguments, wide = [], small = [];
    for (const part of document.body.querySelectorAll('*')) {
        const box = part.getBoundingClientRect();
        // What stands outside to the left is there for those who listen, or until the keyboard is on it.
        if (0 < box.width && 0 < box.right && width + 0.5 < box.right) wide.push(part.outerHTML.slice(0, 120));
    }
    for (const part of document.querySelectorAll('a[href], button, summary, input:not([type=hidden]), textarea, select')) {
        const box = part.getBoundingClientRect();
        if (0 < box.width && 0 < box.right && (box.width < least || box.height < least))
            small.push(Math.round(box.width) + 'x' + Math.round(box.height) + ' ' + part.outerHTML.slice(0, 120));
    }
    return {
        width: innerWidth, whole: document.documentElement.scrollWidth, wide, small,
        dark: matchMedia('(prefers-color-scheme: dark)').matches, paper: getComputedStyle(document.body).backgroundColor,
    };";

/// The two schemes, and the paper of each.
const SCHEMES: [(&str, &str); 2] = [("light", "rgb(253, 253, 252)"), ("dark", "rgb(21, 24, 27)")];

#[test]
fn every_page_of_the_console_is_looked_at() {
    let pages: BTreeSet<String> = PAGES.iter().map(|page| format!("{} {}", page.method, page.path)).collect();
    let looked: BTreeSet<String> = LOOKS.iter().map(|look| look.page.to_owned()).collect();
    for (page, shown) in BEHIND {
        assert!(looked.contains(shown), "nobody looks at {shown}, which shows what comes of {page}");
    }
    let looked: BTreeSet<String> =
        looked.into_iter().chain(BEHIND.map(|(page, _)| page.to_owned())).collect();
    let unseen: Vec<&String> = pages.difference(&looked).collect();
    assert!(
        unseen.is_empty(),
        "nobody looks at {unseen:?}: add a row to `LOOKS` in tests/it/browser/looks.rs"
    );
    let gone: Vec<&String> = looked.difference(&pages).collect();
    assert!(gone.is_empty(), "there are no such pages: {gone:?}");
}

#[test]
fn a_request_is_of_one_page() {
    for (asked, page, is) in [
        ("GET /", "GET /", true),
        ("GET /inbox?cursor=x", "GET /inbox", true),
        ("GET /intents/int_1", "GET /intents/{id}", true),
        ("GET /intents/int_1", "GET /intents", false),
        ("GET /intents", "GET /intents/{id}", false),
        ("GET /intents/int_1/decisions", "GET /intents/{id}", false),
        ("POST /intents/int_1/decisions", "GET /intents/{id}/decisions", false),
    ] {
        assert_eq!(is_of(asked, page), is, "{asked}, {page}");
    }
}

#[tokio::test]
async fn everybody_can_use_every_page_on_a_small_screen() -> Result<()> {
    every_page(360).await
}

#[tokio::test]
async fn everybody_can_use_every_page_on_a_large_screen() -> Result<()> {
    every_page(1280).await
}

/// What is folded in the menu, and what is seen behind each.
const MENU: [(&str, &str); 5] = [
    ("People", "What could not be decided"),
    ("Audit", "Name an intent."),
    ("Reconciliation", "Of no write it is known"),
    ("Connectors", "The programs that speak"),
    ("You", "by password"),
];

#[tokio::test]
async fn what_is_folded_in_the_menu_is_reached_by_the_keyboard_on_every_screen() -> Result<()> {
    let house = House::open().await?;
    let visitor = house.visitor(Hand::Keyboard).await?;
    visitor.begins("sales-manager-1").await?;
    let axe = axe()?;
    for width in [360, 1280] {
        let screen = json!({ "width": width, "height": HEIGHT_PX, "deviceScaleFactor": 1, "mobile": false });
        visitor.session.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        visitor.goes("/inbox").await?;
        visitor.opens("More").await?;
        visitor.session.script(&axe, &[]).await?;
        let folder = pictures(&format!("menu-{width}"))?;
        for (scheme, paper) in SCHEMES {
            let faults = used(&visitor, width, scheme, paper).await?;
            ensure!(faults.is_empty(), "the open menu at {width} px, {scheme}: {faults:#?}");
            std::fs::write(folder.join(format!("{scheme}.png")), visitor.session.picture().await?)?;
        }
        for (name, says) in MENU {
            visitor.goes("/inbox").await?;
            visitor.opens("More").await?;
            visitor.follows(name).await?;
            visitor.is_told(says).await?;
        }
    }
    Ok(())
}

async fn every_page(width: u32) -> Result<()> {
    let scene = Scene::set().await?;
    let folder = pictures(&width.to_string())?;
    let visitor = scene.house.visitor(Hand::Mouse).await?;
    let screen = json!({ "width": width, "height": HEIGHT_PX, "deviceScaleFactor": 1, "mobile": false });
    visitor.session.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
    let axe = axe()?;
    let (mut who, mut faults) = (NOBODY, Vec::new());
    for (number, look) in LOOKS.iter().enumerate() {
        if look.who != who {
            who = look.who;
            comes(&scene, &visitor, who).await?;
        }
        match taken(&scene, &visitor, look).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(fault) => {
                faults.push(format!("{look:?}: {fault:#}"));
                continue;
            }
        }
        visitor.session.script(&axe, &[]).await?;
        visitor.session.script(UNFOLD, &[]).await?;
        for (scheme, paper) in SCHEMES {
            let name = format!("{number:02}-{}-{scheme}", slug(look.page));
            for fault in used(&visitor, width, scheme, paper).await.with_context(|| format!("{look:?}"))? {
                faults.push(format!("{name} ({}): {fault}", look.says));
            }
            std::fs::write(folder.join(format!("{name}.png")), visitor.session.picture().await?)?;
        }
    }
    ensure!(faults.is_empty(), "{} faults at {width} px:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// Lets somebody else look.
async fn comes(scene: &Scene, visitor: &Visitor, who: &str) -> Result<()> {
    visitor.session.forget().await?;
    if who == NOBODY {
        return Ok(());
    }
    // They have another session elsewhere, which a page shows and ends.
    let form = format!("person={who}&password={}", PASSWORD.replace(' ', "+"));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let answer = scene.house.world.send("", "POST", "/sign-in", &headers, &form).await;
    ensure!(answer.status == 303, "{who}: {}", answer.text);
    visitor.begins(who).await
}

/// Takes a look; says whether what is shown is a page of its own.
async fn taken(scene: &Scene, visitor: &Visitor, look: &Look) -> Result<bool> {
    let wire = &scene.house.wire;
    let is_page = match look.by {
        By::Address(address) | By::Way(address) => {
            wire.asked();
            visitor.goes(&scene.address(address)?).await?;
            matches!(look.by, By::Address(_))
        }
        By::Form(sent) => {
            visitor.goes(&scene.address(sent.at)?).await?;
            if !sent.fold.is_empty() {
                visitor.opens(sent.fold).await?;
            }
            for (label, words) in sent.words {
                visitor.writes(label, words).await?;
            }
            wire.asked();
            visitor.presses(sent.button).await?;
            true
        }
        By::Part => {
            // A browser keeps it.
            visitor.session.devtools("Network.clearBrowserCache", json!({})).await?;
            wire.asked();
            visitor.session.again().await?;
            false
        }
    };
    visitor.is_told(look.says).await?;
    let asked = wire.asked();
    ensure!(asked.iter().any(|asked| is_of(asked, look.page)), "{} was not asked for: {asked:?}", look.page);
    Ok(is_page)
}

/// What keeps somebody from using the page that is shown.
async fn used(visitor: &Visitor, width: u32, scheme: &str, paper: &str) -> Result<Vec<String>> {
    let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    visitor.session.devtools("Emulation.setEmulatedMedia", media).await?;
    let seen = visitor.session.script(MEASURE, &[json!(width), json!(TARGET_PX_MIN)]).await?;
    let as_set = (&seen["width"], &seen["dark"], &seen["paper"])
        == (&json!(width), &json!(scheme == "dark"), &json!(paper));
    ensure!(as_set, "it is not shown at {width} px, {scheme}: {seen}");
    let mut faults = Vec::new();
    if seen["whole"].as_u64().is_none_or(|whole| u64::from(width) < whole) {
        faults.push(format!("it is {} px wide", seen["whole"]));
    }
    faults.extend(list(&seen["wide"])?.map(|part| format!("too wide: {part}")));
    faults.extend(list(&seen["small"])?.map(|part| format!("too small: {part}")));
    faults.extend(violations(visitor).await?);
    Ok(faults)
}

/// What axe, which the page was given, finds on it.
pub(crate) async fn violations(visitor: &Visitor) -> Result<Vec<String>> {
    let found = visitor.session.script_until(AXE, &[json!(TAGS)]).await?;
    // A run that looks at nothing finds nothing.
    ensure!(found["rules"].as_u64().is_some_and(|rules| 10 < rules), "axe has not looked: {found}");
    Ok(list(&found["broken"])?.map(str::to_owned).collect())
}

fn list(found: &Json) -> Result<impl Iterator<Item = &str>> {
    Ok(found.as_array().with_context(|| format!("no list: {found}"))?.iter().filter_map(Json::as_str))
}

/// Where the pictures of one width go: an empty folder.
fn pictures(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console").join(name);
    match std::fs::remove_dir_all(&folder) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => bail!("{}: {fault}", folder.display()),
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A page as a name of a file.
fn slug(page: &str) -> String {
    let letters = page.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), " ");
    letters.split_whitespace().collect::<Vec<_>>().join("-")
}
