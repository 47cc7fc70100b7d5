//! `store backup`, `restore` and `recover`, and what a plan of them says.

use std::fs;
use std::sync::Arc;

use mutual_trust::AuthorityScope;
use mutual_trust::admin::{DurableSettings, DurableStore, Feeds, Follower, Seal, Source};
use mutual_trust_test_support::keys;
use serde_json::Value;

use crate::folder::Folder;
use crate::run::{Ran, fingerprint, machine, now_spec, run, write};
use crate::support::crl::crl;

const YEAR: i64 = 365 * 24 * 3600;

/// A store with a server, its pin and a client, and a backup of it.
fn backed_up(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["keys-1", "array", "keys-2"] {
        machine(&folder, name);
    }
    store(&folder, "create").ends_with(0);
    store(&folder, "server add keys-1 kms1.example").ends_with(0);
    store(&folder, "pin keys-1.pem --server keys-1 --label rack-4").ends_with(0);
    store(&folder, "pin array.pem --clients --label array-7").ends_with(0);
    store(&folder, "backup copy")
        .ends_with(0)
        .says("copied to copy: generation ")
        .says(", 2 entries\n")
        .says("digest: ");
    folder
}

fn store(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("store {line} --store trust"))
}

fn list(folder: &Folder) -> Value {
    let mut list = store(folder, "list --json").ends_with(0).json();
    list["clock"]["now"] = Value::Null;
    list
}

fn file(folder: &Folder) -> Vec<u8> {
    fs::read(folder.file("trust/trust-store")).unwrap()
}

fn damage(folder: &Folder, text: &[u8]) {
    let mut content = file(folder);
    let mut places = content.windows(text.len());
    let at = places.position(|found| found == text).unwrap();
    content[at + 2] ^= 1;
    fs::write(folder.file("trust/trust-store"), content).unwrap();
}

#[test]
fn a_restore_brings_back_what_is_not_blocked_and_is_tried_first() {
    let folder = backed_up("cli-restore");
    let good = list(&folder);
    let there = store(&folder, "backup copy")
        .ends_with(2)
        .says("error[write/Exists]: copy exists, and is kept: choose another name");
    assert!(!there.all().contains("not in force"), "{there:?}");
    let same = store(&folder, "restore copy").ends_with(0);
    let text = same.all();
    assert!(
        text.contains("the store has the content of generation ") && !text.contains("rolled back"),
        "{text}"
    );
    store(&folder, "backup other --force")
        .ends_with(2)
        .says("usage");
    store(&folder, "remove keys-1.pem --force").ends_with(0);
    store(&folder, "remove array.pem --force").ends_with(0);
    store(&folder, "block array.pem").ends_with(0);
    store(&folder, "server add keys-2 kms2.example").ends_with(0);
    store(&folder, "pin keys-2.pem --server keys-2").ends_with(0);
    let bad = list(&folder);
    // The server that was claimed since stays claimed, and its pin goes.
    for line in [
        "restore copy --dry-run",
        "plan restore copy",
        "restore copy",
    ] {
        store(&folder, line)
            .ends_with(1)
            .says("would lock out: server keys-2")
            .says("would be rolled back to generation ")
            .says("came back: pin")
            .says("left out, it is blocked: pin")
            .says("refused[LocksOut]");
        assert_eq!(list(&folder), bad, "{line}");
    }
    store(
        &folder,
        &format!("plan rollback --to {}", good["generation"]),
    )
    .ends_with(1)
    .says("would lock out: server keys-2");
    assert_eq!(list(&folder), bad);
    let done = store(&folder, "restore copy --force --by alice --json")
        .ends_with(0)
        .json();
    assert_eq!(done["schema"], "mutual-trust/store-rollback/1");
    let kept = done["rollback"]["kept"]["items"].as_array().unwrap();
    assert!(kept.iter().any(|kept| kept["kind"] == "block"));
    let after = list(&folder);
    assert!(after["generation"].as_u64() > bad["generation"].as_u64());
    assert_eq!(after["blocks"], bad["blocks"]);
    let entries = after["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    let shown = |entry: &Value| entry["fingerprint"].as_str().unwrap().to_owned();
    assert!(
        entries
            .iter()
            .any(|entry| shown(entry) == fingerprint(&folder, "keys-1.pem"))
    );
    assert_eq!(after["servers"][1]["claim"], "claimed");
    assert!(good["generation"].as_u64() < after["generation"].as_u64());
    store(&folder, "log --by alice").ends_with(0).says(&format!(
        "asked: restore of generation {}, by alice",
        good["generation"]
    ));
}

#[test]
fn a_lost_store_is_made_again_from_its_backup() {
    let folder = backed_up("cli-restore-lost");
    let good = list(&folder);
    fs::remove_dir_all(folder.file("trust")).unwrap();
    for option in ["--force", "--by alice"] {
        store(&folder, &format!("restore copy {option}"))
            .ends_with(2)
            .says("usage");
    }
    store(&folder, "restore absent").ends_with(2);
    let done = format!("to {}, stored as ", good["generation"]);
    store(&folder, "restore copy --dry-run")
        .ends_with(0)
        .says("dry run, nothing was changed; the recovery would be:")
        .says(&done);
    assert!(!folder.file("trust").exists());
    store(&folder, "restore copy").ends_with(0).says(&done);
    let after = list(&folder);
    for part in ["entries", "servers", "blocks"] {
        assert_eq!(after[part], good[part], "{part}");
    }
    assert!(after["generation"].as_u64() > good["generation"].as_u64());
}

#[test]
fn a_damaged_store_is_recovered_and_what_to_look_at_is_said() {
    let folder = backed_up("cli-recover");
    let good = list(&folder);
    store(&folder, "recover")
        .ends_with(2)
        .says("durable/NotDamaged");
    store(&folder, "recover --dry-run")
        .ends_with(2)
        .says("durable/NotDamaged");
    store(&folder, "recover --by alice")
        .ends_with(2)
        .says("usage");
    store(&folder, "block keys-2.pem").ends_with(0);
    let blocks = list(&folder)["blocks"].clone();
    damage(&folder, b"server keys-1 ");
    store(&folder, "list").ends_with(2);
    let before = file(&folder);
    let planned = store(&folder, "recover --backup copy --dry-run --json")
        .ends_with(0)
        .json();
    assert_eq!(file(&folder), before);
    assert!(!folder.file("trust/trust-store.damaged").exists());
    let done = store(&folder, "recover --backup copy --json")
        .ends_with(0)
        .json();
    // They differ only in that.
    let mut same = planned.clone();
    same["dry_run"] = Value::Bool(false);
    assert_eq!(same["writable_by_others"], done["writable_by_others"]);
    assert_eq!(same, done);
    assert_eq!(planned["dry_run"], true);
    assert_eq!(done["schema"], "mutual-trust/store-recover/1");
    assert_eq!(done["from_generation"], good["generation"]);
    assert_eq!(done["blocks"]["items"].as_array().unwrap().len(), 1);
    let after = list(&folder);
    assert_eq!(after["blocks"], blocks);
    assert_eq!(after["entries"].as_array().unwrap().len(), 2);
    assert!(folder.file("trust/trust-store.damaged").exists());
    // A recovery starts with a new file, so that nothing good stands before damage in it.
    damage(&folder, b"server keys-1 ");
    store(&folder, "recover")
        .ends_with(2)
        .says("Recover from a backup");
}

// Without a backup: what stands before the damage is taken, and what takes trust away.
#[test]
fn a_store_with_a_good_beginning_is_recovered_without_a_backup() {
    let folder = backed_up("cli-recover-alone");
    store(&folder, "block keys-2.pem").ends_with(0);
    let blocks = list(&folder)["blocks"].clone();
    damage(&folder, b"pin clients ");
    store(&folder, "recover")
        .ends_with(0)
        .says("fell back from generation ")
        .says("block kept: certificate");
    let after = list(&folder);
    assert_eq!(after["blocks"], blocks);
    assert_eq!(after["entries"].as_array().unwrap().len(), 1);
}

// What can still be read of the store can be newer than the backup, which is then not used.
#[test]
fn a_backup_that_is_older_than_what_can_be_read_is_named() {
    let folder = backed_up("cli-recover-older");
    store(&folder, "server add keys-9 keys-9.example").ends_with(0);
    store(&folder, "block keys-2.pem").ends_with(0);
    damage(&folder, b"block certificate ");
    let unused = "is older than what could be read, and was not used";
    store(&folder, "restore copy --dry-run")
        .ends_with(0)
        .says(unused);
    store(&folder, "recover --backup copy")
        .ends_with(0)
        .says(unused);
    assert_eq!(list(&folder)["servers"].as_array().unwrap().len(), 2);
}

/// A code by a key; good enough for a test.
#[derive(Debug)]
struct Key;

impl Seal for Key {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        let sum = content.iter().fold(7_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
        });
        sum.to_be_bytes().repeat(4)
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        self.seal(content) == seal
    }
}

#[test]
fn a_backup_of_a_sealed_store_is_sealed_and_not_restored_without_the_seal() {
    let folder = Folder::new("cli-backup-sealed");
    fs::create_dir(folder.file("trust")).unwrap();
    let settings = DurableSettings::new(keys()).with_seal(Arc::new(Key));
    let mut made = DurableStore::create(&folder.file("trust"), settings.clone()).unwrap();
    made.change(|store| store.add_server("keys-1".parse().unwrap(), []))
        .unwrap();
    drop(made);
    let before = file(&folder);
    store(&folder, "backup copy").ends_with(0).says(", sealed");
    assert_eq!(fs::read(folder.file("copy")).unwrap(), before);
    store(&folder, "restore copy")
        .ends_with(2)
        .says("the store is sealed");
    assert_eq!(file(&folder), before);
    // Where no sealed store is, the backup is what is sealed.
    fs::remove_file(folder.file("trust/trust-store")).unwrap();
    let of_backup = |ran: Ran| {
        let ran = ran
            .ends_with(2)
            .says("error[durable/BackupSealed]: the backup copy is sealed: ");
        assert!(!ran.all().contains("the store is sealed"), "{}", ran.all());
    };
    of_backup(store(&folder, "restore copy"));
    assert!(!folder.file("trust/trust-store").exists());
    run(&folder, "store create --store bare").ends_with(0);
    for line in [
        "restore copy",
        "restore copy --dry-run",
        "plan restore copy",
    ] {
        of_backup(run(&folder, &format!("store {line} --store bare")));
    }
    assert!(!folder.file("trust/trust-store").exists());
    assert!(DurableStore::read_backup(&folder.file("copy"), &settings).is_ok());
}

// What weakens trust is in the list, and so is the policy by which the call would judge.
#[test]
fn a_list_shows_what_weakens_trust_and_the_policy_of_the_call() {
    let folder = Folder::new("cli-list-weak");
    machine(&folder, "keys-1");
    let ca = now_spec("CA").ca().self_signed();
    write(&folder, "ca", &ca);
    let revoked = crl().valid(-2 * YEAR, 20 * YEAR).signed_by(&ca);
    fs::write(folder.file("ca.crl"), revoked.to_pem()).unwrap();
    store(&folder, "create").ends_with(0);
    store(&folder, "server add keys-1 kms1.example").ends_with(0);
    store(
        &folder,
        "pin keys-1.pem --server keys-1 --match-key --grace 30d --any-role --ends 300d",
    )
    .ends_with(0);
    store(
        &folder,
        "authority ca.pem --clients --pattern dns:*.arrays.example",
    )
    .ends_with(0);
    store(&folder, "crl add ca.crl").ends_with(0);
    let text = store(&folder, "list --profile strict --allow-unlisted")
        .ends_with(0)
        .out;
    for line in [
        "accepts every certificate of its key",
        "accepts it 30 days after its end",
        "accepts it whatever its extended key usage is",
        "ends at 2",
        "dns:*.arrays.example",
        "revocation is checked for certificates of CN=CA",
        "clock floor 2",
        "policy of this call: strict profile; a current revocation list is required of checked issuers; names of no server are accepted",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    let json = store(&folder, "list --require-crl --json")
        .ends_with(0)
        .json();
    assert_eq!(json["policy"]["profile"], "compatible");
    assert_eq!(json["policy"]["require_crl"], true);
    assert_eq!(json["policy"]["allow_unlisted"], false);
}

#[test]
fn a_list_shows_from_which_source_an_entry_comes() {
    let folder = Folder::new("cli-list-source");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    store(&folder, "create").ends_with(0);
    let settings = DurableSettings::new(keys());
    let (mut opened, _) = DurableStore::open(&folder.file("trust"), settings).unwrap();
    let feeds = Feeds::Authorities(AuthorityScope::AnyServer);
    let source = Source::new("mounted secret", folder.file("ca.pem"), feeds);
    let mut follower = Follower::new([source]).unwrap();
    // A source is taken over when it has been the same for two polls.
    for _ in 0..3 {
        follower.poll(&mut opened).unwrap();
    }
    store(&folder, "list")
        .ends_with(0)
        .says("from the source mounted secret");
    let json = list(&folder);
    assert_eq!(json["entries"][0]["source"], "mounted secret");
}

// A prediction is by the policy that is named.
#[test]
fn a_plan_and_verify_judge_by_the_policy_that_is_named() {
    let folder = Folder::new("cli-policy");
    machine(&folder, "keys-1");
    let ca = now_spec("CA").ca().self_signed();
    write(&folder, "ca", &ca);
    store(&folder, "create").ends_with(0);
    store(&folder, "server add keys-1 kms1.example").ends_with(0);
    store(&folder, "authority ca.pem --any-server").ends_with(0);
    let verify = |policy: &str| store(&folder, &format!("verify {policy}"));
    verify("").ends_with(0);
    verify("--require-crl")
        .ends_with(1)
        .says("refused[ServerWithoutUsable]");
    let plan = |policy: &str| store(&folder, &format!("plan remove ca.pem {policy}"));
    plan("").ends_with(1).says("would lock out: server keys-1");
    // What is refused anyway is not locked out.
    let ran = plan("--require-crl").ends_with(0);
    assert!(!ran.all().contains("would lock out"), "{}", ran.all());
    plan("--allow-unlisted")
        .ends_with(1)
        .says("unlisted names of authority");
}

// What a cut takes away behind a whole change is not to be seen in the file.
#[test]
fn verify_says_that_it_does_not_see_a_file_that_ends_too_soon() {
    let folder = backed_up("cli-verify-cut");
    let whole = file(&folder);
    let generation = list(&folder)["generation"].clone();
    store(&folder, "block keys-2.pem").ends_with(0);
    fs::write(folder.file("trust/trust-store"), whole).unwrap();
    store(&folder, "verify").ends_with(0).says(&format!(
        "newest: changes after generation {generation} that are cut off are not noticed here"
    ));
}

#[test]
fn the_json_of_a_recovery_has_the_names_and_what_is_in_doubt() {
    let folder = backed_up("cli-recover-names");
    store(&folder, "server add late late.example").ends_with(0);
    store(&folder, "pin keys-2.pem --server late").ends_with(0);
    damage(&folder, b"server keys-1 ");
    let done = store(&folder, "recover --backup copy --json")
        .ends_with(0)
        .json();
    let names = done["names"]["items"].as_array().unwrap();
    assert_eq!(names.len(), 1, "{done}");
    assert_eq!(names[0]["kind"], "name");
    assert_eq!(names[0]["text"], "name late.example of server late");
    for list in ["names_left", "lifted", "disabled", "in_doubt"] {
        assert_eq!(done[list]["items"], Value::Array(Vec::new()), "{list}");
    }
    assert_eq!(done["previous_damage"], Value::Null);
    assert_eq!(done["changes_unknown"], false);
}
