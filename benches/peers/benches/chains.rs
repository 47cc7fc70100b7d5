//! Verdicts on chains: first seen, first seen below issuers that are known, and remembered; by how many certificates are
//! presented, by the kind of key, and by how many authorities are installed; beside webpki and OpenSSL.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use mutual_trust::policy::{ChainMemory, ExpectedServer, VerifyRequest};
use mutual_trust::{AuthorityScope, Certificate, EntryOptions, ReasonCode, decide};
use mutual_trust_peers::clock::{self, CpuTime};
use mutual_trust_peers::synthetic::{self, Maker};
use mutual_trust_peers::{World, is_quick};
use pki_types::CertificateDer;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SignatureAlgorithm,
};

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

/// The root, and `length` certificates below it, the end entity first.
fn chain(
    world: &World,
    algorithm: &'static SignatureAlgorithm,
    length: usize,
) -> (Vec<u8>, Vec<Vec<u8>>) {
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let ca = |number: usize| {
        let mut params = params(&format!("CA {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    };
    let (root, root_key) = (ca(0), key());
    let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
    let mut issuer = Issuer::new(root, root_key);
    let mut sent = Vec::new();
    for number in 1..length {
        let (params, key) = (ca(number), key());
        sent.push(params.signed_by(&key, &issuer).unwrap().der().to_vec());
        issuer = Issuer::new(params, key);
    }
    let mut leaf = params("leaf");
    let name = world.name.to_string().try_into().unwrap();
    leaf.subject_alt_names = vec![SanType::DnsName(name)];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    sent.push(leaf.signed_by(&key(), &issuer).unwrap().der().to_vec());
    sent.reverse();
    (root_der, sent)
}

/// One chain among so many other authorities.
fn among(
    criterion: &mut Criterion<CpuTime>,
    group: &str,
    value: &str,
    root: &[u8],
    sent: &[Vec<u8>],
    others: &[Vec<u8>],
) {
    let world = World::default();
    let mut store = world.store();
    let (before, after) = others.split_at(others.len() / 2);
    let authorities = || {
        before
            .iter()
            .map(Vec::as_slice)
            .chain([root])
            .chain(after.iter().map(Vec::as_slice))
    };
    for der in authorities() {
        let certificate = Certificate::from_der(der).unwrap();
        store
            .install_authority(AuthorityScope::AnyServer, certificate, EntryOptions::new())
            .unwrap();
    }
    let presented: Vec<_> = sent
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let (leaf, rest) = presented.split_first().unwrap();
    let target = ExpectedServer::id(&world.id, Some(&world.name));
    let question = VerifyRequest::server(target, leaf, rest, world.clock);
    let mut group = criterion.benchmark_group(group);
    group.bench_function(BenchmarkId::new("first", value), |bencher| {
        let spare = Certificate::from_der(root).unwrap();
        bencher.iter_batched(
            || synthetic::forgetful(&mut store, &spare),
            |view| {
                let verdict = decide(&view, &world.policy, &question);
                assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
                drop(black_box(verdict));
                view
            },
            BatchSize::SmallInput,
        );
    });
    let view = store.snapshot();
    // No verdict remembers an end entity: it is as new to the second as to the first, which verifies the issuers.
    group.bench_function(BenchmarkId::new("known", value), |bencher| {
        bencher.iter(|| {
            let verdict = decide(&view, &world.policy, &question);
            assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
            drop(black_box(verdict));
        });
    });
    let memory = ChainMemory::new(world.policy.with_remembered_chains(1_000).unwrap());
    group.bench_function(BenchmarkId::new("remembered", value), |bencher| {
        bencher.iter(|| {
            let verdict = memory.decide(&view, &question).unwrap();
            assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
            drop(black_box(verdict));
        });
    });
    let roots: Vec<_> = authorities().map(CertificateDer::from).collect();
    let anchors: Vec<_> = roots
        .iter()
        .map(|der| webpki::anchor_from_trusted_cert(der).unwrap())
        .collect();
    group.bench_function(BenchmarkId::new("webpki", value), |bencher| {
        bencher.iter(|| world.webpki(&anchors, leaf, rest).unwrap());
    });
    #[cfg(feature = "openssl")]
    if others.len() < 10_000 {
        // More take minutes to be put into its store.
        use mutual_trust_peers::openssl;
        let store = openssl::store(authorities());
        group.bench_function(BenchmarkId::new("openssl", value), |bencher| {
            bencher.iter(|| assert!(openssl::verify(&store, &openssl::parse(sent))));
        });
    }
    group.finish();
}

fn by_length(criterion: &mut Criterion<CpuTime>) {
    let world = World::default();
    for (kind, algorithm) in [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("RSA-2048", &rcgen::PKCS_RSA_SHA256),
    ] {
        for length in 1..=4 {
            let (root, sent) = chain(&world, algorithm, length);
            let group = format!("chain-{kind}");
            among(criterion, &group, &length.to_string(), &root, &sent, &[]);
        }
    }
}

fn by_authorities(criterion: &mut Criterion<CpuTime>) {
    let world = World::default();
    let maker = Maker::new();
    let (root, sent) = chain(&world, &rcgen::PKCS_ECDSA_P256_SHA256, 2);
    let sizes: &[u32] = if is_quick() {
        &[1, 1_000]
    } else {
        &[1, 1_000, 10_000, 100_000]
    };
    for &size in sizes {
        let others: Vec<_> = (1..size).map(|number| maker.authority(number)).collect();
        among(
            criterion,
            "authorities",
            &size.to_string(),
            &root,
            &sent,
            &others,
        );
    }
}

criterion_group! {
    name = benches;
    config = clock::criterion();
    targets = by_length, by_authorities
}
criterion_main!(benches);
