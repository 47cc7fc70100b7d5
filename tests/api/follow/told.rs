//! Each fault of a source is told as what it is, with the file and the certificate.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::certificate::CurrentTime;
use mutual_trust::error::SourceError;
use mutual_trust::limits::{MAX_INCLUDES, MAX_UNSETTLED_POLLS};
use mutual_trust::store::StoreWarning;
use mutual_trust::{AuthorityScope, PinScope};

use crate::follow::common::*;
use crate::support::*;

/// A pipe takes the place of the file again and again, also between the look at the file and its opening. A follower that
/// waits for the writer of a pipe never comes back.
#[test]
fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
    let world = World::new("swapped");
    let (pipe, file) = (world.path(".pipe"), world.path(".file"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        skips::skipped("no mkfifo, so no pipe took the place of a file");
        return;
    }
    fs::write(&file, pin("one").to_pem()).unwrap();
    let (place, link) = (world.path("pins.pem"), world.path(".link"));
    fs::hard_link(&file, &place).unwrap();
    let mut follower = world.follow("pins.pem");
    let (done, polled) = channel();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                for source in [&pipe, &file] {
                    fs::hard_link(source, &link).unwrap();
                    fs::rename(&link, &place).unwrap();
                }
            }
        });
        scope.spawn(move || {
            for _ in 0..10_000 {
                follower.read();
            }
            done.send(()).unwrap();
        });
        let in_time = polled.recv_timeout(Duration::from_secs(120));
        ended.store(true, Ordering::Relaxed);
        if in_time.is_err() {
            // Lets the reader go, so that the test fails and does not hang.
            let _ = fs::OpenOptions::new().write(true).open(&pipe);
        }
        assert!(in_time.is_ok(), "the follower waits for a pipe");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_of_the_kernel_is_not_read() {
    let mut world = World::new("kernel");
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/a.pem", pin("one").to_pem());
    // It has no length. Reading such a file can wait, as that of `/proc/kmsg` does.
    symlink("/proc/version", world.path("pins/z.pem")).unwrap();
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    let error = world.error();
    assert!(error.contains("z.pem is a file of the kernel"), "{error}");
}

#[test]
fn a_source_that_changes_before_each_poll_is_told_after_a_while() {
    let mut world = World::new("restless-polls");
    let one = pin("one");
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    for poll in 1..=MAX_UNSETTLED_POLLS + 2 {
        world.put("pins.pem", pin(&format!("next {poll}")).to_pem());
        follower.poll(&mut world.store).unwrap();
        let health = world.store.health();
        let source = &health.sources[0];
        assert_eq!(source.is_good(), poll < MAX_UNSETTLED_POLLS, "{health}");
        assert_eq!(source.settling, source.is_good());
        if !source.is_good() {
            let text = format!("pins.pem changed before each of the last {poll} polls");
            assert!(world.error().contains(&text), "{}", world.error());
            assert_eq!(source.since.map(CurrentTime::Known), Some(now()));
        }
        assert!(world.holds(&[&one]));
    }
    follower.poll(&mut world.store).unwrap();
    let health = world.store.health();
    assert!(
        health.is_good() && health.sources[0].since.is_none(),
        "{health}"
    );
    assert!(!world.holds(&[&one]));
}

/// What another program does to files that are not read is no change.
#[test]
fn files_that_are_not_read_do_not_keep_a_source_from_settling() {
    let mut world = World::new("unrelated");
    fs::create_dir(world.path("pins")).unwrap();
    let one = pin("one");
    world.put("pins/one.pem", one.to_pem());
    let mut follower = world.follow("pins");
    for poll in 0..2 {
        fs::write(world.path(&format!("pins/{poll}.log")), "x").unwrap();
        follower.poll(&mut world.store).unwrap();
    }
    assert!(world.holds(&[&one]), "{}", world.store.health());
}

#[test]
fn a_source_that_is_not_followed_any_more_is_told_with_its_entries() {
    let mut world = World::new("unfollowed");
    let (one, two) = (pin("one"), pin("two"));
    world.put("old.pem", one.to_pem());
    world.put("new.pem", two.to_pem());
    let source =
        |world: &World, name: &str| Source::new(name, world.path(&format!("{name}.pem")), keys_1());
    let mut follower = Follower::new([source(&world, "old")]).unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
    let mut world = world.restart();
    let mut follower = Follower::new([source(&world, "new")]).unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]), "nothing is removed in silence");
    let health = world.store.health();
    let [followed, left] = health.sources.as_slice() else {
        panic!("{health}");
    };
    assert!(followed.is_good() && !left.is_good() && !health.is_good());
    assert_eq!(left.name, "old");
    let text = left.to_string();
    assert!(text.contains("is not followed any more"), "{text}");
    assert!(text.contains(&one.fingerprint().to_string()), "{text}");
    // It is told until the entries are gone.
    let key = world.key_of(&one);
    world.store.change(|store| store.remove(&key)).unwrap();
    follower.poll(&mut world.store).unwrap();
    let health = world.store.health();
    assert!(health.is_good() && health.sources.len() == 1, "{health}");
}

#[test]
fn an_entry_that_was_removed_by_hand_comes_back_and_is_told() {
    let mut world = World::new("removed");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", pem(&[&one, &two]));
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    assert_eq!(world.warnings(), "");
    let key = world.key_of(&one);
    let report = world.store.change(|store| store.remove(&key)).unwrap();
    let warning = StoreWarning::clone(&report.warnings().items()[0]).to_string();
    let expected = "source source and is installed again as long as the source has it";
    assert!(warning.contains(expected), "{warning}");
    for _ in 0..2 {
        follower.poll(&mut world.store).unwrap();
        assert!(world.holds(&[&one, &two]));
        let told = world.warnings();
        assert!(
            told.contains("was removed and is installed again"),
            "{told}"
        );
        assert!(told.contains(&one.fingerprint().to_string()), "{told}");
        assert!(told.contains("pins.pem: "), "{told}");
        assert!(!told.contains(&two.fingerprint().to_string()), "{told}");
    }
    // What the warning advises works.
    let key = world.key_of(&one);
    let _ = world.store.block(&one);
    world.store.change(|store| store.remove(&key)).unwrap();
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&two]));
    // A source that removes what it had says nothing of hands.
    world.put("pins.pem", two.to_pem());
    world.settle(&mut follower);
    assert_eq!(world.warnings(), "");
}

#[test]
fn a_blocked_certificate_keeps_no_other_out() {
    let mut world = World::new("blocked-among");
    let (bad, one, two) = (pin("bad"), pin("one"), pin("two"));
    let _ = world.store.block(&bad);
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/bad.pem", bad.to_pem());
    world.put("pins/one.pem", one.to_pem());
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    assert!(world.holds(&[&one]), "{}", world.error());
    world.put("pins/two.pem", two.to_pem());
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]));
    let told = world.warnings();
    let expected = format!(
        "bad.pem: the certificate {} (CN=bad) is blocked",
        bad.fingerprint()
    );
    assert!(told.contains(&expected), "{told}");
    assert!(world.store.health().is_good());
    // Once it is unblocked, it is installed as any other, and not told as removed by hand.
    world
        .store
        .change(|store| {
            let blocks: Vec<_> = store.contents().blocks().cloned().collect();
            blocks
                .iter()
                .try_for_each(|block| store.unblock(block).map(drop))
        })
        .unwrap();
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&bad, &one, &two]));
    assert_eq!(world.warnings(), "");
}

#[test]
fn a_link_that_leads_nowhere_is_named() {
    let mut world = World::new("dangling");
    let one = pin("one");
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/one.pem", one.to_pem());
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    symlink("gone.pem", world.path("pins/a.pem")).unwrap();
    world.settle(&mut follower);
    let error = world.error();
    assert!(
        error.contains("pins/a.pem is a link to gone.pem, which does not exist"),
        "{error}"
    );
    assert!(world.holds(&[&one]));
    let mut follower = world.follow("pins/a.pem");
    world.settle(&mut follower);
    assert!(
        world.error().contains("is a link to gone.pem"),
        "{}",
        world.error()
    );
}

#[test]
fn a_file_name_makes_no_line_of_its_own() {
    let mut world = World::new("forged");
    fs::create_dir(world.path("pins")).unwrap();
    world.put(
        "pins/a\nsource b: certificates: 7\u{1b}[2K.pem",
        "no certificate",
    );
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    let text = world.store.health().to_string();
    assert!(text.contains("a\u{fffd}source b"), "{text}");
    assert!(
        !text.contains('\u{1b}') && text.lines().count() == 2,
        "{text}"
    );
}

#[test]
fn a_certificate_that_the_store_refuses_is_named_with_its_file() {
    let mut world = World::new("refused-one");
    let (root, leaf) = (ca("root"), pin("leaf"));
    fs::create_dir(world.path("roots")).unwrap();
    world.put("roots/a.pem", root.to_pem());
    world.put("roots/bundle.pem", pem(&[&root, &leaf]));
    let roots = Feeds::Authorities(AuthorityScope::AnyServer);
    let mut follower = Follower::new([Source::new("roots", world.path("roots"), roots)]).unwrap();
    world.settle(&mut follower);
    let error = world.error();
    let expected = format!(
        "bundle.pem: the store refused the certificate {} (CN=leaf)",
        leaf.fingerprint()
    );
    assert!(error.contains(&expected), "{error}");
    assert!(world.holds(&[]));
}

/// The secret of cert-manager has a CA certificate, our own certificate, and our own key.
#[test]
fn a_whole_secret_and_a_whole_volume_are_fine() {
    let mut world = World::new("whole");
    let (root, leaf) = (ca("root"), pin("array-7"));
    let version = world.path("mounted/..2027");
    fs::create_dir_all(&version).unwrap();
    for (name, content) in [
        ("ca.crt", root.to_pem()),
        ("tls.crt", leaf.to_pem()),
        ("tls.key", spec_key()),
    ] {
        fs::write(version.join(name), content).unwrap();
        symlink(format!("..data/{name}"), world.path("mounted").join(name)).unwrap();
    }
    symlink("..2027", world.path("mounted/..data")).unwrap();
    let volume = world.path("volume");
    fs::create_dir_all(volume.join("lost+found")).unwrap();
    fs::write(volume.join("keys-1.PEM"), leaf.to_pem()).unwrap();
    for name in [
        "old.pem~",
        "old.pem.disabled",
        "README.txt",
        ".hidden",
        "line\nbreak",
    ] {
        fs::write(volume.join(name), "no certificate").unwrap();
    }
    let roots = Feeds::Authorities(AuthorityScope::AnyServer);
    let mut follower = Follower::new([
        Source::new("roots", world.path("mounted"), roots),
        Source::new("pins", volume, keys_1()),
    ])
    .unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&root, &leaf]), "{}", world.store.health());
    let health = world.store.health();
    let passed: Vec<_> = health
        .sources
        .iter()
        .map(|source| &source.passed_over)
        .collect();
    assert_eq!(passed[0].items(), ["tls.crt", "tls.key"]);
    assert_eq!(passed[1].len(), 6);
    let text = health.to_string();
    assert!(
        health.is_good() && text.contains("not read: tls.crt, tls.key"),
        "{text}"
    );
    assert!(
        text.contains("not read: .hidden, README.txt, line\u{fffd}break, lost+found and 2 more"),
        "{text}"
    );
}

fn spec_key() -> String {
    pki::spec("key").self_signed().key.serialize_pem()
}

#[test]
fn a_folder_with_nothing_to_read_says_what_it_has() {
    let mut world = World::new("nothing");
    let (one, two) = (pin("one"), pin("two"));
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/one", one.to_pem());
    world.put("pins/tls.crt", two.to_pem());
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    let error = world.error();
    assert!(
        error.contains("pins has no file named *.pem *.crt *.cer, but one, tls.crt"),
        "{error}"
    );
    let source = |patterns: &[&str]| {
        let pins = Feeds::Pins(PinScope::Server(server_id("keys-1")));
        let source = Source::new("source", world.path("pins"), pins);
        Follower::new([source.with_include(patterns.iter().copied())])
    };
    let mut follower = source(&["o?e", "tls.crt"]).unwrap();
    for bad in [&[][..], &[""], &["a/*"], &["*"; MAX_INCLUDES + 1]] {
        assert!(
            matches!(source(bad), Err(SourceError::Pattern { .. })),
            "{bad:?}"
        );
    }
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]), "{}", world.error());
}

#[test]
fn a_folder_with_lists_beside_certificates_serves_two_sources() {
    let mut world = World::new("lists-beside");
    fs::create_dir(world.path("both")).unwrap();
    let root = pki::spec("root").ca().self_signed();
    let list = crl::crl().signed_by(&root);
    fs::write(world.path("both/ca.pem"), root.certificate.to_pem()).unwrap();
    fs::write(world.path("both/ca.crl.pem"), list.to_pem()).unwrap();
    let authorities = Feeds::Authorities(AuthorityScope::AnyServer);
    let sources = [
        Source::new("roots", world.path("both"), authorities),
        Source::new("lists", world.path("both"), Feeds::RevocationLists),
    ];
    let mut follower = Follower::new(sources).unwrap();
    world.settle(&mut follower);
    assert!(world.store.health().is_good(), "{}", world.store.health());
    assert_eq!(world.store.contents().crls().count(), 1);
}

/// A list that is not there takes no trust away, and `trust nobody` says nothing in its place.
#[test]
fn an_empty_source_of_lists_is_not_told_how_to_trust_no_peer() {
    let mut world = World::new("lists-empty");
    for (name, content) in [("empty.crl", None), ("folder", Some("folder/readme"))] {
        match content {
            None => fs::write(world.path(name), "").unwrap(),
            Some(file) => {
                fs::create_dir(world.path(name)).unwrap();
                fs::write(world.path(file), "no list").unwrap();
            }
        }
        let source = Source::new("lists", world.path(name), Feeds::RevocationLists);
        let mut follower = Follower::new([source]).unwrap();
        world.settle(&mut follower);
        let error = world.error();
        assert!(
            error.contains("the entries from before stay, as revocation lists always do"),
            "{error}"
        );
        assert!(!error.contains("trust nobody"), "{error}");
    }
}
