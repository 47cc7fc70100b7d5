//! The certificates of the rows, made here.

use std::sync::OnceLock;

use mutual_trust::Certificate;

use super::rows::Usage::{Absent, Any, Both, Client, Server};
use crate::make::{self, Der, Name, Spec};

pub use super::rows::*;

pub fn pool() -> &'static [Item] {
    static POOL: OnceLock<Vec<Item>> = OnceLock::new();
    POOL.get_or_init(|| items((1..).zip(ROWS).map(|(serial, row)| made(serial, row))))
}

fn made(serial: u8, row: &Row) -> Certificate {
    let &(name, subject, key, issuer, ca, usage, (from, to), names) = row;
    let above = ROWS.iter().find(|row| row.0 == issuer).unwrap_or(row);
    let mut spec = Spec::new(subject, key, ca);
    spec.serial = vec![serial];
    (spec.issuer, spec.signer) = (above.1, above.2);
    spec.authority_key = (issuer != SELF).then_some(above.2);
    (spec.from, spec.to) = (days(from), days(to));
    spec.key_usage = ca.then_some(if name == "s2" { 0x84 } else { 0x06 });
    let says = |server, client, any| {
        Some(make::Usage {
            server,
            client,
            any,
        })
    };
    spec.usage = match usage {
        Absent => None,
        Server => says(true, false, false),
        Client => says(false, true, false),
        Both => says(true, true, false),
        Any => says(false, false, true),
    };
    let said = |name: &&'static str| name.parse().map_or(Name::Dns(name), Name::Ip);
    spec.names = names.iter().map(said).collect();
    spec.critical = name == "s1-crit";
    Certificate::from_der(&spec.der()).expect("a row is a certificate")
}
