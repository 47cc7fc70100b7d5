//! The keys that sign for a fleet: making one, and the key set.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, ValueEnum};
use mutual_trust::admin::bundle::{BundleKey, FleetId, KeySet, Signer};
use mutual_trust::certificate::KeyPin;
use mutual_trust::identity::{GeneratedKey, IfExists, KeyType, PrivateKey};
use mutual_trust::tls::bundle_signer;

use super::draft::{self, End};
use super::folder::{Folder, newest, newest_keys, write};
use super::words;
use crate::json::FleetKeyFiles;
use crate::output::{Failure, Outcome};
use crate::{files, ours, plain};

/// A new key.
#[derive(ClapArgs, Debug)]
pub(super) struct NewKey {
    /// The private key's file, which must not exist; only its owner can read it
    key: PathBuf,
    /// The public key's file, which must not exist; the founder of the fleet gets it
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// The kind of the key
    #[arg(long = "type", value_enum, default_value_t = Kind::Ed25519)]
    kind: Kind,
    /// Encrypt the private key with a passphrase from this file descriptor, up to its first line feed and as it stands
    #[cfg(feature = "formats")]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    new_passphrase_fd: Option<i32>,
}

/// The kinds of keys that sign.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Ed25519: small, fast, and every tool has it
    Ed25519,
    /// ECDSA P-256, for smart cards and HSMs without Ed25519
    P256,
    /// ML-DSA-65, post-quantum: OpenSSL signs with it from version 3.5 on
    #[value(name = "ml-dsa-65")]
    MlDsa65,
}

impl From<Kind> for KeyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Ed25519 => Self::Ed25519,
            Kind::P256 => Self::P256,
            Kind::MlDsa65 => Self::MlDsa65,
        }
    }
}

impl NewKey {
    /// Writes the private key, and gives it back.
    fn written(&self) -> Result<PrivateKey, Failure> {
        let new = GeneratedKey::generate(self.kind.into())?;
        #[cfg(feature = "formats")]
        if let Some(number) = self.new_passphrase_fd {
            self.encrypted(&new, number)?;
            return Ok(new.into_key()?);
        }
        let written = new.write(&self.key, IfExists::Refuse);
        written.map_err(|error| Failure::from(error).about(self.key.display()))?;
        Ok(new.into_key()?)
    }

    /// Writes the private key encrypted. What is written is read again first.
    #[cfg(feature = "formats")]
    fn encrypted(&self, new: &GeneratedKey, number: i32) -> Result<(), Failure> {
        use mutual_trust::identity::write_private;

        use crate::{formats, passphrase};

        let line = passphrase::of_descriptor(number)?;
        if line.is_empty() {
            let text = "the key file would have no passphrase: give one with --new-passphrase-fd";
            return Err(Failure::new("passphrase/Empty", text));
        }
        let key = formats::encrypted(new.pkcs8(), &line, ours::provider().secure_random)?;
        let text = formats::section("ENCRYPTED PRIVATE KEY", &key);
        let owned = passphrase::owned(&line);
        mutual_trust::identity::KeyReader::new()
            .with_passphrase(&owned)
            .pem(text.as_bytes())?;
        let written = write_private(&self.key, text.as_bytes(), IfExists::Refuse);
        written.map_err(|error| Failure::from(error).about(self.key.display()))
    }
}

/// Makes a key.
pub(super) fn new_key(arguments: &NewKey) -> Result<Outcome, Failure> {
    let path = &arguments.public_key;
    files::absent(path)?;
    files::absent(&arguments.key)?;
    let key = arguments.written()?;
    let written = bundle_signer(key, &ours::provider())
        .map_err(Failure::from)
        .and_then(|signer| {
            let key = signer.key().clone();
            write(path, pem(&key).as_bytes(), IfExists::Refuse)?;
            Ok(key)
        });
    let key = written.inspect_err(|_| {
        // A key that nothing belongs to would stand in the way of the next try. If removing fails, nothing else can be done.
        let _ = fs::remove_file(&arguments.key);
    })?;
    let text = format!(
        "private key: {}\npublic key: {}\nkey: {:#} ({})\nto do: give the public key to the founder of the fleet; keep the private key on this machine alone",
        plain::path(&arguments.key),
        plain::path(path),
        key.id(),
        key.algorithm()
    );
    let made = FleetKeyFiles {
        key_file: arguments.key.display().to_string(),
        public_key_file: path.display().to_string(),
        key: words::key_fact(&key),
    };
    Ok(Outcome::of(text, &made))
}

/// The first key set.
#[derive(ClapArgs, Debug)]
pub(super) struct Init {
    /// The id of the fleet: a-z, 0-9, `.`, `_` and `-`
    id: FleetId,
    /// How many keys must sign
    #[arg(long, value_name = "M")]
    threshold: usize,
    /// The public key of an administrator, in PEM; it can be given again
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    #[command(flatten)]
    folder: Folder,
}

/// Founds a fleet.
pub(super) fn init(arguments: &Init) -> Result<Outcome, Failure> {
    arguments.folder.is_new()?;
    let keys = public_keys(&arguments.key)?;
    let set = KeySet::new(arguments.id.clone(), arguments.threshold, keys)?;
    arguments.folder.found(&set)?;
    let file = arguments.folder.keys_file();
    let mut lines = words::keys_lines(&set);
    if set.threshold() == 1 {
        lines.push(String::from(
            "warning: one key alone publishes: one that is stolen does as well; choose a threshold of 2",
        ));
    }
    if set.threshold() == set.keys().len() {
        lines.push(String::from(
            "warning: every key must sign: when one is lost, nothing can be published any more",
        ));
    }
    lines.push(format!("written to {}", plain::path(&file)));
    lines.push(String::from(
        "to do: write the digest down; each node is told it once",
    ));
    let fact = words::keys_fact(&set, Some(file.display().to_string()));
    Ok(Outcome::of(lines.join("\n"), &fact))
}

/// The public key in PEM (RFC 7468 section 13).
fn pem(key: &BundleKey) -> String {
    let mut text = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (at, letter) in STANDARD.encode(key.der()).chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str("\n-----END PUBLIC KEY-----\n");
    text
}

fn public_keys(paths: &[PathBuf]) -> Result<Vec<BundleKey>, Failure> {
    paths.iter().map(|path| public_key(path)).collect()
}

/// Reads a public key in PEM.
pub(super) fn public_key(path: &Path) -> Result<BundleKey, Failure> {
    let content = files::bytes(path)?;
    BundleKey::from_pem(&content).map_err(|error| Failure::from(error).about(path.display()))
}

/// Which key set.
#[derive(ClapArgs, Debug)]
pub(super) struct Show {
    /// The file of a key set, a publication or a draft
    file: PathBuf,
}

/// Shows a key set.
pub(super) fn show(arguments: &Show) -> Result<Outcome, Failure> {
    let keys = newest_keys(&arguments.file)?;
    let fact = words::keys_fact(&keys, Some(arguments.file.display().to_string()));
    Ok(Outcome::of(words::keys_lines(&keys).join("\n"), &fact))
}

/// The next key set.
#[derive(ClapArgs, Debug)]
pub(super) struct Change {
    /// The public key of an administrator who signs from now on; it can be given again
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// A key that signs no more: its file, or its SHA-256 as `fleet keys show` prints it; it can be given again
    #[arg(long, value_name = "FILE|SHA-256")]
    remove: Vec<PathBuf>,
    /// How many keys must sign from now on
    #[arg(long, value_name = "M")]
    threshold: Option<usize>,
    #[command(flatten)]
    end: End,
    #[command(flatten)]
    folder: Folder,
}

/// Makes the next key set, in a draft with the bundle that was published last.
pub(super) fn change(arguments: &Change) -> Result<Outcome, Failure> {
    let missing = || {
        let text = "nothing is published yet: `fleet init` in another folder founds the fleet with other keys";
        Failure::new("fleet/NotPublished", text).about(arguments.folder.shown())
    };
    let last = arguments.folder.last()?.ok_or_else(missing)?;
    let old = newest(&last)?;
    let mut keys: Vec<BundleKey> = old.keys().to_vec();
    for named in &arguments.remove {
        let id = id(named)?;
        let before = keys.len();
        keys.retain(|key| key.id() != id);
        if keys.len() == before {
            let text = format!(
                "key {id} does not sign for the fleet: `fleet keys show` lists those that do"
            );
            return Err(Failure::new("fleet/NoSuchKey", text));
        }
    }
    keys.extend(public_keys(&arguments.add)?);
    let next = old.next(arguments.threshold.unwrap_or_else(|| old.threshold()), keys)?;
    draft::change_keys(&arguments.folder, &last, next, &arguments.end)
}

/// The id of a key, from its file or as it is shown.
fn id(named: &Path) -> Result<KeyPin, Failure> {
    match named.to_string_lossy().parse::<KeyPin>() {
        Ok(id) => Ok(id),
        Err(_) => Ok(public_key(named)?.id()),
    }
}
