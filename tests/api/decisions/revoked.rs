//! Revocation as the table has it (rules C1, C4 and M8). `crl` has the details.

use std::time::Duration;

use mutual_trust::ReasonCode::{self, *};

use super::row::{Row, accepted, hold, refused, row};
use super::support::crl::{CrlSpec, HOUR, crl};
use super::support::pki::{Made, self_signed, spec};
use super::world::{For, KEYS_1, KMS, World};

fn install(world: &mut World, list: CrlSpec, issuer: &Made) {
    world.store.install_crl(list.signed_by(issuer)).unwrap();
}

/// An authority and what it issued, which is presented.
fn issued(world: &mut World, scope: For) -> (Made, Made) {
    let root = spec("root").ca().self_signed();
    let leaf = spec("leaf").dns(KMS).signed_by(&root);
    world.authority(scope, "root", &root);
    world.presents(&leaf);
    world.call("leaf", &leaf);
    (root, leaf)
}

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    let root = "authority root for any server";
    let refused_by = |reason: ReasonCode| {
        let falls: &'static [&'static str] = match reason {
            Revoked => &["authority root for any server: Revoked"],
            CrlExpired => &["authority root for any server: CrlExpired"],
            _ => &["authority root for any server: RevocationUnknown"],
        };
        refused(reason).considered(falls)
    };
    vec![
        row("C4", "a list that does not name it", accepted(ChainVerified, root), |w| {
            let (root, _) = issued(w, For::AnyServer);
            install(w, crl(), &root);
        }),
        row("C4", "a list that names it", refused_by(Revoked), |w| {
            let (root, leaf) = issued(w, For::AnyServer);
            install(w, crl().revoke(&leaf.certificate), &root);
        }),
        row("C4", "an expired list that names it", refused_by(Revoked), |w| {
            let (root, leaf) = issued(w, For::AnyServer);
            install(w, crl().valid(-2 * HOUR, -HOUR).revoke(&leaf.certificate), &root);
        }),
        row("C4", "an expired list that does not", refused_by(CrlExpired), |w| {
            let (root, _) = issued(w, For::AnyServer);
            install(w, crl().valid(-2 * HOUR, -HOUR), &root);
        }),
        row("C4", "the same in its grace", accepted(ChainVerified, root).warns(&["CrlInGrace"]), |w| {
            let (root, _) = issued(w, For::AnyServer);
            install(w, crl().valid(-2 * HOUR, -HOUR), &root);
            w.policy = w.policy.with_crl_grace(Duration::from_secs(2 * 60 * 60)).unwrap();
        }),
        row("C4", "no list is left of a checked issuer", refused_by(RevocationUnknown), |w| {
            let (root, _) = issued(w, For::AnyServer);
            let list = crl().signed_by(&root);
            w.store.install_crl(list.clone()).unwrap();
            w.store.remove_crl(list.fingerprint()).unwrap();
        }),
        row("C4", "no list of an issuer, and policy requires one", refused_by(RevocationUnknown), |w| {
            issued(w, For::AnyServer);
            w.policy = w.policy.with_crl_required();
        }),
        row("C4", "a client that a list names", refused(Revoked).considered(&["authority root for clients: Revoked"]), |w| {
            let (root, leaf) = issued(w, For::Clients);
            install(w, crl().revoke(&leaf.certificate), &root);
            w.ask_client();
        }),
        row("C1", "the authority is named by itself", refused_by(Revoked), |w| {
            let (root, _) = issued(w, For::AnyServer);
            install(w, crl().revoke(&root.certificate), &root);
        }),
        row("M8", "a pin that a list names", refused(Revoked).by("pin leaf for server keys-1").considered(&["pin leaf for server keys-1: Revoked"]), |w| {
            let (root, leaf) = issued(w, For::AnyServer);
            w.pin(KEYS_1, "leaf", &leaf);
            install(w, crl().revoke(&leaf.certificate), &root);
        }),
        row("M8", "a pin that an expired list names", refused(Revoked).by("pin leaf for server keys-1").considered(&["pin leaf for server keys-1: Revoked"]), |w| {
            let (root, leaf) = issued(w, For::AnyServer);
            w.pin(KEYS_1, "leaf", &leaf);
            install(w, crl().valid(-2 * HOUR, -HOUR).revoke(&leaf.certificate), &root);
        }),
        row("M8", "a pin of a checked issuer of which there is no list", accepted(PinMatched, "pin leaf for server keys-1"), |w| {
            let (root, leaf) = issued(w, For::AnyServer);
            w.pin(KEYS_1, "leaf", &leaf);
            let list = crl().signed_by(&root);
            w.store.install_crl(list.clone()).unwrap();
            w.store.remove_crl(list.fingerprint()).unwrap();
        }),
        row("P2", "a list of a CA says nothing of a self-signed pin", accepted(PinMatched, "pin own for server keys-1"), |w| {
            let (root, _) = issued(w, For::AnyServer);
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.presents(&own);
            install(w, crl().revoke(&own.certificate), &root);
        }),
    ]
}

#[test]
fn revocation() {
    hold(rows());
}
