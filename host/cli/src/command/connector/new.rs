//! `countersign connector new`: a project that builds and is certified at once.
//!
//! Template and SDK are inside of the program, so that whoever has it needs nothing else of this repository.

use super::Global;
use crate::exit;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/connector@1.0.0");
const LICENSE: &str = include_str!("../../../../../LICENSE");
/// What is the same in every language.
const COMMON: &str = include_str!("../../../../../sdk/README.md");
/// Its name in a project of its own, where `README.md` is the project's.
const COMMON_FILE: &str = "CONNECTORS.md";

/// Folders and files by their places in a project.
struct Tree {
    folders: &'static [(&'static str, &'static Dir<'static>)],
    files: &'static [(&'static str, &'static str)],
}

/// A file of `sdk/`, by its place in there.
macro_rules! sdk_file {
    ($file:literal) => {
        include_str!(concat!("../../../../../sdk/", $file))
    };
}

/// The languages that a connector can be begun in. Folders are named one by one: what a build leaves beside
/// them is nobody's.
mod languages {
    use super::{Dir, Tree, include_dir};

    static RUST_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/src");
    static RUST_TESTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/tests");
    static RUST_CASSETTES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/cassettes");
    static RUST_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/src");
    static TYPESCRIPT_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/src");
    static TYPESCRIPT_CASSETTES: Dir<'_> =
        include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/cassettes");
    static TYPESCRIPT_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/src");

    pub(super) static RUST: Tree = Tree {
        folders: &[("src", &RUST_SOURCE), ("tests", &RUST_TESTS), ("cassettes", &RUST_CASSETTES)],
        files: &[
            ("Cargo.toml", sdk_file!("rust/template/Cargo.toml")),
            ("connector.toml", sdk_file!("rust/template/connector.toml")),
            ("README.md", sdk_file!("rust/template/README.md")),
            (".gitignore", "/target\n"),
        ],
    };
    pub(super) static RUST_SDK_TREE: Tree = Tree {
        folders: &[("src", &RUST_SDK)],
        files: &[("Cargo.toml", sdk_file!("rust/Cargo.toml")), ("README.md", sdk_file!("rust/README.md"))],
    };
    static PYTHON_CASSETTES: Dir<'_> =
        include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python/template/cassettes");

    pub(super) static PYTHON: Tree = Tree {
        folders: &[("cassettes", &PYTHON_CASSETTES)],
        files: &[
            ("pyproject.toml", sdk_file!("python/template/pyproject.toml")),
            ("connector.py", sdk_file!("python/template/connector.py")),
            ("connector.toml", sdk_file!("python/template/connector.toml")),
            ("README.md", sdk_file!("python/template/README.md")),
            (".gitignore", "/target\n__pycache__/\n"),
        ],
    };
    pub(super) static PYTHON_SDK_TREE: Tree = Tree {
        folders: &[],
        files: &[
            ("countersign_sdk/__init__.py", sdk_file!("python/countersign_sdk/__init__.py")),
            ("countersign_sdk/connector.py", sdk_file!("python/countersign_sdk/connector.py")),
            ("countersign_sdk/failure.py", sdk_file!("python/countersign_sdk/failure.py")),
            ("countersign_sdk/http.py", sdk_file!("python/countersign_sdk/http.py")),
            ("countersign_sdk/value.py", sdk_file!("python/countersign_sdk/value.py")),
            ("README.md", sdk_file!("python/README.md")),
        ],
    };
    static GO_CASSETTES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/go/template/cassettes");
    static GO_GUEST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/go/guest");

    pub(super) static GO: Tree = Tree {
        folders: &[("cassettes", &GO_CASSETTES)],
        files: &[
            ("go.mod", sdk_file!("go/template/go.mod")),
            ("build.toml", sdk_file!("go/template/build.toml")),
            ("connector.go", sdk_file!("go/template/connector.go")),
            ("connector.toml", sdk_file!("go/template/connector.toml")),
            ("README.md", sdk_file!("go/template/README.md")),
            (".gitignore", "/target\n"),
        ],
    };
    pub(super) static GO_SDK_TREE: Tree = Tree {
        folders: &[("guest", &GO_GUEST)],
        files: &[
            ("go.mod", sdk_file!("go/go.mod")),
            ("connector.go", sdk_file!("go/connector.go")),
            ("contract.go", sdk_file!("go/contract.go")),
            ("failure.go", sdk_file!("go/failure.go")),
            ("http.go", sdk_file!("go/http.go")),
            ("odd.go", sdk_file!("go/odd.go")),
            ("value.go", sdk_file!("go/value.go")),
            ("README.md", sdk_file!("go/README.md")),
        ],
    };
    pub(super) static TYPESCRIPT: Tree = Tree {
        folders: &[("src", &TYPESCRIPT_SOURCE), ("cassettes", &TYPESCRIPT_CASSETTES)],
        files: &[
            ("package.json", sdk_file!("typescript/template/package.json")),
            ("tsconfig.json", sdk_file!("typescript/template/tsconfig.json")),
            ("connector.toml", sdk_file!("typescript/template/connector.toml")),
            ("README.md", sdk_file!("typescript/template/README.md")),
            (".gitignore", "/node_modules\n/target\n"),
        ],
    };
    pub(super) static TYPESCRIPT_SDK_TREE: Tree = Tree {
        folders: &[("src", &TYPESCRIPT_SDK)],
        files: &[
            ("package.json", sdk_file!("typescript/package.json")),
            ("README.md", sdk_file!("typescript/README.md")),
        ],
    };
}

/// The id that the template has.
const TEMPLATE_ID: &str = "acme.orders";
/// Where the SDK lies in a new project.
const SDK_FOLDER: &str = "sdk";
/// Longest id of a connector.
const ID_BYTES_MAX: usize = 64;
/// What the SDK takes from the workspace that it is in.
const WORKSPACE: &str = r#"# The SDK lies in `sdk/`, as the program that made this project has it. It is a member of this workspace.
[workspace]
resolver = "3"
members = ["sdk"]

[workspace.package]
version = "VERSION"
edition = "2024"
rust-version = "1.95"
license = "Apache-2.0"
publish = false

[workspace.dependencies]
serde = { version = "1", features = ["derive"] }
serde_json = "1"
toml = "0.9"

[workspace.lints.rust]
rust_2018_idioms = { level = "warn", priority = -1 }
"#;

/// What to write.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its id: your name, then the system's, such as `acme.orders`
    #[arg(value_name = "ID")]
    id: String,
    /// The language it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The folder, instead of the id with dashes. It must not be there yet
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Languages with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// Rust
    Rust,
    /// TypeScript, run by QuickJS
    Typescript,
    /// Python, run by CPython
    Python,
    /// Go
    Go,
}

/// Writes a project.
///
/// # Errors
/// If the id is none, or the folder is there already or cannot be made.
pub(super) fn run(new: &New, global: &Global) -> Result<ExitCode> {
    let id = Id::parse(&new.id)?;
    let folder = new.folder.clone().unwrap_or_else(|| PathBuf::from(id.package()));
    if folder.exists() {
        let message = format!("`{}` is there already, and nothing was written", folder.display());
        return Err(Failure::new(exit::USAGE, message)
            .with_help("name another folder with `--folder DIR`")
            .into());
    }
    new.lang.write(&id, &folder)?;
    if !global.quiet {
        output::say(&format!(
            "wrote the connector `{id}` to {at}. Now:\n\n  cd {at}\n  countersign connector test .    every law, offline; it is certified as it is\n{own}\n\
             Then make it yours: connector.toml says what it asks for, {source} what it does, cassettes/ what its target \
             answers.",
            id = id.0,
            at = folder.display(),
            own = new.lang.own_tests(),
            source = new.lang.source(),
        ));
    }
    Ok(ExitCode::from(exit::DONE))
}

/// The id of a connector, as the manifest wants it.
struct Id(String);

impl Id {
    fn parse(text: &str) -> Result<Id> {
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_lowercase())
                && part
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        };
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() < 2 || ID_BYTES_MAX < text.len() || !parts.iter().all(|part| is_name(part)) {
            let message = format!("`{text}` is no id of a connector");
            let help = "your name, a point, and the system's: small letters, digits and dashes, such as `acme.orders`";
            return Err(Failure::new(exit::USAGE, message).with_help(help).into());
        }
        Ok(Id(text.to_owned()))
    }

    /// The name of the package.
    fn package(&self) -> String {
        self.0.replace('.', "-")
    }

    /// The same with what the template calls itself in its place.
    fn fill(&self, text: &str) -> String {
        let of_template = Id(TEMPLATE_ID.to_owned());
        let module = |id: &Id| id.package().replace('-', "_");
        // Through marks, so that what was put in is not looked at again.
        let marked = text
            .replace(TEMPLATE_ID, "\u{1}")
            .replace(&of_template.package(), "\u{2}")
            .replace(&module(&of_template), "\u{3}");
        marked.replace('\u{1}', &self.0).replace('\u{2}', &self.package()).replace('\u{3}', &module(self))
    }
}

/// A page without the links that lead out of a project: their words stay.
fn linked(page: &str) -> String {
    let leads = |to: &str| to.starts_with("https://") || to.starts_with('#') || to == COMMON_FILE;
    let mut text = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once('[') {
        text.push_str(before);
        let link = behind.split_once("](").and_then(|(words, behind)| {
            let (to, behind) = behind.split_once(')')?;
            (!words.contains(['[', '\n']) && !leads(to)).then_some((words, behind))
        });
        match link {
            Some((words, behind)) => {
                text.push_str(words);
                rest = behind;
            }
            None => {
                text.push('[');
                rest = behind;
            }
        }
    }
    text + rest
}

impl Language {
    /// Writes template and SDK.
    fn write(self, id: &Id, folder: &Path) -> Result<()> {
        let (template, sdk) = match self {
            Language::Rust => (&languages::RUST, &languages::RUST_SDK_TREE),
            Language::Typescript => (&languages::TYPESCRIPT, &languages::TYPESCRIPT_SDK_TREE),
            Language::Python => (&languages::PYTHON, &languages::PYTHON_SDK_TREE),
            Language::Go => (&languages::GO, &languages::GO_SDK_TREE),
        };
        let workspace = WORKSPACE.replace("VERSION", env!("CARGO_PKG_VERSION"));
        let own = |name: &str, text: &str| match name {
            "Cargo.toml" => {
                text.replacen("[workspace]\n", &workspace, 1).replace("path = \"..\"", "path = \"sdk\"")
            }
            "pyproject.toml" | "build.toml" => {
                text.replace("\"../../../wit/", "\"sdk/wit/").replace("sdk = \"..\"", "sdk = \"sdk\"")
            }
            "go.mod" => text.replace("=> ..", "=> ./sdk"),
            "package.json" => text.replace("file:..", "file:sdk").replace("../../../wit/", "sdk/wit/"),
            _ => text.to_owned(),
        };
        template.write(folder, &|name, text| id.fill(&own(name, text)))?;
        let at = folder.join(SDK_FOLDER);
        sdk.write(&at, &|name, text| match name {
            "README.md" => linked(&text.replace("(../README.md)", &format!("({COMMON_FILE})"))),
            _ => text.to_owned(),
        })?;
        write(&at.join(COMMON_FILE), linked(COMMON).as_bytes())?;
        write_all(&CONTRACT, &at.join("wit").join("connector@1.0.0"), &|_, text| text.to_owned())?;
        write(&at.join("LICENSE"), LICENSE.as_bytes())
    }

    /// How its own tests are run.
    fn own_tests(self) -> &'static str {
        match self {
            Language::Rust => "  cargo test                      its own tests\n",
            Language::Typescript | Language::Python | Language::Go => "",
        }
    }

    /// Where the connector is.
    fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::Typescript => "src/connector.ts",
            Language::Python => "connector.py",
            Language::Go => "connector.go",
        }
    }
}

/// What becomes of a file's text, by its name.
type Fill<'f> = &'f dyn Fn(&str, &str) -> String;

impl Tree {
    fn write(&self, to: &Path, fill: Fill<'_>) -> Result<()> {
        for (name, folder) in self.folders {
            write_all(folder, &to.join(name), fill)?;
        }
        for (name, text) in self.files {
            write(&to.join(name), fill(name, text).as_bytes())?;
        }
        Ok(())
    }
}

/// Writes every file of a folder that the program holds, each through `fill`.
fn write_all(from: &Dir<'_>, to: &Path, fill: Fill<'_>) -> Result<()> {
    for file in from.files() {
        let text = file.contents_utf8().context("a file of the template is no text")?;
        let name = file.path().file_name().and_then(|name| name.to_str()).context("a file without a name")?;
        write(&to.join(name), fill(name, text).as_bytes())?;
    }
    for folder in from.dirs() {
        let name = folder.path().file_name().context("a folder of the template has no name")?;
        write_all(folder, &to.join(name), fill)?;
    }
    Ok(())
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, bytes))
        .with_context(|| format!("`{}` cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_and_a_system() {
        for good in ["acme.orders", "a.b", "acme-2.crm.v2"] {
            assert!(Id::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "acme",
            "Acme.orders",
            "acme.",
            ".orders",
            "acme..orders",
            "acme.or ders",
            "2acme.orders",
            "a/../b.c",
        ] {
            let why = Id::parse(bad).err().map(|error| error.to_string());
            assert_eq!(why, Some(format!("`{bad}` is no id of a connector")));
        }
    }

    #[test]
    fn a_page_keeps_the_links_that_lead_somewhere() {
        let check = |page: &str, expected: &str| assert_eq!(linked(page), expected, "{page}");
        check("see [`sdk`](../sdk/README.md), [it](#it).", "see `sdk`, [it](#it).");
        check("[a](https://a.example) [b](CONNECTORS.md)", "[a](https://a.example) [b](CONNECTORS.md)");
        check("[connection.shop]\nallow = [\"a\"]\n\n[x](y.md)", "[connection.shop]\nallow = [\"a\"]\n\nx");
        check("a [ b", "a [ b");
        let page = linked(COMMON);
        let leaves = |to: &str| !to.starts_with("https://") && !to.starts_with('#');
        let dead: Vec<_> = page.split("](").skip(1).filter(|to| leaves(to)).collect();
        assert_eq!(dead.len(), 0, "{dead:?}");
        assert!(page.contains("[connection.shop]") && page.contains("## The five answers"));
    }

    #[test]
    fn an_id_that_holds_the_templates_name_stays_as_it_is() {
        let id = Id("acme-orders.v2".to_owned());
        assert_eq!(
            id.fill("acme.orders acme-orders acme_orders"),
            "acme-orders.v2 acme-orders-v2 acme_orders_v2"
        );
    }

    #[test]
    fn nothing_of_the_template_is_left_in_a_new_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("it");
        Language::Rust.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let read = |file: &str| std::fs::read_to_string(project.join(file)).expect(file);
        for file in ["Cargo.toml", "connector.toml", "README.md", "src/lib.rs", "tests/orders.rs"] {
            let text = read(file);
            for left in ["acme.orders", "acme-orders", "acme_orders", "path = \"..\""] {
                assert!(!text.contains(left), "{file} holds `{left}`");
            }
        }
        assert!(read("connector.toml").contains("id = \"vendor.some-crm\""));
        assert!(read("tests/orders.rs").contains("use vendor_some_crm::Orders;"));
        assert!(
            read("sdk/wit/connector@1.0.0/connector.wit").contains("package countersign:connector@1.0.0;")
        );
        let project = folder.path().join("other");
        Language::Typescript.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let package = std::fs::read_to_string(project.join("package.json")).expect("it is read");
        for (part, there) in [("vendor-some-crm", true), ("file:sdk", true), ("..", false), ("acme", false)] {
            assert_eq!(package.contains(part), there, "{part}");
        }
        let project = folder.path().join("third");
        Language::Go.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let read = |file: &str| std::fs::read_to_string(project.join(file)).expect(file);
        for (file, part) in [
            ("go.mod", "module vendor-some-crm\n"),
            ("go.mod", "countersign/sdk => ./sdk\n"),
            ("build.toml", "wit = \"sdk/wit/connector@1.0.0\"\nsdk = \"sdk\"\n"),
            ("connector.go", "\"vendor.some-crm\""),
            ("sdk/guest/go.mod", "module countersign/guest\n"),
        ] {
            assert!(read(file).contains(part), "{file}: {part}");
        }
    }
}
