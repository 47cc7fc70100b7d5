//! The command without the feature `pkcs11`: it says what a URI of a key in hardware needs.

use std::path::Path;

use mutual_trust::Identity;
use mutual_trust::identity::CertificateChain;
use mutual_trust::tls::SigningKeyPair;
use rustls::crypto::CryptoProvider;

use crate::output::Failure;
use crate::passphrase::PassphraseArguments;

/// No key is made in hardware.
pub(crate) type NewKind = ();

/// Whether a URI is named instead of a file.
pub(crate) fn is_uri(path: &Path) -> bool {
    let scheme = path.as_os_str().as_encoded_bytes().get(..7);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"pkcs11:"))
}

fn off() -> Failure {
    let text = "this command was built without keys in hardware: build it with `--features pkcs11`";
    Failure::new("usage", text)
}

/// There is none.
pub(crate) fn identity(
    _: &Path,
    _: CertificateChain,
    _: &PassphraseArguments,
    _: &CryptoProvider,
) -> Result<Identity, Failure> {
    Err(off())
}

/// There is none.
pub(crate) fn existing(
    _: &Path,
    _: &PassphraseArguments,
    _: &CryptoProvider,
) -> Result<Option<SigningKeyPair>, Failure> {
    Err(off())
}

/// None is made.
pub(crate) fn made(
    _: &Path,
    (): NewKind,
    _: &PassphraseArguments,
    _: &CryptoProvider,
) -> Result<(SigningKeyPair, New), Failure> {
    Err(off())
}

/// A key that was made in hardware.
pub(crate) struct New(core::convert::Infallible);

impl New {
    pub(crate) fn keep(&mut self) {
        match self.0 {}
    }
}
