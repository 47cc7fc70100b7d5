//! Which peer counts as unknown: only one of which nothing is known but that it has a key.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::Enrolment;
use mutual_trust::certificate::Certificate;
use mutual_trust::store::{BlockSelector, ValidityRule};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};
use rcgen::ExtendedKeyUsagePurpose;

use crate::enrolment::{HOUR, KeyServer, assert_silent};
use crate::support::handshake::handshake;
use crate::support::link::{Outside, Setting, pin, settings};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::variants::other;
use crate::support::{NOW, fixture, now};

/// Visits while enrolment is open. Returns whether the peer waits then; it must be refused for this reason.
fn waits(
    setting: &Setting,
    store: TrustStore,
    credential: &Credential,
    reason: ReasonCode,
) -> bool {
    let server = KeyServer::with(setting, store).open();
    let outcome = server.visit(credential, "192.0.2.7");
    outcome.expect_server_refuses(&setting.name, reason);
    let pending = server.enrolment.pending();
    assert!(pending.iter().all(|peer| peer.presented.reason() == reason));
    !pending.is_empty()
}

fn install(store: &mut TrustStore, certificate: &Certificate) {
    let options = EntryOptions::new();
    let scope = AuthorityScope::Clients;
    store
        .install_authority(scope, certificate.clone(), options)
        .unwrap();
}

#[test]
fn exactly_these_reasons_say_that_a_peer_is_unknown() {
    let unknown: Vec<&str> = ReasonCode::ALL
        .iter()
        .filter(|reason| reason.is_unknown_peer())
        .map(|reason| reason.code())
        .collect();
    assert_eq!(
        unknown,
        [
            "NothingInstalled",
            "NoUsablePin",
            "PinDoesNotMatch",
            "RenewedWithSameKey",
            "SameSubjectOtherKey",
            "UnknownIssuer",
            "SelfSignedNotInstalled",
            "CaUsedAsEndEntity",
            "UnparsableEndEntity",
            "PinsOnly",
        ]
    );
}

#[test]
fn peers_that_nothing_installed_matches_wait() {
    for setting in settings() {
        let system = self_signed("array-7.example");
        let own = Credential::of(&system, &[]);
        // Nothing is installed; a pin of another peer is; an authority is.
        assert!(waits(
            &setting,
            setting.store(),
            &own,
            ReasonCode::NothingInstalled
        ));
        let store = setting.pinning_client(&fixture("ee-p256"));
        assert!(waits(&setting, store, &own, ReasonCode::PinDoesNotMatch));
        let ca = pki("Example");
        let mut store = setting.store();
        install(&mut store, &ca.root.certificate);
        assert!(waits(
            &setting,
            store,
            &own,
            ReasonCode::SelfSignedNotInstalled
        ));
        // Of a CA that is not installed.
        let mut store = setting.store();
        install(&mut store, &ca.root.certificate);
        let other = pki("Other");
        let theirs = Credential::of(&other.client("array-7.example"), &[&other.intermediate]);
        assert!(waits(&setting, store, &theirs, ReasonCode::UnknownIssuer));
        // It renewed its certificate; or has a new key.
        let renewed = spec("array-7.example").key_of(&system).self_signed();
        let store = setting.pinning_client(&renewed.certificate);
        assert!(waits(&setting, store, &own, ReasonCode::RenewedWithSameKey));
        let before = self_signed("array-7.example");
        let store = setting.pinning_client(&before.certificate);
        assert!(waits(
            &setting,
            store,
            &own,
            ReasonCode::SameSubjectOtherKey
        ));
    }
}

#[test]
fn what_openssl_makes_by_default_and_certificates_of_version_1_can_wait() {
    for setting in settings() {
        for (name, key, reason) in [
            (
                "openssl-req-default",
                "openssl-req-default",
                ReasonCode::CaUsedAsEndEntity,
            ),
            ("v1", "v1", ReasonCode::UnparsableEndEntity),
        ] {
            let credential = Credential::fixture(name, key);
            let mut store = setting.store();
            install(&mut store, &pki("Example").root.certificate);
            assert!(waits(&setting, store, &credential, reason), "{name}");
        }
    }
}

#[test]
fn what_a_self_signed_client_sends_beside_its_certificate_keeps_it_from_nothing() {
    // C1: itself once more, as from a file that is both certificate and chain; an expired CA of its own name.
    for setting in settings() {
        let system = self_signed("array-7.example");
        let junk = spec("array-7.example").ca().valid(-1000, -10).self_signed();
        for beside in [&[&system][..], &[&junk], &[&system, &junk, &system]] {
            let mut store = setting.store();
            install(&mut store, &pki("Example").root.certificate);
            let server = KeyServer::with(&setting, store).open();
            let outcome = server.visit(&Credential::of(&system, beside), "192.0.2.7");
            let reason = ReasonCode::SelfSignedNotInstalled;
            let verdict = outcome.expect_server_refuses(&setting.name, reason);
            assert_eq!(server.only_pending().presented.reason(), reason);
            let error = outcome.server.unwrap_err();
            let texts = format!("{verdict} {verdict:?} {error} {error:?}");
            assert_silent(&texts, &system.certificate);
        }
    }
}

#[test]
fn no_refusal_shows_what_was_presented_while_enrolment_is_open() {
    // Whatever the reason: who is refused for it now may wait in the next connection.
    let day = 24 * 60 * 60;
    for setting in settings() {
        let ca = pki("Example");
        let with_ca = || {
            let mut store = setting.store();
            install(&mut store, &ca.root.certificate);
            store
        };
        let system = self_signed("array-7.example");
        let blocked = || {
            let mut store = setting.store();
            let selector = BlockSelector::Fingerprint(system.certificate.fingerprint());
            store.block_selector(selector);
            store
        };
        let nothing = || setting.store();
        let pinned = || setting.pinning_server(&system.certificate);
        type Build<'a> = &'a dyn Fn() -> TrustStore;
        let old = spec("a").client_auth().valid(-2 * day, -day);
        let other_root = spec("Example root").ca().self_signed();
        let no_ca = self_signed("no CA");
        let cases: [(ReasonCode, Build<'_>, Certificate, Vec<Certificate>); 7] = [
            (ReasonCode::Blocked, &blocked, system.certificate(), vec![]),
            (
                ReasonCode::NothingInstalled,
                &nothing,
                spec("a").valid(-2 * day, -day).self_signed().certificate(),
                vec![],
            ),
            (
                ReasonCode::Expired,
                &with_ca,
                old.signed_by(&ca.root).certificate(),
                vec![],
            ),
            (
                ReasonCode::ChainSignatureInvalid,
                &with_ca,
                spec("a").signed_by(&other_root).certificate(),
                vec![],
            ),
            (
                ReasonCode::IssuerCannotSign,
                &with_ca,
                spec("a").signed_by(&no_ca).certificate(),
                vec![no_ca.certificate()],
            ),
            (
                ReasonCode::AuthorityPresentedAsPeer,
                &with_ca,
                ca.root.certificate(),
                vec![],
            ),
            (
                ReasonCode::InstalledForOtherRole,
                &pinned,
                system.certificate(),
                vec![],
            ),
        ];
        for (reason, store, leaf, beside) in cases {
            for open in [true, false] {
                let server = KeyServer::with(&setting, store());
                let server = if open { server.open() } else { server };
                let mut presented = Credential::of(&system, &[]).presenting(leaf.der().to_vec());
                for certificate in &beside {
                    presented = presented.and(certificate);
                }
                let outcome = server.visit(&presented, "192.0.2.7");
                let verdict = outcome.expect_server_refuses(&setting.name, reason);
                let error = outcome.server.unwrap_err();
                let texts = format!("{verdict} {verdict:?} {error} {error:?}");
                if open {
                    assert_silent(&texts, &leaf);
                } else {
                    let fingerprint = leaf.fingerprint().to_string();
                    assert!(texts.contains(&fingerprint), "{texts}");
                }
                // What to do is told all the same.
                assert!(verdict.remedy().len() > 10, "{verdict}");
            }
        }
    }
}

#[test]
fn a_blocked_peer_never_waits() {
    // P1
    for setting in settings() {
        let system = self_signed("array-7.example");
        // A block, also by the key alone of another certificate of it.
        let renewed = spec("array-7.example").key_of(&system).self_signed();
        for made in [&system, &renewed] {
            let mut store = setting.store();
            store.block(&system.certificate);
            let credential = Credential::of(made, &[]);
            assert!(!waits(&setting, store, &credential, ReasonCode::Blocked));
        }
        // Nor with the other value of the signature of a blocked certificate.
        let mut store = setting.store();
        let changed = other(&system.certificate);
        store.block_selector(BlockSelector::Fingerprint(changed.fingerprint()));
        let credential = Credential::of(&system, &[]);
        assert!(!waits(&setting, store, &credential, ReasonCode::Blocked));
    }
}

/// Nothing installed matches it, so that the verdict says no more; yet it could not be accepted.
fn never_waits(setting: &Setting, what: &str, made: &Made) {
    let credential = Credential::of(made, &[]);
    let reason = ReasonCode::NothingInstalled;
    let waited = waits(setting, setting.store(), &credential, reason);
    assert!(!waited, "{what} {}", setting.name);
    let reason = ReasonCode::PinDoesNotMatch;
    let store = setting.pinning_client(&fixture("ee-p256"));
    assert!(!waits(setting, store, &credential, reason), "{what}");
}

#[test]
fn an_unknown_peer_that_could_not_be_accepted_never_waits() {
    // M3, M4, M6
    let day = 24 * 60 * 60;
    for setting in settings() {
        let expired = spec("a").valid(-2 * day, -day).self_signed();
        never_waits(&setting, "expired", &expired);
        let early = spec("a").valid(day, 2 * day).self_signed();
        never_waits(&setting, "not yet valid", &early);
        let role = spec("a").server_auth().self_signed();
        never_waits(&setting, "for the other role", &role);
        let usage = ExtendedKeyUsagePurpose::CodeSigning;
        let usage = spec("a").extended_key_usage(usage).self_signed();
        never_waits(&setting, "for another use", &usage);
        let critical = spec("a")
            .critical_extension(&[1, 3, 6, 1, 4, 1, 99])
            .self_signed();
        never_waits(&setting, "unknown critical extension", &critical);
    }
}

#[test]
fn a_forged_self_signature_and_a_malformed_certificate_never_wait() {
    // I4
    for setting in settings() {
        let system = self_signed("array-7.example");
        let mut der = system.certificate.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        if Certificate::from_der(&der).is_ok() {
            let forged = Credential::of(&system, &[]).presenting(der);
            let reason = ReasonCode::NothingInstalled;
            assert!(!waits(&setting, setting.store(), &forged, reason));
        }
        let mut der = system.certificate.der().to_vec();
        der.push(0);
        let malformed = Credential::of(&system, &[]).presenting(der);
        let reason = ReasonCode::MalformedCertificate;
        assert!(!waits(&setting, setting.store(), &malformed, reason));
    }
}

#[test]
fn peers_that_installed_certificates_speak_against_never_wait() {
    for setting in settings() {
        // A pin that has expired, ended, or is for the other role is held all the same: no match, but final (P5).
        let day = 24 * 60 * 60;
        let expired = spec("a").valid(-2 * day, -day).self_signed();
        let mut store = setting.store();
        pin(&mut store, PinScope::Clients, &expired.certificate);
        let credential = Credential::of(&expired, &[]);
        assert!(!waits(&setting, store, &credential, ReasonCode::Expired));
        // I7: a server's certificate, coming as a client.
        let server = self_signed("kms1.example");
        let store = setting.pinning_server(&server.certificate);
        let credential = Credential::of(&server, &[]);
        let reason = ReasonCode::InstalledForOtherRole;
        assert!(!waits(&setting, store, &credential, reason));
        // I3: signed by the key of a pin.
        let pinned = self_signed("array-1.example");
        let below = spec("array-2.example").signed_by(&pinned);
        let store = setting.pinning_client(&pinned.certificate);
        let credential = Credential::of(&below, &[]);
        assert!(!waits(
            &setting,
            store,
            &credential,
            ReasonCode::IssuedByPin
        ));
        // C1: of an installed authority, and expired.
        let ca = pki("Example");
        let mut store = setting.store();
        install(&mut store, &ca.root.certificate);
        let old = spec("a")
            .client_auth()
            .valid(-2 * day, -day)
            .signed_by(&ca.root);
        let credential = Credential::of(&old, &[]);
        assert!(!waits(&setting, store, &credential, ReasonCode::Expired));
        // C3: a CA itself.
        let ca = spec("ca").ca().self_signed();
        let mut store = setting.store();
        install(&mut store, &ca.certificate);
        let credential = Credential::of(&ca, &[]);
        let reason = ReasonCode::AuthorityPresentedAsPeer;
        assert!(!waits(&setting, store, &credential, reason));
    }
}

#[test]
fn a_certificate_without_its_key_never_waits() {
    // M2: the leaf of another peer, with and without what is behind it
    for setting in settings() {
        let victim = self_signed("array-7.example");
        let thief = Credential::of(&self_signed("thief.example"), &[]);
        let server = KeyServer::new(&setting).open();
        let stolen = Credential::of(&victim, &[]).signing_as(&thief);
        for credential in [stolen.clone(), stolen.and(&fixture("ca-root"))] {
            let outcome = server.visit(&credential, "192.0.2.7");
            let reason = ReasonCode::HandshakeSignatureInvalid;
            let verdict = outcome.expect_server_refuses(&setting.name, reason);
            // The fingerprint is the victim's, and would be copied from here.
            assert_silent(&format!("{verdict} {verdict:?}"), &victim.certificate);
            assert!(server.enrolment.pending().is_empty(), "{}", setting.name);
        }
        // The victim itself waits, and that does not help the thief.
        server.knock(&victim, "192.0.2.7");
        server.visit(
            &Credential::of(&victim, &[]).signing_as(&thief),
            "192.0.2.7",
        );
        assert_eq!(server.only_pending().attempts, 1, "{}", setting.name);
    }
}

#[test]
fn without_a_clock_nobody_waits() {
    // M7: it is not known when enrolment ends
    let setting = &settings()[0];
    let server = KeyServer::new(setting).open();
    server.clock.set(0);
    assert!(!server.enrolment.is_open());
    server.knock(&self_signed("array-7.example"), "192.0.2.7");
    server.clock.set(NOW);
    assert!(server.enrolment.is_open());
    assert!(server.enrolment.pending().is_empty());
}

#[test]
fn an_expired_certificate_waits_if_the_policy_has_a_grace_for_it() {
    // M3: the judgement is by the same policy as the verdict
    let day = 24 * 60 * 60;
    let setting = &settings()[0];
    let expired = spec("a").valid(-2 * day, -day).self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(3 * 86_400));
    let policy = setting.policy().with_validity(grace).unwrap();
    let identity = self_signed("kms1.example").identity(&[], &setting.provider);
    let enrolment = Enrolment::new(Arc::new(now()));
    enrolment.open_enrolment(HOUR, 4).unwrap();
    let acceptor = setting
        .server_with(setting.store().snapshot(), identity, policy, now())
        .enrolment(&enrolment)
        .unwrap();
    let config = acceptor.config_for("192.0.2.7".parse().unwrap()).unwrap();
    let client = setting.client_of(&Credential::of(&expired, &[]));
    let outcome = handshake(&client, &config, "kms1.example");
    outcome.expect_server_refuses("expired", ReasonCode::NothingInstalled);
    assert_eq!(enrolment.pending().len(), 1);
}

#[test]
fn a_client_does_not_see_whether_it_waits() {
    for setting in settings() {
        let unknown = self_signed("array-7.example");
        let blocked = self_signed("array-8.example");
        let store = || {
            let mut store = setting.pinning_client(&blocked.certificate);
            store.block(&blocked.certificate);
            store
        };
        let closed = KeyServer::with(&setting, store());
        let open = KeyServer::with(&setting, store()).open();
        let mut outside = BTreeSet::new();
        for (server, client, waits) in [
            (&closed, &unknown, false),
            (&open, &unknown, true),
            (&open, &blocked, false),
        ] {
            let pending = server.enrolment.pending().len();
            let outcome = server.knock(client, "192.0.2.7");
            let more = server.enrolment.pending().len() - pending;
            assert_eq!(more, usize::from(waits), "{}", setting.name);
            let error = outcome.server.unwrap_err();
            outside.insert(Outside::of(&error, &outcome.sent_last.by_server));
        }
        assert_eq!(outside.len(), 1, "{}: {outside:#?}", setting.name);
    }
}
