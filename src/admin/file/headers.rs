//! Reads the first lines of records.

use core::str::FromStr;

use base64ct::{Base64, Encoding};

use super::format::time;
use super::write::{checked_head, crl_head, entry_head, server_head};
use crate::certificate::{Fingerprint, der};
use crate::limits::{MAX_CERTIFICATE_BYTES, MAX_SERIAL_BYTES};
use crate::store::{BlockSelector, Claim, CrlIssuer, EntryKey, Scope, ServerId, Slot};

pub(super) fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Reads a line that [`server_head`] wrote.
pub(super) fn server(head: &str) -> Option<(ServerId, Claim)> {
    let (id, claim) = head.strip_prefix("server ")?.split_once(' ')?;
    let claim = match claim.strip_prefix("migrating until ") {
        Some(until) => Claim::Migrating {
            until: time(until)?,
        },
        None if claim == "claimed" => Claim::Claimed,
        None if claim == "unclaimed" => Claim::Unclaimed,
        None => return None,
    };
    let id = parsed(id)?;
    (server_head(&id, claim) == head).then_some((id, claim))
}

/// Reads a line that [`entry_head`] wrote. A slot with a scope that it cannot have is refused.
pub(super) fn entry_key(head: &str) -> Option<EntryKey> {
    let (slot, rest) = head.split_once(' ')?;
    let (scope, fingerprint) = rest.rsplit_once(' ')?;
    let slot = match slot {
        "pin" => Slot::Pin,
        "authority" => Slot::Authority,
        "intermediate" => Slot::Intermediate,
        _ => return None,
    };
    let scope = match (slot, scope.split_once(' ').unwrap_or((scope, ""))) {
        (Slot::Pin | Slot::Authority, ("server", id)) => Scope::Server(parsed(id)?),
        (Slot::Pin, ("group", id)) => Scope::Group(parsed(id)?),
        (Slot::Authority, ("any-server", "")) => Scope::AnyServer,
        (Slot::Pin | Slot::Authority, ("clients", "")) => Scope::Clients,
        (Slot::Intermediate, ("everyone", "")) => Scope::Everyone,
        _ => return None,
    };
    let key = EntryKey::new(slot, scope, parsed(fingerprint)?);
    (entry_head(&key) == head).then_some(key)
}

/// Reads the text after `block `.
pub(super) fn block(rest: &str) -> Option<BlockSelector> {
    let words: Vec<&str> = rest.split(' ').collect();
    match words.as_slice() {
        ["certificate", fingerprint, "key", key] => Some(BlockSelector::Certificate {
            fingerprint: parsed(fingerprint)?,
            key: parsed(key)?,
        }),
        ["fingerprint", fingerprint] => Some(BlockSelector::Fingerprint(parsed(fingerprint)?)),
        ["key", key] => Some(BlockSelector::Key(parsed(key)?)),
        ["issuer", issuer, "serial", serial] => {
            let issuer = Base64::decode_vec(issuer).ok()?;
            let serial = Base64::decode_vec(serial).ok()?;
            // The name ends where its DER length says, so two different pairs of issuer and serial number cannot have
            // the same bytes.
            let whole = der::take(&issuer).is_some_and(|(_, rest)| rest.is_empty());
            let fits = issuer.len() <= MAX_CERTIFICATE_BYTES && serial.len() <= MAX_SERIAL_BYTES;
            (whole && fits).then(|| BlockSelector::IssuerSerial {
                issuer: issuer.into(),
                serial: serial.into(),
            })
        }
        _ => None,
    }
}

/// Reads the text after `checked `.
pub(super) fn checked_issuer(rest: &str) -> Option<CrlIssuer> {
    let (name, key) = rest.split_once(" key ")?;
    let name = Base64::decode_vec(name).ok()?;
    let whole = der::take(&name).is_some_and(|(_, rest)| rest.is_empty());
    if !whole || name.len() > MAX_CERTIFICATE_BYTES {
        return None;
    }
    let issuer = CrlIssuer::new(&name, parsed(key)?);
    (checked_head(&issuer).strip_prefix("checked ") == Some(rest)).then_some(issuer)
}

/// Reads the text after `crl `.
pub(super) fn crl(rest: &str) -> Option<(CrlIssuer, Fingerprint)> {
    let (issuer, fingerprint) = rest.rsplit_once(' ')?;
    let (issuer, fingerprint) = (checked_issuer(issuer)?, parsed(fingerprint)?);
    let same = crl_head(&issuer, fingerprint).strip_prefix("crl ") == Some(rest);
    same.then_some((issuer, fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of this many bytes.
    fn name(size: usize) -> Vec<u8> {
        let length = u16::try_from(size - 4).unwrap().to_be_bytes();
        let mut name = vec![0; size];
        name[..4].copy_from_slice(&[0x30, 0x82, length[0], length[1]]);
        name
    }

    #[test]
    fn a_block_has_one_whole_name_and_a_serial_number_both_within_their_limits() {
        let read = |issuer: &[u8], serial: usize| {
            let issuer = Base64::encode_string(issuer);
            let serial = Base64::encode_string(&vec![1; serial]);
            block(&format!("issuer {issuer} serial {serial}"))
        };
        let largest = name(MAX_CERTIFICATE_BYTES);
        let too_large = name(MAX_CERTIFICATE_BYTES + 1);
        let found = read(&largest, MAX_SERIAL_BYTES);
        assert!(
            matches!(&found, Some(BlockSelector::IssuerSerial { issuer, serial })
                if **issuer == *largest && **serial == [1; MAX_SERIAL_BYTES])
        );
        assert!(read(&name(300), MAX_SERIAL_BYTES + 1).is_none());
        assert!(read(&too_large, 1).is_none());
        // Cut, and with a byte behind it.
        let two = [&name(300)[..], &[0]].concat();
        for not_whole in [&largest[..300], &two] {
            assert!(read(not_whole, 1).is_none());
        }
    }

    #[test]
    fn a_checked_issuer_has_one_whole_name_within_its_limit() {
        let read = |name: &[u8]| {
            let key = Fingerprint::from_bytes([7; 32]);
            checked_issuer(&format!("{} key {key}", Base64::encode_string(name)))
        };
        let largest = name(MAX_CERTIFICATE_BYTES);
        assert_eq!(read(&largest).unwrap().name_der(), largest);
        assert!(read(&name(MAX_CERTIFICATE_BYTES + 1)).is_none());
        assert!(read(&largest[..300]).is_none());
    }
}
