//! What plain rustls says when it refuses, to the operator and to the other end, and what it tells unknown peers.

use std::sync::{Arc, Mutex};

use mutual_trust::tls::refusal;
use mutual_trust::{AuthorityScope, EntryOptions, ReasonCode};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, Error, SignatureScheme};

use crate::plain_rustls::{client_verifier, ours, plain, trusting};
use crate::support::fixture;
use crate::support::handshake::handshake;
use crate::support::link::settings;
use crate::support::pki::{pki, self_signed, spec};
use crate::support::plain::Credential;

#[test]
fn plain_rustls_answers_why_with_an_error_name_and_we_with_what_to_do() {
    for setting in settings() {
        let same_name = spec("Root").ca().self_signed();
        let root = spec("Root").ca().self_signed();
        let other = spec("Other").ca().self_signed();
        let leaf = spec("").dns("kms1.example").server_auth().signed_by(&root);
        let server = Credential::of(&leaf, &[]);
        let of_tool = Credential::fixture("openssl-req-default", "openssl-req-default");
        for (installed, server, said, reason) in [
            (
                &same_name,
                &server,
                "BadSignature",
                ReasonCode::ChainSignatureInvalid,
            ),
            (&other, &server, "UnknownIssuer", ReasonCode::UnknownIssuer),
            (
                &other,
                &of_tool,
                "Other(OtherError(CaUsedAsEndEntity))",
                ReasonCode::CaUsedAsEndEntity,
            ),
        ] {
            let installed = &installed.certificate;
            let error = plain(&setting, &[installed], server, "kms1.example")
                .0
                .unwrap_err();
            assert_eq!(format!("{error:?}"), format!("InvalidCertificate({said})"));

            let outcome = ours(
                &setting,
                trusting(&setting, installed),
                server,
                "kms1.example",
            );
            let error = outcome.client.unwrap_err();
            let text = refusal(&error).unwrap().to_string();
            let presented = mutual_trust::Certificate::from_der(&server.chain[0]).unwrap();
            let presented = presented.fingerprint();
            let whole = format!("{:#}", refusal(&error).unwrap());
            assert!(whole.contains(&presented.to_string()), "{whole}");
            for part in [
                reason.code(),
                reason.meaning(),
                reason.remedy(),
                "server keys-1",
                &presented.short().to_string()[..23],
            ] {
                assert!(text.contains(part), "{part} is not in: {text}");
            }
        }
    }
}

#[test]
fn plain_rustls_tells_the_peer_why_and_we_send_one_alert() {
    for setting in settings() {
        let root = spec("root").ca().self_signed();
        let leaf = || spec("").dns("kms1.example").server_auth();
        let day = i64::try_from(crate::support::DAY).unwrap();
        let other = spec("other").ca().self_signed();
        let twin = spec("root").ca().self_signed();
        for (leaf, alert) in [
            (leaf().signed_by(&other), AlertDescription::UnknownCA),
            (leaf().signed_by(&twin), AlertDescription::DecryptError),
            (
                leaf().valid(-9 * day, -day).signed_by(&root),
                AlertDescription::CertificateExpired,
            ),
            (
                spec("").dns("b.example").signed_by(&root),
                AlertDescription::BadCertificate,
            ),
            (
                spec("").dns("kms1.example").client_auth().signed_by(&root),
                AlertDescription::UnsupportedCertificate,
            ),
        ] {
            let server = Credential::of(&leaf, &[]);
            let told = plain(&setting, &[&root.certificate], &server, "kms1.example").1;
            assert_eq!(told, Err(Error::AlertReceived(alert)), "{}", setting.name);
            let store = trusting(&setting, &root.certificate);
            let told = ours(&setting, store, &server, "kms1.example").server;
            let one = AlertDescription::CertificateUnknown;
            assert_eq!(told, Err(Error::AlertReceived(one)), "{}", setting.name);
        }
    }
}

/// Notes the names of CAs that it is told.
#[derive(Debug)]
struct Curious {
    key: Arc<CertifiedKey>,
    told: Mutex<Vec<Vec<u8>>>,
}

impl ResolvesClientCert for Curious {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut told = self.told.lock().unwrap();
        told.extend(hints.iter().map(|hint| hint.to_vec()));
        Some(self.key.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn plain_rustls_tells_strangers_what_is_installed_for_clients_and_we_do_not() {
    for setting in settings() {
        let ca = pki("Example");
        let own = self_signed("kms1.example");
        let stranger = Credential::of(&ca.client("array-7.example"), &[&ca.intermediate]);
        let curious = Arc::new(Curious {
            key: Arc::new(stranger.certified(&setting.provider)),
            told: Mutex::new(Vec::new()),
        });
        let client = Arc::new(setting.plain_client(curious.clone()));
        let installed = [&ca.root.certificate, &fixture("ee-p256")];
        let resolver = Credential::of(&own, &[]).resolver(&setting.provider);
        let server =
            setting.plain_server_verifying(client_verifier(&setting, &installed), resolver);
        handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        let told = std::mem::take(&mut *curious.told.lock().unwrap());
        let subjects = installed.map(|certificate| certificate.subject_der().to_vec());
        assert_eq!(told, subjects, "{}", setting.name);

        let mut store = setting.pinning_client(installed[1]);
        let (scope, options) = (AuthorityScope::Clients, EntryOptions::new());
        store
            .install_authority(scope, ca.root.certificate(), options)
            .unwrap();
        let server = setting.server(store.snapshot(), own.identity(&[], &setting.provider));
        let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        assert!(curious.told.lock().unwrap().is_empty(), "{}", setting.name);
    }
}

#[test]
fn plain_rustls_has_no_error_of_its_own_for_what_webpki_finds() {
    // The reason is hidden in `Other`, as ours is, which therefore has a call to take it out
    for setting in settings() {
        let server = Credential::fixture("v1", "v1");
        let error = plain(&setting, &[&fixture("v1")], &server, "kms1.example")
            .0
            .unwrap_err();
        let hidden = matches!(error, Error::InvalidCertificate(CertificateError::Other(_)));
        assert!(hidden, "{error:?}");
        assert!(refusal(&error).is_none());
    }
}
