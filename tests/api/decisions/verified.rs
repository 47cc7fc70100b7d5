//! What verdicts verified before (rule C5) spares signatures and makes no verdict another one: it is that of a store
//! which nothing was asked yet. Signatures are counted, never timed.

use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::limits::{MAX_VERIFIED, MAX_VERIFIED_CERTIFICATE_BYTES, MAX_VERIFIED_OF_KEY};
use mutual_trust::policy::ExpectedServer;
use mutual_trust::store::{BlockSelector, EntryKey, Scope, Slot};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, KeyPolicy, Policy, ReasonCode, TrustStore, Verdict,
    VerifyRequest, decide,
};
use pki_types::CertificateDer;

use super::counted::{algorithms, counted, counting};
use super::support::crl::crl;
use super::support::pki::{Made, Spec, spec};
use super::support::{NOW, at, host, now, server_id, variants};

const DAY: i64 = 24 * 60 * 60;

/// What a peer presents, of which server it is asked, and when.
#[derive(Clone)]
struct Asked {
    server: &'static str,
    sent: Vec<CertificateDer<'static>>,
    clock: CurrentTime,
}

fn asked(sent: &[&Certificate]) -> Asked {
    Asked {
        server: "keys-1",
        sent: sent.iter().map(|one| one.der().to_vec().into()).collect(),
        clock: now(),
    }
}

fn answer(store: &mut TrustStore, keys: KeyPolicy, asked: &Asked) -> Verdict {
    let view = store.snapshot();
    let (leaf, rest) = asked.sent.split_first().unwrap();
    let id = server_id(asked.server);
    let name = host("kms1.example");
    let target = ExpectedServer::id(&id, Some(&name));
    let question = VerifyRequest::server(target, leaf, rest, asked.clock);
    decide(&view, &Policy::new(keys), &question)
}

/// How many signatures an accepted chain takes.
#[track_caller]
fn taken(store: &mut TrustStore, asked: &Asked) -> usize {
    let (verdict, verified) = counted(|| answer(store, counting(), asked));
    assert!(verdict.is_accepted(), "{verdict}");
    verified
}

/// A store with two servers of one name to dial, and authorities for the first.
fn store(authorities: &[&Made]) -> TrustStore {
    let mut store = TrustStore::new(counting()).with_clock(Arc::new(now()));
    for id in ["keys-1", "keys-2"] {
        store.add_server(server_id(id), []).unwrap();
    }
    for authority in authorities {
        trust(&mut store, "keys-1", authority);
    }
    store
}

fn trust(store: &mut TrustStore, server: &str, authority: &Made) {
    let scope = AuthorityScope::Server(server_id(server));
    store
        .install_authority(scope, authority.certificate(), EntryOptions::new())
        .unwrap();
}

fn server() -> Spec {
    spec("kms1.example").dns("kms1.example").server_auth()
}

fn ca(name: &str) -> Spec {
    spec(name).ca()
}

/// A root, two CAs below it, and an end entity below each of them.
struct Site {
    root: Made,
    upper: Made,
    lower: Made,
    leaf: Made,
    deep: Made,
}

fn site() -> Site {
    let root = ca("root").self_signed();
    let upper = ca("upper").signed_by(&root);
    let lower = ca("lower").signed_by(&upper);
    let leaf = server().signed_by(&upper);
    let deep = server().signed_by(&lower);
    Site {
        root,
        upper,
        lower,
        leaf,
        deep,
    }
}

#[test]
fn an_intermediate_that_was_verified_before_is_not_verified_again() {
    let Site {
        root,
        upper,
        lower,
        leaf,
        deep,
    } = site();
    let mut store = store(&[&root]);
    let short = asked(&[&leaf.certificate, &upper.certificate]);
    let long = asked(&[&deep.certificate, &lower.certificate, &upper.certificate]);
    assert_eq!(taken(&mut store, &short), 2);
    assert_eq!(taken(&mut store, &short), 1);
    // Of three presented, the upper one is known already.
    assert_eq!(taken(&mut store, &long), 2);
    assert_eq!(taken(&mut store, &long), 1);
    // An end entity that was never seen, and another publication.
    let other = server().signed_by(&lower);
    store.add_server(server_id("keys-3"), []).unwrap();
    let other = asked(&[&other.certificate, &upper.certificate, &lower.certificate]);
    assert_eq!(taken(&mut store, &other), 1);
}

#[test]
fn an_intermediate_that_is_installed_and_presented_costs_nothing() {
    let Site {
        root,
        upper,
        lower,
        leaf,
        deep,
    } = site();
    let mut store = store(&[&root]);
    for installed in [&upper, &lower] {
        let options = EntryOptions::new();
        store
            .install_intermediate(installed.certificate(), options)
            .unwrap();
    }
    let sent: [&[&Certificate]; 4] = [
        &[&leaf.certificate],
        &[&leaf.certificate, &upper.certificate],
        &[&deep.certificate],
        &[&deep.certificate, &lower.certificate, &upper.certificate],
    ];
    for sent in sent {
        assert_eq!(taken(&mut store, &asked(sent)), 1);
    }
}

/// The verdict on each question is that of a store which was asked nothing before: all that it has, as text. `change` is
/// made after the stores were asked the first questions.
#[track_caller]
fn expect_same(
    build: &dyn Fn() -> TrustStore,
    before: &[Asked],
    change: &dyn Fn(&mut TrustStore),
    after: &[Asked],
) -> Vec<Verdict> {
    let keys = counting();
    let mut warm = build();
    for asked in before {
        let verdict = answer(&mut warm, keys, asked);
        assert!(verdict.is_accepted(), "{verdict}");
    }
    change(&mut warm);
    let answers = after.iter().map(|asked| {
        let mut cold = build();
        change(&mut cold);
        let cold = answer(&mut cold, keys, asked);
        let warm = answer(&mut warm, keys, asked);
        assert_eq!(format!("{warm:?}"), format!("{cold:?}"));
        warm
    });
    answers.collect()
}

fn nothing(_: &mut TrustStore) {}

/// The same certificate with other content and the old signature, in as many bytes.
fn changed(certificate: &Certificate) -> Certificate {
    let bytes = certificate.der();
    let end = b"2707".as_slice();
    let mut found = bytes.windows(end.len()).rposition(|window| window == end);
    let mut bytes = bytes.to_vec();
    let place = found.take().expect("notAfter");
    bytes[place + 1] = b'8';
    Certificate::from_der(&bytes).unwrap()
}

#[test]
fn other_bytes_and_other_keys_are_not_what_was_verified() {
    let Site {
        root,
        upper,
        lower,
        leaf,
        deep,
    } = site();
    // Another CA of the name of the root; it has no key identifier, so that it is tried.
    let named = ca("root").no_authority_key_id().self_signed();
    let same_name = ca("upper").signed_by(&root);
    let build = || {
        let mut store = store(&[&root]);
        trust(&mut store, "keys-2", &named);
        store
    };
    let before = [
        asked(&[&leaf.certificate, &upper.certificate]),
        asked(&[&deep.certificate, &lower.certificate, &upper.certificate]),
    ];
    let renewed = changed(&upper.certificate);
    assert_eq!(renewed.der().len(), upper.certificate.der().len());
    let mut after = before.to_vec();
    after.extend([
        // The same signature over other bytes, which end as the known ones.
        asked(&[&leaf.certificate, &renewed]),
        // The other signature (r, n - s) over the same bytes.
        asked(&[&leaf.certificate, &variants::other(&upper.certificate)]),
        // Another key of the same name.
        asked(&[&leaf.certificate, &same_name.certificate]),
        asked(&[
            &leaf.certificate,
            &same_name.certificate,
            &upper.certificate,
        ]),
        // Known, and signed by no authority of this server.
        Asked {
            server: "keys-2",
            ..before[0].clone()
        },
        Asked {
            server: "keys-2",
            ..before[1].clone()
        },
        asked(&[&leaf.certificate]),
        asked(&[&deep.certificate, &upper.certificate]),
    ]);
    let reasons = expect_same(&build, &before, &nothing, &after);
    let reasons: Vec<ReasonCode> = reasons.iter().map(Verdict::reason).collect();
    assert_eq!(
        reasons,
        [
            ReasonCode::ChainVerified,
            ReasonCode::ChainVerified,
            ReasonCode::ChainSignatureInvalid,
            ReasonCode::ChainVerified,
            ReasonCode::ChainSignatureInvalid,
            ReasonCode::ChainVerified,
            ReasonCode::ChainSignatureInvalid,
            ReasonCode::ChainSignatureInvalid,
            ReasonCode::UnknownIssuer,
            ReasonCode::UnknownIssuer,
        ]
    );
}

#[test]
fn a_known_intermediate_is_judged_each_time() {
    let Site {
        root, upper, leaf, ..
    } = site();
    let short = ca("short").valid(-DAY, DAY).signed_by(&root);
    let below = server().signed_by(&short);
    let before = [
        asked(&[&leaf.certificate, &upper.certificate]),
        asked(&[&below.certificate, &short.certificate]),
    ];
    let later = |asked: &Asked, clock| Asked {
        clock,
        ..asked.clone()
    };
    let tomorrow = CurrentTime::Known(at(NOW + 2 * 24 * 60 * 60));
    let mut after = before.to_vec();
    after.extend(before.iter().map(|one| later(one, tomorrow)));
    after.extend(before.iter().map(|one| later(one, CurrentTime::Unset)));
    let build = || store(&[&root]);
    let reasons = |change: &dyn Fn(&mut TrustStore)| -> Vec<ReasonCode> {
        let verdicts = expect_same(&build, &before, change, &after);
        verdicts.iter().map(Verdict::reason).take(4).collect()
    };
    use ReasonCode::{Blocked, ChainVerified, IssuerExpired, NothingInstalled, Revoked};
    assert_eq!(
        reasons(&nothing),
        [ChainVerified, ChainVerified, ChainVerified, IssuerExpired]
    );
    let blocked = reasons(&|store| drop(store.block(&upper.certificate)));
    assert_eq!(blocked, [Blocked, ChainVerified, Blocked, IssuerExpired]);
    let list = crl().revoke(&upper.certificate).signed_by(&root);
    let revoked = reasons(&|store| drop(store.install_crl(list.clone()).unwrap()));
    assert_eq!(revoked, [Revoked, ChainVerified, Revoked, IssuerExpired]);
    let removed = reasons(&|store| {
        let scope = Scope::Server(server_id("keys-1"));
        let key = EntryKey::new(Slot::Authority, scope, root.certificate.fingerprint());
        store.remove(&key).unwrap();
    });
    assert_eq!(removed, [NothingInstalled; 4]);
}

// The bound on work is the same for what is known: what is accepted must not depend on what was asked before.
#[test]
fn a_known_intermediate_costs_as_much_work_as_a_new_one() {
    let root = ca("root").self_signed();
    let mut issuers = Vec::new();
    for level in 0..6 {
        let above = issuers.last().unwrap_or(&root);
        issuers.push(ca(&format!("level {level}")).signed_by(above));
    }
    let leaf = server().signed_by(issuers.last().unwrap());
    let mut sent = vec![&leaf.certificate];
    sent.extend(issuers.iter().rev().map(|made| &made.certificate));
    let long = asked(&sent);
    let mut after = vec![long.clone()];
    // Others of one name, each of which is read, and which are tried first.
    let others: Vec<Made> = (0..40)
        .map(|_| ca("level 5").self_signed())
        .map(|other| {
            ca("level 5")
                .key_of(issuers.last().unwrap())
                .signed_by(&other)
        })
        .collect();
    for count in 1..=others.len() {
        let mut sent = vec![&leaf.certificate];
        sent.extend(others.iter().take(count).map(|made| &made.certificate));
        sent.extend(issuers.iter().rev().map(|made| &made.certificate));
        after.push(asked(&sent));
    }
    let build = || store(&[&root]);
    let verdicts = expect_same(&build, &[long], &nothing, &after);
    // Both sides of the bound are among them.
    assert!(verdicts.iter().any(Verdict::is_accepted));
    assert!(!verdicts.iter().all(Verdict::is_accepted));
}

#[test]
fn nothing_of_a_removed_authority_is_remembered() {
    let Site {
        root, upper, leaf, ..
    } = site();
    let mut store = store(&[&root]);
    let short = asked(&[&leaf.certificate, &upper.certificate]);
    assert_eq!(taken(&mut store, &short), 2);
    let scope = Scope::Server(server_id("keys-1"));
    let key = EntryKey::new(Slot::Authority, scope, root.certificate.fingerprint());
    store.remove(&key).unwrap();
    trust(&mut store, "keys-1", &root);
    assert_eq!(taken(&mut store, &short), 2);
    // What takes no CA out leaves it.
    store.block_selector(BlockSelector::certificate(&leaf.certificate));
    store
        .unblock(&BlockSelector::certificate(&leaf.certificate))
        .unwrap();
    assert_eq!(taken(&mut store, &short), 1);
}

#[test]
fn a_policy_with_other_algorithms_verifies_by_its_own() {
    let Site {
        root, upper, leaf, ..
    } = site();
    let short = asked(&[&leaf.certificate, &upper.certificate]);
    let other = KeyPolicy::new(algorithms());
    let mut store = store(&[&root]);
    let mut ask = |keys| {
        let (verdict, verified) = counted(|| answer(&mut store, keys, &short));
        (verdict.reason(), verified)
    };
    let accepted = ReasonCode::ChainVerified;
    assert_eq!(ask(counting()), (accepted, 2));
    assert_eq!(ask(other), (accepted, 2));
    // Both are remembered, so that two configurations with one store do not take turns.
    assert_eq!(ask(counting()), (accepted, 1));
    assert_eq!(ask(other), (accepted, 1));
    // A policy without any algorithm.
    let (reason, verified) = ask(KeyPolicy::new(&[]));
    assert_eq!((reason, verified), (ReasonCode::KeyNotAllowed, 0));
}

#[test]
fn what_no_authority_vouches_for_is_not_remembered() {
    let Site {
        root, upper, leaf, ..
    } = site();
    // All of another root of the same name, which an unknown peer can make.
    let other = ca("root").self_signed();
    let issuer = ca("upper").signed_by(&other);
    let below = ca("below").signed_by(&issuer);
    let leaves = [server().signed_by(&issuer), server().signed_by(&below)];
    let mut store = store(&[&root]);
    let refused = [
        asked(&[&leaves[0].certificate, &issuer.certificate]),
        asked(&[
            &leaves[1].certificate,
            &below.certificate,
            &issuer.certificate,
        ]),
        // An issuer that the authority signed, above an end entity that it did not.
        asked(&[&leaves[0].certificate, &upper.certificate]),
    ];
    for asked in &refused {
        assert!(!answer(&mut store, counting(), asked).is_accepted());
    }
    let short = asked(&[&leaf.certificate, &upper.certificate]);
    assert_eq!(taken(&mut store, &short), 2);
    trust(&mut store, "keys-1", &other);
    let chain = &refused[1];
    assert_eq!(taken(&mut store, chain), 3);
    assert_eq!(taken(&mut store, chain), 1);
}

/// An end entity below each of `count` new CAs that `issuer` signs.
fn floods(issuer: &Made, above: &[&Certificate], count: usize, life: i64) -> Vec<Asked> {
    let made = (0..count).map(|number| {
        let own = ca(&format!("flood {number}"))
            .valid(-DAY, life * DAY)
            .signed_by(issuer);
        let leaf = server().signed_by(&own);
        let mut sent = vec![&leaf.certificate, &own.certificate];
        sent.extend(above);
        asked(&sent)
    });
    made.collect()
}

#[test]
fn a_ca_that_issues_without_end_displaces_only_its_own() {
    let Site {
        root,
        upper,
        lower,
        leaf,
        deep,
    } = site();
    let mut store = store(&[&root]);
    let short = asked(&[&leaf.certificate, &upper.certificate]);
    let long = asked(&[&deep.certificate, &lower.certificate, &upper.certificate]);
    assert_eq!(taken(&mut store, &long), 3);
    let hostile = ca("hostile").signed_by(&upper);
    let above = [&hostile.certificate, &upper.certificate];
    let first = floods(&hostile, &above, MAX_VERIFIED_OF_KEY, 100);
    for asked in &first {
        assert!(taken(&mut store, asked) > 1);
    }
    for asked in &first {
        assert_eq!(taken(&mut store, asked), 1);
    }
    // Of its own, those that end last are kept.
    for asked in floods(&hostile, &above, 2, 99) {
        assert_eq!(taken(&mut store, &asked), 2);
        assert_eq!(taken(&mut store, &asked), 2);
    }
    for asked in &first {
        assert_eq!(taken(&mut store, asked), 1);
    }
    for asked in floods(&hostile, &above, MAX_VERIFIED_OF_KEY, 101) {
        assert_eq!(taken(&mut store, &asked), 2);
        assert_eq!(taken(&mut store, &asked), 1);
    }
    for asked in &first {
        assert_eq!(taken(&mut store, asked), 2);
    }
    // CAs below it fill all the places.
    for number in 0..MAX_VERIFIED / MAX_VERIFIED_OF_KEY {
        let below = ca(&format!("below {number}"))
            .valid(-DAY, 200 * DAY)
            .signed_by(&hostile);
        let above = [&below.certificate, &hostile.certificate, &upper.certificate];
        for asked in floods(&below, &above, MAX_VERIFIED_OF_KEY, 200) {
            taken(&mut store, &asked);
        }
    }
    assert_eq!(taken(&mut store, &short), 1);
    assert_eq!(taken(&mut store, &long), 1);
    // What stands as near to the authority as the hostile CA still finds a place.
    let new = ca("new").signed_by(&upper);
    let leaf = server().signed_by(&new);
    let new = asked(&[&leaf.certificate, &new.certificate, &upper.certificate]);
    assert_eq!(taken(&mut store, &new), 2);
    assert_eq!(taken(&mut store, &new), 1);
}

#[test]
fn a_large_intermediate_is_verified_each_time() {
    let root = ca("root").self_signed();
    let mut large = ca("large");
    for number in 0..400 {
        large = large.dns(&format!("{number}.a-long-name-of-a-host.example"));
    }
    let large = large.signed_by(&root);
    assert!(large.certificate.der().len() > MAX_VERIFIED_CERTIFICATE_BYTES);
    let below = ca("below").signed_by(&large);
    let leaf = server().signed_by(&below);
    let mut store = store(&[&root]);
    let long = asked(&[&leaf.certificate, &below.certificate, &large.certificate]);
    for _ in 0..2 {
        assert_eq!(taken(&mut store, &long), 3);
    }
}

#[test]
fn what_has_ended_leaves_its_place_to_what_is_in_use() {
    let roots = [0, 1, 2, 3].map(|number| ca(&format!("root {number}")).self_signed());
    let all: Vec<&Made> = roots.iter().collect();
    let mut store = store(&all);
    for root in &roots {
        for asked in floods(root, &[], MAX_VERIFIED_OF_KEY, 1) {
            assert_eq!(taken(&mut store, &asked), 2);
        }
    }
    let other = ca("another root").self_signed();
    trust(&mut store, "keys-1", &other);
    let below = |issuer: Spec, days: u64| {
        let issuer = issuer.signed_by(&other);
        let leaf = server().valid(-DAY, 90 * DAY).signed_by(&issuer);
        let mut asked = asked(&[&leaf.certificate, &issuer.certificate]);
        asked.clock = CurrentTime::Known(at(NOW + days * 86_400));
        asked
    };
    // All places are taken by what is in use.
    let early = below(ca("early").valid(-DAY, 90 * DAY), 0);
    assert_eq!(taken(&mut store, &early), 2);
    assert_eq!(taken(&mut store, &early), 2);
    // Two days later nothing of it is.
    let late = below(ca("late").valid(2 * DAY - 60, 90 * DAY), 2);
    assert_eq!(taken(&mut store, &late), 2);
    assert_eq!(taken(&mut store, &late), 1);
}
