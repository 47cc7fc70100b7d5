//! Files appear complete, for their owner only, and never replace another by mistake.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use mutual_trust::Certificate;
use mutual_trust::error::{WriteError, WriteStep};
use mutual_trust::identity::{IfExists, write_certificates, write_private};

use crate::support::folder::Folder;

const BOTH: [IfExists; 2] = [IfExists::Refuse, IfExists::Replace];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_private_file_is_for_its_owner_alone() {
    let folder = Folder::new("owner");
    for (name, existing) in ["refuse", "replace"].into_iter().zip(BOTH) {
        let path = folder.file(name);
        write_private(&path, b"content", existing).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
    }
    assert_eq!(folder.names(), ["refuse", "replace"]);
}

#[test]
fn certificates_are_for_everybody_to_read_and_in_their_order() {
    let folder = Folder::new("public");
    let path = folder.file("chain.pem");
    let chain = [
        include_bytes!("../../fixtures/chain-server.pem").as_slice(),
        include_bytes!("../../fixtures/ca-intermediate.pem"),
    ]
    .map(|pem| Certificate::from_pem(pem).unwrap());
    write_certificates(&path, &chain, IfExists::Refuse).unwrap();
    assert_eq!(mode(&path), 0o644);
    let read = fs::read(&path).unwrap();
    assert_eq!(Certificate::many_from_pem(&read).unwrap(), chain);
}

#[test]
fn an_existing_file_is_kept_unless_replacing_it_is_asked_for() {
    let folder = Folder::new("existing");
    let path = folder.file("key.pem");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let refused = write_private(&path, b"new", IfExists::Refuse).unwrap_err();
    assert!(matches!(&refused, WriteError::Exists { path: found, .. } if *found == path));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(folder.names(), ["key.pem"]);

    write_private(&path, b"new", IfExists::Replace).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    // The new file has its own mode, not that of the old one.
    assert_eq!(mode(&path), 0o600);
    assert_eq!(folder.names(), ["key.pem"]);
}

#[test]
fn of_many_writers_who_refuse_to_replace_one_wins_and_its_content_is_whole() {
    // A file that appears after the check is kept too.
    let folder = Folder::new("race");
    for round in 0..20 {
        let path = folder.file(&format!("key-{round}"));
        let start = std::sync::Barrier::new(4);
        let won: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (b'a'..b'e')
                .map(|letter| {
                    let (path, start) = (&path, &start);
                    scope.spawn(move || {
                        start.wait();
                        match write_private(path, &[letter; 100_000], IfExists::Refuse) {
                            Ok(()) => Some(letter),
                            Err(WriteError::Exists { .. }) => None,
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            let results = writers.into_iter().map(|writer| writer.join().unwrap());
            results.flatten().collect()
        });
        let [winner] = won.as_slice() else {
            panic!("{} writers won", won.len());
        };
        assert_eq!(fs::read(&path).unwrap(), [*winner; 100_000]);
    }
    assert_eq!(folder.names().len(), 20);
}

#[test]
fn nothing_is_written_through_a_symbolic_link_or_over_what_is_no_file() {
    let folder = Folder::new("links");
    let elsewhere = folder.file("elsewhere");
    fs::write(&elsewhere, "old").unwrap();
    let (link, dangling) = (folder.file("link"), folder.file("dangling"));
    symlink(&elsewhere, &link).unwrap();
    symlink(folder.file("nowhere"), &dangling).unwrap();
    let inner = folder.file("folder");
    fs::create_dir(&inner).unwrap();
    for path in [&link, &dangling, &inner] {
        for existing in BOTH {
            let refused = write_private(path, b"new", existing).unwrap_err();
            assert!(
                matches!(&refused, WriteError::NotAFile { path: found, .. } if found == path),
                "{refused}"
            );
        }
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), b"old");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(folder.names(), ["dangling", "elsewhere", "folder", "link"]);
}

#[test]
fn a_folder_behind_a_symbolic_link_is_a_folder() {
    let folder = Folder::new("folder-link");
    fs::create_dir(folder.file("real")).unwrap();
    symlink(folder.file("real"), folder.file("link")).unwrap();
    let path = folder.file("link").join("key.pem");
    write_private(&path, b"content", IfExists::Refuse).unwrap();
    assert_eq!(fs::read(folder.file("real/key.pem")).unwrap(), b"content");
}

#[test]
fn a_path_without_a_file_name_is_refused() {
    for path in ["", "/", "..", "folder/.."] {
        let refused = write_private(Path::new(path), b"x", IfExists::Refuse);
        assert!(matches!(refused, Err(WriteError::NoName { .. })), "{path}");
    }
}

#[test]
fn a_missing_folder_is_named_with_the_step_at_which_it_was_missed() {
    let folder = Folder::new("missing");
    let path = folder.file("missing/key.pem");
    for existing in BOTH {
        let refused = write_private(&path, b"x", existing).unwrap_err();
        let WriteError::Io { step, source, .. } = &refused else {
            panic!("{refused}");
        };
        assert_eq!(*step, WriteStep::Create);
        assert_eq!(source.kind(), ErrorKind::NotFound);
        assert!(refused.to_string().contains("missing/key.pem"), "{refused}");
    }
    // A file in the place of a folder.
    fs::write(folder.file("file"), "").unwrap();
    let refused = write_private(folder.file("file/key.pem"), b"x", IfExists::Refuse).unwrap_err();
    assert!(
        matches!(
            refused,
            WriteError::Io {
                step: WriteStep::Stat,
                ..
            }
        ),
        "{refused}"
    );
}

/// Runs in its own process: the umask belongs to the process, and root is not stopped by a read-only folder.
#[test]
fn umask_and_read_only_folders_in_a_process_of_its_own() {
    const CHILD: &str = "MUTUAL_TRUST_TEST_WRITER";
    if let Ok(folder) = std::env::var(CHILD) {
        return as_somebody(Path::new(&folder));
    }
    let folder = Folder::new("somebody");
    let executable = std::env::current_exe().unwrap();
    let script = r#"umask "$1" && exec "$0" --exact issuing::writing::umask_and_read_only_folders_in_a_process_of_its_own --nocapture"#;
    for umask in ["000", "777"] {
        let inner = folder.file(umask);
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o777)).unwrap();
        let mut child = Command::new("sh");
        child
            .args(["-c", script])
            .arg(&executable)
            .arg(umask)
            .env(CHILD, &inner);
        let is_root = fs::metadata(&inner).unwrap().uid() == 0;
        if is_root {
            chown(&inner, Some(65534), Some(65534)).unwrap();
            child.uid(65534).gid(65534);
        }
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        if is_root && output.status.code() == Some(126) {
            let what = "another user cannot run the test's executable";
            crate::support::skips::skipped(&format!("{what}: {}", errors.trim()));
            return;
        }
        assert!(output.status.success(), "umask {umask}: {text}{errors}");
        assert!(text.contains("1 passed"), "{text}");
    }
}

fn as_somebody(folder: &Path) {
    for (name, existing) in ["refuse", "replace"].into_iter().zip(BOTH) {
        let path = folder.join(name);
        write_private(&path, b"content", existing).unwrap();
        assert_eq!(mode(&path), 0o600, "{}", folder.display());
    }
    let public = folder.join("public");
    write_certificates(&public, [], IfExists::Refuse).unwrap();
    assert_eq!(mode(&public), 0o644);

    fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
    let before = fs::read_dir(folder).unwrap().count();
    for (name, existing) in [("new", BOTH[0]), ("new", BOTH[1]), ("refuse", BOTH[1])] {
        let refused = write_private(folder.join(name), b"other", existing).unwrap_err();
        let WriteError::Io { step, source, .. } = &refused else {
            panic!("{refused}");
        };
        assert_eq!(*step, WriteStep::Create);
        assert_eq!(source.kind(), ErrorKind::PermissionDenied);
    }
    // The existing file is reported before anything is written.
    let refused = write_private(folder.join("refuse"), b"other", IfExists::Refuse);
    assert!(matches!(refused, Err(WriteError::Exists { .. })));
    assert_eq!(fs::read_dir(folder).unwrap().count(), before);
    assert_eq!(fs::read(folder.join("refuse")).unwrap(), b"content");
    fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
}
