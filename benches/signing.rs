//! What a signature costs with our wrapper, which scrubs the dead stack after it, beside the provider's own.
//!
//! ```sh
//! cargo bench --bench signing
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use mutual_trust::{ClientConfigBuilder, Identity, Policy, TrustSnapshot, tls};
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};

const SCHEMES: [SignatureScheme; 4] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PSS_SHA256,
];

/// As long as what is signed in TLS 1.3 with SHA-256 (RFC 8446 section 4.4.3).
const MESSAGE: [u8; 130] = [0x20; 130];

fn mean(signer: &dyn Signer) -> Duration {
    const CALLS: u32 = 20;
    let begin = Instant::now();
    for _ in 0..CALLS {
        black_box(signer.sign(&MESSAGE).unwrap());
    }
    begin.elapsed() / CALLS
}

fn main() {
    let provider = tls::provider::default_provider();
    println!("| key | provider alone, us | with the scrub, us | difference, us |");
    println!("|---|---|---|---|");
    for kind in ["p256", "p384", "ed25519", "rsa2048"] {
        let file = |name: &str| format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let key = std::fs::read(file(&format!("keys/{kind}.key.pem"))).unwrap();
        let certificate = std::fs::read(file(&format!("ee-{kind}.pem"))).unwrap();
        let identity = Identity::from_pem(&certificate, &key, &provider).unwrap();
        let policy = Policy::new(tls::key_policy(&provider));
        let config =
            ClientConfigBuilder::new(provider.clone(), TrustSnapshot::default(), policy, identity);
        let config = config.build_by_name().unwrap();
        let ours = config.client_auth_cert_resolver.resolve(&[], &SCHEMES);
        let ours = ours.unwrap().key.choose_scheme(&SCHEMES).unwrap();
        let theirs = PrivateKeyDer::from_pem_slice(&key).unwrap();
        let theirs: std::sync::Arc<dyn SigningKey> =
            provider.key_provider.load_private_key(theirs).unwrap();
        let theirs = theirs.choose_scheme(&SCHEMES).unwrap();
        // The least of both, in turn: other work on the machine only adds to them.
        let (mut with, mut without) = (Duration::MAX, Duration::MAX);
        for _ in 0..200 {
            with = with.min(mean(&*ours));
            without = without.min(mean(&*theirs));
        }
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "| {kind} | {:.2} | {:.2} | {:.2} |",
            micros(without),
            micros(with),
            micros(with) - micros(without)
        );
    }
}
