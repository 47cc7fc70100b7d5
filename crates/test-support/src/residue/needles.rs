//! What a private key, and each signature made with it, must not leave behind.

use num_bigint::BigUint;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::keys::{Curve, Der, Fixture, Key, WIDTH};

/// The shortest piece that counts as found.
pub const WINDOW: usize = 8;

/// Windows with fewer different bytes than this are no evidence of anything.
const DIFFERENT: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The private key, or a value from which it follows.
    Key,
    /// What a signature must keep secret; with the signature, the key follows.
    Signature,
    /// PEM text.
    Text,
    /// A passphrase, or the key that it gives.
    Passphrase,
}

impl Kind {
    pub fn letter(self) -> char {
        match self {
            Self::Key => 'K',
            Self::Signature => 'N',
            Self::Text => 'P',
            Self::Passphrase => 'E',
        }
    }
}

/// Bytes to look for.
#[derive(Clone, Debug)]
pub struct Needle {
    pub kind: Kind,
    pub name: String,
    pub bytes: Vec<u8>,
    /// The shortest stretch that counts.
    pub least: usize,
}

impl Needle {
    pub fn new(kind: Kind, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let name = name.into();
        Self {
            kind,
            name,
            bytes,
            least: WINDOW,
        }
    }

    /// A number in limbs of fewer bits than their words have. A window holds little of it: only several in a row
    /// count.
    fn in_limbs(kind: Kind, name: &str, number: &BigUint, bits: u32, count: u32) -> Self {
        let limb = |index| {
            let limb = (number >> (index * bits)) % (BigUint::from(1_u8) << bits);
            u64::try_from(limb).unwrap().to_le_bytes()
        };
        Self {
            kind,
            name: format!("{name}, limbs of {bits} bits"),
            bytes: (0..count).flat_map(limb).collect(),
            least: 4 * WINDOW,
        }
    }

    /// The windows that tell something, with their offsets.
    pub fn windows(&self) -> impl Iterator<Item = (usize, u64)> {
        let windows = self.bytes.windows(WINDOW).enumerate();
        let wanted = if self.least > WINDOW { 2 } else { DIFFERENT };
        windows.filter_map(move |(offset, window)| {
            let window: [u8; WINDOW] = window.try_into().unwrap();
            let mut sorted = window;
            sorted.sort_unstable();
            let different = sorted.chunk_by(|a, b| a == b).count();
            (different >= wanted).then(|| (offset, u64::from_le_bytes(window)))
        })
    }
}

/// Big-endian, of a length.
fn big(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut all = vec![0; length - bytes.len()];
    all.extend(bytes);
    all
}

/// A number as it may lie in memory: big-endian, or little-endian, which is also the order of 32- and 64-bit limbs
/// on the machines on which this runs.
pub fn number(out: &mut Vec<Needle>, kind: Kind, name: &str, number: &BigUint, length: usize) {
    let bytes = big(number, length);
    let reversed = bytes.iter().rev().copied().collect();
    out.push(Needle::new(
        kind,
        format!("{name}, little-endian"),
        reversed,
    ));
    out.push(Needle::new(kind, format!("{name}, big-endian"), bytes));
}

/// A number modulo another, and its Montgomery forms, as they come up on the way in and out of them.
fn residue(out: &mut Vec<Needle>, kind: Kind, name: &str, value: &BigUint, modulus: &BigUint) {
    let limbs = modulus.bits().div_ceil(64);
    let length = usize::try_from(limbs * 8).unwrap();
    let r = BigUint::from(1_u8) << (limbs * 64);
    let inverse = r.modinv(modulus).unwrap();
    number(out, kind, name, value, length);
    for (form, factor) in [("·R", &r), ("·R²", &(&r * &r)), ("·R⁻¹", &inverse)] {
        let value = value * factor % modulus;
        number(out, kind, &format!("{name}{form}"), &value, length);
    }
}

/// The private key in every form that is known.
pub fn of_key(key: &Key) -> Vec<Needle> {
    let mut out = Vec::new();
    match key {
        Key::Ec { curve, scalar } => residue(&mut out, Kind::Key, "scalar", scalar, &curve.order()),
        Key::Ed25519 { seed, .. } => {
            let [low, high] = expand(seed);
            let scalar = clamp(low);
            let reduced = BigUint::from_bytes_le(&scalar) % order_25519();
            let mut add = |name: &str, bytes: [u8; 32]| {
                let number_of = BigUint::from_bytes_le(&bytes);
                number(&mut out, Kind::Key, name, &number_of, 32);
            };
            add("seed", *seed);
            add("scalar", scalar);
            add("prefix", high);
            number(&mut out, Kind::Key, "reduced scalar", &reduced, 32);
            // As the portable arithmetic of Ed25519 has it.
            let whole = BigUint::from_bytes_le(&scalar);
            for (name, value) in [("scalar", &whole), ("reduced scalar", &reduced)] {
                out.push(Needle::in_limbs(Kind::Key, name, value, 21, 12));
            }
        }
        // Vectors of numbers are looked for as they are packed, not as the arithmetic has them: a number of s1 or
        // s2 is one of five or nine.
        Key::MlDsa { seed, expanded } => {
            let mut add = |name: &str, bytes: &[u8]| {
                out.push(Needle::new(Kind::Key, name, bytes.to_vec()));
            };
            add("seed", seed);
            add("K", &expanded[32..64]);
            // Before it stands tr, which is public.
            add("s1, s2, t0", &expanded[128..]);
        }
        Key::Rsa(rsa) => {
            let modulus = &rsa.p * &rsa.q;
            let full = usize::try_from(modulus.bits().div_ceil(64) * 8).unwrap();
            number(&mut out, Kind::Key, "d", &rsa.d, full);
            for (name, prime, exponent) in [("p", &rsa.p, &rsa.dp), ("q", &rsa.q, &rsa.dq)] {
                let limbs = prime.bits().div_ceil(64);
                let half = usize::try_from(limbs * 8).unwrap();
                number(&mut out, Kind::Key, name, prime, half);
                number(&mut out, Kind::Key, &format!("d{name}"), exponent, half);
                // What Montgomery arithmetic keeps for a modulus: R, R² and -1/m modulo 2^64.
                let r = BigUint::from(1_u8) << (limbs * 64);
                let one = &r % prime;
                number(&mut out, Kind::Key, &format!("R mod {name}"), &one, half);
                let square = &one * &one % prime;
                number(
                    &mut out,
                    Kind::Key,
                    &format!("R² mod {name}"),
                    &square,
                    half,
                );
                // As the vectors of AVX2 and of AVX-512 have them.
                for (bits, value) in [(29, prime), (29, &square), (52, prime)] {
                    let count = u32::try_from(prime.bits()).unwrap().div_ceil(bits);
                    out.push(Needle::in_limbs(Kind::Key, name, value, bits, count));
                }
                let word = BigUint::from(1_u8) << 64_u32;
                let n0 = &word - prime.modinv(&word).unwrap();
                number(&mut out, Kind::Key, &format!("-1/{name}"), &n0, 8);
            }
            residue(&mut out, Kind::Key, "1/q mod p", &rsa.qinv, &rsa.p);
            let other = rsa.p.modinv(&rsa.q).unwrap();
            residue(&mut out, Kind::Key, "1/p mod q", &other, &rsa.q);
        }
    }
    out
}

/// What one signature must keep secret. `scheme` is the number of the signature scheme.
pub fn of_signature(key: &Key, scheme: u16, message: &[u8], signature: &[u8]) -> Vec<Needle> {
    let mut out = Vec::new();
    match key {
        Key::Ec { curve, scalar } => {
            let n = &curve.order();
            let (r, s) = super::keys::signature(signature).unwrap();
            let k = nonce(*curve, scalar, message, &r, &s);
            let inverse = k.modinv(n).unwrap();
            let product = &r * scalar % n;
            let sum = &s * &k % n;
            for (name, value) in [
                ("nonce", &k),
                ("1/nonce", &inverse),
                ("r·scalar", &product),
                ("z+r·scalar", &sum),
            ] {
                residue(&mut out, Kind::Signature, name, value, n);
            }
        }
        Key::Ed25519 { seed, public } => {
            let [low, prefix] = expand(seed);
            let hash: [u8; 64] = Sha512::digest([&prefix[..], message].concat()).into();
            let order = order_25519();
            let nonce = BigUint::from_bytes_le(&hash) % &order;
            let challenge = Sha512::digest([&signature[..32], public, message].concat());
            let challenge = BigUint::from_bytes_le(&challenge) % &order;
            let scalar = BigUint::from_bytes_le(&clamp(low));
            let product = challenge * scalar % &order;
            let s = BigUint::from_bytes_le(&signature[32..]);
            assert_eq!((&nonce + &product) % &order, s, "not this key's signature");
            let whole = BigUint::from_bytes_le(&hash);
            number(&mut out, Kind::Signature, "nonce", &nonce, 32);
            out.push(Needle::in_limbs(Kind::Signature, "nonce", &nonce, 21, 12));
            number(&mut out, Kind::Signature, "hash of the nonce", &whole, 64);
            number(&mut out, Kind::Signature, "h·scalar", &product, 32);
        }
        Key::Rsa(rsa) => {
            // With the signature, its residue modulo a prime gives that prime.
            let s = BigUint::from_bytes_be(signature);
            for (name, prime) in [("s mod p", &rsa.p), ("s mod q", &rsa.q)] {
                residue(&mut out, Kind::Signature, name, &(&s % prime), prime);
            }
        }
        // Not computed here: what a signature keeps secret are vectors that no one but the signer can tell.
        Key::MlDsa { .. } => {}
    }
    for needle in &mut out {
        needle.name = format!("{} ({scheme:#06x})", needle.name);
    }
    out
}

/// The nonce of an ECDSA signature, from the key.
fn nonce(curve: Curve, scalar: &BigUint, message: &[u8], r: &BigUint, s: &BigUint) -> BigUint {
    let n = curve.order();
    // No hash is longer than the order of its curve.
    let z = match curve {
        Curve::P256 => BigUint::from_bytes_be(&Sha256::digest(message)),
        Curve::P384 => BigUint::from_bytes_be(&Sha384::digest(message)),
        Curve::P521 => BigUint::from_bytes_be(&Sha512::digest(message)),
    };
    // By Fermat's theorem, as the order is prime.
    let inverse = s.modpow(&(&n - 2_u8), &n);
    assert_eq!(&inverse * s % &n, BigUint::from(1_u8), "not an inverse");
    inverse * (z + r * scalar) % n
}

/// RFC 8032 section 5.1.5.
fn expand(seed: &[u8; 32]) -> [[u8; 32]; 2] {
    let hash = Sha512::digest(seed);
    let (low, high) = hash.split_at(32);
    [low.try_into().unwrap(), high.try_into().unwrap()]
}

fn clamp(mut low: [u8; 32]) -> [u8; 32] {
    low[0] &= 248;
    low[31] &= 127;
    low[31] |= 64;
    low
}

fn order_25519() -> BigUint {
    let low = BigUint::parse_bytes(b"27742317777372353535851937790883648493", 10).unwrap();
    (BigUint::from(1_u8) << 252_u32) + low
}

/// PEM text: the lines as they are, and joined.
///
/// Only what encodes secret bytes counts: the rest of a section is the same in every key, or public.
pub fn of_text(form: &str, der: &Der) -> Vec<Needle> {
    let text = super::keys::base64(&der.bytes);
    let mut out = Vec::new();
    for (number, secret) in der.secrets.iter().enumerate() {
        // The characters whose six bits are all of the secret.
        let from = (secret.start * 8).div_ceil(6);
        let to = secret.end * 8 / 6;
        let mut lines = Vec::new();
        for (index, letter) in text.bytes().enumerate().take(to).skip(from) {
            if index % WIDTH == 0 && index > from {
                lines.push(b'\n');
            }
            lines.push(letter);
        }
        let name = format!("text of {form}, secret {number}");
        let joined = &text[from..to];
        let letters: String = joined.chars().filter(char::is_ascii_alphabetic).collect();
        // Also as code has it that compares a line with something else.
        for (form, text) in [
            ("joined", joined.to_owned()),
            ("in upper case", joined.to_uppercase()),
            ("in lower case", joined.to_lowercase()),
            ("letters in upper case", letters.to_uppercase()),
            ("letters in lower case", letters.to_lowercase()),
        ] {
            out.push(Needle::new(
                Kind::Text,
                format!("{name}, {form}"),
                text.into(),
            ));
        }
        out.push(Needle::new(Kind::Text, format!("{name}, in lines"), lines));
    }
    out
}

/// A key and its PEM text, in its forms.
pub fn of_fixture(fixture: &Fixture) -> Vec<Needle> {
    let mut needles = of_key(&fixture.key);
    needles.extend(of_text("PKCS#8", &fixture.pkcs8));
    if let Some(older) = &fixture.older {
        needles.extend(of_text("older form", older));
    }
    needles
}

/// The arithmetic above against RFC 6979 appendix A.2.5, of which everything is known.
pub fn check() {
    // FIPS 186-5: the orders are primes as long as the curves.
    for (curve, bits) in [(Curve::P256, 256), (Curve::P384, 384), (Curve::P521, 521)] {
        let order = curve.order();
        let one = BigUint::from(1_u8);
        assert_eq!(order.bits(), bits);
        assert_eq!(BigUint::from(3_u8).modpow(&(&order - &one), &order), one);
    }
    let hex = |text: &[u8]| BigUint::parse_bytes(text, 16).unwrap();
    let scalar = hex(b"C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let r = hex(b"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716");
    let s = hex(b"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
    let k = hex(b"A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60");
    assert_eq!(nonce(Curve::P256, &scalar, b"sample", &r, &s), k);
}
