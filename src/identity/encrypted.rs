//! Encrypted PKCS#8 (RFC 5958 section 3) with PBES2 (RFC 8018 section 6.2).
//!
//! The passphrase, the derived key, the private key and the working memory of scrypt are in buffers that are wiped.
//! What the algorithms leave on the stack is scrubbed.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use zeroize::Zeroizing;

use super::passphrase::Passphrase;
use super::scrub_stack;
use super::scrypt::{self, Cost};
use crate::certificate::der::{self, Value};
use crate::identity::error::DecryptError;
use crate::limits::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_COST};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Contents of object identifiers: PKCS#5 (RFC 8018 appendix C), scrypt (RFC 7914 section 7), and the AES modes of NIST
/// (2.16.840.1.101.3.4.1) without their last byte.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// Unsupported algorithms that real files use, with their names for the error.
const NOT_READ: &[(&[u8], &str)] = &[
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x03],
        "PBES1 with MD5 and DES",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0a],
        "PBES1 with SHA-1 and DES",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03],
        "the PKCS#12 scheme with SHA-1 and triple DES",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x06],
        "the PKCS#12 scheme with SHA-1 and RC2",
    ),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x02], "RC2"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07],
        "triple DES",
    ),
];

/// Decrypts an `EncryptedPrivateKeyInfo`, whose outer form was checked before.
pub(super) fn decrypt(
    bytes: &[u8],
    passphrase: &Passphrase,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let scheme = Scheme::read(bytes)?;
    let mut plain = Zeroizing::new(scheme.encrypted.to_vec());
    let outcome = scheme.decrypt(passphrase, &mut plain);
    // Removes the derived key, its key schedule and the first blocks of the private key.
    scrub_stack();
    match outcome {
        Outcome::Decrypted => Ok(plain),
        Outcome::WrongPassphrase => Err(DecryptError::Passphrase),
        Outcome::Malformed => Err(DecryptError::Malformed),
    }
}

/// How a decryption ended. It has no fields: the unused bytes of an error that is made before the scrub can hold what a
/// register or the stack held, and keep it.
enum Outcome {
    Decrypted,
    WrongPassphrase,
    Malformed,
}

/// Decrypts in place. Returns the length without the padding.
fn cbc_decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    bytes: &mut [u8],
) -> Result<usize, DecryptError> {
    let decryptor = cbc::Decryptor::<C>::new_from_slices(key, iv);
    let decryptor = decryptor.map_err(|_| DecryptError::Malformed)?;
    let plain = decryptor.decrypt_padded::<Pkcs7>(bytes);
    plain.map(<[u8]>::len).map_err(|_| DecryptError::Passphrase)
}

/// How a key is encrypted. All costs are within the limits.
struct Scheme<'a> {
    derivation: Derivation<'a>,
    cipher: Cipher,
    iv: &'a [u8],
    encrypted: &'a [u8],
}

enum Derivation<'a> {
    Pbkdf2 {
        salt: &'a [u8],
        iterations: u32,
        prf: Prf,
    },
    Scrypt {
        salt: &'a [u8],
        cost: Cost,
    },
}

#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    const fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

impl<'a> Scheme<'a> {
    /// Decrypts `plain` in place, in frames that the caller scrubs. Its errors do not leave them.
    #[inline(never)]
    fn decrypt(&self, passphrase: &Passphrase, plain: &mut Vec<u8>) -> Outcome {
        let mut derived = Zeroizing::new([0; 32]);
        let Some(key) = derived.get_mut(..self.cipher.key_length()) else {
            return Outcome::Malformed;
        };
        let decrypted = self.derivation.derive(passphrase.bytes(), key);
        let decrypted = decrypted.and_then(|()| match self.cipher {
            Cipher::Aes128 => cbc_decrypt::<aes::Aes128Dec>(key, self.iv, plain),
            Cipher::Aes192 => cbc_decrypt::<aes::Aes192Dec>(key, self.iv, plain),
            Cipher::Aes256 => cbc_decrypt::<aes::Aes256Dec>(key, self.iv, plain),
        });
        match decrypted {
            Ok(length) => {
                // The rest stays in the buffer, all of which is wiped.
                plain.truncate(length);
                Outcome::Decrypted
            }
            Err(DecryptError::Passphrase) => Outcome::WrongPassphrase,
            Err(_) => Outcome::Malformed,
        }
    }

    /// Reads a [`Form::Encrypted`](super::form::Form::Encrypted): an algorithm and an octet string, and nothing after
    /// them.
    fn read(bytes: &'a [u8]) -> Result<Self, DecryptError> {
        let (outer, _) = der::take(bytes).ok_or(DecryptError::Malformed)?;
        let [algorithm, encrypted] = children(outer, SEQUENCE)?;
        let (scheme, parameters) = identifier(algorithm)?;
        if scheme != PBES2 {
            return Err(not_read(scheme, "this encryption scheme"));
        }
        let [derivation, cipher] = children(parameters?, SEQUENCE)?;
        let (cipher, iv) = cipher_of(cipher)?;
        let (kind, parameters) = identifier(derivation)?;
        let derivation = match kind {
            PBKDF2 => pbkdf2(parameters?, cipher)?,
            SCRYPT => scrypt(parameters?, cipher)?,
            _ => return Err(not_read(kind, "this key derivation")),
        };
        let length = encrypted.content.len();
        if length == 0 || !length.is_multiple_of(16) {
            return Err(DecryptError::Malformed);
        }
        Ok(Self {
            derivation,
            cipher,
            iv,
            encrypted: encrypted.content,
        })
    }
}

impl Derivation<'_> {
    fn derive(&self, passphrase: &[u8], key: &mut [u8]) -> Result<(), DecryptError> {
        match *self {
            Self::Pbkdf2 {
                salt,
                iterations,
                prf,
            } => {
                let derive = match prf {
                    Prf::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>,
                    Prf::Sha224 => pbkdf2::pbkdf2_hmac::<sha2::Sha224>,
                    Prf::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>,
                    Prf::Sha384 => pbkdf2::pbkdf2_hmac::<sha2::Sha384>,
                    Prf::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>,
                };
                derive(passphrase, salt, iterations, key);
                Ok(())
            }
            Self::Scrypt { salt, cost } => {
                scrypt::scrypt(passphrase, salt, cost, key).ok_or(DecryptError::Malformed)
            }
        }
    }
}

/// `PBKDF2-params` (RFC 8018 appendix A.2).
fn pbkdf2<'a>(parameters: Value<'a>, cipher: Cipher) -> Result<Derivation<'a>, DecryptError> {
    let fields = der::children(parameters.content).map_err(|_| DecryptError::Malformed)?;
    let mut fields = fields.into_iter().peekable();
    let salt = fields.next().ok_or(DecryptError::Malformed)?;
    let iterations = fields.next().ok_or(DecryptError::Malformed)?;
    if parameters.tag != SEQUENCE || salt.tag != OCTET_STRING {
        return Err(DecryptError::Malformed);
    }
    if let Some(length) = fields.next_if(|field| field.tag == INTEGER) {
        check_length(length, cipher)?;
    }
    let prf = match fields.next() {
        None => Prf::Sha1,
        Some(algorithm) => prf_of(algorithm)?,
    };
    if fields.next().is_some() {
        return Err(DecryptError::Malformed);
    }
    let iterations = number(iterations)?;
    match u32::try_from(iterations) {
        Ok(iterations @ 1..=MAX_PBKDF2_ITERATIONS) => Ok(Derivation::Pbkdf2 {
            salt: salt.content,
            iterations,
            prf,
        }),
        Ok(0) => Err(DecryptError::Malformed),
        _ => Err(DecryptError::Iterations {
            iterations,
            limit: MAX_PBKDF2_ITERATIONS,
        }),
    }
}

fn prf_of(algorithm: Value<'_>) -> Result<Prf, DecryptError> {
    let (oid, parameters) = identifier(algorithm)?;
    if parameters.is_ok_and(|parameters| parameters.tag != NULL) {
        return Err(DecryptError::Malformed);
    }
    match oid.split_last() {
        Some((7, HMAC)) => Ok(Prf::Sha1),
        Some((8, HMAC)) => Ok(Prf::Sha224),
        Some((9, HMAC)) => Ok(Prf::Sha256),
        Some((10, HMAC)) => Ok(Prf::Sha384),
        Some((11, HMAC)) => Ok(Prf::Sha512),
        _ => Err(not_read(oid, "this PBKDF2 function")),
    }
}

/// `scrypt-params` (RFC 7914 section 7.1).
fn scrypt<'a>(parameters: Value<'a>, cipher: Cipher) -> Result<Derivation<'a>, DecryptError> {
    let fields = der::children(parameters.content).map_err(|_| DecryptError::Malformed)?;
    let (fields, length) = match fields.as_slice() {
        [fields @ .., length] if fields.len() == 4 => (fields, Some(*length)),
        fields => (fields, None),
    };
    let [salt, n, r, p] = fields else {
        return Err(DecryptError::Malformed);
    };
    if parameters.tag != SEQUENCE || salt.tag != OCTET_STRING {
        return Err(DecryptError::Malformed);
    }
    if let Some(length) = length {
        check_length(length, cipher)?;
    }
    let (n, r, p) = (number(*n)?, number(*r)?, number(*p)?);
    let limit = MAX_SCRYPT_COST;
    let cost = n.checked_mul(r).and_then(|cost| cost.checked_mul(p));
    if cost.is_none_or(|cost| cost > u64::from(limit)) {
        return Err(DecryptError::ScryptCost { n, r, p, limit });
    }
    let cost = Cost::new(n, r, p).ok_or(DecryptError::Malformed)?;
    Ok(Derivation::Scrypt {
        salt: salt.content,
        cost,
    })
}

fn cipher_of(algorithm: Value<'_>) -> Result<(Cipher, &[u8]), DecryptError> {
    let (oid, parameters) = identifier(algorithm)?;
    let cipher = match oid.split_last() {
        Some((2, AES)) => Cipher::Aes128,
        Some((22, AES)) => Cipher::Aes192,
        Some((42, AES)) => Cipher::Aes256,
        Some((6 | 26 | 46, AES)) => {
            return Err(DecryptError::Algorithm {
                algorithm: "AES-GCM",
            });
        }
        _ => return Err(not_read(oid, "this cipher")),
    };
    let iv = parameters?;
    if iv.tag != OCTET_STRING || iv.content.len() != 16 {
        return Err(DecryptError::Malformed);
    }
    Ok((cipher, iv.content))
}

/// Checks the stated length of the derived key, which must be that of the cipher's key.
fn check_length(length: Value<'_>, cipher: Cipher) -> Result<(), DecryptError> {
    if number(length)? == u64::try_from(cipher.key_length()).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        Err(DecryptError::Malformed)
    }
}

fn not_read(oid: &[u8], otherwise: &'static str) -> DecryptError {
    let known = NOT_READ.iter().find(|(known, _)| *known == oid);
    DecryptError::Algorithm {
        algorithm: known.map_or(otherwise, |(_, name)| name),
    }
}

type Parameters<'a> = Result<Value<'a>, DecryptError>;

/// The object identifier and the parameters of an `AlgorithmIdentifier`. Missing parameters are an error for the caller
/// that needs them.
fn identifier(algorithm: Value<'_>) -> Result<(&[u8], Parameters<'_>), DecryptError> {
    let fields = der::children(algorithm.content).map_err(|_| DecryptError::Malformed)?;
    let (oid, parameters) = match fields.as_slice() {
        [oid] => (oid, Err(DecryptError::Malformed)),
        [oid, parameters] => (oid, Ok(*parameters)),
        _ => return Err(DecryptError::Malformed),
    };
    if algorithm.tag != SEQUENCE || oid.tag != OID {
        return Err(DecryptError::Malformed);
    }
    Ok((oid.content, parameters))
}

/// The children of a value that must have exactly `N`.
fn children<const N: usize>(value: Value<'_>, tag: u8) -> Result<[Value<'_>; N], DecryptError> {
    if value.tag != tag {
        return Err(DecryptError::Malformed);
    }
    let found = der::children(value.content).map_err(|_| DecryptError::Malformed)?;
    found.try_into().map_err(|_| DecryptError::Malformed)
}

/// A non-negative number. Numbers of more than eight bytes saturate.
fn number(value: Value<'_>) -> Result<u64, DecryptError> {
    let digits = match value.content {
        [] | [(0x80..=0xff), ..] | [0, (..=0x7f), ..] => return Err(DecryptError::Malformed),
        [0, digits @ ..] => digits,
        digits => digits,
    };
    if value.tag != INTEGER {
        return Err(DecryptError::Malformed);
    }
    if digits.len() > 8 {
        return Ok(u64::MAX);
    }
    let add = |number: u64, digit: &u8| (number << 8) | u64::from(*digit);
    Ok(digits.iter().fold(0, add))
}
