//! The public key of an object in a token, put together from its attributes.

use cryptoki::error::Error as CallError;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectHandle, ParameterSetType};
use cryptoki::session::Session;

use crate::der;
use crate::kind::{Curve, Kind, Level};

/// The attributes from which a public key is put together.
const PUBLIC: [AttributeType; 7] = [
    AttributeType::KeyType,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::ParameterSet,
    AttributeType::Value,
];

/// A key as an object of a token has it, of which some have only a part.
#[derive(Default)]
struct Parts {
    kind: Option<KeyType>,
    params: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    set: Option<ParameterSetType>,
    value: Option<Vec<u8>>,
}

/// The public key (`SubjectPublicKeyInfo`) of an object. `None` if the object does not have all of it.
pub(crate) fn public_of(
    session: &Session,
    object: ObjectHandle,
    is_private: bool,
) -> Result<Option<(Kind, Vec<u8>)>, CallError> {
    let mut parts = Parts::default();
    // Of a private object, the public parts alone: its value is the private key.
    let wanted = match is_private {
        true => PUBLIC.get(..6).unwrap_or_default(),
        false => &PUBLIC,
    };
    for attribute in session.get_attributes(object, wanted)? {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a hundred attributes, of which these were asked for"
        )]
        match attribute {
            Attribute::KeyType(kind) => parts.kind = Some(kind),
            Attribute::EcParams(params) => parts.params = Some(params),
            Attribute::EcPoint(point) => parts.point = Some(point),
            Attribute::Modulus(modulus) => parts.modulus = Some(modulus),
            Attribute::PublicExponent(exponent) => parts.exponent = Some(exponent),
            Attribute::ParameterSet(set) => parts.set = Some(set),
            Attribute::Value(value) => parts.value = Some(value),
            _ => {}
        }
    }
    Ok(parts.public())
}

impl Parts {
    fn public(self) -> Option<(Kind, Vec<u8>)> {
        match self.kind? {
            KeyType::EC => {
                let curve = Curve::of(&self.params?)?;
                let point = self.point?;
                // Uncompressed: TLS has no other.
                let point = der::unwrapped(&point, 1 + 2 * curve.length())?;
                let spki = der::ec_public(curve.oid(), point);
                (point.first() == Some(&4)).then_some((Kind::Ec(curve), spki))
            }
            KeyType::EC_EDWARDS => {
                let params = self.params?;
                let is_known = params == der::ED25519 || params == der::EDWARDS25519;
                let point = self.point.filter(|_| is_known)?;
                let spki = der::ed25519_public(der::unwrapped(&point, 32)?);
                Some((Kind::Ed25519, spki))
            }
            KeyType::RSA => {
                let spki = der::rsa_public(&self.modulus?, &self.exponent?);
                Some((Kind::Rsa, spki))
            }
            KeyType::ML_DSA => {
                let level = Level::of(self.set?)?;
                let (last, length) = level.public();
                let value = self.value.filter(|value| value.len() == length)?;
                Some((Kind::MlDsa(level), der::ml_dsa_public(last, &value)))
            }
            _ => None,
        }
    }
}
