//! Accepted pins: certificates as the tools make them, forms of matching, and by what name a server is dialled.

use std::time::Duration;

use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::ValidityRule;
use mutual_trust::{
    EntryOptions, PeerIdentity, PinMatch, PinScope, ReasonCode, TrustStore, Verdict,
};
use pki_types::CertificateDer;

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, fixture, fixture_identity, host, server_id};

/// What the tools make, with the key. None of them says that it is a server's or client's certificate.
fn as_tools_make_them() -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        ("openssl-req-default", "openssl-req-default"),
        ("openssl-req-san", "openssl-req-san"),
        ("keytool-default", "keytool-default"),
        ("keytool-san", "keytool-san"),
        ("v1", "v1"),
        ("v1-ca-signed", "v1-ca-signed"),
        ("sha1-self-signed", "sha1-self-signed"),
        ("no-basic-constraints", "no-basic-constraints"),
        ("ca-false", "ca-false"),
        ("ca-root", "ca-root"),
        ("ku-no-cert-sign", "ku-no-cert-sign"),
        ("ku-key-encipherment-only", "ku-key-encipherment-only"),
        ("eku-any", "eku-any"),
        ("empty-subject", "empty-subject"),
        ("not-after-9999", "not-after-9999"),
        ("ip-san-only", "ip-san-only"),
        ("ipv6-san-only", "ipv6-san-only"),
        ("wildcard-san", "wildcard-san"),
        ("self-issued-aki-other", "self-issued-aki-other"),
        ("huge", "huge"),
    ];
    if cfg!(feature = "aws-lc-rs") && !cfg!(feature = "ring") {
        all.push(("keytool-ec", "keytool-ec"));
    }
    all
}

/// Our client with a store, against a server that is not ours.
fn dial(setting: &Setting, mut store: TrustStore, credential: &Credential, name: &str) -> Dialled {
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let builder = setting.client(store.snapshot(), system);
    let server = setting.server_of(credential);
    let outcome = handshake(&builder.build_by_name().unwrap(), &server, name);
    let name = host(name);
    let verdict = outcome.is_ok().then(|| {
        let check = builder.peer_check();
        Verdict::from(check.server(
            mutual_trust::ExpectedServer::Name(&name),
            &outcome.client_connection,
        ))
    });
    Dialled { outcome, verdict }
}

struct Dialled {
    outcome: Outcome,
    verdict: Option<Verdict>,
}

impl Dialled {
    fn accepted(self, what: &str) -> Verdict {
        self.outcome.expect_link(what);
        let verdict = self.verdict.unwrap();
        assert!(verdict.is_accepted(), "{what}: {verdict}");
        verdict
    }
}

#[test]
fn a_pin_serves_a_server_as_the_tools_make_it() {
    // M1, M2, M5
    for setting in settings() {
        for (name, key) in as_tools_make_them() {
            let store = setting.pinning_server(&fixture(name));
            let credential = Credential::fixture(name, key);
            let verdict = dial(&setting, store, &credential, "kms1.example").accepted(name);
            assert_eq!(verdict.reason(), ReasonCode::PinMatched, "{name}");
        }
    }
}

#[test]
fn a_pin_serves_a_client_as_the_tools_make_it() {
    // M1, M2
    for setting in settings() {
        for (name, key) in as_tools_make_them() {
            let mut store = setting.pinning_client(&fixture(name));
            let server = self_signed("kms1.example").identity(&[], &setting.provider);
            let builder = setting.server(store.snapshot(), server);
            let client = setting.client_of(&Credential::fixture(name, key));
            let outcome = handshake(&client, &builder.build().unwrap(), "kms1.example");
            outcome.expect_link(name);
            let verdict = Verdict::from(builder.peer_check().client(&outcome.server_connection));
            assert_eq!(verdict.reason(), ReasonCode::PinMatched, "{name}");
            assert_eq!(verdict.presented(), Some(fixture(name).fingerprint()));
        }
    }
}

#[test]
fn we_present_certificates_of_version_1_and_without_names_ourselves() {
    // K1, M2: the identity of either end need not be one that webpki reads
    for setting in settings() {
        for name in ["v1", "openssl-req-default", "keytool-default"] {
            let ours = || fixture_identity(name, name, &setting.provider);
            let mut for_client = setting.pinning_server(&fixture(name));
            let mut for_server = setting.pinning_client(&fixture(name));
            let client = setting.client(for_client.snapshot(), ours());
            let server = setting.server(for_server.snapshot(), ours());
            handshake(
                &client.build_for(&keys_1()).unwrap(),
                &server.build().unwrap(),
                "kms1.example",
            )
            .expect_link(name);
        }
    }
}

/// DER of an extension's value that our reader accepts and webpki does not read when it is critical.
fn with_critical(oid: &[u64], content: &[u8]) -> Made {
    let mut extension = rcgen::CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(true);
    spec("kms1.example")
        .params(|params| params.custom_extensions.push(extension))
        .self_signed()
}

#[test]
fn a_pin_that_the_path_builder_cannot_read_serves_both_ends() {
    // M2, M6: critical certificatePolicies { 2.5.29.32.0 }, critical issuerAltName { DNS:a }
    let odd = [
        with_critical(
            &[2, 5, 29, 32],
            &[0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0],
        ),
        with_critical(&[2, 5, 29, 18], &[0x30, 0x03, 0x82, 0x01, b'a']),
    ];
    for made in &odd {
        let der = CertificateDer::from(made.certificate.der());
        assert!(webpki::EndEntityCert::try_from(&der).is_err());
    }
    for setting in settings() {
        for made in &odd {
            let mut for_client = setting.pinning_server(&made.certificate);
            let mut for_server = setting.pinning_client(&made.certificate);
            let client =
                setting.client(for_client.snapshot(), made.identity(&[], &setting.provider));
            let server =
                setting.server(for_server.snapshot(), made.identity(&[], &setting.provider));
            handshake(
                &client.build_for(&keys_1()).unwrap(),
                &server.build().unwrap(),
                "kms1.example",
            )
            .expect_link(&setting.name);
        }
    }
}

#[test]
fn a_group_certificate_serves_three_names() {
    // P2, M5: one certificate, replicated
    for setting in settings() {
        let replicated = self_signed("kms1.example");
        let mut store = setting.store();
        let group = "site-a".parse().unwrap();
        store.add_group("site-a".parse().unwrap()).unwrap();
        for number in 1..=3 {
            let id = server_id(&format!("keys-{number}"));
            let name = host(&format!("kms{number}.example"));
            store.add_server(id.clone(), [name]).unwrap();
            store.join_group(&group, &id).unwrap();
        }
        pin(&mut store, PinScope::Group(group), &replicated.certificate);
        let system = self_signed("array-7.example").identity(&[], &setting.provider);
        let builder = setting.client(store.snapshot(), system);
        let server = setting.server_of(&Credential::of(&replicated, &[]));
        for number in 1..=3 {
            let name = format!("kms{number}.example");
            let outcome = handshake(&builder.build_by_name().unwrap(), &server, &name);
            outcome.expect_link(&name);
            let check = builder.peer_check();
            let verdict = Verdict::from(check.server(
                mutual_trust::ExpectedServer::Name(&host(&name)),
                &outcome.client_connection,
            ));
            assert_eq!(verdict.reason(), ReasonCode::PinMatched);
            // The certificate names kms1 alone: a note for the others, no more.
            let noted = verdict.warnings().contains(&VerdictWarning::NameNotCovered);
            assert_eq!(noted, number != 1, "{name}");
        }
    }
}

#[test]
fn a_server_by_id_is_the_same_whatever_address_is_dialled() {
    // P2, M5: an id decides, not the address
    for setting in settings() {
        let server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&server.certificate);
        let system = self_signed("array-7.example").identity(&[], &setting.provider);
        let config = setting
            .client(store.snapshot(), system)
            .build_for(&keys_1());
        let (config, peer) = (
            config.unwrap(),
            setting.server_of(&Credential::of(&server, &[])),
        );
        for name in [
            "kms1.example",
            "elsewhere.example",
            "192.0.2.99",
            "2001:db8::7",
        ] {
            handshake(&config, &peer, name).expect_link(name);
        }
    }
}

#[test]
fn a_listed_name_is_found_in_every_spelling() {
    // Names are normalised in one function
    for setting in settings() {
        let server = self_signed("kms1.example");
        for name in [
            "kms1.example",
            "KMS1.Example",
            "kms1.example.",
            "127.0.0.1",
            "::ffff:127.0.0.1",
        ] {
            let store = setting.pinning_server(&server.certificate);
            let credential = Credential::of(&server, &[]);
            let verdict = dial(&setting, store, &credential, name).accepted(name);
            assert_eq!(verdict.server(), Some(&keys_1()), "{name}");
        }
    }
}

#[test]
fn a_fingerprint_alone_serves_both_ends() {
    // M1
    for setting in settings() {
        let made = self_signed("kms1.example");
        let fingerprint = made.certificate.fingerprint();
        let mut store = setting.listing_server();
        for scope in [PinScope::Server(keys_1()), PinScope::Clients] {
            let options = EntryOptions::new().with_label("by fingerprint");
            store
                .install_pin_fingerprint(scope, fingerprint, options)
                .unwrap();
        }
        let view = store.snapshot();
        let client = setting.client(view.clone(), made.identity(&[], &setting.provider));
        let server = setting.server(view, made.identity(&[], &setting.provider));
        let config = client.build_for(&keys_1()).unwrap();
        let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        let verdict = Verdict::from(server.peer_check().client(&outcome.server_connection));
        assert_eq!(verdict.reason(), ReasonCode::FingerprintMatched);
    }
}

#[test]
fn a_certificate_renewed_with_the_same_key_serves_a_pin_that_matches_by_key() {
    // M1
    for setting in settings() {
        let options = EntryOptions::new().with_matching(PinMatch::PublicKey);
        let mut store = setting.listing_server();
        for scope in [PinScope::Server(keys_1()), PinScope::Clients] {
            store
                .install_pin(scope, fixture("reissued-old"), options.clone())
                .unwrap();
        }
        let view = store.snapshot();
        let renewed = || fixture_identity("reissued-new", "reissued", &setting.provider);
        let client = setting.client(view.clone(), renewed());
        let server = setting.server(view, renewed());
        let config = client.build_for(&keys_1()).unwrap();
        let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        let verdict = Verdict::from(server.peer_check().client(&outcome.server_connection));
        assert_eq!(verdict.reason(), ReasonCode::KeyMatched);
    }
}

#[test]
fn the_next_certificate_serves_beside_the_current_one() {
    // I5: current and next, so that a server renews without downtime
    for setting in settings() {
        let (current, next) = (self_signed("kms1.example"), self_signed("kms1.example"));
        for presented in [&current, &next] {
            let mut store = setting.pinning_server(&current.certificate);
            pin(&mut store, PinScope::Server(keys_1()), &next.certificate);
            let credential = Credential::of(presented, &[]);
            drop(dial(&setting, store, &credential, "kms1.example").accepted(&setting.name));
        }
    }
}

#[test]
fn a_waived_role_and_a_grace_accept_with_their_warnings() {
    // M4, M3
    for setting in settings() {
        let other_role = spec("kms1.example").client_auth().self_signed();
        let mut store = setting.listing_server();
        let options = EntryOptions::new().with_any_role();
        let scope = PinScope::Server(keys_1());
        store
            .install_pin(scope.clone(), other_role.certificate(), options)
            .unwrap();
        let credential = Credential::of(&other_role, &[]);
        let verdict = dial(&setting, store, &credential, "kms1.example").accepted("any_role");
        assert!(verdict.warnings().contains(&VerdictWarning::RoleWaived));

        let day = i64::try_from(DAY).unwrap();
        let expired = spec("kms1.example").valid(-10 * day, -day).self_signed();
        let mut store = setting.listing_server();
        let rule = ValidityRule::Grace(Duration::from_secs(2 * DAY));
        let options = EntryOptions::new().with_validity(rule);
        store
            .install_pin(scope, expired.certificate(), options)
            .unwrap();
        let credential = Credential::of(&expired, &[]);
        let verdict = dial(&setting, store, &credential, "kms1.example").accepted("grace");
        let in_grace = |warning: &VerdictWarning| matches!(warning, VerdictWarning::InGrace { .. });
        assert!(verdict.warnings().iter().any(in_grace));
    }
}

#[test]
fn the_server_learns_the_label_of_the_client_that_it_accepted() {
    // P7
    for setting in settings() {
        let (server, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let mut store = setting.store();
        let options = EntryOptions::new().with_label("array-7");
        store
            .install_pin(PinScope::Clients, system.certificate(), options)
            .unwrap();
        let builder = setting.server(store.snapshot(), server.identity(&[], &setting.provider));
        let client = setting.client_of(&Credential::of(&system, &[]));
        let outcome = handshake(&client, &builder.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        let verdict = Verdict::from(builder.peer_check().client(&outcome.server_connection));
        let PeerIdentity::Pin {
            fingerprint, label, ..
        } = verdict.peer().unwrap()
        else {
            panic!("{verdict}");
        };
        assert_eq!(fingerprint, system.certificate.fingerprint());
        assert_eq!(label.as_deref(), Some("array-7"));
    }
}
