//! A private key and a self-signed certificate of our own.

use std::error::Error;

use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::{
    CertificateSpec, GeneratedKey, IfExists, KeyType, write_certificates,
};
use mutual_trust::tls::{self, SigningKeyPair};

pub(crate) fn make() -> Result<(), Box<dyn Error>> {
    let new = GeneratedKey::generate(KeyType::default())?;
    new.write("array.key", IfExists::Refuse)?;
    let key = SigningKeyPair::new(new.into_key()?, &tls::provider::default_provider())?;
    let made = key.self_signed(
        &CertificateSpec::new("array")?,
        730,
        SystemClock::new().now(),
    )?;
    write_certificates("array.pem", [made.certificate()], IfExists::Refuse)?;
    Ok(())
}
