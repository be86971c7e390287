//! Signing in to the built program, through an OpenID provider that nobody here wrote and by passwords.

use anyhow::{Context as _, Result};
use countersign_tests::browser::{Browser, Page};
use countersign_tests::host::Host;
use countersign_tests::servers::{CLIENT, CLIENT_SECRET, OpenIdProvider, ScimProvider, free_port, http};
use countersign_tests::world::program;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How often something is looked for that a host does within seconds: 300 times 100 ms.
const LOOKS_MAX: u32 = 300;

/// A host and its provider.
struct Scene {
    house: TempDir,
    base: String,
    _host: Host,
    _provider: OpenIdProvider,
}

impl Scene {
    /// Starts everything; `claim` is what an account is called by.
    fn start(claim: &str) -> Result<Scene> {
        let house = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let base = format!("http://{address}");
        let provider = OpenIdProvider::start(&format!("{base}/sign-in/back"))?;
        run(house.path(), &["init", "--quiet"], "")?;
        let file = house.path().join("countersign.toml");
        let text = format!(
            "[server]\nlisten = \"{address}\"\npublic-address = \"{base}\"\n\n\
             [sign-in]\nissuer = \"{}\"\nclient-id = \"{CLIENT}\"\nclient-secret = \"env:SIGN_IN_SECRET\"\n\
             claim = \"{claim}\"\nallow = [\"127.0.0.0/8\"]\n",
            provider.issuer()
        );
        std::fs::write(&file, text)?;
        let people = house.path().join("people.md");
        let rows = "## Accounts\n\n| person | account |\n|---|---|\n| sales-manager-1 | sam |\n\
                    | sales-manager-1 | sam@example.com |\n| ae-1 | ann |\n| finance-1 | unverified@example.com |\n\n## Pools";
        let text = std::fs::read_to_string(&people)?.replacen("## Pools", rows, 1);
        std::fs::write(&people, text)?;
        let mut host = Host::new(file, address)?;
        host.set("SIGN_IN_SECRET", CLIENT_SECRET);
        host.start()?;
        Ok(Scene { house, base, _host: host, _provider: provider })
    }

    /// Goes through the provider as `name`, wherever the browser is sent from `path`; the page that it ends on.
    fn signed_in(&self, browser: &mut Browser, path: &str, name: &str) -> Result<Page> {
        let page = browser.open(&format!("{}{path}", self.base))?;
        let text = page.text();
        let to = text.split("href=\"/sign-in/provider").nth(1).and_then(|rest| rest.split('"').next());
        let to = to.with_context(|| format!("no way to the provider: {text}"))?;
        let form = browser.open(&format!("{}/sign-in/provider{}", self.base, to.replace("&amp;", "&")))?;
        let text = form.text();
        let action = text.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
        let action = action.with_context(|| format!("no form of the provider: {text}"))?;
        let path = action.find("/interaction").map_or(action, |place| &action[place..]);
        browser.send(&form, path, &[("prompt", "login"), ("login", name), ("password", "x")])
    }
}

/// Runs the program in a folder; what it printed.
fn run(folder: &Path, arguments: &[&str], input: &str) -> Result<String> {
    let mut program = Command::new(program()?);
    program
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = program.env("SIGN_IN_SECRET", CLIENT_SECRET).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// What is there within seconds.
fn soon<T>(what: &str, look: impl Fn() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..LOOKS_MAX {
        if let Some(found) = look()? {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("{what} did not happen in time")
}

#[test]
fn a_person_signs_in_through_the_provider_and_ends_when_people_md_says_so() -> Result<()> {
    let scene = Scene::start("sub")?;
    let mut browser = Browser::default();
    let you = scene.signed_in(&mut browser, "/you", "sam")?;
    assert_eq!(
        (you.answer.status, you.url.as_str()),
        (200, format!("{}/you", scene.base).as_str()),
        "{}",
        you.text()
    );
    assert!(you.text().contains("sales-manager-1") && you.text().contains("as sam"), "{}", you.text());
    let page = browser.send(&you, "/you/terminal", &[])?;
    let text = page.text();
    let token =
        text.split("COUNTERSIGN_TOKEN=").nth(1).and_then(|rest| rest.split('<').next()).context("a token")?;
    let bearer = format!("Bearer {token}");
    let people = || http::get(&format!("{}/v1/people", scene.base), &[("authorization", &bearer)]);
    assert_eq!(people()?.status, 200);
    // Somebody whom the provider knows and this house does not.
    let mut stranger = Browser::default();
    let page = scene.signed_in(&mut stranger, "/you", "eve")?;
    assert_eq!(page.answer.status, 403);
    assert!(page.text().contains("not linked to anybody here"), "{}", page.text());
    assert_eq!(
        stranger.open(&format!("{}/you", scene.base))?.url,
        format!("{}/sign-in?next=%2Fyou", scene.base)
    );
    // The account is taken away: page and terminal end within seconds, without a restart.
    let file: PathBuf = scene.house.path().join("people.md");
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replace("| sales-manager-1 | sam |\n", ""))?;
    soon("the end of the session", || Ok((people()?.status == 401).then_some(())))?;
    assert!(browser.open(&format!("{}/you", scene.base))?.url.ends_with("/sign-in?next=%2Fyou"));
    Ok(())
}

#[test]
fn a_mail_address_counts_only_if_the_provider_has_verified_it() -> Result<()> {
    let scene = Scene::start("email")?;
    let you = scene.signed_in(&mut Browser::default(), "/you", "sam")?;
    assert!(you.text().contains("as sam@example.com"), "{}", you.text());
    let page = scene.signed_in(&mut Browser::default(), "/you", "unverified")?;
    assert_eq!(page.answer.status, 403);
    assert!(page.text().contains("was not taken"), "{}", page.text());
    Ok(())
}

#[test]
fn passwords_and_tokens_that_are_made_and_taken_away_count_within_seconds() -> Result<()> {
    let scene = Scene::start("sub")?;
    let folder = scene.house.path();
    run(folder, &["password", "set", "finance-1"], "a password of some length\n")?;
    assert!(run(folder, &["password", "list"], "")?.contains("finance-1"));
    let mut browser = Browser::default();
    let sign_in = |browser: &mut Browser| {
        let page = browser.open(&format!("{}/sign-in", scene.base))?;
        browser.send(&page, "/sign-in", &[("person", "finance-1"), ("password", "a password of some length")])
    };
    // A look in between would be one try of ten.
    soon("the password", || {
        let page = http::get(&format!("{}/sign-in", scene.base), &[])?;
        Ok(page.text().contains("name=\"password\"").then_some(()))
    })?;
    let inbox = sign_in(&mut browser)?;
    assert_eq!(inbox.url, format!("{}/inbox", scene.base), "{}", inbox.text());
    let you = format!("{}/you", scene.base);
    let text = browser.open(&you)?.text();
    assert!(text.contains("by password"), "{text}");
    run(folder, &["password", "remove", "finance-1"], "")?;
    let open = std::cell::RefCell::new(browser);
    soon("the end of the session", || {
        Ok(open.borrow_mut().open(&you)?.url.contains("/sign-in").then_some(()))
    })?;
    let token = run(folder, &["token", "create", "ae-1", "--quiet"], "")?;
    let bearer = format!("Bearer {}", token.trim());
    let status = || -> Result<u16> {
        Ok(http::get(&format!("{}/v1/people", scene.base), &[("authorization", &bearer)])?.status)
    };
    soon("the token", || Ok((status()? == 200).then_some(())))?;
    run(folder, &["token", "revoke", "ae-1"], "")?;
    soon("its end", || Ok((status()? == 401).then_some(())))
}

#[test]
fn a_joiner_signs_in_and_a_leaver_is_signed_out_by_an_identity_provider_that_is_not_ours() -> Result<()> {
    let scene = Scene::start("email")?;
    let token = run(scene.house.path(), &["token", "create", "idp", "--scope", "provision", "--quiet"], "")?;
    let token = token.trim().to_owned();
    let bearer = format!("Bearer {token}");
    let described = format!("{}/scim/v2/ServiceProviderConfig", scene.base);
    soon("the token", || {
        Ok((http::get(&described, &[("authorization", &bearer)])?.status == 200).then_some(()))
    })?;
    let provider = ScimProvider::new(scene.base.clone(), token);
    // Nobody here knows them before they join.
    let page = scene.signed_in(&mut Browser::default(), "/you", "joiner")?;
    assert_eq!(page.answer.status, 403, "{}", page.text());
    provider.does(&["create", "joiner"])?;
    let mut browser = Browser::default();
    let you = scene.signed_in(&mut browser, "/you", "joiner")?;
    assert!(you.text().contains("as joiner@example.com"), "{}", you.text());
    let text = browser.send(&you, "/you/terminal", &[])?.text();
    let own =
        text.split("COUNTERSIGN_TOKEN=").nth(1).and_then(|rest| rest.split('<').next()).context("a token")?;
    let own = format!("Bearer {own}");
    let read = || Ok(http::get(&format!("{}/v1/intents", scene.base), &[("authorization", &own)])?.status);
    let status: Result<u16> = read();
    assert_eq!(status?, 200);
    // With the answer to the provider the session, the terminal and the way back are over.
    provider.does(&["active", "joiner", "false"])?;
    let status: Result<u16> = read();
    assert_eq!(status?, 401);
    assert!(browser.open(&format!("{}/you", scene.base))?.url.ends_with("/sign-in?next=%2Fyou"));
    // The provider still has a session of its own for this browser, and sends them straight back.
    let page = browser.open(&format!("{}/sign-in/provider", scene.base))?;
    assert_eq!(page.answer.status, 403, "{}", page.text());
    assert!(page.text().contains("not linked to anybody here"), "{}", page.text());
    Ok(())
}
