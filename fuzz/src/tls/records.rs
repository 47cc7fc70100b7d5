//! A flight as records and messages, and what a fuzzer changes of it.

/// Types of records (RFC 8446 section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// How long the type and the length of a message are (RFC 8446 section 4).
const HEAD: usize = 4;

#[derive(Clone, Debug)]
struct Record {
    typ: u8,
    version: [u8; 2],
    /// The type inside a record that TLS 1.3 would have encrypted.
    inner: Option<u8>,
    content: Vec<u8>,
}

impl Record {
    /// Takes the type out that stands inside.
    fn open(&mut self) {
        // Padding is zeros (RFC 8446 section 5.4).
        while self.content.last() == Some(&0) {
            self.content.pop();
        }
        self.inner = self.content.pop();
    }

    fn is_handshake(&self) -> bool {
        self.inner.unwrap_or(self.typ) == HANDSHAKE
    }

    /// The messages in it; none if it is of another type, or cut.
    fn messages(&self) -> Vec<Vec<u8>> {
        if !self.is_handshake() {
            return Vec::new();
        }
        let mut all = Vec::new();
        let mut left = self.content.as_slice();
        while let Some((message, rest)) = first_message(left) {
            all.push(message.to_vec());
            left = rest;
        }
        if left.len() < HEAD { all } else { Vec::new() }
    }
}

/// The first of these messages, with its type and length, and the rest. Nothing if it is cut.
pub(super) fn first_message(messages: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, length @ ..] = messages.first_chunk::<HEAD>()?;
    let [high, middle, low] = *length;
    let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
    messages.split_at_checked(HEAD + length)
}

/// The records of a flight as they are written.
fn split(mut flight: &[u8]) -> Vec<Record> {
    let mut all = Vec::new();
    while let Some((head, rest)) = flight.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let Some((content, rest)) = rest.split_at_checked(length) else {
            break;
        };
        flight = rest;
        all.push(Record {
            typ: head[0],
            version: [head[1], head[2]],
            inner: None,
            content: content.to_vec(),
        });
    }
    all
}

fn records(flight: &[u8], encrypted: bool) -> Vec<Record> {
    let mut all = split(flight);
    for record in &mut all {
        if encrypted && record.typ == APPLICATION_DATA {
            record.open();
        }
    }
    all
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut all = Vec::new();
    for record in records {
        let length = record.content.len() + usize::from(record.inner.is_some());
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        all.extend([
            record.typ,
            record.version[0],
            record.version[1],
            length[0],
            length[1],
        ]);
        all.extend(&record.content);
        all.extend(record.inner);
    }
    all
}

/// Appends the handshake messages of a flight to the earlier ones: the digest of a handshake covers them all.
///
/// What comes behind the first message of TLS 1.3 is encrypted, but for its change of cipher; rustls takes the type of a
/// record from inside then, whatever is written outside.
pub(super) fn read_handshake(all: &mut Vec<u8>, flight: &[u8], encrypted: bool) {
    for mut record in split(flight) {
        let changes_cipher = record.typ == CHANGE_CIPHER_SPEC && record.content == [1];
        if encrypted && first_message(all).is_some() && !changes_cipher {
            record.open();
        }
        if record.is_handshake() {
            all.extend(record.content);
        }
    }
}

/// One change: where, what, and a byte for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    /// The highest bit: of what we send, not of what we get. Then the number of the flight.
    pub(super) place: u8,
    pub(super) kind: u8,
    pub(super) which: u8,
    pub(super) at: u16,
    pub(super) value: u8,
}

impl Edit {
    pub(super) fn of(bytes: &[u8; 6]) -> Self {
        Self {
            place: bytes[0],
            kind: bytes[1],
            which: bytes[2],
            at: u16::from_be_bytes([bytes[3], bytes[4]]),
            value: bytes[5],
        }
    }

    /// Whether it is for this flight of what we get, or of what we send.
    pub(super) fn is_for(self, to_us: bool, flight: u8) -> bool {
        (self.place & 0x80 == 0) == to_us && self.place & 3 == flight
    }

    /// Changes bytes where it says.
    fn bytes(self, bytes: &mut Vec<u8>) {
        let at = usize::from(self.at) % (bytes.len() + 1);
        let end = bytes.len().min(at + 1 + usize::from(self.value));
        match self.kind % 8 {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= self.value.max(1);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.value;
                }
            }
            3 => bytes.insert(at, self.value),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            6 => bytes.truncate(at),
            _ => bytes.extend(std::iter::repeat_n(self.value, usize::from(self.which))),
        }
    }

    /// Changes a flight: its bytes, the content of a record, or a message of the handshake, with all lengths set
    /// right again; or records or messages as a whole.
    pub(super) fn apply(self, flight: &mut Vec<u8>, encrypted: bool) {
        let mut records = records(flight, encrypted);
        let count = records.len();
        if count == 0 || self.kind >> 3 & 7 == 0 {
            self.bytes(flight);
            return;
        }
        let at = usize::from(self.which & 15) % count;
        match self.kind >> 3 & 7 {
            1 => self.bytes(&mut records[at].content),
            2 => {
                let record = records[at].clone();
                match self.kind % 4 {
                    0 => drop(records.remove(at)),
                    1 => records.insert(at, record),
                    2 => records.swap(at, (at + 1) % count),
                    _ => {
                        records[at].typ = self.value;
                        records[at].inner = records[at].inner.map(|_| self.value);
                    }
                }
            }
            3 => {
                // Cut in two.
                let middle = usize::from(self.at) % (records[at].content.len() + 1);
                let mut rest = records[at].clone();
                rest.content = records[at].content.split_off(middle);
                records.insert(at + 1, rest);
            }
            4 => {
                // A record of any type.
                let record = Record {
                    typ: self.value & 0x1f,
                    version: [3, 3],
                    inner: None,
                    content: self.at.to_be_bytes()[usize::from(self.which >> 7)..].to_vec(),
                };
                records.insert(at, record);
            }
            _ => {
                let mut messages = records[at].messages();
                let count = messages.len();
                if count == 0 {
                    self.bytes(&mut records[at].content);
                } else {
                    let one = usize::from(self.which >> 4) % count;
                    match self.kind >> 3 & 7 {
                        5 | 6 => {
                            let mut body = messages[one].split_off(4);
                            self.bytes(&mut body);
                            let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
                            messages[one] = [&[messages[one][0]], &length[1..], &body].concat();
                        }
                        _ => match self.kind % 4 {
                            0 => drop(messages.remove(one)),
                            1 => messages.insert(one, messages[one].clone()),
                            2 => messages.swap(one, (one + 1) % count),
                            _ => messages[one][0] = self.value,
                        },
                    }
                    records[at].content = messages.concat();
                }
            }
        }
        *flight = write(&records);
    }
}
