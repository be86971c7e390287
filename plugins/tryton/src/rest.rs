//! Tryton's REST interface: one model, one record or a search, with the fields that are wanted.
//!
//! The base of the endpoint names the database, so every path begins with `/rest/model/`.

use countersign_sdk::{Answer, Context, Draft, Failure, path};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The endpoint of the manifest.
const API: &str = "api";

/// What Tryton says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// Reads one record.
///
/// # Errors
/// [`Failure::not_found`] when there is none.
pub(crate) fn record<T: DeserializeOwned>(
    context: &Context<'_>,
    model: &str,
    id: &str,
    fields: &[&str],
) -> Result<T, Failure> {
    usable_id(model, id)?;
    let draft = context.get(API, path(["rest", "model", model, id]));
    let answer = asked(context, draft, fields).read()?;
    if answer.status() == 404 {
        return Err(Failure::not_found(format_args!("{model},{id}")).answered(&answer));
    }
    succeeded(answer)?.json()
}

/// Finds at most `most` records by a Tryton domain.
///
/// # Errors
/// As the answer demands.
pub(crate) fn search<T: DeserializeOwned>(
    context: &Context<'_>,
    model: &str,
    domain: &serde_json::Value,
    fields: &[&str],
    most: u32,
) -> Result<Vec<T>, Failure> {
    let draft = context
        .get(API, path(["rest", "model", model]))
        .query("d", base64url(domain.to_string().as_bytes()))
        .query("s", most);
    succeeded(asked(context, draft, fields).read()?)?.json()
}

/// One page of the records that fit a Tryton domain, in the order in which they were made.
///
/// # Errors
/// As the answer demands.
pub(crate) fn page<T: DeserializeOwned>(
    context: &Context<'_>,
    (model, domain): (&str, &serde_json::Value),
    fields: &[&str],
    (skip, most): (u32, u32),
) -> Result<Vec<T>, Failure> {
    let draft = context
        .get(API, path(["rest", "model", model]))
        .query("d", base64url(domain.to_string().as_bytes()))
        .query("o", base64url(br#"[["id","ASC"]]"#))
        .query("p", skip)
        .query("s", most);
    succeeded(asked(context, draft, fields).read()?)?.json()
}

/// Makes a record, as one step.
///
/// # Errors
/// As the answer demands.
pub(crate) fn create<T: DeserializeOwned>(
    context: &Context<'_>,
    step: &str,
    model: &str,
    values: &serde_json::Value,
    fields: &[&str],
) -> Result<T, Failure> {
    let draft = context.post(API, path(["rest", "model", model])).json(values);
    succeeded(asked(context, draft, fields).step(step)?)?.json()
}

/// Changes a record, as one step and one transaction.
///
/// # Errors
/// As the answer demands.
pub(crate) fn update<T: DeserializeOwned>(
    context: &Context<'_>,
    step: &str,
    (model, id): (&str, &str),
    values: &serde_json::Value,
    fields: &[&str],
) -> Result<T, Failure> {
    usable_id(model, id)?;
    let draft = context.put(API, path(["rest", "model", model, id])).json(values);
    succeeded(asked(context, draft, fields).step(step)?)?.json()
}

/// Adds the wanted fields and the company that prices and costs are read for.
fn asked<'h>(context: &Context<'_>, draft: Draft<'h>, fields: &[&str]) -> Draft<'h> {
    let company = context.setting("company").unwrap_or_else(|| "1".to_owned());
    // A company that is no number is Tryton's to refuse; it must not break the header's JSON.
    let company: i64 = company.parse().unwrap_or(-1);
    let draft = draft.header("x-tryton-context", base64url(format!("{{\"company\":{company}}}").as_bytes()));
    fields.iter().fold(draft, |draft, field| draft.query("f", field))
}

/// The answer if it is a success, else the failure with Tryton's own words.
fn succeeded(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() {
        return Ok(answer);
    }
    // A page instead of Tryton's own words leaves the status to speak.
    let words = answer.json::<Refusal>().map_or_else(|_| String::new(), |refusal| refusal.message);
    Err(answer.failure(&words))
}

/// Tryton's ids are whole numbers; anything else names no record.
fn usable_id(model: &str, id: &str) -> Result<(), Failure> {
    let usable = !id.is_empty() && id.len() <= 18 && id.bytes().all(|byte| byte.is_ascii_digit());
    if usable { Ok(()) } else { Err(Failure::not_found(format_args!("{model},{id}"))) }
}

/// Base64 with the alphabet for addresses, padded, as Tryton decodes it.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (bits >> (18 - 6 * place)) & 0b11_1111;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded_and_safe_in_an_address() {
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("{\"company\":1}", "eyJjb21wYW55IjoxfQ=="),
        ] {
            assert_eq!(base64url(plain.as_bytes()), expected);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8=");
    }
}
