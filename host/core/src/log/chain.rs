//! The hash chain over the log: one flipped bit, one lost or swapped entry changes the head.

use crate::hash::Digest;

/// The head of the chain after one more entry.
///
/// `head(n) = SHA-256(head(n-1) ‖ stream ‖ sequence ‖ entry)`, each part preceded by its length;
/// before the first entry the head is [`Digest::ZERO`]. The position is not hashed: it is the
/// number of links.
#[must_use]
pub fn link(head: Digest, stream: &str, sequence: u64, entry: &[u8]) -> Digest {
    Digest::of_parts(&[&head.0, stream.as_bytes(), &sequence.to_be_bytes(), entry])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_link_moves_the_head() {
        let head = link(Digest::ZERO, "int_1", 1, b"submitted");
        assert_ne!(head, link(head, "int_1", 1, b"submitted"));
        assert_ne!(head, link(Digest::ZERO, "int_2", 1, b"submitted"));
        assert_ne!(head, link(Digest::ZERO, "int_1", 2, b"submitted"));
        assert_ne!(head, link(Digest::ZERO, "int_1", 1, b"submitteD"));
    }
}
