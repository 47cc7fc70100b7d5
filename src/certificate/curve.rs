//! Checks that a public point lies on its curve. A key with another point verifies no signature (SEC 1 section
//! 3.2.2.1).
//!
//! Crypto providers check this only when they verify a signature, and then report only that the signature is wrong.
//! Public keys are not secret, so this code does not run in constant time.

use super::kinds::KeyKind;

/// A curve y² = x³ - 3x + b over the integers modulo `p` (NIST SP 800-186 section 3.2.1). Numbers are arrays of 64-bit
/// digits, least significant first.
struct Curve<const N: usize> {
    p: [u64; N],
    /// 3/R modulo `p`, with R = 2^(64 N).
    three: [u64; N],
    /// b/R² modulo `p`.
    b: [u64; N],
    /// -1/p modulo 2⁶⁴.
    inverse: u64,
}

const P256: Curve<4> = Curve {
    p: [0xffff_ffff_ffff_ffff, 0xffff_ffff, 0, 0xffff_ffff_0000_0001],
    three: [
        0x0009_0000_0002,
        0x0003_ffff_fffa,
        0xffff_fff7_0000_0006,
        0xffff_fffc_0000_0009,
    ],
    b: [
        0xe59b_e0a6_4584_a137,
        0xfc35_21eb_9ca0_65a7,
        0x7c17_8684_a0f4_5303,
        0x3081_dc38_d948_431a,
    ],
    inverse: 1,
};

const P384: Curve<6> = Curve {
    p: [
        0xffff_ffff,
        0xffff_ffff_0000_0000,
        0xffff_ffff_ffff_fffe,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
    ],
    three: [
        0xffff_ffa3_0000_0012,
        0xffff_ffc3_ffff_ff8a,
        0xffff_fff3_ffff_fff9,
        0xffff_fff6_ffff_fff0,
        0x0024_0000_0008,
        0x003c_0000_003c,
    ],
    b: [
        0x915a_902a_4a46_51db,
        0x2c9f_09fa_919d_89c2,
        0xfc7a_73ca_8040_8afd,
        0x9e15_936d_2ed8_6bff,
        0xbefd_4246_abba_b844,
        0xf7cd_02a7_8f62_a21c,
    ],
    inverse: 0x1_0000_0001,
};

const P521: Curve<9> = Curve {
    p: [
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        0x1ff,
    ],
    three: [0, 0, 0, 0, 0, 0, 0, 0x000c_0000, 0],
    b: [
        0x02f4_eec6_fc1c_d5cf,
        0xe547_b1fa_4dec_594b,
        0x2646_3bc4_2785_5864,
        0xc96e_66cc_57ce_e2d2,
        0x8682_da15_03ba_8b69,
        0xe586_3872_687e_4a68,
        0xa35a_81f8_0146_54fa,
        0x41e9_61a7_8f7a_28fe,
        0x00fc,
    ],
    inverse: 1,
};

/// Whether `point` lies on the curve of this kind of key. `point` has the two coordinates of an uncompressed point.
/// True for kinds of keys without a known curve.
pub(super) fn has_point(kind: KeyKind, point: &[u8]) -> bool {
    match kind {
        KeyKind::P256 => P256.has(point),
        KeyKind::P384 => P384.has(point),
        KeyKind::P521 => P521.has(point),
        KeyKind::Rsa { .. }
        | KeyKind::Ed25519
        | KeyKind::MlDsa44
        | KeyKind::MlDsa65
        | KeyKind::MlDsa87
        | KeyKind::Named(_)
        | KeyKind::Other => true,
    }
}

impl<const N: usize> Curve<N> {
    fn has(&self, point: &[u8]) -> bool {
        let (x, y) = point.split_at(point.len() / 2);
        let (Some(x), Some(y)) = (self.read(x), self.read(y)) else {
            return false;
        };
        // Montgomery multiplication divides by R. Both sides of x (x² - 3) = y² - b are divided by R twice.
        let mut one = [0; N];
        if let Some(lowest) = one.first_mut() {
            *lowest = 1;
        }
        let less_three = self.subtract(&self.multiply(&x, &x), &self.three);
        let square = self.multiply(&self.multiply(&y, &y), &one);
        self.multiply(&x, &less_three) == self.subtract(&square, &self.b)
    }

    /// Reads a coordinate from big-endian bytes. `None` if it is not below `p`.
    fn read(&self, bytes: &[u8]) -> Option<[u64; N]> {
        let mut number = [0; N];
        let digits = bytes.rchunks(8);
        if digits.len() > N {
            return None;
        }
        for (place, digit) in number.iter_mut().zip(digits) {
            *place = digit
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        }
        self.is_reduced(&number).then_some(number)
    }

    fn is_reduced(&self, number: &[u64; N]) -> bool {
        number.iter().rev().lt(self.p.iter().rev())
    }

    fn subtract(&self, left: &[u64; N], right: &[u64; N]) -> [u64; N] {
        let (mut difference, borrow) = minus(left, right);
        if borrow {
            let mut carry = false;
            for (place, digit) in difference.iter_mut().zip(&self.p) {
                let (sum, first) = place.overflowing_add(*digit);
                let (sum, second) = sum.overflowing_add(u64::from(carry));
                (*place, carry) = (sum, first || second);
            }
        }
        difference
    }

    /// left · right / R modulo `p` (Montgomery). Both factors must be below `p`.
    fn multiply(&self, left: &[u64; N], right: &[u64; N]) -> [u64; N] {
        let mut sum = [0; N];
        let mut top = 0_u64;
        for digit in right {
            let carry = add_multiple(&mut sum, left, *digit);
            let (above, first) = top.overflowing_add(carry);
            // Adds the multiple of p that makes the lowest digit 0, then drops that digit: a division by 2⁶⁴.
            let lowest = sum.first().copied().unwrap_or(0);
            let carry = add_multiple(&mut sum, &self.p, lowest.wrapping_mul(self.inverse));
            sum.copy_within(1.., 0);
            let (highest, second) = above.overflowing_add(carry);
            if let Some(place) = sum.last_mut() {
                *place = highest;
            }
            top = u64::from(first || second);
        }
        match minus(&sum, &self.p) {
            (_, true) if top == 0 => sum,
            (reduced, _) => reduced,
        }
    }
}

/// Adds `factor` times `number`. Returns the carry out of the highest digit.
fn add_multiple<const N: usize>(sum: &mut [u64; N], number: &[u64; N], factor: u64) -> u64 {
    const LOW: u128 = 0xffff_ffff_ffff_ffff;
    let mut carry = 0_u64;
    for (place, digit) in sum.iter_mut().zip(number) {
        let wide = u128::from(*digit) * u128::from(factor) + u128::from(*place) + u128::from(carry);
        // Each half fits into 64 bits.
        *place = u64::try_from(wide & LOW).unwrap_or(0);
        carry = u64::try_from(wide >> 64).unwrap_or(0);
    }
    carry
}

/// The difference, and whether it is negative.
fn minus<const N: usize>(left: &[u64; N], right: &[u64; N]) -> ([u64; N], bool) {
    let mut difference = *left;
    let mut borrow = false;
    for (place, digit) in difference.iter_mut().zip(right) {
        let (less, first) = place.overflowing_sub(*digit);
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        (*place, borrow) = (less, first || second);
    }
    (difference, borrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| {
            let text = core::str::from_utf8(pair).unwrap();
            u8::from_str_radix(text, 16).unwrap()
        };
        digits.chunks(2).map(byte).collect()
    }

    /// The base point G and 2 G of each curve (NIST SP 800-186 appendix G, SEC 2 sections 2.4 to 2.6), and the prime.
    fn vectors() -> [(KeyKind, [Vec<u8>; 2], Vec<u8>); 3] {
        [
            (
                KeyKind::P256,
                [
                    bytes(
                        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
                         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
                    ),
                    bytes(
                        "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978
                         07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1",
                    ),
                ],
                bytes("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
            ),
            (
                KeyKind::P384,
                [
                    bytes(
                        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7
                         3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
                    ),
                    bytes(
                        "08d999057ba3d2d969260045c55b97f089025959a6f434d651d207d19fb96e9e4fe0e86ebe0e64f85b96a9c75295df61
                         8e80f1fa5b1b3cedb7bfe8dffd6dba74b275d875bc6cc43e904e505f256ab4255ffd43e94d39e22d61501e700a940e80",
                    ),
                ],
                bytes(
                    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
                ),
            ),
            (
                KeyKind::P521,
                [
                    bytes(
                        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66
                         011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
                    ),
                    bytes(
                        "00433c219024277e7e682fcb288148c282747403279b1ccc06352c6e5505d769be97b3b204da6ef55507aa104a3a35c5af41cf2fa364d60fd967f43e3933ba6d783d
                         00f4bb8cc7f86db26700a7f3eceeeed3f0b5c6b5107c4da97740ab21a29906c42dbbb3e377de9f251f6b93937fa99a3248f4eafcbe95edc0f4f71be356d661f41b02",
                    ),
                ],
                [&[1][..], &[0xff; 65]].concat(),
            ),
        ]
    }

    #[test]
    fn known_points_lie_on_their_curves() {
        for (kind, points, _) in vectors() {
            for point in points {
                assert!(has_point(kind, &point), "{kind}");
            }
        }
    }

    #[test]
    fn a_point_with_any_bit_changed_lies_on_no_curve() {
        for (kind, [point, _], _) in vectors() {
            for bit in 0..point.len() * 8 {
                let mut other = point.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(!has_point(kind, &other), "{kind}: bit {bit}");
            }
        }
    }

    #[test]
    fn a_mirrored_point_lies_on_the_curve_and_a_coordinate_above_the_prime_is_none() {
        for (kind, [point, _], prime) in vectors() {
            let (x, y) = point.split_at(point.len() / 2);
            let mut borrow = 0;
            let mut mirrored = vec![0; y.len()];
            for index in (0..y.len()).rev() {
                let difference = i32::from(prime[index]) - i32::from(y[index]) - borrow;
                borrow = i32::from(difference < 0);
                mirrored[index] = u8::try_from(difference.rem_euclid(256)).unwrap();
            }
            assert!(has_point(kind, &[x, &mirrored].concat()), "{kind}");
            // 0 is not a coordinate of these points, and neither is p, which is 0 in another form.
            let zero = vec![0; y.len()];
            for other in [
                [&zero[..], &zero].concat(),
                [x, &prime].concat(),
                [&prime[..], y].concat(),
                [&prime[..], &prime].concat(),
                vec![0xff; point.len()],
            ] {
                assert!(!has_point(kind, &other), "{kind}: {other:02x?}");
            }
        }
    }

    #[test]
    fn a_point_of_one_curve_lies_on_no_other() {
        // The coordinates of each curve fit into those of the next one.
        let all = vectors();
        for (kind, _, prime) in &all {
            for (other, [point, _], _) in &all {
                let (x, y) = point.split_at(point.len() / 2);
                let padded = |coordinate: &[u8]| {
                    let mut long = vec![0; prime.len().saturating_sub(coordinate.len())];
                    long.extend(coordinate);
                    long
                };
                let found = has_point(*kind, &[padded(x), padded(y)].concat());
                assert_eq!(found, kind == other, "{other} on {kind}");
            }
        }
    }

    // The points with the least and greatest coordinates of each curve, and their negatives.
    #[test]
    fn points_at_the_ends_of_the_field_are_on_their_curve() {
        let points = [
            (
                KeyKind::P256,
                bytes(
                    "0000000000000000000000000000000000000000000000000000000000000000
                     66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
                ),
            ),
            (
                KeyKind::P256,
                bytes(
                    "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc
                     19719bebf6aea13f25c96dfd7c71f5225d4c8fc09eb5a0ab9f39e9178e55c121",
                ),
            ),
            (
                KeyKind::P384,
                bytes(
                    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
                     c306610fb0ae5a159cf45c06069f22a6c5eb3641c602d42dea2c4b4f75550793406d80d2b91ad54f9048bd487af1ade1",
                ),
            ),
            (
                KeyKind::P384,
                bytes(
                    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffe
                     8cdeadbbd04911a3c1931e26df3fa6439dca9c7eb286fbd46fc319f0e2bb780232baf57825fc0c1912ada2fefe84024c",
                ),
            ),
            (
                KeyKind::P521,
                bytes(
                    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
                     012df13601594a883ef2d935e44bb90bf4d6619b74e52af7552f97769011c0719eb439cfab2a88d40fe59a2bed1f43557169a2d0a2ccd280c607b92bbf51ffe0b078",
                ),
            ),
            (
                KeyKind::P521,
                bytes(
                    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe
                     00d9254fdf800496acb33790b103c5ee9fac12832fe546c632225b0f7fce3da4574b1a879b623d722fa8fc34d5fc2a8731aad691a9a8bb8b554c95a051d6aa505acf",
                ),
            ),
        ];
        for (kind, point) in points {
            assert!(has_point(kind, &point), "{kind} {point:02x?}");
            let (_, _, prime) = vectors().into_iter().find(|(of, ..)| *of == kind).unwrap();
            let (x, y) = point.split_at(point.len() / 2);
            let mut borrow = 0_i16;
            let mut negative: Vec<u8> = prime
                .iter()
                .zip(y)
                .rev()
                .map(|(p, y)| {
                    let digit = i16::from(*p) - i16::from(*y) - borrow;
                    borrow = i16::from(digit < 0);
                    u8::try_from(digit.rem_euclid(256)).unwrap()
                })
                .collect();
            negative.reverse();
            let other = [x, &negative].concat();
            assert!(has_point(kind, &other), "{kind} {other:02x?}");
            // The same x with another y.
            let mut off = point.clone();
            *off.last_mut().unwrap() ^= 1;
            assert!(!has_point(kind, &off), "{kind} {off:02x?}");
        }
    }
}
