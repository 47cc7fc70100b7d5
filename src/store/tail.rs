//! The place of a certificate in a table, by its last bytes.

use core::hash::{Hash, Hasher};

/// Length and last bytes of a certificate. The last bytes belong to the signature and differ between certificates,
/// unless they were made to collide. Certificates that collide share a bucket and are compared whole.
#[derive(Clone, Copy)]
pub(super) struct Tail(u16, [u8; 16]);

impl Hash for Tail {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Both have a fixed size, so the lengths are not hashed.
        state.write(&self.1);
        state.write_u16(self.0);
    }
}

impl Tail {
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        Some(Self(
            u16::try_from(der.len()).ok()?,
            *der.last_chunk::<16>()?,
        ))
    }
}
