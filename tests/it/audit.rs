//! The log of a real host, noted elsewhere: proved while it runs, and found out where an old copy stands in its place.

#[path = "audit/anchors.rs"]
mod anchors;
#[path = "audit/evidence.rs"]
mod evidence;

use anyhow::{Context as _, Result, ensure};
use countersign_tests::host::Host;
use countersign_tests::servers::{free_port, http};
use countersign_tests::world::{program, root};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long a checkpoint may take to be noted: some times as long as a host takes between two.
const NOTED_MS_MAX: u64 = 60_000;
/// Wait between two looks.
const LOOK_MS: u64 = 50;

/// A house with a key for its log, whose checkpoints are noted beside it.
struct House {
    folder: TempDir,
    public: String,
    token: String,
    auditor: String,
    host: Host,
}

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str], token: &str) -> Result<Ran> {
    let mut command = Command::new(program()?);
    command.current_dir(folder).args(arguments).env("COUNTERSIGN_TOKEN", token);
    let output = command.output()?;
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code(), out: words(&output.stdout), err: words(&output.stderr) })
}

impl House {
    fn start() -> Result<House> {
        House::noting(|_| Ok("noted = \"elsewhere/checkpoint\"\n".to_owned()))
    }

    /// A house whose configuration says so of its log.
    fn noting(places: impl FnOnce(&Path) -> Result<String>) -> Result<House> {
        let folder = tempfile::tempdir()?;
        let done = |arguments: &[&str]| -> Result<String> {
            let ran = run(folder.path(), arguments, "")?;
            ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
            Ok(ran.out.trim().to_owned())
        };
        done(&["init", "--quiet"])?;
        let public = done(&["audit", "key", "acme.example/approvals", "log.key", "--quiet"])?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let file = folder.path().join("countersign.toml");
        fs::create_dir(folder.path().join("elsewhere"))?;
        let places = places(folder.path())?;
        fs::write(&file, format!("[server]\nlisten = \"{address}\"\n[log]\nkey = \"log.key\"\n{places}"))?;
        let token = done(&["token", "create", "ae-1", "--scope", "read,ask", "--quiet"])?;
        let auditor = done(&["token", "create", "auditor-1", "--scope", "read", "--quiet"])?;
        let host = Host::new(file, address)?;
        Ok(House { folder, public, token, auditor, host })
    }

    fn run(&self, arguments: &[&str]) -> Result<Ran> {
        run(self.folder.path(), arguments, &self.token)
    }

    fn done(&self, arguments: &[&str]) -> Result<String> {
        let ran = self.run(arguments)?;
        ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
        Ok(ran.out.trim().to_owned())
    }

    /// Asks for a discount that somebody has to approve; gives its id.
    fn asked(&self) -> Result<String> {
        let asked = self.done(&[
            "--json",
            "intent",
            "submit",
            "discount",
            "--set",
            "quote_id=q-1",
            "--set",
            "customer_id=a-1",
            "--set",
            "discount_percent=12%",
            "--set",
            "term_months:=12",
            "--set",
            "payment_days:=30",
            "--set",
            "reason=volume",
            "--set",
            "amount:={\"amount\":\"12000.00\",\"currency\":\"USD\"}",
        ])?;
        let asked: serde_json::Value = serde_json::from_str(&asked)?;
        Ok(asked["id"].as_str().context("an id")?.to_owned())
    }

    /// The checkpoint that is noted beside the house, once it speaks of so many entries or more.
    fn noted(&self, wanted: u64) -> Result<String> {
        let place = self.folder.path().join("elsewhere/checkpoint");
        noted(wanted, || fs::read_to_string(&place).ok())
    }

    /// Exports the log of the host that runs, and has a second verifier look at it.
    fn exported(&self) -> Result<()> {
        let export = |token: &str| {
            run(self.folder.path(), &["audit", "export", "tiles", "--public", &self.public], token)
        };
        let refused = export(&self.token)?;
        ensure!(refused.code == Some(5) && refused.err.contains("CS-E0244"), "{refused:?}");
        let said = export(&self.auditor)?;
        ensure!(said.code == Some(0) && said.out.contains(" new tiles in `tiles`"), "{said:?}");
        self.verified("tiles", "yes ")?;
        // What is there is not written again, and a log that has grown adds to it.
        self.asked()?;
        ensure!(export(&self.auditor)?.code == Some(0));
        self.verified("tiles", "yes ")?;

        // The host gives the same tiles under the same names.
        let token = format!("Bearer {}", self.auditor);
        let size =
            size(&fs::read_to_string(self.folder.path().join("tiles/checkpoint"))?).context("a size")?;
        for tile in [format!("tile/0/000.p/{size}"), format!("tile/entries/000.p/{size}")] {
            let address = format!("{}/v1/log/{tile}", self.host.base());
            let answer = http::get(&address, &[("authorization", &token)])?;
            ensure!(answer.status == 200, "{tile}: {}", answer.text());
            ensure!(answer.body == fs::read(self.folder.path().join("tiles").join(&tile))?, "{tile}");
        }

        // A leaf that was changed, in a folder of its own.
        self.copy("tiles", "forged")?;
        let last = self.folder.path().join(format!("forged/tile/entries/000.p/{size}"));
        fs::write(&last, String::from_utf8_lossy(&fs::read(&last)?).replacen("int_", "int-", 1))?;
        self.verified("forged", "no ValueError the tiles of level 0 are not those of the entries")
    }

    fn verified(&self, folder: &str, expected: &str) -> Result<()> {
        let verifier = root().join("tests/verifier/verify_tiles.py");
        let mut python = Command::new("python3");
        let output = python.arg(verifier).arg(&self.public).arg(self.folder.path().join(folder)).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(said.starts_with(expected), "{said}{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Copies the data folder of a host that does not run.
    fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.folder.path().join(from), self.folder.path().join(to));
        let ended = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
        ensure!(ended.success());
        Ok(())
    }
}

/// A checkpoint in some place, once it speaks of so many entries or more.
fn noted(wanted: u64, look: impl Fn() -> Option<String>) -> Result<String> {
    for _ in 0..NOTED_MS_MAX / LOOK_MS {
        if let Some(note) = look()
            && size(&note).is_some_and(|size| wanted <= size)
        {
            return Ok(note);
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    anyhow::bail!("nothing of {wanted} entries is noted in time")
}

/// Waits until something is so.
fn until(is: impl Fn() -> Result<bool>) -> Result<()> {
    for _ in 0..NOTED_MS_MAX / LOOK_MS {
        if is()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    anyhow::bail!("it does not come to that in time")
}

fn size(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

#[test]
fn a_host_that_runs_proves_its_log_and_finds_an_old_copy_of_it() -> Result<()> {
    let mut house = House::start()?;
    house.host.start()?;
    let id = house.asked()?;
    let first = house.done(&["audit", "checkpoint"])?;
    let entries = size(&first).context("a size")?;
    ensure!(0 < entries, "{first}");
    fs::write(house.folder.path().join("first"), format!("{first}\n"))?;
    let proof = house.done(&["audit", "prove", &id, "--sequence", "1"])?;
    fs::write(house.folder.path().join("proof"), format!("{proof}\n"))?;
    let checked = house.done(&["audit", "check", "proof", "--public", &house.public])?;
    ensure!(checked.starts_with(&format!("entry 1 of `{id}` is number ")), "{checked}");

    house.exported()?;

    // A backup of now, and then the log goes on.
    house.noted(entries)?;
    house.host.stop()?;
    house.copy("data", "backup")?;
    house.host.start()?;
    house.asked()?;
    let extended = house.done(&["audit", "extends", "first", "--public", &house.public])?;
    let grown = size(&extended).context("a size")?;
    ensure!(entries < grown, "{extended}");
    let note = house.noted(grown)?;
    house.host.stop()?;

    // Of a host that does not run the same comes out, but for the signed line.
    let said = house.done(&["audit", "export", "offline", "--key", "log.key"])?;
    ensure!(said.starts_with(&format!("{} entries, root ", size(&note).context("a size")?)), "{said}");
    house.verified("offline", "yes ")?;

    // The old copy is put back.
    fs::remove_dir_all(house.folder.path().join("data"))?;
    house.copy("backup", "data")?;
    let refused = house.run(&["serve"])?;
    ensure!(refused.code == Some(1), "{refused:?}");
    let noted = size(&note).context("a size")?;
    ensure!(
        refused.err.contains("entries, and `") && refused.err.contains(&format!("says that it had {noted}")),
        "{refused:?}"
    );

    // Its operator goes on with it all the same; an auditor who noted the newer one finds out.
    let place = house.folder.path().join("elsewhere/checkpoint");
    fs::rename(&place, house.folder.path().join("second"))?;
    house.host.start()?;
    let refused = house.run(&["audit", "extends", "second", "--public", &house.public])?;
    ensure!(refused.code == Some(6) && refused.err.contains("CS-E0240"), "{refused:?}");
    while size(&house.done(&["audit", "checkpoint"])?).is_some_and(|size| size <= noted) {
        house.asked()?;
    }
    let refused = house.run(&["audit", "extends", "second", "--public", &house.public])?;
    ensure!(refused.code == Some(1) && refused.err.contains("does not begin with the"), "{refused:?}");
    house.host.stop()?;

    // As long as the noted one, and another log: that is found at the start too.
    fs::rename(house.folder.path().join("second"), &place)?;
    let refused = house.run(&["serve"])?;
    ensure!(
        refused.code == Some(1) && refused.err.contains("are not those of the checkpoint in `"),
        "{refused:?}"
    );

    // What is noted there is not this log's, or nobody's.
    fs::write(&place, note.replace("acme.example", "evil.example"))?;
    let refused = house.run(&["serve"])?;
    ensure!(
        refused.code == Some(3)
            && refused.err.contains("is no checkpoint that `acme.example/approvals` signed"),
        "{refused:?}"
    );
    Ok(())
}
