//! The records of the bundles that a member has.

use super::state::{Kept, State};
use crate::admin::bundle::Bundle;
use crate::admin::bundle::error::BundleError;
use crate::certificate::{Fingerprint, KeyPolicy};
use crate::store::TrustSnapshot;

/// The records of bundles, by the digests of their texts: a text with the same digest is not read again.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The policy by which they were read.
    keys: Option<KeyPolicy>,
    read: Vec<(Fingerprint, TrustSnapshot)>,
}

impl Records {
    /// The records of a bundle. Certificates that `installed` has are not read again.
    pub(super) fn of(
        &mut self,
        bundle: &Bundle,
        keys: KeyPolicy,
        installed: &TrustSnapshot,
    ) -> Result<TrustSnapshot, BundleError> {
        if !self.keys.is_some_and(|known| known.is(&keys)) {
            self.read.clear();
            self.keys = Some(keys);
        }
        let digest = bundle.digest();
        if let Some((_, records)) = self.read.iter().find(|(known, _)| *known == digest) {
            return Ok(records.clone());
        }
        let records = bundle.snapshot_knowing(keys, installed)?;
        self.read.push((digest, records.clone()));
        Ok(records)
    }

    /// Forgets all but those that a member has.
    pub(super) fn keep(&mut self, state: &State) {
        let has = |digest: Fingerprint| {
            let mut kept = state.earlier.iter().chain(&state.newest);
            kept.any(|kept: &Kept| kept.bundle.digest() == digest)
        };
        self.read.retain(|(digest, _)| has(*digest));
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use core::time::Duration;

    use pki_types::UnixTime;

    use super::*;
    use crate::admin::bundle::{BundleHead, KeySet, Part, Signer};
    use crate::certificate::Certificate;
    use crate::identity::PrivateKey;
    use crate::store::{EntryOptions, PinScope, TrustStore};
    use crate::tls;

    /// A policy, and bundles with one certificate of RSA-2048, of the sequences 1 and 2.
    fn made() -> (KeyPolicy, TrustStore, [Bundle; 2]) {
        let provider = tls::provider::default_provider();
        let keys = tls::key_policy(&provider);
        let key = include_bytes!("../../../../tests/fixtures/keys/ed25519.key.pem");
        let key = PrivateKey::from_pem(key).unwrap();
        let signer = tls::bundle_signer(key, &provider).unwrap();
        let set = KeySet::new("site-a".parse().unwrap(), 1, [signer.key().clone()]).unwrap();
        let pem = include_bytes!("../../../../tests/fixtures/ee-rsa2048.pem");
        let certificate = Certificate::from_pem(pem).unwrap();
        let mut store = TrustStore::new(keys);
        store
            .install_pin(PinScope::Clients, certificate, EntryOptions::new())
            .unwrap();
        let times = [1, 2].map(|at| UnixTime::since_unix_epoch(Duration::from_secs(at)));
        let view = store.snapshot();
        let bundles = [1, 2].map(|sequence| {
            let head = BundleHead::new(&set, Part::All, sequence, times[0], times[1]).unwrap();
            Bundle::new(&view, head).unwrap()
        });
        (keys, store, bundles)
    }

    /// Where the one certificate of a snapshot is in memory, and whether its entry is disabled.
    fn found(records: &TrustSnapshot) -> (*const u8, bool) {
        let entries = records.entries();
        let certificate = entries[0].certificate().unwrap();
        (certificate.der().as_ptr(), entries[0].disabled().is_some())
    }

    #[test]
    fn a_bundle_is_read_once_as_long_as_the_member_has_it() {
        let (keys, _, [bundle, other]) = made();
        let none = TrustSnapshot::default();
        let mut records = Records::default();
        let first = found(&records.of(&bundle, keys, &none).unwrap());
        assert_eq!(found(&records.of(&bundle, keys, &none).unwrap()), first);
        assert_ne!(found(&records.of(&other, keys, &none).unwrap()), first);
    }

    #[test]
    fn a_certificate_that_is_installed_is_not_read_again() {
        let (keys, store, [bundle, _]) = made();
        let installed = found(store.contents());
        let read = Records::default().of(&bundle, keys, store.contents());
        assert_eq!(found(&read.unwrap()), installed);
    }

    #[test]
    fn another_key_policy_reads_a_bundle_anew() {
        let (keys, store, [bundle, _]) = made();
        let mut records = Records::default();
        let mut disabled = |keys| found(&records.of(&bundle, keys, store.contents()).unwrap()).1;
        let strict = keys.require_rsa_bits(3072).unwrap();
        assert_eq!(
            [keys, strict, keys].map(&mut disabled),
            [false, true, false]
        );
    }
}
