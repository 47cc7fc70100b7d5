//! Errors of generating keys, certificates and requests.

use core::fmt;

use thiserror::Error;

use crate::certificate::error::PemError;
use crate::certificate::{KeyKind, KeyPin};
use crate::identity::KeyType;
use crate::identity::error::IdentityError;

/// Why a key, certificate or request could not be generated, or the answer to a request not installed.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The crypto library cannot generate keys of this type.
    #[error("the crypto library cannot generate {key} keys")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeyType {
        /// The requested type.
        key: KeyType,
    },
    /// The crypto library failed to generate a key or random numbers.
    #[error("the crypto library failed: {doing}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Library {
        /// The operation that failed.
        doing: &'static str,
    },
    /// A part of the subject is not valid.
    #[error("the {attribute} of the subject {problem}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Subject {
        /// The part.
        attribute: &'static str,
        /// What is wrong with it.
        problem: SubjectError,
    },
    /// The validity is shorter than a day or longer than the limit.
    #[error("the validity of {days} days is not between 1 and {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Days {
        /// The requested validity in days.
        days: u32,
        /// The limit.
        limit: u32,
    },
    /// The clock is unset, so there is no time at which the validity can begin.
    #[error("the clock is unset: set it before making a certificate")]
    ClockUnset,
    /// The validity would begin before 1970 or end after 9999.
    #[error("the clock is wrong: the certificate would begin before 1970 or end after 9999")]
    #[doc(hidden)]
    ClockOff,
    /// Keys of this kind cannot sign certificates and requests here.
    #[error("this key ({key}) cannot sign certificates or requests")]
    #[non_exhaustive]
    CannotSign {
        /// The kind of key.
        key: KeyKind,
    },
    /// The provider or the external signer failed to sign.
    #[error("the private key failed to sign")]
    #[doc(hidden)]
    Signing,
    /// The certificate or request could not be encoded.
    #[error("the certificate or request could not be encoded: {0}")]
    #[doc(hidden)]
    Encoding(String),
    /// This is not a self-signed certificate, so only its CA can renew it.
    #[error("only the issuer {issuer} can renew the certificate: make a request")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotSelfSigned {
        /// The issuer.
        issuer: String,
    },
    /// The subject or a name of the certificate has a form that cannot be encoded again. The new certificate would
    /// state less than the old one.
    #[error(
        "{what} of the certificate cannot be copied as it is: give the subject and names of the new one"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NotKept {
        /// What would be lost.
        what: &'static str,
    },
    /// The key is already the key of the certificate.
    #[error("the certificate already has this key: to keep the key, renew the certificate")]
    #[doc(hidden)]
    SameKey,
    /// The PEM of the request could not be read, or contains something else.
    #[error("the PEM of the certificate request cannot be read")]
    #[doc(hidden)]
    RequestPem(#[source] PemError),
    /// The file does not have exactly one section.
    #[error("the file has {found} sections, exactly one CERTIFICATE REQUEST is expected")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotOneRequest {
        /// The number of sections, with any label.
        found: usize,
    },
    /// The request does not follow RFC 2986.
    #[error("the certificate request is damaged")]
    #[doc(hidden)]
    RequestMalformed,
    /// The answer is for another request: it certifies another key.
    #[error(
        "the answer is for another request: it certifies the key {found}, the request has the key {requested}"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    AnswerToAnother {
        /// The key of the request.
        requested: KeyPin,
        /// The key of the first certificate in the answer.
        found: KeyPin,
    },
    /// The answer is a self-signed certificate, so no CA made it. It may be the certificate that was to be replaced.
    #[error("the answer is self-signed: give the certificate that the CA issued for the request")]
    #[doc(hidden)]
    AnswerSelfSigned,
    /// The answer is a CA certificate.
    #[error("the answer is a CA certificate: key servers refuse it as an end entity")]
    #[doc(hidden)]
    AnswerIsCa,
    /// The certificates and the key do not form an identity.
    #[error(transparent)]
    #[doc(hidden)]
    Identity(#[from] IdentityError),
}

/// What is wrong with a part of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum SubjectError {
    /// It is empty.
    Empty,
    /// It is longer than RFC 5280 appendix A.1 allows.
    #[non_exhaustive]
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// It has control characters or direction marks, which are invisible.
    Invisible,
    /// A country that is not two capital letters (ISO 3166).
    Country,
    /// It is given twice.
    Twice,
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "has {length} characters, the limit is {limit}")
            }
            Self::Invisible => f.write_str("has invisible characters"),
            Self::Country => f.write_str("is not two capital letters"),
            Self::Twice => f.write_str("is given twice"),
        }
    }
}
