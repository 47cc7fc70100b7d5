//! Keys encrypted with a passphrase (PBES2), and what the passphrase must not leave behind.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use sha2::block_api::{compress256, compress512};
use sha2::{Digest, Sha256};

use crate::mixing;
use crate::needles::{Kind, Needle};

/// The passphrase, and others by other numbers. Computed, so that it is not among the constants of this program,
/// which is also the one that is looked at.
pub fn passphrase(number: u8) -> Vec<u8> {
    let mut text = crate::keys::base64(&Sha256::digest([number]));
    text.truncate(27);
    text.into()
}

/// PBKDF2's pseudorandom function, or scrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    Sha1,
    Sha256,
    Sha512,
    Scrypt,
}

/// A way to encrypt: derivation, and the length of the AES key.
pub const WAYS: [(&str, Derivation, usize); 4] = [
    ("AES-256, PBKDF2 SHA-256", Derivation::Sha256, 32),
    ("AES-128, PBKDF2 SHA-1", Derivation::Sha1, 16),
    ("AES-192, PBKDF2 SHA-512", Derivation::Sha512, 24),
    ("AES-256, scrypt", Derivation::Scrypt, 32),
];

const SALT: &[u8; 16] = b"residue-test-st.";
const IV: &[u8; 16] = b"residue-test-iv.";
/// As OpenSSL has it.
const ITERATIONS: u32 = 2048;

/// A value in DER.
fn value(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

fn identifier(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    value(0x30, &[&value(6, &[oid]), parameters])
}

pub fn derive(derivation: Derivation, passphrase: &[u8], length: usize) -> Vec<u8> {
    let mut key = vec![0; length];
    match derivation {
        Derivation::Sha1 => {
            pbkdf2::pbkdf2_hmac::<sha1::Sha1>(passphrase, SALT, ITERATIONS, &mut key);
        }
        Derivation::Sha256 => {
            pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, SALT, ITERATIONS, &mut key);
        }
        Derivation::Sha512 => {
            pbkdf2::pbkdf2_hmac::<sha2::Sha512>(passphrase, SALT, ITERATIONS, &mut key);
        }
        Derivation::Scrypt => {
            // N = 2^10, r = 8, p = 1
            let params = scrypt::Params::new(10, 8, 1).unwrap();
            scrypt::scrypt(passphrase, SALT, &params, &mut key).unwrap();
        }
    }
    key
}

/// `EncryptedPrivateKeyInfo`.
pub fn encrypt(pkcs8: &[u8], (_, derivation, length): (&str, Derivation, usize)) -> Vec<u8> {
    const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5];
    const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];
    const SCRYPT: &[u8] = &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 0x0b];
    const AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];

    let key = derive(derivation, &passphrase(0), length);
    let mut buffer = pkcs8.to_vec();
    buffer.resize(pkcs8.len() + 16, 0);
    let size = pkcs8.len();
    let (mode, encrypted) = match length {
        16 => (2, seal::<aes::Aes128>(&key, &mut buffer, size)),
        24 => (22, seal::<aes::Aes192>(&key, &mut buffer, size)),
        _ => (42, seal::<aes::Aes256>(&key, &mut buffer, size)),
    };
    let salt = value(4, &[SALT]);
    let derivation = match derivation {
        Derivation::Scrypt => {
            let parameters = value(0x30, &[&salt, &[2, 2, 4, 0], &[2, 1, 8], &[2, 1, 1]]);
            identifier(SCRYPT, &parameters)
        }
        hash @ (Derivation::Sha1 | Derivation::Sha256 | Derivation::Sha512) => {
            let number = match hash {
                Derivation::Sha1 => 7,
                Derivation::Sha256 => 9,
                Derivation::Sha512 | Derivation::Scrypt => 11,
            };
            let prf = identifier(&[HMAC, &[number]].concat(), &[5, 0]);
            let parameters = value(0x30, &[&salt, &[2, 2, 8, 0], &prf]);
            identifier(&[PKCS5, &[12]].concat(), &parameters)
        }
    };
    let cipher = identifier(&[AES, &[mode]].concat(), &value(4, &[IV]));
    let scheme = identifier(
        &[PKCS5, &[13]].concat(),
        &value(0x30, &[&derivation, &cipher]),
    );
    value(0x30, &[&scheme, &value(4, &[encrypted])])
}

fn seal<'a, C>(key: &[u8], buffer: &'a mut [u8], size: usize) -> &'a [u8]
where
    C: cbc::cipher::BlockCipherEncrypt + cbc::cipher::KeyInit,
{
    let encryptor = cbc::Encryptor::<C>::new_from_slices(key, IV).unwrap();
    encryptor.encrypt_padded::<Pkcs7>(buffer, size).unwrap()
}

/// What `passphrase` and the key that it gives must not leave.
pub fn needles(
    (_, derivation, length): (&str, Derivation, usize),
    passphrase: &[u8],
) -> Vec<Needle> {
    let mut out = Vec::new();
    // As it is, and as the machine's words when a hash has read it, whose order of bytes is the other one.
    let mut add = |name: &str, bytes: &[u8]| {
        for (order, word) in [
            ("", 1),
            (", words of 32 bits", 4),
            (", words of 64 bits", 8),
        ] {
            let chunks = bytes.chunks(word);
            let bytes = chunks
                .flat_map(|chunk| chunk.iter().rev().copied())
                .collect();
            out.push(Needle::new(
                Kind::Passphrase,
                format!("{name}{order}"),
                bytes,
            ));
        }
    };
    add("passphrase", passphrase);
    for (name, pad) in [("inner", 0x36), ("outer", 0x5c)] {
        let mut block = [pad; 128];
        for (byte, letter) in block.iter_mut().zip(passphrase) {
            *byte ^= letter;
        }
        // The padding itself is no secret.
        add(&format!("{name} pad"), &block[..passphrase.len()]);
        let short: [u8; 64] = block[..64].try_into().unwrap();
        let mut state = [
            0x6a09_e667_u32,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        compress256(&mut state, &[short]);
        add(&format!("{name} state of SHA-256"), &bytes_of(&state));
        let mut state = [
            0x6745_2301_u32,
            0xefcd_ab89,
            0x98ba_dcfe,
            0x1032_5476,
            0xc3d2_e1f0,
        ];
        sha1::block_api::compress(&mut state, &[short]);
        add(&format!("{name} state of SHA-1"), &bytes_of(&state));
        let mut state = [
            0x6a09_e667_f3bc_c908_u64,
            0xbb67_ae85_84ca_a73b,
            0x3c6e_f372_fe94_f82b,
            0xa54f_f53a_5f1d_36f1,
            0x510e_527f_ade6_82d1,
            0x9b05_688c_2b3e_6c1f,
            0x1f83_d9ab_fb41_bd6b,
            0x5be0_cd19_137e_2179,
        ];
        compress512(&mut state, &[block]);
        let words = state.iter().flat_map(|word| word.to_be_bytes());
        add(
            &format!("{name} state of SHA-512"),
            &words.collect::<Vec<_>>(),
        );
    }
    let key = derive(derivation, passphrase, length);
    add("derived key", &key);
    for (number, round) in schedule(&key).iter().enumerate() {
        add(&format!("key of round {number}"), round);
        add(&format!("inverse key of round {number}"), &unmix(round));
    }
    if derivation == Derivation::Scrypt {
        out.extend(mixing::needles(passphrase, SALT));
    }
    out
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Multiplication in the field of AES (FIPS 197 section 4.2).
fn times(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = a << 1 ^ if a & 0x80 != 0 { 0x1b } else { 0 };
        b >>= 1;
    }
    product
}

/// FIPS 197 section 5.1.1.
fn substitute(byte: u8) -> u8 {
    let inverse = (0..=255)
        .find(|other| times(byte, *other) == 1)
        .unwrap_or(0);
    let turned = |by| inverse.rotate_left(by);
    inverse ^ turned(1) ^ turned(2) ^ turned(3) ^ turned(4) ^ 0x63
}

/// The round keys (FIPS 197 section 5.2).
fn schedule(key: &[u8]) -> Vec<[u8; 16]> {
    let size = key.len() / 4;
    let mut words: Vec<[u8; 4]> = key.chunks(4).map(|word| word.try_into().unwrap()).collect();
    let mut constant = 1;
    for index in size..4 * (size + 7) {
        let mut word = words[index - 1];
        if index % size == 0 {
            word.rotate_left(1);
            word = word.map(substitute);
            word[0] ^= constant;
            constant = times(constant, 2);
        } else if size > 6 && index % size == 4 {
            word = word.map(substitute);
        }
        for (byte, old) in word.iter_mut().zip(words[index - size]) {
            *byte ^= old;
        }
        words.push(word);
    }
    let rounds = words.chunks(4);
    rounds
        .map(|round| round.concat().try_into().unwrap())
        .collect()
}

/// InvMixColumns of a round key, with which the equivalent inverse cipher works (FIPS 197 section 5.3.5).
fn unmix(round: &[u8; 16]) -> Vec<u8> {
    let column = |column: &[u8]| {
        let of = |row: usize| {
            let factors = [14, 11, 13, 9];
            (0..4).fold(0, |sum, index| {
                sum ^ times(column[index], factors[(4 + index - row) % 4])
            })
        };
        [of(0), of(1), of(2), of(3)]
    };
    round.chunks(4).flat_map(column).collect()
}

/// The arithmetic above against FIPS 197 appendix A.1.
pub fn check() {
    mixing::check();
    let key = [
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
        0x3c,
    ];
    let rounds = schedule(&key);
    assert_eq!(rounds.len(), 11);
    assert_eq!(rounds[10][12..], [0xb6, 0x63, 0x0c, 0xa6]);
    // FIPS 197 section 4.3: the column 01 01 01 01 is mixed into itself.
    assert_eq!(unmix(&[1; 16]), [1; 16]);
    assert_eq!(
        unmix(&[0x8e, 0x4d, 0xa1, 0xbc, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])[..4],
        [0xdb, 0x13, 0x53, 0x45]
    );
}
