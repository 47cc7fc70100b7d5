//! The lines below the first line of a record: fields and PEM sections.

use pki_types::UnixTime;

use super::format::{LABEL, grace, time};
use super::headers::parsed;
use super::lines::{Field, Section, expected, once};
use super::section;
use crate::admin::file::error::StoreFileError;
use crate::certificate::{CRL_LABEL, pem};
use crate::limits::{MAX_CERTIFICATE_BYTES, MAX_CRL_BYTES, MAX_CRL_PEM_BYTES, MAX_PEM_BYTES};
use crate::store::{EntryOptions, PinMatch, SanPattern, ValidityRule};

/// The fields that entries and revocation lists have in common.
#[derive(Default)]
pub(super) struct Origin<'a> {
    pub(super) installed: Option<UnixTime>,
    pub(super) by: Option<&'a str>,
    pub(super) disabled: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// Reads a field. `false` if it is not one of these.
    pub(super) fn take(&mut self, field: &Field<'a>) -> Result<bool, StoreFileError> {
        match field.name {
            "installed" => once(&mut self.installed, field, "a time", time)?,
            "by" => once(&mut self.by, field, "who installed it", said)?,
            "disabled" => once(&mut self.disabled, field, "why it is disabled", said)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The fields of an entry.
#[derive(Default)]
pub(super) struct Fields<'a> {
    label: Option<&'a str>,
    matching: Option<PinMatch>,
    validity: Option<ValidityRule>,
    any_role: Option<()>,
    ends: Option<UnixTime>,
    patterns: Vec<SanPattern>,
    pub(super) source: Option<&'a str>,
    pub(super) origin: Origin<'a>,
}

impl<'a> Fields<'a> {
    /// Reads a field. `false` if it is not one of these.
    pub(super) fn take(&mut self, field: &Field<'a>) -> Result<bool, StoreFileError> {
        match field.name {
            "label" => once(&mut self.label, field, "a label", Some)?,
            "match" => once(&mut self.matching, field, "`match public-key`", |value| {
                (value == "public-key").then_some(PinMatch::PublicKey)
            })?,
            "validity" => {
                let what = "`validity enforce` or `validity grace`, a number and `s`";
                once(&mut self.validity, field, what, validity)?;
            }
            "role" => once(&mut self.any_role, field, "`role any`", |value| {
                (value == "any").then_some(())
            })?,
            "ends" => once(&mut self.ends, field, "a time", time)?,
            "san" => {
                let pattern = parsed(field.value);
                let wrong = || expected(field.line, "a pattern for names", field.text);
                self.patterns.push(pattern.ok_or_else(wrong)?);
            }
            "source" => once(&mut self.source, field, "the name of a source", said)?,
            _ => return self.origin.take(field),
        }
        Ok(true)
    }

    pub(super) fn options(self) -> EntryOptions {
        let mut options = EntryOptions::new().with_san_patterns(self.patterns);
        if let Some(label) = self.label {
            options = options.with_label(label);
        }
        if let Some(matching) = self.matching {
            options = options.with_matching(matching);
        }
        if let Some(rule) = self.validity {
            options = options.with_validity(rule);
        }
        if self.any_role.is_some() {
            options = options.with_any_role();
        }
        if let Some(end) = self.ends {
            options = options.with_end(end);
        }
        options
    }
}

fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn validity(text: &str) -> Option<ValidityRule> {
    match text.strip_prefix("grace ") {
        Some(text) => grace(text).map(ValidityRule::Grace),
        None => (text == "enforce").then_some(ValidityRule::Enforce),
    }
}

/// A certificate, and whether its section has the form in which it is written.
pub(super) fn certificate(section: Section<'_>) -> Result<(Vec<u8>, bool), StoreFileError> {
    let kind = Kind {
        what: "a certificate in PEM",
        label: LABEL,
        text: MAX_PEM_BYTES,
        der: MAX_CERTIFICATE_BYTES,
    };
    kind.decode(section)
}

pub(super) fn crl_der(section: Section<'_>) -> Result<Vec<u8>, StoreFileError> {
    let kind = Kind {
        what: "a revocation list in PEM",
        label: CRL_LABEL,
        text: MAX_CRL_PEM_BYTES,
        der: MAX_CRL_BYTES,
    };
    Ok(kind.decode(section)?.0)
}

/// A kind of section, with the most bytes that its text and its content may have.
struct Kind {
    what: &'static str,
    label: &'static str,
    text: usize,
    der: usize,
}

impl Kind {
    /// The content, and whether the section has the form in which it is written.
    fn decode(&self, section: Section<'_>) -> Result<(Vec<u8>, bool), StoreFileError> {
        if let Some(der) = section::read(self.label, section.text, self.der)
            && !der.is_empty()
        {
            return Ok((der, true));
        }
        // Another form, which the file may not have. What is wrong with it is said here, or by the comparison with the
        // text that is written.
        let wrong = |found: &str| expected(section.line, self.what, found);
        let found = pem::sections_within(section.text.as_bytes(), self.text);
        let found = found.map_err(|error| wrong(&error.to_string()))?;
        let [only] = found.as_slice() else {
            return Err(wrong("several"));
        };
        if only.label != self.label {
            return Err(wrong(pem::shown_label(only.label)));
        }
        let der = only.decode_public();
        let der = der.map_err(|error| wrong(&error.to_string()))?;
        if der.is_empty() || der.len() > self.der {
            return Err(wrong(&format!("{} bytes", der.len())));
        }
        Ok((der, false))
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};

    use super::*;

    #[test]
    fn a_section_holds_between_one_byte_and_the_most_of_its_kind() {
        let kind = Kind {
            what: "a note",
            label: "NOTE",
            text: 1000,
            der: 3,
        };
        let decode = |content: &[u8]| {
            let body = Base64::encode_string(content);
            let text = format!("-----BEGIN NOTE-----\n{body}\n-----END NOTE-----\n");
            kind.decode(Section {
                line: 7,
                text: &text,
            })
        };
        for content in [&[1][..], &[1, 2, 3]] {
            assert_eq!(decode(content).unwrap(), (content.to_vec(), true));
        }
        for (content, found) in [(&[][..], "0 bytes"), (&[1, 2, 3, 4], "4 bytes")] {
            let said = decode(content).unwrap_err().to_string();
            assert!(said.contains("line 7") && said.contains(found), "{said}");
        }
    }
}
