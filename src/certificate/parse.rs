//! Parses the DER of a certificate.

use x509_parser::certificate::Validity as ParsedValidity;
use x509_parser::prelude::FromDer;

use super::der::{self, Span};
use super::extensions::Constraints;
use super::form::{self, Extension, IN_CA, IN_PIN, is_listed, number};
use super::grammar::{self, Fields};
use super::keys::KeyFault;
use super::kinds::KeyKind;
use super::other_format::other_format;
use super::time::{Validity, read_time};
use super::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SanName, dotted};
use crate::certificate::error::CertificateError;
use crate::limits::{
    KNOWN_CRITICAL_IN_CA, KNOWN_CRITICAL_IN_PIN, MAX_CERTIFICATE_BYTES, MAX_EXTENSIONS,
    MAX_SERIAL_BYTES, MAX_SUBJECT_ALT_NAMES,
};

/// The facts of a certificate, as ranges in its DER and small values. Every installed certificate has one, so facts
/// that are cheap to read again are left out.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) version: u8,
    pub(super) serial: Span,
    pub(super) issuer: Span,
    pub(super) subject: Span,
    pub(super) spki: Span,
    pub(super) validity: Validity,
    pub(super) key: KeyKind,
    /// Why no signature verifies under the key, if that is so.
    pub(super) key_fault: Option<KeyFault>,
    pub(super) constraints: Constraints,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) authority_key_id: Option<Span>,
    pub(super) authority_serial: Option<Span>,
    pub(super) subject_key_id: Option<Span>,
    /// The slots for which a critical extension is unknown: [`IN_PIN`], [`IN_CA`].
    pub(super) unknown_critical: u8,
    /// The value of `subjectAltName`.
    pub(super) names: Option<Span>,
}

fn malformed(field: &'static str) -> CertificateError {
    CertificateError::Malformed {
        field,
        offset: None,
    }
}

/// Parses a certificate from untrusted bytes.
pub(super) fn facts(der: &[u8]) -> Result<Facts, CertificateError> {
    if der.is_empty() {
        return Err(CertificateError::Empty);
    }
    if der.len() > MAX_CERTIFICATE_BYTES {
        return Err(CertificateError::TooLarge {
            size: der.len(),
            limit: MAX_CERTIFICATE_BYTES,
        });
    }
    let fields = fields(der).map_err(|error| match other_format(der) {
        Some(found) => CertificateError::OtherFormat { found },
        None => error,
    })?;
    let version = version(&fields)?;
    let [outside, inside] = fields.algorithms;
    if outside != inside {
        return Err(CertificateError::SignatureAlgorithmMismatch);
    }
    if fields.serial.is_empty() || fields.serial.len() > MAX_SERIAL_BYTES {
        return Err(malformed("serial number"));
    }
    let validity = validity(fields.validity).ok_or(malformed("validity"))?;
    if validity.not_before > validity.not_after {
        return Err(CertificateError::ValidityReversed);
    }
    let span = |part: &[u8], field| Span::locate(der, part).ok_or(malformed(field));
    let mut facts = Facts {
        version,
        serial: span(fields.serial, "serial number")?,
        issuer: span(fields.issuer, "issuer")?,
        subject: span(fields.subject, "subject")?,
        spki: span(fields.spki, "subject public key")?,
        validity,
        key: fields.key,
        key_fault: fields.key_fault,
        constraints: Constraints::ABSENT,
        key_usage: None,
        extended_key_usage: None,
        authority_key_id: None,
        authority_serial: None,
        subject_key_id: None,
        unknown_critical: 0,
        names: None,
    };
    read_extensions(der, fields.extensions, &mut facts)?;
    Ok(facts)
}

/// The validity, whose grammar was checked. In the form of RFC 5280 section 4.1.2.5 it is read here, which takes a tenth
/// of the time of the general reader; the other forms are left to that.
fn validity(period: &[u8]) -> Option<Validity> {
    let mut times = form::parts(period).map(|time| read_time(time.tag, time.content));
    if let (Some(Some(not_before)), Some(Some(not_after))) = (times.next(), times.next()) {
        return Some(Validity {
            not_before,
            not_after,
        });
    }
    let (_, period) = ParsedValidity::from_der(period).ok()?;
    Some(Validity {
        not_before: period.not_before.timestamp(),
        not_after: period.not_after.timestamp(),
    })
}

/// `basicConstraints`, whose grammar was checked: a truth value and a number, or one of them, or neither. The general reader
/// brings 35 kB to a firmware, for this and the next extension; a test compares them.
fn constraints(value: &[u8]) -> Option<BasicConstraints> {
    let mut read = BasicConstraints {
        ca: false,
        path_len: None,
    };
    for part in form::parts(value) {
        if part.tag == der::INTEGER {
            read.path_len = Some(small_number(part.content)?);
        } else {
            read.ca = part.content != [0];
        }
    }
    Some(read)
}

/// The content of an `INTEGER` that is not negative and fits.
fn small_number(content: &[u8]) -> Option<u32> {
    if content.first().is_some_and(|first| *first >= 0x80) {
        return None;
    }
    let mut bytes = content.iter();
    bytes.try_fold(0_u32, |sum, byte| {
        Some(sum.checked_mul(256)? | u32::from(*byte))
    })
}

/// The identifier and the serial number of `authorityKeyIdentifier`, whose grammar was checked.
fn issuer_of(value: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let find = |tag| {
        let mut parts = form::parts(value);
        let part = parts.find(|part| part.tag == tag);
        part.map(|part| part.content)
    };
    // A number that is empty or has a needless zero in front is none (X.690 section 8.3.2).
    let is_number = |serial: &&[u8]| !matches!(serial, [] | [0, 0..=0x7f, ..]);
    (find(0x80), find(0x82).filter(is_number))
}

/// `extKeyUsage`, whose grammar was checked: object identifiers and nothing else (RFC 5280 section 4.2.1.12).
fn usages(value: &[u8]) -> ExtendedKeyUsage {
    // id-kp
    const PURPOSE: [u8; 7] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03];
    let mut usage = ExtendedKeyUsage {
        any: false,
        server_auth: false,
        client_auth: false,
    };
    for id in form::parts(value) {
        match id.content {
            // anyExtendedKeyUsage
            [0x55, 0x1d, 0x25, 0x00] => usage.any = true,
            [purpose @ .., 1] if *purpose == PURPOSE => usage.server_auth = true,
            [purpose @ .., 2] if *purpose == PURPOSE => usage.client_auth = true,
            _ => {}
        }
    }
    usage
}

fn fields(der: &[u8]) -> Result<Fields<'_>, CertificateError> {
    der::check_whole(der)?;
    grammar::certificate(der).map_err(malformed)
}

/// The version, which must allow the fields that are present.
fn version(fields: &Fields<'_>) -> Result<u8, CertificateError> {
    if !fields.extensions.is_empty() && fields.version != Some(2) {
        return Err(CertificateError::ExtensionsNeedVersion3);
    }
    match fields.version {
        None if fields.has_unique_id => Err(malformed("unique identifier in version 1")),
        None => Ok(1),
        // DER omits the default value (X.690 section 11.5).
        Some(0) => Err(malformed("certificate structure")),
        Some(1) => Ok(2),
        Some(2) => Ok(3),
        Some(_) => Err(malformed("version")),
    }
}

fn read_extensions(der: &[u8], list: &[u8], facts: &mut Facts) -> Result<(), CertificateError> {
    let count = form::extensions_of(list).count();
    if count > MAX_EXTENSIONS {
        return Err(CertificateError::TooManyExtensions {
            count,
            limit: MAX_EXTENSIONS,
        });
    }
    let mut earlier: Vec<&[u8]> = Vec::with_capacity(count);
    for (index, extension) in form::extensions_of(list).enumerate() {
        if earlier.contains(&extension.id) {
            return Err(CertificateError::DuplicateExtension {
                oid: dotted(extension.id),
                index,
            });
        }
        earlier.push(extension.id);
        // Those of which the whole value must be well-formed (`whole` below) are walked once for that.
        let is_valid = matches!(number(extension.id), Some(14 | 17 | 19 | 30 | 35 | 37))
            && der::is_valid_in_extension(extension.id, extension.value);
        if !is_valid
            && let Some(bad) = der::bad_identifier_in_extension(extension.id, extension.value)
        {
            return Err(CertificateError::Malformed {
                field: der::IDENTIFIER,
                offset: der::offset_in(der, bad),
            });
        }
        read_extension(der, &extension, is_valid, facts)?;
        if extension.critical {
            for (slot, known) in [
                (IN_PIN, KNOWN_CRITICAL_IN_PIN),
                (IN_CA, KNOWN_CRITICAL_IN_CA),
            ] {
                if !is_listed(extension.id, known) {
                    facts.unknown_critical |= slot;
                }
            }
        }
    }
    Ok(())
}

fn read_extension(
    der: &[u8],
    extension: &Extension<'_>,
    is_valid: bool,
    facts: &mut Facts,
) -> Result<(), CertificateError> {
    let value = extension.value;
    // The grammar was checked before, so this is a single value of its type.
    let whole = |field| is_valid.then_some(()).ok_or(malformed(field));
    match number(extension.id) {
        Some(14) => {
            let field = "subjectKeyIdentifier";
            whole(field)?;
            // An `OCTET STRING`, by its grammar.
            let id = der::take(value).ok_or(malformed(field))?.0.content;
            facts.subject_key_id = Some(Span::locate(der, id).ok_or(malformed(field))?);
        }
        Some(15) => {
            let field = "keyUsage";
            let bits = der::take(value).and_then(|(usage, _)| grammar::named_bits(usage.content));
            facts.key_usage = Some(KeyUsage::from_bits(bits.ok_or(malformed(field))?));
        }
        Some(17) => {
            let field = "subjectAltName";
            whole(field)?;
            check_names(value)?;
            facts.names = Some(Span::locate(der, value).ok_or(malformed(field))?);
        }
        Some(19) => {
            let field = "basicConstraints";
            whole(field)?;
            facts.constraints = Constraints::new(constraints(value).ok_or(malformed(field))?);
        }
        Some(30) => whole("nameConstraints")?,
        Some(35) => {
            let field = "authorityKeyIdentifier";
            whole(field)?;
            let span = |part: &[u8]| Span::locate(der, part).ok_or(malformed(field));
            let (id, serial) = issuer_of(value);
            facts.authority_key_id = id.map(span).transpose()?;
            facts.authority_serial = serial.map(span).transpose()?;
        }
        Some(37) => {
            let field = "extKeyUsage";
            whole(field)?;
            facts.extended_key_usage = Some(usages(value));
        }
        Some(_) | None => {}
    }
    Ok(())
}

/// Reads the subject alternative names. Their grammar was checked before.
fn check_names(value: &[u8]) -> Result<(), CertificateError> {
    let count = form::parts(value).count();
    if count > MAX_SUBJECT_ALT_NAMES {
        return Err(CertificateError::TooManyNames {
            count,
            limit: MAX_SUBJECT_ALT_NAMES,
        });
    }
    let good = form::parts(value).all(|name| name_of(&name).is_some());
    good.then_some(()).ok_or(malformed("subjectAltName"))
}

/// Reads a subject alternative name. A name with control characters, spaces or characters outside ASCII has none of the
/// forms of RFC 5280 section 4.2.1.6, and could mislead in logs and access lists, so it counts as [`SanName::Other`].
/// `None` if the name is not UTF-8.
pub(super) fn name_of<'a>(name: &der::Value<'a>) -> Option<SanName<'a>> {
    let kind: fn(&'a str) -> SanName<'a> = match name.tag {
        form::DNS_NAME => SanName::Dns,
        form::URI => SanName::Uri,
        form::RFC822_NAME => SanName::Email,
        form::IP_ADDRESS => return Some(SanName::ip(name.content)),
        // Other forms are kept, but never compared.
        _ => return Some(SanName::Other),
    };
    let text = core::str::from_utf8(name.content).ok()?;
    let printable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    Some(if printable {
        kind(text)
    } else {
        SanName::Other
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value with this tag and content.
    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let header = match length {
            0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
            _ => vec![tag, 0x81, u8::try_from(length).unwrap()],
        };
        [header, content.to_vec()].concat()
    }

    /// Contents of integers, of every length up to six with bytes that matter.
    fn integers() -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..6 {
            let longer =
                |one: &Vec<u8>| [0, 1, 0x7f, 0x80, 0xff].map(|byte| [&one[..], &[byte]].concat());
            last = last.iter().flat_map(longer).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn constraints_are_read_as_the_general_reader_reads_them() {
        use x509_parser::extensions::BasicConstraints as Parsed;

        let truths = [&[][..], &[0x01, 1, 0x00], &[0x01, 1, 0xff]];
        let numbers = integers().into_iter().map(|number| value(0x02, &number));
        let numbers: Vec<Vec<u8>> = numbers.chain([Vec::new()]).collect();
        for truth in truths {
            for number in &numbers {
                let both = value(der::SEQUENCE, &[truth, number].concat());
                let general = Parsed::from_der(&both).ok();
                let general = general.map(|(_, read)| (read.ca, read.path_len_constraint));
                let own = constraints(&both).map(|read| (read.ca, read.path_len));
                assert_eq!(own, general, "{both:02x?}");
            }
        }
    }

    #[test]
    fn identifiers_of_issuers_are_read_as_the_general_reader_reads_them() {
        use x509_parser::extensions::AuthorityKeyIdentifier as Parsed;

        let directory = [
            0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
        ];
        let attribute = [&directory[..], &[0x01, b'a']].concat();
        let names = [
            value(0x82, b"a.example"),
            value(0x82, b"\xff"),
            value(0x87, &[1, 2]),
            value(0x86, b""),
            value(0x88, &[0x55]),
            value(0xa0, &[0x06, 1, 0x55, 0xa0, 2, 0x0c, 0]),
            value(0xa3, &[]),
            value(0xa4, &attribute),
            value(0xa4, &[0x30, 0x04, 0x31, 0x02, 0x30, 0x00]),
            value(0xa5, &[]),
        ];
        let mut issuers = vec![Vec::new(), value(0xa1, &names.concat())];
        issuers.extend(names.iter().map(|name| value(0xa1, name)));
        let ids = [Vec::new(), value(0x80, &[]), value(0x80, &[7; 20])];
        let mut serials = vec![Vec::new()];
        serials.extend(integers().iter().take(60).map(|number| value(0x82, number)));
        for id in &ids {
            for issuer in &issuers {
                for serial in &serials {
                    let all = value(der::SEQUENCE, &[&id[..], issuer, serial].concat());
                    if grammar::authority_key_id(&der::take(&all).unwrap().0).is_err() {
                        continue;
                    }
                    let (_, general) = Parsed::from_der(&all).unwrap();
                    let id = general.key_identifier.as_ref().map(|id| id.0);
                    let general = (id, general.authority_cert_serial);
                    assert_eq!(issuer_of(&all), general, "{all:02x?}");
                }
            }
        }
    }

    fn general(period: &[u8]) -> Option<Validity> {
        let (_, period) = ParsedValidity::from_der(period).ok()?;
        Some(Validity {
            not_before: period.not_before.timestamp(),
            not_after: period.not_after.timestamp(),
        })
    }

    #[test]
    fn times_are_read_as_the_general_reader_reads_them() {
        let mut times = Vec::new();
        for day in ["0101", "0228", "0229", "0230", "0631", "1231", "1301"] {
            for second in ["000000", "235959", "240000", "235960"] {
                let utc = (0..100).map(|year| (0x17, format!("{year:02}{day}{second}Z")));
                times.extend(utc);
                let years = [
                    "0000", "1899", "1949", "1970", "2000", "2050", "2100", "9999",
                ];
                times.extend(years.map(|year| (0x18, format!("{year}{day}{second}Z"))));
            }
        }
        for (tag, time) in &times {
            let length = u8::try_from(time.len()).unwrap();
            let time = [&[*tag, length], time.as_bytes()].concat();
            let content = [&time[..], &time].concat();
            let length = u8::try_from(content.len()).unwrap();
            let period = [&[der::SEQUENCE, length], &content[..]].concat();
            let (own, general) = (validity(&period), general(&period));
            let both = own.zip(general);
            assert_eq!(own.is_some(), general.is_some(), "{time:?}");
            if let Some((own, general)) = both {
                assert_eq!(own.not_before, general.not_before, "{time:?}");
                assert_eq!(own.not_after, general.not_after, "{time:?}");
            }
        }
    }
}
