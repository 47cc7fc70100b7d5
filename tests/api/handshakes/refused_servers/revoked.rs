//! Rows about revocation (rules C4 and M8).

use mutual_trust::{PinScope, ReasonCode};

use super::{Row, authority, row};
use crate::support::crl::{CrlSpec, HOUR, crl};
use crate::support::link::{Setting, keys_1, pin};
use crate::support::pki::spec;
use crate::support::plain::Credential;

pub(super) fn rows(setting: &Setting) -> Vec<Row> {
    let root = spec("root").ca().self_signed();
    let leaf = spec("kms1").dns("kms1.example").server_auth();
    let leaf = leaf.signed_by(&root);
    let presented = || Credential::of(&leaf, &[]);
    let with = |list: CrlSpec| {
        let mut store = setting.listing_server();
        authority(&mut store, &root);
        store.install_crl(list.signed_by(&root)).unwrap();
        store
    };
    let revoking = || with(crl().revoke(&leaf.certificate));
    let mut none_left = with(crl());
    let list = none_left.contents().crls().next().unwrap();
    let list = list.crl().fingerprint();
    none_left.remove_crl(list).unwrap();
    let mut pinned = revoking();
    let server = PinScope::Server(keys_1());
    pin(&mut pinned, server, &leaf.certificate);
    vec![
        row(
            "a leaf that a list names",
            ReasonCode::Revoked,
            revoking(),
            presented(),
        ),
        row(
            "a pin that a list names",
            ReasonCode::Revoked,
            pinned,
            presented(),
        ),
        row(
            "an expired list",
            ReasonCode::CrlExpired,
            with(crl().valid(-2 * HOUR, -HOUR)),
            presented(),
        ),
        row(
            "no list left",
            ReasonCode::RevocationUnknown,
            none_left,
            presented(),
        ),
    ]
}
