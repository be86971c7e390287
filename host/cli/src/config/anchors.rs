//! `[log]` and `[log.anchor.NAME]`: the key of the log, and where its checkpoints are noted.

use super::keys::Section;
use super::notify::Lookup;
use super::problem::Problems;
use super::secret;
use crate::anchor::{AnchorOptions, Place};
use countersign_core::time::Millis;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How long a place rests between two checkpoints unless somebody says otherwise.
const REST: Millis = Millis::minutes(1);
/// The shortest and the longest rest that is taken.
const REST_RANGE: (Millis, Millis) = (Millis::seconds(1), Millis::hours(24));
/// Most places.
const ANCHORS_MAX: usize = 16;
/// What the file of `noted` is called.
pub(super) const NOTED: &str = "noted";
/// How long that file rests: it is on a disk.
const NOTED_REST: Millis = Millis::seconds(10);

/// The key of the log, and where its checkpoints are noted.
pub(super) fn read(
    top: &Section<'_>,
    root: &DeTable<'_>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> (Option<PathBuf>, Vec<AnchorOptions>) {
    let mut log = top.section("log", problems);
    log.only(&["key", NOTED, "anchor"], problems);
    let key = log.text("key", problems).map(|file| lookup.here.join(file));
    let noted = log.text(NOTED, problems).map(|file| AnchorOptions {
        name: NOTED.to_owned(),
        place: Place::File(lookup.here.join(file)),
        rest: NOTED_REST,
    });
    let mut anchors: Vec<AnchorOptions> = noted.into_iter().collect();
    let place = root.get("log").map_or(0, |section| section.span().start);
    let table = match root.get("log").map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => table.get("anchor").map(Spanned::get_ref),
        Some(_) | None => None,
    };
    if let Some(DeValue::Table(all)) = table {
        for (name, value) in all {
            anchors.extend(anchor(name, value, lookup, problems));
        }
    } else if table.is_some() {
        problems.at(place, "an anchor is a section: write `[log.anchor.NAME]`".to_owned());
    }
    if ANCHORS_MAX < anchors.len() {
        problems
            .at(place, format!("checkpoints are noted in {} places; at most {ANCHORS_MAX}", anchors.len()));
    }
    if key.is_none() && !anchors.is_empty() {
        let help = Some("`countersign audit key NAME FILE` makes one; name FILE as `key`".to_owned());
        problems.add(place, "to note the log wants a `key`, which signs what is noted".to_owned(), help);
    }
    (key, anchors)
}

fn anchor(
    name: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> Option<AnchorOptions> {
    let start = name.span().start;
    let name: &str = name.get_ref();
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || 40 < name.len() || !name.bytes().all(is_name) || name == NOTED {
        let message = format!("`{}` is no name of an anchor", name.escape_debug());
        let help = format!("small letters, digits and dashes, at most 40 and not `{NOTED}`");
        problems.add(start, message, Some(help));
        return None;
    }
    let DeValue::Table(table) = value.get_ref() else {
        problems.at(start, format!("`{name}` is a section: write `[log.anchor.{name}]`"));
        return None;
    };
    let full = format!("log.anchor.{name}");
    let known = problems.all().len();
    let mut section = Section::new(&full, Some(table), lookup.environment);
    section.only(&["file", "put", "post", "git", "authorization", "every"], problems);
    let (file, git) = (section.text("file", problems), section.text("git", problems));
    let (put, post) = (section.text("put", problems), section.text("post", problems));
    let named = [&file, &git, &put, &post].into_iter().flatten().count();
    let authorization = section.text("authorization", problems);
    if named != 1 {
        let help = "`put = \"https://bucket.example.com/approvals.checkpoint\"`, `post`, `git` or `file`";
        problems.add(start, format!("`[{full}]` names {named} places, and is one"), Some(help.to_owned()));
    }
    if authorization.is_some() && put.is_none() && post.is_none() {
        problems.at(start, format!("`authorization` of `[{full}]` is for `put` and `post`"));
    }
    for url in [&put, &post].into_iter().flatten() {
        address(&full, url, start, problems);
    }
    let authorization = authorization.and_then(|reference| {
        let found = secret(&reference, lookup.here, lookup.environment);
        found.map_err(|why| problems.at(start, format!("`authorization` of `[{full}]`: {why}"))).ok()
    });
    let rest = section.duration("every", problems).unwrap_or(REST);
    if rest < REST_RANGE.0 || REST_RANGE.1 < rest {
        problems.add(
            start,
            format!("`every` of `[{full}]` is out of range"),
            Some("`1s` to `24h`".to_owned()),
        );
    }
    if known < problems.all().len() {
        return None;
    }
    let place = match (file, git, put, post) {
        (Some(file), ..) => Place::File(lookup.here.join(file)),
        (_, Some(folder), ..) => Place::Git(lookup.here.join(folder)),
        (_, _, Some(url), _) => Place::Put { url, authorization },
        (_, _, _, Some(url)) => Place::Post { url, authorization },
        (None, None, None, None) => return None,
    };
    Some(AnchorOptions { name: name.to_owned(), place, rest })
}

/// Says what is wrong with an address: without TLS only this machine is asked.
fn address(section: &str, url: &str, start: usize, problems: &mut Problems) {
    let local = |host: &str| ["127.0.0.1", "[::1]", "localhost"].contains(&host);
    let is_safe = reqwest::Url::parse(url).is_ok_and(|parsed| {
        let safe =
            parsed.scheme() == "https" || (parsed.scheme() == "http" && parsed.host_str().is_some_and(local));
        safe && parsed.username().is_empty() && parsed.password().is_none()
    });
    if !is_safe {
        let help = "an address with `https://`, or `http://` on this machine, without a user: that goes into \
                    `authorization`";
        problems.add(
            start,
            format!("`[{section}]` names no address that is safe to ask"),
            Some(help.to_owned()),
        );
    }
}
