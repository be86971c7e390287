//! Signs requests as a manifest declares it (`manifest/signing.rs`).

use super::credential::Message;
use crate::manifest::{Algorithm, Encoding, KeyForm, Piece, Place, Signing, Unit};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

/// Shortest key, in bytes.
const KEY_BYTES_MIN: usize = 16;

/// A declared scheme with its key.
pub(crate) struct Signer {
    algorithm: Algorithm,
    content: Vec<Piece>,
    value: Vec<Piece>,
    encoding: Encoding,
    unit: Unit,
    header: HeaderName,
    timestamp_header: Option<HeaderName>,
    key_header: Option<HeaderName>,
    id: String,
    key: Zeroizing<Vec<u8>>,
}

impl Signer {
    /// Signs with the key in `secret`, which is the key alone, or `id:key` where the scheme sends or signs the id. There
    /// are vendors with a colon in the id, and none with one in the key.
    pub(crate) fn new(signing: &Signing, secret: &str) -> Result<Signer, String> {
        let secret = secret.trim();
        let (id, key) = if signing.names_key() {
            let parts = secret.rsplit_once(':').filter(|(id, _)| !id.is_empty());
            parts.ok_or("needs a secret of the form `id:key`")?
        } else {
            ("", secret)
        };
        if HeaderValue::from_str(id).is_err() {
            return Err("has an id of its key with characters that no header can carry".to_owned());
        }
        let (key, form) = match signing.key {
            KeyForm::Text => (Ok(key.as_bytes().to_vec()), ""),
            KeyForm::Hex => (HEXLOWER_PERMISSIVE.decode(key.as_bytes()), "hexadecimal digits"),
            KeyForm::Base64 => (BASE64.decode(key.as_bytes()), "base64"),
        };
        let key = Zeroizing::new(key.map_err(|_| format!("needs a key that is written in {form}"))?);
        if key.len() < KEY_BYTES_MIN {
            return Err(format!("has a key of less than {KEY_BYTES_MIN} bytes; draw a longer one"));
        }
        let header =
            |name: &String| name.parse().map_err(|_| format!("signs in `{name}`, which is no header name"));
        Ok(Signer {
            algorithm: signing.algorithm,
            content: signing.content()?,
            value: signing.value()?,
            encoding: signing.encoding,
            unit: signing.timestamp,
            header: header(&signing.header)?,
            timestamp_header: signing.timestamp_header.as_ref().map(header).transpose()?,
            key_header: signing.key_header.as_ref().map(header).transpose()?,
            id: id.to_owned(),
            key,
        })
    }

    /// The headers that are the host's own.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        [&self.header].into_iter().chain(&self.timestamp_header).chain(&self.key_header)
    }

    /// Adds the signature, and what goes with it.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, message: &Message<'_>) {
        let moment = match self.unit {
            Unit::Seconds => message.now.0.div_euclid(1_000),
            Unit::Milliseconds => message.now.0,
        };
        let moment = moment.to_string();
        let signed = self.written(&self.content, message, (&moment, ""));
        let signature = self.signature(&signed);
        let value = self.written(&self.value, message, (&moment, &signature));
        let fields = [
            (Some(&self.header), value),
            (self.timestamp_header.as_ref(), moment.into_bytes()),
            (self.key_header.as_ref(), self.id.clone().into_bytes()),
        ];
        for (name, value) in fields {
            // INVARIANT: a signature, a number, the id and the manifest's own words were each seen to fit a header.
            if let (Some(name), Ok(mut value)) = (name, HeaderValue::from_bytes(&value)) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
    }

    fn signature(&self, signed: &[u8]) -> String {
        // INVARIANT: HMAC takes keys of every length (RFC 2104), so none of these is ever empty.
        let mac = match self.algorithm {
            Algorithm::HmacSha256 => Hmac::<Sha256>::new_from_slice(&self.key)
                .map(|mac| mac.chain_update(signed).finalize().into_bytes().to_vec()),
            Algorithm::HmacSha512 => Hmac::<Sha512>::new_from_slice(&self.key)
                .map(|mac| mac.chain_update(signed).finalize().into_bytes().to_vec()),
        };
        let mac = mac.unwrap_or_default();
        match self.encoding {
            Encoding::Hex => HEXLOWER.encode(&mac),
            Encoding::Base64 => BASE64.encode(&mac),
        }
    }

    fn written(&self, pieces: &[Piece], message: &Message<'_>, (moment, signature): (&str, &str)) -> Vec<u8> {
        let (path, query) = message.target.split_once('?').unwrap_or((message.target, ""));
        let mut written = Vec::new();
        for piece in pieces {
            let place = match piece {
                Piece::Text(text) => {
                    written.extend_from_slice(text.as_bytes());
                    continue;
                }
                Piece::Place(place) => place,
            };
            match place {
                Place::Method => written.extend_from_slice(message.method.as_bytes()),
                Place::Target => written.extend_from_slice(message.target.as_bytes()),
                Place::Path => written.extend_from_slice(path.as_bytes()),
                Place::Query => written.extend_from_slice(query.as_bytes()),
                Place::Body => written.extend_from_slice(message.body),
                Place::BodySha256 => {
                    written.extend_from_slice(HEXLOWER.encode(&Sha256::digest(message.body)).as_bytes());
                }
                Place::BodySha256Base64 => {
                    written.extend_from_slice(BASE64.encode(&Sha256::digest(message.body)).as_bytes());
                }
                Place::Timestamp => written.extend_from_slice(moment.as_bytes()),
                Place::Key => written.extend_from_slice(self.id.as_bytes()),
                Place::Signature => written.extend_from_slice(signature.as_bytes()),
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::time::Timestamp;

    fn signing(text: &str) -> Signing {
        toml::from_str(text).expect("a scheme")
    }

    fn refused(text: &str, secret: &str) -> String {
        Signer::new(&signing(text), secret).err().expect("it is refused")
    }

    /// The headers, with what OpenSSL made of the same text and key.
    fn check(
        (scheme, secret): (&str, &str),
        (method, target, body, now): (&str, &str, &str, i64),
        expected: &[(&str, &str)],
    ) {
        let signer = Signer::new(&signing(scheme), secret).unwrap_or_else(|why| panic!("{scheme}: {why}"));
        let mut headers = HeaderMap::new();
        let (now, body) = (Timestamp(now), body.as_bytes());
        signer.sign(&mut headers, &Message { id: "eff_1", now, method, target, body });
        assert_eq!(headers.len(), expected.len(), "{headers:?}");
        for (name, value) in expected {
            assert_eq!(
                headers.get(*name).and_then(|value| value.to_str().ok()),
                Some(*value),
                "{scheme} {name}"
            );
            assert!(headers[*name].is_sensitive());
        }
        let own: Vec<&str> = signer.headers().map(HeaderName::as_str).collect();
        assert!(expected.iter().all(|(name, _)| own.contains(name)), "a connector cannot set them itself");
    }

    #[test]
    fn each_vendors_scheme_gives_what_another_program_makes_of_it() {
        let sumsub = "content = \"{timestamp}{method}{target}{body}\"\nheader = \"X-App-Access-Sig\"\n\
                      timestamp-header = \"X-App-Access-Ts\"\nkey-header = \"X-App-Token\"";
        let target = "/resources/accessTokens?userId=cfd20712-24a2-4c7d-9ab0-146f3c142335&levelName=basic-kyc-level&ttlInSecs=600";
        check(
            (sumsub, "sbx:token:SoMeSeCrEtKeY-0123456789\n"),
            ("POST", target, "", 1_607_551_635_999),
            &[
                ("x-app-access-ts", "1607551635"),
                ("x-app-token", "sbx:token"),
                ("x-app-access-sig", "ef82a075d4cb08b95b052469d69cb4ac87dd701f6c87e5136bea2c7fc1bf510c"),
            ],
        );
        let cresium = "content = \"{timestamp}|{method}|{target}|{body}\"\nheader = \"x-signature\"\n\
                       encoding = \"base64\"\ntimestamp = \"milliseconds\"\ntimestamp-header = \"x-timestamp\"";
        check(
            (cresium, "partner-secret-4711"),
            ("POST", "/v1/invoices/1?status=paid", r#"{"amount":100,"currency":"USD"}"#, 1_726_744_512_000),
            &[
                ("x-timestamp", "1726744512000"),
                ("x-signature", "g6i/eJ27AEOKmpV5gwF8x9XQxj+Ic9Q5Gk+MsuZzLys="),
            ],
        );
        let bybit = "content = \"{timestamp}{key}5000{query}{body}\"\nheader = \"X-BAPI-SIGN\"\n\
                     timestamp = \"milliseconds\"\ntimestamp-header = \"X-BAPI-TIMESTAMP\"\nkey-header = \"X-BAPI-API-KEY\"";
        for (request, signature) in [
            (
                ("POST", "/v5/bybitpay/create_pay", r#"{"merchant_id":"M123456789"}"#, 1_736_233_200_000),
                "80a49e311c28c5b5548ff189b4bf30753bc15b992ed1f0918c92c91ef3075386",
            ),
            (
                ("GET", "/v5/order?category=option&symbol=BTC", "", 1_736_233_200_000),
                "56be2dd596f6c09c9b7451aef6294963ddebce26747f700cd47e62f1ffe6190d",
            ),
        ] {
            let key = ("x-bapi-api-key", "bybit-key");
            let expected = [("x-bapi-timestamp", "1736233200000"), key, ("x-bapi-sign", signature)];
            check((bybit, "bybit-key:bybit-secret-0123456789"), request, &expected);
        }
        let unleashed = "content = \"{query}\"\nheader = \"api-auth-signature\"\nencoding = \"base64\"\n\
                         key-header = \"api-auth-id\"\nunsigned-body = true";
        for (target, signature) in [
            ("/Customers?customerCode=ACME", "SpptBxRLILcpIiN+NV1SV1V1RKTb9f0EogcSOCf0/6U="),
            ("/Customers", "rxbE4sPzVsftDGVirl8VcRCuX01UcK0qbIy6MjWhLpI="),
        ] {
            let expected = [("api-auth-id", "0000-1111"), ("api-auth-signature", signature)];
            check((unleashed, "0000-1111:unleashed-key-0123456789=="), ("POST", target, "{}", 0), &expected);
        }
    }

    #[test]
    fn other_hashes_other_keys_and_a_whole_header_are_written() {
        let scheme = "algorithm = \"hmac-sha512\"\ncontent = \"{method}\\n{path}\\n{body-sha256}\\n{body-sha256-base64}\"\n\
                      header = \"Authorization\"\nvalue = \"HMAC {key}:{signature}\"\nencoding = \"base64\"\n";
        let signature =
            "E/DI8Mc67P6pC1eAeWy3qHV08Jzg8hHRcC54TbGwWaG6Bn5wiyHLcDl7KFHJs0bo28BAt9cRA9VnL5RXlNkMDQ==";
        let expected = format!("HMAC m-1:{signature}");
        for (form, key) in
            [("hex", "000102030405060708090A0b0c0d0e0f"), ("base64", "AAECAwQFBgcICQoLDA0ODw==")]
        {
            let scheme = format!("{scheme}key = \"{form}\"");
            let secret = format!("m-1:{key}");
            let request = ("POST", "/v1/a?b=c", r#"{"a":1}"#, 0);
            check((&scheme, &secret), request, &[("authorization", &expected)]);
        }
    }

    #[test]
    fn a_key_that_does_not_fit_its_scheme_is_refused_without_being_shown() {
        let plain = "content = \"{body}\"\nheader = \"x-sig\"\n";
        let named = format!("{plain}key-header = \"x-key\"\n");
        for (scheme, secret, expected) in [
            (plain.to_owned(), "canary", "less than 16 bytes"),
            (format!("{plain}key = \"hex\""), "canary-canary-canary", "written in hexadecimal digits"),
            (format!("{plain}key = \"base64\""), "canary-canary-canary", "written in base64"),
            (format!("{plain}key = \"hex\""), "00010203040506070809", "less than 16 bytes"),
            (named.clone(), "canary-canary-canary", "of the form `id:key`"),
            (named.clone(), ":canary-canary-canary", "of the form `id:key`"),
            (named, "a\nb:canary-canary-canary", "no header can carry"),
        ] {
            let why = refused(&scheme, secret);
            assert!(why.contains(expected) && !why.contains("canary"), "{why}");
        }
    }
}
