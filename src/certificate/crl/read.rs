//! Parses the DER of a revocation list (RFC 5280 section 5.1).

use super::super::strings::are_in_alphabets;
use super::super::time::read_time;
use super::super::{der, grammar, list};
use super::CrlDeviation;
use super::number::CrlNumber;
use super::place::Place;
use super::reader::{BIT_STRING, Extension, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME};
use super::revoked::{self, Index};
use super::scope::{self, Scope};
use crate::certificate::error::{CrlError, UnsupportedCrl};
use crate::limits::{KNOWN_CRITICAL_IN_CRL, MAX_CRL_BYTES, MAX_EXTENSIONS};

/// The facts of a list, as ranges in its DER and small values.
pub(super) struct Facts {
    pub(super) version: u8,
    pub(super) tbs: Place,
    pub(super) issuer: Place,
    /// The contents of the `AlgorithmIdentifier`.
    pub(super) algorithm: Place,
    pub(super) signature: Place,
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    pub(super) number: Option<CrlNumber>,
    pub(super) authority_key_id: Option<Place>,
    pub(super) scope: Scope,
    pub(super) index: Index,
    pub(super) refusal: Option<UnsupportedCrl>,
    pub(super) deviations: Box<[CrlDeviation]>,
}

/// Parses a list from untrusted bytes.
pub(super) fn facts(der: &[u8]) -> Result<Facts, CrlError> {
    if der.is_empty() {
        return Err(CrlError::Empty);
    }
    if der.len() > MAX_CRL_BYTES {
        return Err(CrlError::TooLarge {
            size: der.len(),
            limit: MAX_CRL_BYTES,
        });
    }
    let field = "structure";
    let mut input = Reader::new(der);
    let outer = input.next(SEQUENCE, field)?;
    if !input.is_empty() {
        return Err(CrlError::TrailingBytes {
            offset: input.offset(),
            count: input.left(),
        });
    }
    let mut parts = input.inside(&outer);
    let tbs = parts.next(SEQUENCE, field)?;
    let place = |part: &[u8]| Place::locate(der, part).ok_or(input.malformed(field));
    let outside = algorithm(&mut parts)?;
    let start = parts;
    let signature = parts.next(BIT_STRING, "signature")?.content;
    let Some((0, signature)) = signature.split_first().map(|(bits, rest)| (*bits, rest)) else {
        return Err(start.malformed("signature"));
    };
    parts.end(field)?;

    let mut fields = input.inside(&tbs);
    let start = fields;
    let version = match fields.next_if(&[INTEGER], "version")? {
        None => 1,
        // Version 1 is encoded by omitting the field.
        Some(value) if value.content == [1] => 2,
        Some(_) => return Err(start.malformed("version")),
    };
    if algorithm(&mut fields)? != outside {
        return Err(CrlError::SignatureAlgorithmMismatch);
    }
    let start = fields;
    let issuer = fields.next(SEQUENCE, "issuer")?;
    if issuer.content.is_empty() || grammar::name(&issuer, "issuer").is_err() {
        return Err(start.malformed("issuer"));
    }
    start.refuse(der::bad_identifier(issuer.content, false))?;
    let this_update = time(&mut fields, "thisUpdate")?.ok_or(fields.malformed("thisUpdate"))?;
    let next_update = time(&mut fields, "nextUpdate")?;
    if next_update.is_some_and(|next| next < this_update) {
        return Err(CrlError::UpdatesReversed);
    }
    let mut facts = Facts {
        version,
        tbs: place(tbs.whole)?,
        issuer: place(issuer.whole)?,
        algorithm: place(outside)?,
        signature: place(signature)?,
        this_update,
        next_update,
        number: None,
        authority_key_id: None,
        scope: Scope::default(),
        index: Index::default(),
        refusal: None,
        deviations: Box::default(),
    };
    let mut deviations = Vec::new();
    let field = "revoked certificates";
    let mut entry_refusal = None;
    if let Some(list) = fields.next_if(&[SEQUENCE], field)? {
        let entries = revoked::read(der, fields.inside(&list), version == 2)?;
        if entries.index.len() == 0 {
            deviations.push(CrlDeviation::EmptyList);
        }
        facts.index = entries.index;
        entry_refusal = entries.refusal;
    }
    if let Some(wrapper) = fields.next_if(&[0xa0], "extensions")? {
        if version != 2 {
            return Err(CrlError::ExtensionsNeedVersion2);
        }
        let mut inside = fields.inside(&wrapper);
        let start = inside;
        let extensions = inside.next(SEQUENCE, "extensions")?;
        inside.end("extensions")?;
        if extensions.content.is_empty() {
            return Err(start.malformed("extensions"));
        }
        read_extensions(der, inside.inside(&extensions), &mut facts, &mut deviations)?;
    }
    fields.end("structure")?;
    let missing = next_update
        .is_none()
        .then_some(UnsupportedCrl::NoNextUpdate);
    facts.refusal = facts.refusal.or(entry_refusal).or(missing);
    for (is, deviation) in [
        (version == 1, CrlDeviation::Version1),
        (facts.number.is_none(), CrlDeviation::NoNumber),
        (
            facts.authority_key_id.is_none(),
            CrlDeviation::NoAuthorityKeyId,
        ),
        (
            !are_in_alphabets(issuer.whole),
            CrlDeviation::IssuerAlphabet,
        ),
    ] {
        if is {
            deviations.push(deviation);
        }
    }
    facts.deviations = deviations.into();
    Ok(facts)
}

/// The contents of an `AlgorithmIdentifier`.
fn algorithm<'a>(parts: &mut Reader<'a>) -> Result<&'a [u8], CrlError> {
    let field = "signature algorithm";
    let start = *parts;
    let value = parts.next(SEQUENCE, field)?;
    list::algorithm(&value, field).map_err(|field| start.malformed(field))?;
    start.refuse(der::bad_identifier(value.content, false))?;
    Ok(value.content)
}

fn time(fields: &mut Reader<'_>, field: &'static str) -> Result<Option<i64>, CrlError> {
    let start = *fields;
    let Some(value) = fields.next_if(&[UTC_TIME, GENERALIZED_TIME], field)? else {
        return Ok(None);
    };
    let time = read_time(value.tag, value.content).ok_or(start.malformed(field))?;
    Ok(Some(time))
}

fn read_extensions<'a>(
    der: &'a [u8],
    mut extensions: Reader<'a>,
    facts: &mut Facts,
    deviations: &mut Vec<CrlDeviation>,
) -> Result<(), CrlError> {
    let mut seen: Vec<&[u8]> = Vec::new();
    while !extensions.is_empty() {
        let extension = extensions.extension()?;
        if seen.contains(&extension.id) {
            return Err(extension.twice());
        }
        seen.push(extension.id);
        if seen.len() > MAX_EXTENSIONS {
            let limit = MAX_EXTENSIONS;
            return Err(CrlError::TooManyExtensions { limit });
        }
        let refusal = read_extension(der, &extension, facts, deviations)?;
        facts.refusal = facts.refusal.take().or(refusal);
    }
    Ok(())
}

fn read_extension(
    der: &[u8],
    extension: &Extension<'_>,
    facts: &mut Facts,
    deviations: &mut Vec<CrlDeviation>,
) -> Result<Option<UnsupportedCrl>, CrlError> {
    match extension.standard() {
        Some(20) => {
            let field = "cRLNumber";
            let number = CrlNumber::read(extension.only(INTEGER, field)?.content);
            facts.number = Some(number.ok_or(extension.value.malformed(field))?);
            if extension.critical {
                deviations.push(CrlDeviation::NumberCritical);
            }
        }
        // This extension makes it a delta list, whether it is marked critical or not.
        Some(27) => return Ok(Some(UnsupportedCrl::Delta)),
        Some(28) => {
            let (scope, refusal) = scope::read(der, extension)?;
            facts.scope = scope;
            if !extension.critical {
                deviations.push(CrlDeviation::DistributionPointNotCritical);
            }
            return Ok(refusal);
        }
        Some(35) => {
            let field = "authorityKeyIdentifier";
            let malformed = || extension.value.malformed(field);
            let value = extension.only(SEQUENCE, field)?;
            grammar::authority_key_id(&value).map_err(|_| malformed())?;
            let parts = der::children(value.content).map_err(|_| malformed())?;
            let key = parts.iter().find(|part| part.tag == 0x80);
            let place =
                |key: &der::Value<'_>| Place::locate(der, key.content).ok_or_else(malformed);
            facts.authority_key_id = key.map(place).transpose()?;
        }
        _ => {}
    }
    if !extension.critical {
        return Ok(None);
    }
    let known = extension.is_listed(KNOWN_CRITICAL_IN_CRL);
    Ok((!known).then(|| UnsupportedCrl::CriticalExtension {
        oid: extension.oid(),
    }))
}
