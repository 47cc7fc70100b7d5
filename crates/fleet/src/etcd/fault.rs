//! What etcd or the connection to it says, as errors of a transport.

use core::fmt;
use std::error::Error;

use mutual_trust::tls;
use tonic::{Code, Status};

use super::limits::{MAX_ANSWER, REQUEST_TIMEOUT};
use crate::TransportError;

/// An error of etcd-client, without the member that it is about.
#[derive(Debug)]
pub(super) struct Fault(etcd_client::Error);

impl From<etcd_client::Error> for Fault {
    fn from(error: etcd_client::Error) -> Self {
        Self(error)
    }
}

impl Fault {
    fn status(&self) -> Option<&Status> {
        if let etcd_client::Error::GRpcStatus(status) = &self.0 {
            Some(status)
        } else {
            None
        }
    }

    /// Whether the lease is gone.
    pub(super) fn is_of_lost_lease(&self) -> bool {
        let by_status = self.status().is_some_and(|status| {
            status.code() == Code::NotFound && status.message().contains("lease")
        });
        by_status || matches!(self.0, etcd_client::Error::LeaseKeepAliveError(_))
    }

    /// Whether an answer is larger than what is read.
    pub(super) fn is_of_large_answer(&self) -> bool {
        self.status().is_some_and(|status| {
            let ours = status
                .message()
                .contains("decoded message length too large");
            status.code() == Code::OutOfRange && ours
        })
    }

    /// Whether another member would say the same.
    pub(super) fn is_final(&self) -> bool {
        match self.status() {
            Some(status) => !is_about_one_member(status),
            None => self.is_of_lost_lease(),
        }
    }

    /// The error of a transport.
    pub(super) fn at(self, member: &str) -> TransportError {
        let at = format!("etcd at {member}");
        let large = self.is_of_large_answer();
        let etcd_client::Error::GRpcStatus(status) = self.0 else {
            let what = self.0.to_string();
            return TransportError::Unexpected { at, what };
        };
        let reason = status.message().to_owned();
        if status.source().is_some() {
            let source = Box::new(Broken(status));
            return TransportError::Unreachable { at, source };
        }
        if large || reason.contains("request is too large") {
            let limit = MAX_ANSWER;
            return TransportError::TooLarge { at, limit };
        }
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => {
                TransportError::Refused { at, reason }
            }
            Code::InvalidArgument if is_about_the_user(&reason) => {
                TransportError::Refused { at, reason }
            }
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted => TransportError::Unavailable {
                at,
                reason,
                retry_after: None,
            },
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss => {
                let what = format!("{:?}: {reason}", status.code());
                TransportError::Unexpected { at, what }
            }
        }
    }
}

/// Whether this is the connection to a member or its state, and not an answer of the cluster.
fn is_about_one_member(status: &Status) -> bool {
    status.source().is_some()
        || matches!(
            status.code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
        )
}

/// What etcd says to a wrong password, and to a client without one.
fn is_about_the_user(reason: &str) -> bool {
    reason.contains("authentication failed") || reason.contains("user name is empty")
}

/// A member did not answer in time.
pub(super) fn timed_out(member: &str) -> TransportError {
    TransportError::TimedOut {
        at: format!("etcd at {member}"),
        after: REQUEST_TIMEOUT,
    }
}

/// A connection that did not come about, or broke.
///
/// [`tls::refusal`] finds our verdict in it. Its text has the verdict, or else what each layer says.
#[derive(Debug)]
struct Broken(Status);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(verdict) = tls::refusal(&self.0) {
            return write!(f, "its certificate is refused: {verdict}");
        }
        f.write_str(self.0.message())?;
        let mut said = self.0.message().to_owned();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
