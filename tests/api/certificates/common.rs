//! Fixtures with one change in their DER.

use mutual_trust::certificate::Certificate;
use mutual_trust::error::CertificateError as E;

use crate::support::der::{Der, tree};
use crate::support::fixture;

/// Certificates that together have all fields and extensions that are read.
pub const WHOLE: &[&str] = &[
    "chain-server",
    "ca-intermediate",
    "openssl-req-san",
    "ee-rsa2048",
    "ee-ed25519",
    "ca-v1-leaf",
];

pub fn edited(name: &str, change: impl FnOnce(&mut Der)) -> Result<Certificate, E> {
    let mut der = tree(&fixture(name));
    change(&mut der);
    Certificate::from_der(&der.write())
}

/// Asserts that a result is an error that matches the pattern.
macro_rules! assert_is {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $result.unwrap_err();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    }};
}

/// The extensions that are read, by the last number of their object identifier.
const READ: &[u8] = &[14, 15, 17, 19, 35, 37];

/// Each certificate with each of its extensions that is read.
pub fn with_extensions() -> Vec<(&'static str, u8)> {
    let mut found = Vec::new();
    for name in WHOLE {
        let mut der = tree(&fixture(name));
        let oids: Vec<Vec<u8>> = der
            .extensions()
            .iter_mut()
            .map(|extension| extension.at(&[0]).content().clone())
            .collect();
        let here = READ
            .iter()
            .filter(|last| oids.contains(&vec![0x55, 0x1d, **last]));
        found.extend(here.map(|last| (*name, *last)));
    }
    assert!(READ.iter().all(|last| found.iter().any(|(_, l)| l == last)));
    found
}

pub fn field(last: u8) -> &'static str {
    match last {
        14 => "subjectKeyIdentifier",
        15 => "keyUsage",
        17 => "subjectAltName",
        19 => "basicConstraints",
        30 => "nameConstraints",
        35 => "authorityKeyIdentifier",
        37 => "extKeyUsage",
        _ => panic!("not read"),
    }
}
