//! The certificates of the simulated fleet. Their keys come from numbers: each run has the same.

use mutual_trust::certificate::{Certificate, Crl};
use mutual_trust_test_support as support;
use rcgen::KeyPair;
use support::pki::{Made, spec};

/// A private key of Ed25519 in PKCS#8 (RFC 8410), with a private part that a number decides.
pub fn private_key(number: u64) -> Vec<u8> {
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let mut draw = crate::draw::Draw::new(number);
    for _ in 0..4 {
        der.extend(draw.number().to_be_bytes());
    }
    der
}

fn key_pair(number: u64) -> KeyPair {
    let der = private_key(number);
    KeyPair::try_from(der.as_slice()).unwrap()
}

/// What administrators can install.
pub struct Pool {
    /// Self-signed certificates of peers.
    pub peers: Vec<Certificate>,
    /// CAs that end chains.
    pub authorities: Vec<Certificate>,
    /// CAs below them.
    pub intermediates: Vec<Certificate>,
    /// Revocation lists of one issuer, which is installed with them.
    pub lists: Vec<Crl>,
    pub lists_issuer: Certificate,
    /// Certificates that no administrator of the fleet installs.
    pub foreign: Vec<Certificate>,
}

/// How many there are of each kind of peers: a run installs, blocks and removes them again and again.
const PEERS: u64 = 24;

impl Pool {
    /// All of them, the same in each run.
    pub fn made() -> Self {
        let peer = |number: u64| {
            let name = format!("peer-{number}");
            let made = spec(&name).dns(&format!("{name}.example"));
            let made = made.serial(1_000 + number).key(key_pair(1_000 + number));
            made.server_auth().client_auth().self_signed().certificate()
        };
        let authority = |number: u64| -> Made {
            let made = spec(&format!("authority {number}")).ca();
            made.serial(2_000 + number)
                .key(key_pair(2_000 + number))
                .self_signed()
        };
        let roots: Vec<Made> = (0..4).map(authority).collect();
        let below = |(number, root): (u64, &Made)| {
            let made = spec(&format!("intermediate {number}")).ca();
            let made = made.serial(3_000 + number).key(key_pair(3_000 + number));
            made.signed_by(root).certificate()
        };
        let lists = ["no-extensions", "v2", "part-1"].map(|name| {
            let pem = support::fixture_bytes(&format!("crls/{name}.pem"));
            Crl::from_pem(&pem).unwrap()
        });
        Self {
            peers: (0..PEERS).map(peer).collect(),
            intermediates: (0..).zip(&roots).map(below).collect(),
            authorities: roots.iter().map(Made::certificate).collect(),
            lists: lists.into(),
            lists_issuer: Certificate::from_pem(&support::fixture_bytes("crls/ca.pem")).unwrap(),
            foreign: (500..504).map(peer).collect(),
        }
    }
}
