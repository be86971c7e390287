//! The first rules of the gate, which need nothing but the grant: phase, endpoint, method, path,
//! address. What they stop has sent nothing.

use super::{Method, Phase, Purpose, Request};
use crate::grant::{Grant, GrantedEndpoint};
use url::Url;

/// Longest path: what servers commonly accept.
const PATH_BYTES_MAX: usize = 4 * 1024;

/// Longest query once it is encoded: what servers commonly accept.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// Largest body of a request; vendors' own limits on single records are smaller.
pub(crate) const REQUEST_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest name of a step, by the contract.
const STEP_BYTES_MAX: usize = 64;

/// Why a request may not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The phase or the grant forbids it: a fault of the connector. Ends the call.
    Forbidden(String),
    /// It is malformed or over a limit.
    Malformed(String),
    /// The operator has not granted it.
    NotGranted(String),
}

/// Phase and purpose, endpoint, method and path, in this order.
pub(crate) fn admitted<'g>(
    request: &Request,
    phase: Phase,
    grant: &'g Grant,
) -> Result<&'g GrantedEndpoint, Stopped> {
    match (phase, &request.purpose) {
        (Phase::Read, Purpose::Step(step)) => {
            let step = step.escape_debug();
            return Err(Stopped::Forbidden(format!(
                "tried to send step `{step}` in a call that may only read"
            )));
        }
        (Phase::Write, Purpose::Step(step)) if !is_step_name(step) => {
            let step = step.escape_debug();
            return Err(Stopped::Malformed(format!(
                "names a step `{step}`; a-z, 0-9 and `-` may stand in it, 64 at most"
            )));
        }
        (Phase::Read | Phase::Write, Purpose::Read) | (Phase::Write, Purpose::Step(_)) => {}
    }
    let name = request.endpoint.escape_debug();
    let Some(endpoint) = grant.endpoints.get(&request.endpoint) else {
        // Whose it is to put right: the operator grants nothing that the author has not asked for.
        let whose = if grant.asked.contains(&request.endpoint) {
            "which this connection does not grant; grant it under `endpoints`, or do without what needs it"
                .to_owned()
        } else {
            format!(
                "which its manifest does not have; whoever writes the connector adds `[endpoints.{name}]` there"
            )
        };
        return Err(Stopped::NotGranted(format!("asked for endpoint `{name}`, {whose}")));
    };
    let method = request.method.as_str();
    if !endpoint.methods.iter().any(|granted| granted == method) {
        return Err(Stopped::Forbidden(format!(
            "tried {method} at endpoint `{name}`, which its manifest does not list"
        )));
    }
    check_path(&request.path).map_err(Stopped::Malformed)?;
    let path = &request.path;
    if !endpoint.paths.iter().any(|pattern| matches(pattern, path)) {
        return Err(Stopped::Forbidden(format!(
            "tried path `{path}` at endpoint `{name}`, which its manifest does not list"
        )));
    }
    let harmless = match request.method {
        Method::Get | Method::Head => true,
        Method::Post => endpoint.read_posts.iter().any(|pattern| matches(pattern, path)),
        Method::Put | Method::Patch | Method::Delete => false,
    };
    if request.purpose == Purpose::Read && !harmless {
        return Err(Stopped::Forbidden(format!(
            "tried to {method} `{path}` as if it read; a write needs a step, and a reading POST stands in `read-posts`"
        )));
    }
    if request.body.len() > REQUEST_BODY_BYTES_MAX {
        return Err(Stopped::Malformed(format!("sends a body of more than {REQUEST_BODY_BYTES_MAX} bytes")));
    }
    Ok(endpoint)
}

fn is_step_name(step: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !step.is_empty() && step.len() <= STEP_BYTES_MAX && step.bytes().all(plain)
}

/// A path that means the same to us, to every proxy and to the target.
fn check_path(path: &str) -> Result<(), String> {
    let shown: String = path.chars().take(80).flat_map(char::escape_debug).collect();
    let refuse = |why: &str| Err(format!("asks for path `{shown}`, which {why}"));
    if path.len() > PATH_BYTES_MAX {
        return refuse("is too long");
    }
    if !path.starts_with('/') {
        return refuse("does not begin with `/`");
    }
    if path.contains("//") {
        return refuse("has an empty segment");
    }
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            let plain = byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
            if !plain {
                return refuse("has a character that must be percent-encoded");
            }
            decoded.push(byte);
            continue;
        }
        let digits = (bytes.next(), bytes.next());
        let (Some(high), Some(low)) = (digits.0.and_then(hex), digits.1.and_then(hex)) else {
            return refuse("has a `%` without two hexadecimal digits");
        };
        let byte = high * 16 + low;
        if byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%') {
            return refuse("hides a slash, a percent sign or a control character");
        }
        decoded.push(byte);
    }
    if decoded.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b"..") {
        return refuse("has dot segments");
    }
    Ok(())
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a pattern of the manifest covers a path: `*` is one segment, at the end any rest.
fn matches(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/').peekable();
    let mut found = path.split('/');
    while let Some(segment) = wanted.next() {
        if segment == "*" && wanted.peek().is_none() {
            return found.next().is_some();
        }
        match found.next() {
            Some(_) if segment == "*" => {}
            Some(other) if segment == other => {}
            Some(_) | None => return false,
        }
    }
    found.next().is_none()
}

/// The address of a request: the endpoint's base, the guest's path, the encoded query. The guest
/// supplies neither scheme nor authority.
pub(crate) fn address(base: &Url, request: &Request) -> Result<Url, String> {
    let mut query = String::new();
    for (name, value) in &request.query {
        query.push(if query.is_empty() { '?' } else { '&' });
        encode(&mut query, name);
        query.push('=');
        encode(&mut query, value);
    }
    if query.len() > QUERY_BYTES_MAX {
        return Err(format!("asks with a query of more than {QUERY_BYTES_MAX} bytes"));
    }
    let mut url = base.clone();
    let path = format!("{}{}", base.path().trim_end_matches('/'), request.path);
    url.set_path(&path);
    url.set_query(query.strip_prefix('?'));
    // INVARIANT: a checked path and an encoded query go through the URL parser unchanged. If they
    // did not, what was checked would not be what is sent.
    if url.path() == path && url.query() == query.strip_prefix('?') && url.origin() == base.origin() {
        Ok(url)
    } else {
        Err("asks for an address that does not survive its own parsing".to_owned())
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(query: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_one_thing_only() {
        for good in [
            "/",
            "/v1/refunds",
            "/a/b%20c",
            "/contracts/C-100/versions/eff_1.json",
            "/a;b=1/c,d",
            "/a/",
            "/%C3%A9",
            "/..a",
            "/a.b",
        ] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "v1",
            "//evil.example",
            "/a//b",
            "/..",
            "/../x",
            "/a/../b",
            "/a/.",
            "/./a",
            "/%2e%2e/x",
            "/%2E./x",
            "/.%2e",
            "/a/%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/%00",
            "/a%0d%0ab",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a b",
            "/a?x=1",
            "/a#x",
            "http://evil.example/",
            "/é",
            "/a\nb",
            "/%252e%252e/",
            "/[::1]",
            "/a%7f",
            "/<a>",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert!(check_path(&format!("/{}", "a".repeat(PATH_BYTES_MAX))).is_err());
    }

    #[test]
    fn a_pattern_covers_what_it_says() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        };
        check("/v1/*", "/v1/refunds", true);
        check("/v1/*", "/v1/refunds/re_1/cancel", true);
        check("/v1/*", "/v1/", true);
        check("/v1/*", "/v1", false);
        check("/v1/*", "/v11/refunds", false);
        check("/v1/*/query", "/v1/account/query", true);
        check("/v1/*/query", "/v1/account/x/query", false);
        check("/v1/refunds", "/v1/refunds", true);
        check("/v1/refunds", "/v1/refunds/", false);
        check("/*", "/anything/at/all", true);
    }

    #[test]
    fn an_address_is_base_path_and_encoded_query() {
        let request = Request {
            path: "/v1/search".to_owned(),
            query: vec![("q".to_owned(), "a&b=c #é".to_owned()), ("x".to_owned(), String::new())],
            ..Request::default()
        };
        let base = Url::parse("https://api.example.com/base/").expect("it is an address");
        let url = address(&base, &request).map(|url| url.to_string());
        assert_eq!(url.as_deref(), Ok("https://api.example.com/base/v1/search?q=a%26b%3Dc%20%23%C3%A9&x="));
    }

    #[test]
    fn a_step_has_a_plain_name() {
        for good in ["create-refund", "a", "7"] {
            assert!(is_step_name(good), "{good}");
        }
        for bad in ["", "Create", "a b", "a_b", "a\0b", &"a".repeat(65)] {
            assert!(!is_step_name(bad), "{bad}");
        }
    }
}
