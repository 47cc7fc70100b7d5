//! Archives in BER (X.690 section 8), as NSS, Firefox and Bouncy Castle write them: the same in DER, for its readers.

use zeroize::Zeroizing;

/// Values in values. The deepest archives have 12.
const MAX_DEPTH: usize = 32;

const OCTET_STRING: u8 = 0x04;
/// In parts.
const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed or in one part.
const TAGGED: u8 = 0xa0;
const TAGGED_STRING: u8 = 0x80;
const CONSTRUCTED: u8 = 0x20;

/// The bytes with definite lengths, and with strings in one part. What is in DER stays as it is, byte for byte; what is
/// neither is for the reader of DER to refuse.
pub(super) fn as_der(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let read = value(bytes, MAX_DEPTH).filter(|(value, rest)| value.changed && rest.is_empty());
    match read {
        Some((value, _)) => value.encoded(),
        None => Zeroizing::new(bytes.to_vec()),
    }
}

/// A value, and what it becomes.
struct Value<'a> {
    tag: u8,
    /// As it stands in the file.
    raw: &'a [u8],
    /// Its content in DER.
    content: Zeroizing<Vec<u8>>,
    /// Whether it is other than what stands in the file.
    changed: bool,
}

impl Value<'_> {
    fn encoded(&self) -> Zeroizing<Vec<u8>> {
        if !self.changed {
            return Zeroizing::new(self.raw.to_vec());
        }
        let mut out = Zeroizing::new(Vec::with_capacity(self.content.len().saturating_add(8)));
        out.push(self.tag);
        let length = self.content.len().to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        match length.get(zeros..).unwrap_or_default() {
            [] => out.push(0),
            [short] if *short < 0x80 => out.push(*short),
            long => {
                out.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
                out.extend_from_slice(long);
            }
        }
        out.extend_from_slice(&self.content);
        out
    }
}

/// Reads a value. Returns what is behind it, too.
fn value(bytes: &[u8], depth: usize) -> Option<(Value<'_>, &[u8])> {
    let depth = depth.checked_sub(1)?;
    let (tag, length, behind) = header(bytes)?;
    let (inner, mut rest) = match length {
        Some(length) => behind.split_at_checked(length)?,
        None => (behind, &[][..]),
    };
    if tag & CONSTRUCTED == 0 {
        // Only what is constructed has an indefinite length.
        length?;
        let value = Value {
            tag,
            raw: raw(bytes, rest)?,
            content: Zeroizing::new(inner.to_vec()),
            changed: false,
        };
        return Some((value, rest));
    }
    let mut left = inner;
    let mut parts = Vec::new();
    loop {
        if length.is_none()
            && let [0, 0, behind @ ..] = left
        {
            rest = behind;
            break;
        }
        if length.is_some() && left.is_empty() {
            break;
        }
        let (part, behind) = value(left, depth)?;
        parts.push(part);
        left = behind;
    }
    let changed = length.is_none() || parts.iter().any(|part| part.changed);
    let raw = raw(bytes, rest)?;
    Some((joined(tag, raw, parts, changed)?, rest))
}

/// The bytes up to what is behind a value.
fn raw<'a>(bytes: &'a [u8], rest: &[u8]) -> Option<&'a [u8]> {
    bytes.get(..bytes.len().checked_sub(rest.len())?)
}

fn joined<'a>(tag: u8, raw: &'a [u8], parts: Vec<Value<'a>>, changed: bool) -> Option<Value<'a>> {
    if tag == CONSTRUCTED_OCTET_STRING {
        return Some(Value {
            tag: OCTET_STRING,
            raw,
            content: in_one_part(&parts)?,
            changed: true,
        });
    }
    let mut content = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut before = None;
    let mut replaced = false;
    for part in parts {
        // The encrypted content behind its algorithm (RFC 5652 section 6.1): a string in parts with a tag of its own.
        let is_string = tag == SEQUENCE && before == Some(SEQUENCE) && part.tag == TAGGED;
        before = Some(part.tag);
        match strings(&part, is_string) {
            Some(string) => {
                replaced = true;
                content.extend_from_slice(&string.encoded());
            }
            None => content.extend_from_slice(&part.encoded()),
        }
    }
    Some(Value {
        tag,
        raw,
        content,
        changed: changed || replaced,
    })
}

/// A `[0]` that holds nothing but strings, as one string.
fn strings<'a>(part: &Value<'a>, is_string: bool) -> Option<Value<'a>> {
    let mut left: &[u8] = &part.content;
    let mut parts = Vec::new();
    while is_string && !left.is_empty() {
        let (one, behind) = value(left, 1)?;
        parts.push(one);
        left = behind;
    }
    let content = in_one_part(&parts).filter(|_| !parts.is_empty())?;
    Some(Value {
        tag: TAGGED_STRING,
        raw: part.raw,
        content,
        changed: true,
    })
}

fn in_one_part(parts: &[Value<'_>]) -> Option<Zeroizing<Vec<u8>>> {
    let size = parts.iter().map(|part| part.content.len()).sum();
    let mut content = Zeroizing::new(Vec::with_capacity(size));
    for part in parts {
        if part.tag != OCTET_STRING {
            return None;
        }
        content.extend_from_slice(&part.content);
    }
    Some(content)
}

/// The tag, the length if it is definite, and what is behind them.
fn header(bytes: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let [tag, first, rest @ ..] = bytes else {
        return None;
    };
    // Tags of several bytes are in no archive.
    if tag & 0x1f == 0x1f {
        return None;
    }
    match first {
        0x80 => Some((*tag, None, rest)),
        short if *short < 0x80 => Some((*tag, Some(usize::from(*short)), rest)),
        long => {
            let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let mut read = 0_usize;
            for byte in length {
                read = read.checked_mul(256)?.checked_add(usize::from(*byte))?;
            }
            Some((*tag, Some(read), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ber_becomes_der_and_der_stays() {
        for (ber, der) in [
            // A sequence of indefinite length.
            (
                &b"\x30\x80\x02\x01\x03\0\0"[..],
                &b"\x30\x03\x02\x01\x03"[..],
            ),
            // A string in two parts, one of which is in parts itself.
            (b"\x24\x80\x04\x01a\x24\x05\x04\x03bcd\0\0", b"\x04\x04abcd"),
            // The encrypted content, in parts.
            (
                b"\x30\x80\x06\x01\x2a\x30\x02\x05\0\xa0\x80\x04\x01a\x04\x01b\0\0\0\0",
                b"\x30\x0b\x06\x01\x2a\x30\x02\x05\0\x80\x02ab",
            ),
            // A string that is tagged explicitly.
            (
                b"\x30\x80\x06\x01\x2a\xa0\x80\x04\x01a\0\0\0\0",
                b"\x30\x08\x06\x01\x2a\xa0\x03\x04\x01a",
            ),
        ] {
            assert_eq!(*as_der(ber), der, "{ber:02x?}");
            assert_eq!(*as_der(der), der);
            for length in 0..ber.len() {
                let cut = ber.get(..length).unwrap();
                assert_eq!(*as_der(cut), cut);
            }
        }
        // Deeper than any archive.
        let deep = [b"\x30\x80".repeat(100), b"\0\0".repeat(100)].concat();
        assert_eq!(*as_der(&deep), deep);
        // A long string gets a long length.
        let long = [b"\x24\x80\x04\x82\x01\x2c", &[7_u8; 300][..], b"\0\0"].concat();
        assert_eq!(
            *as_der(&long),
            [b"\x04\x82\x01\x2c", &[7_u8; 300][..]].concat()
        );
    }
}
