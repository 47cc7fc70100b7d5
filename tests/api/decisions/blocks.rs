//! A block wins over everything (rule P1).

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::certificate::Certificate;
use mutual_trust::store::BlockSelector;

use super::row::{Expect, Row, accepted, hold, refused, row};
use super::support::pki::{Made, pki, self_signed, spec};
use super::support::variants::other;
use super::world::{For, KEYS_1, KMS, World, by_public_key};

const OWN: &str = "pin own for server keys-1";

fn by_fingerprint(of: &Certificate) -> BlockSelector {
    BlockSelector::Fingerprint(of.fingerprint())
}

/// The fingerprint of the same certificate with the other value of its signature: whichever of the two is presented,
/// installed or named, the other one is meant as well.
fn by_other_fingerprint(of: &Certificate) -> BlockSelector {
    by_fingerprint(&other(of))
}

fn by_key(of: &Certificate) -> BlockSelector {
    BlockSelector::Key(of.key_pin())
}

fn renewed(own: &Made) -> Made {
    spec(KMS).dns(KMS).key_of(own).self_signed()
}

type Selector = fn(&Certificate) -> BlockSelector;

const SELECTORS: [(&str, Selector); 5] = [
    ("certificate and key", BlockSelector::certificate),
    ("fingerprint", by_fingerprint),
    (
        "the fingerprint with the other value of the signature",
        by_other_fingerprint,
    ),
    ("key", by_key),
    ("issuer and serial number", BlockSelector::issuer_serial),
];

/// Every selector, on what each way of being trusted rests on.
fn by_each_selector() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, selector) in SELECTORS {
        let mut add = |says: &str, expect: Expect, build: fn(&mut World, Selector)| {
            let says = format!("{says}, by {name}");
            rows.push(row("P1", says, expect, move |w| build(w, selector)));
        };
        let leaf = || refused(Blocked);
        add("a pin is blocked", leaf(), |w, of| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block_selector(of(&own.certificate()));
            w.presents(&own);
        });
        add("a pin that matches by key is blocked", leaf(), |w, of| {
            let own = self_signed(KMS);
            w.pin_with(KEYS_1, "own", &own, by_public_key());
            w.store.block_selector(of(&own.certificate()));
            w.presents(&own);
        });
        add("a group's pin is blocked", leaf(), |w, of| {
            let own = self_signed(KMS);
            w.group("replicas", &["keys-1"]);
            w.pin(For::Group("replicas"), "own", &own);
            w.store.block_selector(of(&own.certificate()));
            w.presents(&own);
        });
        add("a client's pin is blocked", leaf(), |w, of| {
            let own = self_signed(KMS);
            w.pin(For::Clients, "own", &own);
            w.store.block_selector(of(&own.certificate()));
            w.presents(&own);
            w.ask_client();
        });
        add("the leaf of a chain is blocked", leaf(), |w, of| {
            let pki = pki("any");
            let made = pki.server(KMS);
            w.authority(For::AnyServer, "root", &pki.root);
            w.store.block_selector(of(&made.certificate()));
            w.presents(&made).with("intermediate", &pki.intermediate);
        });
        add(
            "the leaf of a client's chain is blocked",
            leaf(),
            |w, of| {
                let pki = pki("any");
                let made = pki.client("array-7.example");
                w.authority(For::Clients, "root", &pki.root);
                w.store.block_selector(of(&made.certificate()));
                w.presents(&made).with("intermediate", &pki.intermediate);
                w.ask_client();
            },
        );
        add(
            "the intermediate that the peer presents is blocked",
            refused(Blocked).considered(&["presented intermediate: Blocked"]),
            |w, of| {
                let pki = pki("any");
                w.authority(For::AnyServer, "root", &pki.root);
                w.store.block_selector(of(&pki.intermediate.certificate()));
                w.presents(&pki.server(KMS));
                w.with("intermediate", &pki.intermediate);
            },
        );
        add(
            "the installed intermediate is blocked",
            refused(Blocked).considered(&["intermediate intermediate for all chains: Blocked"]),
            |w, of| {
                let pki = pki("any");
                w.authority(For::AnyServer, "root", &pki.root);
                w.intermediate("intermediate", &pki.intermediate);
                w.store.block_selector(of(&pki.intermediate.certificate()));
                w.presents(&pki.server(KMS));
            },
        );
        add(
            "the authority is blocked",
            refused(Blocked).considered(&["authority root for any server: Blocked"]),
            |w, of| {
                let pki = pki("any");
                w.authority(For::AnyServer, "root", &pki.root);
                w.store.block_selector(of(&pki.root.certificate()));
                w.presents(&pki.server(KMS));
                w.with("intermediate", &pki.intermediate);
            },
        );
    }
    rows
}

/// Under public-key match: the installed certificate is blocked and the presented one is not, or the reverse.
fn of_one_key() -> Vec<Row> {
    let installed = || {
        refused(Blocked)
            .by(OWN)
            .considered(&["pin own for server keys-1: Blocked"])
    };
    let presented = || refused(Blocked);
    let other = || accepted(KeyMatched, OWN);
    let cases: Vec<(&str, &str, Selector, bool, Expect)> = vec![
        (
            "the installed certificate",
            "fingerprint",
            by_fingerprint,
            true,
            installed(),
        ),
        (
            "the installed certificate",
            "issuer and serial number",
            BlockSelector::issuer_serial,
            true,
            installed(),
        ),
        // The key is the presented one's as well.
        (
            "the installed certificate",
            "key",
            by_key,
            true,
            presented(),
        ),
        (
            "the installed certificate",
            "certificate and key",
            BlockSelector::certificate,
            true,
            presented(),
        ),
        (
            "the presented certificate",
            "fingerprint",
            by_fingerprint,
            false,
            presented(),
        ),
        (
            "the presented certificate",
            "issuer and serial number",
            BlockSelector::issuer_serial,
            false,
            presented(),
        ),
        (
            "the presented certificate",
            "key",
            by_key,
            false,
            presented(),
        ),
    ];
    let mut rows: Vec<Row> = cases
        .into_iter()
        .map(|(which, how, of, is_installed, expect)| {
            let says = format!("{which} of a key is blocked by {how}, not the other");
            row("P1", says, expect, move |w| {
                let own = self_signed(KMS);
                let new = renewed(&own);
                w.pin_with(KEYS_1, "own", &own, by_public_key());
                let blocked = if is_installed { &own } else { &new };
                w.store.block_selector(of(&blocked.certificate()));
                w.presents(&new);
            })
        })
        .collect();
    rows.push(row(
        "P1",
        "a third certificate of the key is blocked by its fingerprint: that touches no other",
        other(),
        |w| {
            let own = self_signed(KMS);
            w.pin_with(KEYS_1, "own", &own, by_public_key());
            w.store
                .block_selector(by_fingerprint(&renewed(&own).certificate()));
            w.presents(&renewed(&own));
        },
    ));
    rows.push(row(
        "P1",
        "another pin of the key decides when the installed certificate of the first is blocked",
        accepted(KeyMatched, "pin second for server keys-1")
            .considered(&["pin first for server keys-1: Blocked"]),
        |w| {
            let presented = self_signed(KMS);
            // The first has the lower fingerprint, so that it would decide.
            let mut two = [renewed(&presented), renewed(&presented)];
            two.sort_by_key(|made| made.certificate().fingerprint());
            w.pin_with(KEYS_1, "first", &two[0], by_public_key());
            w.pin_with(KEYS_1, "second", &two[1], by_public_key());
            w.store
                .block_selector(by_fingerprint(&two[0].certificate()));
            w.presents(&presented);
        },
    ));
    rows
}

#[rustfmt::skip]
fn paths_and_more() -> Vec<Row> {
    let re_issued = |reason: ReasonCode| refused(reason);
    vec![
        row("P1", "a blocked certificate is issued again with the same key", re_issued(Blocked), |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block(&own.certificate());
            w.presents(&renewed(&own));
        }),
        row("P1", "a block by fingerprint alone leaves the key: the verdict is that of the other certificate", re_issued(RenewedWithSameKey).considered(&["pin own for server keys-1: Blocked"]), |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block_selector(by_fingerprint(&own.certificate()));
            w.presents(&renewed(&own));
        }),
        row("P1", "a CA issued again with a blocked key", refused(Blocked).considered(&["authority root for any server: Blocked"]), |w| {
            let old = spec("CA").ca().self_signed();
            let root = spec("CA").ca().key_of(&old).self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.store.block(&old.certificate());
            w.presents(&spec("x").dns(KMS).signed_by(&root));
        }),
        row("P1", "a path through a blocked intermediate is discarded and another one does", accepted(ChainVerified, "authority other for any server").considered(&["presented first: Blocked"]), |w| {
            let day = 24 * 60 * 60;
            let (root, other) = (pki("one").root, pki("two").root);
            // The first lasts longer, so that it is tried first.
            let first = spec("I").ca().valid(-day, 90 * day).signed_by(&root);
            let second = spec("I").ca().key_of(&first).valid(-day, 80 * day).signed_by(&other);
            w.authority(For::AnyServer, "root", &root);
            w.authority(For::AnyServer, "other", &other);
            w.store.block_selector(by_fingerprint(&first.certificate()));
            w.presents(&spec("x").dns(KMS).signed_by(&first));
            w.with("first", &first).with("second", &second);
        }),
        row("P1", "a blocked intermediate that is installed and presented is named once", refused(Blocked).considered(&["intermediate I for all chains: Blocked"]), |w| {
            let pki = pki("any");
            w.authority(For::AnyServer, "root", &pki.root);
            w.intermediate("I", &pki.intermediate);
            w.store.block(&pki.intermediate.certificate());
            w.presents(&pki.server(KMS));
            w.with("I", &pki.intermediate).with("I", &pki.intermediate);
        }),
        row("P1", "the block by the key hits both cross-signed intermediates", refused(Blocked).considered(&["presented first: Blocked", "presented second: Blocked"]), |w| {
            let (root, other) = (pki("one").root, pki("two").root);
            let first = spec("I").ca().signed_by(&root);
            let second = spec("I").ca().key_of(&first).signed_by(&other);
            w.authority(For::AnyServer, "root", &root);
            w.authority(For::AnyServer, "other", &other);
            w.store.block(&first.certificate());
            w.presents(&spec("x").dns(KMS).signed_by(&first));
            w.with("first", &first).with("second", &second);
        }),
        row("P1", "a blocked certificate that nobody installed", refused(Blocked), |w| {
            let unknown = self_signed(KMS);
            w.store.block(&unknown.certificate());
            w.presents(&unknown);
        }),
        row("P1", "something malformed whose fingerprint is blocked", refused(Blocked), |w| {
            let malformed = super::support::fixture_bytes("malformed/truncated.der");
            let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&malformed).into();
            let fingerprint = mutual_trust::Fingerprint::from_bytes(digest);
            w.store.block_selector(BlockSelector::Fingerprint(fingerprint));
            w.presents_bytes(malformed);
        }),
        row("P1", "something malformed, of which a fingerprint is blocked that it has with the other value of its signature", refused(Blocked), |w| {
            let made = self_signed(KMS);
            let damaged = |certificate: &Certificate| {
                let mut tree = super::support::der::tree(certificate);
                // A version that there is not.
                *tree.field(0).at(&[0]).content() = vec![7];
                tree.write()
            };
            let own = damaged(&made.certificate);
            let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(damaged(&other(&made.certificate))).into();
            w.store.block_selector(BlockSelector::Fingerprint(mutual_trust::Fingerprint::from_bytes(digest)));
            w.presents_bytes(own);
        }),
        row("P1", "a fingerprint alone is held, and that of the certificate with the other signature is blocked", refused(Blocked), |w| {
            let own = self_signed(KMS);
            w.fingerprint(KEYS_1, "own", &own, super::world::plain());
            w.store.block_selector(by_other_fingerprint(&own.certificate()));
            w.presents(&own);
        }),
        row("P1", "the fingerprint that is held is blocked, and another certificate is presented", refused(NoUsablePin).considered(&["pin own for server keys-1: Blocked"]), |w| {
            let own = self_signed(KMS);
            w.fingerprint(KEYS_1, "own", &own, super::world::plain());
            w.store.block_selector(by_fingerprint(&own.certificate()));
            w.presents(&self_signed(KMS));
        }),
        row("P1", "a block of another certificate of the same issuer touches nothing", accepted(PinMatched, OWN), |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block_selector(BlockSelector::issuer_serial(&renewed(&own).certificate()));
            w.presents(&own);
        }),
        row("P1", "after the block was lifted", accepted(PinMatched, OWN), |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block(&own.certificate());
            w.store.unblock(&BlockSelector::certificate(&own.certificate())).unwrap();
            w.presents(&own);
        }),
        row("P1", "after one of two blocks was lifted", refused(Blocked), |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block(&own.certificate());
            w.store.block_selector(by_key(&own.certificate()));
            w.store.unblock(&BlockSelector::certificate(&own.certificate())).unwrap();
            w.presents(&own);
        }),
        row("P1", "a blocked leaf of an unlisted name, with a policy that allows those", refused(Blocked), |w| {
            let pki = pki("any");
            let made = pki.server("new.example");
            w.policy = w.policy.with_unlisted_allowed();
            w.authority(For::AnyServer, "root", &pki.root);
            w.store.block(&made.certificate());
            w.ask_name("new.example");
            w.presents(&made).with("intermediate", &pki.intermediate);
        }),
        row("P1", "a block holds for a server that migrates", refused(Blocked), |w| {
            let pki = pki("any");
            let made = pki.server(KMS);
            w.authority(For::AnyServer, "root", &pki.root);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            let until = super::support::at(super::support::NOW + 60);
            w.store.migrate(&"keys-1".parse().unwrap(), until).unwrap();
            w.store.block(&made.certificate());
            w.presents(&made).with("intermediate", &pki.intermediate);
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = by_each_selector();
    rows.extend(of_one_key());
    rows.extend(paths_and_more());
    rows
}

// P1
#[test]
fn a_block_by_any_selector_hits_whatever_the_verdict_would_rest_on() {
    hold(by_each_selector());
}

// P1, M1
#[test]
fn a_block_hits_the_installed_and_the_presented_certificate_of_a_key() {
    hold(of_one_key());
}

// P1
#[test]
fn a_block_discards_a_path_and_ends_a_verdict() {
    hold(paths_and_more());
}
