//! What a certificate or a revocation list is, in words: nothing is read from their bytes.

use std::net::IpAddr;

/// A name in a certificate or below a constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    Dns(&'static str),
    Ip(IpAddr),
    Uri(&'static str),
}

/// What an extended key usage says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    pub server: bool,
    pub client: bool,
    pub any: bool,
}

/// The base of a subtree of name constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    Dns(&'static str),
    /// An address with the length of its prefix.
    Ip(IpAddr, u8),
}

/// Name constraints. Both lists are empty if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Constraints {
    pub permitted: Vec<Base>,
    pub excluded: Vec<Base>,
}

/// How a name is written: all of them are equal by RFC 5280 section 7.1, and none of them in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Spelling {
    #[default]
    Utf8,
    Printable,
    UpperCase,
    Spaces,
}

/// The description of a certificate. The subject and the issuer are common names; keys are numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// 3, or 1 without any extension.
    pub version: u8,
    pub serial: Vec<u8>,
    pub subject: &'static str,
    pub key: u8,
    pub issuer: &'static str,
    pub signer: u8,
    /// Seconds since the epoch, both included.
    pub from: i64,
    pub to: i64,
    /// basicConstraints, with a path length of a CA.
    pub ca: Option<(bool, Option<u8>)>,
    /// keyUsage, as its first byte: 0x80 digitalSignature, 0x04 keyCertSign, 0x02 cRLSign.
    pub key_usage: Option<u8>,
    /// extendedKeyUsage; none of all is codeSigning.
    pub usage: Option<Usage>,
    pub names: Vec<Name>,
    pub constraints: Constraints,
    /// The number of the key that the authority key identifier names.
    pub authority_key: Option<u8>,
    pub key_id: bool,
    /// A critical extension with an unknown identifier.
    pub critical: bool,
    /// The signature is over something else.
    pub broken: bool,
    /// The other signature of the same content by the same key, where it is malleable.
    pub second_signature: bool,
    pub subject_spelling: Spelling,
    pub issuer_spelling: Spelling,
}

impl Spec {
    /// A certificate that signed itself, without extensions but basicConstraints.
    pub fn new(subject: &'static str, key: u8, ca: bool) -> Self {
        Self {
            version: 3,
            serial: vec![key + 1],
            subject,
            key,
            issuer: subject,
            signer: key,
            from: 0,
            to: 0,
            ca: Some((ca, None)),
            key_usage: None,
            usage: None,
            names: Vec::new(),
            constraints: Constraints::default(),
            authority_key: None,
            key_id: ca,
            critical: false,
            broken: false,
            second_signature: false,
            subject_spelling: Spelling::Utf8,
            issuer_spelling: Spelling::Utf8,
        }
    }

    /// Whether issuer and subject are the same, in their bytes: an equal name in another spelling spares nothing.
    pub fn is_self_issued(&self) -> bool {
        (self.subject, self.subject_spelling) == (self.issuer, self.issuer_spelling)
    }

    /// Whether a self-issued certificate says that its own key signed it; `None` if that cannot be told.
    pub fn names_own_key(&self) -> Option<bool> {
        if !self.is_self_issued() {
            return Some(false);
        }
        match self.authority_key {
            None => Some(true),
            Some(key) if self.key_id => Some(key == self.key),
            Some(_) => None,
        }
    }

    pub fn is_ca(&self) -> bool {
        self.ca.is_some_and(|(ca, _)| ca)
    }

    /// Whether a CA of this description made the other one.
    pub fn signed(&self, below: &Self) -> bool {
        below.issuer == self.subject && below.signer == self.key && !below.broken
    }

    /// Whether it is the same certificate, or one that can be made of it without its issuer's key.
    pub fn is_variant_of(&self, other: &Self) -> bool {
        let same = Self {
            second_signature: other.second_signature,
            ..self.clone()
        };
        same == *other
    }
}

/// The description of a revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    pub issuer: &'static str,
    pub signer: u8,
    pub number: u8,
    pub this_update: i64,
    pub next_update: i64,
    pub serials: Vec<Vec<u8>>,
    pub broken: bool,
    pub spelling: Spelling,
}

impl List {
    /// Whether it has this number, by its value.
    pub fn names(&self, serial: &[u8]) -> bool {
        let mut serials = self.serials.iter();
        serials.any(|listed| value(listed) == value(serial))
    }

    /// Whether it is of the issuer of a certificate, as far as the certificate says who that is.
    pub fn is_of_issuer(&self, spec: &Spec) -> bool {
        self.issuer == spec.issuer && spec.authority_key.is_none_or(|key| key == self.signer)
    }
}

/// A serial number without zeros in front of it.
pub fn value(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}
