//! What the memory of another process holds of a private key.

pub mod keys;
pub mod needles;
pub mod scan;
