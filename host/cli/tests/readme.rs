//! The README's walk of a pricing manager, as it is written: a house, a changed threshold, its effect on
//! history, a second person, and back. Only what a reader has to fill in is filled in here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What an editor would do by the words of step 1.
const EDITOR: &str = r#"#!/bin/sh
set -e
grep -q '| mid-auto .*<= 10%' "$1"
today=$(date -u +%Y-%m-%d)
sed -e '/^| mid-auto /s/<= 10%/<= 12%/' -e "s/^| effective | [0-9-]*/| effective | $today/" "$1" > "$1.new"
mv "$1.new" "$1"
"#;

/// A development host that ends with the test.
struct Dev {
    host: Child,
    url: String,
    tokens: BTreeMap<String, String>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.host.kill());
        drop(self.host.wait());
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_countersign"))
}

impl Dev {
    fn start(house: &Path) -> Dev {
        let mut host = Command::new(program())
            .arg("dev")
            .current_dir(house)
            .env("COUNTERSIGN__SERVER__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the host starts");
        let lines = BufReader::new(host.stdout.take().expect("its output")).lines();
        let mut dev = Dev { host, url: String::new(), tokens: BTreeMap::new() };
        for line in lines {
            let line = line.expect("it is text");
            if let Some(url) = line.strip_prefix("listening on ") {
                url.clone_into(&mut dev.url);
                break;
            }
            if let Some((person, token)) = line.split_once(' ') {
                dev.tokens.insert(person.to_owned(), token.trim().to_owned());
            }
        }
        assert!(!dev.url.is_empty(), "it says where it listens");
        dev
    }
}

/// The code blocks of one section of the README, in order.
fn blocks(section: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(path).expect("the README is there");
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let body = rest.split("\n## ").next().expect("its text");
    let (mut blocks, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in body.lines() {
        match (line.trim(), &mut open) {
            ("```sh", None) => open = Some(String::new()),
            ("```", Some(_)) => blocks.extend(open.take()),
            (line, Some(block)) => {
                block.push_str(line);
                block.push('\n');
            }
            (_, None) => {}
        }
    }
    blocks
}

/// What a reader of the section types, with what it says they see.
struct Reader {
    house: PathBuf,
    url: String,
    tokens: BTreeMap<String, String>,
    token: String,
    /// The id that the change was given.
    change: Option<String>,
}

impl Reader {
    /// One block as it is typed: `...` is what stands beside the name, `int_...` the id of the change.
    fn typed(&mut self, block: &str) -> String {
        let mut typed = String::new();
        for line in block.lines() {
            if let Some((_, whose)) = line.split_once("COUNTERSIGN_TOKEN=...") {
                let person = whose.rsplit(' ').next().expect("a name");
                let token = self.tokens.get(person);
                self.token.clone_from(token.unwrap_or_else(|| panic!("`dev` printed no token for {person}")));
                continue;
            }
            let change = self.change.as_deref().unwrap_or("int_...");
            typed.push_str(&line.replace("int_...", change));
            typed.push('\n');
        }
        typed
    }

    fn run(&mut self, block: &str) -> String {
        let typed = self.typed(block);
        let folder = program().parent().expect("a folder").display().to_string();
        let path = std::env::var("PATH").expect("a path");
        let Output { status, stdout, stderr } = Command::new("sh")
            .args(["-eu", "-c", &typed])
            .current_dir(&self.house)
            .env("PATH", format!("{folder}:{path}"))
            .env("COUNTERSIGN_URL", &self.url)
            .env("COUNTERSIGN_TOKEN", &self.token)
            .env("EDITOR", self.house.join("editor"))
            .stdin(Stdio::null())
            .output()
            .expect("a shell runs");
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{typed}\n{out}\n{err}");
        format!("{out}{err}")
    }
}

#[test]
fn somebody_who_never_saw_rust_changes_a_threshold_sees_its_effect_and_publishes_it() {
    let house = tempfile::tempdir().expect("a folder");
    let begun = Command::new(program()).args(["init", "--quiet"]).current_dir(house.path()).status();
    assert!(begun.expect("the program runs").success());
    let editor = house.path().join("editor");
    fs::write(&editor, EDITOR).expect("it is written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("it may be run");
    let dev = Dev::start(house.path());
    let mut reader = Reader {
        house: house.path().to_owned(),
        url: dev.url.clone(),
        tokens: dev.tokens.clone(),
        token: String::new(),
        change: None,
    };
    let mut said: Vec<(String, String)> = Vec::new();
    for block in blocks("Change a threshold") {
        let answer = reader.run(&block);
        if block.contains("policy publish") {
            let id = answer.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            reader.change = id.into_iter().find(|word| word.starts_with("int_")).map(str::to_owned);
            assert!(reader.change.is_some(), "{answer}");
        }
        said.push((block, answer));
    }
    let answer = |command: &str| {
        let found = said.iter().find(|(block, _)| block.contains(command));
        found.map_or_else(|| panic!("the README lacks {command}"), |(_, answer)| answer.clone())
    };
    // What the README promises beside each step.
    let looked = answer("policy diff draft/discount.policy.md\n");
    assert!(looked.contains("segment mid, discount_percent 10.01% .. 12%"), "{looked}");
    assert!(looked.contains("was director, now approve"), "{looked}");
    let history = answer("--from history/discount.jsonl");
    assert!(history.contains("newly approved: 11 "), "{history}");
    assert!(history.contains("of these declined by people: 2 "), "{history}");
    let in_force = answer("--in-force");
    assert!(in_force.contains("segment mid, discount_percent 10.01% .. 12%"), "{in_force}");
    let read = answer("intent show");
    assert!(read.contains("was director, now approve"), "what the colleague reads: {read}");
    let published = answer("policy list");
    let line = published.lines().find(|line| line.starts_with("discount ")).expect("the policy's line");
    assert!(line.contains("revops-1") && line.contains("pricing-lead"), "{line}");
    assert!(published.contains("<= 12%"), "the document that is in force: {published}");
    // Whoever asks the host is told by what is in force, and not by the file that was left as it was.
    let deal =
        "--case 'plain small deal' --input segment=mid --input discount_percent=11% --input amount=80_000";
    let files = reader.run(&format!("countersign policy explain discount {deal}"));
    let host = reader.run(&format!("countersign policy explain discount {deal} --in-force"));
    assert!(files.contains("needs director") && host.contains("approved by policy"), "{files}\n{host}");
    assert!(answer("policy rollback").contains("somebody else"), "{said:?}");
    assert!(house.path().join("discount.xlsx").is_file());
}
