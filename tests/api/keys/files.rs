//! Keys from files and readers: read once, of exactly their size, and accessible to their owner only.

use std::error::Error;
use std::io::{self, Read};
use std::path::PathBuf;

use mutual_trust::Identity;
use mutual_trust::error::{IdentityError as E, ReadFileError as R};
use mutual_trust::identity::{CertificateChain, PrivateKey};
use mutual_trust::limits::MAX_KEY_FILE_BYTES;

use crate::keys::{assert_is, keys_format, path};
use crate::support::provider;

#[test]
fn a_reader_is_of_exactly_the_size_that_is_stated() {
    for name in ["p256-pkcs8.pem", "p256-pkcs8.der"] {
        let content = keys_format(name);
        let size = content.len();
        PrivateKey::from_reader(&*content, size).unwrap();
        PrivateKey::from_reader((&*content).take(u64::try_from(size).unwrap()), size).unwrap();
        assert_is!(
            PrivateKey::from_reader(&*content, size + 1),
            E::KeyReader(R::UnexpectedEof { size: stated, found, .. }) if *stated == size + 1 && *found == size
        );
        assert_is!(
            PrivateKey::from_reader(&*content, size - 1),
            E::KeyReader(R::Grew { size: stated, .. }) if *stated == size - 1
        );
        assert_is!(
            PrivateKey::from_reader(&*content, 0),
            E::KeyReader(R::Empty)
        );
    }
}

#[test]
fn a_size_above_the_limit_is_refused_before_anything_is_read() {
    struct Untouched;
    impl Read for Untouched {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("read");
        }
    }
    for size in [MAX_KEY_FILE_BYTES + 1, usize::MAX] {
        assert_is!(
            PrivateKey::from_reader(Untouched, size),
            E::KeyReader(R::TooLarge {
                limit: MAX_KEY_FILE_BYTES,
                ..
            })
        );
    }
}

#[test]
fn the_error_of_a_reader_is_known_by_its_kind_alone() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the secret is 1234",
            ))
        }
    }
    let error = assert_is!(
        PrivateKey::from_reader(Failing, 100),
        E::KeyReader(R::Io(error)) if error.kind() == io::ErrorKind::TimedOut
    );
    assert!(!format!("{error} {error:?}").contains("1234"));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_of_its_kind() {
    for missing in ["missing.pem", "missing/key.pem"] {
        assert_is!(
            PrivateKey::from_file(path(missing)),
            E::KeyFile { source: R::Io(error), .. } if error.kind() == io::ErrorKind::NotFound
        );
        assert_is!(
            CertificateChain::from_file(path(missing)),
            E::ChainFile { source: R::Io(error), .. } if error.kind() == io::ErrorKind::NotFound
        );
    }
}

#[test]
fn an_error_names_the_file_once_and_gives_the_cause_of_the_operating_system() {
    let chain = PathBuf::from(path("missing.pem"));
    let error = Identity::from_files(&chain, path("key.pem"), &provider()).unwrap_err();
    let file = chain.display();
    let expected = format!("cannot read the certificate file {file}");
    assert_eq!(error.to_string(), expected);
    let cause = error.source().unwrap();
    let missing = io::Error::from_raw_os_error(2);
    assert_eq!(cause.to_string(), missing.to_string());
    assert!(cause.source().is_none());
    assert_is!(
        Err::<(), _>(error),
        E::ChainFile { path, source: R::Io(cause), .. }
            if *path == chain && cause.raw_os_error() == Some(2)
    );
    let key = PathBuf::from(path("missing.key"));
    let error = PrivateKey::from_file(&key).unwrap_err();
    let expected = format!("cannot read the private key file {}", key.display());
    assert_eq!(error.to_string(), expected);
    assert!(error.source().unwrap().to_string().contains("os error 2"));
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Command, Output};
    use std::sync::Mutex;

    use mutual_trust::identity::KeyReader;

    use super::*;
    use crate::support::skips::skipped;

    /// A temporary folder, removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir()
                .join(format!("mutual-trust-keys-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// A file with this content and mode.
        fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_private_file_is_read_in_every_form() {
        let folder = Folder::new("forms");
        for name in [
            "p256-pkcs8.pem",
            "p256-pkcs8.der",
            "rsa2048-pkcs1.der",
            "p256-sec1.pem",
        ] {
            for mode in [0o600, 0o400] {
                let file = folder.file("key", &keys_format(name), mode);
                PrivateKey::from_file(&file).unwrap();
                fs::remove_file(file).unwrap();
            }
        }
    }

    #[test]
    fn a_file_to_which_group_or_others_have_any_access_is_refused_unless_that_is_waived() {
        let folder = Folder::new("modes");
        for bit in 0..6 {
            let mode = 0o600 | 1 << bit;
            let file = folder.file("key.pem", &keys_format("p256-pkcs8.pem"), mode);
            let error = assert_is!(
                PrivateKey::from_file(&file),
                E::KeyFile { source: R::Mode { mode: seen, .. }, .. } if *seen == mode
            );
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(&format!("mode {mode:04o}")), "{cause}");
            assert!(cause.contains("chmod 600"), "{cause}");
            KeyReader::new().allow_shared_file().file(&file).unwrap();
        }
        let file = folder.file("key.pem", &keys_format("p256-pkcs8.pem"), 0o644);
        let links_to = folder.0.join("link.pem");
        symlink(&file, &links_to).unwrap();
        assert_is!(
            PrivateKey::from_file(&links_to),
            E::KeyFile {
                source: R::Mode { .. },
                ..
            }
        );
    }

    #[test]
    fn a_combined_file_is_held_to_the_same_and_the_file_of_a_chain_is_not() {
        let folder = Folder::new("combined");
        let text = keys_format("keytool-rsa2048-combined.pem");
        let file = folder.file("both.pem", &text, 0o640);
        assert_is!(
            KeyReader::new().combined_file(&file),
            E::KeyFile {
                source: R::Mode { mode: 0o640, .. },
                ..
            }
        );
        assert_is!(
            Identity::from_files(&file, &file, &provider()),
            E::KeyFile {
                source: R::Mode { .. },
                ..
            }
        );
        KeyReader::new()
            .allow_shared_file()
            .combined_file(&file)
            .unwrap();
        let file = folder.file("both.pem", &text, 0o600);
        KeyReader::new().combined_file(&file).unwrap();
        Identity::from_files(&file, &file, &provider()).unwrap();
        let chain = folder.file(
            "chain.pem",
            &keys_format("keytool-rsa2048-chain.pem"),
            0o666,
        );
        let key = folder.file("key.pem", &keys_format("keytool-rsa2048-key.pem"), 0o600);
        Identity::from_files(chain, key, &provider()).unwrap();
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let folder = Folder::new("kinds");
        let pipe = folder.0.join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [&*folder.0, &pipe, Path::new("/dev/null")] {
            // The pipe has no writer: opening it would block.
            assert_is!(
                PrivateKey::from_file(path),
                E::KeyFile {
                    source: R::NotAFile,
                    ..
                }
            );
            assert_is!(
                CertificateChain::from_file(path),
                E::ChainFile {
                    source: R::NotAFile,
                    ..
                }
            );
            let waived = KeyReader::new().allow_shared_file().file(path);
            assert_is!(
                waived,
                E::KeyFile {
                    source: R::NotAFile,
                    ..
                }
            );
        }
        let file = folder.file("empty.pem", b"", 0o600);
        assert_is!(
            PrivateKey::from_file(file),
            E::KeyFile {
                source: R::Empty,
                ..
            }
        );
        let file = folder.file("large.pem", &vec![b'\n'; MAX_KEY_FILE_BYTES + 1], 0o600);
        assert_is!(
            PrivateKey::from_file(&file),
            E::KeyFile { source: R::TooLarge { limit: MAX_KEY_FILE_BYTES, size, .. }, .. }
                if *size == u64::try_from(MAX_KEY_FILE_BYTES).unwrap() + 1
        );
        assert_is!(
            CertificateChain::from_file(&file),
            E::ChainFile {
                source: R::TooLarge {
                    limit: MAX_KEY_FILE_BYTES,
                    ..
                },
                ..
            }
        );
    }

    /// One test at a time: a child that another one starts while a program is written keeps it busy.
    static COPYING: Mutex<()> = Mutex::new(());

    /// A user who is neither root nor the user of this process.
    const OTHER: u32 = 65_534;

    #[test]
    fn the_file_of_another_user_is_refused_unless_that_is_waived() {
        let folder = Folder::new("owners");
        let file = folder.file("key.pem", &keys_format("p256-pkcs8.pem"), 0o600);
        PrivateKey::from_file(&file).unwrap();
        if chown(&file, Some(OTHER), None).is_err() {
            return; // only root can give files away
        }
        assert_is!(
            PrivateKey::from_file(&file),
            E::KeyFile {
                source: R::Owner {
                    owner: OTHER,
                    user: 0,
                    ..
                },
                ..
            }
        );
        KeyReader::new().allow_shared_file().file(&file).unwrap();
        // The owner reads the same file: this test runs again as that user.
        let _alone = COPYING.lock().unwrap();
        fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
        let exe = folder.0.join("test");
        fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
        let (output, said) = read_as_another(&exe, &file, OTHER);
        assert!(output.status.success() && said.contains(READ), "{said}");
    }

    /// Runs this test as another user, which reads a key file.
    fn read_as_another(exe: &Path, file: &Path, group: u32) -> (Output, String) {
        let mut child = Command::new(exe);
        child.uid(OTHER).gid(group).env(CHILD, file);
        child.args([
            "--exact",
            "keys::files::unix::reads_as_another_user",
            "--nocapture",
        ]);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, said)
    }

    /// A group of which that user is a member beside its own.
    const MOUNTED: u32 = 65_533;

    /// A secret as an orchestrator mounts it: root owns it, and a group of the service may read it.
    #[test]
    fn the_group_may_read_a_file_of_root_and_no_file_of_another_owner() {
        let folder = Folder::new("mounted");
        let content = keys_format("p256-pkcs8.pem");
        let probe = folder.file("probe", b"", 0o600);
        if chown(&probe, Some(OTHER), Some(MOUNTED)).is_err() {
            skipped("a key file that root owns and a group reads: only root can make one");
            return;
        }
        fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
        let _alone = COPYING.lock().unwrap();
        let exe = folder.0.join("test");
        fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
        let file = folder.file("key.pem", &content, 0o600);
        let reads = |owner: u32, mode: u32, group: u32| {
            chown(&file, Some(owner), Some(MOUNTED)).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let (_, said) = read_as_another(&exe, &file, group);
            said.contains(READ)
        };
        for mode in [0o440, 0o640] {
            assert!(reads(0, mode, MOUNTED), "{mode:o}");
            assert!(!reads(OTHER, mode, MOUNTED), "its own file, {mode:o}");
            assert!(!reads(0, mode, OTHER), "no member of the group, {mode:o}");
        }
        for mode in [0o444, 0o660, 0o644, 0o450, 0o441, 0o442] {
            assert!(!reads(0, mode, MOUNTED), "{mode:o}");
        }
        // For root itself it is a file of its own.
        chown(&file, Some(0), Some(MOUNTED)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o440)).unwrap();
        assert_is!(
            PrivateKey::from_file(&file),
            E::KeyFile {
                source: R::Mode { mode: 0o440, .. },
                ..
            }
        );
    }

    const CHILD: &str = "MUTUAL_TRUST_TEST_KEY_FILE";
    const READ: &str = "read by its owner";

    /// The test above runs this one as another user.
    #[test]
    fn reads_as_another_user() {
        let Some(file) = std::env::var_os(CHILD) else {
            return;
        };
        PrivateKey::from_file(file).unwrap();
        eprintln!("{READ}");
    }
}
