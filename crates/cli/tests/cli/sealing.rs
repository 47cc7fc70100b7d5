//! Stores that are sealed with a key file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::folder::Folder;
use crate::run::*;

/// The files of a store with their content.
fn files(folder: &Folder) -> Vec<Vec<u8>> {
    let names = ["trust-store", "trust-store.previous"];
    names
        .iter()
        .map(|name| fs::read(folder.path().join("trust").join(name)).unwrap())
        .collect()
}

/// A store that is sealed, with a server, an entry and a change behind its snapshot.
fn sealed(name: &str) -> Folder {
    let folder = Folder::new(name);
    machine(&folder, "keys-1");
    for line in [
        "store new-seal-key seal.key",
        "store create --store trust",
        "store server add keys-1 kms1.example --store trust",
        "store seal seal.key --store trust",
        "store pin keys-1.pem --server keys-1 --store trust --seal-key seal.key",
    ] {
        run(&folder, line).ends_with(0);
    }
    folder
}

#[test]
fn no_command_without_the_key_changes_a_sealed_store() {
    let folder = sealed("cli-sealed");
    let before = files(&folder);
    for line in [
        "store server add other --store trust",
        "store block keys-1.pem --store trust",
        "store remove keys-1.pem --force --store trust",
        "store rollback --to 1 --force --store trust",
        "store adopt keys-1.pem --clients --accept --store trust",
        "store unseal --store trust",
        "store seal seal.key --store trust",
    ] {
        let ran = run(&folder, line).ends_with(2);
        assert!(files(&folder) == before, "{line}: {}", ran.all());
    }
    run(&folder, "store server add other --store trust")
        .ends_with(2)
        .says("the store is sealed")
        .says("--seal-key");
    // Reading is no change. It says that nothing was verified.
    run(&folder, "store list --store trust").ends_with(0);
    run(&folder, "store verify --store trust")
        .ends_with(0)
        .says("its seal is not verified");
}

#[test]
fn every_verb_of_a_store_takes_the_key_and_refuses_a_store_that_was_changed_without_it() {
    let folder = sealed("cli-sealed-verbs");
    let verbs = [
        "store list --store trust",
        "store verify --store trust",
        "store log --store trust",
        "store expiring --store trust",
        "store clock show --store trust",
        "store plan server add other --store trust",
        "store server add other --store trust",
        "store diff trust trust --store trust",
        "check --chain keys-1.pem --server-name kms1.example --store trust",
    ];
    for line in verbs {
        run(&folder, &format!("{line} --seal-key seal.key")).ends_with(0);
    }
    let verified = run(
        &folder,
        "store verify --store trust --seal-key seal.key --json",
    );
    assert_eq!(verified.json()["seal"], "verified");
    run(&folder, "store new-seal-key other.key").ends_with(0);
    let path = folder.path().join("trust").join("trust-store");
    let whole = fs::read_to_string(&path).unwrap();
    // Its seals are cut out: all else fits.
    let bare: String = whole
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("seal "))
        .collect();
    for line in verbs {
        run(&folder, &format!("{line} --seal-key other.key"))
            .ends_with(2)
            .says("the seal does not match the file");
    }
    fs::write(&path, bare).unwrap();
    for line in verbs {
        run(&folder, &format!("{line} --seal-key seal.key"))
            .ends_with(2)
            .says("the file has no seal");
    }
    run(&folder, "store list --store trust").ends_with(0);
}

#[test]
fn a_store_is_made_sealed_gets_another_key_and_is_unsealed() {
    let folder = Folder::new("cli-sealed-made");
    let mode = |name: &str| {
        fs::metadata(folder.file(name))
            .unwrap()
            .permissions()
            .mode()
    };
    run(&folder, "store new-seal-key one.key").ends_with(0);
    run(&folder, "store new-seal-key two.key").ends_with(0);
    assert_eq!(mode("one.key") & 0o7777, 0o600);
    let key = |name: &str| fs::read(folder.file(name)).unwrap();
    assert_eq!(key("one.key").len(), 32);
    assert_ne!(key("one.key"), key("two.key"));
    let one = key("one.key");
    run(&folder, "store new-seal-key one.key")
        .ends_with(2)
        .says("write/Exists");
    assert_eq!(key("one.key"), one);
    run(&folder, "store create --store trust --seal-key one.key").ends_with(0);
    run(
        &folder,
        "store server add a --store trust --seal-key one.key",
    )
    .ends_with(0);
    let line = "store seal two.key --seal-key one.key --store trust --by alice";
    run(&folder, &format!("{line} --dry-run"))
        .ends_with(0)
        .says("would be sealed");
    run(&folder, "store list --store trust --seal-key one.key").ends_with(0);
    run(&folder, line).ends_with(0);
    run(&folder, "store log --store trust --seal-key two.key")
        .ends_with(0)
        .says("asked: seal, by alice");
    run(&folder, "store list --store trust --seal-key one.key").ends_with(2);
    run(
        &folder,
        "store server add b --store trust --seal-key two.key",
    )
    .ends_with(0);
    run(&folder, "store unseal --store trust --seal-key two.key").ends_with(0);
    run(&folder, "store server add c --store trust").ends_with(0);
    let verified = run(&folder, "store verify --store trust --json");
    assert_eq!(verified.json()["seal"], "none");
}

#[test]
fn the_key_of_a_seal_is_checked_like_a_private_key() {
    let folder = Folder::new("cli-sealed-key");
    run(&folder, "store create --store trust").ends_with(0);
    private(&folder, "short.key", "a word");
    let seal = |name: &str| run(&folder, &format!("store seal {name} --store trust")).ends_with(2);
    seal("short.key")
        .says("32 to 1024 random bytes")
        .says("openssl rand");
    seal("missing.key").says("missing.key");
    private(&folder, "shared.key", &"k".repeat(32));
    fs::set_permissions(folder.file("shared.key"), fs::Permissions::from_mode(0o644)).unwrap();
    seal("shared.key")
        .says("group or others have access")
        .says("shared.key");
    machine(&folder, "keys-1");
    let line = "check --chain keys-1.pem --pin keys-1.pem --server-name a --seal-key shared.key";
    run(&folder, line)
        .ends_with(2)
        .says("--seal-key belongs to --store");
}

#[test]
fn a_sealed_store_that_is_read_without_its_key_is_said_to_be_unverified() {
    let folder = Folder::new("cli-seal-said");
    run(&folder, "store create --store trust").ends_with(0);
    run(&folder, "store server add keys-1 --store trust").ends_with(0);
    for verb in ["list", "log"] {
        let line = format!("store {verb} --store trust");
        let ran = run(&folder, &line).ends_with(0);
        assert!(!ran.all().contains("seal"), "{}", ran.all());
        let found = run(&folder, &format!("{line} --json")).json();
        assert_eq!(found["seal"], "none");
    }
    run(&folder, "store new-seal-key one.key").ends_with(0);
    run(&folder, "store seal one.key --store trust").ends_with(0);
    for verb in ["list", "log"] {
        let line = format!("store {verb} --store trust");
        run(&folder, &line)
            .ends_with(0)
            .says("warning: the store is sealed, and without --seal-key its seal is not verified");
        let found = run(&folder, &format!("{line} --json")).json();
        assert_eq!(found["seal"], "not-verified");
        let found = run(&folder, &format!("{line} --seal-key one.key --json")).json();
        assert_eq!(found["seal"], "verified");
    }
}

#[test]
fn an_export_of_a_sealed_store_without_its_key_says_that_it_is_unverified() {
    let folder = Folder::new("cli-seal-export");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    run(&folder, "store server add keys-1 --store trust").ends_with(0);
    run(
        &folder,
        "store pin keys-1.pem --server keys-1 --store trust",
    )
    .ends_with(0);
    run(&folder, "store new-seal-key one.key").ends_with(0);
    run(&folder, "store seal one.key --store trust").ends_with(0);
    let warning = "warning: the store is sealed, and without --seal-key its seal is not verified";
    for format in ["pem", "curl", "json"] {
        let line = format!("store export --format {format} --server keys-1 --store trust");
        let out = format!("{line} --out {format}.out --replace");
        let with_key = |line: &str| format!("{line} --seal-key one.key");
        let verified = run(&folder, &with_key(&out)).ends_with(0);
        assert!(!verified.all().contains("seal"), "{}", verified.all());
        run(&folder, &out).ends_with(0).says(warning);
        let found = run(&folder, &format!("{line} --json")).json();
        assert_eq!(found["seal"], "not-verified");
        let found = run(&folder, &with_key(&format!("{out} --json"))).json();
        assert_eq!(found["seal"], "verified");
    }
    let bundle = "store export --format pem --server keys-1 --store trust";
    let ran = run(&folder, bundle).ends_with(0);
    assert!(
        ran.out.contains("# warning: the store is sealed"),
        "{}",
        ran.out
    );
    // The text for curl has no comments: the warning is beside it.
    let ran = run(&folder, &bundle.replace("pem", "curl")).ends_with(0);
    assert!(
        ran.out.starts_with("sha256//") && ran.out.lines().count() == 1,
        "{}",
        ran.out
    );
    assert!(ran.err.contains(warning), "{}", ran.err);
}
