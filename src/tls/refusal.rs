//! Our reason, inside the errors of rustls and of I/O.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::{CertificateError, OtherError};

use crate::policy::{Refusal, Verdict};

impl From<Refusal> for rustls::Error {
    /// The peer gets one alert, `certificate_unknown`, for every reason.
    fn from(refusal: Refusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

/// The verdict with which our end refused a peer, out of a `rustls::Error`, or an `io::Error` or other error
/// that has one inside. `None` if the handshake failed for another reason, or the other end refused us.
///
/// ```
/// # fn connect() -> std::io::Result<()> { Ok(()) }
/// if let Err(error) = connect() {
///     match mutual_trust::tls::refusal(&error) {
///         Some(verdict) => eprintln!("{verdict}"),
///         None => eprintln!("{error}"),
///     }
/// }
/// ```
pub fn refusal<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Verdict> {
    inside::<Refusal>(error).map(Refusal::verdict)
}

/// An error of ours inside another one, however rustls and I/O have wrapped it.
pub(super) fn inside<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    // Errors that wrap each other in a circle do not exist, but nothing forbids them.
    for _ in 0..16 {
        let error = next?;
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = if let Some(error) = error.downcast_ref::<io::Error>() {
            error
                .get_ref()
                .map(|inner| -> &(dyn StdError + 'static) { inner })
        } else if let Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) =
            error.downcast_ref::<rustls::Error>()
        {
            Some(&*other.0)
        } else {
            error.source()
        };
    }
    None
}
