//! SoftHSM in a folder of its own, for a test in a process of its own: modules keep their state in the process, and find
//! their files by its environment.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use mutual_trust::Identity;
use mutual_trust::identity::CertificateSpec;
use mutual_trust_pkcs11::{KeyType, PinSource, Token, TokenKey, TokenSettings, Uri};
use mutual_trust_test_support::skips::skipped;
use mutual_trust_test_support::{now, provider};
use rustls::crypto::CryptoProvider;

pub(crate) const PIN: &str = "1234";

/// Where the packages of the distributions have SoftHSM.
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// Set in the process of a test.
const INSIDE: &str = "MT_PKCS11_TEST";

pub(crate) fn module() -> Option<&'static str> {
    let found = MODULES.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        skipped("keys in hardware: no softhsm2");
    }
    found
}

/// Runs a test, named by its path in this program, in a process of its own, with tokens of these labels.
pub(crate) fn alone(name: &str, labels: &[&str], test: impl FnOnce(&Place)) {
    alone_after(name, test, |folder| Some((softhsm(folder, labels)?, ())));
}

/// Makes the tokens of a test, and gives the environment in which they are found.
pub(crate) fn softhsm(folder: &Path, labels: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let module = module()?;
    let conf = folder.join("softhsm2.conf");
    let tokens = folder.join("tokens");
    fs::create_dir_all(&tokens).unwrap();
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        tokens.display()
    );
    fs::write(&conf, text).unwrap();
    for label in labels {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label])
            .args(["--pin", PIN, "--so-pin", "12345678"])
            .env("SOFTHSM2_CONF", &conf)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    Some(vec![
        ("SOFTHSM2_CONF", conf.display().to_string()),
        ("MT_SHIM", folder.display().to_string()),
        ("MT_SOFTHSM", module.to_owned()),
    ])
}

/// The same with what `start` makes in the folder of the test. What it gives is dropped when the test has ended.
pub(crate) fn alone_after<T>(
    name: &str,
    test: impl FnOnce(&Place),
    start: impl FnOnce(&Path) -> Option<(Vec<(&'static str, String)>, T)>,
) {
    if let Some(folder) = env::var_os(INSIDE) {
        test(&Place {
            folder: PathBuf::from(folder),
            provider: provider(),
        });
        return;
    }
    let folder = folder(name);
    fs::create_dir_all(&folder).unwrap();
    let Some((environment, started)) = start(&folder) else {
        return;
    };
    let ran = inside(name, &folder, environment).output().unwrap();
    drop(started);
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(
        ran.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
    // What it measured.
    for line in out.lines().filter(|line| line.starts_with("measured: ")) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    let _ = fs::remove_dir_all(&folder);
}

/// This program with one test, in its folder.
pub(crate) fn inside(
    name: &str,
    folder: &Path,
    environment: Vec<(&'static str, String)>,
) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, folder).envs(environment);
    command
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "pkcs11-{}-{}",
        name.replace("::", "-"),
        std::process::id()
    ));
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// The folder of a test.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl Place {
    /// A key of a token, through SoftHSM itself.
    pub(crate) fn uri(&self, token: &str, key: &str) -> Uri {
        let module = env::var("MT_SOFTHSM").unwrap();
        Uri::new()
            .with_module_path(module)
            .with_token(token)
            .with_object(key)
    }

    /// The same through the module that counts and fails.
    pub(crate) fn shim(&self, token: &str, key: &str) -> Uri {
        let shim = self.folder.join("shim.so");
        if !shim.exists() {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/shim.c");
            let built = Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
                .arg(&shim)
                .arg(source)
                .args(["-ldl", "-lpthread"])
                .output()
                .unwrap();
            assert!(built.status.success(), "{built:?}");
        }
        Uri::new()
            .with_module_path(shim)
            .with_token(token)
            .with_object(key)
    }

    /// Tells the module what to do at its next call.
    pub(crate) fn order(&self, lines: &str) {
        let new = self.folder.join("orders.new");
        fs::write(&new, format!("{lines}\n")).unwrap();
        fs::rename(new, self.folder.join("orders")).unwrap();
    }

    /// How often the module was called.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        calls.lines().filter(|line| *line == function).count()
    }

    pub(crate) fn open(&self, uri: &Uri) -> Token {
        Token::open(uri, Some(pin()), TokenSettings::new()).unwrap()
    }

    /// A token with a new key.
    pub(crate) fn made(&self, uri: &Uri, kind: KeyType) -> TokenKey {
        self.open(uri).generate(uri, kind, &self.provider).unwrap()
    }

    /// An identity of a key, with a certificate that the key signs.
    pub(crate) fn identity(&self, key: &TokenKey, name: &str) -> Identity {
        let pair = key.signing_key_pair(&self.provider).unwrap();
        let spec = CertificateSpec::new(name).unwrap();
        let made = pair.self_signed(&spec, 365, now()).unwrap();
        // The same again with the token's own signer alone.
        key.identity(made.chain().clone()).unwrap()
    }
}

pub(crate) fn pin() -> PinSource {
    PinSource::callback(|| Ok(PIN.to_owned().into()))
}
