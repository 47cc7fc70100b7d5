//! Encrypted keys: what is supported, the error for a wrong passphrase, and the limits on the cost.

use std::error::Error;

use mutual_trust::certificate::KeyKind;
use mutual_trust::error::{DecryptError as D, IdentityError as E};
use mutual_trust::identity::{KeyReader, Passphrase, PrivateKey};
use mutual_trust::limits::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_COST};

use crate::keys::found::section;
use crate::keys::{assert_is, keys_format};
use crate::support::der::{Der, INTEGER, NULL, OCTETS, OID, SEQUENCE, bytes, parts};

pub(crate) fn passphrase() -> Passphrase {
    Passphrase::from(String::from("correct horse"))
}

fn pem(name: &str, passphrase: &Passphrase) -> Result<PrivateKey, E> {
    let text = keys_format(&format!("{name}.pem"));
    KeyReader::new().with_passphrase(passphrase).pem(&text)
}

fn der(key: &Der, passphrase: &Passphrase) -> Result<PrivateKey, E> {
    KeyReader::new()
        .with_passphrase(passphrase)
        .der(key.write())
}

fn tree(name: &str) -> Der {
    Der::read(&keys_format(&format!("{name}.der")))
}

#[test]
fn every_choice_of_pbes2_is_read() {
    for name in [
        "p256-pbkdf2-aes128",
        "p256-pbkdf2-aes192",
        "p256-pbkdf2-aes256",
        "p256-pbkdf2-hmacWithSHA1",
        "p256-pbkdf2-hmacWithSHA224",
        "p256-pbkdf2-hmacWithSHA384",
        "p256-pbkdf2-hmacWithSHA512",
        "p256-pbkdf2-iterations",
        "p256-scrypt-default",
        "p256-scrypt-parameters",
    ] {
        let read = pem(name, &passphrase()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.kind(), KeyKind::P256, "{name}");
    }
}

#[test]
fn a_passphrase_is_its_bytes() {
    let name = "p256-pbkdf2-aes256";
    pem(name, &Passphrase::from(b"correct horse".to_vec())).unwrap();
    pem(name, &Passphrase::from(String::from("correct horse"))).unwrap();
    for wrong in ["", "correct", "Correct horse", "correct horse\n"] {
        let wrong = Passphrase::from(wrong.to_owned());
        assert_is!(pem(name, &wrong), E::Decrypt(D::Passphrase));
        assert_eq!(format!("{wrong:?}"), "Passphrase(..)");
    }
}

#[test]
fn a_key_that_is_not_encrypted_needs_no_passphrase_and_takes_one() {
    let text = keys_format("p256-pkcs8.pem");
    KeyReader::new()
        .with_passphrase(&passphrase())
        .pem(&text)
        .unwrap();
}

#[test]
fn a_wrong_passphrase_is_never_taken_for_a_damaged_key() {
    // One wrong passphrase in 256 gives valid padding.
    let mut key = tree("p256-pbkdf2-aes256");
    *iterations(&mut key).content() = vec![1];
    for number in 0..1024 {
        let wrong = Passphrase::from(format!("wrong {number}"));
        assert_is!(der(&key, &wrong), E::Decrypt(D::Passphrase));
    }
}

#[test]
fn what_is_damaged_is_told_apart_as_far_as_it_can_be() {
    let mut sealed = tree("p256-pbkdf2-aes256");
    let length = sealed.at(&[1]).content().len();
    for kept in [0, length - 1, length + 1] {
        let mut other = sealed.clone();
        other.at(&[1]).content().resize(kept, 0);
        let error = der(&other, &passphrase()).unwrap_err();
        assert!(
            matches!(error, E::Decrypt(D::Malformed)),
            "{kept}: {error:?}"
        );
    }
    sealed.at(&[1]).content()[length - 1] ^= 1;
    assert_is!(der(&sealed, &passphrase()), E::Decrypt(D::Passphrase));
    let mut cut = keys_format("p256-pbkdf2-aes256.der");
    let size = cut.len();
    cut.pop();
    assert_is!(
        KeyReader::new().with_passphrase(&passphrase()).der(cut),
        E::KeyTruncated { size: stated, .. } if *stated == size
    );
}

/// The text of the cause of an error.
fn cause(error: &dyn Error) -> String {
    error.source().unwrap().to_string()
}

#[test]
fn other_encryption_is_named() {
    for (name, algorithm) in [
        (
            "pbe-sha1-3des",
            "the PKCS#12 scheme with SHA-1 and triple DES",
        ),
        ("pbkdf2-3des", "triple DES"),
        ("pbkdf2-camellia", "this cipher"),
        ("pbkdf2-hmacWithSHA512-256", "this PBKDF2 function"),
    ] {
        let error = assert_is!(
            pem(&format!("refused-{name}"), &passphrase()),
            E::Decrypt(D::Algorithm { algorithm: seen, .. }) if *seen == algorithm
        );
        assert!(cause(&error).contains("openssl pkcs8"), "{error}");
    }
    let mut gcm = tree("p256-pbkdf2-aes256");
    *cipher(&mut gcm).at(&[0]).content().last_mut().unwrap() = 46;
    assert_is!(
        der(&gcm, &passphrase()),
        E::Decrypt(D::Algorithm {
            algorithm: "AES-GCM",
            ..
        })
    );
    let mut other = tree("p256-pbkdf2-aes256");
    *derivation(&mut other)
        .at(&[0])
        .content()
        .last_mut()
        .unwrap() = 14; // PBMAC1
    assert_is!(
        der(&other, &passphrase()),
        E::Decrypt(D::Algorithm {
            algorithm: "this key derivation",
            ..
        })
    );
}

/// The `AlgorithmIdentifier` of the key derivation.
fn derivation(key: &mut Der) -> &mut Der {
    key.at(&[0, 1, 0])
}

/// The `AlgorithmIdentifier` of the cipher.
fn cipher(key: &mut Der) -> &mut Der {
    key.at(&[0, 1, 1])
}

/// The parameters of the key derivation.
fn parameters(key: &mut Der) -> &mut Der {
    derivation(key).at(&[1])
}

fn iterations(key: &mut Der) -> &mut Der {
    parameters(key).at(&[1])
}

fn number(value: u64) -> Vec<u8> {
    let digits = value.to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    // A leading zero keeps the number positive.
    let mut digits = [&[0][..], &digits[zeros..]].concat();
    if digits.len() > 1 && digits[1] < 0x80 {
        digits.remove(0);
    }
    digits
}

#[test]
fn iterations_above_the_limit_are_refused_before_they_are_done() {
    let limit = u64::from(MAX_PBKDF2_ITERATIONS);
    for count in [limit + 1, 1 << 31, 1 << 32, u64::MAX] {
        let mut key = tree("p256-pbkdf2-aes256");
        *iterations(&mut key).content() = number(count);
        let error = assert_is!(
            der(&key, &passphrase()),
            E::Decrypt(D::Iterations { iterations, limit: MAX_PBKDF2_ITERATIONS, .. }) if *iterations == count
        );
        assert!(cause(&error).contains(&count.to_string()), "{error}");
    }
    // More digits than any supported number.
    let mut key = tree("p256-pbkdf2-aes256");
    for digits in [vec![0x7f; 30], vec![1, 0, 0, 0, 0, 0, 0, 0, 1]] {
        *iterations(&mut key).content() = digits;
        assert_is!(
            der(&key, &passphrase()),
            E::Decrypt(D::Iterations {
                iterations: u64::MAX,
                ..
            })
        );
    }
    for none in [number(0), vec![0x80], Vec::new(), vec![0, 1]] {
        *iterations(&mut key).content() = none;
        assert_is!(der(&key, &passphrase()), E::Decrypt(D::Malformed));
    }
}

#[test]
fn memory_and_time_of_scrypt_are_bounded_together() {
    let limit = u64::from(MAX_SCRYPT_COST);
    let with = |n: u64, r: u64, p: u64| {
        let mut key = tree("p256-scrypt-parameters");
        for (place, value) in [(1, n), (2, r), (3, p)] {
            *parameters(&mut key).at(&[place]).content() = number(value);
        }
        der(&key, &passphrase())
    };
    for (n, r, p) in [
        (limit * 2, 1, 1),
        (limit / 8, 8, 2),
        (2, limit, 1),
        (2, 1, limit),
        (1 << 40, 8, 1),
        (1 << 62, 4, 1),
        (u64::MAX, u64::MAX, u64::MAX),
        (1024, 1025, 1),
    ] {
        let error = assert_is!(
            with(n, r, p),
            E::Decrypt(D::ScryptCost { n: a, r: b, p: c, limit: MAX_SCRYPT_COST, .. })
                if (*a, *b, *c) == (n, r, p)
        );
        assert!(cause(&error).contains(&format!("N = {n}")), "{error}");
    }
    // Within the limits, but not allowed by scrypt.
    for (n, r, p) in [(3, 4, 3), (1, 4, 3), (0, 4, 3), (256, 0, 3), (256, 4, 0)] {
        assert_is!(with(n, r, p), E::Decrypt(D::Malformed));
    }
    // A product at the limit is allowed: this one is refused for another reason.
    assert_is!(with(1, limit, 1), E::Decrypt(D::Malformed));
    // Other parameters than those of the encryption give another key, which looks like a wrong passphrase.
    for n in [2, 512] {
        assert_is!(with(n, 4, 3), E::Decrypt(D::Passphrase));
    }
    with(256, 4, 3).unwrap();
}

#[test]
fn every_parameter_is_looked_at() {
    type Change = fn(&mut Der);
    let refused: &[(&str, Change)] = &[
        ("p256-pbkdf2-aes128", |key| {
            *cipher(key).at(&[1]).content() = vec![0; 15]
        }),
        ("p256-pbkdf2-aes128", |key| cipher(key).at(&[1]).tag = NULL),
        ("p256-pbkdf2-aes128", |key| drop(cipher(key).list().pop())),
        ("p256-pbkdf2-aes128", |key| {
            cipher(key).at(&[0]).tag = OCTETS
        }),
        ("p256-pbkdf2-aes128", |key| {
            parameters(key).at(&[0]).tag = SEQUENCE & 0xdf
        }),
        ("p256-pbkdf2-aes128", |key| {
            parameters(key).list().push(bytes(INTEGER, &[1]))
        }),
        ("p256-pbkdf2-aes128", |key| {
            parameters(key).list().insert(2, bytes(INTEGER, &[32]))
        }),
        ("p256-pbkdf2-aes128", |key| {
            drop(parameters(key).list().drain(1..))
        }),
        ("p256-pbkdf2-aes128", |key| {
            drop(derivation(key).list().pop())
        }),
        ("p256-pbkdf2-aes128", |key| {
            parameters(key).at(&[2, 1]).tag = OCTETS
        }),
        ("p256-pbkdf2-aes128", |key| {
            key.at(&[0, 1]).list().push(bytes(NULL, &[]))
        }),
        ("p256-pbkdf2-aes128", |key| {
            key.at(&[0]).list().push(bytes(NULL, &[]))
        }),
        ("p256-scrypt-parameters", |key| {
            parameters(key).list().push(bytes(INTEGER, &[16]))
        }),
        ("p256-scrypt-parameters", |key| {
            drop(parameters(key).list().pop())
        }),
        ("p256-scrypt-parameters", |key| {
            parameters(key).at(&[0]).tag = OID
        }),
    ];
    for (number, (name, change)) in refused.iter().enumerate() {
        let mut key = tree(name);
        change(&mut key);
        let result = der(&key, &passphrase());
        assert!(
            matches!(result, Err(E::Decrypt(D::Malformed))),
            "{number} {name}: {result:?}"
        );
    }
    let read: &[(&str, Change)] = &[
        // The length of the derived key may be stated if it is that of the cipher's key.
        ("p256-pbkdf2-aes128", |key| {
            parameters(key).list().insert(2, bytes(INTEGER, &[16]))
        }),
        ("p256-scrypt-parameters", |key| {
            parameters(key).list().push(bytes(INTEGER, &[32]))
        }),
        // HMAC-SHA-1 is the default (RFC 8018 appendix A.2), but may also be stated.
        ("p256-pbkdf2-hmacWithSHA1", |key| {
            let fields = parameters(key).list();
            assert_eq!(fields.len(), 2);
            let hmac_sha1 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7];
            let said = vec![bytes(OID, &hmac_sha1), bytes(NULL, &[])];
            fields.push(parts(SEQUENCE, said));
        }),
        // The parameters of the function are NULL. Some tools omit them.
        ("p256-pbkdf2-aes128", |key| {
            drop(parameters(key).at(&[2]).list().pop())
        }),
    ];
    for (name, change) in read {
        let mut key = tree(name);
        change(&mut key);
        der(&key, &passphrase()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn what_is_said_to_be_encrypted_must_be() {
    for (name, label) in [
        ("p256-pkcs8", "ENCRYPTED PRIVATE KEY"),
        ("p256-pbkdf2-aes256", "PRIVATE KEY"),
    ] {
        let text = section(label, &keys_format(&format!("{name}.der")));
        let result = KeyReader::new().with_passphrase(&passphrase()).pem(&text);
        assert_is!(result, E::KeyMalformed);
    }
    // Not an encryption scheme.
    let key = parts(
        SEQUENCE,
        vec![parts(SEQUENCE, Vec::new()), bytes(OCTETS, &[0; 16])],
    );
    assert_is!(der(&key, &passphrase()), E::Decrypt(D::Malformed));
}
