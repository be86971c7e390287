//! The languages that a connector can be begun in: a template and an SDK each.
//!
//! Folders are named one by one: what a build leaves beside them is nobody's.

use super::Id;
use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use std::path::Path;

static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/connector@1.0.0");
const LICENSE: &str = include_str!("../../../../../../LICENSE");
/// What is the same in every language.
const COMMON: &str = include_str!("../../../../../../sdk/README.md");
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
        include_str!(concat!("../../../../../../sdk/", $file))
    };
}

static RUST_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/src");
static RUST_TESTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/tests");
static RUST_CASSETTES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/cassettes");
static RUST_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/src");
static TYPESCRIPT_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/src");
static TYPESCRIPT_CASSETTES: Dir<'_> =
    include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/cassettes");
static TYPESCRIPT_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/src");

static RUST: Tree = Tree {
    folders: &[("src", &RUST_SOURCE), ("tests", &RUST_TESTS), ("cassettes", &RUST_CASSETTES)],
    files: &[
        ("Cargo.toml", sdk_file!("rust/template/Cargo.toml")),
        ("connector.toml", sdk_file!("rust/template/connector.toml")),
        ("README.md", sdk_file!("rust/template/README.md")),
        (".gitignore", "/target\n"),
    ],
};
static RUST_SDK_TREE: Tree = Tree {
    folders: &[("src", &RUST_SDK)],
    files: &[("Cargo.toml", sdk_file!("rust/Cargo.toml")), ("README.md", sdk_file!("rust/README.md"))],
};
static PYTHON_CASSETTES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python/template/cassettes");

static PYTHON: Tree = Tree {
    folders: &[("cassettes", &PYTHON_CASSETTES)],
    files: &[
        ("pyproject.toml", sdk_file!("python/template/pyproject.toml")),
        ("connector.py", sdk_file!("python/template/connector.py")),
        ("connector.toml", sdk_file!("python/template/connector.toml")),
        ("README.md", sdk_file!("python/template/README.md")),
        (".gitignore", "/target\n__pycache__/\n"),
    ],
};
static PYTHON_SDK_TREE: Tree = Tree {
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

static GO: Tree = Tree {
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
static GO_SDK_TREE: Tree = Tree {
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
static TYPESCRIPT: Tree = Tree {
    folders: &[("src", &TYPESCRIPT_SOURCE), ("cassettes", &TYPESCRIPT_CASSETTES)],
    files: &[
        ("package.json", sdk_file!("typescript/template/package.json")),
        ("tsconfig.json", sdk_file!("typescript/template/tsconfig.json")),
        ("connector.toml", sdk_file!("typescript/template/connector.toml")),
        ("README.md", sdk_file!("typescript/template/README.md")),
        (".gitignore", "/node_modules\n/target\n"),
    ],
};
static TYPESCRIPT_SDK_TREE: Tree = Tree {
    folders: &[("src", &TYPESCRIPT_SDK)],
    files: &[
        ("package.json", sdk_file!("typescript/package.json")),
        ("README.md", sdk_file!("typescript/README.md")),
    ],
};

/// Where the SDK lies in a new project.
const SDK_FOLDER: &str = "sdk";
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

/// Languages with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    /// Rust
    Rust,
    /// TypeScript, run by QuickJS
    Typescript,
    /// Python, run by CPython
    Python,
    /// Go
    Go,
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
    pub(super) fn write(self, id: &Id, folder: &Path) -> Result<()> {
        let (template, sdk) = match self {
            Language::Rust => (&RUST, &RUST_SDK_TREE),
            Language::Typescript => (&TYPESCRIPT, &TYPESCRIPT_SDK_TREE),
            Language::Python => (&PYTHON, &PYTHON_SDK_TREE),
            Language::Go => (&GO, &GO_SDK_TREE),
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
    pub(super) fn own_tests(self) -> &'static str {
        match self {
            Language::Rust => "  cargo test                      its own tests\n",
            Language::Typescript | Language::Python | Language::Go => "",
        }
    }

    /// Where the connector is.
    pub(super) fn source(self) -> &'static str {
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
}
