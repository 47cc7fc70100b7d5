//! Reads the DER values of a revocation list in order. Errors name the field and the offset.

use super::super::der::{self, Value};
use super::super::{dotted, grammar};
use crate::certificate::error::CrlError;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;

/// The values that remain of a constructed value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The whole list. Offsets in errors are relative to it.
    der: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self { der, rest: der }
    }

    /// Reads the content of a value that this reader returned.
    pub(super) fn inside(&self, value: &Value<'a>) -> Self {
        Self {
            der: self.der,
            rest: value.content,
        }
    }

    /// Reads the list from `offset` on.
    pub(super) fn from(der: &'a [u8], offset: u32) -> Self {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Self {
            der,
            rest: der.get(offset..).unwrap_or(&[]),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The offset of the next value in the list.
    pub(super) fn offset(&self) -> usize {
        let start = self.der.as_ptr().addr();
        self.rest.as_ptr().addr().saturating_sub(start)
    }

    pub(super) fn malformed(&self, field: &'static str) -> CrlError {
        CrlError::Malformed {
            field,
            offset: self.offset(),
        }
    }

    pub(super) fn next(&mut self, tag: u8, field: &'static str) -> Result<Value<'a>, CrlError> {
        match self.next_if(&[tag], field)? {
            Some(value) => Ok(value),
            None => Err(self.malformed(field)),
        }
    }

    /// The next value, if it has one of these tags.
    pub(super) fn next_if(
        &mut self,
        tags: &[u8],
        field: &'static str,
    ) -> Result<Option<Value<'a>>, CrlError> {
        if !self.rest.first().is_some_and(|tag| tags.contains(tag)) {
            return Ok(None);
        }
        let (value, rest) = der::take_long(self.rest).ok_or(self.malformed(field))?;
        self.rest = rest;
        Ok(Some(value))
    }

    pub(super) fn end(&self, field: &'static str) -> Result<(), CrlError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.malformed(field))
        }
    }

    /// The content of the next value, which must be an object identifier.
    fn identifier(&mut self) -> Result<&'a [u8], CrlError> {
        let start = *self;
        let id = self.next(OID, "extensions")?.content;
        if der::is_identifier(id) {
            Ok(id)
        } else {
            Err(start.malformed(der::IDENTIFIER))
        }
    }

    /// Turns a malformed object identifier into an error that names its offset.
    pub(super) fn refuse(&self, bad: Option<&[u8]>) -> Result<(), CrlError> {
        bad.map_or(Ok(()), |bad| {
            Err(CrlError::Malformed {
                field: der::IDENTIFIER,
                offset: der::offset_in(self.der, bad).unwrap_or(self.offset()),
            })
        })
    }

    /// The next value, as an extension.
    pub(super) fn extension(&mut self) -> Result<Extension<'a>, CrlError> {
        let field = "extensions";
        let offset = self.offset();
        let whole = self.next(SEQUENCE, field)?;
        let mut parts = self.inside(&whole);
        let id = parts.identifier()?;
        let critical = match parts.next_if(&[BOOLEAN], field)? {
            Some(value) if grammar::truth(&value) => value.content == [0xff],
            Some(_) => return Err(parts.malformed(field)),
            None => false,
        };
        let value = parts.next(OCTET_STRING, field)?;
        parts.end(field)?;
        let inside = parts.inside(&value);
        parts.refuse(der::bad_identifier_in_extension(id, value.content))?;
        Ok(Extension {
            id,
            critical,
            value: inside,
            offset,
        })
    }
}

/// One extension of a list or of one of its entries.
pub(super) struct Extension<'a> {
    pub(super) id: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: Reader<'a>,
    offset: usize,
}

impl<'a> Extension<'a> {
    /// The number `n` of an extension `2.5.29.n`.
    pub(super) fn standard(&self) -> Option<u8> {
        match self.id {
            [0x55, 0x1d, last] => Some(*last),
            _ => None,
        }
    }

    /// Whether the extension is `2.5.29.n` with `n` in `list`.
    pub(super) fn is_listed(&self, list: &[u8]) -> bool {
        self.standard().is_some_and(|last| list.contains(&last))
    }

    pub(super) fn oid(&self) -> String {
        dotted(self.id)
    }

    /// The only value in the extension.
    pub(super) fn only(&self, tag: u8, field: &'static str) -> Result<Value<'a>, CrlError> {
        let mut reader = self.value;
        let value = reader.next(tag, field)?;
        reader.end(field)?;
        Ok(value)
    }

    pub(super) fn twice(&self) -> CrlError {
        CrlError::DuplicateExtension {
            oid: self.oid(),
            offset: self.offset,
        }
    }
}
