//! Our reason, inside the errors of rustls and of I/O.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, OtherError};

use crate::failover::AttemptOutcome;
use crate::policy::{Refusal, Verdict};

impl From<Refusal> for rustls::Error {
    /// The peer gets one alert, `certificate_unknown`, for every reason. The error shows nothing of the verdict: QUIC
    /// libraries send its text to the peer.
    fn from(refusal: Refusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

impl From<Refusal> for io::Error {
    /// For streams that ask again while they are open. [`refusal`] finds the verdict in it.
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refusal)
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

/// The alert with which the peer ended the connection, out of a `rustls::Error`, or an `io::Error` or other error that
/// has one inside: the peer refused us, or failed. `None` if it sent no alert, or our end ended the connection.
///
/// An alert says little by design. Of what rustls sends, `CertificateUnknown` is a refusal of the other end's rules, if
/// that is this crate as well, and `CertificateRequired` or `HandshakeFailure` says that we presented no certificate. The
/// reason is in the log of the other end.
///
/// A client of TLS 1.3 finishes its handshake before the server has judged it, so the alert comes with the first read.
/// Some peers close the connection without an alert, and a reset can overtake an alert.
///
/// ```
/// use mutual_trust::tls;
///
/// fn explain(error: &(dyn std::error::Error + 'static)) -> String {
///     match (tls::refusal(error), tls::refused_by_peer(error)) {
///         (Some(verdict), _) => format!("we refused the peer: {verdict}"),
///         (None, Some(alert)) => format!("the peer refused us: {alert:?}"),
///         (None, None) => format!("no connection: {error}"),
///     }
/// }
/// # let refused = std::io::Error::other(rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA));
/// # assert_eq!(explain(&refused), "the peer refused us: UnknownCA");
/// ```
pub fn refused_by_peer(error: &(dyn StdError + 'static)) -> Option<AlertDescription> {
    layers(error).find_map(|layer| match layer.downcast_ref() {
        Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    })
}

/// What the error of a connection means for [`Failover`](crate::failover::Failover): our rules refused the server, by the
/// trust of `generation`; the server refused us; it failed; or there is no connection. `generation` is that in force when
/// the attempt began: a change during the attempt makes another one worthwhile.
pub fn attempt_outcome(error: &(dyn StdError + 'static), generation: u64) -> AttemptOutcome {
    match (refusal(error), refused_by_peer(error)) {
        (Some(_), _) => AttemptOutcome::refused_by_us(generation),
        // It says that it failed, and not that it refused us.
        (None, Some(AlertDescription::InternalError | AlertDescription::UserCanceled)) => {
            AttemptOutcome::NotServed
        }
        (None, Some(_)) => AttemptOutcome::RefusedByPeer,
        (None, None) => AttemptOutcome::Unreachable,
    }
}

/// An error of ours inside another one, however rustls and I/O have wrapped it.
pub(super) fn inside<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    layers(error).find_map(|layer| layer.downcast_ref())
}

/// An error and what it wraps, the outermost first.
fn layers<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // Errors that wrap each other in a circle do not exist, but nothing forbids them. The libraries that were tried have
    // at most 8 layers, and each of them can stand in a pointer.
    core::iter::successors(Some(error), |error| beneath(*error)).take(64)
}

/// What an error wraps. `source()` alone passes over errors: an `io::Error`, an `Arc` and a `Box` return the source of
/// what they hold, and rustls returns none for a verdict.
fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error
            .get_ref()
            .map(|held| -> &(dyn StdError + 'static) { held });
    }
    if let Some(
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
        | rustls::Error::Other(other),
    ) = error.downcast_ref()
    {
        return Some(&*other.0);
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn StdError + Send + Sync>>() {
        return Some(&**shared);
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn StdError>>() {
        return Some(&**shared);
    }
    held::<io::Error>(error)
        .or_else(|| held::<rustls::Error>(error))
        .or_else(|| held::<Refusal>(error))
        .or_else(|| error.source())
}

/// What a pointer holds that is an error itself.
fn held<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(pointer) = error.downcast_ref::<Box<E>>() {
        return Some(&**pointer);
    }
    if let Some(pointer) = error.downcast_ref::<Arc<E>>() {
        return Some(&**pointer);
    }
    if let Some(pointer) = error.downcast_ref::<Arc<Box<E>>>() {
        return Some(&***pointer);
    }
    let pointer = error.downcast_ref::<Box<Arc<E>>>()?;
    Some(&***pointer)
}
