//! How a target wants requests signed that has a scheme of its own: declared here, done by the host, so that a connector
//! holds neither key nor signature.
//!
//! What is signed (`content`) and what is sent of it (`value`) are texts with places in braces:
//!
//! | place | is | in |
//! |---|---|---|
//! | `{method}` | the method in capitals | content |
//! | `{target}` | path and query as they are sent, `/v1/a?b=c`; the path alone where there is no query | content |
//! | `{path}`, `{query}` | each alone, without the `?` | content |
//! | `{body}` | the bytes of the body | content |
//! | `{body-sha256}`, `{body-sha256-base64}` | their hash, as hexadecimal digits or as base64 | content |
//! | `{timestamp}` | seconds or milliseconds since 1970 | both |
//! | `{key}` | the id of the key, which the secret begins with | both |
//! | `{signature}` | the signature, as hexadecimal digits or as base64 | value |
//!
//! ```toml
//! [endpoints.api.auth]
//! scheme = "hmac"
//! sign = { content = "{timestamp}{method}{target}{body}", header = "X-App-Access-Sig", timestamp-header = "X-App-Access-Ts", key-header = "X-App-Token" }
//! ```
//! These are covered: Sumsub, as above (<https://docs.sumsub.com/reference/authentication>); Bybit Pay, which signs
//! `{timestamp}{key}5000{query}{body}` (<https://bybit-exchange.github.io/docs/bybit-pay/guide>); Cresium, which signs
//! `{timestamp}|{method}|{target}|{body}` in milliseconds and base64 (<https://docs.cresium.com/doc-1613345>); and Unleashed,
//! which signs the query and nothing of what is written (<https://apidocs.unleashedsoftware.com/AuthenticationHelp>).
//! These are not: Rapyd, whose text holds the secret itself; dLocal, which wants a second key in a header of its own; and
//! whoever signs a list of headers, as AWS and Azure do.

use super::{Auth, Encoding, Scheme};
use http::HeaderName;
use serde::Deserialize;

/// How requests are signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signing {
    /// The hash that the HMAC is made with.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// What is signed.
    pub content: String,
    /// The header that the signature goes into.
    pub header: String,
    /// What stands there.
    #[serde(default = "Signing::default_value")]
    pub value: String,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What the moment is counted in.
    #[serde(default)]
    pub timestamp: Unit,
    /// The header that the moment goes into.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// The header that the id of the key goes into.
    #[serde(default)]
    pub key_header: Option<String>,
    /// How the secret's key is written.
    #[serde(default)]
    pub key: KeyForm,
    /// That nothing of what is written is signed, where the target wants it so.
    #[serde(default)]
    pub unsigned_body: bool,
}

/// The hash that an HMAC is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC-SHA256.
    #[default]
    HmacSha256,
    /// HMAC-SHA512.
    HmacSha512,
}

/// What a moment is counted in, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// How a key is written in its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// Its bytes are those of the text.
    #[default]
    Text,
    /// As hexadecimal digits.
    Hex,
    /// As base64 with padding.
    Base64,
}

/// A piece of what is signed or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it stands.
    Text(String),
    /// What a place stands for.
    Place(Place),
}

/// What stands between braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Method,
    Target,
    Path,
    Query,
    Body,
    BodySha256,
    BodySha256Base64,
    Timestamp,
    Key,
    Signature,
}

impl Place {
    const ALL: [(&'static str, Place); 10] = [
        ("method", Place::Method),
        ("target", Place::Target),
        ("path", Place::Path),
        ("query", Place::Query),
        ("body", Place::Body),
        ("body-sha256", Place::BodySha256),
        ("body-sha256-base64", Place::BodySha256Base64),
        ("timestamp", Place::Timestamp),
        ("key", Place::Key),
        ("signature", Place::Signature),
    ];

    const fn is_body(self) -> bool {
        matches!(self, Place::Body | Place::BodySha256 | Place::BodySha256Base64)
    }
}

/// The pieces of a text with places.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once('{') {
        let named = behind.split_once('}');
        let known = named.and_then(|(name, after)| {
            let place = Place::ALL.iter().find(|(known, _)| *known == name);
            place.map(|(_, place)| (*place, after))
        });
        let Some((place, after)) = known else {
            let all = Place::ALL.map(|(name, _)| format!("{{{name}}}")).join(", ");
            return Err(format!("`{{{}`, and the places are {all}", behind.escape_debug()));
        };
        pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
        pieces.push(Piece::Place(place));
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
    Ok(pieces)
}

fn places(of: &[Piece]) -> Vec<Place> {
    let place = |piece: &Piece| match piece {
        Piece::Text(_) => None,
        Piece::Place(place) => Some(*place),
    };
    of.iter().filter_map(place).collect()
}

fn value_fault(value: &[Piece]) -> Option<&'static str> {
    let sent = places(value);
    let is_sent = |place: &Place| matches!(place, Place::Key | Place::Timestamp | Place::Signature);
    if !sent.iter().all(is_sent) || !sent.contains(&Place::Signature) {
        return Some(
            "that its header has no `{signature}`, or something else than `{key}` and `{timestamp}` beside it \
             (`auth.sign.value`)",
        );
    }
    let is_plain = |piece: &Piece| match piece {
        Piece::Text(text) => text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
        Piece::Place(_) => true,
    };
    (!value.iter().all(is_plain))
        .then_some("that its header has what no header can carry (`auth.sign.value`)")
}

impl Signing {
    fn default_value() -> String {
        "{signature}".to_owned()
    }

    /// The pieces of what is signed.
    pub(crate) fn content(&self) -> Result<Vec<Piece>, String> {
        pieces(&self.content)
    }

    /// The pieces of what is sent of it.
    pub(crate) fn value(&self) -> Result<Vec<Piece>, String> {
        pieces(&self.value)
    }

    /// Whether the secret has the id of the key before the key.
    #[must_use]
    pub fn names_key(&self) -> bool {
        self.key_header.is_some() || [&self.content, &self.value].iter().any(|text| text.contains("{key}"))
    }

    /// The headers that are the host's own.
    fn headers(&self) -> impl Iterator<Item = &String> {
        [&self.header].into_iter().chain(&self.timestamp_header).chain(&self.key_header)
    }

    /// What is wrong with it at an endpoint with these methods, to stand behind `says of endpoint`.
    fn fault(&self, methods: &[String]) -> Option<String> {
        let (content, value) = match (self.content(), self.value()) {
            (Ok(content), Ok(value)) => (content, value),
            (Err(what), _) => return Some(format!("that it signs {what}")),
            (_, Err(what)) => return Some(format!("that it sends {what}")),
        };
        let writes = methods.iter().any(|method| !matches!(method.as_str(), "GET" | "HEAD"));
        let (signed, sent) = (places(&content), places(&value));
        self.header_fault()
            .or_else(|| value_fault(&value).map(str::to_owned))
            .or_else(|| self.content_fault(&signed, &sent, writes).map(str::to_owned))
    }

    fn header_fault(&self) -> Option<String> {
        if let Some(name) = self.headers().find(|name| name.parse::<HeaderName>().is_err()) {
            return Some(format!("that it signs in `{}`, which is no header name", name.escape_debug()));
        }
        let mut names: Vec<String> = self.headers().map(|name| name.to_ascii_lowercase()).collect();
        if let Some(name) = names.iter().find(|name| FRAMING.contains(&name.as_str())) {
            return Some(format!("that it signs in header `{name}`, which every request has for itself"));
        }
        names.sort();
        let is_twice = names.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        is_twice.then(|| "that two things of `auth.sign` go into one header".to_owned())
    }

    fn content_fault(&self, signed: &[Place], sent: &[Place], writes: bool) -> Option<&'static str> {
        if signed.contains(&Place::Signature) {
            return Some("that it signs its own signature (`auth.sign.content`)");
        }
        if signed.iter().all(|place| *place == Place::Key) {
            return Some("that it signs nothing of its requests (`auth.sign.content`)");
        }
        let tells_moment = self.timestamp_header.is_some() || sent.contains(&Place::Timestamp);
        match (signed.contains(&Place::Timestamp), tells_moment) {
            (true, false) => {
                return Some(
                    "that it signs a moment that nobody is told: name its header (`auth.sign.timestamp-header`)",
                );
            }
            (false, true) => {
                return Some(
                    "that it sends a moment that is not signed: add `{timestamp}` to `auth.sign.content`",
                );
            }
            (true, true) | (false, false) => {}
        }
        let signs_body = signed.iter().any(|place| place.is_body());
        if signs_body && self.unsigned_body {
            return Some("that no body is signed (`auth.sign.unsigned-body`), and signs it");
        }
        (writes && !signs_body && !self.unsigned_body).then_some(
            "that it writes, and signs nothing of what it writes: add `{body}` to `auth.sign.content`, or say \
             `unsigned-body = true` if its target wants no more",
        )
    }

    /// What it does, as sentences that a person accepts; `place` names the endpoint.
    pub(crate) fn wants(&self, place: &str) -> Vec<String> {
        let algorithm = match self.algorithm {
            Algorithm::HmacSha256 => "HMAC-SHA256",
            Algorithm::HmacSha512 => "HMAC-SHA512",
        };
        let encoding = if self.encoding == Encoding::Hex { "hex" } else { "base64" };
        let (content, value) = (self.content.escape_debug(), &self.value);
        let mut wants = vec![format!(
            "{place} signs `{content}` by {algorithm} and sends it in header `{}` as `{value}` in {encoding}",
            self.header
        )];
        let unit = if self.timestamp == Unit::Seconds { "seconds" } else { "milliseconds" };
        if self.content.contains("{timestamp}") {
            wants.push(format!("{place} signs the moment in {unit}"));
        }
        let header = |what: &str, name: &String| format!("{place} sends the {what} in header `{name}`");
        wants.extend(self.timestamp_header.iter().map(|name| header("moment", name)));
        wants.extend(self.key_header.iter().map(|name| header("id of its key", name)));
        if self.unsigned_body {
            wants.push(format!("{place} signs nothing of what it writes"));
        }
        wants
    }
}

/// The headers that no signature can stand in.
const FRAMING: [&str; 6] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];

impl Auth {
    /// What is wrong with how requests are signed, to stand behind `says of endpoint`.
    pub(super) fn signing_fault(&self, methods: &[String]) -> Option<String> {
        match (self.scheme == Scheme::Hmac, &self.sign) {
            (true, Some(signing)) => signing.fault(methods),
            (true, None) => Some("that its requests are signed, but not how (`auth.sign`)".to_owned()),
            (false, Some(_)) => Some("how its requests are signed (`auth.sign`), and nothing is".to_owned()),
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::Manifest;

    /// The manifest of an endpoint with these methods that signs in this way.
    fn parsed(methods: &str, sign: &str) -> Result<Manifest, String> {
        let text = format!(
            "manifest = 1\n[connector]\nid = \"acme.billing\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
             [endpoints.api]\nbase = \"https://api.example.com\"\nmethods = [{methods}]\npaths = [\"/v1/*\"]\n\
             auth = {{ scheme = \"hmac\", {sign} }}\n"
        );
        Manifest::parse(&text).map_err(|fault| fault.message)
    }

    const BOTH: &str = r#""GET", "POST""#;

    #[test]
    fn what_signs_too_little_or_says_too_little_is_refused() {
        let check = |methods: &str, sign: &str, expected: &str| {
            let refused = parsed(methods, &format!("sign = {{ {sign} }}")).err().unwrap_or_default();
            assert!(
                refused.contains("says of endpoint `api`") && refused.contains(expected),
                "{sign}: {refused}"
            );
        };
        let header = r#"header = "X-Sig""#;
        let check_content = |methods: &str, content: &str, expected: &str| {
            check(methods, &format!("{header}, content = \"{content}\""), expected);
        };
        check_content(BOTH, "{method}{target}", "add `{body}` to `auth.sign.content`");
        check_content(r#""DELETE""#, "{method}{target}", "signs nothing of what it writes");
        check_content(BOTH, "{body}{bodies}", "`{bodies}`, and the places are {method}");
        check_content(BOTH, "{body", "`{body`");
        check_content(BOTH, "{body}{signature}", "signs its own signature");
        check_content(BOTH, "{timestamp}{body}", "a moment that nobody is told");
        check_content(r#""GET""#, "{key}.", "signs nothing of its requests");
        check_content(r#""GET""#, "fixed", "signs nothing of its requests");
        let body = r#"content = "{body}""#;
        check(BOTH, &format!("{body}, header = \"x y\""), "`x y`, which is no header name");
        check(BOTH, &format!("{body}, {header}, timestamp-header = \"x y\""), "no header name");
        check(BOTH, &format!("{body}, {header}, timestamp-header = \"X-Ts\""), "a moment that is not signed");
        check(BOTH, &format!("{body}, header = \"Host\""), "header `host`, which every request has");
        check(BOTH, &format!("{body}, {header}, key-header = \"x-SIG\""), "go into one header");
        check(BOTH, &format!("{body}, {header}, value = \"v1\""), "no `{signature}`");
        check(BOTH, &format!("{body}, {header}, value = \"{{signature}}{{body}}\""), "something else than");
        check(BOTH, &format!("{body}, {header}, value = \"{{signature}}{{place}}\""), "sends `{place}`");
        check(BOTH, &format!("{body}, {header}, value = \"a\\n{{signature}}\""), "no header can carry");
        check(BOTH, &format!("{body}, {header}, unsigned-body = true"), "and signs it");
        assert!(
            parsed(BOTH, "name = \"x\"").err().is_some_and(|why| why.contains("but not how (`auth.sign`)"))
        );
        let bearer = parsed(BOTH, "sign = { content = \"{body}\", header = \"x\" }").expect("it is sound");
        assert!(bearer.endpoints.contains_key("api"));
        let text = "manifest = 1\n[connector]\nid = \"a.b\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n[endpoints.api]\n\
                    methods = []\npaths = []\nauth = { sign = { content = \"{body}\", header = \"x\" } }\n";
        assert!(
            Manifest::parse(text).is_err_and(|fault| fault.message.contains("(`auth.sign`), and nothing is"))
        );
    }

    #[test]
    fn what_is_signed_is_shown_to_whoever_accepts_it() {
        let sign = "sign = { content = \"{timestamp}\\n{target}\", header = \"X-Sig\", value = \"v1={signature}\", \
                    timestamp-header = \"X-Ts\", key-header = \"X-Key\", unsigned-body = true }";
        let wants = parsed(BOTH, sign).expect("it is sound").wants().expect("they can be read");
        let shown: Vec<&str> = wants
            .iter()
            .map(String::as_str)
            .filter(|want| want.contains("sign") || want.contains("sends"))
            .collect();
        assert_eq!(
            shown,
            [
                "endpoint `api` is sent a credential: requests signed as declared",
                "endpoint `api` sends the id of its key in header `X-Key`",
                "endpoint `api` sends the moment in header `X-Ts`",
                "endpoint `api` signs `{timestamp}\\n{target}` by HMAC-SHA256 and sends it in header `X-Sig` as \
                 `v1={signature}` in hex",
                "endpoint `api` signs nothing of what it writes",
                "endpoint `api` signs the moment in seconds",
            ]
        );
    }
}
