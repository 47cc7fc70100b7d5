//! Results about links: verdicts, connections, enrolment and the test server; and errors.

use serde::Serialize;

use super::{Certificate, Effects, Report, Verdict};

/// An error, on standard error.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Problem {
    /// What failed: a room of the library and the variant of its error, or a word of the command
    pub(crate) kind: String,
    /// Why, with the file or address at fault
    pub(crate) message: String,
}

/// The verdict on a chain.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Judged {
    /// The verdict
    pub(crate) verdict: Verdict,
    /// The presented certificates, the peer's own first
    pub(crate) presented: Vec<Certificate>,
    /// Fingerprints from the end entity to the authority, if a chain was accepted
    pub(crate) path: Vec<String>,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkState {
    Works,
    RefusedByUs,
    RefusedByPeer,
    ClosedByPeer,
}

/// A connection.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Connected {
    #[serde(flatten)]
    pub(crate) judged: Judged,
    /// The address as it was named, with its port
    pub(crate) address: String,
    /// The address and port that answered
    pub(crate) answered_by: String,
    /// What became of the link
    pub(crate) link: LinkState,
    /// The alert with which the server refused us
    pub(crate) alert: Option<String>,
    /// Whether our end finished its handshake
    pub(crate) handshake_finished: bool,
    /// The version of TLS
    pub(crate) tls: Option<&'static str>,
    /// The cipher suite
    pub(crate) cipher_suite: Option<String>,
    /// The group of the key exchange
    pub(crate) key_exchange: Option<String>,
    /// Our own identity on the link
    pub(crate) identity: OurIdentity,
    /// What the key server answered; null without --kmip, or if there is no link
    pub(crate) kmip: Option<Kmip>,
}

/// A step of the questions to a key server.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum KmipStep {
    Versions,
    Query,
    Key,
}

/// What a key server answered in KMIP. Its texts are its own.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Kmip {
    /// The step at which the test ended; null if the server answered all that was asked, and the key is active
    pub(crate) failed_step: Option<KmipStep>,
    /// The versions that the server knows, the newest first
    pub(crate) versions: Vec<String>,
    /// The version that was used
    pub(crate) version: Option<String>,
    /// How the server names its vendor
    pub(crate) vendor: Option<String>,
    /// What the server says of itself besides
    pub(crate) server_information: Vec<String>,
    /// The operations that it offers us
    pub(crate) operations: Vec<String>,
    /// The types of objects that it has
    pub(crate) object_types: Vec<String>,
    /// The key that was asked for
    pub(crate) key: Option<KmipKey>,
    /// Why the server does not serve us
    pub(crate) refusal: Option<KmipRefusal>,
}

/// Attributes of a key. The key itself is never asked for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KmipKey {
    /// Its ID, as it was asked for
    pub(crate) id: String,
    /// Its state, of which Active is the one in which it protects data
    pub(crate) state: Option<String>,
    /// The type of the object
    pub(crate) object_type: Option<String>,
    /// Its algorithm
    pub(crate) algorithm: Option<String>,
    /// Its length
    pub(crate) bits: Option<i32>,
    /// Its names at the server
    pub(crate) names: Vec<String>,
}

/// Why a key server does not serve us.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KmipRefusal {
    /// The operation
    pub(crate) operation: String,
    /// The result reason of the server
    pub(crate) reason: Option<String>,
    /// What the server says
    pub(crate) message: Option<String>,
    /// What it means
    pub(crate) meaning: String,
    /// What to do
    pub(crate) remedy: String,
}

/// Our identity on a link.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OurIdentity {
    /// The fingerprint of our certificate
    pub(crate) fingerprint: String,
    /// Whether it was made for this link alone
    pub(crate) temporary: bool,
    /// The beginning of its validity
    pub(crate) not_before: String,
    /// The end of its validity
    pub(crate) not_after: String,
    /// What some servers refuse about it
    pub(crate) advice: Vec<String>,
    /// Whether the server asked for a client certificate
    pub(crate) asked: bool,
    /// Whether the server got ours
    pub(crate) sent: bool,
    /// Whether the server took it; null if it was not sent, or if no refusal was waited for
    pub(crate) accepted: Option<bool>,
    /// Whether it was recorded in the folder of our identity that the server accepted the next certificate
    pub(crate) recorded: bool,
}

/// An enrolment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Enrolled {
    /// The id of the server
    pub(crate) server: String,
    /// The address that was dialled, with its port
    pub(crate) address: String,
    /// Whether the server is trusted from now on
    pub(crate) changed: bool,
    /// What the server presented
    pub(crate) presented: Presented,
    /// What the installation did
    pub(crate) report: Option<Report>,
    /// The peers that are judged differently by it
    pub(crate) effects: Option<Effects>,
    /// The result as a sentence
    pub(crate) message: String,
    /// The names of the server, if it was accepted
    pub(crate) dialled_as: Option<Vec<String>>,
}

/// What a peer presented that is to be enrolled. Its fingerprint must come from the peer itself, so it is not here.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Presented {
    /// The role of the peer
    pub(crate) role: String,
    /// The subject of its certificate
    pub(crate) subject: String,
    /// The issuer of its certificate
    pub(crate) issuer: String,
    /// The subject alternative names of its certificate
    pub(crate) names: Vec<String>,
    /// The end of its validity
    pub(crate) not_after: String,
    /// The kind of its key
    pub(crate) key: String,
    /// The code of the reason for which it is not trusted yet
    pub(crate) reason: String,
    /// Whether the peer proved that it has the private key
    pub(crate) proved: bool,
}

/// The end of the test server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Served {
    /// How many clients were accepted or rejected at the console
    pub(crate) decisions: usize,
    /// How many clients found no place to wait
    pub(crate) missed: u64,
}

/// An event of the test server, in one line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// It listens
    Listening {
        /// The address and port
        address: String,
    },
    /// Another process changed the store
    Changed {
        /// The generation that is in force
        generation: u64,
    },
    /// Something failed
    Error {
        /// Why
        message: String,
    },
    /// The clients that wait
    Pending {
        /// The clients
        peers: Vec<Waiting>,
    },
    /// A client was accepted at the console
    #[serde(rename = "accepted")]
    LetIn {
        /// What the installation did
        report: Report,
    },
    /// A client was rejected at the console
    Rejected {
        /// Its number
        id: String,
    },
    /// A client was refused, or its link failed
    Refused {
        /// Why
        message: String,
        /// The code of the reason, if it was refused
        reason: Option<String>,
        /// The address from which it came
        address: Option<String>,
    },
    /// A client is trusted
    Client {
        /// Who it is
        peer: String,
        /// The verdict
        verdict: Box<Verdict>,
    },
    /// A connected client is not trusted any more, and its session was ended
    Ended {
        /// Who it is
        peer: String,
        /// The verdict
        verdict: Box<Verdict>,
    },
}

/// A client that waits to be accepted.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Waiting {
    /// Its number
    pub(crate) id: String,
    /// The address from which it came
    pub(crate) address: String,
    /// How often it came
    pub(crate) times: u64,
    /// When it came last
    pub(crate) last_seen: String,
    /// What it presented
    pub(crate) presented: Presented,
}
