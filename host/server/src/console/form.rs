//! What a form sends, and where somebody may be sent back to.

use crate::asked;
use crate::limits::{ACCESS_ROWS, DRAFT_FORM_BYTES_MAX, FORM_BYTES_MAX, WORDS_CHARACTERS_MAX};
use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use url::form_urlencoded;

/// Most fields of one form: more than any page has.
const FIELDS_MAX: usize = 8;

/// Most fields of a form with a document: the same, and a box for every kind of warning that can be accepted.
const DRAFT_FIELDS_MAX: usize = 8 + 64;

/// The fields of a form, each at most once.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) headers: HeaderMap,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The value of a field; empty if it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A form with the document of a policy, and a box for each kind of warning.
#[derive(Debug)]
pub(super) struct Draft(pub(super) Form);

/// A form with a verdict on each right of a page.
#[derive(Debug)]
pub(super) struct Review(pub(super) Form);

impl Form {
    /// The names of the fields that begin like this, without that.
    pub(super) fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter_map(move |(name, _)| name.strip_prefix(prefix))
    }

    /// Reads one that is so long at most, and has so many fields.
    async fn read(request: Request, bytes_max: usize, fields_max: usize) -> Result<Form, Response> {
        let (parts, body) = request.into_parts();
        let plain = "application/x-www-form-urlencoded";
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form =
            kind.is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == plain));
        if !is_form {
            let help = "use the form of the page";
            return Err(super::page::problem(&Problem::new("CS-E0204", "the body is no form", help)));
        }
        let bytes = asked::read(&parts.headers, body, bytes_max).await;
        let bytes = bytes.map_err(|problem| super::page::problem(&problem))?;
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(&bytes).into_owned().take(fields_max.saturating_add(1)).collect();
        if fields_max < fields.len() {
            let help = "use the form of the page";
            return Err(super::page::problem(&Problem::new(
                "CS-E0203",
                "the form has too many fields",
                help,
            )));
        }
        let twice = |(place, (name, _)): (usize, &(String, String))| {
            fields.iter().skip(place + 1).any(|(other, _)| other == name)
        };
        if fields.iter().enumerate().any(twice) {
            let help = "use the form of the page";
            return Err(super::page::problem(&Problem::new("CS-E0203", "a field stands there twice", help)));
        }
        Ok(Form { headers: parts.headers, fields })
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Form, Response> {
        Form::read(request, FORM_BYTES_MAX, FIELDS_MAX).await
    }
}

impl<S: Send + Sync> FromRequest<S> for Draft {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Draft, Response> {
        Form::read(request, DRAFT_FORM_BYTES_MAX, DRAFT_FIELDS_MAX).await.map(Draft)
    }
}

impl<S: Send + Sync> FromRequest<S> for Review {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Review, Response> {
        Form::read(request, FORM_BYTES_MAX, FIELDS_MAX + ACCESS_ROWS).await.map(Review)
    }
}

/// What somebody typed, as it is kept; or why it is not, as a sentence.
pub(super) fn words(typed: &str) -> Result<String, String> {
    asked::readable(typed).ok_or_else(|| {
        format!("Your words are longer than {WORDS_CHARACTERS_MAX} characters, or hold characters that nobody sees.")
    })
}

/// The value of a parameter of an address, if it stands there once.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut all = form_urlencoded::parse(uri.query()?.as_bytes()).filter(|(known, _)| known == name);
    match (all.next(), all.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        (_, _) => None,
    }
}

/// A text as it stands in an address.
pub(super) fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Where somebody goes who wants no page in particular.
const FIRST: &str = "/inbox";

/// Where somebody goes after they have signed in: a page of this host that asks for a session, or the inbox.
/// Anything else would let a message send people anywhere under our name.
pub(super) fn next(wanted: Option<String>) -> String {
    let plain = |text: &String| {
        let known = [
            "/inbox",
            "/start",
            "/intents",
            "/exceptions",
            "/reconciliation",
            "/connectors",
            "/people",
            "/access",
            "/audit",
            "/audit/denied",
            "/policies",
            "/measures",
            "/measures/review",
            "/you",
        ];
        let known = known.contains(&text.as_str());
        let below = ["/links/", "/intents/", "/connections/", "/connectors/", "/policies/"];
        (known || below.iter().any(|below| text.starts_with(below)))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
            && !text.contains("//")
            && !text.contains("..")
    };
    wanted.filter(plain).unwrap_or_else(|| FIRST.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{PAGES, Wants};

    #[test]
    fn nobody_is_sent_to_another_host() {
        let check = |text: &str| next(Some(text.to_owned()));
        let link = "/links/int_01k/3/approve/abc234";
        for page in [link, "/inbox", "/intents", "/intents/int_01k", "/exceptions", "/you"] {
            assert_eq!(check(page), page);
        }
        let elsewhere = [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/links//evil",
            "/links/../v1/intents",
            "links/x",
            "",
            "/links/%2f%2fevil",
            "/links/x?y=z",
            "/links/x#y",
            "/links/\r\nx",
            "javascript:alert(1)",
            "/inboxes",
            "/intents//evil",
            "/you/terminal",
            "/sign-out",
        ];
        for elsewhere in elsewhere {
            assert_eq!(check(elsewhere), "/inbox", "{elsewhere}");
        }
        assert_eq!(next(None), "/inbox");
    }

    #[test]
    fn whoever_signs_in_comes_to_the_page_that_they_wanted() {
        let wanted = PAGES.iter().filter(|page| page.method == "GET" && page.wants == Wants::Session);
        // A name in braces is no address, and neither a file nor a stream is a page.
        let is_page = |path: &&str| !path.contains(['{', '.']) && *path != "/live";
        let paths: Vec<&str> = wanted.map(|page| page.path).filter(is_page).collect();
        assert!(paths.contains(&"/measures"), "{paths:?}");
        for path in paths {
            assert_eq!(next(Some(path.to_owned())), path);
        }
        assert_eq!(next(Some("/live".to_owned())), "/inbox");
    }

    #[test]
    fn a_parameter_that_stands_twice_is_none() {
        let uri: Uri = "/x?code=a%20b&state=1&state=2".parse().expect("an address");
        assert_eq!(parameter(&uri, "code").as_deref(), Some("a b"));
        assert_eq!(parameter(&uri, "state"), None);
        assert_eq!(parameter(&uri, "next"), None);
    }
}
