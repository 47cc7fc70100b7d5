//! Certificates as openssl makes them, in a temporary folder that goes away with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mutual_trust::{Certificate, Identity, tls};

/// Certificates and keys, a pair of files each.
///
/// | name | what it is |
/// |---|---|
/// | `server`, `client`, `other` | what `openssl req -x509` makes: self-signed, CA:TRUE, no name but the CN |
/// | `ca` | a CA that both ends may install |
/// | `server-of-ca`, `client-of-ca` | leaves of `ca`, each for one role |
/// | `unknown-ca`, `client-of-unknown-ca`, `server-of-unknown-ca` | a CA that is not installed, and its leaves |
/// | `false-ca`, `client-of-false-ca`, `server-of-false-ca` | another key under the name of `ca`, and its leaves |
#[derive(Debug)]
pub struct Pki {
    folder: PathBuf,
    is_ours: bool,
}

const SERVER: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth";
const CLIENT: &str = "subjectAltName=DNS:array.example\nextendedKeyUsage=clientAuth";

impl Pki {
    /// Makes all of them; `name` tells folders of one process apart.
    pub fn make(name: &str) -> Self {
        let folder = format!("mutual-trust-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir(&folder).unwrap();
        // PostgreSQL runs as another user, and passes through.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
        let pki = Self {
            folder,
            is_ours: true,
        };
        for (name, subject) in [
            ("server", "server"),
            ("client", "array"),
            ("other", "other"),
            ("ca", "Test CA"),
            ("unknown-ca", "Unknown CA"),
            ("false-ca", "Test CA"),
        ] {
            pki.self_signed(name, subject);
        }
        for issuer in ["ca", "unknown-ca", "false-ca"] {
            pki.issue(&format!("server-of-{issuer}"), "localhost", issuer, SERVER);
            pki.issue(&format!("client-of-{issuer}"), "array", issuer, CLIENT);
        }
        // What the real servers accept of clients.
        let accepted = [pki.pem("client"), pki.pem("ca")].map(|file| fs::read(file).unwrap());
        fs::write(pki.folder.join("clients.pem"), accepted.concat()).unwrap();
        pki
    }

    /// What another process has made in a folder.
    pub fn of_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            is_ours: false,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn pem(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    pub fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_pem(&fs::read(self.pem(name)).unwrap()).unwrap()
    }

    pub fn identity(&self, name: &str) -> Identity {
        let provider = tls::provider::ring();
        Identity::from_files(self.pem(name), self.key(name), &provider).unwrap()
    }

    fn self_signed(&self, name: &str, subject: &str) {
        let mut command =
            openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30");
        command.args(["-subj", &format!("/CN={subject}")]);
        command
            .arg("-keyout")
            .arg(self.key(name))
            .arg("-out")
            .arg(self.pem(name));
        run(&mut command);
        self.close(name);
    }

    fn issue(&self, name: &str, subject: &str, issuer: &str, extensions: &str) {
        let request = self.folder.join(format!("{name}.csr"));
        let mut command = openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes");
        command.args(["-subj", &format!("/CN={subject}")]);
        command
            .arg("-keyout")
            .arg(self.key(name))
            .arg("-out")
            .arg(&request);
        run(&mut command);
        let file = self.folder.join(format!("{name}.ext"));
        fs::write(&file, extensions).unwrap();
        let mut command = openssl("x509 -req -CAcreateserial -days 30");
        command.arg("-in").arg(&request).arg("-extfile").arg(&file);
        command
            .arg("-CA")
            .arg(self.pem(issuer))
            .arg("-CAkey")
            .arg(self.key(issuer));
        command.arg("-out").arg(self.pem(name));
        run(&mut command);
        self.close(name);
    }

    fn close(&self, name: &str) {
        fs::set_permissions(self.key(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn openssl(arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' '));
    command
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
}
