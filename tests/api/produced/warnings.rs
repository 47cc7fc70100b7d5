//! Warnings of changes and of verdicts.

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::certificate::{Crl, Fingerprint, KeyPin};
use mutual_trust::error::StoreError;
use mutual_trust::limits::MAX_SAME_SUBJECT_SIGNATURES;
use mutual_trust::policy::{ExpectedServer, VerdictWarning, VerifyRequest};
use mutual_trust::store::{BlockSelector, CrlIssuer, Report, ValidityRule};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, EntryOptions, PinScope, Policy, TrustSnapshot,
    TrustStore, decide,
};
use rcgen::{GeneralSubtree, KeyUsagePurpose, NameConstraints};

use crate::produced::Produced;
use crate::support::Lists as _;
use crate::support::crl::crl;
use crate::support::pki::{Made, Spec, spec};
use crate::support::{DAY, NOW, at, fixture, host, now, policy, server_id, store};

const DAY_: i64 = 24 * 60 * 60;

pub(crate) fn produce(produced: &mut Produced) {
    changes(produced);
    lists(produced);
    verdicts(produced);
}

fn told(produced: &mut Produced, report: Result<Report, StoreError>) {
    let report = report.unwrap();
    assert!(!report.warnings().is_empty(), "{report}");
    for warning in report.warnings().items() {
        produced.value(warning);
    }
}

fn options() -> EntryOptions {
    EntryOptions::new()
}

fn changes(produced: &mut Produced) {
    let as_pin = |spec: Spec, options| {
        store().install_pin(PinScope::Clients, spec.self_signed().certificate(), options)
    };
    told(
        produced,
        as_pin(spec("a").valid(-2 * DAY_, -DAY_), options()),
    );
    told(produced, as_pin(spec("a").valid(DAY_, 2 * DAY_), options()));
    told(
        produced,
        as_pin(spec("a").server_auth(), options().with_any_role()),
    );
    let usage = [KeyUsagePurpose::KeyEncipherment];
    told(produced, as_pin(spec("a").key_usage(&usage), options()));
    told(produced, as_pin(spec("a").ca(), options()));
    let mut blocking = store();
    let held = fixture("ee-p256");
    let (fingerprint, key) = (held.fingerprint(), held.key_pin());
    let _ = blocking
        .install_pin(PinScope::Clients, held, options())
        .unwrap();
    for mistaken in [
        BlockSelector::Key(KeyPin::from_bytes(*fingerprint.as_bytes())),
        BlockSelector::Fingerprint(Fingerprint::from_bytes(*key.as_bytes())),
    ] {
        told(produced, Ok(blocking.block_selector(mistaken)));
    }
    let mut many = store();
    for number in 0..=MAX_SAME_SUBJECT_SIGNATURES {
        let scope = AuthorityScope::AnyServer;
        let made = spec("a").ca().self_signed().certificate();
        let report = many.install_authority(scope, made, options());
        if number == MAX_SAME_SUBJECT_SIGNATURES {
            told(produced, report);
        }
    }
    let mut unlikely = store();
    for (id, name) in [("one", "one.example"), ("other", "other.example")] {
        let _ = unlikely.add_server(server_id(id), [host(name)]).unwrap();
    }
    let pin = |store: &mut TrustStore, id: &str, certificate| {
        store.install_pin(PinScope::Server(server_id(id)), certificate, options())
    };
    let of_one = || spec("a").dns("one.example").self_signed().certificate();
    let (first, of_other) = (of_one(), spec("a").dns("other.example").self_signed());
    let _ = pin(&mut unlikely, "one", first.clone()).unwrap();
    told(produced, pin(&mut unlikely, "one", of_other.certificate()));
    told(produced, pin(&mut unlikely, "one", of_one()));
    told(produced, pin(&mut unlikely, "other", first));
    let mut migrating = store();
    let id = server_id("keys-1");
    let _ = migrating.add_server(id.clone(), []).unwrap();
    let pin = spec("a").self_signed().certificate();
    let scope = PinScope::Server(id.clone());
    let _ = migrating.install_pin(scope, pin, options()).unwrap();
    told(produced, migrating.migrate(&id, at(NOW + DAY)));
    for seconds in [NOW - 2 * DAY, NOW + 367 * DAY] {
        let mut published = store();
        published.snapshot();
        let mut published = published.with_clock(Arc::new(CurrentTime::Known(at(seconds))));
        told(produced, published.add_server(server_id("keys-1"), []));
    }
    let sha1 = fixture("sha1-self-signed");
    told(
        produced,
        store().install_pin(PinScope::Clients, sha1, options()),
    );
    let constrained = spec("CA").ca().params(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::Rfc822Name("a@example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let constrained = constrained.self_signed().certificate();
    told(
        produced,
        store().install_authority(AuthorityScope::AnyServer, constrained, options()),
    );
    let mut one = store();
    let _ = one.add_server(server_id("a"), []).unwrap();
    let scope = PinScope::Server(server_id("a"));
    let held = spec("a").self_signed().certificate();
    let report = one.install_pin(scope, held, options()).unwrap();
    told(produced, one.remove(&report.entries().items()[0]));
    let root = spec("root").ca().self_signed();
    let leaf = spec("leaf").signed_by(&root).certificate();
    let mut bundle = one.classify_bundle(vec![root.certificate(), leaf]);
    bundle.decide(0, mutual_trust::store::Decision::Authority);
    told(
        produced,
        one.install_bundle(
            &bundle,
            &PinScope::Clients,
            &AuthorityScope::Clients,
            &options(),
        ),
    );
}

fn trusting(made: &Made) -> TrustStore {
    let mut store = store();
    let _ = store
        .add_server(server_id("a"), [host("a.example")])
        .unwrap();
    let scope = AuthorityScope::AnyServer;
    let _ = store
        .install_authority(scope, made.certificate(), options())
        .unwrap();
    store
}

fn lists(produced: &mut Produced) {
    let issuer = spec("CA").ca().self_signed();
    let mut put = |list: Crl| told(produced, trusting(&issuer).install_crl(list));
    put(crl().valid(-2 * DAY_, -DAY_).signed_by(&issuer));
    put(crl().valid(DAY_, 2 * DAY_).signed_by(&issuer));
    put(crl().version_1().signed_by(&issuer));
    let mut store = trusting(&issuer);
    let _ = store.install_crl(crl().signed_by(&issuer)).unwrap();
    told(
        produced,
        store.install_crl(crl().no_number().signed_by(&issuer)),
    );
    let mut store = trusting(&issuer);
    let newer_first = [2, 1].map(|number| crl().number(number).signed_by(&issuer));
    let mut done = store.install_crls(newer_first);
    told(produced, done.remove(1));
    let mut store = trusting(&issuer);
    let list = crl().signed_by(&issuer);
    let print = list.fingerprint();
    let _ = store.install_crl(list).unwrap();
    told(produced, store.remove_crl(print));
    assert!(
        store
            .contents()
            .revocation_checked_issuers()
            .any(|one| one == CrlIssuer::of(&issuer.certificate))
    );
    let issuer = CrlIssuer::of(&issuer.certificate);
    told(produced, store.disable_revocation_checks(&issuer));
}

fn ask(
    produced: &mut Produced,
    view: &TrustSnapshot,
    policy: &Policy,
    leaf: &Certificate,
    target: Option<ExpectedServer<'_>>,
    clock: CurrentTime,
) {
    let leaf = leaf.der();
    let question = match target {
        Some(target) => VerifyRequest::server(target, leaf, &[], clock),
        None => VerifyRequest::client(leaf, &[], clock),
    };
    let verdict = decide(view, policy, &question);
    // That the clock jumped is said of refusals.
    let mut warnings = verdict.warnings().iter();
    let jumped = warnings.any(|warning| matches!(warning, VerdictWarning::ClockJumped(_)));
    assert_ne!(verdict.is_accepted(), jumped, "{verdict}");
    assert!(!verdict.warnings().is_empty(), "{verdict}");
    for warning in verdict.warnings() {
        produced.value(warning);
    }
}

fn verdicts(produced: &mut Produced) {
    let client = |spec: Spec, options: EntryOptions| {
        let made = spec.self_signed();
        let mut store = store();
        let _ = store
            .install_pin(PinScope::Clients, made.certificate(), options)
            .unwrap();
        (store.snapshot(), made.certificate())
    };
    let grace = ValidityRule::Grace(Duration::from_secs(10 * DAY));
    let usage = [KeyUsagePurpose::KeyEncipherment];
    for (spec, options, clock) in [
        (spec("a"), options(), CurrentTime::Unset),
        (
            spec("a"),
            options(),
            CurrentTime::Known(at(NOW + 367 * DAY)),
        ),
        (
            spec("a").valid(-2 * DAY_, -DAY_),
            options().with_validity(grace),
            now(),
        ),
        (spec("a").key_usage(&usage), options(), now()),
        (spec("a").server_auth(), options().with_any_role(), now()),
    ] {
        let (view, leaf) = client(spec, options);
        ask(produced, &view, &policy(), &leaf, None, clock);
    }
    let sha1 = fixture("sha1-self-signed");
    let mut bare = store();
    let _ = bare
        .install_pin_fingerprint(PinScope::Clients, sha1.fingerprint(), options())
        .unwrap();
    ask(produced, &bare.snapshot(), &policy(), &sha1, None, now());

    let root = spec("root").ca().self_signed();
    let leaf = spec("leaf").dns("a.example").dns("u.example").server_auth();
    let leaf = leaf.signed_by(&root).certificate();
    let id = server_id("a");
    let by_id = Some(ExpectedServer::id(&id, None));
    // The names of the other end of a pin are the scope's business.
    let mut pinned = trusting(&root);
    let scope = PinScope::Server(id.clone());
    let _ = pinned
        .install_pin(scope.clone(), leaf.clone(), options())
        .unwrap();
    let dialled = host("other.example");
    let target = Some(ExpectedServer::id(&id, Some(&dialled)));
    ask(
        produced,
        &pinned.snapshot(),
        &policy(),
        &leaf,
        target,
        now(),
    );

    let mut migrating = trusting(&root);
    let other = spec("other").self_signed().certificate();
    let _ = migrating.install_pin(scope, other, options()).unwrap();
    let _ = migrating.migrate(&id, at(NOW + DAY)).unwrap();
    ask(
        produced,
        &migrating.snapshot(),
        &policy(),
        &leaf,
        by_id,
        now(),
    );
    let unlisted = host("u.example");
    let target = Some(ExpectedServer::Name(&unlisted));
    ask(
        produced,
        &trusting(&root).snapshot(),
        &policy().with_unlisted_allowed(),
        &leaf,
        target,
        now(),
    );

    let mut listed = trusting(&root);
    let _ = listed
        .install_crl(crl().valid(-5 * DAY_, -DAY_).signed_by(&root))
        .unwrap();
    let lenient = policy()
        .with_crl_grace(Duration::from_secs(10 * DAY))
        .unwrap();
    ask(produced, &listed.snapshot(), &lenient, &leaf, by_id, now());

    // A CA without a key usage.
    let silent = spec("silent").ca().key_usage(&[]).self_signed();
    let below = spec("leaf")
        .dns("a.example")
        .server_auth()
        .signed_by(&silent);
    ask(
        produced,
        &trusting(&silent).snapshot(),
        &policy(),
        &below.certificate,
        by_id,
        now(),
    );
    assert_eq!(Arc::new(now()).as_ref(), &now());
}
