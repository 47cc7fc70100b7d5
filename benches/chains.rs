//! What a verdict on a chain costs beside webpki, by how many authorities are installed, and what the dearest chain
//! costs that an unknown peer can present. Ends with an error if a promised ratio does not hold.
//!
//! ```sh
//! cargo bench --bench chains
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on has failed"
)]

mod dear;
mod forests;
mod presented;
mod synthetic;

use std::hint::black_box;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use forests::Chain;
use mutual_trust::certificate::Certificate;
use mutual_trust::limits::MAX_WORK;
use mutual_trust::policy::{
    ChainMemory, ChainProfile, ExpectedServer, VerifyRequest, decide_with_work,
};
use mutual_trust::store::{BlockSelector, Decision};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, HostName, PinScope, Policy, ReasonCode, ServerId,
    TrustSnapshot, TrustStore, decide, tls,
};
use pki_types::{CertificateDer, TrustAnchor};
use presented::Beside;
use rustls::crypto::CryptoProvider;
use synthetic::{Maker, noise};

/// Ratios that are promised.
const COLD: f64 = 1.25;
/// With known issuers, by the kind of key and by how many are presented.
const KNOWN: [(&str, u32, f64); 4] = [
    ("P-256", 2, 0.60),
    ("P-256", 3, 0.42),
    ("RSA-2048", 2, 0.75),
    ("RSA-2048", 3, 0.60),
];
const REMEMBERED: f64 = 30.0;
const AMONG_100_000: f64 = 1.2;
const WEBPKI_AMONG_100_000: f64 = 5.0;
const NAMESAKES: f64 = 3.0;
const HOSTILE: f64 = 5.0;
const LOADING: f64 = 10.0;

/// A CA that signed nothing here.
static SPARE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::from_der(&forests::self_signed(999_999)).unwrap());

struct Bench {
    provider: Arc<CryptoProvider>,
    id: ServerId,
    name: HostName,
    clock: CurrentTime,
    broken: Vec<String>,
}

/// The least mean time of a call in several rounds: other work on the machine only adds to it.
fn time(rounds: u32, calls: u32, call: &mut dyn FnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let begin = Instant::now();
        for _ in 0..calls {
            call();
        }
        least = least.min(begin.elapsed() / calls);
    }
    least
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ders<'a>(all: &[&'a Vec<u8>]) -> Vec<CertificateDer<'a>> {
    all.iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect()
}

impl Bench {
    fn store(&self, authorities: &[&[u8]]) -> TrustStore {
        let keys = tls::key_policy(&self.provider);
        let mut store = TrustStore::new(keys).with_clock(Arc::new(self.clock));
        store
            .add_server(self.id.clone(), [self.name.clone()])
            .unwrap();
        for der in authorities {
            let certificate = Certificate::from_der(der).unwrap();
            store
                .install_authority(AuthorityScope::AnyServer, certificate, EntryOptions::new())
                .unwrap();
        }
        store
    }

    /// Our verdict; what is presented begins with the end entity.
    fn ours(
        &self,
        view: &TrustSnapshot,
        presented: &[CertificateDer<'_>],
        expected: ReasonCode,
        rounds: u32,
    ) -> Duration {
        let policy = Policy::new(tls::key_policy(&self.provider));
        let (leaf, rest) = presented.split_first().unwrap();
        let target = ExpectedServer::id(&self.id, Some(&self.name));
        let question = VerifyRequest::server(target, leaf, rest, self.clock);
        let verdict = decide(view, &policy, &question);
        assert_eq!(verdict.reason(), expected, "{verdict}");
        time(rounds, 1, &mut || {
            drop(black_box(decide(view, &policy, &question)))
        })
    }

    /// The same on snapshots in which no verdict has remembered anything yet.
    fn ours_cold(
        &self,
        store: &mut TrustStore,
        presented: &[CertificateDer<'_>],
        expected: ReasonCode,
        rounds: u32,
    ) -> Duration {
        let times = (0..rounds).map(|_| {
            let view = synthetic::forgetful(store, &SPARE);
            let policy = Policy::new(tls::key_policy(&self.provider));
            let (leaf, rest) = presented.split_first().unwrap();
            let target = ExpectedServer::id(&self.id, Some(&self.name));
            let question = VerifyRequest::server(target, leaf, rest, self.clock);
            let begin = Instant::now();
            let verdict = black_box(decide(&view, &policy, &question));
            let taken = begin.elapsed();
            assert_eq!(verdict.reason(), expected, "{verdict}");
            taken
        });
        times.min().unwrap()
    }

    /// Plain webpki: the path, and the name.
    fn webpki(
        &self,
        anchors: &[TrustAnchor<'_>],
        presented: &[CertificateDer<'_>],
    ) -> Result<Duration, webpki::Error> {
        let (leaf, rest) = presented.split_first().unwrap();
        let name = self.name.to_server_name().unwrap();
        let verify = || -> Result<(), webpki::Error> {
            let end_entity = webpki::EndEntityCert::try_from(leaf)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            let usage = webpki::KeyUsage::server_auth();
            let path = end_entity.verify_for_usage(
                algorithms,
                anchors,
                rest,
                synthetic::now(),
                usage,
                None,
                None,
            )?;
            drop(black_box(path));
            end_entity.verify_is_valid_for_subject_name(&name)
        };
        verify()?;
        Ok(time(10, 1, &mut || verify().unwrap()))
    }

    /// Ours and webpki's on a good chain, and the first by the second: the median of many short rounds, in each of
    /// which both take their turn, since the machine is faster at one time than at another.
    fn in_turn(
        &self,
        ours: &mut dyn FnMut() -> Duration,
        anchors: &[TrustAnchor<'_>],
        sent: &[CertificateDer<'_>],
    ) -> (Duration, Duration, f64) {
        let (mut least, mut webpki) = (Duration::MAX, Duration::MAX);
        let mut ratios = Vec::new();
        for _ in 0..200 {
            let own = ours();
            let other = self.webpki(anchors, sent).unwrap();
            ratios.push(us(own) / us(other));
            (least, webpki) = (least.min(own), webpki.min(other));
        }
        ratios.sort_by(f64::total_cmp);
        (least, webpki, *ratios.get(ratios.len() / 2).unwrap())
    }

    fn hold(&mut self, what: &str, ratio: f64, limit: f64, at_most: bool) -> String {
        let kept = if at_most {
            ratio <= limit
        } else {
            ratio >= limit
        };
        if !kept {
            self.broken
                .push(format!("{what}: {ratio:.2}, promised {limit}"));
        }
        let sign = if at_most { "≤" } else { "≥" };
        format!(
            "{ratio:.2} ({sign} {limit}{})",
            if kept { "" } else { ", BROKEN" }
        )
    }
}

fn anchors<'a>(all: &'a [CertificateDer<'a>]) -> Vec<TrustAnchor<'a>> {
    let anchors = all.iter().map(webpki::anchor_from_trusted_cert);
    anchors.map(Result::unwrap).collect()
}

fn main() {
    // `cargo test --benches` only shows that it runs.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let mut bench = Bench {
        provider: tls::provider::aws_lc_rs(),
        id: "keys-1".parse().unwrap(),
        name: "array-000001.example".parse().unwrap(),
        clock: CurrentTime::Known(synthetic::now()),
        broken: Vec::new(),
    };
    let maker = Maker::new();
    let chain = Chain::good();
    // `cargo bench --bench chains -- refusals` measures these alone, and `first` the first table.
    if std::env::args().any(|argument| argument == "refusals") {
        refusals(&mut bench, &chain, whole);
        eprintln!("{}", bench.broken.join("\n"));
        return;
    }
    first_seen(&mut bench, whole);
    if std::env::args().any(|argument| argument == "first") {
        eprintln!("{}", bench.broken.join("\n"));
        return;
    }
    let alone = among_authorities(&mut bench, &maker, &chain, whole);
    remembered(&mut bench, &chain);
    namesakes(&mut bench, &chain, alone, whole);
    refusals(&mut bench, &chain, whole);
    if whole {
        loading(&mut bench, &maker);
    }
    if !bench.broken.is_empty() && whole {
        eprintln!("{}", bench.broken.join("\n"));
        std::process::exit(1);
    }
}

/// End entities that were not seen before, below the one authority, by kind of key and by how many certificates are
/// presented: with issuers that were not seen before either, with issuers that are known from earlier verdicts, and with
/// installed ones.
fn first_seen(bench: &mut Bench, whole: bool) {
    println!(
        "| keys | presented | webpki, us | ours, us | ours / webpki | intermediates known, us | ours / webpki | installed, us | ours / webpki |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let kinds = [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("RSA-2048", &rcgen::PKCS_RSA_SHA256),
    ];
    for (kind, algorithm) in kinds {
        for length in if whole { 1..=4 } else { 1..=2 } {
            let (root, all) = forests::chain_of(algorithm, length);
            let mut store = bench.store(&[&root]);
            let (sent, root) = (ders(&all.iter().collect::<Vec<_>>()), ders(&[&root]));
            let anchors = anchors(&root);
            let verified = ReasonCode::ChainVerified;
            let mut cold = || bench.ours_cold(&mut store, &sent, verified, 10);
            let (ours, webpki, ratio) = bench.in_turn(&mut cold, &anchors, &sent);
            let what = format!("cold, {length} for {kind}");
            let ratio = bench.hold(&what, ratio, COLD, true);
            print!(
                "| {kind} | {length} | {:.1} | {:.1} | {ratio} |",
                us(webpki),
                us(ours)
            );
            let known = synthetic::forgetful(&mut store, &SPARE);
            for (installed, known) in [(false, known), (true, installed(&mut store, &all))] {
                let mut warm = || bench.ours(&known, &sent, verified, 10);
                let (ours, _, ratio) = bench.in_turn(&mut warm, &anchors, &sent);
                let ratio = match KNOWN.iter().find(|row| (row.0, row.1) == (kind, length)) {
                    Some((_, _, promised)) => {
                        let how = if installed { "installed" } else { "known" };
                        let what = format!("issuers {how}, {length} for {kind}");
                        bench.hold(&what, ratio, *promised, true)
                    }
                    None => format!("{ratio:.2}"),
                };
                print!(" {:.1} | {ratio} |", us(ours));
            }
            println!();
        }
    }
    println!();
}

/// The snapshot with the issuers of a chain installed as intermediates.
fn installed(store: &mut TrustStore, chain: &[Vec<u8>]) -> TrustSnapshot {
    for issuer in chain.iter().skip(1).rev() {
        let certificate = Certificate::from_der(issuer).unwrap();
        let installed = store.install_intermediate(certificate, EntryOptions::new());
        drop(installed.unwrap());
    }
    store.snapshot()
}

/// Returns our time with one authority.
fn among_authorities(bench: &mut Bench, maker: &Maker, chain: &Chain, whole: bool) -> Duration {
    println!("| authorities | ours, us | webpki, us | ours / webpki | ours / ours with 1 |");
    println!("|---|---|---|---|---|");
    let sent = ders(&[&chain.leaf, &chain.intermediate]);
    let sizes: &[u32] = if whole {
        &[1, 1_000, 100_000, 1_000_000]
    } else {
        &[1, 100]
    };
    let mut first = None;
    for &size in sizes {
        let others: Vec<Vec<u8>> = (1..size).map(|number| maker.authority(number)).collect();
        let mut all: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
        // Among the others, not first of them.
        all.insert(all.len() / 2, &chain.root);
        let mut store = bench.store(&all);
        let roots: Vec<_> = all.iter().map(|der| CertificateDer::from(*der)).collect();
        let anchors = anchors(&roots);
        let mut cold = || bench.ours_cold(&mut store, &sent, ReasonCode::ChainVerified, 10);
        let (ours, webpki, beside) = bench.in_turn(&mut cold, &anchors, &sent);
        let alone = *first.get_or_insert(ours);
        let beside = match size {
            1 => bench.hold("cold, 1 authority, beside webpki", beside, COLD, true),
            100_000 => {
                let ratio = bench.hold(
                    "100,000 authorities, webpki beside ours",
                    1.0 / beside,
                    WEBPKI_AMONG_100_000,
                    false,
                );
                format!("webpki / ours {ratio}")
            }
            _ => format!("{beside:.2}"),
        };
        let growth = us(ours) / us(alone);
        let growth = match size {
            100_000 => bench.hold("100,000 authorities beside 1", growth, AMONG_100_000, true),
            _ => format!("{growth:.2}"),
        };
        println!(
            "| {size} | {:.1} | {:.1} | {beside} | {growth} |",
            us(ours),
            us(webpki)
        );
    }
    first.unwrap()
}

/// A chain that is asked about again, beside webpki and a pin.
fn remembered(bench: &mut Bench, chain: &Chain) {
    println!(
        "\n| a chain that was accepted before | ours, us | webpki, us | webpki / ours | allocations | bytes held | counted |"
    );
    println!("|---|---|---|---|---|---|---|");
    let sent = ders(&[&chain.leaf, &chain.intermediate]);
    let (leaf, rest) = sent.split_first().unwrap();
    let view = bench.store(&[&chain.root]).snapshot();
    let root = CertificateDer::from(chain.root.as_slice());
    let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
    let policy = Policy::new(tls::key_policy(&bench.provider))
        .with_remembered_chains(1_000)
        .unwrap();
    let memory = ChainMemory::new(policy);
    let (id, name) = (bench.id.clone(), bench.name.clone());
    let target = ExpectedServer::id(&id, Some(&name));
    let question = VerifyRequest::server(target, leaf, rest, bench.clock);
    let ask = || memory.decide(&view, &question);
    let held = measure(|| drop(black_box(ask()))).bytes_current;
    let mut ours = Duration::MAX;
    let mut webpki = Duration::MAX;
    for _ in 0..5 {
        ours = ours.min(time(200, 50, &mut || drop(black_box(ask()))));
        webpki = webpki.min(bench.webpki(&anchors, &sent).unwrap());
    }
    let statistics = memory.statistics();
    assert_eq!((statistics.decided, statistics.chains), (1, 1));
    let allocations = measure(|| drop(black_box(ask()))).count_total;
    let what = "a remembered chain, webpki beside ours";
    let ratio = bench.hold(what, us(webpki) / us(ours), REMEMBERED, false);
    println!(
        "| remembered | {:.2} | {:.1} | {ratio} | {allocations} | {held} | {} |",
        us(ours),
        us(webpki),
        statistics.bytes
    );
    let mut store = bench.store(&[]);
    let certificate = Certificate::from_der(leaf).unwrap();
    let scope = PinScope::Server(bench.id.clone());
    store
        .install_pin(scope, certificate, EntryOptions::new())
        .unwrap();
    let view = store.snapshot();
    let ask = || decide(&view, &policy, &question);
    assert_eq!(ask().reason(), ReasonCode::PinMatched);
    let pin = time(200, 50, &mut || drop(black_box(ask())));
    let allocations = measure(|| drop(black_box(ask()))).count_total;
    let ratio = us(webpki) / us(pin);
    println!(
        "| the same as a pin | {:.2} | | {ratio:.2} | {allocations} | | |",
        us(pin)
    );
}

/// Authorities of one name, the right one among them.
fn namesakes(bench: &mut Bench, chain: &Chain, alone: Duration, whole: bool) {
    println!("\n| authorities of one name | ours, us | ours / ours with 1 | webpki |");
    println!("|---|---|---|---|");
    let sent = ders(&[&chain.leaf, &chain.intermediate]);
    let count = if whole { 10_000 } else { 50 };
    let others: Vec<Vec<u8>> = (1..count).map(|number| chain.namesake(number)).collect();
    let mut all: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    all.push(&chain.root);
    let mut store = bench.store(&all);
    let ours = bench.ours_cold(&mut store, &sent, ReasonCode::ChainVerified, 400);
    let roots: Vec<_> = all.iter().map(|der| CertificateDer::from(*der)).collect();
    let webpki = match bench.webpki(&anchors(&roots), &sent) {
        Ok(time) => format!("{:.1} us", us(time)),
        Err(error) => format!("refuses: {error:?}"),
    };
    let ratio = us(ours) / us(alone);
    let ratio = if whole {
        bench.hold(
            "10,000 authorities of one name beside 1",
            ratio,
            NAMESAKES,
            true,
        )
    } else {
        format!("{ratio:.2}")
    };
    println!(
        "| {count}, told apart by key identifiers | {:.1} | {ratio} | {webpki} |",
        us(ours)
    );
    // A leaf that names no key, and 64 authorities that it may be of: what cannot be told apart is tried.
    let (root, named) = Chain::without_identifiers();
    let others: Vec<Vec<u8>> = (1..64).map(|number| root.namesake(number)).collect();
    let mut all: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    all.push(&root.der);
    let view = bench.store(&all).snapshot();
    let sent = ders(&[&named]);
    let ours = bench.ours(&view, &sent, ReasonCode::ChainVerified, 400);
    println!(
        "| 64, not told apart | {:.1} | {:.2} | |",
        us(ours),
        us(ours) / us(alone)
    );
}

/// A refusal, with what is installed.
struct Refused {
    what: &'static str,
    view: TrustSnapshot,
    presented: Vec<Vec<u8>>,
    client: bool,
    strict: bool,
    /// Installed CAs that key identifiers do not tell apart, for each of which a signature comes on top.
    signatures: u32,
}

/// What a refusal took.
struct Taken {
    what: &'static str,
    reason: ReasonCode,
    sent: usize,
    us: f64,
    ratio: f64,
    with_text: f64,
    work: usize,
    total: u64,
    most: u64,
}

/// The dearest refusals that were found: what an unknown peer can present, and what could make it dear beside it.
fn refusals(bench: &mut Bench, chain: &Chain, whole: bool) {
    let (leaf, issuer) = (
        Certificate::from_der(&chain.leaf).unwrap(),
        Certificate::from_der(&chain.intermediate).unwrap(),
    );
    let mut all = hostile(bench, chain);
    all.extend(unwritten(bench, chain));
    let maker = dear::Maker {
        keys: tls::key_policy(&bench.provider),
        clock: bench.clock,
        id: bench.id.clone(),
        name: bench.name.clone(),
        whole,
    };
    all.extend(maker.all().into_iter().map(|dear| Refused {
        what: dear.what,
        view: dear.view,
        presented: dear.presented,
        client: dear.client,
        strict: false,
        signatures: dear.signatures,
    }));
    let rounds = if whole { 100 } else { 1 };
    let mut store = bench.store(&[&chain.root]);
    let sent = ders(&[&chain.leaf, &chain.intermediate]);
    let mut good = || bench.ours_cold(&mut store, &sent, ReasonCode::ChainVerified, 1);
    let mut some = |count| signatures(&bench.provider, &leaf, &issuer, count);
    let mut taken: Vec<Taken> = all
        .iter()
        .map(|one| take(bench, one, &mut good, &mut some, rounds))
        .collect();
    taken.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
    println!(
        "\n| refused, {} kinds | bytes | reason | us | / a good chain | the same with its text | work, of {MAX_WORK} | bytes allocated in all | at most at once |",
        taken.len()
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|");
    for one in &taken {
        let ratio = bench.hold(one.what, one.ratio, HOSTILE, true);
        println!(
            "| {} | {} | {} | {:.0} | {ratio} | {:.2} | {} | {} | {} |",
            one.what, one.sent, one.reason, one.us, one.with_text, one.work, one.total, one.most
        );
    }
}

/// Has a refusal and a good chain take turns, since the machine is faster at one time than at another.
fn take(
    bench: &Bench,
    one: &Refused,
    good: &mut dyn FnMut() -> Duration,
    signatures: &mut dyn FnMut(u32) -> Duration,
    rounds: usize,
) -> Taken {
    let sent = ders(&one.presented.iter().collect::<Vec<_>>());
    let profile = match one.strict {
        true => ChainProfile::Strict,
        false => ChainProfile::Compatible,
    };
    let policy = Policy::new(tls::key_policy(&bench.provider)).with_chain_profile(profile);
    let (leaf, rest) = sent.split_first().unwrap();
    let target = ExpectedServer::id(&bench.id, Some(&bench.name));
    let question = match one.client {
        true => VerifyRequest::client(leaf, rest, bench.clock),
        false => VerifyRequest::server(target, leaf, rest, bench.clock),
    };
    let (verdict, work) = decide_with_work(&one.view, &policy, &question);
    assert!(!verdict.is_accepted(), "{}: {verdict}", one.what);
    let decided = || decide(&one.view, &policy, &question);
    let shown = || {
        let verdict = decided();
        (verdict.to_string(), verdict.remedy())
    };
    let info = measure(|| drop(black_box(decided())));
    let [mut times, mut ratios, mut with_text] = [(); 3].map(|()| Vec::new());
    for _ in 0..rounds {
        let good = us(good());
        let extra = signatures(one.signatures);
        let ours = time(1, 1, &mut || drop(black_box(decided())));
        let text = time(1, 1, &mut || drop(black_box(shown())));
        let [ours, text] = [ours, text].map(|time| us(time.saturating_sub(extra)));
        times.push(ours);
        ratios.push(ours / good);
        with_text.push(text / good);
    }
    let [us, ratio, with_text] = [times, ratios, with_text].map(|mut all| {
        all.sort_by(f64::total_cmp);
        *all.get(all.len() / 2).unwrap()
    });
    Taken {
        what: one.what,
        reason: verdict.reason(),
        sent: sent.iter().map(|der| der.len()).sum(),
        us,
        ratio,
        with_text,
        work,
        total: info.bytes_total,
        most: info.bytes_max,
    }
}

/// The dearest chains that an unknown peer can make with usual tools, against a store with one authority.
fn hostile(bench: &Bench, chain: &Chain) -> Vec<Refused> {
    let plain = bench.store(&[&chain.root]).snapshot();
    let all = chain.hostile().into_iter();
    all.map(|(what, root, presented)| Refused {
        what,
        view: match root {
            None => plain.clone(),
            Some(root) => bench.store(&[&root]).snapshot(),
        },
        presented,
        client: false,
        strict: false,
        signatures: 0,
    })
    .collect()
}

/// What no usual tool writes.
fn unwritten(bench: &Bench, chain: &Chain) -> Vec<Refused> {
    let pin = || Certificate::from_der(&forests::named(presented::PEER)).unwrap();
    let options = EntryOptions::new;
    let all = presented::all().into_iter();
    all.map(|one| {
        let mut store = bench.store(&[&chain.root]);
        match one.beside {
            Beside::Nothing | Beside::Strict => {}
            Beside::Pin => {
                let scope = PinScope::Server(bench.id.clone());
                store
                    .install_pin(scope, pin(), options())
                    .map(drop)
                    .unwrap();
            }
            Beside::PinOfClients => {
                let authority = Certificate::from_der(&chain.root).unwrap();
                let scope = AuthorityScope::Clients;
                store
                    .install_authority(scope, authority, options())
                    .map(drop)
                    .unwrap();
                let scope = PinScope::Clients;
                store
                    .install_pin(scope, pin(), options())
                    .map(drop)
                    .unwrap();
            }
            Beside::Block => {
                let selector = BlockSelector::Fingerprint(pin().fingerprint());
                drop(store.block_selector(selector));
            }
        }
        Refused {
            what: one.what,
            view: store.snapshot(),
            presented: one.all,
            client: one.beside == Beside::PinOfClients,
            strict: one.beside == Beside::Strict,
            signatures: 0,
        }
    })
    .collect()
}

/// What verifying so many signatures takes.
fn signatures(
    provider: &CryptoProvider,
    below: &Certificate,
    above: &Certificate,
    count: u32,
) -> Duration {
    let [below, above] = [below, above].map(|one| CertificateDer::from(one.der()));
    let anchor = [webpki::anchor_from_trusted_cert(&above).unwrap()];
    let verify = || {
        let end_entity = webpki::EndEntityCert::try_from(&below).unwrap();
        let algorithms = provider.signature_verification_algorithms.all;
        let path = end_entity.verify_for_usage(
            algorithms,
            &anchor,
            &[],
            synthetic::now(),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        );
        drop(black_box(path.unwrap()));
    };
    let begin = Instant::now();
    (0..count).for_each(|_| verify());
    begin.elapsed()
}

/// Ten thousand authorities from one PEM file, beside OpenSSL's command line.
fn loading(bench: &mut Bench, maker: &Maker) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\n| 10,000 authorities in PEM, {processors} processors | bytes | read, ms | installed, ms | openssl verify -CAfile, less its start, ms | OpenSSL / ours |"
    );
    println!("|---|---|---|---|---|---|");
    let issued: Vec<_> = (0..10_000).map(|number| maker.authority(number)).collect();
    load(bench, "issued by another CA", &issued, Some(LOADING));
    // Their own signatures are verified when they are installed, on all processors. OpenSSL does not verify them.
    let own: Vec<_> = (0..10_000).map(forests::self_signed).collect();
    load(bench, "self-signed CAs", &own, None);
}

fn load(bench: &mut Bench, what: &str, authorities: &[Vec<u8>], promised: Option<f64>) {
    let pem = |der: &Vec<u8>| Certificate::from_der(der).unwrap().to_pem();
    let all: String = authorities.iter().map(pem).collect();
    let read = time(3, 1, &mut || {
        drop(black_box(
            Certificate::many_from_pem(all.as_bytes()).unwrap(),
        ));
    });
    let load = time(3, 1, &mut || {
        // As the command does it: all of the file or nothing.
        let mut store = bench.store(&[]);
        let all = Certificate::many_from_pem(all.as_bytes()).unwrap();
        let mut bundle = store.classify_bundle(all);
        for index in 0..bundle.items().len() {
            assert!(bundle.decide(index, Decision::Authority));
        }
        let (pins, authorities) = (PinScope::Clients, AuthorityScope::AnyServer);
        let report = store.install_bundle(&bundle, &pins, &authorities, &EntryOptions::new());
        drop(black_box(report.unwrap()));
        drop(black_box(store));
    });
    let folder = std::env::temp_dir().join(format!("mutual-trust-chains-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bundle = folder.join("bundle.pem");
    let one = folder.join("one.pem");
    std::fs::write(&bundle, &all).unwrap();
    std::fs::write(&one, pem(authorities.first().unwrap())).unwrap();
    let openssl = |file: &std::path::Path| {
        let run = || {
            let mut command = Command::new("openssl");
            command.arg("verify").arg("-CAfile").arg(file).arg(&one);
            command.output()
        };
        run().ok()?;
        Some(time(2, 1, &mut || drop(run())))
    };
    let theirs = openssl(&bundle).zip(openssl(&one));
    let theirs = theirs.map(|(all, start)| all.saturating_sub(start));
    let beside = match theirs {
        None => "there is no openssl here | ".to_owned(),
        Some(theirs) => {
            let what = format!("loading 10,000 authorities, {what}, OpenSSL beside ours");
            let ratio = us(theirs) / us(load);
            let ratio = match promised {
                Some(promised) => bench.hold(&what, ratio, promised, false),
                None => format!("{ratio:.2}"),
            };
            format!("{:.1} | {ratio}", us(theirs) / 1e3)
        }
    };
    println!(
        "| {what} | {} | {:.1} | {:.1} | {beside} |",
        all.len(),
        us(read) / 1e3,
        us(load) / 1e3
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
