//! DER as a tree that can be changed: the lengths above a changed value are written anew.

/// How the length of a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Length {
    /// In the fewest octets.
    #[default]
    Shortest,
    /// With zeros in front.
    Padded,
    /// More or less than there is.
    Off(i8),
    /// The indefinite form of BER.
    Indefinite,
}

/// What is in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    /// Values one after the other, behind bytes of the value itself: the unused bits of a BIT STRING.
    Values(Vec<u8>, Vec<Value>),
}

/// A value with a tag of one byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) tag: u8,
    pub(crate) length: Length,
    pub(crate) body: Body,
}

impl Value {
    pub(crate) fn bytes(tag: u8, bytes: &[u8]) -> Self {
        Self {
            tag,
            length: Length::Shortest,
            body: Body::Bytes(bytes.to_vec()),
        }
    }

    /// Reads one value that is all of `der`.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let mut all = read_all(der, 0)?;
        if all.len() == 1 { all.pop() } else { None }
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let mut content = Vec::new();
        match &self.body {
            Body::Bytes(bytes) => content.extend(bytes),
            Body::Values(head, values) => {
                content.extend(head);
                values.iter().for_each(|value| value.write(&mut content));
            }
        }
        to.push(self.tag);
        let long = |count: usize, padded: bool| {
            let bytes = u32::try_from(count).expect("it is short").to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let bytes = &bytes[zeros.saturating_sub(usize::from(padded)).min(3)..];
            let size = u8::try_from(bytes.len()).expect("at most four");
            [&[0x80 | size], bytes].concat()
        };
        let count = content.len();
        match self.length {
            Length::Indefinite => {
                to.push(0x80);
                to.extend(&content);
                to.extend([0, 0]);
                return;
            }
            Length::Padded => to.extend(long(count, count >= 0x80)),
            Length::Shortest | Length::Off(_) => {
                let off = match self.length {
                    Length::Off(off) => isize::from(off),
                    _ => 0,
                };
                let count = count.saturating_add_signed(off);
                match u8::try_from(count) {
                    Ok(short) if short < 0x80 => to.push(short),
                    _ => to.extend(long(count, false)),
                }
            }
        }
        to.extend(&content);
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let mut der = Vec::new();
        self.write(&mut der);
        der
    }

    /// How many values there are, with this one.
    pub(crate) fn count(&self) -> usize {
        match &self.body {
            Body::Bytes(_) => 1,
            Body::Values(_, values) => 1 + values.iter().map(Self::count).sum::<usize>(),
        }
    }

    /// The value of this number in the order in which they are written.
    pub(crate) fn at(&mut self, number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        let mut left = number - 1;
        let Body::Values(_, values) = &mut self.body else {
            return None;
        };
        for value in values {
            let count = value.count();
            if left < count {
                return value.at(left);
            }
            left -= count;
        }
        None
    }

    pub(crate) fn values(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.body {
            Body::Bytes(_) => None,
            Body::Values(_, values) => Some(values),
        }
    }

    pub(crate) fn child(&mut self, number: usize) -> Option<&mut Self> {
        self.values()?.get_mut(number)
    }
}

/// Values one after the other, to the end of the input.
fn read_all(mut der: &[u8], depth: usize) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    while !der.is_empty() {
        let (value, rest) = read_one(der, depth)?;
        all.push(value);
        der = rest;
    }
    Some(all)
}

fn read_one(der: &[u8], depth: usize) -> Option<(Value, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f || tag == 0 || depth > 20 {
        return None;
    }
    let (count, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 3 {
            return None;
        }
        let join = |sum: usize, digit: &u8| sum << 8 | usize::from(*digit);
        (digits.iter().fold(0, join), rest)
    };
    let (content, rest) = rest.split_at_checked(count)?;
    let inner = |head: usize| {
        let (head, values) = content.split_at_checked(head)?;
        let values = read_all(values, depth + 1)?;
        Some(Body::Values(head.to_vec(), values))
    };
    let body = match tag {
        _ if tag & 0x20 != 0 => inner(0),
        // The value of an extension; a key in a BIT STRING.
        0x04 if content.len() > 1 => inner(0),
        0x03 if content.len() > 2 && content[0] == 0 => inner(1),
        _ => None,
    };
    let body = body.unwrap_or_else(|| Body::Bytes(content.to_vec()));
    let length = Length::Shortest;
    Some((Value { tag, length, body }, rest))
}
