//! Percent-encoding (RFC 3986 section 2.1), with the characters that RFC 7512 section 2.3 allows as they stand.

use core::fmt;

use zeroize::Zeroizing;

use crate::limits::MAX_PIN_BYTES;
use crate::pin::Pin;

/// `unreserved` and `pk11-res-avail`.
fn in_both(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=".contains(&byte)
}

/// What stands for itself in the path.
pub(crate) fn in_path(byte: u8) -> bool {
    in_both(byte) || byte == b'&'
}

/// What stands for itself in the query.
pub(crate) fn in_query(byte: u8) -> bool {
    in_both(byte) || b"/?|".contains(&byte)
}

/// Decodes into bytes. `None` if a character does not stand for itself, or an escape is unfinished.
pub(crate) fn bytes(value: &str, stands: fn(u8) -> bool) -> Option<Vec<u8>> {
    // No growth: what is decoded may be a PIN, of which growth would leave copies.
    let mut decoded = Vec::with_capacity(value.len());
    decode(value, stands, &mut decoded)?;
    Some(decoded)
}

fn decode(value: &str, stands: fn(u8) -> bool, decoded: &mut Vec<u8>) -> Option<()> {
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = digit(rest.next()?)?;
            let low = digit(rest.next()?)?;
            decoded.push(high << 4 | low);
        } else if stands(byte) {
            decoded.push(byte);
        } else {
            return None;
        }
    }
    Some(())
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Decodes into text of UTF-8 without NUL, which no label has and which ends a path.
pub(crate) fn text(value: &str, stands: fn(u8) -> bool) -> Option<String> {
    let text = String::from_utf8(bytes(value, stands)?).ok()?;
    Some(text).filter(|text| !text.contains('\0'))
}

/// Decodes a PIN, which is wiped also if it is none.
pub(crate) fn pin(value: &str) -> Option<Pin> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(value.len()));
    decode(value, in_query, &mut decoded)?;
    (decoded.len() <= MAX_PIN_BYTES).then(|| Pin::new(decoded))
}

/// Encodes, with capital digits.
pub(crate) fn write(
    f: &mut fmt::Formatter<'_>,
    value: &[u8],
    stands: impl Fn(u8) -> bool,
) -> fmt::Result {
    for byte in value {
        if stands(*byte) {
            fmt::Write::write_char(f, char::from(*byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
