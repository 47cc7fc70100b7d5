//! What a generated certificate or request states.

use crate::certificate::der::{self, Value};
use crate::certificate::{Certificate, HostName, SanName, shown};
use crate::identity::error::{IssueError, SubjectError};
use crate::limits::MAX_SUBJECT_PART;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;

/// A part of the subject other than the common name (RFC 5280 appendix A.1). Some CAs sign only requests in which these
/// parts equal their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectPart {
    /// `C`, two capital letters.
    Country,
    /// `ST`.
    State,
    /// `L`.
    Locality,
    /// `O`.
    Organization,
    /// `OU`.
    OrganizationalUnit,
}

impl SubjectPart {
    const fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::State => "state",
            Self::Locality => "locality",
            Self::Organization => "organization",
            Self::OrganizationalUnit => "organizational unit",
        }
    }

    const fn arcs(self) -> [u64; 4] {
        match self {
            Self::Country => [2, 5, 4, 6],
            Self::State => [2, 5, 4, 8],
            Self::Locality => [2, 5, 4, 7],
            Self::Organization => [2, 5, 4, 10],
            Self::OrganizationalUnit => [2, 5, 4, 11],
        }
    }
}

/// `CN`.
const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];

/// One attribute of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) arcs: Vec<u64>,
    pub(super) form: Form,
    pub(super) text: String,
}

/// The string types in which attributes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Utf8,
    Printable,
    Ia5,
}

/// What a certificate or request states about its owner: the subject and the names. All other fields are fixed: version
/// 3, not a CA, for clients and servers, a key for signatures.
///
/// ```
/// use mutual_trust::identity::{CertificateSpec, SubjectPart};
///
/// let spec = CertificateSpec::new("array-7")?
///     .with_subject(SubjectPart::Organization, "Example")?
///     .with_dns_name("array-7.example".parse()?)
///     .with_dns_name("192.0.2.7".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    pub(super) subject: Vec<Attribute>,
    pub(super) names: Vec<San>,
}

/// A subject alternative name to encode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum San {
    Dns(String),
    Ip(core::net::IpAddr),
    Uri(String),
    Email(String),
}

impl CertificateSpec {
    /// A certificate with this common name. PyKMIP takes the name of a client, and so its permissions, only from there.
    /// Other key servers can be configured so.
    ///
    /// # Errors
    /// The name is empty, has more than 64 characters, or has invisible ones.
    pub fn new(common_name: &str) -> Result<Self, IssueError> {
        let text = checked("common name", common_name)?;
        Ok(Self {
            subject: vec![Attribute {
                arcs: COMMON_NAME.to_vec(),
                form: Form::Utf8,
                text,
            }],
            names: Vec::new(),
        })
    }

    /// Adds a part to the subject, before the common name.
    ///
    /// # Errors
    /// As [`new`](Self::new). Also if the subject has this part already, or a country is not two capital letters.
    pub fn with_subject(mut self, part: SubjectPart, text: &str) -> Result<Self, IssueError> {
        let attribute = part.name();
        let problem = |problem| IssueError::Subject { attribute, problem };
        let text = checked(attribute, text)?;
        let (form, good) = match part {
            // RFC 5280 requires this string type for the country only.
            SubjectPart::Country => {
                let capitals = text.bytes().all(|byte| byte.is_ascii_uppercase());
                (Form::Printable, capitals && text.len() == 2)
            }
            SubjectPart::State
            | SubjectPart::Locality
            | SubjectPart::Organization
            | SubjectPart::OrganizationalUnit => (Form::Utf8, true),
        };
        if !good {
            return Err(problem(SubjectError::Country));
        }
        let arcs = part.arcs().to_vec();
        if self.subject.iter().any(|found| found.arcs == arcs) {
            return Err(problem(SubjectError::Twice));
        }
        let last = self.subject.len().saturating_sub(1);
        self.subject.insert(last, Attribute { arcs, form, text });
        Ok(self)
    }

    /// Adds a subject alternative name: a DNS name or an IP address. Adding it again has no effect.
    #[must_use]
    pub fn with_dns_name(mut self, name: HostName) -> Self {
        let name = match name.ip() {
            Some(address) => San::Ip(address),
            None => San::Dns(name.to_string()),
        };
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self
    }

    /// Copies the subject and the names of `certificate`, in order.
    ///
    /// # Errors
    /// A part of them cannot be encoded again as it is. Nothing is dropped silently.
    #[doc(hidden)]
    pub fn from_template(certificate: &Certificate) -> Result<Self, IssueError> {
        let lost = |what| IssueError::NotKept { what };
        let subject = attributes(certificate.subject_der()).ok_or(lost("the subject"))?;
        let names = certificate.names().map(|name| match name {
            SanName::Dns(name) => Some(San::Dns(name.to_owned())),
            SanName::Ip(address) => Some(San::Ip(address)),
            SanName::Uri(name) => Some(San::Uri(name.to_owned())),
            SanName::Email(name) => Some(San::Email(name.to_owned())),
            SanName::Other => None,
        });
        let names: Option<Vec<San>> = names.collect();
        Ok(Self {
            subject,
            names: names.ok_or(lost("a subject alternative name"))?,
        })
    }

    /// Whether `certificate` has the same subject and names as `other`.
    pub(crate) fn is_kept(certificate: &Certificate, other: &Certificate) -> bool {
        certificate.subject_der() == other.subject_der() && certificate.names().eq(other.names())
    }
}

/// Checks a text for the subject.
fn checked(attribute: &'static str, text: &str) -> Result<String, IssueError> {
    let problem = |problem| Err(IssueError::Subject { attribute, problem });
    let length = text.chars().count();
    if text.trim().is_empty() {
        return problem(SubjectError::Empty);
    }
    if length > MAX_SUBJECT_PART {
        return problem(SubjectError::TooLong {
            length,
            limit: MAX_SUBJECT_PART,
        });
    }
    // The text would be displayed differently, so an administrator would compare something else than a program does.
    if shown(text) != text {
        return problem(SubjectError::Invisible);
    }
    Ok(text.to_owned())
}

/// The attributes of a name in DER (RFC 5280 section 4.1.2.4). `None` unless each is alone in its set, is a plain
/// string, and occurs once.
fn attributes(name: &[u8]) -> Option<Vec<Attribute>> {
    let mut found: Vec<Attribute> = Vec::new();
    for set in children(single(name, SEQUENCE)?)? {
        let [attribute] = children(single(set.whole, SET)?)?.try_into().ok()?;
        let [oid, value] = children(single(attribute.whole, SEQUENCE)?)?
            .try_into()
            .ok()?;
        let form = match value.tag {
            UTF8_STRING => Form::Utf8,
            PRINTABLE_STRING => Form::Printable,
            IA5_STRING => Form::Ia5,
            _ => return None,
        };
        let text = core::str::from_utf8(value.content).ok()?.to_owned();
        let arcs = arcs(single(oid.whole, OBJECT_IDENTIFIER)?)?;
        // The encoder identifies attributes by type, so each type can occur once.
        if found.iter().any(|other| other.arcs == arcs) {
            return None;
        }
        found.push(Attribute { arcs, form, text });
    }
    Some(found)
}

fn children(content: &[u8]) -> Option<Vec<Value<'_>>> {
    der::children(content).ok()
}

/// The content, if the bytes are exactly one value with this tag.
fn single(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (value, rest) = der::take(bytes)?;
    (value.tag == tag && rest.is_empty()).then_some(value.content)
}

/// The arcs of an object identifier (X.690 section 8.19).
fn arcs(content: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    let mut open = false;
    for byte in content {
        number = number
            .checked_mul(128)?
            .checked_add(u64::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if !open {
            numbers.push(number);
            number = 0;
        }
    }
    if open {
        return None;
    }
    // The first two arcs share one number: 40 times the first, which is at most 2, plus the second.
    let (&shared, others) = numbers.split_first()?;
    let first = (shared / 40).min(2);
    let mut arcs = vec![first, shared.checked_sub(first.checked_mul(40)?)?];
    arcs.extend_from_slice(others);
    Some(arcs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_read_as_their_numbers() {
        assert_eq!(arcs(&[0x55, 4, 3]).unwrap(), COMMON_NAME);
        let email = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
        assert_eq!(arcs(&email).unwrap(), [1, 2, 840, 113_549, 1, 9, 1]);
        assert_eq!(arcs(&[0x88, 0x37]).unwrap(), [2, 999]);
        assert!(arcs(&[0x55, 0x84]).is_none());
        assert!(arcs(&[]).is_none());
        assert!(arcs(&[0xff; 20]).is_none());
    }

    #[test]
    fn a_subject_that_cannot_be_written_again_is_not_read_in_part() {
        let attribute = |tag: u8, oid: u8| vec![0x30, 8, 6, 3, 0x55, 4, oid, tag, 1, b'x'];
        let set = |attributes: &[Vec<u8>]| {
            let content = attributes.concat();
            [vec![0x31, u8::try_from(content.len()).unwrap()], content].concat()
        };
        let name = |sets: &[Vec<u8>]| {
            let content = sets.concat();
            [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
        };
        let one = set(&[attribute(UTF8_STRING, 3)]);
        assert_eq!(
            attributes(&name(std::slice::from_ref(&one))).unwrap().len(),
            1
        );
        // E-mail addresses and domain components are ASCII strings (RFC 5280 appendix A.1) and stay so.
        let ascii = attributes(&name(&[set(&[attribute(IA5_STRING, 3)])])).unwrap();
        assert!(matches!(
            ascii[..],
            [Attribute {
                form: Form::Ia5,
                ..
            }]
        ));
        assert!(attributes(&name(&[])).unwrap().is_empty());
        // Two of one type, two in one set, a string of two-byte characters, and trailing bytes.
        assert!(attributes(&name(&[one.clone(), one.clone()])).is_none());
        let two = set(&[attribute(UTF8_STRING, 3), attribute(UTF8_STRING, 10)]);
        assert!(attributes(&name(&[two])).is_none());
        assert!(attributes(&name(&[set(&[attribute(0x1e, 3)])])).is_none());
        assert!(attributes(&[name(&[one]), vec![0]].concat()).is_none());
    }
}
