//! What an unknown peer can present to cost much without any signature of an authority: certificates up to the limits
//! that are dear to read, to compare, to show or to verify. They are written byte by byte, since no tool writes them.

#![allow(
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a module of a benchmark and of a test, each of which takes what it needs"
)]

// Beside this module, in a benchmark as in a test.
use super::noise::noise;

/// What is installed beside one authority for any server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// The same, and the profile is `Strict`.
    Strict,
    /// A pin of the server, whose subject is [`PEER`]: its authorities are asked for an explanation alone.
    Pin,
    /// A pin of clients of that subject. The peer is a client.
    PinOfClients,
    /// A block of a fingerprint, which also blocks the other form of an ECDSA signature.
    Block,
}

pub struct Presented {
    pub what: &'static str,
    pub beside: Beside,
    /// The end entity first.
    pub all: Vec<Vec<u8>>,
}

/// The name of the authority, and the one of the pin.
pub const AUTHORITY: &str = "Chain Root";
pub const PEER: &str = "peer";

/// Most bytes that may be presented, less what is around the part that is long.
const ROOM: usize = 64_000;

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let bytes = length.to_be_bytes();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, bytes[6], bytes[7]],
    };
    [head, content.to_vec()].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A positive number of so many bytes that are not all used, so that it is below a modulus or an order.
fn below(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = noise(number, length);
    bytes[0] = 0x5a;
    bytes
}

fn attribute(id: &[u8], text: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(0x06, id), &tlv(0x0c, text)])
}

fn name(common: &str) -> Vec<u8> {
    tlv(
        0x30,
        &tlv(0x31, &attribute(&[0x55, 4, 3], common.as_bytes())),
    )
}

/// Parts up to so many bytes together.
fn fill(room: usize, mut part: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    let mut all = Vec::new();
    for number in 0.. {
        let one = part(number);
        if all.len() + one.len() > room {
            break;
        }
        all.extend(one);
    }
    all
}

/// Digits of base 100 behind an identifier, so that it differs for each number.
fn identifier(number: usize) -> Vec<u8> {
    vec![
        0x2a,
        (number / 10_000) as u8,
        (number / 100 % 100) as u8,
        (number % 100) as u8,
    ]
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&tlv(0x06, id), critical, &tlv(0x04, value)])
}

/// `id-ce` of this number.
fn ce(last: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    extension(&[0x55, 0x1d, last], critical, value)
}

/// A kind of key, and the signatures that it makes.
#[derive(Clone, Copy)]
enum Key {
    P256,
    P384,
    P521,
    /// With 8,192 bits and this exponent.
    Rsa(&'static [u8]),
    Ed25519,
    MlDsa87,
}

const G_P256: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
    4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
const G_P384: &str = "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7\
    3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
const G_P521: &str = "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66\
    011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

const EC: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

impl Key {
    fn spki(self) -> Vec<u8> {
        let spki = |algorithm: &[u8], key: &[u8]| {
            sequence(&[&tlv(0x30, algorithm), &tlv(0x03, &[&[0], key].concat())])
        };
        let ec = |curve: &[u8], point: &str| {
            let point = [&[4][..], &hex(point)].concat();
            spki(&[&EC[..], &tlv(0x06, curve)].concat(), &point)
        };
        match self {
            Self::P256 => ec(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], G_P256),
            Self::P384 => ec(&[0x2b, 0x81, 0x04, 0x00, 0x22], G_P384),
            Self::P521 => ec(&[0x2b, 0x81, 0x04, 0x00, 0x23], G_P521),
            Self::Rsa(exponent) => {
                let mut modulus = noise(1, 1024);
                modulus[0] |= 0x80;
                modulus[1023] |= 1;
                let modulus = [&[0][..], &modulus].concat();
                let key = sequence(&[&tlv(2, &modulus), &tlv(2, exponent)]);
                let rsa = [
                    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
                ];
                spki(&rsa, &key)
            }
            Self::Ed25519 => spki(&[0x06, 0x03, 0x2b, 0x65, 0x70], &noise(2, 32)),
            Self::MlDsa87 => spki(&tlv(0x06, &ML_DSA_87), &noise(3, 2592)),
        }
    }

    /// An algorithm with the longest digest, and a signature that only the whole of the verification finds wrong.
    fn signature(self) -> (Vec<u8>, Vec<u8>) {
        let ecdsa = |hash: u8, length: usize| {
            let numbers = sequence(&[&tlv(2, &below(4, length)), &tlv(2, &below(5, length))]);
            let id = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, hash];
            (tlv(0x06, &id), numbers)
        };
        match self {
            Self::P256 => ecdsa(2, 32),
            Self::P384 => ecdsa(3, 48),
            Self::P521 => ecdsa(4, 65),
            Self::Rsa(_) => {
                let id = [
                    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0,
                ];
                (id.to_vec(), below(6, 1024))
            }
            Self::Ed25519 => (vec![0x06, 0x03, 0x2b, 0x65, 0x70], below(7, 64)),
            Self::MlDsa87 => (tlv(0x06, &ML_DSA_87), noise(8, 4627)),
        }
    }
}

const ML_DSA_87: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13];

/// A certificate of version 3.
struct Certificate {
    serial: usize,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    /// An end entity of the authority, by what it says.
    fn new() -> Self {
        let usage = tlv(
            0x30,
            &[
                tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 3, 1]),
                tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 3, 2]),
            ]
            .concat(),
        );
        let (algorithm, signature) = Key::P256.signature();
        Self {
            serial: 3,
            issuer: name(AUTHORITY),
            subject: name(PEER),
            spki: Key::P256.spki(),
            extensions: ce(37, false, &usage),
            algorithm,
            signature,
        }
    }

    fn ca(number: usize) -> Self {
        let mut ca = Self::new();
        ca.serial = number + 100;
        ca.spki = Key::Ed25519.spki();
        ca.extensions = ce(19, true, &[0x30, 3, 1, 1, 0xff]);
        ca
    }

    fn names(mut self, subject: Vec<u8>, issuer: Vec<u8>) -> Self {
        (self.subject, self.issuer) = (subject, issuer);
        self
    }

    fn with(mut self, extension: &[u8]) -> Self {
        self.extensions.extend(extension);
        self
    }

    /// Signed by itself, as far as names tell.
    fn own(self, key: Key) -> Self {
        let (algorithm, signature) = key.signature();
        Self {
            issuer: name(PEER),
            spki: key.spki(),
            algorithm,
            signature,
            ..self
        }
    }

    fn der(&self) -> Vec<u8> {
        let time = |year: &str| tlv(0x17, format!("{year}0101000000Z").as_bytes());
        let algorithm = tlv(0x30, &self.algorithm);
        let serial = [0x5a, (self.serial >> 8) as u8, self.serial as u8];
        let extensions = tlv(0xa3, &tlv(0x30, &self.extensions));
        let body = sequence(&[
            &[0xa0, 3, 2, 1, 2],
            &tlv(2, &serial),
            &algorithm,
            &self.issuer,
            &sequence(&[&time("26"), &time("36")]),
            &self.subject,
            &self.spki,
            if self.extensions.is_empty() {
                &[]
            } else {
                &extensions
            },
        ]);
        let signature = tlv(0x03, &[&[0], &self.signature[..]].concat());
        sequence(&[&body, &algorithm, &signature])
    }
}

/// An identifier of so many arcs of a byte each.
fn arcs(count: usize) -> Vec<u8> {
    vec![0x2a; count]
}

/// An attribute in a part of its own, of as few bytes as one may have.
fn small_part(number: usize) -> Vec<u8> {
    tlv(0x31, &attribute(&[0x2a], &[b'a' + (number % 26) as u8]))
}

fn dns(number: usize) -> Vec<u8> {
    tlv(0x82, format!("{number}").as_bytes())
}

/// Certificates of about a kilobyte each, in which names are long: what is compared by value is folded.
fn long_names(letter: char, count: usize, out: &str) -> Vec<Vec<u8>> {
    let long = |number: usize| {
        let letters = letter.to_string().repeat(360 / letter.len_utf8());
        name(&format!("{letters}{number:02}"))
    };
    let mut all = vec![Certificate::new().names(name(PEER), long(0)).der()];
    all.extend((0..count).map(|number| {
        let above = if number + 1 == count {
            name(out)
        } else {
            long(number + 1)
        };
        Certificate::ca(number).names(long(number), above).der()
    }));
    all
}

/// One name in many spellings: no certificate of it is the issuer of another, and each is folded to see that.
fn spellings(letter: char) -> Vec<Vec<u8>> {
    let spelled = |number: usize| {
        let letters = letter.to_string().repeat(330 / letter.len_utf8());
        let spaces = " ".repeat(1 + number % 40);
        name(&format!("a{spaces}{letters}"))
    };
    let mut all = vec![Certificate::new().names(name(PEER), spelled(0)).der()];
    all.extend((1..63).map(|number| {
        Certificate::ca(number)
            .names(spelled(number), spelled(number + 1))
            .der()
    }));
    all
}

fn one(what: &'static str, beside: Beside, certificate: &Certificate) -> Presented {
    Presented {
        what,
        beside,
        all: vec![certificate.der()],
    }
}

/// The greatest exponent that is read: its bits are all set, so that each takes two multiplications.
const LONG_EXPONENT: &[u8] = &[1, 0xff, 0xff, 0xff, 0xff];
const USUAL_EXPONENT: &[u8] = &[1, 0, 1];

pub fn all() -> Vec<Presented> {
    let mut all = names();
    all.extend(extensions());
    all.extend(identifiers());
    all.extend(own_signatures());
    all.extend(many());
    all
}

fn names() -> Vec<Presented> {
    let plain = Beside::Nothing;
    let new = Certificate::new;
    let parts = || tlv(0x30, &fill(ROOM, small_part));
    let one_part = || {
        let all = fill(ROOM - 10, |number| {
            attribute(&[0x2a], &[b'a' + (number % 26) as u8])
        });
        tlv(0x30, &tlv(0x31, &all))
    };
    let text = |letter: &str| name(&letter.repeat(ROOM / letter.len()));
    vec![
        one(
            "a subject of 5,800 parts",
            plain,
            &new().names(parts(), name(AUTHORITY)),
        ),
        one(
            "a subject of 5,800 parts, in the profile Strict",
            Beside::Strict,
            &new().names(parts(), name(AUTHORITY)),
        ),
        one(
            "an issuer of 5,800 parts",
            plain,
            &new().names(name(PEER), parts()),
        ),
        one(
            "a subject of 6,400 attributes in one part",
            plain,
            &new().names(one_part(), name(AUTHORITY)),
        ),
        one(
            "a subject of 6,400 attributes in one part, in the profile Strict",
            Beside::Strict,
            &new().names(one_part(), name(AUTHORITY)),
        ),
        one(
            "a subject of 64,000 invisible letters",
            plain,
            &new().names(text("\u{ad}"), name(AUTHORITY)),
        ),
        one(
            "an issuer of 64,000 letters",
            plain,
            &new().names(name(PEER), text("\u{130}")),
        ),
        one("issuer and subject the same 32,000 letters", plain, &{
            let half = || name(&"\u{130}".repeat(15_500));
            new().names(half(), half())
        }),
    ]
}

fn extensions() -> Vec<Presented> {
    let plain = Beside::Nothing;
    let new = Certificate::new;
    let nulls = tlv(0x30, &[5, 0].repeat(ROOM / 2));
    let nested = |depth: usize| {
        let one = (0..depth).fold(vec![5, 0], |inner, _| tlv(0x30, &inner));
        tlv(0x30, &fill(ROOM - 4, |_| one.clone()))
    };
    let identifiers = |room| fill(room, |number| tlv(0x06, &identifier(number)));
    let subtrees = || {
        let one = |number| tlv(0x30, &dns(number));
        tlv(0x30, &tlv(0xa0, &fill(ROOM - 10, one)))
    };
    // In reverse, so that a sort has something to do.
    let policies = || {
        let one = |number| {
            tlv(
                0x30,
                &tlv(0x06, &identifier(99_999 - number * 7919 % 99_991)),
            )
        };
        tlv(0x30, &fill(ROOM, one))
    };
    let notices = || {
        let notice = sequence(&[
            &tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 2, 2]),
            &tlv(0x30, &tlv(0x0c, "\u{130}".repeat(100).as_bytes())),
        ]);
        let one = |number| sequence(&[&tlv(0x06, &identifier(number)), &tlv(0x30, &notice)]);
        tlv(0x30, &fill(ROOM, one))
    };
    let points = || {
        let place = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"a:b")));
        tlv(0x30, &fill(ROOM, |_| tlv(0x30, &place)))
    };
    let names = |one: fn(usize) -> Vec<u8>| {
        let mut count = 0;
        tlv(
            0x30,
            &fill(ROOM, |number| {
                count += 1;
                if count > 4096 {
                    vec![0; ROOM]
                } else {
                    one(number)
                }
            }),
        )
    };
    let email = |number: usize| tlv(0x81, format!("{number:05}@a.b").as_bytes());
    let uri = |number: usize| tlv(0x86, format!("a://{number:04}/").as_bytes());
    let directory = |number: usize| tlv(0xa4, &name(&format!("{}", number % 10)));
    vec![
        one(
            "an extension of 32,000 values",
            plain,
            &new().with(&extension(&[0x2a, 3], false, &nulls)),
        ),
        one(
            "an extension of values nested 20 deep",
            plain,
            &new().with(&extension(&[0x2a, 3], false, &nested(20))),
        ),
        one(
            "distribution points nested 20 deep",
            plain,
            &new().with(&ce(31, false, &nested(20))),
        ),
        one("9,000 extended key usages", plain, &{
            let mut leaf = new();
            leaf.extensions = ce(
                37,
                false,
                &tlv(
                    0x30,
                    &[
                        tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 3, 1]),
                        identifiers(ROOM - 20),
                    ]
                    .concat(),
                ),
            );
            leaf
        }),
        one(
            "10,000 name constraints",
            plain,
            &new().with(&ce(30, false, &subtrees())),
        ),
        one(
            "10,000 name constraints, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(30, true, &subtrees())),
        ),
        one(
            "4,096 e-mail addresses",
            plain,
            &new().with(&ce(17, false, &names(email))),
        ),
        one(
            "4,096 URIs, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(17, false, &names(uri))),
        ),
        one(
            "3,400 directory names, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(17, false, &names(directory))),
        ),
        one(
            "8,000 policies, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(32, false, &policies())),
        ),
        one(
            "260 notices of policies, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(32, false, &notices())),
        ),
        one(
            "5,300 distribution points, in the profile Strict",
            Beside::Strict,
            &new().with(&ce(31, false, &points())),
        ),
        one("32 extensions of long identifiers", plain, &{
            let all: Vec<u8> = (0..31)
                .flat_map(|number| {
                    let id = [arcs(2_000), identifier(number)].concat();
                    extension(&id, false, &[5, 0])
                })
                .collect();
            new().with(&all)
        }),
        one("malformed at its end", plain, &{
            let mut leaf = new().names(tlv(0x30, &fill(ROOM, small_part)), name(AUTHORITY));
            leaf.extensions = ce(15, true, &[3, 2, 7, 1]);
            leaf
        }),
        one(
            "64 KB of values, beside a block",
            Beside::Block,
            &new().with(&extension(&[0x2a, 3], false, &nulls)),
        ),
    ]
}

fn identifiers() -> Vec<Presented> {
    let plain = Beside::Nothing;
    let new = Certificate::new;
    let long = || arcs(ROOM);
    let one_arc = || [vec![0xaa; ROOM - 1], vec![1]].concat();
    let named = |id: &[u8]| tlv(0x30, &tlv(0x31, &attribute(id, b"a")));
    vec![
        one(
            "a subject with an identifier of 64,000 arcs",
            plain,
            &new().names(named(&long()), name(AUTHORITY)),
        ),
        one(
            "a subject with an identifier of one long arc",
            plain,
            &new().names(named(&one_arc()), name(AUTHORITY)),
        ),
        one(
            "an issuer with an identifier of 64,000 arcs",
            plain,
            &new().names(name(PEER), named(&long())),
        ),
        one(
            "issuer and subject with an identifier of 31,000 arcs",
            plain,
            &new().names(named(&arcs(31_000)), named(&arcs(31_000))),
        ),
        one(
            "a critical extension with an identifier of 64,000 arcs",
            plain,
            &new().with(&extension(&long(), true, &[5, 0])),
        ),
        one("a kind of key with an identifier of 64,000 arcs", plain, &{
            let mut leaf = new();
            leaf.spki = sequence(&[&tlv(0x30, &tlv(0x06, &long())), &[3, 2, 0, 1]]);
            leaf
        }),
        one("a signature with an identifier of 31,000 arcs", plain, &{
            let mut leaf = new();
            leaf.algorithm = tlv(0x06, &arcs(31_000));
            leaf
        }),
        one(
            "an extension with an identifier of 31,000 arcs, twice",
            plain,
            &{
                let one = extension(&arcs(31_000), false, &[5, 0]);
                new().with(&one).with(&one)
            },
        ),
    ]
}

fn own_signatures() -> Vec<Presented> {
    let own = |key| Certificate::new().own(key);
    let ballast =
        |key: Key, room| own(key).with(&extension(&[0x2a, 3], false, &tlv(0x04, &noise(9, room))));
    let mut all = vec![
        one("its own signature, P-384", Beside::Nothing, &own(Key::P384)),
        one("its own signature, P-521", Beside::Nothing, &own(Key::P521)),
        one(
            "its own signature, ML-DSA-87",
            Beside::Nothing,
            &own(Key::MlDsa87),
        ),
        one(
            "its own signature, RSA of 8,192 bits",
            Beside::Nothing,
            &own(Key::Rsa(USUAL_EXPONENT)),
        ),
        one(
            "its own signature, RSA of 8,192 bits with an exponent of 33",
            Beside::Nothing,
            &own(Key::Rsa(LONG_EXPONENT)),
        ),
    ];
    for (beside, what) in [
        (
            Beside::Pin,
            [
                "its own signature, P-521 and 60 KB, beside a pin",
                "its own signature, RSA of 8,192 bits and 60 KB, beside a pin",
            ],
        ),
        (
            Beside::PinOfClients,
            [
                "its own signature, P-521 and 60 KB, beside a pin of clients",
                "its own signature, RSA of 8,192 bits and 60 KB, beside a pin of clients",
            ],
        ),
    ] {
        for (what, key) in what.into_iter().zip([Key::P521, Key::Rsa(LONG_EXPONENT)]) {
            all.push(one(what, beside, &ballast(key, 60_000)));
        }
    }
    // An issuer of the same name that the search finds first: what it says of that is no reason to trust either.
    let with_issuer = |key: Key| {
        let mut leaf = own(key);
        leaf.serial = 7;
        let mut issuer = Certificate::ca(1).names(name(PEER), name(AUTHORITY));
        issuer.extensions = ce(19, true, &[0x30, 3, 1, 1, 0xff]);
        let expired = ce(15, true, &[3, 2, 7, 0x80]);
        let issuer = issuer.with(&expired);
        vec![leaf.der(), issuer.der()]
    };
    for (what, beside) in [
        (
            "RSA of 8,192 bits, and an issuer that may not sign",
            Beside::Nothing,
        ),
        (
            "RSA of 8,192 bits, and an issuer that may not sign, beside a pin of clients",
            Beside::PinOfClients,
        ),
    ] {
        all.push(Presented {
            what,
            beside,
            all: with_issuer(Key::Rsa(LONG_EXPONENT)),
        });
    }
    all
}

fn many() -> Vec<Presented> {
    let plain = Beside::Nothing;
    let keys = |key: Key, count: usize| {
        let mut all = vec![Certificate::new().names(name(PEER), name("I")).der()];
        all.extend((0..count).map(|number| {
            let mut ca = Certificate::ca(number).names(name("I"), name(AUTHORITY));
            ca.spki = key.spki();
            ca.der()
        }));
        all
    };
    let group = |what, beside, all| Presented { what, beside, all };
    // Each has a subject of a kilobyte that the text of a refusal shows.
    let shown = || {
        let long = |number: usize| name(&format!("{}{number}", "\u{ad}".repeat(150)));
        let mut leaf = Certificate::new().names(long(0), long(1));
        leaf.algorithm = vec![0x06, 3, 0x2b, 0x65, 0x70];
        let mut all = vec![leaf.der()];
        all.extend((0..60).map(|number| {
            let mut ca = Certificate::ca(number).names(long(1), name(AUTHORITY));
            ca.algorithm = vec![0x06, 3, 0x2b, 0x65, 0x70];
            ca.der()
        }));
        all
    };
    vec![
        group(
            "63 long names in a row, dotted capital I",
            plain,
            long_names('\u{130}', 60, AUTHORITY),
        ),
        group(
            "63 long names in a row, ending at no authority",
            plain,
            long_names('\u{130}', 60, "Unknown"),
        ),
        group(
            "63 long names in a row, invisible letters",
            plain,
            long_names('\u{ad}', 60, AUTHORITY),
        ),
        group("one name in 60 spellings", plain, spellings('\u{130}')),
        group(
            "60 subjects shown, of algorithms that do not fit",
            plain,
            shown(),
        ),
        group(
            "60 subjects shown, in the profile Strict",
            Beside::Strict,
            shown(),
        ),
        group("60 issuers of P-521", plain, keys(Key::P521, 60)),
        group(
            "40 issuers of RSA of 8,192 bits",
            plain,
            keys(Key::Rsa(USUAL_EXPONENT), 40),
        ),
        group(
            "60 issuers of P-521, beside a block",
            Beside::Block,
            keys(Key::P521, 60),
        ),
        group(
            "60 issuers, in the profile Strict",
            Beside::Strict,
            keys(Key::Ed25519, 60),
        ),
        group(
            "60 issuers, beside a pin",
            Beside::Pin,
            keys(Key::Ed25519, 60),
        ),
    ]
}
