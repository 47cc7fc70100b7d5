//! What can be changed in a certificate without the key that signed it: it is refused, or a block on the fingerprint
//! of the certificate hits it (rule P1).

use mutual_trust::certificate::Certificate;
use mutual_trust::store::BlockSelector;
use mutual_trust::{
    AuthorityScope, EntryOptions, Policy, ReasonCode, TrustStore, VerifyRequest, decide, tls,
};
use num_bigint::BigUint;
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use rcgen::{KeyPair, SignatureAlgorithm};
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

use super::support::der::{Body, Der, INTEGER, SEQUENCE, bytes, tree, wrap};
use super::support::pki::{Made, spec};
use super::support::variants::{
    P256, P384, P521, integer, number, numbers, other_of, pair, signature, with_signature,
};
use super::support::{now, providers};

/// A client's certificate, issued under a key of one kind.
fn issued_under(algorithm: &'static SignatureAlgorithm) -> (Made, Certificate) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let root = spec("root").ca().key(key).self_signed();
    let leaf = spec("array-7").client_auth().signed_by(&root);
    (root, leaf.certificate)
}

fn store(provider: &CryptoProvider, root: &Made) -> TrustStore {
    let keys = tls::key_policy(provider);
    let mut store = TrustStore::new(keys).with_clock(Arc::new(now()));
    let options = EntryOptions::new();
    store
        .install_authority(AuthorityScope::Clients, root.certificate(), options)
        .unwrap();
    store
}

fn ask(provider: &CryptoProvider, store: &mut TrustStore, leaf: &[u8]) -> ReasonCode {
    let policy = Policy::new(tls::key_policy(provider));
    let leaf = CertificateDer::from(leaf.to_vec());
    decide(
        &store.snapshot(),
        &policy,
        &VerifyRequest::client(&leaf, &[], now()),
    )
    .reason()
}

/// Presents each change of what the root issued, which no block names, and with the certificate's fingerprint blocked.
fn refused(
    (root, leaf): &(Made, Certificate),
    only: &[&str],
    changes: Vec<(&str, Vec<u8>)>,
    expect: &[ReasonCode],
) {
    for (name, provider) in providers() {
        if !only.is_empty() && !only.contains(&name) {
            continue;
        }
        let mut store = store(&provider, root);
        let genuine = ask(&provider, &mut store, leaf.der());
        assert_eq!(genuine, ReasonCode::ChainVerified, "{name}");
        for (change, der) in &changes {
            assert_ne!(der[..], leaf.der()[..], "{change}");
            let reason = ask(&provider, &mut store, der);
            assert!(expect.contains(&reason), "{name}, {change}: {reason}");
        }
        store.block_selector(BlockSelector::Fingerprint(leaf.fingerprint()));
        let genuine = ask(&provider, &mut store, leaf.der());
        assert_eq!(genuine, ReasonCode::Blocked, "{name}");
        for (change, der) in &changes {
            let reason = ask(&provider, &mut store, der);
            assert_ne!(reason, ReasonCode::ChainVerified, "{name}, {change}");
        }
    }
}

const MALFORMED: &[ReasonCode] = &[ReasonCode::MalformedCertificate];
const SIGNATURE: &[ReasonCode] = &[ReasonCode::ChainSignatureInvalid];

const CURVES: [(&str, &SignatureAlgorithm, &str); 3] = [
    ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256, P256),
    ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384, P384),
    ("P-521", &rcgen::PKCS_ECDSA_P521_SHA512, P521),
];

// P1
#[test]
fn a_block_by_fingerprint_hits_the_other_value_of_an_ecdsa_signature_of_every_curve() {
    for (curve, algorithm, order) in CURVES {
        // Lengths of numbers differ from one signature to the next.
        for _ in 0..8 {
            let (root, leaf) = issued_under(algorithm);
            let other = other_of(&leaf, order);
            assert_ne!(other.fingerprint(), leaf.fingerprint());
            for (name, provider) in providers() {
                if name == "ring" && curve == "P-521" {
                    continue; // ring has no P-521
                }
                let mut store = store(&provider, &root);
                let ask = |store: &mut TrustStore| {
                    [&leaf, &other].map(|one| ask(&provider, store, one.der()))
                };
                // Both verify.
                assert_eq!(ask(&mut store), [ReasonCode::ChainVerified; 2], "{curve}");
                for blocked in [&leaf, &other] {
                    let selector = BlockSelector::Fingerprint(blocked.fingerprint());
                    store.block_selector(selector.clone());
                    assert_eq!(ask(&mut store), [ReasonCode::Blocked; 2], "{name} {curve}");
                    store.unblock(&selector).unwrap();
                }
                assert_eq!(ask(&mut store), [ReasonCode::ChainVerified; 2], "{curve}");
            }
        }
    }
}

/// A value with a length that is not in its shortest form.
fn long(value: &Der) -> Vec<u8> {
    let short = value.write();
    let Body::Bytes(content) = &value.body else {
        let header = if short[1] & 0x80 == 0 { 2 } else { 3 };
        return [
            &[
                value.tag,
                0x82,
                0x00,
                u8::try_from(short.len() - header).unwrap(),
            ],
            &short[header..],
        ]
        .concat();
    };
    let length = u8::try_from(content.len()).unwrap();
    [&[value.tag, 0x81, length], content.as_slice()].concat()
}

// P1
#[test]
fn an_ecdsa_signature_has_one_form() {
    for (curve, algorithm, order) in CURVES {
        let made = issued_under(algorithm);
        let leaf = &made.1;
        let order = number(order);
        let bits = signature(leaf);
        let [r, s] = numbers(&bits);
        let both = |r: &[u8], s: &[u8]| wrap(SEQUENCE, &[r, s].concat());
        let [r_der, s_der] = [&r, &s].map(|number| integer(number).write());
        let padded = |number: &BigUint| {
            let Body::Bytes(content) = integer(number).body else {
                panic!("parts in a number");
            };
            wrap(INTEGER, &[&[0], content.as_slice()].concat())
        };
        let bare = |number: &BigUint| wrap(INTEGER, &number.to_bytes_be());
        let fixed = |number: &BigUint| {
            let digits = number.to_bytes_be();
            let length = order.to_bytes_be().len();
            [vec![0; length - digits.len()], digits].concat()
        };
        let mut changes = vec![
            ("s above the order", pair(&r, &(&s + &order))),
            ("r above the order", pair(&(&r + &order), &s)),
            ("both above the order", pair(&(&r + &order), &(&s + &order))),
            ("s is the order", pair(&r, &order)),
            ("s is zero", both(&r_der, &[INTEGER, 1, 0])),
            ("r is the order less r", pair(&(&order - &r), &s)),
            ("the numbers change places", pair(&s, &r)),
            ("s with a leading zero", both(&r_der, &padded(&s))),
            ("r with a leading zero", both(&padded(&r), &s_der)),
            ("a long length of s", both(&r_der, &long(&integer(&s)))),
            ("a long length of r", both(&long(&integer(&r)), &s_der)),
            ("a long length of both", long(&Der::read(&bits))),
            (
                "an indefinite length",
                [&[SEQUENCE, 0x80], r_der.as_slice(), &s_der, &[0, 0]].concat(),
            ),
            (
                "bytes behind the numbers",
                both(&r_der, &[s_der.as_slice(), &[5, 0]].concat()),
            ),
            (
                "bytes behind the signature",
                [bits.as_slice(), &[0]].concat(),
            ),
            ("a set", [&[0x31], &bits[1..]].concat()),
            (
                "the numbers alone, of fixed length",
                [fixed(&r), fixed(&s)].concat(),
            ),
            ("no signature", Vec::new()),
        ];
        // A number without the zero in front of its highest bit is a negative one.
        for (name, changed) in [
            ("s is negative", both(&r_der, &bare(&s))),
            ("r is negative", both(&bare(&r), &s_der)),
        ] {
            if changed != bits {
                changes.push((name, changed));
            }
        }
        let changes = changes.into_iter();
        let changes = changes.map(|(name, bits)| (name, with_signature(leaf, &bits)));
        let only: &[&str] = if curve == "P-521" {
            &["aws-lc-rs"]
        } else {
            &[]
        };
        refused(&made, only, changes.collect(), SIGNATURE);
    }
}

// P1
#[test]
fn an_rsa_signature_has_one_form() {
    let made = issued_under(&rcgen::PKCS_RSA_SHA256);
    let (root, leaf) = &made;
    let bits = signature(leaf);
    let mut key = Der::read(&tree(&root.certificate).field(6).at(&[1]).content()[1..]);
    let modulus = BigUint::from_bytes_be(key.at(&[0]).content());
    let value = BigUint::from_bytes_be(&bits);
    let fixed = |number: &BigUint, length: usize| {
        let digits = number.to_bytes_be();
        [vec![0; length.saturating_sub(digits.len())], digits].concat()
    };
    let mut changes = vec![
        ("a leading zero", [&[0], bits.as_slice()].concat()),
        ("bytes behind it", [bits.as_slice(), &[0]].concat()),
        (
            "above the modulus, a byte longer",
            fixed(&(&value + &modulus), bits.len() + 1),
        ),
        (
            "the modulus less it",
            fixed(&(&modulus - &value), bits.len()),
        ),
        ("as an OCTET STRING", wrap(4, &bits)),
        ("no signature", Vec::new()),
    ];
    let above = fixed(&(&value + &modulus), bits.len());
    if above.len() == bits.len() {
        changes.push(("above the modulus", above));
    }
    let changes = changes.into_iter();
    let changes = changes.map(|(name, bits)| (name, with_signature(leaf, &bits)));
    refused(&made, &[], changes.collect(), SIGNATURE);
}

// P1
#[test]
fn an_ed25519_signature_has_one_form() {
    let made = issued_under(&rcgen::PKCS_ED25519);
    let leaf = &made.1;
    let bits = signature(leaf);
    // RFC 8032 section 5.1: the order of the base point, and the prime of the field.
    let order = number("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    let (r, s) = bits.split_at(32);
    let s = BigUint::from_bytes_le(s);
    let with_s = |s: &BigUint| {
        let mut digits = s.to_bytes_le();
        digits.resize(32, 0);
        [r, &digits].concat()
    };
    let with_r = |change: &dyn Fn(&mut [u8])| {
        let mut bits = bits.clone();
        change(&mut bits[..32]);
        bits
    };
    let mut changes: Vec<(&str, Vec<u8>)> = (1_u32..=8)
        .map(|times| ("s above the order", with_s(&(&s + &order * times))))
        .collect();
    changes.extend([
        ("the order less s", with_s(&(&order - &s))),
        ("the sign of R", with_r(&|r| r[31] ^= 0x80)),
        (
            "R is the neutral point",
            with_r(&|r| {
                r.fill(0);
                r[0] = 1;
            }),
        ),
        ("a byte more", [bits.as_slice(), &[0]].concat()),
        ("a byte less", bits[..63].to_vec()),
        ("no signature", Vec::new()),
    ]);
    let changes = changes.into_iter();
    let changes = changes.map(|(name, bits)| (name, with_signature(leaf, &bits)));
    refused(&made, &[], changes.collect(), SIGNATURE);
}

// P1. FIPS 204 section 3.6.2: the hint at the end of a signature has one encoding.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_ml_dsa_signature_has_one_form() {
    let made = issued_under(&rcgen::PKCS_ML_DSA_44);
    let leaf = &made.1;
    let bits = signature(leaf);
    // omega and k of ML-DSA-44: 80 places of hints, in order, then where those of each of 4 polynomials end.
    let hints = bits.len() - 84;
    let used = usize::from(bits[bits.len() - 1]);
    let first = usize::from(bits[bits.len() - 4]);
    let mut changes = vec![
        ("a byte more", [bits.as_slice(), &[0]].concat()),
        ("a byte less", bits[..bits.len() - 1].to_vec()),
        ("no signature", Vec::new()),
    ];
    let mut change = |name, edit: &dyn Fn(&mut [u8])| {
        let mut bits = bits.clone();
        edit(&mut bits);
        changes.push((name, bits));
    };
    if used < 80 {
        change("a hint behind the last", &|bits| bits[hints + used] = 1);
    }
    if first > 1 {
        change("two hints change places", &|bits| {
            bits.swap(hints, hints + 1)
        });
    }
    change("the challenge", &|bits| bits[0] ^= 1);
    let changes = changes.into_iter();
    let changes = changes.map(|(name, bits)| (name, with_signature(leaf, &bits)));
    refused(&made, &["aws-lc-rs"], changes.collect(), SIGNATURE);
}

// P1, I4
#[test]
fn nothing_else_outside_of_what_is_signed_can_be_changed() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256] {
        let made = issued_under(algorithm);
        let leaf = &made.1;
        let whole = leaf.der().to_vec();
        let edited = |edit: &dyn Fn(&mut Der)| {
            let mut tree = tree(leaf);
            edit(&mut tree);
            tree.write()
        };
        let parameters = |edit: &dyn Fn(&mut Vec<Der>)| edited(&|tree| edit(tree.at(&[1]).list()));
        let mut changes = vec![
            ("bytes behind it", [whole.as_slice(), &[0]].concat()),
            (
                "a fourth part",
                edited(&|tree| tree.list().push(bytes(5, &[]))),
            ),
            (
                "a part of another tag behind",
                edited(&|tree| tree.list().push(bytes(0x80, &[1]))),
            ),
            ("a set", [&[0x31], &whole[1..]].concat()),
            (
                "an indefinite length",
                [&[SEQUENCE, 0x80], &whole[4..], &[0, 0]].concat(),
            ),
            (
                "a long length",
                [&[SEQUENCE, 0x83, 0], &whole[2..]].concat(),
            ),
            (
                "a longer length",
                [&[SEQUENCE, 0x84, 0, 0], &whole[2..]].concat(),
            ),
            (
                "a signature in parts",
                tree(leaf).write_with(&[2], &|_, content| wrap(0x23, &wrap(3, content))),
            ),
            (
                "a signature of another tag",
                tree(leaf).write_with(&[2], &|_, content| wrap(4, content)),
            ),
            (
                "a signature without its first byte",
                tree(leaf).write_with(&[2], &|tag, _| wrap(tag, &[])),
            ),
            (
                "a long length of the signature",
                tree(leaf).write_with(&[2], &|tag, content| {
                    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
                    [&[tag, 0x83, 0, length[0], length[1]], content].concat()
                }),
            ),
            (
                "a long length of the algorithm",
                tree(leaf).write_with(&[1], &|tag, content| {
                    [&[tag, 0x81, u8::try_from(content.len()).unwrap()], content].concat()
                }),
            ),
            (
                "another parameter",
                parameters(&|list| list.push(bytes(4, &[]))),
            ),
            (
                "a parameter more",
                parameters(&|list| list.extend([bytes(5, &[]), bytes(5, &[])])),
            ),
        ];
        for unused in 1..=8 {
            changes.push((
                "unused bits",
                edited(&|tree| tree.at(&[2]).content()[0] = unused),
            ));
        }
        changes.push(if algorithm == &rcgen::PKCS_RSA_SHA256 {
            ("no NULL", parameters(&|list| list.truncate(1)))
        } else {
            ("a NULL", parameters(&|list| list.push(bytes(5, &[]))))
        });
        refused(&made, &[], changes, MALFORMED);
    }
}

/// A verifier that takes any form of a signature.
#[derive(Debug)]
struct Lax;

impl SignatureVerificationAlgorithm for Lax {
    fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

// P1. Whose verifier takes more forms than one is not known: embedders bring their own.
#[test]
fn an_ecdsa_signature_has_one_form_whatever_the_verifier_takes() {
    static LAX: &[&dyn SignatureVerificationAlgorithm] = &[&Lax];
    let (root, leaf) = issued_under(&rcgen::PKCS_ECDSA_P256_SHA256);
    let lax = CryptoProvider {
        signature_verification_algorithms: rustls::crypto::WebPkiSupportedAlgorithms {
            all: LAX,
            mapping: &[],
        },
        ..CryptoProvider::clone(&providers()[0].1)
    };
    let mut store = store(&lax, &root);
    let bits = signature(&leaf);
    let mut ask = |bits: &[u8]| ask(&lax, &mut store, &with_signature(&leaf, bits));
    assert_eq!(ask(&bits), ReasonCode::ChainVerified);
    let behind = [bits.as_slice(), &[0]].concat();
    assert_eq!(ask(&behind), ReasonCode::ChainSignatureInvalid);
    let long = long(&Der::read(&bits));
    assert_eq!(ask(&long), ReasonCode::ChainSignatureInvalid);
}
