//! Errors of making keys, certificates and requests.

use core::fmt;

use thiserror::Error;

use crate::certificate::error::PemError;
use crate::certificate::{KeyKind, KeyPin};
use crate::identity::KeyType;
use crate::identity::error::IdentityError;

/// Why a key, a certificate or a request was not made, or an answer to a request not installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The crypto library cannot generate such keys.
    #[error("the crypto library cannot generate {key} keys")]
    #[non_exhaustive]
    KeyType {
        /// What was asked for.
        key: KeyType,
    },
    /// The crypto library failed to generate a key, or to give random numbers.
    #[error("the crypto library has failed: {doing}")]
    #[non_exhaustive]
    Library {
        /// What it was to do.
        doing: &'static str,
    },
    /// A part of the subject cannot be written.
    #[error("the {attribute} of the subject {problem}")]
    #[non_exhaustive]
    Subject {
        /// Which part.
        attribute: &'static str,
        /// What is wrong with it.
        problem: SubjectProblem,
    },
    /// A certificate is valid for a day at least and for a bounded time.
    #[error("{days} days of validity are not between 1 and {limit}")]
    #[non_exhaustive]
    Days {
        /// What was asked for.
        days: u32,
        /// The limit.
        limit: u32,
    },
    /// The time is not known, so that no validity can be stated.
    #[error("the clock is unset, so the validity of a certificate cannot be stated")]
    ClockUnset,
    /// The validity would begin before 1970 or end after 9999.
    #[error("the clock is so far off that the validity of a certificate cannot be stated")]
    ClockOff,
    /// Nothing is signed with keys of this kind.
    #[error("no certificate or request can be signed with this key ({key})")]
    #[non_exhaustive]
    CannotSign {
        /// What it is.
        key: KeyKind,
    },
    /// The provider or the external signer failed to sign.
    #[error("the private key failed to sign")]
    Signing,
    /// What was to be signed could not be written.
    #[error("the certificate or request could not be written: {0}")]
    Encoding(String),
    /// Only what is signed by its own key can be renewed without its CA.
    #[error("the certificate is issued by {issuer}, which alone can renew it: make a request")]
    #[non_exhaustive]
    NotSelfSigned {
        /// The issuer.
        issuer: String,
    },
    /// The subject or a name of the certificate has a form in which it cannot be written again, so that the
    /// new certificate would say less than the old one.
    #[error(
        "{what} of the certificate cannot be written again as it is: describe the new one anew"
    )]
    #[non_exhaustive]
    NotKept {
        /// What would be lost.
        what: &'static str,
    },
    /// The key is not a new one.
    #[error("the certificate has this key already: with the same key it is renewed")]
    SameKey,
    /// The request is not PEM, or not one section of it.
    #[error("the certificate request: {0}")]
    RequestPem(PemError),
    /// The file holds something else, or more than one request.
    #[error("there are {found} sections where exactly one CERTIFICATE REQUEST is wanted")]
    #[non_exhaustive]
    NotOneRequest {
        /// How many sections of any label there are.
        found: usize,
    },
    /// The request is not what RFC 2986 describes.
    #[error("the certificate request is damaged")]
    RequestMalformed,
    /// The answer is for another request: its key is not the one that was asked for.
    #[error("the answer certifies the key {found}, the request asked for {requested}")]
    #[non_exhaustive]
    AnswerToAnother {
        /// The key of the request.
        requested: KeyPin,
        /// The key of the answer's first certificate.
        found: KeyPin,
    },
    /// The answer was signed by no CA: perhaps the certificate that was to be replaced.
    #[error("the answer is self-signed: nobody has answered the request with it")]
    AnswerSelfSigned,
    /// The answer is a CA certificate.
    #[error("the answer is a CA certificate, which key servers refuse as an end entity")]
    AnswerIsCa,
    /// The certificates and the key do not make an identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What is wrong with a part of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectProblem {
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
    /// It has control or direction characters, which nobody can see.
    Invisible,
    /// A country is two capital letters (ISO 3166).
    Country,
    /// It is given twice.
    Twice,
}

impl fmt::Display for SubjectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "has {length} characters, the limit is {limit}")
            }
            Self::Invisible => f.write_str("has characters that cannot be seen"),
            Self::Country => f.write_str("is not two capital letters"),
            Self::Twice => f.write_str("is given twice"),
        }
    }
}
