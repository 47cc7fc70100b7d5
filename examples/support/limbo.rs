//! The public conformance suite of X.509 path validation, x509-limbo, as it is judged by this crate.
//!
//! A case becomes a trust store, a policy and a question; nothing looks at the name of a case.
//!
//! Beyond the format of x509-limbo a case may have: `installed_intermediates`, which are installed and not sent (lists
//! of the CAs below an authority are verified under them); `pins`, certificates that are installed as the peer's own;
//! `trusted_for_other_role`, authorities that are installed for clients where a server is asked about, and the other
//! way round; `blocked`, certificates that are blocked; and `any_name`, for a server that is dialled by a name which
//! its certificate has, or, if it has none, asked about as a client whose path allows servers too. The kind ANY asks
//! about a server and about a client: one of them is enough. A case with `profile` is judged in that profile alone.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mutual_trust::certificate::{Crl, SanName};
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::Report;
use mutual_trust::{
    AuthorityScope, Certificate, ChainProfile, CurrentTime, EntryOptions, HostName, KeyPolicy,
    PinScope, Policy, ReasonCode, ServerId, TrustStore, Verdict, decide,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use serde_json::Value;

use super::Outcome;

/// What must come of a case, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The peer is accepted.
    Success,
    /// The peer is refused.
    Failure,
    /// The case cannot be expressed.
    Skipped,
}

impl std::fmt::Display for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Skipped => "SKIPPED",
        })
    }
}

/// One case of the suite.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) expected: Came,
    pub(crate) server: bool,
    pub(crate) trusted: Vec<String>,
    pub(crate) intermediates: Vec<String>,
    pub(crate) peer: String,
    pub(crate) time: Option<String>,
    pub(crate) names: Vec<(String, String)>,
    max_depth: Option<u64>,
    crls: Vec<String>,
    installed: Vec<String>,
    pins: Vec<String>,
    for_other_role: Vec<String>,
    blocked: Vec<String>,
    /// The peer may be a client as well.
    either: bool,
    profile: Option<ChainProfile>,
    any_name: bool,
    /// The peer's key must be for signatures.
    signs: bool,
    odd_demand: Option<String>,
}

/// How cases are judged.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) keys: KeyPolicy,
    pub(crate) profile: ChainProfile,
    /// A trusted certificate that is the peer's own is installed as a pin.
    pub(crate) pin: bool,
    /// The time of cases that say none.
    pub(crate) now: UnixTime,
}

/// What came of a case.
pub(crate) struct Judged {
    pub(crate) got: Came,
    /// The reason code, or why the case cannot be expressed.
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) took: Duration,
}

/// Reads a file in the suite's format, plain or compressed with gzip.
pub(crate) fn read(path: &Path) -> Outcome<Vec<Case>> {
    let mut bytes = Vec::new();
    let _: usize = File::open(path)?.read_to_end(&mut bytes)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let _: usize = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
        bytes = plain;
    }
    let suite: Value = serde_json::from_slice(&bytes)?;
    let cases = suite.get("testcases").and_then(Value::as_array);
    let cases = cases.ok_or("no list `testcases` in the file")?;
    cases.iter().map(case).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn texts(value: &Value, field: &str) -> Vec<String> {
    let list = value.get(field).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn case(value: &Value) -> Outcome<Case> {
    let need = |field: &str| {
        let found = text(value, field).ok_or_else(|| format!("a case has no `{field}`"));
        found.map(str::to_owned)
    };
    let id = need("id")?;
    let kind = need("validation_kind")?;
    let server = kind != "CLIENT";
    let peer_name = value.get("expected_peer_name");
    let more = value.get("expected_peer_names").and_then(Value::as_array);
    let names = peer_name.into_iter().chain(more.into_iter().flatten());
    let names = names.filter_map(|name| {
        let name = (
            text(name, "kind")?.to_owned(),
            text(name, "value")?.to_owned(),
        );
        Some(name)
    });
    let usual = if server { "serverAuth" } else { "clientAuth" };
    let mut odd = texts(value, "extended_key_usage");
    odd.retain(|usage| usage != usual);
    let mut usages = texts(value, "key_usage");
    usages.retain(|usage| usage != "digitalSignature");
    odd.append(&mut usages);
    odd.extend(texts(value, "signature_algorithms"));
    let signs = texts(value, "key_usage")
        .iter()
        .any(|usage| usage == "digitalSignature");
    Ok(Case {
        expected: match need("expected_result")?.as_str() {
            "SUCCESS" => Came::Success,
            "FAILURE" => Came::Failure,
            other => return Err(format!("{id}: expected_result {other}").into()),
        },
        server,
        trusted: texts(value, "trusted_certs"),
        intermediates: texts(value, "untrusted_intermediates"),
        peer: need("peer_certificate")?,
        time: text(value, "validation_time").map(str::to_owned),
        names: names.collect(),
        max_depth: value.get("max_chain_depth").and_then(Value::as_u64),
        crls: texts(value, "crls"),
        installed: texts(value, "installed_intermediates"),
        pins: texts(value, "pins"),
        for_other_role: texts(value, "trusted_for_other_role"),
        blocked: texts(value, "blocked"),
        either: kind == "ANY",
        profile: text(value, "profile").map(|name| match name {
            "strict" => ChainProfile::Strict,
            _ => ChainProfile::Compatible,
        }),
        any_name: value.get("any_name").and_then(Value::as_bool) == Some(true),
        signs,
        odd_demand: (!odd.is_empty()).then(|| odd.join(" ")),
        id,
    })
}

/// Why a case was not put to the verdict.
enum NotAsked {
    Skipped(String),
    Refused(&'static str, String),
}

/// Judges one case.
pub(crate) fn judge(case: &Case, settings: &Settings) -> Judged {
    let leaf = der(&case.peer).ok();
    let has_name = leaf.is_some_and(|leaf| own_name(&leaf).is_some());
    // A chain is accepted for no server without a name, and for a client.
    let server = case.server && (has_name || !case.any_name || !case.names.is_empty());
    let mut judged = judge_as(case, settings, server);
    if case.server && !server && !case.either && judged.got == Came::Success {
        let path = judged.verdict.iter().flat_map(|verdict| verdict.path());
        let mut usages = path.filter_map(Certificate::extended_key_usage);
        if usages.any(|usage| !usage.server_auth) {
            judged.got = Came::Failure;
            judged.reason = "WrongExtendedKeyUsage".to_owned();
        }
    }
    if case.either && server && judged.got != Came::Success {
        let client = judge_as(case, settings, false);
        if client.got == Came::Success {
            return client;
        }
    }
    judged
}

fn judge_as(case: &Case, settings: &Settings, server: bool) -> Judged {
    let begin = Instant::now();
    let mut judged = match ask(case, settings, server) {
        Ok((verdict, imports)) => conclude(case, server, verdict, imports),
        Err(NotAsked::Skipped(why)) => Judged {
            got: Came::Skipped,
            reason: "Skipped".to_owned(),
            detail: why,
            verdict: None,
            took: Duration::ZERO,
        },
        Err(NotAsked::Refused(reason, why)) => Judged {
            got: Came::Failure,
            reason: reason.to_owned(),
            detail: why,
            verdict: None,
            took: Duration::ZERO,
        },
    };
    if judged.took.is_zero() {
        judged.took = begin.elapsed();
    }
    judged
}

/// DER of a PEM section, of which nothing more is asked: what is in it is for the crate to judge.
fn der(pem: &str) -> Result<CertificateDer<'static>, NotAsked> {
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| NotAsked::Skipped(format!("no PEM section of a certificate: {error}")))
}

/// Installs the revocation lists of a case. One that is refused is not there, and adds its reason.
fn install_crls(store: &mut TrustStore, case: &Case, imports: &mut Vec<String>) {
    for text in &case.crls {
        let lists = match Crl::many_from_pem(text.as_bytes()) {
            Ok(lists) => lists,
            Err(error) => {
                imports.push(error.to_string());
                continue;
            }
        };
        let done = store.install_crls(lists);
        imports.extend(
            done.into_iter()
                .filter_map(Result::err)
                .map(|error| error.to_string()),
        );
    }
}

fn ask(case: &Case, settings: &Settings, server: bool) -> Result<(Verdict, Vec<String>), NotAsked> {
    let skip = |why: String| Err(NotAsked::Skipped(why));
    if case.profile.is_some_and(|only| only != settings.profile) {
        return skip("is about the other profile".to_owned());
    }
    if let Some(odd) = &case.odd_demand {
        return skip(format!("asks for {odd}, which no verdict does"));
    }
    let time = match &case.time {
        None => settings.now,
        Some(text) => match moment(text) {
            Some(time) => time,
            None => return skip(format!("not a time: {text}")),
        },
    };
    let clock = CurrentTime::Known(time);
    let mut store = TrustStore::new(settings.keys).with_clock(Arc::new(clock));
    let mut policy = Policy::new(settings.keys).with_chain_profile(settings.profile);
    if let Some(depth) = case.max_depth {
        // More than any path has is no demand.
        let most = usize::try_from(depth).unwrap_or(usize::MAX);
        policy = policy.with_max_intermediates(most).unwrap_or(policy);
    }
    if !case.crls.is_empty() {
        // A case that has lists is about them.
        policy = policy.with_crl_required();
    }
    let id: ServerId = match "server".parse() {
        Ok(id) => id,
        Err(error) => return skip(format!("{error}")),
    };
    let names: Vec<HostName> = if server {
        let mut names = Vec::new();
        for (_, name) in &case.names {
            match name.parse() {
                Ok(name) => names.push(name),
                // What cannot be dialled is accepted under no name.
                Err(error) => return Err(NotAsked::Refused("HostName", format!("{error}"))),
            }
        }
        names
    } else {
        Vec::new()
    };
    let leaf = der(&case.peer)?;
    let names = if case.any_name && names.is_empty() {
        own_name(&leaf).into_iter().collect()
    } else {
        names
    };
    if let Err(error) = store.add_server(id.clone(), names.clone()) {
        return skip(format!("{error}"));
    }
    let mut imports = Vec::new();
    let own = |pems: &'_ [String], is_pin, server| -> Vec<_> {
        let each = pems.iter();
        each.map(|pem| (pem.clone(), is_pin, server)).collect()
    };
    for (pem, is_pin, server) in [
        own(&case.trusted, false, server),
        own(&case.pins, true, server),
        own(&case.for_other_role, false, !server),
    ]
    .concat()
    {
        let trusted = der(&pem)?;
        let as_pin = is_pin || settings.pin && trusted == leaf;
        let certificate = match Certificate::from_der(&trusted) {
            Ok(certificate) => certificate,
            Err(error) => {
                imports.push(error.to_string());
                continue;
            }
        };
        let options = EntryOptions::new();
        let done = match (server, as_pin) {
            (true, true) => store.install_pin(PinScope::Server(id.clone()), certificate, options),
            (false, true) => store.install_pin(PinScope::Clients, certificate, options),
            (true, false) => {
                store.install_authority(AuthorityScope::AnyServer, certificate, options)
            }
            (false, false) => {
                store.install_authority(AuthorityScope::Clients, certificate, options)
            }
        };
        if let Err(error) = done {
            imports.push(error.to_string());
        }
    }
    for pem in &case.blocked {
        match Certificate::from_der(&der(pem)?) {
            Ok(blocked) => {
                let _: Report = store.block(&blocked);
            }
            Err(error) => imports.push(error.to_string()),
        }
    }
    for pem in &case.installed {
        let done = Certificate::from_der(&der(pem)?)
            .map_err(|error| error.to_string())
            .and_then(|certificate| {
                let done = store.install_intermediate(certificate, EntryOptions::new());
                done.map_err(|error| error.to_string())
            });
        imports.extend(done.err());
    }
    install_crls(&mut store, case, &mut imports);
    let sent = case.intermediates.iter().map(|pem| der(pem));
    let sent = sent.collect::<Result<Vec<_>, _>>()?;
    let view = store.snapshot();
    let question = if server {
        VerifyRequest::server(ExpectedServer::id(&id, names.first()), &leaf, &sent, clock)
    } else {
        VerifyRequest::client(&leaf, &sent, clock)
    };
    Ok((decide(&view, &policy, &question), imports))
}

/// A name that a certificate has, with a label for a wildcard.
fn own_name(leaf: &CertificateDer<'_>) -> Option<HostName> {
    let certificate = Certificate::from_der(leaf).ok()?;
    let mut names = certificate.names();
    names.find_map(|name| {
        if let SanName::Dns(text) = name {
            text.replacen('*', "any", 1).parse().ok()
        } else if let SanName::Ip(address) = name {
            Some(address.into())
        } else {
            None
        }
    })
}

fn conclude(case: &Case, server: bool, verdict: Verdict, imports: Vec<String>) -> Judged {
    let mut got = if verdict.is_accepted() {
        Came::Success
    } else {
        Came::Failure
    };
    let mut reason = verdict.reason().code().to_owned();
    let mut detail = verdict.detail().to_string();
    if server && case.names.is_empty() && verdict.reason() == ReasonCode::NoNameToMatch {
        got = Came::Skipped;
        detail = "names no server, and a chain is accepted for none without a name".to_owned();
    }
    // About a client, the verdict says which names its chain proves. The caller decides which clients may enter.
    if !server && let Some(peer) = verdict.peer() {
        let kind = |kind: &str| match kind {
            "RFC822" => "email".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        let mut wanted = case
            .names
            .iter()
            .map(|(k, name)| format!("{}:{name}", kind(k)));
        if let Some(missing) = wanted.find(|name| !peer.names().contains(name)) {
            got = Came::Failure;
            reason = "NameNotOffered".to_owned();
            detail = missing;
        }
    }
    if case.signs && verdict.is_accepted() {
        let usage = verdict.path().first().and_then(Certificate::key_usage);
        if usage.is_some_and(|usage| !usage.digital_signature()) {
            got = Came::Failure;
            reason = "NoDigitalSignature".to_owned();
        }
    }
    if got == Came::Failure && !imports.is_empty() {
        reason = "ImportRefused".to_owned();
        detail = imports.join("; ");
    }
    Judged {
        got,
        reason,
        detail,
        verdict: Some(verdict),
        took: Duration::ZERO,
    }
}

/// A moment of RFC 3339 in UTC or with an offset, without the fraction of its second.
pub(crate) fn moment(text: &str) -> Option<UnixTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let zone = text
        .get(19..)?
        .trim_start_matches(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60
        }
    };
    // Days of the proleptic Gregorian calendar, in years that start in March.
    let shifted = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let days = 365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100)
        + shifted.div_euclid(400)
        + (153 * from_march + 2) / 5
        + day
        - 1
        - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(seconds).ok()?,
    )))
}
