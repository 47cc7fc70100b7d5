//! Folders whose content is replaced by the swap of one link, as mounted Kubernetes secrets are.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::follow::common::*;

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

/// All files of a version are one certificate. Whenever a poll comes, what it takes over is of one version.
#[test]
fn no_mixture_of_two_versions_is_ever_taken_over() {
    const FILES: usize = 40;
    let mut world = World::new("mixture");
    let certificates: Vec<_> = (0..4).map(|number| pin(&number.to_string())).collect();
    let names: Vec<String> = (0..FILES).map(|number| format!("{number}.pem")).collect();
    let folder = world.path("mounted");
    // All versions are there before and stay: a poll that mixes two finds every file of both.
    for (number, certificate) in certificates.iter().enumerate() {
        let version = folder.join(format!("..{number}"));
        fs::create_dir_all(&version).unwrap();
        for name in &names {
            fs::write(version.join(name), certificate.to_pem()).unwrap();
        }
    }
    let swap = |number: usize| {
        symlink(format!("..{number}"), folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    swap(0);
    for name in &names {
        symlink(format!("..data/{name}"), folder.join(name)).unwrap();
    }
    let mut follower = world.follow("mounted");
    let done = AtomicBool::new(false);
    let mut taken = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..2000 {
                swap(number % certificates.len());
                thread::sleep(Duration::from_micros(200));
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            taken += usize::from(follower.poll(&mut world.store).unwrap());
            assert!(world.entries().len() <= 1, "a mixture");
        }
    });
    swap(1);
    follower.poll(&mut world.store).unwrap();
    assert!(world.holds(&[&certificates[1]]), "{}", world.error());
    assert!(taken > 0);
}
