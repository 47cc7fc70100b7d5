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
use mutual_trust::policy::{ExpectedServer, ReasonCode, VerifyRequest};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, HostName, PinMatch, PinScope, Policy, ServerId,
    TrustSnapshot, TrustStore, decide, tls,
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
    clock: CurrentTime,
    chain: Chain,
}

/// What is asked, and what must come of it.
struct Row<'a> {
    title: &'a str,
    view: &'a TrustSnapshot,
    presented: &'a [CertificateDer<'a>],
    client: bool,
    expected: ReasonCode,
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

    fn pinned(&self, certificate: &[u8], options: EntryOptions) -> TrustSnapshot {
        let mut store = self.store();
        let certificate = Certificate::from_der(certificate).unwrap();
        let scope = PinScope::Server(self.id.clone());
        store.install_pin(scope, certificate, options).unwrap();
        store.snapshot()
    }

    /// Asks once with counting and then often, in turn with webpki; returns the allocations.
    fn row(&self, row: &Row<'_>) -> u64 {
        let policy = Policy::new(tls::key_policy(&self.provider));
        let (leaf, rest) = row.presented.split_first().unwrap();
        let question = if row.client {
            VerifyRequest::client(leaf, rest, self.clock)
        } else {
            let target = ExpectedServer::id(&self.id, Some(&self.name));
            VerifyRequest::server(target, leaf, rest, self.clock)
        };
        let verdict = decide(row.view, &policy, &question);
        assert_eq!(verdict.reason(), row.expected, "{}: {verdict}", row.title);
        let ask = || drop(black_box(decide(row.view, &policy, &question)));
        let info = measure(ask);
        // The least of both: other work on the machine only adds to them.
        let (mut ours, mut webpki) = (Duration::MAX, Duration::MAX);
        for _ in 0..50 {
            ours = ours.min(mean(ask));
            webpki = webpki.min(mean(|| self.webpki_alone()));
        }
        println!(
            "| {} | {} | {} | {} | {:.2} | {:.1} | {:.3} |",
            row.title,
            row.expected,
            info.count_total,
            info.bytes_total,
            ours.as_secs_f64() * 1e6,
            webpki.as_secs_f64() * 1e6,
            ours.as_secs_f64() / webpki.as_secs_f64()
        );
        info.count_total
    }

    /// webpki on the chain: leaf, intermediate, anchor, name.
    fn webpki_alone(&self) {
        let [leaf, intermediate, root] =
            [&self.chain.leaf, &self.chain.intermediate, &self.chain.root]
                .map(|der| CertificateDer::from(der.as_slice()));
        let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
        let end_entity = webpki::EndEntityCert::try_from(&leaf).unwrap();
        let intermediates = [intermediate];
        let path = end_entity.verify_for_usage(
            self.provider.signature_verification_algorithms.all,
            &anchors,
            &intermediates,
            synthetic::now(),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        );
        drop(black_box(path.unwrap()));
        let name = self.name.to_server_name().unwrap();
        end_entity.verify_is_valid_for_subject_name(&name).unwrap();
    }
}

fn mean(call: impl Fn()) -> Duration {
    const CALLS: u32 = 20;
    let begin = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begin.elapsed() / CALLS
}

fn main() {
    let maker = Maker::new();
    let bench = Bench {
        provider: tls::provider::aws_lc_rs(),
        id: "keys-1".parse().unwrap(),
        name: "array-000001.example".parse().unwrap(),
        clock: CurrentTime::Known(synthetic::now()),
        chain: maker.chain(1),
    };
    println!("| verdict | reason | allocations | bytes | us | webpki on a chain, us | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let worst = pins(&bench, &maker);
    chains(&bench, &maker);
    if worst > MAX_ALLOCATIONS {
        eprintln!("{worst} allocations for a pin, the limit is {MAX_ALLOCATIONS}");
        std::process::exit(1);
    }
}

/// Returns the most allocations of a match by the whole certificate.
fn pins(bench: &Bench, maker: &Maker) -> u64 {
    let leaf = maker.end_entity(1, Key::P256);
    let presented = [CertificateDer::from(leaf.as_slice())];
    let plain = bench.pinned(&leaf, EntryOptions::new());
    let labelled = bench.pinned(
        &leaf,
        EntryOptions::new().with_label("the key server in rack 7"),
    );
    let mut many = bench.store();
    for number in 1..=10_000 {
        let certificate = if number == 1 {
            Certificate::from_der(&leaf).unwrap()
        } else {
            Certificate::from_der(&maker.end_entity(number, Key::P256)).unwrap()
        };
        many.install_pin(PinScope::Clients, certificate, EntryOptions::new())
            .unwrap();
    }
    let many = many.snapshot();
    let whole = [
        ("pin", &plain, false),
        ("pin with a label", &labelled, false),
        ("pin of one client in 10,000", &many, true),
    ];
    let counts = whole.map(|(title, view, client)| {
        bench.row(&Row {
            title,
            view,
            presented: &presented,
            client,
            expected: ReasonCode::PinMatched,
        })
    });

    let by_key = bench.pinned(
        &leaf,
        EntryOptions::new().with_matching(PinMatch::PublicKey),
    );
    let renewed = maker.renewed(1, Key::P256);
    let renewed = [CertificateDer::from(renewed.as_slice())];
    let mut bare = bench.store();
    bare.install_pin_fingerprint(
        PinScope::Server(bench.id.clone()),
        Certificate::from_der(&leaf).unwrap().fingerprint(),
        EntryOptions::new(),
    )
    .unwrap();
    let bare = bare.snapshot();
    for (title, view, presented, expected) in [
        ("pin by key", &by_key, &presented, ReasonCode::KeyMatched),
        (
            "pin by key, renewed",
            &by_key,
            &renewed,
            ReasonCode::KeyMatched,
        ),
        (
            "fingerprint",
            &bare,
            &presented,
            ReasonCode::FingerprintMatched,
        ),
        (
            "refused: another one",
            &plain,
            &renewed,
            ReasonCode::RenewedWithSameKey,
        ),
    ] {
        bench.row(&Row {
            title,
            view,
            presented,
            client: false,
            expected,
        });
    }
    counts.into_iter().max().unwrap()
}

fn chains(bench: &Bench, maker: &Maker) {
    let mut store = bench.store();
    let mut install = |der: &[u8]| {
        let certificate = Certificate::from_der(der).unwrap();
        store
            .install_authority(AuthorityScope::AnyServer, certificate, EntryOptions::new())
            .unwrap();
        store.snapshot()
    };
    let alone = install(&bench.chain.root);
    let mut many = alone.clone();
    for number in 0..10_000 {
        drop(many);
        many = install(&maker.authority(number));
    }
    let sent = [&bench.chain.leaf, &bench.chain.intermediate]
        .map(|der| CertificateDer::from(der.as_slice()));
    for (title, view) in [("chain", &alone), ("chain, 10,000 authorities", &many)] {
        bench.row(&Row {
            title,
            view,
            presented: &sent,
            client: false,
            expected: ReasonCode::ChainVerified,
        });
    }
}
