//! TTLV, the encoding of KMIP (KMIP 1.4 section 9.1): a tag of three bytes, a type, a length of four bytes, and a value
//! that is padded to eight bytes.
//!
//! The crate kmip-protocol (0.4.3) is not used for this. One byte of an answer that makes a structure of a value lets it
//! recurse until the stack is full, which ends the process. It allocates the length that a field claims, up to 4 GiB,
//! before it looks whether the bytes are there. It reads no answer with an operation that is newer than KMIP 1.2, and it
//! chooses the version of each request itself.

use core::fmt;

/// A message that is longer is refused before it is read. The attributes of a key and the list of all operations need a
/// few thousand bytes.
pub(crate) const MAX_MESSAGE: usize = 256 * 1024;

/// The bytes in front of a value.
pub(crate) const HEADER: usize = 8;

/// Structures in structures. Answers to what is asked here have at most six.
const MAX_DEPTH: usize = 16;

pub(crate) const STRUCTURE: u8 = 1;
const INTEGER: u8 = 2;
const ENUMERATION: u8 = 5;
const TEXT: u8 = 7;
/// The types of KMIP 2.1: the last one is Date-Time Extended.
const TYPES: core::ops::RangeInclusive<u8> = 1..=11;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) tag: u32,
    pub(crate) value: Value,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Structure(Vec<Item>),
    Integer(i32),
    Enumeration(u32),
    Text(String),
    /// Of a type that nothing here asks for.
    Other,
}

/// Why bytes are no TTLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// They end within a field.
    Truncated,
    /// A field has a type that KMIP does not have.
    Type(u8),
    /// A field has a length that its type does not have.
    Length(u32),
    /// Structures are nested too deep.
    Deep,
    /// There are bytes behind the last field.
    Trailing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("a field is longer than the structure around it"),
            Self::Type(number) => write!(f, "a field has the unknown type {number}"),
            Self::Length(length) => {
                write!(
                    f,
                    "a field has the length {length}, which its type does not have"
                )
            }
            Self::Deep => write!(f, "more than {MAX_DEPTH} structures are nested"),
            Self::Trailing => f.write_str("there are bytes behind the message"),
        }
    }
}

/// The tag, the type and the length at the beginning of `bytes`.
pub(crate) fn header(bytes: &[u8]) -> Option<(u32, u8, u32)> {
    let (tag, rest) = bytes.split_at_checked(3)?;
    let (kind, rest) = rest.split_first()?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    let tag = tag
        .iter()
        .fold(0, |tag, byte| (tag << 8) | u32::from(*byte));
    Some((tag, *kind, u32::from_be_bytes(*length)))
}

/// The one field that `bytes` consist of.
pub(crate) fn read(bytes: &[u8]) -> Result<Item, Malformed> {
    let (item, rest) = next(bytes, 0)?;
    if rest.is_empty() {
        Ok(item)
    } else {
        Err(Malformed::Trailing)
    }
}

fn next(bytes: &[u8], depth: usize) -> Result<(Item, &[u8]), Malformed> {
    let (tag, kind, length) = header(bytes).ok_or(Malformed::Truncated)?;
    let behind = bytes.get(HEADER..).ok_or(Malformed::Truncated)?;
    let size = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
    let (content, rest) = behind.split_at_checked(size).ok_or(Malformed::Truncated)?;
    // The length does not count the padding.
    let padding = size.wrapping_neg() % 8;
    let rest = rest.get(padding..).ok_or(Malformed::Truncated)?;
    let four = || <[u8; 4]>::try_from(content).map_err(|_| Malformed::Length(length));
    let value = match kind {
        STRUCTURE => Value::Structure(structure(content, depth)?),
        INTEGER => Value::Integer(i32::from_be_bytes(four()?)),
        ENUMERATION => Value::Enumeration(u32::from_be_bytes(four()?)),
        // What is no UTF-8 in it is shown by a replacement: it is shown, and nothing rests on it.
        TEXT => Value::Text(String::from_utf8_lossy(content).into_owned()),
        other if TYPES.contains(&other) => Value::Other,
        other => return Err(Malformed::Type(other)),
    };
    Ok((Item { tag, value }, rest))
}

fn structure(mut content: &[u8], depth: usize) -> Result<Vec<Item>, Malformed> {
    if depth >= MAX_DEPTH {
        return Err(Malformed::Deep);
    }
    let mut items = Vec::new();
    while !content.is_empty() {
        let (item, rest) = next(content, depth.saturating_add(1))?;
        items.push(item);
        content = rest;
    }
    Ok(items)
}

impl Item {
    /// A structure of fields.
    pub(crate) fn structure(tag: u32, items: Vec<Self>) -> Self {
        let value = Value::Structure(items);
        Self { tag, value }
    }

    pub(crate) fn integer(tag: u32, number: i32) -> Self {
        let value = Value::Integer(number);
        Self { tag, value }
    }

    pub(crate) fn enumeration(tag: u32, number: u32) -> Self {
        let value = Value::Enumeration(number);
        Self { tag, value }
    }

    pub(crate) fn text(tag: u32, text: &str) -> Self {
        let value = Value::Text(text.to_owned());
        Self { tag, value }
    }

    /// The fields of a structure.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Structure(items) => items,
            Value::Integer(_) | Value::Enumeration(_) | Value::Text(_) | Value::Other => &[],
        }
    }

    /// The first field with a tag in a structure.
    pub(crate) fn get(&self, tag: u32) -> Option<&Self> {
        self.items().iter().find(|item| item.tag == tag)
    }

    /// All fields with a tag in a structure.
    pub(crate) fn all(&self, tag: u32) -> impl Iterator<Item = &Self> {
        self.items().iter().filter(move |item| item.tag == tag)
    }

    pub(crate) fn as_integer(&self) -> Option<i32> {
        match self.value {
            Value::Integer(number) => Some(number),
            Value::Structure(_) | Value::Enumeration(_) | Value::Text(_) | Value::Other => None,
        }
    }

    pub(crate) fn as_enumeration(&self) -> Option<u32> {
        match self.value {
            Value::Enumeration(number) => Some(number),
            Value::Structure(_) | Value::Integer(_) | Value::Text(_) | Value::Other => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Structure(_) | Value::Integer(_) | Value::Enumeration(_) | Value::Other => None,
        }
    }

    /// The bytes of the field. One of a type that cannot be made here has none.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (kind, mut content) = match &self.value {
            Value::Structure(items) => (STRUCTURE, items.iter().flat_map(Self::to_bytes).collect()),
            Value::Integer(number) => (INTEGER, number.to_be_bytes().to_vec()),
            Value::Enumeration(number) => (ENUMERATION, number.to_be_bytes().to_vec()),
            Value::Text(text) => (TEXT, text.as_bytes().to_vec()),
            Value::Other => return Vec::new(),
        };
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        content.resize(content.len().next_multiple_of(8), 0);
        let mut bytes: Vec<u8> = self.tag.to_be_bytes().into_iter().skip(1).collect();
        bytes.push(kind);
        bytes.extend(length.to_be_bytes());
        bytes.extend(content);
        bytes
    }
}
