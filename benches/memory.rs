//! What a trust store takes of memory: live and peak, against the bound of twice the DER of what is installed
//! plus 512 bytes an entry, and what one call takes; and what an installed authority takes beyond its DER. Ends
//! with an error if a bound is broken.
//!
//! ```sh
//! cargo bench --bench memory
//! ```
//!
//! Measured is all that the store holds, its certificates included, while an older view of it is still in use
//! and a small change has been published: the moment at which a store takes most.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on has failed"
)]

mod synthetic;

use std::sync::Arc;

use allocation_counter::measure;
use mutual_trust::certificate::Certificate;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, Fingerprint, PinScope, ServerId, TrustSnapshot,
    TrustStore, tls,
};
use synthetic::{Key, Maker};

/// What one call takes while it reads a certificate and says what it did. It is not the view's, is the same for
/// every size, and stands out in a store of ten alone.
const ONE_CALL: u64 = 2048;

/// From how many entries on an authority is held to [`AN_AUTHORITY`]: with fewer, what a store has once counts.
const MANY: u32 = 100_000;

/// What an authority of P-256 may take beyond its DER on a platform of 64 bits, with nothing chosen for it.
///
/// It consists of the entry (72: its scope 24, two pointers and a tag 24, its slot and time 8, two counts 16), the
/// certificate (144: its fingerprint 32, what was read of it 72, the DER's place 24, two counts 16), and its places in
/// four tables: by fingerprint, by subject, by key, and by the last bytes of its DER. Each takes 13 with the pointer,
/// by subject 21, and a share of the list in which it lies, of 3 to 5.
const AN_AUTHORITY: f64 = 300.0;

/// What is installed, and its scope.
#[derive(Clone, Copy)]
enum Kind {
    ClientPins(Key),
    /// A server of its own, with a name, for each.
    ServerPins(Key),
    Fingerprints,
    Authorities,
}

impl Kind {
    const fn title(self) -> &'static str {
        match self {
            Self::ClientPins(Key::P256) => "pins for clients, P-256",
            Self::ClientPins(Key::Rsa2048) => "pins for clients, RSA 2048",
            Self::ServerPins(Key::P256) => "a server and its pin each, P-256",
            Self::ServerPins(Key::Rsa2048) => "a server and its pin each, RSA 2048",
            Self::Fingerprints => "fingerprints for clients",
            Self::Authorities => "authorities for any server, P-256",
        }
    }

    fn make(self, maker: &Maker, number: u32) -> Vec<u8> {
        match self {
            Self::ClientPins(key) | Self::ServerPins(key) => maker.end_entity(number, key),
            // Stands for a certificate that does not exist.
            Self::Fingerprints => number.to_be_bytes().to_vec(),
            Self::Authorities => maker.authority(number),
        }
    }

    fn install(self, store: &mut TrustStore, number: u32, made: &[u8]) {
        let options = EntryOptions::new();
        let read = || Certificate::from_der(made).unwrap();
        match self {
            Self::ClientPins(_) => store.install_pin(PinScope::Clients, read(), options),
            Self::ServerPins(_) => {
                let id: ServerId = format!("server-{number}").parse().unwrap();
                let name = format!("server-{number}.example").parse().unwrap();
                store.add_server(id.clone(), [name]).unwrap();
                store.install_pin(PinScope::Server(id), read(), options)
            }
            Self::Fingerprints => {
                let mut bytes = [7; 32];
                bytes
                    .iter_mut()
                    .zip(made)
                    .for_each(|(to, from)| *to = *from);
                let fingerprint = Fingerprint::from_bytes(bytes);
                store.install_pin_fingerprint(PinScope::Clients, fingerprint, options)
            }
            Self::Authorities => {
                store.install_authority(AuthorityScope::AnyServer, read(), options)
            }
        }
        .unwrap();
    }

    /// Bytes of DER that an installed one has.
    const fn der(self, made: &[u8]) -> u64 {
        match self {
            Self::Fingerprints => 0,
            Self::ClientPins(_) | Self::ServerPins(_) | Self::Authorities => made.len() as u64,
        }
    }
}

struct Measured {
    /// The store alone.
    store: u64,
    /// The store, an older view, and a change between them.
    live: u64,
    /// The most at any time while it was filled, published and changed.
    peak: u64,
}

fn fill(kind: Kind, made: &[Vec<u8>]) -> Measured {
    let provider = tls::provider::aws_lc_rs();
    let keys = tls::key_policy(&provider);
    let now = CurrentTime::Known(synthetic::now());
    let (last, first) = made.split_last().unwrap();
    let mut kept: Option<(TrustStore, TrustSnapshot)> = None;
    let info = measure(|| {
        let mut store = TrustStore::new(keys).with_clock(Arc::new(now));
        for (number, made) in (0..).zip(first) {
            kind.install(&mut store, number, made);
        }
        // A handshake holds this one while the change is made and published.
        let older = store.snapshot();
        kind.install(&mut store, u32::MAX, last);
        let _published = store.snapshot();
        kept = Some((store, older));
    });
    let live = info.bytes_current.unsigned_abs();
    let (store, older) = kept.unwrap();
    let freed = measure(|| drop(older)).bytes_current.unsigned_abs();
    drop(store);
    Measured {
        store: live - freed,
        live,
        peak: info.bytes_max,
    }
}

fn main() {
    // `cargo test --benches` only shows that it runs.
    let whole = std::env::args().any(|argument| argument == "--bench");
    // Above 131,072 the tables have just doubled, which is when they are emptiest.
    let sizes: &[u32] = if whole {
        &[10, 1_000, 100_000, 132_000]
    } else {
        &[10, 1_000]
    };
    let kinds = [
        Kind::ClientPins(Key::P256),
        Kind::ClientPins(Key::Rsa2048),
        Kind::ServerPins(Key::P256),
        Kind::Fingerprints,
        Kind::Authorities,
    ];
    let maker = Maker::new();
    let mut broken = 0;
    println!(
        "| what | entries | DER bytes | store | live | peak | bound (2×DER + 512×n + 2048) | peak an entry beyond 2×DER | an entry beyond its DER | within |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for kind in kinds {
        for &size in sizes {
            let made: Vec<Vec<u8>> = (0..size).map(|number| kind.make(&maker, number)).collect();
            let der: u64 = made.iter().map(|made| kind.der(made)).sum();
            let bound = 2 * der + 512 * u64::from(size) + ONE_CALL;
            let found = fill(kind, &made);
            let beyond = (found.store as f64 - der as f64) / f64::from(size);
            let held = matches!(kind, Kind::Authorities) && size >= MANY;
            let within = found.peak <= bound && (!held || beyond <= AN_AUTHORITY);
            broken += u32::from(!within);
            let over = (found.peak as f64 - 2.0 * der as f64) / f64::from(size);
            println!(
                "| {} | {size} | {der} | {} | {} | {} | {bound} | {over:.0} | {beyond:.0} | {} |",
                kind.title(),
                found.store,
                found.live,
                found.peak,
                if within { "yes" } else { "NO" }
            );
        }
    }
    if broken > 0 {
        eprintln!("{broken} stores take more than their bound");
        std::process::exit(1);
    }
}
