//! Private keys from files, encrypted ones among them.

use mutual_trust::certificate::KeyKind;
use mutual_trust::error::{DecryptError, IdentityError};
use mutual_trust::identity::{CertificateChain, KeyReader, Passphrase, PrivateKey};
use mutual_trust::limits::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_COST};

use crate::{ENCRYPTED_KEY_BYTES, PRIVATE_KEY_BYTES};

/// A key that is read from a file is read from memory too, as PEM or as DER but not as both, and is the only key in it.
/// A file that begins with a DER value is never searched for PEM. Any other input is an error with a text.
pub fn private_key(content: &[u8]) -> bool {
    if content.len() > PRIVATE_KEY_BYTES {
        return false;
    }
    let pem = PrivateKey::from_pem(content);
    let der = PrivateKey::from_der(content.to_vec());
    let file = PrivateKey::from_reader(content, content.len());
    assert!(pem.is_err() || der.is_err(), "both PEM and DER");
    let text = pem.is_ok() && !begins_with_der(content);
    assert_eq!(file.is_ok(), text || der.is_ok(), "{file:?}");
    if pem.is_ok() {
        assert_eq!(begins(content, "PRIVATE KEY-----"), 1, "exactly one key");
    }
    if der.is_ok() {
        assert!(is_one_sequence(content), "not one sequence");
    }
    // One byte more or less is another file.
    assert!(PrivateKey::from_reader(content, content.len() + 1).is_err());
    assert!(PrivateKey::from_reader(content, content.len().saturating_sub(1)).is_err());
    for result in [&pem, &der, &file] {
        judge(result);
    }
    if let (Ok(key), Ok(again)) = (pem.as_ref().or(der.as_ref()), &file) {
        assert_eq!(key.kind(), again.kind());
    }
    combined(content, pem.is_ok());
    file.is_ok()
}

/// Whether the bytes are a SEQUENCE, or begin with one whose length is no text.
fn begins_with_der(content: &[u8]) -> bool {
    let is_large = |end: usize| end > 128 && content.get(..end).is_some_and(is_one_sequence);
    let end = match content {
        [0x30, 0x81, length, ..] => usize::from(*length) + 3,
        [0x30, 0x82, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) + 4,
        _ => 0,
    };
    is_large(end) || is_one_sequence(content)
}

/// Whether the bytes are a SEQUENCE from the first to the last, with its length in the shortest form.
fn is_one_sequence(content: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = content else {
        return false;
    };
    match (*first, rest) {
        (0x82, [high, low, rest @ ..]) => {
            *high > 0 && usize::from(u16::from_be_bytes([*high, *low])) == rest.len()
        }
        (0x81, [length, rest @ ..]) => *length >= 0x80 && usize::from(*length) == rest.len(),
        (0..=0x7f, rest) => usize::from(*first) == rest.len(),
        _ => false,
    }
}

/// A chain and a key in one text read the same as each of them alone.
fn combined(content: &[u8], key: bool) {
    let chain = CertificateChain::from_combined_pem(content);
    let both = KeyReader::new().combined_pem(content);
    assert_eq!(both.is_ok(), key && chain.is_ok());
    if let Ok(chain) = chain {
        let certificates: Vec<_> = chain.certificates().cloned().collect();
        assert!(certificates.len() <= begins(content, "CERTIFICATE-----"));
        let again = CertificateChain::new(certificates.clone()).expect("its own order is one");
        assert!(again.certificates().eq(&certificates));
    }
}

/// How many sections begin whose label ends so.
fn begins(content: &[u8], label: &str) -> usize {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| line.starts_with(b"-----BEGIN ") && line.ends_with(label.as_bytes()))
        .count()
}

/// What holds for every key and every error.
fn judge(result: &Result<PrivateKey, IdentityError>) {
    match result {
        Ok(key) => {
            assert_eq!(format!("{key:?}"), format!("PrivateKey({})", key.kind()));
            if let KeyKind::Rsa { bits, .. } = key.kind() {
                assert!((2048..=8192).contains(&bits), "{bits}");
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 400, "{text}");
        }
    }
}

/// The passphrase of the seeds.
const PASSPHRASE: &str = "correct horse";

/// How much work one input may ask for. An input that asks for more is skipped, unless it is above the limits of the
/// library: then the library must refuse it before the work.
const CHEAP: u64 = 4096;

/// An encrypted key is read only with its passphrase, and only within the limits of cost.
pub fn encrypted_key(content: &[u8]) -> bool {
    if content.len() > ENCRYPTED_KEY_BYTES {
        return false;
    }
    let numbers = numbers(content).unwrap_or_default();
    let (cost, limit) = match numbers.as_slice() {
        // Iterations, and perhaps the length of the key.
        [iterations] | [iterations, _] => (*iterations, u64::from(MAX_PBKDF2_ITERATIONS)),
        [n, r, p, ..] => (
            n.saturating_mul(*r).saturating_mul(*p),
            u64::from(MAX_SCRYPT_COST),
        ),
        [] => (0, 0),
    };
    if cost > CHEAP && cost <= limit {
        return false;
    }
    let read = |passphrase: &str| {
        let passphrase = Passphrase::from(passphrase.to_owned());
        KeyReader::new()
            .with_passphrase(&passphrase)
            .der(content.to_vec())
    };
    let result = read(PASSPHRASE);
    judge(&result);
    let without = PrivateKey::from_der(content.to_vec());
    judge(&without);
    match (&result, &without) {
        // It is not encrypted at all.
        (Ok(_), Ok(_)) => return false,
        (Ok(_), Err(without)) => {
            assert!(matches!(without, IdentityError::EncryptedKey));
            let wrong = read("incorrect horse");
            let refused = matches!(wrong, Err(IdentityError::Decrypt(DecryptError::Passphrase)));
            assert!(refused, "{wrong:?}");
        }
        (Err(_), _) => {}
    }
    assert!(
        cost <= CHEAP || result.is_err(),
        "{cost} is above the limit"
    );
    result.is_ok()
}

/// The numbers among the parameters of the key derivation, by a plain walk.
fn numbers(content: &[u8]) -> Option<Vec<u64>> {
    let mut at = content;
    // EncryptedPrivateKeyInfo, its algorithm, the parameters of PBES2, the key derivation, its parameters.
    for skip in [0, 1, 0, 1] {
        let (_, inside, _) = value(at)?;
        at = inside;
        for _ in 0..skip {
            at = value(at)?.2;
        }
    }
    let (_, mut left, _) = value(at)?;
    let mut found = Vec::new();
    while let Some((tag, inside, behind)) = value(left) {
        if tag == 2 {
            let digits = inside.iter().skip_while(|digit| **digit == 0);
            let number = digits.fold(0_u128, |number, digit| {
                (number << 8 | u128::from(*digit)).min(u128::from(u64::MAX))
            });
            found.push(u64::try_from(number).ok()?);
        }
        left = behind;
    }
    Some(found)
}

/// Tag, content, and what is behind the value.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => {
            let digits = rest.first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*digits)), rest.get(2..)?)
        }
        short => (usize::from(short), rest),
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}
