//! Compares three readers of one certificate: the library, x509-parser and the path builder. Where a verdict rests on
//! more than one of them, they must read the same.

use core::time::Duration;
use std::sync::{Arc, LazyLock};

use mutual_trust::certificate::{KeyKind, SanName};
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, EntryOptions, HostName, Policy, ReasonCode, Role,
    ServerId, TrustSnapshot, TrustStore, decide,
};
use pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_parser::asn1_rs::{Class, Header, Oid, Tag};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::DIFFERENTIAL_BYTES;
use crate::make::{self, Der, Name, Spec, Usage, Write, tlv};

/// 2027-01-01.
const NOW: u64 = 1_798_761_600;
const YEAR: i64 = 365 * 24 * 60 * 60;
const HOST: &str = "a.kms.example";
/// The keys of the root, of what stands below it, and of what is below that.
const ROOT: u8 = 1;
const MIDDLE: u8 = 2;
const LEAF: u8 = 3;
/// A key that no other certificate has.
const BETWEEN: u8 = 9;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn spec(subject: &'static str, key: u8, issuer: &'static str, signer: u8, ca: bool) -> Spec {
    let now = i64::try_from(NOW).unwrap();
    Spec {
        issuer,
        signer,
        from: now - YEAR,
        to: now + YEAR,
        key_usage: Some(if ca { 0x06 } else { 0x80 }),
        authority_key: (key != signer).then_some(signer),
        ..Spec::new(subject, key, ca)
    }
}

/// The root, what is below it, and a leaf of either: whose parts that are to be signed are seeds.
pub(crate) fn good() -> [Spec; 4] {
    let leaf = |issuer, signer| Spec {
        names: vec![Name::Dns(HOST), Name::Ip([192, 0, 2, 1].into())],
        usage: Some(Usage {
            server: true,
            client: true,
            any: false,
        }),
        ..spec("leaf", LEAF, issuer, signer, false)
    };
    [
        spec("root", ROOT, "root", ROOT, true),
        spec("middle", MIDDLE, "root", ROOT, true),
        leaf("root", ROOT),
        leaf("middle", MIDDLE),
    ]
}

/// A view that trusts the root for any server.
static VIEW: LazyLock<TrustSnapshot> = LazyLock::new(|| {
    let mut store = store();
    let root = Certificate::from_der(&good()[0].der()).unwrap();
    let added = store.add_server(server(), [HOST.parse().unwrap()]);
    assert!(added.is_ok());
    let installed = store.install_authority(AuthorityScope::AnyServer, root, EntryOptions::new());
    assert!(installed.is_ok());
    store.snapshot()
});

fn store() -> TrustStore {
    let clock = Arc::new(CurrentTime::Known(at(NOW)));
    TrustStore::new(crate::keys()).with_clock(clock)
}

fn server() -> ServerId {
    "one".parse().unwrap()
}

/// The first byte says what the rest is: a certificate; or what is to be signed of one, which the root then signs, as
/// that of a server, of a CA above one, or (three) of the root itself.
pub fn differential(data: &[u8]) -> bool {
    let Some((mode, rest)) = data.split_first() else {
        return false;
    };
    if data.len() > DIFFERENTIAL_BYTES {
        return false;
    }
    match mode % 3 {
        _ if *mode == 3 => authority(&make::signed(rest, ROOT, false)),
        0 => read(rest),
        1 => {
            let leaf = make::signed(rest, ROOT, false);
            let accepted = chain(&leaf, &[]);
            read(&leaf);
            accepted
        }
        _ => {
            let middle = make::signed(rest, ROOT, false);
            let accepted = chain(&good()[3].der(), std::slice::from_ref(&middle));
            read(&middle);
            accepted
        }
    }
}

/// The path builder accepts the whole path of an accepted peer too, with its own algorithms. It reads each certificate
/// of the path as the library does.
fn chain(leaf: &[u8], others: &[Vec<u8>]) -> bool {
    let leaf = CertificateDer::from(leaf);
    let others: Vec<CertificateDer<'_>> = others
        .iter()
        .map(|other| CertificateDer::from(other.as_slice()))
        .collect();
    let id = server();
    let clock = CurrentTime::Known(at(NOW));
    let question = VerifyRequest::server(ExpectedServer::id(&id, None), &leaf, &others, clock);
    let verdict = decide(&VIEW, &Policy::new(crate::keys()), &question);
    let root = CertificateDer::from(good()[0].der());
    let mut anchor = webpki::anchor_from_trusted_cert(&root).expect("it is good");
    // Names of authorities are compared by RFC 5280 section 7.1, and the path builder compares bytes: it is asked with
    // the name as the certificate below the authority writes it.
    let path = verdict.is_accepted().then(|| verdict.path().to_vec());
    let below = path.as_ref().and_then(|path| path.get(path.len() - 2));
    let written = below.map(|below| below.issuer_der().to_vec());
    let own = good()[0].clone();
    if let Some(written) = written.filter(|written| *written != make::name(own.subject)) {
        assert_eq!(
            letters(&written),
            letters(&make::name(own.subject)),
            "another name"
        );
        let (_, content) = header(&written);
        anchor.subject = content.to_vec().into();
    }
    let theirs = EndEntityCert::try_from(&leaf).and_then(|leaf| {
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = provider.signature_verification_algorithms.all;
        let usage = KeyUsage::server_auth();
        let anchors = std::slice::from_ref(&anchor);
        leaf.verify_for_usage(algorithms, anchors, &others, at(NOW), usage, None, None)?;
        let name = HOST.parse::<HostName>().unwrap().to_server_name().unwrap();
        leaf.verify_is_valid_for_subject_name(&name)
    });
    if verdict.is_accepted() {
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
        assert!(theirs.is_ok(), "{theirs:?}: {verdict}");
        for one in std::iter::once(&leaf).chain(&others) {
            assert!(read(one), "it was accepted and is not read by both");
        }
    }
    verdict.is_accepted()
}

/// A changed root, as an authority above a good leaf: what it lets through, the path builder lets through as well, and
/// the general reader finds nothing in it that forbids it.
fn authority(root: &[u8]) -> bool {
    read(root);
    let Ok(ours) = Certificate::from_der(root) else {
        return false;
    };
    let mut store = store();
    let added = store.add_server(server(), [HOST.parse().unwrap()]);
    assert!(added.is_ok());
    let (scope, options) = (AuthorityScope::AnyServer, EntryOptions::new());
    if store
        .install_authority(scope, ours.clone(), options)
        .is_err()
    {
        return false;
    }
    let Some(leaf) = below(&good()[2], ours.subject_der()) else {
        return false;
    };
    let leaf = CertificateDer::from(leaf);
    let id = server();
    let clock = CurrentTime::Known(at(NOW));
    let question = VerifyRequest::server(ExpectedServer::id(&id, None), &leaf, &[], clock);
    let verdict = decide(&store.snapshot(), &Policy::new(crate::keys()), &question);
    if !verdict.is_accepted() {
        return false;
    }
    let root = CertificateDer::from(root);
    let anchor = webpki::anchor_from_trusted_cert(&root).expect("it is an authority");
    let leaf = EndEntityCert::try_from(&leaf).expect("it is good");
    let provider = rustls::crypto::ring::default_provider();
    let algorithms = provider.signature_verification_algorithms.all;
    let usage = KeyUsage::server_auth();
    let anchors = [anchor];
    let found = leaf.verify_for_usage(algorithms, &anchors, &[], at(NOW), usage, None, None);
    assert!(found.is_ok(), "{:?}: {verdict}", found.err());
    let (_, theirs) = X509Certificate::from_der(&root).expect("a general reader reads it");
    for extension in theirs.extensions() {
        let parsed = extension.parsed_extension();
        match parsed {
            ParsedExtension::BasicConstraints(basic) => assert!(basic.ca),
            ParsedExtension::KeyUsage(usage) => assert!(usage.key_cert_sign()),
            ParsedExtension::ExtendedKeyUsage(usage) => assert!(usage.any || usage.server_auth),
            ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::Unparsed => {
                assert!(!extension.critical, "{:?} is critical", extension.oid);
            }
            _ => {}
        }
    }
    true
}

/// Whether both read it, then with the same content. Both read each certificate that may be installed as a CA.
fn read(der: &[u8]) -> bool {
    let Ok(ours) = Certificate::from_der(der) else {
        return false;
    };
    general(&ours);
    let der = CertificateDer::from(der);
    let mut store = store();
    let authority =
        store.install_authority(AuthorityScope::AnyServer, ours.clone(), EntryOptions::new());
    let anchor = webpki::anchor_from_trusted_cert(&der);
    assert!(
        authority.is_err() || anchor.is_ok(),
        "an authority: {anchor:?}"
    );
    if let (Ok(_), Ok(anchor)) = (&authority, &anchor) {
        let subject = tlv(0x30, &anchor.subject);
        assert_eq!(subject, ours.subject_der(), "the subject of an authority");
        let key = tlv(0x30, &anchor.subject_public_key_info);
        assert_eq!(
            key,
            ours.subject_public_key_info(),
            "the key of an authority"
        );
    }
    let installed = store.install_intermediate(ours.clone(), EntryOptions::new());
    let theirs = EndEntityCert::try_from(&der);
    assert!(installed.is_err() || theirs.is_ok(), "an intermediate");
    let Ok(theirs) = theirs else { return false };

    assert_eq!(tlv(0x30, theirs.subject()), ours.subject_der());
    assert_eq!(tlv(0x30, theirs.issuer()), ours.issuer_der());
    assert_eq!(theirs.serial(), ours.serial());
    let key = theirs.subject_public_key_info();
    assert_eq!(key.as_ref(), ours.subject_public_key_info());
    same_period(&ours, &theirs);
    same_names(&ours, &theirs);
    if authority.is_ok() {
        same_issuer(&ours);
    }
    true
}

/// A general reader reads each certificate that the library reads, with the same content.
pub(crate) fn general(ours: &Certificate) {
    let (rest, theirs) = X509Certificate::from_der(ours.der()).expect("a general reader reads it");
    assert!(rest.is_empty());
    assert_eq!(u32::from(ours.version()), theirs.version().0 + 1);
    assert_eq!(ours.serial(), theirs.raw_serial());
    assert_eq!(ours.issuer_der(), theirs.issuer().as_raw());
    assert_eq!(ours.subject_der(), theirs.subject().as_raw());
    assert_eq!(ours.subject_public_key_info(), theirs.public_key().raw);
    let validity = ours.validity();
    assert_eq!(
        validity.not_before().seconds(),
        theirs.validity().not_before.timestamp()
    );
    assert_eq!(
        validity.not_after().seconds(),
        theirs.validity().not_after.timestamp()
    );
    let algorithm = theirs.signature_algorithm.algorithm.to_id_string();
    assert_eq!(ours.signature_algorithm(), algorithm);
    // X.690 section 8.19.2: two identifiers of one meaning would be one text and other bytes.
    let ids = theirs.extensions().iter().map(|extension| &extension.oid);
    for id in ids.chain([&theirs.signature_algorithm.algorithm]) {
        let bytes = id.as_bytes();
        let starts = bytes.split_inclusive(|byte| *byte < 0x80);
        let minimal = starts.clone().all(|part| part.first() != Some(&0x80));
        let whole = bytes.last().is_some_and(|byte| *byte < 0x80);
        assert!(minimal && whole, "the identifier {bytes:02x?}");
    }
    let key = &theirs.public_key().algorithm;
    // It takes a value of any kind for an identifier.
    let is_oid = |header: &Header<'_>| {
        let universal = header.class() == Class::Universal && !header.is_constructed();
        universal && header.tag() == Tag::Oid
    };
    let curve = key
        .parameters
        .as_ref()
        .filter(|curve| is_oid(&curve.header));
    let curve = curve.and_then(|curve| curve.as_oid().ok());
    // By their bytes: one identifier may be padded to look like another in text.
    let is = |oid: &Oid<'_>, known: &[u64]| *oid == Oid::from(known).expect("it is one");
    let is_curve = |known: &[u64]| curve.as_ref().is_some_and(|curve| is(curve, known));
    let curves: [(&[u64], &str); 3] = [
        (&[1, 2, 840, 10_045, 3, 1, 7], "ECDSA P-256"),
        (&[1, 3, 132, 0, 34], "ECDSA P-384"),
        (&[1, 3, 132, 0, 35], "ECDSA P-521"),
    ];
    let kind = if is(&key.algorithm, &[1, 2, 840, 113_549, 1, 1, 1]) {
        match theirs.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => {
                let digits = key.modulus.iter().map(|byte| format!("{byte:08b}"));
                let digits: String = digits.collect();
                format!("RSA {}", digits.trim_start_matches('0').len())
            }
            other => panic!("an RSA key is none: {other:?}"),
        }
    } else if is(&key.algorithm, &[1, 3, 101, 112]) {
        "Ed25519".to_owned()
    } else {
        let on_curve = is(&key.algorithm, &[1, 2, 840, 10_045, 2, 1]);
        let mut curves = curves
            .iter()
            .filter(|(known, _)| on_curve && is_curve(known));
        // Others have a name, which decides nothing, or none.
        let judged = |kind: &KeyKind| {
            !matches!(kind, KeyKind::Named(_) | KeyKind::Other)
                && !kind.to_string().starts_with("ML-DSA")
        };
        let other = ours.key_kind();
        match curves.next() {
            Some((_, name)) => (*name).to_owned(),
            None if judged(&other) => panic!("{other} is of another kind"),
            None => other.to_string(),
        }
    };
    assert_eq!(ours.key_kind().to_string(), kind);
    extensions(ours, &theirs);
}

fn extensions(ours: &Certificate, theirs: &X509Certificate<'_>) {
    let constraints = theirs.basic_constraints().expect("it is there once");
    let constraints = constraints.map(|found| (found.value.ca, found.value.path_len_constraint));
    let own = ours.basic_constraints().map(|own| (own.ca, own.path_len));
    assert_eq!(own, constraints);
    let own = ours
        .key_usage()
        .map(|own| [own.digital_signature(), own.key_cert_sign(), own.crl_sign()]);
    // x509-parser may not read the DER form of one without any bits (X.690 section 11.2.2), which we read.
    let usage = match theirs.key_usage() {
        Err(_) if own == Some([false; 3]) => None,
        usage => Some(usage.expect("it is there once")),
    };
    if let Some(usage) = usage {
        let usage = usage.map(|usage| {
            let usage = usage.value;
            [
                usage.digital_signature(),
                usage.key_cert_sign(),
                usage.crl_sign(),
            ]
        });
        assert_eq!(own, usage);
    }
    let usage = theirs.extended_key_usage().expect("it is there once");
    let own = ours.extended_key_usage();
    let own = own.map(|own| [own.any, own.server_auth, own.client_auth]);
    let usage = usage.map(|usage| {
        [
            usage.value.any,
            usage.value.server_auth,
            usage.value.client_auth,
        ]
    });
    assert_eq!(own, usage);
    let (mut own_key, mut issuer_key) = (None, None);
    for extension in theirs.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own_key = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                issuer_key = id.key_identifier.as_ref().map(|id| id.0);
            }
            _ => {}
        }
    }
    assert_eq!(ours.subject_key_id(), own_key);
    assert_eq!(ours.authority_key_id(), issuer_key);
}

/// What the path builder says of an end entity by itself, before it looks for an issuer.
fn alone(theirs: &EndEntityCert<'_>, time: u64, role: Role) -> Error {
    let usage = match role {
        Role::Client => KeyUsage::client_auth(),
        _ => KeyUsage::server_auth(),
    };
    let found = theirs.verify_for_usage(&[], &[], &[], at(time), usage, None, None);
    found.err().expect("there are no anchors")
}

/// The period, and what else is said of an end entity within it: whether it is a CA, and its role.
fn same_period(ours: &Certificate, theirs: &EndEntityCert<'_>) {
    let validity = ours.validity();
    let (from, to) = (
        validity.not_before().seconds(),
        validity.not_after().seconds(),
    );
    let seconds = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let outside = [from.checked_sub(1), to.checked_add(1)];
    let inside = [Some(from), Some(to)];
    for (time, is_inside) in [(outside, false), (inside, true)]
        .into_iter()
        .flat_map(|(times, is_inside)| times.map(|time| (time, is_inside)))
    {
        let Some(time) = time.and_then(|time| u64::try_from(time).ok()) else {
            continue;
        };
        match alone(theirs, time, Role::Server) {
            Error::CertNotValidYet { not_before, .. } => {
                assert!(!is_inside, "not yet valid at {time}, in {from} to {to}");
                assert_eq!(seconds(not_before), from);
            }
            Error::CertExpired { not_after, .. } => {
                assert!(!is_inside, "expired at {time}, in {from} to {to}");
                assert_eq!(seconds(not_after), to);
            }
            // A time that the path builder does not read: it never accepts the certificate.
            Error::BadDer
            | Error::BadDerTime
            | Error::InvalidCertValidity
            | Error::CertDistrusted => {}
            other => {
                assert!(
                    is_inside,
                    "valid at {time}, outside of {from} to {to}: {other:?}"
                );
                facts(ours, &other, Role::Server);
                facts(ours, &alone(theirs, time, Role::Client), Role::Client);
            }
        }
    }
}

fn facts(ours: &Certificate, error: &Error, role: Role) {
    match error {
        Error::CaUsedAsEndEntity => assert!(ours.is_ca(), "only the path builder sees a CA"),
        Error::RequiredEkuNotFoundContext(_) => {
            let usage = ours.extended_key_usage();
            let named = usage.is_none_or(|usage| match role {
                Role::Client => usage.client_auth,
                _ => usage.server_auth,
            });
            assert!(!named, "only the library sees a usage that allows {role:?}");
        }
        // Only an issuer is missing.
        Error::UnknownIssuer => {
            assert!(!ours.is_ca(), "only the library sees a CA");
            let usage = ours.extended_key_usage();
            assert!(
                usage.is_none_or(|usage| usage.allows(role)),
                "only the path builder sees a usage that allows {role:?}"
            );
        }
        _ => {}
    }
}

/// The library covers each name that the path builder matches.
fn same_names(ours: &Certificate, theirs: &EndEntityCert<'_>) {
    let mut hosts: Vec<HostName> = Vec::new();
    for name in ours.names().take(16) {
        match name {
            SanName::Dns(text) => {
                let concrete = text.replacen('*', "w", 1);
                hosts.extend(
                    [&concrete, text, &format!("x.{concrete}")]
                        .map(|text| text.parse())
                        .into_iter()
                        .flatten(),
                );
            }
            SanName::Ip(address) => hosts.push(address.into()),
            _ => {}
        }
    }
    for name in theirs.valid_dns_names().take(16) {
        hosts.extend(name.replacen('*', "w", 1).parse::<HostName>());
    }
    hosts.extend([HOST, "192.0.2.1", "::1"].map(|text| text.parse().unwrap()));
    for host in hosts {
        let name = host.to_server_name().expect("a host is a name");
        if theirs.verify_is_valid_for_subject_name(&name).is_ok() {
            assert!(ours.covers(&host), "only the path builder sees {host}");
        }
    }
}

/// An authority above a leaf, and above another CA: whether it is a CA and its path length, as the path builder sees
/// them in an intermediate.
fn same_issuer(ours: &Certificate) {
    let validity = ours.validity();
    let Ok(time) = u64::try_from(validity.not_before().seconds().max(0)) else {
        return;
    };
    if i64::try_from(time).is_ok_and(|time| time > validity.not_after().seconds()) {
        return;
    }
    let length = ours.basic_constraints().and_then(|found| found.path_len);
    let always = Spec {
        from: 0,
        to: 2_500_000_000,
        ..good()[2].clone()
    };
    let Some(leaf) = below(&always, ours.subject_der()) else {
        return;
    };
    let middle = Spec {
        subject: "between",
        key: BETWEEN,
        ca: Some((true, None)),
        usage: None,
        ..always.clone()
    };
    let Some(middle) = below(&middle, ours.subject_der()) else {
        return;
    };
    let under = Spec {
        issuer: "between",
        signer: BETWEEN,
        ..always
    };
    let (leaf, middle) = (CertificateDer::from(leaf), CertificateDer::from(middle));
    let own = CertificateDer::from(ours.der());
    let under = CertificateDer::from(under.der());
    for (leaf, others, most) in [
        (&leaf, vec![own.clone()], None),
        (&under, vec![middle, own], Some(0)),
    ] {
        let leaf = EndEntityCert::try_from(leaf).expect("it is good");
        let found = leaf.verify_for_usage(
            &[],
            &[],
            &others,
            at(time),
            KeyUsage::server_auth(),
            None,
            None,
        );
        let error = found.err().expect("there are no anchors");
        assert!(
            error != Error::EndEntityUsedAsCa,
            "only the library sees a CA"
        );
        if error == Error::PathLenConstraintViolated {
            assert!(
                most.is_some() && length == Some(0),
                "{length:?}, {others:?}"
            );
        } else if most.is_some() && error == Error::UnknownIssuer {
            assert!(length != Some(0), "only the library sees a path length");
        }
    }
}

/// A certificate whose issuer has this name in DER.
fn below(spec: &Spec, issuer: &[u8]) -> Option<Vec<u8>> {
    (issuer.len() < 4096).then(|| spec.write_below(issuer))
}

/// The letters and digits in the text of a name with one attribute, in lower case: what is left of its spellings.
fn letters(name: &[u8]) -> String {
    let (_, set) = header(name);
    let (_, attribute) = header(set);
    let (_, parts) = header(attribute);
    let (length, _) = header(parts);
    let (_, text) = header(&parts[length..]);
    let text = String::from_utf8_lossy(text);
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How long a value is with its header, and its content.
fn header(der: &[u8]) -> (usize, &[u8]) {
    let (rest, value) = x509_parser::asn1_rs::Any::from_der(der).expect("it was read");
    (der.len() - rest.len(), value.data)
}
