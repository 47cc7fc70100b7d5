//! `fleet`: whole stories of administrators and nodes, by the command alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mutual_trust::certificate::Timestamp;
use serde_json::Value;

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Ran, command, machine, run, run_with};

/// Three administrators, a store with one key server, and a fleet of which two keys sign.
fn founded(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["k1", "k2"] {
        machine(&folder, name);
    }
    for name in ["ana", "ben", "cleo"] {
        new_key(&folder, name);
    }
    for line in [
        "store create --store source",
        "store server add k1 k1.example --store source",
        "store pin k1.pem --server k1 --store source",
        "fleet init arrays --threshold 2 --key ana.pub --key ben.pub --key cleo.pub --fleet fleet",
        "store create --store node",
    ] {
        run(&folder, line).ends_with(0);
    }
    folder
}

fn new_key(folder: &Folder, name: &str) {
    let line = format!("fleet new-key {name}.key --public-key {name}.pub");
    run(folder, &line).ends_with(0);
}

fn draft(folder: &Folder) {
    run(folder, "fleet draft --store source --days 90 --fleet fleet").ends_with(0);
}

/// Each of them signs the draft.
fn signed(folder: &Folder, names: &[&str]) -> String {
    let mut all = String::new();
    for name in names {
        let line =
            format!("fleet sign fleet/draft --key {name}.key --out {name}.sig --replace --accept");
        run(folder, &line).ends_with(0);
        all.push_str(&format!(" --signature {name}.sig"));
    }
    all
}

fn publish(folder: &Folder, names: &[&str]) -> Ran {
    let signatures = signed(folder, names);
    run(
        folder,
        &format!("fleet publish {signatures} --to site --fleet fleet --json"),
    )
}

/// Drafts what the store has, and publishes it.
fn published(folder: &Folder) {
    draft(folder);
    publish(folder, &["ana", "ben"]).ends_with(0);
}

/// The digest of the newest key set of the publisher's folder.
fn digest(folder: &Folder) -> String {
    let shown = run(folder, "fleet keys show fleet/keys --json")
        .ends_with(0)
        .json();
    shown["digest"].as_str().unwrap().to_owned()
}

fn join(folder: &Folder, store: &str) {
    let line = format!(
        "fleet join site --digest {} --store {store}",
        digest(folder)
    );
    run(folder, &line).ends_with(0);
}

/// A node that has joined what is published.
fn joined(folder: &Folder) {
    join(folder, "node");
}

const TAKE: &str = "fleet take site --node array-7 --store node";

fn take(folder: &Folder) -> Ran {
    run(folder, &format!("{TAKE} --json"))
}

fn entries(folder: &Folder, store: &str) -> Vec<Value> {
    let list = run(folder, &format!("store list --store {store} --json"))
        .ends_with(0)
        .json();
    list["entries"].as_array().unwrap().clone()
}

fn publication(folder: &Folder) -> PathBuf {
    folder.file("site/publication")
}

#[test]
fn two_of_three_administrators_publish_and_a_node_takes_over() {
    let folder = founded("cli-fleet");
    draft(&folder);
    // One key signs twice, and counts once.
    let ran = publish(&folder, &["ana"]).ends_with(1);
    assert_eq!(ran.json()["refused"], "TooFewSignatures");
    let twice = "fleet publish --signature ana.sig --signature ana.sig --to site --fleet fleet";
    run(&folder, twice)
        .ends_with(1)
        .says("refused[TooFewSignatures]");
    assert!(!publication(&folder).exists());
    let made = publish(&folder, &["ana", "cleo"]).ends_with(0).json();
    assert_eq!(made["bundle"]["sequence"], 1);
    assert_eq!(made["signers"].as_array().unwrap().len(), 2);
    assert!(!folder.file("fleet/draft").exists());
    // A node that is told another digest sees nothing of it.
    let other = format!("{}00", &digest(&folder)[..93]);
    run(
        &folder,
        &format!("fleet join site --digest {other} --store node"),
    )
    .ends_with(1)
    .says("refused[OtherDigest]");
    run(&folder, "fleet show --store node --json").ends_with(1);
    let heard = format!("{}\n", digest(&folder));
    run_with(&folder, "fleet join site --store node", &heard).ends_with(0);
    run(&folder, "fleet status site --expect array-7")
        .ends_with(1)
        .says("missing: node array-7: it never reported");
    let taken = take(&folder).ends_with(0).json();
    assert_eq!(
        (&taken["changed"], &taken["sequence"]),
        (&true.into(), &1.into())
    );
    let held = entries(&folder, "node");
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["source"], "fleet arrays");
    run(&folder, "store log --store node")
        .ends_with(0)
        .says("take over fleet arrays sequence 1");
    let again = take(&folder).ends_with(0).json();
    assert_eq!(again["changed"], false);
    let shown = run(&folder, "fleet show --store node --json")
        .ends_with(0)
        .json();
    assert_eq!(
        (&shown["sequence"], &shown["applied"]),
        (&1.into(), &true.into())
    );
    let status = run(&folder, "fleet status site --expect array-7 --json")
        .ends_with(0)
        .json();
    assert_eq!(status["nodes"][0]["state"], "current");
    // What was installed here stays.
    run(&folder, "store server add k2 k2.example --store node").ends_with(0);
    run(&folder, "store pin k2.pem --server k2 --store node").ends_with(0);
    run(
        &folder,
        "store remove k1.pem --server k1 --force --store source",
    )
    .ends_with(0);
    run(&folder, "store pin k2.pem --server k1 --store source").ends_with(0);
    published(&folder);
    let status = run(&folder, "fleet status site --json").ends_with(1).json();
    assert_eq!(
        (&status["refused"], &status["behind"]),
        (&"NodesBehind".into(), &1.into())
    );
    assert_eq!(status["nodes"][0]["fault"], "it holds bundle 1");
    take(&folder).ends_with(1); // it locked a peer out, and says so
    let held = entries(&folder, "node");
    assert_eq!(held.len(), 2, "{held:?}");
    run(&folder, "fleet leave --store node").ends_with(0);
    assert_eq!(entries(&folder, "node").len(), 2);
    run(&folder, TAKE)
        .ends_with(2)
        .says("error[fleet/NoMember]");
}

#[test]
fn what_is_signed_is_shown_first_and_not_signed_without_a_yes() {
    let folder = founded("cli-fleet-shown");
    published(&folder);
    fs::copy(publication(&folder), folder.file("last")).unwrap();
    run(&folder, "store server add k2 k2.example --store source").ends_with(0);
    run(&folder, "store pin k2.pem --server k2 --store source").ends_with(0);
    let drafted = run(
        &folder,
        "fleet draft --store source --days 30 --fleet fleet --json",
    )
    .ends_with(0)
    .json();
    assert_eq!(drafted["difference"]["from"], 1);
    let came = drafted["difference"]["came"].to_string();
    assert!(came.contains("k2"), "{came}");
    // The machine of an administrator has nothing but the draft, its key, and what it signed last.
    let offline = Folder::new("cli-fleet-offline");
    for name in ["ana.key", "last"] {
        fs::copy(folder.file(name), offline.file(name)).unwrap();
    }
    fs::copy(folder.file("fleet/draft"), offline.file("draft")).unwrap();
    let line = "fleet sign draft --last last --key ana.key --out ana.sig";
    run_with(&offline, line, "no\n")
        .ends_with(1)
        .says("bundle 2 of fleet arrays")
        .says("k2.example")
        .says("refused[NotAccepted]");
    assert!(!offline.file("ana.sig").exists());
    let ran = run_with(&offline, line, "yes\n").ends_with(0);
    assert!(ran.err.contains("+ "), "{ran:?}");
    assert!(!ran.err.contains("k1.example"), "it is in both: {ran:?}");
    assert!(offline.file("ana.sig").exists());
    run_with(
        &offline,
        "fleet sign draft --key ana.key --out all.sig",
        "yes\n",
    )
    .ends_with(0)
    .says("k1.example");
    // A key that is in no key set signs nothing.
    new_key(&offline, "mallory");
    run(
        &offline,
        "fleet sign draft --key mallory.key --out m.sig --accept",
    )
    .ends_with(2)
    .says("error[fleet/ForeignSignature]");
}

#[test]
fn another_program_signs_a_file() {
    let Some(tool) = openssl("cli-fleet-openssl-tool") else {
        return;
    };
    let folder = Folder::new("cli-fleet-openssl");
    machine(&folder, "k1");
    let shell = |line: &str| {
        let mut words = line.split(' ');
        let done = Command::new(words.next().unwrap())
            .args(words)
            .current_dir(folder.path())
            .output();
        let done = done.unwrap();
        assert!(
            done.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    drop(tool);
    new_key(&folder, "ana");
    shell("openssl genpkey -algorithm ed25519 -out ben.key");
    shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out cleo.key");
    for name in ["ben", "cleo"] {
        shell(&format!(
            "openssl pkey -in {name}.key -pubout -out {name}.pub"
        ));
    }
    for line in [
        "store create --store source",
        "store server add k1 k1.example --store source",
        "store pin k1.pem --server k1 --store source",
        "fleet init arrays --threshold 2 --key ana.pub --key ben.pub --key cleo.pub --fleet fleet",
        "fleet draft --store source --days 90 --fleet fleet",
        "fleet sign fleet/draft --to-sign draft.bin --accept",
    ] {
        run(&folder, line).ends_with(0);
    }
    shell("openssl pkeyutl -sign -rawin -inkey ben.key -in draft.bin -out ben.raw");
    shell(
        "openssl pkeyutl -sign -rawin -digest sha256 -inkey cleo.key -in draft.bin -out cleo.raw",
    );
    for name in ["ben", "cleo"] {
        let line = format!(
            "fleet sign fleet/draft --public-key {name}.pub --signature {name}.raw --out {name}.sig --accept"
        );
        run(&folder, &line).ends_with(0);
    }
    // The signature of another key is found before it travels.
    run(
        &folder,
        "fleet sign fleet/draft --public-key ben.pub --signature cleo.raw --out x.sig --accept",
    )
    .ends_with(2)
    .says("error[fleet/WrongSignature]");
    run(
        &folder,
        "fleet publish --signature ben.sig --signature cleo.sig --to site --fleet fleet",
    )
    .ends_with(0);
}

#[test]
fn the_keys_are_rotated_step_by_step() {
    let folder = founded("cli-fleet-rotation");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    new_key(&folder, "dora");
    let line = "fleet keys change --add dora.pub --remove cleo.pub --days 90 --fleet fleet --json";
    let changed = run(&folder, line).ends_with(0).json();
    assert_eq!(
        changed["difference"]["keys_came"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        changed["difference"]["keys_gone"].as_array().unwrap().len(),
        1
    );
    assert_eq!(changed["bundle"]["keys_version"], 2);
    // Cleo and dora are two keys, and one of each version.
    let ran = publish(&folder, &["cleo", "dora"]).ends_with(1);
    let code = ran.json()["refused"].as_str().unwrap().to_owned();
    assert!(
        ["KeySetNotSigned", "TooFewSignatures"].contains(&code.as_str()),
        "{code}"
    );
    publish(&folder, &["ana", "ben"]).ends_with(0);
    assert_eq!(take(&folder).ends_with(0).json()["sequence"], 2);
    let shown = run(&folder, "fleet show --store node --json")
        .ends_with(0)
        .json();
    assert_eq!(shown["keys_version"], 2);
    assert_eq!(shown["keys_digest"], digest(&folder));
    // A key that was removed signs nothing more.
    draft(&folder);
    run(
        &folder,
        "fleet sign fleet/draft --key cleo.key --out cleo.sig --replace --accept",
    )
    .ends_with(2)
    .says("error[fleet/ForeignSignature]");
    publish(&folder, &["dora", "ben"]).ends_with(0);
    assert_eq!(take(&folder).ends_with(0).json()["sequence"], 3);
    // A new node joins by today's key set, and one that was told the first one goes on from it.
    run(&folder, "store create --store other").ends_with(0);
    join(&folder, "other");
    run(&folder, "fleet take site --node array-8 --store other").ends_with(0);
}

#[test]
fn who_stole_one_key_publishes_nothing() {
    let folder = founded("cli-fleet-stolen");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    // The thief has ana's key and what is published, and can write to the site.
    run(
        &folder,
        &format!(
            "fleet fetch site --digest {} --fleet thief",
            digest(&folder)
        ),
    )
    .ends_with(0);
    run(&folder, "store create --store evil").ends_with(0);
    run(&folder, "store server add k1 k1.example --store evil").ends_with(0);
    run(&folder, "store pin k2.pem --server k1 --store evil").ends_with(0);
    run(&folder, "fleet draft --store evil --days 90 --fleet thief").ends_with(0);
    run(
        &folder,
        "fleet sign thief/draft --key ana.key --out thief.sig --accept",
    )
    .ends_with(0);
    run(
        &folder,
        "fleet publish --signature thief.sig --to site --fleet thief",
    )
    .ends_with(1)
    .says("refused[TooFewSignatures]");
    let good = fs::read(publication(&folder)).unwrap();
    fs::copy(folder.file("thief/draft"), publication(&folder)).unwrap();
    let before = entries(&folder, "node");
    let refused = take(&folder).ends_with(1).json();
    assert_eq!(refused["refused"], "TooFewSignatures");
    assert_eq!(refused["changed"], false);
    assert_eq!(entries(&folder, "node"), before);
    fs::write(publication(&folder), good).unwrap();
    // The key is retired, by the two others.
    new_key(&folder, "ana-2");
    let line = "fleet keys change --add ana-2.pub --remove ana.pub --days 90 --fleet fleet";
    run(&folder, line).ends_with(0);
    publish(&folder, &["ben", "cleo"]).ends_with(0);
    take(&folder).ends_with(0);
    let shown = run(&folder, "fleet keys show site/publication").ends_with(0);
    shown.says("key set 2 of fleet arrays");
}

#[test]
fn an_old_publication_is_refused_and_changes_nothing() {
    let folder = founded("cli-fleet-rollback");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    let old = fs::read(publication(&folder)).unwrap();
    run(&folder, "store block k2.pem --store source").ends_with(0);
    published(&folder);
    take(&folder).ends_with(0);
    let new = fs::read(publication(&folder)).unwrap();
    let store = fs::read(folder.file("node/trust-store")).unwrap();
    let refused = |bytes: &[u8], code: &str| {
        fs::write(publication(&folder), bytes).unwrap();
        let ran = take(&folder).ends_with(1).json();
        assert_eq!(ran["refused"], code);
        assert_eq!(fs::read(folder.file("node/trust-store")).unwrap(), store);
    };
    refused(&old, "SequenceBelow");
    let mut damaged = new.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    refused(&damaged, "Damaged");
    refused(&new[..new.len() - 5], "Damaged");
    fs::write(publication(&folder), &new).unwrap();
    assert_eq!(take(&folder).ends_with(0).json()["sequence"], 2);
    // The block came with it, and no bundle lifts it.
    run(&folder, "store unblock k2.pem --store source").ends_with(0);
    published(&folder);
    take(&folder).ends_with(0);
    let list = run(&folder, "store list --store node --json")
        .ends_with(0)
        .json();
    assert_eq!(
        list["blocks"].as_array().unwrap().len(),
        1,
        "{}",
        list["blocks"]
    );
}

/// A time so many seconds from now.
fn in_seconds(count: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    Timestamp::from_seconds(now + count).to_string()
}

#[test]
fn a_bundle_that_has_ended_is_not_taken_and_one_that_was_taken_stays() {
    let folder = founded("cli-fleet-expired");
    run(
        &folder,
        "fleet draft --store source --until 2020-01-01 --fleet fleet",
    )
    .ends_with(2);
    // So long that a slow machine signs, publishes and takes it over before.
    let end = 25;
    let begin = Instant::now();
    let line = format!(
        "fleet draft --store source --until {} --fleet fleet",
        in_seconds(end)
    );
    run(&folder, &line).ends_with(0);
    publish(&folder, &["ana", "ben"]).ends_with(0);
    joined(&folder);
    take(&folder).ends_with(0);
    run(&folder, "store create --store late").ends_with(0);
    join(&folder, "late");
    let ended = Duration::from_secs(u64::try_from(end).unwrap() + 1);
    thread::sleep(ended.saturating_sub(begin.elapsed()));
    let ran = run(&folder, "fleet take site --node late --store late --json")
        .ends_with(1)
        .json();
    assert_eq!(
        (&ran["refused"], &ran["changed"]),
        (&"Expired".into(), &false.into())
    );
    assert!(entries(&folder, "late").is_empty());
    let ran = take(&folder).ends_with(1).json();
    assert_eq!(ran["refused"], "Expired");
    assert_eq!(entries(&folder, "node").len(), 1);
    run(&folder, "fleet show --store node")
        .ends_with(1)
        .says("refused[Expired]");
}

#[test]
fn a_bundle_that_locks_a_peer_out_is_held_by_the_guard_of_choice() {
    let folder = founded("cli-fleet-guard");
    run(&folder, "store server add k2 k2.example --store source").ends_with(0);
    run(&folder, "store pin k2.pem --server k2 --store source").ends_with(0);
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    run(
        &folder,
        "store remove k2.pem --server k2 --force --store source",
    )
    .ends_with(0);
    let drafted = run(
        &folder,
        "fleet draft --store source --days 90 --fleet fleet",
    )
    .ends_with(0);
    drafted.says("refused since: server k2");
    publish(&folder, &["ana", "ben"]).ends_with(0);
    let held = run(&folder, &format!("{TAKE} --guard refuse --json"))
        .ends_with(1)
        .json();
    assert_eq!(
        (&held["refused"], &held["changed"]),
        (&"LocksOut".into(), &false.into())
    );
    assert!(held["lost"].to_string().contains("server k2"), "{held}");
    assert_eq!(entries(&folder, "node").len(), 2);
    run(&folder, "fleet status site")
        .ends_with(1)
        .says("behind: node array-7")
        .says("refused[NodesBehind]");
    let page = "store report --html page.html --nodes site --store source";
    run(&folder, page).ends_with(0);
    let html = fs::read_to_string(folder.file("page.html")).unwrap();
    assert!(
        html.contains("array-7") && html.contains("behind"),
        "{html}"
    );
    // The page of the node says what it holds itself.
    run(&folder, "store report --html node.html --store node").ends_with(0);
    let html = fs::read_to_string(folder.file("node.html")).unwrap();
    assert!(
        html.contains("arrays, part all") && html.contains("held and not applied"),
        "{html}"
    );
    // It is applied, and a timer fails once.
    let told = take(&folder).ends_with(1).json();
    assert_eq!(
        (&told["refused"], &told["changed"]),
        (&"LockedOut".into(), &true.into())
    );
    assert_eq!(entries(&folder, "node").len(), 1);
    take(&folder).ends_with(0);
}

#[test]
fn a_node_that_follows_takes_each_publication_and_reports() {
    let folder = founded("cli-fleet-follow");
    published(&folder);
    joined(&folder);
    let line = "fleet follow site --node array-7 --store node --every 1 --for 14 --json";
    let child = command(folder.path(), line)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    run(&folder, "store server add k2 k2.example --store source").ends_with(0);
    run(&folder, "store pin k2.pem --server k2 --store source").ends_with(0);
    published(&folder);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    let text = String::from_utf8(out.stdout).unwrap();
    let found = crate::schema::objects(&text);
    let (last, events) = found.split_last().unwrap();
    assert_eq!(
        (last.0.as_str(), &last.1["sequence"]),
        ("fleet-take", &2.into())
    );
    assert!(
        events.iter().all(|(name, _)| name == "fleet-follow-event"),
        "{text}"
    );
    assert_eq!(entries(&folder, "node").len(), 2);
    let status = run(&folder, "fleet status site --json").ends_with(0).json();
    assert_eq!(status["nodes"][0]["sequence"], 2);
}

/// As the agent of a service does, also between two looks at the publication.
#[test]
fn a_node_that_follows_keeps_its_store_up_to_the_bundle() {
    let folder = founded("cli-fleet-follow-tends");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    let line = "fleet follow site --node array-7 --store node --every 600 --for 60";
    let mut child = command(folder.path(), line)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first, "fleet arrays: bundle 1\n");
    let remove = "store remove k1.pem --server k1 --store node --force";
    run(&folder, remove).ends_with(0);
    assert_eq!(entries(&folder, "node").len(), 0);
    let begin = Instant::now();
    while entries(&folder, "node").is_empty() {
        // The last step, when the time is over, would do it as well.
        let is_late = begin.elapsed() > Duration::from_secs(40);
        assert!(!is_late && child.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_lost_folder_is_made_of_what_is_published() {
    let folder = founded("cli-fleet-fetch");
    published(&folder);
    let right = digest(&folder);
    fs::remove_dir_all(folder.file("fleet")).unwrap();
    let other = format!("{}00", &right[..93]);
    run(
        &folder,
        &format!("fleet fetch site --digest {other} --fleet fleet"),
    )
    .ends_with(1)
    .says("refused[OtherDigest]");
    let heard = format!("{right}\n");
    run_with(&folder, "fleet fetch site --fleet fleet", &heard).ends_with(0);
    published(&folder);
    let diff = run(&folder, "fleet diff site/publication source --json")
        .ends_with(0)
        .json();
    assert_eq!(diff["first"]["sequence"], 2);
    assert_eq!(diff["difference"]["came"].as_array().unwrap().len(), 0);
    // Two administrators make the same bundle: the second one is told.
    run(
        &folder,
        &format!("fleet fetch site --digest {right} --fleet second"),
    )
    .ends_with(0);
    run(
        &folder,
        "fleet draft --store source --days 9 --fleet second",
    )
    .ends_with(0);
    for name in ["ana", "ben"] {
        let line = format!("fleet sign second/draft --key {name}.key --out {name}-2.sig --accept");
        run(&folder, &line).ends_with(0);
    }
    published(&folder);
    run(
        &folder,
        "fleet publish --signature ana-2.sig --signature ben-2.sig --to site --fleet second",
    )
    .ends_with(2)
    .says("error[transport/Superseded]");
}

#[test]
fn a_key_of_each_kind_is_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("cli-fleet-key");
    for kind in ["ed25519", "p256", "ml-dsa-65"] {
        let line = format!("fleet new-key {kind}.key --public-key {kind}.pub --type {kind} --json");
        let made = run(&folder, &line).ends_with(0).json();
        assert_eq!(made["key"]["id"].as_str().unwrap().len(), 95);
        let mode = fs::metadata(folder.file(&format!("{kind}.key")))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = run(&folder, "fleet new-key ed25519.key --public-key other.pub").ends_with(2);
    again.says("error[write/Exists]");
    assert!(!folder.file("other.pub").exists());
    let line = "fleet init a.b --threshold 3 --key ed25519.pub --key p256.pub --key ml-dsa-65.pub --fleet fleet";
    run(&folder, line).ends_with(0);
    run(
        &folder,
        &line
            .replace("threshold 3", "threshold 4")
            .replace("--fleet fleet", "--fleet x"),
    )
    .ends_with(2);
    run(&folder, line).ends_with(2).says("error[write/Exists]");
}

#[cfg(feature = "formats")]
#[test]
fn a_key_with_a_passphrase_signs_with_it_alone() {
    use crate::run::private;

    let folder = founded("cli-fleet-passphrase");
    private(&folder, "pass", "correct-horse\n");
    private(&folder, "other", "wrong\n");
    let shell = |line: &str| {
        let program = env!("CARGO_BIN_EXE_mutual-trust");
        let line = format!("{program} {line}");
        let mut shell = Command::new("sh");
        let done = shell.args(["-c", &line]).current_dir(folder.path());
        let done = done.output().unwrap();
        (
            done.status.code().unwrap(),
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let made = shell("fleet new-key eve.key --public-key eve.pub --new-passphrase-fd 3 3< pass");
    assert_eq!(made.0, 0, "{}", made.1);
    let text = fs::read_to_string(folder.file("eve.key")).unwrap();
    assert!(
        text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        "{text}"
    );
    for line in [
        "fleet init eves --threshold 1 --key eve.pub --fleet eves",
        "fleet draft --store source --days 9 --fleet eves",
    ] {
        run(&folder, line).ends_with(0);
    }
    let sign = "fleet sign eves/draft --key eve.key --out eve.sig --accept --passphrase-fd 3";
    assert_eq!(shell(&format!("{sign} 3< other")).0, 2);
    let signed = shell(&format!("{sign} 3< pass"));
    assert_eq!(signed.0, 0, "{}", signed.1);
    let publish = "fleet publish --signature eve.sig --to eve-site --fleet eves";
    run(&folder, publish).ends_with(0);
}

#[test]
fn another_key_set_of_the_same_version_is_not_signed() {
    let folder = founded("cli-fleet-fork");
    published(&folder);
    fs::create_dir(folder.file("fork")).unwrap();
    for name in ["keys", "publication"] {
        fs::copy(
            folder.file(&format!("fleet/{name}")),
            folder.file(&format!("fork/{name}")),
        )
        .unwrap();
    }
    new_key(&folder, "dora");
    new_key(&folder, "mallory");
    run(
        &folder,
        "fleet keys change --add dora.pub --days 90 --fleet fleet",
    )
    .ends_with(0);
    publish(&folder, &["ana", "ben", "dora"]).ends_with(0);
    run(
        &folder,
        "fleet keys change --remove cleo.pub --add mallory.pub --threshold 1 --days 90 --fleet fork",
    )
    .ends_with(0);
    let sign =
        "fleet sign fork/draft --last site/publication --key ana.key --out fork.sig --accept";
    run(&folder, sign)
        .ends_with(2)
        .says("error[fleet/KeySetChanged]");
    assert!(!folder.file("fork.sig").exists());
    run(&folder, "fleet diff site/publication fork/draft")
        .ends_with(2)
        .says("error[fleet/KeySetChanged]");
    // One that has the older key set alone would bring it back.
    let back =
        "fleet sign fork/publication --last site/publication --key ana.key --out fork.sig --accept";
    run(&folder, back)
        .ends_with(2)
        .says("error[fleet/KeySetBelow]");
    // Without the last publication, the key sets are shown.
    run(
        &folder,
        "fleet sign fork/draft --key ana.key --out fork.sig --accept",
    )
    .ends_with(0)
    .says("key set 1 of fleet arrays: 2 of 3 keys sign")
    .says("key set 2 of fleet arrays: 1 of 3 keys sign")
    .says("digest: ");
}

#[test]
fn the_number_of_a_bundle_is_used_once_a_place_may_have_it() {
    let folder = founded("cli-fleet-places");
    draft(&folder);
    let signatures = signed(&folder, &["ana", "ben"]);
    // The second place is a file, and no folder.
    fs::write(folder.file("blocked"), "x").unwrap();
    let line = format!("fleet publish {signatures} --to site --to blocked/site --fleet fleet");
    run(&folder, &line).ends_with(2);
    assert!(publication(&folder).exists());
    assert!(folder.file("fleet/publication").exists());
    fs::remove_file(folder.file("blocked")).unwrap();
    run(
        &folder,
        "fleet publish --to site --to blocked/site --fleet fleet",
    )
    .ends_with(0);
    let there = |name: &str| fs::read(folder.file(name)).unwrap();
    assert_eq!(there("site/publication"), there("blocked/site/publication"));
    run(&folder, "fleet publish --to site --fleet fleet")
        .ends_with(2)
        .says("bundle 1 is published already");
    // A draft with all signatures is not replaced without a word.
    draft(&folder);
    let signatures = signed(&folder, &["ana", "ben"]);
    fs::write(folder.file("blocked/file"), "x").unwrap();
    fs::rename(
        folder.file("fleet/publication"),
        folder.file("fleet/publication-1"),
    )
    .unwrap();
    fs::copy(
        folder.file("fleet/publication-1"),
        folder.file("fleet/publication"),
    )
    .unwrap();
    let line = format!("fleet publish {signatures} --to blocked/file/site --fleet fleet");
    run(&folder, &line).ends_with(2);
    fs::copy(
        folder.file("fleet/publication-1"),
        folder.file("fleet/publication"),
    )
    .unwrap();
    run(
        &folder,
        "fleet draft --store source --days 80 --fleet fleet",
    )
    .ends_with(0)
    .says("it takes the place of a draft with signatures");
}

#[test]
fn a_report_with_a_fault_or_a_strange_time_or_fleet_needs_attention() {
    let folder = founded("cli-fleet-reports");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    let path = folder.file("site/nodes/array-7");
    let good = fs::read_to_string(&path).unwrap();
    let said = |line: &str, text: String| {
        assert_ne!(text, good, "{line}");
        fs::write(&path, text).unwrap();
        run(&folder, "fleet status site").ends_with(1).says(line);
    };
    let with = |key: &str, value: &str| -> String {
        let lines = good.lines().map(|line| match line.starts_with(key) {
            true => format!("{key}{value}\n"),
            false => format!("{line}\n"),
        });
        lines.collect()
    };
    said(
        "far ahead of this clock",
        with("time ", "2099-01-01T00:00:00Z"),
    );
    said("it is of the fleet others", with("fleet ", "others"));
    said(
        "the disk is full",
        format!("{good}fault the disk is full\n"),
    );
}

/// A report that is damaged must not make its node vanish from the list.
#[test]
fn a_report_that_cannot_be_read_is_counted_and_named() {
    let folder = founded("cli-fleet-unreadable");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    run(&folder, "fleet status site").ends_with(0);
    fs::write(folder.file("site/nodes/array-8"), "half a rep").unwrap();
    run(&folder, "fleet status site --expect array-8")
        .ends_with(1)
        .says("refused[NodesBehind]")
        .says("1 of 2 nodes need attention")
        .says("of 1 of them the report cannot be read")
        .says("unreadable: node array-8: its report cannot be read: this is no report of a node");
    let status = run(&folder, "fleet status site --json").ends_with(1).json();
    assert_eq!(status["unreadable"], 1);
    let worst = &status["nodes"][0];
    assert_eq!(
        (&worst["node"], &worst["state"]),
        (&"array-8".into(), &"unreadable".into())
    );
    let fault = worst["fault"].as_str().unwrap();
    assert!(fault.ends_with("this is no report of a node"), "{fault}");
    let report = "store report --html page --nodes site --store source --json";
    let report = run(&folder, report).ends_with(0).json();
    assert_eq!(
        (&report["nodes_behind"], &report["nodes_unreadable"]),
        (&1.into(), &1.into())
    );
    let page = fs::read_to_string(folder.file("page")).unwrap();
    for text in [
        "array-8",
        "this is no report of a node",
        "Reports that cannot be read: 1",
    ] {
        assert!(page.contains(text), "no {text}: {page}");
    }
    // Out of service.
    run(&folder, "fleet forget site array-8 array-9")
        .ends_with(0)
        .says("removed: the report of node array-8")
        .says("node array-9 has no report");
    run(&folder, "fleet status site").ends_with(0);
    run(&folder, "fleet forget site/publication array-8")
        .ends_with(2)
        .says("error[transport/CannotReport]");
}

/// Who can write into the folder hides no node by their number: what was read is shown, and that there is more.
#[test]
fn more_nodes_than_are_read_need_attention() {
    let folder = founded("cli-fleet-many");
    published(&folder);
    for number in 0..=mutual_trust_fleet::limits::MAX_NODES {
        fs::File::create(folder.file(&format!("site/nodes/x{number}"))).unwrap();
    }
    run(&folder, "fleet status site")
        .ends_with(1)
        .says("refused[NodesBehind]")
        .says("unreadable: node x")
        .says("65536 of 65536 nodes need attention")
        .says("more than 65536 nodes report, and those beyond are not read");
    // The rest goes on.
    joined(&folder);
    take(&folder).ends_with(0);
    run(&folder, "fleet forget site x0").ends_with(0);
}

#[test]
fn a_node_that_lost_its_state_is_told_to_join_again() {
    let folder = founded("cli-fleet-lost");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    fs::remove_file(folder.file("node/fleet-arrays")).unwrap();
    for line in ["fleet show --store node", TAKE, "fleet leave --store node"] {
        run(&folder, line)
            .ends_with(2)
            .says("StateLost]")
            .says("`fleet join --again SEQUENCE`");
    }
}

#[test]
fn a_draft_that_a_new_key_set_replaces_is_named() {
    let folder = founded("cli-fleet-replaced");
    published(&folder);
    run(&folder, "store server add k2 k2.example --store source").ends_with(0);
    run(&folder, "store pin k2.pem --server k2 --store source").ends_with(0);
    draft(&folder);
    new_key(&folder, "dora");
    run(
        &folder,
        "fleet keys change --add dora.pub --days 90 --fleet fleet",
    )
    .ends_with(0)
    .says("the draft of bundle 2 had")
    .says("run `fleet draft` again");
}

#[test]
fn a_node_joins_no_publication_of_another_part() {
    let folder = founded("cli-fleet-part");
    published(&folder);
    let line = format!(
        "fleet join site --part servers --digest {} --store node",
        digest(&folder)
    );
    run(&folder, &line)
        .ends_with(2)
        .says("error[fleet/OtherPart]");
}

#[test]
fn joining_again_warns_where_nothing_is_lost() {
    let folder = founded("cli-fleet-again");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    let line = format!(
        "fleet join site --again 1 --digest {} --store node",
        digest(&folder)
    );
    let warning = "the state of this node was not lost";
    run(&folder, &line).ends_with(0).says(warning);
    fs::remove_file(folder.file("node/fleet-arrays")).unwrap();
    let ran = run(&folder, &line).ends_with(0);
    assert!(!ran.err.contains(warning), "{ran:?}");
}

#[test]
fn sealing_and_unsealing_the_store_of_a_node_seals_what_it_holds_of_its_fleet() {
    let folder = founded("cli-fleet-seal");
    published(&folder);
    joined(&folder);
    take(&folder).ends_with(0);
    for key in ["one", "two"] {
        run(&folder, &format!("store new-seal-key {key}.key")).ends_with(0);
    }
    let state = folder.file("node/fleet-arrays");
    let bare = fs::read(&state).unwrap();
    run(&folder, "store seal one.key --store node --dry-run")
        .ends_with(0)
        .says("so would be what it holds of fleet arrays");
    assert_eq!(fs::read(&state).unwrap(), bare);
    let changes = [
        ("store seal one.key --store node", "--seal-key one.key"),
        (
            "store seal two.key --store node --seal-key one.key",
            "--seal-key two.key",
        ),
        ("store unseal --store node --seal-key two.key", ""),
    ];
    for (line, with) in changes {
        run(&folder, line)
            .ends_with(0)
            .says("what it holds of fleet arrays");
        let shown = run(&folder, &format!("fleet show --store node --json {with}"));
        assert_eq!(shown.ends_with(0).json()["sequence"], 1, "{line}");
        run(&folder, &format!("{TAKE} {with}")).ends_with(0);
    }
    assert_eq!(fs::read(&state).unwrap(), bare);
    // A command that ends between the two files leaves one without the seal. It is never taken for one that has it.
    run(&folder, "store seal one.key --store node").ends_with(0);
    fs::write(&state, &bare).unwrap();
    let stopped = run(&folder, &format!("{TAKE} --seal-key one.key")).ends_with(2);
    assert!(
        stopped.all().contains("has no valid seal"),
        "{}",
        stopped.all()
    );
    let store = fs::read(folder.file("node/trust-store")).unwrap();
    for line in [
        "store seal two.key --store node --seal-key one.key",
        "store unseal --store node --seal-key one.key",
    ] {
        run(&folder, line)
            .ends_with(2)
            .says("fleet/StateNotSealed")
            .says("join --again SEQUENCE");
        assert_eq!(fs::read(folder.file("node/trust-store")).unwrap(), store);
        assert_eq!(fs::read(&state).unwrap(), bare);
    }
    let digest = digest(&folder);
    let again =
        format!("fleet join site --digest {digest} --again 1 --store node --seal-key one.key");
    run(&folder, &again).ends_with(0);
    run(&folder, &format!("{TAKE} --seal-key one.key")).ends_with(0);
    run(&folder, "store unseal --store node --seal-key one.key").ends_with(0);
    take(&folder).ends_with(0);
}
