//! Warnings about a pin that is probably the certificate of another peer.
//!
//! Each check costs the same in a store of any size. No verdict depends on them.

use super::{EntryKey, Report, Scope, Slot, StoreWarning, TrustStore};
use crate::certificate::{Certificate, HostName, SanName};

/// The pins of a peer without a warning: the present certificate and the next one, which a replacement needs.
const USUAL_PINS: usize = 2;

impl TrustStore {
    /// Warns of what is unusual in a pin that was just installed: it is the pin of another server, its names are those of
    /// another host, or the peer has more pins than a replacement needs.
    pub(super) fn warn_of_unlikely(&self, key: &EntryKey, report: &mut Report) {
        let is_of_servers = matches!(key.scope, Scope::Server(_) | Scope::Group(_));
        if key.slot != Slot::Pin || !is_of_servers {
            return;
        }
        let data = self.data.data();
        let Some(certificate) = data.entry(key).and_then(|entry| entry.certificate()) else {
            return;
        };
        let holders = data.holders(certificate.key_pin());
        let mut others = holders.chain(data.fingerprints_only(key.fingerprint));
        let other = others.find(|other| {
            other.slot() == Slot::Pin
                && other.fingerprint() == key.fingerprint
                && self.is_other_server(&key.scope, other.scope())
        });
        if let Some(other) = other {
            let held = Box::new(other.key());
            report.warn(StoreWarning::PinOfAnother { held });
        }
        if self.names_another(&key.scope, certificate) {
            report.warn(StoreWarning::PinNamesAnother);
        }
        let count = data.index(Slot::Pin, &key.scope).map_or(0, |it| it.len());
        if count > USUAL_PINS {
            report.warn(StoreWarning::ManyPins { count });
        }
    }

    /// Whether two scopes are servers that do not share a certificate. A server and its group do.
    fn is_other_server(&self, one: &Scope, other: &Scope) -> bool {
        match (one, other) {
            (Scope::Server(one), Scope::Server(other)) => one != other,
            (Scope::Group(one), Scope::Group(other)) => one != other,
            (Scope::Server(server), Scope::Group(group))
            | (Scope::Group(group), Scope::Server(server)) => {
                let server = self.data.server(server);
                server.and_then(|server| server.group()) != Some(group)
            }
            _ => false,
        }
    }

    /// Whether a certificate has names, the server has names, and they have none in common. The members of a group share
    /// one certificate, which often has the names of one of them.
    fn names_another(&self, scope: &Scope, certificate: &Certificate) -> bool {
        let Scope::Server(id) = scope else {
            return false;
        };
        let Some(server) = self.data.server(id) else {
            return false;
        };
        let hosts: Vec<&HostName> = server.names().chain(server.expected_names()).collect();
        let is_of_hosts = |name: SanName<'_>| matches!(name, SanName::Dns(_) | SanName::Ip(_));
        !hosts.is_empty() && certificate.names().any(is_of_hosts) && !certificate.covers_any(&hosts)
    }
}
