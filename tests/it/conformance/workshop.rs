//! A connector that is written while a development host runs: what changes in its source serves as soon as it is built.

use anyhow::{Context as _, Result, bail, ensure};
use countersign_tests::host::now;
use countersign_tests::servers::free_port;
use countersign_tests::world::program;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
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
    out: PathBuf,
    url: String,
}

impl Dev {
    /// Starts in a folder, with the connector that is written in `source` there; what it says goes to `out`.
    fn start(folder: &Path, source: &str, out: &Path) -> Result<Dev> {
        let port = free_port()?;
        let told = |name: &str| File::create(out.join(name));
        let child = Command::new(program()?)
            .args(["--json", "dev", "--port", &port.to_string(), "--connector", source])
            .current_dir(folder)
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .stdout(told("stdout")?)
            .stderr(told("stderr")?)
            .spawn()?;
        Ok(Dev { child, out: out.to_owned(), url: format!("http://127.0.0.1:{port}") })
    }

    fn told(&self) -> Result<String> {
        Ok(fs::read_to_string(self.out.join("stderr"))?)
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
        while fs::read_to_string(self.out.join("stdout"))?.trim().is_empty() {
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
        let said = fs::read_to_string(self.out.join("stdout"))?;
        let mut said = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
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

/// A shop with one order, which is cancelled by whoever asks for it.
struct Shop {
    listener: TcpListener,
}

impl Shop {
    fn open() -> Result<(Shop, u16)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        Ok((Shop { listener }, port))
    }

    /// Answers until the test ends.
    fn serve(&self) {
        let mut order = json!({"status": "open", "version": 1});
        for stream in self.listener.incoming().flatten() {
            if let Err(fault) = Shop::answer(stream, &mut order) {
                panic!("the shop breaks: {fault:#}");
            }
        }
    }

    fn answer(stream: TcpStream, order: &mut Value) -> Result<()> {
        let mut reader = BufReader::new(&stream);
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line)?;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            match header.trim().to_lowercase().split_once(": ") {
                Some(("content-length", bytes)) => length = bytes.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let said = if line.starts_with("POST /orders/7/cancel ") {
            let wish: Value = serde_json::from_slice(&body)?;
            let (reason, reference) = (&wish["reason"], &wish["reference"]);
            *order = json!({"status": "cancelled", "version": 2, "reason": reason, "reference": reference});
            order.to_string()
        } else if line.starts_with("GET /orders/7 ") {
            order.to_string()
        } else {
            "[]".to_owned()
        };
        let head =
            format!("content-type: application/json\r\nconnection: close\r\ncontent-length: {}", said.len());
        Ok(write!(&stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{said}")?)
    }
}

/// A new connector with its example, completed by the starter's rules, whose target is a shop on this machine.
fn new_project(folder: &Path, port: u16) -> Result<PathBuf> {
    let countersign = |arguments: &[&str], at: &Path| -> Result<()> {
        let ended = Command::new(program()?).args(arguments).current_dir(at).output()?;
        ensure!(ended.status.success(), "{ended:?}");
        Ok(())
    };
    countersign(&["connector", "new", "acme.orders"], folder)?;
    let project = folder.join("acme-orders");
    countersign(&["init"], &project.join("example"))?;
    let configuration = project.join("example/countersign.toml");
    let text = fs::read_to_string(&configuration)?;
    let ours =
        text.replace(":9377\"", &format!(":{port}\"")).replace("env:ACME_KEY", "command:echo canary-4711");
    ensure!(ours.contains(&format!(":{port}\"")) && ours.contains("canary-4711"), "{text}");
    fs::write(&configuration, ours)?;
    Ok(project)
}

#[test]
fn what_is_written_serves_as_soon_as_it_is_built() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (shop, port) = Shop::open()?;
    std::thread::spawn(move || shop.serve());
    let project = new_project(folder.path(), port)?;
    let mut dev = Dev::start(&project.join("example"), "..", folder.path())?;
    dev.listens()?;
    ensure!(dev.asked(&["connection", "list"])?.contains("acme.orders 0.1.0"), "{}", dev.told()?);
    // What the example lets somebody ask for lands.
    let wish = ["intent", "submit", "order_cancellation", "--set", "order_id=7", "--set", "reason=sold out"];
    dev.asked(&wish)?;
    dev.waits_for("-> 200 {\"reason\":\"sold out\"", 0)?;

    let source = project.join("src/lib.rs");
    let text = fs::read_to_string(&source)?;
    let asks = |limit: &str| text.replace(".query(\"limit\", 1)", &format!(".query(\"limit\", {limit})"));
    let end = |dev: &Dev| dev.told().map(|told| told.len());

    let said = end(&dev)?;
    fs::write(&source, asks("77"))?;
    dev.waits_for("acme.orders is built anew and serves", said)?;
    let said = end(&dev)?;
    dev.asked(&["connection", "check", "target"])?;
    dev.waits_for("api: GET /orders/?limit=77 -> 200 []", said)?;

    // What cannot be built is said with the compiler's words, and the last one serves on.
    let said = end(&dev)?;
    fs::write(&source, asks("oops"))?;
    dev.waits_for("is not built, and what was there serves on", said)?;
    ensure!(dev.told()?.contains("cannot find value `oops`"), "{}", dev.told()?);
    let said = end(&dev)?;
    dev.asked(&["connection", "check", "target"])?;
    dev.waits_for("api: GET /orders/?limit=77", said)?;

    // What asks for more waits until somebody grants it.
    let manifest = project.join("connector.toml");
    let granted = fs::read_to_string(&manifest)?;
    fs::write(&source, asks("78"))?;
    fs::write(&manifest, granted.replace("\"/orders/*\"]", "\"/orders/*\", \"/refunds\"]"))?;
    dev.waits_for("start `countersign dev` again to grant it", said)?;
    ensure!(dev.told()?.contains("endpoint `api`: GET /refunds"), "{}", dev.told()?);
    ensure!(!dev.told()?.contains("canary-4711"), "nobody is shown a secret");
    Ok(())
}
