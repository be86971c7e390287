//! The house rules that a machine can check. When one stops you, move the code; do not loosen it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file, in lines. Above it a file holds two ideas.
const FILE_LINES_MAX: usize = 800;
/// Functions of more than this many lines are long.
const LONG_FUNCTION_LINES: usize = 70;
/// Share of long functions that the house bears, in percent.
const LONG_FUNCTIONS_PERCENT_MAX: usize = 1;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_owned()
}

/// Every file below `folder` with one of the endings, leaving out build output.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_symlink() || ["target", "node_modules", ".git"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    ["host", "sdk", "plugins", "tests"].iter().flat_map(|top| files(&root().join(top), &[".rs"])).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Fails with one line a fault, so that all are seen at once.
fn none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}\n  {}", faults.join("\n  "));
}

#[test]
fn the_top_level_holds_only_what_the_product_was_ordered_with() {
    let allowed = BTreeSet::from([
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "host",
        "wit",
        "sdk",
        "plugins",
        "tests",
        "target",
    ]);
    let faults: Vec<String> = fs::read_dir(root())
        .expect("the checkout can be read")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(name.as_str()))
        .collect();
    none("a new top-level name: a document sits with its subject, a chore is a command", &faults);
}

#[test]
fn every_top_folder_says_what_belongs_in_it() {
    let faults: Vec<String> = ["host", "wit", "sdk", "plugins", "tests"]
        .iter()
        .map(|top| root().join(top).join("README.md"))
        .filter(|readme| !readme.is_file() || read(readme).lines().count() < 5)
        .map(|readme| shown(&readme))
        .collect();
    none("a top folder without a README", &faults);
}

/// The dependencies of one manifest by section, tests and build scripts apart.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let table: toml::Table = read(manifest).parse().expect("a manifest is TOML");
    let section = table.get("dependencies").and_then(toml::Value::as_table);
    section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
}

fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    ["core", "engine", "store-local", "store-postgres", "connectors", "server", "exchange", "cli"]
        .iter()
        .map(|name| ((*name).to_owned(), dependencies(&root().join("host").join(name).join("Cargo.toml"))))
        .collect()
}

#[test]
fn the_rings_point_inwards() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("core", &[] as &[&str]),
        ("engine", &["countersign-core"]),
        ("store-local", &["countersign-core", "countersign-engine"]),
        ("store-postgres", &["countersign-core", "countersign-engine"]),
        ("connectors", &["countersign-core", "countersign-engine"]),
        ("server", &["countersign-core", "countersign-engine"]),
        ("exchange", &["countersign-core"]),
    ]);
    let mut faults = Vec::new();
    for (name, dependencies) in manifests() {
        let Some(allowed) = allowed.get(name.as_str()) else { continue };
        for ours in dependencies.iter().filter(|other| other.starts_with("countersign")) {
            if !allowed.contains(&ours.as_str()) {
                faults.push(format!("host/{name} must not use {ours}"));
            }
        }
    }
    none("core <- engine <- adapters <- cli; adapters never see each other", &faults);
}

#[test]
fn a_heavy_crate_lives_in_one_house() {
    let homes = [
        ("sled", "store-local"),
        ("tokio-postgres", "store-postgres"),
        ("wasmtime", "connectors"),
        ("wasmtime-wasi", "connectors"),
        ("wit-component", "connectors"),
        ("hyper-rustls", "connectors"),
        ("lettre", "connectors"),
        ("axum", "server"),
        ("utoipa", "server"),
        ("rust_xlsxwriter", "exchange"),
        ("zip", "exchange"),
        ("roxmltree", "exchange"),
        ("csv", "exchange"),
        ("clap", "cli"),
        ("anyhow", "cli"),
        ("indicatif", "cli"),
    ];
    let mut faults = Vec::new();
    for (name, dependencies) in manifests() {
        for (heavy, home) in homes {
            if dependencies.contains(heavy) && name != home {
                faults.push(format!("host/{name} must not use {heavy}: it lives in host/{home}"));
            }
        }
    }
    none("a heavy crate stands in one manifest", &faults);
}

#[test]
fn core_needs_only_serde_hashes_and_civil_time() {
    let allowed = BTreeSet::from(["data-encoding", "hmac", "jiff", "serde", "sha2"].map(str::to_owned));
    let all = manifests();
    let used = all.get("core").expect("core has a manifest");
    let faults: Vec<String> = used.difference(&allowed).cloned().collect();
    none("core is pure: no further dependency", &faults);
}

#[test]
fn core_asks_for_nothing() {
    let banned = [
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant::",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "tokio",
        "tracing",
        "async fn",
        "Timestamp::now",
        "Zoned::now",
        "static mut",
        "RefCell",
        "Mutex",
    ];
    let mut faults = Vec::new();
    for path in files(&root().join("host/core/src"), &[".rs"]) {
        for (number, line) in (1..).zip(read(&path).lines()) {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for word in banned.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: `{word}`", shown(&path)));
            }
        }
    }
    none("core has no async, I/O, clock, chance or random order: take it as an argument", &faults);
}

#[test]
fn every_module_says_what_it_is_for() {
    let faults: Vec<String> = sources()
        .into_iter()
        .filter(|path| {
            let text = read(path);
            let first =
                text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!")).unwrap_or("");
            !first.starts_with("//! ") || first.contains("(being built)")
        })
        .map(|path| shown(&path))
        .collect();
    none("a module without a first line that says what it is for", &faults);
}

#[test]
fn no_file_is_longer_than_the_house_bears() {
    let faults: Vec<String> = sources()
        .into_iter()
        .filter_map(|path| {
            let lines = read(&path).lines().count();
            (FILE_LINES_MAX < lines).then(|| format!("{}: {lines} lines", shown(&path)))
        })
        .collect();
    none("a file over the limit holds two ideas: split it", &faults);
}

/// Lengths of the functions of a file, by the layout that rustfmt gives: a line that begins a
/// function, up to the closing brace in the same column.
fn function_lengths(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| {
        let rest = line.trim_start();
        let words = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) async fn ",
            "const fn ",
            "pub const fn ",
        ];
        words.iter().any(|word| rest.starts_with(word))
    };
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins(line)) {
        let indent = line.len() - line.trim_start().len();
        let close = format!("{}}}", " ".repeat(indent));
        if line.ends_with('}') || line.ends_with(';') {
            lengths.push((start + 1, 1));
        } else if let Some(length) = lines[start..].iter().position(|line| *line == close) {
            lengths.push((start + 1, length + 1));
        }
    }
    lengths
}

#[test]
fn functions_are_short() {
    let all: Vec<(String, usize)> = sources()
        .iter()
        .flat_map(|path| {
            let text = read(path);
            function_lengths(&text)
                .into_iter()
                .map(|(line, length)| (format!("{}:{line}", shown(path)), length))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(all.len() > 200, "the measure finds functions: {}", all.len());
    let long: Vec<String> = all
        .iter()
        .filter(|(_, length)| LONG_FUNCTION_LINES < *length)
        .map(|(place, length)| format!("{place}: {length} lines"))
        .collect();
    let share = long.len() * 100;
    assert!(
        share <= all.len() * LONG_FUNCTIONS_PERCENT_MAX,
        "{} of {} functions are long; at most {LONG_FUNCTIONS_PERCENT_MAX} % may be\n  {}",
        long.len(),
        all.len(),
        long.join("\n  ")
    );
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two halves, so that this file does not stop itself.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["unimpl", "emented!("],
        ["dbg", "!("],
        ["#[ign", "ore"],
    ]
    .map(|halves| halves.concat());
    let mut faults = Vec::new();
    for path in sources() {
        for (number, line) in (1..).zip(read(&path).lines()) {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                faults.push(format!("{}:{number}: {word}", shown(&path)));
            }
        }
    }
    none("an issue or a decision page instead of a note in the code", &faults);
}

#[test]
fn production_code_does_not_know_tests() {
    let mut faults = Vec::new();
    for path in files(&root().join("host"), &[".rs", "Cargo.toml"]) {
        for (number, line) in (1..).zip(read(&path).lines()) {
            if line.contains("feature = \"test") || line.contains("cfg(feature = \"mock") {
                faults.push(format!("{}:{number}", shown(&path)));
            }
        }
    }
    none("fakes live behind ports; no feature changes what production does", &faults);
}

#[test]
fn one_place_moves_an_approval_and_one_writes_it_down() {
    let is_own = |path: &Path| {
        let shown = shown(path);
        shown.starts_with("host/core") || shown.ends_with("tests.rs") || shown.contains("/tests/")
    };
    // Whoever decides by the table, and whoever only looks what it would say.
    let allowed = [
        ("life::decide(", &["host/engine/src/handle.rs", "host/server/src/api/view/intent.rs"][..]),
        ("life::submit", &["host/engine/src/handle/submit.rs"][..]),
        ("store.append(", &["host/engine/src/handle.rs", "host/engine/src/place.rs"][..]),
        ("ApprovedIntent::of(", &["host/engine/src/effects.rs"][..]),
        ("connectors.apply(", &["host/engine/src/effects.rs"][..]),
    ];
    let mut faults = Vec::new();
    let mut found = BTreeSet::new();
    for path in files(&root().join("host"), &[".rs"]).into_iter().filter(|path| !is_own(path)) {
        let text = read(&path);
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (call, places) in allowed.iter().filter(|(call, _)| text.contains(call)) {
            found.insert(*call);
            if !places.contains(&shown(&path).as_str()) {
                faults.push(format!("{}: {call}", shown(&path)));
            }
        }
    }
    none("give a command: no other door moves an approval or writes for one", &faults);
    assert_eq!(found.len(), allowed.len(), "a call has another name now: {found:?}");
}

#[test]
fn every_error_code_has_its_page_and_every_page_its_code() {
    let code_at = |text: &str, place: usize| {
        let code = text.get(place..place + 8)?;
        code[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| code.to_owned())
    };
    let mut used = BTreeSet::new();
    for path in files(&root().join("host"), &[".rs"]) {
        let text = read(&path);
        for (place, _) in text.match_indices("CS-E") {
            used.extend(
                code_at(&text, place).filter(|code| code[4..].bytes().all(|byte| byte.is_ascii_digit())),
            );
        }
    }
    let pages: BTreeSet<String> = files(&root().join("host/docs/errors"), &[".md"])
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    assert!(!used.is_empty(), "the codes are found");
    let missing: Vec<String> = used.difference(&pages).cloned().collect();
    none("an error code without a page in host/docs/errors", &missing);
    let unused: Vec<String> = pages.difference(&used).cloned().collect();
    none("a page for a code that nothing gives", &unused);
}

/// Refusals that need a log which somebody has changed by hand: no feature can tell how that came about.
const NO_FEATURE: [&str; 1] = ["CS-E0184"];

#[test]
fn every_refusal_of_a_rule_stands_in_a_feature() {
    let features: String =
        files(&root().join("tests/spec"), &[".feature"]).iter().map(|path| read(path)).collect();
    let pages = files(&root().join("host/docs/errors"), &[".md"]);
    let codes = pages.iter().filter_map(|path| path.file_stem()?.to_str());
    let rules = codes.filter(|code| code.starts_with("CS-E01") && !NO_FEATURE.contains(code));
    let missing: Vec<String> = rules.filter(|code| !features.contains(code)).map(str::to_owned).collect();
    none("a refusal that no feature of `tests/spec` comes across", &missing);
}

#[test]
fn the_contract_readme_names_the_contracts_that_stand() {
    use sha2::Digest as _;
    let readme = read(&root().join("wit/README.md"));
    for wit in files(&root().join("wit"), &[".wit"]) {
        let digest = sha2::Sha256::digest(fs::read(&wit).expect("the contract"));
        let digest = data_encoding::HEXLOWER.encode(&digest);
        assert!(
            readme.contains(&digest),
            "wit/README.md must carry the SHA-256 of {}: {digest}",
            shown(&wit)
        );
    }
}

/// What a host speaks is what its suites deny things to: a version more would run without them.
#[test]
fn each_contract_that_is_spoken_was_released_and_is_tried() {
    let released: BTreeSet<&str> = countersign_tests::guests::RELEASES
        .iter()
        .filter_map(|version| version.rsplit_once('.'))
        .map(|of| of.0)
        .collect();
    assert_eq!(released, countersign_connectors::CONTRACTS.iter().copied().collect());
    let frozen = read(&root().join("wit/FROZEN"));
    for version in countersign_tests::guests::RELEASES {
        for file in
            [format!("wit/connector@{version}/connector.wit"), format!("released/hostile@{version}.wasm")]
        {
            assert!(frozen.contains(&file), "{file} is released and not frozen");
        }
    }
}

#[test]
fn what_was_released_has_not_changed() {
    use sha2::Digest as _;
    let frozen = read(&root().join("wit/FROZEN"));
    let lines = frozen.lines().filter(|line| !line.starts_with('#'));
    let files_frozen: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once("  ")).collect();
    for (digest, file) in &files_frozen {
        let now = sha2::Sha256::digest(fs::read(root().join(file)).expect("what is released is kept"));
        assert_eq!(
            *digest,
            data_encoding::HEXLOWER.encode(&now),
            "{file} is released: add a new version beside it"
        );
    }
    let is_frozen = |file: &str| files_frozen.iter().any(|(_, frozen)| *frozen == file);
    let released: Vec<String> = files(&root().join("wit"), &[".wit"])
        .iter()
        .chain(&files(&root().join("tests/guests/released"), &[".wasm"]))
        .map(|path| shown(path))
        .filter(|file| !file.contains("@0."))
        .collect();
    assert!(3 <= released.len(), "contract and components of 1.0.0: {released:?}");
    let missing: Vec<String> = released.into_iter().filter(|file| !is_frozen(file)).collect();
    none("a released file without its line in `wit/FROZEN`", &missing);
}

#[test]
fn no_old_word_stands_for_a_new_thing() {
    let banned = ["workflow", "task_status", "assignee"];
    let mut faults = Vec::new();
    for top in ["host", "wit", "sdk"] {
        for path in files(&root().join(top), &[".rs", ".wit"]) {
            for (number, line) in (1..).zip(read(&path).lines()) {
                for word in banned.iter().filter(|word| line.to_lowercase().contains(**word)) {
                    faults.push(format!("{}:{number}: `{word}`", shown(&path)));
                }
            }
        }
    }
    none("one word a thing: see the glossary in host/README.md", &faults);
}

#[test]
fn the_project_names_no_machine() {
    // Written in two halves, so that no list of such names stops at this file.
    let banned = [["/ro", "ot/"], ["/wo", "rk/"]].map(|halves| halves.concat());
    let mut faults = Vec::new();
    for top in ["host", "wit", "sdk", "plugins", "tests", ".ci", ".github", "README.md"] {
        let path = root().join(top);
        let all = if path.is_file() {
            vec![path]
        } else {
            files(&path, &[".rs", ".md", ".toml", ".wit", ".py", ".yml", "run", "install"])
        };
        for path in all {
            for (number, line) in (1..).zip(read(&path).lines()) {
                for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                    faults.push(format!("{}:{number}: `{word}`", shown(&path)));
                }
            }
        }
    }
    none("a path of one machine", &faults);
}

/// What stands between back ticks in the last cell of each row of a table, by the row's first cell.
fn named_in(page: &str) -> Vec<(String, Vec<String>)> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| way |"));
    let named = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let last = cells.last().copied().unwrap_or_default();
        let names = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells.first().copied().unwrap_or_default().trim().to_owned(), names, last.trim().to_owned())
    };
    let open = |(way, names, last): (String, Vec<String>, String)| {
        (!last.starts_with("not yet") && last != "tried by").then_some((way, names))
    };
    rows.map(named).filter_map(open).collect()
}

#[test]
fn every_way_around_an_approval_and_every_incident_names_tests_that_exist() {
    let code: String = sources().iter().map(|path| read(path)).collect();
    let features: String =
        files(&root().join("tests/spec"), &[".feature"]).iter().map(|path| read(path)).collect();
    let scenarios: BTreeSet<&str> = features
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Scenario"))
        .filter_map(|line| line.strip_prefix(" Outline: ").or_else(|| line.strip_prefix(": ")))
        .collect();
    let mut faults = Vec::new();
    for (page, least) in [("security.md", 40), ("incidents.md", 23)] {
        let ways = named_in(&read(&root().join("host/docs").join(page)));
        for (way, names) in &ways {
            if names.is_empty() {
                faults.push(format!("{page}: `{way}` names no test"));
            }
            let exists = |name: &str| scenarios.contains(name) || code.contains(&format!("fn {name}()"));
            let lacking = names.iter().filter(|name| !exists(name));
            faults.extend(lacking.map(|name| format!("{page}: `{way}`: no test `{name}`")));
        }
        assert!(least <= ways.len(), "only {} ways were found in {page}", ways.len());
    }
    none("security.md and incidents.md name tests that are there", &faults);
}
