//! `check`: the verdict without a network.

use std::fs;

use crate::folder::Folder;
use crate::run::{fingerprint, machine, now_spec, run, write};

fn two(test: &str) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    machine(&folder, "other");
    folder
}

#[test]
fn a_pin_is_judged_as_a_file_and_as_a_fingerprint() {
    let folder = two("cli-check-pin");
    let fingerprint = fingerprint(&folder, "keys-1.pem");
    for pin in [
        "keys-1.pem",
        &fingerprint,
        &fingerprint.replace(':', "").to_lowercase(),
    ] {
        let line = format!("--server-name kms1.example --pin {pin}");
        run(&folder, &format!("check --chain keys-1.pem {line}"))
            .ends_with(0)
            .says("accepted: server kms1.example");
        run(&folder, &format!("check --chain other.pem {line}"))
            .ends_with(1)
            .says("[PinDoesNotMatch, rule P2]");
    }
    let line =
        "check --chain keys-1.pem --server-name kms1.example --pin keys-1.pem --at 2090-01-01";
    let found = run(&folder, &format!("{line} --json")).ends_with(1).json();
    assert_eq!(found["verdict"]["reason"], "Expired");
    assert_eq!(found["refused"], "Expired");
}

#[test]
fn next_months_outage_shows_today_by_the_store() {
    let folder = two("cli-check-store");
    run(&folder, "store create --store trust").ends_with(0);
    run(
        &folder,
        "store pin keys-1.pem --name kms1.example --store trust",
    )
    .ends_with(0);
    let line = "check --chain keys-1.pem --server-name kms1.example --store trust";
    run(&folder, line).ends_with(0);
    run(&folder, &format!("{line} --at 2090-01-01T00:00:00Z"))
        .ends_with(1)
        .says("[Expired, rule M3]");
    // A time before the store was made is asked for on purpose: it is no clock that was lost.
    run(&folder, &format!("{line} --at 2001-01-01"))
        .ends_with(1)
        .says("[NotYetValid, rule M3]");
    run(&folder, &format!("{line} --server absent"))
        .ends_with(2)
        .says("error[store/UnknownServer]");
    let line = "check --chain keys-1.pem --server-name other.example --store trust";
    run(&folder, line)
        .ends_with(1)
        .says("[UnlistedName, rule P6]");
}

#[test]
fn a_pin_is_exclusive_beside_a_ca() {
    let folder = Folder::new("cli-check-both");
    let root = now_spec("Root").ca().self_signed();
    let leaf = now_spec("kms1.example")
        .dns("kms1.example")
        .signed_by(&root);
    write(&folder, "root", &root);
    write(&folder, "leaf", &leaf);
    write(&folder, "pin", &now_spec("pin").self_signed());
    let line = "check --chain leaf.pem --server-name kms1.example --ca root.pem";
    run(&folder, line).ends_with(0).says("[ChainVerified, rule");
    run(&folder, &format!("{line} --pin pin.pem"))
        .ends_with(1)
        .says("[AuthoritiesNotAsked, rule P2]");
    run(&folder, &format!("{line} --require-crl"))
        .ends_with(1)
        .says("rule C4");
    run(
        &folder,
        "check --chain leaf.pem --server-name kms2.example --ca root.pem",
    )
    .ends_with(1)
    .says("rule C2");
    run(
        &folder,
        "check --chain leaf.pem --server-name kms1.example --ca leaf.pem",
    )
    .ends_with(2)
    .says("store/NotCa");
}

#[test]
fn the_strict_profile_refuses_what_the_compatible_one_warns_of() {
    let folder = Folder::new("cli-check-profile");
    let root = now_spec("Root").ca().self_signed();
    // No key identifier of the authority: RFC 5280 section 4.2.1.1 wants one.
    let leaf = now_spec("kms1.example")
        .dns("kms1.example")
        .no_authority_key_id()
        .signed_by(&root);
    write(&folder, "root", &root);
    write(&folder, "leaf", &leaf);
    let line = "check --chain leaf.pem --server-name kms1.example --ca root.pem";
    run(&folder, line)
        .ends_with(0)
        .says("warning: certificate")
        .says("breaks RFC 5280");
    run(&folder, &format!("{line} --profile strict"))
        .ends_with(1)
        .says("rule C1");
}

#[test]
fn a_client_is_judged_as_a_key_server_does() {
    let folder = two("cli-check-client");
    run(
        &folder,
        "check --client --chain keys-1.pem --pin keys-1.pem",
    )
    .ends_with(0)
    .says("accepted: a client");
    run(&folder, "check --client --chain other.pem --pin keys-1.pem").ends_with(1);
    run(&folder, "check --chain other.pem --pin keys-1.pem").ends_with(2);
    fs::write(folder.file("empty.pem"), "").unwrap();
    run(
        &folder,
        "check --chain empty.pem --server-name a --pin keys-1.pem",
    )
    .ends_with(2)
    .says("empty.pem");
}

// P1. With the certificates of a report: a block by the fingerprint that was reported was undone without any key.
#[test]
fn a_block_by_fingerprint_hits_the_certificate_with_the_other_value_of_its_signature() {
    let folder = Folder::new("cli-check-other-signature");
    for name in ["ca.pem", "kms.pem", "kms-other-signature.pem"] {
        let bytes = crate::support::fixture_bytes(&format!("malleated/{name}"));
        fs::write(folder.file(name), bytes).unwrap();
    }
    run(&folder, "store create --store trust").ends_with(0);
    run(
        &folder,
        "store server add keys-1 kms1.example --store trust",
    )
    .ends_with(0);
    run(&folder, "store authority ca.pem --any-server --store trust").ends_with(0);
    let both = ["kms.pem", "kms-other-signature.pem"];
    let check = |presented: &str| {
        let line = "--server-name kms1.example --store trust --at 2027-01-01";
        run(&folder, &format!("check --chain {presented} {line}"))
    };
    for presented in both {
        check(presented).ends_with(0);
    }
    for reported in both {
        let fingerprint = fingerprint(&folder, reported);
        let block = format!("block --fingerprint {fingerprint} --store trust");
        run(&folder, &format!("store {block}")).ends_with(0);
        for presented in both {
            check(presented).ends_with(1).says("[Blocked, rule P1]");
        }
        run(&folder, &format!("store un{block}")).ends_with(0);
    }
}

// C4. With the lists of a report: the newer one came first, and what it revokes was accepted.
#[test]
fn revocation_lists_are_named_in_any_order() {
    let folder = Folder::new("cli-check-crl-order");
    for name in [
        "root.pem",
        "int.pem",
        "srv-chain.pem",
        "int.crl",
        "int2.crl",
        "two.crl",
    ] {
        let bytes = crate::support::fixture_bytes(&format!("crl-order/{name}"));
        fs::write(folder.file(name), bytes).unwrap();
    }
    let trust = "--server-name localhost --ca root.pem --intermediate int.pem --at 2026-12-01";
    let check = |lists: &str| {
        run(
            &folder,
            &format!("check --chain srv-chain.pem {trust} {lists}"),
        )
    };
    check("--crl int.crl").ends_with(0);
    for lists in [
        "--crl int2.crl",
        "--crl int.crl --crl int2.crl",
        "--crl int2.crl --crl int.crl",
        "--crl two.crl",
    ] {
        check(lists).ends_with(1).says("[Revoked,");
    }
}
