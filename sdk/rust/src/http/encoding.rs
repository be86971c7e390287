//! Percent-encoding of paths and form bodies.

use std::fmt::Write as _;

/// A path of encoded segments: `path(["v1", "charges", id])` is `/v1/charges/ch_1`. An id with a
/// slash in it stays one segment.
#[must_use]
pub fn path(segments: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(&encoded(segment.as_ref(), Encoding::Path));
    }
    path
}

/// A form body, in the order of its fields.
pub(super) fn form(fields: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(&encoded(name.as_ref(), Encoding::Form));
        body.push('=');
        body.push_str(&encoded(value.as_ref(), Encoding::Form));
    }
    body
}

/// Where percent-encoded text will stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Path,
    Form,
}

fn encoded(text: &str, encoding: Encoding) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            b'~' | b':' | b'@' | b'$' | b',' if encoding == Encoding::Path => out.push(char::from(byte)),
            b' ' if encoding == Encoding::Form => out.push('+'),
            other => {
                // Writing into a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    // A segment of dots would climb: the host refuses it too, but it can be a mere id.
    if encoding == Encoding::Path && (out == "." || out == "..") {
        return out.replace('.', "%2E");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(path(["v1", "charges", "a/b?c#d é"]), "/v1/charges/a%2Fb%3Fc%23d%20%C3%A9");
        assert_eq!(path(["x", "..", "."]), "/x/%2E%2E/%2E");
    }

    #[test]
    fn a_form_keeps_order_and_meaning() {
        let fields = [("items[0][id]", "si 1"), ("note", "a&b=c~é")];
        assert_eq!(form(&fields), "items%5B0%5D%5Bid%5D=si+1&note=a%26b%3Dc%7E%C3%A9");
    }
}
