//! The envelope of a signature: DSSE (Dead Simple Signing Envelope, version 1) around what is said of a component: who
//! made it, or what a run of the conformance kit has shown of it.
//!
//! What is signed is `DSSEv1 <length> <type> <length> <payload>`, so that a signature of one kind of thing is never one
//! of another kind. The payload names connector, version and digest: a signature of one component holds for no other,
//! whatever it is called.

use super::conformance::{self, Tested};
use crate::fault::{ConnectorFault, FaultCode};
use crate::package::Inspected;
use data_encoding::BASE64;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Largest envelope, in bytes: several signatures of a payload of three short texts.
pub const SIGNATURE_BYTES_MAX: usize = 8 * 1024;
/// Largest conformance report, in bytes: each law with two counts.
pub const CONFORMANCE_BYTES_MAX: usize = 16 * 1024;
/// Most signatures of one envelope: each costs the host a look.
const SIGNATURES_MAX: usize = 48;
/// Most conformance reports that are handed on together.
const REPORTS_MAX: usize = 8;
/// The kind of thing that is signed.
const PAYLOAD_TYPE: &str = "application/vnd.countersign.connector.v1+json";
/// What a public key begins with, as texts name it.
const KEY_PREFIX: &str = "ed25519:";

/// A public key by which components are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads `ed25519:` and 32 bytes in base 64.
    #[must_use]
    pub fn parse(text: &str) -> Option<PublicKey> {
        let bytes = BASE64.decode(text.strip_prefix(KEY_PREFIX)?.as_bytes()).ok()?;
        let key = VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()?;
        // A weak key has signed everything.
        (!key.is_weak()).then_some(PublicKey(key))
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{KEY_PREFIX}{}", BASE64.encode(self.0.as_bytes()))
    }
}

/// A key that signs components.
#[expect(missing_debug_implementations, reason = "it is a secret")]
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// The key of these random bits.
    #[must_use]
    pub fn drawn(bits: &[u8; 32]) -> PrivateKey {
        PrivateKey(SigningKey::from_bytes(bits))
    }

    /// Reads a private key as `openssl genpkey -algorithm ed25519` writes it: PKCS#8 in PEM.
    ///
    /// # Errors
    /// What it is not, in words.
    pub fn from_pem(text: &str) -> Result<PrivateKey, String> {
        let key = SigningKey::from_pkcs8_pem(text);
        key.map(PrivateKey).map_err(|why| format!("is no ed25519 key in PKCS#8 and PEM: {why}"))
    }

    /// The same, to be kept: without the public half, which openssl does not read there.
    #[must_use]
    pub fn to_pem(&self) -> Option<zeroize::Zeroizing<String>> {
        let kept = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        kept.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF).ok()
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs what is said of a component. The same component and key give the same bytes.
    ///
    /// # Errors
    /// [`FaultCode::Untrusted`] if it cannot be written down, which no component causes.
    pub fn sign(&self, about: &Inspected) -> Result<Vec<u8>, ConnectorFault> {
        self.around(PAYLOAD_TYPE, &Said::of(about))
    }

    /// Signs what a run of the conformance kit has shown.
    ///
    /// # Errors
    /// Those of [`PrivateKey::sign`].
    pub fn sign_tested(&self, tested: &Tested) -> Result<Vec<u8>, ConnectorFault> {
        self.around(conformance::PAYLOAD_TYPE, tested)
    }

    fn around(&self, kind: &str, said: &impl Serialize) -> Result<Vec<u8>, ConnectorFault> {
        let unwritten = |why: serde_json::Error| {
            ConnectorFault::host(FaultCode::Untrusted, format!("the signature cannot be written: {why}"))
        };
        let payload = serde_json::to_vec(said).map_err(unwritten)?;
        let signature = self.0.sign(&encoded(kind, &payload));
        let envelope = Envelope {
            payload: BASE64.encode(&payload),
            payload_type: kind.to_owned(),
            signatures: vec![One {
                keyid: self.public().to_string(),
                sig: BASE64.encode(&signature.to_bytes()),
            }],
        };
        serde_json::to_vec(&envelope).map_err(unwritten)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<One>,
}

#[derive(Serialize, Deserialize)]
struct One {
    /// A hint for people; nothing is decided by it.
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// What is signed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    connector: String,
    version: String,
    sha256: String,
}

impl Said {
    fn of(about: &Inspected) -> Said {
        let named = &about.manifest.connector;
        Said { connector: named.id.clone(), version: named.version.clone(), sha256: about.digest.to_string() }
    }
}

/// What is signed of a payload: its pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// One envelope with the signatures of several people. Those that say nothing of this component are left out; if all do,
/// the first is given as it is, so that whoever looks at it says why. Of each the first signatures are kept first:
/// whoever signs much takes no place from the others.
#[must_use]
pub fn joined_signatures(envelopes: &[&Vec<u8>], about: &Inspected) -> Option<Vec<u8>> {
    let mut good: Vec<&Vec<u8>> = Vec::new();
    for envelope in envelopes {
        if Signed::read(envelope, about).is_ok() && !good.contains(envelope) {
            good.push(envelope);
        }
    }
    let first = good.first().or(envelopes.first()).map(|first| first.to_vec());
    if good.len() < 2 {
        return first;
    }
    let of_this: Vec<Envelope> =
        good.iter().filter_map(|envelope| serde_json::from_slice(envelope).ok()).collect();
    let Some(Envelope { payload, payload_type, .. }) = of_this.first() else { return first };
    let mut signatures: Vec<One> = Vec::new();
    let most = of_this.iter().map(|envelope| envelope.signatures.len()).max().unwrap_or(0);
    for place in 0..most {
        for one in of_this.iter().filter_map(|envelope| envelope.signatures.get(place)) {
            let is_new = signatures.iter().all(|other| other.sig != one.sig);
            if is_new && signatures.len() < SIGNATURES_MAX {
                // Without the hint, of which nobody knows how long it is.
                signatures.push(One { keyid: String::new(), sig: one.sig.clone() });
            }
        }
    }
    let joined = Envelope { payload: payload.clone(), payload_type: payload_type.clone(), signatures };
    serde_json::to_vec(&joined).ok().or(first)
}

/// The conformance reports of several people, one a line, those that say most first. Those that say nothing of this
/// component are left out; if all do, the first is given as it is, so that whoever looks at it says why.
#[must_use]
pub fn joined_reports(envelopes: &[&Vec<u8>], about: &Inspected) -> Option<Vec<u8>> {
    let mut of_this: Vec<(Tested, Vec<u8>)> = Vec::new();
    for line in envelopes.iter().flat_map(|envelope| envelope.split(|byte| *byte == LINE)) {
        let read = Signed::read_tested(line, about).ok();
        let envelope =
            serde_json::from_slice::<Envelope>(line).and_then(|envelope| serde_json::to_vec(&envelope));
        if let (Some((_, tested)), Ok(envelope)) = (read, envelope)
            && of_this.iter().all(|(_, other)| *other != envelope)
        {
            of_this.push((tested, envelope));
        }
    }
    of_this.sort_by_key(|(tested, _)| std::cmp::Reverse((tested.level, tested.kit)));
    let mut joined: Vec<u8> = Vec::new();
    for (_, envelope) in of_this.iter().take(REPORTS_MAX) {
        if joined.len() + envelope.len() < CONFORMANCE_BYTES_MAX {
            joined.extend_from_slice(if joined.is_empty() { b"" } else { b"\n" });
            joined.extend_from_slice(envelope);
        }
    }
    if joined.is_empty() { envelopes.first().map(|first| first.to_vec()) } else { Some(joined) }
}

/// What stands between two reports.
const LINE: u8 = b'\n';

impl Tested {
    /// What the first report says, whoever signed it: to be shown, and nothing else.
    #[must_use]
    pub fn read_unverified(reports: &[u8]) -> Option<Tested> {
        let envelope = reports.split(|byte| *byte == LINE).next()?;
        let wanted = (conformance::PAYLOAD_TYPE, "a conformance report", CONFORMANCE_BYTES_MAX);
        Signed::open::<Tested>(envelope, wanted).ok().map(|(_, tested)| tested)
    }
}

/// Signatures of what somebody says of a component.
pub(super) struct Signed {
    kind: &'static str,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

impl Signed {
    /// Reads an envelope that says who made a component.
    ///
    /// # Errors
    /// In words: it is no envelope, or one of something else.
    pub(super) fn read(envelope: &[u8], about: &Inspected) -> Result<Signed, String> {
        let what = "a signature";
        let (signed, said) = Signed::open::<Said>(envelope, (PAYLOAD_TYPE, what, SIGNATURE_BYTES_MAX))?;
        let expected = Said::of(about);
        if said != expected {
            let Said { connector, version, sha256 } = said;
            return Err(of_another(what, [&connector, &version, &sha256]));
        }
        // One way to write it: signatures of several people are then of the same bytes.
        if serde_json::to_vec(&expected).is_ok_and(|written| written != signed.payload) {
            return Err(format!("has {what} that is written in another way than `connector sign` does"));
        }
        Ok(signed)
    }

    /// Reads every report of a component; if there is none that says something of it, what is wrong with the first.
    ///
    /// # Errors
    /// Those of [`Signed::read`].
    pub(super) fn read_reports(reports: &[u8], about: &Inspected) -> Result<Vec<(Signed, Tested)>, String> {
        if CONFORMANCE_BYTES_MAX < reports.len() {
            return Err(format!("has a conformance report of more than {CONFORMANCE_BYTES_MAX} bytes"));
        }
        let mut wrong = None;
        let mut read = Vec::new();
        for line in reports.split(|byte| *byte == LINE).filter(|line| !line.is_empty()).take(REPORTS_MAX) {
            match Signed::read_tested(line, about) {
                Ok(report) => read.push(report),
                Err(what) => wrong = wrong.or(Some(what)),
            }
        }
        match wrong {
            Some(what) if read.is_empty() => Err(what),
            None if read.is_empty() => Err("has a conformance report that says nothing".to_owned()),
            Some(_) | None => Ok(read),
        }
    }

    /// Reads an envelope that says what a run of the kit has shown of a component.
    ///
    /// # Errors
    /// Those of [`Signed::read`].
    pub(super) fn read_tested(envelope: &[u8], about: &Inspected) -> Result<(Signed, Tested), String> {
        let what = "a conformance report";
        let wanted = (conformance::PAYLOAD_TYPE, what, CONFORMANCE_BYTES_MAX);
        let (signed, tested) = Signed::open::<Tested>(envelope, wanted)?;
        if !tested.is_of(about) {
            return Err(of_another(what, [&tested.connector, &tested.version, &tested.sha256]));
        }
        Ok((signed, tested))
    }

    fn open<S: serde::de::DeserializeOwned>(
        envelope: &[u8],
        (kind, what, most): (&'static str, &str, usize),
    ) -> Result<(Signed, S), String> {
        if most < envelope.len() {
            return Err(format!("has {what} of more than {most} bytes"));
        }
        let no_envelope = |why: &str| format!("has {what} that is no envelope of one: {why}");
        let Envelope { payload, payload_type, signatures } =
            serde_json::from_slice(envelope).map_err(|why| no_envelope(&why.to_string()))?;
        if payload_type != kind {
            return Err(no_envelope("it is of another kind of thing"));
        }
        if SIGNATURES_MAX < signatures.len() {
            return Err(no_envelope("it holds more signatures than anybody needs"));
        }
        let decoded =
            |text: &str| BASE64.decode(text.as_bytes()).map_err(|why| no_envelope(&why.to_string()));
        let payload = decoded(&payload)?;
        let said = serde_json::from_slice(&payload).map_err(|why| no_envelope(&why.to_string()))?;
        let signatures = signatures.iter().map(|one| {
            let bytes = decoded(&one.sig)?;
            Signature::from_slice(&bytes).map_err(|why| no_envelope(&why.to_string()))
        });
        let signatures = signatures.collect::<Result<_, _>>()?;
        Ok((Signed { kind, payload, signatures }, said))
    }

    /// Whether one of them was made by this key.
    pub(super) fn is_by(&self, key: &PublicKey) -> bool {
        let encoded = encoded(self.kind, &self.payload);
        self.signatures.iter().any(|signature| key.0.verify_strict(&encoded, signature).is_ok())
    }
}

fn of_another(what: &str, named: [&str; 3]) -> String {
    let [connector, version, sha256] = named.map(str::escape_debug);
    format!("has {what} of `{connector}` {version} (sha256:{sha256}), which is another component")
}
