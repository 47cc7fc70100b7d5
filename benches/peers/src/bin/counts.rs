//! The hot paths, each in a function of its own, for `benches/instructions`, which counts under callgrind what they
//! execute. Every certificate is a fixture, and nothing depends on chance but the keys of the hashers: what is found
//! in tables is looked up for many peers, so that the mean stays.
//!
//! Prints how often each function does its work.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::file::{UnknownRecords, read, write};
use mutual_trust::certificate::Certificate;
use mutual_trust::policy::{ChainMemory, ExpectedServer, VerifyRequest};
use mutual_trust::store::LiveTrust;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, HostName, PinMatch, PinScope, Policy, ReasonCode,
    ServerId, TrustSnapshot, TrustStore, decide, tls,
};
use mutual_trust_peers::{synthetic, variant};
use pki_types::{CertificateDer, UnixTime};

const PIN: &[u8] = include_bytes!("../../../../tests/fixtures/ee-p256.pem");
const ROOT: &[u8] = include_bytes!("../../../../tests/fixtures/ca-root.pem");
const INTERMEDIATE: &[u8] = include_bytes!("../../../../tests/fixtures/ca-intermediate.pem");
const LEAF: &[u8] = include_bytes!("../../../../tests/fixtures/chain-server.pem");
const BUNDLE: &[u8] = include_bytes!("../../../../tests/fixtures/bundle-mixed.pem");

/// Entries in the larger stores.
const MANY: u32 = 4_096;

/// A function of its own for callgrind, and a line that says how often it does its work.
macro_rules! measured {
    ($name:ident, $times:expr, $work:expr) => {{
        #[inline(never)]
        fn $name(times: u32, work: &mut dyn FnMut(u32)) {
            for number in 0..times {
                work(number);
            }
        }
        // What is done once, at the first call, does not count.
        let work: &mut dyn FnMut(u32) = &mut $work;
        work(0);
        $name($times, work);
        println!("{} {}", stringify!($name), $times);
    }};
}

struct World {
    id: ServerId,
    name: HostName,
    clock: CurrentTime,
    policy: Policy,
}

fn certificate(pem: &[u8]) -> Certificate {
    Certificate::from_pem(pem).expect("a fixture")
}

impl World {
    fn store(&self) -> TrustStore {
        let keys = *self.policy.key_policy();
        let mut store = TrustStore::new(keys).with_clock(Arc::new(self.clock));
        let added = store.add_server(self.id.clone(), [self.name.clone()]);
        added.expect("a new server");
        store
    }

    fn pinned(&self, matching: Option<PinMatch>) -> TrustSnapshot {
        let mut store = self.store();
        let scope = PinScope::Server(self.id.clone());
        let pin = certificate(PIN);
        let installed = match matching {
            Some(matching) => {
                let options = EntryOptions::new().with_matching(matching);
                store.install_pin(scope, pin, options)
            }
            None => {
                let options = EntryOptions::new();
                store.install_pin_fingerprint(scope, pin.fingerprint(), options)
            }
        };
        installed.expect("a pin");
        store.snapshot()
    }

    /// Asks about one server.
    fn server<'a>(&'a self, presented: &'a [CertificateDer<'a>]) -> VerifyRequest<'a> {
        let (leaf, rest) = presented.split_first().expect("a certificate");
        let target = ExpectedServer::id(&self.id, Some(&self.name));
        VerifyRequest::server(target, leaf, rest, self.clock)
    }

    fn ask(&self, view: &TrustSnapshot, question: &VerifyRequest<'_>, expected: ReasonCode) {
        let verdict = decide(view, &self.policy, question);
        assert_eq!(verdict.reason(), expected);
        drop(black_box(verdict));
    }
}

fn main() {
    let provider = tls::provider::aws_lc_rs();
    let world = World {
        id: "keys-1".parse().expect("an id"),
        name: "kms1.example".parse().expect("a name"),
        clock: CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(
            1_798_761_600,
        ))),
        policy: Policy::new(tls::key_policy(&provider)),
    };
    pins(&world);
    chains(&world);
    reading();
    stores(&world);
}

fn pins(world: &World) {
    let pin = [certificate(PIN).der().to_vec().into()];
    let question = world.server(&pin);
    let view = world.pinned(Some(PinMatch::Certificate));
    measured!(verdict_pin, 10_000, |_| world.ask(
        &view,
        &question,
        ReasonCode::PinMatched
    ));
    let view = world.pinned(Some(PinMatch::PublicKey));
    measured!(verdict_key, 10_000, |_| world.ask(
        &view,
        &question,
        ReasonCode::KeyMatched
    ));
    let view = world.pinned(None);
    measured!(verdict_fingerprint, 200, |_| world.ask(
        &view,
        &question,
        ReasonCode::FingerprintMatched
    ));
    let leaf = certificate(LEAF);
    let presented = [leaf.der().to_vec().into()];
    let question = world.server(&presented);
    let view = world.pinned(Some(PinMatch::Certificate));
    measured!(verdict_pin_refused, 1_000, |_| world.ask(
        &view,
        &question,
        ReasonCode::PinDoesNotMatch
    ));

    let mut store = world.store();
    let variants = (0..MANY).map(|number| CertificateDer::from(variant(&leaf, number)));
    let variants: Vec<CertificateDer<'static>> = variants.collect();
    for der in &variants {
        let certificate = Certificate::from_der(der).expect("a variant");
        let installed = store.install_pin(
            PinScope::Clients,
            certificate,
            EntryOptions::new().with_any_role(),
        );
        installed.expect("a pin");
    }
    let view = store.snapshot();
    measured!(verdict_pin_among_many, MANY, |number| {
        let at = usize::try_from(number).expect("few");
        let question = VerifyRequest::client(&variants[at], &[], world.clock);
        world.ask(&view, &question, ReasonCode::PinMatched);
    });
}

fn chains(world: &World) {
    let mut store = world.store();
    let scope = AuthorityScope::AnyServer;
    let installed = store.install_authority(scope, certificate(ROOT), EntryOptions::new());
    installed.expect("an authority");
    let chain = [LEAF, INTERMEDIATE].map(|pem| certificate(pem).der().to_vec().into());
    let question = world.server(&chain);
    let expected = ReasonCode::ChainVerified;
    let intermediate = certificate(INTERMEDIATE);
    let forgetful = (0..=20).map(|_| synthetic::forgetful(&mut store, &intermediate));
    let forgetful: Vec<TrustSnapshot> = forgetful.collect();
    let mut views = forgetful.iter();
    measured!(verdict_chain, 20, |_| world.ask(
        views.next().expect("one for each time"),
        &question,
        expected
    ));
    let view = &forgetful[0];
    measured!(verdict_chain_known_intermediate, 40, |_| world
        .ask(view, &question, expected));
    let installed = store.install_intermediate(intermediate, EntryOptions::new());
    installed.expect("an intermediate");
    let view = store.snapshot();
    measured!(verdict_chain_installed_intermediate, 40, |_| world
        .ask(&view, &question, expected));
    let memory = ChainMemory::new(world.policy.with_remembered_chains(1_000).unwrap());
    measured!(verdict_chain_remembered, 5_000, |_| {
        let verdict = memory.decide(&view, &question);
        assert!(verdict.is_ok());
        drop(black_box(verdict));
    });
}

fn reading() {
    let der = certificate(PIN).der().to_vec();
    measured!(certificate_read, 500, |_| drop(black_box(
        Certificate::from_der(&der).expect("a fixture")
    )));
    measured!(pem_bundle_read, 100, |_| drop(black_box(
        Certificate::many_from_pem(BUNDLE).expect("a fixture")
    )));
    measured!(host_name_read, 2_000, |_| drop(black_box(
        "kms1.example".parse::<HostName>().expect("a name")
    )));
}

fn stores(world: &World) {
    let leaf = certificate(LEAF);
    let mut store = world.store();
    let variants = (0..MANY + 1_001).map(|number| variant(&leaf, number));
    let variants: Vec<Vec<u8>> = variants.collect();
    let install = |store: &mut TrustStore, der: &[u8]| {
        let certificate = Certificate::from_der(der).expect("a variant");
        let options = EntryOptions::new().with_any_role();
        let installed = store.install_pin(PinScope::Clients, certificate, options);
        installed.expect("a pin");
    };
    let (installed, more) = variants.split_at(usize::try_from(MANY).expect("few"));
    for der in installed {
        install(&mut store, der);
    }
    let live = LiveTrust::new(store.snapshot());
    // The tables have room for this many more.
    let mut more = more.iter();
    measured!(publish_a_pin_among_many, 1_000, |_| {
        install(&mut store, more.next().expect("one for each time"));
        live.publish(store.snapshot()).expect("a newer view");
    });
    let mut store = world.store();
    for der in &variants[..256] {
        install(&mut store, der);
    }
    let keys = *world.policy.key_policy();
    let written = || write(store.contents(), &UnknownRecords::default(), None).expect("a store");
    let text = written().0;
    measured!(store_file_written_256, 10, |_| drop(black_box(written())));
    measured!(store_file_read_256, 5, |_| drop(black_box(
        read(text.as_bytes(), keys, None).expect("a store file")
    )));
}
