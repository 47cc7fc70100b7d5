//! Names of algorithms and of kinds of keys, by object identifier.
//!
//! The names are for texts, for example for the certificates that are refused. They decide nothing: the crypto provider
//! decides which algorithms are accepted. The tables are compared by bytes.

use pki_types::alg_id;

use super::der::{self, INTEGER, OID, SEQUENCE, Value};
use super::dotted;
use super::kinds::{KeyKind, NamedKey};

/// Object identifiers, as content bytes of their DER.
const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";

/// The kind of key that a signature algorithm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// `rsaEncryption` and `id-RSASSA-PSS`.
    Rsa,
    /// `id-ecPublicKey`, on any curve.
    Ec,
    /// `id-dsa`.
    Dsa,
    /// The key has the same identifier as the signature.
    Own,
}

/// Whether the algorithm is well known by its name. Texts then leave out its identifier.
type Usual = bool;

/// Signature algorithms: RFC 3279, 4055, 5758, 8017, 8410, 8692, 9814 and 9881. The others are from the registry of
/// NIST, SM2 from GM/T 0006.
#[rustfmt::skip]
const SIGNATURES: &[(&[u8], &str, Family, Usual)] = &[
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "RSA with MD2", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03", "RSA with MD4", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "RSA with MD5", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "RSA with SHA-1", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "RSA with SHA-224", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "RSA with SHA-256", Family::Rsa, true),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "RSA with SHA-384", Family::Rsa, true),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "RSA with SHA-512", Family::Rsa, true),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0f", "RSA with SHA-512/224", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x10", "RSA with SHA-512/256", Family::Rsa, false),
    (b"\x2b\x0e\x03\x02\x1d", "RSA with SHA-1", Family::Rsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0d", "RSA with SHA3-224", Family::Rsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0e", "RSA with SHA3-256", Family::Rsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0f", "RSA with SHA3-384", Family::Rsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x10", "RSA with SHA3-512", Family::Rsa, false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSASSA-PSS", Family::Rsa, false),
    (b"\x2b\x06\x01\x05\x05\x07\x06\x1e", "RSASSA-PSS with SHAKE128", Family::Rsa, false),
    (b"\x2b\x06\x01\x05\x05\x07\x06\x1f", "RSASSA-PSS with SHAKE256", Family::Rsa, false),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", "ECDSA with SHA-1", Family::Ec, false),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "ECDSA with SHA-224", Family::Ec, false),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "ECDSA with SHA-256", Family::Ec, true),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "ECDSA with SHA-384", Family::Ec, true),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "ECDSA with SHA-512", Family::Ec, true),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x09", "ECDSA with SHA3-224", Family::Ec, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0a", "ECDSA with SHA3-256", Family::Ec, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0b", "ECDSA with SHA3-384", Family::Ec, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x0c", "ECDSA with SHA3-512", Family::Ec, false),
    (b"\x2b\x06\x01\x05\x05\x07\x06\x20", "ECDSA with SHAKE128", Family::Ec, false),
    (b"\x2b\x06\x01\x05\x05\x07\x06\x21", "ECDSA with SHAKE256", Family::Ec, false),
    (b"\x2a\x81\x1c\xcf\x55\x01\x83\x75", "SM2 with SM3", Family::Ec, false),
    (b"\x2a\x86\x48\xce\x38\x04\x03", "DSA with SHA-1", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x01", "DSA with SHA-224", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x02", "DSA with SHA-256", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x03", "DSA with SHA-384", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x04", "DSA with SHA-512", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x05", "DSA with SHA3-224", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x06", "DSA with SHA3-256", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x07", "DSA with SHA3-384", Family::Dsa, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x08", "DSA with SHA3-512", Family::Dsa, false),
    (b"\x2b\x65\x70", "Ed25519", Family::Own, true),
    (b"\x2b\x65\x71", "Ed448", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x11", "ML-DSA-44", Family::Own, true),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x12", "ML-DSA-65", Family::Own, true),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x13", "ML-DSA-87", Family::Own, true),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x14", "SLH-DSA-SHA2-128s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x15", "SLH-DSA-SHA2-128f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x16", "SLH-DSA-SHA2-192s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x17", "SLH-DSA-SHA2-192f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x18", "SLH-DSA-SHA2-256s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x19", "SLH-DSA-SHA2-256f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1a", "SLH-DSA-SHAKE-128s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1b", "SLH-DSA-SHAKE-128f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1c", "SLH-DSA-SHAKE-192s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1d", "SLH-DSA-SHAKE-192f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1e", "SLH-DSA-SHAKE-256s", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x1f", "SLH-DSA-SHAKE-256f", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x20", "HashML-DSA-44", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x21", "HashML-DSA-65", Family::Own, false),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x22", "HashML-DSA-87", Family::Own, false),
];
/// Digest algorithms in the parameters of RSASSA-PSS (RFC 4055 section 2.1, RFC 8702).
#[rustfmt::skip]
const DIGESTS: &[(&[u8], &str)] = &[
    (b"\x2a\x86\x48\x86\xf7\x0d\x02\x05", "MD5"),
    (b"\x2b\x0e\x03\x02\x1a", "SHA-1"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "SHA-256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "SHA-384"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "SHA-512"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x04", "SHA-224"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x05", "SHA-512/224"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x06", "SHA-512/256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x07", "SHA3-224"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x08", "SHA3-256"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x09", "SHA3-384"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x0a", "SHA3-512"),
];
/// The object identifier in the contents of an `AlgorithmIdentifier`, and the parameters after it.
fn parts(algorithm: &[u8]) -> Option<(&[u8], &[u8])> {
    let (id, parameters) = der::take(algorithm)?;
    (id.tag == OID).then_some((id.content, parameters))
}

/// The kind of a key, by the contents of its `AlgorithmIdentifier`. It covers the kinds that the identifier alone
/// determines: not RSA, which needs the size, and not Ed25519 and the curves that have a variant.
pub(crate) fn key_kind(algorithm: &[u8]) -> KeyKind {
    let Some((id, parameters)) = parts(algorithm) else {
        return KeyKind::Other;
    };
    if id == EC_PUBLIC_KEY {
        return curve_kind(parameters);
    }
    let own = [
        (alg_id::ML_DSA_44, KeyKind::MlDsa44),
        (alg_id::ML_DSA_65, KeyKind::MlDsa65),
        (alg_id::ML_DSA_87, KeyKind::MlDsa87),
    ];
    let mut own = own.into_iter();
    if let Some((_, kind)) = own.find(|(known, _)| known.as_ref() == algorithm) {
        return kind;
    }
    NamedKey::find(id).map_or(KeyKind::Other, KeyKind::Named)
}

/// The kind of an `id-ecPublicKey` whose curve has no variant, by its parameters (RFC 5480 section 2.1.1).
pub(crate) fn curve_kind(parameters: &[u8]) -> KeyKind {
    let named = match der::take(parameters) {
        Some((curve, [])) if curve.tag == OID => NamedKey::find(curve.content),
        Some((curve, [])) if curve.tag == SEQUENCE => Some(NamedKey::EXPLICIT_CURVE),
        _ => None,
    };
    named.map_or(KeyKind::Other, KeyKind::Named)
}

/// The object identifier of a kind of key that has no name here, by the contents of its `AlgorithmIdentifier`. For
/// elliptic curve keys it is the identifier of the curve.
pub(crate) fn key_oid(algorithm: &[u8]) -> Option<String> {
    let (id, parameters) = parts(algorithm)?;
    if id != EC_PUBLIC_KEY {
        return Some(dotted(id));
    }
    let (curve, _) = der::take(parameters)?;
    (curve.tag == OID).then(|| format!("curve {}", dotted(curve.content)))
}

/// The name of a signature algorithm, by the contents of its `AlgorithmIdentifier`. The object identifier follows in
/// parentheses unless the algorithm is well known.
pub(crate) fn signature_name(algorithm: &[u8]) -> String {
    let Some((id, parameters)) = parts(algorithm) else {
        return String::from("an unreadable signature algorithm");
    };
    let Some((_, name, family, usual)) = SIGNATURES.iter().find(|(known, ..)| *known == id) else {
        return format!("an unknown signature algorithm ({})", dotted(id));
    };
    if id == RSASSA_PSS {
        let (digest, salt) = pss(parameters);
        return format!(
            "RSASSA-PSS with {digest} and a salt of {salt} ({})",
            dotted(id)
        );
    }
    let null_or_none = matches!(parameters, [] | [0x05, 0x00]);
    let as_it_should = match family {
        // RFC 3279 and RFC 4055 require NULL, but some tools omit it.
        Family::Rsa => null_or_none,
        Family::Ec | Family::Own => parameters.is_empty(),
        // Parameters are optional: they can be inherited (RFC 3279 section 2.2.2).
        Family::Dsa => true,
    };
    match (as_it_should, usual) {
        (true, true) => (*name).to_owned(),
        (true, false) => format!("{name} ({})", dotted(id)),
        (false, _) => format!("{name} with unexpected parameters ({})", dotted(id)),
    }
}

/// Whether this kind of key can make signatures with this algorithm, for example not ECDSA signatures with an RSA key.
/// Both are contents of an `AlgorithmIdentifier`. `None` if the algorithm is unknown.
pub(crate) fn signs_with(key: &[u8], algorithm: &[u8]) -> Option<bool> {
    let (key, _) = parts(key)?;
    let (id, _) = parts(algorithm)?;
    let (_, _, family, _) = SIGNATURES.iter().find(|(known, ..)| *known == id)?;
    Some(match family {
        Family::Rsa => key == RSA_ENCRYPTION || key == RSASSA_PSS,
        Family::Ec => key == EC_PUBLIC_KEY,
        Family::Dsa => key == DSA,
        Family::Own => key == id,
    })
}

/// Whether the provider `aws-lc-rs` of rustls verifies this algorithm (the contents of an `AlgorithmIdentifier`) for
/// NIST curves and ML-DSA. `ring` verifies a part of these only.
pub(crate) fn aws_lc_rs_verifies(algorithm: &[u8], key: KeyKind) -> bool {
    let known = match key {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => &[
            alg_id::ECDSA_SHA256,
            alg_id::ECDSA_SHA384,
            alg_id::ECDSA_SHA512,
        ],
        KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => {
            &[alg_id::ML_DSA_44, alg_id::ML_DSA_65, alg_id::ML_DSA_87]
        }
        KeyKind::Rsa { .. } | KeyKind::Ed25519 | KeyKind::Named(_) | KeyKind::Other => {
            return false;
        }
    };
    known.iter().any(|known| known.as_ref() == algorithm)
}

/// The digest and the length of the salt in the parameters of RSASSA-PSS. The defaults are SHA-1 and 20 (RFC 4055
/// section 3.1).
fn pss(parameters: &[u8]) -> (String, String) {
    let fields = der::take(parameters).map_or(&[][..], |(outer, _)| outer.content);
    let field = |tag| {
        let fields = der::children(fields).unwrap_or_default();
        let field: Option<Value<'_>> = fields.into_iter().find(|field| field.tag == tag);
        field.and_then(|field| der::take(field.content))
    };
    let digest = field(0xa0).map_or_else(
        || String::from("SHA-1"),
        |(algorithm, _)| {
            let id = parts(algorithm.content).map_or(&[][..], |(id, _)| id);
            let known = DIGESTS.iter().find(|(known, _)| *known == id);
            known.map_or_else(|| dotted(id), |(_, name)| (*name).to_owned())
        },
    );
    let salt = match field(0xa2) {
        None => String::from("20"),
        Some((salt, _)) if salt.tag == INTEGER => match salt.content {
            [length] => length.to_string(),
            [high, low] => u16::from_be_bytes([*high, *low]).to_string(),
            _ => String::from("unreadable length"),
        },
        Some(_) => String::from("unreadable length"),
    };
    (digest, salt)
}

#[cfg(test)]
mod tests {
    use super::super::kinds::NAMED;
    use super::*;

    fn identifier(id: &[u8], parameters: &[u8]) -> Vec<u8> {
        let header = [OID, u8::try_from(id.len()).unwrap()];
        [&header[..], id, parameters].concat()
    }

    fn named(name: &str) -> Vec<&'static [u8]> {
        let all = SIGNATURES.iter().filter(|entry| entry.1 == name);
        all.map(|entry| entry.0).collect()
    }

    /// The identifiers as the standards print them.
    #[test]
    fn the_tables_have_the_numbers_of_the_documents() {
        for (name, numbers) in [
            ("RSA with MD5", &["1.2.840.113549.1.1.4"][..]),
            ("RSA with SHA-1", &["1.2.840.113549.1.1.5", "1.3.14.3.2.29"]),
            ("RSA with SHA-224", &["1.2.840.113549.1.1.14"]),
            ("RSA with SHA-256", &["1.2.840.113549.1.1.11"]),
            ("RSA with SHA3-256", &["2.16.840.1.101.3.4.3.14"]),
            ("RSASSA-PSS", &["1.2.840.113549.1.1.10"]),
            ("ECDSA with SHA-1", &["1.2.840.10045.4.1"]),
            ("ECDSA with SHA-512", &["1.2.840.10045.4.3.4"]),
            ("ECDSA with SHA3-512", &["2.16.840.1.101.3.4.3.12"]),
            ("SM2 with SM3", &["1.2.156.10197.1.501"]),
            ("DSA with SHA-256", &["2.16.840.1.101.3.4.3.2"]),
            ("Ed25519", &["1.3.101.112"]),
            ("Ed448", &["1.3.101.113"]),
            ("ML-DSA-65", &["2.16.840.1.101.3.4.3.18"]),
            ("SLH-DSA-SHAKE-256f", &["2.16.840.1.101.3.4.3.31"]),
        ] {
            let found: Vec<_> = named(name).into_iter().map(dotted).collect();
            assert_eq!(found, numbers, "{name}");
        }
        for (number, name) in [
            ("1.2.840.10045.3.1.1", "ECDSA P-192"),
            ("1.3.132.0.33", "ECDSA P-224"),
            ("1.3.132.0.10", "ECDSA secp256k1"),
            ("1.3.36.3.3.2.8.1.1.7", "ECDSA brainpoolP256r1"),
            ("1.2.156.10197.1.301", "SM2"),
            ("1.3.101.113", "Ed448"),
            ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
            ("1.2.840.10040.4.1", "DSA"),
        ] {
            let found = NAMED.iter().find(|(id, _)| dotted(id) == number);
            assert_eq!(found.map(|(_, found)| *found), Some(name));
        }
        assert!(NAMED.len() < usize::from(u8::MAX));
    }

    #[test]
    fn a_name_stands_once_for_each_identifier() {
        let mut ids: Vec<_> = SIGNATURES.iter().map(|entry| entry.0).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), SIGNATURES.len());
        let mut ids: Vec<_> = NAMED.iter().map(|entry| entry.0).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), NAMED.len());
    }

    #[test]
    fn usual_algorithms_go_by_their_name_and_others_have_their_number() {
        let [sha256] = named("RSA with SHA-256")[..] else {
            panic!()
        };
        let text = |parameters| signature_name(&identifier(sha256, parameters));
        assert_eq!(text(&[5, 0]), "RSA with SHA-256");
        assert_eq!(text(&[]), "RSA with SHA-256");
        let odd = "RSA with SHA-256 with unexpected parameters (1.2.840.113549.1.1.11)";
        assert_eq!(text(&[0x30, 0]), odd);
        let sha1 = named("RSA with SHA-1");
        let texts: Vec<_> = sha1
            .iter()
            .map(|id| signature_name(&identifier(id, &[5, 0])))
            .collect();
        assert_eq!(
            texts,
            [
                "RSA with SHA-1 (1.2.840.113549.1.1.5)",
                "RSA with SHA-1 (1.3.14.3.2.29)"
            ]
        );
        let unknown = signature_name(&identifier(&[0x2a, 3], &[]));
        assert_eq!(unknown, "an unknown signature algorithm (1.2.3)");
        assert_eq!(signature_name(&[]), "an unreadable signature algorithm");
    }

    #[test]
    fn the_parameters_of_pss_are_told() {
        let text = |parameters: &[u8]| signature_name(&identifier(RSASSA_PSS, parameters));
        let defaults = "RSASSA-PSS with SHA-1 and a salt of 20 (1.2.840.113549.1.1.10)";
        assert_eq!(text(&[]), defaults);
        assert_eq!(text(&[0x30, 0]), defaults);
        // SHA-256 in [0], salt 222 in [2].
        let parameters = b"\x30\x16\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\xa2\x05\x02\x03\x00\x00\xde";
        assert!(text(parameters).contains("with SHA-256 and a salt of unreadable length"));
        let parameters = b"\x30\x15\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\xa2\x04\x02\x02\x00\xde";
        assert!(text(parameters).contains("with SHA-256 and a salt of 222"));
        for cut in 0..parameters.len() {
            // No part of it makes the text panic.
            let _ = text(parameters.get(..cut).unwrap());
        }
    }

    #[test]
    fn a_key_signs_by_the_algorithms_of_its_family() {
        let rsa = identifier(RSA_ENCRYPTION, &[5, 0]);
        let ec = identifier(EC_PUBLIC_KEY, &[]);
        let algorithm = |name| identifier(named(name).first().unwrap(), &[]);
        for (key, name, signs) in [
            (&rsa, "RSA with SHA-1", Some(true)),
            (&rsa, "RSASSA-PSS", Some(true)),
            (&rsa, "ECDSA with SHA-256", Some(false)),
            (&ec, "ECDSA with SHA-1", Some(true)),
            (&ec, "SM2 with SM3", Some(true)),
            (&ec, "Ed25519", Some(false)),
            (&identifier(DSA, &[]), "DSA with SHA-1", Some(true)),
            (&algorithm("Ed448"), "Ed448", Some(true)),
            (&algorithm("Ed448"), "Ed25519", Some(false)),
        ] {
            assert_eq!(signs_with(key, &algorithm(name)), signs, "{name}");
        }
        assert_eq!(signs_with(&rsa, &identifier(&[0x2a, 3], &[])), None);
    }

    #[test]
    fn a_key_without_a_name_has_its_number() {
        let unknown = identifier(&[0x2a, 3], &[]);
        assert_eq!(key_kind(&unknown), KeyKind::Other);
        assert_eq!(key_oid(&unknown).as_deref(), Some("1.2.3"));
        let curve = identifier(EC_PUBLIC_KEY, &[OID, 2, 0x2a, 3]);
        assert_eq!(key_kind(&curve), KeyKind::Other);
        assert_eq!(key_oid(&curve).as_deref(), Some("curve 1.2.3"));
        let explicit = identifier(EC_PUBLIC_KEY, &[SEQUENCE, 0]);
        let text = key_kind(&explicit).to_string();
        assert_eq!(text, "ECDSA with explicit curve parameters");
        let k256 = identifier(EC_PUBLIC_KEY, b"\x06\x05\x2b\x81\x04\x00\x0a");
        let text = key_kind(&k256).to_string();
        assert_eq!(text, "ECDSA secp256k1 (1.3.132.0.10)");
    }
}
