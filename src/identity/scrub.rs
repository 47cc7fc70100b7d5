//! Overwrites the registers, and the stack below the caller that is no longer in use.
//!
//! Crypto providers leave secrets there. aws-lc-rs leaves the nonce of each ECDSA signature on the stack, from which
//! the private key follows, and on some processors half of an Ed25519 scalar in a vector register. Safe Rust cannot
//! reach what a call has left behind, but it can make another call that goes as deep.
//!
//! # Depth
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
//! So every elliptic curve and RSA key is covered in optimised builds. ML-DSA is not covered by depth: aws-lc wipes
//! its buffers there itself, and nothing was found.
//!
//! # Signals
//!
//! When a signal arrives, the kernel saves all registers in a frame below the stack pointer, and such a frame can hold
//! a secret. Three cases:
//!
//! - During a provider's call, the frame begins at most at the depth in the table. `AT_MINSIGSTKSZ` of `getauxval(3)`
//!   is the most that it takes: 3632 bytes on x86-64 with AVX-512. With the 128 bytes that the ABI keeps free below the
//!   stack pointer, P-384 needs less than 27.6 of the 32 KiB that are overwritten.
//! - After the call and until the registers are overwritten, the stack pointer is that of our caller, less the small
//!   frames below. So the large area must not exist yet: a frame below the area stays for good.
//! - From then on, the registers hold no secret.
//!
//! Not covered: a larger frame below the deepest ones, as with AMX (11 KiB, only in processes that ask the kernel for
//! AMX); and a signal stack of its own (`sigaltstack(2)`), which is not below the caller.

use core::hint::black_box;
use core::num::Wrapping;

use zeroize::Zeroize;

/// 32 KiB in words: the deepest frames in the table that are to be covered, a signal's frame below them, and a sixth
/// more. A thread that signs needs this and the provider's own frames; see SECURITY.md.
const WORDS: usize = 4096;

/// To be called directly after a provider returns and before anything is built: stale bytes of the stack and of registers
/// can be moved into a live object with the unused part of an enum. So what runs before it returns nothing that has
/// unused bytes, such as an error with fields.
#[inline(never)]
pub(crate) fn scrub_stack() {
    // Two calls, so that the frame of the second does not exist during the first: see "Signals" above.
    overwrite_registers();
    overwrite_stack();
}

#[inline(never)]
fn overwrite_stack() {
    let mut area = [0_u64; WORDS];
    // Volatile writes, which the compiler keeps.
    area.zeroize();
}

/// Makes more numbers live at the same time than a processor has registers. Each depends on the one before, so that
/// the compiler can neither leave one in memory alone nor put several into one register.
macro_rules! live_together {
    ($zero:expr; $($number:ident)*) => {{
        $(let mut $number = black_box($zero);)*
        let mut last = $zero;
        // One round; the compiler does not know that.
        for _ in 0..black_box(1_u32) {
            $($number += last; last = $number;)*
        }
        black_box(last);
    }};
}

/// Safe Rust has no instruction for it. x86-64 has 16 vector registers without AVX-512, AArch64 has 32; both have fewer
/// general registers. A load of a `f64` overwrites a register of 128 bits.
#[inline(never)]
fn overwrite_registers() {
    live_together!(
        0.0_f64;
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    );
    live_together!(
        Wrapping(0_u64);
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    );
}
