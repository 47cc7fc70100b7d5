//! Chains of random PKIs, some of them broken: nothing is accepted that the verifier of rustls refuses, and what is
//! refused beyond that has one of a few reasons.

use std::collections::BTreeMap;
use std::sync::Arc;

use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{
    AuthorityScope, Certificate, ChainProfile, EntryOptions, ReasonCode, TrustStore, decide,
};
use pki_types::{CertificateDer, ServerName};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

use super::support::{DAY, NOW, at, host, keys, now, policy, provider, server_id};

/// Two labels behind the first: with one, rustls takes no wildcard, and we do (rule C2).
const NAME: &str = "kms1.lab.example";
const CAS: usize = 5;
const WORLDS: u64 = 1200;

/// Numbers that look random and are the same each time (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }

    /// True once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

struct World {
    roots: Vec<Vec<u8>>,
    leaf: Vec<u8>,
    sent: Vec<Vec<u8>>,
}

fn date(seconds: u64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap()
}

fn params(name: &str, numbers: &mut Numbers) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(
        u64::try_from(numbers.below(1 << 30)).unwrap(),
    ));
    (params.not_before, params.not_after) = (date(NOW - DAY), date(NOW + DAY));
    if numbers.once_in(12) {
        (params.not_before, params.not_after) = (date(NOW - 2 * DAY), date(NOW - DAY));
    } else if numbers.once_in(20) {
        (params.not_before, params.not_after) = (date(NOW + DAY), date(NOW + 2 * DAY));
    }
    params.use_authority_key_identifier_extension = !numbers.once_in(4);
    params
}

fn ca(name: &str, numbers: &mut Numbers) -> CertificateParams {
    let mut params = params(name, numbers);
    params.is_ca = match numbers.below(12) {
        0 => IsCa::ExplicitNoCa,
        1 => IsCa::NoCa,
        2 | 3 => IsCa::Ca(BasicConstraints::Constrained(
            u8::try_from(numbers.below(2)).unwrap(),
        )),
        _ => IsCa::Ca(BasicConstraints::Unconstrained),
    };
    params.key_usages = match numbers.below(10) {
        0 => Vec::new(),
        1 => vec![KeyUsagePurpose::DigitalSignature],
        _ => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
    };
    if numbers.once_in(12) {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    } else if numbers.once_in(12) {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    if numbers.once_in(8) {
        let base = ["example", "other.example", NAME, ".example"][numbers.below(4)];
        let subtrees = vec![GeneralSubtree::DnsName(base.to_owned())];
        let excluded = numbers.once_in(3);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: if excluded {
                Vec::new()
            } else {
                subtrees.clone()
            },
            excluded_subtrees: if excluded { subtrees } else { Vec::new() },
        });
    }
    params
}

/// A PKI whose CAs have few names and few keys, so that names lead astray, cycles occur and keys are shared.
fn world(keys: &[KeyPair], numbers: &mut Numbers) -> World {
    let name = |number: usize| format!("CA {number}");
    // Usually the key of its own, sometimes one of another CA.
    let key_of = |number: usize, numbers: &mut Numbers| {
        let stray = numbers.once_in(8);
        &keys[if stray {
            numbers.below(keys.len())
        } else {
            number
        }]
    };
    let sign = |params: &CertificateParams, key: &KeyPair, issuer: usize, numbers: &mut Numbers| {
        let by = ca(&name(issuer), numbers);
        let issuer = Issuer::from_params(&by, key_of(issuer, numbers));
        let mut der = params.signed_by(key, &issuer).unwrap().der().to_vec();
        if numbers.once_in(25) {
            let place = numbers.below(der.len());
            der[place] ^= 1 << numbers.below(8);
        }
        der
    };
    let mut roots = Vec::new();
    for _ in 0..=numbers.below(2) {
        let root = numbers.below(2);
        let params = ca(&name(root), numbers);
        let issuer = if numbers.once_in(4) {
            numbers.below(CAS)
        } else {
            root
        };
        roots.push(sign(&params, &keys[root], issuer, numbers));
    }
    let mut sent = Vec::new();
    for _ in 0..numbers.below(7) {
        let subject = 1 + numbers.below(CAS - 1);
        let issuer = if numbers.once_in(4) {
            numbers.below(CAS)
        } else {
            numbers.below(subject)
        };
        let params = ca(&name(subject), numbers);
        sent.push(sign(&params, &keys[subject], issuer, numbers));
    }
    let mut leaf = params("leaf", numbers);
    let names: &[&str] = match numbers.below(8) {
        0 => &["other.example"],
        1 => &["*.lab.example", "other.example"],
        2 => &[],
        _ => &[NAME],
    };
    let names = names
        .iter()
        .map(|name| SanType::DnsName((*name).try_into().unwrap()));
    leaf.subject_alt_names = names.collect();
    if !numbers.once_in(4) {
        let client = numbers.once_in(8);
        leaf.extended_key_usages = vec![if client {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
    }
    if numbers.once_in(15) {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let issuer = numbers.below(CAS);
    let leaf = sign(&leaf, &keys[CAS], issuer, numbers);
    World { roots, leaf, sent }
}

fn rustls_accepts(world: &World, sent: &[CertificateDer<'_>]) -> bool {
    let mut roots = RootCertStore::empty();
    let all = world
        .roots
        .iter()
        .map(|der| CertificateDer::from(der.clone()));
    let _: (usize, usize) = roots.add_parsable_certificates(all);
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    let Ok(verifier) = builder.build() else {
        return false;
    };
    let leaf = CertificateDer::from(world.leaf.as_slice());
    let name = ServerName::try_from(NAME).unwrap();
    verifier
        .verify_server_cert(&leaf, sent, &name, &[], at(NOW))
        .is_ok()
}

/// Whether the key of `above` signed `below`, by the provider's algorithms alone.
fn signed(below: &X509Certificate<'_>, above: &X509Certificate<'_>) -> bool {
    let key = &above.tbs_certificate.subject_pki.subject_public_key.data;
    let signature = &below.signature_value.data;
    let message = below.tbs_certificate.as_ref();
    let provider = provider();
    let mut all = provider.signature_verification_algorithms.all.iter();
    all.any(|algorithm| {
        // Every key is P-256, and every signature by SHA-256.
        algorithm.public_key_alg_id() == pki_types::alg_id::ECDSA_P256
            && algorithm.signature_alg_id() == pki_types::alg_id::ECDSA_SHA256
            && algorithm.verify_signature(key, message, signature).is_ok()
    })
}

/// Whether a certificate may issue others for servers now, by all that RFC 5280 says of it and nothing else of a path;
/// with its limit of intermediates below it.
fn may_issue(certificate: &X509Certificate<'_>) -> Option<usize> {
    let valid = certificate.validity();
    let now = i64::try_from(NOW).unwrap();
    let in_time = (valid.not_before.timestamp()..=valid.not_after.timestamp()).contains(&now);
    let basic = certificate.basic_constraints().ok()??.value;
    let usage = certificate.key_usage().ok()?;
    let extended = certificate.extended_key_usage().ok()?;
    let fits = certificate.version() == X509Version::V3
        && in_time
        && basic.ca
        && usage.is_none_or(|usage| usage.value.key_cert_sign())
        && extended.is_none_or(|usage| usage.value.server_auth)
        && certificate.name_constraints().ok()?.is_none();
    let limit = basic
        .path_len_constraint
        .map(|limit| limit.try_into().unwrap());
    fits.then(|| limit.unwrap_or(usize::MAX))
}

/// Whether there is a path to a root in which no certificate, by itself, is one that we refuse and rustls does not.
fn has_faultless_path(world: &World) -> bool {
    // What we read: a changed bit can leave something that only rustls reads.
    let readable = |der: &&Vec<u8>| Certificate::from_der(der).is_ok();
    fn parse(der: &[u8]) -> X509Certificate<'_> {
        X509Certificate::from_der(der).unwrap().1
    }
    if Certificate::from_der(&world.leaf).is_err() {
        return false;
    }
    let roots: Vec<_> = world
        .roots
        .iter()
        .filter(readable)
        .map(|der| parse(der))
        .collect();
    let sent: Vec<_> = world
        .sent
        .iter()
        .filter(readable)
        .map(|der| parse(der))
        .collect();
    let leaf = parse(&world.leaf);
    if leaf
        .basic_constraints()
        .unwrap()
        .is_some_and(|basic| basic.value.ca)
    {
        return false;
    }
    let mut paths = vec![vec![&leaf]];
    while let Some(path) = paths.pop() {
        let last = path[path.len() - 1];
        let below = path.len() - 1;
        let issues = |above: &&X509Certificate<'_>| {
            above.subject().as_raw() == last.issuer().as_raw()
                && may_issue(above).is_some_and(|limit| below <= limit)
                && signed(last, above)
        };
        let own = |root: &&X509Certificate<'_>| {
            root.subject().as_raw() != root.issuer().as_raw() || signed(root, root)
        };
        if roots.iter().filter(issues).any(|root| own(&root)) {
            return true;
        }
        // Six intermediates are the most that we take by default.
        if below < 6 {
            let again = |next: &&X509Certificate<'_>| {
                path.iter().any(|used| {
                    used.subject().as_raw() == next.subject().as_raw()
                        && used.public_key().raw == next.public_key().raw
                })
            };
            let next = sent.iter().filter(issues).filter(|next| !again(next));
            paths.extend(next.map(|next| [path.clone(), vec![next]].concat()));
        }
    }
    false
}

fn ours(world: &World, sent: &[CertificateDer<'_>], profile: ChainProfile) -> ReasonCode {
    let mut store = TrustStore::new(keys()).with_clock(Arc::new(now()));
    let id = server_id("keys-1");
    let _: mutual_trust::store::Report = store.add_server(id.clone(), [host(NAME)]).unwrap();
    for root in &world.roots {
        if let Ok(certificate) = Certificate::from_der(root) {
            // What import refuses ends no chain.
            let _: Result<_, _> = store.install_authority(
                AuthorityScope::AnyServer,
                certificate,
                EntryOptions::new(),
            );
        }
    }
    let leaf = CertificateDer::from(world.leaf.as_slice());
    let question = VerifyRequest::server(ExpectedServer::id(&id, None), &leaf, sent, now());
    decide(
        &store.snapshot(),
        &policy().with_chain_profile(profile),
        &question,
    )
    .reason()
}

#[test]
fn rustls_accepts_every_random_chain_that_is_accepted() {
    use ReasonCode as R;
    // What rustls does not look at: how an issuer by itself is, the authority included; how certificates are encoded.
    let stricter = [
        R::NothingInstalled,
        R::UnknownIssuer,
        R::SelfSignedNotInstalled,
        R::ChainSignatureInvalid,
        R::IssuerExpired,
        R::IssuerNotYetValid,
        R::IssuerCannotSign,
        R::PathTooLong,
        R::MalformedCertificate,
        R::UnknownCriticalExtension,
        R::KeyNotAllowed,
        R::NameConstraintViolated,
    ];
    let keys: Vec<KeyPair> = (0..=CAS).map(|_| KeyPair::generate().unwrap()).collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut both, mut neither, mut faultless) = (0, 0, 0);
    let mut only_rustls: BTreeMap<ReasonCode, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for round in 0..WORLDS {
        let world = world(&keys, &mut numbers);
        let sent: Vec<_> = world
            .sent
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let plain = rustls_accepts(&world, &sent);
        // A reason of ours is one only where a certificate of each path gives it.
        let must_accept = plain && has_faultless_path(&world);
        faultless += usize::from(must_accept);
        for profile in [ChainProfile::Compatible, ChainProfile::Strict] {
            let reason = ours(&world, &sent, profile);
            match (reason.accepts(), plain) {
                (true, true) => both += 1,
                (false, false) => neither += 1,
                (true, false) => wrong.push(format!("{round} {profile:?}")),
                (false, true)
                    if profile == ChainProfile::Strict && reason == R::ProfileViolation => {}
                (false, true) if must_accept && profile == ChainProfile::Compatible => {
                    wrong.push(format!("{round} {profile:?}: a faultless path, {reason}"));
                }
                (false, true) if stricter.contains(&reason) => {
                    *only_rustls.entry(reason).or_default() += 1;
                }
                (false, true) => wrong.push(format!("{round} {profile:?}: refused as {reason}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    // Enough of each for the comparison to mean something.
    assert!(
        both > 60 && neither > 600,
        "{both} {neither} {only_rustls:?}"
    );
    assert!(!only_rustls.is_empty());
    assert!(faultless > 30, "{faultless}");
    eprintln!("accepted by both {both}, refused by both {neither}, only rustls: {only_rustls:?}");
}
