//! A source that cannot be read or is refused changes nothing, and is seen.

use std::fs;

use mutual_trust::PinScope;
use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::error::SourceError;
use mutual_trust::limits::{
    MAX_FOLLOWED_BYTES, MAX_FOLLOWED_FILES, MAX_FOLLOWED_NAMES, MAX_SOURCES,
};

use crate::follow::common::*;
use crate::support::pki::spec;
use crate::support::*;

/// The last good view stays, restarts included, and the next good content is taken over.
#[test]
fn a_broken_empty_or_missing_source_keeps_the_last_good_view() {
    let mut world = World::new("broken");
    let one = pin("one");
    let key = spec("key").self_signed().key.serialize_pem();
    let cut = one.to_pem();
    let cut = &cut[..cut.len() - 30];
    let good_and_cut = format!("{}{cut}", pin("two").to_pem());
    let both = format!("{}trust nobody\n", pin("two").to_pem());
    let cases: &[(Option<&str>, &str)] = &[
        (None, "is missing"),
        (Some(""), "is empty"),
        (Some("\n\n"), "no PEM section"),
        (Some("# trust nobody\n"), "no PEM section"),
        (Some("trust nobody\ntrust nobody\n"), "no PEM section"),
        (Some("Trust Nobody\n"), "no PEM section"),
        (Some(&both), "there are certificates as well"),
        (Some(cut), "no end"),
        (Some(&good_and_cut), "no end"),
        (Some(&key), "private key"),
        (
            Some("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
            "malformed",
        ),
        (Some("\u{0}\u{1}"), "no PEM section"),
    ];
    let mut follower = world.follow("pins.pem");
    for (content, expected) in cases {
        world.put("pins.pem", one.to_pem());
        world.settle(&mut follower);
        assert!(world.holds(&[&one]) && world.store.health().is_good());
        let generation = world.store.contents().generation();
        match content {
            Some(content) => world.put("pins.pem", content),
            None => fs::remove_file(world.path("pins.pem")).unwrap(),
        }
        for _ in 0..3 {
            follower.poll(&mut world.store).unwrap();
        }
        assert!(
            world.error().contains(expected),
            "{content:?}: {}",
            world.error()
        );
        assert!(!world.store.health().is_good());
        assert!(world.holds(&[&one]), "{content:?}");
        assert_eq!(world.store.contents().generation(), generation);
        // A new process that meets the broken source keeps what was stored.
        world = world.restart();
        follower = world.follow("pins.pem");
        world.settle(&mut follower);
        assert!(world.holds(&[&one]), "{content:?} after a restart");
        assert!(
            world.error().contains(expected),
            "{content:?}: {}",
            world.error()
        );
    }
}

#[test]
fn one_bad_file_of_a_folder_refuses_the_folder() {
    let mut world = World::new("bad-file");
    let (one, two) = (pin("one"), pin("two"));
    fs::create_dir(world.path("pins")).unwrap();
    world.put("pins/one.pem", one.to_pem());
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    world.put("pins/two.pem", two.to_pem());
    for (bad, expected) in [
        ("no certificate", "no PEM section"),
        ("", "is empty"),
        ("trust nobody\n", "there are certificates as well"),
    ] {
        world.put("pins/zzz.pem", bad);
        world.settle(&mut follower);
        assert!(world.holds(&[&one]), "{bad}");
        assert!(
            world.error().contains("zzz") && world.error().contains(expected),
            "{}",
            world.error()
        );
    }
    fs::remove_file(world.path("pins/zzz.pem")).unwrap();
    fs::create_dir(world.path("pins/below.pem")).unwrap();
    world.settle(&mut follower);
    assert!(
        world
            .error()
            .contains("below.pem is a folder: neither a file"),
        "{}",
        world.error()
    );
    fs::remove_dir(world.path("pins/below.pem")).unwrap();
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]));
    for name in ["one.pem", "two.pem"] {
        fs::remove_file(world.path("pins").join(name)).unwrap();
    }
    world.settle(&mut follower);
    assert!(world.error().contains("is empty"), "{}", world.error());
    assert!(world.holds(&[&one, &two]));
    fs::remove_dir(world.path("pins")).unwrap();
    world.settle(&mut follower);
    assert!(world.error().contains("is missing"), "{}", world.error());
    assert!(world.holds(&[&one, &two]));
}

#[test]
fn what_the_store_refuses_is_refused_whole() {
    let mut world = World::new("refused");
    let (one, two) = (pin("one"), pin("two"));
    world.put("pins.pem", one.to_pem());
    let mut follower = world.follow("pins.pem");
    world.settle(&mut follower);
    // An end entity cannot be used by a server: not as one of several either, nor is what is missing removed.
    let never = spec("client").client_auth().self_signed().certificate;
    world.put("pins.pem", pem(&[&two, &never]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
    assert!(
        world.error().contains("could never be accepted"),
        "{}",
        world.error()
    );
    // A source for a server that is not there.
    let unknown = Feeds::Pins(PinScope::Server(server_id("keys-9")));
    world.put("pins.pem", two.to_pem());
    let mut follower =
        Follower::new([Source::new("source", world.path("pins.pem"), unknown)]).unwrap();
    world.settle(&mut follower);
    assert!(
        world.error().contains("no server keys-9"),
        "{}",
        world.error()
    );
    assert!(world.holds(&[&one]));
}

#[cfg(unix)]
#[test]
fn a_source_that_is_no_file_is_not_waited_for() {
    let mut world = World::new("no-file");
    let pipe = world.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        skips::skipped("no mkfifo, so no source was a pipe");
        return;
    }
    let mut follower = world.follow("pipe");
    world.settle(&mut follower);
    assert!(
        world.error().contains("neither a file"),
        "{}",
        world.error()
    );
    fs::create_dir(world.path("pins")).unwrap();
    fs::rename(pipe, world.path("pins/pipe.pem")).unwrap();
    let mut follower = world.follow("pins");
    world.settle(&mut follower);
    assert!(
        world.error().contains("neither a file"),
        "{}",
        world.error()
    );
}

#[test]
fn what_the_system_refuses_to_read_is_said() {
    let mut world = World::new("io");
    world.put("pins.pem", pin("one").to_pem());
    // A file is no folder.
    let mut follower = world.follow("pins.pem/below");
    world.settle(&mut follower);
    assert!(
        world.error().contains("pins.pem/below cannot be read: "),
        "{}",
        world.error()
    );
    assert!(world.holds(&[]));
}

/// Files come and go faster than a folder of them can be read.
#[test]
fn a_folder_that_never_stands_still_is_not_taken() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let mut world = World::new("restless");
    fs::create_dir(world.path("pins")).unwrap();
    let one = pin("one").to_pem();
    for number in 0..500 {
        fs::write(world.path(&format!("pins/{number}.pem")), &one).unwrap();
    }
    let (from, to) = (world.path("pins/499.pem"), world.path("pins/500.pem"));
    let done = AtomicBool::new(false);
    let mut follower = world.follow("pins");
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&from, &to).unwrap();
                fs::rename(&to, &from).unwrap();
            }
        });
        let seen = (0..500).any(|_| {
            follower.poll(&mut world.store).unwrap();
            world.error().contains("is being changed")
        });
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen, "{}", world.error());
    world.settle(&mut follower);
    assert_eq!(world.entries().len(), 1);
}

#[test]
fn the_size_and_number_of_files_is_bounded() {
    let mut world = World::new("bounds");
    fs::create_dir(world.path("pins")).unwrap();
    let mut follower = world.follow("pins");
    // A sparse file has a length and takes no room.
    let large = fs::File::create(world.path("pins/a.pem")).unwrap();
    let limit = u64::try_from(MAX_FOLLOWED_BYTES).unwrap();
    large.set_len(limit + 1).unwrap();
    world.settle(&mut follower);
    assert!(
        world.error().contains("holds more than"),
        "{}",
        world.error()
    );
    large.set_len(limit).unwrap();
    fs::write(world.path("pins/b.pem"), "x").unwrap();
    world.settle(&mut follower);
    assert!(
        world.error().contains("holds more than"),
        "{}",
        world.error()
    );
    for name in ["a.pem", "b.pem"] {
        fs::remove_file(world.path("pins").join(name)).unwrap();
    }
    let one = pin("one").to_pem();
    for number in 0..MAX_FOLLOWED_FILES {
        fs::write(world.path(&format!("pins/{number}.pem")), &one).unwrap();
    }
    world.settle(&mut follower);
    assert_eq!(world.error(), "");
    fs::write(world.path("pins/more.pem"), &one).unwrap();
    world.settle(&mut follower);
    assert!(
        world
            .error()
            .contains(&format!("more than {MAX_FOLLOWED_FILES} files"))
    );
    fs::remove_file(world.path("pins/more.pem")).unwrap();
    for number in MAX_FOLLOWED_FILES..=MAX_FOLLOWED_NAMES {
        fs::write(world.path("pins").join(format!(".{number}")), "").unwrap();
    }
    world.settle(&mut follower);
    assert!(
        world
            .error()
            .contains(&format!("more than {MAX_FOLLOWED_NAMES} files"))
    );
}

#[test]
fn sources_have_names_of_their_own() {
    let source = |name: &str| Source::new(name, "/nowhere", keys_1());
    let long = "x".repeat(129);
    for names in [
        vec![""],
        vec!["two\nlines"],
        vec![long.as_str()],
        vec!["a", "b", "a"],
    ] {
        let refused = Follower::new(names.iter().map(|name| source(name)));
        assert!(matches!(refused, Err(SourceError::Name)), "{names:?}");
    }
    let many = (0..MAX_SOURCES).map(|number| source(&number.to_string()));
    assert!(Follower::new(many.clone()).is_ok());
    let more = Follower::new(many.chain([source("more")]));
    assert!(matches!(more, Err(SourceError::TooManySources { .. })));
}
