//! Full mutual handshakes in memory: with our verifiers, which remember chains or do not, with none, and with those of rustls. The ways take turns, so
//! that what the machine does besides hits all of them alike; kept are the medians of the thread's own time.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use mutual_trust::{TlsVersion, tls};
use mutual_trust_peers::clock;
use mutual_trust_peers::handshake::Pair;
use mutual_trust_peers::record::Record;
use mutual_trust_peers::{World, is_quick, median};

fn main() {
    let mut record = Record::default();
    for (provider, ready) in [
        ("aws-lc-rs", tls::provider::aws_lc_rs()),
        ("ring", tls::provider::ring()),
    ] {
        let world = World::with(ready.clone());
        let remembering = World {
            policy: world.policy.with_remembered_chains(1_000).unwrap(),
            ..World::with(ready)
        };
        for (kind, algorithm, rounds) in [
            ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256, 600),
            ("RSA-2048", &rcgen::PKCS_RSA_SHA256, 150),
        ] {
            let pairs = [
                ("pin", Pair::pinned(&world, algorithm)),
                ("chain", Pair::by_ca(&world, algorithm)),
            ];
            for (what, pair) in &pairs {
                for (tls, version) in [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)] {
                    let ways = [
                        ("ours", pair.ours(&world, version).0),
                        ("remembered", pair.ours(&remembering, version).0),
                        ("unchecked", pair.unchecked(&world, version)),
                        ("plain", pair.plain(&world, version)),
                    ];
                    let mut times: [Vec<f64>; 4] = Default::default();
                    for round in 0..if is_quick() { 20 } else { rounds } {
                        for turn in 0..4 {
                            // Who comes first changes too.
                            let way = (round + turn) % 4;
                            times[way].push(clock::time(|| ways[way].1.shake()));
                        }
                    }
                    for ((way, _), times) in ways.iter().zip(&mut times) {
                        record.put(
                            format!("handshake/{provider}/{kind}/{what}/{tls}/{way}"),
                            median(times),
                        );
                    }
                }
            }
        }
    }
    record.save("handshakes");
}
