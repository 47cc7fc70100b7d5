//! The seal by a key.

use core::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use super::file::Seal;
use crate::identity::error::ReadFileError;
use crate::identity::{read_private, scrub_stack};
use crate::limits::{MAX_SEAL_KEY_BYTES, MIN_SEAL_KEY_BYTES};

/// The key of a seal by HMAC-SHA-256 (RFC 2104, FIPS 198-1). It is wiped when dropped, and cannot be cloned, compared or
/// printed. It needs no crypto provider.
///
/// A file of the key has 32 to 1,024 random bytes, which are taken as they stand. `openssl rand -out seal.key 32` makes
/// one; its mode must be 0600.
///
/// # Security
/// A user who can read the key can seal. Keep it where the users who can write to the store's folder cannot read it, and
/// use one key for one store: a file that is sealed with the key of another store can be put in its place. A seal does not
/// detect an older file of the same store: use a [`Counter`](super::Counter) for that.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use mutual_trust::KeyPolicy;
/// use mutual_trust::admin::{DurableSettings, DurableStore, SealKey};
///
/// # fn open(keys: KeyPolicy) -> Result<(), Box<dyn std::error::Error>> {
/// let key = SealKey::from_file("/etc/array/seal.key")?;
/// let settings = DurableSettings::new(keys).with_seal(Arc::new(key));
/// // Fails if another program wrote the file.
/// let (store, _) = DurableStore::open(Path::new("/var/lib/array/trust"), settings)?;
/// # Ok(())
/// # }
/// ```
pub struct SealKey(Zeroizing<Vec<u8>>);

impl SealKey {
    /// Takes the bytes of a key, which are wiped later. They must be random: a word that a person chose can be guessed.
    ///
    /// # Errors
    /// It is shorter than 32 or longer than 1,024 bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SealKeyError> {
        Self::of(Zeroizing::new(bytes))
    }

    /// Reads the file of a key. Its owner and mode are checked as those of a
    /// [private key](crate::identity::PrivateKey::from_file) are.
    ///
    /// # Errors
    /// The file cannot be read, or other users have access to it. The key is too short or too long.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SealKeyError> {
        let path = path.as_ref();
        let content = read_private(path, MAX_SEAL_KEY_BYTES);
        Self::of(content.map_err(|source| SealKeyError::File {
            path: path.to_owned(),
            source,
        })?)
    }

    fn of(bytes: Zeroizing<Vec<u8>>) -> Result<Self, SealKeyError> {
        let size = bytes.len();
        if !(MIN_SEAL_KEY_BYTES..=MAX_SEAL_KEY_BYTES).contains(&size) {
            return Err(SealKeyError::Size { size });
        }
        Ok(Self(bytes))
    }

    /// HMAC-SHA-256 of a content (RFC 2104 section 2). The caller must scrub the stack directly afterwards.
    #[inline(never)]
    fn code(&self, content: &[u8]) -> Zeroizing<[u8; CODE]> {
        let mut block = Zeroizing::new([0_u8; BLOCK]);
        if self.0.len() > BLOCK {
            let short = Zeroizing::new(<[u8; CODE]>::from(Sha256::digest(&*self.0)));
            fill(&mut *block, &*short);
        } else {
            fill(&mut *block, &self.0);
        }
        let keyed = |pad: u8| {
            let mut padded = block.clone();
            padded.iter_mut().for_each(|byte| *byte ^= pad);
            // Its state is wiped when it is dropped: it seals as well as the key does.
            Sha256::new().chain_update(padded.as_slice())
        };
        let inner = keyed(INNER_PAD).chain_update(content).finalize();
        let outer = keyed(OUTER_PAD).chain_update(inner).finalize();
        Zeroizing::new(outer.into())
    }
}

/// Bytes of a block of SHA-256, and of its digest.
const BLOCK: usize = 64;
const CODE: usize = 32;

/// `ipad` and `opad` of RFC 2104.
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

/// Puts bytes at the start of a block.
fn fill(block: &mut [u8], bytes: &[u8]) {
    for (place, byte) in block.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

impl Seal for SealKey {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        let code = self.code(content);
        scrub_stack();
        code.to_vec()
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        let code = self.code(content);
        scrub_stack();
        // The length is no secret; a part of a code is none.
        code.as_slice().ct_eq(seal).into()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

/// Why there is no key of a seal. No error carries a byte of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealKeyError {
    /// The file cannot be read, or other users have access to it.
    #[error("cannot read the file {path} of the seal's key")]
    #[non_exhaustive]
    #[doc(hidden)]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadFileError,
    },
    /// The key is too short or too long.
    #[error(
        "the key of a seal must have {MIN_SEAL_KEY_BYTES} to {MAX_SEAL_KEY_BYTES} random bytes, this one has {size}: make one with `openssl rand -out FILE 32`"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Size {
        /// Its size in bytes.
        size: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 section 4, but the one of a code that is cut.
    #[test]
    fn seals_are_the_codes_of_rfc_4231() {
        let hex = |text: &str| -> Vec<u8> {
            let pairs = (0..text.len()).step_by(2);
            pairs
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
                .collect()
        };
        let block: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let data: &[u8] = b"This is a test using a larger than block-size key and a larger than block-size data. \
            The key needs to be hashed before being used by the HMAC algorithm.";
        let counted: Vec<u8> = (1..=25).collect();
        let cases: [(Vec<u8>, &[u8], &str); 6] = [
            (
                vec![0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                counted,
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                vec![0xaa; 131],
                block,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                data,
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, content, code) in cases {
            // The short keys of the RFC are no keys of a store.
            let size = key.len();
            assert_eq!(
                SealKey::new(key.clone()).is_ok(),
                size >= MIN_SEAL_KEY_BYTES
            );
            let key = SealKey(Zeroizing::new(key));
            assert_eq!(key.seal(content), hex(code));
            assert!(key.verify(content, &hex(code)));
        }
    }

    #[test]
    fn a_seal_is_verified_whole_and_over_the_whole_content() {
        let key = SealKey::new(vec![7; 32]).unwrap();
        let seal = key.seal(b"content");
        assert!(key.verify(b"content", &seal));
        assert!(!key.verify(b"contents", &seal));
        assert!(!SealKey::new(vec![8; 32]).unwrap().verify(b"content", &seal));
        for at in 0..seal.len() {
            assert!(!key.verify(b"content", &seal[..at]), "{at}");
            let mut other = seal.clone();
            other[at] ^= 1;
            assert!(!key.verify(b"content", &other), "{at}");
        }
        assert!(!key.verify(b"content", &[&seal[..], &[0]].concat()));
    }

    #[test]
    fn a_key_has_32_to_1024_bytes_and_is_never_shown() {
        for (size, is_taken) in [
            (0, false),
            (31, false),
            (32, true),
            (1024, true),
            (1025, false),
        ] {
            let key = SealKey::new(vec![b'k'; size]);
            assert_eq!(key.is_ok(), is_taken, "{size}");
            assert!(!format!("{key:?}").contains("kk"), "{key:?}");
            assert!(!format!("{key:?}").contains("107"), "{key:?}");
        }
    }
}
