//! A connector that is written while a development host runs: what changes in its source serves as soon as it is built.

use anyhow::{Context as _, Result, bail, ensure};
use countersign_tests::host::now;
use countersign_tests::servers::free_port;
use countersign_tests::world::program;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the first build may take, which compiles what a connector needs.
const FIRST_MS_MAX: u64 = 180_000;
/// Wait between two looks.
const LOOK_MS: u64 = 20;

/// A development host. Dropping it kills it.
struct Dev {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Dev {
    /// Starts in a folder, with the connector that is written in `source` there.
    fn start(folder: &Path, source: &str) -> Result<Dev> {
        let port = free_port()?;
        let out = |name: &str| File::create(folder.join(name));
        let child = Command::new(program()?)
            .args(["--json", "dev", "--port", &port.to_string(), "--connector", source])
            .current_dir(folder)
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .stdout(out("stdout")?)
            .stderr(out("stderr")?)
            .spawn()?;
        Ok(Dev { child, folder: folder.to_owned(), url: format!("http://127.0.0.1:{port}") })
    }

    fn told(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("stderr"))?)
    }

    /// Waits until it has said this behind the first `after` bytes.
    fn waits_for(&mut self, words: &str, after: usize) -> Result<()> {
        let began = now();
        loop {
            let told = self.told()?;
            if told.get(after..).is_some_and(|new| new.contains(words)) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status}): {told}");
            }
            ensure!(began.elapsed() < Duration::from_millis(FIRST_MS_MAX), "never said `{words}`: {told}");
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
    }

    /// Waits until it has told its tokens.
    fn listens(&mut self) -> Result<()> {
        let began = now();
        while fs::read_to_string(self.folder.join("stdout"))?.trim().is_empty() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status}): {}", self.told()?);
            }
            ensure!(began.elapsed() < Duration::from_millis(FIRST_MS_MAX), "{}", self.told()?);
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        Ok(())
    }

    /// Asks it by the command line, as the operator; what that says either way.
    fn asked(&self, arguments: &[&str]) -> Result<String> {
        // Its log follows.
        let said = fs::read_to_string(self.folder.join("stdout"))?;
        let mut said = serde_json::Deserializer::from_str(&said).into_iter::<serde_json::Value>();
        let said = said.next().context("its tokens")??;
        let tokens = said["tokens"].as_array().context("tokens")?;
        let operator = tokens.iter().find(|one| one["person"] == "integration-1").context("an operator")?;
        let ended = Command::new(program()?)
            .args(arguments)
            .env("COUNTERSIGN_URL", &self.url)
            .env("COUNTERSIGN_TOKEN", operator["token"].as_str().context("a token")?)
            .output()?;
        Ok(String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It has ended by itself if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_written_serves_as_soon_as_it_is_built() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = Command::new(program()?)
        .args(["connector", "new", "acme.orders"])
        .current_dir(folder.path())
        .output()?;
    ensure!(made.status.success(), "{made:?}");
    // Nobody listens there: what is asked is shown all the same.
    let nobody = free_port()?;
    fs::write(
        folder.path().join("countersign.toml"),
        format!(
            "[connection.shop]\nconnector = \"acme.orders\"\nallow = [\"127.0.0.0/8\"]\n\
             [connection.shop.endpoints.api]\nbase = \"http://127.0.0.1:{nobody}\"\nsecret = \"command:echo canary-4711\"\n"
        ),
    )?;
    let mut dev = Dev::start(folder.path(), "acme-orders")?;
    dev.listens()?;
    ensure!(dev.asked(&["connection", "list"])?.contains("acme.orders 0.1.0"), "{}", dev.told()?);
    let source = folder.path().join("acme-orders/src/lib.rs");
    let text = fs::read_to_string(&source)?;
    let asks = |limit: &str| text.replace(".query(\"limit\", 1)", &format!(".query(\"limit\", {limit})"));
    let end = |dev: &Dev| dev.told().map(|told| told.len());

    let said = end(&dev)?;
    fs::write(&source, asks("77"))?;
    dev.waits_for("acme.orders is built anew and serves", said)?;
    let said = end(&dev)?;
    dev.asked(&["connection", "check", "shop"])?;
    dev.waits_for("api: GET /orders/?limit=77 -> transient unreachable", said)?;

    // What cannot be built is said with the compiler's words, and the last one serves on.
    let said = end(&dev)?;
    fs::write(&source, asks("oops"))?;
    dev.waits_for("is not built, and what was there serves on", said)?;
    ensure!(dev.told()?.contains("cannot find value `oops`"), "{}", dev.told()?);
    let said = end(&dev)?;
    dev.asked(&["connection", "check", "shop"])?;
    dev.waits_for("api: GET /orders/?limit=77", said)?;

    // What asks for more waits until somebody grants it.
    let manifest = folder.path().join("acme-orders/connector.toml");
    let granted = fs::read_to_string(&manifest)?;
    fs::write(&source, asks("78"))?;
    fs::write(&manifest, granted.replace("\"/orders/*\"]", "\"/orders/*\", \"/refunds\"]"))?;
    dev.waits_for("start `countersign dev` again to grant it", said)?;
    ensure!(dev.told()?.contains("endpoint `api`: GET /refunds"), "{}", dev.told()?);
    ensure!(!dev.told()?.contains("canary-4711"), "nobody is shown a secret");
    Ok(())
}
