//! What pages bring beside their text: the style and the module. Each is asked for with the digest of its content, so that a
//! browser keeps it for as long as it is the same, and is packed once. Pages are never packed: what a stranger writes
//! stands in them beside what nobody else may know, and the length of a packed text tells of both.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::hash::Digest;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::LazyLock;

/// Letters of the digest in an address: enough to tell one release from another.
const DIGEST_LETTERS: usize = 16;

/// What a browser may do with what it asked for by its digest: keep it for a year, and not ask whether it is still so.
const KEPT: &str = "public, max-age=31536000, immutable";

/// The one style of all pages.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of("/assets/console.css", "text/css; charset=utf-8", packed_style(include_str!("console.css")))
});

/// The one module of all pages.
pub(super) static MODULE: LazyLock<Asset> = LazyLock::new(|| {
    let text = packed_module(include_str!("console.js"));
    Asset::of("/assets/console.js", "text/javascript; charset=utf-8", text)
});

/// One of them.
#[derive(Debug)]
pub(super) struct Asset {
    /// Where pages ask for it.
    pub(super) address: String,
    digest: String,
    kind: &'static str,
    text: String,
    /// By gzip; nothing if that is no shorter.
    packed: Option<Vec<u8>>,
}

impl Asset {
    fn of(path: &str, kind: &'static str, text: String) -> Asset {
        let digest: String = Digest::of(text.as_bytes()).to_string().chars().take(DIGEST_LETTERS).collect();
        let packed = packed(text.as_bytes()).filter(|packed| packed.len() < text.len());
        Asset { address: format!("{path}?{digest}"), digest, kind, text, packed }
    }

    fn served(&'static self, headers: &HeaderMap, uri: &Uri) -> Response {
        let mut response = match self.packed.as_ref().filter(|_| takes_gzip(headers)) {
            Some(packed) => ([(header::CONTENT_ENCODING, "gzip")], packed.as_slice()).into_response(),
            None => self.text.as_str().into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // Under another digest stands what is served now all the same; it is not kept.
        if uri.query() == Some(&self.digest) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
        }
        response
    }
}

/// The style.
pub(super) async fn style(headers: HeaderMap, uri: Uri) -> Response {
    STYLE.served(&headers, &uri)
}

/// The module.
pub(super) async fn module(headers: HeaderMap, uri: Uri) -> Response {
    MODULE.served(&headers, &uri)
}

/// A style without what only people read it by. No text of ours has these letters in quotes.
fn packed_style(text: &str) -> String {
    let mut packed: String = text.lines().map(str::trim).collect();
    for (wide, narrow) in
        [(": ", ":"), ("; ", ";"), (", ", ","), (" {", "{"), ("{ ", "{"), (";}", "}"), (" > ", ">")]
    {
        packed = packed.replace(wide, narrow);
    }
    packed.replace("; }", "}").replace(";}", "}").replace(" }", "}")
}

/// A module without its comments and the space in front of its lines. No line of ours begins within a text.
fn packed_module(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whether a browser unpacks what is packed by gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |part: &str| {
            part.strip_prefix("q=").is_some_and(|weight| weight.trim_matches(['0', '.']).is_empty())
        };
        is_named && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_goes_to_whoever_can_unpack_it() {
        let check = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            takes_gzip(&headers)
        };
        for takes in ["gzip", "gzip, deflate, br, zstd", "br, GZIP;q=0.5"] {
            assert!(check(takes), "{takes}");
        }
        for not in ["", "br", "gzip;q=0", "gzip; q=0.0", "gzipped", "x-gzip"] {
            assert!(!check(not), "{not}");
        }
    }

    #[test]
    fn a_style_says_the_same_with_less() {
        let style = "a { color: var(--deed); margin: 0 .6rem; }\n@media (max-width: 40rem) {\n  td > * { top: 1px; }\n}\n";
        assert_eq!(
            packed_style(style),
            "a{color:var(--deed);margin:0 .6rem}@media (max-width:40rem){td>*{top:1px}}"
        );
        assert!(STYLE.text.contains("calc(50% - 29rem)"), "signs within a sum keep their space");
        assert!(
            !STYLE.text.contains("/*") && !STYLE.text.contains("\""),
            "a comment or a text would need more care"
        );
    }

    #[test]
    fn a_module_says_the_same_with_less() {
        assert_eq!(packed_module("// why\nconst a = 1;\n\n  f(a); // ends\n"), "const a = 1;\nf(a); // ends");
    }
}
