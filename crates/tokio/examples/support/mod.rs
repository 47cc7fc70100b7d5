//! Machines whose certificates are made when the example starts.

use std::error::Error;

use mutual_trust::{Certificate, Identity, tls};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

/// What the examples return: any error ends them with a failure.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Fails with `what` unless it holds.
pub(crate) fn expect(holds: bool, what: &str) -> Outcome<()> {
    println!("{} {what}", if holds { "ok:" } else { "NOT SO:" });
    if holds { Ok(()) } else { Err(what.into()) }
}

/// A machine with a self-signed end-entity certificate: what others install, and what it keeps.
pub(crate) struct Machine {
    pub(crate) certificate: Certificate,
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Machine {
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate()?;
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate: Certificate::from_pem(certificate_pem.as_bytes())?,
            certificate_pem,
            key_pem: key.serialize_pem(),
        })
    }

    pub(crate) fn identity(&self) -> Outcome<Identity> {
        let provider = tls::provider::default_provider();
        let (chain, key) = (self.certificate_pem.as_bytes(), self.key_pem.as_bytes());
        Ok(Identity::from_pem(chain, key, &provider)?)
    }
}
