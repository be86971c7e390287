//! Webhooks after the Standard Webhooks specification: a thin signed JSON body, one request a try.

use crate::egress::address::Cidr;
use crate::egress::client::{Lost, Pool, SystemResolver, Whole};
use crate::egress::{NoWay, destination};
use crate::secret::Secret;
use bytes::Bytes;
use countersign_core::approval::command::Hope;
use countersign_core::effect::attempt::Detail;
use countersign_core::notice::words::Message;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::notifier::{Blame, NotDelivered};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, header};
use http_body_util::Full;
use serde::Serialize;
use sha2::Sha256;
use std::time::Duration;
use url::Url;

/// Time for one webhook from the look-up to the whole answer, in milliseconds: what the specification asks
/// receivers to keep to.
const WEBHOOK_MS_MAX: u64 = 15_000;
/// Largest body, in bytes: the specification's limit for a thin one.
pub(crate) const BODY_BYTES_MAX: usize = 20_000;
/// Fewest and most bytes of a secret, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// What the body says it is.
const TYPE: &str = "countersign.notice.v1";

/// One webhook of the operator, with its secret.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct WebhookOptions {
    /// Where to.
    pub url: String,
    /// `whsec_` and base64: see [`webhook_secret`].
    pub secret: Secret,
    /// Special-purpose address ranges that it may reach, such as `127.0.0.0/8`.
    pub allow: Vec<Cidr>,
}

/// One webhook, ready to be called.
pub(super) struct Webhook {
    url: Url,
    key: Vec<u8>,
    allow: Vec<Cidr>,
    pool: Pool,
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    intent: String,
    revision: u32,
    person: &'a str,
    about: &'a str,
    subject: &'a str,
    text: &'a str,
}

/// The bytes of a secret: `whsec_` and 24 to 64 bytes in base64.
///
/// # Errors
/// What is wrong with it, without the secret.
pub fn webhook_secret(secret: &Secret) -> Result<Vec<u8>, String> {
    let text = secret.expose().trim();
    let bytes = BASE64
        .decode(text.strip_prefix("whsec_").unwrap_or(text).as_bytes())
        .map_err(|_| "the secret is not `whsec_` and base64".to_owned())?;
    if SECRET_BYTES.contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(format!("the secret has {} bytes; 24 to 64 are wanted", bytes.len()))
    }
}

impl Webhook {
    pub(super) fn new(options: WebhookOptions) -> Result<Webhook, String> {
        let url =
            Url::parse(&options.url).map_err(|why| format!("`{}` is no address: {why}", options.url))?;
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(format!("`{url}` is no address that begins with `https://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a name or password in the address would be shown: leave it out".to_owned());
        }
        Ok(Webhook {
            url,
            key: webhook_secret(&options.secret)?,
            allow: options.allow,
            pool: Pool::default(),
        })
    }

    /// Calls it once; says what it answered.
    pub(super) async fn send(&self, message: &Message, now: Timestamp) -> Result<Detail, NotDelivered> {
        let request = self.request(message, now).map_err(|why| {
            let detail = Detail::new("not-a-webhook", why);
            NotDelivered { hope: Hope::None, wish: None, blame: Blame::Host, detail }
        })?;
        let calling = async {
            let to = destination(&self.url, &SystemResolver, &self.allow, "webhook").await.map_err(no_way)?;
            let open = self.pool.open(&to).await.map_err(|why| again("no-webhook", why, None))?;
            self.pool.send(&to, open, request).await.map_err(|lost| match lost {
                Lost::NotSent(why) | Lost::Unanswered(why) => again("no-webhook", why, None),
                Lost::Unusable { status, why } => {
                    again("no-webhook", format!("status {status}: {why}"), None)
                }
            })
        };
        match tokio::time::timeout(Duration::from_millis(WEBHOOK_MS_MAX), calling).await {
            Ok(Ok(whole)) => verdict(&whole, now),
            Ok(Err(not)) => Err(not),
            Err(_) => Err(again("no-webhook", format!("no whole answer within {WEBHOOK_MS_MAX} ms"), None)),
        }
    }

    fn request(&self, message: &Message, now: Timestamp) -> Result<Request<Full<Bytes>>, String> {
        let data = Data {
            intent: message.intent.to_string(),
            revision: message.revision,
            person: message.to.as_str(),
            about: message.about,
            subject: &message.subject,
            text: &message.text,
        };
        let body = serde_json::to_vec(&Body { kind: TYPE, data }).map_err(|error| error.to_string())?;
        if BODY_BYTES_MAX < body.len() {
            return Err(format!("the body has {} bytes; at most {BODY_BYTES_MAX} are sent", body.len()));
        }
        let seconds = now.0.div_euclid(1_000);
        let signature = sign(&self.key, &message.key, seconds, &body)?;
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = self
            .url
            .query()
            .map_or_else(|| self.url.path().to_owned(), |query| format!("{}?{query}", self.url.path()));
        Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &message.key)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())
    }
}

/// The signature of one message: HMAC-SHA256 over `id.timestamp.body`.
fn sign(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
}

/// What an answer means: 2xx is told, 410 is never, everything else is tried again, redirections too.
fn verdict(whole: &Whole, now: Timestamp) -> Result<Detail, NotDelivered> {
    let message = format!("the webhook answered with status {}", whole.status);
    match whole.status {
        200..=299 => Ok(Detail { vendor_status: Some(whole.status), ..Detail::new("webhook", message) }),
        410 => {
            let detail = Detail { vendor_status: Some(410), ..Detail::new("webhook-gone", message) };
            Err(NotDelivered { hope: Hope::None, wish: None, blame: Blame::Remote, detail })
        }
        status => {
            let mut not = again("webhook-failed", message, wish(&whole.headers, now));
            not.detail.vendor_status = Some(status);
            Err(not)
        }
    }
}

/// How long the other side asks us to wait: seconds, or a date.
fn wish(headers: &HeaderMap, now: Timestamp) -> Option<Millis> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Millis::seconds(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(since.as_millis()).ok()?).since(now))
}

fn no_way(no_way: NoWay) -> NotDelivered {
    match no_way {
        NoWay::NotFound(why) => again("no-webhook", why, None),
        NoWay::Malformed(why) | NoWay::Forbidden(why) => {
            NotDelivered { blame: Blame::Host, ..again("webhook-not-granted", why, None) }
        }
    }
}

fn again(code: &str, message: String, wish: Option<Millis>) -> NotDelivered {
    let detail = Detail::new(code, message);
    NotDelivered { hope: Hope::Some, wish, blame: Blame::Remote, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const NOW: Timestamp = Timestamp(1_614_265_330_000);

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        // The vector that the specification's own libraries are tested with.
        let key = webhook_secret(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()));
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = sign(&key.expect("a secret"), id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_secret_is_long_enough_or_refused() {
        let check = |text: &str| webhook_secret(&Secret::new(text.to_owned())).map(|bytes| bytes.len());
        assert_eq!(check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(24));
        assert!(check("whsec_c2hvcnQ=").is_err_and(|why| why.contains("has 5 bytes")));
        assert!(check("a password").is_err_and(|why| why.contains("base64")));
        assert!(check("").is_err());
    }

    #[test]
    fn an_answer_says_whether_it_is_tried_again() {
        let check = |status: u16, after: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(after.map(|after| (header::RETRY_AFTER, HeaderValue::from_static(after))));
            let verdict = verdict(&Whole { status, headers, body: Vec::new() }, NOW);
            verdict.map(|_| ()).map_err(|not| (not.hope, not.wish))
        };
        for status in [200, 202, 204] {
            assert_eq!(check(status, None), Ok(()));
        }
        for status in [301, 302, 307, 400, 404, 500, 503] {
            assert_eq!(check(status, None), Err((Hope::Some, None)), "{status}");
        }
        assert_eq!(check(410, None), Err((Hope::None, None)));
        assert_eq!(check(429, Some("120")), Err((Hope::Some, Some(Millis::seconds(120)))));
        let date = "Thu, 25 Feb 2021 15:03:10 GMT";
        assert_eq!(check(503, Some(date)), Err((Hope::Some, Some(Millis::seconds(60)))));
        assert_eq!(check(503, Some("soon")), Err((Hope::Some, None)));
    }

    #[test]
    fn an_address_is_an_address_without_a_password() {
        let secret = || Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let check = |url: &str| {
            Webhook::new(WebhookOptions { url: url.to_owned(), secret: secret(), allow: Vec::new() }).is_ok()
        };
        assert!(check("https://hooks.example.com/a?b=c"));
        for bad in ["", "hooks.example.com", "ftp://example.com", "https://sam:pw@example.com/"] {
            assert!(!check(bad), "{bad}");
        }
    }
}
