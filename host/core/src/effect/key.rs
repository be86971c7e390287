//! Effect ids and idempotency keys: derived, never drawn, so that every host, every restart and
//! every version of a connector arrives at the same ones.

use crate::hash::Digest;
use crate::id::{BindingName, EffectId, IntentId};
use crate::record::RecordRef;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The installation's secret. Whoever has it can forge idempotency keys, so `Debug` hides it.
#[derive(Clone)]
pub struct InstallKey([u8; 32]);

impl InstallKey {
    /// Takes 32 random bytes that were drawn once, at `init`, and kept since.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> InstallKey {
        InstallKey(bytes)
    }
}

impl std::fmt::Debug for InstallKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("InstallKey(..)")
    }
}

/// The id of the effect that `binding` of this revision of the intent has on `subject`.
#[must_use]
pub fn effect_id(intent: IntentId, revision: u32, binding: &BindingName, subject: &RecordRef) -> EffectId {
    EffectId::from_digest(&Digest::of_parts(&[
        b"countersign effect",
        &intent.bits().to_be_bytes(),
        &revision.to_be_bytes(),
        binding.as_str().as_bytes(),
        subject.kind.as_bytes(),
        subject.id.as_bytes(),
    ]))
}

/// The id of the effect that takes this one back.
#[must_use]
pub fn undo_id(effect: EffectId) -> EffectId {
    EffectId::from_digest(&Digest::of_parts(&[b"countersign undo", &effect.bits().to_be_bytes()]))
}

/// The id of the effect that writes this one again, for the `number`-th time.
#[must_use]
pub fn re_assert_id(effect: EffectId, number: u32) -> EffectId {
    EffectId::from_digest(&Digest::of_parts(&[
        b"countersign re-assert",
        &effect.bits().to_be_bytes(),
        &number.to_be_bytes(),
    ]))
}

/// The idempotency key of one step: `base32(HMAC-SHA256(install key, effect ‖ 0 ‖ step ‖ 0 ‖ generation))`.
///
/// All attempts share it while the outcome is open. The generation rises only after a probe said
/// `absent` or the target refused for certain, because some targets store their first answer under
/// a key and replay it, a 500 included. A step name holds no zero byte, so no two inputs run
/// into the same bytes.
#[must_use]
pub fn idempotency_key(install: &InstallKey, effect: EffectId, step: &str, generation: u32) -> String {
    // INVARIANT: HMAC takes keys of every length (RFC 2104), so the fallback is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&install.0) else {
        return String::new();
    };
    mac.update(effect.to_string().as_bytes());
    mac.update(&[0]);
    mac.update(step.as_bytes());
    mac.update(&[0]);
    mac.update(&generation.to_be_bytes());
    BASE32_NOPAD.encode(&mac.finalize().into_bytes()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_share_a_key_and_nothing_else_does() {
        let install = InstallKey::new([7; 32]);
        let effect = EffectId::from_bits(1);
        let key = idempotency_key(&install, effect, "create-refund", 0);
        assert_eq!(key, idempotency_key(&install, effect, "create-refund", 0));
        assert_eq!(key.len(), 52);
        let others = [
            idempotency_key(&InstallKey::new([8; 32]), effect, "create-refund", 0),
            idempotency_key(&install, EffectId::from_bits(2), "create-refund", 0),
            idempotency_key(&install, effect, "create-credit", 0),
            idempotency_key(&install, effect, "create-refund", 1),
        ];
        for other in others {
            assert_ne!(key, other);
        }
    }

    #[test]
    fn an_effect_keeps_its_id_for_ever() {
        let binding = BindingName::parse("billing-price").expect("it is a name");
        let subject = RecordRef { kind: "customer".into(), id: "cus_1".into() };
        let id = effect_id(IntentId::from_bits(42), 1, &binding, &subject);
        // Pinned: a change of this value would make every open effect a new one.
        assert_eq!(id.to_string(), PINNED);
        assert_ne!(id, effect_id(IntentId::from_bits(42), 2, &binding, &subject));
    }

    const PINNED: &str = "eff_2wnnckkm2x14901zm1gtgjzxgp";
}
