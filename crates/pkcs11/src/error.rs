//! What goes wrong with a token. No error carries a PIN or a part of a key.

use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mutual_trust::error::IdentityError;
use thiserror::Error;

/// A URI that is none of RFC 7512, or that is not taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin with `pkcs11:`.
    #[error("a PKCS#11 URI begins with `pkcs11:`")]
    Scheme,
    /// It is longer than is read.
    #[error("the URI has more than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// Something between the separators is no attribute.
    #[error(
        "an attribute has no `=`: attributes are separated by `;` before the `?`, and by `&` behind it"
    )]
    NoValue,
    /// An attribute is not one of RFC 7512. A key is not chosen by a part of what is asked for. The text does not repeat
    /// it, since it may be a PIN that was written in the wrong place.
    #[error("an attribute is not one of RFC 7512")]
    Unknown,
    /// An attribute stands twice.
    #[error("`{attribute}` stands twice")]
    Twice {
        /// Its name.
        attribute: &'static str,
    },
    /// An attribute of the path stands in the query, or the other way round.
    #[error("`{attribute}` stands on the wrong side of the `?`")]
    Misplaced {
        /// Its name.
        attribute: &'static str,
    },
    /// A value is not percent-encoded as RFC 7512 says, or is no text or number where it must be one.
    #[error(
        "the value of `{attribute}` is malformed: a character that is not allowed is written as `%` and two digits"
    )]
    Encoding {
        /// Its name.
        attribute: &'static str,
    },
    /// A value is not allowed.
    #[error("the value of `{attribute}` is not {expected}")]
    Value {
        /// Its name.
        attribute: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// The PIN stands in the URI.
    #[error(
        "the PIN stands in the URI (`pin-value`), which lists of processes and logs show: name its file with `pin-source`"
    )]
    PinValue,
    /// The PIN is to come from a program.
    #[error("`pin-source` names a program, and a URI starts none: name a file")]
    PinCommand,
}

/// What a token or its module did not do. Cheap to clone: what one thread learns, all that wait for it are told.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its range.
    #[error("{setting} is {given}, the range is {range}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        given: String,
        /// The range.
        range: String,
    },
    /// The URI names no module.
    #[error("no PKCS#11 module is named: `module-path` has its file, `module-name` its name")]
    NoModule,
    /// There is no module of this name in the folders of the system.
    #[error("no module `{name}` is in the folders of the system: name its file with `module-path`")]
    ModuleNotFound {
        /// The name.
        name: String,
    },
    /// The module cannot be loaded, or is none.
    #[error("{} cannot be used as a PKCS#11 module: {reason}", path.display())]
    Module {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The module's library is another one than the URI names.
    #[error("the module's {what} is `{found}`, not `{expected}`")]
    OtherLibrary {
        /// What is different.
        what: &'static str,
        /// What the module says.
        found: String,
        /// What the URI says.
        expected: String,
    },
    /// No token fits.
    #[error("no token of the module is {wanted}")]
    TokenNotFound {
        /// The URI.
        wanted: String,
    },
    /// Several tokens fit.
    #[error("{count} tokens of the module are {wanted}: name one by `token` or `serial`")]
    SeveralTokens {
        /// The URI.
        wanted: String,
        /// How many.
        count: usize,
    },
    /// No private key fits, or none that the log-in shows.
    #[error("the token {token} has no private key that is {wanted}")]
    KeyNotFound {
        /// The token's label.
        token: String,
        /// The URI.
        wanted: String,
    },
    /// Several private keys fit.
    #[error(
        "the token {token} has several private keys that are {wanted}: name one by `object` or `id`"
    )]
    SeveralKeys {
        /// The token's label.
        token: String,
        /// The URI.
        wanted: String,
    },
    /// The URI names neither a label nor an identifier of a key, or no private key.
    #[error(
        "no private key is named: `object` has its label, `id` its identifier, and `type` is `private`"
    )]
    NoKey,
    /// A new key is to have the label or identifier of another.
    #[error("the token {token} has a key that is {wanted} already")]
    KeyExists {
        /// The token's label.
        token: String,
        /// The URI.
        wanted: String,
    },
    /// The key is of a kind that TLS has no use for, or that the token cannot use.
    #[error("the key cannot be used: {reason}")]
    UnusableKey {
        /// Why.
        reason: String,
    },
    /// The token does not give the public part of the key. The certificate has it:
    /// [`Token::identity`](crate::Token::identity) takes it from there.
    #[error("the token does not give the public part of the key")]
    NoPublicKey,
    /// The public part of the key in the token is another than that of the certificate.
    #[error("the key in the token is not that of the certificate")]
    OtherKey,
    /// A signature of the key does not verify under its public part: the private and the public object do not belong
    /// together, or the token is out of order.
    #[error("a signature by the token does not verify under the public key")]
    WrongSignature,
    /// The provider cannot check a signature of the key, so that it is not known to belong to the certificate.
    #[error("the crypto provider cannot verify signatures of the key")]
    CannotVerify,
    /// Another key has the name of this one now. It is not used, and not deleted.
    #[error("the token has another key of the same name now")]
    KeyChanged,
    /// The key asks for the PIN at each signature (`CKA_ALWAYS_AUTHENTICATE`), which no handshake can give.
    #[error("the key asks for the PIN at each signature: handshakes need a key that does not")]
    AlwaysAuthenticate,
    /// There is no PIN, and the token needs one.
    #[error("the token {token} needs a PIN, and none is given")]
    PinNeeded {
        /// The token's label.
        token: String,
    },
    /// The source of the PIN has none now.
    #[error("the PIN of the token {token} was not read")]
    PinUnread {
        /// The token's label.
        token: String,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The PIN is locked. The token's security officer can unlock it. No log-in was tried.
    #[error("the PIN of the token {token} is locked: its security officer can unlock it")]
    PinLocked {
        /// The token's label.
        token: String,
    },
    /// One more wrong PIN locks the token. No log-in was tried.
    #[error(
        "one more wrong PIN locks the token {token}: log in with another program, or allow the final try"
    )]
    FinalTry {
        /// The token's label.
        token: String,
    },
    /// A log-in failed. It is not repeated.
    #[error("the token {token} refuses the log-in: {reason}")]
    LogIn {
        /// The token's label.
        token: String,
        /// What the token says.
        reason: String,
    },
    /// A log-in failed before with the same PIN, and is not repeated, since each wrong PIN counts. No log-in was tried.
    #[error(
        "the token {token} refused the same log-in before ({reason}), which is not repeated: give another PIN"
    )]
    LogInNotRepeated {
        /// The token's label.
        token: String,
        /// What the token said.
        reason: String,
    },
    /// A log-in failed a short time ago for a reason that says nothing of the PIN. No log-in was tried.
    #[error("the log-in to the token {token} failed ({reason}), and is tried again in {after:?}")]
    LogInPaused {
        /// The token's label.
        token: String,
        /// What the token said.
        reason: String,
        /// When it is tried again.
        after: Duration,
    },
    /// All sessions are in use.
    #[error("all {sessions} sessions with the token {token} were in use for {waited:?}")]
    Busy {
        /// The token's label.
        token: String,
        /// How many.
        sessions: usize,
        /// How long was waited.
        waited: Duration,
    },
    /// This process was forked from the one that opened the token. Sessions are no matter of two processes: open the
    /// token again here.
    #[error("the token {token} was opened before this process was forked: open it again")]
    Forked {
        /// The token's label.
        token: String,
    },
    /// A call of the module failed.
    #[error("the token fails in {call}: {reason}")]
    Call {
        /// The function of PKCS#11.
        call: String,
        /// What it returns.
        reason: String,
    },
    /// The chain is none, or the key does not belong to it.
    #[error(transparent)]
    Identity(Arc<IdentityError>),
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Self {
        Self::Identity(Arc::new(error))
    }
}

impl From<cryptoki::error::Error> for Error {
    fn from(error: cryptoki::error::Error) -> Self {
        let (call, reason) = described(&error);
        Self::Call { call, reason }
    }
}

/// The function that failed and what it returned, by the names of the standard.
pub(crate) fn described(error: &cryptoki::error::Error) -> (String, String) {
    if let cryptoki::error::Error::Pkcs11(value, function) = error {
        return (format!("C_{function:?}"), format!("{value:?}"));
    }
    (String::from("a call"), error.to_string())
}
