//! Certificates made on the spot. A real deployment has its own: files, an HSM, a certificate service.

use std::time::{SystemTime, UNIX_EPOCH};

use mutual_trust::{Certificate, Identity};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::crypto::CryptoProvider;

use super::Outcome;

/// A certificate with its key.
pub(crate) struct Made {
    pub(crate) certificate: Certificate,
    key: KeyPair,
    params: CertificateParams,
}

impl Made {
    /// What the machine presents that has this certificate and its key: the certificate, then `issuers`.
    pub(crate) fn identity(
        &self,
        issuers: &[&Self],
        provider: &CryptoProvider,
    ) -> Outcome<Identity> {
        let mut chain = self.certificate.to_pem();
        for issuer in issuers {
            chain.push_str(&issuer.certificate.to_pem());
        }
        let key = self.key.serialize_pem();
        Ok(Identity::from_pem(
            chain.as_bytes(),
            key.as_bytes(),
            provider,
        )?)
    }
}

/// A certificate of the machine `name`, signed by its own key, for a DNS name or for none. It says CA:TRUE, as those
/// do that `openssl req -x509` makes.
pub(crate) fn self_signed(name: &str, dns: Option<&str>) -> Outcome<Made> {
    let mut params = params(name)?;
    if let Some(dns) = dns {
        params.subject_alt_names = vec![SanType::DnsName(dns.try_into()?)];
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    sign(params, None)
}

/// A CA's root.
pub(crate) fn root(name: &str) -> Outcome<Made> {
    sign(ca(name)?, None)
}

/// A CA below `issuer`.
pub(crate) fn intermediate(name: &str, issuer: &Made) -> Outcome<Made> {
    sign(ca(name)?, Some(issuer))
}

/// The certificate that `issuer` makes for the machine `name`.
pub(crate) fn issued(name: &str, issuer: &Made) -> Outcome<Made> {
    let mut params = params(name)?;
    params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    sign(params, Some(issuer))
}

fn ca(name: &str) -> Outcome<CertificateParams> {
    let mut params = params(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(name: &str) -> Outcome<CertificateParams> {
    const DAY: i64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, name.to_owned());
    params.not_before = time::OffsetDateTime::from_unix_timestamp(now - DAY)?;
    params.not_after = time::OffsetDateTime::from_unix_timestamp(now + 365 * DAY)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn sign(params: CertificateParams, issuer: Option<&Made>) -> Outcome<Made> {
    let key = KeyPair::generate()?;
    let certificate = match issuer {
        None => params.self_signed(&key)?,
        Some(by) => params.signed_by(&key, &Issuer::from_params(&by.params, &by.key))?,
    };
    Ok(Made {
        certificate: Certificate::from_der(certificate.der())?,
        key,
        params,
    })
}
