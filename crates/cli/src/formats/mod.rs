//! Files as vendors hand them out: PKCS#12, PKCS#7, the PEM labels of OpenSSL, and UTF-16.
//!
//! Here they become the certificates and lists that the library reads, and nowhere else. Private keys in an archive stay
//! as they are: only `identity import` takes one out.

mod ber;
mod decrypt;
mod pkcs12;
mod pkcs7;
mod text;

use std::path::Path;

use mutual_trust::limits::{MAX_PEM_BYTES, MAX_PEM_SECTIONS};
use mutual_trust::{Certificate, Crl, KeyPolicy};
use zeroize::Zeroizing;

pub(crate) use decrypt::{Budget, decrypted, encrypted, is_pbes2};
pub(crate) use pkcs12::Archive;
pub(crate) use text::section;

use crate::describe::{Found, certificates_named, lists_of};
use crate::json::Item;
use crate::output::Failure;
use crate::{passphrase, plain};

/// The largest archive that is read. The trust store of a Java installation has 200 kB.
const MAX_ARCHIVE_BYTES: usize = 8 * 1024 * 1024;

/// What a binary file holds.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) certificates: Vec<HeldCertificate>,
    lists: Vec<Vec<u8>>,
    pub(crate) keys: Vec<HeldKey>,
}

/// A certificate in an archive.
pub(crate) struct HeldCertificate {
    der: Vec<u8>,
    /// The name that its owner gave it.
    alias: Option<String>,
    /// The same for a certificate and its private key.
    pub(crate) key_id: Option<Vec<u8>>,
}

/// A private key in an archive, as it stands there.
pub(crate) struct HeldKey {
    pub(crate) alias: Option<String>,
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) content: KeyContent,
}

/// A private key.
pub(crate) enum KeyContent {
    /// PKCS#8 (RFC 5958) in clear.
    Plain(Zeroizing<Vec<u8>>),
    /// Encrypted PKCS#8.
    Encrypted(Vec<u8>),
}

/// What is taken of the sections of a PEM file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Certificates,
    Lists,
}

/// The same content in another form.
enum Converted {
    /// PEM with the labels that the library reads.
    Text(Zeroizing<Vec<u8>>),
    Held(Held),
}

impl Held {
    /// The certificates. What the library refuses is named by its position and name.
    pub(crate) fn parsed(&self) -> Result<Vec<Certificate>, Failure> {
        let all = self.certificates.iter().enumerate();
        all.map(|(index, one)| {
            Certificate::from_der(&one.der).map_err(|error| {
                let name = one.alias.as_deref().map(quoted).unwrap_or_default();
                Failure::from(error).about(format!("certificate {index} (from 0){name}"))
            })
        })
        .collect()
    }

    fn lists(&self) -> Result<Vec<Crl>, Failure> {
        let all = self.lists.iter().enumerate();
        all.map(|(index, der)| {
            Crl::from_der(der)
                .map_err(|error| Failure::from(error).about(format!("list {index} (from 0)")))
        })
        .collect()
    }

    fn add(&mut self, more: Self) {
        self.certificates.extend(more.certificates);
        self.lists.extend(more.lists);
        self.keys.extend(more.keys);
    }

    /// Checks the number of what is held.
    fn within_limits(self) -> Result<Self, Failure> {
        let most = [self.certificates.len(), self.lists.len(), self.keys.len()];
        if most.iter().any(|count| *count > MAX_PEM_SECTIONS) {
            let text = format!("more than {MAX_PEM_SECTIONS} certificates, lists or keys");
            return Err(Failure::new("file/TooMany", text));
        }
        Ok(self)
    }
}

/// The name of something in an archive, for a text.
pub(crate) fn quoted(alias: &str) -> String {
    format!(" \"{}\"", plain::line(alias))
}

/// A structure that is damaged.
fn damaged(what: &str) -> Failure {
    let text = format!("{what} is damaged: was the file cut off or changed?");
    Failure::new("file/Damaged", text)
}

/// The certificates of a file that is neither plain PEM nor one certificate in DER. `None` for any other file.
pub(crate) fn certificates(
    path: &Path,
    content: &[u8],
) -> Result<Option<Vec<Certificate>>, Failure> {
    let read = match converted(path, content, Wanted::Certificates)? {
        None => return Ok(None),
        Some(Converted::Text(text)) => Certificate::many_from_pem(&text)?,
        Some(Converted::Held(held)) => held.parsed()?,
    };
    if read.is_empty() {
        return Err(Failure::new("certificate/Empty", "no certificate is in it"));
    }
    Ok(Some(read))
}

/// The revocation lists of such a file.
pub(crate) fn crls(path: &Path, content: &[u8]) -> Result<Option<Vec<Crl>>, Failure> {
    let read = match converted(path, content, Wanted::Lists)? {
        None => return Ok(None),
        Some(Converted::Text(text)) => Crl::many_from_pem(&text)?,
        Some(Converted::Held(held)) => held.lists()?,
    };
    if read.is_empty() {
        return Err(Failure::new("crl/Empty", "no revocation list is in it"));
    }
    Ok(Some(read))
}

/// What is in such a file, for `inspect`.
pub(crate) fn look(path: &Path, content: &[u8], keys: KeyPolicy) -> Result<Option<Found>, Failure> {
    match converted(path, content, Wanted::Certificates)? {
        None => Ok(None),
        Some(Converted::Held(held)) => Ok(Some(found(&held, keys)?)),
        Some(Converted::Text(text)) => {
            let mut read = Found::default();
            if text::has(&text, "CERTIFICATE") {
                let all = Certificate::many_from_pem(&text)?;
                read = certificates_named(all.iter().map(|one| (one, None)), keys);
            }
            let lists = converted(path, content, Wanted::Lists)?;
            if let Some(Converted::Text(text)) = lists
                && text::has(&text, "X509 CRL")
            {
                let more = lists_of(&Crl::many_from_pem(&text)?);
                read.0.extend(more.0);
                read.1.extend(more.1);
            }
            Ok((!read.1.is_empty()).then_some(read))
        }
    }
}

fn found(held: &Held, keys: KeyPolicy) -> Result<Found, Failure> {
    let parsed = held.parsed()?;
    let aliases = held.certificates.iter().map(|one| one.alias.as_deref());
    let mut found = Found::default();
    if !parsed.is_empty() {
        found = certificates_named(parsed.iter().zip(aliases), keys);
    }
    if !held.lists.is_empty() {
        let more = lists_of(&held.lists()?);
        found.0.extend(more.0);
        found.1.extend(more.1);
    }
    for key in &held.keys {
        let encrypted = matches!(key.content, KeyContent::Encrypted(_));
        let name = key.alias.as_deref().map(quoted).unwrap_or_default();
        let how = if encrypted { "encrypted" } else { "in clear" };
        found.0.push(format!(
            "private key{name}, {how}: `mutual-trust identity import` takes it out"
        ));
        found.1.push(Item::ArchivedKey {
            alias: key.alias.clone(),
            encrypted,
        });
    }
    if found.1.is_empty() {
        found.0.push(String::from("nothing"));
    }
    Ok(found)
}

/// Converts a file. `None` if the library reads it as it is, or has the best error for it.
fn converted(path: &Path, content: &[u8], wanted: Wanted) -> Result<Option<Converted>, Failure> {
    java_keystore(content)?;
    let held = if pkcs12::is_one(content) {
        let archive = archive(content)?;
        let passphrase = match archive.needs_passphrase() {
            true => Some(passphrase::of_file(path)?),
            false => None,
        };
        archive.open(passphrase.as_ref().map(|bytes| bytes.as_slice()))?
    } else if pkcs7::is_one(content) {
        within(content, MAX_PEM_BYTES)?;
        pkcs7::read(content)?
    } else {
        return Ok(text::rewritten(content, wanted)?.map(Converted::Text));
    };
    Ok(Some(Converted::Held(held.within_limits()?)))
}

/// Reads the outer form of a PKCS#12 archive.
pub(crate) fn archive(content: &[u8]) -> Result<Archive, Failure> {
    within(content, MAX_ARCHIVE_BYTES)?;
    Archive::read(content)
}

fn within(content: &[u8], limit: usize) -> Result<(), Failure> {
    if content.len() > limit {
        let text = format!("it has {} bytes, the limit is {limit}", content.len());
        return Err(Failure::new("file/TooLarge", text));
    }
    Ok(())
}

/// Whether a file is a PKCS#12 archive, whole or not.
pub(crate) fn is_archive(content: &[u8]) -> bool {
    pkcs12::is_one(content)
}

/// Refuses an archive or keystore where a private key is needed that a link then uses.
pub(crate) fn has_no_key(content: &[u8]) -> Result<(), Failure> {
    java_keystore(content)?;
    if is_archive(content) {
        let text = "a PKCS#12 archive: take its private key and its chain out with `mutual-trust identity import`";
        return Err(Failure::new("file/Archive", text));
    }
    Ok(())
}

/// Names a keystore in one of Java's own formats.
pub(crate) fn java_keystore(content: &[u8]) -> Result<(), Failure> {
    let kind = match content {
        [0xfe, 0xed, 0xfe, 0xed, ..] => "JKS",
        [0xce, 0xce, 0xce, 0xce, ..] => "JCEKS",
        _ => return Ok(()),
    };
    let text = format!(
        "a Java keystore of type {kind}, which only Java reads: convert it with `keytool -importkeystore -srckeystore FILE -srcstoretype {kind} -destkeystore NEW.p12 -deststoretype PKCS12`"
    );
    Err(Failure::new("file/JavaKeystore", text))
}

/// The bytes behind the header of the outermost value, if it is a SEQUENCE.
fn behind_header(content: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = content.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *tag != 0x30 {
        return None;
    }
    // The length itself, none for the indefinite form, or the number of its bytes.
    let skipped = usize::from(length.checked_sub(0x80).unwrap_or(0));
    if skipped > 8 {
        return None;
    }
    rest.get(skipped..)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::decrypt::Budget;
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
        fs::read(folder.join(name)).unwrap()
    }

    /// Reads a file in each way. Returns how many certificates, lists and keys it has.
    fn read(content: &[u8]) -> Result<usize, Failure> {
        java_keystore(content)?;
        let held = if is_archive(content) {
            archive(content)?.open(Some(b"changeit"))?
        } else if pkcs7::is_one(content) {
            pkcs7::read(content)?
        } else {
            let mut length = 0;
            for wanted in [Wanted::Certificates, Wanted::Lists] {
                length += text::rewritten(content, wanted)?.map_or(0, |text| text.len());
            }
            return Ok(length);
        };
        // What the library says of the certificates is its own matter.
        let _ = held.parsed();
        Ok(held.certificates.len() + held.lists.len() + held.keys.len())
    }

    const FILES: [&str; 12] = [
        "openssl-iter1.p12",
        "openssl-legacy-iter1.p12",
        "openssl-nomac.p12",
        "cas-der.p7b",
        "cms-ber.p7b",
        "with-list.p7b",
        "cas.p7b",
        "trusted.pem",
        "mixed.pem",
        "utf16-be.pem",
        "utf16-trusted.pem",
        "keytool.jks",
    ];

    #[test]
    fn no_truncation_gives_a_part_of_what_is_there() {
        for name in FILES {
            let whole = fixture(name);
            let all = read(&whole).unwrap_or(0);
            for length in 0..whole.len() {
                let cut = whole.get(..length).unwrap();
                let is_binary = is_archive(&whole) || pkcs7::is_one(&whole);
                match read(cut) {
                    Ok(found) if is_binary => assert_eq!(found, 0, "{name}: {length} of {all}"),
                    // The library refuses a text that ends within a section.
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }

    #[test]
    fn no_changed_bit_makes_it_panic_or_go_on_for_long() {
        for name in FILES {
            let whole = fixture(name);
            for position in 0..whole.len() {
                let mut changed = whole.clone();
                changed[position] ^= 1 << (position % 8);
                let _ = read(&changed);
            }
        }
    }

    /// A MAC covers the content: no changed bit of it is read with the certificates.
    #[test]
    fn a_changed_certificate_is_not_read_from_an_archive_with_a_mac() {
        let whole = fixture("openssl-clear.p12");
        let at = whole.windows(7).position(|window| window == b"Issuing");
        let mut changed = whole.clone();
        changed[at.unwrap()] ^= 1;
        assert!(read(&whole).is_ok());
        assert_eq!(read(&changed).unwrap_err().kind(), "passphrase/Wrong");
    }

    #[test]
    fn the_work_for_a_file_is_bounded_also_in_many_parts() {
        let mut budget = Budget::new();
        let mut parts = 0;
        while budget.take(10_000, 2).is_ok() {
            parts += 1;
        }
        assert_eq!(parts, 200);
        let error = Budget::new().take(1_000_001, 1).unwrap_err();
        assert_eq!(error.kind(), "file/TooCostly");
        assert!(error.message().contains("1000001"), "{}", error.message());
    }
}
