//! Certificates and revocation lists made from a description: a small DER writer that shares no code with the
//! library, and keys that sign the same bytes each time: Ed25519, which is fast, ECDSA by RFC 6979, and RSA.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex};

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

/// How many keys of Ed25519 there are; those of ECDSA come after them, then those of RSA.
pub(crate) const KEYS: u8 = 32;
pub(crate) const FIRST_EC: u8 = KEYS;
pub(crate) const EC_KEYS: u8 = 4;
pub(crate) const FIRST_RSA: u8 = FIRST_EC + EC_KEYS;
pub(crate) const RSA_KEYS: u8 = 2;

/// A key that signs.
enum Pair {
    Ed25519(Ed25519KeyPair),
    /// P-256, with SHA-256.
    Ec(SigningKey),
    /// Of 2048 bits, PKCS#1 version 1.5 with SHA-256.
    Rsa(RsaKeyPair),
}

/// The keys, always the same.
static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let pair = |number| Ed25519KeyPair::from_seed_unchecked(&[number; 32]);
    let mut all: Vec<Pair> = (0..KEYS)
        .map(|number| Pair::Ed25519(pair(number).expect("any seed makes a key")))
        .collect();
    all.extend((0..EC_KEYS).map(|number| {
        let key = SigningKey::from_slice(&[number + 1; 32]);
        Pair::Ec(key.expect("a number below the order is a key"))
    }));
    let rsa: [&[u8]; 2] = [
        include_bytes!("keys/rsa-a.der"),
        include_bytes!("keys/rsa-b.der"),
    ];
    all.extend(rsa.map(|der| Pair::Rsa(RsaKeyPair::from_pkcs8(der).expect("it is a key"))));
    all
});

fn pair(key: u8) -> &'static Pair {
    &PAIRS[usize::from(key)]
}

/// Whether anyone can make a second valid signature from one of this key's signatures.
pub(crate) fn is_malleable(key: u8) -> bool {
    matches!(pair(key), Pair::Ec(_))
}

/// The key of this number as PKCS#8 (RFC 8410 section 7).
pub(crate) fn pkcs8(key: u8) -> Vec<u8> {
    let head = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    [&head[..], &[key; 32]].concat()
}

pub(crate) use mutual_trust_worlds::spec::{Base, Constraints, List, Name, Spec, Spelling, Usage};

/// Bytes of a description.
pub(crate) trait Der {
    /// Its DER.
    fn der(&self) -> Vec<u8>;
}

/// The certificate of a description, otherwise than it says.
pub(crate) trait Write {
    /// Its DER with another name of the issuer, given in DER.
    fn write_below(&self, issuer: &[u8]) -> Vec<u8>;

    fn to_be_signed(&self, issuer: &[u8]) -> Vec<u8>;
}

impl Der for Spec {
    // It is cached, since a fuzzer asks for the same certificates again and again.
    fn der(&self) -> Vec<u8> {
        static MADE: LazyLock<Mutex<HashMap<Spec, Vec<u8>>>> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().expect("no other thread panicked");
        if made.len() > 20_000 {
            made.clear();
        }
        if let Some(der) = made.get(self) {
            return der.clone();
        }
        let der = self.write_below(&spelled(self.issuer, self.issuer_spelling));
        made.insert(self.clone(), der.clone());
        der
    }
}

impl Write for Spec {
    fn write_below(&self, issuer: &[u8]) -> Vec<u8> {
        let tbs = self.to_be_signed(issuer);
        let signature = signature(&tbs, self.signer, self.broken, self.second_signature);
        enveloped(&tbs, self.signer, &signature)
    }

    fn to_be_signed(&self, issuer: &[u8]) -> Vec<u8> {
        let mut tbs = Vec::new();
        if self.version == 3 {
            tbs.extend(tlv(0xa0, &tlv(2, &[2])));
        }
        tbs.extend(tlv(2, &self.serial));
        tbs.extend(algorithm(self.signer));
        tbs.extend(issuer);
        tbs.extend(tlv(0x30, &[time(self.from), time(self.to)].concat()));
        tbs.extend(spelled(self.subject, self.subject_spelling));
        tbs.extend(public_key(self.key));
        if self.version == 3 {
            let extensions = extensions(self);
            if !extensions.is_empty() {
                tbs.extend(tlv(0xa3, &tlv(0x30, &extensions)));
            }
        }
        tlv(0x30, &tbs)
    }
}

fn extensions(spec: &Spec) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some((ca, length)) = spec.ca {
        let mut content = Vec::new();
        if ca {
            content.extend(tlv(1, &[0xff]));
            content.extend(length.into_iter().flat_map(|length| tlv(2, &[length])));
        }
        all.extend(extension(19, true, &tlv(0x30, &content)));
    }
    if let Some(usage) = spec.key_usage {
        let unused = u8::try_from(usage.trailing_zeros().min(7)).unwrap_or(0);
        all.extend(extension(15, true, &tlv(3, &[unused, usage])));
    }
    if let Some(usage) = spec.usage {
        all.extend(extension(37, false, &tlv(0x30, &purposes(usage))));
    }
    if !spec.names.is_empty() {
        let names: Vec<u8> = spec.names.iter().flat_map(general_name).collect();
        all.extend(extension(17, false, &tlv(0x30, &names)));
    }
    let subtrees = |tag, bases: &[Base]| {
        let tree = |base: &Base| tlv(0x30, &subtree(*base));
        let list: Vec<u8> = bases.iter().flat_map(tree).collect();
        if list.is_empty() {
            list
        } else {
            tlv(tag, &list)
        }
    };
    let constraints = [
        subtrees(0xa0, &spec.constraints.permitted),
        subtrees(0xa1, &spec.constraints.excluded),
    ]
    .concat();
    if !constraints.is_empty() {
        all.extend(extension(30, true, &tlv(0x30, &constraints)));
    }
    if let Some(key) = spec.authority_key {
        all.extend(extension(35, false, &tlv(0x30, &tlv(0x80, &key_id(key)))));
    }
    if spec.key_id {
        all.extend(extension(14, false, &tlv(4, &key_id(spec.key))));
    }
    if spec.critical {
        let oid = tlv(6, &[0x2a, 3, 4, 5, 6]);
        all.extend(tlv(0x30, &[oid, tlv(1, &[0xff]), tlv(4, &[5, 0])].concat()));
    }
    all
}

impl Der for List {
    fn der(&self) -> Vec<u8> {
        signed(&list_to_be_signed(self), self.signer, self.broken)
    }
}

pub(crate) fn list_to_be_signed(list: &List) -> Vec<u8> {
    let mut tbs = tlv(2, &[1]);
    tbs.extend(algorithm(list.signer));
    tbs.extend(spelled(list.issuer, list.spelling));
    tbs.extend(time(list.this_update));
    tbs.extend(time(list.next_update));
    let entry = |serial: &Vec<u8>| tlv(0x30, &[tlv(2, serial), time(list.this_update)].concat());
    let entries: Vec<u8> = list.serials.iter().flat_map(entry).collect();
    if !entries.is_empty() {
        tbs.extend(tlv(0x30, &entries));
    }
    let extensions = [
        extension(35, false, &tlv(0x30, &tlv(0x80, &key_id(list.signer)))),
        extension(20, false, &tlv(2, &[list.number & 0x7f])),
    ];
    tbs.extend(tlv(0xa0, &tlv(0x30, &extensions.concat())));
    tlv(0x30, &tbs)
}

/// The value with this tag and content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut all = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => all.push(short),
        Ok(byte) => all.extend([0x81, byte]),
        Err(_) => {
            let [high, low] = u16::try_from(length)
                .expect("shorter than 64 KiB")
                .to_be_bytes();
            all.extend([0x82, high, low]);
        }
    }
    all.extend(content);
    all
}

/// The algorithm with which a key signs: id-Ed25519 (RFC 8410 section 3), ecdsa-with-SHA256 (RFC 5758 section 3.2) or
/// sha256WithRSAEncryption (RFC 4055 section 5).
pub(crate) fn algorithm(key: u8) -> Vec<u8> {
    tlv(
        0x30,
        &match pair(key) {
            Pair::Ed25519(_) => tlv(6, &[0x2b, 0x65, 0x70]),
            Pair::Ec(_) => tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
            Pair::Rsa(_) => [tlv(6, &rsa(11)), tlv(5, &[])].concat(),
        },
    )
}

/// An identifier of PKCS#1.
fn rsa(last: u8) -> [u8; 9] {
    [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last]
}

pub(crate) fn public_key(key: u8) -> Vec<u8> {
    let (kind, public) = match pair(key) {
        Pair::Ed25519(pair) => (
            tlv(6, &[0x2b, 0x65, 0x70]),
            pair.public_key().as_ref().to_vec(),
        ),
        Pair::Ec(pair) => {
            let kind = [
                tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
                tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
            ];
            let point = pair.verifying_key().to_sec1_point(false);
            (kind.concat(), point.as_bytes().to_vec())
        }
        Pair::Rsa(pair) => {
            let kind = [tlv(6, &rsa(1)), tlv(5, &[])].concat();
            (kind, pair.public_key().as_ref().to_vec())
        }
    };
    let bits = tlv(3, &[&[0], public.as_slice()].concat());
    tlv(0x30, &[tlv(0x30, &kind), bits].concat())
}

fn key_id(key: u8) -> [u8; 8] {
    [key; 8]
}

pub(crate) fn name(text: &str) -> Vec<u8> {
    spelled(text, Spelling::Utf8)
}

pub(crate) fn spelled(text: &str, spelling: Spelling) -> Vec<u8> {
    let (tag, text) = match spelling {
        Spelling::Utf8 => (0x0c, text.to_owned()),
        Spelling::Printable => (0x13, text.to_owned()),
        Spelling::UpperCase => (0x0c, text.to_uppercase()),
        Spelling::Spaces => (0x0c, format!(" {} ", text.replace(' ', "  "))),
    };
    let value = [tlv(6, &[0x55, 4, 3]), tlv(tag, text.as_bytes())].concat();
    tlv(0x30, &tlv(0x31, &tlv(0x30, &value)))
}

/// An address and its mask (RFC 5280 section 4.2.1.10).
fn subtree(base: Base) -> Vec<u8> {
    let masked = |address: &[u8], prefix: u8| {
        let mask = (0..address.len()).map(|at| {
            let bits = usize::from(prefix).saturating_sub(at * 8).min(8);
            u8::try_from(0xff00_u32 >> bits & 0xff).expect("it is a byte")
        });
        let mask: Vec<u8> = mask.collect();
        tlv(0x87, &[address, mask.as_slice()].concat())
    };
    match base {
        Base::Dns(text) => tlv(0x82, text.as_bytes()),
        Base::Ip(IpAddr::V4(address), prefix) => masked(&address.octets(), prefix),
        Base::Ip(IpAddr::V6(address), prefix) => masked(&address.octets(), prefix),
    }
}

fn general_name(name: &Name) -> Vec<u8> {
    match name {
        Name::Dns(text) => tlv(0x82, text.as_bytes()),
        Name::Uri(text) => tlv(0x86, text.as_bytes()),
        Name::Ip(IpAddr::V4(address)) => tlv(0x87, &address.octets()),
        Name::Ip(IpAddr::V6(address)) => tlv(0x87, &address.octets()),
    }
}

fn purposes(usage: Usage) -> Vec<u8> {
    let id = |last| tlv(6, &[0x2b, 6, 1, 5, 5, 7, 3, last]);
    let mut all = Vec::new();
    if usage.server {
        all.extend(id(1));
    }
    if usage.client {
        all.extend(id(2));
    }
    if usage.any {
        all.extend(tlv(6, &[0x55, 0x1d, 0x25, 0]));
    }
    if all.is_empty() {
        all = id(3);
    }
    all
}

/// The extension `2.5.29.last`.
pub(crate) fn extension(last: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical {
        tlv(1, &[0xff])
    } else {
        Vec::new()
    };
    let all = [tlv(6, &[0x55, 0x1d, last]), flag, tlv(4, value)];
    tlv(0x30, &all.concat())
}

/// A UTCTime, so from 1970 to 2049.
fn time(seconds: i64) -> Vec<u8> {
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let year = year % 100;
    let text = format!("{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    tlv(0x17, text.as_bytes())
}

/// The date of a day since the epoch: whole years, then whole months.
fn date(mut day: i64) -> (i64, i64, i64) {
    let leap = |year: i64| year % 4 == 0;
    let mut year = 1970;
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

pub(crate) fn signed(tbs: &[u8], signer: u8, broken: bool) -> Vec<u8> {
    enveloped(tbs, signer, &signature(tbs, signer, broken, false))
}

pub(crate) fn signature(tbs: &[u8], signer: u8, broken: bool, second_signature: bool) -> Vec<u8> {
    let mut signature = match pair(signer) {
        Pair::Ed25519(pair) => pair.sign(tbs).as_ref().to_vec(),
        Pair::Ec(pair) => {
            let signature: Signature = pair.sign(tbs);
            let (r, s) = signature.split_scalars();
            let s = if second_signature { -s } else { s };
            let other = Signature::from_scalars(r.as_ref(), s.as_ref());
            let other = other.expect("neither is zero");
            integers(&other.r().to_bytes(), &other.s().to_bytes())
        }
        Pair::Rsa(pair) => {
            let mut signature = vec![0; pair.public().modulus_len()];
            let random = SystemRandom::new();
            let done = pair.sign(&RSA_PKCS1_SHA256, &random, tbs, &mut signature);
            done.expect("the key is large enough");
            signature
        }
    };
    if broken {
        signature[40] ^= 1;
    }
    signature
}

/// Two positive numbers as ECDSA writes them (RFC 3279 section 2.2.3).
fn integers(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = &bytes[zeros..];
        let sign: &[u8] = if bytes[0] < 0x80 { &[] } else { &[0] };
        tlv(2, &[sign, bytes].concat())
    };
    tlv(0x30, &[integer(r), integer(s)].concat())
}

fn enveloped(tbs: &[u8], signer: u8, signature: &[u8]) -> Vec<u8> {
    let bits = tlv(3, &[&[0], signature].concat());
    tlv(0x30, &[tbs.to_vec(), algorithm(signer), bits].concat())
}
