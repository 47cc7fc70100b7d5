//! PEM whose labels or encoding the library does not read.

use base64ct::{Base64, Encoding};
use der::asn1::{ContextSpecific, ObjectIdentifier, OctetString, Utf8StringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use mutual_trust::limits::MAX_PEM_BYTES;
use zeroize::Zeroizing;

use super::{Wanted, pkcs7};
use crate::output::Failure;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The labels that are converted. Any other section stays as it is, for the library.
const LABELS: [(&[u8], Label); 5] = [
    (b"TRUSTED CERTIFICATE", Label::Trusted),
    (b"X509 CERTIFICATE", Label::Old),
    (b"PKCS7", Label::Pkcs7),
    (b"PKCS #7 SIGNED DATA", Label::Pkcs7),
    (b"CMS", Label::Pkcs7),
];

#[derive(Clone, Copy)]
enum Label {
    /// A certificate with what OpenSSL trusts it for behind it.
    Trusted,
    /// The label of a certificate before RFC 7468.
    Old,
    Pkcs7,
}

/// The text with labels and an encoding that the library reads. `None` if it has them.
pub(super) fn rewritten(
    content: &[u8],
    wanted: Wanted,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if content.len() > MAX_PEM_BYTES {
        return Ok(None);
    }
    match of_utf16(content)? {
        Some(text) => Ok(Some(relabelled(&text, wanted)?.unwrap_or(text))),
        None => relabelled(content, wanted),
    }
}

/// Whether a text has a section with this label.
pub(super) fn has(text: &[u8], label: &str) -> bool {
    let mark = [BEGIN, label.as_bytes(), DASHES].concat();
    text.windows(mark.len()).any(|window| window == mark)
}

/// The UTF-8 of a text in UTF-16 that has its mark and a section.
fn of_utf16(content: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let (rest, is_little) = match content {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        _ => return Ok(None),
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let units = pairs.iter().map(|pair| match is_little {
        true => u16::from_le_bytes(*pair),
        false => u16::from_be_bytes(*pair),
    });
    // Three bytes at most for each unit. It may hold a key, so it does not grow.
    let mut text = Zeroizing::new(Vec::with_capacity(pairs.len().saturating_mul(3)));
    let mut bytes = Zeroizing::new([0_u8; 4]);
    for letter in char::decode_utf16(units) {
        let letter = letter.map_err(|_| broken())?;
        text.extend_from_slice(letter.encode_utf8(bytes.as_mut_slice()).as_bytes());
    }
    if !text.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Ok(None);
    }
    if !odd.is_empty() {
        return Err(broken());
    }
    Ok(Some(text))
}

fn broken() -> Failure {
    let text = "UTF-16 that is damaged: was the file cut off or changed?";
    Failure::new("file/Damaged", text)
}

/// The text with each section of a known label converted. Each keeps the number of its lines, so that errors of the
/// library name the lines of the file.
fn relabelled(text: &[u8], wanted: Wanted) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if !LABELS
        .iter()
        .any(|(label, _)| has(text, &String::from_utf8_lossy(label)))
    {
        return Ok(None);
    }
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut out = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(2)));
    let mut index = 0_usize;
    while let Some(line) = lines.get(index) {
        let section = begun(line).and_then(|(label, kind)| {
            let rest = lines.get(index.saturating_add(1)..)?;
            let length = rest.iter().position(|line| is_boundary(line))?;
            let is_end = ended(rest.get(length)?) == Some(label);
            is_end.then_some((kind, rest.get(..length)?))
        });
        let Some((kind, body)) = section else {
            out.extend_from_slice(line);
            index = index.saturating_add(1);
            continue;
        };
        let number = index.saturating_add(1);
        let about = |failure: Failure| failure.about(format!("the section of line {number}"));
        let sections = converted(kind, body, wanted).map_err(about)?;
        let mut left = body.len().saturating_add(2);
        for section in sections {
            left = left.saturating_sub(section.iter().filter(|byte| **byte == b'\n').count());
            out.extend_from_slice(&section);
        }
        out.extend(core::iter::repeat_n(b'\n', left));
        index = index.saturating_add(body.len()).saturating_add(2);
    }
    Ok(Some(out))
}

fn begun(line: &[u8]) -> Option<(&'static [u8], Label)> {
    let label = trimmed(line).strip_prefix(BEGIN)?.strip_suffix(DASHES)?;
    LABELS.into_iter().find(|(known, _)| *known == label)
}

fn ended(line: &[u8]) -> Option<&[u8]> {
    trimmed(line).strip_prefix(END)?.strip_suffix(DASHES)
}

fn is_boundary(line: &[u8]) -> bool {
    line.windows(DASHES.len()).any(|window| window == DASHES)
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The sections that a section becomes.
fn converted(kind: Label, body: &[&[u8]], wanted: Wanted) -> Result<Vec<Vec<u8>>, Failure> {
    let text: Vec<u8> = body
        .iter()
        .flat_map(|line| line.trim_ascii())
        .copied()
        .collect();
    let not_base64 = || Failure::new("certificate/Pem", "it is not base64");
    let text = core::str::from_utf8(&text).map_err(|_| not_base64())?;
    let der = Base64::decode_vec(text).map_err(|_| not_base64())?;
    Ok(match kind {
        Label::Old => vec![one_line("CERTIFICATE", &der)],
        Label::Trusted => vec![one_line("CERTIFICATE", trusted(&der)?)],
        Label::Pkcs7 => {
            let held = pkcs7::read(&der)?.within_limits()?;
            match wanted {
                Wanted::Certificates => {
                    let ders = held.certificates.iter();
                    ders.map(|one| one_line("CERTIFICATE", &one.der)).collect()
                }
                Wanted::Lists => {
                    let ders = held.lists.iter();
                    ders.map(|der| one_line("X509 CRL", der)).collect()
                }
            }
        }
    })
}

/// A section of three lines.
fn one_line(label: &str, der: &[u8]) -> Vec<u8> {
    let body = Base64::encode_string(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
}

/// A section with lines of 64 characters.
pub(crate) fn section(label: &str, der: &[u8]) -> String {
    let body = Base64::encode_string(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (index, letter) in body.chars().enumerate() {
        if index > 0 && index.is_multiple_of(64) {
            out.push('\n');
        }
        out.push(letter);
    }
    out.push_str(&format!("\n-----END {label}-----\n"));
    out
}

/// TLS by servers and by clients, and any use (RFC 5280 section 4.2.1.12).
const TLS_USES: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
];

/// The certificate in front of OpenSSL's settings. A certificate that is rejected there, or trusted for other uses than
/// TLS alone, is refused: without its settings it would be trusted for more.
fn trusted(der: &[u8]) -> Result<&[u8], Failure> {
    let damaged = |_| super::damaged("the section");
    let mut reader = SliceReader::new(der).map_err(damaged)?;
    let certificate = reader.tlv_bytes().map_err(damaged)?;
    if reader.is_finished() {
        return Ok(certificate);
    }
    let settings = Settings::read(&mut reader).map_err(damaged)?;
    let is_tls = |uses: &[ObjectIdentifier]| uses.iter().any(|one| TLS_USES.contains(one));
    let why = if is_tls(&settings.rejected) {
        "OpenSSL's settings in it reject the certificate for TLS"
    } else if settings
        .trusted
        .as_deref()
        .is_some_and(|uses| !is_tls(uses))
    {
        "OpenSSL's settings in it trust the certificate for other uses than TLS alone"
    } else {
        return Ok(certificate);
    };
    let text = format!(
        "{why}: if it is to be trusted, take the settings off with `openssl x509 -in FILE -out NEW`"
    );
    Err(Failure::new("file/NotTrusted", text))
}

/// What OpenSSL puts behind a certificate (`X509_CERT_AUX`).
struct Settings {
    trusted: Option<Vec<ObjectIdentifier>>,
    rejected: Vec<ObjectIdentifier>,
}

impl Settings {
    fn read<'a>(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let settings = reader.sequence(|fields| {
            let trusted = match Tag::peek(fields) {
                Ok(Tag::Sequence) => Some(Vec::decode(fields)?),
                _ => None,
            };
            let rejected = ContextSpecific::decode_implicit(fields, TagNumber(0))?;
            // The alias, the key identifier, and what else there may be.
            Option::<Utf8StringRef<'a>>::decode(fields)?;
            Option::<OctetString>::decode(fields)?;
            while !fields.is_finished() {
                fields.tlv_bytes()?;
            }
            Ok::<_, der::Error>(Self {
                trusted,
                rejected: rejected.map(|found| found.value).unwrap_or_default(),
            })
        })?;
        match reader.is_finished() {
            true => Ok(settings),
            false => Err(Tag::Sequence.value_error().into()),
        }
    }
}
