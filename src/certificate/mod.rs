//! Certificates and revocation lists: parsing, names, keys and times.
//!
//! A [`Certificate`] or [`Crl`] is parsed once and never changes. Parsing tells what it states, not whether it is
//! trusted: the [store](crate::store) holds what is trusted, and the [policy](crate::policy) decides.
//!
//! ```
//! use mutual_trust::{Certificate, HostName};
//!
//! let pem = include_bytes!("../../tests/fixtures/ee-p256.pem");
//! let certificate = Certificate::from_pem(pem)?;
//! println!("{} is valid until {}", certificate.subject(), certificate.validity().not_after());
//! let host: HostName = "kms9.example".parse()?;
//! assert!(!certificate.covers(&host));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod algorithms;
mod allowed;
pub(crate) mod apart;
mod boundary;
mod causes;
mod compare;
mod crl;
mod curve;
pub(crate) mod der;
mod described;
pub(crate) mod error;
mod extensions;
mod fingerprint;
pub(crate) mod form;
mod format_error;
mod grammar;
mod issued;
mod keys;
mod kinds;
mod list;
mod names;
mod other_format;
mod parse;
pub(crate) mod pem;
mod public_key;
mod role;
mod setting;
mod shown;
pub(crate) mod sorted;
pub(crate) mod strings;
mod time;
pub(crate) mod variants;

use core::fmt;

use pki_types::CertificateDer;
use triomphe::ThinArc;

pub use allowed::AllowedKeys;
pub use crl::{Crl, CrlDeviation, CrlKinds, CrlNumber, RevocationReason, Revoked};
pub use extensions::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
pub use fingerprint::{Fingerprint, KeyPin};
pub use keys::{KeyFault, KeyPolicy, KeyRefusal};
pub use kinds::{KeyKind, NamedKey};
pub use names::{HostName, SanName};
#[doc(hidden)]
pub use pem::is_der;
#[cfg(feature = "bundle")]
pub(crate) use public_key::read_whole as read_public_key;
pub use role::Role;
pub use time::{CurrentTime, SystemClock, TimeSource, Timestamp, Validity};

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
pub(crate) use compare::count as folded;
pub(crate) use compare::{canonical_name, names_equal};
#[cfg(feature = "admin")]
pub(crate) use crl::CRL_LABEL;
pub(crate) use crl::{Reasons, Succession, shortest};
pub(crate) use issued::{Issued, OfPath};
pub(crate) use keys::SignatureCheck;
#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
pub(crate) use keys::count as verified;
pub use shown::breaks_a_line;
pub(crate) use shown::{distinguished, shown};
pub(crate) use time::seconds;

use crate::certificate::error::CertificateError;
use parse::Facts;
use shown::dotted;

/// The label of a certificate section (RFC 7468 section 5).
const LABEL: &str = "CERTIFICATE";

/// An X.509 certificate of any version. It is parsed once, never changes, and is cheap to clone.
///
/// ```
/// use mutual_trust::Certificate;
///
/// let pem = include_bytes!("../../tests/fixtures/ee-p256.pem");
/// let certificate = Certificate::from_pem(pem)?;
/// println!("{} {}", certificate.subject(), certificate.fingerprint());
/// # assert_eq!(certificate.version(), 3);
/// # Ok::<(), mutual_trust::error::CertificateError>(())
/// ```
#[derive(Clone)]
pub struct Certificate(ThinArc<Head, u8>);

/// What was read of a certificate. It lies before the DER in one piece of memory: a verdict on one of a million
/// certificates waits for memory once, and not again for the bytes.
struct Head {
    fingerprint: Fingerprint,
    facts: Facts,
}

impl Certificate {
    /// Reads one certificate from DER.
    ///
    /// # Errors
    /// The certificate is empty, too large or malformed (the error names the field or the offset). Other bytes follow
    /// it. It has an extension twice, or extensions in version 1 or 2. Its two signature algorithms differ.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::read(der, None)
    }

    /// Like [`from_der`](Self::from_der). Takes the fingerprint if the caller has computed it already.
    pub(crate) fn read(der: &[u8], known: Option<Fingerprint>) -> Result<Self, CertificateError> {
        let facts = parse::facts(der)?;
        let head = Head {
            fingerprint: known.unwrap_or_else(|| Fingerprint::over(der)),
            facts,
        };
        Ok(Self(ThinArc::from_header_and_slice(head, der)))
    }

    /// Reads exactly one certificate from PEM (RFC 7468). Text around the section is allowed.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der), with the section. [`CertificateError::NotOne`] if there are several
    /// certificates. [`CertificateError::PrivateKey`] if there is a private key.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let mut all = Self::many_from_pem(text)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(CertificateError::NotOne {
                found: others.saturating_add(1),
            }),
        }
    }

    /// Reads all certificates of a PEM file, in order.
    ///
    /// # Errors
    /// One section is truncated, mislabelled or unreadable. The error names the first such section by its position
    /// (from 0) and line (from 1). No certificate is returned then.
    pub fn many_from_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let sections = pem::sections(text)?;
        if let Some(key) = sections
            .iter()
            .find(|section| section.label.ends_with("PRIVATE KEY"))
        {
            return Err(CertificateError::PrivateKey {
                index: key.index,
                line: key.line,
            });
        }
        let mut certificates = Vec::with_capacity(sections.len());
        for section in &sections {
            if section.label != LABEL {
                return Err(section.unexpected().into());
            }
            let der = section.decode_public()?;
            let certificate = Self::from_der(&der).map_err(|error| CertificateError::Section {
                index: section.index,
                line: section.line,
                source: Box::new(error),
            })?;
            certificates.push(certificate);
        }
        Ok(certificates)
    }

    /// The certificate as one PEM section with lines of 64 characters.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, self.der())
    }

    /// The DER, byte for byte as it was read.
    pub fn der(&self) -> &[u8] {
        &self.0.slice
    }

    fn facts(&self) -> &Facts {
        &self.0.header.header.facts
    }

    /// SHA-256 over the DER. It was computed when the certificate was read.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.header.header.fingerprint
    }

    /// SHA-256 over the `SubjectPublicKeyInfo`. Each call computes it: on the handshake path, only verdicts of a store
    /// with blocks need it.
    pub fn key_pin(&self) -> KeyPin {
        KeyPin::over(self.subject_public_key_info())
    }

    /// The X.509 version: 1, 2 or 3.
    #[doc(hidden)]
    pub fn version(&self) -> u8 {
        self.facts().version
    }

    /// The content bytes of the serial number, as encoded.
    pub fn serial(&self) -> &[u8] {
        self.facts().serial.get(self.der())
    }

    /// The subject as one line of text that is safe to show. Empty if the certificate has none.
    pub fn subject(&self) -> String {
        distinguished(self.subject_der())
    }

    /// The issuer as one line of text that is safe to show.
    pub fn issuer(&self) -> String {
        distinguished(self.issuer_der())
    }

    /// The subject in DER, as encoded.
    #[doc(hidden)]
    pub fn subject_der(&self) -> &[u8] {
        self.facts().subject.get(self.der())
    }

    /// The issuer in DER, as encoded.
    #[doc(hidden)]
    pub fn issuer_der(&self) -> &[u8] {
        self.facts().issuer.get(self.der())
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.facts().validity
    }

    /// The subject alternative names, in order. Empty without the extension. The common name of the subject is never
    /// among them (RFC 9525 section 2).
    pub fn names(&self) -> impl Iterator<Item = SanName<'_>> {
        // `from_der` has read each of them, so none is lost here.
        self.name_values()
            .map(|name| parse::name_of(&name).unwrap_or(SanName::Other))
    }

    /// Whether one of the subject alternative names covers `host` (RFC 9525 section 6).
    pub fn covers(&self, host: &HostName) -> bool {
        // Names that cannot match are not parsed: the peer chooses how many names there are.
        let is_covered = |name: &der::Value<'_>| match host.dns() {
            Some(host) => name.tag == form::DNS_NAME && names::dns_covers(name.content, host),
            None => {
                name.tag == form::IP_ADDRESS
                    && parse::name_of(name).is_some_and(|name| name.covers(host))
            }
        };
        self.name_values().any(|name| is_covered(&name))
    }

    /// The kind and size of the public key.
    #[doc(hidden)]
    pub fn key_kind(&self) -> KeyKind {
        self.facts().key
    }

    /// Why no signature verifies under the public key, if that is so.
    fn key_fault(&self) -> Option<KeyFault> {
        self.facts().key_fault
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    #[doc(hidden)]
    pub fn subject_public_key_info(&self) -> &[u8] {
        self.facts().spki.get(self.der())
    }

    /// Whether both certificates have the same public key.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        self.subject_public_key_info() == other.subject_public_key_info()
    }

    /// The `basicConstraints` extension, if present.
    #[doc(hidden)]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.facts().constraints.get()
    }

    /// The `keyUsage` extension, if present.
    #[doc(hidden)]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.facts().key_usage
    }

    /// The `extKeyUsage` extension, if present.
    #[doc(hidden)]
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.facts().extended_key_usage
    }

    /// The `keyIdentifier` of the `authorityKeyIdentifier`, if present.
    #[doc(hidden)]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        Some(self.facts().authority_key_id?.get(self.der()))
    }

    /// The `subjectKeyIdentifier`, if present.
    #[doc(hidden)]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        Some(self.facts().subject_key_id?.get(self.der()))
    }

    /// Whether `basicConstraints` states that the certificate is a CA.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().is_some_and(|found| found.ca)
    }

    /// Whether issuer and subject are the same name in the same bytes. This says nothing about who signed the
    /// certificate.
    ///
    /// RFC 5280 section 7.1 compares names by value, and would call more certificates self-issued. `pathLenConstraint`
    /// does not count self-issued certificates. No tool encodes its own name differently in the two fields, so this
    /// method compares bytes, which exempts the fewest certificates.
    #[doc(hidden)]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// Whether the path builder can read the certificate as a trust anchor, with the same subject and key as this
    /// crate.
    pub(crate) fn is_readable_as_anchor(&self) -> bool {
        let der = CertificateDer::from(self.der());
        let Ok(anchor) = webpki::anchor_from_trusted_cert(&der) else {
            return false;
        };
        let contents = |der| der::take(der).map(|(value, _)| value.content);
        Some(anchor.subject.as_ref()) == contents(self.subject_der())
            && Some(anchor.subject_public_key_info.as_ref())
                == contents(self.subject_public_key_info())
    }

    /// Whether the path builder can read the certificate between the end entity and the anchor. It is stricter there.
    pub(crate) fn is_readable_in_path(&self) -> bool {
        webpki::EndEntityCert::try_from(&CertificateDer::from(self.der())).is_ok()
            && self.is_readable_as_anchor()
            && self.unread_time().is_none()
    }

    pub(crate) fn to_be_signed(&self) -> &[u8] {
        der::to_be_signed(self.der()).unwrap_or(&[])
    }

    pub(crate) fn signature(&self) -> &[u8] {
        der::signature(self.der()).unwrap_or(&[])
    }

    /// Compares the pointers first, then the bytes.
    fn is_same(&self, other: &Self) -> bool {
        core::ptr::eq(self.der(), other.der()) || self.der() == other.der()
    }
}

/// Two certificates are equal if their DER is equal.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// The DER of the public key of a certificate that was already accepted. The handshake signature is verified with it.
pub(crate) fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    der::public_key_of(certificate)
}

#[cfg(test)]
mod tests {
    /// All fixtures that are certificates, of every version and kind of key.
    fn fixtures() -> Vec<super::Certificate> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        let files = std::fs::read_dir(folder).unwrap();
        let read = files.filter_map(|file| std::fs::read(file.unwrap().path()).ok());
        read.filter_map(|text| super::Certificate::from_pem(&text).ok())
            .collect()
    }

    #[test]
    fn the_key_of_a_handshake_signature_is_the_one_that_was_judged() {
        let fixtures = fixtures();
        assert!(fixtures.len() > 30, "{}", fixtures.len());
        for certificate in fixtures {
            let key = super::public_key_of(certificate.der());
            assert_eq!(key, Some(certificate.subject_public_key_info()));
        }
        assert_eq!(super::public_key_of(&[]), None);
        assert_eq!(super::public_key_of(&[0x30, 0x03, 0x02, 0x01, 0x01]), None);
    }

    #[test]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here is read by the general reader alone"
    )]
    fn extensions_are_read_as_the_general_reader_reads_them() {
        use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};
        let mut compared = 0;
        for certificate in fixtures() {
            let Ok((_, read)) = X509Certificate::from_der(certificate.der()) else {
                continue;
            };
            let validity = certificate.validity();
            let period = read.validity();
            assert_eq!(
                validity.not_before().seconds(),
                period.not_before.timestamp()
            );
            assert_eq!(validity.not_after().seconds(), period.not_after.timestamp());
            for extension in read.extensions() {
                compared += 1;
                match extension.parsed_extension() {
                    ParsedExtension::ExtendedKeyUsage(usage) => {
                        let own = certificate.extended_key_usage().unwrap();
                        assert_eq!(own.any, usage.any);
                        assert_eq!(own.server_auth, usage.server_auth);
                        assert_eq!(own.client_auth, usage.client_auth);
                    }
                    ParsedExtension::BasicConstraints(constraints) => {
                        let own = certificate.basic_constraints().unwrap();
                        assert_eq!(own.ca, constraints.ca);
                        assert_eq!(own.path_len, constraints.path_len_constraint);
                    }
                    ParsedExtension::SubjectKeyIdentifier(id) => {
                        assert_eq!(certificate.subject_key_id(), Some(id.0));
                    }
                    ParsedExtension::AuthorityKeyIdentifier(id) => {
                        let key = id.key_identifier.as_ref().map(|id| id.0);
                        assert_eq!(certificate.authority_key_id(), key);
                    }
                    _ => {}
                }
            }
        }
        assert!(compared > 50, "{compared}");
    }

    #[test]
    fn a_certificate_covers_what_one_of_its_names_does() {
        for certificate in fixtures() {
            let hosts = [
                "kms1.example",
                "KMS1.example.",
                "a.kms.example",
                "kms.example",
                "192.0.2.1",
                "::1",
            ];
            for host in hosts {
                let host: super::HostName = host.parse().unwrap();
                let covered = certificate.names().any(|name| name.covers(&host));
                assert_eq!(certificate.covers(&host), covered, "{host} {certificate:?}");
                // Among many as by itself, first or last.
                let others: Vec<super::HostName> = (0..20)
                    .map(|number| format!("other-{number}.test").parse().unwrap())
                    .collect();
                for place in [0, 10, 20] {
                    let mut all: Vec<&super::HostName> = others.iter().collect();
                    all.insert(place, &host);
                    assert_eq!(
                        certificate.covers_any(&all),
                        covered,
                        "{host} {certificate:?}"
                    );
                }
            }
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_certificate_takes_120_bytes_beyond_its_der() {
        // Beside its count and the length of the DER.
        assert_eq!(size_of::<super::Head>() + 2 * size_of::<usize>(), 120);
    }
}
