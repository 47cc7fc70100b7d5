//! Many different certificates, quickly: one CA signs for keys with which nothing is signed. A store takes no point
//! that is not on its curve, so each P-256 key is computed from a private one; an RSA modulus need not have factors.

#![allow(
    missing_docs,
    clippy::option_map_unit_fn,
    clippy::new_without_default,
    reason = "each benchmark takes what it needs of this module"
)]
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "each benchmark takes what it needs of this module"
)]

#[path = "../noise/mod.rs"]
pub mod noise;

use std::time::Duration;

use mutual_trust::{Certificate, EntryOptions, TrustSnapshot, TrustStore};
use noise::noise;
use pki_types::{PrivatePkcs8KeyDer, UnixTime};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData,
    SerialNumber, SignatureAlgorithm,
};

#[derive(Clone, Copy)]
pub enum Key {
    P256,
    Rsa2048,
}

/// 2027-01-01, inside every period.
pub fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_798_761_600))
}

struct UnusableKey {
    bytes: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for UnusableKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// A PKCS#8 key of P-256 without its public part (RFC 5208, RFC 5915), up to the scalar.
const P256_PRIVATE: [u8; 35] = [
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01,
    0x01, 0x04, 0x20,
];

impl Key {
    /// The public key of this number, as a certificate holds it inside its bit string.
    pub fn public(self, number: u32) -> Vec<u8> {
        self.unusable(number).bytes
    }

    fn unusable(self, number: u32) -> UnusableKey {
        match self {
            Self::P256 => {
                let algorithm = &PKCS_ECDSA_P256_SHA256;
                let mut private = P256_PRIVATE.to_vec();
                private.extend(noise(u64::from(number), 32));
                // Below the order of the curve, which begins with four bytes 0xff.
                let scalar = private.get_mut(P256_PRIVATE.len());
                scalar.map(|first| *first &= 0x7f);
                let private = PrivatePkcs8KeyDer::from(private);
                let pair = KeyPair::from_pkcs8_der_and_sign_algo(&private, algorithm).unwrap();
                UnusableKey {
                    bytes: pair.der_bytes().to_vec(),
                    algorithm,
                }
            }
            Self::Rsa2048 => {
                // RSAPublicKey (RFC 8017 A.1.1): an odd modulus of 256 bytes, exponent 65537.
                let mut bytes = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
                let mut modulus = noise(u64::from(number), 256);
                modulus.first_mut().map(|first| *first |= 0x80);
                modulus.last_mut().map(|last| *last |= 1);
                bytes.extend(modulus);
                bytes.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
                UnusableKey {
                    bytes,
                    algorithm: &PKCS_RSA_SHA256,
                }
            }
        }
    }
}

pub struct Chain {
    pub leaf: Vec<u8>,
    pub intermediate: Vec<u8>,
    pub root: Vec<u8>,
}

pub struct Maker {
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str, number: u32) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(u64::from(number) + 1));
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params
}

impl Maker {
    pub fn new() -> Self {
        let mut own = params("Example Issuing CA", 0);
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self {
            issuer: Issuer::new(own, KeyPair::generate().unwrap()),
        }
    }

    /// An end entity with a name, for both roles.
    pub fn end_entity(&self, number: u32, key: Key) -> Vec<u8> {
        let name = format!("array-{number:06}.example");
        let mut params = params(&name, number);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.sign(&params, &key.unusable(number))
    }

    pub fn authority(&self, number: u32) -> Vec<u8> {
        let mut params = params(&format!("Example CA {number:06}"), number);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        self.sign(&params, &Key::P256.unusable(number))
    }

    /// Another certificate for the same key.
    pub fn renewed(&self, number: u32, key: Key) -> Vec<u8> {
        let mut params = params("renewed.example", number + 1_000_000);
        params.is_ca = IsCa::ExplicitNoCa;
        self.sign(&params, &key.unusable(number))
    }

    /// Leaf, intermediate and root with keys of their own.
    pub fn chain(&self, number: u32) -> Chain {
        let ca = |name: &str, number| {
            let mut params = params(name, number);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params
        };
        let (root, root_key) = (ca("Chain Root", 1), KeyPair::generate().unwrap());
        let (below, below_key) = (ca("Chain Intermediate", 2), KeyPair::generate().unwrap());
        let root_der = root.self_signed(&root_key).unwrap();
        let by_root = Issuer::from_params(&root, &root_key);
        let below_der = below.signed_by(&below_key, &by_root).unwrap();
        let name = format!("array-{number:06}.example");
        let mut leaf = params(&name, 3);
        leaf.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let by_below = Issuer::from_params(&below, &below_key);
        let leaf_der = leaf
            .signed_by(&Key::P256.unusable(number + 2_000_000), &by_below)
            .unwrap();
        Chain {
            leaf: leaf_der.der().to_vec(),
            intermediate: below_der.der().to_vec(),
            root: root_der.der().to_vec(),
        }
    }

    fn sign(&self, params: &CertificateParams, key: &UnusableKey) -> Vec<u8> {
        params.signed_by(key, &self.issuer).unwrap().der().to_vec()
    }
}

/// A snapshot in which no verdict has remembered a signature yet: with a CA that is removed goes what was remembered.
/// `spare` is a CA that is installed for that and removed again.
pub fn forgetful(store: &mut TrustStore, spare: &Certificate) -> TrustSnapshot {
    let installed = store.install_intermediate(spare.clone(), EntryOptions::new());
    store.remove(installed.unwrap().entry().unwrap()).unwrap();
    store.snapshot()
}
