//! structured-pkix: it reads and validates paths; what it leaves to the caller (purposes, names, which lists count) is
//! asked here, with its own readers.
//!
//! A trust anchor is no part of its paths. So the authority stands in the path, with its content signed by a key above it,
//! and is held to all that an intermediate is.

use std::sync::Arc;

use pki_types::SignatureVerificationAlgorithm;
use structured_asn1::memory::{Memory, MemoryAccount, Work};
use structured_asn1::{Oid, Parser};
use structured_pkix::crl::{Authentication, CertificateList, EntryLookup, ScopeOutcome};
use structured_pkix::general_name::GeneralName;
use structured_pkix::path::{
    Anchor, Interval, Policy, Validation, ValidationBounds, ValidationContext, Verified, Verify,
    WorkingKey, validate,
};
use structured_pkix::signature::SignatureValue;
use structured_pkix::{AlgorithmIdentifier, Certificate};

use super::Judged;
use crate::make::{self, Der as _};
use crate::world::{ADDRESS, HOST, NOW, Part, Signed};

/// id-kp-serverAuth.
const SERVER: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 1];

/// anyExtendedKeyUsage.
const ANY: [u8; 4] = [0x55, 0x1d, 0x25, 0];

/// Signatures as ring verifies them.
struct Ring;

/// The content of a SEQUENCE.
fn content(der: &[u8]) -> &[u8] {
    match der {
        [_, first, rest @ ..] if *first < 0x80 => rest,
        [_, first, rest @ ..] => rest.get(usize::from(first & 0x7f)..).unwrap_or_default(),
        _ => &[],
    }
}

impl<E: Work> Verify<E> for Ring {
    type Error = core::convert::Infallible;

    fn verify(
        &self,
        algorithm: &AlgorithmIdentifier<'_>,
        key: WorkingKey<'_>,
        signed: &[u8],
        signature: SignatureValue<'_>,
        _: &E,
    ) -> Result<Verified, Self::Error> {
        let provider = rustls::crypto::ring::default_provider();
        let algorithm = content(algorithm.as_bytes());
        let kind = content(key.key().algorithm().as_bytes());
        let fits = |one: &&dyn SignatureVerificationAlgorithm| {
            one.signature_alg_id().as_ref() == algorithm && one.public_key_alg_id().as_ref() == kind
        };
        let all = provider.signature_verification_algorithms.all;
        let Some(known) = all.iter().copied().find(fits) else {
            return Ok(Verified::Unsupported);
        };
        // The key in the BIT STRING behind the algorithm.
        let info = content(key.key().as_bytes());
        let bits = &info[key.key().algorithm().as_bytes().len()..];
        let (Some((0, public)), Some(signature)) =
            (content(bits).split_first(), signature.octets())
        else {
            return Ok(Verified::No);
        };
        let done = known.verify_signature(public, signed, signature);
        Ok(if done.is_ok() {
            Verified::Yes
        } else {
            Verified::No
        })
    }
}

pub(super) fn judge(world: &Signed) -> Judged {
    // More than any case takes.
    let account = Memory::new(Arc::new(MemoryAccount::new(16 << 20, 64 << 20)));
    let parser = Parser::der(account.clone());
    let above = make::public_key(world.above);
    let mut ders: Vec<(Part, Vec<u8>)> = [Part::Leaf, Part::Middle]
        .into_iter()
        .filter_map(|part| Some((part, world.der(part)?)))
        .collect();
    ders.push((Part::Root, world.root_from_above.clone()));
    // The key above, in a certificate that is not part of the path.
    let spec = make::Spec::new("above", world.above, true);
    let holder = spec.der();
    assert!(holder.windows(above.len()).any(|part| part == above));
    let read = |part: &str, der| {
        Certificate::read(&parser, der, 0).map_err(|error| format!("{part}: {error:?}"))
    };
    let holder = read("above", &holder)?;
    let mut path = Vec::new();
    for (part, der) in &ders {
        path.push(read(part.name(), der)?);
    }
    let all: Vec<&Certificate<'_>> = path.iter().collect();
    let top = all.last().expect("the authority");
    let anchor = Anchor::new(top.tbs().issuer(), holder.tbs().public_key());
    let now = i64::try_from(NOW).expect("a time");
    let context = ValidationContext {
        execution: &account,
        interval: Interval::at(now),
        policy: Policy::default(),
        bounds: ValidationBounds::default(),
        verifier: &Ring,
        watch: &(),
        recognizer: &(),
    };
    match validate(&all, anchor, &context).map_err(|error| format!("{error:?}"))? {
        Validation::Accepted(_) => {}
        Validation::Rejected(why) => return Err(format!("{why:?}")),
        Validation::Incomplete(why) => return Err(format!("{why:?}")),
    }
    for (certificate, (part, _)) in all.iter().zip(&ders) {
        let usage = certificate.tbs().extensions().extended_key_usage(&account);
        let usage = usage.map_err(|error| format!("{}: {error:?}", part.name()))?;
        let Some(usage) = usage else { continue };
        let has = |purpose| {
            usage
                .has(Oid::from_bytes(purpose), &account)
                .unwrap_or(false)
        };
        // An authority was installed for its role, so that any purpose is enough (rule C1).
        let any = *part == Part::Root && has(&ANY);
        if !any && !has(&SERVER) {
            return Err(format!("{}: purpose", part.name()));
        }
    }
    named(all[0], world, &account)?;
    for (issuer, list) in world.lists() {
        let at = ders.iter().position(|(part, _)| *part == issuer);
        let at = at.expect("its issuer is there");
        listed(&parser, &list, all[at], all[at - 1], &account)
            .map_err(|why| format!("list of the {}: {why}", issuer.name()))?;
    }
    Ok(())
}

fn named(leaf: &Certificate<'_>, world: &Signed, account: &Memory) -> Judged {
    let names = leaf.tbs().extensions().subject_alt_name(account);
    let names = names.map_err(|error| format!("leaf: {error:?}"))?;
    let names = names.ok_or("no alternative names")?;
    let address: std::net::Ipv4Addr = ADDRESS.parse().expect("an address");
    let (_, zone) = HOST.split_once('.').expect("labels");
    let fits = names.iter().any(|name| match name {
        GeneralName::Dns(text) if !world.by_address => {
            let wild = text.strip_prefix("*.");
            text.eq_ignore_ascii_case(HOST)
                || wild.is_some_and(|rest| rest.eq_ignore_ascii_case(zone))
        }
        GeneralName::IpAddress(bytes) if world.by_address => *bytes == address.octets(),
        _ => false,
    });
    fits.then_some(()).ok_or_else(|| "another name".to_owned())
}

fn listed<'a>(
    parser: &'a Parser,
    list: &'a [u8],
    issuer: &'a Certificate<'a>,
    target: &'a Certificate<'a>,
    account: &Memory,
) -> Judged {
    let shown = |error: structured_pkix::Error| format!("{error:?}");
    let list = CertificateList::read(parser, list, 0).map_err(shown)?;
    let key = WorkingKey::standing(issuer.tbs().public_key());
    let done = list.authenticate(issuer, key, &Ring, account);
    let authenticated = match done.map_err(|error| format!("{error:?}"))? {
        Authentication::Authenticated(list) => list,
        other => return Err(format!("{other:?}")),
    };
    let now = i64::try_from(NOW).expect("a time");
    // The library has a tolerance of five minutes (rule M3).
    if list.tbs().this_update().seconds() > now + 300 {
        return Err("not yet".to_owned());
    }
    let next = list.tbs().next_update();
    if next.is_none_or(|next| next.seconds() < now) {
        return Err("expired".to_owned());
    }
    match authenticated.scope(target, account).map_err(shown)? {
        ScopeOutcome::Applicable(reasons) if reasons.is_complete() => {}
        other => return Err(format!("{other:?}")),
    }
    match authenticated.entry(target, account).map_err(shown)? {
        EntryLookup::Absent => Ok(()),
        EntryLookup::Found(_) => Err("revoked".to_owned()),
        EntryLookup::Conflict { .. } => Err("revoked twice".to_owned()),
        EntryLookup::Unsupported { kind, .. } => Err(format!("critical {kind:?}")),
    }
}
