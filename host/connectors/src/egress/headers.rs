//! Which headers a guest may send and see.

use http::{HeaderMap, HeaderName, HeaderValue};

/// More fields than any documented vendor asks for.
const HEADERS_MAX: usize = 64;

/// Names and values together; servers commonly refuse more than 8 or 16 KiB.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Room for the fields that the host adds, so that the map need not grow for them.
const HOST_HEADERS: usize = 8;

/// Names that are the host's own in a request: credential, identity, framing, routing, encoding.
const OWN: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-forwarded",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Beginnings of further such names.
const OWN_PREFIXES: &[&str] = &["proxy-", "sec-", "x-forwarded-", "x-amz-security-"];

/// Names that a guest never sees in an answer: credentials, framing, and what steers a client.
const HIDDEN: &[&str] = &[
    "alt-svc",
    "authentication-info",
    "authorization",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "refresh",
    "set-cookie",
    "set-cookie2",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Turns the guest's headers into a map, or says what is wrong with them.
///
/// `reserved` is a further name that is the host's own at this endpoint (its key header).
pub(crate) fn admitted(fields: &[(String, String)], reserved: &[&HeaderName]) -> Result<HeaderMap, String> {
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if fields.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!("sends more than {HEADERS_MAX} headers or {HEADER_BYTES_MAX} bytes of them"));
    }
    let mut headers = HeaderMap::with_capacity(fields.len() + HOST_HEADERS);
    for (name, value) in fields {
        let Ok(parsed) = name.parse::<HeaderName>() else {
            return Err(format!("sends a header named `{}`, which is no header name", name.escape_debug()));
        };
        let own = OWN.contains(&parsed.as_str())
            || OWN_PREFIXES.iter().any(|prefix| parsed.as_str().starts_with(prefix))
            || reserved.contains(&&parsed);
        if own {
            return Err(format!("sends header `{parsed}`, which is the host's own"));
        }
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(format!("sends header `{parsed}` with a character that no header can carry"));
        };
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// What the guest sees of an answer's headers, names in lower case and in order.
pub(crate) fn shown(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<HeaderMap, String> {
        admitted(&[(name.to_owned(), value.to_owned())], &[&HeaderName::from_static("x-own-key")])
    }

    #[test]
    fn the_hosts_own_headers_are_refused_in_every_case() {
        for name in OWN.iter().chain(&[
            "x-own-key",
            "X-Own-Key",
            "Host",
            "AUTHORIZATION",
            "Cookie",
            "Idempotency-Key",
            "Proxy-Anything",
            "X-Forwarded-For",
            "x-forwarded-host",
            "Sec-Fetch-Site",
        ]) {
            let refused = one(name, "x").expect_err(name);
            assert!(refused.ends_with("which is the host's own"), "{name}: {refused}");
        }
        for name in [
            "content-type",
            "if-match",
            "If-None-Match",
            "accept",
            "x-stripe-version",
            "prefer",
            "range",
            "depth",
        ] {
            assert!(one(name, "x").is_ok(), "{name}");
        }
    }

    #[test]
    fn a_header_cannot_split_the_request() {
        for (name, value) in [
            ("x", "a\r\nhost: evil"),
            ("x", "a\nb"),
            ("x", "a\0b"),
            ("x\r\nhost", "a"),
            ("x:", "a"),
            ("", "a"),
            ("x y", "a"),
            ("host ", "a"),
            (" host", "a"),
            ("ho\u{17f}t", "a"),
            (":authority", "a"),
        ] {
            assert!(one(name, value).is_err(), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn headers_have_a_limit() {
        let field = |number: usize| (format!("x-{number}"), "v".to_owned());
        let many: Vec<_> = (0..=HEADERS_MAX).map(field).collect();
        assert!(admitted(&many, &[]).is_err());
        assert!(admitted(&many[1..], &[]).is_ok());
        assert!(one("x", &"v".repeat(HEADER_BYTES_MAX)).is_err());
    }

    #[test]
    fn an_answer_shows_no_credential() {
        let mut headers = HeaderMap::new();
        for name in ["set-cookie", "www-authenticate", "refresh", "etag", "location", "retry-after"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        let names: Vec<_> = shown(&headers).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["etag", "location", "retry-after"]);
    }
}
