//! What peers were accepted with is kept apart from what they were refused with, and both are bounded.

use std::sync::Arc;

use mutual_trust::admin::{Peer, PeerHistory};
use mutual_trust::limits::{
    MAX_PRESENTED_BYTES, MAX_PRESENTED_CERTIFICATES, MAX_SEEN_BYTES, MAX_SEEN_CLIENTS,
    MAX_SEEN_REFUSED, MAX_SEEN_REFUSED_BYTES, MAX_SEEN_SERVERS,
};
use mutual_trust::observe::Observation;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{
    AuthorityScope, EntryOptions, Fingerprint, PinScope, ReasonCode, Verdict, decide,
};
use pki_types::CertificateDer;

use crate::admin::desk::{Desk, chain, peer, pin_key};
use crate::invariants::pool::days;
use crate::support::folder::Folder;
use crate::support::pki::{pki, self_signed, spec};
use crate::support::{at, host, server_id};

#[test]
fn the_last_accepted_certificate_of_a_server_is_kept_with_the_entry_that_decided() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let (old, new) = (self_signed("kms1.example"), self_signed("kms1.example"));
    let old_key = desk.server_pin("keys-1", &old);
    let new_key = desk.server_pin("keys-1", &new);
    assert!(desk.seen.last(&peer("keys-1")).is_none());
    assert!(desk.connects("keys-1", &[&old]));
    let first = desk.seen.last(&peer("keys-1")).unwrap();
    assert_eq!(first.entry(), &old_key);
    assert_eq!(first.presented(), chain(&[&old]));
    desk.clock.set(Some(days(1)));
    assert!(desk.connects("keys-1", &[&new]));
    let last = desk.seen.last(&peer("keys-1")).unwrap();
    assert_eq!(last.entry(), &new_key);
    assert_eq!(last.reason(), ReasonCode::PinMatched);
    assert_eq!(last.fingerprint(), new.certificate.fingerprint());
    assert_eq!(last.certificate(), Some(new.certificate()));
    assert_eq!(last.at(), Some(at(u64::try_from(days(1)).unwrap())));
    assert_eq!(last.generation(), desk.view().generation());
    assert!(!last.by_chain());
}

// M2: an accepted verdict counts once the key was proved.
#[test]
fn what_is_refused_or_not_proved_never_takes_the_place_of_what_was_accepted() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let (own, other) = (self_signed("kms1.example"), self_signed("evil.example"));
    desk.server_pin("keys-1", &own);
    let verdict = desk.verdict("keys-1", &[&own]);
    assert!(!desk.observe(verdict, &[&own], false));
    assert!(desk.seen.last(&peer("keys-1")).is_none());
    let refused = desk.seen.last_refused(&peer("keys-1")).unwrap();
    assert_eq!(refused.reason(), ReasonCode::HandshakeSignatureInvalid);
    assert!(!refused.is_proved());

    assert!(desk.connects("keys-1", &[&own]));
    assert!(!desk.connects("keys-1", &[&other]));
    let last = desk.seen.last(&peer("keys-1")).unwrap();
    assert_eq!(last.fingerprint(), own.certificate.fingerprint());
    let refused = desk.seen.last_refused(&peer("keys-1")).unwrap();
    assert_eq!(refused.reason(), ReasonCode::PinDoesNotMatch);
    assert_eq!(refused.at(), Some(at(u64::try_from(days(0)).unwrap())));
    assert_eq!(refused.fingerprint(), Some(other.certificate.fingerprint()));
    let own = CertificateDer::from(other.certificate.der());
    assert_eq!(refused.end_entity(), Some(&own));
    assert!(refused.is_proved());
}

#[test]
fn an_observation_that_shows_another_certificate_than_its_verdict_accepted_is_not_kept() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let (own, other) = (self_signed("kms1.example"), self_signed("evil.example"));
    desk.server_pin("keys-1", &own);
    let verdict = desk.verdict("keys-1", &[&own]);
    desk.observe(verdict.clone(), &[&other], true);
    desk.observe(verdict.clone(), &[], true);
    let crowd = vec![&own; MAX_PRESENTED_CERTIFICATES + 1];
    desk.observe(verdict, &crowd, true);
    assert!(desk.seen.last(&peer("keys-1")).is_none());
    assert_eq!(desk.seen.unplaced(), 3);
}

#[test]
fn what_is_presented_is_kept_up_to_the_bounds_of_a_handshake() {
    let own = self_signed("kms1.example");
    let der = CertificateDer::from(own.certificate.der().to_vec());
    let rest = MAX_PRESENTED_BYTES - der.len();
    let with = |size: usize| vec![der.clone(), CertificateDer::from(vec![0x30; size])];
    for (presented, kept) in [
        (vec![der.clone(); MAX_PRESENTED_CERTIFICATES], true),
        (vec![der.clone(); MAX_PRESENTED_CERTIFICATES + 1], false),
        (with(rest), true),
        (with(rest + 1), false),
    ] {
        let mut desk = Desk::at(days(0));
        desk.server("keys-1", &[]);
        desk.server_pin("keys-1", &own);
        let verdict = Arc::new(desk.verdict("keys-1", &[&own]));
        let observation = Observation::new(verdict, presented, desk.now(), true);
        desk.seen.observe(&observation);
        assert_eq!(desk.seen.last(&peer("keys-1")).is_some(), kept);
    }
}

#[test]
fn an_entry_is_in_use_by_whom_it_decided_for_and_so_is_an_intermediate_that_the_peer_left_out() {
    let mut desk = Desk::at(days(0));
    let pki = pki("corp");
    desk.server("keys-1", &["kms1.example"]);
    let leaf = pki.server("kms1.example");
    let root = desk.authority(AuthorityScope::AnyServer, &pki.root);
    let done = desk
        .store
        .install_intermediate(pki.intermediate.certificate(), EntryOptions::new());
    let inter = crate::admin::desk::key_of(&done.unwrap());
    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    let uses = desk.seen.in_use(&root).unwrap();
    assert_eq!((uses.by(), uses.count()), (&peer("keys-1"), 1));
    assert_eq!(uses.at(), Some(at(u64::try_from(days(0)).unwrap())));
    assert_eq!(uses.to_string(), "server keys-1, 1 times");
    // The peer presented it itself: ours was not needed.
    assert!(desk.seen.in_use(&inter).is_none());
    assert!(desk.connects("keys-1", &[&leaf]));
    assert_eq!(desk.seen.in_use(&root).unwrap().count(), 2);
    let uses = desk.seen.in_use(&inter).unwrap();
    assert_eq!((uses.by(), uses.count()), (&peer("keys-1"), 1));
    assert!(desk.seen.last(&peer("keys-1")).unwrap().by_chain());
    let unused = pin_key(Scope::Clients, &leaf.certificate);
    assert!(desk.seen.in_use(&unused).is_none());
}

#[test]
fn an_intermediate_that_completes_chains_of_both_roles_is_in_use_by_whoever_came_last() {
    let mut desk = Desk::at(days(0));
    let pki = pki("corp");
    desk.server("keys-1", &["kms1.example"]);
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    desk.authority(AuthorityScope::Clients, &pki.root);
    let done = desk
        .store
        .install_intermediate(pki.intermediate.certificate(), EntryOptions::new());
    let inter = crate::admin::desk::key_of(&done.unwrap());
    let (server, client) = (pki.server("kms1.example"), pki.client("array-7.example"));
    let who = Peer::Client(client.certificate.fingerprint());
    let by = |desk: &Desk| desk.seen.in_use(&inter).unwrap().by().clone();
    assert!(desk.client_connects(&[&client]));
    assert_eq!(by(&desk), who);
    // In the same second, the server is named.
    assert!(desk.connects("keys-1", &[&server]));
    assert_eq!(by(&desk), peer("keys-1"));
    desk.clock.set(Some(days(1)));
    assert!(desk.client_connects(&[&client]));
    assert_eq!(by(&desk), who);
    desk.clock.set(Some(days(2)));
    assert!(desk.connects("keys-1", &[&server]));
    assert_eq!(by(&desk), peer("keys-1"));
}

#[test]
fn clients_are_kept_by_what_they_present_and_unlisted_names_by_their_name() {
    let mut desk = Desk::at(days(0));
    let pki = pki("corp");
    desk.authority(AuthorityScope::Clients, &pki.root);
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    let client = pki.client("array-7.example");
    assert!(desk.client_connects(&[&client, &pki.intermediate]));
    let who = Peer::Client(client.certificate.fingerprint());
    assert!(desk.seen.last(&who).unwrap().by_chain());

    desk.policy = desk.policy.with_unlisted_allowed();
    let leaf = pki.server("kms9.example");
    let name = host("kms9.example");
    let presented = chain(&[&leaf, &pki.intermediate]);
    let question = VerifyRequest::server(
        ExpectedServer::Name(&name),
        &presented[0],
        &presented[1..],
        desk.now(),
    );
    let verdict = decide(desk.view(), &desk.policy, &question);
    assert!(desk.observe(verdict, &[&leaf, &pki.intermediate], true));
    assert!(desk.seen.last(&Peer::Unlisted(name)).is_some());
    assert_eq!(desk.seen.all().count(), 2);
}

#[test]
fn a_refusal_that_does_not_say_which_server_it_was_is_counted_and_not_kept() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    let mut observation = Observation::new(
        Arc::new(desk.verdict("keys-1", &[&own])),
        chain(&[&own]),
        desk.now(),
        true,
    );
    observation.server = None;
    observation.dialled = None;
    desk.seen.observe(&observation);
    assert_eq!(desk.seen.unplaced(), 1);
}

/// Observations of many peers from one verdict: the observation says which peer it was about.
fn accepted() -> (Desk, Arc<Verdict>, CertificateDer<'static>) {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let own = self_signed("kms1.example");
    desk.server_pin("keys-1", &own);
    let verdict = Arc::new(desk.verdict("keys-1", &[&own]));
    let leaf = own.certificate.der().to_vec().into();
    (desk, verdict, leaf)
}

#[test]
fn servers_are_bounded_and_the_one_seen_longest_ago_goes_first() {
    let (desk, verdict, leaf) = accepted();
    let mut seen = PeerHistory::new();
    let see = |seen: &mut PeerHistory, number: usize| {
        let mut observation =
            Observation::new(verdict.clone(), vec![leaf.clone()], desk.now(), true);
        observation.server = Some(server_id(&format!("keys-{number}")));
        seen.observe(&observation);
    };
    for number in 0..MAX_SEEN_SERVERS {
        see(&mut seen, number);
    }
    assert_eq!(seen.servers_forgotten(), 0);
    see(&mut seen, 0);
    see(&mut seen, MAX_SEEN_SERVERS);
    assert_eq!(seen.servers_forgotten(), 1);
    assert!(seen.last(&peer("keys-0")).is_some());
    assert!(seen.last(&peer("keys-1")).is_none());
    assert_eq!(seen.all().count(), MAX_SEEN_SERVERS);
}

#[test]
fn the_bytes_of_long_chains_are_bounded_as_well() {
    let (desk, verdict, leaf) = accepted();
    let long = CertificateDer::from(vec![0x30; 60_000]);
    let mut seen = PeerHistory::new();
    let many = MAX_SEEN_BYTES / 60_000 + 10;
    for number in 0..many {
        let presented = vec![leaf.clone(), long.clone()];
        let mut observation = Observation::new(verdict.clone(), presented, desk.now(), true);
        observation.server = Some(server_id(&format!("keys-{number}")));
        seen.observe(&observation);
    }
    assert!(many < MAX_SEEN_SERVERS);
    assert!(seen.servers_forgotten() >= 10);
    let kept: usize = seen
        .all()
        .flat_map(|(_, sighting)| sighting.presented())
        .map(|der| der.len())
        .sum();
    assert!(kept <= MAX_SEEN_BYTES, "{kept}");
    assert!(kept > MAX_SEEN_BYTES / 2, "{kept}");
}

#[test]
fn clients_never_push_out_servers_and_refusals_never_push_out_either() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let own = self_signed("kms1.example");
    let key = desk.server_pin("keys-1", &own);
    assert!(desk.connects("keys-1", &[&own]));
    // One verdict about a client whose fingerprint varies: made from stores that hold that fingerprint.
    let client = self_signed("array.example");
    desk.pin(PinScope::Clients, &client);
    assert!(desk.client_connects(&[&client]));
    let stranger = self_signed("stranger.example");
    for number in 0..MAX_SEEN_REFUSED + 5 {
        let mut bytes = stranger.certificate.der().to_vec();
        // Another signature, another fingerprint; it is refused without being verified.
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        let leaf = CertificateDer::from(bytes);
        let verdict = decide(
            desk.view(),
            &desk.policy,
            &VerifyRequest::client(&leaf, &[], desk.now()),
        );
        assert!(!verdict.is_accepted());
        let observation = Observation::new(Arc::new(verdict), vec![leaf], desk.now(), true);
        desk.seen.observe(&observation);
    }
    let first = Peer::Client(Fingerprint::from_bytes([0; 32]));
    assert!(desk.seen.last_refused(&first).is_none());
    assert!(desk.seen.last(&peer("keys-1")).is_some());
    assert!(
        desk.seen
            .last(&Peer::Client(client.certificate.fingerprint()))
            .is_some()
    );
    assert!(desk.seen.in_use(&key).is_some());
}

#[test]
fn accepted_clients_are_bounded_without_touching_servers() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let own = self_signed("kms1.example");
    let key = desk.server_pin("keys-1", &own);
    assert!(desk.connects("keys-1", &[&own]));
    let base = self_signed("array.example").certificate;
    let mut last = None;
    for number in 0..=MAX_SEEN_CLIENTS {
        let mut bytes = base.der().to_vec();
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        // Its signature does not verify: as a pin by public key of another it is accepted all the same, since a pin
        // is trusted for its key.
        if number == 0 {
            let options = EntryOptions::new().with_matching(mutual_trust::PinMatch::PublicKey);
            let done = desk
                .store
                .install_pin(PinScope::Clients, base.clone(), options);
            done.unwrap();
        }
        let leaf = CertificateDer::from(bytes);
        let question = VerifyRequest::client(&leaf, &[], desk.now());
        let verdict = decide(desk.view(), &desk.policy, &question);
        assert!(verdict.is_accepted());
        last = verdict.presented().map(Peer::Client);
        let observation = Observation::new(Arc::new(verdict), vec![leaf], desk.now(), true);
        desk.seen.observe(&observation);
    }
    assert_eq!(desk.seen.clients_forgotten(), 1);
    assert_eq!(PeerHistory::new().clients_forgotten(), 0);
    assert!(desk.seen.last(&last.unwrap()).is_some());
    assert!(desk.seen.last(&peer("keys-1")).is_some());
    assert!(desk.seen.in_use(&key).is_some());
    let clients = pin_key(Scope::Clients, &base);
    let uses = desk.seen.in_use(&clients).unwrap();
    assert_eq!(uses.count(), u64::try_from(MAX_SEEN_CLIENTS).unwrap() + 1);
}

#[test]
fn a_refused_certificate_that_is_too_large_is_named_and_not_kept() {
    let mut desk = Desk::at(days(0));
    let names: Vec<String> = (0..2000)
        .map(|number| format!("host-{number}.example"))
        .collect();
    let mut large = spec("large");
    for name in &names {
        large = large.dns(name);
    }
    let large = large.self_signed();
    assert!(large.certificate.der().len() > MAX_SEEN_REFUSED_BYTES);
    assert!(!desk.client_connects(&[&large]));
    let who = Peer::Client(large.certificate.fingerprint());
    let refused = desk.seen.last_refused(&who).unwrap();
    assert_eq!(refused.fingerprint(), Some(large.certificate.fingerprint()));
    assert!(refused.end_entity().is_none());
}

#[test]
fn what_is_gone_from_the_store_can_be_forgotten() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    desk.server("keys-2", &[]);
    let own = self_signed("kms1.example");
    let key = desk.server_pin("keys-1", &own);
    let other = desk.server_pin("keys-2", &own);
    assert!(desk.connects("keys-1", &[&own]) && desk.connects("keys-2", &[&own]));
    desk.seen
        .confirm_own(&server_id("keys-1"), own.certificate.fingerprint());
    desk.store.release(&server_id("keys-1")).unwrap();
    desk.store.remove_server(&server_id("keys-1")).unwrap();
    desk.seen.keep_only(desk.store.contents());
    assert!(desk.seen.last(&peer("keys-1")).is_none());
    assert!(desk.seen.own_confirmed(&server_id("keys-1")).is_none());
    assert!(desk.seen.in_use(&key).is_none());
    assert!(desk.seen.last(&peer("keys-2")).is_some());
    assert!(desk.seen.in_use(&other).is_some());
    desk.seen.forget(&peer("keys-2"));
    assert!(desk.seen.last(&peer("keys-2")).is_none());
    let unknown = EntryKey::new(Slot::Pin, Scope::Clients, own.certificate.fingerprint());
    assert!(desk.seen.in_use(&unknown).is_none());
}

/// A program that ends between two connections keeps what it saw, and no more of it than is still accepted.
#[test]
fn what_servers_presented_is_kept_beside_a_store_and_judged_again_when_it_is_read() {
    let folder = Folder::new("seen-beside");
    let mut desk = Desk::at(days(0));
    for id in ["keys-1", "keys-2", "keys-3"] {
        desk.server(id, &[&format!("{id}.example")]);
    }
    let [one, two, gone] = ["keys-1", "keys-2", "keys-3"].map(self_signed);
    desk.server_pin("keys-1", &one);
    desk.server_pin("keys-2", &two);
    let gone_key = desk.server_pin("keys-3", &gone);
    let load = |desk: &Desk| {
        PeerHistory::load_beside(folder.path(), desk.view(), &desk.policy, desk.now())
    };
    assert_eq!(load(&desk).unwrap().all().count(), 0, "there is no file");
    assert!(desk.connects("keys-1", &[&one]));
    desk.clock.set(Some(days(3)));
    assert!(desk.connects("keys-2", &[&two]) && desk.connects("keys-3", &[&gone]));
    desk.seen.save_beside(folder.path()).unwrap();
    let same = load(&desk).unwrap();
    assert_eq!(same.all().count(), 3);
    for id in ["keys-1", "keys-2", "keys-3"] {
        let (before, after) = (desk.seen.last(&peer(id)), same.last(&peer(id)));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!(
            (before.at(), before.presented()),
            (after.at(), after.presented())
        );
        assert_eq!(
            (before.entry(), before.dialled()),
            (after.entry(), after.dialled())
        );
    }
    desk.store.remove(&gone_key).unwrap();
    let now = load(&desk).unwrap();
    assert!(now.last(&peer("keys-3")).is_none(), "it would be refused");
    assert_eq!(
        now.last_refused(&peer("keys-3")).unwrap().reason(),
        ReasonCode::NoUsablePin
    );
    // Cut or changed anywhere, it is not taken.
    let path = folder.file("peers-seen");
    let whole = std::fs::read_to_string(&path).unwrap();
    for step in 0..60 {
        let at = whole.len() * step / 60;
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(load(&desk).is_err(), "cut at {at}");
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(&path, bytes).unwrap();
        assert!(load(&desk).is_err(), "changed at {at}");
    }
}
