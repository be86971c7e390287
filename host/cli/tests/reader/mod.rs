//! Somebody who reads a document beside a development host and types what stands there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A development host that ends with the test.
pub(crate) struct Dev {
    host: Child,
    pub(crate) url: String,
    pub(crate) tokens: BTreeMap<String, String>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.host.kill());
        drop(self.host.wait());
    }
}

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_countersign"))
}

impl Dev {
    pub(crate) fn start(house: &Path, options: &[&str]) -> Dev {
        let mut host = Command::new(program())
            .arg("dev")
            .args(options)
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

/// The code blocks of one section of a document of the checkout, in order.
pub(crate) fn blocks(document: &str, section: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(document);
    let text = fs::read_to_string(path).expect("the document is there");
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
pub(crate) struct Reader {
    house: PathBuf,
    url: String,
    tokens: BTreeMap<String, String>,
    token: String,
    /// The id of the intent that was asked for last.
    pub(crate) id: Option<String>,
}

impl Reader {
    pub(crate) fn beside(dev: &Dev, house: &Path) -> Reader {
        let (house, url, tokens) = (house.to_owned(), dev.url.clone(), dev.tokens.clone());
        Reader { house, url, tokens, token: String::new(), id: None }
    }

    /// Runs a block in which something is asked for, and notes its id.
    pub(crate) fn asks(&mut self, block: &str) -> String {
        let answer = self.run(block);
        let words = answer.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        self.id = words.into_iter().find(|word| word.starts_with("int_")).map(str::to_owned);
        assert!(self.id.is_some(), "{answer}");
        answer
    }

    /// One block as it is typed: `...` is what stands beside the name, `int_...` the id that was noted.
    fn typed(&mut self, block: &str) -> String {
        let mut typed = String::new();
        for line in block.lines() {
            if let Some((_, whose)) = line.split_once("COUNTERSIGN_TOKEN=...") {
                let person = whose.rsplit(' ').next().expect("a name");
                let token = self.tokens.get(person);
                self.token.clone_from(token.unwrap_or_else(|| panic!("`dev` printed no token for {person}")));
                continue;
            }
            let id = self.id.as_deref().unwrap_or("int_...");
            typed.push_str(&line.replace("int_...", id));
            typed.push('\n');
        }
        typed
    }

    /// Runs a block, and answers with what it printed.
    pub(crate) fn run(&mut self, block: &str) -> String {
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
