//! Generated keys and self-signed certificates: their fields for this crate and for OpenSSL, and their use in
//! connections.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;

use mutual_trust::certificate::SanName;
use mutual_trust::error::{IssueError, SubjectError};
use mutual_trust::identity::{
    CertificateSpec, GeneratedKey, IfExists, KeyType, PrivateKey, SubjectPart,
};
use mutual_trust::limits::{BACKDATE, MAX_VALIDITY_DAYS};
use mutual_trust::tls::SigningKeyPair;
use mutual_trust::{CurrentTime, Identity};
use rustls::crypto::CryptoProvider;

use crate::support::folder::Folder;
use crate::support::handshake::handshake;
use crate::support::link::{keys_1, settings};
use crate::support::openssl::{below, openssl};
use crate::support::{DAY, NOW, at, host, now, provider};

/// The types of keys that can be generated here, except those that few peers support.
pub(crate) fn kinds() -> Vec<KeyType> {
    let rsa = [KeyType::Rsa2048, KeyType::Rsa3072, KeyType::Rsa4096];
    let makes = |kind: &KeyType| {
        !ML_DSA.contains(kind) && (cfg!(feature = "aws-lc-rs") || !rsa.contains(kind))
    };
    KeyType::ALL.iter().copied().filter(makes).collect()
}

/// The types that OpenSSL 3.0, ring and TLS 1.2 do not support.
const ML_DSA: [KeyType; 3] = [KeyType::MlDsa44, KeyType::MlDsa65, KeyType::MlDsa87];

pub(crate) fn own_key(kind: KeyType, provider: &CryptoProvider) -> SigningKeyPair {
    let key = if kind.to_string().starts_with("RSA") {
        PrivateKey::from_pem(&rsa_key(kind)).unwrap()
    } else {
        GeneratedKey::generate(kind).unwrap().into_key().unwrap()
    };
    SigningKeyPair::new(key, provider).unwrap()
}

/// Generated once and stored, because it takes long.
fn rsa_key(kind: KeyType) -> Vec<u8> {
    static MADE: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let pem = made.entry(kind.to_string()).or_insert_with(|| {
        let folder = Folder::new(&format!("made-{kind}"));
        let path = folder.file("key.pem");
        let new = GeneratedKey::generate(kind).unwrap();
        new.write(&path, IfExists::Refuse).unwrap();
        fs::read(path).unwrap()
    });
    pem.clone()
}

pub(crate) fn spec() -> CertificateSpec {
    CertificateSpec::new("array-7")
        .unwrap()
        .with_subject(SubjectPart::Country, "DE")
        .unwrap()
        .with_subject(SubjectPart::Organization, "Müller & Söhne")
        .unwrap()
        .with_dns_name(host("array-7.example"))
        .with_dns_name(host("192.0.2.7"))
        .with_dns_name(host("2001:db8::7"))
}

fn made(kind: KeyType) -> Identity {
    let key = own_key(kind, &provider());
    key.self_signed(&spec(), 730, now()).unwrap()
}

#[test]
fn the_certificate_says_what_key_servers_want_and_nothing_more() {
    for kind in kinds() {
        let identity = made(kind);
        let certificate = identity.certificate();
        assert_eq!(certificate.version(), 3, "{kind}");
        assert!(certificate.subject().contains("CN=array-7"), "{kind}");
        assert_eq!(certificate.subject_der(), certificate.issuer_der());
        let constraints = certificate.basic_constraints().unwrap();
        assert!(!constraints.ca && constraints.path_len.is_none(), "{kind}");
        let usage = certificate.key_usage().unwrap();
        assert!(usage.digital_signature(), "{kind}");
        assert!(!usage.key_cert_sign() && !usage.crl_sign(), "{kind}");
        let extended = certificate.extended_key_usage().unwrap();
        assert!(extended.client_auth && extended.server_auth && !extended.any);
        let names: Vec<SanName<'_>> = certificate.names().collect();
        assert_eq!(
            names,
            [
                SanName::Dns("array-7.example"),
                SanName::Ip("192.0.2.7".parse().unwrap()),
                SanName::Ip("2001:db8::7".parse().unwrap()),
            ]
        );
        let validity = certificate.validity();
        let from = i64::try_from(NOW - BACKDATE.as_secs()).unwrap();
        assert_eq!(validity.not_before().seconds(), from, "{kind}");
        let to = i64::try_from(NOW + 730 * DAY).unwrap();
        assert_eq!(validity.not_after().seconds(), to, "{kind}");
        assert_eq!(certificate.subject_key_id().unwrap().len(), 20, "{kind}");
        // The certificate states the requested kind of key.
        assert_eq!(certificate.key_kind().to_string(), kind.to_string());
    }
}

#[test]
fn openssl_reads_the_key_and_verifies_the_certificate_for_both_roles() {
    let Some(openssl) = openssl("self-signed") else {
        return;
    };
    for kind in kinds() {
        let new = GeneratedKey::generate(kind).unwrap();
        let file = openssl.path().join("own.key");
        new.write(&file, IfExists::Replace).unwrap();
        let key = SigningKeyPair::new(new.into_key().unwrap(), &provider()).unwrap();
        let identity = key.self_signed(&spec(), 730, now()).unwrap();
        openssl.write("own.pem", identity.certificate().to_pem());

        for purpose in ["sslclient", "sslserver"] {
            let said = openssl.run(&format!(
                "verify -x509_strict -check_ss_sig -attime {NOW} -purpose {purpose} -CAfile own.pem own.pem"
            ));
            assert!(said.contains("own.pem: OK"), "{kind}: {said}");
        }
        let text = openssl.run("x509 -in own.pem -noout -text -nameopt RFC2253,-esc_msb,utf8");
        assert!(text.contains("Version: 3 (0x2)"), "{text}");
        assert!(
            text.contains("Subject: CN=array-7,O=Müller & Söhne,C=DE"),
            "{text}"
        );
        assert_eq!(
            below(&text, "X509v3 Basic Constraints: critical"),
            "CA:FALSE"
        );
        let usage = below(&text, "X509v3 Key Usage: critical");
        let rsa = kind.to_string().starts_with("RSA");
        assert_eq!(
            usage == "Digital Signature, Key Encipherment",
            rsa,
            "{usage}"
        );
        assert_eq!(usage == "Digital Signature", !rsa, "{usage}");
        assert_eq!(
            below(&text, "X509v3 Extended Key Usage:"),
            "TLS Web Server Authentication, TLS Web Client Authentication"
        );
        assert_eq!(
            below(&text, "X509v3 Subject Alternative Name:"),
            "DNS:array-7.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7"
        );
        // Nothing else: four extensions and the key identifier.
        assert_eq!(text.matches("X509v3 ").count() - 1, 5, "{text}");

        // The written key is that of the certificate.
        openssl.run("pkey -in own.key -check -noout");
        let public = openssl.run("pkey -in own.key -pubout");
        let certified = openssl.run("x509 -in own.pem -noout -pubkey");
        assert_eq!(public, certified, "{kind}");
    }
}

#[test]
fn what_we_make_serves_both_ends_of_a_link() {
    for kind in kinds() {
        for setting in settings() {
            let identity = |name: &str| {
                let spec = CertificateSpec::new(name)
                    .unwrap()
                    .with_dns_name(host("kms1.example"));
                let key = own_key(kind, &setting.provider);
                key.self_signed(&spec, 1, now()).unwrap()
            };
            let server = identity("kms1");
            let system = identity("array-7");
            let trusted = setting.pinning_server(server.certificate()).snapshot();
            let known = setting.pinning_client(system.certificate()).snapshot();
            let client = setting
                .client(trusted, system)
                .build_for(&keys_1())
                .unwrap();
            let server = setting.server(known, server).build().unwrap();
            handshake(&client, &server, "kms1.example")
                .expect_link(&format!("{kind} {}", setting.name));
        }
    }
}

#[test]
fn the_same_is_made_by_every_provider_that_loads_the_key() {
    // The provider that uses a key can differ from the library that generated it.
    for setting in settings() {
        for kind in kinds() {
            let key = own_key(kind, &setting.provider);
            let identity = key.self_signed(&spec(), 30, now()).unwrap();
            assert_eq!(
                identity.certificate().version(),
                3,
                "{kind} {}",
                setting.name
            );
        }
    }
}

#[test]
fn serial_numbers_are_random_positive_and_of_one_length() {
    let key = own_key(KeyType::P256, &provider());
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let identity = key.self_signed(&spec(), 30, now()).unwrap();
        let serial = identity.certificate().serial().to_vec();
        assert_eq!(serial.len(), 16);
        assert_eq!(serial[0] & 0xc0, 0x40, "{serial:?}");
        assert!(seen.insert(serial));
    }
}

#[test]
fn two_keys_of_a_kind_are_not_the_same() {
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        let pins: BTreeSet<_> = (0..20)
            .map(|_| made(kind).certificate().key_pin())
            .collect();
        assert_eq!(pins.len(), 20, "{kind}");
    }
}

#[test]
fn validity_is_bounded_and_needs_a_clock() {
    let key = own_key(KeyType::P256, &provider());
    let with = |days, clock| key.self_signed(&spec(), days, clock);
    for days in [0, MAX_VALIDITY_DAYS + 1, u32::MAX] {
        let refused = with(days, now());
        let expected =
            matches!(&refused, Err(IssueError::Days { days: found, .. }) if *found == days);
        assert!(expected, "{refused:?}");
    }
    for days in [1, MAX_VALIDITY_DAYS] {
        let identity = with(days, now()).unwrap();
        let to = i64::try_from(NOW + u64::from(days) * DAY).unwrap();
        assert_eq!(identity.certificate().validity().not_after().seconds(), to);
    }
    assert!(matches!(
        with(1, CurrentTime::Unset),
        Err(IssueError::ClockUnset)
    ));
    // Before 1970, and after 9999.
    let last = 253_402_300_799;
    for seconds in [0, BACKDATE.as_secs() - 1, last - DAY + 1, u64::MAX] {
        let refused = with(1, CurrentTime::Known(at(seconds)));
        assert!(matches!(refused, Err(IssueError::ClockOff)), "{seconds}");
    }
    // The first and last possible times, and both encodings of a time (RFC 5280 section 4.1.2.5).
    for seconds in [BACKDATE.as_secs(), 2_524_607_999, 2_524_608_300, last - DAY] {
        let identity = with(1, CurrentTime::Known(at(seconds))).unwrap();
        let to = i64::try_from(seconds + DAY).unwrap();
        assert_eq!(identity.certificate().validity().not_after().seconds(), to);
    }
}

#[test]
fn a_subject_that_misleads_or_does_not_fit_is_refused() {
    let problem = |result: Result<CertificateSpec, IssueError>| match result {
        Err(IssueError::Subject { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    for (name, expected) in [
        ("", SubjectError::Empty),
        ("  ", SubjectError::Empty),
        ("array\n7", SubjectError::Invisible),
        ("array\0", SubjectError::Invisible),
        ("7-\u{202e}yarra", SubjectError::Invisible),
    ] {
        assert_eq!(problem(CertificateSpec::new(name)), expected, "{name:?}");
    }
    let text = |result: Result<CertificateSpec, IssueError>| result.unwrap_err().to_string();
    for (name, expected) in [
        ("", "the common name of the subject is empty"),
        (
            "array\0",
            "the common name of the subject has invisible characters",
        ),
        (
            &"a".repeat(65),
            "the common name of the subject has 65 characters, the limit is 64",
        ),
    ] {
        assert_eq!(text(CertificateSpec::new(name)), expected);
    }
    let long = "ä".repeat(64);
    assert!(CertificateSpec::new(&long).is_ok());
    let longer = problem(CertificateSpec::new(&format!("{long}ä")));
    assert!(matches!(
        longer,
        SubjectError::TooLong {
            length: 65,
            limit: 64,
            ..
        }
    ));

    let with = |part, text| {
        CertificateSpec::new("array-7")
            .unwrap()
            .with_subject(part, text)
    };
    for country in ["", "D", "DEU", "de", "D1", "ÄÖ"] {
        let refused = text(with(SubjectPart::Country, country));
        let expected = match country {
            "" => "the country of the subject is empty",
            _ => "the country of the subject is not two capital letters",
        };
        assert_eq!(refused, expected, "{country}");
    }
    for (part, name) in [
        (SubjectPart::Country, "country"),
        (SubjectPart::State, "state"),
        (SubjectPart::Locality, "locality"),
        (SubjectPart::Organization, "organization"),
        (SubjectPart::OrganizationalUnit, "organizational unit"),
    ] {
        let error = with(part, "").unwrap_err();
        assert!(
            matches!(error, IssueError::Subject { attribute, .. } if attribute == name),
            "{error}"
        );
    }
    let twice = || {
        let once = with(SubjectPart::Organization, "One").unwrap();
        once.with_subject(SubjectPart::Organization, "Two")
    };
    assert_eq!(problem(twice()), SubjectError::Twice);
    assert_eq!(
        text(twice()),
        "the organization of the subject is given twice"
    );
}

#[test]
fn a_name_given_twice_stands_once() {
    let spec = CertificateSpec::new("array-7").unwrap();
    let spec = spec
        .with_dns_name(host("Array-7.example"))
        .with_dns_name(host("array-7.example."));
    let key = own_key(KeyType::P256, &provider());
    let identity = key.self_signed(&spec, 30, now()).unwrap();
    assert_eq!(identity.certificate().names().count(), 1);
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn ring_makes_neither_rsa_nor_ml_dsa_keys_and_says_so() {
    let rsa = [KeyType::Rsa2048, KeyType::Rsa3072, KeyType::Rsa4096];
    for kind in rsa.into_iter().chain(ML_DSA) {
        let refused = GeneratedKey::generate(kind);
        assert!(matches!(refused, Err(IssueError::KeyType { key, .. }) if key == kind));
    }
}

#[test]
fn what_is_printed_of_keys_is_their_kind() {
    let new = GeneratedKey::generate(KeyType::P256).unwrap();
    assert_eq!(format!("{new:?}"), "GeneratedKey(..)");
    let key = SigningKeyPair::new(new.into_key().unwrap(), &provider()).unwrap();
    assert_eq!(format!("{key:?}"), "OwnKey(ECDSA P-256)");
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn ml_dsa_keys_are_made_written_certified_requested_and_serve() {
    // RFC 9881
    use mutual_trust::identity::{CertificateChain, IdentityAdvice};

    use crate::support::pki::{pki, spec as certified};

    let folder = Folder::new("ml-dsa");
    let provider = provider();
    for (kind, (oid, algorithm)) in ML_DSA.into_iter().zip([
        ("2.16.840.1.101.3.4.3.17", &rcgen::PKCS_ML_DSA_44),
        ("2.16.840.1.101.3.4.3.18", &rcgen::PKCS_ML_DSA_65),
        ("2.16.840.1.101.3.4.3.19", &rcgen::PKCS_ML_DSA_87),
    ]) {
        let new = GeneratedKey::generate(kind).unwrap();
        let file = folder.file("own.key");
        new.write(&file, IfExists::Replace).unwrap();
        // The seed only: 54 bytes.
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        let key = SigningKeyPair::new(new.into_key().unwrap(), &provider).unwrap();
        let own = CertificateSpec::new("kms1").unwrap();
        let own = own.with_dns_name(host("kms1.example"));
        let identity = key.self_signed(&own, 730, now()).unwrap();
        let certificate = identity.certificate();
        assert_eq!(certificate.signature_algorithm(), oid, "{kind}");
        assert!(!certificate.key_usage().unwrap().key_cert_sign(), "{kind}");
        assert_eq!(identity.advice(now()), [IdentityAdvice::MlDsa], "{kind}");
        // The written key is that of the certificate.
        let chain = folder.file("own.pem");
        fs::write(&chain, certificate.to_pem()).unwrap();
        let identity = Identity::from_files(&chain, &file, &provider).unwrap();

        // A CA answers a request for such a key.
        let ca = pki("Example");
        let writers = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let other = PrivateKey::from_der(writers.serialize_der()).unwrap();
        let other = SigningKeyPair::new(other, &provider).unwrap();
        let request = other.request(&own).unwrap();
        let issued = certified("kms1").key(writers).signed_by(&ca.intermediate);
        let answer = vec![issued.certificate, ca.intermediate.certificate()];
        let answer = CertificateChain::new(answer).unwrap();
        other.install(&request, answer).unwrap();
        let renewed = identity.renew(30, now(), &provider).unwrap();
        assert_eq!(renewed.certificate().key_pin(), certificate.key_pin());
        for setting in settings()
            .into_iter()
            .filter(|one| one.name.starts_with("aws"))
        {
            // Installing verifies the signature on the certificate.
            let trusted = setting.pinning_server(certificate).snapshot();
            let known = setting.pinning_client(renewed.certificate()).snapshot();
            let client = setting
                .client(trusted, renewed.clone())
                .build_for(&keys_1());
            let server = setting.server(known, identity.clone()).build();
            if setting.is_tls13() {
                handshake(&client.unwrap(), &server.unwrap(), "kms1.example")
                    .expect_link(&format!("{kind} {}", setting.name));
            } else {
                assert!(client.is_err() && server.is_err(), "{kind}");
            }
        }
    }
}
