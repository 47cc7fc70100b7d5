//! `identity import`: takes a private key and its chain out of a PKCS#12 archive.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::identity::{
    CertificateChain, CertificateSpec, IfExists, KeyReader, PrivateKey, write_private,
};
use mutual_trust::tls::SigningKeyPair;
use mutual_trust::{Certificate, Identity};
use rustls::crypto::CryptoProvider;
use zeroize::Zeroizing;

use super::{NewKey, outcome_without, write};
use crate::files::absent;
use crate::formats::{self, Budget, Held, HeldKey, KeyContent};
use crate::output::{Failure, Outcome};
use crate::passphrase::{self, PassphraseArguments};
use crate::{files, plain};

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Take a private key and its chain out of a PKCS#12 archive, into an encrypted key file and a chain file

The key file is encrypted PKCS#8. Its passphrase is that of the archive, or the one of --new-passphrase-fd. \
A key that the archive encrypts by an old algorithm or not at all, and any key with a new passphrase, is encrypted \
anew: the libraries that do it do not wipe it from their memory, so this subcommand is a process of its own that ends \
once the files are written.";

/// The content of a key file, and the key if it was decrypted for it.
type KeyFile = (String, Option<Zeroizing<Vec<u8>>>);

/// The archive and the files.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The PKCS#12 archive
    archive: PathBuf,
    /// The chain's file, which must not exist
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// The private key's file, which must not exist; only its owner can read it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key to take, by its alias, if the archive has several
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    /// Encrypt the key file with the passphrase from this file descriptor, not with that of the archive
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    new_passphrase_fd: Option<i32>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

impl Import {
    /// Writes the key and the chain.
    pub(crate) fn run(&self, provider: &CryptoProvider) -> Result<Outcome, Failure> {
        absent(&self.identity)?;
        absent(&self.key)?;
        let content = files::bytes(&self.archive)?;
        let about = |failure: Failure| failure.about(self.archive.display());
        formats::java_keystore(&content).map_err(about)?;
        if !formats::is_archive(&content) {
            let text = "it is not a PKCS#12 archive; the files of a key and a chain in PEM are used as they are";
            return Err(about(Failure::new("file/Unknown", text)));
        }
        let archive = formats::archive(&content).map_err(about)?;
        // A line of a descriptor is read in any case: the next one belongs to the next file. A person is asked only if
        // something is encrypted.
        let asked = || self.passphrase.of_archive(&self.archive);
        let is_first = self.passphrase.is_given() || archive.needs_passphrase();
        let first = is_first.then(asked).transpose()?;
        let held = archive
            .open(first.as_ref().map(|bytes| bytes.as_slice()))
            .map_err(about)?;
        let key = self.selected(&held).map_err(about)?;
        let old = match (first, &key.content) {
            (Some(first), _) => first,
            (None, KeyContent::Encrypted(_)) => asked()?,
            (None, KeyContent::Plain(_)) => Zeroizing::default(),
        };
        let new = match self.new_passphrase_fd {
            Some(number) => passphrase::of_descriptor(number)?,
            None => old.clone(),
        };
        if new.is_empty() {
            let text = match (self.new_passphrase_fd, is_first) {
                (None, false) => {
                    "the archive has no passphrase, and the key file needs one: give one with --new-passphrase-fd"
                }
                _ => "the key file would have no passphrase: give one with --new-passphrase-fd",
            };
            return Err(about(Failure::new("passphrase/Empty", text)));
        }
        let (text, plain) = self.encrypted(key, &old, &new, provider).map_err(about)?;
        // What is written is read again, as a link does it.
        let read = || -> Result<PrivateKey, Failure> {
            let passphrase = passphrase::owned(&new);
            let reader = KeyReader::new().with_passphrase(&passphrase);
            Ok(reader.pem(text.as_bytes())?)
        };
        let private = match plain {
            Some(plain) => KeyReader::new().der(plain.to_vec()).map_err(Failure::from),
            None => read(),
        };
        let (chain, left_out) =
            chain(&held, key, private.map_err(about)?, provider).map_err(about)?;
        let identity = Identity::new(chain, read().map_err(about)?, provider)?;
        let written = write_private(&self.key, text.as_bytes(), IfExists::Refuse);
        written.map_err(|error| Failure::from(error).about(self.key.display()))?;
        let file = NewKey::at(&self.key);
        write(&self.identity, &identity)?;
        file.keep();
        let mut outcome =
            outcome_without(&identity, Some(&self.identity), Some(&self.key), &left_out);
        let whose = match self.new_passphrase_fd {
            Some(_) => String::from("the new one"),
            None => format!("that of {}", plain::path(&self.archive)),
        };
        outcome
            .text
            .push_str(&format!("\nthe passphrase of the private key is {whose}"));
        Ok(outcome)
    }

    /// The key that is meant.
    fn selected<'a>(&self, held: &'a Held) -> Result<&'a HeldKey, Failure> {
        let is_meant = |key: &&HeldKey| self.alias.is_none() || key.alias == self.alias;
        let meant: Vec<&HeldKey> = held.keys.iter().filter(is_meant).collect();
        if let [only] = meant.as_slice() {
            return Ok(only);
        }
        let names = held.keys.iter().map(|key| {
            let name = key.alias.as_deref().map(formats::quoted);
            name.unwrap_or_else(|| String::from(" (none)"))
        });
        let names: Vec<String> = names.collect();
        let text = match (held.keys.is_empty(), meant.is_empty()) {
            (true, _) => String::from("no private key is in it"),
            (false, true) => format!(
                "no private key of this alias is in it, only{}",
                names.join(",")
            ),
            (false, false) => format!(
                "{} private keys are in it: name one with --alias; the aliases are{}",
                meant.len(),
                names.join(",")
            ),
        };
        Err(Failure::new("identity/NotOneKey", text))
    }

    /// The content of the key file, and the key if it was decrypted for it. A key that is encrypted as other programs
    /// read it stays as it is, so that it is in clear in the library alone.
    fn encrypted(
        &self,
        key: &HeldKey,
        old: &[u8],
        new: &[u8],
        provider: &CryptoProvider,
    ) -> Result<KeyFile, Failure> {
        let plain = match &key.content {
            KeyContent::Encrypted(key)
                if self.new_passphrase_fd.is_none() && is_read_by_the_library(key, old) =>
            {
                return Ok((formats::section("ENCRYPTED PRIVATE KEY", key), None));
            }
            KeyContent::Encrypted(key) => formats::decrypted(key, old, &mut Budget::new())?,
            KeyContent::Plain(key) => key.clone(),
        };
        let written = formats::encrypted(&plain, new, provider.secure_random)?;
        let text = formats::section("ENCRYPTED PRIVATE KEY", &written);
        Ok((text, Some(plain)))
    }
}

fn is_read_by_the_library(key: &[u8], passphrase: &[u8]) -> bool {
    let passphrase = passphrase::owned(passphrase);
    let reader = KeyReader::new().with_passphrase(&passphrase);
    formats::is_pbes2(key) && reader.der(key.to_vec()).is_ok()
}

/// The chain of a key, from its own certificate on, and the certificates that are not of it.
fn chain(
    held: &Held,
    key: &HeldKey,
    private: PrivateKey,
    provider: &CryptoProvider,
) -> Result<(CertificateChain, Vec<Certificate>), Failure> {
    let all = held.parsed()?;
    // A request says which public key the private key has.
    let pair = SigningKeyPair::new(private, provider)?;
    let pin = pair.request(&CertificateSpec::new("import")?)?.key_pin();
    let has_id: Vec<bool> = held
        .certificates
        .iter()
        .map(|one| one.key_id.is_some() && one.key_id == key.key_id)
        .collect();
    // Of several certificates of the key, the one that the archive puts beside it, else the one that ends last.
    let own = all
        .iter()
        .zip(has_id)
        .filter(|(one, _)| one.key_pin() == pin);
    let leaf = own.max_by_key(|(one, has_id)| (*has_id, one.validity().not_after()));
    let Some((leaf, _)) = leaf else {
        let text = "no certificate of the private key is in it";
        return Err(Failure::new("identity/NoCertificateOfKey", text));
    };
    let mut chain = vec![leaf.clone()];
    let mut left_out: Vec<Certificate> = all.iter().filter(|one| *one != leaf).cloned().collect();
    // Issuers of what is in the chain, by name: the library orders them and checks their signatures.
    let mut next = 0_usize;
    while let Some(issued) = chain.get(next).cloned() {
        let is_issuer = |one: &Certificate| {
            !issued.is_self_issued() && one.subject_der() == issued.issuer_der()
        };
        let (issuers, others) = left_out.into_iter().partition(is_issuer);
        let issuers: Vec<Certificate> = issuers;
        chain.extend(issuers);
        left_out = others;
        next = next.saturating_add(1);
    }
    Ok((CertificateChain::new(chain)?, left_out))
}
