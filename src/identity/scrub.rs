//! Overwrites the dead stack below the caller, and the vector registers.
//!
//! Crypto providers leave secrets there: aws-lc-rs the nonce of each ECDSA signature, from which the private
//! key follows, and in a vector register of some processors half of an Ed25519 scalar. Safe Rust cannot reach what a
//! call has left behind, but it can make another call as deep.
//!
//! How deep a provider's frames go depends on the build. Bytes below the caller of a signature by aws-lc-rs:
//!
//! | | optimised builds | debug builds |
//! |---|---|---|
//! | P-256 | 11.6 to 17.8 KiB | 36.5 KiB |
//! | P-384 | 12.9 to 23.9 KiB | 36.5 KiB |
//! | Ed25519 | 10.3 to 13.2 KiB | 22.9 KiB |
//! | RSA 2048, 4096 | 2.0 to 7.9 KiB | 3.7 to 4.7 KiB |
//! | ML-DSA-65, ML-DSA-87 | 75 to 113 KiB | 75 to 113 KiB |
//!
//! So every elliptic curve and RSA key is covered in optimised builds. ML-DSA is not covered by depth: there aws-lc
//! wipes its buffers itself, and nothing was found.

use core::hint::black_box;

use zeroize::Zeroize;

/// 32 KiB in words: a third more than the deepest frames in the table that are to be covered. A thread that signs needs
/// this and the provider's own frames; see SECURITY.md.
const WORDS: usize = 4096;

/// To be called directly after a provider returns and before anything is built: stale stack bytes can be
/// moved into a live object with the unused part of an enum.
#[inline(never)]
pub(crate) fn scrub_stack() {
    // First: a signal that arrives below makes the kernel save all registers under the area, where nothing overwrites
    // them again.
    overwrite_registers();
    let mut area = [0_u64; WORDS];
    // Volatile writes, which the compiler keeps.
    area.zeroize();
}

/// Makes as many numbers live at the same time as no processor has registers for, each of which depends on the one
/// before, so that the compiler can neither leave one in memory alone nor put several into one register.
macro_rules! live_together {
    ($($number:ident)*) => {{
        // A load overwrites all of a register of 128 bits.
        $(let mut $number = black_box(0.0_f64);)*
        let mut last = 0.0;
        // One round; the compiler does not know that.
        for _ in 0..black_box(1_u32) {
            $($number += last; last = $number;)*
        }
        black_box(last);
    }};
}

/// Safe Rust has no instruction for it. x86-64 has 16 vector registers without AVX-512, AArch64 has 32.
#[inline(never)]
fn overwrite_registers() {
    live_together!(
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    );
}
