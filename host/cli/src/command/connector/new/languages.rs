//! The languages that a connector can be begun in: templates and an SDK each.
//!
//! Folders are named one by one: what a build leaves beside them is nobody's. A language that is added has its [`Parts`]
//! and its arms in [`Language`].

use super::systems::{Filling, Shape};
use super::tree::{Tree, write};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::rulebook;
use include_dir::include_dir;
use std::path::Path;

/// What is the same in every language.
const COMMON: &str = include_str!("../../../../../../sdk/README.md");
/// Its name in a project of its own, where `README.md` is the project's.
const COMMON_FILE: &str = "CONNECTORS.md";
/// Where the SDK lies in a new project.
const SDK_FOLDER: &str = "sdk";

/// A file of `sdk/`, by its place in there.
macro_rules! sdk_file {
    ($file:literal) => {
        include_str!(concat!("../../../../../../sdk/", $file))
    };
}

/// What lies beside an SDK.
static CONTRACT: Tree = Tree {
    folders: &[("wit/connector@1.0.0", &include_dir!("$CARGO_MANIFEST_DIR/../../wit/connector@1.0.0"))],
    files: &[("LICENSE", include_str!("../../../../../../LICENSE"))],
};

/// What is of a language in a project.
struct Parts {
    /// The template for a target in which a record is changed.
    change: Tree,
    /// The template for one in which something new is made.
    creation: Tree,
    sdk: Tree,
}

static RUST: Parts = Parts {
    change: Tree {
        folders: &[
            ("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/change/src")),
            ("tests", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/change/tests")),
        ],
        files: &[
            ("Cargo.toml", sdk_file!("rust/template/change/Cargo.toml")),
            ("connector.toml", sdk_file!("rust/template/change/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    creation: Tree {
        folders: &[
            ("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/creation/src")),
            ("tests", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/template/creation/tests")),
        ],
        files: &[
            ("Cargo.toml", sdk_file!("rust/template/creation/Cargo.toml")),
            ("connector.toml", sdk_file!("rust/template/creation/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    sdk: Tree {
        folders: &[("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/src"))],
        files: &[("Cargo.toml", sdk_file!("rust/Cargo.toml")), ("README.md", sdk_file!("rust/README.md"))],
    },
};

static TYPESCRIPT: Parts = Parts {
    change: Tree {
        folders: &[("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/change/src"))],
        files: &[
            ("package.json", sdk_file!("typescript/template/change/package.json")),
            ("tsconfig.json", sdk_file!("typescript/template/change/tsconfig.json")),
            ("connector.toml", sdk_file!("typescript/template/change/connector.toml")),
            (".gitignore", "/node_modules\n/target\n"),
        ],
    },
    creation: Tree {
        folders: &[("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/template/creation/src"))],
        files: &[
            ("package.json", sdk_file!("typescript/template/creation/package.json")),
            ("tsconfig.json", sdk_file!("typescript/template/creation/tsconfig.json")),
            ("connector.toml", sdk_file!("typescript/template/creation/connector.toml")),
            (".gitignore", "/node_modules\n/target\n"),
        ],
    },
    sdk: Tree {
        folders: &[("src", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/typescript/src"))],
        files: &[
            ("package.json", sdk_file!("typescript/package.json")),
            ("README.md", sdk_file!("typescript/README.md")),
        ],
    },
};

static PYTHON: Parts = Parts {
    change: Tree {
        folders: &[],
        files: &[
            ("pyproject.toml", sdk_file!("python/template/change/pyproject.toml")),
            ("connector.py", sdk_file!("python/template/change/connector.py")),
            ("connector.toml", sdk_file!("python/template/change/connector.toml")),
            (".gitignore", "/target\n__pycache__/\n"),
        ],
    },
    creation: Tree {
        folders: &[],
        files: &[
            ("pyproject.toml", sdk_file!("python/template/creation/pyproject.toml")),
            ("connector.py", sdk_file!("python/template/creation/connector.py")),
            ("connector.toml", sdk_file!("python/template/creation/connector.toml")),
            (".gitignore", "/target\n__pycache__/\n"),
        ],
    },
    sdk: Tree {
        folders: &[],
        files: &[
            ("countersign_sdk/__init__.py", sdk_file!("python/countersign_sdk/__init__.py")),
            ("countersign_sdk/connector.py", sdk_file!("python/countersign_sdk/connector.py")),
            ("countersign_sdk/failure.py", sdk_file!("python/countersign_sdk/failure.py")),
            ("countersign_sdk/http.py", sdk_file!("python/countersign_sdk/http.py")),
            ("countersign_sdk/value.py", sdk_file!("python/countersign_sdk/value.py")),
            ("README.md", sdk_file!("python/README.md")),
        ],
    },
};

static GO: Parts = Parts {
    change: Tree {
        folders: &[],
        files: &[
            ("go.mod", sdk_file!("go/template/change/go.mod")),
            ("build.toml", sdk_file!("go/template/change/build.toml")),
            ("connector.go", sdk_file!("go/template/change/connector.go")),
            ("connector.toml", sdk_file!("go/template/change/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    creation: Tree {
        folders: &[],
        files: &[
            ("go.mod", sdk_file!("go/template/creation/go.mod")),
            ("build.toml", sdk_file!("go/template/creation/build.toml")),
            ("connector.go", sdk_file!("go/template/creation/connector.go")),
            ("connector.toml", sdk_file!("go/template/creation/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    sdk: Tree {
        folders: &[("guest", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/go/guest"))],
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
    },
};

static C: Parts = Parts {
    change: Tree {
        folders: &[],
        files: &[
            ("build.toml", sdk_file!("c/template/change/build.toml")),
            ("connector.c", sdk_file!("c/template/change/connector.c")),
            ("compile_flags.txt", sdk_file!("c/template/change/compile_flags.txt")),
            ("connector.toml", sdk_file!("c/template/change/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    creation: Tree {
        folders: &[],
        files: &[
            ("build.toml", sdk_file!("c/template/creation/build.toml")),
            ("connector.c", sdk_file!("c/template/creation/connector.c")),
            ("compile_flags.txt", sdk_file!("c/template/creation/compile_flags.txt")),
            ("connector.toml", sdk_file!("c/template/creation/connector.toml")),
            (".gitignore", "/target\n"),
        ],
    },
    sdk: Tree {
        folders: &[("guest", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/c/guest"))],
        files: &[
            ("countersign.h", sdk_file!("c/countersign.h")),
            ("host.h", sdk_file!("c/host.h")),
            ("call.c", sdk_file!("c/call.c")),
            ("http.c", sdk_file!("c/http.c")),
            ("json.c", sdk_file!("c/json.c")),
            ("odd.c", sdk_file!("c/odd.c")),
            ("text.c", sdk_file!("c/text.c")),
            ("value.c", sdk_file!("c/value.c")),
            ("README.md", sdk_file!("c/README.md")),
        ],
    },
};

/// What is the same whatever the language: answers of the target, rules by which it is asked, and the project's page.
static CHANGE: Tree = Tree {
    folders: &[
        ("cassettes", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/systems/change/cassettes")),
        ("example", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/systems/change/example")),
    ],
    files: &[("README.md", sdk_file!("systems/change/README.md"))],
};
static CREATION: Tree = Tree {
    folders: &[
        ("cassettes", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/systems/creation/cassettes")),
        ("example", &include_dir!("$CARGO_MANIFEST_DIR/../../sdk/systems/creation/example")),
    ],
    files: &[("README.md", sdk_file!("systems/creation/README.md"))],
};

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

/// Languages with templates.
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
    /// C
    C,
}

impl Language {
    fn parts(self) -> &'static Parts {
        match self {
            Language::Rust => &RUST,
            Language::Typescript => &TYPESCRIPT,
            Language::Python => &PYTHON,
            Language::Go => &GO,
            Language::C => &C,
        }
    }

    /// Writes template and SDK.
    pub(super) fn write(self, filling: &Filling, folder: &Path) -> Result<()> {
        let parts = self.parts();
        let (own, shared) = match filling.shape() {
            Shape::Change => (&parts.change, &CHANGE),
            Shape::Creation => (&parts.creation, &CREATION),
        };
        for tree in [own, shared] {
            tree.write(folder, &|name, text| {
                let name = filling.fill(name);
                let text = laid_out(&name, filling.fill(&self.placed(&name, text)));
                (name, text)
            })?;
        }
        let at = folder.join(SDK_FOLDER);
        parts.sdk.write(&at, &|name, text| match name {
            "README.md" => {
                let page = text.replace("(../README.md)", &format!("({COMMON_FILE})"));
                (name.to_owned(), linked(&page))
            }
            _ => (name.to_owned(), text.to_owned()),
        })?;
        write(&at.join(COMMON_FILE), linked(COMMON).as_bytes())?;
        CONTRACT.write(&at, &|name, text| (name.to_owned(), text.to_owned()))
    }

    /// A file of the template with the SDK where it lies in a project.
    fn placed(self, name: &str, text: &str) -> String {
        match name {
            "Cargo.toml" => {
                let workspace = WORKSPACE.replace("VERSION", env!("CARGO_PKG_VERSION"));
                text.replacen("[workspace]\n", &workspace, 1).replace("\"../..\"", "\"sdk\"")
            }
            "pyproject.toml" | "build.toml" => {
                text.replace("\"../../../../wit/", "\"sdk/wit/").replace("\"../..\"", "\"sdk\"")
            }
            "compile_flags.txt" => text.replace("-I../..", "-Isdk"),
            "go.mod" => text.replace("=> ../..", "=> ./sdk"),
            "package.json" => text.replace("file:../..", "file:sdk").replace("../../../../wit/", "sdk/wit/"),
            "README.md" => text.replacen("```sh\n", &format!("```sh\n{}", self.own_tests_in_readme()), 1),
            _ => text.to_owned(),
        }
    }

    /// How its own tests are run.
    pub(super) fn own_tests(self) -> &'static str {
        match self {
            Language::Rust => "  cargo test                      its own tests\n",
            Language::Typescript | Language::Python | Language::Go | Language::C => "",
        }
    }

    /// The same for the project's page.
    fn own_tests_in_readme(self) -> &'static str {
        match self {
            Language::Rust => {
                "cargo test                               # natively, against a scripted target\n"
            }
            Language::Typescript | Language::Python | Language::Go | Language::C => "",
        }
    }

    /// Where the connector is.
    pub(super) fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::Typescript => "src/connector.ts",
            Language::Python => "connector.py",
            Language::Go => "connector.go",
            Language::C => "connector.c",
        }
    }
}

/// The text of a file of rules with its tables aligned, as `policy fmt` does it; that of another file as it is.
fn laid_out(name: &str, text: String) -> String {
    let file = SourceFile { path: name.to_owned(), text };
    rulebook::formatted(&file).unwrap_or(file.text)
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

#[cfg(test)]
mod tests {
    use super::super::Id;
    use super::super::systems::System;
    use super::*;
    use crate::command::init;
    use crate::{config, wire};
    use clap::ValueEnum as _;

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
        assert!(page.contains("[connection.target]") && page.contains("## The five answers"));
    }

    #[test]
    fn the_sdk_lies_in_the_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |lang: Language, system: System, holds: &[(&str, &str)]| {
            let project = folder.path().join(format!("{lang:?}{system:?}"));
            let filling = Filling::new(&Id("vendor.desk".to_owned()), system).expect("words");
            lang.write(&filling, &project).expect("it is written");
            for (file, part) in holds {
                let text = std::fs::read_to_string(project.join(file)).expect(file);
                assert!(text.contains(part), "{file} lacks `{part}`: {text}");
            }
        };
        for system in [System::Other, System::Messages] {
            check(
                Language::Rust,
                system,
                &[
                    ("Cargo.toml", "countersign-sdk = { path = \"sdk\" }"),
                    ("Cargo.toml", "members = [\"sdk\"]"),
                    ("README.md", "```sh\ncargo test "),
                    ("sdk/wit/connector@1.0.0/connector.wit", "package countersign:connector@1.0.0;"),
                    ("sdk/LICENSE", "Apache License"),
                    ("sdk/CONNECTORS.md", "## The five answers"),
                ],
            );
            check(
                Language::Typescript,
                system,
                &[
                    ("package.json", "\"name\": \"vendor-desk\""),
                    ("package.json", "\"file:sdk\""),
                    ("package.json", "\"sdk/wit/connector@1.0.0\""),
                    ("README.md", "```sh\ncountersign connector test"),
                ],
            );
            let wit = "wit = \"sdk/wit/connector@1.0.0\"\nsdk = \"sdk\"\n";
            check(Language::Python, system, &[("pyproject.toml", wit)]);
            check(
                Language::Go,
                system,
                &[
                    ("go.mod", "module vendor-desk\n"),
                    ("go.mod", "countersign/sdk => ./sdk\n"),
                    ("build.toml", wit),
                    ("sdk/guest/go.mod", "module countersign/guest\n"),
                ],
            );
            check(
                Language::C,
                system,
                &[
                    ("build.toml", "name = \"vendor-desk\"\n"),
                    ("build.toml", wit),
                    ("connector.c", ".name = \"vendor.desk\""),
                    ("compile_flags.txt", "-Isdk\n"),
                    ("sdk/guest/guest.c", "#include \"contract.h\""),
                ],
            );
        }
        check(Language::Rust, System::Ledger, &[("tests/entries.rs", "use vendor_desk::Entries;")]);
        check(Language::Rust, System::Other, &[("cassettes/cancel-order.json", "\"effect/cancel\"")]);
    }

    #[test]
    fn the_example_of_every_kind_fits_into_the_starter_rules() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, system) in System::value_variants().iter().enumerate() {
            let project = folder.path().join(number.to_string());
            let filling = Filling::new(&Id("vendor.desk".to_owned()), *system).expect("words");
            Language::Go.write(&filling, &project).expect("it is written");
            let example = project.join("example");
            let (_, kept) = init::begin(&example).expect("the rest is written");
            assert_eq!(kept, ["countersign.toml"], "{system:?}");
            let file = example.join("countersign.toml");
            let text = std::fs::read_to_string(&file).expect("it was written");
            let key = |name: &str| (name == "ACME_KEY").then(|| "secret".to_owned());
            let settings = config::read(&file, &text, &key).expect("no problem");
            let rules = wire::load_rules(&settings.rules).expect("no fault");
            for file in config::rule_files(&example).expect("they are read") {
                assert_eq!(rulebook::formatted(&file).as_ref(), Ok(&file.text), "{system:?}: {}", file.path);
            }
            let asked = rules
                .intent_types()
                .filter(|schema| schema.destinations.iter().any(|to| to.as_str() == "target"));
            assert_eq!(asked.count(), 1, "{system:?}");
        }
    }
}
