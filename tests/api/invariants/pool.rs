//! The certificates of the rows, made.
//!
//! Keys, serial numbers and times are fixed, and Ed25519 signs without a random number: every run has the same
//! certificates with the same fingerprints, so that a case that fails can be run again.

use std::sync::OnceLock;

use rcgen::{KeyPair, KeyUsagePurpose, SerialNumber};

use crate::invariants::rows::Usage::{Absent, Any, Both, Client, Server};
use crate::support::DAY;
use crate::support::pki::{Made, Spec, spec};

pub use crate::invariants::rows::*;

/// The key of this number, always the same.
pub fn key(number: u8) -> KeyPair {
    // PrivateKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 section 7).
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend([number; 32]);
    KeyPair::try_from(der.as_slice()).unwrap()
}

/// Gives a certificate names, usage and a fixed serial number.
pub fn dress(spec: Spec, serial: u64, usage: Usage, names: &[&str]) -> Spec {
    let mut spec = spec.params(|params| params.serial_number = Some(SerialNumber::from(serial)));
    for name in names {
        spec = match name.parse::<std::net::IpAddr>() {
            Ok(_) => spec.ip(name),
            Err(_) => spec.dns(name),
        };
    }
    match usage {
        Absent => spec,
        Server => spec.server_auth(),
        Client => spec.client_auth(),
        Both => spec.server_auth().client_auth(),
        Any => spec.extended_key_usage(rcgen::ExtendedKeyUsagePurpose::Any),
    }
}

fn make_all() -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for (serial, &(name, subject, number, issuer, ca, usage, (from, to), names)) in (1..).zip(ROWS)
    {
        let day = i64::try_from(DAY).unwrap();
        let mut spec = dress(spec(subject), serial, usage, names)
            .key(key(number))
            .valid(from * day, to * day);
        if ca {
            spec = spec.ca();
        }
        if name == "s2" {
            spec = spec.key_usage(&[
                KeyUsagePurpose::KeyCertSign,
                KeyUsagePurpose::DigitalSignature,
            ]);
        }
        if name == "s1-crit" {
            spec = spec.critical_extension(&[1, 2, 3, 4, 5, 6]);
        }
        let done = match ROWS.iter().position(|row| row.0 == issuer) {
            Some(at) => spec.signed_by(&made[at]),
            None => spec.self_signed(),
        };
        made.push(done);
    }
    made
}

/// `root-a` with its key, to sign others with.
pub fn root_a() -> &'static Made {
    static ROOT: OnceLock<Made> = OnceLock::new();
    ROOT.get_or_init(|| make_all().swap_remove(item("root-a")))
}

pub fn pool() -> &'static [Item] {
    static POOL: OnceLock<Vec<Item>> = OnceLock::new();
    POOL.get_or_init(|| items(make_all().into_iter().map(|made| made.certificate())))
}
