//! Results about the rotation and the renewal of our identity.

use serde::Serialize;

/// Our identity in a folder, and the phase of its rotation.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct IdentityRotation {
    /// The folder
    pub(crate) folder: String,
    /// The phase: `none`, `staged`, `activating` or `activated`
    pub(crate) phase: &'static str,
    /// Our current certificate
    pub(crate) current: OwnCertificate,
    /// The next one, if one is staged
    pub(crate) next: Option<OwnCertificate>,
    /// When it was staged; null also if the clock was unset
    pub(crate) staged: Option<String>,
    /// Whether a CA has not answered our request for the next certificate
    pub(crate) requested: bool,
    /// Since when; null also if the clock was unset
    pub(crate) requested_since: Option<String>,
    /// The servers of the store, or without `--store` those for which something was said
    pub(crate) servers: Vec<RotatedServer>,
    /// Whether every server was seen to accept the next certificate, so that the current one can go
    pub(crate) may_finish: bool,
}

/// A certificate of ours in a folder.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OwnCertificate {
    /// Its fingerprint
    pub(crate) fingerprint: String,
    /// The beginning of its validity
    pub(crate) not_before: String,
    /// The end of its validity
    pub(crate) not_after: String,
    /// Its file
    pub(crate) file: String,
}

/// A server in a rotation of our identity.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RotatedServer {
    /// Its id
    pub(crate) server: String,
    /// Whether it is presented the next certificate
    pub(crate) activated: bool,
    /// Since when it is presented what it is presented; null if that was never changed or the clock was unset
    pub(crate) since: Option<String>,
    /// Whether it was seen to accept the next certificate
    pub(crate) accepted: bool,
    /// When that was seen last; null also if the clock was unset
    pub(crate) accepted_at: Option<String>,
}

/// What became of a renewal.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct IdentityRenewal {
    /// `not_due`; `renewed` (the next certificate is staged); `used` (it is presented to all, and the old key is deleted);
    /// `staged` (one was staged before); `requested` (a request was made); `waiting` (for the CA's answer to it)
    pub(crate) state: &'static str,
    /// When it is due, if it is not
    pub(crate) due: Option<String>,
    /// The file of the request
    pub(crate) request: Option<String>,
    /// Why the file of the answer was not taken
    pub(crate) answer_not_taken: Option<String>,
    /// Whether half of the time between the share of life and the end is over, and the renewal is not
    pub(crate) late: bool,
    /// The folder after it
    pub(crate) rotation: IdentityRotation,
}
