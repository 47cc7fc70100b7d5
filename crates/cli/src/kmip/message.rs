//! Requests and answers of KMIP, as far as `connect --kmip` has them: Discover Versions, Query, and Get Attributes.
//! There is no request here that a server answers with key material.

use core::fmt;
use core::str::FromStr;

use super::ttlv::{self, Item};

const REQUEST_MESSAGE: u32 = 0x42_0078;
const REQUEST_HEADER: u32 = 0x42_0077;
const REQUEST_PAYLOAD: u32 = 0x42_0079;
/// The tag with which an answer begins.
pub(crate) const RESPONSE_MESSAGE: u32 = 0x42_007B;
const RESPONSE_HEADER: u32 = 0x42_007A;
const RESPONSE_PAYLOAD: u32 = 0x42_007C;
const PROTOCOL_VERSION: u32 = 0x42_0069;
const VERSION_MAJOR: u32 = 0x42_006A;
const VERSION_MINOR: u32 = 0x42_006B;
const BATCH_COUNT: u32 = 0x42_000D;
const BATCH_ITEM: u32 = 0x42_000F;
const OPERATION: u32 = 0x42_005C;
const RESULT_STATUS: u32 = 0x42_007F;
const RESULT_REASON: u32 = 0x42_007E;
const RESULT_MESSAGE: u32 = 0x42_007D;
const QUERY_FUNCTION: u32 = 0x42_0074;
const OBJECT_TYPE: u32 = 0x42_0057;
const VENDOR_IDENTIFICATION: u32 = 0x42_009D;
const SERVER_INFORMATION: u32 = 0x42_0088;
const UNIQUE_IDENTIFIER: u32 = 0x42_0094;
const ATTRIBUTE: u32 = 0x42_0008;
const ATTRIBUTE_NAME: u32 = 0x42_000A;
const ATTRIBUTE_VALUE: u32 = 0x42_000B;
/// KMIP 2 has no names of attributes: each has a tag in this structure.
const ATTRIBUTES: u32 = 0x42_0125;
const NAME: u32 = 0x42_0053;
const NAME_VALUE: u32 = 0x42_0055;
const CRYPTOGRAPHIC_ALGORITHM: u32 = 0x42_0028;
const CRYPTOGRAPHIC_LENGTH: u32 = 0x42_002A;
const STATE: u32 = 0x42_008D;

/// The operations, objects and information of the server (KMIP 1.0 section 4.24).
const QUERY_FUNCTIONS: [u32; 3] = [1, 2, 3];

/// What is asked of a key, by the name of the attribute in KMIP 1 and by its tag in KMIP 2.
const WANTED: [(&str, u32); 5] = [
    ("State", STATE),
    ("Object Type", OBJECT_TYPE),
    ("Cryptographic Algorithm", CRYPTOGRAPHIC_ALGORITHM),
    ("Cryptographic Length", CRYPTOGRAPHIC_LENGTH),
    ("Name", NAME),
];

/// Items of one list in an answer. KMIP 2.1 has 59 operations, and vendors add some.
const MAX_ITEMS: usize = 256;

/// Characters of a text of the server that are kept. Its messages and names are shorter.
const MAX_TEXT: usize = 256;

/// A version of KMIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: i32,
    minor: i32,
}

impl Version {
    pub(crate) const V1_0: Self = Self { major: 1, minor: 0 };
    pub(crate) const V1_1: Self = Self { major: 1, minor: 1 };
    pub(crate) const V1_4: Self = Self { major: 1, minor: 4 };
    pub(crate) const V2_1: Self = Self { major: 2, minor: 1 };

    /// The versions that are spoken here.
    pub(crate) const KNOWN: [Self; 7] = [
        Self::V1_0,
        Self::V1_1,
        Self { major: 1, minor: 2 },
        Self { major: 1, minor: 3 },
        Self::V1_4,
        Self { major: 2, minor: 0 },
        Self::V2_1,
    ];

    fn item(self) -> Item {
        Item::structure(
            PROTOCOL_VERSION,
            vec![
                Item::integer(VERSION_MAJOR, self.major),
                Item::integer(VERSION_MINOR, self.minor),
            ],
        )
    }

    fn of(item: &Item) -> Result<Self, Unreadable> {
        let number = |tag| item.get(tag).and_then(Item::as_integer);
        match (number(VERSION_MAJOR), number(VERSION_MINOR)) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(Unreadable::Field("a version of the protocol")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::KNOWN.iter().find(|known| known.to_string() == text);
        found.copied().ok_or_else(|| {
            let known: Vec<String> = Self::KNOWN.iter().map(ToString::to_string).collect();
            format!("not one of {}", known.join(", "))
        })
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    DiscoverVersions,
    Query,
    GetAttributes,
}

impl Operation {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::DiscoverVersions => 0x1E,
            Self::Query => 0x18,
            Self::GetAttributes => 0x0B,
        }
    }
}

/// The request for an operation.
pub(crate) fn request(version: Version, operation: Operation, key: Option<&str>) -> Vec<u8> {
    let payload = match operation {
        // Without versions of ours, the server names all of its own.
        Operation::DiscoverVersions => Vec::new(),
        Operation::Query => QUERY_FUNCTIONS
            .iter()
            .map(|function| Item::enumeration(QUERY_FUNCTION, *function))
            .collect(),
        Operation::GetAttributes => {
            let key = key.map(|id| Item::text(UNIQUE_IDENTIFIER, id));
            let names = WANTED
                .iter()
                // In KMIP 2, servers differ in how attributes are referred to. Without references they send all.
                .filter(|_| version.major < 2)
                .map(|(name, _)| Item::text(ATTRIBUTE_NAME, name));
            key.into_iter().chain(names).collect()
        }
    };
    let header = vec![version.item(), Item::integer(BATCH_COUNT, 1)];
    let batch = vec![
        Item::enumeration(OPERATION, operation.number()),
        Item::structure(REQUEST_PAYLOAD, payload),
    ];
    let message = vec![
        Item::structure(REQUEST_HEADER, header),
        Item::structure(BATCH_ITEM, batch),
    ];
    Item::structure(REQUEST_MESSAGE, message).to_bytes()
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is no TTLV.
    Encoding(ttlv::Malformed),
    /// It does not have a field that it must have, or has it in another form.
    Field(&'static str),
    /// It has too many of something.
    Many(&'static str),
    /// It is about another operation or key.
    Other(&'static str),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(error) => error.fmt(f),
            Self::Field(what) => write!(f, "it lacks {what}, or has it in another form"),
            Self::Many(what) => write!(f, "it has more than {MAX_ITEMS} {what}"),
            Self::Other(what) => write!(f, "it is about another {what}"),
        }
    }
}

/// A server's refusal of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) operation: Operation,
    /// The number of the result reason.
    pub(crate) reason: Option<u32>,
    /// What the server says.
    pub(crate) message: Option<String>,
}

/// The payload of an answer, or the refusal in it.
pub(crate) fn answer(
    bytes: &[u8],
    operation: Operation,
) -> Result<Result<Item, Refusal>, Unreadable> {
    let message = ttlv::read(bytes).map_err(Unreadable::Encoding)?;
    if message.tag != RESPONSE_MESSAGE {
        return Err(Unreadable::Field("the tag of an answer"));
    }
    let header = message.get(RESPONSE_HEADER);
    let version = header.and_then(|header| header.get(PROTOCOL_VERSION));
    Version::of(version.ok_or(Unreadable::Field("the version of the protocol"))?)?;
    let batch = message.get(BATCH_ITEM);
    let batch = batch.ok_or(Unreadable::Field("the result of the request"))?;
    if batch
        .get(OPERATION)
        .is_some_and(|item| item.as_enumeration() != Some(operation.number()))
    {
        return Err(Unreadable::Other("operation"));
    }
    let status = batch.get(RESULT_STATUS).and_then(Item::as_enumeration);
    match status {
        None => Err(Unreadable::Field("the status of the result")),
        Some(0) => {
            let none = || Item::structure(RESPONSE_PAYLOAD, Vec::new());
            Ok(Ok(batch
                .get(RESPONSE_PAYLOAD)
                .cloned()
                .unwrap_or_else(none)))
        }
        // Failed, pending, or undone.
        Some(_) => Ok(Err(Refusal {
            operation,
            reason: batch.get(RESULT_REASON).and_then(Item::as_enumeration),
            message: batch.get(RESULT_MESSAGE).and_then(Item::as_text).map(cut),
        })),
    }
}

/// The versions that an answer to Discover Versions names, the newest first.
pub(crate) fn versions(payload: &Item) -> Result<Vec<Version>, Unreadable> {
    let named = limited(payload.all(PROTOCOL_VERSION), "versions")?;
    let mut versions: Vec<Version> = named.map(Version::of).collect::<Result<_, _>>()?;
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.dedup();
    Ok(versions)
}

/// What an answer to Query says of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) operations: Vec<u32>,
    pub(crate) object_types: Vec<u32>,
    pub(crate) vendor: Option<String>,
    /// The texts of what vendors may say of themselves.
    pub(crate) information: Vec<String>,
}

pub(crate) fn server(payload: &Item) -> Result<Server, Unreadable> {
    let numbers = |tag, what| {
        limited(payload.all(tag), what)?
            .map(|item| item.as_enumeration().ok_or(Unreadable::Field(what)))
            .collect::<Result<Vec<u32>, Unreadable>>()
    };
    let information = payload.get(SERVER_INFORMATION).map_or(&[][..], Item::items);
    let information = limited(information.iter(), "fields of server information")?;
    Ok(Server {
        operations: numbers(OPERATION, "operations")?,
        object_types: numbers(OBJECT_TYPE, "types of objects")?,
        vendor: payload
            .get(VENDOR_IDENTIFICATION)
            .and_then(Item::as_text)
            .map(cut),
        information: information.filter_map(Item::as_text).map(cut).collect(),
    })
}

/// What an answer to Get Attributes says of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) state: Option<u32>,
    pub(crate) object_type: Option<u32>,
    pub(crate) algorithm: Option<u32>,
    /// In bits.
    pub(crate) length: Option<i32>,
    pub(crate) names: Vec<String>,
}

pub(crate) fn key(payload: &Item, id: &str) -> Result<Key, Unreadable> {
    let of = payload.get(UNIQUE_IDENTIFIER).and_then(Item::as_text);
    let of = of.ok_or(Unreadable::Field("the ID of the key"))?;
    // Servers may write an ID in their own case.
    if !of.eq_ignore_ascii_case(id) {
        return Err(Unreadable::Other("key"));
    }
    let mut found = Key::default();
    let newer = payload.get(ATTRIBUTES).map_or(&[][..], Item::items);
    for item in limited(newer.iter(), "attributes")? {
        found.add(item.tag, item);
    }
    for item in limited(payload.all(ATTRIBUTE), "attributes")? {
        let name = item.get(ATTRIBUTE_NAME).and_then(Item::as_text);
        let known = WANTED.iter().find(|(known, _)| Some(*known) == name);
        if let (Some((_, tag)), Some(value)) = (known, item.get(ATTRIBUTE_VALUE)) {
            found.add(*tag, value);
        }
    }
    Ok(found)
}

impl Key {
    fn add(&mut self, tag: u32, value: &Item) {
        match tag {
            STATE => self.state = value.as_enumeration(),
            OBJECT_TYPE => self.object_type = value.as_enumeration(),
            CRYPTOGRAPHIC_ALGORITHM => self.algorithm = value.as_enumeration(),
            CRYPTOGRAPHIC_LENGTH => self.length = value.as_integer(),
            NAME => {
                let name = value.get(NAME_VALUE).and_then(Item::as_text);
                self.names.extend(name.map(cut));
            }
            _ => {}
        }
    }
}

fn limited<'a>(
    items: impl Iterator<Item = &'a Item>,
    what: &'static str,
) -> Result<impl Iterator<Item = &'a Item>, Unreadable> {
    let items: Vec<&Item> = items.take(MAX_ITEMS.saturating_add(1)).collect();
    if items.len() > MAX_ITEMS {
        return Err(Unreadable::Many(what));
    }
    Ok(items.into_iter())
}

/// The beginning of a text of the server.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}
