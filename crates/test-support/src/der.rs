//! DER as a tree: a test reads it, changes it and writes it again. It shares no code with the crate.

use mutual_trust::certificate::Certificate;

/// One value: a tag, and bytes or parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Der {
    pub tag: u8,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Bytes(Vec<u8>),
    Parts(Vec<Der>),
}

pub const SEQUENCE: u8 = 0x30;
pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;

pub fn bytes(tag: u8, content: &[u8]) -> Der {
    Der {
        tag,
        body: Body::Bytes(content.to_vec()),
    }
}

pub fn parts(tag: u8, parts: Vec<Der>) -> Der {
    Der {
        tag,
        body: Body::Parts(parts),
    }
}

/// A signature algorithm that no provider has: ecdsa-with-SHA1 (RFC 3279 section 2.2.3).
pub fn ecdsa_with_sha1() -> Der {
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    parts(SEQUENCE, vec![bytes(OID, &oid)])
}

/// The certificate as if it were signed with ECDSA and SHA-1. The provider lacks this algorithm, which is
/// found before any signature is checked.
pub fn with_sha1(certificate: &Certificate) -> Certificate {
    let mut tree = tree(certificate);
    *tree.at(&[1]) = ecdsa_with_sha1();
    *tree.field(2) = ecdsa_with_sha1();
    Certificate::from_der(&tree.write()).unwrap()
}

/// The tree of a certificate.
pub fn tree(certificate: &Certificate) -> Der {
    Der::read(certificate.der())
}

impl Der {
    /// Reads exactly one value. A constructed value becomes a tree.
    pub fn read(whole: &[u8]) -> Self {
        let (value, rest) = take(whole);
        assert!(rest.is_empty(), "bytes behind the value");
        value
    }

    pub fn write(&self) -> Vec<u8> {
        let content = match &self.body {
            Body::Bytes(content) => content.clone(),
            Body::Parts(parts) => parts.iter().flat_map(Self::write).collect(),
        };
        wrap(self.tag, &content)
    }

    /// Writes the value with the one at `path` written by `how` from its tag and content.
    pub fn write_with(&self, path: &[usize], how: &dyn Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
        let Some((number, deeper)) = path.split_first() else {
            let content = match &self.body {
                Body::Bytes(content) => content.clone(),
                Body::Parts(parts) => parts.iter().flat_map(Self::write).collect(),
            };
            return how(self.tag, &content);
        };
        let Body::Parts(parts) = &self.body else {
            panic!("a value without parts: {self:?}");
        };
        let written = parts.iter().enumerate().flat_map(|(at, part)| {
            if at == *number {
                part.write_with(deeper, how)
            } else {
                part.write()
            }
        });
        wrap(self.tag, &written.collect::<Vec<u8>>())
    }

    /// The paths of this value and of all values in it.
    pub fn paths(&self) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new()];
        if let Body::Parts(parts) = &self.body {
            for (number, part) in parts.iter().enumerate() {
                let below = part.paths().into_iter();
                found.extend(below.map(|path| [vec![number], path].concat()));
            }
        }
        found
    }

    pub fn list(&mut self) -> &mut Vec<Self> {
        match &mut self.body {
            Body::Parts(parts) => parts,
            Body::Bytes(content) => panic!("a value without parts: {content:02x?}"),
        }
    }

    pub fn content(&mut self) -> &mut Vec<u8> {
        match &mut self.body {
            Body::Bytes(content) => content,
            Body::Parts(_) => panic!("a value with parts"),
        }
    }

    /// The value at this path of child numbers.
    pub fn at(&mut self, path: &[usize]) -> &mut Self {
        path.iter()
            .fold(self, |value, number| &mut value.list()[*number])
    }

    /// A field of the `TBSCertificate` by its number in version 3: 0 version, 1 serial number, 2 signature,
    /// 3 issuer, 4 validity, 5 subject, 6 key, 7 extensions.
    pub fn field(&mut self, number: usize) -> &mut Self {
        let tbs = self.at(&[0]);
        assert_eq!(tbs.at(&[0]).tag, 0xa0, "not of version 3");
        tbs.at(&[number])
    }

    /// The list of extensions of a version 3 certificate.
    pub fn extensions(&mut self) -> &mut Vec<Self> {
        self.field(7).at(&[0]).list()
    }

    /// The extension with an object identifier below 2.5.29, as id-ce (`0x55 0x1d`) has one byte for each.
    pub fn extension(&mut self, last: u8) -> &mut Self {
        let oid = [0x55, 0x1d, last];
        let of = bytes(OID, &oid);
        let mut all = self.extensions().iter_mut();
        all.find(|extension| matches!(&extension.body, Body::Parts(list) if list[0] == of))
            .unwrap_or_else(|| panic!("no extension 2.5.29.{last}"))
    }

    /// The bytes of an extension's value.
    pub fn extension_value(&mut self, last: u8) -> &mut Vec<u8> {
        let extension = self.extension(last).list();
        extension.last_mut().unwrap().content()
    }
}

/// A tag, the shortest length, the content.
pub fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    match length {
        0..=0x7f => out.push(length.try_into().unwrap()),
        0x80..=0xff => out.extend([0x81, length.try_into().unwrap()]),
        0x100..=0xffff => {
            out.push(0x82);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            let bytes = u32::try_from(length).unwrap().to_be_bytes();
            let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(digits.len()).unwrap());
            out.extend(digits);
        }
    }
    out.extend(content);
    out
}

fn take(input: &[u8]) -> (Der, &[u8]) {
    let (tag, first) = (input[0], usize::from(input[1]));
    let (length, header) = match first {
        0..=0x7f => (first, 2),
        _ => {
            let digits = &input[2..2 + (first & 0x7f)];
            let length = digits.iter().fold(0, |n, d| n << 8 | usize::from(*d));
            (length, 2 + digits.len())
        }
    };
    let (content, rest) = input[header..].split_at(length);
    let body = if tag & 0x20 == 0 {
        Body::Bytes(content.to_vec())
    } else {
        let mut parts = Vec::new();
        let mut left = content;
        while !left.is_empty() {
            let (part, after) = take(left);
            parts.push(part);
            left = after;
        }
        Body::Parts(parts)
    };
    (Der { tag, body }, rest)
}
