//! Folders whose content is replaced by the swap of one link, as mounted Kubernetes secrets are.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::*;

/// Puts a new version into a mounted folder: `..data` is renamed over, and then the old version is removed.
fn mount(world: &World, version: &str, files: &[(&str, String)]) {
    let folder = world.path("mounted");
    let first = !folder.exists();
    fs::create_dir_all(folder.join(version)).unwrap();
    for (name, content) in files {
        fs::write(folder.join(version).join(name), content).unwrap();
    }
    let old = fs::read_link(folder.join("..data")).ok();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if first {
        for (name, _) in files {
            symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(folder.join(old)).unwrap();
    }
}

#[test]
fn a_version_is_taken_over_at_once_and_whole() {
    let mut world = World::new("mounted");
    let (one, two, three) = (pin("one"), pin("two"), pin("three"));
    mount(
        &world,
        "..2027_01",
        &[("a.pem", one.to_pem()), ("b.pem", two.to_pem())],
    );
    let mut follower = world.follow("mounted");
    assert!(
        follower.poll(&mut world.store).unwrap(),
        "{}",
        world.error()
    );
    assert!(world.holds(&[&one, &two]));
    mount(
        &world,
        "..2027_02",
        &[("a.pem", three.to_pem()), ("b.pem", two.to_pem())],
    );
    assert!(follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[&three, &two]));
    assert!(!follower.poll(&mut world.store).unwrap());
    // A broken version is not taken over at once either.
    mount(
        &world,
        "..2027_03",
        &[("a.pem", String::new()), ("b.pem", one.to_pem())],
    );
    assert!(!follower.poll(&mut world.store).unwrap());
    assert!(world.holds(&[&three, &two]));
    assert!(world.error().contains("is empty"), "{}", world.error());
}

#[test]
fn one_file_of_a_mounted_folder_can_be_followed_beside_a_private_key() {
    let mut world = World::new("mounted-file");
    let (one, two) = (pin("one"), pin("two"));
    let key = || String::from("not read");
    mount(
        &world,
        "..1",
        &[("ca.crt", one.to_pem()), ("tls.key", key())],
    );
    let mut follower = world.follow("mounted/ca.crt");
    world.settle(&mut follower);
    assert!(world.holds(&[&one]), "{}", world.error());
    mount(
        &world,
        "..2",
        &[("ca.crt", two.to_pem()), ("tls.key", key())],
    );
    world.settle(&mut follower);
    assert!(world.holds(&[&two]), "{}", world.error());
}

/// Versions always have two files that belong together. Whenever a poll comes, both are of one version.
#[test]
fn no_mixture_of_two_versions_is_ever_taken_over() {
    let mut world = World::new("mixture");
    let pairs: Vec<_> = (0..4).map(|_| (pin("a"), pin("b"))).collect();
    let version = |world: &World, number: usize| {
        let (a, b) = &pairs[number % pairs.len()];
        let files = [("a.pem", a.to_pem()), ("b.pem", b.to_pem())];
        mount(world, &format!("..{number}"), &files);
    };
    version(&world, 0);
    let mut follower = world.follow("mounted");
    let done = AtomicBool::new(false);
    let mut store = world.store;
    let mut taken = 0;
    let writer = World::new("mixture-unused").store;
    world.store = writer;
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..200 {
                version(&world, number);
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut last = false;
        while !last {
            last = done.load(Ordering::Relaxed);
            let changed = follower.poll(&mut store).unwrap();
            taken += usize::from(changed);
            let entries = store.contents().entries();
            let held: Vec<_> = entries
                .iter()
                .map(|entry| entry.key().fingerprint)
                .collect();
            let whole = pairs.iter().any(|(a, b)| {
                held.len() == 2
                    && held.contains(&a.fingerprint())
                    && held.contains(&b.fingerprint())
            });
            assert!(whole || held.is_empty(), "a mixture");
        }
    });
    follower.poll(&mut store).unwrap();
    let (a, b) = &pairs[199 % pairs.len()];
    let entries = store.contents().entries();
    let held: Vec<_> = entries
        .iter()
        .map(|entry| entry.key().fingerprint)
        .collect();
    assert!(held.contains(&a.fingerprint()) && held.contains(&b.fingerprint()));
    assert!(taken > 0);
}
