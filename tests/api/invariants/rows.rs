//! The certificates of which random stores are made. Each is described by its row, from which it is made and by
//! which the model judges it; nothing that the crate reads of it is used for that.

use mutual_trust::certificate::{Certificate, Fingerprint};

use super::pool::pool;
use super::support::{DAY, NOW};

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
    /// It has a critical extension that is not understood.
    pub critical: bool,
    /// Validity in seconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// Subject alternative names.
    pub names: &'static [&'static str],
    pub certificate: Certificate,
}

/// Name, subject, key, name of the issuer's row, CA or end entity, usage, validity in days from now, names.
pub type Row = (
    &'static str,
    &'static str,
    u8,
    &'static str,
    bool,
    Usage,
    (i64, i64),
    &'static [&'static str],
);

/// It signed itself.
pub const SELF: &str = "";
const EE: bool = false;
const CA: bool = true;
use Usage::{Absent, Any, Both, Client, Server};

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
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

/// The items of all rows, with their certificates in the order of the rows.
pub fn items(certificates: impl IntoIterator<Item = Certificate>) -> Vec<Item> {
    let rows = ROWS.iter().zip(certificates);
    rows.map(|(row, certificate)| {
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
            certificate,
        }
    })
    .collect()
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
