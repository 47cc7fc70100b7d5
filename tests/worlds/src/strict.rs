//! The requirements of the strict profile (RFC 5280 section 4), without those that the writer of certificates always
//! meets.

use crate::spec::{Constraints, Name, Spec};

fn any(spec: &Spec) -> bool {
    // 4.2.1.1: the authority key identifier is there but in a certificate that signed itself.
    (spec.authority_key.is_some() || spec.names_own_key() == Some(true))
        // 4.2.1.10: only a CA has name constraints.
        && (spec.is_ca() || spec.constraints == Constraints::default())
        // 4.2.1.9: only a CA signs certificates.
        && (spec.is_ca() || spec.key_usage.is_none_or(|usage| usage & 0x04 == 0))
        && minimal(spec)
        && spec.names.iter().all(is_name)
}

fn serial(spec: &Spec) -> bool {
    spec.serial.iter().any(|byte| *byte != 0)
}

/// X.690 section 8.3.2: an INTEGER has as few bytes as it can.
fn minimal(spec: &Spec) -> bool {
    !matches!(spec.serial[..], [0, next, ..] if next < 0x80)
}

/// 4.2.1.2 and 4.2.1.3
fn issuer(spec: &Spec) -> bool {
    spec.key_id && spec.key_usage.is_some()
}

/// 4.2.1.3: the key of an end entity may sign.
pub(crate) fn leaf(spec: &Spec) -> bool {
    let signs = spec.key_usage.is_none_or(|usage| usage & 0x80 != 0);
    any(spec) && serial(spec) && signs
}

/// 4.2.1.6: a DNS name has labels of letters, digits and hyphens.
fn is_name(name: &Name) -> bool {
    !matches!(name, Name::Dns(text) if text.contains(','))
}

pub(crate) fn intermediate(spec: &Spec) -> bool {
    any(spec) && serial(spec) && issuer(spec)
}

/// Public CAs have roots with the serial number 0.
pub(crate) fn authority(spec: &Spec) -> bool {
    any(spec) && issuer(spec)
}

/// 4.2.1.1: the authority key identifier is the subject key identifier of the issuer.
pub(crate) fn pair(below: &Spec, above: &Spec) -> bool {
    below
        .authority_key
        .is_none_or(|key| !above.key_id || key == above.key)
}
