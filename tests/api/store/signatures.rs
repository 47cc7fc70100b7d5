//! Keys and self-signatures at import: rule I4.

use std::sync::Arc;

use mutual_trust::certificate::{Certificate, KeyKind, KeyPolicy};
use mutual_trust::error::{KeyRefusal, SettingError, StoreError as E};
use mutual_trust::store::{Report, StoreWarning as W};
use mutual_trust::{AuthorityScope, PinScope, TrustStore};

use crate::store::common::*;
use crate::support::der::{bytes, parts, tree};
use crate::support::pki::spec;
use crate::support::*;

const RSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];

fn with_keys(keys: KeyPolicy) -> TrustStore {
    TrustStore::new(keys).with_clock(Arc::new(now()))
}

fn pin(certificate: &Certificate) -> Result<Report, E> {
    store().install_pin(PinScope::Clients, certificate.clone(), options())
}

fn authority(certificate: &Certificate) -> Result<Report, E> {
    store().install_authority(AuthorityScope::AnyServer, certificate.clone(), options())
}

#[test]
fn keys_of_every_supported_kind_are_installed() {
    for name in [
        "ee-rsa2048",
        "ee-rsa3072",
        "ee-rsa4096",
        "ee-p256",
        "ee-p384",
        "ee-ed25519",
        "v1",
    ] {
        for (which, provider) in providers() {
            let mut store = with_keys(mutual_trust::tls::key_policy(&provider));
            let report = store.install_pin(PinScope::Clients, fixture(name), options());
            let report = report.unwrap_or_else(|error| panic!("{which} {name}: {error}"));
            assert!(report.warnings().is_empty(), "{which} {name}: {report}");
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn p521_is_installed_where_the_provider_verifies_it() {
    let provider = mutual_trust::tls::provider::aws_lc_rs();
    let mut store = with_keys(mutual_trust::tls::key_policy(&provider));
    let report = store.install_pin(PinScope::Clients, fixture("ee-p521"), options());
    assert_added(&report.unwrap());
}

#[cfg(feature = "ring")]
#[test]
fn a_key_that_the_provider_does_not_verify_is_refused() {
    let provider = mutual_trust::tls::provider::ring();
    let mut store = with_keys(mutual_trust::tls::key_policy(&provider));
    refused!(
        store,
        store.install_pin(PinScope::Clients, fixture("ee-p521"), options()),
        E::Key(KeyRefusal::Unsupported {
            key: KeyKind::P521,
            ..
        })
    );
}

#[test]
fn a_policy_may_ask_for_longer_rsa_keys_and_never_for_shorter_ones() {
    let mut store = with_keys(keys().require_rsa_bits(3072).unwrap());
    refused!(
        store,
        store.install_pin(PinScope::Clients, fixture("ee-rsa2048"), options()),
        E::Key(KeyRefusal::Weak {
            key: KeyKind::Rsa { bits: 2048, .. },
            min_bits: 3072,
            ..
        })
    );
    assert_added(
        &store
            .install_pin(PinScope::Clients, fixture("ee-rsa3072"), options())
            .unwrap(),
    );
    assert_added(
        &store
            .install_pin(PinScope::Clients, fixture("ee-p256"), options())
            .unwrap(),
    );
    // A further call demands more, and none less; below 2048 there is nothing to demand.
    let strict = keys().require_rsa_bits(3072).unwrap();
    assert!(strict.require_rsa_bits(3072).is_ok() && strict.require_rsa_bits(4096).is_ok());
    assert!(matches!(
        strict.require_rsa_bits(2048),
        Err(SettingError::Lowered {
            found: 2048,
            set: 3072,
            ..
        })
    ));
    for out_of_range in [0, 1024, 2047, 8193, u32::MAX] {
        assert!(matches!(
            keys().require_rsa_bits(out_of_range),
            Err(SettingError::OutOfRange {
                least: 2048,
                most: 8192,
                ..
            })
        ));
    }
    let mut store = with_keys(keys().require_rsa_bits(2048).unwrap());
    assert_added(
        &store
            .install_pin(PinScope::Clients, fixture("ee-rsa2048"), options())
            .unwrap(),
    );
    refused!(
        store,
        store.install_pin(PinScope::Clients, fixture("rsa1024"), options()),
        E::Key(KeyRefusal::Weak { min_bits: 2048, .. })
    );
}

#[test]
fn a_policy_without_algorithms_installs_nothing() {
    let mut store = with_keys(KeyPolicy::new(&[]));
    for name in ["ee-p256", "ee-rsa2048", "ee-ed25519"] {
        refused!(
            store,
            store.install_pin(PinScope::Clients, fixture(name), options()),
            E::Key(KeyRefusal::Unsupported { .. })
        );
    }
}

#[test]
fn an_unknown_kind_of_key_is_refused() {
    let mut der = tree(&fixture("chain-server"));
    // id-ecPublicKey on a curve that no provider has.
    *der.field(6).at(&[0, 1]).content() = vec![0x2a, 0x03, 0x04];
    let certificate = Certificate::from_der(&der.write()).unwrap();
    let mut store = with_servers(&["s"]);
    refused!(
        store,
        store.install_pin(server("s"), certificate.clone(), options()),
        E::Key(KeyRefusal::Unsupported {
            key: KeyKind::Other,
            oid: Some(oid),
            ..
        }) if &**oid == "curve 1.2.3.4"
    );
}

#[test]
fn a_key_that_is_not_in_the_form_of_its_kind_is_refused() {
    // I4: no provider verifies with these. The signature is another key's, so that it is not judged.
    let issuer = new_ca();
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let made = [
        ("P-256", spec("x").signed_by(&issuer)),
        ("Ed25519", spec("x").key(ed25519).signed_by(&issuer)),
    ];
    let mut installed = Vec::new();
    for (kind, leaf) in made {
        let mut der = tree(&leaf.certificate);
        let good = der.field(6).at(&[1]).content().clone();
        assert_added(&pin(&leaf.certificate).unwrap());
        for (what, bad) in [
            ("empty", vec![0]),
            ("a byte short", good[..good.len() - 1].to_vec()),
            ("a byte long", [&good[..], &[0]].concat()),
            ("bits left over", [&[7], &good[1..]].concat()),
            ("half", good[..good.len() / 2].to_vec()),
        ] {
            *der.field(6).at(&[1]).content() = bad;
            if let Ok(certificate) = Certificate::from_der(&der.write())
                && pin(&certificate).is_ok()
            {
                installed.push(format!("{kind}, {what}"));
            }
        }
    }
    assert!(installed.is_empty(), "{installed:#?}");
}

#[test]
fn a_key_under_which_nothing_verifies_is_refused_in_every_slot() {
    // I4. The signatures are another key's, so that they are not judged.
    let issuer = new_ca();
    let leaf = spec("x").signed_by(&issuer).certificate;
    let below = spec("y").ca().signed_by(&issuer).certificate;
    for good in [&leaf, &below] {
        let mut der = tree(good);
        *der.field(6).at(&[1]).content().last_mut().unwrap() ^= 1;
        let bad = Certificate::from_der(&der.write()).unwrap();
        assert!(is_useless(pin(&bad).unwrap_err()));
        if bad.is_ca() {
            assert!(authority(good).is_ok() && is_useless(authority(&bad).unwrap_err()));
            let result = store().install_intermediate(bad, options());
            assert!(is_useless(result.unwrap_err()));
        }
    }
    for name in [
        "off-curve",
        "zero",
        "rsa-e1",
        "rsa-e2",
        "rsa-even",
        "rsa-long-exponent",
    ] {
        assert!(
            is_useless(pin(&fixture(&format!("field/key-{name}"))).unwrap_err()),
            "{name}"
        );
    }
}

fn is_useless(error: E) -> bool {
    matches!(error, E::Key(KeyRefusal::VerifiesNothing { .. }))
}

#[test]
fn a_wrong_self_signature_is_refused_in_every_slot() {
    let broken = fixture("broken-self-signature");
    assert!(matches!(pin(&broken), Err(E::WrongSelfSignature)));
    for name in ["ca-root", "openssl-req-san"] {
        let mut der = fixture(name).der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        let broken = Certificate::from_der(&der).unwrap();
        assert!(matches!(pin(&broken), Err(E::WrongSelfSignature)), "{name}");
        assert!(
            matches!(authority(&broken), Err(E::WrongSelfSignature)),
            "{name}"
        );
        let result = store().install_intermediate(broken, options());
        assert!(matches!(result, Err(E::WrongSelfSignature)), "{name}");
    }
    // openssl-req-san has an AKI that names its own key: that does not excuse it.
    assert!(fixture("openssl-req-san").authority_key_id().is_some());
    // Version 1, which states no key identifiers.
    let mut der = fixture("v1").der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let broken = Certificate::from_der(&der).unwrap();
    assert!(matches!(pin(&broken), Err(E::WrongSelfSignature)));
}

#[test]
fn a_self_issued_certificate_that_names_no_other_key_must_have_signed_itself() {
    let certificate = fixture("self-issued-other-key");
    assert!(certificate.is_self_issued() && certificate.authority_key_id().is_none());
    assert!(matches!(pin(&certificate), Err(E::WrongSelfSignature)));
}

#[test]
fn the_signature_of_another_key_is_not_judged() {
    // Self-issued, and the AKI names the key that signed.
    let certificate = fixture("self-issued-aki-other");
    assert!(certificate.is_self_issued());
    assert_added(&pin(&certificate).unwrap());
    // Issued by another, and damaged: without its issuer nothing can be said.
    let mut der = fixture("chain-server").der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let damaged = Certificate::from_der(&der).unwrap();
    let mut store = with_servers(&["s"]);
    assert_added(&store.install_pin(server("s"), damaged, options()).unwrap());
    // An authority that another key signed, as a cross-signed or subordinate CA is.
    let issuer = new_ca();
    let below = spec("root").ca().signed_by(&issuer).certificate();
    assert!(below.is_self_issued() && below.authority_key_id() != below.subject_key_id());
    assert_added(&authority(&below).unwrap());
}

#[test]
fn a_signature_of_its_own_that_the_provider_cannot_verify_is_a_warning_in_every_slot() {
    // SHA-1.
    let report = pin(&fixture("sha1-self-signed")).unwrap();
    let expected = |warning: &W| matches!(warning, W::SelfSignatureUnsupported { algorithm, .. } if algorithm == "RSA with SHA-1 (1.2.840.113549.1.1.5)");
    assert!(report.warnings().items().iter().all(expected), "{report}");
    assert_eq!(report.warnings().len(), 1);

    let mut der = tree(&fixture("openssl-req-default"));
    *der.field(2).at(&[0]).content() = RSA_SHA1.to_vec();
    *der.at(&[1, 0]).content() = RSA_SHA1.to_vec();
    let ca = Certificate::from_der(&der.write()).unwrap();
    // RFC 5280 section 6.1: the signature that an anchor carries is no part of path validation.
    let intermediate = store().install_intermediate(ca.clone(), options());
    for report in [authority(&ca), intermediate, pin(&ca)] {
        let report = report.unwrap();
        assert!(report.warnings().items().iter().any(expected), "{report}");
        assert!(report.to_string().contains("SHA-1"), "{report}");
    }
    // As they come from the field.
    for name in ["told/rootsha1", "told/sha1ca"] {
        let report = authority(&fixture(name)).unwrap();
        assert!(report.warnings().items().iter().all(expected), "{report}");
    }
    // What can be verified must be right, as before.
    let mut der = tree(&fixture("told/root"));
    *der.at(&[2]).content().last_mut().unwrap() ^= 1;
    let wrong = Certificate::from_der(&der.write()).unwrap();
    let error = authority(&wrong).unwrap_err();
    assert!(matches!(error, E::WrongSelfSignature), "{error:?}");
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_no_way_around_the_check() {
    // A P-256 certificate that says it was signed with RSA and SHA-256, which the provider has.
    let mut der = tree(&fixture("ca-false"));
    let algorithm = tree(&fixture("ee-rsa2048")).at(&[1]).clone();
    *der.field(2) = algorithm.clone();
    *der.at(&[1]) = algorithm;
    let certificate = Certificate::from_der(&der.write()).unwrap();
    // No key on P-256 has made that.
    let error = pin(&certificate).unwrap_err();
    assert!(matches!(error, E::WrongSelfSignature), "{error:?}");
    let mut der = tree(&fixture("ca-root"));
    let algorithm = tree(&fixture("ee-rsa2048")).at(&[1]).clone();
    *der.field(2) = algorithm.clone();
    *der.at(&[1]) = algorithm;
    let certificate = Certificate::from_der(&der.write()).unwrap();
    let error = authority(&certificate).unwrap_err();
    assert!(matches!(error, E::WrongSelfSignature), "{error:?}");
}

#[test]
fn no_changed_bit_of_a_self_signed_certificate_is_installed_unless_it_names_another_issuer() {
    // I4: the bits of a subject or issuer make it a certificate that another name issued, which is not judged.
    let mut wrong = Vec::new();
    for name in ["ca-false", "ca-root", "ee-ed25519"] {
        let whole = fixture(name);
        let mut der = whole.der().to_vec();
        let (mut refused, mut installed) = (0, 0);
        for place in 0..der.len() * 8 {
            let (byte, bit) = (place / 8, 1 << (place % 8));
            der[byte] ^= bit;
            if let Ok(changed) = Certificate::from_der(&der) {
                match pin(&changed) {
                    Ok(_) => {
                        installed += 1;
                        if changed.is_self_issued() {
                            wrong.push(format!("{name}: bit {bit:#x} of byte {byte}"));
                        }
                    }
                    Err(_) => refused += 1,
                }
            }
            der[byte] ^= bit;
        }
        assert!(
            refused > installed && installed > 0,
            "{name}: {refused} {installed}"
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_authority_key_identifier_that_names_issuer_and_serial_number_of_another_is_not_judged() {
    // RFC 5280 section 4.2.1.1: the AKI may name the key by issuer and serial number instead.
    let issuer = new_ca();
    let made = spec("root").no_authority_key_id().signed_by(&issuer);
    let with_aki = |serial: &[u8]| {
        let mut der = tree(&made.certificate);
        let name = der.field(3).clone();
        let value = parts(
            0x30,
            vec![
                parts(0xa1, vec![parts(0xa4, vec![name])]),
                bytes(0x82, serial),
            ],
        );
        let extension = parts(
            0x30,
            vec![
                bytes(0x06, &[0x55, 0x1d, 0x23]),
                bytes(0x04, &value.write()),
            ],
        );
        der.extensions().push(extension);
        Certificate::from_der(&der.write()).unwrap()
    };
    let other = with_aki(issuer.certificate.serial());
    assert!(other.is_self_issued());
    assert_added(&pin(&other).unwrap());
    // It names its own number, and so its own key: that key did not sign.
    let own = with_aki(made.certificate.serial());
    assert!(matches!(pin(&own), Err(E::WrongSelfSignature)));
}
