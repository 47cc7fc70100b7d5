//! scrypt (RFC 7914) with working memory that is wiped.
//!
//! Libraries free the working memory without wiping it, and the allocator keeps it as long as the process runs. An
//! attacker who finds sixteen bytes of it can test guesses of the passphrase about two thousand times cheaper than with
//! the whole computation.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Four words of a block. Each step of a round treats them alike, so the compiler uses one vector instruction.
type Row = [u32; 4];

/// A block of Salsa20 with its words in the order of [`DIAGONALS`].
type Block = [Row; 4];

/// For each word of a diagonal block, its position in the encoded block.
const DIAGONALS: [usize; 16] = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11];

/// Bytes of a block and of a word.
const BLOCK: usize = 64;
const WORD: usize = 4;

/// The cost parameters.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    n: usize,
    r: usize,
    p: usize,
}

impl Cost {
    /// Takes N, r and p of RFC 7914 section 2. The caller has limited their product. `None` if RFC 7914 does not allow
    /// them.
    pub(super) fn new(n: u64, r: u64, p: u64) -> Option<Self> {
        let (n, r, p) = (
            usize::try_from(n).ok()?,
            usize::try_from(r).ok()?,
            usize::try_from(p).ok()?,
        );
        // N is a power of two above 1 and below 2^(128 · r / 8). r and p are at least 1, and their product is below
        // 2^30.
        let least = n.is_power_of_two() && n >= 2 && r >= 1 && p >= 1;
        let bits = usize::try_from(n.trailing_zeros()).ok()?;
        let most = bits < r.checked_mul(16)? && r.checked_mul(p)? < 1 << 30;
        (least && most).then_some(Self { n, r, p })
    }
}

/// Derives `key` from a passphrase. `None` if the size of the working memory overflows.
pub(super) fn scrypt(passphrase: &[u8], salt: &[u8], cost: Cost, key: &mut [u8]) -> Option<()> {
    let blocks = cost.r.checked_mul(2)?;
    let length = blocks.checked_mul(BLOCK)?;
    let mut b = Zeroizing::new(vec![0; length.checked_mul(cost.p)?]);
    pbkdf2_hmac::<Sha256>(passphrase, salt, 1, &mut b);
    // Allocated at their final size: a vector that grows leaves copies behind.
    let wiped = |blocks| Zeroizing::new(vec![Block::default(); blocks]);
    let mut v = wiped(blocks.checked_mul(cost.n)?);
    let (mut x, mut y) = (wiped(blocks), wiped(blocks));
    for b in b.chunks_exact_mut(length) {
        read(b, &mut x);
        fill(&mut v, &mut x);
        choose(&v, &mut x, &mut y);
        write(&x, b);
    }
    pbkdf2_hmac::<Sha256>(passphrase, &b, 1, key);
    Some(())
}

/// The first loop of `scryptROMix` (RFC 7914 section 5).
fn fill(v: &mut [Block], x: &mut [Block]) {
    for place in v.chunks_exact_mut(x.len()) {
        place.copy_from_slice(x);
        mix(place, x);
    }
}

/// The second loop of `scryptROMix`.
fn choose(v: &[Block], x: &mut [Block], y: &mut [Block]) {
    let length = x.len();
    // N, which is a power of two.
    let places = v.len() / length;
    let mask = places.saturating_sub(1);
    for _ in 0..places {
        let from = integerify(x) & mask;
        let chosen = v.iter().skip(from.saturating_mul(length));
        for ((y, x), chosen) in y.iter_mut().zip(&*x).zip(chosen) {
            *y = *x;
            xor(y, chosen);
        }
        mix(y, x);
    }
}

/// The first word of the last block. RFC 7914 takes the number modulo N, which is below 2^32.
fn integerify(x: &[Block]) -> usize {
    let first = x.last().map_or(0, |[[first, ..], ..]| *first);
    usize::try_from(first).unwrap_or(0)
}

/// `scryptBlockMix` (RFC 7914 section 4). The results for even blocks come first.
fn mix(from: &[Block], to: &mut [Block]) {
    let mut x = from.last().copied().unwrap_or_default();
    let (even, odd) = to.split_at_mut(from.len() / 2);
    let to = even.iter_mut().zip(odd);
    for (pair, (even, odd)) in from.chunks_exact(2).zip(to) {
        for (block, place) in pair.iter().zip([even, odd]) {
            xor(&mut x, block);
            salsa(&mut x);
            *place = x;
        }
    }
}

fn xor(into: &mut Block, other: &Block) {
    let words = into.as_flattened_mut().iter_mut();
    for (into, other) in words.zip(other.as_flattened()) {
        *into ^= other;
    }
}

/// Salsa20/8 (RFC 7914 section 3).
fn salsa(block: &mut Block) {
    let [first, second, third, fourth] = *block;
    let (mut a, mut b, mut c, mut d) = (first, second, third, fourth);
    for _ in 0..4 {
        // A column round and a row round. A row round is a column round after the other three rows were rotated.
        (a, b, c, d) = quarters(a, b, c, d);
        (b, c, d) = (turned_right(b), turned_left(turned_left(c)), turned_left(d));
        (a, d, c, b) = quarters(a, d, c, b);
        (b, c, d) = (turned_left(b), turned_left(turned_left(c)), turned_right(d));
    }
    *block = [sum(a, first), sum(b, second), sum(c, third), sum(d, fourth)];
}

fn quarters(a: Row, b: Row, c: Row, d: Row) -> (Row, Row, Row, Row) {
    let b = step::<7>(b, a, d);
    let c = step::<9>(c, b, a);
    let d = step::<13>(d, c, b);
    let a = step::<18>(a, d, c);
    (a, b, c, d)
}

fn step<const BY: u32>([t0, t1, t2, t3]: Row, x: Row, y: Row) -> Row {
    let [s0, s1, s2, s3] = sum(x, y);
    [
        t0 ^ s0.rotate_left(BY),
        t1 ^ s1.rotate_left(BY),
        t2 ^ s2.rotate_left(BY),
        t3 ^ s3.rotate_left(BY),
    ]
}

fn sum([x0, x1, x2, x3]: Row, [y0, y1, y2, y3]: Row) -> Row {
    [
        x0.wrapping_add(y0),
        x1.wrapping_add(y1),
        x2.wrapping_add(y2),
        x3.wrapping_add(y3),
    ]
}

fn turned_left([x0, x1, x2, x3]: Row) -> Row {
    [x1, x2, x3, x0]
}

fn turned_right([x0, x1, x2, x3]: Row) -> Row {
    [x3, x0, x1, x2]
}

fn read(bytes: &[u8], x: &mut [Block]) {
    for (block, bytes) in x.iter_mut().zip(bytes.chunks_exact(BLOCK)) {
        let words = block.as_flattened_mut().iter_mut();
        for (word, from) in words.zip(DIAGONALS) {
            let written = bytes.chunks_exact(WORD).nth(from);
            let written = written.and_then(<[u8]>::first_chunk);
            *word = u32::from_le_bytes(written.copied().unwrap_or_default());
        }
    }
}

fn write(x: &[Block], bytes: &mut [u8]) {
    for (block, bytes) in x.iter().zip(bytes.chunks_exact_mut(BLOCK)) {
        for (word, to) in block.as_flattened().iter().zip(DIAGONALS) {
            if let Some(place) = bytes.chunks_exact_mut(WORD).nth(to) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn derived(passphrase: &[u8], salt: &[u8], [n, r, p]: [u64; 3], length: usize) -> Vec<u8> {
        let mut key = vec![0; length];
        scrypt(passphrase, salt, Cost::new(n, r, p).unwrap(), &mut key).unwrap();
        key
    }

    #[test]
    fn the_vectors_of_rfc_7914_are_met() {
        type Vector = (&'static str, &'static str, [u64; 3], &'static str);
        // RFC 7914 section 12, without the last vector, which needs a gigabyte.
        let vectors: [Vector; 3] = [
            (
                "",
                "",
                [16, 1, 1],
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
                 fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
            ),
            (
                "password",
                "NaCl",
                [1024, 8, 16],
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                 2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                [16384, 8, 1],
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
                 d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
            ),
        ];
        for (passphrase, salt, cost, expected) in vectors {
            let (passphrase, salt) = (passphrase.as_bytes(), salt.as_bytes());
            assert_eq!(derived(passphrase, salt, cost, 64), hex(expected));
        }
    }

    #[test]
    fn every_shape_gives_what_the_library_gives() {
        for (log_n, r, p) in [
            (1, 1, 1),
            (1, 2, 3),
            (4, 1, 2),
            (5, 3, 1),
            (7, 16, 1),
            (10, 8, 1),
            (15, 1, 1),
        ] {
            let params = ::scrypt::Params::new(log_n, r, p).unwrap();
            for length in [16, 24, 32] {
                let mut expected = vec![0; length];
                ::scrypt::scrypt(b"passphrase", b"salt", &params, &mut expected).unwrap();
                let cost = [1 << log_n, r.into(), p.into()];
                let found = derived(b"passphrase", b"salt", cost, length);
                assert_eq!(found, expected, "{log_n} {r} {p}");
            }
        }
    }

    #[test]
    fn the_quarters_of_rfc_7914_are_met() {
        // RFC 7914 section 8: Salsa20/8 of one block.
        let mut bytes = hex(
            "7e879a214f3ec9867ca940e641718f26baee555b8c61c1b50df846116dcd3b1d\
             ee24f319df9b3d8514121e4b5ac5aa3276021d2909c74829edebc68db8b8c25e",
        );
        let mut block = [Block::default()];
        read(&bytes, &mut block);
        salsa(&mut block[0]);
        write(&block, &mut bytes);
        assert_eq!(
            bytes,
            hex(
                "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29\
                 b4393168e3c9e6bcfe6bc5b7a06d96bae424cc102c91745c24ad673dc7618f81"
            )
        );
    }

    #[test]
    fn numbers_outside_of_rfc_7914_are_refused() {
        // RFC 7914 section 2: N is a power of two above 1 and below 2^(128 · r / 8), and r · p is at most 2^30 - 1.
        for bad in [
            [0, 8, 1],
            [1, 8, 1],
            [3, 8, 1],
            [1 << 16, 1, 1],
            [16, 0, 1],
            [16, 1, 0],
            [16, 1 << 15, 1 << 15],
            [16, u64::MAX, 2],
            [16, 1 << 60, 1 << 60],
        ] {
            let [n, r, p] = bad;
            assert!(Cost::new(n, r, p).is_none(), "{bad:?}");
        }
        assert!(Cost::new(1 << 15, 1, 1).is_some());
        assert!(Cost::new(2, 1, (1 << 30) - 1).is_some());
    }
}
