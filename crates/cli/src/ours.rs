//! Our identity on a link.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::{CertificateChain, CertificateSpec, GeneratedKey, KeyReader, KeyType};
use mutual_trust::tls::{IdentityFolder, SigningKeyPair};
use mutual_trust::{Fingerprint, Identity, KeyPolicy, ServerId};
use rustls::crypto::CryptoProvider;

use crate::output::Failure;
use crate::passphrase::PassphraseArguments;
use crate::{files, formats, hardware};

/// The crypto provider of the command.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    mutual_trust::tls::provider::default_provider()
}

/// The algorithms with which signatures are verified.
pub(crate) fn keys() -> KeyPolicy {
    mutual_trust::tls::key_policy(&provider())
}

/// Our identity.
#[derive(Args, Debug)]
pub(crate) struct IdentityArguments {
    /// Our certificate, with its issuers behind it; or the folder of our identity (`identity create`)
    #[arg(long, value_name = "CHAIN|FOLDER")]
    identity: Option<PathBuf>,
    /// Our private key: its file, or the `pkcs11:` URI of a key in hardware; without this option, it is read from the file
    /// of the chain
    #[arg(long, value_name = "KEY|URI", requires = "identity")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

impl IdentityArguments {
    /// The identity of these files.
    #[cfg(any(feature = "http", feature = "etcd"))]
    pub(crate) const fn of(
        identity: Option<PathBuf>,
        key: Option<PathBuf>,
        passphrase: PassphraseArguments,
    ) -> Self {
        Self {
            identity,
            key,
            passphrase,
        }
    }

    /// Archives that are named as files of certificates get their passphrases from the same source.
    pub(crate) fn unlock_files(&self) {
        self.passphrase.unlock_files();
    }

    /// The identity, if one is named.
    pub(crate) fn read(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Identity>, Failure> {
        self.read_for(provider, None)
    }

    /// The identity that a server is presented, if one is named.
    fn read_for(
        &self,
        provider: &Arc<CryptoProvider>,
        server: Option<&ServerId>,
    ) -> Result<Option<Identity>, Failure> {
        let Some(chain) = &self.identity else {
            return Ok(None);
        };
        if let Some(folder) = self.folder() {
            if self.key.is_some() {
                let text = "--identity names a folder, which has the key: --key belongs to a file";
                return Err(Failure::new("usage", text));
            }
            let both = self.passphrase.with_folder(folder, |reader| {
                IdentityFolder::new(folder, reader, provider.clone()).identities()
            })?;
            return Ok(Some(match server {
                Some(server) => both.presented_to(server),
                None => both.presented_to_many(),
            }));
        }
        if let Some(uri) = self.key.as_deref().filter(|key| hardware::is_uri(key)) {
            let chain = files::chain(chain)?;
            return Ok(Some(hardware::identity(
                uri,
                chain,
                &self.passphrase,
                provider,
            )?));
        }
        let (chain, key) = match &self.key {
            Some(key) => (files::chain(chain)?, self.passphrase.key(key)?),
            None => {
                formats::has_no_key(&files::bytes(chain)?)
                    .map_err(|failure| failure.about(chain.display()))?;
                let read = self
                    .passphrase
                    .with(chain, |reader| reader.combined_file(chain));
                read.map_err(|failure| {
                    failure.about("without --key, the key is read from the file of the chain")
                })?
            }
        };
        Ok(Some(Identity::new(chain, key, provider)?))
    }

    /// The identity that is named, as a server is presented it, or a temporary one.
    pub(crate) fn read_or_make(
        &self,
        provider: &Arc<CryptoProvider>,
        server: Option<&ServerId>,
    ) -> Result<(Identity, bool), Failure> {
        if let Some(identity) = self.read_for(provider, server)? {
            return Ok((identity, false));
        }
        Self::temporary(provider)
    }

    /// The passphrase of its key.
    pub(crate) fn passphrase(&self) -> &PassphraseArguments {
        &self.passphrase
    }

    /// The folder, if the identity is in one.
    fn folder(&self) -> Option<&Path> {
        self.identity.as_deref().filter(|path| path.is_dir())
    }

    /// Records in the folder of the identity that a server accepted it. Nothing is recorded of another certificate than the
    /// one that the server is presented next.
    pub(crate) fn accepted(
        &self,
        provider: &Arc<CryptoProvider>,
        server: &ServerId,
        certificate: Fingerprint,
    ) -> Result<bool, Failure> {
        let Some(folder) = self.folder() else {
            return Ok(false);
        };
        let folder = IdentityFolder::new(folder, KeyReader::new(), provider.clone());
        Ok(folder.accepted(server, certificate)?)
    }

    /// An identity for one link, which no peer knows.
    pub(crate) fn temporary(provider: &CryptoProvider) -> Result<(Identity, bool), Failure> {
        let key = SigningKeyPair::new(
            GeneratedKey::generate(KeyType::default())?.into_key()?,
            provider,
        )?;
        let spec = CertificateSpec::new("mutual-trust (temporary)")?;
        Ok((key.self_signed(&spec, 1, SystemClock::new().now())?, true))
    }
}

/// The chains of our own that a path names, each with its file: of a file, or of the folder of our identity the current
/// one and the next one.
pub(crate) fn chains(path: &Path) -> Result<Vec<(PathBuf, CertificateChain)>, Failure> {
    let about = |failure: Failure| failure.about(path.display());
    if !path.is_dir() {
        let chain = CertificateChain::from_file(path).map_err(|error| about(error.into()))?;
        return Ok(vec![(path.to_owned(), chain)]);
    }
    let folder = IdentityFolder::new(path, KeyReader::new(), provider());
    let state = folder.state().map_err(|error| about(error.into()))?;
    let both = [Some(state.current()), state.next()];
    both.into_iter()
        .flatten()
        .map(|certificate| {
            let chain = folder.chain(certificate);
            let chain = chain.map_err(|error| about(error.into()))?;
            Ok((folder.certificate_file(certificate), chain))
        })
        .collect()
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// ECDSA P-256: every key server accepts it
    P256,
    /// ECDSA P-384
    P384,
    /// Ed25519: several TLS libraries in use do not support it
    Ed25519,
    /// RSA with 2048 bits
    Rsa2048,
    /// RSA with 3072 bits
    Rsa3072,
    /// RSA with 4096 bits
    Rsa4096,
    /// ML-DSA-44, post-quantum: TLS 1.3 only, and few peers support it
    #[value(name = "ml-dsa-44")]
    MlDsa44,
    /// ML-DSA-65
    #[value(name = "ml-dsa-65")]
    MlDsa65,
    /// ML-DSA-87
    #[value(name = "ml-dsa-87")]
    MlDsa87,
}

#[cfg(feature = "pkcs11")]
impl Kind {
    /// The kind as a token makes it.
    pub(crate) fn in_hardware(self) -> hardware::NewKind {
        use hardware::NewKind;

        match self {
            Self::P256 => NewKind::P256,
            Self::P384 => NewKind::P384,
            Self::Ed25519 => NewKind::Ed25519,
            Self::Rsa2048 => NewKind::Rsa2048,
            Self::Rsa3072 => NewKind::Rsa3072,
            Self::Rsa4096 => NewKind::Rsa4096,
            Self::MlDsa44 => NewKind::MlDsa44,
            Self::MlDsa65 => NewKind::MlDsa65,
            Self::MlDsa87 => NewKind::MlDsa87,
        }
    }
}

#[cfg(not(feature = "pkcs11"))]
impl Kind {
    /// No key is made in hardware.
    pub(crate) const fn in_hardware(self) -> hardware::NewKind {}
}

impl From<Kind> for KeyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::P256 => Self::P256,
            Kind::P384 => Self::P384,
            Kind::Ed25519 => Self::Ed25519,
            Kind::Rsa2048 => Self::Rsa2048,
            Kind::Rsa3072 => Self::Rsa3072,
            Kind::Rsa4096 => Self::Rsa4096,
            Kind::MlDsa44 => Self::MlDsa44,
            Kind::MlDsa65 => Self::MlDsa65,
            Kind::MlDsa87 => Self::MlDsa87,
        }
    }
}
