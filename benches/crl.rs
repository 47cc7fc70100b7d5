//! What a revocation list of a million certificates takes: time to read it, to install it (its signature is
//! verified) and to look a certificate up; memory beyond its DER. Ends with an error if a promised bound is broken.
//!
//! ```sh
//! cargo bench --bench crl
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on has failed"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use mutual_trust::certificate::{Certificate, Crl};
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, TrustStore, tls};
use pki_types::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SigningKey,
};

/// What the list takes beyond its DER for each entry, and in all besides.
const BYTES_AN_ENTRY: u64 = 4;
const BYTES_BESIDES: u64 = 1024;

/// How the serial numbers look, and whether each entry has a reason.
#[derive(Clone, Copy)]
enum Kind {
    Counted,
    Random16,
    Random20WithReason,
}

impl Kind {
    const fn title(self) -> &'static str {
        match self {
            Self::Counted => "3-byte serial numbers in order",
            Self::Random16 => "16-byte serial numbers in no order",
            Self::Random20WithReason => "20-byte serial numbers in no order, reasons",
        }
    }

    fn serial(self, number: u64) -> Vec<u8> {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let random = |length: usize| {
            let mut serial = vec![0x11];
            serial.extend(mixed);
            serial.resize(length, 0x22);
            serial
        };
        match self {
            Self::Counted => (0x10_0000 + number).to_be_bytes()[5..].to_vec(),
            Self::Random16 => random(16),
            Self::Random20WithReason => random(20),
        }
    }

    fn entry(self, number: u64) -> Vec<u8> {
        let mut entry = wrap(0x02, &self.serial(number));
        entry.extend(wrap(0x17, b"260101000000Z"));
        if matches!(self, Self::Random20WithReason) {
            let mut reason = wrap(0x06, &[0x55, 0x1d, 21]);
            reason.extend(wrap(0x04, &wrap(0x0a, &[1])));
            entry.extend(wrap(0x30, &wrap(0x30, &reason)));
        }
        wrap(0x30, &entry)
    }
}

/// A DER value with its shortest length.
fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32;
    let digits: Vec<u8> = length
        .to_be_bytes()
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        out.push(0x80 | digits.len() as u8);
        out.extend(digits);
    }
    out.extend(content);
    out
}

struct Ca {
    certificate: Certificate,
    key: KeyPair,
}

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Ca {
        certificate: Certificate::from_der(certificate.der()).unwrap(),
        key,
    }
}

impl Ca {
    fn list(&self, kind: Kind, count: u64) -> Vec<u8> {
        let algorithm = wrap(
            0x30,
            &wrap(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
        );
        let mut number = wrap(0x06, &[0x55, 0x1d, 20]);
        number.extend(wrap(0x04, &wrap(0x02, &[1])));
        let entries: Vec<u8> = (0..count).flat_map(|number| kind.entry(number)).collect();
        let mut tbs = wrap(0x02, &[1]);
        tbs.extend(&algorithm);
        tbs.extend(self.certificate.subject_der());
        tbs.extend(wrap(0x17, b"261230000000Z"));
        tbs.extend(wrap(0x17, b"270106000000Z"));
        tbs.extend(wrap(0x30, &entries));
        tbs.extend(wrap(0xa0, &wrap(0x30, &wrap(0x30, &number))));
        let tbs = wrap(0x30, &tbs);
        let mut signature = vec![0];
        signature.extend(self.key.sign(&tbs).unwrap());
        let signature = wrap(0x03, &signature);
        wrap(0x30, &[tbs, algorithm, signature].concat())
    }
}

/// The best of five.
fn best(mut run: impl FnMut()) -> Duration {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..5).map(|_| once(&mut run)).min().unwrap()
}

fn nanoseconds(time: Duration, runs: u64) -> f64 {
    time.as_nanos() as f64 / runs as f64
}

fn main() {
    // `cargo test --benches` only shows that it runs.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let count: u64 = if whole { 1_000_000 } else { 1_000 };
    let ca = ca();
    let provider = tls::provider::aws_lc_rs();
    let now = CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(
        1_798_761_600,
    )));
    let mut broken = 0;
    println!(
        "| entries | DER bytes | read ms | install ms | bytes an entry beyond the DER | peak bytes an entry beyond the DER | found ns | not found ns | within |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for kind in [Kind::Counted, Kind::Random16, Kind::Random20WithReason] {
        let der = ca.list(kind, count);
        let mut read = None;
        let taken = measure(|| read = Some(Crl::from_der(&der).unwrap()));
        let list = read.unwrap();
        assert_eq!(list.revoked_count() as u64, count);
        let beyond = taken.bytes_current.unsigned_abs() - der.len() as u64;
        let peak = taken.bytes_max - der.len() as u64;
        let reading = best(|| drop(black_box(Crl::from_der(&der).unwrap())));
        let keys = tls::key_policy(&provider);
        let installing = best(|| {
            let mut store = TrustStore::new(keys).with_clock(Arc::new(now));
            let scope = AuthorityScope::AnyServer;
            let options = EntryOptions::new();
            store
                .install_authority(scope, ca.certificate.clone(), options)
                .unwrap();
            store.install_crl(list.clone()).unwrap();
            black_box(store);
        });
        let some = |from: u64| -> Vec<Vec<u8>> {
            let numbers = (0..10_000_u64).map(|index| index.wrapping_mul(7919) % count);
            numbers.map(|number| kind.serial(from + number)).collect()
        };
        let (inside, outside) = (some(0), some(count));
        let ask = |serials: &[Vec<u8>], wanted: bool| {
            let time = best(|| {
                for serial in serials {
                    assert_eq!(black_box(list.revoked(serial)).is_some(), wanted);
                }
            });
            nanoseconds(time, serials.len() as u64)
        };
        let (found, missed) = (ask(&inside, true), ask(&outside, false));
        let within = beyond <= BYTES_AN_ENTRY * count + BYTES_BESIDES;
        broken += u32::from(!within);
        println!(
            "| {count} with {} | {} | {:.0} | {:.0} | {:.2} | {:.1} | {found:.0} | {missed:.0} | {} |",
            kind.title(),
            der.len(),
            reading.as_secs_f64() * 1e3,
            installing.as_secs_f64() * 1e3,
            beyond as f64 / count as f64,
            peak as f64 / count as f64,
            if within { "yes" } else { "NO" }
        );
    }
    if broken > 0 {
        eprintln!("{broken} lists take more than the bound");
        std::process::exit(1);
    }
}
