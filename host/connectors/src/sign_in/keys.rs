//! The provider's keys, and the algorithms by which they sign. Every one of them has a public key: an answer
//! that is "signed" with a shared secret, or by nothing, is not looked at.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, decode_header};
use ring::signature::{
    self as rings, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use signature::{Error, Verifier};

/// The algorithms of the signatures that are taken.
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A key and the algorithm that it signs with.
pub(super) struct Signer {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// The key of `keys` by which `token` says that it is signed: the one of its id, or the only one that fits where
/// it names none.
pub(super) fn of(keys: &JwkSet, token: &str) -> Option<Signer> {
    let header = decode_header(token).ok()?;
    let algorithm = header.alg;
    // What the header calls critical would have to be understood.
    if !ALGORITHMS.contains(&algorithm) || header.crit.is_some() {
        return None;
    }
    let fits = |key: &&Jwk| {
        let common = &key.common;
        fits_kind(algorithm, &key.algorithm)
            && common.public_key_use.as_ref().is_none_or(|is| *is == PublicKeyUse::Signature)
            && common
                .key_algorithm
                .is_none_or(|is| is.to_string().parse::<Algorithm>().is_ok_and(|is| is == algorithm))
            && header.kid.as_ref().is_none_or(|id| common.key_id.as_ref() == Some(id))
    };
    let mut found = keys.keys.iter().filter(fits);
    let (key, None) = (found.next()?, found.next()) else { return None };
    Some(Signer { key: DecodingKey::from_jwk(key).ok()?, algorithm })
}

fn fits_kind(algorithm: Algorithm, kind: &AlgorithmParameters) -> bool {
    match (algorithm, kind) {
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(curve)) => curve.curve == EllipticCurve::P256,
        (Algorithm::ES384, AlgorithmParameters::EllipticCurve(curve)) => curve.curve == EllipticCurve::P384,
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(pair)) => pair.curve == EllipticCurve::Ed25519,
        (
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
            AlgorithmParameters::RSA(_),
        ) => true,
        (_, _) => false,
    }
}

/// Has the JWT library check signatures with the cryptography that TLS here uses already.
pub(super) fn install() {
    static RING: CryptoProvider = CryptoProvider {
        // This host signs no token.
        signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    // Whoever made a provider before has installed it.
    let _ = RING.install_default();
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let by = match algorithm {
        Algorithm::RS256 => By::Rsa(&rings::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => By::Rsa(&rings::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => By::Rsa(&rings::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => By::Rsa(&rings::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => By::Rsa(&rings::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => By::Rsa(&rings::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => By::Other(&rings::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => By::Other(&rings::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => By::Other(&rings::ED25519),
        // Shared secrets, and whatever the library learns later.
        _ => {
            return Err(ErrorKind::UnsupportedAlgorithm.into());
        }
    };
    Ok(Box::new(Ring { algorithm: *algorithm, by, key: key.clone() }))
}

struct Ring {
    algorithm: Algorithm,
    by: By,
    key: DecodingKey,
}

enum By {
    Rsa(&'static RsaParameters),
    Other(&'static dyn VerificationAlgorithm),
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match (&self.by, self.key.kind()) {
            (By::Rsa(by), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(by, message, signature)
            }
            (By::Other(by), DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(*by, key).verify(message, signature)
            }
            (By::Rsa(_), DecodingKeyKind::SecretOrDer(_))
            | (By::Other(_), DecodingKeyKind::RsaModulusExponent { .. }) => return Err(Error::new()),
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
