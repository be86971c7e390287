//! Headers that say how a request is meant: `Idempotency-Key`, `If-Match`, `Prefer`.

use crate::limits::{IDEMPOTENCY_KEY_BYTES_MAX, WAIT_SECONDS_MAX};
use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName, header};
use countersign_engine::port::catalogue::Evidence;

/// The header that makes a repeated request the same request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header with the signature of a component.
const SIGNATURE: HeaderName = HeaderName::from_static("countersign-signature");

/// The header with its conformance report.
const CONFORMANCE: HeaderName = HeaderName::from_static("countersign-conformance");

/// The header that says what a caller would like.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The caller's idempotency key; written bare or as a quoted string, it is the same key.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = all.next() else {
        let help =
            "draw a new key for each thing that you mean to do, and send the same one when you repeat it";
        return Err(Problem::new("CS-E0211", "the `Idempotency-Key` header is missing", help));
    };
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let plain = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if all.next().is_some() || bare.is_empty() || IDEMPOTENCY_KEY_BYTES_MAX < bare.len() || !plain {
        let detail = format!(
            "the `Idempotency-Key` header is not 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters"
        );
        return Err(Problem::new("CS-E0212", detail, "use a UUID or a digest"));
    }
    Ok(bare.to_owned())
}

/// What is said of a component.
pub(super) fn evidence(headers: &HeaderMap) -> Result<Evidence, Problem> {
    let signature = envelope(headers, SIGNATURE, ("Countersign-Signature", ".sig", "sign"))?;
    let conformance = envelope(headers, CONFORMANCE, ("Countersign-Conformance", ".conformance", "test"))?;
    Ok(Evidence { signature, conformance })
}

/// A signed envelope, in base 64; `None` if there is none.
fn envelope(
    headers: &HeaderMap,
    header: HeaderName,
    (name, ending, verb): (&str, &str, &str),
) -> Result<Option<Vec<u8>>, Problem> {
    let mut all = headers.get_all(header).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let decoded = data_encoding::BASE64.decode(value.as_bytes());
    match decoded {
        Ok(bytes) if all.next().is_none() => Ok(Some(bytes)),
        Ok(_) | Err(_) => {
            let detail = format!("the `{name}` header is not one envelope in base 64");
            let help = format!(
                "send the bytes of the `{ending}` file that `countersign connector {verb}` writes, in base 64"
            );
            Err(Problem::new("CS-E0234", detail, help))
        }
    }
}

/// The revision that the caller read: `If-Match` must be one strong tag.
pub(crate) fn revision(headers: &HeaderMap) -> Result<u32, Problem> {
    let mut all = headers.get_all(header::IF_MATCH).iter();
    let help = "send the `ETag` of the answer that you decide on, unchanged";
    let Some(value) = all.next() else {
        return Err(Problem::new("CS-E0215", "the `If-Match` header is missing", help));
    };
    let text = value.to_str().unwrap_or_default();
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    match digits.parse() {
        Ok(revision) if plain && all.next().is_none() => Ok(revision),
        Ok(_) | Err(_) => {
            let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
            let detail = format!("the `If-Match` header is `{shown}`, not one strong ETag such as `\"1\"`");
            Err(Problem::new("CS-E0216", detail, help))
        }
    }
}

/// How many seconds the caller would wait for a decision; `None` if it did not say so. Other
/// preferences are none of ours and are ignored, as RFC 7240 asks.
pub(crate) fn wait(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut wanted = None;
    for value in headers.get_all(PREFER) {
        for preference in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            let Some(seconds) = preference.strip_prefix("wait=") else { continue };
            match seconds.parse() {
                Ok(seconds) if seconds <= WAIT_SECONDS_MAX => wanted = wanted.or(Some(seconds)),
                Ok(_) | Err(_) => {
                    let found: String = preference.chars().take(60).flat_map(char::escape_debug).collect();
                    let detail = format!(
                        "the `Prefer` header: expected `wait=` and a number of seconds from 0 to \
                         {WAIT_SECONDS_MAX}, found `{found}`"
                    );
                    return Err(Problem::new("CS-E0219", detail, "correct the header or leave it out"));
                }
            }
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header value"))])
    }

    #[test]
    fn only_one_strong_tag_names_a_revision() {
        let check = |value: &str, expected: Result<u32, &str>| {
            let found = revision(&headers(header::IF_MATCH, value)).map_err(|problem| problem.code().code);
            assert_eq!(found, expected, "{value}");
        };
        check("\"1\"", Ok(1));
        check("\"4294967295\"", Ok(u32::MAX));
        for bad in
            ["*", "W/\"1\"", "1", "\"1\", \"2\"", "\"01\"", "\"\"", "\"-1\"", "\"+1\"", "\"4294967296\""]
        {
            check(bad, Err("CS-E0216"));
        }
        assert_eq!(revision(&HeaderMap::new()).map_err(|problem| problem.code().code), Err("CS-E0215"));
    }

    #[test]
    fn a_key_is_the_same_bare_or_quoted() {
        let check = |value: &str, expected: Result<&str, &str>| {
            let found =
                idempotency_key(&headers(IDEMPOTENCY_KEY, value)).map_err(|problem| problem.code().code);
            assert_eq!(found.as_deref().map_err(|code| *code), expected, "{value}");
        };
        check("abc", Ok("abc"));
        check("\"abc\"", Ok("abc"));
        check("", Err("CS-E0212"));
        check("\"\"", Err("CS-E0212"));
        check("two words", Err("CS-E0212"));
        check(&"k".repeat(IDEMPOTENCY_KEY_BYTES_MAX), Ok(&"k".repeat(IDEMPOTENCY_KEY_BYTES_MAX)));
        check(&"k".repeat(IDEMPOTENCY_KEY_BYTES_MAX + 1), Err("CS-E0212"));
    }

    #[test]
    fn a_wait_is_a_bounded_number_of_seconds() {
        let check = |value: &str, expected: Result<Option<u64>, &str>| {
            let found = wait(&headers(PREFER, value)).map_err(|problem| problem.code().code);
            assert_eq!(found, expected, "{value}");
        };
        check("wait=10", Ok(Some(10)));
        check("respond-async, wait=30", Ok(Some(30)));
        check("return=minimal", Ok(None));
        check("wait=31", Err("CS-E0219"));
        check("wait=soon", Err("CS-E0219"));
    }
}
