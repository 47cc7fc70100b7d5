//! What every machine has: a folder that only its owner can enter, a private key that it made itself and that never leaves
//! the folder, and durable stores.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mutual_trust::admin::DurableSettings;
use mutual_trust::admin::bundle::Part;
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::{CertificateSpec, GeneratedKey, IfExists, KeyReader, KeyType};
use mutual_trust::tls::{self, FollowedIdentity, Identities, SigningKeyPair};
use mutual_trust::{Certificate, DurableStore, Fingerprint, Identity, KeyPolicy, Policy};
use rustls::crypto::CryptoProvider;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::console::causes;

/// The provider of all programs here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    tls::provider::default_provider()
}

pub(crate) fn keys() -> KeyPolicy {
    tls::key_policy(&provider())
}

pub(crate) fn policy() -> Policy {
    Policy::new(keys())
}

/// The settings of all stores. One that protects keys would have a seal as well (`with_seal`).
pub(crate) fn settings() -> DurableSettings {
    DurableSettings::new(keys())
}

pub(crate) fn runtime() -> Outcome<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(2).enable_all().build()?)
}

/// The folder of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The files of a certificate and of its key.
    pub(crate) fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        let file = |ending: &str| self.path(&format!("{name}.{ending}"));
        (file("pem"), file("key"))
    }

    /// Where this machine publishes a part of the trust set.
    pub(crate) fn published(&self, part: Part) -> Outcome<PathBuf> {
        let folder = self.path("published").join(part.to_string());
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Opens a store of this machine, or makes an empty one, which trusts no peer, on the first start.
    pub(crate) fn store(&self, name: &str) -> Outcome<DurableStore> {
        let folder = self.path(name);
        if folder.is_dir() {
            return Ok(DurableStore::open(&folder, settings())?.0);
        }
        private_folder(&folder)?;
        Ok(DurableStore::create(&folder, settings())?)
    }

    /// The identity in `NAME.pem` and `NAME.key`. On the first start the machine makes its key and its certificate.
    pub(crate) fn identity(&self, name: &str, subject: &str) -> Outcome<Identity> {
        let (chain, key) = self.pair(name);
        if !key.exists() {
            make_identity(&chain, &key, subject)?;
        }
        Ok(Identity::from_files(chain, key, &provider())?)
    }

    /// The identity in `NAME.pem` and `NAME.key`, followed until the process ends. When the files are replaced, new links
    /// get the new certificate, and open ones go on.
    pub(crate) fn followed(&self, name: &'static str) -> Outcome<Identities> {
        let (chain, key) = self.pair(name);
        let mut followed = FollowedIdentity::from_files(chain, key, KeyReader::new(), provider())?;
        let identities = followed.identities();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(50));
                if let Err(error) = followed.poll() {
                    eprintln!("the identity {name} cannot be read: {}", causes(&error));
                }
            }
        });
        Ok(identities)
    }
}

/// Makes a key and a self-signed end-entity certificate.
pub(crate) fn make_identity(chain: &Path, key: &Path, subject: &str) -> Outcome<Certificate> {
    let made = GeneratedKey::generate(KeyType::P256)?;
    // With mode 0600. A firmware that has a TPM or an HSM uses `Identity::from_signer`.
    made.write(key, IfExists::Replace)?;
    let pair = SigningKeyPair::new(made.into_key()?, &provider())?;
    let spec = CertificateSpec::new(subject)?;
    let identity = pair.self_signed(&spec, 365, SystemClock::new().now())?;
    fs::write(chain, identity.certificate().to_pem())?;
    Ok(identity.certificate().clone())
}

/// Makes a folder that only its owner can enter.
pub(crate) fn private_folder(folder: &Path) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    make_private(folder, 0o700)
}

/// Sets the mode of a file or folder. On systems without modes, the folder of the machine protects it.
pub(crate) fn make_private(path: &Path, mode: u32) -> Outcome<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

pub(crate) fn read_certificate(path: impl AsRef<Path>) -> Outcome<Certificate> {
    Ok(Certificate::from_pem(&fs::read(path)?)?)
}

/// Reads a certificate that came by any means, if it has the fingerprint that was read out at its machine.
pub(crate) fn read_certificate_heard(
    path: impl AsRef<Path>,
    heard: Fingerprint,
) -> Outcome<Certificate> {
    let certificate = read_certificate(path)?;
    if certificate.fingerprint() != heard {
        return Err("the fingerprint is not the one that was read out".into());
    }
    Ok(certificate)
}
