//! Results about files: what is in them, identities, completions and the manual.

use serde::Serialize;

use super::{Bounded, Certificate, EntryKey};

/// What is in files.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Inspected {
    /// The files in the order of the command line
    pub(crate) files: Vec<InspectedFile>,
}

/// What is in a file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct InspectedFile {
    /// Its path
    pub(crate) file: String,
    /// What is in it
    pub(crate) items: Vec<Item>,
    /// Why it was not read
    pub(crate) error: Option<String>,
}

/// Something in a file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Item {
    /// A certificate
    Certificate {
        /// Its name in an archive, if it has one there
        alias: Option<String>,
        #[serde(flatten)]
        certificate: Certificate,
        /// What it could be installed as
        roles: Vec<Role>,
    },
    /// A revocation list
    Crl {
        /// Its issuer (RFC 4514)
        issuer: String,
        /// Its number, if it has one
        number: Option<String>,
        /// When it was issued
        this_update: String,
        /// When the next one is due, if it says so
        next_update: Option<String>,
        /// How many certificates it revokes
        revoked: usize,
        /// Its SHA-256 fingerprint
        fingerprint: String,
        /// Why it cannot be installed
        why_not: Option<String>,
    },
    /// A certificate request
    Request {
        /// SHA-256 over its SubjectPublicKeyInfo
        key_pin: String,
    },
    /// A private key
    PrivateKey {
        /// Its kind
        key: String,
        /// Whether it belongs to the certificate that is named, if one is
        belongs: Option<bool>,
        /// Why its file is not safe
        warning: Option<String>,
    },
    /// A private key in an archive, which is not taken out
    #[cfg(feature = "formats")]
    ArchivedKey {
        /// Its name there, if it has one
        alias: Option<String>,
        /// Whether it is encrypted there
        encrypted: bool,
    },
    /// The file of a store
    Store {
        /// Its generation
        generation: u64,
        /// The digest of its content
        digest: String,
        /// How many entries it has
        entries: usize,
        /// How many servers it has
        servers: usize,
        /// How many groups it has
        groups: usize,
        /// How many blocks it has
        blocks: usize,
        /// How many revocation lists it has
        crls: usize,
        /// Entries that accept nothing on this machine
        disabled: Bounded<Disabled>,
    },
}

/// A slot and scope in which a certificate could be installed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Role {
    /// The slot and the peers
    pub(crate) role: &'static str,
    /// Whether it could be installed
    pub(crate) possible: bool,
    /// Warnings, if it could
    pub(crate) warnings: Vec<String>,
    /// Why it could not
    pub(crate) why_not: Option<String>,
}

/// An entry that accepts nothing on this machine.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Disabled {
    /// The entry
    pub(crate) entry: EntryKey,
    /// Why it accepts nothing
    pub(crate) why: String,
}

/// Our identity, as it is in files.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct IdentityFiles {
    /// Our certificate, then its issuers
    pub(crate) chain: Vec<Certificate>,
    /// The file of the chain that was written
    pub(crate) identity_file: Option<String>,
    /// The file of its private key, if it was written or named for it
    pub(crate) key_file: Option<String>,
    /// What some peers refuse about it
    pub(crate) advice: Vec<String>,
    /// Of an archive: the certificates that are not of this identity, and were left out
    pub(crate) left_out: Vec<Certificate>,
}

/// A certificate request that was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RequestFiles {
    /// The file of the request
    pub(crate) request: String,
    /// The file of its private key
    pub(crate) key_file: String,
    /// SHA-256 over its SubjectPublicKeyInfo
    pub(crate) key_pin: String,
}

/// Completions for a shell.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: String,
    /// What the shell reads
    pub(crate) script: String,
}

/// The manual.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Manual {
    /// The first page, without `--out`
    Page {
        /// The page, in the language of manual pages
        page: String,
    },
    /// The pages that were written
    Pages {
        /// The folder in which they are
        folder: String,
        /// Their names
        pages: Vec<String>,
    },
}
