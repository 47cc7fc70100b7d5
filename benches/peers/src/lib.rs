//! What the benchmarks of this package share: the certificates, the peers that do the same work another way, and
//! where measurements are kept for the figures.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]
#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::missing_errors_doc,
    missing_debug_implementations,
    missing_docs,
    reason = "the programs of this package alone use it"
)]

#[path = "../../synthetic/mod.rs"]
pub mod synthetic;

pub mod clock;
pub mod handshake;
#[cfg(feature = "openssl")]
pub mod openssl;
pub mod plot;
pub mod record;

use std::sync::Arc;

use mutual_trust::{
    Certificate, CurrentTime, EntryOptions, HostName, PinScope, Policy, ServerId, TrustStore, tls,
};
use pki_types::{CertificateDer, TrustAnchor};
use rustls::crypto::CryptoProvider;
use synthetic::Key;

/// Whether only a smoke test was asked for: small stores, short measurements, figures that mean nothing.
pub fn is_quick() -> bool {
    std::env::var_os("MUTUAL_TRUST_QUICK").is_some()
}

/// A store, a question and the time.
pub struct World {
    pub provider: Arc<CryptoProvider>,
    pub id: ServerId,
    pub name: HostName,
    pub clock: CurrentTime,
    pub policy: Policy,
}

impl Default for World {
    fn default() -> Self {
        Self::with(tls::provider::aws_lc_rs())
    }
}

impl World {
    /// With the server `keys-1` under the name of the certificates that [`synthetic`] numbers 1.
    pub fn with(provider: Arc<CryptoProvider>) -> Self {
        Self {
            id: "keys-1".parse().unwrap(),
            name: "array-000001.example".parse().unwrap(),
            clock: CurrentTime::Known(synthetic::now()),
            policy: Policy::new(tls::key_policy(&provider)),
            provider,
        }
    }

    /// A store that knows the server.
    pub fn store(&self) -> TrustStore {
        let keys = *self.policy.key_policy();
        let mut store = TrustStore::new(keys).with_clock(Arc::new(self.clock));
        store
            .add_server(self.id.clone(), [self.name.clone()])
            .unwrap();
        store
    }

    /// Installs pins for clients.
    pub fn install_clients(&self, store: &mut TrustStore, ders: &[Vec<u8>]) {
        for der in ders {
            let certificate = Certificate::from_der(der).unwrap();
            store
                .install_pin(PinScope::Clients, certificate, EntryOptions::new())
                .unwrap();
        }
    }

    /// What plain webpki does with a presented chain: the path, and the name.
    pub fn webpki(
        &self,
        anchors: &[TrustAnchor<'_>],
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
    ) -> Result<(), webpki::Error> {
        let end_entity = webpki::EndEntityCert::try_from(leaf)?;
        end_entity.verify_for_usage(
            self.provider.signature_verification_algorithms.all,
            anchors,
            rest,
            synthetic::now(),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        )?;
        let name = self.name.to_server_name().unwrap();
        end_entity.verify_is_valid_for_subject_name(&name)
    }
}

/// A certificate like `template`, which a CA signed for a P-256 key, with another key and another signature. The key is
/// on its curve, because a store takes no other; the signature need not verify, because a pin does not need it.
pub fn variant(template: &Certificate, number: u32) -> Vec<u8> {
    let mut der = template.der().to_vec();
    let key = template.subject_public_key_info();
    let at = der.windows(key.len()).position(|part| part == key).unwrap();
    // The synthetic certificates use the lower numbers.
    let point = Key::P256.public(number | 1 << 31);
    let end = at + key.len();
    der[end - point.len()..end].copy_from_slice(&point);
    *der.last_chunk_mut::<4>().unwrap() = number.to_be_bytes();
    der
}

/// So many certificates of one size, each with a key of its own.
pub fn variants(template: &[u8], count: u32) -> Vec<Vec<u8>> {
    let template = Certificate::from_der(template).unwrap();
    (0..count)
        .map(|number| variant(&template, number))
        .collect()
}

/// Numbers below `below` that jump about (xorshift64*), so that what they pick is in no cache.
pub fn jumps(below: usize) -> impl FnMut() -> usize {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % below
    }
}

/// The middle of what was measured.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
