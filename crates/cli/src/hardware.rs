//! Keys in hardware: a `pkcs11:` URI where the file of a private key is named.

use std::path::Path;

use mutual_trust::Identity;
use mutual_trust::identity::CertificateChain;
use mutual_trust::tls::SigningKeyPair;
use mutual_trust_pkcs11::{
    Error, KeyType, Pin, PinSource, Token, TokenKey, TokenSettings, Uri, UriError,
};
use rustls::crypto::CryptoProvider;

use crate::output::Failure;
use crate::passphrase::{self, PassphraseArguments};

/// The kinds of keys as a token makes them.
pub(crate) type NewKind = KeyType;

/// Whether a URI is named instead of a file.
pub(crate) fn is_uri(path: &Path) -> bool {
    let scheme = path.as_os_str().as_encoded_bytes().get(..7);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"pkcs11:"))
}

/// Makes an identity of a chain and a key in a token.
pub(crate) fn identity(
    uri: &Path,
    chain: CertificateChain,
    passphrase: &PassphraseArguments,
    provider: &CryptoProvider,
) -> Result<Identity, Failure> {
    let (token, uri) = opened(uri, passphrase)?;
    token
        .identity(&uri, chain, provider)
        .map_err(|error| failed(&error))
}

/// The key, if it is in the token.
pub(crate) fn existing(
    uri: &Path,
    passphrase: &PassphraseArguments,
    provider: &CryptoProvider,
) -> Result<Option<SigningKeyPair>, Failure> {
    let (token, uri) = opened(uri, passphrase)?;
    match token.key(&uri, provider) {
        Ok(key) => Ok(Some(pair(&key, provider)?)),
        Err(Error::KeyNotFound { .. }) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// Makes a key in the token.
pub(crate) fn made(
    uri: &Path,
    kind: NewKind,
    passphrase: &PassphraseArguments,
    provider: &CryptoProvider,
) -> Result<(SigningKeyPair, New), Failure> {
    let (token, uri) = opened(uri, passphrase)?;
    let key = token.generate(&uri, kind, provider);
    let key = key.map_err(|error| failed(&error))?;
    let new = New(Some(key.clone()));
    Ok((pair(&key, provider)?, new))
}

/// A key that was made in a token. It is deleted, unless it is kept.
pub(crate) struct New(Option<TokenKey>);

impl New {
    pub(crate) fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for New {
    fn drop(&mut self) {
        if let Some(key) = self.0.take() {
            // If deleting fails, nothing else can be done.
            let _ = key.delete();
        }
    }
}

fn pair(key: &TokenKey, provider: &CryptoProvider) -> Result<SigningKeyPair, Failure> {
    key.signing_key_pair(provider)
        .map_err(|error| failed(&error))
}

/// Opens the token. Its PIN comes from the descriptor that the line names, from the file that the URI names, or from the
/// terminal, and is asked for only if the token wants it.
fn opened(uri: &Path, passphrase: &PassphraseArguments) -> Result<(Token, Uri), Failure> {
    let text = uri.to_str();
    let text = text.ok_or_else(|| Failure::new("pkcs11/Encoding", "the URI is no UTF-8"))?;
    let uri: Uri = text
        .parse()
        .map_err(|error: UriError| Failure::of("pkcs11", &error))?;
    let pin = match (passphrase.pin()?, uri.pin_source()) {
        // One copy, which is wiped with its new owner.
        (Some(pin), _) => PinSource::kept(Pin::from(pin.to_vec())),
        (None, Some(file)) => PinSource::file(file),
        (None, None) => PinSource::callback(|| {
            let pin = passphrase::pin_at_terminal("PIN of the token: ")?;
            Ok(pin.to_vec().into())
        }),
    };
    let token = Token::open(&uri, Some(pin), TokenSettings::new());
    Ok((token.map_err(|error| failed(&error))?, uri))
}

/// The error by its room: the token's, or that of the identity.
fn failed(error: &Error) -> Failure {
    if let Error::Identity(inner) = error {
        return Failure::of("identity", &**inner);
    }
    let failure = Failure::of("pkcs11", error);
    if let Error::PinUnread { .. } = error {
        let text = format!(
            "{}: give it with --passphrase-fd, or name its file with `pin-source` in the URI",
            failure.message()
        );
        return Failure::new(failure.kind(), text);
    }
    failure
}
