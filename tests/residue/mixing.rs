//! scrypt (RFC 7914) written out, for what stands in its working memory: who has sixteen bytes of an early block can
//! test a guess of the passphrase at a fraction of its cost.

use crate::needles::{Kind, Needle};

/// N and r of the keys of this test; p is 1.
pub const N: usize = 1 << 10;
pub const R: usize = 8;

type Block = [u32; 16];

/// RFC 7914 section 3.
fn salsa(block: &Block) -> Block {
    let mut x = *block;
    for _ in 0..4 {
        for [a, b, c, d] in [
            [0, 4, 8, 12],
            [5, 9, 13, 1],
            [10, 14, 2, 6],
            [15, 3, 7, 11],
            [0, 1, 2, 3],
            [5, 6, 7, 4],
            [10, 11, 8, 9],
            [15, 12, 13, 14],
        ] {
            x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
            x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
            x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
            x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
        }
    }
    std::array::from_fn(|index| x[index].wrapping_add(block[index]))
}

fn xor(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|index| a[index] ^ b[index])
}

/// RFC 7914 section 4.
fn mix(blocks: &[Block]) -> Vec<Block> {
    let mut x = *blocks.last().unwrap();
    let mixed = blocks.iter().map(|block| {
        x = salsa(&xor(&x, block));
        x
    });
    let mixed: Vec<Block> = mixed.collect();
    let even = mixed.iter().step_by(2);
    even.chain(mixed.iter().skip(1).step_by(2))
        .copied()
        .collect()
}

fn words(bytes: &[u8]) -> Vec<Block> {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let blocks = bytes.chunks(64);
    blocks
        .map(|block| std::array::from_fn(|index| word(&block[4 * index..4 * index + 4])))
        .collect()
}

fn bytes(blocks: &[Block]) -> Vec<u8> {
    let words = blocks.iter().flatten();
    words.flat_map(|word| word.to_le_bytes()).collect()
}

/// The vector V and the final B of RFC 7914 section 5.
pub fn run(first: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut x = words(first);
    let mut v = Vec::with_capacity(N);
    for _ in 0..N {
        v.push(x.clone());
        x = mix(&x);
    }
    for _ in 0..N {
        let last = x[2 * R - 1];
        let chosen = &v[usize::try_from(last[0]).unwrap() % N];
        let both: Vec<Block> = x.iter().zip(chosen).map(|(a, b)| xor(a, b)).collect();
        x = mix(&both);
    }
    let v = v.iter().map(|blocks| bytes(blocks)).collect();
    (v, bytes(&x))
}

/// The words of each block by diagonals, as vector instructions want them.
fn pivoted(bytes: &[u8]) -> Vec<u8> {
    const ORDER: [usize; 16] = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11];
    let blocks = bytes.chunks(64);
    blocks
        .flat_map(|block| {
            ORDER
                .map(|word| block[4 * word..4 * word + 4].to_vec())
                .concat()
        })
        .collect()
}

/// What must not be left of the working memory: the first blocks of V, which are the cheapest to test a guess with,
/// some of the others, and what the key is derived from in the end.
pub fn needles(passphrase: &[u8], salt: &[u8]) -> Vec<Needle> {
    let mut first = vec![0; 128 * R];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, 1, &mut first);
    let (v, last) = run(&first);
    let mut out = Vec::new();
    let mut add = |name: String, bytes: &[u8]| {
        for (order, bytes) in [("", bytes.to_vec()), (", by diagonals", pivoted(bytes))] {
            out.push(Needle::new(
                Kind::Passphrase,
                format!("{name}{order}"),
                bytes,
            ));
        }
    };
    for (index, block) in v.iter().enumerate() {
        if index < 32 || index % 32 == 0 {
            add(format!("V[{index}] of scrypt"), block);
        }
    }
    add("final B of scrypt".to_owned(), &last);
    out
}

/// The arithmetic above against the library's.
pub fn check() {
    let (passphrase, salt) = (b"pleaseletmein", b"SodiumChloride");
    let mut first = vec![0; 128 * R];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, 1, &mut first);
    let (_, last) = run(&first);
    let (mut ours, mut theirs) = ([0; 64], [0; 64]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, &last, 1, &mut ours);
    let log_n = u8::try_from(N.trailing_zeros()).unwrap();
    let params = scrypt::Params::new(log_n, u32::try_from(R).unwrap(), 1).unwrap();
    scrypt::scrypt(passphrase, salt, &params, &mut theirs).unwrap();
    assert_eq!(ours, theirs);
}
