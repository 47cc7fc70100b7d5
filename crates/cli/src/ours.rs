//! Our identity on a link.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use mutual_trust::Identity;
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::{CertificateChain, CertificateSpec, GeneratedKey, KeyType};
use mutual_trust::tls::SigningKeyPair;
use rustls::crypto::CryptoProvider;

use crate::output::Failure;
use crate::passphrase::PassphraseArguments;

/// The crypto provider of the command.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    mutual_trust::tls::provider::default_provider()
}

/// Our identity.
#[derive(Args, Debug)]
pub(crate) struct IdentityArguments {
    /// Our certificate, with its issuers behind it
    #[arg(long, value_name = "CHAIN")]
    identity: Option<PathBuf>,
    /// Our private key; without this option, it is read from the file of the chain
    #[arg(long, value_name = "KEY", requires = "identity")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

impl IdentityArguments {
    /// The identity, if one is named.
    pub(crate) fn read(&self, provider: &CryptoProvider) -> Result<Option<Identity>, Failure> {
        let Some(chain) = &self.identity else {
            return Ok(None);
        };
        let (chain, key) = match &self.key {
            Some(key) => {
                let read = CertificateChain::from_file(chain);
                let read = read.map_err(|error| Failure::from(error).about(chain.display()))?;
                (read, self.passphrase.key(key)?)
            }
            None => {
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

    /// The identity that is named, or a temporary one.
    pub(crate) fn read_or_make(
        &self,
        provider: &CryptoProvider,
    ) -> Result<(Identity, bool), Failure> {
        if let Some(identity) = self.read(provider)? {
            return Ok((identity, false));
        }
        Self::temporary(provider)
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
