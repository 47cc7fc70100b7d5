//! The crypto provider and our own certificate.

use mutual_trust::tls::Identity;
use pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{CertificateError, ClientConfig, Error, ServerConfig};

use crate::plain_rustls::by_webpki;
use crate::support::link::settings;
use crate::support::plain::{AcceptAll, Credential};
use crate::support::{fixture, fixture_key};

#[test]
fn plain_rustls_presents_no_certificate_of_version_1_and_we_do() {
    // K1
    for setting in settings() {
        let Credential { chain, key } = Credential::fixture("v1", "v1");
        let key = || PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
        let refused = |error: Error| {
            let Error::InvalidCertificate(error @ CertificateError::Other(_)) = error else {
                panic!("{error:?}");
            };
            by_webpki(&error)
        };
        let version = webpki::Error::UnsupportedCertVersion;
        let client = ClientConfig::builder_with_provider(setting.provider.clone())
            .with_protocol_versions(&[setting.rustls_version()])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(AcceptAll::new(&setting.provider))
            .with_client_auth_cert(chain.clone(), key());
        assert_eq!(refused(client.unwrap_err()), version);
        let server = ServerConfig::builder_with_provider(setting.provider.clone())
            .with_protocol_versions(&[setting.rustls_version()])
            .unwrap()
            .with_client_cert_verifier(AcceptAll::new(&setting.provider))
            .with_single_cert(chain.clone(), key());
        assert_eq!(refused(server.unwrap_err()), version);

        let pem = fixture("v1").to_pem();
        Identity::from_pem(pem.as_bytes(), &fixture_key("v1"), &setting.provider).unwrap();
    }
}

/// With one provider, rustls makes it the default of the whole process; with both it panics. Our builders take it
/// as an argument.
#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn plain_rustls_panics_without_a_process_default_when_both_providers_are_on() {
    assert!(std::panic::catch_unwind(ClientConfig::builder).is_err());
    assert!(std::panic::catch_unwind(ServerConfig::builder).is_err());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// See above.
#[cfg(not(all(feature = "aws-lc-rs", feature = "ring")))]
#[test]
fn plain_rustls_makes_its_provider_the_default_of_the_process() {
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    let _builder = ClientConfig::builder();
    assert!(rustls::crypto::CryptoProvider::get_default().is_some());
}
