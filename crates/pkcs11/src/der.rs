//! The few values of DER between a token and TLS: public keys and signatures.

/// Identifiers in DER.
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
pub(crate) const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
pub(crate) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// The name that PKCS#11 3.0 allows instead, as PrintableString: SoftHSM has it.
pub(crate) const EDWARDS25519: &[u8] = b"\x13\x0cedwards25519";
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
const ML_DSA: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// One value.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    match u8::try_from(length) {
        Ok(short @ ..=0x7f) => out.push(short),
        _ => {
            let count = u8::try_from(significant.clone().count()).unwrap_or(0);
            out.push(0x80 | count);
            out.extend(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A positive INTEGER of its bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    match bytes.first() {
        Some(0..=0x7f) => value(INTEGER, &[bytes]),
        _ => value(INTEGER, &[&[0], bytes]),
    }
}

fn public(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let algorithm = value(SEQUENCE, algorithm);
    value(SEQUENCE, &[&algorithm, &value(BIT_STRING, &[&[0], key])])
}

/// The public key of a point on a curve.
pub(crate) fn ec_public(curve: &[u8], point: &[u8]) -> Vec<u8> {
    public(&[EC_PUBLIC_KEY, curve], point)
}

pub(crate) fn ed25519_public(key: &[u8]) -> Vec<u8> {
    public(&[ED25519], key)
}

pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = value(SEQUENCE, &[&integer(modulus), &integer(exponent)]);
    public(&[RSA], &key)
}

/// The last arc is 17, 18 or 19 (RFC 9881 section 2).
pub(crate) fn ml_dsa_public(last: u8, key: &[u8]) -> Vec<u8> {
    public(&[ML_DSA, &[last]], key)
}

/// The signature (r, s) of two halves, as TLS has it.
pub(crate) fn ecdsa_signature(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at_checked(raw.len() / 2)?;
    Some(value(SEQUENCE, &[&integer(r), &integer(s)]))
}

/// What is in an OCTET STRING or BIT STRING of one length, or the bytes themselves: PKCS#11 2.40 wraps points, modules
/// differ for Edwards curves.
pub(crate) fn unwrapped(bytes: &[u8], length: usize) -> Option<&[u8]> {
    if bytes.len() == length {
        return Some(bytes);
    }
    let end = bytes.len().checked_sub(length)?;
    let (head, content) = bytes.split_at_checked(end)?;
    let is_octets = head == header(OCTET_STRING, length);
    let bits = header(BIT_STRING, length.checked_add(1)?);
    let is_bits = head.strip_suffix(&[0]).is_some_and(|head| head == bits);
    (is_octets || is_bits).then_some(content)
}

fn header(tag: u8, length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short @ ..=0x7f) => vec![tag, short],
        Ok(long) => vec![tag, 0x81, long],
        Err(_) => Vec::new(),
    }
}

/// The head of a `DigestInfo` (RFC 8017 section 9.2 note 1) for SHA-256, -384 or -512 by the length of the digest: what
/// `CKM_RSA_PKCS` signs.
pub(crate) fn digest_info(digest: &[u8]) -> Option<Vec<u8>> {
    let hash = match digest.len() {
        32 => 1,
        48 => 2,
        64 => 3,
        _ => return None,
    };
    let oid = [
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hash, 0x05, 0x00,
    ];
    let algorithm = value(SEQUENCE, &[&oid]);
    let digest = value(OCTET_STRING, &[digest]);
    Some(value(SEQUENCE, &[&algorithm, &digest]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_have_their_length() {
        assert_eq!(value(4, &[&[1, 2]]), [4, 2, 1, 2]);
        assert_eq!(value(4, &[&[0; 127]]).get(..2).unwrap(), [4, 127]);
        assert_eq!(value(4, &[&[0; 128]]).get(..3).unwrap(), [4, 0x81, 128]);
        assert_eq!(value(4, &[&[0; 256]]).get(..4).unwrap(), [4, 0x82, 1, 0]);
    }

    #[test]
    fn integers_of_signatures_are_positive_and_minimal() {
        let signature = ecdsa_signature(&[0, 0, 0x7f, 0x80, 0, 1]).unwrap();
        assert_eq!(signature, [0x30, 9, 2, 1, 0x7f, 2, 4, 0, 0x80, 0, 1]);
        assert_eq!(ecdsa_signature(&[]), None);
        assert_eq!(ecdsa_signature(&[1, 2, 3]), None);
        assert_eq!(
            ecdsa_signature(&[0, 0]).unwrap(),
            [0x30, 6, 2, 1, 0, 2, 1, 0]
        );
    }

    #[test]
    fn points_are_taken_wrapped_and_bare() {
        let wrapped = [&[4, 65, 4][..], &[7; 64]].concat();
        assert_eq!(unwrapped(&wrapped, 65).unwrap(), &wrapped[2..]);
        assert_eq!(unwrapped(&wrapped[2..], 65).unwrap(), &wrapped[2..]);
        let bits = [&[3, 33, 0][..], &[7; 32]].concat();
        assert_eq!(unwrapped(&bits, 32).unwrap(), [7; 32]);
        let long = [&[4, 0x81, 133][..], &[7; 133]].concat();
        assert_eq!(unwrapped(&long, 133).unwrap(), [7; 133]);
        assert_eq!(unwrapped(&long, 65), None);
        assert_eq!(unwrapped(&[], 65), None);
    }
}
