//! A folder, and what else can be in its place.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::limits::{MAX_NODES, MAX_PUBLICATION_BYTES};
use mutual_trust_fleet::{Fetched, Publisher, Transport, TransportError};
use mutual_trust_test_support::folder::Folder as Temporary;

use crate::support::{new, report};

const LONG: Duration = Duration::from_secs(120);

#[test]
fn a_publication_arrives_once_and_reports_come_back() {
    let place = Temporary::new("fleet-folder");
    let mut publisher = Folder::new(place.path());
    let mut node = Folder::new(place.path());
    let nothing = node.fetch(None).unwrap_err();
    assert!(matches!(nothing, TransportError::NotPublished { .. }));
    assert_eq!(publisher.current().unwrap(), None);
    assert_eq!(publisher.nodes().unwrap().reports, []);

    let first = publisher.publish(b"one", None).unwrap();
    let (bytes, tag) = new(node.fetch(None));
    assert_eq!((bytes.as_slice(), &tag), (b"one".as_slice(), &first));
    assert_eq!(node.fetch(Some(&tag)).unwrap(), Fetched::Unchanged);
    let second = publisher.publish(b"two", Some(&first)).unwrap();
    assert_eq!(
        new(node.fetch(Some(&tag))),
        (b"two".to_vec(), second.clone())
    );
    assert_eq!(
        publisher.current().unwrap(),
        Some((b"two".to_vec(), second))
    );

    node.report(&report("b")).unwrap();
    node.report(&report("a")).unwrap();
    let changed = report("a").with_fault("late");
    node.report(&changed).unwrap();
    assert_eq!(publisher.nodes().unwrap().reports, [changed, report("b")]);
    // Nothing is left behind.
    assert_eq!(place.names(), ["nodes", "publication", "publication.lock"]);
}

#[test]
fn one_of_two_publishers_wins() {
    let place = Temporary::new("fleet-folder-race");
    let base = Folder::new(place.path()).publish(b"base", None).unwrap();
    let publish = |number: u32| {
        let (path, base) = (place.path().to_owned(), base.clone());
        thread::spawn(move || {
            let text = format!("from {number}");
            Folder::new(path)
                .publish(text.as_bytes(), Some(&base))
                .map(|_| text)
        })
    };
    let all: Vec<_> = (0..8).map(publish).collect();
    let ended: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
    let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for error in lost {
        let error = error.unwrap_err();
        assert!(
            matches!(error, TransportError::Superseded { .. }),
            "{error}"
        );
    }
    let there = fs::read(place.file("publication")).unwrap();
    assert_eq!(there, won[0].as_ref().unwrap().as_bytes());
    let again = Folder::new(place.path()).publish(b"first", None);
    assert!(matches!(again, Err(TransportError::Superseded { .. })));
}

#[test]
fn a_wait_ends_with_a_change() {
    let place = Temporary::new("fleet-folder-wait");
    let mut publisher = Folder::new(place.path());
    let mut node = Folder::new(place.path());
    let first = publisher.publish(b"one", None).unwrap();
    let _ = new(node.fetch(None));
    // Nothing happens: the whole time.
    let start = Instant::now();
    node.wait(Duration::from_millis(20)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        publisher.publish(b"two", Some(&first)).unwrap();
    });
    let start = Instant::now();
    node.wait(LONG).unwrap();
    assert!(start.elapsed() < LONG);
    assert_eq!(new(node.fetch(None)).0, b"two");
    writer.join().unwrap();
    // A change that the node did not read yet is there at once.
    fs::write(place.file("publication"), b"three").unwrap();
    node.wait(LONG).unwrap();
}

#[test]
fn a_file_beyond_the_bound_is_not_read() {
    let place = Temporary::new("fleet-folder-large");
    let file = fs::File::create(place.file("publication")).unwrap();
    file.set_len(u64::try_from(MAX_PUBLICATION_BYTES).unwrap() + 1)
        .unwrap();
    let mut folder = Folder::new(place.path());
    let large = folder.fetch(None).unwrap_err();
    assert!(matches!(large, TransportError::TooLarge { .. }), "{large}");
    file.set_len(u64::try_from(MAX_PUBLICATION_BYTES).unwrap())
        .unwrap();
    assert_eq!(new(folder.fetch(None)).0.len(), MAX_PUBLICATION_BYTES);
    let bytes = vec![0; MAX_PUBLICATION_BYTES + 1];
    let refused = folder.publish(&bytes, None).unwrap_err();
    assert!(
        matches!(refused, TransportError::TooLarge { .. }),
        "{refused}"
    );
}

#[test]
fn a_report_of_another_node_or_of_none_is_named() {
    let place = Temporary::new("fleet-folder-reports");
    let mut folder = Folder::new(place.path());
    folder.report(&report("good")).unwrap();
    let nodes = place.file("nodes");
    fs::write(nodes.join("liar"), report("good").to_string()).unwrap();
    fs::write(nodes.join("damaged"), "what?").unwrap();
    fs::write(nodes.join("NAME"), report("good").to_string()).unwrap();
    fs::create_dir(nodes.join("folder")).unwrap();
    let large = fs::File::create(nodes.join("large")).unwrap();
    large.set_len(1 << 40).unwrap();
    let all = folder.nodes().unwrap();
    assert_eq!(all.reports, [report("good")]);
    let unread = all.unread.iter();
    let unread: Vec<(&str, &str)> = unread
        .map(|one| (one.node().unwrap().as_str(), one.why()))
        .collect();
    // A name that no node has takes the place of no report.
    assert!(
        matches!(
            unread.as_slice(),
            [
                ("damaged", "this is no report of a node"),
                ("folder", folder),
                ("large", large),
                ("liar", "it is a report of the node good"),
            ] if folder.ends_with("is no regular file") && large.ends_with("has more than 2048 bytes")
        ),
        "{unread:?}"
    );
    assert!(!all.is_cut);
}

#[test]
fn the_report_of_a_node_is_removed() {
    let place = Temporary::new("fleet-folder-forget");
    let mut folder = Folder::new(place.path());
    let node = "a".parse().unwrap();
    assert!(!folder.forget(&node).unwrap());
    folder.report(&report("a")).unwrap();
    folder.report(&report("b")).unwrap();
    assert!(folder.forget(&node).unwrap());
    assert!(!folder.forget(&node).unwrap());
    assert_eq!(folder.nodes().unwrap().reports, [report("b")]);
}

/// Who can write files into the folder hides no node by their number.
#[test]
fn many_files_do_not_end_the_list_of_nodes() {
    let place = Temporary::new("fleet-folder-many");
    let mut folder = Folder::new(place.path());
    folder.report(&report("good")).unwrap();
    let file = |name: String| place.file("nodes").join(name);
    for number in 0..=MAX_NODES {
        fs::File::create(file(format!(".{number}"))).unwrap();
    }
    assert_eq!(folder.nodes().unwrap().reports, [report("good")]);
    for number in 0..=MAX_NODES {
        fs::rename(file(format!(".{number}")), file(number.to_string())).unwrap();
    }
    // The order of a folder decides what is beyond.
    let all = folder.nodes().unwrap();
    assert!(all.reports.len() <= 1);
    assert_eq!(all.reports.len() + all.unread.len(), MAX_NODES);
    assert!(all.is_cut);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn pipe(path: &std::path::Path) {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }

    /// Without the look at the path and the flag, these reads would not end: a pipe has no writer, and the device no end.
    #[test]
    fn a_pipe_or_a_device_is_refused_without_waiting() {
        let place = Temporary::new("fleet-folder-pipe");
        let mut folder = Folder::new(place.path());
        let path = place.file("publication");
        pipe(&path);
        let refused = folder.fetch(None).unwrap_err();
        assert!(
            matches!(refused, TransportError::NotAFile { .. }),
            "{refused}"
        );
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let refused = folder.fetch(None).unwrap_err();
        assert!(
            matches!(refused, TransportError::NotAFile { .. }),
            "{refused}"
        );
        folder.report(&report("good")).unwrap();
        pipe(&place.file("nodes").join("pipe"));
        assert_eq!(folder.nodes().unwrap().reports, [report("good")]);
    }

    /// As kubelet mounts it: the key is a link through `..data`, which one rename replaces.
    #[test]
    fn a_mounted_config_map_is_read_and_never_written() {
        let place = Temporary::new("fleet-folder-mounted");
        let version = |name: &str, content: &str| {
            fs::create_dir(place.file(name)).unwrap();
            fs::write(place.file(name).join("publication"), content).unwrap();
            symlink(name, place.file("..new")).unwrap();
            fs::rename(place.file("..new"), place.file("..data")).unwrap();
        };
        version("..1", "one");
        symlink("..data/publication", place.file("publication")).unwrap();
        let mut folder = Folder::new(place.path());
        let (bytes, tag) = new(folder.fetch(None));
        assert_eq!(bytes, b"one");
        version("..2", "two");
        folder.wait(LONG).unwrap();
        assert_eq!(new(folder.fetch(Some(&tag))).0, b"two");

        let told = folder.report(&report("a")).unwrap_err();
        assert!(
            matches!(told, TransportError::CannotReport { .. }),
            "{told}"
        );
        let told = folder.publish(b"three", Some(&tag)).unwrap_err();
        assert!(matches!(told, TransportError::Refused { .. }), "{told}");
        assert!(!place.names().contains(&"nodes".to_owned()));
    }

    #[test]
    fn a_link_in_the_place_of_a_temporary_file_is_not_followed() {
        let place = Temporary::new("fleet-folder-link");
        let other = place.file("other");
        fs::write(&other, "precious").unwrap();
        let mut folder = Folder::new(place.path());
        folder.report(&report("a")).unwrap();
        symlink(&other, place.file("nodes").join(".a.tmp")).unwrap();
        folder.report(&report("a").with_fault("x")).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"precious");
        assert_eq!(
            folder.nodes().unwrap().reports,
            [report("a").with_fault("x")]
        );
    }

    /// Who owns the place would choose where each node writes.
    #[test]
    fn a_link_in_the_place_of_the_reports_is_not_followed() {
        let place = Temporary::new("fleet-folder-nodes-link");
        let other = Temporary::new("fleet-folder-nodes-other");
        let mut folder = Folder::new(place.path());
        symlink(other.path(), place.file("nodes")).unwrap();
        let refused = folder.report(&report("a")).unwrap_err();
        assert!(matches!(refused, TransportError::Io { .. }), "{refused}");
        assert!(other.names().is_empty());
        fs::write(other.file("a"), report("a").to_string()).unwrap();
        let refused = folder.nodes().unwrap_err();
        assert!(matches!(refused, TransportError::Io { .. }), "{refused}");
        let refused = folder.forget(&"a".parse().unwrap()).unwrap_err();
        assert!(matches!(refused, TransportError::Io { .. }), "{refused}");
        assert_eq!(other.names(), ["a"]);
    }

    #[test]
    fn a_publisher_makes_the_folder_of_the_reports_with_its_own_rights() {
        let place = Temporary::new("fleet-folder-nodes-made");
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Folder::new(place.path()).publish(b"one", None).unwrap();
        assert_eq!(mode(&place.file("nodes")), mode(place.path()));
    }

    #[test]
    fn other_users_can_read_what_is_published() {
        let place = Temporary::new("fleet-folder-mode");
        Folder::new(place.path()).publish(b"one", None).unwrap();
        let found = fs::metadata(place.file("publication")).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o644);
    }

    /// Who can open a file can hold its lock, also for reading.
    #[test]
    fn other_users_cannot_lock_out_a_publisher() {
        let place = Temporary::new("fleet-folder-lock");
        let lock = place.file("publication.lock");
        let mode = || fs::metadata(&lock).unwrap().permissions().mode() & 0o777;
        let mut folder = Folder::new(place.path());
        let first = folder.publish(b"one", None).unwrap();
        assert_eq!(mode(), 0o600);
        // One that was made with more rights.
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).unwrap();
        folder.publish(b"two", Some(&first)).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_lock_that_is_no_file_is_refused() {
        let place = Temporary::new("fleet-folder-lock-link");
        let lock = place.file("publication.lock");
        let mut folder = Folder::new(place.path());
        let mut refused = || {
            let refused = folder.publish(b"one", None).unwrap_err();
            assert!(
                matches!(refused, TransportError::NotAFile { .. }),
                "{refused}"
            );
            fs::remove_file(&lock).unwrap();
        };
        let other = place.file("other");
        symlink(&other, &lock).unwrap();
        refused();
        assert!(!other.exists());
        fs::write(&other, "precious").unwrap();
        symlink(&other, &lock).unwrap();
        refused();
        pipe(&lock);
        refused();
    }
}
