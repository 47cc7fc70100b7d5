//! The encryption and the MAC of PKCS#12 (RFC 7292), with bounds of the work.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use hmac::digest::block_api::{BlockSizeUser, EagerHash};
use hmac::digest::{Digest, FixedOutputReset, OutputSizeUser};
use hmac::{Hmac, Mac};
use pkcs5::pbes2::{self, Kdf};
use pkcs12::cms::cert::x509::spki::AlgorithmIdentifierOwned;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use pkcs12::pbe_params::{EncryptedPrivateKeyInfo, Pkcs12PbeParams};
use pkcs12::{DigestInfo, MacData};
use rustls::crypto::SecureRandom;
use zeroize::Zeroizing;

use super::damaged;
use crate::output::Failure;

/// Most iterations of one key derivation. OpenSSL writes 2,048, keytool 10,000; OWASP asks for 600,000.
const MAX_ITERATIONS: u32 = 1_000_000;
/// Most iterations for a file, which can have as many derivations as it likes: seconds.
const MAX_ITERATIONS_OF_FILE: u32 = 4_000_000;
/// Iterations with which a key is encrypted: what OWASP asks of PBKDF2 with HMAC-SHA-256.
const ITERATIONS: u32 = 600_000;
/// Longer salts than any tool writes: the derivation hashes copies of them.
const MAX_SALT: usize = 1024;

const WHAT: &str = "the encryption of the archive";

/// PKCS#12 schemes (RFC 7292 appendix C): `1.2.840.113549.1.12.1.N`.
const TRIPLE_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const TWO_KEY_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// RFC 9579.
const PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");

/// The work that is left for a file.
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) const fn new() -> Self {
        Self(MAX_ITERATIONS_OF_FILE)
    }

    /// Takes the iterations of a derivation with `rounds` blocks.
    pub(super) fn take(&mut self, iterations: u32, rounds: u32) -> Result<(), Failure> {
        let left = self.0.checked_sub(iterations.saturating_mul(rounds));
        let (most, found) = match left {
            Some(left) if iterations <= MAX_ITERATIONS => {
                self.0 = left;
                return Ok(());
            }
            _ if iterations > MAX_ITERATIONS => (MAX_ITERATIONS, iterations.to_string()),
            _ => (MAX_ITERATIONS_OF_FILE, String::from("more")),
        };
        let text = format!(
            "its passphrase would take {found} iterations to check, the limit is {most}: convert it with `openssl pkcs12`"
        );
        Err(Failure::new("file/TooCostly", text))
    }
}

/// A passphrase as the schemes of PKCS#12 take it: UTF-16, with a zero at the end (RFC 7292 appendix B.1).
fn wide(passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = core::str::from_utf8(passphrase)
        .map_err(|_| Failure::new("passphrase", "the passphrase is not UTF-8"))?;
    let mut wide = Zeroizing::new(Vec::with_capacity(
        text.len().saturating_mul(2).saturating_add(2),
    ));
    for unit in text.encode_utf16() {
        wide.extend_from_slice(&unit.to_be_bytes());
    }
    wide.extend_from_slice(&[0, 0]);
    Ok(wide)
}

/// A passphrase that does not fit.
pub(super) fn wrong() -> Failure {
    let text =
        "the passphrase is wrong; if it is right, the file was changed after it had been made";
    Failure::new("passphrase/Wrong", text)
}

fn unsupported(what: &str, id: ObjectIdentifier) -> Failure {
    let text = format!("{what} ({id}), which is not read: convert it with `openssl pkcs12`");
    Failure::new("file/Unsupported", text)
}

/// Checks the MAC over an archive, and with it the passphrase.
pub(super) fn check_mac(
    mac: &MacData,
    content: &[u8],
    passphrase: &[u8],
    budget: &mut Budget,
) -> Result<(), Failure> {
    let iterations = u32::try_from(mac.iterations).map_err(|_| damaged(WHAT))?;
    let id = mac.mac.algorithm.oid;
    let check = match id {
        SHA1 => is_mac::<sha1::Sha1>,
        SHA224 => is_mac::<sha2::Sha224>,
        SHA256 => is_mac::<sha2::Sha256>,
        SHA384 => is_mac::<sha2::Sha384>,
        SHA512 => is_mac::<sha2::Sha512>,
        PBMAC1 => return Err(unsupported("a MAC of the kind PBMAC1", id)),
        _ => return Err(unsupported("a MAC of an unknown kind", id)),
    };
    if mac.mac_salt.as_bytes().len() > MAX_SALT {
        return Err(damaged(WHAT));
    }
    let mut tried = vec![wide(passphrase)?];
    if passphrase.is_empty() {
        // Some programs leave out the zero where there is no passphrase.
        tried.push(Zeroizing::default());
    }
    for one in tried {
        budget.take(iterations, 1)?;
        if check(
            &mac.mac,
            mac.mac_salt.as_bytes(),
            mac.iterations,
            &one,
            content,
        ) {
            return Ok(());
        }
    }
    Err(wrong())
}

fn is_mac<D>(mac: &DigestInfo, salt: &[u8], iterations: i32, wide: &[u8], content: &[u8]) -> bool
where
    D: Digest + FixedOutputReset + BlockSizeUser + EagerHash,
    Hmac<D>: Mac + KeyInit,
{
    let size = <D as OutputSizeUser>::output_size();
    let key = Zeroizing::new(derive_key::<D>(
        wide,
        salt,
        Pkcs12KeyType::Mac,
        iterations,
        size,
    ));
    let Ok(mut made) = <Hmac<D> as KeyInit>::new_from_slice(&key) else {
        return false;
    };
    made.update(content);
    made.verify_slice(mac.digest.as_bytes()).is_ok()
}

/// Decrypts what an archive has encrypted.
pub(super) fn open(
    algorithm: &AlgorithmIdentifierOwned,
    encrypted: &[u8],
    passphrase: &[u8],
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut content = Zeroizing::new(encrypted.to_vec());
    let parameters = algorithm.parameters.as_ref().ok_or_else(|| damaged(WHAT))?;
    let parameters = parameters.to_der().map_err(|_| damaged(WHAT))?;
    let length = if algorithm.oid == pbes2::PBES2_OID {
        of_pbes2(&parameters, &mut content, passphrase, budget)?
    } else {
        of_pkcs12(algorithm.oid, &parameters, &mut content, passphrase, budget)?
    };
    content.truncate(length);
    Ok(content)
}

/// PBES2 (RFC 8018 section 6.2): OpenSSL since 3.0, keytool since Java 16.
fn of_pbes2(
    parameters: &[u8],
    content: &mut [u8],
    passphrase: &[u8],
    budget: &mut Budget,
) -> Result<usize, Failure> {
    let unknown = || {
        unsupported(
            "encrypted by an algorithm that is unknown",
            pbes2::PBES2_OID,
        )
    };
    let scheme = pbes2::Parameters::from_der(parameters).map_err(|_| unknown())?;
    let Kdf::Pbkdf2(derivation) = &scheme.kdf else {
        return Err(unsupported("encrypted with scrypt", pbes2::SCRYPT_OID));
    };
    // Two blocks of SHA-1 make a key of 32 bytes.
    budget.take(derivation.iteration_count, 2)?;
    let plain = scheme.decrypt_in_place(passphrase, content);
    plain.map(<[u8]>::len).map_err(|error| {
        if error == pkcs5::Error::DecryptFailed {
            wrong()
        } else {
            unknown()
        }
    })
}

/// The schemes of PKCS#12 itself (RFC 7292 appendix C): OpenSSL before 3.0 and with `-legacy`, keytool before Java 16.
fn of_pkcs12(
    id: ObjectIdentifier,
    parameters: &[u8],
    content: &mut [u8],
    passphrase: &[u8],
    budget: &mut Budget,
) -> Result<usize, Failure> {
    let (decrypt, size): (Decrypt, usize) = match id {
        TRIPLE_DES => (cbc_decrypt::<des::TdesEde3>, 24),
        TWO_KEY_DES => (cbc_decrypt::<des::TdesEde2>, 16),
        RC2_128 => (cbc_decrypt::<rc2::Rc2>, 16),
        RC2_40 => (cbc_decrypt::<rc2::Rc2>, 5),
        _ => return Err(unsupported("encrypted by an unknown algorithm", id)),
    };
    let read = Pkcs12PbeParams::from_der(parameters).map_err(|_| damaged(WHAT))?;
    let (salt, iterations) = (read.salt.as_bytes(), read.iterations);
    if salt.len() > MAX_SALT {
        return Err(damaged(WHAT));
    }
    let counted = u32::try_from(iterations).map_err(|_| damaged(WHAT))?;
    // Two blocks of SHA-1 for the key, and one for the vector.
    budget.take(counted, 3)?;
    let wide = wide(passphrase)?;
    let derived = |kind, size| {
        Zeroizing::new(derive_key::<sha1::Sha1>(
            &wide, salt, kind, iterations, size,
        ))
    };
    let key = derived(Pkcs12KeyType::EncryptionKey, size);
    let vector = derived(Pkcs12KeyType::Iv, 8);
    decrypt(&key, &vector, content).ok_or_else(wrong)
}

type Decrypt = fn(&[u8], &[u8], &mut [u8]) -> Option<usize>;

/// Decrypts in place. Returns the length without the padding.
fn cbc_decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    vector: &[u8],
    content: &mut [u8],
) -> Option<usize> {
    let decryptor = cbc::Decryptor::<C>::new_from_slices(key, vector).ok()?;
    let plain = decryptor.decrypt_padded::<Pkcs7>(content);
    plain.ok().map(<[u8]>::len)
}

/// Whether an encrypted key is encrypted as in RFC 8018, which the library and other programs read.
pub(crate) fn is_pbes2(key: &[u8]) -> bool {
    let read = EncryptedPrivateKeyInfo::from_der(key);
    read.is_ok_and(|key| key.encryption_algorithm.oid == pbes2::PBES2_OID)
}

/// Decrypts an encrypted PKCS#8 key.
pub(crate) fn decrypted(
    key: &[u8],
    passphrase: &[u8],
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let key = EncryptedPrivateKeyInfo::from_der(key).map_err(|_| damaged("the private key"))?;
    let encrypted = key.encrypted_data.as_bytes();
    open(&key.encryption_algorithm, encrypted, passphrase, budget)
}

/// Encrypts a PKCS#8 key with PBES2: PBKDF2 with HMAC-SHA-256, and AES-256.
pub(crate) fn encrypted(
    key: &[u8],
    passphrase: &[u8],
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Failure> {
    let failed = || Failure::new("identity/Encrypt", "the private key cannot be encrypted");
    let (mut salt, mut vector) = ([0; 16], [0; 16]);
    random.fill(&mut salt).map_err(|_| failed())?;
    random.fill(&mut vector).map_err(|_| failed())?;
    let scheme = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, vector);
    let scheme = scheme.map_err(|_| failed())?;
    let content = scheme.encrypt(passphrase, key).map_err(|_| failed())?;
    let written = scheme.to_der().and_then(|parameters| {
        EncryptedPrivateKeyInfo {
            encryption_algorithm: AlgorithmIdentifierOwned {
                oid: pbes2::PBES2_OID,
                parameters: Some(Any::from_der(&parameters)?),
            },
            encrypted_data: OctetString::new(content)?,
        }
        .to_der()
    });
    written.map_err(|_| failed())
}
