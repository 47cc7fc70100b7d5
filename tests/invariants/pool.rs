//! The certificates of which random stores are made. Each is described by its row, from which it is made and by
//! which the model judges it; nothing that the crate reads of it is used for that.
//!
//! Keys, serial numbers and times are fixed, and Ed25519 signs without a random number: every run has the same
//! certificates with the same fingerprints, so that a case that fails can be run again.

use std::sync::OnceLock;

use mutual_trust::certificate::{Certificate, Fingerprint};
use rcgen::{KeyPair, KeyUsagePurpose, SerialNumber};

use crate::support::pki::{Made, Spec, spec};
use crate::support::{DAY, NOW};

/// What the extended key usage says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    Absent,
    Server,
    Client,
    Both,
    Any,
}

pub struct Item {
    /// The first word of the row: unique.
    pub name: &'static str,
    /// The common name, which is the whole subject.
    pub subject: &'static str,
    /// Number of its key.
    pub key: u8,
    /// The subject of its issuer, and the number of the key that signed it.
    pub issuer: &'static str,
    pub issuer_key: u8,
    pub ca: bool,
    pub usage: Usage,
    /// It has a critical extension that nobody knows.
    pub critical: bool,
    /// Validity in seconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// Subject alternative names.
    pub names: &'static [&'static str],
    pub certificate: Certificate,
}

/// Name, subject, key, name of the issuer's row, CA or end entity, usage, validity in days from now, names.
type Row = (
    &'static str,
    &'static str,
    u8,
    &'static str,
    bool,
    Usage,
    (i64, i64),
    &'static [&'static str],
);

const SELF: &str = "";
const EE: bool = false;
const CA: bool = true;
use Usage::{Absent, Any, Both, Client, Server};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Authorities: one of them re-issued, one expired, one for clients, one that imitates another.
    ("root-a",    "root a",       1, SELF, CA, Absent, (-1000, 1000), &[]),
    ("root-a2",   "root a",       1, SELF, CA, Absent, (-10, 2000),   &[]),
    ("root-b",    "root b",       2, SELF, CA, Absent, (-1000, 1000), &[]),
    ("root-old",  "root old",     3, SELF, CA, Absent, (-1000, -100), &[]),
    ("root-cl",   "root clients", 4, SELF, CA, Client, (-1000, 1000), &[]),
    ("mimic-a",   "root a",       7, SELF, CA, Absent, (-1000, 1000), &[]),
    // Intermediates: one key signed by two authorities; one expired.
    ("inter-a",   "inter",     5, "root-a", CA, Absent, (-900, 900), &[]),
    ("inter-b",   "inter",     5, "root-b", CA, Absent, (-900, 900), &[]),
    ("inter-old", "inter old", 6, "root-a", CA, Absent, (-500, -50), &[]),
    // One server's key in many certificates: renewed, too early, expired, for the other role, with a critical
    // extension, signed by two authorities.
    ("s1",        "s1", 10, SELF,     EE, Both,   (-200, 200), &["s1.example"]),
    ("s1-next",   "s1", 10, SELF,     EE, Both,   (-1, 600),   &["s1.example"]),
    ("s1-early",  "s1", 10, SELF,     EE, Both,   (100, 700),  &["s1.example"]),
    ("s1-old",    "s1", 10, SELF,     EE, Both,   (-400, -30), &["s1.example"]),
    ("s1-client", "s1", 10, SELF,     EE, Client, (-200, 200), &["s1.example"]),
    ("s1-crit",   "s1", 10, SELF,     EE, Both,   (-200, 200), &["s1.example"]),
    ("s1-by-a",   "s1", 10, "root-a", EE, Both,   (-200, 200), &["s1.example"]),
    ("s1-by-b",   "s1", 10, "root-b", EE, Both,   (-200, 200), &["s1.example", "192.0.2.1"]),
    ("s1-new",    "s1", 11, SELF,     EE, Both,   (-200, 200), &["s1.example"]),
    // What `openssl req -x509` makes, and a leaf that its key signed.
    ("s2",        "s2",      12, SELF, CA, Absent, (-200, 200), &["s2.example"]),
    ("s2-leaf",   "s2 leaf", 13, "s2", EE, Both,   (-200, 200), &["s1.example", "s2.example"]),
    ("wide",      "wide",    14, SELF, EE, Absent, (-200, 200), &["s1.example", "s2.example", "192.0.2.1"]),
    // Chains.
    ("leaf-a",    "leaf-a",   15, "root-a",    EE, Both,   (-200, 200), &["s1.example", "192.0.2.1"]),
    ("leaf-i",    "leaf-i",   16, "inter-a",   EE, Absent, (-200, 200), &["s1.example", "s2.example", "unlisted.example"]),
    ("leaf-b",    "leaf-b",   17, "root-b",    EE, Server, (-200, 200), &["s2.example", "unlisted.example"]),
    ("leaf-old",  "leaf-old", 18, "root-old",  EE, Both,   (-200, 200), &["s1.example", "s2.example"]),
    ("leaf-io",   "leaf-io",  19, "inter-old", EE, Both,   (-200, 200), &["s1.example", "s2.example"]),
    ("leaf-exp",  "leaf-exp", 20, "root-a",    EE, Both,   (-200, -20), &["s1.example"]),
    ("leaf-any",  "leaf-any", 25, "root-b",    EE, Any,    (-200, 200), &["s1.example", "s2.example"]),
    // Clients.
    ("leaf-cl",   "leaf-cl",  21, "root-cl",   EE, Client, (-200, 200), &["c1.example"]),
    ("leaf-ic",   "leaf-ic",  22, "inter-a",   EE, Client, (-200, 200), &["c1.example", "c2.example"]),
    ("leaf-xc",   "leaf-xc",  26, "root-a",    EE, Both,   (-200, 200), &["x1.example"]),
    ("c1",        "c1",       23, SELF,        EE, Client, (-200, 200), &["c1.example"]),
    ("c2",        "c2",       24, SELF,        EE, Absent, (-200, 300), &[]),
];

pub fn days(days: i64) -> i64 {
    i64::try_from(NOW).unwrap() + days * i64::try_from(DAY).unwrap()
}

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
    POOL.get_or_init(|| {
        let made = make_all();
        let rows = ROWS.iter().zip(made);
        rows.map(|(row, made)| {
            let &(name, subject, key, issuer, ca, usage, (from, to), names) = row;
            let issuer = ROWS.iter().find(|row| row.0 == issuer).unwrap_or(row);
            Item {
                name,
                subject,
                key,
                issuer: issuer.1,
                issuer_key: issuer.2,
                ca,
                usage,
                critical: name == "s1-crit",
                from: days(from),
                to: days(to),
                names,
                certificate: made.certificate(),
            }
        })
        .collect()
    })
}

pub fn item(name: &str) -> usize {
    pool().iter().position(|item| item.name == name).unwrap()
}

/// Which item has this fingerprint.
pub fn item_of(fingerprint: Fingerprint) -> usize {
    let mut items = pool().iter();
    items
        .position(|item| item.certificate.fingerprint() == fingerprint)
        .unwrap()
}
