//! The last wall: what this machine knows to be secret is taken out, in every form in which it may have got in.

use super::settings::Known;
use crate::config::Whereabouts;
use crate::wire::{CACHE_KEY_FILE, INSTALL_KEY_FILE, LINK_KEY_FILE};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// Shortest secret that is looked for, in bytes: anything shorter stands in every text.
const SECRET_BYTES_MIN: usize = 6;
/// Largest file that is read for its secret, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// What stands where something was taken out.
const REMOVED: &[u8] = b"[removed]";
/// Variables with a secret that no configuration names.
const VARIABLES: [&str; 1] = ["COUNTERSIGN_TOKEN"];

/// What is looked for.
#[derive(Clone)]
pub struct Scrub {
    /// Every form of every secret, the longest first.
    forms: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Scrub").field("forms", &self.forms.len()).finish()
    }
}

impl Scrub {
    /// All that can be known without running anything: what references of the configuration lead to, what stands in it and is
    /// not shown, the keys of the data folder, and the token of whoever asks.
    #[must_use]
    pub fn of(house: &Whereabouts, known: &Known) -> Scrub {
        let here = house.file.parent().unwrap_or(Path::new("."));
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        let overridden = known.shown.iter().map(|shown| shown.value.clone());
        for reference in house.references().into_iter().map(|(_, reference)| reference).chain(overridden) {
            match reference.split_once(':') {
                Some(("env", name)) => secrets.extend(variable(name)),
                Some(("file", path)) => secrets.extend(small_file(&here.join(path))),
                Some(_) | None => {}
            }
        }
        for name in
            [INSTALL_KEY_FILE, LINK_KEY_FILE, "connectors/cache.key", "components/cache.key", CACHE_KEY_FILE]
        {
            secrets.extend(small_file(&house.data.join(name)));
        }
        let keys = known.shown.iter().filter(|shown| shown.key == "log.key");
        secrets.extend(keys.filter_map(|shown| small_file(&here.join(&shown.value))));
        secrets.extend(VARIABLES.iter().filter_map(|name| variable(name)));
        Scrub::for_secrets(secrets, &known.hidden)
    }

    /// For whatever secrets are made of, and for texts as they are.
    fn for_secrets(secrets: Vec<Vec<u8>>, texts: &[String]) -> Scrub {
        let mut all: BTreeSet<Vec<u8>> = BTreeSet::new();
        let long = |text: &&String| SECRET_BYTES_MIN <= text.len();
        all.extend(texts.iter().filter(long).flat_map(|text| forms_of(text.as_bytes())));
        for secret in secrets {
            // A file may hold several, one a line, and a line an id and its secret.
            let lines: Vec<&[u8]> = secret.split(|byte| *byte == b'\n' || *byte == b'\r').collect();
            let parts = lines.iter().flat_map(|line| line.split(|byte| *byte == b':'));
            let whole = secret.as_slice();
            let trimmed = secret.trim_ascii();
            for part in parts.chain(lines.iter().copied()).chain([whole, trimmed]) {
                if SECRET_BYTES_MIN <= part.len() {
                    all.extend(forms_of(part));
                }
            }
        }
        let mut forms: Vec<Vec<u8>> = all.into_iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Scrub { forms }
    }

    /// The same bytes without any of it, and how often something was taken out.
    #[must_use]
    pub fn cleaned(&self, bytes: Vec<u8>) -> (Vec<u8>, usize) {
        let (mut bytes, mut removed) = (bytes, 0);
        for form in &self.forms {
            let mut clean = Vec::with_capacity(bytes.len());
            let mut rest = bytes.as_slice();
            while let Some(at) = found(rest, form) {
                let (before, behind) = rest.split_at(at);
                clean.extend_from_slice(before);
                clean.extend_from_slice(REMOVED);
                rest = behind.get(form.len()..).unwrap_or_default();
                removed += 1;
            }
            clean.extend_from_slice(rest);
            bytes = clean;
        }
        (bytes, removed)
    }
}

fn found(bytes: &[u8], form: &[u8]) -> Option<usize> {
    bytes.windows(form.len()).position(|window| window == form)
}

/// A secret as it is, as JSON has it, in base 64, in hexadecimal digits, and as an address has it.
fn forms_of(secret: &[u8]) -> Vec<Vec<u8>> {
    let escaped = String::from_utf8_lossy(secret);
    let quoted = serde_json::to_string(&escaped).unwrap_or_default();
    let percent = |is_plain: fn(u8) -> bool| -> Vec<u8> {
        let one = |byte: &u8| if is_plain(*byte) { vec![*byte] } else { format!("%{byte:02X}").into_bytes() };
        secret.iter().flat_map(one).collect()
    };
    let mut forms = vec![
        secret.to_vec(),
        quoted.trim_matches('"').as_bytes().to_vec(),
        BASE64.encode(secret).into_bytes(),
        BASE64_NOPAD.encode(secret).into_bytes(),
        BASE64URL.encode(secret).into_bytes(),
        BASE64URL_NOPAD.encode(secret).into_bytes(),
        HEXLOWER.encode(secret).into_bytes(),
        HEXUPPER.encode(secret).into_bytes(),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte)),
    ];
    let lower = forms.iter().map(|form| form.to_ascii_lowercase()).filter(|form| form.contains(&b'%'));
    forms.extend(lower.collect::<Vec<_>>());
    forms.retain(|form| SECRET_BYTES_MIN <= form.len());
    forms
}

/// A variable of the environment, text or not.
fn variable(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(OsString::into_vec)
}

fn small_file(path: &Path) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    if FILE_BYTES_MAX < about.len() {
        return None;
    }
    std::fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let secret = "id-of-it:se cr/et\"+1";
        let scrub = Scrub::for_secrets(vec![format!("{secret}\n").into_bytes()], &[]);
        let part = "se cr/et\"+1";
        let forms = [
            secret.to_owned(),
            part.to_owned(),
            "se cr/et\\\"+1".to_owned(),
            BASE64.encode(part.as_bytes()),
            BASE64URL_NOPAD.encode(secret.as_bytes()),
            HEXLOWER.encode(part.as_bytes()),
            HEXUPPER.encode(part.as_bytes()),
            "se%20cr%2Fet%22%2B1".to_owned(),
            "se%20cr%2fet%22%2b1".to_owned(),
        ];
        for form in forms {
            let (clean, removed) = scrub.cleaned(format!("before {form} behind").into_bytes());
            assert_eq!(String::from_utf8_lossy(&clean), "before [removed] behind", "{form}");
            assert_eq!(removed, 1);
        }
        let (clean, removed) = scrub.cleaned(b"nothing of it".to_vec());
        assert_eq!((clean.as_slice(), removed), (&b"nothing of it"[..], 0));
    }
}
