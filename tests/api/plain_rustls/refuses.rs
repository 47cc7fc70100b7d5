//! What plain rustls refuses although an operator installed it.

use mutual_trust::{EntryOptions, PinScope, TrustStore};
use rustls::CertificateError;

use crate::plain_rustls::{by_webpki, ours_accepts, plain_refuses};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{fixture, host, server_id};

fn itself(name: &str) -> Credential {
    Credential::fixture(name, name)
}

fn not_for_name(error: &CertificateError) -> bool {
    matches!(error, CertificateError::NotValidForNameContext { .. })
}

#[test]
fn plain_rustls_refuses_what_openssl_req_makes_since_it_is_a_ca_and_we_take_it_as_a_pin() {
    // M1
    for setting in settings() {
        for name in ["openssl-req-default", "openssl-req-san"] {
            let installed = fixture(name);
            let error = plain_refuses(&setting, &[&installed], &itself(name), "kms1.example");
            assert_eq!(
                by_webpki(&error),
                webpki::Error::CaUsedAsEndEntity,
                "{name}"
            );
            let store = setting.pinning_server(&installed);
            ours_accepts(&setting, store, &itself(name), "kms1.example");
        }
    }
}

#[test]
fn plain_rustls_refuses_certificates_of_version_1_and_we_take_them_as_pins() {
    // M2
    for setting in settings() {
        let installed = fixture("v1");
        let error = plain_refuses(&setting, &[&installed], &itself("v1"), "kms1.example");
        assert_eq!(by_webpki(&error), webpki::Error::UnsupportedCertVersion);
        let store = setting.pinning_server(&installed);
        ours_accepts(&setting, store, &itself("v1"), "kms1.example");
    }
}

#[test]
fn plain_rustls_refuses_a_certificate_without_names_and_we_take_it_as_a_pin() {
    // M5: keytool's default
    for setting in settings() {
        let installed = fixture("keytool-default");
        let server = itself("keytool-default");
        let error = plain_refuses(&setting, &[&installed], &server, "kms1.example");
        assert!(not_for_name(&error), "{error:?}");
        let store = setting.pinning_server(&installed);
        ours_accepts(&setting, store, &server, "kms1.example");
    }
}

#[test]
fn plain_rustls_refuses_a_replicated_certificate_on_a_second_server_and_we_take_it_for_a_group() {
    // P2, M5
    for setting in settings() {
        let made = self_signed("kms1.example");
        let server = Credential::of(&made, &[]);
        let error = plain_refuses(&setting, &[&made.certificate], &server, "kms2.example");
        assert!(not_for_name(&error), "{error:?}");
        ours_accepts(
            &setting,
            replicated(&setting, &made.certificate),
            &server,
            "kms2.example",
        );
    }
}

fn replicated(setting: &Setting, certificate: &mutual_trust::Certificate) -> TrustStore {
    let mut store = setting.listing_server();
    let second = server_id("keys-2");
    store
        .add_server(second.clone(), [host("kms2.example")])
        .unwrap();
    let group = "site-a".parse().unwrap();
    store.add_group("site-a".parse().unwrap()).unwrap();
    for id in [keys_1(), second] {
        store.join_group(&group, &id).unwrap();
    }
    pin(&mut store, PinScope::Group(group), certificate);
    store
}

#[test]
fn plain_rustls_refuses_an_address_that_is_spelled_as_ipv6_and_we_know_it() {
    // Names are normalised in one function
    for setting in settings() {
        let made = spec("kms1").ip("127.0.0.1").self_signed();
        let server = Credential::of(&made, &[]);
        let mapped = "::ffff:127.0.0.1";
        let error = plain_refuses(&setting, &[&made.certificate], &server, mapped);
        assert!(not_for_name(&error), "{error:?}");
        let store = setting.pinning_server(&made.certificate);
        ours_accepts(&setting, store, &server, mapped);
    }
}

#[test]
fn plain_rustls_refuses_any_extended_key_usage_and_we_take_it_in_a_pin() {
    // M4
    for setting in settings() {
        let installed = fixture("eku-any");
        let error = plain_refuses(&setting, &[&installed], &itself("eku-any"), "kms1.example");
        assert!(
            matches!(error, CertificateError::InvalidPurposeContext { .. }),
            "{error:?}"
        );
        let store = setting.pinning_server(&installed);
        ours_accepts(&setting, store, &itself("eku-any"), "kms1.example");
    }
}

#[test]
fn plain_rustls_refuses_a_critical_policy_extension_and_we_take_it_in_a_pin() {
    // M6: certificatePolicies { anyPolicy }
    for setting in settings() {
        let any_policy = vec![0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0x00];
        let mut policies = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 32], any_policy);
        policies.set_criticality(true);
        let made = spec("kms1.example")
            .dns("kms1.example")
            .params(|params| params.custom_extensions.push(policies))
            .self_signed();
        let server = Credential::of(&made, &[]);
        let error = plain_refuses(&setting, &[&made.certificate], &server, "kms1.example");
        assert_eq!(
            by_webpki(&error),
            webpki::Error::UnsupportedCriticalExtension
        );
        let store = setting.pinning_server(&made.certificate);
        ours_accepts(&setting, store, &server, "kms1.example");
    }
}

#[test]
fn plain_rustls_refuses_a_sha1_self_signature_and_we_take_it_in_a_pin() {
    // I4: a pin is trusted for its bytes
    for setting in settings() {
        let installed = fixture("sha1-self-signed");
        let server = itself("sha1-self-signed");
        let error = plain_refuses(&setting, &[&installed], &server, "kms1.example");
        let algorithm = matches!(
            error,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        );
        assert!(algorithm, "{error:?}");
        let store = setting.pinning_server(&installed);
        ours_accepts(&setting, store, &server, "kms1.example");
    }
}

#[test]
fn plain_rustls_gives_up_among_a_hundred_roots_of_one_name_and_we_find_the_right_one() {
    // C5
    let fakes: Vec<_> = (0..100).map(|_| spec("Root").ca().self_signed()).collect();
    let right = spec("Root").ca().self_signed();
    let leaf = spec("").dns("kms1.example").server_auth().signed_by(&right);
    let server = Credential::of(&leaf, &[]);
    for setting in settings() {
        let few = fakes.iter().take(99).chain([&right]);
        let few: Vec<_> = few.map(|made| &made.certificate).collect();
        crate::plain_rustls::plain_accepts(&setting, &few, &server, "kms1.example");
        let all: Vec<_> = fakes
            .iter()
            .chain([&right])
            .map(|made| &made.certificate)
            .collect();
        let error = plain_refuses(&setting, &all, &server, "kms1.example");
        let budget = webpki::Error::MaximumSignatureChecksExceeded;
        assert_eq!(by_webpki(&error), budget, "{}", setting.name);

        let mut store = setting.listing_server();
        for certificate in all {
            let scope = mutual_trust::AuthorityScope::AnyServer;
            let options = EntryOptions::new();
            store
                .install_authority(scope, certificate.clone(), options)
                .unwrap();
        }
        ours_accepts(&setting, store, &server, "kms1.example");
    }
}
