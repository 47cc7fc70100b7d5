//! The two ends of a verdict, as the types of a `Result`.

use core::fmt;
use std::error::Error;
use std::sync::Arc;

use super::decide::Acceptance;
use super::{PeerIdentity, ReasonCode, Verdict, VerdictWarning};
use crate::certificate::Certificate;
use crate::store::Entry;

/// The peer may be trusted. In TLS this counts only once the handshake signature has verified (rule M2).
///
/// ```
/// use mutual_trust::Accepted;
///
/// /// The keys that a client may have, by the label that the administrator gave to its pin.
/// fn keys_of(accepted: &Accepted) -> Option<String> {
///     let peer = accepted.peer();
///     Some(format!("keys of {}", peer.label()?))
/// }
/// # let _ = keys_of;
/// ```
///
/// Only [`Verdict::into_result`] makes one. This does not compile:
///
/// ```compile_fail,E0451
/// # fn parts() -> (mutual_trust::Verdict, mutual_trust::policy::Accepted) { unimplemented!() }
/// let (verdict, other) = parts();
/// let accepted = mutual_trust::policy::Accepted { verdict, ..other };
/// ```
#[derive(Clone, Debug)]
pub struct Accepted {
    acceptance: Acceptance<'static>,
    verdict: Verdict,
}

impl Accepted {
    /// Who the peer is, for authorisation (rule P7).
    pub fn peer(&self) -> PeerIdentity {
        self.acceptance.peer()
    }

    /// The entry that decided: the pin that matched, or the authority in which the chain ends.
    pub fn entry(&self) -> &Entry {
        self.acceptance.by()
    }

    /// The reason code.
    pub fn reason(&self) -> ReasonCode {
        self.acceptance.reason()
    }

    /// The verified path from the end entity to the authority, both included; empty for a pin.
    pub fn path(&self) -> &[Certificate] {
        self.acceptance.path()
    }

    /// What an operator should know although the peer is accepted.
    pub fn warnings(&self) -> &[VerdictWarning] {
        self.verdict.warnings()
    }

    /// The whole verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The peer may not be trusted. The text and the reason are in [`verdict`](Self::verdict).
///
/// [`tls::refusal`](crate::tls::refusal()) finds the verdict in an error of rustls, of I/O, or of a library that wraps one.
///
/// # Security
/// `Display` and `Debug` show nothing of the verdict, and the same for every reason. Libraries pass on the text of an error:
/// those of QUIC send it to the peer, which is not authenticated, and those of gRPC to the caller of the caller. A verdict
/// names what is installed: show it to operators alone.
///
/// ```
/// use mutual_trust::Verdict;
///
/// fn log(verdict: Verdict) {
///     if let Err(refusal) = verdict.into_result() {
///         assert_eq!(refusal.to_string(), "refused: see the verdict"); // for every reader
///         eprintln!("{}", refusal.verdict()); // for the operator
///     }
/// }
/// # let _ = log;
/// ```
#[derive(Clone)]
pub struct Refusal(Arc<Verdict>);

impl Refusal {
    /// For a verdict that is shared already. A refusal made of an acceptance would still refuse.
    pub(crate) fn new(verdict: impl Into<Arc<Verdict>>) -> Self {
        Self(verdict.into())
    }

    /// The reason code.
    pub fn reason(&self) -> ReasonCode {
        self.0.reason()
    }

    /// The whole verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused: see the verdict")
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Refusal {}

impl Verdict {
    /// The verdict as a `Result`, so that `?` and the compiler see to it that a refusal is not passed over.
    ///
    /// ```compile_fail
    /// #![deny(unused_must_use)]
    /// # fn ask() -> mutual_trust::Verdict { unimplemented!() }
    /// ask();
    /// ```
    ///
    /// ```compile_fail
    /// #![deny(unused_must_use)]
    /// # fn ask() -> mutual_trust::Verdict { unimplemented!() }
    /// ask().into_result();
    /// ```
    ///
    /// ```
    /// #![deny(unused_must_use)]
    /// use mutual_trust::Verdict;
    /// use mutual_trust::policy::Refusal;
    ///
    /// fn label(verdict: Verdict) -> Result<String, Refusal> {
    ///     let accepted = verdict.into_result()?;
    ///     Ok(accepted.peer().to_string())
    /// }
    /// ```
    ///
    /// # Errors
    /// The verdict is a refusal.
    pub fn into_result(self) -> Result<Accepted, Refusal> {
        match &self.outcome {
            Ok(acceptance) => Ok(Accepted {
                acceptance: acceptance.clone(),
                verdict: self,
            }),
            Err(_) => Err(Refusal::new(self)),
        }
    }
}

/// Back to the whole data, for callers that show or store verdicts of both kinds.
impl From<Result<Accepted, Refusal>> for Verdict {
    fn from(result: Result<Accepted, Refusal>) -> Self {
        match result {
            Ok(accepted) => accepted.verdict,
            Err(Refusal(verdict)) => Arc::unwrap_or_clone(verdict),
        }
    }
}
