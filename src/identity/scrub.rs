//! Overwrites the dead stack below the caller.
//!
//! Crypto providers leave secrets there: aws-lc-rs the nonce of each ECDSA signature, from which the private
//! key follows. Safe Rust cannot reach what a call has left behind, but it can make another call as deep.

use zeroize::Zeroize;

/// 32 KiB in words: the deepest frame measured below a provider's call is 12.3 KiB; twice that and some.
const WORDS: usize = 4096;

/// To be called directly after a provider returns and before anything is built: stale stack bytes can be
/// moved into a live object with the unused part of an enum.
#[inline(never)]
pub(crate) fn scrub_stack() {
    let mut area = [0_u64; WORDS];
    // Volatile writes, which the compiler keeps.
    area.zeroize();
}
