//! Links between documents lead to a file that is there, and to a heading of it.

use super::{Parts, documents, root};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The addresses of the links of a document.
pub(crate) fn links(parts: &Parts) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = parts.prose.as_str();
    while let Some((_, behind)) = rest.split_once("](") {
        let (address, after) = behind.split_once(')').unwrap_or((behind, ""));
        found.push(address.to_owned());
        rest = after;
    }
    found
}

/// The name by which a heading is linked to, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = Parts::of(text).prose;
    headings
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(anchor)
        .collect()
}

/// A path without `..`.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// What is wrong with a link of the document at `path`.
fn wrong(path: &Path, link: &str) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let beside = path.parent().unwrap_or(Path::new(""));
    let target = if file.is_empty() { path.to_owned() } else { plain(&beside.join(file)) };
    let text = match std::fs::read_to_string(root().join(&target)) {
        Ok(text) => text,
        Err(_) if root().join(&target).is_dir() => String::new(),
        Err(_) => return Some(format!("{}: `{link}` leads to nothing", path.display())),
    };
    let found = heading.is_empty() || anchors(&text).contains(heading);
    (!found).then(|| format!("{}: `{link}`: {} has no such heading", path.display(), target.display()))
}

#[test]
fn every_link_leads_to_something() {
    let (mut faults, mut looked) = (Vec::new(), 0);
    for (path, text) in documents() {
        for link in links(&Parts::of(&text)) {
            looked += 1;
            faults.extend(wrong(&path, &link));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(looked > 50, "only {looked} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let path = Path::new("host/docs/README.md");
    assert_eq!(wrong(path, "tutorial.md"), None);
    assert_eq!(wrong(path, "../../README.md#change-a-threshold"), None);
    assert!(wrong(path, "tutorials.md").is_some());
    assert!(wrong(path, "tutorial.md#your-last-decision").is_some());
}

#[test]
fn every_document_for_people_is_named_by_the_list_of_documents() {
    let all = documents();
    let list = all.get(Path::new("host/docs/README.md")).expect("the list");
    let named: BTreeSet<PathBuf> = links(&Parts::of(list))
        .iter()
        .map(|link| plain(&Path::new("host/docs").join(link.split('#').next().unwrap_or_default())))
        .collect();
    let lies_in = |path: &Path, folder: &str| path.parent() == Some(Path::new(folder));
    let expected =
        all.keys().filter(|path| lies_in(path, "host/docs") || lies_in(path, "host/docs/reference"));
    let lacking: Vec<_> =
        expected.filter(|path| !path.ends_with("README.md") && !named.contains(*path)).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}
