//! What verdicts ask and tell of signatures that were verified before.

use core::hash::BuildHasher;

use super::data::Data;
use super::tail::Tail;
use crate::certificate::{Certificate, Issued, KeyPolicy};

impl Data {
    fn hash_of(&self, der: &[u8]) -> Option<u64> {
        Some(self.hasher.hash_one(Tail::of(der)?))
    }

    /// The certificate with these bytes, if its signature is remembered: it need not be read again.
    pub(crate) fn read_before(&self, der: &[u8]) -> Option<Certificate> {
        self.verified.read(self.hash_of(der)?, der)
    }

    /// The signature of the key of `above` on `below`, if it is remembered and `keys` would accept it.
    pub(crate) fn verified(
        &self,
        below: &Certificate,
        above: &Certificate,
        keys: &KeyPolicy,
    ) -> Option<Issued> {
        let hash = self.hash_of(below.der())?;
        self.verified.signature(hash, below, above, keys)
    }

    /// Remembers a signature of a path that leads to an installed authority. `depth` is the number of certificates
    /// between the signer and the authority; 0 for the authority itself.
    pub(crate) fn remember(&self, issued: &Issued, depth: usize) {
        if let Some(hash) = self.hash_of(issued.pair().0.der()) {
            self.verified.add(hash, issued, depth);
        }
    }
}
