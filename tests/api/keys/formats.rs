//! Files of openssl and keytool: each one makes an identity, and the identity makes connections at both ends.

use mutual_trust::certificate::KeyKind;
use mutual_trust::error::IdentityError as E;
use mutual_trust::identity::{CertificateChain, KeyReader, PrivateKey};
use mutual_trust::{Identity, ReasonCode};
use rustls::crypto::CryptoProvider;

use crate::keys::{assert_is, fixture_bytes, keys_format, path};
use crate::support::der::Der;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::providers;

/// Kinds of keys by the names of their fixtures.
const KINDS: [(&str, KeyKind); 4] = [
    ("p256", KeyKind::P256),
    ("p384", KeyKind::P384),
    ("p521", KeyKind::P521),
    ("ed25519", KeyKind::Ed25519),
];

const RSA: [&str; 3] = ["rsa2048", "rsa3072", "rsa4096"];

fn kinds() -> impl Iterator<Item = &'static str> {
    RSA.into_iter().chain(KINDS.iter().map(|(name, _)| *name))
}

/// The unencrypted files of one kind of key.
fn plain_files(kind: &str) -> Vec<String> {
    let forms: &[&str] = match kind {
        "ed25519" => &["pkcs8.pem", "pkcs8.der"],
        rsa if rsa.starts_with("rsa") => &["pkcs8.pem", "pkcs8.der", "pkcs1.pem", "pkcs1.der"],
        _ => &[
            "pkcs8.pem",
            "pkcs8.der",
            "sec1.pem",
            "sec1.der",
            "sec1-after-parameters.pem",
            "sec1-without-parameters.pem",
            "sec1-without-parameters.der",
            "sec1-without-public-part.pem",
            "sec1-without-public-part.der",
        ],
    };
    forms.iter().map(|form| format!("{kind}-{form}")).collect()
}

/// Reads a file from memory and from disk.
fn key(file: &str) -> [PrivateKey; 2] {
    let content = keys_format(file);
    let of_memory = if file.ends_with(".der") {
        PrivateKey::from_der(content)
    } else {
        PrivateKey::from_pem(&content)
    };
    let of_file = KeyReader::new().allow_shared_file().file(path(file));
    [of_memory, of_file].map(|key| key.unwrap_or_else(|error| panic!("{file}: {error}")))
}

fn chain(kind: &str) -> CertificateChain {
    CertificateChain::from_pem(&fixture_bytes(&format!("ee-{kind}.pem"))).unwrap()
}

/// Makes a connection in which both ends have the same identity and have pinned it.
pub(crate) fn expect_link(what: &str, identity: &Identity, setting: &Setting) {
    let certificate = identity.certificate();
    let trusted_server = setting.pinning_server(certificate).snapshot();
    let trusted_client = setting.pinning_client(certificate).snapshot();
    let client = setting.client(trusted_server, identity.clone());
    let server = setting.server(trusted_client, identity.clone());
    let check = server.peer_check();
    let outcome = handshake(
        &client.build_for(&keys_1()).unwrap(),
        &server.build().unwrap(),
        "kms1.example",
    );
    outcome.expect_link(&format!("{what} {}", setting.name));
    let seen = mutual_trust::Verdict::from(check.client(&outcome.server_connection));
    assert_eq!(seen.reason(), ReasonCode::PinMatched, "{what}");
}

/// Makes a connection in every TLS version that supports the kind of key. rustls supports P-521 in TLS 1.3 only.
pub(crate) fn expect_links(what: &str, identity: &Identity, provider: &str) {
    let p521 = identity.certificate().key_kind() == KeyKind::P521;
    let mut links = 0;
    for setting in settings() {
        if setting.name.starts_with(provider) && (setting.is_tls13() || !p521) {
            expect_link(what, identity, &setting);
            links += 1;
        }
    }
    assert_eq!(links, if p521 { 1 } else { 2 }, "{what}");
}

/// The error of the provider for a key, or `None` if it accepts the key.
fn refused(provider: &str, kind: &str, lacks_public_part: bool) -> Option<fn(&E) -> bool> {
    match (provider, kind, lacks_public_part) {
        ("ring", "p521", _) => Some(|error| {
            matches!(
                error,
                E::KeyUnusable {
                    key: KeyKind::P521,
                    ..
                }
            )
        }),
        ("ring", "p256" | "p384", true) => Some(|error| {
            matches!(
                error,
                E::KeyLacksPublicPart {
                    key: KeyKind::P256 | KeyKind::P384,
                    ..
                }
            )
        }),
        _ => None,
    }
}

/// Loads a key into a provider, which must accept it or fail with the expected error.
fn judge(
    what: &str,
    provider: (&str, &CryptoProvider),
    kind: &str,
    chain: CertificateChain,
    key: PrivateKey,
) {
    let lacks = what.contains("without-public-part") || what.contains("keytool-p");
    let result = Identity::new(chain, key, provider.1);
    match (refused(provider.0, kind, lacks), result) {
        (None, Ok(identity)) => expect_links(what, &identity, provider.0),
        (None, Err(error)) => panic!("{} {what}: {error}", provider.0),
        (Some(expected), Err(error)) => assert!(expected(&error), "{what}: {error:?}"),
        (Some(_), Ok(_)) => panic!("{} {what}: loaded", provider.0),
    }
}

#[test]
fn every_form_of_every_kind_of_key_makes_an_identity_and_a_link() {
    // K1
    for (name, provider) in providers() {
        for kind in kinds() {
            for file in plain_files(kind) {
                for key in key(&file) {
                    judge(&file, (name, &provider), kind, chain(kind), key);
                }
            }
        }
    }
}

#[cfg(feature = "encrypted-keys")]
#[test]
fn every_kind_of_key_that_is_encrypted_makes_an_identity_and_a_link() {
    // K1
    let passphrase = crate::keys::encrypted::passphrase();
    let reader = KeyReader::new()
        .with_passphrase(&passphrase)
        .allow_shared_file();
    for (name, provider) in providers() {
        for kind in kinds() {
            for scheme in ["pbkdf2-aes128", "pbkdf2-aes256", "scrypt-aes256"] {
                let file = format!("{kind}-{scheme}");
                let key = reader.file(path(&format!("{file}.pem"))).unwrap();
                judge(&file, (name, &provider), kind, chain(kind), key);
                let key = reader.der(keys_format(&format!("{file}.der"))).unwrap();
                judge(&file, (name, &provider), kind, chain(kind), key);
            }
        }
    }
}

#[test]
fn what_openssl_takes_out_of_keytools_keystores_makes_an_identity_and_a_link() {
    // K1
    for (name, provider) in providers() {
        for kind in kinds() {
            let file = format!("keytool-{kind}");
            let combined = keys_format(&format!("{file}-combined.pem"));
            let (chain, key) = KeyReader::new().combined_pem(&combined).unwrap();
            judge(&file, (name, &provider), kind, chain, key);
            let chain = CertificateChain::from_file(path(&format!("{file}-chain.pem"))).unwrap();
            let key = PrivateKey::from_pem(&keys_format(&format!("{file}-key.pem"))).unwrap();
            judge(&file, (name, &provider), kind, chain, key);
        }
    }
}

#[cfg(feature = "encrypted-keys")]
#[test]
fn encrypted_keys_of_keytools_keystores_are_read_beside_their_certificates() {
    let passphrase = crate::keys::encrypted::passphrase();
    let reader = KeyReader::new().with_passphrase(&passphrase);
    for (name, provider) in providers() {
        for kind in kinds() {
            let file = format!("keytool-{kind}");
            let combined = keys_format(&format!("{file}-encrypted.pem"));
            let (chain, key) = reader.combined_pem(&combined).unwrap();
            judge(&file, (name, &provider), kind, chain, key);
        }
    }
}

#[test]
fn the_kind_of_a_key_is_known_in_every_form_before_a_provider_sees_it() {
    for (kind, expected) in KINDS {
        for file in plain_files(kind) {
            for key in key(&file) {
                assert_eq!(key.kind(), expected, "{file}");
                assert_eq!(format!("{key:?}"), format!("PrivateKey({expected})"));
            }
        }
    }
    for (kind, bits) in [("rsa2048", 2048), ("rsa3072", 3072), ("rsa4096", 4096)] {
        for file in plain_files(kind) {
            for key in key(&file) {
                assert!(
                    matches!(key.kind(), KeyKind::Rsa { bits: found, .. } if found == bits),
                    "{file}"
                );
                assert_eq!(format!("{key:?}"), format!("PrivateKey(RSA {bits})"));
            }
        }
    }
}

#[test]
fn chain_and_key_are_read_from_one_text_in_either_order() {
    let (_, provider) = providers().remove(0);
    let (certificate, key) = (
        fixture_bytes("ee-p256.pem"),
        keys_format("p256-sec1-after-parameters.pem"),
    );
    for text in [
        [&*certificate, &*key].concat(),
        [&*key, &*certificate].concat(),
    ] {
        let identity = Identity::from_combined_pem(&text, &provider).unwrap();
        assert_eq!(identity.chain().certificates().count(), 1);
        // As documented for `from_pem`.
        let identity = Identity::from_pem(&text, &text, &provider).unwrap();
        assert_eq!(identity.certificate().key_kind(), KeyKind::P256);
    }
    // K1: this constructor checks the key too.
    let other = [&*certificate, &*fixture_bytes("keys/p256-b.key.pem")].concat();
    assert_is!(
        Identity::from_combined_pem(&other, &provider),
        E::KeyMismatch { .. }
    );
    assert_is!(
        Identity::from_combined_pem(&key, &provider),
        E::NoCertificate
    );
    assert_is!(
        Identity::from_combined_pem(&[&*certificate, &*key, &*key].concat(), &provider),
        E::NotOneKey { found: 2, .. }
    );
}

#[test]
fn kinds_of_key_that_no_provider_has_are_an_error_when_the_identity_is_built() {
    for (_, provider) in providers() {
        for (file, kind) in [
            ("ed448", "Ed448 (1.3.101.113)"),
            ("x25519", "X25519 (1.3.101.110)"),
            ("secp256k1", "ECDSA secp256k1 (1.3.132.0.10)"),
            ("rsa-pss", "RSASSA-PSS (1.2.840.113549.1.1.10)"),
        ] {
            let key = PrivateKey::from_pem(&keys_format(&format!("refused-{file}.pem"))).unwrap();
            assert_eq!(key.kind().to_string(), kind, "{file}");
            let result = Identity::new(chain("p256"), key, &provider);
            let error = assert_is!(
                result,
                E::KeyUnusable {
                    key: KeyKind::Named(_),
                    ..
                }
            );
            assert!(error.to_string().contains(kind), "{error}");
        }
    }
}

fn field(name: &str) -> Vec<u8> {
    fixture_bytes(&format!("field/{name}"))
}

#[test]
fn a_key_with_a_zero_in_front_of_its_octets_makes_an_identity_and_a_link() {
    // mbed TLS and GnuTLS add a zero if the first bit is set, as in an INTEGER. RFC 5915 section 3 does not allow it.
    for (name, provider) in providers() {
        for file in [
            "gnutls-certtool-ec",
            "ec-33-octets-sec1",
            "ec-33-octets-pkcs8",
        ] {
            let key = PrivateKey::from_pem(&field(&format!("{file}.key")));
            let key = key.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(key.kind(), KeyKind::P256, "{file}");
            // K1: the provider checks that the key belongs to the certificate.
            let chain = CertificateChain::from_pem(&field(&format!("{file}.pem"))).unwrap();
            let identity = Identity::new(chain, key, &provider);
            let identity = identity.unwrap_or_else(|error| panic!("{name} {file}: {error}"));
            // The other certificates expire soon.
            if file == "gnutls-certtool-ec" {
                expect_links(file, &identity, name);
            }
        }
        for kind in ["p256", "p384", "p521"] {
            for (form, path) in [
                ("sec1", &[1][..]),
                ("sec1-without-parameters", &[1]),
                ("pkcs8", &[2]),
            ] {
                for zeros in [1, 2] {
                    let mut der = Der::read(&keys_format(&format!("{kind}-{form}.der")));
                    let value = der.at(path).content();
                    if form == "pkcs8" {
                        let mut inner = Der::read(value);
                        inner.at(&[1]).content().splice(..0, vec![0; zeros]);
                        *value = inner.write();
                    } else {
                        value.splice(..0, vec![0; zeros]);
                    }
                    let what = format!("{kind} {form} with {zeros} zeros");
                    let key = PrivateKey::from_der(der.write());
                    if form == "sec1-without-parameters" && zeros > 1 {
                        // Only the length of the scalar tells the curve.
                        assert_is!(key, E::KeyMalformed);
                        continue;
                    }
                    let key = key.unwrap_or_else(|error| panic!("{what}: {error}"));
                    judge(&what, (name, &provider), kind, chain(kind), key);
                }
            }
        }
    }
}

#[test]
fn a_digit_more_than_the_curve_has_is_no_zero_to_leave_out() {
    for kind in ["p256", "p384", "p521"] {
        let mut der = Der::read(&keys_format(&format!("{kind}-sec1.der")));
        der.at(&[1]).content().insert(0, 1);
        assert_is!(PrivateKey::from_der(der.write()), E::KeyMalformed);
    }
}

#[test]
fn a_key_that_describes_its_curve_is_refused_with_the_way_to_name_it() {
    // RFC 5480 section 2.1.1.
    let both = String::from_utf8(field("ec-explicit-curve.key")).unwrap();
    let end = both.find("-----BEGIN EC PRIVATE KEY").unwrap();
    let parameters = both.as_bytes()[..end].to_vec();
    for text in [
        field("ec-explicit-curve.key"),
        keys_format("refused-explicit-curve.pem"),
        // Parameters beside a key without a curve.
        [parameters, keys_format("p256-sec1-without-parameters.pem")].concat(),
    ] {
        let error = assert_is!(PrivateKey::from_pem(&text), E::ExplicitCurve);
        let said = error.to_string();
        for words in [
            "explicit curve parameters",
            "RFC 5480",
            "-ec_param_enc named_curve",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
}
