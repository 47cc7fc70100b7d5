//! SHA-256 fingerprints of certificates and of public keys.

use core::fmt::{self, Display as _};
use core::str::FromStr;

use sha2::{Digest, Sha256};

use crate::certificate::error::FingerprintError;
use crate::limits::MAX_FINGERPRINT_TEXT;

macro_rules! digest_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps 32 bytes that are already a SHA-256 value.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// A short form for texts that only identify: the first eight bytes and the last two,
            /// `0E:87:54:E6:1D:3A:FC:16…FA:66`.
            ///
            /// # Security
            /// Compare and copy the whole value only. An attacker can search for a certificate of the same short form.
            pub const fn short(&self) -> impl fmt::Display + use<> {
                Short(self.0)
            }

            /// Writes it into a text that only identifies: short, and in full with `{:#}`.
            pub(crate) fn identify(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if f.alternate() {
                    write_bytes(f, &self.0)
                } else {
                    Short(self.0).fmt(f)
                }
            }

            /// SHA-256 over `bytes`.
            pub(crate) fn over(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }
        }

        /// Upper-case hexadecimal with colons, as `openssl x509 -fingerprint -sha256` prints it.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_bytes(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = FingerprintError;

            /// Reads 32 bytes in hexadecimal, in either case, with colons between all bytes or none, or with blanks.
            /// Reads also the whole line that `openssl x509 -fingerprint -sha256`, `openssl dgst -sha256` and `sha256sum`
            /// print.
            fn from_str(text: &str) -> Result<Self, FingerprintError> {
                parse(text).map(Self)
            }
        }
    };
}

digest_type! {
    /// SHA-256 over the DER of a whole certificate.
    ///
    /// ```
    /// use mutual_trust::Fingerprint;
    ///
    /// let pasted = "sha256 Fingerprint=0E:87:54:E6:1D:3A:FC:16:5A:84:5C:A7:37:6D:1C:D4:\
    ///               E3:1F:20:28:A7:94:03:84:45:57:3F:9B:E1:23:FA:66";
    /// let fingerprint: Fingerprint = pasted.parse()?;
    /// assert!(fingerprint.to_string().starts_with("0E:87:54:E6"));
    /// # Ok::<(), mutual_trust::error::FingerprintError>(())
    /// ```
    Fingerprint
}

digest_type! {
    /// SHA-256 over the DER of a `SubjectPublicKeyInfo`. RFC 7469 section 2.4 defines the same pin, in base64.
    ///
    /// Two certificates with the same key have the same key pin.
    KeyPin
}

/// The short form of a SHA-256 value.
struct Short([u8; 32]);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 64 bits in front tell the certificates of a store apart, and the last two bytes help to find the whole value.
        let (first, rest) = self.0.split_at(8);
        write_bytes(f, first)?;
        f.write_str("…")?;
        write_bytes(f, rest.split_at(22).1)
    }
}

/// Writes upper-case hexadecimal with colons between the bytes. Of a whole value in one piece: a store's file has at
/// least one for each entry.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let mut text = [b':'; 3 * 32];
    for (place, byte) in text.chunks_exact_mut(3).zip(bytes) {
        if let [high, low, _] = place {
            (*high, *low) = (digit(byte >> 4), digit(byte & 0x0f));
        }
    }
    let length = bytes.len().saturating_mul(3).saturating_sub(1);
    let text = text
        .get(..length)
        .and_then(|text| core::str::from_utf8(text).ok());
    f.write_str(text.unwrap_or(""))
}

/// An upper-case hexadecimal digit.
const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'A' - 10 + value,
    }
}

fn parse(text: &str) -> Result<[u8; 32], FingerprintError> {
    if let Some(bytes) = written(text.as_bytes()) {
        return Ok(bytes);
    }
    if text.len() > MAX_FINGERPRINT_TEXT {
        return Err(FingerprintError::TooLong {
            length: text.len(),
            limit: MAX_FINGERPRINT_TEXT,
        });
    }
    let text = text.trim();
    let hex = match text.rsplit_once('=') {
        Some((label, value)) => {
            check_label(label)?;
            value.trim()
        }
        None => without_file(text)?,
    };
    if hex.contains(|letter: char| letter.is_ascii_whitespace()) {
        return bytes_of(&joined(hex)?);
    }
    bytes_of(hex)
}

/// Bytes in hexadecimal, with colons between all of them or none.
fn bytes_of(hex: &str) -> Result<[u8; 32], FingerprintError> {
    let mut bytes = [0_u8; 32];
    let mut count = 0_usize;
    let colons = hex.contains(':');
    let mut digits = hex.bytes().enumerate();
    while let Some((at, high)) = digits.next() {
        let Some((_, low)) = digits.next() else {
            return Err(FingerprintError::NotHex { offset: at });
        };
        let (Some(high), Some(low)) = (nibble(high), nibble(low)) else {
            return Err(FingerprintError::NotHex { offset: at });
        };
        if let Some(place) = bytes.get_mut(count) {
            *place = (high << 4) | low;
        }
        count = count.saturating_add(1);
        if colons {
            match digits.next() {
                None => break,
                // A colon must be followed by another byte.
                Some((at, b':')) if at.saturating_add(1) < hex.len() => {}
                Some((at, _)) => return Err(FingerprintError::NotHex { offset: at }),
            }
        }
    }
    if count == 32 {
        Ok(bytes)
    } else {
        Err(FingerprintError::Length { found: count })
    }
}

/// Reads the text that `Display` writes, which is what a store's file has. `None` for every other form.
fn written(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 3 * 32 - 1 {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (place, digits) in bytes.iter_mut().zip(text.chunks(3)) {
        let (high, low) = match digits {
            [high, low, b':'] | [high, low] => (*high, *low),
            _ => return None,
        };
        let [high, low] = [high, low].map(|digit| VALUES.get(usize::from(digit)));
        let (high, low) = (*high?, *low?);
        if high | low > 0x0f {
            return None;
        }
        *place = (high << 4) | low;
    }
    Some(bytes)
}

/// The value of each hexadecimal digit, 255 for every other byte.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut rest: &mut [u8] = &mut values;
    let mut digit = 0;
    while let [place, after @ ..] = rest {
        if let Some(value) = nibble(digit) {
            *place = value;
        }
        rest = after;
        digit = digit.wrapping_add(1);
    }
    values
};

/// Bytes with blanks between them, as Windows shows them, or in groups of whole bytes. Nothing else stands between them.
fn joined(hex: &str) -> Result<String, FingerprintError> {
    let mut out = String::with_capacity(hex.len());
    for group in hex.split_ascii_whitespace() {
        let is_whole =
            group.len().is_multiple_of(2) && group.bytes().all(|one| nibble(one).is_some());
        if !is_whole {
            let offset = hex.find(group).unwrap_or(0);
            return Err(FingerprintError::NotHex { offset });
        }
        out.push_str(group);
    }
    Ok(out)
}

/// Accepts the label before the value only if it names SHA-256: that of `openssl x509 -fingerprint`, or the digest and the
/// file as `openssl dgst` and `sha256sum --tag` print them.
fn check_label(label: &str) -> Result<(), FingerprintError> {
    let label = label.trim();
    let (digest, of) = match label.split_once('(') {
        Some((digest, file)) => (digest.trim_end(), file.strip_suffix(')')),
        None => {
            let (digest, word) = label
                .split_once(|letter: char| letter.is_ascii_whitespace())
                .unwrap_or((label, ""));
            let is_fingerprint = word.trim().eq_ignore_ascii_case("fingerprint");
            (digest, is_fingerprint.then_some(""))
        }
    };
    let file = of.ok_or(FingerprintError::NotHex { offset: 0 })?;
    let sha256 = ["sha256", "sha-256", "sha2-256"];
    if !sha256.iter().any(|name| digest.eq_ignore_ascii_case(name)) {
        return Err(FingerprintError::OtherDigest);
    }
    check_file(file)
}

/// The value that `sha256sum` and `openssl dgst -r` print before the name of one file, or the text as it is. Two blanks, or
/// a blank and a star, stand between them: a text with anything else behind 64 digits is no fingerprint.
fn without_file(text: &str) -> Result<&str, FingerprintError> {
    let Some((value, file)) = text.split_once(' ') else {
        return Ok(text);
    };
    let Some(file) = file.strip_prefix([' ', '*']) else {
        return Ok(text);
    };
    // One of 20 bytes is that of SHA-1, and told as such.
    let is_digest = matches!(value.len(), 32 | 40 | 64 | 96 | 128)
        && value.bytes().all(|digit| nibble(digit).is_some());
    let is_more_hex = file
        .bytes()
        .all(|one| nibble(one).is_some() || one.is_ascii_whitespace());
    if !is_digest || is_more_hex || file.contains('\n') {
        return Ok(text);
    }
    check_file(file)?;
    Ok(value)
}

/// A digest over a PEM file is not one over its certificate, and no peer ever has it.
fn check_file(name: &str) -> Result<(), FingerprintError> {
    let end = name.len().saturating_sub(4);
    if name
        .get(end..)
        .is_some_and(|end| end.eq_ignore_ascii_case(".pem"))
    {
        return Err(FingerprintError::OfPem);
    }
    Ok(())
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANONICAL: &str = "0E:87:54:E6:1D:3A:FC:16:5A:84:5C:A7:37:6D:1C:D4:\
                             E3:1F:20:28:A7:94:03:84:45:57:3F:9B:E1:23:FA:66";

    #[test]
    fn every_form_that_people_paste_is_the_same_fingerprint() {
        let canonical: Fingerprint = CANONICAL.parse().unwrap();
        let plain = CANONICAL.replace(':', "");
        for form in [
            plain.clone(),
            plain.to_lowercase(),
            CANONICAL.to_lowercase(),
            format!("  {CANONICAL}\n"),
            format!("sha256 Fingerprint={CANONICAL}\n"),
            format!("SHA256 Fingerprint={CANONICAL}"),
            CANONICAL.replace(':', " "),
            format!("  {}\n", CANONICAL.to_lowercase().replace(':', "  ")),
            format!("{} {}", &plain[..40], &plain[40..]),
            format!("{}\n{}\n", &plain[..32], &plain[32..]),
            format!("SHA2-256(keys-1.der)= {plain}\n"),
            format!("SHA256(stdin)= {plain}"),
            format!("SHA256 (a = b.der) = {plain}"),
            format!("{plain}  keys-1.der\n"),
            format!("{plain} *keys-1.der"),
            format!("{plain}  -"),
        ] {
            assert_eq!(form.parse::<Fingerprint>().unwrap(), canonical, "{form}");
        }
        assert_eq!(canonical.to_string(), CANONICAL);
    }

    #[test]
    fn a_short_form_has_the_first_eight_bytes_and_the_last_two() {
        let fingerprint: Fingerprint = CANONICAL.parse().unwrap();
        assert_eq!(
            fingerprint.short().to_string(),
            "0E:87:54:E6:1D:3A:FC:16…FA:66"
        );
    }

    #[test]
    fn anything_but_32_bytes_is_refused_with_a_hint() {
        let sha1 = &CANONICAL[..20 * 3 - 1];
        let error = sha1.parse::<Fingerprint>().unwrap_err();
        assert!(matches!(error, FingerprintError::Length { found: 20 }));
        assert!(error.to_string().contains("-sha256"), "{error}");
        let error = format!("SHA1 Fingerprint={sha1}")
            .parse::<Fingerprint>()
            .unwrap_err();
        assert!(matches!(error, FingerprintError::OtherDigest));
        assert!(error.to_string().contains("SHA-1"), "{error}");
        let plain = sha1.replace(':', "");
        for text in [
            plain.clone(),
            sha1.replace(':', " "),
            format!("{plain}  keys-1.der"),
            format!("SHA1(keys-1.der)= {plain}"),
        ] {
            let error = text.parse::<Fingerprint>().unwrap_err().to_string();
            assert!(error.contains("SHA-1"), "{text}: {error}");
        }
        assert!(matches!(
            "".parse::<Fingerprint>(),
            Err(FingerprintError::Length { found: 0 })
        ));
        assert!(matches!(
            format!("{CANONICAL}:00").parse::<Fingerprint>(),
            Err(FingerprintError::Length { found: 33 })
        ));
    }

    #[test]
    fn odd_characters_are_refused_with_their_place() {
        for (text, offset) in [
            ("0", 0),
            ("0g", 0),
            ("00:0", 3),
            ("00:", 2),
            (":00", 0),
            ("00::00", 3),
            ("0000:00", 2),
            ("é0", 0),
        ] {
            match text.parse::<Fingerprint>() {
                Err(FingerprintError::NotHex { offset: found }) => {
                    assert_eq!(found, offset, "{text}");
                }
                other => unreachable!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_digest_over_a_pem_file_is_no_fingerprint_of_its_certificate() {
        let plain = CANONICAL.replace(':', "");
        for text in [
            format!("{plain}  keys-1.pem"),
            format!("{plain} *a/KEYS-1.PEM\n"),
            format!("SHA2-256(keys-1.pem)= {plain}"),
        ] {
            let error = text.parse::<Fingerprint>().unwrap_err();
            assert!(matches!(error, FingerprintError::OfPem), "{text}");
        }
    }

    #[test]
    fn only_the_name_of_one_file_may_stand_behind_the_digits() {
        let plain = CANONICAL.replace(':', "");
        for text in [
            format!("{plain} 1\u{85}"),
            format!("{plain} keys-1.der"),
            format!("{plain}\tkeys-1.der"),
            format!("{plain}  keys-1.der\n{plain}  keys-2.der"),
            format!("{plain}keys-1.der"),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn blanks_stand_between_whole_bytes_only() {
        let plain = CANONICAL.replace(':', "");
        for text in [
            format!("{} {}", &plain[..41], &plain[41..]),
            CANONICAL.replacen(':', ": ", 1),
            CANONICAL.replacen(':', " ", 1),
            format!("{plain} 00"),
            format!("name {plain}"),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_read_up_to_its_bound() {
        let padded = |length: usize| format!("{CANONICAL:length$}").parse::<Fingerprint>();
        assert!(padded(MAX_FINGERPRINT_TEXT).is_ok());
        for length in [MAX_FINGERPRINT_TEXT + 1, 2 * MAX_FINGERPRINT_TEXT] {
            assert!(matches!(
                padded(length),
                Err(FingerprintError::TooLong { length: found, .. }) if found == length
            ));
        }
    }
}
