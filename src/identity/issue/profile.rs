//! The fields that all generated certificates and requests have.
//!
//! Every field here is required by some key server and rejected by none: version 3; an explicit CA:FALSE (MinIO KES
//! refuses CA certificates of clients); both roles (PyKMIP requires clientAuth, a key server's own certificate requires
//! serverAuth, and systems use one certificate for everything); digitalSignature, and keyEncipherment for RSA, which
//! old servers require; a subject key identifier.

use core::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SigningKey, date_time_ymd,
};

use super::request::CertificateRequest;
use super::spec::{CertificateSpec, Form, San};
use crate::certificate::{Certificate, CurrentTime, KeyPin};
use crate::identity::error::{IdentityError, IssueError};
use crate::limits::{BACKDATE, MAX_VALIDITY_DAYS};

/// Bytes of a serial number: half of a SHA-256 value, enough that no number repeats. RFC 5280 allows 20.
pub(crate) const SERIAL_BYTES: usize = 16;

/// 9999-12-31T23:59:59Z, the latest time that a certificate can state (RFC 5280 section 4.1.2.5).
const LAST_MOMENT: u64 = 253_402_300_799;

/// Bytes of a key identifier (RFC 7093 section 2).
const KEY_ID_BYTES: usize = 20;

/// Makes a self-signed certificate. Its validity begins shortly before `now` and lasts for `days` days.
pub(crate) fn self_signed(
    spec: &CertificateSpec,
    days: u32,
    now: CurrentTime,
    mut serial: [u8; SERIAL_BYTES],
    key: &impl SigningKey,
) -> Result<Certificate, IssueError> {
    if !(1..=MAX_VALIDITY_DAYS).contains(&days) {
        return Err(IssueError::Days {
            days,
            limit: MAX_VALIDITY_DAYS,
        });
    }
    let CurrentTime::Known(now) = now else {
        return Err(IssueError::ClockUnset);
    };
    let from = now
        .as_secs()
        .checked_sub(BACKDATE.as_secs())
        .ok_or(IssueError::ClockOff)?;
    let to = now
        .as_secs()
        .checked_add(u64::from(days).saturating_mul(24 * 60 * 60))
        .filter(|to| *to <= LAST_MOMENT)
        .ok_or(IssueError::ClockOff)?;
    // The serial number is always set. The default depends on the key only, so a renewed certificate would have the
    // issuer and serial number of the old one. The top bits make it positive and of constant length.
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    let mut params = params(spec, key)?;
    params.serial_number = Some(SerialNumber::from(serial.to_vec()));
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from);
    params.not_after = epoch + Duration::from_secs(to);
    let made = params.self_signed(key).map_err(failed)?;
    Certificate::from_der(made.der()).map_err(|error| IdentityError::from(error).into())
}

/// Makes a request for a certificate with the same fields.
pub(crate) fn request(
    spec: &CertificateSpec,
    key: &impl SigningKey,
) -> Result<CertificateRequest, IssueError> {
    let made = params(spec, key)?.serialize_request(key).map_err(failed)?;
    CertificateRequest::from_der(made.der().to_vec())
}

fn params(
    spec: &CertificateSpec,
    key: &impl PublicKeyData,
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for attribute in &spec.subject {
        let text = attribute.text.as_str();
        let value = match attribute.form {
            Form::Utf8 => DnValue::Utf8String(text.to_owned()),
            Form::Printable => DnValue::PrintableString(text.try_into().map_err(failed)?),
            Form::Ia5 => DnValue::Ia5String(text.try_into().map_err(failed)?),
        };
        let name = DnType::CustomDnType(attribute.arcs.clone());
        params.distinguished_name.push(name, value);
    }
    for name in &spec.names {
        params.subject_alt_names.push(match name {
            San::Dns(name) => SanType::DnsName(name.as_str().try_into().map_err(failed)?),
            San::Ip(address) => SanType::IpAddress(*address),
            San::Uri(name) => SanType::URI(name.as_str().try_into().map_err(failed)?),
            San::Email(name) => SanType::Rfc822Name(name.as_str().try_into().map_err(failed)?),
        });
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if *key.algorithm() == rcgen::PKCS_RSA_SHA256 {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let digest = KeyPin::over(&key.subject_public_key_info());
    let key_id = digest.as_bytes().iter().take(KEY_ID_BYTES);
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_id.copied().collect());
    Ok(params)
}

fn failed(error: rcgen::Error) -> IssueError {
    if error == rcgen::Error::RemoteKeyError {
        IssueError::Signing
    } else {
        IssueError::Encoding(error.to_string())
    }
}
