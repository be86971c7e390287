//! A case as a page: HTML without scripts, to read and to print. It says no more than the file beside it.

use super::super::population::Log;
use countersign_core::evidence::case::{Chain, Check, Link};
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.6rem 0 .2rem}p{margin:.2rem 0;overflow-wrap:anywhere}\
small{color:#444}ul{margin:.2rem 0;padding-left:1.4rem}li{overflow-wrap:anywhere}\
section{break-inside:avoid;border-left:3px solid #888;padding-left:.8rem;margin:.6rem 0}\
.no{border-left-color:#a00}.no strong{color:#a00}footer{margin-top:2rem;border-top:1px solid #888}";

/// The page of a case whose file is called `file`.
pub(super) fn of(chain: &Chain, log: &Log, file: &str) -> String {
    let mut page = String::new();
    let title = format!("Case {}", chain.intent);
    let holds = if chain.holds { "every check holds" } else { "NOT every check holds" };
    // Nothing that is written to a text can fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>It is <strong>{}</strong>; {holds}.</p>\n",
        escaped(&chain.stage)
    );
    if chain.missing.is_empty() {
        page.push_str("<p>Nothing that a whole case has is missing.</p>\n");
    } else {
        page.push_str("<p>Missing:</p>\n<ul>\n");
        for what in &chain.missing {
            let _ = writeln!(page, "<li>{}</li>", escaped(what));
        }
        page.push_str("</ul>\n");
    }
    let mut about = None;
    for link in &chain.links {
        if about != Some(link.about) {
            let _ = writeln!(page, "<h2>{}</h2>", escaped(&capital(link.about.words())));
            about = Some(link.about);
        }
        one(&mut page, link);
    }
    let _ = write!(
        page,
        "<footer>\n<p>From the log <code>{}</code> of {} entries with root <code>{}</code>. The entries and the proof of each \
         are in <code>{}</code>; <code>countersign audit check {} --public KEY</code> checks them without a host.</p>\n\
         </footer>\n</body>\n</html>\n",
        escaped(&log.origin),
        log.entries,
        log.root,
        escaped(file),
        escaped(file)
    );
    page
}

fn one(page: &mut String, link: &Link) {
    let holds = link.checks.iter().all(|check| check.holds);
    let class = if holds { "" } else { " class=\"no\"" };
    let entries: Vec<String> = link.entries.iter().map(u64::to_string).collect();
    let word = if entries.len() == 1 { "entry" } else { "entries" };
    let _ = writeln!(
        page,
        "<section{class}>\n<p>{}</p>\n<p><small>{}, {word} {} of the log</small></p>",
        escaped(&link.says),
        escaped(&link.at),
        entries.join(", ")
    );
    if !link.checks.is_empty() {
        page.push_str("<ul>\n");
        link.checks.iter().for_each(|check| checked(page, check));
        page.push_str("</ul>\n");
    }
    page.push_str("</section>\n");
}

fn checked(page: &mut String, check: &Check) {
    let (what, expected, found) = (escaped(&check.what), escaped(&check.expected), escaped(&check.found));
    let _ = if check.holds {
        writeln!(page, "<li>fits: {what} ({found})</li>")
    } else {
        writeln!(page, "<li><strong>does not fit:</strong> {what}: {found}, not {expected}</li>")
    };
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text as HTML has it; what hides or turns letters is spelled out.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in crate::output::plain(text).chars() {
        match letter {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_no_markup() {
        assert_eq!(escaped("<script src=\"x\">'&"), "&lt;script src=&quot;x&quot;&gt;&#39;&amp;");
        assert_eq!(escaped("a\u{202e}b"), "a\\u{202e}b");
    }
}
