//! If the input has no readable private key, the error says what was found.

use mutual_trust::certificate::KeyKind;
use mutual_trust::error::{FoundKind, IdentityError as E, KeyRefusal, PemError};
use mutual_trust::identity::{KeyReader, PrivateKey};
use mutual_trust::limits::{MAX_KEY_FILE_BYTES, MAX_PRIVATE_KEY_BYTES};

use crate::keys::{assert_is, keys_format, path};
use crate::support::der::{Der, INTEGER, OCTETS, OID, SEQUENCE, bytes, parts};

fn pem(name: &str) -> Result<PrivateKey, E> {
    PrivateKey::from_pem(&keys_format(&format!("{name}.pem")))
}

fn der(name: &str) -> Result<PrivateKey, E> {
    PrivateKey::from_der(keys_format(&format!("{name}.der")))
}

fn file(name: &str) -> Result<PrivateKey, E> {
    KeyReader::new().allow_shared_file().file(path(name))
}

/// A PEM section with these bytes.
pub(crate) fn section(label: &str, bytes: &[u8]) -> Vec<u8> {
    use base64ct::{Base64, Encoding};
    let body = Base64::encode_string(bytes);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
}

#[test]
fn something_else_than_a_private_key_is_named() {
    use FoundKind as F;
    for (name, found, words) in [
        ("certificate", F::Certificate, "a certificate"),
        ("certificate-v1", F::Certificate, "a certificate"),
        ("public-key", F::PublicKey, "a public key"),
        ("public-key-pkcs1", F::PublicKey, "a public key"),
        ("request", F::CertificateRequest, "a certificate request"),
        ("crl", F::RevocationList, "a certificate revocation list"),
    ] {
        for result in [
            pem(name),
            der(name),
            file(&format!("{name}.pem")),
            file(&format!("{name}.der")),
            PrivateKey::from_pem(&section(
                "PRIVATE KEY",
                &keys_format(&format!("{name}.der")),
            )),
        ] {
            let error = assert_is!(result, E::NotAKey { found: seen, .. } if *seen == found);
            assert_eq!(
                error.to_string(),
                format!("expected a private key, found {words}")
            );
        }
    }
    assert_is!(
        pem("parameters"),
        E::NotAKey {
            found: F::Parameters,
            ..
        }
    );
    for name in ["keystore.p12", "keystore.jks"] {
        let found = PrivateKey::from_der(keys_format(name));
        assert_is!(
            found,
            E::NotAKey {
                found: F::Keystore,
                ..
            }
        );
    }
    assert_is!(
        file("keystore.p12"),
        E::NotAKey {
            found: F::Keystore,
            ..
        }
    );
    assert_is!(
        PrivateKey::from_pem(&section("PKCS12", &keys_format("keystore.p12"))),
        E::NotAKey {
            found: F::Keystore,
            ..
        }
    );
    // Java's own keystore is not DER, so it is read as PEM.
    assert_is!(
        file("keystore.jks"),
        E::KeyPem(PemError::OtherFormat { .. })
    );
    assert_is!(
        PrivateKey::from_pem(&[0xff]),
        E::KeyPem(PemError::NotText { offset: 0, .. })
    );
    assert_is!(
        PrivateKey::from_pem(b"hello"),
        E::KeyPem(PemError::NoSection)
    );
}

#[test]
fn exactly_one_key_is_wanted() {
    let (one, two) = (
        keys_format("p256-pkcs8.pem"),
        keys_format("rsa2048-pkcs1.pem"),
    );
    for (keys, count) in [
        (vec![&one, &one], 2),
        (vec![&one, &two], 2),
        (vec![&one, &two, &one], 3),
    ] {
        let text: Vec<u8> = keys.into_iter().flatten().copied().collect();
        assert_is!(PrivateKey::from_pem(&text), E::NotOneKey { found, .. } if *found == count);
    }
    // An encrypted key also counts: it is unclear which of the two keys is meant.
    let encrypted = keys_format("p256-pbkdf2-aes256.pem");
    assert_is!(
        PrivateKey::from_pem(&[one, encrypted].concat()),
        E::NotOneKey { found: 2, .. }
    );
}

#[test]
fn beside_a_key_there_may_be_certificates_and_parameters_and_nothing_else() {
    let key = keys_format("p256-sec1.pem");
    for beside in ["certificate", "parameters"] {
        let beside = keys_format(&format!("{beside}.pem"));
        PrivateKey::from_pem(&[&*beside, &*key].concat()).unwrap();
        PrivateKey::from_pem(&[&*key, &*beside].concat()).unwrap();
    }
    for (name, label) in [
        ("public-key", "PUBLIC KEY"),
        ("request", "CERTIFICATE REQUEST"),
        ("crl", "X509 CRL"),
    ] {
        let text = [&*key, &*keys_format(&format!("{name}.pem"))].concat();
        assert_is!(
            PrivateKey::from_pem(&text),
            E::KeyPem(PemError::Label { index: 1, label: seen, .. }) if seen == label
        );
    }
    // The parameters twice, for another curve, or missing.
    let parameters = keys_format("parameters.pem");
    assert_is!(
        PrivateKey::from_pem(&[&*parameters, &*parameters, &*key].concat()),
        E::KeyPem(PemError::Label { index: 1, .. })
    );
    let other = section("EC PARAMETERS", &[6, 5, 0x2b, 0x81, 4, 0, 0x22]);
    assert_is!(
        PrivateKey::from_pem(&[&*other, &*key].concat()),
        E::KeyMalformed
    );
    // The parameters give the curve if the key does not: on secp256k1 the key is not P-256.
    let other = section("EC PARAMETERS", &[6, 5, 0x2b, 0x81, 4, 0, 0x0a]);
    let plain = keys_format("p256-sec1-without-parameters.pem");
    let read = PrivateKey::from_pem(&[&*other, &*plain].concat()).unwrap();
    assert_eq!(read.kind().to_string(), "ECDSA secp256k1 (1.3.132.0.10)");
    // Not a curve, and a curve with trailing bytes.
    for junk in [&[0x30, 0][..], &[6, 5, 0x2b, 0x81, 4, 0, 0x0a, 5, 0]] {
        let junk = section("EC PARAMETERS", junk);
        for key in [&key, &plain] {
            assert_is!(
                PrivateKey::from_pem(&[&*junk, &**key].concat()),
                E::KeyMalformed
            );
        }
    }
}

#[test]
fn labels_that_are_not_read_are_named_only_if_they_are_known() {
    for label in ["OPENSSH PRIVATE KEY", "DSA PRIVATE KEY"] {
        assert_is!(
            PrivateKey::from_pem(&section(label, b"junk")),
            E::KeyPem(PemError::Label { index: 0, line: 1, label: seen, .. }) if seen == label
        );
    }
    assert_is!(
        pem("refused-dsa"),
        E::KeyPem(PemError::Label { label, .. }) if label == "DSA PRIVATE KEY"
    );
    for label in ["MY PRIVATE KEY", "SECRET", "MIGHAgEAMBMGByqGSM49"] {
        assert_is!(
            PrivateKey::from_pem(&section(label, b"junk")),
            E::KeyPem(PemError::Label { label: seen, .. }) if seen == "(unknown label)"
        );
    }
    let open = "-----BEGIN SOMETHING-----\nAAAA\n";
    assert_is!(
        PrivateKey::from_pem(open.as_bytes()),
        E::KeyPem(PemError::MissingEnd { label, .. }) if label == "(unknown label)"
    );
    let mixed = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END SOMETHING-----\n";
    assert_is!(
        PrivateKey::from_pem(mixed.as_bytes()),
        E::KeyPem(PemError::LabelMismatch { begin, end, .. })
            if begin == "PRIVATE KEY" && end == "(unknown label)"
    );
}

#[test]
fn a_key_that_is_encrypted_is_said_to_be() {
    for name in ["p256-pbkdf2-aes256", "rsa2048-scrypt-aes256"] {
        for result in [
            pem(name),
            der(name),
            file(&format!("{name}.pem")),
            file(&format!("{name}.der")),
        ] {
            let error = assert_is!(result, E::EncryptedKey);
            let hint = if cfg!(feature = "encrypted-keys") {
                "give its passphrase"
            } else {
                "enable the feature `encrypted-keys`"
            };
            assert!(error.to_string().contains(hint), "{error}");
            assert!(error.to_string().contains("decrypt"), "{error}");
        }
    }
    for name in ["refused-legacy-rsa", "refused-legacy-ec"] {
        let error = assert_is!(pem(name), E::LegacyEncryptedKey);
        assert!(
            error.to_string().contains("openssl pkcs8 -topk8"),
            "{error}"
        );
    }
    // Headers do not mean encryption in the other formats.
    let text = b"-----BEGIN PRIVATE KEY-----\nComment: x\n\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_is!(
        PrivateKey::from_pem(text),
        E::KeyPem(PemError::Headers {
            index: 0,
            line: 2,
            ..
        })
    );
}

#[test]
fn a_key_that_is_cut_is_said_to_be() {
    let whole = keys_format("rsa2048-pkcs8.der");
    for kept in [4, 5, 100, whole.len() - 1] {
        let cut = whole[..kept].to_vec();
        assert_is!(
            PrivateKey::from_der(cut.clone()),
            E::KeyTruncated { size, found, .. } if *size == whole.len() && *found == kept
        );
        assert_is!(
            PrivateKey::from_pem(&section("PRIVATE KEY", &cut)),
            E::KeyTruncated { .. }
        );
        assert_is!(PrivateKey::from_reader(&*cut, kept), E::KeyTruncated { .. });
    }
    let text = keys_format("rsa2048-pkcs8.pem");
    for kept in [40, 100, text.len() - 30] {
        assert_is!(
            PrivateKey::from_pem(&text[..kept]),
            E::KeyPem(PemError::MissingEnd {
                index: 0,
                line: 1,
                ..
            })
        );
    }
    let mut longer = whole;
    longer.extend([0, 0, 0]);
    assert_is!(
        PrivateKey::from_der(longer),
        E::KeyTrailing { count: 3, .. }
    );
}

#[test]
fn a_key_that_is_damaged_is_said_to_be() {
    // Damages each part of the structure of each format.
    type Damage = fn(&mut Der);
    let cases: &[(&str, Damage)] = &[
        ("p256-pkcs8", |key| *key.at(&[0]).content() = vec![2]),
        ("p256-pkcs8", |key| key.at(&[1, 0]).tag = 0x0d),
        ("p256-pkcs8", |key| *key.at(&[2]).content() = vec![0x30, 0]),
        ("p256-pkcs8", |key| *key.at(&[2]).content() = vec![7; 40]),
        ("p256-pkcs8", |key| key.list().push(bytes(INTEGER, &[1]))),
        ("p256-pkcs8", |key| key.at(&[2]).content().push(0)),
        ("p256-pkcs8", |key| key.at(&[2]).content()[0] = OCTETS),
        ("p256-sec1", |key| *key.at(&[0]).content() = vec![0]),
        ("p256-sec1", |key| *key.at(&[1]).content() = Vec::new()),
        ("p256-sec1", |key| *key.at(&[1]).content() = vec![1; 33]),
        ("p256-sec1", |key| key.list().swap(2, 3)),
        ("p256-sec1-without-parameters", |key| {
            *key.at(&[1]).content() = vec![1; 31]
        }),
        ("rsa2048-pkcs1", |key| drop(key.list().pop())),
        ("rsa2048-pkcs1", |key| *key.at(&[1]).content() = vec![0, 0]),
        ("rsa2048-pkcs1", |key| key.at(&[4]).tag = OCTETS),
        ("rsa2048-pkcs8", |key| {
            *key.at(&[2]).content() = vec![0x30, 3, 2, 1, 0]
        }),
        ("ed25519-pkcs8", |key| {
            *key.at(&[2]).content() = vec![4, 31].into_iter().chain([7; 31]).collect()
        }),
        ("ed25519-pkcs8", |key| key.at(&[2]).content().push(0)),
    ];
    for (number, (name, damage)) in cases.iter().enumerate() {
        let mut key = Der::read(&keys_format(&format!("{name}.der")));
        damage(&mut key);
        let result = PrivateKey::from_der(key.write());
        assert!(
            matches!(result, Err(E::KeyMalformed)),
            "{number} {name}: {result:?}"
        );
    }
    for junk in [
        Vec::new(),
        vec![0x30],
        vec![0x30, 0],
        vec![0; 64],
        vec![0x30, 3, 2, 1, 0],
    ] {
        assert_is!(PrivateKey::from_der(junk), E::KeyMalformed);
    }
    // The inner curve is allowed if it is the same.
    let mut key = Der::read(&keys_format("p256-pkcs8.der"));
    let curve = key.at(&[1, 1]).clone();
    for (curve, good) in [
        (curve, true),
        (bytes(OID, &[0x2b, 0x81, 4, 0, 0x0a]), false),
    ] {
        let mut inner = Der::read(&keys_format("p256-sec1-without-parameters.der"));
        inner.list().insert(2, parts(0xa0, vec![curve]));
        *key.at(&[2]).content() = inner.write();
        let result = PrivateKey::from_der(key.write());
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(good || matches!(result, Err(E::KeyMalformed)));
    }
    // The content has another format than the label states.
    for (label, name) in [
        ("PRIVATE KEY", "p256-sec1"),
        ("PRIVATE KEY", "rsa2048-pkcs1"),
        ("EC PRIVATE KEY", "p256-pkcs8"),
        ("EC PRIVATE KEY", "rsa2048-pkcs1"),
        ("RSA PRIVATE KEY", "p256-sec1"),
        ("PRIVATE KEY", "p256-pbkdf2-aes256"),
    ] {
        let text = section(label, &keys_format(&format!("{name}.der")));
        assert_is!(PrivateKey::from_pem(&text), E::KeyMalformed);
    }
    let text = keys_format("p256-pkcs8.pem");
    let damaged = String::from_utf8(text).unwrap().replacen('M', "!", 1);
    assert_is!(
        PrivateKey::from_pem(damaged.as_bytes()),
        E::KeyPem(PemError::Base64 {
            index: 0,
            line: 2,
            ..
        })
    );
}

#[test]
fn a_key_that_is_too_large_is_said_to_be() {
    let key = |content: usize| {
        let key = vec![
            bytes(INTEGER, &[0]),
            parts(SEQUENCE, Vec::new()),
            bytes(OCTETS, &vec![0; content]),
        ];
        parts(SEQUENCE, key).write()
    };
    let around = key(MAX_PRIVATE_KEY_BYTES).len() - MAX_PRIVATE_KEY_BYTES;
    let fits = key(MAX_PRIVATE_KEY_BYTES - around);
    assert_eq!(fits.len(), MAX_PRIVATE_KEY_BYTES);
    assert_is!(PrivateKey::from_der(fits), E::KeyMalformed);
    let large = key(MAX_PRIVATE_KEY_BYTES - around + 1);
    for result in [
        PrivateKey::from_der(large.clone()),
        PrivateKey::from_pem(&section("PRIVATE KEY", &large)),
        PrivateKey::from_reader(&*large, large.len()),
    ] {
        assert_is!(
            result,
            E::KeyTooLarge { size, limit: MAX_PRIVATE_KEY_BYTES, .. } if *size == large.len()
        );
    }
    let mut text = keys_format("p256-pkcs8.pem");
    text.resize(MAX_KEY_FILE_BYTES, b'\n');
    PrivateKey::from_pem(&text).unwrap();
    text.push(b'\n');
    assert_is!(
        PrivateKey::from_pem(&text),
        E::KeyPem(PemError::TooLarge {
            limit: MAX_KEY_FILE_BYTES,
            ..
        })
    );
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits() {
    for result in [pem("refused-rsa1024"), der("refused-rsa1024")] {
        assert_is!(
            result,
            E::KeyRefused(KeyRefusal::Weak {
                key: KeyKind::Rsa { bits: 1024, .. },
                min_bits: 2048,
                ..
            })
        );
    }
    let mut key = Der::read(&keys_format("rsa2048-pkcs1.der"));
    for (modulus, refused) in [
        ([vec![0], vec![0xff; 256]].concat(), false),
        (vec![0x7f; 256], true),
        ([vec![0], vec![0xff; 1024]].concat(), false),
        ([vec![1], vec![0xff; 1024]].concat(), true),
    ] {
        *key.at(&[1]).content() = modulus;
        let result = PrivateKey::from_der(key.write());
        assert_eq!(
            matches!(result, Err(E::KeyRefused(_))),
            refused,
            "{result:?}"
        );
        assert_eq!(result.is_ok(), !refused);
    }
}
