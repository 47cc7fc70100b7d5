//! What a verdict costs: allocations, and time against webpki alone. Ends with an error if a verdict on a pin
//! allocates more than its report needs.
//!
//! ```sh
//! cargo bench --bench verdict
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on has failed"
)]

mod synthetic;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use mutual_trust::certificate::Certificate;
use mutual_trust::policy::{Question, ReasonCode, Target};
use mutual_trust::{
    AuthorityScope, Clock, EntryOptions, HostName, Matching, PinScope, Policy, ServerId,
    TrustStore, View, decide, tls,
};
use pki_types::CertificateDer;
use rustls::crypto::CryptoProvider;
use synthetic::{Chain, Key, Maker};

/// Most allocations of an accepted verdict on a pin that matches by the whole certificate, asked by id under a
/// name that the certificate covers.
const MAX_ALLOCATIONS: u64 = 2;

struct Bench {
    provider: Arc<CryptoProvider>,
    id: ServerId,
    name: HostName,
    clock: Clock,
}

impl Bench {
    fn store(&self) -> TrustStore {
        let keys = tls::key_policy(&self.provider);
        let mut store = TrustStore::new(keys).with_clock(Arc::new(self.clock));
        store
            .add_server(self.id.clone(), [self.name.clone()])
            .unwrap();
        store
    }

    fn pinned(&self, certificate: &[u8], options: EntryOptions) -> View {
        let mut store = self.store();
        let certificate = Certificate::from_der(certificate).unwrap();
        let scope = PinScope::Server(self.id.clone());
        store.install_pin(scope, certificate, options).unwrap();
        store.view()
    }

    /// Asks once with counting and then often; prints a row and returns the allocations.
    fn row(
        &self,
        title: &str,
        view: &View,
        presented: &[CertificateDer<'_>],
        client: bool,
        expected: ReasonCode,
        webpki: Duration,
    ) -> u64 {
        let policy = Policy::new(tls::key_policy(&self.provider));
        let (leaf, rest) = presented.split_first().unwrap();
        let question = if client {
            Question::client(leaf, rest, self.clock)
        } else {
            let target = Target::id(&self.id, Some(&self.name));
            Question::server(target, leaf, rest, self.clock)
        };
        let verdict = decide(view, &policy, &question);
        assert_eq!(verdict.reason(), expected, "{title}: {verdict}");
        let info = measure(|| drop(black_box(decide(view, &policy, &question))));
        let time = best(|| drop(black_box(decide(view, &policy, &question))));
        println!(
            "| {title} | {expected} | {} | {} | {:.2} | {:.2} |",
            info.count_total,
            info.bytes_total,
            time.as_secs_f64() * 1e6,
            time.as_secs_f64() / webpki.as_secs_f64()
        );
        info.count_total
    }
}

/// The least mean time of a call, over batches: other work on the machine only adds to it.
fn best(mut call: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..40 {
        let begin = Instant::now();
        for _ in 0..50 {
            call();
        }
        best = best.min(begin.elapsed() / 50);
    }
    best
}

/// webpki alone on the same chain: leaf, intermediate, anchor, name.
fn webpki_time(chain: &Chain, bench: &Bench) -> Duration {
    let [leaf, intermediate, root] = [&chain.leaf, &chain.intermediate, &chain.root]
        .map(|der| CertificateDer::from(der.as_slice()));
    let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
    let intermediates = [intermediate];
    let algorithms = bench.provider.signature_verification_algorithms.all;
    let name = bench.name.to_server_name().unwrap();
    best(|| {
        let end_entity = webpki::EndEntityCert::try_from(&leaf).unwrap();
        let path = end_entity.verify_for_usage(
            algorithms,
            &anchors,
            &intermediates,
            synthetic::now(),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        );
        drop(black_box(path.unwrap()));
        end_entity.verify_is_valid_for_subject_name(&name).unwrap();
    })
}

fn main() {
    let maker = Maker::new();
    let bench = Bench {
        provider: tls::provider::aws_lc_rs(),
        id: "keys-1".parse().unwrap(),
        name: "array-000001.example".parse().unwrap(),
        clock: Clock::Known(synthetic::now()),
    };
    let chain = maker.chain(1);
    let webpki = webpki_time(&chain, &bench);
    println!(
        "webpki alone on the chain: {:.2} us\n",
        webpki.as_secs_f64() * 1e6
    );
    println!("| verdict | reason | allocations | bytes | us | times webpki |");
    println!("|---|---|---|---|---|---|");

    let leaf = maker.end_entity(1, Key::P256);
    let presented = [CertificateDer::from(leaf.as_slice())];
    let mut worst = 0;
    let plain = bench.pinned(&leaf, EntryOptions::new());
    let labelled = bench.pinned(&leaf, EntryOptions::new().label("the key server in rack 7"));
    for (title, view) in [("pin", &plain), ("pin with a label", &labelled)] {
        let count = bench.row(
            title,
            view,
            &presented,
            false,
            ReasonCode::PinMatched,
            webpki,
        );
        worst = worst.max(count);
    }

    let mut many = bench.store();
    for number in 1..=10_000 {
        let other;
        let der = if number == 1 {
            &leaf
        } else {
            other = maker.end_entity(number, Key::P256);
            &other
        };
        let certificate = Certificate::from_der(der).unwrap();
        many.install_pin(PinScope::Clients, certificate, EntryOptions::new())
            .unwrap();
    }
    let title = "pin of one client in 10,000";
    let count = bench.row(
        title,
        &many.view(),
        &presented,
        true,
        ReasonCode::PinMatched,
        webpki,
    );
    worst = worst.max(count);

    let by_key = bench.pinned(&leaf, EntryOptions::new().matching(Matching::PublicKey));
    bench.row(
        "pin by key, the same certificate",
        &by_key,
        &presented,
        false,
        ReasonCode::KeyMatched,
        webpki,
    );
    let renewed = maker.renewed(1, Key::P256);
    let renewed = [CertificateDer::from(renewed.as_slice())];
    bench.row(
        "pin by key, renewed",
        &by_key,
        &renewed,
        false,
        ReasonCode::KeyMatched,
        webpki,
    );
    let mut bare = bench.store();
    let fingerprint = Certificate::from_der(&leaf).unwrap().fingerprint();
    let scope = PinScope::Server(bench.id.clone());
    bare.install_pin_fingerprint(scope, fingerprint, EntryOptions::new())
        .unwrap();
    bench.row(
        "fingerprint",
        &bare.view(),
        &presented,
        false,
        ReasonCode::FingerprintMatched,
        webpki,
    );

    let mut authorities = bench.store();
    let root = Certificate::from_der(&chain.root).unwrap();
    authorities
        .install_authority(AuthorityScope::AnyServer, root, EntryOptions::new())
        .unwrap();
    let sent = [&chain.leaf, &chain.intermediate].map(|der| CertificateDer::from(der.as_slice()));
    bench.row(
        "chain",
        &authorities.view(),
        &sent,
        false,
        ReasonCode::ChainVerified,
        webpki,
    );
    for number in 0..10_000 {
        let other = Certificate::from_der(&maker.authority(number)).unwrap();
        authorities
            .install_authority(AuthorityScope::AnyServer, other, EntryOptions::new())
            .unwrap();
    }
    let title = "chain, among 10,000 authorities";
    bench.row(
        title,
        &authorities.view(),
        &sent,
        false,
        ReasonCode::ChainVerified,
        webpki,
    );
    bench.row(
        "refused: pin expected",
        &plain,
        &sent,
        false,
        ReasonCode::PinDoesNotMatch,
        webpki,
    );

    if worst > MAX_ALLOCATIONS {
        eprintln!("{worst} allocations for a pin, the limit is {MAX_ALLOCATIONS}");
        std::process::exit(1);
    }
}
