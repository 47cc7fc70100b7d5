//! Operations of several steps say what comes next, from what is installed and what was seen.

use mutual_trust::admin::{
    MoveStep, PeerHistory, ReplaceStep, Subject, migration_plan, replacement_plan,
};
use mutual_trust::error::{PlanError, StoreError};
use mutual_trust::store::{Claim, Scope};
use mutual_trust::{AuthorityScope, PinScope, ReasonCode};

use crate::admin::desk::{Desk, group, pin_key};
use crate::invariants::pool::days;
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::{at, server_id};

const DAY: i64 = 24 * 60 * 60;

fn moment(seconds: i64) -> pki_types::UnixTime {
    at(u64::try_from(seconds).unwrap())
}

/// What comes next: what kind of step, and subject it names.
type Said = (&'static str, Vec<String>);

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn step(desk: &Desk, subject: impl Into<Subject>) -> Said {
    let moving = migration_plan(desk.view(), &desk.policy, &desk.seen, desk.now(), subject);
    match moving.unwrap().step() {
        MoveStep::InstallAuthority { servers, .. } => ("authority", texts(servers)),
        MoveStep::Migrate { servers, .. } => ("migrate", texts(servers)),
        MoveStep::Observe { waiting, .. } => ("observe", texts(waiting)),
        MoveStep::LeaveGroup { group, .. } => ("leave", vec![group.to_string()]),
        MoveStep::Release => ("release", Vec::new()),
        MoveStep::Done => ("done", Vec::new()),
        other => panic!("{other:?}"),
    }
}

fn said(what: &'static str, subject: &[&str]) -> Said {
    (what, texts(subject))
}

/// Makes the next step of a move; says whether it was one of the store's.
fn advance(desk: &mut Desk, subject: impl Into<Subject>, until: i64) -> bool {
    let now = desk.now();
    let moving = migration_plan(desk.view(), &desk.policy, &desk.seen, now, subject).unwrap();
    let (store, policy, seen) = (&mut desk.store, &desk.policy, &desk.seen);
    let done = moving.advance(store, policy, seen, now, moment(until));
    done.unwrap().is_some()
}

#[test]
fn a_server_moves_to_a_ca_step_by_step() {
    let mut desk = Desk::at(days(0));
    let id = server_id("keys-1");
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    desk.server_pin("keys-1", &own);
    assert!(desk.connects("keys-1", &[&own]));
    let pki = pki("corp");
    let leaf = pki.server("kms1.example");

    assert_eq!(step(&desk, id.clone()), said("authority", &["keys-1"]));
    assert!(!advance(&mut desk, id.clone(), days(7)));
    desk.authority(AuthorityScope::Server(id.clone()), &pki.root);

    assert_eq!(step(&desk, id.clone()), said("migrate", &["keys-1"]));
    assert!(!desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    assert!(advance(&mut desk, id.clone(), days(7)));

    let waits = said("observe", &["keys-1"]);
    assert_eq!(step(&desk, id.clone()), waits);
    assert!(!advance(&mut desk, id.clone(), days(7)));
    assert!(desk.connects("keys-1", &[&own]));
    assert_eq!(step(&desk, id.clone()), waits);

    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    assert_eq!(step(&desk, id.clone()), said("release", &[]));
    assert!(advance(&mut desk, id.clone(), days(7)));
    assert_eq!(desk.view().server(&id).unwrap().claim(), Claim::Unclaimed);
    assert_eq!(step(&desk, id.clone()), said("done", &[]));
    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
}

#[test]
fn a_migration_that_ended_too_early_is_made_again_and_a_restart_waits_again() {
    let mut desk = Desk::at(days(0));
    let id = server_id("keys-1");
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    desk.server_pin("keys-1", &own);
    let pki = pki("corp");
    let leaf = pki.server("kms1.example");
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    assert!(advance(&mut desk, id.clone(), days(7)));
    desk.clock.set(Some(days(7)));
    assert_eq!(step(&desk, id.clone()), said("migrate", &["keys-1"]));
    assert!(advance(&mut desk, id.clone(), days(14)));
    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    assert_eq!(step(&desk, id.clone()), said("release", &[]));
    desk.seen = PeerHistory::new();
    assert_eq!(step(&desk, id), said("observe", &["keys-1"]));
}

#[test]
fn an_authority_that_is_not_usable_is_none() {
    let mut desk = Desk::at(days(0));
    let id = server_id("keys-1");
    desk.server("keys-1", &["kms1.example"]);
    desk.server_pin("keys-1", &self_signed("kms1.example"));
    let old = spec("root").ca().valid(-10 * DAY, -DAY).self_signed();
    desk.authority(AuthorityScope::AnyServer, &old);
    let wanted = said("authority", &["keys-1"]);
    assert_eq!(step(&desk, id), wanted);
}

#[test]
fn a_group_moves_as_a_whole_and_waits_for_its_last_member() {
    let mut desk = Desk::at(days(0));
    let members = ["kms-1", "kms-2"];
    desk.group("cluster", &members);
    for member in members {
        let name = format!("{member}.example");
        desk.store
            .add_name(&server_id(member), name.parse().unwrap())
            .unwrap();
    }
    let shared = self_signed("shared");
    desk.group_pin("cluster", &shared);
    let pki = pki("corp");
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    let leaves = members.map(|member| pki.server(&format!("{member}.example")));
    assert!(advance(&mut desk, group("cluster"), days(7)));
    let present =
        |desk: &mut Desk, at: usize| desk.connects(members[at], &[&leaves[at], &pki.intermediate]);
    assert!(present(&mut desk, 0));
    assert_eq!(step(&desk, group("cluster")), said("observe", &["kms-2"]));
    // One member alone cannot be released while its group holds a pin.
    let wanted = said("leave", &["cluster"]);
    assert_eq!(step(&desk, server_id("kms-1")), wanted);
    assert!(present(&mut desk, 1));
    assert!(advance(&mut desk, group("cluster"), days(7)));
    assert_eq!(step(&desk, group("cluster")), said("done", &[]));
    assert!(present(&mut desk, 0) && present(&mut desk, 1));
}

#[test]
fn a_pinned_certificate_that_an_authority_issued_needs_no_migration() {
    let mut desk = Desk::at(days(0));
    let id = server_id("keys-1");
    desk.server("keys-1", &["kms1.example"]);
    let root = spec("root").ca().self_signed();
    let leaf = spec("kms1").dns("kms1.example").signed_by(&root);
    desk.server_pin("keys-1", &leaf);
    desk.authority(AuthorityScope::AnyServer, &root);
    assert!(desk.connects("keys-1", &[&leaf]));
    assert_eq!(step(&desk, id.clone()), said("release", &[]));
    assert!(advance(&mut desk, id, days(7)));
    assert_eq!(
        desk.verdict("keys-1", &[&leaf]).reason(),
        ReasonCode::ChainVerified
    );
}

#[test]
fn a_release_is_not_made_when_the_server_has_gone_back_meanwhile() {
    let mut desk = Desk::at(days(0));
    let id = server_id("keys-1");
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    desk.server_pin("keys-1", &own);
    let pki = pki("corp");
    let leaf = pki.server("kms1.example");
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    assert!(advance(&mut desk, id.clone(), days(7)));
    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    let now = desk.now();
    let told = migration_plan(desk.view(), &desk.policy, &desk.seen, now, id.clone()).unwrap();
    assert_eq!(told.step(), &MoveStep::Release);
    assert!(desk.connects("keys-1", &[&own]));
    let done = told.advance(
        &mut desk.store,
        &desk.policy,
        &desk.seen,
        now,
        moment(days(7)),
    );
    assert!(matches!(done, Err(PlanError::Loses { .. })), "{done:?}");
    assert_ne!(desk.view().server(&id).unwrap().claim(), Claim::Unclaimed);
}

#[test]
fn unknown_servers_and_groups_are_refused() {
    let desk = Desk::at(days(0));
    let now = desk.now();
    let ask = |subject: Subject| {
        migration_plan(desk.view(), &desk.policy, &desk.seen, now, subject).unwrap_err()
    };
    assert!(matches!(
        ask(server_id("no").into()),
        StoreError::UnknownServer(_)
    ));
    assert!(matches!(
        ask(group("no").into()),
        StoreError::UnknownGroup(_)
    ));
}

#[test]
fn what_comes_next_is_told_in_one_line_that_names_eight_servers_at_most() {
    let next = self_signed("next");
    let shown = "kms-0, kms-1, kms-2, kms-3, kms-4, kms-5, kms-6, kms-7";
    for (id, members, more) in [("eight", 8, ""), ("ten", 10, " and 2 more")] {
        let mut desk = Desk::at(days(0));
        let members: Vec<_> = (0..members).map(|number| format!("kms-{number}")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        desk.group(id, &members);
        desk.group_pin(id, &next);
        let (view, policy, now) = (desk.view(), &desk.policy, desk.now());
        let told = migration_plan(view, policy, &desk.seen, now, group(id)).unwrap();
        let what = "install a usable authority for";
        let wanted = format!("group {id}: {what} {shown}{more}");
        assert_eq!(told.to_string(), wanted);
        let fingerprint = next.certificate.fingerprint();
        let told = replacement_plan(view, policy, &desk.seen, now, group(id), fingerprint).unwrap();
        let what = "waiting for the next certificate from";
        let wanted = format!("group {id}: {what} {shown}{more}");
        assert_eq!(told.to_string(), wanted);
    }
}

fn replace(desk: &Desk, subject: impl Into<Subject>, next: &Made) -> Said {
    let next = next.certificate.fingerprint();
    let now = desk.now();
    let told = replacement_plan(desk.view(), &desk.policy, &desk.seen, now, subject, next);
    match told.unwrap().step() {
        ReplaceStep::UseGroup(group) => ("of group", vec![group.to_string()]),
        ReplaceStep::InstallNext => ("install", Vec::new()),
        ReplaceStep::FixNextPin(why) => {
            ("mend", vec![why.entry.to_string(), why.reason.to_string()])
        }
        ReplaceStep::Observe { waiting, .. } => ("observe", texts(waiting)),
        ReplaceStep::RemoveOld { old, .. } => ("remove", texts(old)),
        ReplaceStep::Done => ("done", Vec::new()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_s_certificate_is_replaced_step_by_step() {
    let mut desk = Desk::at(days(0));
    let cluster = || group("cluster");
    desk.group("cluster", &["kms-1", "kms-2"]);
    let old = self_signed("old");
    let next = spec("next").valid(DAY, 100 * DAY).self_signed();
    let old_key = desk.group_pin("cluster", &old);
    assert_eq!(replace(&desk, cluster(), &next), said("install", &[]));
    let next_key = desk.group_pin("cluster", &next);
    let wanted = said("mend", &[&next_key.to_string(), "NotYetValid"]);
    assert_eq!(replace(&desk, cluster(), &next), wanted);
    desk.clock.set(Some(days(2)));
    assert_eq!(
        replace(&desk, cluster(), &next),
        said("observe", &["kms-1", "kms-2"])
    );
    desk.connects("kms-1", &[&next]);
    desk.connects("kms-2", &[&old]);
    assert_eq!(
        replace(&desk, cluster(), &next),
        said("observe", &["kms-2"])
    );
    desk.connects("kms-2", &[&next]);
    let wanted = said("remove", &[&old_key.to_string()]);
    assert_eq!(replace(&desk, cluster(), &next), wanted);

    let now = desk.now();
    let fingerprint = next.certificate.fingerprint();
    let told = replacement_plan(
        desk.view(),
        &desk.policy,
        &desk.seen,
        now,
        cluster(),
        fingerprint,
    );
    let told = told.unwrap();
    assert_eq!(told.next(), &next_key);
    let done = told.advance(&mut desk.store, &desk.policy, &desk.seen, now);
    assert_eq!(done.unwrap().unwrap().outcome.len(), 1);
    assert!(desk.view().entry(&old_key).is_none());
    assert_eq!(replace(&desk, cluster(), &next), said("done", &[]));
}

#[test]
fn old_pins_are_not_removed_when_a_member_has_gone_back_meanwhile() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let (old, next) = (self_signed("old"), self_signed("next"));
    desk.server_pin("keys-1", &old);
    desk.server_pin("keys-1", &next);
    desk.connects("keys-1", &[&next]);
    let now = desk.now();
    let fingerprint = next.certificate.fingerprint();
    let id = server_id("keys-1");
    let told =
        replacement_plan(desk.view(), &desk.policy, &desk.seen, now, id, fingerprint).unwrap();
    desk.connects("keys-1", &[&old]);
    let done = told.advance(&mut desk.store, &desk.policy, &desk.seen, now);
    assert!(matches!(done, Err(PlanError::Loses { .. })), "{done:?}");
    assert_eq!(desk.view().entries().len(), 2);
}

#[test]
fn a_server_that_shares_its_group_s_pin_is_pointed_to_the_group() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &["kms-1"]);
    let (old, next) = (self_signed("old"), self_signed("next"));
    desk.group_pin("cluster", &old);
    let wanted = said("of group", &["cluster"]);
    assert_eq!(replace(&desk, server_id("kms-1"), &next), wanted);
    desk.server_pin("kms-1", &old);
    let wanted = said("install", &[]);
    assert_eq!(replace(&desk, server_id("kms-1"), &next), wanted);
    // A member with a pin of its own is not waited for.
    desk.pin(PinScope::Group(group("cluster")), &next);
    let wanted = said(
        "remove",
        &[&pin_key(Scope::Group(group("cluster")), &old.certificate).to_string()],
    );
    assert_eq!(replace(&desk, group("cluster"), &next), wanted);
}
