//! Bytes that look like chance and are always the same.

#![allow(
    unreachable_pub,
    missing_docs,
    reason = "a module of benchmarks and of a test"
)]

/// Bytes that differ for each number (xorshift64*; they need not be random, only different).
pub fn noise(number: u64, length: usize) -> Vec<u8> {
    let mut state = number * 2 + 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}
