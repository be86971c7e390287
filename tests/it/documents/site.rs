//! The documents as a site, by mdBook: every page that the list of documents leads to, with links that lead somewhere. A
//! run leaves it in `target/site/book`.

use super::links::{links, plain};
use super::{Parts, documents, root};
use countersign_tests::servers::install_folder as installed;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the site begins: the list of documents.
const START: &str = "host/docs/README.md";
const BOOK: &str = "[book]\ntitle = \"countersign\"\nlanguage = \"en\"\n\n[output.html]\nno-section-label = true\n\n\
                    [output.html.print]\nenable = false\n";

/// A folder that leads to nothing in a site: its list is a page.
fn page(target: &Path) -> PathBuf {
    if root().join(target).is_dir() { target.join("README.md") } else { target.to_owned() }
}

/// Where the links of a document lead to, inside of the checkout.
fn targets(path: &Path, text: &str) -> Vec<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let inside =
        links(&Parts::of(text)).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#'));
    let file = |link: String| page(&plain(&beside.join(link.split('#').next().unwrap_or_default())));
    inside.map(file).collect()
}

/// Where a document stands in the site: mdBook makes `index.html` of a folder's `README.md`, and leaves links to it as
/// they are, so it is called so before.
fn placed(path: &Path) -> PathBuf {
    if path.ends_with("README.md") { path.with_file_name("index.md") } else { path.to_owned() }
}

/// A document with its links to such pages.
fn relinked(text: &str) -> String {
    let mut relinked = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("](") {
        let (address, after) = behind.split_once(')').unwrap_or((behind, ""));
        let (file, heading) = address.split_at(address.find('#').unwrap_or(address.len()));
        let file = file
            .strip_suffix("README.md")
            .map_or_else(|| file.to_owned(), |folder| format!("{folder}index.md"));
        write!(relinked, "{before}]({file}{heading})").expect("text grows");
        rest = after;
    }
    relinked + rest
}

fn title(text: &str) -> String {
    let heading = text.lines().find_map(|line| line.strip_prefix("# ")).expect("a document has a heading");
    heading.replace(['[', ']'], "")
}

/// The contents of the book: the list of documents in its order, the pages that one of them alone lists below it, and
/// what others lead to behind.
fn summary(pages: &BTreeSet<PathBuf>) -> String {
    let all = documents();
    let text = |path: &Path| all.get(path).unwrap_or_else(|| panic!("{}", path.display()));
    let start = placed(Path::new(START));
    let mut summary = format!("# Summary\n\n[{}]({})\n", title(text(Path::new(START))), start.display());
    let mut told = BTreeSet::from([PathBuf::from(START)]);
    for line in text(Path::new(START)).lines() {
        if let Some(part) = line.strip_prefix("## ") {
            write!(summary, "\n# {part}\n\n").expect("text grows");
        }
        let Some((name, link)) = line.strip_prefix("- [").and_then(|item| item.split_once("](")) else {
            continue;
        };
        let target = plain(&Path::new("host/docs").join(link.split([')', '#']).next().unwrap_or_default()));
        if !pages.contains(&target) || !told.insert(target.clone()) {
            continue;
        }
        writeln!(summary, "- [{name}]({})", placed(&target).display()).expect("text grows");
        for below in targets(&target, text(&target)) {
            if target.file_name() == Some("README.md".as_ref())
                && below.parent() == target.parent()
                && pages.contains(&below)
                && told.insert(below.clone())
            {
                writeln!(summary, "  - [{}]({})", title(text(&below)), below.display()).expect("text grows");
            }
        }
    }
    summary.push_str("\n# Beside these\n\n");
    for page in pages.iter().filter(|page| !told.contains(*page)) {
        writeln!(summary, "- [{}]({})", title(text(page)), placed(page).display()).expect("text grows");
    }
    summary
}

/// Writes the sources of the book, and says what is in it.
fn gathered(into: &Path) -> BTreeSet<PathBuf> {
    let all = documents();
    let decisions = all.keys().filter(|path| path.starts_with("host/docs/decisions"));
    let (mut pages, mut open): (BTreeSet<PathBuf>, Vec<PathBuf>) =
        (BTreeSet::new(), decisions.cloned().chain([PathBuf::from(START)]).collect());
    while let Some(path) = open.pop() {
        if pages.contains(&path) {
            continue;
        }
        let file = into.join(placed(&path));
        fs::create_dir_all(file.parent().expect("a folder")).expect("it is made");
        let Some(text) = all.get(&path) else {
            fs::copy(root().join(&path), &file).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
            continue;
        };
        fs::write(&file, relinked(text)).expect("it is written");
        open.extend(targets(&path, text));
        pages.insert(path);
    }
    pages
}

/// The values of an attribute of a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let before = format!(" {name}=\"");
    html.split(&before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_documents_make_a_site_whose_links_lead_somewhere() {
    let folder = root().join("target/site");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the last one goes");
    }
    let pages = gathered(&folder.join("src"));
    fs::write(folder.join("src/SUMMARY.md"), summary(&pages)).expect("it is written");
    fs::write(folder.join("book.toml"), BOOK).expect("it is written");
    let mdbook = installed().join("mdbook/bin/mdbook");
    let built = Command::new(&mdbook).arg("build").arg(&folder).output();
    let built =
        built.unwrap_or_else(|fault| panic!("{} (`tests/install` puts it there): {fault}", mdbook.display()));
    let words = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && !words.contains("WARN") && !words.contains("ERROR"), "{words}");

    let book = folder.join("book");
    let (mut faults, mut looked) = (Vec::new(), 0);
    for page in &pages {
        let file = book.join(placed(page)).with_extension("html");
        let html = fs::read_to_string(&file).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
        for link in attributes(&html, "href") {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            looked += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => plain(&file.parent().expect("a folder").join(path)),
            };
            let target = if target.is_dir() { target.join("index.html") } else { target };
            let fits = target.is_file()
                && (heading.is_empty()
                    || attributes(&fs::read_to_string(&target).unwrap_or_default(), "id").contains(&heading));
            if !fits {
                faults.push(format!("{}: {link}", page.display()));
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} of {looked} links lead nowhere:\n{}", faults.len(), faults.join("\n"));
    assert!(pages.len() > 200 && looked > 1_000, "{} pages, {looked} links", pages.len());
}
