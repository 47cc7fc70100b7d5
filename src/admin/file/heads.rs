//! What the first lines of records show in a damaged file.

use super::fields::crl_der;
use super::format::{generation, time};
use super::headers::{block, checked_issuer, crl, entry_key, server};
use super::lines::Section;
use super::salvaged::Salvaged;
use crate::certificate::{Crl, Fingerprint};
use crate::store::{Claim, CrlIssuer, EntryKey, ServerId};

/// A revocation list whose first line is whole, and the lines below it.
pub(super) struct OpenCrl<'a> {
    pub(super) issuer: CrlIssuer,
    pub(super) fingerprint: Fingerprint,
    pub(super) lines: Vec<&'a str>,
}

impl OpenCrl<'_> {
    /// The list, if it matches its first line.
    fn read(&self) -> Option<Crl> {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
            if line.starts_with("-----END ") {
                break;
            }
        }
        let der = crl_der(Section {
            line: 0,
            text: &text,
        });
        let der = der.ok()?;
        let same = Fingerprint::over(&der) == self.fingerprint;
        let list = Crl::from_der(&der).ok().filter(|_| same)?;
        self.issuer.is_named(list.issuer_der()).then_some(list)
    }
}

/// The record that a first line begins.
pub(super) enum Head {
    /// Whether it is claimed.
    Server(ServerId, bool),
    Entry(EntryKey),
    Crl(CrlIssuer, Fingerprint),
    /// The number of entries in the last line.
    End(usize),
    Other,
}

impl Salvaged {
    /// Whether the list is whole.
    pub(super) fn close(&mut self, open: &OpenCrl<'_>) -> bool {
        let read = open.read();
        let is_whole = read.is_some();
        match read {
            Some(list) => self.crls.push((open.issuer.clone(), list)),
            None => self.lost_crls.push(open.fingerprint),
        }
        is_whole
    }

    /// Takes what a first line says. No generation above `most` is believed.
    pub(super) fn head(&mut self, head: &str, most: u64) -> Head {
        let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
        let believed = |number: Option<u64>| number.filter(|number| *number <= most);
        match kind {
            "change" => {
                let to = rest.split(' ').next().and_then(generation);
                self.generation = self.generation.max(believed(to));
            }
            "generation" => self.generation = self.generation.max(believed(generation(rest))),
            "floor" => self.floor = self.floor.max(time(rest)),
            "server" => match server(head) {
                None => {}
                Some((id, Claim::Unclaimed)) => {
                    self.released.insert(id.clone());
                    self.servers_in_doubt.remove(&id);
                    return Head::Server(id, false);
                }
                Some((id, claim)) => {
                    self.released.remove(&id);
                    self.servers_in_doubt.remove(&id);
                    self.claims.insert(id.clone(), claim);
                    return Head::Server(id, true);
                }
            },
            "block" => {
                if let Some(block) = block(rest) {
                    self.lifted.remove(&block);
                    self.blocks.push(block);
                }
            }
            "checked" => self.checked.extend(checked_issuer(rest)),
            "crl" => {
                if let Some((issuer, fingerprint)) = crl(rest) {
                    self.checked.insert(issuer.clone());
                    return Head::Crl(issuer, fingerprint);
                }
            }
            "end" => {
                let entries = rest.split_once(" entries ");
                let number = entries.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
                return number.map_or(Head::Other, Head::End);
            }
            _ => {
                if let Some(key) = entry_key(head) {
                    self.forget(&key);
                    self.entries.insert(key.clone());
                    return Head::Entry(key);
                }
            }
        }
        Head::Other
    }
}
