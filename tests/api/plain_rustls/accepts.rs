//! What plain rustls accepts although no operator meant it.

use std::time::Duration;

use mutual_trust::error::{IdentityError, StoreError};
use mutual_trust::tls::Identity;
use mutual_trust::{AuthorityScope, Crl, EntryOptions, ReasonCode};
use pki_types::CertificateDer;
use pki_types::CertificateRevocationListDer;
use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, SerialNumber};
use rustls::{CertificateError, Error};

use crate::plain_rustls::{
    client_verifier, ours_accepts, ours_refuses, plain_accepts, plain_refuses, server_verifier,
    trusting,
};
use crate::support::crl::{HOUR, crl as support_crl, entry};
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, fixture, fixture_key, host, now, server_id};

#[test]
fn plain_rustls_takes_the_key_of_an_installed_server_for_a_ca_of_every_host_and_we_do_not() {
    // I3, P8
    for setting in settings() {
        for name in ["ca-false", "no-basic-constraints", "openssl-req-san", "v1"] {
            let installed = fixture(name);
            let signed = format!("leaf-signed-by-pin-{name}-other");
            let attacker = Credential::fixture(&signed, &signed);
            plain_accepts(&setting, &[&installed], &attacker, "other.example");

            let mut store = setting.pinning_server(&installed);
            store
                .add_server(server_id("keys-2"), [host("other.example")])
                .unwrap();
            let nothing = ReasonCode::NothingInstalled;
            ours_refuses(&setting, store, &attacker, "other.example", nothing);
            let store = setting.pinning_server(&installed);
            let signed = ReasonCode::IssuedByPin;
            ours_refuses(&setting, store, &attacker, "kms1.example", signed);
        }
    }
}

#[test]
fn plain_rustls_takes_the_key_of_an_installed_client_for_a_ca_of_clients_and_we_do_not() {
    // I3, P7
    for setting in settings() {
        let installed = fixture("ca-false");
        let signed = "leaf-signed-by-pin-ca-false-other";
        let attacker = setting.client_of(&Credential::fixture(signed, signed));
        let own = self_signed("kms1.example");
        let resolver = Credential::of(&own, &[]).resolver(&setting.provider);
        let verifier = client_verifier(&setting, &[&installed]);
        let server = setting.plain_server_verifying(verifier, resolver);
        handshake(&attacker, &server, "kms1.example").expect_link(&setting.name);

        let mut store = setting.pinning_client(&installed);
        let server = setting.server(store.snapshot(), own.identity(&[], &setting.provider));
        let outcome = handshake(&attacker, &server.build().unwrap(), "kms1.example");
        outcome.expect_server_refuses(&setting.name, ReasonCode::IssuedByPin);
    }
}

#[test]
fn plain_rustls_gives_an_installed_certificate_no_priority_over_a_ca_and_we_make_it_exclusive() {
    // P2
    for setting in settings() {
        let server = self_signed("kms1.example");
        let ca = pki("Example");
        let other_key = spec("")
            .dns("kms1.example")
            .server_auth()
            .signed_by(&ca.root);
        let attacker = Credential::of(&other_key, &[]);
        let installed = [&server.certificate, &ca.root.certificate];
        plain_accepts(&setting, &installed, &attacker, "kms1.example");

        let mut store = setting.pinning_server(&server.certificate);
        let (scope, options) = (AuthorityScope::AnyServer, EntryOptions::new());
        store
            .install_authority(scope, ca.root.certificate(), options)
            .unwrap();
        let reason = ReasonCode::AuthoritiesNotAsked;
        ours_refuses(&setting, store, &attacker, "kms1.example", reason);
    }
}

#[test]
fn plain_rustls_accepts_under_an_expired_ca_and_we_do_not() {
    // C1
    for setting in settings() {
        let root = fixture("ca-expired");
        let server = Credential::fixture("ca-expired-leaf", "ca-expired-leaf");
        plain_accepts(&setting, &[&root], &server, "kms1.example");
        let reason = ReasonCode::IssuerExpired;
        ours_refuses(
            &setting,
            trusting(&setting, &root),
            &server,
            "kms1.example",
            reason,
        );
    }
}

#[test]
fn plain_rustls_accepts_a_certificate_renewed_with_the_key_of_the_installed_one_and_we_ask_for_that()
 {
    // M1
    for setting in settings() {
        let installed = fixture("reissued-old");
        let renewed = Credential::fixture("reissued-new", "reissued");
        plain_accepts(&setting, &[&installed], &renewed, "kms1.example");
        let reason = ReasonCode::RenewedWithSameKey;
        let store = setting.pinning_server(&installed);
        ours_refuses(&setting, store, &renewed, "kms1.example", reason);

        let mut store = setting.listing_server();
        let options = EntryOptions::new().with_matching(mutual_trust::PinMatch::PublicKey);
        let scope = mutual_trust::PinScope::Server(keys_1());
        store.install_pin(scope, installed, options).unwrap();
        ours_accepts(&setting, store, &renewed, "kms1.example");
    }
}

#[test]
fn plain_rustls_accepts_under_a_ca_that_may_not_sign_certificates_and_we_do_not_install_it() {
    // I2, C1
    for setting in settings() {
        let no_cert_sign = spec("root")
            .ca()
            .key_usage(&[rcgen::KeyUsagePurpose::CrlSign]);
        let no_cert_sign = no_cert_sign.self_signed();
        let leaf = spec("")
            .dns("kms1.example")
            .server_auth()
            .signed_by(&no_cert_sign);
        let server = Credential::of(&leaf, &[]);
        plain_accepts(
            &setting,
            &[&no_cert_sign.certificate],
            &server,
            "kms1.example",
        );
        let mut store = setting.listing_server();
        let (scope, options) = (AuthorityScope::AnyServer, EntryOptions::new());
        let refused = store.install_authority(scope, no_cert_sign.certificate(), options);
        assert!(matches!(refused, Err(StoreError::NoKeyCertSign)));

        // As an intermediate below one that may.
        let root = spec("root").ca().self_signed();
        let middle = spec("middle")
            .ca()
            .key_usage(&[rcgen::KeyUsagePurpose::CrlSign]);
        let middle = middle.signed_by(&root);
        let leaf = spec("")
            .dns("kms1.example")
            .server_auth()
            .signed_by(&middle);
        let server = Credential::of(&leaf, &[&middle]);
        plain_accepts(&setting, &[&root.certificate], &server, "kms1.example");
        let store = trusting(&setting, &root.certificate);
        let reason = ReasonCode::IssuerCannotSign;
        ours_refuses(&setting, store, &server, "kms1.example", reason);
    }
}

#[test]
fn a_wrong_private_key_is_refused_by_both_and_a_resolver_made_by_hand_takes_it() {
    // K1
    for setting in settings() {
        let wrong = Credential::fixture("ee-p256", "p256-b");
        let key = pki_types::PrivatePkcs8KeyDer::from(wrong.key.clone());
        let built = rustls::ServerConfig::builder_with_provider(setting.provider.clone())
            .with_protocol_versions(&[setting.rustls_version()])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(wrong.chain.clone(), key.into());
        let mismatch = Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch);
        assert_eq!(built.err(), Some(mismatch), "{}", setting.name);
        // A resolver that is given a key as it is says nothing when it is built …
        let config = setting.plain_server(wrong.resolver(&setting.provider));
        let own = Credential::of(&self_signed("array-7.example"), &[]);
        let verifier = server_verifier(&setting, &[&fixture("ee-p256")], Vec::new());
        let resolver = own.resolver(&setting.provider);
        let client = setting.plain_client_verifying(verifier, resolver);
        let outcome = handshake(&client, &config, "kms1.example");
        // … and the peer says this.
        let bad = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(outcome.client, Err(bad), "{}", setting.name);

        let pem = fixture("ee-p256").to_pem();
        let ours = Identity::from_pem(pem.as_bytes(), &fixture_key("p256-b"), &setting.provider);
        assert!(matches!(ours, Err(IdentityError::KeyMismatch { .. })));
    }
}

/// A revocation list of `issuer` that is current for a day around `this_update`.
fn crl(
    issuer: &Made,
    number: u64,
    this_update: u64,
    revoked: Option<u64>,
) -> CertificateRevocationListDer<'static> {
    let time = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap();
        time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    };
    let revoked = revoked.map(|serial| rcgen::RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: time(this_update),
        reason_code: None,
        invalidity_date: None,
    });
    let key = KeyPair::try_from(issuer.key.serialized_der()).unwrap();
    let issuer =
        Issuer::from_ca_cert_der(&CertificateDer::from(issuer.certificate.der()), key).unwrap();
    let params = CertificateRevocationListParams {
        this_update: time(this_update),
        next_update: time(this_update + DAY),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked.into_iter().collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&issuer).unwrap().der().to_vec().into()
}

fn with_crls(
    setting: &Setting,
    root: &Made,
    crls: Vec<CertificateRevocationListDer<'static>>,
    server: &Credential,
) -> Result<(), Error> {
    let verifier = server_verifier(setting, &[&root.certificate], crls);
    let own = Credential::of(&self_signed("array-7.example"), &[]);
    let client = setting.plain_client_verifying(verifier, own.resolver(&setting.provider));
    handshake(&client, &setting.server_of(server), "kms1.example").client
}

#[test]
fn plain_rustls_uses_the_first_revocation_list_and_lets_it_expire_and_we_ask_all_that_are_current()
{
    // C4
    for setting in settings() {
        let root = spec("root").ca().self_signed();
        let leaf = spec("")
            .serial(77)
            .dns("kms1.example")
            .server_auth()
            .signed_by(&root);
        let server = Credential::of(&leaf, &[]);
        let older = crl(&root, 1, NOW - DAY / 2, None);
        let newer = crl(&root, 2, NOW - DAY / 4, Some(77));
        let revoked = Err(Error::InvalidCertificate(CertificateError::Revoked));
        let ours = |lists: &[&CertificateRevocationListDer<'static>]| {
            let mut store = trusting(&setting, &root.certificate);
            for list in lists {
                // The older one does not take the place of the newer one.
                let _ = store.install_crl(Crl::from_der(list).unwrap());
            }
            store
        };
        for lists in [[&older, &newer], [&newer, &older]] {
            let reason = ReasonCode::Revoked;
            ours_refuses(&setting, ours(&lists), &server, "kms1.example", reason);
        }
        ours_accepts(&setting, ours(&[&older]), &server, "kms1.example");
        let both = vec![newer.clone(), older.clone()];
        assert_eq!(with_crls(&setting, &root, both, &server), revoked);
        let both = vec![older, newer];
        assert_eq!(with_crls(&setting, &root, both, &server), Ok(()));
        // Two that are in force side by side, since neither says that it is the newer one: both are asked.
        let silent = support_crl().number(1).signed_by(&root);
        let revoking = support_crl().no_number().entry(entry(&[77]));
        let revoking = revoking.signed_by(&root);
        for lists in [[&silent, &revoking], [&revoking, &silent]] {
            let mut store = trusting(&setting, &root.certificate);
            for list in lists {
                store.install_crl(list.clone()).unwrap();
            }
            assert_eq!(store.contents().crls().count(), 2);
            let reason = ReasonCode::Revoked;
            ours_refuses(&setting, store, &server, "kms1.example", reason);
        }
        // One that ended an hour ago counts for two hours more if the policy says so.
        let day = i64::try_from(DAY).unwrap();
        let ended = support_crl().valid(-day, -HOUR).signed_by(&root);
        for (grace, reason) in [(1, Some(ReasonCode::CrlExpired)), (2, None)] {
            let mut store = trusting(&setting, &root.certificate);
            store.install_crl(ended.clone()).unwrap();
            let grace = setting
                .policy()
                .with_crl_grace(Duration::from_secs(grace * 3600))
                .unwrap();
            let own = self_signed("array-7.example").identity(&[], &setting.provider);
            let config = setting.client_with(store.snapshot(), own, grace, now());
            let config = config.build_by_name().unwrap();
            let outcome = handshake(&config, &setting.server_of(&server), "kms1.example");
            match reason {
                Some(reason) => drop(outcome.expect_client_refuses(&setting.name, reason)),
                None => outcome.expect_link(&setting.name),
            }
        }
        // One that ended a year ago still says that nothing is revoked.
        let expired = crl(&root, 3, NOW - 365 * DAY, None);
        let reason = ReasonCode::CrlExpired;
        ours_refuses(&setting, ours(&[&expired]), &server, "kms1.example", reason);
        assert_eq!(with_crls(&setting, &root, vec![expired], &server), Ok(()));
    }
}

#[test]
fn plain_rustls_and_we_accept_the_same_ordinary_chain_and_refuse_a_stranger() {
    // The control: on ordinary input there is no difference
    for setting in settings() {
        let ca = pki("Example");
        let server = Credential::of(&ca.server("kms1.example"), &[&ca.intermediate]);
        plain_accepts(&setting, &[&ca.root.certificate], &server, "kms1.example");
        let store = trusting(&setting, &ca.root.certificate);
        ours_accepts(&setting, store, &server, "kms1.example");

        let other = pki("Other");
        let error = plain_refuses(
            &setting,
            &[&other.root.certificate],
            &server,
            "kms1.example",
        );
        assert_eq!(error, CertificateError::UnknownIssuer);
        let store = trusting(&setting, &other.root.certificate);
        ours_refuses(
            &setting,
            store,
            &server,
            "kms1.example",
            ReasonCode::UnknownIssuer,
        );
    }
}
