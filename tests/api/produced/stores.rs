//! Changes of a store that are refused.

use std::time::Duration;

use mutual_trust::certificate::Crl;
use mutual_trust::error::{KeyRefusal, StoreError, UnusablePinReason};
use mutual_trust::limits::{MAX_CRLS_PER_ISSUER, MAX_GRACE, MAX_SAN_PATTERNS};
use mutual_trust::store::{BlockSelector, CrlIssuer, EntryKey, Scope, Slot, ValidityRule};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, Fingerprint, GroupId, PinMatch, PinScope, TrustStore,
};
use rcgen::KeyUsagePurpose;

use crate::produced::Produced;
use crate::support::crl::{crl, point, sign};
use crate::support::der::{bytes, ecdsa_with_sha1, tree};
use crate::support::pki::{Made, spec};
use crate::support::{DAY, NOW, at, fixture, host, keys, server_id, store};

fn options() -> EntryOptions {
    EntryOptions::new()
}

fn group() -> GroupId {
    "g".parse().unwrap()
}

fn pin(name: &str) -> Certificate {
    spec(name).dns(name).self_signed().certificate
}

/// A store with the servers `a`, claimed, and `b`, and the group `g`.
fn filled() -> TrustStore {
    let mut store = store();
    let _ = store
        .add_server(server_id("a"), [host("a.example")])
        .unwrap();
    let _ = store
        .add_server(server_id("b"), [host("b.example")])
        .unwrap();
    let _ = store.add_group(group()).unwrap();
    let scope = PinScope::Server(server_id("a"));
    let _ = store.install_pin(scope, pin("a"), options()).unwrap();
    store
}

pub(crate) fn produce(produced: &mut Produced) {
    servers(produced);
    entries(produced);
    roles(produced);
    others(produced);
    crls(produced);
}

fn servers(produced: &mut Produced) {
    let mut store = filled();
    let (a, b, none) = (server_id("a"), server_id("b"), server_id("none"));
    produced.value(&StoreError::from("".parse::<GroupId>().unwrap_err()));
    produced.value(&StoreError::from(
        "".parse::<mutual_trust::HostName>().unwrap_err(),
    ));
    produced.error(store.remove_server(&none));
    produced.error(store.join_group(&"none".parse().unwrap(), &b));
    produced.error(store.add_server(a.clone(), []));
    produced.error(store.add_group(group()));
    produced.error(store.set_server_order([a.clone(), a.clone()]));
    let many = (0..65).map(|number| server_id(&format!("many-{number}")));
    let many: Vec<mutual_trust::ServerId> = many.collect();
    for id in &many {
        let _ = store.add_server(id.clone(), []).unwrap();
    }
    produced.error(store.set_server_order(many.clone()));
    let [one, two, ..] = many.as_slice() else {
        panic!("there are 65");
    };
    let _ = store.set_secondaries(one, [two.clone()]).unwrap();
    produced.error(store.set_secondaries(two, []));
    produced.error(store.add_name(&b, host("a.example")));
    produced.error(store.release_name(&host("none.example")));
    produced.error(store.remove_server(&a));
    produced.error(store.release(&b));
    produced.error(store.leave_group(&b));
    let _ = store.join_group(&group(), &b).unwrap();
    let scope = PinScope::Group(group());
    let _ = store.install_pin(scope, pin("g"), options()).unwrap();
    produced.error(store.release(&b));
    let _ = store.add_group("h".parse().unwrap()).unwrap();
    produced.error(store.join_group(&"h".parse().unwrap(), &b));
    produced.error(store.migrate(&a, at(NOW - DAY)));
    produced.error(store.migrate(&a, at(NOW + 367 * DAY)));
    let policy = crate::support::policy();
    produced.error(policy.with_max_intermediates(7));
    produced.error(
        policy
            .with_max_intermediates(0)
            .unwrap()
            .with_max_intermediates(1),
    );
    store.snapshot();
    let jumped = mutual_trust::CurrentTime::Known(at(NOW + 367 * DAY));
    let mut store = store.with_clock(std::sync::Arc::new(jumped));
    produced.error(store.migrate(&a, at(NOW + 368 * DAY)));
    let mut store = store.with_clock(std::sync::Arc::new(mutual_trust::CurrentTime::Unset));
    produced.error(store.migrate(&a, at(NOW - DAY)));
    produced.error(store.confirm_clock());
}

fn entries(produced: &mut Produced) {
    let mut store = filled();
    let scope = || PinScope::Server(server_id("a"));
    let certificate = pin("held");
    let print = Fingerprint::from_bytes([7; 32]);
    let missing = EntryKey::new(Slot::Pin, Scope::Clients, print);
    produced.error(store.remove(&missing));
    let _ = store
        .install_pin(scope(), certificate.clone(), options())
        .unwrap();
    let other = options().with_matching(PinMatch::PublicKey);
    produced.error(store.install_pin(scope(), certificate, other));
    let blocked = pin("blocked");
    let _ = store.block(&blocked);
    produced.error(store.install_pin(scope(), blocked, options()));
    produced.error(store.unblock(&BlockSelector::Fingerprint(print)));
    let mut with = |options| {
        produced.error(store.install_pin(scope(), pin("with"), options));
    };
    with(options().with_label("two\nlines"));
    with(options().with_validity(ValidityRule::Grace(MAX_GRACE + Duration::from_secs(1))));
    with(options().with_san_patterns(["dns:a".parse().unwrap()]));
    let patterns = (0..=MAX_SAN_PATTERNS).map(|number| format!("dns:a{number}").parse().unwrap());
    let many = options().with_san_patterns(patterns);
    let root = spec("root").ca().self_signed().certificate();
    produced.error(store.install_authority(AuthorityScope::Clients, root.clone(), many));

    let scopes = (PinScope::Clients, AuthorityScope::Clients);
    let bundle = store.classify_bundle(vec![root.clone()]);
    produced.error(store.install_bundle(&bundle, &scopes.0, &scopes.1, &options()));
    let _ = store.block(&root);
    let mut bundle = store.classify_bundle(vec![root]);
    bundle.decide(0, mutual_trust::store::Decision::Authority);
    produced.error(store.install_bundle(&bundle, &scopes.0, &scopes.1, &options()));

    let draft = store.draft();
    let _ = store.add_server(server_id("new"), []).unwrap();
    produced.error(store.commit(draft));
}

fn as_authority(certificate: Certificate) -> Result<mutual_trust::store::Report, StoreError> {
    store().install_authority(AuthorityScope::AnyServer, certificate, options())
}

fn roles(produced: &mut Produced) {
    produced.error(as_authority(fixture("v1")));
    produced.error(as_authority(fixture("ca-false")));
    produced.error(as_authority(fixture("ku-no-cert-sign")));
    for name in [
        "rsa1024",
        "field/key-zero",
        "field/key-rsa-e1",
        "field/key-rsa-long-exponent",
        "field/key-rsa-even",
    ] {
        match produced.error(store().install_pin(PinScope::Clients, fixture(name), options())) {
            StoreError::Key(refusal) => {
                produced.value(&refusal);
                if let KeyRefusal::VerifiesNothing { fault, .. } = refusal {
                    produced.value(&fault);
                }
            }
            other => panic!("{other}"),
        }
    }
    produced.error(store().install_pin(
        PinScope::Clients,
        fixture("broken-self-signature"),
        options(),
    ));
    let mut unread = tree(&fixture("ca-intermediate"));
    unread.at(&[0]).list().insert(7, bytes(0x82, &[0, 1]));
    let never: Vec<StoreError> = vec![
        store()
            .install_pin(PinScope::Clients, fixture("eku-server-only"), options())
            .unwrap_err(),
        store()
            .install_pin(
                PinScope::Clients,
                fixture("unknown-critical-extension"),
                options(),
            )
            .unwrap_err(),
        as_authority(Certificate::from_der(&unread.write()).unwrap()).unwrap_err(),
    ];
    for error in never {
        produced.value(&error);
        let StoreError::CanNeverMatch { why, .. } = error else {
            panic!("{error}");
        };
        let why: UnusablePinReason = why;
        produced.value(&why);
    }
}

/// A policy that knows no algorithm verifies no key.
fn others(produced: &mut Produced) {
    let mut none = TrustStore::new(mutual_trust::KeyPolicy::new(&[]));
    match produced.error(none.install_pin(PinScope::Clients, fixture("ca-false"), options())) {
        StoreError::Key(refusal) => produced.value(&refusal),
        other => panic!("{other}"),
    }
}

fn trusting(made: &Made) -> TrustStore {
    let mut store = TrustStore::new(keys()).with_clock(std::sync::Arc::new(crate::support::now()));
    let scope = AuthorityScope::AnyServer;
    let _ = store
        .install_authority(scope, made.certificate(), options())
        .unwrap();
    store
}

fn crls(produced: &mut Produced) {
    let issuer = spec("CA").ca().self_signed();
    let mut store = trusting(&issuer);
    produced.error(store.install_crl(crl().no_end().signed_by(&issuer)));
    let stranger = spec("Stranger").ca().self_signed();
    produced.error(store.install_crl(crl().signed_by(&stranger)));
    let changed = spec("CA").ca().self_signed();
    produced.error(store.install_crl(crl().signed_by(&changed)));
    let mute = spec("Mute")
        .ca()
        .key_usage(&[KeyUsagePurpose::KeyCertSign])
        .self_signed();
    produced.error(trusting(&mute).install_crl(crl().signed_by(&mute)));
    produced.error(store.install_crl(crl().wrong_signature().signed_by(&issuer)));
    let mut old = crl().tree(&issuer);
    *old.at(&[0, 1]) = ecdsa_with_sha1();
    *old.at(&[1]) = ecdsa_with_sha1();
    sign(&mut old, &issuer);
    produced.error(store.install_crl(Crl::from_der(&old.write()).unwrap()));
    let newer = crl().number(7).signed_by(&issuer);
    let _ = store.install_crl(newer).unwrap();
    produced.error(store.install_crl(crl().number(2).signed_by(&issuer)));
    produced.error(store.remove_crl(Fingerprint::from_bytes([7; 32])));
    produced.error(store.disable_revocation_checks(&CrlIssuer::of(&pin("other"))));
    let part = |number: usize| {
        let uri = format!("http://ca.example/{number}");
        crl().scope(vec![point(&[&uri])]).signed_by(&issuer)
    };
    let mut store = trusting(&issuer);
    for number in 0..MAX_CRLS_PER_ISSUER {
        let _ = store.install_crl(part(number)).unwrap();
    }
    produced.error(store.install_crl(part(MAX_CRLS_PER_ISSUER)));
}
