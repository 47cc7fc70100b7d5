//! Certificates that a test makes for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use mutual_trust::Identity;
use mutual_trust::certificate::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::crypto::CryptoProvider;

use super::{DAY, NOW};

/// The content of a certificate. By default: an end entity (CA:FALSE) without subject alternative names and
/// extended key usage, with digitalSignature, valid for a year around [`NOW`], with key identifiers.
pub struct Spec {
    params: CertificateParams,
    key: Option<KeyPair>,
}

/// A certificate with its key.
pub struct Made {
    pub certificate: Certificate,
    pub key: KeyPair,
    params: CertificateParams,
}

fn time(seconds: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

pub fn spec(common_name: &str) -> Spec {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    if !common_name.is_empty() {
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
    }
    // Always set: rcgen gives one key the same serial number each time.
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    params.serial_number = Some(SerialNumber::from(serial));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let now = i64::try_from(NOW).unwrap();
    let half_year = i64::try_from(183 * DAY).unwrap();
    params.not_before = time(now - half_year);
    params.not_after = time(now + half_year);
    Spec { params, key: None }
}

impl Spec {
    pub fn dns(mut self, name: &str) -> Self {
        let name = name.try_into().unwrap();
        self.params.subject_alt_names.push(SanType::DnsName(name));
        self
    }

    pub fn ip(mut self, address: &str) -> Self {
        let address = address.parse().unwrap();
        self.params
            .subject_alt_names
            .push(SanType::IpAddress(address));
        self
    }

    pub fn uri(mut self, uri: &str) -> Self {
        let uri = uri.try_into().unwrap();
        self.params.subject_alt_names.push(SanType::URI(uri));
        self
    }

    pub fn server_auth(mut self) -> Self {
        let usages = &mut self.params.extended_key_usages;
        usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        self
    }

    pub fn client_auth(mut self) -> Self {
        let usages = &mut self.params.extended_key_usages;
        usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        self
    }

    pub fn extended_key_usage(mut self, usage: ExtendedKeyUsagePurpose) -> Self {
        self.params.extended_key_usages.push(usage);
        self
    }

    /// Replaces the key usage; none leaves the extension out.
    pub fn key_usage(mut self, usages: &[KeyUsagePurpose]) -> Self {
        self.params.key_usages = usages.to_vec();
        self
    }

    /// CA:TRUE with keyCertSign and cRLSign.
    pub fn ca(mut self) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        self
    }

    pub fn path_len(mut self, length: u8) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        self
    }

    pub fn no_basic_constraints(mut self) -> Self {
        self.params.is_ca = IsCa::NoCa;
        self
    }

    pub fn permit_dns(mut self, name: &str) -> Self {
        let permitted = vec![GeneralSubtree::DnsName(name.to_owned())];
        self.params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: Vec::new(),
        });
        self
    }

    pub fn critical_extension(mut self, oid: &[u64]) -> Self {
        let mut extension = CustomExtension::from_oid_content(oid, vec![0x05, 0x00]);
        extension.set_criticality(true);
        self.params.custom_extensions.push(extension);
        self
    }

    /// Validity in seconds relative to [`NOW`].
    pub fn valid(mut self, from: i64, to: i64) -> Self {
        let now = i64::try_from(NOW).unwrap();
        self.params.not_before = time(now + from);
        self.params.not_after = time(now + to);
        self
    }

    pub fn serial(mut self, serial: u64) -> Self {
        self.params.serial_number = Some(SerialNumber::from(serial));
        self
    }

    /// No subject and authority key identifiers.
    pub fn no_authority_key_id(mut self) -> Self {
        self.params.use_authority_key_identifier_extension = false;
        self
    }

    /// Uses the key of `other` instead of a new one.
    pub fn key_of(mut self, other: &Made) -> Self {
        self.key = Some(copy(&other.key));
        self
    }

    pub fn key(mut self, key: KeyPair) -> Self {
        self.key = Some(key);
        self
    }

    pub fn params(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    /// Signed by its own key.
    pub fn self_signed(self) -> Made {
        let key = self.key.unwrap_or_else(|| KeyPair::generate().unwrap());
        let certificate = self.params.self_signed(&key).unwrap();
        Made {
            certificate: Certificate::from_der(certificate.der()).unwrap(),
            key,
            params: self.params,
        }
    }

    /// Signed by `issuer`, even where that may not sign it.
    pub fn signed_by(self, issuer: &Made) -> Made {
        let key = self.key.unwrap_or_else(|| KeyPair::generate().unwrap());
        let by = Issuer::from_params(&issuer.params, &issuer.key);
        let certificate = self.params.signed_by(&key, &by).unwrap();
        Made {
            certificate: Certificate::from_der(certificate.der()).unwrap(),
            key,
            params: self.params,
        }
    }

    /// Signed by `issuer`, for the public key of a certificate whose private key is missing or too weak to
    /// use.
    pub fn for_key_of(self, other: &Certificate, issuer: &Made) -> Certificate {
        let key = SubjectPublicKeyInfo::from_der(other.subject_public_key_info()).unwrap();
        let by = Issuer::from_params(&issuer.params, &issuer.key);
        let certificate = self.params.signed_by(&key, &by).unwrap();
        Certificate::from_der(certificate.der()).unwrap()
    }
}

fn copy(key: &KeyPair) -> KeyPair {
    KeyPair::try_from(key.serialized_der()).unwrap()
}

impl Made {
    pub fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// The same certificate and key. What it signs names its issuer `common_name`.
    pub fn writes_its_name(&self, common_name: impl Into<DnValue>) -> Self {
        let mut params = self.params.clone();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name.into());
        Self {
            certificate: self.certificate(),
            key: copy(&self.key),
            params,
        }
    }

    /// The identity that presents this certificate and then `issuers`.
    pub fn identity(&self, issuers: &[&Made], provider: &CryptoProvider) -> Identity {
        let mut pem = self.certificate.to_pem();
        for issuer in issuers {
            pem.push_str(&issuer.certificate.to_pem());
        }
        Identity::from_pem(
            pem.as_bytes(),
            self.key.serialize_pem().as_bytes(),
            provider,
        )
        .unwrap()
    }
}

/// A root and an intermediate below it.
pub struct Pki {
    pub root: Made,
    pub intermediate: Made,
}

pub fn pki(name: &str) -> Pki {
    let root = spec(&format!("{name} root")).ca().self_signed();
    let intermediate = spec(&format!("{name} intermediate"))
        .ca()
        .path_len(0)
        .signed_by(&root);
    Pki { root, intermediate }
}

impl Pki {
    pub fn server(&self, name: &str) -> Made {
        spec(name)
            .dns(name)
            .server_auth()
            .signed_by(&self.intermediate)
    }

    pub fn client(&self, name: &str) -> Made {
        spec(name)
            .dns(name)
            .client_auth()
            .signed_by(&self.intermediate)
    }
}

/// A self-signed end entity for both roles, as a system or key server has it.
pub fn self_signed(name: &str) -> Made {
    spec(name)
        .dns(name)
        .server_auth()
        .client_auth()
        .self_signed()
}
