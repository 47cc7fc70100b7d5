//! Revocation lists that a test makes for itself, with any content. The writer shares no code with the crate.

use mutual_trust::certificate::{Certificate, Crl};
use rcgen::SigningKey;

use super::der::{Der, INTEGER, OCTETS, OID, SEQUENCE, bytes, parts};
use super::pki::Made;
use super::{DAY, NOW};

pub const HOUR: i64 = 60 * 60;
pub const BOOLEAN: u8 = 0x01;
pub const BITS: u8 = 0x03;
pub const ENUMERATED: u8 = 0x0a;
pub const UTC_TIME: u8 = 0x17;

/// ecdsa-with-SHA256
const ALGORITHM: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// The content of a list. By default: version 2, number 1, the issuer's key identifier, issued a day before
/// [`NOW`] and valid for a week, nothing revoked.
#[derive(Clone)]
pub struct CrlSpec {
    pub version: Option<u8>,
    pub this_update: i64,
    pub next_update: Option<i64>,
    pub number: Option<Vec<u8>>,
    pub key_id: bool,
    pub entries: Vec<Der>,
    pub extensions: Vec<Der>,
    pub wrong_key: bool,
}

pub fn crl() -> CrlSpec {
    let now = i64::try_from(NOW).unwrap();
    let day = i64::try_from(DAY).unwrap();
    CrlSpec {
        version: Some(1),
        this_update: now - day,
        next_update: Some(now + 6 * day),
        number: Some(vec![1]),
        key_id: true,
        entries: Vec::new(),
        extensions: Vec::new(),
        wrong_key: false,
    }
}

/// An extension `2.5.29.n`.
pub fn standard(last: u8, critical: bool, value: &Der) -> Der {
    extension(&[0x55, 0x1d, last], critical, value)
}

pub fn extension(id: &[u8], critical: bool, value: &Der) -> Der {
    let mut all = vec![bytes(OID, id)];
    if critical {
        all.push(bytes(BOOLEAN, &[0xff]));
    }
    all.push(bytes(OCTETS, &value.write()));
    parts(SEQUENCE, all)
}

pub fn uri(text: &str) -> Der {
    bytes(0x86, text.as_bytes())
}

/// A distribution point name with these URIs.
pub fn point(uris: &[&str]) -> Der {
    let names = uris.iter().map(|text| uri(text)).collect();
    parts(0xa0, vec![parts(0xa0, names)])
}

/// An `issuingDistributionPoint` with these fields.
pub fn idp(fields: Vec<Der>) -> Der {
    standard(28, true, &parts(SEQUENCE, fields))
}

pub fn flag(tag: u8) -> Der {
    bytes(tag, &[0xff])
}

/// A time as `YYMMDDHHMMSSZ`, written from a time as the public API takes it.
pub fn utc(seconds: i64) -> Der {
    let moment = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        moment.year() % 100,
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    );
    bytes(UTC_TIME, text.as_bytes())
}

/// An entry without extensions, revoked a day before [`NOW`].
pub fn entry(serial: &[u8]) -> Der {
    let now = i64::try_from(NOW - DAY).unwrap();
    parts(SEQUENCE, vec![bytes(INTEGER, serial), utc(now)])
}

pub fn entry_with(serial: &[u8], extensions: Vec<Der>) -> Der {
    let mut all = entry(serial);
    all.list().push(parts(SEQUENCE, extensions));
    all
}

pub fn reason(code: u8) -> Der {
    standard(21, false, &bytes(ENUMERATED, &[code]))
}

impl CrlSpec {
    pub fn number(mut self, number: u8) -> Self {
        self.number = Some(vec![number]);
        self
    }

    pub fn no_number(mut self) -> Self {
        self.number = None;
        self
    }

    pub fn no_key_id(mut self) -> Self {
        self.key_id = false;
        self
    }

    /// Period in seconds relative to [`NOW`].
    pub fn valid(mut self, from: i64, to: i64) -> Self {
        let now = i64::try_from(NOW).unwrap();
        self.this_update = now + from;
        self.next_update = Some(now + to);
        self
    }

    pub fn no_end(mut self) -> Self {
        self.next_update = None;
        self
    }

    pub fn revoke(self, certificate: &Certificate) -> Self {
        let serial = certificate.serial().to_vec();
        self.entry(entry(&serial))
    }

    pub fn entry(mut self, entry: Der) -> Self {
        self.entries.push(entry);
        self
    }

    pub fn extension(mut self, extension: Der) -> Self {
        self.extensions.push(extension);
        self
    }

    /// A scope, as fields of the `issuingDistributionPoint`.
    pub fn scope(self, fields: Vec<Der>) -> Self {
        self.extension(idp(fields))
    }

    /// Version 1: without any extension.
    pub fn version_1(mut self) -> Self {
        self.version = None;
        self.no_number().no_key_id()
    }

    pub fn wrong_signature(mut self) -> Self {
        self.wrong_key = true;
        self
    }

    /// The list as a tree, signed by `issuer`.
    pub fn tree(&self, issuer: &Made) -> Der {
        let algorithm = parts(SEQUENCE, vec![bytes(OID, ALGORITHM)]);
        let mut tbs = Vec::new();
        if let Some(version) = self.version {
            tbs.push(bytes(INTEGER, &[version]));
        }
        tbs.push(algorithm.clone());
        tbs.push(Der::read(issuer.certificate.subject_der()));
        tbs.push(utc(self.this_update));
        tbs.extend(self.next_update.map(utc));
        if !self.entries.is_empty() {
            tbs.push(parts(SEQUENCE, self.entries.clone()));
        }
        let mut extensions = Vec::new();
        if self.key_id {
            let id = issuer.certificate.subject_key_id().unwrap();
            let value = parts(SEQUENCE, vec![bytes(0x80, id)]);
            extensions.push(standard(35, false, &value));
        }
        if let Some(number) = &self.number {
            extensions.push(standard(20, false, &bytes(INTEGER, number)));
        }
        extensions.extend(self.extensions.iter().cloned());
        if !extensions.is_empty() {
            tbs.push(parts(0xa0, vec![parts(SEQUENCE, extensions)]));
        }
        let mut tree = parts(
            SEQUENCE,
            vec![parts(SEQUENCE, tbs), algorithm, bytes(BITS, &[])],
        );
        sign(&mut tree, issuer);
        if self.wrong_key {
            // The signature is of another number.
            let last = tree.at(&[2]).content().last_mut().unwrap();
            *last ^= 1;
        }
        tree
    }

    pub fn der(&self, issuer: &Made) -> Vec<u8> {
        self.tree(issuer).write()
    }

    pub fn signed_by(&self, issuer: &Made) -> Crl {
        Crl::from_der(&self.der(issuer)).unwrap()
    }
}

/// Signs a changed tree again, so that only the change can be the reason of a refusal.
pub fn sign(tree: &mut Der, issuer: &Made) {
    let signature = issuer.key.sign(&tree.at(&[0]).write()).unwrap();
    *tree.at(&[2]).content() = [vec![0], signature].concat();
}

/// A value `2.5.29.31` for a certificate: one distribution point for each list of URIs.
pub fn distribution_points(points: &[&[&str]]) -> Vec<u8> {
    let each = points
        .iter()
        .map(|uris| parts(SEQUENCE, vec![point(uris)]))
        .collect();
    parts(SEQUENCE, each).write()
}
