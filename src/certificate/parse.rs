//! DER -> the facts that the rest of the crate asks for, read once.

use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints as ParsedConstraints,
    ExtendedKeyUsage as ParsedUsages, KeyIdentifier, KeyUsage as ParsedUsage, X509Extension,
};
use x509_parser::nom::Parser;
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificateParser};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use super::der::{self, Span};
use super::extensions::Constraints;
use super::keys::KeyKind;
use super::time::Validity;
use super::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SanName, dotted};
use super::{form, grammar};
use crate::error::CertificateError;
use crate::limits::{
    KNOWN_CRITICAL_IN_CA, KNOWN_CRITICAL_IN_PIN, MAX_CERTIFICATE_BYTES, MAX_EXTENSIONS,
    MAX_SERIAL_BYTES, MAX_SUBJECT_ALT_NAMES,
};

/// Everything that is read from a certificate, as places in its DER and small values. There is one of them for
/// each certificate that is installed, so what is read again as cheaply is not in it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) version: u8,
    pub(super) serial: Span,
    pub(super) issuer: Span,
    pub(super) subject: Span,
    pub(super) spki: Span,
    pub(super) validity: Validity,
    pub(super) key: KeyKind,
    pub(super) constraints: Constraints,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) authority_key_id: Option<Span>,
    pub(super) authority_serial: Option<Span>,
    pub(super) subject_key_id: Option<Span>,
    pub(super) unknown_critical_in_pin: bool,
    pub(super) unknown_critical_in_ca: bool,
    /// The value of `subjectAltName`.
    pub(super) names: Option<Span>,
}

fn malformed(field: &'static str) -> CertificateError {
    CertificateError::Malformed {
        field,
        offset: None,
    }
}

/// Reads `der`, of which nothing is known yet.
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
    der::check_certificate(der)?;
    grammar::certificate(der).map_err(malformed)?;
    // What is in an extension is read below, if a judgement rests on it.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let parsed = parser.parse(der);
    let (_, parsed) = parsed.map_err(|_| malformed("certificate structure"))?;
    check_shape(der, &parsed)?;

    let tbs = &parsed.tbs_certificate;
    let span = |part: &[u8], field| Span::of(der, part).ok_or(malformed(field));
    let (outside, inside) =
        der::signature_algorithms(der).ok_or(malformed("signature algorithm"))?;
    if outside != inside {
        return Err(CertificateError::SignatureAlgorithmMismatch);
    }
    if parsed.signature_value.unused_bits != 0 {
        return Err(malformed("signature"));
    }
    let serial = tbs.raw_serial();
    if serial.is_empty() || serial.len() > MAX_SERIAL_BYTES {
        return Err(malformed("serial number"));
    }
    let validity = Validity {
        not_before: tbs.validity.not_before.timestamp(),
        not_after: tbs.validity.not_after.timestamp(),
    };
    if validity.not_before > validity.not_after {
        return Err(CertificateError::ValidityReversed);
    }
    let mut facts = Facts {
        version: match tbs.version {
            X509Version::V1 => 1,
            X509Version::V2 => 2,
            X509Version::V3 => 3,
            _ => return Err(malformed("version")),
        },
        serial: span(serial, "serial number")?,
        issuer: span(tbs.issuer.as_raw(), "issuer")?,
        subject: span(tbs.subject.as_raw(), "subject")?,
        spki: span(tbs.subject_pki.raw, "subject public key")?,
        validity,
        key: key_kind(&tbs.subject_pki)?,
        constraints: Constraints::ABSENT,
        key_usage: None,
        extended_key_usage: None,
        authority_key_id: None,
        authority_serial: None,
        subject_key_id: None,
        unknown_critical_in_pin: false,
        unknown_critical_in_ca: false,
        names: None,
    };
    read_extensions(der, tbs.extensions(), &mut facts)?;
    Ok(facts)
}

/// Compares how many fields there are with how many the parser understood: it passes over the rest.
fn check_shape(der: &[u8], parsed: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let tbs = &parsed.tbs_certificate;
    let extensions = tbs.extensions();
    let v1 = tbs.version == X509Version::V1;
    if !extensions.is_empty() && tbs.version != X509Version::V3 {
        return Err(CertificateError::ExtensionsNeedVersion3);
    }
    if v1 && (tbs.issuer_uid.is_some() || tbs.subject_uid.is_some()) {
        return Err(malformed("unique identifier in version 1"));
    }
    let (top, fields) = der::shape(der).ok_or(malformed("certificate structure"))?;
    let optional = [
        !v1,
        tbs.issuer_uid.is_some(),
        tbs.subject_uid.is_some(),
        !extensions.is_empty(),
    ];
    let expected = optional.iter().filter(|present| **present).count() + 6;
    if top == 3 && fields == expected {
        Ok(())
    } else {
        Err(malformed("certificate structure"))
    }
}

fn key_kind(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, CertificateError> {
    let curve = || {
        let parameters = spki.algorithm.parameters.as_ref()?;
        Some(parameters.as_oid().ok()?.to_id_string())
    };
    // rsaEncryption, id-ecPublicKey, id-Ed25519
    Ok(match spki.algorithm.algorithm.as_bytes() {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => match spki.parsed() {
            Ok(PublicKey::RSA(rsa)) => KeyKind::Rsa {
                bits: bits_of(rsa.modulus),
            },
            _ => return Err(malformed("subject public key")),
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => match curve().as_deref() {
            Some("1.2.840.10045.3.1.7") => KeyKind::P256,
            Some("1.3.132.0.34") => KeyKind::P384,
            Some("1.3.132.0.35") => KeyKind::P521,
            _ => KeyKind::Other,
        },
        [0x2b, 0x65, 0x70] => KeyKind::Ed25519,
        _ => KeyKind::Other,
    })
}

/// The length in bits of a big-endian number.
fn bits_of(modulus: &[u8]) -> u32 {
    let mut digits = modulus.iter().skip_while(|byte| **byte == 0);
    match digits.next() {
        None => 0,
        Some(first) => {
            let whole = u32::try_from(digits.count()).unwrap_or(u32::MAX / 16);
            whole.saturating_mul(8) + (8 - first.leading_zeros())
        }
    }
}

fn read_extensions(
    der: &[u8],
    extensions: &[X509Extension<'_>],
    facts: &mut Facts,
) -> Result<(), CertificateError> {
    if extensions.len() > MAX_EXTENSIONS {
        return Err(CertificateError::TooManyExtensions {
            count: extensions.len(),
            limit: MAX_EXTENSIONS,
        });
    }
    for (index, extension) in extensions.iter().enumerate() {
        let earlier = extensions.iter().take(index);
        if earlier.into_iter().any(|other| other.oid == extension.oid) {
            return Err(CertificateError::DuplicateExtension {
                oid: extension.oid.to_id_string(),
                index,
            });
        }
        read_extension(der, extension, facts)?;
        if extension.critical {
            let id = extension.oid.as_bytes();
            facts.unknown_critical_in_pin |= !is_listed(id, KNOWN_CRITICAL_IN_PIN);
            facts.unknown_critical_in_ca |= !is_listed(id, KNOWN_CRITICAL_IN_CA);
        }
    }
    Ok(())
}

/// The number of an extension below `2.5.29` (id-ce).
fn number(id: &[u8]) -> Option<u8> {
    match id {
        [0x55, 0x1d, last] => Some(*last),
        _ => None,
    }
}

/// Whether the object identifier is one of a list of such in dotted form. Those listed have one byte below `2.5.29`.
pub(super) fn is_listed(id: &[u8], list: &[&str]) -> bool {
    let Some(own) = number(id) else {
        return list.contains(&dotted(id).as_str());
    };
    let numbers = list
        .iter()
        .filter_map(|known| known.strip_prefix("2.5.29."));
    numbers
        .filter_map(|last| last.parse().ok())
        .any(|last: u8| last == own)
}

fn read_extension(
    der: &[u8],
    extension: &X509Extension<'_>,
    facts: &mut Facts,
) -> Result<(), CertificateError> {
    let value = extension.value;
    // The grammar has been checked: each of these is a single value of its kind.
    let whole = |field| {
        let good = der::is_single_value(value);
        good.then_some(()).ok_or(malformed(field))
    };
    match number(extension.oid.as_bytes()) {
        Some(14) => {
            let field = "subjectKeyIdentifier";
            whole(field)?;
            let (_, id) = KeyIdentifier::from_der(value).map_err(|_| malformed(field))?;
            facts.subject_key_id = Some(Span::of(der, id.0).ok_or(malformed(field))?);
        }
        Some(15) => {
            let field = "keyUsage";
            whole(field)?;
            let (_, usage) = ParsedUsage::from_der(value).map_err(|_| malformed(field))?;
            facts.key_usage = Some(KeyUsage(usage.flags));
        }
        Some(17) => {
            let field = "subjectAltName";
            whole(field)?;
            check_names(value)?;
            facts.names = Some(Span::of(der, value).ok_or(malformed(field))?);
        }
        Some(19) => {
            let field = "basicConstraints";
            whole(field)?;
            let parsed = ParsedConstraints::from_der(value);
            let (_, constraints) = parsed.map_err(|_| malformed(field))?;
            facts.constraints = Constraints::of(BasicConstraints {
                ca: constraints.ca,
                path_len: constraints.path_len_constraint,
            });
        }
        Some(30) => whole("nameConstraints")?,
        Some(35) => {
            let field = "authorityKeyIdentifier";
            whole(field)?;
            let parsed = AuthorityKeyIdentifier::from_der(value);
            let (_, id) = parsed.map_err(|_| malformed(field))?;
            let span = |part: &[u8]| Span::of(der, part).ok_or(malformed(field));
            let key = id.key_identifier.as_ref().map(|id| span(id.0));
            facts.authority_key_id = key.transpose()?;
            facts.authority_serial = id.authority_cert_serial.map(span).transpose()?;
        }
        Some(37) => {
            let field = "extKeyUsage";
            whole(field)?;
            let (_, usage) = ParsedUsages::from_der(value).map_err(|_| malformed(field))?;
            facts.extended_key_usage = Some(ExtendedKeyUsage {
                any: usage.any,
                server_auth: usage.server_auth,
                client_auth: usage.client_auth,
            });
        }
        Some(_) | None => {}
    }
    Ok(())
}

/// Checks the subject alternative names, whose forms the grammar has checked.
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

/// A name with a control character, a space or a letter beyond ASCII is in none of the forms of RFC 5280 section
/// 4.2.1.6, and would be a trap in a log or an access list: it counts as one of another form. `None` if it is no
/// text.
pub(super) fn name_of<'a>(name: &der::Value<'a>) -> Option<SanName<'a>> {
    let kind: fn(&'a str) -> SanName<'a> = match name.tag {
        form::DNS_NAME => SanName::Dns,
        form::URI => SanName::Uri,
        form::RFC822_NAME => SanName::Email,
        form::IP_ADDRESS => return Some(SanName::ip(name.content)),
        // A form that is kept as a name that is never compared.
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
    use super::bits_of;

    #[test]
    fn the_size_of_a_modulus_is_its_highest_bit() {
        assert_eq!(bits_of(&[]), 0);
        assert_eq!(bits_of(&[0, 0]), 0);
        assert_eq!(bits_of(&[0, 1]), 1);
        assert_eq!(bits_of(&[0x80, 0]), 16);
        assert_eq!(bits_of(&[0, 0x7f, 0xff]), 15);
    }
}
