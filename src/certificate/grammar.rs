//! Checks the grammar of a certificate (RFC 5280 section 4.1), tag by tag.
//!
//! General-purpose readers skip values left over at the end of a structure, accept tags of another class, and accept
//! several encodings of the same key. A certificate that two readers could read differently must not be trusted for
//! what one of them read. A block on a key must match every encoding of it that is accepted.

use super::der::{self, BIT_STRING, INTEGER, OID, SEQUENCE, Value};
use super::keys::KeyFault;
use super::kinds::KeyKind;
use super::list::{Checked, algorithm, at_least_one, each, list};
use super::public_key;

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;

/// The fields of a certificate.
pub(super) struct Fields<'a> {
    /// The number in the version field, if present.
    pub(super) version: Option<u8>,
    pub(super) serial: &'a [u8],
    /// The contents of the two signature algorithm fields: the unsigned one and the signed one.
    pub(super) algorithms: [&'a [u8]; 2],
    pub(super) issuer: &'a [u8],
    pub(super) validity: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) spki: &'a [u8],
    pub(super) key: KeyKind,
    pub(super) key_fault: Option<KeyFault>,
    pub(super) has_unique_id: bool,
    /// The consecutive extensions. Empty if there are none.
    pub(super) extensions: &'a [u8],
}

/// Reads the content of a certificate's outer sequence. Its values were checked to be whole.
pub(super) fn certificate(der: &[u8]) -> Result<Fields<'_>, &'static str> {
    let field = "certificate structure";
    let (outer, _) = der::take(der).ok_or(field)?;
    let [body, signature_algorithm, signature] = &list(&outer, SEQUENCE, field)?[..] else {
        return Err(field);
    };
    algorithm(signature_algorithm, "signature algorithm")?;
    if signature.tag != BIT_STRING || signature.content.first() != Some(&0) {
        return Err("signature");
    }
    if body.tag != SEQUENCE {
        return Err(field);
    }
    let fields = der::children(body.content).map_err(|_| field)?;
    let mut fields = fields.iter().peekable();
    let version = fields.next_if(|value| value.tag == 0xa0);
    let version = version.map(version_number).transpose()?;
    let mut next = || fields.next().ok_or(field);
    let serial = next()?;
    if serial.tag != INTEGER {
        return Err("serial number");
    }
    let inside = next()?;
    algorithm(inside, "signature algorithm")?;
    let issuer = next()?;
    name(issuer, "issuer")?;
    let period = next()?;
    validity(period)?;
    let subject = next()?;
    name(subject, "subject")?;
    let spki = next()?;
    let (key, key_fault) = public_key::read(spki)?;
    let mut has_unique_id = false;
    for tag in [0x81, 0x82] {
        if let Some(id) = fields.next_if(|value| value.tag == tag) {
            if !matches!(id.content, [0] | [0..=7, _, ..]) {
                return Err("unique identifier");
            }
            has_unique_id = true;
        }
    }
    let mut all: &[u8] = &[];
    if let Some(wrapper) = fields.next_if(|value| value.tag == 0xa3) {
        let [extensions] = &list(wrapper, 0xa3, "extensions")?[..] else {
            return Err("extensions");
        };
        at_least_one(extensions, SEQUENCE, "extensions", extension)?;
        all = extensions.content;
    }
    let read = Fields {
        version,
        serial: serial.content,
        algorithms: [signature_algorithm.content, inside.content],
        issuer: issuer.whole,
        validity: period.whole,
        subject: subject.whole,
        spki: spki.whole,
        key,
        key_fault,
        has_unique_id,
        extensions: all,
    };
    fields.next().map_or(Ok(read), |_| Err(field))
}

fn version_number(value: &Value<'_>) -> Result<u8, &'static str> {
    match &list(value, 0xa0, "version")?[..] {
        [number] if number.tag == INTEGER => match number.content {
            [version] => Ok(*version),
            _ => Err("version"),
        },
        _ => Err("version"),
    }
}

pub(super) fn name(value: &Value<'_>, field: &'static str) -> Checked {
    let attribute = |attribute: &Value<'_>| match &list(attribute, SEQUENCE, field)?[..] {
        [id, _] if id.tag == OID => Ok(()),
        _ => Err(field),
    };
    each(value, SEQUENCE, field, |set| {
        at_least_one(set, SET, field, attribute)
    })?;
    Ok(())
}

fn validity(value: &Value<'_>) -> Checked {
    let time = |value: &Value<'_>| matches!(value.tag, UTC_TIME | GENERALIZED_TIME);
    match &list(value, SEQUENCE, "validity")?[..] {
        [from, to] if time(from) && time(to) => Ok(()),
        _ => Err("validity"),
    }
}

pub(super) fn truth(value: &Value<'_>) -> bool {
    // FALSE is a default and should be left out (X.690 section 11.5), but tools write it.
    value.tag == BOOLEAN && matches!(value.content, [0x00 | 0xff])
}

/// The bytes of a list of named bits, from the content of a `BIT STRING`. The list may be empty (X.690 section 11.2.2).
/// Bits after its end must be 0 (section 11.2.1), so that readers that ignore the bit count and readers that obey it
/// read the same.
pub(super) fn named_bits(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0] => Some(&[]),
        [unused @ 0..=7, bits @ ..] => {
            let last = bits.last()?;
            (last.trailing_zeros() >= u32::from(*unused)).then_some(bits)
        }
        _ => None,
    }
}

fn extension(value: &Value<'_>) -> Checked {
    let field = "extensions";
    let (id, content) = match &list(value, SEQUENCE, field)?[..] {
        [id, content] => (*id, *content),
        [id, critical, content] if truth(critical) => (*id, *content),
        _ => return Err(field),
    };
    if id.tag != OID || content.tag != OCTET_STRING {
        return Err(field);
    }
    // All of id-ce: 2.5.29.n
    match id.content {
        [0x55, 0x1d, last] => known(*last, content.content),
        _ => Ok(()),
    }
}

/// Checks the extensions that verdicts depend on.
fn known(last: u8, content: &[u8]) -> Checked {
    let value = |field| match der::take(content) {
        Some((value, [])) => Ok(value),
        _ => Err(field),
    };
    let when = |good: bool, field| if good { Ok(()) } else { Err(field) };
    match last {
        14 => when(
            value("subjectKeyIdentifier")?.tag == OCTET_STRING,
            "subjectKeyIdentifier",
        ),
        15 => {
            let usage = value("keyUsage")?;
            let bits = named_bits(usage.content).is_some_and(|bits| bits.len() <= 2);
            when(usage.tag == BIT_STRING && bits, "keyUsage")
        }
        17 => names(&value("subjectAltName")?, SEQUENCE, "subjectAltName"),
        19 => {
            let field = "basicConstraints";
            match &list(&value(field)?, SEQUENCE, field)?[..] {
                [] => Ok(()),
                [one] => when(truth(one) || one.tag == INTEGER, field),
                [ca, length] => when(truth(ca) && length.tag == INTEGER, field),
                _ => Err(field),
            }
        }
        30 => name_constraints(&value("nameConstraints")?),
        35 => authority_key_id(&value("authorityKeyIdentifier")?),
        37 => {
            let field = "extKeyUsage";
            at_least_one(&value(field)?, SEQUENCE, field, |id| {
                when(id.tag == OID, field)
            })
        }
        _ => Ok(()),
    }
}

fn name_constraints(value: &Value<'_>) -> Checked {
    let field = "nameConstraints";
    let subtree = |subtree: &Value<'_>| match &list(subtree, SEQUENCE, field)?[..] {
        [base, limits @ ..] if limits.iter().all(|limit| matches!(limit.tag, 0x80 | 0x81)) => {
            general_name(base, field)
        }
        _ => Err(field),
    };
    let mut after = 0;
    each(value, SEQUENCE, field, |subtrees| {
        if !matches!(subtrees.tag, 0xa0 | 0xa1) || subtrees.tag <= after {
            return Err(field);
        }
        after = subtrees.tag;
        each(subtrees, subtrees.tag, field, subtree)?;
        Ok(())
    })?;
    Ok(())
}

pub(super) fn authority_key_id(value: &Value<'_>) -> Checked {
    let field = "authorityKeyIdentifier";
    let parts = list(value, SEQUENCE, field)?;
    let mut parts = parts.iter().peekable();
    parts.next_if(|part| part.tag == 0x80);
    if let Some(issuer) = parts.next_if(|part| part.tag == 0xa1) {
        names(issuer, 0xa1, field)?;
    }
    parts.next_if(|part| part.tag == 0x82);
    parts.next().map_or(Ok(()), |_| Err(field))
}

fn names(value: &Value<'_>, tag: u8, field: &'static str) -> Checked {
    at_least_one(value, tag, field, |name| general_name(name, field))
}

/// `GeneralName` (RFC 5280 section 4.2.1.6).
pub(super) fn general_name(value: &Value<'_>, field: &'static str) -> Checked {
    match value.tag {
        0x81 | 0x82 | 0x86 | 0x87 | 0x88 | 0xa3 | 0xa5 => Ok(()),
        0xa0 => match &list(value, 0xa0, field)?[..] {
            [id, _] if id.tag == OID => Ok(()),
            _ => Err(field),
        },
        0xa4 => match &list(value, 0xa4, field)?[..] {
            [directory] => name(directory, field),
            _ => Err(field),
        },
        _ => Err(field),
    }
}
